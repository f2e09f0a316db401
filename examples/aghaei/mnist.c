/* aghaei-mnist (4.3, table 3, figures 10 and 11): MLPs on MNIST.
 *
 *     cc -O2 -fopenmp examples/aghaei/mnist.c -o mnist -lm && ./mnist
 *
 * Prints the rows of table 3, one of 128 units with another beta, and the network of 15 epochs,
 * which diverges for some seeds and not for others, in each reading, then the best of a grid over
 * the values of the table: the report's own is not in its text. */
#include "family.h"

static experiment e;
static experiment_data data;
static const mlp_row rows[] = {
    {{{128, 64}, RELU, 10, .01, .2, 0, .85, 512, 0, CLASSIFICATION}, 32, 31, 15.93},
    {{{128, 64}, LEAKY_RELU(.03), 10, .01, .2, 0, .85, 512, 0, CLASSIFICATION}, 29, 28, 16.58},
    {{{128}, RELU, 10, .01, .1, .001, .85, 512, 0, CLASSIFICATION}, 28, 28, 16.62},
    {{{128}, RELU, 10, .01, .1, 0, .85, 512, 0, CLASSIFICATION}, 28, 27, 16.73},
    {{{64, 64}, RELU, 10, .01, .2, .001, .85, 512, 0, CLASSIFICATION}, 28, 27, 16.79},
    {{{128}, LEAKY_RELU(.03), 10, .01, .1, 0, .85, 512, 0, CLASSIFICATION}, 27, 28, 16.67},
    /* No row of the table: those of 128 with the beta of its other rows. */
    {{{128}, RELU, 10, .01, .2, 0, .85, 512, 0, CLASSIFICATION},
     EXPERIMENT_UNKNOWN,
     EXPERIMENT_UNKNOWN,
     EXPERIMENT_UNKNOWN},
    {{{128, 64}, RELU, 15, .03, .1, .001, .85, 64, 0, CLASSIFICATION},
     86.89,
     87.91,
     EXPERIMENT_UNKNOWN},
};
enum { ROWS = EXPERIMENT_COUNT(rows), LAST = ROWS - 1, READINGS = EXPERIMENT_COUNT(mlp_readings) };
static const mlp_lists lists = {{{64, 64}, {128, 64}, {128}},
                                {RELU, LEAKY_RELU(.03)},
                                {1, {10}},
                                {2, {.001, .01}},
                                {2, {.1, .2}},
                                {2, {.001, 0}},
                                {2, {0, .85}},
                                {1, {512}},
                                CLASSIFICATION};

/* The report sees the validation accuracy fall from epoch 7 or 8 on. */
static void note_peak(int run, const char *reading)
{
    const experiment_job *job = best_seed(&e, run);
    const int epochs = job->history.count;
    int peak = 0;
    for (int i = 1; i < epochs; i++)
        if (epoch_accuracy(job, i, TEST) > epoch_accuracy(job, peak, TEST)) peak = i;
    if (!epochs) return; /* a smoke run does not make all */
    experiment_note(&e,
                    "%s: the last network's best seed on train has its highest test accuracy "
                    "after epoch %d of %d (report: falls from 7-8 on)",
                    reading, peak + 1, epochs);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-mnist", "MLPs on MNIST", 5);
    experiment_mnist(&e, &data);
    report_mlp_table(&e, &data, rows, ROWS, "Table 3, and (128) with .2", "15-epochs",
                     "(128, 64) ReLU, 15 epochs");
    experiment_plot *accuracy = experiment_plot_named(&e, "15-epochs-accuracy");
    experiment_reported(&e, accuracy, "report, train", 15, rows[LAST].train);
    experiment_reported(&e, accuracy, "report, test", 15, rows[LAST].test);
    for (int i = 0; i < READINGS; i++) {
        report_best_seed(&e, LAST * READINGS + i, &rows[LAST], &mlp_readings[i]);
        note_peak(LAST * READINGS + i, mlp_readings[i].name);
    }
    report_mlp_grid(&e, &lists, &mlp_readings[READING_A_SQUARE], &data, data.train.count, 3);
    return experiment_end(&e);
}
