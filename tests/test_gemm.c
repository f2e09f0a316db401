/* fnn_sgemm against a naive loop of wider numbers on every instruction set: exactly on integers,
 * within the error bound of a sum on reals; padding, guard pages, argument errors, and the same
 * bits for any shape around an element and any number of threads.
 * tests/exhaustive_gemm.c includes this file and adds every size. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "guarded.h"
#include "operands.h"
#include "sums.h"

/* ---- a problem: operands, what C held before, and the reference ---- */
typedef struct problem {
    int form; /* bit 0: A is transposed, bit 1: B is */
    ptrdiff_t m, n, k, lda, ldb, ldc;
    fnn_real *a, *b, *c, *before;
    size_t a_count, b_count, c_count; /* reals of each operand, padding included */
    wide *product, *sizes;            /* (m,n): op(A) op(B), and the same of absolute values */
} problem;

static size_t extent(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride)
{
    return rows > 0 && columns > 0 ? (size_t)((rows - 1) * stride + columns) : 0;
}

static void multiply(const problem *p)
{
    ptrdiff_t i, j, l;
    for (i = 0; i < p->m; i++) {
        wide *product = p->product + i * p->n, *sizes = p->sizes + i * p->n;
        for (j = 0; j < p->n; j++) product[j] = sizes[j] = 0;
        for (l = 0; l < p->k; l++) {
            const wide a = (wide)p->a[p->form & 1 ? l * p->lda + i : i * p->lda + l];
            const fnn_real *b = p->b + (p->form & 2 ? l : l * p->ldb);
            const ptrdiff_t stride = p->form & 2 ? p->ldb : 1;
            for (j = 0; j < p->n; j++) {
                const wide term = a * (wide)b[j * stride];
                product[j] += term;
                sizes[j] += magnitude(term);
            }
        }
    }
}

/* Leading dimensions of at least the width plus a padding, and the operands' extents. */
static problem shape(int form, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, ptrdiff_t pad_a,
                     ptrdiff_t pad_b, ptrdiff_t pad_c)
{
    problem p;
    memset(&p, 0, sizeof p);
    p.form = form;
    p.m = m;
    p.n = n;
    p.k = k;
    p.lda = (form & 1 ? m : k) + pad_a;
    p.ldb = (form & 2 ? k : n) + pad_b;
    p.ldc = n + pad_c;
    p.a_count = form & 1 ? extent(k, m, p.lda) : extent(m, k, p.lda);
    p.b_count = form & 2 ? extent(n, k, p.ldb) : extent(k, n, p.ldb);
    p.c_count = (size_t)(m * p.ldc) + 8;
    return p;
}

/* Memory for what shape() measured, numbers, and the reference. */
static void open_problem(problem *p, int integers)
{
    p->a = (fnn_real *)take(p->a_count * sizeof(fnn_real));
    p->b = (fnn_real *)take(p->b_count * sizeof(fnn_real));
    p->c = (fnn_real *)take(p->c_count * sizeof(fnn_real));
    p->before = (fnn_real *)take(p->c_count * sizeof(fnn_real));
    p->product = (wide *)take((size_t)(p->m * p->n) * sizeof(wide));
    p->sizes = (wide *)take((size_t)(p->m * p->n) * sizeof(wide));
    fill(p->a, p->a_count, integers);
    fill(p->b, p->b_count, integers);
    fill(p->before, p->c_count, integers);
    multiply(p);
}

static void close_problem(problem *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->before);
    free(p->product);
    free(p->sizes);
}

static fnn_result call(const problem *p, fnn_context *context, fnn_real alpha, fnn_real beta)
{
    memcpy(p->c, p->before, p->c_count * sizeof *p->c);
    return fnn_sgemm(context, p->form & 1, p->form >> 1, p->m, p->n, p->k, alpha, p->a, p->lda,
                     p->b, p->ldb, beta, p->c, p->ldc);
}

