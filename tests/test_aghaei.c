/* The classes of examples/aghaei: what they compute, against the same by hand. */
#define EXPERIMENT_LINKED /* with the library as an object of its own */
#include "../examples/aghaei/grid.h"
#include "harness.h"

enum { ROWS = 60, COLUMNS = 3 };

static fnn_real features[ROWS * COLUMNS], targets[ROWS];
static int32_t labels[ROWS];

/* A class for each third of the rows, some way apart; targets far from 0 and wide. */
static fnn_dataset made_data(estimator_task task)
{
    fnn_dataset data;
    memset(&data, 0, sizeof data);
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % 3;
        for (int j = 0; j < COLUMNS; j++)
            features[i * COLUMNS + j] = (fnn_real)((i * 7 + j * 5) % 11 + 6 * (j == labels[i]));
        targets[i] = 1000 + 40 * features[i * COLUMNS] - 25 * features[i * COLUMNS + 2];
    }
    data.count = data.rows = ROWS;
    data.height = data.width = 1;
    data.channels = COLUMNS;
    data.reals = features;
    if (task == REGRESSION) {
        data.targets = targets;
        data.target_count = 1;
    } else {
        data.labels = labels;
        data.classes = 3;
    }
    return data;
}

/* One step on all rows, so that their order plays no part. */
static mlp one_step(double eta, double alpha, double mu, mlp_penalty penalty, mlp_mean mean)
{
    const fnn_dataset data = made_data(CLASSIFICATION);
    mlp_arguments a = {{5, 4}, TANH, 1, 0, .3, 0, 0, ROWS, 0, CLASSIFICATION};
    a.eta = eta, a.alpha = alpha, a.mu = mu;
    mlp net = mlp_make(&a);
    net.penalty = penalty;
    net.mean = mean;
    CHECK(!mlp_fit(&net, &data, NULL));
    return net;
}

/* What the penalty adds to a step is -eta times its gradient: alpha W / ||W|| of each layer, or
 * 2 alpha W; of biases nothing; whatever the loss is a mean over. A net that takes no step has the
 * weights it began with. */
static void check_penalty(mlp_penalty penalty, mlp_mean mean)
{
    static const int sizes[] = {COLUMNS * 5, 5, 5 * 4, 4, 4 * 3, 3};
    mlp start = one_step(0, 0, 0, penalty, mean);
    mlp plain = one_step(.5, 0, 0, penalty, mean);
    mlp pulled = one_step(.5, .1, 0, penalty, mean);
    const fnn_real *w = fnn_parameters(start.fitted.model, NULL);
    const fnn_real *x = fnn_parameters(plain.fitted.model, NULL);
    const fnn_real *y = fnn_parameters(pulled.fitted.model, NULL);
    for (int t = 0; t < 6; w += sizes[t], x += sizes[t], y += sizes[t], t++) {
        double squares = 0;
        for (int i = 0; i < sizes[t]; i++) squares += (double)w[i] * (double)w[i];
        for (int i = 0; i < sizes[t]; i++) {
            const double factor = t % 2 ? 0 : penalty == MLP_SQUARED ? 2 : 1 / sqrt(squares);
            const double expected = (double)x[i] - .5 * .1 * factor * (double)w[i];
            CHECKF(fabs((double)y[i] - expected) < 1e-5, "penalty %d, tensor %d: %g, not %g",
                   (int)penalty, t, (double)y[i], expected);
        }
    }
    mlp_free(&start);
    mlp_free(&plain);
    mlp_free(&pulled);
}
static void each_penalty_has_its_gradient(void)
{
    check_penalty(MLP_SQUARED, MLP_MEAN_OF_ALL);
    check_penalty(MLP_SQUARED, MLP_MEAN_OF_SAMPLES);
    check_penalty(MLP_UNSQUARED, MLP_MEAN_OF_ALL);
    check_penalty(MLP_UNSQUARED, MLP_MEAN_OF_SAMPLES);
}

