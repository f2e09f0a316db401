/* What callers were not meant to do: a callback that changes the fit which calls it. Each is
 * refused or does what it says, and never writes where nothing is. */
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"

enum { ROWS = 30, INPUTS = 4, CLASSES = 3 };

static fnn_real features[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset make_data(void)
{
    fill_reals(features, ROWS * INPUTS, 1, 1);
    fill_labels(labels, ROWS, 1, 2, CLASSES);
    return with_labels(table_of(features, ROWS, INPUTS), labels, CLASSES);
}

static fnn_model *make_model(const fnn_context_config *config)
{
    fnn_model *m = fnn_sequential_with(config, 1, 1, INPUTS);
    fnn_dense(m, 5, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    return m;
}

static fnn_fit_config make_config(int epochs)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.epochs = epochs;
    c.batch_size = 8;
    return c;
}

static int same_parameters(fnn_model *a, fnn_model *b)
{
    size_t count = 0, other = 1;
    const fnn_real *x = fnn_parameters(a, &count), *y = fnn_parameters(b, &other);
    return count == other && !memcmp(x, y, count * sizeof *x);
}

/* ---- an allocator that sees a step behind a block ---- */

#define CANARY 64

typedef struct {
    size_t bytes, unused; /* which keeps the block aligned */
} canary_head;

static int canaries_lost;

static void *canary_allocate(void *user, size_t bytes)
{
    canary_head *head = (canary_head *)malloc(sizeof *head + bytes + CANARY);
    (void)user;
    if (!head) return NULL;
    head->bytes = bytes;
    memset((char *)(head + 1) + bytes, 0xa5, CANARY);
    return head + 1;
}

static void canary_release(void *user, void *memory)
{
    canary_head *head = (canary_head *)memory - 1;
    const unsigned char *behind = (unsigned char *)memory + head->bytes;
    int i;
    (void)user;
    for (i = 0; i < CANARY; i++) canaries_lost += behind[i] != 0xa5;
    free(head);
}

/* ---- callbacks ---- */

typedef struct {
    fnn_fit_config *config;
    int at, epochs; /* behind that epoch it asks for so many */
} more_epochs;

static int ask_for_more(void *user, const fnn_epoch *epoch)
{
    const more_epochs *more = (const more_epochs *)user;
    if (epoch->epoch == more->at) more->config->epochs = more->epochs;
    return 0;
}

/* A fit that a callback makes longer is the longer fit. */
static void a_callback_may_ask_for_more_epochs(void)
{
    const fnn_dataset data = make_data();
    fnn_context_config canaries = fnn_context_config_init();
    fnn_model *whole = make_model(NULL), *m;
    fnn_fit_config longer = make_config(7), c = make_config(3);
    more_epochs more = {NULL, 2, 7};
    fnn_history history;
    memset(&history, 0, sizeof history);
    canaries_lost = 0;
    canaries.allocator.allocate = canary_allocate;
    canaries.allocator.release = canary_release;
    m = make_model(&canaries);
    more.config = &c;
    c.callback = ask_for_more;
    c.user = &more;
    CHECK(!fnn_fit(whole, &data, &longer, NULL));
    CHECK(!fnn_fit(m, &data, &c, &history));
    CHECKF(history.count == 7, "%d epochs", history.count);
    CHECK(same_parameters(m, whole));
    fnn_history_free(&history);
    CHECK(!fnn_resume(m, &data, &longer, &history));
    CHECKF(history.count == 7, "%d epochs are known", history.count);
    fnn_history_free(&history);
    fnn_model_free(m);
    fnn_model_free(whole);
    CHECKF(canaries_lost == 0, "%d bytes behind blocks were written", canaries_lost);
}

static int spoil_labels(void *user, const fnn_epoch *epoch)
{
    (void)epoch;
    labels[7] = CLASSES;
    ((fnn_fit_config *)user)->callback = NULL;
    return 0;
}

/* What a callback leaves is looked at, also when it is not there any more. */
static void a_callback_that_takes_itself_out_is_checked(void)
{
    const fnn_dataset data = make_data();
    fnn_model *m = make_model(NULL);
    fnn_fit_config c = make_config(3);
    c.callback = spoil_labels;
    c.user = &c;
    CHECK(fnn_fit(m, &data, &c, NULL) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(fnn_model_error(m)->message, "label") != NULL, "%s", fnn_model_error(m)->message);
    fnn_model_free(m);
}

static const harness_test tests[] = {
    TEST(a_callback_may_ask_for_more_epochs),
    TEST(a_callback_that_takes_itself_out_is_checked),
};

HARNESS_MAIN(tests)
