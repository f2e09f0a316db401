"""Recomputes the predictions of a saved multilayer perceptron with NumPy alone.

    python3 tests/read_model.py MODEL SAMPLES OUTPUTS

SAMPLES holds bytes (N, inputs), OUTPUTS the model's predictions (N, outputs) as little-endian
numbers of the model's type. Fails when they differ by more than rounding does."""
import json
import sys
import numpy as np

raw = open(sys.argv[1], "rb").read()
size = int.from_bytes(raw[:8], "little")
header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
layers = header.pop("__metadata__")["layers"].split("; ")
kinds = {"F32": "<f4", "F64": "<f8"}
t = {name: np.frombuffer(data[slice(*e["data_offsets"])], kinds[e["dtype"]]).reshape(e["shape"])
     for name, e in header.items()}
kind = t["input.shift"].dtype
x = np.fromfile(sys.argv[2], np.uint8).reshape(-1, t["input.shift"].size).astype(kind)
x = (x - t["input.shift"].ravel()) * t["input.scale"].ravel()
for l, layer in enumerate(layers):
    name, *words = layer.split()
    if name == "dense":
        x = x @ t[f"{l}.dense.weight"]
        if words[-1] == "no_bias":
            words.pop()
        else:
            x = x + t[f"{l}.dense.bias"]
    f = words[-2] if name in ("dense", "activation") else "linear"  # dropout is for training
    if f == "softmax":
        x = np.exp(x - x.max(axis=1, keepdims=True))
        x /= x.sum(axis=1, keepdims=True)
    else:
        x = {"linear": x, "relu": np.maximum(x, 0), "tanh": np.tanh(x)}[f]
difference = np.abs(x - np.fromfile(sys.argv[3], kind).reshape(x.shape)).max()
print(f"largest difference {difference:.2g} of {x.shape} predictions")
sys.exit(not difference < 1e-5)
