/* Augmentation: every gathered number against a naive twin that is written from the description in
 * the interface, the distribution of what is drawn, fit against a fit on images augmented
 * beforehand, and the same bits for any number of threads. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "harness.h"
#include "samples.h"

enum { ROWS = 40, MOST_PIXELS = 7 * 9, MOST = MOST_PIXELS * 5 };

static uint8_t pixels[ROWS * MOST];
static fnn_real numbers[ROWS * MOST], gathered[ROWS * MOST];
static int32_t labels[ROWS];

/* Images of bytes or reals, without zeros: what comes in is told from what was there. */
static fnn_dataset make_images(int height, int width, int channels, int bytes)
{
    const int n = height * width * channels;
    const int count = ROWS * n <= ROWS * MOST ? ROWS : ROWS * MOST / n;
    int i;
    for (i = 0; i < ROWS * n && i < ROWS * MOST; i++) {
        pixels[i] = (uint8_t)(1 + fnni_random_below(1, 2, (uint64_t)i, 255));
        numbers[i] = (fnn_real)(1 + fnni_random_unit(1, 3, (uint64_t)i));
    }
    for (i = 0; i < ROWS; i++) labels[i] = i % 3;
    return with_labels(bytes ? images_of(pixels, count, height, width, channels)
                             : real_images_of(numbers, count, height, width, channels),
                       labels, 3);
}

static fnn_model *make_network(fnn_isa isa, int threads, const fnn_dataset *data,
                               fnn_normalization kind)
{
    fnn_model *m = model_on(isa, threads, data->height, data->width, data->channels);
    fnn_set_seed(m, 3);
    if (kind != FNN_NORMALIZE_NONE) fnn_normalize(m, kind, data);
    fnn_dense(m, 20, FNN_RELU);
    fnn_dense(m, 3, FNN_SOFTMAX);
    fnn_seal(m);
    return m;
}

static fnn_augmentation make_augmentation(fnn_flip flip, int shift, int cutout)
{
    fnn_augmentation a;
    memset(&a, 0, sizeof a);
    a.flip = flip;
    a.shift = shift;
    a.cutout_size = cutout;
    a.cutout_probability = cutout ? .6 : 0;
    a.cutout_fill = 7;
    return a;
}

/* ---- the twin ---- */

/* A number below `bound` of a row in a pass: draw 0 flips, 1 and 2 move down and right, 3 decides
 * whether to cut, 4 and 5 are the square's centre. */
static int drawn(uint64_t seed, uint64_t pass, int row, int draw, int bound)
{
    return (int)fnni_random_below(seed, 0x6175676d00000000u + pass, (uint64_t)(8 * row + draw),
                                  (uint64_t)bound);
}

static int twin_flips(const fnn_augmentation *a, uint64_t seed, uint64_t pass, int row)
{
    if (a->flip == FNN_FLIP_RANDOM) return drawn(seed, pass, row, 0, 2);
    if (a->flip == FNN_FLIP_ALTERNATING)
        return (fnni_random_below(seed, 0x666c6970u, (uint64_t)row, 2) + pass) % 2 == 1;
    return 0;
}

/* Raw number (i, j, c) of the augmented image. */
static fnn_real twin_number(const fnn_augmentation *a, uint64_t seed, uint64_t pass,
                            const fnn_dataset *data, int row, int i, int j, int c)
{
    const int h = data->height, w = data->width, span = 2 * a->shift + 1;
    const int y = i - (drawn(seed, pass, row, 1, span) - a->shift);
    const int x = j - (drawn(seed, pass, row, 2, span) - a->shift);
    const int top = drawn(seed, pass, row, 4, h) - a->cutout_size / 2;
    const int left = drawn(seed, pass, row, 5, w) - a->cutout_size / 2;
    const int cut = fnni_random_unit(seed, 0x6175676d00000000u + pass, (uint64_t)(8 * row + 3)) <
                    a->cutout_probability;
    const int from = twin_flips(a, seed, pass, row) ? w - 1 - x : x;
    const int at = ((row * h + y) * w + from) * data->channels + c;
    if (cut && i >= top && i < top + a->cutout_size && j >= left && j < left + a->cutout_size)
        return a->cutout_fill;
    if (y < 0 || y >= h || x < 0 || x >= w) return 0;
    return data->bytes ? (fnn_real)data->bytes[at] : data->reals[at];
}

