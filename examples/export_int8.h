/* A plan in integers of eight bits, for examples/export_c.c: ranges of all outputs, as seen on
 * images; weights, factors and tables of integers; and the plan carried out, as real numbers and as
 * integers, to the bit what the C does that is written of it.
 *
 * An output is unit q, q in 0 .. 255 where no image gave a negative one, else in -128 .. 127, of
 * which the images gave no less than -127; a filter's weights are unit' q', q' in -127 .. 127. So a
 * product is a sum of q q', and the output's integer is round(sum unit unit' / unit of the output):
 * a multiplication and a shift, no division and no float (Jacob et al. 2018, without their zero
 * points). All other activations than relu are tables of 256 outputs. */
#ifndef EXPORT_INT8_H
#define EXPORT_INT8_H

enum {
    CALIBRATED = 1000,   /* images that tell ranges, at most */
    MOST_INPUTS = 33000, /* of a product: 33,000 x 255 x 127 is below 2^30 */
    MOST_POOLED = 2900   /* numbers of a mean: 255 x 2900^2 is below 2^31 */
};

static double least_of(number type)
{
    return type == UNSIGNED ? 0 : -128;
}

static double most_of(number type)
{
    return type == UNSIGNED ? 255 : 127;
}

/* The nearest number of a type; of NaN, which an input may be, the least one. */
static double within(double value, number type)
{
    const double least = least_of(type), most = most_of(type);
    return !(value > least) ? least : value < most ? value : most;
}

/* floor(value / 2^shift), as >> does it. */
static double shifted(double value, int shift)
{
    return floor(ldexp(value, -shift));
}

/* ---- what the operations compute ---- */

static double activated(fnn_activation kind, double a, double x)
{
    switch ((int)kind) {
    case FNN_RELU: return x < 0 ? 0 : x;
    case FNN_LEAKY_RELU: return x > 0 ? x : a * x;
    case FNN_ELU: return x > 0 ? x : a * (exp(x) - 1);
    case FNN_GELU: return x / 2 * (1 + erf(x * sqrt(.5)));
    case FNN_SIGMOID: return 1 / (1 + exp(-x));
    case FNN_TANH: return tanh(x);
    }
    return x;
}

static void softmax(int n, const double *x, double *y)
{
    double most = x[0], sum = 0;
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) sum += y[i] = exp(x[i] - most);
    for (int i = 0; i < n; i++) y[i] /= sum;
}

/* A sum as the operation's output. In 64 bits: it has up to 31 of them, and the factor, too. */
static double finish(const op *o, int c, double sum)
{
    if (o->type == REAL) {
        const double y = o->factor ? (double)((float)sum * (float)o->factor[c]) : sum;
        return o->activation == FNN_RELU && y < 0 ? 0 : y;
    }
    const int64_t half = (int64_t)1 << (o->shift - 1);
    const double y = (double)(((int64_t)sum * (int64_t)o->factor[c] + half) >> o->shift);
    return within(o->activation == FNN_RELU && y < 0 ? 0 : y, o->type);
}

/* The part of window (i, j) that is inside the image: rows r[0] to r[1], columns r[2] to r[3]. */
static void inside(const fnn_window *w, int i, int j, int r[4])
{
    const int top = i * w->stride_height - w->pad_top, left = j * w->stride_width - w->pad_left;
    r[0] = top < 0 ? 0 : top;
    r[1] = top + w->kernel_height > w->height ? w->height : top + w->kernel_height;
    r[2] = left < 0 ? 0 : left;
    r[3] = left + w->kernel_width > w->width ? w->width : left + w->kernel_width;
}

static void product_at(const op *o, const double *x, int i, int j, double *y)
{
    const fnn_window *w = &o->window;
    const int filters = o->channels, channels = w->channels;
    const int top = i * w->stride_height - w->pad_top, left = j * w->stride_width - w->pad_left;
    int r[4];
    inside(w, i, j, r);
    memcpy(y, o->bias, (size_t)filters * sizeof *y);
    for (int row = r[0]; row < r[1]; row++) {
        const double *p = x + ((size_t)row * (size_t)w->width + (size_t)r[2]) * (size_t)channels;
        const double *weights = o->weights + (size_t)((row - top) * w->kernel_width + r[2] - left) *
                                                 (size_t)(channels * filters);
        for (int k = 0; k < (r[3] - r[2]) * channels; k++, weights += filters)
            for (int f = 0; p[k] != 0 && f < filters; f++) y[f] += p[k] * weights[f];
    }
    for (int f = 0; f < filters; f++) y[f] = finish(o, f, y[f]);
}

