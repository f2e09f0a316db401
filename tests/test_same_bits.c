/* The same bits on every instruction set: each kernel, and products, convolutions and batch norm
 * through their calls, on random operands of many shapes, compared bit by bit. Scalar kernels take
 * part where they have a fused multiply-add as the others do (compile with -march=native, or for
 * ARM), or where none has, as in WebAssembly. A NaN is a NaN: which, no standard says. Between
 * machines tests/test_weights.c compares, by sums. */
#include "tables.h"
#include "harness.h"
#include "operands.h"
#include <float.h>
#include <math.h>

/* ---- what takes part, and what the first of it gave ---- */

typedef struct {
    const fnni_kernels *k;
    fnn_context *context;
} machine;

static machine machines[FNN_ISA_COUNT];
static int machine_count;

static void open_machines(void)
{
    int isa;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        machine *m = machines + machine_count;
        fnn_context_config config = fnn_context_config_init();
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        config.isa = (fnn_isa)isa;
        config.threads = 1 + 2 * machine_count;
        m->context = fnn_context_create(&config, NULL);
        m->k = fnni_kernels_for((fnn_isa)isa);
        if (!CHECK(m->context) || m->k->fused != fnni_kernels_for(fnni_best_isa())->fused)
            fnn_context_free(m->context);
        else machine_count++;
    }
}

static void close_machines(void)
{
    while (machine_count > 0) fnn_context_free(machines[--machine_count].context);
}

static uint32_t bits_of(fnn_real x)
{
    const float number = (float)x;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return number != number ? UINT32_MAX : bits;
}

static uint32_t *record;
static size_t recorded, room, at; /* numbers; at: how many the one that now runs has given */
static int first, unequal;        /* machines beside the first that gave others */
static const machine *now;
static char problem[120];

/* Takes n numbers that a machine has computed. */
static void see(const char *what, const fnn_real *x, ptrdiff_t n)
{
    ptrdiff_t i;
    if (first && recorded + (size_t)n > room) {
        room = 2 * (recorded + (size_t)n);
        record = (uint32_t *)realloc(record, room * sizeof *record);
        if (!record) exit(2);
    }
    for (i = 0; i < n; i++, at++) {
        if (first) record[recorded++] = bits_of(x[i]);
        else if (record[at] != bits_of(x[i])) {
            float other;
            memcpy(&other, record + at, sizeof other);
            if (!unequal++)
                sprintf(problem + strlen(problem), ": %s, %s[%d] = %.9g, on %s %.9g",
                        fnn_isa_name(now->k->isa), what, (int)i, (double)x[i],
                        fnn_isa_name(machines[0].k->isa), (double)other);
            at += (size_t)(n - i);
            return;
        }
    }
}

/* Runs one problem on all machines, each with the same random numbers. */
static int differs(void (*run)(const machine *m, const int *size), const int *size)
{
    const uint64_t from = seed;
    int i;
    recorded = 0, unequal = 0;
    for (i = 0; i < machine_count; i++) {
        seed = from, at = 0, first = i == 0, now = machines + i;
        run(now, size);
    }
    return unequal;
}

static void same(const char *name, void (*run)(const machine *m, const int *size), const int *size)
{
    problem[0] = 0;
    if (differs(run, size))
        CHECKF(0, "%s of %d, %d, %d, %d%s", name, size[0], size[1], size[2], size[3], problem);
    COMPARED();
}

static int alone(void)
{
    if (machine_count < 2) SKIP("there is only one instruction set to compare");
    return machine_count < 2;
}

/* How many problems of random sizes: more in make test-exhaustive. */
static int random_ones(int quick, int usual)
{
    return QUICK() ? quick : getenv("FULL") ? 20 * usual : usual;
}

static fnn_real *reals(ptrdiff_t n)
{
    fnn_real *x = (fnn_real *)take((size_t)n * sizeof *x);
    ptrdiff_t i;
    for (i = 0; i < n; i++) x[i] = (fnn_real)uniform(-3, 3);
    return x;
}

/* ---- functions of one number ---- */

