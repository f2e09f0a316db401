/* What the fuzz targets begin with: small files of each format and kind, and such with a fault
 * each, so that the fuzzer need not find the words of every check. Behind a file stand the numbers
 * that its target takes off the input's end, the last one first. */
#ifndef SEEDS_H
#define SEEDS_H
#include "fuzz.h"
#include "networks.h"

enum { SEEDS = 1000 };

static struct {
    const char *target;
    file_bytes input;
} seeds[SEEDS];
static int seeds_count;

/* numbers (count): in the order in which the target takes them. */
static void seed(const char *target, file_bytes f, const uint8_t *numbers, int count)
{
    file_bytes all;
    int i;
    all.size = f.size + (size_t)count;
    all.bytes = (uint8_t *)need(all.size);
    memcpy(all.bytes, f.bytes, f.size);
    for (i = 0; i < count; i++) all.bytes[all.size - 1 - (size_t)i] = numbers[i];
    FUZZ_CHECK(seeds_count < SEEDS, "more than %d seeds", SEEDS);
    seeds[seeds_count].target = target;
    seeds[seeds_count++].input = all;
    free(f.bytes);
}

/* A text of the input with another in its place. */
typedef struct {
    const char *from, *to;
} seed_edit;

/* The input with the first `from` of its text as `to`. */
static file_bytes seed_edited(file_bytes f, const char *from, const char *to)
{
    const size_t n = strlen(from);
    size_t at = 0;
    file_bytes head, tail;
    while (at + n <= f.size && memcmp(f.bytes + at, from, n)) at++;
    FUZZ_CHECK(at + n <= f.size, "no %s in a seed", from);
    head = bytes_join(bytes_copy(f.bytes, at), bytes_text(to));
    tail = bytes_copy(f.bytes + at + n, f.size - at - n);
    return bytes_join(head, tail);
}

/* A seed of each edit. */
static void seed_edits(const char *target, file_bytes f, const seed_edit *edits, int count,
                       const uint8_t *numbers, int number_count)
{
    int i;
    for (i = 0; i < count; i++)
        seed(target, seed_edited(f, edits[i].from, edits[i].to), numbers, number_count);
}

/* A seed for each of the first requests for memory, which fails; number 1 is the one that says so
 * in all targets that have it. */
static void seed_without_memory(const char *target, file_bytes f, const uint8_t *numbers, int count,
                                int place)
{
    uint8_t changed[20];
    int i;
    memcpy(changed, numbers, (size_t)count);
    for (i = 0; i < 20; i++) {
        changed[place] = (uint8_t)(192 + i);
        seed(target, bytes_copy(f.bytes, f.size), changed, count);
    }
}

/* ---- data ---- */

/* Three images with labels of that type, `count` of `element` bytes: refused, each for a reason of
 * its own, where the labels are no such numbers. */
static void seed_idx_labels(uint8_t type, uint32_t count, uint32_t element, uint8_t flags)
{
    const uint8_t numbers[4] = {flags, 0, 16 + 3, 0};
    file_bytes labels = idx_file(1, count * element, 0, 0, 0, 256);
    labels.bytes[2] = type;
    labels.bytes[7] = (uint8_t)count;
    seed("idx", bytes_join(idx_file(3, 3, 1, 1, 0, 10), labels), numbers, 4);
}

