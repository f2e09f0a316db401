/* aghaei-mnist-network (4.3, figure 11): the MLP of batch 64 on MNIST.
 *
 *     cc -O2 -fopenmp examples/aghaei/mnist_network.c -o mnist_network -lm && ./mnist_network
 *
 * Prints its accuracies in both readings, in double precision. Reading A is within half a point of
 * the report and no nearer: at this rate rounding alone moves the figures by a point (88.20 / 87.33
 * here, 88.47 / 87.62 in NumPy, 89.25 / 88.41 in float). */
#define FMNIST_NN_REAL double
#include "mlp.h"

static const mlp_arguments network = {.hidden_layer = {128, 64},
                                      .activation = FNN_RELU,
                                      .epoch = 15,
                                      .eta = .03,
                                      .beta = .1,
                                      .alpha = .001,
                                      .mu = .85,
                                      .batch_size = 64};
static const mlp_figures reported = {.test = 86.89, .train = 87.91, .loss = EXPERIMENT_UNKNOWN};

enum { NETWORK_A, NETWORK_B, RUNS };

/* The first seed has the author's random numbers. */
static void run(experiment_job *job)
{
    numpy_random r;
    numpy_seed(&r, (uint32_t)job->seed + 1);
    mlp_run(job, network, job->run == NETWORK_A ? MLP_AUTHOR : MLP_TEXT, r, &data.train, &data.test,
            &data.test);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-mnist-network", "An MLP on MNIST", 1);
    experiment_mnist(&e, &data);
    experiment_each(&e, RUNS, e.seeds, run);
    mlp_report(NETWORK_A, &network, "A", reported);
    mlp_report(NETWORK_B, &network, "B", reported);
    mlp_plot(NETWORK_A, "A", "(128, 64) ReLU, reading A", 15, reported);
    mlp_plot(NETWORK_B, "B", "(128, 64) ReLU, reading B", 15, reported);
    return experiment_end(&e);
}
