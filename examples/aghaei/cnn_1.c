/* aghaei-cnn-1 (4.4 test 1, table 6): one convolution, by filters, kernel and padding.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_1.c -o cnn_1 -lm && ./cnn_1
 *
 * Prints the six rows of table 6, trained on all 60,000 images, in both readings of the input, then
 * the best of the report's grid of 50, each trained on 9,600 images. */
#include "family.h"

#define ROW(filters, kernel, test, train, loss, input)    \
    {                                                     \
        {{CNN_CONV(filters, kernel, FNN_SAME, FNN_RELU)}, \
         10,                                              \
         256,                                             \
         {FNN_ADAM, 1e-3},                                \
         CNN_CROSS_ENTROPY,                               \
         {CNN_ACCURACY},                                  \
         CLASSIFICATION,                                  \
         0},                                              \
            test, train, loss, 0, input                   \
    }
#define TABLE(input)                                                     \
    ROW(128, 11, 88, 93, .19, input), ROW(64, 5, 87, 95, .15, input),    \
        ROW(128, 5, 87, 95, .14, input), ROW(32, 7, 87, 94, .16, input), \
        ROW(32, 9, 87, 93, .18, input), ROW(64, 9, 87, 93, .20, input)

static experiment e;
static experiment_data data;
static const cnn_row rows[] = {TABLE(FNN_NORMALIZE_NONE), TABLE(FNN_NORMALIZE_DIVIDE_255)};
static const int filters[] = {8, 16, 32, 64, 128}, kernels[] = {3, 5, 7, 9, 11};
static cnn_layer table[50][CNN_MOST_LAYERS];

static void run(experiment_job *job)
{
    run_cnn(job, &rows[job->run], &data.train, NULL, &data.test);
}

/* The grid's architectures: all "same" before all "valid". */
static void fill_table(void)
{
    for (int i = 0; i < 50; i++) {
        const cnn_layer layer =
            CNN_CONV(filters[i / 5 % 5], kernels[i % 5], i < 25 ? FNN_SAME : FNN_VALID, FNN_RELU);
        table[i][0] = layer;
    }
}

/* The report: the best six all have padding "same". */
static void count_padding(const grid *g)
{
    int same = 0;
    for (int i = 0; i < g->found.count; i++)
        same += g->found.candidates[i].rank <= 6 && g->found.candidates[i].values[0] < 25;
    experiment_note(&e, "of the grid's six best %d have padding same (report: 6)", same);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cnn-1", "One convolution on Fashion-MNIST", 1);
    e.wide = 1;
    experiment_fashion(&e, &data);
    note_inputs(&e);
    experiment_each(&e, EXPERIMENT_COUNT(rows), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(rows); i++) report_cnn(&e, i, &rows[i], NULL);

    fill_table();
    report_cnn_grid(&e, table, 50, 10, 256, &data.train, 12000, 6, count_padding);
    return experiment_end(&e);
}
