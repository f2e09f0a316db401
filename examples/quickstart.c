/* The README's lines, whole: a multilayer perceptron on Fashion-MNIST.
 *
 *     cc -O2 -fopenmp examples/quickstart.c -o quickstart -lm && ./quickstart
 *
 * Prints a line per epoch and the accuracy on the test images, about 87 %. The data are looked
 * for in $FMNIST_DIR, data/ and /usr/share/datasets/fashion-mnist (`make data` fetches them). */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

int main(void)
{
    fnn_dataset train, test;
    fnn_error error;
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) return puts(error.message), 1;
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(1e-3), c.epochs = 10, c.batch_size = 100, c.verbose = 1;
    if (fnn_fit(m, &train, &c, NULL)) return puts(fnn_model_error(m)->message), 1;
    fnn_metrics result;
    fnn_result r = fnn_evaluate(m, NULL, &test, &result);
    if (r) return puts(fnn_result_text(r)), 1;
    printf("test accuracy: %.2f %%\n", 100 * result.accuracy);

    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    return 0;
}
