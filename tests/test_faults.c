/* Everything that can fail beneath a public call does, at each place, once and for ever: requests
 * for memory, and what is done to files. The error comes back, nothing leaks or stays open, files
 * are the old ones or the new, what there is can be freed, and the call made again gives the bits
 * it would have given at once.
 *
 * `test_faults --table` prints which functions were tried and how often, and which can not fail, as
 * tests/faults.txt has it. A public function that is in neither list fails the test. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "calls.h"
#include "environment.h"
#include "told.h"
#include <ctype.h>

/* ---- what fails ---- */

typedef struct {
    char letter; /* m: memory; others as in `disk` */
    const char *name;
    fnn_result expected; /* FNN_OK: nothing depends on it, the call goes on */
} fault;

static const fault faults[] = {
    {'m', "memory", FNN_ERROR_MEMORY},
    {'f', "fopen", FNN_ERROR_FILE},
    {'i', "fread", FNN_ERROR_FILE},
    {'p', "fseek and ftell (as in a pipe)", FNN_OK},
    {'k', "fclose of what was read", FNN_OK},
    {'t', "stat (as where there is no old file)", FNN_OK},
    {'c', "open of a new file", FNN_ERROR_FILE},
    {'w', "write", FNN_ERROR_FILE},
    {'s', "fsync", FNN_ERROR_FILE},
    {'e', "close", FNN_ERROR_FILE},
    {'r', "rename", FNN_ERROR_FILE},
    {'o', "open of a directory", FNN_ERROR_FILE},
    {'d', "remove of a file that tried the place", FNN_ERROR_FILE},
    {'u', "the caller's own function", FNN_ERROR_FILE},
};
enum { FAULTS = COUNT(faults) };

/* ---- where ---- */

/* Memory comes from FMNIST_NN_MALLOC, not from the allocator that was given; there is nowhere to
 * leave a message; the file is written over an old one; the fit goes on where that fails; what is
 * not in one place is looked for in others. */
enum { PLAIN = 1, MUTE = 2, WRITES = 4, GOES_ON = 8, SEARCHES = 16 };

typedef struct {
    const char *function;
    void (*before)(world *w);
    fnn_result (*call)(world *w);
    int traits;
} fault_case;

