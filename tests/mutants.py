"""Breaks the header in one place at a time and sees whether a test fails.

    python3 tests/mutants.py sample COUNT SEED    COUNT places, drawn with SEED
    python3 tests/mutants.py try FILE PROGRAM...  those of a list, each by these programs alone

A mutant is the header with one thing changed on a line that tests run, in one of ROOMS: a
comparison, an integer by one, && and ||, + and -, a condition negated, a call left out, another
value returned. It is compiled without optimisation, with the scalar kernels, for each program that
runs the line (make coverage has recorded which), those that take least first, until one fails: it
is killed. What survives them all meets the same programs under the sanitizers, which may kill it
there (STAGES=plain: without those, which take ten times as long). What still survives is a change
that no test sees: a test is missing, or it is judged in tests/mutants.txt, a reason above each such
change, as two lines, `- before` and `+ after`.

Results are kept in build/mutants/, a file a seed: a run goes on where the last one was stopped,
until the header changes; RETRY=1 tries the survivors again, after tests were added. Fails when
fewer than 90 % are killed of those that have no judgement."""
import collections
import concurrent.futures
import fcntl
import glob
import hashlib
import json
import os
import queue
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOMS = (">>data", ">>file", ">>losses", ">>optimizers")
BAR = 90  # percent killed
SLOWEST = 15  # seconds of a processor
HEADER = "fmnist_nn.h"
JUDGED = "tests/mutants.txt"
RESULTS = "tests/mutants-results.txt"
HERE = os.path.abspath("build/mutants")
STAGES = {"plain": "", "sanitize": "-g1 -fsanitize=address,undefined -fno-sanitize-recover=all"}
FLAGS = "-O0 -w -DFMNIST_NN_NO_SIMD"
ZLIB = os.environ.get("ZLIB", "-DHAVE_ZLIB=0").split()  # what tests/common.sh says of it

Mutant = collections.namedtuple("Mutant", "room line before after what")


# ---- where, and what ----

