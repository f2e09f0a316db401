/* What the programs of this folder share beside ../experiment.h: a row of the report's tables as a
 * run, the readings it is run in, and what is reported of it. */
#ifndef AGHAEI_FAMILY_H
#define AGHAEI_FAMILY_H
#include "../experiment.h"
#include "grid.h"

/* The figures of a job. */
enum { TEST, TRAIN, CLASS_LOSS, LOSS, PARAMETERS, ERROR, SAMPLES, AFTER_10 };

/* The loss column of tables 1 to 4 is (1 - train accuracy) ln 1e10 to within what two digits of the
 * accuracy leave open, and a little more where alpha is not 0: the cross-entropy of the predicted
 * CLASSES, clipped at 1e-10, with the penalty. So that is what stands beside it here. */
static inline double class_loss(double accuracy_percent)
{
    return (1 - accuracy_percent / 100) * log(1e10);
}

/* A row of a table of MLPs. */
typedef struct mlp_row {
    mlp_arguments arguments;
    double test, train, loss; /* as reported: percent, percent, class loss */
} mlp_row;

/* The readings of what the report leaves unsaid; A is the one that comes near its figures. */
typedef struct mlp_reading {
    const char *name;
    mlp_mean mean;
    mlp_penalty penalty;
    int divided; /* pixels / 255 before they are scaled */
} mlp_reading;
static const mlp_reading mlp_readings[] = {
    {"A", MLP_MEAN_OF_ALL, MLP_UNSQUARED, 0},
    {"B", MLP_MEAN_OF_SAMPLES, MLP_SQUARED, 0},
    {"A square", MLP_MEAN_OF_ALL, MLP_SQUARED, 0},
    {"A /255", MLP_MEAN_OF_ALL, MLP_UNSQUARED, 1},
};
/* Their numbers. */
enum { READING_A, READING_B, READING_A_SQUARE, READING_A_255 };

/* What the readings' names mean, for the head of the table. */
static inline void note_readings(experiment *e, int readings)
{
    experiment_note(e, "A: raw inputs, cross-entropy a mean over samples and classes, alpha ||W||");
    experiment_note(e, "B: raw inputs, cross-entropy a mean over samples, alpha ||W||^2");
    experiment_note(e, "A square: A with alpha ||W||^2");
    if (readings > READING_A_255)
        experiment_note(e, "A /255: A with pixels divided by 255 before the scaling");
    experiment_note(e,
                    "class loss: (1 - train accuracy) ln 1e10, which the report's loss column is");
}

/* Which readings of a row differ from each other: without alpha there is no penalty to read. */
static inline int mlp_reading_applies(const mlp_row *row, const mlp_reading *reading)
{
    const int square_alone = reading->penalty == MLP_SQUARED && reading->mean == MLP_MEAN_OF_ALL;
    return !square_alone || row->arguments.alpha > 0;
}

/* A copy of a data set of bytes as numbers up to 1, over the same rows and index; the reals are the
 * caller's to free. */
static inline fnn_dataset divided_by_255(const experiment *e, const fnn_dataset *data)
{
    const int64_t rows = data->rows ? data->rows : data->count;
    const int64_t n = rows * data->height * data->width * data->channels;
    fnn_real *reals = (fnn_real *)experiment_resize(e, NULL, (size_t)n * sizeof *reals);
    fnn_dataset divided = *data;
    for (int64_t i = 0; i < n; i++) reals[i] = (fnn_real)data->bytes[i] / 255;
    divided.bytes = NULL;
    divided.reals = reals;
    return divided;
}

/* What every fit of a job is told: its share of the processor, seed and progress. */
static inline estimator_options family_options(experiment_job *job, experiment_fit_state *state,
                                               const fnn_fit_config *config)
{
    const experiment *e = job->experiment;
    const estimator_options options = {e->wide ? e->threads : 1, (uint64_t)job->seed + 1,
                                       experiment_after_epoch, state};
    state->job = job;
    state->config = config;
    return options;
}

static inline void family_check(const experiment *e, const estimator *fitted, fnn_result result)
{
    if (result)
        experiment_fail(e, "%s: %s", fnn_result_text(result),
                        fnn_model_error(fitted->model)->message);
}

