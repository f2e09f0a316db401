/* What NaN, infinities, log 0 and zero variance give: a table of one check a cell, for the
 * elementwise functions on every instruction set, losses, metrics, normalisation, fit; and that fit
 * leaves the floating-point environment as it was. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "environment.h"
#include "harness.h"
#include "samples.h"
#include "twins.h"

#define NOT_A_NUMBER ((fnn_real)FNNI_NAN)
#define INF ((fnn_real)INFINITY)
#define LARGE ((fnn_real)(FNNI_REAL_IS_DOUBLE ? 1e308 : 3e38))

static int is_nan(double x)
{
    return x != x;
}

/* As expected: NaN where NaN is, the same infinity, and otherwise close. */
static int alike(double found, double expected)
{
    if (is_nan(expected)) return is_nan(found);
    if (expected - expected != 0) return found == expected;
    return fabs(found - expected) <= 2e-6 * (1 + fabs(expected));
}

#define CELL(found, expected, name)                                                 \
    CHECKF(alike((double)(found), (double)(expected)), "%s: %g, expected %g", name, \
           (double)(found), (double)(expected))

static void the_comparison_can_fail(void)
{
    const double nan = FNNI_NAN, inf = (double)INFINITY;
    CHECK(alike(nan, nan) && alike(inf, inf) && alike(-inf, -inf) && alike(1, 1));
    CHECK(!alike(0, nan) && !alike(nan, 0) && !alike(inf, nan) && !alike(nan, inf));
    CHECK(!alike(inf, -inf) && !alike(1e300, inf) && !alike(inf, 1) && !alike(1.001, 1));
}

/* ---- elementwise ---- */

static fnn_context *make_context(int isa)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = (fnn_isa)isa;
    return fnn_context_create(&config, NULL);
}

enum { SPECIALS = 5, LENGTH = 37 }; /* whole vectors and a tail */
static const fnn_real specials[SPECIALS] = {NOT_A_NUMBER, INF, -INF, 0, -1};

typedef fnn_result (*call_function)(fnn_context *c, ptrdiff_t n, const fnn_real *x, fnn_real *y);

static void expect_specials(const char *name, const fnn_real *y, const double *expected)
{
    int i;
    for (i = 0; i < LENGTH; i++) CELL(y[i], expected[i % SPECIALS], name);
}

static void functions(void)
{
    const double nan = FNNI_NAN, inf = (double)INFINITY, one = exp(-1.);
    const struct {
        const char *name;
        call_function call;
        double expected[SPECIALS];
    } rows[] = {{"exp", fnn_exp, {nan, inf, 0, 1, one}},
                {"log", fnn_log, {nan, inf, nan, -inf, nan}},
                {"tanh", fnn_tanh, {nan, 1, -1, 0, -.76159415596}},
                {"sigmoid", fnn_sigmoid, {nan, 1, 0, .5, .26894142137}}};
    fnn_real x[LENGTH], y[LENGTH];
    int isa, kind, i;
    for (i = 0; i < LENGTH; i++) x[i] = specials[i % SPECIALS];
    FOR_EACH_ISA(isa) {
        fnn_context *c = make_context(isa);
        for (i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
            CHECK(!rows[i].call(c, LENGTH, x, y));
            expect_specials(rows[i].name, y, rows[i].expected);
        }
        FOR_EACH_ACTIVATION(kind) {
            double expected[SPECIALS];
            for (i = 0; i < SPECIALS; i++) expected[i] = twin_of(kind)->f((double)specials[i], .25);
            CHECK(!fnn_activation_forward(c, (fnn_activation)kind, (fnn_real).25, LENGTH, x, y));
            expect_specials(twin_word(kind), y, expected);
        }
        fnn_context_free(c);
    }
}

