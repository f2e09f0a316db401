/* Views of data sets: splits, folds, subsets, shuffles; what fnn_dataset_check finds; and the
 * normalisations against naive loops. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#include "../fmnist_nn.h"
#include "budget.h"
#include "datasets.h"
#include <math.h>

/* Adds 1 to seen[row] of each sample, and checks that the view is one. */
static void mark(const fnn_dataset *view, const fnn_dataset *parent, int *seen)
{
    int64_t i;
    CHECK(view->reals == parent->reals && view->labels == parent->labels);
    CHECK(view->count == 0 || fnn_dataset_check(view, NULL) == FNN_OK);
    for (i = 0; i < view->count; i++) seen[view->index[i]]++;
}

static int all_are(const int *seen, int64_t count, int value)
{
    int64_t i;
    for (i = 0; i < count; i++)
        if (seen[i] != value) return 0;
    return 1;
}

static void splits_partition(void)
{
    static fnn_real reals[200];
    static int32_t labels[100];
    fnn_dataset data, first, second, again, rest;
    int64_t n, i;
    int shuffle, differ = 0;
    make_table(&data, reals, labels, 100);
    for (shuffle = 0; shuffle < 2; shuffle++)
        for (n = 0; n <= 100; n += n < 3 || n > 96 ? 1 : 7) {
            int seen[100] = {0};
            if (!CHECK(!fnn_dataset_split(&data, n, shuffle, 42, &first, &second, NULL))) return;
            CHECK(first.count == n && second.count == 100 - n);
            mark(&first, &data, seen);
            mark(&second, &data, seen);
            CHECK(all_are(seen, 100, 1));
            CHECK(!fnn_dataset_split(&data, n, shuffle, 42, &again, &rest, NULL));
            for (i = 0; i < n; i++) CHECK(first.index[i] == again.index[i]);
            for (i = 0; i < n; i++) differ += first.index[i] != i;
            if (!shuffle) CHECK(differ == 0);
            fnn_dataset_free(&first), fnn_dataset_free(&second);
            fnn_dataset_free(&again), fnn_dataset_free(&rest);
        }
    CHECK(differ > 500);
    CHECK(!fnn_dataset_shuffle(&data, 1, &first, NULL) &&
          !fnn_dataset_shuffle(&data, 2, &second, NULL));
    for (i = differ = 0; i < 100; i++) differ += first.index[i] != second.index[i];
    CHECKF(differ > 80, "seeds 1 and 2 differ at %d places only", differ);
    fnn_dataset_free(&first), fnn_dataset_free(&second);
}

static void folds_partition(void)
{
    static fnn_real reals[200];
    static int32_t labels[100];
    fnn_dataset data, train, validation;
    int folds, fold, shuffle;
    int64_t count, i;
    for (count = 2; count <= 100; count += count < 12 ? 1 : 29)
        for (shuffle = 0; shuffle < 2; shuffle++)
            for (folds = 2; folds <= count; folds += folds < 7 ? 1 : 13) {
                int validated[100] = {0};
                make_table(&data, reals, labels, count);
                for (fold = 0; fold < folds; fold++) {
                    int seen[100] = {0};
                    CHECK(!fnn_dataset_fold(&data, folds, fold, shuffle, 7, &train, &validation,
                                            NULL));
                    CHECK(validation.count == count / folds + (fold < count % folds));
                    mark(&train, &data, seen);
                    mark(&validation, &data, seen);
                    mark(&validation, &data, validated);
                    CHECK(all_are(seen, count, 1));
                    for (i = 1; !shuffle && i < train.count; i++)
                        CHECK(train.index[i] > train.index[i - 1]);
                    fnn_dataset_free(&train), fnn_dataset_free(&validation);
                }
                CHECK(all_are(validated, count, 1));
            }
}

