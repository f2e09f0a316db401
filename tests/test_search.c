/* Grid search: the same results for any number of threads, those that a loop by hand gives; what
 * is held out is never trained on; every way in which a candidate or the search can fail. */
#include "../fmnist_nn.h"
#include "budget.h"
#include "harness.h"
#include "samples.h"
#include <limits.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 90, HEIGHT = 6, WIDTH = 5, PIXELS = HEIGHT * WIDTH, CLASSES = 3 };

static uint8_t pixels[ROWS * PIXELS];
static int32_t labels[ROWS];
static fnn_real targets[ROWS];

/* Images whose class shows in which of three rows is bright, with noise enough for mistakes. */
static fnn_dataset images(void)
{
    fnn_dataset data;
    int i, j;
    for (i = 0; i < ROWS; i++) {
        labels[i] = sample_below(3, 1, (uint64_t)i, CLASSES);
        for (j = 0; j < PIXELS; j++) {
            const int bright = j / WIDTH / 2 == labels[i] ? 50 : 0;
            pixels[i * PIXELS + j] =
                (uint8_t)(bright + sample_below(3, 2, (uint64_t)(i * PIXELS + j), 200));
        }
    }
    memset(&data, 0, sizeof data);
    data.count = ROWS;
    data.height = HEIGHT;
    data.width = WIDTH;
    data.channels = 1;
    data.bytes = pixels;
    data.labels = labels;
    data.classes = CLASSES;
    return data;
}

/* The same with a number to predict in place of the class. */
static fnn_dataset numbers(void)
{
    fnn_dataset data = images();
    int i;
    for (i = 0; i < ROWS; i++) targets[i] = (fnn_real)(labels[i] * 2 + pixels[i * PIXELS] * .01);
    data.labels = NULL;
    data.classes = 0;
    data.targets = targets;
    data.target_count = 1;
    return data;
}

/* ---- the grids ---- */

enum { RATE, UNITS, KIND };
static const double rates[] = {.003, .03}, units[] = {4, 12}, kinds[] = {0, 1};
static const char *const kind_names[] = {"mlp", "cnn"};
static const fnn_grid_axis grid[] = {
    {"rate", rates, 2, NULL}, {"units", units, 2, NULL}, {"kind", kinds, 2, kind_names}};
enum { AXES = 3, CANDIDATES = 8 };

static int build(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, t->train);
    if (t->values[KIND] > 0 && fnn_conv2d(m, 3, 3, FNN_SAME, FNN_RELU) < 0) return 1;
    if (t->values[KIND] > 0) fnn_max_pool2d(m, 2);
    fnn_dense(m, (int)t->values[UNITS], FNN_RELU);
    fnn_dropout(m, (fnn_real).25);
    fnn_dense(m, t->train->classes ? CLASSES : 1, t->train->classes ? FNN_SOFTMAX : FNN_LINEAR);
    if (!t->train->classes) fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fit->optimizer = fnn_adam(t->values[RATE]);
    fit->epochs = 3;
    fit->batch_size = 16;
    return 0;
}

static fnn_search_config configuration(int folds, int threads)
{
    fnn_search_config c = fnn_search_config_init();
    c.build = build;
    c.folds = folds;
    c.seed = 11;
    c.context.threads = threads;
    return c;
}

/* Searches the grid; a failure is reported. */
static void search_grid(const fnn_dataset *data, const fnn_search_config *c, fnn_search *found)
{
    fnn_error error;
    error.message[0] = 0;
    CHECKF(!fnn_grid_search(data, grid, AXES, c, found, &error), "%s", error.message);
    CHECK(found->count == CANDIDATES && found->axis_count == AXES);
}

static int same_bits(const double *a, const double *b, size_t count)
{
    return !memcmp(a, b, count * sizeof *a);
}

static int same_history(const fnn_history *a, const fnn_history *b)
{
    int i, same = a->count == b->count;
    for (i = 0; same && i < a->count; i++) {
        fnn_epoch x = a->epochs[i], y = b->epochs[i];
        same = x.epoch == y.epoch && x.step == y.step && same_bits(&x.loss, &y.loss, 1) &&
               same_bits(&x.score, &y.score, 1) && x.learning_rate == y.learning_rate &&
               same_bits(&x.validation_loss, &y.validation_loss, 1) &&
               same_bits(&x.validation_score, &y.validation_score, 1);
    }
    return same;
}

static int same_weights(fnn_model *a, fnn_model *b)
{
    size_t n, m;
    const fnn_real *x = fnn_parameters(a, &n), *y = fnn_parameters(b, &m);
    return x && y && n == m && !memcmp(x, y, n * sizeof *x);
}

/* All of two results but the seconds. */
static int same_results(const fnn_search *a, const fnn_search *b)
{
    int i, f, same = a->count == b->count && a->folds == b->folds && a->best == b->best;
    for (i = 0; same && i < a->count; i++) {
        const fnn_candidate *x = a->candidates + i, *y = b->candidates + i;
        same = x->state == y->state && x->rank == y->rank && x->trained == y->trained &&
               !memcmp(&x->mean, &y->mean, sizeof x->mean) &&
               !memcmp(&x->deviation, &y->deviation, sizeof x->deviation);
        for (f = 0; same && f < a->folds; f++)
            same = x->folds[f].result == y->folds[f].result &&
                   !memcmp(&x->folds[f].figures, &y->folds[f].figures, sizeof x->mean) &&
                   same_history(&x->folds[f].history, &y->folds[f].history);
    }
    if (same && a->model) same = same_history(&a->history, &b->history);
    if (same && a->model) same = same_weights(a->model, b->model);
    return same;
}

/* ---- what a search gives ---- */

static void any_number_of_threads_gives_the_same_bits(void)
{
    static const int threads[] = {2, 3, 7};
    const fnn_dataset data = images();
    fnn_search_config c = configuration(3, 1);
    fnn_search one, many;
    int i;
    search_grid(&data, &c, &one);
    for (i = 0; i < 3; i++) {
        c.context.threads = threads[i];
        search_grid(&data, &c, &many);
        CHECKF(same_results(&one, &many), "%d threads", threads[i]);
        fnn_search_free(&many);
    }
    c.seed++; /* the control: the comparison does see a difference */
    search_grid(&data, &c, &many);
    CHECK(!same_results(&one, &many));
    fnn_search_free(&many);
    fnn_search_free(&one);
}

/* A candidate trained by hand, as the interface says it is. */
static fnn_model *train_by_hand(const fnn_trial *t, const fnn_dataset *validation,
                                fnn_history *history)
{
    fnn_model *m = fnn_sequential(t->train->height, t->train->width, t->train->channels);
    fnn_fit_config fit = fnn_fit_config_init();
    fit.seed = t->seed;
    fnn_set_seed(m, t->seed);
    build(NULL, t, m, &fit);
    fit.validation = validation;
    CHECKF(!fnn_fit(m, t->train, &fit, history), "%s", fnn_model_error(m)->message);
    return m;
}

static double score_of(const fnn_model *m, const fnn_dataset *data, double *loss)
{
    fnn_metrics metrics;
    CHECK(!fnn_evaluate(m, NULL, data, &metrics));
    *loss = metrics.loss;
    return data->classes ? metrics.accuracy : metrics.r2;
}

/* One fold of a candidate against the search's. */
static void compare_fold(const fnn_search *found, int candidate, int fold, const fnn_dataset *train,
                         const fnn_dataset *validation)
{
    const fnn_candidate *c = found->candidates + candidate;
    const fnn_figures *f = &c->folds[fold].figures;
    fnn_history history = {0};
    fnn_model *m;
    fnn_trial t;
    double loss;
    t.values = c->values;
    t.candidate = candidate;
    t.fold = fold;
    t.seed = 11 + (uint64_t)fold;
    t.train = train;
    m = train_by_hand(&t, validation, &history);
    CHECK(score_of(m, train, &loss) == f->score && loss == f->loss);
    CHECK(score_of(m, validation, &loss) == f->validation_score && loss == f->validation_loss);
    CHECK(same_history(&history, &c->folds[fold].history) && history.count == 3);
    fnn_history_free(&history);
    fnn_model_free(m);
}

