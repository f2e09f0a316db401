/* What inference takes of memory, and the sums that it makes: one sample takes the memory of one,
 * many that of a group, whose rows are bounded in bytes; where a chunk's sums are made group by
 * group they are those of the chunk. And models of other shapes than a program's arrays, which are
 * told from it before they meet. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"

enum { MANY = 300, DISTINCT = 5, WIDE = 200000, OTHERS = 1 << 16 };

static budget memory;

static fnn_context *context_of(int threads)
{
    fnn_context_config config = fnn_context_config_init();
    config.threads = threads;
    config.allocator = budget_open(&memory);
    return fnn_context_create(&config, NULL);
}

/* ---- one sample ---- */

static fnn_model *image_of(int side, int depth)
{
    return fnn_sequential(side, side, depth);
}
static fnn_model *points(void)
{
    fnn_model *m = image_of(64, 1);
    fnn_conv2d(m, 64, 1, FNN_SAME, FNN_RELU);
    return m;
}
static fnn_model *strides(void)
{
    fnn_model *m = image_of(120, 3);
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = 8;
    c.stride_height = c.stride_width = 2;
    fnn_conv2d_with(m, &c);
    fnn_average_pool2d(m, 2);
    fnn_batch_norm(m);
    fnn_dense(m, 10, FNN_SOFTMAX);
    return m;
}
static fnn_model *transforms(void)
{
    fnn_model *m = image_of(48, 16);
    fnn_conv2d(m, 32, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    fnn_flatten(m);
    return m;
}
static fnn_model *units(void)
{
    fnn_model *m = image_of(150, 1);
    fnn_dense(m, 20, FNN_RELU);
    fnn_dense(m, 20000, FNN_SOFTMAX);
    return m;
}
static fnn_model *(*const networks[])(void) = {points, strides, transforms, units};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

/* Bytes of a sample's tensors, all layers' together, with the outputs once more, which an
 * evaluation compares; and as many for what is padded and packed (of small convolutions). */
static size_t bytes_for_one(const fnn_model *m)
{
    size_t count = (size_t)m->inputs + (size_t)fnni_outputs(m);
    int l;
    for (l = 0; l < fnn_layer_count(m); l++) count += (size_t)m->layers[l].outputs;
    return 2 * count * sizeof(fnn_real) + OTHERS;
}

typedef fnn_result (*call)(const fnn_model *m, fnn_context *context, const fnn_dataset *data,
                           fnn_real *y);

static fnn_result predicts(const fnn_model *m, fnn_context *context, const fnn_dataset *data,
                           fnn_real *y)
{
    return fnn_predict(m, context, data, y);
}
static fnn_result predicts_one(const fnn_model *m, fnn_context *context, const fnn_dataset *data,
                               fnn_real *y)
{
    return fnn_predict_one(m, context, data->reals, y);
}
static fnn_result predicts_a_layer(const fnn_model *m, fnn_context *context,
                                   const fnn_dataset *data, fnn_real *y)
{
    return fnn_predict_layer(m, context, data, fnn_layer_count(m) - 1, y);
}
static fnn_result predicts_classes(const fnn_model *m, fnn_context *context,
                                   const fnn_dataset *data, fnn_real *y)
{
    return fnn_predict_classes(m, context, data, (int32_t *)(void *)y);
}
static fnn_result evaluates(const fnn_model *m, fnn_context *context, const fnn_dataset *data,
                            fnn_real *y)
{
    fnn_metrics metrics;
    (void)y;
    return fnn_evaluate(m, context, data, &metrics);
}
static const call calls[] = {predicts, predicts_one, predicts_a_layer, predicts_classes, evaluates};
enum { CALLS = sizeof calls / sizeof calls[0] };

/* The most that a call takes for so many samples. */
static size_t most_of(const fnn_model *m, call what, int threads, int count)
{
    static int64_t first[50]; /* zeros: all are the same row */
    const size_t outputs = (size_t)fnni_outputs(m);
    fnn_real *x = (fnn_real *)need((size_t)m->inputs * sizeof *x);
    fnn_real *y = (fnn_real *)need((size_t)count * outputs * sizeof *y);
    fnn_real *targets = (fnn_real *)need(outputs * sizeof *targets);
    fnn_context *context = context_of(threads);
    fnn_dataset data;
    size_t i;
    for (i = 0; i < (size_t)m->inputs; i++) x[i] = (fnn_real)(i % 7);
    for (i = 0; i < outputs; i++) targets[i] = i == 0;
    data = fnn_dataset_regression(x, targets, count, m->inputs, (int)outputs);
    data.index = first;
    data.rows = 1;
    CHECK(!what(m, context, &data, y));
    fnn_context_free(context);
    free(x);
    free(y);
    free(targets);
    return memory.most;
}

static void one_sample_takes_the_memory_of_one(void)
{
    int n, c, threads;
    for (n = 0; n < NETWORKS; n++) {
        fnn_model *m = networks[n]();
        CHECKF(!fnn_seal(m), "%s", fnn_model_error(m)->message);
        for (threads = 1; threads <= 4; threads += 3)
            for (c = 0; c < CALLS; c++) {
                const size_t most = most_of(m, calls[c], threads, 1);
                CHECKF(most <= bytes_for_one(m), "network %d, call %d, %d threads: %lu bytes", n, c,
                       threads, (unsigned long)most);
            }
        CHECK(most_of(m, predicts, 1, 50) > bytes_for_one(m)); /* the control: of a group */
        fnn_model_free(m);
    }
}

/* ---- many ---- */

static void groups_are_bounded_in_rows_and_bytes(void)
{
    static const struct {
        size_t columns;
        int64_t count;
        int rows;
    } table[] = {{10, 1000, FNNI_CHUNK},
                 {10, 111, 111},
                 {10, 1, 1},
                 {FNNI_GROUP_REALS / 50, 1000, 49}, /* with the output and what it is compared to */
                 {FNNI_GROUP_REALS / 50, 48, 48},
                 {FNNI_GROUP_REALS - 4, 1000, 1},
                 {FNNI_GROUP_REALS, 1000, 1},
                 {SIZE_MAX, 1000, 1}};
    fnn_model *m = fnn_sequential(1, 1, 1);
    size_t i;
    fnn_dense(m, 1, FNN_LINEAR);
    CHECK(!fnn_seal(m));
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        const fnn_dataset data = fnn_dataset_table(NULL, NULL, table[i].count, 1, 0);
        fnni_inference f = fnni_inference_of(m, &data, NULL, NULL);
        m->columns[1] = table[i].columns;
        CHECKF(fnni_group_rows(&f) == table[i].rows, "row %d: %d rows", (int)i,
               fnni_group_rows(&f));
        f.computed = 1; /* outputs that are there take no memory */
        CHECK(fnni_group_rows(&f) == (table[i].count < FNNI_CHUNK ? table[i].count : FNNI_CHUNK));
    }
    fnn_model_free(m);
}

