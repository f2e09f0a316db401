/* Weights of PyTorch and Keras: every number comes to its place, what does not fit is named, a
 * damaged file is an error and never more. tests/import_model.py makes networks with NumPy; the one
 * of examples/import_pytorch.py comes from PyTorch itself, where that is installed. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#define main import_pytorch_main
#include "../examples/import_pytorch.c"
#undef main
#include "budget.h"
#include "files.h"
#include "harness.h"
#include "samples.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* ---- files ---- */

typedef struct {
    const char *name, *dtype;
    int rank;
    size_t shape[4];
} tensor;
enum { MOST = 40, HEADER = 8000 };

/* Number j of the tensor of that name: whole, so that each type has it exactly. */
static int value_of(const char *name, size_t j)
{
    size_t h = 0;
    while (*name) h = 31 * h + (size_t)*name++;
    return (int)((h % 199 + 73 * j) % 199) - 99;
}

static size_t count_of(const tensor *t)
{
    size_t count = 1;
    int i;
    for (i = 0; i < t->rank; i++) count *= t->shape[i];
    return count;
}

static size_t size_of(const char *dtype)
{
    return strstr(dtype, "64") ? 8 : strstr(dtype, "16") ? 2 : 4;
}

static uint64_t float_bits(double x)
{
    const float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The bits of a small whole number. */
static uint64_t bits_of(const char *dtype, int x)
{
    const double exact = x;
    const uint64_t sign = x < 0;
    uint64_t bits;
    int exponent = 0;
    if (!strcmp(dtype, "F32")) return float_bits(exact);
    if (!strcmp(dtype, "BF16")) return float_bits(exact) >> 16;
    if (!strcmp(dtype, "F16")) {
        const double fraction = frexp(fabs(exact), &exponent);
        return sign << 15 |
               (x ? (uint64_t)(exponent + 14) << 10 | ((uint64_t)ldexp(fraction, 11) & 1023) : 0);
    }
    if (!strcmp(dtype, "I64")) return (uint64_t)(int64_t)x;
    memcpy(&bits, &exact, sizeof bits);
    return bits;
}

static void put_little(uint8_t *to, uint64_t bits, size_t bytes)
{
    size_t i;
    for (i = 0; i < bytes; i++) to[i] = (uint8_t)(bits >> 8 * i);
}

/* A file of a header and so many bytes of data, zero if data is NULL. */
static file_bytes framed(const char *header, const uint8_t *data, size_t size)
{
    const size_t length = strlen(header);
    file_bytes f;
    f.size = 8 + length + size;
    f.bytes = (uint8_t *)need(f.size);
    put_little(f.bytes, length, 8);
    memcpy(f.bytes + 8, header, length);
    memset(f.bytes + 8 + length, 0, size);
    if (data && size) memcpy(f.bytes + 8 + length, data, size);
    return f;
}

/* A safetensors file of these tensors, in their order. */
static file_bytes file_of(const tensor *list, int count)
{
    char header[HEADER], *to = header;
    uint8_t *data;
    file_bytes f;
    size_t size = 0, at = 0, j;
    int i, d;
    for (i = 0; i < count; i++) size += count_of(list + i) * size_of(list[i].dtype);
    data = (uint8_t *)need(size);
    to += sprintf(to, "{\"__metadata__\":{\"format\":\"pt\",\"by\":\"fmnist_nn \\u00e9 \\n\"}");
    for (i = 0; i < count; i++) {
        const size_t each = size_of(list[i].dtype), n = count_of(list + i);
        to += sprintf(to, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", list[i].name, list[i].dtype);
        for (d = 0; d < list[i].rank; d++)
            to += sprintf(to, "%s%lu", d ? "," : "", (unsigned long)list[i].shape[d]);
        to += sprintf(to, "],\"data_offsets\":[%lu,%lu]}", (unsigned long)at,
                      (unsigned long)(at + n * each));
        for (j = 0; j < n; j++, at += each)
            put_little(data + at, bits_of(list[i].dtype, value_of(list[i].name, j)), each);
    }
    strcpy(to, "} ");
    f = framed(header, data, size);
    free(data);
    return f;
}

/* The path of a file of these bytes, which are freed. */
static const char *written(file_bytes f)
{
    const char *path = path_of("weights");
    write_bytes(path, f.bytes, f.size);
    free(f.bytes);
    return path;
}

static const char *file_path(const tensor *list, int count)
{
    return written(file_of(list, count));
}

/* ---- networks ---- */

/* A CNN as PyTorch's state_dict has it, sorted as its usual file is. */
static const tensor pytorch_cnn[] = {{"bn.num_batches_tracked", "I64", 0, {0}},
                                     {"bn.bias", "F32", 1, {4}},
                                     {"bn.running_mean", "F32", 1, {4}},
                                     {"bn.running_var", "F32", 1, {4}},
                                     {"bn.weight", "F32", 1, {4}},
                                     {"conv.bias", "F32", 1, {4}},
                                     {"conv.weight", "F32", 4, {4, 2, 3, 3}},
                                     {"fc1.bias", "F32", 1, {5}},
                                     {"fc1.weight", "F32", 2, {5, 24}},
                                     {"fc2.bias", "F32", 1, {3}},
                                     {"fc2.weight", "F32", 2, {3, 5}}};
static const tensor keras_cnn[] = {{"batch_normalization/beta", "F32", 1, {4}},
                                   {"batch_normalization/gamma", "F32", 1, {4}},
                                   {"batch_normalization/moving_mean", "F32", 1, {4}},
                                   {"batch_normalization/moving_variance", "F32", 1, {4}},
                                   {"conv2d/bias", "F32", 1, {4}},
                                   {"conv2d/kernel", "F32", 4, {3, 3, 2, 4}},
                                   {"dense/bias", "F32", 1, {5}},
                                   {"dense/kernel", "F32", 2, {24, 5}},
                                   {"dense_1/bias", "F32", 1, {3}},
                                   {"dense_1/kernel", "F32", 2, {5, 3}}};
enum { CONV, NORM, ACTIVATION, POOL, DENSE, LAST }; /* its layers */

static fnn_model *cnn_with(const fnn_context_config *config)
{
    fnn_conv2d_config conv = fnn_conv2d_config_init();
    fnn_model *m = fnn_sequential_with(config, 15, 9, 2);
    conv.filters = 4;
    conv.stride_height = conv.stride_width = 2;
    conv.padding = FNN_VALID;
    fnn_conv2d_with(m, &conv); /* 7 x 4 x 4 */
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2); /* 3 x 2 x 4 */
    fnn_dense(m, 5, FNN_RELU);
    fnn_dense(m, 3, FNN_SOFTMAX);
    return m;
}

static fnn_model *cnn(void)
{
    return cnn_with(NULL);
}

/* A perceptron of layers of these sizes, the first being the inputs. */
static fnn_model *perceptron(const int *sizes, int count)
{
    fnn_model *m = fnn_sequential(1, 1, sizes[0]);
    int i;
    for (i = 1; i < count; i++) fnn_dense(m, sizes[i], FNN_TANH);
    return m;
}

/* Whether the message of a load that must fail says that. */
static int refused(fnn_model *m, const char *path, fnn_weights_format format,
                   const char *const *names, int count, fnn_result code, const char *says)
{
    const fnn_result result = fnn_load_weights(m, path, format, names, count);
    const char *found = fnn_model_error(m)->message;
    return CHECKF(result == code, "%d, expected %d: %s", (int)result, (int)code, found) &&
           CHECKF(strstr(found, says) != NULL, "expected %s, found %s", says, found);
}

static int loaded(fnn_model *m, const char *path, fnn_weights_format format,
                  const char *const *names, int count)
{
    const fnn_result result = fnn_load_weights(m, path, format, names, count);
    return CHECKF(!result, "%s", fnn_model_error(m)->message);
}

static fnn_tensor tensor_of(const fnn_model *m, int layer, const char *name)
{
    fnn_tensor t;
    CHECKF(!fnn_tensor_get(m, layer, name, &t), "%d %s", layer, name);
    return t;
}

/* Checks number i of a layer's tensor against number j of the file's. */
static void same_number(const fnn_tensor *t, size_t i, const char *name, size_t j)
{
    const double found = (double)t->values[i], expected = value_of(name, j);
    COMPARED();
    if (found != expected)
        CHECKF(0, "%s: number %lu is %g, expected %g, the file's %lu", name, (unsigned long)i,
               found, expected, (unsigned long)j);
}

/* All of a tensor, in the same order. */
static void same_numbers(const fnn_model *m, int layer, const char *part, const char *name)
{
    const fnn_tensor t = tensor_of(m, layer, part);
    size_t i;
    for (i = 0; i < t.count; i++) same_number(&t, i, name, i);
}

/* The bytes of everything a sealed model has, to see whether a call has changed it. */
static file_bytes snapshot(const fnn_model *m)
{
    file_bytes f;
    size_t size = 0;
    CHECK(!fnn_save_memory(m, NULL, 0, &size, NULL));
    f.bytes = (uint8_t *)need(size);
    f.size = size;
    CHECK(!fnn_save_memory(m, f.bytes, size, &size, NULL));
    return f;
}

static int unchanged(const fnn_model *m, file_bytes before)
{
    file_bytes now = snapshot(m);
    const int same = now.size == before.size && !memcmp(now.bytes, before.bytes, now.size);
    free(now.bytes);
    return same;
}

/* ---- every number in its place ---- */

/* A dense layer's weights behind an image of (height, width, channels), from PyTorch's flat (C, H,
 * W). */
static void check_dense(const fnn_model *m, int layer, const char *name, const int *image)
{
    const fnn_tensor t = tensor_of(m, layer, "weight");
    const int height = image[0], width = image[1], channels = image[2], units = t.shape[1];
    int y, x, c, u;
    CHECK(t.shape[0] == height * width * channels);
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++)
            for (c = 0; c < channels; c++)
                for (u = 0; u < units; u++)
                    same_number(&t, (size_t)(((y * width + x) * channels + c) * units + u), name,
                                (size_t)(((u * channels + c) * height + y) * width + x));
}

