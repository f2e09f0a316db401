/* CSV: every form of a table, every error with its line and column, class names and numbers,
 * targets, locales, truncations, any bytes; plain and packed. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#include "../fmnist_nn.h"
#include "budget.h"
#include "datasets.h"
#include <locale.h>

static fnn_result load_csv_text(fnn_dataset *data, const char *text, const fnn_csv_config *config,
                                fnn_error *error)
{
    return fnn_read_csv(write_text("c", text), config, NULL, data, error);
}

static void check_csv_fails(int line, const char *text, const fnn_csv_config *config,
                            fnn_result expected, const char *words)
{
    fnn_dataset data;
    fnn_error error;
    fnn_result result = load_csv_text(&data, text, config, &error);
    check_failed(line, result, expected, &error, words, &data);
}

/* The table 1 2 3 / 4 5 6 with labels 0 / 2, however it is written. */
static void check_csv_same(int line, const char *text, const fnn_csv_config *config)
{
    fnn_dataset data;
    fnn_error error;
    int i, packed;
    for (packed = 0; packed < 2; packed++) {
        file_bytes plain = bytes_text(text);
        const char *path = packed ? write_and_free("c", gzip(plain, 6)) : write_file("c", plain);
        fnn_result result = fnn_read_csv(path, config, NULL, &data, &error);
        free(plain.bytes);
        if (!CHECKF(result == FNN_OK, "line %d: %s", line, error.message)) return;
        CHECKF(data.count == 2 && data.rows == 2 && data.height == 1 && data.width == 1 &&
                   data.channels == 3 && data.classes == 3 && !data.class_names && !data.targets,
               "line %d: shape", line);
        for (i = 0; i < 6; i++)
            CHECKF(data.reals ? data.reals[i] == (fnn_real)(i + 1) : data.bytes[i] == i + 1,
                   "line %d: value %d", line, i);
        CHECKF(data.labels[0] == 0 && data.labels[1] == 2, "line %d: labels", line);
        CHECK(fnn_dataset_check(&data, &error) == FNN_OK);
        fnn_dataset_free(&data);
        CHECK(is_zero(&data));
    }
}

static void csv_forms(void)
{
    static const int skip[2] = {1, -2};
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2\n", NULL);
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2\n", &c);
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2", &c);
    check_csv_same(__LINE__, "1,2,3,0\r\n4,5,6,2\r\n", &c);
    check_csv_same(__LINE__, "1,2,3,0\r4,5,6,2", &c);
    check_csv_same(__LINE__, "\n\n1,2,3,0\n\r\n  \n\t\n4,5,6,2\n\n", &c);
    check_csv_same(__LINE__,
                   "\xEF\xBB\xBF"
                   "1,2,3,0\n4,5,6,2\n",
                   &c);
    check_csv_same(__LINE__, "\"1\",2,\"3\",0\n4,\"5\",6,\"2\"\n", &c);
    check_csv_same(__LINE__, " 1 ,\t2, \"3\" ,0 \n  4,5.0,60e-1,+2\t\n", &c);
    c.keep_bytes = 1;
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2\n", &c);
    check_csv_same(__LINE__, "1,2.0,3,0\n4,5,0.6e1,2\n", &c);
    c.separator = ' ';
    check_csv_same(__LINE__, "1 2 3 0\n4 5 6 2\n", &c);
    check_csv_same(__LINE__, "  1   2 \t 3 0  \n\n4\t5 6 2   ", &c);
    check_csv_same(__LINE__, "1 \"2\"  \"3\" 0\r\n4 5 6 2", &c);
    c.separator = '\t';
    check_csv_same(__LINE__, "1\t2\t 3\t0\n4\t5\t6 \t2\n", &c);
    c.separator = ';';
    c.label_column = 0;
    check_csv_same(__LINE__, "0;1;2;3\n2;4;5;6\n", &c);
    c.header = 1;
    check_csv_same(__LINE__, "label;a;b;c\n0;1;2;3\n2;4;5;6\n", &c);
    check_csv_same(__LINE__, "\n\"la;b\"\"\nel\";a\n0;1;2;3\n2;4;5;6\n", &c);
    c.skip_columns = skip;
    c.skip_count = 2;
    check_csv_same(__LINE__, "x\n0;id \"7\";1;2;\"a;\n\"\"b\"\"\";3\n2;nan;4;5;;6\n", &c);
    c.skip_count = 0;
    c.label_column = 1;
    check_csv_same(__LINE__, "x\n1;0;2;3\n4;2;5;6\n", &c);
    c.label_column = -3;
    check_csv_same(__LINE__, "x\n1;0;2;3\n4;2;5;6\n", &c);
}