/* |c - reference| <= g(k+2) (|alpha| |A| |B| + |beta| |C|), g(n) = n u / (1 - n u). */
static wide allowed(const problem *p, fnn_real alpha, fnn_real beta, ptrdiff_t at, wide before)
{
    const wide n = (wide)(p->k + 2) * (wide)UNIT;
    return SLACK * n / (1 - n) *
           ((alpha == 0 ? 0 : magnitude((wide)alpha) * p->sizes[at]) +
            (beta == 0 ? 0 : magnitude((wide)beta * before)));
}

/* The checker: how many elements of C differ by more than allowed (exactly: at all), and how many
 * rows' padding has changed. */
static int faults(const problem *p, fnn_real alpha, fnn_real beta, int exactly)
{
    ptrdiff_t i, j;
    int found = 0;
    for (i = 0; i < p->m; i++) {
        const size_t row = (size_t)(i * p->ldc), end = row + (size_t)p->n;
        const size_t left = p->c_count > end ? p->c_count - end : 0;
        const size_t padding = (size_t)(p->ldc - p->n);
        const size_t gap = i + 1 == p->m || left < padding ? left : padding;
        for (j = 0; j < p->n; j++) {
            const ptrdiff_t at = i * p->n + j;
            const wide before = (wide)p->before[row + (size_t)j];
            const wide expected = (alpha == 0 ? 0 : (wide)alpha * p->product[at]) +
                                  (beta == 0 ? 0 : (wide)beta * before);
            const wide error = magnitude((wide)p->c[row + (size_t)j] - expected);
            found += !(error <= (exactly ? 0 : allowed(p, alpha, beta, at, before)));
        }
        if (gap > 0) found += memcmp(p->c + end, p->before + end, gap * sizeof *p->c) != 0;
    }
    if (p->m == 0) found += memcmp(p->c, p->before, p->c_count * sizeof *p->c) != 0;
    return found;
}

/* Calls and checks on every instruction set. Returns whether all was well. */
static int holds(const problem *p, fnn_real alpha, fnn_real beta, int exactly)
{
    int isa, good = 1;
    for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
        int found;
        if (!contexts[isa]) continue;
        found = call(p, contexts[isa], alpha, beta) != FNN_OK;
        if (!found) found = faults(p, alpha, beta, exactly);
        good &=
            CHECKF(found == 0, "%s %ldx%ldx%ld form %d ld %ld %ld %ld alpha %g beta %g: %d wrong",
                   fnn_isa_name((fnn_isa)isa), (long)p->m, (long)p->n, (long)p->k, p->form,
                   (long)p->lda, (long)p->ldb, (long)p->ldc, (double)alpha, (double)beta, found);
    }
    return good;
}

/* ---- sizes: every pair (m,n), with a k such that each k meets each m and each n ---- */
static const int sizes[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  13, 14,
                            15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 66, 67};
#define SIZES ((int)(sizeof sizes / sizeof sizes[0]))

static void each_problem(int integers, void (*check)(problem *p))
{
    int i, j, form, index = 0;
    contexts_open(1);
    for (i = 0; i < SIZES; i++)
        for (j = 0; j < SIZES; j++)
            for (form = 0; form < 4; form++) {
                const int k = sizes[(i + j + 5 * form) % SIZES], pad = index++ % 7;
                problem p;
                if (QUICK() && index % 5) continue;
                p = shape(form, sizes[i], sizes[j], k, pad, (pad + 3) % 7, (pad + 5) % 7);
                open_problem(&p, integers);
                check(&p);
                close_problem(&p);
            }
    contexts_close();
}

static void check_integers(problem *p)
{
    int alpha, beta;
    for (alpha = -1; alpha <= 1; alpha++)
        for (beta = -1; beta <= 1; beta++) holds(p, (fnn_real)alpha, (fnn_real)beta, 1);
}