static void pool_at(const op *o, number in, const double *x, int i, int j, double *y)
{
    const fnn_window *w = &o->window;
    int r[4];
    inside(w, i, j, r);
    const int count = (r[1] - r[0]) * (r[3] - r[2]);
    for (int c = 0; c < w->channels; c++) {
        double most = -INFINITY, sum = 0;
        for (int row = r[0]; row < r[1]; row++)
            for (int column = r[2]; column < r[3]; column++) {
                const double v = x[(row * w->width + column) * w->channels + c];
                most = v > most ? v : most;
                sum += v;
            }
        if (o->kind == MAX_POOL) y[c] = o->type == REAL ? finish(o, 0, most) : most;
        else if (o->type == REAL) y[c] = finish(o, 0, sum) / count;
        else if (in != REAL) /* as if the window were whole */
            y[c] = finish(o, 0, trunc(sum * w->kernel_height * w->kernel_width / count));
    }
}

/* SCALE, ACTIVATION and ADD. */
static void each(const op *o, const double *x, const double *other, double *y)
{
    if (o->activation == FNN_SOFTMAX) {
        softmax(o->size, x, y);
        return;
    }
    for (int i = 0; i < o->size; i++) {
        const int c = i % o->channels;
        const double v = o->kind == SCALE ? x[i] * o->weights[c] + o->bias[c]
                         : o->kind == ADD ? x[i] * o->weights[0] + other[i] * o->weights[1]
                                          : x[i];
        if (o->type == REAL) y[i] = activated(o->activation, o->parameter, v);
        else if (o->kind == ACTIVATION) y[i] = o->table[(int)v & 255];
        else
            y[i] = within(shifted(v + (o->kind == ADD ? ldexp(1, o->shift - 1) : 0), o->shift),
                          o->type);
    }
}

/* Carries a sample through the plan; t[0] holds it, t[i] gets the output of operation i. */
static void run(const plan *p, double **t)
{
    for (int n = 1; n < p->count; n++) {
        const op *o = p->ops + n;
        const fnn_window *w = &o->window;
        const double *x = t[o->from];
        double *y = t[n];
        if (o->kind == SCALE || o->kind == ACTIVATION || o->kind == ADD) {
            each(o, x, t[o->other], y);
            continue;
        }
        for (int i = 0; i < w->out_height; i++)
            for (int j = 0; j < w->out_width; j++, y += o->channels)
                if (o->kind == PRODUCT) product_at(o, x, i, j, y);
                else pool_at(o, p->ops[o->from].type, x, i, j, y);
    }
}

/* Room for the outputs of all operations. */
static double **tensors(const plan *p)
{
    double **t = (double **)program_memory((size_t)p->count, sizeof *t);
    for (int i = 0; i < p->count; i++)
        t[i] = (double *)program_memory((size_t)p->ops[i].size, sizeof **t);
    return t;
}

static void free_tensors(const plan *p, double **t)
{
    for (int i = 0; i < p->count; i++) free(t[i]);
    free(t);
}

/* ---- the input ---- */

/* After how many features the normalisation is the same again. */
static int input_period(const op *input)
{
    const int scale = period(input->weights, input->size, input->shape[2]);
    const int shift = period(input->bias, input->size, input->shape[2]);
    return scale > shift ? scale : shift;
}

/* A byte in eight bits: (byte weight + bias) / 2^shift in integers, itself where shift is 0. */
static double byte_weight(const op *input, int i)
{
    return floor(ldexp(input->weights[i], input->shift) + .5);
}

static double byte_bias(const op *input, int i)
{
    return floor(ldexp(.5 - input->bias[i] * input->weights[i], input->shift) + .5);
}

/* Sample i of data as the plan's input, in the arithmetic of the C that is written. */
static void read_sample(const plan *p, const fnn_dataset *data, int64_t i, double *x)
{
    const op *o = p->ops;
    const size_t first = (size_t)fnn_dataset_row(data, i) * (size_t)o->size;
    for (int k = 0; k < o->size; k++) {
        const double byte = data->bytes ? data->bytes[first + (size_t)k] : 0;
        const float v = data->bytes ? (float)byte : (float)data->reals[first + (size_t)k];
        const float y = (v - (float)o->bias[k]) * (float)o->weights[k];
        if (o->type == REAL) x[k] = (double)y;
        else if (data->bytes && o->shift == 0) x[k] = byte;
        else if (data->bytes)
            x[k] = within(shifted(byte * byte_weight(o, k) + byte_bias(o, k), o->shift), o->type);
        else {
            const float low = (float)least_of(o->type); /* so that no number is below zero */
            x[k] = floor((double)((float)within((double)y, o->type) + (.5f - low))) + (double)low;
        }
    }
}