static void check_pytorch_cnn(const fnn_model *m)
{
    static const int image[] = {3, 2, 4}, flat[] = {1, 1, 5};
    const fnn_tensor t = tensor_of(m, CONV, "weight");
    int y, x, c, o;
    for (y = 0; y < 3; y++)
        for (x = 0; x < 3; x++)
            for (c = 0; c < 2; c++)
                for (o = 0; o < 4; o++)
                    same_number(&t, (size_t)(((y * 3 + x) * 2 + c) * 4 + o), "conv.weight",
                                (size_t)(((o * 2 + c) * 3 + y) * 3 + x));
    same_numbers(m, CONV, "bias", "conv.bias");
    same_numbers(m, NORM, "gamma", "bn.weight");
    same_numbers(m, NORM, "beta", "bn.bias");
    same_numbers(m, NORM, "mean", "bn.running_mean");
    same_numbers(m, NORM, "variance", "bn.running_var");
    check_dense(m, DENSE, "fc1.weight", image);
    same_numbers(m, DENSE, "bias", "fc1.bias");
    check_dense(m, LAST, "fc2.weight", flat);
    same_numbers(m, LAST, "bias", "fc2.bias");
}

static void pytorch_has_its_layouts(void)
{
    fnn_model *m = cnn();
    if (loaded(m, file_path(pytorch_cnn, COUNT(pytorch_cnn)), FNN_FROM_PYTORCH, NULL, 0))
        check_pytorch_cnn(m);
    CHECK(fnn_dense(m, 3, FNN_LINEAR) < 0); /* it is in use now */
    fnn_model_free(m);
}

static void keras_has_ours(void)
{
    fnn_model *m = cnn();
    if (loaded(m, file_path(keras_cnn, COUNT(keras_cnn)), FNN_FROM_KERAS, NULL, 0)) {
        same_numbers(m, CONV, "weight", "conv2d/kernel");
        same_numbers(m, CONV, "bias", "conv2d/bias");
        same_numbers(m, NORM, "gamma", "batch_normalization/gamma");
        same_numbers(m, NORM, "beta", "batch_normalization/beta");
        same_numbers(m, NORM, "mean", "batch_normalization/moving_mean");
        same_numbers(m, NORM, "variance", "batch_normalization/moving_variance");
        same_numbers(m, DENSE, "weight", "dense/kernel");
        same_numbers(m, DENSE, "bias", "dense/bias");
        same_numbers(m, LAST, "weight", "dense_1/kernel");
        same_numbers(m, LAST, "bias", "dense_1/bias");
    }
    fnn_model_free(m);
}

/* What keeps the order of numbers between the image and the dense layer does not hide the image;
 * what is a new order does. */
static void flatten_order_passes_through(void)
{
    static const tensor list[] = {
        {"0.weight", "F32", 1, {12}},       {"0.bias", "F32", 1, {12}},
        {"0.running_mean", "F32", 1, {12}}, {"0.running_var", "F32", 1, {12}},
        {"1.weight", "F32", 2, {12, 12}},   {"1.bias", "F32", 1, {12}},
        {"2.weight", "F32", 2, {12, 12}},   {"2.bias", "F32", 1, {12}}};
    static const int image[] = {2, 3, 2}, flat[] = {1, 1, 12};
    fnn_model *m = fnn_sequential(2, 3, 2);
    fnn_tensor t;
    int i;
    fnn_flatten(m);
    fnn_dropout(m, (fnn_real)0.5);
    fnn_batch_norm(m); /* 2: of twelve columns, which are the image's numbers */
    fnn_activate(m, FNN_RELU, 0);
    fnn_dense(m, 12, FNN_SOFTMAX); /* 4; its softmax is layer 5 */
    fnn_dense(m, 12, FNN_LINEAR);
    if (loaded(m, file_path(list, COUNT(list)), FNN_FROM_PYTORCH, NULL, 0)) {
        check_dense(m, 4, "1.weight", image);
        check_dense(m, 6, "2.weight", flat);
        t = tensor_of(m, 2, "variance");
        for (i = 0; i < 12; i++) /* ours (pixel, channel), theirs (channel, pixel) */
            same_number(&t, (size_t)i, "0.running_var", (size_t)(i % 2 * 6 + i / 2));
        same_numbers(m, 4, "bias", "1.bias");
    }
    fnn_model_free(m);
}

/* A batch norm of images, as the first layer and behind a global pool. */
static void norms_of_channels_keep_their_order(void)
{
    static const tensor list[] = {
        {"a.weight", "F32", 1, {3}},       {"a.bias", "F32", 1, {3}},
        {"a.running_mean", "F32", 1, {3}}, {"a.running_var", "F32", 1, {3}},
        {"b.weight", "F32", 2, {4, 3}},    {"b.bias", "F32", 1, {4}}};
    static const int flat[] = {1, 1, 3};
    fnn_model *m = fnn_sequential(4, 5, 3);
    fnn_batch_norm(m);
    fnn_global_average_pool2d(m);
    fnn_dense(m, 4, FNN_LINEAR);
    if (loaded(m, file_path(list, COUNT(list)), FNN_FROM_PYTORCH, NULL, 0)) {
        same_numbers(m, 0, "mean", "a.running_mean");
        check_dense(m, 2, "b.weight", flat);
    }
    fnn_model_free(m);
}

