/* What the programs of this report share: its multilayer perceptron, and how a fit is followed.
 *
 * Plain SGD, batch 200, 75 epochs, hidden layers of 128 units. After every epoch the accuracy is
 * taken on 500 training and 500 test images, drawn once; the final figures are of the whole test
 * set. The report states no learning rate: rates are tried on 10,000 of the training images, held
 * out (fit on the other 50,000), and the chosen one is fitted on all. Reading A takes the tried
 * rate whose validation accuracies come nearest the report's figures, B the best one. */
#ifndef MOTAOUAKKIL_H
#define MOTAOUAKKIL_H
#include "../experiment.h"

enum { MOTAOUAKKIL_EPOCHS = 75, MOTAOUAKKIL_BATCH = 200, MOTAOUAKKIL_UNITS = 128 };

typedef struct motaouakkil_network {
    int depth;
    fnn_activation activation;
    double slope; /* of leaky ReLU */
    double rate, l2;
    int raw; /* pixels 0 to 255 as they are, else divided by 255 */
} motaouakkil_network;

/* All data, and the split for choosing. */
typedef struct motaouakkil_data {
    experiment_data all, split;
} motaouakkil_data;

static inline void motaouakkil_load(experiment *e, motaouakkil_data *data)
{
    experiment_fashion(e, &data->all);
    data->split = data->all;
    experiment_hold_out(e, &data->split, 1.0 / 6, 1);
}

static inline fnn_model *motaouakkil_model(experiment_job *job, const motaouakkil_data *data,
                                           const motaouakkil_network *n)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    if (!n->raw) fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data->all.train);
    experiment_hidden(m, n->depth, MOTAOUAKKIL_UNITS, n->activation, n->slope);
    fnn_dense(m, 10, FNN_SOFTMAX);
    return m;
}

/* The fit on the 50,000; figure 0 is the accuracy on the validation data. */
static inline void motaouakkil_validate(experiment_job *job, const motaouakkil_data *data,
                                        const motaouakkil_network *n, int epochs)
{
    fnn_model *m = motaouakkil_model(job, data, n);
    fnn_fit_config c =
        experiment_config(job, fnn_sgd((fnn_real)n->rate), MOTAOUAKKIL_BATCH, epochs);
    c.l2 = (fnn_real)n->l2;
    experiment_fit(job, m, &data->split.train, &c);
    job->figures[0] = experiment_accuracy(m, &data->split.validation);
    fnn_model_free(m);
}

typedef struct motaouakkil_follower {
    const fnn_model *model;
    fnn_dataset parts[2]; /* of train and test */
    double *scores;       /* (epochs, 2) */
    int count;
} motaouakkil_follower;

static inline int motaouakkil_after_epoch(void *user, const fnn_epoch *epoch)
{
    motaouakkil_follower *f = (motaouakkil_follower *)user;
    (void)epoch;
    for (int i = 0; i < 2; i++)
        f->scores[2 * f->count + i] = experiment_accuracy(f->model, &f->parts[i]) / 100;
    f->count++;
    return 0;
}

/* 500 of the samples; free it. */
static inline fnn_dataset motaouakkil_part(const experiment *e, const fnn_dataset *data)
{
    fnn_dataset part, rest;
    fnn_error error;
    const int64_t count = data->count < 500 ? data->count : 500;
    if (fnn_dataset_split(data, count, 1, 500, &part, &rest, &error))
        experiment_fail(e, "%s", error.message);
    fnn_dataset_free(&rest);
    return part;
}

/* A fit on all training images; the scores of its history become the accuracies on 500 training
 * and 500 test images. A second fit of the model goes on. */
static inline void motaouakkil_follow(experiment_job *job, fnn_model *m,
                                      const motaouakkil_data *data, fnn_fit_config c)
{
    const int before = job->history.count;
    motaouakkil_follower f;
    f.model = m;
    f.parts[0] = motaouakkil_part(job->experiment, &data->all.train);
    f.parts[1] = motaouakkil_part(job->experiment, &data->all.test);
    f.scores =
        (double *)experiment_resize(job->experiment, NULL, 2 * (size_t)c.epochs * sizeof *f.scores);
    f.count = 0;
    c.callback = motaouakkil_after_epoch;
    c.user = &f;
    experiment_fit(job, m, &data->all.train, &c);
    for (int i = 0; i < f.count; i++) {
        fnn_epoch *epoch = &job->history.epochs[before + i];
        epoch->epoch = before + i + 1;
        epoch->score = f.scores[2 * i];
        epoch->validation_score = f.scores[2 * i + 1];
    }
    free(f.scores);
    for (int i = 0; i < 2; i++) fnn_dataset_free(&f.parts[i]);
}

/* What motaouakkil_fit measures, on the test set. */
enum {
    MOTAOUAKKIL_TEST, /* accuracy % at the end */
    MOTAOUAKKIL_FOUR, /* accuracy % of the 500 after four epochs */
    MOTAOUAKKIL_84    /* the first epoch after which the 500 have 84 % */
};

static inline void motaouakkil_fit(experiment_job *job, const motaouakkil_data *data,
                                   const motaouakkil_network *n, int epochs)
{
    fnn_model *m = motaouakkil_model(job, data, n);
    fnn_fit_config c =
        experiment_config(job, fnn_sgd((fnn_real)n->rate), MOTAOUAKKIL_BATCH, epochs);
    c.l2 = (fnn_real)n->l2;
    motaouakkil_follow(job, m, data, c);
    job->figures[MOTAOUAKKIL_TEST] = experiment_accuracy(m, &data->all.test);
    for (int i = job->history.count - 1; i >= 0; i--) {
        const double score = 100 * job->history.epochs[i].validation_score;
        if (i == 3) job->figures[MOTAOUAKKIL_FOUR] = score;
        if (score >= 84) job->figures[MOTAOUAKKIL_84] = i + 1;
    }
    fnn_model_free(m);
}

