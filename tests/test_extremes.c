/* Sizes, strides, kernels, pads and counts of 1, 2, 5, 2^28 and 2^31 - 1 wherever the API takes
 * them: windows against arithmetic in wider numbers, convolutions, pools and im2col against naive
 * loops on every instruction set, models of such layers, sizes of memory that fit no number, and
 * models without any parameter, whose arrays are NULL. All values are small integers, so that sums
 * are exact. Calls that need more memory than a test should take must say so. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include <time.h>
#include <unistd.h>
#include "samples.h"

enum { HUGE_SIZE = 1 << 28, MOST = INT_MAX, REALS = 1 << 14 };

static const int numbers[] = {1, 2, 5, HUGE_SIZE, MOST};
enum { NUMBERS = sizeof numbers / sizeof numbers[0], SMALL = 3 };

/* ---- memory: a mebibyte at a time, no more ---- */

static void *frugal_allocate(void *user, size_t bytes)
{
    (void)user;
    return bytes > 1 << 20 ? NULL : malloc(bytes);
}

static void frugal_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

static fnn_context_config frugal(int isa, int threads)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = (fnn_isa)isa;
    config.threads = threads;
    config.allocator.allocate = frugal_allocate;
    config.allocator.release = frugal_release;
    return config;
}

static fnn_context *contexts[FNN_ISA_COUNT];

static void contexts_open(void)
{
    int isa;
    FOR_EACH_ISA(isa) {
        const fnn_context_config config = frugal(isa, 2);
        contexts[isa] = fnn_context_create(&config, NULL);
        CHECK(contexts[isa] != NULL);
    }
}

static void contexts_close(void)
{
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) fnn_context_free(contexts[isa]), contexts[isa] = NULL;
}

/* ---- arrays, and windows over them ---- */

enum { X, DY, WEIGHTS, BIAS, INPUTS };
enum { Y, DX, DW, DB, OUTPUTS };
static fnn_real in[INPUTS][REALS], out[OUTPUTS][REALS];
static double truth[OUTPUTS][REALS];
static size_t size[OUTPUTS]; /* of what is computed */

static void fill_inputs(void)
{
    int a, i;
    for (a = 0; a < INPUTS; a++)
        for (i = 0; i < REALS; i++)
            in[a][i] = (fnn_real)((int)fnni_random_below(1, (uint64_t)a, (uint64_t)i, 7) - 3);
}

/* The image's position that window number `at` has its tap over, or -1 outside. */
static int64_t position(int at, int tap, int stride, int pad, int length)
{
    const int64_t p = (int64_t)at * stride - pad + tap;
    return p < 0 || p >= length ? -1 : p;
}

static size_t pixels_of(const fnn_window *w)
{
    return (size_t)w->height * (size_t)w->width;
}

static size_t places_of(const fnn_window *w)
{
    return (size_t)w->out_height * (size_t)w->out_width;
}

/* Calls visit(window, place, tap, pixel) for every tap of every window that is inside. */
typedef void (*visitor)(const fnn_window *w, int filters, size_t place, size_t tap, size_t pixel);

static void visit_all(const fnn_window *w, int filters, visitor visit)
{
    int i, j, r, c;
    for (i = 0; i < w->out_height; i++)
        for (j = 0; j < w->out_width; j++)
            for (r = 0; r < w->kernel_height; r++) {
                const int64_t y = position(i, r, w->stride_height, w->pad_top, w->height);
                for (c = 0; y >= 0 && c < w->kernel_width; c++) {
                    const int64_t x = position(j, c, w->stride_width, w->pad_left, w->width);
                    if (x < 0) continue;
                    visit(w, filters, (size_t)i * (size_t)w->out_width + (size_t)j,
                          (size_t)r * (size_t)w->kernel_width + (size_t)c,
                          (size_t)y * (size_t)w->width + (size_t)x);
                }
            }
}

static void say(const char *what, int isa, const fnn_window *w, int filters)
{
    CHECKF(0, "%s, %s: %d x %d x %d, kernel %d x %d, stride %d x %d, pad %d, %d, out %d x %d, %d",
           what, fnn_isa_name((fnn_isa)isa), w->height, w->width, w->channels, w->kernel_height,
           w->kernel_width, w->stride_height, w->stride_width, w->pad_top, w->pad_left,
           w->out_height, w->out_width, filters);
}

/* Whether the outputs are the truth, within the rounding of a mean where there is one. */
static int is_truth(int which, double tolerance)
{
    size_t i;
    COMPARED();
    for (i = 0; i < size[which]; i++)
        if (!(fabs((double)out[which][i] - truth[which][i]) <= tolerance)) return 0;
    return 1;
}

/* ---- windows: output sizes and pads ---- */

/* Keras' rule in wide numbers; an output of 0 is a window that does not fit. */
static void axis_truth(int length, int kernel, int stride, fnn_padding padding, int64_t *outputs,
                       int64_t *pad)
{
    int64_t total;
    *pad = 0;
    if (padding == FNN_VALID) {
        *outputs = kernel > length ? 0 : ((int64_t)length - kernel) / stride + 1;
        return;
    }
    *outputs = ((int64_t)length + stride - 1) / stride;
    total = (*outputs - 1) * stride + kernel - length;
    if (total > 0) *pad = total / 2;
}

static void windows_of_every_number(void)
{
    int length, kernel, stride, padding;
    for (length = 0; length < NUMBERS; length++)
        for (kernel = 0; kernel < NUMBERS; kernel++)
            for (stride = 0; stride < NUMBERS; stride++)
                for (padding = 0; padding <= FNN_SAME; padding++) {
                    const int l = numbers[length], k = numbers[kernel], s = numbers[stride];
                    int64_t outputs, pad;
                    fnn_window w;
                    const fnn_result r =
                        fnn_window_make(l, l, MOST, k, k, s, s, (fnn_padding)padding, &w);
                    axis_truth(l, k, s, (fnn_padding)padding, &outputs, &pad);
                    CHECK((r == FNN_OK) == (outputs > 0));
                    if (r) continue;
                    CHECK(w.out_height == outputs && w.out_width == outputs);
                    CHECK(w.pad_top == pad && w.pad_left == pad);
                }
}

