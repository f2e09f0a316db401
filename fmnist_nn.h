/* fmnist_nn.h - version 0.1.0 - multilayer perceptrons and convolutional networks on the CPU,
 * at the machine's speed, in one C header with nothing but libc.
 *
 *     #define FMNIST_NN_IMPLEMENTATION   (in one .c or .cpp file of the program)
 *     #include "fmnist_nn.h"
 *
 *     cc -O2 app.c -lm                    (add -fopenmp for threads)
 *
 * QUICK START
 *
 * CONTENTS: search for a tag to land in its room.
 *     DOCUMENTATION   this comment
 *     >>api           what a program calls; all that a user need read
 *     >>platform      compiler macros, intrinsic headers, CPU detection
 *     >>kernel-list   every kernel, named once, with its contract
 *     >>kernels       the room compiled once per instruction set
 *     >>dispatch      the passes, and which table a context gets
 *     >>memory        errors, allocation, contexts
 *     >>random        counter-based random numbers
 *     >>threads       the one parallel loop
 *     >>gemm          blocking and packing, no instruction set here
 *     >>public        thin API functions: check arguments, call the rooms
 */
#ifndef FNNI_PASS /* not one of the kernel passes, in which this file includes itself */
#ifndef FMNIST_NN_H
#define FMNIST_NN_H

/* ============================================================================
 * >>api  what a program calls; all that a user need read
 * ============================================================================ */
#include <stddef.h>
#include <stdint.h>

#define FNN_VERSION "0.1.0"

#ifdef FMNIST_NN_STATIC
#if defined(__GNUC__) || defined(__clang__)
#define FNN_API static __attribute__((unused))
#else
#define FNN_API static
#endif
#define FNN_DEF FNN_API
#else
#define FNN_API extern
#define FNN_DEF
#endif

#ifndef FMNIST_NN_REAL
#define FMNIST_NN_REAL float
#endif
#define FNNI_REAL_IS_float 0
#define FNNI_REAL_IS_double 1
#define FNNI_REAL_TEST_(type) FNNI_REAL_IS_##type
#define FNNI_REAL_TEST(type) FNNI_REAL_TEST_(type)
#define FNNI_REAL_IS_DOUBLE FNNI_REAL_TEST(FMNIST_NN_REAL)

/* The double library's symbols carry a suffix: units with different reals do not link. */
#if FNNI_REAL_IS_DOUBLE
#define fnn_context_config_init fnn_context_config_init_f64
#define fnn_context_create fnn_context_create_f64
#define fnn_context_free fnn_context_free_f64
#define fnn_info fnn_info_f64
#define fnn_isa_available fnn_isa_available_f64
#define fnn_isa_name fnn_isa_name_f64
#define fnn_result_text fnn_result_text_f64
#define fnn_sgemm fnn_sgemm_f64
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The number type of the whole library: float, or double with #define FMNIST_NN_REAL double. */
typedef FMNIST_NN_REAL fnn_real;

/* ---- results and errors ---- */

/* Every fallible call returns one of these; X(name, text). */
#define FNN_RESULT_LIST(X) \
    X(FNN_OK, "no error") \
    X(FNN_ERROR_ARGUMENT, "an argument is not valid") \
    X(FNN_ERROR_MEMORY, "out of memory") \
    X(FNN_ERROR_FILE, "a file could not be opened, read or written") \
    X(FNN_ERROR_FORMAT, "a file's contents are not what they should be") \
    X(FNN_ERROR_STATE, "the call does not fit what the object has been through") \
    X(FNN_ERROR_NUMERIC, "a number is not finite") \
    X(FNN_ERROR_STOPPED, "stopped by the caller's callback")
#define FNNI_RESULT_NAME(name, text) name,
typedef enum fnn_result { FNN_RESULT_LIST(FNNI_RESULT_NAME) FNN_RESULT_COUNT } fnn_result;
#undef FNNI_RESULT_NAME

/* Says what a result means, in general; an fnn_error or fnn_model_error says it of the case. */
FNN_API const char *fnn_result_text(fnn_result result);

/* What went wrong: filled by calls that take one (NULL is allowed everywhere). */
typedef struct fnn_error {
    fnn_result code;
    char message[256];
} fnn_error;

/* ---- contexts: instruction set, threads, memory ---- */

/* Where memory comes from. NULL functions: FMNIST_NN_MALLOC and FMNIST_NN_FREE, which are
 * malloc and free. The library aligns what it gets; any address will do. */
typedef struct fnn_allocator {
    void *(*allocate)(void *user, size_t bytes); /* NULL when there is no memory */
    void (*release)(void *user, void *memory);
    void *user;
} fnn_allocator;

typedef enum fnn_isa {
    FNN_ISA_BEST, /* the best this machine has, or what the environment variable FNN_ISA says */
    FNN_ISA_SCALAR,
    FNN_ISA_AVX2,   /* and FMA */
    FNN_ISA_AVX512, /* F, BW, DQ, VL */
    FNN_ISA_NEON,
    FNN_ISA_COUNT
} fnn_isa;

#define FNN_THREADS_OPENMP (-1) /* as many as OpenMP would use: OMP_NUM_THREADS or the cores */

typedef struct fnn_context_config {
    fnn_isa isa;             /* FNN_ISA_BEST */
    int threads;             /* 1 */
    fnn_allocator allocator; /* malloc and free */
} fnn_context_config;

/* A context holds the instruction set, the number of threads and the workspace of the calls
 * that get it: one context, one call at a time. NULL in a kernel's place of a context means
 * one thread, the best instruction set, and workspace allocated for this call alone. */
typedef struct fnn_context fnn_context;

/* The defaults named beside the fields above. */
FNN_API fnn_context_config fnn_context_config_init(void);

/* Makes a context (config NULL: the defaults). Returns NULL and fills *error when memory is
 * out, or when the instruction set asked for (by the config or by FNN_ISA) is unknown, not in
 * this build or not on this machine. */
FNN_API fnn_context *fnn_context_create(const fnn_context_config *config, fnn_error *error);

/* Frees a context; NULL is allowed. */
FNN_API void fnn_context_free(fnn_context *context);

/* One line: version, real, instruction set, OpenMP or not. context NULL: what NULL would get. */
FNN_API const char *fnn_info(const fnn_context *context);

/* Whether this build and this machine have the instruction set (1 or 0), and its name as FNN_ISA takes it. */
FNN_API int fnn_isa_available(fnn_isa isa);
FNN_API const char *fnn_isa_name(fnn_isa isa);

/* ---- kernels ---- */

/* C = alpha op(A) op(B) + beta C, as BLAS' sgemm on row-major matrices.
 * op(A) is (m,k): a is (m,lda) with lda >= k, or transposed (k,lda) with lda >= m; op(B) is
 * (k,n): b is (k,ldb) with ldb >= n, or transposed (n,ldb) with ldb >= k; c is (m,ldc),
 * ldc >= n. c overlaps neither a nor b. beta 0 never reads C, alpha 0 neither A nor B, so
 * what stands there may be NaN. Each element's sum runs over k in one order, whatever m, n
 * and the threads are. Returns FNN_ERROR_ARGUMENT on a negative size, a leading dimension too
 * small or a NULL matrix that would be read or written, FNN_ERROR_MEMORY without workspace. */
FNN_API fnn_result fnn_sgemm(fnn_context *context, int transpose_a, int transpose_b, ptrdiff_t m,
                             ptrdiff_t n, ptrdiff_t k, fnn_real alpha, const fnn_real *a,
                             ptrdiff_t lda, const fnn_real *b, ptrdiff_t ldb, fnn_real beta,
                             fnn_real *c, ptrdiff_t ldc);

#ifdef __cplusplus
}
#endif
/* That is all of the interface: stop here if you only want to use the library. */
#endif /* FMNIST_NN_H */

/* ============================================================================
 * >>platform  compiler macros, intrinsic headers, CPU detection
 * ============================================================================
 * The only place (with >>kernels and >>dispatch) that asks which compiler, system or
 * processor this is. To support another compiler, give it its lines here. */
