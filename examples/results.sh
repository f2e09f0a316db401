#!/bin/sh
# Writes the table of all experiments from their result files: sh examples/results.sh DIR. What is
# said of rows of full runs that disagree stands in examples/explanations.txt. On stderr: rows of
# full runs more than two points from the report that nothing is said of. Fails where an
# explanation fits no row.
dir=${1:-examples/results}
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C FOLDER="$dir"
exec awk -v dir="$dir" '
# The cells of a line of CSV; only whole cells are in double quotes.
function cells(line, out,    n) {
    n = 0
    while (line != "") {
        if (line ~ /^"/) {
            out[++n] = substr(line, 2, index(substr(line, 2), "\"") - 1)
            line = substr(line, length(out[n]) + 3)
        } else {
            out[++n] = line
            sub(/,.*/, "", out[n])
            line = substr(line, length(out[n]) + 1)
        }
        if (line == ",") out[++n] = ""
        sub(/^,/, "", line)
    }
    return n
}
# Percent with two digits behind the point, whole numbers in full, others with six digits.
function format(value, metric) {
    if (metric ~ /%$/) return ".2f"
    return value > -1e9 && value < 1e9 && value == int(value) ? ".0f" : ".6g"
}
function shown(value, metric) {
    return value == "" ? "—" : sprintf("%" format(value + 0, metric), value)
}
function escaped(text) {
    gsub(/\|/, "\\|", text)
    return text
}

