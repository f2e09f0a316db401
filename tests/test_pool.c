/* Pooling, im2col and col2im against naive loops over the window, on every instruction set:
 * seeded windows of all kinds between guard pages, ties, NaN, the public calls and their errors,
 * and the same bits for any number of threads.
 * tests/exhaustive_pool.c includes this file and adds every small window. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "tables.h"
#include "harness.h"
#include "guarded.h"
#include "operands.h"

/* ---- what a window sees, by the definition ---- */
/* The input pixel under position (kh,kw) of window (i,j), or -1 outside of the image. */
static ptrdiff_t pixel_at(const fnn_window *w, int i, int j, int kh, int kw)
{
    const int row = i * w->stride_height - w->pad_top + kh;
    const int column = j * w->stride_width - w->pad_left + kw;
    if (row < 0 || row >= w->height || column < 0 || column >= w->width) return -1;
    return (ptrdiff_t)row * w->width + column;
}

/* The operands of one window: x and dx, y and dy, index, columns; and what they should be. */
enum { X, DX, Y, DY, INDEX, COLUMNS, DCOLUMNS, OPERANDS };
typedef struct problem {
    fnn_window w;
    size_t image, made, wide; /* numbers of an image, of what comes out, of the columns */
    fnn_real *p[OPERANDS];    /* but for the index */
    uint8_t *index;
    double *max, *average, *max_back, *average_back, *back_size, *im2col, *col2im;
    int *position;
} problem;

/* Integers, so that sums are exact and ties are many. */
static void fill(fnn_real *x, size_t count, int from, int to)
{
    size_t i;
    for (i = 0; i < count; i++) x[i] = (fnn_real)(from + below(to - from + 1));
}

/* Everything that comes of one output element. */
static void twin_element(problem *p, int i, int j, int c)
{
    const fnn_window *w = &p->w;
    const size_t at = (size_t)((i * w->out_width + j) * w->channels + c);
    double best = 0, sum = 0;
    int count = 0, kh, kw, position = -1;
    for (kh = 0; kh < w->kernel_height; kh++)
        for (kw = 0; kw < w->kernel_width; kw++) {
            const ptrdiff_t pixel = pixel_at(w, i, j, kh, kw);
            const size_t column = (at - (size_t)c) * (p->wide / p->made) +
                                  (size_t)((kh * w->kernel_width + kw) * w->channels + c);
            const double x = pixel < 0 ? 0 : (double)p->p[X][pixel * w->channels + c];
            p->im2col[column] = x;
            if (pixel < 0) continue;
            p->col2im[pixel * w->channels + c] += (double)p->p[DCOLUMNS][column];
            if (position < 0 || x > best || x != x) best = x, position = kh * w->kernel_width + kw;
            sum += x;
            count++;
        }
    p->max[at] = best;
    p->position[at] = position;
    p->average[at] = sum / count;
    for (kh = 0; kh < w->kernel_height; kh++)
        for (kw = 0; kw < w->kernel_width; kw++) {
            const ptrdiff_t pixel = pixel_at(w, i, j, kh, kw) * w->channels + c;
            const double dy = (double)p->p[DY][at];
            if (pixel_at(w, i, j, kh, kw) < 0) continue;
            if (kh * w->kernel_width + kw == position) p->max_back[pixel] += dy;
            p->average_back[pixel] += dy / count;
            p->back_size[pixel] += fabs(dy / count);
        }
}

/* The twins' results for what x, dy and the columns hold now. */
static void twins(problem *p)
{
    const fnn_window *w = &p->w;
    int i, j, c;
    memset(p->max_back, 0, p->image * sizeof(double));
    memset(p->average_back, 0, p->image * sizeof(double));
    memset(p->back_size, 0, p->image * sizeof(double));
    memset(p->col2im, 0, p->image * sizeof(double));
    for (i = 0; i < w->out_height; i++)
        for (j = 0; j < w->out_width; j++)
            for (c = 0; c < w->channels; c++) twin_element(p, i, j, c);
}

