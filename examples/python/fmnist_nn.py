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

import ctypes
import functools
import hashlib
import os
import subprocess
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


# ---- the library ----


def _cached():
    """The path of the library of this header, whether it is there or not."""
    digest = hashlib.sha256(HEADER.read_bytes()).hexdigest()[:16]
    return HERE / "cache" / f"libfmnist_nn.{digest}.so"


def build(compiler="cc"):
    """Compiles the library into cache/ beside this file, unless it is there. Takes some seconds."""
    path = _cached()
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        line = [compiler, *FLAGS.split(), str(HEADER), "-o", str(part), "-lm"]
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
    library = ctypes.CDLL(str(found[0]))
    for name, (result, parameters) in api.FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            raise ImportError(f"{found[0]}: expected {name} in it, found none; make it anew")
        function.restype, function.argtypes = result, parameters
    version = library.fnn_info(None).decode()
    if not version.startswith(f"fmnist_nn {api.FNN_VERSION}, float"):
        raise ImportError(f"{found[0]}: expected version {api.FNN_VERSION}, float, found {version}")
    return library


def __getattr__(name):
    """nn.adam is the library's fnn_adam."""
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


def _view(address, shape, dtype, owner):
    """An array over memory of the library's, which `owner` keeps."""
    dtype = np.dtype(dtype)
    bytes_ = (ctypes.c_uint8 * (int(np.prod(shape)) * dtype.itemsize)).from_address(address)
    bytes_.owner = owner
    return np.frombuffer(bytes_, dtype).reshape(shape)


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
        self._keep, self._free = [x, labels, targets, weights], _library().fnn_dataset_free
        self.struct = c = api.fnn_dataset(x.shape[0], *shape)
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
        error = api.fnn_error()
        _check(_library().fnn_dataset_check(ctypes.byref(c), ctypes.byref(error)), error)

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
        array = _view(address, (rows, *shape), dtype, self)
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


# ---- models ----


class Model:
    """A network for samples (height, width, channels), or Model(columns) for a table.

    threads: 0 is as many as OpenMP would use; seed: of weights and dropout. Layers are added from
    the input upwards by the methods named as the library's builders; each returns its number.
    """

    def __init__(self, *shape, threads=0, seed=0):
        if len(shape) not in (1, 3) or not all(isinstance(n, int) for n in shape):
            raise TypeError(f"shape: expected height, width, channels or columns, found {shape}")
        config = self._config(threads)
        shape = shape if len(shape) == 3 else (1, 1, *shape)
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

    def _error(self):
        return _library().fnn_model_error(self._model).contents

    def _do(self, name, *arguments):
        """Calls a function of the library on the model, which keeps the message if it fails."""
        result = getattr(_library(), name)(self._model, *arguments)
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
        c.kernel_height, c.kernel_width = _pair(kernel)
        c.stride_height, c.stride_width = _pair(stride)
        c.pad_height, c.pad_width = _pair(pad)
        c.padding = _choice("padding", "fnn_padding", "FNN_", padding)
        c.activation = _choice("activation", "fnn_activation", "FNN_", activation)
        return self._add("fnn_conv2d_with", ctypes.byref(c))

    def pool2d(self, size, stride=None, padding="valid", pad=0, average=False):
        """size, stride (unless told as the size) and pad: a number, or one for height and width."""
        c = _library().fnn_pool2d_config_init()
        c.average, c.padding = average, _choice("padding", "fnn_padding", "FNN_", padding)
        c.height, c.width = _pair(size)
        c.stride_height, c.stride_width = _pair(size if stride is None else stride)
        c.pad_height, c.pad_width = _pair(pad)
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
        ends the fit; so does what it raises, Ctrl-C included, which then goes on from here.
        Returns all epochs as an array with the fields of fnn_epoch.
        """
        return self._fit("fnn_fit", data, validation, callback, config)

    def resume(self, data, validation=None, callback=None, **config):
        """Goes on with the last fit, or that of a checkpoint that was loaded: see fnn_resume."""
        return self._fit("fnn_resume", data, validation, callback, config)

    def _fit(self, name, data, validation, callback, config):
        raised = []

        def after_epoch(_, epoch):
            try:
                return bool(callback and callback(epoch.contents))
            except BaseException as error:  # even Ctrl-C: it cannot pass through C
                raised.append(error)
                return 1

        c = _library().fnn_fit_config_init()
        for field, value in config.items():
            if field in ("validation", "callback", "user") or not hasattr(c, field):
                raise TypeError(f"{name}: fnn_fit_config has no {field} to be set here")
            try:
                setattr(c, field, os.fsencode(value) if field == "checkpoint" else value)
            except TypeError as error:
                raise TypeError(f"{name}: {field}: {error}, found {value!r}") from None
        if validation is not None:
            c.validation = ctypes.pointer(_dataset("validation", validation).struct)
        c.callback = dict(api.fnn_fit_config._fields_)["callback"](after_epoch)
        history = api.fnn_history()
        try:
            self._do(name, ctypes.byref(_dataset("data", data).struct), ctypes.byref(c),
                     ctypes.byref(history))  # fmt: skip
            if raised:
                raise raised[0]
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
        shape = (ctypes.c_int * 3)()
        _check(_library().fnn_layer_shape(self._model, layer, shape))
        return self._outputs("fnn_predict_layer", x, tuple(shape), out, layer)

    def predict_classes(self, x):
        """The number of each sample's largest output."""
        data = self._samples(x)
        classes = np.empty(len(data), np.int32)
        function, samples = _library().fnn_predict_classes, ctypes.byref(data.struct)
        _check(function(self._model, None, samples, classes.ctypes.data))
        return classes

    def evaluate(self, data):
        """An api.fnn_metrics: loss, score, accuracy, r2, count."""
        metrics = api.fnn_metrics()
        data = ctypes.byref(_dataset("data", data).struct)
        _check(_library().fnn_evaluate(self._model, None, data, ctypes.byref(metrics)))
        return metrics

    def _shape(self, which):
        shapes = {"input": (ctypes.c_int * 3)(), "output": (ctypes.c_int * 3)()}
        _check(_library().fnn_shapes(self._model, shapes["input"], shapes["output"]))
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
        function, samples = getattr(_library(), name), ctypes.byref(data.struct)
        _check(function(self._model, None, samples, *arguments, out.ctypes.data))
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
        error, config = api.fnn_error(), cls._config(threads)
        address = _library().fnn_load(os.fsencode(path), ctypes.byref(config), ctypes.byref(error))
        if not address:
            _check(error.code, error)
        model = cls.__new__(cls)
        model._take(address)
        return model


def _pair(n):
    return (n, n) if isinstance(n, int) else n


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
