#!/bin/bash
# The programs that are told what to do on the command line: train.c from data to a model file, with
# a checkpoint between, profile.c's table, what predict.c makes of files; and the binding of Python.
# What each refuses is tried too. Each check has a broken case that it must refuse.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/images.sh
. tests/images.sh
here=$build/programs
rm -rf "$here"
mkdir -p "$here"
unset FMNIST_DIR CIFAR10_DIR
export OMP_NUM_THREADS=2

# ---- programs and data ----

shared_library

program_compiles() { # NAME: its own lines, under the sanitizers
    # shellcheck disable=SC2086
    $CC -std=c99 -O1 $threads $warnings $sanitizers $elsewhere "examples/$1.c" "${library[@]}" \
        -o "$here/$1" -lm
}
for name in train profile predict; do check "examples/$name.c compiles" program_compiles $name; done

make_images "$here/idx" 1003
# Three classes of a sum, a town that shifts it, a missing field in seventeen, a number to predict.
make_table() { # LINES SEED
    awk -v n="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        split("Ulm Rom Linz", town)
        print "a,b,town,note,class,price"
        for (i = 0; i < n; i++) {
            x = rand(); y = rand(); t = int(3 * rand())
            class = x + y > 1.2 ? "large" : x + y > .8 ? "medium" : "small"
            print x "," (i % 17 ? y : "") "," town[t + 1] ",n" i "," class "," 10 * x + 3 * t
        }
    }'
}
make_table 400 1 >"$here/table.csv"
make_table 100 2 >"$here/test.csv"

# ---- train: from data to a model ----

train() { "$here/train" --quiet --output "$here/model.safetensors" "$@"; }
# The last line of what it prints; the figure in it must reach so much.
reaches() { # LEAST ARGUMENT...
    local output
    output=$(train "${@:2}") || return 1
    awk -v least="$1" '{ print } END { exit !($3 + 0 >= least) }' <<<"$output"
}
columns=(--text town --missing mean --batch 16 --layers 'dense 16 tanh')
classes=(--csv "$here/table.csv" --label class --skip "note,price" "${columns[@]}")
numbers=(--csv "$here/table.csv" --target price --skip "note,class" "${columns[@]}")
check 'train learns the classes of a table' reaches 85 "${classes[@]}" --epochs 60
check 'and tests by another, columns told by number' \
    reaches 85 --csv "$here/table.csv" --test "$here/test.csv" --header 1 --label 4 --text 2 \
    --skip 3,-1 --missing drop --batch 16 --layers 'dense 16 tanh' --epochs 60
check 'it learns a number' reaches .95 "${numbers[@]}" --epochs 60
refuses 'one that has not learned is seen' '^test R2: ' reaches .95 "${numbers[@]}" --epochs 1
check 'it trains on a folder of IDX files' reaches 0 --data "$here/idx" --epochs 1
pixels_as_table() { # of 64 rows and columns: the label, then an image's pixels
    od -An -v -tu1 -w16 -j16 -N4096 "$here/idx/train-images-idx3-ubyte" |
        awk '{ $1 = $1; gsub(/ /, ","); print NR % 2 "," $0 }'
}
pixels_as_table >"$here/pixels.csv"
check 'and on a table of pixels, by convolutions' \
    reaches 0 --csv "$here/pixels.csv" --label 0 --image 4x4x1 --layers 'conv 4, pool 2' --epochs 1
make_cifar10 "$here/cifar"
check 'and on CIFAR-10' reaches 0 --data "$here/cifar" --epochs 1 --layers 'conv 4 3 2 relu, pool 4'

# ---- the words of layers ----

# Which words the file has for a network, told in others.
becomes() { # WORDS ARGUMENT...
    local found
    train --data "$here/idx" --epochs 1 --validation 0 "${@:2}" >"$here/train.out" || return 1
    found=$(head -c 4000 "$here/model.safetensors" | grep -ao '"layers":"[^"]*"' | cut -d '"' -f 4)
    [ "$found" = "$1" ] || { echo "expected $1, found $found" && return 1; }
}
output='dense 10 linear 0; activation softmax 0'
long='conv2d 4 3 3 1 1 same relu 0; max_pool2d 2 2 2 2 valid; dense 8 tanh 0; dropout 0.25'
check 'layers in short words' \
    becomes "$long; $output" --layers 'conv 4 relu, pool 2, dense 8 tanh, dropout .25'