# ---- what is said of rows ----
function read_explanations(    line, part) {
    while ((getline line < "examples/explanations.txt") > 0) {
        if (line ~ /^#/ || line == "") continue
        if (split(line, part, / \| /) != 3) {
            print "examples/explanations.txt: not ID | PATTERN | SENTENCE: " line > "/dev/stderr"
            wrong = 1
            continue
        }
        said++
        said_id[said] = part[1]
        number[said] = ++numbered[part[1]]
        said_of[said] = part[2]
        sentence[said] = part[3]
    }
}
# The numbers that the sentences about a row have below its table.
function explain(id, configuration, reading,    k, numbers) {
    for (k = 1; k <= said; k++)
        if (said_id[k] == id && (configuration ", " reading) ~ said_of[k]) {
            numbers = numbers (numbers == "" ? "" : ", ") number[k]
            fits[k] = 1
        }
    return numbers
}

# ---- one experiment ----
function read_result(id,    file, line, at) {
    split("", head)
    rows = notes = 0
    file = dir "/" id ".csv"
    while ((getline line < file) > 0) {
        if (line ~ /^# note: /) note[++notes] = substr(line, 9)
        else if (line ~ /^# /) {
            at = index(line, ": ")
            key = substr(line, 3, at - 3)
            if (key in head) head[key] = head[key] "; " substr(line, at + 2)
            else head[key] = substr(line, at + 2)
        } else if (line !~ /^configuration,/) row[++rows] = line
    }
    close(file)
    return rows > 0
}
# How a row stands to its report: "near" within two points or two
# standard errors, else "above" or "below"; "" where that says nothing.
function standing(cell,    difference, error) {
    if (cell[3] !~ /accuracy.*%$/ || cell[4] == "" || cell[5] == "") return ""
    difference = cell[5] - cell[4]
    error = cell[6] == "" ? 0 : cell[6] / sqrt(cell[7])
    if (difference <= 2 && difference >= -2) return "near"
    if (difference <= 2 * error && difference >= -2 * error) return "near"
    return difference > 0 ? "above" : "below"
}
function print_overview(id,    i, stands, n, cell, a) {
    if (!read_result(id)) {
        printf "| [%s](#%s) | not run yet | | | | |\n", id, id
        return
    }
    for (i = 1; i <= rows; i++) if (cells(row[i], cell) && cell[2] == "A") a = 1
    for (i = 1; i <= rows; i++) {
        cells(row[i], cell)
        stands = standing(cell)
        if (stands == "" || (a && cell[2] != "A")) continue
        n["all"]++; n[stands]++
        sum["all"]++; sum[stands]++
    }
    printf "| [%s](#%s) | %s | %s | %s | %s | %.0f |\n", id, id, n["all"], n["near"], n["above"],
        n["below"], head["seconds"]
    total += head["seconds"]
}
function print_row(id, line,    cell, difference, measured, why) {
    cells(line, cell)
    difference = measured = "—"
    if (cell[5] != "") measured = shown(cell[5], cell[3])
    if (cell[6] != "") measured = measured " ± " shown(cell[6], cell[3])
    if (cell[4] != "" && cell[5] != "")
        difference = sprintf("%+" format(cell[5] - cell[4], cell[3]), cell[5] - cell[4])
    why = full ? explain(id, cell[1], cell[2]) : ""
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", escaped(cell[1]), cell[2],
        escaped(cell[3]), shown(cell[4], cell[3]), measured, difference, why, cell[7], cell[8]
    if (why == "" && full && difference != "—" && cell[3] ~ /%$/ &&
        (difference + 0 > 2 || difference + 0 < -2))
        print "not explained: " id ": " cell[1] ", " cell[2] ": " difference > "/dev/stderr"
}
function print_result(id,    i, k, plot, plots, command) {
    print "### " id "\n"
    if (!read_result(id)) {
        print "Not run yet.\n"
        return
    }
    full = head["mode"] == "full" # sentences are about full runs
    if (full) has[id] = 1
    made++
    print head["title"] (full ? "" : ", " head["mode"]) ".\n"
    print "| configuration | reading | metric | reported | measured | difference | why | seeds |" \
        " s |"
    print "| --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: |"
    for (i = 1; i <= rows; i++) print_row(id, row[i])
    print ""
    for (i = 1; i <= notes; i++) print "- " note[i] "."
    for (k = 1; k <= said; k++)
        if (full && said_id[k] == id) print "- (" number[k] ") " sentence[k]
    command = "cd \"$FOLDER\" && ls " id ".*.csv 2>/dev/null"
    plots = ""
    while ((command | getline plot) > 0) {
        sub(/\.csv$/, "", plot)
        plots = plots sprintf("%s[%s](figures/%s.svg)", plots == "" ? "" : ", ",
                              substr(plot, length(id) + 2), plot)
    }
    close(command)
    if (plots != "") print "- Plots: " plots "."
    printf "- %s s on %s thread%s; options %s; %s; %s; program %s.\n\n", head["seconds"],
        head["threads"], head["threads"] == 1 ? "" : "s", head["options"],
        head["data"] == "" ? "no data" : head["data"], head["library"], head["hash"]
}

BEGIN {
    read_explanations()
    print "# The experiments of the five reports\n"
    print "Written by `examples/results.sh` from the result files in `" dir "`, which"
    print "`make reproduce` makes, and the sentences of `examples/explanations.txt`. Reading A"
    print "explains the numbers of the report, B is the textbook way; a word after the letter tells"
    print "several of them apart, a row without a letter is a variant or has one reading only."
    print "± is the standard deviation over seeds or folds, `why` numbers the sentences below the"
    print "table that are about the row, `s` has the seconds of one run; rows of one configuration"
    print "with several metrics come from the same runs.\n"
    print "Of the rows with a reported accuracy, of those of reading A where there are any: how"
    print "many met it (within two points or two standard errors), how many stand above and below;"
    print "the seconds of the whole program. A reported figure may stand in several rows.\n"
    print "| experiment | rows | met | above | below | s |"
    print "| --- | ---: | ---: | ---: | ---: | ---: |"
    while ((getline line < "examples/experiments.txt") > 0)
        if (line !~ /^#/ && line !~ /:/ && line != "") print_overview(line)
    close("examples/experiments.txt")
    printf "| all | %d | %d | %d | %d | %.0f |\n\n", sum["all"], sum["near"], sum["above"],
        sum["below"], total
    while ((getline line < "examples/experiments.txt") > 0) {
        if (line ~ /^#/ || line == "") continue
        if (line ~ /:/) print "## " line "\n"
        else print_result(line)
    }
    for (k = 1; k <= said; k++) if (has[said_id[k]] && !fits[k]) {
        print "examples/explanations.txt: fits no row: " said_id[k] " | " said_of[k] > "/dev/stderr"
        wrong = 1
    }
    printf "%d experiments, %.0f seconds in all.\n", made, total
    exit wrong
}'
