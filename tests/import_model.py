"""Makes networks as PyTorch and Keras would leave them, and what they give, with NumPy alone.

    python3 tests/import_model.py KIND FOLDER

KIND is pytorch or keras. Reads FOLDER/images, bytes (N, 28, 28), and writes FOLDER/KIND.safetensors
and FOLDER/KIND.outputs, (N, 10) floats. pytorch: a CNN of channels first, computed as there. keras:
one of channels last; where h5py is, also FOLDER/keras.h5 and .keras with the same
weights. test_import.c builds both networks."""
import io
import json
import sys
import zipfile
import numpy as np

rng = np.random.default_rng(7)


def drawn(*shape, scale=None, shift=0.0):
    scale = scale or (6 / np.prod(shape[1:])) ** 0.5
    return (shift + scale * (2 * rng.random(shape) - 1)).astype("<f4")


def windows(x, kernel, stride):
    """(N, C, H, W) to (N, rows, columns, C, kernel, kernel)"""
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))
    return view[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)


def conv(x, weight, bias, stride=1, padding=0):  # weight (filters, channels, height, width)
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    y = np.einsum("nhwcij,ocij->nohw", windows(x, weight.shape[2], stride), weight, optimize=True)
    return y + bias[:, None, None]


def norm(x, gamma, beta, mean, variance, epsilon):
    def wide(v):
        return v[(slice(None),) + (None,) * (x.ndim - 2)].astype("f8")
    return (x - wide(mean)) / np.sqrt(wide(variance) + epsilon) * wide(gamma) + wide(beta)


def relu(x):
    return np.maximum(x, 0)


def pool(x):
    return windows(x, 2, 2).max((4, 5)).transpose(0, 3, 1, 2)


def softmax(x):
    y = np.exp(x - x.max(1, keepdims=True))
    return y / y.sum(1, keepdims=True)


def outputs_of(x, weight):
    """The last layer's, with the biases that make no class the favourite."""
    bias = -(x @ weight.astype("f8")).mean(0).astype("<f4")
    return softmax(x @ weight.astype("f8") + bias), bias


def norm_tensors(n):
    return [drawn(n, scale=.5, shift=1), drawn(n, scale=.3), drawn(n, scale=.3),
            drawn(n, scale=.4, shift=.6)]


def pytorch(x):
    t = {}
    for name, shape in (("conv1", (8, 1, 3, 3)), ("conv2", (12, 8, 3, 3)), ("fc1", (32, 432)),
                        ("fc2", (10, 32))):
        t[name + ".weight"], t[name + ".bias"] = drawn(*shape), drawn(shape[0], scale=.1)
    for name, n in (("bn1", 8), ("bn_flat", 432)):
        parts = zip(("weight", "bias", "running_mean", "running_var"), norm_tensors(n))
        t.update({f"{name}.{part}": value for part, value in parts})
        t[name + ".num_batches_tracked"] = np.array(600, "<i8")
    del t["conv1.bias"]  # the batch norm has one

    def of(name, *parts):
        return [t[f"{name}.{part}"] for part in parts or ("weight", "bias")]
    of_norm = ("weight", "bias", "running_mean", "running_var")
    x = conv(x, t["conv1.weight"], np.zeros(8), stride=2, padding=1)
    x = relu(norm(x, *of("bn1", *of_norm), 1e-5))
    x = pool(relu(conv(x, *of("conv2"))))
    x = norm(x.reshape(len(x), -1), *of("bn_flat", *of_norm), 1e-5)
    x = relu(x @ t["fc1.weight"].T.astype("f8") + t["fc1.bias"])
    t["fc2.weight"] *= 3
    x, t["fc2.bias"] = outputs_of(x, t["fc2.weight"].T)
    # In the order of safetensors' own library: numbers of more bytes first, then by name.
    return x, dict(sorted(t.items(), key=lambda item: (-item[1].itemsize, item[0])))


def keras(x):
    t = {}
    for name, shape in (("conv2d", (3, 3, 1, 6)), ("conv2d_1", (3, 3, 6, 6)), ("dense", (216, 30)),
                        ("dense_1", (30, 30)), ("dense_2", (30, 10))):
        t[name + "/kernel"] = drawn(*shape, scale=(6 / np.prod(shape[:-1])) ** .5)
        t[name + "/bias"] = drawn(shape[-1], scale=.1)
        if name == "conv2d":
            t.update({"batch_normalization/" + part: value for part, value in zip(
                ("gamma", "beta", "moving_mean", "moving_variance"), norm_tensors(6))})

    def of(name):  # as conv and products above take them
        return t[name + "/kernel"].transpose(3, 2, 0, 1), t[name + "/bias"]
    x = conv(x, *of("conv2d"), padding=1)
    x = pool(relu(norm(x, *(t["batch_normalization/" + part] for part in
                            ("gamma", "beta", "moving_mean", "moving_variance")), 1e-3)))
    x = pool(relu(conv(x, *of("conv2d_1"))))
    x = x.transpose(0, 2, 3, 1).reshape(len(x), -1)
    for name in ("dense", "dense_1"):
        x = relu(x @ t[name + "/kernel"].astype("f8") + t[name + "/bias"])
    t["dense_2/kernel"] *= 3
    x, t["dense_2/bias"] = outputs_of(x, t["dense_2/kernel"])
    return x, t


def save_safetensors(path, tensors):
    header, numbers = {"__metadata__": {"format": "pt"}}, b""
    for name, value in tensors.items():
        data = value.tobytes()
        header[name] = {"dtype": {4: "F32", 8: "I64"}[value.itemsize], "shape": list(value.shape),
                        "data_offsets": [len(numbers), len(numbers) + len(data)]}
        numbers += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + numbers)


def save_keras(folder, tensors):
    """The layouts of HDF5 that Keras 2 and 3 have."""
    import h5py
    by_layer = {}
    for name, value in tensors.items():
        layer, part = name.split("/")
        by_layer.setdefault(layer, []).append((part, value))
    with h5py.File(f"{folder}/keras.h5", "w") as file:  # model.save of Keras 2
        file.create_group("optimizer_weights")["Adam/dense/kernel/m:0"] = np.ones(3)
        for layer, parts in by_layer.items():
            group = file.require_group("model_weights").create_group(layer)
            for part, value in parts:
                group[f"{layer}/{part}:0"] = value
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:  # model.save of Keras 3, one file of its archive
        file["optimizer/vars/0"] = np.ones(3)
        file["layers/dropout/seed_generator/vars/0"] = np.ones(2, "u4")
        for i in range(2):
            file[f"metrics/mean/vars/{i}"] = np.float32(1)
        for layer, parts in by_layer.items():
            file.create_group(f"layers/{layer}/vars")
            for i, (_, value) in enumerate(parts):
                file[f"layers/{layer}/vars/{i}"] = value
    with zipfile.ZipFile(f"{folder}/keras.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", memory.getvalue())


kind, folder = sys.argv[1:]
images = np.fromfile(f"{folder}/images", np.uint8).reshape(-1, 1, 28, 28) / 255
outputs, weights = {"pytorch": pytorch, "keras": keras}[kind](images)
save_safetensors(f"{folder}/{kind}.safetensors", weights)
outputs.astype("<f4").tofile(f"{folder}/{kind}.outputs")
if kind == "keras":
    try:
        save_keras(folder, weights)
    except ImportError:
        print("no h5py: no files of Keras' own kinds")
