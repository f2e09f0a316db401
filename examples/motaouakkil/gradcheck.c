/* motaouakkil-gradcheck (Testing for layers): the numerical perturbation check of the weights.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/gradcheck.c -o gradcheck -lm && ./gradcheck
 *
 * Prints for 0, 1 and 2 hidden layers, before training and after an epoch of it, in double
 * precision, |a - n| / (|a| + |n|) over a hundred parameters: a their gradients on a batch
 * of 200, n = (loss+ - loss-) / 2h. The report's check passes; here it does below 1e-5. */
#define FMNIST_NN_REAL double
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;

static const double steps[] = {1e-3, 1e-4, 1e-5, 1e-6, 1e-7};
enum { DEPTHS = 3, STEPS = EXPERIMENT_COUNT(steps), SHOWN = 3, DRAWN = 100 };

static double loss_with(fnn_model *m, double *parameter, double value)
{
    double loss = EXPERIMENT_UNKNOWN;
    *parameter = value;
    fnn_forward(m, &data.all.train, NULL, MOTAOUAKKIL_BATCH, 1);
    if (fnn_loss(m, &loss)) experiment_fail(&e, "%s", fnn_model_error(m)->message);
    return loss;
}

/* The error over parameters all over the model: the last bias, then by a prime stride. */
static double check(fnn_model *m, double h)
{
    size_t count;
    double apart = 0, computed = 0, numeric = 0;
    double *parameters = fnn_parameters(m, &count);
    const double *gradients = fnn_gradients(m, NULL);
    const size_t drawn = (size_t)experiment_epochs(&e, DRAWN);
    for (size_t k = 0; k < drawn; k++) {
        const size_t i = (count - 1 + k * 1000003) % count;
        const double value = parameters[i], a = gradients[i];
        const double above = loss_with(m, &parameters[i], value + h);
        const double n = (above - loss_with(m, &parameters[i], value - h)) / (2 * h);
        parameters[i] = value;
        apart += (a - n) * (a - n);
        computed += a * a;
        numeric += n * n;
    }
    return sqrt(apart) / (sqrt(computed) + sqrt(numeric));
}

/* A run is a depth; figures are the errors at the steps, before training, then after an epoch. */
static void run(experiment_job *job)
{
    const motaouakkil_network n = {job->run, FNN_RELU, 0, .1, 0, 0};
    fnn_model *m = motaouakkil_model(job, &data, &n);
    for (int trained = 0; trained < 2; trained++) {
        const fnn_fit_config c = experiment_config(job, fnn_sgd(n.rate), MOTAOUAKKIL_BATCH, 1);
        if (trained) experiment_fit(job, m, &data.all.train, &c);
        fnn_forward(m, &data.all.train, NULL, MOTAOUAKKIL_BATCH, 1);
        fnn_loss(m, NULL);
        if (fnn_backward(m)) experiment_fail(&e, "%s", fnn_model_error(m)->message);
        for (int i = 0; i < STEPS; i++) job->figures[trained * STEPS + i] = check(m, steps[i]);
    }
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-gradcheck", "Gradients by perturbation", 1);
    motaouakkil_load(&e, &data);
    experiment_each(&e, DEPTHS, e.seeds, run);
    experiment_note(&e, "the report says that its check passes, no figure");
    experiment_plot *p =
        experiment_plot_begin(&e, "step", "Error of the gradients", "step h", "relative error",
                              EXPERIMENT_LOG_X | EXPERIMENT_LOG_Y);
    for (int i = 0; i < 2 * DEPTHS; i++) {
        char series[32];
        const char *when = i % 2 ? "after an epoch" : "before training";
        snprintf(series, sizeof series, "%d hidden, %s", i / 2, when);
        for (int k = 0; k < STEPS; k++)
            experiment_point_of(&e, p, series, steps[k], i / 2, i % 2 * STEPS + k);
        experiment_report(&e, i / 2, i % 2 * STEPS + SHOWN, "", "relative error",
                          EXPERIMENT_UNKNOWN, "%s, h %g", series, steps[SHOWN]);
    }
    experiment_reported(&e, p, "passes below", EXPERIMENT_UNKNOWN, 1e-5);
    return experiment_end(&e);
}
