/* The perceptrons of examples/aghaei: what they compute, against the same by hand. */
#define EXPERIMENT_LINKED /* with the library as an object of its own */
#include "../examples/aghaei/mlp.h"
#include "harness.h"

enum { ROWS = 60, COLUMNS = 3, WEIGHTS = 4 * 5 + 6 * 4 + 5 * 3 };

static fnn_real features[ROWS * COLUMNS], targets[ROWS];
static int32_t labels[ROWS];

/* A class for each third of the rows, some way apart; targets far from 0 and wide. */
static fnn_dataset made_data(int regression)
{
    fnn_dataset made;
    memset(&made, 0, sizeof made);
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % 3;
        for (int j = 0; j < COLUMNS; j++)
            features[i * COLUMNS + j] = (fnn_real)((i * 7 + j * 5) % 11 + 6 * (j == labels[i]));
        targets[i] = 1000 + 40 * features[i * COLUMNS] - 25 * features[i * COLUMNS + 2];
    }
    made.count = made.rows = ROWS;
    made.height = made.width = 1;
    made.channels = COLUMNS;
    made.reals = features;
    if (regression) {
        made.targets = targets;
        made.target_count = 1;
    } else {
        made.labels = labels;
        made.classes = 3;
    }
    return made;
}

/* The weights and biases of a network after a fit on all rows as one batch. */
static void fitted(mlp_rule rule, double eta, double alpha, double mu, int epochs, int batch,
                   fnn_real *weights)
{
    const fnn_dataset made = made_data(0);
    const mlp_arguments a = {.hidden_layer = {5, 4},
                             .activation = FNN_TANH,
                             .epoch = epochs,
                             .eta = eta,
                             .beta = .3,
                             .alpha = alpha,
                             .mu = mu,
                             .batch_size = batch};
    numpy_random r;
    mlp net = {.arguments = &a, .rule = rule, .random = &r};
    size_t count;
    numpy_seed(&r, 1);
    mlp_fit(&net, &made, NULL);
    const fnn_real *w = fnn_parameters(net.model, &count);
    CHECK(count == WEIGHTS);
    memcpy(weights, w, count * sizeof *w);
    mlp_free(&net);
}

/* Weights and biases start as beta times NumPy's normal numbers, in the order of the parameters. */
static void weights_start_as_numpy_draws_them(void)
{
    fnn_real w[WEIGHTS];
    numpy_random r;
    fitted(MLP_AUTHOR, 0, 0, 0, 1, ROWS, w);
    numpy_seed(&r, 1);
    for (int i = 0; i < WEIGHTS; i++) CHECK(fabs((double)w[i] - .3 * numpy_randn(&r)) < 1e-7);
}

/* Whether a step with a penalty is the rule's, told from one without: how far off it is. */
static double off_the_rule(mlp_rule rule, mlp_rule by)
{
    const double eta = .5, alpha = .1, batch = 2 * ROWS; /* so the only batch is a shorter one */
    fnn_real start[WEIGHTS], plain[WEIGHTS], pulled[WEIGHTS];
    double worst = 0;
    fitted(rule, 0, 0, 0, 1, 2 * ROWS, start);
    fitted(rule, eta, 0, 0, 1, 2 * ROWS, plain);
    fitted(rule, eta, alpha, 0, 1, 2 * ROWS, pulled);
    for (int i = 0; i < WEIGHTS; i++) {
        const double w = (double)start[i];
        const double pull = by == MLP_AUTHOR ? alpha * w / batch - alpha * w : alpha * w;
        worst = fmax(worst, fabs((double)plain[i] - eta * pull - (double)pulled[i]));
    }
    return worst;
}
static void each_rule_has_its_penalty(void)
{
    CHECKF(off_the_rule(MLP_AUTHOR, MLP_AUTHOR) < 1e-6, "A: off by %g",
           off_the_rule(MLP_AUTHOR, MLP_AUTHOR));
    CHECK(off_the_rule(MLP_TEXT, MLP_TEXT) < 1e-6);
    CHECK(off_the_rule(MLP_AUTHOR, MLP_TEXT) > 1e-3); /* the broken cases */
    CHECK(off_the_rule(MLP_TEXT, MLP_AUTHOR) > 1e-3);
}

/* The same single batch with another batch size configured: a step divided by that. */
static void a_step_is_divided_by_the_batch_size(void)
{
    fnn_real start[WEIGHTS], whole[WEIGHTS], shorter[WEIGHTS];
    double moved = 0;
    fitted(MLP_AUTHOR, 0, 0, 0, 1, ROWS, start);
    fitted(MLP_AUTHOR, 2, 0, 0, 1, ROWS, whole);
    fitted(MLP_AUTHOR, 2, 0, 0, 1, 4 * ROWS, shorter);
    for (int i = 0; i < WEIGHTS; i++) {
        const double step = (double)(whole[i] - start[i]);
        CHECK(fabs(step - 4 * (double)(shorter[i] - start[i])) < 1e-6);
        moved += fabs(step);
    }
    CHECK(moved > 1e-3);
    fitted(MLP_TEXT, 2, 0, 0, 1, ROWS, whole);
    fitted(MLP_TEXT, 2, 0, 0, 1, 4 * ROWS, shorter);
    for (int i = 0; i < WEIGHTS; i++) CHECK(fabs((double)(whole[i] - shorter[i])) < 1e-6);
}

