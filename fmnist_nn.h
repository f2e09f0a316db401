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
#define fnn_activation_backward fnn_activation_backward_f64
#define fnn_activation_forward fnn_activation_forward_f64
#define fnn_dot fnn_dot_f64
#define fnn_dropout fnn_dropout_f64
#define fnn_exp fnn_exp_f64
#define fnn_from_bytes fnn_from_bytes_f64
#define fnn_log fnn_log_f64
#define fnn_sigmoid fnn_sigmoid_f64
#define fnn_softmax fnn_softmax_f64
#define fnn_softmax_cross_entropy fnn_softmax_cross_entropy_f64
#define fnn_sum fnn_sum_f64
#define fnn_tanh fnn_tanh_f64
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

/* ---- activations ---- */

/* y = f(x), a the call's parameter:
 *   FNN_LINEAR      x                             FNN_ELU      x > 0 ? x : a (e^x - 1)
 *   FNN_RELU        max(x, 0)                     FNN_GELU     x/2 (1 + erf(x / sqrt 2)), Keras' default
 *   FNN_LEAKY_RELU  x > 0 ? x : a x               FNN_SIGMOID  1 / (1 + e^-x)
 *   FNN_SOFTMAX     e^x / sum e^x over a row      FNN_TANH     tanh x */
typedef enum fnn_activation {
    FNN_LINEAR,
    FNN_RELU,
    FNN_LEAKY_RELU,
    FNN_ELU,
    FNN_GELU,
    FNN_SIGMOID,
    FNN_TANH,
    FNN_SOFTMAX,
    FNN_ACTIVATION_COUNT
} fnn_activation;

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

/* The elementwise kernels run on the calling thread. Of the context they take the instruction set
 * only, so several threads may share one here; with NULL the processor is asked on each call,
 * which costs more than a short array does. They return FNN_ERROR_ARGUMENT, and touch nothing,
 * on a negative size, a NULL array that would be used, a number out of its range, or NULL as
 * context while FNN_ISA names no instruction set of this machine. Arrays overlap entirely where
 * "may be" says so, otherwise not at all. */

/* y = e^x, ln x, tanh x, 1/(1 + e^-x) for n elements; y may be x. Every float: within 1 unit in
 * the last place of the true value (tanh and sigmoid 2), subnormal ones included; ln 0 =
 * -infinity, ln of a negative number is NaN, NaN gives NaN. */
FNN_API fnn_result fnn_exp(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);
FNN_API fnn_result fnn_log(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);
FNN_API fnn_result fnn_tanh(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);
FNN_API fnn_result fnn_sigmoid(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);

/* y = f(x) for n elements; kind is any but FNN_SOFTMAX (fnn_softmax), parameter is read by
 * FNN_LEAKY_RELU and FNN_ELU. y may be x. NaN gives NaN. */
FNN_API fnn_result fnn_activation_forward(fnn_context *context, fnn_activation kind,
                                          fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                          fnn_real *y);

/* dx = dy f'(x) for n elements. All kinds take f' from the outputs y, so x may be NULL; FNN_GELU
 * takes it from the inputs x, and y may be NULL. At a kink f' is the left slope, so 0 for
 * FNN_RELU at 0. The parameter must not be negative. dx may be any of dy, x, y. */
FNN_API fnn_result fnn_activation_backward(fnn_context *context, fnn_activation kind,
                                           fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                           const fnn_real *y, const fnn_real *dy, fnn_real *dx);

/* y = softmax of each row of x, both (rows,columns); the row's maximum is subtracted first, so
 * finite numbers never overflow. y may be x. A NaN or +infinity makes its row NaN. */
FNN_API fnn_result fnn_softmax(fnn_context *context, ptrdiff_t rows, ptrdiff_t columns,
                               const fnn_real *x, fnn_real *y);

/* Cross-entropy of softmax(logits) against a target distribution, and its gradient.
 * logits (rows,classes); the target is targets (rows,classes) or, with targets NULL, 1 at
 * labels (rows) in 0..classes-1. It is smoothed to t = (1 - smoothing) target + smoothing/classes
 * (Szegedy et al. 2016), 0 <= smoothing <= 1.
 * losses (rows, or NULL) = -sum t log softmax(logits); gradient (rows,classes, or NULL, may be
 * logits) = scale (softmax(logits) sum t - t): scale 1/rows makes it that of the mean loss. */
FNN_API fnn_result fnn_softmax_cross_entropy(fnn_context *context, ptrdiff_t rows,
                                             ptrdiff_t classes, const fnn_real *logits,
                                             const int32_t *labels, const fnn_real *targets,
                                             fnn_real smoothing, fnn_real scale, fnn_real *losses,
                                             fnn_real *gradient);

/* *result = sum of x, or of x y, over n elements. The order of the additions depends on n and
 * on the instruction set. */
FNN_API fnn_result fnn_sum(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *result);
FNN_API fnn_result fnn_dot(fnn_context *context, ptrdiff_t n, const fnn_real *x, const fnn_real *y,
                           fnn_real *result);

/* y[i] = (x[i] - shift[j]) scale[j] for n bytes, such as the pixels of an image; j = i with
 * per_element, 0 without: shift and scale hold n numbers or one. */
FNN_API fnn_result fnn_from_bytes(fnn_context *context, ptrdiff_t n, const uint8_t *x,
                                  int per_element, const fnn_real *shift, const fnn_real *scale,
                                  fnn_real *y);

/* y[i] = x[i] / (1 - rate) with probability 1 - rate, else 0, 0 <= rate <= 1 (Srivastava et al.
 * 2014, scaled while training). Which are kept is a function of key, rate and offset + i, so
 * dropout of the gradient with the same three is the backward pass. y may be x. */
FNN_API fnn_result fnn_dropout(fnn_context *context, ptrdiff_t n, uint64_t key, uint64_t offset,
                               fnn_real rate, const fnn_real *x, fnn_real *y);

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
#define fnni_vmin FNNI_NAME(vmin)
#define fnni_vmax FNNI_NAME(vmax)
#define fnni_vsqrt FNNI_NAME(vsqrt)
#define fnni_vgt FNNI_NAME(vgt)
#define fnni_veq FNNI_NAME(veq)
#define fnni_vselect FNNI_NAME(vselect)
#define fnni_vhsum FNNI_NAME(vhsum)
#define fnni_vhmax FNNI_NAME(vhmax)
#define fnni_vfirst FNNI_NAME(vfirst)
#define fnni_vload_bytes FNNI_NAME(vload_bytes)
#define fnni_vload_bytes_n FNNI_NAME(vload_bytes_n)
#define fnni_vscale FNNI_NAME(vscale)
#define fnni_vscale_normal FNNI_NAME(vscale_normal)
#define fnni_vbits FNNI_NAME(vbits)
#define fnni_vfrom_bits FNNI_NAME(vfrom_bits)
#define fnni_vfrom_int FNNI_NAME(vfrom_int)
#define fnni_u FNNI_NAME(u)
#define fnni_uset FNNI_NAME(uset)
#define fnni_uiota FNNI_NAME(uiota)
#define fnni_uadd FNNI_NAME(uadd)
#define fnni_usub FNNI_NAME(usub)
#define fnni_umul FNNI_NAME(umul)
#define fnni_uand FNNI_NAME(uand)
#define fnni_uor FNNI_NAME(uor)
#define fnni_uxor FNNI_NAME(uxor)
#define fnni_ushl FNNI_NAME(ushl)
#define fnni_ushr FNNI_NAME(ushr)
#define fnni_uge FNNI_NAME(uge)
#define fnni_get FNNI_NAME(get)
#define fnni_put FNNI_NAME(put)
#define fnni_vabs FNNI_NAME(vabs)
#define fnni_vcopysign FNNI_NAME(vcopysign)
#define fnni_exp_reduce FNNI_NAME(exp_reduce)
#define fnni_exp_rest FNNI_NAME(exp_rest)
#define fnni_exp_sum FNNI_NAME(exp_sum)
#define fnni_vexp FNNI_NAME(vexp)
#define fnni_vexp_below FNNI_NAME(vexp_below)
#define fnni_vexpm1_below FNNI_NAME(vexpm1_below)
#define fnni_vlog FNNI_NAME(vlog)
#define fnni_vlog_special FNNI_NAME(vlog_special)
#define fnni_vtanh FNNI_NAME(vtanh)
#define fnni_vsigmoid FNNI_NAME(vsigmoid)
#define fnni_normal_tail FNNI_NAME(normal_tail)
#define fnni_vgelu FNNI_NAME(vgelu)
#define fnni_vgelu_slope FNNI_NAME(vgelu_slope)
#define fnni_apply FNNI_NAME(apply)
#define fnni_apply_back FNNI_NAME(apply_back)
#define fnni_map FNNI_NAME(map)
#define fnni_map_back FNNI_NAME(map_back)
#define fnni_map_bias FNNI_NAME(map_bias)
#define fnni_map_exp FNNI_NAME(map_exp)
#define fnni_map_log FNNI_NAME(map_log)
#define fnni_map_tanh FNNI_NAME(map_tanh)
#define fnni_map_sigmoid FNNI_NAME(map_sigmoid)
#define fnni_activation FNNI_NAME(activation)
#define fnni_activation_backward FNNI_NAME(activation_backward)
#define fnni_bias_activation FNNI_NAME(bias_activation)
#define fnni_row_maximum FNNI_NAME(row_maximum)
#define fnni_row_exp FNNI_NAME(row_exp)
#define fnni_softmax_short FNNI_NAME(softmax_short)
#define fnni_softmax FNNI_NAME(softmax)
#define fnni_entropy FNNI_NAME(entropy)
#define fnni_entropy_terms FNNI_NAME(entropy_terms)
#define fnni_entropy_gradient FNNI_NAME(entropy_gradient)
#define fnni_entropy_row FNNI_NAME(entropy_row)
#define fnni_softmax_cross_entropy FNNI_NAME(softmax_cross_entropy)
#define fnni_sum FNNI_NAME(sum)
#define fnni_dot FNNI_NAME(dot)
#define fnni_max_value FNNI_NAME(max_value)
#define fnni_vmax_nan FNNI_NAME(vmax_nan)
#define fnni_add_scaled FNNI_NAME(add_scaled)
#define fnni_scale FNNI_NAME(scale)
#define fnni_fill FNNI_NAME(fill)
#define fnni_column_strip FNNI_NAME(column_strip)
#define fnni_column_tail FNNI_NAME(column_tail)
#define fnni_column_sums FNNI_NAME(column_sums)
#define fnni_standardise FNNI_NAME(standardise)
#define fnni_bytes_loop FNNI_NAME(bytes_loop)
#define fnni_reals_loop FNNI_NAME(reals_loop)
#define fnni_from_bytes FNNI_NAME(from_bytes)
#define fnni_from_reals FNNI_NAME(from_reals)
#define fnni_stepper FNNI_NAME(stepper)
#define fnni_stepper_open FNNI_NAME(stepper_open)
#define fnni_step_gradient FNNI_NAME(step_gradient)
#define fnni_step_plain FNNI_NAME(step_plain)
#define fnni_step_weight FNNI_NAME(step_weight)
#define fnni_step_root FNNI_NAME(step_root)
#define fnni_sgd_vector FNNI_NAME(sgd_vector)
#define fnni_sgd_loop FNNI_NAME(sgd_loop)
#define fnni_step_sgd FNNI_NAME(step_sgd)
#define fnni_momentum_vector FNNI_NAME(momentum_vector)
#define fnni_momentum_loop FNNI_NAME(momentum_loop)
#define fnni_step_momentum FNNI_NAME(step_momentum)
#define fnni_adagrad_vector FNNI_NAME(adagrad_vector)
#define fnni_adagrad_loop FNNI_NAME(adagrad_loop)
#define fnni_step_adagrad FNNI_NAME(step_adagrad)
#define fnni_adadelta_vector FNNI_NAME(adadelta_vector)
#define fnni_adadelta_loop FNNI_NAME(adadelta_loop)
#define fnni_step_adadelta FNNI_NAME(step_adadelta)
#define fnni_rmsprop_vector FNNI_NAME(rmsprop_vector)
#define fnni_rmsprop_loop FNNI_NAME(rmsprop_loop)
#define fnni_step_rmsprop FNNI_NAME(step_rmsprop)
#define fnni_adam FNNI_NAME(adam)
#define fnni_adam_vector FNNI_NAME(adam_vector)
#define fnni_adam_loop FNNI_NAME(adam_loop)
#define fnni_step_adam FNNI_NAME(step_adam)
#define fnni_hash FNNI_NAME(hash)
#define fnni_hash_key FNNI_NAME(hash_key)
#define fnni_dropout_run FNNI_NAME(dropout_run)
#define fnni_dropout FNNI_NAME(dropout)

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