/* How many numbers of the gathered samples differ from the twin's. */
static int differences(const fnn_model *m, const fnn_augmentation *a, uint64_t seed, uint64_t pass,
                       const fnn_dataset *data)
{
    const int n = m->inputs;
    int wrong = 0, row, i, j, c;
    for (row = 0; row < data->count; row++)
        for (i = 0; i < data->height; i++)
            for (j = 0; j < data->width; j++)
                for (c = 0; c < data->channels; c++) {
                    const int e = (i * data->width + j) * data->channels + c;
                    const fnn_real raw = twin_number(a, seed, pass, data, row, i, j, c);
                    const fnn_real centred = raw - (m->shift ? m->shift[e] : 0);
                    const fnn_real expected = centred * (m->scale ? m->scale[e] : 1);
                    wrong += gathered[row * n + e] != expected;
                }
    return wrong;
}

static void gather(fnn_model *m, const fnn_augmentation *a, uint64_t seed, uint64_t pass,
                   const fnn_dataset *data)
{
    const int count = (int)data->count;
    fnni_augmenter g;
    memset(&g, 0, sizeof g);
    g.draw = a;
    g.seed = seed;
    g.pass = pass;
    CHECK(!fnni_run_make(m, count));
    m->run.augmenter = &g;
    fnni_gather(&m->run, data, NULL, 0, 0, count / 2); /* in two parts, as two threads would */
    fnni_gather(&m->run, data, NULL, 0, count / 2, count);
    m->run.augmenter = NULL;
    memcpy(gathered, fnni_y(&m->run, -1, 0, NULL), (size_t)(count * m->inputs) * sizeof *gathered);
}

static void check_gather(fnn_isa isa, const fnn_dataset *data, fnn_normalization kind)
{
    static const int shifts[] = {0, 1, 2}, cuts[] = {0, 1, 4, 30};
    fnn_model *m = make_network(isa, 1, data, kind);
    int flip, s, c, pass;
    for (flip = 0; flip < 3; flip++)
        for (s = 0; s < 3; s++)
            for (c = 0; c < 4; c++)
                for (pass = 0; pass < 2; pass++) {
                    const fnn_augmentation a = make_augmentation(
                        (fnn_flip)flip, shifts[s] < data->width ? shifts[s] : 1, cuts[c]);
                    int wrong;
                    gather(m, &a, 5, (uint64_t)pass, data);
                    wrong = differences(m, &a, 5, (uint64_t)pass, data);
                    CHECKF(wrong == 0, "%s, %d channels, %s, flip %d, shift %d, cut %d: %d wrong",
                           fnn_isa_name(isa), data->channels, data->bytes ? "bytes" : "reals", flip,
                           a.shift, cuts[c], wrong);
                    if (data->count < ROWS || !fnni_augments(&a)) continue; /* may be equal */
                    CHECK(differences(m, &a, 6, (uint64_t)pass, data) > 0); /* another seed */
                    CHECK(differences(m, &a, 5, (uint64_t)pass + 1, data) > 0);
                }
    fnn_model_free(m);
}

static void every_number_is_the_twins(void)
{
    static const int channels[] = {1, 3, 5};
    int isa, c, bytes;
    FOR_EACH_ISA(isa)
        for (c = 0; c < 3; c++)
            for (bytes = 0; bytes < 2; bytes++) {
                const fnn_dataset data = make_images(7, 9, channels[c], bytes);
                check_gather((fnn_isa)isa, &data, FNN_NORMALIZE_NONE);
                check_gather((fnn_isa)isa, &data, FNN_NORMALIZE_STANDARDIZE);
            }
}

static void pixels_may_be_wider_than_the_space_to_turn_them_in(void)
{
    static const int channels[] = {300, FNNI_REVERSED - 1, FNNI_REVERSED, FNNI_REVERSED + 1, 700};
    int c, bytes;
    for (c = 0; c < 5; c++)
        for (bytes = 0; bytes < 2; bytes++) {
            const fnn_dataset data = make_images(3, 2, channels[c], bytes);
            check_gather(FNN_ISA_BEST, &data, FNN_NORMALIZE_MEAN_DIVIDE_255);
        }
}

/* ---- what is drawn ---- */

