"""Made by generate.py from the >>api of fmnist_nn.h, which explains it all."""

# ruff: noqa
# pylint: skip-file
import ctypes
from ctypes import (
    CFUNCTYPE, POINTER, c_char, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_ssize_t,
    c_uint64, c_uint8, c_void_p,
)

fnn_real = ctypes.c_float
FNN_VERSION = "0.2.0"
FNN_NUMERICS = 1
FNN_THREADS_OPENMP = -1
FNN_THREADS_MOST = 1024

# fnn_result
FNN_OK = 0
FNN_ERROR_ARGUMENT = 1
FNN_ERROR_MEMORY = 2
FNN_ERROR_FILE = 3
FNN_ERROR_FORMAT = 4
FNN_ERROR_STATE = 5
FNN_ERROR_NUMERIC = 6
FNN_RESULT_COUNT = 7

# fnn_isa
FNN_ISA_BEST = 0
FNN_ISA_SCALAR = 1
FNN_ISA_AVX2 = 2
FNN_ISA_AVX512 = 3
FNN_ISA_NEON = 4
FNN_ISA_SIMD128 = 5
FNN_ISA_COUNT = 6

# fnn_activation
FNN_LINEAR = 0
FNN_RELU = 1
FNN_LEAKY_RELU = 2
FNN_ELU = 3
FNN_GELU = 4
FNN_SIGMOID = 5
FNN_TANH = 6
FNN_SOFTMAX = 7
FNN_ACTIVATION_COUNT = 8

# fnn_order
FNN_ORDER_KEEP = 0
FNN_ORDER_SHUFFLE = 1
FNN_ORDER_STRATIFIED = 2
FNN_ORDER_COUNT = 3

# fnn_csv_label
FNN_CSV_LABEL_NONE = 0
FNN_CSV_LABEL_CLASS = 1
FNN_CSV_LABEL_NAME = 2
FNN_CSV_LABEL_TARGET = 3

# fnn_csv_role
FNN_CSV_FEATURE = 0
FNN_CSV_TEXT = 1
FNN_CSV_LABEL = 2
FNN_CSV_SKIPPED = 3
FNN_CSV_ROLE_COUNT = 4

# fnn_csv_missing
FNN_CSV_MISSING_REFUSE = 0
FNN_CSV_MISSING_MEAN = 1
FNN_CSV_MISSING_DROP = 2
FNN_CSV_MISSING_COUNT = 3

# fnn_normalization
FNN_NORMALIZE_NONE = 0
FNN_NORMALIZE_DIVIDE_255 = 1
FNN_NORMALIZE_MEAN = 2
FNN_NORMALIZE_MEAN_DIVIDE_255 = 3
FNN_NORMALIZE_STANDARDIZE = 4
FNN_NORMALIZE_MEAN_VARIANCE = 5
FNN_NORMALIZE_GIVEN = 6
FNN_NORMALIZATION_COUNT = 7

# fnn_initializer_kind
FNN_GLOROT_UNIFORM = 0
FNN_GLOROT_NORMAL = 1
FNN_HE_NORMAL = 2
FNN_HE_UNIFORM = 3
FNN_FAN_IN_UNIFORM = 4
FNN_NORMAL = 5
FNN_UNIFORM = 6
FNN_ZEROS = 7
FNN_INITIALIZER_COUNT = 8

# fnn_padding
FNN_VALID = 0
FNN_SAME = 1
FNN_EXPLICIT = 2
FNN_PADDING_COUNT = 3

# fnn_loss_kind
FNN_LOSS_SOFTMAX_CROSS_ENTROPY = 0
FNN_LOSS_CATEGORICAL_CROSS_ENTROPY = 1
FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY = 2
FNN_LOSS_MEAN_SQUARED_ERROR = 3
FNN_LOSS_MEAN_ABSOLUTE_ERROR = 4
FNN_LOSS_EPSILON_INSENSITIVE = 5
FNN_LOSS_BINARY_CROSS_ENTROPY = 6
FNN_LOSS_COUNT = 7

# fnn_optimizer_kind
FNN_SGD = 0
FNN_MOMENTUM = 1
FNN_ADAGRAD = 2
FNN_ADADELTA = 3
FNN_RMSPROP = 4
FNN_ADAM = 5
FNN_OPTIMIZER_COUNT = 6

# fnn_schedule_kind
FNN_SCHEDULE_CONSTANT = 0
FNN_SCHEDULE_STEP_DECAY = 1
FNN_SCHEDULE_EXPONENTIAL = 2
FNN_SCHEDULE_COSINE = 3
FNN_SCHEDULE_ONE_CYCLE = 4
FNN_SCHEDULE_LINEAR = 5
FNN_SCHEDULE_COUNT = 6

# fnn_flip
FNN_FLIP_NONE = 0
FNN_FLIP_RANDOM = 1
FNN_FLIP_ALTERNATING = 2
FNN_FLIP_COUNT = 3

# fnn_monitor
FNN_MONITOR_VALIDATION_LOSS = 0
FNN_MONITOR_VALIDATION_SCORE = 1
FNN_MONITOR_LOSS = 2
FNN_MONITOR_SCORE = 3
FNN_MONITOR_COUNT = 4

