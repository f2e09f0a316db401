/* A small world in which public calls are tried: models of every kind on a few samples. Memory goes
 * through two budgets, files through `disk`: any request or operation can be made to fail. Holds
 * the library itself, as disk.h: FMNIST_NN_IMPLEMENTATION must be defined. Include first. */
#ifndef WORLD_H
#define WORLD_H
#include <stddef.h>
#include <time.h>

static void *plain_allocate(size_t bytes);
static void plain_release(void *memory);
static int still_clock(struct timespec *t);
#undef FMNIST_NN_MALLOC /* of exact.h */
#undef FMNIST_NN_FREE
#define FMNIST_NN_MALLOC(bytes) plain_allocate(bytes)
#define FMNIST_NN_FREE(memory) plain_release(memory)
#define clock_gettime(which, time) still_clock(time)
#include "disk.h"
#undef clock_gettime
#include "budget.h"
#include "datasets.h"
#include "samples.h"

/* Files must have the same bytes each time: the seconds in them are 0. */
static int still_clock(struct timespec *t)
{
    memset(t, 0, sizeof *t);
    return 0;
}

enum { ROWS = 60, INPUTS = 30, CLASSES = 3, RESULTS = 6000 };

static budget own;   /* the allocator given to contexts, data sets and histories */
static budget plain; /* FMNIST_NN_MALLOC: what takes no allocator */

static inline void *plain_allocate(size_t bytes)
{
    return budget_allocate(&plain, bytes);
}
static inline void plain_release(void *memory)
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
    fnn_search search;
    fnn_error error; /* of calls that take one */
} world;

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];
static fnn_real a_matrix[40 * 300], b_matrix[70 * 300];
static double result[RESULTS]; /* what a call computes, for the comparison */
static int result_count;

static inline void keep(const fnn_real *x, size_t count)
{
    size_t i;
    for (i = 0; x && i < count && result_count < RESULTS; i++)
        result[result_count++] = (double)x[i];
}

static inline void keep_number(double x)
{
    if (result_count < RESULTS) result[result_count++] = x;
}

static inline void keep_statistics(const fnn_model *m)
{
    keep(m->statistics, m->statistics ? m->statistics_count : 0);
}

static inline void keep_weights(world *w)
{
    size_t count;
    const fnn_real *x = fnn_parameters(w->model, &count);
    keep(x, count);
    keep_statistics(w->model);
}

static inline void keep_samples(const fnn_dataset *view)
{
    int64_t i;
    for (i = 0; i < view->count; i++) keep_number((double)view->index[i]);
}

static inline void world_open(world *w)
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

static inline void world_close(world *w)
{
    fnn_dataset_free(&w->first);
    fnn_dataset_free(&w->second);
    fnn_history_free(&w->history);
    fnn_search_free(&w->search);
    fnn_context_free(w->context);
    fnn_model_free(w->model);
}

/* A model of images without layers in place of the one that is there. */
static inline void image_model(world *w)
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
static inline void images(world *w)
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
static inline void transformed(world *w)
{
    image_model(w);
    fnn_conv2d(w->model, 16, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(w->model, 16, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(w->model, 2);
    fnn_dense(w->model, CLASSES, FNN_SOFTMAX);
}

/* A model of normalised targets: it gets two layers more when it is sealed, for which the array of
 * its sixteen has no room. */
static inline void numbers(world *w)
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

static inline void half_step(world *w)
{
    fnn_forward(w->model, &w->data, NULL, 5, 1);
    fnn_loss(w->model, NULL);
}

static inline void small_step(world *w)
{
    half_step(w);
    fnn_backward(w->model);
}
#endif