cp "$here/model.safetensors" "$here/short.safetensors"
check 'are those in the words of a file' becomes "$long; $output" --layers "$long; $output"
check 'to the same bits' cmp "$here/short.safetensors" "$here/model.safetensors"
norm='batch_norm 0.99000001 0.00100000005 0'
long="conv2d 4 5 5 2 2 valid linear 0 no_bias; $norm; activation elu 1; max_pool2d 3 3 1 1 same"
check 'strides, paddings, layers without biases' \
    becomes "$long; average_pool2d 2 2 2 2 valid; $output" \
    --layers 'conv 4 5 2 valid no_bias, batch_norm, elu, pool 3 1 same, average_pool 2'
long='conv2d 2 3 5 1 2 explicit 1 2 linear 0; conv2d 2 3 3 1 1 same linear 0; add 0'
long="$long; spatial_dropout 0.5; average_pool2d 28 14 2 2 valid; flatten; dense 4 linear 0"
check 'residuals, windows of any shape, the parameter of an activation' \
    becomes "$long; activation leaky_relu 0.00999999978; $output" \
    --layers 'conv2d 2 3 5 1 2 explicit 1 2, conv 2, add 0, spatial_dropout .5,
    global_average_pool, flatten, dense 4 leaky_relu .01'
refuses 'other words are seen' 'expected none, found dense 3' becomes none --layers 'dense 3'

# ---- interrupted work ----

many=(--data "$here/idx" --layers 'conv 4 3 relu, pool 2, dropout .3' --schedule 'cosine .1'
    --warmup 5 --optimizer adamw --l2 1e-4 --clip 1 --smoothing .1 --average .9
    --flip random --shift 2 --batch 50 --seed 7 --epochs 60)
whole=$here/whole.safetensors part=$here/part.safetensors run=$here/run.checkpoint
check 'a training with all options' train "${many[@]}" --output "$whole"
resumes() { # [ARGUMENT...]
    train "${many[@]}" --output "$part" --checkpoint "$run" --resume "$@" || return 1
    cmp "$whole" "$part"
}
goes_on_after() { # SIGNAL STATUS: to the same bits
    rm -f "$run" "$part"
    interrupted "$1" "$2" "$run" "$here/train" --quiet "${many[@]}" --output "$part" \
        --checkpoint "$run" || return 1
    [ ! -e "$part" ] || { echo 'a model is left' && return 1; }
    resumes --epochs 60
}
check 'it goes on after Ctrl-C, to the same bits' goes_on_after INT 130
check 'which says how' grep -q 'the same with --resume goes on' "$here/interrupted.out"
check 'and after kill -9' goes_on_after KILL 137
refuses 'other bits are seen' 'differ' resumes --epochs 70
refuses 'another seed' 'seed: expected 7, as the fit began with, found 8' resumes --seed 8
refuses 'another network' 'expected as its training began' resumes --layers 'dense 9'
refuses 'another smoothing' 'label smoothing 0\.2; normalization divide_255$' \
    resumes --smoothing .2
refuses 'none' 'loss softmax_cross_entropy; normalization divide_255$' resumes --smoothing 0
refuses 'another scale of inputs' 'label smoothing 0\.1; normalization mean' \
    resumes --normalize mean
refuses 'the usual one by its name is none' 'differ' resumes --normalize divide_255 --epochs 70
deep() { # ARGUMENT...: a network with a long summary, whose last line says the loss
    train --data "$here/idx" --layers "$(printf 'flatten, %.0s' {1..200})dense 4" --epochs 1 \
        --checkpoint "$here/deep.checkpoint" --output "$here/deep.safetensors" "$@"
}
check 'a network of two hundred layers' deep
refuses 'another smoothing of that' 'label smoothing 0\.2' deep --resume --epochs 2 --smoothing .2
refuses 'a new training over an old checkpoint' 'is there already; --resume goes on from it' \
    train "${many[@]}" --checkpoint "$run"

# ---- what is refused, before any work: the data, which are not there, are not missed ----