/* Makes numbers the targets of a data set, in place of classes. */
static inline void set_target(fnn_dataset *data, const fnn_real *targets)
{
    data->targets = targets;
    data->target_count = 1;
    data->labels = NULL;
    data->classes = 0;
    data->class_names = NULL;
}

/* The mean of |prediction - target|, in the units of the data, where there is one target. */
static inline double mean_error(const experiment *e, const estimator *fitted,
                                const fnn_dataset *data)
{
    double sum = 0;
    fnn_real *values = (fnn_real *)experiment_resize(e, NULL, (size_t)data->count * sizeof *values);
    family_check(e, fitted, estimator_predict(fitted, data, values));
    for (int64_t i = 0; i < data->count; i++)
        sum += fabs((double)(values[i] - data->targets[data->index ? data->index[i] : i]));
    free(values);
    return sum / (double)data->count;
}

/* Accuracies, or R2 and the mean error, of a fitted network. */
static inline void family_score(experiment_job *job, const estimator *fitted,
                                const fnn_dataset *train, const fnn_dataset *test)
{
    if (fitted->task == REGRESSION) {
        job->figures[TEST] = estimator_score(fitted, test);
        job->figures[TRAIN] = estimator_score(fitted, train);
        job->figures[ERROR] = mean_error(job->experiment, fitted, test);
        return;
    }
    job->figures[TEST] = experiment_accuracy(fitted->model, test);
    job->figures[TRAIN] = experiment_accuracy(fitted->model, train);
    job->figures[CLASS_LOSS] = class_loss(job->figures[TRAIN]);
}

/* A fit's epochs become its job's, for curves and for what a run was like on the way. */
static inline void keep_history(experiment_job *job, estimator *fitted)
{
    job->history = fitted->history;
    memset(&fitted->history, 0, sizeof fitted->history);
}

/* The accuracy of a job after its epoch number i (from 0) in percent; figure: TRAIN or TEST. Where
 * the loss is not finite the library counts 0. A network of NaN stays one, so that what
 * experiment_accuracy said of it at the end holds there too. NaN where nothing was measured. */
static inline double epoch_accuracy(const experiment_job *job, int i, int figure)
{
    const fnn_epoch *epoch = &job->history.epochs[i];
    const double loss = figure == TRAIN ? epoch->loss : epoch->validation_loss;
    const double score = figure == TRAIN ? epoch->score : epoch->validation_score;
    return isfinite(loss) || isnan(score) ? 100 * score : job->figures[figure];
}

/* The test accuracy after so many epochs; NaN where there were fewer, or no test on the way. */
static inline double accuracy_after(const experiment_job *job, int epochs)
{
    if (job->history.count == epochs) return job->figures[TEST];
    if (job->history.count < epochs) return EXPERIMENT_UNKNOWN;
    return epoch_accuracy(job, epochs - 1, TEST);
}

/* The curve of a job: losses, or scores in percent. */
static inline void plot_curve(experiment *e, experiment_plot *p, const char *series,
                              const experiment_job *job, fnn_monitor what)
{
    for (int i = 0; i < job->history.count; i++) {
        const fnn_epoch *epoch = &job->history.epochs[i];
        const double y = what == FNN_MONITOR_LOSS              ? epoch->loss
                         : what == FNN_MONITOR_VALIDATION_LOSS ? epoch->validation_loss
                         : what == FNN_MONITOR_SCORE           ? epoch_accuracy(job, i, TRAIN)
                                                               : epoch_accuracy(job, i, TEST);
        experiment_point(e, p, series, epoch->epoch, y, EXPERIMENT_UNKNOWN);
    }
}

/* The class loss of a run on the way to its row of the table, which is a mean over the seeds. */
static inline void plot_class_loss(experiment *e, experiment_plot *p, const char *series, int run)
{
    const experiment_job *jobs = e->jobs + run * e->seed_count;
    for (int i = 0; i < jobs->history.count; i++) {
        double sum = 0;
        for (int s = 0; s < e->seed_count; s++) sum += epoch_accuracy(&jobs[s], i, TRAIN);
        experiment_point(e, p, series, i + 1, class_loss(sum / e->seed_count), EXPERIMENT_UNKNOWN);
    }
}

