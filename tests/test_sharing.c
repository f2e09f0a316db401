/* Sixteen threads at once: each call on one model that nobody changes, on one data set, on one
 * context for the elementwise kernels; trainings side by side; and the process's first calls. All
 * get the same bits. Under the thread sanitizer (the group `thread` of tests/common.sh) none of
 * this may be a race, while races that are planted must be seen: each crowd is a process of its
 * own, so that one's report is not the others'. Every context has one thread: OpenMP stays out. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* barriers, mkdtemp */
#endif
#include "../fmnist_nn.h"
#include "files.h"
#include "harness.h"
#include "samples.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WATCHED 1
#endif
#endif
#ifndef WATCHED
#define WATCHED 0
#endif

enum { CROWD = 16, ROWS = 40, SIDE = 6, INPUTS = SIDE * SIDE, CLASSES = 3, FILE_BYTES = 40000 };
enum { RACED = 66 }; /* the sanitizer's exit status */

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];
static fnn_dataset data;      /* that all share, */
static fnn_model *model;      /* and this, */
static fnn_context *elements; /* and this */

/* ---- what came of it, in one number (FNV-1a) ---- */

static void take(uint64_t *sum, const void *bytes, size_t size)
{
    const uint8_t *from = (const uint8_t *)bytes;
    for (; size; size--) *sum = (*sum ^ *from++) * 1099511628211u;
}
static void take_text(uint64_t *sum, const char *text)
{
    take(sum, text ? text : "none", text ? strlen(text) : 4);
}

/* ---- the crowd ---- */

typedef struct member member;
typedef int (*errand)(member *me); /* gives 0 where all went well */
struct member {
    pthread_barrier_t *gate;
    errand run;
    int number, wrong;
    uint64_t sum;
    fnn_real y[ROWS * INPUTS * 8];
    uint8_t file[FILE_BYTES];
};

static void *go(void *argument)
{
    member *me = (member *)argument;
    pthread_barrier_wait(me->gate);
    me->wrong = me->run(me);
    return NULL;
}

/* All at once on the same errand: how many went wrong, or differ from the first. */
static int crowd(errand run)
{
    static member members[CROWD];
    pthread_t threads[CROWD];
    pthread_barrier_t gate;
    int i, wrong = 0;
    pthread_barrier_init(&gate, NULL, CROWD);
    for (i = 0; i < CROWD; i++) {
        members[i].gate = &gate;
        members[i].run = run;
        members[i].number = i;
        members[i].sum = 14695981039346656037u;
        if (pthread_create(threads + i, NULL, go, members + i)) abort();
    }
    for (i = 0; i < CROWD; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&gate);
    for (i = 0; i < CROWD; i++) wrong += members[i].wrong || members[i].sum != members[0].sum;
    return wrong;
}

/* The same in a process of its own: its exit status. What a sanitizer says of a race that is
 * planted is not for the eyes. Rarely a child waits forever under the thread sanitizer, which may
 * have held a lock of its own at the fork: it is ended, and there are two more chances, which a
 * deadlock of the library's would not pass. */
static int status_of(errand run, int planted)
{
    int status = 0, quiet, chance, wrong;
    pid_t child;
    for (chance = 0; chance < 3; chance++) {
        fflush(NULL);
        child = fork();
        if (child == 0) {
            quiet = planted ? open("/dev/null", O_WRONLY) : -1;
            if (quiet >= 0) dup2(quiet, 2);
            alarm(80);
            wrong = crowd(run) != 0;
            _exit(wrong); /* whose end the sanitizer sees, while files stay the parent's */
        }
        if (child < 0 || waitpid(child, &status, 0) != child) return -1;
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM) break;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- errands ---- */

static fnn_context_config one_thread(void)
{
    fnn_context_config config = fnn_context_config_init();
    config.threads = 1;
    return config;
}

static fnn_model *make_model(int images)
{
    const fnn_context_config config = one_thread();
    fnn_model *m = fnn_sequential_with(&config, SIDE, SIDE, 1);
    int from;
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data);
    if (images) {
        from = fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
        fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR); /* by Winograd's transforms */
        fnn_batch_norm(m);
        fnn_add(m, from);
        fnn_max_pool2d(m, 2);
        fnn_conv2d(m, 5, 3, FNN_VALID, FNN_GELU);
        fnn_spatial_dropout(m, (fnn_real)0.2);
    }
    fnn_dense(m, 12, FNN_TANH);
    fnn_batch_norm(m);
    fnn_dropout(m, (fnn_real)0.2);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static int predict_all(member *me, fnn_context *context)
{
    int32_t classes[ROWS];
    fnn_metrics metrics;
    fnn_real x[INPUTS] = {0};
    int wrong = fnn_predict(model, context, &data, me->y) != FNN_OK;
    take(&me->sum, me->y, ROWS * CLASSES * sizeof *me->y);
    wrong += fnn_predict_augmented(model, context, &data, 1, 1, me->y) != FNN_OK;
    take(&me->sum, me->y, ROWS * CLASSES * sizeof *me->y);
    wrong += fnn_predict_layer(model, context, &data, -1, me->y) != FNN_OK;
    take(&me->sum, me->y, ROWS * INPUTS * sizeof *me->y);
    wrong += fnn_predict_classes(model, context, &data, classes) != FNN_OK;
    take(&me->sum, classes, sizeof classes);
    wrong += fnn_predict_one(model, context, x, me->y) != FNN_OK;
    wrong += fnn_predict_one_bytes(model, context, pixels, me->y + CLASSES) != FNN_OK;
    take(&me->sum, me->y, 2 * CLASSES * sizeof *me->y);
    wrong += fnn_evaluate(model, context, &data, &metrics) != FNN_OK;
    take(&me->sum, &metrics.loss, sizeof metrics.loss);
    return wrong;
}

