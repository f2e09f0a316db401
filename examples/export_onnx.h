/* A plan as an ONNX model (operator set 13), for examples/export_onnx.c: as much of protobuf as it
 * takes, then the nodes of each operation.
 *
 * Images are (N, C, H, W) in ONNX, (N, H, W, C) in fmnist_nn.h; where height and width are 1, here
 * as there (N, numbers), of two dimensions. What is flat has the order of fmnist_nn.h, so a
 * Transpose stands where images become flat, and weights need no other order. */
#ifndef EXPORT_ONNX_H
#define EXPORT_ONNX_H

/* ---- protobuf ----
 * A message is a row of fields: number and kind, then a whole number, four bytes, or a length and
 * so many bytes, which may be a message again. */

typedef struct {
    unsigned char *at;
    size_t size, room;
} message;

static void put(message *m, const void *bytes, size_t size)
{
    if (size > INT32_MAX - m->size) program_fail("it takes more than the 2 GiB of an ONNX file");
    if (m->size + size > m->room) {
        m->room = 2 * (m->size + size);
        m->at = (unsigned char *)realloc(m->at, m->room);
        if (!m->at) program_fail("no memory for %.0f bytes", (double)m->room);
    }
    memcpy(m->at + m->size, bytes, size);
    m->size += size;
}

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static void put_varint(message *m, uint64_t value)
{
    unsigned char byte;
    do {
        byte = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        put(m, &byte, 1);
    } while (value >>= 7);
}

/* So many bytes of a number, the lowest first, whatever this machine does. */
static void put_bytes(message *m, uint64_t value, int count)
{
    for (; count-- > 0; value >>= 8) {
        const unsigned char byte = (unsigned char)(value & 255);
        put(m, &byte, 1);
    }
}

static void put_float(message *m, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_bytes(m, bits, sizeof bits);
}

static void int_field(message *m, int field, int64_t value)
{
    put_varint(m, (uint64_t)field << 3);
    put_varint(m, (uint64_t)value);
}

static void float_field(message *m, int field, double value)
{
    put_varint(m, (uint64_t)field << 3 | 5);
    put_float(m, (float)value);
}

static void bytes_field(message *m, int field, const void *bytes, size_t size)
{
    put_varint(m, (uint64_t)field << 3 | 2);
    put_varint(m, size);
    put(m, bytes, size);
}

static void text_field(message *m, int field, const char *text)
{
    bytes_field(m, field, text, strlen(text));
}

/* Puts the part into m; it is empty then. */
static void message_field(message *m, int field, message *part)
{
    bytes_field(m, field, part->at, part->size);
    free(part->at);
    memset(part, 0, sizeof *part);
}

/* The numbers of fields and types, as onnx.proto has them. */
/* clang-format off */
enum {
    MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_DOC = 6, MODEL_GRAPH = 7, MODEL_OPSET = 8,
    MODEL_METADATA = 14, OPSET_VERSION = 2, ENTRY_KEY = 1, ENTRY_VALUE = 2,
    GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12,
    NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_KIND = 4, NODE_ATTRIBUTE = 5, NODE_DOC = 6,
    ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20,
    IS_FLOAT = 1, IS_INTS = 7, /* attributes */
    CONSTANT_SIZE = 1, CONSTANT_TYPE = 2, CONSTANT_NAME = 8, CONSTANT_RAW = 9,
    FLOATS = 1, INT64S = 7, /* constants */
    VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2,
    SHAPE_SIZE = 1, SIZE_NUMBER = 1, SIZE_NAME = 2
};
/* clang-format on */

/* ---- nodes and their constants ---- */

typedef struct {
    const fnn_model *model;
    const plan *p;
    message graph;
    message node;        /* the last one, without the name of its output, */
    char *output;        /* which is this one until it is the graph's: "output" */
    message attributes;  /* of the next one */
    const char *layers;  /* that are being told */
    const char **result; /* the name of each operation's output */
    int names, nodes;
    double constants; /* numbers in them */
} exporter;

