/* aghaei-iris (4.1, table 1, figure 7): MLPs on 120 of the 150 flowers, tested on the other 30.
 *
 *     cc -O2 -fopenmp examples/aghaei/iris.c -o iris -lm && ./iris
 *
 * Prints the rows of table 1 in each reading, every seed with another draw of the 30 flowers, the
 * best of the seeds by test accuracy, and the best of a grid, whose values the report's text does
 * not give, for its claims: momentum in all of the best, smaller batches faster. */
#include "family.h"
#include "iris.h"

static experiment e;
static experiment_data data;
static const mlp_row rows[] = {
    {{{10, 10, 5}, RELU, 300, .01, .3, .01, .8, 16, 0, CLASSIFICATION}, 100, 97, .84},
    {{{10, 10, 5}, LEAKY_RELU(.1), 300, .01, .3, .01, .8, 16, 0, CLASSIFICATION}, 100, 96, 1.28},
    {{{15, 15}, TANH, 300, .01, .3, .01, .8, 16, 0, CLASSIFICATION}, 97, 98, .67},
    {{{5, 5, 5, 5}, RELU, 300, .01, .3, .01, .8, 16, 0, CLASSIFICATION}, 97, 97, .85},
    {{{15, 15}, RELU, 300, .01, .3, .01, .8, 16, 0, CLASSIFICATION}, 97, 97, .87},
};
enum { ROWS = EXPERIMENT_COUNT(rows), READINGS = 3 }; /* flowers are no pixels: none by 255 */
static mlp_lists lists = {{{10, 10, 5}, {15, 15}, {5, 5, 5, 5}},
                          {RELU, LEAKY_RELU(.1), TANH, SIGMOID},
                          {1, {300}},
                          {2, {.001, .01}},
                          {1, {.3}},
                          {2, {.01, 0}},
                          {2, {0, .8}},
                          {2, {16, 64}},
                          CLASSIFICATION};

/* Each seed tests on 30 flowers of its own. */
static void run(experiment_job *job)
{
    fnn_dataset train, test;
    fnn_error error;
    if (fnn_dataset_split(&data.train, 120, 1, (uint64_t)job->seed + 1, &train, &test, &error))
        experiment_fail(&e, "%s", error.message);
    run_mlp(job, &rows[job->run / READINGS].arguments, &mlp_readings[job->run % READINGS], &train,
            &test);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
}

/* How many of the six best of the grid have the momentum, and the smaller batch. */
static void count_best(const grid *g)
{
    int momentum = 0, small = 0;
    for (int i = 0; i < g->found.count; i++) {
        const fnn_candidate *c = &g->found.candidates[i];
        if (c->rank > 6) continue;
        momentum += c->values[6] > 0;
        small += c->values[7] < 64;
    }
    experiment_note(&e, "of the grid's six best %d have momentum (report: 6), %d the smaller batch",
                    momentum, small);
}

/* The report's rows are the best of a grid by their test accuracy, each a single fit on a single
 * draw of the flowers; so are these the best of the seeds. */
static void report_chosen(void)
{
    char name[200];
    for (int i = 0; i < ROWS; i++) {
        const experiment_job *jobs = e.jobs + i * READINGS * e.seed_count;
        double best = EXPERIMENT_UNKNOWN;
        int reached = 0;
        mlp_describe(&rows[i].arguments, name, sizeof name);
        *strstr(name, ", ") = 0;
        for (int s = 0; s < e.seed_count; s++) {
            best = fmax(best, jobs[s].figures[TEST]);
            reached += jobs[s].figures[TEST] > rows[i].test - .5;
        }
        experiment_report_value(&e, "A", "test accuracy %", rows[i].test, best,
                                "%s, chosen by test: %d of %d seeds reach the report's", name,
                                reached, e.seed_count);
    }
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-iris", "MLPs on Iris", 10);
    data.train = iris_load();
    experiment_adopt(&e, &data, "Iris");
    experiment_each(&e, ROWS * READINGS, e.seeds, run);
    report_table(&e, rows, ROWS, READINGS);
    report_chosen();
    plot_losses(&e, rows, ROWS, READINGS, "Table 1");

    lists.epochs = reduced_epochs(&e, lists.epochs);
    grid g = mlp_grid(&lists);
    g.config.folds = 5; /* a fifth of so few flowers says little */
    g.config.refit = 0; /* none are left to test the best on */
    run_grid(&e, &g, mlp_readings[READING_A_SQUARE].name, &data.train, data.train.count, 3);
    count_best(&g);
    grid_free(&g);
    return experiment_end(&e);
}
