/* motaouakkil-cnn (ConvNet): convolutions, batch norm, max-pool, dropout, ReLU, Adam; 30 epochs.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/cnn.c -o cnn -lm && ./cnn
 *
 * The report names these parts and no more. Here: filters 32, 64, 64, 128, dense 256, dropout .2
 * and .4. Schedule, label smoothing and the readings of "as-is" data, raw (A) or over 255 (B), are
 * tried on validation data. Prints those, and the best of A's test accuracy after 30 epochs; where
 * it "plateaus", which needs more epochs at a constant rate, the first one says in 60. */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;
static int chosen;

static const struct {
    const char *name;
    fnn_schedule_kind schedule;
    double rate, smoothing;
    int raw;
} candidates[] = {
    {"raw pixels (A), constant rate .001", FNN_SCHEDULE_CONSTANT, .001, 0, 1},
    {"raw pixels (A), one-cycle to .004", FNN_SCHEDULE_ONE_CYCLE, .004, 0, 1},
    {"raw pixels (A), one-cycle to .004, smoothing .1", FNN_SCHEDULE_ONE_CYCLE, .004, .1, 1},
    {"pixels / 255 (B), one-cycle to .004, smoothing .1", FNN_SCHEDULE_ONE_CYCLE, .004, .1, 0},
};
enum { CANDIDATES = EXPERIMENT_COUNT(candidates), SHORT = 5, LONG = 30, BATCH = 100 };
static fnn_dataset part; /* of the 50,000, to try candidates on */

static void normalise(fnn_model *m)
{
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
}

static fnn_model *build(experiment_job *job, int candidate)
{
    static const int filters[] = {32, 0, 64, 64, 0, 128, 0}; /* 0: a pool */
    fnn_model *m = experiment_model(job, 28, 28, 1);
    if (!candidates[candidate].raw) fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data.all.train);
    for (int i = 0; i < EXPERIMENT_COUNT(filters); i++) {
        if (filters[i]) {
            fnn_conv2d(m, filters[i], 3, FNN_SAME, FNN_LINEAR);
            normalise(m);
        } else {
            fnn_max_pool2d(m, 2);
            fnn_dropout(m, (fnn_real).2);
        }
    }
    fnn_dense(m, 256, FNN_LINEAR);
    normalise(m);
    fnn_dropout(m, (fnn_real).4);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, (fnn_real)candidates[candidate].smoothing, 0);
    return m;
}

static fnn_fit_config configure(const experiment_job *job, int candidate, int epochs)
{
    const fnn_optimizer adam = fnn_adam((fnn_real)candidates[candidate].rate);
    fnn_fit_config c = experiment_config(job, adam, BATCH, epochs);
    if (candidates[candidate].schedule == FNN_SCHEDULE_ONE_CYCLE)
        c.schedule = fnn_schedule_one_cycle();
    return c;
}

static void fit_candidate(experiment_job *job)
{
    fnn_model *m = build(job, job->run);
    const fnn_fit_config c = configure(job, job->run, SHORT);
    experiment_fit(job, m, &part, &c);
    job->figures[0] = experiment_accuracy(m, &data.split.validation);
    fnn_model_free(m);
}

/* Run 0: the chosen one; run 1: the first one for twice as many epochs. */
static void fit_long(experiment_job *job)
{
    const int candidate = job->run ? 0 : chosen;
    fnn_model *m = build(job, candidate);
    motaouakkil_follow(job, m, &data, configure(job, candidate, (job->run + 1) * LONG));
    job->figures[0] = experiment_accuracy(m, &data.all.test);
    job->figures[1] = motaouakkil_plateau(&job->history);
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-cnn", "The ConvNet", 3);
    motaouakkil_load(&e, &data);
    part = experiment_reduce(&e, &data.split.train, 20000);
    experiment_each(&e, CANDIDATES, 1, fit_candidate);
    for (int i = 0; i < CANDIDATES; i++)
        experiment_report(&e, i, 0, candidates[i].raw ? "A" : "B", "validation accuracy %",
                          EXPERIMENT_UNKNOWN, "%s, %d epochs of 20,000", candidates[i].name, SHORT);
    chosen = experiment_best(&e, 0, 0, CANDIDATES - 1); /* the last is B */
    experiment_note(&e, "chosen on validation data, where B is compared too");
    experiment_each(&e, 2, e.seeds, fit_long);
    experiment_report(&e, 0, 0, "A", "test accuracy %", 93.13, "%s, %d epochs",
                      candidates[chosen].name, LONG);
    experiment_report(&e, 1, 0, "A", "test accuracy %", 93.13, "%s, %d epochs", candidates[0].name,
                      2 * LONG);
    experiment_report(&e, 1, 1, "A", "first epoch within a point of the end", LONG, "%s, %d epochs",
                      candidates[0].name, 2 * LONG);
    motaouakkil_plot(&e, "epochs", "The ConvNet", 0, LONG, 93.13);
    motaouakkil_plot(&e, "plateau", "The ConvNet at a constant rate", 1, LONG, 93.13);
    return experiment_end(&e);
}
