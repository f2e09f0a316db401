/* aghaei-cnn-1 (4.4 test 1, table 6): one convolution, by filters, kernel and padding.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_1.c -o cnn_1 -lm && ./cnn_1
 *
 * Prints all 50 cells of the report's grid beside the author's unrounded figures, each trained on
 * all 60,000 images; the six that table 6 prints with three seeds. */
#include "cnn.h"

enum { FILTERS = 5, KERNELS = 5, PADDINGS = 2, CELLS = FILTERS * KERNELS * PADDINGS };

/* In the order of the author's file. */
static const struct cell {
    int filters, kernel;
    fnn_padding padding;
    cnn_reported reported;
    int printed; /* in table 6 */
} cells[CELLS] = {
    {8, 3, FNN_SAME, {81.29, 90.36833, .270347}, 0},
    {16, 3, FNN_SAME, {81.23, 93.39167, .189262}, 0},
    {32, 3, FNN_SAME, {80.99, 94.915, .146677}, 0},
    {64, 3, FNN_SAME, {78.7, 95.07167, .14217}, 0},
    {128, 3, FNN_SAME, {84.25, 95.87, .120685}, 0},
    {8, 5, FNN_SAME, {80.95, 92.35833, .21418}, 0},
    {16, 5, FNN_SAME, {83.3, 94.085, .167468}, 0},
    {32, 5, FNN_SAME, {85.7, 94.46167, .155562}, 0},
    {64, 5, FNN_SAME, {86.6, 94.59667, .152434}, 1},
    {128, 5, FNN_SAME, {86.85, 95.08667, .140333}, 1},
    {8, 7, FNN_SAME, {84.81, 92.39167, .213318}, 0},
    {16, 7, FNN_SAME, {85.29, 93.32, .186273}, 0},
    {32, 7, FNN_SAME, {86.54, 94.28, .162113}, 1},
    {64, 7, FNN_SAME, {86.23, 93.85667, .169866}, 0},
    {128, 7, FNN_SAME, {85.33, 93.85667, .169061}, 0},
    {8, 9, FNN_SAME, {86.17, 92.08, .218973}, 0},
    {16, 9, FNN_SAME, {85.83, 93.19167, .189565}, 0},
    {32, 9, FNN_SAME, {86.66, 93.375, .183745}, 1},
    {64, 9, FNN_SAME, {87.47, 92.655, .200694}, 1},
    {128, 9, FNN_SAME, {86.4, 93.58, .173861}, 0},
    {8, 11, FNN_SAME, {86.53, 91.66667, .228225}, 0},
    {16, 11, FNN_SAME, {85.38, 92.64167, .200051}, 0},
    {32, 11, FNN_SAME, {86.42, 92.17167, .215765}, 0},
    {64, 11, FNN_SAME, {86.64, 92.35, .207126}, 0},
    {128, 11, FNN_SAME, {87.68, 93.20333, .185012}, 1},
    {8, 3, FNN_VALID, {75.67, 91.885, .230372}, 0},
    {16, 3, FNN_VALID, {78.51, 92.97, .197368}, 0},
    {32, 3, FNN_VALID, {80.81, 94.41, .159659}, 0},
    {64, 3, FNN_VALID, {79.93, 94.55167, .158977}, 0},
    {128, 3, FNN_VALID, {83.96, 95.11, .141191}, 0},
    {8, 5, FNN_VALID, {85.55, 91.53667, .238796}, 0},
    {16, 5, FNN_VALID, {83.77, 92.89167, .200286}, 0},
    {32, 5, FNN_VALID, {84.52, 93.77333, .175432}, 0},
    {64, 5, FNN_VALID, {85.86, 94.37833, .155651}, 0},
    {128, 5, FNN_VALID, {85.21, 94.145, .162207}, 0},
    {8, 7, FNN_VALID, {83.13, 91.04833, .25203}, 0},
    {16, 7, FNN_VALID, {85.63, 92.10667, .22049}, 0},
    {32, 7, FNN_VALID, {85.48, 92.895, .193694}, 0},
    {64, 7, FNN_VALID, {85.56, 92.32, .212593}, 0},
    {128, 7, FNN_VALID, {84.63, 92.29333, .21199}, 0},
    {8, 9, FNN_VALID, {83.47, 89.5, .294368}, 0},
    {16, 9, FNN_VALID, {86.38, 90.5, .261656}, 0},
    {32, 9, FNN_VALID, {87, 91.35667, .237301}, 0},
    {64, 9, FNN_VALID, {85.99, 91.49333, .237856}, 0},
    {128, 9, FNN_VALID, {86.92, 92.25167, .210172}, 0},
    {8, 11, FNN_VALID, {86.27, 90.03, .27535}, 0},
    {16, 11, FNN_VALID, {85.3, 90.63167, .257294}, 0},
    {32, 11, FNN_VALID, {86.33, 89.77667, .281263}, 0},
    {64, 11, FNN_VALID, {86.86, 91.075, .246892}, 0},
    {128, 11, FNN_VALID, {85.2, 91.11667, .241303}, 0},
};
static const char *const filters[FILTERS] = {"8", "16", "32", "64", "128"};
static const char *const kernels[KERNELS] = {"3x3", "5x5", "7x7", "9x9", "11x11"};

