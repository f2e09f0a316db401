/* Every layer's and loss' gradient against central differences, in the double library, of layers
 * alone and of whole networks, and the check itself against gradients that are wrong on purpose. */
#define FMNIST_NN_REAL double
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"
#include "twins.h"

enum { ROWS = 5, INPUTS = 6, CLASSES = 4 };
#define STEP 1e-5
#define BOUND 1e-7          /* |a - n| / (|a| + |n|) of each parameter tensor */
#define MARGIN (100 * STEP) /* of an input from a kink, of a window's largest from its second */
static fnn_real inputs[ROWS * INPUTS], targets[ROWS * CLASSES];
static const int32_t labels[ROWS] = {0, 3, 1, 2, 3};

/* Inputs of both signs and targets that are distributions, from a seed. */
static fnn_dataset make_data(uint64_t seed, int by_targets)
{
    const fnn_dataset data = real_images_of(inputs, ROWS, 1, 2, INPUTS / 2);
    int i, j;
    fill_reals(inputs, ROWS * INPUTS, seed, 1);
    for (i = 0; i < ROWS; i++) {
        double sum = 0;
        for (j = 0; j < CLASSES; j++)
            sum += targets[i * CLASSES + j] =
                0.1 + fnni_random_unit(seed, 2, (uint64_t)(i * CLASSES + j));
        for (j = 0; j < CLASSES; j++) targets[i * CLASSES + j] /= sum;
    }
    return by_targets ? with_targets(data, targets, CLASSES) : with_labels(data, labels, CLASSES);
}

/* 1 when some input of an activation lies too near to a kink of it. Networks here give each
 * activation a layer of its own, so that its input can be seen. */
static int near_kink(fnn_model *m, const fnn_dataset *data)
{
    int l;
    if (fnn_forward(m, data, NULL, ROWS, 1)) return 1;
    for (l = 0; l < m->layer_count; l++) {
        const fnn_real *x = fnni_y(&m->run, l - 1, 0, NULL);
        int i;
        if (m->layers[l].type != &fnni_activate_type) continue;
        for (i = 0; i < ROWS * m->layers[l].outputs; i++)
            if (twin_near_kink((int)m->layers[l].activation, x[i], MARGIN)) return 1;
    }
    return 0;
}

static double check_with(fnn_model *m, const fnn_dataset *data, double l2, double l1, int biases)
{
    fnn_fit_config config = fnn_fit_config_init();
    fnn_gradient_check report;
    config.l2 = l2;
    config.l1 = l1;
    config.penalize_biases = biases;
    if (!CHECKF(!fnn_check_gradients(m, data, &config, STEP, &report, NULL), "%s",
                fnn_model_error(m)->message))
        return 1;
    return report.worst;
}

static double check(fnn_model *m, const fnn_dataset *data, double l2, double l1)
{
    return check_with(m, data, l2, l1, 0);
}

/* Two hidden layers with f, as layers of their own or within the dense layers. */
static fnn_model *network(fnn_activation f, fnn_real parameter, fnn_real rate, int last_softmax,
                          int fused)
{
    const fnn_initializer start = {FNN_GLOROT_NORMAL, 1}, biases = {FNN_UNIFORM, 0.3};
    fnn_model *m = fnn_sequential(1, 2, INPUTS / 2);
    fnn_set_initializer(m, start, biases);
    fnn_dense(m, 7, fused ? f : FNN_LINEAR);
    if (!fused) fnn_activate(m, f, parameter);
    if (rate > 0) fnn_dropout(m, rate);
    fnn_dense(m, 5, fused ? f : FNN_LINEAR);
    if (!fused) fnn_activate(m, f, parameter);
    fnn_flatten(m);
    fnn_dense(m, CLASSES, last_softmax ? FNN_SOFTMAX : FNN_LINEAR);
    return m;
}

static void each_activation(void)
{
    int f, rate, fused;
    for (f = 0; f < FNN_ACTIVATION_COUNT; f++)
        for (rate = 0; rate < 2; rate++)
            for (fused = 0; fused < 2; fused++) {
                const fnn_real a = twin_parameter((int)f);
                uint64_t seed = 1;
                fnn_dataset data = make_data(seed, 0);
                fnn_model *seen = network((fnn_activation)f, a, 0.3 * rate, 1, 0);
                fnn_model *m = network((fnn_activation)f, a, 0.3 * rate, 1, fused);
                double worst;
                while (near_kink(seen, &data) && seed < 50) data = make_data(++seed, 0);
                fnn_set_seed(m, 0);
                worst = check(m, &data, 0, 0);
                CHECKF(seed < 50 && worst < BOUND, "%s, dropout %d, fused %d: %g", twin_word(f),
                       rate, fused, worst);
                fnn_model_free(m);
                fnn_model_free(seen);
            }
}

/* What a loss takes: a row for each of FNN_LOSS_LIST. */
typedef enum { ANY_OUTPUTS, PROBABILITIES } taken;
enum {
    taken_by_softmax_cross_entropy = ANY_OUTPUTS,
    taken_by_categorical_cross_entropy = PROBABILITIES,
    taken_by_sparse_categorical_cross_entropy = PROBABILITIES,
    taken_by_mean_squared_error = ANY_OUTPUTS,
    taken_by_mean_absolute_error = ANY_OUTPUTS,
    taken_by_epsilon_insensitive = ANY_OUTPUTS,
    taken_by_binary_cross_entropy = ANY_OUTPUTS
};
#define TAKEN(kind, name, absorbed, targets) (taken) taken_by_##name,
static const taken takes[] = {FNN_LOSS_LIST(TAKEN)};

static void each_loss(void)
{
    static const double weights[ROWS] = {1, 0.5, 0, 3, 2};
    int kind, with_targets, smooth;
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++)
        for (with_targets = 0; with_targets < 2; with_targets++)
            for (smooth = 0; smooth < 2; smooth++) {
                fnn_dataset data = make_data(3, with_targets);
                fnn_model *m = network(FNN_TANH, 0, 0, takes[kind] == PROBABILITIES, 1);
                double worst;
                fnn_set_loss(m, (fnn_loss_kind)kind, smooth ? 0.1 : 0, 0.05);
                worst = check(m, &data, 0, 0);
                CHECKF(worst < BOUND, "%s, targets %d, smoothing %d: %g", fnni_losses[kind].name,
                       with_targets, smooth, worst);
                data.weights = weights;
                worst = check(m, &data, 0, 0);
                CHECKF(worst < BOUND, "%s, targets %d, smoothing %d, weighted: %g",
                       fnni_losses[kind].name, with_targets, smooth, worst);
                fnn_model_free(m);
            }
}

