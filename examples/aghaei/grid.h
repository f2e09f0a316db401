/* The report's MLPGridSearch and CNNGridSearch (section 3.3) over the library's search: lists of
 * choices for a network's arguments, run, best_model.
 *
 *     static const mlp_lists lists = {{{64, 64}, {128, 64}}, {RELU, LEAKY_RELU(.03)}, {1, {10}},
 *         {2, {.001, .01}}, {2, {.1, .2}}, {2, {.001, 0}}, {2, {0, .85}}, {1, {512}},
 *         CLASSIFICATION};
 *     grid g = mlp_grid(&lists);
 *     grid_run(&g, &train);                  every combination, side by side on all threads;
 *     g.found                                the figures and the history of each
 *     mlp net = mlp_best_model(&g);          the best, trained on all of train; mlp_free
 *     grid_free(&g);
 *
 * The best is the one with the highest score on a fifth of the training data, which no candidate is
 * trained on: the report picked by its test set. The penalty of MLPs is MLP_SQUARED. */
#ifndef AGHAEI_GRID_H
#define AGHAEI_GRID_H
#include "cnn.h"
#include "mlp.h"

enum { GRID_MOST = 64, GRID_AXES = 8 };

/* Choices for one argument. */
typedef struct grid_list {
    int count;
    double values[8];
} grid_list;

/* The lists for the arguments of MLP, in their order. */
typedef struct mlp_lists {
    int hidden_layers[8][MLP_MOST_LAYERS]; /* an empty one ends them */
    mlp_activation activations[8];         /* a zero ends them */
    grid_list epochs, etas, betas, alphas, mus, batch_sizes;
    estimator_task task;
} mlp_lists;

/* The lists for those of CNN. */
typedef struct cnn_lists {
    cnn_layer (*architectures)[CNN_MOST_LAYERS];
    int architecture_count;
    grid_list epochs, batch_sizes;
    cnn_optimizer optimizers[8]; /* a rate of 0 ends them */
    cnn_loss loss;
    estimator_task task;
} cnn_lists;

typedef struct grid {
    const mlp_lists *mlps; /* one of the two */
    const cnn_lists *cnns;
    mlp_mean mean;           /* the reading; for MLPs */
    fnn_normalization input; /* for CNNs */
    int limit;               /* 0; else only the first so many candidates are trained */
    fnn_search_config config;
    fnn_grid_axis axes[GRID_AXES];
    int axis_count;
    double numbers[GRID_MOST]; /* 0, 1, ...: values of axes whose choices stand in a table */
    estimator scaled;          /* the scale of the targets */
    fnn_search found;
    fnn_error error;
} grid;

static inline void grid_axis(grid *g, const char *name, const double *values, int count)
{
    const fnn_grid_axis axis = {name, values, count, NULL};
    g->axes[g->axis_count++] = axis;
}

static inline grid grid_make(void)
{
    grid g;
    memset(&g, 0, sizeof g);
    g.config = fnn_search_config_init();
    return g;
}

static inline grid mlp_grid(const mlp_lists *lists)
{
    grid g = grid_make();
    g.mlps = lists;
    return g;
}

static inline grid cnn_grid(const cnn_lists *lists)
{
    grid g = grid_make();
    g.cnns = lists;
    return g;
}

static inline void grid_free(grid *g)
{
    fnn_search_free(&g->found);
    estimator_free(&g->scaled);
}

/* The axes point into the grid, so they are made when it no longer moves. */
static inline void grid_mlp_axes(grid *g)
{
    const mlp_lists *l = g->mlps;
    int widths = 0, activations = 0;
    while (widths < 8 && l->hidden_layers[widths][0]) widths++;
    while (activations < 8 && l->activations[activations].kind) activations++;
    grid_axis(g, "hidden_layer", g->numbers, widths);
    grid_axis(g, "activation", g->numbers, activations);
    grid_axis(g, "epoch", l->epochs.values, l->epochs.count);
    grid_axis(g, "eta", l->etas.values, l->etas.count);
    grid_axis(g, "beta", l->betas.values, l->betas.count);
    grid_axis(g, "alpha", l->alphas.values, l->alphas.count);
    grid_axis(g, "mu", l->mus.values, l->mus.count);
    grid_axis(g, "batch_size", l->batch_sizes.values, l->batch_sizes.count);
}