static void views_of_views(void)
{
    static fnn_real reals[200];
    static int32_t labels[100];
    static const int64_t samples[5] = {3, 0, 3, 9, 1};
    fnn_dataset data, shuffled, first, second, picked, train, validation;
    int64_t i, counts[3], total = 0;
    int seen[100] = {0};
    make_table(&data, reals, labels, 100);
    CHECK(!fnn_dataset_shuffle(&data, 5, &shuffled, NULL));
    CHECK(!fnn_dataset_split(&shuffled, 10, 0, 0, &first, &second, NULL));
    CHECK(!fnn_dataset_subset(&first, samples, 5, &picked, NULL));
    for (i = 0; i < 10; i++) CHECK(first.index[i] == shuffled.index[i]);
    for (i = 0; i < 5; i++) CHECK(picked.index[i] == shuffled.index[samples[i]]);
    CHECK(picked.rows == 100 && fnn_dataset_check(&picked, NULL) == FNN_OK);
    CHECK(!fnn_dataset_fold(&second, 4, 2, 1, 9, &train, &validation, NULL));
    mark(&train, &data, seen);
    mark(&validation, &data, seen);
    for (i = 0; i < 100; i++) total += seen[i];
    CHECK(total == 90);
    for (i = 0; i < 10; i++) CHECK(seen[first.index[i]] == 0);
    CHECK(fnn_dataset_class_counts(&picked, counts) == FNN_OK);
    CHECK(counts[0] + counts[1] + counts[2] == 5);
    for (i = 0; i < 5; i++) counts[labels[picked.index[i]]]--;
    CHECK(counts[0] == 0 && counts[1] == 0 && counts[2] == 0);
    fnn_dataset_free(&picked);
    CHECK(!fnn_dataset_subset(&shuffled, NULL, 0, &picked, NULL));
    counts[0] = 7;
    CHECK(!fnn_dataset_class_counts(&picked, counts) && counts[0] == 0); /* of no samples */
    fnn_dataset_free(&train), fnn_dataset_free(&validation), fnn_dataset_free(&picked);
    fnn_dataset_free(&first), fnn_dataset_free(&second), fnn_dataset_free(&shuffled);
}

/* ---- stratified parts ---- */

enum { MOST = 101, KINDS = 4 };

/* Samples of unequal classes, in blocks: 1 of class 0, then 3, 8 and all others. */
static void make_strata(fnn_dataset *data, fnn_real *reals, int32_t *labels, int64_t count)
{
    int64_t i;
    make_table(data, reals, labels, count);
    for (i = 0; i < count; i++) labels[i] = i < 1 ? 0 : i < 4 ? 1 : i < 12 ? 2 : 3;
    data->classes = KINDS;
}

static int within_one(int64_t found, double share)
{
    return fabs((double)found - share) < 1;
}

static void stratified_splits_share_out_each_class(void)
{
    static fnn_real reals[2 * MOST];
    static int32_t labels[MOST];
    fnn_dataset data, first, second, other, rest;
    int64_t all[KINDS], counts[KINDS], n, i, differ = 0;
    int k;
    make_strata(&data, reals, labels, MOST);
    CHECK(!fnn_dataset_class_counts(&data, all));
    for (n = 0; n <= MOST; n++) {
        int seen[MOST] = {0};
        if (!CHECK(!fnn_dataset_split(&data, n, FNN_ORDER_STRATIFIED, 3, &first, &second, NULL)))
            return;
        CHECK(first.count == n && second.count == MOST - n);
        mark(&first, &data, seen);
        mark(&second, &data, seen);
        CHECK(all_are(seen, MOST, 1));
        if (n > 0) CHECK(!fnn_dataset_class_counts(&first, counts));
        for (k = 0; n > 0 && k < KINDS; k++)
            CHECKF(within_one(counts[k], (double)(all[k] * n) / MOST), "%d of %d: %d of class %d",
                   (int)n, MOST, (int)counts[k], k);
        CHECK(!fnn_dataset_split(&data, n, FNN_ORDER_STRATIFIED, 4, &other, &rest, NULL));
        for (i = 0; i < n; i++) differ += other.index[i] != first.index[i]; /* of another seed */
        fnn_dataset_free(&first), fnn_dataset_free(&second);
        fnn_dataset_free(&other), fnn_dataset_free(&rest);
    }
    CHECK(differ > 1000);
}

/* 50, 30 and 20 of three classes, 13 wanted: 6.5, 3.9 and 2.6; the two of the largest remainders
 * are rounded up. */
static void stratified_splits_round_up_the_largest_remainders(void)
{
    static fnn_real reals[200];
    static int32_t labels[100];
    fnn_dataset data, first, second;
    int64_t counts[3];
    int i, j, ordered = 0;
    make_table(&data, reals, labels, 100);
    for (i = 0; i < 100; i++) labels[i] = i < 50 ? 0 : i < 80 ? 1 : 2;
    CHECK(!fnn_dataset_split(&data, 13, FNN_ORDER_STRATIFIED, 1, &first, &second, NULL));
    CHECK(!fnn_dataset_class_counts(&first, counts));
    CHECK(counts[0] == 6 && counts[1] == 4 && counts[2] == 3);
    for (j = 1; j < 87; j++) ordered += second.index[j] > second.index[j - 1];
    CHECKF(ordered > 20 && ordered < 66, "%d pairs in order: the classes are not mixed", ordered);
    fnn_dataset_free(&first), fnn_dataset_free(&second);
}

