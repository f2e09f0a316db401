/* Small data sets and models. Not every program needs all of it, hence the inlines. Include after
 * fmnist_nn.h. */
#ifndef SAMPLES_H
#define SAMPLES_H
#include <string.h>

#define FOR_EACH_ISA(isa)                                  \
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) \
        if (fnn_isa_available((fnn_isa)isa))

/* ---- a data set round arrays that stay the caller's ---- */

static inline fnn_dataset images_of(const uint8_t *bytes, int64_t count, int height, int width,
                                    int channels)
{
    return fnn_dataset_images(bytes, NULL, count, height, width, channels, 0);
}

static inline fnn_dataset real_images_of(const fnn_real *reals, int64_t count, int height,
                                         int width, int channels)
{
    fnn_dataset data = images_of(NULL, count, height, width, channels);
    data.reals = reals;
    return data;
}

static inline fnn_dataset table_of(const fnn_real *reals, int64_t count, int columns)
{
    return real_images_of(reals, count, 1, 1, columns);
}

static inline fnn_dataset with_labels(fnn_dataset data, const int32_t *labels, int classes)
{
    data.labels = labels;
    data.classes = classes;
    return data;
}

static inline fnn_dataset with_targets(fnn_dataset data, const fnn_real *targets, int count)
{
    data.targets = targets;
    data.target_count = count;
    return data;
}

/* ---- samples ---- */

static inline uint64_t sample_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* In [0, 1), a function of all three: SplitMix64's output, twice. */
static inline double sample_unit(uint64_t seed, uint64_t stream, uint64_t index)
{
    const uint64_t key =
        sample_mix(seed + 0x9e3779b97f4a7c15u) ^ sample_mix(stream * 0xd1342543de82ef95u + 1);
    return (double)(sample_mix(key + (index + 1) * 0x9e3779b97f4a7c15u) >> 11) / 9007199254740992.0;
}

static inline int sample_below(uint64_t seed, uint64_t stream, uint64_t index, int bound)
{
    return (int)(sample_unit(seed, stream, index) * bound);
}

/* Reals of -1 to 1, and labels, from a seed and a stream. */
static inline void fill_reals(fnn_real *x, int count, uint64_t seed, uint64_t stream)
{
    int i;
    for (i = 0; i < count; i++) x[i] = (fnn_real)(2 * sample_unit(seed, stream, (uint64_t)i) - 1);
}

static inline void fill_labels(int32_t *labels, int count, uint64_t seed, uint64_t stream,
                               int classes)
{
    int i;
    for (i = 0; i < count; i++) labels[i] = sample_below(seed, stream, (uint64_t)i, classes);
}

/* Images whose label-th `band` of pixels is brighter by `signal` than the others' noise: learnable,
 * not trivial. */
static inline void fill_bands(uint8_t *pixels, int32_t *labels, int count, int inputs, int classes,
                              int band, int noise, int signal)
{
    int i;
    fill_labels(labels, count, 1, 1, classes);
    for (i = 0; i < count * inputs; i++)
        pixels[i] = (uint8_t)(sample_below(1, 2, (uint64_t)i, noise) +
                              (i % inputs / band == labels[i / inputs] ? signal : 0));
}

/* ---- models ---- */

static inline fnn_model *model_on(fnn_isa isa, int threads, int height, int width, int channels)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = isa;
    config.threads = threads;
    return fnn_sequential_with(&config, height, width, channels);
}

/* Conv2d(C, filters, kernel, stride, padding=kernel // 2, bias=False). */
static inline int pytorch_conv2d(fnn_model *m, int filters, int kernel, int stride,
                                 fnn_activation f)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = filters;
    c.kernel_height = c.kernel_width = kernel;
    c.stride_height = c.stride_width = stride;
    c.padding = FNN_EXPLICIT;
    c.pad_height = c.pad_width = kernel / 2;
    c.activation = f;
    c.no_bias = 1;
    return fnn_conv2d_with(m, &c);
}
#endif
