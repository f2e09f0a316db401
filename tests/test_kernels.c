/* Every elementwise kernel against a naive double twin, on every instruction set: sizes 0..67,
 * operands flush against inaccessible pages at either end, every misalignment, aliasing. */
#define _DEFAULT_SOURCE
#include "tables.h"
#include "harness.h"
#include "guarded.h"
#include "operands.h"
#include "twins.h"
#include "winograd.h"

#define LARGEST 67
#define ROWS 3
#define TALL 70 /* rows: more than any kernel takes at a time */

/* ---- a case: what a kernel reads and writes, how to run it, and its twin ----
 * Operands by letter: m matrix (rows,n), p the same, positive, v vector (n), q the same, positive,
 * r (rows), s one number, b bytes (rows,n), l labels (rows). Outputs hold
 * numbers beforehand too. */
typedef struct test_case {
    const char *name, *in, *out;
    void (*run)(const fnni_kernels *k, ptrdiff_t rows, ptrdiff_t n, void **in, void **out);
    void (*twin)(ptrdiff_t rows, ptrdiff_t n, double **in, double **out);
    double bound, floor; /* |kernel - twin| <= bound epsilon max(|twin|, floor) */
    int alias;           /* bit i: out[0] may be in[i] */
    int kind;            /* of activation */
    fnn_real parameter;
} test_case;

static const test_case *now;
static fnni_step step;
static const double *sizes; /* what takes the place of max(|twin|, floor), or NULL */

#define REAL(p) ((fnn_real *)(p))

static size_t operand_count(char letter, size_t rows, size_t n)
{
    return strchr("mpb", letter)  ? rows * n
           : strchr("vq", letter) ? n
           : strchr("rl", letter) ? rows
                                  : 1;
}

static size_t operand_size(char letter)
{
    return letter == 'b' ? 1 : letter == 'l' ? sizeof(int32_t) : sizeof(fnn_real);
}

static void operand_fill(char letter, void *p, double *copy, size_t count, size_t n)
{
    size_t i;
    for (i = 0; i < count; i++) {
        if (letter == 'b') copy[i] = ((uint8_t *)p)[i] = (uint8_t)(unsigned)uniform(0, 256);
        else if (letter == 'l') copy[i] = ((int32_t *)p)[i] = (int32_t)uniform(0, (double)n);
        else {
            const double x = strchr("pq", letter) ? uniform(0.01, 2) : uniform(-3, 3);
            copy[i] = (double)(REAL(p)[i] = i % 13 == 5 && !strchr("pq", letter) ? 0 : (fnn_real)x);
        }
    }
}

static double worst_seen; /* in units of the case's bound */

static void compare(const fnni_kernels *k, char letter, const void *p, const double *twin,
                    size_t count, size_t n, int placement)
{
    size_t i;
    (void)letter;
    for (i = 0; i < count; i++) {
        const double y = (double)REAL(p)[i], floor = sizes ? sizes[i] : now->floor;
        const double size = fabs(twin[i]) > floor && !sizes ? fabs(twin[i]) : floor;
        const double error = fabs(y - twin[i]), allowed = now->bound * EPSILON * size;
        if (error > 0 && allowed > 0 && error / allowed > worst_seen) worst_seen = error / allowed;
        if (y != twin[i] && !(error <= allowed) && !(y != y && twin[i] != twin[i])) {
            CHECKF(0,
                   "%s %s n %d placement %d: element %d is %.9g, twin %.9g, step flags %d%d%d%d%d",
                   now->name, fnn_isa_name(k->isa), (int)n, placement, (int)i, y, twin[i],
                   step.clip_penalty, step.nesterov, step.epsilon_inside, step.rate_inside,
                   step.epsilon_corrected);
            return;
        }
    }
}

/* One run: alias is -1 or the input that out[0] is. */
static void run_once(const fnni_kernels *k, size_t rows, size_t n, int placement, int alias)
{
    static double copies[GUARDED_SLOTS][TALL * LARGEST + 1];
    void *in[GUARDED_SLOTS] = {0}, *out[GUARDED_SLOTS] = {0};
    double *din[GUARDED_SLOTS] = {0}, *dout[GUARDED_SLOTS] = {0};
    const int inputs = (int)strlen(now->in), outputs = (int)strlen(now->out);
    int i;
    for (i = 0; i < inputs + outputs; i++) {
        const char letter = i < inputs ? now->in[i] : now->out[i - inputs];
        const size_t count = operand_count(letter, rows, n);
        void *p = guarded_place(i, operand_size(letter), count, placement);
        operand_fill(letter, p, copies[i], count, n);
        if (i < inputs) in[i] = p, din[i] = copies[i];
        else out[i - inputs] = p, dout[i - inputs] = copies[i];
    }
    if (alias >= 0) out[0] = in[alias];
    sizes = NULL;
    now->twin((ptrdiff_t)rows, (ptrdiff_t)n, din, dout);
    now->run(k, (ptrdiff_t)rows, (ptrdiff_t)n, in, out);
    for (i = 0; i < outputs; i++)
        compare(k, now->out[i], out[i], dout[i], operand_count(now->out[i], rows, n), n, placement);
    for (i = 0; i < inputs + outputs; i++) {
        const char letter = i < inputs ? now->in[i] : now->out[i - inputs];
        const size_t bytes = operand_count(letter, rows, n) * operand_size(letter);
        if (i == inputs && alias >= 0) continue;
        CHECKF(guarded_untouched(i, i < inputs ? in[i] : out[i - inputs], bytes),
               "%s %s n %d: wrote outside operand %d", now->name, fnn_isa_name(k->isa), (int)n, i);
    }
}

static void run_case(const test_case *c, size_t rows)
{
    const int few = getenv("TEST_QUICK") != NULL;
    int isa, placement, n, alias;
    guarded_open(rows * LARGEST * sizeof(fnn_real) + 512);
    now = c;
    worst_seen = 0;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT && harness_wrong < 10; isa++) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        for (n = 0; n <= LARGEST; n++)
            for (placement = 0; placement < GUARDED_PLACEMENTS; placement++) {
                if (few && placement > 3 && n % 4 != placement % 4) continue;
                if (rows == TALL && (placement % 8 > 1 || (n > 18 && n % 16 > 1 && n < 64)))
                    continue;
                for (alias = -1; alias < 2; alias++)
                    if (alias < 0 || (c->alias >> alias & 1))
                        run_once(k, rows, (size_t)n, placement, alias);
            }
    }
    if (getenv("TEST_VERBOSE"))
        printf("  %-28s largest error %.2f of the bound\n", c->name, worst_seen);
}

#define RUN(name) \
    static void name(const fnni_kernels *k, ptrdiff_t rows, ptrdiff_t n, void **in, void **out)
#define TWIN(name) static void name(ptrdiff_t rows, ptrdiff_t n, double **in, double **out)
#define EACH for (i = 0; i < rows * n; i++)

/* ---- maps and activations ---- */
/* Parameters for those that have one: the usual, another, and the least. */
static int parameters_of(int kind, fnn_real parameters[3])
{
    parameters[0] = twin_parameter(kind);
    parameters[1] = (fnn_real).7;
    parameters[2] = 0;
    return kind < FNN_ACTIVATION_COUNT &&
                   fnni_activation_has((fnn_activation)kind, FNNI_HAS_PARAMETER)
               ? 3
               : 1;
}

RUN(run_map)
{
    const ptrdiff_t count = rows * n;
    k->activation((unsigned)now->kind, now->parameter, count, REAL(in[0]), REAL(out[0]));
}
TWIN(twin_map)
{
    ptrdiff_t i;
    EACH out[0][i] = twin_of(now->kind)->f(in[0][i], (double)now->parameter);
}

static void maps(void)
{
    fnn_real parameters[3];
    int kind, i, positive;
    for (kind = 0; kind < FNNI_MAP_COUNT; kind++)
        for (i = 0; twin_of(kind)->f && i < parameters_of(kind, parameters); i++)
            for (positive = 0; positive < 2; positive++) {
                test_case c = {NULL, "m", "m", run_map, twin_map, 0, 0, 1, 0, 0};
                c.name = twin_word(kind);
                if (positive) c.in = "p";
                c.bound = twin_bound(kind);
                c.kind = kind;
                c.parameter = parameters[i];
                run_case(&c, 1);
            }
}

/* The twin takes its slope from x; the kernel, but for those that want x, gets y (in[0]) made from
 * x as the forward does, so that operand is filled again here. The error is that of the slope. */
RUN(run_back)
{
    const fnn_activation kind = (fnn_activation)now->kind;
    const int of_x = fnni_activation_has(kind, FNNI_SLOPE_OF_X);
    fnn_real *x = of_x ? REAL(in[0]) : NULL, *y = of_x ? NULL : REAL(in[0]);
    if (y) k->activation(kind, now->parameter, rows * n, y, y);
    k->activation_backward(kind, now->parameter, rows * n, x, y, REAL(in[1]), REAL(out[0]));
}
TWIN(twin_back)
{
    static double size[LARGEST];
    ptrdiff_t i;
    EACH
    {
        size[i] = fabs(in[1][i]);
        out[0][i] = in[1][i] * twin_of(now->kind)->slope(in[0][i], (double)now->parameter);
    }
    sizes = size;
}

