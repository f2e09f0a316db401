/* The same bits, whatever the number of threads, the batch a sample is in, and who else uses the
 * model: training with dropout, l2 and validation, of convolutional networks also with batch norm,
 * residuals, augmentation and averaged weights, prediction, evaluation, shared models, and the
 * process' first library call made by sixteen threads at once. */
#if !defined(_WIN32) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* parameters * batch / FNNI_PART_WORK is 17: sixteen threads get work of their own. */
enum { SIDE = 14, INPUTS = SIDE * SIDE, HIDDEN = 256, SECOND = 100, CLASSES = 10, BATCH = 64 };
enum { MOST = 2000, HELD_OUT = 150, CROWD = 16 };

static const int thread_counts[] = {1, 2, 3, 4, 7, 8, 16};
enum { COUNTS = (int)(sizeof thread_counts / sizeof thread_counts[0]) };

static uint8_t pixels[MOST * INPUTS];
static int32_t labels[MOST];

static int quick(void)
{
    return getenv("TEST_QUICK") != NULL;
}

static fnn_dataset make_images(int count)
{
    static int made;
    if (!made) fill_bands(pixels, labels, MOST, INPUTS, CLASSES, SIDE, 160, 95);
    if (!made) made = 1; /* on the main thread, before others read it */
    return with_labels(images_of(pixels, count, SIDE, SIDE, 1), labels, CLASSES);
}

typedef enum {
    DENSE,
    CNN,          /* a fused pool, batch norm, a residual, dropout of both kinds */
    BEHIND_DENSE, /* convolutions of one pixel behind a dense layer, which go in groups of rows */
    WINOGRAD      /* convolutions by transforms, of 7 x 7 and 5 x 5 pixels */
} kind;
enum { KINDS = WINOGRAD + 1 };

/* Layers before the softmax; each has work for sixteen threads. */
static void add_layers(fnn_model *m, kind which)
{
    int from;
    if (which == DENSE) {
        fnn_dense(m, HIDDEN, FNN_RELU);
        fnn_dropout(m, (fnn_real)0.3);
        fnn_dense(m, SECOND, FNN_TANH);
    }
    if (which == CNN) {
        fnn_conv2d(m, 12, 3, FNN_SAME, FNN_RELU);
        fnn_max_pool2d(m, 2);
        from = fnn_batch_norm(m);
        fnn_conv2d(m, 12, 3, FNN_SAME, FNN_LINEAR);
        fnn_batch_norm(m);
        fnn_spatial_dropout(m, (fnn_real)0.2);
        fnn_add(m, from);
        fnn_activate(m, FNN_RELU, 0);
        fnn_average_pool2d(m, 2);
        fnn_dropout(m, (fnn_real)0.3);
        fnn_dense(m, 40, FNN_LINEAR);
        fnn_batch_norm(m);
    }
    if (which == WINOGRAD) {
        fnn_conv2d(m, 17, 3, FNN_SAME, FNN_RELU);
        fnn_max_pool2d(m, 2);
        from = fnn_dropout(m, (fnn_real)0.3);
        fnn_conv2d(m, 17, 3, FNN_SAME, FNN_LINEAR);
        fnn_batch_norm(m);
        fnn_add(m, from);
        fnn_conv2d(m, 16, 3, FNN_VALID, FNN_RELU);
    }
    if (which == BEHIND_DENSE) {
        fnn_dense(m, 160, FNN_RELU);
        fnn_dropout(m, (fnn_real)0.3);
        from = fnn_conv2d(m, 160, 1, FNN_SAME, FNN_RELU);
        fnn_batch_norm(m);
        fnn_conv2d(m, 160, 1, FNN_SAME, FNN_TANH);
        fnn_add(m, from);
    }
}

