/* exp, log and the activations: errors in ULP on a coarse sweep of all floats, on every instruction
 * set, all of which give the same bits (tests/exhaustive_math.c takes every float), and what they
 * leave alone. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "twins.h"
#include <fenv.h>
#include <float.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#if !FNNI_REAL_IS_DOUBLE
#include "sweep.h"

static void check_sweep(const sweep_function *f, sweep_result r)
{
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        CHECKF(r.worst[isa] <= f->bound, "%s %s: %.3f ULP at %.9g", f->name,
               fnn_isa_name((fnn_isa)isa), r.worst[isa], (double)r.where[isa]);
        CHECKF(!r.unequal[isa], "%s %s: other bits at %.9g", f->name, fnn_isa_name((fnn_isa)isa),
               (double)r.unequal_at[isa]);
    }
}

static void everywhere(void)
{
    int kind;
    for (kind = 0; kind < SWEEP_COUNT; kind++) {
        const sweep_function f = sweep_function_of(kind);
        if (f.twin->f)
            check_sweep(&f, sweep(&f, 0, 0xffffffffu, getenv("TEST_QUICK") ? 99991 : 9973));
    }
}

/* The neighbourhoods where formulas change: every float within 2^12 of each. */
static void seams(void)
{
    static const double points[] = {
        1e-45,      1.17549435e-38, 2.0 / 3, 0.75,     1,        4.0 / 3, 1.5, 2,
        0.34657359, 0.625,          10,      14.5,     16.6355,  17.3287, 30,  87.33655,
        88.02969,   88.72284,       89,      103.2789, 103.9721, 104};
    const size_t count = sizeof points / sizeof points[0];
    size_t i;
    int kind, sign;
    for (kind = 0; kind < SWEEP_COUNT; kind++)
        for (i = 0; twin_of(kind)->f && i < count; i++)
            for (sign = 0; sign < 2; sign++) {
                const sweep_function f = sweep_function_of(kind);
                const float x = (float)(sign ? -points[i] : points[i]);
                uint32_t bits, low;
                memcpy(&bits, &x, sizeof bits);
                low = (bits & 0x7fffffffu) < 4096 ? bits & 0x80000000u : bits - 4096;
                check_sweep(&f, sweep(&f, low, bits + 4096u, 1));
            }
}

/* The control: one unit in the last place on some inputs must show. */
static void control(void)
{
    const sweep_function broken = sweep_broken();
    const sweep_result r = sweep(&broken, 0x3f000000u, 0x40400000u, 997);
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++)
        CHECKF(r.worst[isa] < 0 || r.worst[isa] > broken.bound, "%s hides the error",
               fnn_isa_name((fnn_isa)isa));
}

static void odd_bits_are_seen(void)
{
    const sweep_function odd = sweep_odd();
    const sweep_result r = sweep(&odd, 0x3f000000u, 0x40400000u, 997);
    uint64_t unequal = 0;
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) unequal += r.unequal[isa];
    if (r.compared) CHECK(unequal > 1000);
    else SKIP("there is only one instruction set to compare");
}
#else
/* The double library: libm's functions, against long double where that is longer. */
static double error_of(double y, long double truth)
{
    const double unit = fabs((double)truth) < DBL_MIN ? DBL_MIN * DBL_EPSILON
                                                      : ldexp(DBL_EPSILON, ilogb((double)truth));
    return (double)(fabsl((long double)y - truth) / (long double)unit);
}

static long double long_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}
static long double long_elu(long double x)
{
    return x > 0 ? x : expm1l(x);
}
static long double long_gelu(long double x)
{
    return x * 0.5L * erfcl(-x * 0.70710678118654752440084436L);
}

static void doubles(void)
{
    static const struct {
        int kind;
        long double (*truth)(long double x);
        double from;
    } rows[] = {{FNNI_MAP_exp, expl, -40}, {FNNI_MAP_log, logl, 0},
                {FNN_TANH, tanhl, -40},    {FNN_SIGMOID, long_sigmoid, -40},
                {FNN_ELU, long_elu, -40},  {FNN_GELU, long_gelu, -5}};
    size_t r;
    int i;
    if (LDBL_MANT_DIG <= DBL_MANT_DIG) {
        SKIP("long double is double here");
        return;
    }
    for (r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double worst = 0, y;
        for (i = 0; i < 200000; i++) {
            const double x = (i - 100000) * 3.456789e-4;
            if (x <= rows[r].from) continue;
            fnni_kernels_scalar.activation((unsigned)rows[r].kind, 1, 1, &x, &y);
            y = error_of(y, rows[r].truth((long double)x));
            worst = y > worst ? y : worst;
        }
        CHECKF(worst > 0 && worst < twin_of(rows[r].kind)->ulp_double, "%s: %.2f ULP",
               twin_word(rows[r].kind), worst);
    }
}
#endif

