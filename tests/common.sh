# Sourced by the scripts beside it, all run from the top directory: how a check is run, printed
# and counted, and how the test programs are compiled for each purpose.
# shellcheck shell=bash
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export LC_ALL=C          # the words of compilers and tools, in one language and order
export GOMP_SPINCOUNT=0  # waiting threads sleep: two jobs share the cores, spinning would stall
# An allocation that cannot be had returns NULL, as it does without the sanitizer.
export ASAN_OPTIONS=allocator_may_return_null=1 MSAN_OPTIONS=allocator_may_return_null=1
# The OpenMP library is not instrumented; its archer tells the sanitizer what it orders.
export TSAN_OPTIONS='allocator_may_return_null=1 ignore_noninstrumented_modules=1'
# What Wine keeps of a Windows stays below build/.
export WINEDEBUG=-all WINEPREFIX=$PWD/build/wine
CC=${CC:-cc}
warnings='-Wall -Wextra -pedantic -Wshadow -Wconversion -Wvla -Wcast-align -Wdouble-promotion'
warnings="$warnings -Werror"
build=${TEST_BUILD:-build/tests} object_dir=build/tests/objects
mkdir -p "$build"
# Where test programs write their files: thousands of small ones, which a disk makes ten times as
# slow.
scratch=${TMPDIR:-/tmp}
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || scratch=/dev/shm

# ---- checks: each is one counted test ----
passed=0 failed=0 skipped=0

# check NAME COMMAND...: the command must succeed. What it prints is shown when it does not.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        head -n 20 <<<"$output" | sed 's/^/    /'
    fi
}

# refuses NAME PATTERN COMMAND...: a broken case. The command must fail, and say what it should.
refuses() {
    local name=$1 pattern=$2
    shift 2
    check "$name" refuses_as "$pattern" "$@"
}
refuses_as() {
    local pattern=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "succeeded, but should have failed: $*"
        return 1
    fi
    grep -qE -e "$pattern" <<<"$output" && return 0
    echo "failed without saying '$pattern': $output"
    return 1
}

# Runs a command, its output in $here, has a signal end it as soon as a file is there, and wants
# that status of it.
interrupted() { # SIGNAL STATUS PATTERN COMMAND...
    local signal=$1 status=$2 pattern=$3 i
    shift 3
    "$@" >"$here/interrupted.out" 2>&1 &
    for ((i = 0; i < 600; i++)); do
        compgen -G "$pattern" >/dev/null && break
        sleep 0.02
    done
    kill "-$signal" $!
    wait $!
    i=$?
    [ $i -eq "$status" ] && return
    echo "status $i, not $status"
    cat "$here/interrupted.out"
    return 1
}

skip() { # NAME REASON
    skipped=$((skipped + 1))
    echo "skipped $1: $2"
}

# The last line of every test program and script, and its exit status.
summary() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

have() { command -v "$1" >/dev/null; }

# The processor's name, as Linux tells it.
processor() {
    local name
    name=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${name:-$(uname -m)}"
}

# links COMMAND...: whether a compiler with these flags makes a program. A run of the tests keeps
# the answers in $PROBES, a folder of its own, since hundreds of jobs ask the same.
links() {
    local output=$build/probe.$BASHPID answer='' status
    [ -z "${PROBES:-}" ] || answer=$PROBES/$(cksum <<<"$*" | tr ' ' .)
    [ ! -s "$answer" ] || return "$(cat "$answer")"
    echo 'int main(void) { return 0; }' | "$@" -x c - -o "$output" 2>/dev/null
    status=$?
    rm -f "$output"
    [ -z "$answer" ] || echo $status >"$answer"
    return $status
}

# -fopenmp where this compiler can both compile and link it.
openmp() { # COMPILER FLAG...
    if links "$@" -include omp.h -fopenmp; then echo -fopenmp; fi
}

# ---- test programs ----

