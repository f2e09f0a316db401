#!/bin/bash
# That the header compiles without a warning wherever it should, links as it should, and brings
# nothing but its own names.
#
#     bash tests/builds.sh gcc|clang|...   one compiler: standards by optimisation levels
#     bash tests/builds.sh options         what the user may define (FMNIST_NN_*)
#     bash tests/builds.sh targets         other processors and systems
#     bash tests/builds.sh symbols         names of symbols and macros
#     bash tests/builds.sh small           FMNIST_NN_INFERENCE: its bits, names and sizes
#
# FULL=1: every standard with every level, in place of a choice: each standard at least once by the
# compilers of its language, each level by those of C++, clang++'s with make test-machines.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/builds.${1:-all}
mkdir -p "$here"

# A unit of a program, in C: unit NAME 'line' ... makes $here/NAME.c.
unit() {
    local name=$1
    shift
    printf '%s\n' "$@" >"$here/$name.c"
}

# runs PROGRAM...: as the shell does, but says so when it fails or crashes.
runs() {
    "$@"
    local status=$?
    [ $status -eq 0 ] || echo "$* ended with status $status"
    return $status
}

# app FLAG...: compiles tests/app.c (and what units the flags name) and runs it.
# shellcheck disable=SC2086
app() {
    $CC $warnings -I. "$@" tests/app.c -o "$here/app" -lm && runs "$here/app"
}

# ---- one compiler ----

# Leaves what the compiler says, and the processor time it took, in the program's .log.
# shellcheck disable=SC2086
matrix_row() { # COMPILER STANDARD LEVEL FLAG...
    local language=c program=$here/app.$2.$3 TIMEFORMAT='seconds %U %S'
    [[ $2 == c++* ]] && language=c++
    if ! { time "$1" -std="$2" "$3" $warnings "${@:4}" -x $language tests/app.c \
        -o "$program" -lm; } 2>"$program.log"; then
        cat "$program.log"
        rm "$program.log"
        return 1
    fi
    runs "$program"
}

# Processor time, not the clock's, which other jobs on the machine lengthen.
took_at_most() { # SECONDS LOG
    awk -v bar="$1" '/^seconds/ { used = $2 + $3; print "took", used, "s of", bar }
        END { exit !used || used > bar }' "$2"
}

# The seconds that a compile may take here. The bar is that of a machine whose compiler takes what
# `usual` says for two hundred small functions: a slower one has as much more.
bar_here() { # SECONDS COMPILER
    local took usual=1.3
    [[ $2 != clang* ]] || usual=0.7
    awk 'BEGIN {
        for (i = 0; i < 200; i++)
            printf "int f%d(int *a, int n) { int s = %d; for (int i = 0; i < n; i++) {" \
                " if (a[i] > s) s += a[i] * %d; else if (a[i] %% %d) a[i] = s ^ i;" \
                " switch (a[i] & 7) { case 1: s++; break; case 3: s *= 3; break;" \
                " case 5: s -= n; } } return s; }\n", i, i, i + 2, i + 3
    }' >"$here/yardstick.c"
    took=$(
        TIMEFORMAT='%U %S'
        { time "$2" -O2 -c "$here/yardstick.c" -o "$here/yardstick.o"; } 2>&1
    )
    awk -v bar="$1" -v usual="$usual" '{ slower = ($1 + $2) / usual
        printf "%.1f\n", bar * (slower > 1 ? slower : 1) }' <<<"$took"
}

# Busy neighbours lengthen processor time too, if less: the quickest of three compiles counts.
compiles_within() { # SECONDS COMPILER
    local try
    for try in 1 2 3; do
        [ "$try" = 1 ] || matrix_row "$2" c99 -O2 || return 1
        took_at_most "$(bar_here "$1" "$2")" "$here/app.c99.-O2.log" && return
    done
    return 1
}

unit_compiles() { # COMPILER UNIT
    local language=c
    [[ $1 == *++* ]] && language=c++
    "$1" -I. -fsyntax-only -x $language "$here/$2.c"
}

