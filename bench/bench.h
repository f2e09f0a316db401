/* The bench harness: a bench is a table of cases, each a kernel and a size with a function that
 * prepares it. For every case the library, its peers and the machine's own limit are timed in
 * turns within the same run, and medians compared. Peers are opened at run time and left out
 * where they are absent.
 *
 * A machine that others use too is slower at times. So each row has the best time beside the
 * median one, and the ratio of both; and a row during which something else ran is marked
 * (see "disturbance").
 *
 * CSV on stdout, one row per case and peer, its columns in BENCH_HEADER, and a readable table on
 * stderr at the end. Include first: the library comes from here, with limits.h in each of its
 * passes. */
#ifndef BENCH_H
#define BENCH_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* with -std=c99 the system's headers hide fork, setenv, nanosleep, dlopen */
#endif
#define FMNIST_NN_IMPLEMENTATION
#define FNNI_MORE "bench/limits.h"
#include "../fmnist_nn.h"
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function" /* each bench takes what it needs */
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- time ---- */
static double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench_sleep(double seconds)
{
    struct timespec t;
    t.tv_sec = 0;
    t.tv_nsec = (long)(seconds * 1e9);
    nanosleep(&t, NULL);
}

static int bench_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- the machine's limits: limits.h, compiled in each pass of the library ---- */
static const bench_limits *bench_limits_for(fnn_isa isa)
{
#define BENCH_LIMITS(name, word, machine) FNNI_BUILT_##word(fnni_limits_##word),
    static const bench_limits *const tables[] = {NULL, FNN_ISA_LIST(BENCH_LIMITS)};
#undef BENCH_LIMITS
    return tables[isa];
}

/* ---- cases and runs ---- */
#define BENCH_PEERS 4
#define BENCH_ROUNDS 15
static int bench_rounds = BENCH_ROUNDS; /* fewer for long tables, odd for a median */
#define BENCH_SIDES (BENCH_PEERS + 2)

/* One of the contestants: the library, a peer, or the limit. */
typedef struct bench_side {
    const char *name;
    void (*call)(void *argument); /* NULL: absent */
    void *argument;
    double work; /* of one call, in the unit's numerator (FLOPs, bytes) */
    double seconds[BENCH_ROUNDS];
    double median, best; /* seconds a call */
} bench_side;

typedef struct bench_case bench_case;
typedef struct bench_run {
    const bench_case *what;
    fnn_context *context;
    fnn_isa isa;
    int threads;
    char shape[64];
    const char *unit; /* "GFLOP/s" or "GB/s" */
    bench_side ours, limit, peers[BENCH_PEERS];
    int peer_count;
    double executed;  /* what the limit counts of ours.work; 0: all of it */
    double winograd;  /* by how much Winograd's algorithm raises the limit; 0: it is not for this */
    void *memory[16]; /* what prepare allocated with bench_reals; freed after the case */
    int memory_count;
} bench_run;

/* To add a row: one of these in the bench's table. */
struct bench_case {
    const char *kernel;
    ptrdiff_t size[4]; /* what it means is prepare's to say */
    void (*prepare)(bench_run *run);
    const char *shape; /* NULL: the first three sizes, as 2x3x4 */
};

typedef struct bench_options {
    const char *only; /* part of "kernel shape", or NULL */
    fnn_isa isa;
    int threads;
    int child; /* run by another bench for the peer that needs an environment of its own */
    int alone; /* without peers */
} bench_options;

/* ---- memory and peers ---- */

/* count reals of small integers, so that every side's sums are the same and never denormal. */
static fnn_real *bench_reals(bench_run *run, ptrdiff_t count)
{
    fnn_real *x = (fnn_real *)fnni_allocate(NULL, (size_t)count * sizeof(fnn_real) + 64);
    ptrdiff_t i;
    if (!x || run->memory_count == 16) {
        fprintf(stderr, "bench: no memory for %ld reals\n", (long)count);
        exit(1);
    }
    for (i = 0; i < count; i++) x[i] = (fnn_real)((i * 7 + i / 61) % 11 - 5);
    run->memory[run->memory_count++] = x;
    return x;
}

static bench_side *bench_add_peer(bench_run *run, const char *name, void (*call)(void *),
                                  void *argument)
{
    bench_side *side = &run->peers[run->peer_count++];
    side->name = name;
    side->call = call;
    side->argument = argument;
    side->work = run->ours.work;
    return side;
}

/* A function of a shared library, or NULL. The copy is ISO C's way from object to function. */
typedef void (*bench_function)(void);
static bench_function bench_symbol(const char *library, const char *symbol)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *address = handle ? dlsym(handle, symbol) : NULL;
    bench_function function;
    memcpy(&function, &address, sizeof function);
    return address ? function : NULL;
}

/* The limit most cases have: multiply-adds from registers on every thread, about 0.2 ms. */
typedef struct bench_fma {
    const bench_limits *limits;
    ptrdiff_t count;
    int threads;
    double work;
} bench_fma;
static bench_fma bench_fma_argument;

