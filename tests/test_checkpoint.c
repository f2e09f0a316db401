/* Checkpoints: a kill, a disk that fails or memory that is out, at any moment, leave one that can
 * be gone on with; a damaged one is refused or harmless. With CHECKPOINT_KILLS and _DAMAGES
 * defined: so many of them at random. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "trainings.h"

#ifndef CHECKPOINT_KILLS
#define CHECKPOINT_KILLS (QUICK() ? 30 : 100)
#define CHECKPOINT_DAMAGES (QUICK() ? 2000 : 20000)
#endif

/* ---- programs that end ---- */

enum { CRASHING = 12 }; /* the training of these tests */

/* A checkpoint from within an epoch, in "a" and in memory. */
static file_bytes old_checkpoint(void)
{
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_model_free(stopped_fit(CRASHING, FNN_ISA_BEST, 1, 17, &h));
    fnn_history_free(&h);
    return bytes_of(path_of("a"));
}

/* Goes on from "a" to the end of that epoch, and writes "a", in a process that ends at that moment
 * of the save; returns whether it outlived it. */
static int checkpoint_killed(int moment, int in_place)
{
    int status = 0, next;
    const pid_t child = fork();
    if (child == 0) {
        fnn_model *m = load(path_of("a"), FNN_ISA_BEST, 1);
        fnn_fit_config c = config_of(CRASHING);
        next = m ? (int)m->progress.epochs + 1 : 0;
        c.callback = stop_behind;
        c.user = &next;
        c.checkpoint = path_of("a");
        well();
        disk.kill_at = moment;
        disk.in_place = in_place;
        disk.most = 3000;
        status = fnn_resume(m, &data, &c, NULL) != FNN_OK;
        fnn_model_free(m);
        _exit(status);
    }
    if (!CHECK(child > 0 && waitpid(child, &status, 0) == child)) return 1;
    if (WIFEXITED(status)) return CHECK(WEXITSTATUS(status) == 0), 1;
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return 0;
}

static void a_killed_save_leaves_a_checkpoint(void)
{
    const outcome expected = whole(CRASHING, FNN_ISA_BEST, 1);
    const file_bytes old = old_checkpoint();
    int moment, olds = 0, news = 0, over = 0;
    fflush(NULL);
    for (moment = 1; !over && moment < 300; moment++) {
        file_bytes found;
        write_bytes(path_of("a"), old.bytes, old.size);
        over = checkpoint_killed(moment, 0);
        found = bytes_of(path_of("a"));
        if (same_bytes(found, old)) olds++;
        else news++;
        free(found.bytes);
        CHECKF(same(go_on(load(path_of("a"), FNN_ISA_BEST, 1), CRASHING, NULL), expected),
               "killed at %d", moment);
    }
    CHECKF(over && olds > 10 && news >= 5, "%d old, %d new", olds, news);
    CHECK(files_named(".tmp") > 0); /* the killed ones' */
    free(old.bytes);
}

