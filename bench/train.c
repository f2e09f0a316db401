/* cc -O2 -fopenmp bench/train.c -o train -lm -ldl
 * ./train > train.csv            (./train --help)
 * Prints how many images a second training takes in, whole steps: gather, forward, backward and
 * optimiser, on 60,000 images in memory. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* with -std=c99 the system's headers hide fork, setenv, nanosleep, dlopen */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "bench.h"

static const char help[] =
    "./train [--only MODEL] [--isa avx512|avx2|neon|scalar] [--threads N] [--batch N]\n"
    "  --only MODEL  one of the models below\n"
    "  --isa NAME    instruction set of the library (default: the best)\n"
    "  --threads N   threads of the library and of the peer (default 1)\n"
    "  --batch N     images a step (default 100)\n"
    "CSV on stdout: "
    "model,isa,threads,batch,images_per_s,gflops,limit_percent,peer,peer_rate,ratio\n"
    "mlp1: 784-128-10, mlp2: 784-128-128-10, ReLU, softmax cross-entropy, SGD. gflops counts the\n"
    "matrix products; limit_percent is that over multiply-adds from registers, measured in turns.\n"
    "The peer is the same step composed of cblas_sgemm (libopenblas.so.0) and plain loops, as it\n"
    "dispatches by itself and, as openblas-avx512, with OPENBLAS_CORETYPE=SkylakeX.\n";

enum { IMAGES = 60000, PIXELS = 784, LAYERS = 3, STEPS = 100, WARM_UP = 3 };

typedef struct train_model {
    const char *name;
    int widths[LAYERS + 1]; /* inputs, then units; 0 after the last */
} train_model;

static const train_model models[] = {{"mlp1", {PIXELS, 128, 10, 0}},
                                     {"mlp2", {PIXELS, 128, 128, 10}}};

static int layer_count(const train_model *model)
{
    return model->widths[LAYERS] ? LAYERS : LAYERS - 1;
}

/* FLOPs of the products per image: forward, weights' gradient, and the input's but for the first. */
static double flops(const train_model *model)
{
    double sum = 0;
    int l;
    for (l = 0; l < layer_count(model); l++)
        sum += (l ? 6.0 : 4.0) * model->widths[l] * model->widths[l + 1];
    return sum;
}

/* ---- the peer: matrix products by OpenBLAS, everything else in plain loops ---- */
typedef void (*cblas_sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n,
                                     int k, float alpha, const float *a, int lda, const float *b,
                                     int ldb, float beta, float *c, int ldc);
typedef void (*set_threads_function)(int threads);
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

typedef struct peer_step {
    const train_model *model;
    const fnn_dataset *data;
    cblas_sgemm_function sgemm;
    int batch, position;
    float *w[LAYERS], *b[LAYERS], *g[LAYERS], *y[LAYERS + 1], *d[LAYERS + 1];
} peer_step;

static void peer_forward(peer_step *p)
{
    int l, i, j;
    for (i = 0; i < p->batch; i++) {
        const int64_t image = ((int64_t)p->position * p->batch + i) * 7919 % IMAGES;
        for (j = 0; j < PIXELS; j++)
            p->y[0][i * PIXELS + j] = (float)p->data->bytes[image * PIXELS + j] * (1 / 255.f);
    }
    for (l = 0; l < layer_count(p->model); l++) {
        const int in = p->model->widths[l], out = p->model->widths[l + 1],
                  last = l == layer_count(p->model) - 1;
        p->sgemm(ROW_MAJOR, PLAIN, PLAIN, p->batch, out, in, 1, p->y[l], in, p->w[l], out, 0,
                 p->y[l + 1], out);
        for (i = 0; i < p->batch; i++)
            for (j = 0; j < out; j++) {
                const float z = p->y[l + 1][i * out + j] + p->b[l][j];
                p->y[l + 1][i * out + j] = last || z > 0 ? z : 0;
            }
    }
}

static void peer_loss(peer_step *p)
{
    const int last = layer_count(p->model), n = p->model->widths[last];
    int i, j;
    for (i = 0; i < p->batch; i++) {
        const int64_t image = ((int64_t)p->position * p->batch + i) * 7919 % IMAGES;
        const float *y = p->y[last] + i * n;
        float *d = p->d[last] + i * n, most = y[0], sum = 0;
        for (j = 1; j < n; j++) most = y[j] > most ? y[j] : most;
        for (j = 0; j < n; j++) sum += d[j] = expf(y[j] - most);
        for (j = 0; j < n; j++)
            d[j] = (d[j] / sum - (float)(p->data->labels[image] == j)) / (float)p->batch;
    }
}

