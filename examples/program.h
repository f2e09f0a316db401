/* What the programs that are told things on the command line share: options and their help,
 * networks in words, data sets by path. They include it behind fmnist_nn.h:
 *
 *     static int epochs = 10;
 *     static const program_option options[] = {
 *         {"TRAINING", PROGRAM_HEADING, NULL, 0, 0, NULL, NULL},
 *         {"epochs", PROGRAM_INT, &epochs, 1, 1e6, "N", "passes over the data"},
 *     };
 *     program_options("name", about, argc, argv, options, PROGRAM_COUNT(options), files, 1);
 *
 * Whatever is wrong ends the program with a message that says what was expected and found. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#define PROGRAM_COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
/* Of the library's lists, the words for an option: |one|other. */
#define PROGRAM_CHOICE_OF(kind, word, ...) "|" #word
#define PROGRAM_NAME_OF(kind, word) "|" #word

static const char *program_name = "program"; /* for messages */

/* Ends the program. */
static inline void program_fail(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "%s: ", program_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* The end of a program, and its status: only now it is known whether all that was printed has
 * arrived, which a full disk may have lost. */
static inline int program_end(void)
{
    if (fflush(stdout) || ferror(stdout)) program_fail("what it prints cannot be written");
    return 0;
}

/* For programs that take files, least to most of them, and no options but --help, which prints the
 * usage. Anything else ends the program with an error. */
static inline void program_usage(const char *name, const char *usage, int argc, char **argv,
                                 int least, int most)
{
    program_name = name;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help")) printf("usage: %s\n", usage), exit(program_end());
    for (int i = 1; i < argc; i++)
        if (*argv[i] == '-') program_fail("unknown option %s; usage: %s", argv[i], usage);
    if (argc - 1 < least || argc - 1 > most) program_fail("usage: %s", usage);
}

/* Whether two paths lead to one file, which need not be there yet: then by its folder and name. */
static inline int program_same_file(const char *a, const char *b)
{
#ifdef _WIN32 /* where stat does not tell */
    char whole[2][_MAX_PATH];
    return _fullpath(whole[0], a, _MAX_PATH) && _fullpath(whole[1], b, _MAX_PATH) &&
           !_stricmp(whole[0], whole[1]);
#else
    const char *const paths[2] = {a, b}, *names[2];
    char folders[2][1000];
    struct stat s[2];
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(paths[i], '/');
        names[i] = slash ? slash + 1 : paths[i];
        snprintf(folders[i], sizeof folders[i], "%.*s", slash ? (int)(names[i] - paths[i]) : 1,
                 slash ? paths[i] : ".");
    }
    if ((stat(a, s) || stat(b, s + 1)) &&
        (strcmp(names[0], names[1]) || stat(folders[0], s) || stat(folders[1], s + 1)))
        return 0;
    return s[0].st_dev == s[1].st_dev && s[0].st_ino == s[1].st_ino;
#endif
}

/* So many zeros, of the given size. */
static inline void *program_memory(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) program_fail("no memory for %.0f bytes", (double)count * (double)size);
    return memory;
}

/* A context's configuration with so many threads; 0: all there are. */
static inline fnn_context_config program_threads(int threads)
{
    fnn_context_config c = fnn_context_config_init();
    c.threads = threads ? threads : FNN_THREADS_OPENMP;
    return c;
}

/* Black images, to time a network by. */
static inline fnn_dataset program_images(int count, const int shape[3])
{
    const size_t rows = (size_t)count * (size_t)shape[0];
    const void *bytes = program_memory(rows, (size_t)shape[1] * (size_t)shape[2]);
    return fnn_dataset_images((const uint8_t *)bytes, NULL, count, shape[0], shape[1], shape[2], 0);
}

static inline void program_images_free(const fnn_dataset *data)
{
    free((void *)(uintptr_t)data->bytes);
}

/* Seconds: of one thread those of its processor time, which neighbours disturb least, else those
 * on the clock. */