/* "Conv_3", which lasts until the program ends. */
static char *new_name(exporter *g, const char *word)
{
    char *name = (char *)program_memory(40, 1);
    snprintf(name, 40, "%s_%d", word, g->names++);
    return name;
}

static void finish_node(exporter *g)
{
    if (!g->output) return;
    text_field(&g->node, NODE_OUTPUT, g->output);
    message_field(&g->graph, GRAPH_NODE, &g->node);
}

/* A node of up to three inputs, the others NULL, with the attributes that were told before. Returns
 * the name of its output. */
static const char *add_node(exporter *g, const char *kind, const char *a, const char *b,
                            const char *c)
{
    const char *const inputs[] = {a, b, c};
    finish_node(g);
    g->node = g->attributes;
    memset(&g->attributes, 0, sizeof g->attributes);
    for (int i = 0; i < 3 && inputs[i]; i++) text_field(&g->node, NODE_INPUT, inputs[i]);
    g->output = new_name(g, kind);
    g->nodes++;
    text_field(&g->node, NODE_NAME, g->output);
    text_field(&g->node, NODE_KIND, kind);
    text_field(&g->node, NODE_DOC, g->layers);
    return g->output;
}

static void ints_attribute(exporter *g, const char *name, int count, const int *values)
{
    message a = {NULL, 0, 0};
    text_field(&a, ATTRIBUTE_NAME, name);
    for (int i = 0; i < count; i++) int_field(&a, ATTRIBUTE_INTS, values[i]);
    int_field(&a, ATTRIBUTE_TYPE, IS_INTS);
    message_field(&g->attributes, NODE_ATTRIBUTE, &a);
}

static void float_attribute(exporter *g, const char *name, double value)
{
    message a = {NULL, 0, 0};
    text_field(&a, ATTRIBUTE_NAME, name);
    float_field(&a, ATTRIBUTE_FLOAT, value);
    int_field(&a, ATTRIBUTE_TYPE, IS_FLOAT);
    message_field(&g->attributes, NODE_ATTRIBUTE, &a);
}

/* A constant of that shape, whose values are bytes already. Returns its name. */
static const char *add_constant(exporter *g, int type, const char *word, int dimensions,
                                const int *shape, message *values)
{
    message t = {NULL, 0, 0};
    const char *name = new_name(g, word);
    for (int i = 0; i < dimensions; i++) int_field(&t, CONSTANT_SIZE, shape[i]);
    int_field(&t, CONSTANT_TYPE, type);
    text_field(&t, CONSTANT_NAME, name);
    message_field(&t, CONSTANT_RAW, values);
    message_field(&g->graph, GRAPH_CONSTANT, &t);
    return name;
}

static const char *add_floats(exporter *g, const char *word, int dimensions, const int *shape,
                              const double *values)
{
    message bytes = {NULL, 0, 0};
    size_t count = 1;
    for (int i = 0; i < dimensions; i++) count *= (size_t)shape[i];
    for (size_t i = 0; i < count; i++) {
        const float rounded = (float)values[i];
        if (rounded - rounded != 0)
            program_fail("layer %s: a number, or a product of some, is beyond the floats",
                         g->layers);
        put_float(&bytes, rounded);
    }
    g->constants += (double)count;
    return add_constant(g, FLOATS, word, dimensions, shape, &bytes);
}

static const char *add_float(exporter *g, const char *word, double value)
{
    return add_floats(g, word, 0, NULL, &value);
}

/* (positions, channels, filters) as (filters, channels, positions). */
static double *turned(const double *values, int positions, int channels, int filters)
{
    const size_t k = (size_t)positions, c = (size_t)channels, f = (size_t)filters;
    double *to = (double *)program_memory(k * c * f, sizeof *to);
    for (size_t i = 0; i < k * c * f; i++) to[(i % f * c + i / f % c) * k + i / f / c] = values[i];
    return to;
}

