/* Targets, what losses make of them, and how samples are scored: binary cross-entropy, targets that
 * no loss could learn, weights of samples, normalised targets. */
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"
#include <math.h>

#define CLOSE(found, expected)                                                          \
    CHECKF(fabs((double)(found) - (expected)) <= 2e-6 * (1 + fabs((double)(expected))), \
           "found %.9g, expected %.9g", (double)(found), (double)(expected))

/* One input, `outputs` outputs: y = f(w x), with w to be set. */
static fnn_model *line(int outputs, fnn_activation f, fnn_loss_kind kind)
{
    fnn_model *m = fnn_sequential(1, 1, 1);
    fnn_dense(m, outputs, f);
    fnn_set_loss(m, kind, 0, 0);
    return m;
}

/* Its biases stay 0. */
static void set_weights(fnn_model *m, const fnn_real *w, int count)
{
    memcpy(fnn_parameters(m, NULL), w, (size_t)count * sizeof *w);
}

static fnn_dataset two_classes(fnn_dataset data)
{
    data.classes = 2;
    return data;
}

/* ---- binary cross-entropy ---- */

static const fnn_real answers_x[4] = {-2, -1, 1, 3}, answers_t[4] = {0, 1, 1, 1};
static const int32_t answers_labels[4] = {0, 1, 1, 1};

/* Whether y is a sigmoid or a logit, and t a label or a target of its own. */
static void an_answer_may_be_label_or_target(void)
{
    const fnn_real w = 1, z[4] = {-2, -1, 1, 3};
    double expected = 0;
    int sigmoid, by_labels, i;
    for (i = 0; i < 4; i++)
        expected += (answers_t[i] > 0 ? log1p(exp(-(double)z[i])) : log1p(exp((double)z[i]))) / 4;
    for (sigmoid = 0; sigmoid < 2; sigmoid++)
        for (by_labels = 0; by_labels < 2; by_labels++) {
            fnn_dataset data = table_of(answers_x, 4, 1);
            fnn_model *m =
                line(1, sigmoid ? FNN_SIGMOID : FNN_LINEAR, FNN_LOSS_BINARY_CROSS_ENTROPY);
            fnn_metrics metrics;
            fnn_real y[4];
            int32_t classes[4];
            double loss = -1;
            data =
                by_labels ? with_labels(data, answers_labels, 2) : with_targets(data, answers_t, 1);
            set_weights(m, &w, 1);
            CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
            CLOSE(metrics.loss, expected);
            CLOSE(metrics.accuracy, .75);
            CHECK(metrics.score == metrics.accuracy);
            CHECK(!fnn_forward(m, &data, NULL, 4, 1) && !fnn_loss(m, &loss));
            CLOSE(loss, expected);
            CHECK(!fnn_predict(m, NULL, &data, y) && !fnn_predict_classes(m, NULL, &data, classes));
            for (i = 0; i < 4; i++) {
                CLOSE(y[i], sigmoid ? 1 / (1 + exp(-(double)z[i])) : (double)z[i]);
                CHECK(classes[i] == (z[i] > 0) && y[i] == fnn_outputs(m)[i]);
            }
            CLOSE(fnn_binary_accuracy(y, answers_t, 4, 1, sigmoid ? .5 : 0), .75);
            fnn_model_free(m);
        }
}

/* Far out the loss is a line and its slope 1, where a sigmoid rounds to 0 or 1. */
static void a_logit_far_out_has_its_loss(void)
{
    const fnn_real w = 100, x[2] = {-1, 1}, t[2] = {1, 0};
    const fnn_dataset data = with_targets(table_of(x, 2, 1), t, 1);
    fnn_model *m = line(1, FNN_SIGMOID, FNN_LOSS_BINARY_CROSS_ENTROPY);
    double loss = -1;
    set_weights(m, &w, 1);
    CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_loss(m, &loss) && !fnn_backward(m));
    CLOSE(loss, 100);
    CLOSE(fnn_gradients(m, NULL)[0], 1);
    CLOSE(fnn_gradients(m, NULL)[1], 0);
    fnn_model_free(m);
}

/* Three questions of one sample: the loss is their mean, accuracy the share of right answers. */
static void several_answers_are_meaned(void)
{
    const fnn_real x = 1, w[3] = {1, -2, 3}, t[3] = {1, 1, 1}, y[4] = {1, -1, NAN, 0};
    const fnn_real u[4] = {1, 1, 0, 0};
    const fnn_dataset data = with_targets(table_of(&x, 1, 1), t, 3);
    fnn_model *m = line(3, FNN_SIGMOID, FNN_LOSS_BINARY_CROSS_ENTROPY);
    fnn_metrics metrics;
    set_weights(m, w, 3);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.loss, (log1p(exp(-1.)) + log1p(exp(2.)) + log1p(exp(-3.))) / 3);
    CLOSE(metrics.score, 2. / 3);
    CLOSE(fnn_binary_accuracy(y, u, 1, 4, 0), .5); /* a NaN is wrong whatever is asked */
    CLOSE(fnn_binary_accuracy(y, u, 4, 1, 0), .5);
    CHECK(fnn_binary_accuracy(y, u, 0, 4, 0) == 0 && isnan(fnn_binary_accuracy(y, u, 1, 0, 0)));
    CHECK(isnan(fnn_binary_accuracy(NULL, u, 1, 4, 0)) &&
          isnan(fnn_binary_accuracy(y, NULL, 1, 4, 0)) &&
          isnan(fnn_binary_accuracy(y, u, -1, 4, 0)) &&
          isnan(fnn_binary_accuracy(y, u, 1, 4, (double)NAN)));
    fnn_model_free(m);
}

