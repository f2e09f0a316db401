#!/bin/bash
# That the project is laid out as its header's first screen and its style promise.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/structure
rm -rf "$here"
mkdir -p "$here"

# The project's files: what git knows or, in a copy without it, what is not made here.
files() {
    git ls-files 2>/dev/null && return
    find . -type f ! -path './.git/*' ! -path './build/*' ! -path './data/*' \
        ! -path './bench/results/*' | sed 's|^\./||'
}

# ---- the header's rooms ----

# The contents, which must be at its head, against the banners, in their order.
contents_are_banners() { # HEADER
    local contents banners
    contents=$(head -n 70 "$1" | awk '/^#/ { exit } /^ \*     >>/ { print $2 }')
    banners=$(awk 'rule && /^ \* >>/ { print $2 } { rule = /^\/\* =====/ }' "$1")
    [ -n "$contents" ] && diff <(echo "$contents") <(echo "$banners")
}

# Conditions on an instruction set belong in three rooms.
isa_conditions() { # HEADER
    ! awk '
        rule && /^ \* >>/ { room = $2 }
        { rule = /^\/\* =====/ }
        /^[ \t]*#[ \t]*(el)?if/ && (/FNNI_(X86|ARM|WASM)|_M_(X64|IX86|ARM)/ ||
        /__(AVX|SSE|FMA|F16C|BMI|AMX|ARM_|aarch64|x86_64|i386|wasm)/) &&
        room !~ /^>>(platform|kernels|dispatch)$/ { print FILENAME ":" NR ": " $0; found = 1 }
        END { exit !found }' "$1"
}