static fnn_model *make_network_of(kind which, fnn_isa isa, int threads)
{
    const fnn_dataset data = make_images(HELD_OUT);
    fnn_model *m = model_on(isa, threads, SIDE, SIDE, 1);
    fnn_set_seed(m, 3);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    add_layers(m, which);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static int dropout_of(const fnn_model *m)
{
    int l = 0;
    while (m->layers[l].type != &fnni_dropout_type) l++;
    return l;
}

/* ---- who did the work: a dropout layer that notes the thread it runs on ---- */

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t seen[256];
static int seen_count;

static void note_thread(void)
{
    const pthread_t self = pthread_self();
    int i = 0;
    pthread_mutex_lock(&seen_lock);
    while (i < seen_count && !pthread_equal(seen[i], self)) i++;
    if (i == seen_count && seen_count < 256) seen[seen_count++] = self;
    pthread_mutex_unlock(&seen_lock);
}

static void noting_dropout(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    note_thread();
    fnni_dropout_forward(run, l, from, to, workspace);
}

/* Makes the model's dropout layer, whose plan is made, such a one. */
static void note_threads(fnn_model *m)
{
    static fnni_layer_type noting;
    noting = fnni_dropout_type;
    noting.forward = noting_dropout;
    m->layers[dropout_of(m)].type = &noting;
}

/* ---- training ---- */

static void split_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw, fnn_real *db,
                           fnn_real *workspace);

typedef struct {
    fnn_real *weights; /* and behind them batch norm's running statistics */
    size_t count;
    double losses[3], validation[3];
} outcome;

static fnn_real *copy_numbers(const fnn_model *m, size_t *count)
{
    const size_t n = m->parameter_count, more = m->statistics_count;
    fnn_real *copy = (fnn_real *)malloc((n + more) * sizeof *copy);
    memcpy(copy, m->parameters, n * sizeof *copy);
    if (more) memcpy(copy + n, m->statistics, more * sizeof *copy);
    *count = n + more;
    return copy;
}

/* Three epochs. broken: the last layer's gradient is summed in as many parts as threads. */
static outcome train(kind which, fnn_isa isa, int threads, int broken)
{
    const fnn_dataset data = make_images(quick() ? 100 : 300); /* not a multiple of the batch */
    fnn_dataset held_out = make_images(HELD_OUT);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = make_network_of(which, isa, threads);
    fnni_layer_type split = fnni_dense_type;
    fnn_history history;
    outcome o;
    int i;
    memset(&history, 0, sizeof history);
    memset(&o, 0, sizeof o);
    split.gradient = split_gradient;
    held_out.bytes = pixels + 500 * INPUTS;
    held_out.labels = labels + 500;
    c.optimizer = fnn_adam(0.001);
    c.epochs = 3;
    c.batch_size = BATCH;
    c.seed = 11;
    c.l2 = (fnn_real)1e-3;
    c.validation = &held_out;
    if (which != DENSE) {
        c.augmentation.shift = 2;
        c.augmentation.cutout_size = 3;
        c.augmentation.cutout_probability = 0.3;
        c.ema_decay = 0.9;
    }
    fnn_seal(m);
    CHECK(!fnni_run_make(m, BATCH)); /* plans for the layers as they are */
    note_threads(m);
    if (broken) m->layers[3].type = &split;
    seen_count = 0;
    CHECKF(!fnn_fit(m, &data, &c, &history), "%s", fnn_model_error(m)->message);
    for (i = 0; i < 3; i++) {
        o.losses[i] = history.epochs[i].loss;
        o.validation[i] = history.epochs[i].validation_loss;
    }
    o.weights = copy_numbers(m, &o.count);
    fnn_history_free(&history);
    fnn_model_free(m);
    return o;
}

static int same(const outcome *a, const outcome *b)
{
    return a->count == b->count && !memcmp(a->weights, b->weights, a->count * sizeof *a->weights) &&
           !memcmp(a->losses, b->losses, sizeof a->losses) &&
           !memcmp(a->validation, b->validation, sizeof a->validation);
}