#if defined(FMNIST_NN_IMPLEMENTATION) && !defined(FNNI_IMPLEMENTATION)
#define FNNI_IMPLEMENTATION

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#ifndef FMNIST_NN_FILE
#define FMNIST_NN_FILE "fmnist_nn.h" /* by what name this file includes itself */
#endif
#if defined(FMNIST_NN_MALLOC) != defined(FMNIST_NN_FREE)
#error "define both FMNIST_NN_MALLOC(bytes) and FMNIST_NN_FREE(pointer), or neither"
#endif
#ifndef FMNIST_NN_MALLOC
#define FMNIST_NN_MALLOC(bytes) malloc(bytes)
#define FMNIST_NN_FREE(pointer) free(pointer)
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FNNI_GNU 1
#else
#define FNNI_GNU 0
#endif

/* Which instruction sets this build holds. The double library has the scalar one alone. */
#if defined(FMNIST_NN_NO_SIMD) || FNNI_REAL_IS_DOUBLE
#define FNNI_X86 0
#define FNNI_ARM64 0
#elif (defined(__x86_64__) || defined(__i386__)) && FNNI_GNU
#define FNNI_X86 1
#define FNNI_ARM64 0
#elif defined(_M_X64)
#define FNNI_X86 1
#define FNNI_ARM64 0
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define FNNI_X86 0
#define FNNI_ARM64 1
#else
#define FNNI_X86 0
#define FNNI_ARM64 0
#endif

#if FNNI_X86
#include <immintrin.h>
#if !FNNI_GNU
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif
#if FNNI_ARM64
#include <arm_neon.h>
#endif

#if FNNI_GNU
#define FNNI_UNUSED __attribute__((unused))
#define FNNI_FORCE_INLINE static inline __attribute__((always_inline, unused))
#define FNNI_FORMAT(string, first) __attribute__((format(printf, string, first)))
#define FNNI_PREFETCH(address) __builtin_prefetch(address)
#else
#define FNNI_UNUSED
#define FNNI_FORCE_INLINE static __forceinline
#define FNNI_FORMAT(string, first)
#define FNNI_PREFETCH(address) ((void)(address))
#endif
#define FNNI_RESTRICT __restrict

#define FNNI_PASTE_(a, b) a##b
#define FNNI_PASTE(a, b) FNNI_PASTE_(a, b)

/* Passes over the kernel room, and what carries an instruction set into a function. */
#define FNNI_PASS_SCALAR 0
#define FNNI_PASS_AVX2 1
#define FNNI_PASS_AVX512 2
#define FNNI_PASS_NEON 3
#if FNNI_GNU
#define FNNI_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define FNNI_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#else
#define FNNI_TARGET_AVX2
#define FNNI_TARGET_AVX512
#endif

/* Everything in the kernel room is named through these, which take the suffix of the pass
 * at the place of use (FNNI_NAME is defined anew in each pass). */
#define fnni_v FNNI_NAME(v)
#define fnni_m FNNI_NAME(m)
#define fnni_vi FNNI_NAME(vi)
#define fnni_vzero FNNI_NAME(vzero)
#define fnni_vset FNNI_NAME(vset)
#define fnni_vload FNNI_NAME(vload)
#define fnni_vstore FNNI_NAME(vstore)
#define fnni_vmask FNNI_NAME(vmask)
#define fnni_vload_m FNNI_NAME(vload_m)
#define fnni_vstore_m FNNI_NAME(vstore_m)
#define fnni_vadd FNNI_NAME(vadd)
#define fnni_vsub FNNI_NAME(vsub)
#define fnni_vmul FNNI_NAME(vmul)
#define fnni_vdiv FNNI_NAME(vdiv)
#define fnni_vfma FNNI_NAME(vfma)
#define fnni_vfnma FNNI_NAME(vfnma)
#define fnni_tile_store FNNI_NAME(tile_store)
#define fnni_tile_body FNNI_NAME(tile_body)
#define fnni_tile_rows FNNI_NAME(tile_rows)
#define fnni_tile_columns FNNI_NAME(tile_columns)
#define fnni_gemm_tile FNNI_NAME(gemm_tile)
#define fnni_pack_rows FNNI_NAME(pack_rows)
#define fnni_pack_transposed FNNI_NAME(pack_transposed)
#define fnni_vtranspose FNNI_NAME(vtranspose)
#define fnni_pack_square FNNI_NAME(pack_square)
#define fnni_vtranspose_fours FNNI_NAME(vtranspose_fours)
#define fnni_vtranspose_halves FNNI_NAME(vtranspose_halves)
#define fnni_vtranspose_quarters FNNI_NAME(vtranspose_quarters)

/* Whether processor and operating system both support an instruction set: CPUID says what the
 * processor has, XGETBV which registers the system saves (Intel SDM vol. 1, 14.3 and 15.2). */
#if FNNI_X86
static void fnni_cpuid(unsigned leaf, unsigned *registers)
{
#if FNNI_GNU
    if (!__get_cpuid_count(leaf, 0, registers, registers + 1, registers + 2, registers + 3))
        registers[0] = registers[1] = registers[2] = registers[3] = 0;
#else
    __cpuidex((int *)registers, (int)leaf, 0);
#endif
}

static unsigned fnni_saved_registers(void)
{
#if FNNI_GNU
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#else
    return (unsigned)_xgetbv(0);
#endif
}

static int fnni_machine_has(fnn_isa isa)
{
    unsigned one[4], seven[4], saved;
    int avx2, avx512;
    if (isa == FNN_ISA_SCALAR) return 1;
    fnni_cpuid(1, one);
    fnni_cpuid(7, seven);
    if (!(one[2] >> 27 & 1)) return 0; /* OSXSAVE: without it there is no XGETBV */
    saved = fnni_saved_registers();
    avx2 = (saved & 0x06) == 0x06 && (one[2] >> 12 & 1) && (one[2] >> 28 & 1) && (seven[1] >> 5 & 1);
    avx512 = avx2 && (saved & 0xe6) == 0xe6 && (seven[1] >> 16 & 1) && (seven[1] >> 17 & 1) &&
             (seven[1] >> 30 & 1) && (seven[1] >> 31 & 1); /* F, DQ, BW, VL */
#ifdef FMNIST_NN_NO_AVX512
    avx512 = 0;
#endif
    return isa == FNN_ISA_AVX2 ? avx2 : isa == FNN_ISA_AVX512 ? avx512 : 0;
}
#else
static int fnni_machine_has(fnn_isa isa)
{
    return isa == FNN_ISA_SCALAR || (FNNI_ARM64 && isa == FNN_ISA_NEON);
}
#endif

static int fnni_openmp_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* ============================================================================
 * >>kernel-list  every kernel, named once, with its contract
 * ============================================================================
 * The list makes the kernel table's struct and, in each pass, its initialiser. To add a
 * kernel: one line here, one function in >>kernels, one naive twin with a test row
 * (tests/test_kernels.c), one row in bench/kernels.c. Lengths may be 0; nothing is read or
 * written outside the arrays given; arrays need no alignment; y may be x unless said. */

/* What a GEMM tile shares with its neighbours. A is read at a[i*lda + p], or with
 * a_transposed at a[p*lda + i]; B at b[p*ldb + j]; C at c[i*ldc + j]. */
typedef struct fnni_tile {
    ptrdiff_t k, lda, ldb, ldc;
    int a_transposed;
    fnn_real alpha, beta; /* beta 0: C is not read */
} fnni_tile;

#define FNNI_KERNEL_LIST(X)                                                                        \
    /* c = alpha a b + beta c for 1..tile_rows rows and 1..tile_columns columns; each element      \
       is one chain of k multiply-adds from p = 0 upwards, whatever the tile's shape. */           \
    X(void, gemm_tile,                                                                             \
      (const fnni_tile *tile, int rows, int columns, const fnn_real *a, const fnn_real *b,         \
       fnn_real *c))                                                                               \
    /* panel[p*width + j] = x[p*ldx + j], zero for j in columns..width-1. */                       \
    X(void, pack_rows,                                                                             \
      (ptrdiff_t k, int columns, int width, const fnn_real *x, ptrdiff_t ldx, fnn_real *panel))    \
    /* panel[p*width + j] = x[j*ldx + p], zero for j in columns..width-1. */                       \
    X(void, pack_transposed,                                                                       \
      (ptrdiff_t k, int columns, int width, const fnn_real *x, ptrdiff_t ldx, fnn_real *panel))