/* Numbers (count: a channel's, or all) for features of that shape: one where they are equal. */
static const char *add_features(exporter *g, const char *word, const int *shape, int count,
                                const double *values)
{
    const int h = shape[0], w = shape[1], c = shape[2];
    const int by_channel[] = {c, 1, 1}, all[] = {c, h, w};
    const int each = period(values, count, c), flat = h * w == 1;
    if (each == 1) return add_float(g, word, values[0]);
    if (each == c) return add_floats(g, word, flat ? 1 : 3, by_channel, values);
    double *channels_first = turned(values, h * w, c, 1);
    const char *name = add_floats(g, word, 3, all, channels_first);
    free(channels_first);
    return name;
}

/* ---- shapes ---- */

/* The output of operation i in the shape that its reader takes: as it is, or flat. */
static const char *read_as(exporter *g, int i, int height, int width, int channels)
{
    static const int channels_last[] = {0, 2, 3, 1};
    const int *shape = g->p->ops[i].shape;
    const char *x = g->result[i];
    if (shape[0] == height && shape[1] == width && shape[2] == channels) return x;
    if (shape[2] > 1) {
        ints_attribute(g, "perm", 4, channels_last);
        x = add_node(g, "Transpose", x, NULL, NULL);
    }
    return add_node(g, "Flatten", x, NULL, NULL);
}

static const char *read_own(exporter *g, int i, const op *o)
{
    return read_as(g, i, o->shape[0], o->shape[1], o->shape[2]);
}

/* Makes images of what is flat; without changing the order. */
static const char *as_images(exporter *g, const char *x, int height, int width, int channels)
{
    const int sizes[] = {0, channels, height, width}; /* 0: as many as there are */
    const int four = 4;
    message bytes = {NULL, 0, 0};
    for (int i = 0; i < 4; i++) put_bytes(&bytes, (uint64_t)sizes[i], 8);
    return add_node(g, "Reshape", x, add_constant(g, INT64S, "shape", 1, &four, &bytes), NULL);
}

/* ---- operations ---- */

static const char *add_input(exporter *g, const op *o)
{
    const char *x = "input";
    int shifts = 0, scales = 0;
    for (int i = 0; i < o->size; i++) shifts |= o->bias[i] != 0, scales |= o->weights[i] != 1;
    if (shifts) {
        const char *shift = add_features(g, "mean", o->shape, o->size, o->bias);
        x = add_node(g, "Sub", x, shift, NULL);
    }
    if (scales) {
        const char *scale = add_features(g, "scale", o->shape, o->size, o->weights);
        x = add_node(g, "Mul", x, scale, NULL);
    }
    return x;
}

/* Rows or columns that a window sees behind the image. */
static int pad_behind(int size, int kernel, int stride, int before, int outputs)
{
    const int pad = (outputs - 1) * stride + kernel - size - before;
    return pad > 0 ? pad : 0;
}

/* A convolution, or without weights a pool. */
static const char *add_window(exporter *g, const op *o, const char *kind, const char *weights,
                              const char *bias)
{
    const fnn_window *w = &o->window;
    const int kernel[] = {w->kernel_height, w->kernel_width};
    const int strides[] = {w->stride_height, w->stride_width};
    const int pads[] = {w->pad_top, w->pad_left,
                        pad_behind(w->height, kernel[0], strides[0], w->pad_top, w->out_height),
                        pad_behind(w->width, kernel[1], strides[1], w->pad_left, w->out_width)};
    const char *x = read_as(g, o->from, w->height, w->width, w->channels);
    if (w->height * w->width == 1) x = as_images(g, x, 1, 1, w->channels);
    ints_attribute(g, "kernel_shape", 2, kernel);
    ints_attribute(g, "strides", 2, strides);
    ints_attribute(g, "pads", 4, pads);
    x = add_node(g, kind, x, weights, bias);
    return w->out_height * w->out_width == 1 ? add_node(g, "Flatten", x, NULL, NULL) : x;
}

