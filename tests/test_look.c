/* Looking into models and data sets: metrics of views, tensors by name, outputs of layers, copies,
 * and the calls that take one line. */
#include "../fmnist_nn.h"
#include "budget.h"
#include "files.h"
#include "harness.h"
#include "samples.h"
#include <math.h>

enum { ROWS = 200, SIDE = 6, INPUTS = SIDE * SIDE * 2, CLASSES = 3 };

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];

/* Learnable images, (6, 6, 2). */
static fnn_dataset samples(void)
{
    fill_bands(pixels, labels, ROWS, INPUTS, CLASSES, INPUTS / CLASSES, 100, 60);
    return fnn_dataset_images(pixels, labels, ROWS, SIDE, SIDE, 2, CLASSES);
}

static fnn_fit_config some_training(void)
{
    fnn_fit_config fit = fnn_fit_config_init();
    fit.optimizer = fnn_adam(0.01);
    fit.epochs = 2;
    return fit;
}

static inline int same(const fnn_real *a, const fnn_real *b, size_t count)
{
    return a && b && memcmp(a, b, count * sizeof *a) == 0;
}

/* ---- samples of views ---- */

static void views_tell_their_samples(void)
{
    const fnn_dataset data = samples();
    fnn_real targets[3 * 2] = {1, 0, 0, 1, 1, 1};
    const fnn_real x[3] = {7, 8, 9};
    const int64_t order[2] = {2, 0};
    fnn_dataset first, rest, table = fnn_dataset_regression(x, targets, 3, 1, 2), view;
    int64_t i;
    CHECK(!fnn_dataset_split(&data, 50, 1, 3, &first, &rest, NULL));
    for (i = 0; i < first.count; i++) {
        CHECK(fnn_dataset_row(&first, i) == first.index[i]);
        CHECK(fnn_dataset_label(&first, i) == labels[first.index[i]]);
    }
    CHECK(fnn_dataset_label(&first, -1) == -1 && fnn_dataset_label(&first, 50) == -1);
    CHECK(fnn_dataset_row(&first, 50) == -1 && fnn_dataset_row(NULL, 0) == -1);
    CHECK(fnn_dataset_target(&first, 0) == NULL && fnn_dataset_label(NULL, 0) == -1);
    CHECK(!fnn_dataset_subset(&table, order, 2, &view, NULL));
    CHECK(fnn_dataset_target(&view, 0) == targets + 4 && fnn_dataset_target(&view, 1) == targets);
    CHECK(fnn_dataset_target(&view, 2) == NULL && fnn_dataset_label(&view, 0) == -1);
    view.classes = 2; /* the targets are of classes: the first of two that are equal */
    CHECK(fnn_dataset_label(&view, 0) == 0 && fnn_dataset_label(&view, 1) == 0);
    targets[5] = 2;
    CHECK(fnn_dataset_label(&view, 0) == 1);
    fnn_dataset_free(&first), fnn_dataset_free(&rest), fnn_dataset_free(&view);
}

static void one_line_makes_a_data_set(void)
{
    const fnn_real x[6] = {1, 2, 3, 4, 5, 6}, targets[3] = {1, 2, 3};
    const fnn_dataset images = samples(),
                      byhand = with_labels(images_of(pixels, ROWS, SIDE, SIDE, 2), labels, CLASSES);
    const int32_t two[2] = {0, 1};
    fnn_dataset table = fnn_dataset_table(x, two, 2, 3, 2);
    fnn_dataset curve = fnn_dataset_regression(x, targets, 3, 2, 1);
    fnn_error error;
    CHECK(!memcmp(&images, &byhand, sizeof images) && !fnn_dataset_check(&images, NULL));
    CHECK(table.count == 2 && table.height == 1 && table.width == 1 && table.channels == 3);
    CHECK(table.reals == x && table.labels == two && table.classes == 2);
    CHECK(!fnn_dataset_check(&table, NULL));
    CHECK(curve.count == 3 && curve.channels == 2 && curve.targets == targets);
    CHECK(curve.target_count == 1 && curve.classes == 0 && !fnn_dataset_check(&curve, NULL));
    table = fnn_dataset_table(x, two, 2, 3, 1); /* what is wrong is found where it is used */
    CHECK(fnn_dataset_check(&table, &error) && strstr(error.message, "label 1"));
    curve = fnn_dataset_regression(x, targets, 3, 0, 1);
    CHECK(fnn_dataset_check(&curve, &error) && strstr(error.message, "1 x 1 x 0"));
    table = fnn_dataset_table(x, NULL, 2, 3, 0); /* to predict */
    CHECK(!fnn_dataset_check(&table, NULL));
}

/* ---- metrics of views ---- */