# fnn_weights_format
FNN_FROM_PYTORCH = 0
FNN_FROM_KERAS = 1
FNN_FROM_MODEL = 2
FNN_WEIGHTS_FORMAT_COUNT = 3

# fnn_candidate_state
FNN_CANDIDATE_UNFINISHED = 0
FNN_CANDIDATE_TRAINED = 1
FNN_CANDIDATE_DIVERGED = 2
FNN_CANDIDATE_SKIPPED = 3
FNN_CANDIDATE_COUNT = 4

# The same by their kinds, in the order of their values.
ENUMS = {
    "fnn_result": [
        "FNN_OK", "FNN_ERROR_ARGUMENT", "FNN_ERROR_MEMORY", "FNN_ERROR_FILE", "FNN_ERROR_FORMAT",
        "FNN_ERROR_STATE", "FNN_ERROR_NUMERIC",
    ],
    "fnn_isa": [
        "FNN_ISA_BEST", "FNN_ISA_SCALAR", "FNN_ISA_AVX2", "FNN_ISA_AVX512", "FNN_ISA_NEON",
        "FNN_ISA_SIMD128",
    ],
    "fnn_activation": [
        "FNN_LINEAR", "FNN_RELU", "FNN_LEAKY_RELU", "FNN_ELU", "FNN_GELU", "FNN_SIGMOID",
        "FNN_TANH", "FNN_SOFTMAX",
    ],
    "fnn_order": ["FNN_ORDER_KEEP", "FNN_ORDER_SHUFFLE", "FNN_ORDER_STRATIFIED"],
    "fnn_csv_label": [
        "FNN_CSV_LABEL_NONE", "FNN_CSV_LABEL_CLASS", "FNN_CSV_LABEL_NAME", "FNN_CSV_LABEL_TARGET",
    ],
    "fnn_csv_role": ["FNN_CSV_FEATURE", "FNN_CSV_TEXT", "FNN_CSV_LABEL", "FNN_CSV_SKIPPED"],
    "fnn_csv_missing": ["FNN_CSV_MISSING_REFUSE", "FNN_CSV_MISSING_MEAN", "FNN_CSV_MISSING_DROP"],
    "fnn_normalization": [
        "FNN_NORMALIZE_NONE", "FNN_NORMALIZE_DIVIDE_255", "FNN_NORMALIZE_MEAN",
        "FNN_NORMALIZE_MEAN_DIVIDE_255", "FNN_NORMALIZE_STANDARDIZE",
        "FNN_NORMALIZE_MEAN_VARIANCE", "FNN_NORMALIZE_GIVEN",
    ],
    "fnn_initializer_kind": [
        "FNN_GLOROT_UNIFORM", "FNN_GLOROT_NORMAL", "FNN_HE_NORMAL", "FNN_HE_UNIFORM",
        "FNN_FAN_IN_UNIFORM", "FNN_NORMAL", "FNN_UNIFORM", "FNN_ZEROS",
    ],
    "fnn_padding": ["FNN_VALID", "FNN_SAME", "FNN_EXPLICIT"],
    "fnn_loss_kind": [
        "FNN_LOSS_SOFTMAX_CROSS_ENTROPY", "FNN_LOSS_CATEGORICAL_CROSS_ENTROPY",
        "FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY", "FNN_LOSS_MEAN_SQUARED_ERROR",
        "FNN_LOSS_MEAN_ABSOLUTE_ERROR", "FNN_LOSS_EPSILON_INSENSITIVE",
        "FNN_LOSS_BINARY_CROSS_ENTROPY",
    ],
    "fnn_optimizer_kind": [
        "FNN_SGD", "FNN_MOMENTUM", "FNN_ADAGRAD", "FNN_ADADELTA", "FNN_RMSPROP", "FNN_ADAM",
    ],
    "fnn_schedule_kind": [
        "FNN_SCHEDULE_CONSTANT", "FNN_SCHEDULE_STEP_DECAY", "FNN_SCHEDULE_EXPONENTIAL",
        "FNN_SCHEDULE_COSINE", "FNN_SCHEDULE_ONE_CYCLE", "FNN_SCHEDULE_LINEAR",
    ],
    "fnn_flip": ["FNN_FLIP_NONE", "FNN_FLIP_RANDOM", "FNN_FLIP_ALTERNATING"],
    "fnn_monitor": [
        "FNN_MONITOR_VALIDATION_LOSS", "FNN_MONITOR_VALIDATION_SCORE", "FNN_MONITOR_LOSS",
        "FNN_MONITOR_SCORE",
    ],
    "fnn_weights_format": ["FNN_FROM_PYTORCH", "FNN_FROM_KERAS", "FNN_FROM_MODEL"],
    "fnn_candidate_state": [
        "FNN_CANDIDATE_UNFINISHED", "FNN_CANDIDATE_TRAINED", "FNN_CANDIDATE_DIVERGED",
        "FNN_CANDIDATE_SKIPPED",
    ],
}


class fnn_error(ctypes.Structure):
    pass


class fnn_allocator(ctypes.Structure):
    pass


class fnn_context_config(ctypes.Structure):
    pass


class fnn_dataset(ctypes.Structure):
    pass


class fnn_idx_config(ctypes.Structure):
    pass


class fnn_csv_column(ctypes.Structure):
    pass


