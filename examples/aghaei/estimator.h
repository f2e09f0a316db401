/* What the report's two classes share: scaling inside, fit, predict, score, for classification and
 * regression. mlp.h and cnn.h make the network; here it meets data. */
#ifndef AGHAEI_ESTIMATOR_H
#define AGHAEI_ESTIMATOR_H
#include <stdlib.h>
#include <string.h>
#include "../../fmnist_nn.h"

/* What a network is for decides what stands at its end: softmax with cross-entropy, scored by
 * accuracy, or linear outputs with the mean squared error, scored by R2. */
typedef enum estimator_task { CLASSIFICATION, REGRESSION } estimator_task;

enum { ESTIMATOR_MOST_TARGETS = 16 };

/* What a program may want of a fit besides; zeroed: all threads, seed 0, nothing watched. */
typedef struct estimator_options {
    int threads;                                         /* 0: as many as OpenMP would use */
    uint64_t seed;                                       /* of weights, order and dropout */
    int (*callback)(void *user, const fnn_epoch *epoch); /* called after each */
    void *user;
} estimator_options;

/* A network after its first fit. Zeroed: none yet. */
typedef struct estimator {
    fnn_model *model;
    fnn_history history; /* loss and score of each epoch, and those on validation data */
    estimator_task task;
    int outputs; /* classes, or numbers to predict */
    fnn_real target_shift[ESTIMATOR_MOST_TARGETS], target_scale[ESTIMATOR_MOST_TARGETS];
    estimator_options options; /* while it is fitted */
} estimator;

static inline void estimator_free(estimator *e)
{
    fnn_model_free(e->model);
    fnn_history_free(&e->history);
    memset(e, 0, sizeof *e);
}

/* Forgets what was fitted before and begins a model for the training set: how many outputs it asks
 * for and, for regression, mean and variance of each target. */
static inline fnn_result estimator_start(estimator *e, estimator_task task,
                                         const estimator_options *options, const fnn_dataset *train)
{
    fnn_context_config machine = fnn_context_config_init();
    fnn_dataset targets = *train;
    estimator_free(e);
    machine.threads = options->threads ? options->threads : FNN_THREADS_OPENMP;
    e->model = fnn_sequential_with(&machine, train->height, train->width, train->channels);
    fnn_set_seed(e->model, options->seed);
    e->options = *options;
    e->task = task;
    e->outputs = task == REGRESSION ? train->target_count : train->classes;
    if (e->outputs < 1) return FNN_ERROR_ARGUMENT;
    if (task == CLASSIFICATION) return FNN_OK;
    if (e->outputs > ESTIMATOR_MOST_TARGETS) return FNN_ERROR_ARGUMENT;
    targets.height = targets.width = 1;
    targets.channels = train->target_count;
    targets.bytes = NULL;
    targets.reals = train->targets;
    return fnn_normalization_compute(FNN_NORMALIZE_MEAN_VARIANCE, &targets, e->target_shift,
                                     e->target_scale, NULL);
}

/* The last layer, which the task decides. */
static inline void estimator_output(fnn_model *m, estimator_task task, int outputs)
{
    fnn_dense(m, outputs, task == REGRESSION ? FNN_LINEAR : FNN_SOFTMAX);
}

/* *view = data with its targets scaled as the training set's; for classification data as it is.
 * *scaled is the caller's to free. */
static inline fnn_result estimator_view(const estimator *e, const fnn_dataset *data,
                                        fnn_dataset *view, fnn_real **scaled)
{
    const int64_t rows = data->rows ? data->rows : data->count;
    *view = *data, *scaled = NULL;
    if (e->task == CLASSIFICATION) return FNN_OK;
    if (!data->targets || data->target_count != e->outputs) return FNN_ERROR_ARGUMENT;
    *scaled = (fnn_real *)malloc((size_t)rows * (size_t)e->outputs * sizeof **scaled);
    if (!*scaled) return FNN_ERROR_MEMORY;
    for (int64_t i = 0; i < rows * e->outputs; i++) {
        const int j = (int)(i % e->outputs);
        (*scaled)[i] = (data->targets[i] - e->target_shift[j]) * e->target_scale[j];
    }
    view->targets = *scaled;
    view->labels = NULL, view->classes = 0; /* so that R2 is the score */
    return FNN_OK;
}

