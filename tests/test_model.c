/* Building models: shapes, errors that name what was expected and found, memory that runs out. */
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"
#include "samples.h"
#include <limits.h>
#include <math.h>

static const fnn_initializer glorot = {FNN_GLOROT_UNIFORM, 1};

static void shapes_are_inferred(void)
{
    fnn_model *m = fnn_sequential(28, 28, 1);
    char text[2000];
    size_t count;
    CHECK(fnn_flatten(m) == 0);
    CHECK(fnn_dense(m, 128, FNN_RELU) == 1);
    CHECK(fnn_dropout(m, (fnn_real)0.5) == 2);
    CHECK(fnn_dense(m, 10, FNN_SOFTMAX) == 4); /* the softmax is a layer of its own */
    CHECK(fnn_parameters(m, &count) != NULL);
    CHECKF(count == 784 * 128 + 128 + 128 * 10 + 10, "%lu parameters", (unsigned long)count);
    CHECK(fnn_summary(m, text, sizeof text) == strlen(text));
    CHECK(strstr(text, "101770 parameters") != NULL);
    CHECK(fnn_summary(m, text, 10) > 9 &&
          strlen(text) == 9); /* cut, and says how long it would be */
    CHECK(fnn_summary(m, NULL, 0) > 0);
    fnn_model_free(m);
}

