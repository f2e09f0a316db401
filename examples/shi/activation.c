/* shi-activation (4.2, table 2, figures 4 and 5): ReLU, tanh and leaky ReLU in two hidden layers
 * of 128.
 *
 *     cc -O2 -fopenmp examples/shi/activation.c -o activation -lm && ./activation
 *
 * Prints the test accuracy at the report's best learning rates beside the report's, in both
 * readings (shi.h), and the rate that validation data would have chosen. The slope of leaky ReLU is
 * unsaid: three are run. Plots: train and validation accuracy against the learning rate. */
#include "shi.h"

#define RATES .01, .02, .05, .1, .5, 1
#define MLP(f, best, leak)                                                              \
    .depth = 2, .width = 128, .batch = 100, .epochs = 500, .rate = best, .slope = leak, \
    .activation = f
#define TEST(accuracy) EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, accuracy

static const shi_search table[] = {
    {"ReLU, rate .02, 500 epochs", {MLP(FNN_RELU, .02, 0)}, {RATES}, {TEST(74.90)}},
    {"tanh, rate .1, 500 epochs", {MLP(FNN_TANH, .1, 0)}, {RATES}, {TEST(68.96)}},
    {"leaky ReLU .01, rate .01, 500 epochs",
     {MLP(FNN_LEAKY_RELU, .01, .01)},
     {RATES},
     {TEST(75.89)}},
    {"leaky ReLU .1, rate .01, 500 epochs", {MLP(FNN_LEAKY_RELU, .01, .1)}, {RATES}, {TEST(75.89)}},
    {"leaky ReLU .3, rate .01, 500 epochs", {MLP(FNN_LEAKY_RELU, .01, .3)}, {RATES}, {TEST(75.89)}},
};

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-activation", "ReLU, tanh and leaky ReLU");
    shi_search_rates(table, EXPERIMENT_COUNT(table));
    return experiment_end(&e);
}