static inline double program_seconds(int threads)
{
    struct timeval t; /* not timespec_get, which is C11's */
    if (threads == 1) return (double)clock() / (double)CLOCKS_PER_SEC;
    gettimeofday(&t, NULL);
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* Height, width and channels of "28x28x1". */
static inline void program_shape(const char *option, const char *text, int shape[3])
{
    char rest;
    int right = sscanf(text, "%dx%dx%d%c", shape, shape + 1, shape + 2, &rest) == 3;
    for (int i = 0; i < 3; i++) right = right && shape[i] > 0 && shape[i] <= 10000;
    if (!right)
        program_fail("--%s: expected HEIGHTxWIDTHxCHANNELS, such as 28x28x1, found %s", option,
                     text);
}

/* ---- options ---- */

/* What an option's value is, and what `to` points to. */
typedef enum program_kind {
    PROGRAM_HEADING, /* no option: a line of the help */
    PROGRAM_FLAG,    /* int: 1 where it is given */
    PROGRAM_INT,     /* int: a whole number from least to most */
    PROGRAM_SEED,    /* uint64_t: the same */
    PROGRAM_REAL,    /* fnn_real: any number from least to most */
    PROGRAM_DOUBLE,  /* double: the same */
    PROGRAM_TEXT,    /* const char *: as it stands */
    PROGRAM_CHOICE   /* int: the place of a word in `value`, which is |one|other */
} program_kind;

typedef struct program_option {
    const char *name; /* without its two dashes */
    program_kind kind;
    void *to; /* what stands there at first is the default that the help shows */
    double least, most;
    const char *value, *help;
} program_option;

/* The options that the command line has, each once. */
static const char *program_told[64];
static int program_told_count;

/* Whether an option is among them, whatever its value. */
static inline int program_given(const char *name)
{
    int i = 0;
    while (i < program_told_count && strcmp(program_told[i], name)) i++;
    return i < program_told_count;
}

/* The value as text: the default, for the help. */
static inline const char *program_default(const program_option *o, char *text, size_t size)
{
    double number = 0;
    const char *word = o->value;
    int i;
    switch (o->kind) {
    case PROGRAM_INT: number = *(const int *)o->to; break;
    case PROGRAM_SEED: number = (double)*(const uint64_t *)o->to; break;
    case PROGRAM_REAL: number = (double)*(const fnn_real *)o->to; break;
    case PROGRAM_DOUBLE: number = *(const double *)o->to; break;
    case PROGRAM_TEXT: return *(const char *const *)o->to;
    case PROGRAM_CHOICE:
        for (i = 0; i < *(const int *)o->to; i++) word = strchr(word + 1, '|');
        snprintf(text, size, "%.*s", (int)strcspn(word + 1, "|"), word + 1);
        return text;
    default: break;
    }
    if (o->kind == PROGRAM_HEADING || o->kind == PROGRAM_FLAG) return NULL;
    snprintf(text, size, "%.7g", number);
    return text;
}

/* Prints words from a column on, broken at column 80, and a line's end. */
static inline void program_print(const char *text, int from, int column)
{
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (column + 1 + length >= 80 || column < from) {
            if (column > 0) putchar('\n');
            printf("%*s", from, "");
            column = from;
        } else if (column > from) putchar(' '), column++;
        printf("%.*s", length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
    putchar('\n');
}

static inline void program_help(const char *about, const program_option *options, int count)
{
    const int column = 24;
    char text[400], usual[40];
    printf("%s", about);
    for (int i = 0; i < count; i++) {
        const program_option *o = options + i;
        if (o->kind == PROGRAM_HEADING) {
            printf("\n%s\n", o->name);
            continue;
        }
        const char *value = o->kind == PROGRAM_CHOICE ? o->value + 1 : o->value;
        const char *standard = program_default(o, usual, sizeof usual);
        const int length = printf("  --%s%s%s", o->name, value ? " " : "", value ? value : "");
        snprintf(text, sizeof text, "%s%s%s%s", o->help, standard ? " [" : "",
                 standard ? standard : "", standard ? "]" : "");
        if (length < column) printf("%*s", column - length, "");
        program_print(text, column, length < column ? column : 80);
    }
    printf("\nIn brackets: what it is unless you say otherwise.\n");
    exit(program_end());
}

/* The place of a word, so many characters long, in |one|other; -1 if it is not there. */
static inline int program_find(const char *words, const char *word, size_t length)
{
    for (int i = 0; words; words = strchr(words + 1, '|'), i++)
        if (strcspn(words + 1, "|") == length && !strncmp(words + 1, word, length)) return i;
    return -1;
}

static inline void program_set(const program_option *o, const char *value)
{
    char *end = NULL;
    const double number = strtod(value, &end);
    const int whole = o->kind == PROGRAM_INT || o->kind == PROGRAM_SEED;
    const int place = o->kind == PROGRAM_CHOICE ? program_find(o->value, value, strlen(value)) : -1;
    if (o->kind == PROGRAM_TEXT) {
        if (!*value) program_fail("--%s: expected %s, found an empty text", o->name, o->value);
        *(const char **)o->to = value;
        return;
    }
    if (o->kind == PROGRAM_CHOICE) {
        if (place < 0) program_fail("--%s: expected %s, found %s", o->name, o->value + 1, value);
        *(int *)o->to = place;
        return;
    }
    if (end == value || *end || !(number >= o->least && number <= o->most) ||
        (whole && number != floor(number)))
        program_fail("--%s: expected a %snumber from %.16g to %.16g, found %s", o->name,
                     whole ? "whole " : "", o->least, o->most, *value ? value : "an empty text");
    if (o->kind == PROGRAM_INT) *(int *)o->to = (int)number;
    else if (o->kind == PROGRAM_SEED) *(uint64_t *)o->to = (uint64_t)number;
    else if (o->kind == PROGRAM_REAL) *(fnn_real *)o->to = (fnn_real)number;
    else *(double *)o->to = number;
}

/* Takes `--option value` and `--option=value`; what does not begin with - goes to files (most).
 * Returns how many these are. --help shows the text about it and the options. */
static inline int program_options(const char *name, const char *about, int argc, char **argv,
                                  const program_option *options, int count, const char **files,
                                  int most)
{
    int found = 0;
    program_name = name;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const size_t length = strcspn(word, "=");
        const program_option *o = options;
        if (!strcmp(word, "--help")) program_help(about, options, count);
        if (*word != '-' || !word[1]) {
            if (found == most)
                program_fail("expected options and at most %d file%s, found %s too; see --help",
                             most, most == 1 ? "" : "s", word);
            files[found++] = word;
            continue;
        }
        while (o < options + count &&
               (o->kind == PROGRAM_HEADING || strncmp(word, "--", 2) ||
                strlen(o->name) + 2 != length || strncmp(word + 2, o->name, length - 2)))
            o++;
        if (o == options + count) program_fail("unknown option %s; see --help", word);
        if (!program_given(o->name) && program_told_count < PROGRAM_COUNT(program_told))
            program_told[program_told_count++] = o->name;
        if (o->kind == PROGRAM_FLAG) {
            if (word[length]) program_fail("--%s: expected no value, found %s", o->name, word);
            *(int *)o->to = 1;
        } else if (word[length]) program_set(o, word + length + 1);
        else if (++i < argc) program_set(o, argv[i]);
        else program_fail("--%s: expected %s behind it, found nothing", o->name, o->value);
    }
    return found;
}

/* ---- words: of layers, optimisers, schedules ----
 * A text is cut at commas (in files of models: semicolons) into items, and these at blanks. */

#define PROGRAM_WORDS 16
#define PROGRAM_ITEM 160

typedef struct program_words {
    char text[PROGRAM_ITEM], shown[PROGRAM_ITEM]; /* cut, and as it was */
    const char *word[PROGRAM_WORDS];
    int count;
    int at; /* the next one to be taken */
} program_words;

/* Takes the next item from *text. Returns 0 at its end. */
static inline int program_item(const char **text, program_words *w, const char *what)
{
    const size_t length = strcspn(*text, ",;");
    if (!**text) return 0;
    memset(w, 0, sizeof *w);
    if (length >= sizeof w->text)
        program_fail("%s: expected at most %d characters between commas, found %d", what,
                     PROGRAM_ITEM - 1, (int)length);
    memcpy(w->text, *text, length);
    *text += length + ((*text)[length] != 0);
    for (char *at = w->text; *(at += strspn(at, " \t\n"));) {
        if (w->count == PROGRAM_WORDS)
            program_fail("%s: expected at most %d words between commas", what, PROGRAM_WORDS);
        w->word[w->count++] = at;
        at += strcspn(at, " \t\n");
        if (*at) *at++ = 0;
    }
    for (int i = 0; i < w->count; i++) strcat(strcat(w->shown, i ? " " : ""), w->word[i]);
    if (!w->count) program_fail("%s: expected words between commas, found none", what);
    return 1;
}

/* Takes the next word if it is a number. */
static inline int program_number(program_words *w, double *number)
{
    char *end;
    if (w->at == w->count) return 0;
    *number = strtod(w->word[w->at], &end);
    if (*end || !isfinite(*number)) return 0;
    w->at++;
    return 1;
}

/* Takes the whole numbers that come next, at most so many. Returns how many. */
static inline int program_ints(program_words *w, int *numbers, int most)
{
    double number;
    int n;
    for (n = 0; n < most && program_number(w, &number); n++) {
        if (number < 0 || number > 2147483647 || number != floor(number)) return -1;
        numbers[n] = (int)number;
    }
    return n;
}

/* Takes the next word if it is one of |one|other. Returns its place, or -1. */
static inline int program_take(program_words *w, const char *words)
{
    const char *word = w->at < w->count ? w->word[w->at] : "";
    const int place = *word ? program_find(words, word, strlen(word)) : -1;
    if (place >= 0) w->at++;
    return place;
}

/* ---- layers ----
 * In the words of model files, of which the last may be left out, and some shorter ones. Each
 * function takes the words behind a layer's name and builds it; it returns 0 if they are wrong.
 * Builders do nothing with NULL for a model: so words are checked before there is one. */

#define PROGRAM_LAYERS_HELP                                                                   \
    "Layers, from the input upwards, with commas between:\n"                                  \
    "  conv FILTERS [KERNEL [STRIDE]] [same|valid] [ACTIVATION] [no_bias]      KERNEL 3\n"    \
    "  pool SIZE [STRIDE] [same|valid]        average_pool SIZE ...   global_average_pool\n"  \
    "  dense UNITS [ACTIVATION] [no_bias]     dropout RATE            spatial_dropout RATE\n" \
    "  batch_norm       flatten       add LAYER (its number, from 0, or input)\n"             \
    "  an ACTIVATION alone: relu leaky_relu elu gelu sigmoid tanh softmax linear\n"           \
    "and as model files have them: conv2d 32 3 3 1 1 same relu 0; max_pool2d 2 2 2 2 valid\n"

typedef struct program_function {
    int kind; /* an fnn_activation; -1: not said */
    double parameter;
    int apart; /* 1: a parameter that only a layer of its own can have */
} program_function;

#define PROGRAM_PARAMETER_OF(kind, word, a, ...) a,
static inline program_function program_activation(program_words *w)
{
    static const double usual[] = {FNN_ACTIVATION_LIST(PROGRAM_PARAMETER_OF, PROGRAM_PARAMETER_OF)};
    program_function f = {-1, 0, 0};
    f.kind = program_take(w, FNN_ACTIVATION_LIST(PROGRAM_CHOICE_OF, PROGRAM_CHOICE_OF));
    if (f.kind < 0) return f;
    f.parameter = usual[f.kind];
    f.apart = program_number(w, &f.parameter) && (fnn_real)f.parameter != (fnn_real)usual[f.kind];
    return f;
}

/* What the builder of a layer is told, and what it cannot be told. */
static inline fnn_activation program_inside(const program_function *f)
{
    return f->kind < 0 || f->apart ? FNN_LINEAR : (fnn_activation)f->kind;
}
static inline void program_behind(fnn_model *m, const program_function *f)
{
    if (f->apart) fnn_activate(m, (fnn_activation)f->kind, (fnn_real)f->parameter);
}

static inline int program_dense(fnn_model *m, program_words *w)
{
    fnn_dense_config c = fnn_dense_config_init();
    const int count = program_ints(w, &c.units, 1);
    const program_function f = program_activation(w);
    c.activation = program_inside(&f);
    c.no_bias = program_take(w, "|no_bias") == 0;
    fnn_dense_with(m, &c);
    program_behind(m, &f);
    return count == 1;
}

/* SIZE, SIZE STRIDE or HEIGHT WIDTH and both strides, then a padding: of a window, whose strides
 * are `stride` unless they are said, 0 for those of its size; what is said is above 0. Returns 0 if
 * the words are wrong. */
static inline int program_window(program_words *w, int stride, int sizes[6], fnn_padding *padding)
{
    const int count = program_ints(w, sizes, 4);
    const int said = program_take(w, FNN_PADDING_LIST(PROGRAM_NAME_OF));
    if (count < 0 || count == 3) return 0;
    for (int i = 0; i < count; i++)
        if (!sizes[i]) return 0;
    if (count == 2) stride = sizes[1];
    if (count == 1 || count == 2) sizes[1] = sizes[0];
    if (count < 4) sizes[2] = sizes[3] = stride ? stride : sizes[0];
    if (said >= 0) *padding = (fnn_padding)said;
    return said != FNN_EXPLICIT || program_ints(w, sizes + 4, 2) == 2;
}

static inline int program_conv(fnn_model *m, program_words *w)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    int sizes[6] = {c.kernel_height, c.kernel_width};
    const int right =
        program_ints(w, &c.filters, 1) == 1 && program_window(w, 1, sizes, &c.padding);
    const program_function f = program_activation(w);
    c.kernel_height = sizes[0], c.kernel_width = sizes[1];
    c.stride_height = sizes[2], c.stride_width = sizes[3];
    c.pad_height = sizes[4], c.pad_width = sizes[5];
    c.activation = program_inside(&f);
    c.no_bias = program_take(w, "|no_bias") == 0;
    fnn_conv2d_with(m, &c);
    program_behind(m, &f);
    return right;
}