/* Fits an MLP and scores it. The test data are only looked at: curves and score. */
static inline void run_mlp(experiment_job *job, const mlp_arguments *arguments,
                           const mlp_reading *reading, const fnn_dataset *train,
                           const fnn_dataset *test)
{
    experiment_fit_state state;
    mlp net = mlp_make(arguments);
    net.arguments.epoch = experiment_epochs(job->experiment, arguments->epoch);
    net.mean = reading->mean;
    net.penalty = reading->penalty;
    const fnn_fit_config config = mlp_config(&net, 1);
    net.options = family_options(job, &state, &config);
    fnn_dataset parts[2] = {*train, *test};
    for (int i = 0; i < 2 && reading->divided; i++)
        parts[i] = divided_by_255(job->experiment, &parts[i]);
    family_check(job->experiment, &net.fitted, mlp_fit(&net, &parts[0], &parts[1]));
    family_score(job, &net.fitted, &parts[0], &parts[1]);
    for (int i = 0; i < 2 && reading->divided; i++) free((void *)(uintptr_t)parts[i].reals);
    keep_history(job, &net.fitted);
    mlp_free(&net);
}

/* A row of a table of CNNs. */
typedef struct cnn_row {
    cnn_arguments arguments;
    double test, train, loss; /* as reported: percent, percent, cross-entropy of the last epoch */
    int64_t samples;          /* to train on, where all would take too long; 0: all */
    fnn_normalization input;  /* A: raw pixels, as 4.5 says of CIFAR-10; B: / 255 */
} cnn_row;

static inline void note_inputs(experiment *e)
{
    experiment_note(e, "A: raw pixels; B /255: pixels divided by 255; the report does not say");
}

/* How many samples that asks for: 0 or more than there are is all; a smoke run has 40, since some
 * of these networks are large. */
static inline int64_t cnn_count(const experiment *e, const fnn_dataset *data, int64_t samples)
{
    if (e->mode == EXPERIMENT_SMOKE) samples = 40;
    return samples && samples < data->count ? samples : data->count;
}

/* So many of the samples in a view of the caller's to free: a job may not add to the experiment's
 * own, which jobs share. All of them stay in their order; fewer are drawn as experiment_reduce
 * does. */
static inline fnn_dataset cnn_samples(const experiment *e, const fnn_dataset *data, int64_t samples)
{
    const int64_t count = cnn_count(e, data, samples);
    fnn_dataset first, rest;
    fnn_error error;
    if (fnn_dataset_split(data, count, count < data->count, 1, &first, &rest, &error))
        experiment_fail(e, "%s", error.message);
    fnn_dataset_free(&rest);
    return first;
}

/* What rows say of a copy of the data that is not the original: experiment_cifar10 knows it. */
static inline const char *copy_remark(const experiment *e)
{
    return e->sources.text && strstr(e->sources.text, "JPEG copy") ? "; JPEG copy" : "";
}

/* Fits a CNN and scores it; validation, for curves and the accuracy after 10 of more epochs, may be
 * NULL. */
static inline void run_cnn(experiment_job *job, const cnn_row *row, const fnn_dataset *train,
                           const fnn_dataset *validation, const fnn_dataset *test)
{
    experiment_fit_state state;
    cnn net = cnn_make(&row->arguments);
    fnn_dataset part = cnn_samples(job->experiment, train, row->samples);
    fnn_dataset held = cnn_samples(job->experiment, test, 0);
    net.arguments.epochs = experiment_epochs(job->experiment, row->arguments.epochs);
    net.input = row->input;
    const fnn_fit_config config = cnn_config(&net);
    net.options = family_options(job, &state, &config);
    family_check(job->experiment, &net.fitted, cnn_fit(&net, &part, validation ? &held : NULL));
    family_score(job, &net.fitted, &part, &held);
    job->figures[LOSS] = net.fitted.history.epochs[net.fitted.history.count - 1].loss;
    job->figures[PARAMETERS] = (double)cnn_parameters(&net, &part);
    job->figures[SAMPLES] = (double)part.count;
    keep_history(job, &net.fitted);
    job->figures[AFTER_10] = accuracy_after(job, experiment_epochs(job->experiment, 10));
    cnn_free(&net);
    fnn_dataset_free(&part);
    fnn_dataset_free(&held);
}

