#!/bin/bash
# The scripts of bench/, in a copy of the tree whose programs only say that they ran: what they
# cannot write they refuse before the work; the tables that they make of others. Then its programs:
# what they refuse, output that is lost, peers that are vectorised, of a peer's ways the fastest.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/bench
rm -rf "$here"
mkdir -p "$here"
# shellcheck source=tests/places.sh
. tests/places.sh

copy=$here/scripts
mkdir -p "$copy/build" "$copy/bin"
cp -r bench examples "$copy"
rm -rf "$copy/bench/results" "$copy/examples/results" "$copy"/examples/*/*.c
rows() { echo 'echo ran >>ran; echo kernel,isa,threads,; seq -f row,%.0f,1 '"${1:-3}"; }
for name in kernels train; do rows >"$copy/build/bench_$name"; done
cat >"$copy/bin/hyperfine" <<'END'
#!/bin/bash
while [ $# -gt 1 ]; do [ "$1" = --export-csv ] && file=$2; shift; done
echo ran >>ran
seq 3 >"$file"
END
chmod +x "$copy"/build/* "$copy/bin/hyperfine"
refused_script() { # PATTERN COMMAND...: in the copy, before anything ran
    local pattern=$1 output
    shift
    rm -f "$copy/ran"
    output=$(cd "$copy" && PATH=$PWD/bin:$PATH "$@" 2>&1)
    [ $? -eq 1 ] && grep -qE -e "$pattern" <<<"$output" && [ ! -e "$copy/ran" ] && return
    echo "expected status 1, $pattern and no run; found $output"
    return 1
}
benches() { # SCRIPT TABLE ARGUMENT...
    local script=bench/$1 table=bench/results/$2
    shift 2
    rm -rf "$copy/bench/results"
    echo old >"$copy/bench/results"
    refused_script 'results.*: (File exists|Not a directory)' bash "$script" "$@" || return 1
    rm "$copy/bench/results"
    mkdir -p "$copy/$table"
    refused_script "$table: expected a file" bash "$script" "$@" || return 1
    rmdir "$copy/$table"
    (cd "$copy" && PATH=$PWD/bin:$PATH bash "$script" "$@") && [ -s "$copy/$table" ]
}
export ISA=scalar THREADS=1
check 'the benches refuse what they cannot write' benches run.sh kernels.csv
check 'the second table too, before the first is made' benches run.sh train.csv
check 'a table begins with the run and the machine' \
    grep -qE '^# run: 2[0-9]{3}-' "$copy/bench/results/train.csv"
check 'and those of whole programs' benches programs.sh programs.csv demo
unset ISA THREADS
bench_on_a_full_disk() {
    local new
    rows 400 >"$copy/build/bench_kernels"
    echo old >"$copy/bench/results/kernels.csv"
    (cd "$copy" && on_a_full_disk 1 bash bench/run.sh 2>&1) && return 1
    new=$(find "$copy/bench/results" -name 'new*')
    [ "$(cat "$copy/bench/results/kernels.csv")" = old ] && [ -z "$new" ]
}
check 'a table that the disk does not take leaves the old one' bench_on_a_full_disk

# README's table of speed: two tables of one run as run.sh leaves them, of a machine made up here.
speed_tables() { # RUN-OF-KERNELS RUN-OF-TRAIN
    local results=$copy/bench/results
    {
        printf '# run: %s\n# machine: Chip, family 7 model 1, 2 cores\n# flags: -O2\n' "$1"
        printf '# compiler: gcc 1.2.3\n# peer: Peer 1.0\n'
        echo kernel,shape,isa,threads,winograd_limit,peer,ratio,disturbed
        echo sgemm,1x1x1,best,1,,slow,9,
        echo sgemm,1x1x1,best,1,,fast,2,
        echo sgemm_tn,1x1x1,best,1,,fast,0.5,peer
        echo sgemm,1x1x1,best,2,,fast,0.1,
        echo sgemm,1x1x1,worse,1,,fast,0.1,
        echo conv2d_forward,a,best,1,500,fast,1.25,
        echo conv2d_forward,b,best,1,,fast,0.1,
    } >"$results/kernels.csv"
    {
        printf '# run: %s\n# machine: Chip, family 7 model 1, 2 cores\n' "$2"
        echo model,isa,threads,images_per_s,limit_percent,peer,ratio,disturbed
        echo mlp1,best,1,1234567,83.4,slow,3,
        echo mlp1,best,1,1234568,83.6,fast,1.5,
        echo mlp2,best,1,1000,50,,,
        echo cnn1,best,1,99,120,fast,2,
        echo cnn1,best,2,1,1,fast,0.1,
    } >"$results/train.csv"
}
speed() { (cd "$copy" && bash bench/readme.sh "$@"); }
cat >"$here/speed.md" <<'END'
before
<!-- speed -->

| one thread | old head |
|---|
| Chip, family 7 model 10; stays | 1 |
| Chip, family 7 model 1; goes | 2 |

<!-- end of speed -->
| Chip, family 7 model 1; is no line of it |
END
own_line='| Chip, family 7 model 1; gcc 1.2.3 -O2, Peer 1.0, best | 1,234,568 (84 %, 1.50 x fast)'
own_line="$own_line | 1,000 (50 %) | 99 (120 %, 2.00 x fast) | 1.00, worst 0.50 (2)"
own_line="$own_line | 1.25, worst 1.25 (1) | - | - |"
written_speed() { # twice: the second time it finds its own line
    for _ in 1 2; do
        speed --write || return 1
        diff <(grep -v '^| one thread\|^|---' "$copy/README.md") - <<END || return 1
before
<!-- speed -->

| Chip, family 7 model 10; stays | 1 |
$own_line

<!-- end of speed -->
| Chip, family 7 model 1; is no line of it |
END
    done
}
cp "$here/speed.md" "$copy/README.md"
speed_tables one one
check 'the table of speed holds what was measured' diff <(speed 2>/dev/null | tail -1) - \
    <<<"$own_line"
check 'it is written between its marks, and nothing else changes' written_speed
disturbed_speed() {
    speed 2>&1 >/dev/null | grep -x 'disturbed: 1 of the 9 rows that it is made of'
}
check 'rows that were disturbed are told' disturbed_speed
speed_tables one two
refuses 'tables of two runs make none' 'are of two runs' speed
speed_tables one one
sed -i /^mlp2/d "$copy/bench/results/train.csv"
refuses 'a model that was not measured is missed' 'no row of mlp2' speed --write
sed -i '/^# run/d' "$copy/bench/results/train.csv"
refuses 'so is the run' 'train.csv does not say which run' speed
rm "$copy/bench/results/train.csv"
refuses 'and the table' 'train.csv is not there' speed
speed_tables one one
sed -i '/end of speed/d' "$copy/README.md"
refuses 'a README without the place for it is refused' 'no place for it' speed --write
check 'README has that place' test "$(grep -cxE '<!-- (end of )?speed -->' README.md)" -eq 2
speed_tables one one
lost() { # COMMAND...: its output onto a full device must be an error
    "$@" >/dev/full || return 0
    echo "succeeded though its output was lost: $*"
    return 1
}
check 'that table onto a full device is an error' lost speed

# ---- the programs, as quickly compiled as may be ----

programs=$here/programs/build
mkdir -p "$programs"
program() { # SOURCE: below programs/build, where no peer stands beside it
    local level=-O0
    [ "$1" != train ] || level=-O1 # which is to run for a while
    # shellcheck disable=SC2046
    $CC $level -DFMNIST_NN_NO_SIMD $(openmp "$CC") "bench/$1.c" -o "$programs/${1##*/}" -lm -ldl
}
for name in kernels train inference; do
    check "bench/$name.c compiles" program $name
    check "$name --help onto a full device is an error" lost "$programs/$name" --help
    check "so are its rows" lost "$programs/$name"
