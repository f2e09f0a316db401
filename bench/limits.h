/* The machine's limits for one instruction set, written over the library's vector vocabulary: the
 * header includes this file in each of its passes, since the bench names it as FNNI_MORE.
 * LIMIT(name) is FNNI_NAME(limit_name). */
#ifdef FNNI_PASS_SCALAR /* the first */
typedef struct bench_limits {
    ptrdiff_t lanes;
    double (*fma)(ptrdiff_t count, fnn_real *sink);
    double (*read)(ptrdiff_t vectors, const fnn_real *x, fnn_real *sink);
    double (*write)(ptrdiff_t vectors, fnn_real *x);
    double (*mix)(ptrdiff_t count, fnn_real *sink);
    double (*divide)(ptrdiff_t count, fnn_real *sink);
    void (*stream)(ptrdiff_t blocks, ptrdiff_t in, const fnn_real *x, ptrdiff_t out, fnn_real *y,
                   ptrdiff_t next, fnn_real *sink);
} bench_limits;
#endif
#define LIMIT(name) FNNI_NAME(limit_##name)

/* Twelve chains hide the latency of any multiply-add so far (4 or 5 cycles, 2 a cycle). */
#define LIMIT_CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define LIMIT_START(i) fnni_v c##i = fnni_vset((fnn_real)(1 + i));
#define LIMIT_SUM(i) sum = fnni_vadd(sum, c##i);

/* A step of all chains for p = 0, by, ... while one more ends by `end`; then their sum at sink. */
#define LIMIT_RUN(STEP, end, by)          \
    fnni_v sum = fnni_vzero();            \
    ptrdiff_t p;                          \
    LIMIT_CHAINS(LIMIT_START)             \
    for (p = 0; p + by <= end; p += by) { \
        LIMIT_CHAINS(STEP)                \
    }                                     \
    LIMIT_CHAINS(LIMIT_SUM)               \
    fnni_vstore(sink, sum);

#define LIMIT_STEP(i) c##i = fnni_vfma(c##i, x, y);
/* count x 12 multiply-adds of whole vectors from registers; the FLOPs done. */
FNNI_KERNEL double LIMIT(fma)(ptrdiff_t count, fnn_real *sink)
{
    const fnni_v x = fnni_vset((fnn_real)0.5), y = fnni_vset((fnn_real)0.25);
    LIMIT_RUN(LIMIT_STEP, count, 1)
    return 2.0 * 12 * (double)(count * FNNI_LANES);
}

#define LIMIT_LOAD(i) c##i = fnni_vadd(c##i, fnni_vload(x + (p + i) * FNNI_LANES));
/* Reads `vectors` (rounded down to a multiple of 12) vectors at x; the bytes read. */
FNNI_KERNEL double LIMIT(read)(ptrdiff_t vectors, const fnn_real *x, fnn_real *sink)
{
    LIMIT_RUN(LIMIT_LOAD, vectors, 12)
    return (double)p * sizeof(fnni_v);
}

#define LIMIT_WRITE(i) fnni_vstore(x + (p + i) * FNNI_LANES, y);
/* Writes as many; the bytes written (not what the cache reads for it first). */
FNNI_KERNEL double LIMIT(write)(ptrdiff_t vectors, fnn_real *x)
{
    const fnni_v y = fnni_vset((fnn_real)0.25);
    ptrdiff_t p;
    for (p = 0; p + 12 <= vectors; p += 12) {
        LIMIT_CHAINS(LIMIT_WRITE)
    }
    return (double)p * sizeof(fnni_v);
}

#define LIMIT_MIX(i)                      \
    if (i % 2) c##i = fnni_vadd(c##i, x); \
    else c##i = fnni_vfma(c##i, x, y);
/* count x 12 instructions, multiply-adds and additions in turns: some machines have other units
 * for the one than for the other. The instructions done. */
FNNI_KERNEL double LIMIT(mix)(ptrdiff_t count, fnn_real *sink)
{
    const fnni_v x = fnni_vset((fnn_real)0.5), y = fnni_vset((fnn_real)0.25);
    LIMIT_RUN(LIMIT_MIX, count, 1)
    return 12.0 * (double)count;
}

#define LIMIT_DIVIDE(i) c##i = fnni_vdiv(x, c##i);
/* count x 12 divisions; as many done. Square roots take about the same. */
FNNI_KERNEL double LIMIT(divide)(ptrdiff_t count, fnn_real *sink)
{
    const fnni_v x = fnni_vset((fnn_real)1.5);
    LIMIT_RUN(LIMIT_DIVIDE, count, 1)
    return 12.0 * (double)count;
}

/* blocks times: reads the next `in` vectors of x, then writes `out` at y and moves y on by `next`
 * reals. */
FNNI_KERNEL void LIMIT(stream)(ptrdiff_t blocks, ptrdiff_t in, const fnn_real *x, ptrdiff_t out,
                               fnn_real *y, ptrdiff_t next, fnn_real *sink)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a;
    const fnni_v z = fnni_vset((fnn_real)0.25);
    for (; blocks > 0; blocks--, y += next) {
        ptrdiff_t p;
        for (p = 0; p + 4 <= in; p += 4, x += 4 * FNNI_LANES) {
            a = fnni_vadd(a, fnni_vload(x));
            b = fnni_vadd(b, fnni_vload(x + FNNI_LANES));
            c = fnni_vadd(c, fnni_vload(x + 2 * FNNI_LANES));
            d = fnni_vadd(d, fnni_vload(x + 3 * FNNI_LANES));
        }
        for (; p < in; p++, x += FNNI_LANES) a = fnni_vadd(a, fnni_vload(x));
        for (p = 0; p < out; p++) fnni_vstore(y + p * FNNI_LANES, z);
    }
    fnni_vstore(sink, fnni_vadd(fnni_vadd(a, b), fnni_vadd(c, d)));
}

static const bench_limits FNNI_NAME(limits) = {
    FNNI_LANES, LIMIT(fma), LIMIT(read), LIMIT(write), LIMIT(mix), LIMIT(divide), LIMIT(stream)};

#undef LIMIT
#undef LIMIT_CHAINS
#undef LIMIT_START
#undef LIMIT_SUM
#undef LIMIT_RUN
#undef LIMIT_STEP
#undef LIMIT_LOAD
#undef LIMIT_WRITE
#undef LIMIT_MIX
#undef LIMIT_DIVIDE
