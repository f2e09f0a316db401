/* Loads a model file and shows what it makes of images.
 *
 *     cc -O2 examples/predict.c -o predict -lm
 *     ./predict model.safetensors [images-idx [N]]
 *
 * Without images-idx it takes the test images of Fashion-MNIST, looked for as in examples/demo.c,
 * and also prints the accuracy. It draws the first N images (4) with their classes and the model's
 * probability, or says that they match none. `make demo` leaves a model in build/demo.safetensors.
 * Images of one's own must look like those it was trained on, bright on black (0) and filling the
 * frame: examples/photo.c makes a photo so. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

/* An image as characters, darker for more ink; two rows of pixels become one of text. */
static void draw(const fnn_dataset *data, int64_t i)
{
    static const char ink[] = " .:-=+*#%@";
    const uint8_t *pixels = data->bytes + (size_t)(i * data->height * data->width);
    int y, x;
    for (y = 0; y + 1 < data->height; y += 2, putchar('\n'))
        for (x = 0; x < data->width; x++) {
            const uint8_t *pixel = pixels + y * data->width + x;
            putchar(ink[(pixel[0] + pixel[data->width]) * 9 / 510]);
        }
}

/* The name of a class, which the model's file may hold, or its number. */
static const char *class_name(const fnn_model *m, int number)
{
    static char text[2][24];
    static int turn;
    if (fnn_class_name(m, number)) return fnn_class_name(m, number);
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "class %d", number);
    return text[turn];
}

/* The class that has most: a match only if that is more than all others have together, which is not
 * so where the image is like nothing known, nor where outputs are NaN or no probabilities. */
static void show(const fnn_model *m, const fnn_dataset *data, int64_t i, const fnn_real *y, int n)
{
    int best = 0, k;
    for (k = 1; k < n; k++)
        if (y[k] > y[best]) best = k;
    draw(data, i);
    printf("image %ld: %s%s, %.1f %%", (long)i,
           2 * y[best] > 1 && y[best] < 2 ? "" : "no match, nearest is ", class_name(m, best),
           100 * (double)y[best]);
    if (data->labels) printf(" (true: %s)", class_name(m, data->labels[i]));
    puts("\n");
}

static int fail(const char *message)
{
    fprintf(stderr, "predict: %s\n", message);
    return 1;
}

int main(int argc, char **argv)
{
    char none[] = "", *end = none;
    const long shown = argc > 3 ? strtol(argv[3], &end, 10) : 4;
    int in[3], out[3], n;
    fnn_dataset data;
    fnn_error error;
    fnn_result r = FNN_OK;
    if (argc < 2 || argc > 4 || *end || !strcmp(argv[1], "--help")) {
        printf("usage: predict model.safetensors [images-idx [N]]\n"
               "  model.safetensors  a model that fnn_save wrote; make demo leaves one in build/\n"
               "  images-idx         images in IDX, plain or gzip; else Fashion-MNIST's test set\n"
               "  N                  how many to draw, 4 unless told\n");
        return argc != 2;
    }
    fnn_model *m = fnn_load(argv[1], NULL, &error);
    if (!m) return fail(error.message);
    if (argc > 2 ? fnn_read_idx(argv[2], NULL, NULL, &data, &error)
                 : fnn_read_fashion_mnist(NULL, NULL, NULL, &data, &error))
        return fail(error.message), argc > 2 || fail("make data fetches and checks them");
    fnn_shapes(m, in, out);
    n = out[0] * out[1] * out[2]; /* it is anybody's model: what is made to fit its outputs fits */
    printf("%s: takes %d x %d x %d, gives %d\n\n", argv[1], in[0], in[1], in[2], n);
    if (n < 2 || !data.bytes || fnn_check_shapes(m, data.height, data.width, 1, n, NULL))
        return fail("expected a model of two classes or more, and grey bytes of its shape");
    fnn_real *y = (fnn_real *)calloc((size_t)n, sizeof *y);
    const size_t pixels = (size_t)in[0] * (size_t)in[1];
    for (int64_t i = 0; i < shown && i < data.count && y && !r; i++) {
        r = fnn_predict_one_bytes(m, NULL, data.bytes + (size_t)i * pixels, y);
        if (!r) show(m, &data, i, y, n);
    }
    if (r || !y) return fail(y ? fnn_result_text(r) : "no memory for outputs");
    fnn_metrics metrics;
    if (data.labels && fnn_evaluate(m, NULL, &data, &metrics))
        return fail("no accuracy: the model's classes or its loss do not match the labels");
    if (data.labels) printf("test accuracy: %.2f %%\n", 100 * metrics.accuracy);
    free(y);
    fnn_model_free(m);
    fnn_dataset_free(&data);
    return 0;
}
