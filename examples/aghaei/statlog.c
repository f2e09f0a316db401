/* aghaei-statlog (4.2, table 2, figures 8 and 9): MLPs on the Landsat satellite's pixels.
 *
 *     cc -O2 -fopenmp examples/aghaei/statlog.c -o statlog -lm && ./statlog
 *
 * Prints the network of 100 epochs in both readings, the rows of table 2, and every cell of the
 * grid beside the author's figure. In double precision, as NumPy computes: reading A meets all of
 * them to the digit. */
#define FMNIST_NN_REAL double
#include "mlp.h"
#include "statlog.h"

static numpy_random *states; /* of the cells */

static const mlp_grid grid = {
    .hidden_layers = {{32, 16, 8}, {10, 10, 10}, {64}},
    .activations = {{FNN_TANH, 0}, {FNN_SIGMOID, 0}, {FNN_RELU, 0}},
    .epoch = 30,
    .etas = {1, {.01}},
    .betas = {2, {.2, .3}},
    .alphas = {2, {.01, 0}},
    .mus = {1, {.95}},
    .batch_sizes = {1, {256}},
    .rounds = 1,
    .processes = 2,
    .process = {0, 1, 1, 0, 1, 0, 1, 1},
};
static const mlp_figures cells[] = {
    {39.25, 41.04, 14.02}, {24.6, 24.67, 17.36},  {29.05, 30.53, 16.64}, {16.5, 15.99, 19.41},
    {23.5, 23.4, 17.95},   {19.85, 21.67, 18.03}, {19.85, 21.67, 18.67}, {23.5, 23.4, 17.66},
    {29.65, 29, 16.85},    {22.55, 24.13, 17.41}, {38.05, 37.88, 14.95}, {42.85, 42.77, 13.26},
    {19.5, 19.95, 18.66},  {19.4, 20.36, 18.32},  {38.55, 37.32, 14.84}, {24.5, 24.04, 17.39},
    {23.5, 23.4, 17.88},   {23.5, 23.4, 17.58},   {11.2, 10.8, 20.96},   {19.85, 21.67, 18.02},
    {35.2, 35.15, 15.22},  {19.9, 21.2, 18.15},   {35.7, 34.41, 15.42},  {10.5, 9.09, 20.92},
    {55.3, 56.96, 10.29},  {70.95, 73.55, 6.19},  {59.4, 61.26, 9.52},   {70.05, 71.12, 6.71},
    {34.85, 36.01, 15.06}, {66.75, 67.85, 7.39},  {41.75, 45.14, 13.15}, {40.35, 40.05, 13.84},
    {67.9, 69.88, 7.39},   {65.55, 68, 7.38},     {61.8, 62.95, 9},      {72.25, 74.3, 5.93},
};
/* The cells that table 2 prints, in its order. */
static const int printed[] = {35, 25, 27, 32, 29, 33, 34};
static const mlp_figures rows[] = {{72, 74, 5.93}, {71, 74, 6.19}, {70, 71, 6.71}, {68, 70, 7.39},
                                   {67, 68, 7.39}, {66, 68, 7.38}, {62, 63, 9.00}};

static const mlp_arguments network = {.hidden_layer = {64},
                                      .activation = FNN_RELU,
                                      .epoch = 100,
                                      .eta = .02,
                                      .beta = .3,
                                      .alpha = .001,
                                      .mu = .95,
                                      .batch_size = 128};
static const mlp_figures reported = {.test = 81.45, .train = 83.74, .loss = EXPERIMENT_UNKNOWN};

enum { CELLS = EXPERIMENT_COUNT(cells), ROWS = EXPERIMENT_COUNT(printed) };
enum { NETWORK_A = CELLS, NETWORK_B, ROWS_B, RUNS = ROWS_B + ROWS };

/* The first seed has the author's random numbers. */
static void run(experiment_job *job)
{
    const int i = job->run;
    numpy_random r;
    numpy_seed(&r, (uint32_t)job->seed + 1);
    if (i == NETWORK_A || i == NETWORK_B)
        mlp_run_held_out(job, &network, i == NETWORK_A ? MLP_AUTHOR : MLP_TEXT, r);
    else if (i < CELLS)
        mlp_run(job, mlp_grid_cell(&grid, i), MLP_AUTHOR, job->seed ? r : states[i], &data.train,
                mlp_is_printed(printed, ROWS, i) ? &data.test : NULL, &data.test);
    else
        mlp_run(job, mlp_grid_cell(&grid, printed[i - ROWS_B]), MLP_TEXT, r, &data.train, NULL,
                &data.test);
}

int main(int argc, char **argv)
{
    numpy_random start;
    experiment_begin(&e, argc, argv, "aghaei-statlog", "MLPs on Statlog", 1);
    statlog_load();
    numpy_seed(&start, 1);
    states = mlp_grid_states(&grid, &start);
    experiment_each(&e, RUNS, e.seeds, run);
    mlp_report(NETWORK_A, &network, "A", reported);
    mlp_report(NETWORK_B, &network, "B", reported);
    mlp_report_printed(&grid, printed, ROWS, rows, ROWS_B);
    mlp_report_grid(&grid, cells);
    mlp_plot(NETWORK_A, "100-epochs", "(64) ReLU, reading A", 100, reported);
    mlp_plot(NETWORK_B, "100-epochs-B", "(64) ReLU, reading B", 100, reported);
    free(states);
    return experiment_end(&e);
}
