/* The inputs of the fuzz targets, under any compiler: each target's seeds, its corpus, and what was
 * found with it once. A target that notices something ends the program.
 *     replay TARGET FILE...    only these files, as a libFuzzer program takes them */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#define FMNIST_NN_IMPLEMENTATION
#define FUZZ_REPLAY
#include "fuzz.h"
#include "idx.c"
#include "gzip.c"
#include "csv.c"
#include "cifar10.c"
#include "model.c"
#include "checkpoint.c"
#include "import.c"
#include "api.c"
#include "seeds.h"

#define FOR_EACH_TARGET(X) X(idx) X(gzip) X(csv) X(cifar10) X(model) X(checkpoint) X(import) X(api)

typedef void (*replay_target)(const uint8_t *bytes, size_t size);

/* Gives the target an array of just its size. */
static void replay(replay_target target, const uint8_t *bytes, size_t size)
{
    file_bytes f = bytes_copy(bytes, size);
    target(f.bytes, f.size);
    free(f.bytes);
}

/* A corpus is an archive of ar's: a line of magic, then each file behind a header of 60 bytes,
 * where its size stands at 48, from an even place on. */
static int replay_archive(const char *path, replay_target target)
{
    enum { MAGIC = 8, HEAD = 60, SIZE = 48 };
    file_bytes f = bytes_of(path);
    size_t at = MAGIC, size;
    int count = 0;
    for (; at + HEAD <= f.size; at += HEAD + size + size % 2, count++) {
        size = (size_t)strtoul((const char *)f.bytes + at + SIZE, NULL, 10);
        if (size > f.size - at - HEAD) break;
        replay(target, f.bytes + at + HEAD, size);
    }
    CHECKF(at >= f.size, "%s: damaged at byte %lu", path, (unsigned long)at);
    free(f.bytes);
    return count;
}

/* The seeds of a target, its corpus, and the findings whose names begin with its. */
static void replay_kept(const char *name, replay_target target)
{
    char path[300];
    struct dirent *entry;
    DIR *d;
    int count, i;
    seeds_make();
    for (i = 0; i < seeds_count; i++)
        if (!strcmp(seeds[i].target, name))
            replay(target, seeds[i].input.bytes, seeds[i].input.size);
    snprintf(path, sizeof path, "tests/fuzz/corpus/%s.bin", name);
    count = replay_archive(path, target);
    CHECKF(count > 0, "%s: expected inputs, found none", path);
    d = opendir("tests/fuzz/findings");
    while (d && (entry = readdir(d)) != NULL) {
        file_bytes f;
        const size_t length = strlen(name);
        if (strncmp(entry->d_name, name, length) || entry->d_name[length] != '-') continue;
        snprintf(path, sizeof path, "tests/fuzz/findings/%.200s", entry->d_name);
        f = bytes_of(path);
        replay(target, f.bytes, f.size);
        free(f.bytes);
    }
    CHECK(d != NULL);
    if (d) closedir(d);
}

#define REPLAY_TEST(name)                \
    static void name##_inputs(void)      \
    {                                    \
        replay_kept(#name, fuzz_##name); \
    }
FOR_EACH_TARGET(REPLAY_TEST)

static int replay_files(char **argv)
{
#define REPLAY_ROW(name) {#name, fuzz_##name},
    static const struct {
        const char *name;
        replay_target target;
    } targets[] = {FOR_EACH_TARGET(REPLAY_ROW)};
    size_t i;
    for (i = 0; i < sizeof targets / sizeof *targets; i++) {
        char **path = argv + 2;
        if (strcmp(targets[i].name, argv[1])) continue;
        for (; *path; path++) {
            file_bytes f = bytes_of(*path);
            replay(targets[i].target, f.bytes, f.size);
            free(f.bytes);
        }
        return 0;
    }
    fprintf(stderr, "there is no target %s\n", argv[1]);
    return 2;
}

int main(int argc, char **argv)
{
#define REPLAY_ENTRY(name) TEST(name##_inputs),
    static const harness_test tests[] = {FOR_EACH_TARGET(REPLAY_ENTRY)};
    if (argc > 2) return replay_files(argv);
    return harness_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv);
}