# The programs that also check the double library.
double_programs='test_gemm test_math test_kernels test_conv test_pool test_norm test_model'
# shellcheck disable=SC2034
double_programs="$double_programs test_layers test_train test_step test_schedule test_augment"
double_programs="$double_programs test_file test_targets test_idx test_cifar10 test_parse test_csv"
double_programs="$double_programs test_views test_faults test_search test_extremes"
double_programs="$double_programs test_look test_import test_resume test_checkpoint test_inference"
# Those that compute on vectors; the exhaustive tests try the others under emulation, too.
neon_programs='test_gemm test_kernels test_conv test_math test_pool test_norm'
neon_programs="$neon_programs test_float_gradients test_layers test_extremes test_same_bits"
neon_programs="$neon_programs test_weights test_nonfinite"

# Those that need no signals, processes or rounding modes, which WebAssembly has not.
wasm_programs='test_gemm test_kernels test_conv test_math test_pool test_norm'
wasm_programs="$wasm_programs test_float_gradients test_layers test_same_bits test_weights"
wasm_programs="$wasm_programs test_nonfinite test_step test_train test_inference test_model"
wasm_programs="$wasm_programs test_optimizers test_idx test_views test_look"

# Where clang's sanitizer sees undefined behaviour that gcc's does not (NULL + 0, an int that is
# too large for a pointer's arithmetic): sizes, memory that is short, models of every kind and file;
# and threads, whose library is clang's own.
undefined_programs='test_extremes test_memory test_faults test_layers test_train test_step'
undefined_programs="$undefined_programs test_threads"
undefined_programs="$undefined_programs test_file test_import test_resume test_checkpoint"
undefined_programs="$undefined_programs test_inference test_hostile"

# What is long under the sanitizers and meets little from outside: make test-machines runs it.
long_sanitized='test_gradients test_float_gradients test_reproducible test_weights test_resume'
long_sanitized="$long_sanitized test_inference test_train test_augment test_schedule test_numbers"
long_sanitized="$long_sanitized test_conv test_layers test_gemm test_coverage_models"

# Those that have run on Windows: they need no other process. Not test_weights, whose exponential
# schedule asks pow of the C library there, which has other last bits.
windows_programs='test_threads test_model test_csv test_idx test_layers test_math test_numbers'
windows_programs="$windows_programs test_parse"

for program in $double_programs $neon_programs $wasm_programs $undefined_programs \
    $long_sanitized $windows_programs; do
    [ -f "tests/$program.c" ] && continue
    echo "tests/common.sh names $program, which is not there" >&2
    exit 1
done

is_among() { case " $2 " in *" $1 "*) ;; *) false ;; esac; }

# What runs programs of 32-bit x86: nothing where the system does, else the emulator.
runner_m32() {
    /lib/ld-linux.so.2 --version >/dev/null 2>&1 || echo qemu-i386
}

