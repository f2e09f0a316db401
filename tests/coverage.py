"""What of the header the tests run: its lines, branches, functions and MC/DC.

    python3 tests/coverage.py record HEADER RECORD <EXPORT     one program's, from llvm-cov export
    python3 tests/coverage.py report HEADER LIST RECORD...     all of them, and what they lack

A place of the source counts once, however often it is compiled: the kernels once per instruction
set, the library once more in each program that holds it. It is covered where one of these copies
in one of the programs is; so is each outcome of a branch, and each condition of MC/DC. A condition
that is a constant in all copies (the number of lanes, say) is no branch.

The report fails when a bar is missed, or when >>data or >>file has an uncovered line or outcome
that LIST does not give a reason for. LIST holds reasons, each above what it is about, indented:

    what | function | its text          what: line, never true, never false, never reached"""
import hashlib
import json
import os
import re
import sys

BARS = {"lines": 97, "branches": 90}  # percent of the whole header
ROOMS = (">>data", ">>file")          # where each uncovered one needs its reason
TEXT = 60                             # characters that tell a condition from its neighbours


def digest(header):
    return hashlib.sha256(open(header, "rb").read()).hexdigest()


# ---- one program ----

def line_counts(segments):
    """How often each line ran, as llvm-cov counts it: the most of what begins in it and of what
    goes on from the lines before."""
    starts = {}
    for line, column, count, counted, entry, gap in segments:
        starts.setdefault(line, []).append((count, counted, entry, gap))
    counts, before = {}, None
    last = max(starts, default=0)
    for line in range(min(starts, default=1), last + 1):
        here = starts.get(line, [])
        entries = [s[0] for s in here if s[1] and s[2] and not s[3]]
        skipped = bool(here) and not here[0][1] and here[0][2]
        wrapped = before is not None and before[1]
        if not skipped and (wrapped or entries):
            counts[line] = max(entries + ([before[0]] if wrapped else []))
        if here:
            before = here[-1]
    return counts


def counts_at(segments, places):
    """How often each place ran: the count of the last segment that begins before it or at it."""
    found, k = {}, 0
    for place in sorted(places):
        while k < len(segments) and tuple(segments[k][:2]) <= place[:2]:
            k += 1
        found[place] = segments[k - 1][2] if k else 0
    return found


def record(header, path):
    """Writes what one program covered, by places of the header: line, column and its end."""
    export = json.load(sys.stdin)["data"][0]
    segments = next((f["segments"] for f in export["files"]
                     if f["filename"].endswith("/fmnist_nn.h")), [])
    branches, functions, decisions = {}, {}, {}
    for f in export["functions"]:
        ours = [name.endswith("/fmnist_nn.h") for name in f["filenames"]]
        if not ours[0]:
            continue
        l, c, end = f["regions"][0][:3]
        name = f["name"].split(":")[-1]
        old = functions.get((l, c), (name, end, 0))
        functions[l, c] = (name, end, old[2] + f["count"])
        for l, c, le, ce, true, false, file, *_ in f["branches"]:
            if ours[file]:
                old = branches.get((l, c, le, ce), (0, 0))
                branches[l, c, le, ce] = (old[0] + true, old[1] + false)
        for l, c, le, ce, *_, shown in f.get("mcdc_records", []):
            old = decisions.get((l, c, le, ce), [False] * len(shown))
            decisions[l, c, le, ce] = [a or b for a, b in zip(old, shown)]
    reached = counts_at(segments, branches)
    with open(path, "w") as out:
        json.dump({
            "header": digest(header),
            "lines": list(line_counts(segments).items()),
            "branches": [(p, (t, f, reached[p])) for p, (t, f) in branches.items()],
            "functions": list(functions.items()),
            "mcdc": list(decisions.items()),
        }, out)


# ---- all of them ----

class Union:
    """What the programs covered together. `source` tells the lines that are a comment alone: after
    a return, llvm-cov counts them with the line above."""

    def __init__(self, header, source, paths):
        self.lines, self.branches, self.functions, self.mcdc = {}, {}, {}, {}
        self.records = self.stale = 0
        current = digest(header)
        for path in paths:
            r = json.load(open(path)) if os.path.exists(path) else {}
            if r.get("header") != current:
                self.stale += 1
                continue
            self.records += 1
            for line, count in r["lines"]:
                if re.fullmatch(r"\s*(/\*.*\*/)?\s*", source[line - 1]):
                    continue
                self.lines[line] = self.lines.get(line, 0) + count
            for place, counts in r["branches"]:
                old = self.branches.get(tuple(place), (0, 0, 0))
                self.branches[tuple(place)] = tuple(a + b for a, b in zip(old, counts))
            for place, (name, end, count) in r["functions"]:
                old = self.functions.get(tuple(place), (name, end, 0))
                self.functions[tuple(place)] = (name, end, old[2] + count)
            for place, shown in r["mcdc"]:
                old = self.mcdc.get(tuple(place), [False] * len(shown))
                self.mcdc[tuple(place)] = [a or b for a, b in zip(old, shown)]
        # Reached, but neither true nor false: a constant.
        self.branches = {p: c for p, c in self.branches.items() if c[0] or c[1] or not c[2]}


