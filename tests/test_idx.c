/* IDX files, plain and packed, and Fashion-MNIST, which consists of them: shapes, every kind of
 * wrong file, every truncation and flipped bit, headers that lie. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#endif
#include "../fmnist_nn.h"
#include "budget.h"
#include "datasets.h"

static void idx_shapes(void)
{
    static const int shapes[3][3] = {{1, 1, 3}, {3, 4, 1}, {3, 4, 5}};
    int dimensions, packed;
    for (dimensions = 2; dimensions <= 4; dimensions++)
        for (packed = 0; packed < 2; packed++) {
            const int *shape = shapes[dimensions - 2];
            file_bytes file = idx_file(dimensions, 7, 3, 4, 5, 250);
            size_t features = (size_t)(shape[0] * shape[1] * shape[2]), i;
            fnn_dataset data;
            fnn_error error;
            const char *images, *labels;
            images = packed ? write_and_free("a", gzip(file, 9)) : write_file("a", file);
            labels = write_and_free("b", idx_file(1, 7, 0, 0, 0, 4));
            if (!CHECK(fnn_read_idx(images, labels, NULL, &data, &error) == FNN_OK)) return;
            CHECK(data.count == 7 && data.rows == 7 && data.classes == 4 && !data.index);
            CHECK(data.height == shape[0] && data.width == shape[1] && data.channels == shape[2]);
            CHECK(data.bytes && !data.reals && !data.targets && !data.class_names);
            for (i = 0; i < 7 * features; i++) CHECK(data.bytes[i] == i % 250);
            for (i = 0; i < 7; i++) CHECK(data.labels[i] == (int)i % 4);
            CHECK(fnn_dataset_check(&data, &error) == FNN_OK);
            fnn_dataset_free(&data);
            CHECK(is_zero(&data));
            fnn_dataset_free(&data);
            CHECK(fnn_read_idx(images, NULL, NULL, &data, NULL) == FNN_OK);
            CHECK(!data.labels && data.classes == 0);
            fnn_dataset_free(&data);
            free(file.bytes);
        }
}

static void expect_idx(int line, file_bytes images, file_bytes labels, fnn_result expected,
                       const char *words)
{
    fnn_dataset data;
    fnn_error error;
    const char *a = write_file("a", images), *b = write_and_free("b", labels);
    file_bytes packed = gzip(images, 6);
    fnn_result result = fnn_read_idx(a, b, NULL, &data, &error);
    check_failed(line, result, expected, &error, words, &data);
    a = write_and_free("a", packed);
    result = fnn_read_idx(a, b, NULL, &data, &error);
    check_failed(line, result, expected, &error, words, &data);
    free(images.bytes);
}
#define LABELS idx_file(1, 7, 0, 0, 0, 4)
static file_bytes idx_with(size_t at, int value) /* a good file with one byte changed */
{
    file_bytes b = idx_file(3, 7, 3, 4, 0, 250);
    b.bytes[at] = (uint8_t)value;
    return b;
}

static void idx_rejects_wrong_files(void)
{
    file_bytes good = idx_file(3, 7, 3, 4, 0, 250);
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), LABELS, FNN_OK, "");
    expect_idx(__LINE__, bytes_join(bytes_copy(good.bytes, good.size), bytes_text("x")), LABELS,
               FNN_ERROR_FORMAT, "holds more");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size - 1), LABELS, FNN_ERROR_FORMAT,
               "holds less");
    expect_idx(__LINE__, idx_with(0, 1), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, idx_with(1, 1), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, idx_with(2, 13), LABELS, FNN_ERROR_FORMAT, "0x0d");
    expect_idx(__LINE__, idx_with(3, 1), LABELS, FNN_ERROR_FORMAT, "1 dimensions");
    expect_idx(__LINE__, idx_with(3, 5), LABELS, FNN_ERROR_FORMAT, "5 dimensions");
    expect_idx(__LINE__, idx_with(3, 255), LABELS, FNN_ERROR_FORMAT, "255 dimensions");
    expect_idx(__LINE__, idx_with(7, 0), LABELS, FNN_ERROR_FORMAT, "dimension 0 is 0");
    expect_idx(__LINE__, idx_with(7, 6), LABELS, FNN_ERROR_FORMAT, "holds more");
    expect_idx(__LINE__, idx_with(7, 8), LABELS, FNN_ERROR_FORMAT, "holds less");
    expect_idx(__LINE__, idx_with(8, 255), LABELS, FNN_ERROR_FORMAT, "dimension 1 is 4278190083");
    expect_idx(__LINE__, idx_file(3, 0xFFFFFFFFu, 1, 1, 0, 9), LABELS, FNN_ERROR_FORMAT,
               sizeof(size_t) == 4 ? "limit" : "holds less");
    expect_idx(__LINE__, idx_file(3, 0x10000, 0x10000, 0x10000, 0, 9), LABELS, FNN_ERROR_FORMAT,
               "limit");
    expect_idx(__LINE__, idx_file(4, 0x80000000u, 0x100000, 0x100000, 0x100000, 9), LABELS,
               FNN_ERROR_FORMAT, "limit");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), idx_file(1, 6, 0, 0, 0, 4),
               FNN_ERROR_FORMAT, "6 labels for 7 images");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), idx_file(2, 7, 1, 0, 0, 4),
               FNN_ERROR_FORMAT, "2 dimensions, expected 1");
    expect_idx(__LINE__, bytes_text(""), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, bytes_text("hello"), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    free(good.bytes);
}

