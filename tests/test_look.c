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
    int64_t confusion[4] = {9, 9, 9, 9};
    CHECK(fnn_accuracy_on(y, &data, 2) == 1 && isnan(fnn_accuracy_on(y, &none, 2)));
    CHECK(isnan(fnn_accuracy_on(NULL, &data, 2)) && isnan(fnn_accuracy_on(y, NULL, 2)));
    CHECK(isnan(fnn_accuracy_on(y, &data, 1)) && isnan(fnn_top_k_on(y, &data, 2, 0)));
    CHECK(isnan(fnn_accuracy_on(y, &curve, 1)) && isnan(fnn_r2_on(y, &data, 2)));
    CHECK(isnan(fnn_r2_on(y, &curve, 2)) && fnn_r2_on(targets, &curve, 1) == 1);
    CHECK(fnn_confusion_on(y, &none, 2, confusion) == FNN_ERROR_ARGUMENT);
    CHECK(confusion[0] == 0 && confusion[3] == 0);
    CHECK(fnn_confusion_on(y, &data, 2, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_confusion_on(y, &data, 2, confusion) && confusion[0] == 1 && confusion[3] == 1);
    data.classes = 1; /* a label that the data set itself denies */
    CHECK(isnan(fnn_accuracy_on(y, &data, 2)));
}

static const harness_test tests[] = {
    TEST(views_tell_their_samples),     TEST(one_line_makes_a_data_set),
    TEST(metrics_find_a_views_labels),  TEST(metrics_find_a_views_targets),
    TEST(metrics_refuse_what_is_wrong),
};
HARNESS_MAIN(tests)
