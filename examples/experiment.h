/* What the programs in the folders beside this file share: options, data, the loop over runs and
 * seeds, progress, the table of reported and measured figures, and the files of results and plots.
 *
 * An experiment is a table of runs and a function that makes one of them:
 *
 *     static experiment e;
 *     static experiment_data data;
 *     static const struct { const char *name; int depth; double reported; } runs[] = {...};
 *
 *     static void run(experiment_job *job)      // row job->run of the table, with seed job->seed
 *     {
 *         fnn_model *m = experiment_model(job, 28, 28, 1);
 *         fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data.train);
 *         experiment_hidden(m, runs[job->run].depth, 128, FNN_RELU, 0);
 *         fnn_dense(m, 10, FNN_SOFTMAX);
 *         fnn_fit_config c = experiment_config(job, fnn_sgd(0.1f), 100, 5);
 *         c.validation = &data.test;                             // for curves
 *         experiment_fit(job, m, &data.train, &c);
 *         job->figures[0] = experiment_accuracy(m, &data.test);  // percent
 *         fnn_model_free(m);
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         experiment_begin(&e, argc, argv, "family-name", "What it shows", 3);   // 3 seeds
 *         experiment_fashion(&e, &data);
 *         experiment_each(&e, EXPERIMENT_COUNT(runs), e.seeds, run);
 *         for (int i = 0; i < EXPERIMENT_COUNT(runs); i++)
 *             experiment_report(&e, i, 0, "B", "test accuracy %", runs[i].reported, "%s",
 *                               runs[i].name);
 *         return experiment_end(&e);
 *     }
 *
 * Runs and seeds are jobs independent of each other: they are made in parallel, each on one
 * thread, unless e.wide is 1: then one after the other, each on all threads. No figure but times
 * depends on the number of threads. Of a job nothing remains but its figures and history.
 * experiment_begin finds out whether the files of --csv can be written; the result is not there
 * before experiment_end. What was interrupted goes on: with --csv and --hash from the finished
 * jobs, which DIR/ID.jobs keeps until then, with --resume from checkpoints of the fits under way.
 *
 * The program's file includes this one only, after #define FMNIST_NN_REAL double for the double
 * library. With EXPERIMENT_LINKED the library is an object of its own, which saves compiling it
 * anew. */
#ifndef EXPERIMENT_H
#define EXPERIMENT_H

/* To be raised when a change here can change a figure: results of another version are made anew. */
#define EXPERIMENT_VERSION 2

#ifndef EXPERIMENT_LINKED
#define FMNIST_NN_IMPLEMENTATION
#endif
#include "../fmnist_nn.h"
#include "program.h"
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#define EXPERIMENT_ALONE _Pragma("omp critical(experiment)")
#else
#define EXPERIMENT_ALONE
#define omp_get_max_threads() 1
#endif

#define EXPERIMENT_COUNT PROGRAM_COUNT
#define EXPERIMENT_UNKNOWN ((double)NAN)         /* the report has no such figure */
#define EXPERIMENT_FIGURES 16                    /* that a job may set */
#define EXPERIMENT_NO_DATA 3                     /* exit status: a data set is missing */
#define EXPERIMENT_IDX "train-images-idx3-ubyte" /* of (Fashion-)MNIST */
#define EXPERIMENT_MNIST_FROM "https://storage.googleapis.com/cvdf-datasets/mnist/"
#define EXPERIMENT_CIFAR10_FROM "https://www.cs.toronto.edu/~kriz/cifar.html (binary, unpacked)"

typedef enum experiment_mode {
    EXPERIMENT_FULL,
    EXPERIMENT_QUICK, /* 1/10 of the data (at least 1,000 samples), 1/4 of the epochs, one seed */
    EXPERIMENT_SMOKE  /* 200 samples, one epoch, four runs, one seed: only shows that it works */
} experiment_mode;

/* Text that grows. */
typedef struct experiment_text {
    char *text;
    size_t length, capacity;
} experiment_text;

/* A plot's file DIR/ID.NAME.csv: comment lines `# key: value`, then rows. */
typedef struct experiment_plot {
    char name[64];
    experiment_text text;
} experiment_plot;

/* A row of the table at the end. */
typedef struct experiment_row {
    char configuration[128], reading[32], metric[64];
    double reported, measured, deviation, seconds; /* deviation NaN with one seed */
    int seeds;
} experiment_row;

typedef struct experiment experiment;

/* One run with one seed. */
typedef struct experiment_job {
    experiment *experiment;
    int run;                            /* which row of the program's table */
    int seed;                           /* 0, 1, ... */
    void *user;                         /* what experiment_each_with was given, or NULL */
    double figures[EXPERIMENT_FIGURES]; /* for the run function to set; NaN until then */
    fnn_history history;                /* of experiment_fit */
    double seconds, done;               /* what it took; how much of it is done, 0 to 1 */
    int fits;                           /* how many it has begun */
    const fnn_fit_config *config;       /* of the last one, as the program gave it */
    int whole;                          /* 1: no signal has stopped it */
    fnn_model *on;                      /* what its last fit was gone on with, or NULL */
    jmp_buf stop;                       /* where a fit that a signal has stopped ends */
} experiment_job;

/* Views that the experiment owns and frees. */
typedef struct experiment_data {
    fnn_dataset train, validation, test;
} experiment_data;

struct experiment {
    const char *id, *title;
    experiment_mode mode;
    int seeds, threads;            /* of --seeds (or the program's), --threads (or all) */
    int wide;                      /* for the program to set: see the head of this file */
    const char *data, *csv, *hash; /* of --data, --csv, --hash, or NULL */
    const char *resume;            /* of --resume: where checkpoints are, or NULL */
    char checkpoints[1100];        /* how their paths begin */
    char files[1100];              /* and those of --csv: DIR/ID */
    int each;                      /* calls of experiment_each so far */
    experiment_text kept;          /* finished jobs, as DIR/ID.jobs has them; or empty */
    double recalled;               /* jobs of the last experiment_each that were among them */
    experiment_job *jobs;          /* (run_count, seed_count) of the last experiment_each */
    int run_count, seed_count;
    experiment_row *rows;
    int row_count, row_capacity;
    experiment_plot plots[40];
    int plot_count;
    experiment_text notes, sources; /* lines of the result file */
    fnn_dataset owned[40];
    int owned_count;
    double begun, each_begun, printed; /* seconds */
    double before;                     /* seconds of earlier runs whose finished jobs it has */
};