static fnni_warp warp_of(const fnn_augmentation *a, uint64_t seed, uint64_t pass, size_t row)
{
    const fnn_dataset data = images_of(NULL, 0, 32, 32, 1);
    fnni_augmenter g;
    memset(&g, 0, sizeof g);
    g.draw = a;
    g.seed = seed;
    g.pass = pass;
    return fnni_warp_draw(&g, &data, row);
}

/* 20000 draws: within five deviations of what the description says. */
static void draws_have_their_probabilities(void)
{
    const fnn_augmentation a = make_augmentation(FNN_FLIP_RANDOM, 2, 8);
    const double n = 20000;
    int down[5] = {0}, right[5] = {0}, flips = 0, cuts = 0, together = 0, i;
    for (i = 0; i < (int)n; i++) {
        const fnni_warp w = warp_of(&a, 1, (uint64_t)(i % 100), (size_t)(i / 100));
        flips += w.flip;
        cuts += w.cut_to > 0;
        together += w.flip && w.down > 0; /* 1/2 of 2/5: the draws are independent */
        CHECK(w.down >= -2 && w.down <= 2 && w.right >= -2 && w.right <= 2);
        down[w.down + 2]++;
        right[w.right + 2]++;
    }
    CHECKF(fabs(flips - n / 2) < 5 * sqrt(n / 4), "%d flips", flips);
    CHECKF(fabs(cuts - n * .6) < 5 * sqrt(n * .24), "%d cuts", cuts);
    CHECKF(fabs(together - n / 5) < 5 * sqrt(n * .16), "%d flipped and moved", together);
    for (i = 0; i < 5; i++) {
        CHECKF(fabs(down[i] - n / 5) < 5 * sqrt(n * .16), "down %d: %d", i - 2, down[i]);
        CHECKF(fabs(right[i] - n / 5) < 5 * sqrt(n * .16), "right %d: %d", i - 2, right[i]);
    }
}

/* The square's centre is any of 32 x 32 pixels: 4 x 4 of them reach the last corner, and 8 x 8 the
 * middle. */
static void squares_are_cut_everywhere(void)
{
    const fnn_augmentation a = make_augmentation(FNN_FLIP_NONE, 0, 8);
    const double n = 20000, corner = .6 * 16 / 1024, middle = .6 * 64 / 1024;
    int corners = 0, middles = 0, i;
    for (i = 0; i < (int)n; i++) {
        const fnni_warp w = warp_of(&a, 2, 0, (size_t)i);
        corners += w.cut_bottom == 32 && w.cut_to == 32;
        middles += w.cut_top <= 15 && w.cut_bottom > 15 && w.cut_from <= 15 && w.cut_to > 15;
        CHECK(w.cut_top >= 0 && w.cut_bottom <= 32 && w.cut_bottom - w.cut_top <= 8);
        CHECK(w.cut_from >= 0 && w.cut_to <= 32 && w.cut_to - w.cut_from <= 8);
    }
    CHECKF(fabs(corners - n * corner) < 5 * sqrt(n * corner), "%d corners", corners);
    CHECKF(fabs(middles - n * middle) < 5 * sqrt(n * middle), "%d middles", middles);
}

static void alternating_flips_alternate(void)
{
    const fnn_augmentation a = make_augmentation(FNN_FLIP_ALTERNATING, 0, 0);
    const fnn_augmentation b = make_augmentation(FNN_FLIP_RANDOM, 0, 0);
    int first = 0, repeats = 0, row, pass;
    for (row = 0; row < 2000; row++) {
        first += warp_of(&a, 1, 0, (size_t)row).flip;
        for (pass = 0; pass < 6; pass++) {
            CHECK(warp_of(&a, 1, (uint64_t)pass + 1, (size_t)row).flip ==
                  !warp_of(&a, 1, (uint64_t)pass, (size_t)row).flip);
            repeats += warp_of(&b, 1, (uint64_t)pass + 1, (size_t)row).flip ==
                       warp_of(&b, 1, (uint64_t)pass, (size_t)row).flip;
        }
    }
    CHECKF(fabs(first - 1000.) < 5 * sqrt(500.), "%d flips in the first pass", first);
    CHECKF(fabs(repeats - 6000.) < 5 * sqrt(3000.), "random flips repeat %d times", repeats);
}

/* ---- fit ---- */

