/* What NaN, infinities, log 0, subnormal and huge numbers, zero variance and nothing at all give in
 * each activation, layer, loss, metric, optimiser, normalisation, schedule and setting: a table of
 * one cell each, which every instruction set fills alike, and which tests/nonfinite.txt has. Rows
 * come from the library's lists: a new kind makes the table another.
 *
 * `test_nonfinite --table` prints it. A cell is to be understood before it goes into the file. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#include "../fmnist_nn.h"
#include "files.h"
#include "harness.h"
#include "samples.h"
#include "told.h"
#include <float.h>
#include <math.h>

/* ---- numbers and their words ---- */

#define NOT_A_NUMBER ((fnn_real)NAN)
#define INF ((fnn_real)INFINITY)
#define TINY ((fnn_real)1e-40) /* subnormal */
#define HUGE ((fnn_real)3e38)

enum { SPECIALS = 8, LENGTH = 37 }; /* whole vectors and a tail */
static const fnn_real specials[SPECIALS] = {NOT_A_NUMBER, INF, -INF, 0, TINY, -TINY, HUGE, -HUGE};

static const char *word(double x)
{
    static char words[4][24];
    static int turn;
    char *to = words[turn = (turn + 1) % 4];
    if (x != x) return "nan";
    if (x == HUGE_VAL || x == -HUGE_VAL) return x > 0 ? "inf" : "-inf";
    if (x == 0) return "0";
    if (fabs(x) < (double)FLT_MIN) return x > 0 ? "tiny" : "-tiny";
    if (fabs(x) > 1e37) return x > 0 ? "huge" : "-huge";
    snprintf(to, sizeof words[0], "%.3g", x);
    return to;
}

/* What a call says in place of numbers. */
static const char *said(fnn_result r)
{
    static const char *const names[] = {"ok",     "argument", "memory", "file",
                                        "format", "state",    "numeric"};
    return names[r];
}

static fnn_context *context; /* of the instruction set that fills the table */
static fnn_isa isa;

static fnn_model *model_here(int height, int width, int channels)
{
    return model_on(isa, 1, height, width, channels);
}

/* ---- sections ---- */

static int cell_width;

static void section(const char *title, int width, const char *const *columns, int count)
{
    int i;
    cell_width = width;
    tell("\n%s\n%-26s", title, "");
    for (i = 0; i < count; i++) tell("%*s", width, columns[i]);
    tell("\n");
}

static void row(const char *format, const char *name)
{
    char text[60];
    snprintf(text, sizeof text, format, name);
    tell("%-26s", text);
}

static void cell(const char *first, const char *second)
{
    char text[60];
    snprintf(text, sizeof text, "%s%s%s", first, second ? " " : "", second ? second : "");
    tell(" %*s", cell_width - 1, text);
}

static const char *const special_names[SPECIALS] = {"nan",  "inf",   "-inf", "0",
                                                    "tiny", "-tiny", "huge", "-huge"};

/* ---- functions and activations ---- */

typedef fnn_result (*element_function)(fnn_context *c, ptrdiff_t n, const fnn_real *x, fnn_real *y);

/* All of an array must be alike. */
static const char *word_of_all(const fnn_real *y)
{
    const char *first = word((double)y[0]);
    int i;
    for (i = 1; i < LENGTH; i++)
        if (strcmp(word((double)y[i]), first) != 0) return "uneven";
    return first;
}

static void fill_with(fnn_real *x, fnn_real value)
{
    int i;
    for (i = 0; i < LENGTH; i++) x[i] = value;
}

static void tell_functions(void)
{
    static const struct {
        const char *name;
        element_function f;
    } functions[] = {
        {"exp", fnn_exp}, {"log", fnn_log}, {"tanh", fnn_tanh}, {"sigmoid", fnn_sigmoid}};
    fnn_real x[LENGTH], y[LENGTH];
    size_t f;
    int i;
    section("Functions of x", 9, special_names, SPECIALS);
    for (f = 0; f < sizeof functions / sizeof *functions; f++) {
        row("fnn_%s", functions[f].name);
        for (i = 0; i < SPECIALS; i++) {
            fill_with(x, specials[i]);
            CHECK(!functions[f].f(context, LENGTH, x, y));
            cell(word_of_all(y), NULL);
        }
        tell("\n");
    }
}

#define ACTIVATION_WORD(name, word, ...) #word,
static const char *const activation_words[] = {
    FNN_ACTIVATION_LIST(ACTIVATION_WORD, ACTIVATION_WORD)};

/* f(x); f'(x) for dy = 1; dx at x = -1 for a special dy. */
enum { VALUE, SLOPE, BACK };
static const char *activation_cell(fnn_activation kind, fnn_real special, int what)
{
    const fnn_real a = (fnn_real)0.25;
    fnn_real x[LENGTH], y[LENGTH], dy[LENGTH];
    fill_with(x, what == BACK ? -1 : special);
    fill_with(dy, what == BACK ? special : 1);
    CHECK(!fnn_activation_forward(context, kind, a, LENGTH, x, y));
    if (what != VALUE) CHECK(!fnn_activation_backward(context, kind, a, LENGTH, x, y, dy, y));
    return word_of_all(y);
}

