/* The double library in a unit of its own, to which it is static, so that it links into a program
 * beside the float library. Gives the gradients of a network, and bounds of the float library's
 * errors by an error analysis along the forward and the backward pass.
 *
 * Worst-case bounds (Higham, "Accuracy and Stability of Numerical Algorithms", 2002) are a hundred
 * times the errors found here, too wide to see a gradient that is a thousandth off. So, as in
 * Higham and Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci. Comp. 41
 * (2019), rounding errors count as independent and of mean zero: E(x) is the deviation of x in the
 * float library from x here, squares are added where the worst case adds magnitudes, a sum of k
 * roundings grows as sqrt k, and a bound is LAMBDA deviations. What is added at each place is (1)
 * the local rounding error, from each kernel's stated bound, with u = 2^-24 and e = 2u, and (2) the
 * errors of the operands times the derivative ("+" of squares):
 *   product of depth k   sum (a E(b))^2 + (E(a) b)^2, and sqrt(k + 4) u sum |a b|, bias included
 *   y = f(z)             max|f'| E(z), and c e |y|
 *   dz = dy f'(z)        |f'| E(dy), max|f''| |dy| E(z), and c e |dy|; where f' jumps within
 *                        LAMBDA E(z) of z, either side may have been taken: |dy| times the jump
 *   dropout              (E(x) and e |x|) 4/3 where kept
 *   p = softmax(z)       p sqrt(E(z_i)^2 + sum p^2 E(z)^2), and (sqrt n + 6 + max z - min z) e p
 * Factors common to all elements (1 / rows, 1 / (1 - rate)) are rounded once, not independently:
 * 8u |gradient| is added for them. What f, f', their jumps and their kernels' bounds c are, is
 * tests/twins.h's. The double library's own errors are 2^-29 of these. */
#define FMNIST_NN_REAL double
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "double_library.h"

#define U (1.0 / 16777216)
#define E (2 * U)
#define LAMBDA 8

static double square(double x)
{
    return x * x;
}

/* Of a layer's activation: max |f'|, and max |f''| between its kinks. */
typedef struct {
    double slope, bend;
} smoothness;

enum { MOST_LAYERS = 16 };

typedef struct {
    const fnni_run *run;
    double *y, *d; /* of the same layout as the run's activations and deltas */
    smoothness smooth[MOST_LAYERS];
} analysis;

static double *error_y(const analysis *a, int l)
{
    return a->y + (fnni_y(a->run, l, 0, NULL) - a->run->activations);
}

static double *error_d(const analysis *a, int l)
{
    return a->d + (fnni_d(a->run, l, 0, NULL) - a->run->deltas);
}

/* Error of the output y of layer l's activation, from that of its input. */
static double activated(const analysis *a, int l, double error, double y)
{
    const activation_twin *t = twin_of((int)fnni_layer_at(a->run, l)->activation);
    return hypot(a->smooth[l].slope * error, t->ulp * E * y);
}

/* Error of dz, from those of dy and z. */
static double deactivated(const analysis *a, int l, double z, double dy, double error_z,
                          double error_dy)
{
    const fnni_layer *layer = fnni_layer_at(a->run, l);
    const activation_twin *t = twin_of((int)layer->activation);
    const double smooth = square(t->slope(z, layer->parameter) * error_dy) +
                          square(a->smooth[l].bend * dy * error_z) +
                          square(t->slope_error * E * dy);
    return sqrt(smooth) +
           twin_jump((int)layer->activation, layer->parameter, z, LAMBDA * error_z) * fabs(dy);
}

/* Relative error of element i of the softmax p of a row of n logits z. */
static double softmax_error(const double *z, const double *p, const double *error, int n, int i)
{
    double high = z[0], low = z[0], squares = square(error[i]);
    int j;
    for (j = 0; j < n; j++) {
        high = z[j] > high ? z[j] : high;
        low = z[j] < low ? z[j] : low;
        squares += square(p[j] * error[j]);
    }
    return sqrt(squares + square((sqrt((double)n) + 6 + high - low) * E));
}