def masked(text):
    """The source with blanks in place of comments, strings and characters, as long as it is."""
    return re.sub(r"/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'",
                  lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def closing(text, start):
    """Where the parenthesis that opens at `start` closes, or None on another line."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return None


COMPARISONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
               "==": ("!=",), "!=": ("==",)}
SWAPS = {"&&": "||", "||": "&&", " + ": " - ", " - ": " + ", " += ": " -= ", " -= ": " += "}

OTHER_RETURNS = {"0": "1", "NULL": "(void *)1", "FNN_OK": "FNN_ERROR_ARGUMENT"}  # others: 0


def changes(code):
    """(what, start, end, replacement) for each change of a line without comments and strings."""
    for m in re.finditer(r"(?<![-<>=!])(<=|>=|==|!=|<(?!<)|>(?!>))", code):
        for other in COMPARISONS[m.group()]:
            yield "comparison", m.start(), m.end(), other
    for m in re.finditer(r"&&|\|\|| [+-]=? ", code):
        yield "operator", m.start(), m.end(), SWAPS[m.group()]
    declared = re.match(r"\s*(?:static |const )*(?:char|double|int|unsigned|\w+_t|fnni?_\w+) \**\w",
                        code)
    for m in re.finditer(r"(?<![\w.])(\d+)([uUlL]*)(?![\w.])", code):
        for value in (int(m.group(1)) + 1, int(m.group(1)) - 1):
            longer = declared and code[m.start() - 1] == "[" and value > int(m.group(1))
            if value >= 0 and not longer:  # nobody sees that an array is longer
                yield "number", m.start(), m.end(), f"{value}{m.group(2)}"
    for m in re.finditer(r"\b(?:if|while) \(", code):
        end = closing(code, m.end() - 1)
        if end:
            yield "condition", m.end(), end, "!({})"
    for m in re.finditer(r"\breturn ([^;]+);", code):
        yield "return", m.start(1), m.end(1), OTHER_RETURNS.get(m.group(1), "0")
    m = re.match(r"\s*(?!return\b)(?:\(void\))?[a-z_]\w*\(.*\);\s*$", code)
    if m:
        yield "call", len(code) - len(code.lstrip()), len(code.rstrip()), ";"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def rooms_of(lines):
    room, rule = None, False
    for line in lines:
        if rule and line.startswith(" * >>"):
            room = line.split()[1]
        rule = line.startswith("/* =====")
        yield room


def mutants_of(source, covered):
    """All mutants of the lines that tests run, by room."""
    found = {room: [] for room in ROOMS}
    lines, codes = source.split("\n"), masked(source).split("\n")
    directive = False
    for number, (line, code, room) in enumerate(zip(lines, codes, rooms_of(lines)), 1):
        directive = directive or code.startswith("#")
        if room in found and number in covered and not directive:
            for what, start, end, other in changes(code):
                after = line[:start] + other.replace("{}", line[start:end]) + line[end:]
                found[room].append(Mutant(room, number, line, after, what))
        directive = directive and code.endswith("\\")
    return found


def sample(found, count, seed):
    """As many of each room, as long as it has some."""
    drawn = {room: random.Random(f"{seed} {room}").sample(of, len(of))
             for room, of in found.items()}
    order = []
    while len(order) < count and any(drawn.values()):
        order += [drawn[room].pop() for room in ROOMS if drawn[room]]
    return order[:count]


def coverage():
    """{line: the programs that run it}, from the records of make coverage."""
    current = digest(open(HEADER, "rb").read())
    covered = collections.defaultdict(set)
    for path in glob.glob("build/coverage/test_*.json"):
        record = json.load(open(path))
        if record["header"] == current:
            for line, count in record["lines"]:
                if count:
                    covered[line].add(os.path.basename(path)[:-len(".json")])
    if not covered:
        sys.exit("no record of which program runs which line of this header: make coverage first")
    return covered


def pairs(path):
    """The changes of a list: [(before, after)], without the blanks at their ends."""
    found, before = [], None
    for line in open(path):
        if line.startswith("    - "):
            before = line[6:].strip()
        elif line.startswith("    + "):
            found.append((before, line[6:].strip()))
    return found


# ---- programs ----

def own_library(program):
    """Whether its unit holds the library, as it looks at what is private: as tests/common.sh."""
    text = open(f"tests/{program}.c").read()
    for part in re.findall(r'^#include "(test_\w+\.c)"', text, flags=re.M):
        text += open(f"tests/{part}").read()
    return "#define FMNIST_NN_IMPLEMENTATION" in text


def compile_with(stage, *arguments):
    command = ["clang", *FLAGS.split(), *STAGES[stage].split()]
    return subprocess.run([*command, *arguments, *ZLIB], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def limits(memory, seconds):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def kill_group(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(program, seconds):
    """Runs a program in a directory of its own, which may take so many seconds of a processor (by
    the clock, twenty times as many). Whether it succeeds, and the seconds that it took."""
    memory = 4 << 30 if program.endswith(".plain") else None  # sanitizers map more than there is
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as scratch:
        environment = dict(os.environ, TMPDIR=scratch, TEST_QUICK="1", LC_ALL="C",
                           ASAN_OPTIONS="allocator_may_return_null=1")
        child = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                 preexec_fn=lambda: limits(memory, seconds),
                                 start_new_session=True)
        alarm = threading.Timer(20 * seconds, kill_group, [child])
        alarm.start()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        alarm.cancel()
        kill_group(child)  # its children, too
        return status == 0, usage.ru_utime + usage.ru_stime


class Tree:
    """A copy of what programs are compiled from, whose header may be broken."""

    def __init__(self, path):
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        for folder in ("tests", "examples"):
            for source in glob.glob(f"{folder}/**/*.[ch]", recursive=True):
                os.makedirs(os.path.dirname(f"{path}/{source}"), exist_ok=True)
                shutil.copy(source, f"{path}/{source}")
        self.write(open(HEADER).read())

    def write(self, text):
        with open(f"{self.path}/{HEADER}", "w") as out:
            out.write(text)
        self.libraries = set()  # stages whose library is of this header

    def library(self, stage):
        if stage not in self.libraries:
            if not compile_with(stage, "-DFNNI_KERNELS_APART", "-DFMNIST_NN_IMPLEMENTATION", "-x",
                                "c", "-c", f"{self.path}/{HEADER}", "-o",
                                f"{self.path}/library.{stage}.o"):
                return False
            self.libraries.add(stage)
        return True

    def program(self, stage, name, base):
        """Compiles a program; its path, or None."""
        path, whole = f"{self.path}/{name}.{stage}", base.more(stage, name)
        if own_library(name):
            whole += ["-DFNNI_KERNELS_APART", f"{self.path}/tests/{name}.c"]
        elif self.library(stage):
            whole += [base.object(stage, name), f"{self.path}/library.{stage}.o"]
        else:
            return None
        made = compile_with(stage, *whole, base.kernels(stage), "-lm", "-o", path)
        return path if made else None


class Base:
    """What all mutants share: the kernels, the objects of programs that do not hold the library,
    and how long each program takes when nothing is broken: None where it fails even so, or takes
    longer than SLOWEST, and is left out."""

    def __init__(self):
        self.tree = Tree(f"{HERE}/base")
        self.made = set()
        self.lock = threading.RLock()
        self.kept = f"{HERE}/seconds.json"
        self.seconds = json.load(open(self.kept)) if os.path.exists(self.kept) else {}

    def make(self, path, stage, *arguments):
        with self.lock:
            if path not in self.made and not compile_with(stage, *arguments, "-c", "-o", path):
                raise RuntimeError(f"cannot compile {path}")
            self.made.add(path)
        return path

    def kernels(self, stage):
        return self.make(f"{HERE}/base/kernels.{stage}.o", stage, "-O2", "-DFNNI_KERNELS_ALONE",
                         "-DFMNIST_NN_IMPLEMENTATION", "-x", "c", f"{HERE}/base/{HEADER}")

    def object(self, stage, name):
        return self.make(f"{HERE}/base/{name}.{stage}.o", stage, "-O1",
                         f"{HERE}/base/tests/{name}.c")

    def more(self, stage, name):
        """What its first comment names (`sources: other.c`): it stays whole, as a reference."""
        first = open(f"tests/{name}.c").read().split("*/")[0]
        return [self.object(stage, other) for other in re.findall(r"sources: (\w+)\.c", first)]

    def time(self, stage, name):
        source = open(f"tests/{name}.c", "rb").read()
        key = f"{stage} {name} {digest(open(HEADER, 'rb').read() + source)}"
        with self.lock:
            if key not in self.seconds:
                path = self.tree.program(stage, name, self)
                right, seconds = run(path, SLOWEST) if path else (False, 0)
                self.seconds[key] = seconds if right else None
                with open(self.kept, "w") as out:  # a failure is tried again
                    json.dump({k: s for k, s in self.seconds.items() if s is not None}, out)
            return self.seconds[key]


# ---- one mutant ----

def verdict(mutant, source, programs, tree, base):
    """('killed' | 'survived' | 'not compiled', the program that killed it)."""
    lines = source.split("\n")
    lines[mutant.line - 1] = mutant.after
    tree.write("\n".join(lines))
    if not tree.library("plain"):
        return "not compiled", "-"
    for stage in os.environ.get("STAGES", "plain sanitize").split():
        seconds = {p: base.time(stage, p) for p in programs}
        usable = [p for p in programs if seconds[p] is not None]
        for name in sorted(usable, key=lambda p: seconds[p] + own_library(p)):
            path = tree.program(stage, name, base)
            if not path:
                return "not compiled", "-"
            right, _ = run(path, int(10 * seconds[name]) + 5)
            os.unlink(path)
            if not right:
                return "killed", name if stage == "plain" else f"{name}, {stage}"
    return "survived", "-"


def change_of(mutant):
    return mutant.before.strip(), mutant.after.strip()


def show(mutant):
    return "    - {}\n    + {}".format(*change_of(mutant))


def run_all(todo, programs_of, done):
    """Judges the mutants, one a core; done(mutant, verdict, by) is called as each is."""
    source = open(HEADER).read()
    base = Base()
    trees = queue.Queue()
    cores = os.cpu_count() or 1
    for i in range(cores):
        trees.put(Tree(f"{HERE}/{i}"))

    def one(mutant):
        tree = trees.get()
        try:
            return mutant, *verdict(mutant, source, programs_of(mutant), tree, base)
        finally:
            trees.put(tree)

    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        for job in concurrent.futures.as_completed([pool.submit(one, m) for m in todo]):
            done(*job.result())


# ---- the two ways ----

def try_list(path, programs):
    """Prints for each change of a list what becomes of it."""
    lines = open(HEADER).read().split("\n")
    todo = []
    for before, after in pairs(path):
        at = [i for i, line in enumerate(lines) if line.strip() == before]
        if not at:
            sys.exit(f"the header has no line {before}")
        todo.append(Mutant(None, at[0] + 1, lines[at[0]], after, "given"))
    run_all(todo, lambda mutant: programs,
            lambda mutant, found, by: print(f"{found} ({by}):\n{show(mutant)}", flush=True))


def kept_results(seed, current):
    """The file of a seed's results, begun anew when the header has changed, and what it holds."""
    path = f"{HERE}/seed-{seed}.txt"
    lines = open(path).read().split("\n") if os.path.exists(path) else []
    if lines[:1] != [current]:
        with open(path, "w") as out:
            out.write(current + "\n")
        lines = []
    kept = {}
    for line in lines[1:-1]:
        found, by, number, after = line.split("\t")
        kept[int(number), after] = found, by
    return path, kept


def print_result(order, kept, count, seed):
    """The figures, in the file of results too, and the survivors. Whether the bar is met."""
    judged = set(pairs(JUDGED))
    table = {room: collections.Counter() for room in (*ROOMS, "all")}
    survivors = []
    for mutant in order:
        found, by = kept[mutant.line, mutant.after]
        if found == "survived" and change_of(mutant) in judged:
            found = "judged"
        elif found == "survived":
            survivors.append(mutant)
        for room in (mutant.room, "all"):
            table[room][found] += 1
            table[room]["sanitize"] += by.endswith("sanitize")
    text = f"{time.strftime('%Y-%m-%d', time.gmtime())}, COUNT={count} SEED={seed}\n"
    text += f"{'room':13s}{'killed':>8s}{'(sanitizers)':>14s}{'survived':>10s}{'judged':>8s}" \
            f"{'not compiled':>14s}{'killed, of all but judged':>27s}\n"
    for room, t in table.items():
        of = t["killed"] + t["survived"]
        text += f"{room:13s}{t['killed']:8d}{t['sanitize']:14d}{t['survived']:10d}" \
                f"{t['judged']:8d}{t['not compiled']:14d}" \
                f"{100 * t['killed'] / of if of else 100:25.1f} %\n"
    for mutant in survivors:
        print(f"survived, {HEADER}:{mutant.line}, {mutant.what}:\n{show(mutant)}")
    print(text, end="")
    with open(RESULTS, "w") as out:
        out.write(text)
    t = table["all"]
    return t["killed"] * 100 >= BAR * (t["killed"] + t["survived"])


def run_sample(count, seed):
    covered = coverage()
    source = open(HEADER).read()
    order = sample(mutants_of(source, covered), count, seed)
    path, kept = kept_results(seed, digest(source.encode()))
    judged = set(pairs(JUDGED))
    retry = bool(os.environ.get("RETRY"))
    todo = [m for m in order if (m.line, m.after) not in kept or retry and
            kept[m.line, m.after][0] == "survived" and change_of(m) not in judged]
    print(f"{len(order)} mutants, {len(todo)} to do", flush=True)

    def done(mutant, found, by):
        kept[mutant.line, mutant.after] = found, by
        with open(path, "a") as out:
            out.write(f"{found}\t{by}\t{mutant.line}\t{mutant.after}\n")
        print(f"{found:12s} {by:28s} {HEADER}:{mutant.line} {mutant.what}", flush=True)

    if todo:
        run_all(todo, lambda mutant: covered[mutant.line], done)
    sys.exit(not print_result(order, kept, count, seed))


os.makedirs(HERE, exist_ok=True)
lock = open(f"{HERE}/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)  # another run uses the same trees
if sys.argv[1] == "try":
    try_list(sys.argv[2], sys.argv[3:])
else:
    run_sample(int(sys.argv[2]), sys.argv[3])