static void tell_activations(void)
{
    static const char *const titles[] = {"Activations: f(x)", "Activations: f'(x)",
                                         "Activations: dx at x = -1 for a gradient dy"};
    fnn_real x[5], y[5];
    int what, kind, i;
    for (what = VALUE; what <= BACK; what++) {
        section(titles[what], 9, special_names, SPECIALS);
        for (kind = 0; kind < FNN_ACTIVATION_COUNT; kind++) {
            if (kind == FNN_SOFTMAX) continue;
            row("%s", activation_words[kind]);
            for (i = 0; i < SPECIALS; i++)
                cell(activation_cell((fnn_activation)kind, specials[i], what), NULL);
            tell("\n");
        }
    }
    section("Softmax of x, 0, 0, 0, 0: the first and the others", 9, special_names, SPECIALS);
    row("%s", activation_words[FNN_SOFTMAX]);
    for (i = 0; i < SPECIALS; i++) {
        memset(x, 0, sizeof x);
        x[0] = specials[i];
        CHECK(!fnn_softmax(context, 1, 5, x, y));
        cell(word((double)y[0]), word((double)y[4]));
    }
    tell("\n");
}

/* ---- layers ---- */

enum { IMAGES = 3, SIDE = 6, CHANNELS = 16, INPUTS = SIDE * SIDE * CHANNELS };
enum { AT_IMAGE = 1, AT_ROW = 2, AT_COLUMN = 2, AT_CHANNEL = 3 };
static fnn_real pictures[IMAGES * INPUTS];

static void build_dense(fnn_model *m)
{
    fnn_dense(m, 5, FNN_LINEAR);
}
static void build_conv2d(fnn_model *m)
{
    fnn_conv2d(m, 3, 3, FNN_SAME, FNN_LINEAR);
}
static void build_winograd(fnn_model *m)
{
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
}
static void build_max_pool2d(fnn_model *m)
{
    fnn_max_pool2d(m, 2);
}
static void build_average_pool2d(fnn_model *m)
{
    fnn_average_pool2d(m, 2);
}
static void build_global(fnn_model *m)
{
    fnn_global_average_pool2d(m);
}
static void build_batch_norm(fnn_model *m)
{
    fnn_batch_norm(m);
}
static void build_dropout(fnn_model *m)
{
    fnn_dropout(m, (fnn_real)0.5);
}
static void build_spatial_dropout(fnn_model *m)
{
    fnn_spatial_dropout(m, (fnn_real)0.5);
}
static void build_flatten(fnn_model *m)
{
    fnn_flatten(m);
}
static void build_add(fnn_model *m)
{
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_add(m, -1);
}
static void build_activation(fnn_model *m)
{
    fnn_activate(m, FNN_RELU, 0);
}

typedef struct {
    const char *name;
    void (*build)(fnn_model *m);
    int training;
    int drops; /* 1: the number is dropped; -1: it is kept */
} layer_row;

static const layer_row layers[] = {
    {"dense", build_dense, 0, 0},
    {"conv2d", build_conv2d, 0, 0},
    {"conv2d by Winograd", build_winograd, 0, 0},
    {"max_pool2d", build_max_pool2d, 0, 0},
    {"average_pool2d", build_average_pool2d, 0, 0},
    {"global_average_pool2d", build_global, 0, 0},
    {"batch_norm", build_batch_norm, 0, 0},
    {"batch_norm, training", build_batch_norm, 1, 0},
    {"dropout", build_dropout, 0, 0},
    {"dropout, kept", build_dropout, 1, -1},
    {"dropout, dropped", build_dropout, 1, 1},
    {"spatial_dropout, kept", build_spatial_dropout, 1, -1},
    {"spatial_dropout, dropped", build_spatial_dropout, 1, 1},
    {"flatten", build_flatten, 0, 0},
    {"add", build_add, 0, 0},
    {"activation relu", build_activation, 0, 0},
};

/* Where an output of the last layer's shape sees the number, and how far it reaches: to nothing, to
 * the one output there, to its image, to its channel, further. */
static int place_in(const int *shape)
{
    const int row_at = AT_ROW * shape[0] / SIDE, column = AT_COLUMN * shape[1] / SIDE;
    const int channel = shape[2] == CHANNELS ? AT_CHANNEL : 0;
    if (shape[0] * shape[1] == 1 && shape[2] == INPUTS)
        return (AT_ROW * SIDE + AT_COLUMN) * CHANNELS + AT_CHANNEL; /* flat */
    return (row_at * shape[1] + column) * shape[2] + channel;
}

static const char *reach_of(const fnn_real *y, const int *shape)
{
    const int size = shape[0] * shape[1] * shape[2];
    int i, own = 0, others = 0, channel = 1;
    for (i = 0; i < IMAGES * size; i++) {
        if (y[i] - y[i] == 0) continue;
        if (i / size == AT_IMAGE) own++;
        else others++;
        channel &= i % shape[2] == place_in(shape) % shape[2];
    }
    if (others) return channel ? "channel" : "batch";
    return own > 1 ? "image" : own ? "there" : "-";
}

