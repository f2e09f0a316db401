# Sourced by readme.sh and compare.sh, which make tables of result files.
# shellcheck shell=bash

# comment FILE NAME: what the lines "# NAME: ..." at its head say, with commas between them.
comment() {
    awk -v start="# $2: " '
        !/^#/ { exit }
        index($0, start) == 1 { printf "%s%s", comma, substr($0, length(start) + 1); comma = ", " }
    ' "$1"
}

# For awk: a whole number with commas.
# shellcheck disable=SC2034
thousands='
    function thousands(x) {
        x = sprintf("%.0f", x)
        while (match(x, /[0-9][0-9][0-9][0-9](,|$)/))
            x = substr(x, 1, RSTART) "," substr(x, RSTART + 1)
        return x
    }'
