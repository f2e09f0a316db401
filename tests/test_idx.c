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
               FNN_ERROR_FORMAT, "its header says, found ");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size - 1), LABELS, FNN_ERROR_FORMAT,
               "its header says, found ");
    expect_idx(__LINE__, idx_with(0, 1), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, idx_with(1, 1), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, idx_with(2, 10), LABELS, FNN_ERROR_FORMAT, "0x0a");
    expect_idx(__LINE__, idx_with(2, 13), LABELS, FNN_ERROR_FORMAT, "its header says, found ");
    expect_idx(__LINE__, idx_with(3, 0), LABELS, FNN_ERROR_FORMAT,
               "IDX dimensions: expected 1 to 4, found 0");
    expect_idx(__LINE__, idx_with(3, 1), LABELS, FNN_ERROR_FORMAT, "its header says, found ");
    expect_idx(__LINE__, idx_with(3, 5), LABELS, FNN_ERROR_FORMAT,
               "IDX dimensions: expected 1 to 4, found 5");
    expect_idx(__LINE__, idx_with(3, 255), LABELS, FNN_ERROR_FORMAT,
               "IDX dimensions: expected 1 to 4, found 255");
    expect_idx(__LINE__, idx_with(7, 0), LABELS, FNN_ERROR_FORMAT,
               "IDX dimension 0: expected 1 to 4294967295, found 0");
    expect_idx(__LINE__, idx_with(7, 6), LABELS, FNN_ERROR_FORMAT, "its header says, found ");
    expect_idx(__LINE__, idx_with(7, 8), LABELS, FNN_ERROR_FORMAT, "its header says, found ");
    expect_idx(__LINE__, idx_with(8, 255), LABELS, FNN_ERROR_FORMAT,
               "IDX dimension 1: expected 1 to 1048576, found 4278190083");
    expect_idx(__LINE__, idx_file(3, 0xFFFFFFFFu, 1, 1, 0, 9), LABELS, FNN_ERROR_FORMAT,
               sizeof(size_t) == 4 ? "IDX dimensions: expected at most " : "header says");
    expect_idx(__LINE__, idx_file(3, 0x10000, 0x10000, 0x10000, 0, 9), LABELS, FNN_ERROR_FORMAT,
               "IDX dimensions: expected at most ");
    expect_idx(__LINE__, idx_file(4, 0x80000000u, 0x100000, 0x100000, 0x100000, 9), LABELS,
               FNN_ERROR_FORMAT, "IDX dimensions: expected at most ");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), idx_file(1, 6, 0, 0, 0, 4),
               FNN_ERROR_FORMAT, "expected the labels of 7 images, found 6");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), idx_file(3, 7, 1, 1, 0, 4),
               FNN_ERROR_FORMAT, "IDX dimensions: expected 1 to 2, found 3");
    expect_idx(__LINE__, bytes_text(""), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, bytes_text("hello"), LABELS, FNN_ERROR_FORMAT,
               "expected 00 00, a type and the number of dimensions, found 68 65 6c 6c");
    free(good.bytes);
}

static void idx_says_what_else_a_file_is(void)
{
    expect_idx(__LINE__, bytes_text(""), LABELS, FNN_ERROR_FORMAT, "found an empty file");
    expect_idx(__LINE__, bytes_text("<!DOCTYPE html>\n<title>Sign in</title>"), LABELS,
               FNN_ERROR_FORMAT, "found a web page");
    expect_idx(__LINE__, bytes_text("\xEF\xBB\xBF\r\n \t<HTML><body>404"), LABELS, FNN_ERROR_FORMAT,
               "found a web page");
    expect_idx(__LINE__, bytes_text("<?xml version=\"1.0\"?><Error>AccessDenied"), LABELS,
               FNN_ERROR_FORMAT, "found an XML page");
    expect_idx(__LINE__,
               bytes_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 3\n"),
               LABELS, FNN_ERROR_FORMAT, "found a Git LFS pointer");
    expect_idx(__LINE__, bytes_text("PK\003\004"), LABELS, FNN_ERROR_FORMAT, "a ZIP archive");
    expect_idx(__LINE__, bytes_text("\n\n\n<htm"), LABELS, FNN_ERROR_FORMAT, "found 0a 0a 0a 3c");
}