static void check_means(const fnn_candidate *c, int folds)
{
    double sum = 0, squares = 0;
    int f;
    for (f = 0; f < folds; f++) {
        sum += c->folds[f].figures.validation_score;
        squares += c->folds[f].figures.validation_score * c->folds[f].figures.validation_score;
    }
    sum /= folds;
    CHECKF(fabs(c->mean.validation_score - sum) < 1e-14, "mean %g", c->mean.validation_score);
    CHECKF(fabs(c->deviation.validation_score - sqrt(squares / folds - sum * sum)) < 1e-7,
           "deviation %g", c->deviation.validation_score);
    CHECK(c->trained == folds && c->state == FNN_CANDIDATE_TRAINED);
}

static void folds_agree(fnn_order order)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(4, 2);
    fnn_dataset train, validation;
    double spread = 0;
    fnn_search found;
    int i, f;
    c.shuffle = (int)order;
    search_grid(&data, &c, &found);
    for (f = 0; f < 4; f++) {
        CHECK(!fnn_dataset_fold(&data, 4, f, (int)order, 11, &train, &validation, NULL));
        for (i = 0; i < CANDIDATES; i++) compare_fold(&found, i, f, &train, &validation);
        fnn_dataset_free(&train);
        fnn_dataset_free(&validation);
    }
    for (i = 0; i < CANDIDATES; i++) {
        check_means(found.candidates + i, 4);
        spread += found.candidates[i].deviation.validation_score;
    }
    CHECK(spread > 0); /* else the deviations would tell nothing */
    fnn_search_free(&found);
}

static void folds_by_hand_agree(void)
{
    folds_agree(FNN_ORDER_SHUFFLE);
}

static void stratified_folds_by_hand_agree(void)
{
    folds_agree(FNN_ORDER_STRATIFIED);
}

static void a_split_by_hand_agrees(void)
{
    const fnn_dataset data = numbers();
    fnn_search_config c = configuration(0, 2);
    fnn_dataset train, validation;
    fnn_search found;
    int i;
    c.validation_share = .3;
    search_grid(&data, &c, &found);
    CHECK(!strcmp(found.score_name, "R2") && found.folds == 1);
    CHECK(!fnn_dataset_split(&data, 63, 1, 11, &train, &validation, NULL));
    for (i = 0; i < CANDIDATES; i++) {
        compare_fold(&found, i, 0, &train, &validation);
        check_means(found.candidates + i, 1);
        CHECK(found.candidates[i].deviation.validation_score == 0);
    }
    fnn_search_free(&found);
    c.validation = &validation;
    c.context.threads = 1;
    search_grid(&train, &c, &found);
    for (i = 0; i < CANDIDATES; i++) compare_fold(&found, i, 0, &train, &validation);
    CHECK(found.history.count == 3 && found.history.epochs[2].validation_loss > 0);
    fnn_search_free(&found);
    fnn_dataset_free(&train);
    fnn_dataset_free(&validation);
}

/* A candidate's figures depend on nothing but itself. */
static void a_part_of_the_grid_has_the_same_figures(void)
{
    static const double other_units[] = {12};
    const fnn_grid_axis part[] = {grid[0], {"units", other_units, 1, NULL}, grid[2]};
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(3, 1);
    fnn_search whole, found;
    int i;
    search_grid(&data, &c, &whole);
    CHECK(!fnn_grid_search(&data, part, AXES, &c, &found, NULL) && found.count == 4);
    for (i = 0; i < found.count; i++) {
        const fnn_candidate *b = whole.candidates + i / 2 * 4 + 2 + i % 2;
        CHECK(!memcmp(found.candidates[i].values, b->values, AXES * sizeof(double)));
        CHECK(!memcmp(&found.candidates[i].mean, &b->mean, sizeof b->mean));
    }
    fnn_search_free(&found);
    fnn_search_free(&whole);
}

/* ---- nothing held out is trained on ---- */

/* Notes which rows each fold trains on. */
static int trained_on[5][ROWS];

static int build_noting(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    int64_t i;
    for (i = 0; i < t->train->count && t->fold >= 0; i++) trained_on[t->fold][t->train->index[i]]++;
    return build(user, t, m, fit);
}

static void each_row_is_held_out_once(void)
{
    static const double one[] = {.003};
    const fnn_grid_axis axes[] = {{"rate", one, 1, NULL}, {"units", units, 1, NULL}, grid[2]};
    const fnn_dataset data = images();
    fnn_search_config c = configuration(5, 1);
    fnn_search found;
    int i, f;
    memset(trained_on, 0, sizeof trained_on);
    c.build = build_noting;
    c.refit = 0;
    CHECK(!fnn_grid_search(&data, axes, 3, &c, &found, NULL) && found.model == NULL);
    for (i = 0; i < ROWS; i++) {
        int left_out = 0;
        for (f = 0; f < 5; f++) {
            CHECK(trained_on[f][i] == 0 || trained_on[f][i] == 2); /* two candidates */
            left_out += trained_on[f][i] == 0;
        }
        CHECKF(left_out == 1, "row %d is left out of %d folds", i, left_out);
    }
    fnn_search_free(&found);
}

/* Large enough to learn noise by heart. */
static int build_large(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, t->train);
    fnn_dense(m, 64, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fit->optimizer = fnn_adam(.01);
    fit->epochs = 60;
    return 0;
}

static void noise_learnt_by_heart_scores_by_chance(void)
{
    fnn_dataset data = images();
    fnn_search_config c = configuration(3, 2);
    fnn_search found;
    int i;
    for (i = 0; i < ROWS; i++) labels[i] = sample_below(9, 9, (uint64_t)i, CLASSES);
    c.build = build_large;
    CHECK(!fnn_grid_search(&data, NULL, 0, &c, &found, NULL) && found.count == 1);
    CHECK(found.candidates[0].mean.score > .99);
    CHECKF(found.candidates[0].mean.validation_score < .55, "score %g",
           found.candidates[0].mean.validation_score);
    fnn_search_free(&found);
    c.folds = 0;
    c.validation = &data; /* the control: where it is trained on, it is known by heart */
    CHECK(!fnn_grid_search(&data, NULL, 0, &c, &found, NULL));
    CHECK(found.candidates[0].mean.validation_score > .99);
    fnn_search_free(&found);
}

/* ---- the best ---- */

/* The figure that a monitor names, greater for better: a loss is what should be small. */
static double watched(const fnn_figures *f, int monitor)
{
#define FIGURE(kind, figure, sign, validates) strstr(#figure, "loss") ? -f->figure : f->figure,
    const double figures[] = {FNN_MONITOR_LIST(FIGURE)};
#undef FIGURE
    return figures[monitor];
}

static void the_best_is_the_best(void)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(3, 2);
    int i, j, m;
    c.refit = 0;
    for (m = 0; m < FNN_MONITOR_COUNT; m++) {
        unsigned ranks = 0;
        fnn_search found;
        c.monitor = (fnn_monitor)m;
        search_grid(&data, &c, &found);
        for (i = 0; i < found.count; i++) {
            const double x = watched(&found.candidates[i].mean, m);
            ranks |= 1u << found.candidates[i].rank;
            for (j = 0; j < found.count; j++) {
                const double y = watched(&found.candidates[j].mean, m);
                const int before = x > y || (x == y && i < j);
                if (i == j) continue;
                CHECK((found.candidates[i].rank < found.candidates[j].rank) == before);
            }
        }
        CHECK(ranks == (1u << (CANDIDATES + 1)) - 2 && found.candidates[found.best].rank == 1);
        fnn_search_free(&found);
    }
}

static void of_equals_the_earlier_ranks_first(void)
{
    static const double twice[] = {.03, .03, .03};
    const fnn_grid_axis axes[] = {{"rate", twice, 3, NULL}, {"units", units, 1, NULL}, grid[2]};
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(2, 2);
    fnn_search found;
    int i;
    CHECK(!fnn_grid_search(&data, axes, AXES, &c, &found, NULL));
    for (i = 2; i < 6; i++) CHECK(found.candidates[i].rank == found.candidates[i - 2].rank + 1);
    fnn_search_free(&found);
}

