/* What test_float_gradients.c and double_library.c share: the networks, built by whichever library
 * the including unit holds, and the one function that crosses over. Include after fmnist_nn.h. */
#ifndef DOUBLE_LIBRARY_H
#define DOUBLE_LIBRARY_H
#include "samples.h"
#include "twins.h"

typedef struct {
    int inputs, activation;
    int fused;   /* the activation within the dense layers, not in layers of its own */
    int dropout; /* with a rate of 1/4, which both libraries hold exactly */
    int softmax, loss;
    int rows;
} network;

enum { NETWORK_CLASSES = 10 };

/* Rounded to float, so that both libraries have the same. */
static fnn_real parameter_of(fnn_activation f)
{
    return (fnn_real)(float)twin_parameter((int)f);
}

static fnn_model *network_build(const network *n, fnn_isa isa)
{
    const fnn_activation f = (fnn_activation)n->activation;
    fnn_model *m = model_on(isa, 1, 1, 1, n->inputs);
    int layer;
    for (layer = 0; layer < 2; layer++) {
        fnn_dense(m, layer ? 21 : 37, n->fused ? f : FNN_LINEAR);
        if (!n->fused) fnn_activate(m, f, parameter_of(f));
        if (n->dropout) fnn_dropout(m, (fnn_real)0.25);
    }
    fnn_dense(m, NETWORK_CLASSES, n->softmax ? FNN_SOFTMAX : FNN_LINEAR);
    fnn_set_loss(m, (fnn_loss_kind)n->loss, 0, 0);
    return m;
}

static void network_data(const network *n, const fnn_real *inputs, const int32_t *labels,
                         fnn_dataset *data)
{
    *data = with_labels(table_of(inputs, n->rows, n->inputs), labels, NETWORK_CLASSES);
}

/* ---- networks on images ---- */

typedef enum {
    CNN_FUSED,        /* conv relu pool, conv leaky_relu pool, dense */
    CNN_APART,        /* the same with a layer between convolution and pool that changes nothing, */
    CNN_ACTIVATED,    /* and with the activations in layers of their own */
    CNN_POOLS,        /* tanh, which is not fused; pools that overlap, pad and average; strides */
    CNN_BATCH_NORM,   /* first, between convolutions, on tables */
    CNN_RESIDUAL,     /* add, batch norm, dropout and spatial dropout */
    CNN_CONVOLUTIONS, /* no dense layer; conv 5 x 5 valid, 1 x 1 */
    CNN_WINOGRAD, /* convolutions by transforms: the same size, valid and padded, pooled, normed */
    CNN_COUNT
} cnn;

enum { CNN_ROWS = 21, CNN_HEIGHT = 13, CNN_WIDTH = 11, CNN_DEPTH = 3 };
enum { CNN_INPUTS = CNN_HEIGHT * CNN_WIDTH * CNN_DEPTH };

/* Convolution, activation, max-pool, in one of the ways that should come to the same. */
static void cnn_stage(fnn_model *m, cnn kind, int filters, fnn_activation f)
{
    fnn_conv2d(m, filters, 3, FNN_SAME, kind == CNN_ACTIVATED ? FNN_LINEAR : f);
    if (kind == CNN_APART) fnn_activate(m, FNN_LINEAR, 0);
    if (kind == CNN_ACTIVATED) fnn_activate(m, f, parameter_of(f));
    fnn_max_pool2d(m, 2);
}

static void cnn_pools(fnn_model *m)
{
    fnn_pool2d_config p = fnn_pool2d_config_init();
    fnn_conv2d_config c = fnn_conv2d_config_init();
    p.height = p.width = 3;
    p.padding = FNN_SAME;
    c.filters = 17;
    c.stride_height = 2;
    c.activation = FNN_ELU;
    fnn_conv2d(m, 9, 3, FNN_SAME, FNN_TANH);
    fnn_pool2d_with(m, &p);
    fnn_conv2d_with(m, &c);
    p.average = 1;
    fnn_pool2d_with(m, &p);
    fnn_conv2d(m, 12, 2, FNN_VALID, FNN_SIGMOID);
    fnn_global_average_pool2d(m);
}

static void cnn_residual(fnn_model *m)
{
    const fnn_batch_norm_config pytorch = fnn_batch_norm_config_pytorch();
    int from;
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm_with(m, &pytorch);
    from = fnn_activate(m, FNN_RELU, 0);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_LINEAR);
    fnn_batch_norm_with(m, &pytorch);
    fnn_spatial_dropout(m, (fnn_real)0.25);
    fnn_add(m, from);
    fnn_activate(m, FNN_RELU, 0);
    fnn_max_pool2d(m, 2);
    fnn_dropout(m, (fnn_real)0.25);
}

static void cnn_winograd(fnn_model *m)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    c.filters = 17;
    c.padding = FNN_EXPLICIT;
    c.pad_height = 2;
    c.no_bias = 1;
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_conv2d(m, 20, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 33, 3, FNN_VALID, FNN_TANH);
    fnn_conv2d_with(m, &c);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
}

static fnn_model *cnn_build(cnn kind, fnn_isa isa)
{
    fnn_model *m = model_on(isa, 1, CNN_HEIGHT, CNN_WIDTH, CNN_DEPTH);
    if (kind <= CNN_ACTIVATED) {
        cnn_stage(m, kind, 19, FNN_RELU);
        cnn_stage(m, kind, 8, FNN_LEAKY_RELU);
    }
    if (kind == CNN_POOLS) cnn_pools(m);
    if (kind == CNN_RESIDUAL) cnn_residual(m);
    if (kind == CNN_WINOGRAD) cnn_winograd(m);
    if (kind == CNN_BATCH_NORM) {
        fnn_batch_norm(m);
        fnn_conv2d(m, 10, 3, FNN_SAME, FNN_GELU);
        fnn_batch_norm(m);
        fnn_conv2d(m, 5, 3, FNN_VALID, FNN_LINEAR);
        fnn_batch_norm(m);
        fnn_dense(m, 20, FNN_TANH);
        fnn_batch_norm(m);
    }
    if (kind == CNN_CONVOLUTIONS) {
        fnn_conv2d(m, 33, 5, FNN_VALID, FNN_RELU);
        fnn_conv2d(m, NETWORK_CLASSES, 1, FNN_SAME, FNN_LINEAR);
        fnn_global_average_pool2d(m);
    } else fnn_dense(m, NETWORK_CLASSES, FNN_SOFTMAX);
    return m;
}

static void cnn_data(const fnn_real *inputs, const int32_t *labels, fnn_dataset *data)
{
    *data = with_labels(real_images_of(inputs, CNN_ROWS, CNN_HEIGHT, CNN_WIDTH, CNN_DEPTH), labels,
                        NETWORK_CLASSES);
}

/* As double_gradients below, of the networks on images and without bounds. */
int double_cnn_gradients(cnn kind, const float *weights, size_t count, const float *inputs,
                         const int32_t *labels, double *gradients);

/* The gradients of the network in the double library with these weights and data, and for each of
 * them how far a float library's may be off. Returns 0, or 1 when something failed. */
int double_gradients(const network *n, const float *weights, size_t count, const float *inputs,
                     const int32_t *labels, double *gradients, double *bounds);
#endif