static void trained_alike(kind which)
{
    int isa, i;
    FOR_EACH_ISA(isa) {
        outcome one = train(which, (fnn_isa)isa, 1, 0);
        CHECK(one.losses[2] < one.losses[0]);
        for (i = 0; i < COUNTS; i += which == WINOGRAD ? 2 : 1) {
            outcome many = train(which, (fnn_isa)isa, thread_counts[i], 0);
            CHECKF(same(&one, &many), "%s, network %d: %d threads give other bits",
                   fnn_isa_name((fnn_isa)isa), (int)which, thread_counts[i]);
#ifdef _OPENMP
            CHECKF(thread_counts[i] == 1 ? seen_count == 1 : seen_count >= 2,
                   "%d threads were asked for, %d ran", thread_counts[i], seen_count);
#endif
            free(many.weights);
        }
        free(one.weights);
    }
#ifndef _OPENMP
    SKIP("compiled without OpenMP: one thread did all the work, with the same bits");
#endif
}

static void training_has_its_bits(void)
{
    trained_alike(DENSE);
}
static void training_of_convolutions_has_its_bits(void)
{
    trained_alike(CNN);
}
static void convolutions_behind_dense_layers_do(void)
{
    trained_alike(BEHIND_DENSE);
}

static void training_by_winograds_transforms_has_its_bits(void)
{
    trained_alike(WINOGRAD);
}

/* ---- the controls: what is summed by thread must differ ---- */

/* dW and db with the batch cut into as many parts as the model has threads. */
static void split_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw, fnn_real *db,
                           fnn_real *workspace)
{
    const int parts = run->model->context.threads, n = run->model->layers[l].outputs;
    int part, row, i, j;
    (void)workspace;
    memset(dw, 0, (size_t)(to - from) * (size_t)n * sizeof *dw);
    if (db) memset(db, 0, (size_t)n * sizeof *db);
    for (i = from; i < to; i++)
        for (j = 0; j < n; j++)
            for (part = 0; part < parts; part++) {
                fnn_real sum = 0;
                for (row = run->rows * part / parts; row < run->rows * (part + 1) / parts; row++)
                    sum += fnni_y(run, l - 1, row, NULL)[i] * fnni_d(run, l, row, NULL)[j];
                dw[(i - from) * n + j] += sum;
            }
    for (row = 0; db && row < run->rows; row++)
        for (j = 0; j < n; j++) db[j] += fnni_d(run, l, row, NULL)[j];
}

static void a_gradient_split_by_threads_is_caught(void)
{
    outcome one = train(DENSE, FNN_ISA_BEST, 1, 1);
    int i, different = 0;
    for (i = 1; i < COUNTS; i++) {
        outcome many = train(DENSE, FNN_ISA_BEST, thread_counts[i], 1);
        different += !same(&one, &many);
        free(many.weights);
    }
    CHECKF(different > 0, "the comparison cannot fail");
    free(one.weights);
}

typedef struct {
    fnn_real x[1000], sums[CROWD];
} partial;

static void partial_sum(void *argument, int part, int parts)
{
    partial *p = (partial *)argument;
    int i;
    note_thread();
    p->sums[part] = 0;
    for (i = 1000 * part / parts; i < 1000 * (part + 1) / parts; i++) p->sums[part] += p->x[i];
}

static void a_sum_split_by_threads_differs(void)
{
    static partial p;
    fnn_real one = 0;
    int i, part, different = 0;
    for (i = 0; i < 1000; i++) p.x[i] = (fnn_real)fnni_random_unit(1, 1, (uint64_t)i) / 3;
    for (i = 0; i < COUNTS; i++) {
        fnn_real sum = 0;
        seen_count = 0;
        fnni_parallel(thread_counts[i], partial_sum, &p);
        for (part = 0; part < thread_counts[i]; part++) sum += p.sums[part];
        if (i == 0) one = sum;
        different += memcmp(&sum, &one, sizeof sum) != 0;
#ifdef _OPENMP
        CHECKF(thread_counts[i] == 1 || seen_count >= 2, "%d parts, %d threads", thread_counts[i],
               seen_count);
#endif
    }
    CHECK(different > 0);
}

