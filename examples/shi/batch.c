/* shi-batch (4.6, table 5): layers, learning rate and batch size with a penalty of lambda .2.
 *
 *     cc -O2 -fopenmp examples/shi/batch.c -o batch -lm && ./batch
 *
 * Prints the test accuracy after 500 epochs beside the report's, in both readings (shi.h): in B
 * lambda .2 acts for so many updates that it holds the networks down. Plot: accuracy against batch
 * size. */
#include "shi.h"

static const struct {
    int depth, batch;
    double rate, reported;
} runs[] = {
    {2, 16, .02, EXPERIMENT_UNKNOWN}, /* named in the text, without a figure */
    {2, 32, .02, 77.16},
    {2, 64, .02, 77.34},
    {2, 128, .02, 77.34},
    {2, 64, .01, 74.88},
    {1, 64, .02, 75.73},
    {1, 64, .01, 68.80},
};
enum { RUNS = EXPERIMENT_COUNT(runs), DRAWN = 4 };

static void run(experiment_job *job)
{
    const shi_mlp mlp = {.depth = runs[job->run].depth,
                         .width = 128,
                         .batch = runs[job->run].batch,
                         .epochs = reading == SHI_A ? 500 : 50,
                         .rate = runs[job->run].rate,
                         .lambda = .2};
    shi_fit(job, &mlp, &data);
}

int main(int argc, char **argv)
{
    shi_begin(argc, argv, "shi-batch", "Batch sizes, with lambda .2");
    experiment_note(&e, "B: 50 of the 500 epochs; they are more updates than A's anyway");
    experiment_plot *p = experiment_plot_begin(&e, "batch", "2 hidden layers, rate .02", "batch",
                                               "test accuracy %", EXPERIMENT_LOG_X);
    for (int i = 0; i < DRAWN; i++)
        experiment_point(&e, p, "report", runs[i].batch, runs[i].reported, EXPERIMENT_UNKNOWN);
    for (reading = SHI_A; reading <= SHI_B; reading++) {
        experiment_each(&e, RUNS, shi_seeds(reading), run);
        for (int i = 0; i < RUNS; i++) {
            experiment_report(&e, i, SHI_TEST, shi_readings[reading], "test accuracy %",
                              runs[i].reported, "%d hidden, rate %g, batch %d", runs[i].depth,
                              runs[i].rate, runs[i].batch);
            if (i < DRAWN)
                experiment_point_of(&e, p, shi_readings[reading], runs[i].batch, i, SHI_TEST);
        }
    }
    return experiment_end(&e);
}
