/* The same bits as before and on every machine: everything that the library computes, case by case,
 * against the SHA-256 sums of tests/weights.sums. There is one list for all instruction sets
 * ("fused"), and one for scalar kernels without a fused multiply-add ("plain"), as x86 has them by
 * default. Compiler, level and options change nothing: gcc and clang, -O0 to -O3 -march=native.
 *
 * Whoever re-arranges the library without wanting to change a result runs this; whoever does want
 * to raises FNN_NUMERICS and writes the file anew, whose change says which results have changed:
 *
 *     cc -O2 -fopenmp tests/test_weights.c -o test_weights -lm
 *     export GOMP_SPINCOUNT=0               else waiting threads take most of the time
 *     ./test_weights                        all instruction sets that this machine has
 *     ./test_weights avx2 optimizer/        one of them, only cases whose name contains the word
 *     ./test_weights --write tests/weights.sums         both lists, fused by the first that is
 *     ./test_weights --write tests/weights.sums avx512  that one's list alone; the other is kept
 *
 * all from the top directory, and for NEON
 *
 *     aarch64-linux-gnu-gcc -O2 -static tests/test_weights.c -o test_weights -lm
 *     qemu-aarch64 ./test_weights neon
 *
 * A case is a row of the tables below: a network trained for a few steps, or a kernel's outputs,
 * of numbers that are made here from integers. It runs on one thread and on more, which must give
 * the same. Only what a program may call is used, so that nothing here asks how the library does
 * it. To add a case: its row, and the file written anew; a case that is made another one gets
 * another name. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "model_files.h"
#include "samples.h"
#include "sha256.h"
#include <float.h>

#define SUMS_FILE "tests/weights.sums"

/* ---- a case ---- */

enum { SIDE = 12, PIXELS = SIDE * SIDE, MOST_CHANNELS = 8, CLASSES = 10, NUMBERS_EACH = 3 };
enum { TRAINED = 80, HELD_OUT = 24, ROWS = TRAINED + HELD_OUT, BATCH = 32 };

/* What a sample is to give. */
typedef enum { LABELS, ONE_HOT, SHARES, NUMBERS } truth;

/* Where a case runs, and the sum of what it gives. */
typedef struct {
    fnn_isa isa;
    int threads;
    int flipped; /* the control: one bit of one weight is */
    sha256 sum;
} work;

/* A zero field is a plain choice: sgd, softmax cross-entropy, no normalisation ... */
typedef struct test_case {
    const char *name;
    void (*run)(const struct test_case *c, work *w);          /* NULL: train */
    void (*network)(fnn_model *m, const struct test_case *c); /* NULL: perceptron */

    int channels; /* 0: 1 */
    int bytes;    /* pixels as bytes in place of reals */
    truth truth;
    int weighted; /* samples, and their classes where they have any */
    fnn_normalization normalization, of_targets;

    fnn_activation activation; /* network says where these go */
    fnn_real parameter;
    fnn_conv2d_config conv;
    fnn_pool2d_config pool;
    fnn_batch_norm_config norm;
    fnn_initializer weights, biases; /* scale 0: the library's */

    fnn_loss_kind loss;
    fnn_real smoothing, epsilon;
    fnn_fit_config fit; /* epochs 0: 2, batch_size 0: 32, learning_rate 0: sgd with .05 */
    int in_order;       /* no shuffle */
    int validated;      /* with the held-out samples as validation data */
    int stops;          /* must end before its epochs do */
    int fits;           /* 0: 1 */
    int seeded_anew;    /* after these, and once more */
    int flip, shift;    /* predictions are of these views too */

    int no_winograd;          /* of the context */
    int height, width, count; /* of a kernel's operands */
    int transpose_a, transpose_b;
    int folds; /* of a search */
} test_case;

enum { MOST_CASES = 400 };
static test_case cases[MOST_CASES];
static int case_count;

static void add(const test_case *list, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        if (case_count == MOST_CASES) {
            fputs("more cases than MOST_CASES\n", stderr);
            exit(2);
        }
        cases[case_count++] = list[i];
    }
}
#define ADD(list) add(list, sizeof list / sizeof list[0])

/* ---- what goes into the sum: numbers as their bytes, the least first, on every machine ---- */

static void put_bits(uint8_t *to, uint64_t bits, size_t bytes)
{
    size_t i;
    for (i = 0; i < bytes; i++) to[i] = (uint8_t)(bits >> (8 * i));
}

static void add_integer(work *w, int64_t x)
{
    uint8_t bytes[sizeof x];
    put_bits(bytes, (uint64_t)x, sizeof x);
    sha256_add(&w->sum, bytes, sizeof bytes);
}

/* A NaN's sign and lower bits are no result: no standard says them. */
static void add_double(work *w, double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    add_integer(w, x != x ? -1 : bits);
}

static void add_reals(work *w, const fnn_real *x, size_t count)
{
    enum { EACH = sizeof(float) };
    uint8_t bytes[64 * EACH];
    size_t i, held = 0;
    for (i = 0; i < count; i++) {
        const float number = (float)x[i];
        uint32_t bits;
        memcpy(&bits, &number, EACH);
        put_bits(bytes + held, number != number ? UINT32_MAX : bits, EACH);
        held += EACH;
        if (held < sizeof bytes && i + 1 < count) continue;
        sha256_add(&w->sum, bytes, held);
        held = 0;
    }
}

/* ---- numbers to compute with, from integers ---- */

static uint32_t draw(uint32_t *state) /* of 16 bits; Numerical Recipes' generator */
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* From -4 to 4, in steps of 1/8192. */
static fnn_real *make_reals(size_t count, uint32_t seed)
{
    fnn_real *x = (fnn_real *)need(count * sizeof *x);
    size_t i;
    for (i = 0; i < count; i++) x[i] = (fnn_real)((int)draw(&seed) - 32768) / 8192;
    return x;
}

static fnn_real *make_space(size_t count)
{
    fnn_real *x = (fnn_real *)need(count * sizeof *x);
    size_t i;
    for (i = 0; i < count; i++) x[i] = -77;
    return x;
}

/* Images of one number of channels: bright in the label-th tenth, noise elsewhere. */
typedef struct {
    int made;
    uint8_t pixels[ROWS * PIXELS * MOST_CHANNELS];
    fnn_real reals[ROWS * PIXELS * MOST_CHANNELS];
    int32_t labels[ROWS];
    fnn_real one_hot[ROWS * CLASSES], shares[ROWS * CLASSES], numbers[ROWS * NUMBERS_EACH];
} images;

static void make_image(images *s, int row, int features, uint32_t *state)
{
    const int label = (int)draw(state) % CLASSES;
    int i;
    s->labels[row] = label;
    for (i = 0; i < features; i++) {
        const int bright = i * CLASSES / features == label ? 90 : 0, at = row * features + i;
        s->pixels[at] = (uint8_t)(draw(state) % 150 + (uint32_t)bright);
        s->reals[at] = (fnn_real)(s->pixels[at] - 96) / 64;
    }
    for (i = 0; i < CLASSES; i++) {
        const int next = i == (label + 1) % CLASSES;
        s->one_hot[row * CLASSES + i] = i == label;
        s->shares[row * CLASSES + i] = (fnn_real)(i == label ? .75 : next ? .25 : 0);
    }
    for (i = 0; i < NUMBERS_EACH; i++)
        s->numbers[row * NUMBERS_EACH + i] =
            (fnn_real)((label - 4) * (i + 1)) / 8 + (fnn_real)((int)draw(state) % 64) / 256;
}

static const images *images_with(int channels)
{
    static images all[MOST_CHANNELS + 1];
    images *s = all + channels;
    uint32_t state = (uint32_t)channels;
    int row;
    for (row = 0; !s->made && row < ROWS; row++) make_image(s, row, PIXELS * channels, &state);
    s->made = 1;
    return s;
}

static int channels_of(const test_case *c)
{
    return c->channels ? c->channels : 1;
}

static fnn_dataset weigh(fnn_dataset data, int from)
{
    static fnn_real weights[ROWS];
    static const fnn_real class_weights[CLASSES] = {1, 2, 3, 1, 2, 3, 1, 2, 3, (fnn_real).3};
    int i;
    for (i = 0; i < ROWS; i++) weights[i] = (fnn_real)(i * 7 % 5) / 3;
    data.weights = weights + from;
    if (data.classes) data.class_weights = class_weights;
    return data;
}

static fnn_dataset truth_of(const test_case *c, fnn_dataset data, const images *s, int from)
{
    if (c->truth == NUMBERS)
        return with_targets(data, s->numbers + from * NUMBERS_EACH, NUMBERS_EACH);
    if (c->truth == LABELS) return with_labels(data, s->labels + from, CLASSES);
    data.classes = CLASSES;
    return with_targets(data, (c->truth == ONE_HOT ? s->one_hot : s->shares) + from * CLASSES,
                        CLASSES);
}

static fnn_dataset data_of(const test_case *c, int from, int count)
{
    const int channels = channels_of(c), at = from * PIXELS * channels;
    const images *s = images_with(channels);
    fnn_dataset data = c->bytes ? images_of(s->pixels + at, count, SIDE, SIDE, channels)
                                : real_images_of(s->reals + at, count, SIDE, SIDE, channels);
    data = truth_of(c, data, s, from);
    return c->weighted ? weigh(data, from) : data;
}

/* ---- networks ---- */

static int outputs_of(const test_case *c)
{
    return c->truth == NUMBERS ? NUMBERS_EACH : CLASSES;
}

static void end(fnn_model *m, const test_case *c)
{
    fnn_dense(m, outputs_of(c), c->truth == NUMBERS ? FNN_LINEAR : FNN_SOFTMAX);
}

static void perceptron(fnn_model *m, const test_case *c)
{
    fnn_dense(m, 130, FNN_RELU);
    end(m, c);
}

/* c->activation behind two dense layers, the second of which is no multiple of a vector wide. */
static void hidden(fnn_model *m, const test_case *c)
{
    fnn_dense(m, 128, c->activation);
    fnn_dense(m, 29, c->activation);
    end(m, c);
}

/* A layer of a single unit, and one of three. */
static void bottleneck(fnn_model *m, const test_case *c)
{
    fnn_dense(m, 70, FNN_TANH);
    fnn_dense(m, 1, FNN_TANH);
    fnn_dense(m, 40, FNN_TANH);
    fnn_dense(m, 3, FNN_TANH);
    end(m, c);
}

static void output(fnn_model *m, const test_case *c)
{
    fnn_dense(m, 128, FNN_TANH);
    fnn_dense(m, outputs_of(c), c->activation);
}

static void activated(fnn_model *m, const test_case *c)
{
    fnn_dense(m, 128, FNN_LINEAR);
    fnn_activate(m, c->activation, c->parameter);
    end(m, c);
}

static void activated_images(fnn_model *m, const test_case *c)
{
    fnn_activate(m, c->activation, c->parameter);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    fnn_activate(m, c->activation, c->parameter);
    fnn_max_pool2d(m, 2);
    fnn_activate(m, c->activation, c->parameter);
    end(m, c);
}

/* c->conv on the images and once more behind itself, so that a gradient goes through it. */
static void convolution(fnn_model *m, const test_case *c)
{
    fnn_conv2d_with(m, &c->conv);
    fnn_conv2d(m, channels_of(c), 3, FNN_SAME, FNN_RELU);
    fnn_conv2d_with(m, &c->conv);
    end(m, c);
}

static void pool_behind_convolution(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 17, 3, FNN_SAME, c->activation);
    fnn_pool2d_with(m, &c->pool);
    end(m, c);
}

static void pool_alone(fnn_model *m, const test_case *c)
{
    fnn_pool2d_with(m, &c->pool);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_dense(m, 40, FNN_RELU);
    fnn_pool2d_with(m, &(fnn_pool2d_config){0, 1, 1, 1, 1, FNN_VALID, 0, 0}); /* of one pixel */
    end(m, c);
}

static void global_average(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 24, 3, FNN_SAME, FNN_RELU);
    fnn_global_average_pool2d(m);
    end(m, c);
}

static void norm_first(fnn_model *m, const test_case *c)
{
    fnn_batch_norm_with(m, &c->norm);
    perceptron(m, c);
}

static void norm_behind_dense(fnn_model *m, const test_case *c)
{
    fnn_dense(m, 130, FNN_LINEAR);
    fnn_batch_norm_with(m, &c->norm);
    fnn_activate(m, FNN_RELU, 0);
    end(m, c);
}

