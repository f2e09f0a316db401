/* shi-width (4.7.1, figure 12): two hidden layers of 32 to 512 ReLU, lambda .2, 400 epochs.
 *
 *     cc -O2 -fopenmp examples/shi/width.c -o width -lm && ./width
 *
 * Prints the test accuracy for each width beside the report's, in both readings (shi.h), and how
 * many times longer training takes than with half the width; the report says "almost tripled".
 * Plot: train and validation accuracy against the width. */
#include "shi.h"

static const double widths[] = {32, 64, 128, 256, 512};
enum { WIDTHS = EXPERIMENT_COUNT(widths), SHORT = 40 };

static void run(experiment_job *job)
{
    const shi_mlp mlp = {.depth = 2,
                         .width = (int)widths[job->run],
                         .batch = 100,
                         .epochs = reading == SHI_A ? 400 : SHORT,
                         .rate = .02,
                         .lambda = .2};
    shi_fit(job, &mlp, &data);
}

static void draw(experiment_plot *p, int i)
{
    static const char *const names[2][2] = {{"A, train", "A, validation"},
                                            {"B, train", "B, validation"}};
    for (int figure = SHI_TRAIN; figure <= SHI_VALIDATION; figure++)
        experiment_point_of(&e, p, names[reading][figure], widths[i], i, figure);
}

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-width", "Two hidden layers of 32 to 512");
    experiment_note(&e, "B: %d of the 400 epochs; they are more updates than A's anyway", SHORT);
    experiment_plot *p = experiment_plot_begin(&e, "width", "Accuracy against the width", "width",
                                               "accuracy %", EXPERIMENT_LOG_X);
    experiment_reported(&e, p, "report, test", 512, 80.3);
    for (reading = SHI_A; reading <= SHI_B; reading++) {
        experiment_each(&e, WIDTHS, shi_seeds(reading), run);
        for (int i = 0; i < WIDTHS; i++) {
            char name[32];
            const double reported[] = {EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN,
                                       i == WIDTHS - 1 ? 80.3 : EXPERIMENT_UNKNOWN};
            snprintf(name, sizeof name, "width %g", widths[i]);
            shi_report(i, reported, name);
            draw(p, i);
        }
        for (int i = 1; i < WIDTHS; i++)
            experiment_report_value(&e, shi_readings[reading], "times the seconds", 3,
                                    experiment_mean(&e, i, SHI_SECONDS, NULL) /
                                        experiment_mean(&e, i - 1, SHI_SECONDS, NULL),
                                    "width %g after %g", widths[i], widths[i - 1]);
    }
    return experiment_end(&e);
}
