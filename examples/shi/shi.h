/* What the experiments of this report share. Its multilayer perceptrons in two readings:
 *
 *     A  one "epoch" is one update by a mini-batch, weights start N(0,1), biases 0; the penalty
 *        acts on biases too (shi-l2 shows it)
 *     B  an epoch is a pass over the 40,000 images, weights start Glorot uniform, biases 0
 *
 * In both: each pixel's mean is subtracted, then all is divided by 255; 40,000 images to train and
 * 20,000 to validate; plain SGD; the penalty adds lambda W to the gradient. And its CNN (4.5),
 * whose optimiser (Adam, 1e-3), batch and pools (2) are unsaid. */
#ifndef SHI_H
#define SHI_H
#include "../experiment.h"

static experiment e;
static experiment_data data;
static int reading; /* of the runs under way */
enum { SHI_A, SHI_B };
enum { SHI_TRAIN, SHI_VALIDATION, SHI_TEST, SHI_SECONDS, SHI_OWN }; /* figures; then one's own */
enum { SHI_SEEDS = 10, SHI_SEEDS_B = 3 }; /* an update takes so little that A may have more */
static const char *const shi_metrics[] = {"train accuracy %", "validation accuracy %",
                                          "test accuracy %"};
static const char *const shi_readings[] = {"A", "B"};

typedef struct shi_mlp {
    int depth, width, batch, epochs;
    double rate, lambda, slope;    /* slope of leaky ReLU */
    fnn_activation activation;     /* 0: ReLU */
    int raw;                       /* 1: pixels as they are */
    int spare_biases;              /* A: 1: no penalty on them */
    int every;                     /* A: an entry of the history after so many epochs, or 0 */
    const fnn_dataset *validation; /* of the history, or NULL */
} shi_mlp;

/* Reads the options and the data, splits them, and says what the readings are. */
static inline void shi_begin(int argc, char **argv, const char *id, const char *title)
{
    experiment_begin(&e, argc, argv, id, title, SHI_SEEDS);
    experiment_fashion(&e, &data);
    experiment_hold_out(&e, &data, 1. / 3, 1);
    experiment_note(&e, "A: an epoch is one update by a mini-batch, weights N(0,1); B: an epoch is "
                        "a pass over the 40,000 images, weights Glorot uniform");
}

/* B has fewer seeds than A. */
static inline int shi_seeds(int of)
{
    return of == SHI_B && e.seeds > SHI_SEEDS_B ? SHI_SEEDS_B : e.seeds;
}

/* Trains an MLP on on->train and sets the figures; curves have the report's epochs. Those of A are
 * updates, of which the history has one entry for so many as mlp->every says. */
static inline void shi_fit(experiment_job *job, const shi_mlp *mlp, const experiment_data *on)
{
    const fnn_initializer normal = {FNN_NORMAL, 1}, zeros = {FNN_ZEROS, 0};
    const fnn_activation activation = mlp->activation ? mlp->activation : FNN_RELU;
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, mlp->raw ? FNN_NORMALIZE_NONE : FNN_NORMALIZE_MEAN_DIVIDE_255, &on->train);
    if (reading == SHI_A) fnn_set_initializer(m, normal, zeros);
    experiment_hidden(m, mlp->depth, mlp->width, activation, mlp->slope);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c =
        experiment_config(job, fnn_sgd((fnn_real)mlp->rate), mlp->batch, mlp->epochs);
    c.l2 = (fnn_real)mlp->lambda;
    c.penalize_biases = reading == SHI_A && !mlp->spare_biases;
    c.validation = mlp->validation;
    if (reading == SHI_A) {
        c.steps_per_epoch = mlp->every ? mlp->every : c.epochs;
        c.epochs = mlp->every ? experiment_epochs(&e, mlp->epochs / mlp->every) : 1;
    }
    const double start = program_seconds(0);
    experiment_fit(job, m, &on->train, &c);
    job->figures[SHI_SECONDS] = program_seconds(0) - start;
    for (int i = 0; reading == SHI_A && i < job->history.count; i++)
        job->history.epochs[i].epoch = (int)job->history.epochs[i].step;
    job->figures[SHI_TRAIN] = experiment_accuracy(m, &on->train);
    job->figures[SHI_VALIDATION] = experiment_accuracy(m, &on->validation);
    job->figures[SHI_TEST] = experiment_accuracy(m, &on->test);
    fnn_model_free(m);
}

/* Rows of a run for train, validation and test accuracy as far as the report has them. */
static inline void shi_report(int run, const double reported[3], const char *name)
{
    for (int i = 0; i < 3; i++)
        if (i == SHI_TEST || !isnan(reported[i]))
            experiment_report(&e, run, i, shi_readings[reading], shi_metrics[i], reported[i], "%s",
                              name);
}

