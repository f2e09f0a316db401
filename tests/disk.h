/* File operations that fail, or that the program does not outlive: the library's own go through
 * `disk`. Includes fmnist_nn.h with its implementation, so it comes first, behind the headers of
 * POSIX that a program needs; FMNIST_NN_IMPLEMENTATION must be defined. */
#ifndef DISK_H
#define DISK_H
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    int count;           /* operations so far */
    int fail_at;         /* the operation that fails, from 1; 0: none does */
    char only;           /* the letter of those that count and fail; 0: all but fclose (k), fseek
                            and ftell (p), stat (t) and remove (d), of which little depends */
    int calls[128];      /* of each letter, from the first one on */
    int forever;         /* all after it, too */
    int code;            /* errno of the failure */
    int failed;          /* how many did */
    int kill_at;         /* 2n - 1: the program ends before operation n; 2n: after it */
    size_t most;         /* bytes that one write takes, 0: all */
    int interrupt;       /* every other write is interrupted */
    int file;            /* open for writing */
    int keep;            /* files cannot be removed */
    char log[1000];      /* a letter for each operation */
    const char *instead; /* what is opened for writing in place of the file */
    int last_replace;    /* after so many renames every operation fails, 0: never */
    int replaced;        /* renames so far */
    struct stat synced;  /* the last directory that was synced, zeros: none was */
    int in_place;        /* the broken case: the old file itself is written over, but not by the
                            first operation, which finds out whether there can be a file */
} disk;

static int disk_opened; /* files that are open */

static void disk_killed(int moment)
{
    if (moment && disk.kill_at == moment) raise(SIGKILL);
}

/* Begins an operation; nonzero: it must fail. */
static int disk_fails(char letter)
{
    disk.calls[letter & 127]++;
    if (disk.only ? letter != disk.only : strchr("kptd", letter) != NULL) return 0;
    if (disk.count < (int)sizeof disk.log - 1) disk.log[disk.count] = letter;
    disk.count++;
    disk_killed(2 * disk.count - 1);
    if (disk.fail_at == 0 || disk.count < disk.fail_at) return 0;
    if (disk.count > disk.fail_at && !disk.forever) return 0;
    disk.failed++;
    errno = disk.code;
    return 1;
}

/* Ends one. */
static int disk_done(int result)
{
    const int code = errno;
    disk_killed(2 * disk.count);
    errno = code;
    return result;
}

static int disk_counted(int file)
{
    disk_opened += file >= 0;
    return disk_done(file);
}

/* The file that a temporary one is for, emptied. */
static int disk_old_file(const char *path)
{
    char old[500];
    const char *end = strstr(path, ".tmp-");
    snprintf(old, sizeof old, "%.*s", end ? (int)(end - path) : 0, path);
    return open(old, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

static int disk_open(const char *path, int flags, ...)
{
    va_list list;
    int mode = 0;
    va_start(list, flags);
    if (flags & O_CREAT) mode = va_arg(list, int);
    va_end(list);
    if (disk_fails(flags & O_CREAT ? 'c' : 'o')) return -1;
    if (flags & O_CREAT && disk.instead) return disk_counted(open(disk.instead, O_WRONLY));
    if (flags & O_CREAT && disk.in_place && disk.count > 1)
        return disk_counted(disk.file = disk_old_file(path));
    disk.file = -1;
    if (!(flags & O_CREAT)) return disk_counted(open(path, flags));
    return disk_counted(disk.file = open(path, flags, mode));
}
static ssize_t disk_write(int file, const void *bytes, size_t count)
{
    if (disk_fails('w')) return -1;
    if (disk.interrupt && disk.count % 2) {
        errno = EINTR;
        return -1;
    }
    if (disk.most && count > disk.most) count = disk.most;
    return disk_done((int)write(file, bytes, count));
}
static int disk_fsync(int file)
{
    struct stat s;
    if (disk_fails('s')) return -1;
    if (!fstat(file, &s) && S_ISDIR(s.st_mode)) disk.synced = s;
    return disk_done(fsync(file));
}
/* A directory's close is no operation: nothing depends on it. */
static int disk_close(int file)
{
    const int fails = file == disk.file && disk_fails('e'), result = close(file), code = errno;
    disk_opened--;
    errno = fails ? disk.code : code;
    return file == disk.file ? disk_done(fails ? -1 : result) : result;
}
static int disk_rename(const char *from, const char *to)
{
    int result;
    if (disk_fails('r')) return -1;
    result = disk_done(disk.in_place ? 0 : rename(from, to));
    if (++disk.replaced != disk.last_replace) return result;
    disk.fail_at = disk.count + 1;
    disk.forever = 1;
    disk.code = ENOSPC;
    return result;
}

static int disk_remove(const char *path)
{
    if (disk_fails('d')) return -1;
    errno = EPERM;
    return disk.keep ? -1 : remove(path);
}

static int disk_stat(const char *path, struct stat *s)
{
    return disk_fails('t') ? -1 : stat(path, s);
}

static FILE *disk_fopen(const char *path, const char *mode)
{
    FILE *stream = disk_fails('f') ? NULL : fopen(path, mode);
    disk_opened += stream != NULL;
    return stream;
}
static int disk_fclose(FILE *stream)
{
    const int fails = disk_fails('k'), result = fclose(stream);
    disk_opened--;
    return fails ? EOF : result;
}
static int disk_fseek(FILE *stream, long offset, int whence)
{
    return disk_fails('p') ? -1 : fseek(stream, offset, whence);
}
static long disk_ftell(FILE *stream)
{
    return disk_fails('p') ? -1 : ftell(stream);
}
static int disk_read_failed;
static size_t disk_fread(void *memory, size_t size, size_t count, FILE *stream)
{
    disk_read_failed = disk_fails('i');
    return disk_read_failed ? 0 : fread(memory, size, count, stream);
}
static int disk_ferror(FILE *stream)
{
    return disk_read_failed || ferror(stream);
}

#undef ferror
#define open(...) disk_open(__VA_ARGS__)
#define write(file, bytes, count) disk_write(file, bytes, count)
#define fsync(file) disk_fsync(file)
#define close(file) disk_close(file)
#define rename(from, to) disk_rename(from, to)
#define remove(path) disk_remove(path)
#define stat(path, status) disk_stat(path, status)
#define fopen(path, mode) disk_fopen(path, mode)
#define fclose(stream) disk_fclose(stream)
#define fseek(stream, offset, whence) disk_fseek(stream, offset, whence)
#define ftell(stream) disk_ftell(stream)
#define fread(memory, size, count, stream) disk_fread(memory, size, count, stream)
#define ferror(stream) disk_ferror(stream)
#include "../fmnist_nn.h"
#undef open
#undef write
#undef fsync
#undef close
#undef rename
#undef remove
#undef stat
#undef fopen
#undef fclose
#undef fseek
#undef ftell
#undef fread
#undef ferror

static inline void disk_well(void)
{
    memset(&disk, 0, sizeof disk);
    disk_read_failed = 0;
}
#endif
