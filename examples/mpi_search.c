/* Grid search on several machines: the candidates are dealt to the processes, the first of which
 * puts the results together and prints the table that one process alone would have printed.
 *
 *     mpicc -O2 -fopenmp examples/mpi_search.c -o mpi_search -lm
 *     mpirun -np 2 --bind-to none -x OMP_NUM_THREADS=1 ./mpi_search     (or ./mpi_search alone)
 *
 * Prints 16 candidates, the best first, and the test accuracy of the best, trained anew on all of
 * the samples. Figures are the same for any number of processes, but for the seconds, and on
 * machines of different instruction sets. Each process trains OMP_NUM_THREADS candidates side by
 * side; all together should not be more than there are cores. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"
#include <mpi.h>

enum { RATE, UNITS, ACTIVATION, LAYERS, AXES, FOLDS = 3 };
static const double rates[] = {1e-3, 1e-2}, units[] = {32, 128}, layers[] = {1, 2};
static const double activations[] = {FNN_RELU, FNN_TANH};
static const char *const activation_names[] = {"relu", "tanh"};
static const fnn_grid_axis axes[AXES] = {{"rate", rates, 2, NULL},
                                         {"units", units, 2, NULL},
                                         {"activation", activations, 2, activation_names},
                                         {"layers", layers, 2, NULL}};
static int rank, ranks, threads, samples = 5000, epochs = 5;
static const char *csv;
static const program_option options[] = {
    {"samples", PROGRAM_INT, &samples, FOLDS, 60000, "N", "how many training images"},
    {"epochs", PROGRAM_INT, &epochs, 1, 1e6, "N", "passes over them"},
    {"csv", PROGRAM_TEXT, &csv, 0, 0, "FILE", "all figures are saved there"},
};

static int build(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, t->train);
    for (int i = 0; i < (int)t->values[LAYERS]; i++)
        fnn_dense(m, (int)t->values[UNITS], (fnn_activation)t->values[ACTIVATION]);
    fnn_dense(m, 10, FNN_SOFTMAX);
    fit->optimizer = fnn_adam(t->values[RATE]);
    fit->epochs = epochs;
    return 0;
}

static void stop(const char *message)
{
    fprintf(stderr, "mpi_search: rank %d: %s\n", rank, message), MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Brings numbers from the rank that has them to rank 0, into the same place. */
static void bring(void *numbers, int count, MPI_Datatype type, int from)
{
    if (rank == from) MPI_Send(numbers, count, type, 0, 0, MPI_COMM_WORLD);
    if (rank == 0) MPI_Recv(numbers, count, type, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Brings what fnn_search_finish asks for of a candidate. */
static void bring_candidate(fnn_candidate *c, int from)
{
    bring(&c->state, 1, MPI_INT, from);
    bring(&c->trained, 1, MPI_INT, from);
    bring(&c->seconds, 1, MPI_DOUBLE, from);
    for (int f = 0; f < FOLDS; f++) {
        bring(&c->folds[f].result, 1, MPI_INT, from);
        bring(&c->folds[f].figures, sizeof(fnn_figures) / sizeof(double), MPI_DOUBLE, from);
        bring(&c->folds[f].seconds, 1, MPI_DOUBLE, from);
    }
}

int main(int argc, char **argv)
{
    fnn_search_config c = fnn_search_config_init();
    fnn_dataset train, test, part, rest;
    fnn_metrics result;
    fnn_search found;
    fnn_error error;
    char text[4000];
    program_options("mpi_search", "A grid search.\n", argc, argv, options, 3, NULL, 0);
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (rank == 0 && csv && fnn_check_writable(csv, &error)) stop(error.message);
    if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error) ||
        fnn_dataset_split(&train, samples, FNN_ORDER_SHUFFLE, 1, &part, &rest, &error))
        stop(error.message);
    c.build = build, c.folds = FOLDS, c.refit = 0, c.first = rank, c.every = ranks;
    if (fnn_grid_search(&part, axes, AXES, &c, &found, &error)) stop(error.message);

    for (int i = 0; i < found.count; i++)
        if (i % ranks != 0) bring_candidate(found.candidates + i, i % ranks);
    c.refit = 1;
    if (rank == 0) {
        if (fnn_search_finish(&part, &c, &found, &error)) stop(error.message);
        if (fnn_evaluate(found.model, NULL, &test, &result)) stop("cannot classify");
        fnn_search_table(&found, 0, text, sizeof text);
        printf("%stest accuracy: %.2f %%\n", text, 100 * result.accuracy);
        if (csv && fnn_search_save_csv(&found, csv, &error)) stop(error.message);
    }
    MPI_Finalize();
    return program_end();
}
