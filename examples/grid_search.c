/* Grid search on a part of Fashion-MNIST, for a multilayer perceptron by 3-fold cross-validation
 * and for a convolutional network by a validation split; the best of each is refitted and tested.
 *
 *     cc -O2 -fopenmp examples/grid_search.c -o grid_search -lm && ./grid_search
 *
 * Prints two tables, the best first, each with a line `test accuracy: NN.NN %`, in about 20 s on
 * two cores. ./grid_search mlp.csv cnn.csv saves every figure in these files. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

/* A grid is a table of axes; a build function makes a model of one number of each. */
enum { RATE, UNITS, ACTIVATION, LAYERS };
static const double mlp_rates[] = {1e-3, 1e-2}, units[] = {32, 128}, layers[] = {1, 2};
static const double activations[] = {FNN_RELU, FNN_TANH};
static const char *const activation_names[] = {"relu", "tanh"};
static const fnn_grid_axis mlp_axes[] = {{"rate", mlp_rates, 2, NULL},
                                         {"units", units, 2, NULL},
                                         {"activation", activations, 2, activation_names},
                                         {"layers", layers, 2, NULL}};

static int build_mlp(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, t->train);
    for (int i = 0; i < (int)t->values[LAYERS]; i++)
        fnn_dense(m, (int)t->values[UNITS], (fnn_activation)t->values[ACTIVATION]);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fit->optimizer = fnn_adam(t->values[RATE]), fit->epochs = 5;
    return 0;
}

/* Numbers may also stand for rows of a table. */
static const struct {
    int filters, kernel;
    fnn_padding padding;
} stacks[] = {{8, 3, FNN_SAME}, {16, 3, FNN_SAME}, {16, 5, FNN_VALID}};
enum { STACK, OPTIMIZER, DROPOUT };
static const double stack_numbers[] = {0, 1, 2}, dropouts[] = {0, .25};
static const double optimizers[] = {FNN_ADAM, FNN_MOMENTUM};
static const char *const stack_names[] = {"8 of 3x3 same", "16 of 3x3 same", "16 of 5x5 valid"};
static const char *const optimizer_names[] = {"adam", "momentum"};
static const fnn_grid_axis cnn_axes[] = {{"filters", stack_numbers, 3, stack_names},
                                         {"optimizer", optimizers, 2, optimizer_names},
                                         {"dropout", dropouts, 2, NULL}};

static int build_cnn(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    const int s = (int)t->values[STACK];
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, t->train);
    fnn_conv2d(m, stacks[s].filters, stacks[s].kernel, stacks[s].padding, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 2 * stacks[s].filters, stacks[s].kernel, stacks[s].padding, FNN_RELU);
    fnn_max_pool2d(m, 2);
    if (t->values[DROPOUT] > 0) fnn_dropout(m, (fnn_real)t->values[DROPOUT]);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fit->optimizer = t->values[OPTIMIZER] == FNN_ADAM ? fnn_adam(2e-3) : fnn_momentum(.05, .9);
    fit->epochs = 3;
    return 0;
}

/* Prints the ten best, tests the refitted one, saves all in path, if given. */
static void search(const char *path, const fnn_dataset *part, const fnn_dataset *test,
                   const fnn_grid_axis *axes, int axis_count, const fnn_search_config *config)
{
    char text[4000];
    fnn_error error = {FNN_OK, "the test images cannot be classified"};
    fnn_metrics result;
    fnn_search found;
    if (fnn_grid_search(part, axes, axis_count, config, &found, &error) ||
        fnn_evaluate(found.model, NULL, test, &result))
        program_fail("%s", error.message);
    fnn_search_table(&found, 10, text, sizeof text);
    printf("%d candidates, %.1f s\n%stest accuracy: %.2f %%\n\n", found.count, found.seconds, text,
           100 * result.accuracy);
    if (path && fnn_search_save_csv(&found, path, &error)) program_fail("%s", error.message);
    fnn_search_free(&found);
}

int main(int argc, char **argv)
{
    fnn_dataset train, test, part, rest;
    fnn_search_config c = fnn_search_config_init();
    fnn_error error;
    program_usage("grid_search", "grid_search [MLP.csv [CNN.csv]]", argc, argv, 0, 2);
    for (int i = 1; i < argc; i++)
        if (fnn_check_writable(argv[i], &error)) program_fail("%s", error.message);
    if (argc > 2) program_apart("MLP.csv", argv[1], "CNN.csv", argv[2]);
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error) ||
        fnn_dataset_split(&train, 5000, FNN_ORDER_SHUFFLE, 1, &part, &rest, &error))
        program_fail("%s\nmake data fetches and checks all 70,000 images", error.message);
    c.verbose = 1, c.build = build_mlp, c.folds = 3;
    search(argc > 1 ? argv[1] : NULL, &part, &test, mlp_axes, 4, &c);
    c.build = build_cnn, c.folds = 0, c.validation_share = .25;
    search(argc > 2 ? argv[2] : NULL, &part, &test, cnn_axes, 3, &c);
    fnn_dataset_free(&part), fnn_dataset_free(&rest);
    return fnn_dataset_free(&train), fnn_dataset_free(&test), program_end();
}
