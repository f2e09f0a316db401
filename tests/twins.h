/* What each activation is, in double: a twin for every row of FNN_ACTIVATION_LIST, found by its
 * word, so that one without a twin does not compile. The tests of kernels, of gradients and of
 * special numbers have their formulas, kinks and bounds from here; a new activation needs nothing
 * else in the tests. Not every program needs all of it, hence the inlines. Include after
 * fmnist_nn.h. */
#ifndef TWINS_H
#define TWINS_H
#include <math.h>

typedef struct {
    double (*f)(double x, double a);     /* NaN for NaN; NULL for those of a whole row: */
    double (*slope)(double x, double a); /* f', at a kink the left one */
    void (*row)(ptrdiff_t n, const double *x, double *y);
    double top, bottom; /* f at +infinity and at -infinity, for a = 1 */
    int kinks;          /* points where f' or f'' jumps: no difference is taken across them */
    double kink[2];
    double ulp;         /* how far a float may be off, in units in its last place, */
    double ulp_double;  /* and a double of the double library */
    double slope_error; /* how far f' may be off, in epsilons of either */
} activation_twin;

/* ---- the activations ---- */

static inline double twin_linear_f(double x, double a)
{
    (void)a;
    return x;
}
static inline double twin_linear_slope(double x, double a)
{
    (void)x, (void)a;
    return 1;
}
static const activation_twin twin_linear = {
    .f = twin_linear_f, .slope = twin_linear_slope, .top = HUGE_VAL, .bottom = -HUGE_VAL};

static inline double twin_relu_f(double x, double a)
{
    const volatile double zero = 0; /* clang 14 would make f64.max of it, which gives 0 for -0 */
    (void)a;
    return x < 0 ? zero : x;
}
static inline double twin_relu_slope(double x, double a)
{
    (void)a;
    return x > 0;
}
static const activation_twin twin_relu = {
    .f = twin_relu_f, .slope = twin_relu_slope, .top = HUGE_VAL, .kinks = 1};

static inline double twin_leaky_relu_f(double x, double a)
{
    return x < 0 ? a * x : x;
}
static inline double twin_leaky_relu_slope(double x, double a)
{
    return x > 0 ? 1 : a;
}
static const activation_twin twin_leaky_relu = {.f = twin_leaky_relu_f,
                                                .slope = twin_leaky_relu_slope,
                                                .top = HUGE_VAL,
                                                .bottom = -HUGE_VAL,
                                                .kinks = 1,
                                                .ulp = .5,
                                                .ulp_double = .5,
                                                .slope_error = .5};

static inline double twin_elu_f(double x, double a)
{
    return x < 0 ? a * expm1(x) : x;
}
static inline double twin_elu_slope(double x, double a)
{
    return x > 0 ? 1 : a * exp(x);
}
static const activation_twin twin_elu = {.f = twin_elu_f,
                                         .slope = twin_elu_slope,
                                         .top = HUGE_VAL,
                                         .bottom = -1,
                                         .kinks = 1,
                                         .ulp = 2,
                                         .ulp_double = 3,
                                         .slope_error = 2};

/* In double library and twin alike the rounding of x / sqrt 2 costs x^2 / 2 units. */
static inline double twin_gelu_f(double x, double a)
{
    (void)a;
    return x < -40 ? 0 : x * 0.5 * erfc(-x / sqrt(2.0));
}
static inline double twin_gelu_slope(double x, double a)
{
    (void)a;
    return 0.5 * erfc(-x / sqrt(2.0)) + x * exp(-x * x / 2) * 0.39894228040143267794;
}
static const activation_twin twin_gelu = {.f = twin_gelu_f,
                                          .slope = twin_gelu_slope,
                                          .top = HUGE_VAL,
                                          .ulp = 8,
                                          .ulp_double = 40,
                                          .slope_error = 4};

