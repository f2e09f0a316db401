/* aghaei-cifar-seeds (4.5, table 5): whether Adam at .01 learns CIFAR-10 is a matter of the seed.
 *
 *     cc -O2 -fopenmp examples/aghaei/cifar_seeds.c -o cifar_seeds -lm && ./cifar_seeds
 *
 * Prints how many of ten seeds learn with the network of aghaei-cifar, without and with dropout, in
 * four epochs of 8,000 images, and the mean test accuracy of those that do. */
#include "family.h"

#define CONV(filters) CNN_CONV(filters, 3, FNN_SAME, FNN_RELU), CNN_MAX_POOL(2)
#define ADAM EPOCHS, 128, {FNN_ADAM, 1e-2}, CNN_CROSS_ENTROPY, {CNN_ACCURACY}, CLASSIFICATION, 0
#define ROW EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, EXPERIMENT_UNKNOWN, 8000, FNN_NORMALIZE_NONE

enum { EPOCHS = 4, LEARNED = 15 /* percent; a network that names one class has 10 */ };
static experiment e;
static experiment_data data;
static const struct {
    cnn_row row;
    const char *name;
} runs[] = {
    {{{{CNN_BATCH_NORM, CONV(32), CONV(64), CONV(128), CNN_DENSE(256, FNN_RELU),
        CNN_DENSE(128, FNN_RELU)},
       ADAM},
      ROW},
     "without dropout"},
    {{{{CNN_BATCH_NORM, CONV(32), CONV(64), CONV(128), CNN_DROPOUT(.25), CNN_DENSE(256, FNN_RELU),
        CNN_DROPOUT(.25), CNN_DENSE(128, FNN_RELU)},
       ADAM},
      ROW},
     "dropout"},
};

static void run(experiment_job *job)
{
    run_cnn(job, &runs[job->run].row, &data.train, NULL, &data.test);
}

static void report_seeds(int run)
{
    const experiment_job *jobs = e.jobs + run * e.seed_count;
    double sum = 0;
    int learned = 0;
    char images[64];
    for (int s = 0; s < e.seed_count; s++)
        if (jobs[s].figures[TEST] > LEARNED) sum += jobs[s].figures[TEST], learned++;
    describe_images(&e, run, &runs[run].row, images, sizeof images);
    experiment_report_value(&e, "A", "test accuracy %", runs[run].row.test,
                            learned ? sum / learned : EXPERIMENT_UNKNOWN,
                            "Adam .01, %s, %d epochs, the %d of %d seeds that learn%s",
                            runs[run].name, experiment_epochs(&e, EPOCHS), learned, e.seed_count,
                            images);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cifar-seeds", "Adam at .01 on CIFAR-10, by seeds", 10);
    experiment_cifar10(&e, &data);
    experiment_each(&e, EXPERIMENT_COUNT(runs), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(runs); i++) report_seeds(i);
    return experiment_end(&e);
}
