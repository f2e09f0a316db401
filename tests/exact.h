/* For -include, under AddressSanitizer: memory of the library that ends where its arrays do. The
 * library takes room to align each block, behind which an element too many would go unseen. Nothing
 * is included here, since sources say what they want of the C library before they do. */
#ifndef EXACT_H
#define EXACT_H

extern int posix_memalign(void **memory, __SIZE_TYPE__ alignment, __SIZE_TYPE__ bytes);
extern void free(void *memory);

/* The library asks for FNNI_EXTRA more than an array has: a line, to align it, and a pointer that
 * it keeps below. Given so that the pointer ends a line, the array begins the next one, and the
 * line more is not needed. */
enum { EXACT_LINE = 64, EXACT_BEFORE = EXACT_LINE - sizeof(void *) };

static inline void *exact_allocate(__SIZE_TYPE__ bytes)
{
    void *memory;
    if (posix_memalign(&memory, EXACT_LINE, EXACT_BEFORE + bytes - EXACT_LINE)) return (void *)0;
    return (char *)memory + EXACT_BEFORE;
}

static inline void exact_release(void *given)
{
    if (given) free((char *)given - EXACT_BEFORE);
}

#define FMNIST_NN_MALLOC(bytes) exact_allocate(bytes)
#define FMNIST_NN_FREE(memory) exact_release(memory)

#endif