static void backward(void)
{
    fnn_real parameters[3];
    int kind, i;
    FOR_EACH_ACTIVATION(kind)
        for (i = 0; i < parameters_of(kind, parameters); i++) {
            test_case c = {NULL, "mm", "m", run_back, twin_back, 0, 0, 3, 0, 0};
            c.name = twin_word(kind);
            c.bound = twin_of(kind)->slope_error;
            c.kind = kind;
            c.parameter = parameters[i];
            run_case(&c, 1);
        }
}

RUN(run_bias)
{
    k->bias_activation((fnn_activation)now->kind, now->parameter, rows, n, REAL(in[0]),
                       REAL(out[0]), n);
}
TWIN(twin_bias)
{
    ptrdiff_t i;
    EACH out[0][i] =
        twin_of(now->kind)->f((double)(fnn_real)(out[0][i] + in[0][i % n]), (double)now->parameter);
}
/* Half the columns of each row; the rest must stay. */
RUN(run_bias_part)
{
    k->bias_activation((fnn_activation)now->kind, now->parameter, rows, n / 2, REAL(in[0]),
                       REAL(out[0]), n);
}
TWIN(twin_bias_part)
{
    ptrdiff_t i;
    EACH if (i % n < n / 2) out[0][i] =
        twin_of(now->kind)->f((double)(fnn_real)(out[0][i] + in[0][i % n]), (double)now->parameter);
}
RUN(run_no_bias)
{
    k->bias_activation((fnn_activation)now->kind, now->parameter, rows, n - n / 3, NULL,
                       REAL(out[0]), n);
    (void)in;
}
TWIN(twin_no_bias)
{
    ptrdiff_t i;
    (void)in;
    EACH if (i % n < n - n / 3) out[0][i] =
        twin_of(now->kind)->f(out[0][i], (double)now->parameter);
}

static void bias_activation(void)
{
    int kind, form;
    FOR_EACH_ACTIVATION(kind)
        for (form = 0; form < 3; form++) {
            test_case c = {"bias activation", "v", "m", run_bias, twin_bias, 0, 0, 0, 0,
                           (fnn_real).3};
            c.bound = twin_bound(kind);
            c.kind = kind;
            if (form == 1) c.run = run_bias_part, c.twin = twin_bias_part;
            if (form == 2) c.run = run_no_bias, c.twin = twin_no_bias;
            run_case(&c, ROWS);
            run_case(&c, TALL);
        }
}

/* ---- softmax ---- */
RUN(run_softmax)
{
    k->softmax(rows, n, REAL(in[0]), REAL(out[0]));
}
TWIN(twin_softmaxes)
{
    ptrdiff_t i;
    for (i = 0; i < rows; i++) twin_softmax.row(n, in[0] + i * n, out[0] + i * n);
}

static fnn_real smoothing, loss_scale;
static void naive_entropy(ptrdiff_t n, const double *x, double *t, double *loss, double *gradient)
{
    static double p[LARGEST];
    double sum_t = 0;
    ptrdiff_t j;
    twin_softmax.row(n, x, p);
    *loss = 0;
    for (j = 0; j < n; j++) {
        t[j] = (1 - (double)smoothing) * t[j] + (double)smoothing / (double)n;
        sum_t += t[j];
        *loss -= t[j] * log(p[j]);
    }
    for (j = 0; j < n; j++) gradient[j] = (double)loss_scale * (p[j] * sum_t - t[j]);
}
/* in: logits, labels; out: gradient, losses. */
RUN(run_labels)
{
    k->softmax_cross_entropy(rows, n, REAL(in[0]), (int32_t *)in[1], NULL, smoothing, loss_scale,
                             REAL(out[1]), REAL(out[0]));
}
RUN(run_labels_loss)
{
    k->softmax_cross_entropy(rows, n, REAL(in[0]), (int32_t *)in[1], NULL, smoothing, loss_scale,
                             REAL(out[0]), NULL);
}
RUN(run_labels_gradient)
{
    k->softmax_cross_entropy(rows, n, REAL(in[0]), (int32_t *)in[1], NULL, smoothing, loss_scale,
                             NULL, REAL(out[0]));
}
static void twin_entropy(ptrdiff_t rows, ptrdiff_t n, double **in, double *gradient, double *loss,
                         int labels)
{
    static double t[LARGEST], unused[TALL * LARGEST];
    ptrdiff_t i, j;
    for (i = 0; i < rows && n > 0; i++) {
        for (j = 0; j < n; j++) t[j] = labels ? j == (ptrdiff_t)in[1][i] : in[1][i * n + j];
        naive_entropy(n, in[0] + i * n, t, loss ? loss + i : unused,
                      gradient ? gradient + i * n : unused);
    }
}
TWIN(twin_labels)
{
    twin_entropy(rows, n, in, out[0], out[1], 1);
}
TWIN(twin_labels_loss)
{
    twin_entropy(rows, n, in, NULL, out[0], 1);
}
TWIN(twin_labels_gradient)
{
    twin_entropy(rows, n, in, out[0], NULL, 1);
}
RUN(run_targets)
{
    k->softmax_cross_entropy(rows, n, REAL(in[0]), NULL, REAL(in[1]), smoothing, loss_scale,
                             REAL(out[1]), REAL(out[0]));
}
RUN(run_targets_loss)
{
    k->softmax_cross_entropy(rows, n, REAL(in[0]), NULL, REAL(in[1]), smoothing, loss_scale,
                             REAL(out[0]), NULL);
}
TWIN(twin_targets)
{
    twin_entropy(rows, n, in, out[0], out[1], 0);
}
TWIN(twin_targets_loss)
{
    twin_entropy(rows, n, in, NULL, out[0], 0);
}

static void softmax(void)
{
    static const test_case c = {"softmax", "m", "m", run_softmax, twin_softmaxes, 8, 0, 1, 0, 0};
    run_case(&c, ROWS);
    run_case(&c, TALL);
}

static void cross_entropy(void)
{
    static const test_case cases[] = {
        {"labels", "ml", "mr", run_labels, twin_labels, 12, 1, 1, 0, 0},
        {"labels, loss", "ml", "r", run_labels_loss, twin_labels_loss, 12, 1, 0, 0, 0},
        {"labels, gradient", "ml", "m", run_labels_gradient, twin_labels_gradient, 12, 1, 1, 0, 0},
        {"targets", "mp", "mr", run_targets, twin_targets, 100, 1, 1, 0, 0},
        {"targets, loss", "mp", "r", run_targets_loss, twin_targets_loss, 100, 1, 0, 0, 0},
    };
    size_t i;
    for (i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        smoothing = i % 2 ? (fnn_real).1 : 0;
        loss_scale = i % 2 ? (fnn_real).25 : 1;
        run_case(&cases[i / 2], ROWS);
        run_case(&cases[i / 2], TALL);
    }
}