static void every_number_type_is_read(void)
{
    static const char *const types[] = {"F32", "F64", "F16", "BF16"};
    tensor list[COUNT(pytorch_cnn)];
    int i, k;
    for (k = 0; k < COUNT(types); k++) {
        fnn_model *m = cnn();
        memcpy(list, pytorch_cnn, sizeof list);
        for (i = 1; i < COUNT(list); i++) list[i].dtype = types[(k + i) % COUNT(types)];
        if (loaded(m, file_path(list, COUNT(list)), FNN_FROM_PYTORCH, NULL, 0))
            check_pytorch_cnn(m);
        fnn_model_free(m);
    }
}

/* What small whole numbers do not show of half precision, and of bfloat16. */
static void halves_are_exact(void)
{
    static const struct {
        const char *dtype;
        uint16_t bits;
        double value;
    } rows[] = {{"F16", 0x0001, 1 / 16777216.},
                {"F16", 0x83ff, -1023 / 16777216.},
                {"F16", 0x0400, 1 / 16384.},
                {"F16", 0x3555, 1365 / 4096.},
                {"F16", 0xfbff, -65504},
                {"F16", 0x7c00, (double)INFINITY},
                {"F16", 0xfc00, -(double)INFINITY},
                {"F16", 0x7e00, (double)NAN},
                {"F16", 0x8000, -0.},
                {"BF16", 0x3eab, 171 / 512.},
                {"BF16", 0x0001, 1 / 1.0889035741470031e40},
                {"BF16", 0xff80, -(double)INFINITY}};
    static const int sizes[] = {1, 1};
    int i;
    for (i = 0; i < COUNT(rows); i++) {
        fnn_model *m = perceptron(sizes, 2);
        char header[300];
        uint8_t data[4];
        double found;
        sprintf(header,
                "{\"weight\":{\"dtype\":\"%s\",\"shape\":[1,1],\"data_offsets\":[0,2]},"
                "\"bias\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[2,4]}}",
                rows[i].dtype, rows[i].dtype);
        put_little(data, rows[i].bits, 2);
        put_little(data + 2, rows[i].bits, 2);
        if (!loaded(m, written(framed(header, data, 4)), FNN_FROM_PYTORCH, NULL, 0)) continue;
        found = (double)tensor_of(m, 0, "weight").values[0];
        CHECKF(rows[i].value != rows[i].value ? found != found
                                              : found == (double)(fnn_real)rows[i].value &&
                                                    signbit(found) == signbit(rows[i].value),
               "%s %04x: %g, expected %g", rows[i].dtype, rows[i].bits, found, rows[i].value);
        fnn_model_free(m);
    }
}

/* Any number comes over as it is: floats of all sizes, doubles as the library's reals. */
static void any_number_comes_over(void)
{
    enum { NUMBERS = 20000 };
    static const int sizes[] = {1, NUMBERS};
    static uint8_t data[NUMBERS * 12];
    fnn_model *m = perceptron(sizes, 2);
    fnn_tensor floats, doubles;
    char header[300];
    int i;
    for (i = 0; i < COUNT(data); i++) data[i] = (uint8_t)sample_below(1, 9, (uint64_t)i, 256);
    sprintf(header,
            "{\"weight\":{\"dtype\":\"F32\",\"shape\":[%d,1],\"data_offsets\":[0,%d]},"
            "\"bias\":{\"dtype\":\"F64\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}",
            NUMBERS, 4 * NUMBERS, NUMBERS, 4 * NUMBERS, 12 * NUMBERS);
    for (i = 0; i < NUMBERS; i++) data[4 * NUMBERS + 8 * i + 7] = (uint8_t)(63 + i % 2 * 128);
    if (!loaded(m, written(framed(header, data, sizeof data)), FNN_FROM_PYTORCH, NULL, 0)) return;
    floats = tensor_of(m, 0, "weight");
    doubles = tensor_of(m, 0, "bias");
    for (i = 0; i < NUMBERS; i++) {
        const uint32_t bits = fnni_little_32(data + 4 * i);
        const uint64_t more = fnni_little_64(data + 4 * NUMBERS + 8 * i);
        const fnn_real x = floats.values[i];
        float expected;
        double exact;
        memcpy(&expected, &bits, sizeof expected);
        memcpy(&exact, &more, sizeof exact); /* up to 2 in size: its high byte is 3f or bf */
        COMPARED();
        if (x == x ? x != (fnn_real)expected : expected == expected)
            CHECKF(0, "F32 %08lx: %g, expected %g", (unsigned long)bits, (double)x,
                   (double)expected);
        if (doubles.values[i] != (fnn_real)exact)
            CHECKF(0, "F64: %.17g, expected %.17g", (double)doubles.values[i], exact);
    }
    fnn_model_free(m);
}

/* ---- which tensors go to which layer ---- */

/* A file of square dense layers of these names, biases of size n too. */
static const char *squares(const char *const *names, int count, size_t n, const char *separator)
{
    static char text[2 * MOST][60];
    tensor list[2 * MOST];
    int i;
    for (i = 0; i < count; i++) {
        const tensor weight = {text[2 * i], "F32", 2, {n, n}},
                     bias = {text[2 * i + 1], "F32", 1, {n}};
        sprintf(text[2 * i], "%s%s%s", names[i], separator,
                *separator == '.' ? "weight" : "kernel");
        sprintf(text[2 * i + 1], "%s%sbias", names[i], separator);
        list[2 * i] = weight;
        list[2 * i + 1] = bias;
    }
    return file_path(list, 2 * count);
}

/* Numbers in names order layers of equal shapes. */
static void numbers_in_names_count(void)
{
    static const struct {
        const char *separator;
        int count;
        const char *names[6]; /* as a file may have them */
        int order[6];         /* the places of the first, second ... layer among these */
    } rows[] = {{".", 3, {"fc1", "fc10", "fc2"}, {0, 2, 1}},
                {".", 4, {"0", "10", "2", "4"}, {0, 2, 3, 1}},
                {".", 4, {"b1.fc1", "b1.fc2", "b10.fc1", "b2.fc1"}, {0, 1, 3, 2}},
                {"/", 4, {"dense", "dense_1", "dense_10", "dense_2"}, {0, 1, 3, 2}},
                {"/", 3, {"dense_10", "dense_8", "dense_9"}, {1, 2, 0}},
                {"/", 3, {"a_2/dense", "a_1/dense_3", "a_1/dense"}, {2, 1, 0}},
                {".", 2, {"x99999999999999999998", "x9"}, {1, 0}}};
    static const int sizes[] = {2, 2, 2, 2, 2, 2, 2};
    int i, l;
    for (i = 0; i < COUNT(rows); i++) {
        const int keras = *rows[i].separator == '/';
        fnn_model *m = perceptron(sizes, rows[i].count + 1);
        char name[60];
        if (loaded(m, squares(rows[i].names, rows[i].count, 2, rows[i].separator),
                   keras ? FNN_FROM_KERAS : FNN_FROM_PYTORCH, NULL, 0))
            for (l = 0; l < rows[i].count; l++) {
                sprintf(name, "%s%sbias", rows[i].names[rows[i].order[l]], rows[i].separator);
                same_numbers(m, l, "bias", name);
            }
        fnn_model_free(m);
    }
}