static void integers_exactly(void)
{
    each_problem(1, check_integers);
}

static void check_reals(problem *p)
{
    holds(p, 1, 0, 0);
    holds(p, (fnn_real).7, (fnn_real)1.3, 0);
    holds(p, (fnn_real)1.3, (fnn_real).7, 0);
    holds(p, (fnn_real)uniform(-2, 2), (fnn_real)uniform(-2, 2), 0);
}

static void reals_within_the_bound(void)
{
    each_problem(0, check_reals);
}

/* Beta 0 must not read C, alpha 0 neither A nor B. */
static void check_nan(problem *p)
{
    fill_nan(p->before, p->c_count);
    holds(p, 1, 0, 0);
    holds(p, (fnn_real).7, 0, 0);
    fill(p->before, p->c_count, 0);
    fill_nan(p->a, p->a_count);
    fill_nan(p->b, p->b_count);
    holds(p, 0, (fnn_real)1.3, 0);
    holds(p, 0, 1, 1);
    fill_nan(p->before, p->c_count);
    holds(p, 0, 0, 1);
}

static void nan_unread(void)
{
    each_problem(0, check_nan);
}

/* What stands in the operands' padding must not matter either. */
static void nan_in_padding(void)
{
    int form, q;
    contexts_open(1);
    for (form = 0; form < 4; form++)
        for (q = 0; q < 3; q++) {
            static const int shapes[][3] = {{13, 17, 9}, {67, 65, 66}, {140, 150, 530}};
            const int m = shapes[q][0], n = shapes[q][1], k = shapes[q][2];
            const ptrdiff_t wa = form & 1 ? m : k, wb = form & 2 ? k : n;
            problem p = shape(form, m, n, k, 5, 6, 7);
            size_t i;
            open_problem(&p, 0);
            for (i = 0; i < p.a_count; i++)
                if ((ptrdiff_t)i % p.lda >= wa) fill_nan(p.a + i, 1);
            for (i = 0; i < p.b_count; i++)
                if ((ptrdiff_t)i % p.ldb >= wb) fill_nan(p.b + i, 1);
            for (i = 0; i < p.c_count; i++)
                if ((ptrdiff_t)i % p.ldc >= n) fill_nan(p.before + i, 1);
            holds(&p, (fnn_real).7, (fnn_real)1.3, 0);
            close_problem(&p);
        }
    contexts_close();
}

/* ---- arguments ---- */
static fnn_result sgemm_of(int form, int m, int n, int k, int lda, int ldb, int ldc, fnn_real alpha,
                           int null)
{
    static fnn_real a[64], b[64], c[64];
    fnn_result result;
    int i;
    for (i = 0; i < 64; i++) c[i] = 3;
    result = fnn_sgemm(NULL, form & 1, form >> 1, m, n, k, alpha, null & 1 ? NULL : a, lda,
                       null & 2 ? NULL : b, ldb, 0, null & 4 ? NULL : c, ldc);
    for (i = 0; i < 64 && result; i++) CHECKF(c[i] == 3, "a refused call wrote C");
    return result;
}