static const char *add_product(exporter *g, const op *o)
{
    const fnn_window *w = &o->window;
    const int taps = w->kernel_height * w->kernel_width;
    const int shape[] = {o->channels, w->channels, w->kernel_height, w->kernel_width};
    const int matrix[] = {w->channels, o->channels};
    const char *bias = add_floats(g, "bias", 1, &o->channels, o->bias), *x;
    if (taps == 1 && w->height == 1 && w->width == 1) {
        x = read_as(g, o->from, 1, 1, w->channels);
        x = add_node(g, "Gemm", x, add_floats(g, "weight", 2, matrix, o->weights), bias);
    } else {
        double *filters_first = turned(o->weights, taps, w->channels, o->channels);
        x = add_window(g, o, "Conv", add_floats(g, "weight", 4, shape, filters_first), bias);
        free(filters_first);
    }
    return o->activation == FNN_RELU ? add_node(g, "Relu", x, NULL, NULL) : x;
}

static const char *add_max_pool(exporter *g, const op *o)
{
    return add_window(g, o, "MaxPool", NULL, NULL);
}

static const char *add_average_pool(exporter *g, const op *o)
{
    return add_window(g, o, "AveragePool", NULL, NULL);
}

static const char *add_scale(exporter *g, const op *o)
{
    const char *x = read_own(g, o->from, o);
    const char *factor = add_features(g, "factor", o->shape, o->channels, o->weights);
    x = add_node(g, "Mul", x, factor, NULL);
    return add_node(g, "Add", x, add_features(g, "shift", o->shape, o->channels, o->bias), NULL);
}

static const char *add_sum(exporter *g, const op *o)
{
    const char *x = read_own(g, o->from, o);
    return add_node(g, "Add", x, read_own(g, o->other, o), NULL);
}

/* Over all numbers of a sample. */
static const char *add_softmax(exporter *g, const op *o, const char *x)
{
    if (o->size == o->shape[2]) return add_node(g, "Softmax", x, NULL, NULL);
    x = add_node(g, "Softmax", add_node(g, "Flatten", x, NULL, NULL), NULL, NULL);
    return as_images(g, x, o->shape[0], o->shape[1], o->shape[2]);
}

/* x/2 (1 + erf(x / sqrt 2)), for which operator set 13 has no word. */
static const char *add_gelu(exporter *g, const char *x)
{
    const char *y = add_node(g, "Mul", x, add_float(g, "sqrt_half", sqrt(.5)), NULL);
    y = add_node(g, "Erf", y, NULL, NULL);
    y = add_node(g, "Add", y, add_float(g, "one", 1), NULL);
    y = add_node(g, "Mul", y, add_float(g, "half", .5), NULL);
    return add_node(g, "Mul", x, y, NULL);
}

static const char *add_activation(exporter *g, const op *o)
{
    const fnn_activation f = o->activation;
    const char *x = read_own(g, o->from, o);
    const char *kind = f == FNN_RELU         ? "Relu"
                       : f == FNN_LEAKY_RELU ? "LeakyRelu"
                       : f == FNN_ELU        ? "Elu"
                       : f == FNN_SIGMOID    ? "Sigmoid"
                       : f == FNN_TANH       ? "Tanh"
                                             : NULL;
    if (f == FNN_SOFTMAX) return add_softmax(g, o, x);
    if (f == FNN_GELU) return add_gelu(g, x);
    if (!kind)
        program_fail("layer %s: %s knows no activation %s", o->layers, program_name,
                     activation_words[f]);
    if (f == FNN_LEAKY_RELU || f == FNN_ELU) float_attribute(g, "alpha", o->parameter);
    return add_node(g, kind, x, NULL, NULL);
}

/* ---- the model ---- */

