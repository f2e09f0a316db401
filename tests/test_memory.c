/* Memory: steps after the first take none, sizes beyond size_t are refused, a model that ran out of
 * it can grow. (That every request may fail is test_faults.c's.) */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "world.h"

static void steps_after_the_first_allocate_nothing(void)
{
    world w;
    int requests, i;
    own.allowed = plain.allowed = -1;
    world_open(&w);
    small_step(&w);
    fnn_step(w.model, &w.fit);
    requests = own.requests + plain.requests;
    for (i = 1; i < 6; i++) {
        CHECK(!fnn_forward(w.model, &w.data, NULL, i, 1) && !fnn_loss(w.model, NULL));
        CHECK(!fnn_backward(w.model) && !fnn_step(w.model, &w.fit));
    }
    CHECK(own.requests + plain.requests == requests);
    CHECK(!fnn_forward(w.model, &w.data, NULL, 6, 1)); /* the control: a larger batch does */
    CHECK(own.requests + plain.requests > requests);
    world_close(&w);
}

/* A size that overflows leaves the model as if it had not been asked for: 33 layers of 2^28 outputs
 * times 2^31 - 1 rows are more reals than size_t can count. The pixels are never read. */
static void a_batch_beyond_size_t_is_refused(void)
{
    fnn_dataset data;
    fnn_fit_config fit = fnn_fit_config_init();
    world w;
    int i;
    own.allowed = plain.allowed = -1;
    world_open(&w);
    fnn_model_free(w.model);
    w.model = fnn_sequential(1 << 14, 1 << 14, 1);
    for (i = 0; i < 34; i++) fnn_activate(w.model, FNN_LINEAR, 0);
    data = w.data;
    data.count = 1;
    data.height = data.width = 1 << 14;
    data.channels = 1;
    fit.batch_size = INT_MAX;
    CHECK(fnn_fit(w.model, &data, &fit, NULL) == FNN_ERROR_MEMORY);
    CHECK(w.model->run.capacity == 0); /* else a smaller batch would use what is not there */
    world_close(&w);
}

static fnn_model *growing(int layers)
{
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m;
    config.allocator = budget_allocator(&own);
    m = fnn_sequential_with(&config, 1, 1, INPUTS);
    for (; layers > 0; layers--) fnn_batch_norm(m);
    return m;
}

/* What a model kept of a try to seal it that ran out of memory does not do for the layers that were
 * added since: it must hold what it holds when they are there from the start. */
static void layers_are_added_after_a_seal_that_failed(void)
{
    fnn_model *m;
    size_t wanted;
    int n;
    budget_open(&own);
    m = growing(9);
    CHECK(!fnn_seal(m));
    wanted = own.held;
    fnn_model_free(m);
    for (n = 0; n < 9; n++) {
        m = growing(2);
        own.allowed = n;
        if (!fnn_seal(m)) break;
        own.allowed = -1;
        for (; fnn_layer_count(m) < 9;) fnn_batch_norm(m);
        CHECK(!fnn_seal(m));
        CHECKF(own.held == wanted, "after %d allocations: %ld bytes in place of %ld", n,
               (long)own.held, (long)wanted);
        fnn_model_free(m);
    }
    CHECKF(n == 3, "seal took %d allocations: of stages, statistics and parameters", n);
    fnn_model_free(m);
}

/* The layer that rescales outputs is the last one, also of a model that grew after such a try. */
static void outputs_are_rescaled_after_a_seal_that_failed(void)
{
    int layers, n, sealed_at_once = 0;
    world w;
    own.allowed = plain.allowed = -1;
    for (n = 0; !sealed_at_once && n < 20; n++) {
        world_open(&w);
        numbers(&w);
        layers = fnn_layer_count(w.model);
        own.allowed = n;
        sealed_at_once = !fnn_seal(w.model);
        own.allowed = -1;
        if (!sealed_at_once) {
            layers = fnn_dense(w.model, CLASSES, FNN_LINEAR) + 1;
            CHECK(!fnn_seal(w.model) && layers > 16);
        }
        CHECK(!strcmp(fnn_layer_name(w.model, fnn_layer_count(w.model) - 1), "rescale"));
        CHECK(strcmp(fnn_layer_name(w.model, layers - 1), "rescale") != 0);
        CHECKF(fnni_rescales(w.model), "after %d allocations", n);
        world_close(&w);
    }
    CHECK(n > 3);
}

static const harness_test tests[] = {TEST(steps_after_the_first_allocate_nothing),
                                     TEST(a_batch_beyond_size_t_is_refused),
                                     TEST(layers_are_added_after_a_seal_that_failed),
                                     TEST(outputs_are_rescaled_after_a_seal_that_failed)};
HARNESS_MAIN(tests)
