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
#define fnni_tile_put FNNI_NAME(tile_put)
#define fnni_tile FNNI_NAME(tile)
#define fnni_tile_run FNNI_NAME(tile_run)
#define fnni_tile_rows FNNI_NAME(tile_rows)
#define fnni_gemm_tiles FNNI_NAME(gemm_tiles)
#define fnni_lanes_left FNNI_NAME(lanes_left)
#define fnni_pack_row FNNI_NAME(pack_row)
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

/* A run of GEMM tiles of one shape. Row i of A at step p is a[i*a_row + p*a_step], so a transposed
 * A is one with a_row 1; B is b[p*ldb + j], C is c[i*ldc + j]. From one tile to the next the three
 * move on by a_next, b_next and c_next: down the rows, or along the columns. */
typedef struct fnni_tiles {
    ptrdiff_t k, a_row, a_step, ldb, ldc;
    ptrdiff_t count, a_next, b_next, c_next;
    fnn_real alpha, beta; /* beta 0: C is not read */
    int prefetch_c;       /* fetch C shortly before it is due; this and the next are speed alone */
    int prefetch_rows;    /* tiles from the first one that fetch the rows of A below their own */
} fnni_tiles;

#define FNNI_KERNEL_LIST(X)                                                                        \
    /* c = alpha a b + beta c for count tiles of 1..tile_rows rows and 1..tile_columns columns;    \
       each element is one chain of k multiply-adds from p = 0 upwards, whatever the shape. */     \
    X(void, gemm_tiles,                                                                            \
      (const fnni_tiles *run, int rows, int columns, const fnn_real *a, const fnn_real *b,         \
       fnn_real *c))                                                                               \
    /* Panels of width columns, one after the other: panel[q*k*width + p*width + j] =              \
       x[p*ldx + q*width + j], zero where that is not below columns. */                            \
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
 * row's statements stand once below and FNNI_TILE_ROWS repeats them. rows, vectors and masked
 * are constants wherever this is called, so what they rule out vanishes. */
#define FNNI_TILE_DECLARE(i) \
    fnni_v c##i##_0 = fnni_vzero(), c##i##_1 = fnni_vzero(), c##i##_2 = fnni_vzero(), \
           c##i##_3 = fnni_vzero();
