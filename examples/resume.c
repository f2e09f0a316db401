/* A training that can be interrupted: Ctrl-C saves and stops, --resume goes on, also after kill -9
 * or a power cut. The end is the same to the last bit as without the interruption.
 *
 *     cc -O2 -fopenmp examples/resume.c -o resume -lm && ./resume
 *     ./resume --resume
 *
 * Trains 20 epochs on Fashion-MNIST, about a minute, and keeps a checkpoint in
 * resume.checkpoint, or in the file given. The last line is the test accuracy, 89 to 90 %,
 * with a sum of the weights' bits. Stopped, it says how to go on, and its status is 130. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"
#include <signal.h>

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static fnn_model *make_model(const fnn_dataset *train)
{
    fnn_model *m = fnn_sequential(28, 28, 1);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, train);
    fnn_dense(m, 256, FNN_RELU);
    fnn_dropout(m, 0.2f);
    fnn_dense(m, 128, FNN_RELU);
    fnn_dense(m, 10, FNN_SOFTMAX);
    return m;
}

/* FNV-1a over the bits of all parameters. */
static unsigned long sum_of(fnn_model *m)
{
    size_t count, i;
    const unsigned char *byte = (const unsigned char *)fnn_parameters(m, &count);
    uint32_t sum = 2166136261u;
    for (i = 0; i < count * sizeof(fnn_real); i++) sum = (sum ^ byte[i]) * 16777619u;
    return sum;
}

int main(int argc, char **argv)
{
    const int resumes = argc > 1 && !strcmp(argv[1], "--resume");
    const char *path = argc > 1 + resumes ? argv[1 + resumes] : "resume.checkpoint";
    fnn_fit_config c = fnn_fit_config_init();
    fnn_dataset train, held, rest, test;
    fnn_metrics metrics;
    fnn_error error;

    program_usage("resume", "resume [--resume] [FILE]", argc - resumes, argv + resumes, 0, 1);
    if (!resumes && fopen(path, "rb"))
        program_fail("a checkpoint is there already: --resume goes on from it, or remove it");
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error))
        program_fail("%s", error.message);
    if (fnn_dataset_split(&train, train.count / 6 * 5, FNN_ORDER_SHUFFLE, 1, &rest, &held, &error))
        program_fail("%s", error.message);
    c.optimizer = fnn_adam(1e-3);
    c.schedule = fnn_schedule_cosine(0);
    c.epochs = 20;
    c.batch_size = 100;
    c.augmentation.flip = FNN_FLIP_RANDOM;
    c.ema_decay = .999;
    c.validation = &held;
    c.restore_best = 1;
    c.verbose = 1;
    c.checkpoint = path;
    c.checkpoint_epochs = 5;   /* what a crash may cost: so many epochs, */
    c.checkpoint_minutes = .1; /* or so many minutes, whichever is less */
    c.stop = &stopped;
    signal(SIGINT, stop);

    /* These three lines are all that it takes to go on. */
    fnn_model *m = resumes ? fnn_load(path, NULL, &error) : make_model(&rest);
    if (resumes && !m) program_fail("%s", error.message);
    if (resumes ? fnn_resume(m, &rest, &c, NULL) : fnn_fit(m, &rest, &c, NULL))
        program_fail("%s", fnn_model_error(m)->message);
    if (stopped) {
        fprintf(stderr, "\nstopped; to go on: %s --resume %s\n", argv[0], path);
        return 130;
    }
    if (fnn_evaluate(m, NULL, &test, &metrics)) program_fail("no test accuracy");
    printf("test accuracy: %.2f %%, weights %08lx\n", 100 * metrics.accuracy, sum_of(m));
    fnn_model_free(m);
    fnn_dataset_free(&rest);
    fnn_dataset_free(&held);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    return program_end();
}
