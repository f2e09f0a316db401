#!/bin/bash
# Models as ONNX: what examples/export_onnx.c writes is valid (by onnx's own checker) and gives what
# the library does, in ONNX Runtime and in a reader of our own; what ONNX has no word for is
# refused. Each check has a broken case.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/onnx
rm -rf "$here"
mkdir -p "$here"
unset FMNIST_DIR
export OMP_NUM_THREADS=2 PYTHONDONTWRITEBYTECODE=1
shared_library
# What it allocates lasts until it ends.
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0

# ---- programs and models ----

program() { # FOLDER-OF-HEADERS OUTPUT FLAG...: in a copy, which finds no header beside itself
    cp examples/export_onnx.c "$2.c"
    # shellcheck disable=SC2086
    $CC -std=c99 -O1 $threads "${@:3}" $elsewhere -I"$1" -Iexamples "$2.c" "${library[@]}" \
        -o "$2" -lm
}
# shellcheck disable=SC2086
make_models() {
    local name
    for name in export_models onnx_samples; do
        $CC -std=c99 -O1 $threads $warnings tests/$name.c "${library[@]}" -o "$here/$name" -lm ||
            return 1
    done
    "$here/export_models" "$here" >"$here/names"
}
# shellcheck disable=SC2086
check 'the program compiles' program examples "$here/export_onnx" $warnings $sanitizers
check 'models to export' make_models
if [ $failed -gt 0 ]; then
    summary
    exit
fi
if "$here/onnx_samples" "$here" >"$here/trained"; then
    cut -d ' ' -f 1 "$here/trained" >>"$here/names"
else
    skip 'networks trained on Fashion-MNIST' "$(tail -n 1 "$here/trained")"
fi

# ---- who runs them ----

python=''
for name in /usr/bin/python3 python3; do
    [ -n "$python" ] || ! "$name" -c 'import numpy' 2>/dev/null || python=$name
done
runtime=$PWD/build/onnxruntime
runners=()
[ -z "$python" ] || runners+=(in_numpy)
[ ! -d "$runtime/node_modules" ] || ! have node || runners+=(in_onnxruntime)
[ -n "$python" ] || skip 'models in NumPy' 'this machine has no python3 with NumPy'
[[ ${runners[*]} == *in_onnxruntime ]] ||
    skip 'models in ONNX Runtime' 'make onnx-runtime fetches it, 21 MB; it needs Node.js and npm'

# A model of NAME's samples, compared with the library.
# shellcheck disable=SC2046
in_numpy() { # NAME [MODEL]
    "$python" tests/read_onnx.py "${2:-$here/$1.onnx}" "$here/$1" $(cat "$here/$1.shapes") 1e-5
}
# shellcheck disable=SC2046
in_onnxruntime() { # NAME [MODEL]
    node tests/run_onnx.js "$runtime" "${2:-$here/$1.onnx}" "$here/$1" \
        $(cat "$here/$1.shapes") 1e-5
}
run() { "$here/export_onnx" "$@"; }
export_it() { # NAME: with samples and what the library makes of them
    local images=$here/images.idx
    case $1 in table*) images=$here/table.idx ;; fashion*) images=- ;; esac
    run "$here/$1.safetensors" -o "$here/$1.onnx" &&
        "$here/onnx_samples" "$here/$1.safetensors" "$images" "$here/$1" >"$here/$1.shapes"
}
worst() { # RUNNER NAME: the comparison, which is kept
    local output
    output=$("$@") || { echo "$output" && return 1; }
    echo "$* $(tail -n 1 <<<"$output")" >>"$here/differences"
}
while read -r name; do
    check "$name as ONNX" export_it "$name"
    for runner in "${runners[@]}"; do check "$name, $runner" worst "$runner" "$name"; done
