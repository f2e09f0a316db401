#!/bin/bash
# The examples for several machines, here as 1, 2 and 4 processes of one: training follows the
# losses of one process and has the same bits in each run, a search gives the table of one process.
# Each check has a broken case that it must refuse.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/images.sh
. tests/images.sh
here=$build/mpi
rm -rf "$here"
mkdir -p "$here"

for command in mpicc mpirun; do
    have $command && continue
    skip 'the examples for several machines' "this machine has no $command"
    summary
    exit
done
if ! mpirun --version | grep -q 'Open MPI'; then
    skip 'the examples for several machines' 'mpirun is not that of Open MPI'
    summary
    exit
fi

# 1003 samples: the last batch of an epoch has three, so that parts differ, and some are empty.
make_images "$here/data" 1003
export FMNIST_DIR=$PWD/$here/data OMP_NUM_THREADS=1 OMPI_CC="$CC"
# More processes than cores take turns; as root, too, where the tests are run in a container.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1

# ---- programs ----

shared_library

# The line of the first comment, with the library that the tests share.
line_works() { # NAME
    local source=examples/$1.c
    sed '/\*\//q' "$source" | grep -qxF " *     mpicc -O2 -fopenmp $source -o $1 -lm" ||
        { echo "$source: no mpicc line in its first comment" && return 1; }
    # shellcheck disable=SC2086
    mpicc -std=c99 -O1 $threads $warnings $elsewhere "$source" "${library[@]}" -o "$here/$1" -lm
}

# broken VARIANT NAME SED-SCRIPT: compiles the example with that done to it, which must change it.
broken() {
    local source=$here/$1.c
    sed "$3" "examples/$2.c" >"$source"
    ! cmp -s "examples/$2.c" "$source" || { echo "$3 changes nothing" && return 1; }
    # shellcheck disable=SC2086
    mpicc -std=c99 -O1 $threads $elsewhere -Iexamples "$source" "${library[@]}" -o "$here/$1" -lm
}

run() { # PROCESSES OUTPUT PROGRAM ARGUMENT...
    timeout 100 mpirun -np "$1" --oversubscribe --bind-to none "$here/$3" "${@:4}" >"$here/$2"
}
alone() { timeout 100 "$here/$2" "${@:3}" >"$here/$1"; } # OUTPUT PROGRAM ARGUMENT...

shows_help() { "$here/$1" --help | grep -qe '--samples'; } # NAME
for name in mpi_train mpi_search; do
    check "examples/$name.c: its mpicc line works" line_works $name
    refuses "$name: a number that is none" '^mpi_.*: --epochs: expected .*, found many' \
        "$here/$name" --epochs many
    check "$name: help" shows_help $name
done

# ---- training ----

