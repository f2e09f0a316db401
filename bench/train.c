/* cc -O2 -fopenmp bench/train.c -o train -lm -ldl     (make bench-train compiles peers, too)
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
    "Peers, each in a process of its own, which waits while it has no turn: for the MLPs the same\n"
    "step composed of cblas_sgemm and loops (openblas_mlp_step), with libopenblas.so.0 as it\n"
    "dispatches by itself and, as openblas-avx512, with OPENBLAS_CORETYPE=SkylakeX (where ours is\n"
    "AVX2, openblas-avx2 with Haswell), on several threads with its loops on one or on all; for\n"
    "cnn1 the step composed of oneDNN's primitives (onednn_cnn1_step) with its direct\n"
    "convolutions (direct), with those which it chooses (auto), and with the first one direct and\n"
    "the second its choice (mixed): of such ways the row is the fastest's; for all models\n"
    "PyTorch, where /usr/bin/python3 has it. make builds the two steps beside this program where\n"
    "it can. Where ours is AVX2, oneDNN and PyTorch are told to take no more.\n";

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

/* ---- peers in processes of their own: a number of steps in, the seconds they took out ----
 * Of the ways in which a peer can do it the fastest counts. */
typedef enum peer_family { OPENBLAS, OPENBLAS_CORE, ONEDNN, TORCH, FAMILIES } peer_family;

enum { PROCESSES = 8, SETTINGS = 4 };

typedef struct peer_process {
    peer_family family;
    const char *name; /* of its row; NULL: it is not there */
    const char *way;  /* what tells it from others of that name, or "" */
    pid_t pid;
    FILE *requests, *answers;
    double seconds[BENCH_ROUNDS];
} peer_process;

/* What one is started with. */
typedef struct peer_start {
    char path[600], numbers[LAYERS + 5][16];
    char *arguments[LAYERS + 8];
    int count;
    const char *settings[SETTINGS][2]; /* of its environment */
    int setting_count;
} peer_start;

/* program: named from the directory of this one. */
static void start_program(peer_start *start, const char *program)
{
    memset(start, 0, sizeof *start);
    beside(start->path, sizeof start->path, program);
    start->arguments[start->count++] = start->path;
}

static void start_number(peer_start *start, int number)
{
    char *text = start->numbers[start->count];
    snprintf(text, sizeof start->numbers[0], "%d", number);
    start->arguments[start->count++] = text;
}

static void start_setting(peer_start *start, const char *name, const char *value)
{
    if (!value) return;
    start->settings[start->setting_count][0] = name;
    start->settings[start->setting_count++][1] = value;
}

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

static void process_run(const peer_start *start, const int *requests, const int *answers,
                        int threads)
{
    char count[16];
    int i;
    snprintf(count, sizeof count, "%d", threads);
    setenv("OMP_NUM_THREADS", count, 1); /* OpenBLAS reads it, too */
    for (i = 0; i < start->setting_count; i++)
        setenv(start->settings[i][0], start->settings[i][1], 1);
    bench_unpin();
    dup2(requests[0], 0);
    dup2(answers[1], 1);
    close(requests[1]);
    close(answers[0]);
    execv(start->arguments[0], start->arguments);
    _exit(127);
}

/* Starts a peer and lets it warm up; leaves p->name NULL where that fails. */
static void process_open(peer_process *p, const char *name, const peer_start *start, int threads)
{
    int requests[2], answers[2], i;
    if (access(start->arguments[0], X_OK) || pipe(requests) || pipe(answers)) return;
    for (i = 0; i < 2; i++) { /* the ends kept here are not for those started later */
        fcntl(requests[i], F_SETFD, FD_CLOEXEC);
        fcntl(answers[i], F_SETFD, FD_CLOEXEC);
    }
    p->pid = fork();
    if (p->pid == 0) process_run(start, requests, answers, threads);
    close(requests[0]);
    close(answers[1]);
    p->name = name;
    p->requests = fdopen(requests[1], "w");
    p->answers = fdopen(answers[0], "r");
    if (!p->requests || !p->answers || process_seconds(p, 3) < 0) process_close(p);
    else bench_pin_process((long)p->pid, threads);
}

/* ---- measuring: after each of fit's epochs the limit and the peers have their turn ---- */
typedef struct measurement {
    bench_run limit;
    peer_process processes[PROCESSES];
    int process_count, threads, batch, steps;
    double ours[BENCH_ROUNDS], limits[BENCH_ROUNDS];
} measurement;