/* A model that has learned them, on data split at random. */
static fnn_model *trained(fnn_isa isa, const fnn_dataset *data)
{
    fnn_model *m = model_on(isa, 1, SIDE, SIDE, 2);
    const fnn_fit_config fit = some_training();
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    fnn_dense(m, 16, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    CHECK(!fnn_fit(m, data, &fit, NULL));
    return m;
}

/* What fnn_evaluate says of a view is what its outputs and the view say; the labels of its rows, in
 * their own order, say something else. */
static void metrics_find_a_views_labels(void)
{
    static fnn_real y[ROWS * CLASSES];
    const fnn_dataset data = samples();
    int isa;
    FOR_EACH_ISA(isa) {
        int64_t confusion[CLASSES * CLASSES], counts[CLASSES], hits = 0;
        fnn_dataset train, test;
        fnn_metrics metrics;
        fnn_model *m;
        int c, j;
        CHECK(!fnn_dataset_split(&data, 120, 1, 9, &train, &test, NULL));
        m = trained((fnn_isa)isa, &train);
        CHECK(!fnn_predict(m, NULL, &test, y) && !fnn_evaluate(m, NULL, &test, &metrics));
        CHECKF(metrics.accuracy > .8, "accuracy %g", metrics.accuracy);
        CHECK(fnn_accuracy_on(y, &test, CLASSES) == metrics.accuracy);
        CHECK(fnn_accuracy(y, test.labels, test.count, CLASSES) < .6);
        CHECK(fnn_top_k_on(y, &test, CLASSES, 1) == metrics.accuracy);
        CHECK(fnn_top_k_on(y, &test, CLASSES, CLASSES) == 1);
        CHECK(!fnn_confusion_on(y, &test, CLASSES, confusion));
        CHECK(!fnn_dataset_class_counts(&test, counts));
        for (c = 0; c < CLASSES; c++) {
            int64_t row = 0;
            for (j = 0; j < CLASSES; j++) row += confusion[c * CLASSES + j];
            CHECKF(row == counts[c], "class %d: %d of %d", c, (int)row, (int)counts[c]);
            hits += confusion[c * CLASSES + c];
        }
        CHECK((double)hits / (double)test.count == metrics.accuracy);
        fnn_model_free(m);
        fnn_dataset_free(&train), fnn_dataset_free(&test);
    }
}

/* The same of one-hot targets, accuracy and R2. */
static void metrics_find_a_views_targets(void)
{
    static fnn_real one_hot[ROWS * CLASSES], y[ROWS * CLASSES];
    fnn_dataset data = samples(), view;
    fnn_metrics metrics;
    fnn_model *m;
    int i;
    for (i = 0; i < ROWS * CLASSES; i++) one_hot[i] = i % CLASSES == labels[i / CLASSES];
    data.labels = NULL;
    data.targets = one_hot;
    data.target_count = CLASSES;
    m = trained(FNN_ISA_BEST, &data);
    CHECK(!fnn_dataset_shuffle(&data, 4, &view, NULL));
    CHECK(!fnn_predict(m, NULL, &view, y) && !fnn_evaluate(m, NULL, &view, &metrics));
    CHECK(fnn_accuracy_on(y, &view, CLASSES) == metrics.accuracy && metrics.accuracy > .8);
    CHECKF(fabs(fnn_r2_on(y, &view, CLASSES) - metrics.r2) < 1e-6, "R2 %g, %g",
           fnn_r2_on(y, &view, CLASSES), metrics.r2);
    CHECK(fnn_r2(y, view.targets, view.count, CLASSES) < metrics.r2 - .1);
    fnn_model_free(m);
    fnn_dataset_free(&view);
}

static void metrics_refuse_what_is_wrong(void)
{
    const fnn_real x[2] = {1, 2}, y[4] = {1, 0, 0, 1}, targets[2] = {3, 4};
    const int32_t two[2] = {0, 1};
    const fnn_dataset none = fnn_dataset_table(x, NULL, 2, 1, 0);
    const fnn_dataset curve = fnn_dataset_regression(x, targets, 2, 1, 1);
    fnn_dataset data = fnn_dataset_table(x, two, 2, 1, 2);
    static const int64_t zeros[4];
    int64_t confusion[4] = {9, 9, 9, 9};
    CHECK(fnn_accuracy_on(y, &data, 2) == 1 && isnan(fnn_accuracy_on(y, &none, 2)));
    CHECK(isnan(fnn_accuracy_on(NULL, &data, 2)) && isnan(fnn_accuracy_on(y, NULL, 2)));
    CHECK(isnan(fnn_accuracy_on(y, &data, 1)) && isnan(fnn_top_k_on(y, &data, 2, 0)));
    CHECK(isnan(fnn_accuracy_on(y, &curve, 1)) && isnan(fnn_r2_on(y, &data, 2)));
    CHECK(isnan(fnn_r2_on(y, &curve, 2)) && fnn_r2_on(targets, &curve, 1) == 1);
    CHECK(fnn_confusion_on(y, &none, 2, confusion) == FNN_ERROR_ARGUMENT);
    CHECK(confusion[0] == 0 && confusion[3] == 0);
    CHECK(fnn_confusion_on(y, &data, 2, NULL) == FNN_ERROR_ARGUMENT);
    memset(confusion, 0xAA, sizeof confusion);
    CHECK(fnn_confusion_on(NULL, &data, 2, confusion) == FNN_ERROR_ARGUMENT);
    CHECK(!memcmp(confusion, zeros, sizeof zeros));
    memset(confusion, 0xAA, sizeof confusion); /* the second sample is refused, the first counted */
    CHECK(fnn_confusion_on(y, &data, 1, confusion) == FNN_ERROR_ARGUMENT && confusion[0] == 0);
    memset(confusion, 0xAA, sizeof confusion);
    CHECK(!fnn_confusion_on(y, &data, 2, confusion) && confusion[0] == 1 && confusion[3] == 1);
    data.classes = 1; /* a label that the data set itself denies */
    CHECK(isnan(fnn_accuracy_on(y, &data, 2)));
}

/* ---- a network with every kind of layer that changes what is stored ---- */

enum { LAYERS = 14 };

/* Adds layer l; all of them: a fused pool, a residual, statistics, and a softmax of its own. */
static void add_layer(fnn_model *m, int l)
{
    switch (l) {
    case 0: fnn_batch_norm(m); break;
    case 1: fnn_conv2d(m, 5, 3, FNN_SAME, FNN_RELU); break;
    case 2: fnn_max_pool2d(m, 2); break;
    case 3: fnn_spatial_dropout(m, (fnn_real).1); break;
    case 4: fnn_conv2d(m, 5, 3, FNN_SAME, FNN_LINEAR); break;
    case 5: fnn_batch_norm(m); break;
    case 6: fnn_add(m, 2); break;
    case 7: fnn_activate(m, FNN_GELU, 0); break;
    case 8: fnn_average_pool2d(m, 2); break;
    case 9: fnn_flatten(m); break;
    case 10: fnn_dense(m, 8, FNN_TANH); break;
    case 11: fnn_dropout(m, (fnn_real).2); break;
    default: fnn_dense(m, CLASSES, FNN_SOFTMAX); break; /* 12 and 13 */
    }
}

static fnn_model *network(fnn_isa isa, int threads, const fnn_dataset *data, int layers)
{
    fnn_model *m = model_on(isa, threads, SIDE, SIDE, 2);
    int l;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    for (l = 0; l < layers; l++) add_layer(m, l);
    return m;
}

/* What a person does to copy a network by hand: every tensor by its name. */
static void copy_tensors(fnn_model *to, const fnn_model *from)
{
    fnn_tensor t;
    int l, i;
    for (l = -1; l < fnn_layer_count(to); l++)
        for (i = 0; !fnn_tensor_at(from, l, i, &t); i++) {
            size_t count;
            fnn_real *values = fnn_tensor_values(to, l, t.name, &count);
            if (!CHECK(values && count == t.count)) return;
            memcpy(values, t.values, count * sizeof *values);
        }
}

/* ---- tensors ---- */

static void tensors_have_names_and_shapes(void)
{
    static const struct {
        int layer;
        const char *name;
        int dimensions, shape[4], is_statistic;
    } expected[] = {
        {-1, "shift", 3, {SIDE, SIDE, 2, 0}, 1},  {-1, "scale", 3, {SIDE, SIDE, 2, 0}, 1},
        {0, "gamma", 1, {2, 0, 0, 0}, 0},         {0, "beta", 1, {2, 0, 0, 0}, 0},
        {0, "mean", 1, {2, 0, 0, 0}, 1},          {0, "variance", 1, {2, 0, 0, 0}, 1},
        {1, "weight", 4, {3, 3, 2, 5}, 0},        {1, "bias", 1, {5, 0, 0, 0}, 0},
        {4, "weight", 4, {3, 3, 5, 5}, 0},        {4, "bias", 1, {5, 0, 0, 0}, 0},
        {5, "gamma", 1, {5, 0, 0, 0}, 0},         {5, "beta", 1, {5, 0, 0, 0}, 0},
        {5, "mean", 1, {5, 0, 0, 0}, 1},          {5, "variance", 1, {5, 0, 0, 0}, 1},
        {10, "weight", 2, {5, 8, 0, 0}, 0},       {10, "bias", 1, {8, 0, 0, 0}, 0},
        {12, "weight", 2, {8, CLASSES, 0, 0}, 0}, {12, "bias", 1, {CLASSES, 0, 0, 0}, 0},
    };
    const fnn_dataset data = samples();
    fnn_model *m = network(FNN_ISA_BEST, 1, &data, LAYERS - 1);
    size_t count, next = 0;
    const fnn_real *w = fnn_parameters(m, &count), *g = fnn_gradients(m, NULL);
    fnn_tensor t, named;
    int l, i, d, n = 0;
    CHECK(fnn_layer_count(m) == LAYERS);
    for (l = -1; l < LAYERS; l++)
        for (i = 0; !fnn_tensor_at(m, l, i, &t); i++, n++) {
            CHECK(expected[n].layer == l && !strcmp(expected[n].name, t.name));
            CHECK(expected[n].dimensions == t.dimensions);
            for (d = 0; d < 4; d++) CHECK(expected[n].shape[d] == t.shape[d]);
            CHECK(expected[n].is_statistic == t.is_statistic);
            CHECK(!fnn_tensor_get(m, l, t.name, &named) && !memcmp(&t, &named, sizeof t));
            CHECK(fnn_tensor_values(m, l, t.name, NULL) == t.values);
            if (t.is_statistic) {
                CHECK(!t.gradient && !fnn_tensor_gradient(m, l, t.name, &count) && count == 0);
                CHECK(strstr(fnn_model_error(m)->message, "found the statistic") != NULL);
                continue;
            }
            CHECK(t.values == w + next && t.gradient == g + next);
            CHECK(fnn_tensor_gradient(m, l, t.name, &count) == t.gradient && count == t.count);
            next += t.count;
        }
    CHECKF(n == (int)(sizeof expected / sizeof *expected), "%d tensors", n);
    fnn_parameters(m, &count);
    CHECK(next == count); /* all of them have a name */
    fnn_model_free(m);
}

static void missing_tensors_are_named(void)
{
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_tensor t;
    size_t count = 7;
    fnn_dense(m, 2, FNN_SOFTMAX);
    CHECK(fnn_tensor_get(m, 0, "weight", &t) == FNN_ERROR_STATE && t.values == NULL);
    CHECK(fnn_tensor_at(m, 0, 0, &t) == FNN_ERROR_STATE);
    CHECK(fnn_tensor_values(m, 0, "weight", NULL) != NULL); /* seals it */
    CHECK(!fnn_tensor_get(m, 0, "weight", &t) && t.gradient == NULL && t.count == 6);
    CHECK(fnn_tensor_get(m, 0, "weights", &t) == FNN_ERROR_ARGUMENT && t.values == NULL);
    CHECK(fnn_tensor_get(m, 2, "weight", &t) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_tensor_get(m, -1, "shift", &t) == FNN_ERROR_ARGUMENT); /* it does not normalise */
    CHECK(fnn_tensor_get(m, 0, NULL, &t) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_tensor_get(m, 0, "weight", NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_tensor_at(m, 0, -1, &t) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_tensor_at(m, 0, 2, &t) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_tensor_get(NULL, 0, "weight", &t) == FNN_ERROR_MEMORY);
    CHECK(!fnn_tensor_values(m, 0, "weights", &count) && count == 0);
    CHECK(strstr(fnn_model_error(m)->message,
                 "layer 0 dense: its tensors are weight, bias, but \"weights\" was asked for") !=
          NULL);
    CHECK(!fnn_tensor_gradient(m, 1, "scale", NULL)); /* the softmax has none, the pair not that */
    CHECK(strstr(fnn_model_error(m)->message, "layer 0 dense: its tensors are weight") != NULL);
    CHECK(!fnn_tensor_values(m, 9, "bias", NULL));
    CHECK(strstr(fnn_model_error(m)->message, "a layer from -1 to 1, found 9") != NULL);
    CHECK(!fnn_tensor_values(NULL, 0, "bias", NULL) &&
          !fnn_tensor_gradient(NULL, 0, "bias", &count));
    fnn_model_free(m);
    m = fnn_sequential(1, 1, 0); /* broken */
    CHECK(fnn_tensor_get(m, 0, "weight", &t) == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_tensor_values(m, 0, "weight", NULL));
    fnn_model_free(m);
}

/* Whatever the activation, the number that a builder returns finds the layer's weights. */
static void builders_numbers_find_tensors(void)
{
    int a;
    for (a = 0; a < FNN_ACTIVATION_COUNT; a++) {
        fnn_model *m = fnn_sequential(5, 5, 2);
        const int conv = fnn_conv2d(m, 3, 3, FNN_SAME, (fnn_activation)a);
        const int pool = fnn_max_pool2d(m, 2);
        const int dense = fnn_dense(m, 4, (fnn_activation)a);
        fnn_tensor t;
        size_t count = 0;
        CHECK(fnn_tensor_values(m, conv, "weight", &count) && count == 3 * 3 * 2 * 3);
        CHECK(fnn_tensor_gradient(m, dense, "bias", &count) && count == 4);
        CHECK(!fnn_tensor_get(m, dense, "weight", &t) && t.count == 2 * 2 * 3 * 4 && t.gradient);
        CHECK(fnn_tensor_get(m, pool, "weight", &t) == FNN_ERROR_ARGUMENT);
        fnn_model_free(m);
    }
}

/* An activation that stands elsewhere lends no tensors of its neighbours. */
static void lone_activations_have_none(void)
{
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_tensor t;
    int norm, gelu, i, found = 0;
    fnn_dense(m, 3, FNN_RELU);
    norm = fnn_batch_norm(m);
    gelu = fnn_activate(m, FNN_GELU, 0);
    CHECK(!fnn_seal(m) && !fnn_tensor_get(m, norm, "gamma", &t));
    CHECK(fnn_tensor_get(m, gelu, "gamma", &t) == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_tensor_values(m, gelu, "weight", NULL));
    CHECK(strstr(fnn_model_error(m)->message, "activation: its tensors are none") != NULL);
    for (i = 0; i < fnn_layer_count(m); i++)
        found += !fnn_tensor_at(m, i, 0, &t); /* each tensor once */
    CHECK(found == 2);
    fnn_model_free(m);
}

/* fnn_parameters alone leave out what batch norms have measured: a copy of them predicts otherwise.
 * The tensors are all there is. */
static void tensors_make_a_whole_copy(void)
{
    static fnn_real y[ROWS * CLASSES], z[ROWS * CLASSES];
    const fnn_dataset data = samples();
    const fnn_fit_config fit = some_training();
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *m = network((fnn_isa)isa, 1, &data, LAYERS - 1);
        fnn_model *n = network((fnn_isa)isa, 1, &data, LAYERS - 1);
        size_t count;
        CHECK(!fnn_fit(m, &data, &fit, NULL) && !fnn_predict(m, NULL, &data, y));
        fnn_parameters(n, &count);
        memcpy(fnn_parameters(n, NULL), fnn_parameters(m, NULL), count * sizeof(fnn_real));
        CHECK(!fnn_predict(n, NULL, &data, z) && !same(y, z, ROWS * CLASSES));
        copy_tensors(n, m);
        CHECK(!fnn_predict(n, NULL, &data, z) && same(y, z, ROWS * CLASSES));
        fnn_model_free(m);
        fnn_model_free(n);
    }
}

/* Nothing is kept of weights between calls: what is written counts at once, in all of them. */
static void written_weights_count(void)
{
    static fnn_real y[ROWS * CLASSES], z[ROWS * CLASSES];
    const fnn_dataset data = samples();
    fnn_context *context = fnn_context_create(NULL, NULL);
    fnn_model *m = network(FNN_ISA_BEST, 1, &data, LAYERS - 1), *n;
    const fnn_fit_config fit = some_training();
    int round;
    CHECK(!fnn_fit(m, &data, &fit, NULL) && !fnn_forward(m, &data, NULL, ROWS, 0));
    for (round = 0; round < 3; round++) {
        size_t count, i;
        fnn_real *w = fnn_tensor_values(m,
                                        round == 0   ? 1
                                        : round == 1 ? 5
                                                     : 10,
                                        round == 1 ? "variance" : "weight", &count);
        CHECK(!fnn_predict(m, context, &data, y));
        for (i = 0; w && i < count; i++) w[i] *= (fnn_real)1.5;
        n = network(FNN_ISA_BEST, 1, &data, LAYERS - 1); /* has never predicted anything else */
        copy_tensors(n, m);
        CHECK(!fnn_predict(m, context, &data, z) && !same(y, z, ROWS * CLASSES));
        CHECK(!fnn_predict(n, NULL, &data, y) && same(y, z, ROWS * CLASSES));
        CHECK(!fnn_forward(m, &data, NULL, ROWS, 0) && same(fnn_outputs(m), y, ROWS * CLASSES));
        fnn_model_free(n);
    }
    fnn_model_free(m);
    fnn_context_free(context);
}

/* An autoencoder whose second matrix is the first one's transpose: the gradient of what they share
 * is the sum of both, as a central difference says. */
static void tied_weights(void)
{
    enum { IN = 4, HIDDEN = 3, COUNT = 5 };
    static fnn_real x[COUNT * IN];
    const double h = sizeof(fnn_real) == 4 ? 1e-2 : 1e-5;
    const double tolerance = sizeof(fnn_real) == 4 ? 2e-3 : 1e-8;
    fnn_dataset data = fnn_dataset_regression(x, x, COUNT, IN, IN);
    fnn_model *m = fnn_sequential(1, 1, IN);
    fnn_real *w1, *w2, *g1, *g2, sums[IN * HIDDEN];
    double loss[2];
    int i, j, sign;
    fill_reals(x, COUNT * IN, 1, 2);
    fnn_dense(m, HIDDEN, FNN_TANH);
    fnn_dense(m, IN, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    w1 = fnn_tensor_values(m, 0, "weight", NULL), g1 = fnn_tensor_gradient(m, 0, "weight", NULL);
    w2 = fnn_tensor_values(m, 1, "weight", NULL), g2 = fnn_tensor_gradient(m, 1, "weight", NULL);
    if (!CHECK(w1 && w2 && g1 && g2)) return;
    for (i = 0; i < IN; i++)
        for (j = 0; j < HIDDEN; j++) w2[j * IN + i] = w1[i * HIDDEN + j];
    CHECK(!fnn_forward(m, &data, NULL, COUNT, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
    for (i = 0; i < IN; i++)
        for (j = 0; j < HIDDEN; j++) sums[i * HIDDEN + j] = g1[i * HIDDEN + j] + g2[j * IN + i];
    for (i = 0; i < IN; i++)
        for (j = 0; j < HIDDEN; j++) {
            const fnn_real before = w1[i * HIDDEN + j];
            for (sign = 0; sign < 2; sign++) {
                w1[i * HIDDEN + j] = w2[j * IN + i] = before + (fnn_real)(sign ? h : -h);
                CHECK(!fnn_forward(m, &data, NULL, COUNT, 1) && !fnn_loss(m, loss + sign));
            }
            w1[i * HIDDEN + j] = w2[j * IN + i] = before;
            CHECKF(fabs((loss[1] - loss[0]) / (2 * h) - (double)sums[i * HIDDEN + j]) < tolerance,
                   "weight %d, %d: %g, expected %g", i, j, (double)sums[i * HIDDEN + j],
                   (loss[1] - loss[0]) / (2 * h));
        }
    fnn_model_free(m);
}

/* ---- the output of a layer ---- */

/* A layer's output has the bits of a model that ends with it, for any threads and context. */
static void layers_as_models_that_end_there(void)
{
    static fnn_real y[ROWS * SIDE * SIDE * 5], z[ROWS * SIDE * SIDE * 5];
    const fnn_dataset data = samples();
    const fnn_fit_config fit = some_training();
    int isa, l;
    FOR_EACH_ISA(isa) {
        fnn_context_config config = fnn_context_config_init();
        fnn_model *m = network((fnn_isa)isa, 1, &data, LAYERS - 1);
        fnn_context *context;
        config.isa = (fnn_isa)isa;
        config.threads = 2;
        context = fnn_context_create(&config, NULL);
        CHECK(!fnn_fit(m, &data, &fit, NULL));
        for (l = 0; l < LAYERS - 2; l++) {
            fnn_model *n = network((fnn_isa)isa, 1, &data, l + 1);
            int shape[3], own[3];
            size_t count;
            copy_tensors(n, m);
            CHECK(!fnn_layer_shape(m, l, shape) && !fnn_shapes(n, NULL, own));
            CHECK(!memcmp(shape, own, sizeof own));
            count = (size_t)(ROWS * shape[0] * shape[1] * shape[2]);
            memset(y, 0xff, sizeof y);
            CHECK(!fnn_predict_layer(m, l % 2 ? context : NULL, &data, l, y));
            CHECK(!fnn_predict(n, NULL, &data, z));
            CHECKF(same(y, z, count), "%s: layer %d", fnn_isa_name((fnn_isa)isa), l);
            CHECK(count == sizeof y / sizeof *y || y[count] != y[count]); /* no number more */
            fnn_model_free(n);
        }
        CHECK(!fnn_predict_layer(m, NULL, &data, LAYERS - 1, y) && !fnn_predict(m, NULL, &data, z));
        CHECK(same(y, z, ROWS * CLASSES));
        fnn_model_free(m);
        fnn_context_free(context);
    }
}

/* The input as the first layer gets it, and the logits by hand: x W + b, then softmax. */
static void layers_by_hand(void)
{
    static fnn_real x[ROWS * INPUTS], hidden[ROWS * 16], logits[ROWS * CLASSES], y[ROWS * CLASSES];
    const fnn_dataset data = samples();
    fnn_model *m = trained(FNN_ISA_BEST, &data);
    const double tolerance = 1e-4;
    fnn_tensor w, b, shift, scale;
    int i, j, k;
    CHECK(!fnn_predict_layer(m, NULL, &data, -1, x) &&
          !fnn_predict_layer(m, NULL, &data, 0, hidden));
    CHECK(!fnn_predict_layer(m, NULL, &data, 1, logits) && !fnn_predict(m, NULL, &data, y));
    CHECK(!fnn_tensor_get(m, -1, "shift", &shift) && !fnn_tensor_get(m, -1, "scale", &scale));
    CHECK(!fnn_tensor_get(m, 0, "weight", &w) && !fnn_tensor_get(m, 0, "bias", &b));
    for (i = 0; i < ROWS * INPUTS; i++)
        CHECK(x[i] == ((fnn_real)pixels[i] - shift.values[i % INPUTS]) * scale.values[i % INPUTS]);
    for (i = 0; i < ROWS; i++)
        for (j = 0; j < 16; j++) {
            double sum = (double)b.values[j];
            for (k = 0; k < INPUTS; k++)
                sum += (double)x[i * INPUTS + k] * (double)w.values[k * 16 + j];
            CHECK(fabs((sum > 0 ? sum : 0) - (double)hidden[i * 16 + j]) < tolerance);
        }
    CHECK(!fnn_softmax(NULL, ROWS, CLASSES, logits, logits) && same(logits, y, ROWS * CLASSES));
    fnn_model_free(m);
}

/* The words of layers, as a file of the model has them. */
static void layers_in_words(void)
{
    static char file[100000];
    const fnn_dataset data = samples();
    fnn_model *m = trained(FNN_ISA_BEST, &data);
    char all[1000] = "\"layers\":\"", words[80];
    size_t size, i;
    int l;
    for (l = 0; l < fnn_layer_count(m); l++) {
        CHECK(fnn_layer_words(m, l, words, sizeof words) == strlen(words));
        strcat(strcat(all, l ? "; " : ""), words);
    }
    strcat(all, "\"");
    CHECK(!fnn_save_memory(m, file, sizeof file, &size, NULL));
    for (i = 8; i < size && strncmp(file + i, all, strlen(all)); i++) {
    }
    CHECKF(i < size, "expected %s in the file", all);
    CHECK(!strcmp(words, "activation softmax 0"));
    fnn_model_free(m);
}

static int has_words(const fnn_model *m, int layer, const char *expected)
{
    char text[200];
    const size_t length = fnn_layer_words(m, layer, text, sizeof text);
    return CHECKF(length == strlen(text) && !strcmp(text, expected), "layer %d: %s", layer, text);
}

static void layers_say_how_they_were_built(void)
{
    fnn_model *m = fnn_sequential(SIDE, SIDE, 2), *broken = fnn_sequential(0, 0, 0);
    const fnn_batch_norm_config norm = {(fnn_real).5, (fnn_real).125, 1};
    fnn_conv2d_config conv = fnn_conv2d_config_init();
    fnn_pool2d_config pool = fnn_pool2d_config_init();
    char text[9] = "unused";
    conv.filters = 2, conv.kernel_height = 5, conv.stride_width = 2, conv.no_bias = 1;
    conv.padding = FNN_EXPLICIT, conv.pad_height = 2, conv.activation = FNN_RELU;
    fnn_conv2d_with(m, &conv);
    fnn_conv2d(m, 2, 3, FNN_SAME, FNN_LINEAR);
    fnn_add(m, 0), fnn_batch_norm_with(m, &norm), fnn_activate(m, FNN_ELU, (fnn_real).25);
    pool.average = 1, pool.height = 3, pool.padding = FNN_SAME;
    fnn_pool2d_with(m, &pool);
    fnn_max_pool2d(m, 1), fnn_spatial_dropout(m, (fnn_real).25), fnn_flatten(m);
    fnn_dense(m, 3, FNN_SOFTMAX);
    has_words(m, 0, "conv2d 2 5 3 1 2 explicit 2 0 relu 0 no_bias");
    has_words(m, 1, "conv2d 2 3 3 1 1 same linear 0");
    has_words(m, 2, "add 0"), has_words(m, 3, "batch_norm 0.5 0.125 1");
    has_words(m, 4, "activation elu 0.25"), has_words(m, 5, "average_pool2d 3 2 2 2 same");
    has_words(m, 6, "max_pool2d 1 1 1 1 valid"), has_words(m, 7, "spatial_dropout 0.25");
    has_words(m, 8, "flatten"), has_words(m, 9, "dense 3 linear 0");
    has_words(m, 10, "activation softmax 0");
    CHECK(fnn_layer_words(m, 1, text, sizeof text) == 30 && !strcmp(text, "conv2d 2"));
    CHECK(fnn_layer_words(m, 1, NULL, 0) == 30);
    has_words(m, -1, ""), has_words(m, 11, ""), has_words(NULL, 0, ""), has_words(broken, 0, "");
    fnn_model_free(m), fnn_model_free(broken);
}

static void layers_refuse_what_is_wrong(void)
{
    static fnn_real y[ROWS * INPUTS];
    const fnn_dataset data = samples(), other = fnn_dataset_images(pixels, labels, 9, 1, 1, 7, 3);
    fnn_model *m = network(FNN_ISA_BEST, 1, &data, 3), *broken = fnn_sequential(0, 0, 0);
    int shape[3] = {7, 7, 7};
    CHECK(fnn_predict_layer(m, NULL, &data, 0, y) == FNN_ERROR_STATE);
    CHECK(!fnn_layer_shape(m, 1, shape) && shape[0] == SIDE &&
          shape[2] == 5); /* needs no weights */
    CHECK(!fnn_layer_shape(m, -1, shape) && shape[1] == SIDE && shape[2] == 2);
    CHECK(fnn_layer_shape(m, 3, shape) == FNN_ERROR_ARGUMENT && shape[0] == 0);
    CHECK(fnn_layer_shape(m, 0, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_layer_shape(broken, 0, shape) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_layer_shape(NULL, 0, shape) == FNN_ERROR_MEMORY && fnn_layer_count(NULL) == 0);
    CHECK(!strcmp(fnn_layer_name(m, 2), "max_pool2d") && !strcmp(fnn_layer_name(m, -1), "input"));
    CHECK(!strcmp(fnn_layer_name(m, 3), "unknown") && !strcmp(fnn_layer_name(NULL, 0), "unknown"));
    CHECK(!fnn_seal(m) && !fnn_predict_layer(m, NULL, &data, 0, y));
    CHECK(fnn_predict_layer(m, NULL, &data, 3, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(m, NULL, &data, -2, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(m, NULL, &data, 0, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(m, NULL, NULL, 0, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(m, NULL, NULL, -1, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(m, NULL, &other, 0, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(broken, NULL, &data, 0, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_layer(NULL, NULL, &data, 0, y) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    fnn_model_free(broken);
}

/* ---- one sample ---- */

static void one_sample_as_among_others(void)
{
    static fnn_real x[ROWS * INPUTS], y[ROWS * CLASSES];
    const fnn_dataset data = samples();
    const fnn_dataset numbers = real_images_of(x, ROWS, SIDE, SIDE, 2);
    int isa, i;
    for (i = 0; i < ROWS * INPUTS; i++) x[i] = (fnn_real)pixels[i];
    FOR_EACH_ISA(isa) {
        fnn_model *m = network((fnn_isa)isa, 1, &data, LAYERS - 1);
        fnn_real one[CLASSES];
        CHECK(fnn_predict_one(m, NULL, x, one) == FNN_ERROR_STATE);
        CHECK(!fnn_seal(m) && !fnn_predict(m, NULL, &data, y));
        for (i = 0; i < ROWS; i += 37) {
            CHECK(!fnn_predict_one_bytes(m, NULL, pixels + i * INPUTS, one));
            CHECK(same(one, y + i * CLASSES, CLASSES));
        }
        CHECK(!fnn_predict(m, NULL, &numbers, y));
        for (i = 0; i < ROWS; i += 37) {
            CHECK(!fnn_predict_one(m, NULL, x + i * INPUTS, one));
            CHECK(same(one, y + i * CLASSES, CLASSES));
        }
        CHECK(fnn_predict_one(m, NULL, NULL, one) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_predict_one(m, NULL, x, NULL) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_predict_one_bytes(m, NULL, NULL, one) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_predict_one(NULL, NULL, x, one) == FNN_ERROR_MEMORY);
        fnn_model_free(m);
    }
}

/* ---- normalisation from numbers ---- */

/* One number, one a channel, one a feature, or none: what the first layer gets. */
static void given_numbers_normalise(void)
{
    static fnn_real x[ROWS * INPUTS], shift[INPUTS], scale[INPUTS];
    static const int counts[] = {1, 2, INPUTS};
    const fnn_dataset data = samples();
    int isa, i, j, which;
    for (j = 0; j < INPUTS; j++)
        shift[j] = (fnn_real)(3 * j), scale[j] = (fnn_real)ldexp(1, -(j % 9));
    FOR_EACH_ISA(isa)
        for (i = 0; i < 3; i++)
            for (which = 0; which < 4; which++) {
                fnn_model *m = model_on((fnn_isa)isa, 1, SIDE, SIDE, 2);
                CHECK(!fnn_normalize_with(m, which & 1 ? shift : NULL, which & 2 ? scale : NULL,
                                          counts[i]));
                fnn_dense(m, 1, FNN_LINEAR);
                CHECK(!fnn_seal(m) && !fnn_predict_layer(m, NULL, &data, -1, x));
                for (j = 0; j < ROWS * INPUTS; j++) {
                    const fnn_real s = which & 1 ? shift[j % counts[i]] : 0;
                    const fnn_real f = which & 2 ? scale[j % counts[i]] : 1;
                    if (x[j] != ((fnn_real)pixels[j] - s) * f)
                        CHECKF(0, "%d numbers, feature %d", counts[i], j % INPUTS);
                    COMPARED();
                }
                fnn_model_free(m);
            }
}

/* A file keeps them: the model that comes back predicts the same bits. */
static void given_numbers_are_saved(void)
{
    static fnn_real y[ROWS * CLASSES], z[ROWS * CLASSES];
    const fnn_real mean[2] = {(fnn_real).485, (fnn_real).456}, scale[2] = {(fnn_real).1, 3};
    const fnn_dataset data = samples();
    fnn_model *m = model_on(FNN_ISA_BEST, 1, SIDE, SIDE, 2), *n;
    fnn_normalize_with(m, mean, scale, 2);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    CHECK(!fnn_seal(m) && !fnn_save(m, path_of("given"), NULL));
    n = fnn_load(path_of("given"), NULL, NULL);
    CHECK(!fnn_predict(m, NULL, &data, y) && !fnn_predict(n, NULL, &data, z));
    CHECK(same(y, z, ROWS * CLASSES));
    fnn_model_free(m);
    fnn_model_free(n);
}

static void given_numbers_that_are_wrong(void)
{
    const fnn_dataset data = samples();
    const fnn_real good[2] = {1, 2}, bad[2] = {1, (fnn_real)NAN};
    fnn_model *m = model_on(FNN_ISA_BEST, 1, SIDE, SIDE, 2);
    fnn_tensor t;
    CHECK(!fnn_normalize_with(m, good, NULL, 2));
    fnn_dense(m, 1, FNN_LINEAR);
    CHECK(!fnn_seal(m));
    CHECK(fnn_normalize_with(m, good, good, 3) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message,
                 "1 number, one for each of 2 channels or of 72 features, found 3") != NULL);
    CHECK(fnn_normalize_with(m, good, good, 0) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_normalize_with(m, good, bad, 2) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "scale[1] is not") != NULL);
    CHECK(fnn_normalize_with(m, bad, good, 2) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_normalize(m, FNN_NORMALIZE_GIVEN, &data) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "made of data, found given") != NULL);
    CHECK(!fnn_tensor_get(m, -1, "shift", &t) && t.values[0] == 1 && t.values[1] == 2); /* stay */
    CHECK(!fnn_tensor_get(m, -1, "scale", &t) && t.values[0] == 1 && t.values[1] == 1);
    CHECK(fnn_normalize_with(NULL, good, good, 1) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    m = model_on(FNN_ISA_BEST, 1, SIDE, SIDE, 2); /* being built, it breaks */
    CHECK(fnn_normalize_with(m, bad, NULL, 1) == FNN_OK && fnn_normalize_with(m, bad, NULL, 2));
    CHECK(fnn_dense(m, 1, FNN_LINEAR) == -1);
    fnn_model_free(m);
}

/* ---- copies ---- */

/* A copy predicts the same bits, trains on to the same bits, and is on its own. */
static void copies_go_the_same_way(void)
{
    static fnn_real y[ROWS * CLASSES], z[ROWS * CLASSES];
    const fnn_dataset data = samples();
    const fnn_fit_config fit = some_training();
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *m = network((fnn_isa)isa, 2, &data, LAYERS - 1), *copy;
        fnn_error error;
        size_t count;
        fnn_set_seed(m, 5);
        CHECK(!fnn_fit(m, &data, &fit, NULL));
        copy = fnn_copy(m, NULL, &error);
        if (!CHECK(copy != NULL)) return;
        CHECK(!fnn_predict(m, NULL, &data, y) && !fnn_predict(copy, NULL, &data, z));
        CHECK(same(y, z, ROWS * CLASSES) && fnn_model_error(copy)->code == FNN_OK);
        fnn_parameters(m, &count);
        CHECK(!fnn_fit(copy, &data, &fit, NULL)); /* Adam's averages, dropout's steps, the order */
        CHECK(!same(fnn_parameters(m, NULL), fnn_parameters(copy, NULL), count));
        CHECK(!fnn_predict(m, NULL, &data, z) && same(y, z, ROWS * CLASSES));
        CHECK(!fnn_fit(m, &data, &fit, NULL));
        CHECK(same(fnn_parameters(m, NULL), fnn_parameters(copy, NULL), count));
        CHECK(!fnn_predict(m, NULL, &data, y));
        fnn_model_free(m); /* they share nothing */
        CHECK(!fnn_predict(copy, NULL, &data, z) && same(y, z, ROWS * CLASSES));
        fnn_model_free(copy);
    }
}

/* One of a model that is being built is built on by itself; of a broken one there is none. */
static void copies_of_models_not_in_use(void)
{
    const fnn_dataset data = samples();
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m = network(FNN_ISA_BEST, 1, &data, 3), *copy = fnn_copy(m, NULL, NULL), *empty;
    fnn_error error;
    size_t counts[2];
    CHECK(fnn_dense(m, 7, FNN_RELU) == 3 && fnn_flatten(copy) == 3 &&
          fnn_dense(copy, 2, FNN_RELU) == 4);
    CHECK(fnn_parameters(m, &counts[0]) && fnn_parameters(copy, &counts[1]));
    CHECK(counts[0] == counts[1] + 5 * (3 * 3 * 5 + 1)); /* five units more */
    empty = fnn_sequential(1, 1, 1);
    fnn_model_free(copy);
    copy = fnn_copy(empty, NULL, NULL);
    CHECK(fnn_dense(copy, 1, FNN_RELU) == 0 && !fnn_seal(copy));
    fnn_model_free(copy), fnn_model_free(empty);
    config.threads = 0;
    CHECK(!fnn_copy(m, &config, &error) && strstr(error.message, "threads: expected"));
    config.threads = 1;
    config.isa = FNN_ISA_SCALAR;
    copy = fnn_copy(m, &config, &error);
    CHECK(copy && fnn_layer_count(copy) == 4);
    fnn_model_free(copy);
    CHECK(!fnn_copy(NULL, NULL, &error) && error.code == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    m = fnn_sequential(1, 1, 0);
    CHECK(!fnn_copy(m, NULL, &error) && strstr(error.message, "1 x 1 x 0"));
    CHECK(!fnn_copy(m, NULL, NULL));
    fnn_model_free(m);
}

/* A copy's memory is its own config's, all of it given back. */
static void copies_use_their_allocator(void)
{
    const fnn_dataset data = samples();
    const fnn_fit_config fit = some_training();
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m = network(FNN_ISA_BEST, 1, &data, LAYERS - 1), *copy;
    budget b;
    config.allocator = budget_open(&b);
    CHECK(!fnn_fit(m, &data, &fit, NULL));
    copy = fnn_copy(m, &config, NULL);
    fnn_model_free(m);
    CHECKF(copy && b.live == 9, "%d blocks", b.live); /* itself and all that a fit leaves */
    CHECK(copy && !fnn_fit(copy, &data, &fit, NULL));
    fnn_model_free(copy);
    CHECKF(b.live == 0, "%d blocks leak", b.live);
}

static const harness_test tests[] = {
    TEST(views_tell_their_samples),
    TEST(one_line_makes_a_data_set),
    TEST(metrics_find_a_views_labels),
    TEST(metrics_find_a_views_targets),
    TEST(metrics_refuse_what_is_wrong),
    TEST(tensors_have_names_and_shapes),
    TEST(missing_tensors_are_named),
    TEST(tensors_make_a_whole_copy),
    TEST(written_weights_count),
    TEST(tied_weights),
    TEST(builders_numbers_find_tensors),
    TEST(lone_activations_have_none),
    TEST(layers_as_models_that_end_there),
    TEST(layers_by_hand),
    TEST(layers_in_words),
    TEST(layers_say_how_they_were_built),
    TEST(layers_refuse_what_is_wrong),
    TEST(one_sample_as_among_others),
    TEST(given_numbers_normalise),
    TEST(given_numbers_are_saved),
    TEST(given_numbers_that_are_wrong),
    TEST(copies_go_the_same_way),
    TEST(copies_of_models_not_in_use),
    TEST(copies_use_their_allocator),
};
HARNESS_MAIN(tests)
