/* The kernels without a model: matrix product, softmax and exponential on plain arrays.
 *
 *     cc -O2 -fopenmp examples/kernels.c -o kernels -lm && ./kernels
 *
 * Prints a small product, softmax and exponentials of small matrices, and how fast a larger product
 * goes through each instruction set that this machine has. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

enum { SIZE = 512, REPEATS = 50 };

static void print_matrix(const char *name, const fnn_real *x, int rows, int columns)
{
    printf("%s\n", name);
    for (int i = 0; i < rows; i++, putchar('\n'))
        for (int j = 0; j < columns; j++) printf(" %8.4f", (double)x[i * columns + j]);
}

/* GFLOP/s of C = A B with all matrices SIZE x SIZE, on one thread as contexts have it. */
static double speed(fnn_context *context, const fnn_real *a, const fnn_real *b, fnn_real *c)
{
    const double start = program_seconds(1);
    for (int i = 0; i < REPEATS; i++)
        fnn_sgemm(context, 0, 0, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
    return 2.0 * SIZE * SIZE * SIZE * REPEATS / (program_seconds(1) - start) * 1e-9;
}

int main(void)
{
    static fnn_real a[SIZE * SIZE], b[SIZE * SIZE], c[SIZE * SIZE];
    const fnn_real x[2 * 3] = {1, 2, 3, 4, 5, 6}, w[3 * 2] = {1, 0, 0, 1, 1, 1};
    fnn_real y[2 * 2];

    program_name = "kernels";
    fnn_sgemm(NULL, 0, 0, 2, 2, 3, 1, x, 3, w, 2, 0, y, 2); /* y = x w */
    print_matrix("x w", y, 2, 2);
    fnn_softmax(NULL, 2, 2, y, y);
    print_matrix("softmax of its rows", y, 2, 2);
    fnn_exp(NULL, 4, x, y);
    print_matrix("e to the 1, 2, 3, 4", y, 1, 4);

    for (int i = 0; i < SIZE * SIZE; i++) a[i] = b[i] = (fnn_real)(i % 7);
    for (int isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        fnn_context_config config = fnn_context_config_init();
        config.isa = (fnn_isa)isa;
        fnn_context *context = fnn_context_create(&config, NULL); /* NULL: not on this machine */
        if (context)
            printf("%-7s %6.1f GFLOP/s\n", fnn_isa_name((fnn_isa)isa), speed(context, a, b, c));
        fnn_context_free(context);
    }
    return program_end();
}
