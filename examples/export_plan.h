/* A trained network as a list of operations, for examples/export_c.c and export_onnx.c: what
 * fmnist_nn.h tells of its layers, with dropout and flatten gone, batch norms and relus in the
 * product before them where nothing else reads that, and, for C, a place in the scratch memory for
 * every output; and how the file that they write comes to its place. */
#ifndef EXPORT_PLAN_H
#define EXPORT_PLAN_H
#include "program.h"
#include <sys/types.h>

typedef enum { INPUT, PRODUCT, MAX_POOL, AVERAGE_POOL, SCALE, ACTIVATION, ADD } op_kind;
typedef enum { REAL, UNSIGNED, SIGNED } number; /* what outputs are: float, uint8_t or int8_t */

typedef struct {
    op_kind kind;
    char layers[160];  /* of the model, that it is made of: "0 conv2d, 1 batch_norm" */
    int from, other;   /* the operations that it reads; other: of ADD */
    fnn_window window; /* of PRODUCT and pools; a dense layer's is 1 x 1 on 1 x 1 x inputs */
    int shape[3], size;
    int channels;              /* numbers in bias */
    double *weights, *bias;    /* PRODUCT: W (window's height, width, channels; filters) and b.
                                   SCALE: y = x weights + bias; INPUT: (x - bias) weights; ADD:
                                   x weights[0] + other weights[1] */
    fnn_activation activation; /* y = f(x); of PRODUCT f(x W + b), relu or linear */
    double parameter;          /* of that */
    int kept;                  /* its output is read by an ADD further on, too */
    int home, last;            /* whose place its output takes; which operation reads that last */
    size_t offset;             /* of that place in the scratch memory, in elements */
    double low, high;          /* of its output, as seen on images */
    number type;               /* of its output */
    double unit;               /* which stands for unit times the integer; 1 of REAL */
    double *factor;            /* of eight bits: a sum becomes an output by round(sum factor / */
    int shift;                 /* 2^shift); of REAL: by sum factor, 1 where it is NULL */
    int table[256];            /* ACTIVATION of eight bits: the output of each byte */
} op;

typedef struct {
    op *ops; /* ops[0] is the input, normalised */
    int count;
    int tail; /* from this one on outputs lie where the caller wants them, as floats */
    int outputs;
    int is_int8;
    size_t scratch; /* elements: floats, or bytes where is_int8 */
    int *of_layer;  /* the operation that has the output of layer l: of_layer[l + 1] */
    char *is_added; /* whether an ADD reads it further on: likewise */
} plan;

/* ---- layer by layer ---- */

enum { MOST_WORDS = 16 };

static op *last_op(const plan *p)
{
    return p->ops + p->count - 1;
}

static void name_layer(op *o, const fnn_model *m, int layer)
{
    const size_t length = strlen(o->layers);
    snprintf(o->layers + length, sizeof o->layers - length, "%s%d %s", length ? ", " : "", layer,
             fnn_layer_name(m, layer));
}

/* A new operation behind the others, with the shape of a layer's output (-1: of the input). */
static op *add_op(plan *p, op_kind kind, const fnn_model *m, int layer)
{
    op *o = p->ops + p->count++;
    o->kind = kind;
    o->from = p->count - 2;
    fnn_layer_shape(m, layer, o->shape);
    o->size = o->shape[0] * o->shape[1] * o->shape[2];
    o->channels = o->shape[2];
    o->activation = FNN_LINEAR;
    o->unit = 1;
    if (layer >= 0) name_layer(o, m, layer);
    return o;
}

/* A copy of a tensor in double; where the layer has none of that name, numbers that change nothing
 * (count of them). */
static double *tensor(const fnn_model *m, int layer, const char *name, int count, double otherwise)
{
    double *values = (double *)program_memory((size_t)count, sizeof *values);
    fnn_tensor t;
    const int missing = fnn_tensor_get(m, layer, name, &t) != FNN_OK;
    for (int i = 0; i < count; i++) {
        values[i] = missing ? otherwise : (double)t.values[i];
        if (values[i] - values[i] != 0)
            program_fail("layer %d %s: %s[%d] is not finite", layer, fnn_layer_name(m, layer), name,
                         i);
    }
    return values;
}

