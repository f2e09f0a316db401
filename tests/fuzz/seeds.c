/* Writes what the fuzz targets begin with: small files of each format and kind, a folder a target.
 *     seeds FOLDER
 * Behind a file stand the numbers that its target takes off the input's end, the last one first. */
#include "fuzz.h"
#include "networks.h"
#include <sys/stat.h>

static const char *seeds_folder;
static int seeds_count;

/* numbers (count): in the order in which the target takes them. */
static void seed(const char *target, file_bytes f, const uint8_t *numbers, int count)
{
    char path[400];
    file_bytes all;
    int i;
    all.size = f.size + (size_t)count;
    all.bytes = (uint8_t *)need(all.size);
    memcpy(all.bytes, f.bytes, f.size);
    for (i = 0; i < count; i++) all.bytes[all.size - 1 - (size_t)i] = numbers[i];
    snprintf(path, sizeof path, "%.200s/%s", seeds_folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%.200s/%s/%d", seeds_folder, target, seeds_count++);
    write_bytes(path, all.bytes, all.size);
    free(all.bytes);
    free(f.bytes);
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

static void seed_csv(void)
{
    static const struct {
        const char *text;
        uint8_t numbers[16];
    } seeds[] = {
        /* allowed, flags, more, separator, ... (csv.c) */
        {"1,2,0\n3,4,1\n5.5e-1,-6,2\n", {0, 1}},
        {"1;2;cat\r\n3;4;\"d\"\"og\"\r\n", {0, 2, 0, 1}},
        {"a,b,c\n1,2,0\n3,4,7\n", {0, 5, 1}},
        {"1 2  3\n4 5 6\n\n", {0, 9, 0, 3}},
        {"sep=;\na;town;c\n1;Oslo;2\n?;Rome;3\n4;Oslo;4\n", {0, 3 + 16, 0x81, 0, 2, 9, 0, 3, 3, 1}},
        {"# note\n1,x,2\n,y,3\n7,x,4\n", {0, 3 + 32, 0x88, 0, 1, 5, 0, 0, 4, 1}},
        {"1,2,3,4,1\n5,6,7,8,0\n", {0, 1, 0x80, 0, 0, 0, 2, 1}},
        {"\xEF\xBB\xBFx\t1\ny\t2\n", {0, 3, 0xA0, 2, 1, 0, 9}},
        {"\"1\",\"2\n\",3\n1e38,1e-46,0.1\n", {0, 0}}};
    int i;
    for (i = 0; i < COUNT(seeds); i++) seed("csv", bytes_text(seeds[i].text), seeds[i].numbers, 16);
    seed("csv", gzip_and_free(bytes_text(seeds[0].text), 6), seeds[0].numbers, 16);
}

static void seed_cifar10(void)
{
    const uint8_t plain[2] = {0, 0}, drawn[2] = {2 + 4 + 8 + 1, 0};
    seed("cifar10", cifar_file(3, 1), plain, 2);
    seed("cifar10", gzip_and_free(cifar_file(0, 2), 9), plain, 2);
    seed("cifar10", bytes_text("abc"), drawn, 2);
    seed("cifar10", bytes_text("<html>"), plain, 2);
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

static void seed_models(void)
{
    static const char *const names[] = {"cat", "dog", "a \"b\" \xC3\xA9"};
    int kind;
    for (kind = 0; kind < 6; kind++) {
        const uint8_t numbers[4] = {0, 0, 0, 0}, whole[4] = {1, 0, 0, 0};
        fnn_model *m = seed_model(kind);
        fuzz_samples s;
        fuzz_samples_make(&s, m, 1);
        if (kind % 2) fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &s.data);
        fnn_seal(m);
        fuzz_samples_free(&s);
        if (kind == 2) fnn_set_class_names(m, names, 3), fnn_set_note(m, "by", "hand\\");
        seed("model", seed_text(fuzz_save(m)), numbers, 4);
        if (kind == 0) seed("model", fuzz_save(m), whole, 4);
        fnn_model_free(m);
    }
}

/* Checkpoints of each optimiser, for checkpoint_config's settings. */
static void seed_checkpoint(int kind, int optimizer)
{
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
    FUZZ_CHECK(!fnn_save_checkpoint(m, path_of("checkpoint"), &error), "%s", error.message);
    seed("checkpoint", seed_text(bytes_of(path_of("checkpoint"))), numbers, 6);
    fuzz_samples_free(&s);
    fnn_model_free(m);
}

static void seed_import(void)
{
    static const struct {
        const char *text;
        int flags; /* format, network */
    } seeds[] = {
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
         2}};
    int i;
    for (i = 0; i < COUNT(seeds); i++) {
        const uint8_t numbers[8] = {(uint8_t)seeds[i].flags};
        file_bytes zero = bytes_copy("\0\1\2\100\77", 5);
        seed("import", bytes_join(bytes_text(seeds[i].text), zero), numbers, 2);
        zero = bytes_copy("\0\1\2\100\77", 5);
        if (i == 1) { /* named */
            const uint8_t named[6] = {32 + 128, 0, 3, 4, 4, 7};
            seed("import", bytes_join(bytes_text(seeds[i].text), zero), named, 6);
        } else free(zero.bytes);
    }
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

int main(int argc, char **argv)
{
    int i;
    if (argc != 2) return fputs("usage: seeds FOLDER\n", stderr), 2;
    seeds_folder = argv[1];
    mkdir(seeds_folder, 0777);
    fuzz_memory_begin(SIZE_MAX, -1);
    seed_idx();
    seed_gzip();
    seed_csv();
    seed_cifar10();
    seed_models();
    for (i = 0; i < FNN_OPTIMIZER_COUNT; i++) seed_checkpoint(i % 2 ? 4 : 0, i);
    seed_checkpoint(1, FNN_ADAM);
    seed_import();
    seed_api();
    return 0;
}