static void norm_behind_convolution(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 12, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm_with(m, &c->norm);
    fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 6, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_batch_norm(m);
    end(m, c);
}

static void dropout(fnn_model *m, const test_case *c)
{
    fnn_dropout(m, (fnn_real).2);
    fnn_dense(m, 130, FNN_RELU);
    fnn_dropout(m, (fnn_real).5);
    end(m, c);
}

static void dropout_of_images(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 12, 3, FNN_SAME, FNN_RELU);
    fnn_dropout(m, (fnn_real).3);
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    end(m, c);
}

static void spatial_dropout(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 12, 3, FNN_SAME, FNN_RELU);
    fnn_spatial_dropout(m, (fnn_real).3);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 40, FNN_RELU);
    fnn_spatial_dropout(m, (fnn_real).3);
    end(m, c);
}

static void residual_dense(fnn_model *m, const test_case *c)
{
    const int from = fnn_dense(m, 100, FNN_RELU);
    fnn_dense(m, 100, FNN_TANH);
    fnn_add(m, from);
    fnn_dense(m, PIXELS, FNN_LINEAR);
    fnn_flatten(m);
    fnn_dense(m, 100, FNN_LINEAR);
    fnn_add(m, from + 2);
    end(m, c);
}

/* One that begins at the input, He et al.'s block, and one with a sigmoid. */
static void residual_images(fnn_model *m, const test_case *c)
{
    int from;
    fnn_conv2d(m, channels_of(c), 3, FNN_SAME, FNN_RELU);
    fnn_add(m, -1);
    from = fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_add(m, from);
    from = fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 8, 1, FNN_SAME, FNN_SIGMOID);
    fnn_add(m, from);
    fnn_average_pool2d(m, 2);
    end(m, c);
}

static void flattened(fnn_model *m, const test_case *c)
{
    fnn_flatten(m);
    fnn_dense(m, 120, FNN_RELU);
    fnn_flatten(m);
    fnn_dense(m, 31, FNN_RELU);
    end(m, c);
    fnn_flatten(m);
}

static void flattened_images(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_flatten(m);
    fnn_flatten(m);
    fnn_batch_norm(m);
    fnn_dense(m, 40, FNN_RELU);
    end(m, c);
}

/* Convolutions of sixteen channels and more, which go by Winograd's transforms, on images of
 * c->height and width: smaller or larger than those of the samples. */
static void resize(fnn_model *m, const test_case *c)
{
    fnn_conv2d_config first = fnn_conv2d_config_init();
    const int larger = c->height > SIDE;
    first.filters = 16;
    first.kernel_height = larger ? 3 : SIDE + 1 - c->height;
    first.kernel_width = larger ? 3 : SIDE + 1 - c->width;
    first.padding = FNN_EXPLICIT;
    first.pad_height = larger ? (c->height - SIDE + 2) / 2 : 0;
    first.pad_width = larger ? (c->width - SIDE + 2) / 2 : 0;
    first.activation = FNN_RELU;
    fnn_conv2d_with(m, &first);
}

static void winograd_plain(fnn_model *m, const test_case *c)
{
    resize(m, c);
    fnn_conv2d_with(m, &c->conv);
    fnn_conv2d_with(m, &c->conv);
    end(m, c);
}

static void winograd_pooled(fnn_model *m, const test_case *c)
{
    resize(m, c);
    fnn_conv2d_with(m, &c->conv);
    fnn_pool2d_with(m, &c->pool);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    end(m, c);
}

static void winograd_residual(fnn_model *m, const test_case *c)
{
    int from;
    resize(m, c);
    from = fnn_batch_norm(m);
    pytorch_conv2d(m, 16, 3, 1, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_add(m, from);
    from = fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_GELU);
    fnn_add(m, from);
    fnn_global_average_pool2d(m);
    end(m, c);
}

/* Images of one pixel, which go in groups of rows. */
static void convolution_behind_dense(fnn_model *m, const test_case *c)
{
    int from;
    fnn_dense(m, 120, FNN_RELU);
    from = fnn_conv2d(m, 60, 1, FNN_SAME, FNN_RELU);
    fnn_batch_norm(m);
    fnn_conv2d(m, 60, 1, FNN_SAME, FNN_TANH);
    fnn_add(m, from);
    end(m, c);
}

/* The network of a small image classifier, with a little of everything. */
static void classifier(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_ELU, (fnn_real).7);
    fnn_spatial_dropout(m, (fnn_real).1);
    fnn_average_pool2d(m, 2);
    fnn_dense(m, 40, FNN_GELU);
    fnn_dropout(m, (fnn_real).2);
    end(m, c);
}

static void deep(fnn_model *m, const test_case *c)
{
    int i;
    for (i = 0; i < 18; i++) fnn_dense(m, 32 + i, i % 2 ? FNN_RELU : FNN_TANH);
    end(m, c);
}

static void convolution_softmax(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 12, 3, FNN_SAME, FNN_RELU);
    fnn_global_average_pool2d(m);
    fnn_conv2d(m, outputs_of(c), 1, FNN_SAME, FNN_SOFTMAX);
}

/* ---- training ---- */

static fnn_context_config context_config(const test_case *c, const work *w)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = w->isa;
    config.threads = w->threads;
    config.no_winograd = c->no_winograd;
    return config;
}

static fnn_model *make_model(const test_case *c, const work *w, const fnn_dataset *data)
{
    const fnn_context_config config = context_config(c, w);
    fnn_model *m = fnn_sequential_with(&config, SIDE, SIDE, channels_of(c));
    fnn_set_seed(m, 7);
    if (c->weights.scale > 0) fnn_set_initializer(m, c->weights, c->biases);
    if (c->normalization != FNN_NORMALIZE_NONE) fnn_normalize(m, c->normalization, data);
    if (c->of_targets != FNN_NORMALIZE_NONE) fnn_normalize_targets(m, c->of_targets, data);
    fnn_set_loss(m, c->loss, c->smoothing, c->epsilon);
    (c->network ? c->network : perceptron)(m, c);
    return m;
}

static fnn_fit_config make_config(const test_case *c, const fnn_dataset *held_out)
{
    fnn_fit_config config = c->fit;
    if (!(config.optimizer.learning_rate > 0)) config.optimizer = fnn_sgd(.05);
    if (!config.epochs) config.epochs = 2;
    if (!config.batch_size) config.batch_size = BATCH;
    config.shuffle = !c->in_order;
    config.validation = c->validated ? held_out : NULL;
    return config;
}

static void add_history(work *w, const fnn_history *history)
{
    int i;
    for (i = 0; i < history->count; i++) { /* all but the seconds */
        const fnn_epoch *e = history->epochs + i;
        add_integer(w, e->epoch);
        add_integer(w, e->step);
        add_double(w, e->loss);
        add_double(w, e->score);
        add_double(w, e->validation_loss);
        add_double(w, e->validation_score);
        add_double(w, e->learning_rate);
    }
}

static void add_parameters(work *w, fnn_model *m)
{
    size_t count;
    const fnn_real *parameters = fnn_parameters(m, &count);
    add_reals(w, parameters, count);
}

/* What the model makes of data that it was not trained on. */
static void add_predictions(work *w, const test_case *c, const fnn_model *m)
{
    const fnn_dataset data = data_of(c, TRAINED, HELD_OUT);
    fnn_real outputs[HELD_OUT * CLASSES];
    int32_t classes[HELD_OUT];
    fnn_metrics metrics;
    int i;
    CHECK(!fnn_predict(m, NULL, &data, outputs));
    add_reals(w, outputs, (size_t)(HELD_OUT * outputs_of(c)));
    CHECK(!fnn_predict_classes(m, NULL, &data, classes));
    for (i = 0; i < HELD_OUT; i++) add_integer(w, classes[i]);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    add_double(w, metrics.loss);
    add_double(w, metrics.accuracy);
    add_double(w, metrics.r2);
    add_integer(w, metrics.count);
    if (!c->flip && !c->shift) return;
    CHECK(!fnn_predict_augmented(m, NULL, &data, c->flip, c->shift, outputs));
    add_reals(w, outputs, (size_t)(HELD_OUT * outputs_of(c)));
}

/* One step by hand, of samples in no order: outputs, loss and gradients, which a fit hides. */
static void add_step(work *w, const test_case *c, fnn_model *m, const fnn_fit_config *config)
{
    static const int64_t samples[] = {5, 79, 3, 3, 40, 41, 0, 22, 64, 7, 8, 9, 10, 11, 50, 6, 1};
    const int count = (int)(sizeof samples / sizeof samples[0]);
    const fnn_dataset data = data_of(c, 0, TRAINED);
    double loss = 0;
    size_t parameters;
    CHECK(!fnn_forward(m, &data, samples, count, 1));
    add_reals(w, fnn_outputs(m), (size_t)(count * outputs_of(c)));
    CHECK(!fnn_loss(m, &loss));
    add_double(w, loss);
    CHECK(!fnn_backward(m));
    fnn_parameters(m, &parameters);
    add_reals(w, fnn_gradients(m, NULL), parameters);
    CHECK(!fnn_step(m, config));
    add_parameters(w, m);
    CHECK(!fnn_forward(m, &data, NULL, count, 0));
    add_reals(w, fnn_outputs(m), (size_t)(count * outputs_of(c)));
}

/* All fits of a case; 0 after an error, which is reported. */
static int fit(const test_case *c, fnn_model *m, const fnn_fit_config *config, fnn_history *history)
{
    const fnn_dataset data = data_of(c, 0, TRAINED);
    const int fits = (c->fits ? c->fits : 1) + c->seeded_anew;
    int i;
    for (i = 0; i < fits; i++) {
        if (c->seeded_anew && i == fits - 1) fnn_set_seed(m, 8);
        if (!CHECKF(!fnn_fit(m, &data, config, history), "%s: %s", c->name,
                    fnn_model_error(m)->message))
            return 0;
    }
    if (c->stops) CHECKF(history->count < config->epochs, "%s did not stop", c->name);
    return 1;
}

