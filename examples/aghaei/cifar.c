/* aghaei-cifar (4.5, table 5): CNNs on CIFAR-10; batch norm of the input, pooling, dropout,
 * optimisers, Adam's rate.
 *
 *     cc -O2 -fopenmp examples/aghaei/cifar.c -o cifar -lm && ./cifar
 *
 * Prints the report's steps: without and with batch norm (33,682,134 parameters) on 12,000 images,
 * the rest (651,990 parameters) on all 50,000. The rates of the two dropouts, which the report
 * leaves open, are chosen on validation images; table 5's rates are run on 12,000 images, its 10
 * epochs being the first of its 50. */
#include "family.h"

#define CONVS(pool)                                                                \
    CNN_CONV(32, 3, FNN_SAME, FNN_RELU), pool CNN_CONV(64, 3, FNN_SAME, FNN_RELU), \
        pool CNN_CONV(128, 3, FNN_SAME, FNN_RELU), pool
#define POOL CNN_MAX_POOL(2),
#define DENSES CNN_DENSE(256, FNN_RELU), CNN_DENSE(128, FNN_RELU)
#define DROPPED(a, b)                                                                         \
    {                                                                                         \
        CNN_BATCH_NORM, CONVS(POOL) CNN_DROPOUT(a), CNN_DENSE(256, FNN_RELU), CNN_DROPOUT(b), \
            CNN_DENSE(128, FNN_RELU)                                                          \
    }
#define REST(epochs, kind, rate) \
    epochs, 128, {kind, rate}, CNN_CROSS_ENTROPY, {CNN_ACCURACY}, CLASSIFICATION, 0
#define NONE EXPERIMENT_UNKNOWN
#define RAW FNN_NORMALIZE_NONE

static experiment e;
static experiment_data data;
static cnn_layer dropped[][CNN_MOST_LAYERS] = {DROPPED(.25, .25), DROPPED(.25, .5),
                                               DROPPED(.5, .5)};
/* The dropouts' rates are filled in by choose_dropout. A smoke run makes the first three. */
static struct {
    cnn_row row;
    const char *name;
} runs[] = {
    {{{{CNN_BATCH_NORM, CONVS(POOL) DENSES}, REST(10, FNN_ADAM, 1e-3)}, 74.6, 93, NONE, 0, RAW},
     "with pooling"},
    {{{DROPPED(0, 0), REST(10, FNN_ADAM, 1e-3)}, 72.5, NONE, NONE, 0, RAW},
     "dropout, Adam (report: gap about 8)"},
    {{{DROPPED(0, 0), REST(10, FNN_RMSPROP, 1e-3)}, 72.2, NONE, NONE, 0, RAW}, "dropout, RMSProp"},
    {{{DROPPED(0, 0), REST(10, FNN_SGD, 1e-2)}, 60.5, NONE, NONE, 0, RAW}, "dropout, SGD"},
    {{{{CONVS() DENSES}, REST(10, FNN_ADAM, 1e-3)}, 10, NONE, NONE, 12000, RAW},
     "no batch norm, no pooling"},
    {{{{CNN_BATCH_NORM, CONVS() DENSES}, REST(10, FNN_ADAM, 1e-3)}, 64.4, NONE, NONE, 12000, RAW},
     "no pooling"},
    {{{DROPPED(0, 0), REST(50, FNN_ADAM, 1e-1)}, 10, NONE, NONE, 12000, RAW}, "Adam .1"},
    {{{DROPPED(0, 0), REST(50, FNN_ADAM, 1e-2)}, 47.4, NONE, NONE, 12000, RAW}, "Adam .01"},
    {{{DROPPED(0, 0), REST(50, FNN_ADAM, 1e-3)}, 74.8, NONE, NONE, 12000, RAW}, "Adam .001"},
    {{{DROPPED(0, 0), REST(50, FNN_ADAM, 1e-4)}, 72.8, NONE, NONE, 12000, RAW}, "Adam .0001"},
};
enum { RUNS = EXPERIMENT_COUNT(runs), DROPOUTS = EXPERIMENT_COUNT(dropped), RATES = 4 };
static const double after_10[RATES] = {10, 42, 74, 64};

static void run(experiment_job *job)
{
    const cnn_row *row = &runs[job->run].row;
    run_cnn(job, row, &data.train, row->arguments.epochs > 10 ? &data.test : NULL, &data.test);
}

/* Takes the best rates for all runs with dropout. */
static void choose_dropout(const grid *g)
{
    const int best = (int)g->found.candidates[g->found.best].values[0];
    for (int i = 0; i < DROPOUTS; i++)
        experiment_note(&e, "dropout %g, %g: validation %.2f %%", dropped[i][7].rate,
                        dropped[i][9].rate, 100 * g->found.candidates[i].mean.validation_score);
    for (int i = 0; i < RUNS; i++)
        if (runs[i].row.arguments.architecture[7].kind == CNN_KIND_DROPOUT)
            memcpy(runs[i].row.arguments.architecture, dropped[best], sizeof dropped[best]);
}

/* Table 5: the last runs after 10 of their 50 epochs, and their curves. */
static void report_rates(void)
{
    char title[100], images[64];
    describe_images(&e, RUNS - 1, &runs[RUNS - 1].row, images, sizeof images);
    snprintf(title, sizeof title, "Adam's rate%s; first seed", images);
    experiment_plot *p = experiment_plot_begin(&e, "rates", title, "epoch", "test accuracy %", 0);
    for (int i = RUNS - RATES; i < RUNS; i++) {
        plot_curve(&e, p, runs[i].name, i, FNN_MONITOR_VALIDATION_SCORE);
        experiment_report_value(&e, "A", "test accuracy %", after_10[i - (RUNS - RATES)],
                                accuracy_after(i, 10), "%s, 10 epochs%s", runs[i].name, images);
        report_cnn(&e, i, &runs[i].row, runs[i].name);
    }
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cifar", "CNNs on CIFAR-10", 1);
    e.wide = 1;
    experiment_cifar10(&e, &data);
    report_cnn_grid(&e, dropped, DROPOUTS, 10, 128, &data.train, 12000, 0, choose_dropout);
    experiment_each(&e, RUNS, e.seeds, run);
    for (int i = 0; i < RUNS - RATES; i++) report_cnn(&e, i, &runs[i].row, runs[i].name);
    experiment_report(&e, 0, PARAMETERS, "", "parameters", 651990, "with pooling");
    experiment_report(&e, 5, PARAMETERS, "", "parameters", 33682134, "no pooling");
    report_rates();
    return experiment_end(&e);
}
