/* Trains a convolutional network on Fashion-MNIST, shows an image of each class with what the
 * network makes of it, its surest mistakes, and which classes it takes for which.
 *
 *     cc -O2 -fopenmp examples/demo.c -o demo -lm && ./demo
 *
 * Saves the model to the path given, or else to build/demo.safetensors if there is build/, to
 * demo.safetensors if not. Its last line is `test accuracy: NN.NN %`, about 92. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"
enum { MOST = 10000 }; /* test images */

/* The first image of each class and the model's surest mistakes, as characters, darker for more
 * ink; their class, the model's where that is another, and how sure it is. */
static void draw(const fnn_dataset *test, const int32_t *predicted, const fnn_real *outputs)
{
    static fnn_real sure[MOST]; /* of mistakes not drawn yet */
    int shown[15] = {0}, i, n, x, y, p;
    for (i = (int)test->count; i-- > 0; shown[test->labels[i]] = i)
        sure[i] = predicted[i] != test->labels[i] ? outputs[10 * i + predicted[i]] : 0;
    for (n = 10; n < 15; sure[shown[n++]] = 0)
        for (i = 0; i < (int)test->count; i++)
            if (sure[i] > sure[shown[n]]) shown[n] = i;
    for (n = 0; n < 15; n += 5, printf("\n\n%s", n == 10 ? "its surest mistakes:\n" : "")) {
        for (y = 0; y < 28; y += 4, putchar('\n')) /* eight pixels are a character */
            for (i = n; i < n + 5; i++, printf("  "))
                for (x = 0; x < 28; x += 2) {
                    int sum = 0;
                    for (p = 0; p < 8; p++)
                        sum += test->bytes[shown[i] * 784 + (y + p / 2) * 28 + x + p % 2];
                    putchar(" .:-=+*#%@"[sum * 9 / 2040]);
                }
        for (i = n; i < n + 5; i++) printf("%-16s", test->class_names[test->labels[shown[i]]]);
        for (i = n, putchar('\n'); i < n + 5; i++) {
            const int k = predicted[shown[i]], wrong = k != test->labels[shown[i]];
            printf("%5.1f %% %-7.7s ", 100 * (double)outputs[10 * shown[i] + k],
                   wrong ? test->class_names[k] : "");
        }
    }
}

static void print_confusion(const fnn_dataset *test, const int64_t *confusion)
{
    int i, j;
    printf("confusion matrix (rows: true class, columns: predicted)\n%-12s", "");
    for (j = 0; j < 10; j++) printf("%6.5s", test->class_names[j]);
    for (i = 0, putchar('\n'); i < 10; i++, putchar('\n'))
        for (j = 0, printf("%-12s", test->class_names[i]); j < 10; j++)
            printf("%6ld", (long)confusion[10 * i + j]);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "build/demo.safetensors";
    static int32_t predicted[MOST];
    static fnn_real outputs[10 * MOST];
    int64_t confusion[100], hits = 0;
    fnn_fit_config config = fnn_fit_config_init();
    fnn_dataset train, test;
    fnn_error error;
    char summary[2000];
    int i, status = 0;
    program_usage("demo", "demo [FILE.safetensors]", argc, argv, 0, 1);
    if (fnn_check_writable(path, &error) &&
        (argc > 1 || fnn_check_writable(path = "demo.safetensors", &error)))
        program_fail("%s\nthe model cannot be saved; another path may be given", error.message);
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error))
        program_fail("%s\nmake data fetches and checks them", error.message);
    if (test.count > MOST) program_fail("expected a test set of at most 10,000 images");
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    fnn_conv2d(m, 32, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 64, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    for (i = 0; i < 2; i++) fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_summary(m, summary, sizeof summary);
    printf("%s\n%s", fnn_info(NULL), summary);
    config.optimizer = fnn_adam(4e-3f), config.schedule = fnn_schedule_one_cycle();
    config.epochs = 4, config.batch_size = 100, config.verbose = 1;
    if (fnn_fit(m, &train, &config, NULL)) program_fail("%s", fnn_model_error(m)->message);
    if (fnn_predict(m, NULL, &test, outputs) || fnn_predict_classes(m, NULL, &test, predicted))
        program_fail("no prediction");
    draw(&test, predicted, outputs);
    fnn_confusion(predicted, test.labels, test.count, 10, confusion);
    print_confusion(&test, confusion);
    if (fnn_set_names(m, &train)) /* kept in the file */
        program_fail("%s", fnn_model_error(m)->message);
    if (fnn_save(m, path, &error)) status = fprintf(stderr, "demo: %s\n", error.message) > 0;
    else printf("saved: %s (examples/predict.c reads it)\n", path);
    for (i = 0; i < 10; i++) hits += confusion[11 * i];
    printf("test accuracy: %.2f %%\n", 100.0 * (double)hits / (double)test.count);
    fnn_model_free(m), fnn_dataset_free(&train), fnn_dataset_free(&test);
    return program_end() || status;
}
