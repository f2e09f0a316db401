/* Memory that runs out and reads that fail, in every reader and every view. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads fail on demand: the library below calls these. */
static int read_countdown = -1; /* this many reads succeed, then one fails; -1: all succeed */
static int read_failed;
static size_t test_fread(void *memory, size_t size, size_t count, FILE *stream)
{
    if (read_countdown == 0) read_failed = 1;
    if (read_countdown >= 0) read_countdown--;
    return read_failed ? 0 : fread(memory, size, count, stream);
}
static int test_ferror(FILE *stream)
{
    return read_failed || ferror(stream);
}
static int seek_fails; /* as in a pipe */
static int test_fseek(FILE *stream, long offset, int whence)
{
    return seek_fails ? -1 : fseek(stream, offset, whence);
}
#undef fread
#undef ferror
#undef fseek
#define fread test_fread
#define ferror test_ferror
#define fseek test_fseek
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#undef fread
#undef ferror
#undef fseek
#include "budget.h"
#include "datasets.h"

typedef struct world { /* what the calls under test work on */
    fnn_allocator allocator;
    const char *images, *images_gz, *labels, *csv, *csv_gz;
    fnn_dataset table, named, named_numbers, encoded;
} world;

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

/* Reads such a table twice: on its own, and like one that was read before. */
static fnn_result read_encoded(world *w, fnn_dataset *out)
{
    fnn_csv_config c = config_of_encoded();
    fnn_result result = fnn_read_csv(path_of("d"), &c, &w->allocator, out, NULL);
    fnn_dataset_free(out);
    if (result != FNN_OK) return result;
    c.same_classes = &w->encoded;
    return fnn_read_csv(path_of("d"), &c, &w->allocator, out, NULL);
}

/* One call with its result; outputs are compared and freed by the caller. */
static fnn_result run_case(world *w, int number, fnn_dataset *a, fnn_dataset *b)
{
    static const int64_t samples[3] = {2, 0, 1};
    static fnn_real shift[4], scale[4];
    fnn_csv_config c = fnn_csv_config_init();
    memset(a, 0, sizeof *a);
    memset(b, 0, sizeof *b);
    w->table.allocator = w->allocator;
    c.label = FNN_CSV_LABEL_NAME;
    switch (number) {
    case 0: return fnn_read_idx(w->images, w->labels, &w->allocator, a, NULL);
    case 1: return fnn_read_idx(w->images_gz, w->labels, &w->allocator, a, NULL);
    case 2: return fnn_read_fashion_mnist(directory, &w->allocator, a, b, NULL);
    case 3: return fnn_read_csv(w->csv, &c, &w->allocator, a, NULL);
    case 4: return fnn_read_csv(w->csv_gz, &c, &w->allocator, a, NULL);
    case 5:
        c.same_classes = &w->named;
        c.keep_bytes = 1;
        return fnn_read_csv(w->csv, &c, &w->allocator, a, NULL);
    case 6:
        c.label = FNN_CSV_LABEL_TARGET;
        c.label_column = 0;
        c.skip_columns = &c.label_column;
        c.skip_count = 0;
        return fnn_read_csv(path_of("b"), &c, &w->allocator, a, NULL);
    case 7: return fnn_read_cifar10(directory, &w->allocator, a, b, NULL);
    case 8: return read_encoded(w, a);
    case 9: {
        fnn_idx_config idx = fnn_idx_config_init();
        idx.transpose = idx.compact_classes = 1;
        idx.same_classes = &w->named_numbers;
        return fnn_read_idx_with(w->images, w->labels, &idx, &w->allocator, a, NULL);
    }
    case 10: return fnn_dataset_split(&w->table, 2, 1, 1, a, b, NULL);
    case 11: return fnn_dataset_fold(&w->table, 3, 1, 0, 1, a, b, NULL);
    case 12: return fnn_dataset_subset(&w->table, samples, 3, a, NULL);
    case 13: return fnn_dataset_shuffle(&w->table, 8, a, NULL);
    case 14: return fnn_dataset_split(&w->table, 2, FNN_ORDER_STRATIFIED, 1, a, b, NULL);
    case 15: return fnn_dataset_fold(&w->table, 3, 1, FNN_ORDER_STRATIFIED, 1, a, b, NULL);
    default:
        return fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &w->table, shift, scale, NULL);
    }
}
enum { CASES = 17, READING_CASES = 10 };

