/* The rarer branches of model files (see make coverage): names, notes, headers that
 * end within a word, escapes of every length. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "model_files.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* ---- names and notes ---- */

static int refused(fnn_model *m, fnn_result result, const char *words)
{
    return CHECKF(result == FNN_ERROR_ARGUMENT && strstr(fnn_model_error(m)->message, words),
                  "expected %s, found %s", words, fnn_model_error(m)->message);
}

/* A single output answers no or yes: it has a name, or two. */
static void a_single_output_has_one_name_or_two(void)
{
    static const char *const names[] = {"no", "yes", "perhaps"};
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_dense(m, 1, FNN_LINEAR);
    fnn_seal(m);
    CHECK(!fnn_set_class_names(m, names, 2) && !strcmp(fnn_class_name(m, 1), "yes"));
    CHECK(!fnn_set_class_names(m, names, 1) && !fnn_class_name(m, 1));
    refused(m, fnn_set_class_names(m, names, 3), "class_names: expected 2, found 3");
    CHECK(!strcmp(fnn_class_name(m, 0), "no"));
    fnn_model_free(m);
}

/* A wrong name that others follow changes nothing, nor does a count without names. */
static void a_wrong_name_changes_nothing(void)
{
    static const char *const right[] = {"a", "b", "c"};
    static const char *const wrong[] = {"x", "\n", "z"};
    fnn_model *m = fnn_sequential(1, 1, 3);
    CHECK(!fnn_set_feature_names(m, right, 3));
    refused(m, fnn_set_feature_names(m, wrong, 3), "feature_names: expected UTF-8");
    refused(m, fnn_set_feature_names(m, NULL, 3), "feature_names: expected 3, found 0");
    refused(m, fnn_set_feature_names(m, right, 2), "feature_names: expected 3, found 2");
    CHECK(!strcmp(fnn_feature_name(m, 0), "a") && !strcmp(fnn_feature_name(m, 2), "c"));
    CHECK(!fnn_class_name(NULL, 0) && !fnn_feature_name(NULL, 0));
    fnn_model_free(m);
}

/* A model that could not be built says so, whatever is asked. */
static void a_broken_model_takes_no_names(void)
{
    static const char *const names[] = {"a"};
    fnn_dataset data;
    fnn_model *m = fnn_sequential(1, 1, 0);
    const fnn_result broken = fnn_model_error(m)->code;
    memset(&data, 0, sizeof data);
    CHECK(broken != FNN_OK);
    CHECK(fnn_set_names(m, &data) == broken && fnn_set_names(m, NULL) == broken);
    CHECK(fnn_set_class_names(m, names, 1) == broken);
    CHECK(fnn_set_feature_names(m, names, 1) == broken);
    CHECK(fnn_set_names(NULL, &data) == FNN_ERROR_MEMORY);
    fnn_model_free(m);
}

/* The names of a data set are as many as its features, however many these are. */
static void more_features_than_an_int_holds_do_not_fit(void)
{
    static const char *const names[] = {"a"};
    fnn_dataset data = fnn_dataset_images(NULL, NULL, 1, 1 << 20, 1 << 20, 1, 0);
    fnn_model *m = fnn_sequential(1, 1, 1);
    data.feature_names = names;
    refused(m, fnn_set_names(m, &data), "feature_names: expected 1, found 2147483647");
    data.height = data.width = 1;
    CHECK(!fnn_set_names(m, &data) && !strcmp(fnn_feature_name(m, 0), "a"));
    fnn_model_free(m);
}

/* Where the second kind of names does not fit, the first stays as it was, too. */
static void names_are_taken_together_or_not(void)
{
    static const char *const old_name[] = {"old"}, *const names[] = {"a", "b", "c"};
    fnn_dataset data = fnn_dataset_images(NULL, NULL, 1, 1, 1, 1, 3);
    fnn_model *m = fnn_sequential(1, 1, 1);
    fnn_dense(m, 2, FNN_SOFTMAX);
    CHECK(!fnn_seal(m) && !fnn_set_feature_names(m, old_name, 1));
    data.feature_names = data.class_names = names;
    refused(m, fnn_set_names(m, &data), "class_names: expected 2, found 3");
    CHECK(!strcmp(fnn_feature_name(m, 0), "old") && !fnn_class_name(m, 0));
    data.classes = 2;
    CHECK(!fnn_set_names(m, &data) && !strcmp(fnn_feature_name(m, 0), "a"));
    CHECK(!strcmp(fnn_class_name(m, 1), "b"));
    fnn_model_free(m);
}

