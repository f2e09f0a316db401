/* exp, log, tanh, sigmoid, elu and gelu: errors in ULP on a coarse sweep of all floats, on every
 * instruction set (tests/exhaustive_math.c takes every float), and what they leave alone. */
#include "tables.h"
#include "harness.h"
#include <fenv.h>
#include <float.h>

#if !FNNI_REAL_IS_DOUBLE
#include "sweep.h"
static void sweep_one(int index)
{
    const sweep_function *s = &sweep_functions[index];
    const sweep_result r = sweep(s, 0, 0xffffffffu, getenv("TEST_QUICK") ? 99991 : 9973);
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++)
        CHECKF(r.worst[isa] <= s->bound, "%s %s: %.3f ULP at %.9g", s->name,
               fnn_isa_name((fnn_isa)isa), r.worst[isa], (double)r.where[isa]);
}
static void exp_everywhere(void)
{
    sweep_one(0);
}
static void log_everywhere(void)
{
    sweep_one(1);
}
static void tanh_everywhere(void)
{
    sweep_one(2);
}
static void sigmoid_everywhere(void)
{
    sweep_one(3);
}
static void elu_everywhere(void)
{
    sweep_one(4);
}
static void gelu_everywhere(void)
{
    sweep_one(5);
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
    int index, sign, isa;
    for (index = 0; index < SWEEP_COUNT; index++)
        for (i = 0; i < count; i++)
            for (sign = 0; sign < 2; sign++) {
                const float x = (float)(sign ? -points[i] : points[i]);
                uint32_t bits, low;
                sweep_result r;
                memcpy(&bits, &x, sizeof bits);
                low = (bits & 0x7fffffffu) < 4096 ? bits & 0x80000000u : bits - 4096;
                r = sweep(&sweep_functions[index], low, bits + 4096u, 1);
                for (isa = 0; isa < FNN_ISA_COUNT; isa++)
                    CHECKF(r.worst[isa] <= sweep_functions[index].bound, "%s %s: %.3f ULP at %.9g",
                           sweep_functions[index].name, fnn_isa_name((fnn_isa)isa), r.worst[isa],
                           (double)r.where[isa]);
            }
}

/* The control: one unit in the last place on some inputs must show. */
static void control(void)
{
    const sweep_result r = sweep(&sweep_broken, 0x3f000000u, 0x40400000u, 997);
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++)
        CHECKF(r.worst[isa] < 0 || r.worst[isa] > sweep_broken.bound, "%s hides the error",
               fnn_isa_name((fnn_isa)isa));
}
#else
/* The double library: libm's functions, against long double where that is longer. */
static double error_of(double y, long double truth)
{
    const double unit = fabs((double)truth) < DBL_MIN ? DBL_MIN * DBL_EPSILON
                                                      : ldexp(DBL_EPSILON, ilogb((double)truth));
    return (double)(fabsl((long double)y - truth) / (long double)unit);
}

static void doubles(void)
{
    const fnni_kernels *k = &fnni_kernels_scalar;
    double worst[6] = {0, 0, 0, 0, 0, 0}, y;
    int i, j;
    if (LDBL_MANT_DIG <= DBL_MANT_DIG) {
        SKIP("long double is double here");
        return;
    }
    for (i = 0; i < 200000; i++) {
        const double x = (i - 100000) * 3.456789e-4;
        const long double e = expl((long double)-x);
        double error[6] = {0, 0, 0, 0, 0, 0};
        k->activation(FNNI_MAP_exp, 0, 1, &x, &y), error[0] = error_of(y, expl((long double)x));
        if (x > 0)
            k->activation(FNNI_MAP_log, 0, 1, &x, &y), error[1] = error_of(y, logl((long double)x));
        k->activation(FNNI_MAP_tanh, 0, 1, &x, &y), error[2] = error_of(y, tanhl((long double)x));
        k->activation(FNNI_MAP_sigmoid, 0, 1, &x, &y), error[3] = error_of(y, 1 / (1 + e));
        k->activation(FNN_ELU, 1, 1, &x, &y),
            error[4] = error_of(y, x > 0 ? (long double)x : expm1l((long double)x));
        k->activation(FNN_GELU, 0, 1, &x, &y);
        if (x > -5)
            error[5] = error_of(y, (long double)x * 0.5L *
                                       erfcl(-(long double)x * 0.70710678118654752440084436L));
        for (j = 0; j < 6; j++) worst[j] = error[j] > worst[j] ? error[j] : worst[j];
    }
    for (j = 0; j < 6; j++)
        CHECKF(worst[j] < (j < 3   ? 2
                           : j < 5 ? 3
                                   : 40),
               "function %d: %.2f ULP", j, worst[j]); /* gelu: the argument's rounding, times x^2 */
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
#if FNNI_X86
        const unsigned control_bits = _mm_getcsr() & ~0x3fu;
#endif
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        k->activation(FNNI_MAP_exp, 0, 40, x, y);
        k->activation(FNNI_MAP_log, 0, 40, x, y);
        k->activation(FNNI_MAP_tanh, 0, 40, x, y);
        k->activation(FNNI_MAP_sigmoid, 0, 40, x, y);
        k->softmax(4, 10, x, y);
        CHECK(fegetround() == rounding);
#if FNNI_X86
        CHECK((_mm_getcsr() & ~0x3fu) == control_bits);
#endif
        tiny /= 2;
        CHECK(tiny > 0);
    }
}

static const harness_test tests[] = {
#if !FNNI_REAL_IS_DOUBLE
    TEST(exp_everywhere),
    TEST(log_everywhere),
    TEST(tanh_everywhere),
    TEST(sigmoid_everywhere),
    TEST(elu_everywhere),
    TEST(gelu_everywhere),
    TEST(seams),
    TEST(control),
#else
    TEST(doubles),
#endif
    TEST(environment_is_left),
};
HARNESS_MAIN(tests)