static void stratified_folds_share_out_each_class(void)
{
    static fnn_real reals[2 * MOST];
    static int32_t labels[MOST];
    fnn_dataset data, train, validation;
    int64_t all[KINDS], counts[KINDS], count;
    int folds, fold, k;
    for (count = 12; count <= MOST; count += 89)
        for (folds = 2; folds <= count; folds += folds < 7 ? 1 : 13) {
            int validated[MOST] = {0};
            make_strata(&data, reals, labels, count);
            CHECK(!fnn_dataset_class_counts(&data, all));
            for (fold = 0; fold < folds; fold++) {
                int seen[MOST] = {0};
                CHECK(!fnn_dataset_fold(&data, folds, fold, FNN_ORDER_STRATIFIED, 7, &train,
                                        &validation, NULL));
                CHECK(validation.count == count / folds + (fold < count % folds));
                mark(&train, &data, seen);
                mark(&validation, &data, seen);
                mark(&validation, &data, validated);
                CHECK(all_are(seen, count, 1));
                CHECK(!fnn_dataset_class_counts(&validation, counts));
                for (k = 0; k < KINDS; k++)
                    CHECKF(within_one(counts[k], (double)all[k] / folds),
                           "fold %d of %d: %d of class %d", fold, folds, (int)counts[k], k);
                fnn_dataset_free(&train), fnn_dataset_free(&validation);
            }
            CHECK(all_are(validated, count, 1));
        }
}

/* Labels say the class where there are both. Targets beside them are of these classes: the largest
 * of other columns would be scored as if it were one, and so they are refused. */
static void stratified_by_labels_beside_targets(void)
{
    static fnn_real reals[80], targets[120];
    static int32_t labels[40];
    fnn_dataset data, first, second;
    int64_t counts[2];
    fnn_error error;
    int i;
    make_table(&data, reals, labels, 40);
    for (i = 0; i < 40; i++) labels[i] = i < 12, targets[2 * i + 1] = 9;
    data.classes = 2;
    data.targets = targets;
    data.target_count = 3;
    CHECK(fnn_dataset_check(&data, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_dataset_split(&data, 10, FNN_ORDER_STRATIFIED, 1, &first, &second, &error) ==
          FNN_ERROR_ARGUMENT);
    CHECK(strstr(error.message, "expected a target_count of 2 or 1, found 3") != NULL);
    data.target_count = 2;
    CHECK(!fnn_dataset_check(&data, NULL) && fnn_dataset_label(&data, 39) == 0);
    CHECK(!fnn_dataset_split(&data, 10, FNN_ORDER_STRATIFIED, 1, &first, &second, NULL));
    CHECK(!fnn_dataset_class_counts(&first, counts) && counts[0] == 7 && counts[1] == 3);
    fnn_dataset_free(&first), fnn_dataset_free(&second);
    CHECK(!fnn_dataset_fold(&data, 4, 1, FNN_ORDER_STRATIFIED, 1, &first, &second, NULL));
    CHECK(!fnn_dataset_class_counts(&second, counts) && counts[0] == 7 && counts[1] == 3);
    fnn_dataset_free(&first), fnn_dataset_free(&second);
}

/* One-hot targets have classes too, also seen through a view; other targets have none. */
static void stratified_by_one_hot_targets(void)
{
    static fnn_real reals[80], targets[80];
    static int32_t labels[40];
    fnn_dataset data, shuffled, first, second;
    fnn_error error;
    int i, ones = 0;
    make_table(&data, reals, labels, 40);
    for (i = 0; i < 40; i++) targets[2 * i + (i % 4 == 0)] = 1; /* a quarter is of class 1 */
    data.labels = NULL;
    data.targets = targets;
    data.target_count = data.classes = 2;
    CHECK(!fnn_dataset_shuffle(&data, 5, &shuffled, NULL));
    CHECK(!fnn_dataset_split(&shuffled, 12, FNN_ORDER_STRATIFIED, 1, &first, &second, NULL));
    for (i = 0; i < 12; i++) ones += first.index[i] % 4 == 0;
    CHECKF(ones == 3, "%d of class 1 among 12", ones);
    fnn_dataset_free(&first), fnn_dataset_free(&second), fnn_dataset_free(&shuffled);
    data.classes = 0;
    CHECK(fnn_dataset_split(&data, 5, FNN_ORDER_STRATIFIED, 0, &first, &second, &error) ==
          FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "neither labels nor one-hot") != NULL, "%s", error.message);
    CHECK(is_zero(&first) && is_zero(&second));
    data.classes = 2;
    data.target_count = 1; /* no and yes in turn */
    for (i = 0; i < 40; i++) targets[i] = (fnn_real)(i % 2);
    CHECK(!fnn_dataset_split(&data, 10, FNN_ORDER_STRATIFIED, 1, &first, &second, NULL));
    for (i = 0, ones = 0; i < 10; i++) ones += (int)first.index[i] % 2;
    CHECKF(ones == 5, "%d of class 1 among 10", ones);
    fnn_dataset_free(&first), fnn_dataset_free(&second);
    data.classes = 1; /* a single class has a single column as well, whatever stands there */
    CHECK(!fnn_dataset_check(&data, NULL) && fnn_dataset_label(&data, 1) == 0);
    CHECK(!fnn_dataset_split(&data, 10, FNN_ORDER_STRATIFIED, 1, &first, &second, NULL));
    CHECK(first.count == 10 && second.count == 30);
    fnn_dataset_free(&first), fnn_dataset_free(&second);
    make_table(&data, reals, labels, 40);
    labels[7] = 3;
    CHECK(fnn_dataset_fold(&data, 5, 0, FNN_ORDER_STRATIFIED, 0, &first, &second, &error) ==
          FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "label 3") != NULL, "%s", error.message);
    CHECK(fnn_dataset_split(&data, 5, 3, 0, &first, &second, &error) == FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "found 3") != NULL, "%s", error.message);
    CHECK(fnn_dataset_split(&data, 5, -1, 0, &first, &second, &error) == FNN_ERROR_ARGUMENT);
}

