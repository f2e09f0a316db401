/* Trains a convolutional network on Fashion-MNIST, shows what it makes of a few test images, and
 * which classes it mistakes for which.
 *
 *     cc -O2 -fopenmp examples/demo.c -o demo -lm && ./demo
 *
 * Saves the model to build/demo.safetensors if there is build/, or to the path given. Its last line
 * is `test accuracy: NN.NN %`, about 92. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

#define SHOWN 4 /* test images side by side */

/* Four images as characters, darker for more ink; two rows of pixels become one of text. */
static void draw(const fnn_dataset *test, const int32_t *predicted, int64_t first)
{
    static const char ink[] = " .:-=+*#%@";
    int y, x, i;
    for (y = 0; y < 28; y += 2, putchar('\n'))
        for (i = 0; i < SHOWN; i++, printf("  "))
            for (x = 0; x < 28; x++) {
                const uint8_t *pixel = test->bytes + (first + i) * 784 + y * 28 + x;
                putchar(ink[(pixel[0] + pixel[28]) * 9 / 510]);
            }
    for (i = 0; i < SHOWN; i++) printf("true:  %-23s", test->class_names[test->labels[first + i]]);
    putchar('\n');
    for (i = 0; i < SHOWN; i++) {
        const int right = predicted[first + i] == test->labels[first + i];
        printf("model: %-16s%-7s", test->class_names[predicted[first + i]], right ? "" : "(wrong)");
    }
    printf("\n\n");
}

static void print_confusion(const fnn_dataset *test, const int64_t *confusion)
{
    int i, j;
    printf("confusion matrix (rows: true class, columns: predicted)\n%-12s", "");
    for (j = 0; j < 10; j++) printf("%6.5s", test->class_names[j]);
    putchar('\n');
    for (i = 0; i < 10; i++, putchar('\n'))
        for (j = 0, printf("%-12s", test->class_names[i]); j < 10; j++)
            printf("%6ld", (long)confusion[10 * i + j]);
}

static int fail(const char *message)
{
    fprintf(stderr, "demo: %s\n", message);
    return 1;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "build/demo.safetensors";
    static int32_t predicted[10000];
    int64_t confusion[100], hits = 0;
    fnn_fit_config config = fnn_fit_config_init();
    fnn_dataset train, test;
    fnn_error error;
    char summary[2000];
    const int possible = !fnn_check_writable(path, &error);
    int i, status = 0;

    if (!possible) fail(error.message), fail("the model cannot be saved");
    if (!possible && argc > 1) return 1;
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error))
        return fail(error.message), fail("make data fetches and checks them");
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    fnn_conv2d(m, 32, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 64, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_summary(m, summary, sizeof summary);
    printf("%s\n%s", fnn_info(NULL), summary);

    config.optimizer = fnn_adam(4e-3f);
    config.schedule = fnn_schedule_one_cycle();
    config.epochs = 4;
    config.batch_size = 100;
    config.verbose = 1;
    if (fnn_fit(m, &train, &config, NULL)) return fail(fnn_model_error(m)->message);
    if (test.count < 12 + SHOWN || test.count > 10000)
        return fail("expected a test set of 16 to 10,000 images");
    if (fnn_predict_classes(m, NULL, &test, predicted)) return fail("no prediction");

    for (i = 0; i < 2; i++) draw(&test, predicted, 12 * i);
    fnn_confusion(predicted, test.labels, test.count, 10, confusion);
    print_confusion(&test, confusion);
    if (fnn_set_names(m, &train)) return fail(fnn_model_error(m)->message); /* kept in the file */
    if (possible && fnn_save(m, path, &error)) status = fail(error.message);
    else if (possible) printf("saved: %s (examples/predict.c reads it)\n", path);
    for (i = 0; i < 10; i++) hits += confusion[11 * i];
    printf("test accuracy: %.2f %%\n", 100.0 * (double)hits / (double)test.count);

    fnn_model_free(m), fnn_dataset_free(&train), fnn_dataset_free(&test);
    return status;
}