/* A part of all floats, and the neighbourhoods of where formulas change. */
static void map(const machine *m, const int *size) /* kind, stride, start */
{
    enum { BLOCK = 4096 };
    static const float points[] = {0,    1e-38f, .5f, .625f, .6931472f, .75f, 1,
                                   1.5f, 4,      9,   10,    14.5f,     17,   88};
    static fnn_real x[BLOCK], y[BLOCK], dy[BLOCK], dx[BLOCK];
    const unsigned kind = (unsigned)size[0];
    const fnn_real parameter = (fnn_real).3;
    int i;
    for (i = 0; i < BLOCK; i++) {
        const int p = i / 128;
        uint32_t bits = (uint32_t)size[2] + (uint32_t)i * (uint32_t)size[1];
        float any;
        if (p < 28) {
            memcpy(&bits, points + p % 14, sizeof bits);
            bits = (bits + (uint32_t)below(1 << 22) - (1u << 21)) ^ (p < 14 ? 0 : 1u << 31);
        }
        memcpy(&any, &bits, sizeof any);
        x[i] = (fnn_real)any, dy[i] = (fnn_real)uniform(-3, 3);
    }
    m->k->activation(kind, parameter, BLOCK - 3, x, y);
    see("y", y, BLOCK - 3);
    if (kind >= FNN_ACTIVATION_COUNT) return;
    m->k->activation_backward(kind, parameter, BLOCK - 3, x, y, dy, dx);
    see("dx", dx, BLOCK - 3);
    m->k->bias_activation(kind, parameter, 40, 100, dy, x, 101);
    see("with bias", x, 40 * 101);
    m->k->bias_activation(kind, parameter, 500, 3, dy, x, 3);
    see("with bias, few", x, 1500);
}

static void functions(void)
{
    const int most = random_ones(4, 200);
    int kind, i;
    if (alone()) return;
    for (kind = 0; kind < (int)FNNI_MAP_COUNT; kind++)
        for (i = 0; kind != FNN_SOFTMAX && i < most; i++) {
            const int size[] = {kind, 1048573, (int)((unsigned)i * 17477u + 1), 0};
            same("function", map, size);
        }
}

/* ---- rows ---- */

static fnn_real *logits(ptrdiff_t n, int special)
{
    static const fnn_real values[] = {
        (fnn_real)INFINITY, -(fnn_real)INFINITY, (fnn_real)NAN, 0, -0.f,
        (fnn_real)1e30,     (fnn_real)1e-40};
    fnn_real *x = reals(n);
    ptrdiff_t i;
    for (i = 0; i < n; i++) x[i] *= 4;
    for (i = 0; special && i < n; i += 1 + below(40)) x[i] = values[below(7)];
    return x;
}

static void rows_of_classes(const machine *m, const int *size) /* classes, rows, special */
{
    const ptrdiff_t n = size[0], rows = size[1];
    fnn_real *x = logits(rows * n, size[2]), *targets = reals(rows * n), *y = reals(rows * n);
    fnn_real *losses = reals(rows);
    int32_t *labels = (int32_t *)take((size_t)rows * sizeof *labels);
    int i;
    for (i = 0; i < (int)rows; i++) labels[i] = below((int)n);
    m->k->softmax(rows, n, x, y);
    see("softmax", y, rows * n);
    for (i = 0; i < 4; i++) { /* labels or shares, smoothed or not */
        m->k->softmax_cross_entropy(rows, n, x, labels, i % 2 ? targets : NULL,
                                    (fnn_real)(i / 2 * .1), (fnn_real).125, losses, y);
        see("losses", losses, rows);
        see("gradient", y, rows * n);
    }
    m->k->softmax_cross_entropy(rows, n, x, labels, NULL, 0, 1, losses, NULL);
    see("losses alone", losses, rows);
    free(x);
    free(targets);
    free(y);
    free(losses);
    free(labels);
}

static void classes(void)
{
    static const int more[] = {127, 128, 129, 1000};
    int n, special;
    if (alone()) return;
    for (special = 0; special < 2; special++)
        for (n = 1; n <= 74; n += QUICK() ? 5 : 1) {
            const int size[] = {n <= 70 ? n : more[n - 71], 21, special, 0};
            same("classes", rows_of_classes, size);
        }
}

static void vectors(const machine *m, const int *size) /* n, special */
{
    const ptrdiff_t n = size[0];
    fnn_real *x = logits(n, size[1]), *y = reals(n), sums[2];
    uint8_t *bytes = (uint8_t *)take((size_t)n);
    ptrdiff_t i;
    for (i = 0; i < n; i++) bytes[i] = (uint8_t)below(256);
    sums[0] = m->k->sum(n, x), sums[1] = m->k->dot(n, x, y);
    see("sum, dot", sums, 2);
    for (i = 0; i < 2; i++) {
        fnn_real *z = reals(n);
        m->k->from_bytes(n, bytes, (int)i, x, y, z);
        see("from_bytes", z, n);
        m->k->from_reals(n, x, (int)i, y, y, z);
        see("from_reals", z, n);
        m->k->dropout(n, 77, (uint64_t)i << 32, (fnn_real).3, y, z);
        see("dropout", z, n);
        free(z);
    }
    m->k->add_scaled(n, (fnn_real).7, x, y);
    see("add_scaled", y, n);
    m->k->scale(n, (fnn_real).7, y);
    see("scale", y, n);
    free(x);
    free(y);
    free(bytes);
}

