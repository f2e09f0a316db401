/* Training and inference: losses against written-out formulas, fit against the opened step, fits
 * that go on, early stopping, what is not finite. The same bits for any number of threads and in
 * any batch are the business of test_reproducible.c. */
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"
#include "samples.h"
#include <limits.h>
#include <math.h>

enum { ROWS = 300, SIDE = 6, INPUTS = SIDE * SIDE, CLASSES = 5 };

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];

/* The brightest row tells the class. */
static fnn_dataset make_images(void)
{
    fill_bands(pixels, labels, ROWS, INPUTS, CLASSES, SIDE, 160, 95);
    return with_labels(images_of(pixels, ROWS, SIDE, SIDE, 1), labels, CLASSES);
}

static fnn_model *make_model(fnn_isa isa, int threads)
{
    fnn_model *m = model_on(isa, threads, SIDE, SIDE, 1);
    fnn_set_seed(m, 3);
    return m;
}

static fnn_model *make_network(fnn_isa isa, int threads, const fnn_dataset *data)
{
    fnn_model *m = make_model(isa, threads);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_dense(m, 40, FNN_RELU);
    fnn_dropout(m, (fnn_real)0.2);
    fnn_dense(m, 33, FNN_TANH);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static fnn_fit_config make_config(int epochs)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(0.003);
    c.epochs = epochs;
    c.batch_size = 64; /* 300 rows: the last batch has 44 */
    c.seed = 11;
    return c;
}

static void fit_learns(void)
{
    fnn_dataset data = make_images();
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *m = make_network((fnn_isa)isa, 1, &data);
        fnn_fit_config c = make_config(40);
        fnn_history history;
        fnn_metrics metrics;
        memset(&history, 0, sizeof history);
        CHECKF(!fnn_fit(m, &data, &c, &history), "%s", fnn_model_error(m)->message);
        CHECK(history.count == 40 && history.epochs[39].epoch == 40 &&
              history.epochs[39].step == 200);
        CHECK(history.epochs[39].loss < history.epochs[0].loss &&
              !(history.epochs[0].validation_loss >= 0));
        CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
        CHECKF(metrics.accuracy > 0.95, "%s: accuracy %g", fnn_isa_name((fnn_isa)isa),
               metrics.accuracy);
        CHECK(metrics.count == ROWS && !(metrics.r2 <= 1));
        fnn_history_free(&history);
        fnn_model_free(m);
    }
}

/* A history that a loop of one's own fills, and that a fit goes on with. */
static void history_grows(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_SCALAR, 1, &data);
    fnn_fit_config c = make_config(2);
    fnn_history history;
    fnn_epoch e;
    budget none;
    int i;
    memset(&history, 0, sizeof history);
    memset(&e, 0, sizeof e);
    CHECK(fnn_history_append(NULL, &e) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_history_append(&history, NULL) == FNN_ERROR_ARGUMENT && history.count == 0);
    for (i = 0; i < 100; i++) {
        e.epoch = i;
        CHECK(!fnn_history_append(&history, &e));
    }
    while (history.count < history.capacity) CHECK(!fnn_history_append(&history, &e));
    CHECK(!fnn_history_append(&history, &history.epochs[42])); /* of the array that grows */
    CHECK(history.epochs[history.count - 1].epoch == 42);
    history.count = 100;
    CHECKF(!fnn_fit(m, &data, &c, &history), "%s", fnn_model_error(m)->message);
    CHECK(history.count == 102 && history.epochs[101].epoch == 2);
    for (i = 0; i < 100; i++) CHECK(history.epochs[i].epoch == i);
    fnn_history_free(&history);
    CHECK(history.count == 0 && !history.epochs);
    history.allocator = budget_open(&none);
    none.allowed = 0;
    CHECK(fnn_history_append(&history, &e) == FNN_ERROR_MEMORY && history.count == 0);
    fnn_history_free(&history);
    fnn_model_free(m);
}

static void fit_equals_the_opened_step(void)
{
    fnn_dataset data = make_images();
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *a = make_network((fnn_isa)isa, 1, &data),
                  *b = make_network((fnn_isa)isa, 2, &data);
        fnn_fit_config c = make_config(2);
        double loss = 0;
        int epoch, first;
        size_t n;
        c.shuffle = 0;
        CHECK(!fnn_fit(a, &data, &c, NULL));
        for (epoch = 0; epoch < 2; epoch++)
            for (first = 0; first < ROWS; first += 64) {
                int64_t samples[64];
                int i, count = ROWS - first < 64 ? ROWS - first : 64;
                for (i = 0; i < count; i++) samples[i] = first + i;
                CHECK(!fnn_forward(b, &data, samples, count, 1));
                CHECK(!fnn_loss(b, &loss) && !fnn_backward(b) && !fnn_step(b, &c));
            }
        fnn_parameters(a, &n);
        CHECK(memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL), n * sizeof(fnn_real)) == 0);
        fnn_model_free(a);
        fnn_model_free(b);
    }
}

static void steps_out_of_order_are_errors(void)
{
    fnn_dataset data = make_images(), bare = data;
    fnn_model *m = make_network(FNN_ISA_SCALAR, 1, &data);
    fnn_fit_config c = make_config(1);
    const int64_t outside[1] = {ROWS};
    CHECK(fnn_loss(m, NULL) == FNN_ERROR_STATE);
    CHECK(fnn_backward(m) == FNN_ERROR_STATE);
    CHECK(fnn_step(m, &c) == FNN_ERROR_STATE);
    CHECK(!fnn_forward(m, &data, NULL, 10, 1));
    CHECK(fnn_step(m, &c) == FNN_ERROR_STATE && fnn_backward(m) == FNN_ERROR_STATE);
    CHECK(!fnn_loss(m, NULL) && !fnn_backward(m) && !fnn_step(m, &c) &&
          fnn_step(m, &c) == FNN_ERROR_STATE);
    CHECK(fnn_forward(m, &data, NULL, ROWS + 1, 1) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_forward(m, &data, outside, 1, 1) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "below 300, found 300") != NULL);
    bare.labels = NULL;
    bare.classes = 0;
    CHECK(!fnn_forward(m, &bare, NULL, 10, 1) && fnn_loss(m, NULL) == FNN_ERROR_STATE);
    fnn_model_free(m);
}

