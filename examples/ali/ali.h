/* What the programs of this report share: data, the network of two hidden layers, and the two fits.
 *
 * The report reads Kaggle's CSV form of Fashion-MNIST (fashion-mnist_train.csv: a header line, the
 * label first, then 784 pixels). Where --data or data/ has it, it is read; else the same numbers
 * come from the original files: the pixels are the same bytes, only the order of the rows differs,
 * and they are shuffled anyway. Then 80 % train, 20 % validate, by seed 648 as in the report.
 *
 * SGD, 10 epochs, batch 1000. The loss is Keras' sparse categorical cross-entropy on whatever the
 * last layer gives: clip to [1e-7, 1 - 1e-7], logarithm, softmax, cross-entropy. An output that is
 * 0 for all images (dead) or at least 1 for all (live) gets no gradient through the clip; once all
 * ten are one or the other, the loss of n images of which k show a dead class stays at
 *     ln(live + dead 1e-7) + k/n 16.1181,        16.1181 = -ln 1e-7
 * which with 10 classes alike is 11.0572 for six dead outputs and 5.3031 for two. */
#ifndef ALI_H
#define ALI_H
#include "../experiment.h"

enum { ALI_EPOCHS = 10, ALI_BATCH = 1000 };

typedef struct ali_network {
    int widths[2];
    fnn_activation hidden, output;
    double rate, dropout[2]; /* behind each hidden layer */
} ali_network;

static inline int ali_load_csv(experiment *e, const char *folder, const char *name,
                               fnn_dataset *out)
{
    char path[1100];
    fnn_error error;
    fnn_csv_config c = fnn_csv_config_init();
    c.header = c.keep_bytes = c.channels = 1;
    c.label_column = 0;
    c.height = c.width = 28;
    if (!folder || !experiment_exists(path, sizeof path, folder, name)) return 0;
    if (fnn_read_csv(path, &c, NULL, out, &error)) experiment_fail(e, "%s", error.message);
    return 1;
}

static inline void ali_data(experiment *e, experiment_data *data)
{
    const char *const folders[] = {e->data, "data"};
    int found = 0;
    memset(data, 0, sizeof *data);
    for (int i = 0; i < 2 && !found; i++)
        found = ali_load_csv(e, folders[i], "fashion-mnist_train.csv", &data->train) &&
                ali_load_csv(e, folders[i], "fashion-mnist_test.csv", &data->test);
    if (found) experiment_adopt(e, data, "Fashion-MNIST as CSV");
    else experiment_fashion(e, data);
    experiment_hold_out(e, data, .2, 648);
}

static inline fnn_model *ali_model(experiment_job *job, const experiment_data *data,
                                   const ali_network *n)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data->train);
    for (int i = 0; i < 2; i++) {
        fnn_dense(m, n->widths[i], n->hidden);
        if (n->dropout[i] > 0) fnn_dropout(m, (fnn_real)n->dropout[i]);
    }
    fnn_dense(m, 10, n->output);
    fnn_set_loss(m, FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0);
    return m;
}

/* Fits on train (epochs 1 to 10 of the history), measures on test, then as the report does fits on
 * test (epochs 11 to 20). Returns the metrics between the two, and with outputs not NULL what the
 * model says then of the test images (count, 10). */
static inline fnn_metrics ali_fit(experiment_job *job, fnn_model *m, const experiment_data *data,
                                  double rate, fnn_real *outputs)
{
    fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real)rate), ALI_BATCH, ALI_EPOCHS);
    c.validation = &data->validation;
    experiment_fit(job, m, &data->train, &c);
    const fnn_metrics test = experiment_evaluate(m, &data->test);
    if (outputs && fnn_predict(m, NULL, &data->test, outputs))
        experiment_fail(job->experiment, "no prediction");
    experiment_fit(job, m, &data->test, &c);
    for (int i = 0; i < job->history.count; i++) job->history.epochs[i].epoch = i + 1;
    return test;
}

/* What it measures of networks that learn. */
enum {
    ALI_VALIDATION, /* accuracy %, after the fit on train */
    ALI_TEST,
    ALI_FIRST, /* accuracy % and loss while fitting on test, first and last epoch */
    ALI_LAST,
    ALI_FIRST_LOSS,
    ALI_LAST_LOSS,
    ALI_LAST_VALIDATION, /* accuracy % after the last epoch, and the best of all */
    ALI_BEST_VALIDATION
};