static void train(const test_case *c, work *w)
{
    const fnn_dataset data = data_of(c, 0, TRAINED), held_out = data_of(c, TRAINED, HELD_OUT);
    const fnn_fit_config config = make_config(c, &held_out);
    fnn_model *m = make_model(c, w, &data);
    fnn_history history;
    memset(&history, 0, sizeof history);
    if (fit(c, m, &config, &history)) {
        if (w->flipped) ((uint8_t *)fnn_parameters(m, NULL))[0] ^= 1;
        add_history(w, &history);
        add_parameters(w, m);
        add_predictions(w, c, m);
        add_step(w, c, m, &config);
    }
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* ---- the trainings ---- */

static void add_activations(void)
{
    const test_case list[] = {
        {.name = "hidden/linear", .network = hidden, .activation = FNN_LINEAR},
        {.name = "hidden/relu", .network = hidden, .activation = FNN_RELU},
        {.name = "hidden/leaky_relu", .network = hidden, .activation = FNN_LEAKY_RELU},
        {.name = "hidden/elu", .network = hidden, .activation = FNN_ELU},
        {.name = "hidden/gelu", .network = hidden, .activation = FNN_GELU},
        {.name = "hidden/sigmoid", .network = hidden, .activation = FNN_SIGMOID},
        {.name = "hidden/tanh", .network = hidden, .activation = FNN_TANH},
        {.name = "hidden/softmax", .network = hidden, .activation = FNN_SOFTMAX},
        {.name = "hidden/one_unit", .network = bottleneck},
        {.name = "activate/leaky_relu_0.1",
         .network = activated,
         .activation = FNN_LEAKY_RELU,
         .parameter = (fnn_real).1},
        {.name = "activate/leaky_relu_1.5",
         .network = activated,
         .activation = FNN_LEAKY_RELU,
         .parameter = (fnn_real)1.5},
        {.name = "activate/elu_0.5",
         .network = activated,
         .activation = FNN_ELU,
         .parameter = (fnn_real).5},
        {.name = "activate/softmax", .network = activated, .activation = FNN_SOFTMAX},
        {.name = "activate/images_relu", .network = activated_images, .activation = FNN_RELU},
        {.name = "activate/images_leaky_relu_0.2",
         .network = activated_images,
         .activation = FNN_LEAKY_RELU,
         .parameter = (fnn_real).2},
        {.name = "activate/images_elu_2",
         .network = activated_images,
         .activation = FNN_ELU,
         .parameter = 2},
        {.name = "activate/images_gelu", .network = activated_images, .activation = FNN_GELU},
        {.name = "activate/images_tanh", .network = activated_images, .activation = FNN_TANH},
    };
    ADD(list);
}

#define TO_NUMBERS .truth = NUMBERS, .loss = FNN_LOSS_MEAN_SQUARED_ERROR, .network = output
static void add_outputs(void)
{
    const test_case list[] = {
        {.name = "output/linear", TO_NUMBERS, .activation = FNN_LINEAR},
        {.name = "output/relu", TO_NUMBERS, .activation = FNN_RELU},
        {.name = "output/leaky_relu", TO_NUMBERS, .activation = FNN_LEAKY_RELU},
        {.name = "output/elu", TO_NUMBERS, .activation = FNN_ELU},
        {.name = "output/gelu", TO_NUMBERS, .activation = FNN_GELU},
        {.name = "output/sigmoid", TO_NUMBERS, .activation = FNN_SIGMOID},
        {.name = "output/tanh", TO_NUMBERS, .activation = FNN_TANH},
        {.name = "output/softmax", TO_NUMBERS, .activation = FNN_SOFTMAX},
        {.name = "output/logits", .network = output, .activation = FNN_LINEAR},
        {.name = "output/logits_relu", .network = output, .activation = FNN_RELU},
        {.name = "output/classes_sigmoid",
         .network = output,
         .activation = FNN_SIGMOID,
         .loss = FNN_LOSS_MEAN_SQUARED_ERROR},
        {.name = "output/conv_softmax", .network = convolution_softmax},
    };
    ADD(list);
}

/* filters, kernel height and width, stride height and width, padding, activation */
#define CONV(...) .network = convolution, .conv = {__VA_ARGS__, 0, 0, 0}, .fit.epochs = 1
static void add_convolutions(void)
{
    const test_case list[] = {
        {.name = "conv/3x3_same_1", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_RELU)},
        {.name = "conv/3x3_same_3", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_RELU), .channels = 3},
        {.name = "conv/3x3_same_8", CONV(16, 3, 3, 1, 1, FNN_SAME, FNN_RELU), .channels = 8},
        {.name = "conv/3x3_same_33", CONV(33, 3, 3, 1, 1, FNN_SAME, FNN_RELU), .channels = 8},
        {.name = "conv/3x3_valid_3", CONV(5, 3, 3, 1, 1, FNN_VALID, FNN_TANH), .channels = 3},
        {.name = "conv/5x5_valid_1", CONV(12, 5, 5, 1, 1, FNN_VALID, FNN_RELU)},
        {.name = "conv/5x5_valid_8", CONV(12, 5, 5, 1, 1, FNN_VALID, FNN_RELU), .channels = 8},
        {.name = "conv/5x5_same_3", CONV(3, 5, 5, 1, 1, FNN_SAME, FNN_RELU), .channels = 3},
        {.name = "conv/3x3_stride_2", CONV(10, 3, 3, 2, 2, FNN_SAME, FNN_RELU), .channels = 8},
        {.name = "conv/3x3_stride_2_valid", CONV(4, 3, 3, 2, 2, FNN_VALID, FNN_RELU)},
        {.name = "conv/7x7_stride_2", CONV(16, 7, 7, 2, 2, FNN_SAME, FNN_RELU), .channels = 3},
        {.name = "conv/1x1", CONV(20, 1, 1, 1, 1, FNN_VALID, FNN_RELU), .channels = 8},
        {.name = "conv/1x1_stride_2", CONV(20, 1, 1, 2, 2, FNN_SAME, FNN_RELU), .channels = 8},
        {.name = "conv/2x3_stride_1x2", CONV(7, 2, 3, 1, 2, FNN_SAME, FNN_RELU), .channels = 3},
        {.name = "conv/4x1_stride_3x1", CONV(24, 4, 1, 3, 1, FNN_SAME, FNN_RELU)},
        {.name = "conv/one_filter", CONV(1, 3, 3, 1, 1, FNN_SAME, FNN_RELU), .channels = 3},
        {.name = "conv/linear", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_LINEAR), .channels = 3},
        {.name = "conv/leaky_relu", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_LEAKY_RELU)},
        {.name = "conv/elu", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_ELU)},
        {.name = "conv/gelu", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_GELU)},
        {.name = "conv/sigmoid", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_SIGMOID)},
        {.name = "conv/tanh", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_TANH)},
        {.name = "conv/softmax", CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_SOFTMAX)},
        {.name = "conv/behind_dense", .network = convolution_behind_dense},
        {.name = "conv/bytes",
         CONV(8, 3, 3, 1, 1, FNN_SAME, FNN_RELU),
         .channels = 3,
         .bytes = 1,
         .normalization = FNN_NORMALIZE_DIVIDE_255},
    };
    ADD(list);
}

/* Each by Winograd's transforms, and behind that with all multiplications, which gives the bits of
 * the versions before them (0.2 and older): where the transforms are left out, the first have the
 * sums of the second. */
#define WINOGRAD(what, h, w) .network = what, .height = h, .width = w, .fit.epochs = 1
#define BY_THREES(...) .conv = {__VA_ARGS__}
#define TAKING(...) .pool = {__VA_ARGS__, 0, 0}
static const char direct[] = "_direct";
static void add_both(const test_case *list, size_t count)
{
    static char names[40][40];
    static int used;
    size_t i;
    for (i = 0; i < count; i++) {
        test_case c = list[i];
        add(&c, 1);
        if (used == 40) exit(2);
        snprintf(names[used], sizeof names[used], "%s%s", c.name, direct);
        c.name = names[used++];
        c.no_winograd = 1;
        add(&c, 1);
    }
}

static void add_winograd(void)
{
    const test_case list[] = {
        {.name = "winograd/same_7x7",
         WINOGRAD(winograd_plain, 7, 7),
         BY_THREES(24, 3, 3, 1, 1, FNN_SAME, FNN_RELU, 0, 0, 0),
         .fit.batch_size = 23},
        {.name = "winograd/valid_9x11",
         WINOGRAD(winograd_plain, 9, 11),
         BY_THREES(17, 3, 3, 1, 1, FNN_VALID, FNN_TANH, 0, 0, 0),
         .channels = 3},
        {.name = "winograd/padded_5x4",
         WINOGRAD(winograd_plain, 5, 4),
         BY_THREES(33, 3, 3, 1, 1, FNN_EXPLICIT, FNN_RELU, 2, 1, 1),
         .fit.batch_size = 50},
        {.name = "winograd/pool_14x14",
         WINOGRAD(winograd_pooled, 14, 14),
         BY_THREES(16, 3, 3, 1, 1, FNN_SAME, FNN_RELU, 0, 0, 0),
         TAKING(0, 2, 2, 2, 2, FNN_VALID)},
        {.name = "winograd/pool_of_threes",
         WINOGRAD(winograd_pooled, 12, 12),
         BY_THREES(18, 3, 3, 1, 1, FNN_SAME, FNN_LEAKY_RELU, 0, 0, 0),
         TAKING(0, 3, 3, 3, 3, FNN_VALID),
         .fit.batch_size = 19},
        {.name = "winograd/residual", WINOGRAD(winograd_residual, 7, 8), .fit.batch_size = 33},
    };
    add_both(list, sizeof list / sizeof list[0]);
}

/* 1: the mean, height and width, stride height and width, padding */
#define POOL(...) .network = pool_behind_convolution, .pool = {__VA_ARGS__, 0, 0}
#define ALONE(...) .network = pool_alone, .pool = {__VA_ARGS__, 0, 0}, .channels = 8
static void add_pools(void)
{
    const test_case list[] = {
        {.name = "pool/max_fused_relu", POOL(0, 2, 2, 2, 2, FNN_VALID), .activation = FNN_RELU},
        {.name = "pool/max_fused_linear", POOL(0, 3, 3, 3, 3, FNN_VALID)},
        {.name = "pool/max_fused_leaky_relu",
         POOL(0, 3, 2, 4, 3, FNN_VALID),
         .activation = FNN_LEAKY_RELU},
        {.name = "pool/max_behind_tanh", POOL(0, 2, 2, 2, 2, FNN_VALID), .activation = FNN_TANH},
        {.name = "pool/max_overlapping", POOL(0, 3, 3, 2, 2, FNN_VALID), .activation = FNN_RELU},
        {.name = "pool/max_same", POOL(0, 3, 3, 2, 2, FNN_SAME), .activation = FNN_RELU},
        {.name = "pool/max_same_every_pixel", POOL(0, 3, 3, 1, 1, FNN_SAME)},
        {.name = "pool/max_alone", ALONE(0, 2, 2, 2, 2, FNN_VALID)},
        {.name = "pool/max_alone_same", ALONE(0, 5, 5, 5, 5, FNN_SAME)},
        {.name = "pool/average", POOL(1, 2, 2, 2, 2, FNN_VALID), .activation = FNN_RELU},
        {.name = "pool/average_same", POOL(1, 3, 3, 2, 2, FNN_SAME), .activation = FNN_RELU},
        {.name = "pool/average_alone", ALONE(1, 3, 2, 3, 2, FNN_VALID)},
        {.name = "pool/global_average", .network = global_average},
    };
    ADD(list);
}

static void add_other_layers(void)
{
    const fnn_batch_norm_config keras = fnn_batch_norm_config_init();
    const fnn_batch_norm_config torch = fnn_batch_norm_config_pytorch();
    const test_case list[] = {
        {.name = "norm/first", .network = norm_first, .norm = keras},
        {.name = "norm/first_pytorch", .network = norm_first, .norm = torch, .channels = 3},
        {.name = "norm/dense", .network = norm_behind_dense, .norm = keras},
        {.name = "norm/dense_pytorch", .network = norm_behind_dense, .norm = torch},
        {.name = "norm/conv", .network = norm_behind_convolution, .norm = keras},
        {.name = "norm/conv_pytorch", .network = norm_behind_convolution, .norm = torch},
        {.name = "dropout/dense", .network = dropout},
        {.name = "dropout/images", .network = dropout_of_images},
        {.name = "dropout/spatial", .network = spatial_dropout},
        {.name = "add/dense", .network = residual_dense},
        {.name = "add/images", .network = residual_images, .channels = 3},
        {.name = "flatten/dense", .network = flattened},
        {.name = "flatten/images", .network = flattened_images},
        {.name = "deep", .network = deep},
        {.name = "classifier", .network = classifier, .channels = 3, .validated = 1},
    };
    ADD(list);
}

static fnn_optimizer with_momentum(fnn_optimizer o, double momentum)
{
    o.momentum = (fnn_real)momentum;
    return o;
}

#define BY(...) .fit = {.optimizer = __VA_ARGS__}
#define TORCH(...) .fit = {.optimizer = fnn_pytorch(__VA_ARGS__)}
static void add_optimizers(void)
{
    const double rate = .01, most = .9, decay = .1;
    const test_case list[] = {
        {.name = "optimizer/sgd", BY(fnn_sgd(rate))},
        {.name = "optimizer/sgd_pytorch_decay", TORCH(fnn_sgd(rate)), .fit.l2 = (fnn_real)decay},
        {.name = "optimizer/momentum", BY(fnn_momentum(rate, most))},
        {.name = "optimizer/momentum_pytorch", TORCH(fnn_momentum(rate, most))},
        {.name = "optimizer/nesterov", BY(fnn_nesterov(rate, most))},
        {.name = "optimizer/nesterov_pytorch", TORCH(fnn_nesterov(rate, most))},
        {.name = "optimizer/adagrad", BY(fnn_adagrad(rate))},
        {.name = "optimizer/adagrad_pytorch", TORCH(fnn_adagrad(rate))},
        {.name = "optimizer/adadelta", BY(fnn_adadelta(1))},
        {.name = "optimizer/adadelta_pytorch", TORCH(fnn_adadelta(1))},
        {.name = "optimizer/rmsprop", BY(fnn_rmsprop(rate))},
        {.name = "optimizer/rmsprop_pytorch", TORCH(fnn_rmsprop(rate))},
        {.name = "optimizer/rmsprop_momentum", BY(with_momentum(fnn_rmsprop(rate), most))},
        {.name = "optimizer/rmsprop_momentum_torch",
         BY(with_momentum(fnn_pytorch(fnn_rmsprop(rate)), most))},
        {.name = "optimizer/adam", BY(fnn_adam(rate))},
        {.name = "optimizer/adam_pytorch", TORCH(fnn_adam(rate))},
        {.name = "optimizer/adam_images", BY(fnn_adam(rate)), .network = classifier},
        {.name = "optimizer/adamw", BY(fnn_adamw(rate, decay))},
        {.name = "optimizer/adamw_pytorch", TORCH(fnn_adamw(rate, decay))},
        {.name = "optimizer/adamw_biases", BY(fnn_adamw(rate, decay)), .fit.penalize_biases = 1},
    };
    ADD(list);
}