# group NAME: sets for that purpose compiler, flags, threads (-fopenmp), flags of the
# kernels (units that hold none are compiled with -O1, which takes half the time), runner and quick
# (fewer sizes, where each test costs ten times as much). Fails with the reason in $reason where
# this machine has not what it takes.
group() {
    local sanitize='-O1 -g1 -fno-omit-frame-pointer -fno-sanitize-recover=all'
    compiler=$CC flags='-O1' kernel_flags='-O2'
    threads='' runner='' quick=1 reason=''
    case $1 in
    plain) quick='' ;;
    double) # all sizes in test-exhaustive: with floats, the same lines have them in plain
        [ "${FULL:-}" != 1 ] || quick=''
        flags='-O1 -DFMNIST_NN_REAL=double'
        ;;
    sanitize | sanitize-full)
        compiler=gcc # clang 14 takes six minutes for the AVX-512 tiles with -fsanitize=address
        flags="$sanitize -fsanitize=address,undefined"
        kernel_flags=$flags
        flags="$flags -include tests/exact.h" # or alignment's room hides the first bytes too many
        [ "$1" = sanitize ] || quick=''
        ;;
    neon)
        compiler=aarch64-linux-gnu-gcc runner=qemu-aarch64
        flags='-O1 -static' kernel_flags='-O2 -static'
        ;;
    wasm)
        compiler=clang runner='node --no-warnings --experimental-wasi-unstable-preview1'
        runner="$runner tests/wasi.mjs"
        # The linker's 64 KiB of stack are few, and an overflow would go on into the data.
        flags='--target=wasm32-wasi -msimd128 -O1 -Wno-unused-command-line-argument'
        flags="$flags -Wl,-z,stack-size=1048576,--stack-first"
        kernel_flags=${flags/-O1/-O2}
        ;;
    big-endian)
        compiler=s390x-linux-gnu-gcc runner=qemu-s390x
        flags='-O1 -static' kernel_flags='-O2 -static'
        ;;
    arm) # 32 bits, whose floating-point unit fuses: the bits of the others
        compiler=arm-linux-gnueabihf-gcc runner=qemu-arm
        flags='-O1 -static -mfpu=vfpv4' kernel_flags='-O2 -static -mfpu=vfpv4'
        ;;
    musl) # another libc, which gcc's OpenMP library does not link with
        compiler=musl-gcc
        flags='-O1 -static' kernel_flags='-O2 -static'
        ;;
    undefined | undefined-m32 | undefined-full)
        # The addresses are gcc's concern, which double clang's time, and the kernels of vectors,
        # for which clang takes two minutes.
        compiler=clang
        flags="$sanitize -fsanitize=undefined -DFMNIST_NN_NO_SIMD"
        [ "$1" != undefined-full ] || flags=${flags/%SIMD/AVX512}
        if [ "$1" = undefined-m32 ]; then # results are checked: x87 would round them its own way
            runner=$(runner_m32)
            flags="$flags -m32 -msse2 -isystem /usr/include/x86_64-linux-gnu"
        fi
        kernel_flags=$flags
        ;;
    clang | clang-19) compiler=$1 quick='' ;;
    native) # where that brings a fused multiply-add, the scalar kernels have it, too
        flags='-O3 -march=native' kernel_flags=$flags
        quick=''
        ;;
    m32)
        compiler=clang quick='' runner=$(runner_m32)
        flags='-O1 -m32 -isystem /usr/include/x86_64-linux-gnu'
        # Test-exhaustive has those kernels, for which clang takes as long as for all others.
        [ "${FULL:-}" = 1 ] || flags="$flags -DFMNIST_NN_NO_AVX512"
        kernel_flags=${flags/-O1/-O2}
        ;;
    memory)
        # Without OpenMP, whose library is not instrumented, and scalar for the compile time.
        compiler=clang
        flags="$sanitize -fsanitize=memory -DFMNIST_NN_NO_SIMD"
        kernel_flags=$flags
        ;;
    thread)
        compiler=clang # gcc's OpenMP library has no archer; scalar as above
        flags="$sanitize -fsanitize=thread -DFMNIST_NN_NO_SIMD"
        kernel_flags=$flags
        ;;
    valgrind)
        flags='-O1 -g1 -DFMNIST_NN_NO_AVX512' # it knows AVX2, not AVX-512
        kernel_flags=$flags
        runner='valgrind -q --error-exitcode=9 --leak-check=full'
        # What belongs to OpenMP's waiting threads is possibly lost.
        runner="$runner --errors-for-leak-kinds=definite --show-leak-kinds=definite"
        ;;
    coverage)
        newest_llvm
        compiler=clang$llvm flags='-O1 -w -fprofile-instr-generate -fcoverage-mapping'
        [ "${llvm#-}" -lt 18 ] 2>/dev/null || flags="$flags -fcoverage-mcdc"
        kernel_flags=$flags
        ;;
    windows)
        compiler=x86_64-w64-mingw32-gcc runner=wine
        have wine || ! have wine64 || runner=wine64
        # static: with its libraries inside; what only a fork calls nobody calls there
        flags='-O1 -static -include tests/windows.h -Wno-unused-function'
        kernel_flags='-O2 -static'
        ;;
    *) reason="there is no group $1" ;;
    esac
    [ -n "$reason" ] && return 1
    have "$compiler" || reason="no $compiler"
    [ -z "$runner" ] || have "${runner%% *}" || reason="no ${runner%% *}"
    # shellcheck disable=SC2086
    [ -n "$reason" ] || links $compiler $flags || reason="$compiler cannot link with $flags"
    # shellcheck disable=SC2086
    [ -n "$reason" ] || is_among "$1" 'memory musl wasm' || threads=$(openmp $compiler $flags)
    # Debian installs the OpenMP library of one clang only, which serves the newer ones too.
    if [ "$1" = coverage ] && [ -z "$reason$threads" ] && have clang; then
        local other
        other=$(clang -print-resource-dir)
        other="-idirafter $other/include -L$other/../.."
        # shellcheck disable=SC2086
        threads=$(openmp $compiler $flags $other)
        threads=${threads:+$threads $other}
    fi
    [ -z "$reason" ]
}

