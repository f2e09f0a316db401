/* Training of one's own: when the loss reads its targets, gradients given by the caller and those
 * of the inputs, frozen layers and rates of their own, a loss function of the caller's. Gradients
 * against differences are the business of test_gradients.c. */
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"
#include "samples.h"
#include <math.h>

enum { ROWS = 300, SIDE = 6, INPUTS = SIDE * SIDE, CLASSES = 5, BATCH = 64 };

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset make_images(void)
{
    fill_bands(pixels, labels, ROWS, INPUTS, CLASSES, SIDE, 160, 95);
    return with_labels(images_of(pixels, ROWS, SIDE, SIDE, 1), labels, CLASSES);
}

/* Layers of every kind with parameters; where they are. */
enum { CONV, NORM, ACTIVATE, POOL, HIDDEN, DROPOUT, HEAD, SOFTMAX, LAYERS };

static fnn_model *make_network(fnn_isa isa, int threads, const fnn_dataset *data)
{
    fnn_model *m = model_on(isa, threads, SIDE, SIDE, 1);
    fnn_set_seed(m, 3);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_conv2d(m, 4, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 17, FNN_TANH);
    fnn_dropout(m, (fnn_real)0.2);
    CHECK(fnn_dense(m, CLASSES, FNN_SOFTMAX) == SOFTMAX);
    return m;
}

static fnn_fit_config make_config(int epochs)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(0.003);
    c.epochs = epochs;
    c.batch_size = BATCH; /* 300 rows: the last batch has 44 */
    c.seed = 11;
    return c;
}

static int same_weights(fnn_model *a, fnn_model *b)
{
    size_t n, k;
    const fnn_real *v = fnn_parameters(a, &n), *w = fnn_parameters(b, &k);
    return v && w && n == k && memcmp(v, w, n * sizeof *v) == 0;
}

/* ---- when targets are read ---- */

static void the_loss_reads_what_stands_there_now(void)
{
    fnn_dataset data = make_images(), gone = data;
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    int64_t samples[3] = {7, 2, 9};
    double before = 0, after = 0, expected = 0;
    const int32_t kept = labels[2];
    CHECK(!fnn_forward(m, &gone, samples, 3, 0) && !fnn_loss(m, &before));
    memset(&gone, 0, sizeof gone); /* struct and list may go, the arrays stay */
    memset(samples, 0, sizeof samples);
    labels[2] = (kept + 1) % CLASSES;
    CHECK(!fnn_loss(m, &after) && after != before);
    CHECK(fabs(after - before -
               (log((double)fnn_outputs(m)[CLASSES + kept]) -
                log((double)fnn_outputs(m)[CLASSES + labels[2]])) /
                   3) < 1e-5);
    CHECK(!fnn_backward(m));
    samples[0] = 7, samples[1] = 2, samples[2] = 9;
    CHECK(!fnn_forward(m, &data, samples, 3, 0) && !fnn_loss(m, &expected) && expected == after);
    labels[2] = CLASSES;
    CHECK(fnn_loss(m, &after) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "labels below 5, found 5") != NULL);
    labels[2] = kept;
    CHECK(!fnn_loss(m, &after) && after == before && !fnn_backward(m));
    fnn_model_free(m);
}

/* As where the value of a step follows from the outputs themselves. */
static void targets_may_be_made_of_the_outputs(void)
{
    fnn_real x[6] = {1, 2, 3, -1, 0, 2}, t[4] = {0, 0, 0, 0};
    fnn_dataset data = with_targets(table_of(x, 2, 3), t, 2);
    fnn_model *m = fnn_sequential(1, 1, 3);
    double loss = -1;
    int i;
    fnn_dense(m, 2, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    CHECK(!fnn_forward(m, &data, NULL, 2, 1));
    for (i = 0; i < 4; i++) t[i] = fnn_outputs(m)[i];
    t[3] += 1;
    CHECK(!fnn_loss(m, &loss));
    CHECKF(fabs(loss - 0.25) < 1e-6, "%g", loss);
    fnn_model_free(m);
}

/* What every batch costs nothing to see: arrays of two kinds, an index into none. */
static void samples_are_of_one_kind(void)
{
    static const int64_t index[2] = {1, 0};
    static const uint8_t bytes[6] = {0};
    const fnn_real x[6] = {1, 2, 3, -1, 0, 2};
    fnn_dataset data = table_of(x, 2, 3);
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_dense(m, 2, FNN_LINEAR);
    data.bytes = bytes;
    CHECK(fnn_forward(m, &data, NULL, 2, 0) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "expected samples, found both bytes and reals"));
    data.bytes = NULL;
    data.index = index;
    CHECK(fnn_forward(m, &data, NULL, 2, 0) == FNN_ERROR_ARGUMENT);
    data.rows = 2;
    CHECK(!fnn_forward(m, &data, NULL, 2, 0));
    fnn_model_free(m);
}

/* ---- gradients of the caller's ---- */

/* The loss's own gradient, given from outside, gives the loss's gradients. */
static void a_given_gradient_does_what_the_loss_does(void)
{
    static fnn_real given[ROWS * CLASSES], kept[5000];
    fnn_dataset data = make_images();
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *m = make_network((fnn_isa)isa, 1, &data);
        double worst = 0, size = 0;
        size_t n = 0, i;
        CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
        if (!CHECK(fnn_gradients(m, &n) && n <= 5000)) return;
        memcpy(kept, fnn_gradients(m, NULL), n * sizeof *kept);
        for (i = 0; i < ROWS * CLASSES; i++) /* d -log y / dy */
            given[i] =
                (int32_t)(i % CLASSES) == labels[i / CLASSES] ? -1 / (fnn_outputs(m)[i] * ROWS) : 0;
        CHECK(!fnn_backward_from(m, given));
        for (i = 0; i < n; i++) {
            const double e = fabs((double)(fnn_gradients(m, NULL)[i] - kept[i]));
            worst = e > worst ? e : worst;
            size = fabs((double)kept[i]) > size ? fabs((double)kept[i]) : size;
        }
        CHECKF(worst < 1e-5 * size && size > 0.01, "%s: %g of %g", fnn_isa_name((fnn_isa)isa),
               worst, size);
        fnn_model_free(m);
    }
}

