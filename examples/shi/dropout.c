/* shi-dropout (4.7.3, table 9): the CNN with dropout of .1, .3 and .5 behind its hidden dense
 * layers (the report does not say where).
 *
 *     cc -O2 -fopenmp examples/shi/dropout.c -o dropout -lm && ./dropout
 *
 * Prints train and test accuracy beside the report's. One base for tables 6 to 9 (shi.h), whose
 * own settings differ and are unsaid: its batch and its epochs were chosen so that the train
 * accuracy is that of tables 6 and 7, so compare the trend. */
#include "shi.h"

static const double rates[] = {.1, .3, .5};
static const shi_cnn table[] = {
    {"dropout .1", 3, 32, 64, 1, .1, 91.21, 90.31},
    {"dropout .3", 3, 32, 64, 1, .3, 89.94, 89.88},
    {"dropout .5", 3, 32, 64, 1, .5, 87.98, 89.34},
};

int main(int argc, char **argv)
{
    return shi_cnn_main(argc, argv, "shi-dropout",
                        "CNN: dropout (batch and epochs chosen to match train accuracy)", "dropout",
                        rates, table, EXPERIMENT_COUNT(table));
}
