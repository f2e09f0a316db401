/* The convolutions against naive loops of wider numbers on every instruction set: exactly on
 * integers, within the error bound of a sum on reals, or of Winograd's transforms where those are
 * used; windows against Keras' definition; guard pages, argument errors, memory, and the same bits
 * for any batch and any number of threads.
 * tests/exhaustive_conv.c includes this file and adds every small shape. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#ifndef FMNIST_NN_IMPLEMENTATION
#define FMNIST_NN_IMPLEMENTATION
#endif
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"
#include "guarded.h"
#include "operands.h"
#include "sums.h"
#include "winograd.h"
#include <limits.h>
#include <math.h>

static int is_finite(wide x)
{
    return x - x == 0;
}

static budget memory = {-1, 0, 1, 0, 0, 0, 0, 0, 0}; /* no limit; full of NaN */
static fnn_allocator contexts_allocator = {budget_allocate, budget_release, &memory};

/* ---- a problem: window, arrays, and the reference ---- */
enum { X, WEIGHTS, BIAS, DY, Y, DX, DW, DB, ARRAYS, RESULT = Y, RESULTS = ARRAYS - RESULT };
static const char *const array_names[ARRAYS] = {"x", "weights", "bias", "dy",
                                                "y", "dx",      "dw",   "db"};

typedef struct problem {
    fnn_window window;
    int filters;
    ptrdiff_t images;
    int bare; /* without a bias and its gradient */
    size_t count[ARRAYS];
    fnn_real *a[ARRAYS];
    wide *truth[RESULTS], *sizes[RESULTS]; /* sums, and the same of absolute values, for bounds */
} problem;

/* What a convolution's shape is made of, for tables. */
typedef struct dimensions {
    int images, height, width, channels, kernel_height, kernel_width, stride_height, stride_width;
    fnn_padding padding;
    int filters;
} dimensions;

static void measure(problem *p)
{
    const fnn_window *w = &p->window;
    const size_t filters = (size_t)p->filters, images = (size_t)p->images;
    const size_t pixel_count = (size_t)(w->height * w->width);
    p->count[X] = p->count[DX] = images * pixel_count * (size_t)w->channels;
    p->count[WEIGHTS] = p->count[DW] =
        (size_t)(w->kernel_height * w->kernel_width * w->channels) * filters;
    p->count[BIAS] = p->count[DB] = filters;
    p->count[Y] = p->count[DY] = images * (size_t)(w->out_height * w->out_width) * filters;
}

static fnn_result make_window(const dimensions *d, int pad_height, int pad_width, fnn_window *w)
{
    if (d->padding == FNN_EXPLICIT)
        return fnn_window_make_padded(d->height, d->width, d->channels, d->kernel_height,
                                      d->kernel_width, d->stride_height, d->stride_width,
                                      pad_height, pad_width, w);
    return fnn_window_make(d->height, d->width, d->channels, d->kernel_height, d->kernel_width,
                           d->stride_height, d->stride_width, d->padding, w);
}

/* Returns 0 when there is no such window: one larger than the image with its pads, which go with
 * FNN_EXPLICIT alone. */
static int shape_padded(problem *p, const dimensions *d, int pad_height, int pad_width)
{
    memset(p, 0, sizeof *p);
    if (make_window(d, pad_height, pad_width, &p->window)) return 0;
    p->filters = d->filters;
    p->images = d->images;
    measure(p);
    return 1;
}

/* The same with half the kernel for pads, as networks have them. */
static int shape(problem *p, const dimensions *d)
{
    return shape_padded(p, d, d->kernel_height / 2, d->kernel_width / 2);
}

/* ---- the reference, with mistakes for the controls ---- */
enum {
    RIGHT,
    SHIFTED_TAP,     /* the kernel's last column of taps reads one pixel further left */
    NO_PAD_ROW,      /* the rows start at the image's, not at the padding's */
    NO_PAD_COLUMN,   /* the columns */
    WRAPPED_ROW,     /* what lies left of a row is the end of the row before */
    NO_LAST_CHANNEL, /* the last channel is left out */
    NO_LAST_FILTER,  /* the last filter */
    NO_LAST_PIXEL,   /* the last image's last pixel */
    FLIPPED_KERNEL,  /* a convolution in the mathematical sense */
    MISTAKES
};

/* All terms of one tap at one output pixel: dy[to, f], x[from, c], weights[tap, c, f]. */
static void add_terms(const problem *p, int mistake, ptrdiff_t to, ptrdiff_t from, ptrdiff_t tap,
                      wide *const *sums, int absolute)
{
    const int filters = p->filters, channels = p->window.channels;
    const int last_filter = filters - (mistake == NO_LAST_FILTER);
    const fnn_real *dy = p->a[DY] + to * filters, *x = p->a[X] + from * channels;
    wide *y = sums[Y - RESULT] + to * filters, *dx = sums[DX - RESULT] + from * channels;
    int c, f;
    for (c = 0; c < channels - (mistake == NO_LAST_CHANNEL); c++) {
        const ptrdiff_t row = (tap * channels + c) * filters;
        const fnn_real *weights = p->a[WEIGHTS] + row;
        wide *dw = sums[DW - RESULT] + row, sum = 0;
        const wide value = absolute ? magnitude((wide)x[c]) : (wide)x[c];
        for (f = 0; f < last_filter; f++) {
            const wide w = absolute ? magnitude((wide)weights[f]) : (wide)weights[f];
            const wide d = absolute ? magnitude((wide)dy[f]) : (wide)dy[f];
            y[f] += value * w;
            dw[f] += value * d;
            sum += d * w;
        }
        dx[c] += sum;
    }
}

/* Where tap (kh, kw) of output (i, j) of an image reads: a pixel, or -1 outside of the image. */
static ptrdiff_t tap_pixel(const fnn_window *w, int mistake, int i, int j, int kh, int kw)
{
    const int row = i * w->stride_height - (mistake == NO_PAD_ROW ? 0 : w->pad_top) + kh;
    const int column = j * w->stride_width - (mistake == NO_PAD_COLUMN ? 0 : w->pad_left) + kw -
                       (mistake == SHIFTED_TAP && kw == w->kernel_width - 1);
    const ptrdiff_t pixel = (ptrdiff_t)row * w->width + column;
    if (row < 0 || row >= w->height || column >= w->width) return -1;
    return column >= 0 || (mistake == WRAPPED_ROW && pixel >= 0) ? pixel : -1;
}

static void add_image(const problem *p, int mistake, ptrdiff_t image, wide *const *sums,
                      int absolute)
{
    const fnn_window *w = &p->window;
    const ptrdiff_t taps = (ptrdiff_t)w->kernel_height * w->kernel_width;
    int i, j, kh, kw;
    for (i = 0; i < w->out_height; i++)
        for (j = 0; j < w->out_width; j++)
            for (kh = 0; kh < w->kernel_height; kh++)
                for (kw = 0; kw < w->kernel_width; kw++) {
                    const ptrdiff_t from = tap_pixel(w, mistake, i, j, kh, kw);
                    const ptrdiff_t to = (image * w->out_height + i) * w->out_width + j;
                    const ptrdiff_t tap = (ptrdiff_t)kh * w->kernel_width + kw;
                    if (from < 0) continue;
                    if (mistake == NO_LAST_PIXEL && image == p->images - 1 &&
                        from == (ptrdiff_t)w->height * w->width - 1)
                        continue;
                    add_terms(p, mistake, to, image * w->height * w->width + from,
                              mistake == FLIPPED_KERNEL ? taps - 1 - tap : tap, sums, absolute);
                }
}

/* All four results by the definition. */
static void compute(const problem *p, int mistake, wide *const *sums, int absolute)
{
    const size_t filters = (size_t)p->filters;
    ptrdiff_t image;
    size_t i;
    int r;
    for (r = 0; r < RESULTS; r++)
        for (i = 0; i < p->count[RESULT + r]; i++) sums[r][i] = 0;
    for (i = 0; i < p->count[Y]; i++) {
        const wide b = p->bare ? 0 : (wide)p->a[BIAS][i % filters], d = (wide)p->a[DY][i];
        sums[Y - RESULT][i] = absolute ? magnitude(b) : b;
        sums[DB - RESULT][i % filters] += absolute ? magnitude(d) : d;
    }
    for (image = 0; image < p->images; image++) add_image(p, mistake, image, sums, absolute);
}

/* ---- what a result by Winograd's transforms may err by ----
 * Let u be half the distance from 1 to the next number, and g(n) = n u / (1 - n u). A result is a
 * sum of products of inputs and constants. If each such product goes through at most N roundings
 * on its way, the result errs by at most g(N) times the sum of the products' absolute values
 * (Higham, Accuracy and Stability, lemma 3.1). That sum is, with |.| element by element,
 *     S = |A^T| [sum over channels of (|G| |g| |G^T|) o (|B^T| |d| |B|)] |A| + |bias|
 * which is some hundred times the sum of |g| |d|: that is the price of fewer multiplications.
 * Roundings, of the code in the kernels:
 *     B^T d    2 at most, in each of two directions                                      4
 *     G g      4: a sixth itself is rounded, g[0] + g[2], the product, and the sum       8
 *     chain    one of each channel's multiply-add, the first included                    C
 *     bias     1
 *     A^T m    3: (m[1] + m[2]) + m[0] + (m[3] + m[4])                                   6
 * so that N = C + 19 (18 without a bias). The gradient towards the input is the same with the
 * filters for channels. The gradient towards the weights is
 *     G^T [sum over tiles of (A |dy| A^T) o (B^T |d| B)] G
 *     A d      2 at most, in each direction                                              4
 *     B^T d                                                                              4
 *     G^T u    4: u[1] + u[2], a sixth, its product, and the sum                         8
 *     chains   however a share's T tiles are cut into chains, of which each but the first is added
 *              to those before: a tile's term goes through those of its chain, at most l, and the
 *              sums with its own and later chains, of which there are no more than the T - l
 *              tiles outside of it                                                       T
 *     shares   one after the other                                         no more than shares
 * N = T + shares + 16. Where products are subnormal, each loses up to half the least number too. */
static int by_winograd(const problem *p, int array)
{
    const fnni_kernels *kernels = fnni_kernels_for(FNN_ISA_SCALAR);
    const fnn_real *weights = NULL;
    fnn_real *dx = NULL;
    fnni_conv g;
    if (contexts_no_winograd || array == DB) return 0;
    if (array == DW) return fnni_conv_weights_make(kernels, &p->window, p->filters, 1).winograd;
    if (array == Y) return fnni_conv_make(kernels, &p->window, p->filters, 1).winograd;
    return fnni_conv_backward(kernels, &p->window, p->filters, 1, 0, &g, &weights, &dx) &&
           g.winograd;
}