static inline void grid_cnn_axes(grid *g)
{
    const cnn_lists *l = g->cnns;
    int optimizers = 0;
    while (optimizers < 8 && l->optimizers[optimizers].rate > 0) optimizers++;
    grid_axis(g, "architecture", g->numbers, l->architecture_count);
    grid_axis(g, "epochs", l->epochs.values, l->epochs.count);
    grid_axis(g, "batch_size", l->batch_sizes.values, l->batch_sizes.count);
    grid_axis(g, "optimizer", g->numbers, optimizers);
}

/* The network that a candidate's values stand for. */
static inline mlp grid_mlp(const grid *g, const double *v)
{
    const mlp_lists *l = g->mlps;
    mlp_arguments a;
    memset(&a, 0, sizeof a);
    memcpy(a.hidden_layer, l->hidden_layers[(int)v[0]], sizeof a.hidden_layer);
    a.activation = l->activations[(int)v[1]];
    a.epoch = (int)v[2];
    a.eta = v[3], a.beta = v[4], a.alpha = v[5], a.mu = v[6];
    a.batch_size = (int)v[7];
    a.task = l->task;
    mlp net = mlp_make(&a);
    net.mean = g->mean;
    net.penalty = MLP_SQUARED; /* fnn_fit, by which the library's search trains, has no other */
    return net;
}

static inline cnn grid_cnn(const grid *g, const double *v)
{
    const cnn_lists *l = g->cnns;
    cnn_arguments a;
    memset(&a, 0, sizeof a);
    memcpy(a.architecture, l->architectures[(int)v[0]], sizeof a.architecture);
    a.epochs = (int)v[1];
    a.batch_size = (int)v[2];
    a.optimizer = l->optimizers[(int)v[3]];
    a.loss = l->loss;
    a.task = l->task;
    cnn net = cnn_make(&a);
    net.input = g->input;
    return net;
}

/* A candidate as the report's tables name it. */
static inline void grid_describe(const grid *g, int candidate, char *text, size_t size)
{
    const double *values = g->found.candidates[candidate].values;
    if (g->mlps) {
        const mlp net = grid_mlp(g, values);
        mlp_describe(&net.arguments, text, size);
    } else {
        cnn_describe(g->cnns->architectures[(int)values[0]], text, size);
    }
}

/* What the library's search calls for each candidate. */
static inline int grid_build(void *user, const fnn_trial *trial, fnn_model *model,
                             fnn_fit_config *fit)
{
    const grid *g = (const grid *)user;
    if (g->limit && trial->candidate >= g->limit) return 1;
    if (g->mlps) {
        const mlp net = grid_mlp(g, trial->values);
        mlp_layers(&net.arguments, model, g->scaled.outputs, trial->train);
        *fit = mlp_config(&net, g->scaled.outputs);
    } else {
        const cnn net = grid_cnn(g, trial->values);
        cnn_layers(&net, model, g->scaled.outputs, trial->train);
        *fit = cnn_config(&net);
    }
    fit->seed = trial->seed;
    return 0;
}

/* Trains and scores every combination, and the best once more on all of the data. What went wrong
 * is in g->error. */
static inline fnn_result grid_run(grid *g, const fnn_dataset *train)
{
    const estimator_options none = {0, 0, NULL, NULL};
    const estimator_task task = g->mlps ? g->mlps->task : g->cnns->task;
    fnn_dataset view;
    fnn_real *targets = NULL;
    fnn_result result = estimator_start(&g->scaled, task, &none, train);
    for (int i = 0; i < GRID_MOST; i++) g->numbers[i] = i;
    g->axis_count = 0;
    if (g->mlps) grid_mlp_axes(g);
    else grid_cnn_axes(g);
    g->config.build = grid_build;
    g->config.user = g;
    if (!result) result = estimator_view(&g->scaled, train, &view, &targets);
    if (!result)
        result = fnn_grid_search(&view, g->axes, g->axis_count, &g->config, &g->found, &g->error);
    free(targets);
    return result;
}

/* The fitted part of the best: its model and the scale of its targets leave the grid. */
static inline estimator grid_take_best(grid *g)
{
    estimator best = g->scaled;
    memset(&g->scaled, 0, sizeof g->scaled);
    fnn_model_free(best.model);
    best.model = g->found.model;
    g->found.model = NULL;
    return best;
}

/* The best network, ready to predict; to be called once, after a run with refit. */
static inline mlp mlp_best_model(grid *g)
{
    mlp net = grid_mlp(g, g->found.candidates[g->found.best].values);
    net.fitted = grid_take_best(g);
    return net;
}

static inline cnn cnn_best_model(grid *g)
{
    cnn net = grid_cnn(g, g->found.candidates[g->found.best].values);
    net.fitted = grid_take_best(g);
    return net;
}

#endif