/* One step of an optimiser over n weights w with gradient g. First, for all of them,
 *     penalty = l2 w + l1 sign(w)
 *     g' = clamp(gradient_scale g) + penalty         clip_penalty 0: PyTorch, whose optimisers add
 *                                                    weight_decay after clip_grad_norm_/value_
 *     g' = clamp(gradient_scale (g + penalty))       clip_penalty 1: Keras, whose regularisers
 *                                                    are part of the loss, so of the gradient
 * with clamp(x) = max(-clip, min(clip, x)) when clip > 0, and the new weight is
 *     w (1 - rate decay) - update                    decoupled decay (Loshchilov and Hutter 2017):
 *                                                    torch.optim.AdamW; Keras' weight_decay=
 * root(s) is sqrt(s + epsilon) with epsilon_inside, sqrt(s) + epsilon without. Written from
 * keras/src/optimizers of Keras 3, optimizer_v2 of Keras 2 and torch/optim; the presets:
 *                Keras                                            PyTorch
 *   momentum     rate_inside 1                                    rate_inside 0, dampening
 *   Adagrad      s starts at .1; epsilon_inside 1 (Keras 2: 0)    s starts at 0; 0
 *   Adadelta     epsilon 1e-7, rho .95, rate .001                 1e-6, .9, 1
 *   RMSProp      epsilon_inside 1 (Keras 2 without momentum: 0),  0; rate_inside 0; rho is
 *                rate_inside 1                                    called alpha
 *   Adam         epsilon_corrected 0                              epsilon_corrected 1 */
typedef struct fnni_step {
    fnn_real rate, gradient_scale, clip, l2, l1, decay;
    fnn_real momentum, dampening, rho, beta1, beta2, epsilon;
    fnn_real correction1, correction2; /* Adam: 1 - beta1^t and 1 - beta2^t, t = 1, 2, ... */
    int clip_penalty;
    int nesterov;
    int epsilon_inside;
    int rate_inside;       /* the momentum buffer holds rate g rather than g */
    int epsilon_corrected; /* Adam: epsilon is added to sqrt(v / correction2), not to sqrt(v) */
} fnni_step;

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
      (ptrdiff_t k, int columns, int width, const fnn_real *x, ptrdiff_t ldx, fnn_real *panel))    \
    /* y = e^x, ln x, tanh x, 1/(1 + e^-x). */                                                     \
    X(void, map_exp, (ptrdiff_t n, const fnn_real *x, fnn_real *y))                                \
    X(void, map_log, (ptrdiff_t n, const fnn_real *x, fnn_real *y))                                \
    X(void, map_tanh, (ptrdiff_t n, const fnn_real *x, fnn_real *y))                               \
    X(void, map_sigmoid, (ptrdiff_t n, const fnn_real *x, fnn_real *y))                            \
    /* y = f(x), any kind but FNN_SOFTMAX. */                                                      \
    X(void, activation,                                                                            \
      (fnn_activation kind, fnn_real parameter, ptrdiff_t n, const fnn_real *x, fnn_real *y))      \
    /* dx = dy f'(x), from y = f(x) alone but for FNN_GELU, the only kind that reads x (NULL       \
       otherwise) and that does not read y. dx may be dy, x or y. */                               \
    X(void, activation_backward,                                                                   \
      (fnn_activation kind, fnn_real parameter, ptrdiff_t n, const fnn_real *x, const fnn_real *y, \
       const fnn_real *dy, fnn_real *dx))                                                          \
    /* c[i*ldc + j] = f(c[i*ldc + j] + bias[j]), bias NULL: 0. */                                  \
    X(void, bias_activation,                                                                       \
      (fnn_activation kind, fnn_real parameter, ptrdiff_t rows, ptrdiff_t columns,                 \
       const fnn_real *bias, fnn_real *c, ptrdiff_t ldc))                                          \
    /* Each row of y is e^(x - m) / sum e^(x - m), m the row's maximum; x and y (rows,columns). */ \
    X(void, softmax, (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, fnn_real *y))          \
    /* t = (1 - smoothing) target + smoothing/classes, the target being targets (rows,classes)     \
       or, where that is NULL, 1 at labels[i] in 0..classes-1. losses[i] = -sum t log softmax(x);  \
       gradient = scale (softmax(x) sum t - t). Either may be NULL; gradient may be x. */          \
    X(void, softmax_cross_entropy,                                                                 \
      (ptrdiff_t rows, ptrdiff_t classes, const fnn_real *x, const int32_t *labels,                \
       const fnn_real *targets, fnn_real smoothing, fnn_real scale, fnn_real *losses,              \
       fnn_real *gradient))                                                                        \
    /* sum x, sum x y, max x (-infinity for n = 0, NaN if one is); the order depends on n alone. */\
    X(fnn_real, sum, (ptrdiff_t n, const fnn_real *x))                                             \
    X(fnn_real, dot, (ptrdiff_t n, const fnn_real *x, const fnn_real *y))                          \
    X(fnn_real, max_value, (ptrdiff_t n, const fnn_real *x))                                       \
    /* y += a x; x *= a; x = a. */                                                                 \
    X(void, add_scaled, (ptrdiff_t n, fnn_real a, const fnn_real *x, fnn_real *y))                 \
    X(void, scale, (ptrdiff_t n, fnn_real a, fnn_real *x))                                         \
    X(void, fill, (ptrdiff_t n, fnn_real a, fnn_real *x))                                          \
    /* y[j] = sum over i of x[i*ldx + j], i ascending. y may not be x. */                          \
    X(void, column_sums,                                                                           \
      (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, ptrdiff_t ldx, fnn_real *y))          \
    /* y[i] = (x[i] - shift[j]) scale[j], j = per_element ? i : 0. */                              \
    X(void, from_bytes,                                                                            \
      (ptrdiff_t n, const uint8_t *x, int per_element, const fnn_real *shift,                      \
       const fnn_real *scale, fnn_real *y))                                                        \
    X(void, from_reals,                                                                            \
      (ptrdiff_t n, const fnn_real *x, int per_element, const fnn_real *shift,                     \
       const fnn_real *scale, fnn_real *y))                                                        \
    /* One step of an optimiser (fnni_step); all arrays of n apart from each other. In formulas:   \
       w -= rate g' */                                                                             \
    X(void, step_sgd, (ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g))        \
    /* v = momentum v + (1 - dampening) g';  w -= rate v, or nesterov: rate (g' + momentum v);     \
       rate_inside: v = momentum v + rate g';  w -= v, or nesterov: rate g' + momentum v */        \
    X(void, step_momentum,                                                                         \
      (ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g, fnn_real *v))           \
    /* s += g'^2;  w -= rate g' / root(s) */                                                       \
    X(void, step_adagrad,                                                                          \
      (ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g, fnn_real *s))           \
    /* s = rho s + (1 - rho) g'^2;  u = g' sqrt((d + epsilon) / (s + epsilon));                    \
       d = rho d + (1 - rho) u^2;  w -= rate u */                                                  \
    X(void, step_adadelta,                                                                         \
      (ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g, fnn_real *s,            \
       fnn_real *d))                                                                               \
    /* s = rho s + (1 - rho) g'^2;  u = g' / root(s);  w -= rate u, or with v (else NULL) as       \
       step_momentum with u for g' and no nesterov */                                              \
    X(void, step_rmsprop,                                                                          \
      (ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g, fnn_real *s,            \
       fnn_real *v))                                                                               \
    /* m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2;                              \
       w -= rate sqrt(correction2) / correction1 m / (sqrt(v) + epsilon') */                       \
    X(void, step_adam,                                                                             \
      (ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g, fnn_real *m,            \
       fnn_real *v))                                                                               \
    /* y[i] = keep(i) ? x[i] / (1 - rate) : 0, keep(i) a function of key and offset + i that is    \
       the same on every instruction set. Applied to dy with the same key it is the backward. */   \
    X(void, dropout,                                                                               \
      (ptrdiff_t n, uint64_t key, uint64_t offset, fnn_real rate, const fnn_real *x, fnn_real *y))

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
 *   vmin(a, b) vmax(a, b)      a < b ? a : b and a > b ? a : b, so b if either is NaN
 *   vsqrt(a)                   square root, correctly rounded
 *   vgt(a, b) veq(a, b)        masks a > b and a == b, false with NaN
 *   vselect(m, a, b)           m ? a : b
 *   vhsum(a) vhmax(a)          sum and maximum of the lanes, in a fixed order of halves
 *   vfirst(a)                  lane 0
 *   vload_bytes(p) vload_bytes_n(p, n)    LANES bytes as reals; the first n < LANES, else 0
 * and over vectors u of 32-bit unsigned integers, as many lanes (float only: vbits and on):
 *   uset uadd umul uxor        x in every lane, a+b, a*b, a^b
 *   ushr(a, n) uge(a, b)       a >> n, mask a >= b
 *   uiota()                    0, 1, 2, ...
 *   usub uand uor ushl(a, n)   a-b, a&b, a|b, a << n
 *   vbits(a) vfrom_bits(u)     the bits of a as integers, and back
 *   vfrom_int(u)               u as signed integers, converted
 *   vscale(a, n)               a 2^n, rounded once, subnormal results too; n whole, -250..250
 *   vscale_normal(a, n)        the same where a and a 2^n are normal numbers
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
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return a < b ? a : b; }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return a > b ? a : b; }
#if FNNI_REAL_IS_DOUBLE
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return sqrt(a); }
#else
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return sqrtf(a); }
#endif
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return a > b; }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return a == b; }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return m ? a : b; }
FNNI_INLINE fnn_real fnni_vhsum(fnni_v a) { return a; }
FNNI_INLINE fnn_real fnni_vhmax(fnni_v a) { return a; }
FNNI_INLINE fnn_real fnni_vfirst(fnni_v a) { return a; }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p) { return (fnni_v)*p; }
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n) { return n > 0 ? (fnni_v)*p : 0; }
typedef uint32_t fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return x; }
FNNI_INLINE fnni_u fnni_uiota(void) { return 0; }
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return a + b; }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return a * b; }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return a ^ b; }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return a >> n; }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return a >= b; }
#if !FNNI_REAL_IS_DOUBLE
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return a - b; }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return a & b; }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return a | b; }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return a << n; }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { fnni_u u; memcpy(&u, &a, sizeof u); return u; }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { fnni_v a; memcpy(&a, &u, sizeof a); return a; }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return (fnni_v)(int32_t)u; }
#endif
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
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return _mm256_min_ps(a, b); }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return _mm256_max_ps(a, b); }
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return _mm256_sqrt_ps(a); }
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return _mm256_blendv_ps(b, a, m); }
FNNI_INLINE float fnni_vhsum(fnni_v a)
{
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vhmax(fnni_v a)
{
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vfirst(fnni_v a) { return _mm_cvtss_f32(_mm256_castps256_ps128(a)); }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    uint64_t bytes = 0; /* AVX2 has no masked load of bytes */
    while (n-- > 0) bytes = bytes << 8 | p[n];
    return fnni_vload_bytes((const uint8_t *)&bytes);
}
typedef __m256i fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return _mm256_set1_epi32((int)x); }
FNNI_INLINE fnni_u fnni_uiota(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return _mm256_add_epi32(a, b); }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return _mm256_mullo_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return _mm256_xor_si256(a, b); }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return _mm256_srli_epi32(a, n); }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a)); }
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return _mm256_sub_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return _mm256_and_si256(a, b); }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return _mm256_or_si256(a, b); }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return _mm256_slli_epi32(a, n); }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { return _mm256_castps_si256(a); }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { return _mm256_castsi256_ps(u); }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return _mm256_cvtepi32_ps(u); }
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
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return _mm512_maskz_min_ps(0xffff, a, b); }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return _mm512_maskz_max_ps(0xffff, a, b); }
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return _mm512_maskz_sqrt_ps(0xffff, a); }
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return _mm512_mask_blend_ps(m, b, a); }
FNNI_INLINE float fnni_vhsum(fnni_v a)
{
    const __m256 o = _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, a, 0), _mm512_maskz_extractf32x8_ps(0xff, a, 1));
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vhmax(fnni_v a)
{
    const __m256 o = _mm256_max_ps(_mm512_maskz_extractf32x8_ps(0xff, a, 0), _mm512_maskz_extractf32x8_ps(0xff, a, 1));
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vfirst(fnni_v a) { return _mm512_cvtss_f32(a); }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, bytes));
}
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    const __m128i bytes = _mm_maskz_loadu_epi8(fnni_vmask(n), p);
    return _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, bytes));
}
typedef __m512i fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return _mm512_set1_epi32((int)x); }
FNNI_INLINE fnni_u fnni_uiota(void) { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return _mm512_add_epi32(a, b); }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return _mm512_mullo_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return _mm512_xor_si512(a, b); }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return _mm512_maskz_srlv_epi32(0xffff, a, fnni_uset((uint32_t)n)); }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return _mm512_cmpge_epu32_mask(a, b); }
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return _mm512_sub_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return _mm512_and_si512(a, b); }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return _mm512_or_si512(a, b); }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return _mm512_maskz_sllv_epi32(0xffff, a, fnni_uset((uint32_t)n)); }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { return _mm512_castps_si512(a); }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { return _mm512_castsi512_ps(u); }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return _mm512_maskz_cvtepi32_ps(0xffff, u); }
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
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return vsqrtq_f32(a); }
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return vcgtq_f32(a, b); }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return vceqq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return vbslq_f32(m, a, b); }
FNNI_INLINE float fnni_vhsum(fnni_v a)
{
    const float32x2_t h = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
FNNI_INLINE float fnni_vhmax(fnni_v a)
{
    const float32x2_t h = vmax_f32(vget_low_f32(a), vget_high_f32(a));
    const float x = vget_lane_f32(h, 0), y = vget_lane_f32(h, 1);
    return x > y ? x : y;
}
FNNI_INLINE float fnni_vfirst(fnni_v a) { return vgetq_lane_f32(a, 0); }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p)
{
    uint32_t bytes; /* four; NEON's own loads of bytes take eight */
    memcpy(&bytes, p, sizeof bytes);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bytes)))));
}
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    uint32_t bytes = 0;
    while (n-- > 0) bytes = bytes << 8 | p[n];
    return fnni_vload_bytes((const uint8_t *)&bytes);
}
typedef uint32x4_t fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return vdupq_n_u32(x); }
FNNI_INLINE fnni_u fnni_uiota(void)
{
    const uint32_t lane[4] = {0, 1, 2, 3};
    return vld1q_u32(lane);
}
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return vaddq_u32(a, b); }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return vmulq_u32(a, b); }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return veorq_u32(a, b); }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return vshlq_u32(a, vdupq_n_s32(-n)); }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return vcgeq_u32(a, b); }
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return vsubq_u32(a, b); }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return vandq_u32(a, b); }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return vorrq_u32(a, b); }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return vshlq_u32(a, vdupq_n_s32(n)); }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { return vreinterpretq_u32_f32(a); }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { return vreinterpretq_f32_u32(u); }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return vcvtq_f32_s32(vreinterpretq_s32_u32(u)); }
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

