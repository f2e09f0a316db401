r"""NumPy's door to fmnist_nn.h. One line makes the library, beside this file:

    cc -O2 -fopenmp -shared -fPIC -DFMNIST_NN_IMPLEMENTATION -x c fmnist_nn.h \
        -o examples/python/libfmnist_nn.so -lm

or elsewhere, where $FMNIST_NN_LIBRARY says; or nn.build() makes it, in a folder cache/ beside this
file. It needs NumPy, such as Debian's python3-numpy, and this folder in PYTHONPATH:

    import fmnist_nn as nn

    train, test = nn.Dataset.fashion_mnist()
    m = nn.Model(28, 28, 1)
    m.normalize("divide_255", train)
    m.conv2d(32, 3, activation="relu")
    m.max_pool2d(2)
    m.dense(128, "relu")
    m.dense(10, "softmax")
    m.fit(train, optimizer=nn.adam(1e-3), epochs=3, batch_size=100, verbose=1)
    print(m.evaluate(test).accuracy, m.predict(test.x[:5]).argmax(axis=1))
    m.save("net.safetensors")                       # nn.Model.load reads it

Arrays go in and out as they are, never copied: pixels are uint8, numbers float32, labels int32, all
C-contiguous. What is of another kind is refused; `.astype(np.float32)` and the like are yours to
say. Whatever the library refuses raises Error with its message. nn.api has the declarations of all
of the library, and nn.NAME stands for its function fnn_NAME: nn.adam, nn.schedule_cosine, nn.info.
"""

import contextlib
import ctypes
import functools
import hashlib
import operator
import os
import shlex
import signal
import socket
import subprocess
import threading
import types
from pathlib import Path

import numpy as np

import fmnist_nn_api as api

__all__ = ["Dataset", "Error", "Model", "build", "sgemm"]

HERE = Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "fmnist_nn.h"
FLAGS = "-O2 -fopenmp -shared -fPIC -DFMNIST_NN_IMPLEMENTATION -x c"


