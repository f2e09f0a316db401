/* cc -O2 -fopenmp bench/kernels.c -o kernels -lm -ldl
 * ./kernels > kernels.csv        (the readable table goes to stderr; ./kernels --help)
 * Prints each kernel's speed, how much of the machine's limit that is, and the ratio to peers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* with -std=c99 the system's headers hide fork, setenv, nanosleep, dlopen */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "bench.h"
#include "onednn.h"

static const char help[] =
    "./kernels [--only TEXT] [--isa avx512|avx2|neon|scalar] [--threads N] [--random COUNT]\n"
    "  --only TEXT     cases whose \"kernel shape\" contains TEXT\n"
    "  --isa NAME      instruction set of the library (default: the best); peers choose theirs\n"
    "  --threads N     threads of the library and of the peers (default 1)\n"
    "  --random COUNT  instead of the table: sgemm on COUNT seeded random shapes in 1..1500\n"
    "CSV on stdout, one row per case and peer; a table and the geometric mean on stderr.\n"
    "sgemm is C = A B, row-major, shape MxNxK; sgemm_tn has A transposed (as in a weight\n"
    "gradient), sgemm_nt B transposed (as in a gradient towards the input), sgemm_tt both.\n"
    "conv2d_*: images x height x width x channels - filters - kernel, stride and padding; the rate\n"
    "counts all taps, limit_percent only those that are computed (see conv_executed).\n"
    "limit_percent: of multiply-adds from registers, measured in turns with the case. limit_*\n"
    "rows: multiply-adds, and bytes read or written in each cache, on one thread.\n"
    "Peers: openblas (libopenblas.so.0 as it dispatches by itself) and openblas-avx512 (the same\n"
    "with OPENBLAS_CORETYPE=SkylakeX, in a second run since the library reads it when it loads);\n"
    "onednn (libdnnl.so.2, where its header was there too), in the layouts that it prefers.\n";

/* ---- sgemm ---- */
typedef void (*cblas_sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n, int k,
                                     float alpha, const float *a, int lda, const float *b, int ldb,
                                     float beta, float *c, int ldc);
typedef void (*set_threads_function)(int threads);

typedef struct sgemm_arguments {
    fnn_context *context;
    cblas_sgemm_function peer;
    int ta, tb, m, n, k;
    fnn_real *a, *b, *c;
} sgemm_arguments;

static void sgemm_ours(void *argument)
{
    const sgemm_arguments *g = (const sgemm_arguments *)argument;
    fnn_sgemm(g->context, g->ta, g->tb, g->m, g->n, g->k, 1, g->a, g->ta ? g->m : g->k, g->b,
              g->tb ? g->k : g->n, 0, g->c, g->n);
}

static void sgemm_openblas(void *argument)
{
    const sgemm_arguments *g = (const sgemm_arguments *)argument;
    enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
    g->peer(ROW_MAJOR, g->ta ? TRANSPOSED : PLAIN, g->tb ? TRANSPOSED : PLAIN, g->m, g->n, g->k, 1,
            (const float *)(const void *)g->a, g->ta ? g->m : g->k,
            (const float *)(const void *)g->b, g->tb ? g->k : g->n, 0, (float *)(void *)g->c, g->n);
}

/* OpenBLAS picks its kernels when it is loaded; main leaves the variable set in children only. */
static const char *peer_name(void)
{
    const char *core = getenv("OPENBLAS_CORETYPE");
    return !core ? "openblas" : strcmp(core, "Haswell") ? "openblas-avx512" : "openblas-avx2";
}

static void sgemm_prepare(bench_run *run)
{
    static sgemm_arguments g;
    const char *form = strchr(run->what->kernel, '_');
    set_threads_function set_threads =
        (set_threads_function)bench_symbol("libopenblas.so.0", "openblas_set_num_threads");
    g.context = run->context;
    g.ta = form && form[1] == 't';
    g.tb = form && form[2] == 't';
    g.m = (int)run->what->size[0];
    g.n = (int)run->what->size[1];
    g.k = (int)run->what->size[2];
    g.a = bench_reals(run, (ptrdiff_t)g.m * g.k);
    g.b = bench_reals(run, (ptrdiff_t)g.k * g.n);
    g.c = bench_reals(run, (ptrdiff_t)g.m * g.n);
    run->unit = "GFLOP/s";
    run->ours.call = sgemm_ours;
    run->ours.argument = &g;
    run->ours.work = 2.0 * g.m * g.n * g.k;
    bench_limit_fma(run);
    g.peer = (cblas_sgemm_function)bench_symbol("libopenblas.so.0", "cblas_sgemm");
    if (!g.peer || !set_threads || FNNI_REAL_IS_DOUBLE) return;
    set_threads(run->threads);
    bench_add_peer(run, peer_name(), sgemm_openblas, &g);
}

