#!/bin/bash
# The examples but for the programs of the reports: the compile command in each first comment works,
# and the program says what it should.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/images.sh
. tests/images.sh
here=$build/examples
rm -rf "$here"
mkdir -p "$here"
# shellcheck source=tests/places.sh
. tests/places.sh
data=$PWD/$here/data
unset FMNIST_DIR
export OMP_NUM_THREADS=2 CFLAGS="-O1 $warnings"
make_images "$data"
make_images "$data/more" 6000

# ---- the small examples ----

# The compile command in an example's first comment: `cc ... NAME.c ...` on a line of its own.
cc_line() { # FILE
    awk '/\*\// { last = 1 } { print } last { exit }' "$1" |
        sed -nE 's/^[ /*]*(cc .*\.c\b.*)$/\1/p' |
        sed 's/ *\*\/$//' | head -n 1
}

# Runs that line with the library that the tests share and on the small data, where it says more:
# whether its words are right does not depend on these, the time does. In a copy, since it leaves
# its program where it runs: at the top, or among the examples when it names the file without a
# directory.
cc_line_works() { # FILE
    local line copy=$here/copy
    line=$(cc_line "$1")
    [ -n "$line" ] || { echo "$1: no cc line in the first comment" && return 1; }
    [[ $line == *"$(basename "$1")"* ]] || { echo "$1: the line is another's: $line" && return 1; }
    rm -rf "$copy"
    mkdir -p "$copy/examples"
    cp fmnist_nn.h "$copy/"
    cp -r "$(dirname "$1")"/*.[ch] "$copy/examples/"
    [[ $line == *examples/* ]] || copy=$copy/examples
    line=${line//-O[23]/-O1}
    line=${line//-fopenmp/}
    line="$CC $threads $elsewhere ${line#cc }"
    line=${line/.c /.c ${library[*]/#/$PWD/} }
    grep -q '"experiment.h"' "$1" && line="$line --smoke"
    echo "$line"
    (cd "$copy" && export FMNIST_DIR="$data/more" && eval "$line")
}
shared_library
# What an example must say, a pattern a line.
outcome_of() { # FILE
    case $1 in
    */gradient_accumulation.c) echo 'largest difference .*e-(0[6-9]|[1-9][0-9])' ;;
    */rate_finder.c) echo 'begin with about [0-9]e[-+]0[0-3]$' ;;
    */own_loss.c) echo 'focal, gamma 2.* found (0\.[89]|1\.)' ;;
    */frozen_layer.c) echo 'frozen .* 0\.[89]' ;;
    */regression.c) printf '%s\n' 'test R2 0\.9' '^  0.00 288.000 28[78]\.' ;;
    */imbalanced.c)
        printf '%s\n' 'without .* recall 0\.[1-5]' '^with class weights .* recall 0\.[89]'
        ;;
    */tied_autoencoder.c)
        printf '%s\n' '^epoch  1  loss 0\.6[5-9]' '^epoch 10  loss 0\.6[0-3]' '^[ .:=+*#%@-]{56}$'
        ;;
    */multi_label.c) echo '^arms   precision [01]\.[0-9]*  recall [01]\.' ;;
    */look_inside.c)
        printf '%s\n' '^ +weight +3 x 3 x 1 x 8, norm [0-9.]+$' \
            '^ +variance +8, norm [0-9.]+, not trained$' '^[ .:=+*#%@-]{112}$' \
            '^[ .:=+*#%@-]{28,}[=+*#%@][ .:=+*#%@-]*$' '^the model: test accuracy' \
            '^its copy: test accuracy'
        ;;
    esac
}
example_works() { # FILE [PATTERN]
    local output pattern
    output=$(cc_line_works "$1" 2>&1) || { echo "$output" && return 1; }
    while read -r pattern; do
        grep -qE -e "$pattern" <<<"$output" || { echo "no $pattern: $output" && return 1; }
    done <<<"${2-$(outcome_of "$1")}"
}
for example in examples/*.c; do
    [[ $example == */mpi_* ]] && continue # tests/mpi.sh
    check "$example: its cc line works" example_works "$example"
