/* cc -O2 -fopenmp bench/kernels.c -o kernels -lm -ldl
 * ./kernels > kernels.csv        (the readable table goes to stderr; ./kernels --help)
 * Prints each kernel's speed, how much of the machine's limit that is, and the ratio to peers. */
#include "bench.h"
#include "onednn.h"

static const char help[] =
    "./kernels [--only TEXT] [--isa avx512|avx2|neon|scalar] [--threads N] [--random COUNT] "
    "[--alone]\n"
    "./kernels --peers\n"
    "  --only TEXT     cases whose \"kernel shape\" contains TEXT\n"
    "  --isa NAME      instruction set of the library (default: the best); peers choose theirs\n"
    "  --threads N     threads of the library and of the peers (default 1)\n"
    "  --random COUNT  instead of the table: sgemm on COUNT seeded random shapes in 1..1500\n"
    "  --alone         without peers\n"
    "  --peers         prints the compiler and the versions of the peers, measures nothing\n"
    "CSV on stdout, one row per case and peer; a table and geometric means on stderr. Rates and\n"
    "ratios are of medians; columns named best, in the table the second figure and those in\n"
    "parentheses, are of best times. A geometric mean takes the faster peer of each case.\n"
    "disturbed: sides whose median is more than 10 % above their best; \"limit\" also where it\n"
    "is more than 5 % below the highest so far; each after three attempts. ! in the table.\n"
    "sgemm is C = A B, row-major, shape MxNxK; sgemm_tn has A transposed (as in a weight\n"
    "gradient), sgemm_nt B transposed (as in a gradient towards the input), sgemm_tt both.\n"
    "conv2d_*: images x height x width x channels - filters - kernel, stride and padding; rates\n"
    "are nominal: they count all taps. limit, limit_percent: of multiply-adds from registers,\n"
    "measured in turns with the case. Where a convolution is direct, limit_percent counts only\n"
    "the taps that are computed (see conv_executed). Where it may be Winograd's F(4x4,3x3), that\n"
    "is for 3x3, stride 1, 16 channels and 16 filters or more, limit_percent is nominal too and\n"
    "may exceed 100; winograd_limit is the limit in nominal FLOPs: limit x 9 outputs / 36 tiles.\n"
    "limit_* rows, on one thread: multiply-adds, and bytes read or written in an array of half of\n"
    "each cache, as far as the system tells its size (of L3 at most eight times the L2), and in\n"
    "one that no cache holds.\n"
    "Peers: openblas (libopenblas.so.0 as it dispatches by itself) and openblas-avx512 (the same\n"
    "with OPENBLAS_CORETYPE=SkylakeX, in a second run since the library reads it when it loads;\n"
    "where ours is AVX2, openblas-avx2 with Haswell); onednn (libdnnl.so.2, where its header was\n"
    "there too), in the layouts that it prefers, by its direct algorithm and, as onednn-auto, by\n"
    "what it chooses where that is another one; onednn-avx2 where ours is AVX2.\n";

/* ---- sgemm ---- */
typedef void (*cblas_sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n,
                                     int k, float alpha, const float *a, int lda, const float *b,
                                     int ldb, float beta, float *c, int ldc);
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
static const char *peer_name(const bench_run *run)
{
    const char *peer;
    bench_openblas_core(run->isa, &peer);
    return getenv("OPENBLAS_CORETYPE") ? peer : "openblas";
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
    bench_add_peer(run, peer_name(run), sgemm_openblas, &g);
}