/* ---- reductions and vector algebra ---- */
RUN(run_sum)
{
    REAL(out[0])[0] = k->sum(rows * n, REAL(in[0]));
}
/* Sums to twice the digits (Neumaier 1974): the double library's twin rounds, too. */
static void add_to(double sum[2], double x)
{
    const double total = sum[0] + x, back = total - sum[0];
    sum[1] += (sum[0] - (total - back)) + (x - back);
    sum[0] = total;
}
TWIN(twin_sum)
{
    double sum[2] = {0, 0};
    ptrdiff_t i;
    EACH add_to(sum, in[0][i]);
    out[0][0] = sum[0] + sum[1];
}
RUN(run_dot)
{
    REAL(out[0])[0] = k->dot(rows * n, REAL(in[0]), REAL(in[1]));
}
/* In the double library the twin's own products are rounded, too. */
#define DOT_FLOOR (FNNI_REAL_IS_DOUBLE ? 120 : 60)
TWIN(twin_dot)
{
    double sum[2] = {0, 0};
    ptrdiff_t i;
    EACH add_to(sum, in[0][i] * in[1][i]);
    out[0][0] = sum[0] + sum[1];
}
/* The first columns, at most 7, of in[0] in[1]^T, both (rows,n): the kernel turns x. */
static ptrdiff_t narrow_columns(ptrdiff_t rows, ptrdiff_t n)
{
    const ptrdiff_t most = rows < n ? rows : n;
    return most < 7 ? most : 7;
}
static fnni_narrow narrow_of(ptrdiff_t rows, ptrdiff_t n, void **in, void **out)
{
    fnni_narrow g;
    g.rows = rows;
    g.columns = narrow_columns(rows, n);
    g.k = n;
    g.x = REAL(in[0]);
    g.few = REAL(in[1]);
    g.x_row = g.few_row = g.c_row = n;
    g.x_step = g.few_step = g.c_few = 1;
    g.c = REAL(out[0]);
    g.alpha = (fnn_real).75;
    g.beta = now->parameter;
    return g;
}
RUN(run_narrow)
{
    const fnni_narrow g = narrow_of(rows, n, in, out);
    if (n > 0) k->narrow_chains(&g);
}
RUN(run_dots)
{
    const fnni_narrow g = narrow_of(rows, n, in, out);
    k->narrow_dots(&g);
}
TWIN(twin_narrow)
{
    ptrdiff_t i, j, p;
    for (i = 0; i < rows; i++)
        for (j = 0; j < narrow_columns(rows, n); j++) {
            double sum[2] = {0, 0};
            for (p = 0; p < n; p++) add_to(sum, in[0][i * n + p] * in[1][j * n + p]);
            out[0][i * n + j] =
                .75 * (sum[0] + sum[1]) + (double)now->parameter * out[0][i * n + j];
        }
}
/* The first rows, at most 7, of in[1]^T in[0]: the kernel takes x as it lies. */
RUN(run_narrow_along)
{
    fnni_narrow g = narrow_of(rows, n, in, out);
    g.rows = n;
    g.k = rows;
    g.x_row = g.few_row = g.c_row = 1;
    g.x_step = g.few_step = g.c_few = n;
    if (n >= 2 * k->lanes) k->narrow_chains(&g);
    else /* too few rows for it */
        for (; g.rows > 0; g.rows--, g.x++, g.c++) {
            ptrdiff_t j, p;
            for (j = 0; j < g.columns; j++) {
                double sum = 0;
                for (p = 0; p < g.k; p++) sum += (double)g.x[p * n] * (double)g.few[p * n + j];
                g.c[j * n] = (fnn_real)(.75 * sum + (double)g.beta * (double)g.c[j * n]);
            }
        }
}
TWIN(twin_narrow_along)
{
    ptrdiff_t i, j, p;
    for (i = 0; i < n; i++)
        for (j = 0; j < narrow_columns(rows, n); j++) {
            double sum[2] = {0, 0};
            for (p = 0; p < rows; p++) add_to(sum, in[0][p * n + i] * in[1][p * n + j]);
            out[0][j * n + i] =
                .75 * (sum[0] + sum[1]) + (double)now->parameter * out[0][j * n + i];
        }
}
/* Factors of the rows from one matrix, of the columns from another's first row. */
RUN(run_rank_one)
{
    k->rank_one(rows, n, (fnn_real).75, REAL(in[0]), n, REAL(in[1]), now->parameter, REAL(out[0]),
                n);
}
TWIN(twin_rank_one)
{
    ptrdiff_t i, j;
    for (i = 0; i < rows; i++)
        for (j = 0; j < n; j++)
            out[0][i * n + j] =
                .75 * in[0][i * n] * in[1][j] + (double)now->parameter * out[0][i * n + j];
}
RUN(run_add_scaled)
{
    k->add_scaled(rows * n, (fnn_real)1.7, REAL(in[0]), REAL(out[0]));
}
TWIN(twin_add_scaled)
{
    ptrdiff_t i;
    EACH out[0][i] += (double)(fnn_real)1.7 * in[0][i];
}
RUN(run_scale)
{
    k->scale(rows * n, (fnn_real)1.7, REAL(out[0]));
    (void)in;
}
TWIN(twin_scale)
{
    ptrdiff_t i;
    (void)in;
    EACH out[0][i] *= (double)(fnn_real)1.7;
}
RUN(run_fill)
{
    k->fill(rows * n, (fnn_real)1.7, REAL(out[0]));
    (void)in;
}
TWIN(twin_fill)
{
    ptrdiff_t i;
    (void)in;
    EACH out[0][i] = (double)(fnn_real)1.7;
}
RUN(run_columns)
{
    k->column_sums(rows, n, REAL(in[0]), n, REAL(out[0]));
}
TWIN(twin_columns)
{
    ptrdiff_t i;
    for (i = 0; i < n; i++) out[0][i] = 0;
    EACH out[0][i % n] += in[0][i];
}
RUN(run_columns_part)
{
    k->column_sums(rows, n / 2, REAL(in[0]), n, REAL(out[0]));
}
TWIN(twin_columns_part)
{
    ptrdiff_t i;
    for (i = 0; i < n / 2; i++) out[0][i] = 0;
    EACH if (i % n < n / 2) out[0][i % n] += in[0][i];
}
RUN(run_bytes)
{
    k->from_bytes(rows * n, (uint8_t *)in[0], now->kind, REAL(in[1]), REAL(in[2]), REAL(out[0]));
}
RUN(run_reals)
{
    k->from_reals(rows * n, REAL(in[0]), now->kind, REAL(in[1]), REAL(in[2]), REAL(out[0]));
}
TWIN(twin_inputs)
{
    ptrdiff_t i;
    EACH
    {
        const ptrdiff_t j = now->kind ? i : 0;
        out[0][i] = (in[0][i] - in[1][j]) * in[2][j];
    }
}

static void vectors(void)
{
    static const test_case cases[] = {
        {"sum", "m", "s", run_sum, twin_sum, 60, 60, 0, 0, 0},
        {"dot", "mm", "s", run_dot, twin_dot, 60, DOT_FLOOR, 0, 0, 0},
        {"add_scaled", "m", "m", run_add_scaled, twin_add_scaled, 2, 4, 1, 0, 0},
        {"scale", "", "m", run_scale, twin_scale, .5, 0, 0, 0, 0},
        {"fill", "", "m", run_fill, twin_fill, 0, 0, 0, 0, 0},
        {"column sums", "m", "v", run_columns, twin_columns, 8, 16, 0, 0, 0},
        {"column sums, part", "m", "v", run_columns_part, twin_columns_part, 8, 16, 0, 0, 0},
        {"bytes", "bss", "m", run_bytes, twin_inputs, 2, 10, 0, 0, 0},
        {"bytes, each", "bmm", "m", run_bytes, twin_inputs, 2, 10, 0, 1, 0},
        {"reals", "mss", "m", run_reals, twin_inputs, 2, 4, 1, 0, 0},
        {"reals, each", "mmm", "m", run_reals, twin_inputs, 2, 4, 1, 1, 0},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strncmp(cases[i].name, "add_scaled", 10) == 0) {
            test_case apart = cases[i]; /* y may be x, but the twin's y is then x */
            apart.alias = 0;
            run_case(&apart, 1);
        } else {
            run_case(&cases[i], cases[i].out[0] == 'v' ? ROWS : 1);
            run_case(&cases[i], TALL); /* thousands of elements */
        }
}

static void narrow_products(void)
{
    static const test_case cases[] = {
        {"narrow", "mm", "m", run_narrow, twin_narrow, 60, DOT_FLOOR, 0, 0, 0},
        {"narrow, added", "mm", "m", run_narrow, twin_narrow, 60, DOT_FLOOR, 0, 0, 2},
        {"narrow along", "mm", "m", run_narrow_along, twin_narrow_along, 60, DOT_FLOOR, 0, 0, 0},
        {"narrow along, added", "mm", "m", run_narrow_along, twin_narrow_along, 60, DOT_FLOOR, 0, 0,
         2},
        {"narrow dots", "mm", "m", run_dots, twin_narrow, 60, DOT_FLOOR, 0, 0, 0},
        {"narrow dots, added", "mm", "m", run_dots, twin_narrow, 60, DOT_FLOOR, 0, 0, 2},
        {"rank one", "mm", "m", run_rank_one, twin_rank_one, 3, 3, 0, 0, 0},
        {"rank one, added", "mm", "m", run_rank_one, twin_rank_one, 3, 3, 0, 0, 2}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) run_case(&cases[i], TALL);
    run_case(&cases[4], ROWS);
}

/* Long sums: the compensated truth within the rounding of n / (4 LANES) additions. */
static void long_sums(void)
{
    enum { N = 100003 };
    static fnn_real x[N], y[N];
    double sum = 0, dot = 0, size = 0, dot_size = 0;
    int isa, i;
    seed = 5;
    for (i = 0; i < N; i++) {
        x[i] = (fnn_real)uniform(-1, 1);
        y[i] = (fnn_real)uniform(-1, 1);
        sum += (double)x[i];
        dot += (double)x[i] * (double)y[i];
        size += fabs((double)x[i]);
        dot_size += fabs((double)x[i] * (double)y[i]);
    }
    for (isa = 1; isa < FNN_ISA_COUNT; isa++) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        double bound;
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        bound = EPSILON * (N / (4.0 * FNNI_SUM_LANES) + 10);
        CHECK(fabs((double)k->sum(N, x) - sum) <= bound * size);
        CHECK(fabs((double)k->dot(N, x, y) - dot) <= bound * dot_size);
        CHECK(k->sum(N, x) == k->sum(N, x));
    }
}