/* The rows of the table at the end for run number `run`, which made `row` in a reading. */
static inline void report_mlp(experiment *e, int run, const mlp_row *row,
                              const mlp_reading *reading)
{
    char name[200];
    mlp_describe(&row->arguments, name, sizeof name);
    experiment_report(e, run, TEST, reading->name, "test accuracy %", row->test, "%s", name);
    experiment_report(e, run, TRAIN, reading->name, "train accuracy %", row->train, "%s", name);
    if (isnan(row->loss)) return;
    experiment_report(e, run, CLASS_LOSS, reading->name, "class loss", row->loss, "%s", name);
}

/* The seed with the highest train accuracy among those of a run: where some diverge and others
 * do not, the mean says nothing of either. The test accuracy has no say: it is still a test. */
static inline const experiment_job *best_seed(const experiment *e, int run)
{
    const experiment_job *jobs = e->jobs + run * e->seed_count;
    int best = 0;
    for (int s = 1; s < e->seed_count; s++)
        if (jobs[s].figures[TRAIN] > jobs[best].figures[TRAIN]) best = s;
    return &jobs[best];
}

static inline void report_best_seed(experiment *e, int run, const mlp_row *row,
                                    const mlp_reading *reading)
{
    const experiment_job *best = best_seed(e, run);
    experiment_report_value(e, reading->name, "test accuracy %", row->test, best->figures[TEST],
                            "the last network, the seed with the best train accuracy of %d",
                            e->seed_count);
    experiment_report_value(e, reading->name, "train accuracy %", row->train, best->figures[TRAIN],
                            "the last network, the seed with the best train accuracy of %d",
                            e->seed_count);
}

/* What a CNN's rows say of its images: how many it was trained on where the row asks for fewer than
 * all (nothing of a run that was not made), and whether they are a copy. */
static inline void describe_images(const experiment *e, int run, const cnn_row *row, char *text,
                                   size_t size)
{
    const double count = e->jobs[run * e->seed_count].figures[SAMPLES];
    *text = 0;
    if (row->samples && !isnan(count)) snprintf(text, size, "; %.0f images", count);
    snprintf(text + strlen(text), size - strlen(text), "%s", copy_remark(e));
}

/* The same of a CNN under a name; NULL: its layers. */
static inline void report_cnn(experiment *e, int run, const cnn_row *row, const char *name)
{
    const char *reading = row->input == FNN_NORMALIZE_NONE ? "A" : "B /255";
    char text[200], images[64];
    cnn_describe(row->arguments.architecture, text, sizeof text);
    describe_images(e, run, row, images, sizeof images);
    if (!name) name = text;
    experiment_report(e, run, TEST, reading, "test accuracy %", row->test, "%s%s", name, images);
    experiment_report(e, run, TRAIN, reading, "train accuracy %", row->train, "%s%s", name, images);
    if (!isnan(row->loss))
        experiment_report(e, run, LOSS, reading, "train loss", row->loss, "%s%s", name, images);
}

/* The row of its test accuracy after the first 10 epochs. */
static inline void report_cnn_after_10(experiment *e, int run, const cnn_row *row, const char *name,
                                       double reported)
{
    char images[64];
    describe_images(e, run, row, images, sizeof images);
    experiment_report(e, run, AFTER_10, "A", "test accuracy %", reported, "%s, 10 epochs%s", name,
                      images);
}

/* The rows of a regression; the report has no figure for any. */
static inline void report_regression(experiment *e, int run, const char *name)
{
    experiment_report(e, run, TEST, "", "test R2", EXPERIMENT_UNKNOWN, "%s", name);
    experiment_report(e, run, TRAIN, "", "train R2", EXPERIMENT_UNKNOWN, "%s", name);
    experiment_report(e, run, ERROR, "", "mean error", EXPERIMENT_UNKNOWN, "%s", name);
}

/* All rows of a table in all their readings, from runs numbered row * readings + reading. */
static inline void report_table(experiment *e, const mlp_row *rows, int count, int readings)
{
    note_readings(e, readings);
    for (int i = 0; i < count * readings; i++) {
        const mlp_row *row = &rows[i / readings];
        const mlp_reading *reading = &mlp_readings[i % readings];
        if (mlp_reading_applies(row, reading)) report_mlp(e, i, row, reading);
    }
}

