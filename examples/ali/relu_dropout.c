/* ali-relu-dropout (part 3, figure 4): ReLU in every layer, the output included, with dropout.
 *
 *     cc -O2 -fopenmp examples/ali/relu_dropout.c -o relu_dropout -lm && ./relu_dropout
 *
 * Prints, over 20 seeds (five of the dense network), how many of the ten outputs end dead, and the
 * losses beside those of the formula in ali.h: the report's 5.3031 takes two. Whether dropout
 * "halves the loss", as it says, show the means of all seeds here and in ali-relu. */
#include "ali.h"

enum { CONVOLUTION, DENSE, NETWORKS };
static int network;
static const struct {
    const char *reading, *name;
} networks[] = {{"A", "convolution, dropout .2"}, {"B", "dense 512 + 256, dropout .2"}};
/* Figure 4, the same in all of its epochs; the notebook's last run ends at 6.7813. */
#define U EXPERIMENT_UNKNOWN
enum { REPORTED_DEAD = 2 };
static const double reported[ALI_METRICS] = {U,     U,      U,   U, U, U, [ALI_ON] = 5.3031,
                                             10.00, 5.3272, 9.95};

static void run(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data.train);
    if (network == CONVOLUTION) {
        fnn_conv2d(m, 32, 3, FNN_VALID, FNN_RELU);
        fnn_max_pool2d(m, 2);
        fnn_dropout(m, .2f);
        fnn_dense(m, 32, FNN_RELU);
    } else {
        fnn_dense(m, 512, FNN_RELU);
        fnn_dropout(m, .2f);
        fnn_dense(m, 256, FNN_RELU);
        fnn_dropout(m, .2f);
    }
    fnn_dense(m, 10, FNN_RELU);
    fnn_set_loss(m, FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0);
    ali_fit(job, m, fnn_sgd(.2f));
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    ali_begin(argc, argv, "ali-relu-dropout", "ReLU in every layer, and dropout", 20);
    ali_begin_dead(REPORTED_DEAD, reported[ALI_ON]);
    for (network = 0; network < NETWORKS; network++) {
        experiment_each(&e, 1, network == DENSE ? (e.seeds + 3) / 4 : e.seeds, run);
        ali_report_dead(networks[network].reading, networks[network].name, REPORTED_DEAD, reported);
    }
    return experiment_end(&e);
}
