/* cc -O2 -fopenmp bench/train.c -o train -lm -ldl
 * ./train > train.csv            (./train --help)
 * Prints how many images a second training takes in, whole steps: gather, forward, backward and
 * optimiser, on 60,000 images in memory. A model is a line of a table; peers are measured in
 * turns with the library. */
#include "bench.h"
#include <fcntl.h>
#include <signal.h>

static const char help[] =
    "./train [--only MODEL] [--isa avx512|avx2|neon|scalar] [--threads N] [--batch N] [--alone]\n"
    "  --only MODEL  one of the models below\n"
    "  --isa NAME    instruction set of the library (default: the best)\n"
    "  --threads N   threads of the library and of the peers (default 1)\n"
    "  --batch N     images a step (default 100; jiang 50)\n"
    "  --alone       without peers\n"
    "CSV on stdout, a row for each peer:\n"
    "model,isa,threads,batch,images_per_s,best_images_per_s,gflops,best_gflops,limit_percent,\n"
    "peer,peer_rate,peer_best_rate,ratio,best_ratio,disturbed: of medians, and of best times.\n"
    "mlp1: 784-128-10, mlp2: 784-128-128-10, ReLU, softmax cross-entropy, SGD.\n"
    "cnn1: conv 3x3x32 same, pool, conv 3x3x64 same, pool, 128, 128, 10; jiang: conv 3x3x8 valid,\n"
    "pool, conv 3x3x8 valid, pool, 128, 10; cnnbn: two and two such convolutions with batch norm,\n"
    "dropout, 256, 10; all ReLU, softmax cross-entropy, Adam. gflops counts the matrix products\n"
    "and all taps of convolutions; limit_percent is that over multiply-adds from registers,\n"
    "measured in turns; where convolutions take Winograd's algorithm it may exceed 100.\n"
    "disturbed: the sides, of ours, peer and limit, whose median is more than 10 % above their\n"
    "best; limit also where it is more than 5 % below the highest so far; after three attempts.\n"
    "Peers: for the MLPs the same step composed of cblas_sgemm (libopenblas.so.0) and loops,\n"
    "as it dispatches by itself and, as openblas-avx512, with OPENBLAS_CORETYPE=SkylakeX; for\n"
    "cnn1 the step composed of oneDNN's primitives (onednn_cnn1_step, which make builds beside\n"
    "this program where it can): with its direct convolutions, with those which it chooses "
    "(auto),\n"
    "and with the first one direct and the second its choice (mixed); the row is the fastest's,\n"
    "named onednn-direct, onednn-auto or onednn-mixed; for all models PyTorch, where\n"
    "/usr/bin/python3 has it. The last two run in processes of their own, which wait while they\n"
    "have no turn.\n";

enum { IMAGES = 60000, SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, LAYERS = 3, WARM_UP = 3 };

/* ---- the models ---- */
typedef enum layer_kind { END, DENSE, SAME, VALID, POOL, NORM, DROPOUT } layer_kind;

/* Dense: units; same and valid: filters of 3x3 with that padding; dropout: percent. All are
 * followed by ReLU, the last dense one by softmax. */
typedef struct train_layer {
    layer_kind kind;
    int size;
} train_layer;

typedef struct train_model {
    const char *name;
    int batch, steps; /* images a step; steps a turn, some tens of milliseconds at least */
    train_layer layers[20];
} train_model;

/* clang-format off */
static const train_model models[] = {
    {"mlp1", 100, 100, {{DENSE, 128}, {DENSE, CLASSES}}},
    {"mlp2", 100, 100, {{DENSE, 128}, {DENSE, 128}, {DENSE, CLASSES}}},
    {"cnn1", 100, 5,
     {{SAME, 32}, {POOL, 2}, {SAME, 64}, {POOL, 2}, {DENSE, 128}, {DENSE, 128}, {DENSE, CLASSES}}},
    {"jiang", 50, 100,
     {{VALID, 8}, {POOL, 2}, {VALID, 8}, {POOL, 2}, {DENSE, 128}, {DENSE, CLASSES}}},
    {"cnnbn", 100, 3,
     {{SAME, 32}, {NORM, 0}, {SAME, 32}, {NORM, 0}, {POOL, 2}, {DROPOUT, 25},
      {SAME, 64}, {NORM, 0}, {SAME, 64}, {NORM, 0}, {POOL, 2}, {DROPOUT, 25},
      {DENSE, 256}, {NORM, 0}, {DROPOUT, 50}, {DENSE, CLASSES}}},
};
/* clang-format on */

static int is_dense(const train_model *model)
{
    return model->layers[0].kind == DENSE;
}

