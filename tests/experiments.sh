#!/bin/bash
# The programs of the five reports: each compiles without a warning, runs in its smoke form on data
# made here and leaves a right result; what they share, on figures that are known; their book and
# their plots are those of the result files.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/images.sh
. tests/images.sh
# shellcheck source=examples/common.sh
. examples/common.sh
here=$build/experiments
rm -rf "$here"
mkdir -p "$here"
# shellcheck source=tests/places.sh
. tests/places.sh
objects=$here/objects data=$PWD/$here/data
mkdir "$objects"
unset FMNIST_DIR QUICK SMOKE SEEDS THREADS DATA
# gcc takes an array that a loop fills, as long as a table has rows, for one that may not be filled.
export OMP_NUM_THREADS=2 CFLAGS="-O1 $warnings -Wno-maybe-uninitialized"

# The library that the tests share, with the stamp of the one that the programs would compile.
shared_library
ld -r "${library[@]}" -o "$objects/float.o"
echo "$CC $CFLAGS $threads" | cat - fmnist_nn.h | sha256sum >"$objects/float.o.stamp"

HASHES=$(experiment_hashes) # once for all books that are written here, which takes seconds

# ---- data sets in their usual forms, small ----

make_statlog() { # FOLDER
    local file
    mkdir -p "$1"
    for file in trn tst; do
        awk 'BEGIN { for (i = 0; i < 300; i++) {
            for (j = 0; j < 36; j++) printf "%d ", 30 + (i * 37 + j * 11 + i * j) % 120
            print substr("123457", i % 6 + 1, 1)
        } }' >"$1/sat.$file"
    done
}
make_airfoil() { # FOLDER
    mkdir -p "$1"
    awk 'BEGIN { for (i = 0; i < 80; i++)
        printf "%d\t%d\t%.1f\t%.1f\t%.3f\t%.2f\n", 800 + i * 37 % 500, i % 7, .1 + i % 3 / 10,
            30 + i % 4 * 10, .002 + i % 5 / 1000, 110 + i * 13 % 25 }' >"$1/airfoil_self_noise.dat"
}
make_images "$data"
make_images "$data/mnist"
make_images "$data/more" 6000
make_cifar10 "$data/cifar-10-batches-bin"
make_statlog "$data/statlog"
make_airfoil "$data/airfoil"

# ---- what a program promises ----

reproduce() { # FOLDER WORD: the experiments that begin with it
    env HASHES="$HASHES" SMOKE=1 RESULTS="$1" OBJECTS="$objects" DATA="$data" \
        bash examples/reproduce.sh "$2"
}

# Header lines with their values, then rows of eight cells.
right_result() { # FILE ID MODE
    awk -v id="$2" -v mode="$3" '
        function wrong(what) { print FILENAME ": " what; bad = 1 }
        /^# [a-z]+: ./ { at = index($0, ": "); head[substr($0, 3, at - 3)] = substr($0, at + 2) }
        /^#/ { next }
        !header++ {
            if ($0 != "configuration,reading,metric,reported,measured,deviation,seeds,seconds")
                wrong("header line: " $0)
            next
        }
        !/^"[^"]+","[^"]*","[^"]+"(,[^,]*)(,[^,]*)(,[^,]*),[0-9]+,[^,]*$/ { wrong("row: " $0) }
        { rows++ }
        END {
            split("id title mode options threads library seconds hash", key, " ")
            for (i = 1; i <= 8; i++) if (head[key[i]] == "") wrong("no " key[i])
            if (head["id"] != id) wrong("id: " head["id"])
            if (head["mode"] != mode) wrong("mode: " head["mode"])
            if (!rows) wrong("no row")
            exit bad
        }' "$1"
}
# The lines of a program without its first comment and its tables, each of which ends with }; in the
# first column.
lines_beside_tables() { # SOURCE
    awk '/^(static const |} ).*= {$/ { table = 1 }
        begun && !table { lines++ }
        /\*\// { begun = 1 }
        /^};/ { table = 0 }
        END { print lines + 0 }' "$1"
}
right_program() { # ID
    local source lines
    source=$(experiment_source "$1")
    lines=$(lines_beside_tables "$source")
    [ "$lines" -lt 100 ] || { echo "$source: $lines lines" && return 1; }
    sed '/\*\//q' "$source" | grep -q "^ \*     cc -O2 -fopenmp $source -o [a-z0-9_]* -lm" ||
        { echo "$source: no cc line in its first comment" && return 1; }
    right_result "$here/smoke/$1.csv" "$1" smoke && return
    sed -n "/^== $1\$/,/^== /p" "$here/smoke.out"
    return 1
}

lines_of() { # TEXT
    printf %b "$1" >"$here/lines.c"
    [ "$(lines_beside_tables "$here/lines.c")" -eq "$2" ]
}
check 'lines of the first comment and of tables are not counted' \
    lines_of '/* What\n * it is. */\nint a;\nstatic const int b[] = {\n    1,\n};\nint c;\n' 2
