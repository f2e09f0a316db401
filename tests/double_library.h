/* What test_float_gradients.c and double_library.c share: the networks, built by whichever library
 * the including unit holds, and the one function that crosses over. Include after fmnist_nn.h. */
#ifndef DOUBLE_LIBRARY_H
#define DOUBLE_LIBRARY_H

typedef struct {
    int inputs, activation;
    int fused;   /* the activation within the dense layers, not in layers of its own */
    int dropout; /* with a rate of 1/4, which both libraries hold exactly */
    int softmax, loss;
    int rows;
} network;

enum { NETWORK_CLASSES = 10 };

static fnn_model *network_build(const network *n, fnn_isa isa)
{
    const fnn_activation f = (fnn_activation)n->activation;
    const fnn_real parameter = (fnn_real)(f == FNN_LEAKY_RELU ? 0.3f : f == FNN_ELU ? 1.0f : 0.0f);
    fnn_context_config config = fnn_context_config_init();
    fnn_model *m;
    int layer;
    config.isa = isa;
    m = fnn_sequential_with(&config, 1, 1, n->inputs);
    for (layer = 0; layer < 2; layer++) {
        fnn_dense(m, layer ? 21 : 37, n->fused ? f : FNN_LINEAR);
        if (!n->fused) fnn_activate(m, f, parameter);
        if (n->dropout) fnn_dropout(m, (fnn_real)0.25);
    }
    fnn_dense(m, NETWORK_CLASSES, n->softmax ? FNN_SOFTMAX : FNN_LINEAR);
    fnn_set_loss(m, (fnn_loss_kind)n->loss, 0, 0);
    return m;
}

static void network_data(const network *n, const fnn_real *inputs, const int32_t *labels,
                         fnn_dataset *data)
{
    memset(data, 0, sizeof *data);
    data->count = n->rows;
    data->height = data->width = 1;
    data->channels = n->inputs;
    data->reals = inputs;
    data->labels = labels;
    data->classes = NETWORK_CLASSES;
}

/* The gradients of the network in the double library with these weights and data, and for each of
 * them how far a float library's may be off. Returns 0, or 1 when something failed. */
int double_gradients(const network *n, const float *weights, size_t count, const float *inputs,
                     const int32_t *labels, double *gradients, double *bounds);
#endif
