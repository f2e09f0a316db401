/* A fit that was interrupted, in any way and at any step, and went on, from a file in another
 * process too, ends with the bits of one that was not; what cannot be gone on with is refused. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "trainings.h"

/* ---- interrupted in memory, at every step ---- */

/* Stopped after every step, then on in the same model, in a copy, and from the file. */
static void check_every_step(int setup, int isa)
{
    const outcome expected = whole(setup, isa, 1);
    int at, steps = 0, within = 0;
    for (at = 1; harness_wrong < 5; at += QUICK() ? 5 : 1) {
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        fnn_model *m = stopped_fit(setup, isa, 1, at, &h), *copy, *loaded;
        if (!m) break;
        steps++;
        within += m->progress.step > 0;
        copy = fnn_copy(m, NULL, NULL);
        loaded = load(path_of("a"), isa, 1);
        CHECK(loaded && predict_alike(m, loaded));
        CHECKF(same(go_on(m, setup, &h), expected), "setup %d, look %d: in memory", setup, at);
        CHECKF(same(go_on(copy, setup, NULL), expected), "setup %d, look %d: copied", setup, at);
        CHECKF(same(go_on(loaded, setup, NULL), expected), "setup %d, look %d: file", setup, at);
    }
    CHECKF(steps >= (QUICK() ? 5 : 25) && within > steps / 2, "%d stops, %d within epochs", steps,
           within);
}

/* Every training on the best instruction set, Adam's on all. */
static void a_stop_after_any_step_leaves_no_trace(void)
{
    int isa, setup;
    for (setup = 0; setup < SETUPS && harness_wrong < 5; setup += QUICK() ? 5 : 1)
        check_every_step(setup, FNN_ISA_BEST);
    FOR_EACH_ISA(isa) check_every_step(12, isa), check_every_step(13, isa);
}

/* ---- every other way to be interrupted ---- */

/* After each epoch by the callback's word, also twice. */
static void check_callbacks(int setup, int isa, outcome expected)
{
    int first, second, i;
    for (first = 1; first < EPOCHS; first += 4)
        for (second = first; second < EPOCHS; second += 3) {
            const fnn_context_config where = on(isa, 1);
            fnn_model *m = model_of(setup, &where);
            fnn_fit_config c = config_of(setup);
            fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
            int at = first;
            c.callback = stop_behind;
            c.user = &at;
            well();
            CHECK(!fnn_fit(m, &data, &c, &h));
            at = second;
            if (second > first) CHECK(!fnn_resume(m, &data, &c, &h));
            for (i = 1; i < h.count; i++) CHECK(h.epochs[i].epoch == h.epochs[i - 1].epoch + 1);
            CHECKF(same(go_on(m, setup, &h), expected), "setup %d: epochs %d, %d", setup, first,
                   second);
        }
}

/* From the n-th file that a fit writes after every step: then the disk is full for good. */
static void check_minutes(int setup, int isa, outcome expected)
{
    int n, last = 0;
    for (n = 1; !last && n < 1000 && harness_wrong < 5; n += QUICK() ? 19 : 5) {
        const fnn_context_config where = on(isa, 1);
        fnn_model *m = model_of(setup, &where);
        fnn_fit_config c = config_of(setup);
        fnn_result result;
        c.checkpoint = path_of("a");
        c.checkpoint_minutes = 1e-9;
        well();
        disk.last_replace = n;
        result = fnn_fit(m, &data, &c, NULL);
        last = disk.replaced < n || disk.failed == 0;
        CHECKF(result == (disk.failed ? FNN_ERROR_FILE : FNN_OK), "file %d: %d", n, (int)result);
        fnn_model_free(m);
        if (!last)
            CHECKF(same(go_on(load(path_of("a"), isa, 1), setup, NULL), expected),
                   "setup %d: file %d", setup, n);
    }
    CHECKF(last && n > 20, "%d files", n);
}

typedef struct {
    fnn_model *model;
    int setup, count;
    outcome expected;
} keeper;

/* Saves a checkpoint of its own after each epoch. */
static int save_each(void *user, const fnn_epoch *e)
{
    keeper *k = (keeper *)user;
    char name[20];
    snprintf(name, sizeof name, "epoch%d", e->epoch);
    CHECK(!fnn_save_checkpoint(k->model, path_of(name), NULL));
    k->count = e->epoch;
    return 0;
}

