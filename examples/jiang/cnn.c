/* jiang-cnn (4.5, figures 5, 13): the CNN's cross-validated grid, then its curves over 8 epochs.
 *
 *     cc -O2 -fopenmp examples/jiang/cnn.c -o cnn -lm && ./cnn
 *
 * Prints mean and deviation of all 25 cells, one epoch each. The report does not give the folds:
 * its collapsed cells are the shares of one class in five contiguous folds, to the last digit. */
#include "cnn.h"

static experiment e;
static experiment_data data;
static const double batches[] = {50, 100, 200, 300, 600}, rates[] = {.1, .05, .02, .01, .001};
static const fnn_grid_axis axes[] = {{"batch", batches, 5, NULL}, {"rate", rates, 5, NULL}};
static const double reported[25] = {10.0133, 10.1250, 82.8150, 86.2967, 87.7033, 9.9867,  9.9733,
                                    69.3717, 87.3000, 86.9333, 10.0467, 9.8133,  85.6250, 85.9200,
                                    86.1600, 9.6350,  9.8617,  71.2200, 87.0067, 85.8200, 9.9700,
                                    10.0483, 84.4850, 86.5867, 82.9633};
static const double final_rates[] = {.001, .01}; /* of the figure, of the text */
static const int widths[3] = {32, 64, 128};

static void fit_width(experiment_job *job)
{
    jiang_fit(job, &data.train, &data.validation, 0, widths[job->run], JIANG_FLAT, 0, .001, 50, 1);
}

static void fit_final(experiment_job *job)
{
    jiang_fit(job, &data.train, &data.test, job->run / 2, JIANG_DENSE, JIANG_FLAT, 0,
              final_rates[job->run % 2], 50, 8);
}

static int build(void *user, const fnn_trial *trial, fnn_model *m, fnn_fit_config *c)
{
    jiang_cnn(m, *(const int *)user, trial->train, JIANG_DENSE, JIANG_FLAT, 0);
    c->optimizer = fnn_adam((fnn_real)trial->values[1]);
    c->batch_size = (int)trial->values[0];
    return 0;
}

static void report_grid(int reading)
{
    fnn_search_config config = experiment_search(&e);
    fnn_search found;
    fnn_error error;
    config.build = build;
    config.user = &reading;
    config.folds = 5;
    config.shuffle = config.refit = 0;
    if (fnn_grid_search(&data.train, axes, 2, &config, &found, &error))
        experiment_fail(&e, "%s", error.message);
    for (int i = 0; i < found.count; i++) {
        const fnn_candidate *c = &found.candidates[i];
        experiment_row *row = experiment_report_value(
            &e, jiang_readings[reading].reading, "validation accuracy %", reported[i],
            100 * c->mean.validation_score, "5 folds, batch %g, rate %g, 1 epoch", c->values[0],
            c->values[1]);
        row->deviation = 100 * c->deviation.validation_score;
        row->seeds = 5;
        row->seconds = c->seconds / 5;
    }
    experiment_note(&e, "%s is %s; best cell: batch %g, rate %g", jiang_readings[reading].reading,
                    jiang_readings[reading].name, found.candidates[found.best].values[0],
                    found.candidates[found.best].values[1]);
    fnn_search_free(&found);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "jiang-cnn", "The CNN: grid by 5 folds, then 8 epochs", 2);
    experiment_fashion(&e, &data);
    const fnn_dataset all = data.train;
    experiment_hold_out(&e, &data, 1.0 / 6, 1);
    experiment_each(&e, 3, 1, fit_width);
    for (int i = 0; i < 3; i++)
        experiment_report(&e, i, 0, "A", "validation accuracy %", EXPERIMENT_UNKNOWN,
                          "dense width %d, batch 50, rate .001, 1 epoch", widths[i]);
    data.train = all;
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
