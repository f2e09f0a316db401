#!/bin/bash
# fmnist_nn beside other libraries: one task in each of them that is installed here, a program a
# library (bench/peers/*_task.*), and of what it measures the table in bench/COMPARED.md. Called by
# `make compare`.
#
#     bash bench/compare.sh            measures all, puts the table into the page
#     bash bench/compare.sh --table    prints the table of the last measurement
#     bash bench/compare.sh --write    puts that into the page
#     SMALL=1         1,000 images, one seed: does it work? The page stays as it is
#     ONLY="fann torch"                these libraries alone; the page stays
#     SEEDS=3 EPOCHS=5 CNN_EPOCHS=1    how much is trained; CORE=1: where it runs
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=examples/common.sh
. examples/common.sh
# shellcheck source=bench/tables.sh
. bench/tables.sh
CXX=${CXX:-g++} PYTHON=${PYTHON:-/usr/bin/python3}
page=bench/COMPARED.md rows='' head='' new=''
trap 'rm -f "$rows" "$head" "$new"' EXIT
results=bench/results/compared${SMALL:+-small}${ONLY:+-part}.csv
fail() {
    echo "bench/compare.sh: $1" >&2
    exit 1
}

# ---- the task: plain gradient descent, the same for all ----
batch=100 rate=.1
epochs_of() { # MODEL
    case $1 in mlp) echo "${EPOCHS:-5}" ;; cnn1) echo "${CNN_EPOCHS:-1}" ;; esac
}

# ---- the libraries ----
peers='fmnist_nn fann tiny_dnn dlib darknet torch sklearn'

# peer NAME: sets what it is called, its program, how that is compiled (by nothing: Python), what
# tells that it is installed (a header or module), Debian's package, and what is not as in the task.
peer() {
    local native='-O3 -march=native -DNDEBUG' # checks left out, as in a release
    module='' note='' package='' libraries='' whole=''
    case $1 in
    fmnist_nn)
        name=fmnist_nn source=fmnist_nn_task.c compile="$CC -O2" libraries=-lm
        header=stdio.h note='-O2'
        ;;
    fann)
        name=FANN source=fann_task.c compile="$CC $native" libraries='-lfann -lm'
        header=fann.h package=libfann-dev
        note='library as in Debian; sigmoids and squared error; a step after each image'
        ;;
    tiny_dnn)
        name=tiny-dnn source=tiny_dnn_task.cpp header=tiny_dnn/tiny_dnn.h
        compile="$CXX $native -DCNN_USE_AVX -DCNN_SINGLE_THREAD -Ibuild/compare/include"
        package='tiny-dnn libcereal-dev libstb-dev libgemmlowp-dev'
        note='-O3 -march=native; its AVX kernels; images in order'
        ;;
    dlib)
        name=dlib source=dlib_task.cpp compile="$CXX $native" header=dlib/dnn.h
        libraries='-ldlib -llapack -lblas -lpthread' package='libdlib-dev libopenblas-dev'
        note='library as in Debian; OpenBLAS' whole=1 # its reader takes the whole data only
        ;;
    darknet)
        name=darknet source=darknet_task.c header=darknet.h package=darknet
        compile="$CC $native -I/usr/lib/darknet/include"
        libraries='-L/usr/lib/darknet -Wl,-rpath,/usr/lib/darknet -ldarknet -lm'
        note='library as in Debian; images in order'
        ;;
    torch)
        name=PyTorch source=torch_task.py compile='' module=torch package=python3-torch
        note='as in Debian'
        ;;
    sklearn)
        name=scikit-learn source=sklearn_task.py compile='' module=sklearn.neural_network
        package='python3-sklearn libopenblas0-pthread' note='as in Debian'
        ;;
    *) fail "ONLY: expected some of $peers, found $1" ;;
    esac
    source=bench/peers/$source
}