static inline void ali_measure(experiment_job *job, const experiment_data *data,
                               const ali_network *n)
{
    fnn_model *m = ali_model(job, data, n);
    double *figures = job->figures, best = 0;
    figures[ALI_TEST] = 100 * ali_fit(job, m, data, n->rate, NULL).accuracy;
    const fnn_epoch *epochs = job->history.epochs, *last = &epochs[job->history.count - 1];
    const int first = job->history.count / 2;
    for (int i = first; i < job->history.count; i++) best = fmax(best, epochs[i].validation_score);
    figures[ALI_VALIDATION] = 100 * epochs[first - 1].validation_score;
    figures[ALI_FIRST] = 100 * epochs[first].score;
    figures[ALI_LAST] = 100 * last->score;
    figures[ALI_FIRST_LOSS] = epochs[first].loss;
    figures[ALI_LAST_LOSS] = last->loss;
    figures[ALI_LAST_VALIDATION] = 100 * last->validation_score;
    figures[ALI_BEST_VALIDATION] = 100 * best;
    fnn_model_free(m);
}

/* The fit on train alone, for a grid. */
static inline void ali_validate(experiment_job *job, const experiment_data *data,
                                const ali_network *n)
{
    fnn_model *m = ali_model(job, data, n);
    fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real)n->rate), ALI_BATCH, ALI_EPOCHS);
    experiment_fit(job, m, &data->train, &c);
    job->figures[ALI_VALIDATION] = experiment_accuracy(m, &data->validation);
    fnn_model_free(m);
}

/* A note with the validation accuracies of count runs of the grid, over the rates. */
static inline void ali_note_rates(experiment *e, const char *what, int first, const double *rates,
                                  int count)
{
    char line[256];
    int length = 0;
    for (int i = 0; i < count; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, "%s %g: %.2f", i ? "," : "",
                           rates[i], experiment_mean(e, first + i, ALI_VALIDATION, NULL));
    experiment_note(e, "validation accuracy %% of %s at rate%s", what, line);
}

/* Losses and accuracies of a run of jobs over its twenty epochs, as two plots; reported (NULL:
 * nothing) is (10, 4), the report's losses, accuracies, validation losses and accuracies of the fit
 * on test, of whose epochs a quick run has fewer: then the report's later ones are left out. */
static inline void ali_plot(experiment *e, experiment *jobs, const char *name, int run,
                            const double *reported)
{
    static const char *const series[] = {"fit on train, then on test", "validation"};
    static const char *const said[] = {"report, fit on test", "report, validation"};
    static const fnn_monitor whats[] = {FNN_MONITOR_LOSS, FNN_MONITOR_SCORE,
                                        FNN_MONITOR_VALIDATION_LOSS, FNN_MONITOR_VALIDATION_SCORE};
    const int epochs = experiment_epochs(e, ALI_EPOCHS); /* of each of the two fits */
    char file[64];
    for (int what = 0; what < 2 && experiment_is_made(jobs, run); what++) {
        snprintf(file, sizeof file, "%s-%s", name, what ? "accuracy" : "loss");
        experiment_plot *p = experiment_plot_begin(
            e, file, "First fit on train, then on the test images (contaminated)", "epoch",
            what ? "accuracy %" : "loss", 0);
        for (int i = what; i < 4; i += 2) experiment_curve(jobs, p, series[i / 2], run, whats[i]);
        for (int i = what; reported && i < 4; i += 2)
            for (int k = 0; k < epochs; k++)
                experiment_point(e, p, said[i / 2], epochs + k + 1, reported[4 * k + i],
                                 EXPERIMENT_UNKNOWN);
    }
}

/* What it measures of networks that collapse. */
enum {
    ALI_DEAD, /* outputs that are 0 for every test image after the fit on train */
    ALI_TEST_LOSS,
    ALI_FIT_LOSS, /* of the last epoch of the fit on test, and its accuracy % */
    ALI_FIT_ACCURACY,
    ALI_FIT_VALIDATION_LOSS
};

static inline int ali_count_dead(const fnn_real *outputs, int64_t count)
{
    int dead = 0;
    for (int k = 0; k < 10; k++) {
        int64_t zeros = 0;
        for (int64_t i = 0; i < count; i++) zeros += outputs[10 * i + k] <= 0;
        dead += zeros == count;
    }
    return dead;
}

