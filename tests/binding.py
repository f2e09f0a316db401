"""Checks of examples/python/fmnist_nn.py, for programs.sh: binding.py CHECK ARGUMENT..."""

import copy
import ctypes
import gc
import os
import pickle
import re
import signal
import sys
import threading

import fmnist_nn as nn
import numpy as np


def expect(condition, what):
    if not condition:
        sys.exit(f"expected {what}")


def read(folder):
    """The IDX files of the folder: (train, test)."""
    names = [[f"{part}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
             for part in ("train", "t10k")]  # fmt: skip
    return [nn.Dataset.idx(f"{folder}/{images}", f"{folder}/{labels}") for images, labels in names]


def network(train, seed):
    m = nn.Model(28, 28, 1, seed=seed)
    m.normalize("divide_255", train)
    m.conv2d(4, activation="relu")
    m.max_pool2d(2)
    m.dense(8, "tanh")
    m.dropout(0.25)
    m.dense(10, "softmax")
    return m


def train(folder, path, seed):
    """As train.c does with these layers, --validation 0, two epochs and batches of 50."""
    train, test = read(folder)
    m = network(train, int(seed))
    history = m.fit(train, optimizer=nn.adam(1e-3), epochs=2, batch_size=50, seed=int(seed))
    expect(list(history["epoch"]) == [1, 2] and history["loss"][0] > 0, "a history of two epochs")
    m.save(path)
    metrics = m.evaluate(test)
    print(f"test accuracy: {100 * metrics.accuracy:.2f} %, loss {metrics.loss:.4f}")


def load(folder, path, again):
    """A file gives the same predictions and the same file."""
    _, test = read(folder)
    m, n = nn.Model.load(path), nn.Model.load(path, threads=2)
    y = m.predict(test)
    expect(y.shape == (len(test), 10) and y.dtype == np.float32, "a row of floats a sample")
    expect(np.array_equal(y, n.predict(test.x)), "the same of a Dataset and an array")
    expect(np.array_equal(y[7:8], m.predict(test.x[7:8])), "the same of a sample alone")
    expect(np.array_equal(m.predict_classes(test), y.argmax(axis=1)), "classes of largest outputs")
    expect(abs(m.evaluate(test).accuracy - (y.argmax(axis=1) == test.labels).mean()) < 1e-12,
           "the accuracy of these classes")  # fmt: skip
    expect(m.words()[0] == "conv2d 4 3 3 1 1 same relu 0" and "conv2d" in m.summary(), "its layers")
    m.save(again)


def resume(folder, path):
    """Epochs in two processes' manner are those of one."""
    train, _ = read(folder)
    config = {"batch_size": 50, "seed": 1, "optimizer": nn.adam(1e-3)}
    m, n = network(train, 5), network(train, 5)
    m.fit(train, epochs=4, **config)
    n.fit(train, epochs=4, callback=lambda epoch: epoch.epoch == 2, checkpoint=path, **config)
    history = nn.Model.load(path).resume(train, epochs=2, **config)
    expect(len(history) == 2, "a checkpoint of two epochs")
    n = nn.Model.load(path)
    n.resume(train, epochs=4, **config)
    expect(np.array_equal(m.predict(train), n.predict(train)), "the bits of one training")

    epochs = []
    m.fit(train, epochs=3, callback=epochs.append, **config)
    expect([e.epoch for e in epochs] == [1, 2, 3], "epochs that outlive their callback")


def interrupts(folder):
    """What a callback or a signal's handler raises ends a fit and goes on from there. If it does
    not, the alarm ends this."""
    signal.alarm(120)
    heard, handlers = [], {
        signal.SIGINT: signal.default_int_handler,  # which jobs in the background have not
        signal.SIGUSR1: lambda *_: 1 / 0,
        signal.SIGUSR2: lambda *_: heard.append(1),
    }  # fmt: skip
    for number, handler in handlers.items():
        signal.signal(number, handler)
    train, _ = read(folder)
    m = nn.Model(28, 28, 1, threads=1)
    m.dense(10, "softmax")

    def send(number):
        threading.Timer(0.1, os.kill, (os.getpid(), number)).start()

    def after_first(number):
        return lambda epoch: epoch.epoch == 1 and send(number)

    def within_callback(_):
        signal.raise_signal(signal.SIGINT)

    def within_callback_of_callback(_):
        copy.copy(m).fit(train, epochs=10**6, callback=after_first(signal.SIGINT))

    def in_long_epoch():
        send(signal.SIGINT)
        m.fit(train, epochs=1, steps_per_epoch=10**8, batch_size=1)

    def until(callback):
        return lambda: m.fit(train, epochs=10**6, callback=callback)

    cases = [
        ("a callback", ZeroDivisionError, until(lambda _: 1 / 0)),
        ("Ctrl-C", KeyboardInterrupt, until(after_first(signal.SIGINT))),
        ("Ctrl-C in an epoch", KeyboardInterrupt, in_long_epoch),
        ("Ctrl-C in a callback", KeyboardInterrupt, until(within_callback)),
        ("Ctrl-C in its fit", KeyboardInterrupt, until(within_callback_of_callback)),
        ("another handler", ZeroDivisionError, until(after_first(signal.SIGUSR1))),
    ]
    for what, kind, call in cases:
        try:
            call()
            sys.exit(f"{what}: expected {kind.__name__}, found none")
        except kind:
            pass
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
        found = {number: signal.getsignal(number) for number in handlers}
        expect(found == handlers and signal.set_wakeup_fd(-1) == -1, f"{what}: the old handlers")
        expect(threading.active_count() == 1, f"{what}: no thread left")

    def hears(epoch):
        return after_first(signal.SIGUSR2)(epoch) or heard

    epochs = m.fit(train, epochs=10**6, callback=hears)
    expect(len(epochs) > 1 and heard, "a handler that raises nothing to end nothing")
    lengths = []
    thread = threading.Thread(target=lambda: lengths.append(len(m.fit(train, epochs=2))))
    thread.start()
    thread.join()
    expect(lengths == [2], "a fit in a thread, which has no handlers")


def copies(folder):
    """Copies of a model share nothing; data sets, and what is in files, are not copied so."""
    train, test = read(folder)
    m = network(train, 1)
    m.fit(train, epochs=1)
    y = m.predict(test)
    first, second = copy.copy(m), copy.deepcopy([m])[0]
    first.tensor(4, "bias")[:] = 7
    expect(not np.array_equal(first.predict(test), y), "another model")
    expect(np.array_equal(m.predict(test), y), "the model as it was")
    del m, first
    gc.collect()
    expect(np.array_equal(second.predict(test), y), "a copy that outlives the model")
    bad = [error for call in (copy.copy, copy.deepcopy, pickle.dumps)
           if (error := refused(TypeError, r"Dataset is not copied: .*split\(\)",
                                lambda call=call: call(test)))]  # fmt: skip
    error = refused(TypeError, r"Model is not pickled: .*save\(\)", lambda: pickle.dumps(second))
    expect(not error and not bad, [error, *bad])


def integers(folder):
    """Every integer is refused where its field or parameter has no room for it, and may be
    NumPy's."""
    numbers = {ctypes.c_int: 31, ctypes.c_int32: 31, ctypes.c_int64: 63, ctypes.c_ssize_t: 63}
    rooms = {kind: (-(2**bits), 2**bits - 1) for kind, bits in numbers.items()}
    rooms |= {kind: (0, 2**64 - 1) for kind in (ctypes.c_uint64, ctypes.c_size_t)}
    fields = [(struct, name, rooms[kind]) for struct in nn.api.STRUCTS
              for name, kind in struct._fields_ if kind in rooms]  # fmt: skip
    expect(len(fields) > 100, "fields of integers")
    for struct, name, (least, most) in fields:
        for value in (least - 1, most + 1):
            pattern = f"^{struct.__name__}.{name}: expected {least} to {most}, found {value}$"
            error = refused(OverflowError, pattern, lambda: setattr(struct(), name, value))
            expect(not error, error)
        for value in (least, most, np.int64(5), np.uint8(5)):
            made = struct()
            setattr(made, name, value)
            expect(getattr(made, name) == value, f"{name} = {value}")
    _, test = read(folder)
    eight, three = np.int64(8), np.uint8(3)
    m = nn.Model(eight, eight, np.int32(1), threads=np.int16(1), seed=np.uint64(2**64 - 1))
    m.conv2d(three, kernel=three, stride=(np.int64(1), 1), pad=np.array([0, 0]))
    m.max_pool2d(np.int64(2))
    m.add(m.dense(three))
    expect(m.words()[0] == "conv2d 3 3 3 1 1 same linear 0", "layers of NumPy's integers")
    expect(len(test.split(np.int16(9))[0]) == 9, "a part of NumPy's count")
    expect(nn.schedule_step_decay(three, 0.5).every == 3, "a parameter of NumPy's")


def arrays(folder):
    """Arrays are taken and given as they are, and live as long as they are used."""
    labels = read(folder)[0].labels
    gc.collect()
    expect(list(labels[:12]) == [*range(10), 0, 1], "labels that outlive their Dataset")
    train, test = read(folder)
    x = np.array(test.x)
    data = nn.Dataset(x, np.array(test.labels), class_names=[f"class {i}" for i in range(10)])
    expect(np.shares_memory(data.x, x) and data.struct.bytes == x.ctypes.data, "no copy of x")
    labels = np.array(test.labels)
    targets = np.eye(10, dtype=np.float32)[labels]
    for given in (x, labels, targets):
        given.flags.writeable = False
    kept = nn.Dataset(x, labels, targets, classes=10)
    for view in (kept.x, kept.labels, kept.targets):
        expect(not view.flags.writeable, "a view that may not be written to either")
    x.flags.writeable = True
    expect(kept.x.flags.writeable and data.x.flags.writeable, "a view that may be written to")
    first, rest = train.split(100, seed=1)
    both = sorted([*first.labels, *rest.labels])
    expect(len(first) == 100 and both == sorted(train.labels), "parts of the whole")
    m = network(train, 1)
    m.set_names(data)
    few = m.evaluate(nn.Dataset(np.array(x[:2]), np.array(test.labels[:2])))
    expect(few.count == 2, "an evaluation of data that nobody keeps, without the last class")
    expect(m.class_name(3) == "class 3" and data.class_names[3] == "class 3", "names of classes")
    out = np.empty((len(test), 10), np.float32)
    expect(m.predict(test, out=out) is out and np.allclose(out.sum(axis=1), 1), "outputs in place")
    m.tensor(4, "weight")[:] = 0
    m.tensor(4, "bias")[:] = np.arange(10) == 6
    expect((m.predict_classes(x) == 6).all(), "weights that are the model's")
    shape = m.predict_layer(x[:3], 1).shape
    expect(shape == (3, 14, 14, 4), f"a layer's output, found {shape}")
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    line = nn.Dataset(table, targets=np.ascontiguousarray(table[:, :1] * 3 - 1))
    m = nn.Model(2)
    m.dense(1)
    m.set_loss("mean_squared_error")
    m.normalize("standardize", line)
    m.normalize_targets("standardize", line)
    m.fit(line, optimizer=nn.sgd(0.1), epochs=300)
    expect(m.evaluate(line).r2 > 0.999 and line.targets[2] == 11, "a line learned")


def matrices():
    random = np.random.default_rng(1)
    whole = random.integers(-9, 9, (30, 40)).astype(np.float32)
    a, b = whole[:7, 3:20], whole[7:24, 1:12]
    for p, q in ((a, b), (a, np.array(b.T).T), (np.array(a.T).T, b), (b.T, a.T)):
        expect(np.array_equal(nn.sgemm(p, q), p @ q), "the product")
    out = np.ones((7, 11), np.float32)
    expect(nn.sgemm(a, b, out, 2, 3) is out and np.array_equal(out, 2 * (a @ b) + 3), "2 a b + 3")


def refusals(folder):
    """What is wrong is told as a Python error that says what was expected and found."""
    _, test = read(folder)
    m = network(test, 1)
    x, labels = np.array(test.x), np.array(test.labels)
    floats = np.ones((3, 4), np.float32)
    sealed, spoilt = network(test, 1), nn.Dataset(x, np.array(labels))
    sealed.fit(test, epochs=0)
    spoilt.labels[0] = 10
    cases = [
        (AttributeError, "has no load: see Model.load", lambda: nn.load("a.safetensors")),
        (AttributeError, "has no split: see Dataset.split", lambda: nn.split(test, 3)),
        (AttributeError, "has no lode, nor the library", lambda: nn.lode("a.safetensors")),
        (nn.Error, "another call must come first", lambda: m.predict(x)),
        (nn.Error, "another call must come first", lambda: m.evaluate(test)),
        (TypeError, "x: expected uint8 or float32, found float64", lambda: m.predict(x * 1.0)),
        (TypeError, "x: expected uint8 or float32, found >f4", lambda: m.predict(x.astype(">f4"))),
        (TypeError, "x: expected a NumPy array of .* found list", lambda: m.predict([1, 2])),
        (ValueError, "x: expected a C-contiguous, aligned array", lambda: m.predict(x[:, ::2])),
        (ValueError, r"x: .* shape \(28, 28, 1\), found \(1, 1, 4\)", lambda: m.predict(floats)),
        (ValueError, r"x: expected 2 to 4 dimensions .* \(28,\)",
         lambda: nn.Dataset(x[0, 0, :, 0])),
        (TypeError, "labels: expected int32, found int64",
         lambda: nn.Dataset(x, labels.astype(np.int64))),
        (ValueError, r"labels: .* \(250,\), found \(4,\)", lambda: nn.Dataset(x, labels[:4])),
        (nn.Error, "sample 1 has label 1, expected 0", lambda: nn.Dataset(x, labels, classes=1)),
        (ValueError, r"targets: .* \(3, numbers\)", lambda: nn.Dataset(floats, targets=floats[0])),
        (ValueError, "class_names: expected 10, found 1",
         lambda: nn.Dataset(x, labels, class_names=["a"])),
        (TypeError, "data: expected a fmnist_nn.Dataset, found ndarray", lambda: m.fit(x)),
        (TypeError, "fnn_fit_config has no epoch to", lambda: m.fit(test, epoch=3)),
        (TypeError, "fnn_fit_config has no stop to", lambda: m.fit(test, stop=True)),
        (TypeError, "fnn_fit_config has no user to", lambda: m.fit(test, user=1)),
        (TypeError, "optimizer: .*, found 'adam'", lambda: m.fit(test, optimizer="adam")),
        (TypeError, "checkpoint: expected str, .*, found 3", lambda: m.fit(test, checkpoint=3)),
        (TypeError, "epochs: .* found 2.5", lambda: m.fit(test, epochs=2.5)),
        (OverflowError, "epochs: expected .* to 2147483647, found 4294967297",
         lambda: m.fit(test, epochs=2**32 + 1)),
        (OverflowError, "units: expected .* to 2147483647, found 4294967299",
         lambda: m.dense(2**32 + 3)),
        (OverflowError, "shape: expected .*, found 4294967297", lambda: nn.Model(2**32 + 1)),
        (OverflowError, "set_seed: argument 2: expected 0 to 18446744073709551615, found -1",
         lambda: nn.Model(8, seed=-1)),
        (OverflowError, "split: argument 2: expected .* to 9223372036854775807, found 1180",
         lambda: test.split(2**70)),
        (TypeError, "split: argument 2: expected an integer, found 1.0", lambda: test.split(1.0)),
        (TypeError, "decay: expected 2 arguments, found 1", lambda: nn.schedule_step_decay(3)),
        (TypeError, "kernel: expected an integer, .*, found 3.0", lambda: m.conv2d(3, 3.0)),
        (TypeError, r"stride: expected an integer, .*, found \(1, 1, 1\)",
         lambda: m.conv2d(3, stride=(1, 1, 1))),
        (nn.Error, "expected batch_size >= 1", lambda: m.fit(test, batch_size=0)),
        (ValueError, "activation: expected one of linear, relu", lambda: m.dense(3, "relo")),
        (ValueError, "padding: expected one of valid, same", lambda: m.conv2d(3, padding="full")),
        (nn.Error, "layer 0 conv2d: expected a window .* found window 40 x 40",
         lambda: nn.Model(9, 9, 1).conv2d(1, 40, "valid")),
        (TypeError, "shape: expected height, width, channels", lambda: nn.Model(28, 28)),
        (ValueError, "layer: expected -1 to 5, found 6", lambda: m.predict_layer(x, 6)),
        (nn.Error, "data: expected labels or targets, found neither",
         lambda: sealed.evaluate(nn.Dataset(x))),
        (nn.Error, "data: expected samples of 28 x 28 x 1, or flat ones, found 1 x 1 x 4",
         lambda: sealed.evaluate(nn.Dataset(floats))),
        (nn.Error, "data: expected at most 10 classes, found 11",
         lambda: sealed.evaluate(nn.Dataset(x, labels, classes=11))),
        (nn.Error, "data: expected 10 targets a sample, found 4",
         lambda: sealed.evaluate(nn.Dataset(x[:3], targets=floats))),
        (nn.Error, "sample 0 has label 10, expected 0 to", lambda: sealed.evaluate(spoilt)),
        (nn.Error, "sample 0 has label 10, expected 0 to", lambda: sealed.predict(spoilt)),
        (nn.Error, "but \"scale\" was asked for", lambda: m.tensor(0, "scale")),
        (nn.Error, "none.idx: ", lambda: nn.Dataset.idx("none.idx")),
        (nn.Error, "none.safetensors: ", lambda: nn.Model.load("none.safetensors")),
        (nn.Error, "none/x: cannot", lambda: m.save("none/x")),
        (ValueError, "out: expected shape", lambda: m.predict(x, out=np.ones((3, 10), np.float32))),
        (TypeError, "a: expected a float32 matrix, found list", lambda: nn.sgemm([1], floats)),
        (TypeError, "b: expected a float32 matrix, found int32", lambda: nn.sgemm(floats, labels)),
        (ValueError, "b: expected 4 rows", lambda: nn.sgemm(floats, floats)),
        (ValueError, "out: .* apart from a and b", lambda: nn.sgemm(floats[:, :3], floats[:, :3],
                                                                   floats[:, 1:])),
        (AttributeError, "nor the library an fnn_nothing", lambda: nn.nothing),
    ]  # fmt: skip
    bad = [error for case in cases if (error := refused(*case))]
    if bad:
        sys.exit("\n".join(bad))


def refused(kind, pattern, call):
    try:
        call()
    except Exception as error:  # of any kind: which one is what is checked
        if type(error) is kind and re.search(pattern, str(error)):
            return None
        return f"expected {kind.__name__} {pattern}, found {type(error).__name__} {error}"
    return f"expected {kind.__name__} {pattern}, found none"


def control():
    """What refusals would say of a call that is not refused, and of another error."""
    print(refused(ValueError, "z", lambda: 1), refused(ValueError, "z", lambda: int("b")))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
