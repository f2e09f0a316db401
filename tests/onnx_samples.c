/* For tests/onnx.sh: networks trained on Fashion-MNIST, and what the library makes of samples.
 *     onnx_samples FOLDER              trains them on 2000 images; prints their names
 *     onnx_samples MODEL IMAGES NAME   of the first 100 images of an IDX file, or of the test set
 *         of Fashion-MNIST (IMAGES -): NAME.in as an ONNX model takes them, NAME.out as it gives
 *         what fnn_predict does, in this machine's floats, images with channels first; prints the
 *         shapes of both as ONNX has them */
#include "../fmnist_nn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 100, TRAINED = 2000 };

static void mlp(fnn_model *m)
{
    fnn_dense(m, 128, FNN_RELU);
}

/* That of examples/demo.c. */
static void cnn(fnn_model *m)
{
    fnn_conv2d(m, 32, 3, FNN_SAME, FNN_RELU), fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 64, 3, FNN_SAME, FNN_RELU), fnn_max_pool2d(m, 2);
    fnn_dense(m, 128, FNN_RELU), fnn_dense(m, 128, FNN_RELU);
}

static void norm(fnn_model *m)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    c.momentum = (fnn_real).8;
    fnn_batch_norm_with(m, &c);
}

static void residual(fnn_model *m)
{
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR), norm(m), fnn_activate(m, FNN_RELU, 0);
    int from = fnn_max_pool2d(m, 2);
    for (int block = 0; block < 2; block++) {
        fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR), norm(m), fnn_activate(m, FNN_RELU, 0);
        fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR), norm(m), fnn_add(m, from);
        from = fnn_activate(m, FNN_RELU, 0);
    }
    fnn_dropout(m, (fnn_real).2), fnn_global_average_pool2d(m);
}

static int fail(const char *message)
{
    return printf("%s\n", message), 1;
}

static int train(const char *folder)
{
    static const struct {
        const char *name;
        void (*build)(fnn_model *m);
    } networks[] = {{"fashion_mlp", mlp}, {"fashion_cnn", cnn}, {"fashion_residual", residual}};
    fnn_fit_config c = fnn_fit_config_init();
    fnn_dataset train, test;
    fnn_metrics score;
    fnn_error error;
    char path[600];
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) return fail(error.message);
    fnn_dataset some = train, few = test;
    some.count = TRAINED, few.count = TRAINED;
    c.optimizer = fnn_adam(3e-3), c.epochs = 3;
    for (int i = 0; i < 3; i++) {
        fnn_model *m = fnn_sequential(28, 28, 1);
        fnn_normalize(m, i ? FNN_NORMALIZE_DIVIDE_255 : FNN_NORMALIZE_STANDARDIZE, &train);
        networks[i].build(m);
        fnn_dense(m, 10, FNN_SOFTMAX);
        snprintf(path, sizeof path, "%s/%s.safetensors", folder, networks[i].name);
        if (fnn_fit(m, &some, &c, NULL) || fnn_evaluate(m, NULL, &few, &score) ||
            fnn_set_names(m, &train) || fnn_save(m, path, NULL))
            return fail(fnn_model_error(m)->message);
        printf("%s %.2f\n", networks[i].name, 100 * score.accuracy);
        fnn_model_free(m);
    }
    fnn_dataset_free(&train), fnn_dataset_free(&test);
    return 0;
}

/* Images (height, width, channels). */
static int write_floats(const char *name, const char *ending, const float *x, int64_t count,
                        const int *shape)
{
    const int positions = shape[0] * shape[1], channels = shape[2];
    char path[600];
    snprintf(path, sizeof path, "%s.%s", name, ending);
    FILE *file = fopen(path, "wb");
    if (positions > 1) printf("%d,%d,%d,%d ", (int)count, channels, shape[0], shape[1]);
    else printf("%d,%d ", (int)count, channels);
    for (int64_t i = 0; file && i < count; i++, x += positions * channels)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < positions; p++) fwrite(x + p * channels + c, sizeof *x, 1, file);
    return !file || fclose(file) ? fail(path) : 0;
}

static int compute(const char *path, const char *images, const char *name)
{
    fnn_dataset train, data;
    fnn_error error;
    int in[3], out[3], result = strcmp(images, "-") != 0;
    fnn_model *m = fnn_load(path, NULL, &error);
    if (!m) return fail(error.message);
    result = result ? (int)fnn_read_idx(images, NULL, NULL, &data, &error)
                    : (int)fnn_read_fashion_mnist(NULL, NULL, &train, &data, &error);
    if (result) return fail(error.message);
    fnn_shapes(m, in, out);
    const int inputs = in[0] * in[1] * in[2], outputs = out[0] * out[1] * out[2];
    float *x = (float *)malloc((size_t)(SAMPLES * (inputs + outputs)) * sizeof *x);
    float *y = x + SAMPLES * inputs;
    if (!x || data.count < SAMPLES) return fail("no samples");
    data.count = SAMPLES;
    for (int i = 0; i < SAMPLES * inputs; i++) x[i] = data.bytes[i];
    result = fnn_predict(m, NULL, &data, y);
    return result ? fail(fnn_result_text((fnn_result)result))
                  : write_floats(name, "in", x, SAMPLES, in) ||
                        write_floats(name, "out", y, SAMPLES, out);
}

int main(int argc, char **argv)
{
    if (argc == 2) return train(argv[1]);
    return argc == 4 ? compute(argv[1], argv[2], argv[3]) : 2;
}
