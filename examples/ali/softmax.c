/* ali-softmax (part 4, figures 5 and 6): ReLU in the hidden layers, softmax in the last.
 *
 *     cc -O2 -fopenmp examples/ali/softmax.c -o softmax -lm && ./softmax
 *
 * Prints what the author's network (A) and the text's two hidden layers (B) reach, beside the
 * figures of the report, of the further fit on the test images, and of the notebook, of the fit on
 * train alone. */
#include "ali.h"

enum { CONVOLUTION, DENSE, NETWORKS };
static const struct {
    const char *reading, *name;
} networks[] = {{"A", "convolution, dropout .2"}, {"B", "dense 512 + 256, dropout .2"}};
static const double reported[ALI_METRICS] = {
    .4050, 85.38, .3934, 85.49, [ALI_TEST] = EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN,
    .3582, 87.18, .3816, 86.02};
/* Figure 5, epoch by epoch: loss, accuracy on test, then on validation. */
static const double figure5[ALI_EPOCHS][4] = {
    {.3988, 85.47, .3779, 86.37}, {.3949, 85.33, .3829, 86.27}, {.3908, 85.44, .3808, 86.48},
    {.3714, 86.62, .3924, 85.40}, {.3690, 87.02, .3743, 86.56}, {.3671, 86.71, .4036, 85.26},
    {.3704, 86.95, .3893, 85.62}, {.3685, 86.58, .3704, 86.55}, {.3623, 87.00, .3697, 86.73},
    {.3582, 87.18, .3816, 86.02}};
/* Of the further fit, beside ali_fit's: its first epoch, and its best on validation data. */
enum { FIRST_LOSS = ALI_OWN, FIRST, BEST };

static void run(experiment_job *job)
{
    fnn_model *m = experiment_model(job, 28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data.train);
    if (job->run == CONVOLUTION) {
        fnn_conv2d(m, 32, 3, FNN_VALID, FNN_RELU);
        fnn_max_pool2d(m, 2);
        fnn_dropout(m, (fnn_real).2);
        fnn_dense(m, 32, FNN_RELU);
    } else {
        fnn_dense(m, 512, FNN_RELU);
        fnn_dropout(m, (fnn_real).2);
        fnn_dense(m, 256, FNN_RELU);
        fnn_dropout(m, (fnn_real).2);
    }
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_set_loss(m, FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, 0, 0);
    ali_fit(job, m, fnn_sgd(.2));
    fnn_model_free(m);

    const int on = job->history.count / 2;
    const fnn_epoch *epochs = job->history.epochs + on;
    job->figures[FIRST_LOSS] = epochs[0].loss;
    job->figures[FIRST] = 100 * epochs[0].score;
    job->figures[BEST] = 0;
    for (int i = 0; i < on; i++)
        job->figures[BEST] = fmax(job->figures[BEST], 100 * epochs[i].validation_score);
}

int main(int argc, char **argv)
{
    ali_begin(argc, argv, "ali-softmax", "ReLU hidden layers, softmax output", 5);
    experiment_each(&e, NETWORKS, e.seeds, run);
    for (int i = 0; i < NETWORKS; i++) {
        const char *reading = networks[i].reading, *name = networks[i].name;
        ali_report(i, reading, name, reported);
        experiment_report(&e, i, FIRST_LOSS, reading, "loss, fit on test (contaminated), epoch 1",
                          figure5[0][0], "%s", name);
        experiment_report(&e, i, FIRST, reading, "accuracy, fit on test (contaminated), epoch 1 %",
                          figure5[0][1], "%s", name);
        experiment_report(&e, i, BEST, reading,
                          "best validation accuracy, fit on test (contaminated) %", 86.73, "%s",
                          name);
        ali_plot(i == CONVOLUTION ? "convolution" : "dense", i);
    }
    for (int k = 0; k < 4; k++) { /* figure 5 in the first network's plots: loss, accuracy */
        static const char *const series[] = {"report, fit on test", "report, validation"};
        for (int i = 0; i < experiment_epochs(&e, ALI_EPOCHS); i++)
            experiment_point(&e, &e.plots[k % 2], series[k / 2],
                             experiment_epochs(&e, ALI_EPOCHS) + i + 1, figure5[i][k],
                             EXPERIMENT_UNKNOWN);
    }
    return experiment_end(&e);
}