/* ---- inference ---- */

static fnn_context *make_context(int isa, int threads)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = (fnn_isa)isa;
    config.threads = threads;
    return fnn_context_create(&config, NULL);
}

static fnn_real expected[MOST * CLASSES], found[MOST * CLASSES];

static int evaluated_alike(const fnn_metrics *a, const fnn_metrics *b)
{
    return !memcmp(&a->loss, &b->loss, sizeof a->loss) && a->accuracy == b->accuracy &&
           a->count == b->count;
}

/* A batch norm that has seen data: its running statistics are none of those it starts with. */
static fnn_model *make_used_network(kind which, int isa)
{
    const fnn_dataset data = make_images(100);
    fnn_model *m = make_network_of(which, (fnn_isa)isa, 1);
    if (which != DENSE) CHECK(!fnn_fit(m, &data, NULL, NULL));
    fnn_seal(m);
    return m;
}

static void infers_alike(kind which)
{
    const int count = quick() ? 500 : MOST; /* the last chunk is not full */
    const fnn_dataset data = make_images(count);
    fnn_metrics one, many;
    int isa, i;
    FOR_EACH_ISA(isa) {
        fnn_model *m = make_used_network(which, isa);
        note_threads(m);
        CHECK(!fnn_predict(m, NULL, &data, expected) && !fnn_evaluate(m, NULL, &data, &one));
        for (i = 0; i < COUNTS; i++) {
            fnn_context *context = make_context(isa, thread_counts[i]);
            seen_count = 0;
            memset(found, 0, sizeof found);
            CHECK(!fnn_predict(m, context, &data, found));
            CHECK(!fnn_evaluate(m, context, &data, &many));
            CHECKF(!memcmp(found, expected, (size_t)count * CLASSES * sizeof *found) &&
                       evaluated_alike(&one, &many),
                   "%s: %d threads give other bits", fnn_isa_name((fnn_isa)isa), thread_counts[i]);
#ifdef _OPENMP
            CHECKF(thread_counts[i] == 1 || seen_count >= 2, "%d threads ran", seen_count);
#endif
            fnn_context_free(context);
        }
        fnn_parameters(m, NULL)[100] *= (fnn_real)1.1; /* the control: another model */
        CHECK(!fnn_predict(m, NULL, &data, found) && !fnn_evaluate(m, NULL, &data, &many));
        CHECK(memcmp(found, expected, (size_t)count * CLASSES * sizeof *found) != 0);
        CHECK(!evaluated_alike(&one, &many));
        fnn_model_free(m);
    }
}

static void inference_has_its_bits(void)
{
    int which;
    for (which = 0; which < KINDS; which++) infers_alike((kind)which);
}

/* Views of sizes and at offsets that put a sample anywhere in a tile and a chunk. */
static void sample_has_its_bits(kind which)
{
    static const int sizes[] = {1,
                                2,
                                3,
                                13,
                                14,
                                15,
                                29,
                                FNNI_CHUNK - 1,
                                FNNI_CHUNK,
                                FNNI_CHUNK + 1,
                                2 * FNNI_CHUNK,
                                2 * FNNI_CHUNK + 1};
    const fnn_dataset data = make_images(400);
    int isa, i, first;
    FOR_EACH_ISA(isa) {
        fnn_model *m = make_used_network(which, isa);
        fnn_context *context = make_context(isa, 3);
        CHECK(!fnn_predict(m, context, &data, expected));
        for (i = 0; i < (int)(sizeof sizes / sizeof sizes[0]); i++)
            for (first = 0; first + sizes[i] <= 400; first += quick() || which ? 97 : 37) {
                fnn_dataset view = data;
                view.bytes = pixels + first * INPUTS;
                view.count = sizes[i];
                CHECK(!fnn_predict(m, context, &view, found));
                CHECKF(!memcmp(found, expected + first * CLASSES,
                               (size_t)sizes[i] * CLASSES * sizeof *found),
                       "%s, network %d: %d samples from %d", fnn_isa_name((fnn_isa)isa), (int)which,
                       sizes[i], first);
            }
        CHECK(memcmp(expected, expected + CLASSES, CLASSES * sizeof *expected) != 0);
        fnn_context_free(context);
        fnn_model_free(m);
    }
}

