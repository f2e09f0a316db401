/* The report's CNN (4.5): two convolutions of 8 filters 3x3 without padding, pools of size 2, two
 * dense layers. "A pooling size of 2, a stride size of 1": if the pools have that stride too (A),
 * a rate of .05 collapses in every cell and one epoch reaches the figures, as in the report; with
 * Keras' stride of the pool's size (B) neither. The width of the first dense layer is not given;
 * jiang-cnn compares a few on validation data. */
#ifndef JIANG_CNN_H
#define JIANG_CNN_H
#include "../experiment.h"

enum { JIANG_DENSE = 64 };

static const struct {
    const char *name, *reading;
    int pool_stride;
    fnn_normalization input;
} jiang_readings[] = {
    {"pool stride 1, pixels / 255", "A", 1, FNN_NORMALIZE_DIVIDE_255},
    {"pool stride 2, standardised", "B", 2, FNN_NORMALIZE_STANDARDIZE},
    {"pool stride 2, raw pixels", "B, raw", 2, FNN_NORMALIZE_NONE},
};

/* Where dropout stands, which the report does not say. */
typedef enum jiang_place { JIANG_POOLS, JIANG_FLAT, JIANG_HIDDEN } jiang_place;

static inline void jiang_dropout(fnn_model *m, jiang_place here, jiang_place place, double rate)
{
    if (here == place && rate > 0) fnn_dropout(m, (fnn_real)rate);
}

/* Adds its layers to an empty model. */
static inline void jiang_cnn(fnn_model *m, int reading, const fnn_dataset *train, int dense,
                             jiang_place place, double rate)
{
    fnn_pool2d_config pool = fnn_pool2d_config_init();
    pool.stride_height = pool.stride_width = jiang_readings[reading].pool_stride;
    fnn_normalize(m, jiang_readings[reading].input, train);
    for (int i = 0; i < 2; i++) {
        fnn_conv2d(m, 8, 3, FNN_VALID, FNN_RELU);
        fnn_pool2d_with(m, &pool);
        jiang_dropout(m, JIANG_POOLS, place, rate);
    }
    jiang_dropout(m, JIANG_FLAT, place, rate);
    fnn_dense(m, dense, FNN_RELU);
    jiang_dropout(m, JIANG_HIDDEN, place, rate);
    fnn_dense(m, 10, FNN_SOFTMAX);
}

/* A model, fitted by Adam and measured on test: figure 0 is the accuracy there in percent, figure 1
 * that while training in the last epoch. */
static inline void jiang_fit(experiment_job *job, const fnn_dataset *train, const fnn_dataset *test,
                             int reading, int dense, jiang_place place, double dropout, double rate,
                             int batch, int epochs)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    jiang_cnn(m, reading, train, dense, place, dropout);
    fnn_fit_config c = experiment_config(job, fnn_adam((fnn_real)rate), batch, epochs);
    c.validation = epochs > 1 ? test : NULL;
    experiment_fit(job, m, train, &c);
    job->figures[0] = experiment_accuracy(m, test);
    job->figures[1] = 100 * job->history.epochs[job->history.count - 1].score;
    fnn_model_free(m);
}

#endif /* JIANG_CNN_H */
