#!/bin/bash
# Models as C: what examples/export_c.c writes compiles without a warning, passes its self-test and
# gives what the library does, in floats and in integers, here and on a Cortex-M4; the network of
# examples/tiny.c fits into 32 KB of flash and 8 KB of RAM. Each check has a broken case.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/images.sh
. tests/images.sh
here=$build/export
rm -rf "$here"
mkdir -p "$here"
export OMP_NUM_THREADS=2
shared_library

# ---- programs ----

# shellcheck disable=SC2086
example() { # NAME
    $CC -std=c99 -O2 $threads $warnings $elsewhere "examples/$1.c" "${library[@]}" -o "$here/$1" -lm
}
# shellcheck disable=SC2086
make_models() {
    $CC -std=c99 -O1 $threads $warnings tests/export_models.c "${library[@]}" \
        -o "$here/models" -lm || return 1
    "$here/models" "$here" >"$here/names" || return 1
    $CC -std=c99 -O1 $threads $warnings -c tests/export_compare.c -o "$here/compare.o"
}
check 'the program compiles' example export_c
check 'so does that of the smallest network' example tiny
check 'models to export' make_models
if [ $failed -gt 0 ]; then
    summary
    exit
fi

# ---- every model, as floats and as integers ----

images="$here/images.idx $here/labels.idx"
images_of() { case $1 in table*) echo "$here/table.idx" ;; *) echo "$here/images.idx" ;; esac; }
run() { "$here/export_c" "$@"; }
export_it() { # NAME FLOATS-OR-INT8
    local int8=''
    [ "$2" = floats ] || int8="--int8 $(images_of "$1")"
    # shellcheck disable=SC2086
    run "$here/$1.safetensors" -o "$here/$1.$2.c" $int8
}
tests_itself() { # NAME.KIND COMPILER FLAG...: compiles without a warning, and passes
    # shellcheck disable=SC2086
    "${@:2}" $warnings -DNET_SELF_TEST "$here/$1.c" -o "$here/$1.self" -lm &&
        "$here/$1.self" | tee "$here/$1.self.out" | tail -n 1 | grep -x 'self-test passed' ||
        { cat "$here/$1.self.out" && return 1; }
}
# The float outputs of 200 images are within 1e-5 of the largest of all; the integers' are a
# twentieth apart at most, in root mean squares.
agrees() { # NAME KIND [ACCURACY]
    # shellcheck disable=SC2086
    $CC -std=c99 -O2 $warnings -c "$here/$1.$2.c" -o "$here/$1.$2.o" &&
        $CC $threads "$here/$1.$2.o" "$here/compare.o" "${library[@]}" \
            -o "$here/$1.$2" -lm || return 1
    set -- "$1.$2" "$1.safetensors" "$([ "$2" = floats ] && echo 1e-5 || echo int8 .05)" "${3:-}"
    # shellcheck disable=SC2086
    "$here/$1" "$here/$2" "$(images_of "$1")" "$here/labels.idx" $3 $4
}
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all'
compilers=("gcc -std=c99 -O1 $sanitizers" 'clang -std=c99 -O2' 'g++ -x c++ -std=c++11 -O2')
for compiler in "${compilers[@]}"; do
    have "${compiler%% *}" || skip "files of ${compiler%% *}" "no ${compiler%% *}"
done
# By one of them in turn (FULL=1: by all).
exported() { # NAME KIND TURN
    local compiler by=("${compilers[@]}")
    [ "${FULL:-}" = 1 ] || by=("${compilers[$3 % 3]}")
    check "$1 as $2" export_it "$1" "$2"
    for compiler in "${by[@]}"; do
        # shellcheck disable=SC2086
        ! have "${compiler%% *}" ||
            check "$1 as $2: its self-test by ${compiler%% *}" tests_itself "$1.$2" $compiler
    done
    check "$1 as $2: agrees with the library" agrees "$1" "$2"
}
turn=0
while read -r name; do
    exported "$name" floats $turn
    case $name in
    softmax_inside | with_softmax)
        refuses "$name as int8 is refused" '1 activation: .* softmax as the last layer only' \
            export_it "$name" int8
        ;;
    *) exported "$name" int8 $((turn + 1)) ;;
    esac
    turn=$((turn + 1))