/* ---- numbers of other types ---- */

/* An IDX file of `count` elements of a type, in two dimensions of which the second is `columns`. */
static file_bytes idx_of(int type, size_t bytes, uint32_t count, uint32_t columns,
                         const uint8_t *elements)
{
    file_bytes file = idx_file(columns > 1 ? 2 : 1, count / columns, columns, 0, 0, 250);
    const size_t head = columns > 1 ? 12 : 8;
    file_bytes whole = bytes_copy(file.bytes, head);
    free(file.bytes);
    whole.bytes[2] = (uint8_t)type;
    return bytes_join(whole, bytes_copy(elements, count * bytes));
}

/* Numbers as big-endian bytes of any width. */
static void big_endian(uint64_t bits, size_t bytes, uint8_t *to)
{
    size_t i;
    for (i = 0; i < bytes; i++) to[i] = (uint8_t)(bits >> 8 * (bytes - 1 - i));
}

static void idx_integers_become_reals(void)
{
    static const int64_t numbers[] = {
        0, 1, -1, 127, -128, 32767, -32768, 2147483647, -2147483647 - 1};
    static const struct {
        int type;
        size_t bytes;
        int count; /* of the numbers that it holds */
    } types[] = {{0x09, 1, 5}, {0x0B, 2, 7}, {0x0C, 4, 9}};
    uint8_t elements[8 * COUNT(numbers)];
    fnn_dataset data;
    fnn_error error;
    int t, i, packed;
    for (t = 0; t < COUNT(types); t++)
        for (packed = 0; packed < 2; packed++) {
            const uint32_t count = (uint32_t)types[t].count;
            file_bytes file;
            for (i = 0; i < types[t].count; i++)
                big_endian((uint64_t)numbers[i], types[t].bytes,
                           elements + (size_t)i * types[t].bytes);
            file = idx_of(types[t].type, types[t].bytes, count, 1, elements);
            if (packed) file = gzip_and_free(file, 6);
            if (!CHECKF(!fnn_read_idx(write_and_free("a", file), NULL, NULL, &data, &error), "%s",
                        error.message))
                return;
            CHECK(data.count == types[t].count && data.height == 1 && data.width == 1 &&
                  data.channels == 1 && data.reals && !data.bytes);
            for (i = 0; i < types[t].count; i++)
                CHECKF(data.reals[i] == (fnn_real)numbers[i], "type %d, number %d: %g",
                       types[t].type, i, (double)data.reals[i]);
            CHECK(!fnn_dataset_check(&data, NULL));
            fnn_dataset_free(&data);
        }
}

static void idx_floats_and_doubles(void)
{
    static const double numbers[6] = {0, -1.5, 1.0 / 3, 1e30, -1e-30, 7};
    static const uint64_t special[2][2] = {{0x7FC00000u, 0xFF800000u},
                                           {0x7FF8000000000000u, 0xFFF0000000000000u}};
    uint8_t elements[8 * 8];
    fnn_dataset data;
    fnn_error error;
    int wide, i;
    for (wide = 0; wide < 2; wide++) {
        const size_t bytes = wide ? 8 : 4;
        for (i = 0; i < 8; i++) {
            const float single = (float)numbers[i % 6];
            uint32_t low;
            uint64_t bits;
            memcpy(&low, &single, 4);
            memcpy(&bits, &numbers[i % 6], 8);
            big_endian(i >= 6 ? special[wide][i - 6]
                       : wide ? bits
                              : low,
                       bytes, elements + (size_t)i * bytes);
        }
        if (!CHECKF(!fnn_read_idx(
                        write_and_free("a", idx_of(wide ? 0x0E : 0x0D, bytes, 8, 2, elements)),
                        NULL, NULL, &data, &error),
                    "%s", error.message))
            return;
        CHECK(data.count == 4 && data.channels == 2);
        for (i = 0; i < 6; i++)
            CHECKF(data.reals[i] == (fnn_real)(wide ? numbers[i] : (double)(float)numbers[i]),
                   "number %d: %g", i, (double)data.reals[i]);
        CHECK(data.reals[6] != data.reals[6]); /* NaN and infinities stay */
        CHECK(data.reals[7] < 0 && data.reals[7] - data.reals[7] != 0);
        fnn_dataset_free(&data);
    }
    if (sizeof(fnn_real) == 8) return;
    { /* a finite number stays finite or is refused */
        const double large = -1e39;
        uint64_t bits;
        memcpy(&bits, &large, 8);
        big_endian(bits, 8, elements + 8);
        check_failed(__LINE__,
                     fnn_read_idx(write_and_free("a", idx_of(0x0E, 8, 4, 2, elements)), NULL, NULL,
                                  &data, &error),
                     FNN_ERROR_FORMAT, &error,
                     "a: sample 0: expected a value in the range of fnn_real, found -1e+39", &data);
    }
}