/* One forward pass, a way back from each output: the rows of the Jacobian; and the last's step. */
static void several_ways_back_follow_one_forward(void)
{
    const fnn_real x[3] = {1, 2, 3};
    fnn_dataset data = table_of(x, 1, 3); /* without labels */
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_real given[2], dx[3], w[8];
    int j, k;
    fnn_dense(m, 2, FNN_LINEAR);
    c.optimizer = fnn_sgd(1);
    CHECK(!fnn_forward(m, &data, NULL, 1, 1));
    memcpy(w, fnn_parameters(m, NULL), sizeof w);
    for (k = 0; k < 2; k++) {
        given[k] = 1, given[1 - k] = 0;
        CHECK(!fnn_backward_to_input(m, given, dx));
        for (j = 0; j < 3; j++) CHECK(dx[j] == w[2 * j + k]);
        for (j = 0; j < 3; j++)
            CHECK(fnn_gradients(m, NULL)[2 * j + k] == x[j] &&
                  fnn_gradients(m, NULL)[2 * j + 1 - k] == 0);
    }
    CHECK(!fnn_step(m, &c));
    for (j = 0; j < 3; j++)
        CHECK(fnn_parameters(m, NULL)[2 * j] == w[2 * j] &&
              fnn_parameters(m, NULL)[2 * j + 1] == w[2 * j + 1] - x[j]);
    fnn_model_free(m);
}

static double no_loss(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    (void)user;
    if (gradient) memset(gradient, 0, (size_t)batch->count * sizeof *gradient);
    return 0;
}

/* A margin of one's own on a single output goes by the labels' signs: no loss of the library's
 * could take them, and none is asked. */
static void labels_are_the_losses_business(void)
{
    const fnn_real x[2] = {1, -1}, far[2] = {1, (fnn_real)NAN}, one_each[2] = {1, 1};
    const fnn_real given[2] = {(fnn_real)-.5, (fnn_real).5};
    int32_t classes[2] = {1, 0};
    fnn_dataset data = fnn_dataset_table(x, classes, 2, 1, 2);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = fnn_sequential(1, 1, 1);
    fnn_real w;
    fnn_dense(m, 1, FNN_LINEAR);
    c.optimizer = fnn_sgd(1);
    CHECK(!fnn_seal(m));
    w = fnn_parameters(m, NULL)[0];
    CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_backward_from(m, given) && !fnn_step(m, &c));
    CHECK(fabs((double)(fnn_parameters(m, NULL)[0] - w - 1)) < 1e-6);
    data.weights = far;
    CHECK(!fnn_forward(m, &data, NULL, 2, 1) && fnn_loss(m, NULL));
    data.weights = NULL, data.class_weights = one_each, classes[0] = 2;
    CHECK(!fnn_set_loss_function(m, no_loss, NULL));
    CHECK(!fnn_forward(m, &data, NULL, 2, 1) && fnn_loss(m, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "labels below 2, found 2") !=
          NULL); /* no such weight */
    data.class_weights = NULL;
    CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_loss(m, NULL));
    fnn_model_free(m);
}

static void ways_back_out_of_order_are_errors(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_SCALAR, 1, &data);
    fnn_real given[2 * CLASSES] = {0}, dx[2 * INPUTS];
    fnn_fit_config c = make_config(1);
    CHECK(fnn_backward_from(NULL, given) == FNN_ERROR_MEMORY);
    CHECK(fnn_backward_to_input(NULL, given, dx) == FNN_ERROR_MEMORY);
    CHECK(fnn_backward_from(m, given) == FNN_ERROR_STATE);
    CHECK(fnn_backward_to_input(m, given, dx) == FNN_ERROR_STATE);
    CHECK(!fnn_forward(m, &data, NULL, 2, 1));
    CHECK(fnn_backward_from(m, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_backward_to_input(m, given, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_backward_to_input(m, NULL, dx) == FNN_ERROR_STATE); /* the loss has none yet */
    CHECK(strstr(fnn_model_error(m)->message, "expected fnn_loss first") != NULL);
    CHECK(!fnn_loss(m, NULL) && !fnn_backward_to_input(m, NULL, dx) && !fnn_step(m, &c));
    CHECK(fnn_backward_from(m, given) == FNN_ERROR_STATE);
    fnn_model_free(m);
}

/* A network with work for three threads. */
static fnn_model *make_large(fnn_isa isa, int threads, const fnn_dataset *data)
{
    fnn_model *m = model_on(isa, threads, SIDE, SIDE, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, data);
    fnn_batch_norm(m);
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_add(m, fnn_conv2d(m, 8, 3, FNN_SAME, FNN_TANH));
    fnn_dense(m, 90, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

/* The way back would go through other numbers than those that came forward. */
static void normalising_ends_a_batch(void)
{
    static fnn_real back[BATCH * INPUTS], ones[BATCH * CLASSES];
    const fnn_dataset data = make_images();
    const fnn_real half = (fnn_real).5;
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    int with;
    for (with = 0; with < 2; with++) {
        CHECK(!fnn_forward(m, &data, NULL, BATCH, 1) && fnn_outputs(m));
        CHECK(!(with ? fnn_normalize_with(m, NULL, &half, 1)
                     : fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data)));
        CHECK(!fnn_outputs(m) && fnn_backward_to_input(m, ones, back) == FNN_ERROR_STATE);
    }
    fnn_model_free(m);
}

static void input_gradients_do_not_depend_on_threads(void)
{
    static fnn_real dx[3][ROWS * INPUTS];
    fnn_dataset data = make_images();
    int isa, i;
    FOR_EACH_ISA(isa)
        for (i = 0; i < 3; i++) {
            fnn_model *m = make_large((fnn_isa)isa, i + 1, &data);
            CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL));
            CHECK(!fnn_backward_to_input(m, NULL, dx[i]));
            CHECK(memcmp(dx[0], dx[i], sizeof dx[i]) == 0 && dx[i][ROWS * INPUTS - 1] != 0);
            fnn_model_free(m);
        }
}

/* Who asked for the inputs' gradient trains on with the same bits; short memory is said, and is all
 * that it is. */
