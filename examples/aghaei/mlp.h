/* The report's class MLP (section 3.1) and its grid search (3.3), over the library's open step.
 *
 *     const mlp_arguments arguments = {
 *         .hidden_layer = {128, 64}, .activation = FNN_RELU, .epoch = 15, .eta = .03,
 *         .beta = .1, .alpha = .001, .mu = .85, .batch_size = 64};
 *     mlp net = {.arguments = &arguments, .random = &r};      with numpy_seed(&r, 1) before
 *     mlp_fit(&net, &train, &validation);                     history of both; or NULL
 *     mlp_score(&net, &test)                                  accuracy, or R2 for a regression
 *     mlp_free(&net);
 *
 * Two readings of how it learns. MLP_AUTHOR (A) is what the author's public code does, which the
 * text does not tell; with it his figures are met to the digit, since the random numbers are his
 * too. MLP_TEXT (B) is the text: inputs divided by their variance, the textbook's gradient. */
#ifndef AGHAEI_MLP_H
#define AGHAEI_MLP_H
#include "../experiment.h"
#include "../numpy_random.h"

static experiment e;
static experiment_data data;

enum { MLP_LAYERS = 6, MLP_CHOICES = 5 };

/* MLP(hidden_layer, activation, epoch, eta, beta, alpha, mu, batch_size, task). */
typedef struct mlp_arguments {
    int hidden_layer[MLP_LAYERS]; /* widths, a 0 ends them */
    fnn_activation activation;
    double slope; /* of leaky ReLU */
    int epoch;
    double eta;   /* learning rate */
    double beta;  /* weights and biases start as N(0, 1) times beta */
    double alpha; /* of the penalty */
    double mu;    /* momentum */
    int batch_size;
    int regression; /* the task: 0 classification (softmax, cross-entropy), 1 regression */
} mlp_arguments;

typedef enum mlp_rule { MLP_AUTHOR, MLP_TEXT } mlp_rule;

typedef struct mlp {
    const mlp_arguments *arguments;
    mlp_rule rule;
    numpy_random *random; /* draws the weights, then an order of the samples for each epoch */
    fnn_model *model;     /* these two from mlp_fit on */
    fnn_epoch last;       /* loss and score after the last epoch; */
    fnn_history history;  /* and before the first and after each, where there are validation data:
                             that costs time */
} mlp;

static inline void mlp_free(mlp *net)
{
    fnn_model_free(net->model);
    fnn_history_free(&net->history);
    net->model = NULL;
}

/* ---- the network ---- */

/* Its layers for a training set, on one thread. Numbers to predict are scaled as inputs are. His
 * code has the biases as weights of an input that is always 1, a last row of the matrix: in the
 * library's order of parameters, weights (inputs, units) and then biases (units). */
static inline void mlp_build(mlp *net, const fnn_dataset *train)
{
    const mlp_arguments *a = net->arguments;
    const fnn_normalization scale =
        net->rule == MLP_AUTHOR ? FNN_NORMALIZE_STANDARDIZE : FNN_NORMALIZE_MEAN_VARIANCE;
    const fnn_context_config machine = program_threads(1);
    fnn_model *m = fnn_sequential_with(&machine, train->height, train->width, train->channels);
    size_t count;
    net->model = m;
    fnn_normalize(m, scale, train);
    for (int i = 0; i < MLP_LAYERS && a->hidden_layer[i]; i++) {
        fnn_dense(m, a->hidden_layer[i], FNN_LINEAR);
        fnn_activate(m, a->activation, (fnn_real)a->slope);
    }
    if (a->regression) {
        fnn_dense(m, train->target_count, FNN_LINEAR);
        fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
        fnn_normalize_targets(m, scale, train);
    } else {
        fnn_dense(m, train->classes, FNN_SOFTMAX);
    }
    fnn_real *w = fnn_parameters(m, &count);
    if (!w) program_fail("%s", fnn_model_error(m)->message);
    for (size_t i = 0; i < count; i++) w[i] = (fnn_real)(a->beta * numpy_randn(net->random));
}