/* ---- small things ---- */

/* The programs end at the first error: nothing depends on them. The message begins with the id. */
#define experiment_fail(e, ...) ((void)(e), program_fail(__VA_ARGS__))

/* As realloc, but never NULL. */
static inline void *experiment_resize(const experiment *e, void *memory, size_t bytes)
{
    if (!(memory = realloc(memory, bytes))) experiment_fail(e, "out of memory");
    return memory;
}

/* Appends to a text, as printf. */
static inline void experiment_append_list(experiment_text *t, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const size_t more = (size_t)vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (t->length + more + 1 > t->capacity) {
        t->capacity = 2 * (t->length + more + 1);
        t->text = (char *)experiment_resize(NULL, t->text, t->capacity);
    }
    vsnprintf(t->text + t->length, more + 1, format, arguments);
    t->length += more;
}

static inline void experiment_append(experiment_text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    experiment_append_list(t, format, arguments);
    va_end(arguments);
}

/* A sentence for the result file and the table: what was chosen, from which grid, on which data. */
static inline void experiment_note(experiment *e, const char *format, ...)
{
    va_list arguments;
    experiment_append(&e->notes, "# note: ");
    va_start(arguments, format);
    experiment_append_list(&e->notes, format, arguments);
    va_end(arguments);
    experiment_append(&e->notes, "\n");
}

/* A mode's name, and what is said beside every output of it. */
static const struct {
    const char *name, *label;
} experiment_modes[] = {{"full", ""},
                        {"quick", " (quick: 1/10 of the data, 1/4 of the epochs)"},
                        {"smoke", " (smoke: no figure means anything)"}};

/* What a report would call so many epochs (or steps, or repetitions), in this mode. */
static inline int experiment_epochs(const experiment *e, int epochs)
{
    if (e->mode == EXPERIMENT_FULL) return epochs;
    return e->mode == EXPERIMENT_QUICK ? (epochs + 3) / 4 : 1;
}

/* ---- interrupted work ---- */

static volatile sig_atomic_t experiment_stopped; /* the signal that ends it, or 0 */

/* The next such signal ends the program at once: not all that it does looks at the first. */
static inline void experiment_stop(int number)
{
    experiment_stopped = number;
    signal(number, SIG_DFL);
}

static inline void experiment_resume_begin(experiment *e)
{
    const int size = sizeof e->checkpoints;
    fnn_error error;
    if (snprintf(e->checkpoints, sizeof e->checkpoints, "%s/%s-%s-%d-", e->resume, e->id,
                 experiment_modes[e->mode].name, e->seeds) >= size)
        program_fail("--resume %s: too long", e->resume);
    mkdir(e->resume, 0777);
    if (fnn_check_writable(e->checkpoints, &error)) program_fail("--resume: %s", error.message);
    signal(SIGINT, experiment_stop);
    signal(SIGTERM, experiment_stop);
}

/* The program is through: its checkpoints go. */
static inline void experiment_resume_end(const experiment *e)
{
    const char *begin = e->checkpoints + strlen(e->resume) + 1;
    char path[1400];
    DIR *folder = opendir(e->resume);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", e->resume, entry->d_name);
        if (!strncmp(entry->d_name, begin, strlen(begin))) remove(path);
    }
    if (folder) closedir(folder);
    rmdir(e->resume); /* if nothing else is in it */
}

/* Whether two models of the same layers hold the same numbers; where to is given, it gets them. */
static inline int experiment_same(const fnn_model *a, const fnn_model *b, fnn_model *to)
{
    int same = (!to || !fnn_seal(to)) && fnn_layer_count(a) == fnn_layer_count(b);
    fnn_tensor x, y;
    for (int l = 0; same && l < fnn_layer_count(a); l++)
        for (int i = 0; same && !fnn_tensor_at(a, l, i, &x); i++) {
            same = !fnn_tensor_at(b, l, i, &y) && x.count == y.count;
            if (same && to)
                memcpy(fnn_tensor_values(to, l, x.name, NULL), x.values,
                       x.count * sizeof *x.values);
            else if (same) same = !memcmp(x.values, y.values, x.count * sizeof *x.values);
        }
    return same;
}

/* ---- options ---- */

/* For the help: what the program is, and what its last full run took, by its result beside this
 * header. */
static inline void experiment_about(const experiment *e, char *about, size_t size)
{
    const int folder = (int)(sizeof __FILE__ - sizeof "experiment.h");
    int threads = 1, length = snprintf(about, size, "%s: %s\n", e->id, e->title);
    char path[1200], line[1000];
    double seconds = 0;
    snprintf(path, sizeof path, "%.*sresults/%s.csv", folder, __FILE__, e->id);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file) && *line == '#') {
        sscanf(line, "# seconds: %lf", &seconds);
        sscanf(line, "# threads: %d", &threads);
    }
    if (file) fclose(file);
    if (seconds > 0)
        snprintf(about + length, size - (size_t)length,
                 "The last full run took %.0f s on %d thread%s.\n", seconds, threads,
                 threads == 1 ? "" : "s");
}

static inline void experiment_options(experiment *e, int argc, char **argv, int seeds)
{
    int quick = 0, smoke = 0;
    char about[400], repeats[160];
    const program_option options[] = {
        {"Options", PROGRAM_HEADING, NULL, 0, 0, NULL, NULL},
        {"quick", PROGRAM_FLAG, &quick, 0, 0, NULL,
         "1/10 of the data (at least 1000 samples), 1/4 of the epochs, one seed"},
        {"smoke", PROGRAM_FLAG, &smoke, 0, 0, NULL,
         "200 samples, one epoch, four runs: shows only that the program works"},
        {"seeds", PROGRAM_INT, &e->seeds, 0, 1000, "N", repeats},
        {"threads", PROGRAM_INT, &e->threads, 1, 1000, "N",
         "of the processor; they change no figure but times"},
        {"data", PROGRAM_TEXT, &e->data, 0, 0, "DIR",
         "where the data sets are; else $FMNIST_DIR and beside it, data/, and for Fashion-MNIST "
         "/usr/share/datasets/fashion-mnist"},
        {"csv", PROGRAM_TEXT, &e->csv, 0, 0, "DIR",
         "writes the result DIR/ID.csv and the plots' DIR/ID.*.csv; makes DIR if need be"},
        {"resume", PROGRAM_TEXT, &e->resume, 0, 0, "DIR",
         "Ctrl-C leaves checkpoints in DIR, from which the next run goes on; a second one ends it "
         "at once"},
        {"hash", PROGRAM_TEXT, &e->hash, 0, 0, "TEXT",
         "kept in the result file: by it examples/reproduce.sh knows the program; with it "
         "DIR/ID.jobs keeps what is finished until the result is there"},
    };
    experiment_about(e, about, sizeof about);
    snprintf(repeats, sizeof repeats,
             "repeats configurations with N seeds; 0 means %d, some with fewer, and one with "
             "--quick or --smoke",
             seeds);
    program_options(e->id, about, argc, argv, options, PROGRAM_COUNT(options), NULL, 0);
    e->mode = smoke ? EXPERIMENT_SMOKE : quick ? EXPERIMENT_QUICK : EXPERIMENT_FULL;
    if (!e->seeds) e->seeds = e->mode == EXPERIMENT_FULL ? seeds : 1;
    if (e->data && access(e->data, F_OK)) program_fail("--data %s: is not there", e->data);
}

