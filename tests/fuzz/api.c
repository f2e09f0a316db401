/* Calls of the API in any order, with sizes, rates and settings that nobody means: each fails with
 * a reason or does its work. An input is a program, read from its end: a byte says which call,
 * those behind it with what. */
#include "fuzz.h"

enum { API_ROWS = 12, API_NUMBERS = 4096, API_CALLS = 64 };

/* All that calls work on. */
typedef struct {
    fuzz_input in;
    fnn_model *model;
    fnn_dataset data;       /* over the arrays */
    fnn_dataset view, rest; /* of data, or zero */
    uint8_t bytes[API_NUMBERS];
    fnn_real reals[API_NUMBERS], targets[API_NUMBERS];
    fnn_real *outputs; /* of API_NUMBERS */
    int32_t labels[API_ROWS];
    fnn_real weights[API_ROWS];
    fnn_fit_config fit;
} api;

static int api_size(api *a)
{
    return fuzz_size(&a->in);
}

static fnn_real api_real(api *a)
{
    return (fnn_real)fuzz_number(&a->in);
}

/* A number of an enumeration, or one beyond it. */
static int api_kind(api *a, int count)
{
    const int kind = fuzz_byte(&a->in);
    return kind > 250 ? -1 : kind % (count + 1);
}

/* ---- models ---- */

static void api_new_model(api *a)
{
    fnn_context_config c = fnn_context_config_init();
    const int height = api_size(a), width = api_size(a), channels = api_size(a);
    c.isa = fuzz_byte(&a->in) & 1 ? FNN_ISA_SCALAR : FNN_ISA_BEST;
    fnn_model_free(a->model);
    a->model = fnn_sequential_with(&c, height, width, channels);
}

static void api_conv2d(api *a)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = api_size(a);
    c.kernel_height = api_size(a), c.kernel_width = api_size(a);
    c.stride_height = api_size(a), c.stride_width = api_size(a);
    c.padding = (fnn_padding)api_kind(a, FNN_PADDING_COUNT);
    if (c.padding == FNN_EXPLICIT) c.pad_height = api_size(a), c.pad_width = api_size(a);
    c.activation = (fnn_activation)api_kind(a, FNN_ACTIVATION_COUNT);
    c.no_bias = fuzz_byte(&a->in) & 1;
    fnn_conv2d_with(a->model, &c);
}

static void api_pool2d(api *a)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    c.average = fuzz_byte(&a->in) & 1;
    c.height = api_size(a), c.width = api_size(a);
    c.stride_height = api_size(a), c.stride_width = api_size(a);
    c.padding = (fnn_padding)api_kind(a, FNN_PADDING_COUNT);
    if (c.padding == FNN_EXPLICIT) c.pad_height = api_size(a), c.pad_width = api_size(a);
    fnn_pool2d_with(a->model, &c);
}

static void api_layer(api *a)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    switch (fuzz_below(&a->in, 10)) {
    case 0: api_conv2d(a); break;
    case 1: api_pool2d(a); break;
    case 2: fnn_flatten(a->model); break;
    case 3: fnn_global_average_pool2d(a->model); break;
    case 4: fnn_dropout(a->model, api_real(a)); break;
    case 5: fnn_spatial_dropout(a->model, api_real(a)); break;
    case 6: fnn_add(a->model, api_size(a)); break;
    case 7:
        c.momentum = api_real(a), c.epsilon = api_real(a), c.unbiased = fuzz_byte(&a->in) & 1;
        fnn_batch_norm_with(a->model, &c);
        break;
    case 8:
        fnn_activate(a->model, (fnn_activation)api_kind(a, FNN_ACTIVATION_COUNT), api_real(a));
        break;
    default: fnn_dense(a->model, api_size(a), (fnn_activation)api_kind(a, FNN_ACTIVATION_COUNT));
    }
}

