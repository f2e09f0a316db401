/* cc -O2 tests/exhaustive_gemm.c -lm && ./a.out [part/parts [NAME]]
 * The tests of tests/test_gemm.c, and fnn_sgemm for every m, n and k in 0..67 in the four
 * transposes with alpha and beta in {0, 1, -1, .7, 1.3} and padded leading dimensions: exactly on
 * integers, within the bound on reals. With part/parts: that part of the sizes m alone. */
#define GEMM_TESTS_ONLY
#include "test_gemm.c"
#include "exhaustive.h"

#define LARGEST 67

static void every_scale(problem *p, int integers)
{
    static const double scales[] = {0, 1, -1, .7, 1.3};
    const int count = integers ? 3 : 5;
    int i, j;
    for (i = 0; i < count; i++)
        for (j = 0; j < count; j++) holds(p, (fnn_real)scales[i], (fnn_real)scales[j], integers);
}

static void every_size(void)
{
    int m, n, k, form, integers;
    contexts_open(1);
    for (m = part_from(LARGEST + 1) - 1; m < part_to(LARGEST + 1); m++)
        for (n = 0; n <= LARGEST; n++)
            for (k = 0; k <= LARGEST; k++)
                for (form = 0; form < 4; form++)
                    for (integers = 0; integers < 2; integers++) {
                        const int pad = (m + n + k + form) % 5;
                        problem p = shape(form, m, n, k, pad, (pad + 2) % 5, (pad + 4) % 5);
                        open_problem(&p, integers);
                        every_scale(&p, integers);
                        close_problem(&p);
                    }
    contexts_close();
    swept((uint64_t)harness_checks, "");
}

static const harness_test tests[] = {TEST(every_size), GEMM_TESTS};
EXHAUSTIVE_MAIN(tests, 1)