/* ---- forward ---- */

/* z and E(z) of a dense layer; z is not kept by the library where the activation is fused. */
static void dense_sum(const analysis *a, int l, int row, int j, double *z, double *error)
{
    const fnni_layer *layer = fnni_layer_at(a->run, l);
    const double *w = a->run->model->parameters + layer->offset, b = w[layer->weights + (size_t)j];
    const double *x = fnni_y(a->run, l - 1, row, NULL);
    const double *ex = error_y(a, l - 1) + row * layer->inputs;
    double magnitude = fabs(b), squares = 0;
    int i;
    *z = b;
    for (i = 0; i < layer->inputs; i++) {
        const double weight = w[i * layer->outputs + j];
        *z += x[i] * weight;
        magnitude += fabs(x[i] * weight);
        squares += square(ex[i] * weight);
    }
    *error = sqrt(squares + (layer->inputs + 4) * square(U * magnitude));
}

static void forward_row(const analysis *a, int l, int row)
{
    const fnni_layer *layer = fnni_layer_at(a->run, l);
    const int n = layer->outputs;
    const double *y = fnni_y(a->run, l, row, NULL), *x = fnni_y(a->run, l - 1, row, NULL);
    double *error = error_y(a, l) + row * n, *before = error_y(a, l - 1) + row * layer->inputs;
    int j;
    for (j = 0; j < n; j++)
        if (layer->type == &fnni_dense_type) {
            double z;
            dense_sum(a, l, row, j, &z, error + j);
            error[j] = activated(a, l, error[j], y[j]);
        } else if (layer->type == &fnni_dropout_type)
            error[j] = x[j] != 0 && y[j] == 0 ? 0 : hypot(before[j], E * x[j]) * 4 / 3;
        else if (layer->activation == FNN_SOFTMAX)
            error[j] = y[j] * softmax_error(x, y, before, n, j);
        else error[j] = activated(a, l, before[j], y[j]);
}

/* ---- loss: d = (softmax(z) - t) / N, or of the mean squared error 2 (y - t) / (n N) ---- */

static void loss_row(const analysis *a, int row)
{
    const int l = fnni_loss_layer(a->run->model), n = fnni_inputs(a->run, l);
    const double *y = fnni_y(a->run, l, row, NULL), *d = fnni_d(a->run, l, row, NULL);
    const double *before = error_y(a, l) + row * n, rows = a->run->rows;
    double *error = error_d(a, l) + row * n, p[NETWORK_CLASSES];
    int j;
    for (j = 0; j < n; j++) p[j] = d[j] * rows + (a->run->labels[row] == j);
    for (j = 0; j < n; j++)
        if (a->run->model->loss == FNN_LOSS_SOFTMAX_CROSS_ENTROPY)
            error[j] = hypot(p[j] * softmax_error(y, p, before, n, j) / rows, 3 * E * d[j]);
        else error[j] = hypot(2 * before[j] / (n * rows), 3 * E * d[j]);
}

/* ---- backward: the library's own deltas stand in the run; a dense layer's are dz already ---- */

/* |dy| of output j of a dense layer that a dropout may and a dense layer does follow. */
static double incoming(const analysis *a, int l, int row, int j)
{
    const fnni_layer *next = fnni_layer_at(a->run, ++l);
    const int dropped = next->type == &fnni_dropout_type;
    const double *w, *dz;
    double sum = 0;
    int i;
    if (dropped) next = fnni_layer_at(a->run, ++l);
    w = a->run->model->parameters + next->offset + j * next->outputs;
    dz = fnni_d(a->run, l, row, NULL);
    for (i = 0; i < next->outputs; i++) sum += dz[i] * w[i];
    return fabs(sum) * (dropped ? 4. / 3 : 1);
}

