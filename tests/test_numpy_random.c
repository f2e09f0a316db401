/* examples/numpy_random.h: the numbers of NumPy's legacy generator. The committed ones are those of
 * NumPy 1.24; where python3 has NumPy, it is asked anew. */
#define _POSIX_C_SOURCE 200809L /* popen */
#include "../examples/numpy_random.h"
#include "harness.h"

enum { SEEDS = 3, ORDER = 12 };

/* After each seed: two words of random_sample, three of randn, an index shuffled, the next word. */
typedef struct drawn {
    uint32_t seed;
    double uniform[2], normal[3];
    int64_t order[ORDER];
    double after;
} drawn;

/* clang-format off */
static const drawn committed[SEEDS] = {
    {1u, {0.417022004702574, 0.7203244934421581},
     {-0.5281717522634557, -1.0729686221561705, 0.8654076293246785},
     {7, 3, 11, 8, 0, 6, 1, 9, 10, 4, 2, 5}, 0.9682615757193975},
    {20u, {0.5881308010772742, 0.897713727909418},
     {0.3575365158852867, -2.3432619056402113, -1.0848325873173328},
     {8, 7, 3, 4, 2, 9, 5, 1, 11, 10, 6, 0}, 0.5754899847449229},
    {4294967295u, {0.0976320289940138, 0.9123828453026218},
     {0.6484086742306527, 0.6693235306338161, -1.0805437227474493},
     {2, 0, 3, 4, 1, 5, 8, 10, 9, 7, 6, 11}, 0.9335337533300324},
};
/* clang-format on */

static drawn draw(uint32_t seed)
{
    numpy_random r;
    drawn d;
    numpy_seed(&r, seed);
    d.seed = seed;
    for (int i = 0; i < 2; i++) d.uniform[i] = numpy_random_sample(&r);
    for (int i = 0; i < 3; i++) d.normal[i] = numpy_randn(&r);
    numpy_permutation(&r, d.order, ORDER);
    d.after = numpy_random_sample(&r);
    return d;
}

/* How many of the numbers differ. Logarithms may differ by a last bit. */
static int differences(const drawn *a, const drawn *b)
{
    int count = fabs(a->after - b->after) > 0;
    for (int i = 0; i < 2; i++) count += fabs(a->uniform[i] - b->uniform[i]) > 0;
    for (int i = 0; i < 3; i++) count += fabs(a->normal[i] - b->normal[i]) > 1e-15;
    for (int i = 0; i < ORDER; i++) count += a->order[i] != b->order[i];
    return count;
}

static void numbers_are_the_committed_ones(void)
{
    for (int i = 0; i < SEEDS; i++) {
        const drawn d = draw(committed[i].seed);
        CHECKF(!differences(&d, &committed[i]), "seed %u: %d differ", (unsigned)d.seed,
               differences(&d, &committed[i]));
    }
}

/* The broken case: a generator that is one word ahead agrees in nothing that it draws. */
static void a_word_more_is_seen(void)
{
    numpy_random r;
    drawn d = draw(1);
    numpy_seed(&r, 1);
    numpy_uint32(&r);
    d.uniform[0] = numpy_random_sample(&r);
    CHECK(differences(&d, &committed[0]) == 1);
    numpy_permutation(&r, d.order, ORDER);
    CHECK(differences(&d, &committed[0]) > 3);
}

/* A normal number is kept for the next call, and forgotten by a new seed. */
static void the_second_normal_number_waits(void)
{
    numpy_random r, again;
    numpy_seed(&r, 7);
    numpy_randn(&r);
    again = r;
    numpy_uint32(&r);
    CHECK(numpy_randn(&r) == numpy_randn(&again)); /* whatever was drawn between */
    numpy_randn(&r);
    numpy_seed(&r, 7);
    numpy_seed(&again, 7);
    CHECK(numpy_randn(&r) == numpy_randn(&again));
}

/* The 72,000,000 of which a large image set's pixels could be, and 2^33, which needs two words. */
static void intervals_keep_their_bounds(void)
{
    static const uint64_t most[] = {0, 1, 6, 72000000, (uint64_t)1 << 33};
    numpy_random r;
    numpy_seed(&r, 3);
    for (int i = 0; i < 5; i++) {
        uint64_t largest = 0;
        for (int k = 0; k < 200; k++) {
            const uint64_t value = numpy_interval(&r, most[i]);
            if (value > largest) largest = value;
        }
        CHECKF(largest <= most[i] && largest >= most[i] - most[i] / 8, "%llu: largest %llu",
               (unsigned long long)most[i], (unsigned long long)largest);
    }
}

/* Every sample is in one of the parts, and 15 of 100 (16 of 101) in the first. */
static void a_split_takes_all(void)
{
    numpy_random r;
    int64_t order[101];
    int seen[101] = {0};
    numpy_seed(&r, 1);
    CHECK(numpy_train_test_split(&r, order, 100, .15) == 15);
    CHECK(numpy_train_test_split(&r, order, 101, .15) == 16);
    for (int i = 0; i < 101; i++) seen[order[i]]++;
    for (int i = 0; i < 101; i++) CHECK(seen[i] == 1);
}

/* NumPy itself, at Debian's place first: a line a seed, as draw has them; four whole numbers. */
static const char script[] =
    "PATH=/usr/bin:$PATH python3 -c 'if 1:\n"
    "    import numpy as n\n"
    "    for s in (1, 20, 4294967295):\n"
    "        n.random.seed(s)\n"
    "        v = list(n.random.random_sample(2)) + list(n.random.randn(3))\n"
    "        v += list(n.random.permutation(12)) + [n.random.random_sample()]\n"
    "        print(s, *(repr(float(x)) for x in v))\n"
    "    n.random.seed(5)\n"
    "    print(*n.random.randint(0, 2**33 + 1, 4, dtype=n.int64))\n"
    "' 2>/dev/null";

static void numpy_draws_the_same(void)
{
    FILE *file = popen(script, "r");
    double number;
    for (int i = 0; file && i < SEEDS && fscanf(file, "%lf", &number) == 1; i++) {
        drawn d = {(uint32_t)number, {0}, {0}, {0}, 0};
        const drawn ours = draw(d.seed);
        for (int k = 0; k < 5 + ORDER + 1 && fscanf(file, "%lf", &number) == 1; k++)
            if (k < 2) d.uniform[k] = number;
            else if (k < 5) d.normal[k - 2] = number;
            else if (k < 5 + ORDER) d.order[k - 5] = (int64_t)number;
            else d.after = number;
        CHECKF(!differences(&d, &ours), "seed %u: %d differ", (unsigned)d.seed,
               differences(&d, &ours));
    }
    numpy_random r;
    numpy_seed(&r, 5);
    for (int i = 0; file && i < 4 && fscanf(file, "%lf", &number) == 1; i++)
        CHECK(number == (double)numpy_interval(&r, (uint64_t)1 << 33));
    if (file) pclose(file);
    if (!harness_checks) SKIP("python3 has no NumPy");
    else CHECKF(harness_checks == SEEDS + 4, "NumPy answered in part");
}

static const harness_test tests[] = {TEST(numbers_are_the_committed_ones),
                                     TEST(a_word_more_is_seen),
                                     TEST(the_second_normal_number_waits),
                                     TEST(intervals_keep_their_bounds),
                                     TEST(a_split_takes_all),
                                     TEST(numpy_draws_the_same)};
HARNESS_MAIN(tests)