/* Goes on with a copy of the model within its callback, after each epoch. */
static int copy_each(void *user, const fnn_epoch *e)
{
    keeper *k = (keeper *)user;
    const fnn_fit_config c = config_of(k->setup);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_model *copy = fnn_copy(k->model, NULL, NULL);
    CHECKF(!fnn_resume(copy, &data, &c, &h), "%s", fnn_model_error(copy)->message);
    CHECKF(same(outcome_of(copy, &h), k->expected), "setup %d: copy %d", k->setup, e->epoch);
    k->count = e->epoch;
    fnn_history_free(&h);
    fnn_model_free(copy);
    return 0;
}

static void check_copies(int setup, int isa, outcome expected)
{
    const fnn_context_config where = on(isa, 1);
    fnn_fit_config c = config_of(setup);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    keeper k;
    k.model = model_of(setup, &where);
    k.setup = setup;
    k.expected = expected;
    k.count = 0;
    c.callback = copy_each;
    c.user = &k;
    well();
    CHECK(!fnn_fit(k.model, &data, &c, &h) && k.count > 2);
    CHECK(same(outcome_of(k.model, &h), expected));
    fnn_history_free(&h);
    fnn_model_free(k.model);
}

static void check_own_files(int setup, int isa, outcome expected)
{
    const fnn_context_config where = on(isa, 1);
    fnn_fit_config c = config_of(setup);
    char name[20];
    keeper k;
    int e;
    k.setup = setup;
    k.count = 0;
    k.model = model_of(setup, &where);
    c.callback = save_each;
    c.user = &k;
    well();
    CHECK(!fnn_fit(k.model, &data, &c, NULL));
    fnn_model_free(k.model);
    for (e = 1; e <= k.count; e++) {
        snprintf(name, sizeof name, "epoch%d", e);
        CHECKF(same(go_on(load(path_of(name), isa, 1), setup, NULL), expected),
               "setup %d: own file %d", setup, e);
    }
}

static void every_way_to_be_interrupted_leaves_no_trace(void)
{
    int isa, setup;
    FOR_EACH_ISA(isa)
        for (setup = 0; setup < SETUPS && harness_wrong < 5; setup += QUICK() ? 7 : 1) {
            const outcome expected = whole(setup, isa, 1);
            check_callbacks(setup, isa, expected);
            check_own_files(setup, isa, expected);
            check_copies(setup, isa, expected);
            if (setup % 5 == 0) check_minutes(setup, isa, expected);
        }
}

/* Begun on one instruction set, gone on with on the next; scalar takes part where it is fused. */
static void another_instruction_set_leaves_no_trace(void)
{
    int isas[FNN_ISA_COUNT], count = 0, isa, setup, i;
    FOR_EACH_ISA(isa)
        if (isa != FNN_ISA_SCALAR || FNNI_HAS_FMA) isas[count++] = isa;
    if (count < 2) {
        SKIP("there is only one instruction set to compare");
        return;
    }
    for (setup = 0; setup < SETUPS; setup++) {
        const outcome expected = whole(setup, isas[0], 1);
        for (i = 0; i < count; i++) {
            fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
            fnn_model *m = stopped_fit(setup, isas[i], 1, 9 + setup, &h);
            const int next = isas[(i + 1) % count];
            CHECKF(m && same(go_on(load(path_of("a"), next, 2), setup, NULL), expected),
                   "setup %d, from %s to %s", setup, fnn_isa_name((fnn_isa)isas[i]),
                   fnn_isa_name((fnn_isa)next));
            fnn_history_free(&h);
            fnn_model_free(m);
        }
    }
}

/* With a schedule that does not count to the end, 4 epochs and then 10 are 10; so are 4 that are
 * not gone on with at first, for want of a new one to train. */
static void a_fit_may_get_more_epochs(void)
{
    int setup;
    for (setup = 2; setup < SETUPS; setup += 4) { /* step decay */
        const outcome expected = whole(setup, FNN_ISA_BEST, 1);
        fnn_model *m = model_of(setup, NULL);
        fnn_fit_config c = config_of(setup);
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        outcome four;
        c.epochs = 4;
        well();
        CHECK(!fnn_fit(m, &data, &c, &h) && h.count == 4);
        four = outcome_of(m, &h);
        CHECK(!fnn_resume(m, &data, &c, &h) && h.count == 4); /* nothing to do, */
        CHECK(same(four, outcome_of(m, &h)));                 /* and nothing done */
        c.epochs = 3;
        CHECK(!fnn_resume(m, &data, &c, &h) && same(four, outcome_of(m, &h)));
        CHECKF(same(go_on(m, setup, &h), expected), "setup %d", setup);
    }
}

