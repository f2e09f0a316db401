/* Takes over a network that was trained in PyTorch: its layers stand here, its weights in a file.
 *
 *     python3 examples/import_pytorch.py build
 *     cc -O2 -fopenmp examples/import_pytorch.c -o import_pytorch -lm
 *     ./import_pytorch build/pytorch.safetensors build/pytorch.outputs
 *
 * Prints the layers, the test accuracy, which is PyTorch's, about 87 %, and, where the second file
 * is given, how far the outputs for 1000 test images are from PyTorch's: about 1e-5, the rounding
 * of numbers near 10, and the same class each time. A network of Keras comes in by the same call:
 * examples/import_keras.py. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

enum { COMPARED = 1000, CLASSES = 10 };

/* What network() is in import_pytorch.py. Strides, padding, epsilons and the scale of pixels are no
 * weights: they are said here. Flatten needs no layer before a dense one. */
static fnn_model *network(const fnn_dataset *data)
{
    const fnn_batch_norm_config norm = fnn_batch_norm_config_pytorch();
    fnn_conv2d_config conv = fnn_conv2d_config_init();
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, data);
    conv.filters = 16;
    conv.stride_height = conv.stride_width = 2;
    conv.padding = FNN_EXPLICIT, conv.pad_height = conv.pad_width = 1;
    conv.no_bias = 1;
    fnn_conv2d_with(m, &conv);
    fnn_batch_norm_with(m, &norm);
    fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 64, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_LINEAR); /* logits, which the loss takes there and here */
    return m;
}

static int class_of(const fnn_real *outputs)
{
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
        if (outputs[k] > outputs[best]) best = k;
    return best;
}

/* Compares the first outputs with those of a file; 1 where they differ by more than rounding. */
static int compare(const fnn_model *m, const fnn_dataset *test, const char *path)
{
    static fnn_real ours[COMPARED][CLASSES], theirs[COMPARED][CLASSES];
    const fnn_dataset first = fnn_dataset_images(test->bytes, NULL, COMPARED, 28, 28, 1, 0);
    double most = 0;
    int same = 0;
    FILE *file = fopen(path, "rb");
    if (!file || test->count < COMPARED || fnn_predict(m, NULL, &first, ours[0]))
        return printf("%s: not compared\n", path), 1;
    for (int i = 0; i < COMPARED; i++) {
        for (int k = 0; k < CLASSES; k++) {
            float y;
            if (fread(&y, sizeof y, 1, file) != 1) return printf("%s: too short\n", path), 1;
            theirs[i][k] = (fnn_real)y;
            most = fmax(most, fabs((double)(ours[i][k] - theirs[i][k])));
        }
        same += class_of(ours[i]) == class_of(theirs[i]);
    }
    fclose(file);
    printf("of %d images %d have the class that PyTorch gave; outputs differ by %.1g at most\n",
           COMPARED, same, most);
    return same < COMPARED || !(most < 1e-4);
}

int main(int argc, char **argv)
{
    fnn_dataset test;
    fnn_error error;
    fnn_metrics metrics;
    char text[2000];
    program_usage("import_pytorch", "import_pytorch pytorch.safetensors [pytorch.outputs]", argc,
                  argv, 1, 2);
    if (fnn_read_fashion_mnist(NULL, NULL, NULL, &test, &error)) program_fail("%s", error.message);

    fnn_model *m = network(&test);
    if (fnn_load_weights(m, argv[1], FNN_FROM_PYTORCH, NULL, 0))
        program_fail("%s", fnn_model_error(m)->message);
    fnn_summary(m, text, sizeof text);
    fputs(text, stdout);
    if (fnn_evaluate(m, NULL, &test, &metrics)) program_fail("no test accuracy");
    printf("test accuracy %.2f %%\n", 100 * metrics.accuracy);
    const int wrong = argc > 2 && compare(m, &test, argv[2]);
    fnn_model_free(m);
    fnn_dataset_free(&test);
    return program_end() || wrong;
}
