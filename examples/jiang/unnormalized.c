/* jiang-unnormalized (4.4): two hidden layers of 128 ReLU on raw pixels 0 to 255, five epochs.
 *
 *     cc -O2 -fopenmp examples/jiang/unnormalized.c -o unnormalized -lm && ./unnormalized
 *
 * Prints the test accuracy for the report's three rates. Weights are not stated, and here they
 * decide: Glorot's (B), and normal ones of several widths, of which A is the one that comes nearest
 * to the report's figures on images held out of the training set. */
#include "../experiment.h"

static experiment e;
static experiment_data data;

static const struct {
    double rate, reported;
} rates[] = {{.1, 10}, {.001, 67.43}, {.0001, 32.9}};

static const struct {
    const char *name;
    fnn_initializer weights;
} starts[] = {
    {"Glorot weights", {FNN_GLOROT_UNIFORM, 1}},
    {"weights N(0, 1)", {FNN_NORMAL, 1}},
    {"weights N(0, .1)", {FNN_NORMAL, (fnn_real).1}},
    {"weights N(0, .01)", {FNN_NORMAL, (fnn_real).01}},
    {"weights N(0, .005)", {FNN_NORMAL, (fnn_real).005}},
    {"weights N(0, .003)", {FNN_NORMAL, (fnn_real).003}},
};
enum { RATES = EXPERIMENT_COUNT(rates), STARTS = EXPERIMENT_COUNT(starts) };

/* Runs are a grid of rates and starts. What it trains and measures on is the job's user data. */
static void run(experiment_job *job)
{
    const experiment_data *on = (const experiment_data *)job->user;
    const fnn_initializer zeros = {FNN_ZEROS, 1};
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_set_initializer(m, starts[job->run % STARTS].weights, zeros);
    experiment_hidden(m, 2, 128, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c =
        experiment_config(job, fnn_sgd((fnn_real)rates[job->run / STARTS].rate), 400, 5);
    c.validation = &on->test;
    experiment_fit(job, m, &on->train, &c);
    job->figures[0] = experiment_accuracy(m, &on->test);
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    const double reported[] = {rates[0].reported, rates[1].reported, rates[2].reported};
    experiment_begin(&e, argc, argv, "jiang-unnormalized", "Raw pixels, 2 hidden layers of 128", 5);
    experiment_fashion(&e, &data);
    experiment_data split = data;
    experiment_hold_out(&e, &split, 1.0 / 6, 1);
    split.test = split.validation;
    experiment_each_with(&e, RATES * STARTS, 1, run, &split);
    const int nearest = experiment_nearest(&e, 0, RATES, STARTS, reported);
    experiment_note(&e, "batch 400 as elsewhere in the report, which states none here");
    experiment_note(&e,
                    "A: %s, nearest to the report's figures on 10,000 held out images: %.2f, "
                    "%.2f, %.2f",
                    starts[nearest].name, experiment_mean(&e, nearest, 0, NULL),
                    experiment_mean(&e, STARTS + nearest, 0, NULL),
                    experiment_mean(&e, 2 * STARTS + nearest, 0, NULL));

    experiment_each_with(&e, RATES * STARTS, e.seeds, run, &data);
    for (int i = 0; i < STARTS; i++)
        for (int k = 0; k < RATES; k++)
            experiment_report(&e, k * STARTS + i, 0,
                              i == nearest ? "A"
                              : i          ? ""
                                           : "B",
                              "test accuracy %", rates[k].reported, "raw pixels, %s, rate %g",
                              starts[i].name, rates[k].rate);
    experiment_plot *p =
        experiment_plot_begin(&e, "epochs", "Raw pixels, rate .001", "epoch", "test accuracy %", 0);
    for (int i = 0; i < STARTS; i++)
        experiment_curve(&e, p, starts[i].name, STARTS + i, FNN_MONITOR_VALIDATION_SCORE);
    experiment_reported(&e, p, "report", 5, rates[1].reported);
    return experiment_end(&e);
}
