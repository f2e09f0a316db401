/* The test harness: a test is a function, a test program is a table of them.
 * A program prints a line per test and ends with `N passed, N failed, N skipped`.
 *
 * tests/run.sh links a program with the library as an object; a program that looks at what is
 * private holds the library itself, by defining FMNIST_NN_IMPLEMENTATION, and links with the
 * kernels. By hand any of them is compiled whole:
 *     cc -O1 -DFMNIST_NN_IMPLEMENTATION tests/test_model.c -lm && ./a.out [NAME] */
#ifndef HARNESS_H
#define HARNESS_H
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    void (*run)(void);
} harness_test;

/* clang-format off */
#define TEST(name) {#name, name}
/* clang-format on */

static int64_t harness_checks;   /* checks of the running test, */
static int harness_wrong;        /* and how many of them failed */
static const char *harness_skip; /* why the running test is skipped, or NULL */

/* Counts and reports a failed check; the first ten of a test are printed. */
static int harness_check(int holds, const char *file, int line, const char *format, ...)
{
    harness_checks++;
    if (!holds && ++harness_wrong <= 10) {
        va_list arguments;
        fprintf(stderr, "  %s:%d: ", file, line);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    }
    return holds;
}

#define CHECK(condition) harness_check((condition) != 0, __FILE__, __LINE__, "%s", #condition)
/* As CHECK with a printf message: CHECKF(a == b, "a %d, b %d", a, b) */
#define CHECKF(condition, ...) harness_check((condition) != 0, __FILE__, __LINE__, __VA_ARGS__)
/* Counts a comparison that speaks up, with CHECKF(0, ...), only where it finds a difference. */
#define COMPARED() (harness_checks++)
#define SKIP(reason) (harness_skip = (reason))
/* Whether to take fewer sizes: under a sanitizer or an emulator each costs ten times as much. */
#define QUICK() (getenv("TEST_QUICK") != NULL)

/* Memory that a test cannot do without. */
static inline void *need(size_t bytes)
{
    void *memory = bytes > SIZE_MAX / 2 ? NULL : malloc(bytes ? bytes : 1); /* gcc asks for that */
    if (!memory) {
        fputs("the test is out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

/* Runs the tests whose name contains argv[1] (all without one). */
static int harness_main(const harness_test *tests, int count, int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0, i;
    for (i = 0; i < count; i++) {
        if (argc > 1 && !strstr(tests[i].name, argv[1])) continue;
        harness_checks = harness_wrong = 0;
        harness_skip = NULL;
        tests[i].run();
        if (!harness_checks && !harness_skip) CHECKF(0, "%s checked nothing", tests[i].name);
        if (harness_wrong) failed++;
        else if (harness_skip) skipped++;
        else passed++;
        printf("%s %s%s%s\n",
               harness_wrong  ? "FAILED"
               : harness_skip ? "skipped"
                              : "ok",
               tests[i].name, harness_skip ? ": " : "", harness_skip ? harness_skip : "");
        fflush(stdout);
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
#define HARNESS_MAIN(tests)                                                            \
    int main(int argc, char **argv)                                                    \
    {                                                                                  \
        return harness_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv); \
    }
#endif