/* Forward with so many channels' number as a special one; a seed that drops it or not is found. */
static void layer_cell(const layer_row *l, fnn_real special)
{
    fnn_dataset data = real_images_of(pictures, IMAGES, SIDE, SIDE, CHANNELS);
    fnn_real *at =
        pictures + ((AT_IMAGE * SIDE + AT_ROW) * SIDE + AT_COLUMN) * CHANNELS + AT_CHANNEL;
    fnn_model *m = model_here(SIDE, SIDE, CHANNELS);
    const fnn_real *y = NULL;
    int shape[3] = {1, 1, 1}, seed, found = 0;
    size_t place = 0;
    l->build(m);
    for (seed = 0; !found && seed < 20; seed++) {
        *at = 1;
        CHECK(!fnn_set_seed(m, (uint64_t)seed) &&
              !fnn_forward(m, &data, NULL, IMAGES, l->training));
        CHECK(!fnn_shapes(m, NULL, shape));
        place = (size_t)(AT_IMAGE * shape[0] * shape[1] * shape[2] + place_in(shape));
        y = fnn_outputs(m);
        found = !l->drops || (y[place] != 0) == (l->drops < 0);
    }
    CHECK(found);
    seed--; /* the same draws again */
    *at = special;
    CHECK(!fnn_set_seed(m, (uint64_t)seed) && !fnn_forward(m, &data, NULL, IMAGES, l->training));
    y = fnn_outputs(m);
    cell(word((double)y[place]), reach_of(y, shape));
    *at = 1;
    fnn_model_free(m);
}

static void tell_layers(void)
{
    static const fnn_real numbers[] = {NOT_A_NUMBER, INF, -INF, TINY, HUGE};
    static const char *const names[] = {"nan", "inf", "-inf", "tiny", "huge"};
    size_t l, i;
    fill_reals(pictures, IMAGES * INPUTS, 1, 1);
    section("Layers: the output there, and how far what is not finite reaches", 14, names, 5);
    for (l = 0; l < sizeof layers / sizeof *layers; l++) {
        row("%s", layers[l].name);
        for (i = 0; i < 5; i++) layer_cell(layers + l, numbers[i]);
        tell("\n");
    }
}

/* A weight of the first unit, of inputs that are all 0: what is not finite is not hidden. */
static void tell_weights(void)
{
    static fnn_real zeros[INPUTS];
    fnn_dataset data = table_of(zeros, 1, 9);
    int i;
    section("A dense layer's weight, of an input 0: its output, and the next", 9, special_names,
            SPECIALS);
    row("%s", "dense");
    for (i = 0; i < SPECIALS; i++) {
        fnn_model *m = model_here(1, 1, 9);
        fnn_real y[2];
        fnn_dense(m, 2, FNN_LINEAR);
        fnn_parameters(m, NULL)[0] = specials[i];
        CHECK(!fnn_predict(m, context, &data, y));
        cell(word((double)y[0]), word((double)y[1]));
        fnn_model_free(m);
    }
    tell("\n");
}

/* A constant channel has no variance: y = beta, and what goes back. */
static void tell_no_variance(void)
{
    static const char *const names[] = {"y", "variance", "dx", "dgamma", "eps 0: y", "dx"};
    const fnn_real x[4] = {7, 7, 7, 7}, dy[4] = {1, 2, 3, 4};
    fnn_real mean, variance, y[4], dx[4], dgamma, dbeta;
    int i;
    section("Batch normalisation of a constant", 12, names, 6);
    row("%s", "fnn_batch_norm_*");
    for (i = 0; i < 2; i++) {
        const fnn_real epsilon = i ? 0 : (fnn_real)1 / 1024; /* whose root is exact */
        CHECK(!fnn_batch_norm_forward(context, 4, 1, x, NULL, NULL, epsilon, &mean, &variance, y));
        CHECK(!fnn_batch_norm_backward(context, 4, 1, x, dy, NULL, &mean, &variance, epsilon, dx,
                                       &dgamma, &dbeta));
        cell(word((double)y[0]), NULL);
        if (!i) cell(word((double)variance), NULL);
        cell(word((double)dx[0]), NULL);
        if (!i) cell(word((double)dgamma), NULL);
    }
    tell("\n");
}

/* ---- losses ---- */

#define LOSS_WORD(name, word, ...) #word,
static const char *const loss_words[] = {FNN_LOSS_LIST(LOSS_WORD)};
enum { OUTPUTS = 3 };

/* Of outputs that are 0 but for y[at], with label 0, or of y = 0 with the targets t: the loss, and
 * in *slope its derivative by y[at]. */
static const char *loss_cell(int kind, int at, fnn_real special, int of_target, const char **slope)
{
    const int32_t label = 0;
    fnn_real y[OUTPUTS] = {0}, t[OUTPUTS] = {1, 0, 0}, dx[OUTPUTS];
    fnn_model *m = model_here(1, 1, OUTPUTS);
    fnn_dataset data = table_of(y, 1, OUTPUTS);
    double loss = 0;
    fnn_result r;
    fnn_activate(m, FNN_LINEAR, 0);
    fnn_set_loss(m, (fnn_loss_kind)kind, 0, (fnn_real)0.5);
    (of_target ? t : y)[at] = special;
    data = of_target ? with_targets(data, t, OUTPUTS) : with_labels(data, &label, OUTPUTS);
    CHECK(!fnn_forward(m, &data, NULL, 1, 1));
    r = fnn_loss(m, &loss);
    *slope = said(r);
    if (!r) CHECK(!fnn_backward_to_input(m, NULL, dx));
    if (!r) *slope = word((double)dx[at]);
    fnn_model_free(m);
    return r ? said(r) : word(loss);
}