all_run() {
    reproduce "$here/smoke" '' >"$here/smoke.out" 2>&1 ||
        { grep -A 3 -E 'error:|FAILED' "$here/smoke.out" && return 1; }
}
check 'all of them run' all_run
for id in $(experiment_ids); do
    source=$(experiment_source "$id")
    echo "$source" >>"$here/sources"
    [ -f "$source" ] && check "$id" right_program "$id"
done

# The list and the programs, both ways.
sources_exist() { # LIST
    local source bad=0
    while read -r source; do
        [ -f "$source" ] || { echo "$source is not there" && bad=1; }
    done <"$1"
    return $bad
}
programs_are_listed() { # LIST
    local source
    { ls examples/*/*.c && grep -l 'include "experiment.h"' examples/*.c; } |
        grep -v '^examples/web/' | while read -r source; do
            grep -qxF "$source" "$1" || { echo "$source is not in the list" && exit 1; }
        done
}
check 'every experiment has a program' sources_exist "$here/sources"
refuses 'one that is missing is seen' 'none.c is not there' sources_exist <(echo examples/none.c)
check 'every program is in the list' programs_are_listed "$here/sources"
grep -v shi/stride "$here/sources" >"$here/fewer"
refuses 'one that the list lacks is seen' 'stride.c is not in' programs_are_listed "$here/fewer"

# The line of its first comment, but for what takes time: make demo runs such a line as it stands.
literal_line_works() { # SOURCE
    local line
    line=$(sed -n 's/^ \*     \(cc .*-lm\).*/\1/p;/\*\//q' "$1")
    line=${line/-O2/-O0 -DFMNIST_NN_NO_SIMD}
    [ -n "$threads" ] || line=${line//-fopenmp/}
    eval "${line/-o /-o $here/}"
}
check 'a literal cc line works' literal_line_works examples/jiang/depth.c
check 'the library is compiled for all of them' \
    experiment_library "$here/library.o" -O0 -DFMNIST_NN_NO_SIMD

# ---- interrupted work ----

experiment_goes_on() { # ID [LOST]: also without the checkpoints of that pattern
    local run=("$objects/$1" --quick --data "$data/more" --threads 1) left=$here/left
    rm -rf "$here/whole" "$here/on" "$left"
    "${run[@]}" --csv "$here/whole" >/dev/null 2>&1 || return 1
    interrupted INT 130 "$left/*.checkpoint" "${run[@]}" --csv "$here/on" --resume "$left" ||
        return 1
    [ ! -e "$here/on/$1.csv" ] || { echo 'a result is left' && return 1; }
    [ $# -eq 1 ] || find "$left" -name "$2" -delete
    "${run[@]}" --csv "$here/on" --resume "$left" >/dev/null 2>&1 || return 1
    [ ! -e "$left" ] || { echo 'checkpoints are left' && return 1; }
    sed -i '/^# seconds:/d; s/,[^,]*$//' "$here/whole/$1.csv" "$here/on/$1.csv"
    diff "$here/whole/$1.csv" "$here/on/$1.csv"
}
check 'an experiment that was stopped goes on with --resume, to the same figures' \
    experiment_goes_on jiang-depth
check 'one that fits a model twice, too' experiment_goes_on ali-relu-dropout
check 'and after a kill -9 between the two fits' \
    experiment_goes_on ali-relu-dropout '*-1.checkpoint'
kept_first() { # FIGURE [HASH]: goes on from a finished job that this was made the figure of
    local run=("$objects/jiang-depth" --quick --data "$data/more" --threads 1 --csv "$here/kept")
    rm -rf "$here/kept" "$here/left"
    interrupted INT 130 "$here/kept/jiang-depth.jobs" "${run[@]}" --hash a --resume "$here/left" ||
        return 1
    sed -i -E "2s/^(1 0 0) [^ ]+ ([^ ]+) [^ ]+/\1 7000 \2 $1/" "$here/kept/jiang-depth.jobs"
    if ! "${run[@]}" --hash "${2:-a}" >"$here/output" 2>&1; then
        cat "$here/output"
        return 1
    fi
    [ ! -e "$here/kept/jiang-depth.jobs" ] || { echo 'the finished jobs are left' && return 1; }
    grep -qw "$1" "$here/kept/"jiang-depth*.csv &&
        grep -q '^# seconds: 70' "$here/kept/jiang-depth.csv" # with those of the first run
}
check 'finished runs are kept, and not made again' kept_first 98.7654
refuses 'but by a program with another hash' '^$' kept_first 98.7654 b
refuses 'they are numbers' 'jiang-depth.jobs: expected numbers, found " ?x' kept_first x
refuses 'a folder without a name' 'resume: expected DIR, found an empty text' \
    "$objects/jiang-depth" --resume ''
refuses 'one whose name is too long' 'resume x*: too long' "$objects/jiang-depth" --smoke \
    --data "$data/more" --resume "$(printf 'x%01200d' 0 | tr 0 x)"

# ---- the base, on figures that are known ----

echo "#include \"$PWD/examples/experiment.h\"" >"$here/control.c"
cat >>"$here/control.c" <<'END'
static experiment e;
static experiment_data data;
static fnn_epoch epochs[2];
static int ten = 10;
static void run(experiment_job *job)
{
    job->figures[0] = *(int *)job->user * job->run + job->seed;
    if (job->run == 2) job->figures[0] = EXPERIMENT_UNKNOWN;
    job->history.epochs = epochs; /* the first seed's fit ended after one of them */
    job->history.count = 1 + job->seed;
}
int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "control", "Figures that are known", 2);
    if (getenv("MNIST")) experiment_mnist(&e, &data);
    if (getenv("CIFAR10")) experiment_cifar10(&e, &data);
    experiment_each_with(&e, 4, e.seeds, run, &ten);
    for (int i = 0; i < 4; i++)
        experiment_report(&e, i, 0, "A", "accuracy %", i == 1 ? 12 : NAN, "run %d", i);
    experiment_note(&e, "the best is %d", experiment_best(&e, 0, 0, 4));
    experiment_plot *p = experiment_plot_begin(&e, "line", "A line", "x", "y", 1);
    for (int i = 0; i < 4; i++) experiment_point_of(&e, p, "a, b", i + 1, i, 0);
    experiment_reported(&e, p, "report", EXPERIMENT_UNKNOWN, 12);
    for (int i = 0; i < 2; i++) epochs[i].epoch = i + 1, epochs[i].loss = 3 + i;
    experiment_curve(&e, p, "loss", 1, FNN_MONITOR_LOSS);
    for (int i = 0; i < 4 * e.seeds; i++) e.jobs[i].history.epochs = NULL; /* not allocated */
    experiment_report_value(&e, "", "parameters", NAN, 33682134, "a count");
    if (getenv("STOP")) exit(1);
    if (getenv("LONG")) experiment_note(&e, "%02000d", 0);
    return experiment_end(&e);
}
END
control() { # [OPTION...]
    "$here/control" --csv "$here/results" --hash 0123 "$@"
}
without() { # DATA-SET: the control wants it where no data are; fails as that must, by status 3
    (cd "$here/results" && env "$1=1" ../control --data .)
    [ $? -ne 3 ]
}
holds() { # FILE LINE
    grep -qxF -e "$2" "$1" || { echo "expected $2" && cat "$1" && return 1; }
}
shows() { # PATTERN COMMAND...: what it prints has that
    local pattern=$1 output
    shift
    output=$("$@") || return
    grep -q -e "$pattern" <<<"$output" || { echo "expected $pattern, found: $output" && return 1; }
}
check 'the control compiles as C99' experiment_compile "$here/control.c" "$here/control" -std=c99
check 'and as the compiler likes' experiment_compile "$here/control.c" "$here/control"
check 'and runs' control
check 'a quick run says so in its rows, and compares nothing' shows \
    '^run 1  *A .* 12.00  *10.00  *-  *quick  ' control --quick
check 'its help says how many seeds there are' shows '0 means 2,' control --help
took=$(awk '/^# seconds/ { printf "took %.0f s", $3 }' examples/results/jiang-depth.csv)
check 'and how long a full run took' shows "$took" "$objects/jiang-depth" --help
check 'a count is shown in full' shows ' parameters  .* 33682134 ' control
check 'its result has the form' right_result "$here/results/control.csv" control full
check 'mean and deviation' holds "$here/results/control.csv" \
    '"run 1","A","accuracy %",12,10.5,0.707106781,2,0'
check 'a figure that is not known' holds "$here/results/control.csv" \
    '"run 2","A","accuracy %",,,,2,0'
check 'the best run' holds "$here/results/control.csv" '# note: the best is 3'
check 'a point of a plot' holds "$here/results/control.line.csv" '"a, b",2,10.5,0.707'
check 'a mean over both seeds' holds "$here/results/control.line.csv" '"loss",1,3,0'
check 'and over the one that came so far' holds "$here/results/control.line.csv" '"loss",2,4,'
refuses 'a row of seven cells is seen' 'row: "run 1"' right_result \
    <(sed '/^"run 1"/s/,0$//' "$here/results/control.csv") control full
refuses 'a smoke run is no full one' 'mode: full' right_result "$here/results/control.csv" \
    control smoke
rm -r "$here/results"
refuses 'a run that is stopped' '' env STOP=1 "$here/control" --csv "$here/results"
check 'leaves no result' test ! -e "$here/results/control.csv"
refuses 'an unknown option' 'unknown option --sead' control --sead
refuses 'a number that is none' 'expected a whole number from 0 to 1000' control --seeds x
refuses 'a folder of data that is none' '--data .*none: is not there' control --data "$here/none"
mkdir -p "$here/results"
refuses 'missing data' 'mnist/train-images-idx3-ubyte is not there.*--data' without MNIST
refuses 'where they come from' 'get it from http' without CIFAR10
check 'data beside FMNIST_DIR are found' env MNIST=1 FMNIST_DIR="$data/statlog" "$here/control"
# A network that has gone to NaN names the first class for all: in the table and in curves.
echo "#include \"$PWD/examples/experiment.h\"" >"$here/collapse.c"
cat >>"$here/collapse.c" <<'END'
static experiment e;
static experiment_data data;
static void run(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = experiment_config(job, fnn_sgd(1e38f), 100, 8);
    c.validation = &data.test;
    experiment_fit(job, m, &data.train, &c);
    job->figures[0] = experiment_accuracy(m, &data.test);
    fnn_model_free(m);
}
int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "collapse", "A network without numbers", 1);
    experiment_fashion(&e, &data);
    experiment_each(&e, 1, e.seeds, run);
    experiment_report(&e, 0, 0, "", "test accuracy %", NAN, "all");
    experiment_plot *p = experiment_plot_begin(&e, "curve", "Accuracy", "epoch", "accuracy %", 0);
    experiment_curve(&e, p, "train", 0, FNN_MONITOR_SCORE);
    experiment_curve(&e, p, "test", 0, FNN_MONITOR_VALIDATION_SCORE);
    return experiment_end(&e);
}
END
check 'a collapse compiles' experiment_compile "$here/collapse.c" "$here/collapse"
check 'and runs' "$here/collapse" --quick --data "$data/more" --csv "$here/results"
check 'its accuracy is that of the first class' \
    grep -qE '^"all","","test accuracy %",,10,' "$here/results/collapse.csv"
