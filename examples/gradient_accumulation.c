/* Gradients of several small batches, summed before the step: what to do where a large batch does
 * not fit into memory.
 *
 *     cc -O2 -fopenmp examples/gradient_accumulation.c -o accumulate -lm && ./accumulate
 *
 * Prints how far the sum of four batches of 64 is from the gradient of all 256 at once, which is
 * rounding alone, and the loss while training so. (Of networks with batch norm the two differ: its
 * statistics are those of the small batch; dropout gives all small batches of a step one mask.) */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { SAMPLES = 2048, FEATURES = 20, CLASSES = 4, SMALL = 64, PARTS = 4 };

static fnn_real x[SAMPLES][FEATURES];
static int32_t labels[SAMPLES];

/* Classes by the two signs of a sum and a product; numbers from a small congruential generator. */
static void make_samples(void)
{
    uint32_t state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        for (int j = 0; j < FEATURES; j++)
            x[i][j] = (fnn_real)((state = state * 1664525u + 1013904223u) >> 8) / 8388608 - 1;
        labels[i] = 2 * (x[i][0] + x[i][1] > 0) + (x[i][2] * x[i][3] > 0);
    }
}

/* The gradient of so many samples from `first` on, into fnn_gradients; returns their mean loss. */
static double gradient_of(fnn_model *m, int first, int count)
{
    const fnn_dataset part = fnn_dataset_table(x[first], labels + first, count, FEATURES, CLASSES);
    double loss = 0;
    if (fnn_forward(m, &part, NULL, count, 1) || fnn_loss(m, &loss) || fnn_backward(m))
        puts(fnn_model_error(m)->message), exit(1);
    return loss;
}

/* The same of PARTS small batches: the mean of their means, as all have one size. Each way back
 * fills fnn_gradients anew, so the sum is kept elsewhere and put back at the end, for fnn_step. */
static double accumulate(fnn_model *m, int first, fnn_real *sum)
{
    size_t parameters;
    fnn_real *gradients = fnn_gradients(m, &parameters);
    double loss = 0;
    memset(sum, 0, parameters * sizeof *sum);
    for (int part = 0; part < PARTS; part++) {
        loss += gradient_of(m, first + part * SMALL, SMALL) / PARTS;
        for (size_t i = 0; i < parameters; i++) sum[i] += gradients[i] / PARTS;
    }
    memcpy(gradients, sum, parameters * sizeof *sum);
    return loss;
}

int main(void)
{
    fnn_fit_config c = fnn_fit_config_init();
    double worst = 0, loss = 0;
    size_t count;
    make_samples();
    fnn_model *m = fnn_sequential(1, 1, FEATURES);
    fnn_dense(m, 64, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    const fnn_real *gradients = fnn_gradients(m, &count);
    fnn_real *sum = malloc(count * sizeof *sum);
    if (!gradients || !sum) return 1;

    accumulate(m, 0, sum);
    gradient_of(m, 0, PARTS * SMALL);
    for (size_t i = 0; i < count; i++) worst = fmax(worst, fabs((double)(gradients[i] - sum[i])));
    printf("largest difference of %d gradients: %.1e\n", (int)count, worst);

    c.optimizer = fnn_adam(1e-2);
    for (int step = 0; step < 20 * SAMPLES / (PARTS * SMALL); step++) {
        loss = accumulate(m, step * PARTS * SMALL % SAMPLES, sum);
        if (fnn_step(m, &c)) return 1;
        if (step % 40 == 39) printf("step %3d  loss %.4f\n", step + 1, loss);
    }
    free(sum), fnn_model_free(m);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return worst < 1e-6 && loss < 0.5 ? 0 : 1;
}