static inline int program_pool(fnn_model *m, program_words *w, int average)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    int sizes[6] = {0};
    const int right = program_window(w, 0, sizes, &c.padding);
    c.average = average;
    c.height = sizes[0], c.width = sizes[1];
    c.stride_height = sizes[2], c.stride_width = sizes[3];
    c.pad_height = sizes[4], c.pad_width = sizes[5];
    fnn_pool2d_with(m, &c);
    return right && sizes[0] > 0;
}
static inline int program_max_pool(fnn_model *m, program_words *w)
{
    return program_pool(m, w, 0);
}
static inline int program_average_pool(fnn_model *m, program_words *w)
{
    return program_pool(m, w, 1);
}

static inline int program_dropout(fnn_model *m, program_words *w)
{
    double rate = 0;
    const int right = program_number(w, &rate);
    fnn_dropout(m, (fnn_real)rate);
    return right;
}
static inline int program_spatial_dropout(fnn_model *m, program_words *w)
{
    double rate = 0;
    const int right = program_number(w, &rate);
    fnn_spatial_dropout(m, (fnn_real)rate);
    return right;
}

static inline int program_batch_norm(fnn_model *m, program_words *w)
{
    fnn_batch_norm_config c = fnn_batch_norm_config_init();
    double momentum, epsilon;
    if (program_number(w, &momentum)) {
        if (!program_number(w, &epsilon) || program_ints(w, &c.unbiased, 1) != 1) return 0;
        c.momentum = (fnn_real)momentum, c.epsilon = (fnn_real)epsilon;
    }
    fnn_batch_norm_with(m, &c);
    return 1;
}