/* A second step goes on with mu of the first. */
static void momentum_keeps_a_part_of_the_step(void)
{
    fnn_real start[WEIGHTS], first[WEIGHTS], without[WEIGHTS], with[WEIGHTS];
    fitted(MLP_AUTHOR, 0, 0, 0, 1, ROWS, start);
    fitted(MLP_AUTHOR, 5, 0, 0, 1, ROWS, first);
    fitted(MLP_AUTHOR, 5, 0, 0, 2, ROWS, without);
    fitted(MLP_AUTHOR, 5, 0, .75, 2, ROWS, with);
    for (int i = 0; i < WEIGHTS; i++)
        CHECK(fabs((double)(with[i] - without[i]) - .75 * (double)(first[i] - start[i])) < 1e-6);
}

/* Inputs are scaled by the deviation or, in the text, the variance of their column: inputs that
 * were scaled by hand give the same outputs. */
static void check_scale(mlp_rule rule)
{
    const fnn_dataset made = made_data(0);
    const mlp_arguments a = {
        .hidden_layer = {5, 4}, .activation = FNN_TANH, .epoch = 1, .beta = .3, .batch_size = ROWS};
    fnn_real scaled[ROWS * COLUMNS], x[ROWS * 3], y[ROWS * 3];
    numpy_random r;
    size_t count;
    mlp net = {.arguments = &a, .rule = rule, .random = &r};
    numpy_seed(&r, 1);
    mlp_fit(&net, &made, NULL);
    for (int j = 0; j < COLUMNS; j++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < ROWS; i++) mean += (double)features[i * COLUMNS + j] / ROWS;
        for (int i = 0; i < ROWS; i++)
            variance += pow((double)features[i * COLUMNS + j] - mean, 2) / ROWS;
        const double divisor = rule == MLP_AUTHOR ? sqrt(variance) : variance;
        for (int i = 0; i < ROWS; i++)
            scaled[i * COLUMNS + j] =
                (fnn_real)(((double)features[i * COLUMNS + j] - mean) / divisor);
    }
    fnn_dataset by_hand = made;
    by_hand.reals = scaled;
    fnn_model *m = fnn_sequential(1, 1, COLUMNS);
    fnn_dense(m, 5, FNN_TANH);
    fnn_dense(m, 4, FNN_TANH);
    fnn_dense(m, 3, FNN_SOFTMAX);
    CHECK(!fnn_seal(m));
    fnn_real *w = fnn_parameters(m, &count);
    memcpy(w, fnn_parameters(net.model, NULL), count * sizeof *w);
    CHECK(!fnn_predict(m, NULL, &by_hand, x) && !fnn_predict(net.model, NULL, &made, y));
    for (int i = 0; i < ROWS * 3; i++) CHECK(fabs((double)(x[i] - y[i])) < 1e-5);
    fnn_model_free(m);
    mlp_free(&net);
}
static void inputs_are_scaled(void)
{
    check_scale(MLP_AUTHOR);
    check_scale(MLP_TEXT);
}

/* Regression: predictions are in the units of the targets, and their R2 is the score. */
static void a_regression_predicts_in_its_units(void)
{
    const fnn_dataset made = made_data(1);
    const mlp_arguments a = {.hidden_layer = {8},
                             .activation = FNN_TANH,
                             .epoch = 400,
                             .eta = .1,
                             .beta = .3,
                             .mu = .8,
                             .batch_size = 20,
                             .regression = 1};
    numpy_random r;
    fnn_real values[ROWS];
    mlp net = {.arguments = &a, .random = &r};
    numpy_seed(&r, 1);
    mlp_fit(&net, &made, &made);
    CHECK(!fnn_predict(net.model, NULL, &made, values));
    CHECKF(mlp_score(&net, &made) > .95, "R2 %g", mlp_score(&net, &made));
    CHECK(fabs(mlp_score(&net, &made) - fnn_r2(values, targets, ROWS, 1)) < 1e-4);
    CHECK(net.history.count == 401); /* the state before the first epoch, too */
    CHECK(fabs(net.last.loss - (1 - net.last.score) / 2) < 1e-4); /* of targets of variance 1 */
    mlp_free(&net);
}

/* Classification: the values predicted are class numbers, the share that is right the score, and
 * the loss 23.026 times the share that is wrong, with alpha times the layers' norms. */