/* Images of so many pixels and channels. */
typedef struct pictures {
    const fnn_real *x;
    int height, width, channels;
} pictures;

/* |x| of a channel, size x size pixels from (top, left) on; zeros where there is no pixel. */
static void take_patch(const pictures *p, ptrdiff_t image, int channel, int size, int top, int left,
                       wide *patch)
{
    int i, j;
    for (i = top; i < top + size; i++)
        for (j = left; j < left + size; j++) {
            const int inside = i >= 0 && i < p->height && j >= 0 && j < p->width;
            const ptrdiff_t pixel = inside ? (image * p->height + i) * p->width + j : 0;
            *patch++ = inside ? magnitude((wide)p->x[pixel * p->channels + channel]) : 0;
        }
}

/* |G| |g| |G^T| for each filter and channel: of the kernels as they lie, or turned round with the
 * filters for channels. */
static wide *kernel_sizes(const problem *p, int turned)
{
    const int c_count = p->window.channels, f_count = p->filters;
    const int inputs = turned ? f_count : c_count;
    wide *u = (wide *)take((size_t)c_count * (size_t)f_count * POSITIONS * sizeof *u), taps[9];
    int c, f, tap;
    for (c = 0; c < c_count; c++)
        for (f = 0; f < f_count; f++) {
            const ptrdiff_t at = turned ? (ptrdiff_t)c * inputs + f : (ptrdiff_t)f * inputs + c;
            for (tap = 0; tap < 9; tap++)
                taps[turned ? 8 - tap : tap] =
                    magnitude((wide)p->a[WEIGHTS][((ptrdiff_t)tap * c_count + c) * f_count + f]);
            winograd_transform(&winograd_g, ABSOLUTE, taps, u + at * POSITIONS);
        }
    return u;
}

/* S of one tile of outputs, whose pictures have no numbers: to[pixel * filters + filter]. */
static void tile_sizes(const pictures *from, const pictures *out, ptrdiff_t image, int row,
                       int column, const wide *v, const wide *u, wide *to)
{
    int c, f, i, j, p;
    for (f = 0; f < out->channels; f++) {
        wide m[POSITIONS] = {0}, y[TILE * TILE];
        for (c = 0; c < from->channels; c++, u += POSITIONS)
            for (p = 0; p < POSITIONS; p++) m[p] += v[c * POSITIONS + p] * u[p];
        winograd_transform(&winograd_a, ABSOLUTE, m, y);
        for (i = 0; i < TILE && row + i < out->height; i++)
            for (j = 0; j < TILE && column + j < out->width; j++) {
                const ptrdiff_t pixel = (image * out->height + row + i) * out->width + column + j;
                to[pixel * out->channels + f] = y[i * TILE + j];
            }
    }
}

/* |x|'s patch of each channel, transformed. */
static void transform_patches(const pictures *p, ptrdiff_t image, const winograd_matrix *l, int how,
                              int size, int top, int left, wide *v)
{
    wide patch[POSITIONS];
    int c;
    for (c = 0; c < p->channels; c++) {
        take_patch(p, image, c, size, top, left, patch);
        winograd_transform(l, how | ABSOLUTE, patch, v + c * POSITIONS);
    }
}

/* The problem's x and dy. */
static pictures inputs_of(const problem *p)
{
    pictures x;
    x.x = p->a[X];
    x.height = p->window.height;
    x.width = p->window.width;
    x.channels = p->window.channels;
    return x;
}

static pictures outputs_of(const problem *p)
{
    pictures y;
    y.x = p->a[DY];
    y.height = p->window.out_height;
    y.width = p->window.out_width;
    y.channels = p->filters;
    return y;
}

static void correlation_sizes(const problem *p, int array, wide *sizes)
{
    const int turned = array == DX;
    const pictures from = turned ? outputs_of(p) : inputs_of(p);
    const pictures to = turned ? inputs_of(p) : outputs_of(p);
    const int top = turned ? 2 - p->window.pad_top : p->window.pad_top;
    const int left = turned ? 2 - p->window.pad_left : p->window.pad_left;
    wide *u = kernel_sizes(p, turned);
    wide *v = (wide *)take((size_t)from.channels * POSITIONS * sizeof *v);
    ptrdiff_t image;
    size_t i;
    int row, column;
    for (image = 0; image < p->images; image++)
        for (row = 0; row < to.height; row += TILE)
            for (column = 0; column < to.width; column += TILE) {
                transform_patches(&from, image, &winograd_b, AS_IT_STANDS, PATCH, row - top,
                                  column - left, v);
                tile_sizes(&from, &to, image, row, column, v, u, sizes);
            }
    for (i = 0; array == Y && !p->bare && i < p->count[Y]; i++)
        sizes[i] += magnitude((wide)p->a[BIAS][i % p->count[BIAS]]);
    free(u);
    free(v);
}

static void gradient_sizes(const problem *p, wide *sizes)
{
    const pictures x = inputs_of(p), dy = outputs_of(p);
    const size_t kernels = (size_t)x.channels * (size_t)dy.channels;
    wide *v = (wide *)take((size_t)x.channels * POSITIONS * sizeof *v), taps[9];
    wide *z = (wide *)take((size_t)dy.channels * POSITIONS * sizeof *z);
    wide *sums = (wide *)take_zeros(kernels * POSITIONS * sizeof *sums), *sum;
    ptrdiff_t image;
    size_t k;
    int row, column, c, f, i;
    for (image = 0; image < p->images; image++)
        for (row = 0; row < dy.height; row += TILE)
            for (column = 0; column < dy.width; column += TILE) {
                transform_patches(&x, image, &winograd_b, AS_IT_STANDS, PATCH,
                                  row - p->window.pad_top, column - p->window.pad_left, v);
                transform_patches(&dy, image, &winograd_a, TRANSPOSED, TILE, row, column, z);
                for (sum = sums, c = 0; c < x.channels; c++)
                    for (f = 0; f < dy.channels; f++, sum += POSITIONS)
                        for (i = 0; i < POSITIONS; i++)
                            sum[i] += v[c * POSITIONS + i] * z[f * POSITIONS + i];
            }
    for (k = 0; k < kernels; k++) {
        winograd_transform(&winograd_g, TRANSPOSED | ABSOLUTE, sums + k * POSITIONS, taps);
        for (i = 0; i < 9; i++) sizes[(size_t)i * kernels + k] = taps[i];
    }
    free(v);
    free(z);
    free(sums);
}

/* Memory for what shape() measured, numbers, and the reference where it is wanted. */
static void open_arrays(problem *p, int integers)
{
    int i;
    for (i = 0; i < ARRAYS; i++) {
        p->a[i] = (fnn_real *)take(p->count[i] * sizeof(fnn_real));
        if (i < RESULT) fill(p->a[i], p->count[i], integers);
    }
}

static void open_reference(problem *p)
{
    int r;
    for (r = 0; r < RESULTS; r++) {
        p->truth[r] = (wide *)take(p->count[RESULT + r] * sizeof(wide));
        p->sizes[r] = (wide *)take(p->count[RESULT + r] * sizeof(wide));
    }
    compute(p, RIGHT, p->truth, 0);
    compute(p, RIGHT, p->sizes, 1);
    if (by_winograd(p, Y)) correlation_sizes(p, Y, p->sizes[Y - RESULT]);
    if (by_winograd(p, DX)) correlation_sizes(p, DX, p->sizes[DX - RESULT]);
    if (by_winograd(p, DW)) gradient_sizes(p, p->sizes[DW - RESULT]);
}

static void open_problem(problem *p, int integers)
{
    open_arrays(p, integers);
    open_reference(p);
}

static void close_problem(problem *p)
{
    int i;
    for (i = 0; i < ARRAYS; i++) free(p->a[i]);
    for (i = 0; i < RESULTS; i++) {
        free(p->truth[i]);
        free(p->sizes[i]);
    }
}

/* ---- the three calls, and the checker ---- */
static fnn_result forward(const problem *p, fnn_context *context)
{
    return fnn_conv2d_forward(context, &p->window, p->filters, p->images, p->a[X], p->a[WEIGHTS],
                              p->bare ? NULL : p->a[BIAS], p->a[Y]);
}

static fnn_result backward_data(const problem *p, fnn_context *context)
{
    return fnn_conv2d_backward_data(context, &p->window, p->filters, p->images, p->a[DY],
                                    p->a[WEIGHTS], p->a[DX]);
}

static fnn_result backward_weights(const problem *p, fnn_context *context)
{
    return fnn_conv2d_backward_weights(context, &p->window, p->filters, p->images, p->a[X],
                                       p->a[DY], p->a[DW], p->bare ? NULL : p->a[DB]);
}

/* All three into results full of NaN: whatever is not overwritten shows. */
static fnn_result call(const problem *p, fnn_context *context)
{
    fnn_result result;
    int i;
    for (i = RESULT; i < ARRAYS; i++) fill_nan(p->a[i], p->count[i]);
    result = forward(p, context);
    if (!result) result = backward_data(p, context);
    if (!result) result = backward_weights(p, context);
    return result;
}

/* How many roundings a product of one of a result goes through, padding and bias included: those of
 * a sum of k terms in any order, k + 2, or Winograd's. */
static wide roundings(const problem *p, int array)
{
    const fnn_window *w = &p->window;
    const wide taps = (wide)w->kernel_height * w->kernel_width;
    const ptrdiff_t shares = fnni_share_count(p->images);
    const ptrdiff_t images = shares ? (p->images + shares - 1) / shares : 0; /* of one share */
    const int bias = array == Y && !p->bare;
    if (by_winograd(p, array)) {
        if (array != DW) return (wide)((array == Y ? w->channels : p->filters) + 18 + bias);
        return (wide)(images * ((w->out_height + 3) / 4) * ((w->out_width + 3) / 4) + shares + 16);
    }
    if (array == Y) return taps * w->channels + bias + 2;
    if (array == DX) return taps * p->filters + 2;
    return (wide)(p->images * w->out_height * w->out_width + 2);
}

/* What is lost besides where numbers are subnormal: half the least number at each product, and what
 * becomes of it in A^T m A, whose rows add up to 19 at most. */
