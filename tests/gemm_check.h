/* What test_gemm.c and exhaustive_gemm.c share: a product in double, its error bound, and one
 * check of fnn_sgemm on operands that lie flush against pages nobody may touch. */
#ifndef GEMM_CHECK_H
#define GEMM_CHECK_H
#include <float.h>

/* Guard pages where the system has them; elsewhere the same tests without. */
#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#if defined(MAP_ANONYMOUS) || defined(MAP_ANON)
#define GUARDS 1
#endif
#endif
#ifndef GUARDS
#define GUARDS 0
#endif
#if GUARDS && !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

/* ---- memory between two forbidden pages ---- */
typedef struct {
    char *first;  /* of the memory that may be touched */
    size_t bytes; /* of it */
} guarded;

static guarded guarded_new(size_t bytes)
{
    guarded g;
#if GUARDS
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *all;
    g.bytes = (bytes + page - 1) / page * page;
    all = (char *)mmap(NULL, g.bytes + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == (char *)MAP_FAILED) exit(2);
    if (mprotect(all, page, PROT_NONE) || mprotect(all + page + g.bytes, page, PROT_NONE)) exit(2);
    g.first = all + page;
#else
    g.bytes = bytes;
    g.first = (char *)malloc(bytes);
    if (!g.first) exit(2);
#endif
    return g;
}

static void guarded_free(guarded g)
{
#if GUARDS
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(g.first - page, g.bytes + 2 * page);
#else
    free(g.first);
#endif
}

/* count reals whose last (at_end) or first stands next to the forbidden page, moved away from it
 * by shift reals. */
static fnn_real *guarded_place(guarded g, size_t count, int at_end, int shift)
{
    char *end = g.first + g.bytes - g.bytes % sizeof(fnn_real);
    return at_end ? (fnn_real *)(void *)end - count - shift : (fnn_real *)(void *)g.first + shift;
}

/* ---- a product to check ---- */
typedef struct {
    int ta, tb, m, n, k, pad; /* pad: leading dimensions exceed the least by pad, 2 pad, 3 pad */
    fnn_real alpha, beta;
    int integers;  /* small integers: the result must be exact */
    int at_end, shift;
    int nan_ab, nan_c; /* A and B, or C, full of NaN */
} product;

#define CHECK_MOST 80 /* the largest m, n, k and leading dimension of a checked product */
static guarded check_a, check_b, check_c;
static double check_sum[CHECK_MOST * CHECK_MOST], check_size[CHECK_MOST * CHECK_MOST];
static fnn_real check_before[CHECK_MOST * CHECK_MOST * 2];

static void check_open(void)
{
    const size_t bytes = sizeof(fnn_real) * CHECK_MOST * (CHECK_MOST * 2);
    check_a = guarded_new(bytes);
    check_b = guarded_new(bytes);
    check_c = guarded_new(bytes);
}

static void check_close(void)
{
    guarded_free(check_a);
    guarded_free(check_b);
    guarded_free(check_c);
}

static uint64_t check_state = 1;
static double check_random(void) /* in [-1, 1) */
{
    check_state = check_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(check_state >> 11) / 4503599627370496.0 - 1;
}

static void check_fill(fnn_real *x, size_t count, int integers, int nan)
{
    size_t i;
    for (i = 0; i < count; i++) {
        const double r = check_random();
        x[i] = nan ? (fnn_real)NAN : integers ? (fnn_real)(int)(r * 6) : (fnn_real)r;
    }
}

/* Elements of a matrix of that many rows, from its first to its last. */
static size_t check_extent(int rows, int columns, int ld)
{
    return rows == 0 || columns == 0 ? 0 : (size_t)(rows - 1) * (size_t)ld + (size_t)columns;
}

/* The sums in double, and the sums of magnitudes that bound their error. The inner loop runs
 * along B's rows, so that a compiler makes vectors of it. */
static void check_reference(const product *p, const fnn_real *a, int lda, const fnn_real *b, int ldb)
{
    int i, j, q;
    for (i = 0; i < p->m * p->n; i++) check_sum[i] = check_size[i] = 0;
    if (p->alpha == 0) return;
    for (i = 0; i < p->m; i++)
        for (q = 0; q < p->k; q++) {
            const double x = (double)a[p->ta ? q * lda + i : i * lda + q];
            const fnn_real *y = p->tb ? b + q : b + q * ldb;
            const int step = p->tb ? ldb : 1;
            double *sum = check_sum + i * p->n, *size = check_size + i * p->n;
            for (j = 0; j < p->n; j++) {
                const double xy = x * (double)y[j * step];
                sum[j] += xy;
                size[j] += xy < 0 ? -xy : xy;
            }
        }
}