/* One weight, which is not trained: all of them are right, some more surely than others. */
static int build_sure(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fnn_dense(m, 1, FNN_SIGMOID);
    fnn_set_loss(m, FNN_LOSS_BINARY_CROSS_ENTROPY, 0, 0);
    *fnn_parameters(m, NULL) = (fnn_real)t->values[0];
    fit->optimizer = fnn_sgd(0);
    return 0;
}

static void of_equal_scores_the_smaller_loss_ranks_first(void)
{
    static const double weights[] = {1, 5, 3, 5}, x[] = {-2, 1, -1, 2, 2, -2};
    static const int32_t sides[] = {0, 1, 0, 1, 1, 0};
    const fnn_grid_axis axis = {"weight", weights, 4, NULL};
    fnn_search_config c = configuration(2, 2);
    fnn_real reals[6];
    fnn_search found;
    int i, m;
    for (i = 0; i < 6; i++) reals[i] = (fnn_real)x[i];
    c.build = build_sure;
    for (m = 0; m < FNN_MONITOR_COUNT; m++) {
        const fnn_dataset data = with_labels(table_of(reals, 6, 1), sides, 2);
        c.monitor = (fnn_monitor)m;
        CHECK(!fnn_grid_search(&data, &axis, 1, &c, &found, NULL));
        CHECK(!strcmp(found.score_name, "accuracy") && found.candidates[0].mean.score == 1);
        CHECK(found.candidates[0].rank == 4 && found.candidates[1].rank == 1);
        CHECK(found.candidates[2].rank == 3 && found.candidates[3].rank == 2);
        fnn_search_free(&found);
    }
}

/* R2 of a single sample was -infinity or a NaN, and its candidate said to have diverged. */
static void folds_of_one_sample_are_trained(void)
{
    fnn_dataset data = numbers();
    const fnn_grid_axis axes[] = {{"rate", rates, 2, NULL}, {"units", units, 1, NULL}, grid[2]};
    fnn_search_config c = configuration(5, 2);
    fnn_search found;
    fnn_error error;
    int i;
    error.message[0] = 0;
    data.count = 5;
    CHECKF(!fnn_grid_search(&data, axes, AXES, &c, &found, &error), "%s", error.message);
    for (i = 0; i < found.count; i++) {
        CHECK(found.candidates[i].state == FNN_CANDIDATE_TRAINED);
        CHECK(found.candidates[i].mean.validation_score == 0);
        CHECK(found.candidates[i].deviation.validation_score == 0);
    }
    CHECK(found.best >= 0 && found.model && !strcmp(found.score_name, "R2"));
    fnn_search_free(&found);
}

static void the_refit_is_the_best_on_all_data(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(3, 2);
    fnn_history history = {0};
    fnn_search found;
    fnn_model *m;
    fnn_trial t;
    search_grid(&data, &c, &found);
    t.values = found.candidates[found.best].values;
    t.candidate = found.best;
    t.fold = -1;
    t.seed = 11;
    t.train = &data;
    m = train_by_hand(&t, NULL, &history);
    CHECK(found.model && same_weights(m, found.model));
    CHECK(same_history(&history, &found.history));
    fnn_model_free(m);
    m = found.model; /* as the interface says how to keep it */
    found.model = NULL;
    fnn_search_free(&found);
    CHECK(!fnn_model_error(m)->code && fnn_memory_size(m, 0) > 0);
    fnn_model_free(m);
    fnn_history_free(&history);
}

/* Stops by validation figures, which the refit has not. */
typedef struct {
    fnn_monitor monitor;
    double min_delta;
} stopping;

static int build_stopping(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    const stopping *rule = (const stopping *)user;
    build_large(NULL, t, m, fit);
    fit->monitor = rule->monitor;
    fit->min_delta = rule->min_delta;
    fit->patience = 2;
    fit->restore_best = 1;
    fit->epochs = 40;
    return 0;
}

/* Returns the refit's epochs. */
static int refit_under(stopping rule)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(4, 1);
    double sum = 0;
    fnn_search found;
    int f, epochs;
    c.build = build_stopping;
    c.user = &rule;
    CHECK(!fnn_grid_search(&data, NULL, 0, &c, &found, NULL));
    for (f = 0; f < 4; f++) {
        const fnn_search_fold *fold = found.candidates[0].folds + f;
        const int best = fold->history.count - 2; /* patience 2: two after the best */
        CHECK(fold->history.count < 40 && best >= 1);
        CHECK(fold->history.epochs[best - 1].validation_loss == fold->figures.validation_loss);
        sum += best;
    }
    epochs = found.history.count;
    CHECKF(epochs == (int)floor(sum / 4 + .5), "%d epochs for %g / 4", epochs, sum);
    fnn_search_free(&found);
    return epochs;
}

static void a_refit_goes_as_far_as_the_folds_on_average(void)
{
    const stopping loss = {FNN_MONITOR_VALIDATION_LOSS, 0};
    const stopping coarse = {FNN_MONITOR_VALIDATION_LOSS, .2};
    const stopping score = {FNN_MONITOR_VALIDATION_SCORE, .01};
    const int epochs = refit_under(loss), fewer = refit_under(coarse);
    CHECKF(fewer < epochs && epochs < 40, "%d epochs, by steps of .2 %d", epochs, fewer);
    refit_under(score);
}

/* A configuration that is wrong in the refit alone. */
static int build_odd_refit(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    const int *epochs = (const int *)user;
    build_large(NULL, t, m, fit);
    fit->patience = 1;
    fit->epochs = *epochs;
    if (*epochs && t->fold < 0) fit->monitor = (fnn_monitor)1000;
    return 0;
}

static void a_refit_is_checked_as_every_fit(void)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(2, 1);
    int epochs = 1;
    fnn_search found;
    fnn_error error;
    c.build = build_odd_refit;
    c.user = &epochs;
    CHECK(fnn_grid_search(&data, NULL, 0, &c, &found, &error) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "refit") && strstr(error.message, "monitor"), "%s", error.message);
    fnn_search_free(&found);
    epochs = 0; /* of which none is the best */
    CHECKF(!fnn_grid_search(&data, NULL, 0, &c, &found, &error), "%s", error.message);
    CHECK(found.model && found.history.count == 0);
    fnn_search_free(&found);
}

/* ---- candidates that fail ---- */

/* Weights of such a scale diverge in the first epoch, 5 x 5 does not fit behind a pool. */
#define TOO_MUCH (sizeof(fnn_real) == sizeof(float) ? 3e38 : 1e308)
static int build_failing(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    const fnn_initializer scaled = {FNN_NORMAL, (fnn_real)t->values[0]}, zeros = {FNN_ZEROS, 0};
    const int kernel = (int)t->values[1];
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, t->train);
    fnn_set_initializer(m, scaled, zeros);
    fnn_max_pool2d(m, 2);
    if (fnn_conv2d(m, 2, kernel, FNN_VALID, FNN_RELU) < 0) return 1;
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fit->optimizer = fnn_sgd(.1);
    return 0;
}

