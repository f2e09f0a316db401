/* Loads a model file and says what it makes of images, or of the rows of a table.
 *
 *     cc -O2 examples/predict.c -o predict -lm
 *     ./predict model.safetensors [file [N]]
 *
 * The file holds images in IDX, a picture in PGM or PPM, or rows of numbers in CSV, of the size
 * that the model takes; without it come Fashion-MNIST's test images, looked for as in
 * examples/demo.c, and the accuracy. Of the first N (4) it shows the likeliest classes with their
 * probabilities, and draws images. `make demo` leaves a model in build/demo.safetensors,
 * examples/train.c any other. Images of one's own must look like those it was trained on, bright on
 * black (0) and filling the frame: examples/photo.c makes a photo so. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

static const char usage[] =
    "predict model.safetensors [file [N]]\n"
    "  model.safetensors  a model that fnn_save wrote; make demo leaves one in build/\n"
    "  file               IDX, plain or gzip, PGM, PPM or CSV; else Fashion-MNIST's test set\n"
    "  N                  how many to show, 4 unless told";

/* An image as characters, darker for more ink; two rows of pixels become one of text. */
static void draw(const fnn_dataset *data, int64_t i)
{
    static const char ink[] = " .:-=+*#%@";
    const int row = data->width * data->channels;
    const uint8_t *pixels = data->bytes + (size_t)(i * data->height * row);
    for (int y = 0; y + 1 < data->height; y += 2, putchar('\n'))
        for (int x = 0; x < row; x += data->channels) {
            const uint8_t *pixel = pixels + y * row + x;
            putchar(ink[(pixel[0] + pixel[row]) * 9 / 510]);
        }
}

/* The three likeliest classes; takes their probabilities out of y. Where none has more than all
 * others together, the image may be nothing that the model knows. */
static void show_classes(const fnn_model *m, fnn_real *y, int count)
{
    for (int rank = 0, best = 0; rank < 3 && rank < count; rank++, best = 0) {
        for (int k = 1; k < count; k++)
            if (y[k] > y[best]) best = k;
        printf("%s %s%s, %.1f %%", rank ? ";" : "",
               rank || y[best] > .5f ? "" : "no match, nearest is ", program_class_name(m, best),
               100 * (double)y[best]);
        y[best] = -1;
    }
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const long most = argc > 3 ? strtol(argv[3], &end, 10) : 4;
    int in[3], out[3];
    fnn_error error;
    fnn_metrics metrics;
    program_usage("predict", usage, argc, argv, 1, 3);
    if (argc > 3 && (end == argv[3] || *end || most < 0))
        program_fail("expected a number as N, found %s", argv[3]);
    fnn_model *m = fnn_load(argv[1], NULL, &error);
    if (!m) program_fail("%s", error.message);
    fnn_shapes(m, in, out);
    const int n = out[0] * out[1] * out[2];
    printf("%s: takes %d x %d x %d, gives %d\n\n", argv[1], in[0], in[1], in[2], n);
    const int classes = program_ends_in(m, "softmax"); /* else numbers */
    fnn_dataset data = program_samples(argc > 2 ? argv[2] : NULL, in), first = data;
    first.count = most < data.count ? most : data.count;
    fnn_real *y = (fnn_real *)program_memory((size_t)first.count * (size_t)n, sizeof *y);
    if (first.count && fnn_predict(m, NULL, &first, y)) program_fail("no prediction");
    for (int64_t i = 0; i < first.count; i++) {
        if (data.bytes) draw(&data, i);
        printf("%s %ld:", data.bytes ? "image" : "row", (long)i);
        if (classes) show_classes(m, y + i * n, n);
        for (int k = 0; !classes && k < n; k++) printf(" %g", (double)y[i * n + k]);
        if (data.labels) printf(" (true: %s)", program_class_name(m, data.labels[i]));
        printf("\n\n");
    }
    if (data.labels && fnn_evaluate(m, NULL, &data, &metrics))
        program_fail("no accuracy: the model's classes or its loss do not match the labels");
    if (data.labels) printf("test accuracy: %.2f %%\n", 100 * metrics.accuracy);
    return free(y), fnn_model_free(m), fnn_dataset_free(&data), program_end();
}
