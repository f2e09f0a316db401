#!/bin/bash
# Runs a set of tests and sums it up; its last line is `N passed, N failed, N skipped`.
#
#     bash tests/run.sh test              this compiler, every instruction set of the machine
#     bash tests/run.sh test-more         compilers, sanitizers, smoke runs
#     bash tests/run.sh test-machines     other machines, number types and options, what is long
#                                         under sanitizers; a whole run leaves its figures in
#                                         tests/machines.txt
#     bash tests/run.sh test-exhaustive   all floats, all sizes, all of everything: hours
#     bash tests/run.sh SET WORD...       only jobs whose name contains one of the words
#     JOBS=1 bash tests/run.sh SET        one job at a time (default: one a core)
#     JOB_LIST=file bash tests/run.sh     the jobs of that file in place of a set
#     TEST_SOURCES=dir, TEST_BUILD=dir    in place of tests/ and build/tests/
#
# A job is GROUP/PROGRAM: a test program compiled for a purpose (the groups of tests/common.sh);
# script/NAME:ARGUMENT, a script beside this one; or object/GROUP:KIND, which programs share: made
# first, so that they need not wait for each other. Its output is build/tests/GROUP.PROGRAM.log.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
set -o pipefail
sources=${TEST_SOURCES:-tests}
here=${BASH_SOURCE[0]}

# ---- the sets: objects and what takes long first, so that no core waits at the end ----

slow_programs='test_conv test_gemm test_kernels test_float_gradients test_gradients test_search'

jobs_of() { # PREFIX NAME...
    printf "$1%s\n" "${@:2}"
}
programs() { # GROUP [PATTERN]: those of the slow ones that there are, then the others
    local source
    for source in "$sources"/${2:-test_*}.c; do
        [ -f "$source" ] && basename "$source" .c
    done | awk -v group="$1" -v slow=" $slow_programs " '
        index(slow, " " $0 " ") { print group "/" $0; next }
        { others[++n] = $0 }
        END { for (i = 1; i <= n; i++) print group "/" others[i] }'
}

# shellcheck disable=SC2086
jobs_test() {
    jobs_of object/plain: kernels library
    jobs_of script/ structure: house: compare: get_data: selftest: selftest:sweeps # without objects
    jobs_of plain/ fuzz/replay
    programs plain
}
# What every change must pass, in minutes. Of other machines only what shows that WebAssembly has
# the bits of all others; under the sanitizers what meets files, sizes and memory from outside.
# shellcheck disable=SC2086
jobs_test_more() {
    jobs_of object/ sanitize:kernels sanitize:library wasm:kernels
    jobs_of script/ experiments: export: programs: examples: bench:
    jobs_of script/builds: gcc g++ clang clang-19 symbols
    jobs_of script/selftest: sanitize undefined
    jobs_of sanitize/ fuzz/replay
    programs sanitize | grep -vxF "$(jobs_of sanitize/ $long_sanitized)"
    jobs_of wasm/ test_weights
    jobs_of undefined/ test_extremes
    jobs_of double/ test_train
}
# shellcheck disable=SC2086
jobs_test_machines() {
    jobs_of object/sanitize: kernels library
    jobs_of object/neon: kernels library
    jobs_of object/wasm: kernels library
    jobs_of object/undefined: kernels library
    jobs_of object/undefined-m32: kernels
    jobs_of script/builds: options targets small clang++
    jobs_of script/ mpi: install: netlib:
    jobs_of sanitize/ $long_sanitized
    jobs_of thread/ test_sharing
    jobs_of neon/ $neon_programs
    jobs_of wasm/ test_kernels test_gemm test_same_bits test_weights test_train
    jobs_of undefined/ $undefined_programs
    jobs_of undefined-m32/ test_extremes test_idx test_cifar10 test_hostile # sizes of 32 bits
    jobs_of m32/ test_math # on x87
    jobs_of double/ $double_programs
    jobs_of native/ test_weights test_same_bits test_math
    jobs_of clang/ test_weights
    programs windows 'windows_*'
}
# shellcheck disable=SC2046,SC2086
jobs_test_exhaustive() {
    local group
    jobs_of script/sweeps: $(bash tests/sweeps.sh --programs)
    jobs_of script/selftest: kernels
    jobs_of script/builds: gcc clang clang-19 g++ clang++ options targets symbols small
    jobs_of script/selftest: sanitize memory thread valgrind
    jobs_of script/fuzz/ fuzz:control
    jobs_of script/ onnx: web:
    jobs_of wasm/ $wasm_programs
    jobs_of double/ $double_programs
    for group in sanitize-full undefined-full undefined-m32 native neon clang clang-19 m32 arm \
        big-endian musl memory thread valgrind; do
        programs $group
        jobs_of $group/ fuzz/replay
    done
    programs windows 'windows_*'
    jobs_of windows/ $windows_programs
}

# How long all of it takes on two cores that do nothing else.
time_of() { # SET
    case $1 in
    test) echo 'about three minutes' ;;
    test-more) echo 'about eight minutes' ;;
    test-machines) echo 'about a quarter of an hour' ;;
    *) echo hours ;;
    esac
}

# ---- a job ----

log_of() { echo "$build/${1//[\/:]/.}.log"; }

make_shared() { # GROUP KIND
    if ! group "$1"; then
        echo "not made: $reason" # its programs are skipped for that reason
    elif ! make_object "$2"; then
        printf 'FAILED to compile\n0 passed, 1 failed, 0 skipped\n'
        return
    fi
    echo '0 passed, 0 failed, 0 skipped'
}

