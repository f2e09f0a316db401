#!/usr/bin/python3
"""A peer of bench/train.c: the same training step in PyTorch.
    echo 20 | bench/peers/torch_step.py cnn1 100 1
Arguments: model, batch, threads. For each number that it reads it takes so many steps, each on
another batch gathered from 60,000 random images in memory, and prints the seconds they took. It
ends at once where there is no PyTorch."""
import sys
import time

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit(1)

IMAGES = 60000


def mlp(*widths):
    layers = [nn.Flatten()]
    for inputs, units in zip((784,) + widths, widths):
        layers += [nn.Linear(inputs, units), nn.ReLU()]
    return layers[:-1]  # the loss takes logits


def conv(channels, filters, padding=1):
    return [nn.Conv2d(channels, filters, 3, padding=padding), nn.ReLU()]


def conv_norm(channels, filters):
    return conv(channels, filters) + [nn.BatchNorm2d(filters)]


def cnn1():
    return (conv(1, 32) + [nn.MaxPool2d(2)] + conv(32, 64) + [nn.MaxPool2d(2), nn.Flatten()] +
            [nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)])


def jiang():
    return (conv(1, 8, 0) + [nn.MaxPool2d(2)] + conv(8, 8, 0) + [nn.MaxPool2d(2), nn.Flatten()] +
            [nn.Linear(200, 128), nn.ReLU(), nn.Linear(128, 10)])


def cnnbn():
    return (conv_norm(1, 32) + conv_norm(32, 32) + [nn.MaxPool2d(2), nn.Dropout(.25)] +
            conv_norm(32, 64) + conv_norm(64, 64) + [nn.MaxPool2d(2), nn.Dropout(.25)] +
            [nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.BatchNorm1d(256), nn.Dropout(.5),
             nn.Linear(256, 10)])


MODELS = {
    'mlp1': lambda: mlp(128, 10),
    'mlp2': lambda: mlp(128, 128, 10),
    'cnn1': cnn1,
    'jiang': jiang,
    'cnnbn': cnnbn,
}


def main():
    name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    images = torch.rand(IMAGES, 1, 28, 28)
    labels = torch.arange(IMAGES) * 7 % 10
    model = nn.Sequential(*MODELS[name]())
    if name.startswith('mlp'):
        optimizer = torch.optim.SGD(model.parameters(), .01)
    else:
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    model.train()
    position = 0
    order = torch.randperm(IMAGES)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            if position + batch > IMAGES:
                position = 0
                order = torch.randperm(IMAGES)
            chosen = order[position:position + batch]
            position += batch
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
        print(time.perf_counter() - start, flush=True)


main()
