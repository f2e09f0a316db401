/* aghaei-regression (3.1): the class's regression task, scored by R2, on the author's own example:
 * the noise of an airfoil from five numbers (UCI Airfoil Self-Noise).
 *
 *     cc -O2 -fopenmp examples/aghaei/regression.c -o regression -lm && ./regression
 *
 * Prints every cell of his grid beside his figure, and a network of (30, 20, 10) units, for which
 * he has none. In double precision, as NumPy computes. */
#define FMNIST_NN_REAL double
#include "mlp.h"

#define AIRFOIL_FROM "https://archive.ics.uci.edu/dataset/291/airfoil+self+noise"

static numpy_random *states; /* of the cells */

static const mlp_grid grid = {
    .hidden_layers = {{5, 5}, {10, 10}},
    .activations = {{FNN_TANH, 0}, {FNN_LEAKY_RELU, .05}},
    .epoch = 100,
    .etas = {2, {.01, .06}},
    .betas = {1, {.06}},
    .alphas = {2, {.001, .01}},
    .mus = {1, {.85}},
    .batch_sizes = {1, {128}},
    .regression = 1,
    .rounds = 1,
    .processes = 4,
    .process = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3},
};
static const mlp_figures cells[] = {
    {.5292, .64, .1834},   {.5466, .6538, .2229}, {.8036, .8572, .0821}, {.6202, .6874, .7558},
    {.5891, .6883, .1601}, {.6069, .7099, .1942}, {.7025, .7855, .1144}, {.5554, .6555, .49},
    {.5363, .652, .1793},  {.5527, .6621, .2249}, {.7793, .8367, .0922}, {-1.1437, -1.0635, 1.747},
    {.6327, .7298, .1394}, {.6545, .753, .1793},  {.8044, .8495, .0841}, {.5322, .6372, .7134},
};

static const mlp_arguments network = {.hidden_layer = {30, 20, 10},
                                      .activation = FNN_LEAKY_RELU,
                                      .slope = .05,
                                      .epoch = 200,
                                      .eta = .05,
                                      .beta = .1,
                                      .alpha = 0,
                                      .mu = .8,
                                      .batch_size = 128,
                                      .regression = 1};
static const mlp_figures reported = {EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN};

enum { CELLS = EXPERIMENT_COUNT(cells), NETWORK = CELLS, RUNS };

/* The author's split is the first that a generator seeded 1 draws. */
static void load(numpy_random *r)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset all;
    fnn_error error;
    c.separator = '\t';
    c.label = FNN_CSV_LABEL_TARGET;
    if (fnn_read_csv(experiment_file(&e, "airfoil/airfoil_self_noise.dat", AIRFOIL_FROM), &c, NULL,
                     &all, &error))
        experiment_fail(&e, "%s", error.message);
    mlp_split(r, &all, .25, &data.train, &data.test);
    experiment_own(&e, all);
    experiment_adopt(&e, &data, "Airfoil Self-Noise");
}

/* The first seed has the author's random numbers. */
static void run(experiment_job *job)
{
    const int i = job->run;
    numpy_random r;
    numpy_seed(&r, (uint32_t)job->seed + 1);
    mlp_run(job, i == NETWORK ? network : mlp_grid_cell(&grid, i), MLP_AUTHOR,
            job->seed || i == NETWORK ? r : states[i], &data.train, NULL, &data.test);
}

int main(int argc, char **argv)
{
    numpy_random start;
    experiment_begin(&e, argc, argv, "aghaei-regression", "The regression task", 1);
    numpy_seed(&start, 1);
    load(&start);
    states = mlp_grid_states(&grid, &start);
    experiment_each(&e, RUNS, e.seeds, run);
    mlp_report_grid(&grid, cells);
    mlp_report(NETWORK, &network, "A", reported);
    free(states);
    return experiment_end(&e);
}