static void a_sample_has_its_bits_in_any_batch(void)
{
    int which;
    for (which = 0; which < KINDS; which++) sample_has_its_bits((kind)which);
}

/* Images so large that a convolution goes band by band, each of which begins with whole tiles and
 * whole windows of the pool behind it: alone, in a batch, and by its calls one after the other. */
enum { LARGE = 40, DEEP = 16, WIDE = 256, LARGES = 3, POOLED = LARGE / 3 };

static fnn_model *make_banded(int isa, int pool)
{
    fnn_model *m = model_on((fnn_isa)isa, 1, LARGE, LARGE, DEEP);
    const fnn_pool2d_config threes = {0, 3, 3, 3, 3, FNN_VALID, 0, 0};
    fnn_set_seed(m, 3);
    fnn_conv2d(m, WIDE, 3, FNN_SAME, FNN_RELU);
    if (pool) fnn_pool2d_with(m, &threes);
    fnn_seal(m);
    return m;
}

/* What the model's layers give when each is called by itself. */
static void by_calls(fnn_model *m, fnn_context *context, const fnn_real *x, int pool, fnn_real *out)
{
    static fnn_real y[LARGES * LARGE * LARGE * WIDE];
    const fnn_real *weights = fnn_parameters(m, NULL);
    fnn_window w, p;
    CHECK(!fnn_window_make(LARGE, LARGE, DEEP, 3, 3, 1, 1, FNN_SAME, &w));
    CHECK(!fnn_window_make(LARGE, LARGE, WIDE, 3, 3, 3, 3, FNN_VALID, &p));
    CHECK(!fnn_conv2d_forward(context, &w, WIDE, LARGES, x, weights,
                              weights + (size_t)9 * DEEP * WIDE, pool ? y : out));
    if (pool) CHECK(!fnn_max_pool2d_forward(context, &p, LARGES, y, out, NULL));
    CHECK(!fnn_activation_forward(
        context, FNN_RELU, 0, (ptrdiff_t)LARGES * WIDE * (pool ? POOLED * POOLED : LARGE * LARGE),
        out, out));
}

static void large_images_have_their_bits(void)
{
    enum { IN = LARGE * LARGE * DEEP, OUT = LARGE * LARGE * WIDE };
    static fnn_real x[LARGES * IN], all[LARGES * OUT], called[LARGES * OUT], alone[OUT];
    fnn_dataset data = real_images_of(x, LARGES, LARGE, LARGE, DEEP), one = data;
    int isa, pool, i;
    fill_reals(x, LARGES * IN, 1, 1);
    one.count = 1;
    FOR_EACH_ISA(isa) {
        fnn_context *context = make_context(isa, 2);
        for (pool = 0; pool < 2; pool++) {
            const size_t size = (size_t)WIDE * (pool ? POOLED * POOLED : LARGE * LARGE);
            fnn_model *m = make_banded(isa, pool);
            CHECKF(fnni_layer_band(m->layers) < LARGE, "only one band"); /* or this shows nothing */
            CHECK(m->layers[0].absorbed == pool);
            by_calls(m, context, x, pool, called);
            CHECK(!fnn_predict(m, context, &data, all));
            CHECKF(!memcmp(all, called, LARGES * size * sizeof *all), "%s, pool %d: other bits",
                   fnn_isa_name((fnn_isa)isa), pool);
            for (i = 0; i < LARGES; i++) {
                one.reals = x + i * IN;
                CHECK(!fnn_predict(m, NULL, &one, alone));
                CHECKF(!memcmp(alone, all + (size_t)i * size, size * sizeof *all),
                       "%s, pool %d: image %d alone", fnn_isa_name((fnn_isa)isa), pool, i);
            }
            fnn_model_free(m);
        }
        fnn_context_free(context);
    }
}