static void the_way_to_the_input_takes_memory_once(void)
{
    static fnn_real dx[BATCH * INPUTS], again[BATCH * INPUTS];
    fnn_dataset data = make_images();
    fnn_model *other = make_network(FNN_ISA_BEST, 2, &data), *m;
    fnn_context_config config = fnn_context_config_init();
    fnn_fit_config c = make_config(2);
    budget b;
    int requests;
    config.threads = 2;
    config.allocator = budget_open(&b);
    m = fnn_sequential_with(&config, SIDE, SIDE, 1);
    fnn_set_seed(m, 3);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_conv2d(m, 4, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 17, FNN_TANH);
    fnn_dropout(m, (fnn_real)0.2);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    CHECK(!fnn_forward(m, &data, NULL, BATCH, 1) && !fnn_loss(m, NULL));
    b.allowed = 0;
    CHECK(fnn_backward_to_input(m, NULL, dx) == FNN_ERROR_MEMORY && b.failed == 1);
    b.allowed = -1;
    CHECK(!fnn_backward_to_input(m, NULL, dx));
    requests = b.requests;
    CHECK(!fnn_forward(m, &data, NULL, BATCH, 1) && !fnn_loss(m, NULL));
    CHECK(!fnn_backward_to_input(m, NULL, again) && b.requests == requests);
    CHECK(memcmp(dx, again, sizeof dx) == 0);
    CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_fit(other, &data, &c, NULL));
    CHECK(same_weights(m, other));
    fnn_model_free(m);
    fnn_model_free(other);
    CHECK(b.held == 0);
}

/* ---- frozen layers, and rates of their own ---- */

/* Where a layer's parameters are: those of `make_network`, counted here. */
static const int sizes[LAYERS] = {4 * 9 + 4, 8, 0, 0, 3 * 3 * 4 * 17 + 17, 0, 17 * 5 + 5, 0};
static size_t offset_of(int layer)
{
    size_t n = 0;
    int l;
    for (l = 0; l < layer; l++) n += (size_t)sizes[l];
    return n;
}

/* Which layers differ between two arrays, a bit each. */
static unsigned moved_layers(const fnn_real *a, const fnn_real *b)
{
    unsigned moved = 0;
    int l;
    for (l = 0; l < LAYERS; l++)
        if (memcmp(a + offset_of(l), b + offset_of(l), (size_t)sizes[l] * sizeof *a))
            moved |= 1u << l;
    return moved;
}

enum { ALL = 1u << CONV | 1u << NORM | 1u << HIDDEN | 1u << HEAD };

/* Everything that a configuration moves weights by. */
static fnn_fit_config rough_config(int kind)
{
    fnn_fit_config c = make_config(2);
    const fnn_optimizer optimizers[] = {fnn_sgd(0.1),      fnn_nesterov(0.1, 0.9),
                                        fnn_adagrad(0.1),  fnn_adadelta(1),
                                        fnn_rmsprop(0.01), fnn_adamw(0.01, 0.1)};
    c.optimizer = optimizers[kind % 6];
    c.l2 = (fnn_real)0.01;
    c.l1 = (fnn_real)0.001;
    c.penalize_biases = 1;
    if (kind % 2) c.clip_norm = (fnn_real)0.5;
    if (kind % 3) c.ema_decay = 0.9;
    return c;
}

static void a_frozen_layer_stays_to_the_bit(void)
{
    static const int layers[] = {CONV, NORM, HIDDEN, HEAD};
    fnn_dataset data = make_images();
    fnn_real before[1000];
    int kind, i;
    for (kind = 0; kind < 12; kind++)
        for (i = 0; i < 4; i++) {
            fnn_model *m = make_network(FNN_ISA_BEST, 1 + kind % 2, &data);
            fnn_fit_config c = rough_config(kind);
            size_t n = 0;
            CHECK(fnn_parameters(m, &n) && n == offset_of(LAYERS) && n <= 1000);
            CHECK(!fnn_fit(m, &data, &c, NULL)); /* momentum is under way */
            memcpy(before, fnn_parameters(m, NULL), n * sizeof *before);
            CHECK(!fnn_set_trainable(m, layers[i], 0) && !fnn_fit(m, &data, &c, NULL));
            CHECKF(moved_layers(before, fnn_parameters(m, NULL)) ==
                       ((unsigned)ALL & ~(1u << layers[i])),
                   "optimiser %d, layer %d: %x moved", kind, layers[i],
                   moved_layers(before, fnn_parameters(m, NULL)));
            CHECK(!fnn_set_trainable(m, layers[i], 1) && !fnn_fit(m, &data, &c, NULL));
            CHECK(moved_layers(before, fnn_parameters(m, NULL)) == (unsigned)ALL);
            fnn_model_free(m);
        }
}

/* Training the head alone is training it on what the layers below it give. */
static void a_head_alone_learns_as_on_its_features(void)
{
    static fnn_real features[ROWS * 17];
    fnn_dataset data = make_images(), reduced;
    int isa, l, i;
    FOR_EACH_ISA(isa) {
        fnn_model *whole = model_on((fnn_isa)isa, 2, SIDE, SIDE, 1),
                  *body = model_on((fnn_isa)isa, 1, SIDE, SIDE, 1),
                  *head = model_on((fnn_isa)isa, 1, 1, 1, 17), *both[2];
        fnn_fit_config c = make_config(3);
        size_t n = 0;
        both[0] = whole, both[1] = body;
        for (i = 0; i < 2; i++) {
            fnn_conv2d(both[i], 4, 3, FNN_SAME, FNN_RELU);
            fnn_max_pool2d(both[i], 2);
            fnn_batch_norm(both[i]);
            fnn_dense(both[i], 17, FNN_TANH);
        }
        fnn_dense(whole, CLASSES, FNN_SOFTMAX);
        fnn_dense(head, CLASSES, FNN_SOFTMAX);
        for (l = 0; l < 4; l++) CHECK(!fnn_set_trainable(whole, l, 0));
        CHECK(!fnn_seal(body) && !fnn_seal(head) && !fnn_seal(whole));
        CHECK(!fnn_predict(body, NULL, &data, features));
        CHECK(fnn_parameters(body, &n) != NULL);
        memcpy(fnn_parameters(head, NULL), fnn_parameters(whole, NULL) + n, 90 * sizeof *features);
        reduced = with_labels(table_of(features, ROWS, 17), labels, CLASSES);
        CHECK(!fnn_fit(whole, &data, &c, NULL) && !fnn_fit(head, &reduced, &c, NULL));
        CHECK(memcmp(fnn_parameters(head, NULL), fnn_parameters(whole, NULL) + n,
                     90 * sizeof *features) == 0);
        CHECK(memcmp(fnn_parameters(body, NULL), fnn_parameters(whole, NULL),
                     n * sizeof *features) == 0);
        fnn_model_free(whole);
        fnn_model_free(body);
        fnn_model_free(head);
    }
}

