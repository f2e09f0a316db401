/* A rare class: one sample in twenty-five is an alarm, and looks much like the others. The network
 * misses most of them, unless class weights let each class count as much as the other.
 *
 *     cc -O2 -fopenmp examples/imbalanced.c -o imbalanced -lm && ./imbalanced
 *
 * Prints, without the weights and with them, how many of the alarms among the test samples are
 * found (recall: about .4, then .9), how many that are called one are alarms (precision), and the
 * accuracy, which alone would speak for the first. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { SAMPLES = 8000, COLUMNS = 2 };

static fnn_real x[SAMPLES * COLUMNS];
static int32_t alarms[SAMPLES];

/* In [0, 1), by a small congruential generator. */
static double draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / 16777216.0;
}

/* Two clouds that overlap: the alarms' is moved by 1.5 in both columns. */
static void make_samples(void)
{
    uint32_t state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        alarms[i] = draw(&state) < .04;
        for (int j = 0; j < COLUMNS; j++) {
            double sum = 1.5 * alarms[i] - 6; /* twelve uniform numbers are nearly normal */
            for (int k = 0; k < 12; k++) sum += draw(&state);
            x[i * COLUMNS + j] = (fnn_real)sum;
        }
    }
}

/* Trains on one set and judges by the other. */
static int run(const char *name, const fnn_dataset *train, const fnn_dataset *test)
{
    static int32_t predicted[SAMPLES], truth[SAMPLES];
    int64_t confusion[4];
    double precision[2], recall[2];
    fnn_fit_config config = fnn_fit_config_init();
    fnn_model *m = fnn_sequential(1, 1, COLUMNS);
    fnn_dense(m, 16, FNN_RELU);
    fnn_dense(m, 1, FNN_SIGMOID); /* the probability of an alarm: labels 0 and 1 are its targets */
    fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
    config.optimizer = fnn_adam(3e-3);
    config.epochs = 20;
    if (fnn_fit(m, train, &config, NULL)) return puts(fnn_model_error(m)->message), 1;
    if (fnn_predict_classes(m, NULL, test, predicted)) return 1;
    for (int64_t i = 0; i < test->count; i++) truth[i] = fnn_dataset_label(test, i);
    fnn_confusion(predicted, truth, test->count, 2, confusion);
    fnn_precision_recall(confusion, 2, precision, recall, NULL);
    printf("%-22s recall %.3f  precision %.3f  accuracy %.3f\n", name, recall[1], precision[1],
           (double)(confusion[0] + confusion[3]) / (double)test->count);
    fnn_model_free(m);
    return 0;
}

int main(void)
{
    const fnn_dataset data = fnn_dataset_table(x, alarms, SAMPLES, COLUMNS, 2);
    fnn_dataset train, test;
    fnn_error error;
    int64_t counts[2];
    fnn_real weights[2];
    make_samples();
    if (fnn_dataset_split(&data, SAMPLES / 2, FNN_ORDER_SHUFFLE, 1, &train, &test, &error) ||
        fnn_dataset_class_counts(&train, counts))
        return puts(error.message), 1;

    int failed = run("without class weights", &train, &test);
    for (int c = 0; c < 2; c++) /* each class has half of the weight */
        weights[c] = (fnn_real)train.count / (2 * (fnn_real)counts[c]);
    train.class_weights = weights;
    failed |= run("with class weights", &train, &test);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return failed;
}
