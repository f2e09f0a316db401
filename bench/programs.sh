#!/bin/bash
# Whole example programs by instruction set and number of threads, timed by hyperfine, data
# loading included. Called by `make bench-programs`, which compiles them first.
#
#     bash bench/programs.sh PROGRAM...     build/PROGRAM; THREADS="1 2" ISA="avx2" narrow it
set -u
cd "$(dirname "$0")/.." || exit 1
if ! command -v hyperfine >/dev/null; then
    echo 'bench/programs.sh: hyperfine is not here (Debian has it as a package)' >&2
    exit 1
fi
# shellcheck source=examples/common.sh
. examples/common.sh
table=bench/results/programs.csv
mkdir -p bench/results && can_write $table || exit 1

# The instruction sets of this machine: a context cannot be made for any other.
available_isas() {
    local isa
    ${CC:-cc} -O1 tests/app.c -o build/app -lm || exit 1
    for isa in scalar avx2 avx512 neon; do
        FNN_ISA=$isa build/app >/dev/null 2>&1 && echo $isa
    done
}
list() { echo "$*" | tr ' ' ','; }

isas=${ISA:-$(available_isas)}
if [ -z "$isas" ]; then
    echo 'bench/programs.sh: expected an instruction set that can be chosen here, found none' >&2
    exit 1
fi
threads=${THREADS:-$(printf '%s\n' 1 "$(nproc)" | sort -nu)}
trap 'rm -f "$table.new"' EXIT
# shellcheck disable=SC2086
hyperfine --warmup 1 --runs "${RUNS:-3}" --export-csv $table.new \
    -L program "$(list "$@")" -L isa "$(list $isas)" -L threads "$(list $threads)" \
    'FNN_ISA={isa} OMP_NUM_THREADS={threads} build/{program}' &&
    mv $table.new $table && echo "written to $table"
