/* Model files: what is saved comes back bit for bit, a damaged file is an error and never more, a
 * save that fails or is killed leaves the old file. tests/read_model.py reads one with NumPy. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FMNIST_NN_IMPLEMENTATION
#include "disk.h"
#include "budget.h"
#include "harness.h"
#include "model_files.h"
#include "samples.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))
enum { ROWS = 40, INPUTS = 12, CLASSES = 3 };

/* ---- models ---- */

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset samples(void)
{
    int i;
    for (i = 0; i < ROWS * INPUTS; i++)
        pixels[i] = (uint8_t)fnni_random_below(1, 2, (uint64_t)i, 256);
    for (i = 0; i < ROWS; i++) labels[i] = i % CLASSES;
    return with_labels(images_of(pixels, ROWS, 3, 4, 1), labels, CLASSES);
}

/* One of every layer, or, for the tests of every bit, a small one. */
static fnn_model *model_make(const fnn_context_config *config, int small, uint64_t seed)
{
    const fnn_dataset data = samples();
    fnn_model *m = fnn_sequential_with(config, 3, 4, 1);
    fnn_initializer start = {FNN_UNIFORM, (fnn_real)0.1};
    fnn_set_seed(m, seed);
    fnn_set_initializer(m, start, start);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    if (!small) {
        fnn_dense(m, 7, FNN_LEAKY_RELU);
        fnn_flatten(m);
        fnn_dense(m, 6, FNN_GELU);
        fnn_activate(m, FNN_ELU, (fnn_real)0.7);
        fnn_dense(m, 6, FNN_TANH);
        fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, (fnn_real)0.1, (fnn_real)1e-30);
    }
    fnn_dense(m, 2, FNN_RELU);
    fnn_dropout(m, (fnn_real)0.3);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_seal(m);
    return m;
}

/* Every kind of layer that works on images, each with settings that are none of a short builder's;
 * trained, so that running statistics are some. */
static fnn_model *image_model(void)
{
    const fnn_dataset data = samples();
    const fnn_fit_config fit = fnn_fit_config_init();
    const fnn_batch_norm_config pytorch = fnn_batch_norm_config_pytorch();
    const fnn_conv2d_config odd = {6, 2, 1, 1, 2, FNN_VALID, FNN_LEAKY_RELU, 0, 0, 0};
    fnn_pool2d_config pool = {0, 2, 3, 1, 2, FNN_SAME, 0, 0};
    fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_batch_norm(m);
    fnn_conv2d(m, 1, 3, FNN_SAME, FNN_GELU);
    fnn_add(m, -1);
    fnn_conv2d(m, 5, 3, FNN_SAME, FNN_RELU);
    fnn_batch_norm_with(m, &pytorch);
    fnn_spatial_dropout(m, (fnn_real)0.25);
    fnn_add(m, 4);
    fnn_pool2d_with(m, &pool);
    m->layers[fnn_conv2d_with(m, &odd)].parameter = (fnn_real)0.2;
    pool.average = 1;
    fnn_pool2d_with(m, &pool);
    fnn_global_average_pool2d(m);
    fnn_dense(m, CLASSES, FNN_LINEAR);
    fnn_batch_norm(m);
    CHECKF(!fnn_fit(m, &data, &fit, NULL), "%s", fnn_model_error(m)->message);
    return m;
}

/* Layers without biases, and explicit padding of every layer that has windows. */
static fnn_model *pytorch_model(void)
{
    const fnn_dataset data = samples();
    const fnn_fit_config fit = fnn_fit_config_init();
    const fnn_conv2d_config biased = {4, 2, 3, 1, 1, FNN_EXPLICIT, FNN_RELU, 0, 2, 0};
    const fnn_dense_config dense = {5, FNN_LEAKY_RELU, 1};
    fnn_pool2d_config pool = {0, 3, 2, 1, 2, FNN_EXPLICIT, 1, 0};
    fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
    pytorch_conv2d(m, 6, 3, 1, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_pool2d_with(m, &pool);
    pool.average = 1;
    pool.width = 3, pool.pad_height = 2, pool.pad_width = 1;
    fnn_pool2d_with(m, &pool);
    fnn_conv2d_with(m, &biased);
    pytorch_conv2d(m, 3, 5, 2, FNN_GELU);
    m->layers[fnn_dense_with(m, &dense)].parameter = (fnn_real)0.2;
    fnn_dense(m, CLASSES, FNN_LINEAR);
    CHECKF(!fnn_fit(m, &data, &fit, NULL), "%s", fnn_model_error(m)->message);
    return m;
}

static int same_statistics(const fnn_model *a, const fnn_model *b)
{
    const size_t n = a->statistics_count;
    return n == b->statistics_count &&
           (n == 0 || !memcmp(a->statistics, b->statistics, n * sizeof *a->statistics));
}

static int same_parameters(fnn_model *a, fnn_model *b)
{
    size_t n, m;
    const fnn_real *x = fnn_parameters(a, &n), *y = fnn_parameters(b, &m);
    return n == m && (n == 0 || !memcmp(x, y, n * sizeof *x)) && same_statistics(a, b);
}

/* Whether two models are one to their user: layers, weights, predictions, loss; and what a fit
 * makes of them, which takes seed, dropout and smoothing. */
static int same_models(fnn_model *a, fnn_model *b, int fit)
{
    static fnn_real x[ROWS * 16], y[ROWS * 16];
    static char one[4000], two[4000];
    const fnn_dataset data = samples();
    const int n = a && b && a->layer_count ? a->layers[a->layer_count - 1].outputs : 0;
    int l;
    fnn_metrics first, second;
    fnn_fit_config config = fnn_fit_config_init();
    if (n == 0) return 0;
    fnn_summary(a, one, sizeof one);
    fnn_summary(b, two, sizeof two);
    if (strcmp(one, two) || !same_parameters(a, b)) return 0;
    for (l = 0; l < a->layer_count; l++)
        if (a->layers[l].parameter != b->layers[l].parameter) return 0;
    if (fnn_predict(a, NULL, &data, x) || fnn_predict(b, NULL, &data, y)) return 0;
    if (memcmp(x, y, (size_t)(ROWS * n) * sizeof *x)) return 0;
    if (!fit) return 1;
    if (fnn_evaluate(a, NULL, &data, &first) || fnn_evaluate(b, NULL, &data, &second)) return 0;
    if (memcmp(&first.loss, &second.loss, sizeof first.loss)) return 0;
    config.batch_size = 8;
    return !fnn_fit(a, &data, &config, NULL) && !fnn_fit(b, &data, &config, NULL) &&
           same_parameters(a, b);
}

static fnn_model *load_or_say(const char *path)
{
    fnn_error error;
    fnn_model *model = fnn_load(path, NULL, &error);
    CHECKF(model != NULL, "%s", model ? "" : error.message);
    return model;
}

/* ---- round trips ---- */

/* Saves, loads, compares, and saves again: the same bytes. */
static void check_round_trip(const char *what, fnn_model *model, int fit)
{
    fnn_error error;
    file_bytes once, twice;
    fnn_model *loaded;
    if (!CHECKF(!fnn_save(model, path_of("a"), &error), "%s: %s", what, error.message)) return;
    loaded = load_or_say(path_of("a"));
    CHECKF(loaded && !fnn_save(loaded, path_of("b"), &error), "%s, again", what);
    once = bytes_of(path_of("a"));
    twice = bytes_of(path_of("b"));
    CHECKF(same_bytes(once, twice), "%s: saved again, other bytes", what);
    CHECKF(same_models(model, loaded, fit), "%s: another model", what);
    free(once.bytes);
    free(twice.bytes);
    fnn_model_free(loaded);
}

static void a_model_comes_back(void)
{
    const fnn_dataset data = samples();
    fnn_fit_config config = fnn_fit_config_init();
    fnn_model *model = model_make(NULL, 0, UINT64_MAX - 5);
    check_round_trip("a new model", model, 1);
    CHECK(!fnn_fit(model, &data, &config, NULL));
    fnn_set_seed(model, 3);
    check_round_trip("a trained one", model, 1);
    CHECK(!fnn_fit(model, &data, &config, NULL));
    check_round_trip("trained", model, 0);
    CHECK(files_named(".tmp") == 0);
    fnn_model_free(model);
}

/* Layers of images, their running statistics, their seed: predictions have the same bits, and a
 * fit goes on alike. */
static void layers_of_images_come_back(void)
{
    fnn_model *m = image_model(), *n;
    fnn_fit_config fit = fnn_fit_config_init();
    const fnn_dataset data = samples();
    int l;
    check_round_trip("images", m, 0);
    n = load_or_say(path_of("a"));
    for (l = 0; n && l < m->layer_count; l++) {
        const fnni_layer *a = m->layers + l, *b = n->layers + l;
        CHECKF(!memcmp(&a->window, &b->window, sizeof a->window) && a->padding == b->padding &&
                   a->from == b->from && a->activation == b->activation &&
                   a->norm.momentum == b->norm.momentum && a->norm.epsilon == b->norm.epsilon &&
                   a->norm.unbiased == b->norm.unbiased, /* not memcmp: bytes lie between */
               "layer %d", l);
    }
    CHECK(m->statistics_count > 0 && m->statistics[0] != 0);
    CHECK(n && same_statistics(m, n));
    m->statistics[1] *= 2; /* the control: they matter */
    CHECK(n && !same_models(m, n, 0));
    m->statistics[1] = n ? n->statistics[1] : 0;
    fit.optimizer = fnn_sgd(0.01);
    m->updates = m->passes = 0; /* a loaded model has seen nothing: dropout goes by these */
    CHECK(n && !fnn_fit(m, &data, &fit, NULL) && !fnn_fit(n, &data, &fit, NULL));
    CHECK(n && same_parameters(m, n));
    fnn_model_free(m);
    fnn_model_free(n);
}

/* Words without "no_bias" and explicit pads, as all files had them once, are in the other tests. */
static void layers_without_biases_come_back(void)
{
    fnn_model *m = pytorch_model(), *n;
    file_bytes f;
    fnn_tensor t;
    char *header;
    int l;
    m->updates = m->passes = 0; /* as a loaded model */
    check_round_trip("no biases", m, 0);
    n = load_or_say(path_of("a"));
    for (l = 0; n && l < m->layer_count; l++) {
        const fnni_layer *a = m->layers + l, *b = n->layers + l;
        CHECKF(!memcmp(&a->window, &b->window, sizeof a->window) && a->padding == b->padding &&
                   a->weights == b->weights && a->biases == b->biases && a->shape.height > 0 &&
                   a->fused == b->fused,
               "layer %d", l);
        CHECK((fnn_tensor_get(n, l, "bias", &t) == FNN_OK) == (l == 4 || l == 8));
    }
    fnn_model_free(n);
    f = bytes_of(path_of("a"));
    header = (char *)need(header_size(f) + 1);
    memcpy(header, f.bytes + 8, header_size(f));
    header[header_size(f)] = 0;
    CHECK(strstr(header, "\"8.dense.bias\"") && strstr(header, "\"4.conv2d.bias\""));
    CHECK(!strstr(header, "\"0.conv2d.bias\"") && !strstr(header, "\"7.dense.bias\""));
    CHECKF(strstr(header, "conv2d 6 3 3 1 1 explicit 1 1 linear 0 no_bias;") &&
               strstr(header, "max_pool2d 3 2 1 2 explicit 1 0;") &&
               strstr(header, "conv2d 4 2 3 1 1 explicit 0 2 relu 0;"),
           "%s", header);
    free(header);
    free(f.bytes);
    fnn_model_free(m);
}

/* Words of a layer that is as large as layers may be: they fit, and say all. */
static void the_longest_words_come_back(void)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    fnn_model *m = fnn_sequential(1, 1, 1), *n = fnn_sequential(1, 1, 1);
    fnni_writer writer;
    fnni_words w;
    c.filters = 16;
    c.kernel_height = c.kernel_width = 4096; /* 2^28 weights, which take no memory yet */
    c.stride_height = c.stride_width = INT_MAX;
    c.padding = FNN_EXPLICIT;
    c.pad_height = c.pad_width = 4095;
    c.activation = FNN_LEAKY_RELU;
    c.no_bias = 1;
    CHECKF(fnn_conv2d_with(m, &c) == 0, "%s", fnn_model_error(m)->message);
    m->layers[0].parameter = (fnn_real)1.2345678901234567e-30;
    memset(&writer, 0, sizeof writer);
    memset(w.text, 0, sizeof w.text);
    writer.memory = (uint8_t *)w.text;
    writer.counts = 1; /* first, whether there is room */
    fnni_emit_text(&writer, "conv2d");
    fnni_conv2d_type.to_words(&writer, m->layers);
    CHECKF(writer.total < FNNI_TEXT - 1, "%lu characters", (unsigned long)writer.total);
    writer.counts = 0;
    writer.total = 0;
    fnni_emit_text(&writer, "conv2d");
    fnni_conv2d_type.to_words(&writer, m->layers);
    fnni_words_cut(&w);
    CHECK(w.count == 12 && w.count <= FNNI_MAX_WORDS);
    fnni_conv2d_type.from_words(n, &w);
    CHECK(n->layer_count == 1 && n->layers[0].weights == (size_t)FNNI_LARGEST_LAYER);
    CHECK(!memcmp(&m->layers[0].window, &n->layers[0].window, sizeof m->layers[0].window));
    CHECK(n->layers[0].biases == 0 && n->layers[0].parameter == m->layers[0].parameter);
    fnn_model_free(m);
    fnn_model_free(n);
}

static void every_setting_comes_back(void)
{
    static const double parameters[] = {0.1, 1.0 / 3, 1e-30, 3.4e38, 0, 123456789, 2.5};
    const fnn_dataset data = samples();
    fnn_real shift[INPUTS], scale[INPUTS];
    int kind, i;
    fill_reals(shift, INPUTS, 5, 1), fill_reals(scale, INPUTS, 5, 2);
    for (kind = 0; kind < FNN_ACTIVATION_COUNT; kind++)
        for (i = 0; i < COUNT(parameters); i++) {
            fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
            fnn_activate(m, (fnn_activation)kind, (fnn_real)parameters[i]);
            fnn_dense(m, 9, (fnn_activation)kind);
            fnn_seal(m);
            check_round_trip(fnni_activations[kind].word, m, 0);
            fnn_model_free(m);
        }
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++) {
        fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1), *n;
        fnn_dense(m, CLASSES, fnni_losses[kind].absorbed);
        fnn_set_loss(m, (fnn_loss_kind)kind, (fnn_real)0.07, (fnn_real)0.013);
        fnn_seal(m);
        check_round_trip(fnni_losses[kind].name, m, 1);
        n = load_or_say(path_of("a"));
        CHECK(n && n->loss == m->loss && n->label_smoothing == m->label_smoothing &&
              n->loss_epsilon == m->loss_epsilon);
        fnn_model_free(m);
        fnn_model_free(n);
    }
    for (kind = 0; kind < FNN_NORMALIZATION_COUNT; kind++) {
        fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
        if (kind == FNN_NORMALIZE_GIVEN) fnn_normalize_with(m, shift, scale, INPUTS);
        else fnn_normalize(m, (fnn_normalization)kind, &data);
        fnn_dense(m, CLASSES, FNN_SOFTMAX);
        fnn_seal(m);
        check_round_trip(fnni_normalization_names[kind], m, 1);
        fnn_model_free(m);
    }
}

