/* Model files: loaded, saved and loaded again; what they describe predicts and is trained. */
#include "fuzz.h"
#include "networks.h"

enum { IN_MEMORY, BY_FUNCTION, BY_PATH, WAYS };

/* How much of a file a function has given or taken. */
typedef struct {
    file_bytes f;
    size_t at;
} model_stream;

static size_t model_read(void *user, void *bytes, size_t capacity)
{
    model_stream *s = (model_stream *)user;
    const size_t left = s->f.size - s->at, some = capacity < 999 ? capacity : 999;
    const size_t count = left < some ? left : some;
    memcpy(bytes, s->f.bytes + s->at, count);
    s->at += count;
    return count;
}

static int model_write(void *user, const void *bytes, size_t count)
{
    model_stream *s = (model_stream *)user;
    if (count > s->f.size - s->at) return 1;
    memcpy(s->f.bytes + s->at, bytes, count);
    s->at += count;
    return 0;
}

static fnn_model *model_load(file_bytes f, int way, const fnn_context_config *config,
                             fnn_error *error)
{
    model_stream s = {f, 0};
    if (way == BY_FUNCTION) return fnn_load_from(model_read, &s, config, error);
    if (way == BY_PATH) return fnn_load(write_file("model", f), config, error);
    return fnn_load_memory(f.bytes, f.size, config, error);
}

/* The same bytes, however it is saved. */
static file_bytes model_save(const fnn_model *model, int way)
{
    model_stream s = {fuzz_save(model), 0};
    file_bytes f = s.f;
    fnn_error error = {FNN_OK, ""};
    if (way == IN_MEMORY) return f;
    s.f = bytes_copy(f.bytes, f.size);
    memset(s.f.bytes, 0, s.f.size);
    if (way == BY_FUNCTION) {
        FUZZ_CHECK(!fnn_save_to(model, model_write, &s, &error), "%s", error.message);
        FUZZ_CHECK(same_bytes(s.f, f), "another file by a function");
        s.at = 1; /* of room for one byte less nothing comes back but an error */
        FUZZ_CHECK(fnn_save_to(model, model_write, &s, &error), "saved beyond the room");
    } else {
        FUZZ_CHECK(!fnn_check_writable(path_of("saved"), &error), "%s", error.message);
        FUZZ_CHECK(!fnn_save(model, path_of("saved"), &error), "%s", error.message);
        free(s.f.bytes);
        s.f = bytes_of(path_of("saved"));
        FUZZ_CHECK(f.size > 1 << 20 || same_bytes(s.f, f), "another file by its path");
    }
    free(s.f.bytes);
    return f;
}

/* What is saved loads, and is the same model. */
static fnn_model *model_again(const fnn_model *model, int way, const fnn_context_config *config)
{
    file_bytes f = model_save(model, way);
    fnn_error error = {FNN_OK, ""};
    fnn_model *again = model_load(f, way, config, &error);
    FUZZ_CHECK(again, "what was saved does not load: %s", error.message);
    FUZZ_CHECK(fuzz_saves_as(again, f), "saved, loaded and saved again, it is another");
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

static void model_used(fnn_model *model, int way, const fnn_context_config *config, fuzz_input *in)
{
    fnn_model *again = model_again(model, way, config);
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
    const int flags = fuzz_byte(&in), allowed = fuzz_allowed(&in), way = (flags >> 2 & 3) % WAYS;
    fuzz_input last = {in.bytes, in.size > 2 ? in.size : 0};
    fnn_context_config config = fnn_context_config_init();
    fnn_error error = {FNN_OK, ""};
    fnn_model *model;
    file_bytes f;
    in.size -= in.size > 2 ? 2 : 0;
    f = fuzz_safetensors(in, 1 << 16, flags & 1);
    if (flags & 2) config.isa = FNN_ISA_SCALAR;
    fuzz_memory_begin((size_t)64 << 20, allowed);
    model = model_load(f, way, &config, &error);
    free(f.bytes);
    FUZZ_CHECK(model || error.code, "no model and no error");
    fuzz_check_error(model ? FNN_OK : error.code, &error);
    fuzz_memory.allowed = -1;
    if (model) model_used(model, way, &config, &last);
    fnn_model_free(model);
    fuzz_memory_end();
}