class fnn_csv_config(ctypes.Structure):
    pass


class fnn_initializer(ctypes.Structure):
    pass


class fnn_conv2d_config(ctypes.Structure):
    pass


class fnn_dense_config(ctypes.Structure):
    pass


class fnn_pool2d_config(ctypes.Structure):
    pass


class fnn_batch_norm_config(ctypes.Structure):
    pass


class fnn_loss_batch(ctypes.Structure):
    pass


class fnn_tensor(ctypes.Structure):
    pass


class fnn_optimizer(ctypes.Structure):
    pass


class fnn_schedule(ctypes.Structure):
    pass


class fnn_augmentation(ctypes.Structure):
    pass


class fnn_epoch(ctypes.Structure):
    pass


class fnn_history(ctypes.Structure):
    pass


class fnn_fit_config(ctypes.Structure):
    pass


class fnn_metrics(ctypes.Structure):
    pass


class fnn_grid_axis(ctypes.Structure):
    pass


class fnn_trial(ctypes.Structure):
    pass


class fnn_figures(ctypes.Structure):
    pass


class fnn_search_fold(ctypes.Structure):
    pass


class fnn_candidate(ctypes.Structure):
    pass


class fnn_search(ctypes.Structure):
    pass


class fnn_search_config(ctypes.Structure):
    pass


class fnn_gradient_check(ctypes.Structure):
    pass


class fnn_window(ctypes.Structure):
    pass


fnn_loss_function = CFUNCTYPE(c_double, c_void_p, POINTER(fnn_loss_batch), c_void_p)
fnn_write_function = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
fnn_read_function = CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_size_t)

fnn_error._fields_ = [
    ("code", c_int),
    ("message", c_char * 256),
]

fnn_allocator._fields_ = [
    ("allocate", CFUNCTYPE(c_void_p, c_void_p, c_size_t)),
    ("release", CFUNCTYPE(None, c_void_p, c_void_p)),
    ("user", c_void_p),
]

fnn_context_config._fields_ = [
    ("isa", c_int),
    ("threads", c_int),
    ("allocator", fnn_allocator),
    ("no_winograd", c_int),
]

fnn_dataset._fields_ = [
    ("count", c_int64),
    ("height", c_int),
    ("width", c_int),
    ("channels", c_int),
    ("bytes", c_void_p),
    ("reals", c_void_p),
    ("labels", c_void_p),
    ("targets", c_void_p),
    ("classes", c_int),
    ("target_count", c_int),
    ("index", c_void_p),
    ("rows", c_int64),
    ("class_names", POINTER(c_char_p)),
    ("feature_names", POINTER(c_char_p)),
    ("weights", c_void_p),
    ("class_weights", c_void_p),
    ("allocator", fnn_allocator),
    ("encoding", c_void_p),
    ("owned", c_void_p * 8),
]

fnn_idx_config._fields_ = [
    ("transpose", c_int),
    ("compact_classes", c_int),
    ("same_classes", POINTER(fnn_dataset)),
]

fnn_csv_column._fields_ = [
    ("name", c_char_p),
    ("number", c_int),
    ("role", c_int),
]

fnn_csv_config._fields_ = [
    ("separator", c_char),
    ("header", c_int),
    ("label", c_int),
    ("label_column", c_int),
    ("compact_classes", c_int),
    ("same_classes", POINTER(fnn_dataset)),
    ("keep_bytes", c_int),
    ("height", c_int),
    ("width", c_int),
    ("channels", c_int),
    ("skip_columns", c_void_p),
    ("skip_count", c_int),
    ("columns", POINTER(fnn_csv_column)),
    ("column_count", c_int),
    ("others", c_int),
    ("categories", c_int),
    ("missing", c_int),
    ("missing_words", c_char_p),
    ("comment", c_char),
    ("skip_lines", c_int),
    ("gzip_ratio", c_int),
]

fnn_initializer._fields_ = [
    ("kind", c_int),
    ("scale", fnn_real),
]

fnn_conv2d_config._fields_ = [
    ("filters", c_int),
    ("kernel_height", c_int),
    ("kernel_width", c_int),
    ("stride_height", c_int),
    ("stride_width", c_int),
    ("padding", c_int),
    ("activation", c_int),
    ("pad_height", c_int),
    ("pad_width", c_int),
    ("no_bias", c_int),
]

fnn_dense_config._fields_ = [
    ("units", c_int),
    ("activation", c_int),
    ("no_bias", c_int),
]

fnn_pool2d_config._fields_ = [
    ("average", c_int),
    ("height", c_int),
    ("width", c_int),
    ("stride_height", c_int),
    ("stride_width", c_int),
    ("padding", c_int),
    ("pad_height", c_int),
    ("pad_width", c_int),
]

fnn_batch_norm_config._fields_ = [
    ("momentum", fnn_real),
    ("epsilon", fnn_real),
    ("unbiased", c_int),
]

fnn_loss_batch._fields_ = [
    ("count", c_int),
    ("outputs", c_int),
    ("y", c_void_p),
    ("labels", c_void_p),
    ("targets", c_void_p),
    ("weights", c_void_p),
    ("rows", c_void_p),
]