#define FNNI_TILE_MULTIPLY(i) \
    if (rows > i) { \
        const fnni_v x = fnni_vset(fnni_row_##i); \
        c##i##_0 = fnni_vfma(x, b0, c##i##_0); \
        if (vectors > 1) c##i##_1 = fnni_vfma(x, b1, c##i##_1); \
        if (vectors > 2) c##i##_2 = fnni_vfma(x, b2, c##i##_2); \
        if (vectors > 3) c##i##_3 = fnni_vfma(x, b3, c##i##_3); \
    }
/* Where vector v of a row goes: whole, but for the last of a masked tile. */
#define FNNI_TILE_PUT(i, v) \
    if (vectors > v) \
        fnni_tile_put(c + v * FNNI_LANES, masked && vectors == v + 1, m, add, beta, \
                      fnni_vmul(alpha, c##i##_##v));
#define FNNI_TILE_STORE(i) \
    if (rows > i) { \
        FNNI_TILE_PUT(i, 0) FNNI_TILE_PUT(i, 1) FNNI_TILE_PUT(i, 2) FNNI_TILE_PUT(i, 3) \
        c += ldc; \
    }

/* c = sum + beta c, or with add 0 c = sum. */
FNNI_INLINE void fnni_tile_put(fnn_real *c, const int masked, fnni_m m, const int add, fnni_v beta,
                               fnni_v sum)
{
    if (add) sum = fnni_vfma(beta, masked ? fnni_vload_m(c, m) : fnni_vload(c), sum);
    if (masked) fnni_vstore_m(c, m, sum);
    else fnni_vstore(c, sum);
}

/* Rows 0, 3, 6, ... get pointers of their own and the two after each are reached by one and two
 * row strides: one index register serves all, and x86's addressing does the rest. */
#define fnni_row_0 a0[0]
#define fnni_row_1 a0[row]
#define fnni_row_2 a0[row * 2]
#define fnni_row_3 a3[0]
#define fnni_row_4 a3[row]
#define fnni_row_5 a3[row * 2]
#define fnni_row_6 a6[0]
#define fnni_row_7 a6[row]
#define fnni_row_8 a6[row * 2]
#define fnni_row_9 a9[0]
#define fnni_row_10 a9[row]
#define fnni_row_11 a9[row * 2]
#define fnni_row_12 a12[0]
#define fnni_row_13 a12[row]

#define FNNI_TILE_LOAD(v) \
    if (vectors > v) \
        b##v = masked && vectors == v + 1 ? fnni_vload_m(b + v * FNNI_LANES, m) \
                                          : fnni_vload(b + v * FNNI_LANES);
#define FNNI_TILE_FETCH(i) if (rows > i) FNNI_PREFETCH(&fnni_row_##i + rows * row);

/* The sum runs in stretches of 16 steps: that many floats of A are a cache line, so one
 * prefetch a stretch and row follows A, and the last stretches fetch a row of C each, too late
 * for B's panel to push it out again. B is fetched far enough ahead for the third-level cache. */
#define FNNI_TILE_STRETCH 16
#define FNNI_TILE_B_AHEAD 32
FNNI_INLINE void fnni_tile(const fnni_tiles *run, const int rows, const int vectors, const int masked,
                           const int fetch_rows, fnni_m m, const fnn_real *a, const fnn_real *b,
                           fnn_real *c)
{
    const ptrdiff_t row = run->a_row, step = run->a_step, ldb = run->ldb, ldc = run->ldc;
    const fnn_real *a0 = a, *a3 = a, *a6 = a, *a9 = a, *a12 = a, *late = c;
    ptrdiff_t left = run->k, p;
    fnni_v alpha, beta;
    FNNI_TILE_ROWS(FNNI_TILE_DECLARE)
    if (rows > 3) a3 = a + 3 * row;
    if (rows > 6) a6 = a + 6 * row;
    if (rows > 9) a9 = a + 9 * row;
    if (rows > 12) a12 = a + 12 * row;
    do {
        if (run->prefetch_c && left <= (rows + 1) * FNNI_TILE_STRETCH) {
            FNNI_PREFETCH(late);
            FNNI_PREFETCH(late + (vectors - 1) * FNNI_LANES);
            late += ldc;
        }
        if (fetch_rows) { FNNI_TILE_ROWS(FNNI_TILE_FETCH) }
        p = left < FNNI_TILE_STRETCH ? left : FNNI_TILE_STRETCH;
        left -= p;
        for (; p > 0; p--) {
            fnni_v b0 = fnni_vzero(), b1 = b0, b2 = b0, b3 = b0;
            FNNI_TILE_LOAD(0) FNNI_TILE_LOAD(1) FNNI_TILE_LOAD(2) FNNI_TILE_LOAD(3)
            FNNI_PREFETCH(b + FNNI_TILE_B_AHEAD * ldb);
            if (vectors > 1) FNNI_PREFETCH(b + FNNI_TILE_B_AHEAD * ldb + (vectors - 1) * FNNI_LANES);
            FNNI_TILE_ROWS(FNNI_TILE_MULTIPLY)
            b += ldb;
            a0 += step; a3 += step; a6 += step; a9 += step; a12 += step;
        }
    } while (left > 0);
    alpha = fnni_vset(run->alpha); /* here, since the loop needs every register */
    beta = fnni_vset(run->beta);
    if (run->beta == 0) {
        const int add = 0;
        FNNI_TILE_ROWS(FNNI_TILE_STORE)
    } else {
        const int add = 1;
        FNNI_TILE_ROWS(FNNI_TILE_STORE)
    }
}

/* The run stands inside, since an indirect jump a tile, which not every machine foresees, would
 * cost as much as the tile's stores. */
FNNI_INLINE void fnni_tile_run(const fnni_tiles *run, const int rows, const int vectors,
                               const int masked, fnni_m m, const fnn_real *a, const fnn_real *b,
                               fnn_real *c)
{
    ptrdiff_t t;
    for (t = 0; t < run->count; t++, a += run->a_next, b += run->b_next, c += run->c_next)
        fnni_tile(run, rows, vectors, masked, t < run->prefetch_rows, m, a, b, c);
}

/* One case per row count, so that a tile of 13 rows costs 13 rows' time. */
#define FNNI_TILE_CASE(i) \
    case i + 1: fnni_tile_run(run, i + 1, vectors, masked, m, a, b, c); break;
FNNI_INLINE void fnni_tile_rows(const fnni_tiles *run, int rows, const int vectors,
                                const int masked, fnni_m m, const fnn_real *a, const fnn_real *b,
                                fnn_real *c)
{
    switch (rows) {
        FNNI_TILE_ROWS(FNNI_TILE_CASE)
    }
}

FNNI_KERNEL void fnni_gemm_tiles(const fnni_tiles *run, int rows, int columns, const fnn_real *a,
                                 const fnn_real *b, fnn_real *c)
{
    const int vectors = (columns + FNNI_LANES - 1) / FNNI_LANES;
    const fnni_m m = fnni_vmask(columns - (vectors - 1) * FNNI_LANES);
    if (columns == FNNI_TILE_VECTORS * FNNI_LANES)
        fnni_tile_rows(run, rows, FNNI_TILE_VECTORS, 0, m, a, b, c);
    else if (vectors == 1) fnni_tile_rows(run, rows, 1, 1, m, a, b, c);
    else if (FNNI_TILE_VECTORS >= 2 && vectors == 2) fnni_tile_rows(run, rows, 2, 1, m, a, b, c);
    else if (FNNI_TILE_VECTORS >= 3 && vectors == 3) fnni_tile_rows(run, rows, 3, 1, m, a, b, c);
    else if (FNNI_TILE_VECTORS >= 4 && vectors == 4) fnni_tile_rows(run, rows, 4, 1, m, a, b, c);
}

/* How many of a vector's lanes fall into what is left: 0..LANES. */
FNNI_INLINE int fnni_lanes_left(int left)
{
    return left <= 0 ? 0 : left < FNNI_LANES ? left : FNNI_LANES;
}

/* Packing has a form for panels filled to the last column, and one with masks for the others. */
#define FNNI_PACK_AHEAD 16 /* rows: far enough apart that hardware does not foresee them */
FNNI_INLINE void fnni_pack_row(const int whole, int columns, int width, const fnn_real *x, fnn_real *panel)
{
    int j;
    for (j = 0; j < width; j += FNNI_LANES) {
        if (whole) fnni_vstore(panel + j, fnni_vload(x + j));
        else {
            const fnni_m in = fnni_vmask(fnni_lanes_left(columns - j));
            fnni_vstore_m(panel + j, fnni_vmask(fnni_lanes_left(width - j)), fnni_vload_m(x + j, in));
        }
    }
}

FNNI_KERNEL void fnni_pack_rows(ptrdiff_t k, int columns, int width, const fnn_real *x,
                                ptrdiff_t ldx, fnn_real *panel)
{
    const int vectors = width % FNNI_LANES == 0;
    ptrdiff_t p;
    int j;
    for (p = 0; p < k; p++, x += ldx, panel += width)
        for (j = 0; j < columns; j += width) {
            FNNI_PREFETCH(x + FNNI_PACK_AHEAD * ldx + j);
            FNNI_PREFETCH(x + FNNI_PACK_AHEAD * ldx + (columns - j < width ? columns : j + width) - 1);
            if (vectors && columns - j >= width) fnni_pack_row(1, width, width, x + j, panel + j * k);
            else fnni_pack_row(0, columns - j, width, x + j, panel + j * k);
        }
}

#define FNNI_SQUARE_LOAD(i) \
    square[i] = whole ? fnni_vload(x + i * ldx) : i < columns ? fnni_vload_m(x + i * ldx, in) : fnni_vzero();
#define FNNI_SQUARE_STORE(i) \
    if (whole) fnni_vstore(panel + i * width, square[i]); \
    else if (i < depth) fnni_vstore_m(panel + i * width, out, square[i]);
/* One LANES x LANES block: up to LANES source rows (the rest count as zero), depth of them. */
FNNI_INLINE void fnni_pack_square(const int whole, int depth, int columns, int left, const fnn_real *x,
                                  ptrdiff_t ldx, fnn_real *panel, int width)
{
    const fnni_m in = fnni_vmask(fnni_lanes_left(depth)), out = fnni_vmask(fnni_lanes_left(left));
    fnni_v square[FNNI_LANES];
    FNNI_LANE_LIST(FNNI_SQUARE_LOAD)
    fnni_vtranspose(square);
    FNNI_LANE_LIST(FNNI_SQUARE_STORE)
}

FNNI_KERNEL void fnni_pack_transposed(ptrdiff_t k, int columns, int width, const fnn_real *x,
                                      ptrdiff_t ldx, fnn_real *panel)
{
    int j;
    for (j = 0; j < width; j += FNNI_LANES, x += FNNI_LANES * ldx, panel += FNNI_LANES) {
        ptrdiff_t p = 0;
        if (columns - j >= FNNI_LANES)
            for (; p + FNNI_LANES <= k; p += FNNI_LANES)
                fnni_pack_square(1, FNNI_LANES, FNNI_LANES, FNNI_LANES, x + p, ldx, panel + p * width, width);
        for (; p < k; p += FNNI_LANES)
            fnni_pack_square(0, (int)(k - p < FNNI_LANES ? k - p : FNNI_LANES), columns - j, width - j,
                             x + p, ldx, panel + p * width, width);
    }
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
 * rectangle, blocks of k are added up in order, and within a block tile after tile is computed
 * by the kernel. An operand is read where it lies when the tile can do so at full speed, and
 * copied to compact panels otherwise: packing and the order of tiles decide speed, never the
 * result, since the order of each element's sum depends on k alone.
 *
 * To call it: fill in a fnni_gemm (memset 0 first), then
 *   fnni_gemm_run(context, &g)          the whole product on the context's threads, or
 *   fnni_gemm_plan(&g);                 on the calling thread alone, as a part of a parallel
 *   g.workspace = fnni_gemm_workspace(&g) reals of the thread's own;      loop does
 *   fnni_gemm_serial(&g);
 * A B that serves several products is packed once (fnni_gemm_pack_b) and given with b_packed. */

/* k is cut into equal blocks no longer than this. Long blocks pass over C seldom; the tile's rows
 * of A and its panel of B then stream from the second-level cache, which is fast enough. The
 * bits of every result depend on this number. */
#ifndef FNNI_GEMM_K
#define FNNI_GEMM_K 1024
#endif
#ifndef FNNI_GEMM_A
#define FNNI_GEMM_A 131072 /* reals of A between two passes over B: half the second-level cache */
#endif
#define FNNI_GEMM_N 2048   /* columns of B packed at a time: 8 MiB at most, in the third level */

/* One product, or a rectangle of one. */
typedef struct fnni_gemm {
    const fnni_kernels *kernels;
    ptrdiff_t m, n, k;
    int transpose_a, transpose_b;
    int b_packed;       /* b is what fnni_gemm_pack_b made, transpose_b and ldb do not count */
    fnn_real alpha, beta;
    const fnn_real *a, *b;
    fnn_real *c;
    ptrdiff_t lda, ldb, ldc;
    fnn_real *workspace; /* fnni_gemm_workspace reals for each thread */
    /* What fnni_gemm_plan decides. */
    int pack_a, pack_b;
    int rows_first;             /* all columns of a tile's rows before the next rows */
    int prefetch;               /* of A's rows */
    ptrdiff_t block_m, block_n; /* rows of A and columns of B between two packings */
    int grid_rows, grid_columns;
    ptrdiff_t b_columns, b_first; /* b_packed: columns of all its panels, first of this rectangle */
} fnni_gemm;

static ptrdiff_t fnni_least(ptrdiff_t a, ptrdiff_t b)
{
    return a < b ? a : b;
}

static ptrdiff_t fnni_most(ptrdiff_t a, ptrdiff_t b)
{
    return a > b ? a : b;
}

static ptrdiff_t fnni_round_up(ptrdiff_t x, ptrdiff_t multiple)
{
    return (x + multiple - 1) / multiple * multiple;
}

/* Block number `block` of k's equal blocks is p..p+length-1. */
static ptrdiff_t fnni_gemm_blocks(ptrdiff_t k)
{
    return (k + FNNI_GEMM_K - 1) / FNNI_GEMM_K;
}

static ptrdiff_t fnni_gemm_block(ptrdiff_t k, ptrdiff_t block, ptrdiff_t *p)
{
    const ptrdiff_t blocks = fnni_gemm_blocks(k);
    *p = 0;
    if (blocks == 1) return k; /* three divisions cost as much as a small product */
    *p = k * block / blocks;
    return k * (block + 1) / blocks - *p;
}

/* Rows that lie near a multiple of 4096 bytes apart all fall into one set of the first cache. */
static int fnni_aliases(ptrdiff_t ld)
{
    const ptrdiff_t bytes = ld * (ptrdiff_t)sizeof(fnn_real) % 4096;
    return ld * (ptrdiff_t)sizeof(fnn_real) >= 2048 && (bytes < 64 || bytes > 4096 - 64);
}

/* Rows of a block when m rows of k are cut into equal blocks that stay in the cache. */
static ptrdiff_t fnni_gemm_block_rows(const fnni_gemm *g, ptrdiff_t k)
{
    const ptrdiff_t height = g->kernels->tile_rows;
    ptrdiff_t most, blocks;
    if (g->m * k <= FNNI_GEMM_A) return g->m;
    most = fnni_most(FNNI_GEMM_A / k, 4 * height);
    blocks = (g->m + most - 1) / most;
    return fnni_round_up((g->m + blocks - 1) / blocks, height);
}

/* Needs m, n, k, the transposes, the leading dimensions and b_packed. */
static void fnni_gemm_plan(fnni_gemm *g)
{
    const int width = g->kernels->tile_columns, height = g->kernels->tile_rows;
    const ptrdiff_t k = fnni_least(g->k, FNNI_GEMM_K);
    const int wide = g->n > 2 * width, tall = g->m > 4 * height;
    g->pack_a = wide && (fnni_aliases(g->lda) || (g->transpose_a && k > 256));
    g->pack_b = !g->b_packed && (g->transpose_b || (tall && (fnni_aliases(g->ldb) || k * g->n > 262144)));
    g->rows_first = !g->pack_a && g->n > width && k * g->n <= FNNI_GEMM_A / 4 && g->m * k > FNNI_GEMM_A;
    g->prefetch = !g->pack_a && !g->transpose_a && g->m * k > 4 * FNNI_GEMM_A;
    g->block_m = g->rows_first ? fnni_least(g->m, 1 << 24) : fnni_gemm_block_rows(g, k);
    /* When each panel of B is used once, it is packed just before, into the first cache. */
    g->block_n = g->pack_b && g->m <= g->block_m && !g->rows_first ? width : FNNI_GEMM_N;
    if (g->b_packed && !g->b_columns) g->b_columns = fnni_round_up(g->n, width);
}

/* A leading dimension for rows of k: an odd number of cache lines, so that no two of a tile's rows
 * share a set. */
static ptrdiff_t fnni_gemm_kind(ptrdiff_t k)
{
    return fnni_round_up(k + 16, 32) - 16;
}

/* Reals of the panels of B, and of A, that one block of the rectangle needs. */
static ptrdiff_t fnni_gemm_panels_b(const fnni_gemm *g)
{
    if (!g->pack_b) return 0;
    return fnni_round_up(fnni_least(g->n, g->block_n), g->kernels->tile_columns) *
           fnni_least(g->k, FNNI_GEMM_K);
}

static ptrdiff_t fnni_gemm_panels_a(const fnni_gemm *g)
{
    if (!g->pack_a) return 0;
    return fnni_least(g->m, g->block_m) * fnni_gemm_kind(fnni_least(g->k, FNNI_GEMM_K));
}

/* Reals of workspace that fnni_gemm_serial needs after fnni_gemm_plan. */
static size_t fnni_gemm_workspace(const fnni_gemm *g)
{
    return (size_t)fnni_round_up(fnni_gemm_panels_a(g) + fnni_gemm_panels_b(g), 16);
}

/* ---- packing ---- */

/* Columns j..j+n-1 of one block of op(B), panel after panel. */
static void fnni_gemm_pack_columns(const fnni_gemm *g, ptrdiff_t p, ptrdiff_t k, ptrdiff_t j,
                                   ptrdiff_t n, fnn_real *panels)
{
    const int width = g->kernels->tile_columns, step = g->transpose_b ? width : 8 * width;
    ptrdiff_t i;
    for (i = 0; i < n; i += step) {
        const int columns = (int)fnni_least(n - i, step);
        if (g->transpose_b)
            g->kernels->pack_transposed(k, columns, width, g->b + (j + i) * g->ldb + p, g->ldb,
                                        panels + i * k);
        else
            g->kernels->pack_rows(k, columns, width, g->b + p * g->ldb + j + i, g->ldb, panels + i * k);
    }
}

/* Reals of a (k,n) matrix packed entire. */
static size_t fnni_gemm_packed_size(const fnni_kernels *kernels, ptrdiff_t k, ptrdiff_t n)
{
    return (size_t)k * (size_t)fnni_round_up(n, kernels->tile_columns);
}

/* Packs the columns from..to-1 of op(B) (g: kernels, n, k, transpose_b, b, ldb) into packed, which
 * has room for all of it; from is a multiple of tile_columns. Threads may pack different columns. */
static void fnni_gemm_pack_b(const fnni_gemm *g, ptrdiff_t from, ptrdiff_t to, fnn_real *packed)
{
    const ptrdiff_t columns = fnni_round_up(g->n, g->kernels->tile_columns);
    ptrdiff_t block, p;
    for (block = 0; block < fnni_gemm_blocks(g->k); block++) {
        const ptrdiff_t k = fnni_gemm_block(g->k, block, &p);
        fnni_gemm_pack_columns(g, p, k, from, to - from, packed + p * columns + from * k);
    }
}

/* Rows i..i+m-1 of one block of op(A) as rows with a kind leading dimension. */
static void fnni_gemm_pack_rows(const fnni_gemm *g, ptrdiff_t i, ptrdiff_t m, ptrdiff_t p, ptrdiff_t k,
                                ptrdiff_t ld, fnn_real *rows)
{
    ptrdiff_t row;
    if (g->transpose_a)
        g->kernels->pack_transposed(m, (int)k, (int)ld, g->a + p * g->lda + i, g->lda, rows);
    else
        for (row = 0; row < m; row++)
            memcpy(rows + row * ld, g->a + (i + row) * g->lda + p, (size_t)k * sizeof(fnn_real));
}

/* ---- tiles ---- */

/* m rows are dealt evenly to as few tiles as can be, so that 100 rows are 13 + 13 + 13 + 13 +
 * 12 + ... and not 14 + 14 + ... + 2: `more` tiles of least + 1 rows, then tiles of least. */
typedef struct fnni_gemm_deal {
    int tiles, least, more;
} fnni_gemm_deal;

static fnni_gemm_deal fnni_gemm_deal_rows(const fnni_kernels *kernels, ptrdiff_t m)
{
    fnni_gemm_deal deal;
    deal.tiles = (int)((unsigned)(m + kernels->tile_rows - 1) / (unsigned)kernels->tile_rows);
    deal.least = (int)((unsigned)m / (unsigned)deal.tiles);
    deal.more = (int)m - deal.least * deal.tiles;
    return deal;
}

/* One block of one product: what its runs of tiles share, and its corner. */
typedef struct fnni_gemm_rectangle {
    fnni_tiles run;
    const fnn_real *a, *b; /* the block's corner, or where it was packed */
    ptrdiff_t b_column;    /* from a column to the next: 1, or k where B is in panels */
    fnn_real *c;
    ptrdiff_t m, n;
    int prefetch_rows;
} fnni_gemm_rectangle;

/* A number of tiles, all of them `rows` high, from this row downwards in one panel of B. */
static void fnni_gemm_down(const fnni_kernels *kernels, fnni_gemm_rectangle *r, int tiles, int rows,
                           ptrdiff_t row, ptrdiff_t j)
{
    fnni_tiles *run = &r->run;
    if (tiles == 0) return;
    run->count = tiles;
    run->a_next = rows * run->a_row;
    run->b_next = 0;
    run->c_next = rows * run->ldc;
    run->prefetch_rows = r->prefetch_rows && j == 0 ? tiles : 0;
    kernels->gemm_tiles(run, rows, (int)fnni_least(r->n - j, kernels->tile_columns),
                        r->a + row * run->a_row, r->b + j * r->b_column,
                        r->c + row * run->ldc + j);
}

/* A panel of B stays in the first cache while the rows of A pass. */
static void fnni_gemm_columns_first(const fnni_kernels *kernels, fnni_gemm_rectangle *r)
{
    const fnni_gemm_deal deal = fnni_gemm_deal_rows(kernels, r->m);
    const ptrdiff_t high = (ptrdiff_t)deal.more * (deal.least + 1);
    ptrdiff_t j;
    for (j = 0; j < r->n; j += kernels->tile_columns) {
        fnni_gemm_down(kernels, r, deal.more, deal.least + 1, 0, j);
        fnni_gemm_down(kernels, r, deal.tiles - deal.more, deal.least, high, j);
    }
}

/* One tile's rows in all whole panels of B, then in the narrow one. */
static void fnni_gemm_along(const fnni_kernels *kernels, fnni_gemm_rectangle *r, int rows,
                            const fnn_real *a, fnn_real *c)
{
    const int width = kernels->tile_columns;
    const ptrdiff_t whole = r->n / width * width;
    fnni_tiles *run = &r->run;
    run->count = r->n / width;
    run->a_next = 0;
    run->b_next = width * r->b_column;
    run->c_next = width;
    run->prefetch_rows = r->prefetch_rows;
    if (whole > 0) kernels->gemm_tiles(run, rows, width, a, r->b, c);
    run->count = 1;
    run->prefetch_rows = r->prefetch_rows && whole == 0;
    if (whole < r->n)
        kernels->gemm_tiles(run, rows, (int)(r->n - whole), a, r->b + whole * r->b_column, c + whole);
}

/* Rows of A come from afar once, and stay in the first cache while all of B passes. */
static void fnni_gemm_rows_first(const fnni_kernels *kernels, fnni_gemm_rectangle *r)
{
    const fnni_gemm_deal deal = fnni_gemm_deal_rows(kernels, r->m);
    ptrdiff_t row = 0;
    int t;
    for (t = 0; t < deal.tiles; t++) {
        const int rows = deal.least + (t < deal.more);
        if (t == deal.tiles - 1) r->prefetch_rows = 0; /* no rows below */
        fnni_gemm_along(kernels, r, rows, r->a + row * r->run.a_row, r->c + row * r->run.ldc);
        row += rows;
    }
}

/* ---- one thread's rectangle ---- */

/* Columns j.. of the block: packs B unless it is packed or fine as it lies. */
static void fnni_gemm_take_b(const fnni_gemm *g, fnni_gemm_rectangle *r, ptrdiff_t p, ptrdiff_t j)
{
    const ptrdiff_t k = r->run.k;
    const int width = g->kernels->tile_columns;
    r->n = fnni_least(g->n - j, g->block_n);
    r->b_column = g->b_packed || g->pack_b ? k : 1;
    r->run.ldb = g->b_packed || g->pack_b ? width : g->ldb;
    if (g->b_packed) r->b = g->b + p * g->b_columns + (g->b_first + j) * k;
    else if (!g->pack_b) r->b = g->b + p * g->ldb + j;
    else {
        fnni_gemm_pack_columns(g, p, k, j, r->n, g->workspace);
        r->b = g->workspace;
    }
}

/* Rows i.. of the block; packed ones stay when there is no other block of rows. */
static void fnni_gemm_take_a(const fnni_gemm *g, fnni_gemm_rectangle *r, ptrdiff_t p, ptrdiff_t i,
                             int again)
{
    const ptrdiff_t k = r->run.k;
    fnn_real *rows;
    r->m = fnni_least(g->m - i, g->block_m);
    r->run.a_row = g->transpose_a ? 1 : g->lda;
    r->run.a_step = g->transpose_a ? g->lda : 1;
    r->a = g->a + i * r->run.a_row + p * r->run.a_step;
    if (!g->pack_a) return;
    r->run.a_row = fnni_gemm_kind(k);
    r->run.a_step = 1;
    rows = g->workspace + fnni_gemm_panels_b(g);
    if (!again || g->block_m < g->m) fnni_gemm_pack_rows(g, i, r->m, p, k, r->run.a_row, rows);
    r->a = rows;
}

/* The whole product of g on this thread. */
static void fnni_gemm_serial(const fnni_gemm *g)
{
    fnni_gemm_rectangle r;
    ptrdiff_t block, p, i, j;
    r.run.ldc = g->ldc;
    r.run.alpha = g->alpha;
    for (block = 0; block < fnni_gemm_blocks(g->k); block++) {
        r.run.k = fnni_gemm_block(g->k, block, &p);
        r.run.beta = block ? 1 : g->beta;
        r.run.prefetch_c = r.run.k >= 4 * g->kernels->tile_rows;
        for (j = 0; j < g->n; j += g->block_n) {
            fnni_gemm_take_b(g, &r, p, j);
            for (i = 0; i < g->m; i += g->block_m) {
                fnni_gemm_take_a(g, &r, p, i, j > 0);
                r.c = g->c + i * g->ldc + j;
                r.prefetch_rows = g->prefetch && j == 0;
                if (g->rows_first) fnni_gemm_rows_first(g->kernels, &r);
                else fnni_gemm_columns_first(g->kernels, &r);
            }
        }
    }
}

/* ---- threads ---- */

/* C as a grid of rectangles, one a part; columns are cut between panels. */
static void fnni_gemm_part(void *argument, int part, int parts)
{
    const fnni_gemm *whole = (const fnni_gemm *)argument;
    const int width = whole->kernels->tile_columns;
    const ptrdiff_t panels = (whole->n + width - 1) / width;
    const int i = part / whole->grid_columns, j = part % whole->grid_columns;
    const ptrdiff_t row = whole->m * i / whole->grid_rows;
    const ptrdiff_t column = panels * j / whole->grid_columns * width;
    fnni_gemm g = *whole;
    (void)parts;
    g.m = whole->m * (i + 1) / whole->grid_rows - row;
    g.n = fnni_least(whole->n, panels * (j + 1) / whole->grid_columns * width) - column;
    g.a += g.transpose_a ? row : row * g.lda;
    if (g.b_packed) g.b_first += column;
    else g.b += g.transpose_b ? column * g.ldb : column;
    g.c += row * g.ldc + column;
    if (g.workspace) g.workspace += (size_t)part * fnni_gemm_workspace(whole);
    fnni_gemm_serial(&g);
}

/* The largest rectangle of a grid. */
static void fnni_gemm_largest(const fnni_gemm *g, int rows, int columns, ptrdiff_t *m, ptrdiff_t *n)
{
    const int width = g->kernels->tile_columns;
    const ptrdiff_t panels = (g->n + width - 1) / width;
    *m = (g->m + rows - 1) / rows;
    *n = fnni_least(g->n, (panels + columns - 1) / columns * width);
}

/* What a grid costs, in multiply-adds of a step of k: those of its largest rectangle in whole
 * tiles, and its share of A and B read, or packed where that is the plan. */
static double fnni_gemm_cost(const fnni_gemm *g, int rows, int columns)
{
    ptrdiff_t m, n;
    fnni_gemm_largest(g, rows, columns, &m, &n);
    m = fnni_round_up(m, 2);
    n = fnni_round_up(n, g->kernels->lanes);
    return (double)m * (double)n + (g->pack_b ? 6 : 1) * (double)n + (g->pack_a ? 6 : 1) * (double)m;
}

/* The cheapest grid of that many parts, and the plan for its rectangles. */
static void fnni_gemm_grid(fnni_gemm *g, int parts)
{
    fnni_gemm largest;
    int rows;
    g->grid_rows = 1;
    g->grid_columns = parts;
    for (rows = 2; rows <= parts; rows++)
        if (parts % rows == 0 && fnni_gemm_cost(g, rows, parts / rows) <
                                     fnni_gemm_cost(g, g->grid_rows, g->grid_columns)) {
            g->grid_rows = rows;
            g->grid_columns = parts / rows;
        }
    largest = *g;
    fnni_gemm_largest(g, g->grid_rows, g->grid_columns, &largest.m, &largest.n);
    fnni_gemm_plan(&largest);
    largest.m = g->m;
    largest.n = g->n;
    *g = largest;
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

static int fnni_gemm_parts(const fnni_gemm *g, int threads)
{
    const double parts = (double)g->m * (double)g->n * (double)g->k / FNNI_GEMM_PART;
    return parts < 1 ? 1 : parts < threads ? (int)parts : threads;
}

static fnn_result fnni_gemm_run(fnn_context *context, fnni_gemm *g)
{
    int parts = 1;
    size_t count;
    g->kernels = context->kernels;
    if (g->m == 0 || g->n == 0) return FNN_OK;
    if (g->k == 0 || g->alpha == 0) {
        fnni_gemm_scale(g);
        return FNN_OK;
    }
    fnni_gemm_plan(g);
    if (context->threads > 1) parts = fnni_gemm_parts(g, context->threads);
    if (parts > 1) fnni_gemm_grid(g, parts);
    count = fnni_gemm_workspace(g) * (size_t)parts;
    g->workspace = NULL;
    if (count > 0 && !(g->workspace = fnni_workspace(context, count))) return FNN_ERROR_MEMORY;
    if (parts > 1) fnni_parallel(parts, fnni_gemm_part, g);
    else fnni_gemm_serial(g); /* entering OpenMP's region with one thread costs 0.2 us */
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