/* ---- what streams through memory once: pooling, normalisation, elementwise kernels ----
 * GB/s are bytes read and written once each, whatever the caches move beside; on one thread. The
 * limit is bench_limit_flow's. Per vector of input the formulas take, in instructions, loads and
 * stores not counted (a division is one, and counted as such besides):
 *   max_pool         2 for each compared input (compare, select), 2 more for the index of each
 *   max_pool_back    2 for each vector of dx (compare, select)
 *   average_pool     1 for each vector of x (add)
 *   moments, scale_shift, norm_*    3, 1; 3, 2 (norm: per vector of dy, with x beside it)
 *   exp 20, tanh 34, sigmoid 27, gelu 42 as their functions stand; relu 1
 *   softmax          exp's and 5: maximum, subtraction, sum, division
 *   dropout 15       the hash's 11, count, compare, scale, select; from_bytes 3
 *   sgd 3, momentum 5, adam 10 with a division and a root
 *   winograd_*       of one tile, 36 x channels: 150, 101, 125, 80, 81 and 99 for its 36 vectors */
typedef struct stream_arguments {
    const fnni_kernels *k;
    fnn_window w;
    ptrdiff_t rows, columns, n;
    fnn_real *x, *y, *z, *v; /* n each */
    fnn_real *a, *b, *c;     /* columns each */
    uint8_t *bytes;          /* n */
    fnni_step step;
} stream_arguments;
static stream_arguments stream;

#define STREAM_CALL(name, call)                             \
    static void name(void *argument)                        \
    {                                                       \
        stream_arguments *s = (stream_arguments *)argument; \
        const fnni_kernels *k = s->k;                       \
        call;                                               \
    }
STREAM_CALL(stream_max_pool, k->max_pool(&s->w, s->x, s->y, s->bytes))
STREAM_CALL(stream_max_back, k->max_pool_backward(&s->w, s->bytes, s->y, s->x))
STREAM_CALL(stream_average, k->average_pool(&s->w, s->x, s->y))
STREAM_CALL(stream_average_back, k->average_pool_backward(&s->w, s->y, s->x))
STREAM_CALL(stream_moments, k->moments(s->rows, s->columns, s->x, s->columns, s->a, s->b, s->c))
STREAM_CALL(stream_scale_shift, k->scale_shift(s->rows, s->columns, s->x, s->a, s->b, s->y))
STREAM_CALL(stream_norm_sums, k->norm_sums(s->rows, s->columns, s->x, s->y, s->a, s->a, s->b, s->c))
STREAM_CALL(stream_norm_back,
            k->norm_backward(s->rows, s->columns, s->x, s->y, s->a, s->b, s->c, s->z))
STREAM_CALL(stream_exp, k->activation(FNNI_MAP_exp, 0, s->n, s->x, s->y))
STREAM_CALL(stream_tanh, k->activation(FNNI_MAP_tanh, 0, s->n, s->x, s->y))
STREAM_CALL(stream_sigmoid, k->activation(FNNI_MAP_sigmoid, 0, s->n, s->x, s->y))
STREAM_CALL(stream_relu, k->activation(FNN_RELU, 0, s->n, s->x, s->y))
STREAM_CALL(stream_gelu, k->activation(FNN_GELU, 0, s->n, s->x, s->y))
STREAM_CALL(stream_softmax, k->softmax(s->rows, s->columns, s->x, s->y))
STREAM_CALL(stream_dropout, k->dropout(s->n, 1, 0, (fnn_real).5, s->x, s->y))
STREAM_CALL(stream_bytes, k->from_bytes(s->n, s->bytes, 0, s->a, s->b, s->y))
STREAM_CALL(stream_sgd, k->optimizer_step(FNN_SGD, s->n, &s->step, s->x, s->y, NULL, NULL))
STREAM_CALL(stream_momentum,
            k->optimizer_step(FNN_MOMENTUM, s->n, &s->step, s->x, s->y, s->z, NULL))
STREAM_CALL(stream_adam, k->optimizer_step(FNN_ADAM, s->n, &s->step, s->x, s->y, s->z, s->v))
STREAM_CALL(winograd_output, k->winograd_output(s->columns, s->x, s->columns, s->a, 4, 4, s->y,
                                                4 * s->columns, s->columns))
STREAM_CALL(winograd_pool, k->winograd_pool(s->columns, s->x, s->columns, s->a, 2, 2, s->y,
                                            s->bytes, 2 * s->columns, s->columns))