/* A row of n logits a, a, ..., with b first, and what softmax makes of the first and the others. */
static void softmax_cell(fnn_context *c, int n, double b, double a, double first, double others)
{
    fnn_real x[3 * 40], y[3 * 40];
    int i;
    for (i = 0; i < 3 * n; i++) x[i] = (fnn_real)(i < n || i >= 2 * n ? i % n : i == n ? b : a);
    CHECK(!fnn_softmax(c, 3, n, x, y));
    for (i = n; i < 2 * n; i++)
        CHECKF(alike((double)y[i], i == n ? first : others), "%s, softmax of %g and %d of %g: %g",
               fnn_info(c), b, n - 1, a, (double)y[i]);
    CHECK(y[0] > 0 && y[n - 1] < 1); /* the neighbours */
    CHECK(!memcmp(y, y + 2 * n, (size_t)n * sizeof *y));
}

static void softmax(void)
{
    const double nan = FNNI_NAN, inf = (double)INFINITY, large = (double)LARGE;
    int isa, n;
    FOR_EACH_ISA(isa) {
        fnn_context *c = make_context(isa);
        for (n = 3; n <= 40; n += 37) {
            softmax_cell(c, n, large, -large, 1, 0);
            softmax_cell(c, n, -large, large, 0, 1. / (n - 1));
            softmax_cell(c, n, large, large, 1. / n, 1. / n);
            softmax_cell(c, n, -large, -large, 1. / n, 1. / n);
            softmax_cell(c, n, 0, -inf, 1, 0);
            softmax_cell(c, n, -inf, 0, 0, 1. / (n - 1));
            softmax_cell(c, n, -inf, -inf, nan, nan);
            softmax_cell(c, n, inf, 0, nan, nan);
            softmax_cell(c, n, nan, 0, nan, nan);
        }
        fnn_context_free(c);
    }
}

/* ---- losses ---- */

enum { OUTPUTS = 4 };
static int losses_seen[FNN_LOSS_COUNT];

/* The loss, and the gradient's first element, of outputs y under label 0 (or targets). */
static double loss_of(fnn_loss_kind kind, const fnn_real *y, const fnn_real *targets,
                      fnn_real *slope)
{
    const int32_t label = 0;
    fnn_model *m = fnn_sequential(1, 1, OUTPUTS);
    fnn_dataset data = table_of(y, 1, OUTPUTS);
    double loss = -1;
    losses_seen[kind]++;
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_set_loss(m, kind, 0, (fnn_real)0.5);
    data = targets ? with_targets(data, targets, OUTPUTS) : with_labels(data, &label, OUTPUTS);
    CHECK(!fnn_forward(m, &data, NULL, 1, 1) && !fnn_loss(m, &loss));
    if (slope) *slope = fnni_d(&m->run, 0, 0, NULL)[0];
    fnn_model_free(m);
    return loss;
}