/* The control: a save that writes into the old file leaves none in between. */
static void a_save_in_place_would_be_noticed(void)
{
    const file_bytes old = old_checkpoint();
    int moment, over = 0, lost = 0;
    fflush(NULL);
    for (moment = 1; !over && moment < 300; moment++) {
        fnn_model *m;
        write_bytes(path_of("a"), old.bytes, old.size);
        over = checkpoint_killed(moment, 1);
        m = fnn_load(path_of("a"), NULL, NULL);
        lost += m == NULL;
        fnn_model_free(m);
    }
    CHECKF(over && lost > 5, "%d lost", lost);
    free(old.bytes);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_seconds(double s)
{
    struct timespec t;
    t.tv_sec = (time_t)s;
    t.tv_nsec = (long)((s - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

/* Trains in another process until it is through or killed after that time. Returns whether it is
 * through. */
static int train_until(double seconds)
{
    int status = 0;
    const pid_t child = start("--train", path_of("a"), CRASHING, FNN_ISA_BEST, 1);
    wait_seconds(seconds);
    if (!CHECK(child > 0) || kill(child, SIGKILL) || waitpid(child, &status, 0) != child) return 1;
    if (WIFSIGNALED(status)) return !CHECK(WTERMSIG(status) == SIGKILL);
    CHECKF(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    return 1;
}

/* Trainings that write a checkpoint after every step, killed at moments of chance, until each is
 * through. A temporary file that is left was being written. */
static void killed_at_any_time_a_training_ends_alike(void)
{
    const outcome expected = whole(CRASHING, FNN_ISA_BEST, 1);
    int kills = 0, within = 0, through = 0, left = 0, round;
    double begun, whole_time;
    empty_directory();
    begun = seconds_now();
    if (status_of(start("--train", path_of("a"), CRASHING, FNN_ISA_BEST, 1)) == 127) {
        SKIP("the program cannot be started anew here");
        return;
    }
    whole_time = seconds_now() - begun;
    for (round = 0; (kills < CHECKPOINT_KILLS || !within) && round < 100 * CHECKPOINT_KILLS &&
                    harness_wrong < 5;
         round++) {
        /* Beyond its whole time, too, each second one near that: a start may take most of it. */
        const double u = sample_unit(1, 2, (uint64_t)round), part = round % 2 ? .75 + .35 * u : u;
        if (!train_until(whole_time * part)) {
            const int before = left;
            left = files_named(".tmp");
            within += left > before;
            kills++;
            continue;
        }
        through++;
        CHECKF(same(outcome_read(path_of("a")), expected), "training %d, after %d kills", through,
               kills);
        empty_directory();
        left = 0;
    }
    CHECKF(kills >= CHECKPOINT_KILLS && through > 1 && within > 0,
           "%d kills, %d within a save, %d trainings", kills, within, through);
    printf("   %d kills, %d of them within a save, of %d trainings\n", kills, within, through);
    empty_directory();
}

/* ---- disks that fail ---- */

static int last_save; /* the first operation of the last save in fit_writing */

/* A fit that writes "a" after each epoch, over the old one there, with what `disk` has fail. */
static fnn_result fit_writing(outcome *o)
{
    const fnn_context_config where = on(FNN_ISA_BEST, 1);
    fnn_model *m = model_of(CRASHING, &where);
    fnn_fit_config c = config_of(CRASHING);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_result result, again;
    fnn_error error;
    c.checkpoint = path_of("a");
    looks = 0;
    result = fnn_fit(m, &data, &c, &h);
    last_save = (int)(strrchr(disk.log, 'c') - disk.log) + 1;
    error = *fnn_model_error(m);
    *o = outcome_of(m, &h);
    if (result) CHECKF(strstr(error.message, "fit: checkpoint: ") != NULL, "%s", error.message);
    disk.fail_at = 0;
    again = fnn_resume(m, &data, &c, &h); /* which has nothing to do but try again */
    CHECKF(!again && same(*o, outcome_of(m, &h)), "again: %d", (int)again);
    if (result) CHECK(!fnn_save_checkpoint(m, path_of("b"), NULL));
    fnn_history_free(&h);
    fnn_model_free(m);
    return result;
}

/* A fit finds out first whether it can write, which is refused where it cannot: nothing is lost. */
enum { TRIAL = 3 }; /* operations: create, write, close */
static void a_path_that_fails_is_refused_first(void)
{
    const file_bytes old = old_checkpoint();
    const int others = files_named(".tmp"); /* of tests before */
    int at;
    for (at = 1; at <= TRIAL; at++) {
        fnn_model *m = model_of(CRASHING, NULL);
        fnn_fit_config c = config_of(CRASHING);
        file_bytes found;
        c.checkpoint = path_of("a");
        well();
        disk.fail_at = at;
        disk.code = ENOSPC;
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_FILE && m->updates == 0);
        CHECKF(strstr(fnn_model_error(m)->message, "No space left"), "%s",
               fnn_model_error(m)->message);
        CHECK(fnn_resume(m, &data, &c, NULL) == FNN_ERROR_STATE); /* there was none */
        found = bytes_of(path_of("a"));
        CHECK(same_bytes(found, old) && files_named(".tmp") == others);
        free(found.bytes);
        fnn_model_free(m);
    }
    well();
    free(old.bytes);
}

/* Whatever fails, the fit goes on, and what is there is a checkpoint. Returns whether nothing
 * failed. */
static int check_fit_failing(int at, int forever, outcome expected, file_bytes last, int save)
{
    outcome o;
    fnn_result result;
    file_bytes found;
    int failed, late;
    well();
    disk.fail_at = at;
    disk.forever = forever;
    disk.code = ENOSPC;
    disk.most = 9000;
    result = fit_writing(&o);
    failed = disk.failed;
    late = failed && (forever || at >= save);
    CHECKF(same(o, expected), "operation %d: the fit ended otherwise", at);
    CHECKF(failed ? result == (late ? FNN_ERROR_FILE : FNN_OK) : !result, "operation %d: %d", at,
           (int)result);
    if (result) {
        found = bytes_of(path_of("b"));
        CHECK(same_bytes(found, last)); /* a retry's */
        free(found.bytes);
    }
    CHECK(files_named(".tmp") == 0);
    CHECKF(same(go_on(load(path_of("a"), FNN_ISA_BEST, 1), CRASHING, NULL), expected),
           "operation %d: another end", at);
    return failed == 0;
}

static void every_operation_of_a_fits_saves_may_fail(void)
{
    const outcome expected = whole(CRASHING, FNN_ISA_BEST, 1);
    const file_bytes old = old_checkpoint();
    file_bytes last;
    outcome o;
    int forever, at, done, save;
    well();
    disk.most = 9000;
    CHECK(!fit_writing(&o) && same(o, expected) && disk.count < (int)sizeof disk.log);
    save = last_save;
    last = bytes_of(path_of("a"));
    for (forever = 0; forever < 2; forever++) {
        for (at = TRIAL + 1, done = 0; !done && at < 500; at += QUICK() ? 7 : 1) {
            write_bytes(path_of("a"), old.bytes, old.size);
            done = check_fit_failing(at, forever, expected, last, save);
        }
        CHECKF(done && at > 60, "%d operations", at);
    }
    free(last.bytes);
    free(old.bytes);
}

static int fill_disk(void *user, const fnn_epoch *epoch)
{
    (void)user, (void)epoch;
    disk.instead = "/dev/full";
    return 0;
}

static void a_full_disk_leaves_the_old_checkpoint(void)
{
    const outcome expected = whole(CRASHING, FNN_ISA_BEST, 1);
    const file_bytes old = old_checkpoint();
    file_bytes found;
    outcome o;
    well();
    if (access("/dev/full", W_OK)) {
        SKIP("this machine has no /dev/full");
    } else {
        fnn_model *m = model_of(CRASHING, NULL);
        fnn_fit_config c = config_of(CRASHING);
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        c.checkpoint = path_of("a");
        c.callback = fill_disk;
        CHECK(fnn_fit(m, &data, &c, &h) == FNN_ERROR_FILE);
        CHECKF(strstr(fnn_model_error(m)->message, "fit: checkpoint: ") &&
                   strstr(fnn_model_error(m)->message, "No space left"),
               "%s", fnn_model_error(m)->message);
        o = outcome_of(m, &h);
        CHECK(same(o, expected));
        found = bytes_of(path_of("a"));
        CHECK(same_bytes(found, old));
        free(found.bytes);
        fnn_history_free(&h);
        fnn_model_free(m);
    }
    well();
    free(old.bytes);
}

/* ---- memory that runs out ---- */

enum { FIT, RESUME, LOAD, LOAD_FROM, COPY, SAVE, CALLS };

static size_t read_file(void *user, void *bytes, size_t capacity)
{
    return fread(bytes, 1, capacity, (FILE *)user);
}

static fnn_model *load_through(const fnn_context_config *where, fnn_error *error)
{
    FILE *stream = fopen(path_of("a"), "rb");
    fnn_model *m = fnn_load_from(read_file, stream, where, error);
    if (stream) fclose(stream);
    return m;
}

typedef struct {
    fnn_context_config where;
    fnn_model *model;
    fnn_history history;
} scarce;

/* One of the calls; *loaded is the model that it makes. */
static fnn_result call(int which, scarce *s, fnn_model **loaded)
{
    fnn_fit_config c = config_of(CRASHING);
    fnn_error error = {FNN_OK, ""};
    c.checkpoint = path_of("b");
    switch (which) {
    case FIT: return fnn_fit(s->model, &data, &c, &s->history);
    case RESUME: return fnn_resume(s->model, &data, &c, &s->history);
    case LOAD: *loaded = fnn_load(path_of("a"), &s->where, &error); break;
    case LOAD_FROM: *loaded = load_through(&s->where, &error); break;
    case COPY: *loaded = fnn_copy(s->model, NULL, &error); break;
    default: return fnn_save_checkpoint(s->model, path_of("b"), NULL);
    }
    CHECK((*loaded == NULL) == (error.code != FNN_OK));
    return error.code;
}

/* What is the outcome of the call, once it has succeeded. */
static outcome call_outcome(int which, scarce *s, fnn_model **loaded)
{
    outcome o;
    if (which == SAVE) return go_on(load(path_of("b"), FNN_ISA_BEST, 1), CRASHING, NULL);
    if (which == FIT || which == RESUME) return outcome_of(s->model, &s->history);
    o = go_on(*loaded, CRASHING, NULL);
    *loaded = NULL;
    return o;
}

/* The call with so many allocations allowed; returns whether they were enough. */
static int check_scarce(int which, int allowed, int once, outcome expected)
{
    budget memory;
    scarce s;
    fnn_model *loaded = NULL;
    fnn_result result;
    int live, done;
    memset(&s, 0, sizeof s);
    s.where = on(FNN_ISA_BEST, 1);
    s.where.allocator = budget_open(&memory);
    s.history.allocator = s.where.allocator;
    well();
    s.model = which == FIT ? model_of(CRASHING, &s.where) : fnn_load(path_of("a"), &s.where, NULL);
    if (which == FIT) fnn_seal(s.model);
    live = memory.live;
    memory.allowed = allowed;
    memory.once = once;
    result = call(which, &s, &loaded);
    memory.allowed = -1;
    done = memory.failed == 0;
    CHECKF(done == (result == FNN_OK) || (which <= RESUME && once && !result),
           "call %d after %d: %d", which, allowed, (int)result);
    if (result && which > RESUME) CHECK(result == FNN_ERROR_MEMORY && memory.live == live);
    if (result == FNN_ERROR_FILE) CHECK(!fnn_save_checkpoint(s.model, path_of("b"), NULL));
    else if (result)
        CHECKF(!call(which, &s, &loaded), "call %d after %d: not again: %s", which, allowed,
               fnn_model_error(s.model)->message);
    CHECKF(same(call_outcome(which, &s, &loaded), expected), "call %d after %d: another outcome",
           which, allowed);
    fnn_history_free(&s.history);
    fnn_model_free(s.model);
    CHECKF(memory.live == 0, "call %d after %d: %d blocks leak", which, allowed, memory.live);
    return done;
}

static void every_allocation_may_fail(void)
{
    const outcome expected = whole(CRASHING, FNN_ISA_BEST, 1);
    const file_bytes old = old_checkpoint();
    int which, once, allowed, done;
    for (which = 0; which < CALLS; which++)
        for (once = 0; once < 2; once++) {
            for (allowed = 0, done = 0; !done && allowed < 100; allowed++)
                done = check_scarce(which, allowed, once, expected);
            CHECKF(done && allowed >= (which == SAVE ? 2 : 7), "call %d: %d allocations", which,
                   allowed);
        }
    free(old.bytes);
}

/* A history gets all epochs that it lacks, also those beyond the configuration's, or the call fails
 * and may be tried again. */
static void a_history_is_completed_or_the_call_fails(void)
{
    fnn_history before = {NULL, 0, 0, {NULL, NULL, NULL}};
    int allowed, done;
    fnn_model_free(stopped_fit(CRASHING, FNN_ISA_BEST, 1, 50, &before));
    fnn_history_free(&before);
    for (allowed = 0, done = 0; !done && allowed < 30; allowed++) {
        fnn_model *m = load(path_of("a"), FNN_ISA_BEST, 1);
        fnn_fit_config c = config_of(CRASHING);
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        budget memory;
        fnn_result result;
        c.epochs = 1;
        h.allocator = budget_open(&memory);
        memory.allowed = allowed;
        result = fnn_resume(m, &data, &c, &h);
        done = memory.failed == 0;
        CHECKF(result == (done ? FNN_OK : FNN_ERROR_MEMORY), "after %d: %d", allowed, (int)result);
        memory.allowed = -1;
        if (!done) CHECK(!fnn_resume(m, &data, &c, &h));
        CHECKF(h.count == (int)m->progress.epochs && h.count > 2, "after %d: %d of %d epochs",
               allowed, h.count, (int)m->progress.epochs);
        fnn_history_free(&h);
        fnn_model_free(m);
        CHECK(memory.live == 0);
    }
    CHECK(done);
}

/* ---- hostile files ---- */

static fnn_dataset tiny_data(void)
{
    samples_make(SMALL_ROWS);
    return with_labels(images_of(pixels, 13, 2, 1, 1), labels, CLASSES);
}

static fnn_fit_config tiny_config(void)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(.01);
    c.schedule = fnn_schedule_step_decay(1, .9);
    c.epochs = 5;
    c.batch_size = 4;
    c.ema_decay = .9;
    c.restore_best = 1;
    c.patience = 2;
    c.monitor = FNN_MONITOR_LOSS;
    c.stop = &stop;
    return c;
}

/* A small checkpoint, two epochs and two steps old, of the float library. */
static file_bytes tiny_file(void)
{
    const fnn_dataset tiny = tiny_data();
    fnn_model *m = fnn_sequential(2, 1, 1);
    fnn_fit_config c = tiny_config();
    fnn_dense(m, 2, FNN_RELU);
    fnn_batch_norm(m);
    fnn_dropout(m, (fnn_real)0.2);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_set_rate_factor(m, 0, .5);
    fnn_set_trainable(m, 3, 0);
    c.checkpoint = path_of("tiny");
    c.checkpoint_minutes = 1e9;
    well();
    stop_after_look = 26;
    CHECK(!fnn_fit(m, &tiny, &c, NULL) && stop);
    CHECKF(m->progress.epochs == 2 && m->progress.step == 2, "%d epochs, %d steps",
           (int)m->progress.epochs, (int)m->progress.step);
    fnn_model_free(m);
    return bytes_of(path_of("tiny"));
}

/* A loaded checkpoint holds what fnn_memory_size says, and what the optimiser remembers. */
static void memory_is_what_memory_size_says(void)
{
    fnn_context_config where = on(FNN_ISA_BEST, 1);
    const file_bytes old = tiny_file();
    budget memory;
    fnn_model *m;
    where.allocator = budget_open(&memory);
    m = fnn_load_memory(old.bytes, old.size, &where, NULL);
    if (CHECK(m != NULL)) {
        const size_t state = fnni_block(fnni_state_count(m, m->state_kind), sizeof(fnn_real));
        CHECKF(memory.held == fnn_memory_size(m, 0) + state, "%d, not %d and %d", (int)memory.held,
               (int)fnn_memory_size(m, 0), (int)state);
        CHECK(memory.held <= fnn_memory_size(m, 4));
    }
    fnn_model_free(m);
    free(old.bytes);
}

/* Whether the bytes load; then the model must be good to predict, to resume, to fit, to save. */
static int loads(file_bytes f, fnn_error *error)
{
    const fnn_dataset tiny = tiny_data();
    fnn_context_config where = on(FNN_ISA_BEST, 1);
    fnn_fit_config c = tiny_config();
    static fnn_real y[13 * CLASSES];
    fnn_model *m;
    budget memory;
    where.allocator = budget_open(&memory);
    memset(error, 0, sizeof *error);
    well();
    m = fnn_load_memory(f.bytes, f.size, &where, error);
    if (m && m->layers[m->layer_count - 1].outputs == CLASSES) {
        fnn_predict(m, NULL, &tiny, y);
        if (fnn_resume(m, &tiny, &c, NULL) != FNN_OK) fnn_fit(m, &tiny, &c, NULL);
        fnn_save_checkpoint(m, path_of("resumed"), NULL);
    }
    fnn_model_free(m);
    CHECKF(memory.live == 0, "%d blocks leak: %s", memory.live, error->message);
    return m != NULL;
}

static void every_truncation_is_refused(void)
{
    file_bytes f = tiny_file();
    fnn_error error;
    size_t size;
    CHECK(loads(f, &error));
    for (size = 0; size < f.size; size++) {
        file_bytes cut = bytes_copy(f.bytes, size);
        CHECKF(!loads(cut, &error), "%d of %d bytes load", (int)size, (int)f.size);
        sum_again(cut);
        CHECKF(!loads(cut, &error), "%d of %d bytes load", (int)size, (int)f.size);
        free(cut.bytes);
    }
    free(f.bytes);
}

static void every_flipped_bit_is_refused(void)
{
    file_bytes f = tiny_file();
    fnn_error error;
    size_t bit;
    CHECK(loads(f, &error));
    for (bit = 0; bit < 8 * f.size; bit += QUICK() ? 7 : 1) {
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECKF(!loads(f, &error), "bit %d loads", (int)bit);
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(f.bytes);
}

/* A checkpoint whose sum is right, or that has none, but whose words are not. */
static const damage damages[] = {
    {"optimizer adam", "optimizer adan", "expected words and numbers, found \"optimizer adan\""},
    {"optimizer adam", "optimizer", "found \"optimizer\""},
    {"optimizer adam", "optimizer adam 1", "found \"optimizer adam 1\""},
    {"optimizer adam", "optimizer sgd", "training.state: expected shape [0, 19]"},
    {"optimizer adam", "optimizer momentum", "training.state: expected shape [1, "},
    {"optimizer adam", "optimizer none", "training.state: expected shape [0, 19]"},
    {"optimizer adam; ", "", "training.state: expected shape [0, 19]"},
    {"layer 0 trained 0.5", "layer 9 trained 0.5", "found \" layer 9 trained 0.5\""},
    {"layer 0 trained 0.5", "layer -1 trained 0.5", "found \" layer -1 trained 0.5\""},
    {"layer 0 trained 0.5", "layer 0 trained -1", "found \" layer 0 trained -1\""},
    {"layer 0 trained 0.5", "layer 0 trained nan", "found \" layer 0 trained nan\""},
    {"layer 0 trained 0.5", "layer 0 trained 1e999", "found \" layer 0 trained 1e999\""},
    {"layer 0 trained 0.5", "layer 0 slowed 0.5", "found \" layer 0 slowed 0.5\""},
    {"layer 0 trained 0.5", "layer 0 trained", "found \" layer 0 trained\""},
    {"layer 0 trained 0.5", "layer 0 trained 0.5 -1", "found \" layer 0 trained 0.5 -1\""},
    {"layer 0 trained 0.5", "layer 0 trained 0.5 1 1", "found \" layer 0 trained 0.5 1 1\""},
    {"layer 0 trained 0.5", "layer 0 trained 0.5 99999", "steps: numbers that no fit has"},
    {"; steps 10", "", "expected words and numbers, found \"too few\""},
    {"; steps 10", "; steps 10; steps 10", "found \" steps 10\""},
    {"; steps 10", "; steps -1", "found \" steps -1\""},
    {"; steps 10", "; steps 1e1", "found \" steps 1e1\""},
    {"; steps 10", "; steps 18446744073709551616", "found \" steps 18446744073709551616\""},
    {"; steps 10", ";; steps 10", "found \"\""},
    {"; steps 10", "; steps 10;", "found \"\""},
    {"; steps 10", "; stepz 10", "found \" stepz 10\""},
    {"; samples 13", "; samples 18446744073709551615", "numbers that no fit has"},
    {"; samples 13", "; samples 7", "numbers that no fit has"}, /* below the position */
    {"; batch_size 4", "; batch_size 9223372036854775808", "numbers that no fit has"},
    {"; epoch_steps 0", "; epoch_steps 9223372036854775808", "numbers that no fit has"},
    {"; keeps_average 1", "; keeps_average 2", "numbers that no fit has"},
    {"; keeps_average 1", "; keeps_average 0", "numbers that no fit has"}, /* but shown */
    {"; keeps_best 1", "; keeps_best 2", "numbers that no fit has"},
    {"; keeps_best 1", "; keeps_best 0", "numbers that no fit has"}, /* but shown */
    {"; shows_average 1", "; shows_average 2", "numbers that no fit has"},
    {"; shows_best 1", "; shows_best 2", "numbers that no fit has"},
    {"; epochs 2", "; epochs 2147483648", "numbers that no fit has"},
    {"; epochs 2", "; epochs 18446744073709551615", "numbers that no fit has"},
    {"; epochs 2", "; epochs 3", "training.history: expected shape [3, 8], found [2, 8]"},
    {"; step 2", "; step 18446744073709551615", "numbers that no fit has"},
    {"; step 2", "; step 11", "numbers that no fit has"}, /* of 10 steps in all */
    {"; fit_steps 10", "; fit_steps 9223372036854775807", "numbers that no fit has"},
    {"; fit_steps 10", "; fit_steps 18446744073709551615", "numbers that no fit has"},
    {"; position 8", "; position 14", "numbers that no fit has"},
    {"; position 8", "; position 18446744073709551615", "numbers that no fit has"},
    {"; seen 8", "; seen 9223372036854775807", "numbers that no fit has"},
    {"; seen 8", "; seen 18446744073709551615", "numbers that no fit has"},
    {"; waited ", "; waited 2147483647", "numbers that no fit has"},
    {"; monitor 2", "; monitor 4", "numbers that no fit has"},
    {"; monitor 2", "; monitor 18446744073709551615", "numbers that no fit has"},
    {"; shuffle 1", "; shuffle 2", "numbers that no fit has"},
    {"\"fnn.training\"", "\"fnn.training\":\"\",\"fnn.training\"", "found twice"},
    {"\"fnn.training\"", "\"fnn.strained\"",
     "expected tensors of the model, found \"training.state\""},
    {"\"training.state\"", "\"training.stats\"",
     "expected tensors of the model, found \"training.stats\""},
    {"\"training.state\"", "\"training.best\"", "training.best: expected shape [1, "},
    {"\"training.best\"", "\"training.average\"", "training.average: expected once, found twice"},
    {"\"training.history\":{\"dtype\":\"F64\"", "\"training.history\":{\"dtype\":\"F32\"",
     "training.history: expected F64, found F32"},
    {"\"training.average\":{\"dtype\":\"F32\"", "\"training.average\":{\"dtype\":\"F64\"",
     "training.average: expected F32, found F64"},
    {"\"shape\":[2,8]", "\"shape\":[8,2]", "training.history: expected shape [2, 8], found [8, 2]"},
    {"\"shape\":[2,8]", "\"shape\":[16]", "training.history: expected shape [2, 8], found [16]"},
};

static void every_damage_is_named(void)
{
    file_bytes good = tiny_file(), without = bytes_copy(good.bytes, good.size);
    fnn_error error;
    int i;
    without_sum(&without);
    CHECK(loads(good, &error) && loads(without, &error));
    if (sizeof(fnn_real) != 4) SKIP("the table is of the float library's file");
    for (i = 0; sizeof(fnn_real) == 4 && i < COUNT(damages); i++) {
        check_damage(loads, good, damages[i].from, damages[i].to, damages[i].words);
        check_damage(loads, without, damages[i].from, damages[i].to, damages[i].words);
    }
    free(good.bytes);
    free(without.bytes);
}

/* Each number at its extremes, alone and with the others' that belong to it: refused, or resumed
 * without a step beyond an array or a sum. */
static void extreme_numbers_do_no_harm(void)
{
    static const uint64_t extremes[] = {0,
                                        1,
                                        2,
                                        3,
                                        4,
                                        5,
                                        12,
                                        13,
                                        INT_MAX - 1,
                                        INT_MAX,
                                        (uint64_t)INT_MAX + 1,
                                        UINT32_MAX,
                                        (uint64_t)1 << 53,
                                        ((uint64_t)1 << 62) - 1,
                                        (uint64_t)1 << 62,
                                        INT64_MAX - 1,
                                        INT64_MAX,
                                        (uint64_t)INT64_MAX + 1,
                                        UINT64_MAX - 1,
                                        UINT64_MAX,
                                        0x7ff0000000000000u /* infinity */,
                                        0x7ff8000000000000u /* NaN */,
                                        0x7fefffffffffffffu};
    const file_bytes good = tiny_file();
    int i, k, loaded = 0, refused = 0;
    for (i = 0; i < FNNI_TRAINING_COUNT; i++)
        for (k = 0; k < COUNT(extremes); k++) {
            const char *name = fnni_training_names[i];
            file_bytes f = with_number(good, name, extremes[k]), g;
            fnn_error error;
            if (!strcmp(name, "updates")) {
                g = with_number(f, "updates_then", extremes[k]);
                free(f.bytes);
                f = g;
            }
            if (!strcmp(name, "step") || !strcmp(name, "seen")) {
                g = with_number(f, "fit_steps", extremes[k]);
                loaded += loads(g, &error);
                free(g.bytes);
            }
            if (loads(f, &error)) loaded++;
            else refused++;
            free(f.bytes);
        }
    CHECKF(loaded > 150 && refused > 50, "%d load, %d are refused", loaded, refused);
    free(good.bytes);
}

/* Bytes of chance in the header, mostly in the training's text, and in the numbers. */
static void random_damage_does_no_harm(void)
{
    static const char alphabet[] = "0123456789;  abest.\"{}[],-";
    const file_bytes good = tiny_file();
    const size_t header = 8 + header_size(good);
    const char *training = strstr((const char *)good.bytes + 8, "fnn.training");
    const size_t from = training ? (size_t)(training - (const char *)good.bytes) : 8;
    int round, loaded = 0, rounds = CHECKPOINT_DAMAGES;
    for (round = 0; round < rounds; round++) {
        file_bytes f = bytes_copy(good.bytes, good.size);
        const uint64_t stream = (uint64_t)round;
        const int changes = 1 + sample_below(7, stream, 0, 3);
        fnn_error error;
        int i;
        for (i = 1; i <= changes; i++) {
            const int where = sample_below(7, stream, (uint64_t)(4 * i), 8);
            const size_t begin = where == 0 ? 0 : where == 1 ? header : from;
            const size_t end = where == 0 ? header : where == 1 ? f.size : from + 500;
            const size_t at =
                begin + (size_t)sample_below(7, stream, (uint64_t)(4 * i + 1), (int)(end - begin));
            const int any = sample_below(7, stream, (uint64_t)(4 * i + 2), 256);
            f.bytes[at] =
                where < 2 ? (uint8_t)any : (uint8_t)alphabet[any % (int)(sizeof alphabet - 1)];
        }
        sum_again(f);
        loaded += loads(f, &error);
        free(f.bytes);
    }
    CHECKF(loaded > rounds / 50 && loaded < rounds / 2, "%d of %d load", loaded, rounds);
    free(good.bytes);
}

static const harness_test tests[] = {
    TEST(a_killed_save_leaves_a_checkpoint),
    TEST(a_save_in_place_would_be_noticed),
    TEST(a_path_that_fails_is_refused_first),
    TEST(killed_at_any_time_a_training_ends_alike),
    TEST(every_operation_of_a_fits_saves_may_fail),
    TEST(a_full_disk_leaves_the_old_checkpoint),
    TEST(every_allocation_may_fail),
    TEST(a_history_is_completed_or_the_call_fails),
    TEST(memory_is_what_memory_size_says),
    TEST(every_truncation_is_refused),
    TEST(every_flipped_bit_is_refused),
    TEST(every_damage_is_named),
    TEST(extreme_numbers_do_no_harm),
    TEST(random_damage_does_no_harm),
};
TRAININGS_MAIN(tests)
