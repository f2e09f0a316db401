/* What the tests of data sets share: seeded numbers, files of every format made in memory and
 * written to the test's own directory, and what a failed load must leave. Not every program needs
 * all of it, hence the inlines. Include after fmnist_nn.h. */
#ifndef DATASETS_H
#define DATASETS_H
#include "files.h"
#include "harness.h"
#ifndef HAVE_ZLIB /* tests/run.sh says whether it links; by hand, the header tells */
#ifdef __has_include
#if __has_include(<zlib.h>)
#define HAVE_ZLIB 1
#endif
#endif
#endif
#ifndef HAVE_ZLIB
#define HAVE_ZLIB 0
#endif
#if HAVE_ZLIB
#include <zlib.h>
#endif

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* ---- seeded numbers ---- */

static uint64_t random_state = 1;
static inline uint32_t random_bits(void) /* xorshift*: not the library's generator */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(random_state * 0x2545F4914F6CDD1Du >> 32);
}
static inline int random_below(int bound)
{
    return (int)(random_bits() % (unsigned)bound);
}

/* ---- bytes and files ---- */

static inline file_bytes bytes_text(const char *text)
{
    return bytes_copy(text, strlen(text));
}
static inline file_bytes bytes_join(file_bytes a, file_bytes b)
{
    file_bytes c;
    c.bytes = (uint8_t *)need(a.size + b.size);
    c.size = a.size + b.size;
    memcpy(c.bytes, a.bytes, a.size);
    memcpy(c.bytes + a.size, b.bytes, b.size);
    free(a.bytes);
    free(b.bytes);
    return c;
}

static inline const char *write_file(const char *name, file_bytes b)
{
    const char *path = path_of(name);
    write_bytes(path, b.bytes, b.size);
    return path;
}
static inline const char *write_and_free(const char *name, file_bytes b)
{
    const char *path = write_file(name, b);
    free(b.bytes);
    return path;
}
static inline const char *write_text(const char *name, const char *text)
{
    return write_and_free(name, bytes_text(text));
}

/* ---- loads that fail ---- */

static inline int is_zero(const fnn_dataset *data)
{
    fnn_dataset zero;
    memset(&zero, 0, sizeof zero);
    return memcmp(data, &zero, sizeof zero) == 0;
}

/* A load that must fail with this code and these words in its message, and leave nothing. */
static inline void check_failed(int line, fnn_result result, fnn_result expected,
                                const fnn_error *error, const char *words, fnn_dataset *out)
{
    CHECKF(result == expected, "line %d: result %d, expected %d: %s", line, (int)result,
           (int)expected, result == FNN_OK ? "" : error->message);
    CHECKF(result == FNN_OK || strstr(error->message, words), "line %d: \"%s\" lacks \"%s\"", line,
           error->message, words);
    CHECKF(result == FNN_OK || error->code == result, "line %d: error code %d", line,
           (int)error->code);
    CHECKF(result == FNN_OK || is_zero(out), "line %d: a failed load left something", line);
    fnn_dataset_free(out);
}

/* ---- gzip ---- */

