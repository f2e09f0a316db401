/* aghaei-cnn-2 (4.4 test 2, table 7): two equal convolutions, by filters and kernel.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_2.c -o cnn_2 -lm && ./cnn_2
 *
 * Prints twelve of the 15 cells of the report's grid beside the author's unrounded figures, each
 * trained on all 60,000 images; those that table 7 prints with three seeds. The largest cells take
 * hours each: see aghaei-cnn-2-large. */
#include "cnn.h"

static experiment e;
static experiment_data data;

/* In the order of the author's file. */
static const struct cell {
    int filters, kernel;
    cnn_reported reported;
    int printed; /* in table 7 */
} cells[] = {
    {8, 3, {74.85, 91.48167, .240137}, 0},   {16, 3, {85.26, 94.68167, .148755}, 0},
    {32, 3, {87.85, 95.88, .114045}, 1},     {64, 3, {80.4, 96.775, .090874}, 0},
    {128, 3, {85.44, 95.98167, .113206}, 0}, {8, 7, {83.04, 92.37, .209559}, 0},
    {16, 7, {86.3, 94.37333, .155787}, 1},   {32, 7, {87.58, 94.815, .144326}, 1},
    {64, 7, {83.72, 94.935, .139717}, 0},    {8, 11, {84.84, 91.41667, .230565}, 0},
    {16, 11, {87.54, 93.45, .177168}, 1},    {32, 11, {83.53, 93.86667, .165496}, 0},
};
enum { CELLS = EXPERIMENT_COUNT(cells), STEPS = 10 * 235 /* of a cell: batches in ten epochs */ };

static int seeds_of(const struct cell *c)
{
    return c->printed ? e.seeds : 1;
}

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
                     .earlier_steps = job->run * STEPS};
    if (job->seed < seeds_of(c)) cnn_run_fashion(job, &net, &data);
}

static void report_cell(int i)
{
    const struct cell *c = &cells[i];
    char name[100];
    snprintf(name, sizeof name, "%sConv(%d, %dx%d) twice", c->printed ? "table 7: " : "",
             c->filters, c->kernel, c->kernel);
    cnn_report_fashion(&e, i, seeds_of(c), &c->reported, name);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cnn-2", "Two convolutions on Fashion-MNIST", 3);
    experiment_fashion(&e, &data);
    cnn_note_readings(&e);
    experiment_each(&e, CELLS, e.seeds, run);
    for (int i = 0; i < CELLS; i++) report_cell(i);
    return experiment_end(&e);
}