static inline int program_add(fnn_model *m, program_words *w)
{
    int from = -1;
    const int right = program_take(w, "|input") == 0 || program_ints(w, &from, 1) == 1;
    fnn_add(m, from);
    return right;
}
static inline int program_flatten(fnn_model *m, program_words *w)
{
    (void)w;
    fnn_flatten(m);
    return 1;
}
static inline int program_global_pool(fnn_model *m, program_words *w)
{
    (void)w;
    fnn_global_average_pool2d(m);
    return 1;
}

/* An activation's own name, or "activation" in front of it. */
static inline int program_activate(fnn_model *m, program_words *w)
{
    w->at = !strcmp(w->word[0], "activation");
    const program_function f = program_activation(w);
    if (f.kind >= 0) fnn_activate(m, (fnn_activation)f.kind, (fnn_real)f.parameter);
    return f.kind >= 0;
}

static const struct program_layer {
    const char *names;
    int (*build)(fnn_model *m, program_words *w);
    const char *expected;
} program_layers_known[] = {
    {"|dense", program_dense, "dense UNITS [ACTIVATION] [no_bias]"},
    {"|conv2d|conv", program_conv,
     "conv FILTERS [KERNEL [STRIDE]] [same|valid] [ACTIVATION] [no_bias]"},
    {"|max_pool2d|max_pool|pool", program_max_pool, "pool SIZE [STRIDE] [same|valid]"},
    {"|average_pool2d|average_pool", program_average_pool,
     "average_pool SIZE [STRIDE] [same|valid]"},
    {"|dropout", program_dropout, "dropout RATE"},
    {"|spatial_dropout", program_spatial_dropout, "spatial_dropout RATE"},
    {"|batch_norm", program_batch_norm, "batch_norm [MOMENTUM EPSILON 0|1]"},
    {"|add", program_add, "add LAYER, its number or input"},
    {"|flatten", program_flatten, "flatten"},
    {"|global_average_pool", program_global_pool, "global_average_pool"},
    {"|activation" FNN_ACTIVATION_LIST(PROGRAM_CHOICE_OF, PROGRAM_CHOICE_OF), program_activate,
     "an activation and its parameter, if any"},
};

/* Adds to m (NULL: only reads) the layers that a text has, at most so many items of it; `what` is
 * where it comes from. Returns how many items there were; the last one is copied to last
 * (PROGRAM_ITEM characters, or NULL). */
static inline int program_layers(fnn_model *m, const char *text, int most, const char *what,
                                 char *last)
{
    program_words w;
    int items = 0;
    for (; items < most && program_item(&text, &w, what); items++) {
        const struct program_layer *known = program_layers_known;
        const struct program_layer *end = known + PROGRAM_COUNT(program_layers_known);
        while (known < end && program_find(known->names, w.word[0], strlen(w.word[0])) < 0) known++;
        if (known == end)
            program_fail("%s: expected a layer, such as dense or conv, found %s", what, w.shown);
        w.at = 1;
        if (!known->build(m, &w) || w.at < w.count)
            program_fail("%s: expected %s, found %s", what, known->expected, w.shown);
        if (m && fnn_model_error(m)->code)
            program_fail("%s: %s (%s)", what, fnn_model_error(m)->message, w.shown);
        if (last) strcpy(last, w.shown);
    }
    return items;
}

/* The layers of a model file, as one text, which is the caller's to free; and the shape of a
 * sample: in place of --layers and --input. What normalised targets are turned back by is left out:
 * it belongs to data. */
static inline const char *program_file_layers(const char *path, int shape[3])
{
    fnn_error error;
    char words[PROGRAM_ITEM];
    if (program_given("layers") || program_given("input"))
        program_fail("expected a model file or --layers and --input, found both");
    fnn_model *m = fnn_load(path, NULL, &error);
    if (!m) program_fail("%s", error.message);
    const int count = fnn_layer_count(m);
    char *text = (char *)program_memory((size_t)count * sizeof words, 1);
    for (int l = 0; l < count; l++)
        if (strcmp(fnn_layer_name(m, l), "rescale")) {
            fnn_layer_words(m, l, words, sizeof words);
            strcat(strcat(text, l ? ", " : ""), words);
        }
    fnn_shapes(m, shape, NULL);
    fnn_model_free(m);
    return text;
}