#define FNNI_KERNEL_FIELD(type, name, parameters) type(*name) parameters;
typedef struct fnni_kernels {
    fnn_isa isa;
    int lanes, tile_rows, tile_columns;
    FNNI_KERNEL_LIST(FNNI_KERNEL_FIELD)
} fnni_kernels;

#define FNNI_PASS FNNI_PASS_SCALAR /* the first pass is compiled in place, now */
#endif /* FMNIST_NN_IMPLEMENTATION */
#endif /* !FNNI_PASS */

/* ============================================================================
 * >>kernels  the room compiled once per instruction set
 * ============================================================================
 * Each kernel stands here once, written over the vector vocabulary. The header includes itself with FNNI_PASS
 * telling the instruction set; pass 0, scalar, is compiled in place and is the readable
 * reference. Never test __AVX2__ and the like here: the target attribute does not define them.
 * Kernels are leaves: no allocation, no threads, no calls out of the room.
 * To add an instruction set: one vocabulary block, one pass in >>dispatch.
 *
 * The vocabulary (each name gets the pass's suffix; a, b, c vectors, m mask):
 *   vzero() vset(x)            0, x in every lane
 *   vload(p) vstore(p, a)      p[0..LANES-1]
 *   vmask(n)                   mask of the first n lanes, 0 <= n <= LANES
 *   vload_m(p, m)              p[i] where m, else 0; what m leaves out is not touched
 *   vstore_m(p, m, a)          p[i] = a[i] where m; the rest is not touched
 *   vadd vsub vmul vdiv        a+b a-b a*b a/b
 *   vfma(a, b, c)              a*b + c    (one rounding where the machine has it)
 *   vfnma(a, b, c)             c - a*b
 */
#ifdef FNNI_PASS

#undef FNNI_NAME
#undef FNNI_TARGET
#undef FNNI_ISA
#undef FNNI_LANES
#undef FNNI_LANE_LIST
#undef FNNI_TILE_VECTORS
#undef FNNI_TILE_ROWS
#if FNNI_PASS == FNNI_PASS_SCALAR
#define FNNI_NAME(name) fnni_##name##_scalar
#define FNNI_ISA FNN_ISA_SCALAR
#define FNNI_TARGET
#elif FNNI_PASS == FNNI_PASS_AVX2
#define FNNI_NAME(name) fnni_##name##_avx2
#define FNNI_ISA FNN_ISA_AVX2
#define FNNI_TARGET FNNI_TARGET_AVX2
#elif FNNI_PASS == FNNI_PASS_AVX512
#define FNNI_NAME(name) fnni_##name##_avx512
#define FNNI_ISA FNN_ISA_AVX512
#define FNNI_TARGET FNNI_TARGET_AVX512
#elif FNNI_PASS == FNNI_PASS_NEON
#define FNNI_NAME(name) fnni_##name##_neon
#define FNNI_ISA FNN_ISA_NEON
#define FNNI_TARGET
#endif
#define FNNI_KERNEL FNNI_TARGET static
#define FNNI_INLINE FNNI_TARGET FNNI_FORCE_INLINE

/* ---- vocabulary: scalar, one lane ---- */
#if FNNI_PASS == FNNI_PASS_SCALAR
#define FNNI_LANES 1
#define FNNI_LANE_LIST(X) X(0)
#define FNNI_TILE_VECTORS 4
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3)
typedef fnn_real fnni_v;
typedef int fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return 0; }
FNNI_INLINE fnni_v fnni_vset(fnn_real x) { return x; }
FNNI_INLINE fnni_v fnni_vload(const fnn_real *p) { return *p; }
FNNI_INLINE void fnni_vstore(fnn_real *p, fnni_v a) { *p = a; }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n) { return n > 0; }
FNNI_INLINE fnni_v fnni_vload_m(const fnn_real *p, fnni_m m) { return m ? *p : 0; }
FNNI_INLINE void fnni_vstore_m(fnn_real *p, fnni_m m, fnni_v a) { if (m) *p = a; }
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return a + b; }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return a - b; }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return a * b; }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return a / b; }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return a * b + c; }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return c - a * b; }
FNNI_INLINE void fnni_vtranspose(fnni_v *x) { (void)x; }
#endif

/* ---- vocabulary: AVX2 + FMA, eight lanes ---- */
#if FNNI_PASS == FNNI_PASS_AVX2
#define FNNI_LANES 8
#define FNNI_LANE_LIST(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define FNNI_TILE_VECTORS 2
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)
typedef __m256 fnni_v;
typedef __m256 fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return _mm256_setzero_ps(); }
FNNI_INLINE fnni_v fnni_vset(float x) { return _mm256_set1_ps(x); }
FNNI_INLINE fnni_v fnni_vload(const float *p) { return _mm256_loadu_ps(p); }
FNNI_INLINE void fnni_vstore(float *p, fnni_v a) { _mm256_storeu_ps(p, a); }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n)
{
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                                                  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
FNNI_INLINE fnni_v fnni_vload_m(const float *p, fnni_m m) { return _mm256_maskload_ps(p, _mm256_castps_si256(m)); }
FNNI_INLINE void fnni_vstore_m(float *p, fnni_m m, fnni_v a) { _mm256_maskstore_ps(p, _mm256_castps_si256(m), a); }
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return _mm256_add_ps(a, b); }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return _mm256_sub_ps(a, b); }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return _mm256_mul_ps(a, b); }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return _mm256_div_ps(a, b); }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return _mm256_fmadd_ps(a, b, c); }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return _mm256_fnmadd_ps(a, b, c); }
/* Four rows within each half, then the halves. */
FNNI_INLINE void fnni_vtranspose_fours(fnni_v *a, fnni_v *b, fnni_v *c, fnni_v *d)
{
    const fnni_v ab = _mm256_unpacklo_ps(*a, *b), cd = _mm256_unpacklo_ps(*c, *d);
    const fnni_v AB = _mm256_unpackhi_ps(*a, *b), CD = _mm256_unpackhi_ps(*c, *d);
    *a = _mm256_shuffle_ps(ab, cd, 0x44);
    *b = _mm256_shuffle_ps(ab, cd, 0xee);
    *c = _mm256_shuffle_ps(AB, CD, 0x44);
    *d = _mm256_shuffle_ps(AB, CD, 0xee);
}
FNNI_INLINE void fnni_vtranspose_halves(fnni_v *a, fnni_v *b)
{
    const fnni_v low = _mm256_permute2f128_ps(*a, *b, 0x20);
    *b = _mm256_permute2f128_ps(*a, *b, 0x31);
    *a = low;
}
FNNI_INLINE void fnni_vtranspose(fnni_v *x)
{
    fnni_vtranspose_fours(x, x + 1, x + 2, x + 3);
    fnni_vtranspose_fours(x + 4, x + 5, x + 6, x + 7);
    fnni_vtranspose_halves(x, x + 4);
    fnni_vtranspose_halves(x + 1, x + 5);
    fnni_vtranspose_halves(x + 2, x + 6);
    fnni_vtranspose_halves(x + 3, x + 7);
}
#endif

/* ---- vocabulary: AVX-512, sixteen lanes ---- */
#if FNNI_PASS == FNNI_PASS_AVX512
#define FNNI_LANES 16
#define FNNI_LANE_LIST(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define FNNI_TILE_VECTORS 2
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
typedef __m512 fnni_v;
typedef __mmask16 fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return _mm512_setzero_ps(); }
FNNI_INLINE fnni_v fnni_vset(float x) { return _mm512_set1_ps(x); }
FNNI_INLINE fnni_v fnni_vload(const float *p) { return _mm512_loadu_ps(p); }
FNNI_INLINE void fnni_vstore(float *p, fnni_v a) { _mm512_storeu_ps(p, a); }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n) { return (fnni_m)((1u << n) - 1u); }
FNNI_INLINE fnni_v fnni_vload_m(const float *p, fnni_m m) { return _mm512_maskz_loadu_ps(m, p); }
FNNI_INLINE void fnni_vstore_m(float *p, fnni_m m, fnni_v a) { _mm512_mask_storeu_ps(p, m, a); }
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return _mm512_add_ps(a, b); }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return _mm512_sub_ps(a, b); }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return _mm512_mul_ps(a, b); }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return _mm512_div_ps(a, b); }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return _mm512_fmadd_ps(a, b, c); }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return _mm512_fnmadd_ps(a, b, c); }
/* Four rows within each quarter of a register, then the quarters. The maskz forms with all lanes
 * on are the plain instructions: the unmasked intrinsics make g++ 12 warn (-Wmaybe-uninitialized)
 * about a variable in its own header. */