static int use_model(member *me)
{
    const fnn_context_config config = one_thread();
    fnn_context *context = fnn_context_create(&config, NULL);
    const int wrong = !context || fnn_reserve(model, context) || predict_all(me, context);
    fnn_context_free(context);
    return wrong || predict_all(me, NULL);
}

static int look_at_model(member *me)
{
    char text[2000];
    int shape[3], layer, number;
    fnn_tensor t;
    size_t size = fnn_summary(model, text, sizeof text);
    take(&me->sum, text, size < sizeof text ? size : sizeof text);
    for (layer = -1; layer < fnn_layer_count(model); layer++) {
        if (fnn_layer_shape(model, layer, shape)) return 1;
        take(&me->sum, shape, sizeof shape);
        take_text(&me->sum, fnn_layer_name(model, layer));
        for (number = 0; !fnn_tensor_at(model, layer, number, &t); number++)
            take(&me->sum, t.values, t.count * sizeof *t.values);
    }
    size = fnn_memory_size(model, 8);
    take(&me->sum, &size, sizeof size);
    take_text(&me->sum, fnn_class_name(model, 1));
    take_text(&me->sum, fnn_feature_name(model, 1));
    take_text(&me->sum, fnn_note(model, "key"));
    take_text(&me->sum, fnn_model_error(model)->message);
    return fnn_shapes(model, shape, NULL) || fnn_layer_count(model) < 3;
}

static int write_sum(void *user, const void *bytes, size_t count)
{
    take((uint64_t *)user, bytes, count);
    return 0;
}

/* Copies, and files: in memory, through a function, one of each member's and one of all. */
static int copy_model(member *me)
{
    const fnn_context_config config = one_thread();
    char path[500];
    fnn_model *copy = fnn_copy(model, NULL, NULL), *loaded;
    size_t size = 0;
    int wrong = !copy || fnn_save_memory(model, me->file, sizeof me->file, &size, NULL);
    take(&me->sum, me->file, size);
    loaded = fnn_load_memory(me->file, size, &config, NULL);
    wrong += !loaded || fnn_save_to(loaded, write_sum, &me->sum, NULL);
    snprintf(path, sizeof path, "%s/of%d", directory, me->number);
    wrong += fnn_save_checkpoint(model, path, NULL) || fnn_check_writable(path, NULL);
    snprintf(path, sizeof path, "%s/of_all", directory);
    wrong += fnn_save(copy, path, NULL) != FNN_OK;
    fnn_model_free(loaded);
    loaded = fnn_load(path, &config, NULL);
    wrong += !loaded || fnn_save_to(loaded, write_sum, &me->sum, NULL);
    fnn_model_free(loaded);
    fnn_model_free(copy);
    return wrong;
}

static int use_data(member *me)
{
    int64_t counts[CLASSES];
    fnn_dataset a, b;
    int wrong = fnn_dataset_check(&data, NULL) || fnn_dataset_class_counts(&data, counts);
    wrong += fnn_dataset_split(&data, 10, FNN_ORDER_STRATIFIED, 1, &a, &b, NULL) != FNN_OK;
    take(&me->sum, counts, sizeof counts);
    take(&me->sum, b.index, (size_t)b.count * sizeof *b.index);
    fnn_dataset_free(&a);
    fnn_dataset_free(&b);
    return wrong;
}

static int use_elements(member *me)
{
    fnn_real x[300], sum;
    int wrong = 0, i;
    for (i = 0; i < 300; i++) x[i] = (fnn_real)(i - 150) / 50;
    wrong += fnn_exp(elements, 300, x, me->y) || fnn_tanh(elements, 300, x, me->y + 300);
    wrong += fnn_softmax(elements, 3, 100, x, me->y + 600) != FNN_OK;
    wrong += fnn_sum(elements, 900, me->y, &sum) || fnn_sigmoid(NULL, 300, x, me->y + 900);
    take(&me->sum, me->y, 1200 * sizeof *me->y);
    take(&me->sum, &sum, sizeof sum);
    return wrong;
}

/* A model of the member's own, of data that all share. */
static int train(member *me)
{
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = make_model(1);
    size_t count = 0;
    fnn_real *x;
    int wrong;
    c.batch_size = 8;
    c.validation = &data;
    c.augmentation.flip = FNN_FLIP_RANDOM;
    wrong = fnn_fit(m, &data, &c, NULL) != FNN_OK;
    x = fnn_parameters(m, &count);
    take(&me->sum, x, count * sizeof *x);
    fnn_model_free(m);
    return wrong;
}