/* A pool of 2 x 2 windows takes its maxima from tiles on their way out: as its layers do one after
 * the other, of odd sizes too, whose last row or column no window sees. */
static void pool_of_tiles(int isa, int height, int width)
{
    enum { MANY = 3, LIMIT = 15 * 15 * 24 };
    static fnn_real x[MANY * 15 * 15 * DEEP], all[MANY * LIMIT], called[MANY * LIMIT];
    static fnn_real y[MANY * LIMIT];
    fnn_dataset data = real_images_of(x, MANY, height, width, DEEP);
    fnn_model *m = model_on((fnn_isa)isa, 1, height, width, DEEP);
    fnn_context *context = make_context(isa, 1);
    const size_t size = (size_t)(height / 2) * (size_t)(width / 2) * 24;
    const fnn_real *weights;
    fnn_window w, p;
    fill_reals(x, MANY * height * width * DEEP, 1, 1);
    fnn_conv2d(m, 24, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    CHECK(!fnn_seal(m) && m->layers[0].absorbed);
    weights = fnn_parameters(m, NULL);
    CHECK(!fnn_window_make(height, width, DEEP, 3, 3, 1, 1, FNN_SAME, &w));
    CHECK(!fnn_window_make(height, width, 24, 2, 2, 2, 2, FNN_VALID, &p));
    CHECK(!fnn_conv2d_forward(context, &w, 24, MANY, x, weights, weights + 9 * DEEP * 24, y));
    CHECK(!fnn_max_pool2d_forward(context, &p, MANY, y, called, NULL));
    CHECK(!fnn_activation_forward(context, FNN_RELU, 0, (ptrdiff_t)(MANY * size), called, called));
    CHECK(!fnn_predict(m, context, &data, all));
    CHECKF(!memcmp(all, called, MANY * size * sizeof *all), "%s %d x %d: other bits",
           fnn_isa_name((fnn_isa)isa), height, width);
    fnn_context_free(context);
    fnn_model_free(m);
}

static void pools_of_tiles_have_their_bits(void)
{
    static const int sizes[][2] = {{14, 14}, {13, 9}, {7, 6}, {5, 4}, {15, 3}, {8, 11}};
    int isa;
    size_t i;
    FOR_EACH_ISA(isa)
        for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            pool_of_tiles(isa, sizes[i][0], sizes[i][1]);
}

/* ---- sixteen threads ---- */

typedef struct {
    pthread_barrier_t *gate;
    const fnn_model *model;
    int isa, member, wrong;
    fnn_real outputs[64 * CLASSES], values[64];
    fnn_metrics metrics;
} member;

/* All at once: what each does is the same. Returns how many members went wrong or differ. */
static int crowd(void *(*body)(void *member), const fnn_model *model, int isa)
{
    static member members[CROWD];
    pthread_t threads[CROWD];
    pthread_barrier_t gate;
    int i, wrong = 0;
    pthread_barrier_init(&gate, NULL, CROWD);
    memset(members, 0, sizeof members);
    for (i = 0; i < CROWD; i++) {
        members[i].gate = &gate;
        members[i].model = model;
        members[i].isa = isa;
        members[i].member = i;
        if (pthread_create(threads + i, NULL, body, members + i)) abort();
    }
    for (i = 0; i < CROWD; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&gate);
    for (i = 0; i < CROWD; i++)
        wrong += members[i].wrong ||
                 memcmp(members[i].outputs, members[0].outputs, sizeof members[0].outputs) ||
                 memcmp(members[i].values, members[0].values, sizeof members[0].values) ||
                 !evaluated_alike(&members[i].metrics, &members[0].metrics);
    memcpy(found, members[0].outputs, sizeof members[0].outputs);
    return wrong;
}

static void *use_shared_model(void *argument)
{
    member *me = (member *)argument;
    fnn_context *context = make_context(me->isa, 1);
    const fnn_dataset data = make_images(64);
    int i;
    pthread_barrier_wait(me->gate);
    for (i = 0; i < 5; i++)
        me->wrong += !context || fnn_predict(me->model, context, &data, me->outputs) ||
                     fnn_evaluate(me->model, context, &data, &me->metrics);
    fnn_context_free(context);
    return NULL;
}

static void *use_shared_model_wrongly(void *argument) /* the control: one member looks elsewhere */
{
    member *me = (member *)argument;
    use_shared_model(me);
    if (me->member == 9) me->outputs[17] = me->outputs[18];
    return NULL;
}

static void sixteen_threads_share_a_model(void)
{
    const fnn_dataset data = make_images(64);
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *m = make_used_network(isa % 2 ? CNN : DENSE, isa);
        CHECK(!fnn_predict(m, NULL, &data, expected));
        CHECKF(crowd(use_shared_model, m, isa) == 0, "%s", fnn_isa_name((fnn_isa)isa));
        CHECK(!memcmp(found, expected, 64 * CLASSES * sizeof *found));
        CHECK(crowd(use_shared_model_wrongly, m, isa) == 1);
        fnn_model_free(m);
    }
}