/* ---- images, and the ranges they show ---- */

static fnn_dataset read_images(const fnn_model *m, const char *images, const char *labels)
{
    fnn_dataset data;
    fnn_error error;
    int in[3];
    fnn_shapes(m, in, NULL);
    if (fnn_read_idx(images, labels, NULL, &data, &error)) program_fail("%s", error.message);
    if (data.height != in[0] || data.width != in[1] || data.channels != in[2])
        program_fail(
            "%s: expected images of %d x %d x %d, which the model takes, found %d x %d x %d",
            images, in[0], in[1], in[2], data.height, data.width, data.channels);
    return data;
}

static void widen(op *o, double value)
{
    if (value < o->low) o->low = value;
    if (value > o->high) o->high = value;
}

/* The range of every output on images from all parts of the data. Bytes that are all normalised
 * alike may have any value. */
static void calibrate(plan *p, const fnn_dataset *data)
{
    double **t = tensors(p);
    op *input = p->ops;
    int64_t count = data->count;
    if (count > CALIBRATED) count = CALIBRATED;
    for (int64_t i = 0; i < count; i++) {
        read_sample(p, data, i * data->count / count, t[0]);
        run(p, t);
        for (int n = 0; n < p->count; n++)
            for (int k = 0; k < p->ops[n].size; k++) widen(p->ops + n, t[n][k]);
    }
    if (data->bytes && input_period(input) == 1)
        for (int byte = 0; byte < 256; byte += 255)
            widen(input, (byte - input->bias[0]) * input->weights[0]);
    free_tensors(p, t);
}

/* ---- integers in place of real numbers ---- */

/* Real factors (count) as integers with 2^shift below them, of which the largest has 31 bits. */
static void set_factors(op *o, const double *real, int count)
{
    double most = 0;
    int exponent;
    for (int c = 0; c < count; c++) most = real[c] > most ? real[c] : most;
    frexp(most, &exponent);
    o->shift = 31 - exponent > 62 ? 62 : 31 - exponent;
    if (o->shift < 1) program_fail("%s: its outputs are too small for integers", o->layers);
    o->factor = (double *)program_memory((size_t)count, sizeof *o->factor);
    for (int c = 0; c < count; c++) {
        o->factor[c] = floor(ldexp(real[c], o->shift) + .5);
        if (o->factor[c] > INT32_MAX) o->factor[c] = INT32_MAX;
    }
}

/* The largest shift, at most 24, by which a number of this size stays below 2^30. */
static int shift_for(const op *o, double size)
{
    int exponent;
    frexp(size, &exponent);
    if (exponent > 29) program_fail("%s: its outputs are too small for integers", o->layers);
    return 30 - exponent > 24 ? 24 : 30 - exponent;
}

static void quantise_product(op *o, double in)
{
    const int rows = o->window.kernel_height * o->window.kernel_width * o->window.channels;
    double *real = (double *)program_memory((size_t)o->channels, sizeof *real);
    if (rows > MOST_INPUTS)
        program_fail("%s: %d inputs, more than the %d whose int8 products an int32_t can hold",
                     o->layers, rows, MOST_INPUTS);
    for (int c = 0; c < o->channels; c++) {
        double most = ldexp(fabs(o->bias[c]) / in * 127, -30); /* so that b / unit is below 2^30 */
        for (int k = 0; k < rows; k++) most = fmax(most, fabs(o->weights[k * o->channels + c]));
        const double unit = most > 0 ? most / 127 : 1;
        for (int k = 0; k < rows; k++) {
            double *weight = o->weights + k * o->channels + c;
            *weight = floor(*weight / unit + .5);
        }
        o->bias[c] = floor(o->bias[c] / (in * unit) + .5);
        real[c] = in * unit / o->unit;
    }
    if (o->type == REAL) o->factor = real;
    else set_factors(o, real, o->channels), free(real);
}

