/* Every layer's and loss' gradient against central differences, in the double library, and the
 * check itself against gradients that are wrong on purpose. */
#define FMNIST_NN_REAL double
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"

enum { ROWS = 5, INPUTS = 6, CLASSES = 4 };
#define STEP 1e-5
#define BOUND 1e-7 /* |a - n| / (|a| + |n|) of each parameter tensor */

static fnn_real inputs[ROWS * INPUTS], targets[ROWS * CLASSES];
static const int32_t labels[ROWS] = {0, 3, 1, 2, 3};

/* Inputs of both signs and targets that are distributions, from a seed. */
static fnn_dataset make_data(uint64_t seed, int with_targets)
{
    fnn_dataset data;
    int i, j;
    memset(&data, 0, sizeof data);
    for (i = 0; i < ROWS * INPUTS; i++) inputs[i] = 2 * fnni_random_unit(seed, 1, (uint64_t)i) - 1;
    for (i = 0; i < ROWS; i++) {
        double sum = 0;
        for (j = 0; j < CLASSES; j++)
            sum += targets[i * CLASSES + j] =
                0.1 + fnni_random_unit(seed, 2, (uint64_t)(i * CLASSES + j));
        for (j = 0; j < CLASSES; j++) targets[i * CLASSES + j] /= sum;
    }
    data.count = ROWS;
    data.height = 1;
    data.width = 2;
    data.channels = INPUTS / 2;
    data.reals = inputs;
    if (with_targets)
        data.targets = targets, data.target_count = CLASSES;
    else
        data.labels = labels, data.classes = CLASSES;
    return data;
}

/* 1 when some input of a kinked activation lies within ten steps of its kink. Networks here give each
 * activation a layer of its own, so that its input can be seen. */
static int near_kink(fnn_model *m, const fnn_dataset *data)
{
    int l;
    if (fnn_forward(m, data, NULL, ROWS, 1)) return 1;
    for (l = 0; l < m->layer_count; l++) {
        const fnn_activation f = m->layers[l].activation;
        const fnn_real *x = fnni_y(&m->run, l - 1, 0, NULL);
        int i;
        if (m->layers[l].type != &fnni_layer_types[FNNI_ACTIVATION]) continue;
        if (f != FNN_RELU && f != FNN_LEAKY_RELU && f != FNN_ELU) continue;
        for (i = 0; i < ROWS * m->layers[l].outputs; i++)
            if (fabs(x[i]) < 10 * STEP * 10) return 1;
    }
    return 0;
}

static double check(fnn_model *m, const fnn_dataset *data, double l2, double l1)
{
    fnn_fit_config config = fnn_fit_config_init();
    fnn_gradient_check report;
    config.l2 = l2;
    config.l1 = l1;
    if (!CHECKF(!fnn_check_gradients(m, data, &config, STEP, &report, NULL), "%s",
                fnn_model_error(m)->message))
        return 1;
    return report.worst;
}

/* Two hidden layers with f, as layers of their own or within the dense layers. */
static fnn_model *network(fnn_activation f, fnn_real parameter, fnn_real rate, int last_softmax,
                          int fused)
{
    const fnn_initializer start = {FNN_GLOROT_NORMAL, 1}, biases = {FNN_UNIFORM, 0.3};
    fnn_model *m = fnn_sequential(1, 2, INPUTS / 2);
    fnn_set_initializer(m, start, biases);
    fnn_dense(m, 7, fused ? f : FNN_LINEAR);
    if (!fused) fnn_activate(m, f, parameter);
    if (rate > 0) fnn_dropout(m, rate);
    fnn_dense(m, 5, fused ? f : FNN_LINEAR);
    if (!fused) fnn_activate(m, f, parameter);
    fnn_flatten(m);
    fnn_dense(m, CLASSES, last_softmax ? FNN_SOFTMAX : FNN_LINEAR);
    return m;
}

static void each_activation(void)
{
    int f, rate, fused;
    for (f = FNN_LINEAR; f < FNN_ACTIVATION_COUNT; f++)
        for (rate = 0; rate < 2; rate++)
            for (fused = 0; fused < 2; fused++) {
                const fnn_real parameter = fnni_default_parameter((fnn_activation)f);
                uint64_t seed = 1;
                fnn_dataset data = make_data(seed, 0);
                fnn_model *seen = network((fnn_activation)f, parameter, 0.3 * rate, 1, 0);
                fnn_model *m = network((fnn_activation)f, parameter, 0.3 * rate, 1, fused);
                double worst;
                while (near_kink(seen, &data) && seed < 50) data = make_data(++seed, 0);
                fnn_set_seed(m, 0);
                worst = check(m, &data, 0, 0);
                CHECKF(worst < BOUND, "activation %d, dropout %d, fused %d: %g", f, rate, fused,
                       worst);
                fnn_model_free(m);
                fnn_model_free(seen);
            }
}