/* Not even in training does it look at the batch. */
static void a_frozen_batch_norm_keeps_to_its_statistics(void)
{
    static fnn_real outputs[ROWS * CLASSES];
    const fnn_batch_norm_config config = fnn_batch_norm_config_pytorch();
    fnn_dataset data = make_images();
    fnn_model *m = model_on(FNN_ISA_BEST, 2, SIDE, SIDE, 1);
    fnn_fit_config c = make_config(2);
    fnn_conv2d(m, 4, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm_with(m, &config);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_predict(m, NULL, &data, outputs));
    CHECK(!fnn_forward(m, &data, NULL, ROWS, 1));
    CHECK(memcmp(outputs, fnn_outputs(m), sizeof outputs) != 0); /* the control */
    CHECK(!fnn_set_trainable(m, 1, 0) && !fnn_forward(m, &data, NULL, ROWS, 1));
    CHECK(memcmp(outputs, fnn_outputs(m), sizeof outputs) == 0);
    CHECK(!fnn_set_trainable(m, 0, 0) && !fnn_set_trainable(m, 2, 0));
    CHECK(!fnn_fit(m, &data, &c, NULL)); /* all is frozen: nothing moves */
    CHECK(!fnn_forward(m, &data, NULL, ROWS, 0));
    CHECK(memcmp(outputs, fnn_outputs(m), sizeof outputs) == 0);
    fnn_model_free(m);
}

/* The norm that is clipped is that of what is trained: so long is a step of SGD at rate 1. */
static void clipping_looks_at_what_is_trained(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(1);
    fnn_real before[1000];
    double squares = 0;
    size_t i;
    c.optimizer = fnn_sgd(1);
    c.clip_norm = (fnn_real)1e-3;
    CHECK(!fnn_set_trainable(m, HIDDEN, 0) && !fnn_set_trainable(m, CONV, 0));
    memcpy(before, fnn_parameters(m, NULL), offset_of(LAYERS) * sizeof *before);
    CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
    for (i = 0; i < offset_of(NORM); i++) CHECK(fnn_gradients(m, NULL)[i] == 0);
    fnn_gradients(m, NULL)[0] = 1000; /* which the step does not look at */
    CHECK(!fnn_step(m, &c));
    for (i = 0; i < offset_of(LAYERS); i++) {
        const double e = (double)fnn_parameters(m, NULL)[i] - (double)before[i];
        squares += e * e;
    }
    CHECKF(fabs(sqrt(squares) - 1e-3) < 1e-5, "%g", sqrt(squares));
    fnn_model_free(m);
}

static void a_rate_factor_multiplies_the_rate(void)
{
    fnn_dataset data = make_images();
    fnn_model *a = make_network(FNN_ISA_BEST, 1, &data), *b = make_network(FNN_ISA_BEST, 1, &data),
              *same = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(1);
    fnn_real before[1000];
    size_t i;
    int l;
    c.optimizer = fnn_sgd(0.25);
    c.batch_size = ROWS; /* one step */
    memcpy(before, fnn_parameters(a, NULL), offset_of(LAYERS) * sizeof *before);
    CHECK(!fnn_set_rate_factor(b, HIDDEN, 0.125) && !fnn_set_rate_factor(b, SOFTMAX, 0));
    for (l = 0; l < LAYERS; l++) CHECK(!fnn_set_rate_factor(same, l, 1));
    CHECK(!fnn_fit(a, &data, &c, NULL) && !fnn_fit(b, &data, &c, NULL));
    CHECK(!fnn_fit(same, &data, &c, NULL) && same_weights(a, same));
    for (i = 0; i < offset_of(LAYERS); i++) {
        const double factor = i < offset_of(HIDDEN) ? 1 : i < offset_of(HEAD) ? 0.125 : 0;
        const double whole = (double)fnn_parameters(a, NULL)[i] - (double)before[i];
        const double found = (double)fnn_parameters(b, NULL)[i] - (double)before[i];
        CHECKF(fabs(found - factor * whole) < 2e-7 * (fabs((double)before[i]) + 1),
               "parameter %d: %g, not %g", (int)i, found, factor * whole);
    }
    fnn_model_free(a);
    fnn_model_free(b);
    fnn_model_free(same);
}

/* A builder's index means its layer, also where softmax or GELU have become one behind it. */
static void a_builders_index_is_its_layer(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
    fnn_fit_config c = make_config(1);
    const int first = fnn_dense(m, 6, FNN_GELU), second = fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_real before[36 * 6 + 6 + 35];
    CHECK(first == 1 && second == 3 && !fnn_set_trainable(m, first, 0));
    memcpy(before, fnn_parameters(m, NULL), sizeof before);
    CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_forward(m, &data, NULL, 2, 1));
    CHECK(!fnn_set_trainable(m, first, 0) && !fnn_outputs(m)); /* the batch under way ends */
    CHECK(memcmp(before, fnn_parameters(m, NULL), (36 * 6 + 6) * sizeof *before) == 0);
    CHECK(memcmp(before, fnn_parameters(m, NULL), sizeof before) != 0);
    CHECK(fnn_set_trainable(m, 4, 0) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "expected 0 to 3, found 4") != NULL);
    CHECK(fnn_set_trainable(m, -1, 0) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_rate_factor(m, 4, 1) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_rate_factor(m, 0, -1) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_rate_factor(m, 0, (double)NAN) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_rate_factor(m, 0, HUGE_VAL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_set_trainable(NULL, 0, 0) == FNN_ERROR_MEMORY);
    CHECK(fnn_set_rate_factor(NULL, 0, 1) == FNN_ERROR_MEMORY);
    CHECK(!fnn_fit(m, &data, &c, NULL));
    fnn_model_free(m);
}

static int thaw(void *user, const fnn_epoch *epoch)
{
    if (epoch->epoch == 2) CHECK(!fnn_set_trainable((fnn_model *)user, CONV, 1));
    return 0;
}

/* As fine-tuning does: the head first, then all of it; two fits are one. */
static void a_callback_may_thaw_a_layer(void)
{
    fnn_dataset data = make_images();
    fnn_model *a = make_network(FNN_ISA_BEST, 2, &data), *b = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(4);
    CHECK(!fnn_set_trainable(a, CONV, 0) && !fnn_set_trainable(b, CONV, 0));
    c.callback = thaw;
    c.user = a;
    CHECK(!fnn_fit(a, &data, &c, NULL));
    c = make_config(2);
    CHECK(!fnn_fit(b, &data, &c, NULL) && !fnn_set_trainable(b, CONV, 1));
    CHECK(!fnn_fit(b, &data, &c, NULL) && same_weights(a, b));
    fnn_model_free(a);
    fnn_model_free(b);
}

