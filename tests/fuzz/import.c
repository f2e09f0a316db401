/* Weights of PyTorch and Keras, for one of several networks: a file that does not fit leaves the
 * network as it is. */
#include "fuzz.h"
#include "networks.h"

enum { IMPORT_NETWORKS = 4 };

/* The layers of network `kind`; seeds.c writes files for them. */
static fnn_model *import_network(int kind)
{
    fnn_context_config config = fnn_context_config_init();
    const int image = kind == 1 || kind == 3;
    fnn_model *model = fnn_sequential_with(&config, image ? 4 : 1, image ? 4 : 1, image ? 1 : 3);
    if (image) {
        fnn_conv2d(model, 2, 3, FNN_SAME, FNN_RELU);
        fnn_batch_norm(model);
        fnn_max_pool2d(model, 2);
        if (kind == 3) fnn_conv2d(model, 2, 1, FNN_VALID, FNN_LINEAR);
        fnn_flatten(model);
    }
    if (kind != 3) fnn_dense(model, 3, FNN_RELU);
    if (kind == 2) fnn_dense(model, 3, FNN_RELU);
    fnn_dense(model, 3, FNN_SOFTMAX);
    return model;
}

/* Names for the layers, or none. */
static int import_names(fuzz_input *in, const char **names)
{
    static const char *const all[] = {"conv1", "bn", "fc1", "fc2", "0", "dense", "", NULL};
    const int count = fuzz_below(in, 6);
    int i;
    for (i = 0; i < count; i++) names[i] = all[fuzz_below(in, 8)];
    return count;
}

/* The file of network `kind` as it was made; saved once, always the same. */
static file_bytes import_before(const fnn_model *model, int kind)
{
    static file_bytes before[IMPORT_NETWORKS];
    if (!before[kind].bytes) before[kind] = fuzz_save(model);
    return before[kind];
}

FUZZ_TARGET(import)
{
    fuzz_input in = {bytes, size};
    const int flags = fuzz_byte(&in), allowed = fuzz_allowed(&in);
    const int kind = (flags >> 4) % IMPORT_NETWORKS;
    const int format = (flags >> 1 & 3) % (FNN_WEIGHTS_FORMAT_COUNT + 1); /* one is none */
    const char *names[6], *path;
    const int count = flags & 128 ? import_names(&in, names) : 0;
    file_bytes before, f = fuzz_safetensors(in, 1 << 14, flags & 1);
    fnn_model *model;
    fnn_result result;
    path = write_file("weights", f);
    free(f.bytes);
    fuzz_memory_begin((size_t)64 << 20, -1);
    model = import_network(kind);
    FUZZ_CHECK(fnn_seal(model) == FNN_OK, "no network");
    before = import_before(model, kind);
    fuzz_memory_begin(fuzz_memory.held + 262144 + 1024 * in.size, allowed);
    result = fnn_load_weights(model, path, (fnn_weights_format)format, count ? names : NULL, count);
    FUZZ_CHECK(!fuzz_memory.refused, "more memory than the file explains");
    fuzz_check_error(result, fnn_model_error(model));
    if (result) FUZZ_CHECK(fuzz_saves_as(model, before), "a failed call left something");
    else {
        file_bytes after = fuzz_save(model);
        fuzz_samples s;
        fnn_real y[FUZZ_SAMPLES * 3];
        fuzz_memory.allowed = -1;
        fuzz_samples_make(&s, model, 0);
        FUZZ_CHECK(fnn_predict(model, NULL, &s.data, y) == FNN_OK, "no prediction");
        fuzz_samples_free(&s);
        free(after.bytes);
    }
    fnn_model_free(model);
    fuzz_memory_end();
}
