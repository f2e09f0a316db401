/* A plan as C, for examples/export_c.c. Of every operation a function is written whose sizes are
 * numbers; where the text below has a $, one of these comes in:
 *     $n $N $i     the name in front of all others, in capitals too; the operation's number
 *     $x $y        the types of input and output
 *     $h $w $c     height, width and channels of the input
 *     $u $v        height and width of the window
 *     $s $t $p $q  its strides; its pads, as " - 1" or nothing
 *     $o $m $f     rows, columns and filters or channels of outputs
 *     $e $z        how many outputs; the shift of those in eight bits
 *     $a           an activation's parameter, or the factor of a pool */
#ifndef EXPORT_WRITE_H
#define EXPORT_WRITE_H
#include <ctype.h>

typedef struct {
    FILE *file;
    const char *name;
    char upper[64];
    const fnn_model *model;
    const plan *p;
    size_t bytes; /* of arrays written */
} writer;

static const char *const types[] = {"float", "uint8_t", "int8_t"};

/* ---- text ---- */

/* A number as C: a float that is read back to the bit, or an integer. Returns its length. */
static size_t number_text(char text[32], int real, double value)
{
    const float rounded = (float)value;
    if (rounded - rounded != 0)
        program_fail("a number, or a product of some, is beyond the floats");
    const int length = snprintf(text, 24, real ? "%.9g" : "%.0f", real ? (double)rounded : value);
    if (!real) return (size_t)length;
    strcat(text, strpbrk(text, ".e") ? "f" : ".0f");
    return strlen(text);
}

static void put_float(const writer *o, double value)
{
    char text[32];
    number_text(text, 1, value);
    fputs(text, o->file);
}

static void put_field(const writer *o, const op *p, char field)
{
    const fnn_window *w = &p->window;
    switch (field) {
    case 'n': fputs(o->name, o->file); return;
    case 'N': fputs(o->upper, o->file); return;
    case 'i': fprintf(o->file, "%d", (int)(p - o->p->ops)); return;
    case 'x': fputs(types[o->p->ops[p->from].type], o->file); return;
    case 'y': fputs(types[p->type], o->file); return;
    case 'h': fprintf(o->file, "%d", w->height); return;
    case 'w': fprintf(o->file, "%d", w->width); return;
    case 'c': fprintf(o->file, "%d", w->channels); return;
    case 'u': fprintf(o->file, "%d", w->kernel_height); return;
    case 'v': fprintf(o->file, "%d", w->kernel_width); return;
    case 's': fprintf(o->file, "%d", w->stride_height); return;
    case 't': fprintf(o->file, "%d", w->stride_width); return;
    case 'p':
        if (w->pad_top > 0) fprintf(o->file, " - %d", w->pad_top);
        return;
    case 'q':
        if (w->pad_left > 0) fprintf(o->file, " - %d", w->pad_left);
        return;
    case 'o': fprintf(o->file, "%d", w->out_height); return;
    case 'm': fprintf(o->file, "%d", w->out_width); return;
    case 'f': fprintf(o->file, "%d", p->channels); return;
    case 'e': fprintf(o->file, "%d", p->size); return;
    case 'z': fprintf(o->file, "%d", p->shift); return;
    case 'a': put_float(o, p->factor ? p->factor[0] : p->parameter); return;
    }
    putc(field, o->file);
}

static void put(const writer *o, const op *p, const char *text)
{
    for (; *text; text++)
        if (*text == '$') put_field(o, p, *++text);
        else putc(*text, o->file);
}

static void put_string(const writer *o, const char *text)
{
    putc('"', o->file);
    for (; *text; text++)
        if (isalnum((unsigned char)*text) || *text == ' ' || *text == '-' || *text == '/')
            putc(*text, o->file);
        else fprintf(o->file, "\\%03o", (unsigned)(unsigned char)*text); /* UTF-8, quotes */
    putc('"', o->file);
}