/* Steps that it was frozen in are none of its own: Adam's first step is of the rate's size. */
static void a_thawed_layer_begins_adam_anew(void)
{
    const fnn_dataset data = make_images();
    int pytorch;
    for (pytorch = 0; pytorch < 2; pytorch++) {
        fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
        fnn_fit_config c = make_config(4);
        fnn_real *w = fnn_parameters(m, NULL) + offset_of(HIDDEN), before[1000];
        double most = 0;
        int i;
        c.optimizer = pytorch ? fnn_pytorch(fnn_adam(.001)) : fnn_adam(.001);
        CHECK(sizes[HIDDEN] <= 1000 && !fnn_set_trainable(m, HIDDEN, 0));
        CHECK(!fnn_fit(m, &data, &c, NULL) && !fnn_set_trainable(m, HIDDEN, 1));
        memcpy(before, w, (size_t)sizes[HIDDEN] * sizeof *w);
        c.epochs = 1;
        c.batch_size = ROWS;
        CHECK(!fnn_fit(m, &data, &c, NULL));
        for (i = 0; i < sizes[HIDDEN]; i++) most = fmax(most, fabs((double)(w[i] - before[i])));
        CHECKF(most > .00099 && most < .00101, "a step of %g", most);
        fnn_model_free(m);
    }
}

static void the_summary_tells_what_is_trained(void)
{
    const fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    char text[2000];
    CHECK(fnn_summary(m, text, sizeof text) == strlen(text));
    CHECK(!strstr(text, "frozen") && !strstr(text, "rate"));
    CHECK(!fnn_set_trainable(m, CONV, 0) && !fnn_set_rate_factor(m, HIDDEN, .25));
    CHECK(fnn_summary(m, text, sizeof text) == strlen(text));
    CHECKF(strstr(text, " 40  frozen\n1") != NULL, "%s", text); /* 9 x 4 weights, 4 biases */
    CHECKF(strstr(text, " 629  rate x 0.25\n") && strstr(text, ", 40 of them frozen\n"), "%s",
           text);
    fnn_model_free(m);
}

/* ---- a loss function of the caller's ---- */

typedef struct {
    int calls, gradients;  /* calls, and those that asked for a gradient */
    int sizes[20];         /* of the first batches */
    int wrong;             /* labels or rows that are not the data's */
    int bad_at;            /* the call that returns NaN, from 1; 0: none */
    const int32_t *labels; /* (rows) */
} watch;

static void look(watch *w, const fnn_loss_batch *b, const fnn_real *gradient)
{
    int i;
    if (w->calls < 20) w->sizes[w->calls] = b->count;
    w->calls++;
    w->gradients += gradient != NULL;
    for (i = 0; i < b->count && w->labels; i++)
        w->wrong += !b->labels || b->labels[i] != w->labels[b->rows[i]] || b->targets;
}

/* Cross-entropy of the probabilities that a softmax gives. */
static double cross_entropy(void *user, const fnn_loss_batch *b, fnn_real *gradient)
{
    watch *w = (watch *)user;
    double sum = 0;
    int i, j;
    look(w, b, gradient);
    for (i = 0; i < b->count; i++)
        for (j = 0; j < b->outputs; j++) {
            const fnn_real y = b->y[i * b->outputs + j];
            const int hit = j == b->labels[i];
            if (hit) sum -= log((double)y);
            if (gradient) gradient[i * b->outputs + j] = hit ? -1 / (y * (fnn_real)b->count) : 0;
        }
    return w->calls == w->bad_at ? (double)NAN : sum / b->count;
}

static watch watch_of(const int32_t *truth)
{
    watch w;
    memset(&w, 0, sizeof w);
    w.labels = truth;
    return w;
}

/* Fits with the built-in loss and with the same one from outside end up alike, figures too. */
static void a_loss_of_ones_own_trains(void)
{
    fnn_dataset data = make_images();
    int isa;
    FOR_EACH_ISA(isa) {
        fnn_model *a = make_network((fnn_isa)isa, 1, &data),
                  *b = make_network((fnn_isa)isa, 2, &data);
        fnn_fit_config c = make_config(3);
        fnn_history one = {0}, two = {0};
        fnn_metrics built_in, own;
        watch w = watch_of(labels);
        int e;
        c.optimizer = fnn_sgd(0.1);
        c.validation = &data;
        CHECK(!fnn_set_loss_function(b, cross_entropy, &w));
        CHECK(!fnn_fit(a, &data, &c, &one));
        CHECKF(!fnn_fit(b, &data, &c, &two), "%s", fnn_model_error(b)->message);
        CHECKF(w.calls == 3 * (5 + 3) && w.gradients == 3 * 5 && w.wrong == 0,
               "%d calls, %d gradients, %d wrong", w.calls, w.gradients, w.wrong);
        CHECK(w.sizes[0] == BATCH && w.sizes[4] == 44 && w.sizes[5] == 112 && w.sizes[7] == 76);
        CHECK(one.epochs[2].loss < 0.9 * one.epochs[0].loss);
        for (e = 0; e < 3; e++) {
            CHECK(fabs(one.epochs[e].loss - two.epochs[e].loss) < 1e-5);
            CHECK(fabs(one.epochs[e].validation_loss - two.epochs[e].validation_loss) < 1e-5);
            CHECK(fabs(one.epochs[e].score - two.epochs[e].score) < 0.01);
        }
        CHECK(!fnn_evaluate(a, NULL, &data, &built_in) && !fnn_evaluate(b, NULL, &data, &own));
        CHECK(fabs(built_in.loss - own.loss) < 1e-5 && own.loss == two.epochs[2].validation_loss);
        CHECK(!fnn_set_loss_function(b, NULL, NULL) && !fnn_evaluate(b, NULL, &data, &own));
        CHECK(w.calls == 3 * (5 + 3) + 3 && fabs(built_in.loss - own.loss) < 1e-5);
        fnn_history_free(&one);
        fnn_history_free(&two);
        fnn_model_free(a);
        fnn_model_free(b);
    }
}

/* Pulls samples of one class together and pushes others apart, up to a distance of 1 (Hadsell,
 * Chopra and LeCun 2006): of each with the next, round the batch. */
static double contrast(void *user, const fnn_loss_batch *b, fnn_real *gradient)
{
    double sum = 0;
    int i, j;
    look((watch *)user, b, gradient);
    for (i = 0; gradient && i < b->count * b->outputs; i++) gradient[i] = 0;
    for (i = 0; i < b->count; i++) {
        const int next = (i + 1) % b->count, alike = b->labels[i] == b->labels[next];
        const fnn_real *y = b->y + i * b->outputs, *z = b->y + next * b->outputs;
        double square = 1e-12, factor;
        for (j = 0; j < b->outputs; j++) square += (double)((y[j] - z[j]) * (y[j] - z[j]));
        factor = alike ? 1 : square < 1 ? 1 - 1 / sqrt(square) : 0;
        sum += alike ? square / 2 : square < 1 ? (1 - sqrt(square)) * (1 - sqrt(square)) / 2 : 0;
        for (j = 0; gradient && j < b->outputs; j++) {
            const fnn_real g = (fnn_real)(factor / b->count) * (y[j] - z[j]);
            gradient[i * b->outputs + j] += g;
            gradient[next * b->outputs + j] -= g;
        }
    }
    return sum / b->count;
}

