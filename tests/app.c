/* A user's program, as small as they come: the library's line, then a product of two matrices. */
#include <stdio.h>
#ifndef APP_WITHOUT_IMPLEMENTATION /* another unit of the program has it */
#define FMNIST_NN_IMPLEMENTATION
#endif
#ifndef APP_HEADER
#define APP_HEADER "../fmnist_nn.h"
#endif
#include APP_HEADER

#ifdef APP_OTHER /* another unit with numbers of its own */
int other_is_right(void);
#endif

int main(void)
{
    static const fnn_real a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9, 10, 11, 12};
    static const fnn_real expected[] = {58, 64, 139, 154};
    fnn_real c[4];
    fnn_error error;
    fnn_context *context = fnn_context_create(NULL, &error);
    int i, right = 1;
    if (!context) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    puts(fnn_info(context));
    right = fnn_sgemm(context, 0, 0, 2, 2, 3, 1, a, 3, b, 2, 0, c, 2) == FNN_OK;
    fnn_context_free(context);
    for (i = 0; right && i < 4; i++) {
        printf("%g ", (double)c[i]);
        right = c[i] == expected[i];
    }
#ifdef APP_OTHER
    right = right && other_is_right();
#endif
    puts(right ? "right" : "WRONG");
    return !right;
}
