/* The layers of convolutional networks as a program meets them: shapes and errors of the builders,
 * the summary, batch norm's statistics by hand, networks of unusual form in training and inference,
 * on one thread or several, and what memory they take. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"
#include "samples.h"
#include "twins.h"

#define TOLERANCE (sizeof(fnn_real) == 8 ? 1e-12 : 1e-5)

static int near(double found, double expected)
{
    return fabs(found - expected) <= TOLERANCE * (1 + fabs(expected));
}

/* ---- shapes ---- */

static int has_shape(const fnn_model *m, int height, int width, int channels)
{
    int shape[3] = {0, 0, 0};
    return !fnn_shapes(m, NULL, shape) && shape[0] == height && shape[1] == width &&
           shape[2] == channels;
}

static void shapes_of_convolutions(void)
{
    static const struct {
        int kernel[2], stride[2], padding, height, width;
    } rows[] = {{{3, 3}, {1, 1}, FNN_SAME, 7, 6},     {{3, 3}, {1, 1}, FNN_VALID, 5, 4},
                {{2, 5}, {1, 1}, FNN_VALID, 6, 2},    {{3, 3}, {2, 2}, FNN_SAME, 4, 3},
                {{3, 3}, {2, 2}, FNN_VALID, 3, 2},    {{1, 1}, {3, 4}, FNN_SAME, 3, 2},
                {{7, 6}, {1, 1}, FNN_VALID, 1, 1},    {{9, 9}, {1, 1}, FNN_SAME, 7, 6},
                {{1, 2}, {9, 9}, FNN_VALID, 1, 1},    {{3, 3}, {2, 2}, FNN_EXPLICIT, 4, 3},
                {{5, 5}, {1, 1}, FNN_EXPLICIT, 7, 6}, {{2, 4}, {1, 1}, FNN_EXPLICIT, 8, 7},
                {{9, 9}, {1, 1}, FNN_EXPLICIT, 7, 6}, {{1, 2}, {3, 4}, FNN_EXPLICIT, 3, 2}};
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fnn_model *m = fnn_sequential(7, 6, 2);
        fnn_conv2d_config c = fnn_conv2d_config_init();
        size_t count;
        c.filters = 5;
        c.kernel_height = rows[i].kernel[0], c.kernel_width = rows[i].kernel[1];
        c.stride_height = rows[i].stride[0], c.stride_width = rows[i].stride[1];
        c.padding = (fnn_padding)rows[i].padding;
        if (c.padding == FNN_EXPLICIT)
            c.pad_height = c.kernel_height / 2, c.pad_width = c.kernel_width / 2;
        c.no_bias = (int)i % 2;
        CHECK(fnn_conv2d_with(m, &c) == 0);
        CHECKF(has_shape(m, rows[i].height, rows[i].width, 5), "row %d", (int)i);
        fnn_parameters(m, &count);
        CHECK(count == (size_t)(c.kernel_height * c.kernel_width * 2 * 5 + (c.no_bias ? 0 : 5)));
        fnn_model_free(m);
    }
}

static void shapes_of_other_layers(void)
{
    fnn_model *m = fnn_sequential(7, 6, 2);
    CHECK(fnn_max_pool2d(m, 2) == 0 && has_shape(m, 3, 3, 2)); /* what is left over is left out */
    CHECK(fnn_batch_norm(m) == 1 && has_shape(m, 3, 3, 2));
    CHECK(fnn_spatial_dropout(m, 0) == 2 && has_shape(m, 3, 3, 2));
    CHECK(fnn_add(m, 0) == 3 && has_shape(m, 3, 3, 2));
    CHECK(fnn_conv2d(m, 4, 1, FNN_SAME, FNN_GELU) == 5); /* with a layer for the activation */
    CHECK(fnn_average_pool2d(m, 2) == 6 && has_shape(m, 1, 1, 4));
    CHECK(fnn_dense(m, 9, FNN_RELU) == 7 && has_shape(m, 1, 1, 9));
    CHECK(fnn_conv2d(m, 3, 3, FNN_SAME, FNN_RELU) == 8 && has_shape(m, 1, 1, 3));
    CHECK(fnn_global_average_pool2d(m) == 9 && has_shape(m, 1, 1, 3));
    CHECK(fnn_model_error(m)->code == FNN_OK && !fnn_seal(m));
    fnn_model_free(m);
    m = fnn_sequential(5, 4, 3);
    CHECK(fnn_global_average_pool2d(m) == 0 && has_shape(m, 1, 1, 3));
    fnn_model_free(m);
}

/* MaxPool2d(3, 2, padding=1) and others; the output may be larger than the input. */
static void shapes_of_padded_pools(void)
{
    static const int rows[][6] = {/* height and width of the window, stride, pads, output */
                                  {3, 2, 1, 1, 4, 3},
                                  {3, 2, 0, 2, 3, 4},
                                  {2, 2, 1, 1, 4, 4},
                                  {2, 1, 1, 1, 8, 7},
                                  {5, 1, 4, 2, 11, 6}};
    size_t i;
    int average;
    for (i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const int *r = rows[i / 2];
        fnn_model *m = fnn_sequential(7, 6, 2);
        fnn_pool2d_config c = fnn_pool2d_config_init();
        c.average = average = (int)i % 2;
        c.height = c.width = r[0];
        c.stride_height = c.stride_width = r[1];
        c.padding = FNN_EXPLICIT;
        c.pad_height = r[2], c.pad_width = r[3];
        CHECKF(fnn_pool2d_with(m, &c) == 0 && has_shape(m, r[4], r[5], 2), "row %d, average %d",
               (int)i / 2, average);
        fnn_model_free(m);
    }
}

static void the_configurations_are_as_documented(void)
{
    const fnn_conv2d_config c = fnn_conv2d_config_init();
    const fnn_dense_config d = fnn_dense_config_init();
    const fnn_pool2d_config p = fnn_pool2d_config_init();
    const fnn_batch_norm_config keras = fnn_batch_norm_config_init();
    const fnn_batch_norm_config pytorch = fnn_batch_norm_config_pytorch();
    CHECK(c.filters == 0 && c.kernel_height == 3 && c.kernel_width == 3 && c.stride_height == 1);
    CHECK(c.stride_width == 1 && c.padding == FNN_SAME && c.activation == FNN_LINEAR);
    CHECK(p.height == 2 && p.width == 2 && p.stride_height == 2 && p.stride_width == 2);
    CHECK(!c.pad_height && !c.pad_width && !c.no_bias && !p.pad_height && !p.pad_width);
    CHECK(d.units == 0 && d.activation == FNN_LINEAR && !d.no_bias);
    CHECK(p.padding == FNN_VALID && !p.average);
    CHECK(near((double)keras.momentum, 0.99) && near((double)keras.epsilon, 1e-3));
    CHECK(!keras.unbiased && pytorch.unbiased);
    CHECK(near((double)pytorch.momentum, 0.9) && near((double)pytorch.epsilon, 1e-5));
}

