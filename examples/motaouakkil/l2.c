/* motaouakkil-l2 (Regularization): an L2 penalty on 2 hidden layers of 128, lambda up to 8.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/l2.c -o l2 -lm && ./l2
 *
 * The textbook's gradient + lambda W (B) with lambda 2 makes the weights vanish; that it helps
 * needs a lambda divided by the number of training images (A); by the batch is tried too (A batch).
 * The rate of each of the three is chosen on validation data, the sweep of lambda done there too.
 * Prints the test accuracy after 75 epochs for the report's lambda 2, and without a penalty. */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;

static const double rates[] = {.02, .05, .1, .2};
static const double lambdas[] = {0, .5, 1, 2, 4, 8};
static const struct {
    const char *name, *reading;
    double divisor;
} scales[] = {{"lambda / training images", "A", 60000},
              {"lambda / batch", "A batch", MOTAOUAKKIL_BATCH},
              {"lambda", "B", 1}};
static const struct {
    const char *name;
    fnn_activation activation;
    double slope, reported;
} functions[] = {{"ReLU", FNN_RELU, 0, 88.03},
                 {"tanh", FNN_TANH, 0, 88},
                 {"LeakyReLU", FNN_LEAKY_RELU, .01, 88}};
enum {
    RATES = EXPERIMENT_COUNT(rates),
    LAMBDAS = EXPERIMENT_COUNT(lambdas),
    SCALES = EXPERIMENT_COUNT(scales),
    FUNCTIONS = EXPERIMENT_COUNT(functions),
    FINALS = SCALES + 1, /* of a function: lambda 2 on each scale, lambda 0 */
    RATE_EPOCHS = 25
};
static double rate_of[SCALES];

static motaouakkil_network network(int function, int scale, double lambda, double rate)
{
    const motaouakkil_network n = {2,    functions[function].activation, functions[function].slope,
                                   rate, lambda / scales[scale].divisor, 0};
    return n;
}

static void fit_rate(experiment_job *job)
{
    const motaouakkil_network n = network(0, job->run / RATES, 2, rates[job->run % RATES]);
    motaouakkil_validate(job, &data, &n, RATE_EPOCHS);
}

static void fit_lambda(experiment_job *job)
{
    const int scale = job->run / LAMBDAS;
    const motaouakkil_network n = network(0, scale, lambdas[job->run % LAMBDAS], rate_of[scale]);
    motaouakkil_validate(job, &data, &n, MOTAOUAKKIL_EPOCHS);
}

static void fit_final(experiment_job *job)
{
    const int scale = job->run % FINALS % SCALES;
    const motaouakkil_network n =
        network(job->run / FINALS, scale, job->run % FINALS == SCALES ? 0 : 2, rate_of[scale]);
    motaouakkil_fit(job, &data, &n, MOTAOUAKKIL_EPOCHS);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-l2", "L2 penalty on 2 hidden layers of 128", 3);
    motaouakkil_load(&e, &data);
    experiment_note(&e, "rates and lambdas are tried with ReLU; tanh and LeakyReLU take its rates");
    experiment_each(&e, SCALES * RATES, 1, fit_rate);
    for (int i = 0; i < SCALES; i++) {
        motaouakkil_note(&e, scales[i].name, "lambda 2, 25 epochs, rate", i * RATES, rates, RATES);
        rate_of[i] = rates[experiment_best(&e, 0, i * RATES, RATES) % RATES];
    }
    experiment_each(&e, SCALES * LAMBDAS, 1, fit_lambda);
    experiment_plot *p = experiment_plot_begin(&e, "lambda", "ReLU, 75 epochs", "lambda",
                                               "validation accuracy %", 0);
    for (int i = 0; i < SCALES * LAMBDAS; i++) {
        const char *name = scales[i / LAMBDAS].name;
        if (i % LAMBDAS == 0) motaouakkil_note(&e, name, "lambda", i, lambdas, LAMBDAS);
        experiment_point_of(&e, p, name, lambdas[i % LAMBDAS], i, 0);
    }
    experiment_reported(&e, p, "report, test", 2, 88.03);

    experiment_each(&e, FUNCTIONS * FINALS, e.seeds, fit_final);
    for (int i = 0; i < FUNCTIONS * FINALS; i++) {
        const int k = i % FINALS, none = k == SCALES;
        experiment_report(&e, i, 0, none ? "" : scales[k].reading, "test accuracy %",
                          none ? EXPERIMENT_UNKNOWN : functions[i / FINALS].reported,
                          "%s, gradient + %s W, lambda %d, rate %g", functions[i / FINALS].name,
                          scales[k % SCALES].name, none ? 0 : 2, rate_of[k % SCALES]);
    }
    return experiment_end(&e);
}