/* Numbers between braces, as floats or integers, in lines of at most 100 columns. */
static void put_numbers(const writer *o, int real, size_t count, const double *values)
{
    size_t column = 100;
    char text[32];
    fputs("{", o->file);
    for (size_t i = 0; i < count; i++) {
        const size_t length = number_text(text, real, values[i]) + 2;
        const int begins = column + length > 96;
        column = begins ? 3 + length : column + length;
        fprintf(o->file, "%s%s%s", begins ? "\n    " : " ", text, i < count - 1 ? "," : "");
    }
    fputs("}", o->file);
}

/* static const TYPE NAME_WHAT_NUMBER[] = {...}; */
static void put_array(writer *o, const op *p, const char *type, size_t bytes, const char *what,
                      size_t count, const double *values)
{
    fprintf(o->file, "static const %s %s_%s_%d[] = ", type, o->name, what, (int)(p - o->p->ops));
    put_numbers(o, type[0] == 'f', count, values);
    fputs(";\n", o->file);
    o->bytes += count * bytes;
}

/* ---- the arrays of an operation ---- */

/* Weights (window, channels, filters) with the filters first. */
static double *filter_by_filter(const op *p, size_t rows)
{
    const size_t filters = (size_t)p->channels;
    double *turned = (double *)program_memory(rows * filters, sizeof *turned);
    for (size_t k = 0; k < rows; k++)
        for (size_t f = 0; f < filters; f++) turned[f * rows + k] = p->weights[k * filters + f];
    return turned;
}

static void write_product_arrays(writer *o, const op *p)
{
    const fnn_window *w = &p->window;
    const size_t filters = (size_t)p->channels;
    const size_t rows = (size_t)w->kernel_height * (size_t)w->kernel_width * (size_t)w->channels;
    if (!o->p->is_int8) {
        put_array(o, p, "float", 4, "weights", rows * filters, p->weights);
        put_array(o, p, "float", 4, "bias", filters, p->bias);
        return;
    }
    double *turned = filter_by_filter(p, rows);
    put_array(o, p, "int8_t", 1, "weights", rows * filters, turned);
    put_array(o, p, "int32_t", 4, "bias", filters, p->bias);
    put_array(o, p, p->type == REAL ? "float" : "int32_t", 4, "factor", filters, p->factor);
    free(turned);
}

static void write_arrays(writer *o, const op *p)
{
    const char *type = p->type == REAL ? "float" : "int32_t";
    double table[256];
    if (p->kind == PRODUCT) write_product_arrays(o, p);
    if (p->kind == SCALE) {
        put_array(o, p, type, 4, "weights", (size_t)p->channels, p->weights);
        put_array(o, p, type, 4, "bias", (size_t)p->channels, p->bias);
    }
    if (p->kind == ACTIVATION && p->type != REAL) {
        for (int i = 0; i < 256; i++) table[i] = p->table[i];
        put_array(o, p, types[p->type], 1, "table", 256, table);
    }
}

/* ---- operations with a window ---- */

/* Opens the loops over windows: rows a0 to a1 and columns b0 to b1 of each are in the image. */
static void write_window(const writer *o, const op *p)
{
    const fnn_window *w = &p->window;
    const int bottom = (w->out_height - 1) * w->stride_height - w->pad_top + w->kernel_height;
    const int right = (w->out_width - 1) * w->stride_width - w->pad_left + w->kernel_width;
    put(o, p,
        "    for (int i = 0; i < $o; i++)\n"
        "        for (int j = 0; j < $m; j++, y += $f) {\n"
        "            const int top = i * $s$p, left = j * $t$q;\n");
    put(o, p,
        w->pad_top > 0 ? "            const int a0 = top < 0 ? -top : 0, a1 = "
                       : "            const int a0 = 0, a1 = ");
    put(o, p, bottom > w->height ? "top + $u > $h ? $h - top : $u;\n" : "$u;\n");
    put(o, p,
        w->pad_left > 0 ? "            const int b0 = left < 0 ? -left : 0, b1 = "
                        : "            const int b0 = 0, b1 = ");
    put(o, p, right > w->width ? "left + $v > $w ? $w - left : $v;\n" : "$v;\n");
}

