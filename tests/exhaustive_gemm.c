/* fnn_sgemm for all m, n, k in 0..67, the four transposes, alpha and beta in {0, 1, -1, .7, 1.3},
 * plain and padded leading dimensions, on every instruction set, against a sum in double, with the
 * operands flush against forbidden pages. Each m, n, k and transpose takes every pair of alpha and
 * beta with integers (exact) where both are whole, with reals (bounded) otherwise.
 * Takes some minutes; part of `make test-exhaustive`. EXHAUSTIVE_STEP=7 in the environment takes every
 * seventh size. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "gemm_check.h"

static const double factors[] = {0, 1, -1, .7, 1.3};

static long checked;
static int every_factor(fnn_context *context, product *p)
{
    int i;
    for (i = 0; i < 25; i++) {
        int wrong;
        p->alpha = (fnn_real)factors[i % 5];
        p->beta = (fnn_real)factors[i / 5];
        p->integers = i % 5 < 3 && i / 5 < 3;
        p->nan_ab = i % 5 == 0;
        p->nan_c = i / 5 == 0;
        p->pad = (i + p->m + p->n) % 2 * 3;
        p->at_end = (i + p->k) % 2;
        p->shift = (i + p->m * 5 + p->k) % 16;
        wrong = check_product(context, p, fnn_sgemm);
        checked++;
        if (!CHECKF(wrong == 0, "%s %dx%dx%d form %d%d pad %d alpha %g beta %g: %d wrong",
                    fnn_isa_name(context->kernels->isa), p->m, p->n, p->k, p->ta, p->tb, p->pad,
                    (double)p->alpha, (double)p->beta, wrong))
            return 0;
    }
    return 1;
}

static void all_of_isa(fnn_context *context)
{
    const int step = getenv("EXHAUSTIVE_STEP") ? atoi(getenv("EXHAUSTIVE_STEP")) : 1;
    const long count = 68L * 68 * 68 * 4;
    long i;
    for (i = 0; i < count; i += step > 0 ? step : 1) {
        product p;
        memset(&p, 0, sizeof p);
        p.ta = (int)(i & 1);
        p.tb = (int)(i >> 1 & 1);
        p.m = (int)(i / 4 % 68);
        p.n = (int)(i / 4 / 68 % 68);
        p.k = (int)(i / 4 / 68 / 68);
        if (!every_factor(context, &p)) return;
    }
    printf("%s: %ld products\n", fnn_isa_name(context->kernels->isa), checked);
}

static void all_sizes_up_to_67(void)
{
    on_every_isa(1, all_of_isa);
}

static const harness_test tests[] = {TEST(all_sizes_up_to_67)};
int main(int argc, char **argv)
{
    int failed;
    check_open();
    failed = harness_main(tests, 1, argc, argv);
    check_close();
    return failed;
}
