/* Public calls as cases of a test: what comes before one, the call, what it computes; and, some at
 * a time, those that take neither memory nor files. In the world of world.h. Include first. */
#ifndef CALLS_H
#define CALLS_H
#include "world.h"

/* Notes which functions are called, so that a table of them cannot say more than there was. */
enum { CALLED = 256 };
static const char *called_names[CALLED];
static int called_count;

static int was_called(const char *name)
{
    int i;
    for (i = 0; i < called_count && strcmp(called_names[i], name) != 0; i++) continue;
    return i < called_count;
}
static void called(const char *name)
{
    if (!was_called(name) && called_count < CALLED) called_names[called_count++] = name;
}
#define CALL(function) (called(#function), function)

/* The file that calls write, and some read. */
static const char *saved(void)
{
    return path_of("saved");
}

/* The size and the bytes (FNV-1a) of a file. */
static void keep_file(const char *path)
{
    file_bytes f = bytes_of(path);
    uint32_t hash = 2166136261u;
    size_t i;
    for (i = 0; i < f.size; i++) hash = (hash ^ f.bytes[i]) * 16777619u;
    keep_number((double)f.size);
    keep_number(hash);
    free(f.bytes);
}

/* ---- files to read ---- */

static fnn_dataset named, named_numbers, encoded; /* that others are to be read alike */
static const fnn_csv_column town = {"town", 0, FNN_CSV_TEXT};

/* A table with names, categories and missing values. */
static fnn_csv_config config_of_encoded(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    c.header = 1;
    c.label = FNN_CSV_LABEL_TARGET;
    c.columns = &town;
    c.column_count = 1;
    c.missing = FNN_CSV_MISSING_MEAN;
    return c;
}

static fnn_csv_config config_of_named(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    c.label = FNN_CSV_LABEL_NAME;
    return c;
}

/* A dense layer of 4 x 3 as Keras names and lays it out. */
static void write_weights(void)
{
    static const char header[] =
        "{\"fc/kernel\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[0,48]},"
        "\"fc/bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[48,60]}}";
    file_bytes length = bytes_copy("\0\0\0\0\0\0\0\0", 8), data = bytes_copy(header, 60);
    int i;
    length.bytes[0] = sizeof header - 1;
    for (i = 0; i < 15; i++) memcpy(data.bytes + 4 * i, "\0\0\x80\x3f", 4); /* 1 */
    write_and_free("weights", bytes_join(bytes_join(length, bytes_text(header)), data));
}

static void files_open(void)
{
    const file_bytes pictures = idx_file(3, 12, 28, 28, 0, 251);
    fnn_csv_config c = config_of_named();
    fnn_idx_config idx = fnn_idx_config_init();
    write_file("train-images-idx3-ubyte", pictures);
    write_and_free("train-labels-idx1-ubyte.gz", gzip_and_free(idx_file(1, 12, 0, 0, 0, 9), 6));
    write_and_free("t10k-images-idx3-ubyte", gzip_and_free(pictures, 6));
    write_and_free("t10k-labels-idx1-ubyte", idx_file(1, 12, 0, 0, 0, 9));
    write_text("named", "1,2,x\n3,4,y\n\"5\",6,x\n");
    write_and_free("named.gz", gzip_and_free(bytes_text("1,2,x\n3,4,y\n\"5\",6,x\n"), 6));
    write_text("target", "1,2\n3,4\n");
    write_text("encoded", "x,town,y\n1,Ulm,3\n?,Bonn,4\n5,?,6\n");
    write_and_free("data_batch_1.bin", cifar_file(0, 2));
    write_and_free("data_batch_2.bin", cifar_file(2, 1));
    write_and_free("data_batch_3.bin.gz", gzip_and_free(cifar_file(3, 2), 6));
    write_and_free("data_batch_4.bin", cifar_file(5, 1));
    write_and_free("data_batch_5.bin", cifar_file(6, 1));
    write_and_free("test_batch.bin", cifar_file(7, 1));
    write_weights();
    CHECK(!fnn_read_csv(path_of("named"), &c, NULL, &named, NULL));
    c = config_of_encoded();
    CHECK(!fnn_read_csv(path_of("encoded"), &c, NULL, &encoded, NULL));
    idx.compact_classes = 1;
    CHECK(!fnn_read_idx_with(path_of("train-images-idx3-ubyte"), path_of("t10k-labels-idx1-ubyte"),
                             &idx, NULL, &named_numbers, NULL));
}

static void files_close(void)
{
    fnn_dataset_free(&named);
    fnn_dataset_free(&named_numbers);
    fnn_dataset_free(&encoded);
}

/* ---- what comes before a call ---- */

static void nothing(world *w)
{
    (void)w;
}
static void sealed(world *w)
{
    fnn_seal(w->model);
}

static double mean_output(void *user, const fnn_loss_batch *batch, fnn_real *gradient)
{
    const int n = batch->count * batch->outputs;
    double sum = 0;
    int i;
    (void)user;
    for (i = 0; i < n; i++) sum += (double)batch->y[i];
    for (i = 0; gradient && i < n; i++) gradient[i] = (fnn_real)1 / (fnn_real)n;
    return sum / n;
}

static void own_loss(world *w)
{
    fnn_set_loss_function(w->model, mean_output, NULL);
    fnn_seal(w->model);
}

static void trained(world *w)
{
    fnn_fit(w->model, &w->data, &w->fit, &w->history);
    w->fit.validation = &w->data;
    w->fit.restore_best = 1;
    w->fit.ema_decay = .9;
    w->fit.batch_size = 40;
    w->fit.epochs = 3;
    w->fit.clip_norm = 1;
}

