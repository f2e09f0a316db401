/* aghaei-fashion-network (4.4, figure 13): the MLP of batch 64 on Fashion-MNIST.
 *
 *     cc -O2 -fopenmp examples/aghaei/fashion_network.c -o fashion_network -lm && ./fashion_network
 *
 * Prints its accuracies in both readings. In double precision, as NumPy computes: reading A meets
 * the report to the digit. */
#define FMNIST_NN_REAL double
#include "mlp.h"

static const mlp_arguments network = {.hidden_layer = {128, 64},
                                      .activation = FNN_LEAKY_RELU,
                                      .slope = .03,
                                      .epoch = 10,
                                      .eta = .01,
                                      .beta = .2,
                                      .alpha = .001,
                                      .mu = .85,
                                      .batch_size = 64};
static const mlp_figures reported = {.test = 75.36, .train = 76.78, .loss = EXPERIMENT_UNKNOWN};

enum { NETWORK_A, NETWORK_B, RUNS };

/* The first seed has the author's random numbers. */
static void run(experiment_job *job)
{
    numpy_random r;
    numpy_seed(&r, (uint32_t)job->seed + 1);
    mlp_run_held_out(job, &network, job->run == NETWORK_A ? MLP_AUTHOR : MLP_TEXT, r);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-fashion-network", "An MLP on Fashion-MNIST", 1);
    experiment_fashion(&e, &data);
    experiment_each(&e, RUNS, e.seeds, run);
    mlp_report(NETWORK_A, &network, "A", reported);
    mlp_report(NETWORK_B, &network, "B", reported);
    mlp_plot(NETWORK_A, "A", "(128, 64) LeakyReLU, reading A", 10, reported);
    mlp_plot(NETWORK_B, "B", "(128, 64) LeakyReLU, reading B", 10, reported);
    return experiment_end(&e);
}