static void losses(void)
{
    const fnn_real right[4] = {1, 0, 0, 0}, wrong[4] = {0, 1, 0, 0}, zeros[4] = {0, 0, 0, 0};
    const fnn_real huge[4] = {LARGE, 0, 0, 0}, other[4] = {0, LARGE, 0, 0};
    const fnn_real dead[4] = {0, -INF, 0, 0}, lost[4] = {-INF, 0, 0, 0};
    const fnn_real nan[4] = {0, NOT_A_NUMBER, 0, 0};
    const fnn_real none[4] = {-INF, -INF, -INF, -INF}, inf[4] = {INF, 0, 0, 0};
    const fnn_real half[4] = {(fnn_real)0.5, 0, (fnn_real)0.5, 0};
    const double low = 1e-7, high = 1 - 1e-7;
    fnn_real slope;
    int kind;
#define LOSS(kind, y, t, expected) \
    CELL(loss_of(FNN_LOSS_##kind, y, t, NULL), expected, #kind " " #y)
    LOSS(SOFTMAX_CROSS_ENTROPY, zeros, NULL, log(4.));
    LOSS(SOFTMAX_CROSS_ENTROPY, huge, NULL, 0);
    LOSS(SOFTMAX_CROSS_ENTROPY, other, NULL, (double)LARGE);
    LOSS(SOFTMAX_CROSS_ENTROPY, dead, NULL, log(3.)); /* 0 log 0 is 0 */
    LOSS(SOFTMAX_CROSS_ENTROPY, dead, half, log(3.));
    LOSS(SOFTMAX_CROSS_ENTROPY, lost, NULL, (double)INFINITY);
    LOSS(SOFTMAX_CROSS_ENTROPY, none, NULL, FNNI_NAN);
    LOSS(SOFTMAX_CROSS_ENTROPY, inf, NULL, FNNI_NAN);
    LOSS(SOFTMAX_CROSS_ENTROPY, nan, NULL, FNNI_NAN);
    LOSS(CATEGORICAL_CROSS_ENTROPY, right, NULL, -log(high));
    LOSS(CATEGORICAL_CROSS_ENTROPY, wrong, NULL, -log(low));
    LOSS(CATEGORICAL_CROSS_ENTROPY, zeros, NULL, FNNI_NAN); /* 0 / 0, as Keras */
    LOSS(CATEGORICAL_CROSS_ENTROPY, nan, NULL, FNNI_NAN);
    LOSS(CATEGORICAL_CROSS_ENTROPY, inf, NULL, FNNI_NAN);
    LOSS(SPARSE_CATEGORICAL_CROSS_ENTROPY, right, NULL, log(high + 3 * low) - log(high));
    LOSS(SPARSE_CATEGORICAL_CROSS_ENTROPY, wrong, NULL, log(high + 3 * low) - log(low));
    LOSS(SPARSE_CATEGORICAL_CROSS_ENTROPY, zeros, NULL, log(4.));
    LOSS(SPARSE_CATEGORICAL_CROSS_ENTROPY, inf, NULL, log(high + 3 * low) - log(high));
    LOSS(SPARSE_CATEGORICAL_CROSS_ENTROPY, nan, NULL, FNNI_NAN);
    LOSS(MEAN_SQUARED_ERROR, right, NULL, 0);
    LOSS(MEAN_SQUARED_ERROR, wrong, NULL, .5);
    LOSS(MEAN_SQUARED_ERROR, huge, NULL, (double)INFINITY); /* the square overflows */
    LOSS(MEAN_SQUARED_ERROR, inf, NULL, (double)INFINITY);
    LOSS(MEAN_SQUARED_ERROR, nan, NULL, FNNI_NAN);
    LOSS(MEAN_ABSOLUTE_ERROR, huge, NULL, (double)LARGE / 4);
    LOSS(MEAN_ABSOLUTE_ERROR, inf, NULL, (double)INFINITY);
    LOSS(MEAN_ABSOLUTE_ERROR, nan, NULL, FNNI_NAN);
    LOSS(EPSILON_INSENSITIVE, right, NULL, 0);
    LOSS(EPSILON_INSENSITIVE, inf, NULL, (double)INFINITY);
    LOSS(EPSILON_INSENSITIVE, nan, NULL, FNNI_NAN);
    LOSS(BINARY_CROSS_ENTROPY, right, NULL, (log1p(exp(-1.)) + 3 * log(2.)) / 4);
    LOSS(BINARY_CROSS_ENTROPY, huge, NULL, 3 * log(2.) / 4);
    LOSS(BINARY_CROSS_ENTROPY, other, NULL, (double)LARGE / 4);
    LOSS(BINARY_CROSS_ENTROPY, dead, NULL, 3 * log(2.) / 4); /* 0 log 0 is 0 */
    LOSS(BINARY_CROSS_ENTROPY, inf, NULL, 3 * log(2.) / 4);
    LOSS(BINARY_CROSS_ENTROPY, inf, half, (double)INFINITY);
    LOSS(BINARY_CROSS_ENTROPY, lost, NULL, (double)INFINITY);
    LOSS(BINARY_CROSS_ENTROPY, nan, NULL, FNNI_NAN);
#undef LOSS
#define SLOPE(kind, y, expected)               \
    loss_of(FNN_LOSS_##kind, y, NULL, &slope); \
    CELL(slope, expected, "slope of " #kind " " #y)
    SLOPE(SOFTMAX_CROSS_ENTROPY, huge, 0);
    SLOPE(SOFTMAX_CROSS_ENTROPY, other, -1);
    SLOPE(SOFTMAX_CROSS_ENTROPY, lost, -1);
    SLOPE(SOFTMAX_CROSS_ENTROPY, none, FNNI_NAN);
    SLOPE(CATEGORICAL_CROSS_ENTROPY, wrong, 0); /* clipped: nothing flows */
    SLOPE(SPARSE_CATEGORICAL_CROSS_ENTROPY, wrong, 0);
    SLOPE(MEAN_ABSOLUTE_ERROR, right, 0);
    SLOPE(EPSILON_INSENSITIVE, inf, .25);
    SLOPE(BINARY_CROSS_ENTROPY, huge, 0);
    SLOPE(BINARY_CROSS_ENTROPY, inf, 0);
    SLOPE(BINARY_CROSS_ENTROPY, lost, -.25);
#undef SLOPE
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++) CHECKF(losses_seen[kind], "no row of %d", kind);
}

/* ---- metrics ---- */

static void accuracy_of_what_is_not_a_number(void)
{
    const fnn_real y[6 * 3] = {NOT_A_NUMBER,
                               NOT_A_NUMBER,
                               NOT_A_NUMBER, /* a NaN comes before every number */
                               NOT_A_NUMBER,
                               1,
                               2,
                               1,
                               NOT_A_NUMBER,
                               0,
                               1,
                               0,
                               NOT_A_NUMBER,
                               -INF,
                               -INF,
                               0,
                               0,
                               INF,
                               -INF};
    const int32_t labels[6] = {0, 2, 0, 2, 2, 1};
    const fnn_real targets[6 * 3] = {1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0};
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_dataset data = with_labels(table_of(y, 6, 3), labels, 3);
    fnn_metrics metrics;
    int32_t classes[6];
    int i;
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_seal(m);
    CELL(fnn_accuracy(y, labels, 4, 3), 0, "accuracy of NaN");
    CELL(fnn_top_k(y, labels, 4, 3, 2), 2. / 4, "top 2 of NaN");
    CELL(fnn_accuracy(y + 12, labels + 4, 2, 3), 1, "accuracy of infinities");
    CELL(fnn_accuracy(y, labels, 6, 3), 2. / 6, "accuracy");
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CELL(metrics.accuracy, 2. / 6, "evaluated accuracy");
    CELL(metrics.loss, FNNI_NAN, "evaluated loss");
    data.targets = targets;
    data.target_count = 3;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CELL(metrics.accuracy, 2. / 6, "evaluated accuracy against targets");
    CHECK(!fnn_predict_classes(m, NULL, &data, classes));
    for (i = 0; i < 6; i++) CHECK(classes[i] >= 0 && classes[i] < 3);
    CHECK(classes[4] == 2 && classes[5] == 1);
    fnn_model_free(m);
}

static double evaluated_r2(const fnn_real *outputs, const fnn_real *targets, int count)
{
    fnn_model *m = fnn_sequential(1, 1, 1);
    const fnn_dataset data = with_targets(table_of(outputs, count, 1), targets, 1);
    fnn_metrics metrics;
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_seal(m);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    fnn_model_free(m);
    return metrics.r2;
}

static void r2(void)
{
    const fnn_real same[3] = {2, 2, 2}, close[3] = {2, 2, 3}, steps[3] = {1, 2, 3};
    const fnn_real nan[3] = {1, NOT_A_NUMBER, 3};
#define R2(y, t, expected)                                      \
    CELL(fnn_r2(y, t, 3, 1), expected, "r2 of " #y " and " #t); \
    CELL(evaluated_r2(y, t, 3), expected, "evaluated r2 of " #y " and " #t)
    R2(steps, steps, 1);
    R2(same, steps, 0);
    R2(same, same, 1);  /* no error of no variation: 0 / 0 counts as 0 */
    R2(close, same, 0); /* some error of no variation, as scikit-learn */
    R2(nan, steps, FNNI_NAN);
    R2(steps, nan, FNNI_NAN);
    R2(nan, same, FNNI_NAN);
#undef R2
}

/* ---- normalisation ---- */

static void normalisation(void)
{
    fnn_real x[4 * 2] = {7, 1, 7, 2, 7, 3, 7, 5};
    const fnn_real tiny[2] = {0, (fnn_real)(FNNI_REAL_IS_DOUBLE ? 1e-160 : 1e-30)};
    fnn_dataset data = table_of(x, 4, 2);
    const fnn_real huge[2] = {0, (fnn_real)(FNNI_REAL_IS_DOUBLE ? 1e154 : 1e25)};
    const fnn_dataset narrow = table_of(tiny, 2, 1), wide = table_of(huge, 2, 1);
    fnn_real shift[2], scale[2];
    fnn_error error;
    const fnn_normalization by_spread[2] = {FNN_NORMALIZE_STANDARDIZE, FNN_NORMALIZE_MEAN_VARIANCE};
    int kind;
    for (kind = 0; kind < 2; kind++) {
        CHECK(!fnn_normalization_compute(by_spread[kind], &data, shift, scale, NULL));
        CELL((7 - shift[0]) * scale[0], 0, "the constant feature");
        CELL(scale[0], 1, "its scale");
        CHECK(scale[1] > 0 && scale[1] < 1);
    }
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &narrow, shift, scale, &error));
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN_VARIANCE, &narrow, shift, scale, &error) ==
          FNN_ERROR_NUMERIC); /* 1 / variance is no float */
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &wide, shift, scale, &error));
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN_VARIANCE, &wide, shift, scale, &error) ==
          FNN_ERROR_NUMERIC); /* it would be 0 */
    for (kind = 0; kind < 3; kind++) {
        const fnn_real special[3] = {NOT_A_NUMBER, INF, -INF};
        x[3] = special[kind];
        CHECK(fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &data, shift, scale, &error) ==
              FNN_ERROR_NUMERIC);
        CHECKF(strstr(error.message, "feature 1") != NULL, "%s", error.message);
    }
}

