/* motaouakkil-best (Model optimization): the grid, then 2x128 LeakyReLU with L2 for 200 epochs.
 *
 *     cc -O2 -fopenmp examples/motaouakkil/best.c -o best -lm && ./best
 *
 * Prints the grid, whose values are left open, the rates tried and the final accuracies. */
#include "motaouakkil.h"

static experiment e;
static motaouakkil_data data;
static experiment_data small; /* 10,000 to fit, 2,000 to validate */
enum { BATCHES = 4, DEPTHS = 3, UNITS = 3, STOPS = 3, RATES = 4, FINALS = 2 };
static const int batches[] = {50, 100, 200, 400}, depths[] = {1, 2, 3}, units[] = {32, 64, 128};
static const int stops[] = {25, 75, 200};
static const double rates[] = {.02, .05, .1, .2};
static const struct {
    const char *name, *reading, *file;
    double l2;
} finals[FINALS] = {{"lambda 2 / training images", "A", "images", 2. / 60000},
                    {"lambda 2 / batch", "A batch", "batch", 2. / MOTAOUAKKIL_BATCH}};
static const double reported[] = {EXPERIMENT_UNKNOWN, 87.37, 87}; /* test; 87: its introduction */
static double rate_of[FINALS];

/* The figures are the validation accuracies at the stops. */
static void fit_grid(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &small.train);
    experiment_hidden(m, depths[job->run / UNITS % DEPTHS], units[job->run % UNITS], FNN_LEAKY_RELU,
                      .01);
    fnn_dense(m, 10, FNN_SOFTMAX);
    for (int i = 0, done = 0; i < STOPS; done = stops[i++]) {
        fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real).1),
                                             batches[job->run / UNITS / DEPTHS], stops[i] - done);
        c.l2 = (fnn_real)finals[0].l2;
        experiment_fit(job, m, &small.train, &c);
        job->figures[i] = experiment_accuracy(m, &small.validation);
    }
    fnn_model_free(m);
}

static motaouakkil_network network(int final, double rate)
{
    return (motaouakkil_network){2, FNN_LEAKY_RELU, .01, rate, finals[final].l2, 0};
}

static void fit_rate(experiment_job *job)
{
    const motaouakkil_network n = network(job->run / RATES, rates[job->run % RATES]);
    motaouakkil_validate(job, &data, &n, stops[0]);
}

/* 75 epochs, then on to 200: figures 2 k and 2 k + 1 are the accuracies on test and train. */
static void fit_final(experiment_job *job)
{
    const motaouakkil_network n = network(job->run, rate_of[job->run]);
    fnn_model *m = motaouakkil_model(job, &data, &n);
    for (int i = 1; i < STOPS; i++) {
        fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real)n.rate), MOTAOUAKKIL_BATCH,
                                             i == 1 ? stops[1] : stops[2] - stops[1]);
        c.l2 = (fnn_real)n.l2;
        motaouakkil_follow(job, m, &data, c);
        job->figures[2 * i] = experiment_accuracy(m, &data.all.test);
        job->figures[2 * i + 1] = experiment_accuracy(m, &data.all.train);
    }
    fnn_model_free(m);
}

static void note_grid(int i, const double *f)
{
    experiment_note(&e, "grid: batch %d, %d x %d, 25, 75, 200 epochs: validation %.2f, %.2f, %.2f",
                    batches[i / UNITS / DEPTHS], depths[i / UNITS % DEPTHS], units[i % UNITS], f[0],
                    f[1], f[2]);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "motaouakkil-best", "Grid, then 2x128 LeakyReLU with L2", 3);
    motaouakkil_load(&e, &data);
    small.train = experiment_reduce(&e, &data.split.train, 10000);
    small.validation = experiment_reduce(&e, &data.split.validation, 2000);
    experiment_each(&e, BATCHES * DEPTHS * UNITS, 1, fit_grid);
    experiment_note(&e, "grid: LeakyReLU(.01), rate .1, lambda 2 / 60000, on 12,000 images");
    for (int i = 0; i < BATCHES * DEPTHS * UNITS; i++) note_grid(i, e.jobs[i].figures);
    experiment_each(&e, FINALS * RATES, 1, fit_rate);
    for (int i = 0; i < FINALS; i++) {
        motaouakkil_note(&e, finals[i].name, "25 epochs, rate", i * RATES, rates, RATES);
        rate_of[i] = rates[experiment_best(&e, 0, i * RATES, RATES) % RATES];
    }
    experiment_each(&e, FINALS, e.seeds, fit_final);
    for (int i = 0; i < FINALS; i++) {
        for (int k = 2; k < 2 * STOPS; k++) /* train and test at 75 and at 200 epochs */
            experiment_report(
                &e, i, k, finals[i].reading, k % 2 ? "training accuracy %" : "test accuracy %",
                k % 2 ? EXPERIMENT_UNKNOWN : reported[k / 2], "2 x 128, %s, rate %g, %d epochs",
                finals[i].name, rate_of[i], stops[k / 2]);
        motaouakkil_plot(&e, finals[i].file, finals[i].name, i, stops[1], reported[1]);
    }
    return experiment_end(&e);
}