static void trained_otherwise(world *w)
{
    trained(w);
    w->fit.optimizer = fnn_adadelta(1);
}

static void images_sealed(world *w)
{
    images(w), sealed(w);
}
static void images_stepped(world *w)
{
    images(w), small_step(w);
}
static void images_half_stepped(world *w)
{
    images(w), half_step(w);
}

static void images_trained(world *w)
{
    images(w);
    trained(w);
    w->fit.augmentation.shift = 1;
}

static void images_saved(world *w)
{
    images(w);
    CHECK(!fnn_fit(w->model, &w->data, &w->fit, NULL) && !fnn_save(w->model, saved(), NULL));
}

static void transformed_sealed(world *w)
{
    transformed(w), sealed(w);
}
static void transformed_half_stepped(world *w)
{
    transformed(w), half_step(w);
}

static void numbers_sealed(world *w)
{
    numbers(w), sealed(w);
}

static void numbers_saved(world *w)
{
    numbers_sealed(w);
    CHECK(!fnn_save(w->model, saved(), NULL));
}

static void images_named(world *w)
{
    static const char *const names[CLASSES] = {"a", "b", "c"};
    images_sealed(w);
    CHECK(!fnn_set_class_names(w->model, names, CLASSES) && !fnn_set_note(w->model, "k", "v"));
}

static void full(world *w) /* of layers: the next one needs a longer array */
{
    int l;
    image_model(w);
    for (l = 0; l < 16; l++) fnn_activate(w->model, FNN_TANH, 0);
}

static void older(void)
{
    write_bytes(saved(), "old", 3);
}

static void images_saved_in_training(world *w)
{
    images_trained(w);
    CHECK(!fnn_save_checkpoint(w->model, saved(), NULL));
}

/* With an old file where the new one will be. */
static void before_save(world *w)
{
    images_named(w);
    older();
}

static void before_save_checkpoint(world *w)
{
    images_trained(w);
    older();
}

static void before_trying(world *w)
{
    (void)w;
    older();
}

static void before_fit_saving(world *w)
{
    older();
    w->fit.checkpoint = saved();
    w->fit.checkpoint_epochs = 1;
}

static void before_resume(world *w)
{
    w->fit.epochs = 1;
    CHECK(!fnn_fit(w->model, &w->data, &w->fit, &w->history));
    w->fit.epochs = 2;
}

static void before_resume_saving(world *w)
{
    before_resume(w);
    before_fit_saving(w);
}

static void small_dense(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    config.allocator = w->allocator;
    fnn_model_free(w->model);
    w->model = fnn_sequential_with(&config, 1, 1, 4);
    fnn_dense(w->model, 3, FNN_LINEAR);
}

/* ---- calls that compute, or make what computes ---- */

static fnn_result call_context(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    const fnn_real x[2] = {1, 2};
    fnn_real y[2];
    fnn_context *context;
    config.allocator = w->allocator;
    context = CALL(fnn_context_create)(&config, &w->error);
    if (context) fnn_exp(context, 2, x, y), keep(y, 2);
    fnn_context_free(context);
    return w->error.code;
}

static fnn_result sgemm_in(fnn_context *context)
{
    static fnn_real c[40 * 70];
    const fnn_result r =
        CALL(fnn_sgemm)(context, 0, 1, 40, 70, 300, 1, a_matrix, 300, b_matrix, 300, 0, c, 70);
    if (!r) keep(c, 40 * 70);
    return r;
}

static fnn_result call_sgemm(world *w)
{
    return sgemm_in(w->context);
}
static fnn_result call_sgemm_alone(world *w)
{
    (void)w;
    return sgemm_in(NULL);
}
static fnn_result call_seal(world *w)
{
    const fnn_result r = CALL(fnn_seal)(w->model);
    if (!r) keep_weights(w);
    return r;
}

static fnn_result call_parameters(world *w)
{
    if (!CALL(fnn_parameters)(w->model, NULL)) return fnn_model_error(w->model)->code;
    keep_weights(w);
    return FNN_OK;
}

static fnn_result call_gradients(world *w)
{
    size_t count;
    const fnn_real *g = CALL(fnn_gradients)(w->model, &count);
    if (!g) return fnn_model_error(w->model)->code;
    keep(g, count);
    return FNN_OK;
}

static fnn_result predict_in(world *w, fnn_context *context)
{
    fnn_real y[ROWS * CLASSES];
    const fnn_result r = CALL(fnn_predict)(w->model, context, &w->data, y);
    if (!r) keep(y, ROWS * CLASSES);
    return r;
}

static fnn_result call_predict(world *w)
{
    return predict_in(w, w->context);
}
static fnn_result call_predict_alone(world *w)
{
    return predict_in(w, NULL);
}
static fnn_result call_predict_classes(world *w)
{
    int32_t y[ROWS];
    const fnn_result r = CALL(fnn_predict_classes)(w->model, NULL, &w->data, y);
    int i;
    for (i = 0; !r && i < ROWS; i++) keep_number(y[i]);
    return r;
}

static fnn_result call_predict_augmented(world *w)
{
    fnn_real y[ROWS * CLASSES];
    const fnn_result r = CALL(fnn_predict_augmented)(w->model, NULL, &w->data, 1, 0, y);
    if (!r) keep(y, ROWS * CLASSES);
    return r;
}

static fnn_result evaluate_in(world *w, fnn_context *context)
{
    fnn_metrics metrics;
    const fnn_result r = CALL(fnn_evaluate)(w->model, context, &w->data, &metrics);
    if (!r) keep_number(metrics.loss), keep_number(metrics.accuracy);
    return r;
}