/* What is gone on with for no more epochs than it has had began when it began. */
static void a_stop_within_an_epoch_keeps_its_seconds(void)
{
    const int setup = 2;
    int at;
    for (at = 9; at < 20; at++) {
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        fnn_model *m = stopped_fit(setup, FNN_ISA_BEST, 1, at, &h);
        fnn_fit_config c = config_of(setup);
        if (!CHECK(m != NULL)) return;
        c.epochs = (int)m->progress.epochs;
        well();
        looks = 5000000; /* the clock's time is not the fit's */
        if (m->progress.step > 0 && c.epochs > 0) CHECK(!fnn_resume(m, &data, &c, &h));
        CHECKF(m->progress.seconds < 1000, "%g s", m->progress.seconds);
        fnn_model_free(m);
        fnn_history_free(&h);
    }
}

/* A fit that patience ended goes on where there is more of it. */
static void patience_may_be_prolonged(void)
{
    const int setup = 12;
    fnn_fit_config c = config_of(setup);
    fnn_model *one, *two;
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    outcome o;
    c.patience = 1;
    c.min_delta = 10; /* no epoch is so much better */
    well();
    one = model_of(setup, NULL);
    two = model_of(setup, NULL);
    CHECK(!fnn_fit(one, &data, &c, &h) && h.count == 2);
    o = outcome_of(one, &h);
    CHECK(!fnn_resume(one, &data, &c, &h) && same(o, outcome_of(one, &h)));
    c.patience = 5;
    CHECK(!fnn_resume(one, &data, &c, &h) && h.count == 6);
    o = outcome_of(one, &h);
    fnn_history_free(&h);
    CHECK(!fnn_fit(two, &data, &c, &h) && same(o, outcome_of(two, &h)));
    fnn_history_free(&h);
    fnn_model_free(one);
    fnn_model_free(two);
}

/* A fit after a fit after a checkpoint: it begins with the optimiser's state and the passes. */
static void another_fit_begins_alike(void)
{
    int setup;
    for (setup = 0; setup < SETUPS; setup++) {
        fnn_model *m = model_of(setup, NULL), *loaded;
        const fnn_fit_config c = config_of(setup);
        well();
        CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_save_checkpoint(m, path_of("a"), NULL));
        loaded = load(path_of("a"), FNN_ISA_BEST, 1);
        CHECK(loaded && predict_alike(m, loaded));
        CHECK(!fnn_fit(m, &data, &c, NULL) && loaded && !fnn_fit(loaded, &data, &c, NULL));
        CHECKF(loaded && same(outcome_of(m, NULL), outcome_of(loaded, NULL)), "setup %d", setup);
        fnn_model_free(m);
        fnn_model_free(loaded);
    }
}

/* A checkpoint's checkpoint has its bytes; a plain file of it has those of a plain file of the
 * model, and nothing to go on with. */
static void files_of_a_loaded_checkpoint(void)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    file_bytes f[4];
    int setup, i;
    for (setup = 0; setup < SETUPS; setup++) {
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        const fnn_fit_config c = config_of(setup);
        fnn_model *m = stopped_fit(setup, FNN_ISA_BEST, 1, 20, &h), *loaded, *plain;
        if (!CHECK(m != NULL)) continue;
        loaded = load(path_of("a"), FNN_ISA_BEST, 1);
        CHECK(!fnn_save_checkpoint(loaded, path_of("b"), NULL));
        CHECK(!fnn_save(m, path_of("c"), NULL) && !fnn_save(loaded, path_of("d"), NULL));
        for (i = 0; i < 4; i++) f[i] = bytes_of(path_of(names[i]));
        CHECK(same_bytes(f[0], f[1]) && same_bytes(f[2], f[3]) && f[2].size < f[0].size);
        for (i = 0; i < 4; i++) free(f[i].bytes);
        plain = load(path_of("d"), FNN_ISA_BEST, 1);
        CHECK(plain && predict_alike(plain, m));
        CHECK(fnn_resume(plain, &data, &c, NULL) == FNN_ERROR_STATE);
        CHECKF(strstr(fnn_model_error(plain)->message,
                      "resume: expected a model with a fit to go on with, found none") != NULL,
               "%s", fnn_model_error(plain)->message);
        fnn_history_free(&h);
        fnn_model_free(m);
        fnn_model_free(loaded);
        fnn_model_free(plain);
    }
}