static void tell_losses(void)
{
    static const char *const where[] = {"%.20s, y[0]", "%.20s, y[1]", "%.20s, t[0]"};
    const char *slope, *loss;
    int slopes, kind, w, i;
    for (slopes = 0; slopes < 2; slopes++) {
        section(slopes ? "Losses: their slope by that y[i], or by y[0] for a special target"
                       : "Losses of y = 0, 0, 0 with label 0 where a y[i], or the target, is",
                9, special_names, SPECIALS);
        for (kind = 0; kind < FNN_LOSS_COUNT; kind++)
            for (w = 0; w < 3; w++) {
                row(where[w], loss_words[kind]);
                for (i = 0; i < SPECIALS; i++) {
                    loss = loss_cell(kind, w % 2, specials[i], w == 2, &slope);
                    cell(slopes ? slope : loss, NULL);
                }
                tell("\n");
            }
    }
}

/* ---- metrics ---- */

/* Two samples of three outputs; the second's output at its label, or its target, is special. */
static double metric_of(int which, fnn_real special, int of_target)
{
    const int32_t labels[2] = {0, 1};
    fnn_real y[6] = {1, 0, 0, 0, 0, 1}, t[6] = {1, 0, 0, 0, 1, 0};
    fnn_dataset classes = with_labels(table_of(y, 2, 3), labels, 3);
    fnn_dataset numbers = with_targets(table_of(y, 2, 3), t, 3);
    (of_target ? t : y)[4] = special;
    switch (which) {
    case 0: return fnn_accuracy(y, labels, 2, 3);
    case 1: return fnn_accuracy_on(y, &classes, 3);
    case 2: return fnn_top_k(y, labels, 2, 3, 2);
    case 3: return fnn_top_k_on(y, &classes, 3, 2);
    case 4: return fnn_binary_accuracy(y, t, 2, 3, .5);
    case 5: return fnn_r2(y, t, 2, 3);
    default: return fnn_r2_on(y, &numbers, 3);
    }
}

static void tell_metrics(void)
{
    static const char *const names[] = {"accuracy",        "accuracy_on", "top_k", "top_k_on",
                                        "binary_accuracy", "r2",          "r2_on"};
    int which, i;
    section("Metrics where one of six outputs is", 9, special_names, SPECIALS);
    for (which = 0; which < 7; which++) {
        row("fnn_%s", names[which]);
        for (i = 0; i < SPECIALS; i++) cell(word(metric_of(which, specials[i], 0)), NULL);
        tell("\n");
    }
    for (which = 4; which < 7; which++) {
        row("fnn_%s, target", names[which]);
        for (i = 0; i < SPECIALS; i++) cell(word(metric_of(which, specials[i], 1)), NULL);
        tell("\n");
    }
}

/* ---- optimisers ---- */

typedef struct {
    const char *name;
    fnn_optimizer optimizer;
    fnn_real clip_norm, clip_value, l2;
} step_row;

static void step_cell(const step_row *s, fnn_real gradient)
{
    const fnn_real x = 1, dy = 0;
    const fnn_dataset data = table_of(&x, 1, 1);
    fnn_dense_config one = fnn_dense_config_init();
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = model_here(1, 1, 1);
    double w[2];
    int i;
    one.units = one.no_bias = 1;
    fnn_dense_with(m, &one);
    fnn_parameters(m, NULL)[0] = 1;
    c.optimizer = s->optimizer;
    c.clip_norm = s->clip_norm;
    c.clip_value = s->clip_value;
    c.l2 = s->l2;
    for (i = 0; i < 2; i++) {
        CHECK(!fnn_forward(m, &data, NULL, 1, 1) && !fnn_backward_from(m, &dy));
        fnn_gradients(m, NULL)[0] = i ? 0 : gradient;
        CHECK(!fnn_step(m, &c));
        w[i] = (double)fnn_parameters(m, NULL)[0];
    }
    cell(word(w[0]), word(w[1]));
    fnn_model_free(m);
}

static void tell_optimizers(void)
{
    const step_row steps[] = {
        {"sgd", fnn_sgd(.1), 0, 0, 0},
        {"sgd, clip_norm 1", fnn_sgd(.1), 1, 0, 0},
        {"sgd, clip_value 1", fnn_sgd(.1), 0, 1, 0},
        {"sgd, l2", fnn_sgd(.1), 0, 0, 1},
        {"momentum", fnn_momentum(.1, .9), 0, 0, 0},
        {"nesterov", fnn_nesterov(.1, .9), 0, 0, 0},
        {"adagrad", fnn_adagrad(.1), 0, 0, 0},
        {"adagrad, PyTorch's", fnn_pytorch(fnn_adagrad(.1)), 0, 0, 0},
        {"adadelta", fnn_adadelta(.1), 0, 0, 0},
        {"rmsprop", fnn_rmsprop(.1), 0, 0, 0},
        {"rmsprop, PyTorch's", fnn_pytorch(fnn_rmsprop(.1)), 0, 0, 0},
        {"adam", fnn_adam(.1), 0, 0, 0},
        {"adam, PyTorch's", fnn_pytorch(fnn_adam(.1)), 0, 0, 0},
        {"adamw", fnn_adamw(.1, .1), 0, 0, 0},
    };
    static const char *const names[] = {"nan", "inf", "-inf", "0", "tiny", "huge"};
    static const fnn_real gradients[] = {NOT_A_NUMBER, INF, -INF, 0, TINY, HUGE};
    unsigned kinds = 0;
    size_t s;
    int i;
    section("Optimisers: a weight of 1 after such a gradient, and after one of 0 behind it", 12,
            names, 6);
    for (s = 0; s < sizeof steps / sizeof *steps; s++) {
        kinds |= 1u << steps[s].optimizer.kind;
        row("%s", steps[s].name);
        for (i = 0; i < 6; i++) step_cell(steps + s, gradients[i]);
        tell("\n");
    }
    CHECKF(kinds == (1u << FNN_OPTIMIZER_COUNT) - 1, "an optimiser has no row: %x", kinds);
}

