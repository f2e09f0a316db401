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
static const motaouakkil_row rows[] = {
    {"ReLU", {2, FNN_RELU, 0, 0, 0, 0}, 85.08},
    {"LeakyReLU(.01)", {2, FNN_LEAKY_RELU, .01, 0, 0, 0}, 86.13},
    {"LeakyReLU(.1)", {2, FNN_LEAKY_RELU, .1, 0, 0, 0}, 86.13},
    {"tanh", {2, FNN_TANH, 0, 0, 0, 0}, 85.08},
};
enum { ROWS = EXPERIMENT_COUNT(rows) };
static motaouakkil_grid grid = {&data, rows, ROWS, rates, EXPERIMENT_COUNT(rates), {{0}}};

int main(int argc, char **argv)
{
    static const char *const plots[] = {"epochs-A", "epochs-B"};
    experiment_begin(&e, argc, argv, "motaouakkil-activation", "ReLU, LeakyReLU and tanh", 3);
    motaouakkil_load(&e, &data);
    motaouakkil_search(&e, &grid);
    for (int k = 0; k < 2; k++) {
        experiment_plot *p = experiment_plot_begin(
            &e, plots[k], "500 test images, after each epoch", "epoch", "accuracy %", 0);
        for (int i = 0; i < ROWS; i++) {
            experiment_report(&e, 2 * i + k, 0, k ? "B" : "A", "test accuracy %", rows[i].reported,
                              "%s, rate %g, 75 epochs", rows[i].name, grid.chosen[2 * i + k].rate);
            experiment_curve(&e, p, rows[i].name, 2 * i + k, FNN_MONITOR_VALIDATION_SCORE);
        }
        experiment_reported(&e, p, "report, LeakyReLU", MOTAOUAKKIL_EPOCHS, 86.13);
        experiment_reported(&e, p, "report, ReLU and tanh", MOTAOUAKKIL_EPOCHS, 85.08);
    }
    return experiment_end(&e);
}