/* The sum of the layers' norms ||W||, biases included, of equation 12. */
static inline double mlp_norms(const fnn_model *m)
{
    fnn_tensor w;
    double sum = 0;
    for (int layer = 0; layer < fnn_layer_count(m); layer++) {
        double squares = 0;
        for (int i = 0; !fnn_tensor_at(m, layer, i, &w); i++)
            for (size_t k = 0; k < w.count && !w.is_statistic; k++)
                squares += (double)w.values[k] * (double)w.values[k];
        sum += sqrt(squares);
    }
    return sum;
}

/* ---- fit ---- */

/* One update from the gradients of a batch of so many samples. With g the gradient of the batch's
 * mean loss, B the configured batch size and W all weights and biases:
 *     A   v = mu v + eta ((g + alpha W) / B - alpha W)   W = W - v
 *     B   v = mu v + eta (g + alpha W)                   W = W - v
 * In A the mean is divided once more, also in the last, shorter batch, and weights grow by the
 * penalty. The squared error in A is half the sum over the batch: the library's is a mean. */
static inline void mlp_update(const mlp *net, fnn_real *v, int samples, int outputs)
{
    const mlp_arguments *a = net->arguments;
    const fnn_real sum = a->regression && net->rule == MLP_AUTHOR ? (fnn_real)samples / 2 : 1;
    const fnn_real by_gradient = a->regression ? sum * (fnn_real)outputs : 1;
    const fnn_real eta = (fnn_real)a->eta, alpha = (fnn_real)a->alpha, mu = (fnn_real)a->mu;
    const fnn_real divisor = net->rule == MLP_AUTHOR ? (fnn_real)a->batch_size : 1;
    const fnn_real growth = net->rule == MLP_AUTHOR ? alpha : 0;
    size_t count;
    fnn_real *w = fnn_parameters(net->model, &count);
    const fnn_real *g = fnn_gradients(net->model, NULL);
    for (size_t i = 0; i < count; i++) {
        const fnn_real step = (by_gradient * g[i] + alpha * w[i]) / divisor - growth * w[i];
        v[i] = mu * v[i] + eta * step;
        w[i] -= v[i];
    }
}

static inline void mlp_epoch(const mlp *net, const fnn_dataset *train, const int64_t *order,
                             fnn_real *v)
{
    const int batch = net->arguments->batch_size;
    fnn_model *m = net->model;
    for (int64_t first = 0; first < train->count; first += batch) {
        const int64_t left = train->count - first;
        const int samples = left < batch ? (int)left : batch;
        if (fnn_forward(m, train, order + first, samples, 1) || fnn_loss(m, NULL) ||
            fnn_backward(m))
            program_fail("%s", fnn_model_error(m)->message);
        mlp_update(net, v, samples, train->target_count);
    }
}

/* The accuracy, and a mean over batches, in an order of the samples (NULL: theirs), of the means of
 * the cross-entropy of the predicted classes clipped at 1e-10: of ln 1e10 for each wrong one. */
static inline double mlp_accuracy(const mlp *net, const fnn_dataset *set, const int64_t *order,
                                  double *loss)
{
    const int n = set->classes, batch = net->arguments->batch_size;
    const int64_t count = set->count;
    fnn_real *outputs = experiment_outputs(net->model, set);
    int64_t wrong = 0;
    double batches = 0;
    *loss = 0;
    for (int64_t first = 0; first < count; first += batch, batches++) {
        const int64_t samples = count - first < batch ? count - first : batch;
        int64_t here = 0;
        for (int64_t i = first; i < first + samples; i++) {
            const int64_t sample = order ? order[i] : i;
            here += experiment_class(outputs + sample * n, n) != fnn_dataset_label(set, sample);
        }
        wrong += here;
        *loss += log(1e10) * (double)here / (double)samples;
    }
    *loss /= batches;
    free(outputs);
    return 1 - (double)wrong / (double)count;
}

/* Accuracy, or R2, and the report's loss column: what mlp_accuracy says, or half the squared error;
 * alpha ||W|| is added to both. */
static inline double mlp_measure(const mlp *net, const fnn_dataset *set, const int64_t *order,
                                 double *loss)
{
    double score;
    if (net->arguments->regression) {
        const fnn_metrics metrics = experiment_evaluate(net->model, set);
        *loss = metrics.loss / 2;
        score = metrics.r2;
    } else {
        score = mlp_accuracy(net, set, order, loss);
    }
    *loss += net->arguments->alpha * mlp_norms(net->model);
    return score;
}

