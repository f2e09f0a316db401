/* Models and images for tests/export.sh and tests/onnx.sh: of every layer, window, activation and
 * normalisation, most trained a little, so that their numbers are those of networks. Those whose
 * names begin with table take the same numbers as table.idx has them, in rows.
 *     export_models FOLDER     prints the models' names */
#include "../fmnist_nn.h"
#include "samples.h"
#include <stdio.h>

enum { IMAGES = 600, HEIGHT = 14, WIDTH = 12, CHANNELS = 2, CLASSES = 5 };
enum { INPUTS = HEIGHT * WIDTH * CHANNELS };

static uint8_t pixels[IMAGES * INPUTS];
static int32_t labels[IMAGES];
static fnn_real targets[IMAGES * 2];

/* ---- the networks ---- */

/* Of which the running statistics follow a short training. */
static int norm(fnn_model *m)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    c.momentum = (fnn_real).8;
    return fnn_batch_norm_with(m, &c);
}

static void mlp(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_dense(m, 24, FNN_RELU);
    fnn_dropout(m, (fnn_real).1);
    fnn_dense(m, 16, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

static void conv(fnn_model *m, int filters, int kernel, int stride, fnn_padding padding)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = filters, c.padding = padding, c.no_bias = 1;
    c.kernel_height = kernel, c.kernel_width = kernel + 1;
    c.stride_height = stride, c.stride_width = 3 - stride;
    if (padding == FNN_EXPLICIT) c.pad_height = kernel - 1, c.pad_width = 1;
    fnn_conv2d_with(m, &c);
}

static void pool(fnn_model *m, int average, int size, int stride, fnn_padding padding)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    c.average = average, c.padding = padding;
    c.height = size, c.width = size + 1;
    c.stride_height = stride, c.stride_width = 1;
    if (padding == FNN_EXPLICIT) c.pad_height = size - 1, c.pad_width = 1;
    fnn_pool2d_with(m, &c);
}

/* Batch norms before and behind an activation, and pools; the usual one. */
static void cnn(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    conv(m, 6, 3, 1, FNN_SAME), norm(m), fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU), norm(m);
    fnn_average_pool2d(m, 2), fnn_spatial_dropout(m, (fnn_real).1);
    fnn_flatten(m), norm(m);
    fnn_dense(m, 12, FNN_LINEAR), norm(m), fnn_activate(m, FNN_RELU, 0);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

/* Strides and paddings of all kinds; windows that leave the image on every side. */
static void windows(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_MEAN_DIVIDE_255, data);
    conv(m, 5, 3, 2, FNN_EXPLICIT), fnn_activate(m, FNN_LEAKY_RELU, (fnn_real).125);
    pool(m, 0, 2, 2, FNN_EXPLICIT), pool(m, 1, 3, 1, FNN_EXPLICIT);
    conv(m, 7, 2, 1, FNN_VALID), pool(m, 1, 3, 2, FNN_SAME), pool(m, 0, 3, 1, FNN_SAME);
    fnn_conv2d(m, CLASSES, 1, FNN_VALID, FNN_LINEAR);
    fnn_global_average_pool2d(m);
    fnn_activate(m, FNN_SOFTMAX, 0);
}

/* Sums with the input, with what has been normalised since and what is read twice; the last one
 * gives the outputs. */
static void residual(fnn_model *m, const fnn_dataset *data)
{
    const fnn_real shift[] = {50, 60}, factor[] = {(fnn_real).01, (fnn_real).02};
    (void)data;
    fnn_normalize_with(m, shift, factor, 2);
    fnn_conv2d(m, CHANNELS, 3, FNN_SAME, FNN_LINEAR), fnn_add(m, -1);
    norm(m), fnn_activate(m, FNN_RELU, 0);
    const int stem = fnn_conv2d(m, 6, 3, FNN_SAME, FNN_LINEAR);
    norm(m), fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 6, 3, FNN_SAME, FNN_LINEAR);
    const int branch = norm(m);
    fnn_activate(m, FNN_TANH, 0), fnn_add(m, stem), fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 6, 3, FNN_SAME, FNN_RELU), fnn_add(m, branch);
    fnn_global_average_pool2d(m);
    const int logits = fnn_dense(m, CLASSES, FNN_LINEAR);
    fnn_dense(m, CLASSES, FNN_TANH), fnn_add(m, logits);
}

