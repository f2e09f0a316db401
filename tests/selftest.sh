#!/bin/bash
# That the runner notices what goes wrong in a test program: each of these does it wrong in a way
# of its own.
#
#     bash tests/selftest.sh              under this compiler
#     bash tests/selftest.sh sanitize     what that group of programs is to notice (common.sh)
#     bash tests/selftest.sh sweeps       that the sweeps go on where they stopped (sweeps.sh)
#     bash tests/selftest.sh kernels      that a part of each sweep notices wrong kernels
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/selftest.${1:-plain}
rm -rf "$here"
mkdir -p "$here/sources"

# program NAME BODY: a test program with one test.
program() {
    {
        echo "#include \"$PWD/tests/harness.h\""
        printf 'static void works(void)\n{\n    %s\n    CHECK(1);\n}\n' "$2"
        echo 'static const harness_test tests[] = {TEST(works)};'
        echo 'HARNESS_MAIN(tests)'
    } >"$here/sources/test_$1.c"
}

run() { # JOB...
    printf '%s\n' "$@" >"$here/list"
    run_named ''
}
run_named() { # WORD: those of the list that contain it
    JOB_LIST=$here/list TEST_BUILD=$here TEST_SOURCES=$here/sources bash tests/run.sh '' "$1"
}

program right 'int *p = malloc(4); CHECK(p != NULL); free(p);'
program wrong 'CHECKF(1 == 2, "one is %d", 2);'
program skips 'SKIP("no reason");'
program crashes 'fflush(stdout); abort();'
program ends 'exit(0);'
program warns 'int unused;'
program leaks 'int *volatile p = malloc(40); CHECK(p != NULL); p = NULL;'
program overruns 'int *volatile p = malloc(40); p[10] = 1; CHECK(p[10] == 1); free(p);'
program oversteps 'fnn_model *m = fnn_sequential(1, 1, 3);
    size_t count;
    fnn_dense(m, 5, FNN_LINEAR);
    CHECK(fnn_seal(m) == FNN_OK && fnn_parameters(m, &count));
    fnn_parameters(m, NULL)[count] = 1;
    fnn_model_free(m);'
sed -i "1i #include \"$PWD/fmnist_nn.h\" // what a test has as \"../fmnist_nn.h\"" \
    "$here/sources/test_oversteps.c"
program overflows 'volatile int i = 0x7fffffff; i = i + 1; CHECK(i < 0);'
program offsets 'char *volatile p = NULL; volatile int n = 0; p = p + n; CHECK(p == NULL);'
program reads 'int *volatile p = malloc(4); if (p[0]) puts("read"); free(p);'
program races 'static int n; int i;
#pragma omp parallel for num_threads(2)
for (i = 0; i < 1000; i++) n += i;
CHECK(n != 1);'
program sums 'int n = 0, i;
#pragma omp parallel for num_threads(2) reduction(+ : n)
for (i = 0; i < 1000; i++) n += i;
CHECK(n == 499500);'
program lies '' # the last line says that all is well, the exit status does not
echo 'int main(void) { return puts("3 passed, 0 failed, 0 skipped") > 0; }' |
    cat <(echo '#include <stdio.h>') - >"$here/sources/test_lies.c"
program nothing ''
sed -i 's/HARNESS_MAIN(tests)/int main(void) { return harness_main(tests, 0, 1, NULL); }/' \
    "$here/sources/test_nothing.c"

program idle ''
sed -i '/CHECK(1);/d' "$here/sources/test_idle.c"

