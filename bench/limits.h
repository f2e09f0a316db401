/* The machine's limits for one instruction set, written over the library's vector vocabulary and
 * included once per instruction set by bench.h, with FNNI_NAME and LIMIT_TARGET saying which.
 * LIMIT(name) is FNNI_NAME(limit_name). */
#define LIMIT(name) FNNI_NAME(limit_##name)
#define LIMIT_LANES ((ptrdiff_t)(sizeof(fnni_v) / sizeof(fnn_real)))

/* Twelve chains hide the latency of any multiply-add so far (4 or 5 cycles, 2 a cycle). */
#define LIMIT_CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define LIMIT_START(i) fnni_v c##i = fnni_vset((fnn_real)(1 + i));
#define LIMIT_STEP(i) c##i = fnni_vfma(c##i, x, y);
#define LIMIT_SUM(i) sum = fnni_vadd(sum, c##i);

/* count x 12 multiply-adds of whole vectors from registers; the FLOPs done. */
LIMIT_TARGET static double LIMIT(fma)(ptrdiff_t count, fnn_real *sink)
{
    const fnni_v x = fnni_vset((fnn_real)0.5), y = fnni_vset((fnn_real)0.25);
    fnni_v sum = fnni_vzero();
    ptrdiff_t p;
    LIMIT_CHAINS(LIMIT_START)
    for (p = 0; p < count; p++) {
        LIMIT_CHAINS(LIMIT_STEP)
    }
    LIMIT_CHAINS(LIMIT_SUM)
    fnni_vstore(sink, sum);
    return 2.0 * 12 * (double)(count * LIMIT_LANES);
}

#define LIMIT_LOAD(i) c##i = fnni_vadd(c##i, fnni_vload(x + (p + i) * LIMIT_LANES));
/* Reads `vectors` (rounded down to a multiple of 12) vectors at x; the bytes read. */
LIMIT_TARGET static double LIMIT(read)(ptrdiff_t vectors, const fnn_real *x, fnn_real *sink)
{
    fnni_v sum = fnni_vzero();
    ptrdiff_t p;
    LIMIT_CHAINS(LIMIT_START)
    for (p = 0; p + 12 <= vectors; p += 12) {
        LIMIT_CHAINS(LIMIT_LOAD)
    }
    LIMIT_CHAINS(LIMIT_SUM)
    fnni_vstore(sink, sum);
    return (double)p * sizeof(fnni_v);
}

#define LIMIT_WRITE(i) fnni_vstore(x + (p + i) * LIMIT_LANES, y);
/* Writes as many; the bytes written (not what the cache reads for it first). */
LIMIT_TARGET static double LIMIT(write)(ptrdiff_t vectors, fnn_real *x)
{
    const fnni_v y = fnni_vset((fnn_real)0.25);
    ptrdiff_t p;
    for (p = 0; p + 12 <= vectors; p += 12) {
        LIMIT_CHAINS(LIMIT_WRITE)
    }
    return (double)p * sizeof(fnni_v);
}

static const bench_limits LIMIT(table) = {LIMIT_LANES, LIMIT(fma), LIMIT(read), LIMIT(write)};

#undef LIMIT
#undef LIMIT_LANES
#undef LIMIT_CHAINS
#undef LIMIT_START
#undef LIMIT_STEP
#undef LIMIT_SUM
#undef LIMIT_LOAD
#undef LIMIT_WRITE