static void peer_backward(peer_step *p, float rate)
{
    int l, i, j;
    for (l = layer_count(p->model) - 1; l >= 0; l--) {
        const int in = p->model->widths[l], out = p->model->widths[l + 1];
        const float *d = p->d[l + 1];
        p->sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, in, out, p->batch, 1, p->y[l], in, d, out, 0,
                 p->g[l], out);
        if (l > 0) {
            p->sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, p->batch, in, out, 1, d, out, p->w[l], out, 0,
                     p->d[l], in);
            for (i = 0; i < p->batch * in; i++) p->d[l][i] = p->y[l][i] > 0 ? p->d[l][i] : 0;
        }
        for (i = 0; i < p->batch; i++)
            for (j = 0; j < out; j++) p->b[l][j] -= rate * d[i * out + j];
        for (i = 0; i < in * out; i++) p->w[l][i] -= rate * p->g[l][i];
    }
}

static float *peer_floats(size_t count)
{
    float *x = (float *)fnni_allocate(NULL, count * sizeof *x);
    size_t i;
    if (!x) exit(1);
    for (i = 0; i < count; i++) x[i] = 0.05f * ((float)(i * 7 % 13) / 6 - 1);
    return x;
}

/* Returns 0 where OpenBLAS is absent. */
static int peer_open(peer_step *p, const train_model *model, const fnn_dataset *data, int batch,
                     int threads)
{
    set_threads_function set_threads =
        (set_threads_function)bench_symbol("libopenblas.so.0", "openblas_set_num_threads");
    int l;
    memset(p, 0, sizeof *p);
    p->sgemm = (cblas_sgemm_function)bench_symbol("libopenblas.so.0", "cblas_sgemm");
    if (!p->sgemm || !set_threads) return 0;
    set_threads(threads);
    p->model = model;
    p->data = data;
    p->batch = batch;
    for (l = 0; l <= layer_count(model); l++) {
        p->y[l] = peer_floats((size_t)batch * (size_t)model->widths[l]);
        p->d[l] = peer_floats((size_t)batch * (size_t)model->widths[l]);
        if (l == layer_count(model)) break;
        p->w[l] = peer_floats((size_t)model->widths[l] * (size_t)model->widths[l + 1]);
        p->g[l] = peer_floats((size_t)model->widths[l] * (size_t)model->widths[l + 1]);
        p->b[l] = peer_floats((size_t)model->widths[l + 1]);
    }
    return 1;
}

static void peer_close(peer_step *p)
{
    int l;
    for (l = 0; l <= LAYERS; l++) {
        fnni_release(NULL, p->y[l]);
        fnni_release(NULL, p->d[l]);
        if (l == LAYERS) break;
        fnni_release(NULL, p->w[l]);
        fnni_release(NULL, p->g[l]);
        fnni_release(NULL, p->b[l]);
    }
}

static void peer_steps(peer_step *p)
{
    int step;
    for (step = 0; step < STEPS; step++, p->position++) {
        peer_forward(p);
        peer_loss(p);
        peer_backward(p, 0.01f);
    }
}

/* ---- measuring: after each of fit's epochs of STEPS steps the limit and the peer have their turn ---- */
typedef struct measurement {
    bench_run limit;
    peer_step peer;
    int has_peer, threads;
    double ours[BENCH_ROUNDS], limits[BENCH_ROUNDS], peers[BENCH_ROUNDS];
} measurement;

static int take_turns(void *user, const fnn_epoch *epoch)
{
    measurement *m = (measurement *)user;
    const int round = epoch->epoch - 1 - WARM_UP;
    double start;
    int i;
    if (round < 0) {
        bench_pin(m->threads);
        if (m->has_peer) peer_steps(&m->peer);
        bench_pin(m->threads);
        return 0;
    }
    m->ours[round] = epoch->seconds;
    if (m->threads > 1) bench_sleep(0.035);
    m->limit.limit.call(m->limit.limit.argument);
    start = bench_now();
    for (i = 0; i < 10; i++) m->limit.limit.call(m->limit.limit.argument);
    m->limits[round] = (bench_now() - start) / 10;
    if (!m->has_peer) return 0;
    if (m->threads > 1) bench_sleep(0.035);
    start = bench_now();
    peer_steps(&m->peer);
    m->peers[round] = bench_now() - start;
    if (m->threads > 1) bench_sleep(0.035);
    return 0;
}

static double median(double *x)
{
    qsort(x, BENCH_ROUNDS, sizeof *x, bench_ascending);
    return x[BENCH_ROUNDS / 2];
}