# Sets in $llvm what ends the names of the newest clang that has its llvm-cov: -19, or nothing.
newest_llvm() {
    for llvm in -21 -20 -19 -18 -17 -16 -15 -14 ''; do
        have "clang$llvm" && have "llvm-cov$llvm" && have "llvm-profdata$llvm" && return
    done
    reason='no clang with its llvm-cov and llvm-profdata'
}

# zlib, the reference of inflate, where it links.
# shellcheck disable=SC2086
zlib() { # GROUP
    if [ "$1" != memory ] && links $compiler $flags -include zlib.h -lz; then
        echo '-DHAVE_ZLIB=1 -lz'
    else
        echo '-DHAVE_ZLIB=0'
    fi
}

# The sources that a program needs beside its own: its first comment names them, `sources: other.c`.
more_sources() { # SOURCE
    sed -n 's|.*sources: \([a-z_0-9]*\.c\).*|tests/\1|p;/\*\//q' "$1"
}

# The two objects that programs share: the kernels, which take most of the time, and the library
# that stands on them. One of each is made for a compiler and its flags and kept until these or the
# header change. The double library has the scalar kernels alone and is not divided.
object_command() { # kernels|library
    case $1 in
    kernels) set -- "$kernel_flags" '-Wno-unused-function -DFNNI_KERNELS_ALONE' ;;
    library) set -- "$flags" -DFNNI_KERNELS_APART ;;
    esac
    echo "$compiler $1 $threads $warnings $2 -DFMNIST_NN_IMPLEMENTATION -x c -c fmnist_nn.h"
}
object_path() { # kernels|library
    {
        object_command "$1"
        $compiler --version
        cat fmnist_nn.h
    } | sha256sum | sed "s|^\(.\{16\}\).*|$object_dir/$1.\1.o|"
}
make_object() { # kernels|library
    local path
    path=$(object_path "$1")
    mkdir -p "$object_dir"
    (
        flock 9 # another job may be at it
        [ -f "$path" ] || { $(object_command "$1") -o "$path.new" && mv "$path.new" "$path"; }
    ) 9>"$path.lock"
}

# shared_objects SOURCE: the names of those that it needs. A program that looks at what is private
# holds the library itself (FMNIST_NN_IMPLEMENTATION); one of tables.h has its list of kernels.
shared_objects() {
    local text part
    text=$(cat "$1")
    part=$(sed -n 's|^#include "\(test_[a-z_0-9]*\.c\)".*|\1|p' <<<"$text")
    [ -z "$part" ] || text+=$(cat "$(dirname "$1")/$part")
    case $text in
    *'#define FMNIST_NN_IMPLEMENTATION'*) set -- kernels ;;
    *'"../fmnist_nn.h"'* | *'"tables.h"'* | *'"../examples/'*) set -- library kernels ;;
    *) return ;;
    esac
    echo "$@"
}

