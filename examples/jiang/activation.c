/* jiang-activation (4.2): tanh and leaky ReLU beside ReLU in two hidden layers of 128.
 *
 *     cc -O2 -fopenmp examples/jiang/activation.c -o activation -lm && ./activation
 *
 * Prints the test accuracy after one epoch and after the eight that the report gave ReLU (B). It
 * says that leaky ReLU had fewer: one epoch with weights from N(0, .1) explains it and tanh (A). */
#include "../experiment.h"

static experiment e;
static experiment_data data;

enum { EPOCHS = 8, FIRST = 0, LAST = 1 };

static const struct {
    const char *name;
    fnn_activation activation;
    double slope, reported;
    int normal; /* weights from N(0, .1), else Glorot's */
} runs[] = {
    {"ReLU", FNN_RELU, 0, 87.74, 0},
    {"tanh", FNN_TANH, 0, 82.47, 0},
    {"leaky ReLU(.01)", FNN_LEAKY_RELU, .01, 83.78, 0},
    {"leaky ReLU(.3)", FNN_LEAKY_RELU, .3, 83.78, 0},
    {"ReLU", FNN_RELU, 0, 87.74, 1},
    {"tanh", FNN_TANH, 0, 82.47, 1},
    {"leaky ReLU(.01)", FNN_LEAKY_RELU, .01, 83.78, 1},
    {"leaky ReLU(.3)", FNN_LEAKY_RELU, .3, 83.78, 1},
};

static void run(experiment_job *job)
{
    const fnn_initializer normal = {FNN_NORMAL, (fnn_real).1}, zeros = {FNN_ZEROS, 1};
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data.train);
    if (runs[job->run].normal) fnn_set_initializer(m, normal, zeros);
    experiment_hidden(m, 2, 128, runs[job->run].activation, runs[job->run].slope);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real).2), 400, EPOCHS);
    c.validation = &data.test;
    experiment_fit(job, m, &data.train, &c);
    job->figures[FIRST] = 100 * job->history.epochs[0].validation_score;
    job->figures[LAST] = experiment_accuracy(m, &data.test);
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    const int count = EXPERIMENT_COUNT(runs);
    experiment_begin(&e, argc, argv, "jiang-activation", "Activations in 2 hidden layers of 128",
                     3);
    experiment_fashion(&e, &data);
    experiment_each(&e, count, e.seeds, run);
    experiment_note(&e, "rate .2, batch 400 as for ReLU; the report states no epochs and no slope");
    for (int i = 0; i < count; i++)
        experiment_report(&e, i, LAST, runs[i].normal ? "" : "B", "test accuracy %",
                          runs[i].reported, "%s, %s weights, 8 epochs", runs[i].name,
                          runs[i].normal ? "N(0, .1)" : "Glorot");
    for (int i = 0; i < count; i++) /* the report's ReLU had eight epochs */
        experiment_report(&e, i, FIRST, runs[i].normal ? "A" : "", "test accuracy %",
                          runs[i].activation == FNN_RELU ? EXPERIMENT_UNKNOWN : runs[i].reported,
                          "%s, %s weights, 1 epoch", runs[i].name,
                          runs[i].normal ? "N(0, .1)" : "Glorot");

    experiment_plot *p = experiment_plot_begin(
        &e, "epochs", "Two hidden layers of 128, Glorot weights", "epoch", "test accuracy %", 0);
    for (int i = 0; i < 4; i++)
        experiment_curve(&e, p, runs[i].name, i, FNN_MONITOR_VALIDATION_SCORE);
    for (int i = 0; i < 3; i++) {
        char label[64];
        snprintf(label, sizeof label, "report, %s", i == 2 ? "leaky ReLU" : runs[i].name);
        experiment_reported(&e, p, label, EXPERIMENT_UNKNOWN, runs[i].reported);
    }
    return experiment_end(&e);
}