/* ---- elementwise kernels: what they share ---- */
/* One loop idiom: full vectors, then one masked tail. What is done to a vector stands once, in
 * a function that gets `whole` as a constant: 1 in the loop, 0 with a mask in the tail. */
FNNI_INLINE fnni_v fnni_get(const int whole, fnni_m m, const fnn_real *p)
{
    return whole ? fnni_vload(p) : fnni_vload_m(p, m);
}

FNNI_INLINE void fnni_put(const int whole, fnni_m m, fnn_real *p, fnni_v a)
{
    if (whole) fnni_vstore(p, a);
    else fnni_vstore_m(p, m, a);
}

/* ---- exp, log, tanh, sigmoid and their kin ---- */
/* The double library has the scalar pass alone and takes libm's functions. The float ones need
 * no fused multiply-add to hold their bounds, and a compiler that fuses does no harm: where the
 * last bits count, products are exact or sums are split by Dekker's Fast2Sum, which has none.
 * Polynomials are minimax for the weighted error named beside them (Remez), the coefficients
 * rounded to float. tests/exhaustive_math.c measures every float. */
#if FNNI_REAL_IS_DOUBLE
FNNI_INLINE fnni_v fnni_vexp(fnni_v x) { return exp(x); }
FNNI_INLINE fnni_v fnni_vexp_below(fnni_v x) { return exp(x); }
FNNI_INLINE fnni_v fnni_vexpm1_below(fnni_v x) { return expm1(x); }
FNNI_INLINE fnni_v fnni_vlog(fnni_v x) { return log(x); }
FNNI_INLINE fnni_v fnni_vtanh(fnni_v x) { return tanh(x); }
FNNI_INLINE fnni_v fnni_vsigmoid(fnni_v x)
{
    const double e = exp(-fabs(x)), base = x < 0 ? e : 1;
    return base - base * (e / (1 + e));
}
/* Phi(x) is the normal distribution, erfc(-x / sqrt 2) / 2, and 0 to any precision below -40. */
FNNI_INLINE fnni_v fnni_vgelu(fnni_v x)
{
    return x < -40 ? 0 : x * (0.5 * erfc(-0.70710678118654752440 * x));
}
FNNI_INLINE fnni_v fnni_vgelu_slope(fnni_v x)
{
    const double c = x < -40 ? -40 : x > 40 ? 40 : x;
    return 0.5 * erfc(-0.70710678118654752440 * c) + c * exp(-0.5 * c * c) * 0.39894228040143267794;
}
#else
#define FNNI_MAGIC 12582912.0f /* 1.5 * 2^23: adding it leaves no place for a fraction, and the */
#define FNNI_MAGIC_BITS 0x4b400000u /* sum's bits are these plus the nearest whole number */
#if FNNI_PASS == FNNI_PASS_AVX512
FNNI_INLINE fnni_v fnni_vscale(fnni_v a, fnni_v n) { return _mm512_maskz_scalef_ps(0xffff, a, n); }
FNNI_INLINE fnni_v fnni_vscale_normal(fnni_v a, fnni_v n) { return fnni_vscale(a, n); }
#else
/* a 2^n as a f1 f2 with f1 and f2 about 2^(n/2), both normal: only the second product rounds.
 * n + 254 is split rather than n, so that the halves are positive and biased already. */
FNNI_INLINE fnni_v fnni_vscale(fnni_v a, fnni_v n)
{
    const fnni_u k = fnni_uadd(fnni_vbits(fnni_vadd(n, fnni_vset(FNNI_MAGIC))),
                               fnni_uset(254u - FNNI_MAGIC_BITS));
    const fnni_u half = fnni_ushr(k, 1);
    a = fnni_vmul(a, fnni_vfrom_bits(fnni_ushl(half, 23)));
    return fnni_vmul(a, fnni_vfrom_bits(fnni_ushl(fnni_usub(k, half), 23)));
}

FNNI_INLINE fnni_v fnni_vscale_normal(fnni_v a, fnni_v n)
{
    const fnni_u k = fnni_vbits(fnni_vadd(n, fnni_vset(FNNI_MAGIC))); /* the shift drops MAGIC */
    return fnni_vfrom_bits(fnni_uadd(fnni_vbits(a), fnni_ushl(k, 23)));
}
#endif

FNNI_INLINE fnni_v fnni_vabs(fnni_v a)
{
    return fnni_vfrom_bits(fnni_uand(fnni_vbits(a), fnni_uset(0x7fffffffu)));
}

/* a >= 0 with the sign of s. */
FNNI_INLINE fnni_v fnni_vcopysign(fnni_v a, fnni_v s)
{
    return fnni_vfrom_bits(fnni_uor(fnni_vbits(a), fnni_uand(fnni_vbits(s), fnni_uset(0x80000000u))));
}

/* ln 2 in two parts, the first with nine trailing zeros: a whole number below 2^9 times it is
 * exact (Cody and Waite, 1980). */
#define FNNI_LN2_HIGH 6.9314575195e-01f /* 0x1.62e4p-1 */
#define FNNI_LN2_LOW 1.4286067653e-06f

/* Returns n, the whole number nearest x / ln 2; x = n ln 2 + (high - low), high exact. */
FNNI_INLINE fnni_v fnni_exp_reduce(fnni_v x, fnni_v *high, fnni_v *low)
{
    const fnni_v magic = fnni_vset(FNNI_MAGIC);
    const fnni_v sum = fnni_vfma(x, fnni_vset(1.44269504f), magic);
    const fnni_v n = fnni_vsub(fnni_vfrom_bits(fnni_vbits(sum)), magic); /* by way of the bits: x87 */
    *high = fnni_vfnma(n, fnni_vset(FNNI_LN2_HIGH), x);
    *low = fnni_vmul(n, fnni_vset(FNNI_LN2_LOW));
    return n;
}

/* e^(high - low) - 1 - high, that is r^2 q(r) - low: |r| <= .347, error below 2^-28 e^r. */
FNNI_INLINE fnni_v fnni_exp_rest(fnni_v high, fnni_v low)
{
    const fnni_v r = fnni_vsub(high, low);
    fnni_v q = fnni_vset(0.0013814624f);
    q = fnni_vfma(q, r, fnni_vset(0.0083687175f));
    q = fnni_vfma(q, r, fnni_vset(0.04166839f));
    q = fnni_vfma(q, r, fnni_vset(0.16666521f));
    q = fnni_vfma(q, r, fnni_vset(0.49999994f));
    return fnni_vsub(fnni_vmul(fnni_vmul(r, r), q), low);
}