static void fit_and_evaluate_agree_on_answers(void)
{
    const fnn_dataset data = with_labels(table_of(answers_x, 4, 1), answers_labels, 2);
    fnn_model *m = line(1, FNN_SIGMOID, FNN_LOSS_BINARY_CROSS_ENTROPY);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_history history;
    fnn_metrics a;
    memset(&history, 0, sizeof history);
    c.optimizer = fnn_adam(.1);
    c.epochs = 100;
    c.validation = &data;
    CHECKF(!fnn_fit(m, &data, &c, &history), "%s", fnn_model_error(m)->message);
    CHECK(!fnn_evaluate(m, NULL, &data, &a) && a.accuracy == 1 && a.loss < .3);
    CHECK(history.epochs[99].score == 1 && history.epochs[99].validation_score == 1);
    CHECK(history.epochs[0].loss > history.epochs[99].loss);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* Whatever the loss was when the model came into use, and with a flatten behind. */
static void a_sigmoid_is_not_applied_twice(void)
{
    const fnn_dataset data = with_targets(table_of(answers_x, 4, 1), answers_t, 1);
    double losses[3];
    int kind;
    for (kind = 0; kind < 3; kind++) {
        fnn_model *m = fnn_sequential(1, 1, 1);
        fnn_dense(m, 1, FNN_SIGMOID);
        if (kind > 0) fnn_flatten(m);
        if (kind < 2) fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
        CHECK(!fnn_seal(m));
        if (kind == 2) fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
        CHECK(!fnn_forward(m, &data, NULL, 4, 1) && !fnn_loss(m, losses + kind));
        CHECK(losses[kind] == losses[0]);
        fnn_model_free(m);
    }
    {
        fnn_model *m = fnn_sequential(1, 1, 1);
        fnn_dense(m, 3, FNN_SIGMOID);
        fnn_dropout(m, (fnn_real).5);
        fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
        CHECK(fnn_seal(m) == FNN_ERROR_STATE);
        CHECK(strstr(fnn_model_error(m)->message,
                     "layer 0 sigmoid: no dropout may follow it under binary_cross_entropy"));
        fnn_model_free(m);
    }
}

/* ---- a column of 0 and 1 for two classes ---- */

/* Two of four are on their side; before, all of them were called right. */
static void one_column_of_two_classes_is_halved(void)
{
    const fnn_real x[4] = {0, 1, 1, 0}, t[4] = {0, 1, 0, 1}, w = 1;
    const fnn_dataset data = two_classes(with_targets(table_of(x, 4, 1), t, 1));
    fnn_model *m = line(1, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_history history;
    fnn_metrics metrics;
    int32_t classes[4];
    memset(&history, 0, sizeof history);
    c.optimizer = fnn_sgd(0);
    set_weights(m, &w, 1);
    CHECK(!fnn_dataset_check(&data, NULL) && !fnn_evaluate(m, NULL, &data, &metrics));
    CHECK(metrics.accuracy == .5 && metrics.score == .5 && metrics.loss == .5);
    CHECK(!fnn_fit(m, &data, &c, &history) && history.epochs[0].score == .5);
    CHECK(!fnn_predict_classes(m, NULL, &data, classes));
    CHECK(classes[0] == 0 && classes[1] == 1 && classes[2] == 1 && classes[3] == 0);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* ---- what could never learn is refused where the loss meets the data ---- */

static void refuses(fnn_model *m, const fnn_dataset *data, const char *words)
{
    fnn_metrics metrics;
    CHECK(fnn_fit(m, data, NULL, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(fnn_model_error(m)->message, words), "\"%s\" lacks \"%s\"",
           fnn_model_error(m)->message, words);
    CHECK(fnn_evaluate(m, NULL, data, &metrics) == FNN_ERROR_ARGUMENT && metrics.count == 0);
    CHECK(!fnn_forward(m, data, NULL, (int)data->count, 1));
    CHECK(fnn_loss(m, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(fnn_model_error(m)->message, words), "\"%s\" lacks \"%s\"",
           fnn_model_error(m)->message, words);
    CHECK(fnn_backward(m) == FNN_ERROR_STATE);
}

/* It does, but by mean squared error. */
static void refuses_to_learn(fnn_model *m, const fnn_dataset *data, const char *words)
{
    fnn_fit_config c = fnn_fit_config_init();
    refuses(m, data, words);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    c.validation = data;
    CHECK(!fnn_loss(m, NULL) && !fnn_fit(m, data, &c, NULL));
    fnn_model_free(m);
}

static void shares_of_a_single_output_are_refused(void)
{
    const fnn_real x[4] = {0, 1, 2, 3}, t[4] = {1, 3, 5, 7};
    const fnn_dataset data = with_targets(table_of(x, 4, 1), t, 1);
    static const fnn_loss_kind kinds[3] = {FNN_LOSS_SOFTMAX_CROSS_ENTROPY,
                                           FNN_LOSS_CATEGORICAL_CROSS_ENTROPY,
                                           FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY};
    int i;
    for (i = 0; i < 3; i++)
        refuses_to_learn(line(1, FNN_LINEAR, kinds[i]), &data,
                         "single output learns nothing: expected two outputs or more, or "
                         "fnn_set_loss to binary cross-entropy");
}

/* A softmax shares out 1: alone it is always 1, and no answer to a question of its own. */
static void a_softmax_is_no_answer(void)
{
    const fnn_real x[4] = {0, 1, 2, 3}, t[4] = {0, 1, 0, 1};
    const fnn_dataset one = with_targets(table_of(x, 4, 1), t, 1);
    const fnn_dataset two = with_targets(table_of(x, 2, 1), t, 2);
    static const fnn_loss_kind kinds[2] = {FNN_LOSS_BINARY_CROSS_ENTROPY,
                                           FNN_LOSS_MEAN_SQUARED_ERROR};
    fnn_model *m;
    int i;
    for (i = 0; i < 2; i++) {
        m = line(1, FNN_SOFTMAX, kinds[i]);
        refuses(m, &one,
                "the softmax of a single output is always 1 and learns nothing: expected "
                "FNN_SIGMOID for no or yes, FNN_LINEAR for a number");
        fnn_model_free(m);
    }
    for (i = 0; i < 3; i++) { /* whatever follows it */
        m = line(1, FNN_SOFTMAX, FNN_LOSS_MEAN_SQUARED_ERROR);
        if (i == 0) fnn_flatten(m);
        else if (i == 1) fnn_dropout(m, (fnn_real).5);
        else CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &one));
        refuses(m, &one, "the softmax of a single output is always 1");
        fnn_model_free(m);
    }
    refuses_to_learn(line(2, FNN_SOFTMAX, FNN_LOSS_BINARY_CROSS_ENTROPY), &two,
                     "binary_cross_entropy takes the sigmoid of each output: expected none of a "
                     "softmax");
    m = line(2, FNN_SOFTMAX, FNN_LOSS_MEAN_SQUARED_ERROR); /* Brier's score */
    CHECK(!fnn_fit(m, &two, NULL, NULL));
    fnn_model_free(m);
}

static void numbers_are_no_shares_and_no_answers(void)
{
    const fnn_real x[2] = {0, 1}, t[4] = {0, 1, (fnn_real)2.5, 1}, both[4] = {0, 1, 1, 1};
    fnn_dataset data = with_targets(table_of(x, 2, 1), t, 2);
    fnn_model *m = line(2, FNN_LINEAR, FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    refuses_to_learn(m, &data,
                     "sample 1: expected shares of classes that add up to 1 under "
                     "softmax_cross_entropy, found a sum of 3.5, the first 2.5; numbers are "
                     "learned by mean squared error");
    m = line(2, FNN_SIGMOID, FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    data = with_targets(table_of(x, 2, 1), both, 2);
    refuses_to_learn(m, &data, "answers of 0 or 1 are learned by binary cross-entropy, numbers");
    data = with_targets(table_of(x, 2, 1), t, 2);
    m = line(2, FNN_LINEAR, FNN_LOSS_BINARY_CROSS_ENTROPY);
    refuses_to_learn(m, &data,
                     "sample 1: expected targets from 0 to 1 under binary_cross_entropy, "
                     "found 2.5");
    data = with_targets(table_of(x, 2, 1), t, 1); /* 0 and 1 */
    m = line(1, FNN_LINEAR, FNN_LOSS_BINARY_CROSS_ENTROPY);
    CHECK(!fnn_fit(m, &data, NULL, NULL));
    fnn_model_free(m);
}

/* Shares that somebody has worked out are legal, and with classes any weights of them. */
static void soft_labels_are_accepted(void)
{
    const fnn_real x[2] = {0, 1}, t[4] = {(fnn_real).25, (fnn_real).75, 1, 0},
                   twice[4] = {2, 0, 0, 2};
    fnn_dataset data = with_targets(table_of(x, 2, 1), t, 2);
    fnn_model *m = line(2, FNN_SOFTMAX, FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    CHECK(!fnn_fit(m, &data, NULL, NULL));
    data = two_classes(with_targets(data, twice, 2));
    CHECK(!fnn_fit(m, &data, NULL, NULL));
    fnn_model_free(m);
}

static void validation_data_meet_the_loss_too(void)
{
    const fnn_real x[2] = {0, 1}, t[4] = {0, 1, 1, 0}, numbers[4] = {3, 4, 5, 6};
    fnn_dataset data = with_targets(table_of(x, 2, 1), t, 2), held = data;
    fnn_model *m = line(2, FNN_SOFTMAX, FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    fnn_fit_config c = fnn_fit_config_init();
    held.targets = numbers;
    c.validation = &held;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "validation: sample 0: expected shares"));
    fnn_model_free(m);
}

/* ---- R2 of targets that do not vary ---- */

/* In float .1 has no exact mean: what its rounding leaves is no variation. */
static void r2_of_constant_targets_is_one_or_zero(void)
{
    const fnn_real t[3] = {(fnn_real).1, (fnn_real).1, (fnn_real).1}, y[3] = {1, (fnn_real).1, 2};
    const fnn_real two[6] = {1, (fnn_real).1, 2, (fnn_real).1, 3, (fnn_real).1};
    const fnn_real nan[3] = {NAN, 1, 1}, w = 1;
    const fnn_dataset data = with_targets(table_of(y, 3, 1), t, 1);
    fnn_model *m = line(1, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_history history;
    fnn_metrics metrics;
    memset(&history, 0, sizeof history);
    c.optimizer = fnn_sgd(0);
    c.validation = &data;
    CHECK(fnn_r2(t, t, 3, 1) == 1 && fnn_r2(y, t, 3, 1) == 0 && fnn_r2(y, t, 1, 1) == 0);
    CHECK(fnn_r2(y + 1, t, 1, 1) == 1 && fnn_r2(two, two, 3, 2) == 1);
    CHECK(isnan(fnn_r2(nan, t, 3, 1)) && isnan(fnn_r2(y, nan, 3, 1)));
    set_weights(m, &w, 1);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && metrics.r2 == 0 && metrics.score == 0);
    CHECK(!fnn_fit(m, &data, &c, &history));
    CHECK(history.epochs[0].score == 0 && history.epochs[0].validation_score == 0);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* ---- weights of samples and classes ---- */

enum { SAMPLES = 7, COLUMNS = 3, OUTPUTS = 3 };
static fnn_real weighed_x[SAMPLES * COLUMNS], weighed_t[SAMPLES * OUTPUTS];
static int32_t weighed_labels[SAMPLES];
static const fnn_real weights[SAMPLES] = {1, (fnn_real).5, 0, 3, 2, 1, (fnn_real).25};
static const fnn_real class_weights[OUTPUTS] = {2, 1, (fnn_real).5};

static fnn_dataset weighed(int by_targets)
{
    fnn_dataset data = table_of(weighed_x, SAMPLES, COLUMNS);
    int i, j;
    fill_reals(weighed_x, SAMPLES * COLUMNS, 5, 1);
    fill_labels(weighed_labels, SAMPLES, 5, 2, OUTPUTS);
    for (i = 0; i < SAMPLES; i++)
        for (j = 0; j < OUTPUTS; j++)
            weighed_t[i * OUTPUTS + j] = (fnn_real)(j == weighed_labels[i] ? .5 : .25);
    data = by_targets ? with_targets(data, weighed_t, OUTPUTS)
                      : with_labels(data, weighed_labels, OUTPUTS);
    data.classes = OUTPUTS;
    return data;
}

static fnn_model *small_network(fnn_loss_kind kind)
{
    fnn_model *m = fnn_sequential(1, 1, COLUMNS);
    fnn_dense(m, 5, FNN_TANH);
    fnn_dense(m, OUTPUTS, FNN_SIGMOID);
    fnn_set_loss(m, kind, 0, 0);
    return m;
}

/* The loss is sum w loss / count, the gradient likewise, of each loss. */
static void a_weight_is_a_factor_of_loss_and_gradient(void)
{
    int kind, by_targets, i;
    size_t n = 0, p;
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++)
        for (by_targets = 0; by_targets < 2; by_targets++) {
            fnn_dataset data = weighed(by_targets);
            fnn_model *m = small_network((fnn_loss_kind)kind);
            double sum = 0, loss, *gradient;
            fnn_metrics metrics;
            fnn_parameters(m, &n);
            gradient = (double *)need(n * sizeof *gradient);
            for (p = 0; p < n; p++) gradient[p] = 0;
            for (i = 0; i < SAMPLES; i++) {
                const int64_t sample = i;
                const double w = (double)(weights[i] * class_weights[weighed_labels[i]]);
                CHECK(!fnn_forward(m, &data, &sample, 1, 1) && !fnn_loss(m, &loss));
                CHECK(!fnn_backward(m));
                sum += w * loss / SAMPLES;
                for (p = 0; p < n; p++)
                    gradient[p] += w * (double)fnn_gradients(m, NULL)[p] / SAMPLES;
            }
            data.weights = weights;
            data.class_weights = class_weights;
            if (by_targets && kind == FNN_LOSS_BINARY_CROSS_ENTROPY) {
                CHECK(fnn_fit(m, &data, NULL, NULL) == FNN_ERROR_ARGUMENT);
                CHECK(strstr(fnn_model_error(m)->message, "samples with one class each"));
            } else {
                CHECK(!fnn_forward(m, &data, NULL, SAMPLES, 1) && !fnn_loss(m, &loss));
                CHECK(!fnn_backward(m) && !fnn_evaluate(m, NULL, &data, &metrics));
                CLOSE(loss, sum);
                CLOSE(metrics.loss, sum);
                for (p = 0; p < n; p++) CLOSE(fnn_gradients(m, NULL)[p], gradient[p]);
            }
            free(gradient);
            fnn_model_free(m);
        }
}

static void fit_for(fnn_model *m, const fnn_dataset *data, fnn_epoch *last)
{
    fnn_fit_config c = fnn_fit_config_init();
    fnn_history history;
    memset(&history, 0, sizeof history);
    c.epochs = 3;
    c.batch_size = 3;
    c.validation = data;
    CHECKF(!fnn_fit(m, data, &c, &history), "%s", fnn_model_error(m)->message);
    *last = history.epochs[history.count - 1];
    fnn_history_free(&history);
}

/* Weights of 1 change no bit; others reach the fit, through a view too. */
static void weights_reach_the_fit(void)
{
    const fnn_real ones[SAMPLES] = {1, 1, 1, 1, 1, 1, 1};
    int kind;
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++) {
        const fnn_dataset plain = weighed(0);
        fnn_model *m[3];
        fnn_epoch e[3];
        size_t n = 0;
        int i;
        for (i = 0; i < 3; i++) {
            fnn_dataset data = plain, view;
            m[i] = small_network((fnn_loss_kind)kind);
            if (i > 0) data.weights = i == 1 ? ones : weights;
            if (i > 0) data.class_weights = i == 1 ? ones : class_weights;
            CHECK(!fnn_dataset_shuffle(&data, 1, &view, NULL));
            CHECK(view.weights == data.weights && view.class_weights == data.class_weights);
            fit_for(m[i], &view, e + i);
            fnn_dataset_free(&view);
        }
        fnn_parameters(m[0], &n);
        CHECK(!memcmp(fnn_parameters(m[0], NULL), fnn_parameters(m[1], NULL), n * sizeof *ones));
        CHECK(memcmp(fnn_parameters(m[0], NULL), fnn_parameters(m[2], NULL), n * sizeof *ones));
        CHECK(e[0].loss == e[1].loss && e[0].score == e[1].score && e[0].loss != e[2].loss);
        CHECK(e[0].validation_loss == e[1].validation_loss &&
              e[0].validation_score == e[1].validation_score);
        for (i = 0; i < 3; i++) fnn_model_free(m[i]);
    }
}

/* y = x: two of three right, of 1 + 2 + 5; and by rows 4 and 0 of the index. */
static void scores_are_shares_of_the_weights(void)
{
    const fnn_real x[5] = {1, -1, 1, 0, -1}, w[5] = {1, 2, 5, 100, 3}, one = 1;
    const int32_t truth[5] = {1, 0, 0, 0, 1};
    const fnn_real t[5] = {1, -1, 2, 0, 1};
    const int64_t index[2] = {4, 0};
    fnn_dataset data = with_labels(table_of(x, 3, 1), truth, 2);
    fnn_model *m = line(1, FNN_LINEAR, FNN_LOSS_BINARY_CROSS_ENTROPY);
    fnn_metrics metrics;
    fnn_epoch last;
    set_weights(m, &one, 1);
    data.weights = w;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.accuracy, 3. / 8);
    data.index = index;
    data.count = 2;
    data.rows = 5;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.accuracy, 1. / 4);
    fit_for(m, &data, &last);
    CLOSE(last.score, 1. / 4);
    fnn_model_free(m);
    m = line(1, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    set_weights(m, &one, 1);
    data = with_targets(table_of(x, 3, 1), t, 1);
    data.weights = w;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    { /* errors 0, 0, 1 of weights 1, 2, 5 */
        const double mean = (1 - 2 + 10) / 8.;
        const double variation = pow(1 - mean, 2) + 2 * pow(-1 - mean, 2) + 5 * pow(2 - mean, 2);
        CLOSE(metrics.r2, 1 - 5 / variation);
        CLOSE(metrics.loss, 5. / 3);
        CLOSE(fnn_r2_on(x, &data, 1), metrics.r2); /* y = x */
    }
    fnn_model_free(m);
}

/* Shares that a loss learns and labels that score: there is one class of a sample, everywhere. */
static void labels_beside_targets_are_the_class(void)
{
    const fnn_real y[6] = {3, 1, 0, 2, 2, 1}, shares[6] = {1, 0, 0.75, 0.25, 0.25, 0.75};
    const fnn_real sides[3] = {1, 1, 0}, one[3] = {1, -1, 1};
    const int32_t truth[3] = {0, 1, 1}, none[3] = {0, 1, 0};
    fnn_dataset data = with_targets(with_labels(table_of(y, 3, 2), truth, 2), shares, 2);
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_metrics metrics;
    fnn_activate(m, FNN_LINEAR, 0);
    CHECK(!fnn_seal(m) && !fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.accuracy, 2. / 3);
    CLOSE(fnn_accuracy_on(y, &data, 2), 2. / 3);
    CHECK(fnn_dataset_label(&data, 1) == 1);
    data.labels = NULL;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.accuracy, 1. / 3);
    CLOSE(fnn_accuracy_on(y, &data, 2), 1. / 3);
    CHECK(fnn_dataset_label(&data, 1) == 0);
    fnn_model_free(m);

    data = with_targets(with_labels(table_of(one, 3, 1), none, 2), sides, 1);
    m = fnn_sequential(1, 1, 1);
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
    CHECK(!fnn_seal(m) && !fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(metrics.accuracy, 0); /* of the targets one is met, of the labels none */
    fnn_model_free(m);
}

/* Outputs that are there already are scored as fnn_evaluate scores them; counts stay counts. */
static void scores_of_outputs_know_the_weights(void)
{
    const fnn_real y[6] = {3, 1, 0, 2, 2, 1}, w[3] = {1, 2, 5}, of_class[2] = {4, 1};
    const int32_t truth[3] = {0, 1, 1};
    fnn_dataset data = with_labels(table_of(y, 3, 2), truth, 2);
    int64_t confusion[4];
    data.weights = w;
    CLOSE(fnn_accuracy_on(y, &data, 2), 3. / 8);
    data.class_weights = of_class;
    CLOSE(fnn_accuracy_on(y, &data, 2), 6. / 11);
    CHECK(fnn_top_k_on(y, &data, 2, 2) == 1);
    CHECK(!fnn_confusion_on(y, &data, 2, confusion));
    CHECK(confusion[0] == 1 && confusion[1] == 0 && confusion[2] == 1 && confusion[3] == 1);
}

/* What stands in the way of several answers is none of a layer's within. */
static void layers_within_are_seen_whatever_the_weights(void)
{
    const fnn_real x[3] = {1, -1, 2}, t[3] = {1, 0, 1}, of_class[2] = {1, 3};
    fnn_dataset data = with_targets(table_of(x, 3, 1), t, 1);
    fnn_real y[6];
    fnn_model *m = fnn_sequential(1, 1, 1);
    const int within = fnn_dense(m, 2, FNN_TANH);
    fnn_dense(m, 1, FNN_SIGMOID);
    CHECK(!fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0) && !fnn_seal(m));
    data.classes = 2;
    data.class_weights = of_class;
    CHECK(!fnn_predict(m, NULL, &data, y));
    CHECK(!fnn_predict_layer(m, NULL, &data, within, y));
    fnn_model_free(m);
}

/* Targets that nobody knows: NaN in the data, and of no weight. */
static void a_sample_of_no_weight_has_no_part(void)
{
    const fnn_real x[3] = {1, 2, 3}, t[3] = {1, NAN, 3}, w[3] = {1, 0, 1}, one = 1;
    fnn_dataset data = with_targets(table_of(x, 3, 1), t, 1);
    fnn_model *m = line(1, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    fnn_metrics metrics;
    fnn_epoch last;
    set_weights(m, &one, 1);
    data.weights = w;
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && metrics.loss == 0 && metrics.r2 == 1);
    fit_for(m, &data, &last);
    CHECK(last.loss == 0 && last.score == 1);
    fnn_model_free(m);
}

/* Nor in what data are normalised by, wherever it stands. */
static void statistics_are_of_samples_with_a_part(void)
{
    const fnn_real t[4] = {NAN, 1, NAN, 3}, w[4] = {0, 2, 0, 1};
    fnn_dataset data = table_of(t, 4, 1);
    fnn_real shift, scale;
    fnn_tensor tensor;
    fnn_model *m = line(1, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &data, &shift, &scale, NULL) ==
          FNN_ERROR_NUMERIC);
    data.weights = w;
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &data, &shift, &scale, NULL));
    CHECK(shift == 2 && scale == 1); /* other weights do not matter */
    data = with_targets(data, t, 1);
    CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &data) && !fnn_seal(m));
    CHECK(!fnn_tensor_get(m, fnn_layer_count(m) - 1, "shift", &tensor) && *tensor.values == 2);
    fnn_model_free(m);
}