/* Fewer outputs than classes: nothing to compare with labels. Rows are found through views. The
 * bits do not depend on the threads. */
static void a_loss_may_look_at_the_whole_batch(void)
{
    fnn_dataset data = make_images(), view;
    fnn_model *models[3];
    fnn_metrics metrics;
    double first = 0;
    int i;
    CHECK(!fnn_dataset_shuffle(&data, 4, &view, NULL));
    for (i = 0; i < 3; i++) {
        fnn_model *m = models[i] = model_on(FNN_ISA_BEST, i + 1, SIDE, SIDE, 1);
        fnn_fit_config c = make_config(8);
        fnn_history history = {0};
        watch w = watch_of(labels);
        fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
        fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
        fnn_dense(m, 100, FNN_RELU);
        fnn_dense(m, 2, FNN_LINEAR);
        CHECK(!fnn_set_loss_function(m, contrast, &w));
        c.optimizer = fnn_adam(0.01);
        CHECKF(!fnn_fit(m, &view, &c, &history), "%s", fnn_model_error(m)->message);
        CHECK(history.epochs[7].loss < 0.5 * history.epochs[0].loss);
        CHECK(isnan(history.epochs[7].score) && w.wrong == 0);
        CHECK(!fnn_evaluate(m, NULL, &view, &metrics) && isnan(metrics.accuracy));
        if (i == 0) first = metrics.loss;
        CHECK(isnan(metrics.score) && metrics.loss == first && metrics.count == ROWS);
        CHECK(w.wrong == 0 && same_weights(m, models[0]));
        fnn_history_free(&history);
    }
    for (i = 0; i < 3; i++) fnn_model_free(models[i]);
    fnn_dataset_free(&view);
}

/* Squared distance to the sample itself, which the data set does not name as a target. */
static double to_itself(void *user, const fnn_loss_batch *b, fnn_real *gradient)
{
    const fnn_real *x = (const fnn_real *)user;
    double sum = b->labels || b->targets ? 1e9 : 0;
    int i, j;
    for (i = 0; i < b->count; i++)
        for (j = 0; j < b->outputs; j++) {
            const fnn_real e = b->y[i * b->outputs + j] - x[b->rows[i] * b->outputs + j];
            sum += (double)(e * e) / b->outputs;
            if (gradient) gradient[i * b->outputs + j] = 2 * e / (fnn_real)(b->outputs * b->count);
        }
    return sum / b->count;
}

/* The same fit with targets and the built-in loss has the same figures. */
static void a_loss_may_do_without_labels(void)
{
    static fnn_real x[40 * 6];
    fnn_dataset bare = table_of(x, 40, 6), data = with_targets(bare, x, 6);
    fnn_fit_config c = make_config(20);
    fnn_history history[2] = {{0}, {0}};
    fnn_metrics metrics;
    double loss = 0;
    int own;
    fill_reals(x, 40 * 6, 3, 3);
    for (own = 0; own < 2; own++) {
        fnn_model *m = fnn_sequential(1, 1, 6);
        fnn_dense(m, 3, FNN_TANH);
        fnn_dense(m, 6, FNN_LINEAR);
        fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
        if (own) CHECK(!fnn_set_loss_function(m, to_itself, x));
        CHECK(!fnn_fit(m, own ? &bare : &data, &c, &history[own]));
        CHECK(!fnn_evaluate(m, NULL, own ? &bare : &data, &metrics));
        CHECK(!own == !isnan(metrics.score));
        CHECK(!fnn_forward(m, own ? &bare : &data, NULL, 40, 1) && !fnn_loss(m, &loss));
        CHECK(fabs(loss - metrics.loss) < 1e-6 && !fnn_backward(m));
        CHECK(!fnn_forward(m, &bare, NULL, 40, 1));
        CHECK(fnn_loss(m, NULL) == (own ? FNN_OK : FNN_ERROR_STATE));
        if (own) { /* back to a loss that needs what the batch has not */
            CHECK(!fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0));
            CHECK(fnn_loss(m, NULL) == FNN_ERROR_STATE && fnn_backward(m) == FNN_ERROR_STATE);
            CHECK(strstr(fnn_model_error(m)->message, "expected fnn_loss first") != NULL);
            CHECK(fnn_fit(m, &bare, &c, NULL) == FNN_ERROR_ARGUMENT);
        }
        fnn_model_free(m);
    }
    CHECK(isnan(history[1].epochs[19].score) && !isnan(history[0].epochs[19].score));
    CHECK(fabs(history[0].epochs[19].loss - history[1].epochs[19].loss) < 1e-5);
    fnn_history_free(&history[0]);
    fnn_history_free(&history[1]);
}

/* A loss of one's own takes any label, but a weight is looked up by it. */
static void class_weights_need_a_class_under_any_loss(void)
{
    static fnn_real x[4 * CLASSES];
    const fnn_real of_class[CLASSES] = {1, 2, 3, 4, 5};
    int32_t truth[4] = {0, 1, 1 << 30, -7};
    fnn_dataset data = with_labels(table_of(x, 4, CLASSES), truth, CLASSES);
    fnn_model *m = fnn_sequential(1, 1, CLASSES);
    fnn_dense(m, 2, FNN_LINEAR); /* fewer outputs than classes */
    CHECK(!fnn_set_loss_function(m, to_itself, x));
    CHECK(!fnn_forward(m, &data, NULL, 4, 1));
    data.class_weights = of_class;
    CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_loss(m, NULL));
    CHECK(!fnn_forward(m, &data, NULL, 3, 1) && fnn_loss(m, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "labels below 5, found 1073741824") != NULL);
    truth[1] = CLASSES - 1;
    CHECK(!fnn_forward(m, &data, NULL, 2, 1));
    truth[1] = -1;
    CHECK(fnn_loss(m, NULL) == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
}