installed() {
    if [ -n "$module" ]; then
        "$PYTHON" -c "import $module" 2>/dev/null
    else
        # shellcheck disable=SC2086
        echo "#include <$header>" | $compile -E -x "$(language)" - >/dev/null 2>&1
    fi
}
language() { case $source in *.cpp) echo c++ ;; *) echo c ;; esac; }

version() { # NAME
    if [ "$1" = fmnist_nn ]; then
        sed -n 's/^#define FNN_VERSION "\(.*\)"/\1/p' fmnist_nn.h
    elif [ -n "$module" ]; then
        "$PYTHON" -c "import ${module%%.*} as m; print(m.__version__)"
    else
        dpkg-query -W -f '${Version}' "${package%% *}" 2>/dev/null |
            sed 's/^0\.0\.0+\(git[0-9]*\).*/\1/; s/[-+].*//'
    fi
}

# What a user writes: lines that are neither blank nor comments, with the reader of files where the
# library has none. The clock's lines (task.h) are all programs' and count for none.
lines() {
    case $source in
    *.py) grep -vcE '^ *(#|$)' "$source" ;;
    *)
        {
            bare_source "$source"
            ! grep -q '"idx.h"' "$source" || bare_source bench/peers/idx.h
        } | grep -vcE '^ *//'
        ;;
    esac
}

# MB of shared libraries that must be there to run it, the C library's own apart.
shared_mb() { # PROGRAM
    if [ -n "$module" ]; then
        "$PYTHON" -c "import $module; print(open('/proc/self/maps').read())" |
            awk '$6 ~ /^\/.*(\.so|python)/ { print $6 }'
    else
        ldd "$1" | awk '$3 ~ /^\// { print $3 }'
    fi | sort -u | grep -vE '/(libc|libm|libpthread|libdl|librt|ld-[^/]*)\.so' |
        xargs -r stat -Lc %s | awk '{ sum += $1 } END { printf "%.1f", sum / 1e6 }'
}

# ---- the data: unpacked, with the small ones cut off ----
data=build/compare/data${SMALL:+-small}

# The four bytes of a number in an IDX header.
number() { for byte in 24 16 8 0; do printf '%b' "\\x$(printf %x $(($1 >> byte & 255)))"; done; }

unpack() { # FILE HEADER-BYTES ITEM-BYTES ITEMS
    local folder folders=(data /usr/share/datasets/fashion-mnist)
    [ -z "${FMNIST_DIR:-}" ] || folders=("$FMNIST_DIR")
    rm -f "$data/$1"
    for folder in "${folders[@]}"; do
        if [ -f "$folder/$1" ]; then
            cp "$folder/$1" "$data/$1"
        elif [ -f "$folder/$1.gz" ]; then
            gunzip -c "$folder/$1.gz" >"$data/$1"
        fi || fail "$folder/$1 cannot be unpacked"
        [ ! -f "$data/$1" ] || break
    done
    [ -f "$data/$1" ] || fail "there is no $1: make data fetches it"
    [ -n "${SMALL:-}" ] || return 0
    {
        head -c 4 "$data/$1"
        number "$4"
        tail -c +9 "$data/$1" | head -c $(($2 - 8 + $3 * $4))
    } >"$data/$1.new" && mv "$data/$1.new" "$data/$1"
}

# ---- measuring ----