static void bench_fma_part(void *argument, int part, int parts)
{
    const bench_fma *fma = (const bench_fma *)argument;
    fnn_real sink[64];
    (void)part, (void)parts;
    fma->limits->fma(fma->count, sink);
}

static void bench_fma_call(void *argument)
{
    bench_fma *fma = (bench_fma *)argument;
    fnni_parallel(fma->threads, bench_fma_part, fma);
}

static void bench_limit_fma(bench_run *run)
{
    fnn_real sink[64];
    bench_fma *fma = &bench_fma_argument;
    fma->limits = bench_limits_for(run->isa);
    fma->threads = run->threads;
    fma->count = 200000;
    run->limit.call = bench_fma_call;
    run->limit.argument = fma;
    run->limit.work = fma->limits->fma(1, sink) * (double)fma->count * run->threads;
}

/* The limit of what streams through memory once on one thread: the slowest of
 *   - reading as many bytes and writing as many, in arrays as large, with no arithmetic to speak of
 *   - issuing its instructions: multiply-adds and additions from registers in turns
 *   - its divisions and square roots
 * each measured as the case begins; the slowest one is then timed in turns with the case. */
typedef struct bench_flow {
    const char *name;
    double read, write;             /* bytes a call */
    int in_place;                   /* what is written has just been read */
    double instructions, divisions; /* vectors of them a call */
} bench_flow;

typedef struct bench_flow_limit {
    const bench_limits *limits;
    ptrdiff_t blocks, in, out, next, count;
    fnn_real *x, *y;
} bench_flow_limit;
static bench_flow_limit bench_flow_argument;

static void bench_stream_call(void *argument)
{
    const bench_flow_limit *f = (const bench_flow_limit *)argument;
    fnn_real sink[64];
    f->limits->stream(f->blocks, f->in, f->x, f->out, f->y, f->next, sink);
}

static void bench_mix_call(void *argument)
{
    const bench_flow_limit *f = (const bench_flow_limit *)argument;
    fnn_real sink[64];
    f->limits->mix(f->count, sink);
}

static void bench_divide_call(void *argument)
{
    const bench_flow_limit *f = (const bench_flow_limit *)argument;
    fnn_real sink[64];
    f->limits->divide(f->count, sink);
}

/* The best of five runs of about 50 us, in seconds a call. */
static double bench_quick(void (*call)(void *argument), void *argument)
{
    double best = 1;
    int round, i, repeats = 1;
    for (round = 0; round < 5;) {
        const double start = bench_now();
        double seconds;
        for (i = 0; i < repeats; i++) call(argument);
        seconds = bench_now() - start;
        if (seconds < 5e-5) {
            repeats *= 2;
            continue;
        }
        if (seconds / repeats < best) best = seconds / repeats;
        round++;
    }
    return best;
}

/* Sets the case's work and its limit. */
static void bench_limit_flow(bench_run *run, const bench_flow *flow)
{
    bench_flow_limit *f = &bench_flow_argument;
    const double vector = (double)bench_limits_for(run->isa)->lanes * sizeof(fnn_real);
    void (*calls[3])(void *) = {bench_stream_call, bench_mix_call, bench_divide_call};
    double vectors[3], done[3], worst = 0;
    int i;
    run->unit = "GB/s";
    run->ours.work = flow->read + flow->write;
    f->limits = bench_limits_for(run->isa);
    f->count = 2000;
    f->out = flow->write > 0 ? 4 : 0; /* blocks of four vectors written, or of 16 read */
    f->in = flow->write > 0 ? (ptrdiff_t)(4 * flow->read / flow->write + .5) : 16;
    f->blocks = (ptrdiff_t)((flow->read + flow->write) / vector) / (f->in + f->out);
    f->next = (flow->in_place ? f->in : f->out) * f->limits->lanes;
    f->x = bench_reals(run, (f->blocks * f->in + 64) * f->limits->lanes);
    f->y = flow->in_place ? f->x : bench_reals(run, (f->blocks * f->out + 64) * f->limits->lanes);
    vectors[0] = (flow->read + flow->write) / vector;
    done[0] = (double)(f->blocks * (f->in + f->out));
    vectors[1] = flow->instructions;
    vectors[2] = flow->divisions;
    done[1] = done[2] = 12.0 * (double)f->count;
    for (i = 0; i < 3; i++) {
        const double seconds = bench_quick(calls[i], f) * vectors[i] / done[i];
        if (seconds <= worst) continue;
        worst = seconds;
        run->limit.call = calls[i];
        run->limit.argument = f;
        run->limit.work = run->ours.work * done[i] / vectors[i];
    }
}

/* ---- timing ---- */

/* Ties a process' first thread to the first core and the others to one of the other cores each.
 * After a pause some kernels put all threads of a process on one core for a while, where they
 * wait in turns for each other: milliseconds instead of microseconds, for every contestant alike.
 * To be called when a contestant has started its threads, and not for one thread. */
