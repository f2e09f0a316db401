/* Operands of a kernel in slots, each a run of bytes between two inaccessible pages (where there
 * is mmap), and canaries in all that an operand leaves of its area, a slot's part in use. Before
 * the system's headers the program defines _DEFAULT_SOURCE. Include after harness.h. */
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
#define GUARDED_CANARY 0xa5
/* The slots, and what is in use of each at one of its ends; the bytes of both. */
static unsigned char *guarded_slots[GUARDED_SLOTS], *guarded_areas[GUARDED_SLOTS];
static size_t guarded_capacity, guarded_bytes;

/* Makes every area of at least this many bytes. */
static void guarded_open(size_t bytes)
{
#if HAVE_GUARDS
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
#else
    const size_t page = 4096;
#endif
    const size_t old = guarded_capacity;
    int i;
    guarded_bytes = (bytes + page - 1) / page * page;
    if (guarded_bytes <= old) return;
    guarded_capacity = guarded_bytes;
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

/* Room for count elements of `size` bytes. Placement 0: ends at the upper page. 1: starts at the
 * lower one. 2 and on: some elements after that, each slot by another number of them; those before
 * GUARDED_PLACEMENTS are all that differ by their place in a vector. */
#define GUARDED_PLACEMENTS 18
static void *guarded_place(int slot, size_t size, size_t count, int placement)
{
    unsigned char *area = guarded_slots[slot];
    if (size * count + 32 * size > guarded_bytes) exit(4);
    if (placement == 0) area += guarded_capacity - guarded_bytes;
    guarded_areas[slot] = area;
    memset(area, GUARDED_CANARY, guarded_bytes);
    if (placement == 0) return area + guarded_bytes - size * count;
    if (placement == 1) return area;
    return area + size * (size_t)((placement - 1 + 5 * slot) % 32);
}

static int guarded_is_canaries(const unsigned char *p, size_t bytes)
{
    return bytes == 0 || (*p == GUARDED_CANARY && memcmp(p, p + 1, bytes - 1) == 0);
}

/* Whether the canaries round the operand still stand. */
static int guarded_untouched(int slot, const void *operand, size_t bytes)
{
    const unsigned char *start = guarded_areas[slot], *p = (const unsigned char *)operand;
    const size_t before = (size_t)(p - start);
    return guarded_is_canaries(start, before) &&
           guarded_is_canaries(p + bytes, guarded_bytes - before - bytes);
}

#if HAVE_GUARDS
static sigjmp_buf guarded_escape; /* with the signal mask, so that the next one is caught too */
static void guarded_caught(int signal_number)
{
    (void)signal_number;
    siglongjmp(guarded_escape, 1);
}

/* Whether run() is stopped by a guard. */
static int guarded_stops(void (*run)(void))
{
    void (*old)(int) = signal(SIGSEGV, guarded_caught);
    volatile int stopped = 1;
    if (sigsetjmp(guarded_escape, 1) == 0) {
        run();
        stopped = 0;
    }
    signal(SIGSEGV, old);
    return stopped;
}
#else
static int guarded_stops(void (*run)(void))
{
    (void)run;
    return 1; /* nothing to stop it with */
}
#endif

static void guarded_read_beyond(void)
{
    const volatile unsigned char *end = (unsigned char *)guarded_place(0, 1, 5, 0);
    (void)end[5];
}

/* Whether a read beyond an operand's end and a write beside it are noticed. */
static int guarded_notices(void)
{
    unsigned char *p;
    guarded_open(64);
    p = (unsigned char *)guarded_place(0, 1, 5, 3);
    memset(p, 0, 5);
    if (!guarded_untouched(0, p, 5) || guarded_untouched(0, p, 4)) return 0;
    p[-1] = 0;
    if (guarded_untouched(0, p, 5)) return 0;
    return guarded_stops(guarded_read_beyond);
}
#endif