/* A model without parameters, one of one layer without a normalisation, and one of many layers. */
static double no_loss(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    ++*(int *)user;
    if (gradient) memset(gradient, 0, (size_t)(batch->count * batch->outputs) * sizeof *gradient);
    return 42;
}

/* A file cannot hold a function: where the loss matters the loaded model asks for it. */
static void a_loss_function_is_asked_for(void)
{
    fnn_dataset data = samples();
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = model_make(NULL, 1, 3), *loaded;
    fnn_metrics metrics;
    int calls = 0, way;
    for (way = 0; way < 2; way++) {
        CHECK(!fnn_set_loss_function(m, no_loss, &calls) && !fnn_seal(m));
        CHECK(!fnn_save(m, path_of("own"), NULL));
        loaded = load_or_say(path_of("own"));
        CHECK(same_parameters(m, loaded));
        CHECK(fnn_evaluate(loaded, NULL, &data, &metrics) == FNN_ERROR_STATE);
        CHECK(fnn_fit(loaded, &data, &c, NULL) == FNN_ERROR_STATE);
        CHECKF(strstr(fnn_model_error(loaded)->message, "(fnn_set_loss_function") != NULL, "%s",
               fnn_model_error(loaded)->message);
        CHECK(!fnn_forward(loaded, &data, NULL, 2, 1) && fnn_outputs(loaded) != NULL);
        CHECK(fnn_loss(loaded, NULL) == FNN_ERROR_STATE);
        CHECK(!fnn_save(loaded, path_of("again"), NULL)); /* still one that had a function */
        if (way == 0) CHECK(!fnn_set_loss_function(loaded, no_loss, &calls));
        else CHECK(!fnn_set_loss(loaded, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0, 0));
        CHECK(!fnn_loss(loaded, NULL) && !fnn_evaluate(loaded, NULL, &data, &metrics));
        CHECK((metrics.loss == 42) == (way == 0) && !fnn_fit(loaded, &data, &c, NULL));
        fnn_model_free(loaded);
        loaded = load_or_say(path_of("again"));
        CHECK(fnn_evaluate(loaded, NULL, &data, &metrics) == FNN_ERROR_STATE);
        fnn_model_free(loaded);
    }
    CHECK(calls > 0);
    fnn_model_free(m);
}

static void unusual_models_come_back(void)
{
    fnn_model *m = fnn_sequential_with(NULL, 1, 1, INPUTS);
    fnn_dataset data = samples();
    int l;
    fnn_flatten(m);
    fnn_seal(m);
    check_round_trip("no parameters", m, 0);
    fnn_model_free(m);
    m = fnn_sequential_with(NULL, 3, 4, 1);
    for (l = 0; l < 300; l++) l % 3 ? fnn_dense(m, 2, FNN_ELU) : fnn_dropout(m, (fnn_real)0.1);
    fnn_normalize(m, FNN_NORMALIZE_MEAN, &data);
    fnn_seal(m);
    check_round_trip("300 layers", m, 0);
    fnn_model_free(m);
    m = fnn_sequential_with(NULL, 1, 1, 1);
    for (l = 0; l < FNNI_MAX_LAYERS; l++) fnn_flatten(m);
    fnn_seal(m);
    CHECK(!fnn_save(m, path_of("a"), NULL));
    fnn_model_free(m);
    m = load_or_say(path_of("a"));
    CHECK(m && m->layer_count == FNNI_MAX_LAYERS);
    fnn_model_free(m);
}

/* A model whose targets are normalised, two of them, about 1000 and -3. */
static fnn_model *rescaled_model(void)
{
    const fnn_real x[4] = {0, 1, 2, 3}, t[8] = {1000, -3, 1001, -5, 1002, -1, 1003, -3};
    const fnn_dataset data = with_targets(table_of(x, 4, 1), t, 2);
    fnn_model *m = fnn_sequential(1, 1, 1);
    fnn_dense(m, 2, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &data) && !fnn_seal(m));
    return m;
}

static void normalised_targets_come_back(void)
{
    const fnn_real x[4] = {0, 1, 2, 3};
    const fnn_dataset data = table_of(x, 4, 1);
    fnn_model *m = rescaled_model(), *loaded;
    fnn_real y[8], z[8];
    CHECK(!fnn_save(m, path_of("a"), NULL));
    loaded = load_or_say(path_of("a"));
    CHECK(loaded && loaded->target_count == 2);
    CHECK(!fnn_predict(m, NULL, &data, y) && !fnn_predict(loaded, NULL, &data, z));
    CHECK(!memcmp(y, z, sizeof y) && y[0] > 900 && y[1] < 0);
    fnn_model_free(loaded);
    fnn_model_free(m);
}

/* The models that these tests save have each layer of the list. */
static void every_layer_is_saved(void)
{
#define LAYER_TYPE(stem) &fnni_##stem##_type,
    static const fnni_layer_type *const types[] = {FNNI_LAYER_LIST(LAYER_TYPE)};
#undef LAYER_TYPE
    enum { MODELS = 3 };
    fnn_model *models[MODELS];
    int i, k, l;
    models[0] = model_make(NULL, 0, 0);
    models[1] = image_model();
    models[2] = rescaled_model();
    for (i = 0; i < COUNT(types); i++) {
        int found = 0;
        for (k = 0; k < MODELS; k++)
            for (l = 0; l < models[k]->layer_count; l++)
                found |= models[k]->layers[l].type == types[i];
        CHECKF(found, "none has %s", types[i]->name);
        CHECK(fnni_layer_named(types[i]->name) == types[i]);
    }
    for (k = 0; k < MODELS; k++) fnn_model_free(models[k]);
}

/* Without a configuration a model has as many threads as OpenMP would use: a new one, a loaded
 * one. */
static void models_have_openmps_threads(void)
{
    const fnn_context_config one = fnn_context_config_init();
    fnn_model *made = fnn_sequential_with(NULL, 3, 4, 1), *plain = fnn_sequential(3, 4, 1);
    fnn_model *loaded, *alone;
    const int threads = fnni_openmp_threads();
    fnn_dense(made, 2, FNN_RELU);
    CHECK(!fnn_seal(made) && !fnn_save(made, path_of("a"), NULL));
    loaded = load_or_say(path_of("a"));
    alone = fnn_load(path_of("a"), &one, NULL);
    CHECKF(made->context.threads == threads && plain->context.threads == threads, "%d, %d",
           made->context.threads, plain->context.threads);
    CHECK(loaded && loaded->context.threads == threads);
    CHECK(alone && alone->context.threads == 1);
    fnn_model_free(made);
    fnn_model_free(plain);
    fnn_model_free(loaded);
    fnn_model_free(alone);
}

static void a_model_has_the_threads_it_should(void)
{
    models_have_openmps_threads();
#ifdef _OPENMP
    {
        const int before = omp_get_max_threads();
        omp_set_num_threads(before + 2);
        CHECK(fnni_openmp_threads() == before + 2);
        models_have_openmps_threads();
        omp_set_num_threads(before);
    }
#endif
}