static void arguments(void)
{
    static const int least[4][2] = {{4, 3}, {2, 3}, {4, 4}, {2, 4}}; /* lda, ldb of 2x3x4 */
    int form, null;
    for (form = 0; form < 4; form++) {
        const int a = least[form][0], b = least[form][1];
        CHECK(sgemm_of(form, 2, 3, 4, a, b, 3, 1, 0) == FNN_OK);
        CHECK(sgemm_of(form, 2, 3, 4, a - 1, b, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, 3, 4, a, b - 1, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, 3, 4, a, b, 2, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, 3, 4, -a, b, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, 3, 4, a, -b, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, 3, 4, a, b, -3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, -2, 3, 4, a, b, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, -3, 4, a, b, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        CHECK(sgemm_of(form, 2, 3, -4, a, b, 3, 1, 0) == FNN_ERROR_ARGUMENT);
        for (null = 1; null < 8; null++) {
            CHECK(sgemm_of(form, 2, 3, 4, a, b, 3, 1, null) == FNN_ERROR_ARGUMENT);
            /* Nothing to read of A and B with alpha 0 or k 0, nothing at all without elements. */
            CHECK(sgemm_of(form, 2, 3, 4, a, b, 3, 0, null) ==
                  (null & 4 ? FNN_ERROR_ARGUMENT : FNN_OK));
            CHECK(sgemm_of(form, 2, 3, 0, a, b, 3, 1, null) ==
                  (null & 4 ? FNN_ERROR_ARGUMENT : FNN_OK));
            CHECK(sgemm_of(form, 0, 3, 4, a, b, 3, 1, null) == FNN_OK);
            CHECK(sgemm_of(form, 2, 0, 4, a, b, 3, 1, null) == FNN_OK);
        }
    }
}

/* ---- the same bits: an element alone or among others, on any number of threads ---- */

/* Whether each element of such a product is a sum over lanes rather than one chain. */
static int by_lanes(int form, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k)
{
    return k >= 16 && (((n == 1 || (n <= 8 && k >= 64)) && !(form & 1)) || (m == 1 && (form & 2)));
}

/* a b + c as the context's instruction set computes it. */
static fnn_real multiply_add(const fnn_context *context, fnn_real a, fnn_real b, fnn_real c)
{
    if (!context->kernels->fused || context->kernels->lanes == 1) return FNNI_FMA(a, b, c);
    return (fnn_real)fmaf((float)a, (float)b, (float)c);
}

/* Such an element of the problem: block of k after block of k, each 16 chains, then their halves'
 * sums. */
static fnn_real by_dot(const problem *p, fnn_context *context, fnn_real alpha, fnn_real beta,
                       ptrdiff_t i, ptrdiff_t j)
{
    const ptrdiff_t blocks = (p->k + FNNI_GEMM_K - 1) / FNNI_GEMM_K;
    fnn_real c = p->before[i * p->ldc + j];
    ptrdiff_t l, block;
    for (block = 0; block < blocks; block++) {
        const ptrdiff_t from = p->k * block / blocks, to = p->k * (block + 1) / blocks;
        fnn_real lanes[16] = {0};
        int half, lane;
        for (l = from; l < to; l++) {
            const fnn_real x = p->a[p->form & 1 ? l * p->lda + i : i * p->lda + l];
            const fnn_real y = p->b[p->form & 2 ? j * p->ldb + l : l * p->ldb + j];
            lanes[(l - from) % 16] = multiply_add(context, x, y, lanes[(l - from) % 16]);
        }
        for (half = 8; half > 0; half /= 2)
            for (lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
        lanes[0] *= alpha;
        if (block > 0) c += lanes[0];
        else c = beta == 0 ? lanes[0] : multiply_add(context, beta, c, lanes[0]);
    }
    return c;
}

/* Computes rows i to i + m, columns j to j + n of the problem alone and compares the bits with
 * those of the whole, which are in p->c, or of sums over lanes where it is by these. Returns
 * whether they agree. */
static int part_agrees(const problem *p, fnn_context *context, fnn_real alpha, fnn_real beta,
                       ptrdiff_t i, ptrdiff_t m, ptrdiff_t j, ptrdiff_t n)
{
    fnn_real *c = (fnn_real *)take((size_t)(m * n) * sizeof *c);
    ptrdiff_t row, column;
    int same = 1;
    for (row = 0; row < m; row++)
        memcpy(c + row * n, p->before + (i + row) * p->ldc + j, (size_t)n * sizeof *c);
    same &= fnn_sgemm(context, p->form & 1, p->form >> 1, m, n, p->k, alpha,
                      p->a + (p->form & 1 ? i : i * p->lda), p->lda,
                      p->b + (p->form & 2 ? j * p->ldb : j), p->ldb, beta, c, n) == FNN_OK;
    for (row = 0; row < m; row++)
        if (!by_lanes(p->form, m, n, p->k))
            same &= memcmp(c + row * n, p->c + (i + row) * p->ldc + j, (size_t)n * sizeof *c) == 0;
        else
            for (column = 0; column < n; column++) {
                const fnn_real e = by_dot(p, context, alpha, beta, i + row, j + column);
                same &= memcmp(c + row * n + column, &e, sizeof e) == 0;
            }
    free(c);
    return same;
}

static void any_shape_same_bits(void)
{
    static const int ks[] = {1, 7, 64, 511, 512, 513, 1024, 1025, 2000};
    static const int widths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 48};
    const int width_count = (int)(sizeof widths / sizeof widths[0]);
    int isa, form, q, w;
    contexts_open(1);
    for (q = 0; q < (int)(sizeof ks / sizeof ks[0]); q++)
        for (form = 0; form < 4; form++) {
            problem p = shape(form, 53, 71, ks[q], 3, 1, 2);
            if (QUICK() && (q + form) % 3) continue;
            open_problem(&p, 0);
            for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
                const fnn_real alpha = (fnn_real)(form & 1 ? .7 : 1);
                const fnn_real beta = (fnn_real)(q & 1 ? 1.3 : 0);
                if (!contexts[isa]) continue;
                CHECK(call(&p, contexts[isa], alpha, beta) == FNN_OK);
                for (w = 0; w < width_count; w++) {
                    const int size = widths[w], i = w * 11 % (53 - size), j = w * 17 % (71 - size);
                    CHECKF(part_agrees(&p, contexts[isa], alpha, beta, i, size, 0, 71),
                           "%s k %d form %d: rows %d to %d differ", fnn_isa_name((fnn_isa)isa),
                           ks[q], form, i, i + size);
                    CHECKF(part_agrees(&p, contexts[isa], alpha, beta, 0, 53, j, size),
                           "%s k %d form %d: columns %d to %d differ", fnn_isa_name((fnn_isa)isa),
                           ks[q], form, j, j + size);
                    CHECKF(part_agrees(&p, contexts[isa], alpha, beta, i, size, j, 1 + w % size),
                           "%s k %d form %d: %dx%d at %d, %d differ", fnn_isa_name((fnn_isa)isa),
                           ks[q], form, size, 1 + w % size, i, j);
                }
            }
            close_problem(&p);
        }
    contexts_close();
}

/* Where packing pays: within a large product, and alone. */
static void large_same_bits(void)
{
    int isa, form, row;
    contexts_open(1);
    for (form = 0; form < 4; form++) {
        problem p = shape(form, 301, 307, 1030, 1, 2, 3);
        if (QUICK() && form != 2) continue;
        open_problem(&p, 0);
        for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
            if (!contexts[isa]) continue;
            CHECK(call(&p, contexts[isa], 1, 1) == FNN_OK);
            for (row = 0; row < 301; row += 60) {
                CHECK(part_agrees(&p, contexts[isa], 1, 1, row, 1, 0, 307));
                CHECK(part_agrees(&p, contexts[isa], 1, 1, 0, 301, row, 1));
                CHECK(part_agrees(&p, contexts[isa], 1, 1, row, 1, row, 1));
            }
        }
        close_problem(&p);
    }
    contexts_close();
}

