/* The report's class MLP (section 3.1), over the library's public functions.
 *
 *     const mlp_arguments arguments = {{128, 64}, RELU, 10, .01, .2, .001, .85, 512, 0,
 *                                      CLASSIFICATION};
 *     mlp net = mlp_make(&arguments);
 *     mlp_fit(&net, &train, &validation);       validation may be NULL
 *     mlp_score(&net, &test);                   accuracy, or R2 for REGRESSION
 *     mlp_free(&net);
 *
 * Inputs are scaled inside, by the training set: minus the column's mean, divided by its VARIANCE
 * (section 3; a column without variance is divided by 1). */
#ifndef AGHAEI_MLP_H
#define AGHAEI_MLP_H
#include <math.h>
#include <stdio.h>
#include "estimator.h"

enum { MLP_MOST_LAYERS = 8 };

/* f and its parameter, which LeakyReLU alone has. */
typedef struct mlp_activation {
    fnn_activation kind;
    double slope;
} mlp_activation;
#define SIGMOID        \
    {                  \
        FNN_SIGMOID, 0 \
    }
#define TANH        \
    {               \
        FNN_TANH, 0 \
    }
#define RELU        \
    {               \
        FNN_RELU, 0 \
    }
#define LEAKY_RELU(slope)     \
    {                         \
        FNN_LEAKY_RELU, slope \
    }

/* Equation 12 adds alpha sum ||W||_F to the loss, but calls it Tikhonov's regularisation, whose
 * norm is squared. */
typedef enum mlp_penalty {
    MLP_UNSQUARED, /* as printed: the gradient gets alpha W / ||W|| of each layer */
    MLP_SQUARED    /* alpha ||W||^2: the gradient gets 2 alpha W */
} mlp_penalty;

/* What the loss is a mean over. Equation 7, of the mean squared error, has 1/n; over a matrix of
 * outputs numpy's mean divides by their number too. Only so do the figures come near the report's
 * on Statlog and MNIST: steps that are a sixth and a tenth as long. */
typedef enum mlp_mean {
    MLP_MEAN_OF_ALL,    /* samples and outputs, as the mean squared error in any case */
    MLP_MEAN_OF_SAMPLES /* the textbook's cross-entropy */
} mlp_mean;

/* MLP(hidden_layer, activation, epoch, eta, beta, alpha, mu, batch_size, verbose, task) */
typedef struct mlp_arguments {
    int hidden_layer[MLP_MOST_LAYERS]; /* widths, a 0 ends them */
    mlp_activation activation;
    int epoch;
    double eta;   /* learning rate */
    double beta;  /* initial weights are N(0, 1) times beta; biases start at 0 */
    double alpha; /* coefficient of the penalty */
    double mu;    /* momentum: v = mu v + gradient, w -= eta v */
    int batch_size;
    int verbose;
    estimator_task task;
} mlp_arguments;

typedef struct mlp {
    mlp_arguments arguments;
    mlp_penalty penalty; /* readings: the first of each unless changed after mlp_make */
    mlp_mean mean;
    estimator_options options; /* likewise */
    estimator fitted;
} mlp;

/* A network that has not been fitted. */
static inline mlp mlp_make(const mlp_arguments *arguments)
{
    mlp net;
    memset(&net, 0, sizeof net);
    net.arguments = *arguments;
    return net;
}

static inline void mlp_free(mlp *net)
{
    estimator_free(&net->fitted);
}

/* The network as text, as the report's tables write it: (128, 64) ReLU, 10 epochs, ... */
static inline void mlp_describe(const mlp_arguments *a, char *text, size_t size)
{
    static const char *const names[] = {"linear", "ReLU",    "LeakyReLU", "ELU",
                                        "GELU",   "Sigmoid", "Tanh",      "softmax"};
    char widths[64] = "", slope[16] = "";
    for (int i = 0; i < MLP_MOST_LAYERS && a->hidden_layer[i]; i++)
        snprintf(widths + strlen(widths), sizeof widths - strlen(widths), i ? ",%d" : "%d",
                 a->hidden_layer[i]);
    if (a->activation.slope > 0) snprintf(slope, sizeof slope, "(%g)", a->activation.slope);
    snprintf(text, size, "(%s) %s%s, %d epochs, eta %g beta %g alpha %g mu %g batch %d", widths,
             names[a->activation.kind], slope, a->epoch, a->eta, a->beta, a->alpha, a->mu,
             a->batch_size);
}

/* By what the library's loss has to be divided, which is a mean over samples. */
static inline int mlp_divisor(const mlp *net, int outputs)
{
    return net->arguments.task == CLASSIFICATION && net->mean == MLP_MEAN_OF_ALL ? outputs : 1;
}

/* Adds alpha W / ||W|| to the gradient of each layer's weights, times the divisor, by which
 * mlp_config divides the rate. Parameters lie layer after layer, weights (inputs, units) before
 * biases (units). */
static inline void mlp_add_unsquared(mlp *net, const fnn_dataset *train)
{
    const fnn_real *w = fnn_parameters(net->fitted.model, NULL);
    fnn_real *g = fnn_gradients(net->fitted.model, NULL);
    const double alpha = net->arguments.alpha * mlp_divisor(net, net->fitted.outputs);
    int inputs = train->height * train->width * train->channels;
    for (int layer = 0, last = 0; !last; layer++) {
        last = layer == MLP_MOST_LAYERS || !net->arguments.hidden_layer[layer];
        const int units = last ? net->fitted.outputs : net->arguments.hidden_layer[layer];
        const int weights = inputs * units;
        double squares = 0;
        for (int i = 0; i < weights; i++) squares += (double)w[i] * (double)w[i];
        const fnn_real factor = squares > 0 ? (fnn_real)(alpha / sqrt(squares)) : 0;
        for (int i = 0; i < weights; i++) g[i] += factor * w[i];
        w += weights + units;
        g += weights + units;
        inputs = units;
    }
}

