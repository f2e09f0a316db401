/* cc -O2 tests/exhaustive_checkpoint.c -lm && ./a.out [NAME]
 * The tests of tests/test_checkpoint.c, with a thousand random kills, a million random damages. */
#define CHECKPOINT_KILLS 1000
#define CHECKPOINT_DAMAGES 1000000
#include "test_checkpoint.c"