/* ---- speed ---- */

/* Multiplications and additions of a sample's way through the layers; all of a convolution's, where
 * Winograd's way takes a quarter of the multiplications. */
static inline double program_flops(const fnn_model *m)
{
    double flops = 0;
    int shape[3];
    fnn_tensor t;
    for (int l = 0; !fnn_layer_shape(m, l, shape); l++)
        if (!fnn_tensor_at(m, l, 0, &t) && !strcmp(t.name, "weight"))
            flops += 2. * (double)t.count * (t.dimensions == 4 ? shape[0] * shape[1] : 1);
    return flops;
}

/* What the machine can do of them in a second on so many threads: the most of a few fnn_sgemm of
 * large matrices. */
static inline double program_limit(int threads)
{
    const int side = 512;
    const fnn_context_config config = program_threads(threads);
    fnn_context *context = fnn_context_create(&config, NULL);
    fnn_real *x = (fnn_real *)program_memory(2 * (size_t)(side * side), sizeof *x);
    fnn_real *y = x + side * side;
    double best = HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        const double start = program_seconds(threads);
        if (fnn_sgemm(context, 0, 0, side, side, side, 1, x, side, x, side, 0, y, side))
            program_fail("no memory for matrices of %d columns", side);
        best = fmin(best, program_seconds(threads) - start);
    }
    free(x);
    fnn_context_free(context);
    return 2. * side * side * side / best;
}

/* ---- optimisers and schedules ---- */

#define PROGRAM_OPTIMIZERS "|sgd|momentum|nesterov|adagrad|adadelta|rmsprop|adam|adamw"

/* The optimiser of that place in the list; rate 0 is its usual one, and momentum
 * and decay are for those that have them. */
static inline fnn_optimizer program_optimizer(int place, double rate, double momentum, double decay)
{
    static const double usual[] = {.1, .05, .05, .01, 1, 1e-3, 1e-3, 1e-3};
    if (program_given("momentum") && place != 1 && place != 2)
        program_fail("--momentum: expected --optimizer momentum or nesterov too, found another");
    if (program_given("decay") && place != 7)
        program_fail("--decay: expected --optimizer adamw too, found another");
    if (!(rate > 0)) rate = usual[place];
    switch (place) {
    case 0: return fnn_sgd(rate);
    case 1: return fnn_momentum(rate, momentum);
    case 2: return fnn_nesterov(rate, momentum);
    case 3: return fnn_adagrad(rate);
    case 4: return fnn_adadelta(rate);
    case 5: return fnn_rmsprop(rate);
    case 6: return fnn_adam(rate);
    default: return fnn_adamw(rate, decay);
    }
}

#define PROGRAM_SCHEDULES \
    "constant, linear, cosine [LOWEST], one_cycle, exponential FACTOR or step_decay EPOCHS FACTOR"

/* A schedule by its name and numbers. */
static inline fnn_schedule program_schedule(const char *text, const char *what)
{
    const char *rest = text;
    program_words w = {"", "", {NULL}, 0, 0};
    fnn_schedule s = fnn_schedule_constant();
    int right = program_item(&rest, &w, what) && !*rest;
    const int kind = program_take(&w, FNN_SCHEDULE_LIST(PROGRAM_CHOICE_OF));
    switch (kind) {
    case FNN_SCHEDULE_CONSTANT: break;
    case FNN_SCHEDULE_STEP_DECAY:
        s = fnn_schedule_step_decay(1, 1);
        right = right && program_ints(&w, &s.every, 1) == 1 && program_number(&w, &s.gamma);
        break;
    case FNN_SCHEDULE_EXPONENTIAL:
        s = fnn_schedule_exponential(1);
        right = right && program_number(&w, &s.gamma);
        break;
    case FNN_SCHEDULE_COSINE:
        s = fnn_schedule_cosine(0);
        program_number(&w, &s.lowest);
        break;
    case FNN_SCHEDULE_ONE_CYCLE: s = fnn_schedule_one_cycle(); break;
    case FNN_SCHEDULE_LINEAR: s = fnn_schedule_linear(); break;
    default: right = 0;
    }
    if (!right || w.at < w.count || isnan(fnn_schedule_rate(&s, 1, 0, 1, 1)))
        program_fail("%s: expected %s, found %s", what, PROGRAM_SCHEDULES, text);
    return s;
}

/* An empty model for samples like those of data. */
static inline fnn_model *program_sequential(int threads, const fnn_dataset *data)
{
    const fnn_context_config context = program_threads(threads);
    fnn_model *m = fnn_sequential_with(&context, data->height, data->width, data->channels);
    if (fnn_model_error(m)->code) program_fail("%s", fnn_model_error(m)->message);
    return m;
}

/* What inputs go through; the words of fnn_normalization in its order, behind one of our own. */
#define PROGRAM_NORMALIZATIONS \
    "|usual|none|divide_255|mean|mean_divide_255|standardize|mean_variance"
static inline fnn_normalization program_normalization(int place, const fnn_dataset *data)
{
    if (place > 0) return (fnn_normalization)(place - 1);
    return data->bytes ? FNN_NORMALIZE_DIVIDE_255 : FNN_NORMALIZE_STANDARDIZE;
}

/* The layers of a text, and behind them the output that data need, unless it ends in a softmax. */
static inline void program_network(fnn_model *m, const char *text, const fnn_dataset *data,
                                   double smoothing)
{
    char last[PROGRAM_ITEM] = "";
    program_layers(m, text, INT_MAX, "--layers", last);
    if (data->classes) {
        if (!strstr(last, "softmax")) fnn_dense(m, data->classes, FNN_SOFTMAX);
        fnn_set_loss(m, FNN_LOSS_SOFTMAX_CROSS_ENTROPY, (fnn_real)smoothing, 0);
    } else {
        fnn_dense(m, data->target_count, FNN_LINEAR);
        fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
        fnn_normalize_targets(m, FNN_NORMALIZE_STANDARDIZE, data);
    }
}