static void api_setting(api *a)
{
    fnn_initializer one, other;
    switch (fuzz_below(&a->in, 8)) {
    case 0: fnn_set_seed(a->model, (uint64_t)api_size(a)); break;
    case 1: fnn_set_trainable(a->model, api_size(a), fuzz_byte(&a->in) & 1); break;
    case 2: fnn_set_rate_factor(a->model, api_size(a), fuzz_number(&a->in)); break;
    case 3:
        fnn_normalize(a->model, (fnn_normalization)api_kind(a, FNN_NORMALIZATION_COUNT), &a->data);
        break;
    case 4:
        fnn_normalize_targets(a->model, (fnn_normalization)api_kind(a, FNN_NORMALIZATION_COUNT),
                              &a->data);
        break;
    case 5:
        one.kind = (fnn_initializer_kind)api_kind(a, FNN_INITIALIZER_COUNT);
        other.kind = (fnn_initializer_kind)api_kind(a, FNN_INITIALIZER_COUNT);
        one.scale = api_real(a), other.scale = api_real(a);
        fnn_set_initializer(a->model, one, other);
        break;
    case 6: fnn_normalize_with(a->model, a->reals, a->reals, fuzz_below(&a->in, 64) - 1); break;
    default:
        fnn_set_loss(a->model, (fnn_loss_kind)api_kind(a, FNN_LOSS_COUNT), api_real(a),
                     api_real(a));
    }
}

/* ---- data ---- */

/* Other samples: what of the struct is an array's size stays within the arrays. */
static void api_new_data(api *a)
{
    const int flags = fuzz_byte(&a->in);
    int in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
    double features, outputs;
    fnn_dataset_free(&a->view);
    fnn_dataset_free(&a->rest);
    if (flags & 1) fnn_shapes(a->model, in, out);
    else in[0] = api_size(a), in[1] = api_size(a), in[2] = api_size(a), out[2] = api_size(a);
    features = (double)in[0] * in[1] * in[2], outputs = (double)out[0] * out[1] * out[2];
    memset(&a->data, 0, sizeof a->data);
    a->data.count = fuzz_below(&a->in, API_ROWS + 1);
    if (fabs(features) * API_ROWS > API_NUMBERS) a->data.count = 0;
    if (fabs(outputs) * API_ROWS > API_NUMBERS) outputs = 1;
    a->data.height = in[0], a->data.width = in[1], a->data.channels = in[2];
    if (flags & 2) a->data.bytes = a->bytes;
    else a->data.reals = a->reals;
    if (flags & 4) a->data.labels = a->labels;
    if (flags & 8) a->data.targets = a->targets, a->data.target_count = (int)outputs;
    if (flags & 16) a->data.classes = flags & 32 ? (int)outputs : api_size(a);
    if (flags & 64) a->data.weights = a->weights;
    if (flags & 128) a->data.labels = a->labels, a->data.classes = 4;
}

static void api_view(api *a)
{
    const int kind = fuzz_below(&a->in, 4), order = api_kind(a, FNN_ORDER_COUNT);
    const int first = api_size(a), second = api_size(a);
    const uint64_t seed = (uint64_t)fuzz_byte(&a->in);
    int64_t samples[4];
    fnn_error error = {FNN_OK, ""};
    fnn_result result;
    fnn_dataset_free(&a->view);
    fnn_dataset_free(&a->rest);
    if (kind == 0) {
        result = fnn_dataset_split(&a->data, first, order, seed, &a->view, &a->rest, &error);
    } else if (kind == 1) {
        result = fnn_dataset_fold(&a->data, first, second, order, seed, &a->view, &a->rest, &error);
    } else if (kind == 2) {
        result = fnn_dataset_shuffle(&a->data, seed, &a->view, &error);
    } else {
        samples[0] = first, samples[1] = second, samples[2] = 0, samples[3] = 1;
        result = fnn_dataset_subset(&a->data, samples, 4, &a->view, &error);
    }
    fuzz_check_error(result, &error);
    if (result || !a->view.count || fnn_dataset_check(&a->data, NULL)) return;
    if (a->data.weights) return; /* a part may have those of weight 0 alone */
    FUZZ_CHECK(!fnn_dataset_check(&a->view, &error), "a view: %s", error.message);
}

/* ---- training and inference ---- */

static void api_optimizer(api *a)
{
    fnn_optimizer *o = &a->fit.optimizer;
    o->kind = (fnn_optimizer_kind)api_kind(a, FNN_OPTIMIZER_COUNT);
    o->learning_rate = api_real(a), o->momentum = api_real(a), o->rho = api_real(a);
    o->beta1 = api_real(a), o->beta2 = api_real(a), o->epsilon = api_real(a);
    o->weight_decay = api_real(a), o->start = api_real(a);
    o->nesterov = fuzz_byte(&a->in) & 1, o->pytorch = fuzz_byte(&a->in) & 1;
}