/* The loss of normalised targets, of each kind of number, and its gradient. */
static void normalised_targets(void)
{
    int kind;
    for (kind = 0; kind < FNN_NORMALIZATION_COUNT; kind++) {
        fnn_dataset data = make_data(3, 1);
        fnn_model *m = network(FNN_TANH, 0, 0, 0, 1);
        double worst;
        fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
        if (fnni_normalization_needs[kind] != FNNI_GIVEN) {
            CHECK(!fnn_normalize_targets(m, (fnn_normalization)kind, &data));
            worst = check(m, &data, 0, 0);
            CHECKF(worst < BOUND, "%s: %g", fnni_normalization_names[kind], worst);
        }
        fnn_model_free(m);
    }
}

/* Outputs that are no distribution, some clipped, as a sigmoid output layer gives them. */
static void cross_entropy_on_any_outputs(void)
{
    int kind;
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++) {
        fnn_dataset data = make_data(4, 0);
        fnn_model *m;
        double worst;
        if (takes[kind] != PROBABILITIES) continue;
        m = fnn_sequential(1, 2, INPUTS / 2);
        fnn_dense(m, 6, FNN_TANH);
        fnn_dense(m, CLASSES, FNN_SIGMOID);
        fnn_set_loss(m, (fnn_loss_kind)kind, 0, 0);
        worst = check(m, &data, 0, 0);
        CHECKF(worst < BOUND, "%s: %g", fnni_losses[kind].name, worst);
        fnn_model_free(m);
    }
}

static void penalties(void)
{
    fnn_dataset data = make_data(5, 0);
    fnn_model *m = network(FNN_TANH, 0, 0, 1, 1);
    double worst = check(m, &data, 0.3, 0);
    CHECKF(worst < BOUND, "l2: %g", worst);
    worst = check(m, &data, 0, 0.2);
    CHECKF(worst < BOUND, "l1: %g", worst);
    worst = check_with(m, &data, 0.3, 0.2, 1);
    CHECKF(worst < BOUND, "l2 and l1 on biases too: %g", worst);
    fnn_model_free(m);
}

/* A penalty acts on weights alone, or on biases, gamma and beta too: what it adds to the loss, and
 * what it takes from each parameter in a step. */
static void penalties_act_on_what_they_should(void)
{
    fnn_dataset data = make_data(5, 0);
    double w[500], g[500];
    int biases, l;
    for (biases = 0; biases < 2; biases++) {
        fnn_model *m = fnn_sequential(1, 2, INPUTS / 2);
        fnn_fit_config c = fnn_fit_config_init();
        const fnn_initializer start = {FNN_GLOROT_NORMAL, 1}, some = {FNN_UNIFORM, 0.3};
        double squares = 0;
        size_t i, count = 0;
        fnn_set_initializer(m, start, some);
        fnn_dense(m, 7, FNN_TANH);
        fnn_batch_norm(m);
        fnn_dense(m, CLASSES, FNN_SOFTMAX);
        c.optimizer = fnn_sgd(0.1);
        c.l2 = 0.5;
        c.penalize_biases = biases;
        CHECK(!fnn_forward(m, &data, NULL, (int)data.count, 1) && !fnn_loss(m, NULL));
        CHECK(!fnn_backward(m) && fnn_parameters(m, &count) && count <= 500);
        memcpy(w, fnn_parameters(m, NULL), count * sizeof *w);
        memcpy(g, fnn_gradients(m, NULL), count * sizeof *g);
        CHECK(!fnn_step(m, &c));
        for (l = 0; l < m->layer_count; l++)
            for (i = 0; i < m->layers[l].weights + m->layers[l].biases; i++) {
                const size_t at = m->layers[l].offset + i;
                const double p = biases || i < m->layers[l].weights ? 0.5 * w[at] : 0;
                CHECKF(fabs(m->parameters[at] - (w[at] - 0.1 * (g[at] + p))) < 1e-12,
                       "layer %d, parameter %d", l, (int)i);
                if (biases || i < m->layers[l].weights)
                    squares += m->parameters[at] * m->parameters[at];
            }
        CHECK(fabs(fnni_penalty(m, &c) - 0.25 * squares) < 1e-12);
        fnn_model_free(m);
    }
}

/* ---- the check must fail where a gradient is wrong ---- */

static int wrong_how; /* 0 sign, 1 factor, 2 zeros */

static void wrong_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw, fnn_real *db,
                           fnn_real *workspace)
{
    const size_t count = (size_t)(to - from) * (size_t)run->model->layers[l].outputs;
    size_t i;
    fnni_dense_gradient(run, l, from, to, dw, db, workspace);
    for (i = 0; i < count; i++) dw[i] *= wrong_how == 0 ? -1 : wrong_how == 1 ? 0.5 : 0;
}

static void wrong_backward(const fnni_run *run, int l, int from, int to, int to_input,
                           fnn_real *workspace)
{
    (void)to_input, (void)workspace; /* passes dy on as if tanh' were 1 */
    memcpy(fnni_d(run, l - 1, from, NULL), fnni_d(run, l, from, NULL),
           (size_t)((to - from) * run->model->layers[l].outputs) * sizeof(fnn_real));
}

static void finds_wrong_gradients(void)
{
    fnni_layer_type bad_dense = fnni_dense_type, bad_tanh = fnni_activate_type;
    fnn_dataset data = make_data(6, 0);
    fnn_model *m = network(FNN_TANH, 0, 0, 1, 0);
    bad_dense.gradient = wrong_gradient;
    bad_tanh.backward = wrong_backward;
    CHECK(!fnn_forward(m, &data, NULL, ROWS, 1)); /* plans for the layers as they are */
    m->layers[0].type = &bad_dense;
    for (wrong_how = 0; wrong_how < 3; wrong_how++) {
        const double worst = check(m, &data, 0, 0);
        CHECKF(worst > 0.1, "wrong in way %d passes with %g", wrong_how, worst);
    }
    m->layers[0].type = &fnni_dense_type;
    CHECK(check(m, &data, 0, 0) < BOUND);
    m->layers[1].type = &bad_tanh;
    CHECK(check(m, &data, 0, 0) > 1e-3);
    fnn_model_free(m);
}

/* ---- networks on images ---- */

enum { IMAGES = 3, HEIGHT = 7, WIDTH = 6, DEPTH = 2, PIXELS = HEIGHT * WIDTH * DEPTH };
static fnn_real pixels[IMAGES * PIXELS];

static fnn_dataset make_images(uint64_t seed)
{
    fill_reals(pixels, IMAGES * PIXELS, seed, 7);
    return with_labels(real_images_of(pixels, IMAGES, HEIGHT, WIDTH, DEPTH), labels, CLASSES);
}

/* A network under construction. apart: its twin, which gives each activation a layer of its own,
 * so that what goes into it can be seen, and in which no pool is fused; the parameters are the
 * same. */