/* After how many of the values (size) they are the same again: 1, the channels, or all. */
static int period(const double *values, int size, int channels)
{
    const int tried[] = {1, channels};
    for (int n = 0; n < 2; n++) {
        int i = tried[n];
        while (i < size && values[i] == values[i - tried[n]]) i++;
        if (i >= size) return tried[n];
    }
    return size;
}

/* The product that a layer may go into: the operation before, if nobody else reads its output. */
static op *open_product(const plan *p)
{
    op *o = last_op(p);
    return o->kind == PRODUCT && o->activation == FNN_LINEAR && !o->kept ? o : NULL;
}

#define WORD(name, word, a, traits) #word,
static const char *const activation_words[] = {FNN_ACTIVATION_LIST(WORD, WORD)};

static void activate(plan *p, const fnn_model *m, int layer, char **word)
{
    op *product = open_product(p), *o;
    int kind = 0;
    while (kind < FNN_ACTIVATION_COUNT && strcmp(word[0], activation_words[kind])) kind++;
    if (kind == FNN_ACTIVATION_COUNT)
        program_fail("layer %d: the activation %s is unknown", layer, word[0]);
    if (kind == FNN_LINEAR) return;
    if (kind == FNN_RELU && product) {
        product->activation = FNN_RELU;
        return;
    }
    o = add_op(p, ACTIVATION, m, layer);
    o->activation = (fnn_activation)kind;
    o->parameter = atof(word[1]);
}

static void read_activation(plan *p, const fnn_model *m, int layer, char **word)
{
    activate(p, m, layer, word + 1);
    if (last_op(p)->kind == PRODUCT) name_layer(last_op(p), m, layer);
}

static void read_product(const fnn_model *m, int layer, char **word, op *o)
{
    const fnn_window *w = &o->window;
    const int filters = atoi(word[0]);
    o->weights =
        tensor(m, layer, "weight", w->kernel_height * w->kernel_width * w->channels * filters, 0);
    o->bias = tensor(m, layer, "bias", filters, 0);
    o->channels = filters;
}

static void read_dense(plan *p, const fnn_model *m, int layer, char **word)
{
    const int inputs = last_op(p)->size;
    op *o = add_op(p, PRODUCT, m, layer);
    fnn_window_make(1, 1, inputs, 1, 1, 1, 1, FNN_VALID, &o->window);
    read_product(m, layer, word + 1, o);
    activate(p, m, layer, word + 2);
}

/* Makes the window of an operation over the output before; returns the word behind it. */
static char **read_window(op *o, const int *in, char **word)
{
    static const char *const paddings[] = {"valid", "same"};
    int n[4], i;
    for (i = 0; i < 4; i++) n[i] = atoi(word[i]);
    for (i = 0; i < 2; i++)
        if (!strcmp(word[4], paddings[i])) {
            fnn_window_make(in[0], in[1], in[2], n[0], n[1], n[2], n[3], i ? FNN_SAME : FNN_VALID,
                            &o->window);
            return word + 5;
        }
    if (!word[5] || !word[6]) program_fail("%s: the padding %s is unknown", o->layers, word[4]);
    fnn_window_make_padded(in[0], in[1], in[2], n[0], n[1], n[2], n[3], atoi(word[5]),
                           atoi(word[6]), &o->window);
    return word + 7;
}

static void read_conv2d(plan *p, const fnn_model *m, int layer, char **word)
{
    op *o = add_op(p, PRODUCT, m, layer);
    int in[3];
    fnn_layer_shape(m, layer - 1, in);
    char **behind = read_window(o, in, word + 2);
    read_product(m, layer, word + 1, o);
    activate(p, m, layer, behind);
}