static fnn_fit_config make_config(fnn_augmentation a)
{
    fnn_fit_config c = fnn_fit_config_init();
    c.optimizer = fnn_adam(.01);
    c.epochs = 1;
    c.batch_size = 16; /* 40 rows: the last batch has 8 */
    c.seed = 9;
    c.augmentation = a;
    return c;
}

static int same_weights(fnn_model *a, fnn_model *b)
{
    size_t n, m;
    const fnn_real *x = fnn_parameters(a, &n), *y = fnn_parameters(b, &m);
    return n == m && !memcmp(x, y, n * sizeof *x);
}

/* A pass over augmented images is one over images that the twin has augmented. */
static void fit_sees_augmented_images(void)
{
    static uint8_t augmented[ROWS * MOST];
    const fnn_augmentation a = make_augmentation(FNN_FLIP_RANDOM, 2, 4);
    const fnn_augmentation none = make_augmentation(FNN_FLIP_NONE, 0, 0);
    const fnn_dataset data = make_images(7, 9, 3, 1);
    const fnn_fit_config with = make_config(a), without = make_config(none);
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_STANDARDIZE);
    fnn_model *other = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_STANDARDIZE);
    fnn_model *plain = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_STANDARDIZE);
    fnn_dataset copy = data;
    int e;
    for (e = 0; e < ROWS * 7 * 9 * 3; e++)
        augmented[e] = (uint8_t)twin_number(&a, 9, 0, &data, e / (7 * 9 * 3), e / (9 * 3) % 7,
                                            e / 3 % 9, e % 3);
    copy.bytes = augmented;
    CHECKF(!fnn_fit(m, &data, &with, NULL), "%s", fnn_model_error(m)->message);
    CHECK(!fnn_fit(other, &copy, &without, NULL) && !fnn_fit(plain, &data, &without, NULL));
    CHECK(same_weights(m, other));
    CHECK(!same_weights(m, plain)); /* the broken case: not augmented */
    fnn_model_free(m);
    fnn_model_free(other);
    fnn_model_free(plain);
}

static void only_training_is_augmented(void)
{
    const fnn_dataset data = make_images(7, 9, 1, 1);
    fnn_fit_config c = make_config(make_augmentation(FNN_FLIP_RANDOM, 3, 4));
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_DIVIDE_255);
    fnn_history history;
    fnn_metrics metrics;
    double loss = 0;
    memset(&history, 0, sizeof history);
    c.validation = &data;
    CHECK(!fnn_fit(m, &data, &c, &history) && !fnn_evaluate(m, NULL, &data, &metrics));
    CHECK(history.epochs[0].validation_loss == metrics.loss);
    CHECK(!fnn_forward(m, &data, NULL, ROWS, 1) && !fnn_loss(m, &loss));
    CHECKF(fabs(loss - metrics.loss) < 1e-5, "forward %g, evaluate %g", loss, metrics.loss);
    fnn_history_free(&history);
    fnn_model_free(m);
}

/* Several passes, in shuffled order, on a view of the rows: what happens to an image depends on its
 * row and the pass alone. */
static void threads_and_views_change_no_bits(void)
{
    static const int counts[] = {2, 3, 8, 16};
    const fnn_dataset data = make_images(7, 9, 3, 1);
    fnn_fit_config c = make_config(make_augmentation(FNN_FLIP_ALTERNATING, 2, 4));
    fnn_dataset view;
    int isa, i;
    c.epochs = 4;
    c.batch_size = 40;
    CHECK(!fnn_dataset_shuffle(&data, 3, &view, NULL));
    FOR_EACH_ISA(isa) {
        fnn_model *one = make_network((fnn_isa)isa, 1, &data, FNN_NORMALIZE_STANDARDIZE);
        CHECK(!fnn_fit(one, &view, &c, NULL));
        for (i = 0; i < 4; i++) {
            fnn_model *many =
                make_network((fnn_isa)isa, counts[i], &data, FNN_NORMALIZE_STANDARDIZE);
            CHECK(!fnn_fit(many, &view, &c, NULL));
            CHECKF(same_weights(one, many), "%s: %d threads give other bits",
                   fnn_isa_name((fnn_isa)isa), counts[i]);
            fnn_model_free(many);
        }
        fnn_model_free(one);
    }
    fnn_dataset_free(&view);
}

/* ---- prediction ---- */

