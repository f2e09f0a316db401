#!/bin/bash
# bench/compare.sh: the table that it makes of a measurement, what it refuses, and a measurement of
# a library that is a stand-in here. Nothing is compiled.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$PWD/$build/compare
rm -rf "$here"
mkdir -p "$here/bench/results" "$here/data"
cp -r bench/compare.sh bench/tables.sh bench/peers "$here/bench"
mkdir "$here/examples" && cp examples/common.sh "$here/examples"
unset SMALL ONLY SEEDS EPOCHS CNN_EPOCHS CORE
compare() { (cd "$here" && bash bench/compare.sh "$@"); }

# ---- the table ----

results=$here/bench/results/compared.csv
columns=library,note,model,seed,lines,compile_s,program_kb,shared_mb,images_per_s,total_s
columns=$columns,accuracy,predict_ms
measured() { # a measurement of libraries made up here
    cat >"$results" <<TABLE
# run: 2026-01-02 03:04:05 1
# machine: Chip
# compiler: cc 1
# task: 5 and 1 epochs
# missing: Third
# missing: Fourth
$columns
First 1,-O2,mlp,1,40,16.2,1470,0.0,1234567,0.52,87.00,0.0041
First 1,-O2,mlp,2,40,16.2,1470,0.0,1234000,0.51,88.00,0.0040
First 1,-O2,cnn1,1,40,16.2,1470,0.0,999,60.10,80.00,0.0400
Second 2,as in Debian,mlp,1,30,0,,350.5,1000,300.04,85.12,0.1200
TABLE
}
first='| First 1 | 1,234,567 | 0.5 | 87.50 | 0.004 | 999 | 60.1 | 80.00 | 0.040'
first="$first | 1,470 | 0.0 | 16.2 | 40 | -O2 |"
second='| Second 2 | 1,000 | 300.0 | 85.12 | 0.120 | - | - | - | -'
second="$second | - | 350.5 | - | 30 | as in Debian |"
origin='Chip; cc 1; 5 and 1 epochs; on 2026-01-02; not installed: Third, Fourth.'
rows_of_table() {
    diff <(compare --table | grep -v '^| |\|^|--') <(printf '%s\n' "$first" "$second" '' "$origin")
}
written() { # twice, with the same outcome
    printf 'before\n<!-- figures -->\n| old |\n<!-- end of figures -->\nbehind\n' \
        >"$here/bench/COMPARED.md"
    for _ in 1 2; do
        compare --write || return 1
        diff <(grep -v '^| |\|^|--\|^$' "$here/bench/COMPARED.md") - <<TABLE || return 1
before
<!-- figures -->
$first
$second
$origin
<!-- end of figures -->
behind
TABLE
    done
}
head_fits_rows() { # as many cells in each line
    [ "$(compare --table | grep '^|' | tr -cd '|\n' | sort -u | wc -l)" -eq 1 ]
}
measured
check 'the table holds what was measured' rows_of_table
check 'its lines have the same cells' head_fits_rows
check 'it is written between its marks, and nothing else changes' written

lost_table() { # onto a full device
    compare --table >/dev/full || return 0
    echo 'succeeded though the table was lost'
    return 1
}
check 'a table that is lost is an error' lost_table

broken() { # SED-SCRIPT: what is said of a measurement changed so
    measured
    sed -i "$1" "$results"
    compare --write
}
refuses 'a figure that is no number' 'csv:10: images_per_s: expected a number, found "fast"' \
    broken 's/,999,/,fast,/'
refuses 'no figure' 'accuracy: expected a number, found ""' broken 's/,88.00,/,,/'
refuses 'a line that ends early' 'expected 12 fields, found 11' broken 's/,0.1200$//'
refuses 'a model nobody knows' 'expected mlp or cnn1, found cnn2' broken 's/,cnn1,/,cnn2,/'
refuses 'more than all images' 'expected a speed and an accuracy' broken 's/,85.12,/,185.12,/'
refuses 'no speed' 'expected a speed and an accuracy, found 0' broken 's/,999,/,0,/'
refuses 'columns of another version' 'expected library,note,' broken 's/,compile_s//'
refuses 'no row' 'there is no row' broken '/^[FS]/d'
refuses 'a measurement that does not say which' 'does not say which run' broken '/^# run/d'
measured
check 'and the page stays as it was' grep -qxF "$first" "$here/bench/COMPARED.md"
sed -i '/end of figures/d' "$here/bench/COMPARED.md"
refuses 'a page without the place for it' 'has no place for it' compare --write
rm "$results"
refuses 'no measurement' 'compared.csv is not there' compare --table
refuses 'an option that there is not' 'expected --table, --write or nothing' compare --tables
place_for_figures() { grep -cxE '<!-- (end of )?figures -->' "$1" | grep -qx 2; }
check 'the page has that place' place_for_figures bench/COMPARED.md

# ---- measuring ----

# In place of Python, with a library that says $SAID of the perceptron and has no convolutions.
cat >"$here/python" <<'END_OF_PYTHON'
#!/bin/bash
case "$*" in
*maps*) echo "address rights offset device inode $0" ;;
*version*) echo 9.8 ;;
*torch*) exit 1 ;;
*' cnn1 '*) exit 3 ;;
*' mlp '*) echo "$SAID" ;;
esac
END_OF_PYTHON
chmod +x "$here/python"
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    printf '\0\0\10\3\0\0\0\1%b' '\0\0\0\34\0\0\0\34....' >"$here/data/$name-ubyte"
done
stand_in() { # SAID
    SAID=$1 SMALL=1 ONLY='torch sklearn' PYTHON=$here/python FMNIST_DIR=$here/data compare 2>&1
}
said='load 1.5 train 2.0 images 5000 tested 200 right 100 predict 0.5'
measures() {
    local output
    output=$(stand_in "$said")
    grep -qE '^\| scikit-learn 9.8 \| 2,500 \| 3.5 \| 50.00 \| 2.500 \| - \|' <<<"$output" &&
        grep -q 'not installed: PyTorch\.$' <<<"$output" &&
        grep -q '^PyTorch: not installed here (Debian: python3-torch)$' <<<"$output" && return
    echo "$output"
    return 1
}
check 'a library that is there is measured, one that is not is named' measures
check 'small data are cut in the header, too' \
    test "$(od -An -tu1 -j4 -N4 "$here/build/compare/data-small/train-images-idx3-ubyte" |
        tr -s ' ')" = ' 0 0 3 232'
refuses 'a program that says something else' 'expected the line of task.h' stand_in 'accuracy 50'
refuses 'one that took no time' 'expected the line of task.h' stand_in "${said/train 2.0/train 0}"
rm -r "$here/data"
refuses 'data that are not there' 'there is no train-images' stand_in "$said"
summary
