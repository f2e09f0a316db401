/* cc -O2 -fopenmp bench/inference.c -o inference -lm
 * ./inference                    (./inference --help)
 * Prints how long the convolutional network cnn1 takes for one image and for 10,000, beside what
 * the machine would allow. */
#include "bench.h"

static const char help[] =
    "./inference [--isa avx512|avx2|neon|scalar] [--threads N] [--images N]\n"
    "  --images N  of the long row (default 10000, at most that)\n"
    "CSV on stdout:\n"
    "model,isa,threads,images,median_us,best_us,images_per_s,limit_us,limit_ratio,disturbed\n"
    "limit_us: multiply-adds of the convolutions at the rate of multiply-adds from registers, "
    "times\n"
    "the threads, and for one image the dense layers' weights (1.6 MB) at the rate at which one\n"
    "thread reads memory of that size; for many images their multiply-adds too. Both rates are "
    "the\n"
    "best of 50 rounds. limit_ratio is median_us over limit_us. Winograd's algorithm, where the\n"
    "library takes it, multiplies less often than limit_us counts. disturbed\n"
    "says ours where the median is more than 10 % above the best time. Nothing is allocated while\n"
    "the clock runs: the context is reserved.\n";

enum { IMAGES = 10000, PIXELS = 784, ROUNDS = 15 };
static const double conv_flops = 2.0 * (784 * 9 * 32 + 196 * 288 * 64);
static const double dense_weights = 3136 * 128 + 128 * 128 + 128 * 10;

static fnn_model *make_cnn1(const fnn_context_config *config)
{
    fnn_model *m = fnn_sequential_with(config, 28, 28, 1);
    fnn_conv2d(m, 32, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 64, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_seal(m);
    return m;
}

/* Seconds of a call. */
typedef struct call_times {
    double best, median;
} call_times;

/* On so many images, of ROUNDS; repeats fill some milliseconds. */
static call_times times_of(const fnn_model *m, fnn_context *context, fnn_dataset *data, int images,
                           fnn_real *outputs, int repeats)
{
    double seconds[ROUNDS];
    call_times times;
    int round, i;
    data->count = images;
    fnn_predict(m, context, data, outputs);
    for (round = 0; round < ROUNDS; round++) {
        const double start = bench_now();
        for (i = 0; i < repeats; i++) fnn_predict(m, context, data, outputs);
        seconds[round] = (bench_now() - start) / repeats;
    }
    bench_sort(seconds, ROUNDS, &times.best, &times.median);
    return times;
}

/* Multiply-adds from registers, FLOPs a second on one thread; bytes a second of an array of the
 * dense weights' size: both the best of some rounds. */
static void measure_limits(fnn_isa isa, double *flops, double *bytes)
{
    const bench_limits *limits = bench_limits_for(isa);
    const ptrdiff_t vectors = (ptrdiff_t)dense_weights / limits->lanes;
    fnn_real *x = (fnn_real *)fnni_allocate(NULL, (size_t)dense_weights * sizeof *x), sink[64];
    int round;
    *flops = *bytes = 0;
    if (!x) exit(1);
    memset(x, 0, (size_t)dense_weights * sizeof *x);
    for (round = 0; round < 50; round++) {
        double start = bench_now(), work = limits->fma(100000, sink), rate;
        rate = work / (bench_now() - start);
        if (rate > *flops) *flops = rate;
        start = bench_now();
        work = limits->read(vectors, x, sink);
        rate = work / (bench_now() - start);
        if (rate > *bytes) *bytes = rate;
    }
    fnni_release(NULL, x);
}

static void row(const fnn_context *context, int images, call_times times, double limit)
{
    char mark[24];
    bench_mark(mark, sizeof mark, bench_far(times.median, times.best), 0, 0);
    printf("cnn1,%s,%d,%d,%.2f,%.2f,%.0f,%.2f,%.3f,%s\n", fnn_isa_name(context->kernels->isa),
           context->threads, images, 1e6 * times.median, 1e6 * times.best, images / times.median,
           1e6 * limit, times.median / limit, mark);
}

int main(int argc, char **argv)
{
    bench_options options;
    fnn_context_config config = fnn_context_config_init();
    fnn_error error;
    fnn_context *context;
    fnn_dataset data;
    fnn_model *m;
    fnn_real *outputs = (fnn_real *)calloc(IMAGES * 10, sizeof *outputs);
    uint8_t *bytes = (uint8_t *)calloc(IMAGES, PIXELS);
    double flops, rate;
    call_times one, many;
    int images = IMAGES;
    size_t i;
    if (bench_argument(argc, argv, "--help")) return bench_help(help);
    if (!bench_read_options(argc, argv, "--images", &images, &options)) return 2;
    if (images > IMAGES) return fprintf(stderr, "--images: at most %d\n", IMAGES), 2;
    if (options.only || options.alone) /* which the other benches have */
        return bench_wrong("arguments", "an option of this bench",
                           options.only ? "--only" : "--alone"),
               2;
    if (!bench_begin("model,isa,threads,images,median_us,best_us,images_per_s,limit_us,limit_ratio,"
                     "disturbed"))
        return 1;
    config.isa = options.isa;
    config.threads = options.threads;
    context = fnn_context_create(&config, &error);
    if (!context) return fprintf(stderr, "%s\n", error.message), 1;
    m = make_cnn1(&config);
    if (!outputs || !bytes || fnn_reserve(m, context)) return fputs("no memory\n", stderr), 1;
    for (i = 0; i < (size_t)IMAGES * PIXELS; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    memset(&data, 0, sizeof data);
    data.height = data.width = 28;
    data.channels = 1;
    data.bytes = bytes;
    bench_watch_begin(context->kernels->isa, context->threads);
    measure_limits(context->kernels->isa, &flops, &rate);
    one = times_of(m, context, &data, 1, outputs, 50);
    row(context, 1, one,
        conv_flops / (flops * context->threads) + dense_weights * sizeof(fnn_real) / rate);
    many = times_of(m, context, &data, images, outputs, 1);
    row(context, images, many,
        images * (conv_flops + 2 * dense_weights) / (flops * context->threads));
    fnn_model_free(m);
    fnn_context_free(context);
    free(outputs);
    free(bytes);
    bench_watch_end();
    return bench_end();
}