static inline double twin_sigmoid_f(double x, double a)
{
    (void)a;
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static inline double twin_sigmoid_slope(double x, double a)
{
    return twin_sigmoid_f(x, a) * twin_sigmoid_f(-x, a);
}
static const activation_twin twin_sigmoid = {.f = twin_sigmoid_f,
                                             .slope = twin_sigmoid_slope,
                                             .top = 1,
                                             .ulp = 2,
                                             .ulp_double = 3,
                                             .slope_error = 1.5};

static inline double twin_tanh_f(double x, double a)
{
    (void)a;
    return tanh(x);
}
static inline double twin_tanh_slope(double x, double a)
{
    (void)a;
    return 1 / (cosh(x) * cosh(x));
}
static const activation_twin twin_tanh = {.f = twin_tanh_f,
                                          .slope = twin_tanh_slope,
                                          .top = 1,
                                          .bottom = -1,
                                          .ulp = 2,
                                          .ulp_double = 2,
                                          .slope_error = 4};

static inline void twin_softmax_row(ptrdiff_t n, const double *x, double *y)
{
    double largest = -HUGE_VAL, sum = 0;
    ptrdiff_t j;
    for (j = 0; j < n; j++) largest = x[j] > largest ? x[j] : largest;
    for (j = 0; j < n; j++) sum += y[j] = exp(x[j] - largest);
    for (j = 0; j < n; j++) y[j] /= sum;
}
static const activation_twin twin_softmax = {.row = twin_softmax_row};

/* ---- the kernels' other maps ---- */

static inline double twin_exp_f(double x, double a)
{
    (void)a;
    return exp(x);
}
static const activation_twin twin_exp = {
    .f = twin_exp_f, .top = HUGE_VAL, .ulp = 1, .ulp_double = 2};

static inline double twin_log_f(double x, double a)
{
    (void)a;
    return log(x);
}
static const activation_twin twin_log = {
    .f = twin_log_f, .top = HUGE_VAL, .bottom = (double)NAN, .ulp = 1, .ulp_double = 2};

/* ---- all of them, by their kind ---- */

/* The other maps have numbers of their own, where the kernels can be seen. */
#ifdef FNNI_MAP_LIST
#define TWIN_LIST(X) FNNI_MAP_LIST(X, X)
#else
#define TWIN_LIST(X) FNN_ACTIVATION_LIST(X, X)
#endif

static inline const activation_twin *twin_of(int kind)
{
#define TWIN_AT(name, word, a, traits) &twin_##word,
    static const activation_twin *const twins[] = {TWIN_LIST(TWIN_AT)};
    return twins[kind];
}

static inline const char *twin_word(int kind)
{
#define TWIN_WORD(name, word, a, traits) #word,
    static const char *const words[] = {TWIN_LIST(TWIN_WORD)};
    return words[kind];
}

/* The parameter where a call has none. */
static inline fnn_real twin_parameter(int kind)
{
#define TWIN_PARAMETER(name, word, a, traits) (fnn_real)(a),
    static const fnn_real parameters[] = {TWIN_LIST(TWIN_PARAMETER)};
    return parameters[kind];
}

/* How far a number of this library may be off, as a share of the true value in epsilons. */
static inline double twin_bound(int kind)
{
    return FNNI_REAL_IS_DOUBLE ? twin_of(kind)->ulp_double : twin_of(kind)->ulp;
}

/* The activations of single elements. */
#define FOR_EACH_ACTIVATION(kind)                       \
    for (kind = 0; kind < FNN_ACTIVATION_COUNT; kind++) \
        if (twin_of(kind)->f)

/* Whether x is within so much of a kink, but not on it: what is cut off or dropped lies there, and
 * stays there when a weight moves a little. */
static inline int twin_near_kink(int kind, double x, double margin)
{
    const activation_twin *t = twin_of(kind);
    int i;
    for (i = 0; i < t->kinks; i++)
        if (x != t->kink[i] && fabs(x - t->kink[i]) < margin) return 1;
    return 0;
}

/* By how much f' jumps at its kinks within so much of x. */
static inline double twin_jump(int kind, double a, double x, double margin)
{
    const activation_twin *t = twin_of(kind);
    double jump = 0;
    int i;
    for (i = 0; i < t->kinks; i++) {
        const double at = t->kink[i], step = 1e-9;
        if (fabs(x - at) > margin) continue;
        jump += fabs(t->slope(at + step, a) - t->slope(at - step, a));
    }
    return jump;
}

/* The largest |f'|, and the largest |f''| between kinks, found by a walk over them. */
static inline void twin_extremes(int kind, double a, double *slope, double *bend)
{
    const activation_twin *t = twin_of(kind);
    const double step = 1.0 / 64;
    int i, j;
    *slope = *bend = 0;
    for (i = -12 * 64; i < 12 * 64; i++) {
        const double x = i * step, left = t->slope(x, a), right = t->slope(x + step, a);
        int across = 0;
        for (j = 0; j < t->kinks; j++) across |= x <= t->kink[j] && t->kink[j] <= x + step;
        if (fabs(left) > *slope) *slope = fabs(left);
        if (!across && fabs(right - left) / step > *bend) *bend = fabs(right - left) / step;
    }
}
#endif