/* ---- optimisers: the twins follow the formulas in the kernel list ---- */
static double twin_gradient(double w, double g)
{
    const double penalty = (double)step.l2 * w + (double)step.l1 * (w > 0 ? 1 : w < 0 ? -1 : 0);
    if (step.clip_penalty) g += penalty;
    g *= (double)step.gradient_scale;
    if (step.clip > 0)
        g = g > (double)step.clip    ? (double)step.clip
            : g < -(double)step.clip ? -(double)step.clip
                                     : g;
    return step.clip_penalty ? g : g + penalty;
}
static double twin_weight(double w, double update)
{
    return w * (1 - (double)step.rate * (double)step.decay) - update;
}
static double twin_root(double s)
{
    return step.epsilon_inside ? sqrt(s + (double)step.epsilon) : sqrt(s) + (double)step.epsilon;
}
/* The kind is the optimiser's; RMSProp without its second array is one without momentum. */
RUN(run_step)
{
    fnni_step s = step;
    if (!out[2] && now->kind == FNN_RMSPROP) s.momentum = 0;
    k->optimizer_step((fnn_optimizer_kind)now->kind, rows * n, &s, REAL(out[0]), REAL(in[0]),
                      REAL(out[1]), REAL(out[2]));
}
TWIN(twin_sgd)
{
    ptrdiff_t i;
    EACH out[0][i] = twin_weight(out[0][i], (double)step.rate * twin_gradient(out[0][i], in[0][i]));
}
TWIN(twin_momentum)
{
    const double mu = (double)step.momentum, rate = (double)step.rate,
                 fresh = 1 - (double)step.dampening;
    ptrdiff_t i;
    EACH
    {
        const double g = fresh * twin_gradient(out[0][i], in[0][i]) * (step.rate_inside ? rate : 1);
        double update = out[1][i] = mu * out[1][i] + g;
        if (step.nesterov) update = g + mu * update;
        out[0][i] = twin_weight(out[0][i], step.rate_inside ? update : rate * update);
    }
}
TWIN(twin_adagrad)
{
    ptrdiff_t i;
    EACH
    {
        const double g = twin_gradient(out[0][i], in[0][i]);
        out[1][i] += g * g;
        out[0][i] = twin_weight(out[0][i], (double)step.rate * g / twin_root(out[1][i]));
    }
}
TWIN(twin_adadelta)
{
    const double rho = (double)step.rho, epsilon = (double)step.epsilon;
    ptrdiff_t i;
    EACH
    {
        const double g = twin_gradient(out[0][i], in[0][i]);
        double u;
        out[1][i] = rho * out[1][i] + (1 - rho) * g * g;
        u = sqrt(out[2][i] + epsilon) / sqrt(out[1][i] + epsilon) * g;
        out[2][i] = rho * out[2][i] + (1 - rho) * u * u;
        out[0][i] = twin_weight(out[0][i], (double)step.rate * u);
    }
}
TWIN(twin_rmsprop)
{
    const double rho = (double)step.rho, mu = (double)step.momentum, rate = (double)step.rate;
    ptrdiff_t i;
    EACH
    {
        const double g = twin_gradient(out[0][i], in[0][i]);
        double u;
        out[1][i] = rho * out[1][i] + (1 - rho) * g * g;
        u = (1 - (double)step.dampening) * g / twin_root(out[1][i]);
        if (!out[2]) {
            out[0][i] = twin_weight(out[0][i], rate * g / twin_root(out[1][i]));
            continue;
        }
        out[2][i] = mu * out[2][i] + (step.rate_inside ? rate * u : u);
        out[0][i] = twin_weight(out[0][i], step.rate_inside ? out[2][i] : rate * out[2][i]);
    }
}
/* As torch.optim.Adam writes it, or keras.optimizers.Adam. */
TWIN(twin_adam)
{
    const double b1 = (double)step.beta1, b2 = (double)step.beta2, rate = (double)step.rate;
    const double c1 = (double)step.correction1, c2 = (double)step.correction2,
                 epsilon = (double)step.epsilon;
    ptrdiff_t i;
    EACH
    {
        const double g = twin_gradient(out[0][i], in[0][i]);
        const double m = out[1][i] = b1 * out[1][i] + (1 - b1) * g;
        const double v = out[2][i] = b2 * out[2][i] + (1 - b2) * g * g;
        out[0][i] = twin_weight(out[0][i], step.epsilon_corrected
                                               ? rate / c1 * m / (sqrt(v) / sqrt(c2) + epsilon)
                                               : rate * sqrt(c2) / c1 * m / (sqrt(v) + epsilon));
    }
}

/* The cases of each optimiser: weights and state, twin, bound. */
/* clang-format off */
#define CASES_OF_sgd {"sgd", "m", "m", run_step, twin_sgd, 2, 4, 0, FNN_SGD, 0}
#define CASES_OF_momentum {"momentum", "m", "mm", run_step, twin_momentum, 3, 4, 0, FNN_MOMENTUM, 0}
#define CASES_OF_adagrad {"adagrad", "m", "mp", run_step, twin_adagrad, 4, 4, 0, FNN_ADAGRAD, 0}
#define CASES_OF_adadelta \
    {"adadelta", "m", "mpp", run_step, twin_adadelta, 4, 4, 0, FNN_ADADELTA, 0}
#define CASES_OF_rmsprop \
    {"rmsprop", "m", "mp", run_step, twin_rmsprop, 4, 4, 0, FNN_RMSPROP, 0}, \
    {"rmsprop momentum", "m", "mpm", run_step, twin_rmsprop, 4, 4, 0, FNN_RMSPROP, 0}
#define CASES_OF_adam {"adam", "m", "mmp", run_step, twin_adam, 4, 4, 0, FNN_ADAM, 0}
/* clang-format on */
#define OPTIMISER_CASES(name, word, ...) CASES_OF_##word,

static void optimisers(void)
{
    static const test_case cases[] = {FNN_OPTIMIZER_LIST(OPTIMISER_CASES)};
    static const fnn_real rates[] = {(fnn_real).05, (fnn_real).3};
    const int variants = getenv("TEST_QUICK") ? 4 : 16;
    size_t i;
    int v;
    for (v = 0; v < variants; v++) {
        memset(&step, 0, sizeof step);
        step.rate = rates[v & 1];
        step.gradient_scale = v & 2 ? (fnn_real).5 : 1;
        step.momentum = (fnn_real).9;
        step.dampening = v & 4 ? (fnn_real).2 : 0;
        step.rho = (fnn_real).9;
        step.beta1 = (fnn_real).9;
        step.beta2 = (fnn_real).999;
        step.correction1 = 1 - (fnn_real).9 * (fnn_real).9;
        step.correction2 = 1 - (fnn_real).999 * (fnn_real).999;
        step.epsilon = (fnn_real)1e-3;
        if (v % 4 > 0) {
            step.l2 = (fnn_real).01;
            step.decay = (fnn_real).1;
        }
        if (v % 4 > 1) {
            step.clip = (fnn_real).8;
            step.l1 = (fnn_real).02;
        }
        step.clip_penalty = v % 4 == 3;
        step.nesterov = v >> 1 & 1;
        step.epsilon_inside = v >> 2 & 1;
        step.rate_inside = v >> 3 & 1;
        step.epsilon_corrected = (v ^ v >> 1) & 1;
        for (i = 0; i < sizeof cases / sizeof cases[0]; i++) run_case(&cases[i], 1);
    }
    memset(&step, 0, sizeof step);
}

/* ---- dropout ---- */
static uint64_t dropout_key, dropout_offset;
static uint32_t naive_hash(uint64_t key, uint64_t counter)
{
    uint64_t k = key + (counter >> 32) * 0xd1342543de82ef95u + 0x9e3779b97f4a7c15u;
    uint32_t x;
    k = (k ^ (k >> 30)) * 0xbf58476d1ce4e5b9u;
    k = (k ^ (k >> 27)) * 0x94d049bb133111ebu;
    k ^= k >> 31;
    x = (uint32_t)counter ^ (uint32_t)k;
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) + (uint32_t)(k >> 32);
    x = (x ^ x >> 16) * 0x846ca68bu;
    return x ^ x >> 16;
}
RUN(run_dropout)
{
    k->dropout(rows * n, dropout_key, dropout_offset, now->parameter, REAL(in[0]), REAL(out[0]));
}
TWIN(twin_dropout)
{
    const double rate = (double)now->parameter;
    ptrdiff_t i;
    EACH out[0][i] = naive_hash(dropout_key, dropout_offset + (uint64_t)i) >= rate * 4294967296.0
                         ? in[0][i] / (1 - rate)
                         : 0;
}

static void dropout(void)
{
    static const fnn_real rates[] = {0, (fnn_real).1, (fnn_real).5, (fnn_real).9};
    static const uint64_t offsets[] = {0, 1, 4294967296u - 30, 77 * (uint64_t)4294967296u - 64};
    size_t i;
    for (i = 0; i < 16; i++) {
        test_case c = {"dropout", "m", "m", run_dropout, twin_dropout, 2, 0, 1, 0, 0};
        c.parameter = rates[i % 4];
        dropout_offset = offsets[i / 4];
        dropout_key = 0x123456789abcdefu * (i + 1);
        run_case(&c, 1);
    }
}

/* Counts within five standard deviations: of kept units, and of units kept together with the
 * one at a distance, under the next key, and under a key that differs in one bit. */