static void open_problem(problem *p, const fnn_window *w, int placement)
{
    int i;
    p->w = *w;
    p->image = (size_t)(w->height * w->width * w->channels);
    p->made = (size_t)(w->out_height * w->out_width * w->channels);
    p->wide = p->made * (size_t)(w->kernel_height * w->kernel_width);
    guarded_open((p->wide > p->image ? p->wide : p->image) * sizeof(fnn_real) + 512);
    for (i = 0; i < OPERANDS; i++) {
        const size_t count = i == X || i == DX ? p->image : i < COLUMNS ? p->made : p->wide;
        if (i == INDEX) p->index = (uint8_t *)guarded_place(i, 1, count, placement);
        else p->p[i] = (fnn_real *)guarded_place(i, sizeof(fnn_real), count, placement);
    }
    fill(p->p[X], p->image, -4, 4);
    fill(p->p[DY], p->made, -9, 9);
    fill(p->p[DCOLUMNS], p->wide, -9, 9);
    p->max = (double *)take_zeros(p->made * sizeof(double));
    p->average = (double *)take_zeros(p->made * sizeof(double));
    p->position = (int *)take_zeros(p->made * sizeof(int));
    p->max_back = (double *)take_zeros(p->image * sizeof(double));
    p->average_back = (double *)take_zeros(p->image * sizeof(double));
    p->back_size = (double *)take_zeros(p->image * sizeof(double));
    p->col2im = (double *)take_zeros(p->image * sizeof(double));
    p->im2col = (double *)take_zeros(p->wide * sizeof(double));
    twins(p);
}

static void close_problem(problem *p)
{
    free(p->max), free(p->average), free(p->position), free(p->max_back), free(p->average_back);
    free(p->back_size), free(p->col2im), free(p->im2col);
}

/* ---- checks ---- */
static const fnni_kernels *now;

static void report(const problem *p, const char *what, size_t at, double found, double truth)
{
    const fnn_window *w = &p->w;
    CHECKF(0, "%s %s (%d,%d,%d) kernel %dx%d stride %dx%d pad %d,%d: number %d is %.9g, twin %.9g",
           what, fnn_isa_name(now->isa), w->height, w->width, w->channels, w->kernel_height,
           w->kernel_width, w->stride_height, w->stride_width, w->pad_top, w->pad_left, (int)at,
           found, truth);
}

/* Every number within bound epsilon |size| of its twin: exactly with bound 0. */
static void compare(const problem *p, const char *what, int operand, const double *twin,
                    const double *size, double bound)
{
    const size_t count = operand == DX ? p->image : operand == COLUMNS ? p->wide : p->made;
    size_t i;
    for (i = 0; i < count; i++) {
        const double y = (double)p->p[operand][i];
        COMPARED();
        if (y == twin[i] || (y != y && twin[i] != twin[i])) continue;
        if (fabs(y - twin[i]) <= bound * EPSILON * fabs(size[i])) continue;
        report(p, what, i, y, twin[i]);
        return;
    }
}

static void compare_index(const problem *p)
{
    size_t i;
    for (i = 0; i < p->made; i++)
        if (p->index[i] != p->position[i]) {
            report(p, "index of max_pool", i, p->index[i], p->position[i]);
            return;
        }
}

static void compare_margins(const problem *p)
{
    int i;
    for (i = 0; i < OPERANDS; i++) {
        const size_t count = i == X || i == DX ? p->image : i < COLUMNS ? p->made : p->wide;
        const int whole = i == INDEX ? guarded_untouched(i, p->index, count)
                                     : guarded_untouched(i, p->p[i], count * sizeof(fnn_real));
        if (!whole) report(p, "beside operand", (size_t)i, 1, 0);
    }
}