check 'its curves end there' holds "$here/results/collapse.curve.csv" '"test",2,10,'

# ---- results that cannot be written ----

check 'an experiment refuses folders at once' refuses_bad folders "$here/control" \
    --data "$places/none" --csv
refuses 'one that can be used is not refused' 'status 3.*train-images' refused_at_once . \
    "$here/control" --data "$places/none" --csv "$places/none"
check 'nothing is left of the trials, nothing lost' untouched
every_experiment_refuses() {
    local id
    for id in $(experiment_ids); do
        refused_at_once "$places/plain/$id.csv: .*Not a directory" "$objects/$id" \
            --data "$places/none" --csv "$places/plain" || { echo "$id" && return 1; }
    done
}
check 'every program of the reports does' every_experiment_refuses
refuses 'a path that does not fit' 'too long' "$here/control" --csv "$(printf 'x%01300d' 0)"
mkdir "$here/full"
echo old >"$here/full/control.csv"
refuses 'a result that the disk does not take is an error' 'control.csv: cannot be written: File' \
    env LONG=1 bash -c "trap '' XFSZ; ulimit -f 1; '$here/control' --csv '$here/full'"
check 'and the old one is still there' test "$(cat "$here/full/control.csv")" = old
check 'beside a plot, and nothing else' test "$(find "$here/full" -type f | wc -l)" -eq 2
refuses 'a table that nobody gets is one, too' 'the table cannot be written' \
    bash -c "'$here/control' >/dev/full"