static wide underflow(const problem *p, int array)
{
    const wide least = (wide)(FNNI_REAL_IS_DOUBLE ? DBL_MIN : (double)FLT_MIN) * (wide)EPSILON;
    return roundings(p, array) * least * (by_winograd(p, array) ? 19 * 19 : 1) / 2;
}

/* The checker: how many elements of a result differ by more than the bound, g(n) times their sum of
 * absolute values, g(n) = n u / (1 - n u) (exactly, where there are no transforms: at all). */
static size_t faults(const problem *p, int array, int exactly)
{
    const wide n = roundings(p, array) * (wide)UNIT, bound = SLACK * n / (1 - n);
    const wide least = underflow(p, array);
    const wide *truth = p->truth[array - RESULT], *sizes = p->sizes[array - RESULT];
    size_t i, found = 0;
    if (p->bare && array == DB) return 0;
    if (by_winograd(p, array)) exactly = 0;
    for (i = 0; i < p->count[array]; i++) {
        const wide error = magnitude((wide)p->a[array][i] - truth[i]);
        found += !(error <= (exactly ? 0 : bound * sizes[i] + least));
    }
    return found;
}

static const char *description(const problem *p)
{
    static char text[160];
    const fnn_window *w = &p->window;
    snprintf(text, sizeof text, "%ldx%dx%dx%d kernel %dx%d stride %dx%d pad %d,%d filters %d%s",
             (long)p->images, w->height, w->width, w->channels, w->kernel_height, w->kernel_width,
             w->stride_height, w->stride_width, w->pad_top, w->pad_left, p->filters,
             p->bare ? " bare" : "");
    return text;
}

/* Calls and checks on every instruction set. Returns whether all was well. */
static int holds(const problem *p, int exactly)
{
    int isa, array, good = CHECK(contexts[FNN_ISA_SCALAR]); /* a test that forgot contexts_open */
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        if (!contexts[isa]) continue;
        if (!CHECKF(!call(p, contexts[isa]), "%s: %s failed", fnn_isa_name((fnn_isa)isa),
                    description(p)))
            return 0;
        for (array = RESULT; array < ARRAYS; array++) {
            const size_t found = faults(p, array, exactly);
            good &= CHECKF(found == 0, "%s %s: %ld of %ld %s wrong", fnn_isa_name((fnn_isa)isa),
                           description(p), (long)found, (long)p->count[array], array_names[array]);
        }
    }
    return good;
}

/* ---- windows ---- */

/* Keras' definition by counting: valid has a position wherever the kernel lies within the image.
 * Same has one for every stride-th pixel, and the fewest zeros that let the last position end in
 * them, dealt out in turns, the first one behind. Returns the positions, 0 when there are none. */
static int count_positions(int length, int kernel, int stride, fnn_padding padding, int *before)
{
    int positions = 0, at, after = 0;
    *before = 0;
    for (at = 0; at < length; at += stride)
        if (padding == FNN_SAME || at + kernel <= length) positions++;
    if (padding == FNN_VALID) return positions;
    while ((positions - 1) * stride + kernel > *before + length + after)
        if (after > *before) ++*before;
        else ++after;
    return positions;
}

static int window_agrees(const fnn_window *w, int out_height, int top, int out_width, int left)
{
    return w->out_height == out_height && w->pad_top == top && w->out_width == out_width &&
           w->pad_left == left;
}

static int is_zeroed(const fnn_window *w)
{
    static const fnn_window zeros;
    return !memcmp(w, &zeros, sizeof zeros);
}

static void windows(void)
{
    enum { LENGTHS = 18, KERNELS = 9, STRIDES = 6 };
    int length, kernel, stride, padding, cases = 0;
    for (length = 1; length <= LENGTHS; length++)
        for (kernel = 1; kernel <= KERNELS; kernel++)
            for (stride = 1; stride <= STRIDES; stride++)
                for (padding = FNN_VALID; padding <= FNN_SAME; padding++) {
                    /* The other axis takes other sizes, so that none is taken for the other. */
                    const int width = LENGTHS + 1 - length, kw = 1 + kernel % KERNELS;
                    const int sw = 1 + stride % STRIDES;
                    int top, left;
                    const int oh =
                        count_positions(length, kernel, stride, (fnn_padding)padding, &top);
                    const int ow = count_positions(width, kw, sw, (fnn_padding)padding, &left);
                    fnn_window w;
                    const fnn_result result = fnn_window_make(length, width, 3, kernel, kw, stride,
                                                              sw, (fnn_padding)padding, &w);
                    cases++;
                    CHECK((result == FNN_ERROR_ARGUMENT) == (oh == 0 || ow == 0));
                    CHECK(!result || is_zeroed(&w));
                    if (result) continue;
                    CHECKF(window_agrees(&w, oh, top, ow, left),
                           "%dx%d kernel %dx%d stride %dx%d padding %d: %d from -%d, %d from -%d",
                           length, width, kernel, kw, stride, sw, padding, w.out_height, w.pad_top,
                           w.out_width, w.pad_left);
                    CHECK(w.height == length && w.width == width && w.channels == 3 &&
                          w.kernel_height == kernel && w.kernel_width == kw &&
                          w.stride_height == stride && w.stride_width == sw);
                }
    CHECK(cases == LENGTHS * KERNELS * STRIDES * 2);
}

/* PyTorch's by counting: a position wherever the kernel lies within the padded image. */
static int count_padded(int length, int kernel, int stride, int pad)
{
    int positions = 0, at;
    for (at = -pad; at + kernel <= length + pad; at += stride) positions++;
    return pad < 0 || pad >= kernel ? 0 : positions;
}

static void explicit_windows(void)
{
    enum { LENGTHS = 12, KERNELS = 7, STRIDES = 5 };
    int length, kernel, stride, pad, cases = 0, made = 0;
    for (length = 1; length <= LENGTHS; length++)
        for (kernel = 1; kernel <= KERNELS; kernel++)
            for (stride = 1; stride <= STRIDES; stride++)
                for (pad = -1; pad <= kernel; pad++) {
                    const int width = LENGTHS + 1 - length, kw = 1 + kernel % KERNELS;
                    const int sw = 1 + stride % STRIDES, side = pad / 2;
                    const int oh = count_padded(length, kernel, stride, pad);
                    const int ow = count_padded(width, kw, sw, side);
                    fnn_window w;
                    const fnn_result result = fnn_window_make_padded(length, width, 3, kernel, kw,
                                                                     stride, sw, pad, side, &w);
                    cases++;
                    CHECK((result == FNN_ERROR_ARGUMENT) == (oh == 0 || ow == 0));
                    CHECK(!result || is_zeroed(&w));
                    if (result) continue;
                    made++;
                    CHECKF(window_agrees(&w, oh, pad, ow, side),
                           "%dx%d kernel %dx%d stride %dx%d: %d from -%d, %d from -%d", length,
                           width, kernel, kw, stride, sw, w.out_height, w.pad_top, w.out_width,
                           w.pad_left);
                    CHECK(w.height == length && w.width == width && w.channels == 3 &&
                          w.kernel_height == kernel && w.kernel_width == kw &&
                          w.stride_height == stride && w.stride_width == sw);
                }
    CHECK(made > cases / 3 && made < cases * 2 / 3);
}

/* Layers of networks in PyTorch, by its formula, and where Keras' same padding differs. */
static void explicit_windows_by_hand(void)
{
    fnn_window w, other;
    CHECK(!fnn_window_make_padded(28, 28, 1, 3, 3, 2, 2, 1, 1, &w));
    CHECK(window_agrees(&w, 14, 1, 14, 1)); /* Conv2d(1, F, 3, stride=2, padding=1) */
    CHECK(!fnn_window_make(28, 28, 1, 3, 3, 2, 2, FNN_SAME, &w) && window_agrees(&w, 14, 0, 14, 0));
    CHECK(!fnn_window_make_padded(112, 112, 64, 3, 3, 2, 2, 1, 1, &w));
    CHECK(window_agrees(&w, 56, 1, 56, 1)); /* MaxPool2d(3, 2, padding=1) */
    CHECK(!fnn_window_make_padded(224, 224, 3, 7, 7, 2, 2, 3, 3, &w));
    CHECK(window_agrees(&w, 112, 3, 112, 3));
    CHECK(!fnn_window_make_padded(5, 6, 1, 3, 5, 1, 3, 0, 2, &w));
    CHECK(window_agrees(&w, 3, 0, 2, 2));
    CHECK(!fnn_window_make_padded(5, 5, 1, 2, 2, 1, 1, 1, 1, &w));
    CHECK(window_agrees(&w, 6, 1, 6, 1)); /* larger than the image */
    CHECK(!fnn_window_make_padded(1, 1, 1, 7, 7, 1, 1, 3, 3, &w) && window_agrees(&w, 1, 3, 1, 3));
    CHECK(!fnn_window_make(9, 7, 2, 3, 2, 2, 1, FNN_VALID, &w));
    CHECK(!fnn_window_make_padded(9, 7, 2, 3, 2, 2, 1, 0, 0, &other));
    CHECK(!memcmp(&w, &other, sizeof w)); /* without pads it is valid padding */
}