/* ---- a training loop of one's own ---- */

static void own_steps(fnn_model *m, const fnn_fit_config *c, int from, int to)
{
    int64_t batch[8];
    int i;
    for (; from < to; from++) {
        for (i = 0; i < 8; i++) batch[i] = (8 * from + i) % SMALL_ROWS;
        CHECK(!fnn_forward(m, &data, batch, 8, 1) && !fnn_loss(m, NULL) && !fnn_backward(m) &&
              !fnn_step(m, c));
    }
}

static void a_loop_of_ones_own_goes_on(void)
{
    int setup, at;
    for (setup = 0; setup < SETUPS; setup++)
        for (at = 0; at < 20; at += 7) {
            fnn_model *m = model_of(setup, NULL), *loaded;
            const fnn_fit_config c = config_of(setup);
            well();
            CHECK(!fnn_seal(m));
            own_steps(m, &c, 0, at);
            CHECK(!fnn_save_checkpoint(m, path_of("a"), NULL));
            loaded = load(path_of("a"), FNN_ISA_BEST, 1);
            own_steps(m, &c, at, 20);
            if (loaded) own_steps(loaded, &c, at, 20);
            CHECKF(loaded && same(outcome_of(m, NULL), outcome_of(loaded, NULL)),
                   "setup %d, step %d", setup, at);
            fnn_model_free(m);
            fnn_model_free(loaded);
        }
}

/* ---- another process ---- */

/* A fit's first part here, with so many threads, its rest in another process with so many. */
static int check_process(int setup, int isa, int here, int there, outcome expected)
{
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_model *m = stopped_fit(setup, isa, here, 17, &h);
    int status;
    if (!CHECKF(m != NULL, "setup %d: through before it is stopped", setup)) return 0;
    fnn_model_free(m);
    fnn_history_free(&h);
    status = status_of(start("--go-on", path_of("a"), setup, isa, there));
    if (status == 127) return 127;
    CHECKF(status == 0 && same(outcome_read(path_of("a")), expected),
           "setup %d on %s, %d threads, then %d: status %d", setup, fnn_isa_name((fnn_isa)isa),
           here, there, status);
    remove(outcome_path(path_of("a")));
    return status;
}

static void another_process_goes_on(void)
{
    int isa, setup, status = 0;
    FOR_EACH_ISA(isa)
        for (setup = 0; setup < SETUPS && status != 127; setup += QUICK() ? 5 : 1)
            status = check_process(setup, isa, 1, 1, whole(setup, isa, 1));
    if (status == 127) SKIP("the program cannot be started anew here");
}

/* How many threads share a batch of such a training, of four that there are. */
static int threads_of(int setup)
{
    const fnn_context_config where = on(FNN_ISA_BEST, 4);
    fnn_model *m = model_of(setup, &where);
    const int parts = fnn_seal(m) ? 0 : fnni_parts(m, config_of(setup).batch_size);
    fnn_model_free(m);
    return parts;
}

/* 1 to 4 threads in the first half, and in the second. */
static void threads_may_change(void)
{
    static const int numbers[][2] = {{1, 1}, {1, 4}, {2, 3}, {3, 2}, {4, 1}, {4, 4}};
    int isa, setup, i, status = 0;
    FOR_EACH_ISA(isa)
        for (setup = WIDE + isa; setup < WIDE + SETUPS && status != 127; setup += 5) {
            const outcome expected = whole(setup, isa, 1);
            CHECK(threads_of(setup) == 4);
            for (i = 0; i < COUNT(numbers) && status != 127; i += QUICK() ? 2 : 1)
                status = check_process(setup, isa, numbers[i][0], numbers[i][1], expected);
        }
    if (status == 127) SKIP("the program cannot be started anew here");
}

