/* jiang-gradcheck (4.1.1): gradients by small perturbation of element (0,0) of each layer.
 *
 *     cc -O2 -fopenmp examples/jiang/gradcheck.c -o gradcheck -lm && ./gradcheck
 *
 * Prints |a - n| / |a| for the gradient a of each weight matrix's element (0,0), of the one with
 * the largest gradient, and of the first bias, n = (loss+ - loss-) / 2h, in double precision; the
 * plot has several h. The report: usually below .01; where a is 0 the error is not defined. */
#define FMNIST_NN_REAL double
#include "../experiment.h"

static experiment e;
static experiment_data data;

static const double steps[] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
static const char *const whats[] = {"element (0,0)", "largest gradient", "first bias"};
enum { STEPS = EXPERIMENT_COUNT(steps), WHATS = EXPERIMENT_COUNT(whats), LAYERS = 3, BATCH = 100 };
enum { SHOWN = 2 }; /* the step of the table */
static const int units[LAYERS + 1] = {784, 128, 128, 10};

static double loss_with(fnn_model *m, double *parameter, double value)
{
    double loss = EXPERIMENT_UNKNOWN;
    *parameter = value;
    fnn_forward(m, &data.train, NULL, BATCH, 1);
    if (fnn_loss(m, &loss)) experiment_fail(&e, "%s", fnn_model_error(m)->message);
    return loss;
}

/* Which parameter of a layer whose weights start at first is looked at. */
static size_t choose(int what, const double *gradients, size_t first, int layer)
{
    const size_t weights = (size_t)units[layer] * (size_t)units[layer + 1];
    size_t chosen = first;
    if (what == 2) return first + weights;
    for (size_t i = first; what == 1 && i < first + weights; i++)
        if (fabs(gradients[i]) > fabs(gradients[chosen])) chosen = i;
    return chosen;
}

/* A run is a step h; figures are what times layer. */
static void run(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data.train);
    experiment_hidden(m, 2, 128, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_forward(m, &data.train, NULL, BATCH, 1);
    fnn_loss(m, NULL);
    if (fnn_backward(m)) experiment_fail(&e, "%s", fnn_model_error(m)->message);
    double *parameters = fnn_parameters(m, NULL);
    const double *gradients = fnn_gradients(m, NULL), h = steps[job->run];
    size_t first = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int what = 0; what < WHATS; what++) {
            const size_t i = choose(what, gradients, first, layer);
            const double value = parameters[i];
            const double difference =
                loss_with(m, &parameters[i], value + h) - loss_with(m, &parameters[i], value - h);
            const double error = fabs(gradients[i] - difference / (2 * h)) / fabs(gradients[i]);
            parameters[i] = value;
            job->figures[layer * WHATS + what] = isfinite(error) ? error : EXPERIMENT_UNKNOWN;
        }
        first += (size_t)(units[layer] + 1) * (size_t)units[layer + 1];
    }
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "jiang-gradcheck", "Gradients by small perturbation", 1);
    experiment_fashion(&e, &data);
    experiment_each(&e, STEPS, e.seeds, run);
    experiment_note(&e, "the report: usually below .01; measured on a batch of %d images", BATCH);
    experiment_plot *p =
        experiment_plot_begin(&e, "step", "Error of element (0,0) of the weights", "step h",
                              "relative error", EXPERIMENT_LOG_X | EXPERIMENT_LOG_Y);
    for (int layer = 0; layer < LAYERS; layer++) {
        char series[32];
        snprintf(series, sizeof series, "layer %d", layer + 1);
        for (int step = 0; step < STEPS; step++)
            experiment_point_of(&e, p, series, steps[step], step, layer * WHATS);
        for (int what = 0; what < WHATS; what++)
            experiment_report(&e, SHOWN, layer * WHATS + what, "", "relative error",
                              what ? EXPERIMENT_UNKNOWN : .01, "layer %d, %s, h %g", layer + 1,
                              whats[what], steps[SHOWN]);
    }
    return experiment_end(&e);
}