static void keys_of_notes_have_limits(void)
{
    fnn_model *m = fnn_sequential(1, 1, 1);
    char key[FNNI_TEXT + 1];
    memset(key, 'k', sizeof key);
    key[FNNI_TEXT] = 0;
    refused(m, fnn_set_note(m, key, "x"), "note: expected a key of 1 to 127 printable ASCII");
    key[FNNI_TEXT - 1] = 0;
    CHECK(!fnn_set_note(m, key, "x") && !strcmp(fnn_note(m, key), "x"));
    refused(m, fnn_set_note(m, "a\x7f", "x"), "printable ASCII");
    CHECK(!fnn_set_note(m, " ~", "x"));
    refused(m, fnn_set_note(m, "class_names", "x"), "a word of model files");
    refused(m, fnn_set_note(m, "feature_names", "x"), "a word of model files");
    CHECK(!fnn_note(m, NULL) && !strcmp(fnn_note(m, " ~"), "x"));
    fnn_model_free(m);
}

/* ---- files ---- */

static fnn_model *load_bytes(file_bytes from, fnn_error *error)
{
    const fnn_context_config config = fnn_context_config_init();
    fnni_file f;
    f.bytes = from.bytes;
    f.size = from.size;
    memset(error, 0, sizeof *error);
    return fnni_load_file(&f, "the file", &config, error);
}

static int loads(file_bytes f, fnn_error *error)
{
    fnn_model *m = load_bytes(f, error);
    const int loaded = m != NULL;
    fnn_model_free(m);
    return loaded;
}

static file_bytes model_file(void)
{
    static const char *const names[] = {"E", "A"};
    fnn_model *m = fnn_sequential(1, 1, 3);
    file_bytes f;
    fnn_dense(m, 2, FNN_SOFTMAX);
    fnn_seal(m);
    CHECK(!fnn_set_class_names(m, names, 2) && !fnn_set_note(m, "note", "N"));
    CHECK(!fnn_save(m, path_of("a"), NULL));
    f = bytes_of(path_of("a"));
    fnn_model_free(m);
    return f;
}

/* A whole header that is read to its end before anything is missed, cut after any byte. */
static void a_header_may_end_anywhere(void)
{
    static const char *const headers[] = {
        "{\"__metadata__\":{\"library\":\"fmnist_nn 0.2.0\",\"input\":\"\\u0031\\\\\\/\\\" 1\"}}",
        "{\"__metadata__\":{\"note\":\"\\u20ac \\\\ \\n\"}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[0,10],\"data_offsets\":[0,40]}}",
    };
    file_bytes none = bytes_copy("\0\0\0\0\0\0\0\0", 8);
    fnn_error error;
    int i;
    for (i = 0; i < COUNT(headers); i++) {
        char text[200];
        size_t length;
        for (length = strlen(headers[i]); length > 0; length--) {
            file_bytes f;
            snprintf(text, sizeof text, "%.*s", (int)length, headers[i]);
            f = with_header(text, none);
            CHECKF(!loads(f, &error), "%s loads", text);
            CHECKF(error.code == FNN_ERROR_FORMAT && !strncmp(error.message, "the file: ", 10),
                   "%s: %s", text, error.message);
            free(f.bytes);
        }
    }
    free(none.bytes);
}

static const damage damages[] = {
    {"\"input\":\"1", "\"input\":\"\\u00!31", "expected an escape for printable ASCII"},
    {"\"input\":\"1", "\"input\":\"\\u00:1", "expected an escape for printable ASCII"},
    {"\"input\":\"1", "\"input\":\"\\u003`", "expected an escape for printable ASCII"},
    {"\"input\":\"1", "\"input\":\"\\u003g", "expected an escape for printable ASCII"},
    {"\"dtype\":\"F32\"", "\"dtype\":\"\\/\"", "expected F32, found /"},
    {"\"dtype\":\"F32\"", "\"dtype\":\"\\\\\"", "expected F32, found \\"},
    {"\"dtype\":\"F32\"", "\"dtype\":\"\\\"\"", "expected F32, found \""},
    {"\"N\"", "\"\\ud83d\\ue000\"", "expected an escape for a character"},
    {"\"N\"", "\"\\ud83d\\udbff\"", "expected an escape for a character"},
    {"\"N\"", "\"\\ud83dx\"", "expected an escape for a character"},
    {"\"N\"", "\"\\udc00\"", "expected an escape for a character"},
    {"\"input\":\"1 1 3\",", "",
     "expected a model of fmnist_nn, found no \"input\" in __metadata__"},
#if SIZE_MAX > 0xffffffff
    {"\"shape\":[3,2]", "\"shape\":[3,18446744073709551615]",
     "expected shape [3, 2], found [3, 18446744073709551615]"},
    {"\"shape\":[3,2]", "\"shape\":[3,18446744073709551616]", "expected a smaller number"},
#endif
    {" crc32 ", " crc32 0", "library: expected a version and its checksum"},
};