static const fault_case cases[] = {
    {"fnn_context_create", nothing, call_context, 0},
    {"fnn_dataset_subset", nothing, call_subset, 0},
    {"fnn_dataset_shuffle", nothing, call_shuffle, 0},
    {"fnn_dataset_split", nothing, call_split, 0},
    {"fnn_dataset_split", nothing, call_split_stratified, 0},
    {"fnn_dataset_fold", nothing, call_fold, 0},
    {"fnn_dataset_fold", nothing, call_fold_stratified, 0},
    {"fnn_read_idx", nothing, call_read_idx, 0},
    {"fnn_read_idx", nothing, call_read_idx_gz, 0},
    {"fnn_read_idx_with", nothing, call_read_idx_with, 0},
    {"fnn_read_fashion_mnist", nothing, call_read_fashion_mnist, SEARCHES},
    {"fnn_read_cifar10", nothing, call_read_cifar10, SEARCHES},
    {"fnn_read_cifar10_files", nothing, call_read_cifar10_files, 0},
    {"fnn_read_csv", nothing, call_read_csv, 0},
    {"fnn_read_csv", nothing, call_read_csv_gz, 0},
    {"fnn_read_csv", nothing, call_read_csv_bytes, 0},
    {"fnn_read_csv", nothing, call_read_csv_target, 0},
    {"fnn_read_csv", nothing, call_read_csv_encoded, 0},
    {"fnn_read_csv", nothing, call_read_csv_alike, 0},
    {"fnn_normalization_compute", nothing, call_normalization, 0},
    {"fnn_sequential", nothing, call_sequential, PLAIN},
    {"fnn_sequential_with", nothing, call_sequential_with, 0},
    {"fnn_copy", trained, call_copy, 0},
    {"fnn_copy", images_trained, call_copy, 0},
    {"fnn_dense", image_model, call_dense, 0},
    {"fnn_dense", full, call_dense_behind_others, 0},
    {"fnn_dense_with", image_model, call_dense_with, 0},
    {"fnn_conv2d", image_model, call_conv2d, 0},
    {"fnn_conv2d_with", image_model, call_conv2d_with, 0},
    {"fnn_max_pool2d", image_model, call_max_pool2d, 0},
    {"fnn_average_pool2d", image_model, call_average_pool2d, 0},
    {"fnn_pool2d_with", image_model, call_pool2d_with, 0},
    {"fnn_global_average_pool2d", image_model, call_global_average_pool2d, 0},
    {"fnn_batch_norm", image_model, call_batch_norm, 0},
    {"fnn_batch_norm_with", image_model, call_batch_norm_with, 0},
    {"fnn_spatial_dropout", image_model, call_spatial_dropout, 0},
    {"fnn_add", image_model, call_add, 0},
    {"fnn_activate", image_model, call_activate, 0},
    {"fnn_dropout", image_model, call_dropout, 0},
    {"fnn_flatten", image_model, call_flatten, 0},
    {"fnn_normalize", image_model, call_normalize, 0},
    {"fnn_normalize_with", sealed, call_normalize_with, 0},
    {"fnn_normalize_targets", numbers_sealed, call_normalize_targets, 0},
    {"fnn_seal", nothing, call_seal, 0},
    {"fnn_seal", images, call_seal, 0},
    {"fnn_seal", numbers, call_seal, 0},
    {"fnn_parameters", nothing, call_parameters, 0},
    {"fnn_gradients", nothing, call_gradients, 0},
    {"fnn_tensor_values", nothing, call_tensor_values, 0},
    {"fnn_tensor_gradient", nothing, call_tensor_gradient, 0},
    {"fnn_history_append", nothing, call_history_append, MUTE},
    {"fnn_history_append", many_epochs, call_history_append, MUTE},
    {"fnn_fit", nothing, call_fit, 0},
    {"fnn_fit", trained, call_fit, 0},
    {"fnn_fit", trained_otherwise, call_fit, 0},
    {"fnn_fit", own_loss, call_fit, 0},
    {"fnn_fit", images, call_fit, 0},
    {"fnn_fit", images_trained, call_fit, 0},
    {"fnn_fit", transformed, call_fit, 0},
    {"fnn_fit", before_fit_saving, call_fit_saving, WRITES | GOES_ON},
    {"fnn_resume", before_resume, call_resume, 0},
    {"fnn_resume", before_resume_saving, call_resume_saving, WRITES | GOES_ON},
    {"fnn_forward", nothing, call_forward, 0},
    {"fnn_forward", small_step, call_forward, 0},
    {"fnn_forward", images, call_forward, 0},
    {"fnn_forward", images_stepped, call_forward, 0},
    {"fnn_forward", transformed, call_forward, 0},
    {"fnn_backward_to_input", half_step, call_backward_to_input, 0},
    {"fnn_backward_to_input", images_half_stepped, call_backward_to_input, 0},
    {"fnn_backward_to_input", transformed_half_stepped, call_backward_to_input, 0},
    {"fnn_step", small_step, call_step, 0},
    {"fnn_step", images_stepped, call_step, 0},
    {"fnn_predict", sealed, call_predict, MUTE},
    {"fnn_predict", sealed, call_predict_alone, MUTE},
    {"fnn_predict", images_sealed, call_predict, MUTE},
    {"fnn_predict", images_sealed, call_predict_alone, MUTE},
    {"fnn_predict", transformed_sealed, call_predict, MUTE},
    {"fnn_predict", transformed_sealed, call_predict_alone, MUTE},
    {"fnn_predict_one", sealed, call_predict_one, MUTE},
    {"fnn_predict_one_bytes", sealed, call_predict_one_bytes, MUTE},
    {"fnn_predict_layer", sealed, call_predict_layer, MUTE},
    {"fnn_predict_layer", images_sealed, call_predict_layer, MUTE},
    {"fnn_predict_classes", sealed, call_predict_classes, MUTE},
    {"fnn_predict_augmented", sealed, call_predict_augmented, MUTE},
    {"fnn_evaluate", sealed, call_evaluate, MUTE},
    {"fnn_evaluate", sealed, call_evaluate_alone, MUTE},
    {"fnn_evaluate", own_loss, call_evaluate, MUTE},
    {"fnn_evaluate", images_sealed, call_evaluate, MUTE},
    {"fnn_evaluate", numbers_sealed, call_evaluate, MUTE},
    {"fnn_reserve", sealed, call_reserve, MUTE},
    {"fnn_reserve", images_sealed, call_reserve, MUTE},
    {"fnn_set_class_names", images_sealed, call_set_class_names, 0},
    {"fnn_set_feature_names", images_sealed, call_set_feature_names, 0},
    {"fnn_set_names", images_sealed, call_set_names, 0},
    {"fnn_set_note", images_sealed, call_set_note, 0},
    {"fnn_save", before_save, call_save, WRITES},
    {"fnn_check_writable", before_trying, call_check_writable, PLAIN},
    {"fnn_load", images_saved, call_load, 0},
    {"fnn_load", numbers_saved, call_load, 0},
    {"fnn_load", images_saved_in_training, call_load, 0},
    {"fnn_save_checkpoint", before_save_checkpoint, call_save_checkpoint, WRITES},
    {"fnn_save_to", images_named, call_save_to, 0},
    {"fnn_load_from", images_saved, call_load_from, 0},
    {"fnn_load_memory", images_saved, call_load_memory, 0},
    {"fnn_load_weights", small_dense, call_load_weights, 0},
    {"fnn_grid_search", nothing, call_grid_search, 0},
    {"fnn_search_finish", before_finish, call_search_finish, 0},
    {"fnn_search_save_csv", before_search_file, call_search_save_csv, WRITES},
    {"fnn_search_save_histories", before_search_file, call_search_save_histories, WRITES},
    {"fnn_check_gradients", nothing, call_check_gradients, 0},
    {"fnn_check_gradients", images, call_check_gradients, 0},
    {"fnn_sgemm", nothing, call_sgemm, MUTE},
    {"fnn_sgemm", nothing, call_sgemm_alone, MUTE | PLAIN},
    {"fnn_conv2d_forward", nothing, call_conv2d_forward, MUTE | PLAIN},
    {"fnn_conv2d_backward_data", nothing, call_conv2d_backward_data, MUTE | PLAIN},
    {"fnn_conv2d_backward_weights", nothing, call_conv2d_backward_weights, MUTE | PLAIN},
    {"fnn_batch_norm_forward", nothing, call_batch_norm_forward, MUTE},
    {"fnn_batch_norm_forward", nothing, call_batch_norm_forward_alone, MUTE | PLAIN},
    {"fnn_batch_norm_backward", nothing, call_batch_norm_backward, MUTE},
};