/* A program that did not build the model can ask what it takes and gives. */
static void a_loaded_model_has_its_shapes(void)
{
    fnn_model *m = model_make(NULL, 1, 0), *n;
    int in[3], out[3];
    CHECK(!fnn_save(m, path_of("a"), NULL));
    n = load_or_say(path_of("a"));
    CHECK(!fnn_shapes(n, in, out) && !fnn_shapes(n, NULL, NULL));
    CHECK(in[0] == 3 && in[1] == 4 && in[2] == 1);
    CHECK(out[0] == 1 && out[1] == 1 && out[2] == CLASSES);
    CHECK(fnn_shapes(NULL, in, out) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    fnn_model_free(n);
    m = fnn_sequential_with(NULL, 3, 4, 1);
    CHECK(!fnn_shapes(m, NULL, out) && out[0] == 3 && out[1] == 4 && out[2] == 1);
    fnn_dense(m, 0, FNN_RELU);
    CHECK(fnn_shapes(m, in, out) == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
}

/* Weights may be anything: their bits are kept, those of a NaN too. */
static void any_weights_come_back(void)
{
    fnn_model *m = model_make(NULL, 1, 0), *n;
    size_t count, i;
    fnn_real *x = fnn_parameters(m, &count);
    unsigned char *byte = (unsigned char *)x;
    for (i = 0; i < count * sizeof *x; i++) byte[i] = (unsigned char)(i % 7 == 3 ? 0xff : i * 37);
    x[0] = (fnn_real)FNNI_NAN;
    x[1] = (fnn_real)HUGE_VAL;
    x[2] = (fnn_real)-0.0;
    x[3] = (fnn_real)1e-42;
    CHECK(!fnn_save(m, path_of("a"), NULL));
    n = load_or_say(path_of("a"));
    CHECK(n && same_parameters(m, n));
    fnn_model_free(m);
    fnn_model_free(n);
}

/* The bytes themselves, as every machine and every other reader must see them. */
static void the_bytes_are_safetensors(void)
{
    static const char header[] =
        "{\"__metadata__\":{\"library\":\"fmnist_nn " FNN_VERSION
        " crc32 %.8s\",\"input\":\"1 1 2\","
        "\"normalization\":\"none\",\"loss\":\"softmax_cross_entropy\",\"label_smoothing\":\"0\","
        "\"epsilon\":\"0.125\",\"seed\":\"7\",\"layers\":\"dense 1 leaky_relu %s\"},"
        "\"0.dense.weight\":{\"dtype\":\"%s\",\"shape\":[2,1],\"data_offsets\":[0,%d]},"
        "\"0.dense.bias\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[%d,%d]}}";
    static const uint8_t numbers[2][8] = {{0, 0, 0, 0, 0, 0x3d, 0x88, 0xc0}, /* -775.625 */
                                          {0, 0xe8, 0x41, 0xc4}};
    const int size = (int)sizeof(fnn_real), is_float = size == 4;
    char expected[1000];
    fnn_model *m = fnn_sequential_with(NULL, 1, 1, 2);
    file_bytes f;
    const uint8_t *sum;
    size_t length;
    fnn_dense(m, 1, FNN_LEAKY_RELU);
    fnn_set_seed(m, 7);
    fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0, (fnn_real)0.125);
    fnn_seal(m);
    fnn_parameters(m, NULL)[2] = (fnn_real)-775.625;
    CHECK(!fnn_save(m, path_of("a"), NULL));
    f = bytes_of(path_of("a"));
    sum = sum_of_file(f);
    length = (size_t)snprintf(expected, sizeof expected, header, sum ? (const char *)sum : "none",
                              is_float ? "0.300000012" : "0.29999999999999999", FNNI_DTYPE,
                              2 * size, FNNI_DTYPE, 2 * size, 3 * size);
    CHECK(header_size(f) >= length && header_size(f) < length + 64);
    CHECK((8 + header_size(f)) % 64 == 0 && f.size == 8 + header_size(f) + 3 * sizeof(fnn_real));
    CHECKF(!memcmp(f.bytes + 8, expected, length), "found %.*s", (int)length, f.bytes + 8);
    for (; length < header_size(f); length++) CHECK(f.bytes[8 + length] == ' ');
    CHECK(!memcmp(f.bytes + f.size - size, numbers[is_float], (size_t)size));
    free(f.bytes);
    fnn_model_free(m);
}

static fnn_model *load_from(file_bytes from, const char *name, const fnn_context_config *config,
                            fnn_error *error)
{
    fnni_file f;
    f.bytes = from.bytes;
    f.size = from.size;
    return fnni_load_file(&f, name, config, error);
}

/* A model with names of all kinds, and characters that JSON and UTF-8 have their ways with. */
static fnn_model *named_model(const fnn_context_config *config)
{
    static const char *const classes[CLASSES] = {"T-shirt/top", "\"\\\xc3\xa9", ""};
    const char *features[INPUTS];
    fnn_model *m = model_make(config, 1, 0);
    int i;
    for (i = 0; i < INPUTS; i++) features[i] = i % 2 ? "odd" : "even";
    CHECK(!fnn_set_class_names(m, classes, CLASSES));
    CHECK(!fnn_set_feature_names(m, features, INPUTS));
    CHECK(!fnn_set_note(m, "format", "pt"));
    CHECK(!fnn_set_note(m, "a \"key\"", "\xf0\x9f\x91\x95 100 %s"));
    return m;
}

static int is_named(const fnn_model *m)
{
    return m && !strcmp(fnn_class_name(m, 0), "T-shirt/top") &&
           !strcmp(fnn_class_name(m, 1), "\"\\\xc3\xa9") && !strcmp(fnn_class_name(m, 2), "") &&
           !fnn_class_name(m, 3) && !fnn_class_name(m, -1) &&
           !strcmp(fnn_feature_name(m, 0), "even") &&
           !strcmp(fnn_feature_name(m, INPUTS - 1), "odd") && !fnn_feature_name(m, INPUTS) &&
           !strcmp(fnn_note(m, "format"), "pt") && !fnn_note(m, "none") &&
           !strcmp(fnn_note(m, "a \"key\""), "\xf0\x9f\x91\x95 100 %s");
}

static void names_and_notes_come_back(void)
{
    budget memory;
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m, *n;
    size_t asked, held;
    config.allocator = budget_open(&memory);
    m = named_model(&config);
    asked = fnn_memory_size(m, 0);
    CHECK(is_named(m));
    check_round_trip("with names", m, 0);
    n = load_or_say(path_of("a"));
    CHECK(is_named(n));
    fnn_model_free(n);
    n = fnn_copy(m, NULL, NULL);
    CHECK(is_named(n) && fnn_class_name(n, 0) != fnn_class_name(m, 0));
    held = memory.held;
    CHECK(!fnn_set_class_names(m, NULL, 0) && !fnn_set_feature_names(m, NULL, 0));
    CHECK(!fnn_set_note(m, "format", NULL) && !fnn_set_note(m, "a \"key\"", NULL));
    CHECK(!fnn_class_name(m, 0) && !fnn_feature_name(m, 0) && !fnn_note(m, "format"));
    CHECK(is_named(n) && asked > fnn_memory_size(m, 0));
    CHECK(asked - fnn_memory_size(m, 0) == held - memory.held);
    fnn_model_free(m);
    fnn_model_free(n);
    CHECK(memory.live == 0);
}

/* The bytes in memory are those of the file, neither one more nor one less is written. */
static void memory_holds_the_same_bytes(void)
{
    budget memory;
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m, *n;
    file_bytes f;
    fnn_error error;
    uint8_t *bytes;
    size_t size = 0, half;
    int requests;
    config.allocator = budget_open(&memory);
    m = named_model(&config);
    CHECK(!fnn_save(m, path_of("a"), NULL));
    f = bytes_of(path_of("a"));
    bytes = (uint8_t *)need(f.size + 1);
    bytes[f.size] = 77;
    requests = memory.requests;
    CHECK(!fnn_save_memory(m, NULL, 0, &size, &error) && size == f.size);
    CHECK(!fnn_save_memory(m, bytes, f.size, &size, &error) && size == f.size);
    CHECK(memory.requests == requests);
    CHECK(!memcmp(bytes, f.bytes, f.size) && bytes[f.size] == 77);
    n = fnn_load_memory(bytes, size, &config, &error);
    CHECK(same_models(m, n, 1) && is_named(n));
    fnn_model_free(n);
    bytes[size - 1] = 77;
    CHECK(fnn_save_memory(m, bytes, size - 1, &half, &error) == FNN_ERROR_ARGUMENT && half == 0);
    CHECK(bytes[size - 1] == 77);
    CHECKF(strstr(error.message, "save: expected room for ") != NULL, "%s", error.message);
    CHECK(fnn_save_memory(m, bytes, size, NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_save_memory(NULL, bytes, size, &half, &error) == FNN_ERROR_MEMORY && half == 0);
    CHECK(!fnn_load_memory(NULL, 0, NULL, &error) && error.code == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_load_memory(bytes, size / 2, NULL, &error) && error.code == FNN_ERROR_FORMAT);
    CHECKF(!strncmp(error.message, "memory: ", 8), "%s", error.message);
    config.threads = -7;
    CHECK(!fnn_load_memory(bytes, size, &config, &error) && error.code == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
    CHECK(memory.live == 0);
    free(bytes);
    free(f.bytes);
}

/* ---- through functions ---- */

/* Takes or gives a file piece by piece; an end or a failure must be the last call. */
typedef struct {
    file_bytes file; /* what there is to read; or room for what is written, */
    size_t at;       /* of which so much is done */
    size_t piece;    /* bytes that a read gives, at most */
    int calls;
    int fail_at; /* the call that fails, from 1; 0: none does */
    int over;    /* it has failed, or come to the end */
} stream;

static int stream_write(void *user, const void *bytes, size_t count)
{
    stream *s = (stream *)user;
    CHECK(!s->over && count > 0 && count <= 8192 && count <= s->file.size - s->at);
    if (++s->calls == s->fail_at) return s->over = -7;
    memcpy(s->file.bytes + s->at, bytes, count);
    s->at += count;
    return 0;
}

static size_t stream_read(void *user, void *bytes, size_t capacity)
{
    stream *s = (stream *)user;
    size_t count = s->file.size - s->at;
    CHECK(!s->over && capacity > 0);
    if (count > s->piece) count = s->piece;
    if (count > capacity) count = capacity;
    if (++s->calls == s->fail_at || count == 0) s->over = 1;
    if (s->calls == s->fail_at) return s->calls % 2 ? capacity + 1 : (size_t)-1;
    memcpy(bytes, s->file.bytes + s->at, count);
    s->at += count;
    return count;
}

/* A model whose file has several pieces. */
static fnn_model *large_model(const fnn_context_config *config)
{
    fnn_model *m = fnn_sequential_with(config, 3, 4, 1);
    fnn_dense(m, 70, FNN_RELU);
    fnn_dense(m, 90, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_seal(m);
    return m;
}

static void a_function_takes_the_same_bytes(void)
{
    budget memory;
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m;
    file_bytes f;
    fnn_error error;
    int requests, k, pieces = 100;
    config.allocator = budget_open(&memory);
    m = large_model(&config);
    CHECK(!fnn_save(m, path_of("a"), NULL));
    f = bytes_of(path_of("a"));
    requests = memory.requests;
    for (k = 0; k <= pieces; k++) {
        char words[100];
        stream s;
        fnn_result result;
        memset(&s, 0, sizeof s);
        s.file = bytes_copy(f.bytes, f.size);
        memset(s.file.bytes, 0, f.size);
        s.fail_at = k;
        result = fnn_save_to(m, stream_write, &s, &error);
        if (k == 0) {
            pieces = s.calls;
            CHECK(!result && s.at == f.size && same_bytes(s.file, f) && pieces > 3);
        } else {
            snprintf(words, sizeof words, "save: the function given cannot write byte %d",
                     8192 * (k - 1));
            CHECK(result == FNN_ERROR_FILE && s.calls == k);
            CHECKF(!strcmp(error.message, words), "\"%s\", not \"%s\"", error.message, words);
        }
        free(s.file.bytes);
    }
    CHECK(memory.requests == requests);
    CHECK(fnn_save_to(m, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "save: expected a function, found NULL"), "%s", error.message);
    CHECK(fnn_save_to(NULL, stream_write, NULL, &error) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    free(f.bytes);
}

/* Loads from pieces of that size, of which one fails, or from a file cut there. */
static fnn_model *load_pieces(file_bytes f, size_t piece, int fail_at, fnn_error *error)
{
    stream s;
    fnn_model *n;
    memset(&s, 0, sizeof s);
    s.file = f;
    s.piece = piece;
    s.fail_at = fail_at;
    n = fnn_load_from(stream_read, &s, NULL, error);
    CHECK(s.over && s.calls > 0);
    return n;
}

static void a_function_gives_a_file(void)
{
    static const size_t pieces[] = {1, 2, 7, 4095, 4096, 4097, 1 << 20};
    fnn_model *m = large_model(NULL), *n;
    fnn_context_config config = fnn_context_config_init();
    file_bytes f, cut;
    fnn_error error;
    int i, k;
    CHECK(!fnn_save(m, path_of("a"), NULL));
    f = bytes_of(path_of("a"));
    for (i = 0; i < COUNT(pieces); i++) {
        n = load_pieces(f, pieces[i], 0, &error);
        CHECKF(n && same_models(m, n, 0), "pieces of %d: %s", (int)pieces[i], error.message);
        fnn_model_free(n);
    }
    for (k = 1; k < 6; k++) {
        char words[100];
        snprintf(words, sizeof words, "load: the function given cannot read byte %d",
                 1000 * (k - 1));
        CHECK(!load_pieces(f, 1000, k, &error) && error.code == FNN_ERROR_FILE);
        CHECKF(!strcmp(error.message, words), "\"%s\", not \"%s\"", error.message, words);
    }
    cut = bytes_copy(f.bytes, f.size - 1);
    CHECK(!load_pieces(cut, 5000, 0, &error) && error.code == FNN_ERROR_FORMAT);
    CHECKF(!strncmp(error.message, "load: ", 6), "%s", error.message);
    cut.size = 0;
    CHECK(!load_pieces(cut, 5000, 0, &error) && error.code == FNN_ERROR_FORMAT);
    CHECK(!fnn_load_from(NULL, NULL, NULL, &error) && error.code == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "load: expected a function, found NULL"), "%s", error.message);
    config.threads = -7;
    CHECK(!fnn_load_from(stream_read, NULL, &config, &error) && error.code == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
    free(cut.bytes);
    free(f.bytes);
}

/* ---- files of earlier versions ---- */

/* A file as 0.1.0 has written it, its weights -3/8, -2/8 ... 9/8; 0.2.0 said another version. */
static void files_of_earlier_versions_load(void)
{
    static const char *const versions[] = {"0.1.0", "0.2.0", "0.1.1", "0.3.0"};
    static const char text[] =
        "{\"__metadata__\":{\"library\":\"fmnist_nn %s\",\"input\":\"1 1 2\","
        "\"normalization\":\"none\",\"loss\":\"mean_squared_error\",\"label_smoothing\":\"0\","
        "\"epsilon\":\"0\",\"seed\":\"7\",\"layers\":\"dense 2 tanh 0; "
        "batch_norm 0.99000001 0.00100000005 0; dropout 0.25; dense 1 linear 0\"},"
        "\"0.dense.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
        "\"0.dense.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]},"
        "\"1.batch_norm.gamma\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
        "\"1.batch_norm.beta\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[32,40]},"
        "\"1.batch_norm.mean\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[40,48]},"
        "\"1.batch_norm.variance\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[48,56]},"
        "\"3.dense.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[56,64]},"
        "\"3.dense.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[64,68]}}       ";
    static const uint8_t numbers[] = {
        0, 0, 0xc0, 0xbe, 0, 0, 0x80, 0xbe, 0, 0, 0,    0xbe, 0, 0, 0,    0,    0, 0, 0,    0x3e,
        0, 0, 0x80, 0x3e, 0, 0, 0xc0, 0x3e, 0, 0, 0,    0x3f, 0, 0, 0x20, 0x3f, 0, 0, 0x40, 0x3f,
        0, 0, 0,    0,    0, 0, 0,    0,    0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0x60, 0x3f,
        0, 0, 0x80, 0x3f, 0, 0, 0x90, 0x3f};
    char header[1200];
    file_bytes f, data;
    fnn_error error;
    fnn_model *m;
    size_t count = 0, p;
    int i;
    data.bytes = (uint8_t *)need(8 + sizeof numbers);
    data.size = 8 + sizeof numbers;
    memset(data.bytes, 0, 8);
    memcpy(data.bytes + 8, numbers, sizeof numbers);
    for (i = 0; i < COUNT(versions); i++) {
        snprintf(header, sizeof header, text, versions[i]);
        f = with_header(header, data);
        m = load_from(f, "old", NULL, &error);
        if (i >= 2) { /* never written so: later versions have a sum */
            CHECK(!m && strstr(error.message, "expected a version and its checksum"));
        } else if (sizeof(fnn_real) != 4) {
            CHECK(!m && strstr(error.message, "expected F64, found F32"));
        } else if (CHECKF(m != NULL, "%s", error.message)) {
            const fnn_real *x = fnn_parameters(m, &count);
            for (p = 0; p < count; p++) CHECK((double)x[p] == (double)p / 8 - .375);
            CHECK(count == 13 && m->seed == 7 && m->statistics[2] == 1);
            CHECK(!fnn_save(m, path_of("a"), NULL) && !fnn_save_checkpoint(m, path_of("a"), NULL));
        }
        fnn_model_free(m);
        free(f.bytes);
    }
    free(data.bytes);
}

/* Names are those of the training data, in one call. */
static void names_come_from_a_data_set(void)
{
    static const char *const classes[] = {"a", "b", "c"};
    static const char *const features[INPUTS] = {"0", "1", "2", "3", "4",  "5",
                                                 "6", "7", "8", "9", "10", "11"};
    fnn_dataset data = samples();
    fnn_model *m = model_make(NULL, 1, 0);
    CHECK(!fnn_set_names(m, &data) && !fnn_class_name(m, 0));
    data.class_names = classes;
    CHECK(!fnn_set_names(m, &data) && !strcmp(fnn_class_name(m, 2), "c"));
    data.class_names = NULL;
    data.feature_names = features;
    CHECK(!fnn_set_names(m, &data) && !strcmp(fnn_feature_name(m, 11), "11"));
    CHECK(!strcmp(fnn_class_name(m, 1), "b"));
    fnn_model_free(m);
}

/* A program that writes all names takes a step for each, not one for each two. */
static void many_names_are_found(void)
{
    enum { MANY = 60000 };
    static char names[MANY][16];
    static const char *list[MANY];
    fnn_model *m = fnn_sequential(1, 1, MANY);
    clock_t begin;
    double seconds;
    int i, wrong = 0;
    for (i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        list[i] = names[i];
    }
    CHECK(!fnn_set_feature_names(m, list, MANY));
    begin = clock();
    for (i = 0; i < MANY; i++) wrong += strcmp(fnn_feature_name(m, i), list[i]) != 0;
    seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    CHECKF(wrong == 0 && seconds < 2, "%d wrong, %.1f s", wrong, seconds);
    CHECK(!fnn_feature_name(m, -1) && !fnn_feature_name(m, MANY));
    fnn_model_free(m);
}

static void wrong_names_are_refused(void)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const char *const wrong[] = {"a\n",      "\x1b[2J", "\xc3",     "\xed\xa0\x80",
                                        "\xc0\x80", "\x7f",    "\xc2\x80", "\xf5\x80\x80\x80"};
    static const char *const keys[] = {"", "seed", "class_names", "fnn.more", "\xc3\xa9", "a\t"};
    const char *list[CLASSES] = {"a", "b", NULL};
    fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
    char key[20];
    int i;
    CHECK(fnn_set_class_names(NULL, names, 3) == FNN_ERROR_MEMORY);
    CHECK(fnn_set_note(NULL, "a", "b") == FNN_ERROR_MEMORY && !fnn_note(NULL, "a"));
    CHECK(fnn_set_class_names(m, names, 3) == FNN_ERROR_STATE);
    CHECK(fnn_set_feature_names(m, names, 4) == FNN_ERROR_ARGUMENT);
    CHECKF(!strcmp(fnn_model_error(m)->message, "feature_names: expected 12, found 4"), "%s",
           fnn_model_error(m)->message);
    fnn_model_free(m);
    m = named_model(NULL);
    CHECK(fnn_set_class_names(m, names, 4) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_class_names(m, NULL, 3) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_class_names(m, list, 3) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_names(m, NULL) == FNN_ERROR_ARGUMENT);
    for (i = 0; i < COUNT(wrong); i++) {
        list[2] = wrong[i];
        CHECKF(fnn_set_class_names(m, list, 3) == FNN_ERROR_ARGUMENT, "%d", i);
        CHECKF(fnn_set_note(m, "format", wrong[i]) == FNN_ERROR_ARGUMENT, "%d", i);
        CHECK(strstr(fnn_model_error(m)->message, "UTF-8 without control characters") != NULL);
    }
    for (i = 0; i < COUNT(keys); i++)
        CHECKF(fnn_set_note(m, keys[i], "x") == FNN_ERROR_ARGUMENT, "%s", keys[i]);
    CHECK(fnn_set_note(m, NULL, "x") == FNN_ERROR_ARGUMENT && is_named(m));
    for (i = 2; i < 256; i++) {
        snprintf(key, sizeof key, "%d", i);
        CHECK(!fnn_set_note(m, key, key));
    }
    CHECK(fnn_set_note(m, "one more", "x") == FNN_ERROR_ARGUMENT && is_named(m));
    CHECK(!fnn_set_note(m, "255", "again") && !strcmp(fnn_note(m, "255"), "again"));
    fnn_model_free(m);
}

/* The largest there may be; more is refused, and nothing changes. */
static void notes_have_a_limit(void)
{
    fnn_model *m = model_make(NULL, 1, 0);
    char *text = (char *)need((1 << 19) + 1);
    memset(text, '"', 1 << 19);
    text[(1 << 19) - 4] = 0;
    CHECK(!fnn_set_note(m, "k", text + 1));
    check_round_trip("with a long note", m, 0);
    CHECK(!fnn_set_note(m, "k", text + 1) && strlen(fnn_note(m, "k")) == (1 << 19) - 5);
    CHECK(fnn_set_note(m, "kkk", text) == FNN_ERROR_ARGUMENT && !fnn_note(m, "kkk"));
    CHECK(strstr(fnn_model_error(m)->message, "notes: expected at most 524288 bytes") != NULL);
    fnn_model_free(m);
    free(text);
}

/* Blanks, escapes, another order of the members: JSON says the same thing in many ways. */
static void other_json_is_read(void)
{
    static const char *const ways[][2] = {
        {"\"input\":\"3 4 1\"", " \"\\u0069np\\u0075t\" :\t\"3 4 \\u0031\"\r\n"},
        {"{\"__metadata__\"", "{ \"__metadata__\""},
        {"\"dtype\":\"", "\"dtype\" : \"\\u0046"},
        {"; dropout", ";dropout"},
        {"}}", "}\n}\n\t "},
        {"\"seed\":\"0\"", "\"seed\":\"000\""},
        {"T-shirt/top", "T\\u002dshirt\\/top"},
        {"\xc3\xa9", "\\u00e9"},
        {"\xf0\x9f\x91\x95", "\\ud83d\\uDC55"},
    };
    fnn_model *m = named_model(NULL), *n;
    const fnn_context_config config = fnn_context_config_init();
    file_bytes good, f;
    char text[4000], changed[4000], *place;
    int i;
    fnn_save(m, path_of("a"), NULL);
    good = bytes_of(path_of("a"));
    snprintf(text, sizeof text, "%.*s", (int)header_size(good), (const char *)good.bytes + 8);
    for (i = 0; i < COUNT(ways); i++) {
        fnn_error error;
        place = strstr(text, ways[i][0]);
        if (!CHECKF(place != NULL, "%s", ways[i][0])) continue;
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(place - text), text, ways[i][1],
                 place + strlen(ways[i][0]) + (i == 2));
        f = with_header(changed, good);
        n = load_from(f, "f", &config, &error);
        CHECKF(n && same_models(m, n, 0) && is_named(n), "%s: %s", ways[i][1],
               n ? "another model" : error.message);
        fnn_model_free(n);
        free(f.bytes);
    }
    free(good.bytes);
    fnn_model_free(m);
}

/* As json.dumps(header, sort_keys=True) writes it: the bias before the weight,
 * though its data lie behind; the metadata last. */
static void tensors_may_be_listed_in_any_order(void)
{
    static const char header[] =
        "{\"0.dense.bias\":{\"data_offsets\":[%d,%d],\"dtype\":\"%s\",\"shape\":[1]},"
        "\"0.dense.weight\":{\"data_offsets\":[0,%d],\"dtype\":\"%s\",\"shape\":[2,1]},"
        "\"__metadata__\":{\"epsilon\":\"0\",\"input\":\"1 1 2\",\"label_smoothing\":\"0\","
        "\"layers\":\"dense 1 linear 0\",\"library\":\"fmnist_nn 0.2.0\",\"loss\":"
        "\"mean_squared_error\",\"normalization\":\"none\",\"seed\":\"0\"}}";
    const int size = (int)sizeof(fnn_real), one = 1, big = *(const char *)&one == 0;
    const fnn_real numbers[3] = {1, 2, 3};
    char text[1000];
    uint8_t bytes[8 + sizeof numbers] = {0}, *to = bytes + 8; /* lowest bytes first */
    const file_bytes data = {bytes, sizeof bytes};
    const fnn_context_config config = fnn_context_config_init();
    file_bytes f;
    fnn_error error;
    fnn_model *m;
    int i;
    for (i = 0; i < 3 * size; i++)
        *to++ = ((const uint8_t *)numbers)[big ? i / size * size + size - 1 - i % size : i];
    snprintf(text, sizeof text, header, 2 * size, 3 * size, FNNI_DTYPE, 2 * size, FNNI_DTYPE);
    f = with_header(text, data);
    m = load_from(f, "f", &config, &error);
    if (CHECKF(m != NULL, "%s", error.message))
        CHECK(!memcmp(fnn_parameters(m, NULL), numbers, sizeof numbers));
    fnn_model_free(m);
    free(f.bytes);
}

static void a_comma_of_the_locale_stays_out(void)
{
    static const char *const texts[][2] = {{"0,5", "0.5"},
                                           {"-1\xd9\xab"
                                            "25e-07",
                                            "-1.25e-07"},
                                           {"3e+38", "3e+38"},
                                           {"1.5", "1.5"}};
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    fnn_model *m = model_make(NULL, 0, 0);
    int i, found = 0;
    for (i = 0; i < COUNT(texts); i++) {
        char text[20];
        strcpy(text, texts[i][0]);
        fnni_point(text);
        CHECKF(!strcmp(text, texts[i][1]), "%s becomes %s", texts[i][0], text);
    }
    for (i = 0; i < COUNT(names) && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL && localeconv()->decimal_point[0] == ',';
    if (found) check_round_trip("in German", m, 1);
    else SKIP("this machine has no locale with a decimal comma");
    setlocale(LC_NUMERIC, "C");
    fnn_model_free(m);
}

/* ---- damaged files ---- */

/* What a user would do with a model from a damaged file: predict with it, and train it. */
static void use(fnn_model *model)
{
    static fnn_real y[ROWS * 256];
    fnn_dataset data = samples();
    if (model->layers[model->layer_count - 1].outputs <= 256) fnn_predict(model, NULL, &data, y);
    if (!fnn_forward(model, &data, NULL, 5, 1) && !fnn_loss(model, NULL)) fnn_backward(model);
}

/* Whether the bytes load; if not, *error has said why, and of which file. */
static int loads(file_bytes f, fnn_error *error)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_model *model;
    budget memory;
    config.allocator = budget_open(&memory);
    memset(error, 0, sizeof *error);
    model = load_from(f, "the file", &config, error);
    if (model) use(model);
    else
        CHECKF(error->code == FNN_ERROR_FORMAT && !strncmp(error->message, "the file: ", 10),
               "%d: %s", (int)error->code, error->message);
    fnn_model_free(model);
    CHECKF(memory.live == 0, "%d blocks leak: %s", memory.live, error->message);
    return model != NULL;
}

static file_bytes small_file(void)
{
    fnn_model *m = named_model(NULL);
    file_bytes f;
    CHECK(!fnn_save(m, path_of("a"), NULL));
    f = bytes_of(path_of("a"));
    fnn_model_free(m);
    return f;
}

static void every_truncation_is_refused(void)
{
    file_bytes f = small_file();
    fnn_error error;
    size_t size;
    CHECK(loads(f, &error));
    for (size = 0; size < f.size; size++) {
        file_bytes cut = bytes_copy(f.bytes, size);
        CHECKF(!loads(cut, &error), "%d of %d bytes load", (int)size, (int)f.size);
        free(cut.bytes);
    }
    f.bytes = (uint8_t *)realloc(f.bytes, f.size + 1);
    f.bytes[f.size++] = 0;
    CHECK(!loads(f, &error)); /* one too many */
    free(f.bytes);
}

/* The checksum finds it wherever it is: in the lengths, names and numbers, and in itself. */
static void every_flipped_bit_is_refused(void)
{
    file_bytes f = small_file();
    fnn_error error;
    size_t bit;
    CHECK(loads(f, &error));
    for (bit = 0; bit < 8 * f.size; bit++) {
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECKF(!loads(f, &error), "bit %d loads", (int)bit);
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(f.bytes);
}

/* A version that is to have a checksum, and one that no library has written. */
static void a_missing_checksum_is_named(void)
{
    file_bytes f = small_file();
    uint8_t *digits = sum_of_file(f);
    fnn_error error;
    if (!CHECK(digits != NULL)) return;
    memcpy(digits, "1234567", 7);
    CHECK(!loads(f, &error) && strstr(error.message, "damaged: expected the checksum 1234567"));
    digits[-2] = '3';
    CHECK(!loads(f, &error));
    CHECKF(strstr(error.message,
                  "library: expected a version and its checksum, found \"fmnist_nn ") != NULL,
           "%s", error.message);
    free(f.bytes);
}

/* Files of the versions before it have no checksum: a flipped bit may be another weight, seed or
 * epsilon. It must then load as such; in the length, the tensors' places, shapes or names it must
 * be refused. */
static void every_flipped_bit_is_harmless(void)
{
    file_bytes f = small_file();
    size_t bit, data, loaded = 0, refused = 0;
    const char *text, *tensors;
    fnn_error error;
    without_sum(&f);
    data = 8 + header_size(f);
    text = (const char *)f.bytes + 8;
    tensors = strstr(text, "\"input.shift\"");
    for (bit = 0; bit < 8 * f.size; bit += QUICK() && bit > 8 * data ? 97 : 1) {
        const size_t byte = bit / 8;
        const char *at = text + byte - 8;
        int good;
        f.bytes[byte] ^= (uint8_t)(1 << bit % 8);
        good = loads(f, &error);
        f.bytes[byte] ^= (uint8_t)(1 << bit % 8);
        good ? loaded++ : refused++;
        if (byte >= data) CHECKF(good, "bit %d, a weight: %s", (int)bit, error.message);
        else if (byte < 8 || (at >= tensors && *at != ' '))
            CHECKF(!good, "bit %d loads: %.20s", (int)bit, byte < 8 ? "the length" : at);
    }
    CHECK(refused > 5000 && loaded > 100);
    free(f.bytes);
}

static const damage damages[] = {
    /* JSON */
    {"{\"__", " {\"__", "byte 0: expected '{', found byte 32"},
    {"{\"__", "[\"__", "byte 0: expected '{', found '['"},
    {"\"input.shift\":", "\"input.shift\"", "expected ':', found '{'"},
    {"\"input.shift\":", "input.shift:", "expected '\"', found 'i'"},
    {"},\"input.scale\"", "}\"input.scale\"", "expected '}', found '\"'"},
    {"},\"input.scale\"", "},,\"input.scale\"", "expected '\"', found ','"},
    {"}}", "},}", "expected '\"', found '}'"},
    {"}}", "}", "expected '}', found its end"},
    {"}}", "}}x", "nothing but blanks after it, found 'x'"},
    {"}}", "}}{}", "nothing but blanks after it, found '{'"},
    {" crc32 ", " crc3 ", "library: expected a version and its checksum"},
    {"fmnist_nn 0.2.0", "fmnist_nn 0\\u002e2.0", "library: expected a version and its checksum"},
    {"softmax_cross", "softmax\\qcross", "an escape for printable ASCII, found 'q'"},
    {"softmax_cross", "softmax\\u12g4cross", "an escape for printable ASCII, found 'u'"},
    {"softmax_cross", "softmax\\u0000cross", "an escape for printable ASCII"},
    {"softmax_cross", "softmax\\ud800cross", "an escape for printable ASCII"},
    {"softmax_cross", "softmax\\u00e9cross", "an escape for printable ASCII"},
    {"softmax_cross", "softmax\\ncross", "an escape for printable ASCII"},
    {"softmax_cross", "softmax\ncross", "printable ASCII, found byte 10"},
    {"softmax_cross",
     "softmax\xc3\xa9"
     "cross",
     "printable ASCII, found byte 195"},
    {"softmax_cross", "\x1b[31mcross", "printable ASCII, found byte 27"},
    {"[3,4,1]", "[3,4,1}", "expected ']', found '}'"},
    {"[3,4,1]", "[3,4,]", "expected a number, found ']'"},
    {"[3,4,1]", "[3,4,-1]", "expected a number, found '-'"},
    {"[3,4,1]", "[3,4,1.0]", "expected ']', found '.'"},
    {"[3,4,1]", "[3,4,1e0]", "expected ']', found 'e'"},
    {"[3,4,1]", "[3,4,01]", "a number without a zero before it"},
    {"[3,4,1]", "[3,4,18446744073709551616]", "a smaller number"},
    {"[3,4,1]", "[3,4,1,1,1]", "fewer numbers"},
    {"[3,4,1]", "[[[[[[[[3,4,1]]]]]]]]", "expected a number, found '['"},
    {"[3,4,1]", "null", "expected '['"},
    /* objects */
    {"\"__metadata__\":{", "\"__metadata__\":{},\"__metadata__\":{",
     "__metadata__: expected once, found twice"},
    {"\"__metadata__\":{", "\"__metadata__\":[", "expected '{', found '['"},
    {"\"__metadata__\":{", "\"__metadata__\":{\"note\":\"1\",\"note\":\"2\",",
     "__metadata__: expected each once, found twice, \"note\""},
    {"\"library\"", "\"format\"",
     "safetensors, but not written by this library: expected \"library\" in __metadata__, found "
     "\"format\""},
    {"\"__metadata__\":{", "\"__metadata__\":{\"format\":\"p\001t\",", "an escape for a control"},
    {"\"__metadata__\":{", "\"__metadata__\":{\"seed\":\"1\",",
     "__metadata__: expected each once, found twice, \"seed\""},
    {"\"seed\":\"0\"", "\"seed\":0", "expected '\"', found '0'"},
    {"\"seed\":\"0\",", "", "expected a model of fmnist_nn, found no \"seed\""},
    /* names and notes */
    {"T-shirt/top\\n", "", "class_names: expected 3, found 2"},
    {"even\\n", "even\\n\\n", "feature_names: expected 12, found 13"},
    {"T-shirt", "T\\u001bshirt", "class_names: expected UTF-8 without control characters"},
    {"T-shirt", "T\xc3shirt", "class_names: expected UTF-8 without control characters"},
    {"T-shirt", "T\\u0000shirt", "an escape for a character"},
    {"T-shirt", "T\\udc55shirt", "an escape for a character"},
    {"T-shirt", "T\\ud83dshirt", "an escape for a character"},
    {"T-shirt", "T\\ud83d\\u0041shirt", "an escape for a character"},
    {"T-shirt", "T\\xshirt", "an escape for a character"},
    {"\"pt\"", "\"p\\nt\"", "note: expected UTF-8 without control characters, found \"p?t\""},
    {"\"pt\"", "1", "expected '\"', found '1'"},
    {"\"format\"", "\"\"", "note: expected a key of 1 to 127 printable"},
    {"\"format\"", "\"fnn.x\"", "note: expected a key of your own, found \"fnn.x\""},
    {"\"format\"", "\"class_names\"", "found twice, \"class_names\""},
    {"\"layers\"", "\"layer\"", "found no \"layers\""},
    {"\"shape\":", "\"strides\":",
     "input.shift: expected dtype, shape and so on, once each, found \"strides\""},
    {"\"shape\":", "\"shape\":[3],\"shape\":", "once each, found twice, \"shape\""},
    {"\"shape\":[3,4,1],", "", "dtype, shape and data_offsets"},
    {"\"input.shift\":{", "\"x\":{},\"input.shift\":{", "expected '\"', found '}'"},
    /* offsets */
    {"[0,48]", "[48,0]", "input.shift: expected data from byte 48 to at most 236, found 48 to 0"},
    {"[0,48]", "[0,47]", "input.shift: expected 48 bytes, found 47"},
    {"[0,48]", "[0,49]", "input.shift: expected 48 bytes, found 49"},
    {"[0,48]", "[0,4800]", "expected data from byte 0 to at most 236, found 0 to 4800"},
    {"[0,48]", "[1,49]", "input.shift: expected data from byte 0"},
    {"[0,48]", "[0,48,48]", "fewer numbers"},
    {"[0,48]", "[0]", "two offsets"},
    {"[0,48]", "[0,4294967295]", "input.shift: expected data from byte 0"},
    {"[0,48]", "[0,18446744073709551615]", "expected "}, /* too large, or beyond size_t */
    {"[48,96]", "[48,40]", "input.scale: expected data from byte 48"},
    {"[0,48]},\"input.scale\":{\"dtype\":\"F32\",\"shape\":[3,4,1],\"data_offsets\":[48,96]",
     "[0,44]},\"input.scale\":{\"dtype\":\"F32\",\"shape\":[3,4,1],\"data_offsets\":[44,96]",
     "input.shift: expected 48 bytes, found 44"},
    {"[48,96]", "[44,96]", "input.scale: expected 48 bytes, found 52"},
    {"[48,96]", "[52,96]", "input.scale: expected 48 bytes, found 44"},
    {"[224,236]", "[224,232]", "2.dense.bias: expected 12 bytes, found 8"},
    {"[0,48]", "[4,52]", "input.shift: expected data from byte 0 to at most 236, found 4 to 52"},
    {"[48,96]", "[0,48]", "expected data from byte 48 to at most 236, found 0 to 48"},
    {"[48,96]", "[44,92]", "input.scale: expected data from byte 48 to at most 236, found 44"},
    /* tensors against the model */
    {"\"0.dense.weight\"", "\"0.dense.weights\"",
     "expected tensors of the model, found \"0.dense.weights\""},
    {"\"0.dense.weight\"", "\"9.dense.weight\"",
     "expected tensors of the model, found \"9.dense.weight\""},
    {"\"0.dense.weight\"", "\"99999999999999.dense.weight\"",
     "expected tensors of the model, found \""},
    {"\"0.dense.weight\"", "\"00.dense.weight\"", "expected tensors of the model, found \""},
    {"\"0.dense.weight\"", "\"1.dropout.weight\"", "expected tensors of the model, found \""},
    {"\"0.dense.weight\"", "\"\"", "expected tensors of the model, found \""},
    {"\"input.scale\"", "\"input.shift\"", "input.shift: expected once, found twice"},
    {"\"input.scale\"", "\"input.s\\u0068ift\"", "input.shift: expected once, found twice"},
    {"[12,2]", "[2,12]", "0.dense.weight: expected shape [12, 2], found [2, 12]"},
    {"[12,2]", "[24]", "0.dense.weight: expected shape [12, 2], found [24]"},
    {"[12,2]", "[12,2,1]", "0.dense.weight: expected shape [12, 2], found [12, 2, 1]"},
    {"[12,2]", "[]", "0.dense.weight: expected shape [12, 2], found []"},
    {"\"F32\"", "\"F64\"", "input.shift: expected F32, found F64"},
    {"\"F32\"", "\"BF16\"", "input.shift: expected F32, found BF16"},
    {"dense 2 relu 0", "dense 3 relu 0", "0.dense.weight: expected shape [12, 3], found [12, 2]"},
    {"\"3 4 1\"", "\"4 3 1\"", "input.shift: expected shape [4, 3, 1], found [3, 4, 1]"},
    {"standardize", "none", "expected tensors of the model, found \"input.shift\""},
    {"; activation softmax 0", "; dense 3 linear 0", "a tensor 3.dense.weight, found none"},
    /* fields */
    {"\"3 4 1\"", "\"3 4\"", "input: expected three numbers, found \"3 4\""},
    {"\"3 4 1\"", "\"3 4 -1\"", "input: expected three numbers"},
    {"\"3 4 1\"", "\"3 4 0\"", "input: expected a shape of 1 to"},
    {"\"3 4 1\"", "\"65536 65536 65536\"", "input: expected a shape of 1 to"},
    {"\"3 4 1\"", "\"3 4 99999999999\"", "input: expected three numbers"},
    {"\"3 4 1\"", "\"1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\"", "input: expected three numbers"},
    {"standardize", "whiten", "normalization: expected one such as \"none\", found \"whiten\""},
    {"softmax_cross_entropy", "hinge", "loss: expected one such as \"softmax_cross_entropy\""},
    {"\"label_smoothing\":\"0\"", "\"label_smoothing\":\"1\"", "smoothing in [0, 1)"},
    {"\"label_smoothing\":\"0\"", "\"label_smoothing\":\"nan\"", "a number, found \"nan\""},
    {"\"epsilon\":\"0\"", "\"epsilon\":\"-1\"", "epsilon >= 0"},
    {"\"epsilon\":\"0\"", "\"epsilon\":\"\"", "epsilon: expected a number, found \"\""},
    {"\"seed\":\"0\"", "\"seed\":\"18446744073709551616\"", "seed: expected a whole number"},
    {"\"seed\":\"0\"", "\"seed\":\"\"", "seed: expected a whole number"},
    {"\"epsilon\":\"0\"",
     "\"epsilon\":\"000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000000000000000000000000000001\"",
     "the end of a string that is too long"},
    /* layers */
    {"dense 2 relu 0", "conv9d 2 relu 0", "layer 0: expected the words of a layer, found \"conv9d"},
    {"dense 2 relu 0", "dense 2 relu", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense 2 relu 0 0", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense 2 step 0", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense two relu 0", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense 2 relu inf", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense 2 leaky_relu -1", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense 2 elu -0.5", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "activation elu -1",
     "layer 0 activation: expected a finite parameter of at least"},
    {"dense 2 relu 0", "dense 0 relu 0", "layer 0 dense: expected 1 to"},
    {"dense 2 relu 0", "dense 2000000000 relu 0", "layer 0 dense: expected 1 to"},
    {"dense 2 relu 0", "dense 99999999999 relu 0", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "dense 2 softmax 0", "layer 0: expected the words of a layer"},
    {"dense 2 relu 0", "", "layer 0: expected the words of a layer, found \"\""},
    {"softmax 0\"", "softmax 0;\"", "layer 4: expected the words of a layer, found \"\""},
    {"softmax 0\"", "softmax 0;;\"", "layer 4: expected the words of a layer, found \"\""},
    {"dropout 0.300000012", "dropout 1", "layer 1 dropout: expected a rate in [0, 1), found 1"},
    {"dropout 0.300000012", "dropout 1e999", "layer 1: expected the words of a layer"},
    {"dense 2 relu 0",
     "flatten                                                              "
     "                                                                     ",
     "layer 0: expected the words of a layer"},
};

static void convolutions_have_no_negative_slope(void)
{
    fnni_words w = {"", {"conv2d", "2", "3", "3", "1", "1", "same", "leaky_relu", "-1"}, 9};
    fnn_model *m = fnn_sequential(4, 4, 1);
    fnni_conv2d_type.from_words(m, &w);
    CHECK(m->layer_count == 0);
    w.word[8] = "0.25";
    fnni_conv2d_type.from_words(m, &w);
    CHECK(m->layer_count == 1 && m->layers[0].parameter == (fnn_real)0.25);
    fnn_model_free(m);
}

/* Each damage of a file that is right as it is; frees it. */
static void check_damages(file_bytes good, const damage *list, int count)
{
    fnn_error error;
    int i;
    CHECKF(loads(good, &error), "%s", error.message);
    if (sizeof(fnn_real) != 4) SKIP("the table is of the float library's file");
    for (i = 0; sizeof(fnn_real) == 4 && i < count; i++)
        check_damage(loads, good, list[i].from, list[i].to, list[i].words);
    free(good.bytes);
}

static void check_damages_of(fnn_model *m, const damage *list, int count)
{
    CHECK(!fnn_save(m, path_of("a"), NULL));
    check_damages(bytes_of(path_of("a")), list, count);
    fnn_model_free(m);
}

static void every_damage_is_named(void)
{
    check_damages(small_file(), damages, COUNT(damages));
}

/* The words and tensors of the layers of image_model. */
static const damage image_damages[] = {
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 0 3 3 1 1 same relu 0",
     "layer 4 conv2d: expected 1 or more filters"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 9 9 1 1 valid relu 0",
     "input of 3 x 4 x 1, padded by 0 x 0, found window 9 x 9, stride 1 x 1"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 3 1 0 same relu 0", "stride 1 x 0"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 3 1 1 full relu 0", "layer 4: expected the words"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 3 1 1 same relu", "layer 4: expected the words"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 3 1 1 same gelu 0", "layer 4: expected the words"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 x 1 1 same relu 0", "layer 4: expected the words"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 99999999999 1 1 same relu 0",
     "layer 4: expected the words"},
    {"conv2d 5 3 3 1 1 same relu 0", "conv2d 5 3 1 1 1 same relu 0",
     "4.conv2d.weight: expected shape [3, 1, 1, 5], found [3, 3, 1, 5]"},
    {"conv2d 6 2 1 1 2 valid", "conv2d 2147483647 2 1 1 2 valid", "found 2147483647 filters"},
    {"[3,3,1,5]", "[3,3,5,1]", "expected shape [3, 3, 1, 5], found [3, 3, 5, 1]"},
    {"max_pool2d 2 3 1 2 same", "max_pool2d 17 16 1 2 same", "at most 256 positions, found 17 x"},
    {"max_pool2d 2 3 1 2 same", "max_pool2d 2 3 1 same", "layer 8: expected the words of a layer"},
    {"max_pool2d 2 3 1 2 same", "max_pool2d 4 4 1 2 valid", "found window 4 x 4"},
    {"max_pool2d 2 3 1 2 same", "min_pool2d 2 3 1 2 same", "layer 8: expected the words"},
    {"average_pool2d 2 3 1 2 same", "average_pool2d -1 3 1 2 same", "layer 10"},
    {"batch_norm 0.899999976", "batch_norm 1.5", "layer 5 batch_norm: expected a momentum"},
    {"9.99999975e-06 1", "0 1", "layer 5 batch_norm: expected a momentum"},
    {"9.99999975e-06 1", "9.99999975e-06", "layer 5: expected the words of a layer"},
    {"9.99999975e-06 1", "9.99999975e-06 yes", "layer 5: expected the words of a layer"},
    {"9.99999975e-06 1", "inf 1", "layer 5: expected the words of a layer"},
    {"spatial_dropout 0.25", "spatial_dropout 1", "layer 6 spatial_dropout: expected a rate"},
    {"spatial_dropout 0.25", "spatial_dropout", "layer 6: expected the words of a layer"},
    {"add 4", "add 7", "layer 7 add: expected an earlier layer of shape 3 x 4 x 5, found layer 7"},
    {"add 4", "add 1", "expected an earlier layer of shape 3 x 4 x 5, found layer 1 of 3 x 4 x 1"},
    {"add 4", "add inputs", "layer 7: expected the words of a layer"},
    {"add 4", "add 4 4", "layer 7: expected the words of a layer"},
    {"add 4", "add -1", "layer 7"},
    {"add input", "add", "layer 3: expected the words of a layer"},
    {"\"5.batch_norm.mean\"", "\"5.batch_norm.median\"",
     "expected tensors of the model, found \"5.batch_norm.median\""},
    {"\"5.batch_norm.mean\"", "\"4.batch_norm.mean\"",
     "expected tensors of the model, found \"4.batch_norm.mean\""},
    {"\"5.batch_norm.mean\"", "\"5.batch_norm.beta\"",
     "5.batch_norm.beta: expected once, found twice"},
    {"\"5.batch_norm.gamma\"", "\"5.batch_norm.weight\"",
     "expected tensors of the model, found \"5.batch_norm.weight\""},
    {"\"4.conv2d.bias\"", "\"4.conv2d.gamma\"",
     "expected tensors of the model, found \"4.conv2d.gamma\""},
};

#define WORDS_OF_0 "conv2d 6 3 3 1 1 explicit 1 1 linear 0 no_bias"
#define WORDS_OF_2 "max_pool2d 3 2 1 2 explicit 1 0"
#define WORDS_OF_3 "average_pool2d 3 3 1 2 explicit 2 1"
static const damage pytorch_damages[] = {
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 linear 0",
     "expected a tensor 0.conv2d.bias, found"},
    {"dense 3 linear 0", "dense 3 linear 0 no_bias",
     "expected tensors of the model, found \"8.dense.bias\""},
    {"relu 0;", "relu 0 no_bias;", "expected tensors of the model, found \"4.conv2d.bias\""},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 linear 0 nobias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 linear 0 bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 linear no_bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 no_bias linear 0", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 linear 0 no_bias 1", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 linear 0 no_bias no_bias no_bias no_bias",
     "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 linear 0 no_bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit linear 0 no_bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1 1 linear 0", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 1", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 same 1 1 linear 0 no_bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit -1 1 linear 0 no_bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 x linear 0 no_bias", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 2147483648 linear 0", "layer 0: expected the words"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 1 3 linear 0 no_bias",
     "layer 0 conv2d: expected pads of at most 2 x 2 under explicit padding, found 1 x 3"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 2147483647 2147483647 linear 0 no_bias",
     "found 2147483647 x 2147483647"},
    {WORDS_OF_0, "conv2d 6 2147483647 3 1 1 explicit 2147483646 1 linear 0 no_bias",
     "layer 0 conv2d: expected a window and strides from 1 x 1 that fit an input of 3 x 4 x 1"},
    {WORDS_OF_0, "conv2d 1 268435456 1 1 1 explicit 268435455 0 linear 0 no_bias",
     "layer 0 conv2d: expected 1 or more filters and an activation, at most 268435456 weights"},
    {WORDS_OF_0, "conv2d 6 6 7 1 1 explicit 1 1 linear 0 no_bias",
     "fit an input of 3 x 4 x 1, padded by 1 x 1, found window 6 x 7, stride 1 x 1"},
    {WORDS_OF_0, "conv2d 6 3 3 1 1 explicit 2 2 linear 0 no_bias",
     "7.dense.weight: expected shape [18, 5], found [12, 5]"},
    {WORDS_OF_2, "max_pool2d 3 2 1 2 explicit 1", "layer 2: expected the words"},
    {WORDS_OF_2, "max_pool2d 3 2 1 2 explicit", "layer 2: expected the words"},
    {WORDS_OF_2, "max_pool2d 3 2 1 2 explicit 1 0 0", "layer 2: expected the words"},
    {WORDS_OF_2, "max_pool2d 3 2 1 2 explicit 1 0 no_bias", "layer 2: expected the words"},
    {WORDS_OF_2, "max_pool2d 3 2 1 2 valid 1 0", "layer 2: expected the words"},
    {WORDS_OF_2, "max_pool2d 3 2 1 2 explicit 1 2", "layer 2 max_pool2d: expected pads of at most"},
    {WORDS_OF_3, "average_pool2d 99999 99999 1 1 explicit 99998 99998",
     "layer 3 average_pool2d: expected at most 268435456 outputs, found 100"},
    {"leaky_relu 0.200000003 no_bias", "leaky_relu no_bias 0", "layer 7: expected the words"},
    {"leaky_relu 0.200000003 no_bias", "leaky_relu 0 no_bias no", "layer 7: expected the words"},
    {"leaky_relu 0.200000003 no_bias", "leaky_relu 0 0", "layer 7: expected the words"},
};

static void damages_of_words_for_pads_and_biases_are_named(void)
{
    check_damages_of(pytorch_model(), pytorch_damages, COUNT(pytorch_damages));
}

static void damages_of_image_layers_are_named(void)
{
    check_damages_of(image_model(), image_damages, COUNT(image_damages));
}

/* What people hand to a loader by mistake. */
static void strangers_are_named(void)
{
    static const struct {
        const char *bytes, *words;
    } strangers[] = {
        {"", "not a safetensors file: expected 8 bytes or more, found 0"},
        {"# README",
         "not a safetensors file: expected a header's length and '{', found \"# README\""},
        {"<!DOCTYPE html>\n<html>", "and '{', found \"<!DOCTYPE html>?<html>\""},
        {"\x89PNG\r\n\x1a\n....", "and '{', found \"?PNG????....\""},
    };
    static const char *const others[] = {
        ("{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F32\",\"shape\":[],"
         "\"data_offsets\":[0,4]}}"), /* in parentheses: clang 14 sees a missing comma else */
        "{\"__metadata__\":{\"format\":\"\xc3\xa9 \\u00e9 \\n \\\"\"}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"__metadata__\":{},\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
    };
    file_bytes four = bytes_copy("\0\0\0\0\0\0\0\0\0\0\0\0", 12), f;
    fnn_error error;
    int i;
    for (i = 0; i < COUNT(strangers); i++) {
        f = bytes_copy(strangers[i].bytes, strlen(strangers[i].bytes));
        CHECK(!loads(f, &error));
        CHECKF(strstr(error.message, strangers[i].words) != NULL, "%s", error.message);
        free(f.bytes);
    }
    for (i = 0; i < COUNT(others); i++) {
        f = with_header(others[i], four);
        CHECK(!loads(f, &error));
        CHECKF(strstr(error.message, "safetensors, but not written by this library: expected "
                                     "\"library\" in __metadata__, found ") != NULL,
               "%s", error.message);
        CHECKF(strstr(error.message, i < 2 ? "found \"format\" (fnn_load_weights reads"
                                           : "found none (fnn_load_weights reads") != NULL,
               "%s", error.message);
        free(f.bytes);
    }
    free(four.bytes);
}

/* Without normalisation there is no input.shift; a model that has one must not be read without. */
static void a_missing_tensor_is_named(void)
{
    fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
    file_bytes good, f;
    char text[4000];
    fnn_error error;
    char *place;
    fnn_dense(m, 2, FNN_RELU);
    fnn_seal(m);
    CHECK(!fnn_save(m, path_of("a"), NULL));
    good = bytes_of(path_of("a"));
    snprintf(text, sizeof text, "%.*s", (int)header_size(good), (const char *)good.bytes + 8);
    place = strstr(text, "none");
    if (CHECK(place != NULL)) memcpy(place, "mean", 4);
    f = with_header(text, good);
    CHECK(!loads(f, &error));
    CHECKF(strstr(error.message, "expected a tensor input.shift, found none") != NULL, "%s",
           error.message);
    free(f.bytes);
    free(good.bytes);
    fnn_model_free(m);
}

/* Sizes that a file claims: no memory is taken for more than it holds. */
static void claims_cost_nothing(void)
{
    static const struct {
        const char *input, *layers;
    } claims[] = {
        {"1 1 268435456", "dense 1 relu 0; flatten"},
        {"16384 16384 1", "dense 1 relu 0; flatten"},
        {"1 1 268435456", "rescale; flatten"},
        {"1 1 16384", "dense 16384 relu 0;dense 16384 relu 0;dense 16384 relu 0"},
    };
    static uint8_t large[(1 << 24) + 4096];
    file_bytes good = small_file(), f;
    char header[1000];
    budget memory;
    fnn_context_config config = fnn_context_config_init();
    fnn_error error;
    int i;
    config.allocator = budget_open(&memory);
    for (i = 0; i < COUNT(claims); i++) {
        snprintf(header, sizeof header,
                 "{\"__metadata__\":{\"library\":\"fmnist_nn "
                 "0.2.0\",\"input\":\"%s\",\"normalization\":\"mean\","
                 "\"loss\":\"mean_squared_error\",\"label_smoothing\":\"0\",\"epsilon\":\"0\","
                 "\"seed\":\"0\",\"layers\":\"%s\"}}",
                 claims[i].input, claims[i].layers);
        f = with_header(header, good);
        f.size = 8 + strlen(header);
        memory.requests = 0;
        memory.allowed = 4; /* the model, its layers, the marks and the places of what is seen */
        CHECK(!load_from(f, "f", &config, &error) && error.code == FNN_ERROR_FORMAT);
        CHECKF(strstr(error.message, "expected a tensor input.shift") != NULL, "%s", error.message);
        CHECK(memory.requests == 4 && memory.live == 0);
        free(f.bytes);
    }
    f.bytes = large;
    f.size = sizeof large;
    large[0] = 1; /* a header of 2^24 + 1 bytes, which are there */
    large[3] = 1;
    large[8] = '{';
    memory.requests = 0;
    CHECK(!load_from(f, "f", &config, &error) && memory.requests == 0);
    CHECKF(strstr(error.message, "header of at most 16777216 bytes, found one of 16777217"), "%s",
           error.message);
    free(good.bytes);
}

/* As files of 0.2.0 were before a sigmoid at the end got a layer of its own: it gets it now. And
 * what no model has: the outputs rescaled twice. */
static void a_sigmoid_within_the_last_layer_is_read(void)
{
    static const char *const layers[2] = {"dense 1 sigmoid 0", "rescale; rescale"};
    static uint8_t bytes[8 + 2 * sizeof(fnn_real)];
    const fnn_real x = 1;
    const fnn_dataset data = table_of(&x, 1, 1);
    char header[600];
    file_bytes empty, f;
    fnn_error error;
    int i;
    empty.bytes = bytes;
    empty.size = sizeof bytes;
    for (i = 0; i < 2; i++) {
        const fnn_context_config config = fnn_context_config_init();
        const int size = (int)sizeof(fnn_real);
        fnn_model *m;
        fnn_real y = -1;
        snprintf(header, sizeof header,
                 "{\"__metadata__\":{\"library\":\"fmnist_nn 0.2.0\",\"input\":\"1 1 1\","
                 "\"normalization\":\"none\",\"loss\":\"mean_squared_error\","
                 "\"label_smoothing\":\"0\",\"epsilon\":\"0\",\"seed\":\"0\","
                 "\"layers\":\"%s\"},\"0.dense.weight\":{\"dtype\":\"%s\",\"shape\":[1,1],"
                 "\"data_offsets\":[0,%d]},\"0.dense.bias\":{\"dtype\":\"%s\",\"shape\":[1],"
                 "\"data_offsets\":[%d,%d]}}",
                 layers[i], FNNI_DTYPE, size, FNNI_DTYPE, size, 2 * size);
        f = with_header(header, empty);
        m = load_from(f, "f", &config, &error);
        if (i) CHECK(!m && strstr(error.message, "layer 1: expected the words of a layer"));
        else CHECK(m && m->layer_count == 2 && !fnn_predict(m, NULL, &data, &y) && y * 2 == 1);
        fnn_model_free(m);
        free(f.bytes);
    }
}

/* Layers whose parameters together are more than a size_t of 32 bits can count. */
static void sums_of_sizes_stop(void)
{
    char header[2000], *p = header;
    file_bytes empty, f;
    fnn_error error;
    int l;
    empty.bytes = (uint8_t *)"\0\0\0\0\0\0\0\0";
    empty.size = 8;
    p += sprintf(p, "{\"__metadata__\":{\"library\":\"fmnist_nn 0.2.0\",\"input\":\"1 1 16384\","
                    "\"normalization\":\"none\",\"loss\":\"mean_squared_error\","
                    "\"label_smoothing\":\"0\",\"epsilon\":\"0\",\"seed\":\"0\",\"layers\":\"");
    for (l = 0; l < 17; l++) p += sprintf(p, "%sdense 16384 relu 0", l ? ";" : "");
    sprintf(p, "\"}}");
    f = with_header(header, empty);
    CHECK(!loads(f, &error));
    CHECKF(strstr(error.message, sizeof(size_t) > 4
                                     ? "expected a tensor 0.dense.weight"
                                     : "layers: expected parameters that can be counted") != NULL,
           "%s", error.message);
    free(f.bytes);
}

/* A header of many layers or tensors, as large as is read, is refused in little time and memory. */
static void large_headers_are_refused(void)
{
    const char *front =
        "{\"__metadata__\":{\"library\":\"fmnist_nn 0.2.0\",\"input\":\"1 1 1\","
        "\"normalization\":\"none\",\"loss\":\"mean_squared_error\","
        "\"label_smoothing\":\"0\",\"epsilon\":\"0\",\"seed\":\"0\",\"layers\":\"flatten";
    const char *tensor = ",\"0.flatten.x\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,0]}";
    const size_t size = QUICK() ? 1 << 20 : 1 << 24;
    char *text = (char *)need(size + 200), *p = text;
    file_bytes empty, f;
    fnn_error error;
    empty.bytes = (uint8_t *)"\0\0\0\0\0\0\0\0";
    empty.size = 8;
    for (p += sprintf(p, "%s", front); p < text + size - 100;) p += sprintf(p, ";flatten");
    sprintf(p, "\"}}");
    f = with_header(text, empty);
    CHECK(!loads(f, &error));
    CHECKF(strstr(error.message, "expected at most 10000 layers, found one more: \"flatten\"") !=
               NULL,
           "%s", error.message);
    free(f.bytes);
    p = text;
    for (p += sprintf(p, "%s\"}", front); p < text + size - 100;) p += sprintf(p, "%s", tensor);
    sprintf(p, "}");
    f = with_header(text, empty);
    CHECK(!loads(f, &error));
    CHECKF(strstr(error.message, "expected tensors of the model, found \"0.flatten.x\"") != NULL,
           "%s", error.message);
    free(f.bytes);
    free(text);
}

/* A file takes its own size twice and 8 MiB at most, whatever it says of layers. */
static void a_model_takes_no_more_memory_than_it_says(void)
{
    fnn_model *m = fnn_sequential(1, 1, 1);
    budget memory;
    fnn_context_config config = fnn_context_config_init();
    file_bytes f;
    fnn_error error;
    int i;
    for (i = 0; i < 10000; i++) fnn_flatten(m);
    CHECK(!fnn_seal(m) && !fnn_save_memory(m, NULL, 0, &f.size, NULL));
    f.bytes = (uint8_t *)need(f.size);
    CHECK(!fnn_save_memory(m, f.bytes, f.size, &f.size, NULL));
    write_bytes(path_of("a"), f.bytes, f.size);
    free(f.bytes);
    fnn_model_free(m);
    config.allocator = budget_open(&memory);
    m = fnn_load(path_of("a"), &config, &error);
    CHECKF(m && fnn_layer_count(m) == 10000, "%s", error.message);
    CHECKF(memory.most < 2 * f.size + (8 << 20) && memory.most > (1 << 20), "%lu",
           (unsigned long)memory.most);
    fnn_model_free(m);
}

/* ---- arguments ---- */

static void wrong_calls_are_errors(void)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m = fnn_sequential_with(NULL, 3, 4, 1);
    fnn_error error;
    CHECK(fnn_save(NULL, path_of("a"), &error) == FNN_ERROR_MEMORY);
    CHECK(strstr(error.message, "no memory for a model") != NULL);
    fnn_dense(m, 2, FNN_RELU);
    CHECK(fnn_save(m, path_of("a"), &error) == FNN_ERROR_STATE);
    CHECK(strstr(error.message, "without weights (fnn_seal)") != NULL);
    CHECK(fnn_save(m, path_of("a"), NULL) == FNN_ERROR_STATE);
    fnn_seal(m);
    CHECK(fnn_save(m, "", &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "found an empty one") != NULL);
    CHECK(fnn_save(m, NULL, &error) == FNN_ERROR_ARGUMENT);
    *fnn_parameters(m, NULL) = (fnn_real)NAN; /* is saved as it is */
    CHECK(fnn_save(m, path_of("a"), NULL) == FNN_OK);
    fnn_model_free(m);
    m = fnn_sequential_with(NULL, 3, 4, 1);
    fnn_dense(m, -1, FNN_RELU);
    CHECK(fnn_save(m, path_of("a"), &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "layer 0 dense: expected") != NULL);
    fnn_model_free(m);
    CHECK(!fnn_load(NULL, NULL, &error) && error.code == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_load(path_of("none"), NULL, &error) && error.code == FNN_ERROR_FILE);
    CHECK(strstr(error.message, "/none: cannot be opened: ") != NULL);
    CHECK(!fnn_load(path_of("none"), NULL, NULL));
    config.threads = -7;
    CHECK(!fnn_load(path_of("a"), &config, &error) && error.code == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "threads: expected") != NULL);
    m = fnn_sequential_with(NULL, 1, 1, 1);
    while (m->layer_count <= FNNI_MAX_LAYERS) fnn_flatten(m);
    fnn_seal(m);
    CHECK(fnn_save(m, path_of("a"), &error) == FNN_ERROR_STATE);
    CHECK(strstr(error.message, "at most 10000 layers, found 10001") != NULL);
    fnn_model_free(m);
}