/* The threads of who had its turn still spin for a while. */
static void settle(const measurement *m)
{
    if (m->threads > 1) bench_sleep(0.035);
}

static void measure_peers(measurement *m, int round)
{
    int i;
    for (i = 0; i < m->process_count; i++) {
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
        bench_pin(m->threads);
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

/* Of each family the process with the least median, or NULL; the times of all. */
static void fastest_ways(measurement *m, turn_times *times, const peer_process **fastest)
{
    int i;
    memset(fastest, 0, FAMILIES * sizeof *fastest);
    for (i = 0; i < m->process_count; i++) {
        peer_process *p = &m->processes[i];
        const peer_process **best = &fastest[p->family];
        times[i] = times_of(p->seconds);
        if (p->name && (!*best || times[i].median < times[*best - m->processes].median)) *best = p;
    }
}

/* Whether something else ran beside one of the sides that get a row. */
static int is_disturbed(measurement *m)
{
    const turn_times limit = times_of(m->limits), ours = times_of(m->ours);
    const peer_process *fastest[FAMILIES];
    turn_times times[PROCESSES];
    int far = bench_watch_limit(1e-9 * m->limit.limit.work / limit.median) ||
              bench_far(limit.median, limit.best) || bench_far(ours.median, ours.best);
    int family;
    fastest_ways(m, times, fastest);
    for (family = 0; family < FAMILIES; family++)
        if (fastest[family]) {
            const turn_times *peer = &times[fastest[family] - m->processes];
            far |= bench_far(peer->median, peer->best);
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

/* What each process took, on stderr. */
static void tell_ways(const measurement *m, const turn_times *times)
{
    int i;
    for (i = 0; i < m->process_count; i++)
        if (m->processes[i].name)
            fprintf(stderr, "train: %s%s takes %.3f ms a step\n", m->processes[i].name,
                    m->processes[i].way, 1e3 * times[i].median / m->steps);
}

/* A row for each family of peers, or one without. */
static void report(const train_model *model, fnn_isa isa, measurement *m)
{
    const turn_times none = {0, 0}, limit = times_of(m->limits);
    const peer_process *fastest[FAMILIES];
    turn_times times[PROCESSES];
    train_result r;
    int family, rows = 0;
    r.model = model;
    r.m = m;
    r.isa = isa;
    r.ours = times_of(m->ours);
    r.limit = m->limit.limit.work / limit.median;
    r.low = bench_watch_limit(1e-9 * r.limit) || bench_far(limit.median, limit.best);
    fastest_ways(m, times, fastest);
    tell_ways(m, times);
    for (family = 0; family < FAMILIES; family++) {
        const peer_process *p = fastest[family];
        if (p) report_row(&r, p->name, times[p - m->processes]), rows++;
    }
    if (!rows) report_row(&r, NULL, none);
}

/* ---- who the peers are ---- */

/* Adds a way of a peer, if it can be started. */
static void add_process(measurement *m, peer_family family, const char *name, const char *way,
                        const peer_start *start)
{
    peer_process *p = &m->processes[m->process_count];
    p->family = family;
    p->way = way;
    process_open(p, name, start, m->threads);
    m->process_count += p->name != NULL;
}

/* On several threads it is for the timing to say who shall run the loops beside products: OpenBLAS
 * may have threads of its own, which wait for the cores while those of OpenMP spin on them. None
 * may spin for longer than settle waits, as OMP_WAIT_POLICY=active would have it. */
static void add_openblas(measurement *m, const train_model *model, peer_family family,
                         const char *name, const char *core)
{
    static const struct {
        int shared; /* loops on all threads */
        const char *wait, *way;
    } ways[] = {{0, NULL, ""},
                {1, "passive", ", loops on all threads, which sleep between them"},
                {1, NULL, ", loops on all threads, which spin for a while"}};
    const train_layer *layer;
    int i;
    for (i = 0; i < (m->threads > 1 ? 3 : 1); i++) {
        peer_start start;
        start_program(&start, "openblas_mlp_step");
        start_number(&start, m->batch);
        start_number(&start, m->threads);
        start_number(&start, ways[i].shared ? m->threads : 1);
        start_number(&start, PIXELS);
        for (layer = model->layers; layer->kind == DENSE; layer++)
            start_number(&start, layer->size);
        start_setting(&start, "OPENBLAS_CORETYPE", core);
        start_setting(&start, "OMP_WAIT_POLICY", ways[i].wait);
        add_process(m, family, name, ways[i].way, &start);
    }
}

static void add_onednn(measurement *m, fnn_isa isa)
{
    static char words[][8] = {"direct", "auto", "mixed"};
    static const char *const names[] = {"onednn-direct", "onednn-auto", "onednn-mixed"};
    int i;
    for (i = 0; i < 3; i++) {
        peer_start start;
        start_program(&start, "onednn_cnn1_step");
        start_number(&start, m->batch);
        start.arguments[start.count++] = words[i];
        start_setting(&start, "DNNL_MAX_CPU_ISA", isa == FNN_ISA_AVX2 ? "AVX2" : NULL);
        add_process(m, ONEDNN, names[i], "", &start);
    }
}

static void add_torch(measurement *m, const train_model *model, fnn_isa isa)
{
    static char python[] = "/usr/bin/python3";
    char name[16];
    peer_start start;
    start_program(&start, "../bench/peers/torch_step.py");
    start.arguments[0] = python;
    start.arguments[start.count++] = start.path;
    snprintf(name, sizeof name, "%s", model->name);
    start.arguments[start.count++] = name;
    start_number(&start, m->batch);
    start_number(&start, m->threads);
    start_setting(&start, "DNNL_MAX_CPU_ISA", isa == FNN_ISA_AVX2 ? "AVX2" : NULL);
    start_setting(&start, "ATEN_CPU_CAPABILITY", isa == FNN_ISA_AVX2 ? "avx2" : NULL);
    add_process(m, TORCH, "torch", "", &start);
}

static void add_peers(measurement *m, const train_model *model, fnn_isa isa)
{
    const char *name, *core = bench_openblas_core(isa, &name);
    if (is_dense(model)) add_openblas(m, model, OPENBLAS, "openblas", NULL);
    if (is_dense(model) && core) add_openblas(m, model, OPENBLAS_CORE, name, core);
    if (strcmp(model->name, "cnn1") == 0) add_onednn(m, isa);
    add_torch(m, model, isa);
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
    config.isa = options->isa;
    config.threads = options->threads;
    net = fnn_sequential_with(&config, SIDE, SIDE, 1);
    fnn_normalize(net, FNN_NORMALIZE_DIVIDE_255, data);
    for (layer = model->layers; layer->kind != END; layer++) add_layer(net, layer);
    result = fnn_model_error(net)->code != FNN_OK;
    m.limit.isa = result ? FNN_ISA_SCALAR : net->context.kernels->isa;
    m.limit.threads = options->threads;
    if (!result && !options->alone) add_peers(&m, model, m.limit.isa);
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
    else report(model, m.limit.isa, &m);
    for (i = 0; i < m.process_count; i++) process_close(&m.processes[i]);
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

/* Whether --only names one of the models. */
static int is_model(const char *name)
{
    char names[128] = "";
    size_t i;
    for (i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (strcmp(name, models[i].name) == 0) return 1;
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? " or " : "",
                 models[i].name);
    }
    return bench_wrong("--only", names, name);
}

int main(int argc, char **argv)
{
    int batch = 0;
    bench_options options;
    fnn_dataset data;
    size_t i;
    unsetenv("OPENBLAS_CORETYPE");
    signal(SIGPIPE, SIG_IGN); /* of a peer that has ended */
    if (bench_argument(argc, argv, "--help")) return bench_help(help);
    if (!bench_read_options(argc, argv, "--batch", &batch, &options)) return 2;
    if (options.only && !is_model(options.only)) return 2;
    if (!bench_begin("model,isa,threads,batch,images_per_s,best_images_per_s,gflops,best_gflops,"
                     "limit_percent,peer,peer_rate,peer_best_rate,ratio,best_ratio,disturbed"))
        return 1;
    data = make_data();
    for (i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (options.only && strcmp(options.only, models[i].name)) continue;
        if (run_model(&models[i], &options, &data, batch ? batch : models[i].batch)) return 1;
    }
    fnni_release(NULL, (void *)data.bytes);
    fnni_release(NULL, (void *)data.labels);
    bench_watch_end();
    return bench_end();
}