# No figure depends on the threads.
same_on_two_threads() { # ID
    local threads
    for threads in 1 2; do
        "$objects/$1" --smoke --data "$data" --csv "$here/threads$threads" --threads $threads \
            >/dev/null || return 1
        sed -i '/^# \(threads\|seconds\):/d; s/,[^,]*$//' "$here/threads$threads/$1.csv"
    done
    diff -r "$here/threads1" "$here/threads2"
}
check 'two threads make the figures of one' same_on_two_threads jiang-depth

# ---- reproduce.sh and the table ----

counts() { # PATTERN FOLDER ID
    local output
    output=$(reproduce "$2" "$3")
    grep -q -e "$1" <<<"$output" || { echo "expected $1, found: $output" && return 1; }
}
mkdir "$here/few"
cp "$here/smoke"/jiang-depth*.csv "$here/few"
check 'what has been run is not run again' counts '^0 run .* 1 were there' "$here/few" jiang-depth
sed -i 's/^# hash: /&0/' "$here/few/jiang-depth.csv"
check 'but when its hash is another' counts '^1 run .* 0 were there' "$here/few" jiang-depth
hash_of_copy() { # SED-SCRIPT FILE OPTIONS: of jiang-cnn with that done to one of its files
    rm -rf "$here/copy"
    mkdir "$here/copy"
    cp examples/jiang/cnn.[ch] "$here/copy"
    sed -i "$1" "$here/copy/$2"
    experiment_hash "$here/copy/cnn.c" "$3"
}
hash=$(experiment_hash examples/jiang/cnn.c '')
check 'a comment is not part of the hash' \
    test "$hash" = "$(hash_of_copy 's/The report/& and so on/; s/^    /        /' cnn.c '')"
