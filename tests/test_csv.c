/* CSV: every form of a table, every error with its line and column, class names and numbers,
 * targets, locales, truncations, any bytes; plain and packed. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#include "../fmnist_nn.h"
#include "budget.h"
#include "datasets.h"
#include <locale.h>
#include <time.h>

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
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_fails(__LINE__, "", &c, FNN_ERROR_FORMAT, "an empty file");
    check_csv_fails(__LINE__, "\n \n\r\n", &c, FNN_ERROR_FORMAT,
                    "expected a sample a line, found none");
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
    check_csv_fails(__LINE__, "1,2,0\n1,2,0.5\n", &c, FNN_ERROR_FORMAT,
                    "expected a class number (an integer 0 to 65535), found \"0.5\"; names are "
                    "FNN_CSV_LABEL_NAME, numbers to predict FNN_CSV_LABEL_TARGET");
    check_csv_fails(__LINE__, "1,2,0\n1,2,-1\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,2,65536\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,2,1e30\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,\"2,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: expected a closing quote, found the file's end");
    check_csv_fails(__LINE__, "1,2,0\n1,\"2\"3,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: expected a separator after the quote, found \"3,0\"");
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
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_FORMAT, "features of a sample, found 2");
    c.channels = 0;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "channels");
}

static void csv_wrong_settings(void)
{
    static const int skip[1] = {-1};
    fnn_csv_config c = fnn_csv_config_init();
    c.label_column = 3;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "label column: expected -3 to 2, found 3");
    c.label_column = -4;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "label column: expected -3 to 2, found -4");
    c.label_column = -1;
    c.skip_columns = skip;
    c.skip_count = 1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "column -1: expected one role, found label and skipped");
    c.skip_columns = NULL;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "read_csv: skip_count: expected 0 or skip_columns of that count, found 1");
    c.skip_count = 0, c.column_count = 2;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "column_count: expected 0 or columns of that count, found 2");
    c.column_count = 0, c.gzip_ratio = -1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "gzip_ratio: expected 0 or more, found -1");
    c.gzip_ratio = 0, c.header = -2;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "header: expected 0 or more, found -2");
    c.header = 0, c.others = FNN_CSV_ROLE_COUNT;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "others: expected an fnn_csv_role, found 4");
    c.others = FNN_CSV_FEATURE, c.missing = FNN_CSV_MISSING_MEAN, c.keep_bytes = 1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "missing: expected no means with keep_bytes, found 1");
    c.keep_bytes = 0, c.missing = FNN_CSV_MISSING_REFUSE;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_OK, "");
    c = fnn_csv_config_init();
    c.separator = '"';
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "separator: expected no zero, quote or line end, found byte 34");
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
        memset(&data, 0xAA, sizeof data); /* zeroed before anything is read */
        check_failed(__LINE__, fnn_read_csv(NULL, NULL, NULL, &data, &error), FNN_ERROR_ARGUMENT,
                     &error, "path", &data);
        CHECK(fnn_read_csv(path, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    }
}

static void csv_says_which_number_is_out_of_range(void)
{
    static const char range[] = "expected a number in the range of fnn_real (+-";
    const char *large = sizeof(fnn_real) == 4 ? "1,2,0\n1,-1e39,0\n" : "1,2,0\n1,-1e309,0\n";
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    check_csv_fails(__LINE__, large, &c, FNN_ERROR_FORMAT, range);
    check_csv_fails(__LINE__, large, &c, FNN_ERROR_FORMAT, "line 2, column 2: expected");
    check_csv_fails(__LINE__, "1e999999999999,2,0\n", &c, FNN_ERROR_FORMAT, range);
    check_csv_fails(__LINE__, "1,1e39x,0\n", &c, FNN_ERROR_FORMAT, "expected a number (or set");
    CHECK(load_csv_text(&data, "1e38,1e-999,0\n", &c, &error) == FNN_OK && data.reals[1] == 0);
    fnn_dataset_free(&data);
    c.label = FNN_CSV_LABEL_TARGET;
    check_csv_fails(__LINE__, "1,2,3\n1,2,1e999\n", &c, FNN_ERROR_FORMAT, range);
}

static void csv_says_what_else_a_file_is(void)
{
    static const struct {
        const char *text, *words;
    } files[] = {
        {"<!doctype HTML><html lang=en>", "c: expected a table of text, found a web page"},
        {"\n <html>\n<head>", "found a web page"},
        {"<?xml version='1.0'?><Error/>", "found an XML page"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "a Git LFS pointer"},
        {"PK\003\004whatever", "found a ZIP archive"},
        {"\377\3761,2", "found UTF-16 text"},
        {"", "found an empty file"}};
    int i, packed;
    for (i = 0; i < COUNT(files); i++)
        for (packed = 0; packed < 2; packed++) {
            fnn_dataset data;
            fnn_error error;
            file_bytes file = bytes_text(files[i].text);
            if (packed) file = gzip_and_free(file, 6);
            check_failed(__LINE__,
                         fnn_read_csv(write_and_free("c", file), NULL, NULL, &data, &error),
                         FNN_ERROR_FORMAT, &error, files[i].words, &data);
        }
}

