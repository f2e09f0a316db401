/* The readers' rarer branches (see make coverage): each member of a configuration,
 * tables that are too wide, sets that are unlike each other, directories. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#endif
#include <sys/stat.h>
#include "../fmnist_nn.h"
#include "datasets.h"

enum { WIDEST = 1 << 20 }; /* the most columns and features that there may be */

static fnn_result read_table(const char *text, const fnn_csv_config *c, fnn_dataset *data,
                             fnn_error *error)
{
    return fnn_read_csv(write_text("c", text), c, NULL, data, error);
}

static void check_table_fails(int line, const char *text, const fnn_csv_config *c,
                              fnn_result expected, const char *words)
{
    fnn_dataset data;
    fnn_error error;
    const fnn_result result = read_table(text, c, &data, &error);
    check_failed(line, result, expected, &error, words, &data);
}

/* ---- configurations ---- */

/* One statement makes a right configuration wrong; the message says which member it was. */
#define WRONG(statement, words)                                                             \
    do {                                                                                    \
        fnn_csv_config c = fnn_csv_config_init();                                           \
        CHECK(read_table("1,2,0\n", &c, &data, &error) == FNN_OK);                          \
        fnn_dataset_free(&data);                                                            \
        statement;                                                                          \
        check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "read_csv: " words); \
    } while (0)

static void each_member_of_a_configuration_is_checked(void)
{
    static const int skip[1] = {0};
    fnn_csv_column column = {NULL, 0, FNN_CSV_SKIPPED};
    fnn_dataset data;
    fnn_error error;
    WRONG((c.skip_columns = skip, c.skip_count = -1), "skip_count: expected 0");
    WRONG(c.column_count = 1, "column_count: expected 0");
    WRONG((c.columns = &column, c.column_count = -1), "column_count: expected 0");
    WRONG(c.others = (fnn_csv_role)-1, "others: expected an fnn_csv_role");
    WRONG(c.others = FNN_CSV_ROLE_COUNT, "others: expected an fnn_csv_role");
    column.role = (fnn_csv_role)-1;
    WRONG((c.columns = &column, c.column_count = 1), "columns: expected an fnn_csv_role of each");
    column.role = FNN_CSV_ROLE_COUNT;
    WRONG((c.columns = &column, c.column_count = 1), "columns: expected an fnn_csv_role of each");
    WRONG(c.separator = 0, "separator: expected no zero, quote or line end, found byte 0");
    WRONG(c.separator = '\n', "separator: expected no zero, quote or line end");
    WRONG(c.comment = '\n', "comment: expected no separator, quote, blank or line end");
    WRONG(c.label = (fnn_csv_label)-1, "label: expected an fnn_csv_label");
    WRONG(c.label = (fnn_csv_label)(FNN_CSV_LABEL_TARGET + 1), "label: expected an fnn_csv_label");
    WRONG(c.missing = (fnn_csv_missing)-1, "missing: expected an fnn_csv_missing");
    WRONG(c.missing = FNN_CSV_MISSING_COUNT, "missing: expected an fnn_csv_missing");
    WRONG(c.header = -1, "header: expected 0 or");
    WRONG(c.skip_lines = -1, "skip_lines: expected 0 or more");
    WRONG(c.categories = 0, "categories: expected 1 to 65536");
    WRONG(c.categories = 65537, "categories: expected 1 to 65536");
}

/* A shape is none at all, or every side of it is 1 to the widest. */
static void each_side_of_a_shape_is_checked(void)
{
    static const int wrong[] = {-1, 0, WIDEST + 1};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    int i;
    for (i = 0; i < COUNT(wrong); i++) {
        c.height = wrong[i], c.width = 1, c.channels = 2;
        check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                          "height, width, channels: expected");
        c.height = 2, c.width = wrong[i], c.channels = 1;
        check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                          "height, width, channels: expected");
        c.height = 2, c.width = 1, c.channels = wrong[i];
        check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                          "height, width, channels: expected");
    }
    c.height = 0, c.width = 0, c.channels = 2;
    check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                      "height, width, channels: expected");
    c.height = 0, c.width = 2, c.channels = 0;
    check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                      "height, width, channels: expected");
    c.height = WIDEST, c.width = 1, c.channels = 1;
    check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_FORMAT, "features of a sample, found 2");
    c.height = 1, c.width = 2, c.channels = 1;
    if (CHECK(read_table("1,2,0\n", &c, &data, &error) == FNN_OK))
        CHECK(data.height == 1 && data.width == 2 && data.channels == 1);
    fnn_dataset_free(&data);
}

