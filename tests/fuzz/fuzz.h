/* What the fuzz targets share. A target is a function of an input: FUZZ_TARGET(name) { ... } gets
 * `bytes` and `size`. Each source is a libFuzzer program of its own; replay.c holds all of them and
 * gives them the kept inputs.
 *
 * An input is a file, behind which stand numbers that say what is done with it: fuzz_byte and its
 * like take them off the end, so that the file is the input's beginning, as it is in a seed. */
#ifndef FUZZ_H
#define FUZZ_H
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* posix_memalign, mkdtemp */
#endif
#include <stddef.h>
static void *fuzz_allocate(size_t bytes);
static void fuzz_release(void *memory);
#undef FMNIST_NN_MALLOC /* of exact.h */
#undef FMNIST_NN_FREE
#define FMNIST_NN_MALLOC(bytes) fuzz_allocate(bytes)
#define FMNIST_NN_FREE(memory) fuzz_release(memory)
#ifndef FMNIST_NN_IMPLEMENTATION
#define FMNIST_NN_IMPLEMENTATION
#endif
#include "../../fmnist_nn.h"
#include <limits.h>
#include <math.h>
#include "../datasets.h"
#include "../model_files.h"
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define FUZZ_POISONS
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FUZZ_POISONS
#endif
#ifdef FUZZ_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)0)
#endif

/* ---- what must hold ---- */

/* Ends the program, which is how libFuzzer learns of a finding. */
#define FUZZ_CHECK(condition, ...) ((condition) ? (void)0 : fuzz_fail(__LINE__, __VA_ARGS__))
static inline void fuzz_fail(int line, const char *format, ...)
{
    va_list list;
    fprintf(stderr, "FUZZ line %d: ", line);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    abort();
}

/* ---- memory ----
 * Blocks that end with their last byte and begin with their first: of what the library asks for to
 * align a block nothing is left for a step too far to fall into unseen. */

#define FUZZ_BEFORE 64 /* of a block: its size and, behind poison, the library's pointer */

static struct {
    size_t held, limit; /* bytes that are out, that may be */
    int allowed;        /* requests until one fails; negative: none does */
    int refused;        /* requests that the limit refused */
    size_t largest;     /* request, granted or not */
} fuzz_memory;

static void *fuzz_allocate(size_t bytes)
{
    const size_t head = FUZZ_BEFORE - sizeof(void *);
    size_t wanted = bytes - FNNI_EXTRA;
    void *memory;
    FUZZ_CHECK(bytes > FNNI_EXTRA, "a block of %lu bytes", (unsigned long)bytes);
    if (wanted > fuzz_memory.largest) fuzz_memory.largest = wanted;
    if (fuzz_memory.allowed == 0) return NULL;
    if (wanted > fuzz_memory.limit || fuzz_memory.held > fuzz_memory.limit - wanted) {
        fuzz_memory.refused++;
        return NULL;
    }
    if (fuzz_memory.allowed > 0) fuzz_memory.allowed--;
    if (posix_memalign(&memory, FNNI_ALIGNMENT, FUZZ_BEFORE + wanted)) return NULL;
    memset((char *)memory + FUZZ_BEFORE, 0xff, wanted < 4096 ? wanted : 4096); /* NaN, not zero */
    memcpy(memory, &wanted, sizeof wanted);
    ASAN_POISON_MEMORY_REGION(memory, head);
    fuzz_memory.held += wanted;
    return (char *)memory + head;
}

static void fuzz_release(void *given)
{
    const size_t head = FUZZ_BEFORE - sizeof(void *);
    char *memory = (char *)given - head;
    size_t bytes;
    ASAN_UNPOISON_MEMORY_REGION(memory, head);
    memcpy(&bytes, memory, sizeof bytes);
    FUZZ_CHECK(bytes <= fuzz_memory.held, "a block of %lu bytes is freed", (unsigned long)bytes);
    fuzz_memory.held -= bytes;
    free(memory);
}

/* The limit from here on; request number `allowed` fails (negative: none). */
static inline void fuzz_memory_begin(size_t limit, int allowed)
{
    fuzz_memory.limit = limit;
    fuzz_memory.allowed = allowed;
    fuzz_memory.refused = 0;
    fuzz_memory.largest = 0;
}

static inline void fuzz_memory_end(void)
{
    FUZZ_CHECK(fuzz_memory.held == 0, "%lu bytes are lost", (unsigned long)fuzz_memory.held);
}

/* ---- inputs ---- */

typedef struct {
    const uint8_t *bytes;
    size_t size;
} fuzz_input;