typedef struct {
    fnn_model *m;
    int apart;
} builder;

static int convolve(builder b, fnn_conv2d_config c)
{
    const fnn_activation f = c.activation;
    int l;
    if (b.apart) c.activation = FNN_LINEAR;
    l = fnn_conv2d_with(b.m, &c);
    return b.apart ? fnn_activate(b.m, f, twin_parameter((int)f)) : l;
}

static int conv(builder b, int filters, int kernel, fnn_activation f)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = filters;
    c.kernel_height = c.kernel_width = kernel;
    c.activation = f;
    return convolve(b, c);
}

/* Explicitly padded by half the kernel, without a bias. */
static int conv_as_pytorch(builder b, int filters, int height, int width, int stride,
                           fnn_activation f)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = filters;
    c.kernel_height = height, c.kernel_width = width;
    c.stride_height = c.stride_width = stride;
    c.padding = FNN_EXPLICIT;
    c.pad_height = height / 2, c.pad_width = width / 2;
    c.activation = f;
    c.no_bias = 1;
    return convolve(b, c);
}

static int dense_with(builder b, int units, fnn_activation f, int no_bias)
{
    fnn_dense_config c = fnn_dense_config_init();
    int l;
    c.units = units;
    c.activation = b.apart ? FNN_LINEAR : f;
    c.no_bias = no_bias;
    l = fnn_dense_with(b.m, &c);
    return l < 0 || !b.apart ? l : fnn_activate(b.m, f, twin_parameter((int)f));
}

static int dense(builder b, int units, fnn_activation f)
{
    return dense_with(b, units, f, 0);
}

static int pool(builder b, int average, int size, int stride, fnn_padding padding)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    c.average = average;
    c.height = c.width = size;
    c.stride_height = c.stride_width = stride;
    c.padding = padding;
    if (padding == FNN_EXPLICIT) c.pad_height = size / 2, c.pad_width = (size - 1) / 2;
    return fnn_pool2d_with(b.m, &c);
}

static int window_has_tie(const fnn_window *w, const fnn_real *x, int row, int column, int channel)
{
    fnn_real first = -1e9, second = -1e9;
    int i, j;
    for (i = 0; i < w->kernel_height; i++)
        for (j = 0; j < w->kernel_width; j++) {
            const int y = row * w->stride_height + i - w->pad_top;
            const int z = column * w->stride_width + j - w->pad_left;
            const int inside = y >= 0 && y < w->height && z >= 0 && z < w->width;
            const fnn_real v = inside ? x[(y * w->width + z) * w->channels + channel] : -1e9;
            if (v > first) second = first, first = v;
            else if (v > second) second = v;
        }
    return first != 0 && first - second < MARGIN; /* 0: all of the window is cut off by ReLU */
}

static int near_tie(const fnn_model *m, int l)
{
    const fnni_layer *layer = m->layers + l;
    int image, i, j, k, near = 0;
    for (image = 0; image < IMAGES; image++)
        for (i = 0; i < layer->shape.height; i++)
            for (j = 0; j < layer->shape.width; j++)
                for (k = 0; k < layer->shape.channels; k++)
                    near |= window_has_tie(&layer->window, fnni_y(&m->run, l - 1, image, NULL), i,
                                           j, k);
    return near;
}

/* Whether a point of the twin is too near to a kink or a tie for differences to be taken. */
static int twin_is_near(fnn_model *twin, const fnn_dataset *data)
{
    int l, i, near = fnn_forward(twin, data, NULL, IMAGES, 1) != FNN_OK;
    for (l = 0; l < twin->layer_count && !near; l++) {
        const fnni_layer *layer = twin->layers + l;
        const fnn_real *x = fnni_y(&twin->run, l - 1, 0, NULL);
        if (layer->type == &fnni_max_pool_type) near = near_tie(twin, l);
        if (layer->type != &fnni_activate_type) continue;
        for (i = 0; i < IMAGES * layer->outputs; i++)
            near |= twin_near_kink((int)layer->activation, x[i], MARGIN);
    }
    return near;
}

typedef void (*build_function)(builder b, int option);

static fnn_model *build(build_function function, int option, uint64_t seed, int apart)
{
    const fnn_initializer start = {FNN_GLOROT_NORMAL, 1}, biases = {FNN_UNIFORM, 0.3};
    builder b;
    size_t count, i;
    fnn_real *w;
    b.m = fnn_sequential(HEIGHT, WIDTH, DEPTH);
    b.apart = apart;
    fnn_set_initializer(b.m, start, biases);
    function(b, option);
    w = fnn_parameters(b.m, &count);
    CHECKF(w != NULL, "%s", fnn_model_error(b.m)->message);
    for (i = 0; i < count; i++) /* batch norm's numbers, too, are none of those they start with */
        w[i] += 0.2 * (fnni_random_unit(seed, 8, (uint64_t)i) - 0.5);
    return b.m;
}

/* The network at a point that is far enough from kinks and ties, and its data. */
static fnn_model *build_apart_from_kinks(build_function function, int option, fnn_dataset *data)
{
    uint64_t seed = 1;
    fnn_model *m = build(function, option, seed, 0), *twin = build(function, option, seed, 1);
    size_t count, twins;
    fnn_real *w = fnn_parameters(m, &count), *v = fnn_parameters(twin, &twins);
    if (CHECK(count == twins)) memcpy(v, w, count * sizeof *v);
    *data = make_images(seed);
    while (twin_is_near(twin, data) && seed < 100) *data = make_images(++seed);
    CHECKF(seed < 100, "no point is far from kinks");
    fnn_model_free(twin);
    return m;
}

/* How wrong the gradient of a tensor is that should be zero: a bias whose output goes, by way of
 * pools and sums at most, to a batch norm, which takes it away again. There no difference of the
 * loss can be told from noise, but the loss must not move at all. */
static double check_zero(fnn_model *m, const fnn_dataset *data, size_t first, size_t count)
{
    const fnn_fit_config config = fnn_fit_config_init();
    double worst = 0;
    size_t i;
    for (i = first; i < first + count; i++) {
        const double up = fnni_loss_moved(m, data, &config, i, 0.01);
        const double moved = fabs(up - fnni_loss_moved(m, data, &config, i, -0.01));
        worst = moved > worst ? moved : worst;
    }
    return worst < 1e-12 ? 0 : 1;
}

