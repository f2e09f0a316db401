/* The random numbers of NumPy's legacy generator, np.random.seed and the functions beside it, for
 * the reproduction of programs that draw from it: the same numbers to the last bit.
 *
 *     numpy_random r;
 *     numpy_seed(&r, 1);                           np.random.seed(1)
 *     numpy_random_sample(&r)                      np.random.random_sample()
 *     numpy_randn(&r)                              np.random.randn()
 *     numpy_shuffle(&r, order, n);                 np.random.shuffle(order)
 *     numpy_permutation(&r, order, n);             order = np.random.permutation(n)
 *     numpy_train_test_split(&r, order, n, .25)    scikit-learn's train_test_split(range(n))
 *
 * The generator is MT19937: M. Matsumoto, T. Nishimura, "Mersenne Twister: a 623-dimensionally
 * equidistributed uniform pseudo-random number generator", ACM TOMACS 8 (1998). */
#ifndef NUMPY_RANDOM_H
#define NUMPY_RANDOM_H
#include <math.h>
#include <stdint.h>

enum { NUMPY_WORDS = 624, NUMPY_MIDDLE = 397 };

typedef struct numpy_random {
    uint32_t state[NUMPY_WORDS];
    int next;      /* the word to be drawn; NUMPY_WORDS: all have been */
    int has_gauss; /* the polar method makes two numbers: is the second still to be given? */
    double gauss;  /* that one */
} numpy_random;

/* The paper's simple seeding, by Knuth's recurrence. NumPy takes it for a seed that is one number;
 * its init_by_array, for lists of numbers, is not here. */
static inline void numpy_seed(numpy_random *r, uint32_t seed)
{
    for (int i = 0; i < NUMPY_WORDS; i++) {
        r->state[i] = seed;
        seed = 1812433253u * (seed ^ seed >> 30) + (uint32_t)i + 1;
    }
    r->next = NUMPY_WORDS;
    r->has_gauss = 0;
    r->gauss = 0;
}

/* All words anew: each from its upper bit, the lower bits of the next one and a word further on. */
static inline void numpy_twist(numpy_random *r)
{
    uint32_t *s = r->state;
    for (int i = 0; i < NUMPY_WORDS; i++) {
        const uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % NUMPY_WORDS] & 0x7fffffffu);
        s[i] = s[(i + NUMPY_MIDDLE) % NUMPY_WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->next = 0;
}

static inline uint32_t numpy_uint32(numpy_random *r)
{
    if (r->next == NUMPY_WORDS) numpy_twist(r);
    uint32_t y = r->state[r->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

static inline uint64_t numpy_uint64(numpy_random *r)
{
    const uint64_t high = numpy_uint32(r);
    return high << 32 | numpy_uint32(r);
}

/* Uniform in [0, 1), of 53 bits. */
static inline double numpy_random_sample(numpy_random *r)
{
    const double high = (double)(numpy_uint32(r) >> 5), low = (double)(numpy_uint32(r) >> 6);
    return (high * 67108864.0 + low) / 9007199254740992.0; /* 2^26, 2^53 */
}

/* Of N(0, 1), by Marsaglia's polar method. Of its two numbers the second is given first. */
static inline double numpy_randn(numpy_random *r)
{
    double x, y, square;
    if (r->has_gauss) {
        r->has_gauss = 0;
        return r->gauss;
    }
    do {
        x = 2 * numpy_random_sample(r) - 1;
        y = 2 * numpy_random_sample(r) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = sqrt(-2 * log(square) / square);
    r->gauss = factor * x;
    r->has_gauss = 1;
    return factor * y;
}

/* A whole number from 0 to most, each as likely: bits are drawn until they are not above it. */
static inline uint64_t numpy_interval(numpy_random *r, uint64_t most)
{
    uint64_t mask = most, value;
    if (!most) return 0;
    for (int i = 1; i < 64; i *= 2) mask |= mask >> i;
    do {
        value = (most > 0xffffffffu ? numpy_uint64(r) : numpy_uint32(r)) & mask;
    } while (value > most);
    return value;
}

static inline void numpy_shuffle(numpy_random *r, int64_t *values, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        const int64_t j = (int64_t)numpy_interval(r, (uint64_t)i), value = values[i];
        values[i] = values[j];
        values[j] = value;
    }
}

/* order (count) = the numbers from 0 on, shuffled. */
static inline void numpy_permutation(numpy_random *r, int64_t *order, int64_t count)
{
    for (int64_t i = 0; i < count; i++) order[i] = i;
    numpy_shuffle(r, order, count);
}

/* order (count) = a permutation, of which the first are the share of the test part, rounded up, and
 * the others the training part. Returns how many the test part has. */
static inline int64_t numpy_train_test_split(numpy_random *r, int64_t *order, int64_t count,
                                             double share)
{
    numpy_permutation(r, order, count);
    return (int64_t)ceil(share * (double)count);
}

#endif