/* 1 + high + rest, rounded all but once: 1 + high is split into the sum and what it lost. */
FNNI_INLINE fnni_v fnni_exp_sum(fnni_v high, fnni_v rest)
{
    const fnni_v one = fnni_vset(1), sum = fnni_vadd(one, high);
    return fnni_vadd(sum, fnni_vadd(fnni_vsub(high, fnni_vsub(sum, one)), rest));
}

/* e^x for x <= 89, where it overflows already; below -104 it is 0. NaN stays NaN (vmax). */
FNNI_INLINE fnni_v fnni_vexp_below(fnni_v x)
{
    fnni_v high, low;
    const fnni_v n = fnni_exp_reduce(fnni_vmax(fnni_vset(-104), x), &high, &low);
    return fnni_vscale(fnni_exp_sum(high, fnni_exp_rest(high, low)), n);
}

FNNI_INLINE fnni_v fnni_vexp(fnni_v x) { return fnni_vexp_below(fnni_vmin(fnni_vset(89), x)); }

/* e^x - 1 for x <= 0: 2^n (1 + p) - 1 = 2^n p + (2^n - 1), which is p itself near 0. */
FNNI_INLINE fnni_v fnni_vexpm1_below(fnni_v x)
{
    const fnni_v one = fnni_vset(1);
    fnni_v high, low;
    const fnni_v n = fnni_exp_reduce(fnni_vmax(fnni_vset(-30), x), &high, &low);
    const fnni_v p = fnni_vadd(high, fnni_exp_rest(high, low));
    const fnni_v power = fnni_vscale_normal(one, n);
    return fnni_vfma(power, p, fnni_vsub(power, one));
}

/* What log gives where its formula does not hold: 0, negative, +infinity, NaN. */
FNNI_INLINE fnni_v fnni_vlog_special(fnni_v x, fnni_v y)
{
    const fnni_v zero = fnni_vzero(), infinity = fnni_vset(INFINITY);
    const fnni_v bad = fnni_vselect(fnni_veq(x, zero), fnni_vset(-INFINITY), fnni_vset(NAN));
    y = fnni_vselect(fnni_vgt(infinity, x), y, x);
    return fnni_vselect(fnni_vgt(x, zero), y, bad);
}

/* x = 2^k (1 + f), 2/3 <= 1 + f < 4/3; ln x = k ln 2 + f - f^2/2 + f^3 P(f), |P's error| below
 * 2^-27 ln(1+f) / f^3. k LN2_HIGH + f is split into the sum and what it lost. */
FNNI_INLINE fnni_v fnni_vlog(fnni_v x)
{
    const fnni_m tiny = fnni_vgt(fnni_vset(1.1754944e-38f), x);
    const fnni_u bits = fnni_vbits(fnni_vselect(tiny, fnni_vmul(x, fnni_vset(8388608.0f)), x));
    const fnni_u power = fnni_uand(fnni_usub(bits, fnni_uset(0x3f2aaaabu)), fnni_uset(0xff800000u));
    const fnni_v f = fnni_vsub(fnni_vfrom_bits(fnni_usub(bits, power)), fnni_vset(1));
    const fnni_v k = fnni_vfma(fnni_vfrom_int(power), fnni_vset(1.1920929e-07f),
                               fnni_vselect(tiny, fnni_vset(-23), fnni_vzero()));
    const fnni_v square = fnni_vmul(f, f), high = fnni_vmul(k, fnni_vset(FNNI_LN2_HIGH));
    const fnni_v sum = fnni_vadd(high, f), lost = fnni_vsub(f, fnni_vsub(sum, high));
    fnni_v p = fnni_vset(-0.12891677f);
    p = fnni_vfma(p, f, fnni_vset(0.13984431f));
    p = fnni_vfma(p, f, fnni_vset(-0.12184263f));
    p = fnni_vfma(p, f, fnni_vset(0.1400587f));
    p = fnni_vfma(p, f, fnni_vset(-0.16680487f));
    p = fnni_vfma(p, f, fnni_vset(0.20010406f));
    p = fnni_vfma(p, f, fnni_vset(-0.24999797f));
    p = fnni_vfma(p, f, fnni_vset(0.33333215f));
    p = fnni_vfma(fnni_vmul(f, square), p, fnni_vmul(k, fnni_vset(FNNI_LN2_LOW)));
    p = fnni_vsub(p, fnni_vmul(fnni_vset(0.5f), square));
    return fnni_vlog_special(x, fnni_vadd(sum, fnni_vadd(lost, p)));
}

/* |x| <= .625: x + x^3 P(x^2), error below 2^-26 of the result; else 1 - 2/(e^2|x| + 1), which
 * is 1 from 10 on. NaN goes the first way: vscale_normal would make a number of it. */
FNNI_INLINE fnni_v fnni_vtanh(fnni_v x)
{
    const fnni_v one = fnni_vset(1), two = fnni_vset(2);
    const fnni_v a = fnni_vmin(fnni_vset(10), fnni_vabs(x)), square = fnni_vmul(a, a);
    fnni_v high, low, large, p = fnni_vset(-0.00570498f);
    const fnni_v n = fnni_exp_reduce(fnni_vadd(a, a), &high, &low);
    large = fnni_vscale_normal(fnni_vadd(one, fnni_vadd(high, fnni_exp_rest(high, low))), n);
    large = fnni_vsub(one, fnni_vdiv(two, fnni_vadd(large, one)));
    p = fnni_vfma(p, square, fnni_vset(0.02063908f));
    p = fnni_vfma(p, square, fnni_vset(-0.05373971f));
    p = fnni_vfma(p, square, fnni_vset(0.13331442f));
    p = fnni_vfma(p, square, fnni_vset(-0.3333328f));
    p = fnni_vfma(fnni_vmul(a, square), p, a);
    return fnni_vcopysign(fnni_vselect(fnni_vgt(a, fnni_vset(0.625f)), large, p), x);
}

/* With e = e^-|x| and q = e/(1+e): 1 - q, or e/(1+e) = e - e q for x < 0. The subtraction
 * halves the division's error and keeps subnormal results exact to the last bit. */
FNNI_INLINE fnni_v fnni_vsigmoid(fnni_v x)
{
    const fnni_v one = fnni_vset(1);
    const fnni_v e = fnni_vexp_below(fnni_vsub(fnni_vzero(), fnni_vabs(x)));
    const fnni_v q = fnni_vdiv(e, fnni_vadd(one, e));
    const fnni_v base = fnni_vselect(fnni_vgt(fnni_vzero(), x), e, one);
    return fnni_vfnma(base, q, base);
}

/* For a >= 0 Phi(-a) = density mills 2^n and e^(-a^2/2) = density 2^n. a^2/2 is split as
 * h^2/2 + (a - h)(a + h)/2, h having 12 bits, so that a large exponent costs no accuracy;
 * mills = t P(t), t = 1/(1 + .32 a), error below 2^-25, up to a = 14.5 where Phi(-a) a is 0. */
FNNI_INLINE fnni_v fnni_normal_tail(fnni_v a, fnni_v *density, fnni_v *mills)
{
    const fnni_v h = fnni_vfrom_bits(fnni_uand(fnni_vbits(a), fnni_uset(0xfffff000u)));
    const fnni_v half = fnni_vset(0.5f), one = fnni_vset(1);
    const fnni_v t = fnni_vdiv(one, fnni_vfma(fnni_vset(0.32f), a, one));
    const fnni_v rest = fnni_vmul(fnni_vmul(half, fnni_vsub(a, h)), fnni_vadd(a, h));
    fnni_v high, low, p = fnni_vset(-0.016291177f);
    const fnni_v n = fnni_exp_reduce(fnni_vmul(fnni_vmul(fnni_vset(-0.5f), h), h), &high, &low);
    low = fnni_vadd(low, rest);
    *density = fnni_exp_sum(high, fnni_exp_rest(high, low));
    p = fnni_vfma(p, t, fnni_vset(0.07045479f));
    p = fnni_vfma(p, t, fnni_vset(-0.09077311f));
    p = fnni_vfma(p, t, fnni_vset(-0.005203569f));
    p = fnni_vfma(p, t, fnni_vset(0.04555431f));
    p = fnni_vfma(p, t, fnni_vset(0.031357646f));
    p = fnni_vfma(p, t, fnni_vset(0.09644949f));
    p = fnni_vfma(p, t, fnni_vset(0.1129599f));
    p = fnni_vfma(p, t, fnni_vset(0.12783813f));
    p = fnni_vfma(p, t, fnni_vset(0.12765358f));
    *mills = fnni_vmul(t, p);
    return n;
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|), without cancellation on either side. */
FNNI_INLINE fnni_v fnni_vgelu(fnni_v x)
{
    const fnni_v a = fnni_vmin(fnni_vset(14.5f), fnni_vabs(x));
    fnni_v density, mills;
    const fnni_v n = fnni_normal_tail(a, &density, &mills);
    const fnni_v below = fnni_vscale(fnni_vmul(density, fnni_vmul(mills, a)), n);
    return fnni_vsub(fnni_vmax(fnni_vzero(), x), below);
}

/* (x Phi(x))' = Phi(x) + x phi(x). */
FNNI_INLINE fnni_v fnni_vgelu_slope(fnni_v x)
{
    const fnni_v a = fnni_vmin(fnni_vset(14.5f), fnni_vabs(x));
    fnni_v density, mills, phi;
    const fnni_v n = fnni_normal_tail(a, &density, &mills);
    const fnni_v below = fnni_vscale(fnni_vmul(density, mills), n);
    density = fnni_vmul(fnni_vscale(density, n), fnni_vset(0.398942280f)); /* 1 / sqrt(2 pi) */
    phi = fnni_vselect(fnni_vgt(x, fnni_vzero()), fnni_vsub(fnni_vset(1), below), below);
    return fnni_vfma(fnni_vcopysign(a, x), density, phi);
}
#endif

/* ---- activations ---- */
/* Kinds of a map beside the activations. */
#define FNNI_MAP_EXP (FNN_ACTIVATION_COUNT + 0)
#define FNNI_MAP_LOG (FNN_ACTIVATION_COUNT + 1)

/* f(x); kind is a constant wherever this is called. */
FNNI_INLINE fnni_v fnni_apply(const int kind, fnni_v parameter, fnni_v x)
{
    const fnni_v zero = fnni_vzero();
    switch (kind) {
    case FNN_RELU: return fnni_vmax(zero, x);
    case FNN_LEAKY_RELU: return fnni_vselect(fnni_vgt(x, zero), x, fnni_vmul(parameter, x));
    case FNN_ELU:
        return fnni_vselect(fnni_vgt(x, zero), x,
                            fnni_vmul(parameter, fnni_vexpm1_below(fnni_vmin(zero, x))));
    case FNN_GELU: return fnni_vgelu(x);
    case FNN_SIGMOID: return fnni_vsigmoid(x);
    case FNN_TANH: return fnni_vtanh(x);
    case FNNI_MAP_EXP: return fnni_vexp(x);
    case FNNI_MAP_LOG: return fnni_vlog(x);
    default: return x;
    }
}