static void write_real_product(const writer *o, const op *p)
{
    write_window(o, p);
    put(o, p,
        "            for (int f = 0; f < $f; f++) y[f] = $n_bias_$i[f];\n"
        "            for (int a = a0; a < a1; a++) {\n"
        "                const float *p = x + ((top + a) * $w + left + b0) * $c;\n"
        "                const float *w = $n_weights_$i + (a * $v + b0) * $c * $f;\n"
        "                for (int k = 0; k < (b1 - b0) * $c; k++, w += $f) {\n"
        "                    const float v = p[k];\n"
        "                    for (int f = 0; f < $f; f++) y[f] += v * w[f];\n"
        "                }\n"
        "            }\n");
    if (p->activation == FNN_RELU)
        put(o, p, "            for (int f = 0; f < $f; f++) y[f] = y[f] < 0 ? 0.0f : y[f];\n");
    put(o, p, "        }\n");
}

static void write_real_dense(const writer *o, const op *p)
{
    put(o, p,
        "    for (int f = 0; f < $f; f++) y[f] = $n_bias_$i[f];\n"
        "    for (int k = 0; k < $c; k++) {\n"
        "        const float v = x[k];\n"
        "        for (int f = 0; f < $f; f++) y[f] += v * $n_weights_$i[k * $f + f];\n"
        "    }\n");
    if (p->activation == FNN_RELU)
        put(o, p, "    for (int f = 0; f < $f; f++) y[f] = y[f] < 0 ? 0.0f : y[f];\n");
}

/* A sum of integers as output f. */
static void write_sum(const writer *o, const op *p)
{
    if (p->type != REAL) put(o, p, "y[f] = $n_$y($n_scaled(sum, $n_factor_$i[f], $z));\n");
    else if (p->activation == FNN_RELU)
        put(o, p, "y[f] = sum > 0 ? (float)sum * $n_factor_$i[f] : 0.0f;\n");
    else put(o, p, "y[f] = (float)sum * $n_factor_$i[f];\n");
}

static void write_int8_product(const writer *o, const op *p)
{
    write_window(o, p);
    put(o, p,
        "            for (int f = 0; f < $f; f++) {\n"
        "                int32_t sum = $n_bias_$i[f];\n"
        "                for (int a = a0; a < a1; a++) {\n"
        "                    const $x *p = x + ((top + a) * $w + left + b0) * $c;\n"
        "                    const int8_t *w = $n_weights_$i + ((f * $u + a) * $v + b0) * $c;\n"
        "                    for (int k = 0; k < (b1 - b0) * $c; k++) sum += p[k] * w[k];\n"
        "                }\n"
        "                ");
    write_sum(o, p);
    put(o, p,
        "            }\n"
        "        }\n");
}

static void write_int8_dense(const writer *o, const op *p)
{
    put(o, p,
        "    for (int f = 0; f < $f; f++) {\n"
        "        int32_t sum = $n_bias_$i[f];\n"
        "        for (int k = 0; k < $c; k++) sum += x[k] * $n_weights_$i[f * $c + k];\n"
        "        ");
    write_sum(o, p);
    put(o, p, "    }\n");
}

/* What is a dense layer: one number of a channel goes in, and one weight of it to each filter. A
 * larger window over a single pixel has weights that only lie on its pads. */
static void write_product(const writer *o, const op *p)
{
    const fnn_window *w = &p->window;
    const int dense = w->height * w->width == 1 && w->kernel_height * w->kernel_width == 1;
    if (o->p->is_int8) (dense ? write_int8_dense : write_int8_product)(o, p);
    else (dense ? write_real_dense : write_real_product)(o, p);
}

