/* shi-filters (4.7.2, table 7): the CNN with 16 and 32, 32 and 64, 64 and 128 filters.
 *
 *     cc -O2 -fopenmp examples/shi/filters.c -o filters -lm && ./filters
 *
 * Prints train and test accuracy beside the report's. One base for tables 6 to 9 (shi.h), whose
 * own settings differ and are unsaid: its batch and its epochs were chosen so that the train
 * accuracy is that of tables 6 and 7, so compare the trend. */
#include "shi.h"

static const double numbers[] = {16, 32, 64};
static const shi_cnn table[] = {
    {"filters 16, 32", 3, 16, 32, 1, 0, 91.30, 90.08},
    {"filters 32, 64", 3, 32, 64, 1, 0, 92.06, 91.29},
    {"filters 64, 128", 3, 64, 128, 1, 0, 92.18, 91.12},
};

int main(int argc, char **argv)
{
    return shi_cnn_main(argc, argv, "shi-filters",
                        "CNN: number of filters (batch and epochs chosen to match train accuracy)",
                        "filters of the first convolution", numbers, table,
                        EXPERIMENT_COUNT(table));
}
