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

/* The same of a network; figure 0 is the accuracy on the test set at the end. */
static inline void motaouakkil_fit(experiment_job *job, const motaouakkil_data *data,
                                   const motaouakkil_network *n, int epochs)
{
    fnn_model *m = motaouakkil_model(job, data, n);
    fnn_fit_config c =
        experiment_config(job, fnn_sgd((fnn_real)n->rate), MOTAOUAKKIL_BATCH, epochs);
    c.l2 = (fnn_real)n->l2;
    motaouakkil_follow(job, m, data, c);
    job->figures[0] = experiment_accuracy(m, &data->all.test);
    fnn_model_free(m);
}

/* The first epoch whose accuracy on the 500 test images is within a point of the last ten's. */
static inline double motaouakkil_plateau(const fnn_history *h)
{
    int first = 0;
    double end = 0;
    for (int i = h->count - 1; i >= 0 && i >= h->count - 10; i--)
        end += h->epochs[i].validation_score / fmin(10, h->count);
    while (first < h->count - 1 && h->epochs[first].validation_score < end - .01) first++;
    return first + 1;
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

enum { MOTAOUAKKIL_ROWS = 8 }; /* at most */

typedef struct motaouakkil_grid {
    const motaouakkil_data *data;
    const motaouakkil_row *rows;
    int row_count;
    const double *rates;
    int rate_count;
    motaouakkil_network chosen[2 * MOTAOUAKKIL_ROWS]; /* (row, A and B), by motaouakkil_search */
} motaouakkil_grid;

/* A run of the grid: a row with a rate. */
static inline motaouakkil_network motaouakkil_tried(const motaouakkil_grid *g, int run)
{
    motaouakkil_network n = g->rows[run / g->rate_count].network;
    n.rate = g->rates[run % g->rate_count];
    return n;
}

static inline void motaouakkil_try(experiment_job *job)
{
    const motaouakkil_grid *g = (const motaouakkil_grid *)job->user;
    const motaouakkil_network n = motaouakkil_tried(g, job->run);
    motaouakkil_validate(job, g->data, &n, MOTAOUAKKIL_EPOCHS);
}

static inline void motaouakkil_fit_chosen(experiment_job *job)
{
    const motaouakkil_grid *g = (const motaouakkil_grid *)job->user;
    motaouakkil_fit(job, g->data, &g->chosen[job->run], MOTAOUAKKIL_EPOCHS);
}

/* Tries the rates for every row on validation data, notes and draws what they give, then fits each
 * row on all images with the rate of A, one for all rows, and with that of B: runs 2 row and
 * 2 row + 1. */
static inline void motaouakkil_search(experiment *e, motaouakkil_grid *g)
{
    double reported[MOTAOUAKKIL_ROWS];
    experiment_note(e, "A: of the tried rates the one, for all rows, whose validation accuracies "
                       "come nearest the report's test accuracies; B: each row's best");
    experiment_each_with(e, g->row_count * g->rate_count, 1, motaouakkil_try, g);
    experiment_plot *p =
        experiment_plot_begin(e, "learning-rate", "After 75 epochs", "learning rate",
                              "validation accuracy %", EXPERIMENT_LOG_X);
    for (int i = 0; i < g->row_count; i++) reported[i] = g->rows[i].reported;
    const int nearest = experiment_nearest(e, 0, g->row_count, g->rate_count, reported);
    for (int i = 0; i < g->row_count; i++) {
        const int first = i * g->rate_count;
        motaouakkil_note(e, g->rows[i].name, "rate", first, g->rates, g->rate_count);
        for (int k = 0; k < g->rate_count; k++)
            experiment_point_of(e, p, g->rows[i].name, g->rates[k], first + k, 0);
        g->chosen[2 * i] = motaouakkil_tried(g, first + nearest);
        g->chosen[2 * i + 1] = motaouakkil_tried(g, experiment_best(e, 0, first, g->rate_count));
    }
    experiment_each_with(e, 2 * g->row_count, e->seeds, motaouakkil_fit_chosen, g);
}
#endif