/* ---- learning rates chosen on validation data (figures 1 to 6, table 4) ---- */

enum { SHI_ROWS = 6, SHI_RATES = 6 }; /* at most */
enum { SHI_SHORT = 10 };              /* B tries the rates in a tenth of the epochs */

typedef struct shi_search {
    const char *name;
    shi_mlp mlp;             /* with the rate that the report chose */
    double rates[SHI_RATES]; /* that it tried; the rest 0 */
    double reported[3];      /* train, validation, test; or EXPERIMENT_UNKNOWN */
} shi_search;

static const shi_search *shi_table; /* which shi_search_rates was given */

/* Run i of a grid is rate i % SHI_RATES of row i / SHI_RATES. */
static inline void shi_fit_rate(experiment_job *job)
{
    const shi_search *s = &shi_table[job->run / SHI_RATES];
    shi_mlp mlp = s->mlp;
    mlp.rate = s->rates[job->run % SHI_RATES];
    if (reading == SHI_B) mlp.epochs = (mlp.epochs + SHI_SHORT - 1) / SHI_SHORT;
    if (mlp.rate > 0) shi_fit(job, &mlp, &data);
}

static inline void shi_fit_best(experiment_job *job)
{
    shi_fit(job, &shi_table[job->run].mlp, &data);
}

/* Accuracies when each seed takes the rate that is best for it on validation data, as the report
 * did once. */
static inline void shi_report_chosen(const shi_search *s, int row)
{
    double chosen[3][1000], deviation;
    for (int seed = 0; seed < e.seed_count; seed++) {
        const experiment_job *jobs = e.jobs + row * SHI_RATES * e.seed_count + seed, *best = jobs;
        for (int i = 1; i < SHI_RATES; i++) {
            const experiment_job *job = jobs + i * e.seed_count;
            if (job->figures[SHI_VALIDATION] > best->figures[SHI_VALIDATION]) best = job;
        }
        for (int figure = SHI_TRAIN; figure <= SHI_TEST; figure++)
            chosen[figure][seed] = best->figures[figure];
    }
    for (int figure = SHI_TRAIN; figure <= SHI_TEST; figure++) {
        if (isnan(s->reported[figure])) continue;
        const double mean = experiment_mean_of(chosen[figure], e.seed_count, &deviation);
        experiment_row *r =
            experiment_report_value(&e, "A", shi_metrics[figure], s->reported[figure], mean,
                                    "%s, each seed its best rate", s->name);
        r->deviation = deviation;
        r->seeds = e.seed_count;
    }
}

/* Accuracies at the rates and, in A, the report's, where there is any (a smoke run leaves rows
 * out). */
static inline void shi_draw_rates(experiment_plot *p, const shi_search *s, int row, int best)
{
    static const char *const names[2][2] = {{"A, train", "A, validation"},
                                            {"B, train", "B, validation"}};
    const int test = !isnan(s->reported[SHI_TEST]);
    for (int i = 0; i < SHI_RATES * 2; i++)
        if (s->rates[i / 2] > 0)
            experiment_point_of(&e, p, names[reading][i % 2], s->rates[i / 2],
                                row * SHI_RATES + i / 2, i % 2);
    if (reading == SHI_A && !isnan(experiment_mean(&e, best, SHI_VALIDATION, NULL)))
        experiment_reported(&e, p, test ? "report, test" : "report, validation", s->mlp.rate,
                            s->reported[test ? SHI_TEST : SHI_VALIDATION]);
}

/* Tries the rates of each row, in A with as many epochs as the report, in B with a tenth; reports
 * the report's rate, in B with all epochs; draws the figures. */
static inline void shi_search_rates(const shi_search *table, int count)
{
    experiment_plot *plots[SHI_ROWS];
    shi_table = table;
    for (int row = 0; row < count; row++) {
        char name[64], title[128];
        snprintf(name, sizeof name, "learning-rate-%d", row + 1);
        snprintf(title, sizeof title, "Accuracy against the learning rate: %s", table[row].name);
        plots[row] =
            experiment_plot_begin(&e, name, title, "learning rate", "accuracy %", EXPERIMENT_LOG_X);
    }
    for (reading = SHI_A; reading <= SHI_B; reading++) {
        const int a = reading == SHI_A;
        experiment_each(&e, count * SHI_RATES, a ? e.seeds : 1, shi_fit_rate);
        for (int row = 0; row < count; row++) {
            const shi_search *s = &table[row];
            const int best = experiment_best(&e, SHI_VALIDATION, row * SHI_RATES, SHI_RATES);
            shi_draw_rates(plots[row], s, row, best);
            experiment_note(&e, "%s, %s: best rate on validation data %g: %.2f (report: %g)%s",
                            shi_readings[reading], s->name, s->rates[best % SHI_RATES],
                            experiment_mean(&e, best, SHI_VALIDATION, NULL), s->mlp.rate,
                            a ? "" : ", in a tenth of the epochs");
            if (a && s->rates[1] > 0) shi_report_chosen(s, row);
        }
        experiment_each(&e, count, shi_seeds(reading), shi_fit_best);
        for (int row = 0; row < count; row++) shi_report(row, table[row].reported, table[row].name);
    }
}