/* ---- losses against their formulas ---- */

/* A network that returns its inputs, so that outputs can be chosen. */
static fnn_model *identity(fnn_loss_kind kind, fnn_real smoothing, fnn_real epsilon)
{
    fnn_model *m = fnn_sequential(1, 1, 10);
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_set_loss(m, kind, smoothing, epsilon);
    fnn_seal(m);
    return m;
}

static int losses_seen[FNN_LOSS_COUNT];

static double loss_of(fnn_loss_kind kind, fnn_real smoothing, fnn_real epsilon,
                      const fnn_real *outputs, int32_t label, const fnn_real *target)
{
    fnn_model *m = identity(kind, smoothing, epsilon);
    fnn_dataset data = table_of(outputs, 1, 10);
    fnn_metrics metrics;
    losses_seen[kind]++;
    metrics.loss = -1;
    data = target ? with_targets(data, target, 10) : with_labels(data, &label, 10);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    fnn_model_free(m);
    return metrics.loss;
}

#define CLOSE(found, expected)                                                          \
    CHECKF(fabs((double)(found) - (expected)) <= 2e-6 * (1 + fabs((double)(expected))), \
           "found %.9g, expected %.9g", (double)(found), (double)(expected))

static void losses_have_their_values(void)
{
    const fnn_real y[10] = {1, 2, 3, 4, 0, 0, 0, 0, 0, 0},
                   t[10] = {0, 0, (fnn_real)0.5, (fnn_real)0.5};
    const double z = log(exp(1.) + exp(2.) + exp(3.) + exp(4.) + 6), low = 1e-7;
    const double softplus =
        log1p(exp(1.)) + log1p(exp(2.)) + log1p(exp(3.)) + log1p(exp(4.)) + 6 * log(2.);
    int kind;
    CLOSE(loss_of(FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0, 0, y, 1, NULL), z - 2);
    CLOSE(loss_of(FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0, 0, y, 0, t), z - 3.5);
    CLOSE(loss_of(FNN_LOSS_SOFTMAX_CROSS_ENTROPY, (fnn_real)0.1, 0, y, 1, NULL),
          z - 0.9 * 2 - 0.1 * 10 / 10);
    CLOSE(loss_of(FNN_LOSS_CATEGORICAL_CROSS_ENTROPY, 0, 0, y, 2, NULL), -log(0.3));
    CLOSE(loss_of(FNN_LOSS_CATEGORICAL_CROSS_ENTROPY, 0, 0, y, 9, NULL), -log(1e-7));
    CLOSE(loss_of(FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0, y, 9, NULL),
          log(4 * (1 - low) + 6 * low) - log(low));
    CLOSE(loss_of(FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0, y, 1, NULL), (1 + 1 + 9 + 16) / 10.);
    CLOSE(loss_of(FNN_LOSS_MEAN_ABSOLUTE_ERROR, 0, 0, y, 1, NULL), (1 + 1 + 3 + 4) / 10.);
    CLOSE(loss_of(FNN_LOSS_EPSILON_INSENSITIVE, 0, 1, y, 1, NULL), (0 + 0 + 2 + 3) / 10.);
    CLOSE(loss_of(FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0, y, 1, NULL), (softplus - 2) / 10);
    CLOSE(loss_of(FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0, y, 0, t), (softplus - 3.5) / 10);
    CLOSE(loss_of(FNN_LOSS_BINARY_CROSS_ENTROPY, (fnn_real)0.1, 0, y, 1, NULL),
          (softplus - 0.9 * 2 - 0.05 * 10) / 10);
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++) CHECKF(losses_seen[kind], "no row of %d", kind);
}

/* Loss and gradients of 2 - 3 with a softmax at the end, whatever stands behind or before it,
 * against those of its logits. */
static void a_softmax_is_seen_at_the_end(void)
{
    const fnn_real x[8] = {1, 2, 3, 4, 4, (fnn_real)0.5, 2, 1};
    const int32_t truth[2] = {1, 3};
    fnn_real gradients[4][100];
    double losses[4];
    size_t n = 0;
    fnn_dataset data;
    int kind;
    memset(&data, 0, sizeof data);
    data.count = 2;
    data.height = data.width = 1;
    data.channels = data.classes = 4;
    data.reals = x;
    data.labels = truth;
    for (kind = 0; kind < 4; kind++) {
        fnn_model *m = fnn_sequential(1, 1, 4);
        fnn_conv2d(m, 5, 1, FNN_VALID, FNN_RELU);
        fnn_conv2d(m, 4, 1, FNN_VALID, FNN_LINEAR);
        fnn_average_pool2d(m, 1);
        if (kind > 0) fnn_activate(m, FNN_SOFTMAX, 0);
        if (kind > 1) fnn_flatten(m);
        if (kind > 2) fnn_flatten(m);
        CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_loss(m, losses + kind));
        CHECK(!fnn_backward(m));
        memcpy(gradients[kind], fnn_gradients(m, &n), sizeof(fnn_real) * 49);
        CHECK(n == 49);
        CHECK(losses[kind] == losses[0] && !memcmp(gradients[kind], gradients[0], n * sizeof *x));
        CHECK(kind == 0 || fabs((double)(fnn_outputs(m)[4] + fnn_outputs(m)[5] + fnn_outputs(m)[6] +
                                         fnn_outputs(m)[7] - 1)) < 1e-6);
        fnn_model_free(m);
    }
}