STREAM_CALL(winograd_weights,
            k->winograd_weights(s->columns, s->x, 3 * s->columns, s->columns, s->y, s->columns))
STREAM_CALL(winograd_gradient, k->winograd_gradient(s->columns, s->x, s->columns, s->y, s->columns))
#undef STREAM_CALL

/* The pixels of a tile lie one behind the other. */
static void winograd_pixels(void *argument, int delta)
{
    const stream_arguments *s = (const stream_arguments *)argument;
    const fnn_real *pixels[36];
    int i;
    for (i = 0; i < 36; i++) pixels[i] = s->x + i * s->columns;
    if (delta) s->k->winograd_delta(s->columns, pixels, s->y, s->columns);
    else s->k->winograd_input(s->columns, pixels, s->y, s->columns);
}

static void winograd_input(void *argument)
{
    winograd_pixels(argument, 0);
}

static void winograd_delta(void *argument)
{
    winograd_pixels(argument, 1);
}

/* Bytes, instructions and divisions an element of the input; pooling's are for 2 x 2 / 2. */
#define REAL ((double)sizeof(fnn_real))
static const struct stream_kernel {
    const char *name;
    void (*call)(void *argument);
    double read, write; /* reals an element */
    double bytes_read, bytes_written;
    int in_place;
    double instructions, divisions;
} stream_kernels[] = {
    {"max_pool", stream_max_pool, 1, .25, 0, .25, 0, 3, 0},
    {"max_pool_back", stream_max_back, .25, 1, .25, 0, 0, 2, 0},
    {"average_pool", stream_average, 1, .25, 0, 0, 0, 1, 0},
    {"average_back", stream_average_back, .25, 1, 0, 0, 0, .25, 0},
    {"moments", stream_moments, 1, 0, 0, 0, 0, 3, 0},
    {"scale_shift", stream_scale_shift, 1, 1, 0, 0, 0, 1, 0},
    {"norm_sums", stream_norm_sums, 2, 0, 0, 0, 0, 3, 0},
    {"norm_back", stream_norm_back, 2, 1, 0, 0, 0, 2, 0},
    {"exp", stream_exp, 1, 1, 0, 0, 0, 20, 0},
    {"tanh", stream_tanh, 1, 1, 0, 0, 0, 34, 1},
    {"sigmoid", stream_sigmoid, 1, 1, 0, 0, 0, 27, 1},
    {"relu", stream_relu, 1, 1, 0, 0, 0, 1, 0},
    {"gelu", stream_gelu, 1, 1, 0, 0, 0, 42, 1},
    {"softmax", stream_softmax, 1, 1, 0, 0, 0, 25, 1},
    {"dropout", stream_dropout, 1, 1, 0, 0, 0, 15, 0},
    {"from_bytes", stream_bytes, 0, 1, 1, 0, 0, 3, 0},
    {"step_sgd", stream_sgd, 2, 1, 0, 0, 1, 3, 0},
    {"step_momentum", stream_momentum, 3, 2, 0, 0, 1, 5, 0},
    {"step_adam", stream_adam, 4, 3, 0, 0, 1, 10, 2},
    {"winograd_input", winograd_input, 1, 1, 0, 0, 0, 150.0 / 36, 0},
    {"winograd_output", winograd_output, 1, 16.0 / 36, 0, 0, 0, 101.0 / 36, 0},
    {"winograd_pool", winograd_pool, 1, 4.0 / 36, 0, 4.0 / 36, 0, 125.0 / 36, 0},
    {"winograd_delta", winograd_delta, 16.0 / 36, 1, 0, 0, 0, 80.0 / 36, 0},
    {"winograd_weights", winograd_weights, .25, 1, 0, 0, 0, 81.0 / 36, 0},
    {"winograd_gradient", winograd_gradient, 1, .25, 0, 0, 0, 99.0 / 36, 0},
};

