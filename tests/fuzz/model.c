/* Model files: loaded, saved and loaded again; what they describe predicts and is trained. */
#include "fuzz.h"
#include "networks.h"

/* What is saved loads, and is the same model. */
static fnn_model *model_again(const fnn_model *model, const fnn_context_config *config)
{
    file_bytes f = fuzz_save(model);
    fnn_error error = {FNN_OK, ""};
    fnn_model *again = fnn_load_memory(f.bytes, f.size, config, &error);
    FUZZ_CHECK(again, "what was saved does not load: %s", error.message);
    fuzz_check_alike(model, again);
    free(f.bytes);
    return again;
}

/* Both predict the same bits. */
static void model_predicts(const fnn_model *model, const fnn_model *again, const fuzz_samples *s)
{
    int out[3];
    size_t bytes;
    fnn_real *y, *y_again;
    fnn_result result;
    fnn_metrics metrics;
    fnn_shapes(model, NULL, out);
    bytes = FUZZ_SAMPLES * (size_t)out[0] * (size_t)out[1] * (size_t)out[2] * sizeof *y;
    y = (fnn_real *)need(bytes);
    y_again = (fnn_real *)need(bytes);
    result = fnn_predict(model, NULL, &s->data, y);
    FUZZ_CHECK(result == fnn_predict(again, NULL, &s->data, y_again), "another result");
    FUZZ_CHECK(result == FNN_OK || fuzz_memory.refused, "no prediction: %d", (int)result);
    if (!result) FUZZ_CHECK(!memcmp(y, y_again, bytes), "another prediction");
    fnn_evaluate(model, NULL, &s->data, &metrics);
    free(y);
    free(y_again);
}

static void model_trains(fnn_model *model, const fuzz_samples *s, fuzz_input *in)
{
    fnn_fit_config c = fnn_fit_config_init();
    if (fuzz_byte(in) & 1) c.optimizer = fnn_adamw(.01, .1);
    if (fnn_forward(model, &s->data, NULL, FUZZ_SAMPLES, 1)) return;
    if (fnn_loss(model, NULL) || fnn_backward(model)) return;
    fnn_step(model, &c);
}

/* Of a sample's numbers in all layers, those that inference has at once: it takes samples in groups
 * of up to 112, as outputs and as inputs. */
enum { MODEL_ROOM = 16 };

/* What it takes to predict is in proportion to a sample. */
static void model_reserves(const fnn_model *model)
{
    double reals = 0;
    int l, shape[3];
    fnn_context *context = fnn_context_create(NULL, NULL);
    for (l = -1; l < fnn_layer_count(model); l++)
        if (!fnn_layer_shape(model, l, shape)) reals += (double)shape[0] * shape[1] * shape[2];
    fuzz_memory.largest = 0;
    fnn_reserve(model, context);
    FUZZ_CHECK((double)fuzz_memory.largest < MODEL_ROOM * (reals * sizeof(fnn_real) + 65536),
               "%.3g bytes to predict one sample of %.3g", (double)fuzz_memory.largest, reals);
    fnn_context_free(context);
}

static void model_used(fnn_model *model, const fnn_context_config *config, fuzz_input *in)
{
    fnn_model *again = model_again(model, config);
    char text[200];
    fuzz_sum = (double)fnn_summary(model, text, sizeof text);
    model_reserves(model);
    if (fuzz_is_small(model)) {
        fuzz_samples s;
        fuzz_samples_make(&s, model, fuzz_byte(in));
        model_predicts(model, again, &s);
        model_trains(model, &s, in);
        fuzz_samples_free(&s);
    }
    fnn_model_free(again);
}

FUZZ_TARGET(model)
{
    fuzz_input in = {bytes, size};
    const int flags = fuzz_byte(&in), allowed = fuzz_allowed(&in);
    fuzz_input last = {in.bytes, in.size > 2 ? in.size : 0};
    fnn_context_config config = fnn_context_config_init();
    fnn_error error = {FNN_OK, ""};
    fnn_model *model;
    file_bytes f;
    in.size -= in.size > 2 ? 2 : 0;
    f = fuzz_safetensors(in, 1 << 18, flags & 1);
    if (flags & 2) config.isa = FNN_ISA_SCALAR;
    fuzz_memory_begin((size_t)64 << 20, allowed);
    model = fnn_load_memory(f.bytes, f.size, &config, &error);
    free(f.bytes);
    fuzz_memory.allowed = -1;
    if (model) model_used(model, &config, &last);
    else fuzz_check_error(error.code, &error);
    FUZZ_CHECK(model || error.code, "no model and no error");
    fnn_model_free(model);
    fuzz_memory_end();
}