static void a_softmax_may_be_alone_but_not_hidden(void)
{
    const fnn_real y[10] = {1, 2, 3, 4};
    const int32_t label = 3;
    fnn_model *m = fnn_sequential(1, 1, 10);
    fnn_fit_config c = make_config(2);
    fnn_dataset data;
    fnn_metrics metrics;
    fnn_history history;
    memset(&history, 0, sizeof history);
    memset(&data, 0, sizeof data);
    data.count = data.height = data.width = 1;
    data.channels = data.classes = 10;
    data.reals = y;
    data.labels = &label;
    fnn_activate(m, FNN_SOFTMAX, 0);
    CHECK(!fnn_seal(m) && !fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.loss, log(exp(1.) + exp(2.) + exp(3.) + exp(4.) + 6) - 4);
    CHECK(!fnn_fit(m, &data, &c, &history) && history.epochs[1].score == 1);
    CLOSE(history.epochs[1].loss, metrics.loss);
    fnn_history_free(&history);
    fnn_model_free(m);
    m = fnn_sequential(1, 1, 10);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_flatten(m);
    fnn_dropout(m, (fnn_real)0.5);
    CHECK(fnn_seal(m) == FNN_ERROR_STATE);
    CHECK(strstr(fnn_model_error(m)->message, "layer 1 softmax: no dropout") != NULL);
    CHECK(!fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0) && !fnn_seal(m));
    CHECK(fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0, 0) == FNN_ERROR_STATE);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && metrics.loss < 1);
    fnn_model_free(m);
}

/* Targets are scored by accuracy where they stand for classes, else by R2. */
static void accuracy_is_of_classes(void)
{
    const fnn_real y[10] = {1, 2, 3, 4}, t[10] = {0, 0, 0, 1};
    fnn_model *m = identity(FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_dataset data;
    fnn_metrics metrics;
    memset(&data, 0, sizeof data);
    data.count = data.height = data.width = 1;
    data.channels = data.target_count = 10;
    data.reals = y;
    data.targets = t;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CHECK(isnan(metrics.accuracy) && !isnan(metrics.r2) && metrics.score == metrics.r2);
    data.classes = 10;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && metrics.accuracy == 1);
    CHECK(metrics.score == 1 && metrics.r2 < 1);
    fnn_model_free(m);
}

/* Dead ReLU outputs under Keras' sparse loss give these two figures, which a report
 * of 2022 shows. */
static void sparse_loss_of_dead_outputs(void)
{
    const fnn_real four_live[10] = {2, 2, 2, 2}, eight_live[10] = {2, 2, 2, 2, 2, 2, 2, 2};
    const double four =
        0.4 * loss_of(FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0, four_live, 0, NULL) +
        0.6 * loss_of(FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0, four_live, 9, NULL);
    const double eight =
        0.8 * loss_of(FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0, eight_live, 0, NULL) +
        0.2 * loss_of(FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0, eight_live, 9, NULL);
    CHECKF(fabs(four - 11.0572) < 1e-4, "%g", four);
    CHECKF(fabs(eight - 5.3031) < 1e-4, "%g", eight);
}

/* ---- fit's options ---- */

static void early_stopping_restores_the_best(void)
{
    fnn_dataset data = make_images(), train, validation;
    fnn_model *m;
    fnn_fit_config c = make_config(200);
    fnn_history history;
    fnn_metrics metrics;
    int i, best = 0;
    memset(&history, 0, sizeof history);
    CHECK(
        !fnn_dataset_split(&data, 60, 1, 5, &train, &validation, NULL)); /* few: it will over-fit */
    m = make_network(FNN_ISA_BEST, 1, &train);
    c.validation = &validation;
    c.patience = 5;
    c.restore_best = 1;
    c.optimizer = fnn_adam(0.02);
    CHECK(!fnn_fit(m, &train, &c, &history));
    CHECKF(history.count < 200, "%d epochs", history.count);
    for (i = 0; i < history.count; i++)
        if (history.epochs[i].validation_loss < history.epochs[best].validation_loss) best = i;
    CHECKF(best == history.count - 6, "best %d of %d", best, history.count);
    CHECK(fnn_best_epoch(m) == best + 1 && fnn_best_epoch(NULL) == 0);
    CHECK(!fnn_evaluate(m, NULL, &validation, &metrics));
    CHECK(metrics.loss == history.epochs[best].validation_loss);
    c.min_delta = 1e9; /* nothing is better than the first by so much */
    CHECK(!fnn_fit(m, &train, &c, NULL) && fnn_best_epoch(m) == 1);
    c.patience = c.restore_best = 0;
    c.epochs = 1;
    CHECK(!fnn_fit(m, &train, &c, NULL) && fnn_best_epoch(m) == 0); /* nobody looked */
    fnn_history_free(&history);
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
}

#define FIGURE(kind, figure, sign, validates) sign * e->figure,
#define VALIDATES(kind, figure, sign, validates) validates,
static const int validates[] = {FNN_MONITOR_LIST(VALIDATES)};

/* What a monitor looks at, greater for better. */
static double watched(const fnn_epoch *e, int monitor)
{
    const double figures[] = {FNN_MONITOR_LIST(FIGURE)};
    return figures[monitor];
}

