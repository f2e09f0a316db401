/* shi-epochs (4.6, figures 8 and 9): accuracy over 200 to 500 epochs of 1 hidden layer of 128
 * without a penalty, and of 2 with lambda .2.
 *
 *     cc -O2 -fopenmp examples/shi/epochs.c -o epochs -lm && ./epochs
 *
 * Prints the test accuracy at the end, how much it fluctuates from epoch 200 on (deviation of its
 * points), its mean over epochs 400 to 450, and its best epoch, in both readings (shi.h). The
 * report: 1 layer fluctuates; 2 layers are best at epoch 400 to 450 with about 78. Plots: train and
 * test accuracy against epochs. */
#include "shi.h"

static const struct {
    const char *name, *best; /* what the report says of the best epoch */
    int depth;
    double rate, lambda, test;
} runs[] = {
    {"1 hidden, rate .5", "", 1, .5, 0, EXPERIMENT_UNKNOWN},
    {"2 hidden, rate .02, lambda .2", " (report: 400 to 450)", 2, .02, .2, 78},
};
enum { RUNS = EXPERIMENT_COUNT(runs), EPOCHS = 500, EVERY = 10 };
enum { FLUCTUATION = SHI_OWN, BETWEEN, BEST };

static void run(experiment_job *job)
{
    const shi_mlp mlp = {.depth = runs[job->run].depth,
                         .width = 128,
                         .batch = 100,
                         .epochs = EPOCHS,
                         .rate = runs[job->run].rate,
                         .lambda = runs[job->run].lambda,
                         .every = EVERY,
                         .validation = &data.test};
    const fnn_history *h = &job->history;
    double late[EPOCHS], between[EPOCHS], highest = -1;
    int count = 0, count_between = 0;
    shi_fit(job, &mlp, &data);
    for (int i = 0; i < h->count; i++) {
        const fnn_epoch *epoch = &h->epochs[i];
        const double score = 100 * epoch->validation_score;
        if (epoch->epoch >= 200) late[count++] = score;
        if (epoch->epoch >= 400 && epoch->epoch <= 450) between[count_between++] = score;
        if (epoch->validation_score <= highest) continue;
        highest = epoch->validation_score;
        job->figures[BEST] = epoch->epoch;
    }
    if (count) experiment_mean_of(late, count, &job->figures[FLUCTUATION]);
    if (count_between) job->figures[BETWEEN] = experiment_mean_of(between, count_between, NULL);
}

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-epochs", "Accuracy over 500 epochs");
    for (reading = SHI_A; reading <= SHI_B; reading++) {
        const char *r = shi_readings[reading];
        experiment_each(&e, RUNS, reading == SHI_A ? e.seeds : 1, run);
        for (int i = 0; i < RUNS; i++) {
            char name[32];
            experiment_report(&e, i, SHI_TEST, r, "test accuracy %", EXPERIMENT_UNKNOWN,
                              "%s, epoch 500", runs[i].name);
            experiment_report(&e, i, BETWEEN, r, "test accuracy %", runs[i].test,
                              "%s, mean of epochs 400 to 450", runs[i].name);
            experiment_report(&e, i, FLUCTUATION, r, "fluctuation %", EXPERIMENT_UNKNOWN,
                              "%s, from epoch 200 on", runs[i].name);
            experiment_report(&e, i, BEST, r, "epoch", EXPERIMENT_UNKNOWN,
                              "%s, best on the test set%s", runs[i].name, runs[i].best);
            snprintf(name, sizeof name, "%d-hidden-%s", runs[i].depth,
                     reading == SHI_A ? "a" : "b");
            experiment_plot *p =
                experiment_plot_begin(&e, name, runs[i].name, "epoch", "accuracy %", 0);
            experiment_curve(&e, p, reading == SHI_A ? "train, ten batches" : "train, running mean",
                             i, FNN_MONITOR_SCORE);
            experiment_curve(&e, p, "test", i, FNN_MONITOR_VALIDATION_SCORE);
            for (int at = 400; at <= 450; at += 50) /* about so much in between */
                experiment_point(&e, p, "report, test", at, runs[i].test, EXPERIMENT_UNKNOWN);
        }
    }
    return experiment_end(&e);
}
