"""Trains a small convolutional network in PyTorch and leaves it for examples/import_pytorch.c.

    python3 examples/import_pytorch.py FOLDER [STEPS]

Writes FOLDER/pytorch.safetensors, the network's state_dict, and FOLDER/pytorch.outputs, what it
gives for the first 1000 test images: (1000, 10) little-endian floats. Prints the test accuracy and
what fnn_load_weights takes as names, which this network does not need. STEPS batches of 100 images,
600 unless told, take five seconds. Fashion-MNIST is looked for as in examples/quickstart.c."""
import gzip
import json
import os
import sys
import numpy as np
import torch
from torch import nn


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10))


def save_safetensors(path, state):
    """Eight bytes with the header's length, the header in JSON, the numbers. The library of that
    name does the same: safetensors.torch.save_file(model.state_dict(), path)."""
    header, numbers = {}, b""
    for name, tensor in state.items():
        kind, order = ("I64", "<i8") if tensor.dtype == torch.int64 else ("F32", "<f4")
        data = tensor.cpu().numpy().astype(order).tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape),
                        "data_offsets": [len(numbers), len(numbers) + len(data)]}
        numbers += data
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + numbers)


def read_idx(name):
    """A file of Fashion-MNIST, plain or gzip: its bytes in their shape."""
    places = [os.environ.get("FMNIST_DIR")]
    if not places[0]:
        places = ["data", "/usr/share/datasets/fashion-mnist"]
    for path in [os.path.join(place, name) for place in places]:
        for opened, suffix in ((open, ""), (gzip.open, ".gz")):
            if os.path.exists(path + suffix):
                raw = opened(path + suffix, "rb").read()
                shape = np.frombuffer(raw, ">i4", raw[3], 4)
                return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])
                                        .reshape(shape).copy())
    sys.exit(f"{name} is in none of {places}; make data fetches it")


def train(model, images, labels, steps):
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(steps):
        batch = torch.randint(len(images), (100,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()


def main(folder, steps=600):
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(1)
    model = network()
    images = {part: read_idx(f"{part}-images-idx3-ubyte")[:, None] / 255
              for part in ("train", "t10k")}
    train(model, images["train"], read_idx("train-labels-idx1-ubyte").long(), int(steps))
    model.eval()  # the running statistics from here on
    save_safetensors(os.path.join(folder, "pytorch.safetensors"), model.state_dict())
    with torch.no_grad():
        outputs = model(images["t10k"][:1000])
        found = torch.cat([model(part).argmax(1) for part in images["t10k"].split(1000)])
    outputs.numpy().astype("<f4").tofile(os.path.join(folder, "pytorch.outputs"))
    right = (found == read_idx("t10k-labels-idx1-ubyte")).float().mean()
    print(f"PyTorch {torch.__version__}: test accuracy {100 * right:.2f} %")
    # in the order of __init__; where forward has another one, that is what counts
    names = dict.fromkeys(name.rpartition(".")[0] for name in model.state_dict())
    print("names[] = {" + ", ".join(f'"{name}"' for name in names) + "}")


if __name__ == "__main__":
    if "--help" in sys.argv:
        sys.exit(print(__doc__))
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
