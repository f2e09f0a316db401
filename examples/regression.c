/* Regression: learns a noisy curve of temperatures, about 288 kelvin, from 400 points. The network
 * learns them standardised and predicts kelvin. A quarter of the points, held out, says when to
 * stop; an eighth, which had no say in anything, how good the curve is.
 *
 *     cc -O2 -fopenmp examples/regression.c -o regression -lm && ./regression
 *
 * Prints R2 on those test points, about .97, and the curve it found beside the true one, in kelvin.
 * Without fnn_normalize_targets the same network only gets to 288. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { POINTS = 400 };

static double curve(double x)
{
    return 288 + 6 * sin(3 * x) + 3 * x;
}

/* Noise in [-1.2, 1.2] by a small congruential generator. */
static double noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return 2.4 * ((double)(*state >> 8) / 16777216.0 - 0.5);
}

int main(void)
{
    static fnn_real x[POINTS], y[POINTS];
    fnn_dataset data, rest, train, validation, test;
    fnn_error error;
    uint32_t state = 1;
    for (int i = 0; i < POINTS; i++) {
        const double at = 4.0 * i / POINTS - 2;
        x[i] = (fnn_real)at;
        y[i] = (fnn_real)(curve(at) + noise(&state));
    }
    memset(&data, 0, sizeof data); /* over one's own arrays: fill in, nothing is copied */
    data.count = POINTS;
    data.height = data.width = data.channels = 1;
    data.reals = x;
    data.targets = y;
    data.target_count = 1;
    if (fnn_dataset_split(&data, POINTS / 8, 1, 1, &test, &rest, &error) ||
        fnn_dataset_split(&rest, POINTS / 4, 0, 0, &validation, &train, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }

    fnn_model *m = fnn_sequential(1, 1, 1);
    fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &train);
    fnn_dense(m, 64, FNN_TANH);
    fnn_dense(m, 64, FNN_TANH);
    fnn_dense(m, 1, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);

    fnn_fit_config config = fnn_fit_config_init();
    config.optimizer = fnn_adam(0.01f);
    config.epochs = 500;
    config.validation = &validation;
    config.patience = 50; /* stops 50 epochs after the best, whose weights it puts back */
    config.restore_best = 1;
    fnn_history history;
    memset(&history, 0, sizeof history);
    fnn_metrics result;
    if (fnn_fit(m, &train, &config, &history)) {
        fprintf(stderr, "%s\n", fnn_model_error(m)->message);
        return 1;
    }
    if (fnn_evaluate(m, NULL, &test, &result)) return 1;
    printf("%d epochs, test R2 %.4f\n     x    true   model\n", history.count, result.r2);

    fnn_dataset grid = data;
    fnn_real at[9], found[9];
    for (int i = 0; i < 9; i++) at[i] = (fnn_real)(i - 4) / 2;
    grid.count = 9;
    grid.reals = at;
    if (fnn_predict(m, NULL, &grid, found)) return 1;
    for (int i = 0; i < 9; i++)
        printf("%6.2f %7.3f %7.3f\n", (double)at[i], curve((double)at[i]), (double)found[i]);

    fnn_history_free(&history);
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
    fnn_dataset_free(&rest);
    fnn_dataset_free(&test);
    return 0;
}
