/* The kernels of batch normalisation and its two public calls against naive twins in double, on
 * every instruction set: all small shapes between guard pages, results over their inputs, data
 * far from 0, the same bits for any number of threads, NaN, errors. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "tables.h"
#include "budget.h"
#include "harness.h"
#include "guarded.h"
#include "operands.h"

/* The double library's twins round as much as it does itself, the more the longer their sums. */
#define SLACK(much) (FNNI_REAL_IS_DOUBLE ? (much) : 1)

static void fill(fnn_real *x, ptrdiff_t count, double from, double to)
{
    ptrdiff_t i;
    for (i = 0; i < count; i++) x[i] = (fnn_real)uniform(from, to);
}

/* ---- the kernels ---- */
/* Matrices P, Q (rows, columns) and OUT; A to C and the sums S, T one number a column. */
enum { P, Q, OUT, A, B, C, S, T, OPERANDS };
typedef struct problem {
    ptrdiff_t rows, columns, ld;
    int placement;
    fnn_real *p[OPERANDS];
    const fnni_kernels *k;
} problem;

static size_t operand_count(const problem *g, int operand)
{
    if (operand >= A) return (size_t)g->columns;
    return g->rows > 0 ? (size_t)((g->rows - 1) * g->ld + g->columns) : 0;
}

static void open_problem(problem *g, const fnni_kernels *k, ptrdiff_t rows, ptrdiff_t columns,
                         ptrdiff_t ld, int placement)
{
    int i;
    g->rows = rows;
    g->columns = columns;
    g->ld = ld;
    g->placement = placement;
    g->k = k;
    guarded_open((size_t)(rows * ld + columns) * sizeof(fnn_real) + 512);
    for (i = 0; i < OPERANDS; i++) {
        const size_t count = operand_count(g, i);
        g->p[i] = (fnn_real *)guarded_place(i, sizeof(fnn_real), count, placement);
        fill(g->p[i], (ptrdiff_t)count, -2, 2);
    }
}

static void differs(const problem *g, const char *what, ptrdiff_t at, double found, double truth)
{
    CHECKF(0, "%s %s (%d,%d) ld %d placement %d: number %d is %.9g, twin %.9g", what,
           fnn_isa_name(g->k->isa), (int)g->rows, (int)g->columns, (int)g->ld, g->placement,
           (int)at, found, truth);
}

static int close_to(double found, double truth, double size, double bound)
{
    COMPARED();
    return fabs(found - truth) <= bound * EPSILON * size || (found != found && truth != truth);
}

static void check_margins(const problem *g, const char *what)
{
    int i;
    for (i = 0; i < OPERANDS; i++)
        if (!guarded_untouched(i, g->p[i], operand_count(g, i) * sizeof(fnn_real)))
            differs(g, what, i, 1, 0);
}

/* moments (Q NULL) or norm_sums against sums in double; an addition a row errs by half a unit of
 * what has been summed so far. */
static void check_sums(problem *g, int norm)
{
    const char *what = norm ? "norm_sums" : "moments";
    fnn_real before[2][256];
    ptrdiff_t i, j;
    memcpy(before[0], g->p[S], (size_t)g->columns * sizeof(fnn_real));
    memcpy(before[1], g->p[T], (size_t)g->columns * sizeof(fnn_real));
    if (norm)
        g->k->norm_sums(g->rows, g->columns, g->p[P], g->p[Q], g->p[A], g->p[B], g->p[S], g->p[T]);
    else g->k->moments(g->rows, g->columns, g->p[Q], g->ld, g->p[A], g->p[S], g->p[T]);
    for (j = 0; j < g->columns; j++) {
        double sum = (double)before[0][j], product = (double)before[1][j];
        double sum_size = fabs(sum), product_size = fabs(product);
        for (i = 0; i < g->rows; i++) {
            const double d = (double)g->p[Q][i * g->ld + j] - (double)g->p[A][j];
            const double dy = norm ? (double)g->p[P][i * g->ld + j] : d;
            const double factor = norm ? (double)g->p[B][j] : 1;
            sum += dy, sum_size += fabs(dy);
            product += dy * d * factor, product_size += fabs(dy * d * factor);
        }
        if (!close_to((double)g->p[S][j], sum, sum_size, 3 + .5 * (double)g->rows))
            differs(g, what, j, (double)g->p[S][j], sum);
        if (!close_to((double)g->p[T][j], product, product_size, 5 + .5 * (double)g->rows))
            differs(g, what, j, (double)g->p[T][j], product);
    }
    check_margins(g, what);
}

