/* What is on a photo: classifies a picture of one's own, in PGM or PPM, of any size.
 *
 *     cc -O2 examples/photo.c -o photo -lm
 *     ./photo picture.pgm build/demo.safetensors           with the model that make demo leaves
 *
 * Prints the picture as the network sees it, then each class with its probability, by the name that
 * the model's file has for it. A network knows what it was trained on: one thing, bright on black,
 * filling 28 x 28 pixels. So a bright border is inverted and made black, and what stands out of it
 * is cropped and scaled.
 * Other formats: convert photo.jpg -colorspace gray photo.pgm (ImageMagick). */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"
enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10 };

/* The grey of a picture, 0 to 1 (height, width): of colours their mean. */
static double *read_grey(const char *path, int *width, int *height)
{
    FILE *file = fopen(path, "rb");
    if (!file) program_fail("%s: cannot be opened", path);
    const fnn_dataset picture = program_read_picture(path, file);
    const int w = *width = picture.width, h = *height = picture.height, n = picture.channels;
    double *x = (double *)program_memory((size_t)w * (size_t)h, sizeof *x);
    for (int i = 0; i < w * h * n; i++) x[i / n] += picture.bytes[i] / (255. * n);
    fclose(file);
    return x;
}

/* Makes what the border is in the mean black, and what is farthest from it white. */
static void make_border_black(double *x, int w, int h)
{
    double sum = 0, count = 0, most = 1e-9;
    for (int i = 0; i < w * h; i++)
        if (i < w || i >= w * (h - 1) || i % w == 0 || i % w == w - 1) sum += x[i], count++;
    const double border = sum / count;
    for (int i = 0; i < w * h; i++)
        x[i] = fmax(border > .5 ? border - x[i] : x[i] - border, 0), most = fmax(most, x[i]);
    for (int i = 0; i < w * h; i++) x[i] /= most;
}

/* Scales the square round what is brighter than a fifth to SIDE x SIDE bytes, each the mean of the
 * area that it covers; outside of the picture is black. */
static void scale(const double *x, int w, int h, uint8_t *to)
{
    int left = w, right = 0, top = h, bottom = 0;
    for (int i = 0; i < w * h; i++) {
        if (x[i] <= .2) continue;
        left = i % w < left ? i % w : left, right = i % w < right ? right : i % w + 1;
        top = i / w < top ? i / w : top, bottom = i / w + 1;
    }
    const double size = fmax(right - left, bottom - top), step = size > 0 ? size / SIDE : 1;
    for (int i = 0; i < PIXELS; i++) {
        const double l = (left + right - size) / 2 + i % SIDE * step, r = l + step;
        const double t = (top + bottom - size) / 2 + i / SIDE * step, b = t + step;
        double sum = 0;
        for (int v = (int)fmax(t, 0); v < h && v < b; v++)
            for (int u = (int)fmax(l, 0); u < w && u < r; u++)
                sum += (fmin(u + 1, r) - fmax(u, l)) * (fmin(v + 1, b) - fmax(v, t)) * x[v * w + u];
        to[i] = (uint8_t)(sum / (step * step) * 255 + .5);
    }
}

int main(int argc, char **argv)
{
    uint8_t image[PIXELS];
    fnn_real found[CLASSES];
    fnn_error error;
    int w, h;
    program_usage("photo", "photo picture.pgm model.safetensors", argc, argv, 2, 2);
    double *x = read_grey(argv[1], &w, &h);
    fnn_model *m = fnn_load(argv[2], NULL, &error);
    /* The model is anybody's: image and found fit none but such a one. */
    if (!m || fnn_check_shapes(m, SIDE, SIDE, 1, CLASSES, &error))
        program_fail("%s", error.message);
    if (!program_ends_in(m, "softmax") && !program_ends_in(m, "sigmoid"))
        program_fail("%s: expected probabilities, from a softmax or a sigmoid at the end, found "
                     "other numbers",
                     argv[2]);
    make_border_black(x, w, h);
    scale(x, w, h, image);
    for (int i = 0; i < PIXELS; i++)
        printf("%c%s", " .:-=+*#%@"[image[i] * 9 / 255], i % SIDE == SIDE - 1 ? "\n" : "");
    const fnn_result r = fnn_predict_one_bytes(m, NULL, image, found);
    if (r) program_fail("%s: %s", argv[2], fnn_result_text(r));
    for (int k = 0; k < CLASSES; k++)
        printf("%5.1f %%  %s\n", 100 * (double)found[k], program_class_name(m, k));
    return fnn_model_free(m), free(x), program_end();
}