/* Clipping and l1 take the other way through each optimiser's kernel. */
#define CLIPPED(...) .fit = {.optimizer = __VA_ARGS__, .clip_value = (fnn_real)1e-3, .l1 = some}
static void add_clipped_optimizers(void)
{
    const double rate = .01, most = .9;
    const fnn_real some = (fnn_real)1e-3;
    const test_case list[] = {
        {.name = "optimizer/sgd_clipped", CLIPPED(fnn_sgd(1))},
        {.name = "optimizer/momentum_clipped", CLIPPED(fnn_momentum(1, most))},
        {.name = "optimizer/nesterov_clipped", CLIPPED(fnn_pytorch(fnn_nesterov(1, most)))},
        {.name = "optimizer/adagrad_clipped", CLIPPED(fnn_adagrad(rate))},
        {.name = "optimizer/adadelta_clipped", CLIPPED(fnn_adadelta(1))},
        {.name = "optimizer/rmsprop_clipped", CLIPPED(fnn_rmsprop(rate))},
        {.name = "optimizer/rmsprop_momentum_clip",
         CLIPPED(with_momentum(fnn_rmsprop(rate), most))},
        {.name = "optimizer/adam_clipped", CLIPPED(fnn_adam(rate))},
        {.name = "optimizer/adamw_clipped", CLIPPED(fnn_pytorch(fnn_adamw(rate, most)))},
    };
    ADD(list);
}

#define CATEGORICAL .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY
#define SPARSE .loss = FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY
#define SATURATED .weights = {FNN_GLOROT_UNIFORM, 8} /* probabilities that Keras' losses clip */
#define INSENSITIVE .loss = FNN_LOSS_EPSILON_INSENSITIVE
#define SQUARED .loss = FNN_LOSS_MEAN_SQUARED_ERROR
#define BINARY .loss = FNN_LOSS_BINARY_CROSS_ENTROPY, .network = output
static void add_losses(void)
{
    const fnn_real some = (fnn_real).1;
    const test_case list[] = {
        {.name = "loss/softmax_labels"},
        {.name = "loss/softmax_labels_smoothed", .smoothing = some},
        {.name = "loss/softmax_one_hot", .truth = ONE_HOT, .in_order = 1},
        {.name = "loss/softmax_one_hot_smoothed", .truth = ONE_HOT, .smoothing = some},
        {.name = "loss/softmax_shares", .truth = SHARES},
        {.name = "loss/softmax_shares_smoothed", .truth = SHARES, .smoothing = some},
        {.name = "loss/categorical_labels", CATEGORICAL},
        {.name = "loss/categorical_shares", CATEGORICAL, .truth = SHARES},
        {.name = "loss/categorical_smoothed", CATEGORICAL, .truth = ONE_HOT, .smoothing = some},
        {.name = "loss/categorical_sigmoid",
         CATEGORICAL,
         .network = output,
         .activation = FNN_SIGMOID},
        {.name = "loss/categorical_clipped", CATEGORICAL, SATURATED},
        {.name = "loss/sparse_clipped", SPARSE, SATURATED},
        {.name = "loss/sparse_relu", SPARSE, .network = output, .activation = FNN_RELU},
        {.name = "loss/sparse_labels", SPARSE},
        {.name = "loss/sparse_shares", SPARSE, .truth = SHARES},
        {.name = "loss/sparse_smoothed", SPARSE, .truth = ONE_HOT, .smoothing = some},
        {.name = "loss/sparse_sigmoid", SPARSE, .network = output, .activation = FNN_SIGMOID},
        {.name = "loss/squared_labels", .loss = FNN_LOSS_MEAN_SQUARED_ERROR},
        {.name = "loss/squared_shares", .loss = FNN_LOSS_MEAN_SQUARED_ERROR, .truth = SHARES},
        {.name = "loss/squared_numbers", .loss = FNN_LOSS_MEAN_SQUARED_ERROR, .truth = NUMBERS},
        {.name = "loss/absolute_labels", .loss = FNN_LOSS_MEAN_ABSOLUTE_ERROR},
        {.name = "loss/absolute_numbers", .loss = FNN_LOSS_MEAN_ABSOLUTE_ERROR, .truth = NUMBERS},
        {.name = "loss/insensitive_labels", INSENSITIVE, .epsilon = (fnn_real).25},
        {.name = "loss/insensitive_numbers",
         INSENSITIVE,
         .truth = NUMBERS,
         .epsilon = (fnn_real).5,
         .validated = 1},
        {.name = "loss/binary_labels", BINARY, .activation = FNN_SIGMOID, .validated = 1},
        {.name = "loss/binary_shares", BINARY, .activation = FNN_SIGMOID, .truth = SHARES},
        {.name = "loss/binary_logits", BINARY, .truth = ONE_HOT, .smoothing = some},
        {.name = "loss/binary_saturated", BINARY, SATURATED, .activation = FNN_SIGMOID},
        {.name = "loss/softmax_weighted", .weighted = 1, .validated = 1},
        {.name = "loss/sparse_weighted", SPARSE, .truth = ONE_HOT, .weighted = 1},
        {.name = "loss/squared_weighted", SQUARED, .truth = NUMBERS, .weighted = 1},
        {.name = "loss/squared_standardized",
         SQUARED,
         .truth = NUMBERS,
         .of_targets = FNN_NORMALIZE_STANDARDIZE,
         .validated = 1},
    };
    ADD(list);
}

#define START(kind, scale) .weights = {kind, scale}, .biases = {FNN_FAN_IN_UNIFORM, 1}
static void add_starts(void)
{
    const fnn_real small = (fnn_real).1;
    const test_case list[] = {
        {.name = "start/glorot_uniform", START(FNN_GLOROT_UNIFORM, 2)},
        {.name = "start/glorot_normal", START(FNN_GLOROT_NORMAL, 1)},
        {.name = "start/he_normal", START(FNN_HE_NORMAL, 1)},
        {.name = "start/he_uniform", START(FNN_HE_UNIFORM, 1)},
        {.name = "start/fan_in_uniform", START(FNN_FAN_IN_UNIFORM, 1)},
        {.name = "start/normal", START(FNN_NORMAL, small)},
        {.name = "start/uniform", START(FNN_UNIFORM, small)},
        {.name = "start/zeros", START(FNN_ZEROS, 1)},
        {.name = "start/images_he_normal", START(FNN_HE_NORMAL, 1), .network = classifier},
        {.name = "start/images_fan_in", START(FNN_FAN_IN_UNIFORM, 1), .network = classifier},
        {.name = "start/normal_biases",
         .weights = {FNN_GLOROT_UNIFORM, 1},
         .biases = {FNN_NORMAL, small}},
    };
    ADD(list);
}

#define BYTES(kind) .bytes = 1, .normalization = kind
static void add_normalizations(void)
{
    const double tiny = 1e-5;
    const test_case list[] = {
        {.name = "normalize/none", BYTES(FNN_NORMALIZE_NONE), BY(fnn_sgd(tiny))},
        {.name = "normalize/divide_255", BYTES(FNN_NORMALIZE_DIVIDE_255)},
        {.name = "normalize/mean", BYTES(FNN_NORMALIZE_MEAN), BY(fnn_sgd(tiny))},
        {.name = "normalize/mean_divide_255", BYTES(FNN_NORMALIZE_MEAN_DIVIDE_255)},
        {.name = "normalize/standardize", BYTES(FNN_NORMALIZE_STANDARDIZE)},
        {.name = "normalize/mean_variance", BYTES(FNN_NORMALIZE_MEAN_VARIANCE)},
        {.name = "normalize/reals_mean", .normalization = FNN_NORMALIZE_MEAN},
        {.name = "normalize/reals_standardize", .normalization = FNN_NORMALIZE_STANDARDIZE},
    };
    ADD(list);
}

static fnn_schedule warm(fnn_schedule s)
{
    s.warmup_steps = 4;
    return s;
}

static void add_schedules(void)
{
    const test_case list[] = {
        {.name = "schedule/constant_warm", .fit = {.schedule = warm(fnn_schedule_constant())}},
        {.name = "schedule/step", .fit = {.schedule = fnn_schedule_step_decay(1, .3)}},
        {.name = "schedule/step_warm", .fit = {.schedule = warm(fnn_schedule_step_decay(1, .3))}},
        {.name = "schedule/exponential", .fit = {.schedule = fnn_schedule_exponential(.4)}},
        {.name = "schedule/exponential_warm",
         .fit = {.schedule = warm(fnn_schedule_exponential(.4))}},
        {.name = "schedule/cosine", .fit = {.schedule = fnn_schedule_cosine(.1)}},
        {.name = "schedule/cosine_warm", .fit = {.schedule = warm(fnn_schedule_cosine(.2))}},
        {.name = "schedule/one_cycle", .fit = {.schedule = fnn_schedule_one_cycle()}},
        {.name = "schedule/one_cycle_warm", .fit = {.schedule = warm(fnn_schedule_one_cycle())}},
        {.name = "schedule/linear", .fit = {.schedule = fnn_schedule_linear()}},
        {.name = "schedule/linear_warm", .fit = {.schedule = warm(fnn_schedule_linear())}},
    };
    ADD(list);
}

#define CUT .cutout_size = 5, .cutout_probability = .6
static void add_augmentations(void)
{
    const fnn_real grey = 100;
    const test_case list[] = {
        {.name = "augment/flip_random",
         .fit = {.augmentation = {.flip = FNN_FLIP_RANDOM}},
         .flip = 1},
        {.name = "augment/flip_alternating",
         .fit = {.augmentation = {.flip = FNN_FLIP_ALTERNATING}, .epochs = 3},
         .channels = 3},
        {.name = "augment/flip_bytes",
         BYTES(FNN_NORMALIZE_DIVIDE_255),
         .fit = {.augmentation = {.flip = FNN_FLIP_RANDOM}}},
        {.name = "augment/shift", .fit = {.augmentation = {.shift = 3}}, .shift = 2},
        {.name = "augment/cutout", .fit = {.augmentation = {CUT}}, .channels = 3},
        {.name = "augment/cutout_fill",
         BYTES(FNN_NORMALIZE_DIVIDE_255),
         .fit = {.augmentation = {CUT, .cutout_fill = grey}}},
        {.name = "augment/all",
         BYTES(FNN_NORMALIZE_STANDARDIZE),
         .network = classifier,
         .channels = 3,
         .fit = {.augmentation = {CUT, .flip = FNN_FLIP_RANDOM, .shift = 2}, .seed = 5},
         .flip = 1,
         .shift = 1},
    };
    ADD(list);
}

static void add_fits(void)
{
    const fnn_real some = (fnn_real).01, half = (fnn_real).5;
    const test_case list[] = {
        {.name = "average/dense", .fit = {.ema_decay = .9}, .validated = 1},
        {.name = "average/images", .fit = {.ema_decay = .5}, .network = classifier},
        {.name = "average/wide", .fit = {.ema_decay = .8, .epochs = 1}, .channels = 8},
        {.name = "penalty/l2", .fit = {.l2 = some}},
        {.name = "penalty/l1", .fit = {.l1 = some}},
        {.name = "penalty/both_biases", .fit = {.l2 = some, .l1 = some, .penalize_biases = 1}},
        {.name = "penalty/images",
         .fit = {.l2 = some, .penalize_biases = 1},
         .network = norm_behind_convolution,
         .norm = fnn_batch_norm_config_init()},
        {.name = "clip/norm", .fit = {.clip_norm = half}},
        {.name = "clip/value", .fit = {.clip_value = some}},
        {.name = "clip/both_penalty", .fit = {.clip_norm = half, .clip_value = some, .l2 = some}},
        {.name = "stop/patience",
         .fit = {.epochs = 9, .patience = 2, .min_delta = .3, .restore_best = 1},
         .validated = 1,
         .stops = 1},
        {.name = "stop/score",
         .fit = {.epochs = 12,
                 .patience = 1,
                 .monitor = FNN_MONITOR_VALIDATION_SCORE,
                 .min_delta = .2,
                 .restore_best = 1,
                 .ema_decay = .6},
         .network = classifier,
         .validated = 1,
         .stops = 1},
        {.name = "stop/restore_only",
         .fit = {.optimizer = fnn_momentum(.6, .5), .epochs = 4, .restore_best = 1},
         .validated = 1},
        {.name = "fit/in_order", .in_order = 1},
        {.name = "fit/seed", .fit = {.seed = 99}},
        {.name = "fit/steps_per_epoch", .fit = {.steps_per_epoch = 2, .epochs = 3}},
        {.name = "fit/batch_of_7", .fit = {.batch_size = 7, .epochs = 1}},
        {.name = "fit/one_batch", .fit = {.batch_size = TRAINED}},
        {.name = "fit/seeded_anew", BY(fnn_adam(.01)), .seeded_anew = 1},
        {.name = "fit/twice", BY(fnn_adam(.01)), .network = classifier, .fits = 2},
    };
    ADD(list);
}