/* A convolution and a dense layer, with the activation in them or as layers behind them. */
static fnn_model *activated(int kind, int apart)
{
    const fnn_activation f = (fnn_activation)kind;
    fnn_model *m = fnn_sequential(4, 3, 2);
    fnn_conv2d(m, 3, 2, FNN_SAME, apart ? FNN_LINEAR : f);
    if (apart) fnn_activate(m, f, twin_parameter(kind));
    fnn_dense(m, 5, apart ? FNN_LINEAR : f);
    if (apart) fnn_activate(m, f, twin_parameter(kind));
    return m;
}

/* An activation in a layer has the list's parameter, whether or not it needs a layer of its own. */
static void activations_in_layers_have_the_usual_parameter(void)
{
    enum { SAMPLES = 6, SIZE = 4 * 3 * 2 };
    static fnn_real x[SAMPLES * SIZE];
    const fnn_dataset data = real_images_of(x, SAMPLES, 4, 3, 2);
    int kind, i;
    fill_reals(x, SAMPLES * SIZE, 4, 1);
    for (kind = 0; kind < FNN_ACTIVATION_COUNT; kind++) {
        fnn_model *within = activated(kind, 0), *apart = activated(kind, 1);
        fnn_real y[SAMPLES * 5], z[SAMPLES * 5];
        size_t count, same;
        fnn_real *w = fnn_parameters(within, &count), *v = fnn_parameters(apart, &same);
        if (CHECK(w && v && count == same)) memcpy(v, w, count * sizeof *v);
        CHECK(!fnn_predict(within, NULL, &data, y) && !fnn_predict(apart, NULL, &data, z));
        for (i = 0; i < SAMPLES * 5; i++)
            CHECKF(near((double)y[i], (double)z[i]), "%s: %g, apart %g", twin_word(kind),
                   (double)y[i], (double)z[i]);
        fnn_model_free(within);
        fnn_model_free(apart);
    }
}

/* ---- errors ---- */

typedef int (*breaking)(fnn_model *m);

static int conv_of(fnn_model *m, int filters, int kernel, int stride, int padding, int activation)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = filters;
    c.kernel_height = c.kernel_width = kernel;
    c.stride_height = c.stride_width = stride;
    c.padding = (fnn_padding)padding;
    c.activation = (fnn_activation)activation;
    return fnn_conv2d_with(m, &c);
}

static int pool_of(fnn_model *m, int average, int size, int stride, int padding)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    c.average = average;
    c.height = c.width = size;
    c.stride_height = c.stride_width = stride;
    c.padding = (fnn_padding)padding;
    return fnn_pool2d_with(m, &c);
}

static int norm_of(fnn_model *m, double momentum, double epsilon)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    c.momentum = (fnn_real)momentum;
    c.epsilon = (fnn_real)epsilon;
    return fnn_batch_norm_with(m, &c);
}

static int padded_of(fnn_model *m, int kernel, int padding, int pad_height, int pad_width)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = 4;
    c.kernel_height = c.kernel_width = kernel;
    c.padding = (fnn_padding)padding;
    c.pad_height = pad_height, c.pad_width = pad_width;
    return fnn_conv2d_with(m, &c);
}

static int padded_pool_of(fnn_model *m, int average, int size, int padding, int pad)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    c.average = average;
    c.height = c.width = size;
    c.stride_height = c.stride_width = 1;
    c.padding = (fnn_padding)padding;
    c.pad_height = c.pad_width = pad;
    return fnn_pool2d_with(m, &c);
}

static int dense_of(fnn_model *m, int units, int activation)
{
    fnn_dense_config c = fnn_dense_config_init();
    c.units = units;
    c.activation = (fnn_activation)activation;
    c.no_bias = 1;
    return fnn_dense_with(m, &c);
}