static fnn_result call_evaluate(world *w)
{
    return evaluate_in(w, w->context);
}
static fnn_result call_evaluate_alone(world *w)
{
    return evaluate_in(w, NULL);
}
static fnn_result call_reserve(world *w)
{
    const fnn_result r = CALL(fnn_reserve)(w->model, w->context);
    if (!r) call_predict(w);
    return r;
}

static fnn_result call_forward(world *w)
{
    const fnn_result r = CALL(fnn_forward)(w->model, &w->data, NULL, 40, 1);
    CHECK(r == FNN_OK ? fnn_outputs(w->model) != NULL : fnn_outputs(w->model) == NULL);
    if (!r) fnn_loss(w->model, NULL), keep(fnn_outputs(w->model), 40 * CLASSES);
    return r;
}

static fnn_result call_backward_to_input(world *w)
{
    static fnn_real dx[5 * INPUTS];
    const fnn_result r = CALL(fnn_backward_to_input)(w->model, NULL, dx);
    if (!r) keep(dx, 5 * INPUTS), keep(fnn_gradients(w->model, NULL), 40);
    return r;
}

static fnn_result call_step(world *w)
{
    const fnn_result r = CALL(fnn_step)(w->model, &w->fit);
    if (!r) keep_weights(w);
    return r;
}

static fnn_result call_fit(world *w)
{
    const int before = w->history.count;
    const fnn_result r = CALL(fnn_fit)(w->model, &w->data, &w->fit, &w->history);
    int i;
    CHECK(w->history.count == before + (r ? 0 : w->fit.epochs));
    for (i = 0; !r && i < w->history.count; i++) keep_number(w->history.epochs[i].loss);
    if (!r) keep_weights(w);
    return r;
}

static fnn_result call_check_gradients(world *w)
{
    fnn_gradient_check report;
    const fnn_fit_config plain_fit = fnn_fit_config_init();
    fnn_dataset few = w->data;
    fnn_result r;
    few.count = 2;
    few.rows = ROWS;
    r = CALL(fnn_check_gradients)(w->model, &few, &plain_fit, 1e-3, &report, NULL);
    if (!r) keep_number(report.worst);
    return r;
}

static fnn_result call_normalization(world *w)
{
    fnn_real shift[INPUTS], scale[INPUTS];
    const fnn_result r = CALL(fnn_normalization_compute)(FNN_NORMALIZE_STANDARDIZE, &w->data, shift,
                                                         scale, &w->error);
    if (!r) keep(shift, INPUTS), keep(scale, INPUTS);
    return r;
}

static fnn_result call_normalize_targets(world *w)
{
    const fnn_result r = CALL(fnn_normalize_targets)(w->model, FNN_NORMALIZE_MEAN, &w->data);
    if (!r) keep(w->model->target_shift, CLASSES), keep(w->model->target_scale, CLASSES);
    return r;
}

/* The copy takes the model's place. */
static fnn_result call_copy(world *w)
{
    fnn_model *copy = CALL(fnn_copy)(w->model, NULL, &w->error);
    if (!copy) return w->error.code;
    fnn_model_free(w->model);
    w->model = copy;
    keep_weights(w);
    return FNN_OK;
}

static fnn_result call_normalize_with(world *w)
{
    const fnn_real shift = 3, scale = 2;
    const fnn_result r = CALL(fnn_normalize_with)(w->model, &shift, &scale, 1);
    if (!r) keep(w->model->shift, INPUTS), keep(w->model->scale, INPUTS);
    return r;
}

static fnn_result call_predict_layer(world *w)
{
    static fnn_real y[ROWS * 90]; /* the convolution's */
    const fnn_result r = CALL(fnn_predict_layer)(w->model, w->context, &w->data, 0, y);
    if (!r) keep(y, ROWS * 40);
    return r;
}

static fnn_result call_tensor_gradient(world *w)
{
    size_t count;
    const fnn_real *g = CALL(fnn_tensor_gradient)(w->model, 0, "bias", &count);
    if (!g) return fnn_model_error(w->model)->code;
    keep(g, count);
    return FNN_OK;
}

/* A view that failed is zeroed, so that it can be freed. */
static fnn_result view_made(world *w, fnn_result r)
{
    const fnn_dataset none = {0};
    if (r) CHECK(!memcmp(&w->first, &none, sizeof none) && !memcmp(&w->second, &none, sizeof none));
    else keep_samples(&w->first);
    if (!r && w->second.count) keep_samples(&w->second);
    return r;
}

static fnn_result call_subset(world *w)
{
    const int64_t samples[4] = {9, 3, 3, 59};
    return view_made(w, CALL(fnn_dataset_subset)(&w->data, samples, 4, &w->first, &w->error));
}

static fnn_result call_shuffle(world *w)
{
    return view_made(w, CALL(fnn_dataset_shuffle)(&w->data, 7, &w->first, &w->error));
}

static fnn_result call_split(world *w)
{
    return view_made(w, CALL(fnn_dataset_split)(&w->data, 20, FNN_ORDER_SHUFFLE, 7, &w->first,
                                                &w->second, &w->error));
}

static fnn_result call_split_stratified(world *w)
{
    return view_made(w, CALL(fnn_dataset_split)(&w->data, 20, FNN_ORDER_STRATIFIED, 7, &w->first,
                                                &w->second, &w->error));
}

static fnn_result call_fold(world *w)
{
    return view_made(w, CALL(fnn_dataset_fold)(&w->data, 7, 2, FNN_ORDER_SHUFFLE, 7, &w->first,
                                               &w->second, &w->error));
}

static fnn_result call_fold_stratified(world *w)
{
    return view_made(w, CALL(fnn_dataset_fold)(&w->data, 7, 2, FNN_ORDER_STRATIFIED, 7, &w->first,
                                               &w->second, &w->error));
}