/* ---- memory that runs out ---- */

static void every_allocation_may_fail(void)
{
    budget memory;
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m, *n;
    fnn_error error;
    int allowed, done, once;
    config.allocator = budget_open(&memory);
    m = named_model(&config);
    for (once = 0; once < 2; once++) {
        const int live = memory.live;
        memory.once = once;
        memory.allowed = 0;
        CHECK(fnn_save(m, path_of("new"), &error) == FNN_ERROR_MEMORY && memory.live == live);
        CHECK(strstr(error.message, "/new: no memory for ") != NULL);
        CHECK(files_named("new") == 0);
        memory.allowed = -1;
        CHECK(!fnn_save(m, path_of("a"), &error));
        for (allowed = 0, done = 0; !done && allowed < 50; allowed++) {
            memory.allowed = allowed;
            memory.failed = 0;
            n = fnn_load(path_of("a"), &config, &error);
            done = memory.failed == 0;
            memory.allowed = -1;
            CHECKF(done == (n != NULL), "after %d: %s", allowed, n ? "loads" : error.message);
            if (!n) CHECK(error.code == FNN_ERROR_MEMORY && memory.live == live);
            if (!done) continue;
            CHECK(same_models(m, n, 0));
            fnn_model_free(n);
            CHECK(memory.live == live && allowed >= 7);
        }
        CHECK(done);
    }
    fnn_model_free(m);
    CHECK(memory.live == 0);
}