matrix() { # COMPILER
    local compiler=$1 rows row threads
    have "$1" || { skip "$1" "this machine has no $1" && return; }
    case ${FULL:-}$1 in
    1*++*) rows=$(echo c++{11,17}:-O{0,g,2,3}) ;;
    1*) rows=$(echo c{99,11,17}:-O{0,g,2,3}) ;;
    g++*) rows='c++11:-O0 c++17:-Og' ;;
    *++*) rows='c++11:-O2 c++17:-O3' ;;
    clang*) rows='c11:-Og c99:-O2' ;;
    *) rows='c17:-O0 c99:-O2' ;;
    esac
    threads=$(openmp "$1")
    for row in $rows; do
        # -Og and -O3 with OpenMP, -O0 and -O2 without: both must be free of warnings.
        set -- "${row%:*}" "${row#*:}"
        case $2 in -Og | -O3) set -- "$@" ${threads:+"$threads"} ;; esac
        check "$compiler $*" matrix_row "$compiler" "$@"
    done
    echo 'static int nobody_calls_it(void) { return 1; }' >"$here/warns.h"
    refuses "$compiler: a warning fails" nobody_calls_it \
        matrix_row "$compiler" "${rows%%:*}" -O1 -DFMNIST_NN_NO_SIMD -include "$here/warns.h"
    unit table '#define FMNIST_NN_IMPLEMENTATION' '#include "fmnist_nn.h"' \
        'void below(fnn_real *x);' 'void below(fnn_real *x) { fnni_kernels_scalar.fill(1, 0, x); }'
    sed 's/fnni_kernels_scalar\.fill/fnni_fill/' "$here/table.c" >"$here/name.c"
    check "$compiler: a kernel is called through a table" unit_compiles "$compiler" table
    refuses "$compiler: not by its name below the kernel room" kernel_room_is_closed \
        unit_compiles "$compiler" name
    [[ $compiler == *++* ]] && return
    # Fifteen are aimed at, and held on some days only (README); this is what it must not grow to.
    check "$compiler -O2 takes at most 18 s" compiles_within 18 "$compiler"
    refuses "$compiler: a longer compile fails" 'took' took_at_most 0 "$here/app.c99.-O2.log"
}

# ---- options ----

# prints PATTERN COMMAND...: the command succeeds and prints the pattern.
prints() {
    local output
    output=$(runs "${@:2}" 2>&1) || { echo "$output" && return 1; }
    grep -qE -e "$1" <<<"$output" || { echo "expected $1, found: $output" && return 1; }
}

