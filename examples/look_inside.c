/* Looks into a small convolutional network: the tensors of every layer, what its filters make of an
 * image, and a copy that goes its own way.
 *
 *     cc -O2 -fopenmp examples/look_inside.c -o look_inside -lm && ./look_inside
 *
 * Prints each layer's shape with its tensors' shapes and norms; a test image beside three filters'
 * view of it, as characters; and the test accuracy of the model, about 82 %, and of its copy, about
 * 85 %, which is trained for one more epoch. It takes a second. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { TRAINED = 6000, SIDE = 28, FILTERS = 8, DRAWN = 3, CLASSES = 10 };

static void print_tensors(const fnn_model *m)
{
    fnn_tensor t;
    int shape[3];
    for (int l = -1; l < fnn_layer_count(m); l++) { /* -1: the input, with its normalisation */
        fnn_layer_shape(m, l, shape);
        printf("%2d %-12s %d x %d x %d\n", l, fnn_layer_name(m, l), shape[0], shape[1], shape[2]);
        for (int i = 0; !fnn_tensor_at(m, l, i, &t); i++) {
            double squares = 0;
            for (size_t j = 0; j < t.count; j++) squares += (double)(t.values[j] * t.values[j]);
            printf("       %-9s", t.name);
            for (int d = 0; d < t.dimensions; d++) printf("%s%d", d ? " x " : "", t.shape[d]);
            printf(", norm %.3f%s\n", sqrt(squares), t.is_statistic ? ", not trained" : "");
        }
    }
}

/* Two rows of one channel of an image (28, 28, channels) as a line of text. */
static void draw_line(const fnn_real *image, int channels, int channel, int row)
{
    fnn_real most = 1e-6f;
    for (int i = 0; i < SIDE * SIDE; i++)
        if (image[i * channels + channel] > most) most = image[i * channels + channel];
    for (int x = 0; x < SIDE; x++) {
        const fnn_real *pixel = image + (row * SIDE + x) * channels + channel;
        const fnn_real sum = pixel[0] + pixel[SIDE * channels];
        putchar(" .:-=+*#%@"[(int)(sum > 0 ? 9 * sum / (2 * most) : 0)]);
    }
}

static int report(const fnn_model *m, const char *name, const fnn_dataset *test)
{
    fnn_metrics metrics;
    if (fnn_evaluate(m, NULL, test, &metrics)) return 1;
    printf("%s: test accuracy %.2f %%\n", name, 100 * metrics.accuracy);
    return 0;
}

int main(void)
{
    static fnn_real image[SIDE * SIDE], seen[SIDE * SIDE * FILTERS];
    fnn_dataset all, train, rest, test;
    fnn_error error;
    if (fnn_read_fashion_mnist(NULL, NULL, &all, &test, &error) ||
        fnn_dataset_split(&all, TRAINED, FNN_ORDER_SHUFFLE, 1, &train, &rest, &error))
        return puts(error.message), 1;

    fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    const int conv = fnn_conv2d(m, FILTERS, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_batch_norm(m);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(2e-3), c.epochs = 2;
    if (fnn_fit(m, &train, &c, NULL)) return puts(fnn_model_error(m)->message), 1;
    print_tensors(m);

    const fnn_dataset one = fnn_dataset_images(test.bytes, NULL, 1, SIDE, SIDE, 1, 0);
    if (fnn_predict_layer(m, NULL, &one, -1, image) || fnn_predict_layer(m, NULL, &one, conv, seen))
        return 1;
    for (int row = 0; row < SIDE; row += 2, putchar('\n')) {
        draw_line(image, 1, 0, row);
        for (int f = 0; f < DRAWN; f++) draw_line(seen, FILTERS, f, row);
    }

    fnn_model *copy = fnn_copy(m, NULL, &error); /* with what Adam remembers: goes on from here */
    c.epochs = 1;
    if (!copy) return puts(error.message), 1;
    if (fnn_fit(copy, &train, &c, NULL)) return puts(fnn_model_error(copy)->message), 1;
    if (report(m, "the model", &test) || report(copy, "its copy", &test)) return 1;

    fnn_model_free(m), fnn_model_free(copy);
    fnn_dataset_free(&train), fnn_dataset_free(&rest);
    fnn_dataset_free(&all), fnn_dataset_free(&test);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return 0;
}