/* ---- fit ---- */

enum { ROWS = 24, INPUTS = 6, CLASSES = 3 };

static fnn_real inputs[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset make_data(void)
{
    int i;
    fill_reals(inputs, ROWS * INPUTS, 1, 1);
    for (i = 0; i < ROWS; i++) labels[i] = i % CLASSES;
    return with_labels(table_of(inputs, ROWS, INPUTS), labels, CLASSES);
}

static fnn_model *make_model(void)
{
    fnn_model *m = fnn_sequential(1, 1, INPUTS);
    fnn_dense(m, 8, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static fnn_fit_config make_config(void)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_sgd(0.1);
    c.batch_size = 8;
    c.epochs = 4;
    return c;
}

#define SAYS(model, words)                                                            \
    CHECKF(strstr(fnn_model_error(model)->message, words) != NULL, "'%s' lacks '%s'", \
           fnn_model_error(model)->message, words)

static void inputs_that_are_not_finite(void)
{
    const fnn_real special[3] = {NOT_A_NUMBER, INF, -INF};
    int i;
    for (i = 0; i < 3; i++) {
        fnn_dataset data = make_data();
        fnn_fit_config c = make_config();
        fnn_model *m = make_model();
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_OK); /* the control: as they are, they are fine */
        inputs[20 * INPUTS + 2] = special[i];
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC);
        SAYS(m, "epoch 1, step ");
        SAYS(m, "an input is not finite");
        c.ignore_nan = 1;
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_OK);
        fnn_model_free(m);
        m = make_model();
        CHECK(fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data) == FNN_ERROR_NUMERIC);
        SAYS(m, "feature 2");
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC); /* a failed builder stays */
        fnn_model_free(m);
    }
}

