#!/bin/bash
# The tests that take long: the exhaustive programs (all floats, all sizes), every compiler with
# every standard, level and option, and the test programs on further targets and under further
# tools. Hours on two cores. What this machine has not is skipped, and counted.
#
#     bash tests/exhaustive.sh [WORD...]    only jobs whose name contains one of the words
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
export FULL=1 TEST_TIMEOUT=${TEST_TIMEOUT:-14400}

list_jobs() {
    local source group
    for source in tests/exhaustive_*.c; do
        [ -f "$source" ] && echo "plain/$(basename "$source" .c)"
    done
    printf 'script/builds:%s\n' gcc clang clang-19 g++ clang++ options targets symbols
    printf 'script/%s\n' structure: get_data: selftest:
    for group in sanitize-full undefined undefined-m32 neon clang clang-19 m32 big-endian memory \
        thread valgrind; do
        for source in tests/test_*.c; do
            echo "$group/$(basename "$source" .c)"
        done
    done
}
list_jobs >"$build/exhaustive"
JOB_LIST=$build/exhaustive exec bash tests/run.sh "$@"