/* Wrong calls, a line each. */
/* clang-format off */
static int dense_none(fnn_model *m) { return fnn_dense_with(m, NULL); }
static int dense_zero(fnn_model *m) { return dense_of(m, 0, FNN_RELU); }
static int dense_active(fnn_model *m) { return dense_of(m, 3, FNN_ACTIVATION_COUNT); }
static int conv_pad_most(fnn_model *m) { return padded_of(m, 3, FNN_EXPLICIT, 2, 3); }
static int conv_pad_below(fnn_model *m) { return padded_of(m, 3, FNN_EXPLICIT, -1, 0); }
static int conv_pad_huge(fnn_model *m) { return padded_of(m, 3, FNN_EXPLICIT, INT_MAX, INT_MIN); }
static int conv_pad_far(fnn_model *m)
{
    return padded_of(m, INT_MAX, FNN_EXPLICIT, INT_MAX - 1, INT_MAX - 1);
}
static int conv_pad_same(fnn_model *m) { return padded_of(m, 3, FNN_SAME, 1, 1); }
static int conv_pad_valid(fnn_model *m) { return padded_of(m, 3, FNN_VALID, 0, 1); }
static int conv_pad_little(fnn_model *m) { return padded_of(m, 9, FNN_EXPLICIT, 0, 2); }
static int conv_pad_none(fnn_model *m) { return fnn_conv2d(m, 4, 3, FNN_EXPLICIT, FNN_RELU); }
static int pool_pad_most(fnn_model *m) { return padded_pool_of(m, 0, 3, FNN_EXPLICIT, 3); }
static int pool_pad_valid(fnn_model *m) { return padded_pool_of(m, 1, 3, FNN_VALID, 1); }
static int pool_pad_large(fnn_model *m) { return padded_pool_of(m, 1, 20000, FNN_EXPLICIT, 19999); }
static int conv_none(fnn_model *m) { return fnn_conv2d_with(m, NULL); }
static int conv_large(fnn_model *m) { return fnn_conv2d(m, 4, 8, FNN_VALID, FNN_RELU); }
static int conv_zero(fnn_model *m) { return conv_of(m, 4, 0, 1, FNN_SAME, FNN_RELU); }
static int conv_negative(fnn_model *m) { return conv_of(m, 4, -3, 1, FNN_SAME, FNN_RELU); }
static int conv_stride(fnn_model *m) { return conv_of(m, 4, 3, 0, FNN_SAME, FNN_RELU); }
static int conv_padding(fnn_model *m) { return conv_of(m, 4, 3, 1, FNN_PADDING_COUNT, FNN_RELU); }
static int conv_filters(fnn_model *m) { return conv_of(m, 0, 3, 1, FNN_SAME, FNN_RELU); }
static int conv_most(fnn_model *m) { return conv_of(m, INT_MAX, 3, 1, FNN_SAME, FNN_RELU); }
static int conv_huge(fnn_model *m) { return conv_of(m, 1, INT_MAX, 1, FNN_SAME, FNN_RELU); }
static int conv_active(fnn_model *m)
{
    return conv_of(m, 4, 3, 1, FNN_SAME, FNN_ACTIVATION_COUNT);
}
static int pool_none(fnn_model *m) { return fnn_pool2d_with(m, NULL); }
static int pool_large(fnn_model *m) { return fnn_max_pool2d(m, 8); }
static int pool_zero(fnn_model *m) { return fnn_average_pool2d(m, 0); }
static int pool_stride(fnn_model *m) { return pool_of(m, 0, 2, -1, FNN_SAME); }
static int pool_padding(fnn_model *m) { return pool_of(m, 1, 2, 1, -1); }
static int pool_positions(fnn_model *m) { return pool_of(m, 0, 17, 1, FNN_SAME); }
static int norm_none(fnn_model *m) { return fnn_batch_norm_with(m, NULL); }
static int norm_momentum(fnn_model *m) { return norm_of(m, 1.5, 1e-3); }
static int norm_nan(fnn_model *m) { return norm_of(m, FNNI_NAN, 1e-3); }
static int norm_epsilon(fnn_model *m) { return norm_of(m, 0.5, 0); }
static int norm_infinite(fnn_model *m) { return norm_of(m, 0.5, (double)INFINITY); }
static int spatial_one(fnn_model *m) { return fnn_spatial_dropout(m, 1); }
static int spatial_nan(fnn_model *m) { return fnn_spatial_dropout(m, (fnn_real)FNNI_NAN); }
static int add_itself(fnn_model *m) { return fnn_add(m, 1); }
static int add_below(fnn_model *m) { return fnn_add(m, -2); }
/* clang-format on */
static int add_shape(fnn_model *m)
{
    fnn_max_pool2d(m, 2);
    return fnn_add(m, 0);
}
static int add_input(fnn_model *m)
{
    fnn_conv2d(m, 3, 3, FNN_SAME, FNN_RELU);
    return fnn_add(m, -1);
}

/* Each behind one layer of 7 x 6 x 2, as layer 1 or, the last, as layer 2. */
static void errors_name_layer_expected_and_found(void)
{
    static const struct {
        breaking how;
        const char *words;
    } rows[] = {
        {conv_none, "layer 1 conv2d: expected a configuration, found NULL"},
        {conv_large,
         "layer 1 conv2d: expected a window and strides from 1 x 1 that fit an input of 7 x 6 "},
        {conv_zero, "window 0 x 0"},
        {conv_negative, "window -3 x -3"},
        {conv_stride, "stride 0 x 0"},
        {conv_padding, "layer 1 conv2d"},
        {conv_filters, "layer 1 conv2d: expected 1 or more filters"},
        {conv_filters, "found 0 filters"},
        {conv_most, "found 2147483647 filters"},
        {conv_huge, "window 2147483647 x 2147483647"},
        {conv_active, "layer 1 conv2d: expected 1 or more filters and an activation"},
        {dense_none, "layer 1 dense: expected a configuration, found NULL"},
        {dense_zero, "layer 1 dense: expected 1 to"},
        {dense_active, "found 3 units, activation"},
        {conv_pad_most, "layer 1 conv2d: expected pads of at most 2 x 2 under explicit padding, f"},
        {conv_pad_most, "found 2 x 3"},
        {conv_pad_below, "found -1 x 0"},
        {conv_pad_huge, "found 2147483647 x -2147483648"},
        {conv_pad_far, "window 2147483647 x 2147483647"},
        {conv_pad_same,
         "expected pads of at most 0 x 0 under other than explicit padding, found 1"},
        {conv_pad_valid, "expected pads of at most 0 x 0"},
        {conv_pad_little, "input of 7 x 6 x 2, padded by 0 x 2, found window 9 x 9, stride 1 x 1"},
        {conv_pad_none, "layer 1 conv2d: expected valid or same padding, found explicit without"},
        {pool_pad_most,
         "layer 1 max_pool2d: expected pads of at most 2 x 2 under explicit padding"},
        {pool_pad_valid, "layer 1 average_pool2d: expected pads of at most 0 x 0 under other"},
        {pool_pad_large, "layer 1 average_pool2d: expected at most 268435456 outputs, found 20006"},
        {pool_none, "layer 1 max_pool2d: expected a configuration, found NULL"},
        {pool_large, "layer 1 max_pool2d: expected a window and strides from 1 x 1 that fit an i"},
        {pool_zero, "padded by 0 x 0, found window 0 x 0"},
        {pool_stride, "stride -1 x -1"},
        {pool_padding, "layer 1 average_pool2d"},
        {pool_positions, "layer 1 max_pool2d: expected a window of at most 256 positions, found"},
        {pool_positions, "found 17 x 17"},
        {norm_none, "layer 1 batch_norm: expected a configuration, found NULL"},
        {norm_momentum, "layer 1 batch_norm: expected a momentum in [0, 1] and an epsilon above 0"},
        {norm_momentum, "found 1.5, 0.001"},
        {norm_nan, "layer 1 batch_norm"},
        {norm_epsilon, "found 0.5, 0"},
        {norm_infinite, "found 0.5, inf"},
        {spatial_one, "layer 1 spatial_dropout: expected a rate in [0, 1), found 1"},
        {spatial_nan, "layer 1 spatial_dropout: expected a rate in [0, 1), found"},
        {add_itself, "layer 1 add: expected an earlier layer of shape 7 x 6 x 2, found layer 1"},
        {add_below, "found layer -2"},
        {add_shape, "layer 2 add: expected an earlier layer of shape 3 x 3 x 2, found layer 0 of"},
        {add_input, "layer 2 add: expected an earlier layer of shape 7 x 6 x 3, found layer -1 of"},
    };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fnn_model *m = fnn_sequential(7, 6, 2);
        const char *message = fnn_model_error(m)->message;
        fnn_activate(m, FNN_TANH, 0);
        CHECK(rows[i].how(m) == -1 && fnn_model_error(m)->code == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(message, rows[i].words) != NULL, "'%s' lacks '%s'", message, rows[i].words);
        CHECK(fnn_batch_norm(m) == -1 && fnn_global_average_pool2d(m) == -1); /* nor others */
        CHECK(fnn_seal(m) == FNN_ERROR_ARGUMENT && strstr(message, rows[i].words) != NULL);
        fnn_model_free(m);
        CHECK(rows[i].how(NULL) == -1);
    }
    CHECK(fnn_global_average_pool2d(NULL) == -1 && fnn_batch_norm(NULL) == -1);
}