static void bench_pin_process(long process, int threads)
{
    char path[64];
    DIR *tasks;
    const struct dirent *entry;
    int others = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", process);
    tasks = threads > 1 ? opendir(path) : NULL;
    while (tasks && (entry = readdir(tasks)) != NULL) {
        const long id = atol(entry->d_name);
        unsigned long mask[16] = {0};
        int core = 0;
        if (id <= 0) continue; /* . and .. */
        if (id != process) core = 1 + others++ % (threads - 1);
        mask[core / (8 * (int)sizeof *mask)] = 1ul << core % (8 * (int)sizeof *mask);
        syscall(SYS_sched_setaffinity, id, sizeof mask, mask);
    }
    if (tasks) closedir(tasks);
}

static void bench_pin(int threads)
{
    bench_pin_process((long)getpid(), threads);
}

/* For a program to be run in this one's place: all cores again. */
static void bench_unpin(void)
{
    unsigned long mask[16];
    memset(mask, 0xff, sizeof mask);
    syscall(SYS_sched_setaffinity, 0, sizeof mask, mask);
}

/* Calls that fill about two milliseconds, by one trial. */
static int bench_repeats_once(const bench_side *side)
{
    int repeats = 1, i;
    for (;;) {
        const double start = bench_now();
        double seconds;
        for (i = 0; i < repeats; i++) side->call(side->argument);
        seconds = bench_now() - start;
        if (seconds > 5e-4 || repeats >= 1 << 20) return 1 + (int)(2e-3 * repeats / seconds);
        repeats *= 4;
    }
}

/* The most of three trials: one that was interrupted would find few calls enough, and a case of
 * some nanoseconds would be timed by single calls then. */
static int bench_repeats(const bench_side *side)
{
    int most = 0, trial;
    for (trial = 0; trial < 3; trial++) {
        const int repeats = bench_repeats_once(side);
        if (repeats > most) most = repeats;
        if (repeats < 4) break; /* a long call is no such case */
    }
    return most;
}

/* Threads of the side before still spin for a while and would take this side's cores
 * (OpenBLAS' for 2^26 ticks); one call then wakes this side's own. */
static void bench_settle(const bench_side *side, int threads, int repeats)
{
    if (threads > 1) bench_sleep(0.035);
    if (threads > 1 || repeats > 1) side->call(side->argument);
}

static void bench_round(bench_side *side, int threads, int repeats, int round)
{
    double start;
    int i;
    bench_settle(side, threads, repeats);
    start = bench_now();
    for (i = 0; i < repeats; i++) side->call(side->argument);
    side->seconds[round] = (bench_now() - start) / repeats;
}

/* Sorts the seconds of `rounds` rounds: their best and their median. */
static void bench_sort(double *seconds, int rounds, double *best, double *median)
{
    qsort(seconds, (size_t)rounds, sizeof *seconds, bench_ascending);
    *best = seconds[0];
    *median = seconds[rounds / 2];
}

/* All sides in turns, so that whatever slows the machine down slows every side. */
static void bench_measure(bench_run *run)
{
    bench_side *sides[BENCH_SIDES];
    int repeats[BENCH_SIDES], count = 0, round, i;
    sides[count++] = &run->ours;
    for (i = 0; i < run->peer_count; i++) sides[count++] = &run->peers[i];
    if (run->limit.call) sides[count++] = &run->limit;
    for (i = 0; i < count; i++) {
        bench_settle(sides[i], run->threads, 2);
        bench_pin(run->threads);
        repeats[i] = bench_repeats(sides[i]);
    }
    for (round = 0; round < bench_rounds; round++)
        for (i = 0; i < count; i++) bench_round(sides[i], run->threads, repeats[i], round);
    for (i = 0; i < count; i++)
        bench_sort(sides[i]->seconds, bench_rounds, &sides[i]->best, &sides[i]->median);
}

/* ---- disturbance: whether something else ran beside the bench ----
 * Signs of it: a side whose median is far above its best, and a multiply-add limit that is lower
 * than it was before. The limit is measured as the run begins, with each case, and at the end.
 * A case where something of that is seen is measured again, at most twice; what remains is a hint
 * for who reads the table. No run fails by it. */
#define BENCH_FAR 1.10   /* a median so many times its best */
#define BENCH_LOWER 0.95 /* a limit below this part of the highest so far */
static struct {
    fnn_isa isa;
    int threads;               /* 0: not begun */
    double start, least, most; /* limits in GFLOP/s, medians all */
    int rows, marked;
} bench_watch;

static int bench_far(double median, double best)
{
    return median > BENCH_FAR * best;
}

/* Takes note of a limit that was measured; 1 when it was low. */
static int bench_watch_limit(double rate)
{
    const int low = rate < BENCH_LOWER * bench_watch.most;
    if (rate > bench_watch.most) bench_watch.most = rate;
    if (rate < bench_watch.least || bench_watch.least <= 0) bench_watch.least = rate;
    return low;
}