options() {
    local define='#define FMNIST_NN_IMPLEMENTATION' include='#include "fmnist_nn.h"'
    local elsewhere=-DAPP_WITHOUT_IMPLEMENTATION double=-DFMNIST_NN_REAL=double
    local kernels alone=$here/library.o
    group plain
    make_object kernels
    kernels=$(object_path kernels)
    unit library "$define" "$include"
    unit static "$define" "$include" \
        'const char *other(void);' 'const char *other(void) { return fnn_info(NULL); }'
    unit twice "$include" "$define" "$include" "$include"
    # An allocator that makes the program fail when it was not used, or not all came back to it.
    unit counts '#include <stdlib.h>' '#include <unistd.h>' 'static int now_held, ever_held;' \
        'static void *count_malloc(size_t n) { now_held++; ever_held++; return malloc(n); }' \
        'static void count_free(void *p) { if (p) now_held--; free(p); }' \
        '__attribute__((destructor)) static void count_end(void)' \
        '{ if (now_held || !ever_held) _exit(9); }'
    # A product that float rounds and double does not, in units of either.
    unit other '#include <string.h>' "$define" "$include" 'int other_is_right(void);' \
        'int other_is_right(void)' '{' \
        '    const int is_double = strcmp(REAL_NAME, "double") == 0;' \
        '    const fnn_real a = (fnn_real)16777217, b = 1;' '    fnn_real c = 0;' \
        '    return strstr(fnn_info(NULL), REAL_NAME) && sizeof c == (is_double ? 8 : 4) &&' \
        '           fnn_sgemm(NULL, 0, 0, 1, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1) == FNN_OK &&' \
        '           c == (fnn_real)(is_double ? 16777217 : 16777216);' '}'
    unit double '#undef FMNIST_NN_REAL' '#define FMNIST_NN_REAL double' \
        '#define REAL_NAME "double"' '#include "other.c"'
    unit float '#undef FMNIST_NN_REAL' '#define REAL_NAME "float"' '#include "other.c"'
    unit wrong '#define FMNIST_NN_STATIC' '#define REAL_NAME "double"' '#include "other.c"' # not so
    unit counts_wrongly "$(sed 's/if (p) now_held--;//' "$here/counts.c")"

    # -O0 and -DFMNIST_NN_NO_SIMD save seconds where neither speed nor instruction set is asked.
    # shellcheck disable=SC2086
    check 'a unit with the implementation alone' $CC $warnings -O0 -DFMNIST_NN_NO_SIMD -I. \
        -c "$here/library.c" -o "$alone"
    check 'two units, one with the implementation' scalar $elsewhere "$alone"
    refuses 'two units with the implementation' 'multiple definition' scalar "$alone"
    refuses 'no unit with the implementation' 'undefined reference' scalar $elsewhere
    check 'FMNIST_NN_STATIC in two units' scalar -DFMNIST_NN_STATIC "$here/static.c"
    check 'included before and after the implementation' scalar $elsewhere "$here/twice.c"

    check 'FMNIST_NN_REAL double' prints double app -O0 $double
    check 'two double units' prints ' double' with_other double $double
    check 'a float library and a double unit' prints ' float' with_other double
    check 'a float library, a float unit and a double one' prints ' float' \
        with_other double $elsewhere "$alone"
    check 'a double unit and a float library' prints ' double' with_other float $double
    refuses 'a float where a double should be is seen' WRONG with_other wrong
    refuses 'a double unit without the implementation' 'error.*the double library is static' \
        scalar $double $elsewhere
    refuses 'a float unit and a double one alone' 'undefined reference' \
        with_other double $elsewhere

    if [ "$(uname -m)" = x86_64 ]; then
        check 'FMNIST_NN_NO_SIMD, without a fused multiply-add, which it says' \
            prints ' scalar [(]no fused multiply-add: other last bits[)],' scalar
        ! grep -qw fma /proc/cpuinfo ||
            check 'with one there is nothing to say' prints ' scalar,' scalar -mfma
        check 'FMNIST_NN_NO_AVX512' app -O0 -DFMNIST_NN_NO_AVX512
        check 'leaves no zmm register' no_zmm "$here/app"
        refuses 'a build with AVX-512 has them' 'zmm' no_zmm "$kernels"
        check 'FMNIST_NN_NO_SCALAR' app -O0 -DFMNIST_NN_NO_SCALAR
    else
        check 'FMNIST_NN_NO_SIMD' prints ' scalar[ ,]' scalar
        check 'FMNIST_NN_NO_AVX512' app -O0 -DFMNIST_NN_NO_AVX512
    fi

    mkdir -p "$here/elsewhere"
    cp tests/app.c "$here/elsewhere/"
    cp fmnist_nn.h "$here/elsewhere/other_name.h"
    check 'FMNIST_NN_FILE' renamed '-DFMNIST_NN_FILE="other_name.h"'
    refuses 'a renamed file without it' 'fmnist_nn.h: No such file' renamed
    check 'FMNIST_NN_MALLOC and _FREE' scalar -DFMNIST_NN_MALLOC=count_malloc \
        -DFMNIST_NN_FREE=count_free -include "$here/counts.c"
    refuses 'an allocator to which not all comes back' '' scalar \
        -DFMNIST_NN_MALLOC=count_malloc -DFMNIST_NN_FREE=count_free \
        -include "$here/counts_wrongly.c"
    refuses 'FMNIST_NN_MALLOC alone' 'or neither' scalar -DFMNIST_NN_MALLOC=malloc
    refuses 'C89' 'error.*needs C99 or later' "$CC" -std=c89 -I. -fsyntax-only "$here/library.c"
    check 'in one line, not in hundreds' c89_says_one_thing
    if have tcc; then
        check 'tcc, which knows no attribute, takes the scalar kernels' \
            prints ' scalar [(]no' tcc_app
        refuses 'a wrong option fails there, too' 'or neither' tcc_app -DFMNIST_NN_MALLOC=malloc
    else
        skip tcc 'this machine has no tcc'
    fi
    if have gcc; then
        # What -O2 fuses then, test_weights sees: so it is the header that keeps it from that.
        mkdir -p "$here/fuses/tests"
        cp tests/*.h tests/test_weights.c "$here/fuses/tests/"
        sed '/fp-contract=off/d' fmnist_nn.h >"$here/fuses/fmnist_nn.h"
        refuses 'a compiler that may fuse what the code does not gives other bits' \
            '(avx2|neon) optimizer/.*: not the fused bits' fuses optimizer/
    else
        skip 'a compiler that may fuse' 'this machine has no gcc'
    fi
    # The sums of a case with all multiplications are those of the versions before.
    mkdir -p "$here/ignores/tests"
    cp tests/*.h tests/test_weights.c "$here/ignores/tests/"
    sed '/^#.*FMNIST_NN_NO_WINOGRAD/s/.*/#if 0/' fmnist_nn.h >"$here/ignores/fmnist_nn.h"
    check 'FMNIST_NN_NO_WINOGRAD warns of nothing, gives the bits of direct convolutions' \
        no_winograd .
    refuses 'a header that ignores it' 'conv2d/3x3_valid: not the' no_winograd "$here/ignores"
    check 'FNN_API exports from a shared library' exports \
        '-DFNN_API=__attribute__((visibility("default")))'
    # shellcheck disable=SC2086
    check 'a static unit and a double one are not for others: it does not touch them' \
        $CC -Wall -Werror -DFMNIST_NN_NO_SIMD -DFMNIST_NN_STATIC -DFNN_API=extern -I. \
        -fsyntax-only "$here/library.c"
    refuses 'without it -fvisibility=hidden exports nothing' '^0 functions' exports
    refuses '-ffast-math' 'without -ffast-math' scalar -ffast-math
    refuses '-Ofast' 'without -ffast-math' scalar -Ofast
    refuses '-ffinite-math-only' 'without -ffast-math' scalar -ffinite-math-only
    if echo | "$CC" -funsafe-math-optimizations -dM -E - | grep -q __ASSOCIATIVE_MATH__; then
        refuses '-funsafe-math-optimizations' 'without -ffast-math' \
            scalar -funsafe-math-optimizations
        refuses '-freciprocal-math' 'without -ffast-math' scalar -freciprocal-math
    else
        skip '-funsafe-math-optimizations' 'this compiler does not tell of it'
    fi
    # shellcheck disable=SC2086
    check 'a unit without the implementation may have it' \
        "$CC" -ffast-math -fsyntax-only $elsewhere tests/app.c
}
scalar() { app -O0 -DFMNIST_NN_NO_SIMD "$@"; }
with_other() { scalar -DAPP_OTHER "${@:2}" "$here/$1.c"; } # UNIT FLAG...