FNNI_INLINE void fnni_vtranspose_fours(fnni_v *a, fnni_v *b, fnni_v *c, fnni_v *d)
{
    const fnni_v ab = _mm512_maskz_unpacklo_ps(0xffff, *a, *b), cd = _mm512_maskz_unpacklo_ps(0xffff, *c, *d);
    const fnni_v AB = _mm512_maskz_unpackhi_ps(0xffff, *a, *b), CD = _mm512_maskz_unpackhi_ps(0xffff, *c, *d);
    *a = _mm512_maskz_shuffle_ps(0xffff, ab, cd, 0x44);
    *b = _mm512_maskz_shuffle_ps(0xffff, ab, cd, 0xee);
    *c = _mm512_maskz_shuffle_ps(0xffff, AB, CD, 0x44);
    *d = _mm512_maskz_shuffle_ps(0xffff, AB, CD, 0xee);
}
FNNI_INLINE void fnni_vtranspose_quarters(fnni_v *a, fnni_v *b, fnni_v *c, fnni_v *d)
{
    const fnni_v ab = _mm512_maskz_shuffle_f32x4(0xffff, *a, *b, 0x44), cd = _mm512_maskz_shuffle_f32x4(0xffff, *c, *d, 0x44);
    const fnni_v AB = _mm512_maskz_shuffle_f32x4(0xffff, *a, *b, 0xee), CD = _mm512_maskz_shuffle_f32x4(0xffff, *c, *d, 0xee);
    *a = _mm512_maskz_shuffle_f32x4(0xffff, ab, cd, 0x88);
    *b = _mm512_maskz_shuffle_f32x4(0xffff, ab, cd, 0xdd);
    *c = _mm512_maskz_shuffle_f32x4(0xffff, AB, CD, 0x88);
    *d = _mm512_maskz_shuffle_f32x4(0xffff, AB, CD, 0xdd);
}
FNNI_INLINE void fnni_vtranspose(fnni_v *x)
{
    fnni_vtranspose_fours(x, x + 1, x + 2, x + 3);
    fnni_vtranspose_fours(x + 4, x + 5, x + 6, x + 7);
    fnni_vtranspose_fours(x + 8, x + 9, x + 10, x + 11);
    fnni_vtranspose_fours(x + 12, x + 13, x + 14, x + 15);
    fnni_vtranspose_quarters(x, x + 4, x + 8, x + 12);
    fnni_vtranspose_quarters(x + 1, x + 5, x + 9, x + 13);
    fnni_vtranspose_quarters(x + 2, x + 6, x + 10, x + 14);
    fnni_vtranspose_quarters(x + 3, x + 7, x + 11, x + 15);
}
#endif