done
refuses 'another outcome is seen' 'no found 2' example_works examples/own_loss.c 'found 2'
mkdir -p "$here/wrong"
printf '/* Nothing. */\nint main(void) { return 0; }\n' >"$here/wrong/silent.c"
printf '/*\n * cc -O2 wrong.c -o wrong -lnowhere\n */\nint main(void) { return 0; }\n' \
    >"$here/wrong/wrong.c"
printf '/*\n *     cc -O2 examples/right.c -o right -lm\n */\nint main(void) { return 0; }\n' \
    >"$here/wrong/right.c"
refuses 'an example without a cc line is seen' 'no cc line' cc_line_works "$here/wrong/silent.c"
refuses 'a cc line that fails is seen' nowhere cc_line_works "$here/wrong/wrong.c"
check 'a right one is not' cc_line_works "$here/wrong/right.c"

# ---- options and outputs ----

compiles_as_c99() { # FILE
    # shellcheck disable=SC2086
    $CC -std=c99 $warnings $threads $elsewhere -fsyntax-only "$1"
}
for example in examples/*.c; do
    [[ $example == */mpi_* ]] || check "$example is C99" compiles_as_c99 "$example"
done
printf '#include <time.h>\nint main(void) { return TIME_UTC; }\n' >"$here/wrong/c11.c"
refuses 'a program that is C11 is seen' TIME_UTC compiles_as_c99 "$here/wrong/c11.c"

# Help is asked for: it goes to the standard output, and all is well, before any data are read.
helps() { # PROGRAM ARGUMENT...
    local output
    output=$(FMNIST_DIR="$here/none" "$here/$1" "${@:2}" --help 2>"$here/help.err") &&
        [ ! -s "$here/help.err" ] && grep -q "^usage: $1" <<<"$output" && return
    echo "$1: status $?, $output, and $(cat "$here/help.err")"
    return 1
}
onto_full() { "$@" >/dev/full; }
lost='what it prints cannot be written'

# ---- a table and a photo ----

compile_alone() { # SOURCE PROGRAM
    # shellcheck disable=SC2086
    $CC $CFLAGS -std=c99 $threads $elsewhere -I. "$1" "${library[@]}" -o "$2" -lm
}
check 'the table compiles' compile_alone examples/tabular.c "$here/tabular"
learns_table() { # its last line is "3000 flats, 2 targets, test R2 0.96"
    (cd "$here" && ./tabular "$@") | awk '/^feature 1: town=Hafen, West$/ { named = 1 }
        END { print; exit !(named && $NF > .94 && $NF < 1) }'
}
check 'it learns what it made, in its own folder' learns_table
check 'and what it is given' learns_table flats_train.csv flats_test.csv
refuses 'a result that is lost is no success' "tabular: $lost" \
    onto_full "$here/tabular" "$here/flats_train.csv" "$here/flats_test.csv"
