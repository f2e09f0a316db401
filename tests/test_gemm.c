/* fnn_sgemm: right within the rounding bound and exact on integers, for every form, tile edge and
 * instruction set; the same bits alone, in a batch, on any number of threads; nothing touched
 * outside the operands. TEST_QUICK in the environment takes fewer sizes (for emulators). */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* with -std=c99 the system's headers hide mmap's MAP_ANONYMOUS */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "gemm_check.h"

static const int all_sizes[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  13, 14, 15,
                                16, 17, 18, 31, 32, 33, 63, 64, 65, 66, 67};
static const int few_sizes[] = {0, 1, 2, 7, 9, 13, 17, 33, 67};

static int sizes_of(const int **sizes)
{
    const int quick = getenv("TEST_QUICK") != NULL;
    *sizes = quick ? few_sizes : all_sizes;
    return quick ? (int)(sizeof few_sizes / sizeof few_sizes[0]) : (int)(sizeof all_sizes / sizeof all_sizes[0]);
}

/* ---- right ---- */

/* Calls `one` for every m, n, k of the sizes and every form. */
static void for_sizes(fnn_context *context, int (*one)(fnn_context *context, product *p))
{
    const int *sizes, count = sizes_of(&sizes);
    int i;
    for (i = 0; i < count * count * count * 4; i++) {
        product p;
        memset(&p, 0, sizeof p);
        p.ta = i & 1;
        p.tb = i >> 1 & 1;
        p.m = sizes[i / 4 % count];
        p.n = sizes[i / 4 / count % count];
        p.k = sizes[i / 4 / count / count];
        p.at_end = i / 8 & 1;
        p.shift = i / 16 % 16 % (1 + (i / 4 & 15));
        if (!one(context, &p)) return;
    }
}

static int right(fnn_context *context, const product *p)
{
    const int wrong = check_product(context, p, fnn_sgemm);
    return CHECKF(wrong == 0, "%s %dx%dx%d form %d%d pad %d alpha %g beta %g: %d wrong",
                  fnn_isa_name(context->kernels->isa), p->m, p->n, p->k, p->ta, p->tb, p->pad,
                  (double)p->alpha, (double)p->beta, wrong);
}

static int exact_one(fnn_context *context, product *p)
{
    static const int values[] = {1, 0, -1};
    static int turn;
    turn++;
    p->integers = 1;
    p->pad = turn / 9 % 2 * 3;
    p->alpha = (fnn_real)values[turn % 3];
    p->beta = (fnn_real)values[turn / 3 % 3];
    p->nan_c = p->beta == 0;
    p->nan_ab = p->alpha == 0;
    return right(context, p);
}

static int bounded_one(fnn_context *context, product *p)
{
    p->alpha = (fnn_real)(2 * check_random());
    p->beta = (fnn_real)(2 * check_random());
    p->pad = check_random() > 0 ? 5 : 0;
    return right(context, p);
}

static void exact(fnn_context *context)
{
    for_sizes(context, exact_one);
}

static void bounded(fnn_context *context)
{
    for_sizes(context, bounded_one);
}

static void exact_on_integers_and_deaf_to_nan(void)
{
    on_every_isa(1, exact);
}

static void within_the_rounding_bound(void)
{
    on_every_isa(1, bounded);
}

/* Every distance from the page's end and start, so that every misalignment of a vector occurs. */
static void misaligned(fnn_context *context)
{
    int i;
    for (i = 0; i < 4 * 2 * 34; i++) {
        product p;
        memset(&p, 0, sizeof p);
        p.ta = i & 1;
        p.tb = i >> 1 & 1;
        p.at_end = i >> 2 & 1;
        p.shift = i >> 3;
        p.m = 29;
        p.n = 67;
        p.k = 35;
        p.alpha = p.beta = 1;
        if (!right(context, &p)) return;
    }
}

static void flush_against_forbidden_pages(void)
{
    if (!GUARDS) SKIP("no mmap here");
    on_every_isa(1, misaligned);
}

/* ---- the checker itself ---- */

