/* jiang-dropout (4.5.1, figure 14): the CNN with dropout 0 to .9, one epoch, batch 64.
 *
 *     cc -O2 -fopenmp examples/jiang/dropout.c -o dropout -lm && ./dropout
 *
 * Prints the accuracy on the validation set (here the test set, as the 938 steps of the report's
 * log leave no other) and, of the same log, that on the training batches. Where dropout stands is
 * not said: behind both convolutions (A: up to .8 its fall is the report's), before the dense
 * layers or between them; and behind both of the network of B. */
#include "cnn.h"

static const struct {
    double validation, train;
} reported[10] = {{86.88, 82.74}, {86.93, 82.61}, {86.65, 82.32}, {83.49, 81.44}, {85.58, 80.21},
                  {85.90, 80.04}, {85.04, 78.67}, {83.34, 75.34}, {79.66, 70.33}, {63.29, 35.48}};
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
enum { RUNS = EXPERIMENT_COUNT(runs), RATES = 10, TEST = 0, TRAIN = 1 };

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
        experiment_point_of(&e, p, series, .1 * rate, i, TEST);
        for (int figure = TEST; figure <= TRAIN; figure++)
            experiment_report(&e, i, figure, runs[what].reading,
                              figure == TEST ? "test accuracy %" : "accuracy while training %",
                              figure == TEST ? reported[rate].validation : reported[rate].train,
                              "dropout .%d %s", rate, runs[what].name);
    }
    for (int i = 0; i < RATES; i++)
        experiment_reported(&e, p, i ? "" : "report", .1 * i, reported[i].validation);
    experiment_note(&e, "Adam at .001, the best rate of figure 13; A is %s, B %s",
                    jiang_readings[0].name, jiang_readings[2].name);
    return experiment_end(&e);
}
