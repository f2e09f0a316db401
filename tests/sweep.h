/* Sweeps a function of the kernels over the floats and measures its error in units in the last
 * place of the true value (ULP), which is that of its twin (tests/twins.h). A correctly rounded
 * function shows 0.5; whether the double that stands for the true value is itself off by its own
 * last place changes the figure by 2^-29. Also counts where instruction sets give other bits than
 * the first of them: of what is not NaN, and of scalar kernels only where they have a fused
 * multiply-add. Shared by test_math.c (coarse) and exhaustive_math.c (every float). Include after
 * the header. */
#ifndef SWEEP_H
#define SWEEP_H
#include "twins.h"
#include <float.h>

typedef struct {
    const char *name;
    const activation_twin *twin;
    double parameter;
    void (*run)(const fnni_kernels *kernels, int kind, fnn_real parameter, ptrdiff_t n,
                const fnn_real *x, fnn_real *y);
    int kind;
    double bound; /* ULP */
} sweep_function;

static void sweep_run(const fnni_kernels *k, int kind, fnn_real parameter, ptrdiff_t n,
                      const fnn_real *x, fnn_real *y)
{
    k->activation((unsigned)kind, parameter, n, x, y);
}

/* The positive control: exp, one unit off at some inputs whose result is a normal number. */
static void sweep_run_broken(const fnni_kernels *k, int kind, fnn_real parameter, ptrdiff_t n,
                             const fnn_real *x, fnn_real *y)
{
    ptrdiff_t i;
    sweep_run(k, kind, parameter, n, x, y);
    for (i = 0; i < n; i++)
        if (x[i] > 1 && x[i] < 2) y[i] *= 1 + (fnn_real)FLT_EPSILON;
}

/* Function number `kind` of the kernels' maps; without a twin's f for those of a whole row. */
#define SWEEP_COUNT ((int)FNNI_MAP_COUNT)
static sweep_function sweep_function_of(int kind)
{
    sweep_function s;
    s.name = twin_word(kind);
    s.twin = twin_of(kind);
    s.parameter = (double)twin_parameter(kind);
    s.run = sweep_run;
    s.kind = kind;
    s.bound = s.twin->ulp;
    return s;
}

static sweep_function sweep_broken(void)
{
    sweep_function s = sweep_function_of(FNNI_MAP_exp);
    s.name = "control";
    s.run = sweep_run_broken;
    return s;
}

/* And of the comparison: the last instruction set's exp has one other bit. */
static void sweep_run_odd(const fnni_kernels *k, int kind, fnn_real parameter, ptrdiff_t n,
                          const fnn_real *x, fnn_real *y)
{
    int last = FNN_ISA_COUNT - 1;
    while (!fnn_isa_available((fnn_isa)last)) last--;
    if (k->isa == (fnn_isa)last) sweep_run_broken(k, kind, parameter, n, x, y);
    else sweep_run(k, kind, parameter, n, x, y);
}

static sweep_function sweep_odd(void)
{
    sweep_function s = sweep_broken();
    s.run = sweep_run_odd;
    return s;
}

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
    int compared; /* instruction sets beside the first that should have its bits */
    uint64_t unequal[FNN_ISA_COUNT];
    float unequal_at[FNN_ISA_COUNT]; /* the first */
} sweep_result;

/* Whether an instruction set should have the bits of the best: as those of plain C do where both
 * fuse multiply-adds, or neither. */
static int sweep_same(int isa)
{
    return fnn_isa_available((fnn_isa)isa) &&
           fnni_kernels_for((fnn_isa)isa)->fused == fnni_kernels_for(fnni_best_isa())->fused;
}

/* The first instruction set that others should be equal to. */
static int sweep_first(void)
{
    int isa = FNN_ISA_SCALAR;
    while (!sweep_same(isa)) isa++;
    return isa;
}

static void sweep_compare(sweep_result *r, int isa, int n, const fnn_real *x, const fnn_real *first,
                          const fnn_real *y)
{
    int i;
    for (i = 0; i < n; i++) {
        if (memcmp(first + i, y + i, sizeof *y) == 0) continue;
        if (first[i] != first[i] && y[i] != y[i]) continue;
        if (!r->unequal[isa]++) r->unequal_at[isa] = (float)x[i];
    }
}

#define SWEEP_BLOCK 4096
/* Every stride-th float with bits from..to on every instruction set of the machine. */
static sweep_result sweep(const sweep_function *f, uint64_t from, uint64_t to, uint32_t stride)
{
    static fnn_real x[SWEEP_BLOCK], y[SWEEP_BLOCK], other[SWEEP_BLOCK];
    const int first = sweep_first();
    static double truth[SWEEP_BLOCK];
    sweep_result r;
    uint64_t bits = from;
    int isa, i, n;
    r.compared = 0;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        r.worst[isa] = isa != FNN_ISA_BEST && fnn_isa_available((fnn_isa)isa) ? 0 : -1;
        r.where[isa] = r.unequal_at[isa] = 0;
        r.unequal[isa] = 0;
        r.compared += isa > first && r.worst[isa] == 0;
    }
    while (bits <= to) {
        for (n = 0; n < SWEEP_BLOCK && bits <= to; n++, bits += stride) {
            x[n] = sweep_float((uint32_t)bits);
            truth[n] = f->twin->f((double)x[n], f->parameter);
        }
        for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
            if (r.worst[isa] < 0) continue;
            f->run(fnni_kernels_for((fnn_isa)isa), f->kind, (fnn_real)f->parameter, n, x, y);
            if (isa == first) memcpy(other, y, sizeof other);
            else if (isa > first) sweep_compare(&r, isa, n, x, other, y);
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
