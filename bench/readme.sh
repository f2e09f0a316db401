#!/bin/bash
# README's table of speed, made from the two tables of one `make bench`: prints it with the line of
# the machine that was measured; the lines of other kinds of machines stay as README has them.
#
#     bash bench/readme.sh            make bench-readme
#     bash bench/readme.sh --write    make bench-readme WRITE=1: puts it into README.md
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=bench/tables.sh
. bench/tables.sh
kernels=bench/results/kernels.csv train=bench/results/train.csv
fail() {
    echo "bench/readme.sh: $1" >&2
    exit 1
}

# The best instruction set on one thread: what run.sh measures first.
line() { # CELL-OF-THE-MACHINE
    awk -F, -v machine="$1" "$thousands"'
        function step(model, cell) {
            if (!(model in images)) {
                print "bench/readme.sh: there is no row of " model " on one thread" >"/dev/stderr"
                failed = 1
                return ""
            }
            cell = thousands(images[model]) " (" sprintf("%.0f", limit[model]) " %"
            if (model in ratio) cell = cell sprintf(", %.2f x %s", ratio[model], peer[model])
            return cell ")"
        }
        # The geometric mean over the shapes whose key begins so, the worst, and how many.
        function group(name, least, key, sum, worst, count) {
            for (key in least) {
                if (index(key, name) != 1) continue
                sum += log(least[key])
                if (!count || least[key] < worst) worst = least[key]
                count++
            }
            if (!count) return "-"
            return sprintf("%.2f, worst %.2f (%d)", exp(sum / count), worst, count)
        }
        function keep(least, key, value) {
            if (!(key in least) || value < least[key]) least[key] = value
        }
        /^#/ { next }
        $2 == "isa" || $3 == "isa" { # a header
            delete column
            for (i = 1; i <= NF; i++) column[$i] = i
            next
        }
        isa == "" { isa = $column["isa"] }
        $column["threads"] != 1 || $column["isa"] != isa { next }
        {
            rows++
            disturbed += $column["disturbed"] != ""
            measured = $column["ratio"]
        }
        "model" in column {
            if ($1 in images && (measured == "" || ($1 in ratio && measured >= ratio[$1]))) next
            images[$1] = $column["images_per_s"]
            limit[$1] = $column["limit_percent"]
            if (measured != "") {
                ratio[$1] = measured
                peer[$1] = $column["peer"]
            }
            next
        }
        measured != "" {
            keep(every, $1 " " $2, measured)
            if ($column["winograd_limit"] != "") keep(inner, $1 " " $2, measured)
        }
        END {
            cells = "| " machine ", " isa " | " step("mlp1") " | " step("mlp2") " | " step("cnn1")
            print cells " | " group("sgemm", every) " | " group("conv2d_forward", inner) \
                " | " group("conv2d_backward_data", inner) \
                " | " group("conv2d_backward_weights", inner) " |"
            if (disturbed)
                printf "disturbed: %d of the %d rows that it is made of\n", disturbed, rows \
                    >"/dev/stderr"
            exit failed
        }' $kernels $train
}

for file in $kernels $train; do
    [ -f "$file" ] || fail "$file is not there: make bench makes it"
    [ -n "$(comment "$file" run)" ] || fail "$file does not say which run it is of"
done
[ "$(comment $kernels run)" = "$(comment $train run)" ] ||
    fail "$kernels and $train are of two runs; make bench makes both"
if ! grep -q '^<!-- speed -->$' README.md || ! grep -q '^<!-- end of speed -->$' README.md; then
    fail 'README.md has no place for it, between <!-- speed --> and <!-- end of speed -->'
fi

# A kind of machine is its processor without the number of cores.
kind=$(comment $kernels machine | sed 's/, [0-9]* cores$//')
made="$(comment $kernels compiler) $(comment $kernels flags)"
own=$(line "$kind; ${made% }, $(comment $kernels peer)") || exit 1
family=$(grep -oE 'family [0-9]+ model [0-9]+' <<<"$kind" || echo "$kind")
table() {
    echo '| one thread | 784-128-10, SGD | 784-128-128-10, SGD | cnn1, Adam | products |' \
        '3x3 forward | 3x3 towards images | 3x3 towards weights |'
    echo '|---|---:|---:|---:|---:|---:|---:|---:|'
    sed -n '/^<!-- speed -->$/,/^<!-- end of speed -->$/p' README.md |
        grep '^| ' | grep -v -e '^| one thread' | grep -vF -e "$family;" -e "$family," || true
    echo "$own"
}
if [ "${1:-}" != --write ]; then
    table
    exit
fi
new=README.md.new.$$ lines=$(table)
trap 'rm -f "$new"' EXIT
TABLE=$lines awk '
    /^<!-- speed -->$/ { print $0 "\n\n" ENVIRON["TABLE"] "\n"; inside = 1 }
    /^<!-- end of speed -->$/ { inside = 0 }
    !inside' README.md >"$new" && mv "$new" README.md && echo 'written to README.md'
