/* Learning-rate schedules against values worked out by hand and against PyTorch's way of writing
 * one-cycle; fit against the opened step with the same rates; averaged weights against a twin. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"

enum { ROWS = 50, INPUTS = 7, CLASSES = 3, BATCH = 16, STEPS = 4, MOST = 200000 };

static fnn_real measurements[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset make_data(void)
{
    int i;
    fill_reals(measurements, ROWS * INPUTS, 1, 2);
    for (i = 0; i < ROWS * INPUTS; i++) measurements[i] /= 2;
    for (i = 0; i < ROWS; i++)
        labels[i] = (measurements[i * INPUTS] > 0) + (measurements[i * INPUTS + 1] > 0);
    return with_labels(table_of(measurements, ROWS, INPUTS), labels, CLASSES);
}

static fnn_model *make_network(int threads, int hidden)
{
    fnn_model *m = model_on(FNN_ISA_BEST, threads, 1, 1, INPUTS);
    fnn_set_seed(m, 3);
    fnn_dense(m, hidden, FNN_TANH);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static fnn_fit_config make_config(void)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_momentum(.25, .9);
    c.epochs = 3;
    c.batch_size = BATCH; /* 50 rows: four steps an epoch, the last with 2 rows */
    c.shuffle = 0;
    return c;
}

static fnn_schedule warmed(fnn_schedule s, int64_t steps)
{
    s.warmup_steps = steps;
    return s;
}

/* ---- the formulas ---- */

typedef struct {
    fnn_schedule schedule;
    int step, total, per_epoch;
    double factor;
} rate_row;

/* Which kinds a test has had; at its end, that these are all of FNN_SCHEDULE_LIST. */
static int had[FNN_SCHEDULE_COUNT];

static void check_all_were_there(void)
{
    int kind;
    for (kind = 0; kind < FNN_SCHEDULE_COUNT; kind++) CHECKF(had[kind], "no row of kind %d", kind);
    memset(had, 0, sizeof had); /* for the next test */
}

static void check_rows(const rate_row *rows, int count)
{
    int i;
    for (i = 0; i < count; i++) {
        const rate_row *r = rows + i;
        const double rate = fnn_schedule_rate(&r->schedule, .5, r->step, r->total, r->per_epoch);
        had[r->schedule.kind] = 1;
        CHECKF(fabs(rate - .5 * r->factor) < 1e-12,
               "row %d: kind %d, step %d of %d: expected %.15g, found %.15g", i,
               (int)r->schedule.kind, r->step, r->total, .5 * r->factor, rate);
    }
}

static void rates_are_those_worked_out_by_hand(void)
{
    const fnn_schedule constant = fnn_schedule_constant(), step = fnn_schedule_step_decay(2, .1);
    const fnn_schedule smooth = fnn_schedule_exponential(.25), zero = fnn_schedule_cosine(0);
    const fnn_schedule low = fnn_schedule_cosine(.2), cycle = fnn_schedule_one_cycle();
    const fnn_schedule line = fnn_schedule_linear();
    /* clang-format off */
    const rate_row rows[] = {
        {constant, 0, 10, 5, 1},       {constant, 9, 10, 5, 1},
        {step, 0, 40, 5, 1},           {step, 9, 40, 5, 1}, /* two epochs of five steps */
        {step, 10, 40, 5, .1},         {step, 19, 40, 5, .1},
        {step, 20, 40, 5, .01},        {step, 39, 40, 5, .001},
        {smooth, 0, 8, 2, 1},          {smooth, 1, 8, 2, .5}, /* half an epoch: the root */
        {smooth, 2, 8, 2, .25},        {smooth, 5, 8, 2, .03125},
        {zero, 0, 12, 3, 1},           {zero, 4, 12, 3, .75}, /* cos(pi/3) = 1/2 */
        {zero, 6, 12, 3, .5},          {zero, 8, 12, 3, .25},
        {low, 0, 12, 3, 1},            {low, 6, 12, 3, .6},
        {low, 8, 12, 3, .4},           {line, 0, 8, 2, 1},
        {line, 4, 8, 2, .5},           {line, 7, 8, 2, .125},
        {cycle, 0, 10, 5, .04},        {cycle, 1, 10, 5, .52}, /* up until step .3 * 10 - 1 */
        {cycle, 2, 10, 5, 1},          {cycle, 9, 10, 5, 4e-6},
        {cycle, 5, 9, 3, .46263710266697505}, /* its peak is at step 1.7: 3.3 / 6.3 down */
    };
    /* clang-format on */
    check_rows(rows, (int)(sizeof rows / sizeof rows[0]));
    check_all_were_there();
}

