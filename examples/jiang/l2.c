/* jiang-l2 (4.3, figure 3): two hidden layers of 128 ReLU with an L2 penalty, lambda up to 3.
 *
 *     cc -O2 -fopenmp examples/jiang/l2.c -o l2 -lm && ./l2
 *
 * The textbook's gradient + lambda W (B) with lambda 3 makes weights vanish; that it helps needs a
 * lambda divided by the number of training images (A) or by the batch (A batch): all three are
 * tried on 10,000 images held out of the training set, after one epoch and after eight. Prints the
 * test accuracy beside, of the networks trained on the other 50,000. */
#include "../experiment.h"

static experiment e;
static experiment_data data;

static const double lambdas[] = {0, .5, 1, 1.5, 2, 2.5, 3};
static const struct {
    const char *name, *reading;
    int divisor; /* 0: the number of training images */
} scales[] = {
    {"(lambda / training images)", "A", 0},
    {"(lambda / batch)", "A batch", 400},
    {"lambda", "B", 1},
};
enum { LAMBDAS = EXPERIMENT_COUNT(lambdas), SCALES = EXPERIMENT_COUNT(scales) };
enum { VALIDATION, TEST, VALIDATION_FIRST, TEST_FIRST };

static void run(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data.train);
    experiment_hidden(m, 2, 128, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = experiment_config(job, fnn_sgd((fnn_real).2), 400, 1);
    const int divisor = scales[job->run / LAMBDAS].divisor;
    c.l2 = (fnn_real)(lambdas[job->run % LAMBDAS] / (divisor ? divisor : (int)data.train.count));
    for (int first = 1; first >= 0; first--) {
        experiment_fit(job, m, &data.train, &c);
        job->figures[first ? VALIDATION_FIRST : VALIDATION] =
            experiment_accuracy(m, &data.validation);
        job->figures[first ? TEST_FIRST : TEST] = experiment_accuracy(m, &data.test);
        c.epochs = experiment_epochs(&e, 8) - 1; /* a second fit goes on */
        if (c.epochs < 1) c.epochs = 1;
    }
    fnn_model_free(m);
}

static void report(const char *epochs, int validation, int test)
{
    for (int i = 0; i < SCALES * LAMBDAS; i++) {
        const double lambda = lambdas[i % LAMBDAS];
        if (lambda <= 0 && i > 0) continue;
        experiment_report(&e, i, test, lambda > 0 ? scales[i / LAMBDAS].reading : "",
                          "test accuracy %", lambda > 2.9 ? 84.88 : EXPERIMENT_UNKNOWN,
                          "gradient + %s W, lambda %g, %s", scales[i / LAMBDAS].name, lambda,
                          epochs);
    }
    const int best = experiment_best(&e, validation, 0, SCALES * LAMBDAS);
    experiment_note(&e, "best on validation data after %s: %s, lambda %g: %.2f", epochs,
                    scales[best / LAMBDAS].name, lambdas[best % LAMBDAS],
                    experiment_mean(&e, best, validation, NULL));
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "jiang-l2", "L2 penalty on 2 hidden layers of 128 ReLU", 3);
    experiment_fashion(&e, &data);
    experiment_hold_out(&e, &data, 1.0 / 6, 1);
    experiment_note(&e, "trained on %d images, without the %d of the validation",
                    (int)data.train.count, (int)data.validation.count);
    experiment_each(&e, SCALES * LAMBDAS, e.seeds, run);
    report("1 epoch", VALIDATION_FIRST, TEST_FIRST);
    report("8 epochs", VALIDATION, TEST);
    for (int first = 0; first < 2; first++) {
        experiment_plot *p = experiment_plot_begin(&e, first ? "lambda-1-epoch" : "lambda-8-epochs",
                                                   first ? "After one epoch" : "After eight epochs",
                                                   "lambda", "test accuracy %", 0);
        for (int i = 0; i < SCALES * LAMBDAS; i++)
            experiment_point_of(&e, p, scales[i / LAMBDAS].name, lambdas[i % LAMBDAS], i,
                                first ? TEST_FIRST : TEST);
        experiment_reported(&e, p, "report", 3, 84.88);
    }
    return experiment_end(&e);
}