static void dense_back(const analysis *a, int l, int row)
{
    const fnni_layer *layer = fnni_layer_at(a->run, l);
    const double *w = a->run->model->parameters + layer->offset;
    const double *dz = fnni_d(a->run, l, row, NULL);
    double *ez = error_d(a, l) + row * layer->outputs;
    int i, j;
    for (j = 0; layer->activation != FNN_LINEAR && j < layer->outputs; j++) {
        double z, error_z;
        dense_sum(a, l, row, j, &z, &error_z);
        ez[j] = deactivated(a, l, z, incoming(a, l, row, j), error_z, ez[j]);
    }
    for (i = 0; l > 0 && i < layer->inputs; i++) {
        double magnitude = 0, squares = 0;
        for (j = 0; j < layer->outputs; j++) {
            const double weight = w[i * layer->outputs + j];
            magnitude += fabs(dz[j] * weight);
            squares += square(ez[j] * weight);
        }
        error_d(a, l - 1)[row * layer->inputs + i] =
            sqrt(squares + (layer->outputs + 4) * square(U * magnitude));
    }
}

/* dx = p (dy - sum p dy). */
static void softmax_back(const analysis *a, int l, int row)
{
    const int n = fnni_inputs(a->run, l);
    const double *y = fnni_y(a->run, l, row, NULL), *dy = fnni_d(a->run, l, row, NULL);
    const double *ey = error_y(a, l) + row * n, *edy = error_d(a, l) + row * n;
    double *ex = error_d(a, l - 1) + row * n, sum = 0, magnitude = 0, squares = 0;
    int j;
    for (j = 0; j < n; j++) {
        sum += dy[j] * y[j];
        magnitude += fabs(dy[j] * y[j]);
        squares += square(dy[j] * ey[j]) + square(edy[j] * y[j]);
    }
    squares += (n + 2) * square(U * magnitude);
    for (j = 0; j < n; j++)
        ex[j] = sqrt(square(ey[j] * (dy[j] - sum)) + square(y[j]) * (square(edy[j]) + squares) +
                     square(y[j] * E * dy[j]) + square(y[j] * E * sum));
}

static void backward_row(const analysis *a, int l, int row)
{
    const fnni_layer *layer = fnni_layer_at(a->run, l);
    const int n = layer->outputs, dropout = layer->type == &fnni_dropout_type;
    const double *x = fnni_y(a->run, l - 1, row, NULL);
    const double *dy = fnni_d(a->run, l, row, NULL);
    const double *ex = error_y(a, l - 1) + row * layer->inputs, *error = error_d(a, l) + row * n;
    double *next = l > 0 ? error_d(a, l - 1) + row * n : NULL;
    int j;
    if (layer->type == &fnni_dense_type) dense_back(a, l, row);
    else if (layer->activation == FNN_SOFTMAX && next) softmax_back(a, l, row);
    else
        for (j = 0; next && j < n; j++)
            next[j] = dropout ? hypot(error[j], E * dy[j]) * 4 / 3
                              : deactivated(a, l, x[j], dy[j], ex[j], error[j]);
}

/* dW = x^T dz, db = sum dz: products of a depth of N. */
static void gradient_bounds(const analysis *a, int l, double *bounds)
{
    const fnni_layer *layer = fnni_layer_at(a->run, l);
    const int n = layer->outputs, rows = a->run->rows;
    const double *x = fnni_y(a->run, l - 1, 0, NULL), *ex = error_y(a, l - 1);
    const double *dz = fnni_d(a->run, l, 0, NULL), *ez = error_d(a, l);
    const double *g = a->run->model->gradients + layer->offset;
    int row, i, j;
    for (i = 0; i <= layer->inputs; i++) /* the last row is the biases', whose input is 1 */
        for (j = 0; j < n; j++) {
            double magnitude = 0, squares = 0;
            for (row = 0; row < rows; row++) {
                const double input = i < layer->inputs ? x[row * layer->inputs + i] : 1;
                const double error = i < layer->inputs ? ex[row * layer->inputs + i] : 0;
                magnitude += fabs(input * dz[row * n + j]);
                squares += square(input * ez[row * n + j]) + square(error * dz[row * n + j]);
            }
            squares += (rows + 4) * square(U * magnitude);
            bounds[layer->offset + (size_t)(i * n + j)] =
                LAMBDA * sqrt(squares) + 8 * U * fabs(g[i * n + j]);
        }
}