/* A failure shows when the model is fitted. */
static void add_layer(fnn_model *net, const train_layer *layer)
{
    const int last = layer[1].kind == END;
    switch (layer->kind) {
    case DENSE: fnn_dense(net, layer->size, last ? FNN_SOFTMAX : FNN_RELU); break;
    case SAME: fnn_conv2d(net, layer->size, 3, FNN_SAME, FNN_RELU); break;
    case VALID: fnn_conv2d(net, layer->size, 3, FNN_VALID, FNN_RELU); break;
    case POOL: fnn_max_pool2d(net, layer->size); break;
    case NORM: fnn_batch_norm(net); break;
    case DROPOUT: fnn_dropout(net, (fnn_real)layer->size / 100); break;
    case END: break;
    }
}

/* FLOPs of the products per image: forward, weights' gradient, and, but for the first layer, the
 * input's. */
static double flops(const train_model *model)
{
    int side = SIDE, channels = 1;
    double sum = 0, times = 4;
    const train_layer *layer;
    for (layer = model->layers; layer->kind != END; layer++) {
        const double inputs = (double)side * side * channels;
        if (layer->kind == POOL) side /= layer->size;
        if (layer->kind == NORM || layer->kind == DROPOUT || layer->kind == POOL) continue;
        if (layer->kind == VALID) side -= 2;
        if (layer->kind == DENSE) side = 1;
        sum += times * (layer->kind == DENSE ? inputs : 9.0 * side * side * channels) * layer->size;
        channels = layer->size;
        times = 6;
    }
    return sum;
}

/* Where a program or script of the bench is: named from the directory of this program. */
static void beside(char *path, size_t size, const char *name)
{
    char own[512];
    const ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = 0;
    if (strrchr(own, '/')) *strrchr(own, '/') = 0;
    snprintf(path, size, "%s/%s", own, name);
}

/* ---- peers in processes of their own: a number of steps in, the seconds they took out ---- */
typedef struct peer_process {
    const char *name; /* NULL: not there */
    pid_t pid;
    FILE *requests, *answers;
    double seconds[BENCH_ROUNDS];
} peer_process;

/* -1 when it has ended. */
static double process_seconds(const peer_process *p, int steps)
{
    double seconds;
    fprintf(p->requests, "%d\n", steps);
    fflush(p->requests);
    return fscanf(p->answers, "%lf", &seconds) == 1 ? seconds : -1;
}

static void process_close(peer_process *p)
{
    if (!p->name) return;
    if (p->requests) fclose(p->requests);
    if (p->answers) fclose(p->answers);
    waitpid(p->pid, NULL, 0);
    p->name = NULL;
}

static void process_start(char *const *arguments, const int *requests, const int *answers,
                          int threads)
{
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    setenv("OMP_NUM_THREADS", count, 1);
    if (threads > 1) setenv("OMP_PROC_BIND", "true", 1); /* a core each, as bench_pin */
    bench_unpin();
    dup2(requests[0], 0);
    dup2(answers[1], 1);
    close(requests[1]);
    close(answers[0]);
    execv(arguments[0], arguments);
    _exit(127);
}

/* Starts a peer and lets it warm up; leaves p->name NULL where that fails. */
static void process_open(peer_process *p, const char *name, char *const *arguments, int threads)
{
    int requests[2], answers[2], i;
    memset(p, 0, sizeof *p);
    if (access(arguments[0], X_OK) || pipe(requests) || pipe(answers)) return;
    for (i = 0; i < 2; i++) { /* the ends kept here are not for those started later */
        fcntl(requests[i], F_SETFD, FD_CLOEXEC);
        fcntl(answers[i], F_SETFD, FD_CLOEXEC);
    }
    p->pid = fork();
    if (p->pid == 0) process_start(arguments, requests, answers, threads);
    close(requests[0]);
    close(answers[1]);
    p->name = name;
    p->requests = fdopen(requests[1], "w");
    p->answers = fdopen(answers[0], "r");
    if (!p->requests || !p->answers || process_seconds(p, 3) < 0) process_close(p);
}

/* name: onednn- and the algorithm. */
static void onednn_open(peer_process *p, const char *name, int batch, int threads)
{
    char path[600], batches[16], word[16];
    char *arguments[4];
    arguments[0] = path;
    arguments[1] = batches;
    arguments[2] = word;
    arguments[3] = NULL;
    beside(path, sizeof path, "onednn_cnn1_step");
    snprintf(batches, sizeof batches, "%d", batch);
    snprintf(word, sizeof word, "%s", strchr(name, '-') + 1);
    process_open(p, name, arguments, threads);
}