/* A model's summary, to be freed. */
static inline char *program_summary(const fnn_model *m)
{
    const size_t size = fnn_summary(m, NULL, 0) + 1;
    char *text = (char *)program_memory(size, 1);
    fnn_summary(m, text, size);
    return text;
}

/* The model of a checkpoint in place of m, whose layers, loss and normalisation it must have. */
static inline fnn_model *program_load_like(fnn_model *m, const char *checkpoint, int threads)
{
    const fnn_context_config context = program_threads(threads);
    fnn_error error;
    size_t at = 0;
    fnn_model *loaded = fnn_load(checkpoint, &context, &error);
    if (!loaded) program_fail("%s", error.message);
    char *expected = program_summary(loaded), *found = program_summary(m);
    while (expected[at] && expected[at] == found[at]) at++;
    if (expected[at] != found[at]) {
        while (at > 0 && expected[at - 1] != '\n') at--;
        program_fail("%s: expected as its training began\n%.*s\nfound\n%.*s", checkpoint,
                     (int)strcspn(expected + at, "\n"), expected + at,
                     (int)strcspn(found + at, "\n"), found + at);
    }
    free(expected), free(found);
    fnn_model_free(m);
    return loaded;
}

/* ---- data ----
 * A set to train on and one to test by: Fashion-MNIST, a folder of IDX files or of CIFAR-10's, or
 * CSV files. Samples to validate with are a share of those to train on. */

#define PROGRAM_COLUMNS 64

typedef struct program_data {
    const char *folder, *csv, *test_file, *label, *target, *text, *skip, *separator, *image;
    int header, missing;
    double share;                                 /* to validate with */
    const fnn_dataset *train, *validation, *test; /* validation NULL: none */
    fnn_dataset files[2], parts[4];
    fnn_csv_column columns[PROGRAM_COLUMNS];
    int column_count, named; /* whether one of them is told by name */
} program_data;

static inline program_data program_data_init(void)
{
    program_data d;
    memset(&d, 0, sizeof d);
    d.header = -1, d.share = .1, d.separator = ",";
    return d;
}

/* The rows of a table of options that fill it. */
/* clang-format off */
#define PROGRAM_DATA_OPTIONS(d) \
    {"Data (without these: Fashion-MNIST, as make data fetches it)", PROGRAM_HEADING, NULL, 0, 0, \
     NULL, NULL}, \
    {"data", PROGRAM_TEXT, &(d).folder, 0, 0, "FOLDER", \
     "IDX files named as MNIST's, or CIFAR-10's *.bin; plain or .gz"}, \
    {"csv", PROGRAM_TEXT, &(d).csv, 0, 0, "FILE", "a table, one sample a line"}, \
    {"test", PROGRAM_TEXT, &(d).test_file, 0, 0, "FILE", \
     "the table to test on; without it a fifth of --csv"}, \
    {"label", PROGRAM_TEXT, &(d).label, 0, 0, "COLUMN", \
     "the column of classes: its name, or number from 0; unless told -1, the last"}, \
    {"target", PROGRAM_TEXT, &(d).target, 0, 0, "COLUMNS", \
     "in place of --label: a,b are columns of numbers to predict"}, \
    {"text", PROGRAM_TEXT, &(d).text, 0, 0, "COLUMNS", \
     "columns of words; each word becomes an input of 0 or 1"}, \
    {"skip", PROGRAM_TEXT, &(d).skip, 0, 0, "COLUMNS", "columns to leave out"}, \
    {"header", PROGRAM_INT, &(d).header, -1, 1000, "N", \
     "lines in front of the samples; -1 means 1 if a column is named, else 0"}, \
    {"separator", PROGRAM_TEXT, &(d).separator, 0, 0, "CHARACTER", \
     "what stands between fields; also tab or blank"}, \
    {"missing", PROGRAM_CHOICE, &(d).missing, 0, 0, "|refuse|mean|drop", \
     "what becomes of an empty field, ? or NA: an error, the column's mean, its line left out"}, \
    {"image", PROGRAM_TEXT, &(d).image, 0, 0, "HxWxC", \
     "the columns are an image's pixels, 0 to 255, as 28x28x1"}, \
    {"validation", PROGRAM_DOUBLE, &(d).share, 0, .9, "SHARE", \
     "how much of the training samples to watch the training by"}
/* clang-format on */

/* Columns of a list, told by name or number. */
static inline void program_take_columns(program_data *d, const char *option, const char *list,
                                        fnn_csv_role role)
{
    while (list && *list) {
        const size_t length = strcspn(list, ",");
        char *name = (char *)program_memory(length + 1, 1), *end;
        fnn_csv_column *column = d->columns + d->column_count++;
        memcpy(name, list, length);
        column->number = (int)strtol(name, &end, 10);
        column->name = *end || !*name ? name : NULL;
        column->role = role;
        if (!*name) program_fail("--%s: expected columns with commas between, found none", option);
        if (d->column_count == PROGRAM_COLUMNS)
            program_fail("--%s: expected fewer than %d columns", option, PROGRAM_COLUMNS);
        if (column->name) d->named = 1;
        else free(name);
        list += length + (list[length] != 0);
    }
}

/* What the options say of a CSV file; the columns stay with d. */
static inline fnn_csv_config program_csv(program_data *d)
{
    fnn_csv_config c = fnn_csv_config_init();
    const char *s = d->separator;
    int shape[3];
    c.separator = !strcmp(s, "tab") ? '\t' : !strcmp(s, "blank") ? ' ' : *s;
    if (s[1] && c.separator == *s)
        program_fail("--separator: expected one character, tab or blank, found %s", s);
    program_take_columns(d, "label", d->label, FNN_CSV_LABEL);
    program_take_columns(d, "target", d->target, FNN_CSV_LABEL);
    program_take_columns(d, "text", d->text, FNN_CSV_TEXT);
    program_take_columns(d, "skip", d->skip, FNN_CSV_SKIPPED);
    c.label = d->target ? FNN_CSV_LABEL_TARGET : FNN_CSV_LABEL_NAME;
    c.columns = d->columns, c.column_count = d->column_count;
    c.header = d->header < 0 ? d->named : d->header;
    c.missing = (fnn_csv_missing)d->missing, c.missing_words = "? NA";
    if (d->image) {
        program_shape("image", d->image, shape);
        c.height = shape[0], c.width = shape[1], c.channels = shape[2], c.keep_bytes = 1;
    }
    return c;
}

