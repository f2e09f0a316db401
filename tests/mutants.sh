#!/bin/bash
# Whether tests notice it when the header is broken: mutants.py breaks it and says how.
#
#     COUNT=200 SEED=1 bash tests/mutants.sh     after make coverage
#     bash tests/mutants.sh selftest             only whether it tells dead from living: seconds
#
# tests/mutants.txt judges survivors, the figures go to tests/mutants-results.txt.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=build/mutants
mkdir -p $here

# What must be killed, and what cannot be.
controls() {
    printf '    - %s\n    + %s\n' "$wrong" "${wrong/.999/.998}" "$comment" "${comment/says/said}" \
        >$here/controls.txt
    python3 tests/mutants.py try $here/controls.txt test_optimizers
}
wrong='o.beta2 = (fnn_real).999;'
comment='if ((unsigned)o.kind >= FNN_OPTIMIZER_COUNT) return o; /* a fit says so */'
selftest() {
    local output
    output=$(controls)
    check 'a wrong constant is killed' grep -Fx -A 2 -e 'killed (test_optimizers):' <<<"$output"
    check 'another comment survives' grep -Fx -A 2 -e 'survived (-):' <<<"$output"
}

if ! group clang || ! have python3; then
    skip mutants "${reason:-no python3}"
    summary
    exit
fi
ZLIB=$(zlib clang)
export ZLIB
selftest
[ "${1:-}" = selftest ] || nice python3 tests/mutants.py sample "${COUNT:-200}" "${SEED:-1}" ||
    failed=$((failed + 1))
summary