fnn_tensor._fields_ = [
    ("name", c_char_p),
    ("values", c_void_p),
    ("gradient", c_void_p),
    ("dimensions", c_int),
    ("shape", c_int * 4),
    ("count", c_size_t),
    ("is_statistic", c_int),
]

fnn_optimizer._fields_ = [
    ("kind", c_int),
    ("learning_rate", fnn_real),
    ("momentum", fnn_real),
    ("rho", fnn_real),
    ("beta1", fnn_real),
    ("beta2", fnn_real),
    ("epsilon", fnn_real),
    ("weight_decay", fnn_real),
    ("start", fnn_real),
    ("nesterov", c_int),
    ("pytorch", c_int),
]

fnn_schedule._fields_ = [
    ("kind", c_int),
    ("warmup_steps", c_int64),
    ("every", c_int),
    ("gamma", c_double),
    ("lowest", c_double),
    ("rise", c_double),
    ("start", c_double),
    ("end", c_double),
]

fnn_augmentation._fields_ = [
    ("flip", c_int),
    ("shift", c_int),
    ("cutout_size", c_int),
    ("cutout_probability", c_double),
    ("cutout_fill", fnn_real),
]

fnn_epoch._fields_ = [
    ("epoch", c_int),
    ("step", c_int64),
    ("loss", c_double),
    ("score", c_double),
    ("validation_loss", c_double),
    ("validation_score", c_double),
    ("seconds", c_double),
    ("learning_rate", c_double),
]

fnn_history._fields_ = [
    ("epochs", POINTER(fnn_epoch)),
    ("count", c_int),
    ("capacity", c_int),
    ("allocator", fnn_allocator),
]

fnn_fit_config._fields_ = [
    ("optimizer", fnn_optimizer),
    ("schedule", fnn_schedule),
    ("epochs", c_int),
    ("batch_size", c_int),
    ("steps_per_epoch", c_int),
    ("shuffle", c_int),
    ("seed", c_uint64),
    ("augmentation", fnn_augmentation),
    ("validation", POINTER(fnn_dataset)),
    ("l2", fnn_real),
    ("l1", fnn_real),
    ("penalize_biases", c_int),
    ("clip_norm", fnn_real),
    ("clip_value", fnn_real),
    ("ema_decay", c_double),
    ("patience", c_int),
    ("monitor", c_int),
    ("min_delta", c_double),
    ("restore_best", c_int),
    ("ignore_nan", c_int),
    ("checkpoint", c_char_p),
    ("checkpoint_epochs", c_int),
    ("checkpoint_minutes", c_double),
    ("stop", c_void_p),
    ("verbose", c_int),
    ("callback", CFUNCTYPE(c_int, c_void_p, POINTER(fnn_epoch))),
    ("user", c_void_p),
]

fnn_metrics._fields_ = [
    ("loss", c_double),
    ("score", c_double),
    ("accuracy", c_double),
    ("r2", c_double),
    ("count", c_int64),
]

fnn_grid_axis._fields_ = [
    ("name", c_char_p),
    ("values", c_void_p),
    ("count", c_int),
    ("labels", POINTER(c_char_p)),
]

fnn_trial._fields_ = [
    ("values", c_void_p),
    ("candidate", c_int),
    ("fold", c_int),
    ("seed", c_uint64),
    ("train", POINTER(fnn_dataset)),
]

fnn_figures._fields_ = [
    ("loss", c_double),
    ("score", c_double),
    ("validation_loss", c_double),
    ("validation_score", c_double),
]

fnn_search_fold._fields_ = [
    ("result", c_int),
    ("figures", fnn_figures),
    ("history", fnn_history),
    ("seconds", c_double),
]

fnn_candidate._fields_ = [
    ("state", c_int),
    ("rank", c_int),
    ("values", c_void_p),
    ("folds", POINTER(fnn_search_fold)),
    ("trained", c_int),
    ("mean", fnn_figures),
    ("deviation", fnn_figures),
    ("seconds", c_double),
]

fnn_search._fields_ = [
    ("axes", POINTER(fnn_grid_axis)),
    ("axis_count", c_int),
    ("folds", c_int),
    ("candidates", POINTER(fnn_candidate)),
    ("count", c_int),
    ("best", c_int),
    ("model", c_void_p),
    ("history", fnn_history),
    ("seconds", c_double),
    ("score_name", c_char_p),
    ("allocator", fnn_allocator),
]

fnn_search_config._fields_ = [
    ("build", CFUNCTYPE(c_int, c_void_p, POINTER(fnn_trial), c_void_p, POINTER(fnn_fit_config))),
    ("user", c_void_p),
    ("folds", c_int),
    ("validation_share", c_double),
    ("validation", POINTER(fnn_dataset)),
    ("shuffle", c_int),
    ("seed", c_uint64),
    ("monitor", c_int),
    ("refit", c_int),
    ("first", c_int),
    ("every", c_int),
    ("context", fnn_context_config),
    ("verbose", c_int),
    ("callback", CFUNCTYPE(c_int, c_void_p, POINTER(fnn_search), c_int)),
]

fnn_gradient_check._fields_ = [
    ("worst", c_double),
    ("worst_layer", c_int),
    ("worst_is_bias", c_int),
    ("checked", c_int64),
]

