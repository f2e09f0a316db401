#!/bin/bash
# Draws the experiments' plots with gnuplot, from their CSV alone. `make figures`:
#
#     bash examples/figures.sh [RESULTS FIGURES]      RESULTS/ID.PLOT.csv as FIGURES/ID.PLOT.svg
#
# A figure in FIGURES whose experiment has a result, but no such plot any more, is deleted.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
case $# in
0) results=examples/results figures=examples/figures ;;
2) results=$1 figures=$2 ;;
*) echo 'figures.sh: expected no argument, or RESULTS and FIGURES' >&2 && exit 1 ;;
esac
if ! command -v gnuplot >/dev/null; then
    echo 'figures.sh: gnuplot is not installed (Debian: gnuplot-nox)' >&2
    exit 1
fi
# shellcheck source=examples/common.sh
. examples/common.sh
mkdir -p "$figures" && can_write "$figures/figure.svg" || exit 1
new=$figures/new.$$ # a figure is drawn here and gets its name when it is whole
cells=$(mktemp) && trap 'rm -f "$cells" "$new"' EXIT

# The picture's size, before what is drawn; its text is 12 pixels high.
canvas() { # WIDTH HEIGHT
    echo "set terminal svg size $1,$2 dynamic background rgb \"white\" font \"sans-serif,12\""
    echo "set output \"$new\""
}

value() { # FILE KEY: of a comment line `# key: value`
    sed -n "s/^# $2: //p" "$1"
}

# Told apart on white, the first two by the colour-blind too.
colours=$(n=0 && for rgb in 1f77b4 ff7f0e 2ca02c d62728 9467bd 8c564b e377c2 7f7f7f bcbd22; do
    n=$((n + 1)) && echo "set linetype $n lc rgb \"#$rgb\""
done)

# A file of lines becomes blocks of points, then one plot command over them. Series get a colour
# each; what the report says is dashed, or a star: "report, X" in the colour of X where there is
# such a series, else in black. Deviations are bars, of more than a dozen points a band.
lines() { # FILE
    local log labels
    # the names of the lines stand in two columns below
    labels=$({
        grep '^# reported: ' "$1"
        grep '^"' "$1" | cut -d '"' -f 2 | sort -u
    } | wc -l)
    canvas 720 $((400 + 18 * ((labels + 1) / 2)))
    log=$(value "$1" log)
    echo "$colours"
    [ "$log" = none ] || echo "set logscale $log"
    awk '
        # LABEL,X,Y[,DEVIATION] with the label in quotes: returns that, fills cell.
        function label_of(line,    at) {
            at = index(substr(line, 2), "\"")
            split(substr(line, at + 3), cell, ",")
            return substr(line, 2, at - 1)
        }
        /^# reported: / {
            label = label_of(substr($0, 13))
            if (cell[1] == "") what = cell[2] " with lines dt 2"
            else {
                printf "$R%d << EOD\n%s %s\nEOD\n", ++points, cell[1], cell[2]
                what = sprintf("$R%d with points pt 3 ps 1.5", points)
            }
            said[++statements] = what
            name_of[statements] = label
            next
        }
        /^#/ { next }
        {
            series = label_of($0)
            if (!(series in number)) { number[series] = ++count; name[count] = series }
            k = number[series]
            data[k] = data[k] cell[1] " " cell[2] " " (cell[3] == "" ? 0 : cell[3]) "\n"
            size[k]++
            if (cell[3] != "") spread[k] = 1
        }
        # What the report says of a series has its colour, or is black.
        function colour(name,    partner) {
            partner = name
            sub(/^report,? ?/, "", partner)
            return partner in number ? "lc " number[partner] : "lc black"
        }
        END {
            what = deviations = ""
            for (k = 1; k <= count; k++) printf "$S%d << EOD\n%sEOD\n", k, data[k]
            print "set key below maxcols 2 Left reverse"
            for (k = 1; k <= count; k++) {
                style = size[k] > 30 ? "lines" : "linespoints pt 7 ps 0.4"
                if (name[k] ~ /^report/) style = "linespoints pt 6 ps 0.8 dt 2"
                what = what sprintf(", $S%d using 1:2 with %s lw 1.5 %s title \"%s\"", k, style,
                                    colour(name[k]), name[k])
                if (spread[k] && size[k] > 12)
                    deviations = deviations sprintf(", $S%d using 1:($2-$3):($2+$3)" \
                        " with filledcurves lc %d fs transparent solid 0.2 notitle", k, k)
                else if (spread[k])
                    deviations = deviations sprintf(", $S%d using 1:2:3 with yerrorbars pt 0" \
                        " lc %d notitle", k, k)
            }
            for (k = 1; k <= statements; k++)
                what = what sprintf(", %s %s title \"%s\"", said[k], colour(name_of[k]), name_of[k])
            what = deviations what
            if (count + points == 0) what = ", [1:10] [1:10] NaN notitle" what
            print "plot " substr(what, 3)
        }' "$1"
}