/* The rounding mode and, on x86, all control bits (flush to zero among them) stay as they were. */
static void environment_is_left(void)
{
    static fnn_real x[40], y[40];
    int isa, i;
    for (i = 0; i < 40; i++) x[i] = (fnn_real)(i - 20) * 5;
    for (isa = 1; isa < FNN_ISA_COUNT; isa++) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        const int rounding = fegetround();
        volatile fnn_real tiny = sizeof(fnn_real) == 4 ? (fnn_real)FLT_MIN : (fnn_real)DBL_MIN;
#if FNNI_X86 && defined(__SSE__)
        const unsigned control_bits = _mm_getcsr() & ~0x3fu;
#endif
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        k->activation(FNNI_MAP_exp, 0, 40, x, y);
        k->activation(FNNI_MAP_log, 0, 40, x, y);
        k->activation(FNNI_MAP_tanh, 0, 40, x, y);
        k->activation(FNNI_MAP_sigmoid, 0, 40, x, y);
        k->softmax(4, 10, x, y);
        CHECK(fegetround() == rounding);
#if FNNI_X86 && defined(__SSE__)
        CHECK((_mm_getcsr() & ~0x3fu) == control_bits);
#endif
        tiny /= 2;
        CHECK(tiny > 0);
    }
}

#if !FNNI_REAL_IS_DOUBLE
#if defined(FE_DOWNWARD) && defined(FE_UPWARD) && defined(FE_TOWARDZERO)
#define HAVE_MODES 1 /* of rounding */
/* What another environment of the caller's costs, as the chapter NUMERICS says. */
static void other_environments_cost_what_they_should(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    static float x[4000], y[4000];
    volatile float nearest = 1, down = 1;
    int mode, i, k;
    nearest /= 10;
    fesetround(FE_DOWNWARD);
    down /= 10;
    fesetround(FE_TONEAREST);
    if (down == nearest) { /* under an emulator */
        SKIP("rounding has one mode here");
        return;
    }
    for (mode = 0; mode < 4; mode++)
        for (k = 0; k < 4; k++) {
            double worst = 0;
            for (i = 0; i < 4000; i++)
                x[i] = k == 1 ? (float)(i + 1) / 500 : (float)(i - 2000) * 0.043f;
            fesetround(modes[mode]);
            if (k == 0) fnn_exp(NULL, 4000, x, y);
            if (k == 1) fnn_log(NULL, 4000, x, y);
            if (k == 2) fnn_tanh(NULL, 4000, x, y);
            if (k == 3) fnn_sigmoid(NULL, 4000, x, y);
            fesetround(FE_TONEAREST);
            for (i = 0; i < 4000; i++) {
                const double v = (double)x[i];
                const double t = k == 0   ? exp(v)
                                 : k == 1 ? log(v)
                                 : k == 2 ? tanh(v)
                                          : 1 / (1 + exp(-v));
                const double ulp = ldexp(1, ilogb(t) < -126 ? -149 : ilogb(t) - 23);
                const double error = t == 0 ? fabs((double)y[i]) : fabs((double)y[i] - t) / ulp;
                worst = error > worst ? error : worst;
            }
            CHECKF(worst < (k == 1      ? 2
                            : mode == 0 ? 2
                                        : 300),
                   "mode %d, function %d: %g ULP", mode, k, worst);
            if (mode == 0 || k == 1) continue;
            CHECKF(worst > 10, "mode %d, function %d: no mode", mode, k); /* the control */
        }
}
#endif

#if defined(__SSE__)
static void subnormal_results_are_zero_where_they_are_off(void)
{
    const unsigned control = _mm_getcsr();
    const float x = -100;
    volatile float half = FLT_MIN;
    float on = 0, off = 1;
    CHECK(!fnn_exp(NULL, 1, &x, &on));
    _mm_setcsr(control | 0x8040u); /* what crtfastmath.o does */
    CHECK(!fnn_exp(NULL, 1, &x, &off));
    half /= 2;
    _mm_setcsr(control);
    CHECK(on > 3.7e-44f && on < 3.9e-44f);
    if (half == 0) CHECK(off == 0);
    else SKIP("they cannot be switched off here"); /* under an emulator */
}
#endif
#endif

static const harness_test tests[] = {
#if !FNNI_REAL_IS_DOUBLE
    TEST(everywhere),
    TEST(seams),
    TEST(control),
    TEST(odd_bits_are_seen),
#if defined(HAVE_MODES)
    TEST(other_environments_cost_what_they_should),
#endif
#if defined(__SSE__)
    TEST(subnormal_results_are_zero_where_they_are_off),
#endif
#else
    TEST(doubles),
#endif
    TEST(environment_is_left),
};
HARNESS_MAIN(tests)