/* Functions that take nothing, some at a time, and why they cannot fail for want of it. */
typedef struct {
    const char *why;
    void (*before)(world *w);
    fnn_result (*call)(world *w);
} idle_group;

static const idle_group idle[] = {
    {"gives a value", nothing, idle_values},
    {"gives a configuration's defaults", nothing, idle_configurations},
    {"gives a text of the library's", nothing, idle_words},
    {"looks at the caller's arrays", nothing, idle_data},
    {"gives back", before_finish, idle_frees},
    {"sets what the model has room for", trained, idle_settings},
    {"looks at a model", images_named, idle_looks},
    {"works in what fnn_forward took", half_step, idle_step},
    {"writes into the caller's bytes", images_named, idle_save},
    {"counts in the caller's arrays", nothing, idle_scores},
    {"computes in the caller's arrays", nothing, idle_elements},
    {"computes in the caller's arrays", nothing, idle_windows},
    {"writes into the caller's text", before_finish, idle_table},
};

/* ---- the trial ---- */

static double expected[RESULTS]; /* what the case gives where nothing fails */
static int expected_count;

static int same_results(void)
{
    return result_count == expected_count &&
           !memcmp(result, expected, (size_t)result_count * sizeof *result);
}

static budget *memory_of(const fault_case *c)
{
    return c->traits & PLAIN ? &plain : &own;
}
static budget *elsewhere_of(const fault_case *c)
{
    return c->traits & PLAIN ? &own : &plain;
}

/* The place, from 1, is to fail, and for ever all behind it; an operation on files with that
 * errno. */
typedef struct {
    const fault *what;
    int place, for_ever, code;
} failure;

static void arm(const fault_case *c, failure f)
{
    budget *memory = memory_of(c);
    disk_well();
    memory->failed = 0;
    disk.only = f.what->letter;
    disk.code = f.code;
    disk.forever = f.for_ever;
    disk.fail_at = f.place;
    if (f.what->letter != 'm') return;
    memory->allowed = f.place - 1;
    memory->once = !f.for_ever;
}

/* How many failed. */
static int disarm(const fault_case *c, failure f)
{
    const int failed = f.what->letter == 'm' ? memory_of(c)->failed : disk.failed;
    memory_of(c)->allowed = -1;
    disk_well();
    return failed;
}

static const char *words_of(const fault_case *c, failure f)
{
    static char text[200];
    snprintf(text, sizeof text, "%s: %s number %d fails%s", c->function, f.what->name, f.place,
             f.for_ever ? ", and all behind it" : "");
    return text;
}

/* The file is the old one or the new, whose size and bytes a case's results end with; or a fit's of
 * an earlier epoch. */
static void check_file(const fault_case *c, failure f)
{
    const file_bytes found = bytes_of(saved());
    int whole = found.size == 3 && !memcmp(found.bytes, "old", 3);
    free(found.bytes);
    if (!whole && c->traits & GOES_ON) {
        fnn_model *m = fnn_load(saved(), NULL, NULL);
        whole = m != NULL;
        fnn_model_free(m);
    }
    result_count = 0;
    keep_file(saved());
    CHECKF(whole || !memcmp(result, expected + expected_count - 2, 2 * sizeof *result),
           "%s: another file is there", words_of(c, f));
}

static void check_failure(const fault_case *c, failure f, const world *w, fnn_result r)
{
    const fnn_error *e = w->error.code ? &w->error : fnn_model_error(w->model);
    CHECKF(r == f.what->expected || (c->traits & GOES_ON && r == FNN_ERROR_FILE), "%s: %s",
           words_of(c, f), fnn_result_text(r));
    if (!(c->traits & MUTE))
        CHECKF(e->code == r && e->message[0], "%s: message %d \"%s\"", words_of(c, f), (int)e->code,
               e->message);
    if (c->traits & WRITES) check_file(c, f);
}

/* The first name that a save writes under; one that cannot be removed stays. */
static const char *temporary(void)
{
    static char path[500];
    snprintf(path, sizeof path, "%s.tmp-%ld-0", saved(), (long)getpid());
    return path;
}

