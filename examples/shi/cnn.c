/* shi-cnn (4.5, figure 7): two convolutions 3 x 3 of 32 and 64 filters, each with a max-pool, two
 * dense layers of 128, ten epochs.
 *
 *     cc -O2 -fopenmp examples/shi/cnn.c -o cnn -lm && ./cnn
 *
 * Prints the test accuracy of the best and of the last epoch beside the report's, which took the
 * best on the test set. Optimiser, rate and batch are unsaid: Adam, from 1e-3, whose rate stays (A,
 * as Keras does unless told) or falls to 0 in half a cosine (a variant, of no reading); the batch
 * is chosen for each on 20,000 validation images. Plots: accuracy and loss of each epoch. */
#include "shi.h"

static experiment_data split;

static const int batches[] = {32, 64, 128};
static const char *const schedules[] = {"constant rate", "falling rate"};
static const char *const readings[] = {"A", ""};
static const shi_cnn cnn = {"CNN", 3, 32, 64, 1, 0, EXPERIMENT_UNKNOWN, 92.07};
enum { BATCHES = EXPERIMENT_COUNT(batches), SCHEDULES = 2, EPOCHS = 10, BEST = SHI_OWN, EPOCH };
static int chosen[SCHEDULES];

/* Figures: the validation score of the last epoch, the best one, and its number. */
static void fit(experiment_job *job, const experiment_data *d, int falling, int batch)
{
    fnn_fit_config c = experiment_config(job, fnn_adam(1e-3f), batch, EPOCHS);
    if (falling) c.schedule = fnn_schedule_cosine(0);
    c.validation = &d->validation;
    fnn_model_free(shi_fit_cnn(job, &cnn, &d->train, &c));
    for (int i = 0; i < job->history.count; i++) {
        const double score = 100 * job->history.epochs[i].validation_score;
        job->figures[SHI_TEST] = score;
        if (score <= job->figures[BEST]) continue;
        job->figures[BEST] = score;
        job->figures[EPOCH] = job->history.epochs[i].epoch;
    }
}

static void run_batch(experiment_job *job)
{
    fit(job, &split, job->run / BATCHES, batches[job->run % BATCHES]);
}

static void run(experiment_job *job)
{
    fit(job, &data, job->run, chosen[job->run]);
}

static void draw(const char *name, fnn_monitor train, fnn_monitor test)
{
    const int loss = train == FNN_MONITOR_LOSS;
    experiment_plot *p = experiment_plot_begin(&e, name, "The CNN, epoch by epoch", "epoch",
                                               loss ? "cross-entropy" : "accuracy %", 0);
    for (int i = 0; i < SCHEDULES; i++) {
        experiment_curve(&e, p, i ? "falling rate, train" : "A, train", i, train);
        experiment_curve(&e, p, i ? "falling rate, test" : "A, test", i, test);
    }
    if (!loss) experiment_reported(&e, p, "report, test", 6, cnn.test);
}

static void choose_batches(void)
{
    experiment_each(&e, SCHEDULES * BATCHES, 1, run_batch);
    for (int i = 0; i < SCHEDULES * BATCHES; i++)
        experiment_note(&e, "%s, batch %d: best epoch on 20,000 validation images %.2f",
                        schedules[i / BATCHES], batches[i % BATCHES],
                        experiment_mean(&e, i, BEST, NULL));
    for (int i = 0; i < SCHEDULES; i++)
        chosen[i] = batches[experiment_best(&e, BEST, i * BATCHES, BATCHES) % BATCHES];
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "shi-cnn", "The CNN", SHI_CNN_SEEDS);
    experiment_fashion(&e, &data);
    data.validation = data.test; /* "the validation set is the same as the test set" */
    split = data;
    experiment_hold_out(&e, &split, 1. / 3, 1);
    choose_batches();
    experiment_each(&e, SCHEDULES, e.seeds, run);
    for (int i = 0; i < SCHEDULES; i++) {
        experiment_report(&e, i, BEST, readings[i], "test accuracy %", cnn.test,
                          "best epoch on the test set, %s, batch %d", schedules[i], chosen[i]);
        experiment_report(&e, i, EPOCH, readings[i], "epoch", 6,
                          "best epoch on the test set, %s, batch %d", schedules[i], chosen[i]);
        experiment_report(&e, i, SHI_TEST, readings[i], "test accuracy %", EXPERIMENT_UNKNOWN,
                          "last epoch, %s, batch %d", schedules[i], chosen[i]);
    }
    draw("accuracy", FNN_MONITOR_SCORE, FNN_MONITOR_VALIDATION_SCORE);
    draw("loss", FNN_MONITOR_LOSS, FNN_MONITOR_VALIDATION_LOSS);
    return experiment_end(&e);
}