/* The words of a row's last field: the sides that were disturbed. */
static void bench_mark(char *mark, size_t size, int ours, int peer, int limit)
{
    snprintf(mark, size, "%s%s%s%s%s", ours ? "ours" : "", ours && peer ? "+" : "",
             peer ? "peer" : "", (ours || peer) && limit ? "+" : "", limit ? "limit" : "");
    bench_watch.rows++;
    bench_watch.marked += *mark != 0;
}

/* The multiply-add limit now: GFLOP/s, the median of some 30 ms. */
static double bench_limit_now(fnn_isa isa, int threads)
{
    enum { ROUNDS = 101 };
    double seconds[ROUNDS], best, median;
    bench_run run;
    int round;
    memset(&run, 0, sizeof run);
    run.isa = isa;
    run.threads = threads;
    bench_limit_fma(&run);
    bench_settle(&run.limit, threads, 2);
    bench_pin(threads);
    for (round = 0; round < ROUNDS; round++) {
        const double start = bench_now();
        run.limit.call(run.limit.argument);
        seconds[round] = bench_now() - start;
    }
    bench_sort(seconds, ROUNDS, &best, &median);
    return 1e-9 * run.limit.work / median;
}

/* At the start of a run; a second time it does nothing. */
static void bench_watch_begin(fnn_isa isa, int threads)
{
    if (bench_watch.threads) return;
    bench_watch.isa = isa;
    bench_watch.threads = threads;
    bench_watch.start = bench_limit_now(isa, threads);
    bench_watch_limit(bench_watch.start);
}

/* The last line on stderr. */
static void bench_watch_end(void)
{
    const double start = bench_watch.start;
    double end;
    if (!bench_watch.threads) return;
    end = bench_limit_now(bench_watch.isa, bench_watch.threads);
    bench_watch_limit(end);
    if (end < BENCH_LOWER * start || start < BENCH_LOWER * end || bench_watch.marked)
        fprintf(stderr, "disturbed: %d of %d rows are marked; ", bench_watch.marked,
                bench_watch.rows);
    else fputs("undisturbed: ", stderr);
    fprintf(stderr, "the multiply-add limit was %.1f GFLOP/s at the start, %.1f at the end, ",
            start, end);
    fprintf(stderr, "%.1f to %.1f in all\n", bench_watch.least, bench_watch.most);
}

/* ---- results ---- */
typedef struct bench_result {
    char kernel[32], shape[64], isa[16], peer[32], unit[16];
    char disturbed[24]; /* which sides, or empty */
    int threads;
    double median_us, best_us;
    double rate, best_rate, limit, limit_percent, winograd_limit;
    double peer_rate, peer_best_rate, ratio, best_ratio;
} bench_result;

#define BENCH_RESULTS 4096
static bench_result bench_results[BENCH_RESULTS];
static int bench_result_count;

/* Rates and ratios are of medians, and those named best of best times. */
#define BENCH_HEADER                                                                      \
    "kernel,shape,isa,threads,median_us,best_us,rate,best_rate,unit,limit,limit_percent," \
    "winograd_limit,peer,peer_rate,peer_best_rate,ratio,best_ratio,disturbed"
enum { BENCH_FIELDS = 18 };

/* Zero stands for a number that is not known, and leaves its field empty. */
static void bench_field(double value, const char *format)
{
    putchar(',');
    if (value > 0) printf(format, value);
}

static void bench_print(const bench_result *r)
{
    printf("%s,%s,%s,%d,%.4f,%.4f,%.2f,%.2f,%s", r->kernel, r->shape, r->isa, r->threads,
           r->median_us, r->best_us, r->rate, r->best_rate, r->unit);
    bench_field(r->limit, "%.2f");
    bench_field(r->limit_percent, "%.1f");
    bench_field(r->winograd_limit, "%.2f");
    printf(",%s", r->peer);
    bench_field(r->peer_rate, "%.2f");
    bench_field(r->peer_best_rate, "%.2f");
    bench_field(r->ratio, "%.3f");
    bench_field(r->best_ratio, "%.3f");
    printf(",%s\n", r->disturbed);
    fflush(stdout);
    if (bench_result_count < BENCH_RESULTS) bench_results[bench_result_count++] = *r;
}

static void bench_report_limit(const bench_run *run, bench_result *r)
{
    if (!run->limit.call) return;
    r->limit = 1e-9 * run->limit.work / run->limit.median;
    r->limit_percent = 100 * r->rate / r->limit;
    if (run->executed > 0) r->limit_percent *= run->executed / run->ours.work;
    r->winograd_limit = r->limit * run->winograd;
}

static void bench_report_peer(const bench_side *peer, bench_result *r)
{
    snprintf(r->peer, sizeof r->peer, "%s", peer->name);
    r->peer_rate = 1e-9 * peer->work / peer->median;
    r->peer_best_rate = 1e-9 * peer->work / peer->best;
    r->ratio = r->rate / r->peer_rate;
    r->best_ratio = r->best_rate / r->peer_best_rate;
}