/* Writes a file of --csv, ID[.NAME]END, under another name first: what stands there is whole. */
static inline void experiment_write(const experiment *e, const char *name, const char *end,
                                    const experiment_text *t)
{
    char path[1200], temporary[1300];
    snprintf(path, sizeof path, "%s%s%s%s", e->files, *name ? "." : "", name, end);
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(temporary, "w");
    int bad = !file || fwrite(t->text, 1, t->length, file) != t->length;
    if (file) bad |= fclose(file) != 0;
    if (bad || rename(temporary, path)) {
        const int code = errno;
        remove(temporary);
        program_fail("%s: cannot be written: %s", path, strerror(code));
    }
}

/* ---- finished jobs: a line each in DIR/ID.jobs, beneath the hash ---- */

/* Takes those that the same program with the same options has kept. */
static inline void experiment_jobs_begin(experiment *e)
{
    char path[1200], line[1000] = "";
    snprintf(path, sizeof path, "%s.jobs", e->files);
    FILE *file = fopen(path, "r");
    if (!file && errno != ENOENT) program_fail("%s: %s", path, strerror(errno));
    experiment_append(&e->kept, "# hash: %s\n", e->hash);
    const int same = file && fgets(line, sizeof line, file) && !strcmp(line, e->kept.text);
    while (same && fgets(line, sizeof line, file)) experiment_append(&e->kept, "%s", line);
    if (file && ferror(file)) program_fail("%s: cannot be read", path);
    if (file) fclose(file);
}

/* What a result has taken, over all runs of the program that went on from each other. */
static inline double experiment_seconds(const experiment *e)
{
    return program_seconds(0) - e->begun + e->before;
}

/* A line is: call, run, seed; seconds of all jobs until then; the job's own, its figures; how many
 * epochs, each with all that fnn_epoch has. Digits enough for the same bits. */
static inline void experiment_keep(experiment_job *job)
{
    experiment *e = job->experiment;
    experiment_text *t = &e->kept;
    experiment_append(t, "%d %d %d %.1f %.17g", e->each, job->run, job->seed, experiment_seconds(e),
                      job->seconds);
    for (int i = 0; i < EXPERIMENT_FIGURES; i++) experiment_append(t, " %.17g", job->figures[i]);
    experiment_append(t, " %d", job->history.count);
    for (int i = 0; i < job->history.count; i++) {
        const fnn_epoch *a = &job->history.epochs[i];
        experiment_append(t, " %d %ld %.17g %.17g %.17g %.17g %.17g %.17g", a->epoch, (long)a->step,
                          a->loss, a->score, a->validation_loss, a->validation_score, a->seconds,
                          a->learning_rate);
    }
    experiment_append(t, "\n");
    experiment_write(e, "", ".jobs", t);
}

/* The next number of a line; ends the program where there is none, as at the line's end. */
static inline double experiment_number(const experiment *e, char **line)
{
    char *end;
    const double value = strtod(*line, &end);
    if (**line == '\n' || end == *line || (*end != ' ' && *end != '\n'))
        program_fail("%s.jobs: expected numbers, found \"%.20s\"; delete it to begin anew",
                     e->files, *line);
    *line = end;
    return value;
}

/* Whether a job was kept; it is as it was then. */
static inline int experiment_recall(experiment_job *job)
{
    experiment *e = job->experiment;
    char begin[64];
    snprintf(begin, sizeof begin, "\n%d %d %d ", e->each, job->run, job->seed);
    char *line = e->kept.text ? strstr(e->kept.text, begin) : NULL;
    if (!line) return 0;
    line += strlen(begin);
    e->before = fmax(e->before, experiment_number(e, &line));
    job->seconds = experiment_number(e, &line);
    for (int i = 0; i < EXPERIMENT_FIGURES; i++) job->figures[i] = experiment_number(e, &line);
    for (int i = (int)experiment_number(e, &line); i > 0; i--) {
        fnn_epoch a;
        a.epoch = (int)experiment_number(e, &line);
        a.step = (int64_t)experiment_number(e, &line);
        a.loss = experiment_number(e, &line);
        a.score = experiment_number(e, &line);
        a.validation_loss = experiment_number(e, &line);
        a.validation_score = experiment_number(e, &line);
        a.seconds = experiment_number(e, &line);
        a.learning_rate = experiment_number(e, &line);
        if (fnn_history_append(&job->history, &a)) program_fail("out of memory");
    }
    if (*line != '\n') program_fail("%s.jobs: a line is too long", e->files);
    return 1;
}

/* Reads the options, and fails now, not after hours, where the result could not be written. seeds:
 * how often each configuration is repeated unless --seeds says. */
static inline void experiment_begin(experiment *e, int argc, char **argv, const char *id,
                                    const char *title, int seeds)
{
    char path[1200];
    fnn_error error;
    memset(e, 0, sizeof *e);
    experiment_append(&e->notes, "");
    experiment_append(&e->sources, "");
    e->id = id;
    e->title = title;
    e->begun = program_seconds(0);
    e->threads = omp_get_max_threads();
    experiment_options(e, argc, argv, seeds);
#ifndef _OPENMP
    e->threads = 1; /* whatever was asked for: results say with how many they were made */
#endif
    if (e->resume) experiment_resume_begin(e);
    if (e->csv) {
        if (snprintf(e->files, sizeof e->files, "%s/%s", e->csv, e->id) >= (int)sizeof e->files)
            program_fail("--csv %s: too long", e->csv);
        if (mkdir(e->csv, 0777) && errno != EEXIST)
            program_fail("--csv %s: cannot be made: %s", e->csv, strerror(errno));
        snprintf(path, sizeof path, "%s.csv", e->files);
        if (fnn_check_writable(path, &error)) program_fail("--csv: %s", error.message);
    }
    if (e->csv && e->hash) experiment_jobs_begin(e);
}