/* ---- files ---- */

/* Adds a file's bytes and removes it. Which version wrote it is no result: it counts as the first
 * one's, which had no checksum. */
static void add_file(work *w, const char *path)
{
    static const char version[] = "fmnist_nn 0.1.0";
    file_bytes f = {NULL, 0};
    FILE *stream = fopen(path, "rb");
    CHECKF(stream, "%s cannot be read", path);
    while (stream && !feof(stream)) {
        f.bytes = (uint8_t *)realloc(f.bytes, f.size + 4096);
        f.size += fread(f.bytes + f.size, 1, 4096, stream);
    }
    if (stream) fclose(stream);
    if (f.size > 0 && CHECKF(sum_of_file(f) != NULL, "%s has no checksum", path)) {
        memcpy(sum_of_file(f) - 7 - (sizeof version - 1), version, sizeof version - 1);
        without_sum(&f);
        sha256_add(&w->sum, f.bytes, f.size);
    }
    free(f.bytes);
    remove(path);
}

/* A trained model as the bytes of its file, and what it predicts when it comes from there. */
static void save(const test_case *c, work *w)
{
    const fnn_dataset data = data_of(c, 0, TRAINED);
    const fnn_fit_config config = make_config(c, NULL);
    const char *path = path_of("saved");
    fnn_context_config context = fnn_context_config_init();
    fnn_model *m = make_model(c, w, &data), *loaded;
    fnn_error error;
    context.isa = w->isa;
    context.threads = w->threads;
    CHECKF(!fnn_fit(m, &data, &config, NULL), "%s", fnn_model_error(m)->message);
    CHECKF(!fnn_save(m, path, &error), "%s", error.message);
    loaded = fnn_load(path, &context, &error);
    if (CHECKF(loaded, "%s", error.message)) add_predictions(w, c, loaded);
    add_file(w, path);
    fnn_model_free(loaded);
    fnn_model_free(m);
}

static void add_files(void)
{
    const test_case list[] = {
        {.name = "file/dense", .run = save, .network = activated, .activation = FNN_GELU},
        {.name = "file/images",
         .run = save,
         .network = classifier,
         .channels = 3,
         BYTES(FNN_NORMALIZE_STANDARDIZE)},
        {.name = "file/residual",
         .run = save,
         .network = residual_images,
         .truth = NUMBERS,
         .loss = FNN_LOSS_EPSILON_INSENSITIVE,
         .epsilon = (fnn_real).125},
    };
    ADD(list);
}

/* ---- the search ---- */

static int build(void *user, const fnn_trial *trial, fnn_model *m, fnn_fit_config *config)
{
    const test_case *c = (const test_case *)user;
    if (trial->values[1] > 25) return 1; /* declined */
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, trial->train);
    fnn_set_loss(m, c->loss, 0, 0);
    fnn_dense(m, (int)trial->values[1], FNN_RELU);
    end(m, c);
    config->optimizer = fnn_sgd(trial->values[0]);
    config->epochs = c->fit.patience ? 5 : 2;
    config->patience = c->fit.patience;
    config->restore_best = c->fit.restore_best;
    config->batch_size = 16;
    config->seed = trial->seed;
    return 0;
}

static void add_figures(work *w, const fnn_figures *f)
{
    add_double(w, f->loss);
    add_double(w, f->score);
    add_double(w, f->validation_loss);
    add_double(w, f->validation_score);
}

static void add_candidate(work *w, const fnn_candidate *candidate)
{
    int fold;
    add_integer(w, candidate->state);
    add_integer(w, candidate->rank);
    for (fold = 0; fold < candidate->trained; fold++) {
        add_figures(w, &candidate->folds[fold].figures);
        add_history(w, &candidate->folds[fold].history);
    }
    add_figures(w, &candidate->mean);
    add_figures(w, &candidate->deviation);
}

static void search(const test_case *c, work *w)
{
    static const double rates[] = {.02, .1}, units[] = {8, 20, 30};
    const fnn_grid_axis axes[] = {{"rate", rates, 2, NULL}, {"units", units, 3, NULL}};
    const fnn_dataset data = data_of(c, 0, TRAINED);
    fnn_search_config config = fnn_search_config_init();
    fnn_search found;
    fnn_error error;
    int i;
    config.build = build;
    config.user = (void *)c;
    config.folds = c->folds;
    config.seed = 3;
    config.context.isa = w->isa;
    config.context.threads = w->threads;
    CHECKF(!fnn_grid_search(&data, axes, 2, &config, &found, &error), "%s", error.message);
    add_integer(w, found.best);
    for (i = 0; i < found.count; i++) add_candidate(w, found.candidates + i);
    add_history(w, &found.history);
    if (found.model) add_predictions(w, c, found.model);
    if (found.model) add_parameters(w, found.model);
    fnn_search_free(&found);
}

static void add_searches(void)
{
    const test_case list[] = {
        {.name = "search/folds", .run = search, .folds = 3},
        {.name = "search/share", .run = search},
        {.name = "search/patience",
         .run = search,
         .folds = 2,
         .fit = {.patience = 1, .restore_best = 1}},
        {.name = "search/numbers",
         .run = search,
         .folds = 2,
         .truth = NUMBERS,
         .loss = FNN_LOSS_MEAN_SQUARED_ERROR},
    };
    ADD(list);
}

/* ---- what needs no model ---- */

static void schedule_rates(const test_case *c, work *w)
{
    int64_t step;
    for (step = 0; step < 45; step++)
        add_double(w, fnn_schedule_rate(&c->fit.schedule, .05, step, 40, 8));
}

static void add_view(work *w, fnn_dataset *view)
{
    int64_t i;
    add_integer(w, view->count);
    for (i = 0; i < view->count; i++) add_integer(w, view->index ? view->index[i] : i);
    fnn_dataset_free(view);
}

static void views(const test_case *c, work *w)
{
    static const int64_t samples[] = {3, 1, 70, 70, 5};
    const fnn_dataset data = data_of(c, 0, TRAINED);
    fnn_dataset one, two;
    int fold;
    CHECK(!fnn_dataset_shuffle(&data, 4, &one, NULL));
    add_view(w, &one);
    CHECK(!fnn_dataset_subset(&data, samples, 5, &one, NULL));
    add_view(w, &one);
    CHECK(!fnn_dataset_split(&data, 61, 1, 9, &one, &two, NULL));
    add_view(w, &one);
    add_view(w, &two);
    for (fold = 0; fold < 3; fold++) {
        CHECK(!fnn_dataset_fold(&data, 3, fold, 1, 2, &one, &two, NULL));
        add_view(w, &one);
        add_view(w, &two);
    }
}

static void statistics(const test_case *c, work *w)
{
    const fnn_dataset data = data_of(c, 0, TRAINED);
    fnn_real shift[PIXELS], scale[PIXELS];
    CHECK(!fnn_normalization_compute(c->normalization, &data, shift, scale, NULL));
    add_reals(w, shift, PIXELS);
    add_reals(w, scale, PIXELS);
}

static void metrics(const test_case *c, work *w)
{
    const images *s = images_with(1);
    fnn_real *x = make_reals(ROWS * CLASSES, 21);
    int64_t confusion[CLASSES * CLASSES];
    double ratios[3][CLASSES];
    int32_t guesses[ROWS];
    uint32_t state = 22;
    int i;
    (void)c;
    for (i = 0; i < ROWS; i++)
        guesses[i] = i % 3 ? s->labels[i] : (int32_t)(draw(&state) % CLASSES);
    CHECK(!fnn_confusion(guesses, s->labels, ROWS, CLASSES, confusion));
    CHECK(!fnn_precision_recall(confusion, CLASSES, ratios[0], ratios[1], ratios[2]));
    for (i = 0; i < CLASSES * CLASSES; i++) add_integer(w, confusion[i]);
    for (i = 0; i < 3 * CLASSES; i++) add_double(w, ratios[i / CLASSES][i % CLASSES]);
    add_double(w, fnn_accuracy(x, s->labels, ROWS, CLASSES));
    add_double(w, fnn_top_k(x, s->labels, ROWS, CLASSES, 3));
    add_double(w, fnn_r2(x, s->numbers, ROWS, NUMBERS_EACH));
    free(x);
}

static void gradient_check(const test_case *c, work *w)
{
    const fnn_dataset data = data_of(c, 0, 4);
    const fnn_fit_config config = make_config(c, NULL);
    fnn_model *m = make_model(c, w, &data);
    fnn_gradient_check report;
    CHECK(!fnn_check_gradients(m, &data, &config, 1. / 64, &report, NULL));
    add_double(w, report.worst);
    add_integer(w, report.worst_layer);
    add_integer(w, report.checked);
    fnn_model_free(m);
}

static void few_weights(fnn_model *m, const test_case *c)
{
    fnn_conv2d(m, 2, 5, FNN_VALID, FNN_TANH);
    fnn_average_pool2d(m, 4);
    end(m, c);
}

#define RATES(...) .run = schedule_rates, .fit = {.schedule = __VA_ARGS__}
#define STATISTICS(kind) .run = statistics, BYTES(kind)
static void add_others(void)
{
    const fnn_real some = (fnn_real).01;
    const test_case list[] = {
        {.name = "rate/constant", RATES(warm(fnn_schedule_constant()))},
        {.name = "rate/step", RATES(fnn_schedule_step_decay(2, .7))},
        {.name = "rate/exponential", RATES(fnn_schedule_exponential(.7))},
        {.name = "rate/cosine", RATES(warm(fnn_schedule_cosine(.1)))},
        {.name = "rate/one_cycle", RATES(fnn_schedule_one_cycle())},
        {.name = "rate/linear", RATES(fnn_schedule_linear())},
        {.name = "data/views", .run = views},
        {.name = "data/mean", STATISTICS(FNN_NORMALIZE_MEAN)},
        {.name = "data/mean_divide_255", STATISTICS(FNN_NORMALIZE_MEAN_DIVIDE_255)},
        {.name = "data/standardize", STATISTICS(FNN_NORMALIZE_STANDARDIZE)},
        {.name = "data/mean_variance", STATISTICS(FNN_NORMALIZE_MEAN_VARIANCE)},
        {.name = "metrics", .run = metrics},
        {.name = "gradient_check",
         .run = gradient_check,
         .network = few_weights,
         .fit = {.l2 = some, .l1 = some}},
    };
    ADD(list);
}

/* ---- kernels ---- */

static fnn_context *open_context(const test_case *c, const work *w)
{
    const fnn_context_config config = context_config(c, w);
    fnn_context *context = fnn_context_create(&config, NULL);
    CHECK(context);
    return context;
}

/* C of m rows and n columns, of sums over k: for each way through the blocks and the packing. */
static void sgemm_of(const test_case *c, work *w, fnn_context *context, const int *size)
{
    const ptrdiff_t m = size[0], n = size[1], k = size[2], more = size[3];
    const ptrdiff_t lda = (c->transpose_a ? m : k) + more, ldb = (c->transpose_b ? k : n) + more;
    const ptrdiff_t ldc = n + more;
    fnn_real *a = make_reals((size_t)(lda * (c->transpose_a ? k : m)), 1);
    fnn_real *b = make_reals((size_t)(ldb * (c->transpose_b ? n : k)), 2);
    fnn_real *result = make_reals((size_t)(ldc * m), 3);
    const fnn_real alphas[] = {1, (fnn_real).7, -1, 0}, betas[] = {0, (fnn_real).3, 1, 2};
    int i;
    for (i = 0; i < 4; i++) {
        CHECK(!fnn_sgemm(context, c->transpose_a, c->transpose_b, m, n, k, alphas[i], a, lda, b,
                         ldb, betas[i], result, ldc));
        add_reals(w, result, (size_t)(ldc * m));
    }
    free(a);
    free(b);
    free(result);
}