static void report(const train_model *model, const bench_options *options, fnn_isa isa, int batch,
                   measurement *m)
{
    const double images = STEPS * batch / median(m->ours), rate = images * flops(model);
    const double limit = m->limit.limit.work / median(m->limits);
    printf("%s,%s,%d,%d,%.0f,%.1f,%.1f,", model->name, fnn_isa_name(isa), options->threads, batch,
           images, rate * 1e-9, 100 * rate / limit);
    if (m->has_peer) {
        const double peer = STEPS * batch / median(m->peers);
        printf("%s,%.0f,%.3f\n", getenv("OPENBLAS_CORETYPE") ? "openblas-avx512" : "openblas", peer,
               images / peer);
    } else
        printf(",,\n");
    fflush(stdout);
}

static int run_model(const train_model *model, const bench_options *options,
                     const fnn_dataset *data, int batch)
{
    static measurement m;
    fnn_context_config config = fnn_context_config_init();
    fnn_fit_config fit = fnn_fit_config_init();
    fnn_model *net;
    int l, result;
    config.isa = options->isa;
    config.threads = options->threads;
    net = fnn_sequential_with(&config, 28, 28, 1);
    fnn_normalize(net, FNN_NORMALIZE_DIVIDE_255, data);
    for (l = 1; l <= layer_count(model); l++)
        fnn_dense(net, model->widths[l], l == layer_count(model) ? FNN_SOFTMAX : FNN_RELU);
    memset(&m, 0, sizeof m);
    m.threads = options->threads;
    m.limit.isa = net ? net->context.kernels->isa : FNN_ISA_SCALAR;
    m.limit.threads = options->threads;
    bench_limit_fma(&m.limit);
    m.has_peer = !options->alone && peer_open(&m.peer, model, data, batch, options->threads);
    fit.optimizer = fnn_sgd((fnn_real)0.01);
    fit.batch_size = batch;
    fit.epochs = BENCH_ROUNDS + WARM_UP;
    fit.steps_per_epoch = STEPS;
    fit.callback = take_turns;
    fit.user = &m;
    result = fnn_fit(net, data, &fit, NULL) != FNN_OK;
    if (result)
        fprintf(stderr, "%s\n", fnn_model_error(net)->message);
    else
        report(model, options, m.limit.isa, batch, &m);
    peer_close(&m.peer);
    fnn_model_free(net);
    return result;
}

static fnn_dataset make_data(void)
{
    uint8_t *bytes = (uint8_t *)fnni_allocate(NULL, (size_t)IMAGES * PIXELS);
    int32_t *labels = (int32_t *)fnni_allocate(NULL, IMAGES * sizeof *labels);
    fnn_dataset data;
    size_t i;
    if (!bytes || !labels) exit(1);
    for (i = 0; i < (size_t)IMAGES * PIXELS; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (i = 0; i < IMAGES; i++) labels[i] = (int32_t)(i * 7 % 10);
    memset(&data, 0, sizeof data);
    data.count = IMAGES;
    data.height = data.width = 28;
    data.channels = 1;
    data.bytes = bytes;
    data.labels = labels;
    data.classes = 10;
    return data;
}

/* The same once more with OpenBLAS told to take its AVX-512 kernels, which it asks when it loads. */
static void run_again(char **argv, int argc)
{
    char **arguments = (char **)calloc((size_t)argc + 2, sizeof(char *));
    static char child[] = "--child";
    pid_t pid;
    if (!arguments) return;
    memcpy(arguments, argv, (size_t)argc * sizeof(char *));
    arguments[argc] = child;
    pid = fork();
    if (pid == 0) {
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
        bench_unpin();
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    free(arguments);
}

int main(int argc, char **argv)
{
    const char *batch = bench_argument(argc, argv, "--batch");
    bench_options options;
    fnn_dataset data;
    size_t i;
    if (!bench_argument(argc, argv, "--child")) unsetenv("OPENBLAS_CORETYPE");
    if (bench_argument(argc, argv, "--help") || !bench_read_options(argc, argv, &options)) {
        fputs(help, stdout);
        return 1;
    }
    if (!options.child)
        puts("model,isa,threads,batch,images_per_s,gflops,limit_percent,peer,peer_rate,ratio");
    data = make_data();
    for (i = 0; i < sizeof models / sizeof models[0]; i++)
        if (!options.only || strcmp(options.only, models[i].name) == 0)
            if (run_model(&models[i], &options, &data, batch ? atoi(batch) : 100)) return 1;
    if (!options.child && !options.alone && fnn_isa_available(FNN_ISA_AVX512) &&
        bench_symbol("libopenblas.so.0", "cblas_sgemm"))
        run_again(argv, argc);
    fnni_release(NULL, (void *)data.bytes);
    fnni_release(NULL, (void *)data.labels);
    return 0;
}