static void stream_step(fnni_step *step)
{
    memset(step, 0, sizeof *step);
    step->rate = (fnn_real)1e-3;
    step->gradient_scale = step->correction1 = step->correction2 = 1;
    step->momentum = step->beta1 = (fnn_real).9;
    step->beta2 = (fnn_real).999;
    step->epsilon = (fnn_real)1e-7;
}

/* The shape is (rows, columns, channels) of one image for pooling; of a matrix, rows x columns. */
static void stream_prepare(bench_run *run)
{
    const ptrdiff_t *size = run->what->size;
    const struct stream_kernel *kernel = stream_kernels;
    stream_arguments *s = &stream;
    bench_flow flow;
    ptrdiff_t i;
    while (strcmp(kernel->name, run->what->kernel) != 0) kernel++;
    s->k = run->context->kernels;
    s->rows = size[2] ? size[0] * size[1] : size[0];
    s->columns = size[2] ? size[2] : size[1];
    s->n = s->rows * s->columns;
    fnn_window_make((int)size[0], (int)size[1], size[2] ? (int)size[2] : 1, 2, 2, 2, 2, FNN_SAME,
                    &s->w);
    s->x = bench_reals(run, s->n);
    s->y = bench_reals(run, s->n);
    s->z = bench_reals(run, s->n);
    s->v = bench_reals(run, s->n);
    s->a = bench_reals(run, 3 * s->columns);
    s->b = s->a + s->columns;
    s->c = s->b + s->columns;
    s->bytes = (uint8_t *)bench_reals(run, s->n);
    for (i = 0; i < s->n; i++) s->bytes[i] = (uint8_t)(i * 7 % 4);
    if (strncmp(kernel->name, "step", 4) == 0) s->k->fill(s->n, 0, s->v); /* squares */
    stream_step(&s->step);
    flow.read = (double)s->n * (kernel->read * REAL + kernel->bytes_read);
    flow.write = (double)s->n * (kernel->write * REAL + kernel->bytes_written);
    flow.in_place = kernel->in_place;
    flow.instructions = (double)s->n / s->k->lanes * kernel->instructions;
    flow.divisions = (double)s->n / s->k->lanes * kernel->divisions;
    run->ours.call = kernel->call;
    run->ours.argument = s;
    bench_limit_flow(run, &flow);
}

/* Activations of a convolution on 28 x 28 and 14 x 14, a batch of them, a layer's weights. */
static const bench_case stream_cases[] = {
    {"max_pool", {28, 28, 32, 0}, stream_prepare, NULL},
    {"max_pool", {14, 14, 64, 0}, stream_prepare, NULL},
    {"max_pool_back", {28, 28, 32, 0}, stream_prepare, NULL},
    {"max_pool_back", {14, 14, 64, 0}, stream_prepare, NULL},
    {"average_pool", {28, 28, 32, 0}, stream_prepare, NULL},
    {"average_pool", {14, 14, 64, 0}, stream_prepare, NULL},
    {"average_back", {14, 14, 64, 0}, stream_prepare, NULL},
    {"moments", {28, 28, 32, 0}, stream_prepare, NULL},
    {"moments", {14, 14, 64, 0}, stream_prepare, NULL},
    {"moments", {28, 28, 8, 0}, stream_prepare, NULL},
    {"moments", {100, 128, 0, 0}, stream_prepare, NULL},
    {"scale_shift", {28, 28, 32, 0}, stream_prepare, NULL},
    {"scale_shift", {14, 14, 64, 0}, stream_prepare, NULL},
    {"scale_shift", {28, 28, 8, 0}, stream_prepare, NULL},
    {"scale_shift", {100, 128, 0, 0}, stream_prepare, NULL},
    {"norm_sums", {28, 28, 32, 0}, stream_prepare, NULL},
    {"norm_back", {28, 28, 32, 0}, stream_prepare, NULL},
    {"exp", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"tanh", {10, 1, 0, 0}, stream_prepare, NULL}, /* a small layer of one sample */
    {"tanh", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"sigmoid", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"gelu", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"relu", {100, 1, 0, 0}, stream_prepare, NULL},
    {"relu", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"relu", {25088, 1, 0, 0}, stream_prepare, NULL},
    {"softmax", {100, 10, 0, 0}, stream_prepare, NULL},
    {"softmax", {10, 1000, 0, 0}, stream_prepare, NULL},
    {"dropout", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"from_bytes", {78400, 1, 0, 0}, stream_prepare, NULL},
    {"step_sgd", {4096, 1, 0, 0}, stream_prepare, NULL},
    {"step_sgd", {101770, 1, 0, 0}, stream_prepare, NULL},
    {"step_momentum", {101770, 1, 0, 0}, stream_prepare, NULL},
    {"step_adam", {101770, 1, 0, 0}, stream_prepare, NULL},
    {"step_adam", {454922, 1, 0, 0}, stream_prepare, NULL},
    {"winograd_input", {36, 64, 0, 0}, stream_prepare, NULL},
    {"winograd_output", {36, 64, 0, 0}, stream_prepare, NULL},
    {"winograd_pool", {36, 64, 0, 0}, stream_prepare, NULL},
    {"winograd_delta", {36, 64, 0, 0}, stream_prepare, NULL},
    {"winograd_weights", {36, 64, 0, 0}, stream_prepare, NULL},
    {"winograd_gradient", {36, 64, 0, 0}, stream_prepare, NULL},
};

