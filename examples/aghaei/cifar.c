/* aghaei-cifar (4.5, table 5): CNNs on CIFAR-10, from batch norm of the input to Adam's rate.
 *
 *     cc -O2 -fopenmp examples/aghaei/cifar.c -o cifar -lm && ./cifar
 *
 * Prints the report's steps on all 50,000 images: pools (651,990 parameters), dropout, optimisers,
 * each with three seeds, and table 5, whose rows of 10 and 50 epochs are one fit. Of the networks
 * without pools, which have 33,682,134 parameters, that with batch norm is trained on all images,
 * too, once; those without, of which one learns nothing, on 8,000.
 *
 * Reading A has Keras' cross-entropy: the softmax' outputs are clipped to 1e-7 from 0 and 1, and
 * where they are clipped there is no gradient. Reading B has the cross-entropy of logits. */
#include "cnn.h"

#define CONV(filters) CNN_CONV(filters, 3, FNN_SAME, FNN_RELU)
#define POOL CNN_MAX_POOL(2)
#define DENSE(width) CNN_DENSE(width, FNN_RELU)
#define NO_POOLS CONV(32), CONV(64), CONV(128), DENSE(256), DENSE(128)
#define POOLS CONV(32), POOL, CONV(64), POOL, CONV(128), POOL
#define DROPOUT                                                                                   \
    CNN_BATCH_NORM, CONV(32), CNN_DROPOUT(.5), POOL, CONV(64), POOL, CONV(128), POOL, DENSE(256), \
        CNN_DROPOUT(.5), DENSE(128)
#define FIT(most, kind, step, of) \
    .epochs = most, .batch_size = 128, .optimizer = fnn_##kind, .rate = step, .loss = of
#define KERAS FNN_LOSS_CATEGORICAL_CROSS_ENTROPY
#define LOGITS FNN_LOSS_SOFTMAX_CROSS_ENTROPY
#define ONLY_TEST(percent)                              \
    {                                                   \
        percent, EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN \
    }

enum { AFTER_10 = PARAMETERS + 1, FEW = 8000 };

static experiment e;
static experiment_data data;
static fnn_dataset few; /* of the training images */
static const struct network {
    const char *name;
    cnn net;
    cnn_reported reported;
    double after_10;  /* reported after the first 10 of more epochs; 0: there are not more */
    int parameters;   /* reported, or 0 */
    const char *plot; /* which shows the test accuracy by epoch, or NULL */
    int on_few, repeated;
} networks[] = {
    {.name = "pools",
     .repeated = 1,
     .net = {.architecture = {CNN_BATCH_NORM, POOLS, DENSE(256), DENSE(128)},
             FIT(10, adam, 1e-3, KERAS)},
     .reported = {74.58, 93.342, .186065},
     .parameters = 651990},
    {.name = "one dropout .2",
     .repeated = 1,
     .net = {.architecture = {CNN_BATCH_NORM, POOLS, DENSE(256), CNN_DROPOUT(.2), DENSE(128)},
             FIT(10, adam, 1e-3, KERAS)},
     .reported = {76.05, 90.796, .254184}},
    {.name = "two dropouts .5, Adam",
     .repeated = 1,
     .plot = "optimisers",
     .net = {.architecture = {DROPOUT}, FIT(10, adam, 1e-3, KERAS)},
     .reported = {72.5, 80.518, .552345}},
    {.name = "two dropouts .5, RMSprop",
     .repeated = 1,
     .plot = "optimisers",
     .net = {.architecture = {DROPOUT}, FIT(10, rmsprop, 1e-3, KERAS)},
     .reported = ONLY_TEST(72.2)},
    {.name = "two dropouts .5, SGD",
     .repeated = 1,
     .plot = "optimisers",
     .net = {.architecture = {DROPOUT}, FIT(10, sgd, 1e-2, KERAS)},
     .reported = ONLY_TEST(60.5)},
    {.name = "no pools, no batch norm",
     .net = {.architecture = {NO_POOLS}, FIT(10, adam, 1e-3, KERAS)},
     .reported = ONLY_TEST(10),
     .on_few = 1},
    {.name = "no pools, no batch norm",
     .net = {.architecture = {NO_POOLS}, FIT(10, adam, 1e-3, LOGITS)},
     .reported = ONLY_TEST(10),
     .on_few = 1},
    {.name = "no pools",
     .net = {.architecture = {CNN_BATCH_NORM, NO_POOLS}, FIT(10, adam, 1e-3, KERAS)},
     .reported = ONLY_TEST(64.4),
     .parameters = 33682134},
    {.name = "table 5: Adam .1",
     .plot = "rates",
     .net = {.architecture = {DROPOUT}, FIT(50, adam, 1e-1, KERAS)},
     .reported = ONLY_TEST(10),
     .after_10 = 10},
    {.name = "table 5: Adam .01",
     .plot = "rates",
     .net = {.architecture = {DROPOUT}, FIT(50, adam, 1e-2, KERAS)},
     .reported = ONLY_TEST(47.4),
     .after_10 = 42},
    {.name = "table 5: Adam .001",
     .plot = "rates",
     .net = {.architecture = {DROPOUT}, FIT(50, adam, 1e-3, KERAS)},
     .reported = ONLY_TEST(74.8),
     .after_10 = 74},
    {.name = "table 5: Adam .0001",
     .plot = "rates",
     .net = {.architecture = {DROPOUT}, FIT(50, adam, 1e-4, KERAS)},
     .reported = ONLY_TEST(72.8),
     .after_10 = 64},
};

