/* The report's class CNN (section 3.2) as a description of a network and its training:
 *
 *     static const cnn net = {.architecture = {CNN_CONV(32, 3, FNN_SAME, FNN_RELU),
 *                                              CNN_MAX_POOL(2), CNN_DENSE(32, FNN_RELU)},
 *                             .epochs = 10,
 *                             .batch_size = 256,
 *                             .optimizer = fnn_adam,
 *                             .rate = 1e-3,
 *                             .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY};
 *     fnn_model *m = cnn_fit(&net, job, &data.train, NULL);  // histories of loss and score: job's
 *     cnn_score(m, &data.test);                              // percent, or R2 of a regression
 *     cnn_predict(m, &data.test, values);
 *     fnn_model_free(m);
 *
 * The data decide the task: of classes it is classification, the last layer a softmax; else
 * regression, the targets scaled, the last layer linear. Both are added to the architecture.
 *
 * Its CNNGridSearch (3.3) is experiment_each over a table of such networks, which keeps every
 * history, and cnn_best_model, the highest score on the test data. */
#ifndef AGHAEI_CNN_H
#define AGHAEI_CNN_H
#include "../experiment.h"

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
#define CNN_LAYER(...) \
    {                  \
        __VA_ARGS__    \
    }
#define CNN_CONV(filters, side, border, map)                                              \
    CNN_LAYER(.kind = CNN_KIND_CONV, .units = filters, .kernel = side, .padding = border, \
              .activation = map)
#define CNN_MAX_POOL(size) CNN_LAYER(.kind = CNN_KIND_MAX_POOL, .units = size)
#define CNN_AVERAGE_POOL(size) CNN_LAYER(.kind = CNN_KIND_AVERAGE_POOL, .units = size)
#define CNN_BATCH_NORM CNN_LAYER(.kind = CNN_KIND_BATCH_NORM)
#define CNN_DROPOUT(share) CNN_LAYER(.kind = CNN_KIND_DROPOUT, .rate = share)
#define CNN_DENSE(width, map) CNN_LAYER(.kind = CNN_KIND_DENSE, .units = width, .activation = map)

/* CNN(architecture, epochs, batch_size, optimizer, loss, ...) */
typedef struct cnn {
    cnn_layer architecture[16]; /* a zero ends it */
    int epochs, batch_size;
    fnn_optimizer (*optimizer)(double rate); /* Keras' by name */
    double rate;
    fnn_loss_kind loss;
    fnn_normalization input;
    int earlier_steps; /* that the optimiser has counted with other networks: see cnn_count_steps */
} cnn;

static inline void cnn_add(fnn_model *m, const cnn_layer *l)
{
    switch (l->kind) {
    case CNN_KIND_CONV: fnn_conv2d(m, l->units, l->kernel, l->padding, l->activation); break;
    case CNN_KIND_MAX_POOL: fnn_max_pool2d(m, l->units); break;
    case CNN_KIND_AVERAGE_POOL: fnn_average_pool2d(m, l->units); break;
    case CNN_KIND_BATCH_NORM: fnn_batch_norm(m); break;
    case CNN_KIND_DROPOUT: fnn_dropout(m, (fnn_real)l->rate); break;
    case CNN_KIND_DENSE: fnn_dense(m, l->units, l->activation); break;
    case CNN_END: break;
    }
}

/* The network before it is trained. */
static inline fnn_model *cnn_build(const cnn *net, experiment_job *job, const fnn_dataset *train)
{
    const int classes = train->labels ? train->classes : 0;
    fnn_model *m = experiment_model(job, train->height, train->width, train->channels);
    fnn_normalize(m, net->input, train);
    fnn_set_loss(m, net->loss, 0, net->loss == FNN_LOSS_EPSILON_INSENSITIVE ? (fnn_real).1 : 0);
    for (const cnn_layer *l = net->architecture; l->kind; l++) cnn_add(m, l);
    if (classes) fnn_dense(m, classes, FNN_SOFTMAX);
    else fnn_dense(m, train->target_count, FNN_LINEAR);
    if (!classes) fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, train);
    return m;
}

/* The report's grids hand one Adam from network to network. In Keras 2 its moments begin at zero
 * for each, but its count of steps goes on: the bias correction, a matter of small counts, is left
 * to the first network alone, and the others' first steps are up to six times as long. Here the
 * count is brought as far by steps without gradients, which leave weights and moments as they were.
 * After 10,000 steps the correction is 1 to four digits. */
enum { CNN_MOST_STEPS = 10000 };
static inline void cnn_count_steps(experiment_job *job, fnn_model *m, const fnn_dataset *train,
                                   const fnn_fit_config *c, int steps)
{
    const experiment *e = job->experiment;
    fnn_result result = FNN_OK;
    if (steps > CNN_MOST_STEPS) steps = CNN_MOST_STEPS;
    if (e->mode != EXPERIMENT_FULL) steps /= 1000; /* shows only that it works */
    for (int i = 0; i < steps && !result; i++) {
        size_t count = 0;
        result = fnn_forward(m, train, NULL, 1, 1);
        if (!result) result = fnn_loss(m, NULL);
        if (!result) result = fnn_backward(m);
        fnn_real *gradients = fnn_gradients(m, &count);
        if (!result) memset(gradients, 0, count * sizeof *gradients);
        if (!result) result = fnn_step(m, c);
    }
    if (result) experiment_fail(e, "%s", fnn_model_error(m)->message);
}

