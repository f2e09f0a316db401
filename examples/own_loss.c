/* A loss of one's own: the focal loss of Lin et al. 2017 ("Focal loss for dense object detection"),
 *     -a (1 - p)^gamma log p      p: the probability of the true class, a: a weight of the class
 * which looks away from what is easy, on points of which one in twenty is of the rare class.
 *
 *     cc -O2 -fopenmp examples/own_loss.c -o own_loss -lm && ./own_loss
 *
 * Prints accuracy and how much of the rare class is found, after training with the library's cross-
 * entropy, with gamma 0 and equal weights, which is the same, and with the focal loss. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { POINTS = 4000, HALF = POINTS / 2 }; /* to train on and to test with */

static fnn_real points[POINTS][2], outputs[HALF][2];
static int32_t labels[POINTS];

typedef struct {
    double gamma, weight[2];
} focal;

/* The mean over the batch, and its derivative by the outputs y, which are probabilities here. */
static double focal_loss(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    const focal *f = (const focal *)user;
    double sum = 0;
    for (int i = 0; i < batch->count; i++) {
        const int truth = batch->labels[i], at = 2 * i + truth;
        const double a = f->weight[truth] / batch->count;
        const double p = fmin(fmax((double)batch->y[at], 1e-7), 1 - 1e-7), hard = 1 - p;
        const double slope = f->gamma * pow(hard, f->gamma - 1) * log(p) - pow(hard, f->gamma) / p;
        if (gradient) gradient[at] = (fnn_real)(a * slope), gradient[at ^ 1] = 0; /* the other */
        sum -= a * pow(hard, f->gamma) * log(p);
    }
    return sum;
}

static double uniform(void) /* in [0, 1), by a small congruential generator */
{
    static uint32_t state = 1;
    return (double)((state = state * 1664525u + 1013904223u) >> 8) / 16777216.0;
}

/* Trains on the first half, tests on the second; prints a line, returns the rare class' recall. */
static double train(const char *name, focal *loss)
{
    const fnn_dataset first = fnn_dataset_table(points[0], labels, HALF, 2, 2);
    const fnn_dataset second = fnn_dataset_table(points[HALF], labels + HALF, HALF, 2, 2);
    fnn_fit_config c = fnn_fit_config_init();
    int64_t confusion[2 * 2];
    double recall[2];
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_dense(m, 16, FNN_TANH);
    fnn_dense(m, 2, FNN_SOFTMAX);
    if (loss) fnn_set_loss_function(m, focal_loss, loss);
    c.optimizer = fnn_adam(1e-2), c.epochs = 30;
    if (fnn_fit(m, &first, &c, NULL) || fnn_predict(m, NULL, &second, outputs[0]) ||
        fnn_confusion_on(outputs[0], &second, 2, confusion))
        puts(fnn_model_error(m)->message), exit(1);
    fnn_precision_recall(confusion, 2, NULL, recall, NULL);
    const double accuracy = fnn_accuracy_on(outputs[0], &second, 2);
    printf("%-24s accuracy %.3f  rare class found %.3f\n", name, accuracy, recall[1]);
    return fnn_model_free(m), recall[1];
}

int main(void)
{
    focal plain = {0, {1, 1}}, balanced = {2, {0.5, 5}};
    for (int i = 0; i < POINTS; i++) { /* the rare ones stand in a ring round (1, 1) */
        const int rare = labels[i] = uniform() < 0.05;
        const double angle = 6.2832 * uniform(), radius = rare ? 0.6 : 2 * uniform();
        points[i][0] = (fnn_real)(rare + radius * cos(angle) + 0.3 * uniform());
        points[i][1] = (fnn_real)(rare + radius * sin(angle) + 0.3 * uniform());
    }
    train("cross-entropy", NULL);
    const double before = train("focal, gamma 0", &plain);
    const int failed = !(train("focal, gamma 2, weights", &balanced) > before);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return failed;
}