c89_says_one_thing() {
    local errors
    errors=$($CC -std=c89 -I. -fsyntax-only "$here/library.c" 2>&1 | grep -c 'error:')
    echo "$errors errors" && [ "$errors" = 1 ]
}

tcc_app() { tcc "$@" -I. tests/app.c -o "$here/app_tcc" -lm && "$here/app_tcc"; }

# The bits of the copy that lets compilers fuse, of one instruction set.
fuses() { # PART-OF-A-CASE'S-NAME
    gcc -O2 -DFMNIST_NN_NO_AVX512 -DFMNIST_NN_NO_SCALAR "$here/fuses/tests/test_weights.c" \
        -o "$here/fuses/app" -lm && "$here/fuses/app" gives_the_bits "$1"
}

# The sums of convolutions where the transforms are left out, which are above the kernels.
# shellcheck disable=SC2086
no_winograd() { # DIRECTORY-OF-HEADER-AND-TESTS
    $CC -O1 $threads $warnings -DFMNIST_NN_NO_WINOGRAD -DFNNI_KERNELS_APART -DFMNIST_NN_STATIC \
        "$1/tests/test_weights.c" "$(object_path kernels)" -o "$here/no_winograd" -lm &&
        "$here/no_winograd" gives_the_bits conv2d/ && "$here/no_winograd" gives_the_bits winograd/
}

