/* What the programs of this report share: how it reads the data, how it fits a network, what is
 * measured, and the formula of its losses.
 *
 * All networks stand in two readings: A, that of the author's notebook, one convolution and two
 * dense layers; B, that of the text, "two hidden layers". Plain SGD at .2, batch 1000, 10 epochs.
 * As a test the report fits the trained network on, on the 10,000 test images: the metrics of that
 * say "contaminated". The textbook's way is B, too: to fit on train and only measure on test.
 *
 * The loss is Keras' sparse categorical cross-entropy on whatever the last layer gives: clip to
 * [1e-7, 1 - 1e-7], logarithm, softmax, cross-entropy. An output that is 0 for all images (dead) or
 * at least 1 for all (live) gets no gradient through the clip; once all ten are one or the other,
 * the loss stays at
 *     ln(live + dead 1e-7) + 16.1181 dead / 10,        16.1181 = -ln 1e-7,
 * where a tenth of the images shows each class: 11.0572 for six dead, 5.3031 for two. */
#ifndef ALI_H
#define ALI_H
#include "../experiment.h"

static experiment e;
static experiment_data data;

enum { ALI_EPOCHS = 10, ALI_BATCH = 1000, ALI_OUTPUTS = 10 };

/* The figures of ali_fit, accuracies in percent: of the last epoch on train, measured on test after
 * it, of the last epoch on test, and how many outputs are dead then, and live; then one's own. */
enum { ALI_TRAIN, ALI_TEST = 4, ALI_ON = 6, ALI_METRICS = 10, ALI_DEAD = 10, ALI_LIVE, ALI_OWN };
enum { ALI_LOSS, ALI_ACCURACY, ALI_VALIDATION_LOSS, ALI_VALIDATION }; /* of an epoch */
static const char *const ali_metrics[ALI_METRICS] = {
    "loss, fit on train",
    "accuracy, fit on train %",
    "validation loss",
    "validation accuracy %",
    "test loss",
    "test accuracy %",
    "loss, fit on test (contaminated)",
    "accuracy, fit on test (contaminated) %",
    "validation loss, fit on test (contaminated)",
    "validation accuracy, fit on test (contaminated) %",
};

/* Reads Kaggle's CSV form (fashion-mnist_train.csv: a header line, the label first, then 784
 * pixels) where a folder has it. Returns 0 where it has not. */
static inline int ali_read_csv(const char *folder)
{
    char train[1100], test[1100];
    fnn_error error;
    fnn_csv_config c = fnn_csv_config_init();
    c.header = c.keep_bytes = c.channels = 1;
    c.label_column = 0;
    c.height = c.width = 28;
    if (!folder || !program_path(train, sizeof train, folder, "fashion-mnist_train.csv") ||
        !program_path(test, sizeof test, folder, "fashion-mnist_test.csv"))
        return 0;
    if (fnn_read_csv(train, &c, NULL, &data.train, &error) ||
        fnn_read_csv(test, &c, NULL, &data.test, &error))
        experiment_fail(&e, "%s", error.message);
    experiment_adopt(&e, &data, "Fashion-MNIST as CSV");
    return 1;
}

/* Reads the options and the data, of which a fifth is held out by the author's seed. As CSV, from
 * --data or data/, or in the original files they have the same bytes, in another order of the rows,
 * which are shuffled anyway. */
static inline void ali_begin(int argc, char **argv, const char *id, const char *title, int seeds)
{
    experiment_begin(&e, argc, argv, id, title, seeds);
    if (!ali_read_csv(e.data) && !ali_read_csv("data")) experiment_fashion(&e, &data);
    experiment_hold_out(&e, &data, .2, 648);
}

/* Which outputs are the same for all images through the clip. */
static inline void ali_count_dead(experiment_job *job, const fnn_model *m,
                                  const fnn_dataset *images)
{
    fnn_real *outputs = experiment_outputs(m, images);
    job->figures[ALI_DEAD] = job->figures[ALI_LIVE] = 0;
    for (int k = 0; k < ALI_OUTPUTS; k++) {
        int64_t zeros = 0, ones = 0;
        for (int64_t i = 0; i < images->count; i++) {
            zeros += outputs[ALI_OUTPUTS * i + k] <= 0;
            ones += outputs[ALI_OUTPUTS * i + k] >= 1;
        }
        job->figures[ALI_DEAD] += zeros == images->count;
        job->figures[ALI_LIVE] += ones == images->count;
    }
    free(outputs);
}

static inline void ali_set_epoch(double figures[4], const fnn_epoch *epoch)
{
    figures[ALI_LOSS] = epoch->loss;
    figures[ALI_ACCURACY] = 100 * epoch->score;
    figures[ALI_VALIDATION_LOSS] = epoch->validation_loss;
    figures[ALI_VALIDATION] = 100 * epoch->validation_score;
}

