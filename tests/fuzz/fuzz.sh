#!/bin/bash
# Builds and runs the fuzz targets, each a source beside this script; needs clang with libFuzzer.
#
#     bash tests/fuzz/fuzz.sh run [TARGET...]       for FUZZ_SECONDS (60); into RESULTS.txt
#     bash tests/fuzz/fuzz.sh merge [TARGET...]     what build/fuzz/ has found new, into corpus/
#     bash tests/fuzz/fuzz.sh coverage [TARGET...]  lines of readers that seeds and corpus reach
#     bash tests/fuzz/fuzz.sh control [TARGET...]   headers that controls.txt breaks are noticed
#
# An input that a target notices something with is kept in build/fuzz/found/. Corpora grow in
# build/fuzz/corpus/, from which the next run goes on, so that many short runs are a long one; those
# that are kept are archives of ar's: ar t tests/fuzz/corpus/idx.bin.
# shellcheck source=tests/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
here=tests/fuzz work=build/fuzz
targets='idx gzip csv cifar10 model checkpoint import api'
most_files=110 # of a corpus that is kept

# ---- building ----

# shellcheck disable=SC2034
compiler=clang threads=''
flags='-O1 -g1 -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=address,undefined'
flags="$flags -DFMNIST_NN_NO_AVX512" # clang takes six minutes for those with the sanitizer
kernel_flags=$flags
followed="-fsanitize=fuzzer -fsanitize-coverage-ignorelist=$here/uncounted.txt"

# The target of a tree that has fmnist_nn.h and tests/.
# shellcheck disable=SC2046,SC2086
target() { # TREE TARGET PROGRAM FLAG...
    $compiler $flags -DFNNI_KERNELS_APART "${@:4}" "$1/$here/$2.c" "$(object_path kernels)" \
        -o "$3" $(zlib fuzz) -lm
}
# The same unless it is newer than what it is made of.
build_target() { # TARGET PROGRAM FLAG...
    [ -f "$2" ] &&
        [ -z "$(find fmnist_nn.h tests/*.h $here/*.h "$here/$1.c" $here/uncounted.txt \
            -newer "$2")" ] && return
    make_object kernels && target . "$@"
}

# Seeds, of which each target has a folder.
seeds() {
    build_target seeds $work/seeds.program || return
    rm -rf $work/seeds && $work/seeds.program $work/seeds
}

# An archive of inputs as files of a folder.
unpack() { # ARCHIVE FOLDER
    mkdir -p "$2"
    [ ! -f "$1" ] || (cd "$2" && ar x "$OLDPWD/$1")
}

# ---- running ----

# How long an input may be: longer than the longest seed, since what grows with the square of its
# length shows there; not much, since the fuzzer tries the more the shorter they are.
longest() { # TARGET
    case $1 in
    gzip) echo 8192 ;;
    cifar10 | model | checkpoint) echo 4096 ;;
    *) echo 2048 ;;
    esac
}

# libFuzzer on a target; its output goes to the log. Freed memory is held back for 16 MiB, not 256,
# and not given back to the system, so that blocks lie in the cache and have their pages; entropic
# is the fuzzer's book of how rare each input's features are, which costs more than it finds.
polite='' # what stands before it: a long run leaves the machine to others
fuzz() { # TARGET PROGRAM LOG ARGUMENT...
    local files=$scratch/fmnist_nn_fuzz.$BASHPID dictionary=() status
    [ ! -f "$here/$1.dict" ] || dictionary=(-dict="$here/$1.dict")
    mkdir -p "$files"
    # shellcheck disable=SC2086
    ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=16:allocator_release_to_os_interval_ms=-1 \
        TMPDIR=$files $polite "$2" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -entropic=0 \
        -max_len="$(longest "$1")" "${dictionary[@]}" "${@:4}" >"$3" 2>&1
    status=$?
    rm -rf "$files"
    return $status
}

