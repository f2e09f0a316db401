/* Loads a model file and shows what it makes of images.
 *
 *     cc -O2 examples/predict.c -o predict -lm
 *     ./predict model.safetensors [images-idx [N]]
 *
 * Without images-idx it takes the test images of Fashion-MNIST, looked for as in examples/demo.c,
 * and also prints the accuracy. It draws the first N images (4) with their classes and the model's
 * probability. `make demo` leaves a model in build/demo.safetensors. Images of one's own must look
 * like those it was trained on, bright on black (0) and filling the frame: examples/photo.c makes
 * a photo so. */
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

static void show(const fnn_model *m, const fnn_dataset *data, int64_t i, const fnn_real *outputs,
                 int predicted)
{
    draw(data, i);
    printf("image %ld: %s, %.1f %%", (long)i, class_name(m, predicted),
           100 * (double)outputs[predicted]);
    if (data->labels) printf(" (true: %s)", class_name(m, data->labels[i]));
    printf("\n\n");
}

static int fail(const char *message)
{
    fprintf(stderr, "predict: %s\n", message);
    return 1;
}

int main(int argc, char **argv)
{
    const long shown = argc > 3 ? atol(argv[3]) : 4;
    int shape[3], result[3], n;
    fnn_dataset data;
    fnn_error error;
    fnn_model *m;
    fnn_real *outputs;
    fnn_metrics metrics;
    int64_t i;

    if (argc < 2 || argc > 4 || !strcmp(argv[1], "--help")) {
        printf("usage: predict model.safetensors [images-idx [N]]\n"
               "  model.safetensors  a model that fnn_save wrote; make demo leaves one in build/\n"
               "  images-idx         images in IDX, plain or gzip; else Fashion-MNIST's test set\n"
               "  N                  how many to draw, 4 unless told\n");
        return argc != 2;
    }
    m = fnn_load(argv[1], NULL, &error);
    if (!m) return fail(error.message);
    if (argc > 2 ? fnn_read_idx(argv[2], NULL, NULL, &data, &error)
                 : fnn_read_fashion_mnist(NULL, NULL, NULL, &data, &error))
        return fail(error.message), argc > 2 || fail("make data fetches and checks them");
    fnn_shapes(m, shape, result);
    n = result[0] * result[1] * result[2];
    printf("%s: takes %d x %d x %d, gives %d\n\n", argv[1], shape[0], shape[1], shape[2], n);
    if (data.height != shape[0] || data.width != shape[1] || data.channels != 1 || shape[2] != 1)
        return fail("the images have another shape than the model takes, or colours");

    outputs = (fnn_real *)malloc((size_t)data.count * (size_t)n * sizeof *outputs);
    if (!outputs || fnn_predict(m, NULL, &data, outputs)) return fail("no prediction");
    for (i = 0; i < shown && i < data.count; i++) {
        const fnn_real *row = outputs + i * n;
        int predicted = 0, j;
        for (j = 1; j < n; j++)
            if (row[j] > row[predicted]) predicted = j;
        show(m, &data, i, row, predicted);
    }
    if (data.labels && !fnn_evaluate(m, NULL, &data, &metrics))
        printf("test accuracy: %.2f %%\n", 100 * metrics.accuracy);

    free(outputs);
    fnn_model_free(m);
    fnn_dataset_free(&data);
    return 0;
}