/* The image of a row, mirrored, then moved. */
static void move_image(const fnn_dataset *data, int row, int flip, int down, int right,
                       uint8_t *out)
{
    const int h = data->height, w = data->width, c = data->channels;
    int i, j, k;
    for (i = 0; i < h; i++)
        for (j = 0; j < w; j++)
            for (k = 0; k < c; k++) {
                const int y = i - down, x = flip ? w - 1 - (j - right) : j - right;
                const int inside = y >= 0 && y < h && x >= 0 && x < w;
                out[(i * w + j) * c + k] =
                    inside ? data->bytes[((row * h + y) * w + x) * c + k] : 0;
            }
}

/* Predicts each view by itself and adds them up in double. */
static void mean_of_views(const fnn_model *m, const fnn_dataset *data, int flip, int shift,
                          double *means)
{
    static uint8_t moved[ROWS * MOST];
    static fnn_real outputs[ROWS * 3];
    fnn_dataset copy = *data;
    static const int moves[5][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    int views = 0, f, v, i;
    copy.bytes = moved;
    memset(means, 0, ROWS * 3 * sizeof *means);
    for (f = 0; f <= flip; f++)
        for (v = 0; v < (shift ? 5 : 1); v++, views++) {
            for (i = 0; i < ROWS; i++)
                move_image(data, i, f, shift * moves[v][0], shift * moves[v][1],
                           moved + i * m->inputs);
            CHECK(!fnn_predict(m, NULL, &copy, outputs));
            for (i = 0; i < ROWS * 3; i++) means[i] += (double)outputs[i];
        }
    for (i = 0; i < ROWS * 3; i++) means[i] /= views;
}

static void augmented_prediction_is_the_mean_over_views(void)
{
    static fnn_real found[ROWS * 3], many[ROWS * 3], plain[ROWS * 3];
    static double means[ROWS * 3];
    const fnn_dataset data = make_images(7, 9, 3, 1);
    int isa, flip, shift, i;
    FOR_EACH_ISA(isa)
        for (flip = 0; flip < 2; flip++)
            for (shift = 0; shift < 3; shift++) {
                fnn_model *m = make_network((fnn_isa)isa, 1, &data, FNN_NORMALIZE_STANDARDIZE);
                fnn_model *threads =
                    make_network((fnn_isa)isa, 3, &data, FNN_NORMALIZE_STANDARDIZE);
                double worst = 0, change = 0;
                mean_of_views(m, &data, flip, shift, means);
                CHECK(!fnn_predict_augmented(m, NULL, &data, flip, shift, found));
                CHECK(!fnn_predict(m, NULL, &data, plain));
                CHECK(!fnn_predict_augmented(threads, NULL, &data, flip, shift, many));
                CHECK(!memcmp(found, many, sizeof found));
                for (i = 0; i < ROWS * 3; i++) {
                    const double off = fabs((double)found[i] - means[i]);
                    const double moved = fabs((double)found[i] - (double)plain[i]);
                    if (!(off <= worst)) worst = off;
                    if (moved > change) change = moved;
                }
                CHECKF(worst < 1e-6, "%s, flip %d, shift %d: %g off", fnn_isa_name((fnn_isa)isa),
                       flip, shift, worst);
                CHECK(flip || shift ? change > 1e-2 : !memcmp(found, plain, sizeof found));
                fnn_model_free(m);
                fnn_model_free(threads);
            }
}

static void a_prediction_has_its_bits_alone(void)
{
    static fnn_real all[ROWS * 3];
    fnn_real one[3];
    fnn_dataset data = make_images(7, 9, 3, 1);
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_STANDARDIZE);
    int i;
    CHECK(!fnn_predict_augmented(m, NULL, &data, 1, 1, all));
    data.count = 1;
    for (i = 0; i < ROWS; i++) {
        data.bytes = pixels + i * m->inputs;
        CHECK(!fnn_predict_augmented(m, NULL, &data, 1, 1, one));
        CHECK(!memcmp(one, all + 3 * i, sizeof one));
    }
    fnn_model_free(m);
}