# Puts a run into RESULTS.txt: its row takes the place of the target's last one, and is added to the
# target's sums.
results() { # TARGET SECONDS PROCESSOR LOG FINDINGS
    local rows=$here/RESULTS.txt executions edges
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$4")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$4" | tail -n 1)
    touch "$rows"
    awk -v targets="$targets" -v name="$1" -v date="$(date +%Y-%m-%d)" -v seconds="$2" \
        -v processor="$3" -v executions="$executions" -v edges="$edges" -v findings="$5" \
        -v machine="$(nproc) cores of $(processor)" '
        /^target / { table = $2; next }
        table == "date" { last[$1] = $0 }
        table == "since" { since[$1] = $2; for (i = 3; i <= NF; i++) sum[$1, i] = $i }
        END {
            last[name] = sprintf("%-10s  %s  %7d  %9d  %10d  %5d  %8d  %s", name, date, seconds,
                processor, executions, edges, findings, machine)
            if (!(name in since)) since[name] = date
            sum[name, 3]++
            sum[name, 4] += seconds
            sum[name, 5] += processor
            sum[name, 6] += executions
            sum[name, 7] += findings
            print "What make fuzz has done. Edges are those of library and target that inputs have"
            print "reached, findings the inputs that a run ended with. Processor: seconds of it, of"
            print "which a busy machine gives few.\n\nThe last run of each target:\n"
            print "target      date        seconds  processor  executions  edges  findings  machine"
            n = split(targets, order)
            for (i = 1; i <= n; i++) if (order[i] in last) print last[order[i]]
            print "\nAll runs since a day together, each of library and target as they were then:\n"
            print "target      since       runs  seconds  processor  executions  findings"
            for (i = 1; i <= n; i++)
                if ((t = order[i]) in since)
                    printf "%-10s  %s  %4d  %7d  %9s  %10d  %8d\n", t, since[t], sum[t, 3],
                        sum[t, 4], sum[t, 5], sum[t, 6], sum[t, 7]
        }' "$rows" >"$rows.new" && mv "$rows.new" "$rows"
    grep -m 1 "^$1 " "$rows"
}

run() { # TARGET
    local log=$work/$1.log found=$work/found/$1- start count spent status polite='nice -n 15'
    local TIMEFORMAT='%U %S'
    # shellcheck disable=SC2086
    build_target "$1" "$work/$1" $followed || return
    start=$SECONDS
    mkdir -p "$work/corpus/$1" $work/found
    unpack "$here/corpus/$1.bin" "$work/corpus/$1"
    touch "$work/$1.begun"
    spent=$({ time fuzz "$1" "$work/$1" "$log" -max_total_time="${FUZZ_SECONDS:-60}" \
        -artifact_prefix="$found" "$work/corpus/$1" "$work/seeds/$1" $here/findings; } 2>&1)
    status=$?
    count=$(find $work/found -name "$1-*" -newer "$work/$1.begun" | wc -l)
    # It ended without an input, and not by Ctrl-C, for which libFuzzer has 72.
    [ $status -eq 0 ] || [ $status -eq 72 ] || [ "$count" -gt 0 ] || count=1
    results "$1" $((SECONDS - start)) "$(awk '{ print int($1 + $2) }' <<<"$spent")" "$log" "$count"
    [ "$count" -eq 0 ] || grep -E '^FUZZ|ERROR|runtime error|SUMMARY' "$log"
    [ "$count" -eq 0 ]
}

# ---- the kept inputs ----