static void quantise_pool(op *o, double in)
{
    const int size = o->window.kernel_height * o->window.kernel_width;
    const double real = in / o->unit / size;
    if (size > MOST_POOLED)
        program_fail("%s: a window of %d, more than the %d that an int32_t is sure to hold",
                     o->layers, size, MOST_POOLED);
    if (o->type == REAL) {
        o->factor = (double *)program_memory(1, sizeof *o->factor);
        o->factor[0] = in;
    } else if (o->kind == AVERAGE_POOL) set_factors(o, &real, 1);
}

static void quantise_scale(op *o, double in)
{
    double most = 0;
    for (int c = 0; c < o->channels; c++) {
        o->weights[c] *= in / o->unit;
        o->bias[c] /= o->unit;
        most = fmax(most, fabs(o->weights[c]) * 255 + fabs(o->bias[c]) + .5);
    }
    if (o->type == REAL) return;
    o->shift = shift_for(o, most);
    for (int c = 0; c < o->channels; c++) {
        o->weights[c] = floor(ldexp(o->weights[c], o->shift) + .5);
        o->bias[c] = floor(ldexp(o->bias[c] + .5, o->shift) + .5);
    }
}

static void quantise_add(op *o, double in, double other)
{
    o->weights[0] = in / o->unit;
    o->weights[1] = other / o->unit;
    if (o->type == REAL) return;
    o->shift = shift_for(o, (o->weights[0] + o->weights[1]) * 255 + .5);
    for (int i = 0; i < 2; i++) o->weights[i] = floor(ldexp(o->weights[i], o->shift) + .5);
}

static void quantise_activation(op *o, double in, number type)
{
    if (o->activation == FNN_SOFTMAX)
        program_fail("%s: int8 knows a softmax as the last layer only", o->layers);
    for (int byte = 0; byte < 256; byte++) {
        const int q = type == UNSIGNED || byte < 128 ? byte : byte - 256;
        const double y = activated(o->activation, o->parameter, q * in);
        o->table[byte] = (int)within(floor(y / o->unit + .5), o->type);
    }
}

static void quantise_input(op *o)
{
    double most = 0;
    for (int i = 0; i < o->size; i++) {
        o->weights[i] /= o->unit;
        most = fmax(most, fabs(o->weights[i]) * (255 + fabs(o->bias[i])) + .5);
    }
    const int as_they_are = o->type == UNSIGNED && input_period(o) == 1 && o->bias[0] == 0 &&
                            fabs(o->weights[0] - 1) < 1e-6;
    o->shift = as_they_are ? 0 : shift_for(o, most);
}

/* Makes integers of a plan by what its outputs are on these images. */
static void quantise(plan *p, const fnn_dataset *images)
{
    if (p->ops[p->tail].kind == SCALE || p->ops[p->tail].kind == ACTIVATION)
        program_fail("%s: int8 is for models with a dense layer, a convolution or a pool",
                     p->ops[p->tail].layers);
    calibrate(p, images);
    p->is_int8 = 1;
    for (int i = 0; i < p->tail; i++) {
        op *o = p->ops + i;
        o->type = o->low >= 0 ? UNSIGNED : SIGNED;
        o->unit = fmax(-o->low, o->high) / most_of(o->type);
        if (!(o->unit > 0)) o->unit = 1;
        if (o->kind == MAX_POOL) o->type = p->ops[o->from].type, o->unit = p->ops[o->from].unit;
    }
    quantise_input(p->ops);
    for (int i = 1; i <= p->tail; i++) {
        op *o = p->ops + i;
        const op *in = p->ops + o->from;
        switch (o->kind) {
        case PRODUCT: quantise_product(o, in->unit); break;
        case MAX_POOL:
        case AVERAGE_POOL: quantise_pool(o, in->unit); break;
        case SCALE: quantise_scale(o, in->unit); break;
        case ADD: quantise_add(o, in->unit, p->ops[o->other].unit); break;
        case ACTIVATION: quantise_activation(o, in->unit, in->type); break;
        case INPUT: break;
        }
    }
}

/* The outputs (count, outputs) of the first samples, in eight bits. */
static void predict_int8(const plan *p, const fnn_dataset *data, int64_t count, fnn_real *outputs)
{
#ifdef _OPENMP
#pragma omp parallel
#endif
    {
        double **t = tensors(p);
#ifdef _OPENMP
#pragma omp for
#endif
        for (int64_t i = 0; i < count; i++) {
            read_sample(p, data, i, t[0]);
            run(p, t);
            for (int k = 0; k < p->outputs; k++)
                outputs[i * p->outputs + k] = (fnn_real)t[p->count - 1][k];
        }
        free_tensors(p, t);
    }
}
#endif
