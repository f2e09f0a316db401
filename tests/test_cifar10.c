/* CIFAR-10's binary files, plain and packed: pixels from planes, every kind of wrong file, every
 * truncation, the directory. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#endif
#include "../fmnist_nn.h"
#include "budget.h"
#include "datasets.h"

/* The images `first` and on, as cifar_file makes them. */
static void check_cifar(int line, const fnn_dataset *data, int first, int count)
{
    int i, pixel, plane, wrong = 0;
    CHECKF(data->count == count && data->rows == count && data->classes == 10, "line %d", line);
    CHECKF(data->height == 32 && data->width == 32 && data->channels == 3, "line %d", line);
    CHECKF(data->bytes && !data->reals && !data->index && !data->targets, "line %d", line);
    CHECKF(fnn_dataset_check(data, NULL) == FNN_OK, "line %d", line);
    for (i = 0; i < count && data->count == count; i++) {
        wrong += data->labels[i] != (first + i) % 10;
        for (pixel = 0; pixel < 1024; pixel++)
            for (plane = 0; plane < 3; plane++)
                wrong += data->bytes[(size_t)i * IMAGE + 3 * (size_t)pixel + (size_t)plane] !=
                         cifar_pixel(first + i, plane, pixel);
    }
    CHECKF(wrong == 0, "line %d: %d wrong", line, wrong);
}

static void cifar_files_become_images(void)
{
    const char *files[3];
    fnn_dataset data;
    fnn_error error;
    files[0] = write_and_free("a", cifar_file(0, 12));
    files[1] = write_and_free("b", gzip_and_free(cifar_file(12, 1), 6));
    files[2] = write_and_free("c", cifar_file(13, 4));
    if (!CHECKF(fnn_read_cifar10_files(files, 3, NULL, &data, &error) == FNN_OK, "%s",
                error.message))
        return;
    check_cifar(__LINE__, &data, 0, 17);
    CHECK(!strcmp(data.class_names[0], "airplane") && !strcmp(data.class_names[9], "truck"));
    fnn_dataset_free(&data);
    CHECK(is_zero(&data));
    CHECK(fnn_read_cifar10_files(files + 1, 1, NULL, &data, NULL) == FNN_OK);
    check_cifar(__LINE__, &data, 12, 1);
    fnn_dataset_free(&data);
}

/* The file as it is and packed, behind a good one. */
static void expect_cifar(int line, file_bytes file, fnn_result expected, const char *words)
{
    const char *files[2];
    fnn_dataset data;
    fnn_error error;
    int packed;
    files[0] = write_and_free("a", cifar_file(0, 2));
    for (packed = 0; packed < 2; packed++) {
        files[1] = packed ? write_and_free("b", gzip(file, 6)) : write_file("b", file);
        check_failed(line, fnn_read_cifar10_files(files, 2, NULL, &data, &error), expected, &error,
                     words, &data);
    }
    free(file.bytes);
}

static void cifar_says_what_else_a_file_is(void)
{
    expect_cifar(__LINE__, bytes_text("<!DOCTYPE html><p>Moved"), FNN_ERROR_FORMAT,
                 "b: expected records of CIFAR-10, found a web page");
    expect_cifar(__LINE__, bytes_text("version https://git-lfs.github.com/spec/v1\noid"),
                 FNN_ERROR_FORMAT, "found a Git LFS pointer");
    expect_cifar(__LINE__, bytes_text("PK\003\004 x"), FNN_ERROR_FORMAT, "found a ZIP archive");
}

static void cifar_rejects_wrong_files(void)
{
    file_bytes wrong = cifar_file(0, 3);
    expect_cifar(__LINE__, cifar_file(0, 3), FNN_OK, "");
    wrong.bytes[2 * RECORD] = 10;
    expect_cifar(__LINE__, wrong, FNN_ERROR_FORMAT,
                 "b: expected labels 0 to 9, found 10 in record 2");
    wrong = cifar_file(0, 1);
    wrong.bytes[0] = 255;
    expect_cifar(__LINE__, wrong, FNN_ERROR_FORMAT, "found 255 in record 0");
    expect_cifar(__LINE__, bytes_text(""), FNN_ERROR_FORMAT, "found an empty file");
    expect_cifar(__LINE__, bytes_join(cifar_file(0, 2), bytes_text("x")), FNN_ERROR_FORMAT,
                 "b: expected records of 3073 bytes, a label and an image, found 6147 bytes");
    expect_cifar(__LINE__, idx_file(3, 7, 28, 28, 0, 250), FNN_ERROR_FORMAT, "found 5504 bytes");
    /* two records of CIFAR-100, which has two labels before each image */
    wrong.size = 2 * (RECORD + 1);
    wrong.bytes = (uint8_t *)need(wrong.size);
    memset(wrong.bytes, 0, wrong.size);
    expect_cifar(__LINE__, wrong, FNN_ERROR_FORMAT, "found 6148 bytes");
}

