#!/bin/bash
# That the runner notices what goes wrong in a test program: each of these does it wrong in a way
# of its own.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/selftest
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

run() { TEST_BUILD=$here TEST_SOURCES=$here/sources bash tests/run.sh "$@"; }

program right 'int *p = malloc(4); CHECK(p != NULL); free(p);'
program wrong 'CHECKF(1 == 2, "one is %d", 2);'
program skips 'SKIP("no reason");'
program crashes 'fflush(stdout); abort();'
program ends 'exit(0);'
program warns 'int unused;'
program leaks 'int *volatile p = malloc(40); CHECK(p != NULL); p = NULL;'
program overruns 'int *volatile p = malloc(40); p[10] = 1; CHECK(p[10] == 1); free(p);'
program overflows 'volatile int i = 0x7fffffff; i = i + 1; CHECK(i < 0);'
program lies '' # the last line says that all is well, the exit status does not
echo 'int main(void) { return puts("3 passed, 0 failed, 0 skipped") > 0; }' |
    cat <(echo '#include <stdio.h>') - >"$here/sources/test_lies.c"
program nothing ''
sed -i 's/HARNESS_MAIN(tests)/int main(void) { return harness_main(tests, 0, 1, NULL); }/' \
    "$here/sources/test_nothing.c"

check 'a right program passes' run plain/test_right
check 'a skipped test does not fail' run plain/test_skips
refuses 'a failed check' 'one is 2' run plain/test_wrong
refuses 'is counted' '^0 passed, 1 failed, 0 skipped$' run plain/test_wrong
refuses 'a crash' 'FAILED to reach its end' run plain/test_crashes
refuses 'an early exit' 'FAILED to reach its end' run plain/test_ends
refuses 'a compiler warning' 'FAILED to compile' run plain/test_warns
refuses 'an exit status that contradicts the last line' 'FAILED: status 1' run plain/test_lies
refuses 'a program without tests' 'no test ran' run plain/test_nothing
refuses 'one failure among others' '^1 passed, 1 failed, 0 skipped$' \
    run plain/test_right plain/test_wrong
if group sanitize test_right; then
    check 'the sanitizers let a right program pass' run sanitize/test_right
    refuses 'they see a leak' 'LeakSanitizer' run sanitize/test_leaks
    refuses 'a write past the end' 'heap-buffer-overflow' run sanitize/test_overruns
    refuses 'an overflow' 'signed integer overflow' run sanitize/test_overflows
else
    skip 'the sanitizers' "$reason"
fi
summary