static void seed_idx(void)
{
    static const uint8_t types[] = {8, 9, 11, 12, 13, 14}, sizes[] = {1, 1, 2, 4, 4, 8};
    int type, flags;
    for (type = 0; type < 6; type++)
        for (flags = 0; flags < 8; flags++) {
            const int pictures = 4 + 4 * (1 + flags % 4) + 6 * sizes[type];
            uint8_t numbers[4] = {0};
            file_bytes f = idx_file(1 + flags % 4, flags % 4 ? 3 : 6, flags % 4 == 1 ? 2 : 1,
                                    flags % 4 == 2 ? 2 : 1, 2, 10);
            file_bytes more = bytes_copy("\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7"
                                         "\1\2\3\4\5\6\7\1\2\3\4\5\6\7",
                                         6 * (size_t)(sizes[type] - 1));
            f = bytes_join(f, more);
            f.bytes[2] = types[type];
            numbers[0] = (uint8_t)flags;
            numbers[2] = (uint8_t)pictures;
            if (flags & 1) f = bytes_join(f, idx_file(1, flags % 4 ? 3 : 6, 0, 0, 0, 3));
            seed("idx", f, numbers, 4);
        }
    seed_idx_labels(8, 4, 1, 1);
    seed_idx_labels(13, 3, 4, 1);
    seed_idx_labels(12, 3, 4, 1);
    seed_idx_labels(12, 3, 4, 5);
    for (flags = 0; flags < 4; flags += 2) {
        const uint8_t numbers[4] = {(uint8_t)flags, 0, 0, 0};
        seed("idx", gzip_and_free(idx_file(3, 10, 3, 2, 0, 256), 9), numbers, 4);
    }
}

static void seed_idx_faults(void)
{
    static const uint8_t none[4] = {0, 0, 0, 0}, labels[4] = {5, 0, 16 + 3, 0};
    file_bytes f = idx_file(3, 10, 3, 2, 0, 256), both;
    seed("idx", bytes_copy(f.bytes, 12), none, 4);
    seed("idx", bytes_copy(f.bytes, f.size - 1), none, 4);
    seed("idx", bytes_join(gzip(f, 9), bytes_text("x")), none, 4);
    f.bytes[15] = 1; /* columns: what is packed is more than is said */
    seed("idx", gzip_and_free(f, 9), none, 4);
    both = bytes_join(idx_file(3, 3, 1, 1, 0, 10), idx_file(1, 3, 0, 0, 0, 3));
    seed_without_memory("idx", both, labels, 4, 1);
    both.bytes[19 + 2] = 13, both.bytes[19 + 7] = 3; /* floats */
    seed("idx", bytes_join(both, bytes_copy("\0\0\0\0\0\0\0\0\0", 9)), labels, 4);
    both = bytes_join(idx_file(3, 3, 1, 1, 0, 10), idx_file(1, 2, 0, 0, 0, 2));
    seed("idx", both, labels, 4);
}

#if HAVE_ZLIB
/* Numbers of which each is half as frequent as the one before: codes of all lengths, of literals
 * or, where these are random bytes said again from so far behind, of distances. */
static void seed_gzip_codes(int distances, int strategy)
{
    gz_header header;
    file_bytes f;
    size_t i = 0;
    f.size = distances ? 60000 : 20000;
    f.bytes = (uint8_t *)need(f.size);
    memset(&header, 0, sizeof header);
    header.hcrc = 1; /* a checksum of the header, too */
    header.name = (Bytef *)(uintptr_t) "name";
    while (i < f.size) {
        int k = 0;
        size_t back, n;
        while (k < 14 && random_below(2)) k++;
        back = (size_t)1 << (14 - k);
        if (!distances || back > i)
            f.bytes[i++] = (uint8_t)(distances ? random_bits() : (unsigned)k);
        else
            for (n = 0; n < 250 && i < f.size; n++, i++) f.bytes[i] = f.bytes[i - back];
    }
    seed("gzip", gzip_with(f, 9, strategy, 31, &header), NULL, 0);
    free(f.bytes);
}
#endif

static void seed_gzip(void)
{
    int kind, level;
    for (kind = 0; kind < 3; kind++)
        for (level = 0; level < 10; level += 3) {
            file_bytes f;
            size_t i;
            f.size = kind ? 700 : 0;
            f.bytes = (uint8_t *)need(f.size);
            for (i = 0; i < f.size; i++)
                f.bytes[i] = (uint8_t)(kind == 1 ? random_bits() : i % 7 * (i / 300));
            f = gzip_and_free(f, level);
            seed("gzip", bytes_copy(f.bytes + 10, f.size - 18), NULL, 0);
            if (level == 3) f = bytes_join(f, gzip_and_free(bytes_text("second"), 1));
            seed("gzip", f, NULL, 0);
        }
#if HAVE_ZLIB
    seed_gzip_codes(0, Z_HUFFMAN_ONLY);
    seed_gzip_codes(1, Z_DEFAULT_STRATEGY);
#endif
}