#if HAVE_ZLIB
static inline file_bytes gzip_with(file_bytes plain, int level, int strategy, int window,
                                   gz_header *header)
{
    z_stream z;
    file_bytes out;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, level, Z_DEFLATED, window, 8, strategy) != Z_OK) exit(2);
    if (header) deflateSetHeader(&z, header);
    out.size = deflateBound(&z, (uLong)plain.size) + 400;
    out.bytes = (uint8_t *)need(out.size);
    z.next_in = plain.bytes;
    z.avail_in = (uInt)plain.size;
    z.next_out = out.bytes;
    z.avail_out = (uInt)out.size;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) exit(2);
    out.size = z.total_out;
    deflateEnd(&z);
    z.next_in = out.bytes;
    out = bytes_copy(out.bytes, out.size);
    free((void *)(uintptr_t)z.next_in);
    return out;
}
static inline file_bytes gzip(file_bytes plain, int level)
{
    return gzip_with(plain, level, Z_DEFAULT_STRATEGY, 31, NULL);
}
#else
/* Stored blocks: enough for the tests of the readers. */
static inline file_bytes gzip(file_bytes plain, int level)
{
    file_bytes b = bytes_copy("\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
    uint8_t frame[8];
    const uint32_t crc = crc_of(plain);
    size_t at = 0;
    (void)level;
    do {
        size_t n = plain.size - at < 65535 ? plain.size - at : 65535;
        frame[0] = at + n == plain.size;
        frame[1] = (uint8_t)n, frame[2] = (uint8_t)(n >> 8);
        frame[3] = (uint8_t)~frame[1], frame[4] = (uint8_t)~frame[2];
        b = bytes_join(bytes_join(b, bytes_copy(frame, 5)), bytes_copy(plain.bytes + at, n));
        at += n;
    } while (at < plain.size);
    for (at = 0; at < 4; at++) frame[at] = (uint8_t)(crc >> 8 * at);
    for (at = 0; at < 4; at++) frame[4 + at] = (uint8_t)(plain.size >> 8 * at);
    return bytes_join(b, bytes_copy(frame, 8));
}
#endif

static inline file_bytes gzip_and_free(file_bytes plain, int level)
{
    file_bytes packed = gzip(plain, level);
    free(plain.bytes);
    return packed;
}

/* ---- files of each format ---- */

/* An IDX file of bytes 0, 1, 2 ... modulo `modulus`. */
static inline file_bytes idx_file(int dimensions, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                  int modulus)
{
    uint32_t size[4];
    uint8_t head[20] = {0, 0, 8, 0};
    file_bytes file;
    size_t n = 1, i;
    int k;
    size[0] = a, size[1] = b, size[2] = c, size[3] = d;
    head[3] = (uint8_t)dimensions;
    for (k = 0; k < dimensions && k < 4; k++) {
        for (i = 0; i < 4; i++) head[4 + 4 * k + (int)i] = (uint8_t)(size[k] >> (24 - 8 * i));
        n *= size[k];
    }
    if (n > 100000) n = 100; /* a header that lies */
    file.size = 4 + 4 * (size_t)k + n;
    file.bytes = (uint8_t *)need(file.size);
    memcpy(file.bytes, head, 4 + 4 * (size_t)k);
    for (i = 0; i < n; i++) file.bytes[4 + 4 * (size_t)k + i] = (uint8_t)(i % (size_t)modulus);
    return file;
}

enum { RECORD = 3073, IMAGE = 3072 };

/* A file of records: image i of the file has label (first + i) % 10, and pixels that tell image,
 * plane and place. */
static inline uint8_t cifar_pixel(int image, int plane, int pixel)
{
    return (uint8_t)(image * 31 + plane * 85 + pixel * 7 + pixel / 32);
}
static inline file_bytes cifar_file(int first, int count)
{
    file_bytes file;
    int i, plane, pixel;
    file.size = (size_t)count * RECORD;
    file.bytes = (uint8_t *)need(file.size);
    for (i = 0; i < count; i++) {
        uint8_t *record = file.bytes + (size_t)i * RECORD;
        record[0] = (uint8_t)((first + i) % 10);
        for (plane = 0; plane < 3; plane++)
            for (pixel = 0; pixel < 1024; pixel++)
                record[1 + 1024 * plane + pixel] = cifar_pixel(first + i, plane, pixel);
    }
    return file;
}

/* A data set of `count` samples of two features in the caller's arrays: row i is (i, -i). */
static inline void make_table(fnn_dataset *data, fnn_real *reals, int32_t *labels, int64_t count)
{
    int64_t i;
    for (i = 0; i < count; i++) {
        reals[2 * i] = (fnn_real)i;
        reals[2 * i + 1] = (fnn_real)-i;
        labels[i] = (int32_t)(i % 3);
    }
    memset(data, 0, sizeof *data);
    data->count = count;
    data->height = data->width = 1;
    data->channels = 2;
    data->reals = reals;
    data->labels = labels;
    data->classes = 3;
}
#endif
