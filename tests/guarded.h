/* Operands of a kernel in slots, each a run of bytes between two inaccessible pages (where there
 * is mmap), and canaries in what an operand leaves of its slot. Before the system's headers the
 * program defines _DEFAULT_SOURCE. Include after harness.h. */
#ifndef GUARDED_H
#define GUARDED_H
#if defined(__unix__) || defined(__APPLE__)
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#define HAVE_GUARDS 1
#else
#define HAVE_GUARDS 0
#endif

#define GUARDED_SLOTS 12
static unsigned char *guarded_slots[GUARDED_SLOTS];
static size_t guarded_bytes;

/* Makes every slot of at least this many bytes. */
static void guarded_open(size_t bytes)
{
#if HAVE_GUARDS
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
#else
    const size_t page = 4096;
#endif
    const size_t old = guarded_bytes;
    int i;
    if (bytes <= old) return;
    guarded_bytes = (bytes + page - 1) / page * page;
    for (i = 0; i < GUARDED_SLOTS; i++) {
#if HAVE_GUARDS
        unsigned char *p;
        if (guarded_slots[i]) munmap(guarded_slots[i] - page, old + 2 * page);
        p = (unsigned char *)mmap(NULL, guarded_bytes + 2 * page, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) ||
            mprotect(p + page + guarded_bytes, page, PROT_NONE))
            exit(3);
        guarded_slots[i] = p + page;
#else
        free(guarded_slots[i]);
        guarded_slots[i] = (unsigned char *)malloc(guarded_bytes);
        if (!guarded_slots[i]) exit(3);
#endif
    }
}

/* Canaries reach this far round an operand: beyond the longest vector and a few rows. */
#define GUARDED_MARGIN 1024
static unsigned char *guarded_from(int slot, const unsigned char *p)
{
    unsigned char *start = guarded_slots[slot];
    return p - start > GUARDED_MARGIN ? start + (p - start - GUARDED_MARGIN) : start;
}
static unsigned char *guarded_to(int slot, const unsigned char *p)
{
    unsigned char *start = guarded_slots[slot];
    const size_t left = guarded_bytes - (size_t)(p - start);
    return start + (p - start) + (left < GUARDED_MARGIN ? left : GUARDED_MARGIN);
}

/* Room for count elements of `size` bytes. Placement 0: ends at the upper page. 1: starts at the
 * lower one. 2 and on: some elements after that, each slot by another number of them. */
static void *guarded_place(int slot, size_t size, size_t count, int placement)
{
    unsigned char *p = guarded_slots[slot], *q;
    if (size * count + 32 * size > guarded_bytes) exit(4);
    if (placement == 0)
        p += guarded_bytes - size * count;
    else if (placement > 1)
        p += size * (size_t)((placement - 1 + 5 * slot) % 32);
    for (q = guarded_from(slot, p); q < guarded_to(slot, p + size * count); q++) *q = 0xa5;
    return p;
}

/* Whether the canaries round the operand still stand. */
static int guarded_untouched(int slot, const void *operand, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)operand, *q;
    for (q = guarded_from(slot, p); q < p; q++)
        if (*q != 0xa5) return 0;
    for (q = p + bytes; q < guarded_to(slot, p + bytes); q++)
        if (*q != 0xa5) return 0;
    return 1;
}

#if HAVE_GUARDS
static jmp_buf guarded_escape;
static void guarded_caught(int signal_number)
{
    (void)signal_number;
    longjmp(guarded_escape, 1);
}

/* Whether a read beyond an operand's end is noticed. */
static int guarded_traps(void)
{
    void (*old)(int) = signal(SIGSEGV, guarded_caught);
    volatile int trapped = 1;
    guarded_open(64);
    if (setjmp(guarded_escape) == 0) {
        const volatile unsigned char *end = (unsigned char *)guarded_place(0, 1, 5, 0);
        if (end[5] == 0) trapped = 0;
        trapped = 0;
    }
    signal(SIGSEGV, old);
    return trapped;
}
#else
static int guarded_traps(void)
{
    return 1;
} /* nothing to notice it with */
#endif
#endif