static fnn_result read_labels(file_bytes labels, const fnn_idx_config *config, fnn_dataset *data,
                              fnn_error *error)
{
    const char *images = write_and_free("a", idx_file(2, 4, 3, 0, 0, 250));
    return fnn_read_idx_with(images, write_and_free("b", labels), config, NULL, data, error);
}

/* QMNIST's labels: int32 of n x 8, of which the first of each row is the class. */
static void idx_labels_of_every_integer_type(void)
{
    static const struct {
        int type;
        size_t bytes;
    } types[] = {{0x08, 1}, {0x09, 1}, {0x0B, 2}, {0x0C, 4}};
    static const int expected[4] = {3, 0, 9, 3};
    uint8_t elements[4 * 8 * 4];
    uint32_t columns;
    int t, i, j;
    for (t = 0; t < COUNT(types); t++)
        for (columns = 1; columns <= 8; columns += 7) {
            fnn_dataset data;
            fnn_error error;
            for (i = 0; i < 4; i++)
                for (j = 0; j < (int)columns; j++)
                    big_endian(j ? 99u : (unsigned)expected[i], types[t].bytes,
                               elements + ((size_t)i * columns + (size_t)j) * types[t].bytes);
            if (!CHECKF(!read_labels(
                            idx_of(types[t].type, types[t].bytes, 4 * columns, columns, elements),
                            NULL, &data, &error),
                        "%s", error.message))
                return;
            CHECK(data.classes == 10);
            for (i = 0; i < 4; i++) CHECK(data.labels[i] == expected[i]);
            fnn_dataset_free(&data);
        }
}

static void idx_labels_out_of_range(void)
{
    static const uint8_t floats[16] = {0}, wide[16] = {0, 0, 0, 1, 0, 1, 0, 0},
                         negative[4] = {1, 255};
    fnn_dataset data;
    fnn_error error;
    check_failed(__LINE__, read_labels(idx_of(0x0D, 4, 4, 1, floats), NULL, &data, &error),
                 FNN_ERROR_FORMAT, &error, "b: expected labels of an integer IDX type, found float",
                 &data);
    check_failed(__LINE__, read_labels(idx_of(0x0C, 4, 4, 1, wide), NULL, &data, &error),
                 FNN_ERROR_FORMAT, &error,
                 "b: label 1: expected 0 to 65535 (or compact_classes), found 65536", &data);
    check_failed(__LINE__, read_labels(idx_of(0x09, 1, 4, 1, negative), NULL, &data, &error),
                 FNN_ERROR_FORMAT, &error,
                 "label 1: expected 0 to 65535 (or compact_classes), found -1", &data);
}