merge() { # TARGET
    local folder=$work/merged/$1 file archive=$PWD/$here/corpus/$1.bin
    build_target "$1" "$work/$1" $followed || return
    rm -rf "$folder"
    unpack "$here/corpus/$1.bin" "$work/corpus/$1"
    mkdir -p "$folder" "$work/corpus/$1" $here/corpus
    # What the seeds reach, which replay.c makes itself, need not be kept.
    cp "$work/seeds/$1"/* "$folder"
    fuzz "$1" "$work/$1" "$work/$1.merge" -merge=1 "$folder" "$work/corpus/$1" $here/findings ||
        return
    (cd "$work/seeds/$1" && ls) | (cd "$folder" && xargs rm)
    for file in "$folder"/*; do mv "$file" "$folder/$(basename "$file" | cut -c 1-12)"; done
    # Where there are more than are kept: evenly many of each size.
    find "$folder" -type f -printf '%s %p\n' | sort -n | awk -v most=$most_files '
        { path[NR] = $2 }
        END { for (i = 1; NR > most && i <= NR; i++)
                  if (int(i * most / NR) == int((i - 1) * most / NR)) print path[i] }' | xargs -r rm
    rm -f "$archive"
    (cd "$folder" && ar rcDS "$archive" -- *)
    printf '%-10s  %d inputs, %d bytes\n' "$1" "$(ar t "$archive" | wc -l)" \
        "$(wc -c <"$archive")"
}

# ---- coverage ----

# The pages of the header that a target is for, as their titles begin.
pages() { # TARGET
    case $1 in
    idx) echo 'IDX' ;;
    gzip) echo 'inflate|gzip' ;;
    csv) echo 'CSV: |classes and categories|decimal numbers' ;;
    cifar10) echo 'CIFAR-10' ;;
    model) echo 'reading: JSON|reading: the header|reading: the model|reading: the whole file' ;;
    checkpoint) echo 'what training needs|writing' ;;
    import) echo 'reading the header|numbers|matching|filling|the whole file' ;;
    *) echo '.' ;;
    esac
}

# Lines reached and lines of code of the pages, from llvm-cov's lines `DA:number,count`; those that
# apart.txt has stand apart, with the lines that their statements go on over. What was missed is
# written beside. A row of apart.txt that is reached is said.
lines_of_pages() { # PATTERN LCOV
    awk -v pattern="^($1)" -v missed="$2.missed" '
        function begins(f, text,    i) {
            for (i = 1; i <= rows; i++)
                if (row_function[i] == f && index(text, row_text[i]) == 1) return i
            return 0
        }
        BEGIN { printf "" >missed }
        FILENAME ~ /apart\.txt$/ {
            if (sub(/^    /, "")) { split($0, part, " [|] ?"); row_function[++rows] = part[1]
                                    row_text[rows] = part[2] }
            next
        }
        FILENAME ~ /fmnist_nn\.h$/ {
            if ($0 ~ /^\/\* (----|>>)/ || /^ \* >>/) {
                title = $0; sub(/^\/\* ---- /, "", title); inside = title ~ pattern }
            if (/^[A-Za-z].*\(/ && !/;$/) {
                name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
            page[FNR] = inside && !/^ *#/; at_function[FNR] = name
            text[FNR] = $0; sub(/^ +/, "", text[FNR])
            next
        }
        /^SF:/ { header = /fmnist_nn\.h$/ }
        header && /^DA:/ { split(substr($0, 4), at, ","); count[at[1] + 0] = at[2] }
        END {
            for (n = 1; n in page; n++) {
                first = row = begins(at_function[n], text[n] " " text[n + 1])
                if (!row && open && at_function[n] == at_function[n - 1]) row = open
                open = row && (text[n] !~ /[;}]$/ || text[n + 1] == "}") ? row : 0
                if (!page[n] || !(n in count)) continue
                if (first && count[n] > 0 && pattern != "^(.)" && !said[row]++)
                    print "reached: " row_function[row] " | " row_text[row]
                if (row && count[n] == 0) { apart++; continue }
                all++
                if (count[n] > 0) reached++
                else print n ": " text[n] >missed
            }
            printf "%d of %d lines, %.1f %% (%d apart)\n", reached, all,
                all ? 100 * reached / all : 0, apart
        }' $here/apart.txt fmnist_nn.h "$2"
}

# Of seeds and corpus alone, by the program that replays them, without a sanitizer: in seconds.
covered='' # whether the program has been made
# shellcheck disable=SC2046
coverage() { # TARGET
    local program=$work/replay.coverage raw=$work/$1.profraw
    if [ -z "$covered" ]; then
        clang -O0 -w -DFMNIST_NN_NO_SIMD -fprofile-instr-generate -fcoverage-mapping \
            $here/replay.c -o "$program" $(zlib fuzz) -lm || return
        covered=1
    fi
    LLVM_PROFILE_FILE=$raw TMPDIR=$scratch "$program" "$1_inputs" >"$work/$1.coverage.log" &&
        llvm-profdata merge -o "$raw.data" "$raw" &&
        llvm-cov export -format=lcov -instr-profile="$raw.data" "$program" >"$work/$1.lcov" &&
        printf '%-10s  ' "$1" && lines_of_pages "$(pages "$1")" "$work/$1.lcov"
}

# ---- controls ----

# A row of controls.txt: a header with a check taken out, and what its target says of it then.
control() { # TARGET
    local tree=$work/control script words
    while IFS=$'\t' read -r script words; do
        rm -rf $tree && mkdir -p $tree/tests && cp -r tests/*.h $here $tree/tests
        sed -E "$script" fmnist_nn.h >$tree/fmnist_nn.h
        check "$1: $script is another header" different fmnist_nn.h $tree/fmnist_nn.h
        target $tree "$1" "$work/$1.control" $followed || return
        unpack "$here/corpus/$1.bin" $tree/corpus
        refuses "$1: is noticed without $script" "$words" fuzz_shown "$1"
    done < <(awk -F ' +[|] +' -v name="$1" '$1 == name { print $2 "\t" $3 }' $here/controls.txt)
}
different() { ! cmp -s "$1" "$2"; }
fuzz_shown() { # TARGET
    fuzz "$1" "$work/$1.control" "$work/$1.control.log" -max_total_time=120 \
        -artifact_prefix="$work/control/" $work/control/corpus "$work/seeds/$1" $here/findings
    local status=$?
    cat "$work/$1.control.log"
    return $status
}

# ---- all of it ----

mkdir -p $work
verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in run | merge | coverage | control) ;; *)
    echo 'usage: fuzz.sh run|merge|coverage|control [TARGET...]' >&2
    exit 2
    ;;
esac
if ! links $compiler $flags -fsanitize=fuzzer -Dmain=LLVMFuzzerTestOneInput; then
    skip 'all of it' 'clang cannot link with -fsanitize=fuzzer here (Debian: libclang-rt-dev)'
    summary
    exit
fi
if [ "$verb" != coverage ] && ! seeds; then
    check seeds false
    summary
    exit 1
fi
bad=0
# shellcheck disable=SC2086
for name in ${*:-$targets}; do
    is_among "$name" "$targets" || { echo "there is no target $name" >&2 && exit 2; }
    "$verb" "$name" || bad=1
done
[ "$verb" != control ] || summary
exit $bad