/* ---- data ---- */

static inline uint64_t experiment_fnv(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)data;
    for (size_t i = 0; p && i < bytes; i++) hash = (hash ^ p[i]) * 1099511628211u;
    return hash;
}

/* FNV-1a of all rows of both data sets as they were loaded. */
static inline uint64_t experiment_hash(const experiment_data *data)
{
    const fnn_dataset *const both[] = {&data->train, &data->test};
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < 2; i++) {
        const fnn_dataset *d = both[i];
        const size_t rows = (size_t)(d->rows ? d->rows : d->count);
        const size_t values = rows * (size_t)d->height * (size_t)d->width * (size_t)d->channels;
        hash = experiment_fnv(hash, d->bytes, values);
        hash = experiment_fnv(hash, d->reals, values * sizeof(fnn_real));
        hash = experiment_fnv(hash, d->labels, rows * sizeof(int32_t));
        hash = experiment_fnv(hash, d->targets, rows * (size_t)d->target_count * sizeof(fnn_real));
    }
    return hash;
}

/* Keeps a data set to free it at the end, and returns it for the program to use. */
static inline fnn_dataset experiment_own(experiment *e, fnn_dataset d)
{
    if (e->owned_count == EXPERIMENT_COUNT(e->owned)) program_fail("too many data sets");
    return e->owned[e->owned_count++] = d;
}

/* The first so many of the shuffled samples. */
static inline fnn_dataset experiment_reduce(experiment *e, const fnn_dataset *d, int64_t count)
{
    fnn_dataset first, rest;
    fnn_error error;
    if (count >= d->count) return *d;
    if (fnn_dataset_split(d, count, 1, 1, &first, &rest, &error)) program_fail("%s", error.message);
    fnn_dataset_free(&rest);
    return experiment_own(e, first);
}

/* Takes over data that the program has loaded (train and, if there is one, test): they are hashed
 * for the result file, made smaller with --quick, and freed at the end. */
static inline void experiment_adopt(experiment *e, experiment_data *data, const char *name)
{
    fnn_dataset *const both[] = {&data->train, &data->test};
    experiment_append(&e->sources, "# data: %s, %ld + %ld samples, FNV-1a %016llx\n", name,
                      (long)data->train.count, (long)data->test.count,
                      (unsigned long long)experiment_hash(data));
    for (int i = 0; i < 2; i++) {
        const fnn_dataset all = experiment_own(e, *both[i]);
        const int64_t tenth = all.count > 10000 ? all.count / 10 : 1000;
        if (e->mode != EXPERIMENT_FULL)
            *both[i] = experiment_reduce(e, &all, e->mode == EXPERIMENT_QUICK ? tenth : 200);
    }
}

/* The path of a file such as "statlog/sat.trn", which is looked for in --data, in $FMNIST_DIR,
 * beside it, and in data/. Ends the program where it is in none, saying where to get it. */
static inline char *experiment_file(experiment *e, const char *name, const char *where)
{
    static char path[1100];
    char beside[1024] = "";
    const char *fashion = getenv("FMNIST_DIR");
    const char *const folders[] = {e->data, fashion, beside, "data"};
    if (fashion) snprintf(beside, sizeof beside, "%s/..", fashion);
    for (int i = 0; i < EXPERIMENT_COUNT(folders); i++)
        if (folders[i] && *folders[i] && program_path(path, sizeof path, folders[i], name))
            return path;
    fprintf(stderr,
            "%s: %s is not there: looked in --data (%s), in and beside $FMNIST_DIR (%s), in data/\n"
            "    get it from %s\n",
            e->id, name, e->data ? e->data : "not given", fashion ? fashion : "not set", where);
    exit(EXPERIMENT_NO_DATA);
}

/* Fashion-MNIST: 60,000 and 10,000 images of 28 x 28 x 1 bytes. */
static inline void experiment_fashion(experiment *e, experiment_data *data)
{
    char path[1100];
    fnn_error error;
    const int given = e->data && program_path(path, sizeof path, e->data, EXPERIMENT_IDX);
    memset(data, 0, sizeof *data);
    if (fnn_read_fashion_mnist(given ? e->data : NULL, NULL, &data->train, &data->test, &error)) {
        fprintf(stderr, "%s: %s\n    make data gets it\n", e->id, error.message);
        exit(error.code == FNN_ERROR_FILE ? EXPERIMENT_NO_DATA : 1);
    }
    experiment_adopt(e, data, "Fashion-MNIST");
}

/* MNIST, in the same form. */
static inline void experiment_mnist(experiment *e, experiment_data *data)
{
    fnn_error error;
    char *folder = experiment_file(e, "mnist/" EXPERIMENT_IDX, EXPERIMENT_MNIST_FROM);
    *strrchr(folder, '/') = 0;
    memset(data, 0, sizeof *data);
    if (fnn_read_fashion_mnist(folder, NULL, &data->train, &data->test, &error))
        program_fail("%s", error.message);
    data->train.class_names = data->test.class_names = NULL;
    experiment_adopt(e, data, "MNIST");
}

/* CIFAR-10: 50,000 and 10,000 images of 32 x 32 x 3 bytes. A copy made from JPEG files (quality 75,
 * chroma at half the size) that is known by its hash is named as such. */
static inline void experiment_cifar10(experiment *e, experiment_data *data)
{
    fnn_error error;
    char *folder =
        experiment_file(e, "cifar-10-batches-bin/data_batch_1.bin", EXPERIMENT_CIFAR10_FROM);
    *strrchr(folder, '/') = 0;
    memset(data, 0, sizeof *data);
    if (fnn_read_cifar10(folder, NULL, &data->train, &data->test, &error))
        program_fail("%s", error.message);
    const int copy = experiment_hash(data) == 0x83ca31e8a036a7ffu;
    if (copy)
        experiment_note(e, "CIFAR-10 here is a JPEG copy: its figures are not comparable to the "
                           "last percent");
    experiment_adopt(e, data, copy ? "CIFAR-10, JPEG copy" : "CIFAR-10");
}