/* What is left of a call that failed. */
static void check_left(const fault_case *c, failure f, int blocks, int files)
{
    if (f.what->letter == 'd') remove(temporary());
    CHECKF(own.live + plain.live == blocks, "%s: %d blocks leak", words_of(c, f),
           own.live + plain.live - blocks);
    CHECKF(disk_opened == files, "%s: a file stays open", words_of(c, f));
    CHECKF(access(temporary(), F_OK), "%s: a temporary file stays", words_of(c, f));
}

static int may_go_on(const fault_case *c, failure f)
{
    return f.what->expected == FNN_OK || c->traits & GOES_ON ||
           (c->traits & SEARCHES && f.what->letter == 'f');
}

/* One try; then the call again, or not: what is there is freed as it is. Returns whether nothing
 * failed. */
static int trial(const fault_case *c, failure f, int again)
{
    const int blocks = own.live + plain.live, files = disk_opened;
    int failed, requests;
    fnn_result r;
    world w;
    world_open(&w);
    c->before(&w);
    requests = elsewhere_of(c)->requests;
    arm(c, f);
    result_count = 0;
    r = c->call(&w);
    failed = disarm(c, f);
    CHECKF(elsewhere_of(c)->requests == requests, "%s: memory from elsewhere", c->function);
    if (failed && r) check_failure(c, f, &w, r);
    else CHECKF(!r && (!failed || may_go_on(c, f)), "%s: %s", words_of(c, f), fnn_result_text(r));
    if (r && again) {
        result_count = 0;
        memset(&w.error, 0, sizeof w.error);
        r = c->call(&w);
        CHECKF(!r, "%s, then again: %s", words_of(c, f), fnn_result_text(r));
    }
    CHECKF(r || same_results(), "%s: other bits", words_of(c, f));
    world_close(&w);
    check_left(c, f, blocks, files);
    return !failed;
}

/* ---- the sweep ---- */

typedef struct {
    char name[60];
    const char *idle; /* why it cannot fail, or NULL */
    int places[FAULTS], tries;
} api_row;

enum { ROWS_MOST = 400 };
static api_row rows[ROWS_MOST];
static int row_count;

/* Every function that the header declares: FNN_API, then the last word before a parenthesis. */
static void read_functions(const char *path)
{
    FILE *header = fopen(path, "r");
    char line[200];
    while (header && fgets(line, sizeof line, header)) {
        const char *open = strchr(line, '('), *name = open;
        if (strncmp(line, "FNN_API ", 8) != 0 || !open || row_count == ROWS_MOST) continue;
        while (name[-1] == '_' || isalnum((unsigned char)name[-1])) name--;
        snprintf(rows[row_count++].name, sizeof rows->name, "%.*s", (int)(open - name), name);
    }
    if (header) fclose(header);
}

static api_row *row_of(const char *function)
{
    int i;
    for (i = 0; i < row_count && strcmp(rows[i].name, function) != 0; i++) continue;
    return i < row_count ? rows + i : NULL;
}

static const char interruptible[] = "ifcwsro"; /* the letters of what is tried again */

/* Each place of a kind, with each errno, once and for ever: how many tries there were. */
static int sweep_fault(const fault_case *c, const fault *f, int places)
{
    static const int codes[] = {ENOSPC, EIO, EINTR}; /* after which most go on */
    const int goes_on = strchr(interruptible, f->letter) != NULL;
    const int count = f->letter == 'm' || QUICK() ? 1 : COUNT(codes) - goes_on;
    int tries = 0, mode, code;
    for (code = 0; code < count; code++)
        for (mode = 0; mode < 3; mode++) {
            failure one = {NULL, 0, 0, 0};
            one.what = f;
            one.code = codes[code];
            one.for_ever = mode == 1;
            for (one.place = 1; !trial(c, one, mode < 2) && one.place < 500; one.place++) tries++;
            CHECKF(one.place - 1 == places, "%s: %d places, not %d", words_of(c, one),
                   one.place - 1, places);
        }
    return tries;
}

/* What the case gives where nothing fails, and in how many places something could. */
static void measure(const fault_case *c, int *places)
{
    int f, requests;
    world w;
    world_open(&w);
    c->before(&w);
    disk_well();
    called_count = result_count = 0;
    requests = memory_of(c)->requests;
    CHECKF(!c->call(&w), "%s: %s", c->function, w.error.message);
    CHECKF(was_called(c->function), "%s is not called", c->function);
    for (f = 0; f < FAULTS; f++) places[f] = disk.calls[(int)faults[f].letter];
    places[0] = memory_of(c)->requests - requests;
    CHECKF(result_count > 0 && result_count < RESULTS, "%s: %d results", c->function, result_count);
    expected_count = result_count;
    memcpy(expected, result, sizeof expected);
    world_close(&w);
}

static void run_case(const fault_case *c)
{
    api_row *row = row_of(c->function);
    int places[FAULTS], f, found = 0;
    measure(c, places);
    for (f = 0; f < FAULTS; f++) {
        const int tries = places[f] ? sweep_fault(c, faults + f, places[f]) : 0;
        found += places[f];
        if (row) row->places[f] += places[f], row->tries += tries;
    }
    CHECKF(found > 0, "%s: nothing can fail", c->function);
}