/* scale_shift (norm 0) or norm_backward; out is OUT, or the operand that it overwrites. */
static void check_map(problem *g, int norm, int out)
{
    const size_t count = operand_count(g, P), bytes = count * sizeof(fnn_real);
    fnn_real *p = (fnn_real *)take(bytes), *q = (fnn_real *)take(bytes), *y = g->p[out];
    ptrdiff_t i;
    memcpy(p, g->p[P], bytes);
    memcpy(q, g->p[Q], bytes);
    if (norm)
        g->k->norm_backward(g->rows, g->columns, g->p[P], g->p[Q], g->p[A], g->p[B], g->p[C], y);
    else g->k->scale_shift(g->rows, g->columns, g->p[P], g->p[A], g->p[C], y);
    for (i = 0; i < (ptrdiff_t)count; i++) {
        const ptrdiff_t j = i % g->columns;
        const double a = (double)g->p[A][j] * (double)p[i],
                     b = norm ? (double)g->p[B][j] * (double)q[i] : 0;
        const double c = (double)g->p[C][j], size = fabs(a) + fabs(b) + fabs(c);
        if (close_to((double)y[i], a + b + c, size, 1.5 * SLACK(2))) continue;
        differs(g, norm ? "norm_backward" : "scale_shift", i, (double)y[i], a + b + c);
        break;
    }
    check_margins(g, "a map");
    free(p), free(q);
}

static void check_shape(const fnni_kernels *k, ptrdiff_t rows, ptrdiff_t columns, int placement)
{
    problem g;
    int norm, out;
    for (norm = 0; norm < 2; norm++) {
        open_problem(&g, k, rows, columns, columns, placement);
        check_sums(&g, norm);
        for (out = P; out <= OUT; out++) {
            if (!norm && out == Q) continue;
            open_problem(&g, k, rows, columns, columns, placement);
            check_map(&g, norm, out);
        }
    }
    open_problem(&g, k, rows, columns, columns + 1 + placement, placement);
    check_sums(&g, 0);
}

static void small_shapes(void)
{
    static const int row_counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 50, 67};
    int isa, r, columns;
    seed = 1;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        for (r = 0; r < (int)(sizeof row_counts / sizeof row_counts[0]); r++)
            for (columns = 0; columns <= 140 && harness_wrong < 10; columns++) {
                if (!fnn_isa_available((fnn_isa)isa)) continue;
                if (QUICK() && (columns + r) % 4 && columns > 17) continue;
                check_shape(fnni_kernels_for((fnn_isa)isa), row_counts[r], columns,
                            (r + columns) % 4);
            }
}

/* ---- the public calls ---- */
typedef struct twin {
    double *mean, *variance, *y, *dx, *dgamma, *dbeta;
} twin;

static double *doubles(ptrdiff_t count)
{
    return (double *)take_zeros((size_t)count * sizeof(double));
}

/* Forward and backward by the formulas, in two passes over a column. */
static twin twin_of(ptrdiff_t rows, ptrdiff_t n, const fnn_real *x, const fnn_real *dy,
                    const fnn_real *gamma, const fnn_real *beta, double epsilon)
{
    twin t;
    ptrdiff_t i, j;
    t.mean = doubles(n), t.variance = doubles(n), t.dgamma = doubles(n), t.dbeta = doubles(n);
    t.y = doubles(rows * n), t.dx = doubles(rows * n);
    for (j = 0; j < n; j++) {
        const double g = gamma ? (double)gamma[j] : 1, b = beta ? (double)beta[j] : 0;
        double inv_std;
        for (i = 0; i < rows; i++) t.mean[j] += (double)x[i * n + j] / (double)rows;
        for (i = 0; i < rows; i++) {
            const double d = (double)x[i * n + j] - t.mean[j];
            t.variance[j] += d * d / (double)rows;
        }
        inv_std = 1 / sqrt(t.variance[j] + epsilon);
        for (i = 0; i < rows; i++) {
            const double hat = ((double)x[i * n + j] - t.mean[j]) * inv_std;
            t.y[i * n + j] = g * hat + b;
            t.dbeta[j] += (double)dy[i * n + j];
            t.dgamma[j] += (double)dy[i * n + j] * hat;
        }
        for (i = 0; i < rows; i++) {
            const double hat = ((double)x[i * n + j] - t.mean[j]) * inv_std;
            t.dx[i * n + j] = g * inv_std *
                              ((double)dy[i * n + j] - t.dbeta[j] / (double)rows -
                               hat * t.dgamma[j] / (double)rows);
        }
    }
    return t;
}