static void each_monitor_is_watched(void)
{
    fnn_dataset data = make_images(), train, validation;
    int monitor, i, best;
    CHECK(!fnn_dataset_split(&data, 60, 1, 5, &train, &validation, NULL));
    for (monitor = 0; monitor < FNN_MONITOR_COUNT; monitor++) {
        fnn_model *m = make_network(FNN_ISA_BEST, 1, &train);
        fnn_fit_config c = make_config(200);
        fnn_history history = {0};
        c.monitor = (fnn_monitor)monitor;
        c.validation = validates[monitor] ? &validation : NULL;
        c.patience = 5;
        c.optimizer = fnn_adam(0.02);
        CHECK(!fnn_fit(m, &train, &c, &history));
        for (i = best = 0; i < history.count; i++)
            if (watched(history.epochs + i, monitor) > watched(history.epochs + best, monitor))
                best = i;
        CHECKF(history.count < 200 && best == history.count - 6, "monitor %d: best %d of %d",
               monitor, best, history.count);
        fnn_history_free(&history);
        fnn_model_free(m);
    }
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
}

static void monitors_are_checked(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(1);
    int monitor;
    c.patience = 3;
    for (monitor = 0; monitor < FNN_MONITOR_COUNT; monitor++) {
        c.monitor = (fnn_monitor)monitor;
        CHECK(fnn_fit(m, &data, &c, NULL) == (validates[monitor] ? FNN_ERROR_ARGUMENT : FNN_OK));
    }
    c.patience = 0; /* an odd one is refused even where it is not looked at */
    for (monitor = -1; monitor <= FNN_MONITOR_COUNT; monitor += FNN_MONITOR_COUNT + 1) {
        c.monitor = (fnn_monitor)monitor;
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(fnn_model_error(m)->message, "fit: expected a monitor, found") != NULL, "%s",
               fnn_model_error(m)->message);
    }
    fnn_model_free(m);
}

/* After the fourth epoch a weight is spoilt: the loss of the fifth is not finite. */
static int spoil(void *user, const fnn_epoch *epoch)
{
    if (epoch->epoch == 4) fnn_parameters((fnn_model *)user, NULL)[0] = (fnn_real)NAN;
    return 0;
}

static void the_best_outlives_a_loss_that_is_not_finite(void)
{
    fnn_dataset data = make_images(), train, validation;
    fnn_fit_config c = make_config(10);
    fnn_history history;
    fnn_metrics metrics;
    fnn_model *m;
    int i, best = 0;
    memset(&history, 0, sizeof history);
    CHECK(!fnn_dataset_split(&data, 60, 1, 5, &train, &validation, NULL));
    m = make_network(FNN_ISA_BEST, 1, &train);
    c.validation = &validation;
    c.restore_best = 1;
    c.callback = spoil;
    c.user = m;
    CHECK(fnn_fit(m, &train, &c, &history) == FNN_ERROR_NUMERIC && history.count >= 4);
    for (i = 0; i < 4; i++)
        if (history.epochs[i].validation_loss < history.epochs[best].validation_loss) best = i;
    CHECK(!fnn_evaluate(m, NULL, &validation, &metrics));
    CHECK(metrics.loss == history.epochs[best].validation_loss);
    fnn_history_free(&history);
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
}

static int stop_at_three(void *user, const fnn_epoch *epoch)
{
    ++*(int *)user;
    return epoch->epoch == 3;
}

static void callback_stops(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(10);
    int calls = 0;
    c.callback = stop_at_three;
    c.user = &calls;
    CHECK(!fnn_fit(m, &data, &c, NULL) && calls == 3);
    fnn_model_free(m);
}

/* Fits of several models share a history: one that is gone on with adds what the history does not
 * end with, though the other model has made as many steps. */
static void a_resumed_fit_adds_the_epochs_that_a_history_lacks(void)
{
    fnn_dataset data = make_images();
    fnn_model *a = make_network(FNN_ISA_BEST, 1, &data), *b = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(5);
    fnn_history history;
    int calls = 0, i;
    memset(&history, 0, sizeof history);
    CHECK(!fnn_fit(a, &data, &c, &history) && history.count == 5);
    c.callback = stop_at_three;
    c.user = &calls;
    c.seed++;
    CHECK(!fnn_fit(b, &data, &c, NULL) && calls == 3);
    CHECK(!fnn_resume(b, &data, &c, &history) && calls == 5);
    CHECK(history.count == 10);
    for (i = 0; i < history.count; i++) {
        CHECK(history.epochs[i].epoch == i % 5 + 1 && history.epochs[i].step == 5 * (i % 5 + 1));
        history.epochs[i].epoch = i + 1; /* the caller's own numbers */
    }
    CHECK(!fnn_resume(b, &data, &c, &history) && calls == 5 && history.count == 10);
    history.count = 8; /* it ends with the third epoch, which is the caller's eighth */
    CHECK(!fnn_resume(b, &data, &c, &history) && history.count == 10);
    CHECK(history.epochs[8].epoch == 4 && history.epochs[9].epoch == 5);
    fnn_history_free(&history);
    fnn_model_free(b);
    fnn_model_free(a);
}

/* An epoch of one batch: the data are still gone through in passes, each sample once. */
static void epochs_may_be_a_number_of_steps(void)
{
    fnn_dataset data = make_images();
    fnn_model *a = make_network(FNN_ISA_BEST, 1, &data), *b = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(10);
    fnn_history history;
    size_t n;
    memset(&history, 0, sizeof history);
    c.steps_per_epoch = 1;
    CHECK(!fnn_fit(a, &data, &c, &history));
    CHECK(history.count == 10 && history.epochs[9].step == 10);
    c.steps_per_epoch = 0;
    c.epochs = 2;
    CHECK(!fnn_fit(b, &data, &c, NULL));
    fnn_parameters(a, &n);
    CHECK(memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL), n * sizeof(fnn_real)) == 0);
    fnn_history_free(&history);
    fnn_model_free(a);
    fnn_model_free(b);
}