# Another order of sums changes gradients by some 1e-7 of themselves, single precision's rounding;
# in 33 steps of Adam the losses of each epoch stay as near (5e-9 of them found, 2e-8 on
# Fashion-MNIST). 1e-6 is allowed; what parts of the wrong weight do is 6e-4.
same_losses() { # OUTPUT OUTPUT
    paste "$here/$1" "$here/$2" | awk '
        $1 == "epoch" && $5 == "epoch" {
            e = ($4 - $8) / $4
            if (e < 0) e = -e
            if (!(e <= 1e-6)) { print $0 ": " e " of the loss"; bad = 1 }
            if (e > worst) worst = e
            epochs++
        }
        END { print epochs " epochs, at most " worst; exit bad || epochs != 3 }'
}
weights() { sed -n 's/^weights \([0-9a-f]*\) .*/\1/p' "$here/$1"; } # OUTPUT
same_weights() { # OUTPUT OUTPUT
    local a b
    a=$(weights "$1") b=$(weights "$2")
    echo "weights $a and $b"
    [ ${#a} = 16 ] && [ "$a" = "$b" ]
}

shortly() { "$@" --epochs 3 --samples 1003; }
check 'training alone' shortly alone train.1 mpi_train
check 'a single process under mpirun' shortly run 1 train.one mpi_train
check 'is the same' cmp "$here/train.1" "$here/train.one"
for ranks in 2 3 4; do
    check "training by $ranks" shortly run $ranks train.$ranks mpi_train
    check "$ranks follow the losses of one" same_losses train.1 train.$ranks
    check "$ranks again" shortly run $ranks train.again mpi_train
    check "$ranks have the same weights, to the last bit" same_weights train.$ranks train.again
done
check '2, each with 2 threads' env OMP_NUM_THREADS=2 bash -c "$(declare -f run)
    here=$here; run 2 train.threads mpi_train --epochs 3 --samples 1003"
check 'have the same bits' same_weights train.2 train.threads
# Whatever way Open MPI takes: what it does with the numbers of its own accord is the control.
under() { # ALLTOALL ALLGATHER ALLREDUCE OUTPUT PROGRAM: with these of its algorithms
    OMPI_MCA_coll_tuned_use_dynamic_rules=1 OMPI_MCA_coll_tuned_alltoall_algorithm=$1 \
        OMPI_MCA_coll_tuned_allgather_algorithm=$2 OMPI_MCA_coll_tuned_allreduce_algorithm=$3 \
        shortly run 4 "$4" "$5"
}
check '4 under other algorithms' under 2 4 4 train.under mpi_train
check 'have the same bits' same_weights train.4 train.under
check 'sums by MPI_Allreduce: compiles' broken allreduce mpi_train \
    's/MPI_Alltoall(.*/MPI_Allreduce(MPI_IN_PLACE, mine, (int)count, MPI_FLOAT, MPI_SUM, \
        MPI_COMM_WORLD);/; /for (int i = piece/d; /MPI_Allgather(/d'
check 'linear' under 2 4 1 train.linear allreduce
check 'and in a ring' under 2 4 4 train.ring allreduce
check 'follow the losses, too' same_losses train.linear train.ring
refuses 'but with other bits' '^weights [0-9a-f]{16} and ' same_weights train.linear train.ring
refuses 'other bits are seen' '^weights [0-9a-f]{16} and ' same_weights train.1 train.4

check 'gradients without weights: compiles' broken unweighted mpi_train \
    's|(fnn_real)part / (fnn_real)size|1 / (fnn_real)ranks|'
check 'and trains' shortly run 2 train.unweighted unweighted
refuses 'other losses than one process has' 'of the loss' same_losses train.1 train.unweighted
check 'a process that keeps its own gradients: compiles' broken apart mpi_train \
    's/memcpy(g, mine/if (rank != 1) &/'
refuses 'the program sees that its weights are others' 'the processes have different weights' \
    run 4 train.apart apart --epochs 1 --samples 1003
refuses 'missing data end all processes' 'rank [01]: .*expected train-images' \
    env FMNIST_DIR="$here/none" bash -c "$(declare -f run); here=$here; run 2 none mpi_train"

# ---- search ----

# A table and a CSV of all digits, but for the seconds that each candidate took.
without_seconds() { # OUTPUT
    sed -E '/^test/!s/ +([0-9.]+|seconds)$//' "$here/$1"
    awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") at = i }
        { $at = ""; print } END { exit !at }' "$here/$1.csv"
}
same_search() { # OUTPUT OUTPUT
    diff <(without_seconds "$1") <(without_seconds "$2")
}
searches() { # COMMAND... OUTPUT PROGRAM: which leaves OUTPUT.csv, too
    "$@" --samples 300 --epochs 2 --csv "$here/${*: -2:1}.csv"
}
is_whole() { # OUTPUT: 16 candidates, all of them trained
    [ "$(grep -cE '^ +[0-9]+ .*\+-' "$here/$1")" = 16 ] && grep -q '^test accuracy: ' "$here/$1"
}
refuses 'before the search, a table that cannot be written' 'rank 0: .*cannot create a file' \
    timeout 20 "$here/mpi_search" --epochs 1000000 --csv "$here/none/search.csv"
check 'a search alone' searches alone search.1 mpi_search
check 'is whole' is_whole search.1
for ranks in 2 4; do
    check "a search by $ranks" searches run $ranks search.$ranks mpi_search
    check "$ranks find the same, to the last digit" same_search search.1 search.$ranks
done
check 'results that are not put together: compiles' broken apart mpi_search \
    's/if (i % ranks != 0)/if (i % ranks > 1)/'
check 'and searches' searches run 2 search.apart apart
refuses 'another table than that of one process' 'unfinished' same_search search.1 search.apart

# ---- make ----

dry() { make --no-print-directory -n examples "MPICC=$1"; }
makes_them() { dry "$1" | grep -E 'examples/mpi_train.c -o build/mpi_train -lm'; }
says_why_not() { dry "$1" | grep "not compiled, as there is no $1: examples/mpi_"; }
check 'make examples compiles them' makes_them mpicc
refuses 'it cannot without mpicc' '' makes_them mpicc-none
check 'and says so' says_why_not mpicc-none
refuses 'which it does not where it can' '' says_why_not mpicc
summary