/* How many of the numbers csv.c takes: what it does not take would be the table's end. */
static int seed_csv_count(const uint8_t *numbers)
{
    const int more = numbers[2];
    int n = 4 + (more >> 5 & 1) + (more >> 6 & 1);
    if (more >> 7) n += 3 + (numbers[n + 2] % 4 != 0) + 1 + 6;
    return n;
}

/* allowed, flags, more, separator; others; label column; columns, categories, height, width, those
 * skipped, of two columns name, number and role (csv.c). */
#define SEED_CSV(...)  \
    {                  \
        0, __VA_ARGS__ \
    }
static const struct {
    const char *text;
    uint8_t numbers[20];
} seed_tables[] = {
    {"1,2,0\n3,4,1\n5.5e-1,-6,2\n", SEED_CSV(1)},
    {"1;2;cat\r\n3;4;\"d\"\"og\"\r\n", SEED_CSV(2, 0, 1)},
    {"a,b,c\n1,2,0\n3,4,7\n", SEED_CSV(5, 1)},
    {"1 2  3\n4 5 6\n\n", SEED_CSV(9, 0, 3)},
    {"sep=;\na;town;c\n1;Oslo;2\n?;Rome;3\n4;Oslo;4\n",
     SEED_CSV(3 + 16, 0x81, 0, 2, 9, 0, 0, 3, 3, 1, 0, 2, 2)},
    {"# note\n1,x,2\n,y,3\n7,x,4\n", SEED_CSV(3 + 32, 0x88, 0, 1, 5, 0, 0, 0, 4, 1)},
    {"1,2,3,4,1\n5,6,7,8,0\n", SEED_CSV(1, 0x80, 0, 0, 9, 1, 2)},
    {"\xEF\xBB\xBFx\t1\ny\t2\n", SEED_CSV(3, 0xA0, 2, 1, 0, 9)},
    {"\"1\",\"2\n\",3\n1e38,1e-46,0.1\n", SEED_CSV(0)},
    {"1e-47,16777215.99999999999999999,1e-41\n0.1e-999,-0,1e38\n", SEED_CSV(0)},
    {"1,2,0\n3,4,1\n", SEED_CSV(1, 0, 5)}, /* packed by the target */
    /* What is refused, in the file */
    {"", SEED_CSV(1)},
    {"1,2,0\n3,4\n", SEED_CSV(1)},
    {"1,2,0\n3,\"4\n", SEED_CSV(1)},
    {"1,\"2\"3,0\n", SEED_CSV(1)},
    {"sep=\"\n1,2,0\n", SEED_CSV(1)},
    {"1,2,70000\n", SEED_CSV(1)},
    {"1,2,5\n", SEED_CSV(1)},                               /* a class that another set has not */
    {"1,2,\n3,4,1\n", SEED_CSV(1 + 16)},                    /* no class, where means are taken */
    {"1,?,0\n?,?,1\n", SEED_CSV(1 + 16)},                   /* no number to take a mean of */
    {"?,2,0\n?,3,1\n", SEED_CSV(1 + 16, 0xA0, 0, 1, 0, 9)}, /* no category */
    {"x,2,0\ny,3,1\n", SEED_CSV(1, 0xA0, 0, 1, 0, 1)},      /* two, of one that may be */
    {"1,?,0\n?,2,1\n", SEED_CSV(1 + 32)},
    {"1,2,0\n", SEED_CSV(9, 0x20, 0, 1)}, /* text as bytes */
    {"1,2.5,0\n", SEED_CSV(9)},
    {"a,b,c\n1,2,0\n", SEED_CSV(1, 0x81, 0, 1, 9, 0, 0, 1, 0, 0)},   /* by name */
    {"a,a,c\n1,2,0\n", SEED_CSV(1, 0x81, 0, 1, 9, 0, 0, 1, 0, 0)},   /* of two */
    {"x,y,c\n1,2,0\n", SEED_CSV(1, 0x81, 0, 1, 9, 0, 0, 1, 0, 0)},   /* of none */
    {"1,2,0\n", SEED_CSV(1, 0x80, 0, 1, 9, 0, 0, 1, 0, 0)},          /* without a header */
    {"1,2,0\n", SEED_CSV(1, 0x80, 0, 1, 9, 0, 0, 0, 7, 0)},          /* a column of none */
    {"1,2,0\n", SEED_CSV(1, 0x80, 0, 0, 9, 2, 2)},                   /* 2 x 2 x 2 features of two */
    {"1,2,0\n", SEED_CSV(1, 0x80, 0, 0, 9, 0, 1, 0, 3, 0, 0, 2)},    /* the label is skipped */
    {"1,2,0\n", SEED_CSV(1, 0x80, 0, 2, 9, 0, 0, 0, 3, 2, 0, 4, 2)}, /* two labels */
    /* and in the configuration */
    {"1,2,0\n", SEED_CSV(1, 0x18)},
    {"1,2,0\n", SEED_CSV(1 + 48)},
    {"1,2,0\n", SEED_CSV(1 + 8 + 16)},
    {"1,2,0\n", SEED_CSV(1, 0x20, 0, 4)},
    {"1,2,0\n", SEED_CSV(1, 0, 10)},
    {"1,2,0\n", SEED_CSV(1, 0x80)},
    {"1,2,0\n", SEED_CSV(1, 0x80, 0, 1, 9, 0, 0, 0, 3, 4)}};