FNNI_INLINE void fnni_map(const int kind, fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                          fnn_real *y)
{
    const fnni_v p = fnni_vset(parameter);
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_vstore(y + i, fnni_apply(kind, p, fnni_vload(x + i)));
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        fnni_vstore_m(y + i, m, fnni_apply(kind, p, fnni_vload_m(x + i, m)));
    }
}

FNNI_KERNEL void fnni_map_exp(ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    fnni_map(FNNI_MAP_EXP, 0, n, x, y);
}

FNNI_KERNEL void fnni_map_log(ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    fnni_map(FNNI_MAP_LOG, 0, n, x, y);
}

FNNI_KERNEL void fnni_map_tanh(ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    fnni_map(FNN_TANH, 0, n, x, y);
}

FNNI_KERNEL void fnni_map_sigmoid(ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    fnni_map(FNN_SIGMOID, 0, n, x, y);
}

FNNI_KERNEL void fnni_activation(fnn_activation kind, fnn_real parameter, ptrdiff_t n,
                                 const fnn_real *x, fnn_real *y)
{
    switch (kind) {
    case FNN_RELU: fnni_map(FNN_RELU, 0, n, x, y); break;
    case FNN_LEAKY_RELU: fnni_map(FNN_LEAKY_RELU, parameter, n, x, y); break;
    case FNN_ELU: fnni_map(FNN_ELU, parameter, n, x, y); break;
    case FNN_GELU: fnni_map(FNN_GELU, 0, n, x, y); break;
    case FNN_SIGMOID: fnni_map_sigmoid(n, x, y); break;
    case FNN_TANH: fnni_map_tanh(n, x, y); break;
    default:
        if (x != y) fnni_map(FNN_LINEAR, 0, n, x, y);
    }
}

/* dy f'(x), with y = f(x) (GELU: with y = x). Where f has a kink the slope is the left one. */
FNNI_INLINE fnni_v fnni_apply_back(const int kind, fnni_v parameter, fnni_v y, fnni_v dy)
{
    const fnni_v zero = fnni_vzero(), one = fnni_vset(1);
    switch (kind) {
    case FNN_RELU: return fnni_vselect(fnni_vgt(y, zero), dy, zero);
    case FNN_LEAKY_RELU: return fnni_vselect(fnni_vgt(y, zero), dy, fnni_vmul(parameter, dy));
    case FNN_ELU:
        return fnni_vselect(fnni_vgt(y, zero), dy, fnni_vmul(fnni_vadd(y, parameter), dy));
    case FNN_GELU: return fnni_vmul(fnni_vgelu_slope(y), dy);
    case FNN_SIGMOID: return fnni_vmul(fnni_vmul(y, fnni_vsub(one, y)), dy);
    case FNN_TANH: return fnni_vmul(fnni_vfnma(y, y, one), dy);
    default: return dy;
    }
}

FNNI_INLINE void fnni_map_back(const int kind, fnn_real parameter, ptrdiff_t n, const fnn_real *y,
                               const fnn_real *dy, fnn_real *dx)
{
    const fnni_v p = fnni_vset(parameter);
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_vstore(dx + i, fnni_apply_back(kind, p, fnni_vload(y + i), fnni_vload(dy + i)));
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        fnni_vstore_m(dx + i, m,
                      fnni_apply_back(kind, p, fnni_vload_m(y + i, m), fnni_vload_m(dy + i, m)));
    }
}

FNNI_KERNEL void fnni_activation_backward(fnn_activation kind, fnn_real parameter, ptrdiff_t n,
                                          const fnn_real *x, const fnn_real *y,
                                          const fnn_real *dy, fnn_real *dx)
{
    switch (kind) {
    case FNN_RELU: fnni_map_back(FNN_RELU, 0, n, y, dy, dx); break;
    case FNN_LEAKY_RELU: fnni_map_back(FNN_LEAKY_RELU, parameter, n, y, dy, dx); break;
    case FNN_ELU: fnni_map_back(FNN_ELU, parameter, n, y, dy, dx); break;
    case FNN_GELU: fnni_map_back(FNN_GELU, 0, n, x, dy, dx); break;
    case FNN_SIGMOID: fnni_map_back(FNN_SIGMOID, 0, n, y, dy, dx); break;
    case FNN_TANH: fnni_map_back(FNN_TANH, 0, n, y, dy, dx); break;
    default:
        if (dx != dy) fnni_map(FNN_LINEAR, 0, n, dy, dx);
    }
}

FNNI_INLINE void fnni_map_bias(const int kind, fnn_real parameter, ptrdiff_t rows,
                               ptrdiff_t columns, const fnn_real *bias, fnn_real *c, ptrdiff_t ldc)
{
    const ptrdiff_t full = columns - columns % FNNI_LANES;
    const fnni_m m = fnni_vmask(columns - full);
    const fnni_v p = fnni_vset(parameter);
    const fnni_v last = fnni_vload_m(bias + full, m);
    ptrdiff_t j;
    for (; rows > 0; rows--, c += ldc) {
        for (j = 0; j < full; j += FNNI_LANES)
            fnni_vstore(c + j, fnni_apply(kind, p, fnni_vadd(fnni_vload(c + j), fnni_vload(bias + j))));
        if (full < columns)
            fnni_vstore_m(c + full, m,
                          fnni_apply(kind, p, fnni_vadd(fnni_vload_m(c + full, m), last)));
    }
}

FNNI_KERNEL void fnni_bias_activation(fnn_activation kind, fnn_real parameter, ptrdiff_t rows,
                                      ptrdiff_t columns, const fnn_real *bias, fnn_real *c,
                                      ptrdiff_t ldc)
{
    if (!bias) {
        if (columns == ldc) fnni_activation(kind, parameter, rows * columns, c, c);
        else for (; rows > 0; rows--, c += ldc) fnni_activation(kind, parameter, columns, c, c);
        return;
    }
    switch (kind) {
    case FNN_RELU: fnni_map_bias(FNN_RELU, 0, rows, columns, bias, c, ldc); break;
    case FNN_LEAKY_RELU: fnni_map_bias(FNN_LEAKY_RELU, parameter, rows, columns, bias, c, ldc); break;
    case FNN_ELU: fnni_map_bias(FNN_ELU, parameter, rows, columns, bias, c, ldc); break;
    case FNN_GELU: fnni_map_bias(FNN_GELU, 0, rows, columns, bias, c, ldc); break;
    case FNN_SIGMOID: fnni_map_bias(FNN_SIGMOID, 0, rows, columns, bias, c, ldc); break;
    case FNN_TANH: fnni_map_bias(FNN_TANH, 0, rows, columns, bias, c, ldc); break;
    default: fnni_map_bias(FNN_LINEAR, 0, rows, columns, bias, c, ldc);
    }
}

/* ---- softmax and its cross-entropy ---- */
/* max x, n >= 1. A NaN may be lost here; the exponentials bring it back. */
FNNI_INLINE fnni_v fnni_row_maximum(ptrdiff_t n, const fnn_real *x)
{
    const fnni_v lowest = fnni_vset((fnn_real)-INFINITY);
    fnni_v a = lowest;
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) a = fnni_vmax(fnni_vload(x + i), a);
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        a = fnni_vmax(fnni_vselect(m, fnni_vload_m(x + i, m), lowest), a);
    }
    return fnni_vset(fnni_vhmax(a));
}

/* y = e^(x - max); returns the sum. */
FNNI_INLINE fnn_real fnni_row_exp(ptrdiff_t n, fnni_v maximum, const fnn_real *x, fnn_real *y)
{
    fnni_v sum = fnni_vzero();
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) {
        const fnni_v e = fnni_vexp_below(fnni_vsub(fnni_vload(x + i), maximum));
        fnni_vstore(y + i, e);
        sum = fnni_vadd(sum, e);
    }
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        const fnni_v e = fnni_vexp_below(fnni_vsub(fnni_vload_m(x + i, m), maximum));
        fnni_vstore_m(y + i, m, e);
        sum = fnni_vadd(sum, fnni_vselect(m, e, fnni_vzero()));
    }
    return fnni_vhsum(sum);
}

/* Rows of one vector stay in a register. */
FNNI_INLINE void fnni_softmax_short(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x,
                                    fnn_real *y)
{
    const fnni_m m = fnni_vmask(columns);
    const fnni_v lowest = fnni_vset((fnn_real)-INFINITY);
    for (; rows > 0; rows--, x += columns, y += columns) {
        fnni_v e = fnni_vselect(m, fnni_vload_m(x, m), lowest);
        e = fnni_vexp_below(fnni_vsub(e, fnni_vset(fnni_vhmax(e))));
        fnni_vstore_m(y, m, fnni_vdiv(e, fnni_vset(fnni_vhsum(e))));
    }
}

FNNI_KERNEL void fnni_softmax(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, fnn_real *y)
{
    if (columns <= 0) return;
    if (columns <= FNNI_LANES) {
        fnni_softmax_short(rows, columns, x, y);
        return;
    }
    for (; rows > 0; rows--, x += columns, y += columns) {
        const fnn_real sum = fnni_row_exp(columns, fnni_row_maximum(columns, x), x, y);
        const fnni_v whole = fnni_vset(sum);
        const ptrdiff_t full = columns - columns % FNNI_LANES;
        ptrdiff_t i;
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_vstore(y + i, fnni_vdiv(fnni_vload(y + i), whole));
        if (full < columns) {
            const fnni_m m = fnni_vmask(columns - i);
            fnni_vstore_m(y + i, m, fnni_vdiv(fnni_vload_m(y + i, m), whole));
        }
    }
}

/* One row's state: t = keep target + share, z = x - maximum. */
typedef struct fnni_entropy {
    fnni_v maximum, keep, share, scale;
    fnni_v sum_exp, sum_t, sum_tz; /* with labels sum_tz holds the sum of z */
} fnni_entropy;

/* Adds one vector to the sums; e^z goes to gradient. What the mask leaves out counts as
 * z = -infinity and t = 0. */
FNNI_INLINE void fnni_entropy_terms(fnni_entropy *s, const int whole, fnni_m m, const fnn_real *x,
                                    const fnn_real *targets, fnn_real *gradient)
{
    const fnni_v zero = fnni_vzero();
    const fnni_v z = fnni_vsub(fnni_get(whole, m, x), s->maximum);
    fnni_v e = fnni_vexp_below(z), tz = z;
    if (targets) {
        fnni_v t = fnni_vfma(s->keep, fnni_get(whole, m, targets), s->share);
        if (!whole) t = fnni_vselect(m, t, zero);
        tz = fnni_vselect(fnni_veq(t, zero), zero, fnni_vmul(t, z)); /* 0 log 0 is 0 */
        s->sum_t = fnni_vadd(s->sum_t, t);
    }
    if (!whole) {
        e = fnni_vselect(m, e, zero);
        tz = fnni_vselect(m, tz, zero);
    }
    s->sum_tz = fnni_vadd(s->sum_tz, tz);
    s->sum_exp = fnni_vadd(s->sum_exp, e);
    if (gradient) fnni_put(whole, m, gradient, e);
}