static const bench_case cases[] = {
    {"sgemm", {100, 128, 784, 0}, sgemm_prepare, NULL},
    {"sgemm", {400, 128, 784, 0}, sgemm_prepare, NULL},
    {"sgemm", {784, 128, 100, 0}, sgemm_prepare, NULL},
    {"sgemm_tn", {784, 128, 100, 0}, sgemm_prepare, NULL},
    {"sgemm", {100, 784, 128, 0}, sgemm_prepare, NULL},
    {"sgemm_nt", {100, 784, 128, 0}, sgemm_prepare, NULL},
    {"sgemm", {100, 128, 128, 0}, sgemm_prepare, NULL},
    {"sgemm", {100, 10, 128, 0}, sgemm_prepare, NULL},
    {"sgemm", {78400, 32, 9, 0}, sgemm_prepare, NULL},
    {"sgemm", {19600, 64, 288, 0}, sgemm_prepare, NULL},
    {"sgemm", {64, 64, 64, 0}, sgemm_prepare, NULL},
    {"sgemm", {128, 128, 128, 0}, sgemm_prepare, NULL},
    {"sgemm", {256, 256, 256, 0}, sgemm_prepare, NULL},
    {"sgemm", {512, 512, 512, 0}, sgemm_prepare, NULL},
    {"sgemm", {1024, 1024, 1024, 0}, sgemm_prepare, NULL},
    {"sgemm", {2048, 2048, 2048, 0}, sgemm_prepare, NULL},
};

/* Shapes of m, n, k in 1..1500 and all four forms, the same in every run. */
static void random_cases(int count, const bench_options *options, fnn_context *context)
{
    static const char *const forms[] = {"sgemm", "sgemm_tn", "sgemm_nt", "sgemm_tt"};
    int i, j;
    bench_rounds = 5;
    for (i = 0; i < count; i++) {
        bench_case random;
        memset(&random, 0, sizeof random);
        random.kernel = forms[i % 4];
        for (j = 0; j < 3; j++)
            random.size[j] = 1 + (ptrdiff_t)fnni_random_below(2026, (uint64_t)i, (uint64_t)j, 1500);
        random.prepare = sgemm_prepare;
        bench_case_run(&random, options, context);
    }
}

/* ---- convolutions ---- */

/* To add a shape: a line here. First the layers of known networks, then what lies around. */
static const char *const conv_shapes[] = {
    "100x28x28x1-32-3x3s1same",
    "100x14x14x32-64-3x3s1same",
    "100x28x28x32-32-3x3s1same",
    "100x14x14x64-64-3x3s1same",
    "100x14x14x32-64-5x5s1same",
    "50x13x13x8-8-3x3s1valid",
    "100x28x28x32-32-7x7s1same",
    "100x28x28x16-32-9x9s1same",
    "100x28x28x16-32-11x11s1same",
    "100x28x28x32-64-3x3s2same",
    "100x28x28x32-64-3x3s3same",
    "100x28x28x1-32-5x5s2valid",
    "100x32x32x3-32-3x3s1same",
    "100x32x32x3-64-7x7s2same",
    "100x14x14x64-128-3x3s1same",
    "100x7x7x128-128-3x3s1same",
    "100x14x14x64-128-1x1s1valid",
    "1x28x28x1-32-3x3s1same",
    "1x14x14x32-64-3x3s1same",
};

static void conv_ours(void *argument)
{
    const conv_arguments *c = (const conv_arguments *)argument;
    fnn_real *const *a = c->arrays;
    if (c->kernel == CONV_FORWARD)
        fnn_conv2d_forward(c->context, &c->window, c->filters, c->images, a[CONV_X], a[CONV_W],
                           a[CONV_B], a[CONV_Y]);
    else if (c->kernel == CONV_BACKWARD_DATA)
        fnn_conv2d_backward_data(c->context, &c->window, c->filters, c->images, a[CONV_Y],
                                 a[CONV_W], a[CONV_X]);
    else
        fnn_conv2d_backward_weights(c->context, &c->window, c->filters, c->images, a[CONV_X],
                                    a[CONV_Y], a[CONV_W], a[CONV_B]);
}

/* The part of the nominal multiply-adds that the limit counts. A row of taps that lies above or
 * below the image meets zeros only and need not be computed, so that out_height * kernel_height
 * row products become as many as lie within the image. Taps left and right of it are counted:
 * leaving them out would break up the rows. */