/* A column has one role, however often it is told. */
static void columns_have_one_role(void)
{
    static const int beyond[1] = {3};
    static const fnn_csv_column twice[2] = {{NULL, 0, FNN_CSV_LABEL}, {NULL, 0, FNN_CSV_FEATURE}};
    fnn_csv_config c = fnn_csv_config_init();
    c.skip_columns = beyond;
    c.skip_count = 1;
    check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                      "named or skipped column: expected -3 to 2, found 3");
    c = fnn_csv_config_init();
    c.columns = twice;
    c.column_count = 2;
    check_table_fails(__LINE__, "4,5,1\n", &c, FNN_ERROR_ARGUMENT,
                      "column 0: expected one role, found label and feature");
}

/* ---- tables that are too wide ---- */

/* A line of so many fields, behind another text. */
static file_bytes wide_line(const char *before, int fields)
{
    const size_t length = strlen(before);
    file_bytes f;
    int i;
    f.size = length + 2 * (size_t)fields;
    f.bytes = (uint8_t *)need(f.size);
    memcpy(f.bytes, before, length);
    for (i = 0; i < fields; i++) memcpy(f.bytes + length + 2 * (size_t)i, "1,", 2);
    f.bytes[f.size - 1] = '\n';
    return f;
}

static void check_width(const char *before, int fields, int header, const char *words)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    fnn_result result;
    c.header = header;
    result = fnn_read_csv(write_and_free("c", wide_line(before, fields)), &c, NULL, &data, &error);
    if (words) check_failed(__LINE__, result, FNN_ERROR_FORMAT, &error, words, &data);
    else CHECKF(result == FNN_OK && data.channels == fields - 1, "%s", error.message);
    if (!words) fnn_dataset_free(&data);
}

static void a_line_has_columns_up_to_a_limit(void)
{
    check_width("", WIDEST, 0, NULL);
    check_width("", WIDEST + 1, 0, "line 1: expected 1048576 columns at most, found 1048576 and m");
    check_width("1,2\n", WIDEST + 1, 0,
                "line 2: expected 2 columns as in the first row, found 1048576 and more");
    check_width("", WIDEST + 1, 1, "line 1: expected 1048576 columns at most, found more");
    check_width("", WIDEST, 1, "expected a sample a line, found none");
}

/* Columns of text: each of 65,536 lines has a category of its own, in each of the columns. */
static void categories_make_features_up_to_a_limit(void)
{
    enum { LINES = 65536, COLUMNS = 17 };
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    fnn_result result;
    char *text = (char *)need((size_t)LINES * (COLUMNS * 6 + 2) + 1), *at = text;
    int i, j;
    for (i = 0; i < LINES; i++) {
        for (j = 0; j < COLUMNS; j++) at += sprintf(at, "%05d,", i);
        at += sprintf(at, "0\n");
    }
    c.others = FNN_CSV_TEXT;
    c.categories = LINES;
    result = read_table(text, &c, &data, &error);
    check_failed(__LINE__, result, FNN_ERROR_FORMAT, &error,
                 "expected at most 1048576 features, found 1114112", &data);
    free(text);
}

/* Fewer bytes than the shortest gzip file has: its last four are not there to tell a length. */
static void a_packed_table_is_no_shorter_than_its_frame(void)
{
    file_bytes whole = gzip_and_free(bytes_text("1,2,0\n"), 6);
    size_t size;
    for (size = 2; size < 18; size++) {
        const char *path = write_and_free("c", bytes_copy(whole.bytes, size));
        fnn_dataset data;
        fnn_error error;
        const fnn_result result = fnn_read_csv(path, NULL, NULL, &data, &error);
        check_failed(__LINE__, result, FNN_ERROR_FORMAT, &error, "bad gzip file", &data);
    }
    free(whole.bytes);
}

/* ---- a test set that is unlike its training set ---- */

