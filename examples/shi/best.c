/* shi-best (4.6, figures 10 and 11): the best network: 1 hidden layer of 256 ReLU, learning rate
 * .5, batch 128, lambda .001, 2500 epochs.
 *
 *     cc -O2 -fopenmp examples/shi/best.c -o best -lm && ./best
 *
 * Prints train, validation and test accuracy beside the report's, in both readings (shi.h), and
 * how far the validation loss ends above its lowest: over-fitting, of which the report sees none.
 * Plots: loss and accuracy against epochs. */
#include "shi.h"

static const double reported[] = {EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, 85.72};
enum { EPOCHS = 2500, EVERY = 50, RISE = SHI_OWN };

static void run(experiment_job *job)
{
    const shi_mlp mlp = {.depth = 1,
                         .width = 256,
                         .batch = 128,
                         .epochs = EPOCHS,
                         .rate = .5,
                         .lambda = .001,
                         .every = EVERY,
                         .validation = &data.validation};
    const fnn_history *h = &job->history;
    double lowest = HUGE_VAL;
    shi_fit(job, &mlp, &data);
    for (int i = 0; i < h->count; i++) lowest = fmin(lowest, h->epochs[i].validation_loss);
    job->figures[RISE] = h->epochs[h->count - 1].validation_loss - lowest;
}

static void draw(int loss)
{
    char name[32];
    snprintf(name, sizeof name, "%s-%s", loss ? "loss" : "accuracy", reading == SHI_A ? "a" : "b");
    experiment_plot *p = experiment_plot_begin(
        &e, name, reading == SHI_A ? "Best MLP, reading A" : "Best MLP, reading B", "epoch",
        loss ? "cross-entropy" : "accuracy %", loss && reading == SHI_A ? EXPERIMENT_LOG_Y : 0);
    experiment_curve(&e, p, "train", 0, loss ? FNN_MONITOR_LOSS : FNN_MONITOR_SCORE);
    experiment_curve(&e, p, "validation", 0,
                     loss ? FNN_MONITOR_VALIDATION_LOSS : FNN_MONITOR_VALIDATION_SCORE);
    if (!loss) experiment_reported(&e, p, "report, test", EXPERIMENT_UNKNOWN, reported[SHI_TEST]);
}

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-best", "The best MLP: 1 hidden layer of 256");
    experiment_note(&e, "B: one seed; its epochs are 312 updates each");
    for (reading = SHI_A; reading <= SHI_B; reading++) {
        e.wide = reading == SHI_B; /* one long run */
        experiment_each(&e, 1, reading == SHI_A ? e.seeds : 1, run);
        shi_report(0, reported, "1 hidden, rate .5, batch 128, lambda .001");
        experiment_report(&e, 0, SHI_VALIDATION, shi_readings[reading], "validation accuracy %",
                          EXPERIMENT_UNKNOWN, "1 hidden, rate .5, batch 128, lambda .001");
        experiment_report(&e, 0, SHI_TRAIN, shi_readings[reading], "train accuracy %",
                          EXPERIMENT_UNKNOWN, "1 hidden, rate .5, batch 128, lambda .001");
        experiment_report(&e, 0, RISE, shi_readings[reading], "loss", EXPERIMENT_UNKNOWN,
                          "validation loss at the end above its lowest");
        draw(0);
        draw(1);
    }
    return experiment_end(&e);
}