static void twin_free(twin *t)
{
    free(t->mean), free(t->variance), free(t->y), free(t->dx), free(t->dgamma), free(t->dbeta);
}

static void compare(const char *what, const fnn_real *x, const double *truth, ptrdiff_t count,
                    double allowed)
{
    ptrdiff_t i;
    for (i = 0; i < count; i++)
        if (!(fabs((double)x[i] - truth[i]) <= allowed)) {
            CHECKF(0, "%s: number %d is %.9g, twin %.9g", what, (int)i, (double)x[i], truth[i]);
            return;
        }
}

/* x about `centre` with deviations about 1. What is exact in x can be seen to `centre` epsilons. */
static void check_calls(fnn_context *context, ptrdiff_t rows, ptrdiff_t n, double centre,
                        int affine)
{
    const size_t bytes = (size_t)(rows * n) * sizeof(fnn_real);
    fnn_real *x = (fnn_real *)take(bytes), *dy = (fnn_real *)take(bytes),
             *y = (fnn_real *)take(bytes);
    fnn_real *dx = (fnn_real *)take(bytes), gamma[40], beta[40], mean[40], variance[40];
    fnn_real dgamma[40], dbeta[40];
    const double unit = EPSILON * SLACK(200) * (4 + fabs(centre)), many = unit * (double)rows;
    twin t;
    fill(x, rows * n, centre - 2, centre + 2);
    fill(dy, rows * n, -1, 1);
    fill(gamma, n, .5, 2);
    fill(beta, n, -1, 1);
    t = twin_of(rows, n, x, dy, affine ? gamma : NULL, affine ? beta : NULL, 1e-3);
    CHECK(fnn_batch_norm_forward(context, rows, n, x, affine ? gamma : NULL, affine ? beta : NULL,
                                 (fnn_real)1e-3, mean, variance, y) == FNN_OK);
    CHECK(fnn_batch_norm_backward(context, rows, n, x, dy, affine ? gamma : NULL, mean, variance,
                                  (fnn_real)1e-3, dx, dgamma, dbeta) == FNN_OK);
    compare("mean", mean, t.mean, n, 4 * unit);
    compare("variance", variance, t.variance, n, 20 * EPSILON + unit);
    /* with few rows deviations may be as small as sqrt(epsilon) = .03 */
    compare("y", y, t.y, rows * n, (rows < 8 ? 600 : 30) * unit);
    compare("dbeta", dbeta, t.dbeta, n, 4 * EPSILON * (double)rows);
    compare("dgamma", dgamma, t.dgamma, n, (rows < 8 ? 100 : 4) * many);
    compare("dx", dx, t.dx, rows * n, (rows < 8 ? 40000 : 60) * unit);
    twin_free(&t);
    free(x), free(dy), free(y), free(dx);
}

static void batch_norm(void)
{
    static const int row_counts[] = {1, 2, 3, 10, 100, 255, 256, 257, 1000};
    static const int channels[] = {1, 3, 8, 17, 32, 33};
    int isa, r, c, affine;
    seed = 2;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        fnn_context_config config = fnn_context_config_init();
        fnn_context *context;
        config.isa = (fnn_isa)isa;
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        context = fnn_context_create(&config, NULL);
        for (r = 0; r < (int)(sizeof row_counts / sizeof row_counts[0]); r++)
            for (c = 0; c < (int)(sizeof channels / sizeof channels[0]); c++)
                for (affine = 0; affine < 2; affine++)
                    check_calls(context, row_counts[r], channels[c], 0, affine);
        fnn_context_free(context);
    }
    check_calls(NULL, 300, 5, 0, 1);
    check_calls(NULL, 5000, 3, 1000, 1); /* a mean a thousand deviations from 0: no cancellation */
    check_calls(NULL, 5000, 32, -3000, 1);
}