/* What a terminal might obey does not come from a file into a message; other UTF-8 stays. */
static void csv_messages_hold_no_control_characters(void)
{
    static const struct {
        const char *word, *shown;
    } words[] = {{"a\033[2Jb\177", "a?[2Jb?"},
                 {"gr\xC3\xBC\xC3\x9F, \xE2\x82\xAC \xF0\x9F\x91\x9F", NULL},
                 {"\xC2\x9B"
                  "31m",
                  "??31m"}, /* a control character of two bytes */
                 {"\x9B"
                  "31m\xC3",
                  "?31m?"}, /* no UTF-8 */
                 {"\xC0\x80\xED\xA0 \xF4\x90\x80\x80", "???? ????"},
                 {"x234567890123456789012345678901\xC3\xBC", "x234567890123456789012345678901..."},
                 {"x2345678901234567890123456789012", NULL}};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    int i;
    c.label = FNN_CSV_LABEL_NAME;
    if (!CHECK(load_csv_text(&data, "1,a\n", &c, &error) == FNN_OK)) return;
    for (i = 0; i < COUNT(words); i++) {
        char text[100], expected[100];
        snprintf(expected, sizeof expected, "found \"%s\"",
                 words[i].shown ? words[i].shown : words[i].word);
        snprintf(text, sizeof text, "1,b\n\"%s\",a\n", words[i].word);
        c.same_classes = NULL;
        check_csv_fails(__LINE__, text, &c, FNN_ERROR_FORMAT, expected);
        snprintf(text, sizeof text, "1,a\n2,\"%s\"\n", words[i].word);
        c.same_classes = &data;
        check_csv_fails(__LINE__, text, &c, FNN_ERROR_FORMAT, expected);
    }
    fnn_dataset_free(&data);
}

/* Whether a terminal shows the text and obeys nothing in it: no control characters, no UTF-8 that
 * is cut. */
static int is_clean(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        int more = *p < 0x80 ? 0 : *p < 0xC2 ? -1 : *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : 3;
        if (more < 0 || *p < 32 || *p == 127 || (*p == 0xC2 && p[1] < 0xA0)) return 0;
        if (p[0] == 0xE2 && (p[1] == 0x80 || p[1] == 0x81) && p[2] >= 0x8B) return 0;
        if ((p[0] == 0xD8 && p[1] == 0x9C) || (p[0] == 0xF3 && p[1] == 0xA0 && p[2] < 0x82))
            return 0;
        for (p++; more > 0; more--, p++)
            if ((*p & 0xC0) != 0x80) return 0;
    }
    return 1;
}

/* Every place from which a word of a file comes into a message: %s is where it stands. */
static const struct {
    const char *text;
    int header, named, fails_alone;
} word_places[] = {
    {"%s,b,y\n1,2,0\n", 1, 0, 0},      /* the name of a column */
    {"a,b,y\n%s,2,0\n", 1, 0, 1},      /* a number */
    {"a,b,y\n1,2,%s\n", 1, 0, 1},      /* the number of a class */
    {"a,b,y\n1,2,%s\n", 1, 1, 0},      /* its name */
    {"a,b,y\n1,\"2\"%s,0\n", 1, 0, 1}, /* behind a quote */
    {"sep=%s\n1,2,0\n", 0, 0, 1}       /* the separator */
};

static void csv_messages_are_clean_wherever_words_stand(void)
{
    static const char *const words[] = {"\033",         "\177",         "\001x",
                                        "\xC2\x9B",     "\xE2\x80\xAE", "\x9B",
                                        "\xE2\x80\xA8", "\xC3",         "\xEF\xBB\xBF",
                                        "\b\b\b",       "\xD8\x9C",     "\xF3\xA0\x81\x81",
                                        "\xE2\x80\x8B", "\xE2\x81\xA0", "\xF3\xA0\x84\x80"};
    int i, j, failed = 0;
    for (i = 0; i < COUNT(word_places); i++)
        for (j = 0; j < 2 * COUNT(words); j++) {
            fnn_csv_config c = fnn_csv_config_init();
            fnn_dataset train, data;
            fnn_error error;
            char text[200];
            c.header = 1;
            c.label = word_places[i].named ? FNN_CSV_LABEL_NAME : FNN_CSV_LABEL_CLASS;
            CHECK(load_csv_text(&train, "a,b,y\n1,2,0\n", &c, &error) == FNN_OK);
            c.header = word_places[i].header;
            if (j % 2) c.same_classes = &train;
            snprintf(text, sizeof text, word_places[i].text, words[j / 2]);
            if (load_csv_text(&data, text, &c, &error)) {
                CHECKF(is_clean(error.message), "place %d, word %d: %s", i, j / 2, error.message);
                failed++;
            } else CHECKF(!word_places[i].fails_alone, "place %d, word %d", i, j / 2);
            fnn_dataset_free(&data);
            fnn_dataset_free(&train);
        }
    CHECKF(failed == 150, "%d", failed);
    CHECK(is_clean("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC") && !is_clean(words[0]) &&
          !is_clean(words[3]));
    CHECK(!is_clean(words[4]) && !is_clean(words[7]));
}

/* The end of a long path does not begin within a character. */
static void long_paths_are_cut_between_characters(void)
{
    char name[130];
    fnn_dataset data;
    fnn_error error;
    int i, shift;
    for (shift = 0; shift < 3; shift++) {
        memset(name, 'x', (size_t)shift);
        for (i = 0; i < 40; i++) memcpy(name + shift + 3 * i, "\xE2\x82\xAC", 4);
        CHECK(fnn_read_csv(path_of(name), NULL, NULL, &data, &error) == FNN_ERROR_FILE);
        CHECKF(is_clean(error.message), "%s", error.message);
    }
}

/* ---- tables of many columns ---- */