/* Whether the analysis knows the loss and the layers of a model. */
static int is_known(const fnn_model *m)
{
    int l;
    for (l = 0; l < m->layer_count; l++) {
        const fnni_layer_type *t = m->layers[l].type;
        if (t != &fnni_dense_type && t != &fnni_dropout_type && t != &fnni_activate_type) return 0;
    }
    return m->layer_count <= MOST_LAYERS &&
           (m->loss == FNN_LOSS_SOFTMAX_CROSS_ENTROPY || m->loss == FNN_LOSS_MEAN_SQUARED_ERROR);
}

static int analyse(const fnn_model *m, double *bounds)
{
    const size_t count = (m->columns[0] + m->delta_columns) * (size_t)m->run.capacity;
    analysis a;
    int l, row;
    if (!is_known(m)) return 1;
    a.run = &m->run;
    for (l = 0; l < m->layer_count; l++)
        if (twin_of((int)m->layers[l].activation)->f)
            twin_extremes((int)m->layers[l].activation, m->layers[l].parameter, &a.smooth[l].slope,
                          &a.smooth[l].bend);
    a.y = (double *)calloc(count, sizeof *a.y);
    a.d = (double *)calloc(count, sizeof *a.d);
    for (row = 0; a.y && a.d && row < m->run.rows; row++) {
        for (l = 0; l < m->layer_count; l++) forward_row(&a, l, row);
        loss_row(&a, row);
        for (l = fnni_loss_layer(m); l >= 0; l--) backward_row(&a, l, row);
    }
    for (l = 0; a.y && a.d && l < m->layer_count; l++)
        if (m->layers[l].weights) gradient_bounds(&a, l, bounds);
    l = a.y && a.d ? 0 : 1;
    free(a.y);
    free(a.d);
    return l;
}

/* A model's gradients with these weights, in training; 0, or 1 when something failed. */
static int gradients_of(fnn_model *m, const float *weights, size_t count, const fnn_dataset *data,
                        double *gradients)
{
    size_t found, i;
    double *w = fnn_parameters(m, &found);
    if (!w || found != count) return 1;
    for (i = 0; i < count; i++) w[i] = (double)weights[i];
    if (fnn_forward(m, data, NULL, (int)data->count, 1) || fnn_loss(m, NULL) || fnn_backward(m))
        return 1;
    memcpy(gradients, fnn_gradients(m, NULL), count * sizeof *gradients);
    return 0;
}

static double *widened(const float *from, size_t count)
{
    double *to = (double *)malloc(count * sizeof *to);
    size_t i;
    for (i = 0; to && i < count; i++) to[i] = (double)from[i];
    return to;
}

int double_gradients(const network *n, const float *weights, size_t count, const float *inputs,
                     const int32_t *labels, double *gradients, double *bounds)
{
    double *x = widened(inputs, (size_t)n->rows * (size_t)n->inputs);
    fnn_model *m = network_build(n, FNN_ISA_BEST);
    fnn_dataset data;
    int wrong;
    network_data(n, x, labels, &data);
    wrong = !x || gradients_of(m, weights, count, &data, gradients) || analyse(m, bounds);
    fnn_model_free(m);
    free(x);
    return wrong;
}

int double_cnn_gradients(cnn kind, const float *weights, size_t count, const float *inputs,
                         const int32_t *labels, double *gradients)
{
    double *x = widened(inputs, (size_t)CNN_ROWS * CNN_INPUTS);
    fnn_model *m = cnn_build(kind, FNN_ISA_BEST);
    fnn_dataset data;
    int wrong;
    cnn_data(x, labels, &data);
    wrong = !x || gradients_of(m, weights, count, &data, gradients);
    fnn_model_free(m);
    free(x);
    return wrong;
}