/* Nothing is asked for, so that nothing can fail. */
static void run_idle(const idle_group *group)
{
    const int blocks = own.live + plain.live;
    int f, i, requests;
    world w;
    world_open(&w);
    group->before(&w);
    disk_well();
    called_count = 0;
    requests = own.requests + plain.requests;
    CHECKF(!group->call(&w), "%s: fails", group->why);
    CHECKF(own.requests + plain.requests == requests, "%s: takes memory", group->why);
    for (f = 1; f < FAULTS; f++)
        CHECKF(!disk.calls[(int)faults[f].letter], "%s: %s", group->why, faults[f].name);
    for (i = 0; i < called_count; i++) {
        api_row *row = row_of(called_names[i]);
        if (CHECKF(row != NULL, "%s is not public", called_names[i])) row->idle = group->why;
    }
    world_close(&w);
    CHECKF(own.live + plain.live == blocks, "%s: %d blocks leak", group->why,
           own.live + plain.live - blocks);
}

static void sweep(void)
{
    static int swept;
    int i;
    if (swept++) return;
    budget_open(&own);
    budget_open(&plain);
    files_open();
    read_functions("fmnist_nn.h");
    for (i = 0; i < COUNT(cases); i++) run_case(cases + i);
    for (i = 0; i < COUNT(idle); i++) run_idle(idle + i);
    files_close();
    CHECK(own.live + plain.live == 0 && disk_opened == 0);
}

static void every_call_survives(void)
{
    sweep();
}

/* ---- the table ---- */

static int places_of(const api_row *row)
{
    int f, sum = 0;
    for (f = 0; f < FAULTS; f++) sum += row->places[f];
    return sum;
}

static void tell_row(const api_row *row)
{
    int f;
    if (!places_of(row)) return;
    tell("%-27s%6d ", row->name, row->tries);
    for (f = 0; f < FAULTS; f++)
        if (row->places[f]) tell("%4d", row->places[f]);
        else tell("   .");
    tell("\n");
}

static void write_table(void)
{
    int i;
    told_length = 0;
    tell("What fails beneath each public function in tests/test_faults.c, which wrote this with\n"
         "--table: the tries, and how many places there are of\n");
    for (i = 0; i < FAULTS; i++)
        tell("    %c  %s%s\n", faults[i].letter, faults[i].name,
             faults[i].expected ? "" : ": the call goes on");
    tell("\n%-27s%6s ", "function", "tries");
    for (i = 0; i < FAULTS; i++) tell("   %c", faults[i].letter);
    tell("\n");
    for (i = 0; i < row_count; i++) tell_row(rows + i);
    tell("\nFunctions that take neither memory nor files: each\n");
    for (i = 0; i < row_count; i++)
        if (!places_of(rows + i) && rows[i].idle)
            tell("    %-29s %s\n", rows[i].name, rows[i].idle);
}

/* The functions that stand in neither list. */
static int missing(char *names, size_t size)
{
    int i, count = 0;
    names[0] = 0;
    for (i = 0; i < row_count; i++) {
        if (places_of(rows + i) || rows[i].idle) continue;
        snprintf(names + strlen(names), size - strlen(names), " %s", rows[i].name);
        count++;
    }
    return count;
}

static void every_public_function_has_its_place(void)
{
    char names[1000];
    sweep();
    CHECKF(row_count > 150 && row_of("fnn_result_text") && row_of("fnn_batch_norm_backward"),
           "%d functions", row_count);
    CHECKF(missing(names, sizeof names) == 0, "in no case, nor idle:%s", names);
    write_text("header", "FNN_API const char *fnn_new(fnn_model *model,\n int x);\n");
    read_functions(path_of("header")); /* the control: one that is new */
    CHECK(missing(names, sizeof names) == 1 && !strcmp(names, " fnn_new"));
    row_count--;
}

static void the_table_is_current(void)
{
    if (QUICK() || FNNI_REAL_IS_DOUBLE || sizeof(void *) < 8) {
        SKIP("fewer or other tries here");
        return;
    }
    sweep();
    write_table();
    CHECKF(told_is("tests/faults.txt", 1), "anew: test_faults --table >tests/faults.txt");
    told[told_length / 2]++; /* the control */
    CHECK(!told_is("tests/faults.txt", 0));
}

/* ---- files in pieces ---- */

/* Writes that take few bytes, or are interrupted, make the same files. */
static void short_and_interrupted_writes_go_on(void)
{
    int i, writers = 0;
    sweep();
    for (i = 0; i < COUNT(cases); i++) {
        const fault_case *c = cases + i;
        int places[FAULTS], whole;
        world w;
        if (!(c->traits & WRITES)) continue;
        measure(c, places);
        whole = disk.calls['w'];
        world_open(&w);
        c->before(&w);
        disk.most = (size_t)(1 + writers++ % 2 * 700);
        disk.interrupt = 1;
        result_count = 0;
        CHECKF(!c->call(&w) && same_results(), "%s", c->function);
        CHECK(disk.calls['w'] > 2 * whole);
        disk_well();
        world_close(&w);
    }
    CHECK(writers == 6);
}