static void warm_up_comes_first(void)
{
    const fnn_schedule constant = warmed(fnn_schedule_constant(), 4);
    const fnn_schedule zero = warmed(fnn_schedule_cosine(0), 4);
    const fnn_schedule line = warmed(fnn_schedule_linear(), 2);
    const fnn_schedule cycle = warmed(fnn_schedule_one_cycle(), 2);
    const fnn_schedule step = warmed(fnn_schedule_step_decay(1, .5), 2);
    const fnn_schedule smooth = warmed(fnn_schedule_exponential(.25), 2);
    const rate_row rows[] = {
        {constant, 0, 10, 5, .25}, {constant, 3, 10, 5, 1}, {constant, 4, 10, 5, 1},
        {zero, 2, 16, 4, .75},     {zero, 3, 16, 4, 1},     {zero, 4, 16, 4, 1},
        {zero, 8, 16, 4, .75},     {zero, 12, 16, 4, .25},  {line, 0, 10, 5, .5},
        {line, 6, 10, 5, .5},      {line, 9, 10, 5, .125},  {cycle, 0, 12, 5, .02},
        {cycle, 1, 12, 5, .04},    {cycle, 2, 12, 5, .04},  {cycle, 4, 12, 5, 1},
        {cycle, 11, 12, 5, 4e-6},  {step, 0, 12, 4, .5},    {step, 4, 12, 4, .5},
        {step, 8, 12, 4, .25},     {smooth, 1, 12, 2, .5},  {smooth, 2, 12, 2, .25},
    };
    check_rows(rows, (int)(sizeof rows / sizeof rows[0]));
    check_all_were_there();
}

static void edges_have_rates(void)
{
    const fnn_schedule line = fnn_schedule_linear(), zero = fnn_schedule_cosine(0);
    const fnn_schedule cycle = fnn_schedule_one_cycle(), step = fnn_schedule_step_decay(1, .5);
    const fnn_schedule slow = warmed(fnn_schedule_cosine(0), 100);
    fnn_schedule steep = cycle, late = cycle, peak = cycle;
    steep.rise = 0;
    late.rise = 1;
    peak.rise = .1;
    {
        const rate_row rows[] = {
            {line, 0, 0, 1, 1},      {zero, 0, 0, 1, 1},    {cycle, 0, 0, 1, .04}, /* no steps */
            {line, 0, 1, 1, 1},      {zero, 0, 1, 1, 1},    {step, 0, 1, 1, 1},    /* one */
            {cycle, 0, 1, 1, 4e-6}, /* as PyTorch: the first is the last */
            {line, 99, 10, 1, .1},   {line, -5, 10, 1, 1},  {step, 9, 3, 1, .25}, /* outside */
            {slow, 0, 10, 1, .01},   {slow, 9, 10, 1, .1},  {slow, 50, 10, 1, .1},
            {steep, 9, 10, 1, 4e-6}, {late, 0, 10, 1, .04}, {late, 9, 10, 1, 1},
            {late, 0, 1, 1, 1},      {peak, 0, 10, 1, 1}, /* 0 / 0 in PyTorch */
        };
        check_rows(rows, (int)(sizeof rows / sizeof rows[0]));
    }
    CHECK(fnn_schedule_rate(NULL, .5, 3, 10, 5) == .5);
    CHECK(fnn_schedule_rate(&line, 0, 3, 10, 5) == 0);
    CHECK(fnn_schedule_rate(&zero, 1, (int64_t)1 << 40, (int64_t)1 << 41, 1 << 30) == .5);
}