static void what_is_not_finite_is_named(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(5);
    fnn_parameters(m, NULL)[3] = (fnn_real)NAN;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC);
    CHECKF(strstr(fnn_model_error(m)->message, "epoch 1, step 1: layer 0 dense") != NULL, "%s",
           fnn_model_error(m)->message);
    c.ignore_nan = 1;
    CHECK(!fnn_fit(m, &data, &c, NULL));
    fnn_model_free(m);
}

/* Every call that meets data, of a model of 4 x 3 x 2 and 3 x 8 x 1 and flat: the same numbers in
 * another order of axes, as with channels first, would be other images. */
static void shapes_are_more_than_their_product(void)
{
    static const struct {
        int model[3], data[3], fits;
    } rows[] = {{{4, 3, 2}, {4, 3, 2}, 1},  {{4, 3, 2}, {1, 1, 24}, 1}, {{4, 3, 2}, {24, 1, 1}, 1},
                {{1, 1, 24}, {2, 4, 3}, 1}, {{4, 3, 2}, {2, 4, 3}, 0},  {{4, 3, 2}, {4, 6, 1}, 0},
                {{3, 8, 1}, {1, 3, 8}, 1},  {{3, 8, 1}, {8, 3, 1}, 0},  {{3, 8, 1}, {4, 3, 2}, 0}};
    static fnn_real x[4 * 24], y[4 * 2];
    static const int32_t two[4] = {0, 1, 1, 0};
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int *s = rows[i].model, *d = rows[i].data;
        const fnn_result wanted = rows[i].fits ? FNN_OK : FNN_ERROR_ARGUMENT;
        fnn_dataset data = fnn_dataset_table(x, two, 4, 24, 2), own;
        fnn_model *m = fnn_sequential(s[0], s[1], s[2]);
        fnn_metrics metrics;
        fnn_error error;
        data.height = d[0], data.width = d[1], data.channels = d[2];
        own = data;
        own.height = s[0], own.width = s[1], own.channels = s[2];
        fnn_dense(m, 2, FNN_SOFTMAX);
        CHECK(!fnn_seal(m));
        CHECK(fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data) == wanted);
        CHECK(fnn_fit(m, &data, NULL, NULL) == wanted);
        if (wanted) CHECK(strstr(fnn_model_error(m)->message, ", or flat ones, found ") != NULL);
        CHECK(fnn_forward(m, &data, NULL, 4, 0) == wanted);
        CHECK(fnn_predict(m, NULL, &data, y) == wanted);
        CHECK(fnn_check_data(m, &data, 0, &error) == wanted && error.code == wanted);
        if (wanted) CHECK(strstr(error.message, "data: expected samples of ") != NULL);
        CHECK(fnn_evaluate(m, NULL, &data, &metrics) == wanted);
        CHECK(fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &own) == FNN_OK);
        CHECK(fnn_predict(m, NULL, &own, y) == FNN_OK);
        fnn_model_free(m);
    }
}

/* In words what a prediction or an evaluation, which leave none, returns of them. */
static void data_are_checked_in_words(void)
{
    fnn_dataset data = make_images(), without = data;
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_metrics metrics;
    fnn_error error;
    CHECK(fnn_check_data(m, &data, 1, &error) == FNN_ERROR_STATE);
    CHECK(strstr(error.message, "expected one in use (fnn_seal)") != NULL);
    CHECK(fnn_check_data(NULL, &data, 1, &error) == FNN_ERROR_MEMORY && *error.message);
    CHECK(!fnn_seal(m) && !fnn_check_data(m, &data, 1, &error) && !*error.message);
    CHECK(!fnn_check_data(m, &data, 1, NULL) && !fnn_evaluate(m, NULL, &data, &metrics));
    CHECK(fnn_check_data(m, NULL, 0, &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "data: expected samples, found none") != NULL);
    without.labels = NULL;
    CHECK(!fnn_check_data(m, &without, 0, &error));
    CHECK(fnn_check_data(m, &without, 1, &error) == fnn_evaluate(m, NULL, &without, &metrics));
    CHECK(strstr(error.message, "expected labels or targets, found neither") != NULL);
    labels[7] = CLASSES;
    CHECK(fnn_check_data(m, &data, 1, &error) == fnn_evaluate(m, NULL, &data, &metrics));
    CHECK(strstr(error.message, "sample 7 has label ") != NULL);
    labels[7] = 0;
    fnn_model_free(m);
}

static void fit_checks_its_arguments(void)
{
    fnn_dataset data = make_images(), wrong = data;
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(1);
    CHECK(fnn_fit(m, NULL, &c, NULL) == FNN_ERROR_ARGUMENT);
    wrong.height = 5;
    CHECK(fnn_fit(m, &wrong, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(fnn_model_error(m)->message,
                  "data: expected samples of 6 x 6 x 1, or flat ones, found 5 x 6 x 1") != NULL,
           "%s", fnn_model_error(m)->message);
    wrong = data;
    wrong.classes = 6;
    CHECK(fnn_fit(m, &wrong, &c, NULL) == FNN_ERROR_ARGUMENT);
    c.batch_size = 0;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    c.batch_size = 64;
    labels[7] = CLASSES; /* a label that is none */
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    labels[7] = 0;
    CHECKF(fnn_fit(m, &data, &c, NULL) == FNN_OK, "an argument error broke the model: %s",
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

/* Two fits of two epochs are one of four: state, order, dropout and augmentation go on. */
static void second_fit_continues(void)
{
    fnn_dataset data = make_images();
    fnn_model *a = make_network(FNN_ISA_BEST, 1, &data), *b = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(4);
    size_t n;
    c.augmentation.shift = 1;
    c.augmentation.flip = FNN_FLIP_ALTERNATING;
    CHECK(!fnn_fit(a, &data, &c, NULL));
    c.epochs = 2;
    CHECK(!fnn_fit(b, &data, &c, NULL) && !fnn_fit(b, &data, &c, NULL));
    fnn_parameters(a, &n);
    CHECK(memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL), n * sizeof(fnn_real)) == 0);
    fnn_set_seed(b, 3); /* anew, and the same again */
    c.epochs = 4;
    CHECK(!fnn_fit(b, &data, &c, NULL));
    CHECK(memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL), n * sizeof(fnn_real)) == 0);
    fnn_model_free(a);
    fnn_model_free(b);
}