static void read_pool(plan *p, const fnn_model *m, int layer, char **word)
{
    op *o = add_op(p, word[0][0] == 'm' ? MAX_POOL : AVERAGE_POOL, m, layer);
    int in[3];
    fnn_layer_shape(m, layer - 1, in);
    read_window(o, in, word + 1);
}

/* y = x factor + shift for each of so many channels: into the product before, where it can. */
static void scale(plan *p, const fnn_model *m, int layer, int channels, double *factor,
                  double *shift)
{
    op *o = open_product(p);
    if (!o || o->channels != channels) {
        o = add_op(p, SCALE, m, layer);
        o->channels = channels;
        o->weights = factor;
        o->bias = shift;
        return;
    }
    const fnn_window *w = &o->window;
    const int rows = w->kernel_height * w->kernel_width * w->channels;
    for (int i = 0; i < rows * channels; i++) o->weights[i] *= factor[i % channels];
    for (int c = 0; c < channels; c++) o->bias[c] = o->bias[c] * factor[c] + shift[c];
    name_layer(o, m, layer);
}

static void read_batch_norm(plan *p, const fnn_model *m, int layer, char **word)
{
    const double epsilon = atof(word[2]);
    fnn_tensor t;
    if (fnn_tensor_get(m, layer, "gamma", &t))
        program_fail("layer %d: a batch norm without gamma", layer);
    const int channels = (int)t.count;
    double *factor = tensor(m, layer, "gamma", channels, 1);
    double *shift = tensor(m, layer, "beta", channels, 0);
    const double *mean = tensor(m, layer, "mean", channels, 0);
    const double *variance = tensor(m, layer, "variance", channels, 1);
    for (int c = 0; c < channels; c++) {
        factor[c] /= sqrt(variance[c] + epsilon);
        shift[c] -= mean[c] * factor[c];
    }
    scale(p, m, layer, channels, factor, shift);
}

static void read_rescale(plan *p, const fnn_model *m, int layer, char **word)
{
    const int n = last_op(p)->size;
    (void)word;
    scale(p, m, layer, n, tensor(m, layer, "scale", n, 1), tensor(m, layer, "shift", n, 0));
}

static void read_add(plan *p, const fnn_model *m, int layer, char **word)
{
    const int from = strcmp(word[1], "input") ? atoi(word[1]) : -1;
    op *o = add_op(p, ADD, m, layer);
    o->other = p->of_layer[from + 1];
    o->weights = (double *)program_memory(2, sizeof *o->weights);
    o->weights[0] = o->weights[1] = 1;
}

/* Of what a prediction does not have. */
static void read_nothing(plan *p, const fnn_model *m, int layer, char **word)
{
    (void)p, (void)m, (void)layer, (void)word;
}

static void read_layer(plan *p, const fnn_model *m, int layer, char **word)
{
    static const struct {
        const char *name;
        void (*read)(plan *p, const fnn_model *m, int layer, char **word);
    } readers[] = {
        {"dense", read_dense},
        {"conv2d", read_conv2d},
        {"max_pool2d", read_pool},
        {"average_pool2d", read_pool},
        {"batch_norm", read_batch_norm},
        {"rescale", read_rescale},
        {"add", read_add},
        {"activation", read_activation},
        {"dropout", read_nothing},
        {"spatial_dropout", read_nothing},
        {"flatten", read_nothing},
    };
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (!strcmp(word[0], readers[i].name)) {
            readers[i].read(p, m, layer, word);
            return;
        }
    program_fail("layer %d %s: %s knows no such layer", layer, word[0], program_name);
}

/* The words of a layer, cut at their blanks; the others are NULL. */
static void layer_words(const fnn_model *m, int layer, char text[256], char *word[MOST_WORDS])
{
    int n = 0;
    memset(word, 0, MOST_WORDS * sizeof *word);
    fnn_layer_words(m, layer, text, 256);
    for (char *w = strtok(text, " "); w && n < MOST_WORDS - 1; w = strtok(NULL, " ")) word[n++] = w;
}