/* Moves a share (0 to 1) of the training samples, drawn by the seed, to data->validation. */
static inline void experiment_hold_out(experiment *e, experiment_data *data, double share,
                                       uint64_t seed)
{
    const fnn_dataset all = data->train;
    const int64_t held = (int64_t)(share * (double)all.count + 0.5);
    fnn_error error;
    if (fnn_dataset_split(&all, all.count - held, 1, seed, &data->train, &data->validation, &error))
        program_fail("%s", error.message);
    experiment_own(e, data->train);
    experiment_own(e, data->validation);
}

/* ---- a run ---- */

/* A model seeded for the job, on as many threads as a job has. */
static inline fnn_model *experiment_model(experiment_job *job, int height, int width, int channels)
{
    const experiment *e = job->experiment;
    const fnn_context_config config = program_threads(e->wide ? e->threads : 1);
    fnn_model *m = fnn_sequential_with(&config, height, width, channels);
    fnn_set_seed(m, (uint64_t)job->seed + 1);
    return m;
}

/* depth dense layers of width units. parameter is read by leaky ReLU (its slope) and ELU. */
static inline void experiment_hidden(fnn_model *m, int depth, int width, fnn_activation activation,
                                     double parameter)
{
    const int apart = activation == FNN_LEAKY_RELU || activation == FNN_ELU;
    for (int i = 0; i < depth; i++) {
        fnn_dense(m, width, apart ? FNN_LINEAR : activation);
        if (apart) fnn_activate(m, activation, (fnn_real)parameter);
    }
}

/* How to fit: epochs as the report counts them (experiment_epochs makes them fewer). A loss that is
 * no longer finite does not end the fit: such a model is measured like the others. */
static inline fnn_fit_config experiment_config(const experiment_job *job, fnn_optimizer optimizer,
                                               int batch_size, int epochs)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = optimizer;
    c.batch_size = batch_size;
    c.epochs = experiment_epochs(job->experiment, epochs);
    c.seed = (uint64_t)job->seed + 1;
    c.ignore_nan = 1;
    return c;
}

/* How far the jobs are, on stderr: on a terminal in place, else a line every half minute. */
static inline void experiment_progress(experiment *e)
{
    const int terminal = isatty(2), count = e->run_count * e->seed_count;
    const double now = program_seconds(0), passed = now - e->each_begun;
    double done = 0;
    if (now - e->printed < (terminal ? 0.2 : 30)) return;
    e->printed = now;
    for (int i = 0; i < count; i++) done += e->jobs[i].done;
    if (done <= e->recalled) return;
    const int left = (int)(passed * (count - done) / (done - e->recalled) + 0.5);
    fprintf(stderr, "%s%s: %.1f of %d runs, %d:%02d left%s", terminal ? "\r" : "", e->id, done,
            count, left / 60, left % 60, terminal ? "      " : "\n");
    if (terminal && done >= count) fprintf(stderr, "\r%60s\r", "");
}

static inline int experiment_after_epoch(void *user, const fnn_epoch *epoch)
{
    experiment_job *job = (experiment_job *)user;
    const fnn_fit_config *c = job->config;
    EXPERIMENT_ALONE
    {
        job->done = (double)epoch->epoch / c->epochs;
        experiment_progress(job->experiment);
    }
    return c->callback && c->callback(c->user, epoch);
}

static inline void experiment_checkpoint(const experiment_job *job, int fit, char *path,
                                         size_t size)
{
    const experiment *e = job->experiment;
    snprintf(path, size, "%s%d-%d-%d-%d.checkpoint", e->checkpoints, e->each, job->run, job->seed,
             fit);
}

/* fnn_fit with a checkpoint every ten minutes and at its end: where there is one it goes on from
 * there, which for a fit that is done means not at all. The model of a checkpoint stays for the
 * job's next fit: m gets its numbers, but not how often it has been through the data, by which a
 * second fit of one model draws. */
static inline void experiment_fit_on(experiment_job *job, fnn_model *m, const fnn_dataset *data,
                                     fnn_fit_config *c)
{
    const experiment *e = job->experiment;
    const fnn_context_config threads = program_threads(e->wide ? e->threads : 1);
    fnn_model *on = job->on && experiment_same(job->on, m, NULL) ? job->on : m;
    fnn_error error;
    char path[1200];
    experiment_checkpoint(job, job->fits++, path, sizeof path);
    const int there = !access(path, F_OK);
    c->checkpoint = path;
    c->checkpoint_epochs = 0;
    c->checkpoint_minutes = 10;
    c->stop = &experiment_stopped;
    if (there) {
        fnn_model_free(job->on);
        on = job->on = fnn_load(path, &threads, &error);
        if (!on) program_fail("%s", error.message);
    }
    if (there ? fnn_resume(on, data, c, &job->history) : fnn_fit(on, data, c, &job->history))
        program_fail("%s", fnn_model_error(on)->message);
    if (experiment_stopped) longjmp(job->stop, 1);
    if (on != m && !experiment_same(on, m, m))
        program_fail("%s: a checkpoint of another network", path);
}

/* The share of samples of class 0, which a network that has gone to NaN names for all. */
static inline double experiment_first_class(const fnn_dataset *data)
{
    int64_t first = 0;
    for (int64_t i = 0; i < data->count; i++) first += fnn_dataset_label(data, i) == 0;
    return (double)first / (double)data->count;
}

/* fnn_fit with its history kept in the job, and progress. Epochs without a finite loss get the
 * scores of experiment_accuracy, as the table does. */
static inline void experiment_fit(experiment_job *job, fnn_model *m, const fnn_dataset *data,
                                  const fnn_fit_config *config)
{
    fnn_fit_config c = *config;
    job->config = config;
    c.callback = experiment_after_epoch;
    c.user = job;
    if (job->experiment->resume) experiment_fit_on(job, m, data, &c);
    else if (fnn_fit(m, data, &c, &job->history)) program_fail("%s", fnn_model_error(m)->message);
    for (int i = 0; i < job->history.count; i++) {
        fnn_epoch *epoch = &job->history.epochs[i];
        if (isfinite(epoch->loss) || !data->labels) continue;
        epoch->score = experiment_first_class(data);
        if (config->validation)
            epoch->validation_score = experiment_first_class(config->validation);
    }
}

