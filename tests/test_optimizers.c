/* Every optimiser in both conventions, with every penalty and clip, over twenty steps against a
 * twin that is written from the papers and carries its own bound of the rounding errors; fit
 * against the opened step; and the defaults.
 *
 * The twin computes with pairs: a value in double, and how far the library's may be off, propagated
 * through each operation with one rounding of unit U per operation (Higham 2002, section 3.3). The
 * library may group an update otherwise (fused multiply-adds, constants worked out beforehand),
 * which costs at most as many roundings again: the bound is SLACK = 2 times what it carries. */
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"
#include <math.h>

#define U (FNNI_REAL_IS_DOUBLE ? 4.0 / 9007199254740992.0 : 1.0 / 16777216)
#define SLACK 2

enum { INPUTS = 11, UNITS = 3, WEIGHTS = INPUTS * UNITS, ALL = WEIGHTS + UNITS };
enum { STEPS = 20, ROWS = 8 };

/* ---- numbers with bounds ---- */

typedef struct {
    double v, e; /* the library's number lies within e of v */
} num;

static num rounded(double v, double e)
{
    num r;
    r.v = v;
    r.e = e + U * (fabs(v) + e);
    return r;
}

static num exact(fnn_real x)
{
    num r;
    r.v = (double)x;
    r.e = 0;
    return r;
}

static num add(num a, num b)
{
    return rounded(a.v + b.v, a.e + b.e);
}
static num sub(num a, num b)
{
    return rounded(a.v - b.v, a.e + b.e);
}
static num mul(num a, num b)
{
    return rounded(a.v * b.v, fabs(a.v) * b.e + fabs(b.v) * a.e + a.e * b.e);
}

static num quotient(num a, num b)
{
    return rounded(a.v / b.v, (a.e + fabs(a.v / b.v) * b.e) / (fabs(b.v) - b.e));
}

static num root(num a)
{
    const double low = a.v > a.e ? sqrt(a.v - a.e) : 0;
    return rounded(sqrt(a.v), a.e > 0 ? a.e / (sqrt(a.v) + low) : 0);
}

static num sign(num a)
{
    num r;
    r.v = a.v > 0 ? 1 : a.v < 0 ? -1 : 0;
    r.e = fabs(a.v) > a.e || (a.v == 0 && a.e == 0) ? 0 : 2;
    return r;
}

static num cut(num a, double most)
{
    a.v = a.v > most ? most : a.v < -most ? -most : a.v;
    return a;
}

/* ---- the twin ---- */

/* What may be wrong with a twin; each must be seen. */
typedef enum {
    NOTHING,
    OTHER_CONVENTION,
    RATE,
    MOMENTUM,
    RHO,
    BETA,
    LATE,
    START,
    NO_L1,
    NO_L2,
    NO_DECAY,
    NO_NESTEROV,
    BIASES_PENALISED,
    BIASES_SPARED,
    CLIP_AFTER_PENALTY,
    NO_NORM,
    FAULTS
} fault;

typedef struct {
    num w[ALL], s[ALL], d[ALL];
    int t;
    fault wrong;
} twin;

static fnn_real slightly(fnn_real x, int wrong)
{
    return wrong ? x * (fnn_real)1.001 : x;
}

static int penalised(const twin *w, const fnn_fit_config *c, int i)
{
    return i < WEIGHTS || w->wrong == BIASES_PENALISED ||
           (c->penalize_biases && w->wrong != BIASES_SPARED);
}

static num penalty(const twin *w, const fnn_fit_config *c, int i)
{
    num p = exact(0);
    if (!penalised(w, c, i)) return p;
    if (c->l2 > 0 && w->wrong != NO_L2) p = add(p, mul(exact(c->l2), w->w[i]));
    if (c->l1 > 0 && w->wrong != NO_L1) p = add(p, mul(exact(c->l1), sign(w->w[i])));
    return p;
}

/* Keras' root takes epsilon with it, PyTorch's does not. */
static num damped_root(const fnn_optimizer *o, num s)
{
    return o->pytorch ? add(root(s), exact(o->epsilon)) : root(add(s, exact(o->epsilon)));
}