/* ---- normalisations ---- */

#define NORMALIZATION_WORD(name, word, ...) #word,
static const char *const normalization_words[] = {FNN_NORMALIZATION_LIST(NORMALIZATION_WORD)};

static void normalization_cell(int kind, const fnn_real *x, int count)
{
    const fnn_dataset data = table_of(x, count, 1);
    fnn_real shift = 0, scale = 0;
    const fnn_result r =
        fnn_normalization_compute((fnn_normalization)kind, &data, &shift, &scale, NULL);
    if (r) cell(said(r), NULL);
    else cell(word((double)shift), word((double)scale));
}

static void tell_normalizations(void)
{
    static const char *const names[] = {"nan", "inf", "huge", "constant", "tiny", "none"};
    static const fnn_real data[][2] = {{1, NOT_A_NUMBER}, {1, INF}, {-HUGE, HUGE}, {7, 7},
                                       {0, TINY},         {0, 0}};
    int kind, i;
    section("Normalisations: shift and scale of a feature that is, or holds", 12, names, 6);
    for (kind = 0; kind < FNN_NORMALIZATION_COUNT; kind++) {
        row("%s", normalization_words[kind]);
        for (i = 0; i < 6; i++) normalization_cell(kind, data[i], i < 5 ? 2 : 0);
        tell("\n");
    }
}

/* ---- schedules ---- */

#define SCHEDULE_WORD(name, word, ...) #word,
static const char *const schedule_words[] = {FNN_SCHEDULE_LIST(SCHEDULE_WORD)};

/* One of each kind, by the field that a rate may be lost in. */
static fnn_schedule of_constant(double field)
{
    (void)field;
    return fnn_schedule_constant();
}
static fnn_schedule of_step_decay(double gamma)
{
    return fnn_schedule_step_decay(2, gamma);
}
static fnn_schedule of_exponential(double gamma)
{
    return fnn_schedule_exponential(gamma);
}
static fnn_schedule of_cosine(double lowest)
{
    return fnn_schedule_cosine(lowest);
}
static fnn_schedule of_one_cycle(double start)
{
    fnn_schedule s = fnn_schedule_one_cycle();
    s.start = start;
    return s;
}
static fnn_schedule of_linear(double field)
{
    (void)field;
    return fnn_schedule_linear();
}

static fnn_schedule schedule_of(int kind, double field)
{
#define SCHEDULE_MAKER(name, word, ...) of_##word,
    static fnn_schedule (*const makers[])(double) = {FNN_SCHEDULE_LIST(SCHEDULE_MAKER)};
    const fnn_schedule s = makers[kind](field);
    CHECK((int)s.kind == kind);
    return s;
}

static void tell_schedules(void)
{
    static const char *const names[] = {"nan",       "inf",       "0",       "tiny",
                                        "field nan", "field inf", "no steps"};
    static const double rates[] = {(double)NAN, (double)INFINITY, 0, 1e-310, 1, 1, 1};
    static const double fields[] = {.5, .5, .5, .5, (double)NAN, (double)INFINITY, .5};
    int kind, i;
    section("Schedules: the rate of step 3 of 10 (of 0) where the base rate, or a field, is", 10,
            names, 7);
    for (kind = 0; kind < FNN_SCHEDULE_COUNT; kind++) {
        row("%s", schedule_words[kind]);
        for (i = 0; i < 7; i++) {
            const fnn_schedule s = schedule_of(kind, fields[i]);
            cell(word(fnn_schedule_rate(&s, rates[i], 3, i == 6 ? 0 : 10, 5)), NULL);
        }
        tell("\n");
    }
}

/* ---- settings ---- */

typedef struct {
    const char *name;
    size_t place;
    int is_double;
} setting;
#define REAL_SETTING(field)                        \
    {                                              \
#field, offsetof(fnn_fit_config, field), 0 \
    }
#define DOUBLE_SETTING(field)                      \
    {                                              \
#field, offsetof(fnn_fit_config, field), 1 \
    }
static const setting settings[] = {
    REAL_SETTING(optimizer.learning_rate),
    REAL_SETTING(optimizer.momentum),
    REAL_SETTING(optimizer.rho),
    REAL_SETTING(optimizer.beta1),
    REAL_SETTING(optimizer.beta2),
    REAL_SETTING(optimizer.epsilon),
    REAL_SETTING(optimizer.weight_decay),
    REAL_SETTING(optimizer.start),
    DOUBLE_SETTING(schedule.gamma),
    DOUBLE_SETTING(schedule.lowest),
    DOUBLE_SETTING(schedule.rise),
    DOUBLE_SETTING(schedule.start),
    DOUBLE_SETTING(schedule.end),
    DOUBLE_SETTING(augmentation.cutout_probability),
    REAL_SETTING(augmentation.cutout_fill),
    REAL_SETTING(l2),
    REAL_SETTING(l1),
    REAL_SETTING(clip_norm),
    REAL_SETTING(clip_value),
    DOUBLE_SETTING(ema_decay),
    DOUBLE_SETTING(min_delta),
    DOUBLE_SETTING(checkpoint_minutes),
};