/* Outputs are filled with NaN beforehand, none of which must be left. */
static void check_kernels(problem *p, const fnni_kernels *k)
{
    const fnn_window *w = &p->w;
    fnn_real **q = p->p;
    now = k;
    if (w->kernel_height * w->kernel_width <= 256) {
        fill_nan(q[Y], p->made);
        k->max_pool(w, q[X], q[Y], NULL);
        compare(p, "max_pool", Y, p->max, p->max, 0);
        fill_nan(q[Y], p->made);
        memset(p->index, 0xff, p->made);
        k->max_pool(w, q[X], q[Y], p->index);
        compare(p, "max_pool with index", Y, p->max, p->max, 0);
        compare_index(p);
        fill_nan(q[DX], p->image);
        k->max_pool_backward(w, p->index, q[DY], q[DX]);
        compare(p, "max_pool_backward", DX, p->max_back, p->max_back, 0);
    }
    fill_nan(q[Y], p->made);
    k->average_pool(w, q[X], q[Y]);
    compare(p, "average_pool", Y, p->average, p->average, 1.5);
    fill_nan(q[DX], p->image);
    k->average_pool_backward(w, q[DY], q[DX]);
    compare(p, "average_pool_backward", DX, p->average_back, p->back_size,
            1 + .5 * w->kernel_height * w->kernel_width);
    fill_nan(q[COLUMNS], p->wide);
    k->im2col(w, q[X], q[COLUMNS]);
    compare(p, "im2col", COLUMNS, p->im2col, p->im2col, 0);
    k->fill((ptrdiff_t)p->image, 0, q[DX]);
    k->col2im(w, q[DCOLUMNS], q[DX]);
    compare(p, "col2im", DX, p->col2im, p->col2im, 0);
    compare_margins(p);
}

static void check_window(const fnn_window *w, int placement)
{
    problem p;
    int isa;
    open_problem(&p, w, placement);
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        if (fnn_isa_available((fnn_isa)isa)) check_kernels(&p, fnni_kernels_for((fnn_isa)isa));
    close_problem(&p);
}

/* ---- windows ---- */
static const int channel_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 33};
#define CHANNEL_COUNTS ((int)(sizeof channel_counts / sizeof channel_counts[0]))

/* A window of these sizes; the pads go with FNN_EXPLICIT alone. */
static fnn_result make_window(const fnn_window *form, int channels, fnn_padding padding,
                              int pad_height, int pad_width, fnn_window *w)
{
    if (padding == FNN_EXPLICIT)
        return fnn_window_make_padded(form->height, form->width, channels, form->kernel_height,
                                      form->kernel_width, form->stride_height, form->stride_width,
                                      pad_height, pad_width, w);
    return fnn_window_make(form->height, form->width, channels, form->kernel_height,
                           form->kernel_width, form->stride_height, form->stride_width, padding, w);
}

static void some_windows(void)
{
    const int count = QUICK() ? 250 : 1500;
    int done, padded = 0;
    seed = 1;
    for (done = 0; done < count && harness_wrong < 10;) {
        const fnn_padding padding = (fnn_padding)below(FNN_PADDING_COUNT);
        fnn_window form, w;
        form.height = 1 + below(17), form.width = 1 + below(17);
        form.kernel_height = 1 + below(7), form.kernel_width = 1 + below(7);
        form.stride_height = 1 + below(4), form.stride_width = 1 + below(4);
        if (make_window(&form, channel_counts[below(CHANNEL_COUNTS)], padding,
                        below(form.kernel_height), below(form.kernel_width), &w))
            continue;
        padded += padding == FNN_EXPLICIT && w.pad_top + w.pad_left > 0;
        check_window(&w, done++ % 9);
    }
    CHECK(padded > count / 5);
}

