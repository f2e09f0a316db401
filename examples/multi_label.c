/* Several answers about each image: what an article of Fashion-MNIST covers. Each output is a
 * sigmoid of its own under binary cross-entropy, so that all, some or none may be yes.
 *
 *     cc -O2 -fopenmp examples/multi_label.c -o multi_label -lm && ./multi_label
 *
 * Prints the share of right answers in the test set, about .98, and for each question how often yes
 * was right (precision) and was found (recall); then the answers about the first test images. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { QUESTIONS = 4 };
static const char *const questions[QUESTIONS] = {"feet", "torso", "legs", "arms"};
/* T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot. */
static const char *const covers[10] = {"torso",      "legs", "torso arms", "torso legs",
                                       "torso arms", "feet", "torso arms", "feet",
                                       "",           "feet"};

/* Gives data answers in place of labels: targets (count, QUESTIONS) of 0 and 1, or NULL. */
static fnn_real *ask(fnn_dataset *data)
{
    fnn_real *answers = (fnn_real *)malloc((size_t)data->count * QUESTIONS * sizeof *answers);
    for (int64_t i = 0; answers && i < data->count; i++)
        for (int j = 0; j < QUESTIONS; j++)
            answers[i * QUESTIONS + j] = strstr(covers[data->labels[i]], questions[j]) != NULL;
    data->labels = NULL;
    data->classes = 0;
    data->targets = answers;
    data->target_count = QUESTIONS;
    return answers;
}

/* Precision and recall of one question, from probabilities y (count, QUESTIONS). */
static void judge(const fnn_dataset *data, const fnn_real *y, int question)
{
    int64_t confusion[4] = {0, 0, 0, 0}; /* as fnn_confusion: rows true, columns predicted */
    double precision[2], recall[2];
    for (int64_t i = question; i < data->count * QUESTIONS; i += QUESTIONS)
        confusion[2 * (data->targets[i] > 0) + (y[i] > (fnn_real).5)]++;
    fnn_precision_recall(confusion, 2, precision, recall, NULL);
    printf("%-6s precision %.3f  recall %.3f\n", questions[question], precision[1], recall[1]);
}

int main(void)
{
    fnn_dataset train, test;
    fnn_error error;
    fnn_metrics result;
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) return puts(error.message), 1;
    fnn_real *train_answers = ask(&train), *test_answers = ask(&test);
    fnn_real *y = (fnn_real *)malloc((size_t)test.count * QUESTIONS * sizeof *y);
    if (!train_answers || !test_answers || !y) return puts("no memory"), 1;

    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, QUESTIONS, FNN_SIGMOID);
    fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);

    fnn_fit_config config = fnn_fit_config_init();
    config.optimizer = fnn_adam(1e-3);
    config.epochs = 5;
    config.batch_size = 100;
    config.verbose = 1;
    if (fnn_fit(m, &train, &config, NULL)) return puts(fnn_model_error(m)->message), 1;
    if (fnn_evaluate(m, NULL, &test, &result) || fnn_predict(m, NULL, &test, y)) return 1;

    printf("right answers: %.4f\n", result.accuracy);
    for (int j = 0; j < QUESTIONS; j++) judge(&test, y, j);
    for (int i = 0; i < 8 && i < test.count; i++) {
        printf("image %d covers", i);
        for (int j = 0; j < QUESTIONS; j++)
            if (y[i * QUESTIONS + j] > (fnn_real).5) printf(" %s", questions[j]);
        putchar('\n');
    }
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    free(train_answers);
    free(test_answers);
    free(y);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return 0;
}
