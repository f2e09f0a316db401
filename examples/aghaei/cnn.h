/* The report's class CNN (section 3.2), over the library's public functions; Keras stood below its.
 *
 *     const cnn_arguments arguments = {{CNN_CONV(32, 3, FNN_SAME, FNN_RELU), CNN_MAX_POOL(2),
 *                                       CNN_DENSE(32, FNN_RELU)},
 *                                      10, 256, {FNN_ADAM, 1e-3}, CNN_CROSS_ENTROPY,
 *                                      {CNN_ACCURACY}, CLASSIFICATION, 0};
 *     cnn net = cnn_make(&arguments);
 *     cnn_fit(&net, &train, &validation);       validation may be NULL
 *     cnn_score(&net, &test);                   accuracy, or R2 for REGRESSION
 *     cnn_free(&net);
 *
 * The layer of the outputs, which the task decides, is added inside: softmax over the classes, or
 * linear. Inputs are raw unless net.input says otherwise: see cnn_make. */
#ifndef AGHAEI_CNN_H
#define AGHAEI_CNN_H
#include <math.h>
#include <stdio.h>
#include "estimator.h"

enum { CNN_MOST_LAYERS = 16, CNN_MOST_METRICS = 4 };

typedef enum cnn_kind {
    CNN_END, /* of the architecture */
    CNN_KIND_CONV,
    CNN_KIND_MAX_POOL,
    CNN_KIND_AVERAGE_POOL,
    CNN_KIND_BATCH_NORM,
    CNN_KIND_DROPOUT,
    CNN_KIND_DENSE
} cnn_kind;

/* A layer; what a kind does not have is 0. */
typedef struct cnn_layer {
    cnn_kind kind;
    int units; /* filters, width, or size of the pool's window */
    int kernel;
    fnn_padding padding;
    fnn_activation activation;
    double rate;
} cnn_layer;
#define CNN_CONV(filters, kernel, padding, activation)         \
    {                                                          \
        CNN_KIND_CONV, filters, kernel, padding, activation, 0 \
    }
#define CNN_MAX_POOL(size)                                   \
    {                                                        \
        CNN_KIND_MAX_POOL, size, 0, FNN_VALID, FNN_LINEAR, 0 \
    }
#define CNN_AVERAGE_POOL(size)                                   \
    {                                                            \
        CNN_KIND_AVERAGE_POOL, size, 0, FNN_VALID, FNN_LINEAR, 0 \
    }
#define CNN_BATCH_NORM                                      \
    {                                                       \
        CNN_KIND_BATCH_NORM, 0, 0, FNN_VALID, FNN_LINEAR, 0 \
    } /* first: the input */
#define CNN_DROPOUT(rate)                                   \
    {                                                       \
        CNN_KIND_DROPOUT, 0, 0, FNN_VALID, FNN_LINEAR, rate \
    }
#define CNN_DENSE(units, activation)                       \
    {                                                      \
        CNN_KIND_DENSE, units, 0, FNN_VALID, activation, 0 \
    }

/* Keras' SGD with nesterov: beside the library's kinds, where it is momentum with a flag. */
enum { CNN_NESTEROV = FNN_OPTIMIZER_COUNT };

/* Keras' optimisers by name, with its defaults but for the rate; momentum is .9. */
typedef struct cnn_optimizer {
    int kind; /* of fnn_optimizer_kind, or CNN_NESTEROV; a fit with any other is an error */
    double rate;
} cnn_optimizer;

typedef enum cnn_loss {
    CNN_CROSS_ENTROPY,
    CNN_MEAN_SQUARED_ERROR,
    CNN_MEAN_ABSOLUTE_ERROR,
    CNN_EPSILON_INSENSITIVE /* with epsilon .1 */
} cnn_loss;

typedef enum cnn_metric { CNN_NO_METRIC, CNN_ACCURACY, CNN_TOP_5, CNN_R2 } cnn_metric;

/* CNN(architecture, epochs, batch_size, optimizer, loss, metrics, task, verbose) */
typedef struct cnn_arguments {
    cnn_layer architecture[CNN_MOST_LAYERS]; /* a zero ends it */
    int epochs, batch_size;
    cnn_optimizer optimizer;
    cnn_loss loss;
    cnn_metric metrics[CNN_MOST_METRICS]; /* what cnn_evaluate tells; a zero ends them */
    estimator_task task;
    int verbose;
} cnn_arguments;