/* The windows that nets use, with channels round every vector's length. */
static void usual_windows(void)
{
    static const int shapes[][4] = {/* height, width, kernel, stride */
                                    {28, 28, 2, 2}, {14, 14, 2, 2}, {7, 7, 2, 2},     {13, 9, 2, 2},
                                    {9, 9, 3, 2},   {8, 8, 3, 3},   {7, 7, 7, 7},     {1, 1, 1, 1},
                                    {1, 1, 2, 2},   {1, 8, 2, 2},   {16, 16, 16, 16}, {5, 5, 1, 3}};
    static const int channels[] = {1, 3, 15, 16, 17, 31, 32, 33, 64, 65};
    size_t s, c;
    int padding;
    seed = 2;
    for (s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (c = 0; c < sizeof channels / sizeof channels[0]; c++)
            for (padding = 0; padding < FNN_PADDING_COUNT; padding++) {
                const int *h = shapes[s];
                const fnn_window form = {h[0], h[1], 0, h[2], h[2], h[3], h[3], 0, 0, 0, 0};
                fnn_window w;
                if (QUICK() && h[0] * h[1] * channels[c] > 5000) continue;
                if (make_window(&form, channels[c], (fnn_padding)padding, h[2] / 2, h[2] / 2, &w))
                    continue;
                check_window(&w, (int)(s + c) % 5);
            }
}

/* ---- ties and NaN ---- */
/* All equal: the first position inside of the image wins, and gets the whole gradient. NaN
 * anywhere: a NaN comes out, and the last one is named. */
static void special_numbers(void)
{
    int isa, kernel, channels, form, i;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        for (kernel = 1; kernel <= 3; kernel++)
            for (channels = 1; channels <= 33; channels += 8)
                for (form = 0; form < 4; form++) {
                    fnn_window w;
                    problem p;
                    if (!fnn_isa_available((fnn_isa)isa)) continue;
                    if (form % 2)
                        fnn_window_make(6, 5, channels, kernel, kernel, 2, 2, FNN_SAME, &w);
                    else
                        fnn_window_make_padded(6, 5, channels, kernel, kernel, 2, 2, kernel - 1,
                                               kernel - 1, &w);
                    open_problem(&p, &w, 1);
                    for (i = 0; i < (int)p.image; i++)
                        p.p[X][i] = form == 0                       ? 7
                                    : form == 1                     ? (fnn_real)-INFINITY
                                    : below(form == 2 ? 4 : 2) == 0 ? (fnn_real)NAN
                                    : below(3)                      ? (fnn_real)INFINITY
                                                                    : (fnn_real)below(5);
                    twins(&p);
                    now = fnni_kernels_for((fnn_isa)isa);
                    now->max_pool(&w, p.p[X], p.p[Y], p.index);
                    compare(&p, "max_pool", Y, p.max, p.max, 0);
                    compare_index(&p);
                    now->max_pool_backward(&w, p.index, p.p[DY], p.p[DX]);
                    compare(&p, "max_pool_backward", DX, p.max_back, p.max_back, 0);
                    close_problem(&p);
                }
}

/* By hand, on one image of 4 x 4: PyTorch's MaxPool2d(3, 2, padding=1), and AvgPool2d with the same
 * and count_include_pad=False. */
static void pools_of_pytorch(void)
{
    static const fnn_real x[16] = {-1, -2, -3, -4, -5, -6, -7, -8, 9, 10, 11, 12, -13, 14, -15, 16};
    static const fnn_real largest[4] = {-1, -2, 14, 16};
    static const fnn_real mean[4] = {(fnn_real)-3.5, -5, 1.5, 3};
    static const uint8_t places[4] = {4, 3, 8, 8};
    fnn_real y[4];
    uint8_t index[4];
    fnn_window w;
    int i;
    CHECK(!fnn_window_make_padded(4, 4, 1, 3, 3, 2, 2, 1, 1, &w));
    CHECK(!fnn_max_pool2d_forward(NULL, &w, 1, x, y, index));
    for (i = 0; i < 4; i++) CHECK(y[i] == largest[i] && index[i] == places[i]);
    CHECK(!fnn_average_pool2d_forward(NULL, &w, 1, x, y));
    for (i = 0; i < 4; i++) CHECK(fabs((double)(y[i] - mean[i])) < 1e-6);
}

/* ---- the public calls ---- */
static fnn_context *context_with(int threads)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_context *context;
    config.threads = threads;
    context = fnn_context_create(&config, NULL);
    if (!context) exit(3);
    return context;
}