/* Columns by name take the sorting of the names, not a step for each two of them. */
static void csv_of_many_columns_by_name(void)
{
    enum { MANY = 120000 };
    static char names[MANY][16];
    static fnn_csv_column columns[MANY];
    fnn_csv_config c = fnn_csv_config_init();
    file_bytes text;
    fnn_dataset data;
    fnn_error error;
    clock_t begin;
    double seconds;
    size_t at = 0;
    int i, wrong = 0;
    text.bytes = (uint8_t *)need((size_t)MANY * 12);
    for (i = 0; i < MANY; i++)
        at += (size_t)sprintf((char *)text.bytes + at, "%sc%d", i ? "," : "", i);
    for (i = 0; i < MANY; i++)
        at += (size_t)sprintf((char *)text.bytes + at, "%c%d", i ? ',' : '\n', i % 10);
    text.size = at;
    for (i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "c%d", MANY - 1 - i);
        columns[i].name = names[i];
        columns[i].role = i % 2 ? FNN_CSV_FEATURE : FNN_CSV_SKIPPED;
    }
    c.header = 1;
    c.label = FNN_CSV_LABEL_NONE;
    c.columns = columns;
    c.column_count = MANY;
    write_and_free("c", text);
    begin = clock();
    if (CHECKF(!fnn_read_csv(path_of("c"), &c, NULL, &data, &error), "%s", error.message)) {
        for (i = 0; i < MANY / 2; i++) wrong += data.reals[i] != (fnn_real)(2 * i % 10);
        CHECK(data.channels == MANY / 2 && wrong == 0);
        fnn_dataset_free(&data);
    }
    seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    CHECKF(seconds < 4, "%.1f s", seconds);
}

/* ---- resources ---- */

/* A text of many times the same, between what stands before and behind. */
static file_bytes repeated(const char *before, const char *again, const char *behind, int times)
{
    const size_t n = strlen(again);
    file_bytes b = bytes_text(before), middle;
    int i;
    middle.size = n * (size_t)times;
    middle.bytes = (uint8_t *)need(middle.size);
    for (i = 0; i < times; i++) memcpy(middle.bytes + n * (size_t)i, again, n);
    return bytes_join(bytes_join(b, middle), bytes_text(behind));
}

/* The tables that take most memory for their size: of short fields, of which much is kept. */
static const struct {
    const char *head, *again, *end; /* the text: head, again many times, end */
    fnn_csv_label label;
    int header, compact, bytes;
    fnn_csv_column column;
} greedy_tables[] = {
    {"", "1,", "1\n", FNN_CSV_LABEL_NONE, 0, 0, 0, {NULL, 0, FNN_CSV_FEATURE}},
    {"", "1,", "1\n", FNN_CSV_LABEL_NONE, 0, 0, 1, {NULL, 0, FNN_CSV_FEATURE}},
    {"a,", ",", "\n", FNN_CSV_LABEL_NONE, 1, 0, 0, {"a", 0, FNN_CSV_FEATURE}},
    {"1,0\n", "1,2\n", "", FNN_CSV_LABEL_CLASS, 0, 0, 0, {NULL, 0, FNN_CSV_FEATURE}},
    {"1,0\n", "1,2\n", "", FNN_CSV_LABEL_CLASS, 0, 1, 0, {NULL, 0, FNN_CSV_FEATURE}},
    {"1,x\n", "1,y\n", "", FNN_CSV_LABEL_NAME, 0, 0, 0, {NULL, 0, FNN_CSV_FEATURE}},
    {"a,0\n", "a,2\n", "", FNN_CSV_LABEL_CLASS, 0, 0, 0, {NULL, 0, FNN_CSV_TEXT}},
};

static void csv_takes_no_more_memory_than_it_says(void)
{
    const size_t most = sizeof(fnn_real) == 4 ? 64 : 96;
    size_t largest = 0;
    int i, same;
    for (i = 0; i < COUNT(greedy_tables); i++) {
        fnn_csv_config c = fnn_csv_config_init();
        fnn_dataset first, data;
        file_bytes text =
            repeated(greedy_tables[i].head, greedy_tables[i].again, greedy_tables[i].end, 100000);
        const size_t size = text.size + (greedy_tables[i].header ? 2 * 100002 : 0);
        if (greedy_tables[i].header) text = bytes_join(text, repeated("", "1,", "1,1\n", 100000));
        c.header = greedy_tables[i].header;
        c.label = greedy_tables[i].label;
        c.compact_classes = greedy_tables[i].compact;
        c.keep_bytes = greedy_tables[i].bytes;
        c.columns = &greedy_tables[i].column;
        c.column_count = 1;
        write_and_free("c", text);
        if (!CHECK(!fnn_read_csv(path_of("c"), &c, NULL, &first, NULL))) continue;
        for (same = 0; same < 2; same++) {
            budget memory;
            const fnn_allocator allocator = budget_open(&memory);
            if (same) c.same_classes = &first;
            CHECK(!fnn_read_csv(path_of("c"), &c, &allocator, &data, NULL));
            CHECKF(memory.most <= most * size, "table %d: %lu bytes of memory for %lu", i,
                   (unsigned long)memory.most, (unsigned long)size);
            if (memory.most / size > largest) largest = memory.most / size;
            fnn_dataset_free(&data);
        }
        fnn_dataset_free(&first);
    }
    CHECKF(largest > most / 4, "%lu: the tables are not greedy", (unsigned long)largest);
}

/* ---- missing values ---- */

static int reals_are(const fnn_dataset *data, const double *expected)
{
    const int features = data->height * data->width * data->channels;
    int i;
    for (i = 0; i < (int)data->count * features; i++)
        if (data->reals[i] != (fnn_real)expected[i]) return 0;
    return 1;
}