/* Shares without classes have an R2: of probabilities, not of what goes into the softmax. */
static void scores_are_of_outputs_behind_a_softmax(void)
{
    const fnn_real x[4] = {-2, -1, 1, 3}, t[8] = {.875, .125, .625, .375, .25, .75, 0, 1};
    const fnn_dataset data = with_targets(table_of(x, 4, 1), t, 2);
    fnn_model *m = line(2, FNN_SOFTMAX, FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    fnn_metrics metrics;
    fnn_fit_config c = fnn_fit_config_init();
    fnn_history history = {0};
    c.optimizer = fnn_sgd(0);
    c.epochs = 1, c.batch_size = 3;
    c.validation = &data;
    CHECK(!fnn_fit(m, &data, &c, &history) && !fnn_evaluate(m, NULL, &data, &metrics));
    CLOSE(history.epochs[0].score, metrics.score);
    CHECK(history.epochs[0].validation_score == metrics.score && metrics.score == metrics.r2);
    fnn_history_free(&history);
    fnn_model_free(m);
}

static void weights_that_are_none_are_refused(void)
{
    const fnn_real bad[4] = {-1, NAN, INFINITY, 0};
    static const char *const words[4] = {"sample 6: expected a finite weight >= 0, found -1",
                                         "sample 6: expected a finite weight", "found inf",
                                         "weights of all samples are 0"};
    fnn_dataset data = weighed(0), plain = data;
    fnn_model *m = small_network(FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    fnn_real w[SAMPLES] = {0}, of_class[OUTPUTS] = {1, 1, 1};
    fnn_error error;
    int i;
    for (i = 0; i < 4; i++) {
        w[SAMPLES - 1] = bad[i];
        data.weights = w;
        CHECK(fnn_dataset_check(&data, &error) == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(error.message, words[i]), "\"%s\" lacks \"%s\"", error.message, words[i]);
        CHECK(fnn_fit(m, &data, NULL, NULL) == FNN_ERROR_ARGUMENT);
        CHECK(!fnn_forward(m, &data, NULL, SAMPLES, 1)); /* which asks for no weights */
        CHECK(i == 3 || fnn_loss(m, NULL) == FNN_ERROR_ARGUMENT);
    }
    data = plain;
    data.class_weights = of_class;
    CHECK(!fnn_dataset_check(&data, &error));
    of_class[1] = -2;
    CHECK(fnn_dataset_check(&data, &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "class_weights[1]: expected a finite weight >= 0, found -2"));
    data = with_targets(plain, weighed_t, OUTPUTS);
    data.labels = NULL;
    data.classes = 0;
    data.class_weights = of_class;
    CHECK(fnn_dataset_check(&data, &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "class_weights, but 0 classes"));
    CHECK(!fnn_forward(m, &data, NULL, SAMPLES, 1) && fnn_loss(m, NULL) == FNN_ERROR_STATE);
    CHECK(strstr(fnn_model_error(m)->message, "class_weights, but 0 classes"));
    fnn_model_free(m);
}

static double first_output(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    int i;
    (void)user;
    for (i = 0; gradient && i < batch->count * batch->outputs; i++) gradient[i] = 0;
    return (double)batch->y[0];
}

/* A loss of one's own looks at no label, but weights of classes are looked up by them: labels must
 * be classes then, of which there may be more than outputs. */
static void class_weights_are_those_of_a_label_under_any_loss(void)
{
    const fnn_real of_class[OUTPUTS + 1] = {1, 1, 1, 2};
    int32_t labels[SAMPLES] = {0, OUTPUTS, 1};
    fnn_dataset data = weighed(0);
    fnn_model *m = small_network(FNN_LOSS_SOFTMAX_CROSS_ENTROPY);
    int wrong;
    CHECK(!fnn_set_loss_function(m, first_output, NULL));
    data.labels = labels;
    data.classes = OUTPUTS + 1;
    for (wrong = 0; wrong < 3; wrong++) {
        labels[2] = wrong == 0 ? 1 : wrong == 1 ? -1 : data.classes;
        data.class_weights = NULL;
        CHECK(!fnn_forward(m, &data, NULL, SAMPLES, 1) && !fnn_loss(m, NULL));
        data.class_weights = of_class;
        CHECK(!fnn_forward(m, &data, NULL, SAMPLES, 1));
        CHECK(fnn_loss(m, NULL) == (wrong ? FNN_ERROR_ARGUMENT : FNN_OK));
        CHECK(!wrong || strstr(fnn_model_error(m)->message, "expected labels below 4, found"));
    }
    labels[2] = 1;
    CHECK(!fnn_forward(m, &data, NULL, SAMPLES, 1));
    labels[2] = 1 << 30; /* written between forward and loss, as may be */
    CHECK(fnn_loss(m, NULL) == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
}

/* ---- normalised targets ---- */

/* A line through large numbers of a small spread: 1000 + 2 x, and one that does not vary. */
enum { POINTS = 40 };
static fnn_real points_x[POINTS], points_t[2 * POINTS];

static fnn_dataset large_numbers(void)
{
    int i;
    for (i = 0; i < POINTS; i++) {
        points_x[i] = (fnn_real)i / POINTS - (fnn_real).5;
        points_t[2 * i] = 1000 + 2 * points_x[i];
        points_t[2 * i + 1] = -7;
    }
    return with_targets(table_of(points_x, POINTS, 1), points_t, 2);
}

static fnn_model *rescaled(const fnn_dataset *data)
{
    fnn_model *m = line(2, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, data));
    return m;
}

static fnn_result fit_well(fnn_model *m, const fnn_dataset *data, fnn_history *history)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(.05);
    c.epochs = 200;
    c.validation = data;
    return fnn_fit(m, data, &c, history);
}

/* The loss is of numbers about 1, predictions and R2 are about 1000. */
static void predictions_are_in_the_unit_of_the_targets(void)
{
    const fnn_dataset data = large_numbers();
    fnn_model *m = rescaled(&data);
    fnn_history history;
    fnn_real y[2 * POINTS];
    fnn_metrics metrics;
    double loss = -1;
    int i;
    memset(&history, 0, sizeof history);
    CHECKF(!fit_well(m, &data, &history), "%s", fnn_model_error(m)->message);
    CHECK(history.epochs[0].loss < 5 && history.epochs[199].loss < 1e-4);
    CHECK(history.epochs[199].score > .999 && history.epochs[199].validation_score > .999);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && !fnn_predict(m, NULL, &data, y));
    CHECK(metrics.loss < 1e-4 && metrics.r2 > .999 && metrics.score == metrics.r2);
    CHECK(metrics.loss == history.epochs[199].validation_loss);
    for (i = 0; i < POINTS; i++) {
        CHECK(fabs((double)(y[2 * i] - points_t[2 * i])) < .05);
        CHECK(fabs((double)(y[2 * i + 1] + 7)) < .05);
    }
    CHECK(fabs(fnn_r2(y, points_t, POINTS, 2) - metrics.r2) < 1e-3);
    CHECK(!fnn_forward(m, &data, NULL, POINTS, 0) && !fnn_loss(m, &loss));
    CHECK(!memcmp(fnn_outputs(m), y, sizeof y));
    CLOSE(loss, metrics.loss);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* With the statistics worked out by hand: loss and R2. */
static void losses_are_of_normalised_targets(void)
{
    const fnn_real x[2] = {0, 0}, t[4] = {1, 10, 5, 30}; /* means 3, 20; deviations 2, 10 */
    const fnn_dataset data = with_targets(table_of(x, 2, 1), t, 2);
    fnn_model *m = rescaled(&data);
    fnn_real *w = fnn_parameters(m, NULL), y[4];
    fnn_metrics metrics;
    w[2] = (fnn_real).5, w[3] = -1; /* biases: outputs 4 and 10 */
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && !fnn_predict(m, NULL, &data, y));
    CLOSE(y[0], 4);
    CLOSE(y[3], 10);
    CLOSE(metrics.loss, ((1.5 * 1.5 + 0) / 2 + (.5 * .5 + 2 * 2) / 2) / 2);
    CLOSE(metrics.r2, 1 - (3. * 3 + 0 + 1 + 20. * 20) / (2 * 4 + 2 * 100));
    CHECK(fnn_r2(y, t, 2, 2) > metrics.r2 - 1e-5 && fnn_r2(y, t, 2, 2) < metrics.r2 + 1e-5);
    CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_NONE, &data)); /* other statistics, in use */
    CHECK(!fnn_predict(m, NULL, &data, y));
    CLOSE(y[3], -1);
    fnn_model_free(m);
}

