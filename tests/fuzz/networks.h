/* Data for any model, and a model's numbers, for the targets that train. Include after fuzz.h. */
#ifndef NETWORKS_H
#define NETWORKS_H

enum { FUZZ_SAMPLES = 6 };

/* Samples for a model, with labels or, where a bit of `kind` says so, targets. */
typedef struct {
    fnn_dataset data;
    uint8_t *bytes;
    fnn_real *targets;
    int32_t labels[FUZZ_SAMPLES];
} fuzz_samples;

static inline void fuzz_samples_make(fuzz_samples *s, const fnn_model *model, int kind)
{
    int in[3], out[3], i, outputs;
    size_t n;
    fnn_shapes(model, in, out);
    outputs = out[0] * out[1] * out[2];
    n = FUZZ_SAMPLES * (size_t)in[0] * (size_t)in[1] * (size_t)in[2];
    s->bytes = (uint8_t *)need(n);
    while (n-- > 0) s->bytes[n] = (uint8_t)(n * 37 + n / 5);
    s->targets = (fnn_real *)need(FUZZ_SAMPLES * (size_t)outputs * sizeof *s->targets);
    for (i = 0; i < FUZZ_SAMPLES * outputs; i++)
        s->targets[i] = (fnn_real)(i / outputs % outputs == i % outputs);
    for (i = 0; i < FUZZ_SAMPLES; i++) s->labels[i] = i % (outputs > 1 ? outputs : 2);
    s->data = fnn_dataset_images(s->bytes, s->labels, FUZZ_SAMPLES, in[0], in[1], in[2],
                                 outputs > 1 ? outputs : 2);
    if (!(kind & 1)) return;
    s->data.labels = NULL;
    s->data.targets = s->targets;
    s->data.target_count = outputs;
    s->data.classes = kind & 2 && outputs > 1 ? outputs : 0;
}

static inline void fuzz_samples_free(fuzz_samples *s)
{
    free(s->bytes);
    free(s->targets);
}

/* The file that a model makes, of just its size; it must be one. */
static inline file_bytes fuzz_save(const fnn_model *model)
{
    fnn_error error = {FNN_OK, ""};
    file_bytes f;
    fnn_result result = fnn_save_memory(model, NULL, 0, &f.size, &error);
    FUZZ_CHECK(!result, "not saved: %s", error.message);
    f.bytes = (uint8_t *)need(f.size);
    result = fnn_save_memory(model, f.bytes, f.size, &f.size, &error);
    FUZZ_CHECK(!result, "not saved: %s", error.message);
    return f;
}

/* Whether that is the file that a model makes, in a block of just its size. */
static inline int fuzz_saves_as(const fnn_model *model, file_bytes expected)
{
    fnn_error error = {FNN_OK, ""};
    file_bytes f = {(uint8_t *)need(expected.size), 0};
    const int same =
        !fnn_save_memory(model, f.bytes, expected.size, &f.size, &error) && same_bytes(f, expected);
    free(f.bytes);
    return same;
}

/* Two models that must hold the same. */
static inline void fuzz_check_alike(const fnn_model *a, const fnn_model *b)
{
    file_bytes f = fuzz_save(a);
    FUZZ_CHECK(fuzz_saves_as(b, f), "saved, loaded and saved again, it is another");
    free(f.bytes);
}
#endif
