/* What examples/web calls of the library, compiled to WebAssembly: a small convolutional network
 * that learns Fashion-MNIST batch by batch, and looks at one picture.
 *
 *     make web        # data, page and this, by the next line, into build/web
 *     clang --target=wasm32-wasi -mexec-model=reactor -msimd128 -Os -s \
 *         -Wl,-z,stack-size=1048576,--stack-first examples/web/web.c -lm -o build/web/web.wasm
 *
 * The worker (worker.js) gives it the files below data/ and calls the functions; those that can
 * fail leave the reason in web_error. */
#define FMNIST_NN_IMPLEMENTATION
#define FMNIST_NN_STATIC /* what nobody calls is left out */
#include "../../fmnist_nn.h"

#define EXPORT(name) __attribute__((export_name(#name)))
enum { SIDE = 28, PIXELS = SIDE * SIDE, FILTERS = 16, CLASSES = 10, BATCH = 50 };

static fnn_dataset train, order, test;
static fnn_model *model;
static fnn_context *context;
static fnn_fit_config config;
static fnn_error error;
static int64_t done, passes; /* samples of this pass over the images; passes begun */
static fnn_schedule schedule;
static const double rate = 4e-3; /* of learning, at a pass's begin; it falls to 2 % of that */
static int conv;                 /* the layer */
static uint8_t picture[PIXELS];
static fnn_real answer[CLASSES], seen[PIXELS * FILTERS];

EXPORT(web_error) const char *web_error(void)
{
    const fnn_error *of_model = fnn_model_error(model);
    return error.code ? error.message : of_model ? of_model->message : "no memory";
}

EXPORT(web_info) const char *web_info(void)
{
    return fnn_info(context);
}

/* Reads the data and makes the network anew; 0, or 1 when that fails. */
EXPORT(web_open) int web_open(uint32_t seed)
{
    fnn_model_free(model);
    if (!train.count && fnn_read_fashion_mnist("data", NULL, &train, &test, &error)) return 1;
    if (!context && !(context = fnn_context_create(NULL, &error))) return 1;
    fnn_dataset_free(&order);
    done = passes = 0;
    config = fnn_fit_config_init();
    config.optimizer = fnn_adam(rate);
    schedule = fnn_schedule_cosine(.02);
    model = fnn_sequential(SIDE, SIDE, 1);
    fnn_set_seed(model, seed);
    fnn_normalize(model, FNN_NORMALIZE_DIVIDE_255, &train);
    conv = fnn_conv2d(model, FILTERS, 5, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(model, 2);
    fnn_dense(model, 64, FNN_RELU);
    fnn_dense(model, CLASSES, FNN_SOFTMAX);
    return fnn_seal(model) != FNN_OK;
}

/* So many steps of training, pass after pass, each in an order of its own. Returns their mean loss,
 * or -1. */
EXPORT(web_train) double web_train(int steps)
{
    double sum = 0;
    for (int s = 0; s < steps; s++, done += BATCH) {
        int64_t samples[BATCH];
        double loss;
        const int steps_of_pass = (int)(train.count / BATCH);
        if (done + BATCH > order.count) {
            fnn_dataset_free(&order);
            if (fnn_dataset_shuffle(&train, (uint64_t)++passes, &order, &error)) return -1;
            done = 0;
        }
        for (int i = 0; i < BATCH; i++) samples[i] = done + i;
        config.optimizer.learning_rate = (fnn_real)fnn_schedule_rate(&schedule, rate, done / BATCH,
                                                                     steps_of_pass, steps_of_pass);
        if (fnn_forward(model, &order, samples, BATCH, 1) || fnn_loss(model, &loss) ||
            fnn_backward(model) || fnn_step(model, &config))
            return -1;
        sum += loss;
    }
    return sum / steps;
}

/* The share of right answers among the first `count` test images, or -1. */
EXPORT(web_test) double web_test(int count)
{
    const fnn_dataset first =
        fnn_dataset_images(test.bytes, test.labels, count, SIDE, SIDE, 1, CLASSES);
    fnn_metrics metrics;
    return fnn_evaluate(model, context, &first, &metrics) ? -1 : metrics.accuracy;
}

EXPORT(web_label) int web_label(int i)
{
    return (int)test.labels[i];
}

/* The picture that the others look at, which the worker may write; before, test image i becomes it
 * (-1: none). */
EXPORT(web_picture) uint8_t *web_picture(int i)
{
    if (i >= 0) memcpy(picture, test.bytes + (size_t)i * PIXELS, PIXELS);
    return picture;
}

/* The probability of each class. */
EXPORT(web_answer) const fnn_real *web_answer(void)
{
    return fnn_predict_one_bytes(model, context, picture, answer) ? NULL : answer;
}

/* What the filters make of it, (28, 28, FILTERS). */
EXPORT(web_seen) const fnn_real *web_seen(void)
{
    const fnn_dataset one = fnn_dataset_images(picture, NULL, 1, SIDE, SIDE, 1, 0);
    return fnn_predict_layer(model, context, &one, conv, seen) ? NULL : seen;
}

/* The filters, (5, 5, 1, FILTERS). */
EXPORT(web_filters) const fnn_real *web_filters(void)
{
    fnn_tensor weights;
    return fnn_tensor_get(model, conv, "weight", &weights) ? NULL : weights.values;
}