static void api_schedule(api *a)
{
    fnn_schedule *s = &a->fit.schedule;
    s->kind = (fnn_schedule_kind)api_kind(a, FNN_SCHEDULE_COUNT);
    s->warmup_steps = api_size(a), s->every = api_size(a);
    s->gamma = fuzz_number(&a->in), s->lowest = fuzz_number(&a->in);
    s->rise = fuzz_number(&a->in), s->start = fuzz_number(&a->in), s->end = fuzz_number(&a->in);
    fuzz_sum = fnn_schedule_rate(s, fuzz_number(&a->in), api_size(a), api_size(a), api_size(a));
}

static void api_augmentation(api *a)
{
    fnn_augmentation *g = &a->fit.augmentation;
    g->flip = (fnn_flip)api_kind(a, FNN_FLIP_COUNT);
    g->shift = api_size(a), g->cutout_size = api_size(a);
    g->cutout_probability = fuzz_number(&a->in), g->cutout_fill = api_real(a);
}

static void api_fit_config(api *a)
{
    fnn_fit_config *c = &a->fit;
    const int flags = fuzz_byte(&a->in);
    *c = fnn_fit_config_init();
    c->epochs = fuzz_below(&a->in, 5) - 1;
    c->batch_size = api_size(a);
    c->steps_per_epoch = fuzz_below(&a->in, 8) - 2;
    c->shuffle = flags & 1, c->penalize_biases = flags >> 1 & 1;
    c->restore_best = flags >> 2 & 1, c->ignore_nan = flags >> 3 & 1;
    c->l2 = api_real(a), c->l1 = api_real(a);
    c->clip_norm = api_real(a), c->clip_value = api_real(a);
    c->ema_decay = fuzz_number(&a->in), c->min_delta = fuzz_number(&a->in);
    c->patience = api_size(a);
    c->monitor = (fnn_monitor)api_kind(a, FNN_MONITOR_COUNT);
    if (flags & 16) c->validation = &a->view;
    if (flags & 32) api_optimizer(a);
    if (flags & 64) api_schedule(a);
    if (flags & 128) api_augmentation(a);
}

/* Whether the model's outputs for the data have room in `outputs`. */
static int api_fits(api *a, int layer)
{
    int shape[3];
    if (fnn_layer_shape(a->model, layer, shape)) return 0;
    return (double)shape[0] * shape[1] * shape[2] * API_ROWS <= API_NUMBERS;
}

static void api_train(api *a)
{
    fnn_history history;
    fnn_gradient_check report;
    memset(&history, 0, sizeof history);
    if (!fuzz_is_small(a->model)) return;
    switch (fuzz_below(&a->in, 8)) {
    case 0: fnn_fit(a->model, &a->data, &a->fit, &history); break;
    case 1: fnn_resume(a->model, &a->data, &a->fit, &history); break;
    case 2: fnn_forward(a->model, &a->data, NULL, api_size(a), fuzz_byte(&a->in) & 1); break;
    case 3: fnn_loss(a->model, NULL); break;
    case 4: fnn_backward(a->model); break;
    case 5:
        if (api_fits(a, fnn_layer_count(a->model) - 1) && api_fits(a, -1))
            fnn_backward_to_input(a->model, fuzz_byte(&a->in) & 1 ? a->targets : NULL, a->outputs);
        break;
    case 6: fnn_step(a->model, &a->fit); break;
    default: {
        size_t count = 0;
        if (fnn_parameters(a->model, &count) && count < 100)
            fnn_check_gradients(a->model, &a->data, &a->fit, fuzz_number(&a->in), &report, NULL);
    }
    }
    fnn_history_free(&history);
}