static void what_diverges_ranks_behind_and_what_is_declined_last(void)
{
    static const double scales[] = {TOO_MUCH, .1}, kernels[] = {5, 2, 1};
    const fnn_grid_axis axes[] = {{"scale", scales, 2, NULL}, {"kernel", kernels, 3, NULL}};
    static const fnn_candidate_state states[] = {FNN_CANDIDATE_SKIPPED,  FNN_CANDIDATE_DIVERGED,
                                                 FNN_CANDIDATE_DIVERGED, FNN_CANDIDATE_SKIPPED,
                                                 FNN_CANDIDATE_TRAINED,  FNN_CANDIDATE_TRAINED};
    const fnn_dataset data = images();
    fnn_search_config c = configuration(3, 2);
    fnn_search found;
    fnn_error error;
    char text[2000];
    int i;
    c.build = build_failing;
    CHECK(!fnn_grid_search(&data, axes, 2, &c, &found, NULL) && found.model);
    for (i = 0; i < 6; i++) {
        const fnn_candidate *a = found.candidates + i;
        CHECK(a->state == states[i]);
        if (a->state == FNN_CANDIDATE_TRAINED) CHECK(a->rank <= 2);
        else CHECK(a->mean.validation_score != a->mean.validation_score);
        if (a->state == FNN_CANDIDATE_DIVERGED)
            CHECK(a->rank == i + 2 && a->folds[0].result == FNN_ERROR_NUMERIC);
        if (a->state == FNN_CANDIDATE_SKIPPED) CHECK(a->rank >= 5 && a->trained == 0);
    }
    CHECK(fnn_search_table(&found, 0, text, sizeof text) < sizeof text);
    CHECK(strstr(text, "diverged") && strstr(text, "skipped"));
    fnn_search_free(&found);
    {
        const fnn_grid_axis none[] = {{"scale", scales, 1, NULL}, {"kernel", kernels + 1, 2, NULL}};
        CHECK(fnn_grid_search(&data, none, 2, &c, &found, &error) == FNN_ERROR_NUMERIC);
        CHECKF(strstr(error.message, "2 diverged") != NULL, "%s", error.message);
        CHECK(found.count == 2 && found.best == -1 && !found.model);
        CHECK(fnn_search_table(&found, 0, text, sizeof text) > 0 && strstr(text, "diverged"));
        fnn_search_free(&found);
    }
    {
        const fnn_grid_axis none[] = {{"scale", scales, 2, NULL}, {"kernel", kernels, 1, NULL}};
        CHECK(fnn_grid_search(&data, none, 2, &c, &found, &error) == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(error.message, "declined 2") != NULL, "%s", error.message);
        fnn_search_free(&found);
    }
}

/* A model that breaks for one candidate and is not declined; a fit that makes no sense, or one that
 * would be resumed. */
static int build_breaking(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    static const volatile int stop = 0;
    const int *mode = (const int *)user;
    build(NULL, t, m, fit);
    if (t->candidate == 3 && t->fold == 1 && *mode == 3) fit->checkpoint = "none";
    if (t->candidate == 3 && t->fold == 1 && *mode == 4) fit->stop = &stop;
    if (t->candidate == 3 && t->fold == 1 && *mode == 0) fnn_dense(m, -7, FNN_RELU);
    if (t->candidate >= 3 && t->fold == 1 && *mode == 1) fit->batch_size = 0;
    /* the first to fail takes its time and the second more, so that on several threads the first
     * in order is neither the first nor the last to be noted */
    if ((t->candidate == 3 || t->candidate == 4) && t->fold == 1 && *mode == 1)
        fnn_dense(m, 50000 * (t->candidate == 3 ? 1 : 4), FNN_RELU);
    return *mode == 2 && t->fold < 0; /* declines what it did not before */
}

static void a_trial_that_fails_ends_the_search(void)
{
    static const char *const expected[] = {
        "search: candidate 3 (rate 0.003, units 12, kind cnn), fold 1: ",
        "search: candidate 3 (rate 0.003, units 12, kind cnn), fold 1: fit: expected batch_size",
        ", refit: build declined it", "fold 1: expected a fit without checkpoint and stop",
        "fold 1: expected a fit without checkpoint and stop"};
    const fnn_dataset data = images();
    fnn_error error;
    fnn_search found;
    int mode, threads;
    for (mode = 0; mode < 5; mode++)
        for (threads = 1; threads < 8; threads += 3) {
            fnn_search_config c = configuration(2, threads);
            c.build = build_breaking;
            c.user = &mode;
            CHECK(fnn_grid_search(&data, grid, AXES, &c, &found, &error) == FNN_ERROR_ARGUMENT);
            CHECKF(strstr(error.message, expected[mode]) != NULL, "%s", error.message);
            CHECK(found.model == NULL && found.count == CANDIDATES);
            CHECK(found.candidates[0].state == FNN_CANDIDATE_TRAINED); /* what was trained stays */
            if (mode < 3)
                CHECK((found.candidates[7].state == FNN_CANDIDATE_UNFINISHED) == (mode < 2));
            fnn_search_free(&found);
        }
}

static void arguments_are_checked(void)
{
    static const double none[] = {1};
    static const char *const no_label[] = {NULL};
    const fnn_grid_axis wrong[] = {{NULL, none, 1, NULL},
                                   {"empty", none, 0, NULL},
                                   {"values", NULL, 1, NULL},
                                   {"labels", none, 1, no_label},
                                   {"many", none, INT_MAX, NULL}};
    static const char *const axis_says[] = {"axis 0 (NULL)", "axis 0 (empty): expected a name",
                                            "NULL", "labels[0] is NULL", "at most 2147483647"};
    const fnn_dataset data = images();
    const fnn_search_config good = configuration(3, 1);
    fnn_dataset changed = data;
    fnn_search_config c;
    fnn_search found;
    fnn_error error;
    int i;
#define REFUSED(data, axes, count, config, text)                                             \
    error.message[0] = 0;                                                                    \
    CHECK(fnn_grid_search(data, axes, count, config, &found, &error) == FNN_ERROR_ARGUMENT); \
    CHECKF(strstr(error.message, text) != NULL, "%s", error.message);                        \
    CHECK(found.candidates == NULL && found.best == -1);                                     \
    fnn_search_free(&found)
    for (i = 0; i < 5; i++) {
        REFUSED(&data, wrong + i, 1, &good, axis_says[i]);
    }
    REFUSED(&data, NULL, 1, &good, "found 1 and NULL");
    REFUSED(&data, grid, -1, &good, "axes and their list, found -1");
    REFUSED(NULL, grid, AXES, &good, "NULL");
    changed.labels = NULL;
    changed.classes = 0;
    CHECK(fnn_grid_search(&changed, grid, AXES, &good, &found, &error) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "labels or targets, found neither"), "%s", error.message);
    fnn_search_free(&found);
    c = good, c.build = NULL;
    REFUSED(&data, grid, AXES, &c, "build is NULL");
    for (i = 0; i < 3; i++) {
        c = good, c.folds = i == 0 ? -1 : i == 1 ? 1 : ROWS + 1;
        REFUSED(&data, grid, AXES, &c, "folds: expected");
    }
    c = good, c.validation = &data;
    REFUSED(&data, grid, AXES, &c, "without validation data");
    for (i = -1; i <= 1; i++) {
        c = good, c.folds = 0, c.validation_share = i < 0 ? (double)NAN : i;
        REFUSED(&data, grid, AXES, &c, "leaves a part empty");
    }
    c = good, c.monitor = FNN_MONITOR_COUNT;
    REFUSED(&data, grid, AXES, &c, "search: expected a monitor, found");
    c = good, c.shuffle = FNN_ORDER_COUNT;
    REFUSED(&data, grid, AXES, &c, "order: expected");
    changed = numbers();
    c = good, c.shuffle = FNN_ORDER_STRATIFIED;
    REFUSED(&changed, grid, AXES, &c, "neither labels nor one-hot targets");
    c = good, c.first = -1;
    REFUSED(&data, grid, AXES, &c, "first >= 0 and every >= 1, found -1 and 1");
    c = good, c.every = 0;
    REFUSED(&data, grid, AXES, &c, "first >= 0 and every >= 1, found 0 and 0");
    c = good, c.context.threads = 0;
    REFUSED(&data, grid, AXES, &c, "threads");