/* Elements outside what |C - (alpha A B + beta C)| <= g(k+2) (|alpha| |A||B| + |beta| |C|) allows
 * (Higham, Accuracy and Stability of Numerical Algorithms, 3.5), g(n) = n u / (1 - n u), or with
 * integers that are not exactly equal, or between the rows of C not left alone. */
static int check_result(const product *p, const fnn_real *c, int ldc)
{
    const double u = sizeof(fnn_real) == 4 ? 1.0 / 16777216 : DBL_EPSILON / 2;
    const double bound = p->integers ? 0 : (p->k + 2) * u / (1 - (p->k + 2) * u);
    /* The double library's reference rounds as much as what it checks. */
    const double slack = sizeof(fnn_real) == 4 ? 1 : 2;
    int i, j, wrong = 0;
    if (p->n == 0) return 0;
    for (i = 0; i < p->m; i++) {
        for (j = 0; j < p->n; j++) {
            const double before = p->beta == 0 ? 0 : (double)p->beta * (double)check_before[i * ldc + j];
            const double right = (double)p->alpha * check_sum[i * p->n + j] + before;
            const double size = fabs((double)p->alpha) * check_size[i * p->n + j] + fabs(before);
            wrong += !(fabs((double)c[i * ldc + j] - right) <= slack * bound * size);
        }
        for (j = p->n; j < ldc && i + 1 < p->m; j++)
            wrong += memcmp(&c[i * ldc + j], &check_before[i * ldc + j], sizeof *c) != 0;
    }
    return wrong;
}

/* Computes p with fnn_sgemm, or with `multiply` in its place, and returns how many elements of C
 * are wrong; -1 when the call fails. A touch outside the operands ends the program. */
typedef fnn_result (*multiplier)(fnn_context *, int, int, ptrdiff_t, ptrdiff_t, ptrdiff_t, fnn_real,
                                 const fnn_real *, ptrdiff_t, const fnn_real *, ptrdiff_t, fnn_real,
                                 fnn_real *, ptrdiff_t);
static int check_product(fnn_context *context, const product *p, multiplier multiply)
{
    const int lda = (p->ta ? p->m : p->k) + p->pad, ldb = (p->tb ? p->k : p->n) + 2 * p->pad;
    const int ldc = p->n + 3 * p->pad;
    const size_t a_count = p->ta ? check_extent(p->k, p->m, lda) : check_extent(p->m, p->k, lda);
    const size_t b_count = p->tb ? check_extent(p->n, p->k, ldb) : check_extent(p->k, p->n, ldb);
    const size_t c_count = check_extent(p->m, p->n, ldc);
    fnn_real *a = guarded_place(check_a, a_count, p->at_end, p->shift);
    fnn_real *b = guarded_place(check_b, b_count, p->at_end, p->shift);
    fnn_real *c = guarded_place(check_c, c_count, p->at_end, p->shift);
    check_fill(a, a_count, p->integers, p->nan_ab);
    check_fill(b, b_count, p->integers, p->nan_ab);
    check_fill(c, c_count, p->integers, p->nan_c);
    memcpy(check_before, c, c_count * sizeof *c);
    check_reference(p, a, lda, b, ldb);
    if (multiply(context, p->ta, p->tb, p->m, p->n, p->k, p->alpha, a, lda, b, ldb, p->beta, c, ldc))
        return -1;
    return check_result(p, c, ldc);
}

/* ---- every instruction set ---- */

/* Calls test with a context for each instruction set of this machine. */
static void on_every_isa(int threads, void (*test)(fnn_context *context))
{
    int isa;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        fnn_context_config config = fnn_context_config_init();
        fnn_context *context;
        config.isa = (fnn_isa)isa;
        config.threads = threads;
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        context = fnn_context_create(&config, NULL);
        if (CHECK(context != NULL)) test(context);
        fnn_context_free(context);
    }
}
#endif
