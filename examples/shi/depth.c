/* shi-depth (4.1, table 1, figures 1 to 3): 0, 1 and 2 hidden layers of 128 ReLU.
 *
 *     cc -O2 -fopenmp examples/shi/depth.c -o depth -lm && ./depth
 *
 * Prints the test accuracy at the report's best learning rates beside the report's, in both
 * readings (shi.h), and the rate that validation data would have chosen. Plots: train and
 * validation accuracy against the learning rate. */
#include "shi.h"

#define RATES .01, .02, .05, .1, .5, 1
#define MLP(layers, updates, best) \
    .depth = layers, .width = 128, .batch = 100, .epochs = updates, .rate = best
#define TEST(accuracy) EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, accuracy

static const shi_search table[] = {
    {"0 hidden, rate .5, 2000 epochs", {MLP(0, 2000, .5)}, {RATES}, {TEST(79.03)}},
    {"1 hidden, rate .5, 500 epochs", {MLP(1, 500, .5)}, {RATES}, {TEST(78.29)}},
    {"2 hidden, rate .02, 300 epochs", {MLP(2, 300, .02)}, {RATES}, {TEST(74.90)}},
};

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-depth", "0, 1 and 2 hidden layers of 128 ReLU");
    shi_search_rates(table, EXPERIMENT_COUNT(table));
    return experiment_end(&e);
}