static void sums_and_vectors(void)
{
    int n, special;
    if (alone()) return;
    for (special = 0; special < 2; special++)
        for (n = 1; n < 5000; n += n < 300 ? 1 : 317) {
            const int size[] = {n, special, 0, 0};
            if (QUICK() && n % 7) continue;
            same("vectors", vectors, size);
        }
}

/* ---- columns ---- */

static void columns(const machine *m, const int *size) /* rows, columns, more */
{
    const ptrdiff_t rows = size[0], n = size[1], ld = n + size[2];
    fnn_real *x = reals(rows * ld), *y = reals(rows * n), *dy = reals(rows * n);
    fnn_real *a = reals(n), *b = reals(n), *s = reals(n), *t = reals(n);
    m->k->column_sums(rows, n, x, ld, a);
    see("column_sums", a, n);
    m->k->moments(rows, n, x, ld, b, s, t);
    see("sums", s, n);
    see("squares", t, n);
    m->k->norm_sums(rows, n, dy, y, a, b, s, t);
    see("sums of dy", s, n);
    see("products", t, n);
    m->k->norm_backward(rows, n, dy, y, a, b, s, x);
    see("dx", x, rows * n);
    m->k->scale_shift(rows, n, y, a, b, x);
    see("y", x, rows * n);
    CHECK(!fnn_batch_norm_forward(m->context, rows, n, y, a, b, (fnn_real)1e-3, s, t, dy));
    see("mean", s, n);
    see("variance", t, n);
    see("normalised", dy, rows * n);
    CHECK(!fnn_batch_norm_backward(m->context, rows, n, y, dy, a, s, t, (fnn_real)1e-3, x, a, b));
    see("gradient", x, rows * n);
    see("dgamma", a, n);
    see("dbeta", b, n);
    free(x);
    free(y);
    free(dy);
    free(a);
    free(b);
    free(s);
    free(t);
}

static void columns_and_batch_norm(void)
{
    static const int rows[] = {1, 2, 7, 31, 32, 33, 100, 700};
    int n, i;
    if (alone()) return;
    for (n = 1; n <= 300; n += n < 140 ? 1 : 29)
        for (i = 0; i < 8; i++) {
            const int size[] = {rows[i], n, (n + i) % 3, 0};
            if (QUICK() && (n + i) % 8) continue;
            same("columns", columns, size);
        }
}

/* ---- products ---- */

static void product(const machine *m, const int *size) /* m, n, k, transposes */
{
    const ptrdiff_t rows = size[0], n = size[1], k = size[2];
    const int ta = size[3] & 1, tb = size[3] >> 1;
    const fnn_real alpha = (fnn_real)(below(2) ? 1 : .7), beta = (fnn_real)(below(3) * .5);
    fnn_real *a = reals(rows * k), *b = reals(n * k), *c = reals(rows * n);
    CHECK(!fnn_sgemm(m->context, ta, tb, rows, n, k, alpha, a, ta ? rows : k, b, tb ? k : n, beta,
                     c, n));
    see("c", c, rows * n);
    free(a);
    free(b);
    free(c);
}

static void products(void)
{
    static const int large[][3] = {{1, 1000, 300}, {300, 1, 1000}, {70, 1030, 16}, {5, 7, 3000},
                                   {140, 80, 640}, {1400, 40, 99}, {33, 31, 1100}, {61, 90, 1025}};
    const int most = random_ones(200, 3000);
    int i, t;
    if (alone()) return;
    for (i = 0; i < most; i++) {
        const int size[] = {1 + below(70), 1 + below(150), below(90), i % 4};
        same("product", product, size);
    }
    for (i = 0; i < most; i++) { /* narrow ones */
        const int few = 1 + below(13), many = 30 + below(150), across = below(2);
        const int size[] = {across ? few : many, across ? many : few, below(150), i % 4};
        same("narrow product", product, size);
    }
    for (i = 0; i < most / 4; i++) { /* of one step */
        const int size[] = {1 + below(70), 1 + below(150), 1, i % 4};
        same("product of one step", product, size);
    }
    for (i = 0; i < (QUICK() ? 2 : 8); i++)
        for (t = 0; t < 4; t++) {
            const int size[] = {large[i][0], large[i][1], large[i][2], t};
            same("product", product, size);
        }
}

/* ---- windows ---- */