/* One failing builder, the message it must leave, and that everything after it fails the same. */
static void check_broken(fnn_model *m, fnn_result code, const char *words)
{
    CHECKF(strstr(fnn_model_error(m)->message, words) != NULL, "'%s' lacks '%s'",
           fnn_model_error(m)->message, words);
    CHECK(fnn_model_error(m)->code == code);
    CHECK(fnn_dense(m, 10, FNN_RELU) == -1);
    CHECK(fnn_seal(m) == code);
    CHECK(fnn_fit(m, NULL, NULL, NULL) == code);
    CHECK(fnn_parameters(m, NULL) == NULL);
    CHECKF(strstr(fnn_model_error(m)->message, words) != NULL, "the first message was lost: '%s'",
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

static void builders_leave_their_error(void)
{
    const fnn_initializer none = {FNN_INITIALIZER_COUNT, 1};
    fnn_model *m = fnn_sequential(0, 28, 1);
    check_broken(m, FNN_ERROR_ARGUMENT, "found 0 x 28 x 1");
    m = fnn_sequential(1 << 20, 1 << 20, 1 << 20);
    check_broken(m, FNN_ERROR_ARGUMENT, "input: expected");
    m = fnn_sequential(28, 28, 1);
    fnn_dense(m, 10, FNN_RELU);
    fnn_dense(m, 0, FNN_RELU);
    check_broken(m, FNN_ERROR_ARGUMENT, "layer 1 dense: expected 1 to");
    m = fnn_sequential(28, 28, 1);
    fnn_dense(m, INT_MAX, FNN_RELU);
    check_broken(m, FNN_ERROR_ARGUMENT, "found 2147483647 units");
    m = fnn_sequential(28, 28, 1);
    fnn_dropout(m, 1);
    check_broken(m, FNN_ERROR_ARGUMENT, "layer 0 dropout: expected a rate in [0, 1), found 1");
    m = fnn_sequential(28, 28, 1);
    fnn_dropout(m, (fnn_real)NAN);
    check_broken(m, FNN_ERROR_ARGUMENT, "dropout");
    m = fnn_sequential(28, 28, 1);
    fnn_activate(m, FNN_ACTIVATION_COUNT, 0);
    check_broken(m, FNN_ERROR_ARGUMENT, "layer 0 activation: expected an activation, found");
    m = fnn_sequential(28, 28, 1);
    fnn_set_initializer(m, glorot, none);
    check_broken(m, FNN_ERROR_ARGUMENT, "initializer");
    m = fnn_sequential(28, 28, 1);
    fnn_set_loss(m, FNN_LOSS_COUNT, 0, 0);
    check_broken(m, FNN_ERROR_ARGUMENT, "loss: expected");
    m = fnn_sequential(28, 28, 1);
    fnn_activate(m, FNN_LEAKY_RELU, (fnn_real)-0.1);
    check_broken(m, FNN_ERROR_ARGUMENT,
                 "layer 0 activation: expected a finite parameter of at least 0");
    m = fnn_sequential(28, 28, 1);
    fnn_activate(m, FNN_ELU, (fnn_real)NAN);
    check_broken(m, FNN_ERROR_ARGUMENT, "at least 0");
    m = fnn_sequential(28, 28, 1);
    fnn_activate(m, FNN_LEAKY_RELU, (fnn_real)INFINITY);
    check_broken(m, FNN_ERROR_ARGUMENT, "a finite parameter of at least 0, found inf");
    m = fnn_sequential(28, 28, 1);
    fnn_set_loss(m, FNN_LOSS_EPSILON_INSENSITIVE, 0, (fnn_real)INFINITY);
    check_broken(m, FNN_ERROR_ARGUMENT, "a finite epsilon >= 0, found 5, 0, inf");
}

/* Whether it fails so, and zeroes its output. */
static int evaluation_fails(const fnn_model *m, const fnn_dataset *data, fnn_result code)
{
    fnn_metrics metrics, zeros;
    memset(&metrics, 0xff, sizeof metrics);
    memset(&zeros, 0, sizeof zeros);
    return fnn_evaluate(m, NULL, data, &metrics) == code && !memcmp(&metrics, &zeros, sizeof zeros);
}

/* What a broken model, or none, returns is the same everywhere, inference included. */
static void broken_models_fail_the_same(void)
{
    fnn_context *context = fnn_context_create(NULL, NULL);
    fnn_model *m = fnn_sequential(2, 2, 1);
    const fnn_real pixels[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    fnn_dataset data;
    fnn_real y[4];
    int32_t classes[4];
    memset(&data, 0, sizeof data);
    fnn_dense(m, 4, FNN_RELU);
    CHECK(fnn_reserve(m, context) == FNN_ERROR_STATE);
    CHECK(fnn_predict(m, NULL, &data, y) == FNN_ERROR_STATE);
    CHECK(evaluation_fails(m, &data, FNN_ERROR_STATE));
    fnn_dense(m, -1, FNN_RELU);
    CHECK(fnn_reserve(m, context) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict(m, NULL, &data, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_classes(m, NULL, &data, classes) == FNN_ERROR_ARGUMENT);
    CHECK(evaluation_fails(m, &data, FNN_ERROR_ARGUMENT));
    CHECK(fnn_evaluate(m, NULL, &data, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_reserve(NULL, context) == FNN_ERROR_MEMORY);
    CHECK(fnn_predict(NULL, NULL, &data, y) == FNN_ERROR_MEMORY);
    CHECK(fnn_predict_classes(NULL, NULL, &data, classes) == FNN_ERROR_MEMORY);
    CHECK(evaluation_fails(NULL, &data, FNN_ERROR_MEMORY));
    fnn_model_free(m);
    m = fnn_sequential(2, 2, 1);
    fnn_dense(m, 4, FNN_RELU);
    fnn_seal(m);
    CHECK(evaluation_fails(m, NULL, FNN_ERROR_ARGUMENT)); /* of data that are none, */
    CHECK(evaluation_fails(m, &data, FNN_ERROR_ARGUMENT));
    data.count = data.height = data.width = 2, data.channels = 1;
    data.reals = pixels;
    CHECK(evaluation_fails(m, &data, FNN_ERROR_ARGUMENT)); /* or have no labels */
    fnn_model_free(m);
    fnn_context_free(context);
}

/* A builder's call on a model in use fails alone: the model predicts as before. */
static void late_builders_fail_alone(void)
{
    const fnn_initializer none = {FNN_INITIALIZER_COUNT, 1};
    const fnn_initializer zeros = {FNN_ZEROS, 0}, left_out = {FNN_HE_NORMAL, 0};
    const fnn_real x[8] = {1, 2, 3, 4, 5, 6, 7, 9}, poison[4] = {1, (fnn_real)NAN, 0, 0};
    fnn_model *m = fnn_sequential(2, 2, 1);
    fnn_real before[4], after[4];
    fnn_dataset data, bad;
    memset(&data, 0, sizeof data);
    data.count = data.height = data.width = 2;
    data.channels = 1;
    data.reals = x;
    bad = data;
    bad.reals = poison;
    bad.count = 1;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_dense(m, 2, FNN_RELU);
    CHECK(!fnn_seal(m) && !fnn_predict(m, NULL, &data, before));
    CHECK(fnn_dense(m, 2, FNN_RELU) == -1);
    CHECK(strstr(fnn_model_error(m)->message, "takes no more layers") != NULL);
    CHECK(fnn_set_loss(m, FNN_LOSS_COUNT, 0, 0) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_initializer(m, none, none) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_initializer(m, left_out, zeros) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "of weights 0 with FNN_ZEROS alone, found 0 and 0") !=
          NULL);
    CHECK(fnn_set_initializer(m, zeros, zeros) == FNN_OK);
    CHECK(fnn_normalize(m, FNN_NORMALIZE_MEAN, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_normalize(m, FNN_NORMALIZE_MEAN, &bad) == FNN_ERROR_NUMERIC);
    CHECK(strstr(fnn_model_error(m)->message, "layers") == NULL);
    CHECK(!fnn_predict(m, NULL, &data, after) && !memcmp(before, after, sizeof before));
    CHECK(fnn_seal(m) == FNN_OK && fnn_model_error(m)->code == FNN_OK);
    fnn_model_free(m);
}

/* Shapes whose product is right by a wrap of int, or by two signs, are wrong. */
static void shapes_that_wrap_are_refused(void)
{
    static const int shapes[][3] = {{3, 1431655766, 2}, {-2, -2, 1}, {1 << 16, 1 << 16, 4}};
    const fnn_real x[4] = {1, 2, 3, 4};
    fnn_model *m = fnn_sequential(2, 2, 1);
    fnn_dataset data;
    int i;
    fnn_dense(m, 1, FNN_RELU);
    fnn_seal(m);
    memset(&data, 0, sizeof data);
    data.count = 1;
    data.reals = x;
    for (i = 0; i < 3; i++) {
        data.height = shapes[i][0];
        data.width = shapes[i][1];
        data.channels = shapes[i][2];
        CHECK(fnn_normalize(m, FNN_NORMALIZE_MEAN, &data) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_forward(m, &data, NULL, 1, 1) == FNN_ERROR_ARGUMENT);
    }
    fnn_model_free(m);
}

static int shapes_fail(const fnn_model *m, fnn_result code)
{
    int in[3] = {7, 7, 7}, out[3] = {7, 7, 7}, i, zeros = 0;
    for (i = 0; i < 2; i++) /* one of them may be NULL */
        if (fnn_shapes(m, i ? NULL : in, i ? out : NULL) != code) return 0;
    for (i = 0; i < 3; i++) zeros += (in[i] == 0) + (out[i] == 0);
    return zeros == 6;
}

static void shapes_are_told_or_zeroed(void)
{
    fnn_model *m = fnn_sequential(7, 5, 2);
    int in[3] = {0, 0, 0}, out[3] = {0, 0, 0};
    fnn_conv2d(m, 3, 3, FNN_VALID, FNN_RELU);
    CHECK(!fnn_shapes(m, in, out) && !fnn_shapes(m, NULL, NULL));
    CHECK(in[0] == 7 && in[1] == 5 && in[2] == 2 && out[0] == 5 && out[1] == 3 && out[2] == 3);
    fnn_max_pool2d(m, 4); /* breaks it */
    CHECK(shapes_fail(m, FNN_ERROR_ARGUMENT) && shapes_fail(NULL, FNN_ERROR_MEMORY));
    fnn_model_free(m);
}

/* Each result has words of its own; what must come first is named. */
static void results_have_words(void)
{
    int i, j;
    for (i = 0; i < FNN_RESULT_COUNT; i++)
        for (j = 0; j < i; j++)
            CHECK(strcmp(fnn_result_text((fnn_result)i), fnn_result_text((fnn_result)j)) != 0);
    CHECK(strstr(fnn_result_text(FNN_ERROR_STATE), "for a new model fnn_seal or fnn_fit") != NULL);
    CHECK(strlen(fnn_result_text(FNN_RESULT_COUNT)) > 0 &&
          strlen(fnn_result_text((fnn_result)-1)) > 0);
}

static void null_model_has_no_layers(void)
{
    const fnn_real x = 1;
    fnn_tensor t;
    size_t count = 1;
    int shape[3] = {1, 1, 1};
    CHECK(fnn_set_trainable(NULL, 0, 0) && fnn_set_rate_factor(NULL, 0, 1));
    CHECK(fnn_normalize_with(NULL, &x, NULL, 1) &&
          fnn_normalize_targets(NULL, FNN_NORMALIZE_MEAN, NULL));
    CHECK(fnn_set_loss_function(NULL, NULL, NULL) && !fnn_copy(NULL, NULL, NULL));
    CHECK(fnn_layer_count(NULL) == 0 && !strcmp(fnn_layer_name(NULL, 0), "unknown"));
    CHECK(fnn_layer_shape(NULL, 0, shape) && shape[0] == 0 && fnn_layer_shape(NULL, 0, NULL));
    CHECK(fnn_tensor_at(NULL, 0, 0, &t) && !t.values && fnn_tensor_at(NULL, 0, 0, NULL));
    CHECK(fnn_tensor_get(NULL, 0, "weight", &t) && !t.name && fnn_tensor_get(NULL, 0, NULL, NULL));
    CHECK(!fnn_tensor_values(NULL, 0, "weight", &count) && count == 0);
    count = 1;
    CHECK(!fnn_tensor_gradient(NULL, 0, NULL, &count) && count == 0);
    CHECK(fnn_backward_from(NULL, &x) && fnn_backward_to_input(NULL, NULL, NULL));
    CHECK(fnn_predict_layer(NULL, NULL, NULL, 0, NULL) && fnn_predict_one(NULL, NULL, &x, NULL));
}

static void null_model_is_accepted(void)
{
    fnn_fit_config config = fnn_fit_config_init();
    fnn_model *by_default;
    CHECK(fnn_dense(NULL, 1, FNN_RELU) == -1);
    CHECK(fnn_dropout(NULL, 0) == -1 && fnn_flatten(NULL) == -1 &&
          fnn_activate(NULL, FNN_RELU, 0) == -1);
    CHECK(fnn_set_seed(NULL, 1) && fnn_set_loss(NULL, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0) &&
          fnn_seal(NULL));
    CHECK(fnn_set_initializer(NULL, glorot, glorot) &&
          fnn_normalize(NULL, FNN_NORMALIZE_MEAN, NULL));
    CHECK(fnn_fit(NULL, NULL, NULL, NULL) && fnn_forward(NULL, NULL, NULL, 1, 1) &&
          fnn_loss(NULL, NULL));
    CHECK(fnn_backward(NULL) && fnn_step(NULL, &config) && fnn_predict(NULL, NULL, NULL, NULL));
    CHECK(!fnn_parameters(NULL, NULL) && !fnn_gradients(NULL, NULL) && !fnn_outputs(NULL));
    CHECK(fnn_evaluate(NULL, NULL, NULL, NULL) && fnn_reserve(NULL, NULL) &&
          !fnn_memory_size(NULL, 1));
    null_model_has_no_layers();
    CHECK(fnn_model_error(NULL)->code == FNN_ERROR_MEMORY);
    fnn_model_free(NULL);
    by_default = fnn_sequential_with(NULL, 1, 1, 3);
    CHECK(fnn_dense(by_default, 2, FNN_LINEAR) == 0 && !fnn_seal(by_default));
    fnn_model_free(by_default);
}

static void empty_model_is_an_error(void)
{
    fnn_model *m = fnn_sequential(2, 2, 1);
    CHECK(fnn_seal(m) == FNN_ERROR_STATE);
    CHECK(strstr(fnn_model_error(m)->message, "no layers") != NULL);
    fnn_dense(m, 1, FNN_LINEAR); /* not a builder's failure: the model can go on */
    CHECK(fnn_seal(m) == FNN_OK);
    fnn_model_free(m);
}

/* It has no array of them, not even to count from (UBSan watches). */
static void model_without_parameters_is_seeded_anew(void)
{
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_activate(m, FNN_TANH, 0);
    CHECK(!fnn_seal(m) && !fnn_set_seed(m, 1) && !fnn_parameters(m, NULL));
    CHECK(fnn_model_error(m)->code == FNN_OK);
    fnn_model_free(m);
}

/* Mean and deviation of each initialiser over many weights, within four standard errors. */
static void initialisers_have_their_deviation(void)
{
    typedef enum { NOT_THERE, WITHIN, NORMAL } family; /* the square of the bound, or variance */
    static const struct {
        family drawn;
        double square;
    } rows[FNN_INITIALIZER_COUNT] = {[FNN_GLOROT_UNIFORM] = {WITHIN, 6.0 / 500},
                                     [FNN_GLOROT_NORMAL] = {NORMAL, 2.0 / 500},
                                     [FNN_HE_NORMAL] = {NORMAL, 2.0 / 300},
                                     [FNN_HE_UNIFORM] = {WITHIN, 6.0 / 300},
                                     [FNN_FAN_IN_UNIFORM] = {WITHIN, 1.0 / 300},
                                     [FNN_NORMAL] = {NORMAL, 1},
                                     [FNN_UNIFORM] = {WITHIN, 1},
                                     [FNN_ZEROS] = {WITHIN, 0}};
    int kind;
    for (kind = 0; kind < FNN_INITIALIZER_COUNT; kind++) {
        const fnn_initializer start = {(fnn_initializer_kind)kind, (fnn_real)0.5};
        const double variance = rows[kind].square * 0.25 / (rows[kind].drawn == NORMAL ? 1 : 3);
        const double deviation = sqrt(variance);
        const double n = 300 * 200;
        double sum = 0, squares = 0;
        fnn_model *m = fnn_sequential(1, 1, 300);
        const fnn_real *w;
        size_t i;
        CHECKF(rows[kind].drawn != NOT_THERE, "kind %d has no row", kind);
        fnn_set_initializer(m, start, glorot);
        fnn_dense(m, 200, FNN_LINEAR);
        w = fnn_parameters(m, NULL);
        for (i = 0; i < 300 * 200; i++) {
            sum += (double)w[i];
            squares += (double)w[i] * (double)w[i];
        }
        CHECKF(fabs(sum / n) <= 4 * deviation / sqrt(n), "kind %d: mean %g", kind, sum / n);
        CHECKF(fabs(squares / n - variance) <= 4 * variance * sqrt(2.0 / n),
               "kind %d: variance %g, expected %g", kind, squares / n, variance);
        fnn_model_free(m);
    }
}

static void seeds_draw_weights_anew(void)
{
    fnn_model *a = fnn_sequential(1, 1, 8), *b = fnn_sequential(1, 1, 8);
    size_t n;
    fnn_dense(a, 8, FNN_RELU);
    fnn_dense(b, 8, FNN_RELU);
    fnn_set_seed(b, 7);
    fnn_parameters(a, &n);
    CHECK(memcmp(fnn_parameters(a, &n), fnn_parameters(b, NULL), n * sizeof(fnn_real)) != 0);
    fnn_set_seed(a, 7); /* after sealing: draws anew */
    CHECK(memcmp(fnn_parameters(a, &n), fnn_parameters(b, NULL), n * sizeof(fnn_real)) == 0);
    fnn_model_free(a);
    fnn_model_free(b);
}

/* ---- contexts ---- */

static void contexts_check_what_they_are_asked(void)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_error error;
    fnn_context *context;
    config.threads = 0;
    CHECK(!fnn_context_create(&config, &error) && strstr(error.message, "threads: expected"));
    config.threads = FNN_THREADS_MOST + 1;
    CHECK(!fnn_context_create(&config, &error) && strstr(error.message, "1 to 1024"));
    config.threads = FNN_THREADS_MOST;
    context = fnn_context_create(&config, &error);
    CHECK(context != NULL);
    fnn_context_free(context);
    config.threads = 1;
    config.isa = (fnn_isa)99;
    CHECK(!fnn_context_create(&config, &error) && error.code == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "expected one of best, ") && strstr(error.message, "found 99"),
           "%s", error.message);
    config.isa = fnn_isa_available(FNN_ISA_NEON) ? FNN_ISA_AVX2 : FNN_ISA_NEON;
    CHECK(!fnn_context_create(&config, &error));
    CHECKF(strstr(error.message,
                  fnn_isa_name(fnn_isa_available(FNN_ISA_AVX2) ? FNN_ISA_AVX2 : FNN_ISA_NEON)) &&
               strstr(error.message, "this machine and this build have, found "),
           "%s", error.message);
    config.isa = FNN_ISA_BEST;
    setenv("FNN_ISA", "scalar", 1);
    context = fnn_context_create(&config, &error);
    CHECK(context && strstr(fnn_info(context), "scalar"));
    fnn_context_free(context);
    setenv("FNN_ISA", "nonsense", 1);
    CHECK(!fnn_context_create(&config, &error) && strstr(error.message, "nonsense"));
    CHECK(strstr(fnn_info(NULL), ", no kernels (fnn_context_create says why),"));
    {
        fnn_model *m = fnn_sequential(1, 1, 1);
        CHECK(strstr(fnn_model_error(m)->message, "nonsense") != NULL);
        CHECK(fnn_dense(m, 1, FNN_RELU) == -1);
        fnn_model_free(m);
    }
    unsetenv("FNN_ISA");
}

/* ---- memory that runs out at the n-th request, for every n ---- */

/* Builds, fits, evaluates; returns the first result that is not FNN_OK. */
static fnn_result whole_life(const fnn_context_config *config, const fnn_dataset *data,
                             fnn_real *weights)
{
    fnn_fit_config fit = fnn_fit_config_init();
    fnn_model *m = fnn_sequential_with(config, 2, 2, 1);
    fnn_metrics metrics;
    fnn_history history;
    fnn_result result;
    size_t n;
    memset(&history, 0, sizeof history);
    history.allocator = config->allocator;
    fit.optimizer = fnn_adam(0.01);
    fit.batch_size = 4;
    fit.epochs = 2;
    fit.validation = data;
    fit.restore_best = 1;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_dense(m, 5, FNN_TANH);
    fnn_dropout(m, (fnn_real)0.25);
    fnn_dense(m, 3, FNN_SOFTMAX);
    result = fnn_fit(m, data, &fit, &history);
    if (!result) result = fnn_evaluate(m, NULL, data, &metrics);
    if (!result) {
        const fnn_real *w = fnn_parameters(m, &n);
        memcpy(weights, w, n * sizeof *w);
    }
    fnn_history_free(&history);
    fnn_model_free(m);
    return result;
}

static void every_allocation_may_fail(void)
{
    static const uint8_t pixels[9 * 4] = {1, 2, 3,   4,   9,  8,  7, 6, 5, 5,
                                          5, 5, 200, 100, 50, 25, 0, 0, 9};
    static const int32_t labels[9] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    fnn_real expected[64], found[64];
    fnn_context_config config = fnn_context_config_init();
    const fnn_dataset data = with_labels(images_of(pixels, 9, 2, 2, 1), labels, 3);
    budget b;
    int n;
    memset(expected, 0, sizeof expected);
    memset(found, 0, sizeof found);
    config.allocator = budget_open(&b);
    CHECK(whole_life(&config, &data, expected) == FNN_OK);
    CHECKF(b.live == 0, "%d blocks leak", b.live);
    CHECKF(b.requests > 8, "only %d requests: the check saw nothing", b.requests);
    for (b.once = 0; b.once < 2; b.once++)
        for (n = 0;; n++) {
            fnn_result result;
            b.allowed = n;
            b.live = b.failed = 0;
            result = whole_life(&config, &data, found);
            CHECKF(b.live == 0, "after %d allocations: %d blocks leak", n, b.live);
            CHECKF((result == FNN_ERROR_MEMORY) == (b.failed > 0), "after %d allocations: %s", n,
                   fnn_result_text(result));
            if (b.failed == 0 || !CHECK(n < 100)) break;
        }
    CHECK(memcmp(expected, found, sizeof expected) == 0);
}

static const harness_test tests[] = {TEST(shapes_are_inferred),
                                     TEST(builders_leave_their_error),
                                     TEST(broken_models_fail_the_same),
                                     TEST(late_builders_fail_alone),
                                     TEST(shapes_that_wrap_are_refused),
                                     TEST(shapes_are_told_or_zeroed),
                                     TEST(results_have_words),
                                     TEST(null_model_is_accepted),
                                     TEST(model_without_parameters_is_seeded_anew),
                                     TEST(empty_model_is_an_error),
                                     TEST(initialisers_have_their_deviation),
                                     TEST(seeds_draw_weights_anew),
                                     TEST(contexts_check_what_they_are_asked),
                                     TEST(every_allocation_may_fail)};
HARNESS_MAIN(tests)