/* The last byte that is left; 0 without any. */
static inline int fuzz_byte(fuzz_input *in)
{
    return in->size ? in->bytes[--in->size] : 0;
}

static inline int fuzz_below(fuzz_input *in, int bound)
{
    return fuzz_byte(in) % bound;
}

/* Most calls' requests are all granted. */
static inline int fuzz_allowed(fuzz_input *in)
{
    const int number = fuzz_byte(in);
    return number < 192 ? -1 : number - 192;
}

/* A size, most often a small one, else one at an edge. */
static inline int fuzz_size(fuzz_input *in)
{
    static const int edges[] = {INT_MAX, INT_MIN, -1,          1 << 28, 1 << 20, 65536,
                                65535,   4096,    INT_MAX / 2, 46341,   257,     256};
    const int number = fuzz_byte(in);
    return number < 200 ? number % 12 : number < 244 ? number - 190 : edges[number - 244];
}

/* A number, most often a tame one. */
static inline double fuzz_number(fuzz_input *in)
{
    static const double numbers[] = {0, 1e-3, .01, .1,   .5,    .9,   .999,
                                     1, 2,    -1,  1e30, 1e-30, 3e38, -3e38};
    const int number = fuzz_byte(in);
    if (number == 255) return (double)NAN;
    if (number == 254) return HUGE_VAL;
    if (number == 253) return -HUGE_VAL;
    return number >= 200 ? numbers[number % 14] : numbers[number % 8];
}

/* What is left, or the first `size` bytes of it, as a file of that name; its path. */
static inline const char *fuzz_file(const char *name, fuzz_input in)
{
    const char *path = path_of(name);
    write_bytes(path, in.bytes, in.size);
    return path;
}

/* ---- what comes out ---- */

/* A failed call says why, in words that a terminal may show; a call that went well says nothing. */
static inline void fuzz_check_error(fnn_result result, const fnn_error *error)
{
    const char *text = error->message;
    if (result == FNN_OK) return;
    FUZZ_CHECK(error->code == result, "result %d, code %d", (int)result, (int)error->code);
    FUZZ_CHECK(*text && strlen(text) < sizeof error->message, "no message");
    for (; *text; text++)
        FUZZ_CHECK((unsigned char)*text >= ' ' && *text != 127, "byte %d in a message", *text);
    if (result == FNN_ERROR_MEMORY)
        FUZZ_CHECK(fuzz_memory.allowed == 0 || fuzz_memory.refused, "there was memory: %s",
                   error->message);
}

static volatile double fuzz_sum; /* of what was looked at, so that it is */

static inline void fuzz_look_at_names(const char *const *names, int64_t count)
{
    int64_t i;
    for (i = 0; names && i < count; i++) fuzz_sum += (double)strlen(names[i]);
}

/* Looks at all of a data set, which a reader made. */
static inline void fuzz_look_at(const fnn_dataset *data)
{
    const int64_t features = (int64_t)data->height * data->width * data->channels;
    fnn_error error;
    double sum = 0;
    int64_t i;
    FUZZ_CHECK(fnn_dataset_check(data, &error) == FNN_OK, "%s", error.message);
    for (i = 0; i < data->count * features; i++)
        sum += data->bytes ? (double)data->bytes[i] : (double)data->reals[i];
    for (i = 0; data->labels && i < data->count; i++) sum += data->labels[i];
    for (i = 0; data->targets && i < data->count * data->target_count; i++)
        sum += (double)data->targets[i];
    fuzz_sum = sum;
    fuzz_look_at_names(data->class_names, data->classes);
    fuzz_look_at_names(data->feature_names, features);
}

/* What a reader returned: all of a data set, or nothing; within memory that the file explains. */
static inline void fuzz_check_read(fnn_result result, const fnn_error *error,
                                   const fnn_dataset *data)
{
    FUZZ_CHECK(!fuzz_memory.refused, "more memory than the file explains: %s", error->message);
    fuzz_check_error(result, error);
    if (result) FUZZ_CHECK(is_zero(data), "a failed load left something");
    else fuzz_look_at(data);
}

/* Whether two arrays hold the same bits; NULL is like NULL alone. */
static inline int fuzz_same(const void *a, const void *b, size_t bytes)
{
    return a && b ? !memcmp(a, b, bytes) : !a && !b;
}