static void torch_open(peer_process *p, const train_model *model, int batch, int threads)
{
    static char python[] = "/usr/bin/python3";
    char path[600], name[16], batches[16], count[16];
    char *arguments[6];
    arguments[0] = python;
    arguments[1] = path;
    arguments[2] = name;
    arguments[3] = batches;
    arguments[4] = count;
    arguments[5] = NULL;
    beside(path, sizeof path, "../bench/peers/torch_step.py");
    snprintf(name, sizeof name, "%s", model->name);
    snprintf(batches, sizeof batches, "%d", batch);
    snprintf(count, sizeof count, "%d", threads);
    process_open(p, "torch", arguments, threads);
}

/* ---- the peer: matrix products by OpenBLAS, everything else in plain loops ---- */
typedef void (*cblas_sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n,
                                     int k, float alpha, const float *a, int lda, const float *b,
                                     int ldb, float beta, float *c, int ldc);
typedef void (*set_threads_function)(int threads);
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

typedef struct peer_step {
    int layers, widths[LAYERS + 1], steps;
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
    for (l = 0; l < p->layers; l++) {
        const int in = p->widths[l], out = p->widths[l + 1], last = l == p->layers - 1;
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
    const int last = p->layers, n = p->widths[last];
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
    for (l = p->layers - 1; l >= 0; l--) {
        const int in = p->widths[l], out = p->widths[l + 1];
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

/* Returns 0 where OpenBLAS is absent, or the model is not for it. */
static int peer_open(peer_step *p, const train_model *model, const fnn_dataset *data, int batch,
                     int threads)
{
    set_threads_function set_threads =
        (set_threads_function)bench_symbol("libopenblas.so.0", "openblas_set_num_threads");
    int l;
    memset(p, 0, sizeof *p);
    p->sgemm = (cblas_sgemm_function)bench_symbol("libopenblas.so.0", "cblas_sgemm");
    if (!p->sgemm || !set_threads || !is_dense(model)) return 0;
    set_threads(threads);
    p->widths[0] = PIXELS;
    for (; model->layers[p->layers].kind == DENSE; p->layers++)
        p->widths[p->layers + 1] = model->layers[p->layers].size;
    p->steps = model->steps;
    p->data = data;
    p->batch = batch;
    for (l = 0; l <= p->layers; l++) {
        p->y[l] = peer_floats((size_t)batch * (size_t)p->widths[l]);
        p->d[l] = peer_floats((size_t)batch * (size_t)p->widths[l]);
        if (l == p->layers) break;
        p->w[l] = peer_floats((size_t)p->widths[l] * (size_t)p->widths[l + 1]);
        p->g[l] = peer_floats((size_t)p->widths[l] * (size_t)p->widths[l + 1]);
        p->b[l] = peer_floats((size_t)p->widths[l + 1]);
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
    for (step = 0; step < p->steps; step++, p->position++) {
        peer_forward(p);
        peer_loss(p);
        peer_backward(p, 0.01f);
    }
}

/* ---- measuring: after each of fit's epochs the limit and the peers have their turn ---- */
static const char *const onednn_names[] = {"onednn-direct", "onednn-auto", "onednn-mixed"};
enum { ONEDNN_WAYS = 3, TORCH = ONEDNN_WAYS, PROCESSES };

typedef struct measurement {
    bench_run limit;
    peer_step peer;
    peer_process processes[PROCESSES];
    int has_peer, threads, batch, steps;
    double ours[BENCH_ROUNDS], limits[BENCH_ROUNDS], peers[BENCH_ROUNDS];
} measurement;

/* The threads of who had its turn still spin for a while. */
static void settle(const measurement *m)
{
    if (m->threads > 1) bench_sleep(0.035);
}

static void warm_up(measurement *m)
{
    bench_pin(m->threads);
    if (m->has_peer) peer_steps(&m->peer);
    bench_pin(m->threads);
}

static void measure_peers(measurement *m, int round)
{
    int i;
    if (m->has_peer) {
        const double start = (settle(m), bench_now());
        peer_steps(&m->peer);
        m->peers[round] = bench_now() - start;
    }
    for (i = 0; i < PROCESSES; i++) {
        peer_process *p = &m->processes[i];
        if (!p->name) continue;
        settle(m);
        process_seconds(p, 1); /* wakes its threads */
        p->seconds[round] = process_seconds(p, m->steps);
        if (p->seconds[round] < 0) {
            fprintf(stderr, "train: %s has ended\n", p->name);
            process_close(p);
        }
    }
    settle(m);
}

static int take_turns(void *user, const fnn_epoch *epoch)
{
    measurement *m = (measurement *)user;
    const int round = epoch->epoch - 1 - WARM_UP;
    double start;
    int i;
    if (round < 0) {
        warm_up(m);
        return 0;
    }
    m->ours[round] = epoch->seconds;
    settle(m);
    m->limit.limit.call(m->limit.limit.argument);
    start = bench_now();
    for (i = 0; i < 10; i++) m->limit.limit.call(m->limit.limit.argument);
    m->limits[round] = (bench_now() - start) / 10;
    measure_peers(m, round);
    return 0;
}

/* Seconds of a turn. */
typedef struct turn_times {
    double best, median;
} turn_times;

static turn_times times_of(double *seconds)
{
    turn_times t;
    bench_sort(seconds, BENCH_ROUNDS, &t.best, &t.median);
    return t;
}

/* What the library did, for a row of each peer. */
typedef struct train_result {
    const train_model *model;
    const measurement *m;
    turn_times ours;
    double limit; /* FLOPs a second */
    int low;      /* it was disturbed */
    fnn_isa isa;
} train_result;

/* name: NULL without a peer. */
static void report_row(const train_result *r, const char *name, turn_times peer)
{
    const double images = r->m->steps * r->m->batch, work = images * flops(r->model);
    char mark[24];
    printf("%s,%s,%d,%d,%.0f,%.0f,%.1f,%.1f,%.1f,", r->model->name, fnn_isa_name(r->isa),
           r->m->threads, r->m->batch, images / r->ours.median, images / r->ours.best,
           1e-9 * work / r->ours.median, 1e-9 * work / r->ours.best,
           100 * work / r->ours.median / r->limit);
    if (name)
        printf("%s,%.0f,%.0f,%.3f,%.3f,", name, images / peer.median, images / peer.best,
               peer.median / r->ours.median, peer.best / r->ours.best);
    else printf(",,,,,");
    bench_mark(mark, sizeof mark, bench_far(r->ours.median, r->ours.best),
               name && bench_far(peer.median, peer.best), r->low);
    printf("%s\n", mark);
    fflush(stdout);
}

/* Whether something else ran beside one of the sides. */
static int is_disturbed(measurement *m)
{
    const turn_times limit = times_of(m->limits), ours = times_of(m->ours);
    int far = bench_watch_limit(1e-9 * m->limit.limit.work / limit.median) ||
              bench_far(limit.median, limit.best) || bench_far(ours.median, ours.best);
    int i;
    if (m->has_peer) {
        const turn_times peer = times_of(m->peers);
        far |= bench_far(peer.median, peer.best);
    }
    for (i = 0; i < PROCESSES; i++) {
        const turn_times peer = times_of(m->processes[i].seconds);
        far |= m->processes[i].name && bench_far(peer.median, peer.best);
    }
    return far;
}

/* Trains, and takes turns with the peers meanwhile; up to three times while it is disturbed. */
static int measure(measurement *m, fnn_model *net, const fnn_dataset *data, fnn_fit_config *fit)
{
    int i, result = 0;
    fit->callback = take_turns;
    fit->user = m;
    for (i = 0; i < 3 && !result && (i == 0 || is_disturbed(m)); i++)
        result = fnn_fit(net, data, fit, NULL) != FNN_OK;
    return result;
}

/* Of oneDNN's ways only the fastest gets a row; what they took is told on stderr. */
static void keep_fastest(measurement *m, const turn_times *times)
{
    int fastest = -1, i;
    for (i = 0; i < ONEDNN_WAYS; i++) {
        if (!m->processes[i].name) continue;
        fprintf(stderr, "train: %s takes %.3f ms a step\n", m->processes[i].name,
                1e3 * times[i].median / m->steps);
        if (fastest < 0 || times[i].median < times[fastest].median) fastest = i;
    }
    for (i = 0; i < ONEDNN_WAYS; i++)
        if (i != fastest) process_close(&m->processes[i]);
}

/* A row for each peer, or one without. */
static void report(const train_model *model, fnn_isa isa, measurement *m, int child)
{
    const turn_times none = {0, 0}, limit = times_of(m->limits);
    turn_times times[PROCESSES];
    train_result r;
    int i, rows = 0;
    r.model = model;
    r.m = m;
    r.isa = isa;
    r.ours = times_of(m->ours);
    r.limit = m->limit.limit.work / limit.median;
    r.low = bench_watch_limit(1e-9 * r.limit) || bench_far(limit.median, limit.best);
    if (m->has_peer) {
        const char *core = getenv("OPENBLAS_CORETYPE");
        report_row(&r, core ? "openblas-avx512" : "openblas", times_of(m->peers));
        rows++;
    }
    for (i = 0; i < PROCESSES; i++) times[i] = times_of(m->processes[i].seconds);
    keep_fastest(m, times);
    for (i = 0; i < PROCESSES; i++)
        if (m->processes[i].name) report_row(&r, m->processes[i].name, times[i]), rows++;
    if (!rows && !child) report_row(&r, NULL, none);
}

static void open_peers(measurement *m, const train_model *model, const bench_options *options,
                       const fnn_dataset *data)
{
    int i;
    if (options->alone) return;
    m->has_peer = peer_open(&m->peer, model, data, m->batch, m->threads);
    if (options->child) return;
    for (i = 0; i < ONEDNN_WAYS && strcmp(model->name, "cnn1") == 0; i++)
        onednn_open(&m->processes[i], onednn_names[i], m->batch, m->threads);
    torch_open(&m->processes[TORCH], model, m->batch, m->threads);
}

static int run_model(const train_model *model, const bench_options *options,
                     const fnn_dataset *data, int batch)
{
    static measurement m;
    fnn_context_config config = fnn_context_config_init();
    fnn_fit_config fit = fnn_fit_config_init();
    const train_layer *layer;
    fnn_model *net;
    int i, result;
    memset(&m, 0, sizeof m);
    m.threads = options->threads;
    m.batch = batch;
    m.steps = model->steps;
    open_peers(&m, model, options, data); /* before this process has threads of its own */
    config.isa = options->isa;
    config.threads = options->threads;
    net = fnn_sequential_with(&config, SIDE, SIDE, 1);
    fnn_normalize(net, FNN_NORMALIZE_DIVIDE_255, data);
    for (layer = model->layers; layer->kind != END; layer++) add_layer(net, layer);
    result = fnn_model_error(net)->code != FNN_OK;
    m.limit.isa = result ? FNN_ISA_SCALAR : net->context.kernels->isa;
    m.limit.threads = options->threads;
    if (!result) {
        bench_watch_begin(m.limit.isa, options->threads);
        bench_limit_fma(&m.limit);
    }
    fit.optimizer = is_dense(model) ? fnn_sgd(0.01) : fnn_adam(1e-3);
    fit.batch_size = batch;
    fit.epochs = BENCH_ROUNDS + WARM_UP;
    fit.steps_per_epoch = model->steps;
    result = result || measure(&m, net, data, &fit);
    if (result) fprintf(stderr, "%s\n", fnn_model_error(net)->message);
    else report(model, m.limit.isa, &m, options->child);
    peer_close(&m.peer);
    for (i = 0; i < PROCESSES; i++) process_close(&m.processes[i]);
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
    data.height = data.width = SIDE;
    data.channels = 1;
    data.bytes = bytes;
    data.labels = labels;
    data.classes = 10;
    return data;
}

/* The same once more with OpenBLAS told to take its AVX-512 kernels, which it asks as it loads. */
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

static int is_model(const char *name)
{
    size_t i;
    for (i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(name, models[i].name) == 0) return 1;
    return 0;
}

int main(int argc, char **argv)
{
    int batch = 0;
    bench_options options;
    fnn_dataset data;
    size_t i;
    if (!bench_argument(argc, argv, "--child")) unsetenv("OPENBLAS_CORETYPE");
    signal(SIGPIPE, SIG_IGN); /* of a peer that has ended */
    if (bench_argument(argc, argv, "--help")) return fputs(help, stdout) < 0;
    if (!bench_read_options(argc, argv, "--batch", &batch, &options)) return 2;
    if (options.only && !is_model(options.only)) {
        fprintf(stderr, "--only %s: no model of that name; --help lists them\n", options.only);
        return 2;
    }
    if (!options.child &&
        !bench_begin("model,isa,threads,batch,images_per_s,best_images_per_s,gflops,best_gflops,"
                     "limit_percent,peer,peer_rate,peer_best_rate,ratio,best_ratio,disturbed"))
        return 1;
    data = make_data();
    for (i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (options.only && strcmp(options.only, models[i].name)) continue;
        if (options.child && !is_dense(&models[i])) continue; /* what OpenBLAS is no peer of */
        if (run_model(&models[i], &options, &data, batch ? batch : models[i].batch)) return 1;
    }
    if (!options.child && !options.alone && fnn_isa_available(FNN_ISA_AVX512) &&
        bench_symbol("libopenblas.so.0", "cblas_sgemm"))
        run_again(argv, argc);
    fnni_release(NULL, (void *)data.bytes);
    fnni_release(NULL, (void *)data.labels);
    bench_watch_end();
    return bench_end();
}