static void any_threads_same_bits(void)
{
    static const int shapes[][3] = {{257, 193, 513}, {3, 2000, 300},  {2000, 3, 300},
                                    {97, 101, 1025}, {2000, 1, 1100}, {1, 2000, 300},
                                    {7, 33, 6100}};
    static const int threads[] = {1, 2, 3, 4, 7};
    int isa, form, q, t;
    for (q = 0; q < 7; q++)
        for (form = 0; form < 4; form++) {
            fnn_real *first[FNN_ISA_COUNT];
            problem p = shape(form, shapes[q][0], shapes[q][1], shapes[q][2], 2, 0, 5);
            if (QUICK() && form != q % 4) continue;
            open_problem(&p, 0);
            memset(first, 0, sizeof first);
            for (t = 0; t < 5; t++) {
                contexts_open(threads[t]);
                for (isa = 0; isa < FNN_ISA_COUNT; isa++) {
                    const size_t bytes = p.c_count * sizeof *p.c;
                    if (!contexts[isa]) continue;
                    CHECK(call(&p, contexts[isa], (fnn_real).7, (fnn_real)1.3) == FNN_OK);
                    CHECK(faults(&p, (fnn_real).7, (fnn_real)1.3, 0) == 0);
                    if (!first[isa]) first[isa] = (fnn_real *)memcpy(take(bytes), p.c, bytes);
                    CHECKF(memcmp(first[isa], p.c, bytes) == 0,
                           "%s %ldx%ldx%ld form %d: %d threads give other bits",
                           fnn_isa_name((fnn_isa)isa), (long)p.m, (long)p.n, (long)p.k, form,
                           threads[t]);
                }
                contexts_close();
            }
            for (isa = 0; isa < FNN_ISA_COUNT; isa++) free(first[isa]);
            close_problem(&p);
        }
}