/* Samples of 0.8 MB, a few of them again and again, with targets and weights of their own. */
typedef struct {
    fnn_real *x, targets[DISTINCT], weights[DISTINCT], y[MANY];
    int64_t index[MANY];
    fnn_dataset data;
    fnn_model *m;
} large;

static void large_open(large *l, int threads)
{
    fnn_context_config config = fnn_context_config_init();
    int i;
    l->x = (fnn_real *)need(sizeof *l->x * WIDE * DISTINCT);
    for (i = 0; i < WIDE * DISTINCT; i++)
        l->x[i] = (fnn_real)(fnni_random_unit(1, 2, (uint64_t)i) - .5);
    for (i = 0; i < DISTINCT; i++) {
        l->targets[i] = (fnn_real)(i * .37 - .5);
        l->weights[i] = (fnn_real)(.3 + i * .21);
    }
    for (i = 0; i < MANY; i++) l->index[i] = (i * 7 + i / 11) % DISTINCT;
    l->data = fnn_dataset_regression(l->x, l->targets, MANY, WIDE, 1);
    l->data.index = l->index;
    l->data.rows = DISTINCT;
    l->data.weights = l->weights;
    config.threads = threads;
    l->m = fnn_sequential_with(&config, 1, 1, WIDE);
    fnn_dense(l->m, 1, FNN_LINEAR);
    fnn_set_loss(l->m, FNN_LOSS_MEAN_ABSOLUTE_ERROR, 0, 0);
    CHECK(!fnn_seal(l->m));
}

static void large_close(large *l)
{
    fnn_model_free(l->m);
    free(l->x);
}