static void explicit_window_arguments(void)
{
    fnn_window w;
    CHECK(fnn_window_make_padded(5, 5, 2, 3, 3, 1, 1, 1, 1, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_window_make(5, 5, 2, 3, 3, 1, 1, FNN_EXPLICIT, &w) == FNN_ERROR_ARGUMENT);
    CHECK(is_zeroed(&w)); /* not as if its pads were 0, or what stood in the window */
#define PADDED(length, kernel, stride, pad) \
    fnn_window_make_padded(length, 5, 2, kernel, 3, stride, 1, pad, 1, &w)
    CHECK(!PADDED(5, 3, 1, 2) && window_agrees(&w, 7, 2, 5, 1));
    CHECK(PADDED(5, 3, 1, 3) == FNN_ERROR_ARGUMENT && is_zeroed(&w));
    CHECK(PADDED(5, 3, 1, -1) == FNN_ERROR_ARGUMENT);
    CHECK(PADDED(5, 3, 1, INT_MIN) == FNN_ERROR_ARGUMENT);
    CHECK(PADDED(5, 3, 1, INT_MAX) == FNN_ERROR_ARGUMENT);
    CHECK(PADDED(5, 3, 0, 1) == FNN_ERROR_ARGUMENT && PADDED(0, 3, 1, 1) == FNN_ERROR_ARGUMENT);
    CHECK(PADDED(5, INT_MAX, 1, INT_MAX) == FNN_ERROR_ARGUMENT);
    /* Sums that an int cannot hold: the output may, or may not. */
    CHECK(PADDED(5, INT_MAX, 1, INT_MAX - 1) == FNN_ERROR_ARGUMENT && is_zeroed(&w));
    CHECK(!PADDED(1, INT_MAX, 1, INT_MAX / 2) && window_agrees(&w, 1, INT_MAX / 2, 5, 1));
    CHECK(PADDED(2, INT_MAX, 1, INT_MAX - 1) == FNN_ERROR_ARGUMENT);
    CHECK(!PADDED(1, INT_MAX, 1, INT_MAX - 1) && window_agrees(&w, INT_MAX, INT_MAX - 1, 5, 1));
    CHECK(PADDED(INT_MAX, INT_MAX, 1, INT_MAX - 1) == FNN_ERROR_ARGUMENT && is_zeroed(&w));
    CHECK(!PADDED(INT_MAX, INT_MAX, 2, INT_MAX - 1));
    CHECK(window_agrees(&w, INT_MAX, INT_MAX - 1, 5, 1));
    CHECK(!PADDED(INT_MAX, 3, INT_MAX, 2) && window_agrees(&w, 2, 2, 5, 1));
#undef PADDED
}

static void windows_by_hand(void)
{
    fnn_window w;
    CHECK(!fnn_window_make(28, 28, 1, 3, 3, 1, 1, FNN_SAME, &w) && window_agrees(&w, 28, 1, 28, 1));
    CHECK(!fnn_window_make(28, 28, 1, 2, 4, 1, 1, FNN_SAME, &w) && window_agrees(&w, 28, 0, 28, 1));
    CHECK(!fnn_window_make(28, 27, 1, 3, 3, 2, 2, FNN_SAME, &w) && window_agrees(&w, 14, 0, 14, 1));
    CHECK(!fnn_window_make(10, 9, 1, 1, 1, 3, 3, FNN_SAME, &w) && window_agrees(&w, 4, 0, 3, 0));
    CHECK(!fnn_window_make(13, 11, 8, 3, 5, 1, 2, FNN_VALID, &w) && window_agrees(&w, 11, 0, 4, 0));
    CHECK(!fnn_window_make(1, 1, 1, 7, 7, 1, 1, FNN_SAME, &w) && window_agrees(&w, 1, 3, 1, 3));
    CHECK(!fnn_window_make(INT_MAX, 5, 1, INT_MAX, 5, INT_MAX, 1, FNN_SAME, &w));
    CHECK(window_agrees(&w, 1, 0, 5, 2));
}

static void window_arguments(void)
{
    int i;
    fnn_window w;
    for (i = 0; i < 7; i++) {
        int d[7] = {5, 5, 2, 3, 3, 1, 1};
        CHECK(!fnn_window_make(d[0], d[1], d[2], d[3], d[4], d[5], d[6], FNN_VALID, &w));
        CHECK(!is_zeroed(&w));
        for (d[i] = -1; d[i] < 1; d[i]++)
            CHECKF(fnn_window_make(d[0], d[1], d[2], d[3], d[4], d[5], d[6], FNN_SAME, &w) ==
                           FNN_ERROR_ARGUMENT &&
                       is_zeroed(&w),
                   "size %d of %d taken", i, d[i]);
    }
    CHECK(fnn_window_make(5, 5, 2, 3, 3, 1, 1, FNN_VALID, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_window_make(5, 5, 2, 6, 3, 1, 1, FNN_VALID, &w) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_window_make(5, 5, 2, 3, 6, 1, 1, FNN_VALID, &w) == FNN_ERROR_ARGUMENT);
    CHECK(!fnn_window_make(5, 5, 2, 3, 3, 1, 1, FNN_VALID, &w) && !is_zeroed(&w));
    CHECK(fnn_window_make(5, 5, 2, 3, 3, 1, 1, FNN_PADDING_COUNT, &w) == FNN_ERROR_ARGUMENT);
    CHECK(is_zeroed(&w));
    CHECK(fnn_window_make(5, 5, 2, 3, 3, 1, 1, (fnn_padding)-1, &w) == FNN_ERROR_ARGUMENT);
}

/* ---- shapes ---- */
static const int filter_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 33};
enum { FILTER_COUNTS = 12, LONGEST = 17, DEEPEST = 9, WIDEST = 7, FASTEST = 4 };

/* The index-th of a fixed sequence of small shapes; kernels and strides take turns. */
static int random_problem(problem *p, int index)
{
    dimensions d;
    d.images = 1 + below(3);
    d.height = 1 + below(LONGEST);
    d.width = 1 + below(LONGEST);
    d.channels = 1 + below(DEEPEST);
    d.kernel_height = 1 + index % WIDEST;
    d.kernel_width = index % 3 ? 1 + below(WIDEST) : d.kernel_height;
    d.stride_height = 1 + index / WIDEST % FASTEST;
    d.stride_width = index % 5 ? 1 + below(FASTEST) : d.stride_height;
    d.padding = (fnn_padding)below(FNN_PADDING_COUNT);
    d.filters = filter_counts[below(FILTER_COUNTS)];
    if (!shape_padded(p, &d, below(d.kernel_height), below(d.kernel_width))) return 0;
    p->bare = index % 5 == 3;
    return 1;
}

static void each_random(int count, int integers)
{
    int index, made = 0;
    seed = (uint64_t)(1 + integers);
    contexts_open(1);
    for (index = 0; index < count; index++) {
        problem p;
        if (!random_problem(&p, index)) continue;
        open_problem(&p, integers);
        holds(&p, integers);
        close_problem(&p);
        made++;
    }
    contexts_close();
    CHECKF(2 * made > count, "only %d shapes of %d", made, count);
}

static void integers_exactly(void)
{
    each_random(QUICK() ? 200 : 3000, 1);
}

static void reals_within_the_bound(void)
{
    each_random(QUICK() ? 200 : 3000, 0);
}

/* Shapes of networks, and such as blocks and panels of any size divide with a rest. */
static const dimensions large_shapes[] = {
    {2, 28, 28, 1, 3, 3, 1, 1, FNN_SAME, 32},      {2, 14, 14, 32, 3, 3, 1, 1, FNN_SAME, 64},
    {5, 13, 13, 8, 3, 3, 1, 1, FNN_VALID, 8},      {1, 14, 14, 32, 5, 5, 1, 1, FNN_SAME, 64},
    {2, 28, 28, 3, 3, 3, 2, 2, FNN_SAME, 17},      {1, 32, 32, 3, 7, 7, 3, 3, FNN_SAME, 40},
    {1, 28, 28, 3, 11, 11, 1, 1, FNN_SAME, 13},    {1, 20, 20, 5, 9, 9, 1, 1, FNN_VALID, 16},
    {2, 14, 14, 64, 1, 1, 1, 1, FNN_SAME, 96},     {2, 7, 7, 64, 3, 3, 1, 1, FNN_SAME, 128},
    {1, 5, 9, 150, 3, 2, 1, 2, FNN_SAME, 130},     {1, 3, 400, 2, 2, 9, 1, 3, FNN_VALID, 7},
    {1, 400, 3, 2, 9, 2, 3, 1, FNN_SAME, 7},       {40, 1, 1, 20, 1, 1, 1, 1, FNN_VALID, 10},
    {9, 6, 6, 12, 6, 6, 1, 1, FNN_VALID, 20},      {1, 33, 35, 6, 4, 4, 4, 4, FNN_VALID, 48},
    {2, 28, 28, 3, 7, 7, 2, 2, FNN_EXPLICIT, 17},  {2, 14, 14, 32, 3, 3, 2, 2, FNN_EXPLICIT, 64},
    {2, 28, 28, 1, 3, 3, 2, 2, FNN_EXPLICIT, 4},   {1, 14, 13, 8, 5, 5, 1, 1, FNN_EXPLICIT, 33},
    {1, 13, 20, 12, 3, 5, 2, 1, FNN_EXPLICIT, 20}, {2, 5, 4, 8, 2, 4, 1, 1, FNN_EXPLICIT, 16},
    {3, 1, 1, 20, 3, 3, 1, 1, FNN_EXPLICIT, 10},   {2, 9, 10, 8, 2, 3, 4, 4, FNN_EXPLICIT, 8},
};
enum { LARGE_SHAPES = sizeof large_shapes / sizeof large_shapes[0] };

static void networks(void)
{
    int i, integers;
    contexts_open(1);
    for (i = 0; i < LARGE_SHAPES; i++)
        for (integers = 0; integers < 2; integers++) {
            problem p;
            if (QUICK() && (i + integers) % 3) continue;
            CHECK(shape(&p, &large_shapes[i]));
            p.bare = integers;
            open_problem(&p, integers);
            holds(&p, integers);
            close_problem(&p);
        }
    contexts_close();
}

/* ---- by Winograd's transforms ---- */
static const int depths[] = {16, 17, 19, 31, 33, 37, 48, 64, 128};
static const int heights[] = {2, 1, 3, 4, 5, 6, 7, 8, 9, 13, 14, 28, 5, 2, 9, 40, 1};
static const int widths[] = {2, 1, 3, 4, 5, 6, 7, 8, 9, 13, 14, 28, 40, 3, 4, 2, 17};
enum { DEPTHS = 9, PLACES = 17 };

/* The index-th of a fixed sequence of shapes that Winograd's transforms are for, or barely not:
 * every size of image, by turns with every pair of depths, padding, and number of images, fewer
 * where the loops of the reference would take too long. */
static int winograd_problem(problem *p, int index, double most)
{
    static const int batches[] = {2, 1, 5, 3, 17};
    dimensions d = {0, 0, 0, 0, 3, 3, 1, 1, FNN_VALID, 0};
    const int place = index % PLACES;
    double work;
    d.images = batches[index % 5];
    d.height = heights[place];
    d.width = widths[place];
    d.channels = depths[index / 3 % DEPTHS];
    d.filters = depths[(index / 3 + index / 7) % DEPTHS];
    d.padding = (fnn_padding)(index % FNN_PADDING_COUNT);
    work = (double)d.height * d.width;
    if (work * d.images * d.channels * d.filters > most) d.images = 1 + index % 2;
    if (work * d.images * d.channels * d.filters > most) d.channels = 16 + index % 5;
    if (work * d.images * d.channels * d.filters > most) d.filters = 16 + index % 3;
    if (!shape_padded(p, &d, index / 3 % 3, index / 9 % 3)) return 0;
    if (index % 6 == 5) { /* a window of the caller's own, which sees more or less of the image */
        p->window.pad_top = below(6);
        p->window.pad_left = below(4);
        p->window.out_height = 1 + below(10);
        p->window.out_width = 1 + below(10);
        measure(p);
    }
    p->bare = index % 4 == 3;
    return 1;
}

/* What is hard for sums of differences: terms that cancel, one number among small ones, numbers
 * whose products are subnormal. */
enum { RANDOM, INTEGERS, CANCELLING, HUGE_PIXEL, SUBNORMAL, ZEROS, KINDS };
static void fill_hard(fnn_real *x, size_t count, int channels, int kind)
{
    const double least = FNNI_REAL_IS_DOUBLE ? DBL_MIN : (double)FLT_MIN;
    size_t i;
    for (i = 0; i < count; i++) {
        const size_t channel = i % (size_t)channels;
        if (kind == CANCELLING) x[i] = channel % 2 ? x[i] / 4096 - x[i - 1] : x[i] * 1000;
        else if (kind == SUBNORMAL) x[i] *= (fnn_real)(least / 256);
        else if (kind == ZEROS) x[i] = 0;
    }
    if (kind == HUGE_PIXEL)
        for (i = 0; i < (size_t)channels; i++)
            x[count / 2 + i - count / 2 % (size_t)channels] *= 1000000;
}

static void open_hard(problem *p, int kind)
{
    open_arrays(p, kind == INTEGERS);
    fill_hard(p->a[X], p->count[X], p->window.channels, kind);
    fill_hard(p->a[DY], p->count[DY], p->filters, kind);
    open_reference(p);
}

/* Zeros give no rounding at all: the bias, whatever its transforms, and zeros. */
static void zeros_are_exact(const problem *p)
{
    int array;
    for (array = Y; array <= DW; array++) {
        size_t i, wrong = 0;
        for (i = 0; i < p->count[array]; i++)
            wrong += (wide)p->a[array][i] != p->truth[array - RESULT][i];
        CHECKF(wrong == 0, "%s: %s of zeros", description(p), array_names[array]);
    }
}

static void each_winograd(int from, int to, double most)
{
    int index, transformed[RESULTS] = {0}, array;
    for (index = from; index < to; index++) {
        problem p;
        const int kind = index / 2 % 2 ? RANDOM : index / 4 % KINDS;
        if (!winograd_problem(&p, index, most)) continue;
        open_hard(&p, kind);
        holds(&p, kind == INTEGERS);
        if (kind == ZEROS) zeros_are_exact(&p);
        for (array = Y; array <= DW; array++) transformed[array - RESULT] += by_winograd(&p, array);
        close_problem(&p);
    }
#ifndef FMNIST_NN_NO_WINOGRAD
    for (array = Y; array <= DW; array++)
        CHECKF(2 * transformed[array - RESULT] > to - from, "only %d of %d %s are transformed",
               transformed[array - RESULT], to - from, array_names[array]);
#endif
}

static void winograd(void)
{
    seed = 5;
    contexts_open(1);
    each_winograd(0, QUICK() ? 40 : 72, QUICK() ? 2e5 : 4e5);
    contexts_close();
}

/* Sums over tiles go in chains: one more image in a share than fits into one, shares of two images
 * that have one each, or of many that fill one but for the last, chains of a part of an image. */
static const dimensions chained_shapes[] = {
    {33, 20, 20, 16, 3, 3, 1, 1, FNN_SAME, 16},
    {18, 24, 24, 16, 3, 3, 1, 1, FNN_SAME, 17},
    {1040, 4, 4, 16, 3, 3, 1, 1, FNN_SAME, 16},
    {17, 34, 35, 16, 3, 3, 1, 1, FNN_VALID, 16},
};

static void winograd_in_chains(void)
{
    size_t i;
    seed = 7;
    contexts_open(2);
    for (i = 0; i < sizeof chained_shapes / sizeof chained_shapes[0]; i++) {
        problem p;
        if (QUICK() && i % 3 != 1) continue;
        CHECK(shape(&p, &chained_shapes[i]));
        open_problem(&p, 0);
        holds(&p, 0);
        close_problem(&p);
    }
    contexts_close();
}

/* Where a context does without, all is exact again. */
static void no_winograd(void)
{
    int index;
    contexts_no_winograd = 1;
    contexts_open(1);
    for (index = 0; index < (QUICK() ? 10 : 30); index++) {
        problem p;
        if (!winograd_problem(&p, index, 3e5)) continue;
        open_problem(&p, 1);
        CHECK(!by_winograd(&p, Y) && !by_winograd(&p, DX) && !by_winograd(&p, DW));
        holds(&p, 1);
        close_problem(&p);
    }
    contexts_close();
    contexts_no_winograd = 0;
}

/* The root of the mean square error of a result. */
static double error_of(const problem *p, int array)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < p->count[array]; i++) {
        const double error = (double)((wide)p->a[array][i] - p->truth[array - RESULT][i]);
        sum += error * error;
    }
    return sqrt(sum / (double)p->count[array]);
}