static void csv_errors(void)
{
    static const int skip[1] = {-1};
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_fails(__LINE__, "", &c, FNN_ERROR_FORMAT, "no samples");
    check_csv_fails(__LINE__, "\n \n\r\n", &c, FNN_ERROR_FORMAT, "no samples");
    check_csv_fails(__LINE__, "1,2,0\n1,2\n", &c, FNN_ERROR_FORMAT,
                    "line 2: expected 3 columns as in the first row, found 2");
    check_csv_fails(__LINE__, "1,2,0\n\n1,2,3,4\n", &c, FNN_ERROR_FORMAT, "line 3: expected 3");
    check_csv_fails(__LINE__, "1,2,0\n1,2,0,\n", &c, FNN_ERROR_FORMAT, "found 4");
    check_csv_fails(__LINE__, "1,2,0\n1,x,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: expected a number, found \"x\"");
    check_csv_fails(__LINE__, "a,b,c\n1,2,0\n", &c, FNN_ERROR_FORMAT, "set header");
    check_csv_fails(__LINE__, "1,2,0\n1,,0\n", &c, FNN_ERROR_FORMAT, "found \"\"");
    check_csv_fails(__LINE__, "1,2,0\n1,nan,0\n", &c, FNN_ERROR_FORMAT, "found \"nan\"");
    check_csv_fails(__LINE__, "1,2,0\n1,1e999,0\n", &c, FNN_ERROR_FORMAT, "found \"1e999\"");
    check_csv_fails(__LINE__, "1,2,0\n1,2,0.5\n", &c, FNN_ERROR_FORMAT, "expected a class number");
    check_csv_fails(__LINE__, "1,2,0\n1,2,-1\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,2,65536\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,2,1e30\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,\"2,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: a quote is opened");
    check_csv_fails(__LINE__, "1,2,0\n1,\"2\"3,0\n", &c, FNN_ERROR_FORMAT, "after the quote");
    check_csv_fails(__LINE__, "1 2 0\n1 2 0\n", &c, FNN_ERROR_FORMAT, "is the separator right");
    check_csv_fails(__LINE__, "1;5,2;5,0\n", &c, FNN_ERROR_FORMAT, "column 1");
    check_csv_fails(__LINE__, "1,aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd\x01,0\n", &c,
                    FNN_ERROR_FORMAT, "ccdd...\"");
    c.keep_bytes = 1;
    check_csv_fails(__LINE__, "1,256,0\n", &c, FNN_ERROR_FORMAT, "an integer 0 to 255");
    check_csv_fails(__LINE__, "1,-1,0\n", &c, FNN_ERROR_FORMAT, "an integer 0 to 255");
    check_csv_fails(__LINE__, "1,0.5,0\n", &c, FNN_ERROR_FORMAT, "found \"0.5\"");
    check_csv_fails(__LINE__, "1,1e30,0\n", &c, FNN_ERROR_FORMAT, "found \"1e30\"");
    c.height = c.width = c.channels = 2;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_FORMAT, "2 feature columns");
    c.channels = 0;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "channels");
    c = fnn_csv_config_init();
    c.label_column = 3;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "the label column is 3");
    c.label_column = -4;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "the label column is -4");
    c.label_column = -1;
    c.skip_columns = skip;
    c.skip_count = 1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "is the label");
    c.skip_columns = NULL;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "skip_count");
    c = fnn_csv_config_init();
    c.separator = '"';
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "separator");
    c.separator = ',';
    c.label = (fnn_csv_label)3;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_OK, "");
    c.label = FNN_CSV_LABEL_NAME;
    check_csv_fails(__LINE__, "1,2,a\n1,2,\n", &c, FNN_ERROR_FORMAT, "a class name");
    {
        fnn_dataset data;
        fnn_error error;
        const char *path = write_and_free("c", bytes_copy("1,2\0,3\n", 7));
        check_failed(__LINE__, fnn_read_csv(path, NULL, NULL, &data, &error), FNN_ERROR_FORMAT,
                     &error, "zero byte", &data);
        check_failed(__LINE__, fnn_read_csv(path_of("none"), NULL, NULL, &data, &error),
                     FNN_ERROR_FILE, &error, "none", &data);
        check_failed(__LINE__, fnn_read_csv(NULL, NULL, NULL, &data, &error), FNN_ERROR_ARGUMENT,
                     &error, "path", &data);
        CHECK(fnn_read_csv(path, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    }
}

static void csv_class_names(void)
{
    static const char text[] = "1,setosa\n2,\"virgi,\"\"nica\"\n3,a b\n4,setosa\n5,a\n6, \"a b\"\n";
    static const int labels[] = {2, 3, 1, 2, 0, 1};
    static const char *const names[] = {"a", "a b", "setosa", "virgi,\"nica"};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data, other;
    fnn_error error;
    int i;
    c.label = FNN_CSV_LABEL_NAME;
    if (!CHECK(load_csv_text(&data, text, &c, &error) == FNN_OK)) return;
    CHECK(data.classes == 4 && data.count == 6 && data.channels == 1);
    for (i = 0; i < 6; i++) CHECK(data.labels[i] == labels[i]);
    for (i = 0; i < 4; i++) CHECKF(!strcmp(data.class_names[i], names[i]), "%s", names[i]);

    c.same_classes = &data; /* a test set with fewer classes numbers them alike */
    CHECK(load_csv_text(&other, "1,setosa\n2,a\n", &c, &error) == FNN_OK);
    CHECK(other.classes == 4 && other.labels[0] == 2 && other.labels[1] == 0);
    fnn_dataset_free(&data); /* names were copied */
    CHECK(!strcmp(other.class_names[3], names[3]));
    c.same_classes = &other;
    check_csv_fails(__LINE__, "1,setosa\n2,b\n", &c, FNN_ERROR_FORMAT,
                    "line 2: class \"b\" is none");
    other.class_names = NULL;
    check_csv_fails(__LINE__, "1,setosa\n2,b\n", &c, FNN_ERROR_ARGUMENT, "class_names");
    CHECK(fnn_read_csv("x", &c, NULL, &other, &error) == FNN_ERROR_ARGUMENT);
    fnn_dataset_free(&other);
}

static void csv_class_numbers(void)
{
    static const char statlog[] = "10 11 3\n12 13 7\n14 15 1\n16 17 3\n";
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data, other;
    fnn_error error;
    c.separator = ' ';
    if (!CHECK(load_csv_text(&data, statlog, &c, &error) == FNN_OK)) return;
    CHECK(data.classes == 8 && data.labels[0] == 3 && data.labels[1] == 7 && !data.class_names);
    c.same_classes = &data;
    CHECK(load_csv_text(&other, "1 2 5\n", &c, &error) == FNN_OK && other.classes == 8);
    fnn_dataset_free(&other);
    check_csv_fails(__LINE__, "1 2 8\n", &c, FNN_ERROR_FORMAT, "same_classes");
    c.same_classes = NULL;
    fnn_dataset_free(&data);

    c.compact_classes = 1;
    c.keep_bytes = 1;
    CHECK(load_csv_text(&data, statlog, &c, &error) == FNN_OK);
    CHECK(data.classes == 3 && data.labels[0] == 1 && data.labels[1] == 2 && data.labels[2] == 0);
    CHECK(!strcmp(data.class_names[0], "1") && !strcmp(data.class_names[2], "7"));
    c.same_classes = &data;
    CHECK(load_csv_text(&other, "1 2 7.0\n", &c, &error) == FNN_OK && other.labels[0] == 2);
    fnn_dataset_free(&other);
    check_csv_fails(__LINE__, "1 2 7\n1 2 2\n", &c, FNN_ERROR_FORMAT,
                    "class \"2\" is none of the 3");
    fnn_dataset_free(&data);
    c.same_classes = NULL;
    CHECK(load_csv_text(&data, "1 2 1\n3 4 -1\n5 6 10\n7 8 9\n", &c, &error) == FNN_OK);
    CHECK(data.labels[0] == 1 && data.labels[1] == 0 && data.labels[2] == 3 && data.labels[3] == 2);
    CHECK(!strcmp(data.class_names[0], "-1") && !strcmp(data.class_names[3], "10"));
    fnn_dataset_free(&data);
}

static void csv_targets_and_images(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.label = FNN_CSV_LABEL_TARGET;
    c.label_column = 1;
    CHECK(load_csv_text(&data, "1,-2.5e1,3\n4,.5,6\n", &c, &error) == FNN_OK);
    CHECK(data.targets && data.target_count == 1 && !data.labels && data.classes == 0);
    CHECK(data.targets[0] == -25 && data.targets[1] == (fnn_real)0.5 && data.reals[1] == 3);
    fnn_dataset_free(&data);
    check_csv_fails(__LINE__, "1,-2.5e1,3\n4,red,6\n", &c, FNN_ERROR_FORMAT, "found \"red\"");
    c.label = FNN_CSV_LABEL_NONE;
    CHECK(load_csv_text(&data, "1,2,3\n4,5,6\n", &c, &error) == FNN_OK);
    CHECK(!data.targets && !data.labels && data.channels == 3 && data.reals[5] == 6);
    fnn_dataset_free(&data);
    c = fnn_csv_config_init(); /* Kaggle's form */
    c.header = 1;
    c.label_column = 0;
    c.keep_bytes = 1;
    c.height = 2, c.width = 3, c.channels = 1;
    CHECK(load_csv_text(&data, "label,p1,p2,p3,p4,p5,p6\n9,0,1,2,3,4,255\n", &c, &error) == FNN_OK);
    CHECK(data.height == 2 && data.width == 3 && data.channels == 1 && data.classes == 10);
    CHECK(data.bytes[5] == 255 && data.bytes[0] == 0 && data.labels[0] == 9 && !data.reals);
    fnn_dataset_free(&data);
}

static void csv_ignores_the_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE",      "fr_FR.UTF-8",
                                        "fr_FR.utf8",  "German",     "nl_NL.UTF-8"};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    int i, found = 0;
    for (i = 0; i < COUNT(names) && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL && strtod("1,5", NULL) > 1.2;
    c.separator = ';';
    CHECK(load_csv_text(&data, "1.5;-2.25;1\n", &c, &error) == FNN_OK);
    CHECK(data.reals && data.reals[0] == (fnn_real)1.5 && data.reals[1] == (fnn_real)-2.25);
    fnn_dataset_free(&data);
    check_csv_fails(__LINE__, "1.5;2;1\n1,5;2;1\n", &c, FNN_ERROR_FORMAT, "found \"1,5\"");
    setlocale(LC_ALL, "C");
    if (!found) SKIP("no locale with a decimal comma here; the C locale passed");
}