/* PyTorch's rule in wide numbers, of every pad: an output that no int holds does not fit either. */
static void padded_windows_of_every_number(void)
{
    static const int pads[] = {0,        1,    4,  HUGE_SIZE - 1, HUGE_SIZE, MOST / 2,
                               MOST - 1, MOST, -1, INT_MIN};
    int length, kernel, stride, pad, made = 0;
    for (length = 0; length < NUMBERS; length++)
        for (kernel = 0; kernel < NUMBERS; kernel++)
            for (stride = 0; stride < NUMBERS; stride++)
                for (pad = 0; pad < 10; pad++) {
                    const int l = numbers[length], k = numbers[kernel], s = numbers[stride];
                    const int p = pads[pad];
                    const int64_t room = (int64_t)l + 2 * (int64_t)p - k;
                    const int64_t outputs = p < 0 || p >= k || room < 0 ? 0 : room / s + 1;
                    fnn_window w;
                    const fnn_result r = fnn_window_make_padded(l, l, MOST, k, k, s, s, p, p, &w);
                    CHECK((r == FNN_OK) == (outputs > 0 && outputs <= MOST));
                    if (r) continue;
                    made++;
                    CHECK(w.out_height == outputs && w.out_width == outputs);
                    CHECK(w.pad_top == p && w.pad_left == p && fnni_window_sound(&w));
                }
    CHECK(made > 100);
}

/* ---- convolutions ---- */

/* A window of these sizes with padding number 0, valid; 1, same; 2, explicit with the most that may
 * be above and half the kernel to the left. */
static fnn_result window_of(int height, int width, int channels, int kh, int kw, int sh, int sw,
                            int padding, fnn_window *w)
{
    if (padding > 1)
        return fnn_window_make_padded(height, width, channels, kh, kw, sh, sw, kh - 1, kw / 2, w);
    return fnn_window_make(height, width, channels, kh, kw, sh, sw, padding ? FNN_SAME : FNN_VALID,
                           w);
}

static void add_products(const fnn_window *w, int filters, size_t place, size_t tap, size_t pixel)
{
    const size_t channels = (size_t)w->channels, n = (size_t)filters;
    size_t c, f;
    for (c = 0; c < channels; c++)
        for (f = 0; f < n; f++) {
            const double x = (double)in[X][pixel * channels + c];
            const double weight = (double)in[WEIGHTS][(tap * channels + c) * n + f];
            const double dy = (double)in[DY][place * n + f];
            truth[Y][place * n + f] += x * weight;
            truth[DX][pixel * channels + c] += dy * weight;
            truth[DW][(tap * channels + c) * n + f] += x * dy;
        }
}

static void conv_truth(const fnn_window *w, int filters)
{
    const size_t n = (size_t)filters;
    size_t i;
    int a;
    size[Y] = places_of(w) * n;
    size[DX] = pixels_of(w) * (size_t)w->channels;
    size[DW] = (size_t)w->kernel_height * (size_t)w->kernel_width * (size_t)w->channels * n;
    size[DB] = n;
    for (a = 0; a < OUTPUTS; a++) memset(truth[a], 0, size[a] * sizeof truth[a][0]);
    for (i = 0; i < size[Y]; i++) truth[Y][i] = (double)in[BIAS][i % n];
    for (i = 0; i < size[Y]; i++) truth[DB][i % n] += (double)in[DY][i];
    visit_all(w, filters, add_products);
}

/* Whether a window far outside may be refused: for want of memory or, on 32 bits, of numbers. */
static int may_refuse(fnn_result r)
{
    return r == FNN_ERROR_MEMORY || (sizeof(size_t) == 4 && r == FNN_ERROR_ARGUMENT);
}

/* Sums of these small integers are exact but for Winograd's transforms. */
static double rounding_of(const fnn_window *w, int filters)
{
    return fnni_winograd_pays(w, w->out_height, w->out_width, filters) ||
                   fnni_winograd_pays(w, w->height, w->width, filters)
               ? 1e-2
               : 0;
}

/* All three directions on every instruction set; `always` says that none may be refused. */
static void check_conv(const fnn_window *w, int filters, int always)
{
    const double rounding = rounding_of(w, filters);
    int isa, a, i;
    conv_truth(w, filters);
    FOR_EACH_ISA(isa) {
        fnn_result r[3];
        memset(out, 0xff, sizeof out); /* NaN */
        r[0] =
            fnn_conv2d_forward(contexts[isa], w, filters, 1, in[X], in[WEIGHTS], in[BIAS], out[Y]);
        r[1] = fnn_conv2d_backward_data(contexts[isa], w, filters, 1, in[DY], in[WEIGHTS], out[DX]);
        r[2] = fnn_conv2d_backward_weights(contexts[isa], w, filters, 1, in[X], in[DY], out[DW],
                                           out[DB]);
        for (i = 0; i < 3; i++)
            if (r[i] != FNN_OK && (always || !may_refuse(r[i]))) say("refused", isa, w, filters);
        for (a = 0; a < OUTPUTS; a++)
            if (!r[a < DW ? a : 2] && !is_truth(a, a == DB ? 0 : rounding))
                say("wrong", isa, w, filters);
    }
}

/* Whether a combination's turn has come: sanitizers and emulators take every eleventh. */
static int is_due(int number)
{
    return !QUICK() || number % 11 == 0;
}

/* The next digit of a number that stands for a combination, taken off it. */
static int digit(int *number, int base)
{
    const int d = *number % base;
    *number /= base;
    return d;
}

static void convolutions_of_every_stride(void)
{
    static const int channels[] = {1, 3, 9}, filters[] = {1, 9}; /* few and many of each */
    const int combinations = 3 * 3 * 3 * 3 * NUMBERS * NUMBERS * 3 * 3 * 2;
    int number;
    contexts_open();
    fill_inputs();
    for (number = 0; number < combinations; number++) {
        int n = number, h, w, kh, kw, sh, sw, padding, c;
        fnn_window window;
        if (!is_due(number)) continue;
        padding = digit(&n, 3), h = digit(&n, SMALL), w = digit(&n, SMALL), kh = digit(&n, SMALL);
        kw = digit(&n, SMALL), sh = digit(&n, NUMBERS), sw = digit(&n, NUMBERS), c = digit(&n, 3);
        if (window_of(numbers[h], numbers[w], channels[c], numbers[kh], numbers[kw], numbers[sh],
                      numbers[sw], padding, &window))
            continue;
        check_conv(&window, filters[n], 1);
    }
    contexts_close();
}