/* How the train curve of a row in a reading came about: the loop with the unsquared penalty
 * measures after each epoch, fnn_fit adds up what each batch was before its step. */
static inline const char *curve_origin(const mlp_row *row, const mlp_reading *reading)
{
    return reading->penalty == MLP_UNSQUARED && row->arguments.alpha > 0 ? "after each epoch"
                                                                         : "running mean";
}

/* Loss and accuracy against epochs of a row in a reading, on train and test: two plots. */
static inline void plot_run(experiment *e, int run, const mlp_row *row, const mlp_reading *reading,
                            const char *name, const char *network)
{
    const experiment_job *job = best_seed(e, run);
    char file[64], title[200];
    snprintf(title, sizeof title, "%s, reading %s; seed %d of %d, best on train; train: %s",
             network, reading->name, job->seed + 1, e->seed_count, curve_origin(row, reading));
    snprintf(file, sizeof file, "%s-loss", name);
    experiment_plot *p = experiment_plot_begin(
        e, file, title, "epoch", "cross-entropy, mean over samples, without penalty", 0);
    plot_curve(e, p, "train", job, FNN_MONITOR_LOSS);
    plot_curve(e, p, "test", job, FNN_MONITOR_VALIDATION_LOSS);
    snprintf(file, sizeof file, "%s-accuracy", name);
    p = experiment_plot_begin(e, file, title, "epoch", "accuracy %", 0);
    plot_curve(e, p, "train", job, FNN_MONITOR_SCORE);
    plot_curve(e, p, "test", job, FNN_MONITOR_VALIDATION_SCORE);
}

/* The report's "Loss value of best architectures": the class losses of a table's rows in reading A,
 * whose last values its loss column has, from runs numbered row * readings. */
static inline void plot_losses(experiment *e, const mlp_row *rows, int count, int readings,
                               const char *table)
{
    char title[200], name[300];
    int mixed = 0;
    for (int i = 0; i < count; i++) mixed |= rows[i].arguments.alpha <= 0;
    snprintf(title, sizeof title, "%s, reading A, mean of %d seeds", table, e->seed_count);
    experiment_plot *p =
        experiment_plot_begin(e, "loss", title, "epoch (names: network, beta, alpha)",
                              mixed ? "class loss after each epoch (alpha 0: running mean)"
                                    : "class loss after each epoch",
                              0);
    for (int i = 0; i < count; i++) {
        const mlp_arguments *a = &rows[i].arguments;
        mlp_describe(a, name, sizeof name);
        char *end = strstr(name, ", "); /* of widths and activation, which leave room to draw */
        snprintf(end, sizeof name - (size_t)(end - name), ", %g, %g", a->beta, a->alpha);
        plot_class_loss(e, p, name, i * readings);
    }
}

/* The epochs of a grid's lists, as many as the mode has. */
static inline grid_list reduced_epochs(const experiment *e, grid_list epochs)
{
    for (int i = 0; i < epochs.count; i++)
        epochs.values[i] = experiment_epochs(e, (int)epochs.values[i]);
    return epochs;
}

/* Runs a grid. Where its best diverges when trained on all samples, the ranks are still worth
 * reporting. */
static inline void train_grid(experiment *e, grid *g, const char *reading, const fnn_dataset *train)
{
    const fnn_result result = grid_run(g, train);
    if (result == FNN_ERROR_NUMERIC && g->found.best >= 0)
        experiment_note(e, "grid %s: its best has no row: %s", reading, g->error.message);
    else if (result) experiment_fail(e, "%s", g->error.message);
}

/* Runs a grid on so many samples (fewer where that says less) and reports its best by validation
 * score. A smoke run trains two candidates. */
