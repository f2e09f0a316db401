/* ali-relu-dropout (part 3, figure 4): ReLU in every layer, the output included, with dropout.
 *
 *     cc -O2 -fopenmp examples/ali/relu_dropout.c -o relu_dropout -lm && ./relu_dropout
 *
 * Prints, over forty seeds with several dropouts and with none, how many of the ten outputs end
 * dead, and the loss beside that of the formula in ali.h and the report's 5.3031, which takes
 * two dead ones: "dropout halves the loss" as far as it leaves fewer of them dead. A: while fitting
 * on the test images (contaminated); B: of the fit on train alone. */
#include "ali.h"

static experiment e;
static experiment_data data;

static const struct {
    const char *name, *file;
    double dropout[2];
} runs[] = {
    {"dropout .1", "10", {.1, .1}},
    {"dropout .25 behind the first layer", "25-first", {.25, 0}},
    {"dropout .25", "25", {.25, .25}},
    {"dropout .5", "50", {.5, .5}},
    {"without dropout", "none", {0, 0}},
};
/* In all of its epochs: loss, accuracy, validation loss and accuracy. */
static const double figure4[4] = {5.3031, 10.00, 5.3272, 9.95};
enum { RUNS = EXPERIMENT_COUNT(runs), DEAD = 2 };

static void run(experiment_job *job)
{
    const double *dropout = runs[job->run].dropout;
    const ali_network n = {{128, 128}, FNN_RELU, FNN_RELU, .2, {dropout[0], dropout[1]}};
    ali_collapse(job, &data, &n);
}

int main(int argc, char **argv)
{
    const char *names[RUNS];
    experiment_begin(&e, argc, argv, "ali-relu-dropout", "ReLU in every layer, and dropout", 40);
    ali_data(&e, &data);
    experiment_each(&e, RUNS, e.seeds, run);
    for (int i = 0; i < RUNS; i++) {
        names[i] = runs[i].name;
        ali_report_collapse(&e, i, names[i], DEAD, figure4[0], figure4[2]);
        ali_plot_collapse(&e, runs[i].file, i, DEAD, figure4);
    }
    ali_plot_dead(&e, names, RUNS, DEAD, figure4[0]);
    return experiment_end(&e);
}
