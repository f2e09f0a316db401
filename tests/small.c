/* Whether a small build (FMNIST_NN_INFERENCE) predicts what the whole library does. Compiled as the
 * whole library, `small MODEL OUTPUTS CHECKPOINT` makes a network of every kind of layer, trains it
 * a little, saves it and what it predicts; compiled small, it loads the model, by its path and from
 * memory, builds it anew and fills it, and compares each bit. */
#include <stdio.h>
#include <string.h>
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { COUNT = 130, SIDE = 12, PIXELS = SIDE * SIDE, CLASSES = 5, INNER = 2 };

static uint8_t images[COUNT * PIXELS];
static fnn_real outputs[COUNT * CLASSES], inner[COUNT * PIXELS * 16];

static fnn_dataset samples(const int32_t *labels)
{
    uint32_t state = 1;
    int i;
    for (i = 0; i < COUNT * PIXELS; i++) {
        state = state * 1664525u + 1013904223u;
        images[i] = (uint8_t)(state >> 24);
    }
    return fnn_dataset_images(images, labels, COUNT, SIDE, SIDE, 1, CLASSES);
}

static int fails(const char *what, const char *message)
{
    printf("%s: %s\n", what, message);
    return 1;
}

static FILE *open_file(const char *path, const char *end, const char *mode)
{
    char name[600];
    snprintf(name, sizeof name, "%s%s", path, end);
    return fopen(name, mode);
}

/* Outputs of all samples and of a layer in the middle; 0 or 1 with a message. */
static int predict(const fnn_model *m, const fnn_dataset *data, fnn_real *y, fnn_real *layer)
{
    fnn_result r = fnn_predict(m, NULL, data, y);
    if (!r) r = fnn_predict_layer(m, NULL, data, INNER, layer);
    return r ? fails("predict", fnn_result_text(r)) : 0;
}

/* 3 x 3 on 16 channels is Winograd's, 5 x 5 is not. */
static fnn_model *network(void)
{
    fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
    int from;
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    from = fnn_batch_norm(m); /* INNER */
    fnn_activate(m, FNN_GELU, 0);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    fnn_add(m, from);
    fnn_spatial_dropout(m, (fnn_real).1);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_TANH);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 24, 5, FNN_SAME, FNN_LEAKY_RELU);
    fnn_average_pool2d(m, 2);
    fnn_flatten(m);
    fnn_dense(m, 33, FNN_SIGMOID);
    fnn_dropout(m, (fnn_real).2);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

#ifndef FMNIST_NN_INFERENCE
static int save(const char *path, const char *end, const void *bytes, size_t size)
{
    FILE *f = open_file(path, end, "wb");
    const int whole = f && fwrite(bytes, 1, size, f) == size;
    return f && fclose(f) == 0 && whole ? 0 : fails(path, "cannot be written");
}

int main(int count, char **words)
{
    static int32_t labels[COUNT];
    fnn_dataset data = samples(labels);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = network();
    fnn_error error;
    int i;
    for (i = 0; i < COUNT; i++) labels[i] = images[i * PIXELS] % CLASSES;
    c.epochs = 2;
    c.batch_size = 10;
    if (count != 4) return fails("usage", "small MODEL OUTPUTS CHECKPOINT");
    if (fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data) || fnn_fit(m, &data, &c, NULL))
        return fails("fit", fnn_model_error(m)->message);
    if (fnn_save(m, words[1], &error) || fnn_save_checkpoint(m, words[3], &error))
        return fails("save", error.message);
    i = predict(m, &data, outputs, inner) || save(words[2], "", outputs, sizeof outputs) ||
        save(words[2], ".inner", inner, sizeof inner);
    fnn_model_free(m);
    return i;
}
#else
static fnn_real expected[COUNT * CLASSES], inner_expected[COUNT * PIXELS * 16];

static size_t load(const char *path, const char *end, void *bytes, size_t room)
{
    FILE *f = open_file(path, end, "rb");
    const size_t size = f ? fread(bytes, 1, room, f) : 0;
    if (f) fclose(f);
    return size;
}

static int compare(const fnn_model *m, const fnn_dataset *data, const char *name)
{
    memset(outputs, 0, sizeof outputs);
    memset(inner, 0, sizeof inner);
    if (predict(m, data, outputs, inner)) return 1;
    if (memcmp(outputs, expected, sizeof outputs)) return fails(name, "the outputs differ");
    if (memcmp(inner, inner_expected, sizeof inner)) return fails(name, "a layer's differ");
    return 0;
}

/* The same network, built here and filled with the other's numbers. */
static fnn_model *filled(const fnn_model *from)
{
    fnn_model *m = network();
    fnn_tensor shift, scale, tensor;
    int layer, i;
    if (fnn_tensor_get(from, -1, "shift", &shift) || fnn_tensor_get(from, -1, "scale", &scale))
        return m;
    fnn_normalize_with(m, shift.values, scale.values, (int)shift.count);
    for (layer = 0; layer < fnn_layer_count(m); layer++)
        for (i = 0; !fnn_tensor_at(from, layer, i, &tensor); i++) {
            size_t count;
            fnn_real *values = fnn_tensor_values(m, layer, tensor.name, &count);
            if (count == tensor.count) memcpy(values, tensor.values, count * sizeof *values);
        }
    return m;
}

int main(int count, char **words)
{
    static char bytes[1 << 20];
    const fnn_dataset data = samples(NULL);
    char text[4000];
    fnn_error error;
    fnn_model *m, *alike;
    fnn_real one[CLASSES];
    if (count < 3) return fails("usage", "small MODEL OUTPUTS");
    if (load(words[2], "", expected, sizeof expected) != sizeof expected ||
        load(words[2], ".inner", inner_expected, sizeof inner_expected) != sizeof inner_expected)
        return fails(words[2], "is not whole");
    m = fnn_load(words[1], NULL, &error);
    if (!m) return fails("load", error.message);
    if (compare(m, &data, "from its path")) return 1;
    fnn_summary(m, text, sizeof text);
    if (!strstr(text, "batch_norm")) return fails("summary", text);
    alike = filled(m);
    if (compare(alike, &data, "built here")) return 1;
    fnn_model_free(alike);
    fnn_model_free(m);
    m = fnn_load_memory(bytes, load(words[1], "", bytes, sizeof bytes), NULL, &error);
    if (!m) return fails("load from memory", error.message);
    if (compare(m, &data, "from memory")) return 1;
    if (fnn_predict_one_bytes(m, NULL, images + PIXELS, one) ||
        memcmp(one, expected + CLASSES, sizeof one))
        return fails("one", "its outputs differ");
    fnn_model_free(m);
    puts(fnn_info(NULL));
    puts("equal");
    return 0;
}
#endif