static void write_max_pool(const writer *o, const op *p)
{
    write_window(o, p);
    put(o, p,
        "            for (int c = 0; c < $c; c++)\n"
        "                y[c] = x[((top + a0) * $w + left + b0) * $c + c];\n"
        "            for (int a = a0; a < a1; a++)\n"
        "                for (int b = b0; b < b1; b++) {\n"
        "                    const $x *p = x + ((top + a) * $w + left + b) * $c;\n"
        "                    for (int c = 0; c < $c; c++) y[c] = ");
    put(o, p, o->p->is_int8 ? "" : "p[c] != p[c] ? p[c] : "); /* a NaN in the window is its most */
    put(o, p,
        "p[c] > y[c] ? p[c] : y[c];\n"
        "                }\n");
    if (p->factor) put(o, p, "            for (int c = 0; c < $c; c++) y[c] *= $a;\n");
    put(o, p, "        }\n");
}

static void write_average_pool(const writer *o, const op *p)
{
    write_window(o, p);
    put(o, p, "            for (int c = 0; c < $c; c++) {\n");
    put(o, p,
        o->p->is_int8 ? "                int32_t sum = 0;\n" : "                float sum = 0;\n");
    put(o, p,
        "                for (int a = a0; a < a1; a++)\n"
        "                    for (int b = b0; b < b1; b++)\n"
        "                        sum += x[((top + a) * $w + left + b) * $c + c];\n");
    if (p->type != REAL) {
        put(o, p, "                sum = sum * ($u * $v) / ((a1 - a0) * (b1 - b0));\n");
        fprintf(o->file, "                y[c] = %s_%s(%s_scaled(sum, %.0f, %d));\n", o->name,
                types[p->type], o->name, p->factor[0], p->shift);
    } else {
        put(o, p,
            p->factor ? "                y[c] = (float)sum * $a" : "                y[c] = sum");
        put(o, p, " / (float)((a1 - a0) * (b1 - b0));\n");
    }
    put(o, p,
        "            }\n"
        "        }\n");
}

/* ---- operations on each number ---- */

static void write_scale(const writer *o, const op *p)
{
    put(o, p,
        "    for (int i = 0; i < $e; i += $f)\n"
        "        for (int c = 0; c < $f; c++)\n");
    put(o, p,
        p->type == REAL ? "            y[i + c] = x[i + c] * $n_weights_$i[c] + $n_bias_$i[c];\n"
                        : "            y[i + c] = $n_$y((x[i + c] * $n_weights_$i[c] + "
                          "$n_bias_$i[c]) >> $z);\n");
}

static void write_add(const writer *o, const op *p)
{
    const double *w = p->weights;
    put(o, p, "    for (int i = 0; i < $e; i++) y[i] = ");
    if (!o->p->is_int8) put(o, p, "x[i] + r[i];\n");
    else if (p->type == REAL) {
        put(o, p, "(float)x[i] * ");
        put_float(o, w[0]);
        put(o, p, " + (float)r[i] * ");
        put_float(o, w[1]);
        put(o, p, ";\n");
    } else {
        put(o, p, "$n_$y(");
        fprintf(o->file, "(x[i] * %.0f + r[i] * %.0f + %d) >> %d);\n", w[0], w[1],
                1 << (p->shift - 1), p->shift);
    }
}

static void write_softmax(const writer *o, const op *p)
{
    put(o, p,
        "    float most = x[0], sum = 0;\n"
        "    for (int i = 1; i < $e; i++) most = x[i] > most ? x[i] : most;\n"
        "    for (int i = 0; i < $e; i++) y[i] = expf(x[i] - most);\n"
        "    for (int i = 0; i < $e; i++) sum += y[i];\n"
        "    for (int i = 0; i < $e; i++) y[i] /= sum;\n");
}

/* f(v), which is NaN where v is. */
static const char *formula(fnn_activation kind)
{
    switch ((int)kind) {
    case FNN_RELU: return "v < 0 ? 0.0f : v";
    case FNN_LEAKY_RELU: return "v > 0 ? v : $a * v";
    case FNN_ELU: return "v > 0 ? v : $a * (expf(v) - 1)";
    case FNN_GELU: return "v / 2 * (1 + erff(v * 0.707106781f))";
    case FNN_SIGMOID: return "1 / (1 + expf(-v))";
    case FNN_TANH: return "tanhf(v)";
    }
    return NULL;
}