static void columns_are_those_of_the_training_set(void)
{
    static const fnn_csv_column text = {NULL, 0, FNN_CSV_TEXT};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset train, test;
    fnn_error error;
    if (!CHECK(read_table("1,2,0\n3,4,1\n", &c, &train, &error) == FNN_OK)) return;
    c.same_classes = &train;
    c.columns = &text;
    c.column_count = 1;
    check_table_fails(__LINE__, "a,2,0\n", &c, FNN_ERROR_ARGUMENT,
                      "column 1: expected numbers as in same_classes, found text");
    c.column_count = 0;
    c.header = 1; /* names where the training set has none */
    if (CHECKF(read_table("x,y,z\n5,6,1\n", &c, &test, &error) == FNN_OK, "%s", error.message))
        CHECK(test.reals[0] == 5 && !strcmp(test.feature_names[1], "y"));
    fnn_dataset_free(&test);
    fnn_dataset_free(&train);

    c.same_classes = NULL;
    if (!CHECK(read_table("ab,cd,z\n1,2,0\n3,4,1\n", &c, &train, &error) == FNN_OK)) return;
    c.same_classes = &train;
    check_table_fails(__LINE__, "abc,cd,z\n5,6,1\n", &c, FNN_ERROR_FORMAT,
                      "column 1: expected \"ab\" as in same_classes, found \"abc\"");
    check_table_fails(__LINE__, "ab,ce,z\n5,6,1\n", &c, FNN_ERROR_FORMAT,
                      "column 2: expected \"cd\" as in same_classes, found \"ce\"");
    c.label = FNN_CSV_LABEL_NONE;
    check_table_fails(__LINE__, "ab\n5\n", &c, FNN_ERROR_FORMAT,
                      "expected 2 feature columns as in same_classes, found 1");
    fnn_dataset_free(&train);
}

/* Arrays of the caller's have classes to lend, but neither categories nor means. */
static void arrays_lend_their_classes(void)
{
    fnn_real reals[6];
    int32_t labels[3];
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset own, data;
    fnn_error error;
    make_table(&own, reals, labels, 3);
    c.same_classes = &own;
    if (CHECKF(read_table("1,2,0\n3,4,1\n", &c, &data, &error) == FNN_OK, "%s", error.message))
        CHECK(data.classes == 3 && data.reals[3] == 4);
    fnn_dataset_free(&data);
    check_table_fails(__LINE__, "1,2,3\n", &c, FNN_ERROR_FORMAT, "same_classes");
    c.missing = FNN_CSV_MISSING_MEAN;
    check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "same_classes: expected means");
    c.missing = FNN_CSV_MISSING_REFUSE;
    c.others = FNN_CSV_TEXT;
    check_table_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                      "same_classes: expected categories");
}

/* ---- IDX and CIFAR-10 ---- */

/* Class numbers that are compacted may be any integers up to 2^24 either way. */
static void compacted_labels_have_a_limit(void)
{
    static const struct {
        const char *bytes; /* big-endian, one label */
        int right;
    } labels[] = {{"\x01\x00\x00\x00", 1},
                  {"\x01\x00\x00\x01", 0},
                  {"\xff\x00\x00\x00", 1},
                  {"\xfe\xff\xff\xff", 0}};
    fnn_idx_config c = fnn_idx_config_init();
    fnn_dataset data;
    fnn_error error;
    int i;
    c.compact_classes = 1;
    for (i = 0; i < COUNT(labels); i++) {
        const char *path;
        fnn_result result;
        file_bytes file = bytes_copy("\0\0\x0C\1\0\0\0\1....", 12);
        memcpy(file.bytes + 8, labels[i].bytes, 4);
        path = write_and_free("labels", file);
        result = fnn_read_idx_with(write_and_free("images", idx_file(3, 1, 2, 2, 0, 256)), path, &c,
                                   NULL, &data, &error);
        if (labels[i].right) CHECKF(result == FNN_OK && data.classes == 1, "%s", error.message);
        else
            check_failed(__LINE__, result, FNN_ERROR_FORMAT, &error,
                         "expected -16777216 to 16777216", &data);
        if (labels[i].right) fnn_dataset_free(&data);
    }
}

/* A first label of 9 may be followed by any pixels: a tab before "<html" is no web page yet. */
static void a_record_may_begin_like_a_page(void)
{
    file_bytes page = cifar_file(0, 1);
    const char *path;
    fnn_dataset data;
    fnn_error error;
    memcpy(page.bytes, "\t<html>", 7);
    path = write_file("batch", page);
    CHECKF(fnn_read_cifar10_files(&path, 1, NULL, &data, &error) == FNN_OK, "%s", error.message);
    CHECK(data.count == 1 && data.labels[0] == 9);
    fnn_dataset_free(&data);
    page.bytes[0] = ' ';
    path = write_and_free("batch", page);
    check_failed(__LINE__, fnn_read_cifar10_files(&path, 1, NULL, &data, &error), FNN_ERROR_FORMAT,
                 &error, "expected records of CIFAR-10, found a web page", &data);
}

/* ---- directories ---- */