done
check 'so are the names of peers' lost "$programs/kernels" --peers
refuses 'a kernel nobody knows' "expected a part of a row's kernel.*found \"nosuch\"" \
    "$programs/kernels" --only nosuch
refuses 'one that several threads have not' 'on 2 threads: .*found "max_pool"' \
    "$programs/kernels" --only max_pool --threads 2
refuses 'a random product nobody draws' 'found "max_pool"' \
    "$programs/kernels" --only max_pool --random 3
refuses 'a model nobody knows' 'expected mlp1 or .* cnnbn, found "mlp"' \
    "$programs/train" --only mlp
refuses 'an option of the other benches' 'found "--alone"' "$programs/inference" --alone

# The caches' sizes are the machine's own, where it tells them.
cache=$(getconf LEVEL2_CACHE_SIZE 2>/dev/null)
half_of_cache() {
    "$programs/kernels" --alone --only 'limit_read L2-' | grep -q ",L2-$((cache / 2048))KiB,"
}
if [ "${cache:-0}" -gt 0 ] && [ "$cache" -lt 8388608 ]; then
    check 'the row of the L2 has half of it' half_of_cache
else
    skip 'the row of the L2 has half of it' 'its size is not known, or in MiB'
fi

# A peer that takes a quarter of a second for its steps where OpenMP's threads sleep.
cat >"$programs/openblas_mlp_step" <<'END'
#!/bin/bash
[ "$2" = 2 ] && [ "${*: -3}" = '784 128 10' ] || exit 1
case $3,${OMP_WAIT_POLICY:-} in 1,) answer=.5 ;; 2,passive) answer=.25 ;; *) answer=1 ;; esac
while read -r _; do echo $answer; done
END
chmod +x "$programs/openblas_mlp_step"
fastest_way() { # 100 steps of one image
    "$programs/train" --only mlp1 --threads 2 --batch 1 >"$here/rows" 2>"$here/ways"
    grep -q '^mlp1,.*,openblas,400,400,' "$here/rows" &&
        [ "$(grep -c ^mlp1 "$here/rows")" -eq 1 ] &&
        [ "$(grep -c '^train: openblas.* takes' "$here/ways")" -eq 3 ] && return
    cat "$here/rows" "$here/ways"
    return 1
}
check "of a peer's ways the fastest gets the row" fastest_way