done <"$here/names"
# Which of them leaves none of the program's kinds of nodes untried.
every_kind() { # FILE...
    local kind kinds bad=0
    kinds=$(grep -oE '(add_node\(g|g, o), "[A-Z][A-Za-z]*"|[?:] "[A-Z][A-Za-z]*"' \
        examples/export_onnx.h | cut -d '"' -f 2 | sort -u)
    [ "$(wc -l <<<"$kinds")" -ge 17 ] || { echo "only $kinds" && return 1; }
    for kind in $kinds; do
        grep -qaF "${kind}2" "$@" || { echo "no $kind" && bad=1; }
    done
    return $bad
}
check 'every kind of node is in one of them' every_kind "$here"/*.onnx
refuses 'one that is in none is seen' 'no Transpose' every_kind "$here/windows.onnx"

valid() { # MODEL...: by the checker of onnx, shapes included
    "$python" -c 'import sys, onnx
for path in sys.argv[1:]:
    onnx.checker.check_model(onnx.load(path), full_check=True)' "$@"
}
if [ -n "$python" ] && "$python" -c 'import onnx' 2>/dev/null; then
    check 'all are valid' valid "$here"/*.onnx
    sed 's/Flatten2/Flutten2/' "$here/cnn.onnx" >"$here/unknown.onnx"
    refuses 'an operator that is none is seen' 'Flutten' valid "$here/unknown.onnx"
else
    skip 'the checker of onnx' 'this machine has no python3-onnx'
fi

# ---- broken files ----

# Images become flat in the order of ONNX, channels first.
channels_first() { # NAME
    LC_ALL=C sed 's/perm@\x00@\x02@\x03@\x01/perm@\x00@\x01@\x02@\x03/' "$here/$1.onnx" \
        >"$here/$1.broken"
    ! cmp -s "$here/$1.onnx" "$here/$1.broken"
}
another_weight() { # NAME: eight of the last layer's are 12.08
    local at
    at=$(LC_ALL=C grep -aobE 'weight_[0-9]+J' "$here/$1.onnx" | tail -n 1)
    cp "$here/$1.onnx" "$here/$1.broken"
    printf %032d 0 | tr 0 A |
        dd of="$here/$1.broken" bs=1 conv=notrunc status=none seek=$((${at%%:*} + 24))
}
cut_off() { head -c -100 "$here/$1.onnx" >"$here/$1.broken"; }
broken() { # RUNNER HOW NAME
    "$2" "$3" || { echo 'nothing is broken' && return 0; }
    "$1" "$3" "$here/$3.broken"
}
trained=''
[ ! -f "$here/fashion_cnn.onnx" ] || trained='fashion_mlp fashion_cnn fashion_residual'
for runner in "${runners[@]}"; do
    for name in mlp cnn flattened; do
        refuses "another order of $name, $runner" 'at most' \
            broken "$runner" channels_first $name
    done
    for name in cnn wide numbers spatial table $trained; do
        refuses "another weight of $name, $runner" 'at most' \
            broken "$runner" another_weight "$name"
    done
    refuses "a file that is cut off, $runner" \
        'protobuf parsing failed|expected [0-9]* bytes, found' \
        broken "$runner" cut_off cnn
done

# ---- names ----

says() { # NAME PATTERN...
    local output
    output=$(in_numpy "$1") || return 1
    for pattern in "${@:2}"; do
        grep -qF -e "$pattern" <<<"$output" || { echo "no $pattern: $output" && return 1; }
    done
}
if [ -n "$python" ]; then
    check 'classes and the shape go with it' says table "classes ['a \"b\"', '\\\\n', '\\xe4'" \
        "shape {'height': 1, 'width': 1, 'channels': 336}"
    refuses 'others are seen' 'no classes' says table "classes ['b'"
    [ -z "$trained" ] ||
        check 'those of Fashion-MNIST, too' says fashion_mlp "classes ['T-shirt/top', 'Trouser',"
fi

# ---- what is refused ----

# The program without its words for a layer and for an activation.
fewer() {
    mkdir -p "$here/fewer"
    sed '/{"add", read_add}/d' examples/export_plan.h >"$here/fewer/export_plan.h"
    sed '/FNN_ELU        ? "Elu"/d' examples/export_onnx.h >"$here/fewer/export_onnx.h"
    program "$here/fewer" "$here/export_fewer" -w
}
check 'a program that knows less' fewer
leaves_nothing() { # COMMAND...: fails with status 1 and leaves no file
    local status
    "$@"
    status=$?
    [ $status -eq 1 ] || { echo "status $status" && return 0; }
    ! compgen -G "$here/x.onnx*" || { echo 'a file is left' && return 0; }
    return 1
}
refused() { # NAME PATTERN COMMAND...
    refuses "$1" "$2" leaves_nothing "${@:3}"
}
refused 'a layer without a counterpart' 'layer 1 add: export_onnx knows no such layer' \
    "$here/export_fewer" "$here/residual.safetensors" -o "$here/x.onnx"
refused 'an activation without one' 'layer 0 conv2d: export_onnx knows no activation elu' \
    "$here/export_fewer" "$here/with_elu.safetensors" -o "$here/x.onnx"
check 'what it knows it writes' "$here/export_fewer" "$here/cnn.safetensors" -o "$here/fewer.onnx"
check 'as the whole one does' cmp "$here/fewer.onnx" "$here/cnn.onnx"

model=$here/cnn.safetensors
refused 'no model' 'expected a model and -o' run
refused 'no output' 'expected a model and -o' run "$model"
refused 'an option that is none' 'unknown option --int8' run "$model" --int8 -o "$here/x.onnx"
refused 'an option without its value' '-o: a value is missing' run "$model" -o
refused 'two models' 'expected one model and one -o, found .*cnn.safetensors too' \
    run "$model" "$model" -o "$here/x.onnx"
refused 'two outputs' 'expected one model and one -o, found .*y.onnx too' \
    run "$model" -o "$here/x.onnx" -o "$here/y.onnx"
refuses 'the model as the output' 'expected two files, found .*cnn.safetensors twice' \
    run "$model" -o "$here/../onnx/cnn.safetensors"
refused 'a model that is not there' 'none.safetensors' \
    run "$here/none.safetensors" -o "$here/x.onnx"
refused 'a model that is none' 'README.md: not a safetensors file' run README.md -o "$here/x.onnx"
refused 'a folder that is not there, before the model is read' 'none/x.onnx: cannot' \
    run "$here/none.safetensors" -o "$here/none/x.onnx"
check 'help' run --help
# A file that grows no further than two blocks: the old one stays.
too_large() { # MODEL
    local status
    (trap '' XFSZ && ulimit -f 2 && run "$1" -o "$here/full.onnx") && return 0
    status=$?
    ! compgen -G "$here/full.onnx.*part" && [ "$(cat "$here/full.onnx")" = old ] && return $status
    echo 'the old file is lost, or a part is left'
    return 0
}
echo old >"$here/full.onnx"
refuses 'a disk that is full' 'full.onnx.0.part: cannot be written' too_large "$model"
check 'where it is not, the old file is replaced' run "$model" -o "$here/full.onnx"
check 'by the same bytes as ever' cmp "$here/full.onnx" "$here/cnn.onnx"
ln -sf full.onnx "$here/link.onnx"
stays_a_link() { run "$model" -o "$here/link.onnx" && [ -L "$here/link.onnx" ]; }
check 'a symbolic link stays one' stays_a_link

# ---- the other order of bytes ----

# shellcheck disable=SC2086
big_endian() {
    make_object kernels && make_object library || return 1
    library=("$(object_path library)" "$(object_path kernels)")
    CC=$compiler program examples "$here/big_endian" $flags || return 1
    $runner "$here/big_endian" "$model" -o "$here/big.onnx" && cmp "$here/big.onnx" "$here/cnn.onnx"
}
if group big-endian; then
    check 'a big-endian machine writes the same bytes' big_endian
else
    skip 'a big-endian machine' "$reason"
fi
if [ -f "$here/differences" ]; then
    for runner in "${runners[@]}"; do
        echo "$runner: at most $(awk -v r="$runner" '$1 == r { print $(NF - 1) }' \
            "$here/differences" | sort -g | tail -n 1) apart"
    done
fi
summary