static void sgemm(const test_case *c, work *w)
{
    static const int sizes[][4] = {
        {1, 1, 1, 0},     {1, 33, 7, 0},     {7, 5, 3, 2},     {13, 17, 19, 0},    {5, 9, 0, 0},
        {29, 65, 300, 1}, {33, 31, 1100, 0}, {64, 100, 70, 3}, {3, 90, 1024, 0},   {61, 7, 1024, 0},
        {140, 80, 64, 0}, {70, 1030, 16, 0}, {300, 70, 40, 5}, {1400, 40, 100, 0}, {90, 1, 1100, 3},
        {1, 90, 300, 1},  {100, 4, 70, 2},   {3, 170, 33, 0}};
    fnn_context *context = open_context(c, w);
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) sgemm_of(c, w, context, sizes[i]);
    fnn_context_free(context);
}

/* Numbers of every magnitude, both signs, subnormal ones and infinity; n is no multiple of a
 * vector. */
enum { SPREAD = 2043 };
static fnn_real *make_spread(void)
{
    fnn_real *x = make_reals(SPREAD, 5);
    uint32_t state = 6;
    int i;
    for (i = 0; i < SPREAD; i++) {
        uint32_t bits = draw(&state) << 16 | draw(&state);
        float any;
        if ((bits >> 23 & 255) == 255) bits &= 0xff800000; /* not a NaN, but infinity */
        memcpy(&any, &bits, sizeof any);
        if (i % 3 == 0) x[i] = (fnn_real)any;
        if (i % 3 == 1) x[i] *= 20;
    }
    return x;
}

static void functions(const test_case *c, work *w)
{
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_spread(), *y = make_space(SPREAD);
    (void)c;
    CHECK(!fnn_exp(context, SPREAD, x, y));
    add_reals(w, y, SPREAD);
    CHECK(!fnn_log(context, SPREAD, x, y));
    add_reals(w, y, SPREAD);
    CHECK(!fnn_tanh(context, SPREAD, x, y));
    add_reals(w, y, SPREAD);
    CHECK(!fnn_sigmoid(context, SPREAD, x, y));
    add_reals(w, y, SPREAD);
    free(x);
    free(y);
    fnn_context_free(context);
}

/* Floats from end to end, so that every formula of every function is among them. */
static void sweep(const test_case *c, work *w)
{
    enum { EACH = 1 << 16 };
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_space(EACH), *y = make_space(EACH);
    uint32_t i;
    int kind;
    (void)c;
    for (i = 0; i < EACH; i++) {
        const uint32_t bits = i * 65521u;
        float any;
        memcpy(&any, &bits, sizeof any);
        x[i] = (fnn_real)any;
    }
    CHECK(!fnn_exp(context, EACH, x, y));
    add_reals(w, y, EACH);
    CHECK(!fnn_log(context, EACH, x, y));
    add_reals(w, y, EACH);
    for (kind = 0; kind < FNN_ACTIVATION_COUNT; kind++) {
        if (kind == FNN_SOFTMAX) continue;
        CHECK(!fnn_activation_forward(context, (fnn_activation)kind, (fnn_real).3, EACH, x, y));
        add_reals(w, y, EACH);
    }
    free(x);
    free(y);
    fnn_context_free(context);
}

static void activation(const test_case *c, work *w)
{
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_spread(), *y = make_space(SPREAD), *dy = make_reals(SPREAD, 7);
    fnn_real *dx = make_space(SPREAD);
    CHECK(!fnn_activation_forward(context, c->activation, c->parameter, SPREAD, x, y));
    CHECK(!fnn_activation_backward(context, c->activation, c->parameter, SPREAD, x, y, dy, dx));
    add_reals(w, y, SPREAD);
    add_reals(w, dx, SPREAD);
    free(x);
    free(y);
    free(dy);
    free(dx);
    fnn_context_free(context);
}

static void softmax(const test_case *c, work *w)
{
    static const int columns[] = {1, 2, 3, 7, 8, 10, 16, 17, 31, 33, 64, 100, 129};
    enum { LINES = 19, WIDEST = 129 };
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_reals(LINES * WIDEST, 8), *y = make_space(LINES * WIDEST);
    size_t i;
    (void)c;
    for (i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        CHECK(!fnn_softmax(context, LINES, columns[i], x, y));
        add_reals(w, y, (size_t)(LINES * columns[i]));
    }
    free(x);
    free(y);
    fnn_context_free(context);
}

static void cross_entropy(const test_case *c, work *w)
{
    static const int columns[] = {2, 3, 8, 10, 17, 33, 100};
    enum { LINES = 21, WIDEST = 100 };
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_reals(LINES * WIDEST, 9), *targets = make_reals(LINES * WIDEST, 10);
    fnn_real *gradient = make_space(LINES * WIDEST), losses[LINES];
    int32_t labels[LINES];
    uint32_t state = 11;
    size_t i;
    int row;
    for (i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        for (row = 0; row < LINES; row++)
            labels[row] = (int32_t)(draw(&state) % (uint32_t)columns[i]);
        CHECK(!fnn_softmax_cross_entropy(context, LINES, columns[i], x, labels,
                                         c->truth == LABELS ? NULL : targets, c->smoothing,
                                         (fnn_real).125, losses, gradient));
        add_reals(w, losses, LINES);
        add_reals(w, gradient, (size_t)(LINES * columns[i]));
    }
    free(x);
    free(targets);
    free(gradient);
    fnn_context_free(context);
}

static void reductions(const test_case *c, work *w)
{
    static const int counts[] = {0, 1, 3, 8, 15, 16, 17, 33, 63, 64, 65, 127, 129, 1000, 3001};
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_reals(3001, 12), *y = make_reals(3001, 13), result;
    size_t i;
    (void)c;
    for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        CHECK(!fnn_sum(context, counts[i], x, &result));
        add_reals(w, &result, 1);
        CHECK(!fnn_dot(context, counts[i], x, y, &result));
        add_reals(w, &result, 1);
    }
    free(x);
    free(y);
    fnn_context_free(context);
}

static void from_bytes(const test_case *c, work *w)
{
    const images *s = images_with(1);
    fnn_context *context = open_context(c, w);
    fnn_real *shift = make_reals(1003, 14), *scale = make_reals(1003, 15), *y = make_space(1003);
    (void)c;
    CHECK(!fnn_from_bytes(context, 1003, s->pixels, 1, shift, scale, y));
    add_reals(w, y, 1003);
    CHECK(!fnn_from_bytes(context, 1003, s->pixels, 0, shift, scale, y));
    add_reals(w, y, 1003);
    free(shift);
    free(scale);
    free(y);
    fnn_context_free(context);
}

static void dropout_kernel(const test_case *c, work *w)
{
    static const fnn_real rates[] = {0, (fnn_real).1, (fnn_real).5, (fnn_real).9, 1};
    fnn_context *context = open_context(c, w);
    fnn_real *x = make_reals(1003, 16), *y = make_space(1003);
    int i;
    (void)c;
    for (i = 0; i < 5; i++) {
        CHECK(!fnn_dropout_apply(context, 1003, 77, (uint64_t)i * 4294967291u, rates[i], x, y));
        add_reals(w, y, 1003);
    }
    free(x);
    free(y);
    fnn_context_free(context);
}

/* The operands of what a window slides over. */
typedef struct {
    fnn_context *context;
    fnn_window window;
    size_t in, out; /* numbers of all images; out: for one filter */
    ptrdiff_t images;
    fnn_real *x, *dx;
} sliding;

static sliding open_window(const test_case *c, const work *w, const int *size, fnn_padding padding)
{
    const int channels = channels_of(c);
    sliding s;
    s.context = open_context(c, w);
    s.images = c->count;
    CHECK(!fnn_window_make(c->height, c->width, channels, size[0], size[1], size[2], size[3],
                           padding, &s.window));
    s.in = (size_t)(c->count * c->height * c->width * channels);
    s.out = (size_t)(c->count * s.window.out_height * s.window.out_width);
    s.x = make_reals(s.in, 17);
    s.dx = make_space(s.in);
    return s;
}

static void close_window(sliding *s)
{
    free(s->x);
    free(s->dx);
    fnn_context_free(s->context);
}

static void conv_kernels(const test_case *c, work *w)
{
    const int filters = c->conv.filters, taps = c->conv.kernel_height * c->conv.kernel_width;
    const int size[] = {c->conv.kernel_height, c->conv.kernel_width, c->conv.stride_height,
                        c->conv.stride_width};
    sliding s = open_window(c, w, size, c->conv.padding);
    const size_t out = s.out * (size_t)filters;
    const size_t weights = (size_t)(taps * channels_of(c) * filters);
    fnn_real *k = make_reals(weights, 18), *bias = make_reals((size_t)filters, 19);
    fnn_real *y = make_space(out), *dy = make_reals(out, 20);
    fnn_real *dk = make_space(weights), *db = make_space((size_t)filters);
    CHECK(!fnn_conv2d_forward(s.context, &s.window, filters, s.images, s.x, k, bias, y));
    add_reals(w, y, out);
    CHECK(!fnn_conv2d_forward(s.context, &s.window, filters, s.images, s.x, k, NULL, y));
    add_reals(w, y, out);
    CHECK(!fnn_conv2d_backward_data(s.context, &s.window, filters, s.images, dy, k, s.dx));
    add_reals(w, s.dx, s.in);
    CHECK(!fnn_conv2d_backward_weights(s.context, &s.window, filters, s.images, s.x, dy, dk, db));
    add_reals(w, dk, weights);
    add_reals(w, db, (size_t)filters);
    free(k);
    free(bias);
    free(y);
    free(dy);
    free(dk);
    free(db);
    close_window(&s);
}

static void pool_kernels(const test_case *c, work *w)
{
    const int size[] = {c->pool.height, c->pool.width, c->pool.stride_height, c->pool.stride_width};
    sliding s = open_window(c, w, size, c->pool.padding);
    const size_t out = s.out * (size_t)channels_of(c);
    fnn_real *y = make_space(out), *dy = make_reals(out, 20);
    uint8_t *index = (uint8_t *)need(out);
    if (c->pool.average) {
        CHECK(!fnn_average_pool2d_forward(s.context, &s.window, s.images, s.x, y));
        CHECK(!fnn_average_pool2d_backward(s.context, &s.window, s.images, dy, s.dx));
    } else {
        CHECK(!fnn_max_pool2d_forward(s.context, &s.window, s.images, s.x, y, index));
        CHECK(!fnn_max_pool2d_backward(s.context, &s.window, s.images, index, dy, s.dx));
        sha256_add(&w->sum, index, out);
    }
    add_reals(w, y, out);
    add_reals(w, s.dx, s.in);
    free(y);
    free(dy);
    free(index);
    close_window(&s);
}

static void columns(const test_case *c, work *w)
{
    const int size[] = {c->pool.height, c->pool.width, c->pool.stride_height, c->pool.stride_width};
    sliding s = open_window(c, w, size, c->pool.padding);
    const size_t count = s.out * (size_t)(size[0] * size[1] * channels_of(c));
    fnn_real *made = make_space(count);
    CHECK(!fnn_im2col(s.context, &s.window, s.images, s.x, made));
    add_reals(w, made, count);
    CHECK(!fnn_col2im(s.context, &s.window, s.images, made, s.dx));
    add_reals(w, s.dx, s.in);
    free(made);
    close_window(&s);
}