static void write_activation(const writer *o, const op *p)
{
    const char *f = formula(p->activation);
    if (p->activation == FNN_SOFTMAX) write_softmax(o, p);
    else if (p->type != REAL)
        put(o, p, "    for (int i = 0; i < $e; i++) y[i] = $n_table_$i[(uint8_t)x[i]];\n");
    else if (!f) program_fail("%s: export_c knows no C for this activation", p->layers);
    else {
        put(o, p,
            "    for (int i = 0; i < $e; i++) {\n"
            "        const float v = x[i];\n"
            "        y[i] = ");
        put(o, p, f);
        put(o, p, ";\n    }\n");
    }
}

static void write_op(writer *o, const op *p)
{
    static void (*const bodies[])(const writer *o, const op *p) = {
        NULL,        write_product,    write_max_pool, write_average_pool,
        write_scale, write_activation, write_add}; /* in the order of op_kind */
    fprintf(o->file, "/* %s: %d x %d x %d */\n", p->layers, p->shape[0], p->shape[1], p->shape[2]);
    write_arrays(o, p);
    put(o, p, "static void $n_$i(const $x *x, ");
    if (p->kind == ADD) fprintf(o->file, "const %s *r, ", types[o->p->ops[p->other].type]);
    put(o, p, "$y *y)\n{\n");
    bodies[p->kind](o, p);
    put(o, p, "}\n\n");
}

/* ---- what is called ---- */

/* Where an operation's output lies. */
static void put_place(const writer *o, int i)
{
    const op *p = o->p->ops + i;
    if (i == 0) fputs("x", o->file);
    else if (i >= o->p->tail) fputs("out", o->file);
    else
        fprintf(o->file, "%s%s_scratch + %lu", p->type == SIGNED ? "(int8_t *)" : "", o->name,
                (unsigned long)p->offset);
}

static void write_run(const writer *o)
{
    const plan *p = o->p;
    put(o, p->ops, "static void $n_run(const $y *x, float *out)\n{\n");
    for (int i = 1; i < p->count; i++) {
        const op *n = p->ops + i;
        put(o, n, "    $n_$i(");
        put_place(o, n->from);
        fputs(", ", o->file);
        if (n->kind == ADD) put_place(o, n->other), fputs(", ", o->file);
        put_place(o, i);
        fputs(");\n", o->file);
    }
    put(o, p->ops, "}\n\n");
}

/* A number of the normalisation, for feature i: itself where it is the same for all. */
static void put_of_input(const writer *o, const char *what, int real, double value)
{
    const op *input = o->p->ops;
    const int n = input_period(input);
    if (n == 1 && real) put_float(o, value);
    else if (n == 1) fprintf(o->file, "%.0f", value);
    else if (n == input->size) fprintf(o->file, "%s_%s_0[i]", o->name, what);
    else fprintf(o->file, "%s_%s_0[i %% %d]", o->name, what, n);
}

static void write_input_arrays(writer *o)
{
    const op *input = o->p->ops;
    const size_t n = (size_t)input_period(input);
    double *weights = (double *)program_memory(2 * n, sizeof *weights), *bias = weights + n;
    for (size_t i = 0; i < n; i++) weights[i] = byte_weight(input, (int)i);
    for (size_t i = 0; i < n; i++) bias[i] = byte_bias(input, (int)i);
    if (n > 1) {
        put_array(o, input, "float", 4, "shift", n, input->bias);
        put_array(o, input, "float", 4, "scale", n, input->weights);
    }
    if (n > 1 && input->type != REAL) {
        put_array(o, input, "int32_t", 4, "weights", n, weights);
        put_array(o, input, "int32_t", 4, "bias", n, bias);
    }
    free(weights);
}