/* ---- packing: large sizes, and leading dimensions whose rows share cache sets ---- */
static void packed(void)
{
    static const int shapes[][4] = {
        /* m, n, k, leading dimension or 0 */
        {300, 300, 600, 0},  {300, 300, 600, 1024}, {130, 70, 520, 2048}, {1, 700, 1100, 2048},
        {500, 5, 700, 1024}, {64, 1000, 64, 1024},  {130, 128, 100, 128}, {60, 250, 40, 256}};
    int form, q;
    contexts_open(1);
    for (q = 0; q < 8; q++)
        for (form = 0; form < 4; form++) {
            const int m = shapes[q][0], n = shapes[q][1], k = shapes[q][2], ld = shapes[q][3];
            problem p = shape(form, m, n, k, 0, 0, 0);
            if (QUICK() && (form + q) % 4 != 3) continue;
            if (ld > 0)
                p = shape(form, m, n, k, ld > (form & 1 ? m : k) ? ld - (form & 1 ? m : k) : 0,
                          ld > (form & 2 ? k : n) ? ld - (form & 2 ? k : n) : 0, ld - n);
            open_problem(&p, 0);
            holds(&p, 1, 0, 0);
            holds(&p, (fnn_real).7, (fnn_real)1.3, 0);
            close_problem(&p);
        }
    contexts_close();
}

/* ---- guard pages ---- */
/* The problem's operands moved between the guards; each ends with its last row's last element. */
static void check_guarded(problem p, int placement)
{
    const problem outside = p;
    p.c_count = extent(p.m, p.n, p.ldc);
    p.a = (fnn_real *)guarded_place(0, sizeof *p.a, p.a_count, placement);
    p.b = (fnn_real *)guarded_place(1, sizeof *p.b, p.b_count, placement);
    p.c = (fnn_real *)guarded_place(2, sizeof *p.c, p.c_count, placement);
    memcpy(p.a, outside.a, p.a_count * sizeof *p.a);
    memcpy(p.b, outside.b, p.b_count * sizeof *p.b);
    if (holds(&p, 1, 0, 0)) holds(&p, (fnn_real).7, (fnn_real)1.3, 0);
    CHECKF(guarded_untouched(2, p.c, p.c_count * sizeof *p.c),
           "%ldx%ldx%ld form %d placement %d: wrote around C", (long)p.m, (long)p.n, (long)p.k,
           p.form, placement);
}

