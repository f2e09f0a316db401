#!/bin/bash
# What of the header `make test`'s programs run: lines, branches, functions and, from clang 18 on,
# MC/DC (each condition of a decision shown to decide it alone), in all and by room.
#
#     bash tests/coverage.sh                  all programs (WORD...: those whose name contains one,
#                                             beside what the others' last runs have shown)
#     bash tests/coverage.sh program=NAME     compiles, runs and records one
#
# coverage.py counts and says what counts as covered; coverage.txt has the reason for each uncovered
# line and outcome of >>data and >>file; the figures go to coverage-results.txt.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
set -o pipefail
here=build/coverage list=tests/coverage.txt results=tests/coverage-results.txt
mkdir -p "$here"

# Leaves in $here/NAME.json what a program covered; its own log ends with its counts, as any does.
record() { # NAME
    local name=$1 log=$here/$1.log
    rm -f "$here/$name".*.profraw "$here/$name.json"
    # %m: what the program's children see is added up. A process that is killed leaves nothing.
    LLVM_PROFILE_FILE=$PWD/$here/$name.%m.profraw \
        run_program coverage "tests/$name.c" "$log" || { cat "$log" && return 1; }
    group coverage
    "llvm-profdata$llvm" merge "$here/$name".*.profraw -o "$here/$name.profdata" &&
        "llvm-cov$llvm" export -skip-expansions -instr-profile="$here/$name.profdata" \
            "$build/coverage/$name" fmnist_nn.h |
        python3 tests/coverage.py record fmnist_nn.h "$here/$name.json" || return 1
    rm -f "$here/$name".*.profraw "$here/$name.profdata"
}

# What the figures are of.
taken_on() {
    local isa=''
    for isa in avx512f avx2 none; do grep -qw $isa /proc/cpuinfo && break; done
    echo "$(date -u +%Y-%m-%d), $(processor), $isa, $("$compiler" --version | head -n 1)," \
        "${threads:+with OpenMP}"
}

report() { # LIST RECORD...
    python3 tests/coverage.py report fmnist_nn.h "$@"
}

if [[ ${1:-} == program=* ]]; then
    check "${1#*=}" record "${1#*=}"
    summary
    exit
fi
if ! group coverage || ! have python3; then
    skip coverage "${reason:-no python3}"
    summary
    exit
fi
programs=$(cd tests && printf '%s\n' test_*.c | sed 's/\.c$//')
{
    printf 'object/coverage:%s\n' kernels library
    grep -F -e "$(printf '%s\n' "$@")" <<<"$programs" | sed 's|^|script/coverage:program=|'
} >"$here/jobs"
# shellcheck disable=SC2086
mapfile -t records < <(printf "$here/%s.json\n" $programs)
JOB_LIST=$here/jobs bash tests/run.sh || failed=$((failed + 1))
{ taken_on && report $list "${records[@]}"; } | tee "$here/report"
check 'the bars are met, what is left has its reason' test "${PIPESTATUS[0]}" -eq 0
refuses 'what has no reason is seen' 'uncovered, without a reason' \
    report /dev/null "${records[@]}"
refuses 'a bar that is missed is seen' 'lines: .* below 97 %' report $list "$here/test_math.json"
[ $# -gt 0 ] || [ "$failed" -gt 0 ] || sed '/reason$/d' "$here/report" >$results
summary