static void api_predict(api *a)
{
    fnn_metrics metrics;
    int32_t classes[API_ROWS];
    const int kind = fuzz_below(&a->in, 6), layer = kind == 4 ? api_size(a) : 0;
    const int last = fnn_layer_count(a->model) - 1;
    if (!fuzz_is_small(a->model) || !api_fits(a, kind == 4 ? layer : last)) return;
    switch (kind) {
    case 0: fnn_predict(a->model, NULL, &a->data, a->outputs); break;
    case 1: fnn_evaluate(a->model, NULL, &a->data, &metrics); break;
    case 2: fnn_predict_classes(a->model, NULL, &a->data, classes); break;
    case 3:
        fnn_predict_augmented(a->model, NULL, &a->data, fuzz_byte(&a->in) & 1, api_size(a),
                              a->outputs);
        break;
    case 4: fnn_predict_layer(a->model, NULL, &a->data, layer, a->outputs); break;
    default: fnn_predict(a->model, NULL, &a->view, a->outputs);
    }
}

/* Metrics of numbers that are no model's. */
static void api_metrics(api *a)
{
    static int64_t confusion[64 * 64];
    const int classes = api_size(a), k = api_size(a);
    const fnn_dataset *data = fuzz_byte(&a->in) & 1 && a->view.count ? &a->view : &a->data;
    if (classes > 64) return;
    fuzz_sum = fnn_accuracy_on(a->targets, data, classes);
    fuzz_sum = fnn_top_k_on(a->targets, data, classes, k);
    fuzz_sum = fnn_r2_on(a->targets, data, classes);
    fuzz_sum = fnn_accuracy(a->targets, a->labels, API_ROWS, classes);
    fuzz_sum = fnn_top_k(a->targets, a->labels, API_ROWS, classes, k);
    fuzz_sum = fnn_r2(a->targets, a->reals, API_ROWS, classes);
    fuzz_sum = fnn_binary_accuracy(a->targets, a->reals, API_ROWS, classes, fuzz_number(&a->in));
    fnn_confusion_on(a->targets, data, classes, confusion);
    fnn_confusion(a->labels, a->labels, API_ROWS, classes, confusion);
    fnn_precision_recall(confusion, classes, NULL, NULL, NULL);
}

/* ---- searches ---- */

static int api_build(void *user, const fnn_trial *trial, fnn_model *model, fnn_fit_config *fit)
{
    api *a = (api *)user;
    *fit = a->fit;
    fit->validation = NULL;
    fit->batch_size = 4;
    fnn_dense(model, (int)trial->values[0], FNN_RELU);
    if (fuzz_byte(&a->in) & 1) api_layer(a);
    fnn_dense(model, a->data.classes > 1 ? a->data.classes : 1, FNN_LINEAR);
    if (!fuzz_is_small(model)) return 1;
    return fuzz_byte(&a->in) == 255;
}

static void api_search(api *a)
{
    double values[2];
    fnn_grid_axis axis = {"units", NULL, 2, NULL};
    fnn_search_config c = fnn_search_config_init();
    fnn_search search;
    fnn_error error = {FNN_OK, ""};
    fnn_result result;
    char text[400];
    values[0] = fuzz_below(&a->in, 9), values[1] = 2;
    axis.values = values;
    axis.count = fuzz_below(&a->in, 4) ? 2 : fuzz_below(&a->in, 3) - 1;
    c.build = api_build;
    c.user = a;
    c.folds = fuzz_below(&a->in, 5) - 1;
    c.validation_share = fuzz_number(&a->in);
    c.shuffle = api_kind(a, FNN_ORDER_COUNT);
    c.monitor = (fnn_monitor)api_kind(a, FNN_MONITOR_COUNT);
    c.refit = fuzz_byte(&a->in) & 1;
    c.first = fuzz_below(&a->in, 3) - 1, c.every = fuzz_below(&a->in, 8) ? 1 : api_size(a);
    c.context.threads = 1;
    result = fnn_grid_search(&a->data, &axis, 1, &c, &search, &error);
    fuzz_check_error(result, &error);
    fuzz_sum = (double)fnn_search_table(&search, api_size(a), text, sizeof text);
    fnn_search_finish(&a->data, &c, &search, &error);
    fnn_search_free(&search);
}

/* ---- kernels ---- */

