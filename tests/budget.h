/* Memory that runs out: an allocator which fails at the n-th request, once or from then on, and
 * counts what is live. */
#ifndef BUDGET_H
#define BUDGET_H
#include <stdlib.h>

typedef struct {
    int allowed; /* requests until one fails; negative: none does */
    int once;    /* only that one fails, not all after it */
    int live, requests, failed;
} budget;

static void *budget_allocate(void *user, size_t bytes)
{
    budget *b = (budget *)user;
    b->requests++;
    if (b->allowed == 0) {
        b->failed++;
        if (b->once) b->allowed = -1;
        return NULL;
    }
    if (b->allowed > 0) b->allowed--;
    b->live++;
    return malloc(bytes);
}

static void budget_release(void *user, void *memory)
{
    ((budget *)user)->live--;
    free(memory);
}
#endif
