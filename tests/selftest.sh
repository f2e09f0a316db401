#!/bin/bash
# That the runner notices what goes wrong in a test program: each of these does it wrong in a way
# of its own.
#
#     bash tests/selftest.sh              under this compiler
#     bash tests/selftest.sh sanitize     what that group of programs is to notice (common.sh)
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
program overflows 'volatile int i = 0x7fffffff; i = i + 1; CHECK(i < 0);'
program offsets 'char *volatile p = NULL; volatile int n = 0; p = p + n; CHECK(p == NULL);'
program reads 'int *volatile p = malloc(4); if (p[0]) puts("read"); free(p);'
program races 'static int n; int i;
#pragma omp parallel for num_threads(2)
for (i = 0; i < 1000; i++) n += i;
CHECK(n != 1);'
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
case ${1:-} in
'') runner ;;
sanitize) controls sanitize leaks LeakSanitizer overruns heap-buffer-overflow overflows \
    'signed integer' ;;
undefined)
    controls undefined offsets 'offset to null pointer' overflows 'signed integer'
    controls undefined-m32 offsets 'offset to null pointer'
    ;;
memory) controls memory reads uninitialized ;;
thread)
    if [ -n "$(openmp clang)" ]; then
        controls thread races 'data race'
    else
        skip thread 'clang has no OpenMP here'
    fi
    ;;
valgrind) controls valgrind overruns 'Invalid write' leaks 'definitely lost' ;;
*)
    echo 'usage: selftest.sh [sanitize|undefined|memory|thread|valgrind]' >&2
    exit 2
    ;;
esac
summary