/* OneCycleLR.get_lr as PyTorch writes it: a list of phases, searched for the step's. */
static double torch_one_cycle(int step, int total, double rise, double start, double end)
{
    const double ends[2] = {rise * total - 1, (double)total - 1};
    const double from[2] = {start, 1}, to[2] = {1, end};
    double begin = 0;
    int phase;
    for (phase = 0; phase < 2; phase++) {
        if (step <= ends[phase] || phase == 1) break;
        begin = ends[phase];
    }
    return to[phase] + (from[phase] - to[phase]) / 2 *
                           (1 + cos(acos(-1.) * (step - begin) / (ends[phase] - begin)));
}

static void one_cycle_is_pytorchs(void)
{
    static const double rises[] = {0, .01, .25, .3, .5, .77, 1};
    int total, step, i;
    for (i = 0; i < 7; i++)
        for (total = 2; total < 60; total++)
            for (step = 0; step < total; step++) {
                fnn_schedule s = fnn_schedule_one_cycle();
                double expected, found;
                s.rise = rises[i];
                expected = torch_one_cycle(step, total, s.rise, s.start, s.end);
                found = fnn_schedule_rate(&s, 1, step, total, 0);
                if (step == 0 && s.rise * total == 1) continue; /* it divides 0 by 0 */
                CHECKF(fabs(found - expected) < 1e-13, "rise %g, step %d of %d: %.17g, %.17g",
                       s.rise, step, total, expected, found);
            }
}

/* ---- what is refused ---- */