/* Pads and outputs of the caller's own: windows that lie far outside of the image. */
static void convolutions_far_outside(void)
{
    static const int pads[] = {0, 1, 7, HUGE_SIZE};
    int number;
    contexts_open();
    fill_inputs();
    for (number = 0; number < 4 * 4 * NUMBERS * NUMBERS * 2 * 2 * 2 * 2 * 2; number++) {
        int n = number, filters;
        fnn_window w = {3, 2, 1, 2, 3, 1, 1, 0, 0, 1, 1};
        if (!is_due(number)) continue;
        w.pad_top = pads[digit(&n, 4)], w.pad_left = pads[digit(&n, 4)];
        w.stride_height = numbers[digit(&n, NUMBERS)], w.stride_width = numbers[digit(&n, NUMBERS)];
        w.out_height += digit(&n, 2), w.out_width += digit(&n, 2);
        w.channels = digit(&n, 2) ? 9 : 1, w.kernel_height = digit(&n, 2) ? 1 : 2;
        filters = n ? 9 : 1;
        if ((double)(w.out_height - 1) * w.stride_height + w.kernel_height > 2.0 * HUGE_SIZE ||
            (double)(w.out_width - 1) * w.stride_width + w.kernel_width > 2.0 * HUGE_SIZE)
            continue; /* not taken: tests/test_conv.c */
        check_conv(&w, filters, 0);
    }
    contexts_close();
}

/* Three by three, which goes by Winograd's transforms: tiles that see nothing of the image, outputs
 * that leave out some of it, or the whole. */
static void transforms_far_outside(void)
{
    static const int pads[] = {0, 1, 2, 3, 7, HUGE_SIZE}, sides[] = {1, 2, 3, 6};
    int number, transformed = 0;
    contexts_open();
    fill_inputs();
    for (number = 0; number < 6 * 6 * 4 * 4 * 4 * 4; number++) {
        int n = number;
        fnn_window w = {0, 0, 16, 3, 3, 1, 1, 0, 0, 0, 0};
        if (number % (QUICK() ? 97 : 7)) continue;
        w.pad_top = pads[digit(&n, 6)], w.pad_left = pads[digit(&n, 6)];
        w.height = sides[digit(&n, 4)], w.width = sides[digit(&n, 4)];
        w.out_height = sides[digit(&n, 4)], w.out_width = sides[digit(&n, 4)];
        transformed += fnni_winograd_pays(&w, w.out_height, w.out_width, 17);
        check_conv(&w, 17, 0);
    }
#ifndef FMNIST_NN_NO_WINOGRAD
    CHECK(transformed > 10);
#endif
    contexts_close();
}

/* Images, channels and filters at the limits of what a call takes, and one beyond: sized without
 * overflow, and refused where that is too much. */
static void transforms_at_the_limits(void)
{
    static const struct {
        int side, channels, filters, result; /* of no images */
    } rows[] = {
        {1 << 12, 16, 16, FNN_OK}, /* 2^28 numbers an image */
        {1 << 12, 16, 17, FNN_ERROR_ARGUMENT},
        {1 << 12, 17, 16, FNN_ERROR_ARGUMENT},
        {4, 1 << 20, 16, FNN_ERROR_MEMORY}, /* 2^24 x 9 weights */
        {4, 16, 1 << 20, FNN_ERROR_MEMORY},
        {4, 1864135, 16, FNN_ERROR_MEMORY}, /* just below 2^28 of them */
        {4, 16, 1864135, FNN_ERROR_MEMORY},
        {4, 5461, 5461, FNN_ERROR_MEMORY},
        {4, 5462, 5462, FNN_ERROR_ARGUMENT},
        {4, 1 << 21, 16, FNN_ERROR_ARGUMENT},
    };
    size_t i;
    int isa;
    contexts_open();
    fill_inputs();
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fnn_window w;
        CHECK(!fnn_window_make(rows[i].side, rows[i].side, rows[i].channels, 3, 3, 1, 1, FNN_SAME,
                               &w));
        if (!fnni_winograd_pays(&w, w.height, w.width, rows[i].filters)) {
            SKIP("compiled with FMNIST_NN_NO_WINOGRAD: direct ones need less memory");
            break;
        }
        FOR_EACH_ISA(isa) {
            fnn_context *c = contexts[isa];
            const int n = rows[i].filters;
            CHECK((int)fnn_conv2d_forward(c, &w, n, 0, NULL, in[WEIGHTS], NULL, NULL) ==
                  rows[i].result);
            CHECK((int)fnn_conv2d_backward_data(c, &w, n, 0, NULL, in[WEIGHTS], NULL) ==
                  rows[i].result);
            CHECK((int)fnn_conv2d_backward_weights(c, &w, n, 0, NULL, NULL, out[DW], NULL) ==
                  rows[i].result);
        }
    }
    contexts_close();
}

/* No images: nothing is read but the weights, and only where they can be packed. */
static void convolutions_of_no_images(void)
{
    int number;
    contexts_open();
    for (number = 0; number < NUMBERS * NUMBERS * NUMBERS * NUMBERS * NUMBERS * 3; number++) {
        int n = number, isa, side, kernel, stride, channels, filters;
        fnn_window w;
        side = digit(&n, NUMBERS), kernel = digit(&n, NUMBERS), stride = digit(&n, NUMBERS);
        channels = digit(&n, NUMBERS), filters = numbers[digit(&n, NUMBERS)];
        if (window_of(1, numbers[side], numbers[channels], 1, numbers[kernel], 1, numbers[stride],
                      n, &w))
            continue;
        if (w.width > 5 && w.stride_width > 5) continue; /* as many phases as pixels: minutes */
        if ((double)w.kernel_width * w.channels * filters > REALS && w.stride_width > 5)
            continue; /* few of the many weights are read: those of the tap over the pixel */
        FOR_EACH_ISA(isa) {
            const fnn_result forward =
                fnn_conv2d_forward(contexts[isa], &w, filters, 0, NULL, in[WEIGHTS], NULL, NULL);
            const fnn_result data =
                fnn_conv2d_backward_data(contexts[isa], &w, filters, 0, NULL, in[WEIGHTS], NULL);
            const int usable = forward != FNN_ERROR_ARGUMENT;
            CHECK(forward == FNN_OK || forward == FNN_ERROR_MEMORY || !usable);
            CHECK((data != FNN_ERROR_ARGUMENT) == usable);
        }
    }
    contexts_close();
}