static void a_sealed_model_takes_no_more(void)
{
    static int (*const more[])(fnn_model * m) = {
        conv_filters, pool_large, norm_none,     spatial_one,
        add_below,    dense_none, conv_pad_none, fnn_global_average_pool2d};
    size_t i;
    for (i = 0; i < sizeof more / sizeof more[0]; i++) {
        fnn_model *m = fnn_sequential(4, 4, 1);
        fnn_conv2d(m, 2, 3, FNN_SAME, FNN_RELU);
        CHECK(!fnn_seal(m) && more[i](m) == -1);
        CHECK(fnn_model_error(m)->code == FNN_ERROR_STATE);
        CHECK(strstr(fnn_model_error(m)->message, "takes no more layers") != NULL);
        fnn_model_free(m);
    }
}

static void the_summary_shows_each_layer(void)
{
    static const char expected[] = "     layer           activation           output   parameters\n"
                                   "     input                           8 x   8 x   3\n"
                                   "0    conv2d          relu            8 x   8 x   4        112\n"
                                   "1    max_pool2d                      4 x   4 x   4          0\n"
                                   "2    batch_norm                      4 x   4 x   4          8\n"
                                   "3    spatial_dropout                 4 x   4 x   4          0\n"
                                   "4    add                             4 x   4 x   4          0\n"
                                   "5    average_pool2d                  1 x   1 x   4          0\n"
                                   "6    dense           linear          1 x   1 x  10         50\n"
                                   "170 parameters\n"
                                   "loss mean_squared_error; normalization none\n";
    static const uint8_t pixels[4] = {0, 1, 2, 255};
    const fnn_dataset data = fnn_dataset_images(pixels, NULL, 1, 2, 2, 1, 0);
    char text[1000];
    fnn_model *m = fnn_sequential(8, 8, 3);
    fnn_conv2d(m, 4, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_batch_norm(m);
    fnn_spatial_dropout(m, (fnn_real)0.1);
    fnn_add(m, 1);
    fnn_global_average_pool2d(m);
    fnn_dense(m, 10, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    CHECK(fnn_summary(m, text, sizeof text) == strlen(expected));
    CHECKF(!strcmp(text, expected), "found\n%s", text);
    fnn_model_free(m);
    m = fnn_sequential(2, 2, 1);
    fnn_dense(m, 3, FNN_SOFTMAX);
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &data);
    fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, (fnn_real).1, 0);
    fnn_summary(m, text, sizeof text);
    CHECKF(strstr(text, "\nloss softmax_cross_entropy, label smoothing 0.1; "
                        "normalization divide_255\n"),
           "%s", text);
    fnn_model_free(m);
}

/* Parameters, gradients, tensors and the summary of layers with and without a bias. */
static void a_layer_without_a_bias_has_no_such_tensor(void)
{
    static const fnn_real x[4 * 4 * 2] = {1, 2, -1};
    const fnn_dataset data = with_targets(real_images_of(x, 1, 4, 4, 2), x, 3);
    fnn_model *m = fnn_sequential(4, 4, 2);
    fnn_conv2d_config c = fnn_conv2d_config_init();
    char text[600];
    fnn_tensor t;
    size_t count;
    int l;
    c.filters = 4;
    c.no_bias = 1;
    CHECK(fnn_conv2d_with(m, &c) == 0 && dense_of(m, 5, FNN_GELU) == 2);
    CHECK(fnn_dense(m, 3, FNN_LINEAR) == 3);
    CHECK(!fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0));
    CHECK(fnn_parameters(m, &count) && count == 3 * 3 * 2 * 4 + 64 * 5 + (5 * 3 + 3));
    fnn_summary(m, text, sizeof text);
    CHECKF(strstr(text, "4         72\n") && strstr(text, "5        320\n") &&
               strstr(text, "3         18\n") && strstr(text, "410 parameters\n"),
           "%s", text);
    CHECK(!fnn_forward(m, &data, NULL, 1, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
    for (l = 0; l < 4; l++) {
        const int biased = l == 3; /* 2 is the GELU, which means the dense layer before it too */
        CHECK((fnn_tensor_get(m, l, "bias", &t) == FNN_OK) == biased);
        CHECK(biased || (t.values == NULL && t.count == 0));
        CHECK((fnn_tensor_at(m, l, 1, &t) == FNN_OK) == biased);
        CHECK(!fnn_tensor_get(m, l, "weight", &t));
    }
    CHECK(!fnn_tensor_values(m, 0, "bias", &count) && count == 0);
    CHECKF(strstr(fnn_model_error(m)->message, "its tensors are weight, but \"bias\"") != NULL,
           "%s", fnn_model_error(m)->message);
    CHECK(!fnn_tensor_gradient(m, 1, "bias", NULL) && fnn_tensor_gradient(m, 3, "bias", &count));
    CHECK(count == 3);
    fnn_model_free(m);
}

/* ---- batch norm by hand ---- */

/* Column 0 has mean 4, variance 5 (unbiased 20 / 3); column 1 none. */
enum { TABLE_ROWS = 4 };
static fnn_real table[TABLE_ROWS * 2] = {1, 2, 3, 2, 5, 2, 7, 2}, wanted[TABLE_ROWS * 2];

static fnn_dataset table_data(void)
{
    return with_targets(table_of(table, TABLE_ROWS, 2), wanted, 2);
}

static fnn_model *norm_model(fnn_batch_norm_config config)
{
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_real *w;
    fnn_batch_norm_with(m, &config);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    w = fnn_parameters(m, NULL);
    CHECK(w && w[0] == 1 && w[1] == 1 && w[2] == 0 && w[3] == 0); /* gammas, then betas */
    CHECK(m->statistics[0] == 0 && m->statistics[2] == 1);
    w[0] = 3, w[2] = 10, w[3] = -1;
    return m;
}

static void a_step(fnn_model *m)
{
    fnn_fit_config still = fnn_fit_config_init();
    still.optimizer = fnn_sgd(0);
    CHECK(!fnn_loss(m, NULL) && !fnn_backward(m) && !fnn_step(m, &still));
}

/* Running mean and variance of both columns after the first step and after the second. */
static void statistics_move(fnn_batch_norm_config config, double keep, double variance)
{
    const fnn_dataset data = table_data();
    fnn_model *m = norm_model(config);
    const double epsilon = (double)config.epsilon;
    fnn_real start[4], y[TABLE_ROWS * 2];
    double mean = 0, spread = 1, none = 1, constant = 0;
    int step, i;
    for (step = 0; step < 3; step++) {
        memcpy(start, m->statistics, sizeof start);
        for (i = 0; i < 2; i++) CHECK(!fnn_forward(m, &data, NULL, TABLE_ROWS, 1));
        CHECK(!memcmp(start, m->statistics, sizeof start)); /* not by looking alone */
        for (i = 0; i < TABLE_ROWS; i++) {
            CHECK(
                near((double)fnn_outputs(m)[2 * i], 3 * (2 * i + 1 - 4) / sqrt(5 + epsilon) + 10));
            CHECK(near((double)fnn_outputs(m)[2 * i + 1], -1)); /* no variance: beta */
        }
        a_step(m);
        mean = keep * mean + (1 - keep) * 4;
        constant = keep * constant + (1 - keep) * 2;
        spread = keep * spread + (1 - keep) * variance;
        none = keep * none;
        CHECKF(near((double)m->statistics[0], mean) && near((double)m->statistics[1], constant),
               "means, step %d", step);
        CHECKF(near((double)m->statistics[2], spread) && near((double)m->statistics[3], none),
               "variances, step %d", step);
        CHECK(!fnn_predict(m, NULL, &data, y)); /* which goes by the running ones */
        for (i = 0; i < TABLE_ROWS; i++)
            CHECK(near((double)y[2 * i], 3 * (2 * i + 1 - mean) / sqrt(spread + epsilon) + 10));
    }
    fnn_set_seed(m, 0);
    CHECK(m->statistics[0] == 0 && m->statistics[2] == 1 && m->parameters[0] == 1);
    fnn_model_free(m);
}

static void running_statistics_by_hand(void)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    statistics_move(c, 0.99, 5);
    statistics_move(fnn_batch_norm_config_pytorch(), 0.9, 20.0 / 3);
    c.momentum = 0; /* the last batch's */
    statistics_move(c, 0, 5);
    c.momentum = 1; /* they stay */
    statistics_move(c, 1, 5);
}