/* EMNIST's letters are 1 to 26, and a test set need not have all of them. */
static void idx_classes_are_compacted(void)
{
    static const uint8_t letters[4] = {26, 1, 5, 26}, some[4] = {26, 26, 5, 5},
                         other[4] = {1, 2, 1, 1};
    fnn_idx_config c = fnn_idx_config_init();
    fnn_dataset train, test;
    fnn_error error;
    c.compact_classes = 1;
    if (!CHECK(!read_labels(idx_of(8, 1, 4, 1, letters), &c, &train, &error))) return;
    CHECK(train.classes == 3 && !strcmp(train.class_names[0], "1") &&
          !strcmp(train.class_names[1], "5") && !strcmp(train.class_names[2], "26"));
    CHECK(train.labels[0] == 2 && train.labels[1] == 0 && train.labels[2] == 1);
    c.same_classes = &train;
    CHECK(!read_labels(idx_of(8, 1, 4, 1, some), &c, &test, &error));
    CHECK(test.classes == 3 && test.labels[0] == 2 && test.labels[3] == 1);
    CHECK(!strcmp(test.class_names[2], "26") && test.class_names != train.class_names);
    fnn_dataset_free(&test);
    check_failed(__LINE__, read_labels(idx_of(8, 1, 4, 1, other), &c, &test, &error),
                 FNN_ERROR_FORMAT, &error,
                 "b: label 1: expected a class of the 3 of same_classes, found \"2\"", &test);
    c.compact_classes = 0; /* numbers as they are, as many classes as the other set has */
    CHECK(!read_labels(idx_file(1, 4, 0, 0, 0, 2), &c, &test, &error) && test.classes == 3);
    fnn_dataset_free(&test);
    check_failed(__LINE__, read_labels(idx_of(8, 1, 4, 1, some), &c, &test, &error),
                 FNN_ERROR_FORMAT, &error, "label 0: expected 0 to 2 as in same_classes, found 26",
                 &test);
    fnn_dataset_free(&train);
    check_failed(__LINE__, read_labels(LABELS, &c, &test, &error), FNN_ERROR_ARGUMENT, &error,
                 "same_classes: expected classes, found none", &test);
    c.same_classes = &test;
    CHECK(read_labels(LABELS, &c, &test, &error) == FNN_ERROR_ARGUMENT);
}

/* What the file has at (row, column) comes to (column, row), with its channels, as bytes and as
 * reals. */
static void idx_images_are_transposed(void)
{
    fnn_idx_config c = fnn_idx_config_init();
    int dimensions, reals;
    c.transpose = 1;
    for (dimensions = 3; dimensions <= 4; dimensions++)
        for (reals = 0; reals < 2; reals++) {
            const int channels = dimensions == 4 ? 2 : 1;
            file_bytes file = idx_file(dimensions, 3, 5, 4, 2, 120);
            fnn_dataset data;
            fnn_error error;
            int i, y, x, k, at = 0, from;
            if (reals) file.bytes[2] = 9;
            if (!CHECKF(
                    !fnn_read_idx_with(write_and_free("a", file), NULL, &c, NULL, &data, &error),
                    "%s", error.message))
                return;
            CHECK(data.count == 3 && data.height == 4 && data.width == 5 &&
                  data.channels == channels);
            for (i = 0; i < 3; i++)
                for (y = 0; y < 4; y++)
                    for (x = 0; x < 5; x++)
                        for (k = 0; k < channels; k++, at++) {
                            from = (((i * 5 + x) * 4 + y) * channels + k) % 120;
                            CHECK(reals ? data.reals[at] == (fnn_real)from
                                        : data.bytes[at] == from);
                        }
            fnn_dataset_free(&data);
        }
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
                accepted += packed;
                if (packed) CHECK(!memcmp(data.bytes, plain.bytes + 16, plain.size - 16));
                else CHECKF(i == 16 && data.reals, "bit %d flipped", (int)i); /* int8 */
                CHECK(data.count == 20);
            }
            fnn_dataset_free(&data);
            file.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        free(file.bytes);
    }
    CHECKF(accepted >= 49 && accepted < 49 + 8, "%d flipped bits were harmless", accepted);
    free(plain.bytes);
}

