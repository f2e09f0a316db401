/* ali-relu-dropout (part 3, figure 4): ReLU in every layer, the output included, with dropout.
 *
 *     cc -O2 -fopenmp examples/ali/relu_dropout.c -o relu_dropout -lm && ./relu_dropout
 *
 * Prints, over forty seeds without dropout and with two rates of it, how many of the ten outputs
 * end dead, and the loss beside that of the formula in ali.h and the report's 5.3031, which takes
 * two dead ones: so it is luck whether "dropout halves the loss". A: while fitting on the test
 * images (contaminated); B: of the fit on train alone. */
#include "ali.h"

static experiment e;
static experiment_data data;

static const ali_network networks[] = {
    {{128, 128}, FNN_RELU, FNN_RELU, .2, .25},
    {{128, 128}, FNN_RELU, FNN_RELU, .2, .5},
    {{128, 128}, FNN_RELU, FNN_RELU, .2, 0},
};
static const char *const names[] = {"dropout .25", "dropout .5", "without dropout"};
enum { RUNS = EXPERIMENT_COUNT(networks), DEAD = 2 };

static void run(experiment_job *job)
{
    ali_collapse(job, &data, &networks[job->run]);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "ali-relu-dropout", "ReLU in every layer, and dropout", 40);
    ali_data(&e, &data);
    experiment_each(&e, RUNS, e.seeds, run);
    for (int i = 0; i < RUNS; i++) {
        ali_report_collapse(&e, i, names[i], DEAD, 5.3031, 5.3272);
        ali_plot(&e, i == 2 ? "none" : i ? "50" : "25", i, NULL);
    }
    ali_plot_dead(&e, names, RUNS, DEAD, 5.3031);
    return experiment_end(&e);
}
