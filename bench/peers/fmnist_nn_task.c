/* The task of bench/compare.sh in fmnist_nn: see task.h. */
#define FMNIST_NN_IMPLEMENTATION
#include "../../fmnist_nn.h"
#include "task.h"

int main(int argc, char **argv)
{
    task t = task_begin(argc, argv);
    fnn_dataset train, test;
    fnn_error error;
    if (fnn_read_fashion_mnist(t.folder, NULL, &train, &test, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    if (t.cnn1) {
        fnn_conv2d(m, 32, 3, FNN_SAME, FNN_RELU);
        fnn_max_pool2d(m, 2);
        fnn_conv2d(m, 64, 3, FNN_SAME, FNN_RELU);
        fnn_max_pool2d(m, 2);
        fnn_dense(m, 128, FNN_RELU);
    }
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_set_seed(m, t.seed); /* of the weights; the one below is of the order of images */
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_sgd(t.rate), c.epochs = t.epochs, c.batch_size = t.batch, c.seed = t.seed;
    task_loaded(&t);
    if (fnn_fit(m, &train, &c, NULL))
        return fprintf(stderr, "%s\n", fnn_model_error(m)->message), 1;
    task_trained(&t);

    fnn_context *context = fnn_context_create(NULL, &error); /* kept for all calls */
    long right = 0;
    for (int i = 0; i < test.count; i++) {
        float y[10];
        int best = 0;
        if (fnn_predict_one_bytes(m, context, test.bytes + 784 * i, y)) return 1;
        for (int k = 1; k < 10; k++)
            if (y[k] > y[best]) best = k;
        right += best == test.labels[i];
    }
    task_report(&t, train.count, test.count, right);
    fnn_context_free(context);
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    return 0;
}