/* What goes in or comes out: floats (N, numbers) or (N, channels, height, width). */
static void add_value(message *graph, int field, const char *name, const int *shape)
{
    const int sizes[] = {shape[2], shape[0], shape[1]};
    message value = {NULL, 0, 0}, type = value, tensor = value, dimensions = value, d = value;
    text_field(&d, SIZE_NAME, "N");
    message_field(&dimensions, SHAPE_SIZE, &d);
    for (int i = 0; i < (shape[0] * shape[1] == 1 ? 1 : 3); i++) {
        int_field(&d, SIZE_NUMBER, sizes[i]);
        message_field(&dimensions, SHAPE_SIZE, &d);
    }
    int_field(&tensor, TENSOR_ELEMENT, FLOATS);
    message_field(&tensor, TENSOR_SHAPE, &dimensions);
    message_field(&type, TYPE_TENSOR, &tensor);
    text_field(&value, VALUE_NAME, name);
    message_field(&value, VALUE_TYPE, &type);
    message_field(graph, field, &value);
}

/* One of the texts that go with the model. */
static void add_metadata(message *model, const char *key, const void *value, size_t size)
{
    message entry = {NULL, 0, 0};
    text_field(&entry, ENTRY_KEY, key);
    bytes_field(&entry, ENTRY_VALUE, value, size);
    message_field(model, MODEL_METADATA, &entry);
}

/* Names as a list in JSON, where there are any. They hold no control characters. */
static void add_names(message *model, const char *key, const fnn_model *m,
                      const char *(*name_of)(const fnn_model *m, int i))
{
    message list = {NULL, 0, 0};
    const char *name;
    for (int i = 0; (name = name_of(m, i)) != NULL; i++) {
        put(&list, i ? ", \"" : "[\"", i ? 3 : 2);
        for (; *name; name++) {
            if (*name == '"' || *name == '\\') put(&list, "\\", 1);
            put(&list, name, 1);
        }
        put(&list, "\"", 1);
    }
    if (!list.size) return;
    put(&list, "]", 1);
    add_metadata(model, key, list.at, list.size);
    free(list.at);
}

static void add_graph(exporter *g, message *model)
{
    static const char *(*const adders[])(exporter * g, const op *o) = {
        add_input, add_product,    add_max_pool, add_average_pool,
        add_scale, add_activation, add_sum}; /* in the order of op_kind */
    int in[3], out[3];
    fnn_shapes(g->model, in, out);
    g->result = (const char **)program_memory((size_t)g->p->count, sizeof *g->result);
    for (int i = 0; i < g->p->count; i++) {
        g->layers = g->p->ops[i].layers;
        g->result[i] = adders[g->p->ops[i].kind](g, g->p->ops + i);
    }
    read_as(g, g->p->count - 1, out[0], out[1], out[2]);
    strcpy(g->output, "output"); /* the last node's, which nobody else reads */
    finish_node(g);
    text_field(&g->graph, GRAPH_NAME, "fmnist_nn");
    add_value(&g->graph, GRAPH_INPUT, "input", in);
    add_value(&g->graph, GRAPH_OUTPUT, "output", out);
    message_field(model, MODEL_GRAPH, &g->graph);
}

/* The whole file. */
static message onnx_of(exporter *g)
{
    message model = {NULL, 0, 0}, opset = model;
    char text[100];
    int in[3];
    fnn_shapes(g->model, in, NULL);
    int_field(&model, MODEL_IR_VERSION, 7);
    int_field(&opset, OPSET_VERSION, 13);
    message_field(&model, MODEL_OPSET, &opset);
    text_field(&model, MODEL_PRODUCER, "fmnist_nn export_onnx");
    text_field(
        &model, MODEL_DOC,
        "input: numbers as the data had them, pixels from 0 to 255; normalisation is part of "
        "the model. output: what fnn_predict gives.");
    add_graph(g, &model);
    snprintf(text, sizeof text, "{\"height\": %d, \"width\": %d, \"channels\": %d}", in[0], in[1],
             in[2]);
    add_metadata(&model, "shape", text, strlen(text));
    add_names(&model, "classes", g->model, fnn_class_name);
    add_names(&model, "features", g->model, fnn_feature_name);
    return model;
}
#endif
