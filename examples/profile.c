/* Where a network's time and memory go in training, layer by layer: milliseconds, GFLOP/s, percent
 * of what fnn_sgemm does with large matrices, kilobytes.
 *
 *     cc -O2 -fopenmp examples/profile.c -o profile -lm && ./profile --help
 *
 * Networks of the first layer, the first two and so on are timed in turn; the shortest times count,
 * and a row is what a layer adds: less than none where it saves the others work, as a pool may. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

static const char about[] =
    "Times each layer of a network in training, the demo's unless told. Kilobytes: of\n"
    "weights, a batch's outputs, and all that training keeps (fnn_memory_size); a layer may\n"
    "save others time or memory. Products that Winograd avoids are counted.\n"
    "  profile build/demo.safetensors --threads 0   the network of a model file, all threads\n"
    "  profile --input 32x32x3 --layers \"conv 64 3, batch_norm, relu, pool 2, dense 10\"\n\n" //
    PROGRAM_LAYERS_HELP "\nOptions\n";
static const char *file, *input = "28x28x1";
static const char *layers =
    "conv 32 relu, pool 2, conv 64 relu, pool 2, dense 128 relu, dense 128 relu, dense 10 softmax";
static int batch = 100, threads = 1, seconds = 3;
static const program_option options[] = {
    {"layers", PROGRAM_TEXT, &layers, 0, 0, "TEXT", "the network, in the words above"},
    {"input", PROGRAM_TEXT, &input, 0, 0, "HxWxC", "shape of a sample; of a table 1x1xCOLUMNS"},
    {"batch", PROGRAM_INT, &batch, 1, 1e5, "N", "samples in a step"},
    {"threads", PROGRAM_INT, &threads, 0, FNN_THREADS_MOST, "N", "0: all there are"},
    {"seconds", PROGRAM_INT, &seconds, 0, 3600, "S", "that it may take; more is steadier"},
};

/* The network of the first layers: its figures are sums over them. */
typedef struct prefix {
    fnn_model *model;
    char last[PROGRAM_ITEM];                                         /* its last layer */
    double forward, backward, flops, back, weights, outputs, memory; /* s, counts, KB */
} prefix;
static prefix *known; /* by their layers; the first one has none, and zeros */

static void make(prefix *p, int count, const fnn_dataset *data)
{
    size_t parameters;
    int shape[3];
    p->model = program_sequential(threads, data);
    program_layers(p->model, layers, count, "--layers", p->last);
    if (fnn_seal(p->model)) program_fail("%s", fnn_model_error(p->model)->message);
    p->flops = batch * program_flops(p->model);
    p->back = p[-1].back + (p->flops - p[-1].flops) * (p[-1].weights > 0 ? 2 : 1); /* inputs too */
    fnn_shapes(p->model, NULL, shape), fnn_parameters(p->model, &parameters);
    p->outputs = p[-1].outputs + 1. * shape[0] * shape[1] * shape[2] * batch;
    p->weights = 4e-3 * (double)parameters;
    p->memory = 1e-3 * (double)fnn_memory_size(p->model, batch);
    p->forward = p->backward = HUGE_VAL;
}

static void measure(prefix *p, const fnn_dataset *data, const fnn_real *zeros)
{
    const double start = program_seconds(threads);
    fnn_result result = fnn_forward(p->model, data, NULL, batch, 1);
    const double middle = program_seconds(threads);
    if (!result) result = fnn_backward_from(p->model, zeros);
    if (result) program_fail("%s", fnn_model_error(p->model)->message);
    p->forward = fmin(p->forward, middle - start);
    p->backward = fmin(p->backward, program_seconds(threads) - middle);
}

/* What a network has more than another; nine times what can be is noise. */
static void print(const char *name, const prefix *p, const prefix *q, double limit)
{
    const double f = p->forward - q->forward, b = p->backward - q->backward;
    const double rate = f > 0 ? fmin((p->flops - q->flops) / f, 9 * limit) : 0;
    const double back = b > 0 ? fmin((p->back - q->back) / b, 9 * limit) : 0;
    printf("%-21.21s%8.3f%7.1f%4.0f%8.3f%7.1f%4.0f%7.0f%7.0f%7.0f\n", name, 1e3 * f, 1e-9 * rate,
           100 * rate / limit, 1e3 * b, 1e-9 * back, 100 * back / limit, p->weights - q->weights,
           4e-3 * (p->outputs - q->outputs), p->memory - q->memory);
}

int main(int argc, char **argv)
{
    int shape[3], i;
    if (program_options("profile", about, argc, argv, options, PROGRAM_COUNT(options), &file, 1))
        layers = program_file_layers(file, shape);
    else program_shape("input", input, shape);
    const int count = program_layers(NULL, layers, INT_MAX, "--layers", NULL);
    known = (prefix *)program_memory((size_t)count + 1, sizeof *known);
    const fnn_dataset data = program_images(batch, shape);
    for (i = 1; i <= count; i++) make(known + i, i, &data);
    fnn_real *zeros = (fnn_real *)program_memory((size_t)known[count].outputs, sizeof *zeros);
    double limit = 0, end = program_seconds(threads) + seconds;
    do {
        for (i = 1; i <= count; i++) measure(known + i, &data, zeros);
        limit = fmax(limit, program_limit(threads));
    } while (program_seconds(threads) < end);
    printf("%s\n%d samples a step; 100 %% is fnn_sgemm of large matrices, %.1f GFLOP/s\n"
           "%-21s  fwd ms   GF/s   %%  bwd ms   GF/s   %% weight output all KB\n",
           fnn_info(NULL), batch, 1e-9 * limit, "layer");
    for (i = 1; i <= count; i++) print(known[i].last, known + i, known + i - 1, limit);
    print("all", known + count, known, limit);
    return free(zeros), program_images_free(&data), program_end();
}
