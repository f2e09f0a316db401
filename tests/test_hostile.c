/* Hostile files of every format: each is an honest file with one lie in it. The honest one loads,
 * the other is refused with words that say what was expected and what was found, or does no harm;
 * neither takes more memory or time than its bytes explain, and the time grows no faster than they.
 * tests/hostile.txt is the table: --table writes it anew. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp, clock_gettime */
#endif
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

static void *counted_allocate(size_t bytes);
static void counted_release(void *memory);
static int still_clock(struct timespec *t);
#undef FMNIST_NN_MALLOC /* of exact.h */
#undef FMNIST_NN_FREE
#define FMNIST_NN_MALLOC(bytes) counted_allocate(bytes)
#define FMNIST_NN_FREE(memory) counted_release(memory)
#define clock_gettime(which, time) still_clock(time) /* the same bytes in each checkpoint */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#undef clock_gettime
#define BIT_ROOM (1 << 22)
#include "bits.h"
#include "budget.h"
#include "datasets.h"
#include "model_files.h"
#include "told.h"

static budget memory; /* all that the library takes */

static void *counted_allocate(size_t bytes)
{
    return budget_allocate(&memory, bytes);
}
static void counted_release(void *block)
{
    budget_release(&memory, block);
}
static int still_clock(struct timespec *t)
{
    memset(t, 0, sizeof *t);
    return 0;
}

/* ---- readers ---- */

/* What became of a file. */
typedef struct {
    fnn_result result;
    fnn_error error;
    char found[100]; /* in a file that loads */
    size_t most;     /* bytes of memory asked for at the same time, to read it */
    int live;        /* blocks that were not given back */
} outcome;

typedef struct lie lie;
typedef void (*reader)(const char *path, const lie *l, outcome *o);

/* How a kind of file is made and read, and what it may take. */
typedef struct {
    const char *title, *name; /* the file's name in messages */
    reader read;
    file_bytes (*honest)(const lie *l);
    file_bytes (*hostile)(const lie *l);
    const lie *lies;
    int count;
    size_t each;    /* bytes of memory for a byte of the file, */
    size_t layer;   /* for each layer, */
    size_t unpacks; /* and three times of what is unpacked, at most so much */
} format;

/* One thing wrong with a file. */
struct lie {
    const char *what;
    const char *from, *to; /* words of the honest file and of this one; or, where these are long, */
    file_bytes (*make)(const lie *l, int lies, size_t scale);
    uint64_t number;
    int loads;    /* it does no harm */
    int big;      /* its bytes are in proportion to the scale: times are compared */
    int way;      /* of CSV: how it is read */
    size_t holds; /* of a gzip file that has much: bytes in it */
};
/* clang-format off */
#define WORDS(what, from, to) {what, from, to, NULL, 0, 0, 0, 0, 0}
#define LENGTH(what, number) {what, NULL, NULL, NULL, number, 0, 0, 0, 0}
#define MADE(what, make, number) {what, NULL, NULL, make, number, 0, 0, 0, 0}
#define BIG(what, make, loads, way) {what, NULL, NULL, make, 0, loads, 1, way, 0}
#define NUMBER(what, name, number, loads) {what, name, NULL, other_number, number, loads, 0, 0, 0}
#define IDX(what, header, zeros) {what, NULL, header, NULL, zeros, 0, 0, 0, 0}
#define READ(what, twin, text, loads, way) {what, twin, text, NULL, 0, loads, 0, way, 0}
#define STREAM(what, hex) {what, NULL, hex, NULL, 0, 0, 0, 0, 0}
#define BOMB(what, header, loads) \
    {what, PIXELS_AS_SAID, header, bomb_of_pixels, 1500, loads, 0, 0, 387016}
/* clang-format on */

enum { SIDE = 4, PIXELS = SIDE * SIDE, SAMPLES = 2, CLASSES = 3, SCALE = 4 };

static fnn_real pixels[SAMPLES * PIXELS];
static int32_t labels[SAMPLES] = {0, 1};

static fnn_dataset samples(void)
{
    fnn_dataset data = fnn_dataset_table(pixels, labels, SAMPLES, PIXELS, CLASSES);
    int i;
    for (i = 0; i < SAMPLES * PIXELS; i++) pixels[i] = (fnn_real)(i * 7 % 13);
    data.height = data.width = SIDE;
    data.channels = 1;
    return data;
}

static fnn_fit_config two_epochs(void)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(.01);
    c.epochs = 2;
    c.batch_size = 1;
    c.ema_decay = .9;
    return c;
}

static void found_model(const fnn_model *m, outcome *o)
{
    const int count = m ? fnn_layer_count(m) : 0;
    if (m) snprintf(o->found, sizeof o->found, "%d layers", count);
}

static void read_model(const char *path, const lie *l, outcome *o)
{
    fnn_model *m = fnn_load(path, NULL, &o->error);
    (void)l;
    o->result = m ? FNN_OK : o->error.code;
    found_model(m, o);
    fnn_model_free(m);
}

/* Loads it and trains for one epoch more. */
static void read_checkpoint(const char *path, const lie *l, outcome *o)
{
    const fnn_dataset data = samples();
    fnn_fit_config c = two_epochs();
    fnn_model *m = fnn_load(path, NULL, &o->error);
    (void)l;
    o->most = memory.most; /* without that of the fit */
    c.epochs = 3;
    o->result = m ? fnn_resume(m, &data, &c, NULL) : o->error.code;
    if (m && o->result) o->error = *fnn_model_error(m);
    found_model(m, o);
    fnn_model_free(m);
}

static void read_weights(const char *path, const lie *l, outcome *o)
{
    fnn_model *m = fnn_sequential(1, 1, 3);
    (void)l;
    fnn_dense(m, 2, FNN_RELU);
    fnn_dense(m, 3, FNN_SOFTMAX);
    o->result = fnn_load_weights(m, path, FNN_FROM_PYTORCH, NULL, 0);
    if (o->result) o->error = *fnn_model_error(m);
    found_model(m, o);
    fnn_model_free(m);
}

static void found_data(fnn_dataset *data, outcome *o)
{
    snprintf(o->found, sizeof o->found, "%ld samples of %d x %d x %d, %d classes",
             (long)data->count, data->height, data->width, data->channels, data->classes);
    fnn_dataset_free(data);
}

static void read_images(const char *path, const lie *l, outcome *o)
{
    fnn_dataset data;
    (void)l;
    o->result = fnn_read_idx(path, NULL, NULL, &data, &o->error);
    found_data(&data, o);
}

static void read_labels(const char *path, const lie *l, outcome *o)
{
    fnn_dataset data;
    const char *images = write_and_free("images", idx_file(3, SAMPLES, 3, 4, 0, 250));
    (void)l;
    o->result = fnn_read_idx(images, path, NULL, &data, &o->error);
    found_data(&data, o);
}

static void read_cifar(const char *path, const lie *l, outcome *o)
{
    fnn_dataset data;
    (void)l;
    o->result = fnn_read_cifar10_files(&path, 1, NULL, &data, &o->error);
    found_data(&data, o);
}

enum { AS_CLASSES, AS_NAMES, AS_TEXT, AS_TARGETS, AS_BYTES, WITHOUT_LABEL };

static void read_csv(const char *path, const lie *l, outcome *o)
{
    static const fnn_csv_column text = {NULL, 0, FNN_CSV_TEXT};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    if (l->way == AS_NAMES) c.label = FNN_CSV_LABEL_NAME;
    if (l->way == AS_TEXT) c.columns = &text, c.column_count = 1;
    if (l->way == AS_TARGETS) c.label = FNN_CSV_LABEL_TARGET;
    if (l->way == AS_BYTES) c.keep_bytes = 1;
    if (l->way == WITHOUT_LABEL) c.label = FNN_CSV_LABEL_NONE;
    o->result = fnn_read_csv(path, &c, NULL, &data, &o->error);
    found_data(&data, o);
}

/* ---- files ---- */

static file_bytes own_file(const lie *l, int lies)
{
    return l->make(l, lies, SCALE);
}

/* The same text over and over, between two others. */
static file_bytes text_again(const char *before, const char *again, size_t times,
                             const char *behind)
{
    const size_t n = strlen(again);
    file_bytes middle;
    size_t i;
    middle.size = n * times;
    middle.bytes = (uint8_t *)need(middle.size);
    for (i = 0; i < times; i++) memcpy(middle.bytes + n * i, again, n);
    return bytes_join(bytes_join(bytes_text(before), middle), bytes_text(behind));
}

