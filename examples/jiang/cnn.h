/* The report's CNN (4.5): two convolutions of 8 filters 3x3 without padding, pool of size 2, two
 * dense layers. One pool behind both convolutions (A) explains its figures: where a rate collapses
 * in most folds, what one epoch reaches, what dropout costs; the textbook's pool behind each (B)
 * does not. The stride of 1 is the convolutions'. The images are standardised, or, as "another copy
 * of the original", raw. The width of the first dense layer is not given: the best of a few is
 * taken. */
#ifndef JIANG_CNN_H
#define JIANG_CNN_H
#include "../experiment.h"

static experiment e;
static experiment_data data;

static const struct {
    const char *name, *reading;
    int pools;
    fnn_normalization input;
} jiang_readings[] = {
    {"one pool, standardised", "A", 1, FNN_NORMALIZE_STANDARDIZE},
    {"one pool, raw pixels", "A raw", 1, FNN_NORMALIZE_NONE},
    {"two pools, standardised", "B", 2, FNN_NORMALIZE_STANDARDIZE},
};
static const int jiang_widths[] = {32, 64, 128};
static int jiang_dense; /* the one of them that jiang_begin chose */

/* Where dropout stands, which the report does not say. */
typedef enum jiang_place { JIANG_CONVS, JIANG_FLAT, JIANG_HIDDEN } jiang_place;

static inline void jiang_dropout(fnn_model *m, jiang_place here, jiang_place place, double rate)
{
    if (here == place && rate > 0) fnn_dropout(m, (fnn_real)rate);
}

/* Adds its layers to an empty model. */
static inline void jiang_cnn(fnn_model *m, int reading, const fnn_dataset *train, int dense,
                             jiang_place place, double rate)
{
    fnn_normalize(m, jiang_readings[reading].input, train);
    for (int i = 0; i < 2; i++) {
        fnn_conv2d(m, 8, 3, FNN_VALID, FNN_RELU);
        jiang_dropout(m, JIANG_CONVS, place, rate);
        if (i + jiang_readings[reading].pools >= 2) fnn_max_pool2d(m, 2);
    }
    jiang_dropout(m, JIANG_FLAT, place, rate);
    fnn_dense(m, dense, FNN_RELU);
    jiang_dropout(m, JIANG_HIDDEN, place, rate);
    fnn_dense(m, 10, FNN_SOFTMAX);
}

/* The figures of jiang_fit: on test, and of the last epoch's batches; accuracies in percent. */
enum { JIANG_TEST, JIANG_TRAIN, JIANG_TEST_LOSS, JIANG_TRAIN_LOSS };

/* A model, fitted by Adam and measured on test. */
static inline void jiang_fit(experiment_job *job, const fnn_dataset *train, const fnn_dataset *test,
                             int reading, int dense, jiang_place place, double dropout, double rate,
                             int batch, int epochs)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    jiang_cnn(m, reading, train, dense, place, dropout);
    fnn_fit_config c = experiment_config(job, fnn_adam((fnn_real)rate), batch, epochs);
    c.validation = epochs > 1 ? test : NULL;
    experiment_fit(job, m, train, &c);
    const fnn_epoch *last = &job->history.epochs[job->history.count - 1];
    job->figures[JIANG_TEST] = experiment_accuracy(m, test);
    job->figures[JIANG_TRAIN] = 100 * last->score;
    job->figures[JIANG_TEST_LOSS] = experiment_evaluate(m, test).loss;
    job->figures[JIANG_TRAIN_LOSS] = last->loss;
    fnn_model_free(m);
}

static inline void jiang_fit_width(experiment_job *job)
{
    jiang_fit(job, &data.train, &data.validation, 0, jiang_widths[job->run], JIANG_FLAT, 0, .001,
              50, 1);
}

/* Reads the options and the data, and chooses the dense layer's width by 10,000 images held out of
 * the training set, on which the experiment itself then trains again. */
static inline void jiang_begin(int argc, char **argv, const char *id, const char *title)
{
    const int count = EXPERIMENT_COUNT(jiang_widths);
    experiment_begin(&e, argc, argv, id, title, 3);
    experiment_fashion(&e, &data);
    const fnn_dataset all = data.train;
    experiment_hold_out(&e, &data, 1.0 / 6, 1);
    experiment_each(&e, count, e.seeds, jiang_fit_width);
    for (int i = 0; i < count; i++)
        experiment_report(&e, i, 0, "A", "validation accuracy %", EXPERIMENT_UNKNOWN,
                          "dense width %d, batch 50, rate .001, 1 epoch", jiang_widths[i]);
    jiang_dense = jiang_widths[experiment_best(&e, 0, 0, count)];
    experiment_note(&e, "dense width %d: the best on validation data (reading A), used in all rows",
                    jiang_dense);
    data.train = all;
}

#endif /* JIANG_CNN_H */
