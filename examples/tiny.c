/* Trains a network small enough for a microcontroller of 32 KB of flash and 8 KB of RAM.
 *
 *     cc -O2 -fopenmp examples/tiny.c -o tiny -lm
 *     ./tiny tiny.safetensors
 *
 * Convolutions of stride 2 make images small at once, so that two outputs that are needed together
 * have at most 7840 numbers, and the weights, 27,000, are spent on 7 x 7 pixels. Batch norms cost
 * nothing there: examples/export_c.c, which makes C of the file, puts them into the convolutions.
 * Its last line is `test accuracy: 91.48 %`, after three minutes on a core. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

enum { EPOCHS = 16, CLASSES = 10 };

/* Convolution, batch norm, relu. */
static void block(fnn_model *m, int filters, int stride)
{
    fnn_conv2d_config conv = fnn_conv2d_config_init();
    conv.filters = filters;
    conv.stride_height = conv.stride_width = stride;
    conv.no_bias = 1;
    fnn_conv2d_with(m, &conv);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
}

static fnn_model *network(const fnn_dataset *train)
{
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, train);
    block(m, 16, 2); /* 14 x 14 x 16 */
    block(m, 24, 1);
    block(m, 32, 2); /* 7 x 7 x 32 */
    block(m, 56, 1);
    fnn_global_average_pool2d(m);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

int main(int argc, char **argv)
{
    fnn_fit_config c = fnn_fit_config_init();
    fnn_dataset train, test;
    fnn_metrics metrics;
    char summary[3000];
    fnn_error error;
    program_usage("tiny", "tiny MODEL.safetensors, the file to be written", argc, argv, 1, 1);
    if (fnn_check_writable(argv[1], &error)) program_fail("%s", error.message);
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error))
        program_fail("%s\nmake data fetches and checks them", error.message);

    fnn_model *m = network(&train);
    fnn_summary(m, summary, sizeof summary);
    printf("%s", summary);
    c.optimizer = fnn_adam(1e-2), c.schedule = fnn_schedule_one_cycle();
    c.epochs = EPOCHS, c.batch_size = 128, c.verbose = 1;
    c.augmentation.flip = FNN_FLIP_ALTERNATING;
    if (fnn_fit(m, &train, &c, NULL) || fnn_set_names(m, &train))
        program_fail("%s", fnn_model_error(m)->message);
    if (fnn_save(m, argv[1], &error)) program_fail("%s", error.message);
    const fnn_result result = fnn_evaluate(m, NULL, &test, &metrics);
    if (result) program_fail("%s", fnn_result_text(result));
    printf("test accuracy: %.2f %%\n", 100 * metrics.accuracy);

    fnn_model_free(m), fnn_dataset_free(&train), fnn_dataset_free(&test);
    return program_end();
}