static void normalised_targets_go_with_numbers_alone(void)
{
    const fnn_dataset data = large_numbers();
    fnn_dataset labelled = with_labels(table_of(answers_x, 4, 1), answers_labels, 2), one = data;
    fnn_model *m = rescaled(&data);
    fnn_real bad = NAN;
    one.target_count = 1;
    fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0, 0);
    CHECK(fnn_fit(m, &data, NULL, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "takes no normalised targets"));
    fnn_set_loss(m, FNN_LOSS_MEAN_ABSOLUTE_ERROR, 0, 0);
    CHECK(fnn_fit(m, &labelled, NULL, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "expected targets without classes"));
    CHECK(fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &one) == FNN_ERROR_STATE);
    CHECK(!fnn_fit(m, &data, NULL, NULL)); /* a model in use is as it was */
    fnn_model_free(m);
    m = line(2, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    CHECK(fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &labelled) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_seal(m) == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
    m = line(2, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    one.targets = &bad;
    one.count = 1;
    CHECK(fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &one) == FNN_ERROR_NUMERIC);
    fnn_model_free(m);
    m = line(3, FNN_LINEAR, FNN_LOSS_MEAN_SQUARED_ERROR);
    CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &data));
    CHECK(fnn_seal(m) == FNN_ERROR_STATE);
    CHECK(strstr(fnn_model_error(m)->message, "expected 2 outputs, as many as were normalised"));
    fnn_model_free(m);
    CHECK(fnn_normalize_targets(NULL, FNN_NORMALIZE_MEAN, &data) == FNN_ERROR_MEMORY);
}