done <"$here/names"

# The accuracy that the program prints, by its own arithmetic, is that of the C.
accuracy_is_that_of_the_c() { # NAME
    local said
    # shellcheck disable=SC2086
    said=$(run "$here/$1.safetensors" -o "$here/$1.int8.c" --int8 "$here/images.idx" \
        --test $images | tee "$here/said" | sed -n 's/^test .*, int8 \(.*\) %$/\1/p')
    [ -n "$said" ] && agrees "$1" int8 "${2:-$said}" || { cat "$here/said" && return 1; }
}
check 'the accuracy said is that of the C' accuracy_is_that_of_the_c windows
refuses 'another one is seen' 'but export_c said 12.34' accuracy_is_that_of_the_c windows 12.34

# ---- broken files ----

# The sign of an array's first number becomes another. Images, not random samples, are what every
# weight has an effect on.
flipped() { # NAME KIND ARRAY
    local int8=''
    [ "$2" = floats ] || int8="--int8 $here/images.idx"
    # shellcheck disable=SC2086
    run "$here/$1.safetensors" -o "$here/whole.$2.c" $int8 --test $images || return 2
    tests_itself "whole.$2" "$CC" -std=c99 -O1 || return 2
    sed "/ net_$3\[\]/{n;s/-\?[0-9]/-&/;s/--//}" "$here/whole.$2.c" >"$here/flipped.$2.c"
    [ "$(diff "$here/whole.$2.c" "$here/flipped.$2.c" | grep -c '^>')" = 1 ] || return 2
    tests_itself "flipped.$2" "$CC" -std=c99 -O1
}
for kind in floats int8; do
    for name in cnn windows residual; do
        refuses "a weight of $name as $kind that is flipped" 'sample [0-2], output .*expected' \
            flipped $name $kind weights_1
    done
done
sed 's/net_scratch + [1-9][0-9]*/net_scratch + 0/' "$here/cnn.floats.c" >"$here/one.floats.c"
cp "$here/cnn.safetensors" "$here/one.safetensors"
refuses 'outputs that lie on each other' 'at most' agrees one floats
cp "$here/mlp.safetensors" "$here/other.safetensors"
cp "$here/windows.floats.c" "$here/other.floats.c"
refuses 'another network' 'at most' agrees other floats
# What comparisons make of a NaN, written the other way round.
lost() { # NAME SED: a NaN becomes a number there
    sed "$2" "$here/$1.floats.c" >"$here/lost.floats.c"
    cp "$here/$1.safetensors" "$here/lost.safetensors"
    ! cmp -s "$here/$1.floats.c" "$here/lost.floats.c" && agrees lost floats
}
refuses 'a relu that loses a NaN' 'is NaN: expected [1-9][0-9]* such outputs, found 0' \
    lost cnn 's/y\[f\] < 0 ? 0.0f : y\[f\]/y[f] > 0 ? y[f] : 0.0f/'
refuses 'one that is an operation of its own' 'is NaN: expected' \
    lost with_relu 's/v < 0 ? 0.0f : v/v > 0 ? v : 0/'
refuses 'a pool that does' 'is NaN: expected' lost windows 's/p\[c\] != p\[c\] ? p\[c\] : //'
misread() { # NAME: a window over a single pixel as if it were a dense layer
    mkdir -p "$here/misread/examples"
    cp fmnist_nn.h "$here/misread/"
    cp examples/export_c.c examples/export_*.h examples/program.h "$here/misread/examples/"
    sed -i 's/ && w->kernel_height \* w->kernel_width == 1;/;/' \
        "$here/misread/examples/export_write.h"
    ! cmp -s "$here/misread/examples/export_write.h" examples/export_write.h || return 0
    # shellcheck disable=SC2086
    $CC -std=c99 -O1 $threads $elsewhere "$here/misread/examples/export_c.c" "${library[@]}" \
        -o "$here/misread/export_c" -lm &&
        "$here/misread/export_c" "$here/$1.safetensors" -o "$here/misread.int8.c" \
            --int8 "$here/images.idx" || return 0
    tests_itself misread.int8 "$CC" -std=c99 -O1
}
refuses 'a window that is taken for a dense layer' 'self-test failed' misread pixel