/* The columns (say rates) of a grid (rows, columns) of runs whose validation accuracies come
 * nearest to one figure a row, all rows together. */
static inline int motaouakkil_nearest(const experiment *e, int rows, int columns,
                                      const double *reported)
{
    int nearest = 0;
    double least = (double)INFINITY;
    for (int k = 0; k < columns; k++) {
        double distance = 0;
        for (int i = 0; i < rows; i++)
            distance += fabs(experiment_mean(e, i * columns + k, 0, NULL) - reported[i]);
        if (distance < least) least = distance, nearest = k;
    }
    return nearest;
}

/* A note with the validation accuracies of count runs of the grid, over values called name. */
static inline void motaouakkil_note(experiment *e, const char *what, const char *name, int first,
                                    const double *values, int count)
{
    char line[512];
    int length = 0;
    for (int i = 0; i < count; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, "%s %g: %.2f", i ? "," : "",
                           values[i], experiment_mean(e, first + i, 0, NULL));
    experiment_note(e, "validation accuracy %% of %s at %s%s", what, name, line);
}

/* The curves of a run on 500 training and 500 test images, with the report's final figure. */
static inline void motaouakkil_plot(experiment *e, const char *name, const char *title, int run,
                                    double epochs, double reported)
{
    if (!experiment_is_made(e, run)) return;
    experiment_plot *p = experiment_plot_begin(e, name, title, "epoch", "accuracy %", 0);
    experiment_curve(e, p, "500 training images", run, FNN_MONITOR_SCORE);
    experiment_curve(e, p, "500 test images", run, FNN_MONITOR_VALIDATION_SCORE);
    if (!isnan(reported)) experiment_reported(e, p, "report, whole test set", epochs, reported);
}

/* ---- the rate that explains the report's figures (A), and each network's best (B) ---- */

typedef struct motaouakkil_row {
    const char *name;
    motaouakkil_network network; /* its rate is chosen here */
    double reported;             /* test accuracy % */
} motaouakkil_row;

enum { MOTAOUAKKIL_ROWS = 8, MOTAOUAKKIL_RATES = 8 }; /* at most */

static struct {
    const motaouakkil_data *data;
    const motaouakkil_row *rows;
    const double *rates;
    int rate_count;
    motaouakkil_network chosen[2 * MOTAOUAKKIL_ROWS]; /* (row, A and B): of the final runs */
} motaouakkil_now;

/* Run i of the grid is row i / rates with rate i % rates. */
static inline motaouakkil_network motaouakkil_tried(int run)
{
    motaouakkil_network n = motaouakkil_now.rows[run / motaouakkil_now.rate_count].network;
    n.rate = motaouakkil_now.rates[run % motaouakkil_now.rate_count];
    return n;
}

static inline void motaouakkil_try(experiment_job *job)
{
    const motaouakkil_network n = motaouakkil_tried(job->run);
    motaouakkil_validate(job, motaouakkil_now.data, &n, MOTAOUAKKIL_EPOCHS);
}

static inline void motaouakkil_fit_chosen(experiment_job *job)
{
    motaouakkil_fit(job, motaouakkil_now.data, &motaouakkil_now.chosen[job->run],
                    MOTAOUAKKIL_EPOCHS);
}

/* Tries the rates for every row on validation data, notes and draws what they give, then fits each
 * row on all images with the rate of A, one for all rows, and with that of B: runs 2 row and
 * 2 row + 1. */
static inline void motaouakkil_search(experiment *e, const motaouakkil_data *data,
                                      const motaouakkil_row *rows, int count, const double *rates,
                                      int rate_count)
{
    double reported[MOTAOUAKKIL_ROWS];
    if (count > MOTAOUAKKIL_ROWS || rate_count > MOTAOUAKKIL_RATES)
        experiment_fail(e, "%d rows and %d rates are too many", count, rate_count);
    motaouakkil_now.data = data;
    motaouakkil_now.rows = rows;
    motaouakkil_now.rates = rates;
    motaouakkil_now.rate_count = rate_count;
    experiment_note(e, "A: of the tried rates the one, for all rows, whose validation accuracies "
                       "come nearest the report's test accuracies; B: each row's best");
    experiment_each(e, count * rate_count, 1, motaouakkil_try);
    experiment_plot *p =
        experiment_plot_begin(e, "learning-rate", "After 75 epochs", "learning rate",
                              "validation accuracy %", EXPERIMENT_LOG_X);
    for (int i = 0; i < count; i++) reported[i] = rows[i].reported;
    const int nearest = motaouakkil_nearest(e, count, rate_count, reported);
    for (int i = 0; i < count; i++) {
        const int first = i * rate_count;
        motaouakkil_note(e, rows[i].name, "rate", first, rates, rate_count);
        for (int k = 0; k < rate_count; k++)
            experiment_point_of(e, p, rows[i].name, rates[k], first + k, 0);
        motaouakkil_now.chosen[2 * i] = motaouakkil_tried(first + nearest);
        motaouakkil_now.chosen[2 * i + 1] =
            motaouakkil_tried(experiment_best(e, 0, first, rate_count));
    }
    experiment_each(e, 2 * count, e->seeds, motaouakkil_fit_chosen);
}

/* One of a final run's figures in the table at the end. */
static inline void motaouakkil_report(experiment *e, int run, int figure, const char *metric,
                                      double reported)
{
    experiment_report(e, run, figure, run % 2 ? "B" : "A", metric, reported,
                      "%s, rate %g, 75 epochs", motaouakkil_now.rows[run / 2].name,
                      motaouakkil_now.chosen[run].rate);
}
#endif