/* rho s + (1 - rho) g^2 */
static num decayed(fnn_real rho, num s, num g)
{
    return add(mul(exact(rho), s), mul(sub(exact(1), exact(rho)), mul(g, g)));
}

/* ---- the optimisers: what each takes from weight i, whose gradient is g; state in s, d ---- */

static num update_sgd(twin *w, const fnn_optimizer *o, int i, num g)
{
    (void)w, (void)i;
    return mul(exact(o->learning_rate), g);
}

/* Polyak 1964 and Sutskever et al. 2013. Keras folds the rate into the velocity. */
static num moved(num *v, const fnn_optimizer *o, fault wrong, num g)
{
    const num mu = exact(slightly(o->momentum, wrong == MOMENTUM)), rate = exact(o->learning_rate);
    const int nesterov = o->nesterov && wrong != NO_NESTEROV;
    if (o->pytorch) {
        *v = add(mul(mu, *v), g);
        return mul(rate, nesterov ? add(g, mul(mu, *v)) : *v);
    }
    *v = add(mul(mu, *v), mul(rate, g));
    return nesterov ? add(mul(mu, *v), mul(rate, g)) : *v;
}
static num update_momentum(twin *w, const fnn_optimizer *o, int i, num g)
{
    return moved(w->s + i, o, w->wrong, g);
}

/* Duchi, Hazan, Singer 2011 */
static num update_adagrad(twin *w, const fnn_optimizer *o, int i, num g)
{
    w->s[i] = add(w->s[i], mul(g, g));
    return mul(exact(o->learning_rate), quotient(g, damped_root(o, w->s[i])));
}

/* Zeiler 2012, algorithm 1 */
static num update_adadelta(twin *w, const fnn_optimizer *o, int i, num g)
{
    const fnn_real rho = slightly(o->rho, w->wrong == RHO);
    const num epsilon = exact(o->epsilon);
    num u;
    w->s[i] = decayed(rho, w->s[i], g);
    u = mul(quotient(root(add(w->d[i], epsilon)), root(add(w->s[i], epsilon))), g);
    w->d[i] = decayed(rho, w->d[i], u);
    return mul(exact(o->learning_rate), u);
}

/* Tieleman and Hinton 2012 */
static num update_rmsprop(twin *w, const fnn_optimizer *o, int i, num g)
{
    num u;
    w->s[i] = decayed(slightly(o->rho, w->wrong == RHO), w->s[i], g);
    u = quotient(g, damped_root(o, w->s[i]));
    return o->momentum > 0 ? moved(w->d + i, o, w->wrong, u) : mul(exact(o->learning_rate), u);
}

/* Kingma and Ba 2015, algorithm 1; Keras' epsilon is the paper's "epsilon hat" of section 2. */
static num update_adam(twin *w, const fnn_optimizer *o, int i, num g)
{
    const fnn_real beta1 = slightly(o->beta1, w->wrong == BETA);
    const double steps = w->t + (w->wrong == LATE);
    const num c1 = rounded(1 - pow((double)beta1, steps), 0);
    const num c2 = rounded(1 - pow((double)o->beta2, steps), 0), rate = exact(o->learning_rate);
    num *m = w->s + i, *v = w->d + i;
    *m = add(mul(exact(beta1), *m), mul(sub(exact(1), exact(beta1)), g));
    *v = decayed(o->beta2, *v, g);
    if (o->pytorch)
        return mul(rate,
                   quotient(quotient(*m, c1), add(root(quotient(*v, c2)), exact(o->epsilon))));
    return quotient(mul(mul(rate, quotient(root(c2), c1)), *m), add(root(*v), exact(o->epsilon)));
}