runner() {
    check 'a right program passes' run plain/test_right
    check 'a skipped test does not fail' run plain/test_skips
    refuses 'a failed check' 'one is 2' run plain/test_wrong
    refuses 'is counted' '^0 passed, 1 failed, 0 skipped$' run plain/test_wrong
    refuses 'a crash' 'ended without its count' run plain/test_crashes
    refuses 'an early exit' 'ended without its count' run plain/test_ends
    refuses 'a compiler warning' 'FAILED to compile' run plain/test_warns
    refuses 'an exit status that contradicts the last line' 'FAILED: status 1' run plain/test_lies
    refuses 'a program without tests' 'no test ran' run plain/test_nothing
    refuses 'a test without checks' 'works checked nothing' run plain/test_idle
    refuses 'a name that no job has' '^no job has unknown in its name$' run_named unknown
    refuses 'one failure among others' '^1 passed, 1 failed, 0 skipped$' \
        run plain/test_right plain/test_wrong
    check 'each job says how many are done' shows '^  2/2  ' run plain/test_right plain/test_skips
    refuses 'what a group came to' '^plain +3 +1 +2 +0$' \
        sums plain/test_right plain/test_wrong plain/test_never
    mkdir "$here/probes"
    printf '#!/bin/sh\nexec %s "$@"\n' "$CC" >"$here/compiler"
    chmod +x "$here/compiler"
    check 'a compiler links' links_in "$here/probes"
    echo 'exit 1' >"$here/compiler"
    check 'which a run asks once' links_in "$here/probes"
    refuses 'and the next one anew' '' links_in ''
}
sums() { # JOB...: status 1 where one has failed
    run "${@:1:$#-1}" >/dev/null # the last one has no log, as one that was killed
    local status=$?
    printf '%s\n' "$@" >"$here/all"
    TEST_BUILD=$here bash tests/run.sh --by-group "$here/all"
    return $status
}
links_in() { # PROBES
    PROBES=$1 links "$here/compiler"
}
shows() { # PATTERN COMMAND...
    local output
    output=$("${@:2}") && grep -qE -e "$1" <<<"$output" && return
    echo "expected $1, found: $output"
    return 1
}

# controls GROUP: a right program passes there; then, in pairs, a wrong one and what is said of it.
controls() {
    local group=$1
    shift
    if ! group "$group"; then
        skip "$group" "$reason"
        return
    fi
    check "$group: a right program passes" run "$group/test_right"
    while [ $# -gt 0 ]; do
        refuses "$group: $1" "$2" run "$group/test_$1"
        shift 2
    done
}

# ---- the sweeps, in a copy of the project ----

tree=$here/tree
sweep() { # WORD...: those parts, in the copy
    (cd "$tree" && SWEEP_LIST=${sweep_list:-} bash tests/sweeps.sh "$@")
}
copy_project() {
    mkdir -p "$tree/examples" "$tree/build/tests"
    cp -r tests fmnist_nn.h "$tree"
    cp examples/common.sh "$tree/examples"
}
has() { grep -qE -e "$1" "$2" || { cat "$2" && false; }; } # PATTERN FILE
lacks() { ! grep -E -e "$1" "$2"; }

sweeps_go_on() {
    copy_project
    local state=$tree/build/exhaustive/state results=$tree/tests/exhaustive.txt
    local small=$tree/tests/exhaustive_small.c
    cat >"$small" <<'END'
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (access("stops", F_OK) == 0) return kill(0, SIGTERM); /* as Ctrl-C: the whole group */
    if (access("fails", F_OK) == 0 && argc > 1 && argv[1][0] == '2')
        return puts("wrong\n0 passed, 1 failed, 0 skipped"), 1;
    printf("swept isa=none checks=5 error=0.%c\n1 passed, 0 failed, 0 skipped\n", argv[1][0]);
    return 0;
}
END
    echo 'plain/exhaustive_small 4 1 even' >"$tree/list"
    rm -f "$results"
    sweep_list=list
    check 'a part alone' shows '^1 passed, 0 failed, 0 skipped$' sweep small:3/4
    touch "$tree/stops" "$tree/fails"
    refuses 'a sweep that is stopped says so' 'stopped; what is done stays done' in_session sweep
    rm "$tree/stops"
    check 'what was done is still done' shows ' 1 parts done,   3 left' sweep --state
    refuses 'a part that fails' 'FAILED plain/exhaustive_small:2/4' sweep
    refuses 'is tried again, and counted' '^3 passed, 1 failed, 0 skipped$' sweep
    check 'is not taken for done' lacks small:2/4 "$state"
    check 'nor the sweep for complete' lacks small "$results"
    rm "$tree/fails"
    check 'the others are not run again' shows '^ 0:.*2/4 +4 done,' sweep
    check 'a complete sweep is written down' has '4 parts passed, 4 tests, 20 checks on none' \
        "$results"
    check 'with its largest error' has 'ULP: error 0.4$' "$results"
    echo '/* a remark */' >>"$small"
    check 'a comment changes nothing' shows ' 4 parts done,   0 left' sweep --state
    echo 'extern int other;' >>"$small"
    check 'a change of the source starts anew' shows ' 0 parts done,   4 left' sweep --state
    refuses 'a name that no part has' '^no part has unknown in its name$' sweep unknown
    echo 'other' >>"$small"
    refuses 'a program that does not compile' 'FAILED to compile' sweep
    check 'the sweeps take every exhaustive program' all_are_swept
}
in_session() { # COMMAND...: with a process group of its own
    setsid --wait bash -c "tree=$tree sweep_list=$sweep_list; $(declare -f sweep); $*"
}
all_are_swept() {
    local source
    for source in tests/exhaustive_*.c; do
        bash tests/sweeps.sh --help | grep -q "/$(basename "$source" .c)[/ ]" ||
            { echo "$source is not" && return 1; }
    done
}

