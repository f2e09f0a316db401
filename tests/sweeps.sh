#!/bin/bash
# The exhaustive sweeps in parts, each of which is run once: what is done stays done, through Ctrl-C
# or a power cut, and the next call goes on. `make sweeps`:
#
#     bash tests/sweeps.sh            the parts that are left, one a core (JOBS=1: one at a time)
#     bash tests/sweeps.sh WORD...    those whose name contains one of the words: exhaustive_gemm,
#                                     every_size:20/68
#     bash tests/sweeps.sh --state    only what is done and left, and how long that takes
#     bash tests/sweeps.sh --help
#
# A finished part is a line of build/exhaustive/state: its name, processor's seconds, hash of its
# source, tests passed, instruction sets and checks. It holds as long as compiler, flags, and what
# the program and the header say beside their comments are the same. A part that fails leaves its
# output in build/exhaustive/ and is tried again by the next call. A sweep that is complete is
# written into tests/exhaustive.txt. The last line is `N passed, N failed, N skipped`, in parts.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=examples/common.sh
. examples/common.sh
here=build/exhaustive
state=$here/state results=tests/exhaustive.txt
mkdir -p $here && touch $state || exit 1

# A sweep is GROUP/PROGRAM/ARGUMENT...; then the number of its parts, the minutes that all of them
# take a core (of an AMD EPYC, family 26 model 2), and whether these take the same time each (even)
# or one that grows with the size they are for. A program in one part is run without its number.
sweeps() {
    if [ -n "${SWEEP_LIST:-}" ]; then
        cat "$SWEEP_LIST"
        return
    fi
    cat <<'END'
plain/exhaustive_math 64 8 even
native/exhaustive_math 64 8 even
neon/exhaustive_math/all/97 16 2 even
plain/exhaustive_gemm/every_size 68 25 growing
plain/exhaustive_conv/every_window 17 3 growing
plain/exhaustive_conv/every_depth 9 1 growing
plain/exhaustive_conv/every_winograd 40 5 even
plain/exhaustive_pool/every_window 17 1 growing
plain/exhaustive_checkpoint 1 2 even
END
}

# All parts, the longest of each sweep first, and the seconds expected: SWEEP:PART/PARTS SECONDS.
parts() {
    sweeps | awk '{
        for (k = $2; k > 0; k--)
            print $1 ":" k "/" $2, 60 * $3 * ($4 == "even" ? 1 / $2 : (2 * k - 1) / ($2 * $2))
    }'
}

# What a part's result depends on: the compiler, its flags and all sources, without comments.
# shellcheck disable=SC2086,SC2128
hash_of() { # GROUP PROGRAM
    local files
    group "$1" || return
    mapfile -t files < <($compiler $flags -MM "tests/$2.c" | tr ' ' '\n' | grep '^tests/' | sort -u)
    {
        echo "$compiler $flags $kernel_flags $threads $runner"
        $compiler --version
        bare_source "${files[@]}"
    } | sha256sum | cut -c 1-16
}

# GROUP/PROGRAM HASH for each that can be run here.
hashes() {
    local group program
    while IFS=/ read -r group program; do
        if group "$group"; then echo "$group/$program $(hash_of "$group" "$program")"; fi
    done < <(programs)
}
programs() { # GROUP/PROGRAM
    sweeps | sed 's|^\([^/]*/[^/ ]*\).*|\1|' | sort -u
}
hash_in() { # FILE SWEEP
    awk -v sweep="$2/" 'index(sweep, $1 "/") == 1 { print $2 }' "$1"
}

# The lines of the state that hold for today's sources.
finished() {
    awk 'of == "" { hash[$1] = "source=" $2; next }
        { split($1, word, /[\/:]/) }
        $3 == hash[word[1] "/" word[2]] && !seen[$1]++' "$work/hashes" of=state $state
}

