/* Memory that runs out in every public call that allocates: the error comes back, nothing leaks,
 * the object can be freed, and the call made again gives the bits it would have given at once. */
#include <stddef.h>
static void *plain_allocate(size_t bytes);
static void plain_release(void *memory);
#define FMNIST_NN_MALLOC(bytes) plain_allocate(bytes)
#define FMNIST_NN_FREE(memory) plain_release(memory)
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"

enum { ROWS = 60, INPUTS = 30, CLASSES = 3, RESULTS = 6000 };

/* A file of this process alone; the tests run from the top directory. */
static const char *path(void)
{
    static char text[100];
    snprintf(text, sizeof text, "build/test_memory.%ld", (long)getpid());
    return text;
}

static budget own;   /* the allocator given to contexts, data sets and histories */
static budget plain; /* FMNIST_NN_MALLOC: what takes no allocator */

static void *plain_allocate(size_t bytes)
{
    return budget_allocate(&plain, bytes);
}
static void plain_release(void *memory)
{
    budget_release(&plain, memory);
}

/* All that a call may need, made anew for each try. */
typedef struct {
    fnn_allocator allocator;
    fnn_context *context;
    fnn_model *model;
    fnn_dataset data, first, second;
    fnn_history history;
    fnn_fit_config fit;
} world;

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];
static fnn_real a_matrix[40 * 300], b_matrix[70 * 300];
static double result[RESULTS]; /* what a call computes, for the comparison */
static int result_count;

static void keep(const fnn_real *x, size_t count)
{
    size_t i;
    for (i = 0; x && i < count && result_count < RESULTS; i++)
        result[result_count++] = (double)x[i];
}

static void keep_statistics(const fnn_model *m)
{
    keep(m->statistics, m->statistics ? m->statistics_count : 0);
}

static void keep_weights(world *w)
{
    size_t count;
    const fnn_real *x = fnn_parameters(w->model, &count);
    keep(x, count);
    keep_statistics(w->model);
}

static void keep_samples(const fnn_dataset *view)
{
    int64_t i;
    for (i = 0; i < view->count; i++) result[result_count++] = (double)view->index[i];
}

static void world_open(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    int i;
    memset(w, 0, sizeof *w);
    w->allocator = budget_allocator(&own);
    for (i = 0; i < ROWS * INPUTS; i++)
        pixels[i] = (uint8_t)fnni_random_below(1, 2, (uint64_t)i, 256);
    for (i = 0; i < ROWS; i++) labels[i] = (pixels[i * INPUTS] + pixels[i * INPUTS + 1]) / 171;
    for (i = 0; i < 40 * 300; i++) a_matrix[i] = (fnn_real)(pixels[i % (ROWS * INPUTS)] - 99);
    for (i = 0; i < 70 * 300; i++) b_matrix[i] = (fnn_real)(pixels[i * 7 % (ROWS * INPUTS)] - 99);
    w->data.count = ROWS;
    w->data.height = w->data.width = 1;
    w->data.channels = INPUTS;
    w->data.bytes = pixels;
    w->data.labels = labels;
    w->data.classes = CLASSES;
    w->data.allocator = w->history.allocator = config.allocator = w->allocator;
    config.threads = 2;
    w->context = fnn_context_create(&config, NULL);
    w->model = fnn_sequential_with(&config, 1, 1, INPUTS);
    fnn_normalize(w->model, FNN_NORMALIZE_STANDARDIZE, &w->data);
    fnn_dense(w->model, 40, FNN_RELU);
    fnn_dropout(w->model, (fnn_real)0.25);
    fnn_dense(w->model, CLASSES, FNN_SOFTMAX);
    w->fit = fnn_fit_config_init();
    w->fit.optimizer = fnn_adam(0.01);
    w->fit.batch_size = 16;
    w->fit.epochs = 2;
}

static void world_close(world *w)
{
    fnn_dataset_free(&w->first);
    fnn_dataset_free(&w->second);
    fnn_history_free(&w->history);
    fnn_context_free(w->context);
    fnn_model_free(w->model);
}