/* A thread takes a group of the samples, not of the chunk; what is reserved is enough. */
static void many_samples_take_the_memory_of_a_group(void)
{
    const size_t most = sizeof(fnn_real) * FNNI_GROUP_REALS + OTHERS;
    fnn_metrics metrics;
    int threads;
    large l;
    large_open(&l, 1);
    CHECK(sizeof(fnn_real) * WIDE * FNNI_CHUNK >
          most); /* the control: of a chunk it would be more */
    for (threads = 1; threads <= 2; threads++) {
        fnn_context *context = context_of(threads);
        CHECK(!fnn_reserve(l.m, context));
        CHECKF(memory.most <= most * (size_t)threads, "%lu bytes", (unsigned long)memory.most);
        memory.requests = 0;
        CHECK(!fnn_predict(l.m, context, &l.data, l.y));
        CHECK(!fnn_evaluate(l.m, context, &l.data, &metrics));
        CHECK(memory.requests == 0);
        fnn_context_free(context);
    }
    large_close(&l);
}

/* ---- sums ---- */

/* What an evaluation says of outputs y, computed as one of whole chunks does, in the same order. */
static fnn_metrics by_chunks(const large *l)
{
    double loss = 0, error = 0, variation = fnni_target_variation(&l->data);
    fnn_metrics m;
    int first, i;
    for (first = 0; first < MANY; first += FNNI_CHUNK) {
        const int count = MANY - first < FNNI_CHUNK ? MANY - first : FNNI_CHUNK;
        double chunk_loss = 0, chunk_error = 0;
        for (i = first; i < first + count; i++) {
            const double w = (double)l->weights[l->index[i]];
            const fnn_real t = l->targets[l->index[i]], d = l->y[i] - t;
            const double e = (double)l->y[i] - (double)t;
            chunk_loss += (double)((d < 0 ? -d : d) * l->weights[l->index[i]]);
            chunk_error += w * e * e;
        }
        loss += chunk_loss / count * count;
        error += chunk_error;
    }
    m.loss = loss / MANY;
    m.r2 = 1 - error / variation;
    return m;
}

/* A sample alone, in groups, and on several threads: the same outputs and the same figures. */
static void large_samples_have_their_bits(void)
{
    int i, threads;
    large l;
    for (threads = 1; threads <= 3; threads++) {
        fnn_metrics found, right;
        fnn_real one;
        large_open(&l, threads);
        CHECK(!fnn_predict(l.m, NULL, &l.data, l.y));
        for (i = 0; i < MANY; i++) CHECK(l.y[i] == l.y[i % 55]); /* the index goes round */
        for (i = 0; i < 55; i++)
            CHECK(!fnn_predict_one(l.m, NULL, l.x + WIDE * l.index[i], &one) && one == l.y[i]);
        CHECK(l.y[0] != l.y[1]);
        right = by_chunks(&l);
        CHECK(!fnn_evaluate(l.m, NULL, &l.data, &found));
        CHECKF(found.loss == right.loss && found.r2 == right.r2, "%.17g %.17g, not %.17g %.17g",
               found.loss, found.r2, right.loss, right.r2);
        l.weights[3] += 1; /* the control */
        CHECK(!fnn_evaluate(l.m, NULL, &l.data, &found) && found.loss != right.loss);
        large_close(&l);
    }
}

/* A loss function gets chunks, however large samples are, of what fnn_predict gives. */
typedef struct {
    const large *l;
    int first, wrong;
} listener;

static double listen(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    listener *s = (listener *)user;
    const int left = MANY - s->first;
    int i;
    s->wrong += gradient != NULL || batch->outputs != 1 ||
                batch->count != (left < FNNI_CHUNK ? left : FNNI_CHUNK);
    for (i = 0; i < batch->count && s->first + i < MANY; i++) {
        const int64_t row = s->l->index[s->first + i];
        s->wrong += batch->y[i] != s->l->y[s->first + i] || batch->rows[i] != row ||
                    batch->targets[i] != s->l->targets[row] ||
                    batch->weights[i] != s->l->weights[row];
    }
    s->first += batch->count;
    return s->first;
}