static void cifar_rejects_every_truncation(void)
{
    const file_bytes plain = cifar_file(0, 2), packed = gzip(plain, 9);
    fnn_dataset data;
    fnn_error error;
    const char *path = path_of("a");
    size_t n;
    for (n = 0; n < plain.size; n += QUICK() && n % RECORD > 9 && n % RECORD < 3000 ? 97 : 1) {
        const fnn_result expected = n == RECORD ? FNN_OK : FNN_ERROR_FORMAT; /* one image */
        write_and_free("a", bytes_copy(plain.bytes, n));
        check_failed(__LINE__, fnn_read_cifar10_files(&path, 1, NULL, &data, &error), expected,
                     &error, "a: expected records", &data);
    }
    for (n = 0; n < packed.size; n += QUICK() && n > 50 && n + 50 < packed.size ? 7 : 1) {
        write_and_free("a", bytes_copy(packed.bytes, n));
        check_failed(__LINE__, fnn_read_cifar10_files(&path, 1, NULL, &data, &error),
                     FNN_ERROR_FORMAT, &error, "a: ", &data);
    }
    free(plain.bytes);
    free(packed.bytes);
}

/* A gzip file may hold as many images as an original one, or 8 times its own size. */
static void cifar_unpacks_no_more_than_it_should(void)
{
    int more;
    if (!HAVE_ZLIB) {
        SKIP("no zlib");
        return;
    }
    for (more = 0; more < 2; more++) {
        const char *path = path_of("a");
        budget memory;
        const fnn_allocator allocator = budget_open(&memory);
        fnn_dataset data;
        fnn_error error;
        file_bytes plain;
        plain.size = (size_t)(10000 + more) * RECORD;
        plain.bytes = (uint8_t *)need(plain.size);
        memset(plain.bytes, 0, plain.size);
        write_and_free("a", gzip_and_free(plain, 1));
        check_failed(__LINE__, fnn_read_cifar10_files(&path, 1, &allocator, &data, &error),
                     more ? FNN_ERROR_FORMAT : FNN_OK, &error,
                     "a: expected at most 30730000 bytes in the gzip file, found more (unpack it)",
                     &data);
        CHECKF(memory.largest < 30730000 + 200, "%lu", (unsigned long)memory.largest);
        remove(path);
    }
}

