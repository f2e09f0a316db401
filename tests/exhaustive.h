/* What the exhaustive programs share: their argument part/parts, with which a program runs that
 * part of its own tests alone, or of the one whose name follows; the line by which
 * tests/sweeps.sh learns what a part was; and a main. Not every program needs all of it, hence the
 * inlines. Include after harness.h and the header. */
#ifndef EXHAUSTIVE_H
#define EXHAUSTIVE_H
static unsigned part = 1, parts = 1;

/* Returns whether the text is part/parts. */
static inline int part_read(const char *text)
{
    return sscanf(text, "%u/%u", &part, &parts) == 2 && part >= 1 && part <= parts;
}

/* The values of 1..most that belong to this part. A part without any would show nothing. */
static inline int part_from(int most)
{
    if (parts > (unsigned)most) {
        fprintf(stderr, "%u parts of what has %d\n", parts, most);
        exit(2);
    }
    return 1 + (int)((unsigned)most * (part - 1) / parts);
}

static inline int part_to(int most)
{
    return (int)((unsigned)most * part / parts);
}

/* Tells on which instruction sets a part was tried, by how many checks, and what else is to know,
 * as " name=number" each. */
static inline void swept(uint64_t checks, const char *more)
{
    const char *between = "swept isa=";
    int isa;
    for (isa = FNN_ISA_SCALAR; isa < FNN_ISA_COUNT; isa++) {
        if (!fnn_isa_available((fnn_isa)isa)) continue;
        printf("%s%s", between, fnn_isa_name((fnn_isa)isa));
        between = ",";
    }
    printf(" checks=%llu%s\n", (unsigned long long)checks, more);
}

/* The program's own tests come first in the table, then those of the program that it includes. */
#define EXHAUSTIVE_MAIN(tests, own)                                      \
    int main(int argc, char **argv)                                      \
    {                                                                    \
        const int count = (int)(sizeof tests / sizeof tests[0]);         \
        if (argc > 1 && !part_read(argv[1])) {                           \
            fprintf(stderr, "usage: %s [part/parts [NAME]]\n", argv[0]); \
            return 2;                                                    \
        }                                                                \
        return argc > 1 ? harness_main(tests, own, argc - 1, argv + 1)   \
                        : harness_main(tests, count, 1, argv);           \
    }
#endif