static void csv_missing_values_are_refused(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_fails(__LINE__, "1,2,0\n1,,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: expected a number, found \"\"; `missing` says");
    check_csv_fails(__LINE__, "1,2,0\n1,?,0\n", &c, FNN_ERROR_FORMAT,
                    "found \"?\"; columns of text are FNN_CSV_TEXT in `columns`, words for what is "
                    "missing `missing_words`");
    check_csv_fails(__LINE__, "1,2,0\n1,2,\n", &c, FNN_ERROR_FORMAT, "expected a class number");
    c.others = FNN_CSV_TEXT;
    check_csv_fails(__LINE__, "1,2,0\n1,,0\n", &c, FNN_ERROR_FORMAT,
                    "expected a category, found \"\"; `missing` says");
}

static void csv_missing_values_become_means(void)
{
    static const double expected[12] = {1, 10, 4, 2, 20, 4, 1.5, 30, -1, 1.5, 20, 9};
    static const char text[] = "1,10,,0\n2,?,NA,1\n,30,-1,0\n\"\",\"?\",9,1\n";
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.missing = FNN_CSV_MISSING_MEAN;
    check_csv_fails(__LINE__, text, &c, FNN_ERROR_FORMAT, "found \"NA\"");
    c.missing_words = "  ? NA";
    if (!CHECKF(load_csv_text(&data, text, &c, &error) == FNN_OK, "%s", error.message)) return;
    CHECK(data.count == 4 && data.channels == 3 && reals_are(&data, expected));
    fnn_dataset_free(&data);
    c.missing_words = "-1"; /* a number may say so too */
    CHECK(load_csv_text(&data, "1,-1,0\n-1,3,1\n5,7,-0\n", &c, &error) == FNN_OK);
    CHECK(data.reals && data.reals[1] == 5 && data.reals[2] == 3);
    fnn_dataset_free(&data);
    c.missing_words = NULL;
    check_csv_fails(__LINE__, "1,,0\n2,,1\n", &c, FNN_ERROR_FORMAT,
                    "feature column 2: expected values to take a mean of, found none");
    check_csv_fails(__LINE__, "1,2,0\n2,3,\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 3: expected a label or target");
    c.keep_bytes = 1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "keep_bytes");
}

static void csv_lines_with_missing_values_are_dropped(void)
{
    static const char text[] = "?,x,1\n2,,2\n3,z,\n4,y,4\n5,?,5\n6,x,6\n,,\n";
    fnn_csv_config c = fnn_csv_config_init();
    fnn_csv_column column = {NULL, 1, FNN_CSV_TEXT};
    fnn_dataset data;
    fnn_error error;
    c.missing = FNN_CSV_MISSING_DROP;
    c.columns = &column;
    c.column_count = 1;
    if (!CHECKF(load_csv_text(&data, text, &c, &error) == FNN_OK, "%s", error.message)) return;
    CHECK(data.count == 2 && data.rows == 2 && data.channels == 3 && data.classes == 7);
    CHECK(data.labels[0] == 4 && data.labels[1] == 6);
    CHECK(reals_are(&data, (const double[]){4, 0, 1, 6, 1, 0})); /* z is in no line that stays */
    fnn_dataset_free(&data);
    column.role = FNN_CSV_SKIPPED; /* what is missing there does not matter */
    c.keep_bytes = 1;
    CHECK(load_csv_text(&data, text, &c, &error) == FNN_OK && data.count == 4);
    CHECK(data.bytes && data.bytes[0] == 2 && data.bytes[3] == 6);
    fnn_dataset_free(&data);
    check_csv_fails(__LINE__, "1,a,\n,b,2\n", &c, FNN_ERROR_FORMAT,
                    "expected samples without a missing value, found none of ");
    check_csv_fails(__LINE__, ",a,1\n2,b,x\n", &c, FNN_ERROR_FORMAT, "line 2, column 3");
}

/* Whatever else such a line holds: no number, a class that the training set does not have. */
static void csv_lines_that_are_dropped_are_not_read(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset train, test;
    fnn_error error;
    c.missing = FNN_CSV_MISSING_DROP;
    if (!CHECKF(load_csv_text(&train, "1,2,1\nx,?,0\n,2,9\n3,4,0\n", &c, &error) == FNN_OK, "%s",
                error.message))
        return;
    CHECK(train.count == 2 && train.classes == 2);
    CHECK(reals_are(&train, (const double[]){1, 2, 3, 4}));
    c.same_classes = &train;
    CHECKF(load_csv_text(&test, "?,2,7\n5,6,1\n7,\"?\",-1\n", &c, &error) == FNN_OK, "%s",
           error.message);
    CHECK(test.count == 1 && reals_are(&test, (const double[]){5, 6}) && test.labels[0] == 1);
    fnn_dataset_free(&test);
    c.missing_words = "\"";
    check_csv_fails(__LINE__, "1,2,1\n\"\"\"\",2,1\n", &c, FNN_ERROR_FORMAT, "found \"\"\"");
    fnn_dataset_free(&train);
}

/* ---- what columns are ---- */

