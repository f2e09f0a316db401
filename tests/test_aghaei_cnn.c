/* The class CNN of examples/aghaei: what it computes, against the same by hand. */
#define EXPERIMENT_LINKED /* with the library as an object of its own */
#include "../examples/aghaei/cnn.h"
#include "harness.h"

enum { IMAGES = 60, SIDE = 8, CHANNELS = 2, PIXELS = SIDE * SIDE * CHANNELS, CLASSES = 3 };

static uint8_t bytes[IMAGES * PIXELS];
static fnn_real reals[IMAGES * PIXELS], targets[IMAGES];
static int32_t labels[IMAGES];
static experiment e;
static experiment_job job;

/* Images whose third that is bright tells the class, or by its brightness the target. */
static fnn_dataset made_images(void)
{
    fnn_dataset data;
    memset(&data, 0, sizeof data);
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
        targets[i] = (fnn_real)(1000 + 10 * (i % 7));
        for (int k = 0; k < PIXELS; k++)
            bytes[i * PIXELS + k] =
                (uint8_t)(k % CLASSES == labels[i] ? 100 + 20 * (i % 7) : (i * 37 + k * 11) % 50);
    }
    data.count = data.rows = IMAGES;
    data.height = data.width = SIDE;
    data.channels = CHANNELS;
    data.bytes = bytes;
    data.labels = labels;
    data.classes = CLASSES;
    return data;
}

/* A program's first job. */
static void begin(void)
{
    char name[] = "test";
    char *arguments[] = {name, NULL};
    experiment_begin(&e, 1, arguments, "test", "A test", 1);
    memset(&job, 0, sizeof job);
    job.experiment = &e;
    e.run_count = e.seed_count = 1;
    e.jobs = &job;
    e.printed = program_seconds(0); /* says nothing of progress */
}

static void end(fnn_model *m)
{
    fnn_model_free(m);
    fnn_history_free(&job.history);
    free(e.notes.text);
    free(e.sources.text);
    free(e.rows);
}