/* The call, of which operation number `place` of the kind is interrupted: it makes the same.
 * Returns 0 where there are fewer. */
static int interrupted_at(const fault_case *c, char letter, int place)
{
    int failed;
    world w;
    world_open(&w);
    c->before(&w);
    disk_well();
    disk.only = letter;
    disk.fail_at = place;
    disk.code = EINTR;
    result_count = 0;
    CHECKF(!c->call(&w) && same_results(), "%s: %c%d is interrupted: %s", c->function, letter,
           place, w.error.message);
    failed = disk.failed;
    disk_well();
    world_close(&w);
    return failed;
}

/* Files that are opened, synced, renamed while a signal comes are tried again. */
static void interrupted_operations_go_on(void)
{
    int i, tries = 0;
    sweep();
    files_open();
    for (i = 0; i < COUNT(cases); i++) {
        int places[FAULTS];
        const char *letter;
        measure(cases + i, places);
        for (letter = "fcsro"; *letter; letter++) {
            int place = 1;
            while (interrupted_at(cases + i, *letter, place)) place++;
            tries += place - 1;
        }
    }
    files_close();
    CHECKF(tries > 50, "%d interruptions", tries);
}

/* A file that may not be read is none that is not there: the message says why. */
static void a_file_that_may_not_be_read_is_there(void)
{
    char folder[300];
    fnn_dataset data;
    fnn_error error;
    int code;
    sweep();
    files_open();
    snprintf(folder, sizeof folder, "%s", directory);
    for (code = 0; code < 2; code++) {
        disk_well();
        disk.only = 'f';
        disk.fail_at = disk.forever = 1;
        disk.code = code ? EACCES : ENOENT;
        CHECK(fnn_read_fashion_mnist(folder, NULL, NULL, &data, &error) == FNN_ERROR_FILE);
        CHECKF(strstr(error.message, code ? "t10k-images-idx3-ubyte: cannot be opened: "
                                          : "or t10k-images-idx3-ubyte.gz there, found none"),
               "%s", error.message);
    }
    disk_well();
    files_close();
}

/* Gives a pipe's reader the file in eight pieces, each time after interrupting it. */
static pid_t feed(const char *pipe, file_bytes f, int interrupts)
{
    const pid_t reader = getpid(), child = fork();
    const struct timespec while_it_waits = {0, 300000};
    int file, i;
    if (child) return child;
    file = open(pipe, O_WRONLY);
    for (i = 0; i < 8 && file >= 0; i++) {
        const size_t from = f.size * (size_t)i / 8, to = f.size * (size_t)(i + 1) / 8;
        nanosleep(&while_it_waits, NULL);
        if (interrupts) kill(reader, SIGUSR1);
        nanosleep(&while_it_waits, NULL);
        if (write(file, f.bytes + from, to - from) != (ssize_t)(to - from)) _exit(1);
    }
    _exit(file < 0);
}

static volatile sig_atomic_t interrupted;
static void interrupt(int signal)
{
    (void)signal;
    interrupted++;
}

/* The file of that name as a pipe, from which the call must make the same. */
static void read_in_pieces(void (*before)(world *w), fnn_result (*call)(world *w), const char *name,
                           int interrupts)
{
    char path[400];
    int status = 1;
    file_bytes f;
    pid_t child;
    world w;
    world_open(&w);
    before(&w);
    result_count = 0;
    CHECK(!call(&w));
    expected_count = result_count;
    memcpy(expected, result, sizeof expected);
    world_close(&w);
    world_open(&w);
    before(&w);
    snprintf(path, sizeof path, "%s", path_of(name));
    f = bytes_of(path);
    remove(path);
    CHECK(!mkfifo(path, 0600));
    child = feed(path, f, interrupts);
    result_count = 0;
    CHECKF(!call(&w) && same_results(), "%s%s: %s", name, interrupts ? ", interrupted" : "",
           w.error.code ? w.error.message : fnn_model_error(w.model)->message);
    CHECKF(waitpid(child, &status, 0) == child && !status, "%s: %d", name, status);
    remove(path);
    write_bytes(path, f.bytes, f.size);
    free(f.bytes);
    world_close(&w);
}

static void short_and_interrupted_reads_go_on(void)
{
    struct sigaction action;
    int interrupts;
    sweep();
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt; /* without SA_RESTART: reads come back with EINTR */
    CHECK(!sigaction(SIGUSR1, &action, NULL));
    fflush(NULL);
    interrupted = 0;
    for (interrupts = 0; interrupts < 2; interrupts++) {
        read_in_pieces(nothing, call_read_csv, "named", interrupts);
        read_in_pieces(nothing, call_read_csv_gz, "named.gz", interrupts);
        read_in_pieces(nothing, call_read_idx_gz, "t10k-images-idx3-ubyte", interrupts);
        read_in_pieces(nothing, call_read_cifar10_files, "data_batch_3.bin.gz", interrupts);
        read_in_pieces(images_saved, call_load, "saved", interrupts);
        read_in_pieces(small_dense, call_load_weights, "weights", interrupts);
        CHECKF((interrupted > 0) == interrupts, "%d interrupts", (int)interrupted);
    }
}