static void csv_text_columns_become_one_hot(void)
{
    static const fnn_csv_column columns[] = {{"colour", 0, FNN_CSV_TEXT}, {"s,h", 0, FNN_CSV_TEXT}};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.header = 1;
    c.columns = columns;
    c.column_count = 2;
    c.missing = FNN_CSV_MISSING_MEAN;
    CHECK(load_csv_text(
              &data,
              "colour,size,\"s,h\",class\nred,1.5,round,0\n\"blue, \"\"dark\"\"\",2,flat,1\n"
              "?,3,round,0\n",
              &c, &error) == FNN_OK);
    CHECK(data.channels == 5 && data.count == 3);
    CHECK(reals_are(&data, (const double[]){0, 1, 1.5, 0, 1, 1, 0, 2, 1, 0, .5, .5, 3, 0, 1}));
    if (!CHECK(data.feature_names != NULL)) return;
    CHECK(!strcmp(data.feature_names[0], "colour=blue, \"dark\""));
    CHECK(!strcmp(data.feature_names[1], "colour=red"));
    CHECK(!strcmp(data.feature_names[2], "size"));
    CHECK(!strcmp(data.feature_names[3], "s,h=flat"));
    CHECK(!strcmp(data.feature_names[4], "s,h=round"));
    CHECK(!fnn_dataset_check(&data, NULL));
    fnn_dataset_free(&data);

    c = fnn_csv_config_init(); /* all of them, without names */
    c.others = FNN_CSV_TEXT;
    c.label = FNN_CSV_LABEL_NAME;
    c.label_column = 0;
    CHECK(load_csv_text(&data, "p,x,?\ne,y,?\np,x,b\n", &c, &error) == FNN_OK);
    CHECK(data.channels == 4 && data.classes == 2 && !data.feature_names);
    CHECK(reals_are(&data, (const double[]){1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1}));
    fnn_dataset_free(&data);
    c.height = c.width = 1, c.channels = 3;
    check_csv_fails(__LINE__, "p,x,?\ne,y,?\np,x,b\n", &c, FNN_ERROR_FORMAT,
                    "expected the 1 x 1 x 3 features of a sample, found 4");
    c.height = c.width = c.channels = 0;
    c.keep_bytes = 1;
    check_csv_fails(__LINE__, "p,x\n", &c, FNN_ERROR_ARGUMENT,
                    "expected no text columns with keep_bytes, found 1");
    c.keep_bytes = 0;
    c.missing = FNN_CSV_MISSING_MEAN;
    check_csv_fails(__LINE__, "p,x,\ne,y,?\n", &c, FNN_ERROR_FORMAT,
                    "column 3: expected a value, found none");
}

/* The largest array of a text column is that of its categories: rows times features. */
static void csv_says_how_much_memory_there_is_not(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_allocator allocator;
    fnn_dataset data;
    fnn_error error;
    budget memory;
    char wanted[60];
    int n, found = 0;
    c.others = FNN_CSV_TEXT;
    c.label = FNN_CSV_LABEL_NONE;
    snprintf(wanted, sizeof wanted, "no memory for %d bytes", (int)(5 * 4 * sizeof(fnn_real)));
    for (n = 0; n < 100; n++) {
        allocator = budget_open(&memory);
        memory.allowed = n;
        if (!fnn_read_csv(write_text("c", "a\nb\nc\nd\na\n"), &c, &allocator, &data, &error)) break;
        found += strstr(error.message, wanted) != NULL;
    }
    CHECKF(found == 1, "%d of %d messages say \"%s\"", found, n, wanted);
    fnn_dataset_free(&data);
}

/* A column of identifiers would make as many features as there are rows. */
static void csv_categories_are_limited(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    char text[300 * 8];
    size_t used = 0;
    int i;
    for (i = 0; i < 257; i++) used += (size_t)sprintf(text + used, "n%d,0\n", i);
    c.others = FNN_CSV_TEXT;
    check_csv_fails(__LINE__, text, &c, FNN_ERROR_FORMAT,
                    "expected at most 256 different category values, found more");
    c.categories = 257;
    CHECK(load_csv_text(&data, text, &c, &error) == FNN_OK && data.channels == 257);
    fnn_dataset_free(&data);
    c.categories = 0;
    check_csv_fails(__LINE__, text, &c, FNN_ERROR_ARGUMENT,
                    "categories: expected 1 to 65536, found ");
}

static void csv_columns_by_name(void)
{
    static const char text[] = "id,a,b,price,\"ro\"\"om\"\n7,1,2,10,20\n8,3,4,30,40\n";
    fnn_csv_column columns[] = {
        {"ro\"om", 0, FNN_CSV_LABEL}, {NULL, 0, FNN_CSV_SKIPPED}, {"price", 0, FNN_CSV_LABEL}};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.header = 1;
    c.label = FNN_CSV_LABEL_TARGET;
    c.columns = columns;
    c.column_count = 3;
    if (!CHECKF(load_csv_text(&data, text, &c, &error) == FNN_OK, "%s", error.message)) return;
    CHECK(data.channels == 2 && reals_are(&data, (const double[]){1, 2, 3, 4}));
    CHECK(data.target_count == 2 && data.targets[0] == 10 && data.targets[1] == 20 &&
          data.targets[2] == 30 && data.targets[3] == 40); /* in the order of the file */
    CHECK(!strcmp(data.feature_names[0], "a") && !strcmp(data.feature_names[1], "b"));
    fnn_dataset_free(&data);

    c.others = FNN_CSV_SKIPPED; /* only what is named */
    columns[1].name = "b";
    columns[1].role = FNN_CSV_FEATURE;
    CHECK(load_csv_text(&data, text, &c, &error) == FNN_OK && data.channels == 1);
    CHECK(data.reals[0] == 2 && data.target_count == 2);
    fnn_dataset_free(&data);
    c.others = FNN_CSV_FEATURE;
    c.label = FNN_CSV_LABEL_CLASS;
    check_csv_fails(__LINE__, text, &c, FNN_ERROR_ARGUMENT,
                    "expected at most 1 label columns, as `label` says, found 2");
    c.label = FNN_CSV_LABEL_NONE;
    check_csv_fails(__LINE__, text, &c, FNN_ERROR_ARGUMENT,
                    "expected at most 0 label columns, as `label` says, found 2");
    c.label = FNN_CSV_LABEL_TARGET;
    columns[1].name = "\033c";
    check_csv_fails(__LINE__, text, &c, FNN_ERROR_ARGUMENT, "expected a column \"?c\", found none");
    columns[1].name = "a";
    check_csv_fails(__LINE__, "a,a,price,\"ro\"\"om\"\n1,2,3,4\n", &c, FNN_ERROR_ARGUMENT,
                    "\"a\", found several of that name");
    check_csv_fails(__LINE__, "a,price\n1,2,3,4\n", &c, FNN_ERROR_ARGUMENT,
                    "found no header line with a name for each column");
    c.header = 0;
    check_csv_fails(__LINE__, "1,2,3,4\n", &c, FNN_ERROR_ARGUMENT, "found no header line");
}