static void a_classification_predicts_classes(void)
{
    const fnn_dataset made = made_data(0);
    const mlp_arguments a = {.hidden_layer = {8},
                             .activation = FNN_LEAKY_RELU,
                             .slope = .1,
                             .epoch = 6,
                             .eta = .5,
                             .beta = .3,
                             .alpha = .001,
                             .mu = .8,
                             .batch_size = 20};
    numpy_random r;
    int32_t classes[ROWS];
    double right = 0, norms = 0;
    mlp net = {.arguments = &a, .random = &r};
    numpy_seed(&r, 1);
    mlp_fit(&net, &made, &made);
    CHECK(!fnn_predict_classes(net.model, NULL, &made, classes));
    for (int i = 0; i < ROWS; i++) right += classes[i] == labels[i];
    CHECKF(right > ROWS / 2, "%g right", right);
    CHECK(fabs(mlp_score(&net, &made) - right / ROWS) < 1e-9);
    CHECK(fabs(net.history.epochs[6].validation_score - right / ROWS) < 1e-9);
    const fnn_real *w = fnn_parameters(net.model, NULL);
    for (int layer = 0, count = 4 * 8; layer < 2; layer++, w += 4 * 8, count = 9 * 3) {
        double squares = 0;
        for (int i = 0; i < count; i++) squares += (double)w[i] * (double)w[i];
        norms += sqrt(squares);
    }
    CHECK(fabs(net.last.loss - 23.025851 * (1 - right / ROWS) - .001 * norms) < 1e-5);
    mlp_free(&net);
}

/* Cells come in the order of the lists, the last list's choices side by side; and each finds the
 * generator as the cell before it in its process has left it. */
static void a_grid_has_its_cells(void)
{
    static const mlp_grid grid = {.hidden_layers = {{6}, {4, 4}},
                                  .activations = {{FNN_TANH, 0}, {FNN_LEAKY_RELU, .1}},
                                  .epoch = 3,
                                  .etas = {2, {.1, .2}},
                                  .betas = {1, {.3}},
                                  .alphas = {1, {0}},
                                  .mus = {2, {0, .8}},
                                  .batch_sizes = {1, {20}},
                                  .rounds = 1,
                                  .processes = 2,
                                  .process = {0, 1, 1, 0, 0, 0, 0, 0}};
    const fnn_dataset made = made_data(0);
    char text[200];
    numpy_random start;
    numpy_seed(&start, 1);
    data.train = made;
    CHECK(mlp_grid_count(&grid) == 16); /* chunks of two cells */
    numpy_random *states = mlp_grid_states(&grid, &start);
    mlp_arguments a = mlp_grid_cell(&grid, 13);
    mlp_describe(&a, text, sizeof text);
    CHECKF(!strcmp(text, "(4,4) LeakyReLU(0.1), 3 epochs, eta 0.1 beta 0.3 alpha 0 mu 0.8 "
                         "batch 20"),
           "%s", text);
    numpy_random r = states[3];
    a = mlp_grid_cell(&grid, 3);
    mlp net = {.arguments = &a, .random = &r};
    mlp_fit(&net, &made, NULL);
    CHECK(numpy_uint32(&r) == numpy_uint32(&states[4]));         /* of the same process */
    CHECK(numpy_uint32(&states[0]) == numpy_uint32(&states[2])); /* both fresh */
    CHECK(numpy_uint32(&states[5]) != numpy_uint32(&states[6]));
    mlp_free(&net);
    free(states);
}

/* scikit-learn's split of a view: its samples once each. */
static void a_split_is_of_the_view(void)
{
    static const int64_t index[10] = {50, 51, 52, 53, 54, 55, 56, 57, 58, 59};
    fnn_dataset made = made_data(0), train, held;
    numpy_random r;
    int seen[ROWS] = {0};
    numpy_seed(&r, 1);
    made.index = index;
    made.count = 10;
    mlp_split(&r, &made, .25, &train, &held);
    CHECK(held.count == 3 && train.count == 7);
    for (int i = 0; i < 3; i++) seen[held.index[i]]++;
    for (int i = 0; i < 7; i++) seen[train.index[i]]++;
    for (int i = 0; i < ROWS; i++) CHECK(seen[i] == (i >= 50));
    fnn_dataset_free(&train);
    fnn_dataset_free(&held);
}

static const harness_test tests[] = {TEST(weights_start_as_numpy_draws_them),
                                     TEST(each_rule_has_its_penalty),
                                     TEST(a_step_is_divided_by_the_batch_size),
                                     TEST(momentum_keeps_a_part_of_the_step),
                                     TEST(inputs_are_scaled),
                                     TEST(a_regression_predicts_in_its_units),
                                     TEST(a_classification_predicts_classes),
                                     TEST(a_grid_has_its_cells),
                                     TEST(a_split_is_of_the_view)};
HARNESS_MAIN(tests)