static void wrong_views_are_refused(void)
{
    static fnn_real found[ROWS * 3];
    const fnn_dataset data = make_images(7, 9, 1, 1);
    fnn_dataset as_table = data;
    fnn_model *m = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_NONE);
    CHECK(!fnn_predict_augmented(m, NULL, &data, 0, 6, found));
    CHECK(fnn_predict_augmented(m, NULL, &data, 0, 7, found) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_augmented(m, NULL, &data, 0, -1, found) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_augmented(m, NULL, &data, 1, 1, NULL) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_augmented(m, NULL, NULL, 1, 1, found) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_predict_augmented(NULL, NULL, &data, 1, 1, found) == FNN_ERROR_MEMORY);
    as_table.width = 63;
    as_table.height = 1;
    CHECK(!fnn_predict_augmented(m, NULL, &as_table, 0, 0, found));
    CHECK(fnn_predict_augmented(m, NULL, &as_table, 1, 0, found) == FNN_ERROR_ARGUMENT);
    fnn_model_free(m);
}

/* ---- what is refused ---- */

static void check_refused(const fnn_dataset *data, fnn_augmentation a, const char *word)
{
    fnn_model *m = make_network(FNN_ISA_BEST, 1, data, FNN_NORMALIZE_NONE);
    const fnn_fit_config c = make_config(a);
    CHECKF(fnn_fit(m, data, &c, NULL) == FNN_ERROR_ARGUMENT, "%s: accepted", word);
    CHECKF(strstr(fnn_model_error(m)->message, word) != NULL, "%s: the message is %s", word,
           fnn_model_error(m)->message);
    fnn_model_free(m);
}

/* A model of images takes them as a table too, in which left and right cannot be told. */
static void images_as_a_table_are_not_augmented(void)
{
    const fnn_dataset data = make_images(7, 9, 1, 1);
    fnn_augmentation a[3];
    fnn_dataset table = data;
    int i;
    a[0] = make_augmentation(FNN_FLIP_RANDOM, 0, 0);
    a[1] = make_augmentation(FNN_FLIP_NONE, 2, 0);
    a[2] = make_augmentation(FNN_FLIP_NONE, 0, 3);
    table.height = 1;
    table.width = 63;
    for (i = 0; i < 3; i++) {
        fnn_model *m = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_NONE);
        fnn_fit_config c = make_config(a[i]);
        CHECK(fnn_fit(m, &table, &c, NULL) == FNN_ERROR_ARGUMENT);
        CHECK(strstr(fnn_model_error(m)->message, "expected images of the model's 7 x 9 x 1"));
        fnn_model_free(m);
        m = make_network(FNN_ISA_BEST, 1, &data, FNN_NORMALIZE_NONE);
        c = make_config(make_augmentation(FNN_FLIP_NONE, 0, 0));
        CHECK(!fnn_fit(m, &table, &c, NULL));
        fnn_model_free(m);
    }
}

static void wrong_augmentations_are_refused(void)
{
    const fnn_dataset data = make_images(7, 9, 1, 1), table = make_images(1, 1, 9, 0);
    fnn_augmentation a = make_augmentation((fnn_flip)3, 0, 0);
    check_refused(&data, a, "flip");
    check_refused(&data, make_augmentation(FNN_FLIP_NONE, -1, 0), "shift");
    check_refused(&data, make_augmentation(FNN_FLIP_NONE, 7, 0), "shift"); /* the height */
    check_refused(&table, make_augmentation(FNN_FLIP_NONE, 1, 0), "shift");
    check_refused(&data, make_augmentation(FNN_FLIP_NONE, 0, -1), "cutout");
    a = make_augmentation(FNN_FLIP_NONE, 0, 4);
    a.cutout_probability = 1.5;
    check_refused(&data, a, "probability");
    a.cutout_probability = (double)NAN;
    check_refused(&data, a, "probability");
    a.cutout_probability = 1;
    a.cutout_fill = (fnn_real)INFINITY;
    check_refused(&data, a, "fill");
}

static const harness_test tests[] = {
    TEST(every_number_is_the_twins),
    TEST(pixels_may_be_wider_than_the_space_to_turn_them_in),
    TEST(draws_have_their_probabilities),
    TEST(squares_are_cut_everywhere),
    TEST(alternating_flips_alternate),
    TEST(fit_sees_augmented_images),
    TEST(only_training_is_augmented),
    TEST(threads_and_views_change_no_bits),
    TEST(augmented_prediction_is_the_mean_over_views),
    TEST(a_prediction_has_its_bits_alone),
    TEST(wrong_views_are_refused),
    TEST(images_as_a_table_are_not_augmented),
    TEST(wrong_augmentations_are_refused),
};
HARNESS_MAIN(tests)