static void each_damage_is_named(void)
{
    file_bytes good = model_file();
    fnn_error error;
    int i;
    CHECKF(loads(good, &error), "%s", error.message);
    for (i = 0; i < COUNT(damages); i++)
        check_damage(loads, good, damages[i].from, damages[i].to, damages[i].words);
    free(good.bytes);
}

/* What a header says of its own length, against what there is. */
static void a_header_is_no_longer_than_its_file(void)
{
    file_bytes f = bytes_copy("\x0c\0\0\0\0\0\0\0{         }", 19);
    fnn_error error;
    CHECK(!loads(f, &error));
    CHECKF(strstr(error.message, "header of at most 11 bytes, found one of 12") != NULL, "%s",
           error.message);
    f.bytes[0]--;
    CHECK(!loads(f, &error) && strstr(error.message, "header, byte 10: expected '\"'"));
    free(f.bytes);
}

/* The words of a training, each of which has its room. */
static void words_of_a_training_have_limits(void)
{
    static const fnn_real x[] = {1, 2, 3};
    static const int32_t labels[] = {0};
    const fnn_dataset data = fnn_dataset_table(x, labels, 1, 3, 2);
    fnn_model *m = fnn_sequential(1, 1, 3);
    fnn_fit_config c = fnn_fit_config_init();
    char word[2 * FNNI_TEXT];
    fnn_error error;
    file_bytes good;
    memset(word, 'w', sizeof word);
    word[sizeof word - 1] = 0;
    fnn_dense(m, 2, FNN_SOFTMAX);
    c.checkpoint = path_of("checkpoint");
    CHECKF(!fnn_fit(m, &data, &c, NULL), "%s", fnn_model_error(m)->message);
    fnn_model_free(m);
    good = bytes_of(path_of("checkpoint"));
    if (CHECKF(loads(good, &error), "%s", error.message))
        check_damage(loads, good, "optimizer ", word, "expected words and numbers, found \"www");
    free(good.bytes);
}

/* UTF-8 of one to four bytes, at the ends of each length. */
static void escapes_make_characters_of_every_length(void)
{
    static const struct {
        const char *escape, *text;
    } characters[] = {
        {"\\u0020", " "},
        {"\\u007e", "~"},
        {"\\u00a0", "\xc2\xa0"},
        {"\\u07FF", "\xdf\xbf"},
        {"\\u0800", "\xe0\xa0\x80"},
        {"\\u20ac", "\xe2\x82\xac"},
        {"\\ud7ff", "\xed\x9f\xbf"},
        {"\\ue000", "\xee\x80\x80"},
        {"\\uFFFD", "\xef\xbf\xbd"},
        {"\\ud800\\udc00", "\xf0\x90\x80\x80"},
        {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
    };
    file_bytes good = model_file(), f;
    char text[2000], changed[2100];
    const char *place;
    int i;
    snprintf(text, sizeof text, "%.*s", (int)header_size(good), (const char *)good.bytes + 8);
    place = strstr(text, "\"N\"");
    for (i = 0; CHECK(place != NULL) && i < COUNT(characters); i++) {
        fnn_error error;
        fnn_model *m;
        snprintf(changed, sizeof changed, "%.*s\"%s\"%s", (int)(place - text), text,
                 characters[i].escape, place + 3);
        f = with_header(changed, good);
        m = load_bytes(f, &error);
        CHECKF(m && !strcmp(fnn_note(m, "note"), characters[i].text), "%s: %s",
               characters[i].escape, m ? fnn_note(m, "note") : error.message);
        fnn_model_free(m);
        free(f.bytes);
    }
    free(good.bytes);
}

static const harness_test tests[] = {
    TEST(a_single_output_has_one_name_or_two),
    TEST(a_wrong_name_changes_nothing),
    TEST(a_broken_model_takes_no_names),
    TEST(more_features_than_an_int_holds_do_not_fit),
    TEST(names_are_taken_together_or_not),
    TEST(keys_of_notes_have_limits),
    TEST(a_header_may_end_anywhere),
    TEST(each_damage_is_named),
    TEST(a_header_is_no_longer_than_its_file),
    TEST(words_of_a_training_have_limits),
    TEST(escapes_make_characters_of_every_length),
};
HARNESS_MAIN(tests)