# A shared library that hides what is not said to be seen, and how many functions it shows.
exports() { # FLAG...
    local count
    $CC -O0 -DFMNIST_NN_NO_SIMD -fPIC -shared -fvisibility=hidden -I. "$@" "$here/library.c" \
        -o "$here/shared.so" -lm || return 1
    count=$(nm -D --defined-only "$here/shared.so" | grep -c ' T fnn_')
    echo "$count functions" && [ "$count" -gt 100 ]
}

# The program and the header under another name, where no fmnist_nn.h is found. Without AVX-512,
# which includes the file as AVX2 does.
# shellcheck disable=SC2086
renamed() {
    $CC $warnings -O0 -DFMNIST_NN_NO_AVX512 "$@" '-DAPP_HEADER="other_name.h"' \
        "$here/elsewhere/app.c" -o "$here/elsewhere/app" -lm && runs "$here/elsewhere/app"
}

no_zmm() { # OBJECT
    ! objdump -d "$1" | grep -m 1 zmm
}

# ---- other targets ----

# target NAME RUNNER COMPILER FLAG...: compiles the program there, runs it where that can be done.
target() {
    local name=$1 runner=$2
    shift 2
    have "$1" || { skip "$name" "this machine has no $1" && return; }
    links "$@" || { skip "$name" "$* cannot link here" && return; }
    check "$name" cross "$runner" "$@"
}
# shellcheck disable=SC2086
cross() {
    "${@:2}" $warnings tests/app.c -o "$here/cross.exe" -lm || return 1
    if [ -z "$1" ]; then
        prints right "$here/cross.exe"
    else
        ! have "$1" || prints right "$1" "$here/cross.exe"
    fi
}

# How many vector multiply-adds of four floats a function of the NEON build has, which is compiled
# without the compiler's own vectoriser, so that what is found comes from the kernel.
neon_fmla() { # FUNCTION
    aarch64-linux-gnu-objdump -d --no-show-raw-insn "$here/cross.exe" |
        awk -v name="<$1>:" '$2 == name { on = 1 } /^$/ { on = 0 }
            on && $2 == "fmla" && $3 ~ /^v[0-9]+\.4s/ { n++ } END { print n + 0 }'
}
has_fmla() {
    local count
    count=$(neon_fmla "$1")
    echo "$count vector fmla in $1"
    [ "$count" -ge 24 ] # one for each accumulator of the 8 x 12 tile
}
neon() {
    if ! have aarch64-linux-gnu-gcc; then
        skip 'NEON instructions' 'this machine has no aarch64-linux-gnu-gcc'
        return
    fi
    check 'the NEON tile multiplies and adds in vectors' has_fmla fnni_gemm_tiles_neon
    refuses 'the scalar tile does not' '^0 vector fmla' has_fmla fnni_gemm_tiles_scalar
}