/* One pass over the data in the order they stand, with the unsquared penalty. */
static inline fnn_result mlp_unsquared_epoch(mlp *net, const fnn_dataset *train,
                                             const fnn_fit_config *config, int64_t *samples)
{
    fnn_model *m = net->fitted.model;
    fnn_result result = FNN_OK;
    for (int64_t first = 0; !result && first < train->count; first += config->batch_size) {
        const int64_t left = train->count - first;
        const int count = left < config->batch_size ? (int)left : config->batch_size;
        for (int i = 0; i < count; i++) samples[i] = first + i;
        result = fnn_forward(m, train, samples, count, 1);
        if (!result) result = fnn_loss(m, NULL);
        if (!result) result = fnn_backward(m);
        if (!result) mlp_add_unsquared(net, train);
        if (!result) result = fnn_step(m, config);
    }
    return result;
}

/* Loss and score of training and validation data after an epoch. */
static inline fnn_result mlp_measure(estimator *e, const fnn_dataset *train,
                                     const fnn_dataset *validation, fnn_epoch *epoch)
{
    fnn_metrics metrics;
    fnn_result result = fnn_evaluate(e->model, NULL, train, &metrics);
    if (result) return result;
    epoch->loss = metrics.loss;
    epoch->score = e->task == REGRESSION ? metrics.r2 : metrics.accuracy;
    epoch->validation_loss = epoch->validation_score = (double)NAN;
    if (!validation) return FNN_OK;
    result = fnn_evaluate(e->model, NULL, validation, &metrics);
    epoch->validation_loss = metrics.loss;
    epoch->validation_score = e->task == REGRESSION ? metrics.r2 : metrics.accuracy;
    return result;
}

/* Training with the unsquared penalty, which fnn_fit does not have: the step, opened. */
static inline fnn_result mlp_unsquared_fit(estimator *e, const fnn_dataset *train,
                                           const fnn_fit_config *config, void *user)
{
    mlp *net = (mlp *)user;
    int64_t *samples = (int64_t *)malloc((size_t)config->batch_size * sizeof *samples);
    fnn_result result = samples ? FNN_OK : FNN_ERROR_MEMORY;
    for (int i = 0, stop = 0; !result && !stop && i < config->epochs; i++) {
        fnn_dataset order;
        fnn_epoch epoch = {0};
        result = fnn_dataset_shuffle(train, config->seed + (uint64_t)i, &order, NULL);
        if (!result) result = mlp_unsquared_epoch(net, &order, config, samples);
        if (!result) result = mlp_measure(e, train, config->validation, &epoch);
        fnn_dataset_free(&order);
        epoch.epoch = i + 1;
        if (!result) stop = estimator_record(e, &epoch);
    }
    free(samples);
    return result;
}

/* The layers, onto an empty model: inputs scaled by the training set, outputs as the task asks. */
static inline void mlp_layers(const mlp_arguments *a, fnn_model *m, int outputs,
                              const fnn_dataset *train)
{
    const fnn_initializer weights = {FNN_NORMAL, (fnn_real)a->beta}, biases = {FNN_ZEROS, 1};
    fnn_normalize(m, FNN_NORMALIZE_MEAN_VARIANCE, train);
    fnn_set_initializer(m, weights, biases);
    if (a->task == REGRESSION) fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    for (int i = 0; i < MLP_MOST_LAYERS && a->hidden_layer[i]; i++) {
        fnn_dense(m, a->hidden_layer[i], FNN_LINEAR);
        fnn_activate(m, a->activation.kind, (fnn_real)a->activation.slope);
    }
    estimator_output(m, a->task, outputs);
}

/* What a fit of the network with so many outputs is told. A loss that is divided is a rate that is,
 * and a penalty that is multiplied. */
static inline fnn_fit_config mlp_config(const mlp *net, int outputs)
{
    const mlp_arguments *a = &net->arguments;
    const int divisor = mlp_divisor(net, outputs);
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_momentum((fnn_real)(a->eta / divisor), (fnn_real)a->mu);
    c.epochs = a->epoch;
    c.batch_size = a->batch_size;
    c.l2 = net->penalty == MLP_SQUARED ? (fnn_real)(2 * a->alpha * divisor) : 0;
    c.verbose = a->verbose;
    return c;
}

/* fnn_fit has all but the unsquared penalty. */
static inline int mlp_has_own_loop(const mlp *net)
{
    return net->penalty == MLP_UNSQUARED && net->arguments.alpha > 0;
}

/* Trains anew on train; net->fitted.history holds the losses and scores of train and, where it is
 * not NULL, validation. */
static inline fnn_result mlp_fit(mlp *net, const fnn_dataset *train, const fnn_dataset *validation)
{
    estimator *e = &net->fitted;
    fnn_result result = estimator_start(e, net->arguments.task, &net->options, train);
    if (result) return result;
    mlp_layers(&net->arguments, e->model, e->outputs, train);
    result = fnn_seal(e->model);
    if (result) return result;
    return estimator_fit(&net->fitted, train, validation, mlp_config(net, e->outputs),
                         mlp_has_own_loop(net) ? mlp_unsquared_fit : estimator_fnn_fit, net);
}

/* The predicted value of each sample: see estimator_predict. */
static inline fnn_result mlp_predict(const mlp *net, const fnn_dataset *data, fnn_real *values)
{
    return estimator_predict(&net->fitted, data, values);
}

/* Accuracy or R2 on data, NaN before a fit. */
static inline double mlp_score(const mlp *net, const fnn_dataset *data)
{
    return estimator_score(&net->fitted, data);
}

#endif