/* The window that read out of bounds: its stride and a kernel's row add up to more than an int. */
static void a_stride_of_the_largest_int(void)
{
    fnn_window w;
    contexts_open();
    fill_inputs();
    CHECK(!fnn_window_make(1, 1, 1, 5, 5, MOST, MOST, FNN_SAME, &w));
    check_conv(&w, 1, 1);
    CHECK(!fnn_window_make(1, 1, 9, 5, 5, MOST, MOST, FNN_SAME, &w));
    check_conv(&w, 1, 1);
    contexts_close();
}

/* ---- pools and im2col ---- */

static size_t pooled_count[REALS];

/* truth[Y] the sums, truth[DB] the maxima, and how many pixels a window has. */
static void add_to_pool(const fnn_window *w, int filters, size_t place, size_t tap, size_t pixel)
{
    const size_t channels = (size_t)w->channels;
    size_t c;
    (void)filters, (void)tap;
    for (c = 0; c < channels; c++) {
        const double x = (double)in[X][pixel * channels + c];
        const size_t at = place * channels + c;
        truth[Y][at] += x;
        if (!pooled_count[place] || x > truth[DB][at]) truth[DB][at] = x;
    }
    pooled_count[place]++;
}

/* A kernel beyond the image as one that just covers it: what pads hide belongs to no window. */
static fnn_window clipped(fnn_window w)
{
    if (w.out_height == 1 && w.kernel_height > 5) w.kernel_height = w.height, w.pad_top = 0;
    if (w.out_width == 1 && w.kernel_width > 5) w.kernel_width = w.width, w.pad_left = 0;
    return w;
}

static void pool_truth(const fnn_window *w)
{
    const size_t channels = (size_t)w->channels;
    size_t i;
    size[Y] = size[DB] = places_of(w) * channels;
    memset(truth[Y], 0, size[Y] * sizeof truth[Y][0]);
    memset(truth[DB], 0, size[DB] * sizeof truth[DB][0]);
    memset(pooled_count, 0, places_of(w) * sizeof pooled_count[0]);
    visit_all(w, 1, add_to_pool);
    for (i = 0; i < size[Y]; i++) truth[Y][i] /= (double)pooled_count[i / channels];
}

static double sum_of(const fnn_real *x, size_t count)
{
    double sum = 0;
    while (count--) sum += (double)*x++;
    return sum;
}

/* Forward against the loops. Backward gives every dy to pixels of its own window: where windows
 * cover the image but once, or few times, their sums tell. */
static void check_pools(const fnn_window *w, const fnn_window *seen)
{
    static uint8_t index[REALS];
    const size_t n = places_of(w) * (size_t)w->channels, x = pixels_of(w) * (size_t)w->channels;
    const int maximum = (double)w->kernel_height * w->kernel_width <= 256;
    int isa;
    pool_truth(seen);
    FOR_EACH_ISA(isa) {
        fnn_context *context = contexts[isa];
        memset(out, 0xff, sizeof out);
        CHECK(!fnn_average_pool2d_forward(context, w, 1, in[X], out[Y]));
        CHECK(!fnn_average_pool2d_backward(context, w, 1, in[DY], out[DX]));
        if (!is_truth(Y, 1e-5)) say("wrong mean", isa, w, 0);
        if (!(fabs(sum_of(out[DX], x) - sum_of(in[DY], n)) <= 1e-4)) say("wrong dx", isa, w, 0);
        CHECK(fnn_max_pool2d_forward(context, w, 1, in[X], out[DB], index) ==
              (maximum ? FNN_OK : FNN_ERROR_ARGUMENT));
        if (!maximum) continue;
        CHECK(!fnn_max_pool2d_backward(context, w, 1, index, in[DY], out[DX]));
        if (!is_truth(DB, 0)) say("wrong maximum", isa, w, 0);
        if (!(fabs(sum_of(out[DX], x) - sum_of(in[DY], n)) <= 1e-4)) say("wrong dx", isa, w, 0);
    }
}

static void put_column(const fnn_window *w, int filters, size_t place, size_t tap, size_t pixel)
{
    const size_t taps = (size_t)w->kernel_height * (size_t)w->kernel_width;
    const size_t channels = (size_t)w->channels;
    size_t c;
    (void)filters;
    for (c = 0; c < channels; c++) {
        const size_t at = (place * taps + tap) * channels + c;
        truth[Y][at] = (double)in[X][pixel * channels + c];
        truth[DX][pixel * channels + c] += (double)in[DY][at];
    }
}

static void check_columns(const fnn_window *w)
{
    int isa;
    size[DX] = pixels_of(w) * (size_t)w->channels;
    size[Y] =
        places_of(w) * (size_t)w->kernel_height * (size_t)w->kernel_width * (size_t)w->channels;
    memset(truth[Y], 0, size[Y] * sizeof truth[Y][0]);
    memset(truth[DX], 0, size[DX] * sizeof truth[DX][0]);
    visit_all(w, 1, put_column);
    FOR_EACH_ISA(isa) {
        memset(out, 0xff, sizeof out);
        CHECK(!fnn_im2col(contexts[isa], w, 1, in[X], out[Y]));
        CHECK(!fnn_col2im(contexts[isa], w, 1, in[DY], out[DX]));
        if (!is_truth(Y, 0)) say("wrong columns", isa, w, 0);
        if (!is_truth(DX, 0)) say("wrong dx of columns", isa, w, 0);
    }
}

