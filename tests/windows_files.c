/* Windows: a save that another program is in the way of leaves the old file, and says why; one that
 * nobody is in the way of works, as do training and loading. Runs under Wine as well. By hand:
 *     x86_64-w64-mingw32-gcc -O1 tests/windows_files.c -o files.exe -lm && wine files.exe */
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdio.h>

/* What happens between the end of the new file and its renaming. */
static void (*interfere)(void);
static int interfering_close(int file)
{
    const int result = _close(file);
    if (interfere) interfere();
    return result;
}
#define _close(file) interfering_close(file)
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#undef _close
#include <windows.h> /* with which the header's own declarations must agree */
#include "harness.h"

#define MODEL "windows_files.safetensors"
enum { ROWS = 60, INPUTS = 4, CLASSES = 3 };

/* ---- files ---- */

static const char *new_name(void)
{
    static char name[100];
    snprintf(name, sizeof name, MODEL ".tmp-%d-0", _getpid());
    return name;
}

static HANDLE held = INVALID_HANDLE_VALUE;

/* As a program does that knows nothing of us: it shares reading and writing, not the name. */
static void hold(const char *path)
{
    held = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                       FILE_ATTRIBUTE_NORMAL, NULL);
    CHECKF(held != INVALID_HANDLE_VALUE, "%s: error %lu", path, GetLastError());
}
static void let_go(void)
{
    CloseHandle(held);
    held = INVALID_HANDLE_VALUE;
}
static void hold_new(void)
{
    hold(new_name());
}
static void hold_old(void)
{
    hold(MODEL);
}

static DWORD WINAPI let_go_soon(void *unused)
{
    (void)unused;
    Sleep(100);
    let_go();
    return 0;
}
static HANDLE waiter;
static void hold_new_for_a_moment(void)
{
    hold_new();
    waiter = CreateThread(NULL, 0, let_go_soon, NULL, 0, NULL);
}

static int exists(const char *path)
{
    return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}
static void write_text(const char *path, const char *text)
{
    FILE *stream = fopen(path, "wb");
    CHECK(stream && fputs(text, stream) >= 0);
    if (stream) fclose(stream);
}
static int has_text(const char *path, const char *text)
{
    char found[100];
    FILE *stream = fopen(path, "rb");
    const size_t n = stream ? fread(found, 1, sizeof found, stream) : 0;
    if (stream) fclose(stream);
    return stream && n == strlen(text) && !memcmp(found, text, n);
}

/* ---- a model ---- */

