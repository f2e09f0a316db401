/* aghaei-cnn-2-large (4.4 test 2, table 7): the two largest networks of the grid of aghaei-cnn-2
 * that the report prints.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_2_large.c -o cnn_2_large -lm && ./cnn_2_large
 *
 * Prints their figures beside the author's unrounded ones. Each is trained once on all 60,000
 * images, which takes hours: --resume goes on. The 15th cell of the grid, 128 filters of 11x11, is
 * left out: its 5.6e15 operations would take about as long as these and all of aghaei-cnn-2, and
 * the author's network learned nothing (10 %), so that the report does not print it. */
#include "cnn.h"

static experiment e;
static experiment_data data;

/* In the order of the author's file. */
static const struct cell {
    int filters, kernel;
    cnn_reported reported;
} cells[] = {
    {128, 7, {86.17, 94.69333, .145901}},
    {64, 11, {85.77, 94.72, .142159}},
};
enum { CELLS = EXPERIMENT_COUNT(cells) };

static void run(experiment_job *job)
{
    const struct cell *c = &cells[job->run];
    const cnn net = {.architecture = {CNN_CONV(c->filters, c->kernel, FNN_SAME, FNN_RELU),
                                      CNN_CONV(c->filters, c->kernel, FNN_SAME, FNN_RELU)},
                     .epochs = 10,
                     .batch_size = 256,
                     .optimizer = fnn_adam,
                     .rate = 1e-3,
                     .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY,
                     .earlier_steps = CNN_MOST_STEPS};
    cnn_run_fashion(job, &net, &data);
}

static void report_cell(int i)
{
    const struct cell *c = &cells[i];
    char name[100];
    snprintf(name, sizeof name, "table 7: Conv(%d, %dx%d) twice", c->filters, c->kernel, c->kernel);
    cnn_report_fashion(&e, i, e.seeds, &c->reported, name);
}

/* Even the tenth of the images that a quick run has would take half an hour. */
static void reduce(void)
{
    const int64_t most = e.mode == EXPERIMENT_QUICK ? 500 : 20;
    if (e.mode == EXPERIMENT_FULL) return;
    data.train = experiment_reduce(&e, &data.train, most);
    data.test = experiment_reduce(&e, &data.test, most);
    experiment_note(&e, "this run: %d images", (int)most);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cnn-2-large",
                     "Two large convolutions on Fashion-MNIST", 1);
    e.wide = 1;
    experiment_fashion(&e, &data);
    reduce();
    cnn_note_readings(&e);
    experiment_each(&e, CELLS, e.seeds, run);
    for (int i = 0; i < CELLS; i++) report_cell(i);
    return experiment_end(&e);
}
