/* The floating-point environment that a caller may have, and whether it is left as it was. Not
 * every program needs all of it, hence the inlines. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H
#include <fenv.h>
#include <stdint.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Rounding mode, exception masks, flush-to-zero and denormals-are-zero; not the sticky flags. */
static inline uint64_t environment(void)
{
    uint64_t found = (uint64_t)fegetround();
#if defined(__SSE__)
    found = found << 16 ^ (_mm_getcsr() & 0xffc0u);
#endif
#if defined(__x86_64__) || defined(__i386__)
    uint16_t control = 0; /* what the memory sanitizer sees */
    __asm__ volatile("fnstcw %0" : "=m"(control));
    found = found << 16 ^ control;
#elif defined(__aarch64__)
    uint64_t control = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    found = found << 32 ^ control;
#endif
    return found;
}

enum { ENVIRONMENTS = 5 }; /* as programs begin; rounding down, up, to zero; no subnormals */

/* Sets one of them; 0 where this machine has it not. After it environment_usual(). */
static inline int environment_set(int which)
{
#if defined(FE_DOWNWARD) && defined(FE_UPWARD) && defined(FE_TOWARDZERO)
    static const int modes[4] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    if (which < 4) return !fesetround(modes[which]);
#endif
#if defined(__SSE__)
    if (which == 4) _mm_setcsr(_mm_getcsr() | 0x8040u);
    return which == 4 || which == 0;
#else
    return which == 0;
#endif
}

static inline void environment_usual(void)
{
    fesetround(FE_TONEAREST);
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
}
#endif