/* ---- disks that fail ---- */

/* Saves over an old file with failing operations, and looks at what is there. Returns whether
 * nothing failed. */
static int save_failing(fnn_model *model, file_bytes old, file_bytes fresh, int once)
{
    fnn_error error;
    const fnn_result result = fnn_save(model, path_of("a"), &error);
    const int failed = disk.failed, at = disk.fail_at;
    file_bytes found;
    disk_well();
    found = bytes_of(path_of("a"));
    CHECKF((result == FNN_ERROR_FILE) == (failed > 0), "operation %d: %d", at, (int)result);
    if (failed == 0) {
        CHECK(same_bytes(found, fresh));
    } else {
        const int placed = strstr(error.message, "in place, but its directory") != NULL;
        CHECKF(same_bytes(found, placed ? fresh : old), "operation %d: %s", at, error.message);
        CHECKF(strstr(error.message, "/a: ") && strstr(error.message, strerror(ENOSPC)), "%s",
               error.message);
        CHECKF(!placed || at > 5, "operation %d: %s", at, error.message);
    }
    CHECKF(files_named(".tmp") == 0, "operation %d, %s: a temporary file is left", at,
           once ? "once" : "forever");
    free(found.bytes);
    return failed == 0;
}

static void every_operation_of_a_save_may_fail(void)
{
    fnn_model *before = model_make(NULL, 0, 1), *after = model_make(NULL, 0, 2), *loaded;
    file_bytes old, fresh;
    int once, n, done, operations = 0;
    CHECK(!fnn_save(before, path_of("a"), NULL) && !fnn_save(after, path_of("b"), NULL));
    old = bytes_of(path_of("a"));
    fresh = bytes_of(path_of("b"));
    for (once = 0; once < 2; once++)
        for (n = 1, done = 0; !done && n < 100; n++) {
            disk_well();
            disk.fail_at = n;
            disk.forever = !once;
            disk.code = ENOSPC;
            disk.most = 1000;
            done = save_failing(after, old, fresh, once);
            operations = n - 1;
            loaded = load_or_say(path_of("a"));
            CHECK(same_models(loaded, done ? after : before, 0) || !done);
            fnn_model_free(loaded);
            write_bytes(path_of("a"), old.bytes, old.size);
        }
    CHECKF(operations > 8, "only %d", operations); /* open, writes, fsync, close, rename, ... */
    free(old.bytes);
    free(fresh.bytes);
    fnn_model_free(before);
    fnn_model_free(after);
}