/* Nothing for the runs that measure peers only, or several threads. Here and below, context NULL:
 * the rows that --only lets through are counted alone. */
static void stream_rows(const bench_options *options, fnn_context *context)
{
    size_t i;
    if (options->child || options->threads > 1) return;
    for (i = 0; i < sizeof stream_cases / sizeof stream_cases[0]; i++)
        bench_case_run(&stream_cases[i], options, context);
}

/* Layers of networks, and squares. */
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

/* Shapes that blocks and tiles do not fit: vectors, few columns, small or odd ones, k = 1. */
static const bench_case narrow_cases[] = {
    {"sgemm", {1000, 1, 784, 0}, sgemm_prepare, NULL},
    {"sgemm_tn", {1000, 1, 784, 0}, sgemm_prepare, NULL},
    {"sgemm", {1, 1000, 784, 0}, sgemm_prepare, NULL},
    {"sgemm_nt", {1, 1000, 784, 0}, sgemm_prepare, NULL},
    {"sgemm", {1, 784, 1000, 0}, sgemm_prepare, NULL},
    {"sgemm", {100, 1, 128, 0}, sgemm_prepare, NULL},
    {"sgemm", {1000, 3, 784, 0}, sgemm_prepare, NULL},
    {"sgemm", {784, 3, 100, 0}, sgemm_prepare, NULL},
    {"sgemm", {7, 7, 7, 0}, sgemm_prepare, NULL},
    {"sgemm", {8, 8, 8, 0}, sgemm_prepare, NULL},
    {"sgemm", {16, 16, 16, 0}, sgemm_prepare, NULL},
    {"sgemm", {50, 50, 50, 0}, sgemm_prepare, NULL},
    {"sgemm", {129, 65, 33, 0}, sgemm_prepare, NULL},
    {"sgemm", {1024, 64, 1024, 0}, sgemm_prepare, NULL},
    {"sgemm", {1000, 1000, 1, 0}, sgemm_prepare, NULL},
    {"sgemm", {100, 128, 1, 0}, sgemm_prepare, NULL},
};

/* Whether a row belongs to one of the two tables. */
static int sgemm_holds(const bench_result *r, const bench_case *table, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        char shape[64];
        bench_shape(&table[i], shape, sizeof shape);
        if (!strcmp(r->kernel, table[i].kernel) && !strcmp(r->shape, shape)) return 1;
    }
    return 0;
}

static int sgemm_is_wide(const bench_result *r)
{
    return sgemm_holds(r, cases, sizeof cases / sizeof cases[0]);
}

