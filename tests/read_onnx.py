"""Runs an ONNX model that examples/export_onnx.c wrote with NumPy alone and compares it with what
the library gave.

    python3 tests/read_onnx.py MODEL NAME INPUT-SHAPE OUTPUT-SHAPE BOUND

NAME.in and NAME.out hold floats of those shapes ("100,1,28,28"). The largest difference is at most
BOUND of the largest output. Prints the metadata, too. A reader of its own: of protobuf what such
files have, each kind of node by its definition in ONNX's operators."""
import json
import math
import struct
import sys
import numpy as np


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """The fields of a message: {number: [whole numbers, floats or bytes]}."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 5:
            value, at = struct.unpack("<f", data[at:at + 4])[0], at + 4
        elif key & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError(f"expected {size} bytes, found {len(value)}")
        else:
            raise ValueError(f"field of kind {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def text(message, number):
    return message.get(number, [b""])[0].decode()


def constant(data):
    t = fields(data)
    kind = {1: "<f4", 7: "<i8"}[t[2][0]]
    return text(t, 8), np.frombuffer(t[9][0], kind).reshape(t.get(1, []))


def attribute(data):
    a = fields(data)
    return text(a, 1), {1: lambda: a[2][0], 7: lambda: a[8]}[a[20][0]]()


def shape(data):
    """Name and sizes of an input or output; of floats."""
    value = fields(data)
    tensor = fields(fields(value[2][0])[1][0])
    assert tensor[1][0] == 1, "expected floats"
    sizes = [fields(d) for d in fields(tensor[2][0])[1]]
    return text(value, 1), [text(s, 2) if 2 in s else s[1][0] for s in sizes]


def windows(x, a, outside):
    """Each window's numbers: (N, C, output height, output width, kernel height, kernel width)."""
    (kh, kw), (sh, sw), (top, left, bottom, right) = a["kernel_shape"], a["strides"], a["pads"]
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=outside)
    return np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), (2, 3))[:, :, ::sh, ::sw]


def conv(a, x, w, b):
    return np.einsum("ncijuv,fcuv->nfij", windows(x, a, 0), w, optimize=True) + b[:, None, None]


def average_pool(a, x):
    inside = windows(np.ones_like(x), a, 0).sum((4, 5))
    return windows(x, a, 0).sum((4, 5)) / inside


def softmax(a, x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def reshape(a, x, sizes):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(sizes)])


KINDS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": average_pool,
    "Conv": conv,
    "Elu": lambda a, x: np.where(x > 0, x, a["alpha"] * np.expm1(np.minimum(x, 0))),
    "Erf": lambda a, x: np.vectorize(math.erf)(x),
    "Flatten": lambda a, x: x.reshape(len(x), -1),
    "Gemm": lambda a, x, w, b: x @ w + b,
    "LeakyRelu": lambda a, x: np.where(x > 0, x, a["alpha"] * x),
    "MaxPool": lambda a, x: windows(x, a, -np.inf).max((4, 5)),
    "Mul": lambda a, x, y: x * y,
    "Relu": lambda a, x: np.maximum(x, 0),
    "Reshape": reshape,
    "Sigmoid": lambda a, x: 1 / (1 + np.exp(-x)),
    "Softmax": softmax,
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: np.tanh(x),
    "Transpose": lambda a, x: x.transpose(a["perm"]),
}


def run(graph, x):
    """In double."""
    known = {name: value if value.dtype.kind == "i" else value.astype(float)
             for name, value in map(constant, graph.get(5, []))}
    known["input"] = x.astype(float)
    for node in map(fields, graph[1]):
        inputs = [known[name.decode()] for name in node[1]]
        assert text(node, 2) not in known, "a name is given twice"
        known[text(node, 2)] = KINDS[text(node, 4)](dict(map(attribute, node.get(5, []))), *inputs)
    return known["output"]


def main(path, name, in_shape, out_shape, bound):
    with open(path, "rb") as file:
        model = fields(file.read())
    sizes = [list(map(int, s.split(","))) for s in (in_shape, out_shape)]
    x = np.fromfile(name + ".in", np.float32).reshape(sizes[0])
    y = np.fromfile(name + ".out", np.float32).reshape(sizes[1])
    graph = fields(model[7][0])
    assert model[1] == [7] and fields(model[8][0])[2] == [13], "expected IR 7, operator set 13"
    for field, word, s in ((11, "input", sizes[0]), (12, "output", sizes[1])):
        found = shape(graph[field][0])
        assert found == (word, ["N"] + s[1:]), f"expected {word} of {s}, found {found}"
    found = run(graph, x)
    assert found.shape == y.shape, f"expected outputs of {y.shape}, found {found.shape}"
    worst = np.abs(found - y).max() / np.abs(y).max()
    for entry in map(fields, model.get(14, [])):
        print(text(entry, 1), ascii(json.loads(text(entry, 2))))
    print(f"at most {worst:.2g} apart")
    return not worst <= float(bound)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
