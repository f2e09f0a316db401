#!/usr/bin/python3
# The task of bench/compare.sh in scikit-learn: see task.h. No convolutions.
from task import task
import sys
import warnings
import numpy as np
from sklearn.neural_network import MLPClassifier


def read_set(name):
    x = np.fromfile(f'{task.folder}/{name}-images-idx3-ubyte', np.uint8, offset=16)
    y = np.fromfile(f'{task.folder}/{name}-labels-idx1-ubyte', np.uint8, offset=8)
    return x.reshape(-1, 784).astype(np.float32) / 255, y


if task.cnn1:
    sys.exit(3)
warnings.filterwarnings('ignore')  # that so few epochs do not converge
train_x, train_y = read_set('train')
test_x, test_y = read_set('t10k')
model = MLPClassifier((128,), solver='sgd', learning_rate_init=task.rate, momentum=0, alpha=0,
                      batch_size=task.batch, max_iter=task.epochs, n_iter_no_change=task.epochs,
                      random_state=task.seed)
task.loaded()
model.fit(train_x, train_y)
task.trained()

right = 0
for i in range(len(test_x)):
    right += int(model.predict(test_x[i:i + 1])[0] == test_y[i])
task.report(len(train_x), len(test_x), right)