typedef struct cnn {
    cnn_arguments arguments;
    fnn_normalization input;   /* FNN_NORMALIZE_NONE unless changed after cnn_make */
    estimator_options options; /* likewise */
    estimator fitted;
} cnn;

/* A network that has not been fitted. */
static inline cnn cnn_make(const cnn_arguments *arguments)
{
    cnn net;
    memset(&net, 0, sizeof net);
    net.arguments = *arguments;
    net.input = FNN_NORMALIZE_NONE;
    return net;
}

static inline void cnn_free(cnn *net)
{
    estimator_free(&net->fitted);
}

/* The optimiser as Keras has it. An unknown kind becomes one that the library refuses. */
static inline fnn_optimizer cnn_keras_optimizer(const cnn_optimizer *o)
{
    const fnn_real rate = (fnn_real)o->rate;
    fnn_optimizer unknown = fnn_sgd(rate);
    unknown.kind = FNN_OPTIMIZER_COUNT;
    switch (o->kind) {
    case FNN_SGD: return fnn_sgd(rate);
    case FNN_MOMENTUM: return fnn_momentum(rate, (fnn_real).9);
    case CNN_NESTEROV: return fnn_nesterov(rate, (fnn_real).9);
    case FNN_ADAGRAD: return fnn_adagrad(rate);
    case FNN_ADADELTA: return fnn_adadelta(rate);
    case FNN_RMSPROP: return fnn_rmsprop(rate);
    case FNN_ADAM: return fnn_adam(rate);
    default: return unknown;
    }
}

static inline void cnn_add(fnn_model *m, const cnn_layer *layer)
{
    switch (layer->kind) {
    case CNN_KIND_CONV:
        fnn_conv2d(m, layer->units, layer->kernel, layer->padding, layer->activation);
        break;
    case CNN_KIND_MAX_POOL: fnn_max_pool2d(m, layer->units); break;
    case CNN_KIND_AVERAGE_POOL: fnn_average_pool2d(m, layer->units); break;
    case CNN_KIND_BATCH_NORM: fnn_batch_norm(m); break;
    case CNN_KIND_DROPOUT: fnn_dropout(m, (fnn_real)layer->rate); break;
    case CNN_KIND_DENSE: fnn_dense(m, layer->units, layer->activation); break;
    case CNN_END: break;
    }
}

/* The layers, onto an empty model. */
static inline void cnn_layers(const cnn *net, fnn_model *m, int outputs, const fnn_dataset *train)
{
    static const fnn_loss_kind losses[] = {
        FNN_LOSS_SOFTMAX_CROSS_ENTROPY, FNN_LOSS_MEAN_SQUARED_ERROR, FNN_LOSS_MEAN_ABSOLUTE_ERROR,
        FNN_LOSS_EPSILON_INSENSITIVE};
    const cnn_arguments *a = &net->arguments;
    fnn_normalize(m, net->input, train);
    fnn_set_loss(m, losses[a->loss], 0, a->loss == CNN_EPSILON_INSENSITIVE ? (fnn_real).1 : 0);
    for (int i = 0; i < CNN_MOST_LAYERS && a->architecture[i].kind; i++)
        cnn_add(m, &a->architecture[i]);
    estimator_output(m, a->task, outputs);
}

/* What a fit of the network is told. */
static inline fnn_fit_config cnn_config(const cnn *net)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = cnn_keras_optimizer(&net->arguments.optimizer);
    c.epochs = net->arguments.epochs;
    c.batch_size = net->arguments.batch_size;
    c.verbose = net->arguments.verbose;
    return c;
}

/* Trains anew on train; net->fitted.history holds the losses and scores of train and, where it is
 * not NULL, validation. */
static inline fnn_result cnn_fit(cnn *net, const fnn_dataset *train, const fnn_dataset *validation)
{
    estimator *e = &net->fitted;
    fnn_result result = estimator_start(e, net->arguments.task, &net->options, train);
    if (result) return result;
    cnn_layers(net, e->model, e->outputs, train);
    result = fnn_seal(e->model);
    if (result) return result;
    return estimator_fit(&net->fitted, train, validation, cnn_config(net), estimator_fnn_fit, NULL);
}

