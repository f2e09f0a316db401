/* shi-stride (4.7.2, table 8): the CNN with strides of (1,1) and (3,3).
 *
 *     cc -O2 -fopenmp examples/shi/stride.c -o stride -lm && ./stride
 *
 * Prints train and test accuracy beside the report's. One base for tables 6 to 9 (shi.h), whose
 * own settings differ and are unsaid: its batch and its epochs were chosen so that the train
 * accuracy is that of tables 6 and 7, so compare the trend. */
#include "shi.h"

static const double strides[] = {1, 3};
static const shi_cnn table[] = {
    {"stride (1,1)", 3, 32, 64, 1, 0, 89.12, 88.08},
    {"stride (3,3)", 3, 32, 64, 3, 0, 87.08, 86.84},
};

int main(int argc, char **argv)
{
    return shi_cnn_main(
        argc, argv, "shi-stride",
        "CNN: stride of the convolutions (batch and epochs chosen to match train accuracy)",
        "stride", strides, table, EXPERIMENT_COUNT(table));
}