static void dropout_is_fair(void)
{
    enum { N = 1 << 18 };
    static fnn_real x[N], kept[2][N];
    static const int distances[] = {1, 2, 3, 8, 10, 64, 128, 784, 1024, 65536};
    const fnni_kernels *k = fnni_kernels_for(fnni_best_isa());
    int r, bit, d, i;
    k->fill(N, 1, x);
    for (r = 1; r < 10; r += 2) {
        const double p = 1 - (double)(fnn_real)(r / 10.0), p2 = p * p;
        const double bound = 5 * sqrt(N * p * (1 - p)), bound2 = 5 * sqrt(N * p2 * (1 - p2));
        double count = 0;
        k->dropout(N, 42, 0, (fnn_real)(r / 10.0), x, kept[0]);
        for (i = 0; i < N; i++) count += kept[0][i] > 0;
        CHECKF(fabs(count - N * p) < bound, "rate .%d keeps %g", r, count / N);
        for (d = 0; d < 10; d++) {
            for (count = 0, i = 0; i < N; i++)
                count += kept[0][i] > 0 && kept[0][(i + distances[d]) % N] > 0;
            CHECKF(fabs(count - N * p2) < bound2, "rate .%d distance %d: %g, not %g", r,
                   distances[d], count / N, p2);
        }
        for (bit = 0; bit < 65; bit += 4) {
            k->dropout(N, bit < 64 ? 42 ^ (uint64_t)1 << bit : 43, 0, (fnn_real)(r / 10.0), x,
                       kept[1]);
            for (count = 0, i = 0; i < N; i++) count += kept[0][i] > 0 && kept[1][i] > 0;
            CHECKF(fabs(count - N * p2) < bound2, "rate .%d key bit %d: %g, not %g", r, bit,
                   count / N, p2);
        }
    }
    k->dropout(N, 42, 0, 1, x, kept[0]);
    for (i = 0; i < N; i++) CHECK(kept[0][i] == 0);
}

/* ---- numbers that are none ---- */
#define SPECIALS 9
static const char *const special_names[SPECIALS] = {"NaN",  "inf",   "-inf", "0",   "-0",
                                                    "tiny", "-tiny", "max",  "-max"};
static fnn_real special(int i)
{
    const fnn_real tiny = (fnn_real)(sizeof(fnn_real) == 4 ? 1e-45 : 5e-324);
    const fnn_real max = (fnn_real)(sizeof(fnn_real) == 4 ? (double)FLT_MAX : DBL_MAX);
    const fnn_real list[SPECIALS] = {
        (fnn_real)NAN, (fnn_real)INFINITY, (fnn_real)-INFINITY, 0, (fnn_real)-0.0, tiny, -tiny, max,
        -max};
    return list[i];
}

/* What a function with the parameter 1/2 makes of x must be what its twin does: to the bit where
 * that is a half of an integer, such as 0, 1 and infinity, and a tiny number off where x is one. A
 * zero's sign counts where f is exact or odd. */
static int is_right(int kind, fnn_real x, fnn_real y)
{
    const activation_twin *t = twin_of(kind);
    const double want = (double)(fnn_real)t->f((double)x, .5), error = (double)y - want;
    const double tiny = (double)special(5), bound = twin_bound(kind);
    if (want != want || y != y) return want != want && y != y;
    if (want == 0 && x == 0 && (bound == 0 || t->bottom == -t->top))
        return (double)y == want && !signbit(want) == !signbit(y);
    if ((double)y == want) return 1;
    if (bound > 0 && fabs((double)x) <= tiny && fabs(error) <= tiny) return 1;
    return floor(2 * want) != 2 * want && fabs(error) <= bound * EPSILON * fabs(want);
}

static void specials(void)
{
    static fnn_real x[LARGEST], y[LARGEST];
    int isa, kind, s, at, i;
    for (isa = 1; isa < FNN_ISA_COUNT; isa++)
        for (kind = 0; kind < FNNI_MAP_COUNT && fnn_isa_available((fnn_isa)isa); kind++)
            for (s = 0; twin_of(kind)->f && s < SPECIALS; s++)
                for (at = 0; at < LARGEST; at++) {
                    const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
                    for (i = 0; i < LARGEST; i++) x[i] = 1;
                    x[at] = special(s);
                    k->activation((unsigned)kind, (fnn_real).5, LARGEST, x, y);
                    CHECKF(is_right(kind, x[at], y[at]), "%s: %s(%s) = %g, not %g",
                           fnn_isa_name((fnn_isa)isa), twin_word(kind), special_names[s],
                           (double)y[at], twin_of(kind)->f((double)x[at], .5));
                    for (i = 0; i < LARGEST; i++)
                        CHECKF(i == at || y[i] == y[(at + 1) % LARGEST], "a neighbour changed");
                }
    CHECK(is_right(FNN_TANH, (fnn_real)INFINITY, 1) && is_right(FNN_RELU, -1, 0));
    CHECK(!is_right(FNN_TANH, (fnn_real)INFINITY, 1 - (fnn_real)EPSILON / 2));
    CHECK(!is_right(FNN_RELU, (fnn_real)NAN, 0) && !is_right(FNN_RELU, 0, (fnn_real)-0.0));
    CHECK(!is_right(FNN_SIGMOID, 1, (fnn_real).7311));
}

/* The twins themselves: of which sort they are, their limits, a NaN; the slope against differences
 * of f, and that nothing jumps but at their kinks. */
static void check_slope(int kind, double x)
{
    const activation_twin *t = twin_of(kind);
    const double h = 1e-5, found = (t->f(x + h, .5) - t->f(x - h, .5)) / (2 * h);
    CHECKF(fabs(found - t->slope(x, .5)) < 1e-8, "%s at %g: %g, not %g", twin_word(kind), x,
           t->slope(x, .5), found);
    CHECKF(fabs(t->slope(x + h, .5) - t->slope(x - h, .5)) < 4 * h, "%s jumps at %g",
           twin_word(kind), x);
}

static void twins(void)
{
    int kind, i;
    for (kind = 0; kind < FNNI_MAP_COUNT; kind++) {
        const activation_twin *t = twin_of(kind);
        const int rowwise =
            kind < FNN_ACTIVATION_COUNT && fnni_activation_has((fnn_activation)kind, FNNI_ROWWISE);
        CHECKF((t->f == NULL) == rowwise && (t->row != NULL) == rowwise, "%s", twin_word(kind));
        if (rowwise) continue;
        CHECKF(t->f(HUGE_VAL, 1) == t->top, "%s", twin_word(kind));
        CHECKF(t->f(-HUGE_VAL, 1) == t->bottom || t->bottom != t->bottom, "%s", twin_word(kind));
        CHECKF(t->f((double)NAN, .5) != t->f((double)NAN, .5), "%s", twin_word(kind));
        for (i = -800; t->slope && i <= 800; i++) /* 3e-5 past each hundredth: no kink is there */
            check_slope(kind, i / 100.0 + 3e-5);
        for (i = 0; i < t->kinks; i++) /* and on both sides of each */
            check_slope(kind, t->kink[i] - 2e-5), check_slope(kind, t->kink[i] + 2e-5);
    }
}

/* A NaN, an infinity anywhere in a row, and what it makes of the rest. */
static void special_rows(void)
{
    static fnn_real x[LARGEST], y[LARGEST], g[LARGEST], t[LARGEST], loss;
    int isa, n, at, i;
    for (isa = 1; isa < FNN_ISA_COUNT; isa++)
        for (n = 1; n <= LARGEST && fnn_isa_available((fnn_isa)isa); n += 3)
            for (at = 0; at < n; at++) {
                const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
                const int32_t label = at, other = (at + 1) % n;
                for (i = 0; i < n; i++) x[i] = (fnn_real)(i % 5), t[i] = i == (at + 1) % n;
                x[at] = (fnn_real)NAN;
                k->softmax(1, n, x, y);
                for (i = 0; i < n; i++) CHECK(y[i] != y[i]);
                CHECK(k->sum(n, x) != k->sum(n, x));
                k->softmax_cross_entropy(1, n, x, &label, NULL, 0, 1, &loss, g);
                CHECK(loss != loss && g[0] != g[0]);
                x[at] = (fnn_real)INFINITY;
                k->softmax(1, n, x, y);
                CHECK(y[at] != y[at]);
                x[at] = (fnn_real)-INFINITY;
                k->softmax(1, n, x, y);
                CHECK(n == 1 ? y[at] != y[at] : y[at] == 0);
                if (n == 1) continue;
                k->softmax_cross_entropy(1, n, x, &label, NULL, 0, 1, &loss, g);
                CHECK(loss == (fnn_real)INFINITY && g[at] == -1);
                k->softmax_cross_entropy(1, n, x, &other, NULL, 0, 1, &loss, g);
                CHECK(loss >= 0 && loss < 10 && g[at] == 0);
                k->softmax_cross_entropy(1, n, x, NULL, t, 0, 1, &loss, g); /* 0 log 0 is 0 */
                CHECK(loss >= 0 && loss < 10 && g[at] == 0);
            }
}

