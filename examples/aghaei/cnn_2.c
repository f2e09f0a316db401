/* aghaei-cnn-2 (4.4 test 2, table 7): two equal convolutions on Fashion-MNIST.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_2.c -o cnn_2 -lm && ./cnn_2
 *
 * Prints the six rows of table 7: those of up to 32 filters trained on all 60,000 images (and, in
 * reading B of the input, on 4,000); 64 and 128 filters, which take hours so, on 1,000. Then the
 * best of the networks of up to 32 filters, each trained on 1,200 images. */
#include "family.h"

#define PAIR(filters, kernel)                                                               \
    {                                                                                       \
        {CNN_CONV(filters, kernel, FNN_SAME, FNN_RELU),                                     \
         CNN_CONV(filters, kernel, FNN_SAME, FNN_RELU)},                                    \
            10, 256, {FNN_ADAM, 1e-3}, CNN_CROSS_ENTROPY, {CNN_ACCURACY}, CLASSIFICATION, 0 \
    }
#define RAW FNN_NORMALIZE_NONE

static experiment e;
static experiment_data data;
static const cnn_row rows[] = {
    {PAIR(32, 3), 88, 96, .11, 0, RAW},
    {PAIR(32, 7), 88, 95, .14, 0, RAW},
    {PAIR(16, 11), 88, 93, .18, 0, RAW},
    {PAIR(128, 7), 86, 95, .15, 1000, RAW},
    {PAIR(64, 11), 86, 95, .14, 1000, RAW},
    {PAIR(16, 7), 86, 94, .16, 0, RAW},
    {PAIR(32, 3), 88, 96, .11, 4000, FNN_NORMALIZE_DIVIDE_255},
    {PAIR(32, 7), 88, 95, .14, 4000, FNN_NORMALIZE_DIVIDE_255},
    {PAIR(16, 11), 88, 93, .18, 4000, FNN_NORMALIZE_DIVIDE_255},
    {PAIR(16, 7), 86, 94, .16, 4000, FNN_NORMALIZE_DIVIDE_255},
};
static const int filters[] = {8, 16, 32}, kernels[] = {3, 5, 7, 9, 11};
static cnn_layer table[30][CNN_MOST_LAYERS];

static void run(experiment_job *job)
{
    run_cnn(job, &rows[job->run], &data.train, NULL, &data.test);
}

/* The grid's architectures: all "same" before all "valid". */
static void fill_table(void)
{
    for (int i = 0; i < 30; i++) {
        const cnn_layer layer =
            CNN_CONV(filters[i / 5 % 3], kernels[i % 5], i < 15 ? FNN_SAME : FNN_VALID, FNN_RELU);
        table[i][0] = table[i][1] = layer;
    }
}

/* The report: with two layers 3x3 performs better than larger kernels. */
static void count_kernels(const grid *g)
{
    int small = 0;
    for (int i = 0; i < g->found.count; i++)
        small += g->found.candidates[i].rank <= 6 && (int)g->found.candidates[i].values[0] % 5 == 0;
    experiment_note(&e, "of the grid's six best %d have kernels of 3x3 (report: 1)", small);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cnn-2", "Two convolutions on Fashion-MNIST", 1);
    e.wide = 1;
    experiment_fashion(&e, &data);
    note_inputs(&e);
    experiment_each(&e, EXPERIMENT_COUNT(rows), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(rows); i++) report_cnn(&e, i, &rows[i], NULL);

    fill_table();
    experiment_note(&e, "the grid is without the report's 64 and 128 filters");
    report_cnn_grid(&e, table, 30, 10, 256, &data.train, 1500, 6, count_kernels);
    return experiment_end(&e);
}