static void seed_csv(void)
{
    static const uint8_t numbers[20] = {0, 0};
    char digits[1000] = "1.";
    int i;
    for (i = 0; i < COUNT(seed_tables); i++) {
        const uint8_t *n = seed_tables[i].numbers;
        const file_bytes f = bytes_text(seed_tables[i].text);
        if (i == 4 || i == 1) seed_without_memory("csv", f, n, seed_csv_count(n), 0);
        seed("csv", f, n, seed_csv_count(n));
    }
    seed("csv", gzip_and_free(bytes_text("1,2,0\n3,4,1\n"), 6), seed_tables[0].numbers, 4);
    /* More digits than any number between two doubles has, the last of which counts. */
    memset(digits + 2, '0', 900);
    strcpy(digits + 902, "1,2\n3,4\n");
    seed("csv", bytes_text(digits), numbers, 4);
}

static void seed_cifar10(void)
{
    file_bytes f;
    const uint8_t plain[2] = {0, 0}, drawn[2] = {2 + 4 + 8 + 1, 0}, trained[2] = {2 + 16 + 32, 0};
    seed("cifar10", cifar_file(3, 1), plain, 2);
    seed("cifar10", gzip_and_free(cifar_file(0, 2), 9), plain, 2);
    seed("cifar10", bytes_text("abc"), drawn, 2);
    seed("cifar10", bytes_text("<html>"), plain, 2);
    seed("cifar10", bytes_text("abc"), trained, 2);
    f = bytes_text("abc");
    seed_without_memory("cifar10", f, drawn, 2, 1);
    free(f.bytes);
}

/* ---- models ---- */

/* A file as the targets take it apart: the header's text, a zero, some of the data without its
 * signs. */
static file_bytes seed_text(file_bytes f)
{
    size_t length = header_size(f);
    const size_t data = f.size - 8 - length, kept = data < 16 ? data : 16;
    file_bytes text;
    uint8_t *to;
    size_t i;
    while (length && f.bytes[8 + length - 1] == ' ') length--;
    text.size = length + 1 + kept;
    text.bytes = to = (uint8_t *)need(text.size);
    memcpy(to, f.bytes + 8, length);
    to[length] = 0;
    memcpy(to + length + 1, f.bytes + f.size - data, kept);
    for (i = 3; i < kept; i += 4) to[length + 1 + i] &= 0x7f; /* as means of squares must be */
    free(f.bytes);
    return text;
}