/* Behind a convolution, which goes image by image, and after a flatten. */
static void targets_of_images_are_normalised_too(void)
{
    enum { IMAGES = 6, SIDE = 4 };
    fnn_real pixels[IMAGES * SIDE * SIDE], y[2 * IMAGES];
    fnn_dataset data = large_numbers();
    int option;
    fill_reals(pixels, IMAGES * SIDE * SIDE, 3, 1);
    data = with_targets(real_images_of(pixels, IMAGES, SIDE, SIDE, 1), points_t, 2);
    for (option = 0; option < 2; option++) {
        fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
        fnn_fit_config c = fnn_fit_config_init();
        int i;
        fnn_conv2d(m, 2, SIDE, FNN_VALID, FNN_LINEAR);
        if (option) fnn_flatten(m);
        fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
        fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &data);
        CHECKF(!fnn_fit(m, &data, &c, NULL), "%s", fnn_model_error(m)->message);
        CHECK(!fnn_predict(m, NULL, &data, y) && !fnn_forward(m, &data, NULL, IMAGES, 0));
        CHECK(!memcmp(y, fnn_outputs(m), sizeof y));
        for (i = 0; i < IMAGES; i++) CHECK(fabs((double)y[2 * i] - 999) < 2 && y[2 * i + 1] < 0);
        fnn_model_free(m);
    }
}