static fnn_real inputs[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset samples(void)
{
    int i;
    for (i = 0; i < ROWS * INPUTS; i++) inputs[i] = (fnn_real)(i * 37 % 11) / 11;
    for (i = 0; i < ROWS; i++) {
        labels[i] = i % CLASSES;
        inputs[i * INPUTS + labels[i]] += 1;
    }
    return fnn_dataset_table(inputs, labels, ROWS, INPUTS, CLASSES);
}

static fnn_model *model_make(uint64_t seed)
{
    fnn_model *m = fnn_sequential(1, 1, INPUTS);
    fnn_set_seed(m, seed);
    fnn_dense(m, 16, FNN_TANH);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_seal(m);
    return m;
}

static int same_weights(fnn_model *a, fnn_model *b)
{
    size_t n = 0, k = 0;
    const fnn_real *x = a ? fnn_parameters(a, &n) : NULL, *y = b ? fnn_parameters(b, &k) : NULL;
    return n > 0 && n == k && !memcmp(x, y, n * sizeof *x);
}

/* Whether the file at MODEL is this model. */
static int is_saved(fnn_model *model)
{
    fnn_error error;
    fnn_model *loaded = fnn_load(MODEL, NULL, &error);
    const int same = same_weights(model, loaded);
    CHECKF(loaded != NULL, "%s", loaded ? "" : error.message);
    fnn_model_free(loaded);
    return same;
}

/* ---- tests ---- */

static void training_saving_and_loading(void)
{
    const fnn_dataset data = samples();
    fnn_fit_config c = fnn_fit_config_init();
    fnn_model *m = model_make(1), *loaded;
    fnn_real before[ROWS * CLASSES], after[ROWS * CLASSES];
    fnn_metrics metrics = {0};
    fnn_error error = {FNN_OK, ""};
    c.optimizer = fnn_adam(1e-2), c.epochs = 40, c.batch_size = 10;
    CHECKF(!fnn_fit(m, &data, &c, NULL), "%s", fnn_model_error(m)->message);
    CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
    CHECKF(metrics.accuracy > .9, "accuracy %g", metrics.accuracy);
    CHECKF(!fnn_save(m, MODEL, &error), "%s", error.message);
    CHECKF(!fnn_save(m, MODEL, &error), "over the old one: %s", error.message);
    loaded = fnn_load(MODEL, NULL, &error);
    CHECK(same_weights(m, loaded));
    CHECK(!fnn_predict(m, NULL, &data, before) && !fnn_predict(loaded, NULL, &data, after));
    CHECK(!memcmp(before, after, sizeof before));
    fnn_model_free(loaded);
    fnn_model_free(m);
    remove(MODEL);
}

/* An old model, and a save of a new one over it that somebody is in the way of. */
static void refused(const char *what, void (*how)(void), const char *why)
{
    fnn_model *old_one = model_make(1), *new_one = model_make(2);
    fnn_error error = {FNN_OK, ""};
    CHECKF(!fnn_save(old_one, MODEL, &error), "%s", error.message);
    interfere = how;
    CHECKF(fnn_save(new_one, MODEL, &error) == FNN_ERROR_FILE, "%s: %s", what, error.message);
    interfere = NULL;
    CHECKF(strstr(error.message, MODEL ": ") && strstr(error.message, why), "%s: %s", what,
           error.message);
    let_go();
    CHECKF(is_saved(old_one), "%s: the old model is gone", what);
    CHECKF(!fnn_save(new_one, MODEL, &error), "%s: %s", what, error.message);
    CHECKF(is_saved(new_one), "%s: the new model is not there", what);
    fnn_model_free(old_one);
    fnn_model_free(new_one);
    remove(MODEL);
}

static void a_new_file_that_is_held_leaves_the_old_one(void)
{
    refused("new file held", hold_new, "cannot be put in place: not permitted, or another program");
    CHECK(exists(new_name())); /* it cannot be taken away while it is held */
    remove(new_name());
}

static void an_old_file_that_is_held_stays(void)
{
    refused("old file held", hold_old, "cannot be put in place: not permitted, or another program");
    CHECK(!exists(new_name()));
}

static void a_moment_is_waited_for(void)
{
    fnn_model *old_one = model_make(1), *new_one = model_make(2);
    fnn_error error = {FNN_OK, ""};
    CHECKF(!fnn_save(old_one, MODEL, &error), "%s", error.message);
    interfere = hold_new_for_a_moment;
    CHECKF(!fnn_save(new_one, MODEL, &error), "%s", error.message);
    interfere = NULL;
    WaitForSingleObject(waiter, INFINITE);
    CloseHandle(waiter);
    CHECK(is_saved(new_one) && !exists(new_name()));
    fnn_model_free(old_one);
    fnn_model_free(new_one);
    remove(MODEL);
}

/* The control: what a file is replaced by where rename alone does not replace. */
static int remove_and_rename(const char *from, const char *to)
{
    if (remove(to) && errno != ENOENT) return -1;
    return rename(from, to);
}

static void removing_first_would_lose_the_old_one(void)
{
    static int (*const how[])(const char *, const char *) = {fnni_os_replace, remove_and_rename};
    int i;
    for (i = 0; i < 2; i++) {
        write_text("old", "old");
        write_text("new", "new");
        hold("new");
        CHECK(how[i]("new", "old") == -1);
        let_go();
        CHECKF(has_text("old", "old") == (i == 0), "way %d", i);
        remove("old"), remove("new");
    }
}

static void check_path(const char *path, const char *why)
{
    fnn_error error = {FNN_OK, ""};
    CHECKF(fnn_check_writable(path, &error) == FNN_ERROR_FILE, "%s", path);
    CHECKF(strstr(error.message, why) != NULL, "%s: %s", path, error.message);
}

static void paths_are_checked_before(void)
{
    fnn_error error = {FNN_OK, ""};
    CHECK(CreateDirectoryA("folder", NULL));
    CHECKF(!fnn_check_writable("folder\\model", &error), "%s", error.message);
    CHECK(!exists("folder\\model") && RemoveDirectoryA("folder")); /* it is empty */
    CHECK(CreateDirectoryA("folder", NULL));
    check_path("folder", "found a directory");
    check_path("folder\\", "found a directory");
    check_path("folder/", "found a directory");
    check_path("missing\\model", "cannot create a file beside it");
    RemoveDirectoryA("folder");
    write_text("old", "old");
    CHECKF(!fnn_check_writable("old", &error), "%s", error.message);
    check_path("old\\model", "cannot create a file beside it");
    CHECK(SetFileAttributesA("old", FILE_ATTRIBUTE_READONLY));
    check_path("old", "found a read-only file");
    CHECK(has_text("old", "old"));
    CHECK(SetFileAttributesA("old", FILE_ATTRIBUTE_NORMAL));
    remove("old");
}

static const harness_test tests[] = {
    TEST(training_saving_and_loading),           TEST(a_new_file_that_is_held_leaves_the_old_one),
    TEST(an_old_file_that_is_held_stays),        TEST(a_moment_is_waited_for),
    TEST(removing_first_would_lose_the_old_one), TEST(paths_are_checked_before),
};

/* Its files are in a folder of its own; its lines end as those of the other tests. */
int main(int argc, char **argv)
{
    char temporary[MAX_PATH], folder[MAX_PATH + 50];
    int status;
    _setmode(1, _O_BINARY);
    GetTempPathA(sizeof temporary, temporary);
    snprintf(folder, sizeof folder, "%sfmnist_nn_%d", temporary, _getpid());
    if (!CreateDirectoryA(folder, NULL) || !SetCurrentDirectoryA(folder)) {
        fprintf(stderr, "%s: error %lu\n", folder, GetLastError());
        return 2;
    }
    status = harness_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv);
    SetCurrentDirectoryA(temporary);
    return RemoveDirectoryA(folder) ? status : 3; /* a test left a file behind */
}