/* One of the two calls: as_it_is is whether the operations read what the caller gives. */
static void write_predict(const writer *o, const char *suffix, const char *type, int as_it_is)
{
    const op *input = o->p->ops;
    const int bytes = type[0] == 'u';
    fprintf(o->file, "int %s_predict%s(const %s *in, float *out)\n{\n", o->name, suffix, type);
    if (!as_it_is)
        fprintf(o->file, "    %s *x = %s%s_scratch + %lu;\n", types[input->type],
                input->type == SIGNED ? "(int8_t *)" : "", o->name, (unsigned long)input->offset);
    put(o, input, "    if (!in || !out) return 1;\n");
    if (as_it_is) {
        put(o, input, "    $n_run(in, out);\n    return 0;\n}\n\n");
        return;
    }
    put(o, input, "    for (int i = 0; i < $e; i++) x[i] = ");
    if (bytes && input->type != REAL) {
        put(o, input, "$n_$y((in[i] * ");
        put_of_input(o, "weights", 0, byte_weight(input, 0));
        put(o, input, " + ");
        put_of_input(o, "bias", 0, byte_bias(input, 0));
        put(o, input, ") >> $z);\n");
    } else {
        put(o, input, input->type == REAL ? "(" : "$n_rounded((");
        put(o, input, bytes ? "(float)in[i] - " : "in[i] - ");
        put_of_input(o, "shift", 1, input->bias[0]);
        put(o, input, ") * ");
        put_of_input(o, "scale", 1, input->weights[0]);
        put(o, input, input->type == REAL ? ";\n" : ");\n");
    }
    put(o, input, "    $n_run(x, out);\n    return 0;\n}\n\n");
}

static int is_normalised(const op *input)
{
    return input_period(input) != 1 || input->bias[0] != 0 || input->weights[0] != 1;
}

static void write_calls(const writer *o)
{
    const op *input = o->p->ops;
    write_predict(o, "", "float", input->type == REAL && !is_normalised(input));
    write_predict(o, "_bytes", "uint8_t", input->type == UNSIGNED && input->shift == 0);
}

/* ---- integers ---- */

/* Whether an operation of one of these kinds (bits) gives numbers of that type by a formula. */
static int gives(const plan *p, unsigned kinds, number type)
{
    for (int i = 0; i < p->tail; i++)
        if (kinds >> p->ops[i].kind & 1 && p->ops[i].type == type && (i > 0 || p->ops[i].shift > 0))
            return 1;
    return 0;
}

static void write_helpers(const writer *o)
{
    const plan *p = o->p;
    const op *input = p->ops;
    const unsigned scaled = 1u << PRODUCT | 1u << AVERAGE_POOL;
    const unsigned all = scaled | 1u << SCALE | 1u << ADD | 1u << INPUT;
    for (number type = UNSIGNED; p->is_int8 && type <= SIGNED; type = (number)(type + 1)) {
        if (!gives(p, all, type)) continue;
        fprintf(o->file, "/* The nearest %s. */\nstatic %s %s_%s(int64_t v)\n{\n", types[type],
                types[type], o->name, types[type]);
        fprintf(o->file, "    return (%s)(v < %.0f ? %.0f : v > %.0f ? %.0f : v);\n}\n\n",
                types[type], least_of(type), least_of(type), most_of(type), most_of(type));
    }
    if (p->is_int8 && (gives(p, scaled, UNSIGNED) || gives(p, scaled, SIGNED)))
        put(o, input,
            "/* sum * factor / 2^shift, rounded; >> keeps the sign, as every compiler does it. */\n"
            "static int64_t $n_scaled(int32_t sum, int32_t factor, int shift)\n{\n"
            "    return ((int64_t)sum * factor + ((int64_t)1 << (shift - 1))) >> shift;\n}\n\n");
    if (!p->is_int8) return;
    put(o, input,
        "/* The nearest $y, the least one of a NaN. */\n"
        "static $y $n_rounded(float v)\n{\n");
    fprintf(o->file, "    if (!(v > %.1ff)) v = %.1ff;\n    if (v > %.1ff) v = %.1ff;\n",
            least_of(input->type), least_of(input->type), most_of(input->type),
            most_of(input->type));
    put(o, input,
        input->type == UNSIGNED ? "    return ($y)(v + 0.5f);\n}\n\n"
                                : "    return ($y)((int)(v + 128.5f) - 128);\n}\n\n");
}

