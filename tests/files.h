/* Files of a test in a directory of its own, which goes with the program, and bytes in memory of
 * just their size, so that a sanitizer sees any step beyond. Needs POSIX 2008 for mkdtemp. Include
 * after fmnist_nn.h. */
#ifndef FILES_H
#define FILES_H
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"

typedef struct {
    uint8_t *bytes;
    size_t size;
} file_bytes;

static char directory[256];

static inline void empty_directory(void)
{
    char path[600];
    struct dirent *entry;
    DIR *d = opendir(directory);
    while (d && (entry = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        remove(path);
    }
    if (d) closedir(d);
}

static void remove_directory(void)
{
    empty_directory();
    rmdir(directory);
}

/* The path of a file in the test's own directory; four calls' results stay valid. */
static inline const char *path_of(const char *name)
{
    static char paths[4][400];
    static int turn;
    const char *base = getenv("TMPDIR");
    turn = (turn + 1) % 4;
    if (!directory[0]) {
        snprintf(directory, sizeof directory, "%.200s/fmnist_nn_XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(directory)) {
            perror(directory);
            exit(2);
        }
        atexit(remove_directory);
    }
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", directory, name);
    return paths[turn];
}

static inline file_bytes bytes_copy(const void *bytes, size_t size)
{
    file_bytes f;
    f.bytes = (uint8_t *)need(size);
    f.size = size;
    if (size) memcpy(f.bytes, bytes, size);
    return f;
}

/* Where in a model file the digits of its checksum are, or NULL. */
static inline uint8_t *sum_of_file(file_bytes f)
{
    static const char word[] = " crc32 ";
    size_t i;
    for (i = 8; i + 15 < f.size && i < 100; i++)
        if (!memcmp(f.bytes + i, word, 7) && f.bytes[i + 15] == '"') return f.bytes + i + 7;
    return NULL;
}

/* Gives a file that was changed the checksum that belongs to it. */
static inline void sum_again(file_bytes f)
{
    uint8_t *digits = sum_of_file(f);
    uint32_t crc[16][256];
    char text[9];
    if (!digits) return;
    memset(digits, '0', 8);
    fnni_crc_tables(crc);
    snprintf(text, sizeof text, "%08lx", (unsigned long)fnni_crc(crc, 0, f.bytes, f.size));
    memcpy(digits, text, 8);
}

/* Makes of a model file one of the versions before checksums; its bytes are others then. */
static inline void without_sum(file_bytes *f)
{
    const size_t old = 8 + (size_t)fnni_little_64(f->bytes);
    const size_t at = (size_t)(sum_of_file(*f) - f->bytes);
    uint8_t *bytes = (uint8_t *)need(f->size);
    size_t end = old, header, i;
    while (f->bytes[end - 1] == ' ') end--;
    header = (end - 15 + FNNI_ALIGNMENT - 1) / FNNI_ALIGNMENT * FNNI_ALIGNMENT;
    memset(bytes, ' ', f->size);
    for (i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)(header - 8) >> 8 * i);
    memcpy(bytes + 8, f->bytes + 8, at - 7 - 8);
    memcpy(bytes + at - 7, f->bytes + at + 8, end - (at + 8));
    memcpy(bytes + header, f->bytes + old, f->size - old);
    f->size -= old - header;
    free(f->bytes);
    f->bytes = bytes;
}

static inline void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *stream = fopen(path, "wb");
    if (!stream || fwrite(bytes, 1, size, stream) != size || fclose(stream)) {
        perror(path);
        exit(2);
    }
}

/* How many files there are whose name contains the word. */
static inline int files_named(const char *word)
{
    int count = 0;
    struct dirent *entry;
    DIR *d = opendir(directory);
    while (d && (entry = readdir(d)) != NULL) count += strstr(entry->d_name, word) != NULL;
    if (d) closedir(d);
    return count;
}

static inline file_bytes bytes_of(const char *path)
{
    static char buffer[1 << 20];
    FILE *stream = fopen(path, "rb");
    size_t size = stream ? fread(buffer, 1, sizeof buffer, stream) : 0;
    if (stream) fclose(stream);
    return bytes_copy(buffer, size);
}

static inline int same_bytes(file_bytes a, file_bytes b)
{
    return a.size == b.size && !memcmp(a.bytes, b.bytes, a.size);
}

static inline size_t header_size(file_bytes f)
{
    size_t size = 0;
    int i;
    for (i = 7; i >= 0; i--) size = size << 8 | f.bytes[i];
    return size;
}

/* A file of this header, with the data of another. */
static inline file_bytes with_header(const char *header, file_bytes other)
{
    const size_t length = strlen(header), old = 8 + header_size(other);
    file_bytes f;
    int i;
    f.size = 8 + length + (other.size - old);
    f.bytes = (uint8_t *)need(f.size);
    for (i = 0; i < 8; i++) f.bytes[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(f.bytes + 8, header, length);
    memcpy(f.bytes + 8 + length, other.bytes + old, other.size - old);
    sum_again(f);
    return f;
}

/* The file with the first `from` as `to` must be refused with the words; `loads` tries it. */
static inline void check_damage(int (*loads)(file_bytes, fnn_error *), file_bytes good,
                                const char *from, const char *to, const char *words)
{
    char text[6000], changed[7000];
    const char *place;
    fnn_error error;
    file_bytes f;
    snprintf(text, sizeof text, "%.*s", (int)header_size(good), (const char *)good.bytes + 8);
    place = strstr(text, from);
    if (!CHECKF(place != NULL, "no %s in %s", from, text)) return;
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(place - text), text, to,
             place + strlen(from));
    f = with_header(changed, good);
    CHECKF(!loads(f, &error), "loads: %s", to);
    CHECKF(strstr(error.message, words) != NULL, "%s: expected \"%s\", found \"%s\"", to, words,
           error.message);
    free(f.bytes);
}
#endif