/* Every truncation of a file either loads with fewer samples or is an error, never worse. */
static void csv_truncations(void)
{
    static const char text[] = "id,a,\"b\"\"c\",label\n1,2.5,\"-3e1\",\"x \"\"y\"\r\n\n2,4,5,z\n";
    fnn_csv_config c = fnn_csv_config_init();
    size_t n;
    int loaded = 0, packed;
    c.header = 1;
    c.label = FNN_CSV_LABEL_NAME;
    for (packed = 0; packed < 2; packed++) {
        file_bytes whole = bytes_text(text);
        if (packed) whole = gzip_and_free(whole, 9);
        for (n = 0; n <= whole.size; n++) {
            fnn_dataset data;
            file_bytes cut = bytes_copy(whole.bytes, n);
            fnn_result result = fnn_read_csv(write_and_free("c", cut), &c, NULL, &data, NULL);
            CHECK(result == FNN_OK || (result == FNN_ERROR_FORMAT && is_zero(&data)));
            CHECKF(!packed || n == whole.size || result != FNN_OK, "%d of %d packed bytes load",
                   (int)n, (int)whole.size);
            if (result == FNN_OK) CHECK(data.count <= 2 && data.channels <= 3 && ++loaded);
            fnn_dataset_free(&data);
        }
        free(whole.bytes);
    }
    /* 11 plain ones end where a last field may: 4 within the first row, then narrower */
    CHECKF(loaded == 11 + 1, "%d truncations load", loaded);
}

