/* shi-gradcheck (4.1): gradients by small perturbation, in double precision.
 *
 *     cc -O2 -fopenmp examples/shi/gradcheck.c -o gradcheck -lm && ./gradcheck
 *
 * Prints the worst error over all weight matrices and bias vectors of networks with 0, 1 and 2
 * hidden layers of 16 ReLU, every parameter moved by h = 1e-5: the relative error
 * |a - n| / (|a| + |n|) of the gradient a and the difference quotient n. The report's 6.357e-13 is
 * smaller than differences in double precision give for the worst of thousands: of which error it
 * is, the report does not say. */
#define FMNIST_NN_REAL double
#include "../experiment.h"

static experiment e;
static experiment_data data;
enum { DEPTHS = 3, WIDTH = 16, IMAGES = 4, RELATIVE = 0, CHECKED = 1 };

static void run(experiment_job *job)
{
    const fnn_initializer normal = {FNN_NORMAL, 1}, zeros = {FNN_ZEROS, 0};
    const fnn_dataset few = experiment_reduce(&e, &data.train, IMAGES);
    fnn_gradient_check check;
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_MEAN_DIVIDE_255, &data.train);
    fnn_set_initializer(m, normal, zeros);
    experiment_hidden(m, job->run, WIDTH, FNN_RELU, 0);
    fnn_dense(m, 10, FNN_SOFTMAX);
    const fnn_fit_config c = experiment_config(job, fnn_sgd(.1), IMAGES, 1);
    if (fnn_check_gradients(m, &few, &c, 1e-5, &check, NULL))
        experiment_fail(&e, "%s", fnn_model_error(m)->message);
    job->figures[RELATIVE] = check.worst;
    job->figures[CHECKED] = (double)check.checked;
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "shi-gradcheck", "Gradients by small perturbation", 1);
    experiment_fashion(&e, &data);
    experiment_note(&e,
                    "the report: 6.357e-13, below 1e-8; measured on %d images, "
                    "weights N(0,1)",
                    IMAGES);
    e.wide = 1; /* the runs share the list of data sets */
    experiment_each(&e, DEPTHS, 1, run);
    for (int i = 0; i < DEPTHS; i++)
        experiment_report(&e, i, RELATIVE, "", "relative error", 6.357e-13,
                          "%d hidden, %.0f parameters", i, experiment_mean(&e, i, CHECKED, NULL));
    return experiment_end(&e);
}