# ---- the peers ----

# By the flags of the Makefile: each line that asks for simd has a vectorised loop behind it, which
# gcc names by its first line or by that of its body.
vectorised() { # PROGRAM SOURCE
    local command line found
    command=$(make -nB "build/$1" | sed -n "s|^-*\(.*$2\) -o .*|\1|p")
    found=$($command -c -fopt-info-vec -o "$here/$1.o" 2>&1)
    grep -n '#pragma omp .*simd' "$2" | cut -d: -f1 >"$here/simd"
    [ -s "$here/simd" ] || return 1
    while read -r line; do
        grep -qE "$2:($line|$((line + 1))|$((line + 2))):.*loop vectorized" <<<"$found" && continue
        echo "$2:$line: not vectorised by $command"
        return 1
    done <"$here/simd"
}
if "$CC" --version 2>/dev/null | grep -q 'Free Software' && links "$CC" -march=native; then
    check "OpenBLAS' step is vectorised" vectorised openblas_mlp_step \
        bench/peers/openblas_mlp_step.c
else
    skip "OpenBLAS' step is vectorised" "$CC is not gcc"
fi
if have g++ && echo '#include <oneapi/dnnl/dnnl.hpp>' | g++ -E -x c++ - >/dev/null 2>&1; then
    check "oneDNN's step is vectorised" vectorised onednn_cnn1_step \
        bench/peers/onednn_cnn1_step.cpp
else
    skip "oneDNN's step is vectorised" "no g++ with oneDNN's header"
fi
openblas_step() {
    $CC -O1 bench/peers/openblas_mlp_step.c -o "$here/step" -lm -ldl || return 1
    [ "$(printf '1\n2\n' | "$here/step" 3 1 1 784 10 | grep -cE '^[0-9]+\.[0-9]{9}$')" -eq 2 ] &&
        lost "$here/step" 3 1 1 784 10 <<<1
}
if ldconfig -p 2>/dev/null | grep -q 'libopenblas\.so\.0 '; then
    check "OpenBLAS' step answers each number, or fails" openblas_step
else
    skip "OpenBLAS' step answers each number, or fails" 'no OpenBLAS'
fi
cat >"$here/task.c" <<'END'
#include "../../../bench/peers/task.h"
int main(int argc, char **argv)
{
    task t = task_begin(argc, argv);
    task_report(&t, 1, 1, 1);
    return 0;
}
END
task_of() { "$@" mlp data 1 100 .1 1; }
check 'the line of a task' "$CC" -O0 -I bench/peers "$here/task.c" -o "$here/task"
check 'that is lost is an error' lost task_of "$here/task"
if have python3; then
    check 'in Python, too' lost task_of python3 -Bc "import sys
sys.path.insert(0, 'bench/peers')
from task import task
task.load = task.train = 0
task.report(1, 1, 1)"
fi

# That each seed starts from other weights: by a rate of next to nothing it predicts by these alone.
images() { # 100 of them
    printf '\0\0\10\3\0\0\0\144\0\0\0\34\0\0\0\34'
    awk 'BEGIN { for (n = 78400; n > 0; n--) printf "%c", 33 + n * n % 91 }'
}
labels() {
    printf '\0\0\10\1\0\0\0\144'
    for _ in {1..10}; do printf '\0\1\2\3\4\5\6\7\10\11'; done
}
seeds() {
    local name seed
    mkdir -p "$here/idx"
    for name in train t10k; do
        images >"$here/idx/$name-images-idx3-ubyte"
        labels >"$here/idx/$name-labels-idx1-ubyte"
    done
    for seed in 1 2 3 4; do
        "$programs/fmnist_nn_task" mlp "$here/idx" 1 100 1e-30 $seed
    done | sed 's/.*right \([0-9]*\).*/\1/' >"$here/seeds"
    [ "$(wc -l <"$here/seeds")" -eq 4 ] && [ "$(sort -u "$here/seeds" | wc -l)" -gt 1 ] && return
    cat "$here/seeds"
    return 1
}
check "the library's task compiles" program peers/fmnist_nn_task
check 'each seed draws its own weights there' seeds

summary
