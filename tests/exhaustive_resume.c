/* cc -O2 tests/exhaustive_resume.c -lm && ./a.out [NAME]
 * The tests of tests/test_resume.c, with a stop after each step of every training. */
#define RESUME_STRIDE(setup) 1
#include "test_resume.c"