enum { STEPS = 10 * 235 /* of a cell: batches in ten epochs */ };

static experiment e;
static experiment_data data;

static int seeds_of(const struct cell *c)
{
    return c->printed ? e.seeds : 1;
}

static void run(experiment_job *job)
{
    const struct cell *c = &cells[job->run];
    const cnn net = {.architecture = {CNN_CONV(c->filters, c->kernel, c->padding, FNN_RELU)},
                     .epochs = 10,
                     .batch_size = 256,
                     .optimizer = fnn_adam,
                     .rate = 1e-3,
                     .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY,
                     .earlier_steps = job->run * STEPS};
    if (job->seed < seeds_of(c)) cnn_run_fashion(job, &net, &data);
}

static void describe(const struct cell *c, char *name, size_t size)
{
    snprintf(name, size, "%sConv(%d, %dx%d)%s", c->printed ? "table 6: " : "", c->filters,
             c->kernel, c->kernel, c->padding == FNN_SAME ? "" : ", valid");
}

static void report_cell(int i)
{
    const struct cell *c = &cells[i];
    char name[100];
    describe(c, name, sizeof name);
    cnn_report_fashion(&e, i, seeds_of(c), &c->reported, name);
}

/* The test accuracy of a cell's first seed. */
static double measured(int cell, int figure)
{
    return e.jobs[cell * e.seed_count].figures[figure];
}

/* How the grid as a whole stands to the author's. */
static void note_grid(int figure, const char *reading)
{
    double differences[CELLS], deviation;
    for (int i = 0; i < CELLS; i++) differences[i] = measured(i, figure) - cells[i].reported.test;
    const double mean = experiment_mean_of(differences, CELLS, &deviation);
    experiment_note(&e, "%s: the %d cells stand %+.2f above the author's, deviation %.2f", reading,
                    CELLS, mean, deviation);
}

/* Raw test accuracy minus the author's, a plot for each padding. */
static void plot_differences(void)
{
    double differences[PADDINGS][KERNELS][FILTERS];
    int cell = 0;
    for (int p = 0; p < PADDINGS; p++)
        for (int k = 0; k < KERNELS; k++)
            for (int f = 0; f < FILTERS; f++, cell++)
                differences[p][k][f] = measured(cell, TEST) - cells[cell].reported.test;
    experiment_matrix(&e, "same", "padding same: raw test accuracy minus the author's", "filters",
                      "kernel", KERNELS, FILTERS, differences[0][0], kernels, filters);
    experiment_matrix(&e, "valid", "padding valid: raw test accuracy minus the author's", "filters",
                      "kernel", KERNELS, FILTERS, differences[1][0], kernels, filters);
}

int main(int argc, char **argv)
{
    char best[100];
    experiment_begin(&e, argc, argv, "aghaei-cnn-1", "One convolution on Fashion-MNIST", 3);
    experiment_fashion(&e, &data);
    cnn_note_readings(&e);
    experiment_each(&e, CELLS, e.seeds, run);
    for (int i = 0; i < CELLS; i++) report_cell(i);
    describe(&cells[cnn_best_model(&e, TEST)], best,
             sizeof best); /* the author's: table 6's first */
    experiment_note(&e, "A: the grid's best model by one seed: %s", best);
    note_grid(TEST, "A");
    note_grid(TEST_SCALED, "B");
    plot_differences();
    return experiment_end(&e);
}