/* One column of targets says no or yes, and is dealt out as labels of two classes are. */
static void stratified_by_one_column(void)
{
    static fnn_real reals[80], targets[40];
    static int32_t labels[40];
    fnn_dataset data, part[2], whole;
    int i;
    make_table(&data, reals, labels, 40);
    for (i = 0; i < 40; i++) labels[i] = i % 4 == 0, targets[i] = (fnn_real)labels[i];
    data.classes = 2;
    CHECK(!fnn_dataset_split(&data, 12, FNN_ORDER_STRATIFIED, 1, &part[0], &whole, NULL));
    fnn_dataset_free(&whole);
    data.labels = NULL;
    data.targets = targets;
    data.target_count = 1;
    CHECK(!fnn_dataset_split(&data, 12, FNN_ORDER_STRATIFIED, 1, &part[1], &whole, NULL));
    fnn_dataset_free(&whole);
    CHECK(part[1].count == 12 && !memcmp(part[0].index, part[1].index, 12 * sizeof(int64_t)));
    fnn_dataset_free(&part[0]), fnn_dataset_free(&part[1]);
}

/* Targets that are no classes beside labels: their largest would be a class that there is not. */
static void labels_beside_other_targets_are_not_dealt(void)
{
    static fnn_real reals[80], targets[200];
    static int32_t labels[40];
    fnn_dataset data, train, validation;
    fnn_error error;
    int i;
    make_table(&data, reals, labels, 40);
    for (i = 0; i < 40; i++) targets[5 * i + 4] = 1;
    data.targets = targets;
    data.target_count = 5;
    CHECK(fnn_dataset_fold(&data, 5, 0, FNN_ORDER_STRATIFIED, 1, &train, &validation, &error) ==
          FNN_ERROR_ARGUMENT);
    CHECKF(strstr(error.message, "expected a target_count of 3, found 5"), "%s", error.message);
    CHECK(fnn_dataset_check(&data, NULL) == FNN_ERROR_ARGUMENT);
}

/* Two outputs in which something stands, that a failed call must leave as zeros. */
static fnn_dataset a, b;

static void fill_outputs(void)
{
    memset(&a, 0xAA, sizeof a);
    memset(&b, 0xAA, sizeof b);
}

/* What is wrong with a call that was to fail and to zero so many of the outputs, or NULL. */
static const char *fault_of_call(fnn_result found, fnn_result expected, int outputs)
{
    if (found != expected) return "another result";
    if (!is_zero(&a)) return "its first output is not zeroed";
    return outputs < 2 || is_zero(&b) ? NULL : "its second output is not zeroed";
}

