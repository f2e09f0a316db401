/* Each instruction set's float gradients against the double library's, element by element, within
 * the bounds that double_library.c derives; fused and unfused activations.
 * sources: double_library.c */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"

#if FNNI_REAL_IS_DOUBLE
static void float_only(void)
{
    CHECK(sizeof(fnn_real) == sizeof(double));
    SKIP("the float library's test");
}
static const harness_test tests[] = {TEST(float_only)};
#else
#include "double_library.h"
enum { ROWS = 45, MOST_INPUTS = 700, MOST = MOST_INPUTS * 37 + 2000 };

static float inputs[ROWS * MOST_INPUTS];
static int32_t labels[ROWS];
static double gradients[MOST], bounds[MOST];
static float found[MOST];

static void make_data(const network *n)
{
    int i;
    for (i = 0; i < ROWS * n->inputs; i++)
        inputs[i] = (float)(2 * fnni_random_unit(5, 1, (uint64_t)i) - 1);
    for (i = 0; i < ROWS; i++)
        labels[i] = (int32_t)fnni_random_below(5, 2, (uint64_t)i, NETWORK_CLASSES);
}

static void scaled_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                            fnn_real *db, fnn_real *workspace)
{
    int i;
    fnni_dense_gradient(run, l, from, to, dw, db, workspace);
    for (i = 0; i < (to - from) * run->model->layers[l].outputs; i++) dw[i] *= 1.001f;
}

static const fnni_layer_type scaled = {"dense", fnni_dense_forward, fnni_dense_prepare,
                                       fnni_dense_backward, scaled_gradient};

/* The float library's gradients go to found; returns their number. rows: fewer for a broken batch;
 * broken: the first layer's gradient is a thousandth too large. */
static size_t float_gradients(const network *n, int isa, int rows, int broken)
{
    fnn_model *m = network_build(n, (fnn_isa)isa);
    fnn_dataset data;
    size_t count = 0;
    network_data(n, inputs, labels, &data);
    fnn_seal(m);
    if (broken) m->layers[0].type = &scaled;
    if (CHECK(!fnn_forward(m, &data, NULL, rows, 1) && !fnn_loss(m, NULL) && !fnn_backward(m)))
        memcpy(found, fnn_gradients(m, &count), m->parameter_count * sizeof *found);
    fnn_model_free(m);
    return count;
}

static double worst_of(size_t count)
{
    double worst = 0;
    size_t i;
    for (i = 0; i < count; i++) {
        const double error = fabs((double)found[i] - gradients[i]);
        if (!(error <= worst * bounds[i])) worst = bounds[i] > 0 ? error / bounds[i] : 1e300;
    }
    return worst;
}

/* The double library's side; and that the bounds are sharp: against a tensor's largest gradient. */
static void expect(const network *n)
{
    fnn_model *m = network_build(n, FNN_ISA_SCALAR);
    size_t count, i, j;
    const fnn_real *w = fnn_parameters(m, &count);
    int l;
    CHECK(count <= MOST);
    CHECK(!double_gradients(n, w, count, inputs, labels, gradients, bounds));
    for (l = 0; l < m->layer_count; l++) {
        const size_t first = m->layers[l].offset;
        double largest = 0, widest = 0;
        for (i = 0; i < m->layers[l].weights; i++) {
            j = first + i;
            if (fabs(gradients[j]) > largest) largest = fabs(gradients[j]);
            if (bounds[j] > widest) widest = bounds[j];
        }
        CHECKF(widest <= 5e-4 * largest, "layer %d: bound %g, gradient %g", l, widest, largest);
    }
    fnn_model_free(m);
}

static double most; /* of the bound, over all that was checked */

static void check_network(const network *n)
{
    int isa;
    make_data(n);
    expect(n);
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        if (fnn_isa_available((fnn_isa)isa)) {
            const double worst = worst_of(float_gradients(n, isa, ROWS, 0));
            most = worst > most ? worst : most;
            CHECKF(worst <= 1, "%s, activation %d, fused %d, dropout %d, %d inputs: %g bounds",
                   fnn_isa_name((fnn_isa)isa), n->activation, n->fused, n->dropout, n->inputs,
                   worst);
        }
}

static void each_activation(void)
{
    network n = {30, 0, 0, 0, 1, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, ROWS};
    most = 0;
    for (n.activation = FNN_LINEAR; n.activation < FNN_SOFTMAX; n.activation++)
        for (n.fused = 0; n.fused < 2; n.fused++)
            for (n.dropout = 0; n.dropout < 2; n.dropout++) check_network(&n);
    printf("  at most %.2g of the bound\n", most);
}

static void squared_error_and_a_softmax_layer(void)
{
    network n = {30, FNN_TANH, 1, 0, 0, FNN_LOSS_MEAN_SQUARED_ERROR, ROWS};
    for (n.softmax = 0; n.softmax < 2; n.softmax++)
        for (n.fused = 0; n.fused < 2; n.fused++) check_network(&n);
}

/* Deeper than FNNI_GEMM_K: sums over several blocks. */
static void deep_sums(void)
{
    network n = {MOST_INPUTS, FNN_RELU, 1, 1, 1, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, ROWS};
    check_network(&n);
    n.activation = FNN_SIGMOID;
    check_network(&n);
}

/* The two libraries agree on what is computed; a gradient that is not it must be seen. */
static void wrong_gradients_exceed_the_bound(void)
{
    network n = {30, FNN_TANH, 1, 1, 1, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, ROWS};
    size_t count, i, seen = 0;
    int isa;
    make_data(&n);
    expect(&n);
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++)
        if (fnn_isa_available((fnn_isa)isa)) {
            CHECK(worst_of(float_gradients(&n, isa, ROWS - 1, 0)) > 100);
            CHECK(worst_of(float_gradients(&n, isa, ROWS, 1)) > 2);
        }
    count = float_gradients(&n, FNN_ISA_BEST, ROWS, 0);
    for (i = 0; i < count; i++) { /* each by a thousandth of its own, most of which must be seen */
        const float kept = found[i];
        found[i] *= 1.001f;
        seen += fabs((double)found[i] - gradients[i]) > bounds[i];
        found[i] = kept;
    }
    CHECKF(seen > count * 8 / 10, "%lu of %lu", (unsigned long)seen, (unsigned long)count);
    CHECK(worst_of(count) <= 1);
}

static const harness_test tests[] = {TEST(each_activation), TEST(squared_error_and_a_softmax_layer),
                                     TEST(deep_sums), TEST(wrong_gradients_exceed_the_bound)};
#endif
HARNESS_MAIN(tests)
