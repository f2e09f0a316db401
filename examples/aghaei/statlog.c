/* aghaei-statlog (4.2, table 2, figures 8 and 9): MLPs on the Landsat satellite's pixels.
 *
 *     cc -O2 -fopenmp examples/aghaei/statlog.c -o statlog -lm && ./statlog
 *
 * Prints the rows of table 2 and the network of 100 epochs in each reading, then the best of the
 * report's grid. */
#include "family.h"
#include "statlog.h"

static experiment e;
static experiment_data data;
static const mlp_row rows[] = {
    {{{64}, RELU, 30, .01, .3, 0, .95, 256, 0, CLASSIFICATION}, 72, 74, 5.93},
    {{{64}, TANH, 30, .01, .2, 0, .95, 256, 0, CLASSIFICATION}, 71, 74, 6.19},
    {{{64}, TANH, 30, .01, .3, 0, .95, 256, 0, CLASSIFICATION}, 70, 71, 6.71},
    {{{64}, RELU, 30, .01, .2, .01, .95, 256, 0, CLASSIFICATION}, 68, 70, 7.39},
    {{{64}, SIGMOID, 30, .01, .2, 0, .95, 256, 0, CLASSIFICATION}, 67, 68, 7.39},
    {{{64}, RELU, 30, .01, .2, 0, .95, 256, 0, CLASSIFICATION}, 66, 68, 7.38},
    {{{64}, RELU, 30, .01, .3, .01, .95, 256, 0, CLASSIFICATION}, 62, 63, 9.00},
    {{{64}, RELU, 100, .02, .3, .001, .95, 128, 0, CLASSIFICATION},
     81.45,
     83.74,
     EXPERIMENT_UNKNOWN},
};
enum { ROWS = EXPERIMENT_COUNT(rows) };
static mlp_lists lists = {{{32, 16, 8}, {10, 10, 10}, {64}},
                          {TANH, SIGMOID, RELU},
                          {1, {30}},
                          {1, {.01}},
                          {2, {.2, .3}},
                          {2, {.01, 0}},
                          {1, {.95}},
                          {1, {256}},
                          CLASSIFICATION};

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-statlog", "MLPs on Statlog", 5);
    statlog_load(&e, &data);
    report_mlp_table(&e, &data, rows, ROWS, "Table 2", "100-epochs", "(64) ReLU, 100 epochs");
    experiment_plot *accuracy = experiment_plot_named(&e, "100-epochs-accuracy");
    experiment_reported(&e, accuracy, "report, train", 100, rows[ROWS - 1].train);
    experiment_reported(&e, accuracy, "report, test", 100, rows[ROWS - 1].test);
    report_mlp_grid(&e, &lists, &mlp_readings[READING_A_SQUARE], &data, data.train.count, 3);
    report_mlp_grid(&e, &lists, &mlp_readings[READING_B], &data, data.train.count, 3);
    return experiment_end(&e);
}