/* Created, written, synced, closed, renamed; the directory opened, synced. In another order a loss
 * of power could leave a new name with half of its file. */
static void a_save_syncs_before_it_replaces(void)
{
    fnn_model *m = model_make(NULL, 1, 1);
    disk_well();
    CHECK(!fnn_save(m, path_of("a"), NULL));
    CHECKF(!strcmp(disk.log, "cwseros"), "%s", disk.log);
    disk_well();
    fnn_model_free(m);
}

/* Whether it is this directory that was synced: by what it is, whatever path opened it. */
static int synced(const char *folder)
{
    struct stat s;
    return !stat(folder, &s) && s.st_dev == disk.synced.st_dev && s.st_ino == disk.synced.st_ino;
}

/* Another directory's sync would leave the new name to a loss of power. That of a symbolic link
 * changes nothing: its target's does. */
static void a_save_syncs_the_directory_of_the_file(void)
{
    static const struct {
        const char *name, *folder, *other;
    } saves[] = {
        {"file", "", "d"}, {"d/file", "d", ""},   {"d//file", "d", ""}, {"down", "d", ""},
        {"d/up", "", "d"}, {"absolute", "d", ""}, {"d/./d", "d", ""},
    };
    const int before = open(".", O_RDONLY);
    fnn_model *m = model_make(NULL, 1, 1);
    char far[300], root[] = "/file";
    int i;
    snprintf(far, sizeof far, "%s", path_of("d/far"));
    CHECK(!mkdir(path_of("d"), 0700) && !symlink("d/file", path_of("down")));
    CHECK(!symlink("../file", path_of("d/up")) && !symlink(far, path_of("absolute")));
    for (i = 0; i < COUNT(saves); i++) {
        disk_well();
        CHECK(!synced(path_of(saves[i].folder)));
        CHECK(!fnn_save(m, path_of(saves[i].name), NULL));
        CHECKF(synced(path_of(saves[i].folder)), "%s: not its own", saves[i].name);
        CHECK(!synced(path_of(saves[i].other)) && !synced("/") && !synced("."));
    }
    CHECK(before >= 0 && !chdir(path_of("")));
    for (i = 0; i < 3; i++) { /* from within, without a slash: the last is a link */
        disk_well();
        CHECK(!fnn_save(m, i == 0 ? "file" : i == 1 ? "d/file" : "down", NULL));
        CHECKF(synced(i == 0 ? "." : "d"), "from within, %d: not its own", i);
        CHECK(!synced(i == 0 ? "d" : "."));
    }
    CHECK(!fchdir(before) && !close(before));
    CHECK(!strcmp(fnni_directory_of(root), "/")); /* where few may save */
    remove(path_of("d/file")), remove(path_of("d/up")), remove(path_of("d/d")), remove(far);
    CHECK(!rmdir(path_of("d")) && !remove(path_of("down")) && !remove(path_of("absolute")));
    disk_well();
    fnn_model_free(m);
}

