#!/bin/bash
# Static analysers over the header's implementation, of float and of double, without SIMD: what they
# find, but for what tests/analyse.txt explains. `make analyse`:
#
#     bash tests/analyse.sh            clang-tidy, cppcheck and gcc -fanalyzer, where they are
#     bash tests/analyse.sh TOOL...    some of these; about eight minutes of a core for all
#
# What is analysed is a copy of the header, changed in seven lines that stay in place. One in a late
# room has three faults: whatever an analyser says of another line is a finding, and one that does
# not say all it should of this line has not looked. Memory comes from malloc without the pointer
# that the library keeps before it, which would hide what is lost. And what a function with a
# message returns, into which no analyser looks, stands where it is called.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/analyse
allowed=tests/analyse.txt
mkdir -p "$here"

# ---- the copy ----

# NULL is read, memory is lost, an int is read before it is set. Memory of fnni_allocate that is
# lost they do not see in a whole library: that is for tests/test_memory.c and the sanitizers.
# A function each, as analysers stop where one is found.
fault() { # NAME BODY
    echo "int fnni_fault_$1(int n); int fnni_fault_$1(int n) { $2 }"
}
faults=$(fault null 'int *p = NULL; return n > 3 ? *p : 0;'
    fault leak 'int *l = (int *)malloc(8); if (!l) return 0; *l = n; return *l;'
    fault unset 'int x; if (n > 3) x = n; return x;')

# The line before the banner of the room >>search.
fault_line=$(awk '/^ \* >>search / { print NR - 2 }' fmnist_nn.h)
awk -v line="$fault_line" -v faults="${faults//$'\n'/ }" '
    NR == line && $0 == "" { $0 = faults }
    /^\{/ && before ~ /^static void \*fnni_allocate\(/ {
        $0 = "{ if (bytes > 0) { (void)allocator; return malloc(bytes); }"
    }
    /^\{/ && before ~ /^static void fnni_release\(/ {
        $0 = "{ if (memory) { (void)allocator; free(memory); return; }"
    }
    /^FNNI_COLD static .*fnni_((model_|builder_)?fail|refuse)\(/ {
        name = $0
        sub(/\(.*/, "", name)
        sub(/.* /, "", name)
    }
    $0 == "" && before == "}" && name != "" {
        in_all = name ~ /fail/ ? "a, code, " : ""
        $0 = "#define " name "(" in_all "...) ((void)" name "(" in_all "__VA_ARGS__), " \
            (in_all ? "code)" : "-1)")
        name = ""
    }
    { before = $0; print }' fmnist_nn.h >"$here/fmnist_nn.h"

# What each analyser says of them.
fault_names() { # TOOL
    case $1 in
    clang-tidy) printf '%s\n' NullDereference "leak.*'l'" UndefReturn ;;
    cppcheck) printf '%s\n' nullPointer 'leak: l' uninitvar ;; # it follows no calls
    gcc) printf '%s\n' null-dereference "leak of 'l'" ;; # not the third: below
    esac
}

# ---- the analysers ----

# What it says, each with file, line, column and, in brackets, the check.
# shellcheck disable=SC2046,SC2086
analyse() { # TOOL FLAG...
    local tool=$1
    shift
    set -- -DFMNIST_NN_IMPLEMENTATION -DFMNIST_NN_NO_SIMD "$@"
    case $tool in
    clang-tidy)
        clang-tidy --quiet -checks='-*,clang-analyzer-*,bugprone-*' "$here/fmnist_nn.h" -- \
            -x c -std=c99 "$@"
        ;;
    cppcheck)
        cppcheck --quiet --language=c --std=c99 --enable=warning,performance,portability \
            --template='{file}:{line}:{column}: warning: {message} [{id}]' \
            --template-location='' "$@" "$here/fmnist_nn.h"
        ;;
    gcc)
        # Two states a point, summaries of functions, and no kernels: else it takes more than 9 GB,
        # or ends before it has been everywhere. Summaries forget what a function sets for its
        # caller, or that what it returns must be freed.
        gcc -fanalyzer -fanalyzer-call-summaries --param=analyzer-max-enodes-per-program-point=2 \
            --param=analyzer-bb-explosion-factor=12 -Wno-analyzer-use-of-uninitialized-value \
            -fdiagnostics-plain-output -std=c99 -DFNNI_KERNELS_APART "$@" -x c \
            -c "$here/fmnist_nn.h" -o "$here/analysed.o"
        ;;
    esac >"$here/$tool.log" 2>&1
    grep -E '^[^ ]*fmnist_nn\.h:[0-9]+:[0-9]+: (warning|error):' "$here/$tool.log" |
        sed 's/^[^:]*://' | sort -u
}

# A finding with the function that it is in: FUNCTION:LINE:COLUMN: TEXT
with_functions() {
    awk -F : 'of == "" {
            if (/^[A-Za-z_].*[ *]fnni?_[a-z0-9_]+\(/) {
                name = $0
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
            }
            at[FNR] = name
            next
        }
        { print at[$1] ":" $0 }' fmnist_nn.h of=findings -
}

# Those that no line of $allowed takes away: TOOL CHECK FUNCTION-OR-* REASON.
unexplained() { # TOOL
    awk -v tool="$1" 'of == "" {
            if ($1 == tool) { check[++count] = $2; where[count] = $3 }
            next
        }
        {
            name = $0
            sub(/:.*/, "", name)
            for (i = 1; i <= count; i++)
                if (index($0, check[i]) && (where[i] == "*" || where[i] == name)) next
            print
        }' $allowed of=findings -
}

# ---- all of it ----

nothing_found() { # TOOL FINDINGS
    local found
    found=$(grep -v "^$fault_line:" "$2" | with_functions | unexplained "$1")
    [ -z "$found" ] || { echo "$found" && false; }
}
sees_faults() { # TOOL FINDINGS
    local name
    while read -r name; do
        grep "^$fault_line:" "$2" | grep -q "$name" ||
            { echo "$1 does not say: $name" && return 1; }
    done < <(fault_names "$1")
}
explained() {
    ! grep -vE '^(#|$)|^(clang-tidy|cppcheck|gcc) +[^ ]+ +[^ ]+ +([^ ]+ +){3}' "$1"
}

check 'each line that takes findings away says why' explained $allowed
echo 'gcc -Wanalyzer-malloc-leak *' >"$here/unexplained.txt"
refuses 'one that does not is seen' 'malloc-leak' explained "$here/unexplained.txt"
seven_lines_differ() { [ "$(diff fmnist_nn.h "$here/fmnist_nn.h" | grep -c '^>')" -eq 7 ]; }
check 'the copy differs in seven lines' seven_lines_differ
[ $# -gt 0 ] || set -- clang-tidy cppcheck gcc
for tool; do
    have "$tool" || { skip "$tool" "this machine has no $tool" && continue; }
    for real in float double; do
        analyse "$tool" "-DFMNIST_NN_REAL=$real" >"$here/$tool.$real"
        check "$tool finds nothing in the $real library" nothing_found "$tool" "$here/$tool.$real"
        check "$tool sees the faults there" sees_faults "$tool" "$here/$tool.$real"
    done
done
summary