static inline fnn_metrics experiment_evaluate(const fnn_model *m, const fnn_dataset *data)
{
    fnn_metrics metrics;
    const fnn_result result = fnn_evaluate(m, NULL, data, &metrics);
    if (result) program_fail("evaluation: %s", fnn_result_text(result));
    return metrics;
}

/* The class of outputs y (n): the largest. As in NumPy, which reports used, a NaN is larger than
 * any number and the first one wins: a network that has gone to NaN names class 0 for all, and is
 * right for a tenth of Fashion-MNIST. (The library counts 0.) */
static inline int experiment_class(const fnn_real *y, int n)
{
    int largest = 0;
    for (int k = 1; k < n && !isnan(y[largest]); k++)
        if (!(y[k] <= y[largest])) largest = k;
    return largest;
}

/* The outputs (count, classes) for a data set of classes; free them. */
static inline fnn_real *experiment_outputs(const fnn_model *m, const fnn_dataset *data)
{
    const size_t bytes = (size_t)data->classes * sizeof(fnn_real);
    fnn_real *outputs = (fnn_real *)program_memory((size_t)data->count, bytes);
    const fnn_result result = fnn_predict(m, NULL, data, outputs);
    if (result) program_fail("prediction: %s", fnn_result_text(result));
    return outputs;
}

/* The share of samples whose label is that class, in percent. */
static inline double experiment_accuracy(const fnn_model *m, const fnn_dataset *data)
{
    const fnn_metrics metrics = experiment_evaluate(m, data);
    int64_t hits = 0;
    if (isfinite(metrics.loss)) return 100 * metrics.accuracy;
    fnn_real *outputs = experiment_outputs(m, data);
    for (int64_t i = 0; i < data->count; i++)
        hits += experiment_class(outputs + i * data->classes, data->classes) ==
                fnn_dataset_label(data, i);
    free(outputs);
    return 100 * (double)hits / (double)data->count;
}

/* ---- all runs ---- */

static inline void experiment_free_jobs(experiment *e)
{
    for (int i = 0; i < e->run_count * e->seed_count; i++) fnn_history_free(&e->jobs[i].history);
    free(e->jobs);
}

/* A smoke run makes the first three and the last: the figures of the others stay NaN. */
static inline int experiment_is_made(const experiment *e, int run)
{
    return e->mode != EXPERIMENT_SMOKE || run < 3 || run == e->run_count - 1;
}

/* A fit that is stopped ends its job here: what is half trained is not measured or trained on. */
static inline void experiment_make(experiment_job *job, void (*run)(experiment_job *))
{
    const experiment *e = job->experiment;
    const double start = program_seconds(0);
    char path[1200];
    if (experiment_is_made(e, job->run) && !experiment_stopped && !(job->done > 0))
        if (!setjmp(job->stop))
            run(job), job->whole = 1; /* alone in its condition, as C wants it */
    fnn_model_free(job->on);
    if (job->whole) job->seconds = program_seconds(0) - start;
    EXPERIMENT_ALONE
    {
        job->done = 1;
        experiment_progress(job->experiment);
        if (job->whole && e->kept.text) experiment_keep(job);
    }
    while (job->whole && e->kept.text && e->resume && job->fits > 0) {
        experiment_checkpoint(job, --job->fits, path, sizeof path);
        remove(path);
    }
}

/* Calls run for every row 0 .. runs - 1 with every seed; user is for it to find in job->user: as
 * which table the rows are of. The figures and histories of an earlier call are forgotten: report
 * and plot them before. */
static inline void experiment_each_with(experiment *e, int runs, int seeds,
                                        void (*run)(experiment_job *), void *user)
{
    const int count = runs * seeds;
    experiment_free_jobs(e);
    e->jobs = (experiment_job *)program_memory((size_t)count, sizeof *e->jobs);
    e->run_count = runs;
    e->seed_count = seeds;
    e->each++;
    e->recalled = 0;
    e->each_begun = e->printed = program_seconds(0);
    for (int i = 0; i < count; i++) {
        e->jobs[i].experiment = e;
        e->jobs[i].run = i / seeds;
        e->jobs[i].seed = i % seeds;
        e->jobs[i].user = user;
        for (int k = 0; k < EXPERIMENT_FIGURES; k++) e->jobs[i].figures[k] = EXPERIMENT_UNKNOWN;
        e->jobs[i].done = experiment_recall(&e->jobs[i]);
        e->recalled += e->jobs[i].done;
    }
    /* Wide jobs stay outside of the region: within one, if (!e->wide) or not, OpenMP would start
     * the threads of each of their products anew. */
    const int apart = e->wide ? 0 : count;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(e->threads)
#endif
    for (int i = 0; i < apart; i++) experiment_make(&e->jobs[i], run);
    for (int i = apart; i < count; i++) experiment_make(&e->jobs[i], run);
    if (experiment_stopped) { /* all jobs under way have left their checkpoints */
        fprintf(stderr, "\n%s: stopped; --resume %s goes on\n", e->id, e->resume);
        exit(128 + experiment_stopped);
    }
}

static inline void experiment_each(experiment *e, int runs, int seeds,
                                   void (*run)(experiment_job *))
{
    experiment_each_with(e, runs, seeds, run, NULL);
}

/* ---- figures ---- */

/* Mean and (where not NULL, NaN with one seed) standard deviation of a sample. */
static inline double experiment_mean_of(const double *values, int count, double *deviation)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += values[i];
    const double mean = sum / count;
    for (int i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    if (deviation) *deviation = count > 1 ? sqrt(squares / (count - 1)) : EXPERIMENT_UNKNOWN;
    return mean;
}

/* The same of a figure over the seeds of a run. */
static inline double experiment_mean(const experiment *e, int run, int figure, double *deviation)
{
    double values[1000];
    for (int s = 0; s < e->seed_count; s++)
        values[s] = e->jobs[run * e->seed_count + s].figures[figure];
    return experiment_mean_of(values, e->seed_count, deviation);
}

/* The run with the highest mean of a figure among count of them, the first one unless it is 0. */
static inline int experiment_best(const experiment *e, int figure, int first, int count)
{
    int best = first;
    for (int i = first; i < first + count; i++) {
        const double value = experiment_mean(e, i, figure, NULL);
        const double highest = experiment_mean(e, best, figure, NULL);
        if (value > highest || (isnan(highest) && !isnan(value))) best = i;
    }
    return best;
}