/* A NaN among the samples spoils the loss, but no other sample's output. */
static void evaluation_of_what_is_not_a_number(void)
{
    fnn_dataset data = make_data();
    fnn_model *m = make_model();
    fnn_real before[ROWS * CLASSES], after[ROWS * CLASSES];
    fnn_metrics metrics;
    int i;
    fnn_seal(m);
    CHECK(!fnn_predict(m, NULL, &data, before));
    inputs[5 * INPUTS] = NOT_A_NUMBER;
    CHECK(!fnn_predict(m, NULL, &data, after) && !fnn_evaluate(m, NULL, &data, &metrics));
    for (i = 0; i < CLASSES; i++) CELL(after[5 * CLASSES + i], FNNI_NAN, "an output");
    memcpy(after + 5 * CLASSES, before + 5 * CLASSES, CLASSES * sizeof *before);
    CHECK(!memcmp(before, after, sizeof before));
    CELL(metrics.loss, FNNI_NAN, "the loss");
    CHECK(metrics.accuracy >= 0 && metrics.accuracy <= (ROWS - 1.) / ROWS);
    fnn_model_free(m);
}

static void learning_rates(void)
{
    const fnn_dataset data = make_data();
    fnn_fit_config c = make_config();
    fnn_model *m = make_model();
    fnn_history history;
    fnn_real before[INPUTS * 8];
    memset(&history, 0, sizeof history);
    memcpy(before, fnn_parameters(m, NULL), sizeof before);
    c.optimizer.learning_rate = 0;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_OK);
    CHECK(!memcmp(before, fnn_parameters(m, NULL), sizeof before));
    c.optimizer.learning_rate = NOT_A_NUMBER;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    c.optimizer.learning_rate = (fnn_real)(FNNI_REAL_IS_DOUBLE ? 1e200 : 1e30);
    CHECK(fnn_fit(m, &data, &c, &history) == FNN_ERROR_NUMERIC);
    SAYS(m, "epoch 1, step ");
    SAYS(m, ": layer ");
    SAYS(m, " dense gives a number that is not finite");
    CHECK(history.count == 0); /* no epoch was finished */
    c.ignore_nan = 1;
    CHECK(fnn_fit(m, &data, &c, &history) == FNN_OK && history.count == 4);
    CELL(history.epochs[3].loss, FNNI_NAN, "the last loss");
    c.ignore_nan = 0; /* the weights are spoilt: the next fit says so, and a new seed mends them */
    c.optimizer.learning_rate = (fnn_real)0.1;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC);
    CHECK(!fnn_set_seed(m, 5) && fnn_fit(m, &data, &c, NULL) == FNN_OK);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* A validation figure that is NaN is worse than any number. */