#undef REFUSED
    CHECK(fnn_grid_search(&data, grid, AXES, NULL, &found, &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_grid_search(&data, grid, AXES, &good, NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_search_save_csv(NULL, "x", &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_search_save_histories(&found, NULL, &error) == FNN_ERROR_ARGUMENT);
    fnn_search_free(NULL);
    fnn_search_free(&found);
    fnn_search_free(&found);
}

/* ---- a grid in parts ---- */

/* Copies what a part found of its candidates, as the interface says; with its histories, which move
 * over, on request. */
static void take_part(fnn_search *to, fnn_search *from, int first, int every, int histories)
{
    int i, f;
    for (i = first; i < to->count; i += every) {
        fnn_candidate *a = to->candidates + i, *b = from->candidates + i;
        a->state = b->state;
        a->trained = b->trained;
        a->seconds = b->seconds;
        for (f = 0; f < to->folds; f++) {
            a->folds[f].result = b->folds[f].result;
            a->folds[f].figures = b->folds[f].figures;
            a->folds[f].seconds = b->folds[f].seconds;
            if (!histories) continue;
            a->folds[f].history = b->folds[f].history;
            memset(&b->folds[f].history, 0, sizeof b->folds[f].history);
        }
    }
}

/* A part has trained its own candidates and nothing else; a failure is reported. */
static void check_part(const fnn_search *found, int first, int every)
{
    int i;
    CHECK(found->model == NULL && found->history.count == 0);
    for (i = 0; i < found->count; i++)
        CHECKF((found->candidates[i].state == FNN_CANDIDATE_UNFINISHED) !=
                   (i >= first && (i - first) % every == 0),
               "candidate %d of part %d of %d: state %d", i, first, every,
               (int)found->candidates[i].state);
}

/* Searches the grid in `every` parts, of which the first receives the others. */
static void search_in_parts(const fnn_dataset *data, const fnn_grid_axis *axes, int axis_count,
                            const fnn_search_config *config, int every, int histories,
                            fnn_search *found)
{
    fnn_search_config c = *config;
    fnn_search other;
    fnn_error error;
    c.every = every;
    for (c.first = 0; c.first < every; c.first++) {
        fnn_search *part = c.first ? &other : found;
        error.message[0] = 0;
        CHECKF(!fnn_grid_search(data, axes, axis_count, &c, part, &error), "%s", error.message);
        check_part(part, c.first, every);
        if (c.first == 0) continue;
        take_part(found, &other, c.first, every, histories);
        fnn_search_free(&other);
    }
}

static void parts_of_a_grid_make_the_whole(void)
{
    static const int numbers_of_parts[] = {2, 3, CANDIDATES + 2}; /* the last: some have none */
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(3, 2);
    fnn_search whole, found;
    fnn_error error;
    int i;
    search_grid(&data, &c, &whole);
    for (i = 0; i < 3; i++) {
        search_in_parts(&data, grid, AXES, &c, numbers_of_parts[i], 1, &found);
        CHECK(!same_results(&whole, &found)); /* no means yet, no model */
        CHECKF(!fnn_search_finish(&data, &c, &found, &error), "%s", error.message);
        CHECKF(same_results(&whole, &found) && found.model, "%d parts", numbers_of_parts[i]);
        fnn_search_free(&found);
    }
    fnn_search_free(&whole);
}

/* Numbers alone do: the table is that of the whole, but for the seconds, which are copied. */
static void numbers_of_elsewhere_make_the_table(void)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(2, 1);
    static char a[4000], b[4000];
    fnn_search whole, found;
    int i, rounds;
    c.refit = 0;
    search_grid(&data, &c, &whole);
    search_in_parts(&data, grid, AXES, &c, 4, 0, &found);
    for (rounds = 0; rounds < 2; rounds++, c.refit = 1) { /* and it may be ended again */
        CHECK(!fnn_search_finish(&data, &c, &found, NULL));
        CHECK(!found.model == !rounds && found.history.count == 3 * rounds);
    }
    CHECK(!fnn_search_finish(&data, &c, &found, NULL) && found.model && found.history.count == 3);
    for (i = 0; i < CANDIDATES; i++)
        whole.candidates[i].seconds = found.candidates[i].seconds = .5 * i;
    CHECK(fnn_search_table(&whole, 0, a, sizeof a) == fnn_search_table(&found, 0, b, sizeof b));
    CHECKF(!strcmp(a, b), "%s", b);
    found.candidates[3].trained = 0; /* the control: as if a part's results had not come */
    found.candidates[3].state = FNN_CANDIDATE_UNFINISHED;
    CHECK(!fnn_search_finish(&data, &c, &found, NULL) && found.candidates[3].rank == CANDIDATES);
    fnn_search_table(&found, 0, b, sizeof b);
    CHECK(strcmp(a, b) && strstr(b, "unfinished"));
    fnn_search_free(&found);
    fnn_search_free(&whole);
}

static void parts_may_diverge_or_decline(void)
{
    static const double scales[] = {TOO_MUCH, .1}, kernels[] = {5, 2, 1};
    const fnn_grid_axis axes[] = {{"scale", scales, 2, NULL}, {"kernel", kernels, 3, NULL}};
    const fnn_dataset data = images();
    fnn_search_config c = configuration(3, 2);
    fnn_search whole, found;
    fnn_error error;
    int none;
    c.build = build_failing;
    CHECK(!fnn_grid_search(&data, axes, 2, &c, &whole, NULL));
    search_in_parts(&data, axes, 2, &c, 3, 1, &found); /* the parts: 5, 2 and 1 at both rates */
    CHECK(found.best == -1 && found.candidates[1].state == FNN_CANDIDATE_DIVERGED);
    CHECK(!fnn_search_finish(&data, &c, &found, NULL) && same_results(&whole, &found));
    fnn_search_free(&found);
    fnn_search_free(&whole);
    for (none = 0; none < 2; none++) { /* all diverge; all are declined: the whole's errors */
        const fnn_grid_axis bad[] = {{"scale", scales, none ? 2 : 1, NULL},
                                     {"kernel", kernels + !none, none ? 1 : 2, NULL}};
        search_in_parts(&data, bad, 2, &c, 2, 1, &found);
        CHECK(fnn_search_finish(&data, &c, &found, &error) ==
              (none ? FNN_ERROR_ARGUMENT : FNN_ERROR_NUMERIC));
        CHECKF(strstr(error.message, none ? "declined 2" : "2 diverged") != NULL, "%s",
               error.message);
        CHECK(found.best == -1 && !found.model);
        fnn_search_free(&found);
    }
}

/* The trials of a part are counted from its own first. */
static void a_part_that_fails_says_who(void)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(2, 4);
    fnn_search found;
    fnn_error error;
    int mode = 1;
    c.build = build_breaking; /* candidates 3 and 4 and all behind them, in fold 1 */
    c.user = &mode;
    c.every = 2;
    for (c.first = 0; c.first < 2; c.first++) {
        CHECK(fnn_grid_search(&data, grid, AXES, &c, &found, &error) == FNN_ERROR_ARGUMENT);
        CHECKF(strstr(error.message, c.first ? "candidate 3 " : "candidate 4 ") != NULL, "%s",
               error.message);
        fnn_search_free(&found);
    }
    c.build = build;
    c.first = INT_MAX, c.every = INT_MAX;
    CHECK(!fnn_grid_search(&data, grid, AXES, &c, &found, NULL));
    CHECK(found.count == CANDIDATES && found.candidates[0].state == FNN_CANDIDATE_UNFINISHED);
    fnn_search_free(&found);
}

/* A refit that goes as far as its folds went needs their histories. */
static void a_refit_without_histories_is_refused(void)
{
    static const double two[] = {0, 1};
    const fnn_grid_axis axis = {"nothing", two, 2, NULL};
    const fnn_dataset data = images();
    stopping rule = {FNN_MONITOR_VALIDATION_LOSS, 0};
    fnn_search_config c = configuration(2, 1);
    fnn_search found;
    fnn_error error;
    c.build = build_stopping;
    c.user = &rule;
    search_in_parts(&data, &axis, 1, &c, 2, 0, &found);
    CHECK(!fnn_search_finish(&data, &c, &found, NULL) && found.best == 0); /* trained here */
    found.candidates[0].folds[0].figures.validation_score = -1;
    CHECK(fnn_search_finish(&data, &c, &found, &error) == FNN_ERROR_ARGUMENT);
    CHECK(found.best == 1 && !found.model);
    CHECKF(strstr(error.message, "candidate 1 (nothing 1), refit: expected the histories") != NULL,
           "%s", error.message);
    c.refit = 0;
    CHECK(!fnn_search_finish(&data, &c, &found, NULL) && found.best == 1);
    fnn_search_free(&found);
}

