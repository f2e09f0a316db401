#!/bin/bash
# Netlib's own tester of BLAS' level 3 (Debian's libblas-test), with fnn_sgemm in front as sgemm_
# and, of the double library, as dgemm_: 59,049 products each, all transposes, leading dimensions
# with and without room, wrong arguments. Then with products that are broken, which it must notice.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$PWD/$build/netlib
rm -rf "$here"
mkdir -p "$here"

tester() { # S|D
    dpkg -L libblas-test 2>/dev/null | grep "/xblat3${1,}$"
}
if [ ! -x "$(tester S)" ]; then
    skip "Netlib's tester" 'this machine has no libblas-test'
    summary
    exit
fi

# Sizes on both sides of each kernel's tiles and of the sums in lanes; 65 is the tester's largest.
# Its other functions are not ours (F).
orders() { # S|D
    cat <<END
'summary'
6
'snapshot'
-1
F
F
T
16.0
9
0 1 2 7 8 16 31 33 65
3
0.0 1.0 0.7
3
0.0 1.0 1.3
$(printf '%s T\n' "$1GEMM "; printf "$1%-5s F\n" SYMM TRMM TRSM SYRK SYR2K)
END
}

# library NAME FOLDER FLAG...: the wrapper with the header of that folder.
library() {
    sed "s|\.\./|$2/|" tests/netlib_gemm.c >"$here/$1.c"
    # shellcheck disable=SC2086
    "$CC" -std=c99 -O1 -fPIC -shared $warnings "${@:3}" "$here/$1.c" -o "$here/$1.so" -lm
}

# judged LIBRARY ISA S|D: the tester's words; it must have called each, and found nothing.
judged() {
    local run=$here/$1.$2 letter=$3
    [ -s "$here/$1.so" ] || { echo "there is no $1.so" && return 1; } # or another BLAS is judged
    mkdir -p "$run"
    (cd "$run" && orders "$letter" |
        FNN_ISA=$2 LD_PRELOAD=$here/$1.so timeout 300 "$(tester "$3")") || return 1
    cat "$run/summary"
    grep -q " ${letter}GEMM  PASSED THE TESTS OF ERROR-EXITS" "$run/summary" &&
        grep -q " ${letter}GEMM  PASSED THE COMPUTATIONAL TESTS ( 59049 CALLS)" "$run/summary"
}

check 'sgemm_ of the library: compiles' library single "$PWD"
check 'dgemm_ of the double library: compiles' library double "$PWD" -DDOUBLE
check 'a program that tells whether an instruction set is there: compiles' \
    "$CC" -std=c99 -O1 tests/app.c -o "$here/app" -lm
for isa in scalar avx2 avx512 neon; do
    if FNN_ISA=$isa "$here/app" >"$here/app.out" 2>&1; then
        check "sgemm_ on $isa: 59,049 products" judged single $isa S
    elif [ $isa != neon ] || [ "$(uname -m)" != x86_64 ]; then
        skip "sgemm_ on $isa" "this machine has no $isa"
    fi
done
check 'dgemm_: 59,049 products' judged double scalar D

# ---- broken products ----

broken() { # NAME SED-SCRIPT: the library with that done to it, which must change it
    mkdir -p "$here/$1"
    sed "$2" fmnist_nn.h >"$here/$1/fmnist_nn.h"
    ! cmp -s fmnist_nn.h "$here/$1/fmnist_nn.h" || { echo "$2 changes nothing" && return 1; }
    library "$1" "$1" -DFMNIST_NN_INFERENCE
}
noticed() { # NAME WHAT-IS-BROKEN PATTERN SED-SCRIPT
    check "$2: compiles" broken "$1" "$4"
    refuses "$2: noticed" "$3" judged "$1" scalar S
}
noticed beta 'tiles that add to C whatever beta is' 'SGEMM  FAILED ON CALL NUMBER' \
    's/r.run.beta = block ? 1 : g->beta/r.run.beta = 1/'
noticed packed 'a packed B that is read as if it were not' 'SGEMM  FAILED ON CALL NUMBER' \
    's/run.ldb = g->b_packed || g->pack_b ? width : g->ldb/run.ldb = g->ldb + 0 * width/'
noticed dots 'sums in lanes that forget their own alpha' 'SGEMM  FAILED ON CALL NUMBER' \
    's/^        g->kernels->narrow_dots(&n)/n.alpha = 1; &/'
noticed refused "a leading dimension of C that is not looked at" \
    'SGEMM  FAILED THE TESTS OF ERROR-EXITS' 's/ || ldc < n)/)/'
summary