/* Fits on train (epochs 1 to 10 of the history), measures on test, fits on test (11 to 20). */
static inline void ali_fit(experiment_job *job, fnn_model *m, fnn_optimizer optimizer)
{
    fnn_fit_config c = experiment_config(job, optimizer, ALI_BATCH, ALI_EPOCHS);
    double *figures = job->figures;
    c.validation = &data.validation;
    experiment_fit(job, m, &data.train, &c);
    ali_set_epoch(figures + ALI_TRAIN, &job->history.epochs[job->history.count - 1]);
    const fnn_metrics test = experiment_evaluate(m, &data.test);
    figures[ALI_TEST + ALI_LOSS] = test.loss;
    figures[ALI_TEST + ALI_ACCURACY] = 100 * test.accuracy;
    experiment_fit(job, m, &data.test, &c);
    ali_set_epoch(figures + ALI_ON, &job->history.epochs[job->history.count - 1]);
    for (int i = 0; i < job->history.count; i++) job->history.epochs[i].epoch = i + 1;
    ali_count_dead(job, m, &data.test);
}

/* Rows of a run for all that ali_fit measures. */
static inline void ali_report(int run, const char *reading, const char *name,
                              const double reported[ALI_METRICS])
{
    for (int k = 0; k < ALI_METRICS; k++)
        experiment_report(&e, run, k, k / 2 == ALI_TEST / 2 ? "B" : reading, ali_metrics[k],
                          reported[k], "%s", name);
}

/* Losses and accuracies of a run over its twenty epochs as two plots, named name-loss and
 * name-accuracy. */
static inline void ali_plot(const char *name, int run)
{
    experiment_plot_history(&e, name, "First fit on train, then on the test images (contaminated)",
                            run, "loss", "fit on train, then on test", "validation");
}

/* ---- networks whose outputs die ---- */

static inline double ali_dead_loss(int dead)
{
    return log(ALI_OUTPUTS - dead + dead * 1e-7) - dead * log(1e-7) / ALI_OUTPUTS;
}

/* How many seeds of run 0 ended with so many dead outputs and all others live, and the means of
 * their figures. */
static inline int ali_dead_seeds(int dead, double means[ALI_METRICS])
{
    int seeds = 0;
    for (int k = 0; k < ALI_METRICS; k++) means[k] = 0;
    for (int s = 0; s < e.seed_count; s++) {
        const double *figures = e.jobs[s].figures;
        if (figures[ALI_DEAD] != dead || figures[ALI_LIVE] != ALI_OUTPUTS - dead) continue;
        seeds++;
        for (int k = 0; k < ALI_METRICS; k++) means[k] += figures[k];
    }
    for (int k = 0; k < ALI_METRICS; k++) means[k] /= seeds; /* of none: NaN */
    return seeds;
}

static experiment_plot *ali_losses, *ali_seeds;

/* The plots of loss, and of how often it comes, over the number of dead outputs; reported_dead is
 * the number that the report's loss takes. */
static inline void ali_begin_dead(int reported_dead, double reported_loss)
{
    ali_losses = experiment_plot_begin(&e, "dead", "Fit on the test images (contaminated)",
                                       "dead outputs", "loss", 0);
    for (int dead = 0; dead <= ALI_OUTPUTS; dead++)
        experiment_point(&e, ali_losses, "formula", dead, ali_dead_loss(dead), EXPERIMENT_UNKNOWN);
    experiment_reported(&e, ali_losses, "report", reported_dead, reported_loss);
    ali_seeds =
        experiment_plot_begin(&e, "seeds", "How often so many outputs are dead and the others live",
                              "dead outputs", "share of the seeds %", 0);
}

/* Run 0: means over all seeds, then for each number of dead outputs the losses of the seeds that
 * have it, which are the report's at one number only; points in the two plots. */
static inline void ali_report_dead(const char *reading, const char *name, int reported_dead,
                                   const double reported[ALI_METRICS])
{
    double all[ALI_METRICS], means[ALI_METRICS];
    int others = e.seed_count;
    for (int k = 0; k < ALI_METRICS; k++)
        all[k] = k % 2 ? reported[k] : EXPERIMENT_UNKNOWN; /* accuracies: of all alike */
    ali_report(0, reading, name, all);
    for (int dead = 0; dead <= ALI_OUTPUTS; dead++) {
        const int seeds = ali_dead_seeds(dead, means), is_reported = dead == reported_dead;
        others -= seeds;
        for (int k = 0; k < ALI_METRICS; k += 2)
            if (is_reported ? !isnan(reported[k]) : seeds && k == ALI_ON)
                experiment_report_value(
                    &e, reading, ali_metrics[k], is_reported ? reported[k] : EXPERIMENT_UNKNOWN,
                    means[k], "%s, %d dead outputs (formula %.4f)", name, dead, ali_dead_loss(dead))
                    ->seeds = seeds;
        experiment_point(&e, ali_losses, name, dead, means[ALI_ON], EXPERIMENT_UNKNOWN);
        experiment_point(&e, ali_seeds, name, dead, 100. * seeds / e.seed_count,
                         EXPERIMENT_UNKNOWN);
        if (seeds || is_reported)
            experiment_report_value(&e, reading, "share of the seeds %", EXPERIMENT_UNKNOWN,
                                    100. * seeds / e.seed_count, "%s, %d dead outputs", name, dead)
                ->seeds = e.seed_count;
    }
    experiment_report_value(&e, reading, "share of the seeds %", EXPERIMENT_UNKNOWN,
                            100. * others / e.seed_count, "%s, some neither dead nor live", name)
        ->seeds = e.seed_count;
}
#endif