/* Refuses what does not go together, before anything is read. */
static inline void program_data_check(const program_data *d)
{
    static const char *const of_csv[] = {"test",   "label",     "target",  "text", "skip",
                                         "header", "separator", "missing", "image"};
    for (int i = 0; i < PROGRAM_COUNT(of_csv); i++)
        if (program_given(of_csv[i]) && !d->csv)
            program_fail("--%s: expected --csv FILE too, which it is about, found none", of_csv[i]);
    if (d->csv && d->folder) program_fail("expected --data or --csv, found both");
    if (d->label && d->target) program_fail("expected --label or --target, found both");
    if (d->target && program_given("smoothing"))
        program_fail("--smoothing: expected classes, found --target, which has none");
}

/* The path of a file in the folder, plain or .gz. Returns 0 where there is neither. */
static inline int program_path(char *path, size_t size, const char *folder, const char *name)
{
    for (int packed = 0; packed < 2; packed++) {
        if (snprintf(path, size, "%s/%s%s", folder, name, packed ? ".gz" : "") >= (int)size) break;
        FILE *file = fopen(path, "rb");
        if (file) return fclose(file), 1;
    }
    return 0;
}

static inline void program_read_idx(program_data *d)
{
    static const char *const names[2][2] = {{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
                                            {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}};
    char path[2][1000];
    fnn_idx_config c = fnn_idx_config_init();
    fnn_error error;
    for (int set = 0; set < 2; set++) {
        for (int i = 0; i < 2; i++)
            if (!program_path(path[i], sizeof path[i], d->folder, names[set][i]))
                program_fail("--data %s: expected %s or data_batch_1.bin there, plain or .gz, "
                             "found neither",
                             d->folder, names[set][i]);
        if (fnn_read_idx_with(path[0], path[1], &c, NULL, d->files + set, &error))
            program_fail("%s", error.message);
        c.same_classes = d->files;
    }
}

/* "test accuracy: 86.09 %, loss 0.3652" */
static inline void program_print_score(const char *what, const fnn_dataset *data,
                                       const fnn_metrics *metrics)
{
    if (data->classes) printf("%s accuracy: %.2f %%", what, 100 * metrics->accuracy);
    else printf("%s R2: %.4f", what, metrics->r2);
    printf(", loss %.4f\n", metrics->loss);
}

/* Reads what the options say and deals the samples: by seed, classes in proportion. */
static inline void program_read(program_data *d, uint64_t seed)
{
    fnn_dataset *f = d->files, *part = d->parts;
    fnn_error error = {FNN_OK, ""};
    fnn_result result = FNN_OK;
    char path[1000];
    program_data_check(d);
    d->test = f + 1, d->train = f;
    if (d->csv) {
        fnn_csv_config c = program_csv(d);
        result = fnn_read_csv(d->csv, &c, NULL, f, &error);
        c.same_classes = f;
        if (!result && d->test_file) result = fnn_read_csv(d->test_file, &c, NULL, f + 1, &error);
    } else if (d->folder && !program_path(path, sizeof path, d->folder, "data_batch_1.bin"))
        program_read_idx(d);
    else if (d->folder) result = fnn_read_cifar10(d->folder, NULL, f, f + 1, &error);
    else result = fnn_read_fashion_mnist(NULL, NULL, f, f + 1, &error);
    if (result && !d->csv && !d->folder)
        program_fail("%s; make data fetches it, --data says where else it is", error.message);
    if (result) program_fail("%s", error.message);
    const int order = f->classes ? FNN_ORDER_STRATIFIED : FNN_ORDER_SHUFFLE;
    if (!d->test->count) { /* a CSV alone: a fifth */
        const int64_t count = d->train->count - d->train->count / 5;
        if (fnn_dataset_split(d->train, count, order, seed, part, part + 1, &error))
            program_fail("%s", error.message);
        d->train = part, d->test = part + 1;
    }
    if (d->share > 0) {
        const int64_t count = (int64_t)((double)d->train->count * (1 - d->share) + .5);
        if (fnn_dataset_split(d->train, count, order, seed, part + 2, part + 3, &error))
            program_fail("%s", error.message);
        d->train = part + 2, d->validation = part + 3;
    }
    if (!d->train->count || !d->test->count || (d->validation && !d->validation->count))
        program_fail("expected samples to train, validate and test with, found %d in all",
                     (int)f->count);
}

/* Neither of two options may name the other's file; NULL: it is not given. */
static inline void program_apart(const char *one, const char *a, const char *two, const char *b)
{
    if (a && b && program_same_file(a, b))
        program_fail("expected two files as %s and %s, found %s twice", one, two, a);
}

/* Whether the model can be saved there at the end, and the checkpoint, which is there already if
 * the training is resumed and only then; and whether the tables it is to learn stay. */
static inline void program_check_files(const char *output, const char *checkpoint, int resumes,
                                       const program_data *d)
{
    fnn_error error;
    FILE *file = checkpoint ? fopen(checkpoint, "rb") : NULL;
    if (file) fclose(file);
    if (fnn_check_writable(output, &error)) program_fail("--output: %s", error.message);
    if (checkpoint && fnn_check_writable(checkpoint, &error))
        program_fail("--checkpoint: %s", error.message);
    if (resumes && !checkpoint) program_fail("--resume: expected --checkpoint FILE too");
    program_apart("--output", output, "--checkpoint", checkpoint);
    program_apart("--output", output, "--csv", d->csv);
    program_apart("--output", output, "--test", d->test_file);
    program_apart("--checkpoint", checkpoint, "--csv", d->csv);
    program_apart("--checkpoint", checkpoint, "--test", d->test_file);
    if (file && !resumes)
        program_fail("--checkpoint %s: is there already; --resume goes on from it", checkpoint);
    if (resumes && !file) program_fail("--checkpoint %s: there is none to resume from", checkpoint);
}

static inline void program_data_free(program_data *d)
{
    for (int i = 4; i-- > 0;) fnn_dataset_free(d->parts + i);
    for (int i = 2; i-- > 0;) fnn_dataset_free(d->files + i);
    for (int i = 0; i < d->column_count; i++) free((void *)(uintptr_t)d->columns[i].name);
}

/* ---- samples to predict, and what is said of them ---- */

/* Whether the last layer is that activation, such as softmax. */
static inline int program_ends_in(const fnn_model *m, const char *activation)
{
    char words[PROGRAM_ITEM];
    fnn_layer_words(m, fnn_layer_count(m) - 1, words, sizeof words);
    return strstr(words, activation) != NULL;
}

/* The name of a class, which the model's file may hold, or its number. */
static inline const char *program_class_name(const fnn_model *m, int number)
{
    static char text[24];
    if (fnn_class_name(m, number)) return fnn_class_name(m, number);
    snprintf(text, sizeof text, "class %d", number);
    return text;
}

/* The next number of a PGM or PPM, past blanks and comments, with the blank behind it; -1: none. */
static inline int program_pnm_number(FILE *file)
{
    int c, n = -1, comment = 0;
    while ((c = getc(file)) == '#' || (c != EOF && strchr(" \t\r\n", c)) || (comment && c != EOF))
        comment = (comment || c == '#') && c != '\n';
    for (; c >= '0' && c <= '9' && n < 100000; c = getc(file)) n = 10 * (n < 0 ? 0 : n) + c - '0';
    return n;
}

/* A picture as a data set of one image, 0 to 255: PGM (P2, P5) has one channel, PPM (P3, P6) three.
 * Its bytes are kept until the next one is read. */
static inline fnn_dataset program_read_picture(const char *path, FILE *file)
{
    enum { MOST = 4096 };
    static uint8_t *bytes;
    const int kind = getc(file) == 'P' ? getc(file) - '0' : 0, channels = kind % 3 ? 1 : 3;
    const int w = program_pnm_number(file), h = program_pnm_number(file);
    const int white = program_pnm_number(file);
    if (!(kind == 2 || kind == 3 || kind == 5 || kind == 6) || w < 1 || h < 1 || white < 1 ||
        w > MOST || h > MOST || white > 255)
        program_fail("%s: expected PGM or PPM of at most %d x %d pixels and 8 bits", path, MOST,
                     MOST);
    free(bytes);
    bytes = (uint8_t *)program_memory((size_t)w * (size_t)h, (size_t)channels);
    for (int i = 0; i < w * h * channels; i++) {
        const int value = kind < 4 ? program_pnm_number(file) : getc(file);
        if (value < 0 || value > white)
            program_fail("%s: expected %d numbers from 0 to %d, found %d", path, w * h * channels,
                         white, i);
        bytes[i] = (uint8_t)((value * 255 + white / 2) / white);
    }
    return fnn_dataset_images(bytes, NULL, 1, h, w, channels, 0);
}

/* Whether the first line of a table holds names: its first field, behind what fnn_read_csv passes
 * over (a byte order mark, a line sep=;, blanks) and a quote, is neither a number nor missing. */
static inline int program_has_names(FILE *file)
{
    char text[1000] = "", *at = text, *end;
    char separator = ',';
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    if (!strncmp(at, "\xef\xbb\xbf", 3)) at += 3;
    if (!strncmp(at, "sep=", 4) && at[4] && strchr("\r\n", at[5])) separator = at[4], at += 5;
    at += strspn(at, " \t\r\n\"");
    if (!*at || *at == '?' || *at == separator) return 0;
    strtod(at, &end);
    return end == at || (*end != separator && !strchr(" \t\r\n\"", *end));
}

/* Rows of numbers for samples of a shape, which may have names in front. */
static inline fnn_dataset program_read_rows(const char *path, FILE *file, const int shape[3])
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.label = FNN_CSV_LABEL_NONE;
    c.header = program_has_names(file);
    c.height = shape[0], c.width = shape[1], c.channels = shape[2];
    if (fnn_read_csv(path, &c, NULL, &data, &error)) program_fail("%s", error.message);
    return data;
}