/* Nor does one that a gzip file could just about keep: what it should hold is not there. */
static void idx_takes_memory_as_the_bytes_come(void)
{
    const size_t size = 200000;
    file_bytes file = idx_file(3, 100, 1000, 1000, 0, 250), noise;
    budget memory;
    const fnn_allocator allocator = budget_open(&memory);
    fnn_dataset data;
    fnn_error error;
    size_t i;
    noise.bytes = (uint8_t *)need(size);
    noise.size = size;
    for (i = 0; i < size; i++) noise.bytes[i] = (uint8_t)random_bits();
    file = gzip_and_free(bytes_join(file, noise), 1);
    check_failed(__LINE__, fnn_read_idx(write_and_free("a", file), NULL, &allocator, &data, &error),
                 FNN_ERROR_FORMAT, &error,
                 "expected the 100000016 bytes that its header says, found 200", &data);
    CHECKF(memory.largest < 20 * size && memory.live == 0, "%lu", (unsigned long)memory.largest);
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
                     FNN_ERROR_FORMAT, &error,
                     packed ? "the IDX header says 1000000016 bytes: expected a gzip file of 968992"
                            : "expected the 1000000016 bytes that its header says, found 116",
                     &data);
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
    setenv("FMNIST_DIR", path_of("none"), 1); /* set and wrong: no other place is looked at */
    check_failed(__LINE__, fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error),
                 FNN_ERROR_FILE, &error, "$FMNIST_DIR: ", &train);
    CHECKF(strstr(error.message, "none: expected train-images-idx3-ubyte or "
                                 "train-images-idx3-ubyte.gz there, found none") != NULL,
           "%s", error.message);
    CHECK(is_zero(&test));
    unsetenv("FMNIST_DIR");
    CHECK(fnn_read_fashion_mnist(directory, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    memset(&train, 0x55, sizeof train);
    CHECK(fnn_read_fashion_mnist(directory, NULL, &train, &train, &error) == FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "read_fashion_mnist: ") != NULL);
    CHECK(train.count == 0 && train.bytes == NULL);

    labels.bytes[8 + 3] = 10;
    write_file("t10k-labels-idx1-ubyte", labels);
    check_failed(__LINE__, fnn_read_fashion_mnist(directory, NULL, &train, &test, &error),
                 FNN_ERROR_FORMAT, &error, "expected labels 0 to 9, found 10", &test);
    CHECK(is_zero(&train));
    write_and_free("t10k-images-idx3-ubyte", idx_file(3, 12, 28, 27, 0, 251));
    check_failed(__LINE__, fnn_read_fashion_mnist(directory, NULL, NULL, &test, &error),
                 FNN_ERROR_FORMAT, &error, "28 x 27 x 1", &test);
    free(images.bytes);
    free(labels.bytes);
}

/* In a folder without the data, where only the system may have them. */
static void a_variable_that_is_not_set_or_empty_is_none(void)
{
    char before[1000];
    fnn_dataset train, test;
    fnn_error error;
    fnn_result result;
    int empty;
    if (!CHECK(getcwd(before, sizeof before) != NULL)) return;
    (void)path_of("a");
    CHECK(chdir(directory) == 0);
    for (empty = 0; empty < 2; empty++) {
        if (empty) setenv("FMNIST_DIR", "", 1);
        result = fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error);
        if (result == FNN_OK) { /* the system has them */
            CHECK(train.count == 60000);
            fnn_dataset_free(&train), fnn_dataset_free(&test);
            continue;
        }
        check_failed(__LINE__, result, FNN_ERROR_FILE, &error,
                     "fashion-mnist) in data or /usr/share/datasets/fashion-mnist, found none "
                     "and no $FMNIST_DIR",
                     &train);
        CHECK(is_zero(&test));
    }
    unsetenv("FMNIST_DIR");
    CHECK(chdir(before) == 0);
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
    TEST(idx_says_what_else_a_file_is),
    TEST(idx_integers_become_reals),
    TEST(idx_floats_and_doubles),
    TEST(idx_labels_of_every_integer_type),
    TEST(idx_labels_out_of_range),
    TEST(idx_classes_are_compacted),
    TEST(idx_images_are_transposed),
    TEST(idx_rejects_wrong_calls),
    TEST(idx_rejects_every_truncation_and_flipped_bit),
    TEST(idx_believes_no_header),
    TEST(idx_takes_memory_as_the_bytes_come),
    TEST(fashion_mnist_in_a_directory),
    TEST(a_variable_that_is_not_set_or_empty_is_none),
    TEST(fashion_mnist_itself),
};
HARNESS_MAIN(tests)