static void guards(void)
{
    static const int steps[] = {0, 1, 2, 3, 5, 7, 8, 11, 15, 16, 17, 23, 31, 33, 47, 64, 67};
    static const int large[][3] = {{200, 190, 530}, {3, 300, 513}, {300, 3, 513}, {129, 257, 40}};
    const int count = (int)(sizeof steps / sizeof steps[0]);
    int i, j, form, index = 0;
    contexts_open(1);
    guarded_open(75 * 75 * sizeof(fnn_real));
    for (i = 0; i < count; i++)
        for (j = 0; j < count; j++)
            for (form = 0; form < 4; form++) {
                const int pad = index % 3;
                problem p;
                index++;
                if (QUICK() && index % 5) continue;
                p = shape(form, steps[i], steps[j], steps[(i + j + 3 * form) % count], pad, 2 - pad,
                          pad);
                open_problem(&p, 0);
                check_guarded(p, 0);
                check_guarded(p, 1);
                check_guarded(p, 2 + index % (GUARDED_PLACEMENTS - 2));
                close_problem(&p);
            }
    guarded_open(540 * 320 * sizeof(fnn_real));
    for (i = 0; i < 4; i++)
        for (form = 0; form < 4; form++) {
            problem p = shape(form, large[i][0], large[i][1], large[i][2], 0, 1, 2);
            if (QUICK() && i != form) continue;
            open_problem(&p, 0);
            check_guarded(p, 0);
            check_guarded(p, 1);
            close_problem(&p);
        }
    contexts_close();
}

/* ---- workspace: what a product reserves serves every smaller one ---- */

static size_t workspace_of(fnni_gemm g, ptrdiff_t m, ptrdiff_t k)
{
    g.m = m;
    g.k = k;
    fnni_gemm_plan(&g);
    return fnni_gemm_workspace(&g);
}

/* A product's form and layout at random; every third has rows that fall into one set of the cache,
 * which is when they are packed. */
static fnni_gemm any_layout(const fnni_kernels *kernels)
{
    fnni_gemm g;
    memset(&g, 0, sizeof g);
    g.kernels = kernels;
    g.transpose_a = uniform(0, 1) < 0.5;
    g.transpose_b = uniform(0, 1) < 0.5;
    g.b_packed = uniform(0, 1) < 0.2;
    g.m = 1 + (ptrdiff_t)uniform(0, 3000);
    g.n = 1 + (ptrdiff_t)uniform(0, uniform(0, 1) < 0.5 ? 100 : 3000);
    g.k = 1 + (ptrdiff_t)uniform(0, 2000);
    g.lda = (g.transpose_a ? g.m : g.k) + (ptrdiff_t)uniform(0, 4);
    g.ldb = (g.transpose_b ? g.k : g.n) + (ptrdiff_t)uniform(0, 4);
    g.ldc = g.n;
    if (uniform(0, 1) < 0.3) g.lda = fnni_round_up(g.lda, 1024);
    if (uniform(0, 1) < 0.3) g.ldb = fnni_round_up(g.ldb, 1024);
    return g;
}

/* Of products with no more rows and no longer sums, those that need more than `reserved`. */
static int needing_more(const fnni_gemm *g, size_t reserved)
{
    int more = 0, i;
    ptrdiff_t k;
    for (k = 1; k <= g->k; k += QUICK() ? 7 : 1) {
        more += workspace_of(*g, g->m, k) > reserved;
        for (i = 0; i < 5; i++)
            more += workspace_of(*g, 1 + (ptrdiff_t)uniform(0, (double)g->m), k) > reserved;
    }
    return more;
}