/* ---- the CNN ---- */

/* Of tables 6 to 9, whose settings differ and are unsaid: with 4 epochs of batches of 64 the train
 * accuracy is that of tables 6 and 7. */
enum { SHI_CNN_BATCH = 64, SHI_CNN_EPOCHS = 4, SHI_CNN_SEEDS = 3 };

typedef struct shi_cnn {
    const char *name;
    int kernel, first, second, stride; /* filters of the two convolutions */
    double dropout;                    /* behind each hidden dense layer */
    double train, test;                /* reported */
} shi_cnn;

static const shi_cnn shi_cnn_base = {"3 x 3", 3, 32, 64, 1, 0, 92.06, 91.29};

static inline void shi_convolution(fnn_model *m, const shi_cnn *s, int filters)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = filters;
    c.kernel_height = c.kernel_width = s->kernel;
    c.stride_height = c.stride_width = s->stride;
    c.padding = FNN_SAME;
    c.activation = FNN_RELU;
    fnn_conv2d_with(m, &c);
    fnn_max_pool2d(m, 2);
}

/* Builds it and trains it with c's batch, epochs, schedule and validation data; the caller frees
 * it. Train accuracy is the last epoch's running mean, as Keras prints it. */
static inline fnn_model *shi_fit_cnn(experiment_job *job, const shi_cnn *s,
                                     const fnn_dataset *train, const fnn_fit_config *c)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, train);
    shi_convolution(m, s, s->first);
    shi_convolution(m, s, s->second);
    for (int i = 0; i < 2; i++) {
        fnn_dense(m, 128, FNN_RELU);
        if (s->dropout > 0) fnn_dropout(m, (fnn_real)s->dropout);
    }
    fnn_dense(m, 10, FNN_SOFTMAX);
    experiment_fit(job, m, train, c);
    job->figures[SHI_TRAIN] = 100 * job->history.epochs[job->history.count - 1].score;
    return m;
}

/* The same for a test accuracy, with Adam at 1e-3. */
static inline void shi_test_cnn(experiment_job *job, const shi_cnn *s, const fnn_dataset *train,
                                int epochs)
{
    const fnn_fit_config c = experiment_config(job, fnn_adam(1e-3f), SHI_CNN_BATCH, epochs);
    fnn_model *m = shi_fit_cnn(job, s, train, &c);
    job->figures[SHI_TEST] = experiment_accuracy(m, &data.test);
    fnn_model_free(m);
}

static const shi_cnn *shi_cnns; /* which shi_cnn_main was given */
static inline void shi_cnn_run(experiment_job *job)
{
    shi_test_cnn(job, &shi_cnns[job->run], &data.train, SHI_CNN_EPOCHS);
}

/* A whole program: the CNN with each row's change; x (count): of the plot. */
static inline int shi_cnn_main(int argc, char **argv, const char *id, const char *title,
                               const char *x_name, const double *x, const shi_cnn *table, int count)
{
    experiment_begin(&e, argc, argv, id, title, SHI_CNN_SEEDS);
    experiment_fashion(&e, &data);
    experiment_note(&e,
                    "60,000 images, Adam 1e-3, batch %d, %d epochs, pools of 2; train accuracy "
                    "is the last epoch's running mean, as Keras prints it",
                    SHI_CNN_BATCH, SHI_CNN_EPOCHS);
    shi_cnns = table;
    experiment_each(&e, count, e.seeds, shi_cnn_run);
    experiment_plot *p = experiment_plot_begin(&e, "accuracy", title, x_name, "accuracy %", 0);
    for (int i = 0; i < count; i++) {
        const char *name = table[i].name;
        experiment_report(&e, i, SHI_TRAIN, "", shi_metrics[SHI_TRAIN], table[i].train, "%s", name);
        experiment_report(&e, i, SHI_TEST, "", shi_metrics[SHI_TEST], table[i].test, "%s", name);
        experiment_point_of(&e, p, "train", x[i], i, SHI_TRAIN);
        experiment_point_of(&e, p, "test", x[i], i, SHI_TEST);
        experiment_point(&e, p, "report, train", x[i], table[i].train, EXPERIMENT_UNKNOWN);
        experiment_point(&e, p, "report, test", x[i], table[i].test, EXPERIMENT_UNKNOWN);
    }
    return experiment_end(&e);
}

#endif /* SHI_H */
