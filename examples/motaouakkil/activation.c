/* motaouakkil-activation (Activation functions): 2 hidden layers of 128, LeakyReLU and tanh.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/activation.c -o activation -lm && ./activation
 *
 * Prints the learning rates tried on validation data, then the test accuracy after 75 epochs for
 * the rate that explains the report's figures (A, one for all functions) and for each one's best
 * (B). ReLU is beside for comparison; the slope of LeakyReLU is not stated: two. */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;

static const double rates[] = {.003, .005, .01, .03, .1, .2};
static const struct {
    const char *name;
    fnn_activation activation;
    double slope;
} functions[] = {{"ReLU", FNN_RELU, 0},
                 {"LeakyReLU(.01)", FNN_LEAKY_RELU, .01},
                 {"LeakyReLU(.1)", FNN_LEAKY_RELU, .1},
                 {"tanh", FNN_TANH, 0}};
static const double reported[] = {85.08, 86.13, 86.13, 85.08};
enum { FUNCTIONS = EXPERIMENT_COUNT(functions), RATES = EXPERIMENT_COUNT(rates) };
static motaouakkil_network chosen[2 * FUNCTIONS]; /* function times (A, B) */

static motaouakkil_network network(int run)
{
    const int i = run / RATES;
    const motaouakkil_network n = {
        2, functions[i].activation, functions[i].slope, rates[run % RATES], 0, 0};
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
    const int nearest = motaouakkil_nearest(&e, FUNCTIONS, RATES, reported);
    experiment_plot *p =
        experiment_plot_begin(&e, "learning-rate", "2 hidden layers, after 75 epochs",
                              "learning rate", "validation accuracy %", EXPERIMENT_LOG_X);
    for (int i = 0; i < FUNCTIONS; i++) {
        motaouakkil_note(&e, functions[i].name, "rate", i * RATES, rates, RATES);
        for (int k = 0; k < RATES; k++)
            experiment_point_of(&e, p, functions[i].name, rates[k], i * RATES + k, 0);
        chosen[2 * i] = network(i * RATES + nearest);
        chosen[2 * i + 1] = network(experiment_best(&e, 0, i * RATES, RATES));
    }
}

int main(int argc, char **argv)
{
    static const char *const readings[] = {"A", "B"};
    static const char *const plots[] = {"epochs-A", "epochs-B"};
    experiment_begin(&e, argc, argv, "motaouakkil-activation", "ReLU, LeakyReLU and tanh", 3);
    motaouakkil_load(&e, &data);
    experiment_each(&e, FUNCTIONS * RATES, 1, fit_grid);
    choose();
    experiment_each(&e, 2 * FUNCTIONS, e.seeds, fit_chosen);
    for (int k = 0; k < 2; k++) {
        experiment_plot *p = experiment_plot_begin(
            &e, plots[k], "500 test images, after each epoch", "epoch", "accuracy %", 0);
        for (int i = 0; i < FUNCTIONS; i++) {
            experiment_report(&e, 2 * i + k, MOTAOUAKKIL_TEST, readings[k], "test accuracy %",
                              reported[i], "2 hidden, %s, rate %g, 75 epochs", functions[i].name,
                              chosen[2 * i + k].rate);
            experiment_curve(&e, p, functions[i].name, 2 * i + k, FNN_MONITOR_VALIDATION_SCORE);
        }
        experiment_reported(&e, p, "report, LeakyReLU", MOTAOUAKKIL_EPOCHS, 86.13);
        experiment_reported(&e, p, "report, ReLU and tanh", MOTAOUAKKIL_EPOCHS, 85.08);
    }
    return experiment_end(&e);
}
