/* What the tests of kernels make their operands of: seeded numbers and memory. Not every program
 * needs all of it, hence the inlines. Include after fmnist_nn.h and harness.h. */
#ifndef OPERANDS_H
#define OPERANDS_H
#include <float.h>

#define EPSILON (FNNI_REAL_IS_DOUBLE ? DBL_EPSILON : (double)FLT_EPSILON)
#define UNIT (EPSILON / 2)

/* A reference's numbers: their rounding is far below the bound's. */
#if FNNI_REAL_IS_DOUBLE
typedef long double wide;
#else
typedef double wide;
#endif
/* Where long double is double the reference errs by as much as the library may. */
#define WIDE_SLACK (FNNI_REAL_IS_DOUBLE && LDBL_MANT_DIG == DBL_MANT_DIG ? 2 : 1)

static uint64_t seed = 1;
static inline double uniform(double low, double high)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(seed >> 11) / 9007199254740992.0;
}

static inline int below(int count)
{
    return (int)uniform(0, count);
}

static inline void fill_nan(fnn_real *x, size_t count)
{
    memset(x, 0xff, count * sizeof *x); /* every bit set is a NaN */
}

static inline void *take(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (!p) exit(3);
    return p;
}

static inline void *take_zeros(size_t bytes)
{
    return memset(take(bytes), 0, bytes);
}
#endif