/* A pass's order is a function of seed and pass: fits of part of the data before do not matter. */
static void an_order_depends_on_seed_and_pass_alone(void)
{
    fnn_dataset data = make_images(), few = data;
    fnn_model *a = make_model(FNN_ISA_BEST, 1), *b = make_model(FNN_ISA_BEST, 1);
    fnn_fit_config c = make_config(1);
    size_t n;
    fnn_dense(a, CLASSES, FNN_SOFTMAX); /* no dropout, whose masks depend on the steps so far */
    fnn_dense(b, CLASSES, FNN_SOFTMAX);
    c.optimizer = fnn_sgd(0);
    few.count = 20;
    CHECK(!fnn_fit(a, &data, &c, NULL) && !fnn_fit(b, &few, &c, NULL));
    c.optimizer = fnn_sgd(0.1);
    CHECK(!fnn_fit(a, &data, &c, NULL) && !fnn_fit(b, &data, &c, NULL));
    fnn_parameters(a, &n);
    CHECK(memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL), n * sizeof(fnn_real)) == 0);
    fnn_model_free(a);
    fnn_model_free(b);
}

/* Another optimiser starts with new state, but dropout does not draw its old masks again. */
static void masks_are_new_under_another_optimizer(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_model(FNN_ISA_BEST, 1);
    fnn_fit_config c = make_config(1);
    fnn_real outputs[3][10 * CLASSES];
    int i;
    fnn_dropout(m, (fnn_real)0.5);
    fnn_dense(m, CLASSES, FNN_LINEAR);
    for (i = 0; i < 3; i++) {
        CHECK(!fnn_forward(m, &data, NULL, 10, 1));
        memcpy(outputs[i], fnn_outputs(m), sizeof outputs[i]);
        c.optimizer = i == 1 ? fnn_adam(0) : fnn_sgd(0);
        CHECK(!fnn_loss(m, NULL) && !fnn_backward(m) && !fnn_step(m, &c));
    }
    CHECK(memcmp(outputs[0], outputs[1], sizeof outputs[0]) != 0);
    CHECK(memcmp(outputs[1], outputs[2], sizeof outputs[0]) != 0);
    fnn_model_free(m);
}