targets() {
    target 'aarch64' qemu-aarch64 aarch64-linux-gnu-gcc -O1 -static -fno-tree-vectorize \
        -fno-tree-slp-vectorize
    neon
    # Debian keeps the kernel's headers, which both sizes share, below the 64-bit triplet.
    target '32 bits' "$(runner_m32)" clang -m32 -O1 -isystem /usr/include/x86_64-linux-gnu
    [ "${FULL:-}" = 1 ] || return
    # The static link is what qemu needs to run it without the target's libraries.
    target 'big-endian (s390x)' qemu-s390x s390x-linux-gnu-gcc -O2 -static
    target 'ARM, 32 bits' qemu-arm arm-linux-gnueabihf-gcc -O2 -static
    target 'ARM, 32 bits, fused multiply-add' qemu-arm arm-linux-gnueabihf-gcc -O2 -static \
        -mfpu=vfpv4
    target 'musl' '' musl-gcc -O2 -static
    target 'Windows (mingw-w64)' wine x86_64-w64-mingw32-gcc -O2
    target 'Windows (mingw-w64), C99' wine x86_64-w64-mingw32-gcc -O2 -std=c99
    target 'Windows (mingw-w64), beside <windows.h>' wine x86_64-w64-mingw32-gcc -O2 \
        -include windows.h
    target 'Windows (mingw-w64), C++11' wine x86_64-w64-mingw32-g++ -O2 -x c++ -std=c++11
}

# ---- names ----

# object NAME DIRECTORY FLAG...: a unit, unless it is there the implementation alone, of that
# directory's header. Without position independence constant tables of pointers are read-only, as in
# the source.
object() {
    local source=$here/$1.c
    [ -f "$source" ] || source=$here/library.c
    $CC -fno-pic -I"$2" "${@:3}" -c "$source" -o "$here/$1.o" && return
    echo "FAILED to compile the object $1"
    failed=$((failed + 1))
}
names() { nm --defined-only "${@:2}" "$here/$1.o" | awk '{ print $2, $3 }'; }

# only PATTERN: prints the lines that do not match, and fails when there are any.
only() { ! grep -vE -e "$1"; }

external_names() { names "$1" -g | only "$2"; } # OBJECT PATTERN
function_names() { names "$1" | grep -i '^t' | only '^. fnni?_'; }

# What could be written while the program runs, by several threads at once.
writable_names() { names "$1" | only '^[^bBdDC]'; }

# The library never ends the program, nor prints on its standard output: what else of stdio writes
# does so into memory, or to a stream, which this must not be.
calls_nothing_rude() { # OBJECT
    local ends='exit|_exit|_Exit|quick_exit|abort|__assert_fail|longjmp|raise|kill'
    local prints='stdout|v?w?printf|v?dprintf|__v?d?printf_chk|puts|putw?char(_unlocked)?'
    prints+='|perror|psignal|v?syslog|v?warnx?|v?errx?|error'
    ! nm -u "$here/$1.o" | grep -E " ($ends|$prints)(@.*)?\$"
}

# The functions with stderr in them, of an object that has each in a section of its own: those of
# the progress that a caller asks for.
progress_alone_has_stderr() { # OBJECT
    local found
    found=$(objdump -r "$here/$1.o" |
        awk '/^RELOCATION/ { function_of = $NF } $3 ~ /^stderr/ { print function_of }' | sort -u)
    [ -n "$found" ] || { echo 'no function has stderr' && return 1; }
    only '^\[\.text\.fnni_(fit_bar|fit_line|search_bar|search_line)\]:$' <<<"$found"
}

