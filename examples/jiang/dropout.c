/* jiang-dropout (4.5.1, figure 14): the CNN with dropout 0 to .9, one epoch, batch 64.
 *
 *     cc -O2 -fopenmp examples/jiang/dropout.c -o dropout -lm && ./dropout
 *
 * Prints accuracy and loss on the validation set (here the test set, as the 938 steps of the
 * report's log leave no other) and, of the same log, those of the training batches. Where dropout
 * stands is not said: behind both convolutions (A: up to .8 its fall is the report's), before the
 * dense layers or between them; and behind both of the network of B. */
#include "cnn.h"

/* Figure 14, in the order of the figures of jiang_fit. */
static const char *const metrics[] = {"test accuracy %", "accuracy while training %", "test loss",
                                      "loss while training"};
static const double reported[10][4] = {
    {86.88, 82.74, .3704, .4864},  {86.93, 82.61, .3646, .4918}, {86.65, 82.32, .3792, .4957},
    {83.49, 81.44, .4319, .5171},  {85.58, 80.21, .4001, .5405}, {85.90, 80.04, .3961, .5481},
    {85.04, 78.67, .4154, .5853},  {83.34, 75.34, .4500, .6582}, {79.66, 70.33, .5311, .7885},
    {63.29, 35.48, 1.0925, 1.7228}};
static const struct {
    int net; /* of jiang_readings */
    jiang_place place;
    const char *reading, *name;
} runs[] = {
    {0, JIANG_CONVS, "A", "behind both convolutions"},
    {0, JIANG_FLAT, "", "before the dense layers, net of A"},
    {0, JIANG_HIDDEN, "", "between the dense layers, net of A"},
    {2, JIANG_CONVS, "B", "behind both convolutions"},
};
enum { RUNS = EXPERIMENT_COUNT(runs), RATES = 10 };

static void run(experiment_job *job)
{
    const int i = job->run / RATES;
    jiang_fit(job, &data.train, &data.test, runs[i].net, jiang_dense, runs[i].place,
              .1 * (job->run % RATES), .001, 64, 1);
}

int main(int argc, char **argv)
{
    jiang_begin(argc, argv, "jiang-dropout", "The CNN with dropout 0 to .9");
    experiment_each(&e, RUNS * RATES, e.seeds, run);
    experiment_plot *p = experiment_plot_begin(&e, "rate", "One epoch, batch 64", "dropout rate",
                                               "test accuracy %", 0);
    for (int i = 0; i < RUNS * RATES; i++) {
        const int rate = i % RATES, what = i / RATES;
        char series[96];
        snprintf(series, sizeof series, "%s: %s", jiang_readings[runs[what].net].name,
                 runs[what].name);
        experiment_point_of(&e, p, series, .1 * rate, i, JIANG_TEST);
        for (int k = JIANG_TEST; k <= JIANG_TRAIN_LOSS; k++)
            experiment_report(&e, i, k, runs[what].reading, metrics[k], reported[rate][k],
                              "dropout .%d %s", rate, runs[what].name);
    }
    for (int i = 0; i < RATES; i++)
        experiment_reported(&e, p, i ? "" : "report", .1 * i, reported[i][JIANG_TEST]);
    experiment_note(&e, "Adam at .001, the best rate of figure 13; A is %s, B %s",
                    jiang_readings[0].name, jiang_readings[2].name);
    return experiment_end(&e);
}
