/* For the tests whose results are long sums of products: operands, and a context of every
 * instruction set. Include after operands.h. */
#ifndef SUMS_H
#define SUMS_H

#define SLACK WIDE_SLACK

static wide magnitude(wide x)
{
    return x < 0 ? -x : x;
}

static void fill(fnn_real *x, size_t count, int integers)
{
    size_t i;
    for (i = 0; i < count; i++) x[i] = (fnn_real)(integers ? below(11) - 5 : uniform(-1, 1));
}

/* ---- the contexts: one for each instruction set of the machine, NULL for the others ---- */
static fnn_context *contexts[FNN_ISA_COUNT];
static int contexts_no_winograd;         /* what they are opened with */
static fnn_allocator contexts_allocator; /* the C library's, or what the program defines it as */

static fnn_context *context_open(int isa, int threads)
{
    fnn_context_config config = fnn_context_config_init();
    config.isa = (fnn_isa)isa;
    config.threads = threads;
    config.no_winograd = contexts_no_winograd;
    config.allocator = contexts_allocator;
    return fnn_context_create(&config, NULL);
}

static void contexts_open(int threads)
{
    int isa;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        contexts[isa] = NULL;
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        contexts[isa] = context_open(isa, threads);
        CHECKF(contexts[isa], "no context for %s", fnn_isa_name((fnn_isa)isa));
    }
}

static void contexts_close(void)
{
    int isa;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        fnn_context_free(contexts[isa]);
        contexts[isa] = NULL;
    }
}
#endif
