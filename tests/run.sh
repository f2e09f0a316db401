#!/bin/bash
# Runs all tests and sums them up; its last line is `N passed, N failed, N skipped`.
#
#     bash tests/run.sh [WORD...]       only jobs whose name contains one of the words
#     JOBS=1 bash tests/run.sh          one job at a time (default: one a core)
#     JOB_LIST=file bash tests/run.sh   the jobs of that file in place of those below
#     TEST_SOURCES=dir, TEST_BUILD=dir  in place of tests/ and build/tests/
#
# A job is GROUP/PROGRAM: a test program compiled for a purpose (the groups of tests/common.sh),
# or script/NAME:ARGUMENT, a script beside this one. Its output is build/tests/GROUP.PROGRAM.log.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
set -o pipefail
sources=${TEST_SOURCES:-tests}

# Longest first, so that no core waits at the end.
list_jobs() {
    local group source name
    printf 'script/%s\n' structure: examples:
    printf 'script/builds:%s\n' gcc clang clang-19 g++ clang++ options targets symbols
    for group in sanitize neon plain double; do
        for source in "$sources"/test_*.c; do
            name=$(basename "$source" .c)
            [ $group = double ] && ! is_among "$name" "$double_programs" && continue
            [ $group = neon ] && ! is_among "$name" "$neon_programs" && continue
            [ "$group/$name" = sanitize/test_aghaei ] && continue # an example's classes
            echo "$group/$name"
        done
    done
    for name in $undefined_programs; do
        [ -f "$sources/$name.c" ] && echo "undefined/$name"
    done
    [ -f "$sources/test_extremes.c" ] && echo undefined-m32/test_extremes
    printf 'script/%s\n' get_data: selftest:
}

log_of() { echo "$build/${1//[\/:]/.}.log"; }

# One line a job; its failures in full, its skips with their reasons.
run_job() {
    local job=$1 log start tally mark=ok
    log=$(log_of "$job")
    start=$SECONDS
    case $job in
    script/*)
        job=${job#script/}
        bash "tests/${job%%:*}.sh" "${job#*:}" >"$log" 2>&1
        tail -n 1 "$log" | grep -q ' skipped$' ||
            printf 'FAILED: ended without its count\n0 passed, 1 failed, 0 skipped\n' >>"$log"
        job=${job%:}
        ;;
    *) run_program "${job%%/*}" "$sources/${job#*/}.c" "$log" ;;
    esac
    tally=$(tail -n 1 "$log")
    [[ $tally == *', 0 failed,'* ]] || mark=FAILED
    {
        printf '%-6s  %-24s  %s  (%d s)\n' $mark "$job" "$tally" $((SECONDS - start))
        grep '^skipped ' "$log" | sed 's/^/        /'
        [ $mark = ok ] || grep -v '^ok ' "$log" | head -n -1 | tail -n 40 | sed 's/^/        /'
    } | dd bs=64k iflag=fullblock status=none # in one write: other jobs print too
}

if [ "${1:-}" = --job ]; then
    run_job "$2"
    exit 0
fi

jobs=$build/jobs
if [ -n "${JOB_LIST:-}" ]; then cat "$JOB_LIST"; else list_jobs; fi |
    grep -F -e "$(printf '%s\n' "${@:-}")" >"$jobs" # a pattern a line
while read -r job; do rm -f "$(log_of "$job")"; done <"$jobs"
xargs -P "${JOBS:-$(nproc)}" -n 1 bash tests/run.sh --job <"$jobs"

# A job without a log has been killed.
while read -r job; do
    tail -n 1 "$(log_of "$job")" 2>/dev/null || echo '0 passed, 1 failed, 0 skipped'
done <"$jobs" | awk '{ p += $1; f += $3; s += $5 }
         END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }'
