/* Files of a test in a directory of its own, which goes with the program, and bytes in memory of
 * just their size, so that a sanitizer sees any step beyond. Needs POSIX 2008 for mkdtemp (WASI
 * has none: there the time is the name). Include after fmnist_nn.h. */
#ifndef FILES_H
#define FILES_H
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"
#if defined(__wasi__)
#include <time.h>
#endif

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

static inline int make_directory(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%.200s/fmnist_nn_XXXXXX", base ? base : "/tmp");
#if defined(__wasi__)
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    sprintf(strrchr(directory, 'X') - 5, "%lld", 1000000000LL * now.tv_sec + now.tv_nsec);
    return mkdir(directory, 0700) == 0;
#else
    return mkdtemp(directory) != NULL;
#endif
}

/* The path of a file in the test's own directory; four calls' results stay valid. */
static inline const char *path_of(const char *name)
{
    static char paths[4][400];
    static int turn;
    turn = (turn + 1) % 4;
    if (!directory[0]) {
        if (!make_directory()) {
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

/* The CRC-32 of RFC 1952, bit by bit. */
static inline uint32_t crc_of(file_bytes f)
{
    uint32_t crc = 0xffffffff;
    size_t i;
    int bit;
    for (i = 0; i < f.size; i++)
        for (crc ^= f.bytes[i], bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1) * 0xedb88320u;
    return ~crc;
}

static inline int same_bytes(file_bytes a, file_bytes b)
{
    return a.size == b.size && !memcmp(a.bytes, b.bytes, a.size);
}
#endif
