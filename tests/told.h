/* A table that a test makes, line by line, and that a file beside the test must have as it is. Not
 * every program needs all of it, hence the inlines. Include after files.h. */
#ifndef TOLD_H
#define TOLD_H
#include "files.h"
#include <stdarg.h>

static char told[60000];
static int told_length;

static inline void tell(const char *format, ...)
{
    const int room = (int)sizeof told - told_length;
    va_list list;
    va_start(list, format);
    told_length += vsnprintf(told + told_length, (size_t)room, format, list);
    va_end(list);
    if (told_length >= (int)sizeof told) told_length = (int)sizeof told - 1;
}

/* The first line of a text, in memory that the next two calls leave. */
static inline const char *first_line(const char *text)
{
    static char lines[2][200];
    static int turn;
    turn = !turn;
    snprintf(lines[turn], sizeof lines[turn], "%.*s", (int)strcspn(text, "\n"), text);
    return lines[turn];
}

/* Whether the file has what was told; where `says`, the lines that differ are failures. */
static inline int told_is(const char *path, int says)
{
    const file_bytes found = bytes_of(path);
    char *text = (char *)need(found.size + 1);
    const char *a = told, *b = text;
    int lines = 0;
    memcpy(text, found.bytes, found.size);
    text[found.size] = 0;
    while (*a || *b) {
        const size_t m = strcspn(a, "\n"), n = strcspn(b, "\n");
        if (m != n || memcmp(a, b, m)) {
            lines++;
            if (says)
                CHECKF(0, "%s:\n    expected %s\n    found    %s", path, first_line(b),
                       first_line(a));
        }
        a += m + (a[m] != 0);
        b += n + (b[n] != 0);
    }
    free(found.bytes);
    free(text);
    return lines == 0;
}
#endif