static void cifar_rejects_wrong_calls(void)
{
    budget memory;
    const fnn_allocator allocator = budget_open(&memory);
    const char *files[2];
    fnn_dataset data, other;
    fnn_error error;
    files[0] = write_and_free("a", cifar_file(0, 2));
    files[1] = NULL;
    CHECK(fnn_read_cifar10_files(files, 1, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    check_failed(__LINE__, fnn_read_cifar10_files(files, 2, &allocator, &data, &error),
                 FNN_ERROR_ARGUMENT, &error, "file 1: expected a path, found NULL", &data);
    check_failed(__LINE__, fnn_read_cifar10_files(files, 0, &allocator, &data, &error),
                 FNN_ERROR_ARGUMENT, &error, "found 0", &data);
    check_failed(__LINE__, fnn_read_cifar10_files(files, -1, &allocator, &data, &error),
                 FNN_ERROR_ARGUMENT, &error, "found -1", &data);
    check_failed(__LINE__, fnn_read_cifar10_files(NULL, 1, &allocator, &data, &error),
                 FNN_ERROR_ARGUMENT, &error, "expected files", &data);
    files[1] = path_of("none");
    check_failed(__LINE__, fnn_read_cifar10_files(files, 2, &allocator, &data, &error),
                 FNN_ERROR_FILE, &error, "none: cannot be opened", &data);
    files[1] = directory;
    CHECK(fnn_read_cifar10_files(files, 2, &allocator, &data, NULL) == FNN_ERROR_FILE);
    CHECK(is_zero(&data) && memory.live == 0);
    CHECK(fnn_read_cifar10(directory, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_read_cifar10(directory, NULL, &data, &data, &error) == FNN_ERROR_ARGUMENT);
    check_failed(__LINE__, fnn_read_cifar10(path_of("none"), NULL, &data, &other, &error),
                 FNN_ERROR_FILE, &error,
                 "none: expected data_batch_1.bin or data_batch_1.bin.gz there, found none", &data);
    CHECK(is_zero(&other));
}

static void cifar_in_a_directory(void)
{
    static const char *const names[5] = {"data_batch_1.bin", "data_batch_2.bin",
                                         "data_batch_3.bin.gz", "data_batch_4.bin",
                                         "data_batch_5.bin"};
    fnn_dataset train, test;
    fnn_error error;
    int i;
    (void)path_of("a");
    for (i = 0; i < 5; i++) { /* the files come one by one, the error names the next */
        char missing[40];
        snprintf(missing, sizeof missing, "expected data_batch_%d.bin or ", i + 1);
        check_failed(__LINE__, fnn_read_cifar10(directory, NULL, &train, &test, &error),
                     FNN_ERROR_FILE, &error, missing, &train);
        CHECK(is_zero(&test));
        write_and_free(names[i],
                       i == 2 ? gzip_and_free(cifar_file(i * 3, 3), 6) : cifar_file(i * 3, 3));
    }
    check_failed(__LINE__, fnn_read_cifar10(directory, NULL, &train, &test, &error), FNN_ERROR_FILE,
                 &error, "expected test_batch.bin or test_batch.bin.gz", &train);
    write_and_free("test_batch.bin", cifar_file(40, 2));
    if (CHECKF(fnn_read_cifar10(directory, NULL, &train, &test, &error) == FNN_OK, "%s",
               error.message)) {
        check_cifar(__LINE__, &train, 0, 15);
        check_cifar(__LINE__, &test, 40, 2);
    }
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    write_and_free("test_batch.bin", bytes_text("test"));
    check_failed(__LINE__, fnn_read_cifar10(directory, NULL, &train, &test, &error),
                 FNN_ERROR_FORMAT, &error, "test_batch.bin: expected records", &test);
    CHECK(is_zero(&train));
    CHECK(fnn_read_cifar10(directory, NULL, &train, NULL, NULL) == FNN_OK && train.count == 15);
    fnn_dataset_free(&train);
    setenv("CIFAR10_DIR", directory, 1);
    CHECK(fnn_read_cifar10(NULL, NULL, &train, NULL, NULL) == FNN_OK && train.count == 15);
    fnn_dataset_free(&train);
    setenv("CIFAR10_DIR", path_of("none"), 1); /* set and wrong: no other place is looked at */
    check_failed(__LINE__, fnn_read_cifar10(NULL, NULL, &train, &test, &error), FNN_ERROR_FILE,
                 &error, "$CIFAR10_DIR: ", &train);
    unsetenv("CIFAR10_DIR");
    for (i = 0; i < 5; i++) remove(path_of(names[i]));
    remove(path_of("test_batch.bin"));
}

/* Counts and mean that the original has; also those of a copy with other pixels nearby. */
static void cifar_itself(void)
{
    fnn_dataset train, test;
    int64_t counts[10], i;
    double sum = 0;
    fnn_error error;
    const fnn_result result = fnn_read_cifar10(NULL, NULL, &train, &test, &error);
    if (result == FNN_ERROR_FILE) {
        CHECK(strstr(error.message, "CIFAR10_DIR") && strstr(error.message, "data_batch_1.bin"));
        SKIP("no CIFAR-10 in $CIFAR10_DIR or data/cifar-10-batches-bin");
        return;
    }
    if (!CHECKF(result == FNN_OK, "%s", error.message)) return;
    CHECK(train.count == 50000 && test.count == 10000);
    CHECK(fnn_dataset_class_counts(&train, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 5000);
    CHECK(fnn_dataset_class_counts(&test, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 1000);
    for (i = 0; i < train.count * 1024; i++) sum += (double)train.bytes[3 * i + 2];
    sum /= 255.0 * 1024 * 50000;
    CHECKF(sum > .446 && sum < .447, "mean blue %.6f, published .4465", sum);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
}

static const harness_test tests[] = {
    TEST(cifar_files_become_images),      TEST(cifar_rejects_wrong_files),
    TEST(cifar_rejects_every_truncation), TEST(cifar_unpacks_no_more_than_it_should),
    TEST(cifar_rejects_wrong_calls),      TEST(cifar_says_what_else_a_file_is),
    TEST(cifar_in_a_directory),           TEST(cifar_itself),
};
HARNESS_MAIN(tests)