/* Where names differ in more than numbers, nothing is guessed, and the caller's names decide. */
static void ambiguous_names_are_asked_for(void)
{
    static const char *const names[][2] = {{"encoder", "decoder"},
                                           {"fc", "fc2"},
                                           {"a.0", "b.1"},
                                           {"fc01", "fc1"},
                                           {"dense", "dense_x"},
                                           {"fc", "fc_"},
                                           {"x18446744073709551615", "x18446744073709551616"},
                                           {"conv1", "conv1.down"}};
    static const int sizes[] = {2, 2, 2};
    int i, swap, l;
    for (i = 0; i < COUNT(names); i++) {
        fnn_model *m = perceptron(sizes, 3);
        const char *path = squares(names[i], 2, 2, ".");
        refused(m, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
                "expected names that tell which comes first, found ");
        CHECK(strstr(fnn_model_error(m)->message, ": give fnn_load_weights the names"));
        CHECK(strstr(fnn_model_error(m)->message, names[i][0]) &&
              strstr(fnn_model_error(m)->message, names[i][1]));
        for (swap = 0; swap < 2; swap++) {
            const char *given[2];
            char name[60];
            given[swap] = names[i][0];
            given[!swap] = names[i][1];
            if (loaded(m, path, FNN_FROM_PYTORCH, given, 2))
                for (l = 0; l < 2; l++) {
                    sprintf(name, "%s.bias", given[l]);
                    same_numbers(m, l, "bias", name);
                }
        }
        fnn_model_free(m);
    }
}

/* Normalised targets are no weights, before the model is in use and after. */
static void targets_keep_their_scale(void)
{
    static const char *const names[] = {"0"};
    static const fnn_real x[4] = {0}, y[4] = {1, 3, 5, 7};
    const fnn_dataset data = fnn_dataset_regression(x, y, 2, 2, 2);
    fnn_model *m = fnn_sequential(1, 1, 2);
    fnn_tensor shift;
    int again;
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_dense(m, 2, FNN_LINEAR);
    for (again = 0; again < 2; again++)
        if (loaded(m, squares(names, 1, 2, "."), FNN_FROM_PYTORCH, NULL, 0)) {
            shift = tensor_of(m, 1, "shift");
            CHECK(shift.values[0] == 3 && shift.values[1] == 5);
            same_numbers(m, 0, "bias", "0.bias");
        }
    fnn_model_free(m);
}

/* Shapes that only one layer has need no names at all. */
static void shapes_decide_first(void)
{
    static const tensor list[] = {
        {"z.weight", "F32", 2, {4, 2}},     {"z.bias", "F32", 1, {4}},
        {"weight", "F32", 2, {3, 4}},       {"bias", "F32", 1, {3}},
        {"m.0.x/weight", "F32", 2, {2, 3}}, {"m.0.x/bias", "F32", 1, {2}}};
    static const int sizes[] = {2, 4, 3, 2};
    static const char *const names[] = {"z", "", "m.0.x"};
    int given;
    for (given = 0; given < 2; given++) {
        fnn_model *m = perceptron(sizes, 4);
        if (loaded(m, file_path(list, COUNT(list)), FNN_FROM_PYTORCH, given ? names : NULL,
                   given ? 3 : 0)) {
            same_numbers(m, 0, "bias", "z.bias");
            same_numbers(m, 1, "bias", "bias");
            same_numbers(m, 2, "bias", "m.0.x/bias");
        }
        fnn_model_free(m);
    }
}

/* A head for other classes: it keeps what it has, and the file's is left out. */
static void a_layer_without_a_name_keeps_its_weights(void)
{
    static const int sizes[] = {2, 2, 3}; /* the file's second layer is of size 2 */
    static const char *const names[] = {"body", "head"}, *const given[] = {"body", NULL};
    fnn_model *m = perceptron(sizes, 3);
    const char *path = squares(names, 2, 2, ".");
    fnn_real before[9], *head;
    size_t count;
    CHECK(!fnn_seal(m));
    head = fnn_tensor_values(m, 1, "weight", &count);
    memcpy(before, head, count * sizeof *head);
    refused(m, path, FNN_FROM_PYTORCH, names, 2, FNN_ERROR_FORMAT,
            "layer 1 dense: expected weight of shape [3, 2], found head.weight of [2, 2]");
    if (loaded(m, path, FNN_FROM_PYTORCH, given, 2)) {
        same_numbers(m, 0, "bias", "body.bias");
        CHECK(!memcmp(before, head, count * sizeof *head));
    }
    fnn_model_free(m);
}

