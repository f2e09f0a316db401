"""Writes the weights of a Keras model as safetensors, for fnn_load_weights with FNN_FROM_KERAS.

    python3 examples/import_keras.py MODEL WEIGHTS.safetensors

MODEL is what model.save or model.save_weights left, with Keras 2 or 3: .keras, .weights.h5 or .h5.
Needs h5py. Keras' layouts are those of fmnist_nn.h: no number moves. Layers are called as in the
file, "conv2d_1/kernel": by their names in .h5, in the others by their classes, numbered as the
model has them. The builders' calls in C stand for the rest, in the same order."""
import io
import json
import sys
import zipfile
import h5py
import numpy as np

PARTS = {1: ["kernel"], 2: ["kernel", "bias"],
         4: ["gamma", "beta", "moving_mean", "moving_variance"]}


def read_keras(path):
    """The tensors by name."""
    tensors = {}

    def visit(place, item):
        *layers, part = place.split("/")
        if not isinstance(item, h5py.Dataset) or "optimizer" in place or "seed_gen" in place:
            return
        if item.ndim == 0:  # a metric's
            return
        if layers[-1] == "vars":  # numbered, not named: .keras and .weights.h5
            layers.pop()
            if len(item.parent) not in PARTS:
                sys.exit(f"{place}: expected {sorted(PARTS)} tensors, found {len(item.parent)}")
            part = PARTS[len(item.parent)][int(part)]
        name = layers[-1] + "/" + part.split(":")[0]
        if name in tensors:
            sys.exit(f"{place}: a second {name}: models within models are not read")
        tensors[name] = np.asarray(item, "<f4")

    if zipfile.is_zipfile(path):  # .keras: the weights are one of its files
        path = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))
    h5py.File(path, "r").visititems(visit)
    return tensors


def save_safetensors(path, tensors):
    """Eight bytes with the header's length, the header in JSON, the numbers."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


if __name__ == "__main__":
    if "--help" in sys.argv:
        sys.exit(print(__doc__))
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    save_safetensors(sys.argv[2], read_keras(sys.argv[1]))