# A row for each model and seed that a library can do.
measure() { # NAME
    local program=build/compare/$1 run model seed spent=0 size='' facts answer status
    if ! installed; then
        echo "$name: not installed here (Debian: $package)" >&2
        echo "# missing: $name" >>"$head"
        return
    fi
    if [ -n "$whole" ] && [ -n "${SMALL:-}" ]; then
        echo "$name: left out, its reader takes the whole data only" >&2
        return
    fi
    run=("$PYTHON" -B "$source")
    if [ -n "$compile" ]; then
        rm -f "$program"
        # shellcheck disable=SC2086
        spent=$({
            TIMEFORMAT='%U %S'
            time $compile -Wall -Wextra "$source" -o "$program" $libraries 2>"$program.log"
        } 2>&1 | awk '{ printf "%.1f", $1 + $2 }')
        if [ ! -x "$program" ]; then
            cat "$program.log" >&2
            fail "$source does not compile"
        fi
        strip "$program" && size=$(stat -c %s "$program") && run=("$program")
    fi
    facts="$(lines),$spent,${size:+$((size / 1000))},$(shared_mb "$program")"
    for model in mlp cnn1; do
        seed=1
        while [ $seed -le "$(seeds_of $model)" ]; do
            answer=$("${one_core[@]}" "${run[@]}" $model "$data" "$(epochs_of $model)" $batch \
                $rate $seed 2>"$program.log")
            status=$?
            [ $status -ne 3 ] || break # it has no such model
            if [ $status -ne 0 ]; then
                cat "$program.log" >&2
                fail "$name, $model ended with status $status"
            fi
            row "$name $(version "$1")" "$model" $seed "$facts" "$answer" || exit 1
            seed=$((seed + 1))
        done
    done
}
# The convolutions take long and vary little in speed: one seed.
seeds_of() { if [ "$1" = mlp ] && [ -z "${SMALL:-}" ]; then echo "${SEEDS:-3}"; else echo 1; fi; }

