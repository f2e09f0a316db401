#!/usr/bin/python3
# The task of bench/compare.sh in PyTorch: see task.h.
from task import task
import numpy as np
import torch
from torch import nn


def read_set(name):
    x = np.fromfile(f'{task.folder}/{name}-images-idx3-ubyte', np.uint8, offset=16)
    y = np.fromfile(f'{task.folder}/{name}-labels-idx1-ubyte', np.uint8, offset=8)
    return (torch.from_numpy(x.astype(np.float32) / 255).reshape(-1, 1, 28, 28),
            torch.from_numpy(y.astype(np.int64)))


torch.set_num_threads(1)
torch.manual_seed(task.seed)
train_x, train_y = read_set('train')
test_x, test_y = read_set('t10k')
if task.cnn1:
    layers = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
              nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
              nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 128)]
else:
    layers = [nn.Flatten(), nn.Linear(784, 128)]
model = nn.Sequential(*layers, nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), task.rate)
task.loaded()
for _ in range(task.epochs):
    for chosen in torch.randperm(len(train_x)).split(task.batch):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(train_x[chosen]), train_y[chosen]).backward()
        optimizer.step()
task.trained()

model.eval()
right = 0
with torch.inference_mode():
    for i in range(len(test_x)):
        right += int(model(test_x[i:i + 1]).argmax() == test_y[i])
task.report(len(train_x), len(test_x), right)
