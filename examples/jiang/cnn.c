/* jiang-cnn (4.5, figures 5, 13): the CNN's cross-validated grid, then its curves over 8 epochs.
 *
 *     cc -O2 -fopenmp examples/jiang/cnn.c -o cnn -lm && ./cnn
 *
 * Prints mean and deviation of all 25 cells, one epoch each. The report does not give the folds:
 * its collapsed cells are the shares of one class in five contiguous folds, to the last digit. */
#include "cnn.h"

static const double batches[] = {50, 100, 200, 300, 600}, rates[] = {.1, .05, .02, .01, .001};
static const char *const batch_names[] = {"50", "100", "200", "300", "600"};
static const char *const rate_names[] = {".1", ".05", ".02", ".01", ".001"};
static const fnn_grid_axis axes[] = {{"batch", batches, 5, NULL}, {"rate", rates, 5, NULL}};
/* Figure 13: mean and deviation. */
static const double reported[25][2] = {
    {10.0133, .1165}, {10.1250, .0885}, {82.8150, 1.8715},  {86.2967, .8557}, {87.7033, .6447},
    {9.9867, .0710},  {9.9733, .1805},  {69.3717, 29.7828}, {87.3000, .7631}, {86.9333, .6442},
    {10.0467, .1268}, {9.8133, .2070},  {85.6250, .8870},   {85.9200, .8459}, {86.1600, .7117},
    {9.6350, .1715},  {9.8617, .1193},  {71.2200, 30.3661}, {87.0067, .7394}, {85.8200, .9390},
    {9.9700, .2618},  {10.0483, .2497}, {84.4750, .8580},   {86.5867, .3351}, {82.9633, 1.1830}};
static const double final_rates[] = {.001, .01}; /* of the figure, of the text */

static void fit_final(experiment_job *job)
{
    jiang_fit(job, &data.train, &data.test, job->run / 2, jiang_dense, JIANG_FLAT, 0,
              final_rates[job->run % 2], 50, 8);
}

static int build(void *user, const fnn_trial *trial, fnn_model *m, fnn_fit_config *c)
{
    jiang_cnn(m, *(const int *)user, trial->train, jiang_dense, JIANG_FLAT, 0);
    c->optimizer = fnn_adam((fnn_real)trial->values[1]);
    c->batch_size = (int)trial->values[0];
    return 0;
}

/* Two rows: the mean over the folds, and their deviation (divided by their number, as there). */
static void report_cell(const char *reading, int cell, const fnn_candidate *c, double *mean)
{
    const double found[] = {100 * c->mean.validation_score, 100 * c->deviation.validation_score};
    for (int i = 0; i < 2; i++) {
        experiment_row *row = experiment_report_value(
            &e, reading, i ? "deviation over folds %" : "validation accuracy %", reported[cell][i],
            found[i], "5 folds, batch %g, rate %g, 1 epoch", c->values[0], c->values[1]);
        row->deviation = i ? EXPERIMENT_UNKNOWN : found[1];
        row->seeds = 5;
        row->seconds = c->seconds / 5;
    }
    *mean = found[0];
}

static void report_grid(int reading)
{
    const char *name = jiang_readings[reading].reading;
    double means[25];
    char plot[32], title[96];
    fnn_search_config config = fnn_search_config_init();
    fnn_search found;
    fnn_error error;
    config.build = build;
    config.user = &reading;
    config.context.threads = e.threads;
    config.verbose = e.mode != EXPERIMENT_SMOKE;
    config.folds = 5;
    config.shuffle = config.refit = 0;
    if (fnn_grid_search(&data.train, axes, 2, &config, &found, &error))
        experiment_fail(&e, "%s", error.message);
    for (int i = 0; i < found.count; i++) report_cell(name, i, &found.candidates[i], &means[i]);
    snprintf(plot, sizeof plot, "grid-%d", reading + 1);
    snprintf(title, sizeof title, "Validation accuracy %%: %s", jiang_readings[reading].name);
    experiment_matrix(&e, plot, title, "rate", "batch", 5, 5, means, batch_names, rate_names);
    experiment_note(&e, "%s is %s; best cell: batch %g, rate %g", name,
                    jiang_readings[reading].name, found.candidates[found.best].values[0],
                    found.candidates[found.best].values[1]);
    fnn_search_free(&found);
}

int main(int argc, char **argv)
{
    jiang_begin(argc, argv, "jiang-cnn", "The CNN: grid by 5 folds, then 8 epochs");
    for (int reading = 0; reading < 3; reading++) report_grid(reading);
    experiment_each(&e, 6, e.seeds, fit_final);
    experiment_plot *p =
        experiment_plot_begin(&e, "epochs", "Batch 50, rate .001", "epoch", "accuracy %", 0);
    experiment_plot *loss =
        experiment_plot_begin(&e, "loss", "Batch 50, rate .001", "epoch", "loss", 0);
    for (int i = 0; i < 6; i++) {
        char series[64];
        const char *name = jiang_readings[i / 2].name;
        experiment_report(&e, i, 0, jiang_readings[i / 2].reading, "test accuracy %", 90.79,
                          "batch 50, rate %g, 8 epochs", final_rates[i % 2]);
        if (i % 2) continue;
        snprintf(series, sizeof series, "train, %s", name);
        experiment_curve(&e, p, series, i, FNN_MONITOR_SCORE);
        experiment_curve(&e, loss, series, i, FNN_MONITOR_LOSS);
        snprintf(series, sizeof series, "test, %s", name);
        experiment_curve(&e, p, series, i, FNN_MONITOR_VALIDATION_SCORE);
        experiment_curve(&e, loss, series, i, FNN_MONITOR_VALIDATION_LOSS);
    }
    experiment_reported(&e, p, "report, test", 8, 90.79);
    return experiment_end(&e);
}
