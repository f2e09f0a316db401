/* jiang-unnormalized (4.4): two hidden layers of 128 ReLU on raw pixels 0 to 255, five epochs.
 *
 *     cc -O2 -fopenmp examples/jiang/unnormalized.c -o unnormalized -lm && ./unnormalized
 *
 * Prints the test accuracy for the report's three rates. Weights are not stated, and here they
 * decide: Glorot's (B) and normal ones of several widths; N(0, .005) comes nearest (A). */
#include "../experiment.h"

static experiment e;
static experiment_data data;

static const struct {
    double rate, reported;
} rates[] = {{.1, 10}, {.001, 67.43}, {.0001, 32.9}};

static const struct {
    const char *name, *reading;
    fnn_initializer weights;
} starts[] = {
    {"Glorot weights", "B", {FNN_GLOROT_UNIFORM, 1}},
    {"weights N(0, 1)", "", {FNN_NORMAL, 1}},
    {"weights N(0, .1)", "", {FNN_NORMAL, (fnn_real).1}},
    {"weights N(0, .01)", "", {FNN_NORMAL, (fnn_real).01}},
    {"weights N(0, .005)", "A", {FNN_NORMAL, (fnn_real).005}},
};
enum { RATES = EXPERIMENT_COUNT(rates), STARTS = EXPERIMENT_COUNT(starts) };

static void run(experiment_job *job)
{
    const fnn_initializer zeros = {FNN_ZEROS, 1};
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_set_initializer(m, starts[job->run / RATES].weights, zeros);
    experiment_hidden(m, 2, 128, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c =
        experiment_config(job, fnn_sgd((fnn_real)rates[job->run % RATES].rate), 400, 5);
    c.validation = &data.test;
    experiment_fit(job, m, &data.train, &c);
    job->figures[0] = experiment_accuracy(m, &data.test);
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "jiang-unnormalized", "Raw pixels, 2 hidden layers of 128", 5);
    experiment_fashion(&e, &data);
    experiment_each(&e, RATES * STARTS, e.seeds, run);
    experiment_note(&e, "batch 400 as elsewhere in the report, which states none here");
    for (int i = 0; i < RATES * STARTS; i++)
        experiment_report(&e, i, 0, starts[i / RATES].reading, "test accuracy %",
                          rates[i % RATES].reported, "raw pixels, %s, rate %g",
                          starts[i / RATES].name, rates[i % RATES].rate);

    experiment_plot *p =
        experiment_plot_begin(&e, "epochs", "Raw pixels, rate .001", "epoch", "test accuracy %", 0);
    for (int i = 0; i < STARTS; i++)
        experiment_curve(&e, p, starts[i].name, RATES * i + 1, FNN_MONITOR_VALIDATION_SCORE);
    experiment_reported(&e, p, "report", 5, rates[1].reported);
    return experiment_end(&e);
}