/* The mean over samples and three classes is a third of that over samples. */
static void a_mean_of_all_takes_shorter_steps(void)
{
    mlp start = one_step(0, 0, .75, MLP_SQUARED, MLP_MEAN_OF_ALL);
    mlp all = one_step(.4, 0, .75, MLP_SQUARED, MLP_MEAN_OF_ALL);
    mlp samples = one_step(.4, 0, .75, MLP_SQUARED, MLP_MEAN_OF_SAMPLES);
    const fnn_real *w = fnn_parameters(start.fitted.model, NULL);
    const fnn_real *x = fnn_parameters(all.fitted.model, NULL);
    const fnn_real *y = fnn_parameters(samples.fitted.model, NULL);
    double moved = 0;
    for (int i = 0; i < COLUMNS * 5; i++) {
        CHECK(fabs(3 * (double)(x[i] - w[i]) - (double)(y[i] - w[i])) < 1e-6);
        moved += fabs((double)(x[i] - w[i]));
    }
    CHECK(moved > 1e-3);
    mlp_free(&start);
    mlp_free(&all);
    mlp_free(&samples);
}

/* Initial weights have the deviation beta. */
static void weights_start_normal_times_beta(void)
{
    const fnn_dataset data = made_data(CLASSIFICATION);
    const mlp_arguments a = {{2000}, RELU, 1, 0, .2, 0, 0, ROWS, 0, CLASSIFICATION};
    mlp net = mlp_make(&a);
    double sum = 0, squares = 0, fourth = 0;
    CHECK(!mlp_fit(&net, &data, NULL));
    const fnn_real *w = fnn_parameters(net.fitted.model, NULL);
    for (int i = 0; i < COLUMNS * 2000; i++) {
        sum += (double)w[i];
        squares += (double)w[i] * (double)w[i];
        fourth += pow((double)w[i], 4);
    }
    /* 3 for a normal distribution, 1.8 for a uniform one */
    CHECK(fabs(fourth * COLUMNS * 2000 / (squares * squares) - 3) < .2);
    CHECK(fabs(sum / (COLUMNS * 2000)) < .01);
    CHECK(fabs(sqrt(squares / (COLUMNS * 2000)) - .2) < .01);
    mlp_free(&net);
}

/* Inputs are divided by the variance of their column: the same weights on inputs that were scaled
 * by hand give the same outputs. */
static void inputs_are_divided_by_their_variance(void)
{
    const fnn_dataset data = made_data(CLASSIFICATION);
    fnn_real scaled[ROWS * COLUMNS], a[ROWS * 3], b[ROWS * 3];
    mlp net = one_step(0, 0, 0, MLP_SQUARED, MLP_MEAN_OF_SAMPLES);
    fnn_model *m = fnn_sequential(1, 1, COLUMNS);
    for (int j = 0; j < COLUMNS; j++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < ROWS; i++) mean += (double)features[i * COLUMNS + j] / ROWS;
        for (int i = 0; i < ROWS; i++)
            variance += pow((double)features[i * COLUMNS + j] - mean, 2) / ROWS;
        for (int i = 0; i < ROWS; i++)
            scaled[i * COLUMNS + j] =
                (fnn_real)(((double)features[i * COLUMNS + j] - mean) / variance);
    }
    fnn_dataset by_hand = data;
    by_hand.reals = scaled;
    fnn_dense(m, 5, FNN_TANH);
    fnn_dense(m, 4, FNN_TANH);
    fnn_dense(m, 3, FNN_SOFTMAX);
    CHECK(!fnn_seal(m));
    size_t count;
    fnn_real *w = fnn_parameters(m, &count);
    memcpy(w, fnn_parameters(net.fitted.model, NULL), count * sizeof *w);
    CHECK(!fnn_predict(m, NULL, &by_hand, a) && !fnn_predict(net.fitted.model, NULL, &data, b));
    for (int i = 0; i < ROWS * 3; i++) CHECK(fabs((double)(a[i] - b[i])) < 1e-5);
    fnn_model_free(m);
    mlp_free(&net);
}