/* ---- the file ---- */

static void write_head(const writer *o)
{
    const plan *p = o->p;
    int in[3], classes = 0;
    fnn_shapes(o->model, in, NULL);
    while (fnn_class_name(o->model, classes)) classes++;
    fprintf(o->file,
            "/* A neural network in %s, written by examples/export_c.c of fmnist_nn.h.\n"
            " * in: a sample of %d x %d x %d (height, width, channels; channels contiguous) as the "
            "data set\n * has it, before it is normalised; out: what the model predicts. The two "
            "do not overlap.\n * 0 is returned, or 1 where one of them is NULL. The scratch memory "
            "is one for all calls:\n * one thread at a time. */\n",
            p->is_int8 ? "integers of eight bits" : "floats", in[0], in[1], in[2]);
    put(o, p->ops, "#include <math.h>\n#include <stdint.h>\n\n");
    put(o, p->ops, "#define $N_INPUTS $e\n");
    put(o, p->ops + p->count - 1, "#define $N_OUTPUTS $e\n");
    fprintf(o->file, "#define %s_SCRATCH %lu /* bytes */\n", o->upper,
            (unsigned long)(p->scratch * (p->is_int8 ? 1 : 4)));
    if (classes) fprintf(o->file, "#define %s_CLASSES %d\n", o->upper, classes);
    put(o, p->ops,
        "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
        "int $n_predict(const float *in, float *out);\n"
        "int $n_predict_bytes(const uint8_t *in, float *out);\n");
    if (classes) put(o, p->ops, "extern const char *const $n_classes[$N_CLASSES];\n");
    put(o, p->ops, "#ifdef __cplusplus\n}\n#endif\n\n");
    if (classes) put(o, p->ops, "const char *const $n_classes[$N_CLASSES] = {");
    for (int i = 0; i < classes; i++) {
        fputs("\n    ", o->file);
        put_string(o, fnn_class_name(o->model, i));
        if (i < classes - 1) putc(',', o->file);
    }
    if (classes) fputs("\n};\n\n", o->file);
    put(o, p->ops,
        p->is_int8 ? "static uint8_t $n_scratch[$N_SCRATCH];\n\n"
                   : "static float $n_scratch[$N_SCRATCH / 4];\n\n");
}

/* ---- the self-test ---- */

enum { SAMPLES = 3, TRIED = 100 }; /* in the file; looked at for these */

/* Samples where there are no images: random numbers, normalised from -1 to 1. */
static fnn_dataset made_up(const plan *p)
{
    const op *input = p->ops;
    fnn_real *x = (fnn_real *)program_memory(TRIED * (size_t)input->size, sizeof *x);
    fnn_dataset data = fnn_dataset_table(x, NULL, TRIED, input->size, 0);
    uint32_t state = 1;
    for (int i = 0; i < TRIED * input->size; i++) {
        const int k = i % input->size;
        const double scale = input->weights[k] != 0 ? input->weights[k] : 1;
        state = state * 1664525 + 1013904223;
        x[i] = (fnn_real)(input->bias[k] + (ldexp(state, -31) - 1) / scale);
    }
    data.height = input->shape[0], data.width = input->shape[1], data.channels = input->shape[2];
    return data;
}

/* How large the largest output is among all: 1 of a softmax that is sure. */
static double sureness(const fnn_real *y, int n)
{
    double most = 0, sum = 0;
    for (int k = 0; k < n; k++) {
        most = fmax(most, fabs((double)y[k]));
        sum += fabs((double)y[k]);
    }
    return sum > 0 ? most / sum : 1;
}