static void pools_of_every_number(void)
{
    int number;
    contexts_open();
    fill_inputs();
    for (number = 0; number < 9 * NUMBERS * NUMBERS * NUMBERS * NUMBERS * 3 * 2; number++) {
        int n = number, h, w, kh, kw, sh, sw, padding;
        fnn_window window, seen;
        if (!is_due(number)) continue;
        padding = digit(&n, 3), h = digit(&n, SMALL), w = digit(&n, SMALL);
        kh = digit(&n, NUMBERS), kw = digit(&n, NUMBERS);
        sh = digit(&n, NUMBERS), sw = digit(&n, NUMBERS);
        if (padding > 1 && (kh >= SMALL || kw >= SMALL)) continue; /* below, by hand */
        if (window_of(numbers[h], numbers[w], n ? 3 : 1, numbers[kh], numbers[kw], numbers[sh],
                      numbers[sw], padding, &window))
            continue;
        seen = clipped(window);
        if (seen.kernel_height > 5 || seen.kernel_width > 5) continue; /* of several such windows */
        check_pools(&window, &seen);
        if (window.kernel_height <= 5 && window.kernel_width <= 5) check_columns(&window);
    }
    contexts_close();
}

/* Pads of up to 2^31 - 2 round an image of one row, under kernels of the largest int: many windows
 * that see all of it, or a single one that sees its first pixel alone. */
static void pads_of_the_largest_int(void)
{
    static const int rows[][4] = {/* width, stride, pad, outputs */
                                  {5, 1, MOST / 2, 5},         {5, 2, MOST / 2, 3},
                                  {5, MOST, MOST / 2, 1},      {1, MOST, MOST - 1, 1},
                                  {1, HUGE_SIZE, MOST - 1, 8}, {2, MOST, MOST - 1, 2},
                                  {5, MOST, MOST - 1, 2}};
    int isa, i, j;
    contexts_open();
    fill_inputs();
    FOR_EACH_ISA(isa)
        for (i = 0; i < 7; i++) {
            const int *r = rows[i];
            fnn_window w;
            double sum = 0, given = 0;
            CHECK(!fnn_window_make_padded(1, r[0], 1, 1, MOST, 1, r[1], 0, r[2], &w));
            CHECKF(w.out_width == r[3], "row %d: %d", i, w.out_width);
            CHECK(!fnn_average_pool2d_forward(contexts[isa], &w, 1, in[X], out[Y]));
            CHECK(!fnn_average_pool2d_backward(contexts[isa], &w, 1, in[DY], out[DX]));
            for (j = 0; j < r[0]; j++) sum += (double)in[X][j];
            for (j = 0; j < r[3]; j++) given += (double)in[DY][j];
            for (j = 0; j < r[0]; j++) given -= (double)out[DX][j];
            CHECK(fabs(given) < 1e-5);
            for (j = 0; j < r[3]; j++) { /* the last two rows: pixel 0, and then the others */
                const double first = (double)in[X][0], rest = (sum - first) / (r[0] - 1);
                const double mean = i < 5 ? sum / r[0] : j == 0 ? first : rest;
                CHECKF(fabs((double)out[Y][j] - mean) < 1e-5, "row %d, %d: %g", i, j,
                       (double)out[Y][j]);
            }
            CHECK(fnn_max_pool2d_forward(contexts[isa], &w, 1, in[X], out[Y], NULL) ==
                  FNN_ERROR_ARGUMENT);
            CHECK(fnn_conv2d_forward(contexts[isa], &w, 1, 1, in[X], in[WEIGHTS], NULL, out[Y]) ==
                  FNN_ERROR_ARGUMENT); /* more weights than a layer may have */
        }
    contexts_close();
}

/* Sizes whose arrays nobody has: with no images nothing is read, with some the call is refused
 * where they cannot be addressed. */
static void windows_of_no_images(void)
{
    fnn_context *none = NULL;
    int number;
    for (number = 0; number < NUMBERS * NUMBERS * NUMBERS * NUMBERS * 3; number++) {
        int n = number, side, kernel, stride, channels;
        fnn_window w;
        fnn_result r;
        side = digit(&n, NUMBERS), kernel = digit(&n, NUMBERS), stride = digit(&n, NUMBERS);
        channels = digit(&n, NUMBERS);
        if (window_of(numbers[side], numbers[side], numbers[channels], numbers[kernel],
                      numbers[kernel], numbers[stride], numbers[stride], n, &w))
            continue;
        r = fnn_average_pool2d_forward(none, &w, 0, NULL, NULL);
        CHECK(r == FNN_OK || r == FNN_ERROR_ARGUMENT);
        CHECK(fnn_average_pool2d_backward(none, &w, 0, NULL, NULL) == r);
        r = fnn_im2col(none, &w, 0, NULL, NULL);
        CHECK(r == FNN_OK || r == FNN_ERROR_ARGUMENT);
        CHECK(fnn_col2im(none, &w, 0, NULL, NULL) == r);
        CHECK(fnn_average_pool2d_forward(none, &w, PTRDIFF_MAX, in[X], out[Y]) ==
              FNN_ERROR_ARGUMENT);
        CHECK(fnn_im2col(none, &w, PTRDIFF_MAX, in[X], out[Y]) == FNN_ERROR_ARGUMENT);
    }
}

/* ---- products ---- */

/* A matrix of one row has no second one: its leading dimension may be any number, such as one that
 * leads beyond the last address of 32 bits. Sums by tiles, and over lanes. */
static void leading_dimensions_of_one_row(void)
{
    static const ptrdiff_t fars[] = {1 << 24, PTRDIFF_MAX};
    int isa, i, j;
    contexts_open();
    fill_inputs();
    FOR_EACH_ISA(isa)
        for (j = 0; j < 4; j++) {
            const ptrdiff_t far = fars[j / 2], k = j % 2 ? 64 : 5;
            fnn_real near[3] = {0, 0, 0}, c[3] = {0, 0, 0};
            CHECK(!fnn_sgemm(contexts[isa], 0, 0, 1, 3, k, 1, in[X], k, in[DY], 3, 0, near, 3));
            CHECK(!fnn_sgemm(contexts[isa], 0, 0, 1, 3, k, 1, in[X], far, in[DY], 3, 0, c, far));
            for (i = 0; i < 3; i++) CHECK(c[i] == near[i]);
            CHECK(!fnn_sgemm(contexts[isa], 1, 1, 3, 1, 1, 1, in[X], 3, in[DY], 1, 0, near, 1));
            CHECK(!fnn_sgemm(contexts[isa], 1, 1, 3, 1, 1, 1, in[X], far, in[DY], far, 0, c, 1));
            for (i = 0; i < 3; i++) CHECK(c[i] == near[i]);
        }
    contexts_close();
}