static double conv_executed(const fnn_window *w)
{
    int i, row, inside = 0;
    for (i = 0; i < w->out_height; i++)
        for (row = 0; row < w->kernel_height; row++) {
            const int at = i * w->stride_height - w->pad_top + row;
            inside += at >= 0 && at < w->height;
        }
    return (double)inside / ((double)w->out_height * w->kernel_height);
}

/* Reads a shape as help says; 1 when it was one. */
static int conv_read(const char *shape, conv_arguments *c)
{
    int height, width, channels, kernel_height, kernel_width, stride;
    char padding[8];
    if (sscanf(shape, "%dx%dx%dx%d-%d-%dx%ds%d%7s", &c->images, &height, &width, &channels,
               &c->filters, &kernel_height, &kernel_width, &stride, padding) != 9)
        return 0;
    return !fnn_window_make(&c->window, height, width, channels, kernel_height, kernel_width,
                            stride, stride, strcmp(padding, "same") ? FNN_VALID : FNN_SAME);
}

static const char *const conv_names[CONV_KERNELS] = {"conv2d_forward", "conv2d_backward_data",
                                                     "conv2d_backward_weights"};

static void conv_prepare(bench_run *run)
{
    static conv_arguments c;
    const fnn_window *w = &c.window;
    double outputs, taps;
    int i;
    memset(&c, 0, sizeof c);
    if (!conv_read(run->what->shape, &c)) {
        fprintf(stderr, "bench: %s is no shape\n", run->what->shape);
        exit(1);
    }
    for (i = 0; i < CONV_KERNELS; i++)
        if (strcmp(conv_names[i], run->what->kernel) == 0) c.kernel = i;
    c.context = run->context;
    outputs = (double)c.images * w->out_height * w->out_width * c.filters;
    taps = (double)w->kernel_height * w->kernel_width * w->channels;
    c.count[CONV_X] = (size_t)c.images * (size_t)(w->height * w->width * w->channels);
    c.count[CONV_W] = (size_t)taps * (size_t)c.filters;
    c.count[CONV_B] = (size_t)c.filters;
    c.count[CONV_Y] = (size_t)outputs;
    for (i = 0; i < CONV_ARRAYS; i++) c.arrays[i] = bench_reals(run, (ptrdiff_t)c.count[i]);
    run->unit = "GFLOP/s";
    run->ours.call = conv_ours;
    run->ours.argument = &c;
    run->ours.work = 2 * outputs * taps;
    run->executed = run->ours.work * conv_executed(w);
    bench_limit_fma(run);
    conv_ours(&c);
    onednn_peer(run, &c);
}

/* Every shape forward and backward; nothing wants the gradient towards images of one channel. */
static void conv_cases(const bench_options *options, fnn_context *context)
{
    size_t i;
    int kernel;
    for (i = 0; i < sizeof conv_shapes / sizeof conv_shapes[0]; i++)
        for (kernel = 0; kernel < CONV_KERNELS; kernel++) {
            bench_case conv;
            if (kernel == CONV_BACKWARD_DATA && strstr(conv_shapes[i], "x1-")) continue;
            memset(&conv, 0, sizeof conv);
            conv.kernel = conv_names[kernel];
            conv.shape = conv_shapes[i];
            conv.prepare = conv_prepare;
            bench_case_run(&conv, options, context);
        }
}

static int run_all(int argc, char **argv, const bench_options *options)
{
    fnn_context_config config = fnn_context_config_init();
    const char *random = bench_argument(argc, argv, "--random");
    fnn_error error;
    fnn_context *context;
    size_t i;
    config.isa = options->isa;
    config.threads = options->threads;
    context = fnn_context_create(&config, &error);
    if (!context) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (!random) bench_limit_rows(options, context->kernels->isa);
    if (random) random_cases(atoi(random), options, context);
    else
        for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
            bench_case_run(&cases[i], options, context);
    if (!random && !options->child) conv_cases(options, context);
    if (!options->child && !options->alone && context->kernels->isa == FNN_ISA_AVX512)
        bench_again(argc, argv, "OPENBLAS_CORETYPE", "SkylakeX");
    if (!options->child && !options->alone && context->kernels->isa == FNN_ISA_AVX2)
        bench_again(argc, argv, "OPENBLAS_CORETYPE", "Haswell");
    fnn_context_free(context);
    return 0;
}

int main(int argc, char **argv)
{
    bench_options options;
    if (!bench_argument(argc, argv, "--child")) unsetenv("OPENBLAS_CORETYPE");
    if (bench_argument(argc, argv, "--help") || !bench_read_options(argc, argv, &options)) {
        fputs(help, stdout);
        return 1;
    }
    if (!options.child) puts(BENCH_HEADER);
    if (run_all(argc, argv, &options)) return 1;
    if (!options.child) bench_summary();
    return 0;
}