static void same_bits_on_threads(void)
{
    enum { ROWS = 10000, N = 24 };
    const size_t bytes = (size_t)ROWS * N * sizeof(fnn_real);
    fnn_real *x = (fnn_real *)take(bytes), *dy = (fnn_real *)take(bytes), *y[3], *dx[3];
    fnn_real numbers[3][4 * N];
    int i;
    seed = 3;
    fill(x, ROWS * N, -1, 3);
    fill(dy, ROWS * N, -1, 1);
    for (i = 0; i < 3; i++) {
        fnn_context_config config = fnn_context_config_init();
        fnn_context *context;
        fnn_real *s = numbers[i];
        config.threads = i == 0 ? 1 : i == 1 ? 2 : 7;
        context = fnn_context_create(&config, NULL);
        y[i] = (fnn_real *)take(bytes);
        dx[i] = (fnn_real *)take(bytes);
        CHECK(!fnn_batch_norm_forward(context, ROWS, N, x, NULL, NULL, (fnn_real)1e-3, s, s + N,
                                      y[i]));
        CHECK(!fnn_batch_norm_backward(context, ROWS, N, x, dy, NULL, s, s + N, (fnn_real)1e-3,
                                       dx[i], s + 2 * N, s + 3 * N));
        CHECK(memcmp(y[i], y[0], bytes) == 0 && memcmp(dx[i], dx[0], bytes) == 0);
        CHECK(memcmp(numbers[i], numbers[0], sizeof numbers[0]) == 0);
        fnn_context_free(context);
    }
    /* in place: dx over dy, then y over x */
    CHECK(!fnn_batch_norm_backward(NULL, ROWS, N, x, dy, NULL, numbers[0], numbers[0] + N,
                                   (fnn_real)1e-3, dy, NULL, NULL));
    CHECK(memcmp(dy, dx[0], bytes) == 0);
    CHECK(!fnn_batch_norm_forward(NULL, ROWS, N, x, NULL, NULL, (fnn_real)1e-3, numbers[1],
                                  numbers[1] + N, x));
    CHECK(memcmp(x, y[0], bytes) == 0);
    for (i = 0; i < 3; i++) free(y[i]), free(dx[i]);
    free(x), free(dy);
}

/* A NaN, and a column all equal, stay in their channel. */
static void special_columns(void)
{
    fnn_real x[6 * 3], y[6 * 3], mean[3], variance[3];
    int i;
    for (i = 0; i < 6; i++)
        x[i * 3] = 5, x[i * 3 + 1] = i == 4 ? (fnn_real)NAN : 1, x[i * 3 + 2] = (fnn_real)i;
    CHECK(!fnn_batch_norm_forward(NULL, 6, 3, x, NULL, NULL, (fnn_real)1e-3, mean, variance, y));
    CHECK(mean[0] == 5 && variance[0] == 0 && mean[1] != mean[1] && variance[1] != variance[1]);
    CHECK(fabs((double)mean[2] - 2.5) < 1e-6 && fabs((double)variance[2] - 35.0 / 12) < 1e-6);
    for (i = 0; i < 6; i++) /* 5 / sqrt(epsilon) is rounded twice before it cancels */
        CHECK(fabs((double)y[i * 3]) < 1e-4 && y[i * 3 + 1] != y[i * 3 + 1] &&
              y[i * 3 + 2] == y[i * 3 + 2]);
}