# What the jobs of a list came to, a line a group: programs that are none of its own are left out.
by_group() { # LIST
    local job tally
    while read -r job; do
        tally=$(tail -n 1 "$(log_of "$job")" 2>/dev/null)
        case $job in
        object/*) ;;
        script/*) job=${job#script/} && echo "${job%:} $tally" ;;
        *) echo "${job%/*} $tally" ;;
        esac
    done <"$1" | awk '
        !($1 in programs) { order[++n] = $1 }
        { programs[$1]++; passed[$1] += $2; failed[$1] += NF > 1 ? $4 : 1; skipped[$1] += $6 }
        END {
            print "group          programs   passed   failed  skipped"
            for (i = 1; i <= n; i++) {
                g = order[i]
                printf "%-14s %8d %8d %8d %8d\n", g, programs[g], passed[g], failed[g], skipped[g]
            }
        }'
}
record_machines() { # LIST
    {
        echo 'The last whole run of make test-machines, which writes this.'
        echo "$(date +%Y-%m-%d), $(nproc) cores of $(processor), $((SECONDS / 60)) minutes"
        echo
        by_group "$1"
    } >tests/machines.txt
}

# One line a job; its failures in full, its skips with their reasons.
run_job() {
    local job=$1 log start tally spent mark=ok
    log=$(log_of "$job")
    start=$SECONDS
    case $job in
    object/*)
        job=${job#object/}
        make_shared "${job%:*}" "${job#*:}" >"$log" 2>&1
        job=object/$job
        ;;
    script/*)
        job=${job#script/}
        JOBS=1 bash "tests/${job%%:*}.sh" "${job#*:}" >"$log" 2>&1
        tail -n 1 "$log" | grep -q ' skipped$' ||
            printf 'FAILED: ended without its count\n0 passed, 1 failed, 0 skipped\n' >>"$log"
        job=${job%:}
        ;;
    *) run_program "${job%%/*}" "$sources/${job#*/}.c" "$log" ;;
    esac
    tally=$(tail -n 1 "$log")
    [[ $tally == *', 0 failed,'* ]] || mark=FAILED
    [ "$tally" != '0 passed, 0 failed, 0 skipped' ] || tally='for the programs below'
    times >"$log.times" # not through a pipe, which is another shell
    spent=$(awk -F '[ms ]+' 'NR == 2 { printf "%.0f", 60 * ($1 + $3) + $2 + $4 }' "$log.times")
    rm "$log.times"
    {
        printf '%-6s  %-26s  %s  (%d s, processor %d s)\n' $mark "$job" "$tally" \
            $((SECONDS - start)) "$spent"
        grep '^skipped ' "$log" | sed 's/^/        /'
        [ $mark = ok ] || grep -v '^ok ' "$log" | head -n -1 | tail -n 40 | sed 's/^/        /'
    } | dd bs=64k iflag=fullblock status=none # in one write: other jobs print too
}

if [ "${1:-}" = --job ]; then
    run_job "$2"
    exit 0
fi
if [ "${1:-}" = --by-group ]; then
    by_group "$2"
    exit 0
fi

# ---- all of them ----

# Puts before a job's line how many are done and the time.
progress() { # COUNT
    local line done=0
    while IFS= read -r line; do
        if [[ $line == ' '* ]]; then
            printf '%15s%s\n' '' "$line"
        else
            done=$((done + 1))
            printf '%3d/%-3d %2d:%02d  %s\n' $done "$1" $((SECONDS / 60)) $((SECONDS % 60)) "$line"
        fi
    done
}

set=${1:-}
[ $# -eq 0 ] || shift
case ${JOB_LIST:+list}$set in
list) ;;
test | test-more | test-machines) ;;
test-exhaustive) export FULL=1 TEST_TIMEOUT=${TEST_TIMEOUT:-14400} ;;
*)
    echo 'usage: run.sh test|test-more|test-machines|test-exhaustive [WORD...]' >&2
    exit 2
    ;;
esac
jobs=$build/jobs
if [ -n "${JOB_LIST:-}" ]; then cat "$JOB_LIST"; else "jobs_${set//-/_}"; fi |
    grep -F -e "$(printf '%s\n' "${@:-}")" >"$jobs" # a pattern a line
count=$(wc -l <"$jobs")
[ "$count" -gt 0 ] || { echo "no job has $* in its name" && exit 1; }
at_once=${JOBS:-$(nproc)}
if [ -z "${PROBES:-}" ]; then # else a job of another run is this one
    PROBES=$(realpath "$build")/probes
    export PROBES
    rm -rf "$PROBES"
    mkdir "$PROBES"
fi
if [ -n "$set" ]; then
    find "$object_dir" -mtime +7 -delete 2>/dev/null # of flags or headers that are no more
    whole=''
    [ $# -eq 0 ] || whole=' (all of it)'
    echo "$set: $count jobs, $at_once at a time; $(time_of "$set") on two cores$whole"
fi
while read -r job; do rm -f "$(log_of "$job")"; done <"$jobs"
xargs -P "$at_once" -n 1 bash "$here" --job <"$jobs" | progress "$count"

[ "$set" != test-machines ] || [ $# -gt 0 ] || [ -n "${JOB_LIST:-}" ] || record_machines "$jobs"

# A job without a log has been killed.
while read -r job; do
    tail -n 1 "$(log_of "$job")" 2>/dev/null || echo '0 passed, 1 failed, 0 skipped'
done <"$jobs" | awk '{ p += $1; f += $3; s += $5 }
         END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }'
