/* ali-relu (part 3, figure 3): ReLU in every layer, the output included, which collapses.
 *
 *     cc -O2 -fopenmp examples/ali/relu.c -o relu -lm && ./relu
 *
 * Prints, over forty seeds, how many of the ten outputs end dead, and the loss beside that of the
 * formula in ali.h and the report's 11.0572, which takes six dead ones: while fitting on the test
 * images (A, contaminated) and of the fit on train alone (B). Widths are left open there: two. */
#include "ali.h"

static experiment e;
static experiment_data data;

static const ali_network networks[] = {
    {{128, 128}, FNN_RELU, FNN_RELU, .2, {0, 0}},
    {{256, 128}, FNN_RELU, FNN_RELU, .2, {0, 0}},
};
static const char *const names[] = {"128 + 128 units", "256 + 128 units"};
/* In all of its epochs: loss, accuracy, validation loss and accuracy. */
static const double figure3[4] = {11.0572, 10.00, 11.0491, 10.07};
enum { RUNS = EXPERIMENT_COUNT(networks), DEAD = 6 };

static void run(experiment_job *job)
{
    ali_collapse(job, &data, &networks[job->run]);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "ali-relu", "ReLU in every layer, the output included", 40);
    ali_data(&e, &data);
    experiment_each(&e, RUNS, e.seeds, run);
    for (int i = 0; i < RUNS; i++) {
        ali_report_collapse(&e, i, names[i], DEAD, figure3[0], figure3[2]);
        ali_plot_collapse(&e, i ? "256" : "128", i, DEAD, figure3);
    }
    ali_plot_dead(&e, names, RUNS, DEAD, figure3[0]);
    return experiment_end(&e);
}
