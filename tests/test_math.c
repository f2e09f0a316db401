/* exp, log and the activations: errors in ULP on a coarse sweep of all floats, on every instruction
 * set (tests/exhaustive_math.c takes every float), and what they leave alone. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "twins.h"
#include <fenv.h>
#include <float.h>

#if !FNNI_REAL_IS_DOUBLE
#include "sweep.h"

static void check_sweep(const sweep_function *f, sweep_result r)
{
    int isa;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++)
        CHECKF(r.worst[isa] <= f->bound, "%s %s: %.3f ULP at %.9g", f->name,
               fnn_isa_name((fnn_isa)isa), r.worst[isa], (double)r.where[isa]);
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
    TEST(everywhere),
    TEST(seams),
    TEST(control),
#else
    TEST(doubles),
#endif
    TEST(environment_is_left),
};
HARNESS_MAIN(tests)