static inline void run_grid(experiment *e, grid *g, const char *reading, const fnn_dataset *train,
                            int64_t samples, int most)
{
    char name[200];
    const fnn_dataset part =
        experiment_reduce(e, train, g->cnns ? cnn_count(e, train, samples) : samples);
    g->limit = e->mode == EXPERIMENT_SMOKE ? 2 : 0;
    g->config.context.threads = e->threads;
    g->config.seed = 1;
    g->config.verbose = isatty(2);
    train_grid(e, g, reading, &part);
    experiment_note(e, "grid %s: %d candidates on %ld samples, ranked by %s", reading,
                    g->found.count, (long)part.count,
                    g->config.folds ? "cross-validation" : "the fifth of them held out");
    for (int rank = 1; rank <= most; rank++)
        for (int i = 0; i < g->found.count; i++) {
            const fnn_candidate *c = &g->found.candidates[i];
            if (c->rank != rank || c->state != FNN_CANDIDATE_TRAINED) continue;
            grid_describe(g, i, name, sizeof name);
            experiment_report_value(e, reading, "validation %", EXPERIMENT_UNKNOWN,
                                    100 * c->mean.validation_score, "grid %d: %s%s", rank, name,
                                    copy_remark(e));
        }
}

/* The test accuracy of a grid's best model. */
static inline void report_grid_best(experiment *e, grid *g, const char *reading,
                                    const fnn_dataset *test)
{
    char name[200];
    mlp best = mlp_best_model(g);
    mlp_describe(&best.arguments, name, sizeof name);
    experiment_report_value(e, reading, "test accuracy %", EXPERIMENT_UNKNOWN,
                            100 * mlp_score(&best, test), "grid's best: %s", name);
    mlp_free(&best);
}

/* A grid of MLPs in a reading whose penalty a grid has, the squared one, and its best model. */
static inline void report_mlp_grid(experiment *e, const mlp_lists *lists,
                                   const mlp_reading *reading, const experiment_data *data,
                                   int64_t samples, int most)
{
    mlp_lists reduced = *lists;
    reduced.epochs = reduced_epochs(e, lists->epochs);
    grid g = mlp_grid(&reduced);
    g.mean = reading->mean;
    run_grid(e, &g, reading->name, &data->train, samples, most);
    if (g.found.model) report_grid_best(e, &g, reading->name, &data->test);
    grid_free(&g);
}

/* A grid of architectures, trained by Adam at Keras' rate, of which the `most` best are reported;
 * look may note what it shows. */
static inline void report_cnn_grid(experiment *e, cnn_layer (*table)[CNN_MOST_LAYERS], int count,
                                   int epochs, int batch, const fnn_dataset *train, int64_t samples,
                                   int most, void (*look)(const grid *))
{
    const cnn_lists lists = {table,
                             count,
                             {1, {experiment_epochs(e, epochs)}},
                             {1, {batch}},
                             {{FNN_ADAM, 1e-3}},
                             CNN_CROSS_ENTROPY,
                             CLASSIFICATION};
    grid g = cnn_grid(&lists);
    g.config.refit = 0;
    run_grid(e, &g, "A", train, samples, most);
    look(&g);
    grid_free(&g);
}

/* The programs of tables 2 to 4: all rows in all readings. The last row is the network that the
 * report trains at length. */
typedef struct mlp_table {
    const experiment_data *data;
    const mlp_row *rows;
} mlp_table;
static mlp_table mlp_table_now;

static inline void run_mlp_row(experiment_job *job)
{
    const int readings = EXPERIMENT_COUNT(mlp_readings);
    const mlp_row *row = &mlp_table_now.rows[job->run / readings];
    const mlp_reading *reading = &mlp_readings[job->run % readings];
    if (mlp_reading_applies(row, reading))
        run_mlp(job, &row->arguments, reading, &mlp_table_now.data->train,
                &mlp_table_now.data->test);
}

/* title names the table; name is that of the last network's plots, what describes it. */
static inline void report_mlp_table(experiment *e, const experiment_data *data, const mlp_row *rows,
                                    int count, const char *title, const char *name,
                                    const char *what)
{
    const int readings = EXPERIMENT_COUNT(mlp_readings), last = count - 1;
    char plot[32];
    mlp_table_now.data = data;
    mlp_table_now.rows = rows;
    experiment_each(e, count * readings, e->seeds, run_mlp_row);
    report_table(e, rows, count, readings);
    plot_losses(e, rows, last, readings, title);
    for (int i = READING_A; i <= READING_B; i++) {
        snprintf(plot, sizeof plot, "%s%s", name, i == READING_A ? "" : "-B");
        plot_run(e, last * readings + i, &rows[last], &mlp_readings[i], plot, what);
    }
}

#endif