/* The same for each of FNN_OPTIMIZER_LIST, and which faults of the twin it can show. */
typedef struct {
    num (*update)(twin *w, const fnn_optimizer *o, int i, num g);
    int conventions; /* Keras' and PyTorch's differ */
    int rho, betas, starts;
} method;
/* clang-format off */
static const method method_sgd =      {update_sgd,      0, 0, 0, 0};
static const method method_momentum = {update_momentum, 1, 0, 0, 0};
static const method method_adagrad =  {update_adagrad,  1, 0, 0, 1};
static const method method_adadelta = {update_adadelta, 0, 1, 0, 0};
static const method method_rmsprop =  {update_rmsprop,  1, 1, 0, 0};
static const method method_adam =     {update_adam,     1, 0, 1, 0};
/* clang-format on */
#define METHOD(name, word, ...) &method_##word,
static const method *const methods[] = {FNN_OPTIMIZER_LIST(METHOD)};

/* The library's norm is a sum of ALL squares, then a root. */
static num norm_scale(const fnn_fit_config *c, const fnn_real *gradients)
{
    double squares = 0;
    int i;
    for (i = 0; i < ALL; i++) squares += (double)gradients[i] * (double)gradients[i];
    squares = sqrt(squares);
    if (c->clip_norm <= 0 || squares <= (double)c->clip_norm) return exact(1);
    return rounded((double)c->clip_norm / squares, (ALL + 2) * U * (double)c->clip_norm / squares);
}

static void twin_step(twin *w, const fnn_fit_config *config, const fnn_real *gradients)
{
    fnn_fit_config c = *config;
    const num scale = w->wrong == NO_NORM ? exact(1) : norm_scale(&c, gradients);
    int i;
    if (w->wrong == OTHER_CONVENTION) c.optimizer.pytorch = !c.optimizer.pytorch;
    c.optimizer.learning_rate = slightly(c.optimizer.learning_rate, w->wrong == RATE);
    w->t++;
    for (i = 0; i < ALL; i++) {
        const int decays = penalised(w, &c, i) && w->wrong != NO_DECAY;
        const num rate = exact(c.optimizer.learning_rate), old = w->w[i];
        const num decay = decays ? exact(c.optimizer.weight_decay) : exact(0);
        num g = mul(scale, exact(gradients[i])), p = penalty(w, &c, i);
        if (w->wrong == CLIP_AFTER_PENALTY) g = add(g, p), p = exact(0);
        if (c.clip_value > 0) g = cut(g, (double)c.clip_value);
        g = methods[c.optimizer.kind]->update(w, &c.optimizer, i, add(g, p));
        w->w[i] = sub(sub(old, mul(mul(rate, decay), old)), g);
    }
}

/* ---- the trial ---- */

static fnn_real sample_inputs[ROWS * INPUTS], sample_targets[ROWS * UNITS];

static fnn_dataset make_data(void)
{
    fill_reals(sample_inputs, ROWS * INPUTS, 1, 1);
    fill_reals(sample_targets, ROWS * UNITS, 1, 2);
    return with_targets(table_of(sample_inputs, ROWS, INPUTS), sample_targets, UNITS);
}