/* ---- kernels that take workspace ---- */

static fnn_result conv2d_in(world *w, int which)
{
    static fnn_real x[4 * 8 * 8 * 16], y[4 * 8 * 8 * 16], weights[9 * 16 * 16], b[16];
    fnn_window window;
    fnn_result r;
    (void)w;
    CHECK(!fnn_window_make(8, 8, 16, 3, 3, 1, 1, FNN_SAME, &window));
    fill_reals(x, COUNT(x), 1, 1);
    fill_reals(y, COUNT(y), 1, 2);
    fill_reals(weights, COUNT(weights), 1, 3);
    r = which == 0   ? CALL(fnn_conv2d_forward)(NULL, &window, 16, 4, x, weights, b, y)
        : which == 1 ? CALL(fnn_conv2d_backward_data)(NULL, &window, 16, 4, y, weights, x)
                     : CALL(fnn_conv2d_backward_weights)(NULL, &window, 16, 4, x, y, weights, b);
    if (!r) keep(x, 200), keep(y, 200), keep(weights, 200), keep(b, 16);
    return r;
}
static fnn_result call_conv2d_forward(world *w)
{
    return conv2d_in(w, 0);
}
static fnn_result call_conv2d_backward_data(world *w)
{
    return conv2d_in(w, 1);
}
static fnn_result call_conv2d_backward_weights(world *w)
{
    return conv2d_in(w, 2);
}

static fnn_result batch_norm_in(fnn_context *context, int back)
{
    const fnn_real mean[30] = {0}, variance[30] = {0};
    fnn_real y[ROWS * 30], m[30], v[30];
    const fnn_result r =
        back ? CALL(fnn_batch_norm_backward)(context, ROWS, 30, a_matrix, b_matrix, NULL, mean,
                                             variance, 1, y, m, v)
             : CALL(fnn_batch_norm_forward)(context, ROWS, 30, a_matrix, NULL, NULL, 1, m, v, y);
    if (!r) keep(y, ROWS * 30), keep(m, 30), keep(v, 30);
    return r;
}
static fnn_result call_batch_norm_forward(world *w)
{
    return batch_norm_in(w->context, 0);
}
static fnn_result call_batch_norm_forward_alone(world *w)
{
    (void)w;
    return batch_norm_in(NULL, 0);
}
static fnn_result call_batch_norm_backward(world *w)
{
    return batch_norm_in(w->context, 1);
}

/* ---- builders: each on an empty model, made anew where it is broken ---- */

/* A builder's result is what a summary says of it. */
static fnn_result built(world *w, int layer)
{
    char text[1000];
    size_t i;
    if (layer < 0) return fnn_model_error(w->model)->code;
    fnn_summary(w->model, text, sizeof text);
    for (i = 0; text[i]; i++) keep_number(text[i]);
    return FNN_OK;
}

static fnn_model *to_build(world *w)
{
    if (fnn_model_error(w->model)->code) image_model(w);
    return w->model;
}