/* Shares of counts whose product with the part does not fit 32 bits. */
static void shares_of_large_counts(void)
{
    int part;
    CHECK(fnni_share_begin(HUGE_SIZE, 1000, 1024) == HUGE_SIZE / 1024 * 1000);
    CHECK(fnni_share_begin(MOST, 1024, 1024) == MOST && fnni_share_begin(MOST, 0, 1024) == 0);
    for (part = 0; part < 7; part++) CHECK(fnni_share_begin(40, part, 7) == 40 * part / 7);
}

/* The helper's two ways: halves of the bits always fit, the rest is divided. */
static void products_are_checked(void)
{
    const size_t most = (size_t)-1, half = (size_t)1 << (4 * sizeof most);
    size_t product = 7;
    CHECK(fnni_multiply(half - 1, half - 1, &product) && product == (half - 1) * (half - 1));
    CHECK(fnni_multiply(most, 1, &product) && product == most);
    CHECK(fnni_multiply(0, most, &product) && product == 0);
    CHECK(fnni_multiply(most, 0, &product) && product == 0);
    CHECK(!fnni_multiply(half, half, &product) && product == 0);
    CHECK(!fnni_multiply(most, 2, &product) && !fnni_multiply(2, most, &product));
    CHECK(fnni_times(most / 3, 3) == most / 3 * 3 && fnni_times(most / 3 + 1, 3) == most);
}

/* ---- models ---- */

enum { ROWS = 6 };
static fnn_real images[ROWS * 50], targets[ROWS * 9];

static fnn_dataset samples_of(int side, int channels)
{
    int i;
    for (i = 0; i < ROWS * 50; i++) images[i] = (fnn_real)(i * 7 % 11 - 5);
    for (i = 0; i < ROWS * 9; i++) targets[i] = (fnn_real)(i % 3);
    return with_targets(real_images_of(images, ROWS, side, side, channels), targets, 1);
}

