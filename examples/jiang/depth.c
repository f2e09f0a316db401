/* jiang-depth (4.1.2 to 4.1.4, figures 1, 2, 6 to 12): 0, 1 and 2 hidden layers of 128 ReLU.
 *
 *     cc -O2 -fopenmp examples/jiang/depth.c -o depth -lm && ./depth
 *
 * Prints the test accuracy at the report's best rate, batch and epochs, after a grid over rates
 * and batches (whose values the report leaves open) of one epoch, on the test set as there. */
#include "../experiment.h"

static experiment e;
static experiment_data data;
static const double rates[] = {.01, .02, .05, .1, .2, .5}, batches[] = {50, 100, 200, 400, 800};
enum { RATES = EXPERIMENT_COUNT(rates), BATCHES = EXPERIMENT_COUNT(batches) };

/* The report's best of each depth: always batch 400. */
static const struct {
    int depth, epochs;
    double rate, reported;
    const char *said;
} best[] = {
    {0, 5, .1, 84.12, "5 epochs"}, {1, 1, .2, 85.70, "1 epoch (the grid search)"},
    {1, 5, .2, 85.70, "5 epochs"}, {2, 1, .2, 84.65, "1 epoch (the grid search)"},
    {2, 8, .2, 87.74, "8 epochs"},
};

static void fit(experiment_job *job, int depth, double rate, int batch, int epochs)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data.train);
    experiment_hidden(m, depth, 128, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real)rate), batch, epochs);
    c.validation = epochs > 1 ? &data.test : NULL;
    experiment_fit(job, m, &data.train, &c);
    job->figures[0] = experiment_accuracy(m, &data.test);
    fnn_model_free(m);
}

static void fit_grid(experiment_job *job)
{
    fit(job, job->run / (RATES * BATCHES), rates[job->run / BATCHES % RATES],
        (int)batches[job->run % BATCHES], 1);
}

static void fit_best(experiment_job *job)
{
    fit(job, best[job->run].depth, best[job->run].rate, 400, best[job->run].epochs);
}

/* Figures 6 to 11: against the rate with a line per batch, and against the batch. */
static void plot_grid(int depth)
{
    char name[64], series[64];
    for (int by_batch = 0; by_batch < 2; by_batch++) {
        snprintf(name, sizeof name, "%d-hidden-%s", depth, by_batch ? "batch" : "learning-rate");
        experiment_plot *p = experiment_plot_begin(&e, name, "Test accuracy after one epoch",
                                                   by_batch ? "batch size" : "learning rate",
                                                   "test accuracy %", EXPERIMENT_LOG_X);
        for (int i = 0; i < RATES * BATCHES; i++) {
            const int rate = by_batch ? i / BATCHES : i % RATES;
            const int batch = by_batch ? i % BATCHES : i / RATES;
            snprintf(series, sizeof series, by_batch ? "rate %g" : "batch %g",
                     by_batch ? rates[rate] : batches[batch]);
            experiment_point_of(&e, p, series, by_batch ? batches[batch] : rates[rate],
                                (depth * RATES + rate) * BATCHES + batch, 0);
        }
    }
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "jiang-depth", "0, 1 and 2 hidden layers of 128 ReLU", 3);
    experiment_fashion(&e, &data);
    experiment_each(&e, 3 * RATES * BATCHES, 1, fit_grid);
    for (int depth = 0; depth < 3; depth++) {
        const int cells = RATES * BATCHES, i = experiment_best(&e, 0, depth * cells, cells);
        experiment_note(&e,
                        "%d hidden: best of the grid on the test set, one epoch: %.2f at rate "
                        "%g, batch %g (report: rate %g, batch 400)",
                        depth, experiment_mean(&e, i, 0, NULL), rates[i / BATCHES % RATES],
                        batches[i % BATCHES], best[depth * 2].rate);
        plot_grid(depth);
    }

    experiment_each(&e, EXPERIMENT_COUNT(best), e.seeds, fit_best);
    for (int i = 0; i < EXPERIMENT_COUNT(best); i++) {
        char name[64];
        experiment_report(&e, i, 0, "B", "test accuracy %", best[i].reported,
                          "%d hidden, rate %g, batch 400, %s", best[i].depth, best[i].rate,
                          best[i].said);
        if (best[i].epochs == 1) continue;
        snprintf(name, sizeof name, "%d-hidden-epochs", best[i].depth);
        experiment_plot *p =
            experiment_plot_begin(&e, name, "Accuracy against epochs", "epoch", "accuracy %", 0);
        experiment_curve(&e, p, "train", i, FNN_MONITOR_SCORE);
        experiment_curve(&e, p, "test", i, FNN_MONITOR_VALIDATION_SCORE);
        experiment_reported(&e, p, "report, test", best[i].epochs, best[i].reported);
    }
    return experiment_end(&e);
}