# Names at the rows of an image (key name, first row on top) or at its columns, cell pixels each.
names() { # FILE KEY CELL AXIS
    value "$1" "$2" | awk -v cell="$3" -v axis="$4" '
        {
            if (NR > 1) out = out ", "
            out = out sprintf("\"%s\" %g", $0, (NR - 1) * cell + (cell - 1) / 2)
        }
        END { if (NR) printf "set %stics (%s) out nomirror\n", axis, out }'
}

matrix() { # FILE
    grep -v '^#' "$1" >"$cells"
    names "$1" name 1 y
    names "$1" column 1 x
    canvas 720 430
    cat <<EOD
set xtics rotate by -45
set yrange [*:*] reverse noextend
set xrange [*:*] noextend
set size ratio -1
set palette defined (0 "white", 1 "#3182bd")
unset colorbox
set datafile separator ","
# small counts beside large ones: the root makes them visible
plot "$cells" matrix using 1:2:(sqrt(abs(\$3))) with image pixels notitle, \\
    "$cells" matrix using 1:2:(\$3 == 0 ? "" : sprintf("%.4g", \$3)) with labels font ",10" notitle
EOD
}

sheet() { # FILE
    # the gaps between the images get the largest value: white
    grep -v '^#' "$1" | awk -F, -v OFS=, '
        NR == FNR {
            for (i = 1; i <= NF; i++) if ($i != "" && (!any++ || $i > most)) most = $i
            next
        }
        { for (i = 1; i <= NF; i++) if ($i == "") $i = most; print }' \
        <(grep -v '^#' "$1") - >"$cells"
    # Whole pixels of the screen for each of the image, so that all are of one size.
    local columns rows zoom left=20
    read -r columns rows < <(awk -F, 'END { print NF, NR }' "$cells")
    zoom=$((680 / columns)) && [ $zoom -ge 2 ] || zoom=2
    [ -z "$(value "$1" name)" ] || left=110
    canvas $((columns * zoom + left + 20)) $((rows * zoom + 60))
    cat <<EOD
set lmargin at screen $left.0 / $((columns * zoom + left + 20))
set rmargin at screen ($left.0 + $((columns * zoom))) / $((columns * zoom + left + 20))
set bmargin at screen 20.0 / $((rows * zoom + 60))
set tmargin at screen (20.0 + $((rows * zoom))) / $((rows * zoom + 60))
unset grid
set offsets 0, 0, 0, 0
unset xtics
unset ytics
unset border
unset colorbox
set yrange [$rows - .5:-.5]
set xrange [-.5:$columns - .5]
set palette gray
set datafile separator ","
EOD
    names "$1" name "$(value "$1" cell)" y
    echo "plot \"$cells\" matrix with image notitle"
}

for file in "$figures"/*.*.svg; do
    name=$(basename "$file" .svg)
    [ -f "$results/${name%%.*}.csv" ] && [ ! -f "$results/$name.csv" ] && rm -f "$file"
done

count=0
for file in "$results"/*.*.csv; do
    [ -f "$file" ] || continue
    name=$(basename "$file" .csv)
    kind=$(value "$file" kind)
    case $kind in
    lines | matrix | sheet) ;;
    *) echo "figures.sh: $file: kind '$kind'" >&2 && exit 1 ;;
    esac
    if ! {
        cat <<EOD
set title "${name%%.*}: $(value "$file" title)" noenhanced
set xlabel "$(value "$file" x)" noenhanced offset 0, 0.5
set ylabel "$(value "$file" y)" noenhanced
set key noenhanced
set grid back lt 1 lc rgb "#dddddd"
set offsets graph 0.02, graph 0.02, graph 0.03, graph 0.03
EOD
        $kind "$file"
    } | gnuplot || ! tail -n 2 "$new" | grep -q '^</svg>' || ! mv "$new" "$figures/$name.svg"; then
        echo "figures.sh: $file cannot be drawn" >&2
        exit 1
    fi
    count=$((count + 1))
done
echo "$count figures: $figures"
