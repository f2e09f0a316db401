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

enum { POINTS = 4000, CLASSES = 2 };

static fnn_real points[POINTS][2];
static int32_t labels[POINTS];

typedef struct {
    double gamma, weight[CLASSES];
} focal;

/* The mean over the batch, and its derivative by the outputs y, which are probabilities here. */
static double focal_loss(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    const focal *f = (const focal *)user;
    double sum = 0;
    for (int i = 0; i < batch->count; i++) {
        const int truth = batch->labels[i];
        const double p = fmax((double)batch->y[i * CLASSES + truth], 1e-12);
        const double a = f->weight[truth], easy = pow(1 - p, f->gamma);
        sum -= a * easy * log(p);
        for (int j = 0; gradient && j < CLASSES; j++) gradient[i * CLASSES + j] = 0;
        if (!gradient) continue;
        double slope = -easy / p;
        if (f->gamma > 0) slope += f->gamma * pow(1 - p, f->gamma - 1) * log(p);
        gradient[i * CLASSES + truth] = (fnn_real)(a * slope / batch->count);
    }
    return sum / batch->count;
}

/* In [0, 1), by a small congruential generator. */
static double uniform(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / 16777216.0;
}

/* Trains on the first half, tests on the second; prints a line, returns the rare class' recall. */
static double train(const char *name, const fnn_dataset *data, focal *loss)
{
    fnn_dataset first, second;
    fnn_fit_config c = fnn_fit_config_init();
    fnn_metrics result;
    int64_t confusion[CLASSES * CLASSES];
    double recall[CLASSES];
    int32_t found[POINTS / 2];
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_dense(m, 16, FNN_TANH);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    if (loss) fnn_set_loss_function(m, focal_loss, loss);
    c.optimizer = fnn_adam(1e-2);
    c.epochs = 30;
    if (fnn_dataset_split(data, POINTS / 2, 0, 0, &first, &second, NULL) ||
        fnn_fit(m, &first, &c, NULL) || fnn_evaluate(m, NULL, &second, &result) ||
        fnn_predict_classes(m, NULL, &second, found) ||
        fnn_confusion(found, labels + POINTS / 2, POINTS / 2, CLASSES, confusion) ||
        fnn_precision_recall(confusion, CLASSES, NULL, recall, NULL)) {
        fprintf(stderr, "%s\n", fnn_model_error(m)->message);
        exit(1);
    }
    printf("%-24s test loss %.4f  accuracy %.3f  rare class found %.3f\n", name, result.loss,
           result.accuracy, recall[1]);
    fnn_model_free(m);
    fnn_dataset_free(&first);
    fnn_dataset_free(&second);
    return recall[1];
}

int main(void)
{
    fnn_dataset data = {.count = POINTS, .height = 1, .width = 1, .channels = 2};
    focal plain = {0, {1, 1}}, balanced = {2, {0.5, 5}};
    uint32_t state = 1;
    for (int i = 0; i < POINTS; i++) { /* the rare ones stand in a ring round (1, 1) */
        const int rare = labels[i] = uniform(&state) < 0.05;
        const double angle = 6.2832 * uniform(&state), radius = rare ? 0.6 : 2 * uniform(&state);
        points[i][0] = (fnn_real)(rare + radius * cos(angle) + 0.3 * uniform(&state));
        points[i][1] = (fnn_real)(rare + radius * sin(angle) + 0.3 * uniform(&state));
    }
    data.reals = points[0], data.labels = labels, data.classes = CLASSES;
    train("cross-entropy", &data, NULL);
    const double before = train("focal, gamma 0", &data, &plain);
    const double after = train("focal, gamma 2, weights", &data, &balanced);
    return after > before ? 0 : 1;
}
