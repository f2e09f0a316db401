/* Training on several machines: each process takes a part of every batch, and the gradients of all
 * are summed, so that all make the step that one process would have made, but for rounding.
 *
 *     mpicc -O2 -fopenmp examples/mpi_train.c -o mpi_train -lm
 *     mpirun -np 2 --bind-to none -x OMP_NUM_THREADS=1 ./mpi_train     (or ./mpi_train alone)
 *
 * Prints each epoch's loss, the test accuracy and a hash of the weights, whose bits are the same in
 * all processes and, for a number of them, in each run: sums are taken in the order of the ranks.
 * MPI_Allreduce would do it in one line, in an order of its own. Batch norm would take mean and
 * variance of each part, dropout would draw by the place in it: not what one process does. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"
#include <mpi.h>

enum { BATCH = 100 };
static int epochs = 5, samples = 60000, threads;
static const program_option options[] = {
    {"epochs", PROGRAM_INT, &epochs, 0, 1e6, "N", "passes over the training images"},
    {"samples", PROGRAM_INT, &samples, 1, 60000, "N", "how many of them"},
};
static int rank, ranks, piece;  /* each rank sums a piece of the gradients */
static size_t count;            /* of all of them */
static fnn_real *mine, *theirs; /* (ranks, piece) all of its own, and its piece of all ranks' */

static void stop(const char *message)
{
    fprintf(stderr, "mpi_train: rank %d: %s\n", rank, message), MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Replaces g (count) by the sum over the ranks of weight * g. */
static void sum_gradients(fnn_real *g, fnn_real weight)
{
    for (size_t i = 0; i < count; i++) mine[i] = weight * g[i];
    MPI_Alltoall(mine, piece, MPI_FLOAT, theirs, piece, MPI_FLOAT, MPI_COMM_WORLD);
    for (int i = piece; i < ranks * piece; i++) theirs[i % piece] += theirs[i];
    MPI_Allgather(theirs, piece, MPI_FLOAT, mine, piece, MPI_FLOAT, MPI_COMM_WORLD);
    memcpy(g, mine, count * sizeof *g);
}

/* A step by the batch from sample `first` on. Parts may differ by a sample, so each mean gradient
 * counts by its part's share. Returns the sum of the losses of this rank's part. */
static double step(fnn_model *m, const fnn_fit_config *c, const fnn_dataset *data, int first)
{
    const int size = (int)data->count - first < BATCH ? (int)data->count - first : BATCH;
    const int begin = size * rank / ranks, part = size * (rank + 1) / ranks - begin;
    int64_t batch[BATCH] = {first}; /* for an empty part: one that counts nothing */
    double loss = 0;
    for (int i = 0; i < part; i++) batch[i] = first + begin + i;
    if (fnn_forward(m, data, batch, part ? part : 1, 1) || fnn_loss(m, &loss) || fnn_backward(m))
        stop(fnn_model_error(m)->message);
    sum_gradients(fnn_gradients(m, NULL), (fnn_real)part / (fnn_real)size);
    if (fnn_step(m, c)) stop(fnn_model_error(m)->message);
    return part * loss;
}

int main(int argc, char **argv)
{
    fnn_dataset train, test, order;
    fnn_error error;
    program_options("mpi_train", "Trains on Fashion-MNIST.\n", argc, argv, options, 2, NULL, 0);
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) stop(error.message);
    if (samples < train.count) train.count = samples;
    fnn_model *m = fnn_sequential(28, 28, 1); /* its seed makes the same weights everywhere */
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
    fnn_conv2d(m, 8, 3, FNN_SAME, FNN_RELU), fnn_max_pool2d(m, 2);
    fnn_dense(m, 64, FNN_RELU), fnn_dense(m, 10, FNN_SOFTMAX);
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(1e-3);
    const uint8_t *w = (uint8_t *)fnn_parameters(m, &count);
    piece = ((int)count + ranks - 1) / ranks;
    mine = calloc(2 * (size_t)(piece * ranks), sizeof *mine), theirs = mine + piece * ranks;
    double *losses = calloc((size_t)ranks, sizeof *losses);
    if (!w || !mine || !losses) stop(w ? "no memory" : fnn_model_error(m)->message);

    for (int epoch = 1; epoch <= epochs; epoch++) {
        double loss = 0, sum = 0;
        if (fnn_dataset_shuffle(&train, (uint64_t)epoch, &order, &error)) stop(error.message);
        for (int i = 0; i < order.count; i += BATCH) loss += step(m, &c, &order, i);
        MPI_Gather(&loss, 1, MPI_DOUBLE, losses, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
        for (int r = 0; r < ranks; r++) sum += losses[r];
        if (rank == 0) printf("epoch %d  loss %.8f\n", epoch, sum / (double)order.count);
        fnn_dataset_free(&order);
    }

    uint64_t hash = 14695981039346656037u, least, most; /* FNV-1a */
    for (size_t i = 0; i < count * sizeof(fnn_real); i++) hash = (hash ^ w[i]) * 1099511628211u;
    MPI_Allreduce(&hash, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&hash, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    if (least != most) stop("the processes have different weights");
    fnn_metrics result;
    if (rank == 0 && fnn_evaluate(m, NULL, &test, &result)) stop("cannot classify");
    if (rank == 0) printf("test accuracy: %.2f %%\n", 100 * result.accuracy);
    if (rank == 0) printf("weights %016llx in each of %d\n", (unsigned long long)hash, ranks);
    MPI_Finalize();
    return program_end();
}