/* The worst tensor's error, each element of each tensor compared; layer: its layer. */
static double check_network(fnn_model *m, const fnn_dataset *data, int *layer)
{
    const fnn_fit_config config = fnn_fit_config_init();
    double errors[2 * 40], worst = 0;
    fnn_gradient_check report;
    const fnn_real *g;
    int l, bias;
    *layer = -1;
    if (!CHECKF(m->layer_count <= 40 &&
                    !fnn_check_gradients(m, data, &config, STEP, &report, errors),
                "%s", fnn_model_error(m)->message))
        return 1;
    g = m->gradients; /* still those that were checked */
    for (l = 0; l < m->layer_count; l++)
        for (bias = 0; bias < 2; bias++) {
            const fnni_layer *at = m->layers + l;
            const size_t count = at->frozen ? 0 : bias ? at->biases : at->weights;
            const size_t first = at->offset + (bias ? at->weights : 0);
            double error = errors[2 * l + bias], size = 0;
            size_t i;
            for (i = first; i < first + count; i++) size += g[i] * g[i];
            if (count && sqrt(size) < 1e-12) error = check_zero(m, data, first, count);
            if (count && !(error <= worst)) worst = error, *layer = l;
        }
    return worst;
}

/* What the two checks below differentiate: the loss, or the sum of the outputs times weights
 * (count, outputs) of the test's own. */
static double figure_of(fnn_model *m, const fnn_dataset *data, const fnn_real *weights)
{
    const int n = (int)data->count * m->layers[m->layer_count - 1].outputs;
    double sum = 0;
    int i;
    if (!CHECK(!fnn_forward(m, data, NULL, (int)data->count, 1))) return 0;
    if (!weights) CHECK(!fnn_loss(m, &sum));
    for (i = 0; weights && i < n; i++) sum += weights[i] * fnn_outputs(m)[i];
    return sum;
}

/* |a - n| / (|a| + |n|) of the gradient by the inputs, which are at x. */
static double check_input(fnn_model *m, const fnn_dataset *data, fnn_real *x,
                          const fnn_real *weights)
{
    const int n = (int)data->count * m->inputs;
    fnn_real *g = (fnn_real *)need((size_t)n * sizeof *g);
    double difference = 0, a = 0, b = 0;
    int i;
    figure_of(m, data, weights);
    CHECKF(!fnn_backward_to_input(m, weights, g), "%s", fnn_model_error(m)->message);
    for (i = 0; i < n; i++) {
        const fnn_real kept = x[i];
        double numeric;
        x[i] = kept + STEP;
        numeric = figure_of(m, data, weights);
        x[i] = kept - STEP;
        numeric = (numeric - figure_of(m, data, weights)) / (2 * STEP);
        x[i] = kept;
        difference += (g[i] - numeric) * (g[i] - numeric);
        a += g[i] * g[i];
        b += numeric * numeric;
    }
    free(g);
    return sqrt(difference) / (sqrt(a) + sqrt(b) + 1e-12);
}

/* The same of the derivative in one direction of all parameters, from a gradient by the outputs. */
static double check_direction(fnn_model *m, const fnn_dataset *data, const fnn_real *weights)
{
    size_t count, i;
    fnn_real *w = fnn_parameters(m, &count);
    double analytic = 0, numeric = 0;
    int side;
    figure_of(m, data, weights);
    CHECKF(!fnn_backward_from(m, weights), "%s", fnn_model_error(m)->message);
    for (i = 0; i < count; i++)
        analytic += fnn_gradients(m, NULL)[i] * (fnni_random_unit(3, 1, i) - 0.5);
    for (side = 1; side >= -1; side -= 2) {
        for (i = 0; i < count; i++) w[i] += side * STEP * (fnni_random_unit(3, 1, i) - 0.5);
        numeric += side * figure_of(m, data, weights) / (2 * STEP);
        for (i = 0; i < count; i++) w[i] -= side * STEP * (fnni_random_unit(3, 1, i) - 0.5);
    }
    return fabs(analytic - numeric) / (fabs(analytic) + fabs(numeric) + 1e-3);
}

static void expect_right(const char *name, build_function function, int option)
{
    fnn_real weights[IMAGES * CLASSES];
    fnn_dataset data;
    fnn_model *m = build_apart_from_kinks(function, option, &data);
    int l;
    double worst = check_network(m, &data, &l);
    CHECKF(worst < BOUND, "%s %d: layer %d: %g", name, option, l, worst);
    fill_reals(weights, IMAGES * CLASSES, 1, 9);
    worst = check_direction(m, &data, weights);
    CHECKF(worst < BOUND, "%s %d: from the outputs: %g", name, option, worst);
    worst = check_input(m, &data, pixels, NULL);
    CHECKF(worst < BOUND, "%s %d: the input from the loss: %g", name, option, worst);
    worst = check_input(m, &data, pixels, weights);
    CHECKF(worst < BOUND, "%s %d: the input from the outputs: %g", name, option, worst);
    fnn_model_free(m);
}

/* ---- one layer at a time, with what it needs round it: for each of FNNI_LAYER_LIST a function
 * network_of_ and the number of its options ---- */

static void network_of_dense(builder b, int option)
{
    dense_with(b, 7, option % 2 ? FNN_LINEAR : FNN_TANH, option > 1);
    dense(b, 5, FNN_SIGMOID);
    dense_with(b, CLASSES, FNN_SOFTMAX, option > 2);
}
enum { options_of_dense = 4 };

static void network_of_activate(builder b, int option) /* on the input, then on dense's outputs */
{
    fnn_activate(b.m, (fnn_activation)option, 0.25);
    dense(b, 5, FNN_LINEAR);
    fnn_activate(b.m, (fnn_activation)option, 0.25);
    dense(b, CLASSES, FNN_SOFTMAX);
}
enum { options_of_activate = FNN_ACTIVATION_COUNT };