class Error(RuntimeError):
    """What the library says. `code` is one of api.FNN_ERROR_..."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


# ---- integers ----


@functools.lru_cache(maxsize=None)
def _range(kind):
    """The integers that a type of C can hold; None for a type of something else."""
    if getattr(kind, "_type_", None) not in tuple("bhilqBHILQ"):
        return None
    values = 1 << 8 * ctypes.sizeof(kind)
    return range(values) if kind(-1).value > 0 else range(-values // 2, values // 2)


def _fitting(what, kind, value):
    """value for a parameter or field of this type. Of an integer (NumPy's, too) that it cannot hold
    ctypes would keep the lowest bits and say nothing: it is refused."""
    room = _range(kind)
    if room is None:
        return value
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{what}: expected an integer, found {value!r}") from None
    if value not in room:
        raise OverflowError(f"{what}: expected {room.start} to {room.stop - 1}, found {value}")
    return value


def _set_field(struct, name, value):
    """What struct.name = value does for a struct of the library."""
    what, kind = f"{type(struct).__name__}.{name}", dict(struct._fields_).get(name)
    fitting = _fitting(what, kind, value)
    try:
        if kind is ctypes.c_char_p and value is not None:
            fitting = os.fsencode(value)  # of a number it would be the address
        ctypes.Structure.__setattr__(struct, name, fitting)
    except TypeError as error:
        raise TypeError(f"{what}: {error}, found {value!r}") from None


for _struct in api.STRUCTS:
    _struct.__setattr__ = _set_field


def _function(function, name, kinds):
    """A function of the library that refuses integers which its parameters cannot hold."""

    def call(*arguments):
        if len(arguments) != len(kinds):
            raise TypeError(f"{name}: expected {len(kinds)} arguments, found {len(arguments)}")
        whats = (f"{name}: argument {i}" for i in range(1, len(kinds) + 1))
        return function(*map(_fitting, whats, kinds, arguments))

    return call if any(map(_range, kinds)) else function


# ---- the library ----


def _cached():
    """The path of the library of this header, whether it is there or not."""
    digest = hashlib.sha256(HEADER.read_bytes()).hexdigest()[:16]
    return HERE / "cache" / f"libfmnist_nn.{digest}.so"


def build(compiler="cc"):
    """Compiles the library into cache/ beside this file, unless it is there. Takes some seconds.
    compiler: a command as a shell takes it, as "gcc -g"."""
    path = _cached()
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        line = [*shlex.split(compiler), *FLAGS.split(), str(HEADER), "-o", str(part), "-lm"]
        subprocess.run(line, check=True)
        part.replace(path)
    _library.cache_clear()
    return path


@functools.lru_cache(maxsize=None)
def _library():
    """The library, loaded at the first use: $FMNIST_NN_LIBRARY, build()'s, or the one beside."""
    given = os.environ.get("FMNIST_NN_LIBRARY")
    places = [Path(given)] if given else [HERE / "libfmnist_nn.so"]
    if not given and HEADER.exists():
        places.insert(0, _cached())
    found = [path for path in places if path.exists()]
    if not found:
        raise ImportError(
            f"expected the library at {places[-1]}, found none; fmnist_nn.build() makes it, or\n"
            f"    cc {FLAGS} fmnist_nn.h -o {places[-1]} -lm"
        )
    library, functions = ctypes.CDLL(str(found[0])), types.SimpleNamespace()
    for name, (result, parameters) in api.FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            raise ImportError(f"{found[0]}: expected {name} in it, found none; make it anew")
        function.restype, function.argtypes = result, parameters
        setattr(functions, name, _function(function, name, parameters))
    version = functions.fnn_info(None).decode()
    if not version.startswith(f"fmnist_nn {api.FNN_VERSION}, float"):
        raise ImportError(f"{found[0]}: expected version {api.FNN_VERSION}, float, found {version}")
    return functions


def __getattr__(name):
    """nn.adam is the library's fnn_adam; what is a method of Model or Dataset is not here."""
    for owner in Model, Dataset:
        if hasattr(owner, name):  # the library's function wants a pointer to such a one
            raise AttributeError(f"module fmnist_nn has no {name}: see {owner.__name__}.{name}")
    if f"fnn_{name}" not in api.FUNCTIONS:
        raise AttributeError(f"module fmnist_nn has no {name}, nor the library an fnn_{name}")
    return getattr(_library(), f"fnn_{name}")


def _check(result, error=None):
    if result:
        message = error.message if error else _library().fnn_result_text(result)
        raise Error(result, message.decode(errors="replace"))


def _choice(what, kind, prefix, word):
    """The number of a word in one of the library's lists: "relu" of FNN_RELU."""
    words = [name[len(prefix) :].lower() for name in api.ENUMS[kind]]
    if word in words:
        return words.index(word)
    raise ValueError(f"{what}: expected one of {', '.join(words)}, found {word!r}")


# ---- arrays ----


def _array(what, x, *dtypes):
    """x, if it is an array that C can take as it is."""
    names = " or ".join(np.dtype(d).name for d in dtypes)
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{what}: expected a NumPy array of {names}, found {type(x).__name__}")
    if x.dtype not in [np.dtype(d) for d in dtypes]:
        raise TypeError(f"{what}: expected {names}, found {x.dtype}; .astype() converts")
    if not (x.flags.c_contiguous and x.flags.aligned):
        raise ValueError(f"{what}: expected a C-contiguous, aligned array; np.copy() makes one")
    return x


def _view(address, shape, dtype, owner, writeable=True):
    """An array over memory of the library's, which `owner` keeps."""
    dtype = np.dtype(dtype)
    bytes_ = (ctypes.c_uint8 * (int(np.prod(shape)) * dtype.itemsize)).from_address(address)
    bytes_.owner = owner
    memory = memoryview(bytes_) if writeable else memoryview(bytes_).toreadonly()
    return np.frombuffer(memory, dtype).reshape(shape)


class Dataset:
    """Samples x with labels or targets.

    x: (count, height, width, channels), (count, height, width) of one channel or (count, columns);
    uint8 or float32. labels: (count,) int32 class numbers from 0; classes: how many there are, the
    largest label + 1 unless told. targets: (count, numbers) float32. weights: (count,) float32.
    """

    def __init__(self, x, labels=None, targets=None, classes=None, weights=None, class_names=None):
        _array("x", x, np.uint8, np.float32)
        if x.ndim not in (2, 3, 4) or 0 in x.shape:
            raise ValueError(f"x: expected 2 to 4 dimensions above 0, found shape {x.shape}")
        shape = {2: (1, 1, *x.shape[1:]), 3: (*x.shape[1:], 1), 4: x.shape[1:]}[x.ndim]
        self._keep = [x, labels, targets, weights]
        self.struct = c = api.fnn_dataset(x.shape[0], *shape)
        self._free = _library().fnn_dataset_free
        if x.dtype == np.uint8:
            c.bytes = x.ctypes.data
        else:
            c.reals = x.ctypes.data
        if labels is not None:
            c.labels = self._rows("labels", labels, np.int32, 1).ctypes.data
            c.classes = int(labels.max()) + 1 if classes is None else classes
        if targets is not None:
            c.targets = self._rows("targets", targets, np.float32, 2).ctypes.data
            c.target_count = targets.shape[1]
            c.classes = c.classes if classes is None else classes
        if weights is not None:
            c.weights = self._rows("weights", weights, np.float32, 1).ctypes.data
        if class_names is not None:
            names = (ctypes.c_char_p * len(class_names))(*(n.encode() for n in class_names))
            if len(names) != c.classes:
                raise ValueError(f"class_names: expected {c.classes}, found {len(names)}")
            self._keep.append(names)
            c.class_names = names
        self._check()

    def _check(self):
        """Raises what is wrong with it, such as a label that is no class."""
        error = api.fnn_error()
        _check(_library().fnn_dataset_check(ctypes.byref(self.struct), ctypes.byref(error)), error)

    def _rows(self, what, array, dtype, dimensions):
        _array(what, array, dtype)
        count = len(self._keep[0])
        if array.ndim != dimensions or len(array) != count:
            form = f"({count},)" if dimensions == 1 else f"({count}, numbers)"
            raise ValueError(f"{what}: expected shape {form}, found {array.shape}")
        return array

    @classmethod
    def _made(cls, count, function, *arguments, keep=()):
        """So many data sets that a function of the library fills; they free what they own."""
        made = [cls.__new__(cls) for _ in range(count)]
        for data in made:
            data.struct, data._keep = api.fnn_dataset(), list(keep)
            data._free = _library().fnn_dataset_free
        error = api.fnn_error()
        outputs = [ctypes.byref(data.struct) for data in made]
        _check(function(*arguments, *outputs, ctypes.byref(error)), error)
        return made

    def __del__(self):
        if hasattr(self, "_free"):
            self._free(ctypes.byref(self.struct))

    def __reduce_ex__(self, _):
        """What copy and pickle ask for: they would copy addresses."""
        raise TypeError(
            "a fmnist_nn.Dataset is not copied: fmnist_nn.Dataset(d.x.copy(), d.labels.copy()) "
            "makes another one, d.split() views of it; of these the arrays can be pickled"
        )

    @classmethod
    def fashion_mnist(cls, directory=None):
        """(train, test), found as fnn_read_fashion_mnist does."""
        directory = directory and os.fsencode(directory)
        return cls._made(2, _library().fnn_read_fashion_mnist, directory, None)

    @classmethod
    def cifar10(cls, directory=None):
        """(train, test), found as fnn_read_cifar10 does."""
        return cls._made(2, _library().fnn_read_cifar10, directory and os.fsencode(directory), None)

    @classmethod
    def idx(cls, images, labels=None):
        """Images, and labels, of IDX files, plain or gzip."""
        paths = os.fsencode(images), labels and os.fsencode(labels)
        return cls._made(1, _library().fnn_read_idx, *paths, None)[0]

    def split(self, count, order="stratified", seed=0):
        """(the first `count` samples, the others): views of the same rows, in an order of
        fnn_dataset_split: keep, shuffle or stratified."""
        order = _choice("order", "fnn_order", "FNN_ORDER_", order)
        data = ctypes.byref(self.struct)
        return self._made(2, _library().fnn_dataset_split, data, count, order, seed, keep=[self])

    def __len__(self):
        return self.struct.count

    def _of_rows(self, address, shape, dtype):
        c = self.struct
        if not address:
            return None
        rows = c.rows if c.rows else c.count
        given = [a for a in self._keep if isinstance(a, np.ndarray) and a.ctypes.data == address]
        writeable = all(a.flags.writeable for a in given)
        array = _view(address, (rows, *shape), dtype, self, writeable)
        return array[_view(c.index, (c.count,), np.int64, self)] if c.index else array

    @property
    def x(self):
        """(count, height, width, channels); of a view a copy of its rows."""
        c = self.struct
        kind = np.uint8 if c.bytes else np.float32
        return self._of_rows(c.bytes or c.reals, (c.height, c.width, c.channels), kind)

    @property
    def labels(self):
        """(count,) or None."""
        return self._of_rows(self.struct.labels, (), np.int32)

    @property
    def targets(self):
        """(count, numbers) or None."""
        return self._of_rows(self.struct.targets, (self.struct.target_count,), np.float32)

    @property
    def class_names(self):
        """Names, or None."""
        c = self.struct
        return [c.class_names[i].decode() for i in range(c.classes)] if c.class_names else None


# ---- callbacks and signals ----


class _Calls:
    """What a fit in C calls, and what ends it. Nothing that Python raises can pass through C: it
    ends the fit, and `raised` keeps it for afterwards.

    Handlers of signals raise, too: Ctrl-C's raises KeyboardInterrupt. Python runs them as soon as
    C calls it, which is on entry of after_epoch, before its `try`. So the handlers themselves are
    made to catch; not so within the user's callback, which may want to catch it.
    """

    def __init__(self, callback):
        self.callback, self.calling = callback, False
        self.raised, self.stop = None, ctypes.c_int(0)

    def after_epoch(self, _, epoch):
        end = False
        try:
            self.calling = True
            if self.callback:  # with a copy, since C gives up its own
                end = bool(self.callback(api.fnn_epoch.from_buffer_copy(epoch.contents)))
            self.calling = False
        except BaseException as error:
            self.calling = False
            self.raised = error
        return end or self.raised is not None

    def _catching(self, handler):
        def handle(number, frame):
            try:
                handler(number, frame)
            except BaseException as error:
                if self.calling:
                    raise
                self.raised, self.stop.value = error, 1

        return handle

    @contextlib.contextmanager
    def signals(self):
        """Handlers catch in here, and are the old ones behind it. Only the main thread runs any."""
        with contextlib.ExitStack() as after:
            if threading.current_thread() is threading.main_thread():
                handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
                for number, handler in handlers.items():
                    if callable(handler):
                        after.callback(signal.signal, number, handler)
                        signal.signal(number, self._catching(handler))
                if handlers[signal.SIGINT] is signal.default_int_handler:
                    self._watch(after)
            yield

    def _watch(self, after):
        """Makes Ctrl-C stop a fit within its epoch, when no handler can run: Python at once writes
        the number of a signal to a socket, and a thread that reads it sets stop."""
        here, there = socket.socketpair()
        there.setblocking(False)

        def watch():
            while number := here.recv(1):
                if number[0] == signal.SIGINT and not self.calling:
                    self.stop.value = 1

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        before = signal.set_wakeup_fd(there.fileno())
        for step in (here.close, thread.join, there.close):  # of which the last comes first
            after.callback(step)
        after.callback(signal.set_wakeup_fd, before)


# ---- models ----


class Model:
    """A network for samples (height, width, channels), or Model(columns) for a table.

    threads: 0 is as many as OpenMP would use; seed: of weights and dropout. Layers are added from
    the input upwards by the methods named as the library's builders; each returns its number.
    """

    def __init__(self, *shape, threads=0, seed=0):
        if len(shape) not in (1, 3):
            raise TypeError(f"shape: expected height, width, channels or columns, found {shape}")
        config = self._config(threads)
        shape = [_fitting("shape", ctypes.c_int, n) for n in (1, 1, *shape)[-3:]]
        self._take(_library().fnn_sequential_with(ctypes.byref(config), *shape))
        self._do("fnn_set_seed", seed)

    @staticmethod
    def _config(threads):
        config = _library().fnn_context_config_init()
        config.threads = threads if threads else api.FNN_THREADS_OPENMP
        return config

    def _take(self, model):
        self._model, self._free = model, _library().fnn_model_free

    def __del__(self):
        if hasattr(self, "_free"):
            self._free(self._model)

    def __copy__(self):
        """A second model like this one, see fnn_copy."""
        return self._loaded(_library().fnn_copy, self._model, None)

    def __deepcopy__(self, _):
        return self.__copy__()

    def __reduce_ex__(self, _):
        raise TypeError("a fmnist_nn.Model is not pickled: its save() and load() are for this")

    @classmethod
    def _loaded(cls, function, *arguments):
        """The model that a function of the library makes."""
        error = api.fnn_error()
        address = function(*arguments, ctypes.byref(error))
        if not address:
            _check(error.code, error)
        model = cls.__new__(cls)
        model._take(address)
        return model

    def _error(self):
        return _library().fnn_model_error(self._model).contents

    def _do(self, name, *arguments):
        """Calls a function of the library on the model, which keeps the message if it fails."""
        self._done(getattr(_library(), name)(self._model, *arguments))

    def _done(self, result):
        if result:
            raise Error(result, self._error().message.decode(errors="replace"))

    def _add(self, name, *arguments):
        """Calls a builder."""
        layer = getattr(_library(), name)(self._model, *arguments)
        if layer < 0:
            raise Error(self._error().code, self._error().message.decode(errors="replace"))
        return layer

    def dense(self, units, activation="linear", no_bias=False):
        c = _library().fnn_dense_config_init()
        c.units, c.no_bias = units, no_bias
        c.activation = _choice("activation", "fnn_activation", "FNN_", activation)
        return self._add("fnn_dense_with", ctypes.byref(c))

    def conv2d(self, filters, kernel=3, padding="same", activation="linear", stride=1, pad=0,
               no_bias=False):  # fmt: skip
        """kernel, stride and pad (of padding "explicit"): a number, or one for height and width."""
        c = _library().fnn_conv2d_config_init()
        c.filters, c.no_bias = filters, no_bias
        c.kernel_height, c.kernel_width = _pair("kernel", kernel)
        c.stride_height, c.stride_width = _pair("stride", stride)
        c.pad_height, c.pad_width = _pair("pad", pad)
        c.padding = _choice("padding", "fnn_padding", "FNN_", padding)
        c.activation = _choice("activation", "fnn_activation", "FNN_", activation)
        return self._add("fnn_conv2d_with", ctypes.byref(c))

    def pool2d(self, size, stride=None, padding="valid", pad=0, average=False):
        """size, stride (unless told as the size) and pad: a number, or one for height and width."""
        c = _library().fnn_pool2d_config_init()
        c.average, c.padding = average, _choice("padding", "fnn_padding", "FNN_", padding)
        c.height, c.width = _pair("size", size)
        c.stride_height, c.stride_width = _pair("stride", size if stride is None else stride)
        c.pad_height, c.pad_width = _pair("pad", pad)
        return self._add("fnn_pool2d_with", ctypes.byref(c))

    def max_pool2d(self, size):
        return self._add("fnn_max_pool2d", size)

    def average_pool2d(self, size):
        return self._add("fnn_average_pool2d", size)

    def global_average_pool2d(self):
        return self._add("fnn_global_average_pool2d")

    def batch_norm(self, momentum=0.99, epsilon=1e-3):
        c = _library().fnn_batch_norm_config_init()
        c.momentum, c.epsilon = momentum, epsilon
        return self._add("fnn_batch_norm_with", ctypes.byref(c))

    def add(self, layer):
        """Adds the output of a layer before, -1 for the input."""
        return self._add("fnn_add", layer)

    def activate(self, activation, parameter=0.0):
        activation = _choice("activation", "fnn_activation", "FNN_", activation)
        return self._add("fnn_activate", activation, parameter)

    def dropout(self, rate):
        return self._add("fnn_dropout", rate)

    def spatial_dropout(self, rate):
        return self._add("fnn_spatial_dropout", rate)

    def flatten(self):
        return self._add("fnn_flatten")

    def set_loss(self, loss, label_smoothing=0.0, epsilon=0.0):
        """loss: "softmax_cross_entropy", which it is at first, "mean_squared_error" and so on."""
        loss = _choice("loss", "fnn_loss_kind", "FNN_LOSS_", loss)
        self._do("fnn_set_loss", loss, label_smoothing, epsilon)

    def normalize(self, kind, data):
        """Of inputs, by the statistics of data: "divide_255", "standardize" and so on."""
        kind = _choice("kind", "fnn_normalization", "FNN_NORMALIZE_", kind)
        self._do("fnn_normalize", kind, ctypes.byref(_dataset("data", data).struct))

    def normalize_targets(self, kind, data):
        kind = _choice("kind", "fnn_normalization", "FNN_NORMALIZE_", kind)
        self._do("fnn_normalize_targets", kind, ctypes.byref(_dataset("data", data).struct))

    def summary(self):
        """Layers, shapes and parameters, as text."""
        size = _library().fnn_summary(self._model, None, 0) + 1
        text = ctypes.create_string_buffer(size)
        _library().fnn_summary(self._model, text, size)
        return text.value.decode()

    def words(self):
        """The layers in the words of model files."""
        text = ctypes.create_string_buffer(300)
        result = []
        for layer in range(_library().fnn_layer_count(self._model)):
            _library().fnn_layer_words(self._model, layer, text, len(text))
            result.append(text.value.decode())
        return result

    # -- training --

    def fit(self, data, validation=None, callback=None, **config):
        """Trains on data. config: fields of fnn_fit_config, as epochs=10, optimizer=nn.adam(1e-3).

        callback(epoch), an api.fnn_epoch, is called after each epoch; what it returns, if true,
        ends the fit; so does what it raises, which then goes on from here. Ctrl-C ends it after
        the step it is at, what other handlers of signals raise after the epoch.
        Returns all epochs as an array with the fields of fnn_epoch.
        """
        return self._fit("fnn_fit", data, validation, callback, config)

    def resume(self, data, validation=None, callback=None, **config):
        """Goes on with the last fit, or that of a checkpoint that was loaded: see fnn_resume."""
        return self._fit("fnn_resume", data, validation, callback, config)

    def _fit(self, name, data, validation, callback, config):
        c, kinds = _library().fnn_fit_config_init(), dict(api.fnn_fit_config._fields_)
        for field, value in config.items():
            if kinds.get(field, ctypes.c_void_p) is ctypes.c_void_p:
                raise TypeError(f"{name}: fnn_fit_config has no {field} to be set here")
            setattr(c, field, value)
        if validation is not None:
            c.validation = ctypes.pointer(_dataset("validation", validation).struct)
        calls = _Calls(callback)
        c.callback, c.stop = kinds["callback"](calls.after_epoch), ctypes.addressof(calls.stop)
        data, history = _dataset("data", data), api.fnn_history()
        arguments = [ctypes.byref(struct) for struct in (data.struct, c, history)]
        try:
            with calls.signals():
                result = getattr(_library(), name)(self._model, *arguments)
            if calls.raised:
                raise calls.raised
            self._done(result)
            kind = np.dtype(api.fnn_epoch._fields_, align=True)
            if not history.count:
                return np.empty(0, kind)
            address = ctypes.addressof(history.epochs.contents)
            return _view(address, (history.count,), kind, None).copy()
        finally:
            _library().fnn_history_free(ctypes.byref(history))

    # -- use --

    def predict(self, x, out=None):
        """The outputs (count, outputs) for samples x, an array or a Dataset; into out, if given."""
        return self._outputs("fnn_predict", x, self._shape("output")[0], out)

    def predict_layer(self, x, layer, out=None):
        """The output of a layer, (count, height, width, channels)."""
        shape, count = (ctypes.c_int * 3)(), _library().fnn_layer_count(self._model)
        if _fitting("layer", ctypes.c_int, layer) not in range(-1, count):
            raise ValueError(f"layer: expected -1 to {count - 1}, found {layer}")
        self._do("fnn_layer_shape", layer, shape)
        return self._outputs("fnn_predict_layer", x, tuple(shape), out, layer)

    def predict_classes(self, x):
        """The number of each sample's largest output."""
        data = self._samples(x)
        classes = np.empty(len(data), np.int32)
        self._infer("fnn_predict_classes", data, classes.ctypes.data)
        return classes

    def evaluate(self, data):
        """An api.fnn_metrics: loss, score, accuracy, r2, count."""
        metrics = api.fnn_metrics()
        self._infer("fnn_evaluate", _dataset("data", data), ctypes.byref(metrics))
        return metrics

    def _infer(self, name, data, *arguments):
        """Calls a function that gives no more than a result: when it fails others tell why, which
        are data's check and, where samples need labels or targets, a copy's fit of no epochs."""
        result = getattr(_library(), name)(self._model, None, ctypes.byref(data.struct), *arguments)
        if result:
            data._check()
            if name == "fnn_evaluate":
                self.__copy__().fit(data, epochs=0)
        _check(result)

    def _shape(self, which):
        shapes = {"input": (ctypes.c_int * 3)(), "output": (ctypes.c_int * 3)()}
        self._do("fnn_shapes", shapes["input"], shapes["output"])
        return (int(np.prod(shapes[which])),) if which == "output" else tuple(shapes[which])

    def _samples(self, x):
        data = x if isinstance(x, Dataset) else Dataset(x)
        expected, c = self._shape("input"), data.struct
        found = (c.height, c.width, c.channels)
        if found != expected:
            raise ValueError(f"x: expected samples of shape {expected}, found {found}")
        return data

    def _outputs(self, name, x, shape, out, *arguments):
        data = self._samples(x)
        shape = (len(data), *(shape if isinstance(shape, tuple) else (shape,)))
        if out is None:
            out = np.empty(shape, np.float32)
        elif not _array("out", out, np.float32).flags.writeable:
            raise ValueError("out: expected an array that may be written to")
        elif out.shape != shape:
            raise ValueError(f"out: expected shape {shape}, found {out.shape}")
        self._infer(name, data, *arguments, out.ctypes.data)
        return out

    def tensor(self, layer, name):
        """The values of a layer's "weight", "bias" and so on: written to, they are the model's."""
        t, count = api.fnn_tensor(), ctypes.c_size_t()
        where = layer, name.encode()
        address = _library().fnn_tensor_values(self._model, *where, ctypes.byref(count))
        if not address:
            raise Error(self._error().code, self._error().message.decode(errors="replace"))
        _check(_library().fnn_tensor_get(self._model, *where, ctypes.byref(t)))
        return _view(address, tuple(t.shape[: t.dimensions]), np.float32, self)

    # -- files --

    def set_names(self, data):
        """Takes over the names of classes and features, which go into the file."""
        self._do("fnn_seal")
        self._do("fnn_set_names", ctypes.byref(_dataset("data", data).struct))

    def class_name(self, number):
        name = _library().fnn_class_name(self._model, number)
        return name and name.decode()

    def save(self, path):
        error = api.fnn_error()
        _check(_library().fnn_save(self._model, os.fsencode(path), ctypes.byref(error)), error)

    @classmethod
    def load(cls, path, threads=0):
        config = ctypes.byref(cls._config(threads))
        return cls._loaded(_library().fnn_load, os.fsencode(path), config)


def _pair(what, n):
    """(height, width) of a number for both, or of the two."""
    try:
        return (operator.index(n),) * 2
    except TypeError:
        if np.shape(n) == (2,):
            return n
    raise TypeError(f"{what}: expected an integer, or one for height and width, found {n!r}")


def _dataset(what, data):
    if isinstance(data, Dataset):
        return data
    raise TypeError(f"{what}: expected a fmnist_nn.Dataset, found {type(data).__name__}")


# ---- matrices ----


def _matrix(what, x):
    """(transposed, leading dimension) of a matrix that BLAS can take as it lies in memory."""
    if not isinstance(x, np.ndarray) or x.dtype != np.float32 or x.ndim != 2:
        kind = f"{x.dtype} {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"{what}: expected a float32 matrix, found {kind}")
    for transposed in (0, 1):
        row, column = x.strides[::-1] if transposed else x.strides
        width = x.shape[0] if transposed else x.shape[1]
        if column == 4 and row % 4 == 0 and row >= 4 * width:
            return transposed, row // 4
    raise ValueError(f"{what}: expected rows or columns without gaps, found strides {x.strides}")


def sgemm(a, b, out=None, alpha=1.0, beta=0.0):
    """alpha a b + beta out, of float32 matrices, which may be transposed (x.T) or parts (x[:, 2:5])
    of others: they are taken as they lie. Into out, if given, else into a new matrix."""
    (ta, lda), (tb, ldb) = _matrix("a", a), _matrix("b", b)
    (m, k), n = a.shape, b.shape[1]
    if b.shape[0] != k:
        raise ValueError(f"b: expected {k} rows, as a has columns, found {b.shape[0]}")
    if out is None:
        out = np.zeros((m, n), np.float32)
    tc, ldc = _matrix("out", out)
    if out.shape != (m, n) or tc:
        raise ValueError(f"out: expected shape {(m, n)} row by row, found {out.shape}")
    if not out.flags.writeable or np.may_share_memory(out, a) or np.may_share_memory(out, b):
        raise ValueError("out: expected an array that may be written to, apart from a and b")
    pointers = a.ctypes.data, lda, b.ctypes.data, ldb, beta, out.ctypes.data, ldc
    _check(_library().fnn_sgemm(None, ta, tb, m, n, k, alpha, *pointers))
    return out