/* low: whether the case's limit was. */
static void bench_report(const bench_run *run, const bench_side *peer, int low)
{
    bench_result r;
    memset(&r, 0, sizeof r);
    snprintf(r.kernel, sizeof r.kernel, "%s", run->what->kernel);
    snprintf(r.shape, sizeof r.shape, "%s", run->shape);
    snprintf(r.isa, sizeof r.isa, "%s", fnn_isa_name(run->isa));
    snprintf(r.unit, sizeof r.unit, "%s", run->unit);
    r.threads = run->threads;
    r.median_us = 1e6 * run->ours.median;
    r.best_us = 1e6 * run->ours.best;
    r.rate = 1e-9 * run->ours.work / run->ours.median;
    r.best_rate = 1e-9 * run->ours.work / run->ours.best;
    bench_report_limit(run, &r);
    if (peer) bench_report_peer(peer, &r);
    bench_mark(r.disturbed, sizeof r.disturbed, bench_far(run->ours.median, run->ours.best),
               peer && bench_far(peer->median, peer->best), low);
    bench_print(&r);
}

/* Whether the case's limit was disturbed. */
static int bench_low(const bench_run *run)
{
    const bench_side *limit = &run->limit;
    if (!limit->call) return 0;
    return (limit->call == bench_fma_call &&
            bench_watch_limit(1e-9 * limit->work / limit->median)) ||
           bench_far(limit->median, limit->best);
}

static int bench_is_disturbed(const bench_run *run)
{
    int far = bench_low(run) || bench_far(run->ours.median, run->ours.best), i;
    for (i = 0; i < run->peer_count; i++)
        far |= bench_far(run->peers[i].median, run->peers[i].best);
    return far;
}

/* A row for each peer, or one without. A case that was disturbed is measured again first, all its
 * sides, at most twice. */
static void bench_measure_and_report(bench_run *run)
{
    int i, low;
    bench_measure(run);
    for (i = 0; i < 2 && bench_is_disturbed(run); i++) bench_measure(run);
    low = bench_low(run);
    for (i = 0; i < run->peer_count; i++) bench_report(run, &run->peers[i], low);
    if (!run->peer_count) bench_report(run, NULL, low);
}

static void bench_shape(const bench_case *what, char *text, size_t size)
{
    const ptrdiff_t *n = what->size;
    if (what->shape) snprintf(text, size, "%s", what->shape);
    else snprintf(text, size, "%ldx%ldx%ld", (long)n[0], (long)n[1], (long)n[2]);
}

static int bench_chosen; /* rows that --only has let through */

static int bench_is_chosen(const bench_options *options, const char *kernel, const char *shape)
{
    char name[128];
    snprintf(name, sizeof name, "%s %s", kernel, shape);
    if (options->only && !strstr(name, options->only)) return 0;
    bench_chosen++;
    return 1;
}

/* Prepares, measures and reports one case, unless --only leaves it out. Without a context it is
 * counted alone. */
static void bench_case_run(const bench_case *what, const bench_options *options,
                           fnn_context *context)
{
    bench_run run;
    int i;
    memset(&run, 0, sizeof run);
    bench_shape(what, run.shape, sizeof run.shape);
    if (!bench_is_chosen(options, what->kernel, run.shape) || !context) return;
    run.what = what;
    run.context = context;
    run.isa = context->kernels->isa;
    run.threads = options->threads;
    what->prepare(&run);
    if (options->alone) run.peer_count = 0;
    if (run.peer_count || !options->child) bench_measure_and_report(&run);
    for (i = 0; i < run.memory_count; i++) fnni_release(NULL, run.memory[i]);
}

/* ---- the limits as rows of their own ---- */
static void bench_limit_row(const char *kernel, const char *shape, const char *unit, fnn_isa isa,
                            double work, double *seconds)
{
    double best, median;
    bench_result r;
    bench_sort(seconds, BENCH_ROUNDS, &best, &median);
    memset(&r, 0, sizeof r);
    snprintf(r.kernel, sizeof r.kernel, "%s", kernel);
    snprintf(r.shape, sizeof r.shape, "%s", shape);
    snprintf(r.isa, sizeof r.isa, "%s", fnn_isa_name(isa));
    snprintf(r.unit, sizeof r.unit, "%s", unit);
    r.threads = 1;
    r.median_us = 1e6 * median;
    r.best_us = 1e6 * best;
    r.rate = 1e-9 * work / median;
    r.best_rate = 1e-9 * work / best;
    bench_mark(r.disturbed, sizeof r.disturbed, 0, 0, bench_far(median, best));
    bench_print(&r);
}