/* Several images on one thread and on five: what the kernel makes of each, in the same bits. */
static void images_on_threads(void)
{
    enum { IMAGES = 7, IMAGE = 28 * 27 * 40, MADE = 14 * 14 * 40, WIDE = MADE * 4 };
    fnn_context *contexts[3];
    fnn_window w;
    fnn_real *x = (fnn_real *)take(IMAGES * IMAGE * sizeof *x),
             *back = (fnn_real *)take(IMAGES * IMAGE * sizeof *x);
    fnn_real *y = (fnn_real *)take(IMAGES * WIDE * sizeof *y),
             *one = (fnn_real *)take(WIDE * sizeof *y);
    uint8_t *index = (uint8_t *)take(IMAGES * MADE), *one_index = (uint8_t *)take(MADE);
    const fnni_kernels *k = fnni_kernels_for(fnni_best_isa());
    int c, i;
    contexts[0] = NULL, contexts[1] = context_with(1), contexts[2] = context_with(5);
    fill(x, (size_t)IMAGES * IMAGE, -50, 50);
    CHECK(fnn_window_make(28, 27, 40, 2, 2, 2, 2, FNN_SAME, &w) == FNN_OK &&
          w.out_height * w.out_width * 40 == MADE);
#define SAME(call, kernel, result, size)                                      \
    fill_nan(y, (size_t)IMAGES *WIDE), fill_nan(back, (size_t)IMAGES *IMAGE); \
    CHECK((call) == FNN_OK);                                                  \
    for (i = 0; i < IMAGES; i++) {                                            \
        kernel;                                                               \
        CHECK(memcmp((result) + i * (size), one, (size) * sizeof *one) == 0); \
    }
    one = (fnn_real *)realloc(one, (size_t)(WIDE > IMAGE ? WIDE : IMAGE) * sizeof *one);
    if (!one) exit(3);
    for (c = 0; c < 3; c++) {
        SAME(fnn_max_pool2d_forward(contexts[c], &w, IMAGES, x, y, index),
             k->max_pool(&w, x + i * IMAGE, one, one_index), y, MADE)
        CHECK(memcmp(index + (IMAGES - 1) * MADE, one_index, MADE) == 0);
        SAME(fnn_max_pool2d_backward(contexts[c], &w, IMAGES, index, x, back),
             k->max_pool_backward(&w, index + i * MADE, x + i * MADE, one), back, IMAGE)
        SAME(fnn_average_pool2d_forward(contexts[c], &w, IMAGES, x, y),
             k->average_pool(&w, x + i * IMAGE, one), y, MADE)
        SAME(fnn_average_pool2d_backward(contexts[c], &w, IMAGES, x, back),
             k->average_pool_backward(&w, x + i * MADE, one), back, IMAGE)
        SAME(fnn_im2col(contexts[c], &w, IMAGES, x, y), k->im2col(&w, x + i * IMAGE, one), y, WIDE)
        SAME(fnn_col2im(contexts[c], &w, IMAGES, y, back),
             (k->fill(IMAGE, 0, one), k->col2im(&w, y + i * WIDE, one)), back, IMAGE)
        fnn_context_free(contexts[c]);
    }
#undef SAME
    free(x), free(back), free(y), free(one), free(index), free(one_index);
}

/* Every call with these arguments; how many take them. */
static int taken(const fnn_window *w, ptrdiff_t images, const fnn_real *in, fnn_real *out,
                 uint8_t *index)
{
    return (fnn_max_pool2d_forward(NULL, w, images, in, out, index) == FNN_OK) +
           (fnn_max_pool2d_backward(NULL, w, images, index, in, out) == FNN_OK) +
           (fnn_average_pool2d_forward(NULL, w, images, in, out) == FNN_OK) +
           (fnn_average_pool2d_backward(NULL, w, images, in, out) == FNN_OK) +
           (fnn_im2col(NULL, w, images, in, out) == FNN_OK) +
           (fnn_col2im(NULL, w, images, in, out) == FNN_OK);
}

static void arguments(void)
{
    static fnn_real in[4 * 4 * 9], out[4 * 4 * 9 * 4];
    static uint8_t index[4 * 4 * 9];
    fnn_window w, bad;
    int field;
    CHECK(fnn_window_make(4, 4, 3, 2, 2, 1, 1, FNN_SAME, &w) == FNN_OK);
    CHECK(taken(&w, 1, in, out, index) == 6);
    CHECK(taken(&w, 0, NULL, NULL, NULL) == 6);
    CHECK(taken(&w, -1, in, out, index) == 0 && taken(NULL, 1, in, out, index) == 0);
    CHECK(taken(&w, 1, NULL, out, index) == 0 && taken(&w, 1, in, NULL, index) == 0);
    CHECK(taken(&w, 1, in, out, NULL) == 5); /* the forward's index may be NULL */
    CHECK(taken(&w, PTRDIFF_MAX / 2, in, out, index) == 0);
    for (field = 0; field < (int)(sizeof w / sizeof(int)); field++) { /* all of them are int */
        memcpy(&bad, &w, sizeof w);
        ((int *)(void *)&bad)[field] = -1;
        CHECKF(taken(&bad, 1, in, out, index) == 0, "field %d", field);
        if (field == 7 || field == 8) continue; /* padding may be 0 */
        ((int *)(void *)&bad)[field] = 0;
        CHECKF(taken(&bad, 1, in, out, index) == 0, "field %d", field);
    }
    bad = w, bad.out_height = 5; /* beyond the image */
    CHECK(taken(&bad, 1, in, out, index) == 0);
    bad = w, bad.pad_left = 2; /* a window in the padding alone */
    CHECK(taken(&bad, 1, in, out, index) == 0);
    {
        static fnn_real large[17 * 17];
        CHECK(fnn_window_make(17, 17, 1, 17, 17, 1, 1, FNN_VALID, &w) == FNN_OK);
        CHECK(fnn_max_pool2d_forward(NULL, &w, 1, large, out, NULL) ==
              FNN_ERROR_ARGUMENT); /* 289 */
        CHECK(fnn_average_pool2d_forward(NULL, &w, 1, large, out) == FNN_OK);
        CHECK(fnn_window_make(17, 17, 1, 16, 16, 1, 1, FNN_VALID, &w) == FNN_OK);
        CHECK(fnn_max_pool2d_forward(NULL, &w, 1, large, out, index) == FNN_OK && index[0] == 0);
    }
}