static inline void ali_collapse(experiment_job *job, const experiment_data *data,
                                const ali_network *n)
{
    fnn_model *m = ali_model(job, data, n);
    const size_t bytes = 10 * (size_t)data->test.count * sizeof(fnn_real);
    fnn_real *outputs = (fnn_real *)experiment_resize(job->experiment, NULL, bytes);
    job->figures[ALI_TEST_LOSS] = ali_fit(job, m, data, n->rate, outputs).loss;
    const fnn_epoch *last = &job->history.epochs[job->history.count - 1];
    job->figures[ALI_DEAD] = ali_count_dead(outputs, data->test.count);
    job->figures[ALI_FIT_LOSS] = last->loss;
    job->figures[ALI_FIT_ACCURACY] = 100 * last->score;
    job->figures[ALI_FIT_VALIDATION_LOSS] = last->validation_loss;
    free(outputs);
    fnn_model_free(m);
}

/* A figure's mean over the seeds of a run that have so many dead outputs, and how many they are. */
static inline double ali_mean_of_dead(const experiment *e, int run, int dead, int figure,
                                      int *seeds)
{
    const experiment_job *jobs = e->jobs + run * e->seed_count;
    double values[1000];
    *seeds = 0;
    for (int s = 0; s < e->seed_count; s++)
        if (jobs[s].figures[ALI_DEAD] == dead) values[(*seeds)++] = jobs[s].figures[figure];
    return *seeds ? experiment_mean_of(values, *seeds, NULL) : EXPERIMENT_UNKNOWN;
}

/* The loss that dead outputs leave, when a tenth of the images shows each class. */
static inline double ali_constant_loss(int dead)
{
    return log(10 - dead + dead * 1e-7) - dead * log(1e-7) / 10;
}

/* The table of a run by the number of dead outputs: for so many as the report must have had beside
 * its (loss, validation loss), for others beside the formula alone. */
static inline void ali_report_collapse(experiment *e, int run, const char *name, int dead,
                                       double loss, double validation_loss)
{
    static const char *const metrics[] = {"", "test loss (report: validation)", "loss, fit on test",
                                          "", "validation loss, fit on test"};
    const double reported[] = {0, validation_loss, loss, 0, validation_loss};
    int seeds;
    experiment_report(e, run, ALI_FIT_ACCURACY, "A", "accuracy, fit on test %", 10, "%s, all seeds",
                      name);
    experiment_report(e, run, ALI_FIT_LOSS, "A", metrics[ALI_FIT_LOSS], EXPERIMENT_UNKNOWN,
                      "%s, all seeds", name);
    for (int d = 0; d <= 10; d++)
        for (int k = ALI_TEST_LOSS; k <= ALI_FIT_VALIDATION_LOSS; k++) {
            const double mean = ali_mean_of_dead(e, run, d, k, &seeds);
            if (k == ALI_FIT_ACCURACY || (d != dead && (!seeds || k != ALI_FIT_LOSS))) continue;
            experiment_report_value(e, k == ALI_TEST_LOSS ? "B" : "A", metrics[k],
                                    d == dead ? reported[k] : EXPERIMENT_UNKNOWN, mean,
                                    "%s, %d dead outputs (formula %.4f)", name, d,
                                    ali_constant_loss(d))
                ->seeds = seeds;
        }
}

/* The loss against the number of dead outputs: the formula, and the mean of seeds. */
static inline void ali_plot_dead(experiment *e, const char *const *names, int runs, int dead,
                                 double loss)
{
    experiment_plot *p = experiment_plot_begin(
        e, "dead", "Fit on the test images, by outputs that are dead", "dead outputs", "loss", 0);
    for (int d = 0; d <= 10; d++)
        experiment_point(e, p, "formula", d, ali_constant_loss(d), EXPERIMENT_UNKNOWN);
    for (int run = 0; run < runs; run++)
        for (int d = 0, seeds; d <= 10; d++)
            experiment_point(e, p, names[run], d, ali_mean_of_dead(e, run, d, ALI_FIT_LOSS, &seeds),
                             EXPERIMENT_UNKNOWN);
    experiment_reported(e, p, "report", dead, loss);
}

/* The curves of the first seed of a run with so many dead outputs (none, no plot), beside the
 * report's, which stay at (loss, accuracy, validation loss and accuracy). */
static inline void ali_plot_collapse(experiment *e, const char *name, int run, int dead,
                                     const double reported[4])
{
    double constant[4 * ALI_EPOCHS];
    experiment one = *e; /* sees that seed only; what it plots stays in e */
    for (int i = 0; i < 4 * ALI_EPOCHS; i++) constant[i] = reported[i % 4];
    one.seed_count = 1;
    for (int s = 0; s < e->seed_count; s++) {
        one.jobs = e->jobs + run * e->seed_count + s;
        if (one.jobs->figures[ALI_DEAD] != dead) continue;
        ali_plot(e, &one, name, 0, constant);
        return;
    }
}
#endif