/* Passes over one array: of `bytes`, often enough to last a millisecond. */
static void bench_bandwidth(const char *kernel, const char *shape, fnn_isa isa, size_t bytes,
                            int write)
{
    const bench_limits *limits = bench_limits_for(isa);
    const ptrdiff_t vectors = (ptrdiff_t)(bytes / sizeof(fnn_real)) / limits->lanes;
    const int repeats = 1 + (int)(1e8 / (double)bytes);
    fnn_real *x = (fnn_real *)fnni_allocate(NULL, bytes), sink[64];
    double seconds[BENCH_ROUNDS], work = 0;
    int round, i;
    if (!x) {
        fprintf(stderr, "bench: %s %s is left out: no memory\n", kernel, shape);
        return;
    }
    memset(x, 0, bytes);
    for (round = 0; round < BENCH_ROUNDS; round++) {
        const double start = bench_now();
        for (i = 0; i < repeats; i++)
            work = write ? limits->write(vectors, x) : limits->read(vectors, x, sink);
        seconds[round] = (bench_now() - start) / repeats;
    }
    bench_limit_row(kernel, shape, "GB/s", isa, work, seconds);
    fnni_release(NULL, x);
}

/* An array to be passed over: where it lies, as far as the system tells, and its size. */
typedef struct bench_place {
    char shape[32];
    size_t bytes;
} bench_place;

/* Bytes of a cache as the system tells them; 0: there is none, or it does not say. */
static size_t bench_cache(int level)
{
    long bytes = 0;
#ifdef _SC_LEVEL1_DCACHE_SIZE
    static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
                                _SC_LEVEL3_CACHE_SIZE};
    bytes = sysconf(names[level - 1]);
#else
    (void)level;
#endif
    return bytes > 0 ? (size_t)bytes : 0;
}

static bench_place bench_place_of(const char *name, size_t bytes)
{
    bench_place place;
    const int large = bytes >= 4u << 20;
    place.bytes = bytes;
    snprintf(place.shape, sizeof place.shape, "%s%s%lu%s", name, *name ? "-" : "",
             (unsigned long)(bytes >> (large ? 20 : 10)), large ? "MiB" : "KiB");
    return place;
}

/* Half of each cache, since an array is not alone in it, and what no cache holds; returns how
 * many. Of the third level at most eight times the second: some systems tell all of a chip's,
 * of which a core reaches a part. Where the caches are not known the sizes stand for themselves. */
static int bench_places(bench_place *places)
{
    static const char *const names[] = {"L1", "L2", "L3"};
    static const size_t usual[] = {24u << 10, 512u << 10, 6u << 20};
    const int known = bench_cache(1) && bench_cache(2);
    const size_t most = 8 * bench_cache(2);
    size_t last = 0;
    int level, count = 0;
    for (level = 1; level <= 3; level++) {
        const size_t bytes = known ? bench_cache(level) / 2 : usual[level - 1];
        last = 2 * bytes;
        if (!bytes) continue;
        places[count++] = bench_place_of(known ? names[level - 1] : "",
                                         known && level == 3 && bytes > most ? most : bytes);
    }
    places[count++] = bench_place_of("memory", last > 128u << 20 ? 2 * last : 256u << 20);
    return count;
}

/* On one thread. isa NULL: counted alone, as in bench_case_run. */
static void bench_limit_rows(const bench_options *options, const fnn_isa *isa)
{
    static const char *const kernels[] = {"limit_read", "limit_write"};
    double seconds[BENCH_ROUNDS], work = 0;
    bench_place places[4];
    fnn_real sink[64];
    const int count = bench_places(places);
    int i, write;
    if (options->child) return;
    if (bench_is_chosen(options, "limit_fma", "registers") && isa) {
        for (i = 0; i < BENCH_ROUNDS; i++) {
            const double start = bench_now();
            work = bench_limits_for(*isa)->fma(500000, sink);
            seconds[i] = bench_now() - start;
        }
        bench_limit_row("limit_fma", "registers", "GFLOP/s", *isa, work, seconds);
    }
    for (write = 0; write < 2; write++)
        for (i = 0; i < count; i++)
            if (bench_is_chosen(options, kernels[write], places[i].shape) && isa)
                bench_bandwidth(kernels[write], places[i].shape, *isa, places[i].bytes, write);
}

/* ---- the same bench again, with another environment ---- */

/* Cuts a line into its fields; returns their number, at most BENCH_FIELDS. */
static int bench_split(char *line, char **field)
{
    int count = 0;
    line[strcspn(line, "\n")] = 0;
    while (line && count < BENCH_FIELDS) {
        field[count++] = line;
        line = strchr(line, ',');
        if (line) *line++ = 0;
    }
    return count;
}

