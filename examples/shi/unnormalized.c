/* shi-unnormalized (4.4, figure 6): two hidden layers of 128 ReLU on raw pixels, 0 to 255.
 *
 *     cc -O2 -fopenmp examples/shi/unnormalized.c -o unnormalized -lm && ./unnormalized
 *
 * Prints the test accuracy at the report's best learning rate beside the report's, in both readings
 * (shi.h), and the rate that validation data would have chosen. Plot: train and validation accuracy
 * against the learning rate. */
#include "shi.h"

static const shi_search table[] = {
    {"raw pixels, rate 1e-5, 500 epochs",
     {.depth = 2, .width = 128, .batch = 100, .epochs = 500, .rate = 1e-5, .raw = 1},
     {1e-6, 5e-6, 1e-5, 5e-5, 1e-4},
     {EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, 67.35}},
};

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-unnormalized", "Raw pixels");
    shi_search_rates(table, EXPERIMENT_COUNT(table));
    return experiment_end(&e);
}
