/* ali-sigmoid (part 2, figure 2): sigmoids in every layer, rates tried from .15 to .45.
 *
 *     cc -O2 -fopenmp examples/ali/sigmoid.c -o sigmoid -lm && ./sigmoid
 *
 * Prints, for the author's network (A) and the text's two hidden layers (B), what they reach at the
 * report's rate .2 beside the notebook's figures (the report has none), then the validation
 * accuracy of A at every rate: the report found .2 the best. */
#include "ali.h"

static const double rates[] = {.15, .2, .25, .3, .35, .4, .45};
enum { RATES = EXPERIMENT_COUNT(rates), REPORTED_RATE = 1, CONVOLUTION = 0, DENSE, NETWORKS };
static int is_grid; /* the convolution at every rate, else both networks at the report's */
static const double reported[ALI_METRICS] = {
    .7635, 71.52, .7607, 71.30, [ALI_TEST] = EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN,
    .7023, 73.24, .7074, 72.10};

static void run(experiment_job *job)
{
    const int network = is_grid ? CONVOLUTION : job->run;
    const double rate = rates[is_grid ? job->run : REPORTED_RATE];
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data.train);
    if (network == CONVOLUTION) {
        fnn_conv2d(m, 32, 3, FNN_VALID, FNN_SIGMOID);
        fnn_max_pool2d(m, 2);
        fnn_dense(m, 32, FNN_SIGMOID);
    } else {
        fnn_dense(m, 512, FNN_SIGMOID);
        fnn_dense(m, 512, FNN_SIGMOID);
    }
    fnn_dense(m, 10, FNN_SIGMOID);
    fnn_set_loss(m, FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0);
    ali_fit(job, m, fnn_sgd(rate));
    fnn_model_free(m);
}

int main(int argc, char **argv)
{
    ali_begin(argc, argv, "ali-sigmoid", "Sigmoids in every layer", 3);
    experiment_each(&e, NETWORKS, e.seeds, run);
    ali_report(CONVOLUTION, "A", "convolution, rate .2", reported);
    ali_report(DENSE, "B", "dense 512 + 512, rate .2", reported);
    ali_plot("convolution", CONVOLUTION);
    ali_plot("dense", DENSE);

    is_grid = 1;
    experiment_each(&e, RATES, 1, run);
    experiment_plot *p = experiment_plot_begin(&e, "rate", "After ten epochs", "learning rate",
                                               "validation accuracy %", 0);
    for (int i = 0; i < RATES; i++) {
        experiment_point_of(&e, p, "convolution", rates[i], i, ALI_VALIDATION);
        experiment_report(&e, i, ALI_VALIDATION, "", ali_metrics[ALI_VALIDATION],
                          EXPERIMENT_UNKNOWN, "convolution, tried rate %g", rates[i]);
    }
    return experiment_end(&e);
}