static void run(experiment_job *job)
{
    const struct network *n = &networks[job->run];
    if (job->seed && !n->repeated) return;
    fnn_model *m =
        cnn_fit(&n->net, job, n->on_few ? &few : &data.train, n->plot ? &data.test : NULL);
    cnn_keep_last_epoch(job);
    job->figures[TEST] = cnn_score(m, &data.test);
    job->figures[PARAMETERS] = (double)cnn_parameters(&n->net, m, data.train.channels);
    if (n->after_10 > 0)
        job->figures[AFTER_10] =
            100 * job->history.epochs[experiment_epochs(&e, 10) - 1].validation_score;
    fnn_model_free(m);
}

/* What rows say of their images: how many, where not all, and whether they are a JPEG copy. */
static void describe(const struct network *n, int epochs, char *name, size_t size)
{
    char count[32] = "";
    if (n->on_few) snprintf(count, sizeof count, ", %d images", (int)few.count);
    snprintf(name, size, "%s, %d epochs%s%s", n->name, experiment_epochs(&e, epochs), count,
             strstr(e.sources.text, "JPEG copy") ? "; JPEG copy" : "");
}

static void report_network(int i)
{
    const struct network *n = &networks[i];
    const char *reading = n->net.loss == KERAS ? "A" : "B";
    const int seeds = n->repeated ? e.seeds : 1;
    char name[128];
    if (n->after_10 > 0) {
        describe(n, 10, name, sizeof name);
        cnn_report(&e, i, seeds, AFTER_10, reading, "test accuracy %", n->after_10, name);
    }
    describe(n, n->net.epochs, name, sizeof name);
    cnn_report(&e, i, seeds, TEST, reading, "test accuracy %", n->reported.test, name);
    cnn_report(&e, i, seeds, TRAIN, reading, "train accuracy %", n->reported.train, name);
    if (!isnan(n->reported.loss))
        cnn_report(&e, i, seeds, LOSS, reading, "train loss", n->reported.loss, name);
    if (n->parameters)
        cnn_report(&e, i, 1, PARAMETERS, reading, "parameters", n->parameters, n->name);
}

/* The runs of a plot, epoch by epoch. */
static void plot(const char *name, const char *title)
{
    experiment_plot *p = experiment_plot_begin(&e, name, title, "epoch", "test accuracy %", 0);
    for (int i = 0; i < EXPERIMENT_COUNT(networks); i++)
        if (networks[i].plot && !strcmp(networks[i].plot, name))
            experiment_curve(&e, p, networks[i].name, i, FNN_MONITOR_VALIDATION_SCORE);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cifar", "CNNs on CIFAR-10", 3);
    experiment_cifar10(&e, &data);
    few = experiment_reduce(&e, &data.train, FEW);
    experiment_note(&e, "A: Keras' clipped categorical cross-entropy; B: cross-entropy of logits");
    experiment_note(&e, "table 5: the report does not say of which network; here that with two "
                        "dropouts, of which it speaks before");
    experiment_each(&e, EXPERIMENT_COUNT(networks), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(networks); i++) report_network(i);
    plot("optimisers", "Two dropouts by three optimisers");
    plot("rates", "Table 5: Adam's rate");
    return experiment_end(&e);
}