/* More batches than an int counts are refused, before any is looked at. */
static void too_many_batches_are_refused(void)
{
    fnn_model *m = fnn_sequential(1, 1, 1);
    fnn_fit_config c = make_config(1);
    const fnn_real x = 1;
    fnn_dataset data;
    memset(&data, 0, sizeof data);
    data.count = ((int64_t)1 << 28) * 7;
    data.height = data.width = data.channels = data.target_count = 1;
    data.reals = data.targets = &x;
    if (sizeof(size_t) > 4) data.count *= 2;
    c.batch_size = 1;
    fnn_dense(m, 1, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(sizeof(size_t) == 4 || strstr(fnn_model_error(m)->message, "found 3758096384"), "%s",
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

/* Every optimiser, in both conventions, brings a small problem down. */
static void every_optimizer_learns(void)
{
    fnn_dataset data = make_images();
    const double r = 0.02;
    const fnn_optimizer all[] = {fnn_sgd(0.2),      fnn_momentum(r, 0.9),  fnn_nesterov(r, 0.9),
                                 fnn_adagrad(0.05), fnn_adadelta(1),       fnn_rmsprop(0.003),
                                 fnn_adam(0.003),   fnn_adamw(0.003, 0.01)};
    int i, pytorch;
    for (i = 0; i < (int)(sizeof all / sizeof all[0]); i++)
        for (pytorch = 0; pytorch < 2; pytorch++) {
            fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
            fnn_fit_config c = make_config(40);
            fnn_metrics metrics;
            c.optimizer = pytorch ? fnn_pytorch(all[i]) : all[i];
            CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_evaluate(m, NULL, &data, &metrics));
            CHECKF(metrics.accuracy > 0.8, "optimizer %d, PyTorch %d: accuracy %g", i, pytorch,
                   metrics.accuracy);
            fnn_model_free(m);
        }
}

static void clipping_bounds_the_gradient(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(1);
    fnn_real before[4000];
    const fnn_real *w;
    double squares = 0, largest = 0;
    size_t n, i;
    c.optimizer = fnn_sgd(1);
    c.clip_norm = (fnn_real)0.001;
    c.steps_per_epoch = 1;
    w = fnn_parameters(m, &n);
    memcpy(before, w, n * sizeof *w);
    CHECK(!fnn_fit(m, &data, &c, NULL));
    for (i = 0; i < n; i++) squares += (double)(w[i] - before[i]) * (double)(w[i] - before[i]);
    CHECKF(fabs(sqrt(squares) - 0.001) < 1e-5, "the step is %g long", sqrt(squares));
    memcpy(before, w, n * sizeof *w);
    c.clip_norm = 0;
    c.clip_value = (fnn_real)0.001;
    CHECK(!fnn_fit(m, &data, &c, NULL));
    for (i = 0; i < n; i++)
        if (fabs((double)(w[i] - before[i])) > largest) largest = fabs((double)(w[i] - before[i]));
    CHECKF(fabs(largest - 0.001) < 1e-6, "the largest change is %g", largest);
    fnn_model_free(m);
}

/* ---- inference without allocation, metrics ---- */

static void a_reserved_context_allocates_nothing(void)
{
    static fnn_real out[ROWS * CLASSES];
    fnn_metrics metrics;
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_context_config config = fnn_context_config_init();
    fnn_context *context;
    budget memory;
    config.allocator = budget_open(&memory);
    context = fnn_context_create(&config, NULL);
    fnn_seal(m);
    CHECK(!fnn_reserve(m, context) && memory.requests > 0);
    memory.requests = 0;
    CHECK(!fnn_predict(m, context, &data, out) && !fnn_evaluate(m, context, &data, &metrics));
    CHECKF(memory.requests == 0, "%d requests", memory.requests);
    fnn_context_free(context);
    fnn_model_free(m);
}

/* ---- large batches ---- */

/* Products of large batches are cut into blocks and packed; a smaller batch, in a model that has
 * made room for a larger, must find the space that it needs. */
enum { MANY = 1500, WIDTH = 72, GROUP = 50 };
static fnn_real rows_of_many[MANY * WIDTH];
static int32_t labels_of_many[MANY];

static fnn_dataset make_many(int first, int count)
{
    fill_reals(rows_of_many, MANY * WIDTH, 4, 1);
    fill_labels(labels_of_many, MANY, 4, 2, CLASSES);
    return with_labels(table_of(rows_of_many + first * WIDTH, count, WIDTH), labels_of_many + first,
                       CLASSES);
}

static fnn_model *wide_network(fnn_isa isa, int units)
{
    fnn_model *m = model_on(isa, 1, 1, 1, WIDTH);
    fnn_dense(m, units, FNN_TANH);
    fnn_dense(m, units / 2 + 1, FNN_TANH);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

/* The gradients of a batch, as a mean over groups so small that nothing is cut. */
static void grouped_gradients(fnn_model *m, const fnn_dataset *data, double *sums)
{
    size_t count, i;
    const fnn_real *g = fnn_gradients(m, &count);
    int first;
    memset(sums, 0, count * sizeof *sums);
    for (first = 0; first < data->count; first += GROUP) {
        const int rows = data->count - first < GROUP ? (int)data->count - first : GROUP;
        int64_t samples[GROUP];
        for (i = 0; i < (size_t)rows; i++) samples[i] = first + (int64_t)i;
        CHECK(!fnn_forward(m, data, samples, rows, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
        for (i = 0; i < count; i++) sums[i] += (double)g[i] * rows / (double)data->count;
    }
}

static double worst_difference(const fnn_real *g, const double *sums, size_t count)
{
    double worst = 0, largest = 0;
    size_t i;
    for (i = 0; i < count; i++) {
        const double d = fabs((double)g[i] - sums[i]);
        if (!(d <= worst)) worst = d;
        if (fabs(sums[i]) > largest) largest = fabs(sums[i]);
    }
    return worst / largest;
}

static void check_large_batches(fnn_isa isa, int units)
{
    static const int sizes[] = {1500, 257, 520, 1024, 1500, 3};
    fnn_model *large = wide_network(isa, units), *small = wide_network(isa, units);
    const fnn_fit_config c = make_config(1);
    size_t count;
    const fnn_real *g = fnn_gradients(large, &count);
    double *sums = (double *)malloc(count * sizeof *sums);
    int i;
    for (i = 0; sums && i < 6; i++) { /* the first makes room for all */
        const fnn_dataset data = make_many(0, sizes[i]);
        fnn_fit_config fit = c;
        fnn_model *own = wide_network(isa, units); /* and one of its own */
        fit.batch_size = sizes[i];
        CHECK(!fnn_forward(large, &data, NULL, sizes[i], 1) && !fnn_loss(large, NULL));
        CHECK(!fnn_backward(large));
        grouped_gradients(small, &data, sums);
        CHECKF(worst_difference(g, sums, count) < 2e-5, "%s, %d units, batch of %d: %g",
               fnn_isa_name(isa), units, sizes[i], worst_difference(g, sums, count));
        CHECKF(!fnn_fit(own, &data, &fit, NULL), "%s", fnn_model_error(own)->message);
        fnn_model_free(own);
    }
    sums[0] += 1; /* the control */
    CHECK(worst_difference(g, sums, count) > 2e-5);
    free(sums);
    fnn_model_free(large);
    fnn_model_free(small);
}

static void large_batches_find_their_space(void)
{
    static const int units[] = {10, 65, 128, 512};
    int isa, i;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        for (i = 0; fnn_isa_available((fnn_isa)isa) && i < 4; i++)
            check_large_batches((fnn_isa)isa, units[i]);
}

static budget weighed;
enum { ALIGNING = 64 + sizeof(void *) }; /* what the library adds to a block, to align it */

/* fnn_memory_size is what a model takes, to the byte: sealed, in a fit, and after it. */
static int compare_size(void *user, const fnn_epoch *epoch)
{
    const size_t expected = *(const size_t *)user;
    (void)epoch;
    CHECKF(weighed.held == expected, "fit holds %lu bytes, expected %lu",
           (unsigned long)weighed.held, (unsigned long)expected);
    return 0;
}

static void memory_is_what_memory_size_says(void)
{
    static const fnn_real numbers[ROWS * CLASSES];
    fnn_dataset data = make_images();
    fnn_context_config config = fnn_context_config_init();
    fnn_fit_config c = make_config(1);
    size_t size;
    int kind;
    config.allocator = budget_open(&weighed);
    config.threads = 3;
    for (kind = 0; kind < 3; kind++) {
        fnn_model *m = fnn_sequential_with(&config, SIDE, SIDE, 1);
        fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
        if (kind == 2) {
            data.labels = NULL;
            data.classes = 0;
            data = with_targets(data, numbers, CLASSES);
            fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
            fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &data);
        }
        if (kind) {
            fnn_conv2d(m, 7, 3, FNN_SAME, FNN_RELU);
            fnn_batch_norm(m);
            fnn_max_pool2d(m, 2);
        }
        fnn_dropout(m, (fnn_real)0.1);
        fnn_dense(m, 21, FNN_RELU);
        fnn_dense(m, CLASSES, FNN_SOFTMAX);
        CHECK(fnn_memory_size(m, 0) == 0 && !fnn_seal(m));
        CHECKF(fnn_memory_size(m, 0) == weighed.held, "%lu, not %lu", (unsigned long)weighed.held,
               (unsigned long)fnn_memory_size(m, 0));
        size = fnn_memory_size(m, 64) + ROWS * sizeof(int64_t) + ALIGNING;
        size += 64 * (size_t)c.epochs + ALIGNING; /* what a resumed fit needs */
        c.optimizer = fnn_adam(0.01);
        c.clip_norm = 1;
        c.callback = compare_size;
        c.user = &size;
        CHECK(!fnn_fit(m, &data, &c, NULL));
        CHECK(weighed.held == fnn_memory_size(m, 64));
        fnn_model_free(m);
        CHECK(weighed.held == 0);
    }
}

static void metrics_by_hand(void)
{
    const fnn_real y[4 * 3] = {9, 1, 2, 1, 5, 5, 3, 2, 1, 0, 0, 7};
    const int32_t truth[4] = {0, 2, 1, 2}, predicted[4] = {0, 1, 0, 2}, wrong[4] = {0, 3, 0, 0};
    const int32_t below[4] = {0, -1, 0, 0};
    const fnn_real t[4] = {1, 2, 3, 4}, p[4] = {1, 2, 3, 5}, nan_first[2] = {(fnn_real)NAN, 1};
    int64_t confusion[9];
    int k;
    double precision[3], recall[3], f1[3];
    CLOSE(fnn_accuracy(y, truth, 4, 3), 0.5); /* of two equal outputs the earlier counts */
    CLOSE(fnn_top_k(y, truth, 4, 3, 2), 1);
    CLOSE(fnn_top_k(y, truth, 0, 3, 1), 0);
    for (k = 1; k < 5; k++) CLOSE(fnn_top_k(nan_first, truth, 1, 2, k), 0); /* also of more */
    CHECK(isnan(fnn_accuracy(y, wrong, 4, 3)) && isnan(fnn_accuracy(y, below, 4, 3)));
    CHECK(isnan(fnn_accuracy(NULL, truth, 4, 3)) && isnan(fnn_accuracy(y, NULL, 4, 3)));
    CHECK(isnan(fnn_accuracy(y, truth, -1, 3)) && isnan(fnn_accuracy(y, truth, 4, 0)));
    CHECK(isnan(fnn_top_k(y, truth, 4, 3, 0)));
    CHECK(!fnn_confusion(predicted, truth, 4, 3, confusion));
    CHECK(confusion[0] == 1 && confusion[3] == 1 && confusion[7] == 1 && confusion[8] == 1);
    CHECK(fnn_confusion(wrong, truth, 4, 3, confusion) == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_confusion(predicted, truth, 4, 3, confusion));
    CHECK(!fnn_precision_recall(confusion, 3, precision, recall, f1));
    CLOSE(precision[0], 0.5);
    CLOSE(recall[0], 1);
    CLOSE(f1[0], 2. / 3);
    CLOSE(precision[1], 0);
    CLOSE(f1[1], 0);
    CLOSE(recall[2], 0.5);
    CLOSE(fnn_r2(p, t, 4, 1), 1 - 1 / 5.);
    CHECK(isnan(fnn_r2(NULL, t, 4, 1)) && isnan(fnn_r2(p, NULL, 4, 1)));
    CHECK(isnan(fnn_r2(p, t, -1, 1)) && isnan(fnn_r2(p, t, 4, 0)));
    CHECK(isnan(fnn_r2(p, t, INT64_MAX, 2)));
}

static const harness_test tests[] = {TEST(fit_learns),
                                     TEST(history_grows),
                                     TEST(fit_equals_the_opened_step),
                                     TEST(steps_out_of_order_are_errors),
                                     TEST(losses_have_their_values),
                                     TEST(a_softmax_is_seen_at_the_end),
                                     TEST(a_softmax_may_be_alone_but_not_hidden),
                                     TEST(accuracy_is_of_classes),
                                     TEST(sparse_loss_of_dead_outputs),
                                     TEST(early_stopping_restores_the_best),
                                     TEST(each_monitor_is_watched),
                                     TEST(monitors_are_checked),
                                     TEST(the_best_outlives_a_loss_that_is_not_finite),
                                     TEST(callback_stops),
                                     TEST(a_resumed_fit_adds_the_epochs_that_a_history_lacks),
                                     TEST(epochs_may_be_a_number_of_steps),
                                     TEST(what_is_not_finite_is_named),
                                     TEST(shapes_are_more_than_their_product),
                                     TEST(data_are_checked_in_words),
                                     TEST(fit_checks_its_arguments),
                                     TEST(second_fit_continues),
                                     TEST(an_order_depends_on_seed_and_pass_alone),
                                     TEST(masks_are_new_under_another_optimizer),
                                     TEST(too_many_batches_are_refused),
                                     TEST(every_optimizer_learns),
                                     TEST(clipping_bounds_the_gradient),
                                     TEST(a_reserved_context_allocates_nothing),
                                     TEST(large_batches_find_their_space),

                                     TEST(memory_is_what_memory_size_says),
                                     TEST(metrics_by_hand)};
HARNESS_MAIN(tests)