# ---- what the compiler makes of them ----

needs_no_library() { # NAME KIND FLAG...: but for functions of activations, and copies
    "$CC" -std=c99 -O2 "${@:3}" -c "$here/$1.$2.c" -o "$here/needs.o" &&
        ! nm -u "$here/needs.o" | grep -vE ' (expf|tanhf|erff|memcpy|memset)$'
}
while read -r name; do check "$name needs no library" needs_no_library "$name" floats; done \
    <"$here/names"
check 'nor as int8' needs_no_library cnn int8
refuses 'the self-test does' ' U p' needs_no_library cnn floats -DNET_SELF_TEST
vectorised() { # KIND FLAG...
    gcc -std=c99 "${@:2}" -fopt-info-vec-optimized -c "$here/cnn.$1.c" -o "$here/vec.o" 2>&1 |
        tee "$here/vec.out" | grep -c 'loop vectorized'
}
if have gcc; then
    for kind in floats int8; do check "gcc vectorises $kind" vectorised $kind -O3; done
    refuses 'not without being told to' '^0$' vectorised floats -O1
else
    skip 'vectors' 'no gcc'
fi

# ---- names and messages ----

# shellcheck disable=SC2086
named() { # NAME
    run "$here/cnn.safetensors" -o "$here/named.c" --name "$1" &&
        $CC -std=c99 $warnings -c "$here/named.c" -o "$here/named.o" &&
        nm "$here/named.o" | grep -q " T $1_predict_bytes\$" &&
        grep -qF "#define ${1^^}_INPUTS 336" "$here/named.c"
}
check 'another name' named shoes_2
refuses 'a name that is none in C' 'expected letters, digits and _, found 2shoes' named 2shoes
model=$here/cnn.safetensors
check 'help' run --help
refuses 'no model' 'expected a model and -o' run
refuses 'no output' 'expected a model and -o' run "$model"
refuses 'an option that is none' 'unknown option --int9' run "$model" --int9
refuses 'two models' 'expected one model and .* found README.md too' \
    run "$model" README.md -o "$here/x.c"
refuses 'an option twice' 'an option once, found two too' \
    run "$model" -o "$here/x.c" --name one --name two
refuses 'two outputs' 'an option once, found .*y.c too' run "$model" -o "$here/x.c" -o "$here/y.c"
refuses 'the model as the output' 'expected two files, found .*cnn.safetensors twice' \
    run "$model" -o "$here/../export/cnn.safetensors"
printed_onto_full() { run "$@" >/dev/full; }
refuses 'help that is lost is no success' 'what it prints cannot be' printed_onto_full --help
refuses 'nor is what else it prints' 'what it prints cannot be' \
    printed_onto_full "$model" -o "$here/x.c"
refuses 'an option without its value' '-o: a value is missing' run "$model" -o
refuses 'images without labels' '--test: the labels' run "$model" -o "$here/x.c" --test images
refuses 'a model that is not there' 'none.safetensors' run "$here/none.safetensors" -o "$here/x.c"
refuses 'a model that is none' 'README.md: not a safetensors file' run README.md -o "$here/x.c"
refuses 'a folder that is not there' 'none/x.c' run "$model" -o "$here/none/x.c"
make_images "$here/data"
refuses 'images of another shape' 'of 14 x 12 x 2, which the model takes, found 28 x 28 x 1' \
    run "$model" -o "$here/x.c" --int8 "$here/data/train-images-idx3-ubyte"

# ---- where the file goes ----

