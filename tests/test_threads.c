/* Threads and processes: work for one thread has no parallel region round it, so that the child of
 * a fork, where OpenMP's threads are gone, can do everything on one. */
#if !defined(_WIN32) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"
#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

enum { ROWS = 1000, SIDE = 8, INPUTS = SIDE * SIDE, CLASSES = 5 };

static uint8_t pixels[ROWS * INPUTS];
static int32_t labels[ROWS];

static fnn_dataset make_images(void)
{
    fill_bands(pixels, labels, ROWS, INPUTS, CLASSES, SIDE, 160, 95);
    return with_labels(images_of(pixels, ROWS, SIDE, SIDE, 1), labels, CLASSES);
}

/* Parallel regions round a part, idle ones too. */
static int regions(void)
{
#ifdef _OPENMP
    return omp_get_level();
#else
    return 0;
#endif
}

static void note_regions(void *argument, int part, int parts)
{
    (void)parts;
    ((int *)argument)[part] = regions();
}

static void one_part_has_no_region(void)
{
    int seen[2] = {-1, -1};
    fnni_parallel(1, note_regions, seen);
    CHECKF(seen[0] == 0 && seen[1] == -1, "%d regions", seen[0]);
    fnni_parallel(2, note_regions, seen);
#ifdef _OPENMP
    CHECK(seen[0] == 1 && seen[1] == 1); /* the control */
#else
    CHECK(seen[0] == 0 && seen[1] == 0);
#endif
}

/* ---- after a fork ---- */

static int build(void *user, const fnn_trial *trial, fnn_model *m, fnn_fit_config *fit)
{
    (void)user, (void)trial;
    fnn_dense(m, 10, FNN_RELU);
    fit->batch_size = 200;
    return fnn_dense(m, CLASSES, FNN_SOFTMAX) < 0;
}

/* All that computes, on models and a search of so many threads: 0 when it went well. */
static int do_everything(int threads)
{
    static fnn_real outputs[ROWS * CLASSES], c[200 * 200];
    fnn_dataset data = make_images();
    fnn_context_config config = fnn_context_config_init();
    fnn_search_config search_config = fnn_search_config_init();
    fnn_fit_config fit = fnn_fit_config_init();
    fnn_context *context;
    fnn_metrics metrics;
    fnn_search search;
    fnn_model *m;
    int wrong;
    config.threads = threads;
    context = fnn_context_create(&config, NULL);
    m = fnn_sequential_with(&config, SIDE, SIDE, 1);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_max_pool2d(m, 2);
    fnn_conv2d(m, 16, 3, FNN_SAME, FNN_RELU);
    fnn_batch_norm(m);
    fnn_dense(m, 100, FNN_RELU);
    fnn_dense(m, CLASSES, FNN_SOFTMAX);
    fit.batch_size = 500;
    fit.validation = &data;
    fit.ema_decay = 0.5;
    wrong = fnn_fit(m, &data, &fit, NULL) || fnn_evaluate(m, NULL, &data, &metrics) ||
            fnn_predict(m, context, &data, outputs) || fnn_forward(m, &data, NULL, ROWS, 1) ||
            fnn_loss(m, NULL) || fnn_backward(m) || fnn_step(m, &fit) ||
            fnn_sgemm(context, 0, 0, 200, 200, 5, 1, outputs, 5, outputs, 200, 0, c, 200);
    search_config.build = build;
    search_config.context = config;
    wrong |= fnn_grid_search(&data, NULL, 0, &search_config, &search, NULL) != FNN_OK;
    fnn_search_free(&search);
    fnn_model_free(m);
    fnn_context_free(context);
    return wrong;
}

/* The parent has used two threads, of which the child has one. */
static void a_forked_child_works_on_one_thread(void)
{
#if defined(_WIN32)
    SKIP("there is no fork");
#else
    int status = -1;
    pid_t child;
    CHECK(do_everything(2) == 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(100); /* ends it where it hangs */
        _exit(do_everything(1));
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECKF(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    CHECK(do_everything(2) == 0); /* the parent goes on */
#endif
}

static const harness_test tests[] = {TEST(one_part_has_no_region),
                                     TEST(a_forked_child_works_on_one_thread)};
HARNESS_MAIN(tests)