static fnn_model *model_of(int isa, int side, int channels, int filters, int kernel, int stride,
                           int pool)
{
    const fnn_context_config config = frugal(isa, 1);
    fnn_conv2d_config c = fnn_conv2d_config_init();
    fnn_pool2d_config p = fnn_pool2d_config_init();
    fnn_model *m = fnn_sequential_with(&config, side, side, channels);
    c.filters = filters;
    c.kernel_height = c.kernel_width = kernel;
    c.stride_height = c.stride_width = stride;
    p.average = pool == 1;
    p.stride_height = p.stride_width = stride;
    p.padding = FNN_SAME;
    fnn_conv2d_with(m, &c);
    if (pool) fnn_pool2d_with(m, &p);
    if (side > 1 || filters > 1) fnn_dense(m, 1, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    return m;
}

/* One epoch, and what the model says then. */
static void train_and_ask(fnn_model *m, const fnn_dataset *data, fnn_real *y)
{
    fnn_fit_config config = fnn_fit_config_init();
    config.batch_size = 4;
    config.epochs = 1;
    config.optimizer = fnn_sgd(1e-3);
    CHECKF(!fnn_fit(m, data, &config, NULL), "%s", fnn_model_error(m)->message);
    CHECK(!fnn_predict(m, NULL, data, y));
}

static const char *model_path(void)
{
    static char text[100];
    snprintf(text, sizeof text, "build/test_extremes.%ld", (long)getpid());
    return text;
}

static fnn_model *stored(const fnn_model *m, int isa)
{
    const fnn_context_config config = frugal(isa, 1);
    fnn_model *loaded;
    CHECK(!fnn_save(m, model_path(), NULL));
    loaded = fnn_load(model_path(), &config, NULL);
    CHECK(loaded != NULL);
    remove(model_path());
    return loaded;
}

/* Of one window alone no stride is seen: training, predicting and a file give the bits of another
 * stride that leaves one window. */
static void check_model(int isa, int side, int channels, int kernel, int stride, int pool)
{
    const int filters = channels > 1 ? 9 : 1;
    const fnn_dataset data = samples_of(side, channels);
    fnn_model *usual = model_of(isa, side, channels, filters, kernel, 5, pool);
    fnn_model *extreme = model_of(isa, side, channels, filters, kernel, stride, pool), *again;
    fnn_real y[ROWS], found[ROWS];
    train_and_ask(usual, &data, y);
    train_and_ask(extreme, &data, found);
    CHECKF(!memcmp(y, found, sizeof y), "side %d, kernel %d, stride %d, pool %d", side, kernel,
           stride, pool);
    again = stored(extreme, isa);
    CHECK(!fnn_predict(again, NULL, &data, found) && !memcmp(y, found, sizeof y));
    train_and_ask(again, &data, found);
    CHECK(fnn_memory_size(extreme, 4) == fnn_memory_size(usual, 4));
    fnn_model_free(usual);
    fnn_model_free(extreme);
    fnn_model_free(again);
}

static void models_of_extreme_strides(void)
{
    static const int strides[] = {6, HUGE_SIZE, MOST}, channels[] = {1, 2};
    int isa, n;
    FOR_EACH_ISA(isa)
        for (n = 0; n < SMALL * SMALL * 3 * 2 * 3; n++) {
            int k = n;
            const int side = numbers[digit(&k, SMALL)], kernel = numbers[digit(&k, SMALL)];
            const int stride = strides[digit(&k, 3)], c = channels[digit(&k, 2)];
            check_model(isa, side, c, kernel, stride, k);
        }
}

/* A pool of 2^28 positions a side, padded by all but one of them: four windows, the first of which
 * sees pixel (0, 0) alone, the last all but the first row and column. */
static void a_model_of_the_largest_pads(void)
{
    const fnn_dataset data = samples_of(5, 1);
    fnn_pool2d_config c = fnn_pool2d_config_init();
    int isa, i, row, column;
    c.average = 1;
    c.height = c.width = c.stride_height = c.stride_width = HUGE_SIZE;
    c.padding = FNN_EXPLICIT;
    c.pad_height = c.pad_width = HUGE_SIZE - 1;
    FOR_EACH_ISA(isa) {
        const fnn_context_config config = frugal(isa, 1);
        fnn_model *m = fnn_sequential_with(&config, 5, 5, 1), *again;
        double sums[4] = {0, 0, 0, 0};
        fnn_real y[ROWS * 4];
        CHECKF(fnn_pool2d_with(m, &c) == 0, "%s", fnn_model_error(m)->message);
        CHECK(!fnn_seal(m) && m->layers[0].outputs == 4);
        again = stored(m, isa);
        for (row = 0; row < 5; row++)
            for (column = 0; column < 5; column++)
                sums[2 * (row > 0) + (column > 0)] += (double)images[5 * row + column];
        CHECK(!fnn_predict(m, NULL, &data, y));
        for (i = 0; i < 4; i++)
            CHECK(fabs((double)y[i] - sums[i] / (i ? i == 3 ? 16 : 4 : 1)) < 1e-5);
        CHECK(!fnn_predict(again, NULL, &data, y) && fabs((double)y[0] - sums[0]) < 1e-5);
        fnn_model_free(m);
        fnn_model_free(again);
        m = fnn_sequential_with(&config, 5, 5, 1);
        c.stride_height = c.stride_width = 1;
        CHECK(fnn_pool2d_with(m, &c) == -1); /* 2^28 outputs and more a side */
        c.stride_height = c.stride_width = HUGE_SIZE;
        fnn_model_free(m);
    }
}

/* The file that read out of bounds once it was trained. */
static void a_loaded_stride_of_the_largest_int(void)
{
    const fnn_dataset data = samples_of(1, 1);
    fnn_model *m = model_of(FNN_ISA_BEST, 1, 1, 1, 5, MOST, 0), *loaded;
    fnn_real *dx;
    size_t count;
    CHECK(!fnn_seal(m));
    loaded = stored(m, FNN_ISA_BEST);
    CHECK(!fnn_forward(loaded, &data, NULL, ROWS, 1) && !fnn_loss(loaded, NULL));
    CHECK(!fnn_backward(loaded));
    dx = fnn_gradients(loaded, &count);
    CHECK(dx && count == 26); /* all taps but the one over the pixel see nothing */
    for (; dx && count-- > 0;) CHECK(count == 12 || count == 25 || dx[count] == 0);
    train_and_ask(loaded, &data, out[Y]);
    fnn_model_free(m);
    fnn_model_free(loaded);
}

/* ---- the phases of a stride ---- */

/* Whether the list is that of all phases with an input and a tap, found one by one. */
static int phases_are_right(int length, int kernel, int stride, int pad)
{
    int phase, low, k = 0;
    for (phase = 0; phase < length && phase < stride; phase++) {
        fnni_conv_phase p;
        if ((phase + pad) % stride >= kernel) continue;
        p = fnni_conv_phase_make(k++, length, kernel, stride, pad);
        if (p.first != phase || p.first_tap != (phase + pad) % stride) return 0;
        if (p.count != (length - phase + stride - 1) / stride) return 0;
        if (p.taps != (kernel - p.first_tap + stride - 1) / stride) return 0;
    }
    return k == fnni_conv_phases_of(length, kernel, stride, pad, &low) &&
           fnni_conv_phase_make(k, length, kernel, stride, pad).count == 0;
}

static void phases_of_every_stride(void)
{
    int n, i, j, k, low;
    for (n = 0; n < 10 * 7 * 12 * 14; n++) {
        int left = n;
        const int length = 1 + digit(&left, 10), kernel = 1 + digit(&left, 7);
        const int stride = 1 + digit(&left, 12), pad = digit(&left, 14);
        CHECKF(phases_are_right(length, kernel, stride, pad),
               "%d inputs, %d taps, stride %d, pad %d", length, kernel, stride, pad);
    }
    for (i = 0; i < NUMBERS; i++) /* no more than there are inputs, taps or strides */
        for (j = 0; j < NUMBERS; j++)
            for (k = 0; k < NUMBERS; k++) {
                const int length = (int)fnni_least(numbers[i], HUGE_SIZE), most = numbers[j];
                const int found = fnni_conv_phases_of(length, most, numbers[k], most / 2, &low);
                CHECKF(found >= (most / 2 < length) && found <= length && found <= most &&
                           found <= numbers[k],
                       "%d inputs, %d taps, stride %d: %d", length, most, numbers[k], found);
            }
}

/* A file of some hundred bytes describes these: what they take is told in no time. */
static void memory_sizes_of_huge_strides(void)
{
    static const int rows[][6] = {/* height, width, channels, taps, strides */
                                  {1, HUGE_SIZE, 1, 1, HUGE_SIZE, HUGE_SIZE},
                                  {HUGE_SIZE, 1, 1, 1, HUGE_SIZE, 1},
                                  {1 << 14, 1 << 14, 1, 2, 1 << 14, 1 << 14},
                                  {1 << 13, 1 << 14, 2, 3, MOST, 1 << 13}};
    const clock_t begin = clock();
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int *r = rows[i];
        const fnn_context_config config = frugal(FNN_ISA_BEST, 1);
        fnn_model *m = fnn_sequential_with(&config, r[0], r[1], r[2]);
        fnn_context *context = fnn_context_create(&config, NULL);
        fnn_conv2d_config c = fnn_conv2d_config_init();
        c.filters = 1;
        c.kernel_height = c.kernel_width = r[3];
        c.stride_height = r[4];
        c.stride_width = r[5];
        CHECK(fnn_conv2d_with(m, &c) == 0 && !fnn_seal(m));
        CHECK(fnn_memory_size(m, 1) / sizeof(fnn_real) >= HUGE_SIZE / 2);
        CHECK(fnn_reserve(m, context) == FNN_ERROR_MEMORY);
        fnn_context_free(context);
        fnn_model_free(m);
    }
    CHECKF(clock() - begin < CLOCKS_PER_SEC / 2, "%.3f s",
           (double)(clock() - begin) / CLOCKS_PER_SEC);
}

/* ---- sizes of memory ---- */