static inline void mlp_record(mlp *net, const fnn_dataset *train, const int64_t *order,
                              const fnn_dataset *validation, int epoch)
{
    fnn_epoch *figures = &net->last;
    memset(figures, 0, sizeof *figures);
    figures->epoch = epoch;
    figures->score = mlp_measure(net, train, order, &figures->loss);
    if (!validation) return;
    figures->validation_score = mlp_measure(net, validation, NULL, &figures->validation_loss);
    if (fnn_history_append(&net->history, figures)) program_fail("out of memory");
}

/* Trains from drawn weights, each epoch in the order of the one before, shuffled. */
static inline void mlp_fit(mlp *net, const fnn_dataset *train, const fnn_dataset *validation)
{
    const int epochs = net->arguments->epoch;
    size_t parameters;
    mlp_build(net, train);
    fnn_parameters(net->model, &parameters);
    fnn_real *v = (fnn_real *)program_memory(parameters, sizeof *v);
    int64_t *order = (int64_t *)program_memory((size_t)train->count, sizeof *order);
    for (int64_t i = 0; i < train->count; i++) order[i] = i;
    if (validation) mlp_record(net, train, order, validation, 0);
    for (int i = 1; i <= epochs; i++) {
        numpy_shuffle(net->random, order, train->count);
        mlp_epoch(net, train, order, v);
        if (validation || i == epochs) mlp_record(net, train, order, validation, i);
    }
    free(v);
    free(order);
}

static inline double mlp_score(const mlp *net, const fnn_dataset *set)
{
    double loss;
    return mlp_measure(net, set, NULL, &loss);
}

/* ---- grid search ---- */

/* Lists of choices; every combination is a cell, the last list's choices side by side. */
typedef struct mlp_list {
    int count;
    double values[MLP_CHOICES];
} mlp_list;

typedef struct mlp_grid {
    int hidden_layers[MLP_CHOICES + 1][MLP_LAYERS]; /* an empty one ends them */
    struct {
        fnn_activation kind;
        double slope;
    } activations[MLP_CHOICES + 1]; /* FNN_LINEAR ends them */
    int epoch;
    mlp_list etas, betas, alphas, mus, batch_sizes;
    int regression;
    /* The author's grids ran in processes side by side (two, or four), each with the generator as
     * it was when they began, gone on with from cell to cell. Python's Pool.map makes four chunks
     * of cells a process, rounded up, and deals them out to whichever is free: which one it was
     * follows from his figures. Where he called the class several times there are rounds. */
    int rounds, processes, process[32]; /* the last: of each chunk of each round */
} mlp_grid;

/* The choice of a list that a cell number stands for, which is divided by the list's length. */
static inline double mlp_choice(const mlp_list *list, int *cell)
{
    const int i = *cell % list->count;
    *cell /= list->count;
    return list->values[i];
}

static inline mlp_arguments mlp_grid_cell(const mlp_grid *g, int cell)
{
    mlp_arguments a;
    int activations = 0;
    memset(&a, 0, sizeof a);
    while (g->activations[activations].kind) activations++;
    a.batch_size = (int)mlp_choice(&g->batch_sizes, &cell);
    a.mu = mlp_choice(&g->mus, &cell);
    a.alpha = mlp_choice(&g->alphas, &cell);
    a.beta = mlp_choice(&g->betas, &cell);
    a.eta = mlp_choice(&g->etas, &cell);
    a.activation = g->activations[cell % activations].kind;
    a.slope = g->activations[cell % activations].slope;
    memcpy(a.hidden_layer, g->hidden_layers[cell / activations], sizeof a.hidden_layer);
    a.epoch = g->epoch;
    a.regression = g->regression;
    return a;
}

static inline int mlp_grid_count(const mlp_grid *g)
{
    int cells = 0;
    while (mlp_grid_cell(g, cells).hidden_layer[0]) cells++;
    return cells;
}

/* Draws what a fit draws, weights and orders: how many numbers that is does not depend on what it
 * learns. */