static fnn_model *seed_model(int kind)
{
    fnn_context_config config = fnn_context_config_init();
    const int image = kind < 4;
    fnn_model *m = fnn_sequential_with(&config, image ? 6 : 1, image ? 5 : 1, image ? 2 : 4);
    fnn_conv2d_config c = fnn_conv2d_config_init();
    fnn_pool2d_config p = fnn_pool2d_config_init();
    c.filters = 3, c.activation = FNN_ELU;
    if (kind == 0) fnn_conv2d(m, 4, 3, FNN_SAME, FNN_RELU), fnn_max_pool2d(m, 2);
    if (kind == 1) {
        c.stride_height = 2, c.padding = FNN_EXPLICIT, c.pad_width = 1, c.no_bias = 1;
        p.average = 1, p.padding = FNN_SAME, p.height = p.stride_width = 3;
        fnn_conv2d_with(m, &c), fnn_batch_norm(m), fnn_pool2d_with(m, &p), fnn_flatten(m);
    }
    if (kind == 2) fnn_conv2d(m, 2, 1, FNN_VALID, FNN_TANH), fnn_add(m, -1);
    if (kind == 2) fnn_spatial_dropout(m, (fnn_real).2), fnn_global_average_pool2d(m);
    if (kind == 3) fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    if (kind == 3) fnn_conv2d(m, 16, 3, FNN_SAME, FNN_GELU), fnn_average_pool2d(m, 2);
    if (kind == 4) fnn_dense(m, 5, FNN_LEAKY_RELU), fnn_dropout(m, (fnn_real).5);
    if (kind == 5) fnn_activate(m, FNN_SOFTMAX, 0), fnn_batch_norm(m);
    fnn_dense(m, 3, kind == 5 ? FNN_SIGMOID : kind == 4 ? FNN_LINEAR : FNN_SOFTMAX);
    if (kind == 5) fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
    if (kind == 4) fnn_set_loss(m, FNN_LOSS_EPSILON_INSENSITIVE, 0, (fnn_real).1);
    return m;
}

/* A model of two layers with names and notes, with a fault each. */
static void seed_model_faults(file_bytes f)
{
    static const seed_edit edits[] = {
        {"\"shape\":[", "\"shape\":[0"},
        {"\"shape\":[", "\"shape\":[9,9,9,9,"},
        {"\"shape\":[", "\"shape\":[x"},
        {"\"shape\":[", "\"shape\":[99999999999999999999,"},
        {"data_offsets\":[0,", "data_offsets\":[9999,"},
        {"data_offsets\":[0,", "data_offsets\":["},
        {"hand", "\\ud83d\\ude00\\u00e9"},
        {"hand", "\\ud83dx"},
        {"hand", "\\udc00"},
        {"hand", "\x01"},
        {"hand", "999]"}, /* of which the target makes so many bytes */
        {"\"by\"", "\"\\u00e9\""},
        {"\"by\"", "\"class_names\""},
        {"\"by\"", "\"by\":\"me\",\"by\""},
        {"\"seed\"", "\"seed\":\"0\",\"seed\""},
        {"\"0.conv2d.weight\"", "\"__metadata__\":{},\"0.conv2d.weight\""},
        {"\"0.conv2d.bias\"", "\"0.conv2d.weight\""},
        {"\"0.conv2d.bias\"", "\"9.conv2d.bias\""},
        {"\"F32\"", "\"F64\""},
        {"\"F32\"", "\"F32\",\"dtype\":\"F32\""},
        {"0.2.0 crc32", "0.1.0"},
        {"0.2.0 crc32 ", "0.2.0\",\"x\":\""},
        {"fmnist_nn 0.2.0 crc32", "fmnist_nn 0.3.0"},
        {"\"library\"", "\"lib\""},
        {"\"layers\"", "\"layer\""},
        {"\"input\":\"", "\"input\":\"0 "},
        {"\"input\":\"", "\"input\":\"99999 99999 9"},
        {"\"seed\":\"", "\"seed\":\"x"},
        {"\"epsilon\":\"", "\"epsilon\":\"x"},
        {"\"epsilon\":\"", "\"epsilon\":\"-"},
        {"\"label_smoothing\":\"", "\"label_smoothing\":\"x"},
        {"\"loss\":\"", "\"loss\":\"x"},
        {"\"normalization\":\"", "\"normalization\":\"x"},
        {"\"layers\":\"", "\"layers\":\"dense x; "},
        {"\"layers\":\"", "\"layers\":\"dropout 2; "}};
    static const uint8_t numbers[4] = {0, 0, 0, 0}, path[4] = {8, 0, 0, 0}, read[4] = {4, 0, 0, 0};
    seed_edits("model", f, edits, COUNT(edits), numbers, 4);
    seed_without_memory("model", f, numbers, 4, 1);
    seed_without_memory("model", f, path, 4, 1);
    seed_without_memory("model", f, read, 4, 1);
    seed("model", f, path, 4);
    seed("model", bytes_text("\x08"), path + 2, 1);
}

