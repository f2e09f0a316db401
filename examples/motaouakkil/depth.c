/* motaouakkil-depth (Testing for layers): 0, 1 and 2 hidden layers of 128 ReLU, 75 epochs.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/depth.c -o depth -lm && ./depth
 *
 * Prints what was tried on validation data, then the test accuracy, that of the 500 images after
 * four epochs ("less than five: below 80 %"), and the epochs where they pass 84 % and where they
 * come within a point of their last ten. From Glorot's weights with one rate for all depths that is
 * nearest to the report's figures (A Glorot), and with each depth's best (B); from normal weights
 * of the width, and with the rate, that are nearest (A). */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;
static const double rates[] = {.002, .003, .005, .01, .03, .1, .2, .5};
static const motaouakkil_row rows[] = {{"0 hidden", {0, FNN_RELU, 0, 0, 0, 0}, 82.66},
                                       {"1 hidden", {1, FNN_RELU, 0, 0, 0, 0}, 85.12},
                                       {"2 hidden", {2, FNN_RELU, 0, 0, 0, 0}, 85.08}};
static const double reported_84[] = {EXPERIMENT_UNKNOWN, 30, 10};                /* "about" */
static const double widths[] = {.1, .2, .3, .4}, start_rates[] = {.01, .03, .1}; /* starts */
enum { ROWS = 3, RATES = EXPERIMENT_COUNT(rates), TRIED = 3, STARTS = 4 * TRIED };
static motaouakkil_grid grid = {&data, rows, ROWS, rates, RATES, {{0}}};
static int chosen = -1; /* of the starts: all are tried on validation data until one is */

static void run_start(experiment_job *job)
{
    const int start = chosen < 0 ? job->run % STARTS : chosen;
    fnn_initializer zeros = {FNN_ZEROS, 0}, normal = {FNN_NORMAL, (fnn_real)widths[start / TRIED]};
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data.all.train);
    fnn_set_initializer(m, normal, zeros);
    experiment_hidden(m, chosen < 0 ? job->run / STARTS : job->run, 128, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    const fnn_fit_config c = experiment_config(job, fnn_sgd(start_rates[start % TRIED]), 200, 75);
    if (chosen < 0) experiment_fit(job, m, &data.split.train, &c);
    else motaouakkil_follow(job, m, &data, c);
    job->figures[0] = experiment_accuracy(m, chosen < 0 ? &data.split.validation : &data.all.test);
    fnn_model_free(m);
}

/* Of a fit that was followed; NaN where it never came so far. */
static const char *const metrics[] = {"accuracy of the 500, epoch 4 %",
                                      "first epoch with 84 % of the 500",
                                      "first epoch within a point of the end"};
static double measure(const fnn_history *h, int metric)
{
    if (metric == 2) return motaouakkil_plateau(h);
    if (metric == 0 && h->count >= 4) return 100 * h->epochs[3].validation_score;
    for (int i = 0; metric == 1 && i < h->count; i++)
        if (h->epochs[i].validation_score >= .84) return i + 1;
    return EXPERIMENT_UNKNOWN;
}

static void report(int run, int row, const char *reading, const char *how)
{
    const experiment_job *job = &e.jobs[run * e.seed_count];
    char name[64];
    snprintf(name, sizeof name, "%d-hidden-%s", row, reading);
    if (!reading[1])
        motaouakkil_plot(&e, name, "Accuracy", run, MOTAOUAKKIL_EPOCHS, rows[row].reported);
    snprintf(name, sizeof name, "%s, %s, 75 epochs", rows[row].name, how);
    experiment_report(&e, run, 0, reading, "test accuracy %", rows[row].reported, "%s", name);
    for (int k = 0; k < EXPERIMENT_COUNT(metrics); k++) {
        double values[1000];
        int count = 0;
        for (int s = 0; s < e.seed_count; s++)
            if (!isnan(values[count] = measure(&job[s].history, k))) count++;
        experiment_report_value(&e, reading, metrics[k],
                                k == 1 ? reported_84[row] : EXPERIMENT_UNKNOWN,
                                experiment_mean_of(values, count, NULL), "%s", name)
            ->seeds = count; /* of none the mean is NaN */
    }
}

int main(int argc, char **argv)
{
    const double reported[] = {rows[0].reported, rows[1].reported, rows[2].reported};
    char how[64];
    experiment_begin(&e, argc, argv, "motaouakkil-depth", "0, 1 and 2 hidden layers of 128", 3);
    motaouakkil_load(&e, &data);
    motaouakkil_search(&e, &grid);
    for (int i = 0; i < 2 * ROWS; i++) {
        snprintf(how, sizeof how, "rate %g", grid.chosen[i].rate);
        report(i, i / 2, i % 2 ? "B" : "A Glorot", how);
    }
    experiment_each(&e, ROWS * STARTS, 1, run_start);
    for (int i = 0; i < ROWS * STARTS; i += TRIED) {
        snprintf(how, sizeof how, "%d hidden, N(0, %g)", i / STARTS, widths[i % STARTS / TRIED]);
        motaouakkil_note(&e, how, "rate", i, start_rates, TRIED);
    }
    chosen = experiment_nearest(&e, 0, ROWS, STARTS, reported);
    experiment_each(&e, ROWS, e.seeds, run_start);
    const double width = widths[chosen / TRIED], rate = start_rates[chosen % TRIED];
    snprintf(how, sizeof how, "N(0, %g), rate %g", width, rate);
    for (int i = 0; i < ROWS; i++) report(i, i, "A", how);
    return experiment_end(&e);
}