/* Of all kinds of schedules and optimisers the answer that is not ok. */
static const char *setting_cell(const setting *s, double value)
{
    const int32_t labels[3] = {0, 1, 2};
    fnn_dataset data = with_labels(real_images_of(pictures, 3, 2, 2, 1), labels, 3);
    const fnn_real real = (fnn_real)value;
    const char *answer = "ok";
    int i;
    for (i = 0; i < FNN_SCHEDULE_COUNT + FNN_OPTIMIZER_COUNT; i++) {
        fnn_model *m = model_here(2, 2, 1);
        fnn_fit_config c = fnn_fit_config_init();
        fnn_result r;
        if (i < FNN_SCHEDULE_COUNT) c.schedule = schedule_of(i, .5);
        else c.optimizer.kind = (fnn_optimizer_kind)(i - FNN_SCHEDULE_COUNT);
        c.augmentation.cutout_size = 1;
        c.augmentation.cutout_probability = .5;
        if (s->is_double) memcpy((char *)&c + s->place, &value, sizeof value);
        else memcpy((char *)&c + s->place, &real, sizeof real);
        fnn_dense(m, 3, FNN_SOFTMAX);
        r = fnn_fit(m, &data, &c, NULL);
        if (r) answer = said(r);
        fnn_model_free(m);
    }
    return answer;
}

static void tell_settings(void)
{
    static const char *const names[] = {"nan", "inf", "-inf", "-1"};
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, -1};
    size_t s;
    int i;
    section("A fit's settings", 12, names, 4);
    for (s = 0; s < sizeof settings / sizeof *settings; s++) {
        row("%.26s", settings[s].name);
        for (i = 0; i < 4; i++) cell(setting_cell(settings + s, values[i]), NULL);
        tell("\n");
    }
}

/* ---- arguments of builders and other calls ---- */

static fnn_result set_dropout(fnn_model *m, double x)
{
    return fnn_dropout(m, (fnn_real)x) < 0 ? fnn_model_error(m)->code : FNN_OK;
}
static fnn_result set_spatial_dropout(fnn_model *m, double x)
{
    return fnn_spatial_dropout(m, (fnn_real)x) < 0 ? fnn_model_error(m)->code : FNN_OK;
}
static fnn_result set_leaky_relu(fnn_model *m, double x)
{
    return fnn_activate(m, FNN_LEAKY_RELU, (fnn_real)x) < 0 ? fnn_model_error(m)->code : FNN_OK;
}
static fnn_result set_elu(fnn_model *m, double x)
{
    return fnn_activate(m, FNN_ELU, (fnn_real)x) < 0 ? fnn_model_error(m)->code : FNN_OK;
}
static fnn_result set_momentum(fnn_model *m, double x)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    c.momentum = (fnn_real)x;
    return fnn_batch_norm_with(m, &c) < 0 ? fnn_model_error(m)->code : FNN_OK;
}
static fnn_result set_epsilon(fnn_model *m, double x)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    c.epsilon = (fnn_real)x;
    return fnn_batch_norm_with(m, &c) < 0 ? fnn_model_error(m)->code : FNN_OK;
}
static fnn_result set_initializer(fnn_model *m, double x)
{
    fnn_initializer i = {FNN_HE_NORMAL, 1};
    i.scale = (fnn_real)x;
    return fnn_set_initializer(m, i, i);
}
static fnn_result set_smoothing(fnn_model *m, double x)
{
    return fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, (fnn_real)x, 0);
}
static fnn_result set_loss_epsilon(fnn_model *m, double x)
{
    return fnn_set_loss(m, FNN_LOSS_EPSILON_INSENSITIVE, 0, (fnn_real)x);
}
static fnn_result set_rate_factor(fnn_model *m, double x)
{
    fnn_dense(m, 2, FNN_LINEAR);
    return fnn_set_rate_factor(m, 0, x);
}
static fnn_result set_shift(fnn_model *m, double x)
{
    const fnn_real shift = (fnn_real)x;
    return fnn_normalize_with(m, &shift, NULL, 1);
}
static fnn_result set_scale(fnn_model *m, double x)
{
    const fnn_real scale = (fnn_real)x;
    return fnn_normalize_with(m, NULL, &scale, 1);
}

static fnn_result weigh(fnn_model *m, double x, int classes)
{
    const int32_t labels[2] = {0, 1};
    const fnn_real weights[2] = {1, (fnn_real)x};
    fnn_dataset data = with_labels(table_of(pictures, 2, 4), labels, 2);
    (void)m;
    if (classes) data.class_weights = weights;
    else data.weights = weights;
    return fnn_dataset_check(&data, NULL);
}
static fnn_result set_weights(fnn_model *m, double x)
{
    return weigh(m, x, 0);
}
static fnn_result set_class_weights(fnn_model *m, double x)
{
    return weigh(m, x, 1);
}

static fnn_result set_difference(fnn_model *m, double x)
{
    const int32_t labels[2] = {0, 1};
    const fnn_dataset data = with_labels(real_images_of(pictures, 2, 2, 2, 1), labels, 2);
    const fnn_fit_config c = fnn_fit_config_init();
    fnn_gradient_check report;
    fnn_dense(m, 2, FNN_SOFTMAX);
    return fnn_check_gradients(m, &data, &c, x, &report, NULL);
}

