/* The bytes of model files, changed: with their checksum made right again, without one, with
 * another header. Include after fmnist_nn.h with its implementation. */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H
#include "files.h"

/* Where in a model file the digits of its checksum are, or NULL. */
static inline uint8_t *sum_of_file(file_bytes f)
{
    static const char word[] = " crc32 ";
    size_t i;
    for (i = 8; i + 15 < f.size && i < 100; i++)
        if (!memcmp(f.bytes + i, word, 7) && f.bytes[i + 15] == '"') return f.bytes + i + 7;
    return NULL;
}

/* Gives a file that was changed the checksum that belongs to it. */
static inline void sum_again(file_bytes f)
{
    uint8_t *digits = sum_of_file(f);
    char text[9];
    if (!digits) return;
    memset(digits, '0', 8);
    snprintf(text, sizeof text, "%08lx", (unsigned long)crc_of(f));
    memcpy(digits, text, 8);
}

/* Makes of a model file one of the versions before checksums; its bytes are others then. */
static inline void without_sum(file_bytes *f)
{
    const size_t old = 8 + (size_t)fnni_little_64(f->bytes);
    const size_t at = (size_t)(sum_of_file(*f) - f->bytes);
    uint8_t *bytes = (uint8_t *)need(f->size);
    size_t end = old, header, i;
    while (f->bytes[end - 1] == ' ') end--;
    header = (end - 15 + FNNI_ALIGNMENT - 1) / FNNI_ALIGNMENT * FNNI_ALIGNMENT;
    memset(bytes, ' ', f->size);
    for (i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)(header - 8) >> 8 * i);
    memcpy(bytes + 8, f->bytes + 8, at - 7 - 8);
    memcpy(bytes + at - 7, f->bytes + at + 8, end - (at + 8));
    memcpy(bytes + header, f->bytes + old, f->size - old);
    f->size -= old - header;
    free(f->bytes);
    f->bytes = bytes;
}

static inline size_t header_size(file_bytes f)
{
    size_t size = 0;
    int i;
    for (i = 7; i >= 0; i--) size = size << 8 | f.bytes[i];
    return size;
}

/* A file of this header, with the data of another. */
static inline file_bytes with_header(const char *header, file_bytes other)
{
    const size_t length = strlen(header), old = 8 + header_size(other);
    file_bytes f;
    int i;
    f.size = 8 + length + (other.size - old);
    f.bytes = (uint8_t *)need(f.size);
    for (i = 0; i < 8; i++) f.bytes[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(f.bytes + 8, header, length);
    memcpy(f.bytes + 8 + length, other.bytes + old, other.size - old);
    sum_again(f);
    return f;
}

/* The file with the first `from` of its header as `to`, its checksum right. */
static inline file_bytes with_words(file_bytes good, const char *from, const char *to)
{
    const size_t length = header_size(good), more = strlen(to);
    char *text = (char *)need(length + 1), *changed = (char *)need(length + more + 1), *place;
    file_bytes f;
    memcpy(text, good.bytes + 8, length);
    text[length] = 0;
    place = strstr(text, from);
    if (!CHECKF(place != NULL, "no %s in %s", from, text)) place = text, from = to = "";
    sprintf(changed, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    f = with_header(changed, good);
    free(text);
    free(changed);
    return f;
}

/* The file with another number behind that name in its training's text, its sum right. */
static inline file_bytes with_number(file_bytes f, const char *name, uint64_t number)
{
    char text[6000], changed[6100], word[40];
    const char *place;
    snprintf(text, sizeof text, "%.*s", (int)header_size(f), (const char *)f.bytes + 8);
    snprintf(word, sizeof word, "; %s ", name);
    place = strstr(text, word);
    if (!CHECKF(place != NULL, "no %s", word)) return bytes_copy(f.bytes, f.size);
    place += strlen(word);
    snprintf(changed, sizeof changed, "%.*s%llu%s", (int)(place - text), text,
             (unsigned long long)number, place + strspn(place, "0123456789"));
    return with_header(changed, f);
}

/* One thing wrong in an otherwise right header, and words that the message must have. */
typedef struct {
    const char *from, *to, *words;
} damage;

/* The file with the first `from` as `to` must be refused with the words; `loads` tries it. */
static inline void check_damage(int (*loads)(file_bytes, fnn_error *), file_bytes good,
                                const char *from, const char *to, const char *words)
{
    file_bytes f = with_words(good, from, to);
    fnn_error error;
    CHECKF(!loads(f, &error), "loads: %s", to);
    CHECKF(strstr(error.message, words) != NULL, "%s: expected \"%s\", found \"%s\"", to, words,
           error.message);
    free(f.bytes);
}
#endif