/* The controls: whatever else goes on with gives another outcome. */
static void the_outcome_sees_everything(void)
{
    const int setup = 12;
    const outcome expected = whole(setup, FNN_ISA_BEST, 1);
    int way;
    for (way = 0; way < 9; way++) {
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        fnn_model *m = stopped_fit(setup, FNN_ISA_BEST, 1, 17, &h);
        if (!CHECK(m && m->state && m->progress.average && m->progress.best)) return;
        /* the model holds the best epoch's, so that .best has the averages, .average the others */
        if (way == 1) m->progress.best[0] += (fnn_real)0.001;
        if (way == 2) m->progress.best[m->parameter_count] += (fnn_real)0.001;
        if (way == 3) m->state[m->parameter_count] += (fnn_real)0.001;
        if (way == 4) m->progress.average[1] += (fnn_real)0.001;
        if (way == 5) m->progress.loss_sum += 1e-9;
        if (way == 6) m->progress.fit_steps++;
        if (way == 7) m->passes++;
        if (way == 8) m->progress.history[2] += 1e-9;
        CHECKF(same(go_on(m, setup, &h), expected) == (way == 0), "way %d", way);
    }
}

/* ---- what is refused ---- */

static void change_batch(fnn_fit_config *c)
{
    c->batch_size = 9;
}
static void change_seed(fnn_fit_config *c)
{
    c->seed = UINT64_MAX;
}
static void change_shuffle(fnn_fit_config *c)
{
    c->shuffle = 0;
}
static void change_monitor(fnn_fit_config *c)
{
    c->monitor = FNN_MONITOR_SCORE;
}
static void change_optimizer(fnn_fit_config *c)
{
    c->optimizer = fnn_sgd(.1);
}
static void change_averages(fnn_fit_config *c)
{
    c->ema_decay = 0;
}
static void change_best(fnn_fit_config *c)
{
    c->restore_best = 0;
}
static void change_steps(fnn_fit_config *c)
{
    c->steps_per_epoch = 5;
}
static void change_samples(fnn_fit_config *c)
{
    (void)c, data.count--;
}

static const struct {
    void (*change)(fnn_fit_config *);
    const char *words;
} strangers[] = {
    {change_batch, "resume: batch_size: expected 8, as the fit began with, found 9"},
    {change_seed, "resume: seed: expected 11, as the fit began with, found 18446744073709551615"},
    {change_shuffle, "resume: shuffle: expected 1, as the fit began with, found 0"},
    {change_monitor, "resume: monitor: expected 0, as the fit began with, found 3"},
    {change_optimizer, "resume: optimizer: expected adam, as the fit began with, found sgd"},
    {change_averages, "resume: averages (ema_decay > 0): expected 1, as the fit began with, "},
    {change_best, "resume: restore_best: expected 1, as the fit began with, found 0"},
    {change_steps, "resume: steps_per_epoch: expected 0, as the fit began with, found 5"},
    {change_samples, "resume: samples: expected 37, as the fit began with, found 36"},
};

/* Each is refused with both numbers, and leaves the fit to go on with as it is. */
static void another_configuration_is_refused(void)
{
    const int setup = 12;
    const outcome expected = whole(setup, FNN_ISA_BEST, 1);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_model *m = stopped_fit(setup, FNN_ISA_BEST, 1, 17, &h);
    int i;
    if (!CHECK(m != NULL)) return;
    for (i = 0; i < COUNT(strangers); i++) {
        fnn_fit_config c = config_of(setup);
        strangers[i].change(&c);
        CHECK(fnn_resume(m, &data, &c, &h) == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(fnn_model_error(m)->message, strangers[i].words) != NULL,
               "expected \"%s\", found \"%s\"", strangers[i].words, fnn_model_error(m)->message);
        data.count = SMALL_ROWS;
    }
    CHECK(same(go_on(m, setup, &h), expected));
}

static void check_state_error(fnn_model *m, int setup, const char *words)
{
    const fnn_fit_config c = config_of(setup);
    well();
    CHECKF(m && fnn_resume(m, &data, &c, NULL) == FNN_ERROR_STATE, "%s", words);
    CHECKF(strstr(fnn_model_error(m)->message, words) != NULL, "expected \"%s\", found \"%s\"",
           words, fnn_model_error(m)->message);
    fnn_model_free(m);
}