/* Whatever the library may set up at its first call, sixteen threads set it up together. */
static void *call_first(void *argument)
{
    member *me = (member *)argument;
    fnn_context *context;
    fnn_model *m;
    fnn_dataset data;
    fnn_real x[64];
    int i;
    for (i = 0; i < 64; i++) x[i] = (fnn_real)(i - 30) / 8;
    memset(&data, 0, sizeof data);
    data.count = 16;
    data.height = data.width = 1;
    data.channels = 4;
    data.reals = x;
    pthread_barrier_wait(me->gate);
    context = fnn_context_create(NULL, NULL);
    me->wrong += !context || fnn_exp(context, 64, x, me->values);
    me->wrong += fnn_exp(NULL, 64, x, me->values) != FNN_OK;
    me->wrong += !fnn_isa_available(FNN_ISA_SCALAR) || !strstr(fnn_info(NULL), "fmnist_nn");
    m = fnn_sequential(1, 1, 4);
    fnn_dense(m, 40, FNN_TANH);
    me->wrong += fnn_seal(m) || fnn_predict(m, context, &data, me->outputs);
    fnn_model_free(m);
    fnn_context_free(context);
    return NULL;
}

/* The first test: this process has called nothing of the library, so each child starts anew. */
static void sixteen_threads_make_the_first_call(void)
{
    const int tries = quick() ? 4 : 20;
    int i, status;
    for (i = 0; i < tries; i++) {
        const pid_t child = fork();
        if (child == 0) _exit(crowd(call_first, NULL, 0) ? 1 : 7);
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECKF(WIFEXITED(status) && WEXITSTATUS(status) == 7, "try %d: status %d", i, status);
    }
}

static const harness_test tests[] = {TEST(sixteen_threads_make_the_first_call),
                                     TEST(training_has_its_bits),
                                     TEST(training_of_convolutions_has_its_bits),
                                     TEST(convolutions_behind_dense_layers_do),
                                     TEST(training_by_winograds_transforms_has_its_bits),
                                     TEST(large_images_have_their_bits),
                                     TEST(pools_of_tiles_have_their_bits),
                                     TEST(a_gradient_split_by_threads_is_caught),
                                     TEST(a_sum_split_by_threads_differs),
                                     TEST(inference_has_its_bits),
                                     TEST(a_sample_has_its_bits_in_any_batch),
                                     TEST(sixteen_threads_share_a_model)};
HARNESS_MAIN(tests)