/* What a file holds, whose beginning tells what it is: a picture in PGM or PPM (P5 and a blank: a
 * column of a table may have that name), a table in CSV or images in IDX (plain or gzip). */
static inline fnn_dataset program_read_file(const char *path, const int shape[3])
{
    fnn_dataset data;
    fnn_error error;
    FILE *file = fopen(path, "rb");
    const int first = file ? getc(file) : 0, second = file ? getc(file) : 0;
    const int third = file ? getc(file) : 0;
    if (file) rewind(file);
    if (first == 'P' && second >= '1' && second <= '7' && isspace(third))
        data = program_read_picture(path, file);
    else if (first > 0 && first != 0x1f) data = program_read_rows(path, file, shape);
    else if (fnn_read_idx(path, NULL, NULL, &data, &error)) program_fail("%s", error.message);
    if (file) fclose(file);
    return data;
}

/* Samples of a file, or of Fashion-MNIST's test set if path is NULL, for a model that takes those
 * of a shape. */
static inline fnn_dataset program_samples(const char *path, const int shape[3])
{
    fnn_dataset data;
    fnn_error error;
    if (path) data = program_read_file(path, shape);
    else if (fnn_read_fashion_mnist(NULL, NULL, NULL, &data, &error))
        program_fail("%s; make data fetches them", error.message);
    path = path ? path : "Fashion-MNIST";
    if (data.height != shape[0] || data.width != shape[1] || data.channels != shape[2])
        program_fail("%s: expected samples of %d x %d x %d, as the model takes, found %d x %d x %d",
                     path, shape[0], shape[1], shape[2], data.height, data.width, data.channels);
    return data;
}

#endif