# How much is left of the parts in a file: PARTS-DONE PARTS-LEFT HOURS-OF-A-CORE. What is done
# shows how fast this machine is.
left_of() { # FILE
    finished | awk '
        pass == 1 { split($2, s, "="); took[$1] = s[2]; next }
        $1 in took { expected += $2; actual += took[$1]; ended++; next }
        { left += $2; count++ }
        END { print ended + 0, count + 0, left * (expected ? actual / expected : 1) / 3600 }
    ' pass=1 - pass=2 "$1"
}

# ---- a part ----

# Runs it and prints a line; in a process of its own, with $HASHES, a file, from its caller.
run_part() { # SWEEP:PART/PARTS
    local name=$1 sweep=${1%:*} number=${1##*:} group program words log tally hash status
    local good='^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$'
    log=$here/${name//[\/:]/.}.log
    hash=$(hash_in "$HASHES" "$sweep")
    IFS=/ read -r group program words <<<"$sweep"
    [ "$number" != 1/1 ] || number=''
    group "$group"
    TIMEFORMAT=%U
    # shellcheck disable=SC2086
    { time TMPDIR="$scratch" $runner "$build/$group/$program" $number ${words//\// } \
        >"$log" 2>&1; } 2>"$log.time"
    status=$?
    tally=$(tail -n 1 "$log")
    if [ $status -ne 0 ] || ! [[ $tally =~ $good ]]; then
        printf 'FAILED %s (status %d, see %s)\n%s\n' "$name" $status "$log" \
            "$(tail -n 12 "$log" | sed 's/^/        /')"
        return
    fi
    printf '%s seconds=%s source=%s passed=%s%s\n' "$name" "$(cat "$log.time")" "$hash" \
        "${tally%% *}" "$(sed -n 's/^swept / /p' "$log")" >>$state
    rm -f "$log" "$log.time"
    echo "ok $name"
}

# ---- the results of complete sweeps ----

# What a complete sweep has shown. The sums are those of its lines, the errors the largest.
entry() { # SWEEP
    local version
    version=$(sed -n 's/^#define FNN_VERSION "\(.*\)"/\1/p' fmnist_nn.h)
    group "${1%%/*}"
    echo "$1"
    finished | grep -F "$1:" | awk -v sweep="$1" '{
        for (i = 2; i <= NF; i++) {
            at = index($i, "=")
            word = substr($i, 1, at - 1)
            value = substr($i, at + 1)
            if (word == "isa") isa = value
            else if (word ~ /^(seconds|passed|checks)$/) sum[word] += value
            else if (word != "source") {
                if (!(word in most)) order[++words] = word
                if (value + 0 >= most[word] + 0) most[word] = value
            }
        }
    }
    END {
        printf "    %d parts passed, %d tests", NR, sum["passed"]
        if (isa) printf ", %.0f checks on %s", sum["checks"], isa
        printf "; %.2f hours of a core\n", sum["seconds"] / 3600
        for (i = 1; i <= words; i++)
            printf "%s%s %s", i == 1 ? "    largest error in ULP: " : ", ", order[i], most[order[i]]
        if (words) print ""
    }' | fold -s -w 96 | sed 's/ *$//; s/^\([^ ]\)/        \1/'
    echo "    $(date -u +%Y-%m-%d), $(machine)"
    echo "    $($compiler --version | head -n 1)"
    echo "    version $version, source $(hash_in "$work/hashes" "$1")"
}

# Writes it anew with those that are complete; the others keep the entry that they have.
write_results() {
    local sweep count old
    {
        echo '# The last complete run of each exhaustive sweep, written by make sweeps.'
        while read -r sweep count _; do
            old=$(awk -v RS= -v sweep="$sweep" '$1 == sweep' $results 2>/dev/null)
            if [ "$(finished | grep -cF "$sweep:")" -eq "$count" ] &&
                ! grep -q "source $(hash_in "$work/hashes" "$sweep")" <<<"$old"; then
                old=$(entry "$sweep")
            fi
            [ -z "$old" ] || printf '\n%s\n' "$old"
        done < <(sweeps)
    } >"$work/results"
    ! grep -q '^[^#]' "$work/results" || cmp -s "$work/results" $results ||
        cp "$work/results" $results
}

# ---- all of it ----

# Behind each part's line how many are left.
progress() {
    local line ended left hours
    while IFS= read -r line; do
        case $line in
        ' '*) echo "$line" && continue ;;
        esac
        read -r ended left hours < <(left_of "$work/parts")
        printf '%2d:%02d  %-52s %4d done, %4d left, about %.2f hours of a core\n' \
            $((SECONDS / 60)) $((SECONDS % 60)) "$line" "$ended" "$left" "$hours"
    done
}

print_state() {
    local sweep ended left hours
    while read -r sweep _; do
        grep -F "$sweep:" "$work/parts" >"$work/one" || continue
        if [ -z "$(hash_in "$work/hashes" "$sweep")" ]; then
            echo "$sweep: cannot be run here"
            continue
        fi
        read -r ended left hours < <(left_of "$work/one")
        printf '%-40s %3d parts done, %3d left, about %.2f hours of a core\n' "$sweep" "$ended" \
            "$left" "$hours"
    done < <(sweeps)
    read -r ended left hours < <(left_of "$work/parts")
    hours=$(awk -v h="$hours" -v n="$at_once" 'BEGIN { print h / n }')
    printf '%-40s %3d parts done, %3d left, about %.2f hours on %d cores\n' 'all of these' \
        "$ended" "$left" "$hours" "$at_once"
}

# Compiles what has parts left; takes from these those of a program that cannot be had.
compile_all() {
    local group program log
    while IFS=/ read -r group program; do
        log=$here/$group.$program.log
        : >"$log"
        compile_program "$group" "tests/$program.c" "$log" && rm -f "$log" && continue
        if [ -n "$reason" ]; then
            skip "$group/$program" "$reason"
        else
            cat "$log"
            failed=$((failed + 1))
        fi
        grep -vE "^$group/${program}[:/]" "$work/left" >"$work/rest"
        mv "$work/rest" "$work/left"
    done < <(cut -d : -f 1 "$work/left" | cut -d / -f 1,2 | sort -u)
}

case ${1:-} in
--help)
    sed -n '2,/^# shellcheck/s/^# \{0,1\}//p' tests/sweeps.sh | sed '$d'
    echo
    sweeps | awk '{
        printf "    %-40s %3d parts, %3d minutes of a core\n", $1, $2, $3
        parts += $2
        minutes += $3
    } END { printf "    %-40s %3d parts, %.1f hours of two cores\n", "all", parts, minutes / 120 }'
    exit
    ;;
--programs) # for run.sh
    programs
    exit
    ;;
--part)
    run_part "$2"
    exit
    ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'echo "stopped; what is done stays done: the next call goes on"; exit 130' INT TERM
at_once=${JOBS:-$(nproc)}
only_state=''
[ "${1:-}" != --state ] || { only_state=1 && shift; }
hashes >"$work/hashes"
parts | grep -F -e "$(printf '%s\n' "${@:-}")" >"$work/parts" || { # a pattern a line
    echo "no part has $* in its name"
    exit 1
}
if [ -n "$only_state" ]; then
    print_state
    exit
fi
cut -d ' ' -f 1 "$work/parts" | grep -vxF -e "$(finished | cut -d ' ' -f 1)" >"$work/left"
print_state
compile_all
HASHES=$work/hashes xargs -r -P "$at_once" -n 1 bash tests/sweeps.sh --part <"$work/left" | progress
write_results
passed=$(left_of "$work/parts" | cut -d ' ' -f 1)
failed=$((failed + $(finished | cut -d ' ' -f 1 | grep -vcxF -f - "$work/left")))
summary