/* Outputs that each loss accepts: probabilities for the cross-entropies on outputs. */
static void each_loss(void)
{
    int kind, with_targets, smooth;
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++)
        for (with_targets = 0; with_targets < 2; with_targets++)
            for (smooth = 0; smooth < 2; smooth++) {
                const int probabilities = kind == FNN_LOSS_CATEGORICAL_CROSS_ENTROPY ||
                                          kind == FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY;
                fnn_dataset data = make_data(3, with_targets);
                fnn_model *m = network(FNN_TANH, 0, 0, probabilities, 1);
                double worst;
                fnn_set_loss(m, (fnn_loss_kind)kind, smooth ? 0.1 : 0, 0.05);
                worst = check(m, &data, 0, 0);
                CHECKF(worst < BOUND, "loss %d, targets %d, smoothing %d: %g", kind, with_targets,
                       smooth, worst);
                fnn_model_free(m);
            }
}

/* Outputs that are no distribution, some clipped, as a sigmoid output layer gives them. */
static void cross_entropy_on_any_outputs(void)
{
    int kind;
    for (kind = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY;
         kind <= FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY; kind++) {
        fnn_dataset data = make_data(4, 0);
        fnn_model *m = fnn_sequential(1, 2, INPUTS / 2);
        double worst;
        fnn_dense(m, 6, FNN_TANH);
        fnn_dense(m, CLASSES, FNN_SIGMOID);
        fnn_set_loss(m, (fnn_loss_kind)kind, 0, 0);
        worst = check(m, &data, 0, 0);
        CHECKF(worst < BOUND, "loss %d: %g", kind, worst);
        fnn_model_free(m);
    }
}

static void penalties(void)
{
    fnn_dataset data = make_data(5, 0);
    fnn_model *m = network(FNN_TANH, 0, 0, 1, 1);
    double worst = check(m, &data, 0.3, 0);
    CHECKF(worst < BOUND, "l2: %g", worst);
    worst = check(m, &data, 0, 0.2);
    CHECKF(worst < BOUND, "l1: %g", worst);
    fnn_model_free(m);
}

/* ---- the check must fail where a gradient is wrong ---- */

static int wrong_how; /* 0 sign, 1 factor, 2 zeros */

static void wrong_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw, fnn_real *db,
                           fnn_real *workspace)
{
    const size_t count = (size_t)(to - from) * (size_t)run->model->layers[l].outputs;
    size_t i;
    fnni_dense_gradient(run, l, from, to, dw, db, workspace);
    for (i = 0; i < count; i++) dw[i] *= wrong_how == 0 ? -1 : wrong_how == 1 ? 0.5 : 0;
}

static void wrong_backward(const fnni_run *run, int l, int from, int to, int to_input,
                           fnn_real *workspace)
{
    (void)to_input, (void)workspace; /* passes dy on as if tanh' were 1 */
    memcpy(fnni_d(run, l - 1, from, NULL),
           fnni_d(run, l, from, NULL),
           (size_t)((to - from) * run->model->layers[l].outputs) * sizeof(fnn_real));
}

static void finds_wrong_gradients(void)
{
    static const fnni_layer_type bad_dense = {"bad", fnni_dense_forward, fnni_dense_prepare,
                                              fnni_dense_backward, wrong_gradient};
    static const fnni_layer_type bad_tanh = {"bad", fnni_activate_forward, NULL, wrong_backward,
                                             NULL};
    fnn_dataset data = make_data(6, 0);
    fnn_model *m = network(FNN_TANH, 0, 0, 1, 0);
    fnn_seal(m);
    m->layers[0].type = &bad_dense;
    for (wrong_how = 0; wrong_how < 3; wrong_how++) {
        const double worst = check(m, &data, 0, 0);
        CHECKF(worst > 0.1, "wrong in way %d passes with %g", wrong_how, worst);
    }
    m->layers[0].type = &fnni_layer_types[FNNI_DENSE];
    CHECK(check(m, &data, 0, 0) < BOUND);
    m->layers[1].type = &bad_tanh;
    CHECK(check(m, &data, 0, 0) > 1e-3);
    fnn_model_free(m);
}

static const harness_test tests[] = {TEST(each_activation), TEST(each_loss),
                                     TEST(cross_entropy_on_any_outputs), TEST(penalties),
                                     TEST(finds_wrong_gradients)};
HARNESS_MAIN(tests)