/* A directory that may not be read, or cannot be synced as such, is no failure. */
static void directories_may_be_odd(void)
{
    fnn_model *m = model_make(NULL, 1, 1);
    int last, code;
    disk_well();
    CHECK(!fnn_save(m, path_of("a"), NULL));
    last = disk.count;
    for (code = 0; code < 3; code++) {
        fnn_error error;
        const fnn_result expected = code == 2 ? FNN_ERROR_FILE : FNN_OK;
        disk_well();
        disk.fail_at = code == 1 ? last - 1 : last; /* the directory's open, its fsync */
        disk.code = code == 0 ? EINVAL : code == 1 ? EACCES : EIO;
        CHECK(fnn_save(m, path_of("a"), &error) == expected && disk.failed == 1);
        disk_well();
    }
    fnn_model_free(m);
}

static void short_and_interrupted_writes_go_on(void)
{
    fnn_model *m = model_make(NULL, 0, 1), *n;
    size_t most;
    for (most = 1; most < 9000; most = most * 3 + 1) {
        disk_well();
        disk.most = most;
        disk.interrupt = 1;
        CHECK(!fnn_save(m, path_of("a"), NULL));
        disk_well();
        n = load_or_say(path_of("a"));
        CHECK(n && same_models(m, n, 0));
        fnn_model_free(n);
    }
    fnn_model_free(m);
}

static void a_full_disk_is_an_error(void)
{
    fnn_model *m = model_make(NULL, 1, 1), *n;
    fnn_error error;
    disk_well();
    CHECK(!fnn_save(m, path_of("a"), NULL));
    disk.instead = "/dev/full";
    if (access(disk.instead, W_OK)) {
        SKIP("this machine has no /dev/full");
    } else {
        fnn_set_seed(m, 9);
        CHECK(fnn_save(m, path_of("a"), &error) == FNN_ERROR_FILE);
        CHECKF(strstr(error.message, "/a: cannot be written: No space left") != NULL, "%s",
               error.message);
        fnn_set_seed(m, 1);
    }
    disk_well();
    n = load_or_say(path_of("a"));
    CHECK(n && same_models(m, n, 0));
    fnn_model_free(m);
    fnn_model_free(n);
}

static void places_that_take_no_file(void)
{
    static const struct {
        const char *name, *words;
    } places[] = {
        {"", "expected a file or nothing there, found a directory"},
        {"no such/a", "/no such/a: cannot create a file beside it: No such file"},
        {"plain/a", "/plain/a: cannot create a file beside it: Not a directory"},
        {"locked/a", "/locked/a: cannot create a file beside it: Permission denied"},
    };
    fnn_model *m = model_make(NULL, 1, 1);
    struct stat s;
    fnn_error error;
    int i;
    disk_well();
    write_bytes(path_of("plain"), "x", 1);
    CHECK(!mkdir(path_of("locked"), 0500));
    for (i = 0; i < COUNT(places); i++) {
        if (i == 3 && geteuid() == 0) continue; /* who may write everywhere */
        CHECK(fnn_save(m, path_of(places[i].name), &error) == FNN_ERROR_FILE);
        CHECKF(strstr(error.message, places[i].words) != NULL, "%s", error.message);
        CHECK(fnn_check_writable(path_of(places[i].name), &error) == FNN_ERROR_FILE);
        CHECKF(strstr(error.message, places[i].words) != NULL, "before: %s", error.message);
    }
    rmdir(path_of("locked"));
    /* what is no file is not replaced; a pipe of the test's own, since a library that did would
       ruin the machine's device */
    CHECK(!mkfifo(path_of("pipe"), 0600));
    CHECK(fnn_save(m, path_of("pipe"), &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "/pipe: expected a file or nothing there") != NULL, "%s",
           error.message);
    CHECK(fnn_check_writable(path_of("pipe"), &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "found a directory or a device") != NULL, "%s", error.message);
    CHECK(!stat(path_of("pipe"), &s) && S_ISFIFO(s.st_mode));
    CHECK(!fnn_load(path_of(""), NULL, &error) && error.code != FNN_OK);
    fnn_model_free(m);
}

/* Who could not read the old file cannot read the new one, and who could still can, whatever the
 * umask; a new file has what that leaves. */
static void permissions_stay(void)
{
    static const unsigned modes[] = {0600, 0666, 0640, 0777, 0400, 0444};
    const mode_t umask_before = umask(0027);
    fnn_model *m = model_make(NULL, 1, 1);
    struct stat s;
    int i;
    disk_well();
    remove(path_of("a"));
    CHECK(!fnn_save(m, path_of("a"), NULL) && !stat(path_of("a"), &s));
    CHECKF((s.st_mode & 0777) == 0640, "of a new file: mode %o", (unsigned)s.st_mode);
    for (i = 0; i < COUNT(modes); i++) {
        CHECK(!chmod(path_of("a"), (mode_t)modes[i]));
        CHECK(!fnn_save(m, path_of("a"), NULL) && !stat(path_of("a"), &s));
        CHECKF((s.st_mode & 0777) == modes[i], "of %o: %o", modes[i], (unsigned)s.st_mode);
    }
    umask(umask_before);
    fnn_model_free(m);
}

static int is_link(const char *name, const char *to)
{
    char text[300];
    const ssize_t length = readlink(path_of(name), text, sizeof text - 1);
    if (length < 0) return 0;
    text[length] = 0;
    return !strcmp(text, to);
}

/* A link, and a link to it from another directory, stay; the file at their end is replaced. */
static void symbolic_links_stay(void)
{
    fnn_model *m = model_make(NULL, 1, 1), *other = model_make(NULL, 1, 2), *found;
    struct stat s;
    fnn_error error;
    char far[300];
    int i;
    disk_well();
    CHECK(!mkdir(path_of("d"), 0700));
    snprintf(far, sizeof far, "%s", path_of("d/far"));
    CHECK(!symlink("file", path_of("d/near")) && !symlink("d/near", path_of("link")));
    CHECK(!symlink(far, path_of("absolute")));
    for (i = 0; i < 2; i++) { /* the file is made, then replaced */
        CHECKF(!fnn_check_writable(path_of("link"), &error), "%s", error.message);
        CHECKF(!fnn_save(i ? other : m, path_of("link"), &error), "%s", error.message);
        CHECK(is_link("link", "d/near") && is_link("d/near", "file"));
        CHECK(!lstat(path_of("d/file"), &s) && S_ISREG(s.st_mode));
        found = load_or_say(path_of("d/file"));
        CHECK(same_models(found, i ? other : m, 0) && files_named(".tmp") == 0);
        fnn_model_free(found);
    }
    CHECK(!fnn_save(m, path_of("absolute"), NULL) && is_link("absolute", far));
    found = load_or_say(far);
    CHECK(same_models(found, m, 0));
    fnn_model_free(found);
    CHECK(!symlink("circle", path_of("circle")));
    CHECK(fnn_save(m, path_of("circle"), &error) == FNN_ERROR_FILE && is_link("circle", "circle"));
    CHECKF(strstr(error.message, "/circle: expected symbolic links that lead to a file, found a c"),
           "%s", error.message);
    remove(path_of("d/file")), remove(path_of("d/near")), remove(far);
    CHECK(!symlink("nowhere/file", path_of("d/near")));
    CHECK(fnn_save(m, path_of("link"), &error) == FNN_ERROR_FILE && is_link("link", "d/near"));
    CHECKF(strstr(error.message, "d/nowhere/file: cannot create a file beside it"), "%s",
           error.message);
    remove(path_of("d/near")), rmdir(path_of("d"));
    fnn_model_free(m);
    fnn_model_free(other);
}

