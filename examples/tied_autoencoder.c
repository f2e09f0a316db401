/* An autoencoder with tied weights: an image of 784 pixels passes through 32 numbers and comes out
 * again, and the decoder's weights are the encoder's, transposed. So both layers' gradients are
 * summed before a step, and the new weights copied after it.
 *
 *     cc -O2 -fopenmp examples/tied_autoencoder.c -o tied -lm && ./tied
 *
 * Prints the binary cross-entropy as it falls, then images of Fashion-MNIST's test set, which the
 * network has not seen, each beside what becomes of it. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CODE = 32, TRAIN = 6000, BATCH = 50, EPOCHS = 10 };
enum { BATCHES = TRAIN / BATCH, SHOWN = 3 };

static fnn_real train_x[TRAIN * PIXELS], test_x[SHOWN * PIXELS], rebuilt[SHOWN * PIXELS];

/* The first images of a set as numbers from 0 to 1, into x; each is its own target. */
static fnn_dataset own_targets(const fnn_dataset *images, int count, fnn_real *x)
{
    for (int i = 0; i < count * PIXELS; i++) x[i] = images->bytes[i] / (fnn_real)255;
    return fnn_dataset_regression(x, x, count, PIXELS, PIXELS);
}

/* The decoder's weights (CODE, PIXELS) are the encoder's (PIXELS, CODE), transposed. */
static void copy_weights(const fnn_real *encoder, fnn_real *decoder)
{
    for (int i = 0; i < PIXELS * CODE; i++) decoder[i % CODE * PIXELS + i / CODE] = encoder[i];
}

/* What both layers' gradients say of the weights that they share. */
static void add_gradients(fnn_real *encoder, const fnn_real *decoder)
{
    for (int i = 0; i < PIXELS * CODE; i++) encoder[i] += decoder[i % CODE * PIXELS + i / CODE];
}

static void draw_row(const fnn_real *pixels)
{
    for (int i = 0; i < SIDE; i++) putchar(" .:-=+*#%@"[(int)(9.9f * pixels[i])]);
}

int main(void)
{
    fnn_dataset train, test;
    fnn_error error;
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) return puts(error.message), 1;
    if (train.count < TRAIN || test.count < SHOWN) return puts("too few images"), 1;
    const fnn_dataset data = own_targets(&train, TRAIN, train_x);
    const fnn_dataset unseen = own_targets(&test, SHOWN, test_x);

    fnn_model *m = fnn_sequential(1, 1, PIXELS);
    const int encoder = fnn_dense(m, CODE, FNN_TANH), decoder = fnn_dense(m, PIXELS, FNN_SIGMOID);
    fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
    fnn_real *w = fnn_tensor_values(m, encoder, "weight", NULL);
    fnn_real *w_back = fnn_tensor_values(m, decoder, "weight", NULL);
    fnn_real *g = fnn_tensor_gradient(m, encoder, "weight", NULL);
    const fnn_real *g_back = fnn_tensor_gradient(m, decoder, "weight", NULL);
    if (!w || !w_back || !g || !g_back) return puts(fnn_model_error(m)->message), 1;

    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(2e-3);
    double mean[EPOCHS] = {0}, loss;
    copy_weights(w, w_back);
    for (int step = 0; step < EPOCHS * BATCHES; step++) {
        const int epoch = step / BATCHES, batch = step % BATCHES;
        int64_t samples[BATCH];
        for (int i = 0; i < BATCH; i++) samples[i] = batch * BATCH + i;
        if (fnn_forward(m, &data, samples, BATCH, 1) || fnn_loss(m, &loss) || fnn_backward(m))
            return puts(fnn_model_error(m)->message), 1;
        add_gradients(g, g_back);
        if (fnn_step(m, &c)) return puts(fnn_model_error(m)->message), 1;
        copy_weights(w, w_back);
        mean[epoch] += loss / BATCHES;
        if (batch == BATCHES - 1) printf("epoch %2d  loss %.4f\n", epoch + 1, mean[epoch]);
    }
    if (fnn_predict(m, NULL, &unseen, rebuilt)) return 1;
    for (int y = 0; y < SHOWN * SIDE; y += 2, putchar('\n'))
        draw_row(test_x + y * SIDE), draw_row(rebuilt + y * SIDE);
    fnn_model_free(m), fnn_dataset_free(&train), fnn_dataset_free(&test);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return mean[EPOCHS - 1] < mean[0] ? 0 : 1;
}