/* What a checkpoint has beside the weights is left out: eight tensors, of one layer here. */
static void a_checkpoint_gives_its_weights(void)
{
    static const fnn_real x[] = {1, 2, 3, 5, 8, 13, 21, 34}, y[] = {1, 2, 2, 1, 3, 4, 4, 3};
    static const int sizes[] = {2, 2};
    fnn_dataset data = fnn_dataset_regression(x, y, 4, 2, 2);
    fnn_model *trained = perceptron(sizes, 2), *m = perceptron(sizes, 2);
    fnn_fit_config c = fnn_fit_config_init();
    fnn_tensor a, b;
    fnn_set_loss(trained, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_normalize(trained, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_normalize_targets(trained, FNN_NORMALIZE_STANDARDIZE, &data);
    c.optimizer = fnn_adam(0.01);
    c.epochs = 2;
    c.checkpoint = path_of("checkpoint");
    CHECK(!fnn_fit(trained, &data, &c, NULL));
    if (loaded(m, c.checkpoint, FNN_FROM_MODEL, NULL, 0)) {
        CHECK(!fnn_tensor_get(trained, 0, "weight", &a) && !fnn_tensor_get(m, 0, "weight", &b));
        CHECK(a.count == 4 && !memcmp(a.values, b.values, 4 * sizeof *a.values));
        CHECK(fnn_layer_count(m) == 1 && fnn_layer_count(trained) == 2);
    }
    fnn_model_free(trained);
    fnn_model_free(m);
}

/* Transfer within the library, by names or by shapes; the inputs' scale stays the new model's. */
static void a_model_file_gives_its_weights(void)
{
    static const char *const body[] = {"0.conv2d", "1.batch_norm", "4.dense", NULL};
    static const fnn_real shift = 3, scale = 2;
    static const char *const last[] = {"15.dense", NULL};
    static const int sizes[] = {2, 2}, three[] = {2, 2, 2};
    static uint8_t bytes[20000];
    const char *path = path_of("own");
    fnn_model *old = cnn(), *m = cnn(), *head = cnn(), *small = perceptron(sizes, 2);
    fnn_model *deep = fnn_sequential(1, 1, 2), *two = perceptron(three, 3);
    fnn_tensor a, b;
    file_bytes file = {bytes, sizeof bytes};
    int l, i;
    fnn_normalize_with(old, &shift, &scale, 1);
    fnn_set_seed(old, 7);
    CHECK(!fnn_seal(old) && !fnn_save(old, path, NULL));
    CHECK(!fnn_seal(head));
    if (loaded(m, path, FNN_FROM_MODEL, NULL, 0))
        for (l = -1; l < fnn_layer_count(m); l++)
            for (i = 0; !fnn_tensor_at(m, l, i, &a); i++) {
                CHECK(!fnn_tensor_at(old, l, i, &b) && a.count == b.count && l >= 0);
                CHECK(!memcmp(a.values, b.values, a.count * sizeof *a.values));
            }
    if (loaded(head, path, FNN_FROM_MODEL, body, 4)) {
        CHECK(!fnn_tensor_get(head, 4, "weight", &a) && !fnn_tensor_get(m, 4, "weight", &b));
        CHECK(!memcmp(a.values, b.values, a.count * sizeof *a.values));
        CHECK(!fnn_tensor_get(head, 5, "weight", &a) && !fnn_tensor_get(m, 5, "weight", &b));
        CHECK(memcmp(a.values, b.values, a.count * sizeof *a.values) != 0); /* the seed's */
    }
    refused(m, path, FNN_FROM_MODEL, (const char *const[]){"0.conv2d", "1", "4.dense", NULL}, 4,
            FNN_ERROR_ARGUMENT, "expected a name that tensors begin with, found \"1\"");
    refused(small, path, FNN_FROM_MODEL, NULL, 0, FNN_ERROR_FORMAT,
            "layer 0 dense: expected weight of shape [2, 2], found ");
    refused(m, file_path(keras_cnn, COUNT(keras_cnn)), FNN_FROM_MODEL, NULL, 0, FNN_ERROR_FORMAT,
            "safetensors, but not written by this library");
    for (i = 0; i < 16; i++) fnn_dense(deep, 2, FNN_RELU); /* many more than are wanted */
    CHECK(!fnn_seal(deep) && !fnn_save(deep, path_of("deep"), NULL));
    refused(two, path_of("deep"), FNN_FROM_MODEL, NULL, 0, FNN_ERROR_FORMAT,
            "expected the tensors of 2 layers, found 32 tensors");
    if (loaded(two, path_of("deep"), FNN_FROM_MODEL, last, 2)) {
        CHECK(!fnn_tensor_get(two, 0, "weight", &a) && !fnn_tensor_get(deep, 15, "weight", &b));
        CHECK(a.count == 4 && !memcmp(a.values, b.values, 4 * sizeof *a.values));
    }
    CHECK(!fnn_save_memory(old, bytes, sizeof bytes, &file.size, NULL));
    bytes[file.size - 1] ^= 1;
    write_bytes(path_of("damaged"), file.bytes, file.size);
    refused(m, path_of("damaged"), FNN_FROM_MODEL, NULL, 0, FNN_ERROR_FORMAT,
            "damaged: expected the checksum");
    fnn_model_free(old);
    fnn_model_free(m);
    fnn_model_free(head);
    fnn_model_free(small);
    fnn_model_free(deep);
    fnn_model_free(two);
}

static void wrong_names_are_named(void)
{
    static const char *const right[] = {"conv", "bn", "fc1", "fc2"};
    static const struct {
        const char *names[4], *says;
        fnn_result code;
    } rows[] = {{{"conv", "bn", "fc1", "fc3"},
                 "layer 5 dense: expected a name that tensors begin with, found \"fc3\"",
                 FNN_ERROR_ARGUMENT},
                {{"conv", "", "fc1", "fc2"},
                 "layer 1 batch_norm: expected a name that tensors begin with, found \"\"",
                 FNN_ERROR_ARGUMENT},
                {{"conv", "bn", "fc1", "fc1"},
                 "layer 5 dense: expected a name that no other layer has, found \"fc1\"",
                 FNN_ERROR_ARGUMENT},
                {{"conv", "bn", "fc2", "fc1"},
                 "layer 4 dense: expected weight of shape [5, 24], found fc2.weight of [3, 5]",
                 FNN_ERROR_FORMAT},
                {{"bn", "conv", "fc1", "fc2"},
                 "layer 0 conv2d: expected weight of shape [4, 2, 3, 3], found bn.weight of [4]",
                 FNN_ERROR_FORMAT}};
    const char *path = file_path(pytorch_cnn, COUNT(pytorch_cnn));
    fnn_model *m = cnn();
    int i;
    for (i = 0; i < COUNT(rows); i++)
        refused(m, path, FNN_FROM_PYTORCH, rows[i].names, 4, rows[i].code, rows[i].says);
    refused(m, path, FNN_FROM_PYTORCH, right, 3, FNN_ERROR_ARGUMENT,
            "expected 4 names, one for each layer with weights, found 3");
    refused(m, path, FNN_FROM_PYTORCH, NULL, 4, FNN_ERROR_ARGUMENT, "expected 4 names");
    refused(m, path, FNN_FROM_PYTORCH, right, 0, FNN_ERROR_ARGUMENT, "found 0");
    if (loaded(m, path, FNN_FROM_PYTORCH, right, 4)) check_pytorch_cnn(m);
    fnn_model_free(m);
}

/* ---- what does not fit ---- */

static const struct {
    const char *from; /* the tensor that another takes the place of; NULL: it comes beside them */
    tensor to;        /* name NULL: it is left out */
    const char *says;
} misfits[] = {
    {"fc1.weight",
     {"fc1.weight", "F32", 2, {5, 32}},
     "layer 4 dense: expected weight of shape [5, 24], found fc1.weight of [5, 32]"},
    {"fc1.weight",
     {"fc1.weight", "F32", 2, {24, 5}},
     "layer 4 dense: expected weight of shape [5, 24], found fc1.weight of [24, 5]"},
    {"fc1.weight", {"fc1.weight", "F32", 1, {120}}, "found fc1.weight of [120]"},
    {"conv.weight",
     {"conv.weight", "F32", 4, {4, 2, 5, 5}},
     "layer 0 conv2d: expected weight of shape [4, 2, 3, 3], found conv.weight of [4, 2, 5, "
     "5]"},
    {"conv.weight", {"conv.weight", "F32", 4, {3, 3, 2, 4}}, "found conv.weight of [3, 3, 2, 4]"},
    {"fc2.bias",
     {NULL, "", 0, {0}},
     "layer 5 dense: expected bias of shape [3], found none beside fc2.weight"},
    {"fc2.bias", {"fc2.bias", "F32", 1, {4}}, "expected bias of shape [3], found fc2.bias of [4]"},
    {"fc2.weight",
     {NULL, "", 0, {0}},
     "layer 5 dense: expected weight of shape [3, 5], found none beside fc2.bias"},
    {"bn.running_var",
     {NULL, "", 0, {0}},
     "layer 1 batch_norm: expected running_var of shape [4], found none beside bn.bias"},
    {"bn.running_mean",
     {"bn.moving_mean", "F32", 1, {4}},
     "layer 1 batch_norm: expected running_mean of shape [4], found none beside bn.bias"},
    {NULL,
     {"fc1.weight_g", "F32", 1, {5}},
     "layer 4 dense: expected no weight_g, found fc1.weight_g"},
    {NULL,
     {"fc3.weight", "F32", 2, {7, 3}},
     "expected no tensor without a layer, found fc3.weight of shape [7, 3]"},
    {NULL, {"scale", "F32", 0, {0}}, "expected no tensor without a layer, found scale of shape []"},
    {"conv.bias", {"fc1.weight", "F32", 2, {5, 24}}, "fc1.weight: expected once, found twice"},
    {NULL,
     {"bn.num_batches_tracked", "I64", 0, {0}},
     "bn.num_batches_tracked: expected once, found twice"},
    {"fc1.bias",
     {"fc1.bias", "I64", 1, {5}},
     "fc1.bias: expected F32, F64, F16 or BF16, found I64"},
    {"fc1.bias", {"fc1.bias", "I32", 1, {5}}, "found I32"}};

static void every_misfit_is_named(void)
{
    fnn_model *open = cnn(), *sealed = cnn();
    file_bytes before;
    int i, k, n;
    CHECK(!fnn_seal(sealed));
    before = snapshot(sealed);
    for (i = 0; i < COUNT(misfits); i++) {
        tensor list[COUNT(pytorch_cnn) + 1];
        const char *path;
        for (k = n = 0; k < COUNT(pytorch_cnn); k++)
            if (!misfits[i].from || strcmp(misfits[i].from, pytorch_cnn[k].name))
                list[n++] = pytorch_cnn[k];
            else if (misfits[i].to.name) list[n++] = misfits[i].to;
        if (!misfits[i].from) list[n++] = misfits[i].to;
        path = file_path(list, n);
        refused(sealed, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT, misfits[i].says);
        refused(open, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT, misfits[i].says);
        CHECKF(unchanged(sealed, before), "%s", misfits[i].says);
    }
    CHECK(fnn_dense(open, 7, FNN_LINEAR) == LAST + 2); /* it still takes layers */
    free(before.bytes);
    fnn_model_free(open);
    fnn_model_free(sealed);
}

/* A layer without a bias takes a file without, and no other. */
static void biases_must_be_on_both_sides(void)
{
    static const tensor list[] = {
        {"0.weight", "F32", 2, {3, 2}}, {"0.bias", "F32", 1, {3}}, {"1.weight", "F32", 2, {4, 3}}};
    fnn_dense_config config = fnn_dense_config_init();
    int without; /* which of the layers: none, the first, the second, both */
    for (without = 0; without < 4; without++) {
        fnn_model *m = fnn_sequential(1, 1, 2);
        const char *path = file_path(list, COUNT(list));
        config.units = 3, config.no_bias = without & 1;
        fnn_dense_with(m, &config);
        config.units = 4, config.no_bias = without >> 1;
        fnn_dense_with(m, &config);
        if (without & 1)
            refused(m, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
                    "layer 0 dense: expected no bias, found 0.bias");
        else if (without == 0)
            refused(m, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
                    "layer 1 dense: expected bias of shape [4], found none beside 1.weight");
        else if (loaded(m, path, FNN_FROM_PYTORCH, NULL, 0)) same_numbers(m, 0, "bias", "0.bias");
        fnn_model_free(m);
    }
}

static void other_formats_are_named(void)
{
    fnn_model *m = cnn(), *small, *none = fnn_sequential(1, 1, 2);
    static const int sizes[] = {2, 2};
    const char *path = file_path(pytorch_cnn, COUNT(pytorch_cnn));
    refused(m, path, FNN_FROM_KERAS, NULL, 0, FNN_ERROR_FORMAT,
            "bn.num_batches_tracked: expected F32, F64, F16 or BF16, found I64");
    refused(m, path, FNN_WEIGHTS_FORMAT_COUNT, NULL, 0, FNN_ERROR_ARGUMENT,
            "expected a path and a format, found one and 3");
    refused(m, NULL, FNN_FROM_KERAS, NULL, 0, FNN_ERROR_ARGUMENT, "found NULL and 1");
    refused(m, path_of("none"), FNN_FROM_KERAS, NULL, 0, FNN_ERROR_FILE, "none: cannot be opened");
    fnn_dropout(none, (fnn_real)0.5);
    refused(none, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_STATE,
            "expected a model whose layers have weights, found none that has");
    small = perceptron(sizes, 2);
    refused(small, path, FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "expected the tensors of 1 layers, found 11 tensors");
    CHECK(!fnn_seal(small) && !fnn_save(small, path_of("own"), NULL)); /* square: it would fit */
    refused(small, path_of("own"), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "own: expected weights from elsewhere, found a model of this library (fnn_load, or "
            "FNN_FROM_MODEL)");
    refused(m, file_path(keras_cnn, COUNT(keras_cnn)), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "layer 0 conv2d: expected weight of shape [4, 2, 3, 3], found none beside");
    CHECK(fnn_load_weights(NULL, path, FNN_FROM_PYTORCH, NULL, 0) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
    fnn_model_free(small);
    fnn_model_free(none);
}

/* ---- files that lie ---- */

/* The file with the first `from` in its header replaced. */
static file_bytes damaged(file_bytes f, const char *from, const char *to)
{
    char header[2 * HEADER], *at;
    size_t length = (size_t)f.bytes[0] | (size_t)f.bytes[1] << 8;
    memcpy(header, f.bytes + 8, length);
    header[length] = 0;
    at = strstr(header, from);
    if (!CHECKF(at != NULL, "no %s", from)) return framed(header, NULL, 0);
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
    return framed(header, f.bytes + 8 + length, f.size - 8 - length);
}

static const struct {
    const char *from, *to, *says;
} damages[] = {
    {"[4]", "[5]", "bn.bias: expected 20 bytes, found 16"},
    {"[4]", "[2,2]", "expected bias of shape [4], found bn.bias of [2, 2]"},
    {"[4]", "[4294967296,4294967296,4294967296,4294967296]", "bn.bias: expected 184467440737"},
    {"[4]", "[1,1,1,1,4]", "expected fewer numbers"},
    {"[4]", "[-4]", "expected a number"},
    {"[8,24]", "[0,16]", "bn.bias: expected data from byte 8 to at most 948, found 0 to 16"},
    {"[8,24]", "[24,40]", "expected data from byte 8 to at most 948, found 24 to 40"},
    {"[8,24]", "[24,8]", "expected data from byte 24 to at most 948, found 24 to 8"},
    {"[8,24]", "[8,24,24]", "fewer numbers"},
    {"[8,24]", "[8]", "two offsets"},
    {"948]", "949]", "fc2.weight: expected data from byte 888 to at most 948, found 888 to 949"},
    {"948]", "1000000000000]", "found 888 to 1000000000000"},
    {"948]", "18446744073709551616", "a smaller number"},
    {"F32", "F3", "expected F32, F64, F16 or BF16, found F3"},
    {"I64", "I8", "found I8"},
    {"I64", "F32", "bn.num_batches_tracked: expected 4 bytes, found 8"},
    {"\"dtype\":\"F32\",", "", "dtype, shape and data_offsets"},
    {"\"dtype\":\"F32\"", "\"dtype\":\"F32\",\"dtype\":\"F32\"", "found twice"},
    {"\"shape\"", "\"form\"", "once each, found \"form\""},
    {"\"pt\"", "7", "expected '\"', found '7'"},
    {"\"pt\"", "\"p\nt\"", "an escape for a control character"},
    {"bn.bias", "bn.bi\n", "printable ASCII"},
    {"} ", "} x", "nothing but blanks after it, found 'x'"},
    {"} ", "", "its end"},
    {",\"fc2.bias\"", ";\"fc2.bias\"", "expected '}', found ';'"},
    {"{\"__", "[\"__", "expected '{', found '['"}};

static void every_damage_is_named(void)
{
    file_bytes good = file_of(pytorch_cnn, COUNT(pytorch_cnn)), more, before;
    fnn_model *m = cnn();
    char name[400];
    int i;
    CHECK(!fnn_seal(m));
    before = snapshot(m);
    for (i = 0; i < COUNT(damages); i++)
        refused(m, written(damaged(good, damages[i].from, damages[i].to)), FNN_FROM_PYTORCH, NULL,
                0, FNN_ERROR_FORMAT, damages[i].says);
    memset(name, 'a', sizeof name);
    name[300] = 0;
    refused(m, written(damaged(good, "bn.bias", name)), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "the end of a string that is too long");
    more.size = good.size + 4;
    more.bytes = (uint8_t *)need(more.size);
    memset(more.bytes, 0, more.size);
    memcpy(more.bytes, good.bytes, good.size);
    refused(m, written(more), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "expected 948 bytes of data for the tensors, found 952");
    refused(m, written(bytes_copy("{\"a\": 1}", 8)), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "not a safetensors file");
    refused(m, written(framed("{\"__metadata__\":{}}", NULL, 0)), FNN_FROM_PYTORCH, NULL, 0,
            FNN_ERROR_FORMAT, "expected the tensors of 4 layers, found 0 tensors");
    refused(m, written(framed("{}", NULL, 0)), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "expected '\"', found '}'");
    CHECK(unchanged(m, before));
    if (loaded(m, written(good), FNN_FROM_PYTORCH, NULL, 0)) check_pytorch_cnn(m);
    free(before.bytes);
    fnn_model_free(m);
}

/* Loads bytes that may be anything: refused, which leaves the model as it was, or taken. */
static int taken(fnn_model *m, file_bytes before, const uint8_t *bytes, size_t size)
{
    const fnni_file file = {(uint8_t *)bytes, size};
    const fnn_result result = fnni_import_file(m, &file, "memory", FNN_FROM_PYTORCH, NULL);
    COMPARED();
    if (result && !unchanged(m, before)) CHECKF(0, "changed by a refusal: %s", m->error.message);
    if (result && result != FNN_ERROR_FORMAT) CHECKF(0, "%d", (int)result);
    if (!result) fnn_set_seed(m, 0); /* as before, but for the statistics */
    return !result;
}

static void every_truncation_is_refused(void)
{
    file_bytes good = file_of(pytorch_cnn, COUNT(pytorch_cnn)), before;
    fnn_model *m = cnn();
    size_t size;
    CHECK(!fnn_seal(m));
    before = snapshot(m);
    for (size = 0; size < good.size; size++) {
        file_bytes cut = bytes_copy(good.bytes, size); /* just its size: a step beyond is seen */
        if (taken(m, before, cut.bytes, size))
            CHECKF(0, "%lu bytes are taken", (unsigned long)size);
        free(cut.bytes);
    }
    CHECK(taken(m, before, good.bytes, good.size));
    free(good.bytes);
    free(before.bytes);
    fnn_model_free(m);
}

/* Every flipped bit, then bytes of chance at places of chance, and cut somewhere. */
static void any_damage_is_harmless(void)
{
    static const char likely[] = "{}[]\",:0123456789\\ .eF";
    file_bytes good = file_of(pytorch_cnn, COUNT(pytorch_cnn)), before;
    const size_t header = good.size - 948;
    const int rounds = QUICK() ? 2000 : 20000;
    fnn_model *m = cnn();
    size_t i;
    int bit, round, refusals = 0, k;
    CHECK(!fnn_seal(m));
    before = snapshot(m);
    for (i = 0; i < good.size; i++)
        for (bit = 0; bit < 8; bit += i < header ? 1 : 5) {
            good.bytes[i] ^= (uint8_t)(1 << bit);
            refusals += !taken(m, before, good.bytes, good.size);
            good.bytes[i] ^= (uint8_t)(1 << bit);
        }
    CHECKF(refusals > (int)(6 * header), "%d of %lu", refusals, (unsigned long)(8 * header));
    for (round = 0; round < rounds; round++) {
        const uint64_t seed = (uint64_t)round;
        const size_t size = sample_below(seed, 1, 0, 4)
                                ? good.size
                                : (size_t)sample_below(seed, 2, 0, (int)good.size);
        file_bytes bad = bytes_copy(good.bytes, size);
        for (k = sample_below(seed, 3, 0, 4); k >= 0 && size > 0; k--) {
            const int at = sample_below(seed, 4, (uint64_t)k, (int)size);
            bad.bytes[at] =
                (uint8_t)(k % 2 ? likely[sample_below(seed, 5, (uint64_t)k, (int)sizeof likely - 1)]
                                : sample_below(seed, 6, (uint64_t)k, 256));
        }
        taken(m, before, bad.bytes, size);
        free(bad.bytes);
    }
    free(good.bytes);
    free(before.bytes);
    fnn_model_free(m);
}

/* ---- memory, and what training remembers ---- */

static void every_allocation_may_fail(void)
{
    const char *path = file_path(pytorch_cnn, COUNT(pytorch_cnn));
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m;
    fnn_result result = FNN_ERROR_MEMORY;
    budget b;
    int n, live;
    config.allocator = budget_open(&b);
    m = cnn_with(&config);
    live = b.live;
    for (n = 0; n < 50 && result; n++) {
        b.allowed = n;
        result = fnn_load_weights(m, path, FNN_FROM_PYTORCH, NULL, 0);
        b.allowed = -1;
        CHECKF(result == FNN_OK || result == FNN_ERROR_MEMORY, "%d", (int)result);
        if (result)
            CHECKF(!m->sealed && b.live - live <= 2, "%d blocks after %d", b.live - live, n);
    }
    CHECKF(!result && n > 4, "%d allocations", n);
    check_pytorch_cnn(m);
    fnn_model_free(m);
    CHECK(b.live == 0);
}

/* Claims of a header take no memory: only what a file of that size can hold. */
static void claims_cost_nothing(void)
{
    char *header = (char *)need(1 << 20), *to = header;
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m;
    file_bytes f;
    budget b;
    int i;
    config.allocator = budget_open(&b);
    m = cnn_with(&config);
    CHECK(!fnn_seal(m));
    *to++ = '{';
    for (i = 0; i < 10000; i++)
        to += sprintf(to, "%s\"%d.a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
                      i ? "," : "", i);
    strcpy(to, "}");
    f = framed(header, NULL, 0);
    b.most = b.held;
    b.largest = 0;
    refused(m, written(f), FNN_FROM_PYTORCH, NULL, 0, FNN_ERROR_FORMAT,
            "expected the tensors of 4 layers, found 10000 tensors");
    CHECKF(b.largest < 2 << 20, "%lu bytes", (unsigned long)b.largest); /* the file itself */
    free(header);
    fnn_model_free(m);
}

/* A model that has been trained and then loaded trains on as one that was loaded alone. */
static void training_begins_anew(void)
{
    static fnn_real x[20 * 15 * 9 * 2];
    static int32_t labels[20];
    const char *path = file_path(pytorch_cnn, COUNT(pytorch_cnn));
    fnn_fit_config config = fnn_fit_config_init();
    fnn_model *m[2];
    file_bytes one;
    fnn_dataset data;
    int i;
    fill_reals(x, COUNT(x), 1, 2);
    fill_labels(labels, 20, 1, 3, 3);
    data = with_labels(real_images_of(x, 20, 15, 9, 2), labels, 3);
    config.optimizer = fnn_adam(1e-3);
    config.epochs = 2;
    for (i = 0; i < 2; i++) {
        m[i] = fnn_sequential(15, 9, 2);
        fnn_conv2d_config conv = fnn_conv2d_config_init();
        conv.filters = 4;
        conv.stride_height = conv.stride_width = 2;
        conv.padding = FNN_VALID;
        fnn_conv2d_with(m[i], &conv);
        fnn_batch_norm(m[i]);
        fnn_max_pool2d(m[i], 2);
        fnn_dropout(m[i], (fnn_real)0.3);
        fnn_dense(m[i], 5, FNN_RELU);
        fnn_dense(m[i], 3, FNN_SOFTMAX);
        if (i) CHECK(!fnn_fit(m[i], &data, &config, NULL));
        if (i) CHECK(m[i]->state_kind >= 0 && m[i]->updates > 0);
        loaded(m[i], path, FNN_FROM_PYTORCH, NULL, 0);
        CHECK(m[i]->state_kind == -1 && m[i]->updates == 0 && m[i]->run_ready == 0);
        CHECK(!fnn_fit(m[i], &data, &config, NULL));
    }
    one = snapshot(m[0]);
    CHECK(unchanged(m[1], one));
    free(one.bytes);
    fnn_model_free(m[0]);
    fnn_model_free(m[1]);
}

/* ---- whole networks beside NumPy and PyTorch ---- */

enum { IMAGES = 1000, PIXELS = 784 };

static int python_has(const char *module)
{
    char command[200];
    snprintf(command, sizeof command, "/usr/bin/python3 -c 'import %s' >/dev/null 2>&1", module);
    return system(command) == 0;
}

static int python(const char *script, const char *one, const char *two)
{
    char command[1500];
    snprintf(command, sizeof command, "/usr/bin/python3 %s '%s' '%s' >/dev/null", script, one, two);
    return system(command);
}

/* Test images where Fashion-MNIST is, else noise; the same each time. */
static const uint8_t *images(void)
{
    static uint8_t pixels[IMAGES * PIXELS];
    fnn_dataset data;
    int i;
    if (!fnn_read_fashion_mnist(NULL, NULL, NULL, &data, NULL) && data.count >= IMAGES)
        memcpy(pixels, data.bytes, sizeof pixels);
    else
        for (i = 0; i < COUNT(pixels); i++)
            pixels[i] = (uint8_t)sample_below(1, 1, (uint64_t)i, 256);
    fnn_dataset_free(&data);
    return pixels;
}

/* Whether NumPy's networks can be made here; the folder is the test's. */
static int numpy_makes(const char *kind)
{
    const int two = 1, big = *(const char *)&two == 0;
    char folder[400];
    if (big || !python_has("numpy")) {
        SKIP(big ? "numbers would be in this machine's order" : "/usr/bin/python3 has no numpy");
        return 0;
    }
    write_bytes(path_of("images"), images(), IMAGES * PIXELS);
    snprintf(folder, sizeof folder, "%s", path_of(""));
    return CHECK(python("tests/import_model.py", kind, folder) == 0);
}

/* Whether a model gives the outputs of a file: the same classes, and numbers within 1e-5. */
static void same_outputs(const fnn_model *m, const char *name)
{
    static fnn_real found[IMAGES][CLASSES];
    static float expected[IMAGES][CLASSES];
    const fnn_dataset data = images_of(images(), IMAGES, 28, 28, 1);
    FILE *stream = fopen(path_of(name), "rb");
    double most = 0;
    int i, k, same = 0;
    CHECK(stream && fread(expected, sizeof expected, 1, stream) == 1);
    if (stream) fclose(stream);
    CHECK(!fnn_predict(m, NULL, &data, found[0]));
    for (i = 0; i < IMAGES; i++) {
        int a = 0, b = 0;
        for (k = 0; k < CLASSES; k++) {
            most = fmax(most, fabs((double)found[i][k] - (double)expected[i][k]));
            if (found[i][k] > found[i][a]) a = k;
            if (expected[i][k] > expected[i][b]) b = k;
        }
        same += a == b;
    }
    CHECKF(most < 1e-5, "%s: outputs differ by %g", name, most);
    CHECKF(same == IMAGES, "%s: %d classes are the same", name, same);
}

static fnn_model *pytorch_network(void)
{
    const fnn_batch_norm_config norm = fnn_batch_norm_config_pytorch();
    fnn_conv2d_config conv = fnn_conv2d_config_init();
    fnn_model *m = fnn_sequential(28, 28, 1);
    const fnn_real scale = 1 / (fnn_real)255;
    fnn_normalize_with(m, NULL, &scale, 1);
    conv.filters = 8;
    conv.stride_height = conv.stride_width = 2;
    conv.padding = FNN_EXPLICIT;
    conv.pad_height = conv.pad_width = 1;
    conv.no_bias = 1;
    fnn_conv2d_with(m, &conv);
    fnn_batch_norm_with(m, &norm);
    fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 12, 3, FNN_VALID, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_flatten(m);
    fnn_batch_norm_with(m, &norm);
    fnn_dense(m, 32, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static fnn_model *keras_network(void)
{
    fnn_model *m = fnn_sequential(28, 28, 1);
    const fnn_real scale = 1 / (fnn_real)255;
    fnn_normalize_with(m, NULL, &scale, 1);
    fnn_conv2d(m, 6, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 6, 3, FNN_VALID, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_dense(m, 30, FNN_RELU);
    fnn_dense(m, 30, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static void a_pytorch_network_gives_its_outputs(void)
{
    fnn_model *m = pytorch_network();
    if (numpy_makes("pytorch") &&
        loaded(m, path_of("pytorch.safetensors"), FNN_FROM_PYTORCH, NULL, 0))
        same_outputs(m, "pytorch.outputs");
    fnn_model_free(m);
}

static void a_keras_network_gives_its_outputs(void)
{
    fnn_model *m = keras_network();
    if (numpy_makes("keras") && loaded(m, path_of("keras.safetensors"), FNN_FROM_KERAS, NULL, 0))
        same_outputs(m, "keras.outputs");
    fnn_model_free(m);
}

/* What examples/import_keras.py makes of Keras' own files. */
static void files_of_keras_are_converted(void)
{
    static const char *const files[] = {"keras.h5", "keras.keras"};
    int i;
    if (!numpy_makes("keras")) return;
    if (!python_has("h5py")) {
        SKIP("/usr/bin/python3 has no h5py");
        return;
    }
    for (i = 0; i < COUNT(files); i++) {
        fnn_model *m = keras_network();
        CHECK(!python("examples/import_keras.py", path_of(files[i]), path_of("converted")));
        if (loaded(m, path_of("converted"), FNN_FROM_KERAS, NULL, 0))
            same_outputs(m, "keras.outputs");
        fnn_model_free(m);
    }
}

/* The example, from PyTorch to the outputs compared. */
static void pytorch_itself_agrees(void)
{
    char program[] = "import_pytorch", weights[400], outputs[400], *arguments[4];
    fnn_dataset test;
    if (!python_has("torch")) {
        SKIP("/usr/bin/python3 has no torch");
        return;
    }
    if (fnn_read_fashion_mnist(NULL, NULL, NULL, &test, NULL)) {
        SKIP("Fashion-MNIST is not on this machine");
        return;
    }
    fnn_dataset_free(&test);
    CHECK(!python("examples/import_pytorch.py", path_of(""), "60"));
    snprintf(weights, sizeof weights, "%s", path_of("pytorch.safetensors"));
    snprintf(outputs, sizeof outputs, "%s", path_of("pytorch.outputs"));
    arguments[0] = program, arguments[1] = weights, arguments[2] = outputs, arguments[3] = NULL;
    CHECK(import_pytorch_main(3, arguments) == 0);
}

static const harness_test tests[] = {
    TEST(pytorch_has_its_layouts),
    TEST(keras_has_ours),
    TEST(flatten_order_passes_through),
    TEST(norms_of_channels_keep_their_order),
    TEST(every_number_type_is_read),
    TEST(halves_are_exact),
    TEST(any_number_comes_over),
    TEST(numbers_in_names_count),
    TEST(ambiguous_names_are_asked_for),
    TEST(shapes_decide_first),
    TEST(targets_keep_their_scale),
    TEST(a_layer_without_a_name_keeps_its_weights),
    TEST(a_model_file_gives_its_weights),
    TEST(a_checkpoint_gives_its_weights),
    TEST(wrong_names_are_named),
    TEST(every_misfit_is_named),
    TEST(biases_must_be_on_both_sides),
    TEST(other_formats_are_named),
    TEST(every_damage_is_named),
    TEST(every_truncation_is_refused),
    TEST(any_damage_is_harmless),
    TEST(every_allocation_may_fail),
    TEST(claims_cost_nothing),
    TEST(training_begins_anew),
    TEST(a_pytorch_network_gives_its_outputs),
    TEST(a_keras_network_gives_its_outputs),
    TEST(files_of_keras_are_converted),
    TEST(pytorch_itself_agrees),
};
HARNESS_MAIN(tests)