refuses_at_once() { # PROGRAM; reads lines of PATTERN | ARGUMENT...
    local program=$1 pattern words output status bad=0
    while read -r line; do
        pattern=${line%% | *} words=${line#* | }
        eval "set -- $words"
        output=$(FMNIST_DIR=$here/none "$here/$program" "$@" 2>&1)
        status=$?
        [ $status -eq 1 ] && [[ $output == "$program: $pattern"* ]] && continue
        echo "$words: expected status 1 and $pattern; found status $status and $output"
        bad=1
    done
    return $bad
}
bad_options() {
    cat <<'END'
unknown option --epoch; | --epoch 3
unknown option -e; | -e 3
--epochs: expected N behind it, found nothing | --epochs
--epochs: expected a whole number from 1 to 1000000, found ten | --epochs ten
--epochs: expected a whole number from 1 to 1000000, found 0 | --epochs 0
--epochs: expected a whole number from 1 to 1000000, found 2.5 | --epochs=2.5
--epochs: expected a whole number from 1 to 1000000, found nan | --epochs nan
--epochs: expected a whole number from 1 to 1000000, found 1e9 | --epochs 1e9
--epochs: expected a whole number from 1 to 1000000, found an empty text | --epochs ''
--batch: expected a whole number from 1 | --batch 0
--seed: expected a whole number from 0 | --seed -1
--rate: expected a number from 0 to 1000, found inf | --rate inf
--momentum: expected a number from 0 to 1, found 2 | --momentum 2
--decay: expected a number from 0 | --decay -1
--l2: expected a number from 0 | --l2 -1
--clip: expected a number from 0 | --clip x
--smoothing: expected a number from 0 to 0.99, found 1 | --smoothing 1
--average: expected a number from 0 to 0.99999, found 1 | --average 1
--patience: expected a whole number | --patience -1
--warmup: expected a whole number | --warmup .5
--threads: expected a whole number from 0 to 1024, found 1025 | --threads 1025
--shift: expected a whole number | --shift -1
--validation: expected a number from 0 to 0.9, found 1 | --validation 1
--flip: expected none|random|alternating, found up | --flip up
--optimizer: expected sgd|momentum| | --optimizer adamax
--normalize: expected usual|none|divide_255| | --normalize given
--missing: expected refuse|mean|drop, found zero | --csv t --missing zero
--header: expected a whole number from -1 | --header -2
--quiet: expected no value, found --quiet=1 | --quiet=1
--schedule: expected constant, | --schedule cos
--schedule: expected constant, | --schedule 'step_decay 0 .5'
--schedule: expected constant, | --schedule 'step_decay 5'
--schedule: expected constant, | --schedule 'linear 5'
--schedule: expected constant, | --schedule 'cosine, linear'
--layers: expected a layer, such as dense or conv, found dens 8 | --layers 'dens 8'
--layers: expected dense UNITS [ACTIVATION] [no_bias], found dense | --layers dense
--layers: expected dense UNITS [ACTIVATION] [no_bias], found dense 8 rulu | --layers 'dense 8 rulu'
--layers: expected dense UNITS [ACTIVATION] [no_bias], found dense 8.5 | --layers 'dense 8.5'
--layers: expected conv FILTERS [KERNEL [STRIDE]] | --layers 'conv 8 3 full'
--layers: expected conv FILTERS [KERNEL [STRIDE]] | --layers 'conv 2 3 0'
--layers: expected conv FILTERS [KERNEL [STRIDE]] | --layers 'conv 2 3 3 1 0'
--layers: expected pool SIZE [STRIDE] [same|valid], found pool | --layers 'conv 8, pool'
--layers: expected pool SIZE [STRIDE] [same|valid], found pool 2 0 | --layers 'pool 2 0'
--layers: expected average_pool SIZE [STRIDE] | --layers 'average_pool 0'
--layers: expected dropout RATE, found dropout some | --layers 'dropout some'
--layers: expected flatten, found flatten 3 | --layers 'flatten 3'
--layers: expected words between commas, found none | --layers 'dense 3,,dense 4'
--layers: expected at most 159 characters between commas | --layers "dense $(printf %0160d 8)"
--label: expected --csv FILE too | --label x
--test: expected --csv FILE too | --test x
--header: expected --csv FILE too | --header 1
--separator: expected --csv FILE too | --separator ';'
--missing: expected --csv FILE too | --data x --missing=mean
--smoothing: expected classes, found --target | --csv x --target b --smoothing .1
--momentum: expected --optimizer momentum or nesterov too | --momentum .8
--decay: expected --optimizer adamw too | --decay .1 --optimizer sgd
expected --data or --csv, found both | --data x --csv x
expected --label or --target, found both | --csv x --label a --target b
--separator: expected one character, tab or blank, found ;; | --csv x --separator ';;'
--skip: expected columns with commas between, found none | --csv x --skip a,,b
--image: expected HEIGHTxWIDTHxCHANNELS, such as 28x28x1, found 28x28 | --csv x --image 28x28
--output: /nowhere/x: cannot | --output /nowhere/x
--checkpoint: /nowhere/x: cannot | --checkpoint /nowhere/x
--resume: expected --checkpoint FILE too | --resume
expected two files as --output and --checkpoint | --output build/x --checkpoint build/x
expected two files as --output and --checkpoint | --output build/x --checkpoint ./build/../build/x
expected two files as --output and --checkpoint | --resume --output tests/run.sh --checkpoint $link
expected two files as --output and --csv | --csv tests/run.sh --output $link
expected two files as --output and --test | --csv x --test tests/run.sh --output $link
expected two files as --checkpoint and --csv | --csv tests/run.sh --checkpoint $link
expected two files as --checkpoint and --test | --csv x --test tests/run.sh --checkpoint $link
--checkpoint build/none: there is none | --checkpoint build/none --resume
expected options and at most 0 files, found x too; see --help | x
END
}
link=$here/link
ln -s "$PWD/tests/run.sh" "$link"
check 'train refuses wrong options' refuses_at_once train < <(bad_options)
refuses 'right ones are not refused' "status 1 and train: .*none: expected train-images" \
    refuses_at_once train <<<"--epochs: | --epochs 10 --layers 'dense 8' --output $here/model"
refuses 'data that are not there' 'none: expected train-images-idx3-ubyte or data_batch_1.bin' \
    train --data "$here/none"
refuses 'a table that is none' 'none.csv: ' train --csv "$here/none.csv"
refuses 'a column that it lacks' 'expected a column "kind"' \
    train --csv "$here/table.csv" --label kind
refuses 'a layer that does not fit' \
    'layer 0 conv2d: expected a window .*found window 40 x 40.* \(conv 4 40 valid\)' \
    train --data "$here/idx" --layers 'conv 4 40 valid'
FNN_ISA=bogus refuses 'an instruction set that is none is no fault of the layers' \
    '^train: instruction set: expected one of .*, found bogus$' train --data "$here/idx"
FNN_ISA=bogus refuses 'nor in profile' '^profile: instruction set: ' "$here/profile" --seconds 0
helps() { # PROGRAM PATTERN...: in at most 88 columns
    local output pattern
    output=$("$here/$1" --help) || return 1
    for pattern in "${@:2}"; do
        grep -qE -e "$pattern" <<<"$output" || { echo "no $pattern: $output" && return 1; }
    done
    ! awk 'length($0) > 88' <<<"$output" | grep .
}
check "train's help shows command lines, options and what they are unless told" \
    helps train '^  train --csv iris.csv ' '^  --epochs N .*\[10\]$' 'dense UNITS' '\[adam\]$'
refuses 'another help is seen' 'no --epoch M' helps train '--epoch M'

# ---- profile ----

# A table whose rows sum up to its last one, column by column, within what they are rounded by;
# shares of the machine are shares of what its second line says; no line is wider than 80 columns.
is_table() { # FILE ROWS
    awk -v rows="$2" '
        function wrong(what) { print FILENAME ":" FNR ": " what; bad = 1 }
        length($0) > 80 { wrong(length($0) " columns") }
        FNR == 2 { limit = $(NF - 1) }
        FNR <= 3 { next }
        {
            for (i = 0; i < 9; i++) x[i] = $(NF - 8 + i)
            for (i = 1; i < 6; i += 3) { # all three are rounded
                most = 1 + (x[i + 1] + 100) * .06 / limit
                if ((x[i] / limit * 100 - x[i + 1]) ^ 2 > most ^ 2)
                    wrong(x[i] " are not " x[i + 1] " %")
            }
        }
        $1 != "all" { for (i = 0; i < 9; i++) sum[i] += x[i]; found++; next }
        { for (i = 0; i < 9; i++) {
            step = i % 3 == 0 && i < 6 ? .001 : 1
            if ((i == 0 || i == 3 || i > 5) && (sum[i] - x[i]) ^ 2 > (step * rows) ^ 2)
                wrong("column " i ": the rows sum up to " sum[i])
        } all = 1 }
        END {
            if (found != rows || !all) wrong("expected " rows " rows and their sum, found " found)
            exit bad
        }' "$1"
}
profiles() { # ROWS ARGUMENT...
    "$here/profile" --seconds 0 --batch 20 "${@:2}" >"$here/profile.out" || return 1
    is_table "$here/profile.out" "$1"
}
check "profile shows the demo's network" profiles 7
check 'its rows are its layers' grep -q '^conv 64 relu  .* 74  *1004 ' "$here/profile.out"
sed '/^conv 64/s/ 74  *1004 / 74   1024 /' "$here/profile.out" >"$here/changed.out"
refuses 'another sum is seen' 'column 7: the rows sum up to' is_table "$here/changed.out" 7
sed '/^dense 10/d' "$here/profile.out" >"$here/fewer.out"
sed 's/^\(all  *[^ ]*  *[^ ]*\)  *[^ ]*/\1  999/' "$here/profile.out" >"$here/share.out"
refuses 'another share is seen' 'are not 999 %' is_table "$here/share.out" 7
refuses 'a missing row is seen' 'expected 7 rows' is_table "$here/fewer.out" 7
sed '/^conv 32/s/$/                  wide/' "$here/profile.out" >"$here/wide.out"
refuses 'a wide one is seen' ': [0-9]* columns' is_table "$here/wide.out" 7
check 'a network in words, on two threads' \
    profiles 4 --threads 2 --input 8x8x3 --layers 'conv 4 3, batch_norm, relu, dense 3'
check 'that of a model file' profiles 6 "$here/short.safetensors"
check 'in its words' grep -q '^max_pool2d 2 2 2 2 ' "$here/profile.out"
train "${numbers[@]}" --epochs 1 >/dev/null
check 'one of a table, without what turns its numbers back' profiles 2 "$here/model.safetensors"
# Work backwards is that of the weights' gradient, and again as much where weights are below: rates
# times milliseconds tell it of all layers together, but for what they are rounded by.
goes_back() { # TIMES LAYERS
    "$here/profile" --seconds 0 --batch 500 --layers "$2" | tee "$here/profile.out" |
        awk -v times="$1" '/^all/ { ratio = $6 * $5 / ($3 * $2) }
            END { print "found " ratio " times the work forwards"
                exit !(ratio > times - .15 && ratio < times + .15) }' && return
    cat "$here/profile.out"
    return 1
}
check 'no gradient goes to the inputs' goes_back 1 'dense 256'
check 'nor through layers without weights' goes_back 1 'dropout .1, flatten, dense 256'
check 'it does where weights are below' goes_back 1.7 'dense 128, dropout .1, dense 1792'
check 'also those of a norm' goes_back 2 'batch_norm, dense 256'
refuses 'other work is seen' 'found 1\.[67]' goes_back 1 'dense 128, dropout .1, dense 1792'
check 'profile refuses wrong options' refuses_at_once profile <<'END'
unknown option --epochs; | --epochs 3
--batch: expected a whole number from 1 to 100000, found 0 | --batch 0
--seconds: expected a whole number from 0 to 3600, found x | --seconds x
--threads: expected a whole number | --threads -1
--input: expected HEIGHTxWIDTHxCHANNELS, such as 28x28x1, found 28 | --input 28
--input: expected HEIGHTxWIDTHxCHANNELS, such as 28x28x1, found 0x1x1 | --input 0x1x1
--layers: expected a layer | --layers ReLU
--layers: layer 0 max_pool2d: | --input 1x1x9 --layers 'pool 2'
build/none: | build/none
expected a model file or --layers and --input, found both | a --layers relu
expected a model file or --layers and --input, found both | --input=8x8x1 a
expected options and at most 1 file, found b too; see --help | a b
END
check 'its help shows command lines' helps profile '^  profile --input' 'dense UNITS' '\[28x28x1\]'

# ---- predict: one image in every form ----

image() { tail -c +17 "$here/idx/t10k-images-idx3-ubyte" | head -c 784; }
image_numbers() { image | od -An -v -tu1; }
{ printf 'P5 28 28 255\n' && image; } >"$here/bytes.pgm"
{ printf 'P2\n# text\n28 28\n255\n' && image_numbers; } >"$here/text.pgm"
{ be32 2051 1 28 28 && image; } >"$here/one.idx"
gzip -c "$here/one.idx" >"$here/one.gz"
image_numbers | tr -s ' \n' ',' | sed 's/^,//; s/,$/\n/' >"$here/row.csv"
predict() { "$here/predict" "$@"; }
# The same classes and probabilities for each of the files.
predicts_alike() { # MODEL FILE...
    local file expected found
    for file in "${@:2}"; do
        found=$(predict "$1" "$file") || return 1
        found=$(sed -nE 's/^(image|row) 0: //p' <<<"$found")
        : "${expected:=$found}"
        echo "$file: $found"
        grep -qE '^(no match, nearest is )?[^,;]+, [0-9.]+ %(; [^;]+ %){2}$' <<<"$found" || return 1
        [ "$found" = "$expected" ] || return 1
    done
}
check 'predict reads an image in PGM, IDX and CSV' predicts_alike "$here/short.safetensors" \
    "$here/bytes.pgm" "$here/text.pgm" "$here/one.idx" "$here/one.gz" "$here/row.csv"
sed 's/ *[0-9]* / 255 /5' "$here/text.pgm" >"$here/other.pgm"
refuses 'another image is seen' 'other.pgm: ' \
    predicts_alike "$here/short.safetensors" "$here/bytes.pgm" "$here/other.pgm"
colours() { for ((i = 0; i < 1024; i++)); do printf '%d\n' $((i % 7 * 30)) $((i % 5)) 9; done; }
{ printf 'P3 32 32 255\n' && colours; } >"$here/text.ppm"
{
    printf 'P6 32 32 255\n'
    # shellcheck disable=SC2059
    printf "$(colours | awk '{ printf "\\%o", $1 }')"
} >"$here/bytes.ppm"
train --data "$here/cifar" --epochs 1 --layers 'conv 4 3 2 relu, pool 4' >/dev/null
check 'and one of colours in PPM' predicts_alike "$here/model.safetensors" \
    "$here/text.ppm" "$here/bytes.ppm"
train "${classes[@]}" --epochs 60 >/dev/null
printf 'x,y,Linz,Rom,Ulm\n.9,.9,1,0,0\n.1,.1,0,1,0\n' >"$here/rows.csv"
says() { # PATTERN ARGUMENT...
    predict "${@:2}" >"$here/predict.out" || return 1
    grep -qE -e "$1" "$here/predict.out" || { cat "$here/predict.out" && return 1; }
}
check 'a row of a table has the names of classes' \
    says '^row 0: large, [0-9.]* %; [a-z]*, [0-9.]* %; [a-z]*,' "$here/model.safetensors" \
    "$here/rows.csv"
check 'another row another one' says '^row 1: small, ' "$here/model.safetensors" "$here/rows.csv"
# Four samples, under names or not, whose first line is no sample where it has them.
rows_with() { # FIRST-LINES [FIRST-FIELD]
    printf "$1"'%s,.9,1,0,0\n.1,.1,0,1,0\n.5,.9,0,0,1\n.3,.2,1,0,0\n' "${2:-.9}" >"$here/first.csv"
    says '^row 0: large,' "$here/model.safetensors" "$here/first.csv" 9 || return 1
    [ "$(grep -c '^row ' "$here/predict.out")" -eq 4 ] || { cat "$here/predict.out" && return 1; }
}
mark='\xef\xbb\xbf' names='P1,b,Linz,Rom,Ulm\n'
check 'a table without names is read from its first line on' rows_with ''
check 'so is one behind a byte order mark' rows_with "$mark"
check 'one behind a blank' rows_with '  '
check 'behind blank lines' rows_with '\n \r\n'
check 'behind a line sep=' rows_with "${mark}sep=,\r\n"
check 'and one of quoted numbers' rows_with "$mark" ' "0.9" '
check 'names are no sample' rows_with "$names"
check 'nor behind a byte order mark' rows_with "$mark\"a 1\",b,Linz,Rom,Ulm\n"
check 'nor where they begin with a digit' rows_with '1st,2nd,Linz,Rom,Ulm\n'
refuses 'a sample without its first field is not lost' 'line 1' rows_with '' '""'
refuses 'nor one with a question mark there' 'line 1' rows_with '' '?'
refuses 'another first sample is seen' '^row 0: small' rows_with '.1,.2,1,0,0\n'
train "${numbers[@]}" --epochs 60 >/dev/null
check 'a number is one in its unit' says '^row 0: 1[45][.]' \
    "$here/model.safetensors" "$here/rows.csv"
check 'a test set has an accuracy' env FMNIST_DIR="$here/idx" bash -c \
    "'$here/predict' '$here/short.safetensors' | grep -q '^test accuracy: [0-9.]* %'"
refuses 'a picture of another size' 'expected samples of 1 x 1 x 5.* found 28 x 28 x 1' \
    predict "$here/model.safetensors" "$here/bytes.pgm"
refuses 'a row of another length' 'expected the 28 x 28 x 1 features of a sample, found 5' \
    predict "$here/short.safetensors" "$here/rows.csv"
head -n 20 "$here/text.pgm" >"$here/cut.pgm"
refuses 'half a picture' 'expected 784 numbers from 0 to 255, found [0-9]+$' \
    predict "$here/short.safetensors" "$here/cut.pgm"
refuses 'a picture of 16 bits' 'expected PGM or PPM of at most' \
    predict "$here/short.safetensors" <(printf 'P5 28 28 65535\n')
refuses 'a file that is none' 'none: cannot be opened' predict "$here/short.safetensors" none
refuses 'a number of samples that is none' 'expected a number as N, found x' \
    predict "$here/short.safetensors" "$here/bytes.pgm" x

# ---- what is printed where nothing can be written ----

onto_full() { "$@" >/dev/full; }
lost='what it prints cannot be written'
refuses 'a score that is lost is no success' "train: $lost" \
    onto_full train --data "$here/idx" --epochs 1
refuses 'nor is a help' "train: $lost" onto_full train --help
refuses 'nor a prediction' "predict: $lost" \
    onto_full predict "$here/short.safetensors" "$here/bytes.pgm"
refuses 'nor a table' "profile: $lost" onto_full "$here/profile" --seconds 0 --layers 'dense 3'

# ---- Python ----

binding=$PWD/examples/python
export PYTHONPATH=$binding PYTHONDONTWRITEBYTECODE=1
python=''
for name in /usr/bin/python3 python3; do
    [ -n "$python" ] || ! "$name" -c 'import numpy' 2>/dev/null || python=$name
done
if [ -z "$python" ]; then
    skip 'the binding of Python' 'this machine has no python3 with NumPy'
    summary
    exit
fi

generate() { "$python" examples/python/generate.py "$@"; }
check 'the declarations are those of the header' generate --check
check 'they are of a compiler with options, too' env CC="$CC -O0" "$python" \
    examples/python/generate.py --check
changed_tree() { # SED-SCRIPT: the header with that done to it, in a copy; its difference
    rm -rf "$here/tree"
    mkdir -p "$here/tree/examples"
    sed "$1" fmnist_nn.h >"$here/tree/fmnist_nn.h"
    ! cmp -s fmnist_nn.h "$here/tree/fmnist_nn.h" || { echo "$1 changes nothing" && return 1; }
    cp -r examples/python "$here/tree/examples"
    PYTHONPATH='' "$python" "$here/tree/examples/python/generate.py" "${@:2}"
}
refuses 'another field is seen' '^.*"epoch_count", c_int' \
    changed_tree 's/^    int epochs;  /    int epoch_count;  /' --check
refuses 'so is another constant' '^.FNN_THREADS_MOST = 99' \
    changed_tree 's/^#define FNN_THREADS_MOST 1024/#define FNN_THREADS_MOST 99/' --check
refuses 'and a declaration of another form' 'no enumeration, struct or prototype: union' \
    changed_tree 's/^FNN_API int fnn_flatten/union u;\n&/' --check
same_layout() { # GENERATE-COMMAND...: a C program and ctypes agree where fields are
    "$@" --layout >"$here/layout.c" && "$CC" -std=c99 -I. "$here/layout.c" -o "$here/layout" &&
        diff <("$here/layout") <(generate --offsets) && grep -c . <("$here/layout")
}
check 'fields lie where they do in C' same_layout generate
moved() { changed_tree 's/^    int epochs;  /    double epochs;  /' "$@"; }
moved_layout() {
    moved --layout >"$here/layout.c" && "$CC" -I"$here/tree" "$here/layout.c" -o "$here/layout" &&
        diff <("$here/layout") <(generate --offsets)
}
refuses 'where they do not is seen' 'fnn_fit_config.batch_size' moved_layout
all_functions() { # that the header declares, once each
    diff <(sed -n '1,/That is all of the interface/p' fmnist_nn.h | tr '\n' ' ' |
        grep -oE 'FNN_API [^;(]*\(' | grep -oE 'fnn_[a-z0-9_]+\(' | tr -d '(' | sort) \
        <(sed -n '/^FUNCTIONS/,$s/^    "\(fnn_[a-z0-9_]*\)".*/\1/p' "$binding/fmnist_nn_api.py" |
            sort)
}
check 'all functions are there' all_functions

# The line of its docstring, to a place of the tests; with -O1 and without AVX-512, which changes no
# bit and takes half the time.
library_line() {
    local line
    line=$(sed -n '/^    cc /,/-lm$/p' "$binding/fmnist_nn.py" | tr -d '\\\n')
    line=${line//-O2/-O1 -DFMNIST_NN_NO_AVX512}
    line=${line//examples\/python/$here}
    [ -n "$threads" ] || line=${line//-fopenmp/}
    eval "${line/cc /$CC }"
}
check 'the line that makes the library works' library_line
export FMNIST_NN_LIBRARY=$PWD/$here/libfmnist_nn.so
binding() { "$python" tests/binding.py "$@"; }
trains_as_c() { # SEED: the last line and the file of train.c with seed 3
    local line
    line=$(train --data "$here/idx" --layers 'conv 4 relu, pool 2, dense 8 tanh, dropout .25' \
        --validation 0 --epochs 2 --batch 50 --seed 3) &&
        diff <(echo "$line") <(binding train "$here/idx" "$here/python.safetensors" "$1") &&
        cmp "$here/model.safetensors" "$here/python.safetensors"
}
check 'Python trains to the bits of C' trains_as_c 3
check 'a file gives them back' \
    binding load "$here/idx" "$here/model.safetensors" "$here/again.safetensors"
check 'and is written again byte by byte' cmp "$here/model.safetensors" "$here/again.safetensors"
refuses 'another seed is seen' 'accuracy|differ' trains_as_c 4
check 'a training goes on from a checkpoint; a callback may end one' \
    binding resume "$here/idx" "$here/python.checkpoint"
check 'what a callback or a handler raises ends one' binding interrupts "$here/idx"
check 'arrays are not copied' binding arrays "$here/idx"
check 'models are' binding copies "$here/idx"
check 'integers fit' binding integers "$here/idx"
check 'products of matrices as they lie' binding matrices
check 'what is wrong is told in Python' binding refusals "$here/idx"
refuses 'what is not refused is seen' \
    'expected ValueError z, found none expected ValueError z, found ValueError invalid' \
    eval 'binding control && false'
docstring_works() { # its program, which ends with an accuracy and five classes
    sed -n '/^    import fmnist_nn as nn/,/^    m.save/s/^    //p' "$binding/fmnist_nn.py" \
        >"$here/docstring.py"
    (cd "$here" && FMNIST_DIR=idx "$python" docstring.py) | tee "$here/docstring.out" |
        grep -qE '^0\.[0-9]+ \[[0-9 ]{9}\]$' && [ -s "$here/net.safetensors" ] && return
    cat "$here/docstring.out"
    return 1
}
check 'the program of its docstring works' docstring_works

# Without a library it says how to make one; build() does, once, and not unless it is called.
cat >"$here/cc" <<'END'
#!/bin/bash
echo >>"${0%/*}/built"
cp "$FMNIST_NN_LIBRARY_MADE" "${*: -2:1}"
END
chmod +x "$here/cc"
changed_tree '1s/^/ /' --check >/dev/null
elsewhere() { # PROGRAM: in the copy, without the library
    (export FMNIST_NN_LIBRARY_MADE=$FMNIST_NN_LIBRARY
        unset FMNIST_NN_LIBRARY
        PYTHONPATH=$here/tree/examples/python "$python" -c "$1")
}
refuses 'no library' 'expected the library at .*libfmnist_nn.so, found none.*' \
    elsewhere 'import fmnist_nn as nn; nn.sgd(1)'
check 'nothing is built unasked' test ! -e "$here/built"
build="import fmnist_nn as nn; nn.build('$here/cc -O0'); print(nn.sgd(1).learning_rate)"
check 'built when asked' elsewhere "$build"
built_once() {
    elsewhere "$build" && [ "$(wc -l <"$here/built")" -eq 1 ]
}
check 'and once only' built_once
check 'found without asking again' elsewhere 'import fmnist_nn as nn; nn.sgd(1)'
refuses 'a library of another version' 'expected version 9.9.9' elsewhere \
    'import fmnist_nn as nn; nn.api.FNN_VERSION = "9.9.9"; nn.sgd(1)'
summary
