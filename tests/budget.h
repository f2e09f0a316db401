/* An allocator that counts, and that fails at the n-th request, once or from then on. Include after
 * fmnist_nn.h. */
#ifndef BUDGET_H
#define BUDGET_H
#include <stdlib.h>
#include <string.h>

typedef struct {
    int allowed;                /* requests until one fails; negative: none does */
    int once;                   /* only that one fails, not all after it */
    int spoil;                  /* blocks begin full of NaN, which no result may show */
    int live, requests, failed; /* blocks that are out; requests; those refused */
    size_t held, most, largest; /* bytes that are out; the most that were; the largest request */
} budget;

/* Before each block: its size, and what a step below the block would change. */
typedef struct {
    size_t bytes, check;
} budget_head;

static void *budget_allocate(void *user, size_t bytes)
{
    budget *b = (budget *)user;
    budget_head *head;
    b->requests++;
    if (bytes > b->largest) b->largest = bytes;
    if (b->allowed == 0) {
        b->failed++;
        if (b->once) b->allowed = -1;
        return NULL;
    }
    if (b->allowed > 0) b->allowed--;
    head = bytes > (size_t)-1 - sizeof *head ? NULL : (budget_head *)malloc(sizeof *head + bytes);
    if (!head) return NULL;
    head->bytes = bytes;
    head->check = ~bytes;
    if (b->spoil) memset(head + 1, 0xff, bytes);
    b->live++;
    b->held += bytes;
    if (b->held > b->most) b->most = b->held;
    return head + 1;
}

static void budget_release(void *user, void *memory)
{
    budget *b = (budget *)user;
    budget_head *head;
    if (!memory) return; /* as free does */
    head = (budget_head *)memory - 1;
    if (head->check != ~head->bytes) abort(); /* not a block of ours, or written below it */
    b->live--;
    b->held -= head->bytes;
    free(head);
}

/* The library's allocator that this budget pays for. */
static inline fnn_allocator budget_allocator(budget *b)
{
    fnn_allocator a;
    a.allocate = budget_allocate;
    a.release = budget_release;
    a.user = b;
    return a;
}

/* The same, with all counts at 0 and no limit yet. */
static inline fnn_allocator budget_open(budget *b)
{
    memset(b, 0, sizeof *b);
    b->allowed = -1;
    return budget_allocator(b);
}
#endif
