/* shi-cnn (4.5, figure 7): two convolutions 3 x 3 of 32 and 64 filters, each with a max-pool, two
 * dense layers of 128, ten epochs.
 *
 *     cc -O2 -fopenmp examples/shi/cnn.c -o cnn -lm && ./cnn
 *
 * Prints the test accuracy of the best and of the last epoch beside the report's, which took the
 * best on the test set. Optimiser and batch are unsaid: Adam, 1e-3, as Keras; the batch is chosen
 * on 20,000 validation images. Plots: accuracy and loss of each epoch. */
#include "shi.h"

static experiment e;
static experiment_data data, split;
static int chosen;

static const int batches[] = {32, 64, 128, 256};
static const shi_cnn cnn = {"CNN", 3, 32, 64, 1, 0, EXPERIMENT_UNKNOWN, 92.07};
enum { EPOCHS = 10, SHORT = 6, BEST = SHI_OWN, EPOCH };

/* Figures: the validation score of the last epoch, the best one, and its number. */
static void fit(experiment_job *job, const experiment_data *d, int batch, int epochs)
{
    fnn_model_free(shi_fit_cnn(job, &cnn, &d->train, &d->validation, batch, epochs));
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
    fit(job, &split, batches[job->run], SHORT);
}

static void run(experiment_job *job)
{
    fit(job, &data, chosen, EPOCHS);
}

static void draw(const char *name, fnn_monitor train, fnn_monitor test)
{
    const int loss = train == FNN_MONITOR_LOSS;
    experiment_plot *p = experiment_plot_begin(&e, name, "The CNN, epoch by epoch", "epoch",
                                               loss ? "cross-entropy" : "accuracy %", 0);
    experiment_curve(&e, p, "train", 0, train);
    experiment_curve(&e, p, "test", 0, test);
    if (!loss) experiment_reported(&e, p, "report, test", 6, cnn.test);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "shi-cnn", "The CNN", SHI_CNN_SEEDS);
    experiment_fashion(&e, &data);
    data.validation = data.test; /* "the validation set is the same as the test set" */
    split = data;
    experiment_hold_out(&e, &split, 1. / 3, 1);
    experiment_each(&e, EXPERIMENT_COUNT(batches), 1, run_batch);
    for (int i = 0; i < EXPERIMENT_COUNT(batches); i++)
        experiment_note(&e, "batch %d: best of %d epochs on 20,000 validation images %.2f",
                        batches[i], SHORT, experiment_mean(&e, i, BEST, NULL));
    chosen = batches[experiment_best(&e, BEST, 0, EXPERIMENT_COUNT(batches))];

    experiment_each(&e, 1, e.seeds, run);
    experiment_report(&e, 0, BEST, "", "test accuracy %", cnn.test, "best epoch, batch %d", chosen);
    experiment_report(&e, 0, EPOCH, "", "epoch", 6, "best epoch, batch %d", chosen);
    experiment_report(&e, 0, SHI_TEST, "", "test accuracy %", EXPERIMENT_UNKNOWN,
                      "last epoch, batch %d", chosen);
    draw("accuracy", FNN_MONITOR_SCORE, FNN_MONITOR_VALIDATION_SCORE);
    draw("loss", FNN_MONITOR_LOSS, FNN_MONITOR_VALIDATION_LOSS);
    return experiment_end(&e);
}
