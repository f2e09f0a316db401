/* BLAS' sgemm_ (or, with DOUBLE defined, the double library's dgemm_) made of fnn_sgemm, as a
 * library that is put in front of another BLAS: by it tests/netlib.sh has Netlib's own tester judge
 * the products. */
#ifdef DOUBLE
#define FMNIST_NN_REAL double
#define GEMM dgemm_
#define NAME "DGEMM "
#else
#define GEMM sgemm_
#define NAME "SGEMM "
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"

/* The tester's: told the number of a wrong argument, it compares that with the one it got wrong. */
void xerbla_(const char *name, const int *argument, size_t length);

void GEMM(const char *transa, const char *transb, const int *m, const int *n, const int *k,
          const fnn_real *alpha, const fnn_real *a, const int *lda, const fnn_real *b,
          const int *ldb, const fnn_real *beta, fnn_real *c, const int *ldc, size_t length_a,
          size_t length_b);

static int is_transposed(char c)
{
    return strchr("TtCc", c) != NULL;
}
static int is_known(char c)
{
    return c && strchr("NnTtCc", c);
}

/* BLAS' matrices lie column by column: read row by row they are their transposes, and so is the
 * product of op(B) and op(A). What is refused is fnn_sgemm's decision; which argument BLAS blames
 * for it, the first that is wrong, is found out behind it. */
void GEMM(const char *transa, const char *transb, const int *m, const int *n, const int *k,
          const fnn_real *alpha, const fnn_real *a, const int *lda, const fnn_real *b,
          const int *ldb, const fnn_real *beta, fnn_real *c, const int *ldc, size_t length_a,
          size_t length_b)
{
    const int ta = is_transposed(*transa), tb = is_transposed(*transb);
    const int letters = is_known(*transa) && is_known(*transb);
    (void)length_a, (void)length_b;
    if (letters && !fnn_sgemm(NULL, tb, ta, *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc))
        return;
    const int blamed = !is_known(*transa)      ? 1
                       : !is_known(*transb)    ? 2
                       : *m < 0                ? 3
                       : *n < 0                ? 4
                       : *k < 0                ? 5
                       : *lda < (ta ? *k : *m) ? 8
                       : *ldb < (tb ? *n : *k) ? 10
                                               : 13;
    xerbla_(NAME, &blamed, 6);
}