/* Logits of any size: neither overflow nor loss of the row's sum. */
static void large_logits(void)
{
    static const fnn_real x[10] = {(fnn_real)3e38, (fnn_real)-3e38, 1000, -1000, 0, 1, 2, 3, 4, 5};
    const int32_t label = 1;
    fnn_real y[10], loss;
    int isa;
    for (isa = 1; isa < FNN_ISA_COUNT; isa++) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        k->softmax(1, 10, x, y);
        CHECK(y[0] == 1 && y[1] == 0 && y[9] == 0);
        k->softmax(1, 9, x + 1, y);
        CHECK(y[1] == 1 && y[0] == 0);
        k->softmax_cross_entropy(1, 9, x + 1, &label, NULL, 0, 1, &loss, y);
        CHECK(loss == 0 && y[1] == 0);
    }
}

/* ---- Winograd's transforms ----
 * Each takes numbers (size,size) of n channels at `from` to others (rows,rows) at `to`,
 * y = L x L^T, between guards; what lies between the numbers is NaN where it is read, canaries
 * where it is written. */
typedef struct tile_run {
    const struct tile_case *kernel;
    ptrdiff_t n, from[POSITIONS], to[POSITIONS]; /* reals from x, and from y, to each number */
    size_t in_count, out_count;
    ptrdiff_t steps[3]; /* what the kernel gets of where numbers lie, with gaps */
    int rows, columns;  /* of the result that are wanted */
    fnn_real *x, *y, *bias, *zeros;
} tile_run;

typedef struct tile_case {
    const char *name;
    const winograd_matrix *matrix;
    int how, roundings; /* that a product goes through at most (tests/test_conv.c) */
    void (*run)(const fnni_kernels *k, const tile_run *t);
} tile_case;

static int tile_size(const tile_case *c)
{
    return c->how & TRANSPOSED ? c->matrix->rows : c->matrix->columns;
}

static int tile_rows(const tile_case *c)
{
    return c->how & TRANSPOSED ? c->matrix->columns : c->matrix->rows;
}

static void tile_pixels(const tile_run *t, const fnn_real **pixels)
{
    const int size = tile_size(t->kernel);
    int p;
    for (p = 0; p < size * size; p++) pixels[p] = t->from[p] < 0 ? t->zeros : t->x + t->from[p];
}

static void run_winograd_input(const fnni_kernels *k, const tile_run *t)
{
    const fnn_real *pixels[POSITIONS];
    tile_pixels(t, pixels);
    k->winograd_input(t->n, pixels, t->y, t->steps[0]);
}

static void run_winograd_delta(const fnni_kernels *k, const tile_run *t)
{
    const fnn_real *pixels[POSITIONS];
    tile_pixels(t, pixels);
    k->winograd_delta(t->n, pixels, t->y, t->steps[0]);
}

static void run_winograd_weights(const fnni_kernels *k, const tile_run *t)
{
    k->winograd_weights(t->n, t->x + t->from[0], t->steps[1], t->steps[2], t->y, t->steps[0]);
}

static void run_winograd_output(const fnni_kernels *k, const tile_run *t)
{
    k->winograd_output(t->n, t->x, t->steps[0], t->bias, t->rows, t->columns, t->y, t->steps[1],
                       t->steps[2]);
}

static void run_winograd_gradient(const fnni_kernels *k, const tile_run *t)
{
    k->winograd_gradient(t->n, t->x, t->steps[0], t->y, t->steps[1]);
}

enum { INPUT_TILE, DELTA_TILE, WEIGHTS_TILE, OUTPUT_TILE, GRADIENT_TILE, TILE_CASES };
static const tile_case tile_cases[TILE_CASES] = {
    {"winograd_input", &winograd_b, AS_IT_STANDS, 4, run_winograd_input},
    {"winograd_delta", &winograd_a, TRANSPOSED, 4, run_winograd_delta},
    {"winograd_weights", &winograd_g, AS_IT_STANDS, 8, run_winograd_weights},
    {"winograd_output", &winograd_a, AS_IT_STANDS, 7, run_winograd_output},
    {"winograd_gradient", &winograd_g, TRANSPOSED, 8, run_winograd_gradient}};

/* Numbers (rows,columns) so far apart; `variant` chooses how far, and whether the last comes first.
 * Returns the reals from the first to the end of the last. */
static size_t tile_grid(int rows, int columns, ptrdiff_t n, ptrdiff_t row, ptrdiff_t column,
                        ptrdiff_t *at)
{
    const ptrdiff_t whole = (rows - 1) * row + (columns - 1) * column;
    int p;
    for (p = 0; p < rows * columns; p++)
        at[p] = p / columns * row + p % columns * column - (whole < 0 ? whole : 0);
    return (size_t)((whole < 0 ? -whole : whole) + n);
}

/* Where numbers lie: read by pointers in any order, some of them zeros that they share; or by
 * steps, kernels also turned round. */
static void tile_layout(tile_run *t, int variant)
{
    const tile_case *c = t->kernel;
    const int size = tile_size(c), rows = tile_rows(c), turned = variant % 2 ? -1 : 1;
    const ptrdiff_t n = t->n, gap = n + variant % 3 * 5;
    int p;
    t->rows = t->columns = rows;
    t->steps[0] = gap;
    t->in_count = tile_grid(size, size, n, size * gap, gap, t->from);
    t->out_count = tile_grid(rows, rows, n, rows * gap, gap, t->to);
    if (c->run == run_winograd_weights) {
        t->steps[2] = turned * gap;
        t->steps[1] = turned * (size * gap + variant % 4);
        t->in_count = tile_grid(size, size, n, t->steps[1], t->steps[2], t->from);
    } else if (c->run == run_winograd_output) {
        t->rows = 1 + variant % TILE;
        t->columns = 1 + variant / TILE % TILE;
        t->steps[2] = n + variant % 5 * 7;
        t->steps[1] = TILE * t->steps[2] + variant % 2 * 3;
        tile_grid(rows, rows, n, t->steps[1], t->steps[2], t->to);
        t->out_count = (size_t)((t->rows - 1) * t->steps[1] + (t->columns - 1) * t->steps[2] + n);
    } else if (c->run == run_winograd_gradient) {
        t->steps[1] = n + variant % 4 * 3;
        t->out_count = tile_grid(rows, rows, n, rows * t->steps[1], t->steps[1], t->to);
    } else
        for (p = 0; p < size * size; p++)
            t->from[p] = (p + variant) % 7 == 6 ? -1 : (p + variant) % (size * size) * gap;
}

static void tile_fill(tile_run *t)
{
    const int size = tile_size(t->kernel);
    ptrdiff_t i;
    int p;
    fill_nan(t->x, t->in_count);
    for (p = 0; p < size * size; p++)
        for (i = 0; i < t->n && t->from[p] >= 0; i++)
            t->x[t->from[p] + i] = (fnn_real)uniform(-3, 3);
    for (i = 0; i < t->n; i++) t->bias[i] = (fnn_real)uniform(-3, 3), t->zeros[i] = 0;
}

/* The wanted numbers of one channel against the twin; *most is the largest error, in bounds. */
static void tile_compare(const tile_run *t, ptrdiff_t channel, double *most)
{
    const tile_case *c = t->kernel;
    const int size = tile_size(c), rows = tile_rows(c);
    const wide n = c->roundings * (wide)UNIT, bound = WIDE_SLACK * n / (1 - n);
    wide x[POSITIONS], truth[POSITIONS], absolute[POSITIONS];
    int p;
    for (p = 0; p < size * size; p++) x[p] = t->from[p] < 0 ? 0 : (wide)t->x[t->from[p] + channel];
    winograd_transform(c->matrix, c->how, x, truth);
    for (p = 0; p < size * size; p++) x[p] = x[p] < 0 ? -x[p] : x[p];
    winograd_transform(c->matrix, c->how | ABSOLUTE, x, absolute);
    for (p = 0; p < rows * rows; p++) {
        const wide bias = c->run == run_winograd_output ? (wide)t->bias[channel] : 0;
        const wide allowed = bound * (absolute[p] + (bias < 0 ? -bias : bias)) + (wide)1e-30;
        wide error;
        if (p / rows >= t->rows || p % rows >= t->columns) continue;
        error = (wide)t->y[t->to[p] + channel] - truth[p] - bias;
        error = (error < 0 ? -error : error) / allowed;
        if (!(error <= (wide)*most)) *most = (double)error; /* a NaN too */
    }
}

/* Whether what lies between the wanted numbers is as it was. */
static int tile_gaps_stand(const tile_run *t)
{
    static unsigned char mine[POSITIONS * (LARGEST + 40)];
    const int rows = tile_rows(t->kernel);
    size_t i, changed = 0;
    int p;
    memset(mine, 0, sizeof mine);
    for (p = 0; p < rows * rows; p++)
        if (p / rows < t->rows && p % rows < t->columns) memset(mine + t->to[p], 1, (size_t)t->n);
    for (i = 0; i < t->out_count; i++)
        if (!mine[i])
            changed += !guarded_is_canaries((const unsigned char *)(t->y + i), sizeof *t->y);
    return changed == 0;
}

