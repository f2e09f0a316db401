/* Compares what examples/export_c.c has written with the library; linked with such a file of the
 * default name.
 *     export_compare MODEL IMAGES LABELS BOUND
 *         floats: the largest difference is at most BOUND of the largest output; a NaN among the
 *         inputs is one among the outputs, as the library has it
 *     export_compare MODEL IMAGES LABELS int8 BOUND [ACCURACY]
 *         integers: the root mean square of differences is at most BOUND of that of outputs, the
 *         accuracy at most 2 % lower, and that which is given */
#include "../fmnist_nn.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARED = 200, MOST = 10000, LOSS = 2 };

#ifdef __cplusplus
extern "C" {
#endif
int net_predict(const float *in, float *out);
int net_predict_bytes(const uint8_t *in, float *out);
#ifdef __cplusplus
}
#endif

static float numbers[MOST], found[MOST];

/* One image, as bytes and as floats; the outputs must be written, and no more than these. */
static int predict(const uint8_t *image, int inputs, int outputs, int bytes, float *y)
{
    for (int i = 0; i < inputs; i++) numbers[i] = image[i];
    for (int k = 0; k <= outputs; k++) y[k] = NAN;
    if (bytes ? net_predict_bytes(image, y) : net_predict(numbers, y)) return 1;
    for (int k = 0; k <= outputs; k++)
        if ((y[k] == y[k]) != (k < outputs)) return printf("output %d\n", k), 1;
    return 0;
}

static int compare(const fnn_dataset *data, const fnn_real *right, int n, double bound)
{
    const int inputs = data->height * data->width * data->channels;
    double worst = 0, most = 0;
    for (int i = 0; i < 2 * COMPARED; i++) {
        const fnn_real *expected = right + i / 2 * n;
        if (predict(data->bytes + i / 2 * inputs, inputs, n, i % 2, found)) return 1;
        for (int k = 0; k < n; k++) {
            most = fmax(most, fabs((double)expected[k]));
            worst = fmax(worst, fabs((double)found[k] - (double)expected[k]));
        }
    }
    printf("at most %.2g\n", worst / most);
    return !(worst <= bound * most);
}

/* A NaN at one place after the other, in the middle of an image: the library's may reach windows
 * beside those that see it, and a strip at the border may be in no window of a pool. */
static int compare_nans(const fnn_model *m, const fnn_dataset *data, int n)
{
    static fnn_real x[MOST], expected[MOST];
    const int inputs = data->height * data->width * data->channels;
    const int width = data->width * data->channels;
    for (int at = 0; at < inputs; at += 1 + inputs / 50) {
        const int row = at / width, column = at % width / data->channels;
        int here = 0, there = 0;
        if (abs(2 * row + 1 - data->height) > data->height / 2) continue;
        if (abs(2 * column + 1 - data->width) > data->width / 2) continue;
        for (int i = 0; i < inputs; i++) x[i] = (fnn_real)(numbers[i] = data->bytes[i]);
        x[at] = (fnn_real)(numbers[at] = NAN);
        if (fnn_predict_one(m, NULL, x, expected) || net_predict(numbers, found)) return 1;
        for (int k = 0; k < n; k++) {
            here += found[k] != found[k], there += expected[k] != expected[k];
            if (found[k] != found[k] && expected[k] == expected[k])
                return printf("output %d is NaN\n", k), 1;
        }
        if (!here != !there)
            return printf("input %d is NaN: expected %d such outputs, found %d\n", at, there, here),
                   1;
    }
    return 0;
}

/* For integers a NaN is the least input that there is. */
static int compare_nan_int8(const fnn_dataset *data, int n)
{
    static float least[MOST];
    const int inputs = data->height * data->width * data->channels;
    for (int i = 0; i < inputs; i++) numbers[i] = i % 3 ? data->bytes[i] : -1e9f;
    if (net_predict(numbers, least)) return 1;
    for (int i = 0; i < inputs; i += 3) numbers[i] = NAN;
    if (net_predict(numbers, found)) return 1;
    return memcmp(least, found, (size_t)n * sizeof *found) && puts("a NaN is not the least input");
}

/* Of integers the outputs are compared on the whole, and by what they say. */
static int compare_int8(const fnn_dataset *data, const fnn_real *right, int n, double bound,
                        const char *said)
{
    fnn_real *y = (fnn_real *)malloc((size_t)data->count * (size_t)n * sizeof *y);
    const double real = 100 * fnn_accuracy_on(right, data, n);
    const int inputs = data->height * data->width * data->channels;
    double squares = 0, errors = 0;
    char text[20];
    for (int bytes = 0; y && bytes < 2; bytes++) {
        for (int i = 0; i < (int)data->count * n; i += n) {
            if (predict(data->bytes + i / n * inputs, inputs, n, bytes, found)) return 1;
            for (int k = 0; k < n; k++) {
                y[i + k] = (fnn_real)found[k];
                squares += pow((double)right[i + k], 2);
                errors += pow((double)(y[i + k] - right[i + k]), 2);
            }
        }
        snprintf(text, sizeof text, "%.2f", 100 * fnn_accuracy_on(y, data, n));
        printf("accuracy %.2f %%, in integers %s %%, outputs %.2g apart\n", real, text,
               sqrt(errors / squares));
        if (atof(text) < real - LOSS || !(errors <= bound * bound * squares)) return 1;
    }
    free(y);
    return said && strcmp(text, said) && printf("but export_c said %s\n", said);
}

int main(int argc, char **argv)
{
    fnn_error error;
    fnn_dataset data;
    int shape[3], result;
    if (argc < 5) return 2;
    fnn_model *m = fnn_load(argv[1], NULL, &error);
    if (!m || fnn_read_idx(argv[2], argv[3], NULL, &data, &error)) return puts(error.message), 1;
    fnn_shapes(m, NULL, shape);
    const int n = shape[0] * shape[1] * shape[2];
    fnn_real *right = (fnn_real *)malloc((size_t)data.count * (size_t)n * sizeof *right);
    if (!right || data.count < COMPARED || fnn_predict(m, NULL, &data, right))
        return puts("no outputs"), 1;
    if (net_predict(NULL, numbers) != 1 || net_predict_bytes(data.bytes, NULL) != 1)
        return puts("NULL is no error"), 1;
    result =
        strcmp(argv[4], "int8")
            ? compare(&data, right, n, atof(argv[4])) || compare_nans(m, &data, n)
            : compare_int8(&data, right, n, atof(argv[5]), argv[6]) || compare_nan_int8(&data, n);
    free(right), fnn_dataset_free(&data), fnn_model_free(m);
    return result != 0;
}