static void what_is_no_search_is_not_finished(void)
{
    const fnn_dataset data = images();
    const fnn_search_config good = configuration(2, 1);
    fnn_search_config c = good;
    fnn_search found, none;
    fnn_error error;
    memset(&none, 0, sizeof none);
    c.refit = 0;
    search_grid(&data, &c, &found);
#define REFUSED(config, search, text)                                              \
    error.message[0] = 0;                                                          \
    CHECK(fnn_search_finish(&data, config, search, &error) == FNN_ERROR_ARGUMENT); \
    CHECKF(strstr(error.message, text) != NULL, "%s", error.message)
    REFUSED(NULL, &found, "config is NULL");
    REFUSED(&good, NULL, "search is NULL");
    REFUSED(&good, &none, "expected candidates of 2 folds, found none");
    c.folds = 3;
    REFUSED(&c, &found, "expected candidates of 3 folds, found 2");
    c = good, c.build = NULL;
    REFUSED(&c, &found, "build is NULL");
    found.candidates[5].trained = 1; /* a state that this number contradicts */
    REFUSED(&good, &found, "candidate 5: expected a state and how many of 2 folds are trained");
    found.candidates[5].trained = 3;
    REFUSED(&good, &found, "found state 1 and 3");
    found.candidates[5].trained = 2;
    found.candidates[5].state = FNN_CANDIDATE_COUNT;
    REFUSED(&good, &found, "found state 4 and 2");
    found.candidates[5].state = FNN_CANDIDATE_UNFINISHED;
    found.candidates[5].trained = -1;
    REFUSED(&good, &found, "found state 0 and -1");
    found.candidates[5].trained = 2;
    found.candidates[5].folds[1].result = (fnn_result)99;
    REFUSED(&good, &found,
            "candidate 5, fold 1: expected a result of 0 or FNN_ERROR_NUMERIC, found 99");
#undef REFUSED
    found.candidates[5].folds[1].result = FNN_OK; /* all folds: that is enough */
    CHECK(!fnn_search_finish(&data, &good, &found, NULL));
    CHECK(found.candidates[5].state == FNN_CANDIDATE_TRAINED && found.model);
    fnn_search_free(&found);
}

/* ---- many candidates ---- */

enum { MANY = 30000 };

static int decline(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user, (void)t, (void)m, (void)fit;
    return 1;
}

/* Figures of which many are equal; some candidates diverged, some were not trained. */
static void make_figures(fnn_search *found)
{
    int i;
    for (i = 0; i < found->count; i++) {
        fnn_search_fold *fold = found->candidates[i].folds;
        const int kind = sample_below(9, 1, (uint64_t)i, 10);
        if (kind == 0) continue;
        found->candidates[i].trained = 1;
        fold->figures.validation_score = sample_below(9, 2, (uint64_t)i, 90);
        fold->figures.validation_loss = sample_below(9, 3, (uint64_t)i, 90);
        fold->figures.score = fold->figures.loss = 1;
        if (kind == 1) fold->result = FNN_ERROR_NUMERIC;
    }
}

/* Whether a ranks before b, by what the header promises. */
static int ranks_before(const fnn_candidate *a, const fnn_candidate *b)
{
    static const int group[] = {2, 0, 1, 2};
    const fnn_figures *x = &a->mean, *y = &b->mean;
    if (group[a->state] != group[b->state]) return group[a->state] < group[b->state];
    if (group[a->state] ||
        (x->validation_score == y->validation_score && x->validation_loss == y->validation_loss))
        return a < b;
    if (x->validation_score != y->validation_score)
        return x->validation_score > y->validation_score;
    return x->validation_loss < y->validation_loss;
}

/* Ranks and tables take little more than a step a candidate and row: a square of their number would
 * be minutes. Every row shows the candidate of its rank, by its own label. */
static void many_candidates_are_ranked_and_shown(void)
{
    static double values[MANY];
    static char names[MANY][16];
    static const char *name_of[MANY];
    static const fnn_candidate *of_rank[MANY];
    const fnn_grid_axis axis = {"thing", values, MANY, name_of};
    const fnn_dataset data = images();
    const size_t size = (size_t)MANY * 100;
    const clock_t begin = clock();
    fnn_search_config c = configuration(0, 1);
    fnn_search found;
    char *text = (char *)need(size), *line = text;
    double seconds;
    int i, wrong = 0;
    for (i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        name_of[i] = names[i]; /* the values are equal: the place tells them apart */
    }
    c.build = decline;
    c.refit = 0;
    CHECK(fnn_grid_search(&data, &axis, 1, &c, &found, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(found.count == MANY && found.best < 0 && found.candidates[MANY - 1].rank == MANY);
    make_figures(&found);
    CHECK(!fnn_search_finish(&data, &c, &found, NULL));
    for (i = 0; i < MANY; i++) {
        const int rank = found.candidates[i].rank;
        if (CHECK(rank >= 1 && rank <= MANY && !of_rank[rank - 1]))
            of_rank[rank - 1] = found.candidates + i;
    }
    CHECK(of_rank[0] == found.candidates + found.best);
    for (i = 1; i < MANY; i++) wrong += !ranks_before(of_rank[i - 1], of_rank[i]);
    CHECKF(wrong == 0, "%d ranks are wrong", wrong);
    CHECK(fnn_search_table(&found, 0, text, size) < size);
    for (i = 0; i < MANY && line; i++) {
        int rank = 0;
        char shown[16] = "";
        line = strchr(line, '\n') + 1;
        sscanf(line, "%d %15s", &rank, shown);
        wrong += rank != i + 1 || strcmp(shown, name_of[of_rank[i] - found.candidates]);
    }
    CHECKF(wrong == 0, "%d rows are wrong", wrong);
    seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    CHECKF(seconds < 5, "%.1f s", seconds);
    free(text);
    fnn_search_free(&found);
}

/* ---- the callback ---- */

typedef struct {
    int seen[CANDIDATES], count, most;
} witness;

static int watch(void *user, const fnn_search *found, int candidate)
{
    witness *w = (witness *)user;
    static char text[20000];
    w->seen[candidate]++;
    CHECK(found->candidates[candidate].state == FNN_CANDIDATE_TRAINED);
    CHECK(found->candidates[candidate].trained == found->folds);
    /* the table as far as it is: no ranks yet, the order of the grid */
    CHECK(fnn_search_table(found, 0, text, sizeof text) > 0 && !strstr(text, "\n   1 "));
    return ++w->count == w->most;
}

static void the_callback_sees_each_candidate_and_can_stop(void)
{
    const fnn_dataset data = images();
    int threads, i;
    for (threads = 1; threads < 5; threads += 3) {
        fnn_search_config c = configuration(2, threads);
        witness w;
        fnn_search found;
        memset(&w, 0, sizeof w);
        c.callback = watch;
        c.user = &w;
        search_grid(&data, &c, &found);
        for (i = 0; i < CANDIDATES; i++) CHECK(w.seen[i] == 1);
        fnn_search_free(&found);
        memset(&w, 0, sizeof w);
        w.most = 3;
        search_grid(&data, &c, &found);
        CHECK(w.count >= 3 && w.count < 3 + threads && found.best >= 0 && found.model);
        CHECK(found.candidates[7].state == FNN_CANDIDATE_UNFINISHED);
        for (i = 0; i < CANDIDATES; i++)
            CHECK((found.candidates[i].rank <= w.count) ==
                  (found.candidates[i].state == FNN_CANDIDATE_TRAINED));
        fnn_search_free(&found);
    }
}

/* ---- tables ---- */

static const char *path(void)
{
    static char text[100];
    snprintf(text, sizeof text, "build/test_search.%ld", (long)getpid());
    return text;
}

/* Saves what there is: the epochs of finished candidates, none of those that are being written,
 * with memory from the allocator that the threads take turns at. */
static int save_so_far(void *user, const fnn_search *found, int candidate)
{
    char line[2000];
    int i, expected = 1, lines = 0;
    FILE *file;
    (void)candidate;
    CHECK(found->allocator.user != user && found->allocator.allocate != budget_allocate);
    CHECK(!fnn_search_save_csv(found, path(), NULL));
    file = fopen(path(), "r");
    CHECK(file && fgets(line, sizeof line, file));
    for (i = 0; i < found->count && file; i++) { /* an unfinished candidate's folds are not read */
        const int rests = found->candidates[i].state == FNN_CANDIDATE_TRAINED;
        CHECK(fgets(line, sizeof line, file) != NULL);
        CHECKF(rests != (strstr(line, ",nan,nan\n") != NULL), "%s", line);
    }
    if (file) fclose(file);
    CHECK(!fnn_search_save_histories(found, path(), NULL));
    for (i = 0; i < found->count; i++)
        if (found->candidates[i].state == FNN_CANDIDATE_TRAINED) expected += 3 * found->folds;
    file = fopen(path(), "r");
    while (file && fgets(line, sizeof line, file)) lines++;
    CHECKF(lines == expected, "%d lines, expected %d", lines, expected);
    if (file) fclose(file);
    remove(path());
    return 0;
}

static void a_callback_can_save(void)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(2, 3);
    fnn_search found;
    budget b;
    c.context.allocator = budget_open(&b);
    c.callback = save_so_far;
    c.user = &b;
    search_grid(&data, &c, &found);
    CHECK(found.allocator.user == &b);
    fnn_search_free(&found);
    CHECKF(b.live == 0, "%d blocks leak", b.live);
}

/* A copy of a model in training, made where it trains. */
static struct {
    fnn_model *model, *copy;
    fnn_error error;
} copied;

static int copy_in_training(void *user, const fnn_epoch *epoch)
{
    (void)user, (void)epoch;
    if (!copied.copy) copied.copy = fnn_copy(copied.model, NULL, &copied.error);
    return 0;
}

static int build_to_be_copied(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    copied.model = m;
    fit->callback = copy_in_training;
    return build(user, t, m, fit);
}

static void a_copy_outlives_its_search(void)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(2, 1);
    fnn_search found;
    fnn_real y[CLASSES];
    budget b;
    c.build = build_to_be_copied;
    memset(&copied, 0, sizeof copied);
    search_grid(&data, &c, &found);
    fnn_search_free(&found);
    CHECK(copied.copy && !fnn_predict_one_bytes(copied.copy, NULL, data.bytes, y));
    fnn_model_free(copied.copy);
    memset(&copied, 0, sizeof copied);
    c.context.allocator = budget_open(&b); /* which only the search's threads take turns with */
    c.refit = 0;                           /* whose model has it to itself */
    search_grid(&data, &c, &found);
    CHECK(!copied.copy && copied.error.code == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(copied.error.message, "copy: expected a config, found NULL"), "%s",
           copied.error.message);
    fnn_search_free(&found);
    CHECKF(b.live == 0, "%d blocks leak", b.live);
}