/* The column of a grid (rows, columns) of runs whose means of a figure come nearest to one value a
 * row, all rows together: of the tried rates, say, that which explains a report's figures. */
static inline int experiment_nearest(const experiment *e, int figure, int rows, int columns,
                                     const double *reported)
{
    int nearest = 0;
    double least = (double)INFINITY;
    for (int k = 0; k < columns; k++) {
        double distance = 0;
        for (int i = 0; i < rows; i++)
            distance += fabs(experiment_mean(e, i * columns + k, figure, NULL) - reported[i]);
        if (distance < least) least = distance, nearest = k;
    }
    return nearest;
}

/* A row of the table. reading: "A" the one that explains the report's numbers, "B" the textbook's,
 * "" where there is but one; a word may follow. Metrics in percent end in " %". The configuration
 * is given as to printf: no double quotes, and cut at its size in experiment_row. */
static inline experiment_row *experiment_row_add(experiment *e, const char *reading,
                                                 const char *metric, double reported,
                                                 const char *format, va_list arguments)
{
    if (e->row_count == e->row_capacity) {
        e->row_capacity = 2 * e->row_capacity + 16;
        e->rows = (experiment_row *)experiment_resize(e, e->rows,
                                                      (size_t)e->row_capacity * sizeof *e->rows);
    }
    experiment_row *row = &e->rows[e->row_count++];
    vsnprintf(row->configuration, sizeof row->configuration, format, arguments);
    snprintf(row->reading, sizeof row->reading, "%s", reading);
    snprintf(row->metric, sizeof row->metric, "%s", metric);
    row->reported = reported;
    row->deviation = row->seconds = EXPERIMENT_UNKNOWN;
    row->seeds = 1;
    return row;
}

/* One with a number of the program's own, which may fill in deviation, seeds and seconds, too. */
static inline experiment_row *experiment_report_value(experiment *e, const char *reading,
                                                      const char *metric, double reported,
                                                      double measured, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    experiment_row *row = experiment_row_add(e, reading, metric, reported, format, arguments);
    va_end(arguments);
    row->measured = measured;
    return row;
}

/* One with a figure of the last experiment_each. */
static inline void experiment_report(experiment *e, int run, int figure, const char *reading,
                                     const char *metric, double reported, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    experiment_row *row = experiment_row_add(e, reading, metric, reported, format, arguments);
    va_end(arguments);
    row->measured = experiment_mean(e, run, figure, &row->deviation);
    row->seconds = 0;
    row->seeds = e->seed_count;
    for (int s = 0; s < e->seed_count; s++)
        row->seconds += e->jobs[run * e->seed_count + s].seconds;
    row->seconds /= e->seed_count;
}

/* ---- plots: examples/figures.sh draws them ---- */

static inline experiment_plot *experiment_plot_open(experiment *e, const char *name,
                                                    const char *kind, const char *title,
                                                    const char *x, const char *y)
{
    if (e->plot_count == EXPERIMENT_COUNT(e->plots)) program_fail("too many plots");
    experiment_plot *p = &e->plots[e->plot_count++];
    snprintf(p->name, sizeof p->name, "%s", name);
    experiment_append(&p->text, "# kind: %s\n# title: %s%s\n", kind, title,
                      experiment_modes[e->mode].label);
    if (*x) experiment_append(&p->text, "# x: %s\n", x); /* a sheet has no axes */
    if (*y) experiment_append(&p->text, "# y: %s\n", y);
    return p;
}

/* Which axes of a plot are logarithmic; 0: none. */
enum { EXPERIMENT_LOG_X = 1, EXPERIMENT_LOG_Y = 2 };

/* Lines: rows series,x,y,deviation. name becomes part of file names. */
static inline experiment_plot *experiment_plot_begin(experiment *e, const char *name,
                                                     const char *title, const char *x,
                                                     const char *y, int log)
{
    experiment_plot *p = experiment_plot_open(e, name, "lines", title, x, y);
    experiment_append(&p->text, "# log: %s%s%s\n", log ? "" : "none",
                      log & EXPERIMENT_LOG_X ? "x" : "", log & EXPERIMENT_LOG_Y ? "y" : "");
    return p;
}

/* A point of a series; deviation draws a bar, NaN none. Points that are not finite are left out. */
static inline void experiment_point(experiment *e, experiment_plot *p, const char *series, double x,
                                    double y, double deviation)
{
    (void)e;
    if (!isfinite(x) || !isfinite(y)) return;
    experiment_append(&p->text, "\"%s\",%.6g,%.6g,", series, x, y);
    experiment_append(&p->text, isfinite(deviation) ? "%.3g\n" : "\n", deviation);
}

/* A figure of a run as a point, with its spread over the seeds. */
static inline void experiment_point_of(experiment *e, experiment_plot *p, const char *series,
                                       double x, int run, int figure)
{
    double deviation;
    const double mean = experiment_mean(e, run, figure, &deviation);
    experiment_point(e, p, series, x, mean, deviation);
}

/* The report's value: a point, or with x = EXPERIMENT_UNKNOWN a line across the plot. */
static inline void experiment_reported(experiment *e, experiment_plot *p, const char *label,
                                       double x, double y)
{
    (void)e;
    experiment_append(&p->text, "# reported: \"%s\",", label);
    if (!isnan(x)) experiment_append(&p->text, "%.6g", x);
    experiment_append(&p->text, ",%.6g\n", y);
}

/* What a run's fits did epoch by epoch: losses, or scores in percent, as the mean over the seeds
 * whose fit came as far. */
static inline void experiment_curve(experiment *e, experiment_plot *p, const char *series, int run,
                                    fnn_monitor what)
{
    const experiment_job *jobs = e->jobs + run * e->seed_count;
    double values[1000], deviation;
    for (int i = 0, count = 1; count; i++) {
        int epoch = count = 0;
        for (int s = 0; s < e->seed_count; s++) {
            if (i >= jobs[s].history.count) continue;
            const fnn_epoch *at = &jobs[s].history.epochs[i];
            epoch = at->epoch;
            values[count++] = what == FNN_MONITOR_LOSS              ? at->loss
                              : what == FNN_MONITOR_SCORE           ? 100 * at->score
                              : what == FNN_MONITOR_VALIDATION_LOSS ? at->validation_loss
                                                                    : 100 * at->validation_score;
        }
        const double mean = experiment_mean_of(values, count, &deviation);
        if (count) experiment_point(e, p, series, epoch, mean, deviation);
    }
}