/* Such a bound is hundreds of times what happens: it holds for the worst. In the mean, results of
 * random numbers err by 2.6 to 5.2 times as much as the direct sums (y and dx), dw by 3 to 6. */
#define WINOGRAD_ERRS 8
static int errs_little(const problem *p, int array, const double *direct)
{
    return error_of(p, array) < WINOGRAD_ERRS * direct[array];
}

static const dimensions winograd_shapes[] = {
    {3, 14, 14, 16, 3, 3, 1, 1, FNN_SAME, 16},   {3, 14, 14, 64, 3, 3, 1, 1, FNN_SAME, 64},
    {17, 7, 7, 33, 3, 3, 1, 1, FNN_SAME, 48},    {2, 9, 9, 128, 3, 3, 1, 1, FNN_VALID, 128},
    {9, 5, 6, 17, 3, 3, 1, 1, FNN_EXPLICIT, 19}, {20, 14, 14, 16, 3, 3, 1, 1, FNN_SAME, 16},
    {1, 28, 28, 16, 3, 3, 1, 1, FNN_SAME, 64},
};
enum { WINOGRAD_SHAPES = sizeof winograd_shapes / sizeof winograd_shapes[0] };

static void errors_of(const problem *p, double *errors)
{
    fnn_context *context;
    int array;
    contexts_no_winograd = 1;
    context = context_open(FNN_ISA_BEST, 1);
    contexts_no_winograd = 0;
    CHECK(context && !call(p, context));
    for (array = Y; array <= DW; array++) errors[array] = error_of(p, array);
    fnn_context_free(context);
}

static void winograd_errs_little(void)
{
    int i, array;
    seed = 6;
    for (i = 0; i < WINOGRAD_SHAPES; i++) {
        double direct[ARRAYS];
        problem p;
        if (QUICK() && i % 3) continue;
        CHECK(shape(&p, &winograd_shapes[i]));
        open_problem(&p, 0);
        errors_of(&p, direct);
        CHECK(!call(&p, NULL));
        for (array = Y; array <= DW; array++) {
            CHECKF(errs_little(&p, array, direct), "%s: %s errs by %g, the direct one by %g",
                   description(&p), array_names[array], error_of(&p, array), direct[array]);
            if (getenv("TEST_VERBOSE"))
                printf("  %s: %s errs by %.2f times the direct sums' error\n", description(&p),
                       array_names[array], error_of(&p, array) / direct[array]);
        }
        close_problem(&p);
    }
}

/* ---- arguments ---- */

/* The three calls, for tests of what they share. */
typedef fnn_result (*conv_call)(const problem *p, fnn_context *context);
static const struct {
    const char *name;
    conv_call call;
    int arrays[4]; /* needed, the result last; -1: no more */
} calls[] = {{"forward", forward, {X, WEIGHTS, Y, -1}},
             {"backward data", backward_data, {DY, WEIGHTS, DX, -1}},
             {"backward weights", backward_weights, {X, DY, DW, -1}}};
enum { CALLS = 3 };

static const dimensions small = {2, 5, 4, 3, 3, 2, 1, 1, FNN_SAME, 4};

/* A call that must be refused, and write nothing. */
static void refused(problem *p, int which, const char *why)
{
    const int array = RESULT + which;
    size_t i, written = 0;
    if (p->a[array])
        for (i = 0; i < p->count[array]; i++) p->a[array][i] = 3;
    CHECKF(calls[which].call(p, NULL) == FNN_ERROR_ARGUMENT, "%s took %s", calls[which].name, why);
    if (p->a[array])
        for (i = 0; i < p->count[array]; i++) written += p->a[array][i] != 3;
    CHECKF(written == 0, "%s with %s wrote", calls[which].name, why);
}

/* Sizes below 1 in a window, none of which fnn_window_make leaves there. */
static void wrong_windows(problem *p, int which)
{
    static const char *const names[] = {"height",        "width",        "channels",
                                        "kernel height", "kernel width", "stride height",
                                        "stride width",  "out height",   "out width"};
    const fnn_window right = p->window;
    fnn_window *w = &p->window;
    int *const fields[] = {&w->height,        &w->width,        &w->channels,
                           &w->kernel_height, &w->kernel_width, &w->stride_height,
                           &w->stride_width,  &w->out_height,   &w->out_width};
    int i;
    for (i = 0; i < 9; i++) {
        *fields[i] = 0;
        refused(p, which, names[i]);
        *fields[i] = -1;
        refused(p, which, names[i]);
        *w = right;
    }
    memset(w, 0, sizeof *w);
    refused(p, which, "an empty window");
    *w = right;
    w->pad_top = -1;
    refused(p, which, "pad_top -1");
    *w = right;
    w->pad_left = INT_MIN;
    refused(p, which, "pad_left INT_MIN");
    *w = right;
    w->stride_width = INT_MAX; /* its last window begins beyond all numbers */
    refused(p, which, "stride_width INT_MAX");
    *w = right;
}

static void wrong_counts(problem *p, int which)
{
    const ptrdiff_t images = p->images;
    const int filters = p->filters;
    p->filters = 0;
    refused(p, which, "no filters");
    p->filters = -1;
    refused(p, which, "filters -1");
    p->filters = filters;
    p->images = -1;
    refused(p, which, "images -1");
    p->images = PTRDIFF_MAX / 2; /* so many pixels cannot be counted */
    refused(p, which, "too many images");
    p->images = images;
}