/* Keeps an epoch's figures: the callback of fnn_fit, and for loops of one's own. */
static inline int estimator_record(void *user, const fnn_epoch *epoch)
{
    estimator *e = (estimator *)user;
    if (fnn_history_append(&e->history, epoch)) return 1;
    return e->options.callback && e->options.callback(e->options.user, epoch);
}

/* How a network is trained on data that are scaled already: fnn_fit, or a loop of one's own, which
 * calls estimator_record after each epoch. */
typedef fnn_result (*estimator_trainer)(estimator *e, const fnn_dataset *train,
                                        const fnn_fit_config *config, void *user);

static inline fnn_result estimator_fnn_fit(estimator *e, const fnn_dataset *train,
                                           const fnn_fit_config *config, void *user)
{
    (void)user;
    return fnn_fit(e->model, train, config, NULL);
}

/* Trains the sealed network; validation may be NULL. A loss that is no longer finite does not end
 * it: the report speaks of overflows. */
static inline fnn_result estimator_fit(estimator *e, const fnn_dataset *train,
                                       const fnn_dataset *validation, fnn_fit_config config,
                                       estimator_trainer trainer, void *user)
{
    fnn_dataset train_view, validation_view;
    fnn_real *train_targets = NULL, *validation_targets = NULL;
    fnn_result result = estimator_view(e, train, &train_view, &train_targets);
    if (!result && validation)
        result = estimator_view(e, validation, &validation_view, &validation_targets);
    config.validation = validation ? &validation_view : NULL;
    config.seed = e->options.seed;
    config.ignore_nan = 1;
    config.callback = estimator_record;
    config.user = e;
    if (!result) result = trainer(e, &train_view, &config, user);
    free(train_targets);
    free(validation_targets);
    return result;
}

/* The predicted value of each sample: the number of its class (count), or what the regression says,
 * in the units of the targets it was trained on (count, outputs). */
static inline fnn_result estimator_predict(const estimator *e, const fnn_dataset *data,
                                           fnn_real *values)
{
    if (e->task == REGRESSION) {
        const fnn_result result = fnn_predict(e->model, NULL, data, values);
        if (result) return result;
        for (int64_t i = 0; i < data->count * e->outputs; i++) {
            const int j = (int)(i % e->outputs);
            values[i] = values[i] / e->target_scale[j] + e->target_shift[j];
        }
        return FNN_OK;
    }
    int32_t *classes = (int32_t *)malloc((size_t)data->count * sizeof *classes);
    if (!classes) return FNN_ERROR_MEMORY;
    const fnn_result result = fnn_predict_classes(e->model, NULL, data, classes);
    for (int64_t i = 0; !result && i < data->count; i++) values[i] = (fnn_real)classes[i];
    free(classes);
    return result;
}

/* Loss, accuracy or R2 on data. */
static inline fnn_result estimator_evaluate(const estimator *e, const fnn_dataset *data,
                                            fnn_metrics *metrics)
{
    fnn_dataset view;
    fnn_real *targets;
    fnn_result result = estimator_view(e, data, &view, &targets);
    if (!result) result = fnn_evaluate(e->model, NULL, &view, metrics);
    free(targets);
    return result;
}

/* Accuracy or R2 on data; NaN when it cannot be had. */
static inline double estimator_score(const estimator *e, const fnn_dataset *data)
{
    fnn_metrics metrics;
    if (estimator_evaluate(e, data, &metrics)) return (double)NAN;
    return e->task == REGRESSION ? metrics.r2 : metrics.accuracy;
}

#endif
