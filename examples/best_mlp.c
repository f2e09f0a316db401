/* best-mlp: a multilayer perceptron above all those of the five reports (the best: 88.03 %).
 *
 *     cc -O2 -fopenmp examples/best_mlp.c -o best_mlp -lm && ./best_mlp
 *
 * Prints the accuracy of each recipe on 10,000 held-out training images, then the test accuracy of
 * the best of them, trained anew on all 60,000, after its last epoch. No convolution, no
 * augmentation; the test set decides nothing. */
#include "experiment.h"

static experiment e;
static experiment_data parts[2], whole[2]; /* to choose by, and to end with: pixels; with roots */

/* Two hidden layers of so many units, each with batch norm before and dropout behind its GELU
 * (Ioffe and Szegedy 2015; Srivastava et al. 2014). Stronger dropout trains more slowly. */
static const struct recipe {
    const char *name;
    int roots, width, epochs, batch;
    double input_dropout, dropout, rate;
} recipes[] = {
    {"pixels, 2 x 512, 20 epochs", 0, 512, 20, 128, .1, .3, 2e-3},
    {"pixels and roots, 2 x 512, 20 epochs", 1, 512, 20, 128, .1, .3, 2e-3},
    {"pixels, 2 x 1024, 60 epochs", 0, 1024, 60, 256, .2, .4, 3e-3},
    {"pixels and roots, 2 x 1024, 60 epochs", 1, 1024, 60, 256, .2, .4, 3e-3},
};
static const struct recipe *chosen;

/* The images with a second channel: the root of each pixel, 0 to 255 as well. It spreads the dark
 * tones, which one linear scale of the input leaves too close together to tell apart. */
static fnn_dataset with_roots(const fnn_dataset *images)
{
    const int64_t rows = images->rows ? images->rows : images->count;
    const size_t pixels = (size_t)rows * 28 * 28;
    uint8_t *bytes = (uint8_t *)experiment_resize(&e, NULL, 2 * pixels);
    fnn_dataset both = *images;
    for (size_t i = 0; i < pixels; i++) {
        bytes[2 * i] = images->bytes[i];
        bytes[2 * i + 1] = (uint8_t)(sqrt(255.0 * images->bytes[i]) + .5);
    }
    both.bytes = bytes;
    both.channels = 2;
    return both;
}

/* AdamW (Loshchilov and Hutter 2019) on one cycle of the rate (Smith and Topin 2018), with the
 * average of the weights over about the last two thousand steps. */
static void fit(experiment_job *job, const struct recipe *r, const experiment_data *data)
{
    const fnn_dataset *train = &data[r->roots].train;
    fnn_model *m = experiment_model(job, 28, 28, train->channels);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, train);
    fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, 0.1f, 0);
    fnn_dropout(m, (fnn_real)r->input_dropout);
    for (int i = 0; i < 2; i++) {
        fnn_dense(m, r->width, FNN_LINEAR);
        fnn_batch_norm(m);
        fnn_activate(m, FNN_GELU, 0);
        fnn_dropout(m, (fnn_real)r->dropout);
    }
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c =
        experiment_config(job, fnn_adamw((fnn_real)r->rate, 0.05f), r->batch, r->epochs);
    c.schedule = fnn_schedule_one_cycle();
    c.ema_decay = .9995;
    experiment_fit(job, m, train, &c);
    job->figures[0] = experiment_accuracy(m, &data[r->roots].test);
    fnn_model_free(m);
}

static void fit_recipe(experiment_job *job)
{
    fit(job, &recipes[job->run], parts);
}

static void fit_chosen(experiment_job *job)
{
    fit(job, chosen, whole);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "best-mlp", "An MLP above those of the five reports", 5);
    experiment_fashion(&e, &whole[0]);
    whole[1].train = with_roots(&whole[0].train);
    whole[1].test = with_roots(&whole[0].test);
    for (int i = 0; i < 2; i++) {
        parts[i].train = whole[i].train;
        experiment_hold_out(&e, &parts[i], 1.0 / 6, 1);
        parts[i].test = parts[i].validation; /* the test images stay out of it */
    }
    experiment_each(&e, EXPERIMENT_COUNT(recipes), 1, fit_recipe);
    for (int i = 0; i < EXPERIMENT_COUNT(recipes); i++)
        experiment_report(&e, i, 0, "", "validation accuracy %", EXPERIMENT_UNKNOWN, "%s",
                          recipes[i].name);
    chosen = &recipes[experiment_best(&e, 0, 0, EXPERIMENT_COUNT(recipes))];
    experiment_note(&e, "chosen by validation accuracy, one seed: %s", chosen->name);
    experiment_each(&e, 1, e.seeds, fit_chosen);
    experiment_report(&e, 0, 0, "", "test accuracy %", 88.03, "the chosen one on all of training");
    return experiment_end(&e);
}