# compile_program GROUP SOURCE LOG: makes $program of a test's source. Returns 1 where it does not
# compile and 2 where the group cannot be here; the log then ends with counts that say so.
# shellcheck disable=SC2046,SC2086
compile_program() {
    local object='' shared=() apart=''
    program=$build/$1/$(basename "$2" .c)
    mkdir -p "$build/$1"
    [ "$1" != windows ] || program=$program.exe
    group "$1"
    if [ -n "$reason" ]; then
        printf 'skipped all of it: %s\n0 passed, 0 failed, 1 skipped\n' "$reason" >"$3"
        return 2
    fi
    for object in $(shared_objects "$2"); do
        case $object:$flags in # the double library is static to its unit
        library:*REAL=double*) apart=-DFMNIST_NN_IMPLEMENTATION ;;
        *REAL=double*) ;;
        *)
            make_object "$object" >>"$3" 2>&1
            shared+=("$(object_path "$object")")
            ;;
        esac
    done
    # Static, so that a compiler leaves out what the program does not come to.
    [ "$object" != kernels ] || [ ${#shared[@]} -ne 1 ] ||
        apart='-DFNNI_KERNELS_APART -DFMNIST_NN_STATIC'
    $compiler $flags $threads $apart $warnings "$2" $(more_sources "$2") "${shared[@]}" \
        -o "$program" $(zlib "$1") -lm >>"$3" 2>&1 && return
    printf 'FAILED to compile\n0 passed, 1 failed, 0 skipped\n' >>"$3"
    return 1
}

# run_program GROUP SOURCE LOG: compiles and runs a test program; the log ends with its counts.
# shellcheck disable=SC2086
run_program() {
    local tally status
    compile_program "$@"
    case $? in 1) return 1 ;; 2) return 0 ;; esac
    env ${quick:+TEST_QUICK=1} TMPDIR="$scratch" timeout "${TEST_TIMEOUT:-300}" $runner \
        "$program" >"$3" 2>&1
    status=$?
    [ "$1" != windows ] || sed -i 's/\r$//' "$3" # its lines end as there
    tally=$(tail -n 1 "$3")
    # A program that died, or failed after its last line (a leak), or checked nothing, failed.
    if ! [[ $tally =~ ^[0-9]+\ passed,\ [0-9]+\ failed,\ [0-9]+\ skipped$ ]]; then
        echo "FAILED: ended without its count (status $status)" >>"$3"
        echo '0 passed, 1 failed, 0 skipped' >>"$3"
    elif [ $status -ne 0 ] && [[ $tally == *' 0 failed'* ]]; then
        printf 'FAILED: status %s\n0 passed, 1 failed, 0 skipped\n' $status >>"$3"
    elif [[ $tally == '0 passed, 0 failed, 0 skipped' ]]; then
        printf 'FAILED: no test ran\n0 passed, 1 failed, 0 skipped\n' >>"$3"
    fi
    [ $status -eq 0 ]
}

# For scripts that compile many programs: the library once, as ${library[@]} of group plain; in
# $elsewhere what a source takes that means to hold the library itself, so that it uses these; and
# what $CC takes to check the programs' own lines, in $sanitizers.
shared_library() {
    group plain
    make_object kernels
    make_object library
    # shellcheck disable=SC2034
    library=("$(object_path library)" "$(object_path kernels)") sanitizers=''
    # As if it had been compiled further up, with the headers that come along.
    elsewhere='-DFNNI_IMPLEMENTATION -include stdio.h -include stdlib.h -include string.h'
    elsewhere="$elsewhere -include math.h -include time.h"
    ! links "$CC" -fsanitize=address,undefined ||
        sanitizers='-g1 -fsanitize=address,undefined -fno-sanitize-recover=all'
}
