/* Losses and optimisers at the ends of their arguments' ranges (see make mutants). */
#include "../fmnist_nn.h"
#include "harness.h"

/* All of the smoothing takes the label away: whatever it is, the loss is the mean over classes. */
static void smoothing_goes_from_none_to_all(void)
{
    static const fnn_real logits[3] = {1, 2, 4};
    static const int32_t first[1] = {0}, last[1] = {2};
    const fnn_real above = (fnn_real)1.0001, below = (fnn_real)-0.0001;
    fnn_real one, other;
    CHECK(!fnn_softmax_cross_entropy(NULL, 1, 3, logits, first, NULL, 0, 1, &one, NULL));
    CHECK(!fnn_softmax_cross_entropy(NULL, 1, 3, logits, last, NULL, 0, 1, &other, NULL));
    CHECK(one > other);
    CHECK(!fnn_softmax_cross_entropy(NULL, 1, 3, logits, first, NULL, 1, 1, &one, NULL));
    CHECK(!fnn_softmax_cross_entropy(NULL, 1, 3, logits, last, NULL, 1, 1, &other, NULL));
    CHECKF(one == other, "%.9g, %.9g", (double)one, (double)other);
    CHECK(fnn_softmax_cross_entropy(NULL, 1, 3, logits, first, NULL, above, 1, &one, NULL) ==
          FNN_ERROR_ARGUMENT);
    CHECK(fnn_softmax_cross_entropy(NULL, 1, 3, logits, first, NULL, below, 1, &one, NULL) ==
          FNN_ERROR_ARGUMENT);
}

/* Without a row there is nothing that labels could be of. */
static void no_rows_need_no_labels(void)
{
    static const fnn_real logits[3] = {1, 2, 4};
    static const int32_t labels[1] = {3};
    fnn_real loss = 7, gradient[3] = {7, 7, 7};
    CHECK(!fnn_softmax_cross_entropy(NULL, 0, 3, logits, NULL, NULL, 0, 1, &loss, gradient));
    CHECK(!fnn_softmax_cross_entropy(NULL, 0, 0, logits, NULL, NULL, 0, 1, &loss, gradient));
    CHECK(loss == 7 && gradient[0] == 7);
    CHECK(fnn_softmax_cross_entropy(NULL, 1, 3, logits, NULL, NULL, 0, 1, &loss, gradient) ==
          FNN_ERROR_ARGUMENT);
    CHECK(fnn_softmax_cross_entropy(NULL, 1, 0, logits, labels, NULL, 0, 1, &loss, gradient) ==
          FNN_ERROR_ARGUMENT);
    CHECK(fnn_softmax_cross_entropy(NULL, 1, 3, logits, labels, NULL, 0, 1, &loss, gradient) ==
          FNN_ERROR_ARGUMENT);
}

/* Whether a choice of PyTorch's changes nothing of what is no optimiser. */
static int stays(int kind)
{
    fnn_optimizer o = fnn_sgd(1), made;
    o.kind = (fnn_optimizer_kind)kind;
    made = fnn_pytorch(o);
    return (int)made.kind == kind && !made.pytorch && made.epsilon == o.epsilon;
}

static void choices_of_an_optimiser_are_yes_or_no(void)
{
    fnn_optimizer o = fnn_sgd(1);
    CHECK(fnn_nesterov(1, .9).nesterov == 1 && fnn_momentum(1, .9).nesterov == 0);
    CHECK(fnn_pytorch(fnn_adam(1)).pytorch == 1 && fnn_adam(1).pytorch == 0);
    o.rho = (fnn_real)0.5; /* stays, where PyTorch has none of its own */
    CHECK(fnn_pytorch(o).rho == o.rho && fnn_pytorch(fnn_rmsprop(1)).rho == (fnn_real)0.99);
    CHECK(stays(FNN_OPTIMIZER_COUNT) && stays(-1) && !stays(FNN_OPTIMIZER_COUNT - 1));
}

static const harness_test tests[] = {
    TEST(smoothing_goes_from_none_to_all),
    TEST(no_rows_need_no_labels),
    TEST(choices_of_an_optimiser_are_yes_or_no),
};
HARNESS_MAIN(tests)