static fnn_real held_out[ROWS * INPUTS];
static double best_loss;

static int mend(void *user, const fnn_epoch *e)
{
    (void)user;
    if (e->epoch == 1) {
        CELL(e->validation_loss, FNNI_NAN, "the first validation loss");
        held_out[0] = 0;
    } else if (e->epoch == 2 || e->validation_loss < best_loss) best_loss = e->validation_loss;
    return 0;
}

static void validation_that_is_not_a_number(void)
{
    fnn_dataset data = make_data(), validation = data;
    fnn_fit_config c = make_config();
    fnn_model *m = make_model();
    fnn_metrics metrics;
    memcpy(held_out, inputs, sizeof inputs);
    held_out[0] = NOT_A_NUMBER;
    validation.reals = held_out;
    c.validation = &validation;
    c.callback = mend;
    c.restore_best = 1;
    c.patience = 4;
    c.epochs = 30;
    c.optimizer.learning_rate = 2; /* so large that the last epoch is not the best */
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_OK);
    CHECK(!fnn_evaluate(m, NULL, &validation, &metrics));
    CHECKF(metrics.loss == best_loss, "restored %g, the best was %g", metrics.loss, best_loss);
    fnn_model_free(m);
}

/* ---- the gradient check ---- */

static void spoilt_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                            fnn_real *db, fnn_real *workspace)
{
    fnni_dense_gradient(run, l, from, to, dw, db, workspace);
    dw[0] = NOT_A_NUMBER;
}

