#!/bin/bash
# The scripts of bench/, in a copy of the tree whose programs only say that they ran: what they
# cannot write they refuse before the work; the tables that they make of others.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/bench
rm -rf "$here"
mkdir -p "$here"
# shellcheck source=tests/places.sh
. tests/places.sh

copy=$here/scripts
mkdir -p "$copy/build" "$copy/bin"
cp -r bench examples "$copy"
rm -rf "$copy/bench/results" "$copy/examples/results" "$copy"/examples/*/*.c
rows() { echo 'echo ran >>ran; echo kernel,isa,threads,; seq -f row,%.0f,1 '"${1:-3}"; }
for name in kernels train; do rows >"$copy/build/bench_$name"; done
cat >"$copy/bin/hyperfine" <<'END'
#!/bin/bash
while [ $# -gt 1 ]; do [ "$1" = --export-csv ] && file=$2; shift; done
echo ran >>ran
seq 3 >"$file"
END
chmod +x "$copy"/build/* "$copy/bin/hyperfine"
refused_script() { # PATTERN COMMAND...: in the copy, before anything ran
    local pattern=$1 output
    shift
    rm -f "$copy/ran"
    output=$(cd "$copy" && PATH=$PWD/bin:$PATH "$@" 2>&1)
    [ $? -eq 1 ] && grep -qE -e "$pattern" <<<"$output" && [ ! -e "$copy/ran" ] && return
    echo "expected status 1, $pattern and no run; found $output"
    return 1
}
benches() { # SCRIPT TABLE ARGUMENT...
    local script=bench/$1 table=bench/results/$2
    shift 2
    rm -rf "$copy/bench/results"
    echo old >"$copy/bench/results"
    refused_script 'results.*: (File exists|Not a directory)' bash "$script" "$@" || return 1
    rm "$copy/bench/results"
    mkdir -p "$copy/$table"
    refused_script "$table: expected a file" bash "$script" "$@" || return 1
    rmdir "$copy/$table"
    (cd "$copy" && PATH=$PWD/bin:$PATH bash "$script" "$@") && [ -s "$copy/$table" ]
}
export ISA=scalar THREADS=1
check 'the benches refuse what they cannot write' benches run.sh kernels.csv
check 'the second table too, before the first is made' benches run.sh train.csv
check 'a table begins with the run and the machine' \
    grep -qE '^# run: 2[0-9]{3}-' "$copy/bench/results/train.csv"
check 'and those of whole programs' benches programs.sh programs.csv demo
unset ISA THREADS
bench_on_a_full_disk() {
    local new
    rows 400 >"$copy/build/bench_kernels"
    echo old >"$copy/bench/results/kernels.csv"
    (cd "$copy" && on_a_full_disk 1 bash bench/run.sh 2>&1) && return 1
    new=$(find "$copy/bench/results" -name 'new*')
    [ "$(cat "$copy/bench/results/kernels.csv")" = old ] && [ -z "$new" ]
}
check 'a table that the disk does not take leaves the old one' bench_on_a_full_disk

# README's table of speed: two tables of one run as run.sh leaves them, of a machine made up here.
speed_tables() { # RUN-OF-KERNELS RUN-OF-TRAIN
    local results=$copy/bench/results
    {
        printf '# run: %s\n# machine: Chip, family 7 model 1, 2 cores\n# flags: -O2\n' "$1"
        printf '# compiler: gcc 1.2.3\n# peer: Peer 1.0\n'
        echo kernel,shape,isa,threads,winograd_limit,peer,ratio,disturbed
        echo sgemm,1x1x1,best,1,,slow,9,
        echo sgemm,1x1x1,best,1,,fast,2,
        echo sgemm_tn,1x1x1,best,1,,fast,0.5,peer
        echo sgemm,1x1x1,best,2,,fast,0.1,
        echo sgemm,1x1x1,worse,1,,fast,0.1,
        echo conv2d_forward,a,best,1,500,fast,1.25,
        echo conv2d_forward,b,best,1,,fast,0.1,
    } >"$results/kernels.csv"
    {
        printf '# run: %s\n# machine: Chip, family 7 model 1, 2 cores\n' "$2"
        echo model,isa,threads,images_per_s,limit_percent,peer,ratio,disturbed
        echo mlp1,best,1,1234567,83.4,slow,3,
        echo mlp1,best,1,1234568,83.6,fast,1.5,
        echo mlp2,best,1,1000,50,,,
        echo cnn1,best,1,99,120,fast,2,
        echo cnn1,best,2,1,1,fast,0.1,
    } >"$results/train.csv"
}
speed() { (cd "$copy" && bash bench/readme.sh "$@"); }
cat >"$here/speed.md" <<'END'
before
<!-- speed -->

| one thread | old head |
|---|
| Chip, family 7 model 10; stays | 1 |
| Chip, family 7 model 1; goes | 2 |

<!-- end of speed -->
| Chip, family 7 model 1; is no line of it |
END
own_line='| Chip, family 7 model 1; gcc 1.2.3 -O2, Peer 1.0, best | 1,234,568 (84 %, 1.50 x fast)'
own_line="$own_line | 1,000 (50 %) | 99 (120 %, 2.00 x fast) | 1.00, worst 0.50 (2)"
own_line="$own_line | 1.25, worst 1.25 (1) | - | - |"
written_speed() { # twice: the second time it finds its own line
    for _ in 1 2; do
        speed --write || return 1
        diff <(grep -v '^| one thread\|^|---' "$copy/README.md") - <<END || return 1
before
<!-- speed -->

| Chip, family 7 model 10; stays | 1 |
$own_line

<!-- end of speed -->
| Chip, family 7 model 1; is no line of it |
END
    done
}
cp "$here/speed.md" "$copy/README.md"
speed_tables one one
check 'the table of speed holds what was measured' diff <(speed 2>/dev/null | tail -1) - \
    <<<"$own_line"
check 'it is written between its marks, and nothing else changes' written_speed
disturbed_speed() {
    speed 2>&1 >/dev/null | grep -x 'disturbed: 1 of the 9 rows that it is made of'
}
check 'rows that were disturbed are told' disturbed_speed
speed_tables one two
refuses 'tables of two runs make none' 'are of two runs' speed
speed_tables one one
sed -i /^mlp2/d "$copy/bench/results/train.csv"
refuses 'a model that was not measured is missed' 'no row of mlp2' speed --write
sed -i '/^# run/d' "$copy/bench/results/train.csv"
refuses 'so is the run' 'train.csv does not say which run' speed
rm "$copy/bench/results/train.csv"
refuses 'and the table' 'train.csv is not there' speed
speed_tables one one
sed -i '/end of speed/d' "$copy/README.md"
refuses 'a README without the place for it is refused' 'no place for it' speed --write
check 'README has that place' test "$(grep -cxE '<!-- (end of )?speed -->' README.md)" -eq 2

summary