static inline void mlp_skip(const mlp_arguments *a, numpy_random *r, int64_t *order)
{
    const fnn_dataset *train = &data.train;
    int inputs = train->height * train->width * train->channels, weights = 0;
    for (int i = 0; i < MLP_LAYERS && a->hidden_layer[i]; inputs = a->hidden_layer[i++])
        weights += (inputs + 1) * a->hidden_layer[i];
    weights += (inputs + 1) * (a->regression ? train->target_count : train->classes);
    for (int i = 0; i < weights; i++) numpy_randn(r);
    for (int i = 0; i < a->epoch; i++) numpy_permutation(r, order, train->count);
}

/* The generator as each cell found it in the author's processes, which began with `start`. The
 * array (cells) is the caller's to free. */
static inline numpy_random *mlp_grid_states(const mlp_grid *g, const numpy_random *start)
{
    const int cells = mlp_grid_count(g), round = cells / g->rounds, chunks = 4 * g->processes;
    const int chunk = (round + chunks - 1) / chunks;
    numpy_random *states = (numpy_random *)program_memory((size_t)cells, sizeof *states);
    int64_t *order = (int64_t *)program_memory((size_t)data.train.count, sizeof *order);
    numpy_random process[4];
    for (int i = 0; i < cells; i++) {
        numpy_random *r = &process[g->process[i / round * chunks + i % round / chunk]];
        mlp_arguments a = mlp_grid_cell(g, i);
        for (int k = 0; k < 4 && i % round == 0; k++) process[k] = *start;
        a.epoch = experiment_epochs(&e, a.epoch);
        states[i] = *r;
        mlp_skip(&a, r, order);
    }
    free(order);
    return states;
}

/* ---- runs and their rows ---- */

/* The figures of a job: scores in percent (R2 as it is), the loss of the report's tables. */
enum { TEST, TRAIN, LOSS };

/* A cell's figures in the author's result files, in the same units. */
typedef struct mlp_figures {
    double test, train, loss;
} mlp_figures;

/* As the report's tables write it. */
static inline void mlp_describe(const mlp_arguments *a, char *text, size_t size)
{
    static const char *const names[] = {"linear", "ReLU",    "LeakyReLU", "ELU",
                                        "GELU",   "Sigmoid", "Tanh",      "softmax"};
    char widths[64] = "", slope[16] = "";
    for (int i = 0; i < MLP_LAYERS && a->hidden_layer[i]; i++)
        snprintf(widths + strlen(widths), sizeof widths - strlen(widths), i ? ",%d" : "%d",
                 a->hidden_layer[i]);
    if (a->slope > 0) snprintf(slope, sizeof slope, "(%g)", a->slope);
    snprintf(text, size, "(%s) %s%s, %d epochs, eta %g beta %g alpha %g mu %g batch %d", widths,
             names[a->activation], slope, a->epoch, a->eta, a->beta, a->alpha, a->mu,
             a->batch_size);
}

/* Fits a network and sets its job's figures. validation, for the history, may be NULL. */
static inline void mlp_run(experiment_job *job, mlp_arguments arguments, mlp_rule rule,
                           numpy_random random, const fnn_dataset *train,
                           const fnn_dataset *validation, const fnn_dataset *test)
{
    const double unit = arguments.regression ? 1 : 100;
    arguments.epoch = experiment_epochs(&e, arguments.epoch);
    mlp net = {.arguments = &arguments, .rule = rule, .random = &random};
    mlp_fit(&net, train, validation);
    job->figures[TEST] = unit * mlp_score(&net, test);
    job->figures[TRAIN] = unit * net.last.score;
    job->figures[LOSS] = net.last.loss;
    job->history = net.history;
    memset(&net.history, 0, sizeof net.history);
    mlp_free(&net);
}

/* scikit-learn's train_test_split: two views of a data set, to be freed. */
static inline void mlp_split(numpy_random *r, const fnn_dataset *all, double share,
                             fnn_dataset *train, fnn_dataset *held)
{
    int64_t *order = (int64_t *)program_memory((size_t)all->count, sizeof *order);
    const int64_t count = numpy_train_test_split(r, order, all->count, share);
    fnn_error error;
    if (fnn_dataset_subset(all, order, count, held, &error) ||
        fnn_dataset_subset(all, order + count, all->count - count, train, &error))
        program_fail("%s", error.message);
    free(order);
}

/* The same after 15 % of the training data have been held out for the history, drawn before the
 * weights, as the author did in his long fits. */
