/* Writes a model as a C file of its own, for programs and devices that need no library for it.
 *
 *     cc -O3 -fopenmp examples/export_c.c -o export_c -lm
 *     ./export_c model.safetensors -o net.c [--int8 IMAGES] [--test IMAGES LABELS] [--name net]
 *
 * The file has int net_predict(const float *in, float *out), net_predict_bytes for images, the
 * names of the classes and a self-test: cc -DNET_SELF_TEST net.c -lm && ./a.out. It is C99 and C++,
 * allocates nothing and calls no library but for expf, or what else an activation needs.
 * --int8 makes integers of 8 bits of the weights and, within ranges seen on IMAGES, of outputs: a
 * quarter of the memory. --test prints the accuracy. Both take IDX files, plain or gzip; three of
 * the images are what the self-test has, random numbers without them. For a network of 32 KB of
 * flash and 8 KB of RAM see examples/tiny.c. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "export_plan.h"
#include "export_int8.h"
#include "export_write.h"

typedef struct {
    const char *model, *output, *name, *int8, *images, *labels;
} options;

static const char usage[] =
    "usage: export_c MODEL.safetensors -o FILE.c [--int8 IMAGES] [--test IMAGES LABELS]\n"
    "                [--name NAME]\n"
    "  --int8 IMAGES         integers of 8 bits, their ranges as on 1000 of these IDX images,\n"
    "                        best those of training\n"
    "  --test IMAGES LABELS  prints the accuracy on these\n"
    "  --name NAME           what functions are called: NAME_predict; net unless told\n";

static void read_options(options *o, char **argv)
{
    for (; *argv; argv++) {
        const char *a = *argv;
        const char **value = !strcmp(a, "-o")       ? &o->output
                             : !strcmp(a, "--int8") ? &o->int8
                             : !strcmp(a, "--name") ? &o->name
                             : !strcmp(a, "--test") ? &o->images
                             : a[0] != '-'          ? &o->model
                                                    : NULL;
        if (!strcmp(a, "--help")) fputs(usage, stdout), exit(program_end());
        if (!value) program_fail("unknown option %s; --help tells which there are", a);
        if (value != &o->model && !*++argv) program_fail("%s: a value is missing", a);
        if (*value) program_fail("expected one model and an option once, found %s too", *argv);
        *value = *argv;
        if (value == &o->images && !(o->labels = *++argv))
            program_fail("--test: the labels are missing");
    }
    if (!o->model || !o->output) program_fail("expected a model and -o FILE.c; --help tells more");
    if (!o->name) o->name = "net";
    for (const char *c = o->name; *c || c == o->name; c++)
        if (!(isalpha((unsigned char)*c) || *c == '_' ||
              (c > o->name && isdigit((unsigned char)*c))))
            program_fail("--name: expected letters, digits and _, found %s", o->name);
    if (strlen(o->name) > 60) program_fail("--name: expected at most 60 characters");
}

/* Outputs (count, outputs) of the first samples; by the library, or by the plan in eight bits. */
static fnn_real *predict(const fnn_model *m, const plan *p, const fnn_dataset *data)
{
    fnn_real *y = (fnn_real *)program_memory((size_t)data->count * (size_t)p->outputs, sizeof *y);
    if (p->is_int8) predict_int8(p, data, data->count, y);
    else if (fnn_predict(m, NULL, data, y)) program_fail("no prediction");
    return y;
}

static void print_accuracy(const fnn_model *m, const plan *p, const options *o)
{
    const fnn_dataset test = read_images(m, o->images, o->labels);
    fnn_metrics real;
    if (fnn_evaluate(m, NULL, &test, &real)) program_fail("%s: no accuracy on these", o->labels);
    printf("test accuracy: float %.2f %%", 100 * real.accuracy);
    if (p->is_int8)
        printf(", int8 %.2f %%", 100 * fnn_accuracy_on(predict(m, p, &test), &test, p->outputs));
    printf("\n");
}

int main(int argc, char **argv)
{
    options o = {NULL, NULL, NULL, NULL, NULL, NULL};
    fnn_error error;
    program_name = "export_c";
    read_options(&o, argv + (argc > 0));
    check_output(o.output, o.model);
    const fnn_model *m = fnn_load(o.model, NULL, &error);
    if (!m) program_fail("%s", error.message);
    plan p = plan_of(m);
    fnn_dataset samples = o.images ? read_images(m, o.images, NULL) : made_up(&p);
    if (o.int8) samples = read_images(m, o.int8, NULL), quantise(&p, &samples);
    samples = least_sure(m, &samples, p.outputs);

    writer w = {begin_file(o.output), o.name, "", m, &p, 0};
    write_c(&w, &samples, predict(m, &p, &samples));
    end_file(w.file);
    printf("%s: %lu bytes of numbers, %lu bytes of scratch memory\n", o.output,
           (unsigned long)w.bytes, (unsigned long)p.scratch * (p.is_int8 ? 1 : 4));
    if (o.images) print_accuracy(m, &p, &o);
    return program_end();
}