static void arguments(void)
{
    fnn_real x[12] = {1, 2, 3}, y[12], m[4], v[4], g[4] = {1, 1, 1, 1};
    const fnn_real e = (fnn_real)1e-3;
    fnn_context_config config = fnn_context_config_init();
    fnn_context *context;
    budget memory;
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, x, g, g, e, m, v, y) == FNN_OK);
    CHECK(fnn_batch_norm_forward(NULL, 0, 4, x, g, g, e, m, v, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 0, x, g, g, e, m, v, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, -3, 4, x, g, g, e, m, v, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, PTRDIFF_MAX / 2, 4, x, g, g, e, m, v, y) ==
          FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, NULL, g, g, e, m, v, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, x, g, g, -e, m, v, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, x, g, g, (fnn_real)NAN, m, v, y) ==
          FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, x, g, g, e, NULL, v, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, x, g, g, e, m, NULL, y) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_forward(NULL, 3, 4, x, g, g, e, m, v, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_backward(NULL, 3, 4, x, x, g, m, v, e, y, NULL, NULL) == FNN_OK);
    CHECK(fnn_batch_norm_backward(NULL, 3, 4, NULL, x, g, m, v, e, y, m, v) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_backward(NULL, 3, 4, x, NULL, g, m, v, e, y, m, v) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_backward(NULL, 3, 4, x, x, g, NULL, v, e, y, m, v) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_backward(NULL, 3, 4, x, x, g, m, NULL, e, y, m, v) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_batch_norm_backward(NULL, 3, 4, x, x, g, m, v, e, NULL, m, v) == FNN_ERROR_ARGUMENT);
    config.allocator = budget_open(&memory);
    context = fnn_context_create(&config, NULL);
    memory.allowed = 0;
    CHECK(fnn_batch_norm_forward(context, 3, 4, x, g, g, e, m, v, y) == FNN_ERROR_MEMORY);
    memory.allowed = -1;
    CHECK(fnn_batch_norm_forward(context, 3, 4, x, g, g, e, m, v, y) == FNN_OK);
    fnn_context_free(context);
}

/* ---- broken cases: what the checks must report ---- */
static void loses_a_row(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, ptrdiff_t ldx,
                        const fnn_real *pivot, fnn_real *sums, fnn_real *squares)
{
    fnni_kernels_scalar.moments(rows - 1, columns, x, ldx, pivot, sums, squares);
}
static void overwrites(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, ptrdiff_t ldx,
                       const fnn_real *pivot, fnn_real *sums, fnn_real *squares)
{
    sums[0] = 0; /* and does not add */
    fnni_kernels_scalar.moments(rows, columns, x, ldx, pivot, sums, squares);
}
static void swaps(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, const fnn_real *scale,
                  const fnn_real *shift, fnn_real *y)
{
    fnni_kernels_scalar.scale_shift(rows, columns, x, shift, scale, y);
}
static void goes_beyond(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, const fnn_real *scale,
                        const fnn_real *shift, fnn_real *y)
{
    fnni_kernels_scalar.scale_shift(rows, columns, x, scale, shift, y);
    y[rows * columns] = 1;
}

static int failures_with(const fnni_kernels *k)
{
    const int before = harness_wrong;
    problem g;
    int failures;
    seed = 4;
    harness_wrong = 1000; /* not printed */
    open_problem(&g, k, 9, 5, 5, 3);
    check_sums(&g, 0);
    open_problem(&g, k, 9, 5, 5, 3);
    check_map(&g, 0, OUT);
    failures = harness_wrong - 1000;
    harness_wrong = before;
    return failures;
}

static void controls(void)
{
    fnni_kernels k = fnni_kernels_scalar;
    CHECK(failures_with(&k) == 0);
    k.moments = loses_a_row;
    CHECK(failures_with(&k) >= 5);
    k.moments = overwrites;
    CHECK(failures_with(&k) == 1);
    k = fnni_kernels_scalar, k.scale_shift = swaps;
    CHECK(failures_with(&k) == 1);
    k = fnni_kernels_scalar, k.scale_shift = goes_beyond;
    CHECK(failures_with(&k) == 1);
    CHECK(guarded_notices());
}

static const harness_test tests[] = {
    TEST(small_shapes),    TEST(batch_norm), TEST(same_bits_on_threads),
    TEST(special_columns), TEST(arguments),  TEST(controls),
};
HARNESS_MAIN(tests)
