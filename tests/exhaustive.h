/* What the exhaustive programs share: their argument part/parts, with which a program runs that
 * part of its own tests alone, and their main. Include after harness.h. */
#ifndef EXHAUSTIVE_H
#define EXHAUSTIVE_H
static unsigned part = 1, parts = 1;

/* The values of 1..most that belong to this part. */
static int part_from(int most)
{
    return 1 + (int)((unsigned)most * (part - 1) / parts);
}

static int part_to(int most)
{
    return (int)((unsigned)most * part / parts);
}

/* The program's own tests come first in the table, then those of the program that it includes. */
static int exhaustive_main(const harness_test *tests, int own, int count, int argc, char **argv)
{
    if (argc > 1 && (sscanf(argv[1], "%u/%u", &part, &parts) != 2 || part < 1 || part > parts)) {
        fprintf(stderr, "usage: %s [part/parts]\n", argv[0]);
        return 2;
    }
    return harness_main(tests, argc > 1 ? own : count, 1, argv);
}
#define EXHAUSTIVE_MAIN(tests, own)                                                            \
    int main(int argc, char **argv)                                                            \
    {                                                                                          \
        return exhaustive_main(tests, own, (int)(sizeof tests / sizeof tests[0]), argc, argv); \
    }
#endif