static void null_window(problem *p, int which)
{
    const fnn_result result =
        which == 0 ? fnn_conv2d_forward(NULL, NULL, 4, 2, p->a[X], p->a[WEIGHTS], NULL, p->a[Y])
        : which == 1
            ? fnn_conv2d_backward_data(NULL, NULL, 4, 2, p->a[DY], p->a[WEIGHTS], p->a[DX])
            : fnn_conv2d_backward_weights(NULL, NULL, 4, 2, p->a[X], p->a[DY], p->a[DW], NULL);
    CHECK(result == FNN_ERROR_ARGUMENT);
}

static void arguments(void)
{
    problem p;
    int which, i;
    CHECK(shape(&p, &small));
    open_problem(&p, 1);
    for (which = 0; which < CALLS; which++) {
        CHECKF(!calls[which].call(&p, NULL), "%s without a context failed", calls[which].name);
        CHECK(faults(&p, RESULT + which, 1) == 0);
        null_window(&p, which);
        wrong_windows(&p, which);
        wrong_counts(&p, which);
        for (i = 0; calls[which].arrays[i] >= 0; i++) {
            fnn_real **array = &p.a[calls[which].arrays[i]], *kept = *array;
            *array = NULL;
            refused(&p, which, "a missing array");
            *array = kept;
        }
    }
    close_problem(&p);
}

/* No images: nothing to write but gradients, which are sums of nothing. */
static void no_images_of(fnn_padding padding)
{
    dimensions d = small;
    problem p;
    size_t i;
    d.padding = padding;
    CHECK(shape(&p, &d));
    open_arrays(&p, 1);
    p.images = 0;
    for (i = 0; i < p.count[Y]; i++) p.a[Y][i] = 3;
    for (i = 0; i < p.count[DX]; i++) p.a[DX][i] = 3;
    fill_nan(p.a[DW], p.count[DW]);
    fill_nan(p.a[DB], p.count[DB]);
    CHECK(!forward(&p, NULL) && !backward_data(&p, NULL) && !backward_weights(&p, NULL));
    for (i = 0; i < p.count[Y]; i++) CHECK(p.a[Y][i] == 3);
    for (i = 0; i < p.count[DX]; i++) CHECK(p.a[DX][i] == 3);
    for (i = 0; i < p.count[DW]; i++) CHECK(p.a[DW][i] == 0);
    for (i = 0; i < p.count[DB]; i++) CHECK(p.a[DB][i] == 0);
    close_problem(&p);
}

static void no_images(void)
{
    no_images_of(FNN_SAME);
    no_images_of(FNN_VALID);
}

/* One window, however far the next would be: strides beyond the image are not walked through. */
static void strides_beyond_the_image(void)
{
    static const int strides[] = {3, 46341, 65536, INT_MAX};
    size_t i;
    contexts_open(1);
    for (i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        dimensions d = {2, 2, 3, 2, 1, 2, 1, 1, FNN_SAME, 3};
        problem p;
        d.stride_height = d.stride_width = strides[i];
        CHECK(shape(&p, &d));
        open_problem(&p, 1);
        CHECK(holds(&p, 1));
        close_problem(&p);
    }
    contexts_close();
}

/* ---- the same bits: any number of threads, an image alone or in a batch ---- */

/* The results of a call, kept; free each. */
static void keep(const problem *p, fnn_real **kept)
{
    int r;
    for (r = 0; r < RESULTS; r++) {
        kept[r] = (fnn_real *)take(p->count[RESULT + r] * sizeof(fnn_real));
        memcpy(kept[r], p->a[RESULT + r], p->count[RESULT + r] * sizeof(fnn_real));
    }
}

static void drop(fnn_real **kept)
{
    int r;
    for (r = 0; r < RESULTS; r++) free(kept[r]);
}

/* How many of the results differ from those kept in any bit. */
static int differing(const problem *p, fnn_real **kept)
{
    int r, count = 0;
    for (r = 0; r < RESULTS; r++)
        count += memcmp(kept[r], p->a[RESULT + r], p->count[RESULT + r] * sizeof(fnn_real)) != 0;
    return count;
}

static const dimensions thread_shapes[] = {
    {7, 12, 11, 5, 3, 3, 1, 1, FNN_SAME, 17},
    {1, 28, 28, 8, 3, 3, 1, 1, FNN_SAME, 16},
    {13, 9, 9, 6, 5, 4, 2, 1, FNN_VALID, 10},
    {3, 14, 14, 32, 3, 3, 1, 1, FNN_SAME, 64},
    {300, 1, 1, 9, 1, 1, 1, 1, FNN_VALID, 12},
    {16, 28, 28, 1, 3, 3, 1, 1, FNN_SAME, 32},
    {2, 6, 5, 150, 3, 3, 1, 1, FNN_SAME, 70},
    {11, 17, 17, 3, 7, 7, 3, 2, FNN_SAME, 9},
    {5, 14, 14, 8, 3, 3, 2, 2, FNN_EXPLICIT, 24},
    /* Images that threads share: few channels, narrow tiles, one tap, taps apart from each other,
     * rows of three steps, strides that leave uneven pieces. */
    {1, 32, 32, 3, 7, 7, 2, 2, FNN_SAME, 64},
    {2, 40, 40, 8, 3, 3, 1, 1, FNN_VALID, 8},
    {1, 30, 30, 24, 1, 1, 1, 1, FNN_VALID, 64},
    {1, 61, 61, 20, 2, 2, 3, 3, FNN_SAME, 40},
    {1, 48, 48, 1, 3, 3, 1, 1, FNN_SAME, 64},
    {2, 23, 9, 40, 5, 2, 4, 1, FNN_SAME, 30},
    /* By Winograd. */
    {19, 7, 7, 16, 3, 3, 1, 1, FNN_SAME, 17},
    {5, 9, 11, 33, 3, 3, 1, 1, FNN_VALID, 37},
    {2, 13, 40, 16, 3, 3, 1, 1, FNN_SAME, 256},
    {35, 3, 3, 17, 3, 3, 1, 1, FNN_EXPLICIT, 16},
    /* Pieces of filters: the last one with a rest, which needs more space than all together. */
    {1, 30, 30, 16, 3, 3, 1, 1, FNN_SAME, 53},
    {1, 20, 14, 85, 3, 3, 1, 1, FNN_VALID, 85},
};
enum { THREAD_SHAPES = sizeof thread_shapes / sizeof thread_shapes[0] };

static void any_threads_same_bits(void)
{
    static const int threads[] = {1, 2, 3, 5};
    fnn_real *kept[FNN_ISA_COUNT][RESULTS];
    int i, t, isa;
    for (i = 0; i < THREAD_SHAPES; i++) {
        problem p;
        if (QUICK() && i % 3) continue;
        CHECK(shape(&p, &thread_shapes[i]));
        open_arrays(&p, 0);
        for (t = 0; t < 4; t++) {
            contexts_open(threads[t]);
            for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
                if (!contexts[isa] || !CHECK(!call(&p, contexts[isa]))) continue;
                if (t == 0) keep(&p, kept[isa]);
                else
                    CHECKF(differing(&p, kept[isa]) == 0, "%s %s: other bits on %d threads",
                           fnn_isa_name((fnn_isa)isa), description(&p), threads[t]);
                if (t == 3) drop(kept[isa]);
            }
            contexts_close();
        }
        close_problem(&p);
    }
}

/* Computes images first to first + count alone and compares with the whole batch's results, which
 * are in p. Returns whether y and dx agree in every bit. */
static int part_agrees(const problem *p, fnn_context *context, ptrdiff_t first, ptrdiff_t count)
{
    const size_t x = p->count[X] / (size_t)p->images, y = p->count[Y] / (size_t)p->images;
    problem part = *p;
    int same;
    part.images = count;
    measure(&part);
    part.a[X] += (size_t)first * x;
    part.a[DY] += (size_t)first * y;
    part.a[Y] = (fnn_real *)take(part.count[Y] * sizeof(fnn_real));
    part.a[DX] = (fnn_real *)take(part.count[DX] * sizeof(fnn_real));
    same = !forward(&part, context) && !backward_data(&part, context);
    same = same &&
           memcmp(part.a[Y], p->a[Y] + (size_t)first * y, part.count[Y] * sizeof(fnn_real)) == 0;
    same = same &&
           memcmp(part.a[DX], p->a[DX] + (size_t)first * x, part.count[DX] * sizeof(fnn_real)) == 0;
    free(part.a[Y]);
    free(part.a[DX]);
    return same;
}

static void check_parts(const problem *p)
{
    int isa;
    ptrdiff_t first, count;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        if (!contexts[isa] || !CHECK(!call(p, contexts[isa]))) continue;
        for (first = 0; first < p->images; first += 1 + p->images / 8)
            for (count = 1; first + count <= p->images; count = 3 * count - 1 + (count == 1))
                CHECKF(part_agrees(p, contexts[isa], first, count),
                       "%s %s: images %ld to %ld have other bits alone", fnn_isa_name((fnn_isa)isa),
                       description(p), (long)first, (long)(first + count - 1));
    }
}

static void any_batch_same_bits(void)
{
    int i;
    seed = 3;
    contexts_open(2);
    for (i = 0; i < THREAD_SHAPES + (QUICK() ? 20 : 200); i++) {
        problem p;
        if (QUICK() && i % 3) continue;
        if (i < THREAD_SHAPES ? !shape(&p, &thread_shapes[i]) : !random_problem(&p, i)) continue;
        if (i >= THREAD_SHAPES) {
            p.images = 7;
            measure(&p);
        }
        open_arrays(&p, 0);
        check_parts(&p);
        close_problem(&p);
    }
    contexts_close();
}

/* ---- NaN and infinities ---- */

/* Puts one into each of one image's x and dy. */
static void spoil(problem *p, ptrdiff_t image, fnn_real x, fnn_real dy)
{
    const size_t xs = p->count[X] / (size_t)p->images, ys = p->count[Y] / (size_t)p->images;
    p->a[X][(size_t)image * xs + xs / 2] = x;
    p->a[DY][(size_t)image * ys + ys / 2] = dy;
}

/* How many elements of the other images have other bits than the clean results, and how many that
 * cannot be finite are. */
static size_t spread(const problem *p, ptrdiff_t image, fnn_real **clean)
{
    size_t i, found = 0;
    int r;
    for (r = 0; r < RESULTS; r++)
        for (i = 0; i < p->count[RESULT + r]; i++) {
            const fnn_real value = p->a[RESULT + r][i];
            const size_t whose = i / (p->count[RESULT + r] / (size_t)p->images);
            if (r < DW - RESULT && whose != (size_t)image)
                found += memcmp(&clean[r][i], &value, sizeof value) != 0;
            else found += !is_finite(p->truth[r][i]) && is_finite((wide)value);
        }
    return found;
}

