/* Sweeps a function over the floats and measures its error in units in the last place of the
 * true value (ULP). A correctly rounded function shows 0.5; whether the double that stands for
 * the true value is itself off by its own last place changes the figure by 2^-29.
 * Shared by test_math.c (coarse) and exhaustive_math.c (every float). Include after the header. */
#ifndef SWEEP_H
#define SWEEP_H
#include <float.h>

typedef struct {
    const char *name;
    double (*truth)(double x);
    void (*run)(const fnni_kernels *kernels, ptrdiff_t n, const fnn_real *x, fnn_real *y);
    double bound; /* ULP */
} sweep_function;

static double sweep_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static double sweep_elu(double x)
{
    return x > 0 ? x : expm1(x);
}
static double sweep_gelu(double x)
{
    return x < -40 ? 0 : x * (0.5 * erfc(-0.70710678118654752440 * x));
}

static void sweep_run_exp(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    k->activation(FNNI_MAP_exp, 0, n, x, y);
}
static void sweep_run_log(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    k->activation(FNNI_MAP_log, 0, n, x, y);
}
static void sweep_run_tanh(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    k->activation(FNNI_MAP_tanh, 0, n, x, y);
}
static void sweep_run_sigmoid(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    k->activation(FNNI_MAP_sigmoid, 0, n, x, y);
}
static void sweep_run_elu(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    k->activation(FNN_ELU, 1, n, x, y);
}
static void sweep_run_gelu(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    k->activation(FNN_GELU, 0, n, x, y);
}

/* The positive control: exp, one unit off at some inputs whose result is a normal number. */
static void sweep_run_broken(const fnni_kernels *k, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    ptrdiff_t i;
    k->activation(FNNI_MAP_exp, 0, n, x, y);
    for (i = 0; i < n; i++)
        if (x[i] > 1 && x[i] < 2) y[i] *= 1 + (fnn_real)FLT_EPSILON;
}

static const sweep_function sweep_functions[] = {
    {"exp", exp, sweep_run_exp, 1},       {"log", log, sweep_run_log, 1},
    {"tanh", tanh, sweep_run_tanh, 2},    {"sigmoid", sweep_sigmoid, sweep_run_sigmoid, 2},
    {"elu", sweep_elu, sweep_run_elu, 2}, {"gelu", sweep_gelu, sweep_run_gelu, 8},
};
#define SWEEP_COUNT ((int)(sizeof sweep_functions / sizeof sweep_functions[0]))
static const sweep_function sweep_broken = {"control", exp, sweep_run_broken, 1};

#define SWEEP_TOP 340282366920938463463374607431768211456.0 /* 2^128 */
#define SWEEP_WRONG 1e9 /* for a NaN, an infinity or a sign in the wrong place */

static float sweep_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The distance of y from truth in ULP of truth. Beyond FLT_MAX infinity counts as 2^128. */
static double sweep_ulp(double y, double truth)
{
    uint64_t bits;
    int exponent;
    double unit;
    if (truth != truth || y != y) return truth != truth && y != y ? 0 : SWEEP_WRONG;
    if (truth > SWEEP_TOP) truth = SWEEP_TOP;
    if (truth < -SWEEP_TOP) truth = -SWEEP_TOP;
    if (y > SWEEP_TOP) y = SWEEP_TOP;
    if (y < -SWEEP_TOP) y = -SWEEP_TOP;
    memcpy(&bits, &truth, sizeof bits);
    exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    if (exponent < -126) exponent = -126;
    if (exponent > 127) exponent = 127;
    bits = (uint64_t)(1023 + 23 - exponent) << 52;
    memcpy(&unit, &bits, sizeof unit);
    return fabs(y - truth) * unit;
}

typedef struct {
    double worst[FNN_ISA_COUNT]; /* ULP; -1 where the instruction set is not there */
    float where[FNN_ISA_COUNT];
} sweep_result;

#define SWEEP_BLOCK 4096
/* Every stride-th float with bits from..to on every instruction set of the machine. */
static sweep_result sweep(const sweep_function *f, uint64_t from, uint64_t to, uint32_t stride)
{
    static fnn_real x[SWEEP_BLOCK], y[SWEEP_BLOCK];
    static double truth[SWEEP_BLOCK];
    sweep_result r;
    uint64_t bits = from;
    int isa, i, n;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        r.worst[isa] = isa != FNN_ISA_BEST && fnn_isa_available((fnn_isa)isa) ? 0 : -1;
        r.where[isa] = 0;
    }
    while (bits <= to) {
        for (n = 0; n < SWEEP_BLOCK && bits <= to; n++, bits += stride) {
            x[n] = sweep_float((uint32_t)bits);
            truth[n] = f->truth((double)x[n]);
        }
        for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
            if (r.worst[isa] < 0) continue;
            f->run(fnni_kernels_for((fnn_isa)isa), n, x, y);
            for (i = 0; i < n; i++) {
                const double ulp = sweep_ulp((double)y[i], truth[i]);
                if (ulp > r.worst[isa]) {
                    r.worst[isa] = ulp;
                    r.where[isa] = (float)x[i];
                }
            }
        }
    }
    return r;
}
#endif