# row NAME MODEL SEED FACTS ANSWER: the answer is what task.h prints.
row() {
    local line
    line=$(awk -v start="$1,$note,$2,$3,$4" '
        $1 == "load" && $3 == "train" && $5 == "images" && $7 == "tested" && $9 == "right" &&
        $11 == "predict" && NF == 12 && $4 > 0 && $8 > 0 {
            printf "%s,%.0f,%.2f,%.2f,%.4f\n", start, $6 / $4, $2 + $4, 100 * $10 / $8,
                1000 * $12 / $8
            good = 1
        }
        END { exit !good }' <<<"$5") && echo "$line" | tee -a "$rows" && return
    fail "$1, $2: expected the line of task.h, found '$5'"
}
columns=library,note,model,seed,lines,compile_s,program_kb,shared_mb,images_per_s,total_s
columns=$columns,accuracy,predict_ms

measure_all() {
    local file name compile source header module package note libraries whole
    mkdir -p bench/results build/compare/include/third_party "$data" || exit 1
    can_write "$results" || exit 1
    rows=$(mktemp) && head=$(mktemp) || exit 1
    ln -sfn /usr/include/stb build/compare/include/third_party/stb # where tiny-dnn looks for it
    while read -r file; do
        # shellcheck disable=SC2086
        unpack $file
    done <<<"train-images-idx3-ubyte 16 784 1000
train-labels-idx1-ubyte 8 1 1000
t10k-images-idx3-ubyte 16 784 200
t10k-labels-idx1-ubyte 8 1 200"
    # One thread, on one core: who starts more of them gains nothing by it.
    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
    one_core=(env)
    ! command -v taskset >/dev/null || one_core=(taskset -c "${CORE:-$(($(nproc) - 1))}")
    {
        echo "# run: $(date -u '+%Y-%m-%d %H:%M:%S') $$"
        echo "# machine: $(machine)"
        echo "# compiler: $($CC --version | head -n 1)"
        printf '# task: %s and %s epochs, %s and %s seeds, batch %s, rate %s%s\n' \
            "$(epochs_of mlp)" "$(epochs_of cnn1)" "$(seeds_of mlp)" "$(seeds_of cnn1)" \
            "$batch" "$rate" "${SMALL:+, 1,000 images only}"
    } >"$head"
    for library in ${ONLY:-$peers}; do
        peer "$library"
        measure "$library"
    done
    new=$results.new.$$
    if ! { cat "$head" && echo $columns && cat "$rows"; } >"$new" || ! mv "$new" "$results"; then
        fail "$results: cannot be written"
    fi
}

# ---- the table ----

# The quickest of a library's runs, the mean of their accuracies; it refuses what it cannot read.
table() {
    [ -f "$results" ] || fail "$results is not there: make compare makes it"
    [ -n "$(comment "$results" run)" ] || fail "$results does not say which run it is of"
    awk -F, -v columns="$columns" "$thousands"'
        function refuse(what) {
            print "bench/compare.sh: " FILENAME ":" FNR ": " what >"/dev/stderr"
            failed = 1
            exit 1
        }
        function least(x, key, value) {
            if (!(key in x) || value < x[key]) x[key] = value
        }
        function figures(library, model, key) {
            key = library "," model
            if (!(key in speed)) return " - | - | - | - |"
            return sprintf(" %s | %.1f | %.2f | %.3f |", thousands(speed[key]), total[key],
                sum[key] / count[key], predict[key])
        }
        /^#/ { next }
        !begun {
            if ($0 != columns) refuse("expected " columns ", found " $0)
            begun = 1
            next
        }
        NF != split(columns, name) { refuse("expected " split(columns, name) " fields, found " NF) }
        $3 != "mlp" && $3 != "cnn1" { refuse("expected mlp or cnn1, found " $3) }
        {
            for (i = 4; i <= NF; i++) # a script has no size
                if ($i !~ /^[0-9]+(\.[0-9]+)?$/ && !(name[i] == "program_kb" && $i == ""))
                    refuse(name[i] ": expected a number, found \"" $i "\"")
            if ($9 <= 0 || $11 > 100) refuse("expected a speed and an accuracy, found " $9 ", " $11)
            key = $1 "," $3
            if (!($1 in facts)) order[++libraries] = $1
            facts[$1] = sprintf(" %s | %s | %s | %s |", $7 == "" ? "-" : thousands($7), $8,
                $7 == "" ? "-" : $6, $5)
            notes[$1] = $2
            if (!(key in speed) || $9 > speed[key]) speed[key] = $9
            least(total, key, $10)
            least(predict, key, $12)
            sum[key] += $11
            count[key]++
        }
        END {
            if (failed) exit 1
            if (!libraries) refuse("there is no row")
            print "| | images/s | load and train, s | accuracy, % | one image, ms |" \
                " cnn1: images/s | load and train, s | accuracy, % | one image, ms |" \
                " program, kB | libraries, MB | compile, s | lines | how |"
            print "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"
            for (i = 1; i <= libraries; i++)
                print "| " order[i] " |" figures(order[i], "mlp") figures(order[i], "cnn1") \
                    facts[order[i]] " " notes[order[i]] " |"
        }' "$results" || exit 1
    local missing when
    missing=$(comment "$results" missing) when=$(comment "$results" run)
    printf '\n%s; %s; %s; on %s%s.\n' "$(comment "$results" machine)" \
        "$(comment "$results" compiler)" "$(comment "$results" task)" "${when%% *}" \
        "${missing:+; not installed: $missing}"
}

write() {
    local lines
    lines=$(table) || exit 1
    if ! grep -qx '<!-- figures -->' $page || ! grep -qx '<!-- end of figures -->' $page; then
        fail "$page has no place for it, between <!-- figures --> and <!-- end of figures -->"
    fi
    new=$page.new.$$
    TABLE=$lines awk '
        /^<!-- figures -->$/ { print $0 "\n\n" ENVIRON["TABLE"] "\n"; inside = 1 }
        /^<!-- end of figures -->$/ { inside = 0 }
        !inside' $page >"$new" && mv "$new" $page && echo "written to $page"
}

case ${1:-} in
--table) table ;;
--write) write ;;
'')
    measure_all
    if [ -n "${SMALL:-}${ONLY:-}" ]; then table; else write; fi
    ;;
*) fail "expected --table, --write or nothing, found $1" ;;
esac