static fnn_model *make_model(int isa)
{
    fnn_model *m = model_on((fnn_isa)isa, 1, 1, 1, INPUTS);
    fnn_dense(m, UNITS, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    return m;
}

/* Gradients of several sizes and both signs; one element's are 0 now and then, one's always, and so
 * is its weight: it must stay. All are larger than the penalties': where the two cancel, methods
 * that divide by the gradient's size do what its sign says, and no bound is narrow. */
static fnn_real gradient_at(int step, int i)
{
    const double x = 2 * sample_unit(9, (uint64_t)step, (uint64_t)i) - 1;
    const double size = i % 3 == 0 ? 0.06 : i % 3 == 1 ? 0.5 : 3;
    if (i == 4 || (i == 5 && step % 3)) return 0;
    return (fnn_real)((x < 0 ? x - 1 : x + 1) * size);
}

/* Twenty steps of library and twin with chosen gradients, the rate halved on the way. Returns the
 * largest error in bounds. */
static double trial(int isa, const fnn_fit_config *config, fault wrong)
{
    const fnn_dataset data = make_data();
    fnn_fit_config c = *config;
    fnn_model *m = make_model(isa);
    fnn_real *w = fnn_parameters(m, NULL), *g = fnn_gradients(m, NULL);
    double worst = 0;
    twin t;
    int step, i;
    memset(&t, 0, sizeof t);
    t.wrong = wrong;
    for (i = 0; i < ALL; i++) {
        w[i] = i == 4 || i == 7 ? 0 : (fnn_real)(2 * sample_unit(8, 1, (uint64_t)i) - 1);
        t.w[i] = exact(w[i]);
        if (methods[c.optimizer.kind]->starts && wrong != START) t.s[i] = exact(c.optimizer.start);
    }
    for (step = 0; step < STEPS; step++) {
        CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
        for (i = 0; i < ALL; i++) g[i] = gradient_at(step, i);
        if (step == STEPS / 2) c.optimizer.learning_rate /= 2;
        CHECK(!fnn_step(m, &c));
        twin_step(&t, &c, g);
        for (i = 0; i < ALL; i++) {
            const double error = fabs((double)w[i] - t.w[i].v), bound = SLACK * t.w[i].e;
            CHECKF(bound >= 0 && bound < 1e-2, "step %d, weight %d: bound %g", step, i, bound);
            if (!(error <= worst * bound)) /* a bound of 0 wants no error */
                worst = bound > 0 ? error / bound : 1e300;
        }
    }
    fnn_model_free(m);
    return worst;
}

typedef struct {
    const char *name;
    fnn_optimizer optimizer;
} named;

enum { OPTIMIZERS = 9 };

static named optimizer_at(int i, int pytorch, int large_epsilon)
{
    const double r = 0.05, mu = 0.9;
    const named all[OPTIMIZERS] = {{"sgd", fnn_sgd(r)},
                                   {"momentum", fnn_momentum(r, mu)},
                                   {"nesterov", fnn_nesterov(r, mu)},
                                   {"adagrad", fnn_adagrad(r)},
                                   {"adadelta", fnn_adadelta(1)},
                                   {"rmsprop", fnn_rmsprop(r)},
                                   {"adam", fnn_adam(r)},
                                   {"adamw", fnn_adamw(r, 0.3)},
                                   {"rmsprop with momentum", fnn_rmsprop(r)}};
    named n = all[i];
    if (pytorch) n.optimizer = fnn_pytorch(n.optimizer);
    if (i == 8) n.optimizer.momentum = (fnn_real)mu;
    if (large_epsilon) n.optimizer.epsilon = (fnn_real)0.03;
    return n;
}

/* What goes with the optimiser: 0 nothing, then each alone, then all, then on biases too. */
enum { OPTIONS = 8 };

static fnn_fit_config make_config(fnn_optimizer optimizer, int option)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = optimizer;
    c.shuffle = 0;
    if (option == 1 || option >= 6) c.l2 = (fnn_real)0.02;
    if (option == 2 || option >= 6) c.l1 = (fnn_real)0.01;
    if (option == 3 || option >= 6) c.clip_value = (fnn_real)0.3;
    if (option == 4 || option >= 6) c.clip_norm = 8;
    if (option >= 5) c.optimizer.weight_decay = (fnn_real)0.1;
    c.penalize_biases = option == 7;
    return c;
}

static void steps_match_the_papers(void)
{
    double most = 0;
    int isa, i, form, option, kind;
    for (kind = 0; kind < FNN_OPTIMIZER_COUNT; kind++) {
        for (i = 0; i < OPTIMIZERS && (int)optimizer_at(i, 0, 0).optimizer.kind != kind;) i++;
        CHECKF(i < OPTIMIZERS, "kind %d is not tried", kind);
    }
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        for (i = 0; fnn_isa_available((fnn_isa)isa) && i < OPTIMIZERS; i++)
            for (form = 0; form < 4; form++)
                for (option = 0; option < OPTIONS; option++) {
                    const named n = optimizer_at(i, form & 1, form >> 1);
                    const fnn_fit_config c = make_config(n.optimizer, option);
                    const double worst = trial(isa, &c, NOTHING);
                    CHECKF(worst <= 1, "%s, %s, form %d, option %d: %g bounds",
                           fnn_isa_name((fnn_isa)isa), n.name, form, option, worst);
                    most = worst > most ? worst : most;
                }
    printf("  at most %.2g of the bound\n", most);
}