static void a_bound_serves_smaller_products(void)
{
    int isa, i;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        const fnni_kernels *kernels = fnni_kernels_for((fnn_isa)isa);
        int beyond = 0;
        for (i = 0; kernels && i < 100; i++) {
            const fnni_gemm g = any_layout(kernels);
            const int more = needing_more(&g, fnni_gemm_bound(&g));
            CHECKF(more == 0, "%s, %ld x %ld x %ld, form %d%d, ld %ld %ld: %d need more",
                   fnn_isa_name((fnn_isa)isa), (long)g.m, (long)g.n, (long)g.k, g.transpose_a,
                   g.transpose_b, (long)g.lda, (long)g.ldb, more);
            beyond += needing_more(&g, workspace_of(g, g.m, g.k)) > 0;
        }
        CHECK(!kernels || beyond > 5); /* the largest product's own does not serve all of them */
    }
}

/* ---- broken cases: what the checkers must report ---- */
static void controls(void)
{
    problem p = shape(0, 7, 9, 11, 1, 2, 3);
    wide most;
    size_t row;
    contexts_open(1);
    open_problem(&p, 1);
    CHECK(call(&p, contexts[FNN_ISA_SCALAR], 1, -1) == FNN_OK && faults(&p, 1, -1, 1) == 0);
    p.c[3 * p.ldc + 4] += 1; /* one element off by one */
    CHECK(faults(&p, 1, -1, 1) == 1 && faults(&p, 1, -1, 0) == 1);
    call(&p, contexts[FNN_ISA_SCALAR], 1, -1);
    row = (size_t)(6 * p.ldc); /* the last row missing */
    memcpy(p.c + row, p.before + row, (size_t)p.n * sizeof *p.c);
    CHECK(faults(&p, 1, -1, 1) > 4 && faults(&p, 1, -1, 0) > 4);
    call(&p, contexts[FNN_ISA_SCALAR], 1, -1);
    p.c[2 * p.ldc + p.n] += 1; /* padding */
    CHECK(faults(&p, 1, -1, 1) == 1);
    call(&p, contexts[FNN_ISA_SCALAR], 1, -1);
    p.c[p.c_count - 1] += 1; /* after the matrix */
    CHECK(faults(&p, 1, -1, 1) == 1);
    call(&p, contexts[FNN_ISA_SCALAR], 1, -1);
    fill_nan(p.c + 5, 1);
    CHECK(faults(&p, 1, -1, 0) == 1);
    close_problem(&p);

    p = shape(3, 7, 9, 11, 1, 2, 3);
    open_problem(&p, 0);
    CHECK(call(&p, contexts[FNN_ISA_SCALAR], 1, 1) == FNN_OK && faults(&p, 1, 1, 0) == 0);
    most = allowed(&p, 1, 1, 2, (wide)p.before[2]);
    p.c[2] = (fnn_real)(p.product[2] + (wide)p.before[2] + most / 2);
    CHECK(faults(&p, 1, 1, 0) == 0);
    p.c[2] = (fnn_real)(p.product[2] + (wide)p.before[2] + most * 2); /* beyond the bound */
    CHECK(faults(&p, 1, 1, 0) == 1);
    call(&p, contexts[FNN_ISA_SCALAR], 1, 1); /* other bits in a row of the whole */
    CHECK(part_agrees(&p, contexts[FNN_ISA_SCALAR], 1, 1, 2, 3, 1, 5));
    p.c[3 * p.ldc + 4] *= (fnn_real)(1 + 4 * UNIT);
    CHECK(!part_agrees(&p, contexts[FNN_ISA_SCALAR], 1, 1, 2, 3, 1, 5));
    close_problem(&p);
    contexts_close();
    CHECK(guarded_notices());
}

#define GEMM_TESTS                                                                                \
    TEST(integers_exactly), TEST(reals_within_the_bound), TEST(nan_unread), TEST(nan_in_padding), \
        TEST(arguments), TEST(any_shape_same_bits), TEST(large_same_bits),                        \
        TEST(any_threads_same_bits), TEST(packed), TEST(guards),                                  \
        TEST(a_bound_serves_smaller_products), TEST(controls)

#ifndef GEMM_TESTS_ONLY
static const harness_test tests[] = {GEMM_TESTS};
HARNESS_MAIN(tests)
#endif
