/* ali-sigmoid (part 2, figure 2): two hidden layers of sigmoids, rates tried from .15 to .45.
 *
 *     cc -O2 -fopenmp examples/ali/sigmoid.c -o sigmoid -lm && ./sigmoid
 *
 * Prints the grid on validation data, for sigmoid outputs (A: softmax comes only in part 4) and
 * for softmax outputs (B), then what each reaches at the report's best rate .2 and at its own
 * best: on test after the fit on train, and while fitting on the test images (contaminated) as the
 * report does. Of its figures the report says only that it is the second best of its three. */
#include "ali.h"

static experiment e;
static experiment_data data;

static const int widths[][2] = {{128, 64}, {256, 128}, {512, 256}};
static const double rates[] = {.15, .2, .25, .3, .35, .4, .45};
static const struct {
    const char *reading, *name;
    fnn_activation activation;
} outputs[] = {{"A", "sigmoid", FNN_SIGMOID}, {"B", "softmax", FNN_SOFTMAX}};
enum {
    WIDTHS = EXPERIMENT_COUNT(widths),
    RATES = EXPERIMENT_COUNT(rates),
    GRID = WIDTHS * RATES, /* of one output */
    REPORTED_RATE = 1
};
static const struct {
    int figure;
    const char *metric;
} rows[] = {{ALI_VALIDATION, "validation accuracy %"},
            {ALI_TEST, "test accuracy %"},
            {ALI_LAST, "accuracy, fit on test %"},
            {ALI_LAST_LOSS, "loss, fit on test"},
            {ALI_LAST_VALIDATION, "validation accuracy, fit on test %"}};
static ali_network chosen[4]; /* output times (reported rate, best rate) */

static ali_network network(int run)
{
    const int *w = widths[run / RATES % WIDTHS];
    const ali_network n = {
        {w[0], w[1]}, FNN_SIGMOID, outputs[run / GRID].activation, rates[run % RATES], {0, 0}};
    return n;
}

static void fit_grid(experiment_job *job)
{
    const ali_network n = network(job->run);
    ali_validate(job, &data, &n);
}

static void fit_chosen(experiment_job *job)
{
    ali_measure(job, &data, &chosen[job->run]);
}

/* The best widths at the report's rate, then the best of all; the grid as notes and a plot. */
static void choose(int output)
{
    char what[64];
    int at_rate = output * GRID + REPORTED_RATE;
    snprintf(what, sizeof what, "%s-output-rate", outputs[output].name);
    experiment_plot *p = experiment_plot_begin(&e, what, "After ten epochs", "learning rate",
                                               "validation accuracy %", 0);
    for (int run = output * GRID; run < (output + 1) * GRID; run++) {
        const int *w = widths[run / RATES % WIDTHS];
        snprintf(what, sizeof what, "%s output, %d + %d units", outputs[output].name, w[0], w[1]);
        if (run % RATES == 0) ali_note_rates(&e, what, run, rates, RATES);
        experiment_point_of(&e, p, what, rates[run % RATES], run, ALI_VALIDATION);
        if (run % RATES == REPORTED_RATE && experiment_mean(&e, run, ALI_VALIDATION, NULL) >
                                                experiment_mean(&e, at_rate, ALI_VALIDATION, NULL))
            at_rate = run;
    }
    chosen[2 * output] = network(at_rate);
    chosen[2 * output + 1] = network(experiment_best(&e, ALI_VALIDATION, output * GRID, GRID));
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "ali-sigmoid", "Two hidden layers of sigmoids", 3);
    ali_data(&e, &data);
    experiment_each(&e, 2 * GRID, 1, fit_grid);
    choose(0);
    choose(1);
    experiment_each(&e, 4, e.seeds, fit_chosen);
    for (int i = 0; i < 4 * EXPERIMENT_COUNT(rows); i++) {
        const int run = i / EXPERIMENT_COUNT(rows), k = i % EXPERIMENT_COUNT(rows);
        experiment_report(&e, run, rows[k].figure, outputs[run / 2].reading, rows[k].metric,
                          EXPERIMENT_UNKNOWN, "%s output, %d + %d units, %s rate %g",
                          outputs[run / 2].name, chosen[run].widths[0], chosen[run].widths[1],
                          run % 2 ? "best" : "the report's", chosen[run].rate);
    }
    ali_plot(&e, &e, "sigmoid-output", 0, NULL);
    ali_plot(&e, &e, "softmax-output", 2, NULL);
    return experiment_end(&e);
}
