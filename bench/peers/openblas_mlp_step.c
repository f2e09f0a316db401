/* make build/openblas_mlp_step
 * echo 20 | build/openblas_mlp_step 100 1 1 784 128 10
 *
 * A peer of bench/train.c: the training step of a perceptron (ReLU, softmax cross-entropy, SGD),
 * its matrix products by OpenBLAS' cblas_sgemm, everything else in plain loops. Its arguments are
 * the batch, OpenBLAS' threads, the threads of the loops, and the widths of the layers. For each
 * number that it reads it takes so many steps, each on another batch gathered from 60,000 random
 * images of bytes, and prints the seconds they took. It ends at once where there is no OpenBLAS.
 *
 * Each loop marked simd is vectorised, which tests/bench.sh asks the compiler. The exponentials,
 * ten an image, are the C library's, one by one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void (*sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n, int k,
                               float alpha, const float *a, int lda, const float *b, int ldb,
                               float beta, float *c, int ldc);
typedef void (*set_threads_function)(int threads);
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
enum { IMAGES = 60000, CLASSES = 10, LAYERS = 8 };
enum { SHARED = 32768 }; /* a loop over fewer elements costs less than waking a thread */

typedef struct mlp {
    sgemm_function sgemm;
    int batch, loops, layers, widths[LAYERS + 1];
    int64_t position; /* steps so far */
    uint8_t *images;
    float *w[LAYERS], *b[LAYERS], *g[LAYERS]; /* weights, biases, the weights' gradient */
    float *y[LAYERS + 1], *d[LAYERS + 1];     /* activations, gradients towards them */
} mlp;

static int64_t image_of(const mlp *p, int i)
{
    return (p->position * p->batch + i) * 7919 % IMAGES;
}

static void gather(const mlp *p)
{
    const int pixels = p->widths[0];
    int i;
#pragma omp parallel for num_threads(p->loops)
    for (i = 0; i < p->batch; i++) {
        const uint8_t *restrict image = p->images + image_of(p, i) * pixels;
        float *restrict x = p->y[0] + (size_t)i * (size_t)pixels;
        int j;
#pragma omp simd
        for (j = 0; j < pixels; j++) x[j] = (float)image[j] * (1 / 255.f);
    }
}

/* Adds the biases; what is below least becomes that. */
static void add_biases(const mlp *p, int width, const float *restrict b, float least, float *y)
{
    int i;
#pragma omp parallel for num_threads(p->loops) if (p->batch * width >= SHARED)
    for (i = 0; i < p->batch; i++) {
        float *restrict row = y + (size_t)i * (size_t)width;
        int j;
#pragma omp simd
        for (j = 0; j < width; j++) {
            const float z = row[j] + b[j];
            row[j] = z > least ? z : least;
        }
    }
}

static void forward(const mlp *p)
{
    int l;
    for (l = 0; l < p->layers; l++) {
        const int in = p->widths[l], out = p->widths[l + 1], last = l == p->layers - 1;
        p->sgemm(ROW_MAJOR, PLAIN, PLAIN, p->batch, out, in, 1, p->y[l], in, p->w[l], out, 0,
                 p->y[l + 1], out);
        add_biases(p, out, p->b[l], last ? -INFINITY : 0, p->y[l + 1]);
    }
}

/* The gradient of the mean cross-entropy of softmax; image i is of class 7 i % 10. */
static void loss(const mlp *p)
{
    int i, j;
    for (i = 0; i < p->batch; i++) {
        const float *y = p->y[p->layers] + i * CLASSES;
        float *d = p->d[p->layers] + i * CLASSES, most = y[0], sum = 0;
        const int label = (int)(image_of(p, i) * 7 % CLASSES);
        for (j = 1; j < CLASSES; j++) most = y[j] > most ? y[j] : most;
        for (j = 0; j < CLASSES; j++) sum += d[j] = expf(y[j] - most);
        for (j = 0; j < CLASSES; j++) d[j] = (d[j] / sum - (float)(label == j)) / (float)p->batch;
    }
}

/* The gradient before ReLU, whose outputs are y. */
static void through_relu(const mlp *p, int count, const float *restrict y, float *restrict d)
{
    int i;
#pragma omp parallel for simd num_threads(p->loops) if (parallel : count >= SHARED)
    for (i = 0; i < count; i++) d[i] = y[i] > 0 ? d[i] : 0;
}

