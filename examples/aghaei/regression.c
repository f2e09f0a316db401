/* aghaei-regression (3.1): the classes' regression task, scored by R2.
 *
 *     cc -O2 -fopenmp examples/aghaei/regression.c -o regression -lm && ./regression
 *
 * The report names no data set for it: here an Iris flower's petal width is predicted from its
 * other three numbers, and a satellite pixel's first band from the other 35 numbers of its
 * neighbourhood, by MLPs and a CNN. Prints R2, and the mean error on the test data in their
 * units. */
#include "family.h"
#include "iris.h"
#include "statlog.h"

static experiment e;
static experiment_data iris, statlog;
static const struct {
    const char *name;
    const experiment_data *data;
    mlp_arguments arguments;
} mlps[] = {
    {"petal width, MLP (10, 10) Tanh",
     &iris,
     {{10, 10}, TANH, 300, .01, .3, .001, .8, 16, 0, REGRESSION}},
    {"first band, MLP (64) ReLU",
     &statlog,
     {{64}, RELU, 100, .02, .3, .001, .95, 128, 0, REGRESSION}},
};
enum { MLPS = EXPERIMENT_COUNT(mlps), CENTRE = 16, PIXELS = 36, MOST = 5000 };
static const cnn_row convolution = {{{CNN_CONV(16, 3, FNN_SAME, FNN_RELU), CNN_DENSE(32, FNN_RELU)},
                                     20,
                                     128,
                                     {FNN_ADAM, 1e-3},
                                     CNN_MEAN_SQUARED_ERROR,
                                     {CNN_R2},
                                     REGRESSION,
                                     0},
                                    EXPERIMENT_UNKNOWN,
                                    EXPERIMENT_UNKNOWN,
                                    EXPERIMENT_UNKNOWN,
                                    0,
                                    FNN_NORMALIZE_STANDARDIZE};

/* The last column of the flowers becomes the target; 30 of them are for testing. */
static void make_iris(void)
{
    static fnn_real features[IRIS_ROWS * 3], widths[IRIS_ROWS];
    fnn_dataset all = iris_load();
    fnn_error error;
    for (int i = 0; i < IRIS_ROWS * IRIS_COLUMNS; i++)
        if (i % IRIS_COLUMNS == 3) widths[i / IRIS_COLUMNS] = all.reals[i];
        else features[i / IRIS_COLUMNS * 3 + i % IRIS_COLUMNS] = all.reals[i];
    all.channels = 3;
    all.reals = features;
    set_target(&all, widths);
    if (fnn_dataset_split(&all, 120, 1, 1, &iris.train, &iris.test, &error))
        experiment_fail(&e, "%s", error.message);
    experiment_adopt(&e, &iris, "Iris");
    experiment_note(&e, "all seeds have the same %ld flowers to test on", (long)iris.test.count);
}

/* The first band of the centre becomes the target, and is black in the image. The arrays have room
 * for MOST rows; the files have fewer. */
static void make_statlog(fnn_dataset *data, uint8_t *pixels, fnn_real *bands)
{
    if (data->rows > MOST) experiment_fail(&e, "Statlog with more than %d rows", MOST);
    memcpy(pixels, data->bytes, (size_t)(data->rows * PIXELS));
    for (int64_t i = 0; i < data->rows; i++) {
        bands[i] = (fnn_real)pixels[i * PIXELS + CENTRE];
        pixels[i * PIXELS + CENTRE] = 0;
    }
    data->bytes = pixels;
    set_target(data, bands);
}

static void run(experiment_job *job)
{
    const int i = job->run;
    if (i == MLPS) run_cnn(job, &convolution, &statlog.train, NULL, &statlog.test);
    else
        run_mlp(job, &mlps[i].arguments, &mlp_readings[0], &mlps[i].data->train,
                &mlps[i].data->test);
}

int main(int argc, char **argv)
{
    static uint8_t pixels[2][MOST * PIXELS];
    static fnn_real bands[2][MOST];
    experiment_begin(&e, argc, argv, "aghaei-regression", "The regression task", 5);
    make_iris();
    statlog_load(&e, &statlog);
    make_statlog(&statlog.train, pixels[0], bands[0]);
    make_statlog(&statlog.test, pixels[1], bands[1]);
    experiment_each(&e, MLPS + 1, e.seeds, run);
    for (int i = 0; i <= MLPS; i++)
        report_regression(&e, i, i < MLPS ? mlps[i].name : "first band, CNN Conv(16, 3x3)");
    return experiment_end(&e);
}