/* A header line of another length names nothing, as one that R writes. */
static void csv_header_of_another_length(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.header = 1;
    CHECK(load_csv_text(&data, "a,b\n1,2,0\n", &c, &error) == FNN_OK && !data.feature_names);
    fnn_dataset_free(&data);
    CHECK(load_csv_text(&data, "a,b,c\n1,2,0\n", &c, &error) == FNN_OK && data.feature_names);
    CHECK(!strcmp(data.feature_names[1], "b"));
    fnn_dataset_free(&data);
}

/* ---- lines that are no samples ---- */

static void csv_lines_that_are_no_samples(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    c.comment = '#';
    check_csv_same(__LINE__, "#a \"comment\n1,2,3,0\n  # 7,8,9,1\n4,5,6,2\n#", &c);
    check_csv_fails(__LINE__, "1,2,0\n#x\n1,#,0\n", &c, FNN_ERROR_FORMAT, "line 3, column 2");
    c.skip_lines = 2;
    check_csv_same(__LINE__, "Report of \"May\r\n\r\n1,2,3,0\n4,5,6,2\n", &c);
    c.header = 2; /* names, then units */
    check_csv_same(__LINE__, "x\ny\n#z\na,b,c,d\n\nm,s,\"kg\nor so\",1\n1,2,3,0\n4,5,6,2", &c);
    check_csv_fails(__LINE__, "x\n", &c, FNN_ERROR_FORMAT, "expected a sample a line, found none");
    check_csv_fails(__LINE__, "x\ny\na,b\n", &c, FNN_ERROR_FORMAT,
                    "expected a sample a line, found none");
    c.skip_lines = -1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "skip_lines");
    c.skip_lines = 0;
    c.comment = ',';
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT,
                    "read_csv: comment: expected no separator, quote");
}

static void csv_separator_as_excel_writes_it(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_same(__LINE__, "sep=;\r\n1;2;3;0\r\n4;5;6;2\r\n", &c);
    check_csv_same(__LINE__, "\xEF\xBB\xBFsep=\t\n1\t2\t3\t0\n4\t5\t6\t2\n", &c);
    c.header = 1;
    check_csv_same(__LINE__, "sep=|\na|b|c|d\n1|2|3|0\n4|5|6|2\n", &c);
    check_csv_same(__LINE__, "sep=,sep\n1,2,3,0\n4,5,6,2\n", &c); /* names, then */
    c.comment = '#';
    check_csv_fails(
        __LINE__, "sep=#\n1#2\n", &c, FNN_ERROR_FORMAT,
        "line 1, sep=: comment: expected no separator, quote, blank or line end, found byte 35");
    check_csv_fails(__LINE__, "sep=\"\n1,2\n", &c, FNN_ERROR_FORMAT,
                    "line 1, sep=: separator: expected no zero, quote or line end, found byte 34");
    check_csv_fails(__LINE__, "sep=;", &c, FNN_ERROR_FORMAT,
                    "expected a sample a line, found none");
}

/* ---- a test file, encoded as its training file ---- */

