/* Files of a test in a directory of its own, which goes with the program, and bytes in memory of
 * just their size, so that a sanitizer sees any step beyond. Needs POSIX 2008 for mkdtemp. Include
 * after fmnist_nn.h. */
#ifndef FILES_H
#define FILES_H
#include <dirent.h>
#include <stdint.h>
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

static void remove_directory(void)
{
    char path[600];
    struct dirent *entry;
    DIR *d = opendir(directory);
    while (d && (entry = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        remove(path);
    }
    if (d) closedir(d);
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

/* Gives a file that was changed the checksum that belongs to it: the CRC-32 of RFC 1952, bit by
 * bit. */
static inline void sum_again(file_bytes f)
{
    uint8_t *digits = sum_of_file(f);
    uint32_t crc = 0xffffffff;
    char text[9];
    size_t i;
    int bit;
    if (!digits) return;
    memset(digits, '0', 8);
    for (i = 0; i < f.size; i++)
        for (crc ^= f.bytes[i], bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1) * 0xedb88320u;
    snprintf(text, sizeof text, "%08lx", (unsigned long)(crc ^ 0xffffffff));
    memcpy(digits, text, 8);
}

/* Makes of a model file one of the versions before checksums; its bytes are others then. */
static inline void without_sum(file_bytes *f)
{
    const size_t old = 8 + (f->bytes[0] | (size_t)f->bytes[1] << 8 | (size_t)f->bytes[2] << 16);
    const size_t at = (size_t)(sum_of_file(*f) - f->bytes);
    uint8_t *bytes = (uint8_t *)need(f->size);
    size_t end = old, header, i;
    while (f->bytes[end - 1] == ' ') end--;
    header = (end - 15 + 63) / 64 * 64;
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
#endif
