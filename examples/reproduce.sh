#!/bin/bash
# Runs the experiments that have no result yet and writes the table of all. `make reproduce`:
#
#     bash examples/reproduce.sh [WORD]     only the experiments whose name begins with WORD
#
# In the environment: QUICK=1 makes them smaller, into build/quick/ instead of examples/, SMOKE=1
# so small that they only show that they work; SEEDS, THREADS and DATA are the options of the
# programs (SEEDS=5 writes into build/seeds-5/, so that the results with the programs' own seeds
# stay); RESULTS and OBJECTS are folders for other places; CC and CFLAGS as ever.
#
# A result carries a hash of its program, its family's headers, EXPERIMENT_VERSION and the
# options: where it is the same the experiment is not run again. So it goes on where it stopped,
# within a training, too: Ctrl-C leaves checkpoints in $OBJECTS/checkpoints, in a folder with the
# hash in its name, so that those of another version of the program are not taken.
set -u
cd "$(dirname "$0")/.." || exit 1
word=${1:-} options='' results=examples/results table=examples/RESULTS.md
if [ -n "${SMOKE:-}" ]; then
    options=' --smoke' results=build/smoke
elif [ -n "${QUICK:-}" ]; then
    options=' --quick' results=build/quick
elif [ -n "${SEEDS:-}" ]; then
    results=build/seeds-$SEEDS
fi
results=${RESULTS:-$results}
[ "$results" = examples/results ] || table=$results/RESULTS.md
[ -z "${SEEDS:-}" ] || options="$options --seeds $SEEDS"
objects=${OBJECTS:-build/experiments}
checkpoints=$objects/checkpoints
mkdir -p "$results" "$objects" "$checkpoints" || exit 1
# shellcheck source=examples/common.sh
. examples/common.sh
can_write "$results/experiment.csv" && can_write "$table" && can_write "$objects/begun" || exit 1

seconds=$SECONDS run=0 kept=0 missing=0 failed=0
for id in $(experiment_ids); do
    case $id in "$word"*) ;; *) continue ;; esac
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
[ $((run + kept + missing + failed)) -gt 0 ] || echo "no experiment begins with '$word'" >&2
echo "$run run in $((SECONDS - seconds)) s, $kept were there, $missing without their data," \
    "$failed failed"
if sh examples/results.sh "$results" >"$table.new" && mv "$table.new" "$table"; then
    echo "written: $table"
else
    echo "not written: $table" >&2
    rm -f "$table.new"
    failed=$((failed + 1))
fi
[ "$failed" -eq 0 ]