/* A grid with names that need quotes. */
static const char *const odd_labels[] = {"a, \"b\"", "c"};
static const fnn_grid_axis odd[] = {{"learning rate", rates, 2, NULL},
                                    {"units", units, 1, NULL},
                                    {"odd, one", kinds, 2, odd_labels}};

static void the_csv_reads_back(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(2, 1);
    char line[2000];
    fnn_search found;
    FILE *file;
    int i;
    CHECK(!fnn_grid_search(&data, odd, 3, &c, &found, NULL));
    CHECK(!fnn_search_save_csv(&found, path(), NULL));
    file = fopen(path(), "r");
    CHECK(file && fgets(line, sizeof line, file));
    CHECKF(!strcmp(line, "candidate,rank,state,learning rate,units,\"odd, one\","
                         "validation_loss_mean,validation_loss_deviation,validation_score_mean,"
                         "validation_score_deviation,loss_mean,loss_deviation,score_mean,"
                         "score_deviation,seconds,validation_loss_0,validation_score_0,"
                         "validation_loss_1,validation_score_1\n"),
           "%s", line);
    for (i = 0; i < 4 && file; i++) {
        const fnn_candidate *a = found.candidates + i;
        const fnn_figures *m = &a->mean, *d = &a->deviation, *f = &a->folds[0].figures,
                          *g = &a->folds[1].figures;
        const double expected[] = {m->validation_loss,
                                   d->validation_loss,
                                   m->validation_score,
                                   d->validation_score,
                                   m->loss,
                                   d->loss,
                                   m->score,
                                   d->score,
                                   a->seconds,
                                   f->validation_loss,
                                   f->validation_score,
                                   g->validation_loss,
                                   g->validation_score};
        char start[100];
        size_t j, length;
        char *at;
        CHECK(fgets(line, sizeof line, file) != NULL);
        snprintf(start, sizeof start, "%d,%d,trained,%s,4,%s", i, a->rank, i < 2 ? "0.003" : "0.03",
                 i % 2 ? "c" : "\"a, \"\"b\"\"\"");
        length = strlen(start);
        if (!CHECKF(!strncmp(line, start, length), "%s", line)) break;
        at = line + length;
        for (j = 0; j < sizeof expected / sizeof expected[0]; j++) {
            CHECK(*at == ',' && strtod(at + 1, &at) == expected[j]);
        }
        CHECK(!strcmp(at, "\n"));
    }
    if (file) CHECK(!fgets(line, sizeof line, file)), fclose(file);
    remove(path());
    fnn_search_free(&found);
}

static void every_history_is_in_the_csv(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(2, 1);
    char line[2000];
    fnn_search found;
    int i, f, e, lines = 0;
    FILE *file;
    CHECK(!fnn_grid_search(&data, odd, 3, &c, &found, NULL));
    CHECK(!fnn_search_save_histories(&found, path(), NULL));
    file = fopen(path(), "r");
    CHECK(file && fgets(line, sizeof line, file));
    CHECK(!strcmp(line, "candidate,fold,learning rate,units,\"odd, one\",epoch,step,loss,score,"
                        "validation_loss,validation_score,learning_rate,seconds\n"));
    for (i = 0; i <= 4 && file; i++)
        for (f = i < 4 ? 0 : -1; f < (i < 4 ? 2 : 0); f++)
            for (e = 0; e < 3; e++) {
                const int candidate = i < 4 ? i : found.best;
                const fnn_history *h =
                    i < 4 ? &found.candidates[i].folds[f].history : &found.history;
                char start[100], middle[100];
                const char *at;
                snprintf(start, sizeof start, "%d,%d,", candidate, f);
                snprintf(middle, sizeof middle, ",%d,%ld,", e + 1, (long)h->epochs[e].step);
                if (!CHECK(fgets(line, sizeof line, file) != NULL)) break;
                lines++;
                at = strstr(line, middle);
                if (!CHECKF(!strncmp(line, start, strlen(start)) && at, "%s", line)) continue;
                CHECK(strtod(at + strlen(middle), NULL) == h->epochs[e].loss);
            }
    CHECK(lines == 27);
    if (file) CHECK(!fgets(line, sizeof line, file)), fclose(file);
    remove(path());
    fnn_search_free(&found);
}

static void a_csv_that_cannot_be_written_is_an_error(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(0, 1);
    fnn_search found;
    fnn_error error;
    search_grid(&data, &c, &found);
    CHECK(fnn_search_save_csv(&found, "build/none/there.csv", &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "there.csv") != NULL, "%s", error.message);
    fnn_search_free(&found);
}