static void seed_models(void)
{
    static const char *const names[] = {"cat", "dog", "a \"b\" \xC3\xA9"};
    static const char *const features[] = {"a", "b", "c", "d"};
    static const seed_edit fewer[] = {{" no_bias", ""}}; /* a tensor that is not there */
    int kind;
    for (kind = 0; kind < 6; kind++) {
        const uint8_t numbers[4] = {0, 0, 0, 0}, whole[4] = {1, 0, 0, 0};
        const uint8_t by_function[4] = {4, 0, 0, 0};
        fnn_model *m = seed_model(kind);
        fuzz_samples s;
        fuzz_samples_make(&s, m, 1);
        if (kind % 2) fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &s.data);
        fnn_seal(m);
        fuzz_samples_free(&s);
        if (kind == 2) fnn_set_class_names(m, names, 3), fnn_set_note(m, "by", "hand\\");
        if (kind == 4) fnn_set_feature_names(m, features, 4);
        seed("model", seed_text(fuzz_save(m)), numbers, 4);
        if (kind == 0) seed("model", fuzz_save(m), whole, 4);
        if (kind == 1) {
            file_bytes f = seed_text(fuzz_save(m));
            seed_edits("model", f, fewer, COUNT(fewer), numbers, 4);
            seed_without_memory("model", f, numbers, 4, 1);
            free(f.bytes);
        }
        if (kind == 3) seed("model", seed_text(fuzz_save(m)), by_function, 4); /* a large one */
        if (kind == 2) seed_model_faults(seed_text(fuzz_save(m)));
        fnn_model_free(m);
    }
}

/* A checkpoint with a fault each; models, of which they say more, take them, too. */
static void seed_checkpoint_faults(file_bytes f)
{
    static const seed_edit edits[] = {
        {"optimizer adam", "optimizer x"},
        {"optimizer adam", "optimizer"},
        {"optimizer adam", "optimizer none"},
        {"; steps ", "; layer 99 frozen 1; steps "},
        {"; steps ", "; layer 0 thawed 1; steps "},
        {"; steps ", "; steps 18446744073709551615; steps "},
        {"; steps ", "; steps 1844674407370955161"},
        {"; updates ", "; updates 922337203685477580"},
        {"; passes ", "; passes 922337203685477580"},
        {"; samples ", "; samples 1844674407370955161"},
        {"; batch_size ", "; batch_size 1844674407370955161"},
        {"; epoch_steps ", "; epoch_steps 1844674407370955161"},
        {"; position ", "; position 9"},
        {"; epochs ", "; epochs 9999999999"},
        {"; epochs ", "; epochs 2"},
        {"; step ", "; step 999"},
        {"; fit_steps ", "; fit_steps 922337203685477580"},
        {"; seen ", "; seen 922337203685477580"},
        {"; waited ", "; waited 2147483647; waite "},
        {"; shuffle ", "; shuffle 9"},
        {"; monitor ", "; monitor 99"},
        {"; keeps_average ", "; keeps_average 9"},
        {"; keeps_best ", "; keeps_best 9"},
        {"; shows_average ", "; shows_average 9"},
        {"; shows_best ", "; shows_best 9"},
        {"; steps ", "; x "},
        {"; updates ",
         "; updates 0123456789012345678901234567890123456789012345678901234567890123456"
         "7890123456789012345678901234567890123456789012345678901234567 "},
        {"\"training.state\"", "\"training.stats\""}};
    static const uint8_t numbers[6] = {0, 0, 0, 0, FNN_ADAM, 2}, model[4] = {0, 0, 0, 0};
    seed_edits("model", f, edits, COUNT(edits), model, 4);
    seed_without_memory("model", f, model, 4, 1);
    seed_without_memory("checkpoint", f, numbers, 6, 1);
    free(f.bytes);
}