/* Bytes in hexadecimal digits, with blanks between them. */
static file_bytes bytes_hex(const char *text)
{
    file_bytes f = bytes_text(text);
    char digits[3] = "";
    size_t n = 0;
    for (; *text; text += *text == ' ' ? 1 : 2) {
        if (*text == ' ') continue;
        memcpy(digits, text, 2);
        f.bytes[n++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    f.size = n;
    return f;
}

/* ---- models ---- */

static fnn_model *small_model(void)
{
    static const char *const names[CLASSES] = {"bag", "boot", "shirt"};
    const fnn_dataset data = samples();
    fnn_model *m = fnn_sequential(SIDE, SIDE, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &data);
    fnn_conv2d(m, 2, 3, FNN_SAME, FNN_RELU);
    fnn_batch_norm(m);
    fnn_max_pool2d(m, 2);
    fnn_dropout(m, (fnn_real).25);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fnn_seal(m);
    CHECK(!fnn_set_class_names(m, names, CLASSES) && !fnn_set_note(m, "by", "a test"));
    return m;
}

static file_bytes small_file(void)
{
    fnn_model *m = small_model();
    CHECK(!fnn_save(m, path_of("honest"), NULL));
    fnn_model_free(m);
    return bytes_of(path_of("honest"));
}

static file_bytes honest_model(const lie *l)
{
    return l->make ? own_file(l, 0) : small_file();
}

/* Other words in the header or, without any, another length of it; the checksum is right. */
static file_bytes other_header(file_bytes good, const lie *l)
{
    file_bytes f;
    int i;
    if (l->from) {
        f = with_words(good, l->from, l->to);
        free(good.bytes);
        return f;
    }
    for (i = 0; i < 8; i++) good.bytes[i] = (uint8_t)(l->number >> 8 * i);
    sum_again(good);
    return good;
}

static file_bytes hostile_model(const lie *l)
{
    return l->make ? own_file(l, 1) : other_header(small_file(), l);
}

/* A file with `from` in its header as a text, again so many times, and another text; frees it. */
static file_bytes with_text(file_bytes good, const char *from, const char *before,
                            const char *again, size_t times, const char *behind)
{
    const file_bytes text = text_again(before, again, times, behind);
    char *words = (char *)need(text.size + 1);
    file_bytes f;
    memcpy(words, text.bytes, text.size);
    words[text.size] = 0;
    f = with_words(good, from, words);
    free(good.bytes);
    free(text.bytes);
    free(words);
    return f;
}

static file_bytes many_layers(const lie *l, int lies, size_t scale)
{
    const size_t count = 2500 * scale - 6 + (size_t)(lies && !l->loads);
    return with_text(small_file(), "activation", "", "dropout 0; ", lies ? count : 1, "activation");
}

static file_bytes many_notes(const lie *l, int lies, size_t scale)
{
    char note[6000], *p = note;
    const file_bytes good = small_file();
    file_bytes f;
    int i;
    (void)l, (void)scale;
    for (i = 0; i < 255 + lies; i++) p += sprintf(p, "\"note %d\":\"\",", i);
    strcpy(p, "\"by\"");
    f = with_words(good, "\"by\"", note);
    free(good.bytes);
    return f;
}

static file_bytes long_note(const lie *l, int lies, size_t scale)
{
    const size_t most = FNNI_MAX_TEXTS - 4;
    (void)l, (void)scale;
    return with_text(small_file(), "a test", "", "x", most + (size_t)lies, "");
}

static file_bytes long_name(const lie *l, int lies, size_t scale)
{
    (void)l, (void)scale;
    return with_text(small_file(), "boot", "", "b", lies ? (size_t)1 << 19 : 1000, "");
}

static file_bytes deep_nesting(const lie *l, int lies, size_t scale)
{
    (void)l;
    return with_text(small_file(), "\"a test\"", lies ? "[" : "\"", "[", lies ? 500000 * scale : 1,
                     lies ? "1" : "\"");
}

static file_bytes many_blanks(const lie *l, int lies, size_t scale)
{
    (void)l;
    return with_text(small_file(), "}}", "}", " ", lies ? 1000000 * scale : 1, "}");
}

static file_bytes many_escapes(const lie *l, int lies, size_t scale)
{
    (void)l;
    return with_text(small_file(), "a test", "", "\\u0041", lies ? 20000 * scale : 1, "");
}

static file_bytes many_tensors(const lie *l, int lies, size_t scale)
{
    const char *tensor = "},\"4.dense.b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,0]";
    (void)l;
    return with_text(small_file(), "}}", "", lies ? tensor : "", 5000 * scale, "}}");
}

static file_bytes no_end(const lie *l, int lies, size_t scale)
{
    file_bytes f = with_text(small_file(), "a test", "", "x", 100000 * scale, "");
    size_t i;
    (void)l;
    for (i = 8; lies && i < 8 + header_size(f); i++)
        if (f.bytes[i] == '"' && !memcmp(f.bytes + i - 3, "xxx", 3)) f.bytes[i] = 'x';
    sum_again(f);
    return f;
}

static file_bytes cut_header(const lie *l, int lies, size_t scale)
{
    file_bytes f = small_file();
    (void)l, (void)scale;
    if (lies) f.size = 8 + header_size(f) - 1;
    return f;
}

/* As many bytes as the length of the file has, or some of them. */
static file_bytes few_bytes(const lie *l, int lies, size_t scale)
{
    file_bytes f = small_file();
    (void)scale;
    if (lies) f.size = (size_t)l->number;
    return f;
}

static file_bytes own_sum(const lie *l, int lies, size_t scale)
{
    file_bytes f = small_file();
    (void)l, (void)scale;
    if (lies) f.bytes[f.size - 1] ^= 1;
    return f;
}

/* What published faults of GGUF loaders come to in this format is marked (llama.cpp's number). */
static const lie models[] = {
    MADE("nothing at all", few_bytes, 0),
    MADE("a header's length and nothing else", few_bytes, 8),
    LENGTH("a header of no bytes", 0),
    LENGTH("a header of an odd length, one byte less", 1143),
    LENGTH("a header of an odd length, one byte more", 1145),
    LENGTH("a header as long as the file", 1500),
    LENGTH("a header of 2^31 bytes", 2147483648u),
    LENGTH("a header of 2^63 bytes", (uint64_t)1 << 63),
    LENGTH("a header of 2^64 - 8 bytes, 0 with its length", UINT64_MAX - 7),
    LENGTH("a header of 2^64 - 1 bytes", UINT64_MAX),
    MADE("a header that the file ends in", cut_header, 0),
    MADE("another weight than the checksum says", own_sum, 0),
    WORDS("a shape of 2^42 + 1 rows (#18674)", "[8,3]", "[4398046511105,3]"),
    WORDS("a shape of 2^63 - 1 times 2 (#27203)", "[8,3]", "[9223372036854775807,2]"),
    WORDS("a shape whose bytes are 2^64, that is 0 (#24759)", "[8,3]", "[4611686018427387904,1]"),
    WORDS("a shape of 2^32 times 2^32, that is 0", "[8,3]", "[4294967296,4294967296]"),
    WORDS("a shape of 2^64 rows", "[8,3]", "[18446744073709551616,3]"),
    WORDS("a shape of -8 rows", "[8,3]", "[-8,3]"),
    WORDS("a shape of no rows", "[8,3]", "[0,3]"),
    WORDS("a shape of other rows and columns, as many numbers", "[8,3]", "[3,8]"),
    WORDS("a shape of five numbers", "[8,3]", "[1,1,1,8,3]"),
    WORDS("a shape in words", "[8,3]", "\"8,3\""),
    WORDS("a shape of decimals", "[8,3]", "[8.0,3]"),
    WORDS("numbers beyond the file's end (CVE-2026-7482)", "[336,348]", "[336,349]"),
    WORDS("numbers up to byte 2^64 - 1 (#14595)", "[336,348]", "[336,18446744073709551615]"),
    WORDS("numbers up to byte 2^64", "[336,348]", "[336,18446744073709551616]"),
    WORDS("numbers from byte 2^64 - 4 to byte 8", "[336,348]", "[18446744073709551612,8]"),
    WORDS("numbers from byte -12 on", "[336,348]", "[-12,0]"),
    WORDS("numbers backwards", "[240,336]", "[336,240]"),
    WORDS("numbers that another tensor has, too", "[208,216]", "[216,224]"),
    WORDS("numbers that overlap another tensor's", "[240,336]", "[236,332]"),
    WORDS("a gap before a tensor", "[336,348]", "[337,349]"),
    WORDS("numbers of one byte less", "[336,348]", "[336,347]"),
    WORDS("one offset", "[336,348]", "[336]"),
    WORDS("numbers of another type, as many bytes", "\"F32\",\"shape\":[8,3]",
          "\"I32\",\"shape\":[8,3]"),
    WORDS("numbers of a type that there is not", "\"F32\",\"shape\":[8,3]",
          "\"F33\",\"shape\":[8,3]"),
    WORDS("a type that is a negative number (#19856)", "\"F32\",\"shape\":[8,3]",
          "-1,\"shape\":[8,3]"),
    WORDS("a tensor without a type", "\"dtype\":\"F32\",\"shape\":[8,3]", "\"shape\":[8,3]"),
    WORDS("a tensor of two shapes", "\"shape\":[8,3]", "\"shape\":[8,3],\"shape\":[8,3]"),
    WORDS("two tensors of one name", "\"1.batch_norm.beta\"", "\"1.batch_norm.gamma\""),
    WORDS("a tensor of a layer that there is not", "\"4.dense.bias\"", "\"6.dense.bias\""),
    WORDS("a tensor of layer 2^64 + 4", "\"4.dense.bias\"", "\"18446744073709551620.dense.bias\""),
    WORDS("a tensor of layer -1", "\"4.dense.bias\"", "\"-1.dense.bias\""),
    WORDS("a tensor with a name of 140 letters", "\"4.dense.bias\"",
          "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789"
          "012345678901234567890123456789012345678901234567890123456789\""),
    WORDS("a tensor with a name that is no text", "\"4.dense.bias\"", "4"),
    BIG("20,000 tensors of one name", many_tensors, 0, 0),
    WORDS("metadata: a key twice (#19856)", "\"seed\"", "\"seed\":\"1\",\"seed\""),
    WORDS("metadata: a note twice", "\"by\"", "\"by\":\"me\",\"by\""),
    WORDS("metadata twice", "\"input.shift\"", "\"__metadata__\":{},\"input.shift\""),
    WORDS("metadata: a number for a text (#26318)", "\"seed\":\"0\"", "\"seed\":0"),
    WORDS("metadata: a list for a text", "\"seed\":\"0\"", "\"seed\":[\"0\"]"),
    WORDS("metadata: an object for a text", "\"seed\":\"0\"", "\"seed\":{}"),
    WORDS("metadata: nothing for a text", "\"seed\":\"0\"", "\"seed\":null"),
    BIG("metadata: lists in lists, 2,000,000 deep", deep_nesting, 0, 0),
    MADE("metadata: a note of 512 KiB", long_note, 0),
    MADE("metadata: 257 notes", many_notes, 0),
    MADE("metadata: a class name of 512 KiB", long_name, 0),
    WORDS("metadata: one class name too many", "boot\\n", "boot\\n\\n"),
    WORDS("metadata: a class name that moves the cursor", "boot", "\\u001b[2Jboot"),
    WORDS("metadata: a class name that is no UTF-8", "boot", "boo\xff"),
    WORDS("metadata: a note with a zero", "a test", "a\\u0000test"),
    WORDS("metadata: a note with half a character", "a test", "a \\ud800 test"),
    BIG("metadata: a text without an end", no_end, 0, 0),
    BIG("metadata: a note of 80,000 escapes", many_escapes, 1, 0),
    BIG("4,000,000 blanks in the header", many_blanks, 1, 0),
    WORDS("an input of no rows", "\"4 4 1\"", "\"0 4 1\""),
    WORDS("an input of -4 rows", "\"4 4 1\"", "\"-4 4 1\""),
    WORDS("an input of 2^31 - 1 times 2^31 - 1", "\"4 4 1\"", "\"2147483647 2147483647 1\""),
    WORDS("an input of 2^64 + 4 rows", "\"4 4 1\"", "\"18446744073709551620 4 1\""),
    WORDS("an input of 2^28 numbers, none of them there", "\"4 4 1\"", "\"16384 16384 1\""),
    WORDS("a layer of no filters", "conv2d 2 ", "conv2d 0 "),
    WORDS("a layer of -2 filters", "conv2d 2 ", "conv2d -2 "),
    WORDS("a layer of 2^31 - 1 filters", "conv2d 2 ", "conv2d 2147483647 "),
    WORDS("a layer of 2^31 filters", "conv2d 2 ", "conv2d 2147483648 "),
    WORDS("a layer of 2^64 + 2 filters", "conv2d 2 ", "conv2d 18446744073709551618 "),
    WORDS("a layer of nan filters", "conv2d 2 ", "conv2d nan "),
    WORDS("a layer of 2.0 filters", "conv2d 2 ", "conv2d 2.0 "),
    WORDS("a layer of 0x2 filters", "conv2d 2 ", "conv2d 0x2 "),
    WORDS("a kernel of 2^31 - 1 rows", "conv2d 2 3 ", "conv2d 2 2147483647 "),
    WORDS("a stride of 0", "3 3 1 1 same", "3 3 0 1 same"),
    WORDS("a window larger than its image", "pool2d 2 2 2 2", "pool2d 5 2 2 2"),
    WORDS("a window of 2^31 - 1 rows", "pool2d 2 2 2 2", "pool2d 2147483647 2 2 2"),
    WORDS("a layer of 2^31 - 1 units", "dense 3 ", "dense 2147483647 "),
    WORDS("a layer of 2^28 units, none of them there", "dense 3 ", "dense 268435456 "),
    WORDS("a rate of 0,25, a comma as some locales have it", "dropout 0.25", "dropout 0,25"),
    WORDS("a rate of nan", "dropout 0.25", "dropout nan"),
    WORDS("a rate of 1", "dropout 0.25", "dropout 1"),
    WORDS("a rate of -0.25", "dropout 0.25", "dropout -0.25"),
    WORDS("a rate of 1e999", "dropout 0.25", "dropout 1e999"),
    WORDS("an epsilon of 0", "0.00100000005 0", "0 0"),
    WORDS("a layer that there is not", "dropout 0.25", "system 0.25"),
    WORDS("a layer of thirteen words", "dropout 0.25", "dropout 1 2 3 4 5 6 7 8 9 10 11 12"),
    WORDS("a layer of 130 letters", "dropout 0.25",
          "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
          "01234567890123456789012345678901234567890123456789"),
    WORDS("a layer less than there are tensors of", "; dropout 0.25", ""),
    WORDS("no layers", "\"layers\"", "\"players\""),
    MADE("10,001 layers", many_layers, 0),
    BIG("10,000 layers", many_layers, 1, 0),
    WORDS("a loss that there is not", "softmax_cross_entropy", "../../loss"),
    WORDS("a label smoothing of nan", "smoothing\":\"0\"", "smoothing\":\"nan\""),
    WORDS("a seed of 2^64", "\"seed\":\"0\"", "\"seed\":\"18446744073709551616\""),
};

/* ---- checkpoints ---- */

static file_bytes small_checkpoint(void)
{
    const fnn_dataset data = samples();
    const fnn_fit_config c = two_epochs();
    fnn_model *m = small_model();
    CHECK(!fnn_fit(m, &data, &c, NULL));
    CHECK(!fnn_save_checkpoint(m, path_of("honest"), NULL));
    fnn_model_free(m);
    return bytes_of(path_of("honest"));
}

static file_bytes honest_checkpoint(const lie *l)
{
    return l->make ? own_file(l, 0) : small_checkpoint();
}

static file_bytes hostile_checkpoint(const lie *l)
{
    return l->make ? own_file(l, 1) : other_header(small_checkpoint(), l);
}

/* A history of `number` epochs everywhere that it is spoken of, but in the data. */
static file_bytes long_history(const lie *l, int lies, size_t scale)
{
    const size_t row = FNNI_EPOCH_FIGURES * 8;
    file_bytes f = small_checkpoint(), g;
    char words[100];
    int i;
    (void)scale;
    for (i = 0; lies && i < 3; i++) {
        static const char *const from[] = {"epochs 2", "[2,8]", "[976,1104]"};
        static const char *const to[] = {"epochs %llu", "[%llu,8]", "[976,%llu]"};
        const uint64_t n = i < 2 ? l->number : 976 + l->number * row;
        snprintf(words, sizeof words, to[i], (unsigned long long)n);
        g = with_words(f, from[i], words);
        free(f.bytes);
        f = g;
    }
    return f;
}

static file_bytes many_settings(const lie *l, int lies, size_t scale)
{
    (void)l;
    return with_text(small_checkpoint(), "steps 4;", "", lies ? "layer 0 frozen 1; " : "",
                     20000 * scale, "steps 4;");
}

static file_bytes other_number(const lie *l, int lies, size_t scale)
{
    file_bytes f = small_checkpoint(), g;
    (void)scale;
    if (!lies) return f;
    g = with_number(f, l->from, l->number);
    free(f.bytes);
    return g;
}

static const lie checkpoints[] = {
    WORDS("an optimiser that there is not", "optimizer adam", "optimizer adamant"),
    WORDS("an optimiser whose memory is of another size", "optimizer adam", "optimizer sgd"),
    WORDS("an optimiser whose memory has the same size", "optimizer adam", "optimizer adadelta"),
    WORDS("an optimiser's memory of three numbers a weight", "[2,51]", "[3,51]"),
    WORDS("an optimiser's memory without numbers", "[348,756]", "[348,348]"),
    WORDS("a history of three epochs where two are", "epochs 2", "epochs 3"),
    WORDS("a history of -1 epochs", "epochs 2", "epochs -1"),
    MADE("a history of 2^31 - 1 epochs", long_history, 2147483647),
    MADE("a history of 2^31 epochs", long_history, 2147483648u),
    MADE("a history of 2^58 epochs, 2^64 bytes", long_history, (uint64_t)1 << 58),
    WORDS("a history of floats", "\"F64\"", "\"F32\""),
    WORDS("-4 steps", "steps 4;", "steps -4;"),
    WORDS("nan steps", "steps 4;", "steps nan;"),
    WORDS("2^64 steps", "steps 4;", "steps 18446744073709551616;"),
    WORDS("2^64 - 1 steps", "steps 4;", "steps 18446744073709551615;"),
    WORDS("no number of steps", "steps 4; ", ""),
    WORDS("two numbers of steps", "steps 4;", "steps 4; steps 4;"),
    WORDS("another number of samples", "samples 2", "samples 3"),
    WORDS("2^64 - 1 samples", "samples 2", "samples 18446744073709551615"),
    WORDS("batches of none", "batch_size 1", "batch_size 0"),
    WORDS("a place behind the last sample", "position 2", "position 3"),
    WORDS("a metric that there is not", "monitor 0", "monitor 99"),
    WORDS("averages that are shown and not kept", "keeps_average 1", "keeps_average 0"),
    WORDS("best weights that are kept and not there", "keeps_best 0", "keeps_best 1"),
    NUMBER("a sum of losses that is NaN", "loss_sum", 0x7ff8000000000000, 1),
    NUMBER("2^64 - 1 seconds", "seconds", UINT64_MAX, 1),
    WORDS("a rate factor of nan", "steps 4;", "layer 0 trained nan; steps 4;"),
    WORDS("a rate factor of -1", "steps 4;", "layer 0 trained -1; steps 4;"),
    WORDS("a rate factor of layer 6, of six", "steps 4;", "layer 6 trained 1; steps 4;"),
    WORDS("a setting of thirteen words", "steps 4;", "steps 1 2 3 4 5 6 7 8 9 10 11 12;"),
    WORDS("a number for the settings", "\"fnn.training\":\"", "\"fnn.training\":4,\"by\":\""),
    WORDS("settings of a model without its tensors", "\"training.state\"", "\"training.status\""),
    BIG("80,000 settings of one layer", many_settings, 1, 0),
};

/* ---- weights from elsewhere ---- */

static const char weights_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
    "\"fc2.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[32,44]},"
    "\"fc2.weight\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[44,68]}}";

static file_bytes small_weights(void)
{
    uint8_t zeros[8 + 68] = {0};
    file_bytes numbers;
    numbers.bytes = zeros; /* a header of no bytes */
    numbers.size = sizeof zeros;
    return with_header(weights_header, numbers);
}

static file_bytes honest_weights(const lie *l)
{
    return l->make ? own_file(l, 0) : small_weights();
}

static file_bytes hostile_weights(const lie *l)
{
    return l->make ? own_file(l, 1) : other_header(small_weights(), l);
}

static file_bytes foreign_tensors(const lie *l, int lies, size_t scale)
{
    const char *empty = "},\"a.b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[68,68]";
    (void)l;
    return with_text(small_weights(), "}}", "", lies ? empty : "", 5000 * scale, "}}");
}

static const lie weights[] = {
    LENGTH("a header of 2^63 bytes", (uint64_t)1 << 63),
    WORDS("two tensors of one name", "fc1.bias", "fc2.bias"),
    WORDS("numbers that overlap another tensor's", "[32,44]", "[31,43]"),
    WORDS("numbers that another tensor has, too", "[8,32]", "[44,68]"),
    WORDS("numbers beyond the file's end", "[44,68]", "[44,69]"),
    WORDS("numbers backwards", "[44,68]", "[68,44]"),
    WORDS("numbers up to byte 2^64 - 1", "[44,68]", "[44,18446744073709551615]"),
    WORDS("a shape whose bytes are 2^64 + 24", "[3,2]", "[4611686018427387910,1]"),
    WORDS("a shape of -3 rows", "[3,2]", "[-3,2]"),
    WORDS("a shape of other rows and columns, as many numbers", "[3,2]", "[1,6]"),
    WORDS("a shape of nine numbers", "[3,2]", "[1,1,1,1,1,1,1,3,2]"),
    WORDS("numbers of another type, other bytes", "\"F32\",\"shape\":[3,2]",
          "\"F64\",\"shape\":[3,2]"),
    WORDS("numbers of a type that there is not", "\"F32\",\"shape\":[3,2]",
          "\"Q4\",\"shape\":[3,2]"),
    WORDS("numbers that are integers", "\"F32\",\"shape\":[3,2]", "\"I32\",\"shape\":[3,2]"),
    WORDS("a tensor that the network has no place for", "fc2.bias", "fc2.gamma"),
    WORDS("metadata: an object for a text", "\"pt\"", "{}"),
    BIG("20,000 tensors without numbers", foreign_tensors, 0, 0),
};

/* ---- IDX ---- */

/* The lie is the header in hexadecimal digits and so many zeros behind it. */
static file_bytes idx_hex(const char *header, size_t zeros)
{
    const file_bytes more = text_again("", "?", zeros, "");
    memset(more.bytes, 0, more.size);
    return bytes_join(bytes_hex(header), more);
}

static file_bytes honest_images(const lie *l)
{
    if (l->make) return own_file(l, 0);
    return idx_hex(l->from ? l->from : "00000803 00000002 00000003 00000004", l->from ? 0 : 24);
}

static file_bytes honest_labels(const lie *l)
{
    return l->make ? own_file(l, 0) : idx_hex(l->from ? l->from : "00000801 00000002 0001", 0);
}

static file_bytes hostile_idx(const lie *l)
{
    return l->make ? own_file(l, 1) : idx_hex(l->to, (size_t)l->number);
}

static const lie images[] = {
    IDX("nothing at all", "", 0),
    IDX("a picture of another kind", "ffd8ffe0 00104a46 49460001", 24),
    IDX("a first byte that is not 0", "01000803 00000002 00000003 00000004", 24),
    IDX("a type that there is not", "00000a03 00000002 00000003 00000004", 24),
    IDX("no dimensions", "00000800", 24),
    IDX("five dimensions", "00000805 00000002 00000003 00000004 00000001 00000001", 24),
    IDX("255 dimensions", "000008ff 00000002 00000003 00000004", 24),
    IDX("a header of two dimensions where three are said", "00000803 00000002 00000003", 0),
    IDX("numbers with their lowest byte first", "00000803 02000000 03000000 04000000", 24),
    IDX("no images", "00000803 00000000 00000003 00000004", 24),
    IDX("images of no columns", "00000803 00000002 00000003 00000000", 24),
    IDX("2^32 - 1 images", "00000803 ffffffff 00000003 00000004", 24),
    IDX("images of -1 columns", "00000803 00000002 00000003 ffffffff", 24),
    IDX("images of 2^16 times 2^16 pixels, 0 in 32 bits", "00000803 00000002 00010000 00010000",
        24),
    IDX("images of 2^80 bytes, 0 in 64 bits", "00000804 00100000 00100000 00100000 00100000", 24),
    IDX("2^31 images of 2^40 pixels", "00000803 80000000 00100000 00100000", 24),
    IDX("a byte less than is said", "00000803 00000002 00000003 00000004", 23),
    IDX("a byte more than is said", "00000803 00000002 00000003 00000004", 25),
    IDX("bytes that are said to be doubles", "00000e03 00000002 00000003 00000004", 24),
};

static const lie doubles[] = {
    {"a double that no float holds", "00000e02 00000001 00000001 3ff00000 00000000",
     "00000e02 00000001 00000001 7fe00000 00000000", NULL, 0, 0, 0, 0, 0},
    {"a double that is NaN", "00000e02 00000001 00000001 3ff00000 00000000",
     "00000e02 00000001 00000001 7ff80000 00000000", NULL, 0, 1, 0, 0, 0},
};

static const lie labels_of_images[] = {
    IDX("labels of one image less", "00000801 00000001 00", 0),
    IDX("labels of one image more", "00000801 00000003 000100", 0),
    IDX("labels of 2^32 - 1 images", "00000801 ffffffff 0001", 0),
    IDX("images in place of labels", "00000803 00000002 00000003 00000004", 24),
    IDX("a label of 65536", "00000c01 00000002 00000000 00010000", 0),
    IDX("a label of -1", "00000901 00000002 00ff", 0),
    IDX("a label of 2^31 - 1", "00000c01 00000002 00000000 7fffffff", 0),
    IDX("labels that are floats", "00000d01 00000002 00000000 3f800000", 0),
    IDX("a vector for each label, of 2^20 numbers", "00000802 00000002 00100000 0001", 0),
};

/* ---- CIFAR-10 ---- */

enum { CUT, LONGER, LABEL, LAST_LABEL, FEW, PAGE };

static file_bytes cifar_lie(const lie *l, int lies, size_t scale)
{
    file_bytes f = cifar_file(0, l->big ? 1000 * (int)scale : 2);
    const size_t last = f.size - RECORD;
    if (!lies) return f;
    switch (l->number) {
    case CUT: f.size--; break;
    case LONGER: f = bytes_join(f, bytes_text("\1")); break;
    case LABEL: f.bytes[0] = 255; break;
    case LAST_LABEL: f.bytes[last] = 10; break;
    case FEW: f.size = 0; break;
    default: memcpy(f.bytes, "<html>", 6);
    }
    return f;
}

static const lie batches[] = {
    MADE("nothing at all", cifar_lie, FEW),
    MADE("a record of one byte less", cifar_lie, CUT),
    MADE("a byte behind the last record", cifar_lie, LONGER),
    MADE("a label of 255", cifar_lie, LABEL),
    {"a label of 10 in the last record of 4,000", NULL, NULL, cifar_lie, LAST_LABEL, 0, 1, 0, 0},
    MADE("a web page", cifar_lie, PAGE),
};

/* ---- gzip ---- */

static const char table_text[] = "1,2,0\n3,4,1\n";

/* A gzip file of a deflate stream, said to hold so many bytes of that checksum. */
static file_bytes gzip_of(file_bytes stream, uint32_t crc, uint32_t size)
{
    file_bytes end = bytes_copy("????????", 8);
    int i;
    for (i = 0; i < 4; i++) end.bytes[i] = (uint8_t)(crc >> 8 * i);
    for (i = 0; i < 4; i++) end.bytes[4 + i] = (uint8_t)(size >> 8 * i);
    return bytes_join(bytes_join(bytes_hex("1f8b 08 00 00000000 00 03"), stream), end);
}

/* The same of a text, in one stored block behind others of no bytes, each five long. */
static file_bytes gzip_stored(file_bytes text, size_t empty)
{
    uint8_t head[5] = {1, 0, 0, 0, 0};
    const uint32_t crc = crc_of(text), size = (uint32_t)text.size;
    file_bytes f = text_again("", "?????", empty, "");
    size_t i;
    for (i = 0; i < empty; i++) memcpy(f.bytes + 5 * i, "\0\0\0\xff\xff", 5);
    head[1] = (uint8_t)text.size, head[2] = (uint8_t)(text.size >> 8);
    head[3] = (uint8_t)~head[1], head[4] = (uint8_t)~head[2];
    f = bytes_join(f, bytes_join(bytes_copy(head, 5), text));
    return gzip_of(f, crc, size);
}

/* The lie is a deflate stream in hexadecimal digits. */
static file_bytes hostile_stream(const lie *l)
{
    if (l->make) return own_file(l, 1);
    return gzip_of(bytes_hex(l->to), 0, sizeof table_text - 1); /* no sum is looked at */
}

static file_bytes honest_gzip(const lie *l)
{
    return l->make ? own_file(l, 0) : gzip_stored(bytes_text(table_text), 0);
}

/* What is put in place of an honest file's header or trailer. */
static file_bytes gzip_frame(const lie *l, int lies, size_t scale)
{
    file_bytes f = gzip_stored(bytes_text(table_text), 0);
    const size_t at = (size_t)(l->number >> 8 & 255);
    (void)scale;
    if (!lies) return f;
    f.bytes[at < 128 ? at : f.size - (256 - at)] ^= (uint8_t)l->number;
    return f;
}
#define FLIPPED(at, bits) (((at)&255) << 8 | (bits)) /* from the end where it is negative */

static file_bytes gzip_behind(const lie *l, int lies, size_t scale)
{
    file_bytes f = gzip_stored(bytes_text(table_text), 0);
    (void)scale;
    return lies ? bytes_join(f, bytes_hex(l->to)) : f;
}

static file_bytes gzip_cut(const lie *l, int lies, size_t scale)
{
    file_bytes f = gzip_stored(bytes_text(table_text), 0);
    (void)l, (void)scale;
    f.size -= (size_t)lies;
    return f;
}

static file_bytes gzip_nested(const lie *l, int lies, size_t scale)
{
    file_bytes f = gzip_stored(bytes_text(table_text), 0);
    (void)l, (void)scale;
    return lies ? gzip_stored(f, 0) : f;
}

static file_bytes empty_stored_blocks(const lie *l, int lies, size_t scale)
{
    (void)l;
    return gzip_stored(bytes_text(table_text), lies ? 50000 * scale : 1);
}

/* Fixed blocks of ten bits, one after another, and the table in a stored block. */
static file_bytes empty_fixed_blocks(const lie *l, int lies, size_t scale)
{
    static bit_writer w;
    const file_bytes text = bytes_text(table_text);
    const uint32_t crc = crc_of(text);
    const size_t count = lies ? 400000 * scale : 4;
    size_t i;
    (void)l;
    memset(&w, 0, sizeof w);
    for (i = 0; i < count; i++) put_bits(&w, 2, 10);
    put_bits(&w, 1, 8);
    put_bits(&w, (unsigned)text.size, 16);
    put_bits(&w, ~(unsigned)text.size & 0xffff, 16);
    return gzip_of(bytes_join(bytes_copy(w.bytes, w.bits / 8), text), crc, (uint32_t)text.size);
}

static file_bytes empty_members(const lie *l, int lies, size_t scale)
{
    const file_bytes one = gzip_stored(bytes_text(""), 0);
    const size_t count = lies ? 12000 * scale : 1;
    file_bytes all;
    size_t i;
    (void)l;
    all.size = count * one.size;
    all.bytes = (uint8_t *)need(all.size);
    for (i = 0; i < count; i++) memcpy(all.bytes + i * one.size, one.bytes, one.size);
    free(one.bytes);
    return bytes_join(all, gzip_stored(bytes_text(table_text), 0));
}

static file_bytes zeros_behind(const lie *l, int lies, size_t scale)
{
    file_bytes f = gzip_stored(bytes_text(table_text), 0);
    (void)l;
    return lies ? bytes_join(f, idx_hex("", 1000000 * scale)) : f;
}

/* A file name in the header, whose end is not there. */
static file_bytes name_without_end(const lie *l, int lies, size_t scale)
{
    const char *head = "1f8b 08 08 00000000 00 03";
    file_bytes name = text_again("", "n", 250000 * scale, ""), f;
    (void)l;
    f = gzip_stored(bytes_text(table_text), 0);
    memmove(f.bytes, f.bytes + 10, f.size -= 10);
    if (!lies) f = bytes_join(bytes_copy("", 1), f);
    else f.size = 0;
    return bytes_join(bytes_join(bytes_hex(head), name), f);
}

/* Some bytes in a stored block, the last of them 258 * matches times more in two bits for each
 * match, which is deflate's best. */
static file_bytes bomb(file_bytes first, size_t matches)
{
    static bit_writer w;
    const unsigned size = (unsigned)first.size;
    const char last[2] = {(char)first.bytes[size - 1], 0};
    file_bytes all, f;
    size_t i;
    memset(&w, 0, sizeof w);
    put_bits(&w, 0, 8), put_bits(&w, size, 16), put_bits(&w, ~size & 0xffff, 16);
    for (i = 0; i < first.size; i++) put_bits(&w, first.bytes[i], 8);
    put_bits(&w, 5, 3);                                           /* dynamic, the last block: */
    put_bits(&w, 29, 5), put_bits(&w, 0, 5);                      /* 286 symbols, one distance; */
    put_bits(&w, 14, 4);                                          /* 18 lengths for their code: */
    put_bits(&w, 1 << 6, 9), put_bits(&w, 0, 42);                 /* 18 has one bit, */
    put_bits(&w, 1, 3);                                           /* 1 has one bit; */
    put_bits(&w, 1 | 127 << 1, 8), put_bits(&w, 1 | 107 << 1, 8); /* no literals; */
    put_bits(&w, 0, 1);                                           /* the end has one bit; */
    put_bits(&w, 1 | 17 << 1, 8), put_bits(&w, 0, 1);             /* so has the match of 258, */
    put_bits(&w, 0, 1);                                           /* so has the distance of 1 */
    for (i = 0; i < matches; i++) put_bits(&w, 1, 2);
    put_bits(&w, 0, 1);
    all = matches > 10000 ? bytes_text("") /* refused before the checksum */
                          : text_again("", *last ? last : "?", 258 * matches, "");
    if (!*last && all.size) memset(all.bytes, 0, all.size);
    all = bytes_join(first, all);
    f = gzip_of(bytes_copy(w.bytes, (w.bits + 7) / 8), crc_of(all), size + 258 * (uint32_t)matches);
    free(all.bytes);
    return f;
}

static file_bytes bomb_of_lines(const lie *l, int lies, size_t scale)
{
    (void)l, (void)scale;
    return bomb(bytes_text(table_text), lies ? 260000 : 1000);
}

static file_bytes bomb_of_records(const lie *l, int lies, size_t scale)
{
    (void)l, (void)scale;
    return bomb(text_again("", "\1", 28, ""), lies ? 155000 : 119);
}

/* Of a header in hexadecimal digits, of which the honest twin is one too. */
static file_bytes bomb_of_pixels(const lie *l, int lies, size_t scale)
{
    (void)scale;
    return bomb(idx_hex(lies ? l->to : l->from, 0), (size_t)l->number);
}

static file_bytes packed_part(const lie *l, int lies, size_t scale)
{
    file_bytes f = cifar_file(0, 2);
    (void)l, (void)scale;
    f.size -= (size_t)lies;
    return gzip_stored(f, 0);
}

static const lie packed_tables[] = {
    MADE("a first byte that is not 1f", gzip_frame, FLIPPED(0, 1)),
    MADE("a method that there is not", gzip_frame, FLIPPED(2, 15)),
    MADE("flags that there are not", gzip_frame, FLIPPED(3, 0xe0)),
    MADE("a checksum of the header that is none", gzip_frame, FLIPPED(3, 2)),
    MADE("an extra field longer than the file", gzip_frame, FLIPPED(3, 4)),
    BIG("a file name without an end", name_without_end, 0, 0),
    MADE("another checksum", gzip_frame, FLIPPED(-8, 1)),
    MADE("a length of 4 GB", gzip_frame, FLIPPED(-1, 255)),
    MADE("the last byte is not there", gzip_cut, 0),
    {"something else behind it", NULL, "0000 7f", gzip_behind, 0, 0, 0, 0, 0},
    {"half a member behind it", NULL, "1f8b 08", gzip_behind, 0, 0, 0, 0, 0},
    MADE("a gzip file in a gzip file", gzip_nested, 0),
    STREAM("a block of a type that there is not", "07"),
    STREAM("a stored block's length that is not its complement", "01 0500 faf0"),
    STREAM("a stored block longer than the file", "01 ffff 0000 31"),
    STREAM("a distance to before the beginning", "03 02 00 00 00 00"),
    STREAM("a distance that there is not", "03 3e 00 00 00 00"),
    STREAM("a length that there is not", "1b 03 00 00"),
    STREAM("a code of more symbols than there are", "f5 1d 00 00"),
    STREAM("a code with two meanings", "05 00 92 04"),
    STREAM("a length again, before the first", "05 00 02 24 00"),
    STREAM("more lengths of codes than are said", "05 00 80 e4 ff 1f"),
    BIG("200,000 empty stored blocks", empty_stored_blocks, 1, 0),
    BIG("1,600,000 empty fixed blocks", empty_fixed_blocks, 1, 0),
    BIG("48,000 empty members", empty_members, 1, 0),
    BIG("4,000,000 zeros behind it", zeros_behind, 1, 0),
    {"a bomb: 67 MB of line ends", NULL, NULL, bomb_of_lines, 0, 0, 0, 0, 67080012},
};

static const lie packed_batches[] = {
    MADE("a record of one byte less", packed_part, 0),
    {"a bomb: 40 MB of records", NULL, NULL, bomb_of_records, 0, 0, 0, 0, 39990028},
};

/* The honest twin says and holds 1500 pixels times 258. */
#define PIXELS_AS_SAID "00000803 000005dc 00000001 00000102"

static const lie packed_images[] = {
    BOMB("a byte more than is said", PIXELS_AS_SAID " 00", 0),
    BOMB("less than is said", "00000803 000005dc 00000001 00000103", 0),
    BOMB("387,000 bytes more than are said", "00000803 00000002 00000003 00000004", 0),
    BOMB("a million bytes said, 387,016 there", "00000803 000003e8 000003e8 00000001", 0),
    BOMB("2^32 bytes said", "00000803 00001000 00001000 00000100", 0),
    BOMB("1,000 times its size, as is said", PIXELS_AS_SAID, 1),
};

/* ---- CSV ---- */

static file_bytes honest_table(const lie *l)
{
    return l->make ? own_file(l, 0) : bytes_text(l->from);
}

static file_bytes hostile_table(const lie *l)
{
    return l->make ? own_file(l, 1) : bytes_text(l->to);
}

static file_bytes zero_byte(const lie *l, int lies, size_t scale)
{
    file_bytes f = bytes_text(table_text);
    (void)l, (void)scale;
    if (lies) f.bytes[2] = 0;
    return f;
}

static file_bytes many_columns(const lie *l, int lies, size_t scale)
{
    const size_t columns = l->big ? 100000 * scale : 1000000;
    return text_again("", "1,", lies ? columns - 1 : 2, "1\n");
}

static file_bytes too_many_columns(const lie *l, int lies, size_t scale)
{
    (void)l, (void)scale;
    return text_again("", "1,", (size_t)FNNI_MAX_DIMENSION - 1 + (size_t)lies, "1\n");
}

/* A number of so many digits; one of zeros is a small one. */
static file_bytes long_number(const lie *l, int lies, size_t scale)
{
    (void)l;
    return text_again("1,", lies ? "7" : "0", 2500000 * scale, ",0\n3,4,1\n");
}

static file_bytes long_word(const lie *l, int lies, size_t scale)
{
    const int names = l->way == AS_NAMES;
    return text_again("1,2,", names || lies ? "w" : "0", lies ? 2500000 * scale : 1,
                      names ? "\n3,4,v\n" : "\n3,4,1\n");
}

static file_bytes open_quote(const lie *l, int lies, size_t scale)
{
    (void)l;
    return text_again(lies ? "1,\"2,0\n" : "1,\"2\",0\n", "3,4,1\n", 100000 * scale, "");
}

static file_bytes only_quotes(const lie *l, int lies, size_t scale)
{
    (void)l;
    return text_again("1,2,", lies ? "\"\"" : "w", lies ? 500000 * scale : 1, "\n3,4,v\n");
}

static file_bytes blank_lines(const lie *l, int lies, size_t scale)
{
    (void)l;
    return text_again(table_text, "\r\n", lies ? 500000 * scale : 1, "");
}

/* A name for each line. */
static file_bytes many_names(size_t count, const char *line)
{
    file_bytes f = bytes_text("");
    size_t i;
    f.bytes = (uint8_t *)realloc(f.bytes, 20 * count + 1);
    for (i = 0; i < count; i++) f.size += (size_t)sprintf((char *)f.bytes + f.size, line, (int)i);
    return f;
}

static file_bytes many_classes(const lie *l, int lies, size_t scale)
{
    (void)l, (void)scale;
    return many_names((size_t)FNNI_MAX_CLASSES + (size_t)lies, "1,c%d\n");
}

/* Down the alphabet, so that sorting has something to do. */
static file_bytes many_categories(const lie *l, int lies, size_t scale)
{
    (void)l;
    return lies ? many_names(10000 * scale, "c%d,2,0\n") : many_names(256, "c%d,2,0\n");
}

static const lie tables[] = {
    READ("nothing at all", table_text, "", 0, AS_CLASSES),
    READ("nothing but line ends", table_text, "\r\n\n\r", 0, AS_CLASSES),
    READ("a line of one field less", table_text, "1,2,0\n3,4\n", 0, AS_CLASSES),
    READ("a line of one field more", table_text, "1,2,0\n3,4,1,1\n", 0, AS_CLASSES),
    READ("one column", table_text, "1\n2\n", 0, AS_CLASSES),
    READ("a header that is not asked for", table_text, "a,b,c\n1,2,0\n", 0, AS_CLASSES),
    MADE("a zero byte", zero_byte, 0),
    READ("text in UTF-16", table_text,
         "\xff\xfe"
         "1,2,0\n",
         0, AS_CLASSES),
    READ("a number that is no UTF-8", table_text, "1,\xff\xc0\x80,0\n", 0, AS_CLASSES),
    READ("a number that clears the screen", table_text, "1,\x1b[2J,0\n", 0, AS_CLASSES),
    READ("a number that turns the line round", table_text,
         "1,\xe2\x80\xae"
         "2,0\n",
         0, AS_CLASSES),
    READ("a number that is empty", table_text, "1,,0\n", 0, AS_CLASSES),
    READ("inf", table_text, "1,inf,0\n", 0, AS_CLASSES),
    READ("nan", table_text, "1,nan,0\n", 0, AS_CLASSES),
    READ("nan(7)", table_text, "1,-nan(7),0\n", 0, AS_CLASSES),
    READ("1e999", table_text, "1,1e999,0\n", 0, AS_CLASSES),
    READ("-1e999", table_text, "1,-1e999,0\n", 0, AS_CLASSES),
    READ("1e99999999999999999999", table_text, "1,1e99999999999999999999,0\n", 0, AS_CLASSES),
    READ("1e-99999999999999999999, that is 0", table_text, "1,1e-99999999999999999999,0\n", 1,
         AS_CLASSES),
    READ("0x1p3", table_text, "1,0x1p3,0\n", 0, AS_CLASSES),
    READ("1e", table_text, "1,1e,0\n", 0, AS_CLASSES),
    READ("1.2.3", table_text, "1,1.2.3,0\n", 0, AS_CLASSES),
    READ("a decimal comma in quotes", table_text, "1,\"2,5\",0\n", 0, AS_CLASSES),
    READ("256 where bytes are asked for", table_text, "1,256,0\n", 0, AS_BYTES),
    READ("-1 where bytes are asked for", table_text, "1,-1,0\n", 0, AS_BYTES),
    READ("a class of 65536", table_text, "1,2,65536\n", 0, AS_CLASSES),
    READ("a class of -1", table_text, "1,2,-1\n", 0, AS_CLASSES),
    READ("a class of 1.5", table_text, "1,2,1.5\n", 0, AS_CLASSES),
    READ("a class of nan", table_text, "1,2,nan\n", 0, AS_CLASSES),
    READ("a class of 2^64 + 1", table_text, "1,2,18446744073709551617\n", 0, AS_CLASSES),
    READ("a target of 1e999", table_text, "1,2,1e999\n", 0, AS_TARGETS),
    READ("a target of nan", table_text, "1,2,nan\n", 0, AS_TARGETS),
    READ("a class without a name", "1,2,a\n", "1,2,\n", 0, AS_NAMES),
    READ("a class whose name is no UTF-8", "1,2,a\n", "1,2,\xff\n", 1, AS_NAMES),
    READ("a quote without an end", "1,\"2\",0\n", "1,\"2,0\n", 0, AS_CLASSES),
    READ("something behind a quote", "1,\"2\",0\n", "1,\"2\"3,0\n", 0, AS_CLASSES),
    READ("a separator that is a quote", "sep=;\n1;2;0\n", "sep=\"\n1\"2\"0\n", 0, AS_CLASSES),
    READ("line ends of a carriage return alone", table_text, "1,2,0\r3,4,1\r", 1, AS_CLASSES),
    READ("a byte order mark", table_text,
         "\xef\xbb\xbf"
         "1,2,0\n3,4,1\n",
         1, AS_CLASSES),
    MADE("1,048,577 columns", too_many_columns, 0),
    {"1,000,000 columns", NULL, NULL, many_columns, 0, 1, 0, WITHOUT_LABEL, 0},
    BIG("400,000 columns", many_columns, 1, WITHOUT_LABEL),
    BIG("a number of 10,000,000 digits", long_number, 0, 0),
    BIG("a class of 10,000,000 letters", long_word, 0, 0),
    BIG("a class name of 10,000,000 letters", long_word, 1, AS_NAMES),
    BIG("a class name of 4,000,000 quotes", only_quotes, 1, AS_NAMES),
    BIG("a quote without an end before 400,000 lines", open_quote, 0, 0),
    BIG("2,000,000 empty lines", blank_lines, 1, 0),
    {"65,537 class names", NULL, NULL, many_classes, 0, 0, 0, AS_NAMES, 0},
    BIG("40,000 categories", many_categories, 0, AS_TEXT),
};

/* ---- what must hold ---- */

static file_bytes honest_batch(const lie *l)
{
    return own_file(l, 0);
}

static file_bytes hostile_batch(const lie *l)
{
    return own_file(l, 1);
}

enum { FIXED = 16384, LAYER = 839 }; /* 8 MiB for 10,000 layers */

#define LIES(list) list, COUNT(list)
static const format formats[] = {
    {"Models", "net.safetensors", read_model, honest_model, hostile_model, LIES(models), 3, LAYER,
     0},
    {"Checkpoints, gone on with", "run.checkpoint", read_checkpoint, honest_checkpoint,
     hostile_checkpoint, LIES(checkpoints), 3, LAYER, 0},
    {"Weights of PyTorch", "weights.safetensors", read_weights, honest_weights, hostile_weights,
     LIES(weights), 64, 0, 0},
    {"Images, IDX", "train-images", read_images, honest_images, hostile_idx, LIES(images), 64, 0,
     0},
    {"Images, IDX of doubles", "train-doubles", read_images, honest_images, hostile_idx,
     LIES(doubles), 64, 0, 0},
    {"Labels, IDX", "train-labels", read_labels, honest_labels, hostile_idx, LIES(labels_of_images),
     64, 0, 0},
    {"Images, IDX in gzip", "train-images.gz", read_images, honest_images, hostile_idx,
     LIES(packed_images), 64, 0, (size_t)1 << 20},
    {"CIFAR-10", "batch.bin", read_cifar, honest_batch, hostile_batch, LIES(batches), 3, 0, 0},
    {"CIFAR-10 in gzip", "batch.bin.gz", read_cifar, honest_batch, hostile_batch,
     LIES(packed_batches), 64, 0, 10000 * (size_t)RECORD},
    {"CSV", "table.csv", read_csv, honest_table, hostile_table, LIES(tables), 64, 0, 0},
    {"CSV in gzip", "table.csv.gz", read_csv, honest_gzip, hostile_stream, LIES(packed_tables), 64,
     0, (size_t)1 << 24},
};

static void read_file(const format *f, const lie *l, file_bytes bytes, outcome *o)
{
    const char *path = write_file(f->name, bytes);
    memset(o, 0, sizeof *o);
    budget_open(&memory);
    f->read(path, l, o);
    if (!o->most) o->most = memory.most > memory.largest ? memory.most : memory.largest;
    o->live = memory.live;
    remove(path);
}

/* The most memory that a file may take. */
static size_t most_of(const format *f, const lie *l, file_bytes bytes)
{
    size_t layers = 1, i;
    for (i = 0; f->layer && i < bytes.size && layers < FNNI_MAX_LAYERS; i++)
        layers += bytes.bytes[i] == ';';
    return FIXED + f->each * bytes.size + f->layer * layers +
           3 * (l->holds < f->unpacks ? l->holds : f->unpacks);
}

/* The message, from the file's name on. */
static const char *said(const format *f, const outcome *o)
{
    const char *from = strstr(o->error.message, f->name);
    return from ? from : o->error.message;
}

/* Whether a terminal shows a text as it is, by a rule of the test's own: characters of UTF-8, each
 * in its shortest form, and none of the ranges that are obeyed rather than seen. */
static int shows_only(const char *text)
{
    static const uint32_t obeyed[][2] = {
        {0, 0x1F},          {0x7F, 0x9F},           {0x61C, 0x61C},   {0x200B, 0x200F},
        {0x2028, 0x202E},   {0x2060, 0x206F},       {0xD800, 0xDFFF}, {0xFEFF, 0xFEFF},
        {0xE0000, 0xE007F}, {0x110000, 0xFFFFFFFF},
    };
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)text;
    while (*p) {
        const int bytes = *p < 0x80       ? 1
                          : *p / 32 == 6  ? 2
                          : *p / 16 == 14 ? 3
                          : *p / 8 == 30  ? 4
                                          : 0;
        uint32_t code = bytes == 1 ? *p : *p % (128u >> bytes);
        int i;
        if (!bytes) return 0;
        for (i = 1; i < bytes; i++) {
            if (p[i] / 64 != 2) return 0; /* also the text's end */
            code = 64 * code + p[i] % 64;
        }
        if (code < least[bytes]) return 0;
        for (i = 0; i < (int)(sizeof obeyed / sizeof *obeyed); i++)
            if (code >= obeyed[i][0] && code <= obeyed[i][1]) return 0;
        p += bytes;
    }
    return 1;
}

/* What is wrong with a refusal's words, or NULL. */
static const char *wrong_words(const outcome *o)
{
    const char *text = o->error.message, *expected = strstr(text, "expected ");
    if (!expected || !strstr(expected, "found ")) return "does not say what it expected and found";
    return shows_only(text) ? NULL : "says what a terminal obeys";
}

/* What is wrong with how a file and its honest twin were read, or NULL. */
static const char *fault_of(const format *f, const lie *l, file_bytes bytes, const outcome *o,
                            const outcome *twin)
{
    if (twin->result) return "its honest twin does not load";
    if (o->live || twin->live) return "loses memory";
    if (o->most > most_of(f, l, bytes)) return "takes more memory than its bytes explain";
    if (l->loads) return o->result ? "is refused" : NULL;
    if (!o->result) return "loads";
    if (o->error.code != o->result) return "is refused with another error";
    if (o->result == FNN_ERROR_MEMORY) return "is not refused for what it says";
    return wrong_words(o);
}

/* Reads a file and its twin; what is wrong, or NULL. */
static const char *fault(const format *f, const lie *l, outcome *o, size_t *size)
{
    const file_bytes honest = f->honest(l), bytes = f->hostile(l);
    const char *wrong;
    outcome twin;
    read_file(f, l, honest, &twin);
    read_file(f, l, bytes, o);
    wrong = fault_of(f, l, bytes, o, &twin);
    if (wrong && twin.result) o->error = twin.error;
    *size = bytes.size;
    free(honest.bytes);
    free(bytes.bytes);
    return wrong;
}

/* ---- the table ---- */

/* A text in lines of at most 96 characters, cut at blanks. */
static void tell_lines(const char *text)
{
    while (*text) {
        size_t n = strlen(text);
        if (n > 96)
            for (n = 96; n > 1 && text[n] != ' ';) n--;
        tell("    %.*s\n", (int)n, text);
        text += n;
        while (*text == ' ') text++;
    }
}

static void tell_row(const format *f, const lie *l, const outcome *o, size_t size,
                     const char *wrong)
{
    tell("%-64s%12lu%12lu  %s\n", l->what, (unsigned long)size, (unsigned long)o->most,
         wrong ? "FAIL" : "pass");
    if (o->result) tell_lines(said(f, o));
    else tell("    loads: %s\n", o->found);
}

/* Tries every file, once, and makes the table of it. */
static void try_all(void)
{
    static int tried;
    size_t k;
    if (tried++) return;
    tell(
        "What becomes of hostile files in tests/test_hostile.c, which wrote this with --table: "
        "the\n"
        "file and what is wrong with it, its bytes, the most memory that the library asked for to\n"
        "read it, whether all is as it should be; the message as a user sees it. The honest twin\n"
        "of each, without that fault, loads. #18674 and such are faults published of llama.cpp's\n"
        "loader of GGUF files, by their numbers there, as they come to these formats.\n");
    for (k = 0; k < COUNT(formats); k++) {
        const format *f = formats + k;
        int i;
        tell("\n%-64s%12s%12s\n", f->title, "bytes", "memory");
        for (i = 0; i < f->count; i++) {
            outcome o;
            size_t size;
            const char *wrong = fault(f, f->lies + i, &o, &size);
            CHECKF(!wrong, "%s: %s: %s: %s", f->title, f->lies[i].what, wrong,
                   o.result ? o.error.message : o.found);
            tell_row(f, f->lies + i, &o, size, wrong);
        }
    }
}

static void every_file_is_refused_or_harmless(void)
{
    try_all();
}

static void the_table_is_current(void)
{
    if (sizeof(void *) < 8 || FLT_EVAL_METHOD != 0) {
        SKIP("other sizes or last bits here");
        return;
    }
    try_all();
    CHECKF(told_is("tests/hostile.txt", 1), "anew: test_hostile --table >tests/hostile.txt");
    told[told_length / 2]++; /* the control */
    CHECK(!told_is("tests/hostile.txt", 0));
    told[told_length / 2]--;
}

/* ---- time ---- */

/* Of the processor: the program's own, and with what the system took for it. */
typedef struct {
    double user, all;
} seconds;

static seconds seconds_now(void)
{
    struct rusage used;
    seconds s;
    getrusage(RUSAGE_SELF, &used);
    s.user = (double)used.ru_utime.tv_sec + 1e-6 * (double)used.ru_utime.tv_usec;
    s.all = s.user + (double)used.ru_stime.tv_sec + 1e-6 * (double)used.ru_stime.tv_usec;
    return s;
}

/* What a byte may take: a microsecond, as RESOURCES in the header promises. Most take a
 * hundredth. */
#define MOST_FOR_A_BYTE 1e-6

/* To read a file of that scale, in the mean: the clock may count in steps of some milliseconds.
 * *each: for a byte of it, with what the system takes. */
static double seconds_of(const format *f, const lie *l, size_t scale, int times, double *each)
{
    const file_bytes bytes = l->make(l, 1, scale);
    const seconds before = seconds_now();
    seconds after;
    outcome o;
    int i;
    for (i = 0; i < times; i++) read_file(f, l, bytes, &o);
    after = seconds_now();
    *each = (after.all - before.all) / times / (double)bytes.size;
    free(bytes.bytes);
    return (after.user - before.user) / times;
}

static const char too_steep[] = "four times the bytes take eight times as long",
                  too_slow[] = "a byte takes more than a microsecond";

/* What is wrong with the time that a file takes, or NULL: four times the bytes must take less than
 * eight times as long, or next to nothing, and each byte what is promised of it. Where other
 * programs disturb the clock, the second or third try may do. */
static const char *fault_of_time(const format *f, const lie *l)
{
    const char *wrong = too_steep;
    int tries;
    for (tries = 0; tries < 3 && wrong; tries++) {
        double each;
        const double one = seconds_of(f, l, 1, 8, &each), four = seconds_of(f, l, 4, 2, &each);
        wrong = four >= 8 * (one > .01 ? one : .01) ? too_steep
                : each >= MOST_FOR_A_BYTE           ? too_slow
                                                    : NULL;
    }
    return wrong;
}

static void time_grows_as_the_bytes_do(void)
{
    size_t k;
    int i;
    if (QUICK()) {
        SKIP("seconds of sanitizers and emulators are not the library's");
        return;
    }
    for (k = 0; k < COUNT(formats); k++)
        for (i = 0; i < formats[k].count; i++)
            if (formats[k].lies[i].big) {
                const char *wrong = fault_of_time(formats + k, formats[k].lies + i);
                CHECKF(!wrong, "%s: %s: %s", formats[k].title, formats[k].lies[i].what, wrong);
            }
}

/* ---- the checks, checked: readers that go wrong in each way are noticed ---- */

static void read_anything(const char *path, const lie *l, outcome *o)
{
    (void)path, (void)l;
    o->result = FNN_OK;
}

static void read_nothing(const char *path, const lie *l, outcome *o)
{
    (void)l;
    o->result = fnni_fail(&o->error, FNN_ERROR_FORMAT, "%s: expected another, found this", path);
}

/* Takes the memory that the header speaks of before it looks whether the bytes are there. */
static void read_believing(const char *path, const lie *l, outcome *o)
{
    const file_bytes f = bytes_of(path);
    const size_t rows = fnni_big_endian_32(f.bytes + 8), columns = fnni_big_endian_32(f.bytes + 12);
    void *pixels_of_it = counted_allocate(rows * columns);
    read_images(path, l, o);
    counted_release(pixels_of_it);
    free(f.bytes);
}

static void read_keeping(const char *path, const lie *l, outcome *o)
{
    static void *kept;
    read_images(path, l, o);
    free(kept);
    kept = malloc(1);
    memory.live++;
}

static void read_mute(const char *path, const lie *l, outcome *o)
{
    read_images(path, l, o);
    if (o->result) fnni_fail(&o->error, o->result, "%s: not an IDX file", path);
}

static void read_raw(const char *path, const lie *l, outcome *o)
{
    read_images(path, l, o);
    if (o->result) strcat(o->error.message, "\x1b[2J");
}

/* Compares some of the bytes with one another. */
static void read_slowly(const char *path, const lie *l, outcome *o)
{
    FILE *stream = fopen(path, "rb");
    static uint8_t bytes[1 << 22];
    const size_t size = stream ? fread(bytes, 1, sizeof bytes, stream) : 0;
    volatile int same = 0;
    size_t i, j;
    if (stream) fclose(stream);
    (void)l;
    for (i = 0; i < size; i += 160)
        for (j = 0; j < i; j += 160) same += bytes[i] == bytes[j];
    o->result = same < 0 ? FNN_ERROR_FILE : FNN_OK;
}

static file_bytes some_zeros(const lie *l, int lies, size_t scale)
{
    (void)l, (void)lies;
    return text_again("", "0", 2000 * scale, "");
}

/* Takes twice what a byte may take, for each of them: its time is in proportion to the file. By the
 * clock that it is measured with, so that this holds on any machine. */
static void read_dearly(const char *path, const lie *l, outcome *o)
{
    const file_bytes f = bytes_of(path);
    const double until = seconds_now().user + 2 * MOST_FOR_A_BYTE * (double)f.size;
    volatile int turns = 0;
    (void)l;
    free(f.bytes);
    while (seconds_now().user < until)
        for (turns = 0; turns < 1000;) turns++;
    o->result = FNN_OK;
}

static void broken_readers_are_noticed(void)
{
    static const struct {
        reader read;
        const char *fault;
    } rows[] = {{read_images, NULL},
                {read_anything, "loads"},
                {read_nothing, "its honest twin does not load"},
                {read_believing, "takes more memory than its bytes explain"},
                {read_keeping, "loses memory"},
                {read_mute, "does not say what it expected and found"},
                {read_raw, "says what a terminal obeys"}};
    const lie big = IDX("2^16 times 2^16", "00000803 00000002 00008000 00010000", 24);
    const lie slow = BIG("zeros", zeros_behind, 1, 0), dear = BIG("zeros", some_zeros, 1, 0);
    const lie harmless = {"the twin", NULL, "00000803 00000002 00000003 00000005", NULL, 30, 1, 0,
                          0,          0};
    format f = {"broken", "images", NULL, honest_images, hostile_idx, &big, 1, 64, 0, 0};
    const char *found;
    outcome o;
    size_t size;
    int i;
    for (i = 0; i < COUNT(rows); i++) {
        f.read = rows[i].read;
        found = fault(&f, &big, &o, &size);
        CHECKF(found == rows[i].fault || (found && rows[i].fault && !strcmp(found, rows[i].fault)),
               "%d: expected %s, found %s", i, rows[i].fault ? rows[i].fault : "nothing",
               found ? found : "nothing");
    }
    f.read = read_images;
    CHECK(!fault(&f, &harmless, &o, &size));
    f.read = read_slowly;
    CHECK(fault_of_time(&f, &slow) == too_steep);
    f.read = read_dearly;
    CHECK(fault_of_time(&f, &dear) == too_slow);
}

static const harness_test tests[] = {
    TEST(every_file_is_refused_or_harmless),
    TEST(the_table_is_current),
    TEST(time_grows_as_the_bytes_do),
    TEST(broken_readers_are_noticed),
};

int main(int argc, char **argv)
{
    budget_open(&memory);
    if (argc < 2 || strcmp(argv[1], "--table") != 0)
        return harness_main(tests, COUNT(tests), argc, argv);
    try_all();
    fputs(told, stdout);
    return harness_wrong != 0;
}
