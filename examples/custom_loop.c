/* A training loop of one's own over the opened step: forward, loss, backward, step.
 *
 *     cc -O2 -fopenmp examples/custom_loop.c -o custom_loop -lm && ./custom_loop
 *
 * Prints the loss of every hundredth batch, the norm of its gradient, and the test accuracy. This
 * is where to sum gradients over machines, change the rate as you like, or look inside. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { BATCH = 100, EPOCHS = 3 };

static int failed(const fnn_model *m)
{
    fprintf(stderr, "%s\n", fnn_model_error(m)->message);
    return 1;
}

int main(void)
{
    fnn_dataset train, order, test;
    fnn_error error;
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) {
        fprintf(stderr, "%s\nmake data fetches and checks them\n", error.message);
        return 1;
    }

    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &train);
    fnn_dense(m, 128, FNN_TANH);
    fnn_dense(m, 10, FNN_SOFTMAX);

    fnn_fit_config config = fnn_fit_config_init(); /* fnn_step takes optimiser, penalty, clipping */
    config.optimizer = fnn_momentum(0.05, 0.9);
    config.l2 = 1e-4f;

    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        if (fnn_dataset_shuffle(&train, (uint64_t)epoch, &order, &error)) return 1;
        for (int64_t first = 0; first + BATCH <= order.count; first += BATCH) {
            int64_t samples[BATCH];
            double loss = 0, squares = 0;
            size_t parameters;
            for (int i = 0; i < BATCH; i++) samples[i] = first + i;
            if (fnn_forward(m, &order, samples, BATCH, 1) || fnn_loss(m, &loss) || fnn_backward(m))
                return failed(m);
            const fnn_real *gradients = fnn_gradients(m, &parameters);
            if (first % (100 * BATCH) == 0) {
                for (size_t i = 0; i < parameters; i++)
                    squares += (double)(gradients[i] * gradients[i]);
                printf("epoch %d  sample %5ld  loss %.4f  |gradient| %.4f\n", epoch, (long)first,
                       loss, sqrt(squares));
            }
            if (fnn_step(m, &config)) return failed(m);
        }
        config.optimizer.learning_rate *= 0.5f;
        fnn_dataset_free(&order);
    }

    fnn_metrics result;
    if (fnn_evaluate(m, NULL, &test, &result)) return 1;
    printf("test accuracy: %.2f %%\n", 100 * result.accuracy);
    fnn_model_free(m);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return 0;
}