static int build_nothing(void *user, const fnn_trial *trial, fnn_model *m, fnn_fit_config *fit)
{
    (void)user, (void)trial, (void)fit;
    return fnn_dense(m, 2, FNN_SOFTMAX) < 0;
}
static fnn_result set_share(fnn_model *m, double x)
{
    const int32_t labels[2] = {0, 1};
    const fnn_dataset data = with_labels(real_images_of(pictures, 2, 2, 2, 1), labels, 2);
    fnn_search_config c = fnn_search_config_init();
    fnn_search found;
    fnn_result r;
    (void)m;
    c.build = build_nothing;
    c.validation_share = x;
    r = fnn_grid_search(&data, NULL, 0, &c, &found, NULL);
    fnn_search_free(&found);
    return r;
}

static void tell_arguments(void)
{
    static const struct {
        const char *name;
        fnn_result (*set)(fnn_model *m, double x);
    } rows[] = {{"fnn_dropout", set_dropout},
                {"fnn_spatial_dropout", set_spatial_dropout},
                {"fnn_activate, leaky_relu", set_leaky_relu},
                {"fnn_activate, elu", set_elu},
                {"fnn_batch_norm, momentum", set_momentum},
                {"fnn_batch_norm, epsilon", set_epsilon},
                {"fnn_set_initializer", set_initializer},
                {"fnn_set_loss, smoothing", set_smoothing},
                {"fnn_set_loss, epsilon", set_loss_epsilon},
                {"fnn_set_rate_factor", set_rate_factor},
                {"fnn_normalize_with, shift", set_shift},
                {"fnn_normalize_with, scale", set_scale},
                {"weights of samples", set_weights},
                {"weights of classes", set_class_weights},
                {"fnn_check_gradients, h", set_difference},
                {"a search's share", set_share}};
    static const char *const names[] = {"nan", "inf", "-inf", "-1"};
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, -1};
    size_t r;
    int i;
    section("Arguments", 12, names, 4);
    for (r = 0; r < sizeof rows / sizeof *rows; r++) {
        row("%s", rows[r].name);
        for (i = 0; i < 4; i++) {
            fnn_model *m = model_here(2, 2, 1);
            cell(said(rows[r].set(m, values[i])), NULL);
            fnn_model_free(m);
        }
        tell("\n");
    }
}

/* ---- sums and products ---- */

static void tell_products(void)
{
    fnn_real x[LENGTH], y[LENGTH] = {0}, c[4];
    const fnn_real zeros[4] = {0};
    int i, which;
    static const char *const names[] = {"fnn_sum with 36 ones", "fnn_dot with 0",
                                        "fnn_sgemm with 0", "fnn_sgemm, alpha",
                                        "fnn_sgemm, beta, C = 0"};
    section("Sums and products", 9, special_names, SPECIALS);
    for (which = 0; which < 5; which++) {
        row("%s", names[which]);
        for (i = 0; i < SPECIALS; i++) {
            fill_with(x, 1);
            x[7] = specials[i];
            memset(c, 0, sizeof c);
            if (which == 0) CHECK(!fnn_sum(context, LENGTH, x, c));
            if (which == 1) CHECK(!fnn_dot(context, LENGTH, x, y, c));
            if (which == 2)
                CHECK(!fnn_sgemm(context, 0, 0, 1, 1, 4, 1, x + 4, 4, zeros, 1, 0, c, 1));
            if (which == 3)
                CHECK(!fnn_sgemm(context, 0, 0, 1, 1, 4, specials[i], zeros, 4, zeros, 1, 0, c, 1));
            if (which == 4)
                CHECK(!fnn_sgemm(context, 0, 0, 1, 1, 4, 1, zeros, 4, zeros, 1, specials[i], c, 1));
            cell(word((double)c[0]), NULL);
        }
        tell("\n");
    }
}

/* ---- nothing ---- */

static void tell_one(const char *name, fnn_result r, double value)
{
    row("%s", name);
    cell(said(r), r ? NULL : word(value));
    tell("\n");
}