/* Of a pipe's bytes reading starts with a few, and grows: 12 of them are the header's. */
static void files_of_unknown_length(void)
{
    static const uint32_t counts[] = {1, 4083, 4084, 4085, 8179, 8180, 50000};
    static const int allocations[] = {1, 1, 2, 2, 2, 3, 5};
    int i, n;
    for (i = 0; i < COUNT(counts); i++) {
        const char *path = write_and_free("long", idx_file(2, counts[i], 1, 0, 0, 250));
        fnn_result r = FNN_ERROR_MEMORY;
        fnn_dataset data;
        budget memory;
        for (n = 0; n < 20 && r != FNN_OK; n++) {
            const fnn_allocator allocator = budget_open(&memory);
            disk_well();
            disk.only = 'p';
            disk.fail_at = disk.forever = 1;
            memory.allowed = n;
            memory.once = 1;
            r = fnn_read_idx(path, NULL, &allocator, &data, NULL);
            CHECK(r == FNN_OK || (r == FNN_ERROR_MEMORY && memory.live == 0));
        }
        disk_well();
        if (!CHECK(r == FNN_OK && data.count == (int64_t)counts[i])) return;
        CHECKF(memory.requests == allocations[i], "%d samples: %d allocations", (int)counts[i],
               memory.requests);
        for (n = 0; n < data.count; n++) CHECK(data.bytes[n] == n % 250);
        fnn_dataset_free(&data);
    }
}

/* ---- the floating-point environment ---- */

typedef fnn_result (*world_call)(world *w);

/* Whether the call leaves an environment of the caller's as it was, and does what it does there. */
static int leaves_environment(void (*before)(world *w), world_call call, int which)
{
    uint64_t found, left;
    fnn_result r;
    world w;
    world_open(&w);
    before(&w);
    environment_set(which);
    found = environment();
    r = call(&w);
    left = environment();
    environment_usual();
    world_close(&w);
    return !r && found == left;
}

/* The controls: a call that does not put back what it changed. */
static fnn_result call_and_round(world *w)
{
    (void)w;
    fesetround(fegetround() == FE_TONEAREST ? FE_TOWARDZERO : FE_TONEAREST);
    return FNN_OK;
}

static void every_call_leaves_the_environment(void)
{
    int which, i;
    sweep();
    files_open();
    for (which = 0; which < ENVIRONMENTS; which++) {
        if (!environment_set(which)) continue;
        environment_usual();
        for (i = 0; i < COUNT(cases); i++)
            CHECKF(leaves_environment(cases[i].before, cases[i].call, which), "environment %d: %s",
                   which, cases[i].function);
        for (i = 0; i < COUNT(idle); i++)
            CHECKF(leaves_environment(idle[i].before, idle[i].call, which), "environment %d: %s",
                   which, idle[i].why);
        CHECK(!leaves_environment(nothing, call_and_round, which));
    }
    files_close();
}

/* ---- what is printed ---- */

/* How many bytes the call, in which something fails or nothing (no kind), writes to standard output
 * and error, which are the file meanwhile. */
static long printed(const fault_case *c, failure f, int file)
{
    const int out = dup(1), err = dup(2);
    long before, after;
    world w;
    world_open(&w);
    c->before(&w);
    fflush(NULL);
    before = (long)lseek(file, 0, SEEK_CUR);
    if (f.what) arm(c, f);
    dup2(file, 1), dup2(file, 2);
    result_count = 0;
    c->call(&w);
    fflush(NULL);
    dup2(out, 1), dup2(err, 2);
    if (f.what) disarm(c, f);
    after = (long)lseek(file, 0, SEEK_CUR);
    remove(temporary());
    world_close(&w);
    CHECK(out >= 0 && err >= 0 && before >= 0 && !close(out) && !close(err));
    return after - before;
}

/* At each place of each kind that fails, and where nothing does. */
static long printed_at_all(const fault_case *c, int file)
{
    failure none = {NULL, 0, 0, 0};
    long sum = printed(c, none, file);
    int places[FAULTS], f;
    measure(c, places);
    for (f = 0; f < FAULTS; f++) {
        failure one = {faults + f, 1, 1, ENOSPC};
        for (; one.place <= places[f]; one.place++) {
            const long bytes = printed(c, one, file);
            CHECKF(bytes == 0, "%s: %ld bytes printed", words_of(c, one), bytes);
            sum += bytes;
        }
    }
    return sum;
}

static fnn_result loud_call(world *w)
{
    const fnn_result r = call_predict(w);
    if (r) fputs("no memory\n", stderr);
    return r;
}
static fnn_result talking_call(world *w)
{
    puts("predicting"); /* which waits in the stream */
    return call_predict(w);
}

