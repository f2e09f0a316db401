/* shi-deep (4.6, table 4): 0 to 4 hidden layers of 128 ReLU, 500 epochs, small learning rates.
 *
 *     cc -O2 -fopenmp examples/shi/deep.c -o deep -lm && ./deep
 *
 * Prints train, validation and test accuracy at the report's learning rates beside the report's, in
 * both readings (shi.h), and what comes out when each seed takes the rate of the grid that is best
 * on validation data. For four layers the table says rate .00002, the text .0002: both are run.
 * Plots: train and validation accuracy against the learning rate. */
#include "shi.h"

#define MLP(layers, best) .depth = layers, .width = 128, .batch = 100, .epochs = 500, .rate = best

static const shi_search table[] = {
    {"0 hidden, rate .005", {MLP(0, .005)}, {.001, .002, .005}, {23.37, 23.46, EXPERIMENT_UNKNOWN}},
    {"1 hidden, rate .005", {MLP(1, .005)}, {.001, .002, .005}, {63.74, 64.30, EXPERIMENT_UNKNOWN}},
    {"2 hidden, rate .005", {MLP(2, .005)}, {.001, .002, .005}, {75.14, 74.31, EXPERIMENT_UNKNOWN}},
    {"3 hidden, rate .002", {MLP(3, .002)}, {.001, .002, .005}, {73.75, 72.967, 71.97}},
    {"4 hidden, rate .0002", {MLP(4, .0002)}, {.0001, .0002, .0005}, {72.96, 71.44, 71.38}},
    {"4 hidden, rate .00002", {MLP(4, .00002)}, {.00002}, {72.96, 71.44, 71.38}},
};

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-deep", "0 to 4 hidden layers, small learning rates");
    shi_search_rates(table, EXPERIMENT_COUNT(table));
    return experiment_end(&e);
}