static void csv_of_any_bytes(void)
{
    static const char alphabet[] = "0123456789.,,,\n\n\r\"\" e-x";
    int round, loaded = 0;
    for (round = 0; round < 4000; round++) {
        fnn_csv_config c = fnn_csv_config_init();
        fnn_dataset data;
        char text[200];
        int i, n = random_below(round % 2 ? 20 : 199);
        for (i = 0; i < n; i++) text[i] = alphabet[random_below((int)sizeof alphabet - 1)];
        text[n] = 0;
        c.label = (fnn_csv_label)random_below(4);
        c.label_column = random_below(5) - 2;
        c.header = random_below(2);
        c.separator = ", "[random_below(2)];
        c.compact_classes = random_below(2);
        c.keep_bytes = random_below(2);
        if (load_csv_text(&data, text, &c, NULL) == FNN_OK) {
            loaded++;
            CHECK(fnn_dataset_check(&data, NULL) == FNN_OK);
        } else {
            CHECK(is_zero(&data));
        }
        fnn_dataset_free(&data);
    }
    CHECKF(loaded > 20, "only %d loaded", loaded);
}

/* A compressed table whose last member is the shorter one: the length in the file is too little. */
static void csv_of_two_members(void)
{
    fnn_dataset data;
    fnn_csv_config c = fnn_csv_config_init();
    file_bytes packed, plain;
    size_t i;
    plain.size = 4 * 10000;
    plain.bytes = (uint8_t *)need(plain.size);
    for (i = 0; i < 10000; i++) memcpy(plain.bytes + 4 * i, "7,1\n", 4);
    packed = bytes_join(gzip(plain, 6), gzip(plain, 1));
    plain.size = 4;
    packed = bytes_join(packed, gzip(plain, 6));
    free(plain.bytes);
    CHECK(fnn_read_csv(write_and_free("c", packed), &c, NULL, &data, NULL) == FNN_OK);
    CHECK(data.count == 20001 && data.reals && data.reals[20000] == 7);
    fnn_dataset_free(&data);
}

static void csv_believes_no_length(void)
{
    budget memory;
    fnn_allocator allocator = budget_open(&memory);
    file_bytes packed = gzip_and_free(bytes_text("1,2\n3,4\n"), 9);
    fnn_dataset data;
    fnn_error error;
    const char *path;
    memset(packed.bytes + packed.size - 4, 0xFF, 4);
    path = write_and_free("c", packed);
    check_failed(__LINE__, fnn_read_csv(path, NULL, &allocator, &data, &error), FNN_ERROR_FORMAT,
                 &error, "its length is wrong", &data);
    CHECKF(memory.largest < 100000 && memory.live == 0, "allocated %d", (int)memory.largest);
}

static const harness_test tests[] = {
    TEST(csv_believes_no_length), TEST(csv_forms),         TEST(csv_errors),
    TEST(csv_class_names),        TEST(csv_class_numbers), TEST(csv_targets_and_images),
    TEST(csv_ignores_the_locale), TEST(csv_truncations),   TEST(csv_of_any_bytes),
    TEST(csv_of_two_members),
};
HARNESS_MAIN(tests)