static void csv_encoded_like_the_training_file(void)
{
    static const fnn_csv_column columns[] = {{"town", 0, FNN_CSV_TEXT}};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset train, test, view, rest;
    fnn_error error;
    c.header = 1;
    c.label = FNN_CSV_LABEL_NAME;
    c.columns = columns;
    c.column_count = 1;
    c.missing = FNN_CSV_MISSING_MEAN;
    if (!CHECKF(load_csv_text(&train, "town,x,class\nUlm,1,b\nBonn,2,a\nUlm,9,c\nUlm,?,c\n", &c,
                              &error) == FNN_OK,
                "%s", error.message))
        return;
    CHECK(!fnn_dataset_split(&train, 2, FNN_ORDER_KEEP, 0, &view, &rest, NULL));
    c.same_classes = &view; /* a part of it knows all of it */
    CHECKF(load_csv_text(&test, "town,x,class\nUlm,,c\n,5,c\n", &c, &error) == FNN_OK, "%s",
           error.message);
    CHECK(test.channels == 3 && test.classes == 3 && test.labels[0] == 2);
    CHECK(reals_are(&test, (const double[]){0, 1, 4, .25, .75, 5})); /* means of the training set */
    check_csv_fails(__LINE__, "town,x,class\nUlm,1,a\nK\177ln,2,a\n", &c, FNN_ERROR_FORMAT,
                    "line 3: expected a category of the 2 of same_classes, found \"K?ln\"");
    check_csv_fails(__LINE__, "town,y,class\nUlm,1,a\n", &c, FNN_ERROR_FORMAT,
                    "column 2: expected \"x\" as in same_classes, found \"y\"");
    check_csv_fails(
        __LINE__, "town,x\nUlm,1\n", &c, FNN_ERROR_FORMAT,
        "expected 2 feature columns as in same_classes, found 1; a file without labels is read "
        "with FNN_CSV_LABEL_NONE");
    check_csv_fails(__LINE__, "town,x,y,class\nUlm,1,2,a\n", &c, FNN_ERROR_FORMAT,
                    "expected 2 feature columns as in same_classes, found 3");
    check_csv_fails(__LINE__, "x,town,class\n1,Ulm,a\n", &c, FNN_ERROR_ARGUMENT,
                    "column 1: expected text as in same_classes, found numbers");
    fnn_dataset_free(&view), fnn_dataset_free(&rest), fnn_dataset_free(&train);

    c.same_classes = &test; /* everything was copied, and can be passed on; no header line here */
    c.header = 0;
    c.label = FNN_CSV_LABEL_NONE;
    c.columns = NULL;
    c.column_count = 0;
    c.others = FNN_CSV_FEATURE;
    check_csv_fails(__LINE__, "Ulm,1\n", &c, FNN_ERROR_ARGUMENT,
                    "column 1: expected text as in same_classes, found numbers");
    {
        static const fnn_csv_column first = {NULL, 0, FNN_CSV_TEXT};
        c.columns = &first;
        c.column_count = 1;
        CHECKF(load_csv_text(&view, "Bonn,\nUlm,3\n", &c, &error) == FNN_OK, "%s", error.message);
        CHECK(reals_are(&view, (const double[]){1, 0, 4, 0, 1, 3}));
        CHECK(view.feature_names && !strcmp(view.feature_names[1], "town=Ulm"));
        CHECK(view.classes == 0 && !view.labels);
        fnn_dataset_free(&view);
    }
    fnn_dataset_free(&test);
    memset(&test, 0, sizeof test);
    check_csv_fails(__LINE__, "Ulm,1\n", &c, FNN_ERROR_ARGUMENT, "same_classes: expected means");
    c.missing = FNN_CSV_MISSING_REFUSE;
    check_csv_fails(__LINE__, "Ulm,1\n", &c, FNN_ERROR_ARGUMENT,
                    "same_classes: expected categories");

    c = fnn_csv_config_init(); /* a set of bytes has no means to lend */
    c.keep_bytes = 1;
    CHECK(load_csv_text(&train, "1,2,0\n3,4,1\n", &c, &error) == FNN_OK);
    c.keep_bytes = 0;
    c.same_classes = &train;
    CHECK(load_csv_text(&test, "5,6,0\n", &c, &error) == FNN_OK && test.reals[1] == 6);
    fnn_dataset_free(&test);
    c.missing = FNN_CSV_MISSING_MEAN;
    check_csv_fails(__LINE__, "1,,0\n", &c, FNN_ERROR_ARGUMENT, "same_classes: expected means");
    fnn_dataset_free(&train);
}

/* As many classes as there can be, in another order than the other set's, are found one by one
 * in no more time than sorting takes. */
static void csv_many_classes_alike(void)
{
    enum { MANY = 60000 };
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset train, test;
    fnn_error error;
    char *text = (char *)need(MANY * 12);
    const char *path;
    size_t used = 0;
    int i, wrong = 0;
    for (i = 0; i < MANY; i++) used += (size_t)sprintf(text + used, "0,n%d\n", i * 7 % MANY);
    path = write_text("c", text);
    free(text);
    c.label = FNN_CSV_LABEL_NAME;
    if (!CHECK(fnn_read_csv(path, &c, NULL, &train, &error) == FNN_OK)) return;
    c.same_classes = &train;
    CHECK(fnn_read_csv(path, &c, NULL, &test, &error) == FNN_OK && test.classes == MANY);
    for (i = 0; i < test.count; i++) wrong += test.labels[i] != train.labels[i];
    CHECK(wrong == 0 && test.count == MANY);
    fnn_dataset_free(&test), fnn_dataset_free(&train);
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
                    "line 2: expected a class of the 4 of same_classes, found \"b\"");
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
                    "expected a class of the 3 of same_classes, found \"2\"");
    fnn_dataset_free(&data);
    c.same_classes = NULL;
    CHECK(load_csv_text(&data, "1 2 1\n3 4 -1\n5 6 10\n7 8 9\n", &c, &error) == FNN_OK);
    CHECK(data.labels[0] == 1 && data.labels[1] == 0 && data.labels[2] == 3 && data.labels[3] == 2);
    CHECK(!strcmp(data.class_names[0], "-1") && !strcmp(data.class_names[3], "10"));
    fnn_dataset_free(&data);
    check_csv_fails(__LINE__, "1 2 16777217\n", &c, FNN_ERROR_FORMAT, "(an integer)");
    c.compact_classes = 0;
    check_csv_fails(__LINE__, "1 2 1.00000001\n", &c, FNN_ERROR_FORMAT, "(an integer 0 to 65535)");
}