/* Out of training neither a pass nor a step moves them; gradients take them as constant. */
static void running_statistics_stay_in_inference(void)
{
    const fnn_dataset data = table_data();
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    fnn_model *m = norm_model(c);
    fnn_real start[4], y[TABLE_ROWS * 2];
    double gamma = 0;
    int i;
    memcpy(start, m->statistics, sizeof start);
    CHECK(!fnn_forward(m, &data, NULL, TABLE_ROWS, 0));
    CHECK(!fnn_predict(m, NULL, &data, y) && !memcmp(y, fnn_outputs(m), sizeof y));
    a_step(m);
    CHECK(!memcmp(start, m->statistics, sizeof start));
    for (i = 0; i < TABLE_ROWS; i++) /* d loss / d gamma = sum 2 y / 8 * x, the targets 0 */
        gamma += 2 * (double)y[2 * i] / 8 * (double)table[2 * i] / sqrt(1.001);
    CHECKF(near((double)m->gradients[0], gamma), "%g, %g", (double)m->gradients[0], gamma);
    fnn_model_free(m);
}

/* One row alone has no variance, not even an unbiased one: 0 / 0 must not come of it. */
static void one_row_has_no_variance(void)
{
    const fnn_dataset data = table_data();
    fnn_model *m = norm_model(fnn_batch_norm_config_pytorch());
    CHECK(!fnn_forward(m, &data, NULL, 1, 1));
    CHECK(near((double)fnn_outputs(m)[0], 10) && near((double)fnn_outputs(m)[1], -1));
    a_step(m);
    CHECK(near((double)m->statistics[0], 0.1) && near((double)m->statistics[2], 0.9));
    fnn_model_free(m);
}

/* NaN spreads over its channel, which is the batch's, and over no other. */
static void nan_stays_in_its_channel(void)
{
    const fnn_real kept = table[4];
    const fnn_dataset data = table_data();
    const fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = norm_model(fnn_batch_norm_config_init());
    int i;
    table[4] = (fnn_real)FNNI_NAN;
    CHECK(!fnn_forward(m, &data, NULL, TABLE_ROWS, 1));
    for (i = 0; i < TABLE_ROWS; i++) {
        CHECK(fnn_outputs(m)[2 * i] != fnn_outputs(m)[2 * i]);
        CHECK(near((double)fnn_outputs(m)[2 * i + 1], -1));
    }
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_NUMERIC);
    CHECK(strstr(fnn_model_error(m)->message, "an input is not finite") != NULL);
    CHECK(near((double)m->statistics[1], 0.02) && m->statistics[0] != m->statistics[0]);
    table[4] = kept;
    fnn_model_free(m);
}

/* ---- networks of every form ---- */

enum { SIDE = 8, DEPTH = 2, NUMBERS = SIDE * SIDE * DEPTH, ROWS = 40, CLASSES = 4 };
static uint8_t pixels[ROWS * NUMBERS];
static int32_t labels[ROWS];

static fnn_dataset make_images(void)
{
    fill_bands(pixels, labels, ROWS, NUMBERS, CLASSES, NUMBERS / CLASSES, 120, 130);
    return with_labels(images_of(pixels, ROWS, SIDE, SIDE, DEPTH), labels, CLASSES);
}

static void no_dense(fnn_model *m)
{
    fnn_conv2d(m, 6, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 3); /* does not divide 8 */
    fnn_conv2d(m, CLASSES, 1, FNN_SAME, FNN_LINEAR);
    fnn_average_pool2d(m, 2);
}

static void covering(fnn_model *m)
{
    fnn_batch_norm(m);
    fnn_conv2d(m, CLASSES, SIDE, FNN_VALID, FNN_SOFTMAX);
}