static void update_biases(const mlp *p, int width, float rate, const float *d, float *restrict b)
{
    int i, j;
    for (i = 0; i < p->batch; i++) {
        const float *restrict row = d + (size_t)i * (size_t)width;
#pragma omp simd
        for (j = 0; j < width; j++) b[j] -= rate * row[j];
    }
}

static void update_weights(const mlp *p, int count, float rate, const float *restrict g,
                           float *restrict w)
{
    int i;
#pragma omp parallel for simd num_threads(p->loops) if (parallel : count >= SHARED)
    for (i = 0; i < count; i++) w[i] -= rate * g[i];
}

static void backward(const mlp *p, float rate)
{
    int l;
    for (l = p->layers - 1; l >= 0; l--) {
        const int in = p->widths[l], out = p->widths[l + 1];
        const float *d = p->d[l + 1];
        p->sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, in, out, p->batch, 1, p->y[l], in, d, out, 0,
                 p->g[l], out);
        if (l > 0) {
            p->sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, p->batch, in, out, 1, d, out, p->w[l], out, 0,
                     p->d[l], in);
            through_relu(p, p->batch * in, p->y[l], p->d[l]);
        }
        update_biases(p, out, rate, d, p->b[l]);
        update_weights(p, in * out, rate, p->g[l], p->w[l]);
    }
}

static double seconds_of(mlp *p, int steps)
{
    struct timespec start, end;
    int step;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (step = 0; step < steps; step++, p->position++) {
        gather(p);
        forward(p);
        loss(p);
        backward(p, 0.01f);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

/* Aligned as the library's own arrays are. */
static void *memory_of(size_t bytes)
{
    void *x = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!x) exit(1);
    return x;
}

static float *floats(int rows, int columns)
{
    const size_t count = (size_t)rows * (size_t)columns;
    float *x = (float *)memory_of(count * sizeof *x);
    size_t i;
    for (i = 0; i < count; i++) x[i] = 0.05f * ((float)(i * 7 % 13) / 6 - 1);
    return x;
}

static void make(mlp *p)
{
    const size_t bytes = (size_t)IMAGES * (size_t)p->widths[0];
    size_t i;
    int l;
    p->images = (uint8_t *)memory_of(bytes);
    for (i = 0; i < bytes; i++) p->images[i] = (uint8_t)(i * 2654435761u >> 13);
    for (l = 0; l <= p->layers; l++) {
        p->y[l] = floats(p->batch, p->widths[l]);
        p->d[l] = floats(p->batch, p->widths[l]);
        if (l == p->layers) break;
        p->w[l] = floats(p->widths[l], p->widths[l + 1]);
        p->g[l] = floats(p->widths[l], p->widths[l + 1]);
        p->b[l] = floats(1, p->widths[l + 1]);
    }
}

/* Returns 0 where OpenBLAS is absent. */
static int open_blas(mlp *p, int threads)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    void *sgemm = library ? dlsym(library, "cblas_sgemm") : NULL;
    void *set = library ? dlsym(library, "openblas_set_num_threads") : NULL;
    set_threads_function set_threads;
    memcpy(&p->sgemm, &sgemm, sizeof sgemm);
    memcpy(&set_threads, &set, sizeof set);
    if (!sgemm || !set) return 0;
    set_threads(threads);
    return 1;
}

int main(int argc, char **argv)
{
    mlp p;
    int i, steps;
    memset(&p, 0, sizeof p);
    p.layers = argc - 5;
    if (p.layers < 1 || p.layers > LAYERS || atoi(argv[argc - 1]) != CLASSES) {
        fprintf(stderr, "expected BATCH THREADS THREADS-OF-LOOPS WIDTH... 10\n");
        return 2;
    }
    p.batch = atoi(argv[1]);
    p.loops = atoi(argv[3]);
    for (i = 0; i <= p.layers; i++) p.widths[i] = atoi(argv[4 + i]);
    if (!open_blas(&p, atoi(argv[2]))) return 1;
    make(&p);
    while (scanf("%d", &steps) == 1)
        if (printf("%.9f\n", seconds_of(&p, steps)) < 0 || fflush(stdout)) return 1;
    return 0;
}
