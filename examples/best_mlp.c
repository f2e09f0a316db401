/* best-mlp: a multilayer perceptron above all those of the five reports (the best: 88.03 %).
 *
 *     cc -O2 -fopenmp examples/best_mlp.c -o best_mlp -lm && ./best_mlp
 *
 * Prints the accuracy of each recipe on 10,000 held-out training images, then the test accuracy of
 * the best of them, trained anew on all 60,000, after its last epoch. No convolution, no
 * augmentation; the test set decides nothing. */
#include "experiment.h"

static experiment e;
static experiment_data data;
static fnn_dataset all;
static int chosen;

/* Hidden layers of so many units, each with batch norm before and dropout behind its activation
 * (Ioffe and Szegedy 2015; Srivastava et al. 2014); residual: with a connection round every one of
 * them but the first (He et al. 2016). Stronger dropout trains more slowly: it gets more epochs. */
static const struct {
    const char *name;
    int depth, width, residual;
    fnn_activation activation;
    double input_dropout, dropout;
    int epochs, batch;
    double rate;
} recipes[] = {
    {"2 x 512, ReLU, 20 epochs", 2, 512, 0, FNN_RELU, .1, .3, 20, 128, 2e-3},
    {"2 x 512, GELU, 20 epochs", 2, 512, 0, FNN_GELU, .1, .3, 20, 128, 2e-3},
    {"2 x 1024, GELU, 60 epochs", 2, 1024, 0, FNN_GELU, .2, .4, 60, 256, 3e-3},
    {"4 x 512 residual, GELU, 60 epochs", 4, 512, 1, FNN_GELU, .1, .3, 60, 256, 3e-3},
    {"6 x 512 residual, GELU, 60 epochs", 6, 512, 1, FNN_GELU, .1, .3, 60, 256, 3e-3},
};

static fnn_model *build(experiment_job *job, int recipe, const fnn_dataset *train)
{
    int last = -1;
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, train);
    fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0.1f, 0);
    fnn_dropout(m, (fnn_real)recipes[recipe].input_dropout);
    for (int i = 0; i < recipes[recipe].depth; i++) {
        fnn_dense(m, recipes[recipe].width, FNN_LINEAR);
        fnn_batch_norm(m);
        fnn_activate(m, recipes[recipe].activation, 0);
        const int out = fnn_dropout(m, (fnn_real)recipes[recipe].dropout);
        last = recipes[recipe].residual && i > 0 ? fnn_add(m, last) : out;
    }
    fnn_dense(m, 10, FNN_SOFTMAX);
    return m;
}

/* AdamW (Loshchilov and Hutter 2019) on one cycle of the rate (Smith and Topin 2018), with the
 * average of the weights over about the last two thousand steps. */
static void fit(experiment_job *job, int recipe, const fnn_dataset *train, const fnn_dataset *held)
{
    fnn_model *m = build(job, recipe, train);
    const fnn_optimizer optimizer = fnn_adamw((fnn_real)recipes[recipe].rate, 0.05f);
    fnn_fit_config c =
        experiment_config(job, optimizer, recipes[recipe].batch, recipes[recipe].epochs);
    c.schedule = fnn_schedule_one_cycle();
    c.ema_decay = .9995;
    experiment_fit(job, m, train, &c);
    job->figures[0] = experiment_accuracy(m, held);
    fnn_model_free(m);
}

static void fit_recipe(experiment_job *job)
{
    fit(job, job->run, &data.train, &data.validation);
}

static void fit_chosen(experiment_job *job)
{
    fit(job, chosen, &all, &data.test);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "best-mlp", "An MLP above those of the five reports", 5);
    experiment_fashion(&e, &data);
    all = data.train;
    experiment_hold_out(&e, &data, 1.0 / 6, 1);
    experiment_each(&e, EXPERIMENT_COUNT(recipes), 1, fit_recipe);
    for (int i = 0; i < EXPERIMENT_COUNT(recipes); i++)
        experiment_report(&e, i, 0, "", "validation accuracy %", EXPERIMENT_UNKNOWN, "%s",
                          recipes[i].name);
    chosen = experiment_best(&e, 0, 0, EXPERIMENT_COUNT(recipes));
    experiment_note(&e, "chosen by validation accuracy, one seed: %s", recipes[chosen].name);

    experiment_each(&e, 1, e.seeds, fit_chosen);
    experiment_report(&e, 0, 0, "", "test accuracy %", 88.03, "the chosen one on all of training");
    return experiment_end(&e);
}