/* ---- the twins, broken ---- */

/* Whether a fault shows. */
static int applies(fault wrong, const fnn_optimizer *o)
{
    const method *m = methods[o->kind];
    const int shows[FAULTS] = {[OTHER_CONVENTION] = m->conventions,
                               [RATE] = 1,
                               [MOMENTUM] = o->momentum > 0,
                               [RHO] = m->rho,
                               [BETA] = m->betas,
                               [LATE] = m->betas,
                               [START] = m->starts && o->start > 0,
                               [NO_L1] = 1,
                               [NO_L2] = 1,
                               [NO_DECAY] = 1,
                               [NO_NESTEROV] = o->nesterov,
                               [BIASES_PENALISED] = 1,
                               [BIASES_SPARED] = 1,
                               [CLIP_AFTER_PENALTY] = 1,
                               [NO_NORM] = 1};
    return shows[wrong];
}

/* With which options: faults of the optimiser show without any, the others where the option is. */
static const int options_of_fault[FAULTS] = {[NO_L1] = 2,         [NO_L2] = 1,
                                             [NO_DECAY] = 5,      [BIASES_PENALISED] = 1,
                                             [BIASES_SPARED] = 7, [CLIP_AFTER_PENALTY] = 6,
                                             [NO_NORM] = 4};

/* Epsilon is large, so that where it stands shows. */
static void broken_twins_are_caught(void)
{
    int i, pytorch, wrong, checked = 0;
    for (i = 0; i < OPTIMIZERS; i++)
        for (pytorch = 0; pytorch < 2; pytorch++)
            for (wrong = NOTHING + 1; wrong < FAULTS; wrong++) {
                const named n = optimizer_at(i, pytorch, 1);
                const fnn_fit_config c = make_config(n.optimizer, options_of_fault[wrong]);
                double worst;
                if (!applies((fault)wrong, &n.optimizer)) continue;
                worst = trial(FNN_ISA_BEST, &c, (fault)wrong);
                CHECKF(worst > 1, "%s, PyTorch %d, fault %d: %g bounds", n.name, pytorch, wrong,
                       worst);
                checked++;
            }
    CHECK(checked > 150);
}

/* ---- fit takes the same steps ---- */

static void fit_takes_the_same_steps(void)
{
    const fnn_dataset data = make_data();
    int isa, i, pytorch, option, step;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        for (i = 0; fnn_isa_available((fnn_isa)isa) && i < OPTIMIZERS; i++)
            for (pytorch = 0; pytorch < 2; pytorch++)
                for (option = 0; option < OPTIONS; option++) {
                    const named n = optimizer_at(i, pytorch, 0);
                    fnn_fit_config c = make_config(n.optimizer, option);
                    fnn_model *a = make_model(isa), *b = make_model(isa);
                    c.batch_size = ROWS;
                    c.epochs = STEPS;
                    CHECK(!fnn_fit(a, &data, &c, NULL));
                    for (step = 0; step < STEPS; step++)
                        CHECK(!fnn_forward(b, &data, NULL, ROWS, 1) && !fnn_loss(b, NULL) &&
                              !fnn_backward(b) && !fnn_step(b, &c));
                    CHECKF(!memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL),
                                   ALL * sizeof(fnn_real)),
                           "%s, PyTorch %d, option %d", n.name, pytorch, option);
                    c.optimizer.learning_rate *= (fnn_real)1.0001; /* the control */
                    CHECK(!fnn_forward(b, &data, NULL, ROWS, 1) && !fnn_loss(b, NULL) &&
                          !fnn_backward(b) && !fnn_step(b, &c));
                    CHECK(memcmp(fnn_parameters(a, NULL), fnn_parameters(b, NULL),
                                 ALL * sizeof(fnn_real)) != 0);
                    fnn_model_free(a);
                    fnn_model_free(b);
                }
}

