#!/bin/bash
# Draws the experiments' plots with gnuplot, from their CSV alone. `make figures`:
#
#     bash examples/figures.sh [RESULTS FIGURES]      RESULTS/ID.PLOT.csv as FIGURES/ID.PLOT.svg
#
# Without them it draws all of examples/results into build/figures, and keeps those that pages show
# in examples/figures.
#
# A figure in FIGURES whose experiment has a result, but no such plot any more, is deleted.
set -u -o pipefail
export LC_ALL=C # the order of series, the point in numbers
cd "$(dirname "$0")/.." || exit 1
case $# in
0) results=examples/results figures=build/figures ;;
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
# each; what the report says is dashed, or a star, in the colour of the series that it is about (of
# "report, X": X, or the one whose name has it; where there is one alone, that), else in black.
# Deviations are bars, of more than a dozen points a band; points that go back and forth have no
# line between them. Axes end where there can be nothing more: at 0 and 100 percent, and at 0 where
# nothing is below.
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
    awk -v log_axes="$log" -v percent="$(value "$1" y | grep -c %)" '
        # LABEL,X,Y[,DEVIATION] with the label in quotes: returns that, fills cell.
        function label_of(line,    at) {
            at = index(substr(line, 2), "\"")
            split("", cell)
            split(substr(line, at + 3), cell, ",")
            return substr(line, 2, at - 1)
        }
        function within(axis, value) {
            value += 0
            if (!(axis in least) || value < least[axis]) least[axis] = value
            if (!(axis in most) || value > most[axis]) most[axis] = value
        }
        # From where to where an axis goes: a little beyond its values.
        function range_of(axis,    low, high, more) {
            if (!(axis in least)) return "[1:10]"
            low = least[axis]
            high = most[axis]
            if (index(log_axes, axis)) {
                more = high > low ? exp(.03 * log(high / low)) : 2
                return sprintf("[%.6g:%.6g]", low / more, high * more)
            }
            more = high > low ? .03 * (high - low) : low == 0 ? 1 : .05 * (low < 0 ? -low : low)
            low = low >= 0 && low < more ? 0 : low - more
            high += more
            if (axis == "y" && percent && high > 100) high = 100
            return sprintf("[%.6g:%.6g]", low, high)
        }
        # A logarithmic axis has the marks of its own few values, or 1, 2 and 5 of each power.
        function marks(axis, values, count,    k, form, m, power, value, text) {
            form = least[axis] >= .0001 && most[axis] < 1000000 ? "%g" : "%.0e"
            if (axis == "x" && count <= 8) {
                for (k = 1; k <= count; k++) text = text mark(form, values[k])
            } else
                for (power = -30; power <= 30; power++)
                    for (m = 1; m <= 5; m += m == 1 ? 1 : 3)
                        if ((m == 1 || most[axis] < 1000 * least[axis]) &&
                            (value = m * 10 ^ power) >= .7 * least[axis] &&
                            value <= 1.4 * most[axis]) text = text mark(form, value)
            print "set " axis "tics (" substr(text, 3) ")"
        }
        function mark(form, value) { return sprintf(", \"" form "\" %.6g", value, value) }
        function limited(value) {
            return value < 0 && !negative ? 0 : percent && value > 100 ? 100 : value
        }
        # The number of the series that a name of the report is about.
        function partner(name,    k, found) {
            sub(/^report,? ?/, "", name)
            if (name in number) return number[name]
            if (("A, " name) in number) return number["A, " name]
            for (k = 1; k <= count; k++)
                if (name_of[k] !~ /^report/ && (series == 1 || (name != "" &&
                    index(name_of[k], name)))) found = found ? -1 : k
            return found
        }
        function colour(name,    k) {
            k = name ~ /^report/ ? partner(name) : number[name]
            return k > 0 ? "lc " k : "lc black"
        }
        /^# reported: / {
            said_name[++statements] = label_of(substr($0, 13))
            within("y", cell[2])
            if (cell[1] == "") said[statements] = cell[2] " with lines dt 2"
            else {
                within("x", cell[1])
                printf "$R%d << EOD\n%s %s\nEOD\n", ++points, cell[1], cell[2]
                said[statements] = sprintf("$R%d with points pt 3 ps 1.5", points)
            }
            next
        }
        /^#/ { next }
        {
            name = label_of($0)
            if (cell[2] > 1e9 || cell[2] < -1e9) next # diverged
            if (!(name in number)) {
                number[name] = ++count
                name_of[count] = name
                if (name !~ /^report/) series++
            }
            k = number[name]
            if (size[k] && cell[1] + 0 < x[k, size[k]] + 0) cloud[k] = 1
            x[k, ++size[k]] = cell[1]
            y[k, size[k]] = cell[2]
            deviation[k, size[k]] = cell[3]
            if (cell[2] < 0) negative = 1
            if (cell[3] != "") spread[k] = 1
            within("x", cell[1])
            within("y", cell[2])
            if (!(cell[1] in seen)) {
                seen[cell[1]] = 1
                places[++distinct] = cell[1]
            }
        }
        END {
            for (k = 1; k <= count; k++) {
                printf "$S%d << EOD\n", k
                for (i = 1; i <= size[k]; i++) {
                    low = limited(y[k, i] - deviation[k, i])
                    high = limited(y[k, i] + deviation[k, i])
                    if (index(log_axes, "y") && low <= 0) low = y[k, i]
                    within("y", low)
                    within("y", high)
                    printf "%s %s %.6g %.6g\n", x[k, i], y[k, i], low, high
                }
                print "EOD"
            }
            print "set key below maxcols 2 Left reverse"
            if (index(log_axes, "x") && distinct) marks("x", places, distinct)
            if (index(log_axes, "y") && distinct) marks("y", places, 99)
            what = deviations = ""
            for (k = 1; k <= count; k++) {
                style = cloud[k] ? "points pt 7 ps 0.4" : size[k] > 30 ? "lines" : \
                    "linespoints pt 7 ps 0.4"
                if (name_of[k] ~ /^report/) style = "linespoints pt 6 ps 0.8 dt 2"
                what = what sprintf(", $S%d using 1:2 with %s lw 1.5 %s title \"%s\"", k, style,
                                    colour(name_of[k]), name_of[k])
                if (spread[k])
                    deviations = deviations sprintf(", $S%d %s notitle", k, size[k] > 12 ? \
                        "using 1:3:4 with filledcurves lc " k " fs transparent solid 0.2" : \
                        "using 1:2:3:4 with yerrorbars pt 0 lc " k)
            }
            for (k = 1; k <= statements; k++)
                what = what sprintf(", %s %s title \"%s\"", said[k], colour(said_name[k]),
                                    said_name[k])
            what = deviations what
            if (count + points == 0) what = ", NaN notitle" what
            print "plot " range_of("x") " " range_of("y") " " substr(what, 3)
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

# Cells by their colour: percent by what is missing to 100, so that 82 and 88 differ as 10 and 40
# do, and the best has a frame; counts by their root, so that small ones beside large can be seen.
matrix() { # FILE
    # shellcheck disable=SC2016 # gnuplot's column
    local shade='sqrt(abs($3))' form='%.4g'
    grep -v '^#' "$1" >"$cells"
    names "$1" name 1 y
    names "$1" column 1 x
    canvas 720 430
    if value "$1" title | grep -q %; then
        # shellcheck disable=SC2016
        shade='-log(101 - $3)' form='%.1f'
        awk -F, '
            { for (i = 1; i <= NF; i++) if ($i ~ /[0-9]/ && (!any++ || $i > best)) {
                best = $i; x = i - 1; y = NR - 1
            } }
            END { if (any) printf "set object rectangle from %g,%g to %g,%g front fs empty " \
                "border lc black lw 3\n", x - .5, y - .5, x + .5, y + .5 }' "$cells"
    fi
    cat <<EOD
set xtics rotate by -45
set yrange [*:*] reverse noextend
set xrange [*:*] noextend
set size ratio -1
set palette defined (0 "#ffffff", 0.35 "#fee8c8", 0.7 "#fdbb84", 0.85 "#c7e9c0", 1 "#41ab5d")
unset colorbox
set datafile separator ","
plot "$cells" matrix using 1:2:($shade) with image pixels notitle, \\
    "$cells" matrix using 1:2:\\
    (\$3 != \$3 ? "-" : \$3 == 0 ? "" : sprintf("$form", \$3)) with labels font ",10" notitle
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
EOD
        $kind "$file"
    } | gnuplot || ! tail -n 2 "$new" | grep -q '^</svg>' ||
        ! sed -i '/^<desc>Produced by/d' "$new" || ! mv "$new" "$figures/$name.svg"; then
        echo "figures.sh: $file cannot be drawn" >&2
        exit 1
    fi
    count=$((count + 1))
done
echo "$count figures: $figures"
[ $# -eq 0 ] || exit 0

# Those that pages show are kept beside them.
shown=$(grep -oh 'figures/[a-zA-Z0-9.-]*\.svg' README.md examples/RESULTS.md examples/*/README.md |
    sort -u)
mkdir -p examples/figures
for file in examples/figures/*.svg; do
    grep -qxF "figures/${file##*/}" <<<"$shown" || rm -f "$file"
done
for file in $shown; do
    cmp -s "build/$file" "examples/$file" || cp "build/$file" "examples/$file" || exit 1
done
echo "$(wc -w <<<"$shown") of them: examples/figures"