def rooms_of(source):
    """The room of each line of the header, counted from 1."""
    room, rule, rooms = "(top)", False, [None]
    for line in source:
        if rule and line.startswith(" * >>"):
            room = line.split()[1]
        rule = line.startswith("/* =====")
        rooms.append(room)
    return rooms


def figures(union, rooms):
    """{room: {kind: [covered, all]}}, in the header's order, the whole under ''."""
    table = {"": {}}

    def count(line, kind, covered, of):
        for room in (rooms[line], ""):
            entry = table.setdefault(room, {}).setdefault(kind, [0, 0])
            entry[0] += covered
            entry[1] += of

    for line in sorted(union.lines):
        count(line, "lines", union.lines[line] > 0, 1)
    for place, (true, false, _) in union.branches.items():
        count(place[0], "branches", (true > 0) + (false > 0), 2)
    for place, (_, _, calls) in union.functions.items():
        count(place[0], "functions", calls > 0, 1)
    for place, shown in union.mcdc.items():
        count(place[0], "MC/DC", sum(shown), len(shown))
    table["all"] = table.pop("")
    return table


def print_table(table):
    kinds = ("lines", "branches", "functions", "MC/DC")
    print(f"{'room':16s}" + "".join(f"{kind:>19s}" for kind in kinds))
    for room, entries in table.items():
        row = f"{room:16s}"
        for kind in kinds:
            covered, of = entries.get(kind, (0, 0))
            percent = f"{100 * covered / of:5.1f}" if of else "    -"
            row += f"{covered:7d}/{of:<5d} {percent}"
        print(row)


def text_of(source, place):
    l, c, le, ce = place
    if l == le:
        text = source[l - 1][c - 1:ce - 1]
    else:
        text = " ".join([source[l - 1][c - 1:], *source[l:le - 1], source[le - 1][:ce - 1]])
    return re.sub(r"\s+", " ", text)[:TEXT].strip()


def uncovered(union, rooms, source):
    """What the rooms that give reasons lack: [(line, 'what | function | text')]."""
    spans = sorted((l, end, name) for (l, _), (name, end, _) in union.functions.items())

    def function(line):
        return next((name for l, end, name in spans if l <= line <= end), "-")

    found = []
    for line, count in union.lines.items():
        if rooms[line] in ROOMS and not count:
            text = source[line - 1].strip()[:TEXT].strip()
            found.append((line, f"line | {function(line)} | {text}"))
    for place, (true, false, _) in union.branches.items():
        if rooms[place[0]] not in ROOMS or (true and false):
            continue
        what = "never false" if true else "never true" if false else "never reached"
        found.append((place[0], f"{what} | {function(place[0])} | {text_of(source, place)}"))
    return sorted(found)


def report(header, listed_path, paths):
    source = open(header).read().split("\n")
    rooms = rooms_of(source)
    union = Union(header, source, paths)
    if union.stale:
        print(f"{union.stale} programs have no record of this header: make coverage without ONLY")
    print(f"{union.records} programs")
    table = figures(union, rooms)
    print_table(table)
    wrong = union.stale > 0
    for kind, bar in BARS.items():
        covered, of = table["all"].get(kind, (0, 0))
        if 100 * covered < bar * of or not of:
            print(f"{kind}: {covered} of {of}, below {bar} %")
            wrong = True
    listed = [line.strip() for line in open(listed_path) if line.startswith(" ")]
    reasons = len(listed)
    for line, entry in uncovered(union, rooms, source):
        if entry in listed:
            listed.remove(entry)
        else:
            print(f"{header}:{line}: uncovered, without a reason in {listed_path}:\n    {entry}")
            wrong = True
    for entry in listed:
        print(f"{listed_path} has a reason for what is covered or gone:\n    {entry}")
    print(f"{reasons - len(listed)} lines and outcomes of {' and '.join(ROOMS)} have their reason")
    return wrong


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(sys.argv[2], sys.argv[3])
    else:
        sys.exit(report(sys.argv[2], sys.argv[3], sys.argv[4:]))