#define FAILS(expected, outputs, call)                                     \
    do {                                                                   \
        const char *wrong;                                                 \
        fill_outputs();                                                    \
        wrong = fault_of_call(call, expected, outputs);                    \
        CHECKF(!wrong, "%s: %s", #call, wrong);                            \
        CHECKF(error.code == expected, "%s: error %d", #call, error.code); \
    } while (0)

static void views_reject_wrong_calls(void)
{
    static fnn_real reals[20];
    static int32_t labels[10];
    static const int64_t negative[2] = {0, -1}, beyond[2] = {0, 10};
    fnn_dataset data, odd, bare;
    fnn_error error;
    const fnn_result wrong_call = FNN_ERROR_ARGUMENT;
    make_table(&data, reals, labels, 10);
    odd = data;
    odd.width = 0;
    bare = data;
    bare.labels = NULL;
#define WRONG(outputs, call) FAILS(wrong_call, outputs, call)
    WRONG(2, fnn_dataset_split(&data, -1, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_split(&data, 11, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_split(&data, 5, 3, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_split(&bare, 5, FNN_ORDER_STRATIFIED, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_split(&odd, 5, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_split(NULL, 5, 0, 0, &a, &b, &error));
    /* Each output is zeroed, whatever is wrong with the other. */
    WRONG(1, fnn_dataset_split(&data, 5, 0, 0, &a, &a, &error));
    WRONG(1, fnn_dataset_split(&data, 5, 0, 0, &data, &a, &error));
    WRONG(1, fnn_dataset_split(&data, 5, 0, 0, &a, &data, &error));
    WRONG(1, fnn_dataset_split(&data, 5, 0, 0, NULL, &a, &error));
    WRONG(1, fnn_dataset_split(&data, 5, 0, 0, &a, NULL, &error));
    WRONG(1, fnn_dataset_fold(&data, 5, 0, 0, 0, &a, &a, &error));
    WRONG(1, fnn_dataset_fold(&data, 5, 0, 0, 0, &data, &a, &error));
    WRONG(1, fnn_dataset_fold(&data, 5, 0, 0, 0, &a, &data, &error));
    WRONG(1, fnn_dataset_fold(&data, 5, 0, 0, 0, NULL, &a, &error));
    WRONG(1, fnn_dataset_fold(&data, 5, 0, 0, 0, &a, NULL, &error));
    WRONG(2, fnn_dataset_fold(&data, 1, 0, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(&data, 11, 0, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(&data, 5, 5, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(&data, 5, -1, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(&data, 5, 0, 3, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(&bare, 5, 0, FNN_ORDER_STRATIFIED, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(&odd, 5, 0, 0, 0, &a, &b, &error));
    WRONG(2, fnn_dataset_fold(NULL, 5, 0, 0, 0, &a, &b, &error));
    WRONG(1, fnn_dataset_subset(&data, negative, 2, &a, &error));
    CHECK(strstr(error.message, "samples[1] is -1") != NULL);
    WRONG(1, fnn_dataset_subset(&data, beyond, 2, &a, &error));
    WRONG(1, fnn_dataset_subset(&data, NULL, 2, &a, &error));
    WRONG(1, fnn_dataset_subset(&data, beyond, -1, &a, &error));
    WRONG(1, fnn_dataset_subset(&odd, beyond, 1, &a, &error));
    WRONG(1, fnn_dataset_subset(NULL, beyond, 1, &a, &error));
    WRONG(1, fnn_dataset_shuffle(&odd, 1, &a, &error));
    WRONG(1, fnn_dataset_shuffle(NULL, 1, &a, &error));
#undef WRONG
    CHECK(fnn_dataset_fold(&data, 5, -1, 0, 0, &a, &b, NULL) == wrong_call);
    CHECK(fnn_dataset_subset(&data, beyond, 1, &data, &error) == wrong_call);
    CHECK(fnn_dataset_subset(&data, beyond, 1, NULL, &error) == wrong_call);
    CHECK(fnn_dataset_shuffle(&data, 1, &data, &error) == wrong_call);
    CHECK(fnn_dataset_shuffle(&data, 1, NULL, &error) == wrong_call);
    CHECK(data.count == 10 && data.reals == reals); /* what is no output stays */
    CHECK(fnn_dataset_subset(&data, NULL, 0, &a, &error) == FNN_OK && a.count == 0);
    CHECK(fnn_dataset_check(&a, &error) == wrong_call && strstr(error.message, "no samples"));
    fnn_dataset_free(&a);
}

/* Views whose index, or what their order takes, cannot be had, at each request in turn. */
static void views_without_memory_are_zeroed(void)
{
    static fnn_real reals[20];
    static int32_t labels[10];
    static const int64_t samples[2] = {3, 9};
    fnn_dataset data;
    fnn_error error;
    budget memory;
    int order, n;
    make_table(&data, reals, labels, 10);
    data.allocator = budget_open(&memory);
#define SHORT(outputs, call)                                          \
    for (n = 0; memory.allowed = n, fill_outputs(), call; n++) {      \
        CHECKF(n < 9, "%s: fails with memory for %d", #call, n);      \
        if (n >= 9) break;                                            \
        FAILS(FNN_ERROR_MEMORY, outputs, (memory.allowed = n, call)); \
        CHECKF(memory.live == 0, "%s: loses memory", #call);          \
    }                                                                 \
    CHECKF(n > 0, "%s: takes no memory", #call);                      \
    fnn_dataset_free(&a);                                             \
    if (outputs > 1) fnn_dataset_free(&b)
    SHORT(1, fnn_dataset_subset(&data, samples, 2, &a, &error));
    SHORT(1, fnn_dataset_shuffle(&data, 1, &a, &error));
    for (order = 0; order < FNN_ORDER_COUNT; order++) {
        SHORT(2, fnn_dataset_split(&data, 4, order, 1, &a, &b, &error));
        SHORT(2, fnn_dataset_fold(&data, 3, 1, order, 1, &a, &b, &error));
    }
#undef SHORT
    CHECK(memory.live == 0);
}

/* The checks, checked: outputs that are left as they were, in whole or in their last byte. */
static void outputs_that_stay_are_noticed(void)
{
    fill_outputs();
    CHECK(fault_of_call(FNN_ERROR_ARGUMENT, FNN_ERROR_ARGUMENT, 1) != NULL);
    memset(&a, 0, sizeof a);
    CHECK(!fault_of_call(FNN_ERROR_ARGUMENT, FNN_ERROR_ARGUMENT, 1));
    CHECK(fault_of_call(FNN_ERROR_ARGUMENT, FNN_ERROR_ARGUMENT, 2) != NULL);
    memset(&b, 0, sizeof b);
    CHECK(!fault_of_call(FNN_ERROR_ARGUMENT, FNN_ERROR_ARGUMENT, 2));
    CHECK(fault_of_call(FNN_OK, FNN_ERROR_ARGUMENT, 2) != NULL);
    ((uint8_t *)&b)[sizeof b - 1] = 0xAA;
    CHECK(fault_of_call(FNN_ERROR_ARGUMENT, FNN_ERROR_ARGUMENT, 2) != NULL);
}

/* Each of 6 positions gets each of 6 samples equally often: chi-square of 25 degrees of freedom is
 * below 52.6 with probability .999; the seeds are fixed. */
static void shuffles_are_uniform(void)
{
    static fnn_real reals[12];
    static int32_t labels[6];
    int table[6][6] = {{0}}, seed, i, j;
    double chi = 0;
    fnn_dataset data, view;
    make_table(&data, reals, labels, 6);
    for (seed = 0; seed < 6000; seed++) {
        if (!CHECK(!fnn_dataset_shuffle(&data, (uint64_t)seed, &view, NULL))) return;
        for (i = 0; i < 6; i++) table[i][view.index[i]]++;
        fnn_dataset_free(&view);
    }
    for (i = 0; i < 6; i++)
        for (j = 0; j < 6; j++) chi += (table[i][j] - 1000.0) * (table[i][j] - 1000.0) / 1000.0;
    CHECKF(chi < 52.6 && chi > 5, "chi-square %.1f", chi);
}

static void check_finds_what_is_wrong(void)
{
    static fnn_real reals[20], targets[30];
    static int32_t labels[10];
    static uint8_t bytes[20];
    static int64_t index[3] = {9, 0, 4};
    static const char *const names[3] = {"a", "b", NULL};
    fnn_dataset good, data;
    fnn_error error;
    int64_t counts[3];
    make_table(&good, reals, labels, 10);
    good.targets = targets;
    good.target_count = 3;
#define WRONG(change, words)                                       \
    data = good;                                                   \
    change;                                                        \
    CHECK(fnn_dataset_check(&data, &error) == FNN_ERROR_ARGUMENT); \
    CHECKF(strstr(error.message, words) != NULL, "\"%s\" lacks \"%s\"", error.message, words)
#define RIGHT(change) \
    data = good;      \
    change;           \
    CHECK(fnn_dataset_check(&data, &error) == FNN_OK)
    RIGHT((void)0);
    RIGHT(data.rows = 11);
    RIGHT((data.index = index, data.rows = 10, data.count = 3));
    RIGHT((data.reals = NULL, data.bytes = bytes));
    RIGHT((data.labels = NULL, data.classes = 0));
    RIGHT((data.labels = NULL, data.classes = 2, data.target_count = 2));
    RIGHT((data.labels = NULL, data.classes = 2, data.target_count = 1));
    WRONG(data.target_count = 2, "of 3 classes: expected a target_count of 3, found 2");
    WRONG((data.labels = NULL, data.target_count = 1), "of 3, found 1");
    CHECK(fnn_dataset_check(NULL, &error) == FNN_ERROR_ARGUMENT);
    WRONG(data.count = 0, "no samples");
    WRONG(data.count = -1, "-1 samples");
    WRONG(data.rows = 9, "only 9 rows");
    WRONG(data.height = 0, "0 x 1 x 2");
    WRONG(data.width = -1, "1 x -1 x 2");
    WRONG(data.channels = 0, "1 x 1 x 0");
    WRONG(data.height = data.width = data.channels = 2147483647, "overflow");
    WRONG((data.rows = INT64_MAX, data.height = data.width = 1000), "overflow");
    WRONG(data.bytes = bytes, "each of bytes and reals");
    WRONG(data.reals = NULL, "none of bytes and reals");
    WRONG((data.classes = data.target_count = 2), "sample 2 has label 2");
    WRONG(data.classes = 0, "0 classes");
    WRONG((data.classes = -3, data.labels = NULL), "classes: expected 0 or more, found -3");
    WRONG(data.target_count = 0, "target_count is 0");
    WRONG((data.index = index, data.rows = 9, data.count = 3), "index[0] is 9");
    WRONG((data.index = index, data.rows = 0, data.count = 3), "expected rows");
    WRONG(data.class_names = names, "class_names[2]");
    RIGHT(data.feature_names = names); /* of two features */
    WRONG((data.feature_names = names, data.channels = 3, data.count = 6), "feature_names[2]");
    labels[7] = -1;
    WRONG((void)0, "sample 7 has label -1");
    CHECK(fnn_dataset_class_counts(&good, counts) == FNN_ERROR_ARGUMENT);
    labels[7] = 1;
    CHECK(fnn_dataset_class_counts(&good, counts) == FNN_OK);
    CHECK(counts[0] == 4 && counts[1] == 3 && counts[2] == 3);
    CHECK(fnn_dataset_class_counts(&good, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_dataset_class_counts(NULL, counts) == FNN_ERROR_ARGUMENT);
    data = good;
    data.labels = NULL;
    CHECK(fnn_dataset_class_counts(&data, counts) == FNN_ERROR_ARGUMENT);
    fnn_dataset_free(NULL);
#undef WRONG
#undef RIGHT
}

/* ---- normalisation ---- */

static double feature_of(const fnn_dataset *data, int64_t i, int j, int features)
{
    int64_t at = (data->index ? data->index[i] : i) * features + j;
    return data->bytes ? (double)data->bytes[at] : (double)data->reals[at];
}

static int close_to(fnn_real found, double expected)
{
    return fabs((double)found - expected) <=
           (sizeof(fnn_real) == 4 ? 1e-7 : 1e-13) * (fabs(expected) + 1e-6);
}

/* What each normalisation is: whether it takes the mean away, and the scale, a number times a power
 * of the variance. */
static const struct {
    int is_here; /* 2: is not made of data */
    int mean;
    double number, power;
} normalizations[FNN_NORMALIZATION_COUNT] = {
    [FNN_NORMALIZE_NONE] = {1, 0, 1, 0},
    [FNN_NORMALIZE_DIVIDE_255] = {1, 0, 1 / 255., 0},
    [FNN_NORMALIZE_MEAN] = {1, 1, 1, 0},
    [FNN_NORMALIZE_MEAN_DIVIDE_255] = {1, 1, 1 / 255., 0},
    [FNN_NORMALIZE_STANDARDIZE] = {1, 1, 1, -.5},
    [FNN_NORMALIZE_MEAN_VARIANCE] = {1, 1, 1, -1},
    [FNN_NORMALIZE_GIVEN] = {2, 0, 0, 0}, /* not of data: refused */
};

static void check_normalization(fnn_normalization kind, const fnn_dataset *data)
{
    enum { FEATURES = 12 };
    fnn_real shift[FEATURES], scale[FEATURES];
    int j;
    int64_t i;
    CHECKF(normalizations[kind].is_here, "kind %d has no row", (int)kind);
    if (normalizations[kind].is_here == 2) {
        CHECK(fnn_normalization_compute(kind, data, shift, scale, NULL) == FNN_ERROR_ARGUMENT);
        return;
    }
    if (!CHECK(fnn_normalization_compute(kind, data, shift, scale, NULL) == FNN_OK)) return;
    for (j = 0; j < FEATURES; j++) {
        double mean = 0, variance = 0, lowest = 1e300, highest = -1e300, s;
        for (i = 0; i < data->count; i++) mean += feature_of(data, i, j, FEATURES);
        mean /= (double)data->count;
        for (i = 0; i < data->count; i++) {
            double x = feature_of(data, i, j, FEATURES);
            variance += (x - mean) * (x - mean);
            lowest = x < lowest ? x : lowest;
            highest = x > highest ? x : highest;
        }
        variance /= (double)data->count;
        if (lowest == highest) variance = 1; /* whatever rounding made of it */
        s = normalizations[kind].number * pow(variance, normalizations[kind].power);
        if (!normalizations[kind].mean) mean = 0;
        CHECKF(close_to(shift[j], mean), "kind %d, feature %d: shift %.9g, expected %.9g",
               (int)kind, j, (double)shift[j], mean);
        CHECKF(close_to(scale[j], s), "kind %d, feature %d: scale %.9g, expected %.9g", (int)kind,
               j, (double)scale[j], s);
    }
}

static void normalizations_against_naive_loops(void)
{
    enum { ROWS = 1001, FEATURES = 12 };
    static fnn_real reals[ROWS * FEATURES];
    static uint8_t bytes[ROWS * FEATURES];
    fnn_dataset data, part, rest;
    int i, kind;
    for (i = 0; i < ROWS * FEATURES; i++) {
        int j = i % FEATURES;
        double x = (double)random_bits() / 4294967296.0;
        bytes[i] = (uint8_t)(j == 0 ? 0 : j == 1 ? 255 : random_below(256));
        if (j == 2) bytes[i] = i / FEATURES == 600; /* one pixel differs */
        reals[i] = (fnn_real)(j == 0   ? 0.1        /* constant, and its mean is not exact */
                              : j == 1 ? -12345.678
                              : j == 2 ? 1e6 + x
                              : j == 3 ? 1e-6 * x
                                       : (x - .5) * j * j);
    }
    memset(&data, 0, sizeof data);
    data.count = ROWS;
    data.height = 2, data.width = 3, data.channels = 2;
    for (i = 0; i < 2; i++) {
        data.bytes = i ? bytes : NULL;
        data.reals = i ? NULL : reals;
        CHECK(!fnn_dataset_split(&data, 700, 1, 3, &part, &rest, NULL));
        for (kind = 0; kind < FNN_NORMALIZATION_COUNT; kind++) {
            check_normalization((fnn_normalization)kind, &data);
            check_normalization((fnn_normalization)kind, &part);
            check_normalization((fnn_normalization)kind, &rest);
        }
        fnn_dataset_free(&part), fnn_dataset_free(&rest);
    }
}

static void normalization_without_spread_or_sense(void)
{
    enum { ROWS = 1000 };
    static fnn_real reals[2 * ROWS];
    static int32_t labels[ROWS];
    fnn_dataset data;
    fnn_real shift[2], scale[2];
    fnn_error error;
    int i;
    make_table(&data, reals, labels, ROWS);
    for (i = 0; i < ROWS; i++) reals[2 * i] = (fnn_real)0.1;
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &data, shift, scale, &error));
    CHECK(scale[0] == 1 && shift[0] == (fnn_real)0.1 && scale[1] != 1);
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_MEAN_VARIANCE, &data, shift, scale, &error));
    CHECK(scale[0] == 1 && shift[0] == (fnn_real)0.1);
    data.count = 1;
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &data, shift, scale, &error));
    CHECK(scale[0] == 1 && scale[1] == 1);
    data.count = ROWS;
    reals[1] = (fnn_real)NAN;
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN, &data, shift, scale, &error) ==
          FNN_ERROR_NUMERIC);
    CHECK(strstr(error.message, "feature 1") != NULL);
    reals[1] = (fnn_real)INFINITY;
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN, &data, shift, scale, &error) ==
          FNN_ERROR_NUMERIC);
    CHECK(!fnn_normalization_compute(FNN_NORMALIZE_DIVIDE_255, &data, shift, scale, &error));
    for (i = 0; i < ROWS; i++)
        reals[2 * i + 1] = (fnn_real)(sizeof(fnn_real) == 4 ? 1e-30 : 1e-160) * (fnn_real)(i % 2);
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN_VARIANCE, &data, shift, scale, &error) ==
          FNN_ERROR_NUMERIC);
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN, &data, NULL, scale, &error) ==
          FNN_ERROR_ARGUMENT);
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN, NULL, shift, scale, &error) ==
          FNN_ERROR_ARGUMENT);
    data.count = 0;
    CHECK(fnn_normalization_compute(FNN_NORMALIZE_MEAN, &data, shift, scale, &error) ==
          FNN_ERROR_ARGUMENT);
}

static const harness_test tests[] = {
    TEST(splits_partition),
    TEST(folds_partition),
    TEST(views_of_views),
    TEST(stratified_splits_share_out_each_class),
    TEST(stratified_splits_round_up_the_largest_remainders),
    TEST(stratified_folds_share_out_each_class),
    TEST(stratified_by_labels_beside_targets),
    TEST(stratified_by_one_hot_targets),
    TEST(stratified_by_one_column),
    TEST(labels_beside_other_targets_are_not_dealt),
    TEST(views_reject_wrong_calls),
    TEST(views_without_memory_are_zeroed),
    TEST(outputs_that_stay_are_noticed),
    TEST(shuffles_are_uniform),
    TEST(check_finds_what_is_wrong),
    TEST(normalizations_against_naive_loops),
    TEST(normalization_without_spread_or_sense),
};
HARNESS_MAIN(tests)
