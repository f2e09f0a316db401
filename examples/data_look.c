/* data-look: how many samples each class has, ten of each, mean and deviation of every pixel.
 *
 *     cc -O2 -fopenmp examples/data_look.c -o data_look -lm && ./data_look --csv plots
 *
 * Prints each class's share of both parts, which two of the reports say is a tenth; the pictures
 * are files of --csv, which examples/figures.sh draws. */
#include "experiment.h"

static experiment e;
static experiment_data data;
enum { SIDE = 28, PIXELS = SIDE * SIDE, CELL = SIDE + 1, CLASSES = 10, SHOWN = 10 };

/* Mean and deviation of every pixel over the images that were added. */
typedef struct statistics {
    double count, sum[PIXELS], squares[PIXELS]; /* of bytes: exact in double */
} statistics;

static void add(statistics *s, const uint8_t *image)
{
    s->count++;
    for (int p = 0; p < PIXELS; p++) {
        s->sum[p] += image[p];
        s->squares[p] += image[p] * image[p];
    }
}

static void finish(const statistics *s, double *mean, double *deviation)
{
    const double count = s->count > 0 ? s->count : 1; /* a small part may lack a class */
    for (int p = 0; p < PIXELS; p++) {
        mean[p] = s->sum[p] / count;
        deviation[p] = sqrt(fmax(s->squares[p] / count - mean[p] * mean[p], 0));
    }
}

static void report_balance(const fnn_dataset *d, const char *part)
{
    int64_t counts[CLASSES];
    if (d->classes != CLASSES || fnn_dataset_class_counts(d, counts))
        experiment_fail(&e, "%s: expected ten classes", part);
    for (int k = 0; k < CLASSES; k++)
        experiment_report_value(&e, "", "share of images %", 100.0 / CLASSES,
                                100 * (double)counts[k] / (double)d->count, "%s, %s: %ld of %ld",
                                part, d->class_names[k], (long)counts[k], (long)d->count);
}

/* Grey images (count) side by side, so many a row; names (one a row) may be NULL. */
static void draw(const char *name, const char *title, int count, int a_row, const double *images,
                 const char *const *names)
{
    const int rows = count / a_row, height = rows * CELL - 1, width = a_row * CELL - 1;
    experiment_plot *p = experiment_plot_open(&e, name, "sheet", title, "", "");
    experiment_append(&p->text, "# cell: %d\n", CELL);
    for (int i = 0; names && i < rows; i++) experiment_append(&p->text, "# name: %s\n", names[i]);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int image = y / CELL * a_row + x / CELL, row = y % CELL, column = x % CELL;
            if (row < SIDE && column < SIDE)
                experiment_append(&p->text, "%.4g", images[image * PIXELS + row * SIDE + column]);
            experiment_append(&p->text, x == width - 1 ? "\n" : ",");
        }
}

/* A row a class: its first ten images, then their mean and deviation; and those of all images. */
static void plot_images(const fnn_dataset *d)
{
    static double sheet[CLASSES][SHOWN + 2][PIXELS], pair[2][PIXELS];
    static statistics of_class[CLASSES], of_all;
    for (int64_t i = 0; i < d->count; i++) {
        const int64_t row = d->index ? d->index[i] : i;
        const int class_of = d->labels[row], shown = (int)of_class[class_of].count;
        const uint8_t *image = d->bytes + row * PIXELS;
        for (int p = 0; p < PIXELS && shown < SHOWN; p++) sheet[class_of][shown][p] = image[p];
        add(&of_class[class_of], image);
        add(&of_all, image);
    }
    for (int k = 0; k < CLASSES; k++) finish(&of_class[k], sheet[k][SHOWN], sheet[k][SHOWN + 1]);
    finish(&of_all, pair[0], pair[1]);
    draw("classes", "Ten training images of each class, then its mean and deviation",
         CLASSES * (SHOWN + 2), SHOWN + 2, sheet[0][0], d->class_names);
    draw("pixels", "Mean and deviation of every pixel over the training images", 2, 2, pair[0],
         NULL);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "data-look", "What the images are", 1);
    experiment_fashion(&e, &data);
    report_balance(&data.train, "training");
    report_balance(&data.test, "test");
    plot_images(&data.train);
    return experiment_end(&e);
}
