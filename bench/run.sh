#!/bin/bash
# The benches with their peers, a table each in bench/results/. Called by `make bench`, which
# compiles them first. A table is written once all its runs have ended well. It begins with
# comments that say which run, machine and compiler it is of; bench/readme.sh reads them.
#
#     bash bench/run.sh         ONLY, THREADS and ISA narrow it, as for `make bench-kernels`
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=examples/common.sh
. examples/common.sh
mkdir -p bench/results || exit 1
can_write bench/results/kernels.csv && can_write bench/results/train.csv || exit 1
table=$(mktemp) && run_table=$(mktemp) && head=$(mktemp) || exit 1
new=bench/results/new.$$
trap 'rm -f "$table" "$run_table" "$head" "$new"' EXIT

{
    echo "# run: $(date -u '+%Y-%m-%d %H:%M:%S') $$"
    echo "# machine: $(machine)"
    echo "# flags: $(sed 's/^[^ ]* *//' build/flags 2>/dev/null)"
    build/bench_kernels --peers | grep '^# '
} >"$head"

# The best instruction set on one thread and on all cores, and AVX2 on one thread.
runs=('--threads 1')
[ "$(nproc)" -gt 1 ] && runs+=("--threads $(nproc)")
[ "$(uname -m)" = x86_64 ] && runs+=('--threads 1 --isa avx2')
[ -z "${THREADS:-}${ISA:-}" ] || runs=("${THREADS:+--threads $THREADS} ${ISA:+--isa $ISA}")

measured=0
for bench in kernels train; do
    : >"$table"
    for run in "${runs[@]}"; do
        # shellcheck disable=SC2086
        "build/bench_$bench" $run ${ONLY:+--only "$ONLY"} >"$run_table"
        status=$?
        [ $status -eq 2 ] && [ -n "${ONLY:-}" ] && break # a model's name that train does not know
        if [ $status -ne 0 ]; then
            echo "bench_$bench $run ended with status $status" >&2
            exit 1
        fi
        cat "$run_table" >>"$table" || exit 1
    done
    # one header line; a table without rows does not take the place of one that has some
    awk 'NR == 1 || !/,isa,threads,/' "$table" >"$run_table" || exit 1
    if [ "$(wc -l <"$run_table")" -gt 1 ]; then
        if ! { cat "$head" "$run_table" >"$new" && mv "$new" "bench/results/$bench.csv"; }; then
            echo "bench/results/$bench.csv: cannot be written" >&2
            exit 1
        fi
        cat "bench/results/$bench.csv" || exit 1
        measured=1
    else
        echo "bench_$bench has no rows for ONLY=${ONLY:-}: bench/results/$bench.csv stays" >&2
    fi
done
[ $measured -eq 1 ]