/* The samples that the model is least sure of: there its outputs tell of every weight. */
static fnn_dataset least_sure(const fnn_model *m, const fnn_dataset *data, int outputs)
{
    fnn_dataset tried = *data, chosen;
    int64_t best[SAMPLES], count = 0;
    if (tried.count > TRIED) tried.count = TRIED;
    fnn_real *y = (fnn_real *)program_memory((size_t)tried.count * (size_t)outputs, sizeof *y);
    if (fnn_predict(m, NULL, &tried, y)) program_fail("no prediction of samples");
    for (; count < SAMPLES && count < tried.count; count++) {
        double least = 2;
        for (int64_t i = 0; i < tried.count; i++) {
            const double sure = sureness(y + i * outputs, outputs);
            int is_new = 1;
            for (int64_t k = 0; k < count; k++) is_new = is_new && best[k] != i;
            if (is_new && sure < least) least = sure, best[count] = i;
        }
        if (least > 1) program_fail("the outputs are not finite");
    }
    if (fnn_dataset_subset(&tried, best, count, &chosen, NULL))
        program_fail("expected samples, found none");
    free(y);
    return chosen;
}

/* Samples (count) and what the network makes of them, compared when the program is compiled with
 * NAME_SELF_TEST. */
static void write_self_test(const writer *o, const fnn_dataset *samples, const fnn_real *outputs)
{
    const op *input = o->p->ops;
    const size_t size = (size_t)input->size, n = (size_t)o->p->outputs;
    double *x = (double *)program_memory(size + n, sizeof *x), *y = x + size;
    put(o, input, "#ifdef $N_SELF_TEST\n#include <stdio.h>\n\nstatic const ");
    fprintf(o->file, "%s ", samples->bytes ? "uint8_t" : "float");
    put(o, input, "$n_in[][$N_INPUTS] = {\n");
    for (int64_t i = 0; i < samples->count; i++) {
        const size_t first = (size_t)fnn_dataset_row(samples, i) * size;
        for (size_t k = 0; k < size; k++)
            x[k] = samples->bytes ? samples->bytes[first + k] : (double)samples->reals[first + k];
        put_numbers(o, !samples->bytes, size, x);
        fputs(",\n", o->file);
    }
    put(o, input, "};\nstatic const float $n_out[][$N_OUTPUTS] = {\n");
    for (size_t i = 0; i < (size_t)samples->count; i++) {
        for (size_t k = 0; k < n; k++) y[k] = (double)outputs[i * n + k];
        put_numbers(o, 1, n, y);
        fputs(",\n", o->file);
    }
    put(o, input,
        "};\n\n"
        "int main(void)\n"
        "{\n"
        "    const int samples = (int)(sizeof $n_out / sizeof *$n_out);\n"
        "    float y[$N_OUTPUTS], most = 0;\n"
        "    int wrong = 0;\n"
        "    for (int i = 0; i < samples * $N_OUTPUTS; i++)\n"
        "        most = fmaxf(most, fabsf($n_out[i / $N_OUTPUTS][i % $N_OUTPUTS]));\n"
        "    for (int i = 0; i < samples; i++) {\n"
        "        if ($n_predict");
    put(o, input, samples->bytes ? "_bytes" : "");
    put(o, input,
        "($n_in[i], y)) return 1;\n"
        "        for (int k = 0; k < $N_OUTPUTS; k++) {\n"
        "            const float right = $n_out[i][k];\n"
        "            if (fabsf(y[k] - right) <= most * 1e-4f) continue;\n"
        "            printf(\"sample %d, output %d: expected %.9g, found %.9g\\n\", i, k,\n"
        "                   (double)right, (double)y[k]);\n"
        "            wrong = 1;\n"
        "        }\n"
        "    }\n"
        "    puts(wrong ? \"self-test failed\" : \"self-test passed\");\n"
        "    return wrong;\n"
        "}\n#endif\n");
    free(x);
}

/* ---- all of it ---- */

static void write_c(writer *o, const fnn_dataset *samples, const fnn_real *outputs)
{
    for (size_t i = 0; o->name[i]; i++) o->upper[i] = (char)toupper((unsigned char)o->name[i]);
    write_head(o);
    write_helpers(o);
    write_input_arrays(o);
    for (int i = 1; i < o->p->count; i++) write_op(o, o->p->ops + i);
    write_run(o);
    write_calls(o);
    write_self_test(o, samples, outputs);
}
#endif