/* gradient = scale (ratio e^z - t), ratio = sum t / sum e^z. */
FNNI_INLINE void fnni_entropy_gradient(const fnni_entropy *s, const int whole, fnni_m m,
                                       fnni_v ratio, const fnn_real *targets, fnn_real *gradient)
{
    const fnni_v e = fnni_get(whole, m, gradient);
    fnni_v t = s->share;
    if (targets) t = fnni_vfma(s->keep, fnni_get(whole, m, targets), t);
    fnni_put(whole, m, gradient, fnni_vmul(s->scale, fnni_vsub(fnni_vmul(e, ratio), t)));
}

/* One row; returns its loss, log(sum e^z) sum t - sum t z. */
FNNI_INLINE fnn_real fnni_entropy_row(fnni_entropy *s, ptrdiff_t n, const fnn_real *x,
                                      const int32_t *label, const fnn_real *targets,
                                      fnn_real *gradient)
{
    const fnn_real keep = fnni_vfirst(s->keep), share = fnni_vfirst(s->share);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    fnn_real sum, sum_t = 1, sum_tz, at_label = 0;
    ptrdiff_t i;
    s->maximum = fnni_row_maximum(n, x);
    s->sum_exp = s->sum_t = s->sum_tz = fnni_vzero();
    if (!targets) at_label = x[*label] - fnni_vfirst(s->maximum);
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_entropy_terms(s, 1, m, x + i, targets ? targets + i : NULL, gradient ? gradient + i : NULL);
    if (full < n)
        fnni_entropy_terms(s, 0, m, x + i, targets ? targets + i : NULL, gradient ? gradient + i : NULL);
    sum = fnni_vhsum(s->sum_exp);
    sum_tz = fnni_vhsum(s->sum_tz);
    if (targets) sum_t = fnni_vhsum(s->sum_t);
    else sum_tz = keep * at_label + (share == 0 ? 0 : share * sum_tz);
    if (gradient) {
        const fnni_v ratio = fnni_vset(sum_t / sum);
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_entropy_gradient(s, 1, m, ratio, targets ? targets + i : NULL, gradient + i);
        if (full < n) fnni_entropy_gradient(s, 0, m, ratio, targets ? targets + i : NULL, gradient + i);
        if (!targets) gradient[*label] -= fnni_vfirst(s->scale) * keep;
    }
    return fnni_vfirst(fnni_vlog(fnni_vset(sum))) * sum_t - sum_tz;
}

FNNI_KERNEL void fnni_softmax_cross_entropy(ptrdiff_t rows, ptrdiff_t classes, const fnn_real *x,
                                            const int32_t *labels, const fnn_real *targets,
                                            fnn_real smoothing, fnn_real scale, fnn_real *losses,
                                            fnn_real *gradient)
{
    fnni_entropy s;
    ptrdiff_t i;
    if (classes <= 0) return;
    s.keep = fnni_vset(1 - smoothing);
    s.share = fnni_vset(smoothing / (fnn_real)classes);
    s.scale = fnni_vset(scale);
    for (i = 0; i < rows; i++) {
        const ptrdiff_t at = i * classes;
        fnn_real *row = gradient ? gradient + at : NULL;
        const fnn_real loss = targets ? fnni_entropy_row(&s, classes, x + at, NULL, targets + at, row)
                                      : fnni_entropy_row(&s, classes, x + at, labels + i, NULL, row);
        if (losses) losses[i] = loss;
    }
}

/* ---- reductions and small vector algebra ---- */
/* Four accumulators, so that additions need not wait for each other, then (0+1)+(2+3). */
FNNI_KERNEL fnn_real fnni_sum(ptrdiff_t n, const fnn_real *x)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a;
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i + 4 * FNNI_LANES <= n; i += 4 * FNNI_LANES) {
        a = fnni_vadd(a, fnni_vload(x + i));
        b = fnni_vadd(b, fnni_vload(x + i + FNNI_LANES));
        c = fnni_vadd(c, fnni_vload(x + i + 2 * FNNI_LANES));
        d = fnni_vadd(d, fnni_vload(x + i + 3 * FNNI_LANES));
    }
    for (; i < full; i += FNNI_LANES) a = fnni_vadd(a, fnni_vload(x + i));
    if (full < n) b = fnni_vadd(b, fnni_vload_m(x + i, fnni_vmask(n - i)));
    return fnni_vhsum(fnni_vadd(fnni_vadd(a, b), fnni_vadd(c, d)));
}

FNNI_KERNEL fnn_real fnni_dot(ptrdiff_t n, const fnn_real *x, const fnn_real *y)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a;
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i + 4 * FNNI_LANES <= n; i += 4 * FNNI_LANES) {
        a = fnni_vfma(fnni_vload(x + i), fnni_vload(y + i), a);
        b = fnni_vfma(fnni_vload(x + i + FNNI_LANES), fnni_vload(y + i + FNNI_LANES), b);
        c = fnni_vfma(fnni_vload(x + i + 2 * FNNI_LANES), fnni_vload(y + i + 2 * FNNI_LANES), c);
        d = fnni_vfma(fnni_vload(x + i + 3 * FNNI_LANES), fnni_vload(y + i + 3 * FNNI_LANES), d);
    }
    for (; i < full; i += FNNI_LANES) a = fnni_vfma(fnni_vload(x + i), fnni_vload(y + i), a);
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        b = fnni_vfma(fnni_vload_m(x + i, m), fnni_vload_m(y + i, m), b);
    }
    return fnni_vhsum(fnni_vadd(fnni_vadd(a, b), fnni_vadd(c, d)));
}

/* max(x, a), NaN if either is: vmax gives its second operand then, so a NaN in a stays, and a
 * NaN in x (the only thing unequal to itself) is taken by hand. */
FNNI_INLINE fnni_v fnni_vmax_nan(fnni_v x, fnni_v a)
{
    return fnni_vselect(fnni_veq(x, x), fnni_vmax(x, a), x);
}

FNNI_KERNEL fnn_real fnni_max_value(ptrdiff_t n, const fnn_real *x)
{
    const fnni_v lowest = fnni_vset((fnn_real)-INFINITY);
    fnni_v a = lowest, b = a;
    fnn_real best;
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i + 2 * FNNI_LANES <= n; i += 2 * FNNI_LANES) {
        a = fnni_vmax_nan(fnni_vload(x + i), a);
        b = fnni_vmax_nan(fnni_vload(x + i + FNNI_LANES), b);
    }
    for (; i < full; i += FNNI_LANES) a = fnni_vmax_nan(fnni_vload(x + i), a);
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        b = fnni_vmax_nan(fnni_vselect(m, fnni_vload_m(x + i, m), lowest), b);
    }
    a = fnni_vmax_nan(a, b);
    best = fnni_vhmax(a);
    /* hmax may lose a NaN, but a - a is 0 or, of infinities and NaN, NaN, and sums keep that. */
    a = fnni_vselect(fnni_veq(a, a), fnni_vzero(), a);
    return best + fnni_vhsum(a);
}

FNNI_KERNEL void fnni_add_scaled(ptrdiff_t n, fnn_real a, const fnn_real *x, fnn_real *y)
{
    const fnni_v factor = fnni_vset(a);
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_vstore(y + i, fnni_vfma(factor, fnni_vload(x + i), fnni_vload(y + i)));
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        fnni_vstore_m(y + i, m, fnni_vfma(factor, fnni_vload_m(x + i, m), fnni_vload_m(y + i, m)));
    }
}

FNNI_KERNEL void fnni_scale(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    const fnni_v factor = fnni_vset(a);
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_vstore(x + i, fnni_vmul(factor, fnni_vload(x + i)));
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        fnni_vstore_m(x + i, m, fnni_vmul(factor, fnni_vload_m(x + i, m)));
    }
}

FNNI_KERNEL void fnni_fill(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    const fnni_v value = fnni_vset(a);
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) fnni_vstore(x + i, value);
    if (full < n) fnni_vstore_m(x + i, fnni_vmask(n - i), value);
}

/* Strips of four vectors' width run down all rows; then vector by vector. */
FNNI_INLINE void fnni_column_strip(ptrdiff_t rows, const fnn_real *x, ptrdiff_t ldx, fnn_real *y)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a;
    for (; rows > 0; rows--, x += ldx) {
        a = fnni_vadd(a, fnni_vload(x));
        b = fnni_vadd(b, fnni_vload(x + FNNI_LANES));
        c = fnni_vadd(c, fnni_vload(x + 2 * FNNI_LANES));
        d = fnni_vadd(d, fnni_vload(x + 3 * FNNI_LANES));
    }
    fnni_vstore(y, a);
    fnni_vstore(y + FNNI_LANES, b);
    fnni_vstore(y + 2 * FNNI_LANES, c);
    fnni_vstore(y + 3 * FNNI_LANES, d);
}

FNNI_INLINE void fnni_column_tail(const int whole, fnni_m m, ptrdiff_t rows, const fnn_real *x,
                                  ptrdiff_t ldx, fnn_real *y)
{
    fnni_v a = fnni_vzero();
    for (; rows > 0; rows--, x += ldx) a = fnni_vadd(a, fnni_get(whole, m, x));
    fnni_put(whole, m, y, a);
}

FNNI_KERNEL void fnni_column_sums(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x,
                                  ptrdiff_t ldx, fnn_real *y)
{
    const fnni_m all = fnni_vmask(FNNI_LANES);
    ptrdiff_t j;
    for (j = 0; j + 4 * FNNI_LANES <= columns; j += 4 * FNNI_LANES)
        fnni_column_strip(rows, x + j, ldx, y + j);
    for (; j + FNNI_LANES <= columns; j += FNNI_LANES)
        fnni_column_tail(1, all, rows, x + j, ldx, y + j);
    if (j < columns) fnni_column_tail(0, fnni_vmask(columns - j), rows, x + j, ldx, y + j);
}

/* ---- inputs ---- */
/* (x - shift) scale for one vector. */
FNNI_INLINE fnni_v fnni_standardise(const int per_element, const int whole, fnni_m m, fnni_v x,
                                    const fnn_real *shift, const fnn_real *scale)
{
    const fnni_v a = per_element ? fnni_get(whole, m, shift) : fnni_vset(*shift);
    const fnni_v b = per_element ? fnni_get(whole, m, scale) : fnni_vset(*scale);
    return fnni_vmul(fnni_vsub(x, a), b);
}

FNNI_INLINE void fnni_bytes_loop(const int per_element, ptrdiff_t n, const uint8_t *x,
                                 const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    const ptrdiff_t full = n - n % FNNI_LANES, step = per_element ? FNNI_LANES : 0;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES, shift += step, scale += step)
        fnni_vstore(y + i, fnni_standardise(per_element, 1, m, fnni_vload_bytes(x + i), shift, scale));
    if (full < n)
        fnni_vstore_m(y + i, m, fnni_standardise(per_element, 0, m, fnni_vload_bytes_n(x + i, n - i),
                                                 shift, scale));
}

FNNI_KERNEL void fnni_from_bytes(ptrdiff_t n, const uint8_t *x, int per_element,
                                 const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    if (per_element) fnni_bytes_loop(1, n, x, shift, scale, y);
    else fnni_bytes_loop(0, n, x, shift, scale, y);
}

FNNI_INLINE void fnni_reals_loop(const int per_element, ptrdiff_t n, const fnn_real *x,
                                 const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    const ptrdiff_t full = n - n % FNNI_LANES, step = per_element ? FNNI_LANES : 0;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES, shift += step, scale += step)
        fnni_vstore(y + i, fnni_standardise(per_element, 1, m, fnni_vload(x + i), shift, scale));
    if (full < n)
        fnni_vstore_m(y + i, m,
                      fnni_standardise(per_element, 0, m, fnni_vload_m(x + i, m), shift, scale));
}