static void memory_sizes_of_huge_batches(void)
{
    fnn_model *m = fnn_sequential(28, 28, 1);
    size_t before = 0;
    int batch;
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_batch_norm(m);
    fnn_dense(m, 10, FNN_SOFTMAX);
    CHECK(fnn_memory_size(m, MOST) == 0 && !fnn_seal(m));
    for (batch = 1; batch < HUGE_SIZE; batch *= 4) {
        const size_t bytes = fnn_memory_size(m, batch);
        CHECK(bytes >= before);
        CHECK(bytes == (size_t)-1 || bytes / (size_t)batch >= 8 * 14 * 14 * sizeof(fnn_real));
        before = bytes;
        if (sizeof bytes == 4 && batch >= 1 << 20) CHECK(bytes == (size_t)-1);
    }
    CHECK(fnn_memory_size(m, HUGE_SIZE) >= before && fnn_memory_size(m, MOST) >= before);
    if (sizeof before == 4) CHECK(fnn_memory_size(m, HUGE_SIZE) == (size_t)-1);
    else CHECK(fnn_memory_size(m, MOST) / MOST < 1 << 20); /* counted, not given up */
    fnn_model_free(m);
}

/* On 64 bits it takes 33 layers of 2^28 outputs to leave size_t. */
static void memory_sizes_beyond_size_t(void)
{
    fnn_model *m = fnn_sequential(1 << 14, 1 << 14, 1);
    int i;
    for (i = 0; i < 34; i++) fnn_activate(m, FNN_LINEAR, 0);
    CHECK(!fnn_seal(m));
    CHECK(fnn_memory_size(m, MOST) == (size_t)-1);
    CHECK(fnn_memory_size(m, 0) > 0 && fnn_memory_size(m, 0) < 1 << 20);
    fnn_model_free(m);
}

/* A model whose weights need more than size_t in vectors' width is refused, not shortened. */
static void layers_beyond_memory_are_refused(void)
{
    const fnn_context_config config = frugal(FNN_ISA_BEST, 1);
    fnn_model *m = fnn_sequential_with(&config, 1, 1, HUGE_SIZE);
    CHECK(fnn_conv2d(m, 1, 1, FNN_SAME, FNN_RELU) >= 0);
    CHECK(fnn_seal(m) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
}

/* ---- arrays that are NULL: clang's sanitizer reports NULL + 0 ---- */

static fnn_model *bare_model(int kind)
{
    fnn_model *m = fnn_sequential(2, 2, 2);
    if (kind == 0) fnn_flatten(m);
    if (kind == 1) fnn_average_pool2d(m, 2), fnn_flatten(m);
    if (kind == 2) fnn_max_pool2d(m, 2), fnn_activate(m, FNN_RELU, 0), fnn_flatten(m);
    if (kind == 3) fnn_dropout(m, (fnn_real)0.5), fnn_global_average_pool2d(m);
    if (kind == 4) fnn_spatial_dropout(m, (fnn_real)0.5), fnn_global_average_pool2d(m);
    return m;
}

static void models_without_parameters(void)
{
    static const int32_t labels[ROWS] = {0, 1, 0, 1, 1, 0};
    fnn_dataset data = samples_of(2, 2);
    int kind, fancy;
    data.targets = NULL;
    data.target_count = 0;
    data = with_labels(data, labels, 2);
    for (kind = 0; kind < 5; kind++)
        for (fancy = 0; fancy < 3; fancy++) {
            fnn_model *m = bare_model(kind), *loaded;
            fnn_fit_config config = fnn_fit_config_init();
            fnn_metrics metrics;
            config.optimizer = fancy ? fnn_adam(1e-3) : fnn_sgd(1e-3);
            config.epochs = 2;
            config.batch_size = 4;
            config.clip_norm = fancy == 2;
            config.ema_decay = fancy ? .9 : 0;
            config.restore_best = fancy == 2;
            config.validation = &data;
            CHECK(!fnn_fit(m, &data, &config, NULL));
            CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL));
            CHECK(!fnn_backward(m) && !fnn_step(m, &config));
            CHECK(!fnn_evaluate(m, NULL, &data, &metrics) && metrics.loss > 0);
            loaded = stored(m, FNN_ISA_BEST);
            CHECK(!fnn_predict(loaded, NULL, &data, out[Y]));
            fnn_model_free(loaded);
            fnn_model_free(m);
        }
}

/* No memory for the call: its space is NULL. */
static void no_memory_is_no_place(void)
{
    fnn_window w;
    int isa;
    contexts_open();
    CHECK(!fnn_window_make(1, 1 << 20, 8, 1, 3, 1, 1, FNN_SAME, &w));
    FOR_EACH_ISA(isa)
        CHECK(fnn_conv2d_backward_data(contexts[isa], &w, 8192, 0, NULL, in[WEIGHTS], NULL) ==
              FNN_ERROR_ARGUMENT); /* 2^33 outputs */
    CHECK(!fnn_window_make(1, 1, HUGE_SIZE, 1, 1, 1, 1, FNN_SAME, &w));
    FOR_EACH_ISA(isa)
        CHECK(fnn_conv2d_backward_data(contexts[isa], &w, 1, 0, NULL, in[WEIGHTS], NULL) ==
              FNN_ERROR_MEMORY);
    contexts_close();
}

static const harness_test tests[] = {
    TEST(windows_of_every_number),
    TEST(padded_windows_of_every_number),
    TEST(a_stride_of_the_largest_int),
    TEST(convolutions_of_every_stride),
    TEST(convolutions_far_outside),
    TEST(transforms_far_outside),
    TEST(transforms_at_the_limits),
    TEST(convolutions_of_no_images),
    TEST(pools_of_every_number),
    TEST(pads_of_the_largest_int),
    TEST(windows_of_no_images),
    TEST(leading_dimensions_of_one_row),
    TEST(shares_of_large_counts),
    TEST(products_are_checked),
    TEST(models_of_extreme_strides),
    TEST(a_model_of_the_largest_pads),
    TEST(a_loaded_stride_of_the_largest_int),
    TEST(phases_of_every_stride),
    TEST(memory_sizes_of_huge_strides),
    TEST(memory_sizes_of_huge_batches),
    TEST(memory_sizes_beyond_size_t),
    TEST(layers_beyond_memory_are_refused),
    TEST(models_without_parameters),
    TEST(no_memory_is_no_place),
};
HARNESS_MAIN(tests)
