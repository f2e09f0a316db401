/* shi-train-size (4.7.4, figures 13 to 15): 1 to 10,000 training images, for an MLP with 0 and
 * with 1 hidden layer and the CNN.
 *
 *     cc -O2 -fopenmp examples/shi/train_size.c -o train_size -lm && ./train_size
 *
 * Prints the test accuracy of each size; the report's figures show that it rises, more slowly past
 * 2000 images. The MLPs are those of table 1, in both readings (shi.h), where an epoch of B is a
 * pass over the images of the row; each seed draws other images. Plots: test accuracy against the
 * number of images. */
#include "shi.h"

static const double sizes[] = {1, 10, 100, 1000, 2000, 10000};
static const char *const names[] = {"0 hidden layers", "1 hidden layer", "CNN"};
enum { SIZES = EXPERIMENT_COUNT(sizes), MLPS = 2, NETWORKS = 3, CNN_EPOCHS = 10 };

static void fit_mlp(experiment_job *job, int depth, const experiment_data *d)
{
    const int batch = d->train.count < 100 ? (int)d->train.count : 100;
    const shi_mlp mlp = {
        .depth = depth, .width = 128, .batch = batch, .epochs = depth ? 500 : 2000, .rate = .5};
    shi_fit(job, &mlp, d);
}

static void run(experiment_job *job)
{
    const int64_t wanted = (int64_t)sizes[job->run % SIZES];
    const int64_t count = wanted < data.train.count ? wanted : data.train.count;
    experiment_data d = data;
    fnn_dataset rest;
    if (fnn_dataset_split(&data.train, count, 1, (uint64_t)job->seed + 1, &d.train, &rest, NULL))
        experiment_fail(&e, "no memory");
    if (job->run / SIZES < MLPS) fit_mlp(job, job->run / SIZES, &d);
    else shi_test_cnn(job, &shi_cnn_base, &d.train, CNN_EPOCHS);
    fnn_dataset_free(&d.train);
    fnn_dataset_free(&rest);
}

int main(int argc, char **argv)
{
    experiment_plot *plots[NETWORKS];
    shi_begin(argc, argv, "shi-train-size", "1 to 10,000 training images");
    experiment_note(&e, "here an epoch of B is a pass over the images of its row");
    experiment_note(&e,
                    "the CNN: Adam 1e-3, %d epochs as in figure 7; its batch of %d is unsaid: with "
                    "it, tables 6 and 7's train accuracy was met",
                    CNN_EPOCHS, SHI_CNN_BATCH);
    for (int i = 0; i < NETWORKS; i++) {
        char name[32];
        snprintf(name, sizeof name, i < MLPS ? "%d-hidden" : "cnn", i);
        plots[i] = experiment_plot_begin(&e, name, names[i], "training images", "test accuracy %",
                                         EXPERIMENT_LOG_X);
    }
    for (reading = SHI_A; reading <= SHI_B; reading++) { /* the CNN has but one */
        const int networks = reading == SHI_A ? MLPS : NETWORKS;
        experiment_each(&e, networks * SIZES, shi_seeds(reading), run);
        for (int i = 0; i < networks * SIZES; i++) {
            const char *label = i / SIZES < MLPS ? shi_readings[reading] : "";
            experiment_report(&e, i, SHI_TEST, label, "test accuracy %", EXPERIMENT_UNKNOWN,
                              "%s, %g images", names[i / SIZES], sizes[i % SIZES]);
            experiment_point_of(&e, plots[i / SIZES], *label ? label : "CNN", sizes[i % SIZES], i,
                                SHI_TEST);
        }
    }
    return experiment_end(&e);
}