static inline void mlp_run_held_out(experiment_job *job, const mlp_arguments *arguments,
                                    mlp_rule rule, numpy_random random)
{
    fnn_dataset train, validation;
    mlp_split(&random, &data.train, .15, &train, &validation);
    mlp_run(job, *arguments, rule, random, &train, &validation, &data.test);
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
}

/* The rows of a run. */
static inline void mlp_report(int run, const mlp_arguments *a, const char *reading,
                              mlp_figures reported)
{
    char name[200];
    mlp_describe(a, name, sizeof name);
    experiment_report(&e, run, TEST, reading, a->regression ? "test R2" : "test accuracy %",
                      reported.test, "%s", name);
    experiment_report(&e, run, TRAIN, reading, a->regression ? "train R2" : "train accuracy %",
                      reported.train, "%s", name);
    if (!isnan(reported.loss))
        experiment_report(&e, run, LOSS, reading, "loss", reported.loss, "%s", name);
}

/* All cells of a grid, from run 0 on, beside the author's figures: a row and a point each; how many
 * are within two points; and the best by test score, which is how the report chose. */
static inline void mlp_report_grid(const mlp_grid *g, const mlp_figures *reported)
{
    const int cells = mlp_grid_count(g), best = experiment_best(&e, TEST, 0, cells);
    const double unit = g->regression ? 100 : 1;
    const char *metric = g->regression ? "test R2" : "test accuracy %";
    experiment_plot *p = experiment_plot_begin(&e, "cells", "Every cell of the grid, reading A",
                                               "the author's test score", "measured", 0);
    char name[200];
    int close = 0;
    for (int i = 0; i < cells; i++) {
        const mlp_arguments a = mlp_grid_cell(g, i);
        const double score = experiment_mean(&e, i, TEST, NULL);
        mlp_describe(&a, name, sizeof name);
        experiment_report(&e, i, TEST, "A", metric, reported[i].test, "cell %d: %s", i + 1, name);
        close += unit * fabs(score - reported[i].test) <= 2;
        *strchr(name, ')') = 0; /* of the widths */
        experiment_point(&e, p, name + 1, reported[i].test, score, EXPERIMENT_UNKNOWN);
    }
    experiment_note(&e, "%d of the grid's %d cells are within two points of the author's", close,
                    cells);
    const mlp_arguments a = mlp_grid_cell(g, best);
    mlp_describe(&a, name, sizeof name);
    experiment_note(&e, "the grid's best by test score: %s", name);
}

/* The cells that a table of the report prints, in both readings, from runs `cell` and text + i; and
 * the report's "loss value of best architectures": their losses in reading A. */
static inline void mlp_report_printed(const mlp_grid *g, const int *printed, int count,
                                      const mlp_figures *reported, int text)
{
    experiment_plot *p =
        experiment_plot_begin(&e, "loss", "The report's best of the grid, reading A",
                              "epoch (names: network, beta, alpha)", "loss, with the penalty", 0);
    char name[200];
    for (int i = 0; i < count; i++) {
        const mlp_arguments a = mlp_grid_cell(g, printed[i]);
        mlp_report(printed[i], &a, "A", reported[i]);
        mlp_report(text + i, &a, "B", reported[i]);
        mlp_describe(&a, name, sizeof name);
        char *end = strstr(name, ", "); /* of widths and activation */
        snprintf(end, sizeof name - (size_t)(end - name), ", %g, %g", a.beta, a.alpha);
        experiment_curve(&e, p, name, printed[i], FNN_MONITOR_LOSS);
    }
}

/* Whether a cell is among those, so that its history is wanted. */
static inline int mlp_is_printed(const int *printed, int count, int cell)
{
    for (int i = 0; i < count; i++)
        if (printed[i] == cell) return 1;
    return 0;
}

/* Loss and score of a run's history against epochs, two plots. */
static inline void mlp_plot(int run, const char *name, const char *title, int epochs,
                            mlp_figures reported)
{
    experiment_plot *p = experiment_plot_history(&e, name, title, run, "loss, with the penalty",
                                                 "train", "validation");
    experiment_reported(&e, p, "report, train", epochs, reported.train);
    experiment_reported(&e, p, "report, test", epochs, reported.test);
}

#endif