static void a_loss_of_ones_own_may_end_a_fit(void)
{
    fnn_dataset data = make_images();
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data);
    fnn_fit_config c = make_config(3);
    watch w = watch_of(NULL);
    w.bad_at = 7; /* the second batch of the second epoch */
    CHECK(!fnn_set_loss_function(m, cross_entropy, &w));
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC && w.calls == 7);
    CHECKF(strstr(fnn_model_error(m)->message, "epoch 2, step 2: the loss is not finite") != NULL,
           "%s", fnn_model_error(m)->message);
    CHECK(fnn_set_loss_function(NULL, cross_entropy, &w) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
}

static int change_loss(void *user, const fnn_epoch *epoch)
{
    (void)epoch;
    return fnn_set_loss((fnn_model *)user, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0) != FNN_OK;
}

static void a_callback_may_change_the_loss(void)
{
    static fnn_real x[40 * 6];
    const fnn_dataset bare = table_of(x, 40, 6), data = with_targets(bare, x, 6);
    fnn_fit_config c = make_config(3);
    fnn_history history = {0};
    fnn_model *m = fnn_sequential(1, 1, 6);
    fill_reals(x, 40 * 6, 3, 3);
    fnn_dense(m, 6, FNN_LINEAR);
    c.callback = change_loss;
    c.user = m;
    CHECK(!fnn_set_loss_function(m, to_itself, x));
    CHECK(fnn_fit(m, &bare, &c, &history) == FNN_ERROR_ARGUMENT && history.count == 1);
    CHECK(strstr(fnn_model_error(m)->message, "expected labels or targets") != NULL);
    CHECK(!fnn_set_loss_function(m, to_itself, x));
    CHECK(!fnn_fit(m, &data, &c, &history) && history.count == 4);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* Batches of a callback's own: without labels, larger than the fit's, not in training. */
typedef struct {
    fnn_model *m;
    fnn_dataset data;
    fnn_real gradient[ROWS * CLASSES];
} onlooker;

static int look_on(void *user, const fnn_epoch *epoch)
{
    onlooker *o = (onlooker *)user;
    static fnn_real y[ROWS * CLASSES];
    (void)epoch;
    CHECK(!fnn_forward(o->m, &o->data, NULL, ROWS, 0));
    CHECK(!fnn_predict(o->m, NULL, &o->data, y));
    CHECK(fnn_outputs(o->m) && !memcmp(fnn_outputs(o->m), y, sizeof y));
    CHECK(!fnn_backward_from(o->m, o->gradient));
    CHECK(fnn_loss(o->m, NULL) == FNN_ERROR_STATE);
    return 0;
}

static void a_callback_may_look_at_batches(void)
{
    static onlooker o;
    const fnn_dataset data = make_images();
    fnn_model *m[2];
    int watched;
    for (watched = 0; watched < 2; watched++) {
        fnn_fit_config c = make_config(3);
        m[watched] = make_network(FNN_ISA_BEST, 2, &data);
        c.augmentation.shift = 1;
        c.ema_decay = .9;
        c.clip_norm = 1;
        o.m = m[watched];
        o.data = data;
        o.data.labels = NULL;
        o.data.classes = 0;
        if (watched) c.callback = look_on, c.user = &o;
        CHECK(!fnn_fit(m[watched], &data, &c, NULL));
    }
    CHECK(same_weights(m[0], m[1]));
    fnn_model_free(m[0]);
    fnn_model_free(m[1]);
}

static int ask_for_answers(void *user, const fnn_epoch *epoch)
{
    (void)epoch;
    return fnn_set_loss((fnn_model *)user, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0) != FNN_OK;
}

/* Neither the targets nor their normalisation fit the new loss. */
static void a_changed_loss_meets_the_data(void)
{
    static fnn_real x[40 * 6];
    const fnn_dataset data = with_targets(table_of(x, 40, 6), x, 6);
    const char *const says[2] = {"expected targets from 0 to 1", "takes no normalised targets"};
    fnn_fit_config c = make_config(3);
    int normalised;
    fill_reals(x, 40 * 6, 3, 3);
    for (normalised = 0; normalised < 2; normalised++) {
        fnn_history history = {0};
        fnn_model *m = fnn_sequential(1, 1, 6);
        fnn_dense(m, 6, FNN_LINEAR);
        fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
        if (normalised) CHECK(!fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &data));
        c.callback = ask_for_answers;
        c.user = m;
        CHECK(fnn_fit(m, &data, &c, &history) == FNN_ERROR_ARGUMENT && history.count == 1);
        CHECKF(strstr(fnn_model_error(m)->message, says[normalised]), "%s",
               fnn_model_error(m)->message);
        fnn_history_free(&history);
        fnn_model_free(m);
    }
}

/* A score that there is not would end a fit at once, and restore its first epoch. */
static void no_score_is_watched_where_there_is_none(void)
{
    static fnn_real x[40 * 6];
    static int32_t truth[40];
    const fnn_dataset bare = table_of(x, 40, 6), data = with_labels(bare, truth, 6);
    fnn_fit_config c = make_config(3);
    fnn_model *m = fnn_sequential(1, 1, 6);
    fill_reals(x, 40 * 6, 3, 3);
    fnn_dense(m, 6, FNN_LINEAR);
    CHECK(!fnn_set_loss_function(m, to_itself, x));
    c.monitor = FNN_MONITOR_SCORE;
    CHECK(!fnn_fit(m, &bare, &c, NULL)); /* nothing is watched */
    c.patience = 1;
    CHECK(fnn_fit(m, &bare, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "monitor: expected a loss, found a score") != NULL);
    CHECK(!fnn_fit(m, &data, &c, NULL));
    c.validation = &bare;
    c.monitor = FNN_MONITOR_VALIDATION_SCORE;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    c.monitor = FNN_MONITOR_VALIDATION_LOSS;
    CHECK(!fnn_fit(m, &data, &c, NULL));
    fnn_model_free(m);
}

/* Validation's memory, all outputs among it, is taken before the first step: the first call of the
 * loss, the last one and the callback see as many requests. */
typedef struct {
    budget b;
    int first;
} weighing;

static double weigh(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    weighing *w = (weighing *)user;
    int i;
    if (!w->first) w->first = w->b.requests;
    COMPARED();
    if (w->b.requests != w->first)
        CHECKF(0, "%d requests after the first", w->b.requests - w->first);
    for (i = 0; gradient && i < batch->count * batch->outputs; i++) gradient[i] = 0;
    return 0;
}