check 'the program is' test "$hash" != "$(hash_of_copy 's/\.001/.002/' cnn.c '')"
check "its family's header is" \
    test "$hash" != "$(hash_of_copy 's/conv2d(m, 8/conv2d(m, 9/' cnn.h '')"
check 'the options are' test "$hash" != "$(hash_of_copy '' cnn.c ' --quick')"
with_library() { # SED-SCRIPT: of jiang-cnn with that done to the library
    sed "$1" fmnist_nn.h >"$here/other.h"
    LIBRARY=$here/other.h hash_of_copy '' cnn.c ''
}
check 'the bits that the library computes are' \
    test "$hash" != "$(with_library 's/^#define FNN_NUMERICS /&9/')"
check 'what the library says of them is not' \
    test "$hash" = "$(with_library '/^#define FNN_NUMERICS /s/[*].*/* others *\//')"

# reproduce.sh and figures.sh ask before they compile or draw anything.
reproduce_refuses() { # PATTERN RESULTS OBJECTS
    local output
    output=$(env SMOKE=1 RESULTS="$2" OBJECTS="$3" bash examples/reproduce.sh jiang-depth 2>&1)
    [ $? -eq 1 ] && grep -qE -e "$1" <<<"$output" && ! grep -q ' run in ' <<<"$output" && return
    echo "expected status 1, $1 and no experiment; found $output"
    return 1
}
check 'no folder for the results' reproduce_refuses 'File exists' "$places/plain" "$objects"
check 'none for the programs' reproduce_refuses 'File exists' "$places/none" "$places/plain"
for page in $(book_pages); do
    mkdir -p "$here/taken/$page"
    check "a folder in the place of $page" \
        reproduce_refuses "$page: expected a file" "$here/taken" "$objects"
    rmdir "$here/taken/$page"
done
unwise() { # PATTERN NAME=VALUE [WORD...]: refused before anything is made
    local pattern=$1 setting=$2
    shift 2
    refuses_as "^reproduce.sh: $pattern" \
        env "$setting" RESULTS="$here/unwise" bash examples/reproduce.sh "$@" &&
        [ ! -e "$here/unwise" ]
}
check 'seeds that are no number' unwise 'SEEDS=x: expected' SEEDS=x
check 'so many as no program takes' unwise 'SEEDS=1001: expected' SEEDS=1001
check 'no thread' unwise 'THREADS=0: expected' THREADS=0
check 'data that are not there' unwise "DATA=$here/no: is not there" DATA="$here/no"
check 'a word that begins no experiment' unwise "no experiment begins with 'no'" DATA=. jiang no
cp "$here/smoke/"*.csv "$here/taken"
echo old >"$here/taken/RESULTS.md"
refuses 'an overview that the disk does not take' 'not written: .*RESULTS.md' \
    on_a_full_disk 1 reproduce "$here/taken" jiang-depth
check 'leaves the old one' test "$(cat "$here/taken/RESULTS.md"*)" = old
# A file that is no checkpoint stands where one of the program would be.
with_a_checkpoint() { # FOLDER OF THE CHECKPOINTS
    mkdir -p "$objects/checkpoints/$1" "$here/on_from"
    echo none >"$objects/checkpoints/$1/jiang-depth-smoke-1-1-0-0-0.checkpoint"
    rm -rf "$here/on_from/"*
    reproduce "$here/on_from" jiang-depth
}
refuses 'a run goes on from the checkpoints of its program' 'not a safetensors file' \
    with_a_checkpoint "jiang-depth.$(experiment_hash examples/jiang/depth.c ' --smoke')"
rm -r "$objects/checkpoints"
check 'not from those of another version' with_a_checkpoint jiang-depth.0123456789abcdef
check 'nor from those without a version' with_a_checkpoint .
check 'and leaves none but of other programs' \
    test "$(ls "$objects/checkpoints")" = jiang-depth-smoke-1-1-0-0-0.checkpoint

results_are_current() { # RESULTS FOLDER: or the pages in the folder say that they are not
    local file id bad=0
    for file in "$1"/*.csv; do
        id=$(basename "$file" .csv)
        case $id in *.* | '*') continue ;; esac
        grep -qx "# hash: $(sed -n "s/^$id //p" <<<"$HASHES")" "$file" ||
            awk -v id="## $id:" 'index($0, "## ") == 1 { here = index($0, id) == 1 }
                here && /made by an earlier version/ { said = 1 }
                END { exit !said }' "$2/RESULTS.md" "$2"/*/README.md ||
            { echo "$file: of another program than stands here; make reproduce" && bad=1; }
        right_result "$file" "$id" full || bad=1
    done
    return $bad
}
check 'every result is of the program that stands here, or said to be an earlier one' \
    results_are_current examples/results examples
