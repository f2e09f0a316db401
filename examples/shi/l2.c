/* shi-l2 (4.3, table 3): two hidden layers of 128 ReLU with an L2 penalty: rates and lambdas.
 *
 *     cc -O2 -fopenmp examples/shi/l2.c -o l2 -lm && ./l2
 *
 * Prints train and validation accuracy of all 16 cells beside the report's, in both readings
 * (shi.h), and the test accuracy of its best; A also with the biases spared. The report does not
 * say how many epochs: 500 fit table 3. Plots: accuracy against lambda; and, for the cells whose
 * collapse takes longer, against updates: what they show depends on when one stops. */
#include "shi.h"

static experiment e;
static experiment_data data;
static int pass;
static const struct {
    const char *name, *plot, *title;
    int reading, biases;
} passes[] = {{"A", "lambda-a", "Reading A", SHI_A, 1},
              {"A weights", "lambda-a-weights", "Reading A, biases spared", SHI_A, 0},
              {"B", "lambda-b", "Reading B", SHI_B, 0}};

static const double lambdas[] = {.2, .4, .6, .8}, rates[] = {.01, .02, .05, .1};
static const double train[] = {76.3775, 76.98,  68.1825, 54.035, 78.78,   46.79,  19.025, 9.9675,
                               46.8625, 9.9675, 9.9725,  9.9725, 37.0925, 9.9725, 9.9725, 9.9725};
static const double validation[] = {75.57, 76.865, 68.625, 53.91,  78.73, 47.47,  19.035, 10.065,
                                    47.41, 10.065, 10.055, 10.055, 37.57, 10.055, 10.055, 10.055};
static const int middle[] = {2, 3, 5, 6, 8, 12}; /* cells that take longer */
enum { LAMBDAS = 4, CELLS = 16, BEST = 4, EPOCHS = 500, SHORT = 50, EVERY = 10, LAST = SHI_OWN };

static void fit(experiment_job *job, int cell, int epochs, int every)
{
    shi_mlp mlp = {.depth = 2, .width = 128, .batch = 100, .epochs = epochs, .every = every};
    mlp.rate = rates[cell / LAMBDAS];
    mlp.lambda = lambdas[cell % LAMBDAS];
    mlp.validation = every ? &data.validation : NULL;
    shi_fit(job, &mlp, passes[pass].reading, &data);
}

static void run(experiment_job *job)
{
    fit(job, job->run, passes[pass].reading == SHI_A ? EPOCHS : SHORT, 0);
}

static void run_middle(experiment_job *job)
{
    const int cell = middle[job->run];
    fit(job, cell, EPOCHS, EVERY);
    for (int i = 0; i < job->history.count; i++)
        if (100 * job->history.epochs[i].validation_score >= validation[cell])
            job->figures[LAST] = job->history.epochs[i].epoch;
}

static const char *name(int cell)
{
    static char text[64];
    snprintf(text, sizeof text, "rate %g, lambda %g", rates[cell / LAMBDAS],
             lambdas[cell % LAMBDAS]);
    return text;
}

static void report_cells(void)
{
    experiment_plot *p = experiment_plot_begin(&e, passes[pass].plot, passes[pass].title, "lambda",
                                               "validation accuracy %", 0);
    for (int i = 0; i < CELLS; i++) {
        const double rate = rates[i / LAMBDAS], lambda = lambdas[i % LAMBDAS];
        const double reported[] = {train[i], validation[i], i == BEST ? 77.74 : EXPERIMENT_UNKNOWN};
        char series[2][32];
        for (int k = 0; k < 3; k++)
            experiment_report(&e, i, k, passes[pass].name, shi_metrics[k], reported[k], "%s",
                              name(i));
        snprintf(series[0], sizeof series[0], "rate %g", rate);
        snprintf(series[1], sizeof series[1], "report, rate %g", rate);
        experiment_point_of(&e, p, series[0], lambda, i, SHI_VALIDATION);
        experiment_point(&e, p, series[1], lambda, validation[i], EXPERIMENT_UNKNOWN);
    }
}

int main(int argc, char **argv)
{
    shi_begin(&e, &data, argc, argv, "shi-l2", "L2 penalty on 2 hidden layers of 128 ReLU");
    experiment_note(&e, "B: %d of %d epochs; they are 40 times A's updates", SHORT, EPOCHS);
    for (pass = 0; pass < EXPERIMENT_COUNT(passes); pass++) {
        e.penalize_biases = passes[pass].biases;
        experiment_each(&e, CELLS, passes[pass].reading == SHI_A ? e.seeds : 1, run);
        report_cells();
    }
    pass = 0;
    e.penalize_biases = passes[pass].biases;
    experiment_each(&e, EXPERIMENT_COUNT(middle), shi_seeds(&e, SHI_B), run_middle);
    experiment_plot *p = experiment_plot_begin(&e, "collapse", "Reading A: cells that collapse",
                                               "epoch (update)", "validation accuracy %", 0);
    for (int i = 0; i < EXPERIMENT_COUNT(middle); i++) {
        experiment_curve(&e, p, name(middle[i]), i, FNN_MONITOR_VALIDATION_SCORE);
        experiment_reported(&e, p, "report, if at 500", EPOCHS, validation[middle[i]]);
        experiment_report(&e, i, LAST, "A", "epoch", EXPERIMENT_UNKNOWN,
                          "%s, last above the report's (report: unsaid, 500 fit)", name(middle[i]));
    }
    return experiment_end(&e);
}