static const harness_test tests[] = {TEST(an_answer_may_be_label_or_target),
                                     TEST(a_logit_far_out_has_its_loss),
                                     TEST(several_answers_are_meaned),
                                     TEST(fit_and_evaluate_agree_on_answers),
                                     TEST(a_sigmoid_is_not_applied_twice),
                                     TEST(one_column_of_two_classes_is_halved),
                                     TEST(shares_of_a_single_output_are_refused),
                                     TEST(a_softmax_is_no_answer),
                                     TEST(numbers_are_no_shares_and_no_answers),
                                     TEST(soft_labels_are_accepted),
                                     TEST(validation_data_meet_the_loss_too),
                                     TEST(r2_of_constant_targets_is_one_or_zero),
                                     TEST(a_weight_is_a_factor_of_loss_and_gradient),
                                     TEST(weights_reach_the_fit),
                                     TEST(scores_are_shares_of_the_weights),
                                     TEST(labels_beside_targets_are_the_class),
                                     TEST(scores_of_outputs_know_the_weights),
                                     TEST(layers_within_are_seen_whatever_the_weights),
                                     TEST(a_sample_of_no_weight_has_no_part),
                                     TEST(statistics_are_of_samples_with_a_part),
                                     TEST(scores_are_of_outputs_behind_a_softmax),
                                     TEST(weights_that_are_none_are_refused),
                                     TEST(class_weights_are_those_of_a_label_under_any_loss),
                                     TEST(predictions_are_in_the_unit_of_the_targets),
                                     TEST(losses_are_of_normalised_targets),
                                     TEST(normalised_targets_go_with_numbers_alone),
                                     TEST(targets_of_images_are_normalised_too)};
HARNESS_MAIN(tests)
