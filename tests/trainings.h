/* Trainings that tests interrupt: models and configurations with everything on, a sum of all that
 * came of one, a clock that tells them when to stop, and this program started anew as another
 * process, which goes on. Holds the library itself, as disk.h: FMNIST_NN_IMPLEMENTATION must be
 * defined. Include first. */
#ifndef TRAININGS_H
#define TRAININGS_H
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a clock that the tests set: each look at it takes a millisecond ---- */

static volatile int stop;   /* what a fit's config looks at */
static int stop_after_look; /* the look at the clock that sets it, 0: none; a fit with
                               checkpoint_minutes looks after each step */
static long looks;

static int test_clock(struct timespec *t)
{
    looks++;
    if (stop_after_look > 0 && --stop_after_look == 0) stop = 1;
    t->tv_sec = (time_t)(looks / 1000);
    t->tv_nsec = looks % 1000 * 1000000;
    return 0;
}

#define clock_gettime(which, time) test_clock(time)
#include "disk.h"
#undef clock_gettime
#include "budget.h"
#include "harness.h"
#include "model_files.h"
#include "samples.h"
#include "sha256.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))
enum { SIDE = 6, INPUTS = SIDE * SIDE, CLASSES = 3, ROWS = 90, SMALL_ROWS = 37, TESTED = 20 };
enum { EPOCHS = 10 };

/* ---- what is trained ---- */

static uint8_t pixels[(ROWS + TESTED) * INPUTS];
static int32_t labels[ROWS + TESTED];
static fnn_real weights[ROWS + TESTED];
static const fnn_real class_weights[CLASSES] = {1, (fnn_real)0.5, 2};
static fnn_dataset data, tested;

static inline void samples_make(int rows)
{
    fill_bands(pixels, labels, ROWS + TESTED, INPUTS, CLASSES, INPUTS / CLASSES, 200, 40);
    fill_reals(weights, ROWS + TESTED, 3, 4);
    data = with_labels(images_of(pixels, rows, SIDE, SIDE, 1), labels, CLASSES);
    for (; rows > 0; rows--) weights[rows - 1] += 1;
    data.weights = weights;
    data.class_weights = class_weights;
    tested = with_labels(images_of(pixels + ROWS * INPUTS, TESTED, SIDE, SIDE, 1), labels + ROWS,
                         CLASSES);
}

/* A training: an MLP (even) or a CNN (odd) with everything on, one for each optimiser, beginning
 * with sgd; the schedule and the steps of an epoch change with the number. WIDE + number: layers
 * large enough for four threads. */
enum { SETUPS = 16, WIDE = 100 };

static inline fnn_optimizer optimizer_of(int setup)
{
    switch (setup % WIDE / 2) {
    case 0: return fnn_sgd(.05);
    case 1: return fnn_momentum(.02, .9);
    case 2: return fnn_nesterov(.02, .9);
    case 3: return fnn_adagrad(.05);
    case 4: return fnn_adadelta(1);
    case 5: return fnn_rmsprop(.003);
    case 6: return fnn_adam(.01);
    default: return fnn_pytorch(fnn_adamw(.01, .02));
    }
}

static inline fnn_schedule schedule_of(int setup)
{
    fnn_schedule s = setup % 4 == 0   ? fnn_schedule_cosine(.01)
                     : setup % 4 == 1 ? fnn_schedule_one_cycle()
                     : setup % 4 == 2 ? fnn_schedule_step_decay(3, .5)
                                      : fnn_schedule_linear();
    s.warmup_steps = 7;
    return s;
}

static inline fnn_fit_config config_of(int setup)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = optimizer_of(setup);
    c.schedule = schedule_of(setup);
    c.epochs = EPOCHS;
    c.batch_size = setup < WIDE ? 8 : 32;
    c.steps_per_epoch = setup % 3 == 0 ? 0 : setup % 3 == 1 ? 4 : 7; /* of 5, of 3: they straddle */
    c.seed = 11;
    c.augmentation.flip = setup & 2 ? FNN_FLIP_ALTERNATING : FNN_FLIP_RANDOM;
    c.augmentation.shift = 1;
    c.augmentation.cutout_size = 2;
    c.augmentation.cutout_probability = .5;
    c.validation = &tested;
    c.l2 = (fnn_real)1e-3;
    c.l1 = (fnn_real)1e-4;
    c.clip_norm = 1;
    c.ema_decay = setup % 5 == 4 ? 0 : .9;
    c.patience = 6;
    c.restore_best = setup % 7 != 3;
    c.stop = &stop;
    return c;
}

