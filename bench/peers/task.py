# As task.h for programs in Python, which import it first: the clock starts here.
import sys
import time


class Task:
    def __init__(self):
        self.started = time.perf_counter()
        model, self.folder, epochs, batch, rate, seed = sys.argv[1:]
        if model not in ('mlp', 'cnn1'):
            sys.exit(f'{sys.argv[0]}: expected mlp or cnn1, found {model}')
        self.cnn1 = model == 'cnn1'
        self.epochs, self.batch, self.seed = int(epochs), int(batch), int(seed)
        self.rate = float(rate)

    def loaded(self):
        self.load = time.perf_counter()

    def trained(self):
        self.train = time.perf_counter()

    def report(self, images, tested, right):
        now = time.perf_counter()
        print(f'load {self.load - self.started:.6f} train {self.train - self.load:.6f} images '
              f'{images * self.epochs} tested {tested} right {right} '
              f'predict {now - self.train:.6f}')


task = Task()