# The macros that the header itself defines: -dD keeps the lines that say which file is read.
macros() { # DIRECTORY FLAG...
    $CC -E -dD -I"$1" "${@:2}" "$here/library.c" | awk '
        /^# [0-9]+ "/ { mine = $3 ~ /fmnist_nn\.h"$/ }
        mine && $1 == "#define" { sub(/\(.*/, "", $2); print $2 }' | sort -u |
        only '^(FNNI?|fnni?|FMNIST_NN)_'
}

symbols() {
    local leaky=$here/leaky double=-DFMNIST_NN_REAL=double
    unit library '#define FMNIST_NN_IMPLEMENTATION' '#include "fmnist_nn.h"'
    unit double '#define FMNIST_NN_REAL double' '#define FMNIST_NN_IMPLEMENTATION' \
        '#include "fmnist_nn.h"' 'fnn_model *my_model(void);' \
        'fnn_model *my_model(void) { return fnn_sequential(28, 28, 1); }'
    mkdir -p "$leaky"
    {
        cat fmnist_nn.h
        echo '#ifndef LEAKED_MACRO'
        echo '#define LEAKED_MACRO'
        echo 'static int leaked_state;'
        echo 'int leaked_function(void);'
        echo 'int leaked_function(void)'
        echo '{'
        echo '    if (leaked_state++) exit(1);'
        echo '    fprintf(stderr, "%d: ", leaked_state);'
        echo '    puts("leaked");'
        echo '    return fputs("leaked", stdout);'
        echo '}'
        echo '#endif'
    } >"$leaky/fmnist_nn.h"
    object float . -O0 -ffunction-sections
    object double . -O0
    object static . -O1 -DFMNIST_NN_NO_SIMD -DFMNIST_NN_STATIC
    # -O0 keeps every function, of which the scalar kernels have all names.
    object all . -O0 -DFMNIST_NN_NO_SIMD -ffunction-sections
    object leaky "$leaky" -O0 -DFMNIST_NN_NO_SIMD -ffunction-sections

    check 'external symbols begin with fnn_' external_names float '^. fnn_'
    check 'a double unit has its own alone' external_names double '^T my_model$'
    check 'FMNIST_NN_STATIC has none' external_names static '^$'
    check 'all functions begin with fnn_ or fnni_' function_names all
    check 'nothing global can be written' writable_names float
    check 'no call ends the program or prints' calls_nothing_rude float
    check 'but for progress nothing has stderr' progress_alone_has_stderr float
    check 'nor on scalar kernels' progress_alone_has_stderr all
    check 'macros begin with FNN_ or the like' macros .
    check 'those of the double library, too' macros . $double
    refuses 'a leaked symbol is seen' ' leaked_function$' external_names leaky '^. fnn_'
    refuses 'a double unit that exports is seen' ' fnn_sgemm$' external_names float '^T my_model$'
    refuses 'a static library that exports is seen' ' fnn_sgemm$' external_names float '^$'
    refuses 'a function without prefix is seen' ' leaked_function$' function_names leaky
    refuses 'a global variable is seen' ' leaked_state$' writable_names leaky
    refuses 'a call of exit is seen' ' exit' calls_nothing_rude leaky
    refuses 'a call of puts is seen' ' puts' calls_nothing_rude leaky
    refuses 'standard output is seen' ' stdout' calls_nothing_rude leaky
    refuses 'standard error is seen' '\.leaked_function' progress_alone_has_stderr leaky
    refuses 'a leaked macro is seen' '^LEAKED_MACRO$' macros "$leaky"
}

# ---- small builds ----

small_flags='-DFMNIST_NN_INFERENCE -fno-asynchronous-unwind-tables'

# The model and the outputs NAME that the whole library makes on an instruction set.
whole_makes() { # NAME ISA
    runs env FNN_ISA="$2" "$here/whole" "$here/$1.model" "$here/$1" "$here/checkpoint"
}

# Compiles tests/small.c small and compares what it predicts of a model with what that library did.
# shellcheck disable=SC2086
predicts() { # NAME COMPILER FLAG...
    local language=c
    [[ $2 == *++* ]] && language=c++
    "${@:2}" $warnings $small_flags -x $language tests/small.c -o "$here/small" -lm || return 1
    prints '^equal$' "$here/small" "$here/$1.model" "$here/$1"
}

# Bytes of code and data of a small library's object, as size has them, but for the tables by which
# debuggers and exceptions find their way up the stack: they are a tenth more.
takes_at_most() { # BYTES COMPILER FLAG...
    "${@:2}" -I. -c "$here/library.c" -o "$here/library.o" || return 1
    size "$here/library.o" | awk -v most="$1" 'NR == 2 { used = $1 + $2 }
        END { print used, "bytes of", most; exit !used || used > most }'
}

trains_not() { # OBJECT
    local training='fit|resume|backward|step|evaluate|save|read_csv|grid_search|load_weights'
    [ -s "$1" ] && ! nm --defined-only "$1" | grep -E " [Tt] fnn_($training)\$"
}

# shellcheck disable=SC2086
small() {
    local one='-DFMNIST_NN_NO_AVX512 -DFMNIST_NN_NO_SCALAR' compiler
    local scalar='-Os -DFMNIST_NN_NO_SIMD' trains='-DFMNIST_NN_INFERENCE -I. -fsyntax-only'
    unit library '#define FMNIST_NN_IMPLEMENTATION' '#include "fmnist_nn.h"'
    unit trains '#include "fmnist_nn.h"' 'int train(void);' \
        'int train(void) { return fnn_fit_config_init().epochs; }'
    shared_library
    check 'the whole library' \
        $CC $warnings -O1 $threads $elsewhere tests/small.c "${library[@]}" -o "$here/whole" -lm
    check 'trains, saves and predicts' whole_makes best best
    check 'on scalar kernels, too' whole_makes scalar scalar
    for compiler in gcc clang++ ${FULL:+clang g++}; do
        have $compiler || { skip "small: $compiler" "this machine has no $compiler" && continue; }
        check "$compiler: the same bits" predicts best $compiler -O2
        check "$compiler: and from scalar kernels, as small as they get" \
            predicts scalar $compiler $scalar
    done
    check 'one instruction set, that of the whole library' predicts best $CC -O1 $one
    refuses 'another instruction set is not there' 'this build have, found scalar' \
        env FNN_ISA=scalar "$here/small" "$here/best.model" "$here/best"
    refuses 'a checkpoint' 'found a checkpoint' "$here/small" "$here/checkpoint" "$here/best"
    printf '\1' | dd of="$here/best" seek=700 bs=1 conv=notrunc status=none
    refuses 'a byte that differs is seen' 'the outputs differ' \
        "$here/small" "$here/best.model" "$here/best"
    refuses 'what trains is not declared' 'fnn_fit_config_init' \
        $CC -Werror=implicit-function-declaration $trains "$here/trains.c"
    check 'but in the whole library' $CC ${trains#* } "$here/trains.c"

    object library . -O1 -DFMNIST_NN_NO_SIMD $small_flags
    check 'external symbols begin with fnn_' external_names library '^T fnn_'
    check 'nothing of training is left' trains_not "$here/library.o"
    refuses 'in the whole library it would be seen' ' fnn_fit$' trains_not "$here/whole"
    refuses 'no kernels at all' 'leaves no kernels' \
        $CC -DFMNIST_NN_NO_SCALAR -DFMNIST_NN_NO_SIMD -I. -fsyntax-only "$here/library.c"
    if [ "$(uname -m)" != x86_64 ] || ! have gcc; then
        skip 'sizes' 'they are known of gcc on x86-64'
        return
    fi
    check 'AVX2 alone takes at most 120 KB' takes_at_most 122880 gcc -Os $one $small_flags
    check 'scalar kernels alone at most 84 KB' takes_at_most 86016 gcc $scalar $small_flags
    refuses 'with training it would be more' '^[0-9]+ bytes of 122880' \
        takes_at_most 122880 gcc $scalar ${small_flags#* }
}

case ${1:-} in
options | targets | symbols | small) "$1" ;;
?*) matrix "$1" ;;
*)
    echo "usage: builds.sh COMPILER|options|targets|symbols|small" >&2
    exit 2
    ;;
esac
summary