mkdir "$here/stale"
sed 's/^# hash: /&0/' examples/results/shi-l2.csv >"$here/stale/shi-l2.csv"
refuses 'one of another is seen' 'shi-l2.csv: of another program' \
    results_are_current "$here/stale" "$here/smoke"

# ---- the book ----

same_book() { # RESULTS FOLDER
    rm -rf "$here/book"
    write_book "$1" "$here/book" 2>/dev/null || return 1
    local page
    for page in $(book_pages); do diff "$here/book/$page" "$2/$page" || return 1; done
}
check 'the book is that of the result files' same_book examples/results examples
changed=$here/changed/examples/results
mkdir -p "$changed"
cp examples/results/*.csv "$changed"
sed -i 's/^\("rate 0.02, lambda 0.2","A","test[^,]*,[^,]*,\)/\1-/' "$changed/shi-l2.csv"
refuses 'a changed figure is seen' '^< .*rows with a reported' same_book "$changed" examples
check 'that of the smoke runs is, too' same_book "$here/smoke" "$here/smoke"
small_pages() { # FOLDER: overview of two screens, pages of three or four
    ! awk 'FNR > (FILENAME ~ /RESULTS/ ? 80 : 190) { print FILENAME ": too long"; found = 1; exit }
        END { exit !found }' "$1/RESULTS.md" "$1"/*/README.md
}
check 'its pages are small' small_pages examples
mkdir -p "$here/large/shi"
seq 191 | tee "$here/large/RESULTS.md" >"$here/large/shi/README.md"
refuses 'a large one is seen' 'too long' small_pages "$here/large"
links() { # PAGE: the local files that it names, one a line
    grep -oE '\]\([^)#:]+' "$1" | sed "s|..|$(dirname "$1")/|" |
        xargs -r realpath -m --relative-to . | sort -u
}
links_lead_somewhere() { # PAGE...
    local page
    for page; do links "$page"; done | sort -u | while read -r page; do
        [ -e "$page" ] || { echo "$page is not there" && exit 1; }
    done
}
sections_are_there() { # PAGE...: what stands behind the # of a link is a heading, as a link has it
    local page link
    for page; do
        grep -oE '\]\([^)#:]*#[^)]+' "$page" | cut -c 3- | while read -r link; do
            [ "${link%#*}" ] && link=$(dirname "$page")/$link || link=$page$link
            grep '^#' "${link%#*}" | tr '[:upper:]' '[:lower:]' |
                sed 's/^#* //; s/[^a-z0-9 _-]//g; s/ /-/g' | grep -qxF "${link#*#}" ||
                { echo "$link is not there" && exit 1; }
        done || return 1
    done
}
pages=(README.md examples/RESULTS.md examples/*/README.md)
check 'what its pages link is there' links_lead_somewhere "${pages[@]}"
echo '![](figures/none.svg)' >"$here/link.md"
refuses 'what is not is seen' 'none.svg is not there' links_lead_somewhere "$here/link.md"
check 'so are the sections' sections_are_there "${pages[@]}"
printf '## A: one\n[a](#a-one) [b](link.md#a)\n' >"$here/link.md"
refuses 'one that is not is seen' 'link.md#a is not there' sections_are_there "$here/link.md"
figures_are_shown() { # PAGE...: all that are committed, and no more than thirty
    diff <(for page; do links "$page"; done | grep '\.svg$' | sort -u) \
        <(find examples/figures -type f | sort) || return 1
    [ "$(find examples/figures -type f | wc -l)" -le 30 ]
}
check 'the figures are those that pages show' figures_are_shown "${pages[@]}"
refuses 'one that none shows is seen' '> .*shi-width.*svg' figures_are_shown README.md
all_explained() { # RESULTS
    local unexplained
    unexplained=$(write_book "$1" "$here/book" 2>&1)
    [ -z "$unexplained" ] || { echo "$unexplained" && return 1; }
}
check 'every row two points away is explained' all_explained examples/results
mkdir "$here/unexplained"
sed 's/^# mode: .*/# mode: full/' "$here/smoke/jiang-depth.csv" >"$here/unexplained/jiang-depth.csv"
refuses 'one that is not is seen' 'not explained: jiang-depth' all_explained "$here/unexplained"
lacking() { # FILE SED-SCRIPT: what pages of a copy say where that file is changed so
    local top=$PWD page
    rm -rf "$here/lacking"
    mkdir -p "$here/lacking/examples"
    cp examples/results.sh examples/*.txt "$here/lacking/examples"
    sed -i "$2" "$here/lacking/examples/$1"
    for page in '' shi; do
        sh "$here/lacking/examples/results.sh" "$top/examples/results" $page >/dev/null || return 1
    done
}
check 'pages of a copy are as good' lacking findings.txt ''
check 'a finding that is missing is told' shows 'no finding: shi-l2' \
    eval 'lacking findings.txt "/^shi-l2/d" 2>&1'
refuses 'one of no experiment is refused' 'no experiment: shi-l3' \
    lacking findings.txt 's/^shi-l2/shi-l3/'
refuses 'so is an explanation of no row' 'fits no row: shi-batch | none' \
    lacking explanations.txt 's/^shi-batch | [^|]*/shi-batch | none /'

# How rows are judged, on results made here.
mkdir -p "$here/judged"
{
    printf '# mode: full\n# seconds: 36\n# threads: 1\nconfiguration,reading,metric\n'
    echo '"inside","A","test accuracy %",80,82,1,4,1'
    echo '"outside","A","test accuracy %",80,82.01,1,4,1'
    echo '"below","A","test accuracy %",80,77.9,,1,1'
    echo '"wide inside","A","test accuracy %",86.89,86,4.1,16,1'
    echo '"wide outside","A","test accuracy %",86.89,55.48,40.3,5,1'
    echo '"wide, far off","A","test accuracy %",86.89,55.48,3,5,1'
    echo '"chosen by test","A","test accuracy %",80,80,,1,1'
    echo '"inside","B","test accuracy %",80,90,,1,1'
    echo '"a loss","A","loss",1.25,8.54e+28,,1,1'
    echo '"a count","A","parameters",33682134,33682135,,1,1'
} >"$here/judged/jiang-l2.csv"
{
    printf '# mode: full\n# seconds: 36\n# threads: 1\nconfiguration,reading,metric\n'
    for rate in .1 .01 .001; do
        for batch in 8 16 32; do
            echo "\"rate $rate, batch $batch\",\"\",\"test accuracy %\",80,8${batch%?}.5,,1,1"
        done
    done
    for rate in 1 2 3 4 5 6; do
        echo "\"dropout .$rate behind\",\"A\",\"loss\",1,$rate.5,,1,1"
    done
} >"$here/judged/jiang-best.csv"
sed 's/full/quick/' "$here/judged/jiang-l2.csv" >"$here/judged/jiang-cnn.csv"
judged() { # TEXT: the page of these results has it
    sh examples/results.sh "$here/judged" jiang 2>/dev/null >"$here/judged.md"
    grep -qF -e "$1" "$here/judged.md" || { cat "$here/judged.md" && return 1; }
}
check 'within two points is met' judged '| inside | test accuracy % | 80 | 82.0 ± 1.0 | **90.00**'
check 'a hundredth more is not' judged '| outside | test accuracy % | 80 | **82.0 ± 1.0** |'
check 'a wide spread inside is undecided' judged '| 86.89 | 86.0 ± 4.1 ? |'
check 'and outside, unless it lies beyond that, too' judged '| 86.89 | 55.5 ± 40.3 ? |'
check 'as here' judged '| wide, far off | test accuracy % | 86.89 | **55.5 ± 3.0** |'
check 'they are counted, those chosen by the test figure apart' judged \
    '(1 of 7 rows met, 2 undecided, 1 above, 2 below, 1 chosen by the test figure; '
check 'a loss without bounds has diverged' judged '| a loss | loss | 1.25 | diverged |'
check 'a count is in full' judged '| 33682134 | 33682135 |'
check 'a quick run is compared with nothing' judged '(quick, compared with nothing; '
check 'a grid is a grid' judged '| test accuracy % | batch 8 | batch 16 | batch 32 |'
check 'with its report' judged '| rate .01 | 80.0 / **8.5** | 80.0 / 81.5 | 80.0 / **83.5** |'
check 'a series a line' judged '| behind, A | 1 / 1.5 | 1 / 2.5 |'
refuses 'what is not there is missed' 'compared with nothing' judged '| outside | nothing |'
judged_sums() { # of three programs, but no row of the quick one
    sh examples/results.sh "$here/judged" | grep -qxF \
        '| [Jiang, Kronish, Ludwig](jiang/README.md) | 3 | 16 | 4 | 0 | 2 | 4 | 5 | 1 | 0.0 |'
}
check 'the overview has their sums' judged_sums
touch build/seeds-999
refuses 'results with other seeds have a folder of their own' 'build/seeds-999.*File exists' \
    env SEEDS=999 OBJECTS="$objects" bash examples/reproduce.sh jiang-depth
rm build/seeds-999

# ---- plots ----

# The first plot of each kind, with each logarithmic axis, of each report: to draw all takes long.
one_of_each() { # RESULTS COPY
    local plot head seen=''
    mkdir "$2"
    for plot in "$1"/*.*.csv; do
        head="$(basename "${plot%%-*}"):$(grep -E '^# (kind|log): ' "$plot" | paste -sd ,):"
        [[ $seen == *":$head"* ]] || cp "$plot" "$2"
        seen+=":$head"
    done
}
draws_all() { # RESULTS FIGURES
    local plots figures
    bash examples/figures.sh "$1" "$2" || return 1
    plots=$(find "$1" -name '*.*.csv' | wc -l)
    figures=$(find "$2" -name '*.svg' -size +1k | wc -l)
    echo "$plots plots, $figures figures"
    [ "$plots" -gt 0 ] && [ "$plots" -eq "$figures" ]
}
if have gnuplot; then
    one_of_each "$here/smoke" "$here/plots"
    check 'plots of every kind are drawn' draws_all "$here/plots" "$here/figures"
    tidies() { # a figure of a plot that is gone goes, one of an experiment without result stays
        local figures=$here/few-figures
        mkdir "$figures"
        touch "$figures/jiang-depth.gone.svg" "$figures/jiang-none.plot.svg"
        bash examples/figures.sh "$here/few" "$figures" >/dev/null &&
            [ ! -e "$figures/jiang-depth.gone.svg" ] && rm "$figures/jiang-none.plot.svg"
    }
    check 'a figure whose plot is gone goes too' tidies
    refuses 'plots without a folder for their figures' 'RESULTS and FIGURES' \
        bash examples/figures.sh "$here/plots"
    check 'no folder for the figures' \
        refuses_as 'plain.*: (File exists|Not a directory)' \
        bash examples/figures.sh "$here/plots" "$places/plain"
    figures_on_a_full_disk() {
        mkdir -p "$here/old"
        for plot in "$here/few/"*.*.csv; do
            echo old >"$here/old/$(basename "$plot" .csv).svg"
        done
        on_a_full_disk 1 bash examples/figures.sh "$here/few" "$here/old"
        [ $? -eq 1 ] && [ "$(cat "$here/old"/* | sort -u)" = old ]
    }
    check 'half a figure does not take the place of a whole one' figures_on_a_full_disk
    mkdir "$here/bare" "$here/unknown"
    printf '# kind: lines\n# log: none\n# reported: "a",2,3\n' >"$here/bare/a.point.csv"
    printf '# kind: lines\n# log: none\n# reported: "a",,3\n' >"$here/bare/a.line.csv"
    check 'one of reported values alone' draws_all "$here/bare" "$here/bare/figures"
    mkdir "$here/axes"
    {
        printf '# kind: lines\n# x: epoch\n# y: accuracy %%\n# log: none\n'
        printf '# reported: "report, b",2,50\n"a",1,99.9,30\n"a",9,10,30\n"b",1,50,\n"b",9,60,\n'
    } >"$here/axes/a.percent.csv"
    printf '# kind: lines\n# log: x\n"a",5e-6,1,\n"a",1e-3,2,\n"a",1e-4,8e28,\n' \
        >"$here/axes/a.log.csv"
    printf '# kind: matrix\n# title: accuracy %%\n82,88\n10,nan\n' >"$here/axes/a.matrix.csv"
    draws_axes() { # LOCALE FIGURES
        LC_ALL=$1 bash examples/figures.sh "$here/axes" "$here/$2" 2>&1
    }
    texts() { # FIGURE: one a line
        grep -o '<text><tspan[^<]*' "$1" | sed 's/.*> *//'
    }
    axes_end() { # at 0 and at 100 percent
        local marks
        marks=$(texts "$here/drawn/a.percent.svg" | sort -n | uniq | paste -sd ' ')
        [[ $marks == '0 '*' 100' ]] || { echo "$marks" && return 1; }
    }
    log_marks() { # of one form, at the values
        local marks
        marks=$(texts "$here/drawn/a.log.svg" | grep e | paste -sd ' ')
        [ "$marks" = '5e-06 1e-03' ] || { echo "$marks" && return 1; }
    }
    in_its_colour() { # the star of "report, b" in that of b, the second
        grep -q "gpPt2.*color='rgb(255, 127,  14)'" "$here/drawn/a.percent.svg"
    }
    best_is_framed() { # on the right, above
        grep -A 3 'stroke-width="3.00"' "$here/drawn/a.matrix.svg" | grep -qE 'd=.M3[0-9.]*,.*,54\.'
    }
    check 'plots of axes are drawn' draws_axes C drawn
    check 'an accuracy ends at 100 percent' axes_end
    check 'marks of a logarithmic axis are of one form' log_marks
    check 'what is reported has the colour of its series' in_its_colour
    check 'the best cell has a frame' best_is_framed
    check 'in another locale they are drawn' draws_axes "$(locale -a | grep -im 1 utf)" again
    check 'with the same bytes' diff -r "$here/drawn" "$here/again"
    refuses 'which do not say who drew them' '' grep -r GNUPLOT "$here/drawn"
    echo '# kind: pie' >"$here/unknown/control.pie.csv"
    refuses 'a plot of another kind is seen' "kind 'pie'" draws_all "$here/unknown" "$here/figures"
else
    skip 'the plots' 'there is no gnuplot'
fi

summary