static void make_world(world *w, fnn_real *reals, int32_t *labels)
{
    static char paths[5][400];
    file_bytes images = idx_file(3, 12, 28, 28, 0, 251),
               text = bytes_text("1,2,x\n3,4,y\n\"5\",6,x\n");
    fnn_csv_config c = fnn_csv_config_init();
    fnn_idx_config idx = fnn_idx_config_init();
    memset(w, 0, sizeof *w);
    make_table(&w->table, reals, labels, 5);
#define KEEP(i, path) (snprintf(paths[i], sizeof paths[i], "%s", path), paths[i])
    w->images = KEEP(0, write_file("train-images-idx3-ubyte", images));
    write_and_free("train-labels-idx1-ubyte.gz", gzip_and_free(idx_file(1, 12, 0, 0, 0, 9), 6));
    w->images_gz = KEEP(1, write_and_free("t10k-images-idx3-ubyte", gzip(images, 6)));
    w->labels = KEEP(2, write_and_free("t10k-labels-idx1-ubyte", idx_file(1, 12, 0, 0, 0, 9)));
    w->csv = KEEP(3, write_file("c", text));
    w->csv_gz = KEEP(4, write_and_free("a", gzip(text, 6)));
#undef KEEP
    write_text("b", "1,2\n3,4\n");
    write_and_free("data_batch_1.bin", cifar_file(0, 2));
    write_and_free("data_batch_2.bin", cifar_file(2, 1));
    write_and_free("data_batch_3.bin.gz", gzip_and_free(cifar_file(3, 2), 6));
    write_and_free("data_batch_4.bin", cifar_file(5, 1));
    write_and_free("data_batch_5.bin", cifar_file(6, 1));
    write_and_free("test_batch.bin", cifar_file(7, 1));
    c.label = FNN_CSV_LABEL_NAME;
    CHECK(fnn_read_csv(w->csv, &c, NULL, &w->named, NULL) == FNN_OK);
    write_text("d", "x,town,y\n1,Ulm,3\n?,Bonn,4\n5,?,6\n");
    c = config_of_encoded();
    CHECK(fnn_read_csv(path_of("d"), &c, NULL, &w->encoded, NULL) == FNN_OK);
    idx.compact_classes = 1;
    CHECK(fnn_read_idx_with(w->images, w->labels, &idx, NULL, &w->named_numbers, NULL) == FNN_OK);
    free(images.bytes);
    free(text.bytes);
}

static void free_world(world *w)
{
    fnn_dataset_free(&w->named);
    fnn_dataset_free(&w->named_numbers);
    fnn_dataset_free(&w->encoded);
}

static void every_allocation_fails_once_and_for_ever(void)
{
    static fnn_real reals[10];
    static int32_t labels[5];
    world w;
    fnn_dataset a, b;
    int number, for_ever, n;
    make_world(&w, reals, labels);
    for (number = 0; number < CASES; number++)
        for (for_ever = 0; for_ever < 2; for_ever++) {
            fnn_result result = FNN_ERROR_MEMORY;
            budget memory;
            for (n = 1; n < 100 && result != FNN_OK; n++) {
                w.allocator = budget_open(&memory);
                memory.allowed = n - 1;
                memory.once = !for_ever;
                result = run_case(&w, number, &a, &b);
                if (result == FNN_OK) break;
                CHECKF(result == FNN_ERROR_MEMORY, "case %d, allocation %d: result %d", number, n,
                       (int)result);
                CHECKF(is_zero(&a) && is_zero(&b), "case %d, allocation %d", number, n);
                CHECKF(memory.live == 0, "case %d, allocation %d: %d leak", number, n, memory.live);
            }
            CHECKF(result == FNN_OK && n > 1 && memory.requests == n - 1, "case %d: %d allocations",
                   number, memory.requests);
            fnn_dataset_free(&a);
            fnn_dataset_free(&b);
            CHECKF(memory.live == 0, "case %d: %d leak after success", number, memory.live);
        }
    free_world(&w);
}

static void every_read_fails(void)
{
    static fnn_real reals[10];
    static int32_t labels[5];
    world w;
    fnn_dataset a, b;
    int number, n;
    make_world(&w, reals, labels);
    for (number = 0; number < READING_CASES; number++) {
        fnn_result result = FNN_ERROR_FILE;
        budget memory;
        for (n = 0; n < 100 && result != FNN_OK; n++) {
            w.allocator = budget_open(&memory);
            read_countdown = n;
            read_failed = 0;
            result = run_case(&w, number, &a, &b);
            if (result == FNN_OK) break;
            CHECKF(result == FNN_ERROR_FILE, "case %d, read %d: result %d", number, n, (int)result);
            CHECKF(is_zero(&a) && is_zero(&b) && memory.live == 0, "case %d, read %d", number, n);
        }
        CHECKF(result == FNN_OK && n > 0, "case %d: %d reads", number, n);
        read_countdown = -1;
        read_failed = 0;
        fnn_dataset_free(&a);
        fnn_dataset_free(&b);
    }
    free_world(&w);
}

/* A pipe does not tell its length: reading starts small and grows. */
static void files_of_unknown_length(void)
{
    static const uint32_t counts[] = {1, 4083, 4084, 4085, 8179, 8180, 50000}; /* 12 bytes less */
    static const int allocations[] = {1, 1, 2, 2, 2, 3, 5};
    int i, n;
    for (i = 0; i < COUNT(counts); i++) {
        const char *path = write_and_free("a", idx_file(2, counts[i], 1, 0, 0, 250));
        fnn_result result = FNN_ERROR_MEMORY;
        fnn_dataset data;
        budget memory;
        seek_fails = 1;
        for (n = 1; n < 20 && result != FNN_OK; n++) {
            const fnn_allocator allocator = budget_open(&memory);
            memory.allowed = n - 1;
            memory.once = 1;
            result = fnn_read_idx(path, NULL, &allocator, &data, NULL);
            CHECK(result == FNN_OK || (result == FNN_ERROR_MEMORY && memory.live == 0));
        }
        seek_fails = 0;
        if (!CHECK(result == FNN_OK && data.count == (int64_t)counts[i])) return;
        CHECKF(memory.requests == allocations[i], "%d samples: %d allocations", (int)counts[i],
               memory.requests);
        for (n = 0; n < data.count; n++) CHECK(data.bytes[n] == n % 250);
        fnn_dataset_free(&data);
    }
}

static const harness_test tests[] = {
    TEST(every_allocation_fails_once_and_for_ever),
    TEST(every_read_fails),
    TEST(files_of_unknown_length),
};
HARNESS_MAIN(tests)