/* A NaN in the first layer's gradient must not be forgotten for the later layers' good ones. */
static void the_gradient_check_keeps_a_nan(void)
{
    fnni_layer_type spoilt = fnni_dense_type;
    const fnn_dataset data = make_data();
    const fnn_fit_config c = make_config();
    fnn_gradient_check report;
    fnn_model *m = make_model(), *bare = fnn_sequential(1, 1, INPUTS);
    spoilt.gradient = spoilt_gradient;
    fnn_seal(m);
    CHECK(!fnn_check_gradients(m, &data, &c, 1e-3, &report, NULL) && report.worst < 0.1);
    m->layers[0].type = &spoilt;
    CHECK(!fnn_check_gradients(m, &data, &c, 1e-3, &report, NULL));
    CELL(report.worst, FNNI_NAN, "the worst");
    CHECK(report.worst_layer == 0 && !report.worst_is_bias);
    fnn_activate(bare, FNN_TANH, 0); /* nothing to check is no failure */
    CHECK(fnn_check_gradients(bare, &data, &c, 1e-3, &report, NULL) == FNN_OK);
    CHECK(report.checked == 0 && report.worst == 0);
    report.worst = 7; /* a failure leaves no figures */
    CHECK(fnn_check_gradients(bare, NULL, &c, 1e-3, &report, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(report.worst == 0);
    fnn_model_free(m);
    fnn_model_free(bare);
}

/* ---- the floating-point environment ---- */

static void fit_once(void)
{
    const fnn_dataset data = make_data();
    fnn_fit_config c = make_config();
    fnn_model *m = make_model();
    fnn_metrics metrics;
    c.validation = &data;
    CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_evaluate(m, NULL, &data, &metrics));
    c.optimizer.learning_rate = (fnn_real)(FNNI_REAL_IS_DOUBLE ? 1e200 : 1e30);
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC ||
          fegetround() == FE_TOWARDZERO); /* where nothing becomes infinite */
    fnn_model_free(m);
}

static void fit_leaves_the_environment(void)
{
    const uint64_t usual = environment();
    uint64_t before;
    int which;
    for (which = 0; which < ENVIRONMENTS; which++) {
        if (!environment_set(which)) continue;
        before = environment();
        CHECK((before == usual) == (which == 0)); /* the control: a change is seen */
        fit_once();
        CHECK(environment() == before);
        environment_usual();
        CHECK(environment() == usual);
    }
}

static const harness_test tests[] = {TEST(the_comparison_can_fail),
                                     TEST(functions),
                                     TEST(softmax),
                                     TEST(losses),
                                     TEST(accuracy_of_what_is_not_a_number),
                                     TEST(r2),
                                     TEST(normalisation),
                                     TEST(inputs_that_are_not_finite),
                                     TEST(evaluation_of_what_is_not_a_number),
                                     TEST(learning_rates),
                                     TEST(validation_that_is_not_a_number),
                                     TEST(the_gradient_check_keeps_a_nan),
                                     TEST(fit_leaves_the_environment)};
HARNESS_MAIN(tests)