/* A model of images without layers in place of the one that is there. */
static void image_model(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_model_free(w->model);
    config.allocator = w->allocator;
    config.threads = 2;
    w->data.height = 5;
    w->data.width = 3;
    w->data.channels = 2;
    w->model = fnn_sequential_with(&config, 5, 3, 2);
}

/* A model of images with batch norm in place of the dense one: arrays that the latter has not. */
static void images(world *w)
{
    int from;
    image_model(w);
    fnn_normalize(w->model, FNN_NORMALIZE_STANDARDIZE, &w->data);
    fnn_conv2d(w->model, 6, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(w->model, 2);
    from = fnn_batch_norm(w->model);
    fnn_conv2d(w->model, 6, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(w->model);
    fnn_spatial_dropout(w->model, (fnn_real)0.25);
    fnn_add(w->model, from);
    fnn_global_average_pool2d(w->model);
    fnn_dense(w->model, CLASSES, FNN_SOFTMAX);
}

/* Convolutions that go by Winograd's transforms. */
static void transformed(world *w)
{
    image_model(w);
    fnn_conv2d(w->model, 16, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(w->model, 16, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(w->model, 2);
    fnn_dense(w->model, CLASSES, FNN_SOFTMAX);
}

/* A model of normalised targets: it gets two layers more when it is sealed, for which the array of
 * its sixteen has no room. */
static void numbers(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    int l;
    fnn_model_free(w->model);
    config.allocator = w->allocator;
    config.threads = 2;
    w->data.labels = NULL;
    w->data.classes = 0;
    w->data.targets = a_matrix;
    w->data.target_count = CLASSES;
    w->model = fnn_sequential_with(&config, 1, 1, INPUTS);
    for (l = 0; l < 15; l++) fnn_dense(w->model, 4, FNN_RELU);
    fnn_dense(w->model, CLASSES, FNN_SIGMOID);
    fnn_set_loss(w->model, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_normalize_targets(w->model, FNN_NORMALIZE_STANDARDIZE, &w->data);
}

/* ---- what is done before a call, and the calls ---- */

static void nothing(world *w)
{
    (void)w;
}
static void sealed(world *w)
{
    fnn_seal(w->model);
}

static void half_step(world *w)
{
    fnn_forward(w->model, &w->data, NULL, 5, 1);
    fnn_loss(w->model, NULL);
}

static void small_step(world *w)
{
    half_step(w);
    fnn_backward(w->model);
}

static double mean_output(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    const int n = batch->count * batch->outputs;
    double sum = 0;
    int i;
    (void)user;
    for (i = 0; i < n; i++) sum += (double)batch->y[i];
    for (i = 0; gradient && i < n; i++) gradient[i] = (fnn_real)1 / (fnn_real)n;
    return sum / n;
}

static void own_loss(world *w)
{
    fnn_set_loss_function(w->model, mean_output, NULL);
    fnn_seal(w->model);
}

static void trained(world *w)
{
    fnn_fit(w->model, &w->data, &w->fit, &w->history);
    w->fit.validation = &w->data;
    w->fit.restore_best = 1;
    w->fit.ema_decay = .9;
    w->fit.batch_size = 40;
    w->fit.epochs = 3;
    w->fit.clip_norm = 1;
}

static void trained_otherwise(world *w)
{
    trained(w);
    w->fit.optimizer = fnn_adadelta(1);
}

static void images_sealed(world *w)
{
    images(w), sealed(w);
}
static void images_stepped(world *w)
{
    images(w), small_step(w);
}
static void images_half_stepped(world *w)
{
    images(w), half_step(w);
}

static void images_trained(world *w)
{
    images(w);
    trained(w);
    w->fit.augmentation.shift = 1;
}

static void images_saved(world *w)
{
    images(w);
    CHECK(!fnn_fit(w->model, &w->data, &w->fit, NULL) && !fnn_save(w->model, path(), NULL));
}

static void transformed_sealed(world *w)
{
    transformed(w), sealed(w);
}
static void transformed_half_stepped(world *w)
{
    transformed(w), half_step(w);
}

static void numbers_sealed(world *w)
{
    numbers(w), sealed(w);
}

static void numbers_saved(world *w)
{
    numbers_sealed(w);
    CHECK(!fnn_save(w->model, path(), NULL));
}

static fnn_result call_context(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    const fnn_real x[2] = {1, 2};
    fnn_real y[2];
    fnn_error error;
    fnn_context *context;
    config.allocator = w->allocator;
    error.code = FNN_OK;
    context = fnn_context_create(&config, &error);
    if (context) fnn_exp(context, 2, x, y), keep(y, 2);
    fnn_context_free(context);
    return error.code;
}

static fnn_result sgemm_in(fnn_context *context)
{
    static fnn_real c[40 * 70];
    const fnn_result r =
        fnn_sgemm(context, 0, 1, 40, 70, 300, 1, a_matrix, 300, b_matrix, 300, 0, c, 70);
    if (!r) keep(c, 40 * 70);
    return r;
}

static fnn_result call_sgemm(world *w)
{
    return sgemm_in(w->context);
}
static fnn_result call_sgemm_alone(world *w)
{
    (void)w;
    return sgemm_in(NULL);
}
static fnn_result call_seal(world *w)
{
    const fnn_result r = fnn_seal(w->model);
    if (!r) keep_weights(w);
    return r;
}

static fnn_result call_parameters(world *w)
{
    if (!fnn_parameters(w->model, NULL)) return fnn_model_error(w->model)->code;
    keep_weights(w);
    return FNN_OK;
}

static fnn_result call_gradients(world *w)
{
    size_t count;
    const fnn_real *g = fnn_gradients(w->model, &count);
    if (!g) return fnn_model_error(w->model)->code;
    keep(g, count);
    return FNN_OK;
}

static fnn_result predict_in(world *w, fnn_context *context)
{
    fnn_real y[ROWS * CLASSES];
    const fnn_result r = fnn_predict(w->model, context, &w->data, y);
    if (!r) keep(y, ROWS * CLASSES);
    return r;
}

static fnn_result call_predict(world *w)
{
    return predict_in(w, w->context);
}
static fnn_result call_predict_alone(world *w)
{
    return predict_in(w, NULL);
}
static fnn_result call_predict_classes(world *w)
{
    int32_t y[ROWS];
    const fnn_result r = fnn_predict_classes(w->model, NULL, &w->data, y);
    int i;
    for (i = 0; !r && i < ROWS; i++) result[result_count++] = y[i];
    return r;
}

static fnn_result call_predict_augmented(world *w)
{
    fnn_real y[ROWS * CLASSES];
    const fnn_result r = fnn_predict_augmented(w->model, NULL, &w->data, 1, 0, y);
    if (!r) keep(y, ROWS * CLASSES);
    return r;
}

static fnn_result evaluate_in(world *w, fnn_context *context)
{
    fnn_metrics metrics;
    const fnn_result r = fnn_evaluate(w->model, context, &w->data, &metrics);
    if (!r) result[result_count++] = metrics.loss, result[result_count++] = metrics.accuracy;
    return r;
}

static fnn_result call_evaluate(world *w)
{
    return evaluate_in(w, w->context);
}
static fnn_result call_evaluate_alone(world *w)
{
    return evaluate_in(w, NULL);
}
static fnn_result call_reserve(world *w)
{
    const fnn_result r = fnn_reserve(w->model, w->context);
    if (!r) call_predict(w);
    return r;
}

static fnn_result call_forward(world *w)
{
    const fnn_result r = fnn_forward(w->model, &w->data, NULL, 40, 1);
    CHECK(r == FNN_OK ? fnn_outputs(w->model) != NULL : fnn_outputs(w->model) == NULL);
    if (!r) fnn_loss(w->model, NULL), keep(fnn_outputs(w->model), 40 * CLASSES);
    return r;
}

static fnn_result call_backward_to_input(world *w)
{
    static fnn_real dx[5 * INPUTS];
    const fnn_result r = fnn_backward_to_input(w->model, NULL, dx);
    if (!r) keep(dx, 5 * INPUTS), keep(fnn_gradients(w->model, NULL), 40);
    return r;
}

static fnn_result call_step(world *w)
{
    const fnn_result r = fnn_step(w->model, &w->fit);
    if (!r) keep_weights(w);
    return r;
}

static fnn_result call_fit(world *w)
{
    const int before = w->history.count;
    const fnn_result r = fnn_fit(w->model, &w->data, &w->fit, &w->history);
    int i;
    CHECK(w->history.count == before + (r ? 0 : w->fit.epochs));
    for (i = 0; !r && i < w->history.count; i++) result[result_count++] = w->history.epochs[i].loss;
    if (!r) keep_weights(w);
    return r;
}

static fnn_result call_check_gradients(world *w)
{
    fnn_gradient_check report;
    const fnn_fit_config plain_fit = fnn_fit_config_init();
    fnn_dataset few = w->data;
    fnn_result r;
    few.count = 2;
    few.rows = ROWS;
    r = fnn_check_gradients(w->model, &few, &plain_fit, 1e-3, &report, NULL);
    if (!r) result[result_count++] = report.worst;
    return r;
}

static fnn_result call_normalization(world *w)
{
    fnn_real shift[INPUTS], scale[INPUTS];
    const fnn_result r =
        fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &w->data, shift, scale, NULL);
    if (!r) keep(shift, INPUTS), keep(scale, INPUTS);
    return r;
}

static fnn_result call_normalize_targets(world *w)
{
    const fnn_result r = fnn_normalize_targets(w->model, FNN_NORMALIZE_MEAN, &w->data);
    if (!r) keep(w->model->target_shift, CLASSES), keep(w->model->target_scale, CLASSES);
    return r;
}

static fnn_result call_save(world *w)
{
    fnn_error error;
    error.code = FNN_OK;
    fnn_save(w->model, path(), &error);
    result[result_count++] = 1;
    remove(path());
    return error.code;
}

static fnn_result call_load(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_error error;
    config.allocator = w->allocator;
    error.code = FNN_OK;
    fnn_model_free(w->model);
    w->model = fnn_load(path(), &config, &error);
    if (w->model) keep_weights(w);
    return error.code;
}

/* The copy takes the model's place. */
static fnn_result call_copy(world *w)
{
    fnn_error error;
    fnn_model *copy;
    error.code = FNN_OK;
    copy = fnn_copy(w->model, NULL, &error);
    if (!copy) return error.code;
    fnn_model_free(w->model);
    w->model = copy;
    keep_weights(w);
    return FNN_OK;
}

static fnn_result call_normalize_with(world *w)
{
    const fnn_real shift = 3, scale = 2;
    const fnn_result r = fnn_normalize_with(w->model, &shift, &scale, 1);
    if (!r) keep(w->model->shift, INPUTS), keep(w->model->scale, INPUTS);
    return r;
}

static fnn_result call_predict_layer(world *w)
{
    static fnn_real y[ROWS * 90]; /* the convolution's */
    const fnn_result r = fnn_predict_layer(w->model, w->context, &w->data, 0, y);
    if (!r) keep(y, ROWS * 40);
    return r;
}

static fnn_result call_tensor_gradient(world *w)
{
    size_t count;
    const fnn_real *g = fnn_tensor_gradient(w->model, 0, "bias", &count);
    if (!g) return fnn_model_error(w->model)->code;
    keep(g, count);
    return FNN_OK;
}

/* A view that failed is zeroed, so that it can be freed. */
static fnn_result view_made(world *w, fnn_result r)
{
    const fnn_dataset none = {0};
    if (r) CHECK(!memcmp(&w->first, &none, sizeof none) && !memcmp(&w->second, &none, sizeof none));
    else keep_samples(&w->first);
    if (!r && w->second.count) keep_samples(&w->second);
    return r;
}

static fnn_result call_subset(world *w)
{
    const int64_t samples[4] = {9, 3, 3, 59};
    return view_made(w, fnn_dataset_subset(&w->data, samples, 4, &w->first, NULL));
}

static fnn_result call_shuffle(world *w)
{
    return view_made(w, fnn_dataset_shuffle(&w->data, 7, &w->first, NULL));
}

static fnn_result call_split(world *w)
{
    return view_made(w, fnn_dataset_split(&w->data, 20, 1, 7, &w->first, &w->second, NULL));
}

static fnn_result call_fold(world *w)
{
    return view_made(w, fnn_dataset_fold(&w->data, 7, 2, 1, 7, &w->first, &w->second, NULL));
}

/* ---- the trial ---- */

typedef struct {
    const char *name;
    void (*before)(world *w);
    fnn_result (*call)(world *w);
    budget *from;
} memory_case;

static const memory_case cases[] = {
    {"context_create", nothing, call_context, &own},
    {"sgemm", nothing, call_sgemm, &own},
    {"sgemm, context NULL", nothing, call_sgemm_alone, &plain},
    {"seal", nothing, call_seal, &own},
    {"parameters", nothing, call_parameters, &own},
    {"gradients", nothing, call_gradients, &own},
    {"predict", sealed, call_predict, &own},
    {"predict, context NULL", sealed, call_predict_alone, &own},
    {"predict_classes", sealed, call_predict_classes, &own},
    {"predict_augmented", sealed, call_predict_augmented, &own},
    {"evaluate", sealed, call_evaluate, &own},
    {"evaluate, context NULL", sealed, call_evaluate_alone, &own},
    {"loss function: evaluate", own_loss, call_evaluate, &own},
    {"loss function: fit", own_loss, call_fit, &own},
    {"reserve", sealed, call_reserve, &own},
    {"forward, the first", nothing, call_forward, &own},
    {"forward, a larger batch", small_step, call_forward, &own},
    {"backward_to_input", half_step, call_backward_to_input, &own},
    {"step", small_step, call_step, &own},
    {"fit", nothing, call_fit, &own},
    {"fit, the second", trained, call_fit, &own},
    {"fit, another optimiser", trained_otherwise, call_fit, &own},
    {"check_gradients", nothing, call_check_gradients, &own},
    {"images: seal", images, call_seal, &own},
    {"images: predict", images_sealed, call_predict, &own},
    {"images: predict, context NULL", images_sealed, call_predict_alone, &own},
    {"images: evaluate", images_sealed, call_evaluate, &own},
    {"images: reserve", images_sealed, call_reserve, &own},
    {"images: forward, the first", images, call_forward, &own},
    {"images: forward, a larger batch", images_stepped, call_forward, &own},
    {"images: backward_to_input", images_half_stepped, call_backward_to_input, &own},
    {"images: step", images_stepped, call_step, &own},
    {"images: fit", images, call_fit, &own},
    {"images: fit, the second", images_trained, call_fit, &own},
    {"images: check_gradients", images, call_check_gradients, &own},
    {"images: save", images_sealed, call_save, &own},
    {"images: load", images_saved, call_load, &own},
    {"transforms: predict", transformed_sealed, call_predict, &own},
    {"transforms: predict, context NULL", transformed_sealed, call_predict_alone, &own},
    {"transforms: forward, the first", transformed, call_forward, &own},
    {"transforms: backward_to_input", transformed_half_stepped, call_backward_to_input, &own},
    {"transforms: fit", transformed, call_fit, &own},
    {"copy", trained, call_copy, &own},
    {"images: copy", images_trained, call_copy, &own},
    {"normalize_with", sealed, call_normalize_with, &own},
    {"predict_layer", sealed, call_predict_layer, &own},
    {"images: predict_layer", images_sealed, call_predict_layer, &own},
    {"tensor_gradient", nothing, call_tensor_gradient, &own},
    {"numbers: seal", numbers, call_seal, &own},
    {"numbers: normalize_targets", numbers_sealed, call_normalize_targets, &own},
    {"numbers: evaluate", numbers_sealed, call_evaluate, &own},
    {"numbers: load", numbers_saved, call_load, &own},
    {"normalization_compute", nothing, call_normalization, &own},
    {"dataset_subset", nothing, call_subset, &own},
    {"dataset_shuffle", nothing, call_shuffle, &own},
    {"dataset_split", nothing, call_split, &own},
    {"dataset_fold", nothing, call_fold, &own},
};

/* One try with n requests granted; then the same call again with all of them. 1: none failed. */
static int trial(const memory_case *c, int n, const double *expected, int expected_count)
{
    budget *other = c->from == &own ? &plain : &own;
    world w;
    fnn_result r;
    int failed, requests;
    world_open(&w);
    c->before(&w);
    requests = other->requests;
    c->from->allowed = n;
    c->from->failed = 0;
    result_count = 0;
    r = c->call(&w);
    failed = c->from->failed;
    c->from->allowed = -1;
    CHECKF((r == FNN_ERROR_MEMORY) == (failed > 0) && (failed || r == FNN_OK),
           "%s: after %d allocations: %s", c->name, n, fnn_result_text(r));
    CHECKF(other->requests == requests, "%s: took memory from elsewhere", c->name);
    if (failed) {
        result_count = 0;
        r = c->call(&w);
        CHECKF(r == FNN_OK, "%s: after %d allocations, then again: %s", c->name, n,
               fnn_result_text(r));
    }
    CHECKF(result_count == expected_count &&
               !memcmp(result, expected, (size_t)result_count * sizeof *result),
           "%s: after %d allocations, then again: other bits", c->name, n);
    world_close(&w);
    CHECKF(own.live == 0 && plain.live == 0, "%s: after %d allocations: %d + %d blocks leak",
           c->name, n, own.live, plain.live);
    return !failed;
}

static void run_case(const memory_case *c)
{
    static double expected[RESULTS];
    int n, expected_count;
    world w;
    budget_open(&own);
    budget_open(&plain);
    world_open(&w);
    c->before(&w);
    result_count = 0;
    CHECKF(!c->call(&w), "%s", c->name);
    expected_count = result_count;
    memcpy(expected, result, sizeof expected);
    CHECKF(expected_count > 0 && expected_count < RESULTS, "%s: %d results", c->name,
           expected_count);
    world_close(&w);
    for (c->from->once = 0; c->from->once < 2; c->from->once++)
        for (n = 0; !trial(c, n, expected, expected_count); n++)
            if (!CHECK(n < 100)) break;
}

static void every_call_survives(void)
{
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) run_case(cases + i);
    remove(path());
}

/* ---- calls that allocate nothing ---- */

static void steps_after_the_first_allocate_nothing(void)
{
    world w;
    int requests, i;
    own.allowed = plain.allowed = -1;
    world_open(&w);
    small_step(&w);
    fnn_step(w.model, &w.fit);
    requests = own.requests + plain.requests;
    for (i = 1; i < 6; i++) {
        CHECK(!fnn_forward(w.model, &w.data, NULL, i, 1) && !fnn_loss(w.model, NULL));
        CHECK(!fnn_backward(w.model) && !fnn_step(w.model, &w.fit));
    }
    CHECK(own.requests + plain.requests == requests);
    CHECK(!fnn_forward(w.model, &w.data, NULL, 6, 1)); /* the control: a larger batch does */
    CHECK(own.requests + plain.requests > requests);
    world_close(&w);
}

/* A size that overflows leaves the model as if it had not been asked for: 33 layers of 2^28 outputs
 * times 2^31 - 1 rows are more reals than size_t can count. The pixels are never read. */
static void a_batch_beyond_size_t_is_refused(void)
{
    fnn_dataset data;
    fnn_fit_config fit = fnn_fit_config_init();
    world w;
    int i;
    own.allowed = plain.allowed = -1;
    world_open(&w);
    fnn_model_free(w.model);
    w.model = fnn_sequential(1 << 14, 1 << 14, 1);
    for (i = 0; i < 34; i++) fnn_activate(w.model, FNN_LINEAR, 0);
    data = w.data;
    data.count = 1;
    data.height = data.width = 1 << 14;
    data.channels = 1;
    fit.batch_size = INT_MAX;
    CHECK(fnn_fit(w.model, &data, &fit, NULL) == FNN_ERROR_MEMORY);
    CHECK(w.model->run.capacity == 0); /* else a smaller batch would use what is not there */
    world_close(&w);
}

static fnn_model *growing(int layers)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m;
    config.allocator = budget_allocator(&own);
    m = fnn_sequential_with(&config, 1, 1, INPUTS);
    for (; layers > 0; layers--) fnn_batch_norm(m);
    return m;
}

/* What a model kept of a try to seal it that ran out of memory does not do for the layers that were
 * added since: it must hold what it holds when they are there from the start. */
static void layers_are_added_after_a_seal_that_failed(void)
{
    fnn_model *m;
    size_t wanted;
    int n;
    budget_open(&own);
    m = growing(9);
    CHECK(!fnn_seal(m));
    wanted = own.held;
    fnn_model_free(m);
    for (n = 0; n < 9; n++) {
        m = growing(2);
        own.allowed = n;
        if (!fnn_seal(m)) break;
        own.allowed = -1;
        for (; fnn_layer_count(m) < 9;) fnn_batch_norm(m);
        CHECK(!fnn_seal(m));
        CHECKF(own.held == wanted, "after %d allocations: %ld bytes in place of %ld", n,
               (long)own.held, (long)wanted);
        fnn_model_free(m);
    }
    CHECKF(n == 3, "seal took %d allocations: of stages, statistics and parameters", n);
    fnn_model_free(m);
}

/* The layer that rescales outputs is the last one, also of a model that grew after such a try. */
static void outputs_are_rescaled_after_a_seal_that_failed(void)
{
    int layers, n, sealed_at_once = 0;
    world w;
    own.allowed = plain.allowed = -1;
    for (n = 0; !sealed_at_once && n < 20; n++) {
        world_open(&w);
        numbers(&w);
        layers = fnn_layer_count(w.model);
        own.allowed = n;
        sealed_at_once = !fnn_seal(w.model);
        own.allowed = -1;
        if (!sealed_at_once) {
            layers = fnn_dense(w.model, CLASSES, FNN_LINEAR) + 1;
            CHECK(!fnn_seal(w.model) && layers > 16);
        }
        CHECK(!strcmp(fnn_layer_name(w.model, fnn_layer_count(w.model) - 1), "rescale"));
        CHECK(strcmp(fnn_layer_name(w.model, layers - 1), "rescale") != 0);
        CHECKF(fnni_rescales(w.model), "after %d allocations", n);
        world_close(&w);
    }
    CHECK(n > 3);
}

/* ---- the checks, checked: calls that go wrong in each way must be caught ---- */

static void *forgotten;

/* Goes on as if it had the memory. */
static fnn_result deaf_call(world *w)
{
    static fnn_real y[ROWS * CLASSES];
    fnn_predict(w->model, NULL, &w->data, y);
    result[result_count++] = 1;
    return FNN_OK;
}

/* Keeps a block when it fails. */
static fnn_result leaking_call(world *w)
{
    const fnn_result r = call_predict(w);
    if (r) free(forgotten), forgotten = malloc(1), own.live++;
    return r;
}

/* Gives other bits after a failure. */
static fnn_result changing_call(world *w)
{
    const fnn_result r = call_predict(w);
    if (r) fnn_parameters(w->model, NULL)[0] += 1;
    return r;
}

static int caught(fnn_result (*call)(world *w))
{
    const int before = harness_wrong;
    const memory_case c = {"broken", sealed, call, &own};
    int found;
    harness_wrong = 100; /* no messages of failures that must be */
    run_case(&c);
    found = harness_wrong > 100;
    harness_wrong = before;
    free(forgotten);
    forgotten = NULL;
    return found;
}

static void broken_calls_are_caught(void)
{
    CHECK(!caught(call_predict));
    CHECK(caught(deaf_call));
    CHECK(caught(leaking_call));
    CHECK(caught(changing_call));
}

static const harness_test tests[] = {TEST(every_call_survives),
                                     TEST(steps_after_the_first_allocate_nothing),
                                     TEST(a_batch_beyond_size_t_is_refused),
                                     TEST(layers_are_added_after_a_seal_that_failed),
                                     TEST(outputs_are_rescaled_after_a_seal_that_failed),
                                     TEST(broken_calls_are_caught)};
HARNESS_MAIN(tests)