check 'tables that it made it makes again' learns_table
mkdir -p "$here/mine"
leaves_mine() { # NAME: a table of that name, which the program did not make
    rm -f "$here/mine"/* && echo 'my own;table' >"$here/mine/$1"
    (cd "$here/mine" && ../tabular) 2>&1 && return 0
    [ "$(cat "$here/mine/$1")" = 'my own;table' ] || { echo lost && return 0; }
    return 1
}
refuses "another's table stays" 'flats_train.csv: is there already, and not made' \
    leaves_mine flats_train.csv
refuses 'so does one to test by' 'flats_test.csv: is there already, and not' \
    leaves_mine flats_test.csv
sed -i '9s/;"\{0,1\}[^;]*;/;"Ulm";/' "$here/flats_test.csv"
refuses 'a town that the first table lacks' 'line 9: expected a category of .*, found "Ulm"' \
    learns_table flats_train.csv flats_test.csv

# A model whose class k is where the image is bright: the k-th tenth from the top. Or one that gives
# more than ten numbers, though ten channels, or fewer; ten that are no probabilities; or has names.
cat >"$here/bands.c" <<'END'
#define FMNIST_NN_IMPLEMENTATION
#include "fmnist_nn.h"
int main(int argc, char **argv)
{
    fnn_model *m = fnn_sequential(28, 28, 1);
    static const char *const names[] = {"T-shirt/top", "b", "c", "d", "e",
                                        "f", "g", "h", "Bag", "Ankle boot"};
    const char *kind = argc > 2 ? argv[2] : "bands";
    size_t count;
    if (*kind == 'm') fnn_conv2d(m, 10, 1, FNN_SAME, FNN_LINEAR);
    else fnn_dense(m, atoi(kind) ? atoi(kind) : 10, *kind == 'l' ? FNN_LINEAR : FNN_SOFTMAX);
    if (fnn_seal(m) || (*kind == 'n' && fnn_set_class_names(m, names, 10)))
        return puts(fnn_model_error(m)->message), 1;
    fnn_real *w = fnn_parameters(m, &count);
    for (int i = 0; (*kind == 'b' || *kind == 'n') && i < 7850; i++)
        w[i] = i < 7840 && i / 10 / 28 * 10 / 28 == i % 10 ? 0.001f : 0;
    return fnn_save(m, argv[1], NULL);
}
END
check 'the photo compiles' compile_alone examples/photo.c "$here/photo"
make_bands() {
    compile_alone "$here/bands.c" "$here/bands" && "$here/bands" "$here/bands.safetensors" &&
        "$here/bands" "$here/more.safetensors" more && "$here/bands" "$here/two.safetensors" 2 &&
        "$here/bands" "$here/one.safetensors" 1 &&
        "$here/bands" "$here/linear.safetensors" linear &&
        "$here/bands" "$here/named.safetensors" named
}
check 'so does a model to judge it by' make_bands
# A T of 140 x 140 pixels in a picture of 200 x 180, as text: bar and stem have ink, the rest paper.
letter() { # INK PAPER [upside-down]
    printf 'P2\n# a letter\n200 180 # wide and high\n255\n'
    awk -v ink="$1" -v paper="$2" -v down="${3:-}" 'BEGIN {
        for (y = 0; y < 180; y++) for (x = 0; x < 200; x++) {
            v = down != "" ? 159 - y : y - 20
            on = v >= 0 && v < 140 && (v < 10 ? x >= 30 && x < 170 : x >= 95 && x < 105)
            print on ? ink : paper
        }
    }'
}
classified() { # CLASS FILE [MODEL]: that one is the most probable
    "$here/photo" "$2" "$here/${3:-named}.safetensors" >"$2.out" || return 1
    sort -rn "$2.out" | head -n 1 | grep -q "%  $1\$" || { cat "$2.out" && return 1; }
}
as_bytes() { # FILE: of P2 with 0 and 255 alone
    printf 'P5 200 180 255\n'
    sed 1,4d "$1" | awk '{ printf "%s", $1 ? "1" : "0" }' | tr 01 '\000\377'
}
letter 0 255 >"$here/dark.pgm"
letter 255 0 >"$here/bright.pgm"
letter 40 200 upside-down >"$here/down.pgm"
as_bytes "$here/bright.pgm" >"$here/bytes.pgm"
check 'a dark T on white is bright on top' classified T-shirt/top "$here/dark.pgm"
check 'one upside down is not' classified 'Ankle boot' "$here/down.pgm"
check 'bright on black it is the same' classified T-shirt/top "$here/bright.pgm"
check 'to the last digit' cmp "$here/dark.pgm.out" "$here/bright.pgm.out"
check 'in bytes too' classified T-shirt/top "$here/bytes.pgm"
check 'the same' cmp "$here/dark.pgm.out" "$here/bytes.pgm.out"
check 'a class without a name has its number' classified 'class 0' "$here/bytes.pgm" bands
refuses 'it has that of no other model' '%  class 0$' \
    classified T-shirt/top "$here/bytes.pgm" bands
refuses 'numbers that are no probabilities are seen' \
    'linear.safetensors: expected probabilities, .*softmax' \
    classified 'class 0' "$here/dark.pgm" linear
refuses 'classes that are lost are no success' "photo: $lost" \
    onto_full "$here/photo" "$here/dark.pgm" "$here/named.safetensors"
head -n 100 "$here/dark.pgm" >"$here/cut.pgm"
refuses 'half of a photo is seen' 'cut.pgm: expected 36000 numbers' classified Bag "$here/cut.pgm"
refuses 'a model of more numbers than the program has room for is seen' \
    'expected one of 28 x 28 x 1 numbers to 10, found 28 x 28 x 1 to 7840' \
    "$here/photo" "$here/dark.pgm" "$here/more.safetensors"

# ---- images and any model ----

# Three images: bright on top, on the lowest tenth, and nowhere.
bands_of_light() {
    be32 2051 3 28 28
    for row in {0..83}; do
        if ((row < 2 || (row > 53 && row < 56))); then printf '%028d' 0; else printf '%28s' ''; fi
    done | tr '0 ' '\377\000'
}
bands_of_light >"$here/light"
predicts() { # PATTERN ARGUMENT...: a line of it, and that all went well
    local output pattern=$1
    output=$(FMNIST_DIR="$data" "$here/predict" "${@:2}" 2>&1) &&
        grep -qE "$pattern" <<<"$output" && return
    echo "$output"
    return 1
}
check 'predict compiles' compile_alone examples/predict.c "$here/predict"
check 'it tells classes' predicts '^image 0: class 0, (9[0-9]|100)\.' "$here/bands.safetensors" \
    "$here/light"
check 'each of them' predicts '^image 1: class 9, (9[0-9]|100)\.' "$here/bands.safetensors" \
    "$here/light" 2
check 'an image without a match is said to be one' \
    predicts '^image 2: no match, nearest is class 0, 10\.0 %' "$here/bands.safetensors" \
    "$here/light"
refuses 'the others are not' 'image 0: class 0' predicts '^image [01]: no match' \
    "$here/bands.safetensors" "$here/light"
check 'with labels it tells the accuracy' predicts '^test accuracy: ' "$here/bands.safetensors"
refuses 'classes that do not match the labels are seen' 'no accuracy: .* do not match' \
    predicts . "$here/two.safetensors"
check 'one class is certain' predicts '^image 0: class 0, 100\.0 %$' "$here/one.safetensors" \
    "$here/light"
refuses 'an N that is none is seen' 'expected a number as N, found four' \
    predicts . "$here/bands.safetensors" "$here/light" four
{ be32 2051 3 14 28 && tail -c +17 "$here/light" | head -c 1176; } >"$here/half"
refuses 'and images that do not match the model' \
    'expected samples of 28 x 28 x 1, as the model takes, found 14 x 28 x 1' \
    predicts . "$here/bands.safetensors" "$here/half"
{ be32 3331 3 28 28 && head -c 9408 /dev/zero; } >"$here/floats"
check 'what cannot be drawn is a row' predicts '^row 0: no match' \
    "$here/bands.safetensors" "$here/floats"
check 'any number of outputs has room' predicts '^image 0:( [-+0-9.e]+){7840}$' \
    "$here/more.safetensors" "$here/light"

# ---- interrupted work ----

resume() { # [OPTION...]: on the small data; its last line
    FMNIST_DIR="$data/more" "$here/resume" "$@" 2>/dev/null | tail -n 1
}
goes_on_after() { # SIGNAL STATUS: the same end as without
    local FMNIST_DIR=$data/more end
    export FMNIST_DIR
    rm -f "$here/run.checkpoint"
    interrupted "$1" "$2" "$here/run.checkpoint" "$here/resume" "$here/run.checkpoint" || return 1
    end=$(resume --resume "$here/run.checkpoint")
    [ "$end" = "$whole" ] || { echo "expected $whole, found $end" && return 1; }
}
check 'the training that can be interrupted compiles' \
    compile_alone examples/resume.c "$here/resume"
whole=$(resume "$here/whole.checkpoint")
check 'it trains' grep -qE '^test accuracy: [0-9.]+ %, weights [0-9a-f]{8}$' <<<"$whole"
check 'it goes on after Ctrl-C, to the same weights' goes_on_after INT 130
check 'and after kill -9' goes_on_after KILL 137
check 'what is done is not done again' test "$(resume --resume "$here/whole.checkpoint")" = "$whole"
refuses 'a new training over an old checkpoint' 'a checkpoint is there already' \
    "$here/resume" "$here/whole.checkpoint"
refuses 'two checkpoints' 'usage: resume' "$here/resume" "$here/first" "$here/second"
refuses '--resume behind its file' 'usage: resume' "$here/resume" "$here/whole.checkpoint" --resume
refuses 'a checkpoint that is none' 'README.md: not a safetensors file' \
    "$here/resume" --resume README.md

# ---- kernels, and what comes from PyTorch ----

check 'the kernels compile' compile_alone examples/kernels.c "$here/kernels"
shows_kernels() { # a product once, and a speed for each instruction set
    "$here/kernels" >"$here/kernels.out" && [ "$(grep -c '^x w$' "$here/kernels.out")" = 1 ] &&
        grep -qx '   4.0000   5.0000' "$here/kernels.out" &&
        grep -qE '^scalar +[0-9.]+ GFLOP/s$' "$here/kernels.out" && return
    cat "$here/kernels.out"
    return 1
}
check 'they show a product and speeds' shows_kernels
refuses 'which are not lost without a word' "kernels: $lost" onto_full "$here/kernels"
check 'what takes over weights compiles' \
    compile_alone examples/import_pytorch.c "$here/import_pytorch"
refuses 'it wants a file' 'usage: import_pytorch' "$here/import_pytorch"
refuses 'not an option' 'unknown option --file' "$here/import_pytorch" --file

# The Python beside it, whose libraries need not be here for its help.
mkdir -p "$here/stubs"
echo 'nn = None' >"$here/stubs/torch.py"
: >"$here/stubs/h5py.py"
: >"$here/stubs/numpy.py"
python_helps() { # NAME ARGUMENT...
    local output
    output=$(PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/stubs python3 "examples/$1.py" "${@:2}" \
        2>/dev/null) && grep -q "^    python3 examples/$1.py " <<<"$output"
}
if have python3; then
    for name in import_pytorch import_keras; do
        check "$name.py has a help" python_helps $name --help
        refuses 'which is an error unasked' '' python_helps $name
    done
fi

# ---- the README's program ----

second_day() { # as it stands there
    awk '/^## / { on = $0 == "## The second day" } /^```/ { code = on && /^```c$/; next } code' \
        README.md >"$here/second_day.c" &&
        CFLAGS=-O1 compile_alone "$here/second_day.c" "$here/second_day" &&
        "$here/second_day" >"$here/second_day.out" && cat "$here/second_day.out"
}
learns_to_differ() { # COMMAND...: what it prints is an exclusive or
    local output
    output=$("$@") || return
    [[ $output =~ ^'0 0: 0.0'.*'0 1: 0.9'.*'1 0: 0.9'.*'1 1: 0.0'..$ ]] ||
        { echo "found: $output" && return 1; }
}
check "the README's second day is a program that learns" learns_to_differ second_day
refuses 'one that does not is seen' 'found: 0 0: 0.5' learns_to_differ echo '0 0: 0.5'
examples_are_there() { # FILE: those that its tables name
    ! grep -oE '[|,] .[a-z_]+\.c\b' "$1" | tr -dc 'a-z_.\n' | while read -r name; do
        [ -f "examples/$name" ] || echo "examples/$name is not there"
    done | grep .
}
calls_are_there() { # FILE: those that it names
    ! grep -oiE '\bfnn_[a-z0-9_]*[a-z0-9]\b' "$1" | sort -u | while read -r name; do
        grep -qw "$name" fmnist_nn.h || echo "$name is not in the header"
    done | grep .
}
check 'the examples that it names are there' examples_are_there README.md
check 'so are the calls' calls_are_there README.md
echo "| nothing | \`none.c\` | fnn_predict_none |" >"$here/named.md"
refuses 'an example that is missing is seen' 'none.c is not' examples_are_there "$here/named.md"
refuses 'so is a call' 'fnn_predict_none is not' calls_are_there "$here/named.md"

# ---- results that cannot be written ----

check 'the demo compiles' compile_alone examples/demo.c "$here/demo"
check 'so does the grid search' compile_alone examples/grid_search.c "$here/grid_search"
for name in demo grid_search import_pytorch photo predict resume tabular; do
    check "$name has a help" helps $name
    check 'whatever else it is told' helps $name one
done
refuses 'a program without one is seen' 'kernels: status' helps kernels
refuses 'a help that is lost is no success' "demo: $lost" onto_full "$here/demo" --help
check 'the demo refuses paths at once' refuses_bad files "$here/demo"
check 'so does the grid search' refuses_bad files "$here/grid_search" "$places/other"
check "-o is no path of the demo's" refused_at_once 'usage: demo' "$here/demo" -o
check 'nor of the grid search' refused_at_once 'usage: grid' "$here/grid_search" "$places/other" -o
check 'the demo takes one file' refused_at_once 'usage: demo' "$here/demo" "$places/"{one,two}
check 'the grid search two' \
    refused_at_once 'usage: grid' "$here/grid_search" "$places/"{one,two,three}
refuses 'that are not refused' FMNIST_DIR \
    refused_at_once 'usage: grid' "$here/grid_search" "$places/"{one,two}
refuses 'one that can be written is not refused' FMNIST_DIR refused_at_once . "$here/demo" \
    "$places/other"
refuses 'nor an old file' FMNIST_DIR refused_at_once . "$here/demo" "$places/plain"
check 'the grid search refuses one table for both' refused_at_once \
    'expected two files as MLP.csv and CNN.csv, found .*plain twice' \
    "$here/grid_search" "$places/plain" "$places/./plain"
check 'also where there is none yet' refused_at_once 'found .*other twice' \
    "$here/grid_search" "$places/other" "$places/none/../other"
check 'nothing is left of the trials, nothing lost' untouched
demo_without_build() { # then the model goes into the folder that one is in
    local top=$PWD saved
    (cd "$places" && FMNIST_DIR="$data" "$top/$here/demo" 2>&1) |
        awk '/^saved: demo.safetensors / { saved = 1 }
            { print }
            END { exit !saved || !/^test accuracy: / }'
    saved="${PIPESTATUS[*]}"
    rm "$places/demo.safetensors" && [ "$saved" = '0 0' ]
}
check 'without build/ the demo saves where it is run' demo_without_build
demo_on_a_full_disk() {
    local output status
    output=$(FMNIST_DIR="$data" on_a_full_disk 4 "$here/demo" "$places/plain" 2>&1)
    status=$?
    [ $status -eq 1 ] && grep -q 'demo: .*/plain: cannot be written: File too l' <<<"$output" &&
        tail -n 1 <<<"$output" | grep -q '^test accuracy: ' && return
    echo "status $status: $output"
    return 1
}
check 'a model that the disk does not take is an error' demo_on_a_full_disk
check 'and the old one is still there' untouched
half_a_table() {
    local top=$PWD
    cd "$places/none" && on_a_full_disk 8 "$top/$here/tabular"
}
refuses 'half a table of flats is none' 'flats_train.csv: cannot be opened' half_a_table

summary