/* The network, trained; the caller frees it. validation may be NULL. */
static inline fnn_model *cnn_fit(const cnn *net, experiment_job *job, const fnn_dataset *train,
                                 const fnn_dataset *validation)
{
    fnn_model *m = cnn_build(net, job, train);
    fnn_fit_config c =
        experiment_config(job, net->optimizer(net->rate), net->batch_size, net->epochs);
    cnn_count_steps(job, m, train, &c, net->earlier_steps);
    c.validation = validation;
    experiment_fit(job, m, train, &c);
    return m;
}

/* Accuracy in percent, or R2. */
static inline double cnn_score(const fnn_model *m, const fnn_dataset *data)
{
    return data->labels ? experiment_accuracy(m, data) : experiment_evaluate(m, data).r2;
}

/* The number of each sample's class (count), or its predicted targets (count, target_count). */
static inline fnn_result cnn_predict(const fnn_model *m, const fnn_dataset *data, fnn_real *values)
{
    if (!data->labels) return fnn_predict(m, NULL, data, values);
    int32_t *classes = (int32_t *)malloc((size_t)data->count * sizeof *classes);
    const fnn_result result =
        classes ? fnn_predict_classes(m, NULL, data, classes) : FNN_ERROR_MEMORY;
    for (int64_t i = 0; !result && i < data->count; i++) values[i] = (fnn_real)classes[i];
    free(classes);
    return result;
}

/* How many parameters a network has as Keras counts them: with the running mean and variance of
 * batch norm, of which there are as many as of gamma and beta. */
static inline int64_t cnn_parameters(const cnn *net, fnn_model *m, int channels)
{
    size_t trained = 0;
    fnn_parameters(m, &trained);
    int64_t all = (int64_t)trained;
    for (const cnn_layer *l = net->architecture; l->kind; l++) {
        if (l->kind == CNN_KIND_CONV || l->kind == CNN_KIND_DENSE) channels = l->units;
        if (l->kind == CNN_KIND_BATCH_NORM) all += 2 * channels;
    }
    return all;
}

/* Which run of the last experiment_each has the best model: the highest figure of the first seed.
 * The same fit again gives the same model, to the bit. */
static inline int cnn_best_model(const experiment *e, int figure)
{
    int best = 0;
    for (int i = 1; i < e->run_count; i++) {
        const double value = e->jobs[i * e->seed_count].figures[figure];
        if (value > e->jobs[best * e->seed_count].figures[figure]) best = i;
    }
    return best;
}

/* ---- how the report's programs measured them ---- */

/* The figures of a job: the score on the test data, on those divided by 255, and what Keras'
 * history says of the last epoch: mean accuracy and loss of the batches as they came. */
enum { TEST, TEST_SCALED, TRAIN, LOSS, PARAMETERS };

/* A row of the author's result files: percent, percent, loss. */
typedef struct cnn_reported {
    double test, train, loss;
} cnn_reported;

static inline void cnn_keep_last_epoch(experiment_job *job)
{
    const fnn_epoch *last = &job->history.epochs[job->history.count - 1];
    job->figures[TRAIN] = 100 * last->score;
    job->figures[LOSS] = last->loss;
}

/* Trains on images divided by 255. Reading A tests on raw images, as the report's programs did;
 * reading B on images that are divided too. */
static inline void cnn_run_fashion(experiment_job *job, const cnn *net, const experiment_data *data)
{
    cnn scaled = *net;
    scaled.input = FNN_NORMALIZE_DIVIDE_255;
    fnn_model *m = cnn_fit(&scaled, job, &data->train, NULL);
    cnn_keep_last_epoch(job);
    job->figures[TEST_SCALED] = cnn_score(m, &data->test);
    fnn_normalize(m, FNN_NORMALIZE_NONE, &data->test);
    job->figures[TEST] = cnn_score(m, &data->test);
    fnn_model_free(m);
}

static inline void cnn_note_readings(experiment *e)
{
    experiment_note(e, "A: training images / 255, test images raw; B: both / 255: one network, "
                       "tested twice");
    experiment_note(e, "the optimiser is the grid's, as in Keras 2: only the first network has "
                       "Adam's bias correction from step 1");
    experiment_note(e, "train accuracy and loss are means over the last epoch's batches as they "
                       "came, as in Keras' history; they are the same in A and B");
}

/* A row of the table from the first so many seeds of a run: not all networks have all seeds. */
static inline void cnn_report(experiment *e, int run, int seeds, int figure, const char *reading,
                              const char *metric, double reported, const char *name)
{
    const experiment_job *jobs = e->jobs + run * e->seed_count;
    double values[1000], seconds = 0, deviation;
    for (int s = 0; s < seeds; s++) values[s] = jobs[s].figures[figure], seconds += jobs[s].seconds;
    const double mean = experiment_mean_of(values, seeds, &deviation);
    experiment_row *row = experiment_report_value(e, reading, metric, reported, mean, "%s", name);
    row->deviation = deviation;
    row->seeds = seeds;
    row->seconds = seconds / seeds;
}

/* The rows of a network in both readings. */
static inline void cnn_report_fashion(experiment *e, int run, int seeds, const cnn_reported *r,
                                      const char *name)
{
    cnn_report(e, run, seeds, TEST, "A", "test accuracy %", r->test, name);
    cnn_report(e, run, seeds, TEST_SCALED, "B", "test accuracy %", r->test, name);
    cnn_report(e, run, seeds, TRAIN, "A", "train accuracy %", r->train, name);
    cnn_report(e, run, seeds, LOSS, "A", "train loss", r->loss, name);
}

#endif
