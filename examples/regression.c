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
    const fnn_dataset data = fnn_dataset_regression(x, y, POINTS, 1, 1); /* borrowed, not copied */
    fnn_dataset rest, train, validation, test;
    fnn_error error;
    uint32_t state = 1;
    for (int i = 0; i < POINTS; i++) {
        const double at = 4.0 * i / POINTS - 2;
        x[i] = (fnn_real)at;
        y[i] = (fnn_real)(curve(at) + noise(&state));
    }
    if (fnn_dataset_split(&data, POINTS / 8, FNN_ORDER_SHUFFLE, 1, &test, &rest, &error) ||
        fnn_dataset_split(&rest, POINTS / 4, FNN_ORDER_KEEP, 0, &validation, &train, &error)) {
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

    for (int i = -4; i <= 4; i++) {
        const fnn_real at = (fnn_real)i / 2;
        fnn_real found;
        if (fnn_predict_one(m, NULL, &at, &found)) return 1;
        printf("%6.2f %7.3f %7.3f\n", (double)at, curve((double)at), (double)found);
    }

    fnn_history_free(&history);
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
    fnn_dataset_free(&rest);
    fnn_dataset_free(&test);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return 0;
}