static void without_a_fit_nothing_is_resumed(void)
{
    const int setup = 12;
    const fnn_fit_config c = config_of(setup);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_model *m = model_of(setup, NULL);
    check_state_error(m, setup, "found none");
    m = stopped_fit(setup, FNN_ISA_BEST, 1, 17, &h);
    own_steps(m, &c, 0, 1);
    check_state_error(m, setup, "found one trained otherwise since");
    m = load(path_of("a"), FNN_ISA_BEST, 1);
    own_steps(m, &c, 0, 1);
    CHECK(!fnn_save_checkpoint(m, path_of("b"), NULL));
    check_state_error(m, setup, "found one trained otherwise since");
    check_state_error(load(path_of("b"), FNN_ISA_BEST, 1), setup, "trained otherwise since");
    m = load(path_of("a"), FNN_ISA_BEST, 1);
    CHECK(!fnn_set_seed(m, 5));
    check_state_error(m, setup, "found none");
    fnn_history_free(&h);
    well();
    CHECK(fnn_resume(NULL, &data, &c, NULL) != FNN_OK);
}

/* A fit that ended with an error cannot be gone on with, one with a configuration that was refused
 * leaves the last one. */
static void a_failed_fit_is_not_resumed(void)
{
    const int setup = 12;
    const outcome expected = whole(setup, FNN_ISA_BEST, 1);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    fnn_fit_config c = config_of(setup);
    fnn_model *m = stopped_fit(setup, FNN_ISA_BEST, 1, 17, &h);
    well();
    c.batch_size = 0;
    CHECK(m && fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_resume(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(same(go_on(m, setup, &h), expected));
    m = load(path_of("a"), FNN_ISA_BEST, 1);
    c = config_of(setup);
    if (m) m->progress.average[0] = (fnn_real)NAN; /* the weight in training, while it stands */
    CHECK(m && fnn_resume(m, &data, &c, NULL) == FNN_ERROR_NUMERIC);
    check_state_error(m, setup, "found none");
}

static void a_wrong_configuration_is_named(void)
{
    fnn_model *m = model_of(0, NULL);
    int i;
    for (i = 0; i < 3; i++) {
        fnn_fit_config c = config_of(0);
        if (i == 0) c.checkpoint_epochs = -1;
        else c.checkpoint_minutes = i == 1 ? -.5 : (double)NAN;
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(fnn_model_error(m)->message,
                      "fit: expected checkpoint_epochs and checkpoint_minutes >= 0, found ") !=
                   NULL,
               "%s", fnn_model_error(m)->message);
    }
    fnn_model_free(m);
}

/* ---- a callback that does what it must not ---- */

typedef struct {
    fnn_model *model;
    int way;
    fnn_result result;
} meddler;

/* Draws the weights anew, trains otherwise, or goes on within the fit. */
static int meddle(void *user, const fnn_epoch *e)
{
    meddler *k = (meddler *)user;
    fnn_model *m = k->model;
    fnn_fit_config c = config_of(12);
    if (e->epoch != 2) return 0;
    c.epochs = 1;
    CHECK(!fnn_forward(m, &data, NULL, 5, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
    k->result = k->way == 0   ? fnn_set_seed(m, 9)
                : k->way == 1 ? fnn_fit(m, &data, &c, NULL)
                : k->way == 2 ? fnn_resume(m, &data, &c, NULL)
                : k->way == 3 ? fnn_step(m, &c)
                              : fnn_load_weights(m, "none", FNN_FROM_KERAS, NULL, 0);
    CHECKF(
        strstr(fnn_model_error(m)->message, "expected a model at rest, found one within its fit"),
        "%s", fnn_model_error(m)->message);
    return 0;
}

static void a_callback_does_not_train_its_model(void)
{
    const outcome expected = whole(12, FNN_ISA_BEST, 1);
    int way;
    for (way = 0; way < 5; way++) {
        const fnn_context_config where = on(FNN_ISA_BEST, 1);
        fnn_fit_config c = config_of(12);
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        meddler k = {NULL, 0, FNN_OK};
        k.model = model_of(12, &where);
        k.way = way;
        c.callback = meddle;
        c.user = &k;
        well();
        CHECK(!fnn_fit(k.model, &data, &c, &h) && k.result == FNN_ERROR_STATE);
        CHECK(fnn_model_error(k.model)->code == FNN_OK); /* the last call was the fit */
        CHECKF(same(outcome_of(k.model, &h), expected), "way %d", way);
        CHECK(!fnn_set_seed(k.model, 9)); /* afterwards it is its own master again */
        fnn_history_free(&h);
        fnn_model_free(k.model);
    }
}

/* A callback that has the fit go on for two more epochs than it began with. */
static int prolong(void *user, const fnn_epoch *e)
{
    if (e->epoch == EPOCHS) ((fnn_fit_config *)user)->epochs = EPOCHS + 2;
    if (e->epoch == EPOCHS - 1) ((fnn_fit_config *)user)->epochs = EPOCHS + 1;
    return 0;
}

static void a_callback_may_prolong_its_fit(void)
{
    const int setup = 14; /* step decay */
    outcome o[2];
    int way;
    for (way = 0; way < 2; way++) {
        const fnn_context_config where = on(FNN_ISA_BEST, 1);
        fnn_model *m = model_of(setup, &where);
        fnn_fit_config c = config_of(setup);
        fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
        c.patience = 0;
        c.callback = prolong;
        c.user = &c;
        if (way) c.epochs = EPOCHS + 2;
        well();
        CHECK(!fnn_fit(m, &data, &c, &h) && h.count == EPOCHS + 2);
        o[way] = outcome_of(m, &h);
        fnn_history_free(&h);
        fnn_model_free(m);
    }
    CHECK(same(o[0], o[1]));
}

/* ---- callbacks that change what is trained, losses of one's own, odd models ---- */

typedef struct {
    fnn_model *model;
    fnn_fit_config *config;
    int64_t stop_at; /* the step after whose epoch the callback stops, 0: none */
} changer;

/* Freezes the first layer after epoch 2, another after 3, thaws the first after 5, and lowers the
 * rate each time. */
static int change_each(void *user, const fnn_epoch *e)
{
    changer *k = (changer *)user;
    if (e->epoch == 2 || e->epoch == 5) fnn_set_trainable(k->model, 0, e->epoch == 5);
    if (e->epoch == 3) fnn_set_rate_factor(k->model, 5, 0.25);
    k->config->optimizer.learning_rate *= (fnn_real)0.9;
    return e->epoch == k->stop_at;
}

/* Goes on with what the callback changed in the configuration, as a caller restores it. */
static void check_changing(int setup, int at, int by_callback, outcome *expected)
{
    const fnn_context_config where = on(FNN_ISA_BEST, 1);
    fnn_fit_config c = config_of(setup);
    fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
    changer k;
    outcome o;
    k.model = model_of(setup, &where);
    k.config = &c;
    k.stop_at = by_callback ? at : 0;
    c.callback = change_each;
    c.user = &k;
    c.checkpoint = path_of("a");
    c.checkpoint_minutes = 1e9;
    well();
    if (!by_callback) stop_after_look = at;
    CHECK(!fnn_fit(k.model, &data, &c, &h));
    fnn_model_free(k.model);
    k.model = load(path_of("a"), FNN_ISA_BEST, 1);
    k.stop_at = 0;
    CHECK(!fnn_resume(k.model, &data, &c, &h));
    o = outcome_of(k.model, &h);
    if (at == 0) *expected = o;
    CHECKF(same(o, *expected), "setup %d at %d", setup, at);
    fnn_history_free(&h);
    fnn_model_free(k.model);
}

static void what_a_callback_changes_is_kept(void)
{
    int setup, at;
    for (setup = 6; setup < SETUPS; setup += 5) {
        outcome expected = no_outcome();
        for (at = 0; at < EPOCHS; at++) check_changing(setup, at, 1, &expected);
        for (at = 1; at < 60; at += QUICK() ? 9 : 2) check_changing(setup, at, 0, &expected);
    }
}

/* Mean squared error, doubled. */
static double own_loss(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    const int n = batch->outputs;
    double sum = 0;
    int64_t i;
    (void)user;
    for (i = 0; i < (int64_t)batch->count * n; i++) {
        const double d = (double)batch->y[i] - (double)batch->targets[i];
        sum += d * d;
        if (gradient) gradient[i] = (fnn_real)(4 * d / ((double)batch->count * n));
    }
    return 2 * sum / ((double)batch->count * n);
}

/* Numbers as targets, scored by R2, under a loss of the library's or of one's own, which is given
 * again to the model that is loaded. */
static void regressions_go_on(void)
{
    static fnn_real x[SMALL_ROWS * 4], y[SMALL_ROWS * 2];
    fnn_dataset numbers;
    int own, at;
    fill_reals(x, SMALL_ROWS * 4, 5, 6);
    fill_reals(y, SMALL_ROWS * 2, 7, 8);
    numbers = with_targets(table_of(x, SMALL_ROWS, 4), y, 2);
    for (own = 0; own < 2; own++) {
        outcome expected = no_outcome();
        for (at = 0; at < 40; at += 3) {
            fnn_fit_config c = config_of(12);
            fnn_history h = {NULL, 0, 0, {NULL, NULL, NULL}};
            fnn_model *m = fnn_sequential(1, 1, 4);
            memset(&c.augmentation, 0, sizeof c.augmentation);
            c.validation = &numbers;
            c.checkpoint = path_of("a");
            c.checkpoint_minutes = 1e9;
            fnn_dense(m, 5, FNN_TANH);
            fnn_dense(m, 2, FNN_LINEAR);
            fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
            if (own) fnn_set_loss_function(m, own_loss, NULL);
            well();
            stop_after_look = at;
            CHECKF(!fnn_fit(m, &numbers, &c, &h), "%s", fnn_model_error(m)->message);
            fnn_model_free(m);
            m = load(path_of("a"), FNN_ISA_BEST, 1);
            if (own) CHECK(fnn_resume(m, &numbers, &c, NULL) == FNN_ERROR_STATE);
            if (own) fnn_set_loss_function(m, own_loss, NULL);
            CHECKF(!fnn_resume(m, &numbers, &c, &h), "%s", fnn_model_error(m)->message);
            if (at == 0) expected = outcome_of(m, &h);
            CHECKF(same(outcome_of(m, &h), expected), "own %d, at %d", own, at);
            fnn_history_free(&h);
            fnn_model_free(m);
        }
    }
}

/* Without a parameter there is nothing to average, to keep or to remember. */
static void a_model_without_parameters_goes_on(void)
{
    fnn_fit_config c = config_of(12);
    fnn_model *m, *copy, *loaded;
    samples_make(SMALL_ROWS);
    m = fnn_sequential(SIDE, SIDE, 1);
    fnn_average_pool2d(m, 3);
    fnn_global_average_pool2d(m);
    fnn_flatten(m);
    data.class_weights = NULL;
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    data = with_targets(images_of(pixels, SMALL_ROWS, SIDE, SIDE, 1), weights, 1);
    c.validation = &data;
    c.epochs = 2;
    c.checkpoint = path_of("a");
    well();
    CHECKF(!fnn_fit(m, &data, &c, NULL), "%s", fnn_model_error(m)->message);
    copy = fnn_copy(m, NULL, NULL);
    loaded = load(path_of("a"), FNN_ISA_BEST, 1);
    c.epochs = 4;
    CHECK(!fnn_resume(m, &data, &c, NULL) && !fnn_resume(copy, &data, &c, NULL));
    CHECKF(!fnn_resume(loaded, &data, &c, NULL), "%s", fnn_model_error(loaded)->message);
    CHECK(same(outcome_of(m, NULL), outcome_of(loaded, NULL)));
    CHECK(same(outcome_of(m, NULL), outcome_of(copy, NULL)));
    fnn_model_free(m);
    fnn_model_free(copy);
    fnn_model_free(loaded);
}

static const harness_test tests[] = {
    TEST(a_stop_within_an_epoch_keeps_its_seconds),
    TEST(a_stop_after_any_step_leaves_no_trace),
    TEST(every_way_to_be_interrupted_leaves_no_trace),
    TEST(another_instruction_set_leaves_no_trace),
    TEST(a_fit_may_get_more_epochs),
    TEST(patience_may_be_prolonged),
    TEST(another_fit_begins_alike),
    TEST(files_of_a_loaded_checkpoint),
    TEST(a_loop_of_ones_own_goes_on),
    TEST(another_process_goes_on),
    TEST(threads_may_change),
    TEST(the_outcome_sees_everything),
    TEST(another_configuration_is_refused),
    TEST(without_a_fit_nothing_is_resumed),
    TEST(a_failed_fit_is_not_resumed),
    TEST(a_wrong_configuration_is_named),
    TEST(a_callback_does_not_train_its_model),
    TEST(a_callback_may_prolong_its_fit),
    TEST(what_a_callback_changes_is_kept),
    TEST(regressions_go_on),
    TEST(a_model_without_parameters_goes_on),
};
TRAININGS_MAIN(tests)