static void tell_empty_arrays(void)
{
    fnn_real x[4] = {1, 2, 3, 4}, y[4] = {5, 5, 5, 5}, sum = 9, m, v;
    int64_t counts[9] = {0};
    fnn_window w;
    fnn_result r;
    CHECK(!fnn_window_make(2, 2, 1, 2, 2, 1, 1, FNN_VALID, &w));
    tell_one("fnn_exp, n 0", fnn_exp(context, 0, NULL, NULL), 0);
    r = fnn_sum(context, 0, NULL, &sum);
    tell_one("fnn_sum, n 0", r, (double)sum);
    tell_one("fnn_softmax, rows 0", fnn_softmax(context, 0, 3, NULL, NULL), 0);
    tell_one("fnn_softmax, columns 0", fnn_softmax(context, 2, 0, NULL, NULL), 0);
    r = fnn_sgemm(context, 0, 0, 1, 1, 0, 1, x, 1, x, 1, 2, y, 1);
    tell_one("fnn_sgemm, k 0, beta 2", r, (double)y[0]);
    tell_one("fnn_sgemm, m 0", fnn_sgemm(context, 0, 0, 0, 1, 1, 1, x, 1, x, 1, 0, y, 1), 0);
    r = fnn_conv2d_forward(context, &w, 1, 0, x, x, NULL, y);
    tell_one("fnn_conv2d_forward, none", r, (double)y[1]);
    r = fnn_conv2d_backward_weights(context, &w, 1, 0, x, x, y, &sum);
    tell_one("backward_weights, none", r, (double)y[1]);
    tell_one("fnn_max_pool2d, none", fnn_max_pool2d_forward(context, &w, 0, x, y, NULL), 0);
    r = fnn_batch_norm_forward(context, 0, 1, x, NULL, NULL, 0, &m, &v, y);
    tell_one("fnn_batch_norm, rows 0", r, 0);
    tell_one("fnn_accuracy, count 0", FNN_OK, fnn_accuracy(x, NULL, 0, 3));
    tell_one("fnn_binary_accuracy, 0", FNN_OK, fnn_binary_accuracy(x, x, 0, 3, .5));
    tell_one("fnn_top_k, count 0", FNN_OK, fnn_top_k(x, NULL, 0, 3, 1));
    tell_one("fnn_r2, count 0", FNN_OK, fnn_r2(x, x, 0, 3));
    tell_one("fnn_confusion, count 0", fnn_confusion(NULL, NULL, 0, 3, counts), (double)counts[0]);
    {
        double p[3], recall[3], f1[3];
        r = fnn_precision_recall(counts, 3, p, recall, f1);
        tell_one("precision of no counts", r, p[0]);
        tell_one("recall of no counts", r, recall[0]);
        tell_one("f1 of no counts", r, f1[0]);
    }
}

static void tell_empty_data(void)
{
    const int32_t label = 0;
    fnn_dataset none = with_labels(table_of(pictures, 0, 3), &label, 2), one = none, out;
    fnn_model *m = model_here(1, 1, 3);
    fnn_metrics metrics = {0, 0, 0, 0, 0};
    fnn_real y[2] = {0};
    fnn_result r;
    fnn_dense(m, 2, FNN_SOFTMAX);
    CHECK(!fnn_seal(m));
    one.count = 1;
    tell_one("fnn_dataset_check", fnn_dataset_check(&none, NULL), 0);
    tell_one("fnn_dataset_subset, of 0", fnn_dataset_subset(&one, NULL, 0, &out, NULL), 0);
    fnn_dataset_free(&out);
    tell_one("fnn_dataset_shuffle", fnn_dataset_shuffle(&none, 1, &out, NULL), 0);
    fnn_dataset_free(&out);
    tell_one("fnn_predict", fnn_predict(m, context, &none, y), (double)y[0]);
    r = fnn_evaluate(m, context, &none, &metrics);
    tell_one("fnn_evaluate, loss", r, metrics.loss);
    tell_one("fnn_accuracy_on", FNN_OK, fnn_accuracy_on(y, &none, 2));
    tell_one("fnn_forward", fnn_forward(m, &none, NULL, 0, 1), 0);
    tell_one("fnn_fit", fnn_fit(m, &none, NULL, NULL), 0);
    tell_one("fnn_normalize", fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &none), 0);
    fnn_model_free(m);
}

static void tell_nothing(void)
{
    static const char *const names[] = {"gives"};
    section("Nothing at all: of empty arrays", 12, names, 1);
    tell_empty_arrays();
    section("and of data sets without samples", 12, names, 1);
    tell_empty_data();
}

/* ---- the table ---- */

static void tell_all(fnn_isa on)
{
    fnn_context_config config = fnn_context_config_init();
    isa = config.isa = on;
    context = fnn_context_create(&config, NULL);
    told_length = 0;
    tell("What numbers that are not finite, or hardly numbers, give, on every instruction set.\n"
         "tests/test_nonfinite.c wrote this with --table. tiny: 1e-40, subnormal; huge: 3e38; "
         "words\n"
         "in place of numbers: the call's result.\n");
    tell_functions();
    tell_activations();
    tell_layers();
    tell_weights();
    tell_no_variance();
    tell_losses();
    tell_metrics();
    tell_optimizers();
    tell_normalizations();
    tell_schedules();
    tell_settings();
    tell_arguments();
    tell_products();
    tell_nothing();
    fnn_context_free(context);
}

static void every_cell_is_as_the_table_says(void)
{
    int on;
    if (FLT_EVAL_METHOD != 0) { /* x87 */
        SKIP("floats are computed as other numbers here");
        return;
    }
    FOR_EACH_ISA(on) {
        tell_all((fnn_isa)on);
        CHECKF(told_is("tests/nonfinite.txt", 1), "%s", fnn_isa_name((fnn_isa)on));
    }
}

/* Each cell's control: another word in its place is seen. */
static void another_cell_is_seen(void)
{
    int i;
    tell_all(FNN_ISA_BEST);
    for (i = 0; i < told_length; i += 101) {
        const char was = told[i];
        told[i] = was == 'n' ? 'i' : 'n';
        CHECK(!told_is("tests/nonfinite.txt", 0));
        told[i] = was;
    }
    CHECK(told_is("tests/nonfinite.txt", 0) || FLT_EVAL_METHOD != 0);
}

static const harness_test tests[] = {TEST(every_cell_is_as_the_table_says),
                                     TEST(another_cell_is_seen)};

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--table") != 0) return harness_main(tests, 2, argc, argv);
    tell_all(FNN_ISA_BEST);
    fputs(told, stdout);
    return harness_wrong != 0;
}
