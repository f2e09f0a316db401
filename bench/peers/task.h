/* What the programs of bench/compare.sh have in common, so that theirs is the library they show:
 * arguments, the clock, the line that the script reads. For C and C++.
 *
 *     ./PROGRAM MODEL FOLDER EPOCHS BATCH RATE SEED
 *
 * MODEL is mlp or cnn1; FOLDER holds Fashion-MNIST's four files, unpacked. One thread, plain
 * gradient descent on the mean cross-entropy of softmax. In the end each test image is predicted
 * alone. */
#ifndef TASK_H
#define TASK_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct task {
    int cnn1;
    const char *folder;
    int epochs, batch;
    double rate;
    unsigned seed;
    double started, loaded, trained; /* seconds */
} task;

static inline double task_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A model that the library cannot have is the program's to refuse: exit(3) says so. */
static inline task task_begin(int argc, char **argv)
{
    task t;
    memset(&t, 0, sizeof t);
    t.started = task_clock();
    if (argc != 7 || (strcmp(argv[1], "mlp") && strcmp(argv[1], "cnn1"))) {
        fprintf(stderr, "%s: expected mlp|cnn1 FOLDER EPOCHS BATCH RATE SEED\n", argv[0]);
        exit(2);
    }
    t.cnn1 = !strcmp(argv[1], "cnn1");
    t.folder = argv[2];
    t.epochs = atoi(argv[3]);
    t.batch = atoi(argv[4]);
    t.rate = atof(argv[5]);
    t.seed = (unsigned)strtoul(argv[6], NULL, 10);
    return t;
}

/* The data are there and the network is made; the weights have been trained. */
static inline void task_loaded(task *t)
{
    t->loaded = task_clock();
}
static inline void task_trained(task *t)
{
    t->trained = task_clock();
}

/* All test images have been predicted, so many of them rightly. Ends the program with a message
 * where that cannot be said. */
static inline void task_report(const task *t, long images, long tested, long right)
{
    const double now = task_clock();
    if (printf("load %.6f train %.6f images %ld tested %ld right %ld predict %.6f\n",
               t->loaded - t->started, t->trained - t->loaded, images * t->epochs, tested, right,
               now - t->trained) < 0 ||
        fflush(stdout)) {
        perror("the line of task.h cannot be written");
        exit(1);
    }
}
#endif