static void norm_of(work *w, fnn_context *context, int rows, int channels, int plain)
{
    const size_t count = (size_t)(rows * channels), each = (size_t)channels;
    const fnn_real epsilon = (fnn_real)1e-3;
    fnn_real *x = make_reals(count, 23), *dy = make_reals(count, 24), *y = make_space(count);
    fnn_real *gamma = make_reals(each, 25), *beta = make_reals(each, 26);
    fnn_real *found = make_space(4 * each); /* mean, variance, dgamma, dbeta */
    const fnn_real *scale = plain ? NULL : gamma;
    CHECK(!fnn_batch_norm_forward(context, rows, channels, x, scale, plain ? NULL : beta, epsilon,
                                  found, found + each, y));
    add_reals(w, y, count);
    CHECK(!fnn_batch_norm_backward(context, rows, channels, x, dy, scale, found, found + each,
                                   epsilon, y, found + 2 * each, found + 3 * each));
    add_reals(w, y, count);
    add_reals(w, found, 4 * each);
    free(x);
    free(dy);
    free(y);
    free(gamma);
    free(beta);
    free(found);
}

static void norm_kernels(const test_case *c, work *w)
{
    static const int sizes[][2] = {{2, 1}, {5, 3}, {70, 33}, {256, 8}, {300, 16}, {700, 100}};
    fnn_context *context = open_context(c, w);
    size_t i;
    (void)c;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        norm_of(w, context, sizes[i][0], sizes[i][1], i % 2 == 1);
    fnn_context_free(context);
}

#define ACTIVATION(kind, number) .run = activation, .activation = kind, .parameter = number
static void add_kernels(void)
{
    const fnn_real some = (fnn_real).1;
    const test_case list[] = {
        {.name = "sgemm/nn", .run = sgemm},
        {.name = "sgemm/nt", .run = sgemm, .transpose_b = 1},
        {.name = "sgemm/tn", .run = sgemm, .transpose_a = 1},
        {.name = "sgemm/tt", .run = sgemm, .transpose_a = 1, .transpose_b = 1},
        {.name = "kernel/functions", .run = functions},
        {.name = "kernel/sweep", .run = sweep},
        {.name = "kernel/linear", ACTIVATION(FNN_LINEAR, 0)},
        {.name = "kernel/relu", ACTIVATION(FNN_RELU, 0)},
        {.name = "kernel/leaky_relu", ACTIVATION(FNN_LEAKY_RELU, some)},
        {.name = "kernel/elu", ACTIVATION(FNN_ELU, some)},
        {.name = "kernel/gelu", ACTIVATION(FNN_GELU, 0)},
        {.name = "kernel/sigmoid", ACTIVATION(FNN_SIGMOID, 0)},
        {.name = "kernel/tanh", ACTIVATION(FNN_TANH, 0)},
        {.name = "kernel/softmax", .run = softmax},
        {.name = "kernel/entropy_labels", .run = cross_entropy},
        {.name = "kernel/entropy_smoothed", .run = cross_entropy, .smoothing = some},
        {.name = "kernel/entropy_shares", .run = cross_entropy, .truth = SHARES},
        {.name = "kernel/sum_and_dot", .run = reductions},
        {.name = "kernel/from_bytes", .run = from_bytes},
        {.name = "kernel/dropout", .run = dropout_kernel},
        {.name = "kernel/batch_norm", .run = norm_kernels},
    };
    ADD(list);
}