FNNI_KERNEL void fnni_from_reals(ptrdiff_t n, const fnn_real *x, int per_element,
                                 const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    if (per_element) fnni_reals_loop(1, n, x, shift, scale, y);
    else fnni_reals_loop(0, n, x, shift, scale, y);
}

/* ---- optimiser steps ---- */
/* A step's numbers in vectors, and what follows from them; formulas at fnni_step. */
typedef struct fnni_stepper {
    fnni_v rate, gradient_scale, clip, l2, l1, keep; /* keep = 1 - rate decay */
    fnni_v momentum, rho, rho_rest, inside, outside; /* root(s) = sqrt(s + inside) + outside */
    fnni_v put, take;                                /* v = momentum v + put g; w -= take v */
    int clip_penalty, nesterov;
} fnni_stepper;

FNNI_INLINE fnni_stepper fnni_stepper_open(const fnni_step *step)
{
    const fnn_real fresh = 1 - step->dampening;
    fnni_stepper s;
    s.rate = fnni_vset(step->rate);
    s.gradient_scale = fnni_vset(step->gradient_scale);
    s.clip = fnni_vset(step->clip > 0 ? step->clip : (fnn_real)INFINITY);
    s.l2 = fnni_vset(step->l2);
    s.l1 = fnni_vset(step->l1);
    s.keep = fnni_vset(1 - step->rate * step->decay);
    s.momentum = fnni_vset(step->momentum);
    s.rho = fnni_vset(step->rho);
    s.rho_rest = fnni_vset(1 - step->rho);
    s.inside = fnni_vset(step->epsilon_inside ? step->epsilon : 0);
    s.outside = fnni_vset(step->epsilon_inside ? 0 : step->epsilon);
    s.put = fnni_vset(step->rate_inside ? step->rate * fresh : fresh);
    s.take = fnni_vset(step->rate_inside ? 1 : step->rate);
    s.clip_penalty = step->clip_penalty;
    s.nesterov = step->nesterov;
    return s;
}

/* Whether the step has neither clip nor l1: most have not, and loops get short. */
FNNI_INLINE int fnni_step_plain(const fnni_step *step)
{
    return !(step->clip > 0) && step->l1 == 0 && !step->clip_penalty;
}

/* g' of the step. */
FNNI_INLINE fnni_v fnni_step_gradient(const fnni_stepper *s, const int plain, fnni_v w, fnni_v g)
{
    const fnni_v zero = fnni_vzero();
    fnni_v penalty;
    if (plain) return fnni_vfma(s->l2, w, fnni_vmul(s->gradient_scale, g));
    penalty = fnni_vselect(fnni_vgt(zero, w), fnni_vsub(zero, s->l1), zero);
    penalty = fnni_vfma(s->l2, w, fnni_vselect(fnni_vgt(w, zero), s->l1, penalty));
    if (s->clip_penalty) {
        g = fnni_vadd(g, penalty);
        penalty = zero;
    }
    g = fnni_vmul(s->gradient_scale, g);
    g = fnni_vmin(s->clip, fnni_vmax(fnni_vsub(zero, s->clip), g)); /* NaN stays NaN */
    return fnni_vadd(g, penalty);
}

/* The new weight. */
FNNI_INLINE fnni_v fnni_step_weight(const fnni_stepper *s, fnni_v w, fnni_v factor, fnni_v update)
{
    return fnni_vfnma(factor, update, fnni_vmul(s->keep, w));
}

FNNI_INLINE fnni_v fnni_step_root(const fnni_stepper *s, fnni_v square)
{
    return fnni_vadd(fnni_vsqrt(fnni_vadd(square, s->inside)), s->outside);
}

FNNI_INLINE void fnni_sgd_vector(const fnni_stepper *s, const int plain, const int whole, fnni_m m,
                                 fnn_real *w, const fnn_real *g)
{
    const fnni_v weight = fnni_get(whole, m, w);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    fnni_put(whole, m, w, fnni_step_weight(s, weight, s->rate, gradient));
}

FNNI_INLINE void fnni_sgd_loop(const int plain, ptrdiff_t n, const fnni_step *step, fnn_real *w,
                               const fnn_real *g)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) fnni_sgd_vector(&s, plain, 1, m, w + i, g + i);
    if (full < n) fnni_sgd_vector(&s, plain, 0, m, w + i, g + i);
}

FNNI_KERNEL void fnni_step_sgd(ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g)
{
    if (fnni_step_plain(step)) fnni_sgd_loop(1, n, step, w, g);
    else fnni_sgd_loop(0, n, step, w, g);
}

/* Polyak 1964; Nesterov's form as Sutskever et al. 2013. */
FNNI_INLINE void fnni_momentum_vector(const fnni_stepper *s, const int plain, const int whole,
                                      fnni_m m, fnn_real *w, const fnn_real *g, fnn_real *v)
{
    const fnni_v weight = fnni_get(whole, m, w);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    const fnni_v fresh = fnni_vmul(s->put, gradient);
    const fnni_v velocity = fnni_vfma(s->momentum, fnni_get(whole, m, v), fresh);
    const fnni_v update = s->nesterov ? fnni_vfma(s->momentum, velocity, fresh) : velocity;
    fnni_put(whole, m, v, velocity);
    fnni_put(whole, m, w, fnni_step_weight(s, weight, s->take, update));
}

FNNI_INLINE void fnni_momentum_loop(const int plain, ptrdiff_t n, const fnni_step *step,
                                    fnn_real *w, const fnn_real *g, fnn_real *v)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) fnni_momentum_vector(&s, plain, 1, m, w + i, g + i, v + i);
    if (full < n) fnni_momentum_vector(&s, plain, 0, m, w + i, g + i, v + i);
}

FNNI_KERNEL void fnni_step_momentum(ptrdiff_t n, const fnni_step *step, fnn_real *w,
                                    const fnn_real *g, fnn_real *v)
{
    if (fnni_step_plain(step)) fnni_momentum_loop(1, n, step, w, g, v);
    else fnni_momentum_loop(0, n, step, w, g, v);
}

/* Duchi, Hazan and Singer 2011. */
FNNI_INLINE void fnni_adagrad_vector(const fnni_stepper *s, const int plain, const int whole,
                                     fnni_m m, fnn_real *w, const fnn_real *g, fnn_real *squares)
{
    const fnni_v weight = fnni_get(whole, m, w);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    const fnni_v sum = fnni_vfma(gradient, gradient, fnni_get(whole, m, squares));
    const fnni_v update = fnni_vdiv(gradient, fnni_step_root(s, sum));
    fnni_put(whole, m, squares, sum);
    fnni_put(whole, m, w, fnni_step_weight(s, weight, s->rate, update));
}

FNNI_INLINE void fnni_adagrad_loop(const int plain, ptrdiff_t n, const fnni_step *step,
                                   fnn_real *w, const fnn_real *g, fnn_real *squares)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_adagrad_vector(&s, plain, 1, m, w + i, g + i, squares + i);
    if (full < n) fnni_adagrad_vector(&s, plain, 0, m, w + i, g + i, squares + i);
}

FNNI_KERNEL void fnni_step_adagrad(ptrdiff_t n, const fnni_step *step, fnn_real *w,
                                   const fnn_real *g, fnn_real *s)
{
    if (fnni_step_plain(step)) fnni_adagrad_loop(1, n, step, w, g, s);
    else fnni_adagrad_loop(0, n, step, w, g, s);
}

/* Zeiler 2012; epsilon stands inside both roots in Keras, in PyTorch and in the paper. */
FNNI_INLINE void fnni_adadelta_vector(const fnni_stepper *s, fnni_v epsilon, const int plain,
                                      const int whole, fnni_m m, fnn_real *w, const fnn_real *g,
                                      fnn_real *squares, fnn_real *deltas)
{
    const fnni_v weight = fnni_get(whole, m, w), delta = fnni_get(whole, m, deltas);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    const fnni_v square = fnni_vfma(s->rho, fnni_get(whole, m, squares),
                                    fnni_vmul(s->rho_rest, fnni_vmul(gradient, gradient)));
    const fnni_v ratio = fnni_vdiv(fnni_vadd(delta, epsilon), fnni_vadd(square, epsilon));
    const fnni_v update = fnni_vmul(gradient, fnni_vsqrt(ratio));
    fnni_put(whole, m, squares, square);
    fnni_put(whole, m, deltas,
             fnni_vfma(s->rho, delta, fnni_vmul(s->rho_rest, fnni_vmul(update, update))));
    fnni_put(whole, m, w, fnni_step_weight(s, weight, s->rate, update));
}

FNNI_INLINE void fnni_adadelta_loop(const int plain, ptrdiff_t n, const fnni_step *step,
                                    fnn_real *w, const fnn_real *g, fnn_real *squares,
                                    fnn_real *deltas)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const fnni_v epsilon = fnni_vset(step->epsilon);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_adadelta_vector(&s, epsilon, plain, 1, m, w + i, g + i, squares + i, deltas + i);
    if (full < n) fnni_adadelta_vector(&s, epsilon, plain, 0, m, w + i, g + i, squares + i, deltas + i);
}

FNNI_KERNEL void fnni_step_adadelta(ptrdiff_t n, const fnni_step *step, fnn_real *w,
                                    const fnn_real *g, fnn_real *s, fnn_real *d)
{
    if (fnni_step_plain(step)) fnni_adadelta_loop(1, n, step, w, g, s, d);
    else fnni_adadelta_loop(0, n, step, w, g, s, d);
}

/* Tieleman and Hinton 2012. */
FNNI_INLINE void fnni_rmsprop_vector(const fnni_stepper *s, const int plain, const int whole,
                                     fnni_m m, fnn_real *w, const fnn_real *g, fnn_real *squares,
                                     fnn_real *v)
{
    const fnni_v weight = fnni_get(whole, m, w);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    const fnni_v square = fnni_vfma(s->rho, fnni_get(whole, m, squares),
                                    fnni_vmul(s->rho_rest, fnni_vmul(gradient, gradient)));
    fnni_v update = fnni_vdiv(gradient, fnni_step_root(s, square));
    fnni_put(whole, m, squares, square);
    if (v) {
        update = fnni_vfma(s->momentum, fnni_get(whole, m, v), fnni_vmul(s->put, update));
        fnni_put(whole, m, v, update);
    }
    fnni_put(whole, m, w, fnni_step_weight(s, weight, v ? s->take : s->rate, update));
}

FNNI_INLINE void fnni_rmsprop_loop(const int plain, ptrdiff_t n, const fnni_step *step,
                                   fnn_real *w, const fnn_real *g, fnn_real *squares, fnn_real *v)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_rmsprop_vector(&s, plain, 1, m, w + i, g + i, squares + i, v ? v + i : NULL);
    if (full < n) fnni_rmsprop_vector(&s, plain, 0, m, w + i, g + i, squares + i, v ? v + i : NULL);
}

FNNI_KERNEL void fnni_step_rmsprop(ptrdiff_t n, const fnni_step *step, fnn_real *w,
                                   const fnn_real *g, fnn_real *s, fnn_real *v)
{
    if (fnni_step_plain(step)) fnni_rmsprop_loop(1, n, step, w, g, s, v);
    else fnni_rmsprop_loop(0, n, step, w, g, s, v);
}