static void idx_rejects_wrong_calls(void)
{
    budget memory;
    const fnn_allocator allocator = budget_open(&memory);
    fnn_dataset data;
    fnn_error error;
    char longest[300];
    const char *images = write_and_free("a", idx_file(3, 7, 3, 4, 0, 250));
    CHECK(fnn_read_idx(images, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    memset(&data, 1, sizeof data);
    check_failed(__LINE__, fnn_read_idx(NULL, images, &allocator, &data, &error),
                 FNN_ERROR_ARGUMENT, &error, "", &data);
    memset(&data, 1, sizeof data);
    check_failed(__LINE__, fnn_read_idx(path_of("none"), NULL, NULL, &data, &error), FNN_ERROR_FILE,
                 &error, "none: cannot be opened", &data);
    check_failed(__LINE__, fnn_read_idx(images, path_of("none"), NULL, &data, &error),
                 FNN_ERROR_FILE, &error, "none: cannot be opened", &data);
    CHECK(fnn_read_idx(directory, NULL, NULL, &data, &error) == FNN_ERROR_FILE && is_zero(&data));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    check_failed(__LINE__, fnn_read_idx(longest, NULL, NULL, &data, &error), FNN_ERROR_FILE, &error,
                 "cannot be opened", &data);
    CHECK(fnn_read_idx(path_of("none"), NULL, NULL, &data, NULL) == FNN_ERROR_FILE);
}

static void idx_rejects_every_truncation_and_flipped_bit(void)
{
    file_bytes plain = idx_file(3, 20, 5, 4, 0, 250), file;
    size_t i, n;
    int packed, accepted = 0;
    fnn_dataset data;
    for (packed = 0; packed < 2; packed++) {
        file = packed ? gzip(plain, 9) : bytes_copy(plain.bytes, plain.size);
        for (n = 0; n < file.size; n++) {
            file_bytes cut = bytes_copy(file.bytes, n);
            CHECKF(fnn_read_idx(write_and_free("a", cut), NULL, NULL, &data, NULL) ==
                       FNN_ERROR_FORMAT,
                   "packed %d, %d bytes", packed, (int)n);
            CHECK(is_zero(&data));
        }
        /* plain files have no checksum: only the header can be checked */
        for (i = 0; i < 8 * (packed ? file.size : 16); i++) {
            file.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            if (fnn_read_idx(write_file("a", file), NULL, NULL, &data, NULL) == FNN_OK) {
                accepted++;
                CHECKF(packed && data.count == 20 &&
                           memcmp(data.bytes, plain.bytes + 16, plain.size - 16) == 0,
                       "packed %d: bit %d flipped", packed, (int)i);
            }
            fnn_dataset_free(&data);
            file.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        free(file.bytes);
    }
    CHECKF(accepted >= 49 && accepted < 49 + 8, "%d flipped bits were harmless", accepted);
    free(plain.bytes);
}

/* A header that lies makes no allocation beyond what the file could hold. */
static void idx_believes_no_header(void)
{
    int packed;
    for (packed = 0; packed < 2; packed++) {
        budget memory;
        fnn_allocator allocator = budget_open(&memory);
        file_bytes file = idx_file(3, 1000, 1000, 1000, 0, 250);
        const char *path = packed ? write_and_free("a", gzip(file, 9)) : write_file("a", file);
        fnn_dataset data;
        fnn_error error;
        check_failed(__LINE__, fnn_read_idx(path, NULL, &allocator, &data, &error),
                     FNN_ERROR_FORMAT, &error, "holds less than the 1000000016 bytes", &data);
        CHECKF(memory.largest < 5000 && memory.live == 0, "allocated %d", (int)memory.largest);
        free(file.bytes);
    }
}

/* ---- Fashion-MNIST ---- */

static void fashion_mnist_in_a_directory(void)
{
    fnn_dataset train, test;
    fnn_error error;
    file_bytes images = idx_file(3, 12, 28, 28, 0, 251), labels = idx_file(1, 12, 0, 0, 0, 9);
    int found_old;
    (void)path_of("a");
    CHECK(fnn_read_fashion_mnist(directory, NULL, &train, NULL, &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "zalandoresearch/fashion-mnist") != NULL, "%s", error.message);
    write_file("train-images-idx3-ubyte", images);
    CHECK(fnn_read_fashion_mnist(directory, NULL, &train, NULL, &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "train-labels") != NULL, "%s", error.message);
    write_and_free("train-labels-idx1-ubyte.gz", gzip(labels, 6));
    CHECK(fnn_read_fashion_mnist(directory, NULL, &train, &test, &error) == FNN_ERROR_FILE);
    CHECK(is_zero(&train) && is_zero(&test));
    CHECKF(strstr(error.message, "t10k-images") != NULL, "%s", error.message);
    write_and_free("t10k-images-idx3-ubyte", gzip(images, 6)); /* the name does not tell */
    write_file("t10k-labels-idx1-ubyte", labels);
    if (CHECK(fnn_read_fashion_mnist(directory, NULL, &train, &test, &error) == FNN_OK)) {
        CHECK(train.count == 12 && test.count == 12 && train.classes == 10 && test.classes == 10);
        CHECK(strcmp(train.class_names[0], "T-shirt/top") == 0);
        CHECK(strcmp(test.class_names[9], "Ankle boot") == 0);
        CHECK(memcmp(train.bytes, images.bytes + 16, 12 * 784) == 0);
        CHECK(memcmp(test.bytes, images.bytes + 16, 12 * 784) == 0);
        CHECK(fnn_dataset_check(&train, NULL) == FNN_OK);
    }
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    found_old = setenv("FMNIST_DIR", directory, 1);
    CHECK(found_old == 0);
    CHECK(fnn_read_fashion_mnist(NULL, NULL, NULL, &test, &error) == FNN_OK && test.count == 12);
    fnn_dataset_free(&test);
    unsetenv("FMNIST_DIR");
    CHECK(fnn_read_fashion_mnist(directory, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    memset(&train, 0x55, sizeof train);
    CHECK(fnn_read_fashion_mnist(directory, NULL, &train, &train, &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "read_fashion_mnist: ") != NULL);
    CHECK(train.count == 0 && train.bytes == NULL);

    labels.bytes[8 + 3] = 10;
    write_file("t10k-labels-idx1-ubyte", labels);
    check_failed(__LINE__, fnn_read_fashion_mnist(directory, NULL, &train, &test, &error),
                 FNN_ERROR_FORMAT, &error, "label is 10", &test);
    CHECK(is_zero(&train));
    write_and_free("t10k-images-idx3-ubyte", idx_file(3, 12, 28, 27, 0, 251));
    check_failed(__LINE__, fnn_read_fashion_mnist(directory, NULL, NULL, &test, &error),
                 FNN_ERROR_FORMAT, &error, "28 x 27 x 1", &test);
    free(images.bytes);
    free(labels.bytes);
}

static void fashion_mnist_itself(void)
{
    static const int first_train[10] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5};
    static const int first_test[10] = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};
    fnn_dataset train, test;
    int64_t counts[10], i;
    double sum = 0;
    fnn_result result;
    fnn_error error;
    error.message[0] = 0;
    result = fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error);
    if (result == FNN_ERROR_FILE) {
        CHECK(strstr(error.message, "zalandoresearch/fashion-mnist") &&
              strstr(error.message, "FMNIST_DIR"));
        SKIP("no Fashion-MNIST here: `make data`");
        return;
    }
    if (!CHECKF(result == FNN_OK, "%s", error.message)) return;
    CHECK(train.count == 60000 && test.count == 10000);
    CHECK(train.height == 28 && train.width == 28 && train.channels == 1);
    for (i = 0; i < 10; i++)
        CHECK(train.labels[i] == first_train[i] && test.labels[i] == first_test[i]);
    CHECK(fnn_dataset_class_counts(&train, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 6000);
    CHECK(fnn_dataset_class_counts(&test, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 1000);
    for (i = 0; i < train.count * 784; i++) sum += (double)train.bytes[i];
    sum /= 255.0 * 784 * 60000;
    CHECKF(sum > .28604 && sum < .28605, "mean pixel %.6f, published .2860", sum);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
}

static const harness_test tests[] = {
    TEST(idx_shapes),
    TEST(idx_rejects_wrong_files),
    TEST(idx_rejects_wrong_calls),
    TEST(idx_rejects_every_truncation_and_flipped_bit),
    TEST(idx_believes_no_header),
    TEST(fashion_mnist_in_a_directory),
    TEST(fashion_mnist_itself),
};
HARNESS_MAIN(tests)
