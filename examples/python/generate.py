"""Makes fmnist_nn_api.py, the ctypes declarations of all that fmnist_nn.h's >>api declares.

    python3 examples/python/generate.py             writes it anew, after a change of the header
    python3 examples/python/generate.py --check     is it that of the header? says what differs
    python3 examples/python/generate.py --layout    a C program that prints where fields lie
    python3 examples/python/generate.py --offsets   the same lines, as the declarations have it

The C compiler's preprocessor ($CC or cc) spells the lists of the header out; what remains are
enumerations, structs and prototypes of one form. Anything else ends this with an error.
"""

import ctypes
import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "fmnist_nn.h"
OUTPUT = HERE / "fmnist_nn_api.py"
NUMBERS = {
    "char": "c_char",
    "int": "c_int",
    "double": "c_double",
    "size_t": "c_size_t",
    "ptrdiff_t": "c_ssize_t",
    "uint8_t": "c_uint8",
    "int32_t": "c_int32",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "fnn_real": "fnn_real",
}


def preprocessed():
    """The header's own lines, expanded, without the preprocessor's and the system's."""
    command = [*shlex.split(os.environ.get("CC") or "cc"), "-E", "-x", "c", str(HEADER)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines, own = [], False
    for line in text.splitlines():
        if line.startswith("# "):
            own = "fmnist_nn.h" in line
        elif own:
            lines.append(line)
    return " ".join(" ".join(lines).split())


def declarations(text):
    """The text cut behind each semicolon that stands in no braces."""
    depth, start = 0, 0
    for at, c in enumerate(text):
        depth += (c == "{") - (c == "}")
        if c == ";" and depth == 0:
            yield text[start:at].strip()
            start = at + 1


class Header:
    """What the declarations say, in their order."""

    def __init__(self, text):
        self.enums = {}  # name: {constant: value}
        self.opaque = set()
        self.structs = {}  # name: [(field, type)]
        self.callbacks = {}  # name: (result, [types])
        self.functions = {}  # the same
        for declaration in declarations(text):
            self.take(declaration)

    def take(self, d):
        if m := re.fullmatch(r"typedef enum (\w+) \{ ?(.*?),? ?\} \1", d):
            names = [name.strip() for name in m[2].split(",")]
            if not all(re.fullmatch(r"FNN_\w+", name) for name in names):
                raise SystemExit(f"generate.py: enumerators with values: {d}")
            self.enums[m[1]] = {name: i for i, name in enumerate(names)}
        elif m := re.fullmatch(r"typedef struct (\w+) \{ (.*); \} \1", d):
            self.structs[m[1]] = [f for field in m[2].split("; ") for f in self.fields(field)]
        elif m := re.fullmatch(r"typedef struct (\w+) \1", d):
            self.opaque.add(m[1])
        elif m := re.fullmatch(r"typedef (.*?)\(\*(\w+)\)\((.*)\)", d):
            self.callbacks[m[2]] = self.type(m[1]), self.parameters(m[3])
        elif m := re.fullmatch(r"extern (.*?)(\w+)\((.*)\)", d):
            self.functions[m[2]] = self.type(m[1]), self.parameters(m[3])
        elif d != "typedef float fnn_real":
            raise SystemExit(f"generate.py: no enumeration, struct or prototype: {d}")

    def fields(self, text):
        """[(name, type)] of `int height, width` and the like."""
        if m := re.fullmatch(r"(.*?)\(\*(\w+)\)\((.*)\)", text):
            types = [self.type(m[1]), *self.parameters(m[3])]
            return [(m[2], f"CFUNCTYPE({', '.join(types)})")]
        m = re.fullmatch(r"(.*?[ *])(\w+(?:\[\d+\])?(?:, \w+(?:\[\d+\])?)*)", text)
        result = []
        for name in m[2].split(", "):
            name, _, count = name.rstrip("]").partition("[")
            kind = self.type(m[1])
            result.append((name, f"{kind} * {count}" if count else kind))
        return result

    def parameters(self, text):
        if text == "void":
            return []
        result = []
        for p in text.split(", "):
            m = re.fullmatch(r"(.*?[ *])\w+(\[\d+\])?", p)
            result.append(self.type(m[1] + ("*" if m[2] else "")))
        return result

    def type(self, text):
        """Arrays of numbers are addresses, as NumPy has them; structs and texts have a type."""
        words = re.sub(r"\b(const|volatile|struct)\b", "", text).split()
        base, stars = words[0].rstrip("*"), text.count("*")
        if base in self.enums:
            base = "int"
        if stars == 0:
            if base == "void":
                return "None"
            return NUMBERS.get(base) or self.known(base)
        if base == "char":
            return "c_char_p" if stars == 1 else "POINTER(c_char_p)"
        if base in self.structs and stars == 1:
            return f"POINTER({base})"
        return "c_void_p"

    def known(self, base):
        if base in self.structs or base in self.callbacks:
            return base
        raise SystemExit(f"generate.py: unknown type {base}")


def constants():
    """The plain numbers and texts that the header defines."""
    text = HEADER.read_text(encoding="utf-8")
    text = text[: text.index("That is all of the interface")]
    found = re.findall(r'^#define (FNN_[A-Z_]+) ("[^"]*"|\(?-?\d+\)?)(?: |$)', text, re.M)
    return {name: value.strip("()") for name, value in found}


def wrapped(begin, items, end, indent):
    """items with commas between, in one line if that is short enough."""
    line = f"{begin}{', '.join(items)}{end}"
    if len(line) <= 100:
        return line
    lines, line = [begin], indent
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line.rstrip())
            line = indent
        line += f"{item}, "
    return "\n".join([*lines, line.rstrip(), indent[:-4] + end])