fnn_window._fields_ = [
    ("height", c_int),
    ("width", c_int),
    ("channels", c_int),
    ("kernel_height", c_int),
    ("kernel_width", c_int),
    ("stride_height", c_int),
    ("stride_width", c_int),
    ("pad_top", c_int),
    ("pad_left", c_int),
    ("out_height", c_int),
    ("out_width", c_int),
]

STRUCTS = [
    fnn_error,
    fnn_allocator,
    fnn_context_config,
    fnn_dataset,
    fnn_idx_config,
    fnn_csv_column,
    fnn_csv_config,
    fnn_initializer,
    fnn_conv2d_config,
    fnn_dense_config,
    fnn_pool2d_config,
    fnn_batch_norm_config,
    fnn_loss_batch,
    fnn_tensor,
    fnn_optimizer,
    fnn_schedule,
    fnn_augmentation,
    fnn_epoch,
    fnn_history,
    fnn_fit_config,
    fnn_metrics,
    fnn_grid_axis,
    fnn_trial,
    fnn_figures,
    fnn_search_fold,
    fnn_candidate,
    fnn_search,
    fnn_search_config,
    fnn_gradient_check,
    fnn_window,
]

# name: (result, parameters)
FUNCTIONS = {
    "fnn_result_text": (c_char_p, [c_int]),
    "fnn_context_config_init": (fnn_context_config, []),
    "fnn_context_create": (c_void_p, [POINTER(fnn_context_config), POINTER(fnn_error)]),
    "fnn_context_free": (None, [c_void_p]),
    "fnn_info": (c_char_p, [c_void_p]),
    "fnn_isa_available": (c_int, [c_int]),
    "fnn_isa_name": (c_char_p, [c_int]),
    "fnn_dataset_images": (fnn_dataset, [c_void_p, c_void_p, c_int64, c_int, c_int, c_int, c_int]),
    "fnn_dataset_table": (fnn_dataset, [c_void_p, c_void_p, c_int64, c_int, c_int]),
    "fnn_dataset_regression": (fnn_dataset, [c_void_p, c_void_p, c_int64, c_int, c_int]),
    "fnn_dataset_free": (None, [POINTER(fnn_dataset)]),
    "fnn_dataset_check": (c_int, [POINTER(fnn_dataset), POINTER(fnn_error)]),
    "fnn_dataset_row": (c_int64, [POINTER(fnn_dataset), c_int64]),
    "fnn_dataset_label": (c_int32, [POINTER(fnn_dataset), c_int64]),
    "fnn_dataset_target": (c_void_p, [POINTER(fnn_dataset), c_int64]),
    "fnn_dataset_class_counts": (c_int, [POINTER(fnn_dataset), c_void_p]),
    "fnn_dataset_subset": (c_int, [
        POINTER(fnn_dataset), c_void_p, c_int64, POINTER(fnn_dataset), POINTER(fnn_error),
    ]),
    "fnn_dataset_shuffle": (c_int, [
        POINTER(fnn_dataset), c_uint64, POINTER(fnn_dataset), POINTER(fnn_error),
    ]),
    "fnn_dataset_split": (c_int, [
        POINTER(fnn_dataset), c_int64, c_int, c_uint64, POINTER(fnn_dataset), POINTER(fnn_dataset),
        POINTER(fnn_error),
    ]),
    "fnn_dataset_fold": (c_int, [
        POINTER(fnn_dataset), c_int, c_int, c_int, c_uint64, POINTER(fnn_dataset),
        POINTER(fnn_dataset), POINTER(fnn_error),
    ]),
    "fnn_read_idx": (c_int, [
        c_char_p, c_char_p, POINTER(fnn_allocator), POINTER(fnn_dataset), POINTER(fnn_error),
    ]),
    "fnn_idx_config_init": (fnn_idx_config, []),
    "fnn_read_idx_with": (c_int, [
        c_char_p, c_char_p, POINTER(fnn_idx_config), POINTER(fnn_allocator), POINTER(fnn_dataset),
        POINTER(fnn_error),
    ]),
    "fnn_read_fashion_mnist": (c_int, [
        c_char_p, POINTER(fnn_allocator), POINTER(fnn_dataset), POINTER(fnn_dataset),
        POINTER(fnn_error),
    ]),
    "fnn_read_cifar10": (c_int, [
        c_char_p, POINTER(fnn_allocator), POINTER(fnn_dataset), POINTER(fnn_dataset),
        POINTER(fnn_error),
    ]),
    "fnn_read_cifar10_files": (c_int, [
        POINTER(c_char_p), c_int, POINTER(fnn_allocator), POINTER(fnn_dataset), POINTER(fnn_error),
    ]),
    "fnn_csv_config_init": (fnn_csv_config, []),
    "fnn_read_csv": (c_int, [
        c_char_p, POINTER(fnn_csv_config), POINTER(fnn_allocator), POINTER(fnn_dataset),
        POINTER(fnn_error),
    ]),
    "fnn_normalization_compute": (c_int, [
        c_int, POINTER(fnn_dataset), c_void_p, c_void_p, POINTER(fnn_error),
    ]),
    "fnn_sequential": (c_void_p, [c_int, c_int, c_int]),
    "fnn_sequential_with": (c_void_p, [POINTER(fnn_context_config), c_int, c_int, c_int]),
    "fnn_model_free": (None, [c_void_p]),
    "fnn_copy": (c_void_p, [c_void_p, POINTER(fnn_context_config), POINTER(fnn_error)]),
    "fnn_model_error": (POINTER(fnn_error), [c_void_p]),
    "fnn_conv2d_config_init": (fnn_conv2d_config, []),
    "fnn_dense_config_init": (fnn_dense_config, []),
    "fnn_pool2d_config_init": (fnn_pool2d_config, []),
    "fnn_batch_norm_config_init": (fnn_batch_norm_config, []),
    "fnn_batch_norm_config_pytorch": (fnn_batch_norm_config, []),
    "fnn_dense": (c_int, [c_void_p, c_int, c_int]),
    "fnn_dense_with": (c_int, [c_void_p, POINTER(fnn_dense_config)]),
    "fnn_conv2d": (c_int, [c_void_p, c_int, c_int, c_int, c_int]),
    "fnn_conv2d_with": (c_int, [c_void_p, POINTER(fnn_conv2d_config)]),
    "fnn_max_pool2d": (c_int, [c_void_p, c_int]),
    "fnn_average_pool2d": (c_int, [c_void_p, c_int]),
    "fnn_pool2d_with": (c_int, [c_void_p, POINTER(fnn_pool2d_config)]),
    "fnn_global_average_pool2d": (c_int, [c_void_p]),
    "fnn_batch_norm": (c_int, [c_void_p]),
    "fnn_batch_norm_with": (c_int, [c_void_p, POINTER(fnn_batch_norm_config)]),
    "fnn_spatial_dropout": (c_int, [c_void_p, fnn_real]),
    "fnn_add": (c_int, [c_void_p, c_int]),
    "fnn_activate": (c_int, [c_void_p, c_int, fnn_real]),
    "fnn_dropout": (c_int, [c_void_p, fnn_real]),
    "fnn_flatten": (c_int, [c_void_p]),
    "fnn_set_initializer": (c_int, [c_void_p, fnn_initializer, fnn_initializer]),
    "fnn_set_seed": (c_int, [c_void_p, c_uint64]),
    "fnn_set_trainable": (c_int, [c_void_p, c_int, c_int]),
    "fnn_set_rate_factor": (c_int, [c_void_p, c_int, c_double]),
    "fnn_normalize": (c_int, [c_void_p, c_int, POINTER(fnn_dataset)]),
    "fnn_normalize_with": (c_int, [c_void_p, c_void_p, c_void_p, c_int]),
    "fnn_normalize_targets": (c_int, [c_void_p, c_int, POINTER(fnn_dataset)]),
    "fnn_set_loss": (c_int, [c_void_p, c_int, fnn_real, fnn_real]),
    "fnn_set_loss_function": (c_int, [c_void_p, fnn_loss_function, c_void_p]),
    "fnn_seal": (c_int, [c_void_p]),
    "fnn_summary": (c_size_t, [c_void_p, c_char_p, c_size_t]),
    "fnn_shapes": (c_int, [c_void_p, c_void_p, c_void_p]),
    "fnn_check_shapes": (c_int, [c_void_p, c_int, c_int, c_int, c_int, POINTER(fnn_error)]),
    "fnn_check_data": (c_int, [c_void_p, POINTER(fnn_dataset), c_int, POINTER(fnn_error)]),
    "fnn_layer_count": (c_int, [c_void_p]),
    "fnn_layer_name": (c_char_p, [c_void_p, c_int]),
    "fnn_layer_words": (c_size_t, [c_void_p, c_int, c_char_p, c_size_t]),
    "fnn_layer_shape": (c_int, [c_void_p, c_int, c_void_p]),
    "fnn_parameters": (c_void_p, [c_void_p, c_void_p]),
    "fnn_gradients": (c_void_p, [c_void_p, c_void_p]),
    "fnn_tensor_at": (c_int, [c_void_p, c_int, c_int, POINTER(fnn_tensor)]),
    "fnn_tensor_get": (c_int, [c_void_p, c_int, c_char_p, POINTER(fnn_tensor)]),
    "fnn_tensor_values": (c_void_p, [c_void_p, c_int, c_char_p, c_void_p]),
    "fnn_tensor_gradient": (c_void_p, [c_void_p, c_int, c_char_p, c_void_p]),
    "fnn_sgd": (fnn_optimizer, [c_double]),
    "fnn_momentum": (fnn_optimizer, [c_double, c_double]),
    "fnn_nesterov": (fnn_optimizer, [c_double, c_double]),
    "fnn_adagrad": (fnn_optimizer, [c_double]),
    "fnn_adadelta": (fnn_optimizer, [c_double]),
    "fnn_rmsprop": (fnn_optimizer, [c_double]),
    "fnn_adam": (fnn_optimizer, [c_double]),
    "fnn_adamw": (fnn_optimizer, [c_double, c_double]),
    "fnn_pytorch": (fnn_optimizer, [fnn_optimizer]),
    "fnn_schedule_constant": (fnn_schedule, []),
    "fnn_schedule_step_decay": (fnn_schedule, [c_int, c_double]),
    "fnn_schedule_exponential": (fnn_schedule, [c_double]),
    "fnn_schedule_cosine": (fnn_schedule, [c_double]),
    "fnn_schedule_one_cycle": (fnn_schedule, []),
    "fnn_schedule_linear": (fnn_schedule, []),
    "fnn_schedule_rate": (c_double, [POINTER(fnn_schedule), c_double, c_int64, c_int64, c_int]),
    "fnn_history_append": (c_int, [POINTER(fnn_history), POINTER(fnn_epoch)]),
    "fnn_history_free": (None, [POINTER(fnn_history)]),
    "fnn_fit_config_init": (fnn_fit_config, []),
    "fnn_fit": (c_int, [
        c_void_p, POINTER(fnn_dataset), POINTER(fnn_fit_config), POINTER(fnn_history),
    ]),
    "fnn_resume": (c_int, [
        c_void_p, POINTER(fnn_dataset), POINTER(fnn_fit_config), POINTER(fnn_history),
    ]),
    "fnn_best_epoch": (c_int, [c_void_p]),
    "fnn_forward": (c_int, [c_void_p, POINTER(fnn_dataset), c_void_p, c_int, c_int]),
    "fnn_outputs": (c_void_p, [c_void_p]),
    "fnn_loss": (c_int, [c_void_p, c_void_p]),
    "fnn_backward": (c_int, [c_void_p]),
    "fnn_backward_from": (c_int, [c_void_p, c_void_p]),
    "fnn_backward_to_input": (c_int, [c_void_p, c_void_p, c_void_p]),
    "fnn_step": (c_int, [c_void_p, POINTER(fnn_fit_config)]),
    "fnn_predict": (c_int, [c_void_p, c_void_p, POINTER(fnn_dataset), c_void_p]),
    "fnn_predict_one": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "fnn_predict_one_bytes": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "fnn_predict_layer": (c_int, [c_void_p, c_void_p, POINTER(fnn_dataset), c_int, c_void_p]),
    "fnn_predict_classes": (c_int, [c_void_p, c_void_p, POINTER(fnn_dataset), c_void_p]),
    "fnn_predict_augmented": (c_int, [
        c_void_p, c_void_p, POINTER(fnn_dataset), c_int, c_int, c_void_p,
    ]),
    "fnn_evaluate": (c_int, [c_void_p, c_void_p, POINTER(fnn_dataset), POINTER(fnn_metrics)]),
    "fnn_reserve": (c_int, [c_void_p, c_void_p]),
    "fnn_memory_size": (c_size_t, [c_void_p, c_int]),
    "fnn_set_class_names": (c_int, [c_void_p, POINTER(c_char_p), c_int]),
    "fnn_set_feature_names": (c_int, [c_void_p, POINTER(c_char_p), c_int]),
    "fnn_set_names": (c_int, [c_void_p, POINTER(fnn_dataset)]),
    "fnn_class_name": (c_char_p, [c_void_p, c_int]),
    "fnn_feature_name": (c_char_p, [c_void_p, c_int]),
    "fnn_set_note": (c_int, [c_void_p, c_char_p, c_char_p]),
    "fnn_note": (c_char_p, [c_void_p, c_char_p]),
    "fnn_save": (c_int, [c_void_p, c_char_p, POINTER(fnn_error)]),
    "fnn_check_writable": (c_int, [c_char_p, POINTER(fnn_error)]),
    "fnn_load": (c_void_p, [c_char_p, POINTER(fnn_context_config), POINTER(fnn_error)]),
    "fnn_save_checkpoint": (c_int, [c_void_p, c_char_p, POINTER(fnn_error)]),
    "fnn_save_to": (c_int, [c_void_p, fnn_write_function, c_void_p, POINTER(fnn_error)]),
    "fnn_load_from": (c_void_p, [
        fnn_read_function, c_void_p, POINTER(fnn_context_config), POINTER(fnn_error),
    ]),
    "fnn_save_memory": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p, POINTER(fnn_error)]),
    "fnn_load_memory": (c_void_p, [
        c_void_p, c_size_t, POINTER(fnn_context_config), POINTER(fnn_error),
    ]),
    "fnn_load_weights": (c_int, [c_void_p, c_char_p, c_int, POINTER(c_char_p), c_int]),
    "fnn_search_config_init": (fnn_search_config, []),
    "fnn_grid_search": (c_int, [
        POINTER(fnn_dataset), POINTER(fnn_grid_axis), c_int, POINTER(fnn_search_config),
        POINTER(fnn_search), POINTER(fnn_error),
    ]),
    "fnn_search_finish": (c_int, [
        POINTER(fnn_dataset), POINTER(fnn_search_config), POINTER(fnn_search), POINTER(fnn_error),
    ]),
    "fnn_search_free": (None, [POINTER(fnn_search)]),
    "fnn_search_table": (c_size_t, [POINTER(fnn_search), c_int, c_char_p, c_size_t]),
    "fnn_search_save_csv": (c_int, [POINTER(fnn_search), c_char_p, POINTER(fnn_error)]),
    "fnn_search_save_histories": (c_int, [POINTER(fnn_search), c_char_p, POINTER(fnn_error)]),
    "fnn_accuracy_on": (c_double, [c_void_p, POINTER(fnn_dataset), c_int]),
    "fnn_top_k_on": (c_double, [c_void_p, POINTER(fnn_dataset), c_int, c_int]),
    "fnn_confusion_on": (c_int, [c_void_p, POINTER(fnn_dataset), c_int, c_void_p]),
    "fnn_r2_on": (c_double, [c_void_p, POINTER(fnn_dataset), c_int]),
    "fnn_accuracy": (c_double, [c_void_p, c_void_p, c_int64, c_int]),
    "fnn_binary_accuracy": (c_double, [c_void_p, c_void_p, c_int64, c_int, c_double]),
    "fnn_top_k": (c_double, [c_void_p, c_void_p, c_int64, c_int, c_int]),
    "fnn_confusion": (c_int, [c_void_p, c_void_p, c_int64, c_int, c_void_p]),
    "fnn_precision_recall": (c_int, [c_void_p, c_int, c_void_p, c_void_p, c_void_p]),
    "fnn_r2": (c_double, [c_void_p, c_void_p, c_int64, c_int]),
    "fnn_check_gradients": (c_int, [
        c_void_p, POINTER(fnn_dataset), POINTER(fnn_fit_config), c_double,
        POINTER(fnn_gradient_check), c_void_p,
    ]),
    "fnn_sgemm": (c_int, [
        c_void_p, c_int, c_int, c_ssize_t, c_ssize_t, c_ssize_t, fnn_real, c_void_p, c_ssize_t,
        c_void_p, c_ssize_t, fnn_real, c_void_p, c_ssize_t,
    ]),
    "fnn_exp": (c_int, [c_void_p, c_ssize_t, c_void_p, c_void_p]),
    "fnn_log": (c_int, [c_void_p, c_ssize_t, c_void_p, c_void_p]),
    "fnn_tanh": (c_int, [c_void_p, c_ssize_t, c_void_p, c_void_p]),
    "fnn_sigmoid": (c_int, [c_void_p, c_ssize_t, c_void_p, c_void_p]),
    "fnn_activation_forward": (c_int, [c_void_p, c_int, fnn_real, c_ssize_t, c_void_p, c_void_p]),
    "fnn_activation_backward": (c_int, [
        c_void_p, c_int, fnn_real, c_ssize_t, c_void_p, c_void_p, c_void_p, c_void_p,
    ]),
    "fnn_softmax": (c_int, [c_void_p, c_ssize_t, c_ssize_t, c_void_p, c_void_p]),
    "fnn_softmax_cross_entropy": (c_int, [
        c_void_p, c_ssize_t, c_ssize_t, c_void_p, c_void_p, c_void_p, fnn_real, fnn_real, c_void_p,
        c_void_p,
    ]),
    "fnn_sum": (c_int, [c_void_p, c_ssize_t, c_void_p, c_void_p]),
    "fnn_dot": (c_int, [c_void_p, c_ssize_t, c_void_p, c_void_p, c_void_p]),
    "fnn_from_bytes": (c_int, [c_void_p, c_ssize_t, c_void_p, c_int, c_void_p, c_void_p, c_void_p]),
    "fnn_dropout_apply": (c_int, [
        c_void_p, c_ssize_t, c_uint64, c_uint64, fnn_real, c_void_p, c_void_p,
    ]),
    "fnn_window_make": (c_int, [
        c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int, POINTER(fnn_window),
    ]),
    "fnn_window_make_padded": (c_int, [
        c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int, POINTER(fnn_window),
    ]),
    "fnn_conv2d_forward": (c_int, [
        c_void_p, POINTER(fnn_window), c_int, c_ssize_t, c_void_p, c_void_p, c_void_p, c_void_p,
    ]),
    "fnn_conv2d_backward_data": (c_int, [
        c_void_p, POINTER(fnn_window), c_int, c_ssize_t, c_void_p, c_void_p, c_void_p,
    ]),
    "fnn_conv2d_backward_weights": (c_int, [
        c_void_p, POINTER(fnn_window), c_int, c_ssize_t, c_void_p, c_void_p, c_void_p, c_void_p,
    ]),
    "fnn_max_pool2d_forward": (c_int, [
        c_void_p, POINTER(fnn_window), c_ssize_t, c_void_p, c_void_p, c_void_p,
    ]),
    "fnn_max_pool2d_backward": (c_int, [
        c_void_p, POINTER(fnn_window), c_ssize_t, c_void_p, c_void_p, c_void_p,
    ]),
    "fnn_average_pool2d_forward": (c_int, [
        c_void_p, POINTER(fnn_window), c_ssize_t, c_void_p, c_void_p,
    ]),
    "fnn_average_pool2d_backward": (c_int, [
        c_void_p, POINTER(fnn_window), c_ssize_t, c_void_p, c_void_p,
    ]),
    "fnn_im2col": (c_int, [c_void_p, POINTER(fnn_window), c_ssize_t, c_void_p, c_void_p]),
    "fnn_col2im": (c_int, [c_void_p, POINTER(fnn_window), c_ssize_t, c_void_p, c_void_p]),
    "fnn_batch_norm_forward": (c_int, [
        c_void_p, c_ssize_t, c_ssize_t, c_void_p, c_void_p, c_void_p, fnn_real, c_void_p, c_void_p,
        c_void_p,
    ]),
    "fnn_batch_norm_backward": (c_int, [
        c_void_p, c_ssize_t, c_ssize_t, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, fnn_real,
        c_void_p, c_void_p, c_void_p,
    ]),
}
