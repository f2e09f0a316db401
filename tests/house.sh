#!/bin/bash
# The header's house: a room calls only rooms above it, and what a thing is stands in its row and on
# its page. Each check has a broken case that it must refuse.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/house
rm -rf "$here"
mkdir -p "$here"
header=fmnist_nn.h

# The header without comments and the insides of strings, line by line as it is; each line of the
# implementation with its number and its room in front.
rooms() { # HEADER
    awk '
        rule && /^ \* >>/ { room = $2 }
        { rule = /^\/\* =====/ }
        {
            line = $0
            if (open) { if (!sub(/^.*\*\//, "", line)) next; open = 0 }
            gsub(/\/\*[^*]*\*+([^\/*][^*]*\*+)*\//, "", line)
            if (sub(/\/\*.*$/, "", line)) open = 1
            gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
            if (room != "") print FNR, room, line
        }' "$1"
}

# Who names a function of a room below its own. A function is where its body is; the API's
# prototypes and the few declared in advance are none.
calls_upwards() { # HEADER
    ! rooms "$1" | awk '
        { line = $0; sub(/^[0-9]+ >>[a-z-]+ ?/, "", line) }
        !($2 in order) { order[$2] = ++rooms_seen }
        $2 == ">>api" { next }
        # A definition begins in the first column and opens its body on a line of its own.
        line ~ /^[A-Za-z_].*[ *]fnni?_[a-z0-9_]+\(/ && line !~ /^#/ {
            name = line
            sub(/\(.*/, "", name)
            sub(/.*[ *]/, "", name)
        }
        line ~ /;[ \t]*$/ && !inside { name = "" }
        line ~ /^\{/ { inside = 1; if (name != "") home[name] = $2 }
        line ~ /^\}/ { inside = 0; name = "" }
        line !~ /^#define fnni_/ { body[++count] = $1 " " $2 " " line }
        END {
            for (i = 1; i <= count; i++) {
                split(body[i], word, " ")
                text = body[i]
                while (match(text, /fnni?_[a-z0-9_]+/)) {
                    called = substr(text, RSTART, RLENGTH)
                    before = substr(text, RSTART - 1, 1)
                    text = substr(text, RSTART + RLENGTH)
                    if (before ~ /[A-Za-z0-9_.>]/ || !(called in home)) continue
                    if (order[home[called]] > order[word[2]]) {
                        print "line " word[1] ": " word[2] " names " called " of " home[called]
                        found = 1
                    }
                }
            }
            exit !found
        }'
}

# The lists whose kinds have a home, and the rooms where a kind may be named: those of its page, and
# of its formulas.
homes='FNN_ISA_LIST >>kernels >>dispatch
FNN_ACTIVATION_LIST >>kernel-list >>kernels
FNN_NORMALIZATION_LIST >>normalizations
FNN_INITIALIZER_LIST >>initializers
FNN_LOSS_LIST >>losses
FNN_OPTIMIZER_LIST >>optimizers
FNN_SCHEDULE_LIST >>schedules
FNN_MONITOR_LIST >>fit
FNN_CANDIDATE_LIST >>search
FNN_PADDING_LIST >>windows
FNN_ORDER_LIST >>datasets
FNN_CSV_ROLE_LIST >>data
FNN_CSV_MISSING_LIST >>data
FNN_WEIGHTS_FORMAT_LIST >>import'

# Who names a kind outside of its row, its page and the defaults of configurations (functions whose
# names end in _init), which a kind must be to be one.
kinds_at_home() { # HEADER
    ! { echo "$homes" && echo && rooms "$1"; } | awk '
        !begun && NF == 0 { begun = 1; next }
        !begun { for (i = 2; i <= NF; i++) allowed[$1, $i] = 1; known[$1] = 1; next }
        { line = $0; sub(/^[0-9]+ >>[a-z-]+ ?/, "", line) }
        # Rows: X(KIND, in the lines of a list, each of which but the last ends in a backslash.
        match(line, /^#define FNN_[A-Z0-9_]+_LIST\(X/) {
            list = substr(line, 9, RLENGTH - 10)
            if (!(list in known)) list = ""
            seen[list] = 1
        }
        list != "" {
            text = line
            while (match(text, /(X|ROW)\(FNN_[A-Z0-9_]+/)) {
                kind = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                sub(/^[A-Z]+\(/, "", kind)
                of[kind] = list
            }
            if (line !~ /\\$/) list = ""
            next
        }
        $2 == ">>api" { next }
        line ~ /^[A-Za-z_].*\(/ { init = line ~ /_init(_pytorch)?\(/ }
        {
            text = line
            while (match(text, /FNN_[A-Z0-9_]+/)) {
                kind = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                if (!(kind in of) || init || allowed[of[kind], $2]) continue
                print "line " $1 ": " $2 " names " kind " of " of[kind]
                found = 1
            }
        }
        END {
            for (list in known) if (!(list in seen)) { print "no list " list; found = 1 }
            exit !found
        }'
}

# Layers have no enum: outside of >>layers nobody may name a type, and nobody may ask for one.
layers_at_home() { # HEADER
    ! rooms "$1" | grep -E '[!=]= &fnni_[a-z0-9_]+_type' &&
    ! rooms "$1" | grep -E 'fnni_[a-z0-9_]+_type\b' | grep -vE '^[0-9]+ >>(layers|api) ' |
        grep -E "fnni_($(sed -n '/^#define FNNI_LAYER_LIST/,/[^\\]$/p' "$1" |
            grep -oE 'X\([a-z0-9_]+\)' | sed 's/X(\(.*\))/\1/' | paste -sd '|'))_type\b"
}

check 'every room calls rooms above it only' calls_upwards $header
# The broken case: what a room above says of a function below.
awk '{ print } /^static .*fnni_random_unit\(/ { at = 1 } at && /^\{/ {
        print "    (void)fnni_gemm_serial;"; at = 0 }' $header >"$here/down.h"
refuses 'a call of a room below is seen' '>>random names fnni_gemm_serial of >>gemm' \
    calls_upwards "$here/down.h"

check 'a kind is named in its row and on its page only' kinds_at_home $header
awk '{ print } /^static .*fnni_lay_out\(/ { at = 1 } at && /^\{/ {
        print "    if (model->loss == FNN_LOSS_MEAN_SQUARED_ERROR) return;"; at = 0 }' \
    $header >"$here/kind.h"
refuses 'one elsewhere is seen' '>>model names FNN_LOSS_MEAN_SQUARED_ERROR of FNN_LOSS_LIST' \
    kinds_at_home "$here/kind.h"
sed 's/#define FNN_SCHEDULE_LIST(X)/#define FNN_SCHEDULES(X)/' $header >"$here/list.h"
refuses 'a list that is gone is seen' 'no list FNN_SCHEDULE_LIST' kinds_at_home "$here/list.h"

check 'a layer type is named in >>layers only' layers_at_home $header
awk '{ print } /^static .*fnni_lay_out\(/ { at = 1 } at && /^\{/ {
        print "    if (model->layers[0].type == &fnni_dense_type) return;"; at = 0 }' \
    $header >"$here/type.h"
refuses 'one elsewhere is seen' '>>model .*fnni_dense_type' layers_at_home "$here/type.h"
sed '/^static .*fnni_max_pool_fuse(/,/^}/s/l == 0/conv->type != \&fnni_conv2d_type/' $header \
    >"$here/asks.h"
refuses 'a page that asks for another is seen' '>>layers .*fnni_conv2d_type' \
    layers_at_home "$here/asks.h"

# A layer's words stand where programs look for them, and what is not finite has been put into it.
layer_names() { # HEADER
    grep -A 1 -E '^static const fnni_layer_type fnni_[a-z0-9_]+_type = \{' "$1" |
        sed -n 's/^    "\([a-z0-9_]*\)".*/\1/p'
}
layers_are_told() { # HEADER
    local name words told=0
    words=$(sed -n '/^\/\* How a layer was built, in the words/,/^FNN_API/p' "$1")
    for name in $(layer_names "$1"); do
        told=$((told + 1))
        grep -qwe "$name" <<<"$words" || { echo "$name: not at fnn_layer_words" && return 1; }
        [ "$name" = rescale ] || grep -qE "^    \{\"$name\b" tests/test_nonfinite.c ||
            { echo "$name: no row in tests/test_nonfinite.c" && return 1; }
    done
    [ $told -ge 11 ] || { echo "$told layers found" && return 1; }
}
check "a layer's words and its row of what is not finite are there" layers_are_told $header
sed 's/^    "spatial_dropout"/    "group_norm"/' $header >"$here/untold.h"
refuses 'a layer without them is seen' 'group_norm: not at fnn_layer_words' \
    layers_are_told "$here/untold.h"
sed 's/^    "spatial_dropout"/    "pad"/' $header >"$here/unrowed.h" # a word of theirs
refuses 'one without a row is seen' 'pad: no row in tests/test_nonfinite.c' \
    layers_are_told "$here/unrowed.h"
summary