/* The same of both parts as two plots, NAME-loss and NAME-accuracy, of which it returns the latter;
 * train and validation are the names of their series. */
static inline experiment_plot *experiment_plot_history(experiment *e, const char *name,
                                                       const char *title, int run, const char *loss,
                                                       const char *train, const char *validation)
{
    char file[64];
    snprintf(file, sizeof file, "%s-loss", name);
    experiment_plot *p = experiment_plot_begin(e, file, title, "epoch", loss, 0);
    experiment_curve(e, p, train, run, FNN_MONITOR_LOSS);
    experiment_curve(e, p, validation, run, FNN_MONITOR_VALIDATION_LOSS);
    snprintf(file, sizeof file, "%s-accuracy", name);
    p = experiment_plot_begin(e, file, title, "epoch", "accuracy %", 0);
    experiment_curve(e, p, train, run, FNN_MONITOR_SCORE);
    experiment_curve(e, p, validation, run, FNN_MONITOR_VALIDATION_SCORE);
    return p;
}

/* A matrix (rows, columns) as coloured cells with their numbers. Names may be NULL. */
static inline void experiment_matrix(experiment *e, const char *name, const char *title,
                                     const char *x, const char *y, int rows, int columns,
                                     const double *values, const char *const *row_names,
                                     const char *const *column_names)
{
    experiment_plot *p = experiment_plot_open(e, name, "matrix", title, x, y);
    for (int i = 0; row_names && i < rows; i++)
        experiment_append(&p->text, "# name: %s\n", row_names[i]);
    for (int i = 0; column_names && i < columns; i++)
        experiment_append(&p->text, "# column: %s\n", column_names[i]);
    for (int i = 0; i < rows * columns; i++)
        experiment_append(&p->text, "%.5g%s", values[i], (i + 1) % columns ? "," : "\n");
}

/* ---- the end: table and files ---- */

/* A figure as it is shown: percent with two digits behind the point, whole numbers (as a count of
 * parameters) in full, others with six digits in all. */
static inline const char *experiment_show(char text[32], double value, const char *metric)
{
    const size_t length = strlen(metric);
    const int percent = length && metric[length - 1] == '%';
    const int whole = fabs(value) < 1e9 && value == floor(value);
    snprintf(text, 32, percent ? "%.2f" : whole ? "%.0f" : "%.6g", value);
    if (isnan(value)) snprintf(text, 32, "-");
    return text;
}

static inline void experiment_print(const experiment *e)
{
    char reported[32], measured[32], deviation[32], difference[32];
    int wide = 13;
    for (int i = 0; i < e->row_count; i++)
        if ((int)strlen(e->rows[i].configuration) > wide)
            wide = (int)strlen(e->rows[i].configuration);
    printf("%s: %s%s\n%s%-*s  %-8s %-20s %9s %9s %9s %10s %5s %7s\n", e->id, e->title,
           experiment_modes[e->mode].label, e->notes.text, wide, "configuration", "reading",
           "metric", "reported", "measured", "deviation", "difference", "seeds", "seconds");
    for (int i = 0; i < e->row_count; i++) {
        const experiment_row *r = &e->rows[i];
        experiment_show(difference, r->measured - r->reported, r->metric);
        printf("%-*s  %-8s %-20s %9s %9s %9s %10s %5d %7.1f\n", wide, r->configuration, r->reading,
               r->metric, experiment_show(reported, r->reported, r->metric),
               experiment_show(measured, r->measured, r->metric),
               experiment_show(deviation, r->deviation, r->metric),
               e->mode == EXPERIMENT_FULL ? difference : experiment_modes[e->mode].name, r->seeds,
               isnan(r->seconds) ? 0 : r->seconds);
    }
}

/* A figure in a file: nine digits, and nothing for what is not known. */
static inline const char *experiment_cell(char text[32], double value)
{
    snprintf(text, 32, "%.9g", value);
    return isnan(value) ? "" : text;
}

static inline void experiment_append_result(const experiment *e, experiment_text *t)
{
    char reported[32], measured[32], deviation[32], seconds[32];
    experiment_append(t, "# id: %s\n# title: %s\n# mode: %s\n# options: %s%s--seeds %d\n", e->id,
                      e->title, experiment_modes[e->mode].name,
                      e->mode == EXPERIMENT_QUICK ? "--quick " : "",
                      e->mode == EXPERIMENT_SMOKE ? "--smoke " : "", e->seeds);
    experiment_append(t, "# threads: %d\n# library: %s\n%s# seconds: %.1f\n# hash: %s\n%s",
                      e->threads, fnn_info(NULL), e->sources.text, experiment_seconds(e),
                      e->hash ? e->hash : "none", e->notes.text);
    experiment_append(t,
                      "configuration,reading,metric,reported,measured,deviation,seeds,seconds\n");
    for (int i = 0; i < e->row_count; i++) {
        const experiment_row *r = &e->rows[i];
        experiment_append(t, "\"%s\",\"%s\",\"%s\",%s,%s,%s,%d,%s\n", r->configuration, r->reading,
                          r->metric, experiment_cell(reported, r->reported),
                          experiment_cell(measured, r->measured),
                          experiment_cell(deviation, r->deviation), r->seeds,
                          experiment_cell(seconds, floor(r->seconds * 10) / 10));
    }
}

/* Prints the table, writes the files of --csv (the result last), frees everything. Returns what
 * main should. */
static inline int experiment_end(experiment *e)
{
    experiment_text result = {NULL, 0, 0};
    char path[1200];
    experiment_print(e);
    experiment_append_result(e, &result);
    for (int i = 0; i < e->plot_count; i++) {
        if (e->csv) experiment_write(e, e->plots[i].name, ".csv", &e->plots[i].text);
        free(e->plots[i].text.text);
    }
    if (e->csv) experiment_write(e, "", ".csv", &result);
    if (fflush(stdout) || ferror(stdout)) program_fail("the table cannot be written");
    snprintf(path, sizeof path, "%s.jobs", e->files);
    if (e->kept.text) remove(path);
    if (e->resume) experiment_resume_end(e);
    free(result.text);
    free(e->kept.text);
    free(e->notes.text);
    free(e->sources.text);
    free(e->rows);
    experiment_free_jobs(e);
    while (e->owned_count > 0) fnn_dataset_free(&e->owned[--e->owned_count]);
    return 0;
}

#endif /* EXPERIMENT_H */
