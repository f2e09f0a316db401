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
CC=${CC:-cc}
warnings='-Wall -Wextra -pedantic -Wshadow -Wconversion -Wvla -Wcast-align -Wdouble-promotion'
warnings="$warnings -Werror"
build=${TEST_BUILD:-build/tests}
mkdir -p "$build"

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

# links COMMAND...: whether a compiler with these flags makes a program.
links() {
    local output=$build/probe.$BASHPID
    echo 'int main(void) { return 0; }' | "$@" -x c - -o "$output" 2>/dev/null
    local status=$?
    rm -f "$output"
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
double_programs="$double_programs test_layers test_train test_schedule test_augment test_file"
double_programs="$double_programs test_idx test_cifar10 test_parse test_csv"
double_programs="$double_programs test_views test_data_failures test_search test_extremes"
# The programs that run kernels of every instruction set on every size. Under the sanitizers
# AVX-512 is compiled into these alone: gcc takes 20 s for it, and 4 s without.
kernel_programs='test_gemm test_kernels test_conv test_math test_pool test_norm'

# These, and of the others those that compute. The rest holds no kernel: it is compiled with -O1,
# and tried under emulation by the exhaustive tests.
neon_programs="$kernel_programs test_float_gradients test_layers test_extremes"

# Where clang's sanitizer sees undefined behaviour that gcc's does not (NULL + 0, an int that is
# too large for a pointer's arithmetic): sizes, memory that is short, models of every kind and file.
undefined_programs='test_extremes test_memory test_layers test_train test_file'

for program in $double_programs $kernel_programs $neon_programs $undefined_programs; do
    [ -f "tests/$program.c" ] && continue
    echo "tests/common.sh names $program, which is not there" >&2
    exit 1
done

is_among() { case " $2 " in *" $1 "*) ;; *) false ;; esac; }

# group NAME PROGRAM: sets compiler, flags, runner and quick (fewer sizes, where each test costs
# ten times as much) for that purpose. Fails with the reason in $reason where this machine has not
# what it takes.
group() {
    local sanitize='-O1 -g1 -fno-omit-frame-pointer -fno-sanitize-recover=all'
    compiler=$CC flags='-O2' runner='' quick=1 reason=''
    case $1 in
    plain)
        quick=''
        is_among "$2" "$neon_programs" || flags='-O1' # gcc needs half the time for it
        ;;
    double)
        quick=''
        flags='-O1 -DFMNIST_NN_REAL=double' # for the time it takes, as those below
        ;;
    sanitize)
        compiler=gcc # clang 14 takes six minutes for the AVX-512 tiles with -fsanitize=address
        flags="$sanitize -fsanitize=address,undefined"
        is_among "$2" "$kernel_programs" || flags="$flags -DFMNIST_NN_NO_AVX512"
        ;;
    sanitize-full)
        compiler=gcc quick=''
        flags="$sanitize -fsanitize=address,undefined"
        ;;
    neon)
        compiler=aarch64-linux-gnu-gcc runner=qemu-aarch64
        flags='-O2 -static'
        ;;
    big-endian)
        compiler=s390x-linux-gnu-gcc runner=qemu-s390x
        flags='-O2 -static'
        ;;
    undefined | undefined-m32)
        compiler=clang # the addresses are gcc's concern: they double clang's time
        flags="$sanitize -fsanitize=undefined -DFMNIST_NN_NO_AVX512"
        [ "$2" = test_extremes ] || flags="$flags -DFMNIST_NN_NO_SIMD"
        # Results are checked too: x87 would round them its own way.
        [ "$1" = undefined ] ||
            flags="$flags -m32 -msse2 -isystem /usr/include/x86_64-linux-gnu"
        ;;
    clang | clang-19) compiler=$1 quick='' ;;
    m32)
        compiler=clang quick=''
        flags='-O2 -m32 -isystem /usr/include/x86_64-linux-gnu'
        ;;
    memory)
        # Without OpenMP, whose library is not instrumented, and scalar for the compile time.
        compiler=clang
        flags="$sanitize -fsanitize=memory -DFMNIST_NN_NO_SIMD"
        ;;
    thread)
        compiler=clang # gcc's OpenMP library has no archer; scalar as above
        flags="$sanitize -fsanitize=thread -DFMNIST_NN_NO_SIMD"
        ;;
    valgrind)
        flags='-O1 -g1 -DFMNIST_NN_NO_AVX512' # it knows AVX2, not AVX-512
        runner='valgrind -q --error-exitcode=9 --leak-check=full'
        ;;
    *) reason="there is no group $1" ;;
    esac
    # It compares bits: those of the code as written, not as each compiler would fuse it.
    [ "$2" = test_weights ] && flags="$flags -ffp-contract=off"
    [ -n "$reason" ] && return 1
    have "$compiler" || reason="no $compiler"
    [ -z "$runner" ] || have "${runner%% *}" || reason="no ${runner%% *}"
    # shellcheck disable=SC2086
    [ -n "$reason" ] || links $compiler $flags || reason="$compiler cannot link with $flags"
    [ -z "$reason" ]
}

# What links with every program where it can: threads, and zlib as the reference of inflate.
# shellcheck disable=SC2086
extras() { # GROUP
    [ "$1" = memory ] || openmp $compiler $flags
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

# run_program GROUP SOURCE LOG: compiles and runs a test program; the log ends with its counts.
# shellcheck disable=SC2046,SC2086
run_program() {
    local name program tally status
    name=$(basename "$2" .c)
    program=$build/$1/$name
    mkdir -p "$build/$1"
    group "$1" "$name"
    if [ -n "$reason" ]; then
        printf 'skipped all of it: %s\n0 passed, 0 failed, 1 skipped\n' "$reason" >"$3"
        return 0
    fi
    if ! $compiler $flags $warnings "$2" $(more_sources "$2") -o "$program" \
        $(extras "$1") -lm >"$3" 2>&1; then
        printf 'FAILED to compile\n0 passed, 1 failed, 0 skipped\n' >>"$3"
        return 1
    fi
    env ${quick:+TEST_QUICK=1} timeout "${TEST_TIMEOUT:-300}" $runner "$program" >"$3" 2>&1
    status=$?
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