goes_to() { # FILE [LINK]: through the link, which stays one; what lies beside them stays, too
    local beside
    for beside in "$1" "${2:-$1}"; do
        echo mine >"$beside.part" && echo mine >"$beside.0.part"
    done
    run "$model" -o "${2:-$1}" && cmp "$1" "$here/cnn.floats.c" && [ ! -L "$1" ] || return 1
    [ -z "${2:-}" ] || [ -L "$2" ] || { echo "$2 is no link any more" && return 1; }
    [ "$(cat "$1".*part "${2:-$1}".*part | sort | uniq -c)" = '      4 mine' ]
}
mkdir -p "$here/links/far"
check 'what is there already is left alone' goes_to "$here/links/new.c"
check 'an old file is replaced' goes_to "$here/links/new.c"
ln -s far/net.c "$here/links/one.c"
ln -s one.c "$here/links/two.c"
check 'a link to nothing leads to the new file' goes_to "$here/links/far/net.c" "$here/links/one.c"
echo old >"$here/links/far/net.c"
check 'links to an old file stay' goes_to "$here/links/far/net.c" "$here/links/two.c"
refuses 'a link that is none is seen' 'is no link' goes_to "$here/links/new.c" "$here/links/new.c"
ln -s circle.c "$here/links/circle.c"
refuses 'a circle of links' 'circle.c: ' run "$model" -o "$here/links/circle.c"

# ---- a Cortex-M4 ----

# The program on the small data, which do not change how large the network is.
tiny_network() {
    FMNIST_DIR=$here/data "$here/tiny" "$here/tiny.safetensors" &&
        run "$here/tiny.safetensors" -o "$here/tiny.floats.c" &&
        run "$here/tiny.safetensors" -o "$here/tiny.int8.c" \
            --int8 "$here/data/train-images-idx3-ubyte" &&
        tests_itself tiny.int8 "$CC" -std=c99 -O1
}
check 'the smallest network' tiny_network
refuses 'an option of its program, which has none' 'usage: tiny' "$here/tiny" --output
check 'but help' "$here/tiny" --help

arm='arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16'
fits() { # KIND: code and constants in 32 KB, what is written to in 8 KB
    # shellcheck disable=SC2086
    $arm -Os $warnings -c "$here/tiny.$1.c" -o "$here/arm.o" || return 1
    arm-none-eabi-size "$here/arm.o" | tail -n 1 | awk '{
        print $1 + $2 " bytes of flash, " $2 + $3 " of RAM"
        exit $1 + $2 > 32768 || $2 + $3 > 8192 }'
}
# Switches the floating-point unit on; then newlib's start, whose files and output are the
# emulator's.
cat >"$here/start.c" <<'END'
#include <stdint.h>
void _start(void);
static void reset(void)
{
    *(volatile uint32_t *)0xe000ed88 |= 0xf << 20;
    __asm volatile("dsb\n isb");
    _start();
}
__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))0x400000, reset}; /* the end of memory is where the stack begins */
END
on_arm() { # NAME.KIND: its self-test
    $arm -O2 -DNET_SELF_TEST --specs=rdimon.specs -Wl,--section-start=.vectors=0 \
        "$here/$1.c" "$here/start.c" -o "$here/$1.elf" -lm &&
        timeout 60 qemu-system-arm -M mps2-an386 -nographic \
            -semihosting-config enable=on,target=native -kernel "$here/$1.elf"
}
if ! have arm-none-eabi-gcc; then
    skip 'a Cortex-M4' 'no arm-none-eabi-gcc'
else
    check 'it fits into 32 KB of flash and 8 KB of RAM' fits int8
    refuses 'as floats it does not' 'bytes of flash' fits floats
    if ! have qemu-system-arm || ! echo 'int main(void) { return 0; }' |
        $arm --specs=rdimon.specs -x c - -o "$here/probe.elf" 2>/dev/null; then
        skip 'running there' 'no qemu-system-arm, or no newlib'
    else
        for name in tiny cnn windows residual with_tanh; do
            check "$name as int8 runs there" on_arm $name.int8
        done
        check 'floats do, too' on_arm residual.floats
        refuses 'a flipped weight fails there' 'self-test failed' on_arm flipped.int8
    fi
fi
summary