static void network_of_flatten(builder b, int option) /* first, between, last */
{
    if (option == 0) fnn_flatten(b.m);
    conv(b, 3, option ? 2 : 1, FNN_TANH);
    if (option == 1) fnn_flatten(b.m), fnn_flatten(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
    if (option == 2) fnn_flatten(b.m);
}
enum { options_of_flatten = 3 };

/* Kernel height and width, strides, the last with kernels that cover the image. */
static const int windows[][4] = {{1, 1, 1, 1}, {3, 3, 1, 1},         {2, 2, 1, 1}, {5, 5, 1, 1},
                                 {3, 3, 2, 2}, {2, 3, 3, 1},         {1, 4, 1, 2}, {5, 2, 2, 3},
                                 {1, 1, 2, 2}, {HEIGHT, WIDTH, 1, 1}};
enum { WINDOWS = (int)(sizeof windows / sizeof windows[0]) };

static void network_of_conv2d(builder b, int option)
{
    const int *w = windows[option / 3];
    fnn_conv2d_config c = {3, 0, 0, 0, 0, FNN_VALID, FNN_TANH, 0, 0, 0};
    c.kernel_height = w[0], c.kernel_width = w[1];
    c.stride_height = w[2], c.stride_width = w[3];
    c.padding = option % 3 == 0 ? FNN_VALID : option % 3 == 1 ? FNN_SAME : FNN_EXPLICIT;
    if (c.padding == FNN_EXPLICIT) c.pad_height = w[0] - 1, c.pad_width = w[1] / 2;
    c.no_bias = option % 3 == 2 && w[0] % 2;
    conv(b, 2, 2, FNN_LINEAR); /* so that there is a gradient to pass on */
    convolve(b, c);
    dense(b, CLASSES, FNN_SOFTMAX);
}
enum { options_of_conv2d = 3 * WINDOWS };

static void convolution_first(builder b, int option) /* whose own input's gradient is not wanted */
{
    fnn_conv2d_config c = {5, 3, 2, 1, 2, FNN_VALID, FNN_TANH, 0, 0, 0};
    c.padding = option ? FNN_SAME : FNN_VALID;
    convolve(b, c);
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void convolutions_on_the_input(void)
{
    int option;
    for (option = 0; option < 2; option++) expect_right("first", convolution_first, option);
}

/* Alone, with an activation, one apart from it (GELU), a batch norm, a fused pool and one that is
 * not behind it. */
static void bias_free(builder b, int option)
{
    static const fnn_activation f[] = {FNN_LINEAR, FNN_TANH, FNN_GELU,
                                       FNN_LINEAR, FNN_RELU, FNN_ELU};
    conv_as_pytorch(b, 3, 3, option % 2 ? 3 : 5, option < 4 ? 2 : 1, f[option]);
    if (option == 3) fnn_batch_norm(b.m), fnn_activate(b.m, FNN_TANH, 0);
    if (option == 4) fnn_max_pool2d(b.m, 2);
    if (option == 5) pool(b, 0, 3, 2, FNN_EXPLICIT);
    conv_as_pytorch(b, 2, 2, 1, 1, FNN_TANH);
    dense_with(b, 6, f[option], 1);
    if (option == 3) fnn_batch_norm(b.m);
    dense_with(b, CLASSES, FNN_SOFTMAX, 1);
}
enum { BIAS_FREE = 6 };

static void layers_without_biases(void)
{
    int option, l;
    for (option = 0; option < BIAS_FREE; option++) {
        fnn_model *m = build(bias_free, option, 1, 0);
        size_t weights = 0;
        for (l = 0; l < m->layer_count; l++) {
            weights += m->layers[l].weights;
            CHECK(m->layers[l].biases == 0 || m->layers[l].type == &fnni_batch_norm_type);
            CHECK(m->layers[l].fused == (option == 4 && l == 1));
        }
        CHECK(m->parameter_count == weights + (option == 3 ? 2 * 3 + 2 * 6 : 0));
        fnn_model_free(m);
        expect_right("without biases", bias_free, option);
    }
}

/* ---- convolutions by Winograd's transforms: sixteen channels and filters, or more ---- */
enum { DEEP = 16 };

static int convolve_threes(builder b, int filters, fnn_padding padding, fnn_activation f)
{
    fnn_conv2d_config c = {0, 3, 3, 1, 1, FNN_VALID, FNN_LINEAR, 0, 0, 0};
    c.filters = filters;
    c.padding = padding;
    c.activation = f;
    if (padding == FNN_EXPLICIT) c.pad_height = 2, c.no_bias = 1;
    return convolve(b, c);
}

/* With a batch norm and a sum behind it, a fused pool, two rows of zeros above and below and no
 * bias. */
static void by_transforms(builder b, int option)
{
    const int from = conv(b, DEEP, 1, FNN_TANH);
    if (option == 0) {
        conv_as_pytorch(b, DEEP, 3, 3, 1, FNN_LINEAR);
        fnn_batch_norm(b.m);
        fnn_add(b.m, from);
        fnn_activate(b.m, FNN_TANH, 0);
    }
    if (option == 1) {
        convolve_threes(b, DEEP + 1, FNN_VALID, FNN_RELU);
        fnn_max_pool2d(b.m, 2);
    }
    if (option == 2) convolve_threes(b, DEEP, FNN_EXPLICIT, FNN_TANH);
    if (option != 1) fnn_global_average_pool2d(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
}
enum { TRANSFORMS = 3 };

/* How many of the three results of a layer go that way. */
static int transformed(const fnn_model *m, int l)
{
    const fnni_layer *layer = m->layers + l;
    const fnn_real *weights = NULL;
    fnn_real *dx = NULL;
    fnni_conv g;
    if (layer->type != &fnni_conv2d_type ||
        !fnni_conv_backward(m->run.kernels, &layer->window, layer->shape.channels, 1, 0, &g,
                            &weights, &dx))
        return 0;
    return g.winograd + m->run.plans[l].conv.winograd + m->run.plans[l].weights.winograd;
}

static void convolutions_by_transforms(void)
{
    int option, l;
    for (option = 0; option < TRANSFORMS; option++) {
        fnn_model *m = build(by_transforms, option, 1, 0);
        const fnn_dataset data = make_images(1);
        int found = 0;
        if (QUICK() && option != 1) {
            fnn_model_free(m);
            continue;
        }
        CHECK(!fnn_forward(m, &data, NULL, IMAGES, 1)); /* makes the plans */
        for (l = 0; l < m->layer_count; l++) found += transformed(m, l);
        CHECKF(found == 3, "option %d: %d", option, found);
        fnn_model_free(m);
        expect_right("by transforms", by_transforms, option);
    }
}

/* The first layer of a model whose images have so many channels, trained or frozen. */
static void transforms_of_the_input(void)
{
    enum { COUNT = IMAGES * HEIGHT * WIDTH * DEEP };
    static fnn_real x[COUNT];
    const fnn_initializer start = {FNN_GLOROT_NORMAL, 1}, biases = {FNN_UNIFORM, 0.3};
    const fnn_dataset data =
        with_labels(real_images_of(x, IMAGES, HEIGHT, WIDTH, DEEP), labels, CLASSES);
    fnn_real weights[IMAGES * CLASSES];
    int frozen, l;
    builder b;
    fill_reals(x, COUNT, 1, 7);
    fill_reals(weights, IMAGES * CLASSES, 1, 9);
    b.m = fnn_sequential(HEIGHT, WIDTH, DEEP);
    b.apart = 0;
    fnn_set_initializer(b.m, start, biases);
    convolve_threes(b, DEEP, FNN_VALID, FNN_TANH);
    fnn_global_average_pool2d(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
    for (frozen = 0; frozen < (QUICK() ? 1 : 2); frozen++) {
        double worst;
        fnn_set_trainable(b.m, 0, !frozen);
        worst = check_network(b.m, &data, &l);
        CHECKF(worst < BOUND, "frozen %d: layer %d: %g", frozen, l, worst);
        CHECK(transformed(b.m, 0) == 3);
        worst = check_input(b.m, &data, x, frozen ? NULL : weights);
        CHECKF(worst < BOUND, "frozen %d: the input: %g", frozen, worst);
    }
    fnn_model_free(b.m);
}

static void activated(builder b, int option)
{
    conv(b, 3, 3, (fnn_activation)(option / 3));
    if (option % 3 == 1) fnn_max_pool2d(b.m, 2);
    if (option % 3 == 2) pool(b, 0, 3, 2, FNN_SAME);
    conv(b, 2, 2, (fnn_activation)(option / 3));
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void each_activation_of_a_convolution(void)
{
    int kind, form;
    FOR_EACH_ACTIVATION(kind)
        for (form = 0; form < 3; form++)
            expect_right("activation of conv2d, behind it no, a fused or an overlapping pool",
                         activated, 3 * kind + form);
}

/* Size, stride and padding; on the input, behind a convolution, behind a tanh layer. */
static const int pools[][3] = {{2, 2, FNN_VALID},   {3, 3, FNN_VALID},    {2, 3, FNN_VALID},
                               {3, 2, FNN_VALID},   {3, 1, FNN_SAME},     {2, 2, FNN_SAME},
                               {6, 1, FNN_VALID},   {3, 2, FNN_EXPLICIT}, {2, 2, FNN_EXPLICIT},
                               {5, 1, FNN_EXPLICIT}};
enum { POOLS = (int)(sizeof pools / sizeof pools[0]) };

static void pooled(builder b, int average, int option)
{
    const int *p = pools[option / 3], before = option % 3;
    if (before > 0) conv(b, 3, 3, FNN_LINEAR);
    if (before > 1) fnn_activate(b.m, FNN_TANH, 0);
    pool(b, average, p[0], p[1], (fnn_padding)p[2]);
    dense(b, 5, FNN_TANH);
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void network_of_max_pool(builder b, int option)
{
    pooled(b, 0, option);
}
enum { options_of_max_pool = 3 * POOLS };

static void network_of_average_pool(builder b, int option)
{
    pooled(b, 1, option);
}
enum { options_of_average_pool = 3 * POOLS };

static void global(builder b, int option)
{
    if (option) conv(b, 5, 2, FNN_TANH);
    fnn_global_average_pool2d(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void global_pools(void)
{
    int option;
    for (option = 0; option < 2; option++) expect_right("global", global, option);
}

static void network_of_batch_norm(builder b, int option)
{
    const fnn_batch_norm_config pytorch = fnn_batch_norm_config_pytorch();
    const int where = option / 2;
    if (where > 0 && where < 5) conv(b, 3, 2, where == 2 ? FNN_TANH : FNN_LINEAR);
    if (where == 3) fnn_max_pool2d(b.m, 2);
    if (where == 4) fnn_global_average_pool2d(b.m); /* on tables from here on */
    if (where == 5) dense(b, 6, FNN_LINEAR);
    if (option % 2) fnn_batch_norm_with(b.m, &pytorch);
    else fnn_batch_norm(b.m);
    fnn_activate(b.m, where == 2 ? FNN_LEAKY_RELU : FNN_SIGMOID, 0.3);
    if (where == 6) fnn_batch_norm(b.m), fnn_batch_norm(b.m); /* one on the other */
    dense(b, CLASSES, FNN_LINEAR);
    if (where == 7) fnn_batch_norm(b.m); /* last, what the loss sees */
    fnn_activate(b.m, FNN_SOFTMAX, 0);
}

enum { options_of_batch_norm = 16 };

static void network_of_dropout(builder b, int option)
{
    conv(b, 5, 2, FNN_TANH);
    if (option % 2) fnn_spatial_dropout(b.m, 0.4);
    else fnn_dropout(b.m, 0.4);
    if (option / 2) fnn_global_average_pool2d(b.m);
    else conv(b, 3, 3, FNN_TANH);
    if (option % 2) fnn_dropout(b.m, 0.2);
    else fnn_spatial_dropout(b.m, 0.2); /* of a table: each column for itself */
    dense(b, CLASSES, FNN_SOFTMAX);
}

enum { options_of_dropout = 4 };

static void network_of_spatial_dropout(builder b, int option) /* has both in each option */
{
    network_of_dropout(b, option);
}
enum { options_of_spatial_dropout = 4 };

static void network_of_add(builder b, int option)
{
    int from = -1, more;
    if (option != 0) from = conv(b, DEPTH, 3, FNN_TANH);
    if (option == 4) from = fnn_batch_norm(b.m);
    more = conv(b, DEPTH, 3, option == 1 ? FNN_LINEAR : FNN_TANH);
    if (option == 2) fnn_batch_norm(b.m), fnn_spatial_dropout(b.m, 0.3);
    if (option == 3) more = fnn_add(b.m, fnn_add(b.m, more)); /* to itself, twice */
    fnn_add(b.m, from);
    if (option == 5) fnn_max_pool2d(b.m, 2), from = conv(b, 3, 3, FNN_TANH);
    if (option == 6) fnn_add(b.m, from), fnn_add(b.m, -1), fnn_add(b.m, more); /* to several */
    if (option == 7) { /* past a dense layer */
        from = fnn_global_average_pool2d(b.m);
        fnn_dropout(b.m, 0.3);
        dense(b, DEPTH, FNN_TANH);
        fnn_add(b.m, from);
    }
    if (option == 8) { /* of something flat */
        from = fnn_flatten(b.m);
        dense(b, PIXELS, FNN_TANH);
        fnn_add(b.m, from);
    }
    dense(b, CLASSES, FNN_SOFTMAX);
}

enum { options_of_add = 9 };

/* Between layers, where a gradient goes through it. */
static void network_of_rescale(builder b, int option)
{
    static const double numbers[2 * 4] = {1, -3, 2, 8, 4, 5, 6, 8.5};
    fnn_dataset data = with_targets(real_images_of(pixels, 2, HEIGHT, WIDTH, DEPTH), numbers, 4);
    if (option) conv(b, 4, 3, FNN_TANH), fnn_global_average_pool2d(b.m);
    else dense(b, 4, FNN_TANH);
    CHECK(!fnn_normalize_targets(b.m, FNN_NORMALIZE_STANDARDIZE, &data));
    fnni_rescale(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
}

enum { options_of_rescale = 2 };

typedef struct {
    const fnni_layer_type *type;
    build_function build;
    int options;
} layer_row;

static void each_layer(void)
{
#define LAYER_ROW(stem) {&fnni_##stem##_type, network_of_##stem, options_of_##stem},
    static const layer_row rows[] = {FNNI_LAYER_LIST(LAYER_ROW)};
#undef LAYER_ROW
    size_t i;
    int option, l;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (option = 0; option < rows[i].options; option++) {
            fnn_model *m = build(rows[i].build, option, 1, 0);
            for (l = 0; l < m->layer_count && m->layers[l].type != rows[i].type;) l++;
            CHECKF(l < m->layer_count, "%s %d has none", rows[i].type->name, option);
            fnn_model_free(m);
            expect_right(rows[i].type->name, rows[i].build, option);
        }
}

/* ---- whole networks ---- */

static void lenet(builder b)
{
    conv(b, 4, 3, FNN_RELU);
    fnn_max_pool2d(b.m, 2);
    conv(b, 5, 2, FNN_RELU);
    fnn_max_pool2d(b.m, 2);
    fnn_flatten(b.m);
    dense(b, 6, FNN_RELU);
    fnn_dropout(b.m, 0.25);
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void block(builder b, int filters, int stride)
{
    fnn_conv2d_config c = {0, 3, 3, 0, 0, FNN_SAME, FNN_LINEAR, 0, 0, 0};
    int shortcut;
    c.filters = filters;
    c.stride_height = c.stride_width = stride;
    convolve(b, c);
    fnn_batch_norm(b.m);
    shortcut = fnn_activate(b.m, FNN_RELU, 0);
    conv(b, filters, 3, FNN_LINEAR);
    fnn_batch_norm(b.m);
    fnn_spatial_dropout(b.m, 0.2);
    fnn_add(b.m, shortcut);
    fnn_activate(b.m, FNN_RELU, 0);
}

static void residual_network(builder b)
{
    fnn_batch_norm(b.m);
    block(b, 3, 1);
    block(b, 4, 2);
    fnn_global_average_pool2d(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void all_convolutions(builder b) /* no dense layer at all */
{
    conv(b, 3, 3, FNN_LEAKY_RELU);
    pool(b, 1, 2, 2, FNN_SAME);
    fnn_batch_norm(b.m);
    conv(b, CLASSES, 1, FNN_ELU);
    fnn_global_average_pool2d(b.m);
    fnn_activate(b.m, FNN_SOFTMAX, 0);
}

static void convolution_behind_dense(builder b)
{
    dense(b, 6, FNN_TANH);
    conv(b, 5, 1, FNN_TANH);
    fnn_batch_norm(b.m);
    conv(b, CLASSES, 3, FNN_LINEAR);
}

/* A residual network as PyTorch's people build them: no bias before a batch norm, stride 2 with
 * symmetric pads, a padded max-pool behind the stem. */
static void residual_network_of_pytorch(builder b)
{
    int shortcut;
    conv_as_pytorch(b, 3, 5, 5, 1, FNN_LINEAR);
    fnn_batch_norm(b.m);
    fnn_activate(b.m, FNN_RELU, 0);
    shortcut = pool(b, 0, 3, 2, FNN_EXPLICIT);
    conv_as_pytorch(b, 3, 3, 3, 1, FNN_LINEAR);
    fnn_batch_norm(b.m);
    fnn_add(b.m, shortcut);
    fnn_activate(b.m, FNN_RELU, 0);
    conv_as_pytorch(b, 4, 3, 3, 2, FNN_LINEAR);
    fnn_batch_norm(b.m);
    fnn_global_average_pool2d(b.m);
    dense(b, CLASSES, FNN_SOFTMAX);
}

enum { WHOLE = 5 };
static void network_of(builder b, int option)
{
    static void (*const networks[WHOLE])(builder) = {lenet, residual_network, all_convolutions,
                                                     convolution_behind_dense,
                                                     residual_network_of_pytorch};
    networks[option](b);
}

static void whole_networks(void)
{
    int option;
    for (option = 0; option < WHOLE; option++) expect_right("network", network_of, option);
}

/* ---- frozen layers, and a loss of the caller's ---- */

/* Each layer frozen, alone or with all below it: the other gradients are as exact, its own zero. */
static void freeze_in_turn(build_function function, int option)
{
    fnn_dataset data;
    fnn_model *m = build_apart_from_kinks(function, option, &data);
    int l, all, at;
    for (l = 0; l < m->layer_count; l++)
        for (all = 0; all < 2; all++) {
            const fnni_layer *layer = m->layers + l;
            const size_t count = layer->weights + layer->biases;
            double worst, size = 0;
            size_t i;
            for (at = 0; at < m->layer_count; at++)
                m->layers[at].frozen = at == l || (all && at < l);
            worst = check_network(m, &data, &at);
            CHECKF(worst < BOUND, "network %d, %d frozen, %d: layer %d: %g", option, l, all, at,
                   worst);
            for (i = 0; i < count; i++) size += fabs(m->gradients[layer->offset + i]);
            CHECK(size == 0);
            worst = check_input(m, &data, pixels, NULL);
            CHECKF(worst < BOUND, "network %d, %d frozen, %d: input: %g", option, l, all, worst);
        }
    fnn_model_free(m);
}

static void networks_with_frozen_layers(void)
{
    int option;
    for (option = 0; option < WHOLE; option++) freeze_in_turn(network_of, option);
    for (option = 0; option < BIAS_FREE; option++) freeze_in_turn(bias_free, option);
    for (option = 0; option < options_of_add; option++) freeze_in_turn(network_of_add, option);
}

/* Half the square of an output's sum over the samples, each times its row: no sum of losses of
 * samples. */
static double of_the_whole_batch(void *user, const fnn_loss_batch *b, fnn_real *gradient)
{
    double loss = 0;
    int i, j;
    *(int *)user += gradient != NULL;
    for (j = 0; j < b->outputs; j++) {
        double sum = 0;
        for (i = 0; i < b->count; i++) sum += (1 + (double)b->rows[i]) * b->y[i * b->outputs + j];
        loss += sum * sum / 2;
        for (i = 0; i < b->count && gradient; i++)
            gradient[i * b->outputs + j] = sum * (1 + (double)b->rows[i]);
    }
    return loss;
}

static void losses_of_the_callers(void)
{
    int option, layer, calls = 0;
    for (option = 0; option < WHOLE; option++) {
        fnn_dataset data;
        fnn_model *m = build_apart_from_kinks(network_of, option, &data);
        double worst;
        data.labels = NULL;
        data.classes = 0;
        CHECK(!fnn_set_loss_function(m, of_the_whole_batch, &calls));
        worst = check_network(m, &data, &layer);
        CHECKF(worst < BOUND, "network %d: layer %d: %g", option, layer, worst);
        worst = check_input(m, &data, pixels, NULL);
        CHECKF(worst < BOUND, "network %d: input: %g", option, worst);
        fnn_model_free(m);
    }
    CHECK(calls > 0);
}

/* ---- inputs as they stand in the data set ---- */

/* In its own numbers, whatever the model makes of them; of a model that only shifts its outputs by
 * a softmax, too, whose loss has no layer to begin at. */
static void inputs_are_those_of_the_data(void)
{
    fnn_real weights[ROWS * INPUTS];
    int kind, alone;
    fill_reals(weights, ROWS * INPUTS, 2, 9);
    for (kind = 0; kind < FNN_NORMALIZATION_COUNT; kind++)
        for (alone = 0; alone < 2; alone++) {
            fnn_dataset data = make_data(7, 0);
            fnn_model *m = fnn_sequential(1, 2, INPUTS / 2);
            double worst;
            if (fnni_normalization_needs[kind] != FNNI_GIVEN)
                fnn_normalize(m, (fnn_normalization)kind, &data);
            else fnn_normalize_with(m, weights, weights + INPUTS, INPUTS);
            if (!alone) fnn_dense(m, INPUTS, FNN_TANH);
            fnn_activate(m, FNN_SOFTMAX, 0);
            worst = check_input(m, &data, inputs, NULL);
            CHECKF(worst < BOUND, "normalisation %d, alone %d, loss: %g", kind, alone, worst);
            worst = check_input(m, &data, inputs, weights);
            CHECKF(worst < BOUND, "normalisation %d, alone %d, outputs: %g", kind, alone, worst);
            fnn_model_free(m);
        }
}

/* ---- and wrong ones ---- */

static void wrong_conv_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                                fnn_real *db, fnn_real *workspace)
{
    const size_t n = (size_t)run->model->layers[l].shape.channels;
    const double factor = wrong_how % 3 == 0 ? -1 : wrong_how % 3 == 1 ? 0.5 : 0;
    size_t i;
    fnni_conv_gradient(run, l, from, to, dw, db, workspace);
    for (i = 0; wrong_how < 3 && i < (size_t)(to - from) * n; i++) dw[i] *= factor;
    for (i = 0; wrong_how >= 3 && db && i < n; i++) db[i] *= factor;
}

static void convolution_to_break(builder b, int option)
{
    (void)option;
    conv(b, 3, 3, FNN_TANH);
    dense(b, CLASSES, FNN_SOFTMAX);
}

static void finds_wrong_convolutions(void)
{
    fnn_dataset data;
    fnn_model *m = build_apart_from_kinks(convolution_to_break, 0, &data);
    fnni_layer_type bad_conv = fnni_conv2d_type;
    int l;
    bad_conv.gradient = wrong_conv_gradient;
    CHECK(check_network(m, &data, &l) < BOUND);
    m->layers[0].type = &bad_conv; /* its plan has been made by now */
    for (wrong_how = 0; wrong_how < 6; wrong_how++) {
        const double worst = check_network(m, &data, &l);
        CHECKF(worst > 0.1 && l == 0, "%s, way %d: layer %d with %g passes",
               wrong_how < 3 ? "weights" : "biases", wrong_how % 3, l, worst);
    }
    fnn_model_free(m);
}

/* Batch norm with sums that are wrong: 0 of gamma's gradient, 1 of beta's, 2 statistics that are
 * taken for constants, so that the gradients before it are wrong. */
static fnni_kernels wrong_kernels;

static void wrong_sums(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *dy, const fnn_real *x,
                       const fnn_real *mean, const fnn_real *inv_std, fnn_real *sums,
                       fnn_real *products)
{
    ptrdiff_t i;
    fnni_kernels_scalar.norm_sums(rows, columns, dy, x, mean, inv_std, sums, products);
    for (i = 0; i < columns; i++) {
        if (wrong_how == 0) products[i] *= 0.5;
        if (wrong_how == 1) sums[i] = 0;
    }
}

static void constant_statistics(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *dy,
                                const fnn_real *x, const fnn_real *a, const fnn_real *b,
                                const fnn_real *c, fnn_real *dx)
{
    static const fnn_real zeros[16];
    (void)b, (void)c;
    fnni_kernels_scalar.norm_backward(rows, columns, dy, x, a, zeros, zeros, dx);
}

static void finds_wrong_batch_norms_and_joins(void)
{
    fnn_dataset data;
    fnn_model *m = build_apart_from_kinks(network_of, 1, &data);
    int l;
    CHECK(check_network(m, &data, &l) < BOUND);
    for (wrong_how = 0; wrong_how < 3; wrong_how++) {
        wrong_kernels = fnni_kernels_scalar;
        if (wrong_how < 2) wrong_kernels.norm_sums = wrong_sums;
        else wrong_kernels.norm_backward = constant_statistics;
        m->run.kernels = &wrong_kernels;
        CHECKF(check_network(m, &data, &l) > 1e-3, "batch norm, way %d, passes", wrong_how);
        m->run.kernels = &fnni_kernels_scalar;
    }
    for (l = 0; !m->layers[l].added;) l++;
    m->layers[l].added = 0; /* its gradient then comes from the layer behind it alone */
    CHECK(check_input(m, &data, pixels, NULL) > 1e-3);
    CHECK(check_network(m, &data, &l) > 1e-3);
    fnn_model_free(m);
}

/* A bias before batch norm has no gradient: one that has is seen, and one that should have. */
static void zero_gradients_are_checked(void)
{
    fnn_dataset data;
    fnn_model *m = build_apart_from_kinks(network_of_batch_norm, 2, &data);
    int l;
    CHECK(check_network(m, &data, &l) < BOUND);
    CHECK(check_zero(m, &data, m->layers[0].offset + m->layers[0].weights, 3) == 0);
    CHECK(check_zero(m, &data, m->layers[0].offset, 3) == 1);
    fnn_model_free(m);
}

static const harness_test tests[] = {TEST(each_activation),
                                     TEST(each_loss),
                                     TEST(cross_entropy_on_any_outputs),
                                     TEST(normalised_targets),
                                     TEST(penalties),
                                     TEST(penalties_act_on_what_they_should),
                                     TEST(finds_wrong_gradients),
                                     TEST(each_layer),
                                     TEST(convolutions_on_the_input),
                                     TEST(layers_without_biases),
                                     TEST(convolutions_by_transforms),
                                     TEST(transforms_of_the_input),
                                     TEST(each_activation_of_a_convolution),
                                     TEST(global_pools),
                                     TEST(whole_networks),
                                     TEST(networks_with_frozen_layers),
                                     TEST(losses_of_the_callers),
                                     TEST(inputs_are_those_of_the_data),
                                     TEST(finds_wrong_convolutions),
                                     TEST(finds_wrong_batch_norms_and_joins),
                                     TEST(zero_gradients_are_checked)};
HARNESS_MAIN(tests)
