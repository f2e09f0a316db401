#!/bin/sh
# Writes the book of the experiments from their result files, a page a call, to the standard output:
#
#     sh examples/results.sh RESULTS            the overview, RESULTS.md
#     sh examples/results.sh RESULTS REPORT     the page of a report of examples/experiments.txt
#
# HASHES in the environment has lines of an experiment and the hash that its full run would have
# now (write_book in common.sh makes them): a result with another one is said to be of an earlier
# version.
#
# What an experiment found, and its figure, stand in examples/findings.txt; why a row of a full run
# is not as reported, in examples/explanations.txt. A page tells on stderr of full runs without a
# finding, and of rows more than two points from the report that nothing is said of; it fails where
# an explanation fits no row, or a finding no experiment.
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
exec awk -v dir="${1:-examples/results}" -v page="${2:-}" '
# ---- text ----

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
function escaped(text) {
    gsub(/\|/, "\\|", text)
    return text
}
function complain(text) {
    print text > "/dev/stderr"
    wrong = 1
}
function absolute(value) { return value < 0 ? -value : value + 0 }
function prefixed(before, text) { return text == "" ? "" : before text }
function counted(n, what) { return n " " what (n == 1 ? "" : "s") }

# A number of a report as it stands there, but for digits that nobody needs.
function stated(value, metric) {
    if (metric ~ /%$/ && value !~ /^[0-9]*(\.[0-9]?[0-9]?)?$/) return sprintf("%.2f", value)
    return value
}
# One measured: percent with two digits behind the point, or one where its deviation is about a
# point; else as many as the report gives; a loss that has grown beyond all bounds in words.
function measured_as(value, metric, report, deviation,    digits) {
    if (value == "") return "—"
    if (value ~ /nan|inf/ || absolute(value) >= 1e9) return "diverged"
    if (metric ~ /%$/) return sprintf(deviation >= .95 ? "%.1f" : "%.2f", value)
    if (value == int(value)) return sprintf("%.0f", value)
    digits = index(report, ".") ? length(report) - index(report, ".") : 0
    if (report ~ /e/ || absolute(value) < 10 ^ -digits) return sprintf("%.3g", value)
    return report ~ /\./ ? sprintf("%." digits "f", value) : sprintf("%.3g", value)
}

# ---- what is said: ID | PATTERN | SENTENCE and ID | FIGURES | SENTENCE ----