static void check_refused(const fnn_schedule *s, const char *word)
{
    fnn_dataset data = make_data();
    fnn_model *m = make_network(1, 5);
    fnn_fit_config c = make_config();
    const double rate = fnn_schedule_rate(s, 1, 0, 10, 5);
    c.schedule = *s;
    CHECKF(rate != rate, "%s: a rate of %g", word, rate);
    CHECKF(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT, "%s: accepted", word);
    CHECKF(strstr(fnn_model_error(m)->message, word) != NULL, "%s: the message is %s", word,
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

static void wrong_schedules_are_refused(void)
{
    fnn_schedule s = fnn_schedule_constant();
    s.kind = FNN_SCHEDULE_COUNT;
    check_refused(&s, "schedule: expected a kind and warmup_steps >= 0, found kind ");
    s = warmed(fnn_schedule_linear(), -1), check_refused(&s, ", -1");
    s = fnn_schedule_step_decay(0, .1);
    check_refused(&s, "schedule: expected a drop every 1 epoch or more, found every 0, gamma 0.1,");
    s = fnn_schedule_step_decay(1, -.1);
    check_refused(&s, "schedule: expected a finite gamma >= 0, found every 1, gamma -0.1,");
    s = fnn_schedule_exponential(FNNI_NAN),
    check_refused(&s, "expected a finite gamma >= 0, found");
    s = fnn_schedule_exponential((double)INFINITY), check_refused(&s, "gamma inf");
    s = fnn_schedule_cosine(1.5);
    check_refused(&s, "schedule: expected lowest in 0..1, found every 0, gamma 0, lowest 1.5,");
    s = fnn_schedule_cosine(FNNI_NAN), check_refused(&s, "expected lowest in 0..1");
    s = fnn_schedule_one_cycle(), s.rise = 2;
    check_refused(&s, "schedule: expected rise, start and end in 0..1, found every 0, gamma 0, "
                      "lowest 0, rise 2, start 0.04, end 4e-06");
    s = fnn_schedule_one_cycle(), s.start = -1, check_refused(&s, "start -1");
    s = fnn_schedule_one_cycle(), s.end = FNNI_NAN, check_refused(&s, "rise, start and end in");
    s = fnn_schedule_step_decay(1, .1);
    CHECK(!(fnn_schedule_rate(&s, 1, 0, 10, 0) <= 1));
}

/* ---- fit ---- */

/* The opened step with the schedule's rates; average NULL, or the twin of the averaged weights. */
static void steps_by_hand(fnn_model *m, const fnn_dataset *data, const fnn_schedule *schedule,
                          double decay, double *average)
{
    fnn_fit_config c = make_config();
    const double base = (double)c.optimizer.learning_rate;
    size_t count, j;
    const fnn_real *w = fnn_parameters(m, &count);
    int64_t samples[BATCH];
    int step, i;
    for (j = 0; average && j < count; j++) average[j] = (double)w[j];
    for (step = 0; step < c.epochs * STEPS; step++) {
        const int first = step % STEPS * BATCH, rows = ROWS - first < BATCH ? ROWS - first : BATCH;
        const double t = step + 1, ramp = (1 + t) / (10 + t), d = decay < ramp ? decay : ramp;
        for (i = 0; i < rows; i++) samples[i] = first + i;
        c.optimizer.learning_rate =
            (fnn_real)fnn_schedule_rate(schedule, base, step, c.epochs * STEPS, STEPS);
        CHECK(!fnn_forward(m, data, samples, rows, 1) && !fnn_loss(m, NULL) && !fnn_backward(m) &&
              !fnn_step(m, &c));
        for (j = 0; average && j < count; j++) average[j] = d * average[j] + (1 - d) * (double)w[j];
    }
}

static int same_weights(fnn_model *a, fnn_model *b)
{
    size_t n, m;
    const fnn_real *x = fnn_parameters(a, &n), *y = fnn_parameters(b, &m);
    return n == m && !memcmp(x, y, n * sizeof *x);
}

static void fit_takes_the_rates_of_its_schedule(void)
{
    fnn_schedule all[] = {fnn_schedule_constant(),           fnn_schedule_step_decay(1, .5),
                          fnn_schedule_exponential(.5),      fnn_schedule_cosine(.01),
                          fnn_schedule_one_cycle(),          fnn_schedule_linear(),
                          warmed(fnn_schedule_cosine(0), 5), warmed(fnn_schedule_constant(), 50)};
    const int count = (int)(sizeof all / sizeof all[0]);
    fnn_dataset data = make_data();
    int i, j;
    memset(had, 0, sizeof had);
    for (i = 0; i < count; i++) {
        fnn_model *fitted = make_network(1, 5), *stepped = make_network(1, 5);
        fnn_model *other = make_network(1, 5);
        fnn_fit_config c = make_config();
        fnn_history history;
        memset(&history, 0, sizeof history);
        c.schedule = all[i];
        had[all[i].kind] = 1;
        CHECKF(!fnn_fit(fitted, &data, &c, &history), "%s", fnn_model_error(fitted)->message);
        steps_by_hand(stepped, &data, all + i, 0, NULL);
        CHECKF(same_weights(fitted, stepped), "schedule %d: other weights than by hand", i);
        for (j = 0; j < 3; j++)
            CHECK(history.epochs[j].learning_rate ==
                  (double)(fnn_real)fnn_schedule_rate(all + i, .25, STEPS * j + STEPS - 1,
                                                      3 * STEPS, STEPS));
        steps_by_hand(other, &data, all + (i + 1) % count, 0, NULL);
        CHECKF(!same_weights(fitted, other), "schedule %d cannot be told from the next", i);
        fnn_history_free(&history);
        fnn_model_free(fitted);
        fnn_model_free(stepped);
        fnn_model_free(other);
    }
    check_all_were_there();
}

static void a_fit_of_no_epochs_changes_nothing(void)
{
    fnn_dataset data = make_data();
    fnn_model *m = make_network(1, 5), *fresh = make_network(1, 5);
    fnn_fit_config c = make_config();
    c.schedule = fnn_schedule_one_cycle();
    c.ema_decay = .9;
    c.epochs = 0;
    CHECK(!fnn_fit(m, &data, &c, NULL) && same_weights(m, fresh));
    fnn_model_free(m);
    fnn_model_free(fresh);
}

/* ---- averaged weights ---- */

static double twin[MOST];

/* Largest difference between a model's weights and the twin's averages. */
static double distance(fnn_model *m)
{
    size_t n, i;
    const fnn_real *w = fnn_parameters(m, &n);
    double most = 0;
    for (i = 0; i < n; i++)
        if (!(fabs((double)w[i] - twin[i]) <= most)) most = fabs((double)w[i] - twin[i]);
    return most;
}

static void fit_leaves_the_averaged_weights(void)
{
    static const double decays[] = {.05, .3, .5, .999};
    const double tolerance = FNNI_REAL_IS_DOUBLE ? 1e-14 : 1e-5;
    const fnn_schedule constant = fnn_schedule_constant();
    fnn_dataset data = make_data();
    int i;
    for (i = 0; i < 4; i++) {
        fnn_model *fitted = make_network(1, 40), *stepped = make_network(1, 40);
        fnn_fit_config c = make_config();
        c.ema_decay = decays[i];
        CHECKF(!fnn_fit(fitted, &data, &c, NULL), "%s", fnn_model_error(fitted)->message);
        steps_by_hand(stepped, &data, &constant, decays[i], twin);
        CHECKF(distance(fitted) < tolerance, "decay %g: %g off", decays[i], distance(fitted));
        CHECKF(distance(stepped) > 100 * tolerance, "decay %g: as without averages", decays[i]);
        steps_by_hand(stepped, &data, &constant, decays[i] / 2, twin); /* the broken case */
        CHECK(distance(fitted) > 100 * tolerance);
        fnn_model_free(fitted);
        fnn_model_free(stepped);
    }
}

typedef struct {
    fnn_model *model;
    const fnn_dataset *data;
    const fnn_real *parameters;
    fnn_real *best;
    double best_loss;
    int calls;
} witness;

/* The model that a callback sees has the losses that the epoch reports. */
static int look(void *user, const fnn_epoch *e)
{
    witness *w = (witness *)user;
    fnn_metrics metrics;
    size_t count;
    const fnn_real *now = fnn_parameters(w->model, &count);
    CHECK(!fnn_evaluate(w->model, NULL, w->data, &metrics));
    CHECKF(metrics.loss == e->validation_loss, "epoch %d: %g in the callback, %g reported",
           e->epoch, metrics.loss, e->validation_loss);
    CHECK(now == w->parameters);
    if (w->calls++ == 0 || e->validation_loss < w->best_loss) {
        w->best_loss = e->validation_loss;
        memcpy(w->best, now, count * sizeof *now);
    }
    return 0;
}

static void validation_and_best_weights_are_averages(void)
{
    static fnn_real best[MOST];
    fnn_dataset data = make_data();
    fnn_model *m = make_network(1, 5), *plain = make_network(1, 5);
    fnn_fit_config c = make_config();
    fnn_history averaged, without;
    witness w;
    memset(&w, 0, sizeof w);
    memset(&averaged, 0, sizeof averaged);
    memset(&without, 0, sizeof without);
    c.optimizer.learning_rate = 3; /* losses go up and down */
    c.validation = &data;
    c.epochs = 8;
    CHECK(!fnn_fit(plain, &data, &c, &without));
    w.model = m;
    w.data = &data;
    w.best = best;
    w.parameters = fnn_parameters(m, NULL);
    c.callback = look;
    c.user = &w;
    c.ema_decay = .9;
    c.restore_best = 1;
    CHECK(!fnn_fit(m, &data, &c, &averaged) && w.calls == 8);
    CHECK(!memcmp(best, fnn_parameters(m, NULL), m->parameter_count * sizeof *best));
    CHECK(averaged.epochs[0].loss == without.epochs[0].loss); /* the same steps were taken */
    CHECK(averaged.epochs[7].loss == without.epochs[7].loss);
    CHECK(averaged.epochs[7].validation_loss != without.epochs[7].validation_loss);
    fnn_history_free(&averaged);
    fnn_history_free(&without);
    fnn_model_free(m);
    fnn_model_free(plain);
}

/* ---- batch norm ---- */

static fnn_model *make_normed(void)
{
    fnn_model *m = fnn_sequential_with(NULL, 1, 1, INPUTS);
    fnn_set_seed(m, 3);
    fnn_dense(m, 20, FNN_LINEAR);
    fnn_batch_norm(m);
    fnn_activate(m, FNN_RELU, 0);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

/* The running statistics go with the weights they belong to. */
static void best_weights_bring_their_statistics(void)
{
    static const double decays[] = {0, .9};
    fnn_dataset data = make_data();
    int i, j;
    for (i = 0; i < 2; i++) {
        fnn_model *m = make_normed();
        fnn_fit_config c = make_config();
        fnn_history history;
        fnn_metrics metrics;
        double best = (double)INFINITY;
        memset(&history, 0, sizeof history);
        c.optimizer.learning_rate = 3;
        c.validation = &data;
        c.epochs = 8;
        c.ema_decay = decays[i];
        c.restore_best = 1;
        CHECKF(!fnn_fit(m, &data, &c, &history), "%s", fnn_model_error(m)->message);
        CHECK(!fnn_evaluate(m, NULL, &data, &metrics));
        for (j = 0; j < 8; j++)
            if (history.epochs[j].validation_loss < best) best = history.epochs[j].validation_loss;
        CHECKF(metrics.loss == best, "decay %g: %g, best epoch %g", decays[i], metrics.loss, best);
        CHECK(best < history.epochs[7].validation_loss); /* else nothing was put back */
        fnn_history_free(&history);
        fnn_model_free(m);
    }
}

static void statistics_are_averaged(void)
{
    fnn_dataset data = make_data();
    fnn_model *fitted = make_normed(), *stepped = make_normed();
    fnn_fit_config c = make_config();
    double average[40];
    int i, j;
    c.ema_decay = .9;
    c.epochs = 1;
    CHECK(!fnn_fit(fitted, &data, &c, NULL) && fitted->statistics_count == 40);
    CHECK(!fnn_seal(stepped));
    for (j = 0; j < 40; j++) average[j] = (double)stepped->statistics[j];
    for (i = 0; i < STEPS; i++) {
        int64_t samples[BATCH];
        const int first = i * BATCH, rows = ROWS - first < BATCH ? ROWS - first : BATCH;
        const double t = i + 1, d = (1 + t) / (10 + t); /* below .9 so early */
        for (j = 0; j < rows; j++) samples[j] = first + j;
        CHECK(!fnn_forward(stepped, &data, samples, rows, 1) && !fnn_loss(stepped, NULL) &&
              !fnn_backward(stepped) && !fnn_step(stepped, &c));
        for (j = 0; j < 40; j++)
            average[j] = d * average[j] + (1 - d) * (double)stepped->statistics[j];
    }
    for (j = 0; j < 40; j++)
        CHECKF(fabs((double)fitted->statistics[j] - average[j]) < 1e-5 * (1 + fabs(average[j])),
               "statistic %d: %g, expected %g", j, (double)fitted->statistics[j], average[j]);
    fnn_model_free(fitted);
    fnn_model_free(stepped);
}

static void averages_have_the_same_bits_on_any_threads(void)
{
    static const int counts[] = {2, 3, 7, 16};
    const int hidden = 15000; /* 165003 parameters: more than FNNI_AVERAGE_WORK */
    fnn_dataset data = make_data();
    fnn_model *one = make_network(1, hidden);
    fnn_fit_config c = make_config();
    int i;
    c.ema_decay = .9;
    c.epochs = 1;
    CHECK(!fnn_fit(one, &data, &c, NULL) && one->parameter_count > FNNI_AVERAGE_WORK);
    for (i = 0; i < 4; i++) {
        fnn_model *many = make_network(counts[i], hidden);
        CHECK(!fnn_fit(many, &data, &c, NULL));
        CHECKF(same_weights(one, many), "%d threads give other bits", counts[i]);
        fnn_model_free(many);
    }
    fnn_model_free(one);
}

static void wrong_decays_are_refused(void)
{
    static const double wrong[] = {-.1, 1, 2, (double)NAN};
    fnn_dataset data = make_data();
    int i;
    for (i = 0; i < 4; i++) {
        fnn_model *m = make_network(1, 5);
        fnn_fit_config c = make_config();
        c.ema_decay = wrong[i];
        CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
        CHECK(strstr(fnn_model_error(m)->message, "ema_decay") != NULL);
        fnn_model_free(m);
    }
}

static const harness_test tests[] = {
    TEST(rates_are_those_worked_out_by_hand),
    TEST(warm_up_comes_first),
    TEST(edges_have_rates),
    TEST(one_cycle_is_pytorchs),
    TEST(wrong_schedules_are_refused),
    TEST(fit_takes_the_rates_of_its_schedule),
    TEST(a_fit_of_no_epochs_changes_nothing),
    TEST(fit_leaves_the_averaged_weights),
    TEST(validation_and_best_weights_are_averages),
    TEST(best_weights_bring_their_statistics),
    TEST(statistics_are_averaged),
    TEST(averages_have_the_same_bits_on_any_threads),
    TEST(wrong_decays_are_refused),
};
HARNESS_MAIN(tests)