static void validation_takes_its_memory_first(void)
{
    fnn_dataset data = make_images();
    fnn_context_config config = fnn_context_config_init();
    fnn_fit_config c = make_config(2);
    weighing w;
    fnn_model *m;
    w.first = 0;
    config.allocator = budget_open(&w.b);
    m = fnn_sequential_with(&config, SIDE, SIDE, 1);
    fnn_dense(m, CLASSES, FNN_LINEAR);
    CHECK(!fnn_set_loss_function(m, weigh, &w));
    c.validation = &data;
    CHECK(!fnn_fit(m, &data, &c, NULL) && w.first > 0);
    fnn_model_free(m);
    CHECK(w.b.held == 0);
}

/* The gradient by the data would be scaled by numbers that the batch was not normalised with. */
static void a_new_normalisation_ends_the_batch(void)
{
    const fnn_real x[4] = {1, 2, 3, 5}, t[2] = {1, -1}, twice = 2;
    const fnn_dataset data = fnn_dataset_regression(x, t, 2, 2, 1);
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_real dx[4];
    int way;
    fnn_dense(m, 1, FNN_TANH);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &data);
    for (way = 0; way < 3; way++) {
        CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_loss(m, NULL) && fnn_outputs(m));
        CHECK(fnn_normalize_with(m, &twice, NULL, 9)); /* which fails and changes nothing */
        CHECK(!fnn_backward_to_input(m, NULL, dx));
        CHECK(!fnn_forward(m, &data, NULL, 2, 1) && !fnn_loss(m, NULL));
        CHECK(!(way == 0   ? fnn_normalize_with(m, NULL, &twice, 1)
                : way == 1 ? fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data)
                           : fnn_normalize_targets(m, FNN_NORMALIZE_MEAN, &data)));
        CHECK(!fnn_outputs(m) && fnn_backward_to_input(m, NULL, dx) == FNN_ERROR_STATE);
        CHECK(fnn_backward_to_input(m, t, dx) == FNN_ERROR_STATE && fnn_loss(m, NULL));
    }
    fnn_model_free(m);
}

static int mislabel(void *user, const fnn_epoch *epoch)
{
    (void)epoch;
    ((int32_t *)user)[1] = 99;
    return 0;
}

/* Labels, which a callback may write too, are looked at again before they are learned. */
static void a_callback_may_change_the_labels(void)
{
    const fnn_real x[4] = {1, 2, 3, 5};
    int32_t marks[2] = {0, 1};
    const fnn_dataset data = fnn_dataset_table(x, marks, 2, 2, 3);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_dense(m, 3, FNN_SOFTMAX);
    c.epochs = 1;
    c.callback = mislabel;
    c.user = marks;
    CHECK(!fnn_fit(m, &data, &c, NULL) && marks[1] == 99); /* nothing is learned after it */
    marks[1] = 1;
    c.epochs = 2;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(fnn_model_error(m)->message, "sample 1 has label 99"), "%s",
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

static int take_one_more(void *user, const fnn_epoch *epoch)
{
    (void)epoch;
    ((fnn_dataset *)user)->count++;
    return 0;
}

/* The order of the samples has its memory from the first epoch on. */
static void a_callback_may_not_add_samples(void)
{
    const fnn_real x[6] = {1, 2, 3, 5, 8, 13};
    const int32_t marks[3] = {0, 1, 0};
    fnn_dataset data = fnn_dataset_table(x, marks, 2, 2, 2);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_dense(m, 2, FNN_SOFTMAX);
    c.epochs = 2;
    c.callback = take_one_more;
    c.user = &data;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(fnn_model_error(m)->message, "expected the 2 samples"), "%s",
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

static int change_optimizer(void *user, const fnn_epoch *epoch)
{
    (void)epoch;
    ((fnn_fit_config *)user)->optimizer = fnn_sgd(0.5);
    return 0;
}

/* The kind is that of the beginning, whose state has its memory; the rate is read at each step. */
static void a_callback_changes_the_rate_not_the_optimizer(void)
{
    const fnn_real x[4] = {1, 2, 3, 5};
    const int32_t marks[2] = {0, 1};
    const fnn_dataset data = fnn_dataset_table(x, marks, 2, 2, 2);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_history history;
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_dense(m, 2, FNN_SOFTMAX);
    memset(&history, 0, sizeof history);
    c.optimizer = fnn_adam(0.25);
    c.epochs = 2;
    c.callback = change_optimizer;
    c.user = &c;
    CHECK(!fnn_fit(m, &data, &c, &history) && history.count == 2);
    CHECK(history.epochs[0].learning_rate == 0.25 && history.epochs[1].learning_rate == 0.5);
    fnn_history_free(&history);
    fnn_model_free(m);
}

static const harness_test tests[] = {TEST(a_new_normalisation_ends_the_batch),
                                     TEST(the_loss_reads_what_stands_there_now),
                                     TEST(targets_may_be_made_of_the_outputs),
                                     TEST(samples_are_of_one_kind),
                                     TEST(a_given_gradient_does_what_the_loss_does),
                                     TEST(several_ways_back_follow_one_forward),
                                     TEST(labels_are_the_losses_business),
                                     TEST(ways_back_out_of_order_are_errors),
                                     TEST(normalising_ends_a_batch),
                                     TEST(input_gradients_do_not_depend_on_threads),
                                     TEST(the_way_to_the_input_takes_memory_once),
                                     TEST(a_frozen_layer_stays_to_the_bit),
                                     TEST(a_head_alone_learns_as_on_its_features),
                                     TEST(a_frozen_batch_norm_keeps_to_its_statistics),
                                     TEST(clipping_looks_at_what_is_trained),
                                     TEST(a_rate_factor_multiplies_the_rate),
                                     TEST(a_builders_index_is_its_layer),
                                     TEST(a_callback_may_thaw_a_layer),
                                     TEST(a_thawed_layer_begins_adam_anew),
                                     TEST(the_summary_tells_what_is_trained),
                                     TEST(a_loss_of_ones_own_trains),
                                     TEST(a_loss_may_look_at_the_whole_batch),
                                     TEST(a_loss_may_do_without_labels),
                                     TEST(class_weights_need_a_class_under_any_loss),
                                     TEST(a_loss_of_ones_own_may_end_a_fit),
                                     TEST(a_callback_may_change_the_loss),
                                     TEST(a_callback_may_look_at_batches),
                                     TEST(a_changed_loss_meets_the_data),
                                     TEST(no_score_is_watched_where_there_is_none),
                                     TEST(a_callback_may_change_the_labels),
                                     TEST(a_callback_may_not_add_samples),
                                     TEST(a_callback_changes_the_rate_not_the_optimizer),
                                     TEST(validation_takes_its_memory_first)};
HARNESS_MAIN(tests)
