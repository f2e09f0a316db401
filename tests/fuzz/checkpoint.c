/* Checkpoints: what loads goes on training, and goes on the same way when it is saved and loaded in
 * between. */
#include "fuzz.h"
#include "networks.h"

static fnn_optimizer checkpoint_optimizer(fuzz_input *in)
{
    switch (fuzz_below(in, FNN_OPTIMIZER_COUNT + 1)) {
    case FNN_SGD: return fnn_sgd(.1);
    case FNN_MOMENTUM: return fnn_momentum(.1, .9);
    case FNN_ADAGRAD: return fnn_adagrad(.1);
    case FNN_ADADELTA: return fnn_adadelta(1);
    case FNN_RMSPROP: return fnn_rmsprop(.01);
    case FNN_ADAM: return fnn_adam(.01);
    default: return fnn_pytorch(fnn_adamw(.01, .1));
    }
}

/* Seeds are made with all of it 0, but for one epoch (seeds.c). */
static fnn_fit_config checkpoint_config(fuzz_input *in, const fnn_dataset *validation)
{
    fnn_fit_config c = fnn_fit_config_init();
    const int flags = fuzz_byte(in);
    c.optimizer = checkpoint_optimizer(in);
    c.epochs = 1 + fuzz_below(in, 4);
    c.batch_size = 2 + (flags & 1);
    c.steps_per_epoch = flags >> 1 & 3;
    c.shuffle = !(flags >> 3 & 1);
    c.ema_decay = flags >> 4 & 1 ? .9 : 0;
    c.restore_best = flags >> 5 & 1;
    c.ignore_nan = flags >> 6 & 1;
    c.validation = flags >> 7 ? validation : NULL;
    if (!c.validation) c.monitor = FNN_MONITOR_LOSS;
    return c;
}

/* Goes on in a copy that has been a file meanwhile; the copy. */
static fnn_model *checkpoint_again(const fnn_model *model)
{
    const char *path = path_of("again");
    fnn_error error = {FNN_OK, ""};
    fnn_model *again;
    fnn_context_config config = fnn_context_config_init();
    fnn_result result = fnn_save_checkpoint(model, path, &error);
    FUZZ_CHECK(!result, "not saved: %s", error.message);
    again = fnn_load(path, &config, &error);
    FUZZ_CHECK(again, "what was saved does not load: %s", error.message);
    return again;
}

static void checkpoint_resumes(fnn_model *model, const fuzz_samples *s, fuzz_input *in)
{
    fnn_fit_config c = checkpoint_config(in, &s->data);
    fnn_history history, history_again;
    fnn_model *again = checkpoint_again(model);
    fnn_result result;
    memset(&history, 0, sizeof history);
    memset(&history_again, 0, sizeof history_again);
    result = fnn_resume(model, &s->data, &c, &history);
    FUZZ_CHECK(result == fnn_resume(again, &s->data, &c, &history_again), "another result");
    fuzz_check_error(result, fnn_model_error(model));
    FUZZ_CHECK(history.count == history_again.count, "another history");
    fuzz_check_alike(model, again);
    fnn_model_free(again);
    if (!result) { /* one more epoch, with a file in between and without */
        again = checkpoint_again(model);
        c.epochs++;
        result = fnn_resume(model, &s->data, &c, NULL);
        FUZZ_CHECK(result == fnn_resume(again, &s->data, &c, NULL), "another result");
        fuzz_check_alike(model, again);
        fnn_model_free(again);
    }
    fnn_history_free(&history);
    fnn_history_free(&history_again);
}

FUZZ_TARGET(checkpoint)
{
    fuzz_input in = {bytes, size}, numbers;
    fnn_context_config config = fnn_context_config_init();
    fnn_error error = {FNN_OK, ""};
    fnn_model *model;
    file_bytes f;
    const int flags = fuzz_byte(&in), allowed = fuzz_allowed(&in), kind = fuzz_byte(&in);
    numbers = in;
    in.size -= in.size > 3 ? 3 : in.size;
    f = fuzz_safetensors(in, 1 << 16, flags & 1);
    fuzz_memory_begin((size_t)64 << 20, allowed);
    model = fnn_load_memory(f.bytes, f.size, &config, &error);
    free(f.bytes);
    FUZZ_CHECK(model || error.code, "no model and no error");
    fuzz_check_error(model ? FNN_OK : error.code, &error);
    fuzz_memory.allowed = -1;
    if (model && fuzz_is_small(model)) {
        fuzz_samples s;
        fuzz_samples_make(&s, model, kind);
        checkpoint_resumes(model, &s, &numbers);
        fuzz_samples_free(&s);
    }
    fnn_model_free(model);
    fuzz_memory_end();
}