/* Regression: predictions are in the units of the targets, and their R2 is the score. */
static void a_regression_predicts_in_its_units(void)
{
    const fnn_dataset data = made_data(REGRESSION);
    const mlp_arguments a = {{8}, TANH, 400, .5, .3, 0, .8, 20, 0, REGRESSION};
    mlp net = mlp_make(&a);
    fnn_real values[ROWS];
    CHECK(isnan(mlp_score(&net, &data)));
    CHECK(!mlp_fit(&net, &data, &data) && !mlp_predict(&net, &data, values));
    CHECKF(mlp_score(&net, &data) > .95, "R2 %g", mlp_score(&net, &data));
    CHECK(fabs(mlp_score(&net, &data) - fnn_r2(values, targets, ROWS, 1)) < 1e-4);
    CHECK(net.fitted.history.count == 400);
    CHECK(fabs(net.fitted.history.epochs[399].validation_score - mlp_score(&net, &data)) < 1e-4);
    mlp_free(&net);
}

/* Classification: the values predicted are class numbers, and the share that is right the score. */
static void a_classification_predicts_classes(void)
{
    const fnn_dataset data = made_data(CLASSIFICATION);
    for (int penalty = MLP_UNSQUARED; penalty <= MLP_SQUARED; penalty++) {
        const mlp_arguments a = {{8}, LEAKY_RELU(.1), 100, .5, .3, .001, .8, 16, 0, CLASSIFICATION};
        mlp net = mlp_make(&a);
        fnn_real values[ROWS];
        int right = 0;
        net.penalty = (mlp_penalty)penalty;
        CHECK(!mlp_fit(&net, &data, &data) && !mlp_predict(&net, &data, values));
        for (int i = 0; i < ROWS; i++) right += (int)values[i] == labels[i];
        CHECKF(right > ROWS * 8 / 10, "penalty %d: %d right", penalty, right);
        CHECK(fabs(mlp_score(&net, &data) - (double)right / ROWS) < 1e-9);
        CHECK(net.fitted.history.count == 100);
        CHECK(fabs(net.fitted.history.epochs[99].validation_score - (double)right / ROWS) < 1e-9);
        mlp_free(&net);
    }
}