static int sgemm_is_narrow(const bench_result *r)
{
    return sgemm_holds(r, narrow_cases, sizeof narrow_cases / sizeof narrow_cases[0]);
}

static void sgemm_rows(const bench_options *options, fnn_context *context)
{
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        bench_case_run(&cases[i], options, context);
    for (i = 0; i < sizeof narrow_cases / sizeof narrow_cases[0]; i++)
        bench_case_run(&narrow_cases[i], options, context);
}

/* Shapes of m, n, k in 1..1500 and all four forms, the same in every run. */
static void random_cases(int count, const bench_options *options, fnn_context *context)
{
    static const char *const forms[] = {"sgemm", "sgemm_tn", "sgemm_nt", "sgemm_tt"};
    int i, j;
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

/* clang-format off */
/* To add a shape: here. */
static const char *const conv_shapes[] = {
    /* 3x3 stride 1 on many channels, as inner layers have it */
    "100x28x28x16-16-3x3s1same",  "100x28x28x32-32-3x3s1same",  "100x14x14x16-32-3x3s1same",
    "100x14x14x32-64-3x3s1same",  "100x14x14x64-64-3x3s1same",  "100x14x14x64-128-3x3s1same",
    "100x7x7x128-128-3x3s1same",  "100x14x14x24-40-3x3s1same",  "100x13x13x32-32-3x3s1valid",
    "1x14x14x32-64-3x3s1same",
    /* first layers */
    "100x28x28x1-32-3x3s1same",   "100x32x32x3-32-3x3s1same",   "100x32x32x3-64-7x7s2same",
    "100x28x28x1-32-5x5s2valid",  "1x28x28x1-32-3x3s1same",
    /* other kernels, strides and few channels */
    "100x14x14x64-64-1x1s1valid", "100x14x14x64-128-1x1s1valid",
    "100x14x14x32-64-5x5s1same",  "50x13x13x8-8-3x3s1valid",    "100x28x28x32-64-5x5s2same",
    "100x28x28x32-64-3x3s2same",  "100x28x28x32-64-3x3s3same",  "100x28x28x32-32-7x7s1same",
    "100x28x28x16-32-9x9s1same",  "100x28x28x16-32-11x11s1same",
};
/* clang-format on */

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

/* The shapes for which Winograd's algorithm F(4x4,3x3) is worth it. */
static int conv_is_winograd(const fnn_window *w, int channels, int filters)
{
    return w->kernel_height == 3 && w->kernel_width == 3 && w->stride_height == 1 &&
           w->stride_width == 1 && channels >= 16 && filters >= 16;
}

/* By how much that algorithm raises the limit in nominal FLOPs. It multiplies 36 times for each
 * tile of 4 x 4 where the direct one does 9 times for each output. The gradient towards the
 * images is tiled as they are, the two others as the outputs are. */
static double conv_winograd_gain(const fnn_window *w, int kernel)
{
    const int height = kernel == CONV_BACKWARD_DATA ? w->height : w->out_height;
    const int width = kernel == CONV_BACKWARD_DATA ? w->width : w->out_width;
    const double tiles = (double)((height + 3) / 4) * ((width + 3) / 4);
    return 9.0 * w->out_height * w->out_width / (36 * tiles);
}

/* Reads a shape as help says; 1 when it was one. */
static int conv_read(const char *shape, conv_arguments *c)
{
    int height, width, channels, kernel_height, kernel_width, stride;
    char padding[8];
    if (sscanf(shape, "%dx%dx%dx%d-%d-%dx%ds%d%7s", &c->images, &height, &width, &channels,
               &c->filters, &kernel_height, &kernel_width, &stride, padding) != 9)
        return 0;
    return !fnn_window_make(height, width, channels, kernel_height, kernel_width, stride, stride,
                            strcmp(padding, "same") ? FNN_VALID : FNN_SAME, &c->window);
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
    if (conv_is_winograd(w, w->channels, c.filters))
        run->winograd = conv_winograd_gain(w, c.kernel);
    else run->executed = run->ours.work * conv_executed(w);
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

/* ---- the run ---- */
static int has_winograd_limit(const bench_result *r)
{
    return r->winograd_limit > 0;
}

#define WINOGRAD_NAME "3x3 stride 1, 16 channels and filters or more"
static const bench_group groups[] = {
    {"sgemm", "layers and squares", sgemm_is_wide},
    {"sgemm", "narrow and small", sgemm_is_narrow},
    {"sgemm", "all", NULL},
    {"conv2d_forward", WINOGRAD_NAME, has_winograd_limit},
    {"conv2d_forward", "all", NULL},
    {"conv2d_backward_data", WINOGRAD_NAME, has_winograd_limit},
    {"conv2d_backward_data", "all", NULL},
    {"conv2d_backward_weights", WINOGRAD_NAME, has_winograd_limit},
    {"conv2d_backward_weights", "all", NULL},
};

/* Who is compared, and with whom: comments for the head of a table. */
static int print_peers(void)
{
    typedef const char *(*config_function)(void);
    const config_function config =
        (config_function)bench_symbol("libopenblas.so.0", "openblas_get_config");
    char openblas[2][32] = {"", ""}, dnnl[32]; /* a configuration begins: OpenBLAS 0.3.21 ... */
    onednn_version(dnnl, sizeof dnnl);
    if (config) sscanf(config(), "%31s %31s", openblas[0], openblas[1]);
#ifdef __clang__
    printf("# compiler: clang %d.%d.%d\n", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
    printf("# compiler: gcc %d.%d.%d\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
    if (config) printf("# peer: %s %s\n", openblas[0], openblas[1]);
    if (*dnnl) printf("# peer: %s\n", dnnl);
    return bench_end();
}

static void all_rows(const bench_options *options, int random, fnn_context *context)
{
    if (random) {
        random_cases(random, options, context);
        return;
    }
    bench_limit_rows(options, context ? &context->kernels->isa : NULL);
    sgemm_rows(options, context);
    if (!options->child) conv_cases(options, context);
    stream_rows(options, context);
}

/* Whether --only leaves anything to measure; a child may have nothing. */
static int any_row(const bench_options *options, int random)
{
    if (options->child) return 1;
    all_rows(options, random, NULL);
    if (bench_chosen) return 1;
    fprintf(stderr, "on %d thread%s: ", options->threads, options->threads > 1 ? "s" : "");
    return bench_wrong("--only", "a part of a row's kernel and shape, as \"sgemm 64x64\"",
                       options->only);
}

static int run_all(int argc, char **argv, const bench_options *options, int random)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_error error;
    fnn_context *context;
    const char *core, *peer;
    int done = 1;
    /* With threads each side waits for the other's to end. */
    if (options->threads > 1 || random) bench_rounds = 5;
    config.isa = options->isa;
    config.threads = options->threads;
    context = fnn_context_create(&config, &error);
    if (!context) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    bench_watch_begin(context->kernels->isa, options->threads);
    all_rows(options, random, context);
    core = bench_openblas_core(context->kernels->isa, &peer);
    if (!options->child && !options->alone && core)
        done = bench_again(argc, argv, "OPENBLAS_CORETYPE", core);
    if (!options->child) {
        bench_summary(groups, sizeof groups / sizeof groups[0]);
        bench_watch_end();
    }
    fnn_context_free(context);
    return !done;
}

int main(int argc, char **argv)
{
    bench_options options;
    int random = 0;
    if (!bench_argument(argc, argv, "--child")) unsetenv("OPENBLAS_CORETYPE");
    if (bench_argument(argc, argv, "--help")) return bench_help(help);
    if (bench_argument(argc, argv, "--peers")) return print_peers();
    if (!bench_read_options(argc, argv, "--random", &random, &options)) return 2;
    if (!any_row(&options, random)) return 2;
    if (!options.child && !bench_begin(BENCH_HEADER)) return 1;
    if (run_all(argc, argv, &options, random)) return 1;
    return bench_end();
}