static const dimensions spoiled_shapes[] = {
    {3, 7, 6, 3, 3, 3, 1, 1, FNN_SAME, 5},    {5, 5, 5, 9, 3, 2, 2, 1, FNN_VALID, 17},
    {3, 1, 1, 4, 1, 1, 1, 1, FNN_SAME, 33},   {4, 13, 13, 8, 5, 5, 1, 1, FNN_SAME, 8},
    {3, 9, 11, 16, 3, 3, 1, 1, FNN_SAME, 17}, {4, 5, 6, 33, 3, 3, 1, 1, FNN_EXPLICIT, 16}};
enum { SPOILED_SHAPES = sizeof spoiled_shapes / sizeof spoiled_shapes[0] };

/* Whether the tile of an output sees a pixel, with so many rows and columns of zeros before. */
static int tile_sees(int row, int column, int top, int left, int pixel_row, int pixel_column)
{
    const int first = row / TILE * TILE - top, before = column / TILE * TILE - left;
    return pixel_row >= first && pixel_row < first + PATCH && pixel_column >= before &&
           pixel_column < before + PATCH;
}

/* How many elements of the spoiled image's result have other bits than the clean one although their
 * tile does not see the spoiled pixel. */
static size_t spread_in_image(const problem *p, ptrdiff_t image, int array, fnn_real **clean)
{
    const pictures from = array == DX ? outputs_of(p) : inputs_of(p);
    const pictures to = array == DX ? inputs_of(p) : outputs_of(p);
    const int top = array == DX ? 2 - p->window.pad_top : p->window.pad_top;
    const int left = array == DX ? 2 - p->window.pad_left : p->window.pad_left;
    const int spoiled = from.height * from.width * from.channels / 2 / from.channels;
    size_t i, found = 0, size = p->count[array] / (size_t)p->images;
    for (i = 0; i < size; i++) {
        const int pixel = (int)i / to.channels;
        const size_t at = (size_t)image * size + i;
        if (!tile_sees(pixel / to.width, pixel % to.width, top, left, spoiled / from.width,
                       spoiled % from.width))
            found += memcmp(&clean[array - RESULT][at], &p->a[array][at], sizeof(fnn_real)) != 0;
    }
    return found;
}

/* The same of the weights of other channels and filters than those of the spoiled numbers. */
static size_t spread_in_weights(const problem *p, fnn_real **clean)
{
    const size_t channels = (size_t)p->window.channels, filters = (size_t)p->filters;
    const size_t channel = p->count[X] / (size_t)p->images / 2 % channels;
    const size_t filter = p->count[DY] / (size_t)p->images / 2 % filters;
    size_t i, found = 0;
    for (i = 0; i < p->count[DW]; i++)
        if (i / filters % channels != channel && i % filters != filter)
            found += memcmp(&clean[DW - RESULT][i], &p->a[DW][i], sizeof(fnn_real)) != 0;
    return found;
}

/* A number that is not finite reaches no further than the tiles that see it. */
static void check_tiles(const problem *p, int isa, fnn_real **clean)
{
    size_t found = spread_in_weights(p, clean);
    if (by_winograd(p, Y)) found += spread_in_image(p, 1, Y, clean);
    if (by_winograd(p, DX)) found += spread_in_image(p, 1, DX, clean);
    CHECKF(found == 0, "%s %s: a spoiled pixel leaves its tiles", fnn_isa_name((fnn_isa)isa),
           description(p));
}

static void spoiled_images(void)
{
    static const double infinity = 2 * DBL_MAX;
    int i, isa, kind;
    contexts_open(1);
    for (i = 0; i < SPOILED_SHAPES; i++)
        for (kind = 0; kind < 3; kind++) {
            const double value = kind == 0 ? infinity - infinity : kind == 1 ? infinity : -infinity;
            problem p, q;
            CHECK(shape(&p, &spoiled_shapes[i]) && shape(&q, &spoiled_shapes[i]));
            seed = (uint64_t)i;
            open_arrays(&p, 0);
            seed = (uint64_t)i;
            open_arrays(&q, 0);
            spoil(&q, 1, (fnn_real)value, (fnn_real)value);
            open_reference(&q);
            for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
                fnn_real *clean[RESULTS];
                if (!contexts[isa] || !CHECK(!call(&p, contexts[isa]))) continue;
                keep(&p, clean);
                CHECK(!call(&q, contexts[isa]));
                CHECKF(spread(&q, 1, clean) == 0, "%s %s: %g spreads or is lost",
                       fnn_isa_name((fnn_isa)isa), description(&p), value);
                check_tiles(&q, isa, clean);
                CHECK(!call(&p, contexts[isa]) && differing(&p, clean) == 0); /* nothing stays */
                drop(clean);
            }
            close_problem(&p);
            close_problem(&q);
        }
    contexts_close();
}

/* ---- memory ---- */

/* Each request of a call fails, alone and with all after it: the error comes back, and a retry
 * gives the bits of a call to which nothing has happened. Returns the requests of the call. */
static int check_failures(const problem *p, int which, int isa)
{
    const size_t bytes = p->count[RESULT + which] * sizeof(fnn_real);
    fnn_real *kept = (fnn_real *)take(bytes);
    fnn_context *context = context_open(isa, 2);
    int allowed, done = 0;
    CHECK(context && !calls[which].call(p, context));
    memcpy(kept, p->a[RESULT + which], bytes);
    fnn_context_free(context);
    for (allowed = 0; !done && allowed < 100; allowed++)
        for (memory.once = 0; memory.once < 2; memory.once++) {
            fnn_result result;
            context = context_open(isa, 2);
            memory.allowed = allowed;
            memory.failed = 0;
            result = calls[which].call(p, context);
            done = memory.failed == 0;
            memory.allowed = -1;
            CHECKF(result == (done ? FNN_OK : FNN_ERROR_MEMORY), "%s: result %d after %d requests",
                   calls[which].name, (int)result, allowed);
            fill_nan(p->a[RESULT + which], p->count[RESULT + which]);
            CHECK(!calls[which].call(p, context) && memcmp(kept, p->a[RESULT + which], bytes) == 0);
            fnn_context_free(context);
        }
    free(kept);
    return allowed - 1;
}

static void failing_allocations(void)
{
    const int blocks = memory.live;
    int which, isa, i;
    for (i = 0; i < THREAD_SHAPES; i += 2) {
        problem p;
        CHECK(shape(&p, &thread_shapes[i]));
        if (QUICK() && i > 0) p.images = 1;
        measure(&p);
        open_arrays(&p, 0);
        for (which = 0; which < CALLS; which++)
            for (isa = 0; isa < FNN_ISA_COUNT; isa++)
                if (isa != FNN_ISA_BEST && fnn_isa_available((fnn_isa)isa))
                    CHECK(check_failures(&p, which, isa) < 90);
        close_problem(&p);
    }
    CHECKF(memory.live == blocks, "%d blocks leaked", memory.live - blocks);
}

/* Whether nothing near the size of the unfolded image (every window's pixels side by side, as for
 * one large product) was live since the count began. */
static int stays_small(const problem *p, size_t before)
{
    const fnn_window *w = &p->window;
    const size_t unfolded = (size_t)p->images * (size_t)(w->out_height * w->out_width) *
                            (size_t)(w->kernel_height * w->kernel_width * w->channels);
    return memory.most - before < unfolded * sizeof(fnn_real) / 4;
}

static const dimensions unfolding = {16, 28, 28, 8, 7, 7, 1, 1, FNN_SAME, 8};
static const dimensions transforming = {16, 28, 28, 16, 3, 3, 1, 1, FNN_SAME, 16};

static void nothing_unfolded_of(const dimensions *d)
{
    problem p;
    int which, isa, threads;
    CHECK(shape(&p, d));
    open_arrays(&p, 0);
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        for (threads = 1; threads < 3; threads++)
            for (which = 0; which < CALLS; which++) {
                const size_t before = memory.held;
                fnn_context *context;
                if (!fnn_isa_available((fnn_isa)isa) || (QUICK() && isa == FNN_ISA_SCALAR))
                    continue;
                context = context_open(isa, threads);
                memory.most = memory.held;
                CHECK(!calls[which].call(&p, context));
                CHECKF(stays_small(&p, before), "%s %s on %d threads took %ld bytes",
                       fnn_isa_name((fnn_isa)isa), calls[which].name, threads,
                       (long)(memory.most - before));
                fnn_context_free(context);
            }
    close_problem(&p);
}

static void nothing_unfolded(void)
{
    nothing_unfolded_of(&unfolding);
    nothing_unfolded_of(&transforming);
}

/* Of one image, whose gradient towards the weights threads share (of 5 x 5 kernels) or not. */
static void idle_threads_take_no_space(void)
{
    int kernel, threads;
    for (kernel = 3; kernel <= 5; kernel += 2) {
        const dimensions d = {1, 28, 28, 16, kernel, kernel, 1, 1, FNN_SAME, 32};
        size_t space[2];
        problem p;
        CHECK(shape(&p, &d));
        open_problem(&p, 0);
        for (threads = 1; threads <= 8; threads += 7) {
            fnn_context *context = context_open(FNN_ISA_BEST, threads);
            CHECK(!fnn_conv2d_backward_weights(context, &p.window, p.filters, p.images, p.a[X],
                                               p.a[DY], p.a[DW], p.a[DB]));
            space[threads > 1] = context->workspace_count;
            fnn_context_free(context);
        }
        CHECKF(kernel == 3 ? space[1] == space[0] : space[1] > space[0], "%lu and %lu reals",
               (unsigned long)space[0], (unsigned long)space[1]);
        close_problem(&p);
    }
}

/* ---- guard pages ---- */
/* The problem's arrays moved between the guards; what is only read must stay as it was. */
static void check_guarded(problem p, int placement)
{
    const problem outside = p;
    int i;
    for (i = 0; i < ARRAYS; i++) {
        p.a[i] = (fnn_real *)guarded_place(i, sizeof(fnn_real), p.count[i], placement);
        if (i < RESULT) memcpy(p.a[i], outside.a[i], p.count[i] * sizeof(fnn_real));
    }
    holds(&p, 0);
    for (i = 0; i < ARRAYS; i++) {
        CHECKF(guarded_untouched(i, p.a[i], p.count[i] * sizeof(fnn_real)),
               "%s placement %d: wrote around %s", description(&p), placement, array_names[i]);
        CHECKF(i >= RESULT || !memcmp(p.a[i], outside.a[i], p.count[i] * sizeof(fnn_real)),
               "%s: changed %s", description(&p), array_names[i]);
    }
}