/* Checkpoints of each optimiser, for checkpoint_config's settings. */
static void seed_checkpoint(int kind, int optimizer)
{
    static const char *const names[] = {"cat", "dog", "a \"b\" \xC3\xA9"};
    const uint8_t flags = (uint8_t)(kind == 4 ? 16 + 32 : 0);
    const uint8_t numbers[6] = {0, 0, (uint8_t)(kind == 4), flags, (uint8_t)optimizer, 2};
    fnn_model *m = seed_model(kind);
    fnn_fit_config c = fnn_fit_config_init();
    fuzz_samples s;
    fnn_error error;
    fnn_seal(m);
    fuzz_samples_make(&s, m, kind == 4);
    c.optimizer.kind = (fnn_optimizer_kind)optimizer;
    c.batch_size = 2;
    c.monitor = FNN_MONITOR_LOSS;
    c.ema_decay = kind == 4 ? .9 : 0;
    c.restore_best = kind == 4;
    fnn_set_trainable(m, 0, optimizer % 2);
    FUZZ_CHECK(!fnn_fit(m, &s.data, &c, NULL), "%s", fnn_model_error(m)->message);
    if (kind == 1) fnn_set_class_names(m, names, 3), fnn_set_note(m, "by", "\"me\"");
    FUZZ_CHECK(!fnn_save_checkpoint(m, path_of("checkpoint"), &error), "%s", error.message);
    seed("checkpoint", seed_text(bytes_of(path_of("checkpoint"))), numbers, 6);
    seed("model", seed_text(bytes_of(path_of("checkpoint"))), numbers, 2);
    if (kind == 1) seed_checkpoint_faults(seed_text(bytes_of(path_of("checkpoint"))));
    fuzz_samples_free(&s);
    fnn_model_free(m);
}