/* number of images, their height, width and channels; then as above, where no activation counts */
#define SEEN(n, h, w, c) .count = n, .height = h, .width = w, .channels = c
#define SLIDE(...) .run = conv_kernels, .conv = {__VA_ARGS__, FNN_LINEAR, 0, 0, 0}
#define TAKE(...) .run = pool_kernels, .pool = {__VA_ARGS__, 0, 0}
#define UNFOLD(...) .run = columns, .pool = {__VA_ARGS__, 0, 0}
static void add_window_kernels(void)
{
    const test_case large[] = {
        {.name = "conv2d/3x3_valid", SEEN(2, 8, 9, 33), SLIDE(65, 3, 3, 1, 1, FNN_VALID)},
        {.name = "conv2d/3x3_16_16", SEEN(83, 14, 14, 16), SLIDE(16, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_64_33", SEEN(37, 7, 7, 64), SLIDE(33, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_24x24", SEEN(18, 24, 24, 16), SLIDE(17, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_wide", SEEN(2, 5, 40, 17), SLIDE(256, 3, 3, 1, 1, FNN_SAME)},
    };
    const test_case list[] = {
        {.name = "conv2d/3x3_1_8", SEEN(40, 12, 12, 1), SLIDE(8, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_1_4", SEEN(3, 9, 13, 1), SLIDE(4, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_3_16", SEEN(7, 12, 12, 3), SLIDE(16, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_8_32", SEEN(3, 12, 12, 8), SLIDE(32, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_16_1", SEEN(4, 7, 5, 16), SLIDE(1, 3, 3, 1, 1, FNN_SAME)},
        {.name = "conv2d/5x5_valid", SEEN(2, 11, 13, 3), SLIDE(6, 5, 5, 1, 1, FNN_VALID)},
        {.name = "conv2d/5x5_same", SEEN(2, 3, 4, 20), SLIDE(20, 5, 5, 1, 1, FNN_SAME)},
        {.name = "conv2d/3x3_stride_2", SEEN(15, 13, 12, 8), SLIDE(12, 3, 3, 2, 2, FNN_SAME)},
        {.name = "conv2d/7x7_stride_2", SEEN(3, 15, 16, 3), SLIDE(16, 7, 7, 2, 2, FNN_SAME)},
        {.name = "conv2d/1x1", SEEN(5, 9, 7, 8), SLIDE(40, 1, 1, 1, 1, FNN_VALID)},
        {.name = "conv2d/1x1_stride_2", SEEN(3, 9, 9, 4), SLIDE(5, 1, 1, 2, 2, FNN_SAME)},
        {.name = "conv2d/2x3_stride_3x2", SEEN(2, 10, 14, 2), SLIDE(3, 2, 3, 3, 2, FNN_VALID)},
        {.name = "max_pool2d/2x2", SEEN(40, 12, 12, 33), TAKE(0, 2, 2, 2, 2, FNN_VALID)},
        {.name = "max_pool2d/2x2_same", SEEN(3, 9, 7, 5), TAKE(0, 2, 2, 2, 2, FNN_SAME)},
        {.name = "max_pool2d/2x2_rest", SEEN(3, 9, 7, 5), TAKE(0, 2, 2, 2, 2, FNN_VALID)},
        {.name = "max_pool2d/3x3_same", SEEN(3, 12, 11, 8), TAKE(0, 3, 3, 2, 2, FNN_SAME)},
        {.name = "max_pool2d/5x4", SEEN(2, 8, 8, 1), TAKE(0, 5, 4, 1, 1, FNN_VALID)},
        {.name = "average_pool2d/2x2", SEEN(40, 12, 12, 33), TAKE(1, 2, 2, 2, 2, FNN_VALID)},
        {.name = "average_pool2d/3x3_same", SEEN(3, 12, 11, 8), TAKE(1, 3, 3, 2, 2, FNN_SAME)},
        {.name = "average_pool2d/all", SEEN(3, 7, 7, 17), TAKE(1, 7, 7, 1, 1, FNN_VALID)},
        {.name = "im2col/3x3", SEEN(40, 12, 11, 3), UNFOLD(0, 3, 3, 1, 1, FNN_SAME)},
        {.name = "im2col/5x2_stride_2", SEEN(2, 9, 9, 17), UNFOLD(0, 5, 2, 2, 2, FNN_VALID)},
    };
    ADD(list);
    add_both(large, sizeof large / sizeof large[0]);
}

static void add_cases(void)
{
    add_activations();
    add_outputs();
    add_convolutions();
    add_winograd();
    add_pools();
    add_other_layers();
    add_optimizers();
    add_clipped_optimizers();
    add_losses();
    add_starts();
    add_normalizations();
    add_schedules();
    add_augmentations();
    add_fits();
    add_files();
    add_searches();
    add_others();
    add_kernels();
    add_window_kernels();
}

/* ---- the file: `numerics N`, then lines `list case sum`; # begins a remark ---- */

enum { LISTS = 2, MOST_ROWS = LISTS * MOST_CASES + 1, MOST_BYTES = 150 * MOST_ROWS };
static const char *const lists[LISTS] = {"fused", "plain"};

typedef struct {
    char list[20], name[40], sum[SHA256_HEX + 1];
} row;

typedef struct {
    row rows[MOST_ROWS];
    int count, numerics; /* of the library that has these bits; 0: not said */
    char fault[160];     /* what is wrong with it, or "" */
} sums;

static int fault(sums *s, const char *what, const char *list, const char *name) /* the first */
{
    if (!s->fault[0]) snprintf(s->fault, sizeof s->fault, "%s: %s %s", what, list, name);
    return 0;
}

static const char *sum_in(const sums *s, const char *list, const char *name)
{
    int i;
    for (i = 0; i < s->count; i++)
        if (!strcmp(s->rows[i].list, list) && !strcmp(s->rows[i].name, name)) return s->rows[i].sum;
    return NULL;
}

static int is_case(const char *name)
{
    int i;
    for (i = 0; i < case_count; i++)
        if (!strcmp(name, cases[i].name)) return 1;
    return 0;
}

/* Takes a line; 0 where it is none that a file may hold. */
static int take_line(sums *s, const char *line)
{
    row r;
    char more;
    if (line[0] == '#' || sscanf(line, "numerics %d %c", &s->numerics, &more) == 1) return 1;
    if (sscanf(line, "%19s %39s %64s %c", r.list, r.name, r.sum, &more) != 3)
        return fault(s, "not `list case sum`", line, "");
    if (strlen(r.sum) != SHA256_HEX || strspn(r.sum, "0123456789abcdef") != SHA256_HEX)
        return fault(s, "no sum", r.list, r.name);
    if (strcmp(r.list, lists[0]) != 0 && strcmp(r.list, lists[1]) != 0)
        return fault(s, "no such list", r.list, r.name);
    if (!is_case(r.name)) return fault(s, "no such case", r.list, r.name);
    if (sum_in(s, r.list, r.name)) return fault(s, "twice", r.list, r.name);
    if (s->count == MOST_ROWS) return fault(s, "too many rows", r.list, r.name);
    s->rows[s->count++] = r;
    return 1;
}

/* It is of this library, and both lists have every case. */
static int is_complete(sums *s)
{
    char number[20];
    int l, i;
    sprintf(number, "%d", s->numerics);
    if (s->numerics != FNN_NUMERICS) return fault(s, "of other bits", "numerics", number);
    for (l = 0; l < LISTS; l++)
        for (i = 0; i < case_count; i++)
            if (!sum_in(s, lists[l], cases[i].name))
                return fault(s, "missing", lists[l], cases[i].name);
    return 1;
}

/* Reads a file's text, which it cuts into lines; 0 where something is wrong with it. Rows beside
 * what is wrong are taken. */
static int parse(sums *s, char *text)
{
    char *line = text;
    s->count = s->numerics = 0;
    s->fault[0] = 0;
    while (*line) {
        char *next = strchr(line, '\n');
        if (!next) return fault(s, "no line feed", line, "");
        *next = 0;
        take_line(s, line);
        line = next + 1;
    }
    return is_complete(s) && !s->fault[0];
}

static char *read_text(const char *path)
{
    FILE *stream = fopen(path, "rb");
    char *text = (char *)need(MOST_BYTES + 1);
    size_t size;
    if (!stream) {
        free(text);
        return NULL;
    }
    size = fread(text, 1, MOST_BYTES, stream);
    text[size] = 0;
    fclose(stream);
    return text;
}

/* ---- running ---- */

/* Leaves the sum of a case in hex. */
static void run_case(const test_case *c, int isa, int threads, int flipped,
                     char hex[SHA256_HEX + 1])
{
    work w;
    w.isa = (fnn_isa)isa;
    w.threads = threads;
    w.flipped = flipped;
    w.sum = sha256_start();
    (c->run ? c->run : train)(c, &w);
    sha256_end(&w.sum, hex);
}

/* Why there is nothing to compare on an instruction set, or NULL. */
static const char *why_not(int isa)
{
    if (!fnn_isa_available((fnn_isa)isa)) return "not in this build or on this machine";
    if (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16) /* 16: of types narrower than float */
        return "this processor computes in wider numbers";
    if (sizeof(fnn_real) != sizeof(float)) return "the sums are of the float library";
    return NULL;
}

/* The list that an instruction set's sums are in: fnn_info says where they are others. */
static const char *list_of(int isa)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_context *context;
    int plain;
    config.isa = (fnn_isa)isa;
    context = fnn_context_create(&config, NULL);
    plain = !CHECK(context) || strstr(fnn_info(context), "no fused multiply-add");
    fnn_context_free(context);
    return lists[plain];
}

static sums expected;
static const char *only = ""; /* of the cases, those whose name contains this */

static int read_expected(void)
{
    char *text = read_text(SUMS_FILE);
    int right;
    if (!CHECKF(text, "no %s: run this from the top directory", SUMS_FILE)) return 0;
    right = parse(&expected, text);
    CHECKF(right, "%s: %s", SUMS_FILE, expected.fault);
    free(text);
    return right;
}

static int is_expected(const test_case *c, const char *list, const char *hex)
{
    const char *sum = sum_in(&expected, list, c->name);
#ifdef FMNIST_NN_NO_WINOGRAD
    char other[60];
    snprintf(other, sizeof other, "%s%s", c->name, direct);
    if (is_case(other)) sum = sum_in(&expected, list, other);
#endif
    return sum && !strcmp(hex, sum);
}

/* Which numbers of threads a case runs with beside one: all in turn, or every one. */
static int is_turn(const test_case *c, int number)
{
    const int at = (int)(c - cases);
    return getenv("FULL") || (QUICK() ? at % 16 == 5 * number : at % 4 == number);
}

/* All cases run on every instruction set; where each costs ten times as much, in turn on one of
 * those that there are. */
static int is_taken(const test_case *c, int isa)
{
    int other, count = 0, turn = 0;
    for (other = FNN_ISA_BEST + 1; other < FNN_ISA_COUNT; other++)
        if (!why_not(other)) {
            turn += other < isa;
            count++;
        }
    return getenv("FULL") || !QUICK() || (c - cases) % count == turn;
}

static void matches(const test_case *c, int isa, const char *list)
{
    static const int threads[] = {2, 3, 4, 16};
    const char *name = fnn_isa_name((fnn_isa)isa);
    char one[SHA256_HEX + 1], more[SHA256_HEX + 1];
    int i;
    run_case(c, isa, 1, 0, one);
    CHECKF(is_expected(c, list, one), "%s %s: not the %s bits of %s", name, c->name, list,
           SUMS_FILE);
    for (i = 0; i < (int)(sizeof threads / sizeof threads[0]); i++) {
        if (!is_turn(c, i)) continue;
        run_case(c, isa, threads[i], 0, more);
        CHECKF(!strcmp(one, more), "%s %s: %d threads give other bits", name, c->name, threads[i]);
    }
}

/* A double of libm's that no float follows: there musl's cosine, of WASI, has a last bit of its
 * own. */
static int by_libm(const test_case *c)
{
#if defined(__wasi__)
    return !strcmp(c->name, "rate/one_cycle");
#else
    (void)c;
    return 0;
#endif
}

static void all_match(int isa)
{
    const char *list;
    int i, found = 0;
    if (why_not(isa)) SKIP(why_not(isa));
    if (why_not(isa) || !read_expected()) return;
    list = list_of(isa);
    for (i = 0; i < case_count; i++) {
        if (!strstr(cases[i].name, only) || by_libm(cases + i)) continue;
        if (!is_taken(cases + i, isa)) continue;
        matches(cases + i, isa, list);
        found++;
    }
    CHECKF(found > 0, "no case's name contains %s", only);
}

static void scalar_gives_the_bits(void)
{
    all_match(FNN_ISA_SCALAR);
}

static void avx2_gives_the_bits(void)
{
    all_match(FNN_ISA_AVX2);
}

static void avx512_gives_the_bits(void)
{
    all_match(FNN_ISA_AVX512);
}

static void neon_gives_the_bits(void)
{
    all_match(FNN_ISA_NEON);
}

static void simd128_gives_the_bits(void)
{
    all_match(FNN_ISA_SIMD128);
}

/* ---- writing the file: what this machine cannot compute stays as it was ---- */

/* The first instruction set whose sums are in a list, of that name where one is wanted, or 0. */
static int writer_of(const char *list, const char *wanted)
{
    int isa;
    for (isa = FNN_ISA_COUNT - 1; isa > FNN_ISA_BEST; isa--)
        if ((!wanted || !strcmp(wanted, fnn_isa_name((fnn_isa)isa))) && !why_not(isa) &&
            !strcmp(list, list_of(isa)))
            return isa;
    return 0;
}

static void make_list(sums *made, const char *list, const char *wanted)
{
    const int isa = writer_of(list, wanted);
    int i;
    for (i = 0; i < case_count; i++) {
        const char *before = sum_in(&expected, list, cases[i].name);
        row *r = &made->rows[made->count];
        if (!isa && !before) continue;
        sprintf(r->list, "%s", list);
        sprintf(r->name, "%s", cases[i].name);
        if (isa) run_case(cases + i, isa, 1, 0, r->sum);
        else sprintf(r->sum, "%s", before);
        made->count++;
    }
}

/* A row whose sum was another before, or NULL: cases that were not there change nothing. */
static const row *changed_row(const sums *before, const sums *now)
{
    int i;
    for (i = 0; i < now->count; i++) {
        const char *sum = sum_in(before, now->rows[i].list, now->rows[i].name);
        if (sum && strcmp(sum, now->rows[i].sum) != 0) return now->rows + i;
    }
    return NULL;
}

static int write_sums(const char *path, const char *wanted)
{
    static sums made;
    char *before = read_text(path);
    const row *changed;
    FILE *stream;
    int l, i;
    if (before) parse(&expected, before);
    free(before);
    for (l = 0; l < LISTS; l++) make_list(&made, lists[l], wanted);
    changed = changed_row(&expected, &made);
    if (changed && expected.numerics == FNN_NUMERICS) {
        fprintf(stderr, "%s %s: not the bits of numerics %d: raise FNN_NUMERICS\n", changed->list,
                changed->name, FNN_NUMERICS);
        return 1;
    }
    stream = fopen(path, "wb");
    if (!stream) {
        perror(path);
        return 1;
    }
    fprintf(
        stream,
        "# SHA-256 of all that a case of tests/test_weights.c computes, which says how to write\n"
        "# this file anew: FNN_NUMERICS of the library, then list, case, sum.\nnumerics %d\n",
        FNN_NUMERICS);
    for (i = 0; i < made.count; i++)
        fprintf(stream, "%s %s %s\n", made.rows[i].list, made.rows[i].name, made.rows[i].sum);
    return fclose(stream) || harness_wrong;
}

/* ---- that the comparison can fail ---- */

static void sums_are_sha256(void) /* FIPS 180-2, appendix B, and the empty message */
{
    static const struct {
        const char *text;
        int times;
        const char *sum;
    } known[] = {{"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
                 {"aaaaaaaaaaaaaaaaaaaaaaaaa", 40000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
    char hex[SHA256_HEX + 1];
    size_t i;
    int j;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        sha256 s = sha256_start();
        for (j = 0; j < known[i].times; j++) sha256_add(&s, known[i].text, strlen(known[i].text));
        sha256_end(&s, hex);
        CHECKF(!strcmp(hex, known[i].sum), "message %d", (int)i);
    }
}

static void a_flipped_bit_is_seen(void)
{
    const int isa = FNN_ISA_SCALAR;
    char hex[SHA256_HEX + 1];
    const char *list;
    int i;
    if (why_not(isa)) SKIP(why_not(isa));
    if (why_not(isa) || !read_expected()) return;
    list = list_of(isa);
    for (i = 0; i < case_count; i++) {
        if (strcmp(cases[i].name, "hidden/relu") && strcmp(cases[i].name, "classifier")) continue;
        run_case(cases + i, isa, 1, 0, hex);
        CHECKF(is_expected(cases + i, list, hex), "%s", cases[i].name);
        run_case(cases + i, isa, 1, 1, hex);
        CHECKF(!is_expected(cases + i, list, hex), "%s", cases[i].name);
    }
}

/* A case with another's bits does not do what its row says. */
static void no_two_cases_give_the_same_bits(void)
{
    int i, j;
    if (!read_expected()) return;
    for (i = 0; i < expected.count; i++)
        for (j = 0; j < i; j++) {
            const row *a = expected.rows + i, *b = expected.rows + j;
            if (strcmp(a->list, b->list) == 0 && strcmp(a->sum, b->sum) == 0)
                CHECKF(0, "%s: %s and %s", a->list, a->name, b->name);
        }
    COMPARED();
}

/* One rounding in place of two is seen: but for what neither multiplies nor adds, the lists differ.
 * tests/builds.sh has the library compiled without what keeps compilers from fusing. */
static void a_rounding_more_is_seen(void)
{
    int i, same = 0;
    if (!read_expected()) return;
    for (i = 0; i < case_count; i++)
        same += is_expected(cases + i, lists[0], sum_in(&expected, lists[1], cases[i].name));
    CHECKF(same > 0 && same < case_count / 8, "%d of %d cases alike", same, case_count);
}

/* Other bits of a case are seen, a case more is not one. */
static void changed_bits_are_seen(void)
{
    static sums now;
    row *last;
    if (!read_expected()) return;
    now = expected;
    last = now.rows + now.count - 1;
    CHECK(!changed_row(&expected, &now));
    last->sum[0] = last->sum[0] == '0' ? '1' : '0';
    CHECK(changed_row(&expected, &now) == last);
    strcpy(last->name, "not/there/before");
    CHECK(!changed_row(&expected, &now));
}

/* A file of zero sums, one row of the second list, if any, left out; then more lines. Whether it is
 * refused with these words, or taken where they are NULL. */
static int reads_as(const char *left_out, const char *more, const char *words)
{
    static sums s;
    char *text = (char *)need(MOST_BYTES + 1), *end_of = text;
    int l, i, right;
    end_of += sprintf(end_of, "numerics %d\n", FNN_NUMERICS);
    for (l = 0; l < LISTS; l++)
        for (i = 0; i < case_count; i++)
            if (l == 0 || !left_out || strcmp(cases[i].name, left_out))
                end_of += sprintf(end_of, "%s %s %064d\n", lists[l], cases[i].name, 0);
    strcpy(end_of, more);
    right = parse(&s, text);
    free(text);
    return words ? !right && strstr(s.fault, words) : right;
}

static void a_wrong_file_is_refused(void)
{
#define A_SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    CHECK(reads_as(NULL, "", NULL));
    CHECK(reads_as(NULL, "# a remark\n", NULL));
    CHECK(reads_as(NULL, "numerics 0\n", "of other bits: numerics 0"));
    CHECK(reads_as(NULL, "numerics 1 2\n", "no sum: numerics 1"));
    CHECK(reads_as("conv/1x1", "plain conv/1x1 " A_SUM "\n", NULL));
    CHECK(reads_as("conv/1x1", "", "missing: plain conv/1x1"));
    CHECK(reads_as("conv/1x1", "fused conv/1x1 " A_SUM "\n", "twice: fused conv/1x1"));
    CHECK(reads_as(NULL, "plain conv/9x9 " A_SUM "\n", "no such case: plain conv/9x9"));
    CHECK(reads_as(NULL, "plain conv/1x1 " A_SUM "\n", "twice: plain conv/1x1"));
    CHECK(reads_as(NULL, "avx2 conv/1x1 " A_SUM "\n", "no such list: avx2"));
    CHECK(reads_as("conv/1x1", "plain conv/1x1 0" A_SUM "\n", "not `list case sum`"));
    CHECK(reads_as("conv/1x1", "plain conv/1x1 0123\n", "no sum"));
    CHECK(reads_as("conv/1x1", "plain conv/1x1 " A_SUM, "no line feed"));
    CHECK(reads_as(NULL, "plain conv/1x1\n", "not `list case sum`"));
    CHECK(reads_as(NULL, "\n", "not `list case sum`"));
}

static const harness_test tests[] = {
    TEST(sums_are_sha256),
    TEST(scalar_gives_the_bits),
    TEST(avx2_gives_the_bits),
    TEST(avx512_gives_the_bits),
    TEST(neon_gives_the_bits),
    TEST(simd128_gives_the_bits),
    TEST(no_two_cases_give_the_same_bits),
    TEST(a_flipped_bit_is_seen),
    TEST(a_rounding_more_is_seen),
    TEST(changed_bits_are_seen),
    TEST(a_wrong_file_is_refused),
};

int main(int argc, char **argv)
{
    add_cases();
    if (argc > 2 && !strcmp(argv[1], "--write"))
        return write_sums(argv[2], argc > 3 ? argv[3] : NULL);
    if (argc == 3) only = argv[2];
    return harness_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv);
}
