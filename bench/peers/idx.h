/* Fashion-MNIST's files for libraries that read none of them; counted with the programs' lines. */
#ifndef IDX_H
#define IDX_H
#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 784, CLASSES = 10 };

/* What stands behind the header of FOLDER/NAME; the count is the header's second number. */
static inline unsigned char *idx_read(const char *folder, const char *name, int header, int size,
                                      int *count)
{
    char path[1024];
    unsigned char head[16] = {0}, *bytes = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (f && fread(head, 1, (size_t)header, f) == (size_t)header) {
        *count = head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7];
        bytes = (unsigned char *)malloc((size_t)*count * (size_t)size);
    }
    if (!bytes || fread(bytes, (size_t)size, (size_t)*count, f) != (size_t)*count) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    return bytes;
}

static inline unsigned char *idx_images(const char *folder, const char *name, int *count)
{
    return idx_read(folder, name, 16, PIXELS, count);
}

static inline unsigned char *idx_labels(const char *folder, const char *name, int *count)
{
    return idx_read(folder, name, 8, 1, count);
}
#endif