/* ---- where outputs lie ---- */

/* Whether an operation may write where it reads: number by number, and nobody reads that later. */
static int is_in_place(const plan *p, int i)
{
    const op *o = p->ops + i;
    const int each = o->kind == SCALE || o->kind == ACTIVATION || o->kind == ADD;
    return each && o->from > 0 && p->ops[p->ops[o->from].home].last <= i;
}

/* Finds whose place each output takes, and how long it is needed. */
static void find_lives(plan *p)
{
    for (int i = 0; i < p->count; i++) {
        const op *o = p->ops + i;
        p->ops[i].home = p->ops[i].last = i;
        if (i > 0) p->ops[o->from].last = i;
        if (o->kind == ADD) p->ops[o->other].last = i;
    }
    for (int i = 1; i < p->count; i++)
        if (is_in_place(p, i)) {
            op *home = p->ops + p->ops[p->ops[i].from].home;
            p->ops[i].home = (int)(home - p->ops);
            if (p->ops[i].last > home->last) home->last = p->ops[i].last;
        }
}

/* Whether [at, at + size) overlaps a place that is taken while operation i runs; *start, *end: of
 * the one that was found. */
static int is_taken(const plan *p, int i, size_t at, size_t size, size_t *start, size_t *end)
{
    for (int j = 0; j < i; j++) {
        const op *o = p->ops + j;
        if (o->home != j || o->last < i || j >= p->tail) continue;
        *start = o->offset, *end = o->offset + (size_t)o->size;
        if (at < *end && at + size > *start) return 1;
    }
    return 0;
}

/* Gives every output a place in so many elements, the first at the bottom, the next at the top and
 * so on, which is all that a chain needs; returns the elements used, or 0 where it does not fit. */
static size_t place_all(plan *p, size_t room)
{
    size_t most = 0, start = 0, end = 0;
    int up = 1;
    for (int i = 0; i < p->tail; i++) {
        op *o = p->ops + i;
        const size_t size = (size_t)o->size;
        size_t at = up ? 0 : room - size;
        if (o->home != i) continue;
        while (is_taken(p, i, at, size, &start, &end)) {
            if (!up && start < size) return 0;
            at = up ? end : start - size;
        }
        if (at + size > room) return 0;
        o->offset = at;
        if (at + size > most) most = at + size;
        up = !up;
    }
    for (int i = 0; i < p->tail; i++) p->ops[i].offset = p->ops[p->ops[i].home].offset;
    return most;
}

/* The least room that holds what is needed at any one time; where the pieces of it do not fit in,
 * a little more, until they do. */
static void place(plan *p)
{
    size_t room = 1;
    find_lives(p);
    for (int i = 0; i < p->count; i++) {
        size_t live = 0;
        for (int j = 0; j <= i && j < p->tail; j++)
            if (p->ops[j].home == j && p->ops[j].last >= i) live += (size_t)p->ops[j].size;
        if (live > room) room = live;
    }
    while ((p->scratch = place_all(p, room)) == 0) room += room / 64 + 1;
}

/* ---- all of it ---- */

/* The last operations, from the one on whose outputs are as many as the caller gets. */
static int find_tail(const plan *p)
{
    int i = p->count - 1;
    while (i > 1 && !p->ops[i - 1].kept &&
           (p->ops[i].kind == ACTIVATION || p->ops[i].kind == SCALE))
        i--;
    return i;
}