static void the_table_has_the_best_first(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(2, 1);
    char text[4000], small[40];
    const char *row = text;
    size_t length;
    fnn_search found;
    int lines;
    search_grid(&data, &c, &found);
    length = fnn_search_table(&found, 0, text, sizeof text);
    CHECK(length == strlen(text) && length == fnn_search_table(&found, 0, NULL, 0));
    CHECK(fnn_search_table(&found, 0, small, sizeof small) == length && strlen(small) == 39);
    CHECK(!strncmp(small, text, 39));
    for (lines = 0; strchr(row, '\n'); lines++, row = strchr(row, '\n') + 1) {
        if (lines > 0) CHECK(strtol(row, NULL, 10) == lines);
        CHECK(strchr(row, '\n') - row == strchr(text, '\n') - text);
    }
    CHECKF(lines == CANDIDATES + 1, "%s", text);
    CHECK(strstr(text, "validation accuracy") && strstr(text, " +- ") && strstr(text, "cnn"));
    CHECK(fnn_search_table(&found, 2, text, sizeof text) < length && strstr(text, "\n   2 "));
    CHECK(!strstr(text, "\n   3 "));
    fnn_search_free(&found);
    CHECK(fnn_search_table(&found, 0, text, sizeof text) == 0 && text[0] == 0);
}

/* ---- memory ---- */

/* One try with n requests granted. 1: none failed. */
static int memory_trial(budget *b, int n, int threads, const fnn_search *expected)
{
    fnn_search_config c = configuration(2, threads);
    fnn_dataset data = images();
    fnn_search found;
    fnn_error error;
    fnn_result r;
    error.message[0] = 0;
    c.context.allocator = budget_allocator(b);
    data.allocator = c.context.allocator;
    b->allowed = n;
    b->failed = 0;
    r = fnn_grid_search(&data, odd, 3, &c, &found, &error);
    CHECKF((r == FNN_ERROR_MEMORY) == (b->failed > 0) && (b->failed || r == FNN_OK),
           "after %d allocations: %s, %s", n, fnn_result_text(r), error.message);
    if (r) CHECKF(strstr(error.message, "memory") != NULL, "%s", error.message);
    else CHECK(same_results(&found, expected));
    b->allowed = -1;
    fnn_search_free(&found);
    CHECKF(b->live == 0, "after %d allocations: %d blocks leak", n, b->live);
    return b->failed == 0;
}

static void every_allocation_may_fail(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(2, 1);
    const int step = QUICK() ? 7 : 1;
    fnn_search expected;
    budget b;
    int threads, n;
    CHECK(!fnn_grid_search(&data, odd, 3, &c, &expected, NULL));
    budget_open(&b);
    for (threads = 1; threads < 4; threads += 2)
        for (b.once = 0; b.once < 2; b.once++) {
            for (n = 0; !memory_trial(&b, n, threads, &expected); n += step)
                if (!CHECK(n < 2000)) break;
            CHECK(n > 50);
        }
    fnn_search_free(&expected);
}

/* The mean of the squared outputs: there is nothing to compare them with. */
static double squares(void *user, const fnn_loss_batch *b, fnn_real *gradient)
{
    double sum = 0;
    int i;
    (void)user;
    for (i = 0; i < b->count * b->outputs; i++) {
        sum += (double)(b->y[i] * b->y[i]) / b->count;
        if (gradient) gradient[i] = 2 * b->y[i] / (fnn_real)b->count;
    }
    return sum;
}

static int build_squares(void *user, const fnn_trial *t, fnn_model *m, fnn_fit_config *fit)
{
    (void)user;
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, t->train);
    fnn_dense(m, (int)t->values[UNITS], FNN_TANH);
    fnn_set_loss_function(m, squares, NULL);
    fit->optimizer = fnn_adam(t->values[RATE]);
    fit->epochs = 2;
    return 0;
}

/* A loss of one's own needs no labels; its value ranks candidates, not a score that is none. */
static void a_loss_of_ones_own_ranks_without_labels(void)
{
    fnn_search_config c = configuration(2, 2);
    fnn_dataset data = images();
    fnn_search found;
    fnn_error error;
    int i;
    data.labels = NULL;
    data.classes = 0;
    c.build = build_squares;
    CHECK(fnn_grid_search(&data, grid, AXES, &c, &found, &error) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "monitor: expected a loss, found a score"), "%s", error.message);
    fnn_search_free(&found);
    c.monitor = FNN_MONITOR_VALIDATION_LOSS;
    search_grid(&data, &c, &found);
    CHECK(found.best >= 0 && found.model);
    for (i = 0; found.best >= 0 && i < CANDIDATES; i++)
        CHECK(found.candidates[i].state == FNN_CANDIDATE_TRAINED &&
              found.candidates[i].mean.validation_loss >=
                  found.candidates[found.best].mean.validation_loss);
    fnn_search_free(&found);
}

/* One try of the end of a search with n requests granted. 1: none failed. */
static int finish_trial(budget *b, int n, const fnn_search *expected)
{
    const fnn_dataset data = images();
    fnn_search_config c = configuration(2, 1);
    fnn_search found;
    fnn_result r;
    c.context.allocator = budget_allocator(b);
    b->allowed = -1;
    search_in_parts(&data, odd, 3, &c, 2, 1, &found);
    b->allowed = n;
    b->failed = 0;
    r = fnn_search_finish(&data, &c, &found, NULL);
    CHECKF(r == (b->failed ? FNN_ERROR_MEMORY : FNN_OK), "after %d allocations: %s", n,
           fnn_result_text(r));
    CHECK(!found.model == (r != FNN_OK));
    b->allowed = -1;
    if (r) CHECK(!fnn_search_finish(&data, &c, &found, NULL)); /* a retry */
    CHECK(same_results(&found, expected));
    fnn_search_free(&found);
    CHECKF(b->live == 0, "after %d allocations: %d blocks leak", n, b->live);
    return r == FNN_OK;
}

static void every_allocation_of_the_end_may_fail(void)
{
    const fnn_dataset data = images();
    const fnn_search_config c = configuration(2, 1);
    const int step = QUICK() ? 7 : 1;
    fnn_search expected;
    budget b;
    int n;
    CHECK(!fnn_grid_search(&data, odd, 3, &c, &expected, NULL));
    budget_open(&b);
    for (b.once = 0; b.once < 2; b.once++) {
        for (n = 0; !finish_trial(&b, n, &expected); n += step)
            if (!CHECK(n < 2000)) break;
        CHECK(n > 5);
    }
    fnn_search_free(&expected);
}

static const harness_test tests[] = {TEST(any_number_of_threads_gives_the_same_bits),
                                     TEST(folds_by_hand_agree),
                                     TEST(stratified_folds_by_hand_agree),
                                     TEST(a_split_by_hand_agrees),
                                     TEST(a_part_of_the_grid_has_the_same_figures),
                                     TEST(each_row_is_held_out_once),
                                     TEST(noise_learnt_by_heart_scores_by_chance),
                                     TEST(the_best_is_the_best),
                                     TEST(of_equal_scores_the_smaller_loss_ranks_first),
                                     TEST(folds_of_one_sample_are_trained),
                                     TEST(of_equals_the_earlier_ranks_first),
                                     TEST(the_refit_is_the_best_on_all_data),
                                     TEST(a_refit_goes_as_far_as_the_folds_on_average),
                                     TEST(a_refit_is_checked_as_every_fit),
                                     TEST(what_diverges_ranks_behind_and_what_is_declined_last),
                                     TEST(a_trial_that_fails_ends_the_search),
                                     TEST(arguments_are_checked),
                                     TEST(parts_of_a_grid_make_the_whole),
                                     TEST(numbers_of_elsewhere_make_the_table),
                                     TEST(parts_may_diverge_or_decline),
                                     TEST(a_part_that_fails_says_who),
                                     TEST(a_refit_without_histories_is_refused),
                                     TEST(what_is_no_search_is_not_finished),
                                     TEST(a_loss_of_ones_own_ranks_without_labels),
                                     TEST(many_candidates_are_ranked_and_shown),
                                     TEST(the_callback_sees_each_candidate_and_can_stop),
                                     TEST(a_callback_can_save),
                                     TEST(a_copy_outlives_its_search),
                                     TEST(the_csv_reads_back),
                                     TEST(every_history_is_in_the_csv),
                                     TEST(a_csv_that_cannot_be_written_is_an_error),
                                     TEST(the_table_has_the_best_first),
                                     TEST(every_allocation_may_fail),
                                     TEST(every_allocation_of_the_end_may_fail)};
HARNESS_MAIN(tests)
