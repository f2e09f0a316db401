/* GEMM against a naive loop on integer-valued data, where the allowed difference is zero. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"

static void naive(int ta, int tb, int m, int n, int k, fnn_real alpha, const fnn_real *a, int lda,
                  const fnn_real *b, int ldb, fnn_real beta, fnn_real *c, int ldc)
{
    int i, j, p;
    for (i = 0; i < m; i++)
        for (j = 0; j < n; j++) {
            double sum = 0;
            for (p = 0; p < k; p++)
                sum += (double)a[ta ? p * lda + i : i * lda + p] * (double)b[tb ? j * ldb + p : p * ldb + j];
            c[i * ldc + j] = (fnn_real)((double)alpha * sum + (beta == 0 ? 0 : (double)beta * (double)c[i * ldc + j]));
        }
}

static void integers_exactly(void)
{
    static const int sizes[] = {0, 1, 2, 3, 7, 13, 14, 15, 16, 17, 31, 32, 33, 64, 67};
    static fnn_real a[100 * 100], b[100 * 100], c[100 * 100], d[100 * 100];
    const int count = (int)(sizeof sizes / sizeof sizes[0]);
    int isa, i, j, l, q, t;
    for (q = 0; q < 100 * 100; q++) {
        a[q] = (fnn_real)(q * 7 % 11 - 5);
        b[q] = (fnn_real)(q * 5 % 13 - 6);
    }
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        fnn_context_config config = fnn_context_config_init();
        fnn_context *context;
        config.isa = (fnn_isa)isa;
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        context = fnn_context_create(&config, NULL);
        for (i = 0; i < count; i++)
            for (j = 0; j < count; j++)
                for (l = 0; l < count; l++)
                    for (t = 0; t < 4; t++) {
                        for (q = 0; q < 100 * 100; q++) c[q] = d[q] = (fnn_real)(q % 5);
                        fnn_sgemm(context, t & 1, t >> 1, sizes[i], sizes[j], sizes[l], 1, a, 97, b, 98, -1, c, 99);
                        naive(t & 1, t >> 1, sizes[i], sizes[j], sizes[l], 1, a, 97, b, 98, -1, d, 99);
                        for (q = 0; q < 100 * 100 && c[q] == d[q]; q++) continue;
                        if (!CHECKF(q == 100 * 100, "%s %dx%dx%d form %d", fnn_isa_name((fnn_isa)isa), sizes[i], sizes[j], sizes[l], t)) return;
                    }
        fnn_context_free(context);
    }
}

static const harness_test tests[] = {TEST(integers_exactly)};
HARNESS_MAIN(tests)
