/* Transfer: a convolution learns its filters where there are many samples, and is frozen where
 * there are few. Images show two of five strokes somewhere in noise; a class is a pair of them.
 *
 *     cc -O2 -fopenmp examples/frozen_layer.c -o frozen_layer -lm && ./frozen_layer
 *
 * Prints the test accuracy on five new pairs, of which there are four images each: from scratch;
 * with the filters of the five old pairs, frozen; and with these at a tenth of the rate. The old
 * network's file, old_pairs.safetensors, is removed at the end. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { SIDE = 16, STROKE = 5, KINDS = 5, CLASSES = 5, OLD = 3000, FEW = 20, TEST = 1000 };
enum { ALL = OLD + FEW + TEST };

static uint8_t images[ALL][SIDE][SIDE];
static int32_t labels[ALL];

static int below(int bound) /* a small congruential generator */
{
    static uint32_t state = 1;
    return (int)(((state = state * 1664525u + 1013904223u) >> 8) % (uint32_t)bound);
}

static void draw(uint8_t image[SIDE][SIDE], int kind)
{
    const int top = below(SIDE - STROKE + 1), left = below(SIDE - STROKE + 1);
    for (int i = 0; i < STROKE; i++)
        for (int j = 0; j < STROKE; j++) {
            const int on[KINDS] = {i == 2, j == 2, i == j, i + j == 4, (i + j) % 4 == 0};
            if (on[kind]) image[top + i][left + j] = 230;
        }
}

/* Class c shows strokes c and c + 1 (mod 5) in old images, c and c + 2 in new ones: all five occur
 * in the old classes. */
static void make_images(void)
{
    for (int i = 0; i < ALL; i++) {
        const int c = labels[i] = i % CLASSES;
        for (int j = 0; j < SIDE * SIDE; j++) images[i][j / SIDE][j % SIDE] = (uint8_t)below(180);
        draw(images[i], c);
        draw(images[i], (c + (i < OLD ? 1 : 2)) % KINDS);
    }
}

static fnn_dataset part(int first, int count)
{
    return fnn_dataset_images(images[first][0], labels + first, count, SIDE, SIDE, 1, CLASSES);
}

/* path: of the old network, or NULL; factor: of the convolution's rate, 0 freezes it. */
static fnn_model *learn(fnn_dataset data, int epochs, const char *path, double factor)
{
    const fnn_dataset old = part(0, OLD);
    const char *const names[] = {"0.conv2d", NULL}; /* the dense layer starts anew */
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(5e-3), c.epochs = epochs;
    fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &old);
    const int filters = fnn_conv2d(m, 16, STROKE, FNN_VALID, FNN_RELU);
    fnn_max_pool2d(m, SIDE - STROKE + 1); /* whether a stroke is there, not where */
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    if (factor > 0) fnn_set_rate_factor(m, filters, factor);
    else fnn_set_trainable(m, filters, 0);
    if ((path && fnn_load_weights(m, path, FNN_FROM_MODEL, names, 2)) ||
        fnn_fit(m, &data, &c, NULL))
        puts(fnn_model_error(m)->message), exit(1);
    return m;
}

/* The accuracy on new classes, learned from few images. */
static double learn_new(const char *name, const char *path, double factor)
{
    const fnn_dataset test = part(OLD + FEW, TEST);
    fnn_model *m = learn(part(OLD, FEW), 150, path, factor);
    fnn_metrics result;
    if (fnn_evaluate(m, NULL, &test, &result)) puts("no evaluation"), exit(1);
    printf("%-28s test accuracy on new classes %.3f\n", name, result.accuracy);
    return fnn_model_free(m), result.accuracy;
}

int main(void)
{
    const char *path = "old_pairs.safetensors";
    fnn_error error;
    make_images();
    fnn_model *old = learn(part(0, OLD), 12, NULL, 1);
    if (fnn_save(old, path, &error)) return puts(error.message), 1;
    fnn_model_free(old);
    const double scratch = learn_new("from scratch", NULL, 1);
    const double frozen = learn_new("old filters, frozen", path, 0);
    const double slow = learn_new("a tenth as fast", path, 0.1);
    remove(path);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return frozen > scratch && slow > scratch ? 0 : 1;
}