#define BUILDER(name, ...)                                 \
    static fnn_result call_##name(world *w)                \
    {                                                      \
        fnn_model *m = to_build(w);                        \
        return built(w, CALL(fnn_##name)(m, __VA_ARGS__)); \
    }
#define PLAIN_BUILDER(name)                   \
    static fnn_result call_##name(world *w)   \
    {                                         \
        fnn_model *m = to_build(w);           \
        return built(w, CALL(fnn_##name)(m)); \
    }
static const fnn_dense_config two_units = {2, FNN_TANH, 1};
static const fnn_conv2d_config two_filters = {2, 2, 2, 1, 1, FNN_SAME, FNN_TANH, 0, 0, 0};
static const fnn_pool2d_config rows_of_two = {1, 1, 2, 1, 2, FNN_SAME, 0, 0};
static const fnn_batch_norm_config half = {(fnn_real).5, (fnn_real).5, 1};
BUILDER(dense, 3, FNN_TANH)
BUILDER(dense_with, &two_units)
BUILDER(conv2d, 2, 3, FNN_SAME, FNN_TANH)
BUILDER(conv2d_with, &two_filters)
BUILDER(max_pool2d, 2)
BUILDER(average_pool2d, 2)
BUILDER(pool2d_with, &rows_of_two)
PLAIN_BUILDER(global_average_pool2d)
PLAIN_BUILDER(batch_norm)
BUILDER(batch_norm_with, &half)
BUILDER(spatial_dropout, (fnn_real).5)
BUILDER(add, -1)
BUILDER(activate, FNN_TANH, 0)
BUILDER(dropout, (fnn_real).5)
PLAIN_BUILDER(flatten)

static fnn_result call_dense_behind_others(world *w)
{
    if (fnn_model_error(w->model)->code) full(w);
    return built(w, CALL(fnn_dense)(w->model, 3, FNN_TANH));
}

static fnn_result call_sequential_with(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    config.allocator = w->allocator;
    fnn_model_free(w->model);
    w->model = CALL(fnn_sequential_with)(&config, 1, 1, INPUTS);
    return built(w, w->model ? 0 : -1);
}

static fnn_result call_sequential(world *w)
{
    fnn_model_free(w->model);
    w->model = CALL(fnn_sequential)(1, 1, INPUTS);
    return built(w, w->model ? 0 : -1);
}

static fnn_result call_normalize(world *w)
{
    const fnn_result r = CALL(fnn_normalize)(to_build(w), FNN_NORMALIZE_STANDARDIZE, &w->data);
    if (!r) keep(w->model->shift, INPUTS), keep(w->model->scale, INPUTS);
    return r;
}

static fnn_result call_tensor_values(world *w)
{
    size_t count;
    const fnn_real *x = CALL(fnn_tensor_values)(w->model, 0, "weight", &count);
    if (!x) return fnn_model_error(w->model)->code;
    keep(x, count);
    return FNN_OK;
}

/* ---- one sample, epochs, names ---- */

static fnn_result call_predict_one(world *w)
{
    fnn_real y[CLASSES];
    const fnn_result r = CALL(fnn_predict_one)(w->model, NULL, a_matrix, y);
    if (!r) keep(y, CLASSES);
    return r;
}

static fnn_result call_predict_one_bytes(world *w)
{
    fnn_real y[CLASSES];
    const fnn_result r = CALL(fnn_predict_one_bytes)(w->model, NULL, pixels, y);
    if (!r) keep(y, CLASSES);
    return r;
}

static fnn_result call_history_append(world *w)
{
    const fnn_epoch e = {1, 2, 3, 4, 5, 6, 7, 8};
    const int before = w->history.count;
    const fnn_result r = CALL(fnn_history_append)(&w->history, &e);
    CHECK(w->history.count == before + !r);
    keep_number(w->history.count);
    return r;
}

/* The first epochs fill the array. */
static void many_epochs(world *w)
{
    const fnn_epoch e = {1, 2, 3, 4, 5, 6, 7, 8};
    do CHECK(!fnn_history_append(&w->history, &e));
    while (w->history.count < w->history.capacity);
}

static const char *const three_names[] = {"one", "two", "three"};
static const char *feature_name(int i)
{
    static char names[INPUTS][16];
    snprintf(names[i], sizeof names[i], "f%d", i);
    return names[i];
}

static fnn_result named_as(world *w, fnn_result r)
{
    const char *first = fnn_feature_name(w->model, 0), *last = fnn_class_name(w->model, 2);
    if (!r) keep_number(first ? first[0] : 0), keep_number(last ? last[0] : 0);
    return r;
}

static fnn_result call_set_class_names(world *w)
{
    return named_as(w, CALL(fnn_set_class_names)(w->model, three_names, CLASSES));
}

static fnn_result call_set_feature_names(world *w)
{
    const char *names[INPUTS];
    int i;
    for (i = 0; i < INPUTS; i++) names[i] = feature_name(i);
    return named_as(w, CALL(fnn_set_feature_names)(w->model, names, INPUTS));
}

static fnn_result call_set_names(world *w)
{
    const char *names[INPUTS];
    fnn_dataset data = w->data;
    int i;
    for (i = 0; i < INPUTS; i++) names[i] = feature_name(i);
    data.feature_names = names;
    data.class_names = three_names;
    return named_as(w, CALL(fnn_set_names)(w->model, &data));
}

static fnn_result call_set_note(world *w)
{
    const fnn_result r = CALL(fnn_set_note)(w->model, "key", "value");
    const char *value = fnn_note(w->model, "key");
    CHECK(r ? value == NULL : value && !strcmp(value, "value"));
    keep_number(1);
    return r;
}

/* ---- readers ---- */

static fnn_result data_read(world *w, fnn_result r)
{
    fnn_dataset *d = &w->first;
    int64_t i, n = d->count * d->height * d->width * d->channels;
    CHECK(!r || (is_zero(&w->first) && is_zero(&w->second)));
    keep_number((double)d->count), keep_number((double)w->second.count), keep_number(d->classes);
    for (i = 0; d->bytes && i < n && i < 100; i++) keep_number(d->bytes[i]);
    for (i = 0; d->labels && i < d->count; i++) keep_number(d->labels[i]);
    for (i = 0; d->class_names && i < d->classes; i++) keep_number(d->class_names[i][0]);
    if (d->reals) keep(d->reals, (size_t)n);
    if (d->targets) keep(d->targets, (size_t)(d->count * d->target_count));
    return r;
}

static fnn_result call_read_idx(world *w)
{
    return data_read(w, CALL(fnn_read_idx)(path_of("train-images-idx3-ubyte"),
                                           path_of("t10k-labels-idx1-ubyte"), &w->allocator,
                                           &w->first, &w->error));
}

static fnn_result call_read_idx_gz(world *w)
{
    return data_read(w, CALL(fnn_read_idx)(path_of("t10k-images-idx3-ubyte"),
                                           path_of("train-labels-idx1-ubyte.gz"), &w->allocator,
                                           &w->first, &w->error));
}

static fnn_result call_read_idx_with(world *w)
{
    fnn_idx_config c = fnn_idx_config_init();
    c.transpose = c.compact_classes = 1;
    c.same_classes = &named_numbers;
    return data_read(w, CALL(fnn_read_idx_with)(path_of("train-images-idx3-ubyte"),
                                                path_of("t10k-labels-idx1-ubyte"), &c,
                                                &w->allocator, &w->first, &w->error));
}

static fnn_result call_read_fashion_mnist(world *w)
{
    return data_read(w, CALL(fnn_read_fashion_mnist)(path_of(""), &w->allocator, &w->first,
                                                     &w->second, &w->error));
}

static fnn_result call_read_cifar10(world *w)
{
    return data_read(
        w, CALL(fnn_read_cifar10)(path_of(""), &w->allocator, &w->first, &w->second, &w->error));
}

static fnn_result call_read_cifar10_files(world *w)
{
    const char *files[2];
    files[0] = path_of("data_batch_1.bin");
    files[1] = path_of("data_batch_3.bin.gz");
    return data_read(w,
                     CALL(fnn_read_cifar10_files)(files, 2, &w->allocator, &w->first, &w->error));
}

static fnn_result csv_in(world *w, const char *name, const fnn_csv_config *c)
{
    return data_read(w, CALL(fnn_read_csv)(path_of(name), c, &w->allocator, &w->first, &w->error));
}

static fnn_result call_read_csv(world *w)
{
    const fnn_csv_config c = config_of_named();
    return csv_in(w, "named", &c);
}

static fnn_result call_read_csv_gz(world *w)
{
    const fnn_csv_config c = config_of_named();
    return csv_in(w, "named.gz", &c);
}

static fnn_result call_read_csv_bytes(world *w)
{
    fnn_csv_config c = config_of_named();
    c.same_classes = &named;
    c.keep_bytes = 1;
    return csv_in(w, "named", &c);
}

static fnn_result call_read_csv_target(world *w)
{
    fnn_csv_config c = fnn_csv_config_init();
    c.label = FNN_CSV_LABEL_TARGET;
    return csv_in(w, "target", &c);
}

static fnn_result call_read_csv_encoded(world *w)
{
    const fnn_csv_config c = config_of_encoded();
    return csv_in(w, "encoded", &c);
}

static fnn_result call_read_csv_alike(world *w)
{
    fnn_csv_config c = config_of_encoded();
    c.same_classes = &encoded;
    return csv_in(w, "encoded", &c);
}

/* ---- model files ---- */

static fnn_result file_written(fnn_result r)
{
    if (!r) keep_file(saved());
    return r;
}

static fnn_result call_save(world *w)
{
    return file_written(CALL(fnn_save)(w->model, saved(), &w->error));
}

static fnn_result call_save_checkpoint(world *w)
{
    return file_written(CALL(fnn_save_checkpoint)(w->model, saved(), &w->error));
}

static fnn_result call_check_writable(world *w)
{
    keep_number(1);
    return CALL(fnn_check_writable)(saved(), &w->error);
}

static size_t sent;
static int send(void *user, const void *bytes, size_t count)
{
    (void)user, (void)bytes;
    sent += count;
    return disk_fails('u');
}

static fnn_result call_save_to(world *w)
{
    fnn_result r;
    sent = 0;
    r = CALL(fnn_save_to)(w->model, send, NULL, &w->error);
    if (!r) keep_number((double)sent);
    return r;
}

static fnn_result loaded(world *w, fnn_model *model)
{
    fnn_model_free(w->model);
    w->model = model;
    if (!model) return w->error.code;
    keep_weights(w);
    return FNN_OK;
}

static fnn_context_config config_in(world *w)
{
    fnn_context_config config = fnn_context_config_init();
    config.allocator = w->allocator;
    return config;
}

static fnn_result call_load(world *w)
{
    const fnn_context_config config = config_in(w);
    return loaded(w, CALL(fnn_load)(saved(), &config, &w->error));
}

static size_t receive(void *user, void *bytes, size_t capacity)
{
    if (disk_fails('u')) return capacity + 1;
    return fread(bytes, 1, capacity < 300 ? capacity : 300, (FILE *)user);
}

static fnn_result call_load_from(world *w)
{
    const fnn_context_config config = config_in(w);
    FILE *stream = fopen(saved(), "rb");
    fnn_model *m = CALL(fnn_load_from)(receive, stream, &config, &w->error);
    if (stream) fclose(stream);
    return loaded(w, m);
}

static fnn_result call_load_memory(world *w)
{
    const fnn_context_config config = config_in(w);
    const file_bytes f = bytes_of(saved());
    fnn_model *m = CALL(fnn_load_memory)(f.bytes, f.size, &config, &w->error);
    free(f.bytes);
    return loaded(w, m);
}

static fnn_result call_load_weights(world *w)
{
    const fnn_result r =
        CALL(fnn_load_weights)(w->model, path_of("weights"), FNN_FROM_KERAS, NULL, 0);
    if (!r) keep_weights(w);
    return r;
}

/* A fit that writes. Where only its last file failed there is nothing to do but write that. */
static fnn_result call_fit_saving(world *w)
{
    const fnn_result r = w->model->updates ? fnn_resume(w->model, &w->data, &w->fit, NULL)
                                           : CALL(fnn_fit)(w->model, &w->data, &w->fit, NULL);
    if (!r) keep_weights(w), keep_file(saved());
    return r;
}

static fnn_result call_resume(world *w)
{
    const fnn_result r = CALL(fnn_resume)(w->model, &w->data, &w->fit, &w->history);
    if (!r) keep_weights(w), keep_number(w->history.count);
    return r;
}

static fnn_result call_resume_saving(world *w)
{
    const fnn_result r = call_resume(w);
    if (!r) keep_file(saved());
    return r;
}

/* ---- searches ---- */

static int build_small(void *user, const fnn_trial *trial, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fit->batch_size = 30;
    fnn_dense(m, (int)trial->values[0], FNN_RELU);
    return fnn_dense(m, CLASSES, FNN_SOFTMAX) < 0;
}

static const double two_sizes[] = {3, 4};
static const fnn_grid_axis sizes_axis = {"units", two_sizes, 2, NULL};

static fnn_search_config config_of_search(world *w)
{
    fnn_search_config c = fnn_search_config_init();
    c.build = build_small;
    c.folds = 2;
    c.context = config_in(w);
    return c;
}

static fnn_result searched(world *w, fnn_result r)
{
    int i;
    for (i = 0; !r && i < w->search.count; i++) keep_number(w->search.candidates[i].mean.loss);
    if (!r) keep_number(w->search.best), keep(fnn_parameters(w->search.model, NULL), 90);
    return r;
}

static fnn_result call_grid_search(world *w)
{
    const fnn_search_config c = config_of_search(w);
    fnn_search_free(&w->search);
    return searched(w, CALL(fnn_grid_search)(&w->data, &sizes_axis, 1, &c, &w->search, &w->error));
}

static void before_finish(world *w)
{
    fnn_search_config c = config_of_search(w);
    c.refit = 0;
    CHECK(!fnn_grid_search(&w->data, &sizes_axis, 1, &c, &w->search, NULL));
}

static fnn_result call_search_finish(world *w)
{
    const fnn_search_config c = config_of_search(w);
    return searched(w, CALL(fnn_search_finish)(&w->data, &c, &w->search, &w->error));
}

static void before_search_file(world *w)
{
    before_finish(w);
    older();
}

static fnn_result call_search_save_csv(world *w)
{
    return file_written(CALL(fnn_search_save_csv)(&w->search, saved(), &w->error));
}

static fnn_result call_search_save_histories(world *w)
{
    return file_written(CALL(fnn_search_save_histories)(&w->search, saved(), &w->error));
}

/* ---- calls that take nothing: each group is one call, which gives 0 where all went well ---- */

static fnn_result idle_values(world *w)
{
    fnn_schedule s = CALL(fnn_schedule_constant)();
    fnn_optimizer o = CALL(fnn_pytorch)(CALL(fnn_sgd)(1));
    (void)w;
    o = CALL(fnn_momentum)(1, .9), o = CALL(fnn_nesterov)(1, .9), o = CALL(fnn_adagrad)(1);
    o = CALL(fnn_adadelta)(1), o = CALL(fnn_rmsprop)(1), o = CALL(fnn_adam)(1);
    o = CALL(fnn_adamw)(o.learning_rate > 0, .1);
    s = CALL(fnn_schedule_step_decay)(2, .5), s = CALL(fnn_schedule_exponential)(.5);
    s = CALL(fnn_schedule_cosine)(s.gamma), s = CALL(fnn_schedule_one_cycle)();
    s = CALL(fnn_schedule_linear)();
    return (fnn_result)(CALL(fnn_schedule_rate)(&s, 1, 0, 10, 5) != 1 || o.kind != FNN_ADAM);
}

static fnn_result idle_configurations(world *w)
{
    const int zeros = CALL(fnn_idx_config_init)().transpose + CALL(fnn_csv_config_init)().header +
                      CALL(fnn_conv2d_config_init)().filters + CALL(fnn_dense_config_init)().units +
                      CALL(fnn_pool2d_config_init)().average +
                      CALL(fnn_batch_norm_config_init)().unbiased +
                      CALL(fnn_fit_config_init)().verbose + CALL(fnn_search_config_init)().folds;
    (void)w;
    return (fnn_result)(zeros + CALL(fnn_context_config_init)().no_winograd +
                        !CALL(fnn_batch_norm_config_pytorch)().unbiased);
}

static fnn_result idle_words(world *w)
{
    return (fnn_result)(!CALL(fnn_result_text)(FNN_OK) || !CALL(fnn_info)(w->context) ||
                        !CALL(fnn_isa_available)(FNN_ISA_SCALAR) ||
                        !CALL(fnn_isa_name)(FNN_ISA_SCALAR));
}

static fnn_result idle_data(world *w)
{
    int64_t counts[CLASSES];
    fnn_dataset d = CALL(fnn_dataset_images)(pixels, labels, 2, 1, 1, 3, CLASSES);
    fnn_result r = CALL(fnn_dataset_check)(&d, NULL);
    if (!r) r = CALL(fnn_dataset_class_counts)(&d, counts);
    d = CALL(fnn_dataset_table)(a_matrix, NULL, 2, 3, 0);
    if (!r) r = fnn_dataset_check(&d, NULL);
    d = CALL(fnn_dataset_regression)(a_matrix, b_matrix, 2, 3, 1);
    if (r || CALL(fnn_dataset_row)(&d, 1) != 1 || CALL(fnn_dataset_label)(&w->data, 0) < 0)
        return FNN_ERROR_ARGUMENT;
    return CALL(fnn_dataset_target)(&d, 1) == b_matrix + 1 ? FNN_OK : FNN_ERROR_ARGUMENT;
}

/* What a world holds; it is closed again, which does no harm. */
static fnn_result idle_frees(world *w)
{
    CALL(fnn_dataset_free)(&w->first), CALL(fnn_history_free)(&w->history);
    CALL(fnn_search_free)(&w->search), CALL(fnn_context_free)(w->context);
    CALL(fnn_model_free)(w->model);
    w->context = NULL;
    w->model = NULL;
    return FNN_OK;
}

static fnn_result idle_settings(world *w)
{
    const fnn_initializer normal = {FNN_HE_NORMAL, 1};
    fnn_result r = CALL(fnn_set_initializer)(w->model, normal, normal);
    if (!r) r = CALL(fnn_set_seed)(w->model, 3);
    if (!r) r = CALL(fnn_set_trainable)(w->model, 0, 0);
    if (!r) r = CALL(fnn_set_rate_factor)(w->model, 0, .5);
    if (!r) r = CALL(fnn_set_loss_function)(w->model, mean_output, NULL);
    return r ? r : CALL(fnn_set_loss)(w->model, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
}

static fnn_result idle_looks(world *w)
{
    const fnn_model *m = w->model;
    int shape[3];
    char text[400];
    fnn_tensor t;
    fnn_result r = CALL(fnn_shapes)(m, shape, NULL);
    if (!r) r = CALL(fnn_check_shapes)(m, shape[0], shape[1], shape[2], CLASSES, NULL);
    if (!r) r = CALL(fnn_check_data)(m, &w->data, 1, NULL);
    if (!r) r = CALL(fnn_layer_shape)(m, 0, shape);
    if (!r) r = CALL(fnn_tensor_at)(m, 0, 0, &t);
    if (!r) r = CALL(fnn_tensor_get)(m, 0, "bias", &t);
    if (r || CALL(fnn_layer_count)(m) < 1 || !CALL(fnn_layer_name)(m, 0)) return FNN_ERROR_ARGUMENT;
    return (fnn_result)(!CALL(fnn_summary)(m, text, sizeof text) || !CALL(fnn_class_name)(m, 0) ||
                        CALL(fnn_feature_name)(m, 0) || !CALL(fnn_note)(m, "k") ||
                        CALL(fnn_model_error)(m)->code || !CALL(fnn_memory_size)(m, 8) ||
                        CALL(fnn_best_epoch)(m) < 0 ||
                        !CALL(fnn_layer_words)(m, 0, text, sizeof text));
}

static fnn_result idle_step(world *w)
{
    fnn_real *y = a_matrix + 5 * CLASSES;
    fnn_result r = CALL(fnn_loss)(w->model, NULL);
    if (!r) r = CALL(fnn_backward)(w->model);
    memcpy(a_matrix, CALL(fnn_outputs)(w->model), 5 * CLASSES * sizeof *y);
    return r ? r : CALL(fnn_backward_from)(w->model, a_matrix);
}

static fnn_result idle_save(world *w)
{
    static char bytes[100000];
    size_t size;
    return CALL(fnn_save_memory)(w->model, bytes, sizeof bytes, &size, NULL);
}

static fnn_result idle_scores(world *w)
{
    int64_t confusion[CLASSES * CLASSES];
    fnn_dataset numbers_of_data = w->data;
    double sum = CALL(fnn_accuracy_on)(a_matrix, &w->data, CLASSES) +
                 CALL(fnn_top_k_on)(a_matrix, &w->data, CLASSES, 2) +
                 CALL(fnn_accuracy)(a_matrix, labels, ROWS, CLASSES) +
                 CALL(fnn_top_k)(a_matrix, labels, ROWS, CLASSES, 2) +
                 CALL(fnn_binary_accuracy)(a_matrix, b_matrix, ROWS, 1, .5) +
                 CALL(fnn_r2)(a_matrix, b_matrix, ROWS, 1);
    fnn_result r = CALL(fnn_confusion_on)(a_matrix, &w->data, CLASSES, confusion);
    if (!r) r = CALL(fnn_confusion)(labels, labels, ROWS, CLASSES, confusion);
    if (!r) r = CALL(fnn_precision_recall)(confusion, CLASSES, NULL, NULL, NULL);
    numbers_of_data.classes = 0;
    numbers_of_data.labels = NULL;
    numbers_of_data.targets = b_matrix;
    numbers_of_data.target_count = 2;
    sum += CALL(fnn_r2_on)(a_matrix, &numbers_of_data, 2);
    return r || sum != sum ? FNN_ERROR_ARGUMENT : FNN_OK;
}

static fnn_result idle_elements(world *w)
{
    fnn_context *const contexts[2] = {w->context, NULL};
    const fnn_real *x = b_matrix, one = 1;
    fnn_real *y = a_matrix;
    fnn_result r = FNN_OK;
    int i;
    for (i = 0; i < 2 && !r; i++) {
        fnn_context *c = contexts[i];
        r = CALL(fnn_exp)(c, 99, x, y);
        if (!r) r = CALL(fnn_log)(c, 99, x, y);
        if (!r) r = CALL(fnn_tanh)(c, 99, x, y);
        if (!r) r = CALL(fnn_sigmoid)(c, 99, x, y);
        if (!r) r = CALL(fnn_activation_forward)(c, FNN_GELU, 0, 99, x, y);
        if (!r) r = CALL(fnn_activation_backward)(c, FNN_GELU, 0, 99, x, y, y, y);
        if (!r) r = CALL(fnn_softmax)(c, 9, 11, x, y);
        if (!r) r = CALL(fnn_softmax_cross_entropy)(c, 9, CLASSES, x, labels, NULL, 0, 1, NULL, y);
        if (!r) r = CALL(fnn_sum)(c, 99, x, y);
        if (!r) r = CALL(fnn_dot)(c, 99, x, x, y);
        if (!r) r = CALL(fnn_from_bytes)(c, 99, pixels, 0, &one, &one, y);
        if (!r) r = CALL(fnn_dropout_apply)(c, 99, 1, 2, (fnn_real).5, x, y);
    }
    return r;
}

static fnn_result idle_windows(world *w)
{
    fnn_context *const contexts[2] = {w->context, NULL};
    static uint8_t index[2000];
    fnn_window v;
    fnn_result r = CALL(fnn_window_make_padded)(6, 6, 3, 2, 2, 1, 1, 1, 1, &v);
    int i;
    if (!r) r = CALL(fnn_window_make)(6, 6, 3, 2, 2, 2, 2, FNN_VALID, &v);
    for (i = 0; i < 2 && !r; i++) {
        fnn_context *c = contexts[i];
        r = CALL(fnn_max_pool2d_forward)(c, &v, 9, b_matrix, a_matrix, index);
        if (!r) r = CALL(fnn_max_pool2d_backward)(c, &v, 9, index, b_matrix, a_matrix);
        if (!r) r = CALL(fnn_average_pool2d_forward)(c, &v, 9, b_matrix, a_matrix);
        if (!r) r = CALL(fnn_average_pool2d_backward)(c, &v, 9, b_matrix, a_matrix);
        if (!r) r = CALL(fnn_im2col)(c, &v, 9, b_matrix, a_matrix);
        if (!r) r = CALL(fnn_col2im)(c, &v, 9, b_matrix, a_matrix);
    }
    return r;
}

static fnn_result idle_table(world *w)
{
    char text[2000];
    return CALL(fnn_search_table)(&w->search, 0, text, sizeof text) ? FNN_OK : FNN_ERROR_ARGUMENT;
}
#endif