static void tile_once(const fnni_kernels *k, const tile_case *c, int n, int placement, int variant)
{
    const size_t size = sizeof(fnn_real), channels = (size_t)n;
    double most = 0;
    ptrdiff_t i;
    tile_run t;
    memset(&t, 0, sizeof t);
    t.kernel = c;
    t.n = n;
    tile_layout(&t, variant);
    t.x = (fnn_real *)guarded_place(0, size, t.in_count, placement);
    t.y = (fnn_real *)guarded_place(1, size, t.out_count, placement);
    t.bias = (fnn_real *)guarded_place(2, size, channels, placement);
    t.zeros = (fnn_real *)guarded_place(3, size, channels, placement);
    tile_fill(&t);
    c->run(k, &t);
    for (i = 0; i < n; i++) tile_compare(&t, i, &most);
    CHECKF(most <= 1, "%s %s n %d placement %d variant %d: errs by %g of the bound", c->name,
           fnn_isa_name(k->isa), n, placement, variant, most);
    CHECKF(tile_gaps_stand(&t) && guarded_untouched(0, t.x, t.in_count * size) &&
               guarded_untouched(1, t.y, t.out_count * size) &&
               guarded_untouched(2, t.bias, channels * size) &&
               guarded_untouched(3, t.zeros, channels * size),
           "%s %s n %d placement %d variant %d: wrote beside its numbers", c->name,
           fnn_isa_name(k->isa), n, placement, variant);
    if (most > worst_seen) worst_seen = most;
}

static void tile_space(void)
{
    guarded_open(POSITIONS * (LARGEST + 40) * sizeof(fnn_real) + 512);
}

static void winograd_tiles(void)
{
    int kind, isa, n, placement;
    tile_space();
    for (kind = 0; kind < TILE_CASES; kind++) {
        worst_seen = 0;
        for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT && harness_wrong < 10; isa++) {
            const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
            if (!fnn_isa_available((fnn_isa)isa)) continue;
            for (n = FNNI_SUM_LANES; n <= LARGEST; n++)
                for (placement = 0; placement < GUARDED_PLACEMENTS; placement++) {
                    if (QUICK() && placement > 1 && (n + placement) % 8) continue;
                    tile_once(k, &tile_cases[kind], n, placement, 5 * n + placement);
                }
        }
        if (getenv("TEST_VERBOSE"))
            printf("  %-28s largest error %.2f of the bound\n", tile_cases[kind].name, worst_seen);
    }
}

/* The pool of a tile's outputs is what max_pool makes of them, NaN and ties included; what is not
 * wanted, and what lies between, is as it was. */
static void winograd_pool_once(const fnni_kernels *k, ptrdiff_t n, int rows, int columns,
                               int indexed)
{
    enum { GAP = 5, MOST = LARGEST + GAP, PLACES = 4 };
    static fnn_real m[POSITIONS * MOST], whole[TILE * TILE * LARGEST], bias[LARGEST];
    static fnn_real y[PLACES * MOST], truth[PLACES * LARGEST];
    static uint8_t index[PLACES * MOST], places[PLACES * LARGEST];
    const ptrdiff_t apart = n + GAP;
    fnn_window w;
    ptrdiff_t i;
    int p, wrong = 0;
    for (i = 0; i < POSITIONS * apart; i++)
        m[i] = below(90) ? (fnn_real)((int)below(5) - 2) : (fnn_real)NAN;
    for (i = 0; i < n; i++) bias[i] = (fnn_real)((int)below(3) - 1);
    for (i = 0; i < PLACES * apart; i++) y[i] = 77, index[i] = 77;
    CHECK(!fnn_window_make(TILE, TILE, (int)n, 2, 2, 2, 2, FNN_VALID, &w));
    k->winograd_output(n, m, apart, bias, TILE, TILE, whole, TILE * n, n);
    k->max_pool(&w, whole, truth, places);
    k->winograd_pool(n, m, apart, bias, rows, columns, y, indexed ? index : NULL, 2 * apart, apart);
    for (p = 0; p < PLACES; p++)
        for (i = 0; i < apart; i++) {
            const int wanted = p / 2 < rows && p % 2 < columns && i < n;
            const fnn_real value = wanted ? truth[p * n + i] : 77;
            const int place = wanted && indexed ? places[p * n + i] : 77;
            const fnn_real found = y[p * apart + i];
            wrong += !(found == value || (found != found && value != value)) ||
                     index[p * apart + i] != place;
        }
    CHECKF(wrong == 0, "%s n %d, %d x %d, indexed %d: %d wrong", fnn_isa_name(k->isa), (int)n, rows,
           columns, indexed, wrong);
}

static void winograd_pools(void)
{
    int isa, n, i;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        for (n = FNNI_SUM_LANES; n <= LARGEST; n++)
            for (i = 0; i < 8; i++) winograd_pool_once(k, n, 1 + i % 2, 1 + i / 2 % 2, i / 4);
    }
}

/* Channels with a one each in another place of a patch and zeros otherwise, under a kernel with a
 * one: a one in the output at their distance. And the gradient: where output and patch have one,
 * the kernel's has one at their distance. */
#define IMPULSES POSITIONS
typedef struct impulses {
    fnn_real d[POSITIONS][IMPULSES], v[POSITIONS][IMPULSES], u[POSITIONS][IMPULSES];
    fnn_real y[TILE * TILE][IMPULSES], w[9][IMPULSES], none[IMPULSES];
} impulses;

static void impulse_patches(const fnni_kernels *k, impulses *a)
{
    const fnn_real *pixels[POSITIONS];
    int p;
    memset(a, 0, sizeof *a);
    for (p = 0; p < POSITIONS; p++) pixels[p] = a->d[p], a->d[p][p] = 1;
    k->winograd_input(IMPULSES, pixels, a->v[0], IMPULSES);
}

static void multiply_positions(impulses *a)
{
    int p, c;
    for (p = 0; p < POSITIONS; p++)
        for (c = 0; c < IMPULSES; c++) a->u[p][c] *= a->v[p][c];
}

/* How far apart numbers (size,size) are from a one where the patch's place is that of the one at
 * (row, column) away from it. */
static double distance(const fnn_real (*x)[IMPULSES], int size, int row, int column)
{
    double most = 0;
    int p, c;
    for (p = 0; p < size * size; p++)
        for (c = 0; c < IMPULSES; c++) {
            const int met = c / PATCH == p / size + row && c % PATCH == p % size + column;
            const double error = fabs((double)x[p][c] - met);
            if (!(error <= most)) most = error;
        }
    return most;
}

/* Some hundred times a product's rounding, as the bound of tests/test_conv.c has it. */
#define IMPULSE_ERROR (512 * UNIT)

static double worst_forward(const fnni_kernels *k)
{
    static impulses a;
    double most = 0;
    int tap, c;
    for (tap = 0; tap < 9; tap++) {
        double error;
        impulse_patches(k, &a);
        for (c = 0; c < IMPULSES; c++) a.w[tap][c] = 1;
        k->winograd_weights(IMPULSES, a.w[0], 3 * IMPULSES, IMPULSES, a.u[0], IMPULSES);
        multiply_positions(&a);
        k->winograd_output(IMPULSES, a.u[0], IMPULSES, a.none, TILE, TILE, a.y[0], TILE * IMPULSES,
                           IMPULSES);
        error = distance((const fnn_real(*)[IMPULSES])a.y, TILE, tap / 3, tap % 3);
        if (!(error <= most)) most = error;
    }
    return most;
}

static double worst_gradient(const fnni_kernels *k)
{
    static impulses a;
    const fnn_real *pixels[TILE * TILE];
    double most = 0;
    int at, p, c;
    for (at = 0; at < TILE * TILE; at++) {
        double error;
        impulse_patches(k, &a);
        for (p = 0; p < TILE * TILE; p++) pixels[p] = a.y[p];
        for (c = 0; c < IMPULSES; c++) a.y[at][c] = 1;
        k->winograd_delta(IMPULSES, pixels, a.u[0], IMPULSES);
        multiply_positions(&a);
        k->winograd_gradient(IMPULSES, a.u[0], IMPULSES, a.w[0], IMPULSES);
        error = distance((const fnn_real(*)[IMPULSES])a.w, 3, at / TILE, at % TILE);
        if (!(error <= most)) most = error;
    }
    return most;
}

static void winograd_identity(void)
{
    int isa;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        CHECKF(worst_forward(k) < IMPULSE_ERROR, "%s: an impulse errs by %g", fnn_isa_name(k->isa),
               worst_forward(k));
        CHECKF(worst_gradient(k) < IMPULSE_ERROR, "%s: an impulse's gradient errs by %g",
               fnn_isa_name(k->isa), worst_gradient(k));
    }
}