/* ---- broken cases: what the checks must report ---- */
static void late_tie(const fnn_window *w, const fnn_real *x, fnn_real *y, uint8_t *index)
{
    fnni_kernels_scalar.max_pool(w, x, y, index);
    if (index && x[0] == x[w->channels]) index[0] = 1; /* the second maximum of the first window */
}
static void no_zeros(const fnn_window *w, const uint8_t *index, const fnn_real *dy, fnn_real *dx)
{
    const fnn_real last = dx[w->height * w->width * w->channels - 1];
    fnni_kernels_scalar.max_pool_backward(w, index, dy, dx);
    dx[w->height * w->width * w->channels - 1] = last; /* not overwritten */
}
static void counts_padding(const fnn_window *w, const fnn_real *x, fnn_real *y)
{
    fnni_kernels_scalar.average_pool(w, x, y);
    y[w->out_height * w->out_width * w->channels - 1] /= 2;
}
static void one_too_many(const fnn_window *w, const fnn_real *x, fnn_real *y)
{
    fnni_kernels_scalar.average_pool(w, x, y);
    y[w->out_height * w->out_width * w->channels] = 0;
}
static void one_too_few(const fnn_window *w, const fnn_real *columns, fnn_real *dx)
{
    fnni_kernels_scalar.col2im(w, columns, dx);
    dx[1] -= columns[w->channels];
}

static int failures_with(const fnni_kernels *k)
{
    const int before = harness_wrong;
    fnn_window w;
    problem p;
    int failures, i;
    fnn_window_make(5, 5, 1, 2, 2, 2, 2, FNN_SAME, &w);
    seed = 3;
    open_problem(&p, &w, 3);
    for (i = 0; i < 3; i++) p.p[X][i] = 4; /* a tie, and a last mean that is not 0 */
    p.p[X][24] = 3;
    p.p[DCOLUMNS][1] = 2;
    twins(&p);
    harness_wrong = 1000; /* not printed */
    check_kernels(&p, k);
    failures = harness_wrong - 1000;
    harness_wrong = before;
    close_problem(&p);
    return failures;
}

static void controls(void)
{
    fnni_kernels k = fnni_kernels_scalar;
    CHECK(failures_with(&k) == 0);
    k.max_pool = late_tie;
    CHECK(failures_with(&k) == 2); /* the index, and the gradient sent there */
    k = fnni_kernels_scalar, k.max_pool_backward = no_zeros;
    CHECK(failures_with(&k) == 1);
    k = fnni_kernels_scalar, k.average_pool = counts_padding;
    CHECK(failures_with(&k) == 1);
    k = fnni_kernels_scalar, k.average_pool = one_too_many;
    CHECK(failures_with(&k) == 1);
    k = fnni_kernels_scalar, k.col2im = one_too_few;
    CHECK(failures_with(&k) == 1);
    CHECK(guarded_notices());
}

#define POOL_TESTS                                                                          \
    TEST(some_windows), TEST(usual_windows), TEST(special_numbers), TEST(pools_of_pytorch), \
        TEST(images_on_threads), TEST(arguments), TEST(controls)

#ifndef POOL_TESTS_ONLY
static const harness_test tests[] = {POOL_TESTS};
HARNESS_MAIN(tests)
#endif