function read_explanations(    line, part) {
    while ((getline line < "examples/explanations.txt") > 0) {
        if (line ~ /^#/ || line == "") continue
        if (split(line, part, / \| /) != 3) {
            complain("examples/explanations.txt: not ID | PATTERN | SENTENCE: " line)
            continue
        }
        said++
        said_id[said] = part[1]
        said_of[said] = part[2]
        sentence[said] = part[3]
    }
}
function read_findings(    line, part) {
    while ((getline line < "examples/findings.txt") > 0) {
        if (line ~ /^#/ || line == "") continue
        if (split(line, part, / \| /) != 3) {
            complain("examples/findings.txt: not ID | FIGURES | SENTENCE: " line)
            continue
        }
        if (sub(/\*$/, "", part[1])) headline[++headlines] = part[1]
        figures[part[1]] = part[2] == "-" ? "" : part[2]
        finding[part[1]] = part[3]
    }
}
function read_list(    line, at) {
    while ((getline line < "examples/experiments.txt") > 0) {
        if (line ~ /^#/ || line == "") continue
        at = index(line, ": ")
        if (at) {
            report[++reports] = substr(line, 1, at - 1)
            report_title[reports] = substr(line, at + 2)
        } else {
            experiment[++experiments] = line
            report_of[line] = report[reports]
        }
    }
}
function is_about(k, id, i) {
    return said_id[k] == id && (configuration[i] ", " reading[i]) ~ said_of[k]
}
# The text with the numbers of the sentences about a row that it does not have yet; with a sentence
# itself where it is the first row and has the place, else it is owed below the table.
function explain(text, id, i, has_place,    k) {
    for (k = 1; full && k <= said; k++) {
        if (!is_about(k, id, i) || k in common) continue
        if (!(k in number)) {
            number[k] = ++numbers
            text = text prefixed(" ", "(" numbers ")") (has_place ? " " escaped(sentence[k]) : "")
            if (!has_place) owed = owed prefixed(" ", "(" numbers ") " sentence[k])
        } else if (!index(text, "(" number[k] ")")) text = text " (" number[k] ")"
    }
    return text
}
# Marks the sentences that have a row, and tells of rows that have none.
function check_rows(id,    i, k, any) {
    for (i = 1; full && i <= rows; i++) {
        any = 0
        for (k = 1; k <= said; k++) if (is_about(k, id, i)) any = fits[k] = 1
        if (!any && metric[i] ~ /%$/ && reported[i] != "" && measured[i] != "" &&
            absolute(measured[i] - reported[i]) > 2)
            printf "not explained: %s: %s, %s: %+.2f\n", id, configuration[i], reading[i],
                measured[i] - reported[i] > "/dev/stderr"
    }
}

# ---- one experiment ----

function read_result(id,    file, line, at, key, cell) {
    split("", head)
    split("", number)
    split("", common)
    rows = numbers = 0
    owed = ""
    file = dir "/" id ".csv"
    while ((getline line < file) > 0) {
        if (line ~ /^# /) {
            at = index(line, ": ")
            key = substr(line, 3, at - 3)
            if (key != "note") head[key] = substr(line, at + 2)
        } else if (line !~ /^configuration,/) {
            cells(line, cell)
            configuration[++rows] = cell[1]
            reading[rows] = cell[2]
            metric[rows] = cell[3]
            reported[rows] = cell[4]
            measured[rows] = cell[5]
            deviation[rows] = cell[6]
            seeds[rows] = cell[7]
        }
    }
    close(file)
    full = head["mode"] == "full" # others are compared with nothing
    return rows > 0
}
# How a row with a reported accuracy stands to it: "met" within two points, else "above" or "below".
# Where two standard errors of the seeds are wider than two points it is "undecided", unless it
# stands farther off than both together. "" where that says nothing.
function standing(i,    difference, errors) {
    if (!full || metric[i] !~ /accuracy.*%$/ || reported[i] == "" || measured[i] == "") return ""
    difference = measured[i] - reported[i]
    errors = deviation[i] == "" ? 0 : 2 * deviation[i] / sqrt(seeds[i])
    if (errors > 2 && absolute(difference) <= 2 + errors) return "undecided"
    return absolute(difference) <= 2 ? "met" : difference > 0 ? "above" : "below"
}
# Whether the figure itself chose the row: such a row shows what can be, not what is to be expected.
function by_test(i) {
    return configuration[i] ~ /chosen by (the )?test|on (the )?test (set|data|images)/
}
# Counts the rows of reading A, or all where it has none.
function count_rows(n,    i, a, stands) {
    split("", n)
    for (i = 1; i <= rows; i++) if (reading[i] == "A" && standing(i) != "") a = 1
    for (i = 1; i <= rows; i++) {
        stands = standing(i)
        if (stands == "" || (a && reading[i] != "A")) continue
        n["rows"]++
        n[by_test(i) ? "chosen" : stands]++
        if (stands == "met" && !by_test(i) && agrees(i)) n["digit"]++
    }
}
function tally(n,    text) {
    text = n["met"] + 0 " of " counted(n["rows"], "row") " met" \
        (n["digit"] ? " (" n["digit"] " to the last digit)" : "")
    if (n["undecided"]) text = text ", " n["undecided"] " undecided"
    if (n["above"]) text = text ", " n["above"] " above"
    if (n["below"]) text = text ", " n["below"] " below"
    if (n["chosen"]) text = text ", " n["chosen"] " chosen by the test figure"
    return text
}
# What was measured, marked where it is not what was reported.
function cell_of(i, short,    text, stands) {
    text = measured_as(measured[i], metric[i], reported[i], short ? 1 : deviation[i])
    if (!short && deviation[i] != "" && text != "diverged" && text != "—")
        text = text " ± " measured_as(deviation[i], metric[i], "", deviation[i])
    stands = standing(i)
    if (stands == "above" || stands == "below") text = "**" text "**"
    return text (stands == "undecided" ? " ?" : "")
}
function miss(i) { # by how much, where that is known
    return standing(i) == "" ? 0 : absolute(measured[i] - reported[i])
}

# ---- its rows with a reported figure, one for all readings of a configuration ----

function collect(    i, k, key) {
    split("", row_of)
    split("", at)
    split("", row_key)
    split("", dropped)
    split("", has)
    keys = 0
    list_readings()
    for (i = 1; i <= rows; i++) {
        if (reported[i] == "" || measured[i] == "") continue
        key = configuration[i] SUBSEP metric[i]
        if (!(key in row_of)) {
            row_of[key] = ++keys
            row_key[keys] = i
        }
        for (k = 1; reading_of[k] != reading[i]; k++);
        at[row_of[key], k] = i
    }
    left = keys
}
# A, its variants, B, and what has no letter, in the order of the letters.
function list_readings(    i, k, text) {
    split("", reading_of)
    readings = 0
    for (i = 1; i <= rows; i++) {
        text = reading[i]
        for (k = 1; k <= readings && reading_of[k] != text; k++);
        if (k <= readings) continue
        for (k = ++readings; k > 1 && comes_before(text, reading_of[k - 1]); k--)
            reading_of[k] = reading_of[k - 1]
        reading_of[k] = text
    }
    for (reading_a = readings; reading_a && reading_of[reading_a] != "A"; reading_a--);
}
function comes_before(a, b) { return a != "" && (b == "" || substr(a, 1, 1) < substr(b, 1, 1)) }
# Leaves each configuration the figure that most rows have, and those that say more: of train and
# validation accuracies the latter, and the test accuracies beside them.
function main_figures_only(    k, name, count, main) {
    for (k = 1; k <= keys; k++) count[metric[row_key[k]]]++
    for (k = 1; k <= keys; k++) {
        name = metric[row_key[k]]
        if (main == "" || count[name] > count[main] ||
            (count[name] == count[main] && rank(name) < rank(main))) main = name
    }
    for (k = 1; k <= keys; k++) if (metric[row_key[k]] == main) has[configuration[row_key[k]]] = 1
    for (k = 1; k <= keys; k++) {
        name = metric[row_key[k]]
        if (name != main && rank(name) >= rank(main) && has[configuration[row_key[k]]]) drop(k)
    }
}
function rank(name) {
    if (name ~ /^test accuracy/) return 1
    return name ~ /^validation accuracy/ ? 2 : name ~ /accuracy/ ? 3 : 4
}
function drop(k) {
    dropped[k] = 1
    left--
}
# Drops the rows that agree with the report to its last digit; returns how many there were.
function drop_exact(    k, r, exact, before) {
    before = left
    for (k = 1; k <= keys; k++) {
        exact = full && !dropped[k]
        for (r = 1; r <= readings; r++) if ((k, r) in at && !agrees(at[k, r])) exact = 0
        if (exact) drop(k)
    }
    return before - left
}
function agrees(i,    digits) {
    if (measured[i] == "" || reported[i] ~ /e/) return 0
    digits = index(reported[i], ".") ? length(reported[i]) - index(reported[i], ".") : 0
    return absolute(measured[i] - reported[i]) <= .5 * 10 ^ -digits
}
# Of a long list the rows that are met go, then those that are missed by least, in reading A where
# they have it. Returns how many.
function shorten(most,    k, r, missed, least, before) {
    before = left
    for (k = 1; k <= keys; k++) {
        if (dropped[k]) continue
        missed[k] = 0
        for (r = 1; r <= readings; r++)
            if ((k, r) in at && (r == reading_a || !((k, reading_a) in at)) &&
                miss(at[k, r]) > missed[k]) missed[k] = miss(at[k, r])
    }
    while (left > most) {
        least = 0
        for (k = 1; k <= keys; k++)
            if (!dropped[k] && (!least || missed[k] < missed[least])) least = k
        drop(least)
    }
    return before - left
}

# ---- rows that make a grid ----

# The text with # for its numbers, which value[1], value[2], ... get.
function template_of(text, value,    n, out) {
    split("", value)
    while (match(text, /[.0-9]+(e-[0-9]+)?/)) {
        value[++n] = substr(text, RSTART, RLENGTH)
        out = out substr(text, 1, RSTART - 1) "#"
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}
# The word before the place-th # of a template: "rate " of "# hidden, rate #".
function word_at(template, place,    piece, word) {
    split(template, piece, "#")
    word = piece[place]
    sub(/.*, /, "", word)
    return word
}
# Where in a list, whose length is list[0], a value stands: at its end when it is new.
function slot(list, value,    i) {
    for (i = 1; i <= list[0]; i++) if (list[i] == value) return i
    list[i] = value
    return list[0] = i
}
function is_of(k, template, name) {
    return k in row_key && !dropped[k] && metric[row_key[k]] == name && form[k] == template
}
# Puts the rows of one template and metric into grid[] by the one or two numbers that tell them
# apart: true where they fill it, three by three at least, or six in a row.
function make_grid(template, name,    k, p, value, seen, varies, n) {
    split("", grid)
    split("", across)
    split("", down)
    split("", place)
    across[0] = down[0] = place[0] = 0
    for (k = 1; k <= keys; k++) {
        if (!is_of(k, template, name)) continue
        n++
        template_of(configuration[row_key[k]], value)
        for (p = 1; p in value; p++) {
            if (!(p in seen)) seen[p] = value[p]
            else if (seen[p] != value[p]) varies[p] = 1
        }
    }
    for (p = 1; p in seen; p++) if (p in varies) place[++place[0]] = p
    if (place[0] < 1 || place[0] > 2) return 0
    for (k = 1; k <= keys; k++) {
        if (!is_of(k, template, name)) continue
        template_of(configuration[row_key[k]], value)
        p = slot(down, place[0] == 2 ? value[place[1]] : "")
        grid[p, slot(across, value[place[place[0]]])] = k
    }
    if (n != down[0] * across[0]) return 0
    return place[0] == 1 ? n > 5 : down[0] > 2 && across[0] > 2
}
function grid_cell(id, d, c, r,    i) {
    if (!((grid[d, c], r) in at)) return ""
    i = at[grid[d, c], r]
    return sprintf(metric[i] ~ /%$/ ? "%.1f" : "%.4g", reported[i]) " / " cell_of(i, 1) \
        explain("", id, i, 0)
}
# What the cells of a line have in common: their text without the number that varies across.
function label_of(k, template,    value, piece, n, p, text) {
    template_of(configuration[row_key[k]], value)
    n = split(template, piece, "#")
    for (p = 1; p <= n; p++) {
        if (p == place[place[0]]) {
            sub(/[^, ]* *$/, "", piece[p])
            value[p] = ""
        }
        text = text piece[p] value[p]
    }
    gsub(/, *,/, ",", text)
    sub(/^[, ]+/, "", text)
    sub(/[, ]+$/, "", text)
    return text
}
# The numbers of the sentences that are about all cells of a reading: its cells do without them.
function explain_grid(id, r,    k, d, c, i, whole, text) {
    for (k = 1; full && k <= said; k++) {
        whole = said_id[k] == id
        for (d = 1; d <= down[0]; d++) for (c = 1; c <= across[0]; c++)
            if ((grid[d, c], r) in at && !is_about(k, id, i = at[grid[d, c], r])) whole = 0
        if (whole) {
            text = explain(text, id, i, 0)
            common[k] = 1
        }
    }
    return text
}
# Columns and rows that are empty for a reading are left out.
function print_grid(id, template, name,    r, d, c, used, line, head_line, rule) {
    for (r = 1; r <= readings; r++) {
        split("", used)
        for (d = 1; d <= down[0]; d++) for (c = 1; c <= across[0]; c++)
            if ((grid[d, c], r) in at) used[c] = used["row" d] = used[0] = 1
        if (!used[0]) continue
        split("", common)
        head_line = "| " escaped(name) (place[0] == 2 ? prefixed(", ", reading_of[r]) : "") \
            (place[0] == 2 ? explain_grid(id, r) : "") " |"
        rule = "| --- |"
        for (c = 1; c <= across[0]; c++) {
            if (!used[c]) continue
            head_line = head_line " " word_at(template, place[place[0]]) across[c] " |"
            rule = rule " ---: |"
        }
        if (head_line != open_head || place[0] == 2) print "\n" head_line "\n" rule
        open_head = head_line
        for (d = 1; d <= down[0]; d++) {
            if (!used["row" d]) continue
            line = label_of(grid[d, 1], template)
            if (place[0] == 1) line = line prefixed(", ", reading_of[r])
            line = "| " escaped(line) " |"
            for (c = 1; c <= across[0]; c++)
                if (used[c]) line = line " " grid_cell(id, d, c, r) " |"
            print line
        }
    }
}
function print_grids(id,    k, j, template, value) {
    open_head = ""
    split("", form)
    for (k = 1; k <= keys; k++) form[k] = template_of(configuration[row_key[k]], value)
    for (k = 1; k <= keys; k++) {
        if (dropped[k] || !make_grid(form[k], metric[row_key[k]])) continue
        print_grid(id, form[k], metric[row_key[k]])
        template = form[k]
        for (j = keys; j >= k; j--) if (is_of(j, template, metric[row_key[k]])) drop(j)
    }
    split("", common)
    if (owed != "") print "\n" substr(owed, 2)
}

# ---- the rows that are left ----

function print_list(id,    k, r, one, name, whys, why, line, any) {
    for (k = 1; k <= keys; k++) {
        if (dropped[k]) continue
        if (one == "") one = metric[row_key[k]]
        else if (one != metric[row_key[k]]) one = "-"
        for (r = 1; r <= readings; r++) if ((k, r) in at) any[r] = 1
        for (r = 1; r <= readings; r++)
            if ((k, r) in at && explained(id, at[k, r])) whys = 1
    }
    print ""
    if (left > 3) {
        line = "| " (one == "-" ? "configuration | figure" : escaped(one)) " | report |"
        for (r = 1; r <= readings; r++) if (r in any) line = line " " name_of(r) " |"
        print line (whys ? " why |" : "")
        gsub(/[^|]+/, " --- ", line)
        print line (whys ? " --- |" : "")
    }
    for (k = 1; k <= keys; k++) if (!dropped[k]) print_row(id, k, one, any, whys)
}
function explained(id, i,    k) {
    for (k = 1; full && k <= said; k++) if (is_about(k, id, i)) return 1
    return 0
}
function name_of(r) {
    return reading_of[r] != "" ? reading_of[r] : readings > 1 ? "other" : "measured"
}
function print_row(id, k, one, any, whys,    i, r, line, why, part) {
    i = row_key[k]
    line = escaped(configuration[i])
    if (left > 3) line = "| " line (one == "-" ? " | " escaped(metric[i]) : "") " | " \
        stated(reported[i], metric[i]) " |"
    else line = "- " line ", " metric[i] ": report " stated(reported[i], metric[i])
    for (r = 1; r <= readings; r++) {
        part = (k, r) in at ? cell_of(at[k, r], 0) : ""
        if (left > 3 && r in any) line = line " " part " |"
        else if (left <= 3 && part != "") line = line "; " name_of(r) " " part
        if ((k, r) in at) why = explain(why, id, at[k, r], 1)
    }
    print line (left > 3 ? (whys ? why " |" : "") : "." why)
}

# ---- pages ----

function range_of_seeds(    i, least, most) {
    for (i = 1; i <= rows; i++) {
        if (i == 1 || seeds[i] + 0 < least) least = seeds[i] + 0
        if (i == 1 || seeds[i] + 0 > most) most = seeds[i] + 0
    }
    if (least < 1) least = 1
    return (least == most ? "" : least " to ") counted(most, "seed")
}
function is_earlier(id) { return full && id in hash_now && head["hash"] != hash_now[id] }
function heading(id) { return id prefixed(": ", head["title"]) }
# What leads to a heading, by the rule of those who show Markdown.
function anchor(text) {
    text = tolower(text)
    gsub(/[^a-z0-9 _-]/, "", text)
    gsub(/ /, "-", text)
    return "#" text
}
function print_experiment(id,    n, i, name, line, exact, nearer) {
    print "\n## " heading(id)
    if (!rows) {
        print "Not run yet."
        return
    }
    if (full) made[id] = 1
    if (full && !(id in finding)) print "no finding: " id > "/dev/stderr"
    check_rows(id)
    count_rows(n)
    printf "%s(%s%s%s%s; %.0f s on %s; [all rows](%s.csv))\n",
        full && id in finding ? finding[id] " " : "",
        full ? "" : head["mode"] ", compared with nothing; ",
        is_earlier(id) ? "made by an earlier version; " : "", n["rows"] ? tally(n) "; " : "",
        range_of_seeds(), head["seconds"], counted(head["threads"], "thread"), up results id
    for (i = split(full ? figures[id] : "", name, " "); i > 0; i--)
        if ((getline line < (dir "/" id "." name[i] ".csv")) > 0)
            print "![" id "](" up "figures/" id "." name[i] ".svg)"
    collect()
    if (left > FEW) main_figures_only()
    print_grids(id)
    exact = left > MOST ? drop_exact() : 0
    nearer = shorten(MOST)
    if (left) print_list(id)
    if (exact) print "\n" counted(exact, "row") " as reported, to the last digit."
    if (nearer) print "\n" counted(nearer, "more row") ", nearer to the report" \
        (reading_a ? " in reading A." : ".")
}
function print_legend() {
    print "A cell is the mean ± the standard deviation over seeds or folds, in a grid report /"
    print "measured; **bold** is more than two points away, ? undecided. Reading A explains the"
    print "report (a word after it tells variants apart), B is the textbook. N(0, s) is the normal"
    print "distribution of standard deviation s. Rows and plots that a sentence names and its page"
    print "does not show are in the CSV behind \"all rows\" and drawn by `make figures`."
}
function print_report(name,    i) {
    for (i = 1; i <= reports; i++) if (report[i] == name) print "# " report_title[i] "\n"
    print "Written by `examples/results.sh`; [all reports](../RESULTS.md)."
    print_legend()
    for (i = 1; i <= experiments; i++) if (report_of[experiment[i]] == name) {
        read_result(experiment[i])
        print_experiment(experiment[i])
    }
}
function print_sums(    i, r, n, sum, key, all, missing, earlier) {
    for (i = 1; i <= experiments; i++) {
        r = report_of[experiment[i]]
        if (!read_result(experiment[i])) missing = missing prefixed(", ", experiment[i])
        else earlier += is_earlier(experiment[i])
        if (!rows || r == "all") continue
        count_rows(n)
        n["programs"] = 1
        n["time"] = head["seconds"]
        for (key in n) {
            sum[r, key] += n[key]
            all[key] += n[key]
        }
    }
    printf "**%d of %d rows with a reported accuracy are met**; %d programs, %.1f hours.\n\n",
        all["met"], all["rows"], all["programs"], all["time"] / 3600
    if (missing != "") print "Not run yet:" substr(missing, 2) ".\n"
    if (earlier)
        printf "The results of %s are of an earlier version of the program or of the library," \
            " which\ntheir sections say; `make reproduce` makes them anew.\n\n",
            counted(earlier, "program")
    print "| report | programs | rows | met | to the digit | undecided | above | below |" \
        " chosen by test | hours |"
    print "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (i = 1; i <= reports; i++) {
        r = report[i]
        if (r == "all") continue
        printf "| [%s](%s/README.md) | %d | %d | %d | %d | %d | %d | %d | %d | %.1f |\n",
            report_title[i], r, sum[r, "programs"], sum[r, "rows"], sum[r, "met"], sum[r, "digit"],
            sum[r, "undecided"], sum[r, "above"], sum[r, "below"], sum[r, "chosen"],
            sum[r, "time"] / 3600
    }
}
function print_overview(    i, id) {
    print "# The experiments of the five reports\n"
    print "Five student reports train networks on Fashion-MNIST and publish their figures. Here"
    print "every experiment of theirs is a program; where a report leaves something open, or its"
    print "numbers do not fit its words, it is run in several readings, all of them shown.\n"
    print_sums()
    print "\nA row is met within two points of the report, and of these some to its last digit. It"
    print "is undecided where two standard errors of its seeds are wider than two points, unless it"
    print "lies beyond both. Rows chosen by the test figure are counted apart. The rows are those"
    print "of reading A, where an experiment has it; runs of `--quick` have none.\n"
    print "## What came out\n"
    for (i = 1; i <= headlines; i++) {
        id = headline[i]
        if (report_of[id] == "") continue
        read_result(id)
        print "- " finding[id] " ([" id "](" (report_of[id] == "all" ? "" : report_of[id] \
            "/README.md") anchor(heading(id)) "))"
    }
    for (i = 1; i <= experiments; i++) if (report_of[experiment[i]] == "all") {
        read_result(experiment[i])
        print_experiment(experiment[i])
    }
    print "\n## How to read the pages\n"
    print_legend()
    print "Rows without a reported figure, seconds, versions and the data are in the result files,"
    print "which `make reproduce` makes; `make figures` draws all plots into `build/figures`. The"
    print "pages are written by `examples/results.sh` from them, `examples/findings.txt` and"
    print "`examples/explanations.txt`."
}
BEGIN {
    for (i = split(ENVIRON["HASHES"], hash_of, /[ \n]/) - 1; i > 0; i -= 2)
        hash_now[hash_of[i]] = hash_of[i + 1]
    FEW = 5 # rows, of which no figure is left out
    MOST = 12 # rows of a list
    read_list()
    read_explanations()
    read_findings()
    up = page == "" ? "" : "../"
    results = dir ~ /(^|\/)examples\/results\/?$/ ? "results/" : ""
    if (page == "") {
        page = "all"
        print_overview()
    } else print_report(page)
    for (k = 1; k <= said; k++)
        if (report_of[said_id[k]] == page && made[said_id[k]] && !fits[k])
            complain("examples/explanations.txt: fits no row: " said_id[k] " | " said_of[k])
    for (id in finding)
        if (!(id in report_of)) complain("examples/findings.txt: no experiment: " id)
    exit wrong
}'