/* Fills in any window, or says that there is none of the numbers drawn. */
static int window_of(fnn_window *w, int channels, int kind)
{
    const int height = 1 + below(14), width = 1 + below(20), kh = 1 + below(5), kw = 1 + below(5);
    const int same_size = kind % 2, stride = below(3) ? 1 : 1 + below(3);
    return fnn_window_make(height, width, channels, kh, kw, stride,
                           below(2) ? stride : 1 + below(2), same_size ? FNN_SAME : FNN_VALID,
                           w) == FNN_OK;
}

/* One of three by three with stride 1 and any padding. */
static int three_by_three(fnn_window *w, int channels)
{
    return fnn_window_make_padded(1 + below(15), 1 + below(21), channels, 3, 3, 1, 1, below(3),
                                  below(3), w) == FNN_OK;
}

static void convolution(const machine *m, const int *size) /* channels, filters, images, kind */
{
    const int filters = size[1], images = size[2];
    ptrdiff_t in, out, taps;
    fnn_window w;
    fnn_real *x, *y, *k, *b, *dx;
    while (!(size[3] == 2 ? three_by_three(&w, size[0]) : window_of(&w, size[0], size[3])))
        continue;
    in = (ptrdiff_t)images * w.height * w.width * w.channels;
    out = (ptrdiff_t)images * w.out_height * w.out_width * filters;
    taps = (ptrdiff_t)w.kernel_height * w.kernel_width * w.channels * filters;
    x = reals(in), y = reals(out), k = reals(taps), b = reals(filters), dx = reals(in);
    CHECK(!fnn_conv2d_forward(m->context, &w, filters, images, x, k, below(2) ? b : NULL, y));
    see("y", y, out);
    CHECK(!fnn_conv2d_backward_data(m->context, &w, filters, images, y, k, dx));
    see("dx", dx, in);
    CHECK(!fnn_conv2d_backward_weights(m->context, &w, filters, images, x, y, k, b));
    see("dw", k, taps);
    see("db", b, filters);
    free(x);
    free(y);
    free(k);
    free(b);
    free(dx);
}

static void convolutions(void)
{
    const int most = random_ones(60, 2000);
    int i;
    if (alone()) return;
    for (i = 0; i < most; i++) {
        const int channels = i % 3 ? 1 + below(9) : 1 + below(40);
        const int filters = i % 4 ? 1 + i % 9 : 1 + below(70);
        const int size[] = {channels, filters, 1 + below(i % 5 ? 3 : 40), i % 2};
        same("convolution", convolution, size);
    }
}

/* Those that go by Winograd's transforms, and the transforms, one tile each. */
static void tiles(const machine *m, const int *size) /* channels, gap, rows, columns */
{
    const ptrdiff_t n = size[0], step = n + size[1];
    fnn_real *x = reals(36 * step), *y = reals(36 * step), *b = reals(n);
    const fnn_real *pixels[36];
    int i;
    for (i = 0; i < 36; i++) pixels[i] = x + i * step;
    m->k->winograd_input(n, pixels, y, step);
    see("input", y, 36 * step);
    m->k->winograd_delta(n, pixels, y, step);
    see("delta", y, 36 * step);
    m->k->winograd_weights(n, x, 3 * step, step, y, step);
    see("weights", y, 36 * step);
    m->k->winograd_output(n, x, step, b, size[2], size[3], y, 4 * step, step);
    see("output", y, 36 * step);
    m->k->winograd_pool(n, x, step, b, (size[2] + 1) / 2, (size[3] + 1) / 2, y, NULL, 2 * step,
                        step);
    see("pool", y, 36 * step);
    m->k->winograd_gradient(n, x, step, y, step);
    see("gradient", y, 36 * step);
    free(x);
    free(y);
    free(b);
}

static void winograd(void)
{
    const int most = random_ones(20, 150);
    int i, n;
    if (alone()) return;
    for (n = FNNI_SUM_LANES; n < 70; n++) {
        const int size[] = {n, n % 3, 1 + n % 4, 1 + n / 4 % 4};
        same("tile", tiles, size);
    }
    for (i = 0; i < most; i++) {
        const int size[] = {16 + below(i % 2 ? 8 : 40), 16 + below(i % 3 ? 20 : 70),
                            1 + below(i % 5 ? 3 : 40), 2};
        same("convolution", convolution, size);
    }
}

