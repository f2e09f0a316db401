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
static const double reported[] = {82.66, 85.12, 85.08};           /* by depth */
static const double reported_84[] = {EXPERIMENT_UNKNOWN, 30, 10}; /* "about" */
enum { DEPTHS = EXPERIMENT_COUNT(reported), RATES = EXPERIMENT_COUNT(rates) };
static motaouakkil_network chosen[2 * DEPTHS]; /* depth times (A, B) */

static motaouakkil_network network(int run)
{
    const motaouakkil_network n = {run / RATES, FNN_RELU, 0, rates[run % RATES], 0, 0};
    return n;
}

static void fit_grid(experiment_job *job)
{
    const motaouakkil_network n = network(job->run);
    motaouakkil_validate(job, &data, &n, MOTAOUAKKIL_EPOCHS);
}

static void fit_chosen(experiment_job *job)
{
    motaouakkil_fit(job, &data, &chosen[job->run], MOTAOUAKKIL_EPOCHS);
}

static void choose(void)
{
    char what[64];
    const int nearest = motaouakkil_nearest(&e, DEPTHS, RATES, reported);
    experiment_plot *p =
        experiment_plot_begin(&e, "learning-rate", "After 75 epochs", "learning rate",
                              "validation accuracy %", EXPERIMENT_LOG_X);
    for (int depth = 0; depth < DEPTHS; depth++) {
        snprintf(what, sizeof what, "%d hidden", depth);
        motaouakkil_note(&e, what, "rate", depth * RATES, rates, RATES);
        for (int i = 0; i < RATES; i++)
            experiment_point_of(&e, p, what, rates[i], depth * RATES + i, 0);
        chosen[2 * depth] = network(depth * RATES + nearest);
        chosen[2 * depth + 1] = network(experiment_best(&e, 0, depth * RATES, RATES));
    }
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-depth", "0, 1 and 2 hidden layers of 128", 3);
    motaouakkil_load(&e, &data);
    experiment_each(&e, DEPTHS * RATES, 1, fit_grid);
    choose();
    experiment_each(&e, 2 * DEPTHS, e.seeds, fit_chosen);
    for (int i = 0; i < 2 * DEPTHS; i++) {
        const int depth = i / 2;
        const char *reading = i % 2 ? "B" : "A";
        const double rate = chosen[i].rate;
        char name[64];
        experiment_report(&e, i, MOTAOUAKKIL_TEST, reading, "test accuracy %", reported[depth],
                          "%d hidden, rate %g, 75 epochs", depth, rate);
        experiment_report(&e, i, MOTAOUAKKIL_FOUR, reading, "accuracy of the 500, epoch 4 %",
                          EXPERIMENT_UNKNOWN, "%d hidden, rate %g, 75 epochs (report: below 80)",
                          depth, rate);
        experiment_report(&e, i, MOTAOUAKKIL_84, reading, "first epoch with 84 % of the 500",
                          reported_84[depth], "%d hidden, rate %g, 75 epochs", depth, rate);
        snprintf(name, sizeof name, "%d-hidden-%s", depth, reading);
        motaouakkil_plot(&e, name, "Accuracy against epochs", i, MOTAOUAKKIL_EPOCHS,
                         reported[depth]);
    }
    return experiment_end(&e);
}