static void a_step_checks_its_configuration(void)
{
    const fnn_dataset data = make_data();
    fnn_fit_config good = make_config(fnn_adam(1), 0), bad = good;
    fnn_model *m = make_model(FNN_ISA_BEST);
    int kind;
    CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
    bad.optimizer.kind = FNN_OPTIMIZER_COUNT;
    CHECK(fnn_step(m, &bad) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "found kind ") != NULL);
    bad = good;
    bad.optimizer.learning_rate = -1;
    CHECK(fnn_step(m, &bad) == FNN_ERROR_ARGUMENT);
    bad = good;
    bad.optimizer.beta1 = 1; /* 1 - beta1^t would be 0 */
    CHECK(fnn_step(m, &bad) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "betas in [0, 1), found 1 and ") != NULL);
    bad = good;
    bad.optimizer.epsilon = -1;
    CHECK(fnn_step(m, &bad) == FNN_ERROR_ARGUMENT);
    bad = good;
    bad.optimizer.momentum = (fnn_real)1.5;
    CHECK(fnn_step(m, &bad) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "momentum and rho in [0, 1], found 1.5 and ") !=
          NULL);
    for (kind = 0; kind < FNN_OPTIMIZER_COUNT; kind++) { /* as an initialiser leaves it: 0 / 0 */
        const int divides = kind != FNN_SGD && kind != FNN_MOMENTUM;
        fnn_optimizer zeroed = {(fnn_optimizer_kind)0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        zeroed.kind = (fnn_optimizer_kind)kind;
        bad.optimizer = zeroed;
        CHECK(fnn_step(m, &bad) == (divides ? FNN_ERROR_ARGUMENT : FNN_OK));
        if (divides)
            CHECK(strstr(fnn_model_error(m)->message, "expected a finite epsilon > 0, as fnn_") !=
                  NULL);
        else CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, NULL) && !fnn_backward(m));
    }
    bad = good;
    bad.clip_value = (fnn_real)NAN;
    CHECK(fnn_step(m, &bad) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(fnn_model_error(m)->message, "nan") != NULL);
    CHECK(fnn_step(m, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_step(m, &good) == FNN_OK); /* the step can still be taken */
    fnn_model_free(m);
}

/* ---- the defaults, from Keras' and PyTorch's documentation ---- */

#define IS(found, expected) \
    CHECKF((found) == (fnn_real)(expected), #found " is %g", (double)(found))

static void defaults(void)
{
    const fnn_optimizer keras[3] = {fnn_adagrad(1), fnn_adadelta(1), fnn_rmsprop(1)};
    const fnn_optimizer adam = fnn_adamw(1, 0.25), torch_adam = fnn_pytorch(adam);
    fnn_optimizer torch[3];
    int i;
    for (i = 0; i < 3; i++) torch[i] = fnn_pytorch(keras[i]);
    IS(keras[0].start, 0.1);
    IS(keras[0].epsilon, 1e-7);
    IS(keras[1].rho, 0.95);
    IS(keras[1].epsilon, 1e-7);
    IS(keras[2].rho, 0.9);
    IS(keras[2].epsilon, 1e-7);
    IS(keras[2].momentum, 0);
    IS(adam.beta1, 0.9);
    IS(adam.beta2, 0.999);
    IS(adam.epsilon, 1e-7);
    IS(adam.weight_decay, 0.25);
    IS(torch[0].start, 0);
    IS(torch[0].epsilon, 1e-10);
    IS(torch[1].rho, 0.9);
    IS(torch[1].epsilon, 1e-6);
    IS(torch[2].rho, 0.99);
    IS(torch[2].epsilon, 1e-8);
    IS(torch_adam.epsilon, 1e-8);
    IS(torch_adam.weight_decay, 0.25);
    CHECK(fnn_nesterov(1, 1).nesterov && !fnn_momentum(1, 1).nesterov && !adam.pytorch);
    CHECK(torch_adam.pytorch);
}

static const harness_test tests[] = {TEST(steps_match_the_papers), TEST(broken_twins_are_caught),
                                     TEST(fit_takes_the_same_steps),
                                     TEST(a_step_checks_its_configuration), TEST(defaults)};
HARNESS_MAIN(tests)
