#!/bin/bash
# Runs the experiments that have no result yet and writes their book. `make reproduce`:
#
#     bash examples/reproduce.sh [WORD...]     only those whose name begins with one of the words
#
# In the environment: QUICK=1 makes them smaller, into build/quick/ instead of examples/, SMOKE=1
# so small that they only show that they work; SEEDS, THREADS and DATA are the options of the
# programs (SEEDS=5 writes into build/seeds-5/, so that the results with the programs' own seeds
# stay); RESULTS and OBJECTS are folders for other places; CC and CFLAGS as ever.
#
# A result carries a hash of its program, its family's headers, EXPERIMENT_VERSION, the library's
# bits and the options: where it is the same the experiment is not run again. So it goes on where it
# stopped: finished trainings are kept in $RESULTS/ID.jobs until all are, which another machine can
# go on from; Ctrl-C leaves checkpoints of those under way in $OBJECTS/checkpoints, in a folder with
# the hash in its name, so that those of another version of the program are not taken.
set -u
cd "$(dirname "$0")/.." || exit 1
options='' results=examples/results
if [ -n "${SMOKE:-}" ]; then
    options=' --smoke' results=build/smoke
elif [ -n "${QUICK:-}" ]; then
    options=' --quick' results=build/quick
elif [ -n "${SEEDS:-}" ]; then
    results=build/seeds-$SEEDS
fi
results=${RESULTS:-$results}
book=$results
[ "$results" != examples/results ] || book=examples
[ -z "${SEEDS:-}" ] || options="$options --seeds $SEEDS"
objects=${OBJECTS:-build/experiments}
checkpoints=$objects/checkpoints
# shellcheck source=examples/common.sh
. examples/common.sh

# ---- what cannot come to a good end is refused before any work ----

refuse() {
    echo "reproduce.sh: $1" >&2
    exit 1
}
for number in "SEEDS=${SEEDS:-1}" "THREADS=${THREADS:-1}"; do
    [[ $number =~ =([1-9][0-9]{0,2}|1000)$ ]] || refuse "$number: expected 1 to 1000"
done
[ -e "${DATA:-.}" ] || refuse "DATA=$DATA: is not there"
ids=''
for word in "${@:-}"; do
    found=$(experiment_ids | grep "^$word") || refuse "no experiment begins with '$word'"
    ids="$ids $found"
done
mkdir -p "$results" "$objects" "$checkpoints" || exit 1
can_write "$results/experiment.csv" && can_write "$objects/begun" || exit 1
for page in $(book_pages); do
    mkdir -p "$(dirname "$book/$page")" && can_write "$book/$page" || exit 1
done
[ -n "${DATA:-}" ] || sh examples/get_data.sh || exit 1

# ---- the experiments ----

seconds=$SECONDS run=0 kept=0 missing=0 failed=0
for id in $ids; do
    source=$(experiment_source "$id")
    [ -f "$source" ] || continue
    hash=$(experiment_hash "$source" "$options")
    if grep -qsx "# hash: $hash" "$results/$id.csv"; then
        kept=$((kept + 1))
        continue
    fi
    experiment_compile "$source" "$objects/$id" || { failed=$((failed + 1)) && continue; }
    echo "== $id"
    touch "$objects/begun"
    # shellcheck disable=SC2086
    "$objects/$id" $options ${THREADS:+--threads "$THREADS"} ${DATA:+--data "$DATA"} \
        --csv "$results" --hash "$hash" --resume "$checkpoints/$id.$hash"
    case $? in
    0)
        run=$((run + 1))
        rm -rf "$checkpoints/$id".* # of other versions
        # plots that it no longer makes
        find "$results" -name "$id.*.csv" ! -newer "$objects/begun" -delete
        ;;
    3) missing=$((missing + 1)) ;;
    130 | 143) exit 130 ;; # interrupted
    *) failed=$((failed + 1)) && echo "$id: FAILED" ;;
    esac
done
echo "$run run in $((SECONDS - seconds)) s, $kept were there, $missing without their data," \
    "$failed failed"
write_book "$results" "$book" || failed=$((failed + 1))
echo "the book: $book/RESULTS.md"
[ "$failed" -eq 0 ]