/* Reads a row as bench_print wrote it; fields may be empty. 1 when it was one. */
static int bench_parse(char *line, bench_result *r)
{
    char *field[BENCH_FIELDS];
    memset(r, 0, sizeof *r);
    if (bench_split(line, field) != BENCH_FIELDS) return 0;
    snprintf(r->kernel, sizeof r->kernel, "%s", field[0]);
    snprintf(r->shape, sizeof r->shape, "%s", field[1]);
    snprintf(r->isa, sizeof r->isa, "%s", field[2]);
    r->threads = atoi(field[3]);
    r->median_us = atof(field[4]);
    r->best_us = atof(field[5]);
    r->rate = atof(field[6]);
    r->best_rate = atof(field[7]);
    snprintf(r->unit, sizeof r->unit, "%s", field[8]);
    r->limit = atof(field[9]);
    r->limit_percent = atof(field[10]);
    r->winograd_limit = atof(field[11]);
    snprintf(r->peer, sizeof r->peer, "%s", field[12]);
    r->peer_rate = atof(field[13]);
    r->peer_best_rate = atof(field[14]);
    r->ratio = atof(field[15]);
    r->best_ratio = atof(field[16]);
    snprintf(r->disturbed, sizeof r->disturbed, "%s", field[17]);
    return 1;
}

/* The kernels that OpenBLAS is told to take, by OPENBLAS_CORETYPE, so that it has the instruction
 * set of ours, and what this peer is called then. NULL: none. */
static const char *bench_openblas_core(fnn_isa isa, const char **peer)
{
    *peer = isa == FNN_ISA_AVX512 ? "openblas-avx512" : "openblas-avx2";
    return isa == FNN_ISA_AVX512 ? "SkylakeX" : isa == FNN_ISA_AVX2 ? "Haswell" : NULL;
}

/* Runs this program with the same arguments, --child and the variable set; prints its rows. 0,
 * with a message, when it could not be run or did not end well: rows are missing then. */
static int bench_again(int argc, char **argv, const char *variable, const char *value)
{
    char **arguments = (char **)calloc((size_t)argc + 2, sizeof(char *)), line[512];
    static char child[] = "--child";
    bench_result r;
    FILE *rows;
    pid_t pid;
    int ends[2], status = -1;
    if (!arguments || pipe(ends)) {
        perror("bench: cannot be run again");
        free(arguments);
        return 0;
    }
    memcpy(arguments, argv, (size_t)argc * sizeof(char *));
    arguments[argc] = child;
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        setenv(variable, value, 1);
        bench_unpin();
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    close(ends[1]);
    rows = fdopen(ends[0], "r");
    while (rows && fgets(line, sizeof line, rows))
        if (bench_parse(line, &r)) {
            bench_watch.rows++;
            bench_watch.marked += *r.disturbed != 0;
            bench_print(&r);
        }
    if (rows) fclose(rows);
    if (pid > 0) waitpid(pid, &status, 0);
    free(arguments);
    if (!status) return 1;
    fprintf(stderr, "bench: the run with %s=%s did not end well: its rows are missing\n", variable,
            value);
    return 0;
}

/* Prints the header line, out at once: rows that cannot be written are known before the first is
 * measured. Returns 0 then, with a message. */
static int bench_begin(const char *header)
{
    if (puts(header) >= 0 && !fflush(stdout)) return 1;
    perror("bench: the rows cannot be written");
    return 0;
}

/* What main returns: 1 where something of what was printed could not be written. */
static int bench_end(void)
{
    if (!fflush(stdout) && !ferror(stdout)) return 0;
    fputs("bench: the output cannot be written\n", stderr);
    return 1;
}

/* What main returns for --help. */
static int bench_help(const char *text)
{
    fputs(text, stdout);
    return bench_end();
}

/* ---- the table ---- */

static void bench_table_head(void)
{
    fprintf(stderr, "%-23s %-26s %-6s %s %10s %10s %7s %7s %-7s  %s\n", "kernel", "shape", "isa",
            "t", "median us", "best us", "median", "best", "unit",
            "% of the limit; peer: median, best, x ratio of medians (of best times)");
}

/* A disturbed row ends with ! and the sides that were. */
static void bench_table_row(const bench_result *r)
{
    fprintf(stderr, "%-23s %-26s %-6s %d %10.3f %10.3f %7.1f %7.1f %-7s", r->kernel, r->shape,
            r->isa, r->threads, r->median_us, r->best_us, r->rate, r->best_rate, r->unit);
    if (r->limit_percent > 0) fprintf(stderr, " %5.1f %% of %.1f", r->limit_percent, r->limit);
    if (r->winograd_limit > 0) fprintf(stderr, " (Winograd's: %.1f)", r->winograd_limit);
    if (r->ratio > 0)
        fprintf(stderr, "; %s: %.1f %.1f x %.3f (%.3f)", r->peer, r->peer_rate, r->peer_best_rate,
                r->ratio, r->best_ratio);
    if (*r->disturbed) fprintf(stderr, "  ! %s", r->disturbed);
    fputc('\n', stderr);
}

/* Cases whose ratios are summed up in a line: of a kernel and its forms (sgemm, sgemm_tn). */
typedef struct bench_group {
    const char *kernel; /* how the names of its kernels begin */
    const char *name;
    int (*holds)(const bench_result *r); /* NULL: all of them */
} bench_group;

