/* aghaei-cnn-3 (4.4 test 3, tables 8 to 10): three convolutions; with a dense layer behind them;
 * with growing filters.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_3.c -o cnn_3 -lm && ./cnn_3
 *
 * Prints the rows of the three tables. Kernels of 3x3, and growing filters of 7x7 without padding,
 * are trained on all 60,000 images; the other kernels of 7x7, which together take an hour and a
 * half so, on 12,000 or, with 32 filters and padding, 8,000; reading B of the input on 12,000. */
#include "family.h"

#define ARGUMENTS(...)                                                               \
    {                                                                                \
        {__VA_ARGS__}, 20, 128, {FNN_ADAM, 1e-3}, CNN_CROSS_ENTROPY, {CNN_ACCURACY}, \
            CLASSIFICATION, 0                                                        \
    }
#define CONVS(a, b, c, kernel, padding)                                             \
    CNN_CONV(a, kernel, padding, FNN_RELU), CNN_CONV(b, kernel, padding, FNN_RELU), \
        CNN_CONV(c, kernel, padding, FNN_RELU)
#define EQUAL(filters, kernel, padding) ARGUMENTS(CONVS(filters, filters, filters, kernel, padding))
#define WITH_DENSE(filters, kernel, padding) \
    ARGUMENTS(CONVS(filters, filters, filters, kernel, padding), CNN_DENSE(32, FNN_RELU))
#define GROWING(kernel, padding) \
    ARGUMENTS(CONVS(8, 16, 32, kernel, padding), CNN_DENSE(32, FNN_RELU))
#define NONE EXPERIMENT_UNKNOWN
#define RAW FNN_NORMALIZE_NONE

static experiment e;
static experiment_data data;
/* The tables name pairs of rows alike: taken for the two paddings of the tests before, in the order
 * of their test scores. */
static const cnn_row rows[] = {
    {EQUAL(16, 3, FNN_SAME), 84, 99, .04, 0, RAW},
    {EQUAL(32, 7, FNN_SAME), 82, 98, .04, 8000, RAW},
    {EQUAL(32, 7, FNN_VALID), 82, 98, .06, 12000, RAW},
    {EQUAL(16, 3, FNN_VALID), 80, 99, .03, 0, RAW},
    {WITH_DENSE(16, 3, FNN_SAME), 86, 99, NONE, 0, RAW},
    {WITH_DENSE(16, 3, FNN_VALID), 85, 100, NONE, 0, RAW},
    {WITH_DENSE(32, 7, FNN_SAME), 84, 99, NONE, 8000, RAW},
    {WITH_DENSE(32, 7, FNN_VALID), 83, 99, NONE, 12000, RAW},
    {GROWING(3, FNN_SAME), 89, 100, NONE, 0, RAW},
    {GROWING(7, FNN_SAME), 86, 99, NONE, 12000, RAW},
    {GROWING(3, FNN_VALID), 85, 100, NONE, 0, RAW},
    {GROWING(7, FNN_VALID), 85, 99, NONE, 0, RAW},
    {EQUAL(16, 3, FNN_SAME), 84, 99, .04, 12000, FNN_NORMALIZE_DIVIDE_255},
    {WITH_DENSE(16, 3, FNN_SAME), 86, 99, NONE, 12000, FNN_NORMALIZE_DIVIDE_255},
    {GROWING(3, FNN_SAME), 89, 100, NONE, 12000, FNN_NORMALIZE_DIVIDE_255},
};

static void run(experiment_job *job)
{
    run_cnn(job, &rows[job->run], &data.train, NULL, &data.test);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cnn-3", "Three convolutions on Fashion-MNIST", 1);
    e.wide = 1;
    experiment_fashion(&e, &data);
    note_inputs(&e);
    experiment_note(&e, "rows that the report names alike: taken for padding same and valid");
    experiment_each(&e, EXPERIMENT_COUNT(rows), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(rows); i++) report_cnn(&e, i, &rows[i], NULL);
    return experiment_end(&e);
}
