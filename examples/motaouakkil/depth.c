/* motaouakkil-depth (Testing for layers): 0, 1 and 2 hidden layers of 128 ReLU, 75 epochs.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/depth.c -o depth -lm && ./depth
 *
 * Prints the learning rates tried on validation data, then for the rate that explains the report's
 * figures (A, one for all depths) and for each depth's best (B) the test accuracy, that of the 500
 * images after four epochs ("less than five: below 80 %") and the epoch where they pass 84 %. */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;

static const double rates[] = {.002, .003, .005, .01, .03, .1, .2, .5};
static const motaouakkil_row rows[] = {{"0 hidden", {0, FNN_RELU, 0, 0, 0, 0}, 82.66},
                                       {"1 hidden", {1, FNN_RELU, 0, 0, 0, 0}, 85.12},
                                       {"2 hidden", {2, FNN_RELU, 0, 0, 0, 0}, 85.08}};
static const double reported_84[] = {EXPERIMENT_UNKNOWN, 30, 10}; /* "about" */
enum { ROWS = EXPERIMENT_COUNT(rows), RATES = EXPERIMENT_COUNT(rates) };

/* The mean over the seeds that get there. */
static void report_84(int run)
{
    const experiment_job *jobs = &e.jobs[run * e.seed_count];
    double epochs[1000];
    int count = 0;
    for (int s = 0; s < e.seed_count; s++)
        if (!isnan(jobs[s].figures[MOTAOUAKKIL_84]))
            epochs[count++] = jobs[s].figures[MOTAOUAKKIL_84];
    experiment_report_value(
        &e, run % 2 ? "B" : "A", "first epoch with 84 % of the 500", reported_84[run / 2],
        count ? experiment_mean_of(epochs, count, NULL) : EXPERIMENT_UNKNOWN,
        "%s, rate %g, 75 epochs", rows[run / 2].name, motaouakkil_now.chosen[run].rate)
        ->seeds = count;
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-depth", "0, 1 and 2 hidden layers of 128", 3);
    motaouakkil_load(&e, &data);
    experiment_note(&e, "the report has the 500 below 80 %% before epoch 5");
    motaouakkil_search(&e, &data, rows, ROWS, rates, RATES);
    for (int i = 0; i < 2 * ROWS; i++) {
        char name[64];
        motaouakkil_report(&e, i, MOTAOUAKKIL_TEST, "test accuracy %", rows[i / 2].reported);
        motaouakkil_report(&e, i, MOTAOUAKKIL_FOUR, "accuracy of the 500, epoch 4 %",
                           EXPERIMENT_UNKNOWN);
        report_84(i);
        snprintf(name, sizeof name, "%d-hidden-%s", i / 2, i % 2 ? "B" : "A");
        motaouakkil_plot(&e, name, "Accuracy against epochs", i, MOTAOUAKKIL_EPOCHS,
                         rows[i / 2].reported);
    }
    return experiment_end(&e);
}