/* The fastest of a case's peers counts: the least of its ratios, of medians and of best times. */
static void bench_least_ratios(int first, int *seen, double *least, double *least_best)
{
    int i;
    *least = bench_results[first].ratio;
    *least_best = bench_results[first].best_ratio;
    for (i = first; i < bench_result_count; i++) {
        const bench_result *r = &bench_results[i];
        if (strcmp(r->kernel, bench_results[first].kernel) ||
            strcmp(r->shape, bench_results[first].shape))
            continue;
        seen[i] = 1;
        if (r->ratio > 0 && r->ratio < *least) *least = r->ratio;
        if (r->best_ratio > 0 && r->best_ratio < *least_best) *least_best = r->best_ratio;
    }
}

/* The geometric means over a group's cases, and the worst of them; nothing where it has none. */
static void bench_summarize(const bench_group *group)
{
    static int seen[BENCH_RESULTS];
    double log_sum = 0, best_log_sum = 0, worst = 0;
    int cases = 0, below = 0, i;
    const bench_result *slowest = NULL;
    memset(seen, 0, sizeof seen);
    for (i = 0; i < bench_result_count; i++) {
        const bench_result *r = &bench_results[i];
        double least, best;
        if (seen[i] || !(r->ratio > 0) || (group->holds && !group->holds(r))) continue;
        if (strncmp(r->kernel, group->kernel, strlen(group->kernel)) != 0) continue;
        bench_least_ratios(i, seen, &least, &best);
        log_sum += log(least);
        best_log_sum += log(best);
        cases++;
        below += least < 1;
        if (!slowest || least < worst) worst = least, slowest = r;
    }
    if (!cases) return;
    fprintf(stderr, "%s, %s: cases %d, against the faster peer geometric mean %.3f", group->kernel,
            group->name, cases, exp(log_sum / cases));
    fprintf(stderr, " (best times %.3f), %d below 1, worst %.3f (%s %s)%s\n",
            exp(best_log_sum / cases), below, worst, slowest->kernel, slowest->shape,
            *slowest->disturbed ? "  !" : "");
}

static void bench_summary(const bench_group *groups, size_t count)
{
    size_t group;
    int i;
    if (bench_result_count) bench_table_head();
    for (i = 0; i < bench_result_count; i++) bench_table_row(&bench_results[i]);
    for (group = 0; group < count; group++) bench_summarize(&groups[group]);
}

/* ---- arguments ---- */

/* The value of `--name value`, or NULL. */
static const char *bench_argument(int argc, char **argv, const char *name)
{
    int i;
    for (i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return i + 1 < argc ? argv[i + 1] : "";
    return NULL;
}

static int bench_wrong(const char *option, const char *expected, const char *found)
{
    fprintf(stderr, "%s: expected %s, found \"%s\"; --help lists the options\n", option, expected,
            found);
    return 0;
}

static int bench_read_isa(const char *name, fnn_isa *isa)
{
    int i = 0;
    while (i < FNN_ISA_COUNT && strcmp(name, fnn_isa_name((fnn_isa)i)) != 0) i++;
    *isa = (fnn_isa)i;
#define BENCH_CHOICE(name, word, machine) " or " #word
    return i < FNN_ISA_COUNT || bench_wrong("--isa", "best" FNN_ISA_LIST(BENCH_CHOICE), name);
#undef BENCH_CHOICE
}

static int bench_read_count(const char *option, const char *text, int *count)
{
    char *end;
    const long number = strtol(text, &end, 10);
    *count = number > 0 && number <= 1000000 ? (int)number : 0;
    return (*count && end != text && !*end) || bench_wrong(option, "a number from 1", text);
}

/* One option and, where it takes one, its value; returns the arguments used, 0 when it is wrong. */
static int bench_read_option(const char *option, const char *value, const char *own, int *number,
                             bench_options *options)
{
    if (strcmp(option, "--alone") == 0) return options->alone = 1;
    if (strcmp(option, "--child") == 0) return options->child = 1;
    if (strcmp(option, "--only") == 0) {
        options->only = value;
        return *value ? 2 : bench_wrong(option, "a name", value);
    }
    if (strcmp(option, "--isa") == 0) return 2 * bench_read_isa(value, &options->isa);
    if (strcmp(option, "--threads") == 0)
        return 2 * bench_read_count(option, value, &options->threads);
    if (strcmp(option, own) == 0) return 2 * bench_read_count(option, value, number);
    return bench_wrong("arguments", "an option", option);
}

/* own: the one option with a number that this bench has beside the common ones. 0, with a message
 * on stderr, when an argument is none or has no value that it takes. */
static int bench_read_options(int argc, char **argv, const char *own, int *number,
                              bench_options *options)
{
    int i = 1, used = 1;
    memset(options, 0, sizeof *options);
    options->threads = 1;
    options->isa = FNN_ISA_BEST;
    for (; i < argc && used; i += used)
        used = bench_read_option(argv[i], i + 1 < argc ? argv[i + 1] : "", own, number, options);
    return used;
}
#endif