# A message about a file's contents says what was expected and what was found: those of the readers,
# but for one that passes on another's words.
refusals_name_both() { # HEADER
    ! awk '
        rule && /^ \* >>/ { room = $2 }
        { rule = /^\/\* =====/ }
        room ~ /^>>(data|file|import)$/ && /FNN_ERROR_FORMAT,/ { text = ""; line = FNR; open = 1 }
        open { text = text $0 }
        open && /;$/ {
            open = 0
            if (text !~ /"/ || text ~ /expected.*found|"%s: (bad gzip file: )?%[.0-9]*s"/) next
            print FILENAME ":" line ": " text
            found = 1
        }
        END { exit !found }' "$1"
}

# ---- the sources ----

# A function opens with a brace in the first column (.clang-format), or at the end of its line.
short_functions() { # FILE...
    ! awk '
        FNR == 1 { start = 0 }
        /^[{]/ || /^[A-Za-z_].*\) \{$/ { start = FNR; name = /^[{]/ ? before : $0 }
        /^}/ && start {
            if (FNR - start + 1 > 70) {
                print FILENAME ":" start ": " FNR - start + 1 " lines: " name
                found = 1
            }
            start = 0
        }
        { before = $0 }
        END { exit !found }' "$@"
}

# Paths and places that only one machine has, and promises of later work. The words are split
# here, so that this file may be looked through with the others.
clean_words() { # FILE...
    ! grep -nIE -e "(^|[^A-Za-z0-9_.}])/(wo""rk|ro""ot|ho""me|Us""ers|m""nt)\b" \
        -e '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' -- "$@"
}

# What .editorconfig says: spaces (but in a Makefile), no blanks at the end of a line, line feeds
# and one at the end of the file.
plain_text() { # FILE...
    local file bad=0
    if grep -nIP '[ \t\r]+$' "$@"; then bad=1; fi
    if grep -HnIP '\t' "$@" | grep -v '^Makefile:'; then bad=1; fi
    [ -z "$(tail -q -c 1 "$@")" ] || for file; do
        [ -z "$(tail -c 1 "$file")" ] || { echo "$file: no line feed at its end" && bad=1; }
    done
    return $bad
}

# What .clang-format says, as version 14 reads it: others break some lines elsewhere.
clang_format=''
for name in clang-format-14 clang-format; do
    "$name" --version 2>/dev/null | grep -q 'version 14\.' && clang_format=$name && break
done
formatted() { # FILE...
    "$clang_format" --dry-run -Werror "$@"
}

# Not in tables, which need long lines, nor in data.
hundred_columns() { # FILE...
    ! awk 'length($0) > 100 &&
        FILENAME !~ /(README|RESULTS|COMPARED)\.md$/ &&
        FILENAME !~ /(explanations|findings)\.txt$|\.(csv|jobs|sums)$/ {
            print FILENAME ":" FNR ": " length($0) " columns"
            found = 1
        }
        END { exit !found }' "$@"
}

# Names on the top level, read from the standard input.
top_level() {
    ! cut -d / -f 1 | sort -u |
        grep -vxE 'fmnist_nn\.h|examples|tests|bench|Makefile|README\.md|\.[^/]+'
}

# ---- the examples ----

below_100_lines() { [ "$(wc -l <"$1")" -lt 100 ] || { wc -l "$1" && false; }; }

# ---- make ----

# Every target has its words in make help, and so have variables, those that README.md sets too.
help_is_complete() { # MAKEFILE
    local help name bad=0
    help=$(make -s -f "$1" help) || return 1
    for name in $(awk '$1 == ".PHONY:" { $1 = ""; print }' "$1"); do
        case $name in all | help | no-mpi | FORCE) continue ;; esac
        grep -qE "\bmake $name( |\$)" <<<"$help" || { echo "no make $name" && bad=1; }
    done
    for name in CC CFLAGS MPICC RESULTS $(grep -oE 'make [a-z-]+( [A-Z]+=[^ ;`]*)+' README.md |
        grep -oE '[A-Z]+=' | tr -d = | sort -u); do
        grep -qE "\b$name=" <<<"$help" || { echo "no $name=" && bad=1; }
    done
    return $bad
}

# ---- the examples' words ----

# An order of samples is told by its name.
named_orders() { # FILE...
    ! awk 'FNR == 1 { call = "" }
        /fnn_dataset_(split|fold)\(/ { call = FILENAME ":" FNR ": " }
        call != "" { call = call $0 }
        call != "" && /;|\) \|\|/ {
            bare = "_split\\([^,]*,[^,]*, [0-9]+,|_fold\\([^,]*,[^,]*,[^,]*, [0-9]+,"
            if (call ~ bare) { print call; found = 1 }
            call = ""
        }
        END { exit !found }' "$@"
}
# What prints results asks at its end whether they have arrived; quickstart is the README's.
asks_at_the_end() { # FILE...
    ! grep -LE 'program_end\(\)|fflush\(stdout\)|experiment_end\(' "$@" | grep -v '/quickstart.c$'
}

# ---- all of it, each check with a case that it must refuse ----

header=fmnist_nn.h
check 'the contents are the banners' contents_are_banners $header
sed '/^ \*     >>gemm/d' $header >"$here/no_entry.h"
sed '/^ \* >>gemm/d' $header >"$here/no_banner.h"
refuses 'a room that the contents lack is seen' '>>gemm' contents_are_banners "$here/no_entry.h"
refuses 'an entry without a room is seen' '>>gemm' contents_are_banners "$here/no_banner.h"

check 'conditions on instruction sets are in three rooms' isa_conditions $header
{
    cat $header
    printf '/* ====\n * >>public  a room\n#ifdef __AVX2__\n#endif\n'
} | sed 's/^\/\* ====$/\/* =========/' >"$here/condition.h"
refuses 'one elsewhere is seen' '__AVX2__' isa_conditions "$here/condition.h"

check 'refusals of files name what was expected and what was found' refusals_name_both $header
sed 's/"%s: IDX type: expected .*"/"%s: IDX type 0x%02x"/' $header >"$here/refusal.h"
refuses 'one that does not is seen' 'IDX type 0x' refusals_name_both "$here/refusal.h"

mapfile -t sources < <(files | grep -E '\.([ch]|cpp)$')
check 'no function is longer than 70 lines' short_functions "${sources[@]}"
{
    printf 'int f(void)\n{\n'
    seq -f '    g(%g);' 79
    printf '}\n'
} >"$here/long.c"
refuses 'a function of 81 lines is seen' '81 lines: int f' short_functions "$here/long.c"

if [ -n "$clang_format" ]; then
    check 'sources are formatted as .clang-format says' formatted "${sources[@]}"
    printf 'int f(void) { return 1; }\n' >"$here/format.c"
    refuses 'a function on one line is seen' 'format.c:1:.*clang-format' formatted "$here/format.c"
else
    skip 'the format of the sources' 'this machine has no clang-format 14'
fi

mapfile -t texts < <(files | grep -vE '\.(svg|png|gz|bin)$')
check 'no path of one machine, no promise' clean_words "${texts[@]}"
echo 'data in /wo''rk/data' >"$here/path.c"
echo '/* TO''DO */' >"$here/promise.c"
refuses 'a path of one machine is seen' data clean_words "$here/path.c"
refuses 'a promise is seen' 'DO' clean_words "$here/promise.c"

check 'text is as .editorconfig says' plain_text "${texts[@]}"
printf 'int a; \n' >"$here/blank.c"
printf '\tint a;\n' >"$here/tab.c"
printf 'int a;' >"$here/end.c"
refuses 'a blank at the end of a line is seen' '1:int a' plain_text "$here/blank.c"
refuses 'a tab is seen' '1:.*int a' plain_text "$here/tab.c"
refuses 'a missing line feed is seen' 'no line feed' plain_text "$here/end.c"

check 'no line is longer than 100 columns' hundred_columns "${texts[@]}"
printf '%101s\n' 'int a;' >"$here/wide.c"
refuses 'a line of 101 columns is seen' 'wide.c:1: 101' hundred_columns "$here/wide.c"

check 'the top level holds what it should' top_level < <(files)
refuses 'another file on the top level is seen' '^other.c$' top_level <<<'other.c'

check 'make help has all targets and variables' help_is_complete Makefile
sed '/make test-onnx /d; s/MPICC=mpicc those/those/' Makefile >"$here/silent.mk"
refuses 'a target without a line is seen' 'no make test-onnx' help_is_complete "$here/silent.mk"
refuses 'and a variable' 'no MPICC=' help_is_complete "$here/silent.mk"

check 'orders of samples have their names' named_orders examples/*.c examples/program.h
sed 's/FNN_ORDER_SHUFFLE/1/' examples/resume.c >"$here/order.c"
refuses 'a bare number is seen' 'order.c:.*count / 6 \* 5, 1, 1' named_orders "$here/order.c"
sed 's/FNN_ORDER_KEEP/0/' examples/regression.c >"$here/keep.c"
refuses 'also in a condition' 'keep.c:.*POINTS / 4, 0, 0' named_orders "$here/keep.c"
check 'programs ask whether what they print arrives' asks_at_the_end examples/*.c
sed '/fflush(stdout)/d' examples/regression.c >"$here/deaf.c"
refuses 'one that does not is seen' 'deaf.c' asks_at_the_end "$here/deaf.c"

for example in examples/*.c; do
    [ -f "$example" ] && check "$example is below 100 lines" below_100_lines "$example"
done
seq 100 >"$here/long_example.c"
refuses 'an example of 100 lines is seen' 100 below_100_lines "$here/long_example.c"
summary