/* The predicted value of each sample: see estimator_predict. */
static inline fnn_result cnn_predict(const cnn *net, const fnn_dataset *data, fnn_real *values)
{
    return estimator_predict(&net->fitted, data, values);
}

/* Accuracy or R2 on data, NaN before a fit. */
static inline double cnn_score(const cnn *net, const fnn_dataset *data)
{
    return estimator_score(&net->fitted, data);
}

/* The share of samples whose label is among the five largest outputs. */
static inline double cnn_top_5(const cnn *net, const fnn_dataset *data)
{
    const int classes = net->fitted.outputs;
    fnn_real *outputs = (fnn_real *)malloc((size_t)data->count * (size_t)classes * sizeof *outputs);
    int32_t *labels = (int32_t *)malloc((size_t)data->count * sizeof *labels);
    double result = (double)NAN;
    for (int64_t i = 0; labels && i < data->count; i++)
        labels[i] = data->labels[data->index ? data->index[i] : i];
    if (outputs && labels && !fnn_predict(net->fitted.model, NULL, data, outputs))
        result = fnn_top_k(outputs, labels, data->count, classes, classes < 5 ? classes : 5);
    free(outputs);
    free(labels);
    return result;
}

/* Keras' evaluate: the loss into values[0], then the metrics in their order. */
static inline fnn_result cnn_evaluate(const cnn *net, const fnn_dataset *data,
                                      double values[1 + CNN_MOST_METRICS])
{
    fnn_metrics metrics;
    const fnn_result result = estimator_evaluate(&net->fitted, data, &metrics);
    if (result) return result;
    values[0] = metrics.loss;
    for (int i = 0; i < CNN_MOST_METRICS && net->arguments.metrics[i]; i++) {
        const cnn_metric metric = net->arguments.metrics[i];
        values[1 + i] = metric == CNN_ACCURACY ? metrics.accuracy
                        : metric == CNN_R2     ? metrics.r2
                                               : cnn_top_5(net, data);
    }
    return FNN_OK;
}

/* How many parameters the fitted network has as Keras counts them: with the running mean and
 * variance of batch norm, of which there are as many as of gamma and beta. */
static inline int64_t cnn_parameters(const cnn *net, const fnn_dataset *data)
{
    size_t count = 0;
    int channels = data->channels;
    fnn_parameters(net->fitted.model, &count);
    int64_t all = (int64_t)count;
    for (int i = 0; i < CNN_MOST_LAYERS && net->arguments.architecture[i].kind; i++) {
        const cnn_layer *l = &net->arguments.architecture[i];
        if (l->kind == CNN_KIND_CONV || l->kind == CNN_KIND_DENSE) channels = l->units;
        if (l->kind == CNN_KIND_BATCH_NORM) all += 2 * channels;
    }
    return all;
}

/* The architecture as text, as the report writes it: Conv(16, 3x3), ..., Dense(32).
 * Padding is "same" where nothing is said. */
static inline void cnn_describe(const cnn_layer *layers, char *text, size_t size)
{
    *text = 0;
    for (int i = 0; i < CNN_MOST_LAYERS && layers[i].kind; i++) {
        const cnn_layer *l = &layers[i];
        const size_t used = strlen(text);
        char *to = text + used;
        if (used && used + 2 < size) to += snprintf(to, size - used, ", ");
        const size_t left = size - (size_t)(to - text);
        switch (l->kind) {
        case CNN_KIND_CONV:
            snprintf(to, left, "Conv(%d, %dx%d%s)", l->units, l->kernel, l->kernel,
                     l->padding == FNN_SAME ? "" : ", valid");
            break;
        case CNN_KIND_MAX_POOL: snprintf(to, left, "MaxPool(%d)", l->units); break;
        case CNN_KIND_AVERAGE_POOL: snprintf(to, left, "AveragePool(%d)", l->units); break;
        case CNN_KIND_BATCH_NORM: snprintf(to, left, "BatchNorm"); break;
        case CNN_KIND_DROPOUT: snprintf(to, left, "Dropout(%g)", l->rate); break;
        case CNN_KIND_DENSE: snprintf(to, left, "Dense(%d)", l->units); break;
        case CNN_END: break;
        }
    }
}

#endif