/* A file that network 1 takes, with a fault each. */
static void seed_import_faults(file_bytes f, const uint8_t *numbers)
{
    static const seed_edit edits[] = {
        {"\"fc2.bias\"", "\"fc1.bias\""},
        {"\"fc2.bias\"", "\"fc2.x\""},
        {"\"fc2.weight\"", "\"fc3.weight\""},
        {"\"fc2.", "\"fc"},
        {"\"fc1.", "\"fc2.fc"},
        {"\"shape\":[3,3]", "\"shape\":[9]"},
        {"\"shape\":[3,8]", "\"shape\":[3,999]"},
        {"\"F32\"", "\"F33\""},
        {"[264,276]",
         "[264,276]},\"x.y\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[276,280]"},
        {"[264,276]",
         "[264,276]},\"fc2.x\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[276,280]"},
        {"{\"conv1", "{\"__metadata__\":{\"n\":\"999]\"},\"conv1"},
        {"[264,276]", "[260,272]"},
        {"{\"conv1", "{\"a.b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"conv1"}};
    seed_edits("import", f, edits, COUNT(edits), numbers, 2);
    seed_without_memory("import", f, numbers, 2, 1);
    free(f.bytes);
}

static void seed_import(void)
{
    static const struct {
        const char *text;
        int flags; /* format, network */
    } files[] = {
        {"{\"conv1.weight\":{\"dtype\":\"F32\",\"shape\":[2,1,3,3],\"data_offsets\":[0,72]},"
         "\"conv1.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[72,80]},"
         "\"bn.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[80,88]},"
         "\"bn.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[88,96]},"
         "\"bn.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[96,104]},"
         "\"bn.running_mean\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[104,112]},"
         "\"bn.running_var\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[112,120]},"
         "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[3,8],\"data_offsets\":[120,216]},"
         "\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[216,228]},"
         "\"fc2.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[228,264]},"
         "\"fc2.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[264,276]}}",
         0 + 16},
        {"{\"__metadata__\":{\"format\":\"pt\"},"
         "\"0.weight\":{\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18]},"
         "\"0.bias\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[18,24]},"
         "\"2.weight\":{\"dtype\":\"F64\",\"shape\":[3,3],\"data_offsets\":[24,96]},"
         "\"2.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[96,108]},"
         "\"10.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[108,144]},"
         "\"10.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[144,156]}}",
         0 + 32},
        {"{\"dense/kernel\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[0,36]},"
         "\"dense/bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[36,48]},"
         "\"dense_1/kernel\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[48,84]},"
         "\"dense_1/bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[84,96]}}",
         2},
        {"{\"__metadata__\":{\"library\":\"fmnist_nn 0.2.0\"},"
         "\"0.dense.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[0,36]},"
         "\"0.dense.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[36,48]},"
         "\"input.shift\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[48,60]},"
         "\"1.dense.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[60,96]},"
         "\"1.dense.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[96,108]}}",
         4}};
    static const uint8_t like[2] = {32, 0}; /* two layers that are alike */
    int i;
    for (i = 0; i < COUNT(files); i++) {
        const uint8_t numbers[8] = {(uint8_t)files[i].flags};
        file_bytes zero = bytes_copy("\0\1\2\100\77", 5);
        seed("import", bytes_join(bytes_text(files[i].text), zero), numbers, 2);
        zero = bytes_copy("\0\1\2\100\77", 5);
        if (i == 1) { /* named */
            const uint8_t named[6] = {32 + 128, 0, 3, 4, 4, 7}, kept[6] = {32 + 128, 0, 3, 4, 7, 7};
            seed("import", bytes_join(bytes_text(files[i].text), zero), named, 6);
            seed("import", bytes_text(files[i].text), kept, 6);
        } else free(zero.bytes);
        if (i == 0) seed_import_faults(bytes_text(files[i].text), numbers);
    }
    seed("import", bytes_text("{\"__metadata__\":{}}"), like, 2);
    seed("import",
         bytes_text("{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[0,36]},"
                    "\"a.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[36,48]},"
                    "\"b.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[48,84]},"
                    "\"b.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[84,96]}}"),
         like, 2);
}

/* Programs of calls: nothing that a program could be made of is known, but that bytes matter. */
static void seed_api(void)
{
    int i;
    for (i = 0; i < 24; i++) {
        file_bytes f;
        size_t k;
        f.size = 40 + 20 * (size_t)i;
        f.bytes = (uint8_t *)need(f.size);
        for (k = 0; k < f.size; k++) f.bytes[k] = (uint8_t)random_below(i % 2 ? 200 : 256);
        seed("api", f, NULL, 0);
    }
}

/* All of them. */
static void seeds_make(void)
{
    int i;
    if (seeds_count) return;
    fuzz_memory_begin(SIZE_MAX, -1);
    seed_idx();
    seed_idx_faults();
    seed_gzip();
    seed_csv();
    seed_cifar10();
    seed_models();
    for (i = 0; i < FNN_OPTIMIZER_COUNT; i++) seed_checkpoint(i % 2 ? 4 : 0, i);
    seed_checkpoint(1, FNN_ADAM);
    seed_import();
    seed_api();
}
#endif
