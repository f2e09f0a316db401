/* aghaei-cifar-seeds (4.5, table 5): whether Adam at .01 learns CIFAR-10 is a matter of the seed.
 *
 *     cc -O2 -fopenmp examples/aghaei/cifar_seeds.c -o cifar_seeds -lm && ./cifar_seeds
 *
 * Prints how many of ten seeds learn with the networks of aghaei-cifar, without and with dropout,
 * in four epochs of 8,000 images, and the mean test accuracy of those that do. */
#include "cnn.h"

#define CONV(filters) CNN_CONV(filters, 3, FNN_SAME, FNN_RELU)
#define POOL CNN_MAX_POOL(2)
#define DENSE(width) CNN_DENSE(width, FNN_RELU)
#define TRAINING                                                              \
    .epochs = EPOCHS, .batch_size = 128, .optimizer = fnn_adam, .rate = 1e-2, \
    .loss = FNN_LOSS_CATEGORICAL_CROSS_ENTROPY

enum { EPOCHS = 4, LEARNED = 15 /* percent; a network that names one class has 10 */, FEW = 8000 };

static experiment e;
static experiment_data data;
static fnn_dataset few;
static const struct network {
    const char *name;
    cnn net;
} networks[] = {
    {"no dropout",
     {.architecture = {CNN_BATCH_NORM, CONV(32), POOL, CONV(64), POOL, CONV(128), POOL, DENSE(256),
                       DENSE(128)},
      TRAINING}},
    {"two dropouts .5",
     {.architecture = {CNN_BATCH_NORM, CONV(32), CNN_DROPOUT(.5), POOL, CONV(64), POOL, CONV(128),
                       POOL, DENSE(256), CNN_DROPOUT(.5), DENSE(128)},
      TRAINING}},
};

static void run(experiment_job *job)
{
    fnn_model *m = cnn_fit(&networks[job->run].net, job, &few, NULL);
    job->figures[TEST] = cnn_score(m, &data.test);
    fnn_model_free(m);
}

static void report_network(int i)
{
    const experiment_job *jobs = e.jobs + i * e.seed_count;
    double sum = 0;
    int learned = 0;
    for (int s = 0; s < e.seed_count; s++)
        if (jobs[s].figures[TEST] > LEARNED) sum += jobs[s].figures[TEST], learned++;
    experiment_report_value(&e, "A", "test accuracy %", EXPERIMENT_UNKNOWN,
                            learned ? sum / learned : EXPERIMENT_UNKNOWN,
                            "Adam .01, %s, %d epochs, %d images, the %d of %d seeds that learn%s",
                            networks[i].name, experiment_epochs(&e, EPOCHS), (int)few.count,
                            learned, e.seed_count,
                            strstr(e.sources.text, "JPEG copy") ? "; JPEG copy" : "");
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "aghaei-cifar-seeds", "Adam at .01 on CIFAR-10, by seeds", 10);
    experiment_cifar10(&e, &data);
    few = experiment_reduce(&e, &data.train, FEW);
    experiment_each(&e, EXPERIMENT_COUNT(networks), e.seeds, run);
    for (int i = 0; i < EXPERIMENT_COUNT(networks); i++) report_network(i);
    return experiment_end(&e);
}
