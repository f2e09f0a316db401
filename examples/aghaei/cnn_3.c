/* aghaei-cnn-3 (4.4 test 3, tables 8 to 10): three convolutions; with a dense layer behind them;
 * with growing filters; with pools and dropout.
 *
 *     cc -O2 -fopenmp examples/aghaei/cnn_3.c -o cnn_3 -lm && ./cnn_3
 *
 * Prints the networks' figures on all 60,000 images beside the author's unrounded ones. Rows that a
 * table names alike are repeats of one network. Those of 3x3 differ in their optimiser: the first
 * is the first network of its grid (see cnn_count_steps). Those of 7x7 differ in nothing: measured
 * figures stand beside each repeat and beside their mean. They are of three seeds; of one for 32
 * filters of 7x7, which take an hour. The last two networks are not in the report, only among its
 * author's results. */
#include "cnn.h"

#define CONV(filters, kernel) CNN_CONV(filters, kernel, FNN_SAME, FNN_RELU)
#define TRAINING                                                          \
    .epochs = 20, .batch_size = 128, .optimizer = fnn_adam, .rate = 1e-3, \
    .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY
#define NEXT TRAINING, .earlier_steps = CNN_MOST_STEPS

enum { REPEATS = 2 };

static experiment e;
static experiment_data data;
static const struct network {
    const char *name;
    cnn net;
    cnn_reported reported[REPEATS]; /* a test accuracy of 0: there is no second one */
    int once;                       /* with one seed */
} networks[] = {
    {.name = "table 8: Conv(16, 3x3) three times; first of its grid",
     .net = {.architecture = {CONV(16, 3), CONV(16, 3), CONV(16, 3)}, TRAINING},
     .reported = {{84.26, 98.64833, .038051}}},
    {.name = "table 8: Conv(16, 3x3) three times",
     .net = {.architecture = {CONV(16, 3), CONV(16, 3), CONV(16, 3)}, NEXT},
     .reported = {{80.36, 99.03167, .02707}}},
    {.name = "table 9: Conv(16, 3x3) three times, Dense(32); first of its grid",
     .net = {.architecture = {CONV(16, 3), CONV(16, 3), CONV(16, 3), CNN_DENSE(32, FNN_RELU)},
             TRAINING},
     .reported = {{86.06, 99.20667, .022121}}},
    {.name = "table 9: Conv(16, 3x3) three times, Dense(32)",
     .net = {.architecture = {CONV(16, 3), CONV(16, 3), CONV(16, 3), CNN_DENSE(32, FNN_RELU)},
             NEXT},
     .reported = {{85.06, 99.60833, .011225}}},
    {.name = "table 10: Conv(8, 16, 32, 3x3), Dense(32); first of its grid",
     .net = {.architecture = {CONV(8, 3), CONV(16, 3), CONV(32, 3), CNN_DENSE(32, FNN_RELU)},
             TRAINING},
     .reported = {{89.3, 99.56333, .01288}}},
    {.name = "table 10: Conv(8, 16, 32, 3x3), Dense(32)",
     .net = {.architecture = {CONV(8, 3), CONV(16, 3), CONV(32, 3), CNN_DENSE(32, FNN_RELU)}, NEXT},
     .reported = {{84.81, 99.75333, .007405}}},
    {.name = "table 10: Conv(8, 16, 32, 7x7), Dense(32)",
     .net = {.architecture = {CONV(8, 7), CONV(16, 7), CONV(32, 7), CNN_DENSE(32, FNN_RELU)}, NEXT},
     .reported = {{85.46, 99.225, .021174}, {85.6, 98.86167, .03375}}},
    {.name = "table 8: Conv(32, 7x7) three times",
     .net = {.architecture = {CONV(32, 7), CONV(32, 7), CONV(32, 7)}, NEXT},
     .reported = {{81.9, 98.36333, .043423}, {81.78, 97.815, .060603}},
     .once = 1},
    {.name = "table 9: Conv(32, 7x7) three times, Dense(32)",
     .net = {.architecture = {CONV(32, 7), CONV(32, 7), CONV(32, 7), CNN_DENSE(32, FNN_RELU)},
             NEXT},
     .reported = {{84.32, 98.58333, .038964}, {82.93, 99.11833, .025671}},
     .once = 1},
    {.name = "pools, dropout .5",
     .net = {.architecture = {CONV(16, 3), CNN_MAX_POOL(2), CONV(32, 3), CNN_MAX_POOL(2),
                              CONV(64, 3), CNN_DENSE(128, FNN_RELU), CNN_DROPOUT(.5)},
             TRAINING},
     .reported = {{88.08, 95.64833, .111654}}},
    {.name = "pools, dropout .6",
     .net = {.architecture = {CONV(16, 3), CNN_MAX_POOL(2), CONV(32, 3), CNN_MAX_POOL(2),
                              CONV(64, 3), CNN_DENSE(128, FNN_RELU), CNN_DROPOUT(.6)},
             TRAINING},
     .reported = {{87.3, 94.74333, .138079}}},
};

static int seeds_of(const struct network *n)
{
    return n->once ? 1 : e.seeds;
}

static void run(experiment_job *job)
{
    const struct network *n = &networks[job->run];
    if (job->seed < seeds_of(n)) cnn_run_fashion(job, &n->net, &data);
}

static void report_network(int i)
{
    const struct network *n = &networks[i];
    const cnn_reported *first = &n->reported[0], *second = &n->reported[1];
    const cnn_reported mean = {(first->test + second->test) / 2, (first->train + second->train) / 2,
                               (first->loss + second->loss) / 2};
    char name[128];
    if (!(second->test > 0)) {
        cnn_report_fashion(&e, i, seeds_of(n), first, n->name);
        return;
    }
    for (int k = 0; k < REPEATS; k++) {
        snprintf(name, sizeof name, "%s; repeat %d", n->name, k + 1);
        cnn_report(&e, i, seeds_of(n), TEST, "A", "test accuracy %", n->reported[k].test, name);
    }
    snprintf(name, sizeof name, "%s; mean of repeats", n->name);
    cnn_report_fashion(&e, i, seeds_of(n), &mean, name);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cnn-3", "Three convolutions on Fashion-MNIST", 3);
    experiment_fashion(&e, &data);
    cnn_note_readings(&e);
    experiment_each(&e, EXPERIMENT_COUNT(networks), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(networks); i++) report_network(i);
    return experiment_end(&e);
}