static void a_loss_function_gets_whole_chunks(void)
{
    const double right = (112. * 112 + 224 * 112 + 300 * 76) / MANY;
    fnn_metrics found;
    listener s;
    large l;
    large_open(&l, 2);
    memset(&s, 0, sizeof s);
    s.l = &l;
    CHECK(!fnn_predict(l.m, NULL, &l.data, l.y));
    CHECK(!fnn_set_loss_function(l.m, listen, &s));
    CHECK(!fnn_evaluate(l.m, NULL, &l.data, &found));
    CHECKF(s.wrong == 0 && s.first == MANY, "%d wrong of %d", s.wrong, s.first);
    CHECKF(found.loss == right && found.r2 == by_chunks(&l).r2, "%.17g, not %.17g", found.loss,
           right);
    s.first = 0;
    l.y[77] += 1; /* the control */
    CHECK(!fnn_evaluate(l.m, NULL, &l.data, &found) && s.wrong == 1);
    large_close(&l);
}

/* ---- shapes ---- */

static void shapes_are_checked(void)
{
    static const int others[][4] = {{7, 5, 2, 12},  {5, 7, 2, 12}, {7, 5, 2, 3},
                                    {1, 1, 70, 12}, {7, 5, 2, 0},  {-7, -5, 2, 12}};
    fnn_model *m = fnn_sequential(7, 5, 2);
    fnn_error error;
    size_t i;
    CHECK(fnn_check_shapes(m, 7, 5, 2, 70, &error) == FNN_OK); /* without layers, its input */
    fnn_conv2d(m, 3, 4, FNN_VALID, FNN_LINEAR);                /* 4 x 2 x 3 */
    fnn_max_pool2d(m, 1);
    CHECK(!fnn_check_shapes(m, 7, 5, 2, 24, NULL));
    fnn_dense(m, 12, FNN_SOFTMAX);
    CHECK(!fnn_check_shapes(m, 7, 5, 2, 12, &error) && !fnn_seal(m));
    for (i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK(!fnn_check_shapes(m, others[i][0], others[i][1], others[i][2], others[i][3],
                                &error) == (i == 0));
    CHECK(fnn_check_shapes(m, 28, 28, 1, 10, &error) == FNN_ERROR_ARGUMENT &&
          error.code == FNN_ERROR_ARGUMENT);
    CHECKF(!strcmp(error.message,
                   "model: expected one of 28 x 28 x 1 numbers to 10, found 7 x 5 x 2 to 12"),
           "%s", error.message);
    CHECK(fnn_check_shapes(m, 28, 28, 1, 10, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_check_shapes(NULL, 28, 28, 1, 10, &error) == FNN_ERROR_MEMORY &&
          error.code == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    m = fnn_sequential(7, 5, 2);
    fnn_dense(m, -1, FNN_RELU);
    CHECK(fnn_check_shapes(m, 7, 5, 2, 70, &error) == FNN_ERROR_ARGUMENT &&
          !strcmp(error.message, fnn_model_error(m)->message));
    fnn_model_free(m);
}

/* What the check is for: the file of a model that gives more than an array holds. Without it the
 * numbers behind the array are written over, which the control shows. */
static void a_loaded_model_does_not_overrun(void)
{
    enum { ROOM = 10, GIVES = 16 };
    static unsigned char file[1 << 14];
    fnn_model *m = fnn_sequential(1, 1, 4), *loaded;
    const fnn_real x[4] = {1, 2, 3, 4};
    fnn_real y[GIVES];
    fnn_error error;
    size_t size = 0;
    int i, spoilt = 0;
    fnn_dense(m, GIVES, FNN_SOFTMAX);
    CHECK(!fnn_seal(m) && !fnn_save_memory(m, file, sizeof file, &size, &error));
    loaded = fnn_load_memory(file, size, NULL, &error);
    for (i = 0; i < GIVES; i++) y[i] = -1;
    CHECK(fnn_check_shapes(loaded, 1, 1, 4, ROOM, &error) == FNN_ERROR_ARGUMENT);
    if (!fnn_check_shapes(loaded, 1, 1, 4, GIVES, &error))
        CHECK(!fnn_predict_one(loaded, NULL, x, y));
    for (i = ROOM; i < GIVES; i++) spoilt += y[i] != -1;
    CHECK(spoilt == GIVES - ROOM);
    fnn_model_free(loaded);
    fnn_model_free(m);
}

static const harness_test tests[] = {
    TEST(one_sample_takes_the_memory_of_one),      TEST(groups_are_bounded_in_rows_and_bytes),
    TEST(many_samples_take_the_memory_of_a_group), TEST(large_samples_have_their_bits),
    TEST(a_loss_function_gets_whole_chunks),       TEST(shapes_are_checked),
    TEST(a_loaded_model_does_not_overrun)};
HARNESS_MAIN(tests)