/* Fits the network of a_cnn_has_its_layers by hand. */
static fnn_model *fit_by_hand(const fnn_dataset *data)
{
    fnn_model *m = fnn_sequential(SIDE, SIDE, CHANNELS);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_set_seed(m, 1);
    fnn_set_loss(m, FNN_LOSS_CATEGORICAL_CROSS_ENTROPY, 0, 0);
    fnn_batch_norm(m);
    fnn_conv2d(m, 3, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_batch_norm(m);
    fnn_conv2d(m, 4, 3, FNN_VALID, FNN_RELU);
    fnn_average_pool2d(m, 2);
    fnn_dropout(m, (fnn_real).2);
    fnn_dense(m, 5, FNN_TANH);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    c.optimizer = fnn_adam(1e-3);
    c.epochs = 2;
    c.batch_size = 8;
    c.seed = 1;
    CHECK(!fnn_fit(m, data, &c, NULL));
    return m;
}

/* Every kind of layer, and Keras' count of parameters: of batch norm's four a channel two train. */
static void a_cnn_has_its_layers(void)
{
    static const cnn net = {
        .architecture = {CNN_BATCH_NORM, CNN_CONV(3, 3, FNN_SAME, FNN_RELU), CNN_MAX_POOL(2),
                         CNN_BATCH_NORM, CNN_CONV(4, 3, FNN_VALID, FNN_RELU), CNN_AVERAGE_POOL(2),
                         CNN_DROPOUT(.2), CNN_DENSE(5, FNN_TANH)},
        .epochs = 2,
        .batch_size = 8,
        .optimizer = fnn_adam,
        .rate = 1e-3,
        .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY};
    const fnn_dataset data = made_images();
    fnn_real a[IMAGES * CLASSES], b[IMAGES * CLASSES];
    begin();
    fnn_model *m = cnn_fit(&net, &job, &data, &data), *by_hand = fit_by_hand(&data);
    CHECK(!fnn_predict(m, NULL, &data, a) && !fnn_predict(by_hand, NULL, &data, b));
    CHECK(!memcmp(a, b, sizeof a));
    CHECK(cnn_parameters(&net, m, CHANNELS) ==
          4 * 2 + 3 * (9 * 2 + 1) + 4 * 3 + 4 * (9 * 3 + 1) + 5 * (4 + 1) + 3 * (5 + 1));
    CHECK(job.history.count == 2);
    CHECK(fabs(100 * job.history.epochs[1].validation_score - cnn_score(m, &data)) < 1e-9);
    fnn_model_free(by_hand);
    end(m);
}

/* Without classes: predictions are in the units of the targets, and their R2 is the score. */
static void a_regression_predicts_in_its_units(void)
{
    static const cnn net = {.architecture = {CNN_CONV(4, 3, FNN_SAME, FNN_RELU), CNN_MAX_POOL(2)},
                            .epochs = 60,
                            .batch_size = 8,
                            .optimizer = fnn_adam,
                            .rate = 1e-3,
                            .loss = FNN_LOSS_MEAN_SQUARED_ERROR,
                            .input = FNN_NORMALIZE_DIVIDE_255};
    fnn_dataset data = made_images();
    fnn_real values[IMAGES];
    data.labels = NULL;
    data.classes = 0;
    data.targets = targets;
    data.target_count = 1;
    begin();
    fnn_model *m = cnn_fit(&net, &job, &data, NULL);
    CHECK(!cnn_predict(m, &data, values));
    CHECKF(cnn_score(m, &data) > .9, "R2 %g", cnn_score(m, &data));
    CHECK(fabs(cnn_score(m, &data) - fnn_r2(values, targets, IMAGES, 1)) < 1e-4);
    end(m);
}

/* A softmax that is clipped has no gradient under Keras' cross-entropy: nothing is learned, where
 * that of logits learns. One step of Adam would move every weight that has a gradient. */
static void a_clipped_softmax_learns_nothing(void)
{
    static const fnn_loss_kind losses[] = {FNN_LOSS_CATEGORICAL_CROSS_ENTROPY,
                                           FNN_LOSS_SOFTMAX_CROSS_ENTROPY};
    fnn_dataset data = made_images();
    for (int i = 0; i < IMAGES * PIXELS; i++) reals[i] = 1e4f * (fnn_real)bytes[i];
    data.bytes = NULL;
    data.reals = reals;
    for (int i = 0; i < 2; i++) {
        const cnn net = {.epochs = 1,
                         .batch_size = IMAGES,
                         .optimizer = fnn_adam,
                         .rate = 1e-3,
                         .loss = losses[i]};
        size_t count;
        begin();
        fnn_model *start = cnn_build(&net, &job, &data);
        CHECK(!fnn_seal(start));
        fnn_model *m = cnn_fit(&net, &job, &data, NULL);
        const fnn_real *before = fnn_parameters(start, &count), *after = fnn_parameters(m, NULL);
        CHECK(!memcmp(before, after, count * sizeof *after) ==
              (losses[i] == FNN_LOSS_CATEGORICAL_CROSS_ENTROPY));
        fnn_model_free(start);
        end(m);
    }
}

/* The farthest that a weight goes in Adam's first step of rate .001, after so many steps that the
 * optimiser has counted with other networks. */
static double first_step(int earlier_steps)
{
    const cnn net = {.epochs = 1,
                     .batch_size = IMAGES,
                     .optimizer = fnn_adam,
                     .rate = 1e-3,
                     .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY,
                     .input = FNN_NORMALIZE_DIVIDE_255,
                     .earlier_steps = earlier_steps};
    const fnn_dataset data = made_images();
    size_t count;
    double farthest = 0;
    begin();
    fnn_model *start = cnn_build(&net, &job, &data), *m = cnn_fit(&net, &job, &data, NULL);
    const fnn_real *before = fnn_parameters(start, &count), *after = fnn_parameters(m, NULL);
    for (size_t i = 0; i < count; i++)
        farthest = fmax(farthest, fabs((double)(after[i] - before[i])));
    fnn_model_free(start);
    end(m);
    return farthest;
}

/* At step t Adam's first moments .1 g and .001 g g give rate * .1 / sqrt(.001) * sqrt(1 - .999^t) /
 * (1 - .9^t): the rate at t = 1, 3.16 of it without the correction. */
static void a_used_optimizer_steps_without_correction(void)
{
    CHECKF(fabs(first_step(0) - .001) < 1e-5, "%g", first_step(0));
    CHECKF(fabs(first_step(CNN_MOST_STEPS) - .001 * .1 / sqrt(.001)) < 1e-5, "%g",
           first_step(CNN_MOST_STEPS));
}

/* Reading A's test is that of a network trained on images / 255, given raw ones. */
static void the_raw_test_is_of_images_times_255(void)
{
    static const cnn net = {.architecture = {CNN_CONV(4, 3, FNN_SAME, FNN_RELU)},
                            .epochs = 4,
                            .batch_size = 16,
                            .optimizer = fnn_adam,
                            .rate = 1e-3,
                            .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY,
                            .input = FNN_NORMALIZE_DIVIDE_255};
    experiment_data data;
    fnn_real values[IMAGES];
    int right = 0;
    memset(&data, 0, sizeof data);
    data.train = data.test = made_images();
    begin();
    cnn_run_fashion(&job, &net, &data);
    const double raw = job.figures[TEST], scaled = job.figures[TEST_SCALED];
    end(NULL);
    begin();
    fnn_model *m = cnn_fit(&net, &job, &data.train, NULL);
    CHECK(fabs(scaled - cnn_score(m, &data.test)) < 1e-9);
    for (int i = 0; i < IMAGES * PIXELS; i++) reals[i] = 255 * (fnn_real)bytes[i];
    data.test.bytes = NULL;
    data.test.reals = reals;
    CHECK(!cnn_predict(m, &data.test, values));
    for (int i = 0; i < IMAGES; i++) right += (int)values[i] == labels[i];
    CHECKF(fabs(raw - 100. * right / IMAGES) < 1e-9, "%g, by hand %d right", raw, right);
    CHECKF(fabs(raw - scaled) > 1, "raw %g, scaled %g: nothing is shown", raw, scaled);
    end(m);
}

/* The highest figure of the first seeds; runs that were not made have none. */
static void the_best_model_has_the_highest_figure(void)
{
    enum { RUNS = 4, SEEDS = 2 };
    static const double figures[RUNS][SEEDS] = {{70, 99}, {80, 60}, {(double)NAN, 90}, {75, 70}};
    experiment_job jobs[RUNS * SEEDS];
    begin();
    for (int i = 0; i < RUNS * SEEDS; i++) jobs[i].figures[TEST] = figures[i / SEEDS][i % SEEDS];
    e.jobs = jobs;
    e.run_count = RUNS;
    e.seed_count = SEEDS;
    CHECK(cnn_best_model(&e, TEST) == 1);
    end(NULL);
}

static const harness_test tests[] = {TEST(a_cnn_has_its_layers),
                                     TEST(a_regression_predicts_in_its_units),
                                     TEST(a_clipped_softmax_learns_nothing),
                                     TEST(a_used_optimizer_steps_without_correction),
                                     TEST(the_raw_test_is_of_images_times_255),
                                     TEST(the_best_model_has_the_highest_figure)};
HARNESS_MAIN(tests)
