/* The task of bench/compare.sh in FANN: see task.h. It has neither ReLU nor softmax nor
 * cross-entropy, so the units are sigmoids and the loss is the squared error; it updates the
 * weights after each sample or after all of them, so after each here. No convolutions. */
#include "idx.h"
#include "task.h"
#include <fann.h>

static struct fann_train_data *read_set(const char *folder, const char *images, const char *labels)
{
    int count;
    unsigned char *x = idx_images(folder, images, &count), *y = idx_labels(folder, labels, &count);
    struct fann_train_data *set = fann_create_train((unsigned)count, PIXELS, CLASSES);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < PIXELS; j++) set->input[i][j] = x[PIXELS * i + j] / 255.f;
        for (int k = 0; k < CLASSES; k++) set->output[i][k] = k == y[i];
    }
    free(x);
    free(y);
    return set;
}

static int largest(const fann_type *y)
{
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
        if (y[k] > y[best]) best = k;
    return best;
}

int main(int argc, char **argv)
{
    task t = task_begin(argc, argv);
    if (t.cnn1) return 3;
    struct fann_train_data *train =
        read_set(t.folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    struct fann_train_data *test =
        read_set(t.folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    struct fann *net = fann_create_standard(3, PIXELS, 128, CLASSES);
    fann_set_activation_function_hidden(net, FANN_SIGMOID);
    fann_set_activation_function_output(net, FANN_SIGMOID);
    fann_set_train_error_function(net, FANN_ERRORFUNC_LINEAR);
    fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
    fann_set_learning_rate(net, (float)t.rate);
    srand(t.seed);
    fann_randomize_weights(net, -.1f, .1f); /* as fann_create_standard, by this seed */
    task_loaded(&t);
    for (int epoch = 0; epoch < t.epochs; epoch++) {
        fann_shuffle_train_data(train);
        fann_train_epoch(net, train);
    }
    task_trained(&t);

    const unsigned count = fann_length_train_data(test);
    long right = 0;
    for (unsigned i = 0; i < count; i++)
        right += largest(fann_run(net, test->input[i])) == largest(test->output[i]);
    task_report(&t, fann_length_train_data(train), count, right);
    fann_destroy(net);
    fann_destroy_train(train);
    fann_destroy_train(test);
    return 0;
}