/* Kingma and Ba 2015, in the form of its section 2's last paragraph: both corrections go into
 * the rate. PyTorch's epsilon, which stands beside sqrt(v / correction2), is then multiplied by
 * sqrt(correction2); Keras' is taken as it is. */
typedef struct fnni_adam {
    fnni_v rate, epsilon, fresh1, beta2, fresh2;
} fnni_adam;

FNNI_INLINE void fnni_adam_vector(const fnni_stepper *s, const fnni_adam *a, const int plain,
                                  const int whole, fnni_m m, fnn_real *w, const fnn_real *g,
                                  fnn_real *mean, fnn_real *square)
{
    const fnni_v weight = fnni_get(whole, m, w), before = fnni_get(whole, m, mean);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    const fnni_v first = fnni_vfma(a->fresh1, fnni_vsub(gradient, before), before);
    const fnni_v second = fnni_vfma(a->beta2, fnni_get(whole, m, square),
                                    fnni_vmul(a->fresh2, fnni_vmul(gradient, gradient)));
    const fnni_v update = fnni_vdiv(first, fnni_vadd(fnni_vsqrt(second), a->epsilon));
    fnni_put(whole, m, mean, first);
    fnni_put(whole, m, square, second);
    fnni_put(whole, m, w, fnni_step_weight(s, weight, a->rate, update));
}

FNNI_INLINE void fnni_adam_loop(const int plain, ptrdiff_t n, const fnni_step *step, fnn_real *w,
                                const fnn_real *g, fnn_real *mean, fnn_real *square)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const fnni_v root = fnni_vsqrt(fnni_vset(step->correction2)), epsilon = fnni_vset(step->epsilon);
    const ptrdiff_t full = n - n % FNNI_LANES;
    const fnni_m m = fnni_vmask(n - full);
    fnni_adam a;
    ptrdiff_t i;
    a.rate = fnni_vmul(fnni_vset(step->rate / step->correction1), root);
    a.epsilon = step->epsilon_corrected ? fnni_vmul(epsilon, root) : epsilon;
    a.fresh1 = fnni_vset(1 - step->beta1);
    a.beta2 = fnni_vset(step->beta2);
    a.fresh2 = fnni_vset(1 - step->beta2);
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_adam_vector(&s, &a, plain, 1, m, w + i, g + i, mean + i, square + i);
    if (full < n) fnni_adam_vector(&s, &a, plain, 0, m, w + i, g + i, mean + i, square + i);
}

FNNI_KERNEL void fnni_step_adam(ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g,
                                fnn_real *m, fnn_real *v)
{
    if (fnni_step_plain(step)) fnni_adam_loop(1, n, step, w, g, m, v);
    else fnni_adam_loop(0, n, step, w, g, m, v);
}

/* ---- dropout ---- */
/* 32 random bits of a 32-bit counter and a 64-bit key. The rounds are those of Wellons' lowbias32
 * (hash-prospector, 2018), whose avalanche bias of 0.17 is near what a random function shows; the
 * key enters twice, before and in between, so that two keys give unrelated functions and not
 * one function read in another order. */
FNNI_INLINE fnni_u fnni_hash(fnni_u x, fnni_u key0, fnni_u key1)
{
    x = fnni_uxor(x, key0);
    x = fnni_umul(fnni_uxor(x, fnni_ushr(x, 16)), fnni_uset(0x7feb352du));
    x = fnni_uadd(fnni_uxor(x, fnni_ushr(x, 15)), key1);
    x = fnni_umul(fnni_uxor(x, fnni_ushr(x, 16)), fnni_uset(0x846ca68bu));
    return fnni_uxor(x, fnni_ushr(x, 16));
}

/* The key of a stretch of 2^32 counters (SplitMix64's output function, as >>random). */
FNNI_INLINE uint64_t fnni_hash_key(uint64_t key, uint64_t stretch)
{
    uint64_t x = key + stretch * 0xd1342543de82ef95u + 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* counter .. counter + n - 1 lie in one stretch; kept where the hash is at least threshold. */
FNNI_INLINE void fnni_dropout_run(ptrdiff_t n, uint64_t key, uint32_t counter, uint32_t threshold,
                                  fnn_real factor, const fnn_real *x, fnn_real *y)
{
    const fnni_u key0 = fnni_uset((uint32_t)key), key1 = fnni_uset((uint32_t)(key >> 32));
    const fnni_u least = fnni_uset(threshold), stride = fnni_uset(FNNI_LANES);
    const fnni_v scale = fnni_vset(factor), zero = fnni_vzero();
    fnni_u count = fnni_uadd(fnni_uset(counter), fnni_uiota());
    const ptrdiff_t full = n - n % FNNI_LANES;
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) {
        const fnni_m keep = fnni_uge(fnni_hash(count, key0, key1), least);
        fnni_vstore(y + i, fnni_vselect(keep, fnni_vmul(scale, fnni_vload(x + i)), zero));
        count = fnni_uadd(count, stride);
    }
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i), keep = fnni_uge(fnni_hash(count, key0, key1), least);
        fnni_vstore_m(y + i, m, fnni_vselect(keep, fnni_vmul(scale, fnni_vload_m(x + i, m)), zero));
    }
}

FNNI_KERNEL void fnni_dropout(ptrdiff_t n, uint64_t key, uint64_t offset, fnn_real rate,
                              const fnn_real *x, fnn_real *y)
{
    const double share = (double)rate * 4294967296.0;
    if (!(share < 4294967295.5)) { /* everything is dropped */
        fnni_fill(n, 0, y);
        return;
    }
    while (n > 0) {
        const uint64_t left = 0x100000000u - (offset & 0xffffffffu); /* of this stretch */
        const ptrdiff_t count = (uint64_t)n < left ? n : (ptrdiff_t)left;
        fnni_dropout_run(count, fnni_hash_key(key, offset >> 32), (uint32_t)offset,
                         share > 0 ? (uint32_t)(share + 0.5) : 0, 1 / (1 - rate), x, y);
        n -= count;
        offset += (uint64_t)count;
        x += count;
        y += count;
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

/* The kernels of a context; of NULL, those of the best instruction set or the one FNN_ISA names,
 * and NULL when that is none of this machine's. */
static const fnni_kernels *fnni_table(const fnn_context *context)
{
    fnn_isa isa;
    if (context) return context->kernels;
    isa = fnni_environment_isa();
    if (isa == FNN_ISA_BEST) isa = fnni_best_isa();
    return fnn_isa_available(isa) ? fnni_kernels_for(isa) : NULL;
}

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

/* Whether a table was found and n elements can be at x: what every elementwise call checks. */
static int fnni_usable(const fnni_kernels *kernels, ptrdiff_t n, const void *x)
{
    return kernels && n >= 0 && (n == 0 || x);
}

FNN_DEF fnn_result fnn_exp(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->map_exp(n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_log(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->map_log(n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_tanh(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->map_tanh(n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_sigmoid(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->map_sigmoid(n, x, y);
    return FNN_OK;
}

/* Whether kind is an activation that works on single elements. */
static int fnni_is_elementwise(fnn_activation kind)
{
    return (int)kind >= 0 && kind < FNN_ACTIVATION_COUNT && kind != FNN_SOFTMAX;
}

FNN_DEF fnn_result fnn_activation_forward(fnn_context *context, fnn_activation kind,
                                          fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                          fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y) || !fnni_is_elementwise(kind))
        return FNN_ERROR_ARGUMENT;
    kernels->activation(kind, parameter, n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_activation_backward(fnn_context *context, fnn_activation kind,
                                           fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                           const fnn_real *y, const fnn_real *dy, fnn_real *dx)
{
    const fnni_kernels *kernels = fnni_table(context);
    const fnn_real *read = kind == FNN_GELU ? x : kind == FNN_LINEAR ? dy : y;
    if (!fnni_usable(kernels, n, read) || !fnni_usable(kernels, n, dy) || !fnni_usable(kernels, n, dx))
        return FNN_ERROR_ARGUMENT;
    if (!fnni_is_elementwise(kind) || parameter < 0) return FNN_ERROR_ARGUMENT;
    kernels->activation_backward(kind, parameter, n, x, y, dy, dx);
    return FNN_OK;
}

/* rows * columns elements, or -1 when that is negative or beyond ptrdiff_t. */
static ptrdiff_t fnni_area(ptrdiff_t rows, ptrdiff_t columns)
{
    size_t count;
    if (rows < 0 || columns < 0 || !fnni_multiply((size_t)rows, (size_t)columns, &count)) return -1;
    return count > (size_t)PTRDIFF_MAX / sizeof(fnn_real) ? -1 : (ptrdiff_t)count;
}

FNN_DEF fnn_result fnn_softmax(fnn_context *context, ptrdiff_t rows, ptrdiff_t columns,
                               const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    const ptrdiff_t n = fnni_area(rows, columns);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->softmax(rows, columns, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_softmax_cross_entropy(fnn_context *context, ptrdiff_t rows,
                                             ptrdiff_t classes, const fnn_real *logits,
                                             const int32_t *labels, const fnn_real *targets,
                                             fnn_real smoothing, fnn_real scale, fnn_real *losses,
                                             fnn_real *gradient)
{
    const fnni_kernels *kernels = fnni_table(context);
    const ptrdiff_t n = fnni_area(rows, classes);
    ptrdiff_t i;
    if (!fnni_usable(kernels, n, logits) || (n > 0 && !labels && !targets)) return FNN_ERROR_ARGUMENT;
    if (rows > 0 && classes == 0) return FNN_ERROR_ARGUMENT;
    if (!(smoothing >= 0 && smoothing <= 1)) return FNN_ERROR_ARGUMENT;
    for (i = 0; !targets && i < rows; i++)
        if (labels[i] < 0 || labels[i] >= classes) return FNN_ERROR_ARGUMENT;
    kernels->softmax_cross_entropy(rows, classes, logits, labels, targets, smoothing, scale, losses,
                                   gradient);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_sum(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *result)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !result) return FNN_ERROR_ARGUMENT;
    *result = kernels->sum(n, x);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_dot(fnn_context *context, ptrdiff_t n, const fnn_real *x, const fnn_real *y,
                           fnn_real *result)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y) || !result)
        return FNN_ERROR_ARGUMENT;
    *result = kernels->dot(n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_from_bytes(fnn_context *context, ptrdiff_t n, const uint8_t *x,
                                  int per_element, const fnn_real *shift, const fnn_real *scale,
                                  fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    if (!fnni_usable(kernels, n, shift) || !fnni_usable(kernels, n, scale)) return FNN_ERROR_ARGUMENT;
    if (n > 0) kernels->from_bytes(n, x, per_element, shift, scale, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_dropout(fnn_context *context, ptrdiff_t n, uint64_t key, uint64_t offset,
                               fnn_real rate, const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    if (!(rate >= 0 && rate <= 1)) return FNN_ERROR_ARGUMENT;
    kernels->dropout(n, key, offset, rate, x, y);
    return FNN_OK;
}

#endif /* FNNI_PASS == FNNI_PASS_SCALAR */
#endif /* FNNI_PASS */

/* ============================================================================
 * Revisions
 *     0.1.0  first version
 *
 * Licence: at your choice, MIT-0 or public domain.
 * ============================================================================ */
