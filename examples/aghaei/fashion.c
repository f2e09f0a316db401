/* aghaei-fashion (4.4, table 4, figures 12 and 13): MLPs on Fashion-MNIST.
 *
 *     cc -O2 -fopenmp examples/aghaei/fashion.c -o fashion -lm && ./fashion
 *
 * Prints the rows of table 4 and the network of batch 64 in each reading, then the best of the
 * report's grid. */
#include "family.h"

static experiment e;
static experiment_data data;
static const mlp_row rows[] = {
    {{{128, 64}, LEAKY_RELU(.03), 10, .01, .2, .001, .85, 512, 0, CLASSIFICATION}, 48, 48, 12.04},
    {{{128, 64}, RELU, 10, .01, .2, .001, .85, 512, 0, CLASSIFICATION}, 47, 47, 12.33},
    {{{128, 64}, RELU, 10, .01, .2, 0, .85, 512, 0, CLASSIFICATION}, 47, 47, 12.22},
    {{{128, 64}, LEAKY_RELU(.03), 10, .01, .2, 0, .85, 512, 0, CLASSIFICATION}, 45, 45, 12.60},
    {{{64, 64}, LEAKY_RELU(.03), 10, .01, .2, .001, .85, 512, 0, CLASSIFICATION}, 42, 42, 13.48},
    {{{128, 32, 32}, RELU, 10, .01, .2, 0, .85, 512, 0, CLASSIFICATION}, 39, 40, 13.84},
    {{{128, 64}, LEAKY_RELU(.03), 10, .01, .2, .001, .85, 64, 0, CLASSIFICATION},
     75.36,
     76.78,
     EXPERIMENT_UNKNOWN},
};
enum { ROWS = EXPERIMENT_COUNT(rows) };
static const mlp_lists lists = {{{64, 64}, {128, 64}, {128, 32, 32}},
                                {RELU, LEAKY_RELU(.03)},
                                {1, {10}},
                                {2, {.001, .01}},
                                {2, {.1, .2}},
                                {2, {.001, 0}},
                                {2, {0, .85}},
                                {1, {512}},
                                CLASSIFICATION};

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-fashion", "MLPs on Fashion-MNIST", 3);
    experiment_fashion(&e, &data);
    report_mlp_table(&e, &data, rows, ROWS, "Table 4", "batch-64", "(128, 64) LeakyReLU, batch 64");
    experiment_plot *accuracy = experiment_plot_named(&e, "batch-64-accuracy");
    experiment_reported(&e, accuracy, "report, train", 10, rows[ROWS - 1].train);
    experiment_reported(&e, accuracy, "report, test", 10, rows[ROWS - 1].test);
    report_mlp_grid(&e, &lists, &mlp_readings[READING_A_SQUARE], &data, data.train.count, 3);
    return experiment_end(&e);
}