/* Fits the network of a_cnn_has_its_layers by hand; returns the loss on data. */
static double fit_by_hand(const fnn_dataset *data, fnn_real *probabilities)
{
    fnn_model *m = fnn_sequential(8, 8, 2);
    fnn_fit_config c = fnn_fit_config_init();
    double loss = 0;
    fnn_batch_norm(m);
    fnn_conv2d(m, 3, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_batch_norm(m);
    fnn_conv2d(m, 4, 3, FNN_VALID, FNN_RELU);
    fnn_average_pool2d(m, 2);
    fnn_dropout(m, (fnn_real).2);
    fnn_dense(m, 5, FNN_TANH);
    fnn_dense(m, 3, FNN_SOFTMAX);
    c.optimizer = fnn_adam(1e-3);
    c.epochs = 2;
    c.batch_size = 8;
    CHECK(!fnn_fit(m, data, &c, NULL) && !fnn_predict(m, NULL, data, probabilities));
    for (int i = 0; i < data->count; i++)
        loss -= log((double)probabilities[i * 3 + data->labels[i]]) / (double)data->count;
    fnn_model_free(m);
    return loss;
}

/* Every kind of layer, and Keras' count of parameters: of batch norm's four a channel two train. */
static void a_cnn_has_its_layers(void)
{
    fnn_real by_hand[20 * 3], outputs[20 * 3];
    static fnn_real images[20 * 8 * 8 * 2];
    const cnn_arguments a = {{CNN_BATCH_NORM, CNN_CONV(3, 3, FNN_SAME, FNN_RELU), CNN_MAX_POOL(2),
                              CNN_BATCH_NORM, CNN_CONV(4, 3, FNN_VALID, FNN_RELU),
                              CNN_AVERAGE_POOL(2), CNN_DROPOUT(.2), CNN_DENSE(5, FNN_TANH)},
                             2,
                             8,
                             {FNN_ADAM, 1e-3},
                             CNN_CROSS_ENTROPY,
                             {CNN_ACCURACY, CNN_TOP_5},
                             CLASSIFICATION,
                             0};
    fnn_dataset data = made_data(CLASSIFICATION);
    double values[1 + CNN_MOST_METRICS];
    char text[200];
    for (int i = 0; i < 20 * 128; i++) images[i] = (fnn_real)(i * 37 % 101);
    data.count = data.rows = 20;
    data.height = data.width = 8;
    data.channels = 2;
    data.reals = images;
    cnn net = cnn_make(&a);
    CHECK(!cnn_fit(&net, &data, NULL) && !cnn_evaluate(&net, &data, values));
    CHECK(cnn_parameters(&net, &data) ==
          4 * 2 + 3 * (9 * 2 + 1) + 4 * 3 + 4 * (9 * 3 + 1) + 5 * (4 + 1) + 3 * (5 + 1));
    CHECK(fabs(values[0] - fit_by_hand(&data, by_hand)) < 1e-5);
    CHECK(!fnn_predict(net.fitted.model, NULL, &data, outputs));
    CHECK(!memcmp(outputs, by_hand, sizeof outputs));
    CHECK(fabs(values[1] - cnn_score(&net, &data)) < 1e-9);
    CHECK(values[2] == 1); /* three classes are among the first five */
    cnn_describe(a.architecture, text, sizeof text);
    CHECKF(!strcmp(text, "BatchNorm, Conv(3, 3x3), MaxPool(2), BatchNorm, Conv(4, 3x3, valid), "
                         "AveragePool(2), Dropout(0.2), Dense(5)"),
           "%s", text);
    cnn_free(&net);
}

/* A grid trains every combination in the order of the lists, ranks it, and its best predicts. */
static void a_grid_takes_every_combination(void)
{
    const fnn_dataset data = made_data(REGRESSION);
    const mlp_lists lists = {{{6}, {4, 4}}, {TANH, RELU}, {1, {60}}, {2, {0, .5}}, {1, {.3}},
                             {1, {0}},      {1, {.8}},    {1, {20}}, REGRESSION};
    grid g = mlp_grid(&lists);
    char text[200];
    fnn_real values[ROWS];
    CHECKF(!grid_run(&g, &data), "%s", g.error.message);
    CHECK(g.found.count == 8);
    for (int i = 0; i < 8; i++) {
        const fnn_candidate *a = g.found.candidates + i;
        CHECK(a->folds[0].history.count == 60);
        for (int j = 0; j < 8; j++) {
            const fnn_candidate *b = g.found.candidates + j;
            CHECK(a->rank > b->rank || a->mean.validation_score >= b->mean.validation_score);
        }
    }
    grid_describe(&g, 3, text, sizeof text);
    CHECKF(!strcmp(text, "(6) ReLU, 60 epochs, eta 0.5 beta 0.3 alpha 0 mu 0.8 batch 20"), "%s",
           text);
    mlp best = mlp_best_model(&g);
    CHECK(best.arguments.eta > 0); /* the others learn nothing */
    CHECK(!mlp_predict(&best, &data, values));
    CHECK(fabs(mlp_score(&best, &data) - fnn_r2(values, targets, ROWS, 1)) < 1e-4);
    CHECKF(mlp_score(&best, &data) > .8, "R2 %g", mlp_score(&best, &data));
    mlp_free(&best);
    grid_free(&g);
}

static const harness_test tests[] = {TEST(each_penalty_has_its_gradient),
                                     TEST(a_mean_of_all_takes_shorter_steps),
                                     TEST(weights_start_normal_times_beta),
                                     TEST(inputs_are_divided_by_their_variance),
                                     TEST(a_regression_predicts_in_its_units),
                                     TEST(a_classification_predicts_classes),
                                     TEST(a_cnn_has_its_layers),
                                     TEST(a_grid_takes_every_combination)};
HARNESS_MAIN(tests)