def generated(header):
    out = ['"""Made by generate.py from the >>api of fmnist_nn.h, which explains it all."""']
    out += ["", "# ruff: noqa", "# pylint: skip-file", "import ctypes"]
    names = ["POINTER", "CFUNCTYPE", "c_char_p", "c_void_p", *NUMBERS.values()]
    out += [wrapped("from ctypes import (", sorted(set(names) - {"fnn_real"}), ")", "    "), ""]
    out += ["fnn_real = ctypes.c_float"]
    out += [f"{name} = {value}" for name, value in constants().items()]
    for name, values in header.enums.items():
        out += ["", f"# {name}"]
        out += [f"{constant} = {value}" for constant, value in values.items()]
    out += ["", "# The same by their kinds, in the order of their values.", "ENUMS = {"]
    for name, values in header.enums.items():
        items = [f'"{constant}"' for constant in values if not constant.endswith("_COUNT")]
        out += [wrapped(f'    "{name}": [', items, "],", "        ")]
    out += ["}"]
    for name, fields in header.structs.items():
        out += ["", "", f"class {name}(ctypes.Structure):", "    pass"]
    out += ["", ""]
    for name, (result, types) in header.callbacks.items():
        out += [wrapped(f"{name} = CFUNCTYPE(", [result, *types], ")", "    ")]
    for name, fields in header.structs.items():
        out += ["", f"{name}._fields_ = ["]
        out += [f'    ("{field}", {kind}),' for field, kind in fields] + ["]"]
    out += ["", "STRUCTS = [", *(f"    {name}," for name in header.structs), "]", ""]
    out += ["# name: (result, parameters)", "FUNCTIONS = {"]
    for name, (result, types) in header.functions.items():
        out += [wrapped(f'    "{name}": ({result}, [', types, "]),", "        ")]
    return "\n".join([*out, "}", ""])


def layout(header):
    """A C program that prints each struct's size and each field's place."""
    print("#include <stdio.h>\n#include <stddef.h>\n#include \"fmnist_nn.h\"\nint main(void)\n{")
    for name, fields in header.structs.items():
        print(f'    printf("{name} %zu\\n", sizeof({name}));')
        for field, _ in fields:
            size = f"sizeof(({name} *)0)->{field}"
            print(f'    printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), {size});')
    print("    return 0;\n}")


def offsets():
    import fmnist_nn_api as api

    for struct in api.STRUCTS:
        print(struct.__name__, ctypes.sizeof(struct))
        for name, *_ in struct._fields_:
            place = getattr(struct, name)
            print(f"{struct.__name__}.{name}", place.offset, place.size)


def main():
    task = sys.argv[1] if len(sys.argv) > 1 else ""
    if len(sys.argv) > 2 or task not in ("", "--check", "--layout", "--offsets"):
        raise SystemExit(__doc__)
    if task == "--offsets":
        return offsets()
    header = Header(preprocessed())
    if task == "--layout":
        return layout(header)
    text = generated(header)
    if task == "":
        OUTPUT.write_text(text, encoding="utf-8")
        return None
    old = OUTPUT.read_text(encoding="utf-8")
    lines = difflib.unified_diff(old.splitlines(), text.splitlines(), "committed", "now", "", "", 0)
    difference = "\n".join(lines)
    return f"{OUTPUT.name} is not that of the header:\n{difference}" if difference else None


if __name__ == "__main__":
    sys.exit(main())
