# Sourced by reproduce.sh and tests/experiments.sh, which run in the top directory: which programs
# there are, and how one is compiled and recognised. They set $objects, a folder for what is made.
# figures.sh and the scripts of bench/ take can_write, tests write_book; tests/sweeps.sh and
# bench/run.sh take machine.
# shellcheck shell=bash
CC=${CC:-cc}

# Whether a file can be made, or made anew, asked before the work whose result it will hold. Makes
# another beside it and takes that away; what is there stays as it is.
can_write() { # FILE
    local try=$1.try.$$ reason
    if [ -e "$1" ] && [ ! -f "$1" ]; then
        echo "$1: expected a file or nothing there, found a folder or a device" >&2
        return 1
    fi
    reason=$({ echo >"$try"; } 2>&1) && rm -f "$try" && return
    rm -f "$try"
    echo "$1: cannot be written: ${reason##*: }" >&2
    return 1
}

# The processor's name, family and model, as far as lscpu knows them.
machine() {
    LC_ALL=C lscpu 2>/dev/null | awk -F ': *' '
        $1 == "Model name" { name = $2 }
        $1 == "CPU family" { family = ", family " $2 }
        $1 == "Model" { model = " model " $2 }
        $1 == "CPU(s)" { cores = ", " $2 " cores" }
        END { print (name ? name : "unknown") family model cores }'
}

# The names of all experiments.
experiment_ids() {
    grep -v -e '^#' -e : -e '^$' examples/experiments.txt
}

# The pages of their book: the overview, then one a report.
book_pages() {
    echo RESULTS.md
    sed -n 's|^\([a-z]*\): .*|\1/README.md|p' examples/experiments.txt | grep -v '^all/'
}

# An experiment and the hash that its full run would have now, a line each.
experiment_hashes() {
    local id
    for id in $(experiment_ids); do
        echo "$id $(experiment_hash "$(experiment_source "$id")" '')"
    done
}

# Writes them; each is whole, or the old one stays. HASHES: experiment_hashes' lines, if they are
# known already.
write_book() { # RESULTS FOLDER
    local page report bad=0 HASHES=${HASHES:-$(experiment_hashes)}
    export HASHES
    for page in $(book_pages); do
        report=${page%/*}
        [ "$report" != RESULTS.md ] || report=''
        mkdir -p "$2/$report" &&
            sh examples/results.sh "$1" "$report" >"$2/$page.new" && mv "$2/$page.new" "$2/$page" &&
            continue
        echo "not written: $2/$page" >&2
        rm -f "$2/$page.new"
        bad=1
    done
    return $bad
}

experiment_source() { # ID
    local report=${1%%-*}
    if [ -d "examples/$report" ]; then
        set -- "$report/${1#*-}"
    fi
    echo "examples/${1//-/_}.c"
}

# A C source without its comments and blank lines.
bare_source() {
    awk '{
        out = ""
        for (line = $0; line != "";) {
            at = index(line, comment ? "*/" : "/*")
            if (!comment) out = out (at ? substr(line, 1, at - 1) : line)
            line = at ? substr(line, at + 2) : ""
            if (at) comment = !comment
        }
        gsub(/[ \t]+/, " ", out)
        if (out !~ /^ ?$/) print out
    }' "$@"
}

# A program and the headers of its own folder that it includes.
experiment_parts() { # SOURCE
    local name
    echo "$1"
    sed -n 's/^#include "\(\(\.\.\/\)*[^/"]*\)".*/\1/p' "$1" | while read -r name; do
        case ${name##*/} in
        experiment.h | fmnist_nn.h) ;;
        *) experiment_parts "${1%/*}/$name" ;;
        esac
    done
}

# What a figure depends on: the program without its comments, the options, and the number of the
# bits that the library computes.
experiment_hash() { # SOURCE OPTIONS
    local parts
    mapfile -t parts < <(experiment_parts "$1")
    {
        bare_source "${parts[@]}"
        grep '^#define EXPERIMENT_VERSION ' examples/experiment.h
        sed -n '/^#define FNN_NUMERICS \([0-9]*\).*/{s//numerics \1/p;q;}' "${LIBRARY:-fmnist_nn.h}"
        echo "$2"
    } | sha256sum | cut -c 1-16
}

# The library once for all of them, anew when it or the way to compile it has changed.
experiment_library() { # OBJECT FLAG...
    local object=$1 stamp
    shift
    stamp=$(echo "$CC ${CFLAGS:--O2} $*" | cat - fmnist_nn.h | sha256sum)
    [ -f "$object" ] && [ "$stamp" = "$(cat "$object.stamp" 2>/dev/null)" ] && return
    # shellcheck disable=SC2086
    $CC ${CFLAGS:--O2} "$@" -DFMNIST_NN_IMPLEMENTATION -x c -c fmnist_nn.h -o "$object" || return
    echo "$stamp" >"$object.stamp"
}

experiment_compile() { # SOURCE PROGRAM FLAG...
    local source=$1 program=$2 object=${objects:?}/float.o flags=()
    shift 2
    # shellcheck disable=SC2086
    if echo 'int main(void) { return 0; }' |
        $CC -fopenmp -include omp.h -x c - -o "$objects/openmp" 2>/dev/null; then
        flags=(-fopenmp)
    fi
    # shellcheck disable=SC2086
    if grep -q 'define FMNIST_NN_REAL double' "$source"; then
        $CC ${CFLAGS:--O2} "${flags[@]}" "$@" "$source" -o "$program" -lm # static to its unit
    else
        experiment_library "$object" "${flags[@]}" || return
        $CC ${CFLAGS:--O2} "${flags[@]}" -DEXPERIMENT_LINKED "$@" "$source" "$object" \
            -o "$program" -lm
    fi
}