/* Products with one thing wrong, which the checker must report. */
static int defect;
static fnn_result defective(fnn_context *context, int ta, int tb, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                            fnn_real alpha, const fnn_real *a, ptrdiff_t lda, const fnn_real *b,
                            ptrdiff_t ldb, fnn_real beta, fnn_real *c, ptrdiff_t ldc)
{
    fnn_result result;
    if (defect == 1) k--;                                  /* the last step left out */
    if (defect == 2) n--;                                  /* the last column left out */
    if (defect == 3) beta = 0;                             /* beta forgotten */
    if (defect == 4) alpha = -alpha;                       /* a sign */
    result = fnn_sgemm(context, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (defect == 5) c[(m - 1) * ldc + n - 1] *= (fnn_real)1.0001; /* one element a little off */
    if (defect == 6) c[n] += 1;                            /* a write between two rows */
    if (defect == 7) c[0] = (fnn_real)NAN;
    return result;
}

static void checker_reports_wrong_products(void)
{
    for (defect = 0; defect <= 7; defect++) {
        product p;
        int wrong;
        memset(&p, 0, sizeof p);
        p.m = 15;
        p.n = 33;
        p.k = 9;
        p.pad = 2;
        p.alpha = p.beta = (fnn_real)0.7;
        wrong = check_product(NULL, &p, defective);
        CHECKF(defect == 0 ? wrong == 0 : wrong > 0, "defect %d: %d wrong", defect, wrong);
    }
}

/* ---- the same bits ---- */

/* A product larger than the checker's, with everything a plan may choose. */
typedef struct {
    int ta, tb;
    ptrdiff_t m, n, k, lda, ldb;
} large;

/* Wide and aliasing leading dimensions, several blocks of k, A transposed and long: what makes
 * the plan pack A, pack B, take rows first, or read both where they lie. */
static const large larges[] = {
    {0, 0, 40, 200, 70, 70, 200},     {0, 0, 150, 130, 1030, 1030, 130}, {0, 0, 90, 100, 512, 512, 128},
    {0, 0, 70, 100, 1024, 1024, 1024}, {1, 0, 90, 100, 300, 90, 100},    {1, 0, 75, 70, 1100, 1024, 512},
    {0, 1, 70, 100, 300, 300, 300},   {0, 1, 100, 70, 1024, 1024, 1024}, {1, 1, 60, 90, 1025, 60, 1025},
    {0, 0, 600, 33, 288, 288, 33},    {0, 0, 30, 2100, 40, 40, 2100},    {0, 1, 2000, 70, 80, 80, 80},
};

static fnn_real *reals(size_t count)
{
    fnn_real *x = (fnn_real *)malloc((count + 1) * sizeof *x);
    if (!x) exit(2);
    check_fill(x, count, 0, 0);
    return x;
}

typedef struct {
    fnn_real *a, *b, *c;
    size_t c_count;
} operands;

static operands large_operands(const large *p)
{
    operands o;
    o.a = reals((size_t)(p->ta ? p->k : p->m) * (size_t)p->lda);
    o.b = reals((size_t)(p->tb ? p->n : p->k) * (size_t)p->ldb);
    o.c_count = (size_t)p->m * (size_t)p->n;
    o.c = reals(o.c_count);
    return o;
}

static void operands_free(operands o)
{
    free(o.a);
    free(o.b);
    free(o.c);
}

static int same_bits(const fnn_real *a, const fnn_real *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

static fnn_result multiply_rows(fnn_context *context, const large *p, operands o, ptrdiff_t row,
                                ptrdiff_t rows, fnn_real *c)
{
    return fnn_sgemm(context, p->ta, p->tb, rows, p->n, p->k, 1, o.a + (p->ta ? row : row * p->lda), p->lda,
                     o.b, p->ldb, 0, c, p->n);
}

/* Against sums in double, at a few elements a row. */
static void large_right(fnn_context *context, const large *p, operands o)
{
    const double bound = (double)(p->k + 2) * (sizeof(fnn_real) == 4 ? 1.0 / 16777216 : DBL_EPSILON);
    ptrdiff_t i, j, q;
    int wrong = 0;
    for (i = 0; i < p->m; i++)
        for (j = i % 7; j < p->n; j += 13) {
            double sum = 0, size = 0;
            for (q = 0; q < p->k; q++) {
                const double xy = (double)o.a[p->ta ? q * p->lda + i : i * p->lda + q] *
                                  (double)o.b[p->tb ? j * p->ldb + q : q * p->ldb + j];
                sum += xy;
                size += fabs(xy);
            }
            wrong += !(fabs((double)o.c[i * p->n + j] - sum) <= bound * size);
        }
    CHECKF(wrong == 0, "%s %ldx%ldx%ld form %d%d: %d wrong", fnn_isa_name(context->kernels->isa),
           (long)p->m, (long)p->n, (long)p->k, p->ta, p->tb, wrong);
}

/* Row after row alone, then in batches of 2, 3, ...: always the bits of the whole. */
static void rows_alone(fnn_context *context, const large *p, operands o)
{
    fnn_real *c = reals(o.c_count);
    ptrdiff_t rows, row;
    for (rows = 1; rows <= p->m; rows = rows < 4 ? rows + 1 : rows * 3)
        for (row = 0; row + rows <= p->m; row += rows < 4 && p->m > 16 ? 16 : rows) {
            multiply_rows(context, p, o, row, rows, c);
            if (!CHECKF(same_bits(c, o.c + row * p->n, (size_t)(rows * p->n)),
                        "%s %ldx%ldx%ld form %d%d: %ld rows from %ld differ", fnn_isa_name(context->kernels->isa),
                        (long)p->m, (long)p->n, (long)p->k, p->ta, p->tb, (long)rows, (long)row))
                rows = p->m;
        }
    free(c);
}

/* Through B packed by the caller, in two turns of columns, and products of row ranges with a
 * workspace of their own: what a training step does. */
static void packed_once(fnn_context *context, const large *p, operands o)
{
    const fnni_kernels *kernels = context->kernels;
    const ptrdiff_t half = p->n / 2 / kernels->tile_columns * kernels->tile_columns, cut = p->m / 3;
    fnn_real *packed = reals(fnni_gemm_packed_size(kernels, p->k, p->n)), *c = reals(o.c_count);
    fnni_gemm g;
    int part;
    memset(&g, 0, sizeof g);
    g.kernels = kernels;
    g.transpose_a = p->ta;
    g.transpose_b = p->tb;
    g.n = p->n;
    g.k = p->k;
    g.alpha = 1;
    g.b = o.b;
    g.lda = p->lda;
    g.ldb = p->ldb;
    g.ldc = p->n;
    fnni_gemm_pack_b(&g, half, p->n, packed);
    fnni_gemm_pack_b(&g, 0, half, packed);
    for (part = 0; part < 2; part++) {
        fnni_gemm h = g;
        const ptrdiff_t row = part ? cut : 0;
        h.m = part ? p->m - cut : cut;
        h.a = o.a + (p->ta ? row : row * p->lda);
        h.b = packed;
        h.b_packed = 1;
        h.c = c + row * p->n;
        fnni_gemm_plan(&h);
        h.workspace = reals(fnni_gemm_workspace(&h));
        fnni_gemm_serial(&h);
        free(h.workspace);
    }
    CHECKF(same_bits(c, o.c, o.c_count), "%s %ldx%ldx%ld form %d%d: packed B differs", fnn_isa_name(kernels->isa),
           (long)p->m, (long)p->n, (long)p->k, p->ta, p->tb);
    free(packed);
    free(c);
}

static void large_products(fnn_context *context)
{
    size_t i;
    for (i = 0; i < sizeof larges / sizeof larges[0]; i++) {
        const large *p = &larges[i];
        operands o = large_operands(p);
        if (CHECK(multiply_rows(context, p, o, 0, p->m, o.c) == FNN_OK)) {
            large_right(context, p, o);
            if (!getenv("TEST_QUICK") || i % 3 == 0) rows_alone(context, p, o);
            packed_once(context, p, o);
        }
        operands_free(o);
    }
}

static void row_alone_has_the_bits_of_the_batch(void)
{
    on_every_isa(1, large_products);
}

/* The first thread count's bits are kept, the others compared. */
static uint64_t bits_of(const fnn_real *x, size_t count)
{
    const unsigned char *byte = (const unsigned char *)x;
    uint64_t hash = 1469598103934665603u; /* FNV-1a */
    size_t i;
    for (i = 0; i < count * sizeof *x; i++) hash = (hash ^ byte[i]) * 1099511628211u;
    return hash;
}

static uint64_t thread_bits[FNN_ISA_COUNT][sizeof larges / sizeof larges[0]];
static void compare_threads(fnn_context *context)
{
    size_t i;
    for (i = 0; i < sizeof larges / sizeof larges[0]; i++) {
        const large *p = &larges[i];
        uint64_t *kept = &thread_bits[context->kernels->isa][i], bits;
        operands o;
        check_state = i + 1;
        o = large_operands(p);
        CHECK(multiply_rows(context, p, o, 0, p->m, o.c) == FNN_OK);
        bits = bits_of(o.c, o.c_count);
        if (context->threads == 1) *kept = bits;
        CHECKF(bits == *kept, "%s %ldx%ldx%ld form %d%d on %d threads", fnn_isa_name(context->kernels->isa),
               (long)p->m, (long)p->n, (long)p->k, p->ta, p->tb, context->threads);
        operands_free(o);
    }
}

static void threads_do_not_change_bits(void)
{
    static const int threads[] = {1, 2, 3, 4, 7};
    size_t i;
    for (i = 0; i < sizeof threads / sizeof threads[0]; i++) on_every_isa(threads[i], compare_threads);
#ifndef _OPENMP
    SKIP("compiled without OpenMP: every count ran on one thread");
#endif
}

/* What the two tests above rest on: a sum in another order has other bits. */
static void another_order_has_other_bits(void)
{
    const large p = {0, 0, 20, 40, 1000, 1000, 40};
    operands o = large_operands(&p);
    fnn_real *c = reals(o.c_count);
    multiply_rows(NULL, &p, o, 0, p.m, o.c);
    fnn_sgemm(NULL, 0, 0, p.m, p.n, 500, 1, o.a + 500, p.lda, o.b + 500 * p.ldb, p.ldb, 0, c, p.n);
    fnn_sgemm(NULL, 0, 0, p.m, p.n, 500, 1, o.a, p.lda, o.b, p.ldb, 1, c, p.n);
    CHECK(!same_bits(c, o.c, o.c_count));
    free(c);
    operands_free(o);
}

/* ---- arguments ---- */
static void wrong_arguments_are_refused(void)
{
    fnn_real a[6] = {1, 2, 3, 4, 5, 6}, c[6] = {9, 9, 9, 9, 9, 9};
    const fnn_real *none = NULL;
#define REFUSED(ta, tb, m, n, k, a, lda, b, ldb, c, ldc) \
    CHECK(fnn_sgemm(NULL, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc) == FNN_ERROR_ARGUMENT)
    REFUSED(0, 0, -1, 2, 3, a, 3, a, 2, c, 2);
    REFUSED(0, 0, 2, -1, 3, a, 3, a, 2, c, 2);
    REFUSED(0, 0, 2, 2, -1, a, 3, a, 2, c, 2);
    REFUSED(0, 0, 2, 2, 3, a, 2, a, 2, c, 2);
    REFUSED(1, 0, 2, 2, 3, a, 1, a, 2, c, 2);
    REFUSED(0, 0, 2, 2, 3, a, 3, a, 1, c, 2);
    REFUSED(0, 1, 2, 2, 3, a, 3, a, 2, c, 2);
    REFUSED(0, 0, 2, 2, 3, a, 3, a, 2, c, 1);
    REFUSED(0, 0, 2, 2, 3, none, 3, a, 2, c, 2);
    REFUSED(0, 0, 2, 2, 3, a, 3, none, 2, c, 2);
    REFUSED(0, 0, 2, 2, 3, a, 3, a, 2, NULL, 2);
#undef REFUSED
    CHECK(c[0] == 9 && c[5] == 9);
    CHECK(fnn_sgemm(NULL, 0, 0, 0, 2, 3, 1, none, 3, none, 2, 0, NULL, 2) == FNN_OK);
    CHECK(fnn_sgemm(NULL, 0, 0, 2, 2, 3, 0, none, 3, none, 2, 0, c, 2) == FNN_OK);
    CHECK(c[0] == 0 && c[3] == 0 && c[4] == 9);
}

/* A context whose allocator has nothing to give. */
static void *no_memory(void *user, size_t bytes)
{
    (void)user, (void)bytes;
    return NULL;
}

static void out_of_memory_is_reported(void)
{
    static fnn_real a[64 * 64], c[64 * 64];
    fnn_context_config config = fnn_context_config_init();
    fnn_context *context = fnn_context_create(&config, NULL);
    if (!CHECK(context != NULL)) return;
    context->allocator.allocate = no_memory;
    c[0] = 9;
    CHECK(fnn_sgemm(context, 0, 1, 64, 64, 64, 1, a, 64, a, 64, 0, c, 64) == FNN_ERROR_MEMORY);
    CHECK(c[0] == 9);
    context->allocator = config.allocator;
    CHECK(fnn_sgemm(context, 0, 1, 64, 64, 64, 1, a, 64, a, 64, 0, c, 64) == FNN_OK);
    fnn_context_free(context);
}

static const harness_test tests[] = {
    TEST(checker_reports_wrong_products),      TEST(exact_on_integers_and_deaf_to_nan),
    TEST(within_the_rounding_bound),           TEST(flush_against_forbidden_pages),
    TEST(row_alone_has_the_bits_of_the_batch), TEST(threads_do_not_change_bits),
    TEST(another_order_has_other_bits),        TEST(wrong_arguments_are_refused),
    TEST(out_of_memory_is_reported),
};

int main(int argc, char **argv)
{
    int failed;
    check_open();
    failed = harness_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv);
    check_close();
    return failed;
}