static fnn_result read_fashion(const char *folder, file_bytes images, fnn_dataset *train,
                               fnn_error *error)
{
    write_and_free("train-images-idx3-ubyte", images);
    return fnn_read_fashion_mnist(folder, NULL, train, NULL, error);
}

static void fashion_mnist_has_a_shape(void)
{
    fnn_dataset data;
    fnn_error error;
    char folder[300];
    write_and_free("train-labels-idx1-ubyte", idx_file(1, 2, 0, 0, 0, 10));
    snprintf(folder, sizeof folder, "%s", directory);
    check_failed(__LINE__, read_fashion(folder, idx_file(3, 2, 27, 28, 0, 256), &data, &error),
                 FNN_ERROR_FORMAT, &error, "expected images of 28 x 28 x 1, found 27 x 28 x 1",
                 &data);
    check_failed(__LINE__, read_fashion(folder, idx_file(3, 2, 28, 27, 0, 256), &data, &error),
                 FNN_ERROR_FORMAT, &error, "expected images of 28 x 28 x 1, found 28 x 27 x 1",
                 &data);
    check_failed(__LINE__, read_fashion(folder, idx_file(4, 2, 28, 28, 3, 256), &data, &error),
                 FNN_ERROR_FORMAT, &error, "expected images of 28 x 28 x 1, found 28 x 28 x 3",
                 &data);
    strcat(folder, "/"); /* one that ends in a slash needs none */
    CHECKF(read_fashion(folder, idx_file(3, 2, 28, 28, 0, 256), &data, &error) == FNN_OK, "%s",
           error.message);
    CHECK(data.count == 2 && data.classes == 10);
    fnn_dataset_free(&data);
}

/* The directory "" is the root's, one whose path is too long has nothing. */
static void odd_directories_have_nothing(void)
{
    fnn_dataset data;
    fnn_error error;
    char path[1100];
    check_failed(
        __LINE__, fnn_read_fashion_mnist("", NULL, &data, NULL, &error), FNN_ERROR_FILE, &error,
        "expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz there, found none", &data);
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = 0;
    CHECK(fnn_read_fashion_mnist(path, NULL, &data, NULL, &error) == FNN_ERROR_FILE);
    memcpy(path, directory, strlen(directory));
    CHECK(fnn_read_fashion_mnist(path, NULL, &data, NULL, &error) == FNN_ERROR_FILE);
    path[strlen(directory) + 1] = 0; /* the same files, where the path fits */
    CHECKF(fnn_read_fashion_mnist(path, NULL, &data, NULL, &error) == FNN_OK, "%s", error.message);
    fnn_dataset_free(&data);
}

/* Without a directory and a variable, it is data/ below the working directory. */
static void data_is_looked_for_first(void)
{
    char before[1000], data_folder[300];
    fnn_dataset data;
    fnn_error error;
    snprintf(data_folder, sizeof data_folder, "%s/data", directory);
    unsetenv("FMNIST_DIR");
    if (!CHECK(getcwd(before, sizeof before) && !mkdir(data_folder, 0700) && !chdir(directory)))
        return;
    rename("train-images-idx3-ubyte", "data/train-images-idx3-ubyte");
    rename("train-labels-idx1-ubyte", "data/train-labels-idx1-ubyte");
    CHECKF(fnn_read_fashion_mnist(NULL, NULL, &data, NULL, &error) == FNN_OK, "%s", error.message);
    CHECK(data.count == 2);
    fnn_dataset_free(&data);
    setenv("FMNIST_DIR", "none", 1); /* nobody wants to know why: NULL takes the error */
    CHECK(fnn_read_fashion_mnist(NULL, NULL, &data, NULL, NULL) == FNN_ERROR_FILE);
    unsetenv("FMNIST_DIR");
    remove("data/train-images-idx3-ubyte");
    remove("data/train-labels-idx1-ubyte");
    CHECK(!rmdir("data") && !chdir(before));
}

static const harness_test tests[] = {
    TEST(each_member_of_a_configuration_is_checked),
    TEST(each_side_of_a_shape_is_checked),
    TEST(columns_have_one_role),
    TEST(a_line_has_columns_up_to_a_limit),
    TEST(categories_make_features_up_to_a_limit),
    TEST(a_packed_table_is_no_shorter_than_its_frame),
    TEST(columns_are_those_of_the_training_set),
    TEST(arrays_lend_their_classes),
    TEST(compacted_labels_have_a_limit),
    TEST(a_record_may_begin_like_a_page),
    TEST(fashion_mnist_has_a_shape),
    TEST(odd_directories_have_nothing),
    TEST(data_is_looked_for_first),
};
HARNESS_MAIN(tests)
