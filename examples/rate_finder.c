/* A learning-rate finder (Smith 2017, "Cyclical learning rates for training neural networks"): the
 * rate grows with every step, and the loss tells which rates learn and from where on they diverge.
 *
 *     cc -O2 -fopenmp examples/rate_finder.c -o rate_finder -lm && ./rate_finder
 *
 * Prints the smoothed loss by rate with a bar, then a rate to begin with: a tenth of the one where
 * the loss was least. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { SAMPLES = 4096, FEATURES = 20, CLASSES = 4, BATCH = 64, STEPS = 140 };

static fnn_real x[SAMPLES][FEATURES];
static int32_t labels[SAMPLES];

/* Classes by the two signs of a sum and a product; numbers from a small congruential generator. */
static void make_samples(void)
{
    uint32_t state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        for (int j = 0; j < FEATURES; j++) {
            state = state * 1664525u + 1013904223u;
            x[i][j] = (fnn_real)(state >> 8) / 8388608 - 1;
        }
        labels[i] = 2 * (x[i][0] + x[i][1] > 0) + (x[i][2] * x[i][3] > 0);
    }
}

int main(void)
{
    const fnn_dataset data = fnn_dataset_table(x[0], labels, SAMPLES, FEATURES, CLASSES);
    fnn_fit_config c = fnn_fit_config_init();
    double mean = 0, weight = 0, least = HUGE_VAL, best_rate = 0;
    int64_t samples[BATCH];
    make_samples();

    fnn_model *m = fnn_sequential(1, 1, FEATURES);
    fnn_dense(m, 64, FNN_RELU);
    fnn_dense(m, 64, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);

    for (int step = 0; step < STEPS; step++) {
        const double rate = 1e-4 * pow(10, 7.0 * step / STEPS); /* 1e-4 to 1e3 */
        double loss = 0;
        for (int i = 0; i < BATCH; i++) samples[i] = (step * BATCH + i) % SAMPLES;
        c.optimizer = fnn_sgd(rate);
        if (fnn_forward(m, &data, samples, BATCH, 1) || fnn_loss(m, &loss) || fnn_backward(m) ||
            fnn_step(m, &c)) {
            fprintf(stderr, "%s\n", fnn_model_error(m)->message);
            return 1;
        }
        mean = 0.8 * mean + 0.2 * loss; /* a running mean, without its start's zero: */
        weight = 0.8 * weight + 0.2;
        const double smooth = mean / weight;
        if (!(smooth < 4 * least)) break; /* diverged, or not a number */
        if (smooth < least) least = smooth, best_rate = rate;
        if (step % 5 == 0)
            printf("rate %8.1e  loss %6.3f  %.*s\n", rate, smooth, (int)fmin(60, 25 * smooth),
                   "############################################################");
    }
    printf("least loss at %.1e: begin with about %.0e\n", best_rate, best_rate / 10);
    fnn_model_free(m);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return best_rate > 1e-3 && best_rate < 100 ? 0 : 1;
}