static void residual(fnn_model *m)
{
    int from = fnn_conv2d(m, 5, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(m, 5, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_spatial_dropout(m, (fnn_real)0.2);
    fnn_add(m, from);
    fnn_activate(m, FNN_RELU, 0);
    fnn_dropout(m, (fnn_real)0.2);
    fnn_global_average_pool2d(m);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

/* Additions past a dense layer, of what stands among the images; one of them flattened. */
static void past_dense(fnn_model *m)
{
    int from;
    fnn_conv2d(m, 6, 3, FNN_SAME, FNN_TANH);
    from = fnn_global_average_pool2d(m);
    fnn_activate(m, FNN_SIGMOID, 0);
    fnn_flatten(m);
    fnn_activate(m, FNN_TANH, 0);
    fnn_dense(m, 6, FNN_TANH);
    fnn_add(m, from);
    fnn_add(m, from + 2);
    fnn_dense(m, CLASSES, FNN_LINEAR);
}

static void behind_dense(fnn_model *m)
{
    fnn_flatten(m);
    fnn_dense(m, 12, FNN_TANH);
    fnn_batch_norm(m);
    fnn_conv2d(m, 9, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 1); /* fused, in groups of rows */
    fnn_spatial_dropout(m, (fnn_real)0.1);
    fnn_conv2d(m, CLASSES, 1, FNN_VALID, FNN_LINEAR);
}

static void strided(fnn_model *m)
{
    conv_of(m, 7, 3, 2, FNN_SAME, FNN_GELU);
    pool_of(m, 1, 3, 2, FNN_SAME);
    fnn_batch_norm(m);
    pool_of(m, 0, 2, 1, FNN_VALID);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
}

static void no_parameters(fnn_model *m)
{
    fnn_max_pool2d(m, 2);
    fnn_average_pool2d(m, 2);
    fnn_spatial_dropout(m, (fnn_real)0.1);
    fnn_add(m, 1);
}

/* No bias anywhere: fused with an activation, with a pool, before a batch norm, rows of dense
 * layers in several blocks. */
static void bias_free(fnn_model *m)
{
    pytorch_conv2d(m, 9, 3, 1, FNN_RELU);
    fnn_max_pool2d(m, 2); /* fused */
    pytorch_conv2d(m, 17, 3, 2, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
    dense_of(m, 300, FNN_RELU);
    dense_of(m, CLASSES, FNN_SOFTMAX);
}

static void padded(fnn_model *m)
{
    pytorch_conv2d(m, 10, 5, 1, FNN_LINEAR);
    fnn_batch_norm(m);
    padded_pool_of(m, 0, 3, FNN_EXPLICIT, 1);
    pytorch_conv2d(m, 8, 3, 2, FNN_TANH);
    padded_pool_of(m, 1, 2, FNN_EXPLICIT, 1);
    padded_of(m, 2, FNN_EXPLICIT, 1, 0); /* with a bias */
    fnn_global_average_pool2d(m);
    fnn_dense(m, CLASSES, FNN_LINEAR);
}

/* Convolutions of sixteen channels and more, which go by Winograd's transforms. */
static void transformed(fnn_model *m)
{
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(m, 18, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2); /* fused */
    pytorch_conv2d(m, 16, 3, 1, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_global_average_pool2d(m);
    fnn_dense(m, CLASSES, FNN_LINEAR);
}

static void (*const networks[])(fnn_model *m) = {no_dense, covering,     residual,      past_dense,
                                                 strided,  behind_dense, no_parameters, bias_free,
                                                 padded,   transformed};
enum { NETWORKS = (int)(sizeof networks / sizeof networks[0]) };

/* All threads get work, however little there is. */
static fnn_model *make_network(int n, int isa, int threads)
{
    const fnn_dataset data = make_images();
    fnn_model *m = model_on((fnn_isa)isa, threads, SIDE, SIDE, DEPTH);
    fnn_normalize(m, FNN_NORMALIZE_MEAN_DIVIDE_255, &data);
    networks[n](m);
    CHECKF(!fnn_seal(m), "%s", fnn_model_error(m)->message);
    m->work *= 1e9;
    return m;
}

static fnn_fit_config make_config(int batch_size)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(0.01);
    c.batch_size = batch_size;
    return c;
}

static int same_numbers(const fnn_model *a, const fnn_model *b)
{
    const size_t n = a->parameter_count, more = a->statistics_count;
    return n == b->parameter_count && more == b->statistics_count &&
           (n == 0 || !memcmp(a->parameters, b->parameters, n * sizeof(fnn_real))) &&
           (more == 0 || !memcmp(a->statistics, b->statistics, more * sizeof(fnn_real)));
}

/* What spatial dropout drops is 0, whatever it was, as with dropout. */
static void infinities_are_dropped(void)
{
    static fnn_real x[4 * 2 * 2 * 8];
    fnn_dataset data;
    fnn_model *m = fnn_sequential(2, 2, 8);
    const fnn_real *y;
    int i, zeros = 0;
    memset(&data, 0, sizeof data);
    data.count = 4;
    data.height = data.width = 2;
    data.channels = 8;
    data.reals = x;
    for (i = 0; i < 128; i++) x[i] = (fnn_real)INFINITY;
    fnn_spatial_dropout(m, (fnn_real)0.5);
    CHECK(!fnn_forward(m, &data, NULL, 4, 1));
    y = fnn_outputs(m);
    for (i = 0; i < 128; i++) {
        CHECK(y[i] == 0 || y[i] == (fnn_real)INFINITY);
        zeros += y[i] == 0;
    }
    CHECK(zeros > 0 && zeros < 128);
    fnn_model_free(m);
}

static void networks_learn(void)
{
    const fnn_dataset data = make_images();
    int n;
    for (n = 0; n < NETWORKS; n++) {
        fnn_model *m = make_network(n, FNN_ISA_BEST, 1);
        fnn_fit_config c = make_config(8);
        fnn_metrics before, after;
        c.epochs = 20;
        CHECK(!fnn_evaluate(m, NULL, &data, &before));
        CHECKF(!fnn_fit(m, &data, &c, NULL), "%s", fnn_model_error(m)->message);
        CHECK(!fnn_evaluate(m, NULL, &data, &after));
        CHECKF(m->parameter_count == 0 || after.loss < before.loss * 0.8, "network %d: %g, %g", n,
               before.loss, after.loss);
        fnn_model_free(m);
    }
}

/* What is kept for the way back and what is not gives the same bits. */
static void prediction_is_the_forward_pass(void)
{
    static fnn_real y[3 * ROWS * SIDE], one[SIDE * SIDE];
    fnn_dataset data = make_images();
    int n, isa, i;
    FOR_EACH_ISA(isa)
        for (n = 0; n < NETWORKS; n++) {
            fnn_model *m = make_network(n, isa, 3);
            const fnn_fit_config c = make_config(16);
            size_t outputs;
            CHECK(!fnn_fit(m, &data, &c, NULL)); /* so that running statistics are some */
            outputs = (size_t)m->layers[m->layer_count - 1].outputs;
            CHECK(!fnn_predict(m, NULL, &data, y) && !fnn_forward(m, &data, NULL, ROWS, 0));
            CHECKF(!memcmp(y, fnn_outputs(m), outputs * ROWS * sizeof *y), "network %d, %s", n,
                   fnn_isa_name((fnn_isa)isa));
            for (i = 0; i < ROWS; i += 13) {
                fnn_dataset alone = data;
                alone.bytes = pixels + i * NUMBERS;
                alone.labels = labels + i;
                alone.count = 1;
                CHECK(!fnn_predict(m, NULL, &alone, one));
                CHECKF(!memcmp(y + (size_t)i * outputs, one, outputs * sizeof *y), "network %d", n);
            }
            fnn_model_free(m);
        }
}

/* Batches of one, three, seventeen, whose last is smaller; weights of few rows on many threads. */
static void fit_is_the_opened_step_on_any_threads(void)
{
    static const int sizes[] = {1, 3, 17, ROWS};
    const fnn_dataset data = make_images();
    int n, i, at;
    for (n = 0; n < NETWORKS; n++)
        for (i = 0; i < 4; i++) {
            fnn_model *one = make_network(n, FNN_ISA_BEST, 1);
            fnn_model *many = make_network(n, FNN_ISA_BEST, 7);
            fnn_model *opened = make_network(n, FNN_ISA_BEST, 5);
            fnn_fit_config c = make_config(sizes[i]);
            c.shuffle = 0;
            CHECK(!fnn_fit(one, &data, &c, NULL) && !fnn_fit(many, &data, &c, NULL));
            for (at = 0; at < ROWS; at += sizes[i]) {
                int64_t samples[ROWS];
                int j, rows = ROWS - at < sizes[i] ? ROWS - at : sizes[i];
                for (j = 0; j < rows; j++) samples[j] = at + j;
                CHECK(!fnn_forward(opened, &data, samples, rows, 1) && !fnn_loss(opened, NULL));
                CHECK(!fnn_backward(opened) && !fnn_step(opened, &c));
            }
            CHECKF(same_numbers(one, many), "network %d, batches of %d: threads", n, sizes[i]);
            CHECKF(same_numbers(one, opened), "network %d, batches of %d: opened", n, sizes[i]);
            fnn_model_free(one);
            fnn_model_free(many);
            fnn_model_free(opened);
        }
}

/* ---- special shapes ---- */

/* A convolution that covers the image is a dense layer with the same weights. */
static void a_covering_convolution_is_dense(void)
{
    const fnn_dataset data = make_images();
    fnn_model *a = fnn_sequential(SIDE, SIDE, DEPTH), *b = fnn_sequential(SIDE, SIDE, DEPTH);
    size_t count, i;
    fnn_real *v, *w;
    double worst = 0, largest = 0;
    fnn_conv2d(a, CLASSES, SIDE, FNN_VALID, FNN_TANH);
    fnn_dense(b, CLASSES, FNN_TANH);
    v = fnn_parameters(a, &count), w = fnn_parameters(b, NULL);
    for (i = 0; i < count; i++) v[i] = w[i] = w[i] / 255;
    CHECK(count == NUMBERS * CLASSES + CLASSES);
    CHECK(!fnn_forward(a, &data, NULL, ROWS, 1) && !fnn_forward(b, &data, NULL, ROWS, 1));
    for (i = 0; i < ROWS * CLASSES; i++)
        CHECK(near((double)fnn_outputs(a)[i], (double)fnn_outputs(b)[i]));
    CHECK(!fnn_loss(a, NULL) && !fnn_backward(a) && !fnn_loss(b, NULL) && !fnn_backward(b));
    for (i = 0; i < count; i++) {
        const double g = (double)b->gradients[i], d = fabs((double)a->gradients[i] - g);
        if (d > worst) worst = d;
        if (fabs(g) > largest) largest = fabs(g);
    }
    CHECKF(worst <= TOLERANCE * largest, "%g of %g", worst, largest);
    fnn_model_free(a);
    fnn_model_free(b);
}

/* Without biases: what layers with biases of zero give, outputs and gradients, on every
 * instruction set, of few filters and of many, of rows in whole vectors and not. */
static void no_bias_is_a_bias_of_zero(void)
{
    static const int sizes[][2] = {{1, 3}, {4, 16}, {9, 10}, {17, 64}, {32, 70}};
    const fnn_dataset data = make_images();
    int isa, i, f, option;
    FOR_EACH_ISA(isa)
        for (i = 0; i < 5; i++)
            for (f = 0; f < FNN_ACTIVATION_COUNT; f++) {
                fnn_model *m[2];
                fnn_tensor t[2];
                int l;
                if (QUICK() && (i + f) % 3) continue;
                for (option = 0; option < 2; option++) {
                    fnn_conv2d_config c = fnn_conv2d_config_init();
                    fnn_dense_config d = fnn_dense_config_init();
                    c.filters = sizes[i][0], d.units = sizes[i][1];
                    c.activation = d.activation = (fnn_activation)f;
                    c.no_bias = d.no_bias = option;
                    m[option] = model_on((fnn_isa)isa, 2, SIDE, SIDE, DEPTH);
                    fnn_normalize(m[option], FNN_NORMALIZE_DIVIDE_255, &data);
                    fnn_conv2d_with(m[option], &c);
                    if (i % 2) fnn_max_pool2d(m[option], 2);
                    fnn_dense_with(m[option], &d);
                    fnn_dense(m[option], CLASSES, FNN_SOFTMAX);
                    CHECK(!fnn_forward(m[option], &data, NULL, ROWS, 1));
                    CHECK(!fnn_loss(m[option], NULL) && !fnn_backward(m[option]));
                }
                CHECK(m[0]->parameter_count ==
                      m[1]->parameter_count + (size_t)(sizes[i][0] + sizes[i][1]));
                CHECK(!memcmp(fnn_outputs(m[0]), fnn_outputs(m[1]),
                              ROWS * CLASSES * sizeof(fnn_real)));
                for (l = 0; l < m[0]->layer_count; l++) {
                    if (fnn_tensor_get(m[0], l, "weight", t)) continue;
                    CHECK(!fnn_tensor_get(m[1], l, "weight", t + 1) && t[0].count == t[1].count);
                    CHECKF(!memcmp(t[0].gradient, t[1].gradient, t[0].count * sizeof(fnn_real)),
                           "%s, %s, %d: gradient of layer %d", fnn_isa_name((fnn_isa)isa),
                           twin_word(f), i, l);
                }
                fnn_model_free(m[0]);
                fnn_model_free(m[1]);
            }
}

/* Rows and columns that do not fill a window change nothing. */
static void what_does_not_fill_a_window_is_left_out(void)
{
    int average, at;
    for (average = 0; average < 2; average++)
        for (at = 0; at < 7 * 8; at++) {
            fnn_model *m = fnn_sequential(7, 8, 1);
            fnn_real x[7 * 8], before[2 * 2], after[2 * 2];
            const fnn_dataset data = real_images_of(x, 1, 7, 8, 1);
            int i;
            for (i = 0; i < 7 * 8; i++) x[i] = (fnn_real)(i % 11);
            pool_of(m, average, 3, 3, FNN_VALID);
            CHECK(has_shape(m, 2, 2, 1) && !fnn_seal(m) && !fnn_predict(m, NULL, &data, before));
            x[at] += 100;
            CHECK(!fnn_predict(m, NULL, &data, after));
            CHECK((memcmp(before, after, sizeof after) == 0) == (at / 8 >= 6 || at % 8 >= 6));
            fnn_model_free(m);
        }
}

static void global_average_by_hand(void)
{
    const fnn_real x[2 * 3 * 2] = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 9, 90};
    fnn_model *m = fnn_sequential(2, 3, 2);
    fnn_real y[2];
    const fnn_dataset data = real_images_of(x, 1, 2, 3, 2);
    fnn_global_average_pool2d(m);
    CHECK(!fnn_seal(m) && !fnn_predict(m, NULL, &data, y) && near((double)y[0], 4) &&
          near((double)y[1], 40));
    fnn_model_free(m);
}

/* Everything that takes an image takes one of a single pixel. */
static void images_of_one_pixel(void)
{
    fnn_dataset data = make_images();
    const fnn_fit_config c = make_config(7);
    fnn_model *m = fnn_sequential(1, 1, NUMBERS);
    fnn_real y[ROWS * CLASSES];
    int i, from;
    data.height = data.width = 1;
    data.channels = NUMBERS;
    fnn_batch_norm(m);
    from = fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 1);
    conv_of(m, 8, 1, 5, FNN_VALID, FNN_TANH);
    fnn_add(m, from);
    pool_of(m, 0, 3, 2, FNN_SAME);
    fnn_average_pool2d(m, 1);
    fnn_spatial_dropout(m, (fnn_real)0.3);
    fnn_global_average_pool2d(m);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    CHECKF(!fnn_fit(m, &data, &c, NULL), "%s", fnn_model_error(m)->message);
    CHECK(!fnn_predict(m, NULL, &data, y));
    for (i = 0; i < ROWS * CLASSES; i++) CHECK(y[i] >= 0 && y[i] <= 1);
    fnn_model_free(m);
}

/* ---- memory ---- */

static budget memory;

static int requests_then;
static int count_requests(void *user, const fnn_epoch *epoch)
{
    (void)user;
    if (epoch->epoch == 1) requests_then = memory.requests;
    return 0;
}

static void memory_is_taken_once_and_told(void)
{
    static fnn_real y[ROWS * SIDE];
    const fnn_dataset data = make_images();
    int n, batch;
    for (n = 0; n < NETWORKS; n++) {
        fnn_context_config config = fnn_context_config_init();
        fnn_fit_config c = make_config(16);
        fnn_context *context;
        fnn_model *m;
        size_t told = 0;
        config.allocator = budget_open(&memory);
        m = fnn_sequential_with(&config, SIDE, SIDE, DEPTH);
        networks[n](m);
        CHECK(!fnn_seal(m));
        CHECKF(fnn_memory_size(m, 0) == memory.held, "network %d: told %lu, held %lu", n,
               (unsigned long)fnn_memory_size(m, 0), (unsigned long)memory.held);
        for (batch = 0; batch < 40; batch++) {
            const size_t now = fnn_memory_size(m, batch);
            CHECK(now > told);
            told = now;
        }
        c.epochs = 3;
        c.clip_norm = 1; /* with all that a model may keep */
        c.callback = count_requests;
        requests_then = 0;
        CHECK(!fnn_fit(m, &data, &c, NULL) && requests_then == memory.requests);
        told = fnn_memory_size(m, 16);
        CHECKF(told == memory.held, "network %d: told %lu, held %lu", n, (unsigned long)told,
               (unsigned long)memory.held);
        context = fnn_context_create(&config, NULL);
        CHECK(!fnn_reserve(m, context));
        memory.requests = 0;
        CHECK(!fnn_predict(m, context, &data, y) && memory.requests == 0);
        fnn_context_free(context);
        fnn_model_free(m);
        CHECKF(memory.held == 0, "%lu bytes leak", (unsigned long)memory.held);
    }
}

static const harness_test tests[] = {TEST(shapes_of_convolutions),
                                     TEST(shapes_of_other_layers),
                                     TEST(shapes_of_padded_pools),
                                     TEST(the_configurations_are_as_documented),
                                     TEST(activations_in_layers_have_the_usual_parameter),
                                     TEST(errors_name_layer_expected_and_found),
                                     TEST(a_sealed_model_takes_no_more),
                                     TEST(the_summary_shows_each_layer),
                                     TEST(a_layer_without_a_bias_has_no_such_tensor),
                                     TEST(running_statistics_by_hand),
                                     TEST(running_statistics_stay_in_inference),
                                     TEST(one_row_has_no_variance),
                                     TEST(nan_stays_in_its_channel),
                                     TEST(infinities_are_dropped),
                                     TEST(networks_learn),
                                     TEST(prediction_is_the_forward_pass),
                                     TEST(fit_is_the_opened_step_on_any_threads),
                                     TEST(a_covering_convolution_is_dense),
                                     TEST(no_bias_is_a_bias_of_zero),
                                     TEST(what_does_not_fill_a_window_is_left_out),
                                     TEST(global_average_by_hand),
                                     TEST(images_of_one_pixel),
                                     TEST(memory_is_taken_once_and_told)};
HARNESS_MAIN(tests)