static void pool(const machine *m, const int *size) /* channels, padding, special */
{
    fnn_window w;
    ptrdiff_t in, out, taps, i;
    fnn_real *x, *y, *dx, *seen;
    uint8_t *index;
    while (!window_of(&w, size[0], size[1])) continue;
    in = (ptrdiff_t)w.height * w.width * w.channels;
    out = (ptrdiff_t)w.out_height * w.out_width * w.channels;
    taps = out * w.kernel_height * w.kernel_width;
    x = logits(in, size[2]), y = reals(out), dx = reals(in), seen = reals(taps);
    index = (uint8_t *)take((size_t)out);
    m->k->max_pool(&w, x, y, index);
    see("maximum", y, out);
    m->k->max_pool_backward(&w, index, y, dx);
    see("dx", dx, in);
    for (i = 0; i < out; i++) y[i] = index[i];
    see("index", y, out);
    m->k->average_pool(&w, x, y);
    see("mean", y, out);
    m->k->average_pool_backward(&w, y, dx);
    see("dx of the mean", dx, in);
    m->k->im2col(&w, x, seen);
    see("im2col", seen, taps);
    m->k->fill(in, 0, dx);
    m->k->col2im(&w, seen, dx);
    see("col2im", dx, in);
    free(x);
    free(y);
    free(dx);
    free(seen);
    free(index);
}

static void pools(void)
{
    const int most = random_ones(60, 1500);
    int i;
    if (alone()) return;
    for (i = 0; i < most; i++) {
        const int size[] = {1 + below(i % 2 ? 9 : 70), i % 2, i % 3 == 0, 0};
        same("pool", pool, size);
    }
}

/* ---- optimisers ---- */

static fnn_real one_of(double a, double b)
{
    return (fnn_real)(below(2) ? a : b);
}

static void optimizer(const machine *m, const int *size) /* kind, n */
{
    const ptrdiff_t n = size[1];
    fnn_real *w = reals(n), *g = reals(n), *s = reals(n), *v = reals(n);
    fnni_step step;
    ptrdiff_t i;
    for (i = 0; i < n; i++) s[i] = s[i] * s[i], v[i] = v[i] * v[i];
    memset(&step, 0, sizeof step);
    step.rate = one_of(.1, .003), step.gradient_scale = one_of(1, .3), step.clip = one_of(0, .7);
    step.l2 = one_of(0, 1e-3), step.l1 = one_of(0, 1e-4), step.decay = one_of(0, .01);
    step.momentum = one_of(0, .9), step.dampening = one_of(0, .1), step.rho = one_of(.9, .95);
    step.beta1 = (fnn_real).9, step.beta2 = (fnn_real).999, step.epsilon = one_of(1e-7, 1e-3);
    step.correction1 = (fnn_real).271, step.correction2 = (fnn_real)2.997e-3;
    step.clip_penalty = below(2), step.nesterov = below(2), step.epsilon_inside = below(2);
    step.rate_inside = below(2), step.epsilon_corrected = below(2);
    for (i = 0; i < 3; i++) m->k->optimizer_step((fnn_optimizer_kind)size[0], n, &step, w, g, s, v);
    see("weights", w, n);
    see("state", s, n);
    see("second state", v, n);
    free(w);
    free(g);
    free(s);
    free(v);
}

static void optimizers(void)
{
    const int most = random_ones(40, 300);
    int kind, i;
    if (alone()) return;
    for (kind = 0; kind < FNN_OPTIMIZER_COUNT; kind++)
        for (i = 0; i < most; i++) {
            const int size[] = {kind, 1 + below(90), 0, 0};
            same("optimizer", optimizer, size);
        }
}

/* ---- the control: one bit, on one machine, in one number of many ---- */

static void flipped(const machine *m, const int *size) /* n, and whether to */
{
    fnn_real *x = reals(size[0]);
    if (size[1] && m == machines + machine_count - 1) x[size[0] / 2] = -x[size[0] / 2];
    see("x", x, size[0]);
    free(x);
}

static void a_flipped_bit_is_seen(void)
{
    static const int right[] = {1000, 0, 0, 0}, wrong[] = {1000, 1, 0, 0};
    if (alone()) return;
    problem[0] = 0;
    CHECK(!differs(flipped, right));
    CHECK(differs(flipped, wrong) == 1);
    CHECKF(strstr(problem, "x[500]"), "%s", problem);
}

static const harness_test tests[] = {TEST(functions),        TEST(classes),
                                     TEST(sums_and_vectors), TEST(columns_and_batch_norm),
                                     TEST(products),         TEST(convolutions),
                                     TEST(winograd),         TEST(pools),
                                     TEST(optimizers),       TEST(a_flipped_bit_is_seen)};

int main(int argc, char **argv)
{
    int status;
    open_machines();
    status = harness_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv);
    close_machines();
    free(record);
    return status;
}