/* Whether a message holds nothing that a terminal obeys, and a ? in place of that. */
static int is_harmless(const char *message)
{
    const char *p;
    for (p = message; *p; p++)
        if ((uint8_t)*p < ' ' || *p == 127) return 0;
    return !strstr(message, "\xe2\x80\xae") && strchr(message, '?') != NULL;
}

/* Not a path's characters, nor those of a symbolic link. */
static void messages_hold_no_control_characters_of_paths(void)
{
    static const char *const names[] = {"a\x1b[2Jb", "a\nb", "a\xe2\x80\xaez", "a\xff", "a\x7f"};
    char link[400], text[400];
    fnn_model *m = named_model(NULL);
    fnn_error error;
    int i;
    for (i = 0; i < COUNT(names); i++) {
        CHECK(!fnn_load(path_of(names[i]), NULL, &error));
        CHECKF(is_harmless(error.message), "%d: %s", i, error.message);
        snprintf(link, sizeof link, "%s", path_of("odd link"));
        snprintf(text, sizeof text, "none/%s", names[i]);
        CHECKF(!symlink(text, link), "%s", strerror(errno));
        CHECK(fnn_save(m, link, &error) == FNN_ERROR_FILE);
        CHECKF(is_harmless(error.message) && strstr(error.message, "none/a?"), "%d: %s", i,
               error.message);
        remove(link);
    }
    CHECK(!fnn_load(path_of("\xc3\xa9"), NULL, &error) && strstr(error.message, "/\xc3\xa9: "));
    fnn_model_free(m);
}

/* ---- places that are tried before ---- */

/* Created, written, closed; nothing is left of it, and what stands there keeps bytes and time. */
static void trying_a_place_leaves_it_as_it_was(void)
{
    struct stat before, after;
    fnn_error error;
    int i;
    disk_well();
    CHECKF(!fnn_check_writable(path_of("tried"), &error), "%s", error.message);
    CHECKF(!strcmp(disk.log, "cwe"), "%s", disk.log);
    CHECK(files_named("tried") == 0);
    write_bytes(path_of("tried"), "old", 3);
    for (i = 0; i < 2; i++) {
        file_bytes f;
        CHECK(!chmod(path_of("tried"), i ? 0400 : 0600) && !stat(path_of("tried"), &before));
        CHECKF(!fnn_check_writable(path_of("tried"), &error), "%s", error.message);
        CHECK(!stat(path_of("tried"), &after) && before.st_mtime == after.st_mtime);
        CHECK(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
        f = bytes_of(path_of("tried"));
        CHECK(f.size == 3 && !memcmp(f.bytes, "old", 3) && files_named("tried") == 1);
        free(f.bytes);
    }
    remove(path_of("tried"));
}

static void trying_a_place_finds_what_a_save_would(void)
{
    static const char *const words[] = {"cannot create a file beside it", "cannot be written",
                                        "cannot be closed"};
    fnn_error error;
    int at;
    CHECK(fnn_check_writable(NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "expected a path, found NULL") != NULL);
    CHECK(fnn_check_writable("", &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "found an empty one") != NULL);
    CHECK(fnn_check_writable(NULL, NULL) == FNN_ERROR_ARGUMENT);
    for (at = 0; at < 5; at++) {
        disk_well();
        if (at < 3) disk.fail_at = at + 1;
        else if (at == 3) disk.keep = 1;
        else disk.interrupt = 1; /* no failure */
        disk.code = ENOSPC;
        CHECK(fnn_check_writable(path_of("tried"), &error) == (at < 4 ? FNN_ERROR_FILE : FNN_OK));
        disk_well();
        if (at < 3)
            CHECKF(strstr(error.message, words[at]) && strstr(error.message, strerror(ENOSPC)),
                   "%s", error.message);
        if (at == 3) CHECKF(strstr(error.message, "cannot be replaced"), "%s", error.message);
        CHECKF(files_named("tried") == (at == 3), "operation %d", at);
        if (at == 3) remove_directory(); /* with what could not be removed */
        if (at == 3) CHECK(!mkdir(directory, 0700));
    }
}

static void trying_a_place_may_lack_memory(void)
{
    budget memory;
    const fnn_allocator allocator = budget_open(&memory);
    fnn_error error;
    disk_well();
    CHECK(!fnni_save_possible(path_of("tried"), &allocator, &error));
    CHECK(memory.requests == 1 && memory.live == 0);
    memory.allowed = 0;
    CHECK(fnni_save_possible(path_of("tried"), &allocator, &error) == FNN_ERROR_MEMORY);
    CHECKF(strstr(error.message, "/tried: no memory for ") != NULL, "%s", error.message);
    CHECK(files_named("tried") == 0);
}

static void every_operation_of_a_load_may_fail(void)
{
    fnn_model *m = model_make(NULL, 1, 1), *n;
    fnn_error error;
    int at, done = 0;
    disk_well();
    CHECK(!fnn_save(m, path_of("a"), NULL));
    for (at = 1; !done && at < 20; at++) {
        disk_well();
        disk.fail_at = at;
        disk.code = EIO;
        n = fnn_load(path_of("a"), NULL, &error);
        done = disk.failed == 0;
        CHECKF(done == (n != NULL), "operation %d", at);
        if (!n)
            CHECKF(error.code == FNN_ERROR_FILE && strstr(error.message, "/a: cannot be "), "%s",
                   error.message);
        fnn_model_free(n);
    }
    disk_well();
    CHECK(done && at == 4); /* open, read, all well */
    fnn_model_free(m);
}

/* ---- programs that end ---- */

/* Frees what the parent made, else a leak checker blames the child. */
static void end_child(fnn_model *a, fnn_model *b, int status)
{
    fnn_model_free(a);
    fnn_model_free(b);
    _exit(status);
}

/* A save in a process that ends before or after operation n; returns whether it outlived it. */
static int save_killed(fnn_model *model, fnn_model *other, int moment)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        disk_well();
        disk.kill_at = moment;
        disk.most = 500;
        status = fnn_save(model, path_of("a"), NULL) != FNN_OK;
        end_child(model, other, status);
    }
    if (!CHECK(child > 0 && waitpid(child, &status, 0) == child)) return 1;
    if (WIFEXITED(status)) return CHECK(WEXITSTATUS(status) == 0), 1;
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return 0;
}

static void a_killed_save_leaves_a_model(void)
{
    fnn_model *before = model_make(NULL, 0, 1), *after = model_make(NULL, 0, 2);
    int moment, olds = 0, news = 0, over = 0;
    fflush(NULL);
    path_of("a"); /* the directory is this process's */
    for (moment = 1; !over && moment < 200; moment++) {
        fnn_model *found;
        disk_well();
        CHECK(!fnn_save(before, path_of("a"), NULL));
        over = save_killed(after, before, moment);
        found = load_or_say(path_of("a"));
        if (same_models(found, before, 0)) olds++;
        else if (CHECK(same_models(found, after, 0))) news++;
        fnn_model_free(found);
    }
    CHECKF(over && olds > 10 && news >= 5, "%d old, %d new", olds, news);
    CHECK(files_named(".tmp") > 0); /* the killed ones' */
    fnn_model_free(before);
    fnn_model_free(after);
}

/* The name that a save to "many" writes under when i others are taken. */
static const char *left_over(int i)
{
    static char name[1200];
    snprintf(name, sizeof name, "%s.tmp-%ld-%d", path_of("many"), (long)getpid(), i);
    return name;
}

/* What kills left behind takes no save its name, where each process has the same number, too. */
static void left_overs_do_not_end_saves(void)
{
    fnn_model *m = model_make(NULL, 0, 1);
    int i;
    disk_well();
    for (i = 0; i < 1100; i++) write_bytes(left_over(i), "x", 1);
    CHECK(!fnn_save(m, path_of("many"), NULL));
    CHECK(access(left_over(1100), F_OK) && access(path_of("many"), F_OK) == 0);
    for (i = 0; i < 1100; i++) CHECKF(remove(left_over(i)) == 0, "%s is not there", left_over(i));
    fnn_model_free(m);
}

/* Two programs save to one place, a third loads from it. */
static void saves_at_once_do_not_mix(void)
{
    fnn_model *one = model_make(NULL, 0, 1), *two = model_make(NULL, 0, 2);
    pid_t child;
    int i, status = 1, mine = 0, others = 0;
    disk_well();
    CHECK(!fnn_save(one, path_of("a"), NULL));
    fflush(NULL);
    child = fork();
    if (child == 0) {
        status = 0;
        for (i = 0; i < 60; i++) status |= fnn_save(two, path_of("a"), NULL) != FNN_OK;
        end_child(one, two, status);
    }
    for (i = 0; i < 60; i++) {
        fnn_model *found;
        CHECK(!fnn_save(one, path_of("a"), NULL));
        found = load_or_say(path_of("a"));
        if (same_models(found, one, 0)) mine++;
        else if (CHECK(same_models(found, two, 0))) others++;
        fnn_model_free(found);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(mine + others == 60);
    fnn_model_free(one);
    fnn_model_free(two);
}

/* ---- the file in another language ---- */

static int read_model(const char *model, const char *inputs, const char *outputs)
{
    char command[1500];
    snprintf(command, sizeof command,
             "/usr/bin/python3 tests/read_model.py '%s' '%s' '%s' >/dev/null 2>&1", model, inputs,
             outputs);
    return system(command);
}

static void numpy_reads_the_file(void)
{
    const fnn_dense_config bias_free = {8, FNN_RELU, 1};
    const fnn_dataset data = samples();
    static fnn_real y[ROWS * CLASSES];
    const int two = 1, big = *(const char *)&two == 0;
    fnn_fit_config config = fnn_fit_config_init();
    fnn_model *m;
    if (system("/usr/bin/python3 -c 'import numpy' >/dev/null 2>&1")) {
        SKIP("/usr/bin/python3 has no numpy");
        return;
    }
    if (big) {
        SKIP("the predictions would be written in this machine's order");
        return;
    }
    disk_well();
    m = fnn_sequential_with(NULL, 3, 4, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_dense(m, 20, FNN_RELU);
    fnn_dropout(m, (fnn_real)0.2);
    fnn_dense(m, 9, FNN_TANH);
    fnn_dense_with(m, &bias_free);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    CHECK(!fnn_fit(m, &data, &config, NULL) && !fnn_predict(m, NULL, &data, y));
    CHECK(!fnn_save(m, path_of("a"), NULL));
    write_bytes(path_of("x"), pixels, sizeof pixels);
    write_bytes(path_of("y"), y, sizeof y);
    CHECK(read_model(path_of("a"), path_of("x"), path_of("y")) == 0);
    y[7] += (fnn_real)1e-4; /* the check, checked */
    write_bytes(path_of("y"), y, sizeof y);
    CHECK(read_model(path_of("a"), path_of("x"), path_of("y")) != 0);
    fnn_model_free(m);
}

static const harness_test tests[] = {
    TEST(a_model_comes_back),
    TEST(layers_of_images_come_back),
    TEST(layers_without_biases_come_back),
    TEST(the_longest_words_come_back),
    TEST(every_setting_comes_back),
    TEST(a_loss_function_is_asked_for),
    TEST(every_layer_is_saved),
    TEST(normalised_targets_come_back),
    TEST(a_model_has_the_threads_it_should),
    TEST(unusual_models_come_back),
    TEST(a_loaded_model_has_its_shapes),
    TEST(any_weights_come_back),
    TEST(the_bytes_are_safetensors),
    TEST(names_and_notes_come_back),
    TEST(memory_holds_the_same_bytes),
    TEST(a_function_takes_the_same_bytes),
    TEST(a_function_gives_a_file),
    TEST(files_of_earlier_versions_load),
    TEST(names_come_from_a_data_set),
    TEST(many_names_are_found),
    TEST(wrong_names_are_refused),
    TEST(notes_have_a_limit),
    TEST(other_json_is_read),
    TEST(tensors_may_be_listed_in_any_order),
    TEST(strangers_are_named),
    TEST(a_comma_of_the_locale_stays_out),
    TEST(every_truncation_is_refused),
    TEST(every_flipped_bit_is_refused),
    TEST(a_missing_checksum_is_named),
    TEST(every_flipped_bit_is_harmless),
    TEST(every_damage_is_named),
    TEST(damages_of_image_layers_are_named),
    TEST(damages_of_words_for_pads_and_biases_are_named),
    TEST(convolutions_have_no_negative_slope),
    TEST(a_missing_tensor_is_named),
    TEST(claims_cost_nothing),
    TEST(sums_of_sizes_stop),
    TEST(a_sigmoid_within_the_last_layer_is_read),
    TEST(large_headers_are_refused),
    TEST(a_model_takes_no_more_memory_than_it_says),
    TEST(wrong_calls_are_errors),
    TEST(every_allocation_may_fail),
    TEST(every_operation_of_a_save_may_fail),
    TEST(a_save_syncs_before_it_replaces),
    TEST(a_save_syncs_the_directory_of_the_file),
    TEST(directories_may_be_odd),
    TEST(short_and_interrupted_writes_go_on),
    TEST(a_full_disk_is_an_error),
    TEST(places_that_take_no_file),
    TEST(permissions_stay),
    TEST(symbolic_links_stay),
    TEST(messages_hold_no_control_characters_of_paths),
    TEST(trying_a_place_leaves_it_as_it_was),
    TEST(trying_a_place_finds_what_a_save_would),
    TEST(trying_a_place_may_lack_memory),
    TEST(every_operation_of_a_load_may_fail),
    TEST(a_killed_save_leaves_a_model),
    TEST(left_overs_do_not_end_saves),
    TEST(saves_at_once_do_not_mix),
    TEST(numpy_reads_the_file),
};
HARNESS_MAIN(tests)