static size_t most_bytes(const problem *p)
{
    size_t most = 0;
    int i;
    for (i = 0; i < ARRAYS; i++) most = p->count[i] > most ? p->count[i] : most;
    return most * sizeof(fnn_real) + 512;
}

static void check_placements(problem *p, int index)
{
    open_problem(p, 0);
    guarded_open(most_bytes(p));
    check_guarded(*p, 0);
    check_guarded(*p, 1);
    check_guarded(*p, 2 + index % (GUARDED_PLACEMENTS - 2));
    close_problem(p);
}

static void guards(void)
{
    int index;
    problem p;
    seed = 4;
    contexts_open(1);
    for (index = 0; index < (QUICK() ? 40 : 400); index++)
        if (random_problem(&p, index)) check_placements(&p, index);
    for (index = 0; index < LARGE_SHAPES; index++) {
        if (QUICK() && index % 4) continue;
        CHECK(shape(&p, &large_shapes[index]));
        check_placements(&p, index);
    }
    for (index = 0; index < (QUICK() ? 17 : 60); index++)
        if (winograd_problem(&p, index, 1e5)) check_placements(&p, index);
    contexts_close();
}

/* Windows that fnn_window_make does not make: with pads of any size some, or all, lie beside the
 * image, whose gradient is not to be written beside itself; every third goes by Winograd. */
static void windows_beside_the_image(void)
{
    static const int pads[] = {0, 1, 2, 3, 4, 6, 7, 11, 16, 1 << 27};
    int index;
    seed = 5;
    contexts_open(1);
    for (index = 0; index < (QUICK() ? 150 : 1500); index++) {
        const int transformed = index % 3 == 0;
        problem p;
        memset(&p, 0, sizeof p);
        p.images = 1 + below(2);
        p.window.height = 1 + below(9);
        p.window.width = 1 + below(9);
        p.window.channels = transformed ? 16 : 1 + below(DEEPEST);
        p.window.kernel_height = transformed ? 3 : 1 + below(4);
        p.window.kernel_width = transformed ? 3 : 1 + below(4);
        p.window.stride_height = transformed ? 1 : 1 + below(3);
        p.window.stride_width = transformed ? 1 : 1 + below(3);
        p.window.pad_top = pads[below(10)];
        p.window.pad_left = pads[below(10)];
        p.window.out_height = 1 + below(12);
        p.window.out_width = 1 + below(14);
        p.filters = transformed ? 17 : filter_counts[below(FILTER_COUNTS)];
        measure(&p);
        check_placements(&p, index);
    }
    contexts_close();
}

/* ---- broken cases: what the checkers must report ---- */

/* The twin's results as the library would give them, with a mistake. */
static void pretend(const problem *p, int mistake)
{
    wide *sums[RESULTS];
    size_t i;
    int r;
    for (r = 0; r < RESULTS; r++) sums[r] = (wide *)take(p->count[RESULT + r] * sizeof(wide));
    compute(p, mistake, sums, 0);
    for (r = 0; r < RESULTS; r++) {
        for (i = 0; i < p->count[RESULT + r]; i++) p->a[RESULT + r][i] = (fnn_real)sums[r][i];
        free(sums[r]);
    }
}

static const dimensions small_winograd = {2, 5, 6, 16, 3, 3, 1, 1, FNN_SAME, 17};

static void mistakes_are_seen(const dimensions *d)
{
    problem p;
    int mistake, integers, array;
    for (integers = 0; integers < 2; integers++) {
        CHECK(shape(&p, d) && p.window.pad_top == 1);
        p.window.pad_left = 1; /* zeros on the left too, where the mistakes are */
        open_problem(&p, integers);
        for (mistake = RIGHT; mistake < MISTAKES; mistake++) {
            pretend(&p, mistake);
            for (array = Y; array <= DW; array++)
                CHECKF((faults(&p, array, integers) == 0) == (mistake == RIGHT),
                       "mistake %d in %s, integers %d", mistake, array_names[array], integers);
        }
        pretend(&p, RIGHT);
        p.a[DB][2] += 1;
        CHECK(faults(&p, DB, integers) == 1);
        fill_nan(p.a[Y] + 5, 1);
        CHECK(faults(&p, Y, integers) == 1);
        close_problem(&p);
    }
}

static void bounds_are_kept(const dimensions *d)
{
    problem p;
    int r;
    CHECK(shape(&p, d));
    open_problem(&p, 0);
    pretend(&p, RIGHT);
    for (r = Y - RESULT; r <= DW - RESULT; r++) {
        const int array = RESULT + r, exactly = !by_winograd(&p, array);
        const wide most = roundings(&p, array) * (wide)UNIT * p.sizes[r][2];
        p.a[array][2] = (fnn_real)(p.truth[r][2] + most / 2);
        CHECK(faults(&p, array, 0) == 0 && (faults(&p, array, 1) > 0) == exactly);
        p.a[array][2] = (fnn_real)(p.truth[r][2] + most * 2 * SLACK);
        CHECK(faults(&p, array, 0) == 1);
    }
    close_problem(&p);
}

/* Errors twice the bound of the mean, far below that of each element. */
static void larger_errors_are_seen(void)
{
    double direct[ARRAYS];
    problem p;
    size_t i;
    int array;
    CHECK(shape(&p, &small_winograd));
    open_problem(&p, 0);
    errors_of(&p, direct);
    pretend(&p, RIGHT);
    for (array = Y; array <= DW; array++) {
        CHECK(errs_little(&p, array, direct));
        for (i = 0; i < p.count[array]; i++)
            p.a[array][i] += (fnn_real)((i % 2 ? 2 : -2) * WINOGRAD_ERRS * direct[array]);
        CHECK(!errs_little(&p, array, direct) &&
              (faults(&p, array, 0) == 0 || !by_winograd(&p, array)));
    }
    close_problem(&p);
}

static void spoiled_tiles_are_seen(void)
{
    problem p;
    fnn_real *kept[RESULTS];
    CHECK(shape(&p, &spoiled_shapes[SPOILED_SHAPES - 2]));
    open_arrays(&p, 0);
    CHECK(!call(&p, NULL));
    keep(&p, kept);
    CHECK(!spread_in_image(&p, 1, Y, kept) && !spread_in_weights(&p, kept));
    p.a[Y][p.count[Y] / 3 * 2 - 1] += 1; /* the middle image's last pixel */
    p.a[DW][0] += 1;
    CHECK(spread_in_image(&p, 1, Y, kept) == 1 && spread_in_weights(&p, kept) == 1);
    CHECK(tile_sees(0, 0, 1, 1, 4, 4) && !tile_sees(0, 0, 1, 1, 5, 4) &&
          tile_sees(7, 4, 1, 1, 3, 8));
    drop(kept);
    close_problem(&p);
}

static void other_bits_are_seen(void)
{
    problem p;
    fnn_real *kept[RESULTS];
    volatile double zero = 0;
    int r;
    CHECK(shape(&p, &small));
    open_problem(&p, 0);
    CHECK(!call(&p, NULL) && part_agrees(&p, NULL, 1, 1));
    keep(&p, kept);
    CHECK(differing(&p, kept) == 0 && spread(&p, 0, kept) == 0);
    for (r = 0; r < RESULTS; r++)
        p.a[RESULT + r][p.count[RESULT + r] - 1] *= (fnn_real)(1 + 4 * UNIT);
    CHECK(differing(&p, kept) == RESULTS);
    CHECK(!part_agrees(&p, NULL, 1, 1) && part_agrees(&p, NULL, 0, 1));
    CHECK(spread(&p, 0, kept) == 2);
    p.truth[DW - RESULT][0] = 1 / (wide)zero; /* an infinity lost */
    CHECK(spread(&p, 0, kept) == 3);
    drop(kept);
    close_problem(&p);
}

static void memory_is_seen(void)
{
    const size_t before = memory.held;
    problem p;
    void *large;
    CHECK(shape(&p, &unfolding));
    memory.most = memory.held;
    CHECK(stays_small(&p, before));
    large = budget_allocate(&memory, (size_t)16 * 28 * 28 * 49 * 8 * sizeof(fnn_real));
    CHECK(large && !stays_small(&p, before));
    budget_release(&memory, large);
    CHECK(memory.held == before);
    memory.allowed = 0;
    memory.once = 1;
    CHECK(!budget_allocate(&memory, 8) && memory.allowed == -1 && memory.failed > 0);
}

static void wrong_windows_are_seen(void)
{
    fnn_window w;
    CHECK(!fnn_window_make(28, 28, 1, 2, 4, 1, 1, FNN_SAME, &w));
    CHECK(window_agrees(&w, 28, 0, 28, 1));
    w.pad_top++; /* the odd row above */
    CHECK(!window_agrees(&w, 28, 0, 28, 1));
}

static void controls(void)
{
    mistakes_are_seen(&small);
    mistakes_are_seen(&small_winograd);
    bounds_are_kept(&small);
    bounds_are_kept(&small_winograd);
    larger_errors_are_seen();
    spoiled_tiles_are_seen();
    other_bits_are_seen();
    memory_is_seen();
    wrong_windows_are_seen();
    CHECK(guarded_notices());
}

#define CONV_TESTS                                                                               \
    TEST(windows), TEST(windows_by_hand), TEST(window_arguments), TEST(explicit_windows),        \
        TEST(explicit_windows_by_hand), TEST(explicit_window_arguments), TEST(integers_exactly), \
        TEST(reals_within_the_bound), TEST(networks), TEST(winograd), TEST(winograd_in_chains),  \
        TEST(no_winograd), TEST(winograd_errs_little), TEST(arguments), TEST(no_images),         \
        TEST(strides_beyond_the_image), TEST(any_threads_same_bits), TEST(any_batch_same_bits),  \
        TEST(spoiled_images), TEST(failing_allocations), TEST(nothing_unfolded), TEST(guards),   \
        TEST(windows_beside_the_image), TEST(idle_threads_take_no_space), TEST(controls)

#ifndef CONV_TESTS_ONLY
static const harness_test tests[] = {CONV_TESTS};
HARNESS_MAIN(tests)
#endif