static inline void layers_make(fnn_model *m, int setup)
{
    const int wide = setup >= WIDE;
    if (setup % 2) {
        fnn_conv2d(m, wide ? 16 : 4, 3, FNN_SAME, FNN_RELU);
        fnn_batch_norm(m);
        fnn_spatial_dropout(m, (fnn_real)0.2);
        fnn_conv2d(m, wide ? 16 : 5, 3, FNN_SAME, FNN_RELU); /* frozen */
        fnn_max_pool2d(m, 2);
        fnn_conv2d(m, 5, 3, FNN_VALID, FNN_TANH);
        fnn_dense(m, 7, FNN_RELU);
    } else {
        fnn_dense(m, wide ? 400 : 9, FNN_RELU);
        fnn_batch_norm(m);
        fnn_dropout(m, (fnn_real)0.3);
        fnn_dense(m, wide ? 100 : 8, FNN_TANH);
        fnn_batch_norm(m);
        fnn_dense(m, 6, FNN_GELU);
    }
    fnn_dropout(m, (fnn_real)0.2);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

static inline fnn_model *model_of(int setup, const fnn_context_config *config)
{
    fnn_model *m;
    samples_make(setup < WIDE ? SMALL_ROWS : ROWS);
    m = fnn_sequential_with(config, SIDE, SIDE, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_set_seed(m, 5);
    layers_make(m, setup);
    fnn_set_trainable(m, 3, 0);
    fnn_set_rate_factor(m, 0, .3);
    return m;
}

static inline fnn_context_config on(int isa, int threads)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = (fnn_isa)isa;
    config.threads = threads;
    return config;
}

/* ---- what came of it ---- */

static inline void add_reals(sha256 *s, const fnn_real *x, size_t count)
{
    if (x) sha256_add(s, x, count * sizeof *x);
}

/* An epoch but its seconds. */
static inline void add_epoch(sha256 *s, const fnn_epoch *e)
{
    const double figures[] = {(double)e->epoch,   (double)e->step,     e->loss,         e->score,
                              e->validation_loss, e->validation_score, e->learning_rate};
    sha256_add(s, figures, sizeof figures);
}

typedef struct {
    char hex[SHA256_HEX + 1];
} outcome;

/* All that training has made: weights, statistics, what the optimiser remembers, averages, best
 * weights, how far it is, its history. */
static inline outcome outcome_of(fnn_model *m, const fnn_history *history)
{
    void *places[FNNI_TRAINING_COUNT];
    const fnni_progress *p = &m->progress;
    sha256 s = sha256_start();
    outcome o;
    int64_t e;
    int i;
    add_reals(&s, m->parameters, m->parameter_count);
    add_reals(&s, m->statistics, m->statistics_count);
    add_reals(&s, m->state, fnni_state_count(m, m->state_kind));
    add_reals(&s, p->average, fnni_trained_count(m));
    add_reals(&s, p->best, fnni_trained_count(m));
    fnni_training_places(m, places);
    for (i = 0; i < FNNI_TRAINING_COUNT; i++)
        if (places[i] != &p->seconds) sha256_add(&s, places[i], 8);
    for (e = 0; e < p->epochs; e++) {
        sha256_add(&s, p->history + FNNI_EPOCH_FIGURES * e, 6 * sizeof(double));
        sha256_add(&s, p->history + FNNI_EPOCH_FIGURES * e + 7, sizeof(double));
    }
    for (i = 0; history && i < history->count; i++) add_epoch(&s, history->epochs + i);
    sha256_end(&s, o.hex);
    return o;
}

static inline int same(outcome a, outcome b)
{
    return !strcmp(a.hex, b.hex);
}

static inline void well(void)
{
    disk_well();
    stop = stop_after_look = 0;
    looks = 0;
}

static inline outcome no_outcome(void)
{
    outcome o;
    memset(&o, 0, sizeof o);
    return o;
}

/* A fit from its beginning to its end. */
static inline outcome whole(int setup, int isa, int threads)
{
    const fnn_context_config where = on(isa, threads);
    fnn_model *m = model_of(setup, &where);
    const fnn_fit_config c = config_of(setup);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    outcome o;
    well();
    CHECKF(!fnn_fit(m, &data, &c, &h), "setup %d: %s", setup, fnn_model_error(m)->message);
    o = outcome_of(m, &h);
    fnn_history_free(&h);
    fnn_model_free(m);
    return o;
}

/* Goes on with a model to the fit's end, and frees it. */
static inline outcome go_on(fnn_model *m, int setup, fnn_history *history)
{
    const fnn_fit_config c = config_of(setup);
    fnn_history own = {NULL, 0, 0, {NULL, NULL, NULL}};
    outcome o = no_outcome();
    well();
    if (!history) history = &own;
    if (CHECKF(m && !fnn_resume(m, &data, &c, history), "setup %d: %s", setup,
               fnn_model_error(m)->message))
        o = outcome_of(m, history);
    fnn_history_free(history);
    fnn_model_free(m);
    return o;
}

static inline fnn_model *load(const char *path, int isa, int threads)
{
    const fnn_context_config where = on(isa, threads);
    fnn_error error;
    fnn_model *m;
    well();
    m = fnn_load(path, &where, &error);
    CHECKF(m != NULL, "%s", m ? "" : error.message);
    return m;
}

/* Whether two models predict the same of the test's samples. */
static inline int predict_alike(const fnn_model *a, const fnn_model *b)
{
    static fnn_real x[TESTED * CLASSES], y[TESTED * CLASSES];
    return !fnn_predict(a, NULL, &tested, x) && !fnn_predict(b, NULL, &tested, y) &&
           !memcmp(x, y, sizeof x);
}

/* A callback that stops after the epoch in *user. */
static inline int stop_behind(void *user, const fnn_epoch *e)
{
    return e->epoch == *(int *)user;
}

/* A fit that the clock stops after so many looks, its checkpoint in file "a"; NULL where it was
 * through before. */
static inline fnn_model *stopped_fit(int setup, int isa, int threads, int at, fnn_history *h)
{
    const fnn_context_config where = on(isa, threads);
    fnn_model *m = model_of(setup, &where);
    fnn_fit_config c = config_of(setup);
    c.checkpoint = path_of("a");
    c.checkpoint_epochs = 0;
    c.checkpoint_minutes = 1e9;
    well();
    stop_after_look = at;
    CHECK(!fnn_fit(m, &data, &c, h));
    if (stop) return m;
    fnn_model_free(m);
    fnn_history_free(h);
    return NULL;
}

/* ---- another process ---- */

static const char *program; /* this one's path */

/* Starts the program anew with these words; returns the child. */
static inline pid_t start(const char *what, const char *path, int setup, int isa, int threads)
{
    char number[3][20];
    char *words[7];
    pid_t child;
    snprintf(number[0], sizeof number[0], "%d", setup);
    snprintf(number[1], sizeof number[1], "%d", isa);
    snprintf(number[2], sizeof number[2], "%d", threads);
    words[0] = (char *)program;
    words[1] = (char *)what;
    words[2] = (char *)path;
    words[3] = number[0];
    words[4] = number[1];
    words[5] = number[2];
    words[6] = NULL;
    fflush(NULL);
    child = fork();
    if (child != 0) return child;
    execv(program, words);
    _exit(127);
}

/* 127: cannot be started, as under an emulator. */
static inline int status_of(pid_t child)
{
    int status = -1;
    if (!CHECK(child > 0 && waitpid(child, &status, 0) == child)) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The file beside a checkpoint in which the other process says what came of it. */
static inline const char *outcome_path(const char *path)
{
    static char name[500];
    snprintf(name, sizeof name, "%s.outcome", path);
    return name;
}

static inline outcome outcome_read(const char *path)
{
    file_bytes f = bytes_of(outcome_path(path));
    outcome o = no_outcome();
    if (f.size == SHA256_HEX) memcpy(o.hex, f.bytes, SHA256_HEX);
    free(f.bytes);
    return o;
}

/* What the other process does: goes on with the checkpoint at path, or begins where there is none,
 * a checkpoint after each step, to the end. */
static inline int other_process(char **words)
{
    const char *path = words[2];
    const int setup = atoi(words[3]), begins = !strcmp(words[1], "--train") && access(path, R_OK);
    const fnn_context_config where = on(atoi(words[4]), atoi(words[5]));
    fnn_model *m = model_of(setup, &where);
    fnn_fit_config c = config_of(setup);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_result result;
    if (!begins) fnn_model_free(m), m = fnn_load(path, &where, NULL);
    if (!strcmp(words[1], "--train")) {
        c.checkpoint = path;
        c.checkpoint_minutes = 1e-9;
    }
    result = begins ? fnn_fit(m, &data, &c, &h) : fnn_resume(m, &data, &c, &h);
    if (!result) write_bytes(outcome_path(path), outcome_of(m, &h).hex, SHA256_HEX);
    else fprintf(stderr, "  the other process: %s\n", fnn_model_error(m)->message);
    fnn_history_free(&h);
    fnn_model_free(m);
    return result != FNN_OK;
}

/* A program of these tests, or the other process of one. */
#define TRAININGS_MAIN(tests)                                                    \
    int main(int argc, char **argv)                                              \
    {                                                                            \
        program = argv[0];                                                       \
        if (argc == 6 && !strncmp(argv[1], "--", 2)) return other_process(argv); \
        return harness_main(tests, COUNT(tests), argc, argv);                    \
    }
#endif