/* Two data sets that must be alike. */
static inline void fuzz_check_same(const fnn_dataset *a, const fnn_dataset *b)
{
    const size_t rows = (size_t)a->count;
    const size_t n = rows * (size_t)a->height * (size_t)a->width * (size_t)a->channels;
    FUZZ_CHECK(a->count == b->count && a->height == b->height && a->width == b->width &&
                   a->channels == b->channels && a->classes == b->classes &&
                   a->target_count == b->target_count,
               "another shape");
    FUZZ_CHECK(fuzz_same(a->bytes, b->bytes, n), "other bytes");
    FUZZ_CHECK(fuzz_same(a->reals, b->reals, n * sizeof *a->reals), "other numbers");
    FUZZ_CHECK(fuzz_same(a->labels, b->labels, rows * sizeof *a->labels), "other labels");
    FUZZ_CHECK(
        fuzz_same(a->targets, b->targets, rows * (size_t)a->target_count * sizeof *a->targets),
        "other targets");
}

/* Bytes said again and again until `size` of them are full. length: not 0. */
static inline void fuzz_repeat(uint8_t *bytes, size_t size, const uint8_t *said, size_t length)
{
    size_t done = length < size ? length : size;
    memcpy(bytes, said, done);
    while (done < size) { /* twice as many each time */
        const size_t more = done < size - done ? done : size - done;
        memcpy(bytes + done, bytes, more);
        done += more;
    }
}

/* ---- safetensors ----
 * A mutated file of this format is refused at once, for its length and its checksum. So an input is
 * the header's text and, behind a zero byte, some bytes of which the numbers are made: as many as
 * the header asks for. What makes a file whole is put in; a bit says that the input is a file as
 * it is. */

/* The largest number before a closing bracket, which in data_offsets is where the data end. */
static inline size_t fuzz_data_size(const char *text, size_t length)
{
    size_t most = 0, number = 0, i;
    for (i = 0; i < length; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            number = number < 1u << 24 ? 10 * number + (size_t)(text[i] - '0') : number;
            continue;
        }
        if (text[i] == ']' && i > 0 && number > most) most = number;
        number = 0;
    }
    return most;
}

/* As sum_again, which goes bit by bit; by zlib in a hundredth of the time. */
static inline void fuzz_sum_again(file_bytes f)
{
#if HAVE_ZLIB
    uint8_t *digits = sum_of_file(f);
    char text[9];
    if (!digits) return;
    memset(digits, '0', 8);
    snprintf(text, sizeof text, "%08lx", (unsigned long)crc32(0, f.bytes, (uInt)f.size));
    memcpy(digits, text, 8);
#else
    sum_again(f);
#endif
}

static inline file_bytes fuzz_safetensors(fuzz_input in, size_t most, int as_it_is)
{
    static const uint8_t small[] = {0, 0, 0, 60}; /* 1/128 */
    const char *text = (const char *)in.bytes;
    const uint8_t *zero = in.size ? (const uint8_t *)memchr(in.bytes, 0, in.size) : NULL;
    const size_t length = zero ? (size_t)(zero - in.bytes) : in.size;
    const size_t given = zero ? in.size - length - 1 : 0;
    size_t data = fuzz_data_size(text, length), i;
    file_bytes f;
    if (as_it_is) return bytes_copy(in.bytes, in.size);
    if (data > most) data = most;
    f.size = 8 + length + data;
    f.bytes = (uint8_t *)need(f.size);
    for (i = 0; i < 8; i++) f.bytes[i] = (uint8_t)((uint64_t)length >> 8 * i);
    if (length) memcpy(f.bytes + 8, text, length);
    fuzz_repeat(f.bytes + 8 + length, data, given ? zero + 1 : small, given ? given : sizeof small);
    fuzz_sum_again(f);
    return f;
}

/* ---- models ---- */

/* Whether a model takes so little time that it can be run: weights times places, at most. */
static inline int fuzz_is_small(fnn_model *model)
{
    size_t parameters = 0;
    double places = 1, most = 1;
    int l, shape[3];
    fnn_parameters(model, &parameters);
    for (l = -1; l < fnn_layer_count(model); l++) {
        if (fnn_layer_shape(model, l, shape)) return 0;
        places = (double)shape[0] * shape[1];
        if (places * shape[2] > 1e6) return 0;
        if (places > most) most = places;
    }
    return (double)parameters * most < 4e6 && fnn_layer_count(model) < 200;
}

/* ---- the program ---- */

#ifdef FUZZ_REPLAY
#define FUZZ_TARGET(name) static void fuzz_##name(const uint8_t *bytes, size_t size)
#else
#define FUZZ_TARGET(name)                                          \
    static void fuzz_##name(const uint8_t *bytes, size_t size);    \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size); \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)  \
    {                                                              \
        fuzz_##name(bytes, size);                                  \
        return 0;                                                  \
    }                                                              \
    static void fuzz_##name(const uint8_t *bytes, size_t size)
#endif
#endif