static plan plan_of(const fnn_model *m)
{
    const int layers = fnn_layer_count(m);
    char text[256], *word[MOST_WORDS];
    plan p;
    memset(&p, 0, sizeof p);
    p.ops = (op *)program_memory(2 * (size_t)layers + 1, sizeof *p.ops);
    p.of_layer = (int *)program_memory((size_t)layers + 1, sizeof *p.of_layer);
    p.is_added = (char *)program_memory((size_t)layers + 1, 1);
    for (int l = 0; l < layers; l++) {
        layer_words(m, l, text, word);
        if (!strcmp(word[0], "add"))
            p.is_added[strcmp(word[1], "input") ? atoi(word[1]) + 1 : 0] = 1;
    }
    op *input = add_op(&p, INPUT, m, -1);
    snprintf(input->layers, sizeof input->layers, "input");
    input->weights = tensor(m, -1, "scale", input->size, 1);
    input->bias = tensor(m, -1, "shift", input->size, 0);
    for (int l = 0; l < layers; l++) {
        if (p.is_added[l]) last_op(&p)->kept = 1;
        layer_words(m, l, text, word);
        read_layer(&p, m, l, word);
        p.of_layer[l + 1] = p.count - 1;
    }
    if (p.count == 1) program_fail("the model computes nothing");
    p.outputs = last_op(&p)->size;
    p.tail = find_tail(&p);
    place(&p);
    return p;
}

/* ---- the file that is written ----
 * It grows beside its place, under a name that nothing had, and is moved there when it is whole: a
 * program that ends before leaves what was there. Symbolic links stay, as fnn_save leaves them: the
 * file where they end is replaced. */

static char *unfinished, *place_of_file; /* its path until then, and then */

static void remove_unfinished(void)
{
    if (unfinished) remove(unfinished);
}

/* To be asked at first: whether what is made of a model can be written there. */
static void check_output(const char *output, const char *model)
{
    fnn_error error;
    if (program_same_file(output, model)) program_fail("expected two files, found %s twice", model);
    if (fnn_check_writable(output, &error)) program_fail("%s", error.message);
}

/* Opens a file that is not there yet; NULL: it is, or cannot be. */
static FILE *create(const char *path)
{
#ifdef _WIN32 /* some of its libraries have no "x" */
    FILE *there = fopen(path, "rb");
    if (there) return fclose(there), NULL;
    return fopen(path, "wb");
#else
    return fopen(path, "wbx");
#endif
}

/* Where the symbolic links at path end, which need not be there yet; check_output has refused
 * circles. */
static char *end_of_links(const char *path)
{
    enum { MOST = 4096 };
    char *end = (char *)program_memory(strlen(path) + MOST, 1);
    strcpy(end, path);
#ifndef _WIN32 /* a link there is replaced itself */
    extern ssize_t readlink(const char *from, char *to, size_t room); /* C99 does not declare it */
    char text[MOST];
    ssize_t length;
    while ((length = readlink(end, text, sizeof text - 1)) > 0) {
        const char *slash = *text == '/' ? NULL : strrchr(end, '/'); /* it is from there */
        char *next = (char *)program_memory(strlen(end) + MOST, 1);
        if (slash) memcpy(next, end, (size_t)(slash + 1 - end));
        end = strncat(next, text, (size_t)length);
    }
#endif
    return end;
}

static FILE *begin_file(const char *path)
{
    FILE *file = NULL;
    place_of_file = end_of_links(path);
    unfinished = (char *)program_memory(strlen(place_of_file) + 20, 1);
    for (int i = 0; !file && i < 100; i++) {
        sprintf(unfinished, "%s.%d.part", place_of_file, i);
        file = create(unfinished);
    }
    if (!file) unfinished = NULL, program_fail("%s: nothing can be written beside it", path);
    atexit(remove_unfinished);
    return file;
}

static void end_file(FILE *file)
{
    const int failed = ferror(file);
    if (fclose(file) || failed) program_fail("%s: cannot be written", unfinished);
#ifdef _WIN32 /* nothing is renamed over a file there: for a moment there is none */
    const char *whole = unfinished;
    unfinished = NULL; /* whatever happens now, the new one stays */
    remove(place_of_file);
    if (rename(whole, place_of_file))
        program_fail("%s: cannot be replaced: the new one is %s", place_of_file, whole);
#else
    if (rename(unfinished, place_of_file)) program_fail("%s: cannot be replaced", place_of_file);
#endif
    unfinished = NULL;
}
#endif
