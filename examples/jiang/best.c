/* jiang-best (4.6): depth and width of the MLP at rate .2, batch 400, eight epochs.
 *
 *     cc -O2 -fopenmp examples/jiang/best.c -o best -lm && ./best
 *
 * Prints train and test accuracy of every cell of the grid, of which the report's text has the
 * best one alone (its tables are not in the report): three hidden layers of 192. */
#include "../experiment.h"

static experiment e;
static experiment_data data;

static const int depths[] = {1, 2, 3, 4}, widths[] = {32, 64, 128, 192, 256};
enum { DEPTHS = EXPERIMENT_COUNT(depths), WIDTHS = EXPERIMENT_COUNT(widths), TRAIN = 0, TEST = 1 };

static void run(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data.train);
    experiment_hidden(m, depths[job->run / WIDTHS], widths[job->run % WIDTHS], FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real).2), 400, 8);
    experiment_fit(job, m, &data.train, &c);
    job->figures[TRAIN] = experiment_accuracy(m, &data.train);
    job->figures[TEST] = experiment_accuracy(m, &data.test);
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "jiang-best", "Depth and width of the MLP", 3);
    experiment_fashion(&e, &data);
    experiment_each(&e, DEPTHS * WIDTHS, e.seeds, run);
    experiment_plot *p =
        experiment_plot_begin(&e, "width", "Eight epochs, rate .2, batch 400",
                              "units in each hidden layer", "test accuracy %", EXPERIMENT_LOG_X);
    for (int i = 0; i < DEPTHS * WIDTHS; i++) {
        const int depth = depths[i / WIDTHS], width = widths[i % WIDTHS];
        const int reported = depth == 3 && width == 192;
        char series[32];
        snprintf(series, sizeof series, "%d hidden", depth);
        experiment_point_of(&e, p, series, width, i, TEST);
        experiment_report(&e, i, TEST, "B", "test accuracy %",
                          reported ? 87.73 : EXPERIMENT_UNKNOWN, "%d hidden of %d", depth, width);
        experiment_report(&e, i, TRAIN, "B", "train accuracy %",
                          reported ? 92.5 : EXPERIMENT_UNKNOWN, "%d hidden of %d", depth, width);
    }
    experiment_reported(&e, p, "report, 3 hidden", 192, 87.73);
    const int best = experiment_best(&e, TEST, 0, DEPTHS * WIDTHS);
    experiment_note(&e, "best on the test set, as the report chose: %d hidden of %d: %.2f",
                    depths[best / WIDTHS], widths[best % WIDTHS],
                    experiment_mean(&e, best, TEST, NULL));
    return experiment_end(&e);
}