/* ---- the public calls ---- */
static void public_calls(void)
{
    fnn_context *context = fnn_context_create(NULL, NULL);
    fnn_context *contexts[2];
    fnn_real x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8], z;
    const fnn_real shift = 1, scale = 2;
    const uint8_t bytes[3] = {0, 1, 255};
    int32_t labels[2] = {0, 3};
    int i;
    contexts[0] = NULL;
    contexts[1] = context;
    for (i = 0; i < 2; i++) {
        fnn_context *c = contexts[i];
        CHECK(fnn_exp(c, 8, x, y) == FNN_OK && y[0] > 2 && y[7] > 2980);
        CHECK(fnn_log(c, 8, x, y) == FNN_OK && y[0] == 0);
        CHECK(fnn_tanh(c, 8, x, y) == FNN_OK && fnn_sigmoid(c, 8, x, y) == FNN_OK);
        CHECK(fnn_exp(c, 0, NULL, NULL) == FNN_OK);
        CHECK(fnn_exp(c, -1, x, y) == FNN_ERROR_ARGUMENT &&
              fnn_exp(c, 1, NULL, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_log(c, 1, x, NULL) == FNN_ERROR_ARGUMENT &&
              fnn_tanh(c, -1, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_sigmoid(c, -1, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_activation_forward(c, FNN_RELU, 0, 8, x, y) == FNN_OK && y[7] == 8);
        CHECK(fnn_activation_forward(c, FNN_SOFTMAX, 0, 8, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_activation_forward(c, (fnn_activation)-1, 0, 8, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_activation_backward(c, FNN_TANH, 0, 8, NULL, x, x, y) == FNN_OK);
        CHECK(fnn_activation_backward(c, FNN_GELU, 0, 8, x, NULL, x, y) == FNN_OK);
        CHECK(fnn_activation_backward(c, FNN_GELU, 0, 8, NULL, x, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_activation_backward(c, FNN_LEAKY_RELU, -1, 8, NULL, x, x, y) ==
              FNN_ERROR_ARGUMENT);
        CHECK(fnn_activation_backward(c, FNN_ELU, (fnn_real)NAN, 8, NULL, x, x, y) ==
              FNN_ERROR_ARGUMENT);
        CHECK(fnn_softmax(c, 2, 4, x, y) == FNN_OK && y[3] > y[2]);
        CHECK(fnn_softmax(c, 2, -4, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_softmax(c, PTRDIFF_MAX, PTRDIFF_MAX, x, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_softmax_cross_entropy(c, 2, 4, x, labels, NULL, 0, 1, y, NULL) == FNN_OK &&
              y[0] > y[1]);
        labels[1] = 4;
        CHECK(fnn_softmax_cross_entropy(c, 2, 4, x, labels, NULL, 0, 1, y, NULL) ==
              FNN_ERROR_ARGUMENT);
        labels[1] = -1;
        CHECK(fnn_softmax_cross_entropy(c, 2, 4, x, labels, NULL, 0, 1, y, NULL) ==
              FNN_ERROR_ARGUMENT);
        labels[1] = 3;
        CHECK(fnn_softmax_cross_entropy(c, 2, 4, x, NULL, NULL, 0, 1, y, NULL) ==
              FNN_ERROR_ARGUMENT);
        CHECK(fnn_softmax_cross_entropy(c, 2, 4, x, labels, NULL, (fnn_real)1.5, 1, y, NULL) ==
              FNN_ERROR_ARGUMENT);
        CHECK(fnn_sum(c, 8, x, &z) == FNN_OK && z == 36);
        CHECK(fnn_dot(c, 8, x, x, &z) == FNN_OK && z == 204);
        CHECK(!fnn_sum(c, 0, NULL, &z) && z == 0 && !fnn_dot(c, 0, NULL, NULL, &z) && z == 0);
        CHECK(fnn_sum(c, 8, x, NULL) == FNN_ERROR_ARGUMENT &&
              fnn_dot(c, 8, x, NULL, &z) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_from_bytes(c, 3, bytes, 0, &shift, &scale, y) == FNN_OK && y[0] == -2 &&
              y[2] == 508);
        CHECK(fnn_from_bytes(c, 3, bytes, 0, NULL, &scale, y) == FNN_ERROR_ARGUMENT);
        CHECK(fnn_dropout_apply(c, 8, 1, 0, 0, x, y) == FNN_OK && memcmp(x, y, sizeof x) == 0);
        CHECK(fnn_dropout_apply(c, 8, 1, 0, 2, x, y) == FNN_ERROR_ARGUMENT);
    }
    fnn_context_free(context);
}

/* ---- controls: what these tests are for must make them fail ---- */
static void broken_value(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    ptrdiff_t i;
    for (i = 0; i < n; i++) x[i] *= a;
    if (n > 60) x[n - 1] *= 1 + 4 * (fnn_real)EPSILON;
}
static void broken_write(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    ptrdiff_t i;
    for (i = 0; i < n; i++) x[i] *= a;
    x[n] = 0;
}
static void broken_read(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    volatile fnn_real beyond;
    ptrdiff_t i;
    for (i = 0; i < n; i++) x[i] *= a;
    beyond = x[n];
    (void)beyond;
}

/* How many checks fail with this scale kernel (they are not printed). */
static int failures_with(void (*scale)(ptrdiff_t n, fnn_real a, fnn_real *x), int placement)
{
    static const test_case c = {"scale", "", "m", run_scale, twin_scale, .5, 0, 0, 0, 0};
    fnni_kernels k = fnni_kernels_scalar;
    const int before = harness_wrong;
    int failures;
    if (scale) k.scale = scale;
    now = &c;
    harness_wrong = 1000;
    run_once(&k, 1, LARGEST, placement, -1);
    failures = harness_wrong - 1000;
    harness_wrong = before;
    return failures;
}

/* The same of a transform of patches. */
static fnn_real broken_by;
static void broken_tile(ptrdiff_t n, const fnn_real *const *pixels, fnn_real *v, ptrdiff_t apart)
{
    fnni_kernels_scalar.winograd_input(n, pixels, v, apart);
    v[7 * apart + n - 1] += broken_by;
}
static void broken_tile_gap(ptrdiff_t n, const fnn_real *const *pixels, fnn_real *v,
                            ptrdiff_t apart)
{
    fnni_kernels_scalar.winograd_input(n, pixels, v, apart);
    v[3 * apart + n] = 1;
}
static void broken_tile_read(ptrdiff_t n, const fnn_real *const *pixels, fnn_real *v,
                             ptrdiff_t apart)
{
    volatile fnn_real beyond;
    int p;
    fnni_kernels_scalar.winograd_input(n, pixels, v, apart);
    for (p = 0; p < POSITIONS; p++) beyond = pixels[p][n];
    (void)beyond;
}

static int failures_with_tile(void (*input)(ptrdiff_t n, const fnn_real *const *pixels, fnn_real *v,
                                            ptrdiff_t apart),
                              int variant)
{
    fnni_kernels k = fnni_kernels_scalar;
    const int before = harness_wrong;
    int failures;
    tile_space();
    if (input) k.winograd_input = input;
    harness_wrong = 1000;
    tile_once(&k, &tile_cases[INPUT_TILE], 19, 0, variant);
    failures = harness_wrong - 1000;
    harness_wrong = before;
    return failures;
}

static void run_broken_tile_read(void)
{
    failures_with_tile(broken_tile_read, 0);
}

static void broken_tiles(void)
{
    fnni_kernels k = fnni_kernels_scalar;
    const int before = harness_wrong;
    int stopped;
    CHECK(failures_with_tile(NULL, 1) == 0);
    broken_by = 1000 * (fnn_real)EPSILON;
    CHECK(failures_with_tile(broken_tile, 1) == 1);
    CHECK(failures_with_tile(broken_tile_gap, 1) == 1);
    stopped = guarded_stops(run_broken_tile_read);
    harness_wrong = before;
    CHECK(stopped);
    k.winograd_input = broken_tile;
    broken_by = 100000 * (fnn_real)EPSILON;
    CHECK(!(worst_forward(&k) < IMPULSE_ERROR) && !(worst_gradient(&k) < IMPULSE_ERROR));
}

static void run_broken_read(void)
{
    failures_with(broken_read, 0);
}

static void controls(void)
{
    int before, stopped;
    guarded_open(4096);
    CHECK(failures_with(NULL, 0) == 0 && failures_with(NULL, 5) == 0);
    CHECK(failures_with(broken_value, 5) == 1);
    CHECK(failures_with(broken_write, 5) == 1);
    before = harness_wrong;
    stopped = guarded_stops(run_broken_read);
    harness_wrong = before; /* the run that was stopped did not set it back */
    CHECK(stopped && guarded_notices());
    broken_tiles();
}

static const harness_test tests[] = {
    TEST(twins),          TEST(maps),
    TEST(backward),       TEST(bias_activation),
    TEST(softmax),        TEST(cross_entropy),
    TEST(vectors),        TEST(narrow_products),
    TEST(long_sums),      TEST(optimisers),
    TEST(dropout),        TEST(dropout_is_fair),
    TEST(specials),       TEST(special_rows),
    TEST(large_logits),   TEST(winograd_tiles),
    TEST(winograd_pools), TEST(winograd_identity),
    TEST(public_calls),   TEST(controls),
};
HARNESS_MAIN(tests)
