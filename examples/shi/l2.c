/* shi-l2 (4.3, table 3): two hidden layers of 128 ReLU with an L2 penalty: rates and lambdas.
 *
 *     cc -O2 -fopenmp examples/shi/l2.c -o l2 -lm && ./l2
 *
 * Prints train and validation accuracy of all 16 cells beside the report's, in both readings
 * (shi.h), and test accuracies of its best and of no penalty; A also with the biases spared. The
 * report does not say how many epochs: 500 fit table 3. Plots: accuracy against lambda; and, for
 * cells that collapse slowly, against updates: what they show depends on when one stops. */
#include "shi.h"

static int pass, every; /* every: a figure after so many updates, or 0 */
static const struct {
    const char *name, *plot, *title;
    int reading, spare_biases;
} passes[] = {{"A", "lambda-a", "Reading A", SHI_A, 0},
              {"A weights", "lambda-a-weights", "Reading A, biases spared", SHI_A, 1},
              {"B", "lambda-b", "Reading B", SHI_B, 0}};

#define U EXPERIMENT_UNKNOWN
static const double lambdas[] = {0, .2, .4, .6, .8}, rates[] = {.01, .02, .05, .1};
static const double train[] = {U,      76.3775, 76.98,   68.1825, 54.035,  U,      78.78,
                               46.79,  19.025,  9.9675,  U,       46.8625, 9.9675, 9.9725,
                               9.9725, U,       37.0925, 9.9725,  9.9725,  9.9725};
static const double validation[] = {U,      75.57,  76.865, 68.625, 53.91,  U,      78.73,
                                    47.47,  19.035, 10.065, U,      47.41,  10.065, 10.055,
                                    10.055, U,      37.57,  10.055, 10.055, 10.055};
static const int middle[] = {3, 4, 7, 8, 11, 16}; /* cells that take longer */
enum { LAMBDAS = 5, CELLS = 20, EPOCHS = 500, SHORT = 50, LAST = SHI_OWN };
enum { NO_L2 = 5, BEST = 6 }; /* of table 1, and the best here: they have a test accuracy */

static void run(experiment_job *job)
{
    const int cell = every ? middle[job->run] : job->run;
    shi_mlp mlp = {.depth = 2, .width = 128, .batch = 100, .every = every};
    mlp.epochs = reading == SHI_A ? EPOCHS : SHORT;
    mlp.rate = rates[cell / LAMBDAS];
    mlp.lambda = lambdas[cell % LAMBDAS];
    mlp.spare_biases = passes[pass].spare_biases;
    mlp.validation = every ? &data.validation : NULL;
    shi_fit(job, &mlp, &data);
    for (int i = 0; every && i < job->history.count; i++)
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
        const double test = i == NO_L2 ? 74.90 : i == BEST ? 77.74 : U;
        const double reported[] = {train[i], validation[i], test};
        char series[32];
        for (int k = 0; k < 3; k++)
            experiment_report(&e, i, k, passes[pass].name, shi_metrics[k], reported[k], "%s",
                              name(i));
        snprintf(series, sizeof series, "report, rate %g", rate);
        experiment_point_of(&e, p, series + strlen("report, "), lambda, i, SHI_VALIDATION);
        experiment_point(&e, p, series, lambda, validation[i], EXPERIMENT_UNKNOWN);
    }
    experiment_report_value(&e, passes[pass].name, "gain of test accuracy by L2", 77.74 - 74.90,
                            experiment_mean(&e, BEST, SHI_TEST, NULL) -
                                experiment_mean(&e, NO_L2, SHI_TEST, NULL),
                            "%s", name(BEST));
}

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-l2", "L2 penalty on 2 hidden layers of 128 ReLU");
    experiment_note(&e, "B: %d of %d epochs; they are 40 times A's updates", SHORT, EPOCHS);
    for (pass = 0; pass < EXPERIMENT_COUNT(passes); pass++) {
        reading = passes[pass].reading;
        experiment_each(&e, CELLS, reading == SHI_A ? e.seeds : 1, run);
        report_cells();
    }
    pass = 0;
    reading = SHI_A;
    every = 10;
    experiment_each(&e, EXPERIMENT_COUNT(middle), shi_seeds(SHI_B), run);
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