/* Channels enough for the library to take Winograd's way, and a product of a whole image. */
static void wide(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU), fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2), fnn_conv2d(m, 20, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = 8, c.padding = FNN_VALID, c.kernel_height = HEIGHT / 2, c.kernel_width = WIDTH / 2;
    fnn_conv2d_with(m, &c);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

static void norm_first(fnn_model *m, const fnn_dataset *data)
{
    (void)data;
    norm(m), fnn_activate(m, FNN_ELU, (fnn_real).5);
    fnn_conv2d(m, 4, 3, FNN_VALID, FNN_GELU), fnn_max_pool2d(m, 2);
    fnn_dense(m, CLASSES, FNN_LINEAR), norm(m), fnn_activate(m, FNN_SIGMOID, 0);
    norm(m);
}

static void pool_last(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_conv2d(m, CLASSES, 3, FNN_VALID, FNN_RELU);
    fnn_pool2d_config c = fnn_pool2d_config_init();
    c.height = HEIGHT - 2, c.width = WIDTH - 2;
    fnn_pool2d_with(m, &c);
}

static void softmax_inside(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_dense(m, 12, FNN_SOFTMAX), fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

static void single(fnn_model *m, const fnn_dataset *data)
{
    (void)data;
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

/* In the targets' own unit. */
static void numbers(fnn_model *m, const fnn_dataset *data)
{
    fnn_dataset wanted = *data;
    wanted.labels = NULL, wanted.classes = 0, wanted.targets = targets, wanted.target_count = 2;
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &wanted);
    fnn_dense(m, 8, FNN_RELU), fnn_dense(m, 2, FNN_LINEAR);
    fnn_seal(m);
}

/* What is flat is read beside what was flat before; a window lies over a single pixel. */
static void flattened(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_MEAN, data);
    fnn_conv2d(m, 3, 3, FNN_VALID, FNN_LINEAR);
    const int flat = fnn_flatten(m);
    norm(m), fnn_activate(m, FNN_TANH, 0), fnn_add(m, flat);
    fnn_dense(m, 6, FNN_RELU);
    fnn_conv2d(m, 4, 3, FNN_SAME, FNN_RELU), fnn_max_pool2d(m, 1);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

/* Windows larger than the single pixel that they lie over: other weights of theirs are on pads. */
static void pixel(fnn_model *m, const fnn_dataset *data)
{
    static const int kernels[][2] = {{2, 2}, {2, 1}, {1, 2}, {1, 1}};
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_dense(m, 8, FNN_LINEAR);
    for (int i = 0; i < 4; i++) {
        fnn_conv2d_config c = fnn_conv2d_config_init();
        c.filters = 9, c.padding = FNN_SAME, c.activation = FNN_LEAKY_RELU;
        c.kernel_height = kernels[i][0], c.kernel_width = kernels[i][1];
        fnn_conv2d_with(m, &c);
    }
    pool(m, 0, 2, 1, FNN_SAME), pool(m, 1, 2, 1, FNN_SAME);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

/* An image comes out. */
static void spatial(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_conv2d(m, 3, 3, FNN_SAME, FNN_RELU), fnn_average_pool2d(m, 2);
    const int half = fnn_conv2d(m, 2, 3, FNN_SAME, FNN_TANH);
    fnn_conv2d(m, 2, 3, FNN_SAME, FNN_LINEAR), fnn_add(m, half);
    fnn_seal(m);
}

static void flat_last(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    conv(m, 3, 3, 2, FNN_SAME), fnn_activate(m, FNN_RELU, 0);
    fnn_flatten(m), fnn_seal(m);
}

static void table(fnn_model *m, const fnn_dataset *data)
{
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_dense(m, 12, FNN_ELU), norm(m);
    const int wide = fnn_dense(m, 12, FNN_RELU);
    fnn_dense(m, 12, FNN_SIGMOID), fnn_add(m, wide);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

/* One for each activation: in a dense layer, a convolution and a layer of its own. */
static void activations(fnn_model *m, const fnn_dataset *data, fnn_activation f)
{
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_conv2d(m, 4, 3, FNN_VALID, f), fnn_max_pool2d(m, 3);
    fnn_activate(m, f, (fnn_real).75);
    fnn_dense(m, 16, f), fnn_dense(m, CLASSES, f);
}
#define OF_ACTIVATION(name, word, a, traits)                    \
    static void with_##word(fnn_model *m, const fnn_dataset *d) \
    {                                                           \
        activations(m, d, name);                                \
    }
FNN_ACTIVATION_LIST(OF_ACTIVATION, OF_ACTIVATION)

#define NETWORK(name) {#name, name},
#define ACTIVATION_NETWORK(name, word, a, traits) NETWORK(with_##word)
/* clang-format off */
static const struct {
    const char *name;
    void (*build)(fnn_model *m, const fnn_dataset *data);
} networks[] = {
    NETWORK(mlp) NETWORK(cnn) NETWORK(windows) NETWORK(residual) NETWORK(wide) NETWORK(norm_first)
    NETWORK(pool_last) NETWORK(softmax_inside) NETWORK(single) NETWORK(numbers)
    NETWORK(flattened) NETWORK(pixel) NETWORK(spatial) NETWORK(flat_last) NETWORK(table)
    FNN_ACTIVATION_LIST(ACTIVATION_NETWORK, ACTIVATION_NETWORK)};
/* clang-format on */

/* ---- files ---- */

static int write_idx(const char *folder, const char *name, const int *sizes, int dimensions,
                     const uint8_t *bytes)
{
    char path[600];
    size_t count = 1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) return perror(path), 1;
    fprintf(file, "%c%c%c%c", 0, 0, 8, dimensions);
    for (int d = 0; d < dimensions; d++) {
        fprintf(file, "%c%c%c%c", 0, 0, sizes[d] >> 8, sizes[d] & 255);
        count *= (size_t)sizes[d];
    }
    fwrite(bytes, 1, count, file);
    return fclose(file);
}

static int write_images(const char *folder)
{
    static const int sizes[] = {IMAGES, HEIGHT, WIDTH, CHANNELS}, rows[] = {IMAGES, INPUTS};
    static uint8_t bytes[IMAGES];
    for (int i = 0; i < IMAGES; i++) bytes[i] = (uint8_t)labels[i];
    return write_idx(folder, "images.idx", sizes, 4, pixels) ||
           write_idx(folder, "table.idx", rows, 2, pixels) ||
           write_idx(folder, "labels.idx", sizes, 1, bytes);
}

static int write_model(const char *folder, int i, fnn_dataset *data)
{
    fnn_fit_config c = fnn_fit_config_init();
    static const char *const names[CLASSES] = {"a \"b\"", "\\n", "\xc3\xa4", "d, e", "f/g"};
    const int rows = !strncmp(networks[i].name, "table", 5);
    data->height = rows ? 1 : HEIGHT, data->width = rows ? 1 : WIDTH;
    data->channels = rows ? INPUTS : CHANNELS;
    fnn_model *m = fnn_sequential(data->height, data->width, data->channels);
    char path[600];
    int outputs[3];
    networks[i].build(m, data);
    c.optimizer = fnn_adam(.01), c.epochs = 5;
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, networks[i].name);
    fnn_shapes(m, NULL, outputs);
    if ((outputs[2] == CLASSES && fnn_fit(m, data, &c, NULL)) ||
        (rows && fnn_set_class_names(m, names, CLASSES)) || fnn_save(m, path, NULL))
        return puts(fnn_model_error(m)->message), 1;
    fnn_model_free(m);
    return 0;
}

int main(int argc, char **argv)
{
    fnn_dataset data;
    if (argc < 2) return 2;
    fill_bands(pixels, labels, IMAGES, INPUTS, CLASSES, INPUTS / CLASSES, 200, 55);
    for (int i = 0; i < IMAGES; i++)
        targets[2 * i] = (fnn_real)labels[i], targets[2 * i + 1] = (fnn_real)(i % 7 * 100);
    data = fnn_dataset_images(pixels, labels, IMAGES, HEIGHT, WIDTH, CHANNELS, CLASSES);
    if (write_images(argv[1])) return 1;
    for (int i = 0; i < (int)(sizeof networks / sizeof *networks); i++) {
        if (write_model(argv[1], i, &data)) return 1;
        puts(networks[i].name);
    }
    return 0;
}