/* ---- vocabulary: NEON, four lanes ---- */
#if FNNI_PASS == FNNI_PASS_NEON
#define FNNI_LANES 4
#define FNNI_LANE_LIST(X) X(0) X(1) X(2) X(3)
#define FNNI_TILE_VECTORS 3
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
typedef float32x4_t fnni_v;
typedef uint32x4_t fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return vdupq_n_f32(0); }
FNNI_INLINE fnni_v fnni_vset(float x) { return vdupq_n_f32(x); }
FNNI_INLINE fnni_v fnni_vload(const float *p) { return vld1q_f32(p); }
FNNI_INLINE void fnni_vstore(float *p, fnni_v a) { vst1q_f32(p, a); }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n)
{
    const int32_t lane[4] = {0, 1, 2, 3};
    return vcgtq_s32(vdupq_n_s32((int)n), vld1q_s32(lane));
}
FNNI_INLINE fnni_v fnni_vload_m(const float *p, fnni_m m)
{
    fnni_v a = vdupq_n_f32(0); /* NEON has no masked load: one lane at a time */
    if (vgetq_lane_u32(m, 0)) a = vld1q_lane_f32(p, a, 0);
    if (vgetq_lane_u32(m, 1)) a = vld1q_lane_f32(p + 1, a, 1);
    if (vgetq_lane_u32(m, 2)) a = vld1q_lane_f32(p + 2, a, 2);
    if (vgetq_lane_u32(m, 3)) a = vld1q_lane_f32(p + 3, a, 3);
    return a;
}
FNNI_INLINE void fnni_vstore_m(float *p, fnni_m m, fnni_v a)
{
    if (vgetq_lane_u32(m, 0)) vst1q_lane_f32(p, a, 0);
    if (vgetq_lane_u32(m, 1)) vst1q_lane_f32(p + 1, a, 1);
    if (vgetq_lane_u32(m, 2)) vst1q_lane_f32(p + 2, a, 2);
    if (vgetq_lane_u32(m, 3)) vst1q_lane_f32(p + 3, a, 3);
}
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return vaddq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return vsubq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return vmulq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return vdivq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return vfmaq_f32(c, a, b); }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return vfmsq_f32(c, a, b); }
FNNI_INLINE void fnni_vtranspose(fnni_v *x)
{
    const float32x4x2_t a = vtrnq_f32(x[0], x[1]), b = vtrnq_f32(x[2], x[3]);
    x[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    x[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    x[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    x[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}
#endif

/* ---- the GEMM tile ---- */
/* The accumulators are named variables, so that any compiler keeps them in registers; each
 * row's statements stand once below and FNNI_TILE_ROWS repeats them. rows, vectors, transposed
 * and masked are constants wherever this is called, so what they rule out vanishes. */
#define FNNI_TILE_DECLARE(i) \
    fnni_v c##i##_0 = fnni_vzero(), c##i##_1 = fnni_vzero(), c##i##_2 = fnni_vzero(), \
           c##i##_3 = fnni_vzero();
#define FNNI_TILE_MULTIPLY(i) \
    if (rows > i) { \
        const fnni_v x = fnni_vset(transposed ? a[i] : fnni_row_##i); \
        c##i##_0 = fnni_vfma(x, b0, c##i##_0); \
        if (vectors > 1) c##i##_1 = fnni_vfma(x, b1, c##i##_1); \
        if (vectors > 2) c##i##_2 = fnni_vfma(x, b2, c##i##_2); \
        if (vectors > 3) c##i##_3 = fnni_vfma(x, b3, c##i##_3); \
    }
#define FNNI_TILE_PREFETCH(i) \
    if (rows > i) { \
        FNNI_PREFETCH(c + i * tile->ldc); \
        FNNI_PREFETCH(c + i * tile->ldc + (vectors - 1) * FNNI_LANES); \
    }
#define FNNI_PREFETCH_DEPTH 64 /* a shorter sum is over before the prefetch comes home */
#define FNNI_TILE_STORE(i) \
    if (rows > i) { \
        fnni_tile_store(c, vectors > 1 || !masked, m, alpha, tile->beta, c##i##_0); \
        if (vectors > 1) \
            fnni_tile_store(c + FNNI_LANES, vectors > 2 || !masked, m, alpha, tile->beta, c##i##_1); \
        if (vectors > 2) \
            fnni_tile_store(c + 2 * FNNI_LANES, vectors > 3 || !masked, m, alpha, tile->beta, c##i##_2); \
        if (vectors > 3) fnni_tile_store(c + 3 * FNNI_LANES, !masked, m, alpha, tile->beta, c##i##_3); \
        c += tile->ldc; \
    }

FNNI_INLINE void fnni_tile_store(fnn_real *c, int whole, fnni_m m, fnni_v alpha, fnn_real beta,
                                 fnni_v sum)
{
    sum = fnni_vmul(alpha, sum);
    if (whole) {
        if (beta != 0) sum = fnni_vfma(fnni_vset(beta), fnni_vload(c), sum);
        fnni_vstore(c, sum);
    } else {
        if (beta != 0) sum = fnni_vfma(fnni_vset(beta), fnni_vload_m(c, m), sum);
        fnni_vstore_m(c, m, sum);
    }
}

/* Rows 0, 3, 6, ... get pointers of their own and the two after each are reached by lda and
 * 2 lda: one index register serves all, and x86's addressing does the rest. */
#define fnni_row_0 a0[0]
#define fnni_row_1 a0[lda]
#define fnni_row_2 a0[lda * 2]
#define fnni_row_3 a3[0]
#define fnni_row_4 a3[lda]
#define fnni_row_5 a3[lda * 2]
#define fnni_row_6 a6[0]
#define fnni_row_7 a6[lda]
#define fnni_row_8 a6[lda * 2]
#define fnni_row_9 a9[0]
#define fnni_row_10 a9[lda]
#define fnni_row_11 a9[lda * 2]
#define fnni_row_12 a12[0]
#define fnni_row_13 a12[lda]

FNNI_INLINE void fnni_tile_body(const fnni_tile *tile, const int rows, const int vectors,
                                const int transposed, const int masked, fnni_m m,
                                const fnn_real *a, const fnn_real *b, fnn_real *c)
{
    const ptrdiff_t lda = tile->lda, ldb = tile->ldb;
    const fnn_real *a0 = a, *a3 = a, *a6 = a, *a9 = a, *a12 = a;
    const fnni_v alpha = fnni_vset(tile->alpha);
    ptrdiff_t p;
    FNNI_TILE_ROWS(FNNI_TILE_DECLARE)
    if (!transposed) {
        if (rows > 3) a3 = a + 3 * lda;
        if (rows > 6) a6 = a + 6 * lda;
        if (rows > 9) a9 = a + 9 * lda;
        if (rows > 12) a12 = a + 12 * lda;
    }
    if (tile->k >= FNNI_PREFETCH_DEPTH) { FNNI_TILE_ROWS(FNNI_TILE_PREFETCH) }
    for (p = tile->k; p > 0; p--) {
        fnni_v b0 = fnni_vzero(), b1 = b0, b2 = b0, b3 = b0;
        b0 = masked && vectors == 1 ? fnni_vload_m(b, m) : fnni_vload(b);
        if (vectors > 1)
            b1 = masked && vectors == 2 ? fnni_vload_m(b + FNNI_LANES, m) : fnni_vload(b + FNNI_LANES);
        if (vectors > 2)
            b2 = masked && vectors == 3 ? fnni_vload_m(b + 2 * FNNI_LANES, m)
                                        : fnni_vload(b + 2 * FNNI_LANES);
        if (vectors > 3)
            b3 = masked ? fnni_vload_m(b + 3 * FNNI_LANES, m) : fnni_vload(b + 3 * FNNI_LANES);
        FNNI_TILE_ROWS(FNNI_TILE_MULTIPLY)
        b += ldb;
        if (transposed) a += lda;
        else { a0++; a3++; a6++; a9++; a12++; }
    }
    FNNI_TILE_ROWS(FNNI_TILE_STORE)
}

/* One function per row count and shape, so that a tile of 13 rows costs 13 rows' time. */
#define FNNI_TILE_CASE(i) \
    case i + 1: fnni_tile_body(tile, i + 1, vectors, transposed, masked, m, a, b, c); break;
FNNI_INLINE void fnni_tile_rows(const fnni_tile *tile, int rows, const int vectors,
                                const int transposed, const int masked, fnni_m m,
                                const fnn_real *a, const fnn_real *b, fnn_real *c)
{
    switch (rows) {
        FNNI_TILE_ROWS(FNNI_TILE_CASE)
    }
}

FNNI_INLINE void fnni_tile_columns(const fnni_tile *tile, int rows, int columns,
                                   const int transposed, const fnn_real *a, const fnn_real *b,
                                   fnn_real *c)
{
    const int vectors = (columns + FNNI_LANES - 1) / FNNI_LANES;
    const fnni_m m = fnni_vmask(columns - (vectors - 1) * FNNI_LANES);
    if (columns == FNNI_TILE_VECTORS * FNNI_LANES)
        fnni_tile_rows(tile, rows, FNNI_TILE_VECTORS, transposed, 0, m, a, b, c);
    else if (vectors == 1) fnni_tile_rows(tile, rows, 1, transposed, 1, m, a, b, c);
    else if (FNNI_TILE_VECTORS >= 2 && vectors == 2)
        fnni_tile_rows(tile, rows, 2, transposed, 1, m, a, b, c);
    else if (FNNI_TILE_VECTORS >= 3 && vectors == 3)
        fnni_tile_rows(tile, rows, 3, transposed, 1, m, a, b, c);
}

FNNI_KERNEL void fnni_gemm_tile(const fnni_tile *tile, int rows, int columns, const fnn_real *a,
                                const fnn_real *b, fnn_real *c)
{
    if (tile->a_transposed) fnni_tile_columns(tile, rows, columns, 1, a, b, c);
    else fnni_tile_columns(tile, rows, columns, 0, a, b, c);
}

#define FNNI_PACK_AHEAD 16 /* rows: far enough apart that hardware does not foresee them */
FNNI_KERNEL void fnni_pack_rows(ptrdiff_t k, int columns, int width, const fnn_real *x,
                                ptrdiff_t ldx, fnn_real *panel)
{
    const int vectors = (width + FNNI_LANES - 1) / FNNI_LANES;
    int v;
    for (; k > 0; k--, x += ldx, panel += width) {
        FNNI_PREFETCH(x + FNNI_PACK_AHEAD * ldx);
        FNNI_PREFETCH(x + FNNI_PACK_AHEAD * ldx + columns - 1);
        for (v = 0; v < vectors; v++) {
            const int left = columns - v * FNNI_LANES;
            const fnni_m m = fnni_vmask(left <= 0 ? 0 : left >= FNNI_LANES ? FNNI_LANES : left);
            const int room = width - v * FNNI_LANES;
            const fnni_m out = fnni_vmask(room >= FNNI_LANES ? FNNI_LANES : room);
            fnni_vstore_m(panel + v * FNNI_LANES, out, fnni_vload_m(x + v * FNNI_LANES, m));
        }
    }
}

#define FNNI_SQUARE_LOAD(i) square[i] = i < columns ? fnni_vload_m(x + i * ldx, m) : fnni_vzero();
#define FNNI_SQUARE_STORE(i) if (i < depth) fnni_vstore_m(panel + i * width, out, square[i]);
/* One LANES x LANES block: up to LANES source rows (the rest count as zero), depth of them. */
FNNI_INLINE void fnni_pack_square(int depth, int columns, int left, const fnn_real *x,
                                  ptrdiff_t ldx, fnn_real *panel, int width)
{
    const fnni_m m = fnni_vmask(depth < FNNI_LANES ? depth : FNNI_LANES);
    const fnni_m out = fnni_vmask(left < FNNI_LANES ? left : FNNI_LANES);
    fnni_v square[FNNI_LANES];
    FNNI_LANE_LIST(FNNI_SQUARE_LOAD)
    fnni_vtranspose(square);
    FNNI_LANE_LIST(FNNI_SQUARE_STORE)
}

FNNI_KERNEL void fnni_pack_transposed(ptrdiff_t k, int columns, int width, const fnn_real *x,
                                      ptrdiff_t ldx, fnn_real *panel)
{
    ptrdiff_t p;
    int j;
    for (j = 0; j < width; j += FNNI_LANES)
        for (p = 0; p < k; p += FNNI_LANES)
            fnni_pack_square(k - p < FNNI_LANES ? (int)(k - p) : FNNI_LANES, columns - j, width - j,
                             x + j * ldx + p, ldx, panel + p * width + j, width);
}

/* The table of this pass. */
#define FNNI_TILE_COUNT(i) +1
#define FNNI_KERNEL_ENTRY(type, name, parameters) FNNI_NAME(name),
static const fnni_kernels FNNI_NAME(kernels) = {
    FNNI_ISA, FNNI_LANES, 0 FNNI_TILE_ROWS(FNNI_TILE_COUNT), FNNI_TILE_VECTORS * FNNI_LANES,
    FNNI_KERNEL_LIST(FNNI_KERNEL_ENTRY)
};
#endif /* FNNI_PASS: end of the kernel room */

#ifdef FNNI_PASS
#if FNNI_PASS == FNNI_PASS_SCALAR /* only the inclusion that is not itself a pass goes on */
#undef FNNI_PASS

/* ============================================================================
 * >>dispatch  the passes, and which table a context gets
 * ============================================================================
 * Called by >>memory's contexts only. The choice is made when a context is made; nothing global
 * is written. To add an instruction set: a pass here and its line in fnni_kernels_for. */
#if FNNI_X86
#define FNNI_PASS FNNI_PASS_AVX2
#include FMNIST_NN_FILE
#undef FNNI_PASS
#ifndef FMNIST_NN_NO_AVX512
#define FNNI_PASS FNNI_PASS_AVX512
#include FMNIST_NN_FILE
#undef FNNI_PASS
#endif
#endif
#if FNNI_ARM64
#define FNNI_PASS FNNI_PASS_NEON
#include FMNIST_NN_FILE
#undef FNNI_PASS
#endif

/* The table of an instruction set, NULL where this build has none. */
static const fnni_kernels *fnni_kernels_for(fnn_isa isa)
{
    switch (isa) {
    case FNN_ISA_SCALAR: return &fnni_kernels_scalar;
#if FNNI_X86
    case FNN_ISA_AVX2: return &fnni_kernels_avx2;
#ifndef FMNIST_NN_NO_AVX512
    case FNN_ISA_AVX512: return &fnni_kernels_avx512;
#endif
#endif
#if FNNI_ARM64
    case FNN_ISA_NEON: return &fnni_kernels_neon;
#endif
    default: return NULL;
    }
}

static fnn_isa fnni_best_isa(void)
{
    if (fnni_machine_has(FNN_ISA_AVX512)) return FNN_ISA_AVX512;
    if (fnni_machine_has(FNN_ISA_AVX2)) return FNN_ISA_AVX2;
    return fnni_machine_has(FNN_ISA_NEON) ? FNN_ISA_NEON : FNN_ISA_SCALAR;
}

/* The instruction set that FNN_ISA names; FNN_ISA_BEST without one, FNN_ISA_COUNT for a name
 * that is none. */
static fnn_isa fnni_environment_isa(void)
{
    const char *name = getenv("FNN_ISA");
    int isa;
    if (!name || !*name) return FNN_ISA_BEST;
    for (isa = FNN_ISA_BEST; isa < FNN_ISA_COUNT; isa++)
        if (strcmp(name, fnn_isa_name((fnn_isa)isa)) == 0) return (fnn_isa)isa;
    return FNN_ISA_COUNT;
}

/* ============================================================================
 * >>memory  errors, allocation, contexts
 * ============================================================================
 * A leaf room: everything that allocates does so through fnni_allocate, everything that fails
 * with a message through fnni_fail. Kernels and layers do not allocate. */

/* Fills *error (NULL allowed) and returns code, so that a caller can `return fnni_fail(...)`. */
static fnn_result fnni_fail_list(fnn_error *error, fnn_result code, const char *format, va_list list)
{
    if (error) {
        error->code = code;
        vsnprintf(error->message, sizeof error->message, format, list);
    }
    return code;
}

FNNI_FORMAT(3, 4)
static fnn_result fnni_fail(fnn_error *error, fnn_result code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fnni_fail_list(error, code, format, list);
    va_end(list);
    return code;
}

/* *product = a * b, or 0 when that does not fit: the one helper for products of dimensions. */
static int fnni_multiply(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > (size_t)-1 / b) return 0;
    *product = a * b;
    return 1;
}

#define FNNI_ALIGNMENT 64 /* a cache line, an AVX-512 register */

/* bytes of memory aligned to FNNI_ALIGNMENT, or NULL. The address the allocator gave is kept just below. */
static void *fnni_allocate(const fnn_allocator *allocator, size_t bytes)
{
    const size_t extra = FNNI_ALIGNMENT + sizeof(void *);
    void *given;
    unsigned char *aligned;
    if (bytes == 0 || bytes > (size_t)-1 - extra) return NULL;
    given = allocator && allocator->allocate ? allocator->allocate(allocator->user, bytes + extra)
                                             : FMNIST_NN_MALLOC(bytes + extra);
    if (!given) return NULL;
    aligned = (unsigned char *)given + sizeof(void *);
    aligned += (FNNI_ALIGNMENT - (uintptr_t)aligned % FNNI_ALIGNMENT) % FNNI_ALIGNMENT;
    memcpy(aligned - sizeof(void *), &given, sizeof(void *));
    return aligned;
}

static void fnni_release(const fnn_allocator *allocator, void *memory)
{
    void *given;
    if (!memory) return;
    memcpy(&given, (unsigned char *)memory - sizeof(void *), sizeof(void *));
    if (allocator && allocator->release) allocator->release(allocator->user, given);
    else FMNIST_NN_FREE(given);
}

/* count reals, or NULL when that is out of memory or out of size_t. */
static fnn_real *fnni_allocate_reals(const fnn_allocator *allocator, size_t count)
{
    size_t bytes;
    if (!fnni_multiply(count, sizeof(fnn_real), &bytes)) return NULL;
    return (fnn_real *)fnni_allocate(allocator, bytes);
}

struct fnn_context {
    const fnni_kernels *kernels;
    int threads;
    fnn_allocator allocator;
    fnn_real *workspace; /* grows to what the calls need */
    size_t workspace_count;
};

static fnn_result fnni_context_open(fnn_context *context, const fnn_context_config *config,
                                    fnn_error *error)
{
    fnn_isa isa = config->isa;
    if (isa == FNN_ISA_BEST) isa = fnni_environment_isa();
    if (isa == FNN_ISA_BEST) isa = fnni_best_isa();
    if (isa < 0 || isa >= FNN_ISA_COUNT)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "instruction set: expected best, scalar, avx2, avx512 or neon, found %s",
                         config->isa == FNN_ISA_BEST ? getenv("FNN_ISA") : "another number");
    if (!fnn_isa_available(isa))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "instruction set %s: this machine or this build has only %s",
                         fnn_isa_name(isa), fnn_isa_name(fnni_best_isa()));
    if (config->threads < 1 && config->threads != FNN_THREADS_OPENMP)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "threads: expected at least 1 or FNN_THREADS_OPENMP, found %d",
                         config->threads);
    memset(context, 0, sizeof *context);
    context->kernels = fnni_kernels_for(isa);
    context->threads = config->threads == FNN_THREADS_OPENMP ? fnni_openmp_threads() : config->threads;
    context->allocator = config->allocator;
    return FNN_OK;
}

static void fnni_context_close(fnn_context *context)
{
    fnni_release(&context->allocator, context->workspace);
}

/* At least count reals of workspace, or NULL. What it held before is lost when it grows. */
static fnn_real *fnni_workspace(fnn_context *context, size_t count)
{
    if (count > context->workspace_count) {
        fnni_release(&context->allocator, context->workspace);
        context->workspace = fnni_allocate_reals(&context->allocator, count);
        context->workspace_count = context->workspace ? count : 0;
    }
    return context->workspace;
}

/* ============================================================================
 * >>random  counter-based random numbers
 * ============================================================================
 * A leaf room. A number is a function of (seed, stream, index), so it does not depend on who
 * asks for it or when: dropout and shuffles are the same for any number of threads. */

/* SplitMix64's output function (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014). */
static uint64_t fnni_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t fnni_random(uint64_t seed, uint64_t stream, uint64_t index)
{
    const uint64_t key = fnni_mix(seed + 0x9e3779b97f4a7c15u) ^ fnni_mix(stream * 0xd1342543de82ef95u + 1);
    return fnni_mix(key + (index + 1) * 0x9e3779b97f4a7c15u);
}

/* In [0, 1), a multiple of 2^-53. */
static double fnni_random_unit(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(fnni_random(seed, stream, index) >> 11) * (1.0 / 9007199254740992.0);
}

/* In 0..bound-1; the bias is below bound / 2^53. */
static uint64_t fnni_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    return (uint64_t)(fnni_random_unit(seed, stream, index) * (double)bound);
}

/* Standard normal (Box and Muller, 1958), of two of the stream's numbers. */
static double fnni_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    const double radius = sqrt(-2 * log(1 - fnni_random_unit(seed, stream, 2 * index)));
    return radius * cos(6.283185307179586 * fnni_random_unit(seed, stream, 2 * index + 1));
}

/* ============================================================================
 * >>threads  the one parallel loop
 * ============================================================================
 * A leaf room, the only one that knows OpenMP. What a part computes must not depend on how
 * many parts there are, or results would depend on the number of threads. */
typedef void (*fnni_part)(void *argument, int part, int parts);

/* Calls body for part 0..parts-1, each on a thread of its own where OpenMP is there. */
static void fnni_parallel(int parts, fnni_part body, void *argument)
{
    int part;
#ifdef _OPENMP
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
#endif
    for (part = 0; part < parts; part++) body(argument, part, parts);
}

/* ============================================================================
 * >>gemm  blocking and packing, no instruction set here
 * ============================================================================
 * Called by layers and by >>public. A product is cut into rectangles of C, one a thread; in a
 * rectangle blocks of k are added up in order, and within a block tile after tile is computed
 * by the kernel. An operand is read where it lies when the tile can do so at full speed, and
 * copied to a compact panel otherwise: packing decides speed, never the result, since the
 * order of each sum depends on k alone. */

/* k is cut into equal blocks no longer than this: a panel of B of this depth and a few rows
 * of A share the second-level cache with the C they go to. */
#define FNNI_GEMM_K 512
#define FNNI_GEMM_M 252  /* rows of A packed at a time: a multiple of 14 and of 6 */
#define FNNI_GEMM_N 2048 /* columns of B packed at a time */

/* One product, or a rectangle of one. */
typedef struct fnni_gemm {
    const fnni_kernels *kernels;
    ptrdiff_t m, n, k;
    int transpose_a, transpose_b;
    fnn_real alpha, beta;
    const fnn_real *a, *b;
    fnn_real *c;
    ptrdiff_t lda, ldb, ldc;
    int pack_a, pack_b;
    fnn_real *workspace; /* fnni_gemm_workspace reals for each thread */
} fnni_gemm;

/* Rows of one cache set each are what a leading dimension near a multiple of 4096 bytes makes. */
static int fnni_aliases(ptrdiff_t ld)
{
    const ptrdiff_t bytes = ld * (ptrdiff_t)sizeof(fnn_real) % 4096;
    return ld * (ptrdiff_t)sizeof(fnn_real) >= 2048 && (bytes < 64 || bytes > 4096 - 64);
}

static void fnni_gemm_plan(fnni_gemm *g)
{
    const int wide = g->n > 2 * g->kernels->tile_columns;
    const int tall = g->m > 4 * g->kernels->tile_rows;
    g->pack_a = wide && (fnni_aliases(g->lda) || (g->transpose_a && g->k > 256 && g->lda > 1024));
    g->pack_b = g->transpose_b || (tall && (fnni_aliases(g->ldb) || g->k * g->n > 262144));
}

/* Reals of workspace a thread needs for a product of these sizes. */
static size_t fnni_gemm_workspace(const fnni_gemm *g)
{
    const ptrdiff_t k = g->k < FNNI_GEMM_K ? g->k : FNNI_GEMM_K;
    const ptrdiff_t n = g->n < FNNI_GEMM_N ? g->n : FNNI_GEMM_N;
    const ptrdiff_t m = g->m < FNNI_GEMM_M ? g->m : FNNI_GEMM_M;
    const ptrdiff_t b = g->pack_b ? (n + g->kernels->tile_columns) * k : 0;
    const ptrdiff_t a = g->pack_a ? (m + g->kernels->tile_rows) * (k + 32) : 0;
    return (size_t)(a + b);
}

/* Every tile of one block; a and b point at the block, packed or not. Rows are dealt evenly,
 * so that 100 rows are 13 + 13 + ... and not 14 + 14 + ... + 2. */
static void fnni_gemm_tiles(const fnni_gemm *g, const fnni_tile *tile, ptrdiff_t m, ptrdiff_t n,
                            const fnn_real *a, const fnn_real *b, fnn_real *c)
{
    const int width = g->kernels->tile_columns, height = g->kernels->tile_rows;
    const ptrdiff_t tiles = (m + height - 1) / height;
    ptrdiff_t i, j, row;
    for (j = 0; j < n; j += width) {
        const int columns = (int)(n - j < width ? n - j : width);
        const fnn_real *panel = g->pack_b ? b + j * tile->k : b + j;
        for (i = 0, row = 0; i < tiles; i++) {
            const int rows = (int)(m / tiles + (i < m % tiles));
            const fnn_real *rows_of_a = !tile->a_transposed ? a + row * tile->lda
                                        : g->pack_a         ? a + i * height * tile->k
                                                            : a + row;
            g->kernels->gemm_tile(tile, rows, columns, rows_of_a, panel, c + row * tile->ldc + j);
            row += rows;
        }
    }
}

static const fnn_real *fnni_gemm_pack_b(const fnni_gemm *g, ptrdiff_t p, ptrdiff_t k, ptrdiff_t j,
                                        ptrdiff_t n, fnn_real *panels)
{
    const int width = g->kernels->tile_columns;
    ptrdiff_t i;
    if (!g->pack_b) return g->b + p * g->ldb + j;
    for (i = 0; i < n; i += width) {
        const int columns = (int)(n - i < width ? n - i : width);
        if (g->transpose_b)
            g->kernels->pack_transposed(k, columns, width, g->b + (j + i) * g->ldb + p, g->ldb,
                                        panels + i * k);
        else
            g->kernels->pack_rows(k, columns, width, g->b + p * g->ldb + j + i, g->ldb, panels + i * k);
    }
    return panels;
}

/* A's rows need no transposing, only a kinder leading dimension; A transposed goes to panels
 * as high as a tile. */
static const fnn_real *fnni_gemm_pack_a(const fnni_gemm *g, fnni_tile *tile, ptrdiff_t i, ptrdiff_t m,
                                        ptrdiff_t p, fnn_real *panels)
{
    const int height = g->kernels->tile_rows;
    const ptrdiff_t tiles = (m + height - 1) / height;
    ptrdiff_t t, row;
    if (!g->pack_a) return g->transpose_a ? g->a + p * g->lda + i : g->a + i * g->lda + p;
    if (!g->transpose_a) {
        tile->lda = (tile->k + 15) / 16 * 16 + 16;
        for (row = 0; row < m; row++)
            memcpy(panels + row * tile->lda, g->a + (i + row) * g->lda + p, (size_t)tile->k * sizeof(fnn_real));
        return panels;
    }
    tile->lda = height;
    for (t = 0, row = 0; t < tiles; t++) {
        const int rows = (int)(m / tiles + (t < m % tiles));
        g->kernels->pack_rows(tile->k, rows, height, g->a + p * g->lda + i + row, g->lda,
                              panels + t * height * tile->k);
        row += rows;
    }
    return panels;
}

/* One thread's rectangle. */
static void fnni_gemm_serial(const fnni_gemm *g)
{
    const ptrdiff_t blocks = g->k > 0 ? (g->k + FNNI_GEMM_K - 1) / FNNI_GEMM_K : 1;
    fnn_real *const panels_b = g->workspace;
    fnn_real *const panels_a =
        g->workspace ? g->workspace + (g->pack_b ? (size_t)((g->n < FNNI_GEMM_N ? g->n : FNNI_GEMM_N) + g->kernels->tile_columns) *
                                          (size_t)(g->k < FNNI_GEMM_K ? g->k : FNNI_GEMM_K)
                                    : 0)
                     : NULL;
    ptrdiff_t block, i, j;
    for (block = 0; block < blocks; block++) {
        const ptrdiff_t p = g->k * block / blocks, k = g->k * (block + 1) / blocks - p;
        fnni_tile tile;
        tile.k = k;
        tile.lda = g->lda;
        tile.ldb = g->pack_b ? g->kernels->tile_columns : g->ldb;
        tile.ldc = g->ldc;
        tile.a_transposed = g->transpose_a;
        tile.alpha = g->alpha;
        tile.beta = block ? 1 : g->beta;
        for (j = 0; j < g->n; j += FNNI_GEMM_N) {
            const ptrdiff_t n = g->n - j < FNNI_GEMM_N ? g->n - j : FNNI_GEMM_N;
            const fnn_real *b = fnni_gemm_pack_b(g, p, k, j, n, panels_b);
            for (i = 0; i < g->m; i += FNNI_GEMM_M) {
                const ptrdiff_t m = g->m - i < FNNI_GEMM_M ? g->m - i : FNNI_GEMM_M;
                const fnn_real *a = fnni_gemm_pack_a(g, &tile, i, m, p, panels_a);
                fnni_gemm_tiles(g, &tile, m, n, a, b, g->c + i * g->ldc + j);
            }
        }
    }
}

/* C as a grid of rectangles, one a part. */
static void fnni_gemm_part(void *argument, int part, int parts)
{
    const fnni_gemm *whole = (const fnni_gemm *)argument;
    fnni_gemm g = *whole;
    const int by_rows = whole->m > whole->n;
    const ptrdiff_t from = (by_rows ? g.m : g.n) * part / parts;
    const ptrdiff_t to = (by_rows ? g.m : g.n) * (part + 1) / parts;
    if (by_rows) {
        g.a += g.transpose_a ? from : from * g.lda;
        g.c += from * g.ldc;
        g.m = to - from;
    } else {
        g.b += g.transpose_b ? from * g.ldb : from;
        g.c += from;
        g.n = to - from;
    }
    if (g.workspace) g.workspace += (size_t)part * fnni_gemm_workspace(whole);
    fnni_gemm_serial(&g);
}

/* C = beta C: what is left of a product without A B. */
static void fnni_gemm_scale(const fnni_gemm *g)
{
    ptrdiff_t i, j;
    for (i = 0; i < g->m; i++)
        for (j = 0; j < g->n; j++)
            g->c[i * g->ldc + j] = g->beta == 0 ? 0 : g->beta * g->c[i * g->ldc + j];
}

/* Below this many multiply-adds a part a second thread costs more than it brings. */
#define FNNI_GEMM_PART 200000

static fnn_result fnni_gemm_run(fnn_context *context, fnni_gemm *g)
{
    double work = (double)g->m * (double)g->n * (double)g->k / FNNI_GEMM_PART;
    int parts = work < context->threads ? (int)work : context->threads;
    size_t count;
    g->kernels = context->kernels;
    if (g->m == 0 || g->n == 0) return FNN_OK;
    if (g->k == 0 || g->alpha == 0) {
        fnni_gemm_scale(g);
        return FNN_OK;
    }
    if (parts < 1) parts = 1;
    fnni_gemm_plan(g);
    count = fnni_gemm_workspace(g) * (size_t)parts;
    g->workspace = NULL;
    if (count > 0 && !(g->workspace = fnni_workspace(context, count))) return FNN_ERROR_MEMORY;
    fnni_parallel(parts, fnni_gemm_part, g);
    return FNN_OK;
}

/* ============================================================================
 * >>public  thin API functions: check arguments, call the rooms
 * ============================================================================ */
FNN_DEF const char *fnn_result_text(fnn_result result)
{
#define FNNI_RESULT_TEXT(name, text) text,
    static const char *const texts[] = {FNN_RESULT_LIST(FNNI_RESULT_TEXT)};
#undef FNNI_RESULT_TEXT
    return (int)result >= 0 && result < FNN_RESULT_COUNT ? texts[result] : "not a result";
}

FNN_DEF const char *fnn_isa_name(fnn_isa isa)
{
    static const char *const names[] = {"best", "scalar", "avx2", "avx512", "neon"};
    return (int)isa >= 0 && isa < FNN_ISA_COUNT ? names[isa] : "unknown";
}

FNN_DEF int fnn_isa_available(fnn_isa isa)
{
    return isa == FNN_ISA_BEST || (fnni_kernels_for(isa) && fnni_machine_has(isa));
}

FNN_DEF const char *fnn_info(const fnn_context *context)
{
#if FNNI_REAL_IS_DOUBLE
#define FNNI_INFO_REAL "double"
#else
#define FNNI_INFO_REAL "float"
#endif
#ifdef _OPENMP
#define FNNI_INFO_THREADS "OpenMP"
#else
#define FNNI_INFO_THREADS "one thread (compiled without OpenMP)"
#endif
#define FNNI_INFO(isa) "fmnist_nn " FNN_VERSION ", " FNNI_INFO_REAL ", " isa ", " FNNI_INFO_THREADS
    static const char *const lines[] = {FNNI_INFO("unknown"), FNNI_INFO("scalar"), FNNI_INFO("avx2"),
                                        FNNI_INFO("avx512"), FNNI_INFO("neon")};
    fnn_isa isa = context ? context->kernels->isa : fnni_environment_isa();
    if (isa == FNN_ISA_BEST) isa = fnni_best_isa();
    return isa < FNN_ISA_COUNT && fnn_isa_available(isa) ? lines[isa] : lines[0];
}

FNN_DEF fnn_context_config fnn_context_config_init(void)
{
    fnn_context_config config;
    memset(&config, 0, sizeof config);
    config.threads = 1;
    return config;
}

FNN_DEF fnn_context *fnn_context_create(const fnn_context_config *config, fnn_error *error)
{
    const fnn_context_config defaults = fnn_context_config_init();
    fnn_context opened, *context;
    if (!config) config = &defaults;
    if (fnni_context_open(&opened, config, error)) return NULL;
    context = (fnn_context *)fnni_allocate(&config->allocator, sizeof *context);
    if (context) *context = opened;
    else fnni_fail(error, FNN_ERROR_MEMORY, "no memory for a context");
    return context;
}

FNN_DEF void fnn_context_free(fnn_context *context)
{
    fnn_allocator allocator;
    if (!context) return;
    allocator = context->allocator;
    fnni_context_close(context);
    fnni_release(&allocator, context);
}

FNN_DEF fnn_result fnn_sgemm(fnn_context *context, int transpose_a, int transpose_b, ptrdiff_t m,
                             ptrdiff_t n, ptrdiff_t k, fnn_real alpha, const fnn_real *a,
                             ptrdiff_t lda, const fnn_real *b, ptrdiff_t ldb, fnn_real beta,
                             fnn_real *c, ptrdiff_t ldc)
{
    fnni_gemm g;
    fnn_context temporary;
    fnn_result result;
    if (m < 0 || n < 0 || k < 0) return FNN_ERROR_ARGUMENT;
    if (lda < (transpose_a ? m : k) || ldb < (transpose_b ? k : n) || ldc < n)
        return FNN_ERROR_ARGUMENT;
    if ((m > 0 && n > 0) && (!c || (alpha != 0 && k > 0 && (!a || !b)))) return FNN_ERROR_ARGUMENT;
    memset(&g, 0, sizeof g);
    g.transpose_a = transpose_a != 0;
    g.transpose_b = transpose_b != 0;
    g.m = m;
    g.n = n;
    g.k = k;
    g.alpha = alpha;
    g.beta = beta;
    g.a = a;
    g.b = b;
    g.c = c;
    g.lda = lda;
    g.ldb = ldb;
    g.ldc = ldc;
    if (context) return fnni_gemm_run(context, &g);
    {
        const fnn_context_config config = fnn_context_config_init();
        result = fnni_context_open(&temporary, &config, NULL);
    }
    if (result) return result;
    result = fnni_gemm_run(&temporary, &g);
    fnni_context_close(&temporary);
    return result;
}

#endif /* FNNI_PASS == FNNI_PASS_SCALAR */
#endif /* FNNI_PASS */

/* ============================================================================
 * Revisions
 *     0.1.0  first version
 *
 * Licence: at your choice, MIT-0 or public domain.
 * ============================================================================ */
