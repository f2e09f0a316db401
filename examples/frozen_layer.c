/* Transfer: a convolution learns its filters where there are many samples, and is frozen where
 * there are few. Images show two of five strokes somewhere in noise; a class is a pair of them.
 *
 *     cc -O2 -fopenmp examples/frozen_layer.c -o frozen_layer -lm && ./frozen_layer
 *
 * Prints the test accuracy on five new pairs, of which there are four images each: from scratch;
 * with the filters of the five old pairs, frozen; and with these at a tenth of the rate. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

enum { SIDE = 16, STROKE = 5, KINDS = 5, CLASSES = 10, OLD = 3000, FEW = 20, TEST = 1000 };
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

/* Class c < 5 shows strokes c and c + 1, class c >= 5 strokes c and c + 2 (mod 5): all five occur
 * in the old classes. */
static void make_images(void)
{
    for (int i = 0; i < ALL; i++) {
        const int c = labels[i] = i % 5 + (i < OLD ? 0 : 5);
        for (int j = 0; j < SIDE * SIDE; j++) images[i][j / SIDE][j % SIDE] = (uint8_t)below(180);
        draw(images[i], c % 5);
        draw(images[i], (c + (c < 5 ? 1 : 2)) % 5);
    }
}

static fnn_dataset part(int first, int count)
{
    return fnn_dataset_images(images[first][0], labels + first, count, SIDE, SIDE, 1, CLASSES);
}

/* Trains on few images of the new classes; factor: of the convolution's rate, 0 freezes it. */
static double learn_new(const char *name, int with_old, double factor)
{
    const fnn_dataset old = part(0, OLD), few = part(OLD, FEW), test = part(OLD + FEW, TEST);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_metrics result;
    c.optimizer = fnn_adam(5e-3), c.epochs = 12;
    fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &old);
    const int filters = fnn_conv2d(m, 16, STROKE, FNN_VALID, FNN_RELU);
    fnn_max_pool2d(m, SIDE - STROKE + 1); /* whether a stroke is there, not where */
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    if (with_old) fnn_fit(m, &old, &c, NULL);

    if (factor > 0) fnn_set_rate_factor(m, filters, factor);
    else fnn_set_trainable(m, filters, 0);
    c.epochs = 150;
    if (fnn_fit(m, &few, &c, NULL) || fnn_evaluate(m, NULL, &test, &result))
        puts(fnn_model_error(m)->message), exit(1);
    printf("%-28s test accuracy on new classes %.3f\n", name, result.accuracy);
    return fnn_model_free(m), result.accuracy;
}

int main(void)
{
    make_images();
    const double scratch = learn_new("from scratch", 0, 1);
    const double frozen = learn_new("old filters, frozen", 1, 0);
    const double slow = learn_new("a tenth as fast", 1, 0.1);
    if (fflush(stdout) || ferror(stdout)) return perror("stdout"), 1; /* what it printed is lost */
    return frozen > scratch && slow > scratch ? 0 : 1;
}