/* Windows of any sizes; where they are small, what slides. */
static void api_window(api *a)
{
    const int h = api_size(a), w = api_size(a), channels = api_size(a), kh = api_size(a);
    const int kw = api_size(a), sh = api_size(a), sw = api_size(a), filters = api_size(a);
    const int padding = api_kind(a, FNN_PADDING_COUNT), images = fuzz_below(&a->in, 3);
    fnn_window v;
    double in, out, weights;
    if (padding == FNN_EXPLICIT
            ? fnn_window_make_padded(h, w, channels, kh, kw, sh, sw, api_size(a), api_size(a), &v)
            : fnn_window_make(h, w, channels, kh, kw, sh, sw, (fnn_padding)padding, &v))
        return;
    in = 2.0 * v.height * v.width * v.channels, out = 2.0 * v.out_height * v.out_width;
    weights = (double)v.kernel_height * v.kernel_width * v.channels;
    if (in > API_NUMBERS || out * v.channels > API_NUMBERS) return;
    fnn_average_pool2d_forward(NULL, &v, images, a->reals, a->outputs);
    fnn_max_pool2d_forward(NULL, &v, images, a->reals, a->outputs, NULL);
    fnn_average_pool2d_backward(NULL, &v, images, a->reals, a->outputs);
    if (out * weights <= API_NUMBERS) {
        fnn_im2col(NULL, &v, images, a->reals, a->outputs);
        fnn_col2im(NULL, &v, images, a->reals, a->outputs);
    }
    if (filters < 1 || filters > API_ROWS) return; /* weights are the biases */
    if (weights * filters > API_NUMBERS || out * filters > API_NUMBERS) return;
    fnn_conv2d_forward(NULL, &v, filters, images, a->reals, a->targets, a->weights, a->outputs);
    fnn_conv2d_backward_data(NULL, &v, filters, images, a->reals, a->targets, a->outputs);
    fnn_conv2d_backward_weights(NULL, &v, filters, images, a->reals, a->targets, a->outputs, NULL);
}

static void api_sgemm(api *a)
{
    const int m = api_size(a), n = api_size(a), k = api_size(a);
    const int lda = api_size(a), ldb = api_size(a), ldc = api_size(a), kind = fuzz_byte(&a->in);
    const int transpose_a = kind & 1, transpose_b = kind >> 1 & 1;
    const int inside = m < 64 && n < 64 && k < 64 && lda <= 64 && ldb <= 64 && ldc <= 64;
    fnn_sgemm(NULL, transpose_a, transpose_b, m, n, k, api_real(a), inside ? a->reals : NULL, lda,
              inside ? a->targets : NULL, ldb, api_real(a), inside ? a->outputs : NULL, ldc);
}

/* ---- all of it ---- */

static void (*const api_calls[])(api *) = {
    api_layer, api_new_model, api_setting, api_new_data, api_view,   api_fit_config, api_train,
    api_layer, api_predict,   api_metrics, api_search,   api_window, api_sgemm,      api_train};

/* All zero but the arrays, whose numbers are made once. */
static const api *api_arrays(void)
{
    static api a;
    int i;
    if (a.bytes[1]) return &a;
    for (i = 0; i < API_NUMBERS; i++) {
        a.bytes[i] = (uint8_t)(i * 37 + i / 5);
        a.reals[i] = (fnn_real)(i % 19 - 9) / 8;
        a.targets[i] = (fnn_real)(i % 4 == i / 4 % 4);
    }
    for (i = 0; i < API_ROWS; i++) a.labels[i] = i % 4, a.weights[i] = (fnn_real)(i % 3);
    return &a;
}

static void api_begin(api *a)
{
    a->outputs = (fnn_real *)need(API_NUMBERS * sizeof *a->outputs);
    a->fit = fnn_fit_config_init();
    api_new_data(a);
    api_new_model(a);
}

FUZZ_TARGET(api)
{
    static api a;
    int calls;
    a = *api_arrays();
    a.in.bytes = bytes;
    a.in.size = size;
    fuzz_memory_begin((size_t)16 << 20, fuzz_allowed(&a.in));
    api_begin(&a);
    for (calls = 0; calls < API_CALLS && a.in.size; calls++) {
        const fnn_error *error = fnn_model_error(a.model);
        api_calls[(size_t)fuzz_byte(&a.in) % (sizeof api_calls / sizeof *api_calls)](&a);
        error = fnn_model_error(a.model);
        fuzz_check_error(error->code == FNN_ERROR_MEMORY ? FNN_OK : error->code, error);
    }
    fnn_dataset_free(&a.view);
    fnn_dataset_free(&a.rest);
    fnn_model_free(a.model);
    free(a.outputs);
    fuzz_memory_end();
}