/* Whatever the library sets up at its first calls, all set it up together: what is asked first, a
 * product and a function without a context, a training, a file. */
static int call_first(member *me)
{
    static const fnn_real ones[64] = {1, 1, 1, 1, 1, 1, 1, 1};
    const fnn_context_config config = one_thread();
    fnn_model *m, *loaded;
    size_t size = 0;
    int wrong;
    take_text(&me->sum, fnn_info(NULL));
    wrong = !fnn_isa_available(FNN_ISA_SCALAR) || fnn_exp(NULL, 64, ones, me->y);
    wrong += fnn_sgemm(NULL, 0, 0, 8, 8, 8, 1, ones, 8, ones, 8, 0, me->y + 64, 8) != FNN_OK;
    take(&me->sum, me->y, 128 * sizeof *me->y);
    wrong += train(me);
    m = make_model(0);
    wrong += fnn_seal(m) || fnn_save_memory(m, me->file, sizeof me->file, &size, NULL);
    loaded = fnn_load_memory(me->file, size, &config, NULL);
    wrong += !loaded || fnn_save_to(loaded, write_sum, &me->sum, NULL);
    fnn_model_free(m);
    fnn_model_free(loaded);
    return wrong;
}

/* ---- races, as controls ---- */

static int planted;

static int race_by_counting(member *me)
{
    int i;
    for (i = 0; i < 1000; i++) planted++;
    return use_elements(me);
}

/* A table that is made when it is first needed. */
static int race_by_laziness(member *me)
{
    static int made;
    static fnn_real table[64];
    int i;
    for (i = 0; !made && i < 64; i++) table[i] = (fnn_real)i;
    made = 1;
    take(&me->sum, table, 1);
    return 0;
}

/* A model is not to be trained by two, nor a context used by two for products. */
static int race_in_a_model(member *me)
{
    (void)me;
    fnn_forward(model, &data, NULL, 8, 1);
    return 0;
}
static int race_in_a_context(member *me)
{
    fnn_predict(model, elements, &data, me->y);
    return 0;
}

/* ---- tests ---- */

static void make_data(void)
{
    fill_bands(pixels, labels, ROWS, INPUTS, CLASSES, INPUTS / CLASSES, 160, 95);
    data = with_labels(images_of(pixels, ROWS, SIDE, SIDE, 1), labels, CLASSES);
}

/* The first test: nothing of the library has been called yet, so that each process starts anew. */
static void sixteen_first_calls_at_once(void)
{
    const int tries = QUICK() ? 3 : 10;
    int i;
    make_data();
    for (i = 0; i < tries; i++) CHECK(status_of(call_first, 0) == 0);
}

static void sixteen_threads_share_what_nobody_changes(void)
{
    static const char *const names[CLASSES] = {"a", "b", "c"};
    static const struct {
        const char *name;
        errand run;
    } errands[] = {{"predict", use_model}, {"look", look_at_model},    {"copy", copy_model},
                   {"data", use_data},     {"elements", use_elements}, {"train", train}};
    const fnn_context_config config = one_thread();
    int images;
    size_t i;
    make_data();
    path_of("");
    elements = fnn_context_create(&config, NULL);
    for (images = 0; images < 2; images++) {
        model = make_model(images);
        CHECK(!fnn_seal(model) && !fnn_set_note(model, "key", "value"));
        CHECK(!fnn_set_class_names(model, names, CLASSES));
        for (i = 0; i < sizeof errands / sizeof *errands; i++) {
            const int status = status_of(errands[i].run, 0);
            CHECKF(status == 0, "%s: status %d", errands[i].name, status);
        }
        fnn_model_free(model);
    }
    fnn_context_free(elements);
}

/* The control of the sums: one member looks elsewhere. */
static int differ(member *me)
{
    me->sum += me->number == 9;
    return 0;
}

static void one_that_differs_is_seen(void)
{
    CHECK(crowd(differ) == 1 && status_of(differ, 0) == 1);
}

static void planted_races_are_seen(void)
{
    const fnn_context_config config = one_thread();
    if (!WATCHED) {
        SKIP("only the thread sanitizer sees races");
        return;
    }
    make_data();
    elements = fnn_context_create(&config, NULL);
    model = make_model(1);
    CHECK(!fnn_seal(model));
    CHECK(status_of(use_elements, 0) == 0); /* without one */
    CHECK(status_of(race_by_counting, 1) == RACED);
    CHECK(status_of(race_by_laziness, 1) == RACED);
    CHECK(status_of(race_in_a_model, 1) == RACED);
    CHECK(status_of(race_in_a_context, 1) == RACED);
    fnn_model_free(model);
    fnn_context_free(elements);
}

static const harness_test tests[] = {TEST(sixteen_first_calls_at_once),
                                     TEST(sixteen_threads_share_what_nobody_changes),
                                     TEST(planted_races_are_seen), TEST(one_that_differs_is_seen)};
HARNESS_MAIN(tests)