# A tile that loses a column where it has five rows, a transform with a wrong factor, a maximum that
# takes the later of two, and an exp that is off by a few units.
wrong_kernels() {
    local part
    copy_project
    sed -e 's/fnni_vmask(columns - (vectors/fnni_vmask(columns - (rows == 5) - (vectors/' \
        -e 's/t\[2\] = fnni_vfnma(four, b, /t[2] = fnni_vfnma(two, b, /' \
        -e 's/_CMP_NLE_UQ/_CMP_NLT_UQ/' -e 's/fnni_vset(0.16666521f)/fnni_vset(0.166661f)/' \
        fmnist_nn.h >"$tree/fmnist_nn.h"
    check 'five lines of the copy are wrong' [ "$(diff fmnist_nn.h "$tree/fmnist_nn.h" |
        grep -c '^>')" -eq 5 ]
    for part in gemm/every_size:6/68 conv/every_depth:1/9 conv/every_window:2/17 \
        conv/every_winograd:1/40 pool/every_window:3/17 math:16/64; do
        refuses "sees it: $part" "^ *[0-9]+:[0-9]+ +FAILED plain/exhaustive_$part" \
            sweep "plain/exhaustive_$part"
    done
    refuses 'more parts than there are sizes' '^100 parts of what has 68$' \
        "$tree/build/tests/plain/exhaustive_gemm" 69/100
}

case ${1:-} in
'') runner ;;
sweeps) sweeps_go_on ;;
kernels) wrong_kernels ;;
sanitize) controls sanitize leaks LeakSanitizer overruns heap-buffer-overflow oversteps \
    heap-buffer-overflow overflows 'signed integer' ;;
undefined)
    controls undefined offsets 'offset to null pointer' overflows 'signed integer'
    controls undefined-m32 offsets 'offset to null pointer'
    ;;
memory) controls memory reads uninitialized ;;
thread)
    if [ -n "$(openmp clang)" ]; then
        controls thread races 'data race'
        check 'thread: what OpenMP orders is no race' run thread/test_sums
    else
        skip thread 'clang has no OpenMP here'
    fi
    ;;
valgrind)
    controls valgrind overruns 'Invalid write' leaks 'definitely lost' reads uninitialised
    ;;
*)
    echo 'usage: selftest.sh [sweeps|kernels|sanitize|undefined|memory|thread|valgrind]' >&2
    exit 2
    ;;
esac
summary