static int printing_caught(fnn_result (*call)(world *w), int file)
{
    const int failures = harness_wrong;
    const fault_case c = {"fnn_predict", sealed, call, MUTE};
    long bytes;
    harness_wrong = 100; /* no messages of failures that must be */
    bytes = printed_at_all(&c, file);
    harness_wrong = failures;
    return bytes > 0;
}

static void no_call_prints(void)
{
    failure none = {NULL, 0, 0, 0};
    int i, file;
    sweep();
    files_open();
    file = open(path_of("printed"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (!CHECK(file >= 0)) return;
    for (i = 0; i < COUNT(cases); i++)
        CHECKF(printed_at_all(cases + i, file) == 0, "%s prints", cases[i].function);
    for (i = 0; i < COUNT(idle); i++) {
        const fault_case c = {idle[i].why, idle[i].before, idle[i].call, 0};
        CHECKF(printed(&c, none, file) == 0, "%s: prints", idle[i].why);
    }
    CHECK(!printing_caught(call_predict, file)); /* the controls */
    CHECK(printing_caught(loud_call, file) && printing_caught(talking_call, file));
    close(file);
    remove(path_of("printed"));
    files_close();
}

/* ---- the checks, checked: calls that go wrong in each way must be caught ---- */

static void *forgotten;

/* Goes on as if it had the memory. */
static fnn_result deaf_call(world *w)
{
    static fnn_real y[ROWS * CLASSES];
    fnn_predict(w->model, NULL, &w->data, y);
    keep_number(1);
    return FNN_OK;
}

/* Keeps a block when it fails. */
static fnn_result leaking_call(world *w)
{
    const fnn_result r = call_predict(w);
    if (r) free(forgotten), forgotten = malloc(1), own.live++;
    return r;
}

/* Gives other bits after a failure. */
static fnn_result changing_call(world *w)
{
    const fnn_result r = call_predict(w);
    if (r) fnn_parameters(w->model, NULL)[0] += 1;
    return r;
}

/* Says nothing. */
static fnn_result silent_call(world *w)
{
    const fnn_result r = call_seal(w);
    w->model->error.message[0] = 0;
    return r;
}

/* Leaves a file open when it fails; or a temporary one; or spoils the one that was there. */
static fnn_result opening_call(world *w)
{
    const fnn_result r = call_save(w);
    disk_opened += r != FNN_OK;
    return r;
}
static fnn_result littering_call(world *w)
{
    const fnn_result r = call_save(w);
    if (r) write_bytes(temporary(), "x", 1);
    else remove(temporary());
    return r;
}
static fnn_result spoiling_call(world *w)
{
    const fnn_result r = call_save(w);
    if (r) write_bytes(saved(), "x", 1);
    return r;
}

static int caught(void (*before)(world *w), fnn_result (*call)(world *w), int traits)
{
    const int failures = harness_wrong, files = disk_opened, blocks = own.live;
    const fault_case c = {"broken", before, call, traits};
    int found;
    harness_wrong = 100; /* no messages of failures that must be */
    run_case(&c);
    found = harness_wrong > 101; /* one of them: no such function */
    harness_wrong = failures;
    disk_opened = files;
    own.live = blocks;
    return found;
}

static int idle_caught(fnn_result (*call)(world *w))
{
    const int failures = harness_wrong;
    const idle_group group = {"broken", before_save, call};
    int found;
    harness_wrong = 100;
    run_idle(&group);
    found = harness_wrong > 100;
    harness_wrong = failures;
    return found;
}

static void broken_calls_are_caught(void)
{
    sweep();
    CHECK(!caught(sealed, call_predict, MUTE) && !caught(nothing, call_seal, 0));
    CHECK(!caught(before_save, call_save, WRITES));
    CHECK(caught(sealed, deaf_call, MUTE));
    CHECK(caught(sealed, leaking_call, MUTE));
    CHECK(caught(sealed, changing_call, MUTE));
    CHECK(caught(nothing, silent_call, 0));
    CHECK(caught(before_save, opening_call, WRITES));
    CHECK(caught(before_save, littering_call, WRITES));
    CHECK(caught(before_save, spoiling_call, WRITES));
    CHECK(!idle_caught(idle_looks) && idle_caught(call_save) && idle_caught(call_predict));
    free(forgotten);
}

static const harness_test tests[] = {
    TEST(every_call_survives),
    TEST(every_public_function_has_its_place),
    TEST(the_table_is_current),
    TEST(short_and_interrupted_writes_go_on),
    TEST(interrupted_operations_go_on),
    TEST(a_file_that_may_not_be_read_is_there),
    TEST(short_and_interrupted_reads_go_on),
    TEST(files_of_unknown_length),
    TEST(every_call_leaves_the_environment),
    TEST(no_call_prints),
    TEST(broken_calls_are_caught),
};

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--table") != 0)
        return harness_main(tests, COUNT(tests), argc, argv);
    sweep();
    write_table();
    fputs(told, stdout);
    return harness_wrong != 0;
}