/* Listed twice, or as what another setting says, a column would silently be the later. */
static void a_column_has_one_role(void)
{
    fnn_csv_column columns[2] = {{NULL, 0, FNN_CSV_LABEL}, {NULL, -3, FNN_CSV_TEXT}};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    c.columns = columns;
    c.column_count = 2;
    check_csv_fails(__LINE__, "3,7,1\n", &c, FNN_ERROR_ARGUMENT,
                    "column -3: expected one role, found label and text");
    columns[1].role = FNN_CSV_LABEL; /* said twice */
    CHECK(load_csv_text(&data, "3,7,1\n", &c, NULL) == FNN_OK && data.labels[0] == 3);
    fnn_dataset_free(&data);
    columns[0].role = columns[1].role = FNN_CSV_TEXT;
    c.label_column = 0;
    check_csv_fails(__LINE__, "3,7,1\n", &c, FNN_ERROR_ARGUMENT,
                    "column 0: expected one role, found text and label");
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
    for (round = 0; round < 12000; round++) {
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
        c.others = (fnn_csv_role)random_below(FNN_CSV_ROLE_COUNT);
        c.missing = (fnn_csv_missing)random_below(FNN_CSV_MISSING_COUNT);
        c.missing_words = random_below(2) ? "x 0" : NULL;
        c.comment = "\0x-"[random_below(3)];
        c.skip_lines = random_below(2);
        if (load_csv_text(&data, text, &c, NULL) == FNN_OK) {
            fnn_dataset again;
            loaded++;
            CHECK(fnn_dataset_check(&data, NULL) == FNN_OK);
            c.same_classes = &data; /* it is encoded like itself */
            CHECK(load_csv_text(&again, text, &c, NULL) == FNN_OK && again.count == data.count);
            CHECK(again.channels == data.channels && again.classes == data.classes);
            for (i = 0; again.reals && i < data.count * data.channels; i++)
                CHECK(again.reals[i] == data.reals[i]);
            for (i = 0; again.labels && i < data.count; i++)
                CHECK(again.labels[i] == data.labels[i]);
            fnn_dataset_free(&again);
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
                 &error, "bad gzip file: expected ", &data);
    CHECKF(memory.largest < 5000 && memory.live == 0, "allocated %d", (int)memory.largest);
}

/* A table of `lines` lines of 64 bytes, packed. */
static file_bytes packed_lines(size_t lines)
{
    file_bytes plain;
    size_t i;
    plain.size = 64 * lines;
    plain.bytes = (uint8_t *)need(plain.size);
    memset(plain.bytes, '0', plain.size);
    for (i = 64; i <= plain.size; i += 64) memcpy(plain.bytes + i - 3, ",1\n", 3);
    return gzip_and_free(plain, 6);
}

/* A small file does not become a table that fills the memory, unless that is asked for. */
static void csv_holds_no_more_than_gzip_ratio(void)
{
    const size_t lines = 1 << 18; /* 16 MiB */
    int more;
    if (!HAVE_ZLIB) {
        SKIP("no zlib");
        return;
    }
    for (more = 0; more < 4; more++) {
        const file_bytes packed = packed_lines(lines + (more > 0));
        fnn_csv_config c = fnn_csv_config_init();
        budget memory;
        const fnn_allocator allocator = budget_open(&memory);
        fnn_dataset data;
        fnn_error error;
        fnn_result result;
        if (more == 2) c.gzip_ratio = 1032;
        if (more == 3) c.gzip_ratio = (int)((64 * lines + 64) / packed.size); /* a bit too little */
        CHECK(packed.size < 64 * lines / 200);
        result = fnn_read_csv(write_and_free("c", packed), &c, &allocator, &data, &error);
        CHECKF(result == (more % 2 ? FNN_ERROR_FORMAT : FNN_OK), "%d: %s", more, error.message);
        if (result) {
            CHECKF(strstr(error.message, "/c: expected at most 16777") &&
                       strstr(error.message, "bytes in the gzip file, found more (gzip_ratio"),
                   "%s", error.message);
            CHECKF(memory.largest < 64 * lines + 200, "%lu", (unsigned long)memory.largest);
        } else CHECK(data.count == (int64_t)lines + (more > 0) && data.labels[lines - 1] == 1);
        fnn_dataset_free(&data);
        remove(path_of("c"));
    }
}

static const harness_test tests[] = {
    TEST(csv_believes_no_length),
    TEST(csv_forms),
    TEST(csv_errors),
    TEST(csv_wrong_settings),
    TEST(csv_class_names),
    TEST(csv_class_numbers),
    TEST(a_column_has_one_role),
    TEST(csv_targets_and_images),
    TEST(csv_ignores_the_locale),
    TEST(csv_truncations),
    TEST(csv_of_any_bytes),
    TEST(csv_of_two_members),
    TEST(csv_of_many_columns_by_name),
    TEST(csv_takes_no_more_memory_than_it_says),
    TEST(csv_holds_no_more_than_gzip_ratio),
    TEST(csv_says_which_number_is_out_of_range),
    TEST(csv_says_what_else_a_file_is),
    TEST(csv_messages_hold_no_control_characters),
    TEST(csv_messages_are_clean_wherever_words_stand),
    TEST(long_paths_are_cut_between_characters),
    TEST(csv_missing_values_are_refused),
    TEST(csv_missing_values_become_means),
    TEST(csv_lines_with_missing_values_are_dropped),
    TEST(csv_lines_that_are_dropped_are_not_read),
    TEST(csv_text_columns_become_one_hot),
    TEST(csv_says_how_much_memory_there_is_not),
    TEST(csv_categories_are_limited),
    TEST(csv_columns_by_name),
    TEST(csv_header_of_another_length),
    TEST(csv_lines_that_are_no_samples),
    TEST(csv_separator_as_excel_writes_it),
    TEST(csv_encoded_like_the_training_file),
    TEST(csv_many_classes_alike),
};
HARNESS_MAIN(tests)
