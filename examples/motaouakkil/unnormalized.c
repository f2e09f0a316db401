/* motaouakkil-unnormalized (Normalization): 2 hidden layers of 128 ReLU on raw pixels 0 to 255.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/unnormalized.c -o unnormalized -lm && ./unnormalized
 *
 * Prints the test accuracy and the losses of 75 epochs, for rates that suit normalised pixels (A,
 * for which the report has 10 % and an irregular loss) and for smaller ones, which it suggests. */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;

static const struct {
    const char *name, *reading;
    double rate, reported;
} runs[] = {
    {"rate .1", "A", .1, 10},
    {"rate .01", "A", .01, 10},
    {"rate .005", "A", .005, 10},
    {"rate .003", "A", .003, 10},
    {"rate .002", "A", .002, 10},
    {"rate .001", "", .001, EXPERIMENT_UNKNOWN},
    {"rate .0001", "", .0001, EXPERIMENT_UNKNOWN},
};
enum { RUNS = EXPERIMENT_COUNT(runs) };
enum { TEST, FIRST_LOSS, LAST_LOSS };

static void run(experiment_job *job)
{
    const motaouakkil_network n = {2, FNN_RELU, 0, runs[job->run].rate, 0, 1};
    motaouakkil_fit(job, &data, &n, MOTAOUAKKIL_EPOCHS);
    job->figures[FIRST_LOSS] = job->history.epochs[0].loss;
    job->figures[LAST_LOSS] = job->history.epochs[job->history.count - 1].loss;
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-unnormalized", "Raw pixels", 3);
    motaouakkil_load(&e, &data);
    experiment_each(&e, RUNS, e.seeds, run);
    experiment_plot *loss =
        experiment_plot_begin(&e, "loss", "Raw pixels", "epoch", "loss", EXPERIMENT_LOG_Y);
    experiment_plot *score = experiment_plot_begin(&e, "epochs", "Raw pixels", "epoch",
                                                   "accuracy % of 500 test images", 0);
    for (int i = 0; i < RUNS; i++) {
        experiment_report(&e, i, TEST, runs[i].reading, "test accuracy %", runs[i].reported,
                          "raw pixels, %s", runs[i].name);
        experiment_report(&e, i, FIRST_LOSS, runs[i].reading, "loss of epoch 1", EXPERIMENT_UNKNOWN,
                          "raw pixels, %s", runs[i].name);
        experiment_report(&e, i, LAST_LOSS, runs[i].reading, "loss of epoch 75", EXPERIMENT_UNKNOWN,
                          "raw pixels, %s", runs[i].name);
        experiment_curve(&e, loss, runs[i].name, i, FNN_MONITOR_LOSS);
        experiment_curve(&e, score, runs[i].name, i, FNN_MONITOR_VALIDATION_SCORE);
    }
    experiment_reported(&e, score, "report", EXPERIMENT_UNKNOWN, 10);
    return experiment_end(&e);
}
