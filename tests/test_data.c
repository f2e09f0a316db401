/* Data sets: views, statistics, readers of IDX, gzip and CSV. zlib makes the compressed data and is
 * the reference of inflate. Link with -lz -lm. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads fail on demand: the library below calls these. */
static int read_countdown = -1; /* this many reads succeed, then one fails; -1: all succeed */
static int read_failed;
static size_t test_fread(void *memory, size_t size, size_t count, FILE *stream)
{
    if (read_countdown == 0) read_failed = 1;
    if (read_countdown >= 0) read_countdown--;
    return read_failed ? 0 : fread(memory, size, count, stream);
}
static int test_ferror(FILE *stream)
{
    return read_failed || ferror(stream);
}
static int seek_fails; /* as in a pipe */
static int test_fseek(FILE *stream, long offset, int whence)
{
    return seek_fails ? -1 : fseek(stream, offset, whence);
}
#undef fread
#undef ferror
#undef fseek
#define fread test_fread
#define ferror test_ferror
#define fseek test_fseek
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#undef fread
#undef ferror
#undef fseek
#include "files.h"
#include "harness.h"
#include <float.h>
#include <locale.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#ifndef HAVE_ZLIB /* tests/run.sh says whether it links; by hand, the header tells */
#ifdef __has_include
#if __has_include(<zlib.h>)
#define HAVE_ZLIB 1
#endif
#endif
#endif
#ifndef HAVE_ZLIB
#define HAVE_ZLIB 0
#endif
#if HAVE_ZLIB
#include <zlib.h>
#endif

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* ---- what the tests stand on ---- */

static uint64_t random_state = 1;
static uint32_t random_bits(void) /* xorshift*: not the library's generator */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(random_state * 0x2545F4914F6CDD1Du >> 32);
}
static int random_below(int bound)
{
    return (int)(random_bits() % (unsigned)bound);
}

static fnni_file bytes_text(const char *text)
{
    return bytes_copy(text, strlen(text));
}
static fnni_file bytes_join(fnni_file a, fnni_file b)
{
    fnni_file c;
    c.bytes = (uint8_t *)need(a.size + b.size);
    c.size = a.size + b.size;
    memcpy(c.bytes, a.bytes, a.size);
    memcpy(c.bytes + a.size, b.bytes, b.size);
    free(a.bytes);
    free(b.bytes);
    return c;
}

static const char *write_file(const char *name, fnni_file b)
{
    const char *path = path_of(name);
    write_bytes(path, b.bytes, b.size);
    return path;
}
static const char *write_and_free(const char *name, fnni_file b)
{
    const char *path = write_file(name, b);
    free(b.bytes);
    return path;
}
static const char *write_text(const char *name, const char *text)
{
    return write_and_free(name, bytes_text(text));
}

/* An allocator that counts, and fails when told to. */
typedef struct ledger {
    int calls, live, fail_at, fail_from; /* the call that fails, from 1; the first of all that do */
    size_t largest;
} ledger;

static void *ledger_allocate(void *user, size_t bytes)
{
    ledger *l = (ledger *)user;
    void *memory;
    l->calls++;
    if (bytes > l->largest) l->largest = bytes;
    if (l->calls == l->fail_at || (l->fail_from && l->calls >= l->fail_from)) return NULL;
    memory = malloc(bytes);
    if (memory) l->live++;
    return memory;
}
static void ledger_release(void *user, void *memory)
{
    ledger *l = (ledger *)user;
    if (memory) l->live--;
    free(memory);
}
static fnn_allocator ledger_allocator(ledger *l)
{
    fnn_allocator a;
    memset(l, 0, sizeof *l);
    a.allocate = ledger_allocate;
    a.release = ledger_release;
    a.user = l;
    return a;
}

static int is_zero(const fnn_dataset *data)
{
    fnn_dataset zero;
    memset(&zero, 0, sizeof zero);
    return memcmp(data, &zero, sizeof zero) == 0;
}

/* A load that must fail with this code and these words in its message, and leave nothing. */
static void check_failed(int line, fnn_result result, fnn_result expected, const fnn_error *error,
                         const char *words, fnn_dataset *out)
{
    CHECKF(result == expected, "line %d: result %d, expected %d: %s", line, (int)result,
           (int)expected, result == FNN_OK ? "" : error->message);
    CHECKF(result == FNN_OK || strstr(error->message, words), "line %d: \"%s\" lacks \"%s\"", line,
           error->message, words);
    CHECKF(result == FNN_OK || error->code == result, "line %d: error code %d", line,
           (int)error->code);
    CHECKF(result == FNN_OK || is_zero(out), "line %d: a failed load left something", line);
    fnn_dataset_free(out);
}

/* ---- inflate ---- */

#if HAVE_ZLIB
static fnni_file gzip_with(fnni_file plain, int level, int strategy, int window, gz_header *header)
{
    z_stream z;
    fnni_file out;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, level, Z_DEFLATED, window, 8, strategy) != Z_OK) exit(2);
    if (header) deflateSetHeader(&z, header);
    out.size = deflateBound(&z, (uLong)plain.size) + 400;
    out.bytes = (uint8_t *)need(out.size);
    z.next_in = plain.bytes;
    z.avail_in = (uInt)plain.size;
    z.next_out = out.bytes;
    z.avail_out = (uInt)out.size;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) exit(2);
    out.size = z.total_out;
    deflateEnd(&z);
    z.next_in = out.bytes;
    out = bytes_copy(out.bytes, out.size);
    free((void *)(uintptr_t)z.next_in);
    return out;
}
static fnni_file gzip(fnni_file plain, int level)
{
    return gzip_with(plain, level, Z_DEFAULT_STRATEGY, 31, NULL);
}

/* Decompresses into an array of just `capacity` bytes. */
static fnni_inflate_status gunzip(fnni_file packed, size_t capacity, fnni_file *out,
                                  const char **wrong)
{
    out->bytes = (uint8_t *)need(capacity);
    return fnni_gunzip(&packed, out->bytes, capacity, &out->size, wrong);
}

static int gunzips_to(fnni_file packed, fnni_file plain)
{
    fnni_file out;
    const char *wrong;
    int same = gunzip(packed, plain.size, &out, &wrong) == FNNI_INFLATE_END &&
               out.size == plain.size && memcmp(out.bytes, plain.bytes, plain.size) == 0;
    free(out.bytes);
    return same;
}

/* Data of several kinds: what matters is literals, matches near and far, long and short. */
static fnni_file sample_data(int kind, size_t size)
{
    fnni_file b;
    size_t i;
    b.bytes = (uint8_t *)need(size);
    b.size = size;
    for (i = 0; i < size; i++) {
        uint8_t *p = b.bytes;
        switch (kind) {
        case 0:
            p[i] = (uint8_t)random_bits();
            break;
        case 1:
            p[i] = 0;
            break;
        case 2:
            p[i] = (uint8_t)(i % 7 * 30);
            break;
        case 3:
            p[i] = (uint8_t) "the quick brown fox "[random_below(20)];
            break;
        case 4:
            p[i] = (uint8_t)(random_below(3) ? 0 : random_below(256));
            break;
        case 5: /* words repeated from anywhere up to 40,000 bytes before */
            if (i > 300 && random_below(4)) {
                size_t back = 1 + (size_t)random_below(i < 40000 ? (int)i : 40000), n;
                for (n = (size_t)random_below(400); n && i < size; n--, i++) p[i] = p[i - back];
                if (i < size) p[i] = 1;
            } else {
                p[i] = (uint8_t)random_bits();
            }
            break;
        default: /* few symbols with very unequal frequencies: the longest codes */
            p[i] = 0;
            while (p[i] < 40 && random_below(2)) p[i]++;
        }
    }
    return b;
}

static void inflate_round_trips(void)
{
    static const size_t sizes[] = {0, 1, 2, 257, 258, 259, 280, 1000, 32768, 70000, 150000};
    static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE};
    int kind, i, level;
    for (kind = 0; kind < 7; kind++)
        for (i = 0; i < COUNT(sizes); i++) {
            fnni_file plain = sample_data(kind, sizes[i]);
            for (level = 0; level < 10; level++) {
                int strategy = strategies[(level + i) % 4];
                fnni_file packed = gzip(plain, level);
                CHECKF(gunzips_to(packed, plain), "kind %d, size %d, level %d", kind, (int)sizes[i],
                       level);
                free(packed.bytes);
                packed = gzip_with(plain, level, strategy, 31, NULL);
                CHECKF(gunzips_to(packed, plain), "kind %d, size %d, level %d, strategy %d", kind,
                       (int)sizes[i], level, strategy);
                free(packed.bytes);
            }
            free(plain.bytes);
        }
}

static void inflate_stops_when_the_output_is_full(void)
{
    int kind;
    size_t capacity;
    for (kind = 0; kind < 7; kind++) {
        fnni_file plain = sample_data(kind, 3000), packed = gzip(plain, kind), out;
        const char *wrong;
        for (capacity = 0; capacity < plain.size; capacity += capacity < 600 ? 1 : 97) {
            fnni_inflate_status status = gunzip(packed, capacity, &out, &wrong);
            CHECKF(status == FNNI_INFLATE_FULL, "kind %d, capacity %d", kind, (int)capacity);
            CHECK(out.size == capacity && memcmp(out.bytes, plain.bytes, capacity) == 0);
            free(out.bytes);
        }
        free(plain.bytes);
        free(packed.bytes);
    }
}

static void inflate_rejects_every_truncation(void)
{
    int kind;
    for (kind = 0; kind < 14; kind++) {
        fnni_file plain = sample_data(kind % 7, 700), out;
        fnni_file packed =
            gzip_with(plain, kind % 10, kind < 7 ? Z_DEFAULT_STRATEGY : Z_FIXED, 31, NULL);
        size_t size;
        const char *wrong;
        for (size = 1; size < packed.size; size++) {
            fnni_file cut = bytes_copy(packed.bytes, size);
            CHECKF(gunzip(cut, plain.size, &out, &wrong) == FNNI_INFLATE_WRONG, "kind %d, size %d",
                   kind, (int)size);
            free(out.bytes);
            free(cut.bytes);
        }
        CHECK(gunzips_to(packed, plain));
        free(plain.bytes);
        free(packed.bytes);
    }
}

/* The bits of a gzip file of one member without optional fields that carry no meaning: the text
 * flag (bit 0 of byte 3), time (4 to 7), extra flags (8) and system (9); the five bits between the
 * head of a stored block and its length, if the first block (the only one here) is stored; and the
 * bits that fill up the last byte of the deflate stream, `padding` many. */
static int is_meaningless(int bit, int bits, int stored, int padding)
{
    return bit == 24 || (bit >= 32 && bit < 80) || (stored && bit >= 83 && bit < 88) ||
           (bit < bits - 64 && bit >= bits - 64 - padding);
}

/* How many bits of the last byte deflate leaves unused. */
static int padding_bits(fnni_file packed)
{
    z_stream z;
    uint8_t out[4096];
    int unused;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, -15) != Z_OK) exit(2);
    z.next_in = packed.bytes + 10;
    z.avail_in = (uInt)packed.size - 10;
    z.next_out = out;
    z.avail_out = sizeof out;
    while (inflate(&z, Z_BLOCK) == Z_OK && !(z.data_type & 64 && z.data_type & 128)) continue;
    unused = z.data_type & 7;
    inflateEnd(&z);
    return unused;
}

/* Where there are matches, a flipped bit may choose another place with the same bytes to take one
 * from; then the data must be the same. Without matches no bit but the above may be harmless. */
static void inflate_rejects_every_flipped_bit(void)
{
    int kind, level, matches;
    for (kind = 0; kind < 7; kind++)
        for (level = 0; level < 10; level += 3)
            for (matches = 0; matches < 2; matches++) {
                int strategy = matches ? Z_DEFAULT_STRATEGY : Z_HUFFMAN_ONLY;
                fnni_file plain = sample_data(kind, 300), out;
                fnni_file packed = gzip_with(plain, level, strategy, 31, NULL);
                int padding = padding_bits(packed), stored = (packed.bytes[10] >> 1 & 3) == 0;
                int bit, bits = 8 * (int)packed.size, harmless = 0;
                for (bit = 0; bit < bits; bit++) {
                    const char *wrong;
                    packed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                    if (gunzip(packed, plain.size, &out, &wrong) == FNNI_INFLATE_END) {
                        CHECKF(out.size == plain.size && !memcmp(out.bytes, plain.bytes, out.size),
                               "kind %d, level %d, bit %d: other data", kind, level, bit);
                        CHECKF(matches || is_meaningless(bit, bits, stored, padding),
                               "kind %d, level %d, bit %d of %d: accepted", kind, level, bit, bits);
                        harmless++;
                    }
                    free(out.bytes);
                    packed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                }
                harmless -= 49 + 5 * stored + padding;
                CHECKF(harmless == 0 || (matches && harmless > 0 && harmless < 30),
                       "kind %d, level %d: %d more harmless bits", kind, level, harmless);
                free(plain.bytes);
                free(packed.bytes);
            }
}

/* What zlib and this library make of a raw deflate stream must be the same. Returns 1 when both
 * accept it. */
static int same_verdict(fnni_file packed, size_t capacity)
{
    fnni_inflater *s = (fnni_inflater *)need(sizeof *s);
    fnni_file ours, theirs;
    z_stream z;
    int accepted, zlib_accepts, same;
    ours.bytes = (uint8_t *)need(capacity);
    theirs.bytes = (uint8_t *)need(capacity);
    s->b.in = packed.bytes;
    s->in_end = packed.bytes + packed.size;
    s->out = s->out_begin = ours.bytes;
    s->out_end = ours.bytes + capacity;
    accepted = fnni_inflate(s) == FNNI_INFLATE_END;
    ours.size = (size_t)(s->out - ours.bytes);
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, -15) != Z_OK) exit(2);
    z.next_in = packed.bytes;
    z.avail_in = (uInt)packed.size;
    z.next_out = theirs.bytes;
    z.avail_out = (uInt)capacity;
    zlib_accepts = inflate(&z, Z_FINISH) == Z_STREAM_END;
    inflateEnd(&z);
    same = accepted == zlib_accepts;
    if (same && accepted)
        same = ours.size == z.total_out && memcmp(ours.bytes, theirs.bytes, ours.size) == 0 &&
               (size_t)(s->b.in - packed.bytes) == z.total_in;
    CHECKF(same, "zlib %s, we %s (%s)", zlib_accepts ? "accepts" : "rejects",
           accepted ? "accept" : "reject", accepted ? "" : s->wrong);
    free(ours.bytes);
    free(theirs.bytes);
    free(s);
    return accepted;
}

static void inflate_agrees_with_zlib_on_damaged_streams(void)
{
    int round, i, accepted = 0;
    for (round = 0; round < 3000; round++) {
        int kind = round % 7, flips = 1 + random_below(3);
        fnni_file plain = sample_data(kind, (size_t)random_below(2000));
        fnni_file packed = gzip_with(plain, random_below(10),
                                     random_below(3) ? Z_DEFAULT_STRATEGY : Z_FIXED, -15, NULL);
        for (i = 0; i < flips; i++)
            packed.bytes[random_below((int)packed.size)] ^= (uint8_t)(1 << random_below(8));
        accepted += same_verdict(packed, 100000);
        free(plain.bytes);
        free(packed.bytes);
    }
    CHECKF(accepted > 100 && accepted < 2900, "%d of 3000 accepted", accepted);
    for (round = 0; round < 20000; round++) {
        fnni_file noise = sample_data(0, 1 + (size_t)random_below(200));
        same_verdict(noise, 20000);
        free(noise.bytes);
    }
}

typedef struct bit_writer {
    uint8_t bytes[4000];
    size_t bits;
} bit_writer;

static void put_bits(bit_writer *w, unsigned value, int n)
{
    for (; n > 0; n--, value >>= 1, w->bits++)
        if (value & 1) w->bytes[w->bits / 8] |= (uint8_t)(1 << w->bits % 8);
}

/* A dynamic block with these code lengths, written with a code of 4 bits for each of 0 to 15. */
static void put_dynamic(bit_writer *w, const uint8_t *lengths, int literals, int distances)
{
    int i, n;
    memset(w, 0, sizeof *w);
    put_bits(w, 1 | 2 << 1, 3);
    put_bits(w, (unsigned)literals - 257, 5);
    put_bits(w, (unsigned)distances - 1, 5);
    put_bits(w, 15, 4);
    for (i = 0; i < 19; i++) put_bits(w, i < 3 ? 0 : 4, 3); /* 16 17 18 come first */
    for (i = 0; i < literals + distances; i++)
        for (n = 3; n >= 0; n--) put_bits(w, lengths[i] >> n & 1u, 1); /* codes: high bit first */
}

/* Lengths of a random complete code of `symbols` symbols: leaves of a tree are split in turn. */
static void random_code(uint8_t *lengths, int symbols, int used)
{
    int n = 1, i;
    memset(lengths, 0, (size_t)symbols);
    lengths[0] = 0;
    while (n < used) {
        int leaf = random_below(4) ? n - 1 : random_below(n);
        if (lengths[leaf] == 15) leaf = random_below(n);
        if (lengths[leaf] == 15) continue;
        lengths[n] = ++lengths[leaf];
        n++;
    }
    for (i = symbols - 1; i > 0; i--) {
        int j = random_below(i + 1);
        uint8_t length = lengths[i];
        lengths[i] = lengths[j];
        lengths[j] = length;
    }
}

/* The same with runs: codes of 4 bits for the lengths 0 to 12 and the three repeating symbols.
 * Takes a wrong turn now and then: a repetition of nothing, or of too much. */
static void put_dynamic_runs(bit_writer *w, const uint8_t *lengths, int literals, int distances)
{
    static const int bits[3] = {2, 3, 7}, least[3] = {3, 3, 11};
    const int total = literals + distances;
    int i = 0, n, run;
    memset(w, 0, sizeof *w);
    put_bits(w, 1 | 2 << 1, 3);
    put_bits(w, (unsigned)literals - 257, 5);
    put_bits(w, (unsigned)distances - 1, 5);
    put_bits(w, 15, 4);
    for (n = 0; n < 19; n++) /* the order ends ... 13 2 14 1 15 */
        put_bits(w, n == 14 || n == 16 || n == 18 ? 0 : 4, 3);
    while (i < total) {
        int symbol = lengths[i], from = i, code = symbol, repeat = 1;
        for (run = 1; i + run < total && lengths[i + run] == symbol; run++) continue;
        if (run >= 11 && symbol == 0)
            code = 15, repeat = run < 138 ? run : 138;
        else if (run >= 3 && symbol == 0)
            code = 14, repeat = run < 10 ? run : 10;
        else if (run >= 3 && i > 0 && lengths[i - 1] == symbol)
            code = 13, repeat = run < 6 ? run : 6;
        if (random_below(3000) == 0) code = 13, repeat = 3 + random_below(4);
        if (i == 0 && random_below(20) == 0) code = 13, repeat = 3;
        if (code > 12 && from + repeat == total && random_below(4) == 0 &&
            repeat + 1 < least[code - 13] + (1 << bits[code - 13]))
            repeat++;
        for (n = 3; n >= 0; n--) put_bits(w, (unsigned)code >> n & 1, 1);
        if (code > 12) put_bits(w, (unsigned)(repeat - least[code - 13]), bits[code - 13]);
        i = from + repeat;
    }
}

static void inflate_agrees_with_zlib_on_any_code(void)
{
    static const int distance_uses[] = {0, 1, 2, 5, 30};
    int round, accepted = 0;
    for (round = 0; round < 20000; round++) {
        uint8_t lengths[288 + 32] = {0};
        bit_writer w;
        fnni_file packed;
        int literals = 257 + random_below(32), distances = 1 + random_below(32), i;
        int uses = distance_uses[random_below(5)];
        if (random_below(10)) literals = 257 + random_below(30);
        if (random_below(10)) distances = 1 + random_below(30);
        random_code(lengths, literals, random_below(3) ? 2 + random_below(literals - 2) : 2);
        if (uses > 1)
            random_code(lengths + literals, distances, uses < distances ? uses : distances);
        else if (uses)
            lengths[literals + random_below(distances)] = (uint8_t)(1 + random_below(2));
        if (random_below(3) == 0) /* damage: incomplete, or too full, or no end */
            lengths[random_below(literals + distances)] = (uint8_t)random_below(16);
        if (random_below(20) == 0) { /* one code of one bit, or of two */
            memset(lengths, 0, (size_t)literals);
            lengths[256] = (uint8_t)(1 + random_below(2));
        }
        for (i = 0; i < literals + distances && lengths[i] <= 12; i++) continue;
        if (i == literals + distances && random_below(2))
            put_dynamic_runs(&w, lengths, literals, distances);
        else
            put_dynamic(&w, lengths, literals, distances);
        for (i = random_below(600); i > 0; i--) put_bits(&w, random_bits() & 1, 1);
        packed = bytes_copy(w.bytes, (w.bits + 7) / 8 + (size_t)random_below(40));
        accepted += same_verdict(packed, 60000);
        free(packed.bytes);
    }
    CHECKF(accepted > 200, "only %d streams accepted: the test shows little", accepted);
}

/* The table sizes hold for the worst codes: the capacity check never refuses a complete code. */
static void inflate_tables_suffice(void)
{
    static uint32_t table[FNNI_LITERAL_ENTRIES];
    int round;
    for (round = 0; round < 20000; round++) {
        uint8_t lengths[288];
        int symbols = 2 + random_below(285);
        random_code(lengths, 286, symbols);
        CHECK(fnni_table_build(table, FNNI_LITERAL_BITS, FNNI_LITERAL_ENTRIES, FNNI_LITERALS,
                               lengths, 286));
        random_code(lengths, 30, 2 + random_below(29));
        CHECK(fnni_table_build(table, FNNI_DISTANCE_BITS, FNNI_DISTANCE_ENTRIES, FNNI_DISTANCES,
                               lengths, 30));
        /* and when it is too small, that is noticed: this code has 9-bit codes and needs 257 */
        memset(lengths, 0, 30);
        lengths[0] = 1, lengths[1] = 2, lengths[2] = 3, lengths[3] = 4, lengths[4] = 5;
        lengths[5] = 6, lengths[6] = 7, lengths[7] = 8, lengths[8] = 9, lengths[9] = 9;
        CHECK(!fnni_table_build(table, 8, 257, FNNI_DISTANCES, lengths, 30));
        CHECK(fnni_table_build(table, 8, 258, FNNI_DISTANCES, lengths, 30));
    }
}

static void gzip_header_fields(void)
{
    fnni_file plain = sample_data(3, 300);
    int fields;
    for (fields = 0; fields < 32; fields++) {
        gz_header header;
        char name[] = "images", comment[] = "no comment";
        uint8_t extra[300] = {1, 2, 3};
        fnni_file packed;
        size_t size;
        memset(&header, 0, sizeof header);
        header.os = 3;
        header.text = fields & 1;
        header.hcrc = fields >> 1 & 1;
        if (fields & 4) {
            header.extra = extra;
            header.extra_len = sizeof extra;
        }
        if (fields & 8) header.name = (Bytef *)name;
        if (fields & 16) header.comment = (Bytef *)comment;
        packed = gzip_with(plain, 6, Z_DEFAULT_STRATEGY, 31, &header);
        CHECKF(packed.bytes[3] == fields, "zlib wrote the flags %d", packed.bytes[3]);
        CHECKF(gunzips_to(packed, plain), "fields %d", fields);
        for (size = 1; size < packed.size; size++) {
            fnni_file cut = bytes_copy(packed.bytes, size);
            CHECKF(!gunzips_to(cut, plain), "fields %d, cut to %d", fields, (int)size);
            free(cut.bytes);
        }
        if (fields & 2) { /* the header's checksum protects its time, too */
            packed.bytes[4] ^= 1;
            CHECK(!gunzips_to(packed, plain));
            packed.bytes[4] ^= 1;
        }
        packed.bytes[3] |= 0x20;
        CHECK(!gunzips_to(packed, plain));
        packed.bytes[3] = (uint8_t)fields;
        packed.bytes[2] = 7;
        CHECK(!gunzips_to(packed, plain));
        free(packed.bytes);
    }
    free(plain.bytes);
}

static void gzip_members(void)
{
    fnni_file a = sample_data(3, 2000), b = sample_data(4, 500), both, packed, out;
    const char *wrong;
    both = bytes_join(bytes_copy(a.bytes, a.size), bytes_copy(b.bytes, b.size));
    packed = bytes_join(gzip(a, 6), gzip(b, 1));
    CHECK(gunzips_to(packed, both));
    packed = bytes_join(packed, bytes_copy("\0\0\0", 3)); /* nor may zeros or anything else */
    CHECK(gunzip(packed, both.size, &out, &wrong) == FNNI_INFLATE_WRONG);
    CHECK(strstr(wrong, "follow") != NULL);
    free(out.bytes);
    free(packed.bytes);
    packed = bytes_join(gzip(a, 6), bytes_text("\x1f"));
    CHECK(!gunzips_to(packed, a));
    free(packed.bytes);

    { /* a member whose first match lies in the member before it */
        z_stream z;
        uint8_t raw[1000];
        fnni_file member, tail;
        uLong crc = crc32(0, a.bytes + 1000, 100);
        memset(&z, 0, sizeof z);
        if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) exit(2);
        deflateSetDictionary(&z, a.bytes, 2000);
        z.next_in = a.bytes + 1000;
        z.avail_in = 100;
        z.next_out = raw;
        z.avail_out = sizeof raw;
        deflate(&z, Z_FINISH);
        CHECKF(z.total_out < 20, "%d bytes: no match was made", (int)z.total_out);
        tail = bytes_copy("01234567", 8);
        tail.bytes[0] = (uint8_t)crc, tail.bytes[1] = (uint8_t)(crc >> 8);
        tail.bytes[2] = (uint8_t)(crc >> 16), tail.bytes[3] = (uint8_t)(crc >> 24);
        tail.bytes[4] = 100, tail.bytes[5] = tail.bytes[6] = tail.bytes[7] = 0;
        member =
            bytes_join(bytes_copy("\x1f\x8b\x08\0\0\0\0\0\0\3", 10), bytes_copy(raw, z.total_out));
        member = bytes_join(member, tail);
        deflateEnd(&z);
        packed = bytes_join(gzip(a, 6), member);
        CHECK(gunzip(packed, a.size + 100, &out, &wrong) == FNNI_INFLATE_WRONG);
        CHECKF(strstr(wrong, "before its beginning") != NULL, "%s", wrong);
        free(out.bytes);
        free(packed.bytes);
    }
    free(a.bytes);
    free(b.bytes);
    free(both.bytes);
}

static void crc_is_zlibs(void)
{
    static uint32_t table[16][256];
    fnni_file b = sample_data(0, 200);
    size_t from, size;
    fnni_crc_tables(table);
    for (from = 0; from < 20; from++)
        for (size = 0; size < 100; size++)
            CHECK(fnni_crc(table, b.bytes + from, size) ==
                  (uint32_t)crc32(0, b.bytes + from, (uInt)size));
    free(b.bytes);
}
#else
static void inflate_round_trips(void)
{
    SKIP("no zlib");
}
static void inflate_stops_when_the_output_is_full(void)
{
    SKIP("no zlib");
}
static void inflate_rejects_every_truncation(void)
{
    SKIP("no zlib");
}
static void inflate_rejects_every_flipped_bit(void)
{
    SKIP("no zlib");
}
static void inflate_agrees_with_zlib_on_damaged_streams(void)
{
    SKIP("no zlib");
}
static void inflate_agrees_with_zlib_on_any_code(void)
{
    SKIP("no zlib");
}
static void inflate_tables_suffice(void)
{
    SKIP("no zlib");
}
static void gzip_header_fields(void)
{
    SKIP("no zlib");
}
static void gzip_members(void)
{
    SKIP("no zlib");
}
static void crc_is_zlibs(void)
{
    SKIP("no zlib");
}
/* Stored blocks: enough for the tests of the readers. */
static fnni_file gzip(fnni_file plain, int level)
{
    static uint32_t table[16][256];
    fnni_file b = bytes_copy("\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
    uint8_t frame[8];
    size_t at = 0;
    uint32_t crc;
    (void)level;
    do {
        size_t n = plain.size - at < 65535 ? plain.size - at : 65535;
        frame[0] = at + n == plain.size;
        frame[1] = (uint8_t)n, frame[2] = (uint8_t)(n >> 8);
        frame[3] = (uint8_t)~frame[1], frame[4] = (uint8_t)~frame[2];
        b = bytes_join(bytes_join(b, bytes_copy(frame, 5)), bytes_copy(plain.bytes + at, n));
        at += n;
    } while (at < plain.size);
    fnni_crc_tables(table);
    crc = fnni_crc(table, plain.bytes, plain.size);
    for (at = 0; at < 4; at++) frame[at] = (uint8_t)(crc >> 8 * at);
    for (at = 0; at < 4; at++) frame[4 + at] = (uint8_t)(plain.size >> 8 * at);
    return bytes_join(b, bytes_copy(frame, 8));
}
#endif

static fnni_file gzip_and_free(fnni_file plain, int level)
{
    fnni_file packed = gzip(plain, level);
    free(plain.bytes);
    return packed;
}

/* ---- IDX ---- */

/* An IDX file of bytes 0, 1, 2 ... modulo `modulus`. */
static fnni_file idx_file(int dimensions, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                          int modulus)
{
    uint32_t size[4];
    uint8_t head[20] = {0, 0, 8, 0};
    fnni_file file;
    size_t n = 1, i;
    int k;
    size[0] = a, size[1] = b, size[2] = c, size[3] = d;
    head[3] = (uint8_t)dimensions;
    for (k = 0; k < dimensions && k < 4; k++) {
        for (i = 0; i < 4; i++) head[4 + 4 * k + (int)i] = (uint8_t)(size[k] >> (24 - 8 * i));
        n *= size[k];
    }
    if (n > 100000) n = 100; /* a header that lies */
    file.size = 4 + 4 * (size_t)k + n;
    file.bytes = (uint8_t *)need(file.size);
    memcpy(file.bytes, head, 4 + 4 * (size_t)k);
    for (i = 0; i < n; i++) file.bytes[4 + 4 * (size_t)k + i] = (uint8_t)(i % (size_t)modulus);
    return file;
}

static void idx_shapes(void)
{
    static const int shapes[3][3] = {{1, 1, 3}, {3, 4, 1}, {3, 4, 5}};
    int dimensions, packed;
    for (dimensions = 2; dimensions <= 4; dimensions++)
        for (packed = 0; packed < 2; packed++) {
            const int *shape = shapes[dimensions - 2];
            fnni_file file = idx_file(dimensions, 7, 3, 4, 5, 250);
            size_t features = (size_t)(shape[0] * shape[1] * shape[2]), i;
            fnn_dataset data;
            fnn_error error;
            const char *images, *labels;
            images = packed ? write_and_free("a", gzip(file, 9)) : write_file("a", file);
            labels = write_and_free("b", idx_file(1, 7, 0, 0, 0, 4));
            if (!CHECK(fnn_load_idx(&data, images, labels, NULL, &error) == FNN_OK)) return;
            CHECK(data.count == 7 && data.rows == 7 && data.classes == 4 && !data.index);
            CHECK(data.height == shape[0] && data.width == shape[1] && data.channels == shape[2]);
            CHECK(data.bytes && !data.reals && !data.targets && !data.class_names);
            for (i = 0; i < 7 * features; i++) CHECK(data.bytes[i] == i % 250);
            for (i = 0; i < 7; i++) CHECK(data.labels[i] == (int)i % 4);
            CHECK(fnn_dataset_check(&data, &error) == FNN_OK);
            fnn_dataset_free(&data);
            CHECK(is_zero(&data));
            fnn_dataset_free(&data);
            CHECK(fnn_load_idx(&data, images, NULL, NULL, NULL) == FNN_OK);
            CHECK(!data.labels && data.classes == 0);
            fnn_dataset_free(&data);
            free(file.bytes);
        }
}

static void expect_idx(int line, fnni_file images, fnni_file labels, fnn_result expected,
                       const char *words)
{
    fnn_dataset data;
    fnn_error error;
    const char *a = write_file("a", images), *b = write_and_free("b", labels);
    fnni_file packed = gzip(images, 6);
    fnn_result result = fnn_load_idx(&data, a, b, NULL, &error);
    check_failed(line, result, expected, &error, words, &data);
    a = write_and_free("a", packed);
    result = fnn_load_idx(&data, a, b, NULL, &error);
    check_failed(line, result, expected, &error, words, &data);
    free(images.bytes);
}
#define LABELS idx_file(1, 7, 0, 0, 0, 4)
static fnni_file idx_with(size_t at, int value) /* a good file with one byte changed */
{
    fnni_file b = idx_file(3, 7, 3, 4, 0, 250);
    b.bytes[at] = (uint8_t)value;
    return b;
}

static void idx_rejects_wrong_files(void)
{
    fnni_file good = idx_file(3, 7, 3, 4, 0, 250);
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), LABELS, FNN_OK, "");
    expect_idx(__LINE__, bytes_join(bytes_copy(good.bytes, good.size), bytes_text("x")), LABELS,
               FNN_ERROR_FORMAT, "holds more");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size - 1), LABELS, FNN_ERROR_FORMAT,
               "holds less");
    expect_idx(__LINE__, idx_with(0, 1), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, idx_with(1, 1), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, idx_with(2, 13), LABELS, FNN_ERROR_FORMAT, "0x0d");
    expect_idx(__LINE__, idx_with(3, 1), LABELS, FNN_ERROR_FORMAT, "1 dimensions");
    expect_idx(__LINE__, idx_with(3, 5), LABELS, FNN_ERROR_FORMAT, "5 dimensions");
    expect_idx(__LINE__, idx_with(3, 255), LABELS, FNN_ERROR_FORMAT, "255 dimensions");
    expect_idx(__LINE__, idx_with(7, 0), LABELS, FNN_ERROR_FORMAT, "dimension 0 is 0");
    expect_idx(__LINE__, idx_with(7, 6), LABELS, FNN_ERROR_FORMAT, "holds more");
    expect_idx(__LINE__, idx_with(7, 8), LABELS, FNN_ERROR_FORMAT, "holds less");
    expect_idx(__LINE__, idx_with(8, 255), LABELS, FNN_ERROR_FORMAT, "dimension 1 is 4278190083");
    expect_idx(__LINE__, idx_file(3, 0xFFFFFFFFu, 1, 1, 0, 9), LABELS, FNN_ERROR_FORMAT,
               sizeof(size_t) == 4 ? "limit" : "holds less");
    expect_idx(__LINE__, idx_file(3, 0x10000, 0x10000, 0x10000, 0, 9), LABELS, FNN_ERROR_FORMAT,
               "limit");
    expect_idx(__LINE__, idx_file(4, 0x80000000u, 0x100000, 0x100000, 0x100000, 9), LABELS,
               FNN_ERROR_FORMAT, "limit");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), idx_file(1, 6, 0, 0, 0, 4),
               FNN_ERROR_FORMAT, "6 labels for 7 images");
    expect_idx(__LINE__, bytes_copy(good.bytes, good.size), idx_file(2, 7, 1, 0, 0, 4),
               FNN_ERROR_FORMAT, "2 dimensions, expected 1");
    expect_idx(__LINE__, bytes_text(""), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    expect_idx(__LINE__, bytes_text("hello"), LABELS, FNN_ERROR_FORMAT, "not an IDX");
    free(good.bytes);
}

static void idx_rejects_wrong_calls(void)
{
    ledger l;
    const fnn_allocator allocator = ledger_allocator(&l);
    fnn_dataset data;
    fnn_error error;
    char longest[300];
    const char *images = write_and_free("a", idx_file(3, 7, 3, 4, 0, 250));
    CHECK(fnn_load_idx(NULL, images, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    memset(&data, 1, sizeof data);
    check_failed(__LINE__, fnn_load_idx(&data, NULL, images, &allocator, &error),
                 FNN_ERROR_ARGUMENT, &error, "", &data);
    memset(&data, 1, sizeof data);
    check_failed(__LINE__, fnn_load_idx(&data, path_of("none"), NULL, NULL, &error), FNN_ERROR_FILE,
                 &error, "none: cannot be opened", &data);
    check_failed(__LINE__, fnn_load_idx(&data, images, path_of("none"), NULL, &error),
                 FNN_ERROR_FILE, &error, "none: cannot be opened", &data);
    CHECK(fnn_load_idx(&data, directory, NULL, NULL, &error) == FNN_ERROR_FILE && is_zero(&data));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    check_failed(__LINE__, fnn_load_idx(&data, longest, NULL, NULL, &error), FNN_ERROR_FILE, &error,
                 "cannot be opened", &data);
    CHECK(fnn_load_idx(&data, path_of("none"), NULL, NULL, NULL) == FNN_ERROR_FILE);
}

static void idx_rejects_every_truncation_and_flipped_bit(void)
{
    fnni_file plain = idx_file(3, 20, 5, 4, 0, 250), file;
    size_t i, n;
    int packed, accepted = 0;
    fnn_dataset data;
    for (packed = 0; packed < 2; packed++) {
        file = packed ? gzip(plain, 9) : bytes_copy(plain.bytes, plain.size);
        for (n = 0; n < file.size; n++) {
            fnni_file cut = bytes_copy(file.bytes, n);
            CHECKF(fnn_load_idx(&data, write_and_free("a", cut), NULL, NULL, NULL) ==
                       FNN_ERROR_FORMAT,
                   "packed %d, %d bytes", packed, (int)n);
            CHECK(is_zero(&data));
        }
        /* plain files have no checksum: only the header can be checked */
        for (i = 0; i < 8 * (packed ? file.size : 16); i++) {
            file.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            if (fnn_load_idx(&data, write_file("a", file), NULL, NULL, NULL) == FNN_OK) {
                accepted++;
                CHECKF(packed && data.count == 20 &&
                           memcmp(data.bytes, plain.bytes + 16, plain.size - 16) == 0,
                       "packed %d: bit %d flipped", packed, (int)i);
            }
            fnn_dataset_free(&data);
            file.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        free(file.bytes);
    }
    CHECKF(accepted >= 49 && accepted < 49 + 8, "%d flipped bits were harmless", accepted);
    free(plain.bytes);
}

/* A header that lies makes no allocation beyond what the file could hold. */
static void idx_believes_no_header(void)
{
    int packed;
    for (packed = 0; packed < 2; packed++) {
        ledger l;
        fnn_allocator allocator = ledger_allocator(&l);
        fnni_file file = idx_file(3, 1000, 1000, 1000, 0, 250);
        const char *path = packed ? write_and_free("a", gzip(file, 9)) : write_file("a", file);
        fnn_dataset data;
        fnn_error error;
        check_failed(__LINE__, fnn_load_idx(&data, path, NULL, &allocator, &error),
                     FNN_ERROR_FORMAT, &error, "holds less than the 1000000016 bytes", &data);
        CHECKF(l.largest < 5000 && l.live == 0, "allocated %d", (int)l.largest);
        free(file.bytes);
    }
}

static void csv_believes_no_length(void)
{
    ledger l;
    fnn_allocator allocator = ledger_allocator(&l);
    fnni_file packed = gzip_and_free(bytes_text("1,2\n3,4\n"), 9);
    fnn_dataset data;
    fnn_error error;
    const char *path;
    memset(packed.bytes + packed.size - 4, 0xFF, 4);
    path = write_and_free("c", packed);
    check_failed(__LINE__, fnn_load_csv(&data, path, NULL, &allocator, &error), FNN_ERROR_FORMAT,
                 &error, "its length is wrong", &data);
    CHECKF(l.largest < 100000 && l.live == 0, "allocated %d", (int)l.largest);
}

/* ---- Fashion-MNIST ---- */

static void fashion_mnist_in_a_directory(void)
{
    fnn_dataset train, test;
    fnn_error error;
    fnni_file images = idx_file(3, 12, 28, 28, 0, 251), labels = idx_file(1, 12, 0, 0, 0, 9);
    int found_old;
    (void)path_of("a");
    CHECK(fnn_load_fashion_mnist(directory, &train, NULL, NULL, &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "zalandoresearch/fashion-mnist") != NULL, "%s", error.message);
    write_file("train-images-idx3-ubyte", images);
    CHECK(fnn_load_fashion_mnist(directory, &train, NULL, NULL, &error) == FNN_ERROR_FILE);
    CHECKF(strstr(error.message, "train-labels") != NULL, "%s", error.message);
    write_and_free("train-labels-idx1-ubyte.gz", gzip(labels, 6));
    CHECK(fnn_load_fashion_mnist(directory, &train, &test, NULL, &error) == FNN_ERROR_FILE);
    CHECK(is_zero(&train) && is_zero(&test));
    CHECKF(strstr(error.message, "t10k-images") != NULL, "%s", error.message);
    write_and_free("t10k-images-idx3-ubyte", gzip(images, 6)); /* the name does not tell */
    write_file("t10k-labels-idx1-ubyte", labels);
    if (CHECK(fnn_load_fashion_mnist(directory, &train, &test, NULL, &error) == FNN_OK)) {
        CHECK(train.count == 12 && test.count == 12 && train.classes == 10 && test.classes == 10);
        CHECK(strcmp(train.class_names[0], "T-shirt/top") == 0);
        CHECK(strcmp(test.class_names[9], "Ankle boot") == 0);
        CHECK(memcmp(train.bytes, images.bytes + 16, 12 * 784) == 0);
        CHECK(memcmp(test.bytes, images.bytes + 16, 12 * 784) == 0);
        CHECK(fnn_dataset_check(&train, NULL) == FNN_OK);
    }
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    found_old = setenv("FMNIST_DIR", directory, 1);
    CHECK(found_old == 0);
    CHECK(fnn_load_fashion_mnist(NULL, NULL, &test, NULL, &error) == FNN_OK && test.count == 12);
    fnn_dataset_free(&test);
    unsetenv("FMNIST_DIR");
    CHECK(fnn_load_fashion_mnist(directory, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_load_fashion_mnist(directory, &train, &train, NULL, &error) == FNN_ERROR_ARGUMENT);

    labels.bytes[8 + 3] = 10;
    write_file("t10k-labels-idx1-ubyte", labels);
    check_failed(__LINE__, fnn_load_fashion_mnist(directory, &train, &test, NULL, &error),
                 FNN_ERROR_FORMAT, &error, "label is 10", &test);
    CHECK(is_zero(&train));
    write_and_free("t10k-images-idx3-ubyte", idx_file(3, 12, 28, 27, 0, 251));
    check_failed(__LINE__, fnn_load_fashion_mnist(directory, NULL, &test, NULL, &error),
                 FNN_ERROR_FORMAT, &error, "28 x 27 x 1", &test);
    free(images.bytes);
    free(labels.bytes);
}

static void fashion_mnist_itself(void)
{
    static const int first_train[10] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5};
    static const int first_test[10] = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};
    fnn_dataset train, test;
    int64_t counts[10], i;
    double sum = 0;
    fnn_result result;
    fnn_error error;
    error.message[0] = 0;
    result = fnn_load_fashion_mnist(NULL, &train, &test, NULL, &error);
    if (result == FNN_ERROR_FILE) {
        CHECK(strstr(error.message, "zalandoresearch/fashion-mnist") &&
              strstr(error.message, "FMNIST_DIR"));
        SKIP("no Fashion-MNIST here: `make data`");
        return;
    }
    if (!CHECKF(result == FNN_OK, "%s", error.message)) return;
    CHECK(train.count == 60000 && test.count == 10000);
    CHECK(train.height == 28 && train.width == 28 && train.channels == 1);
    for (i = 0; i < 10; i++)
        CHECK(train.labels[i] == first_train[i] && test.labels[i] == first_test[i]);
    CHECK(fnn_dataset_class_counts(&train, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 6000);
    CHECK(fnn_dataset_class_counts(&test, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 1000);
    for (i = 0; i < train.count * 784; i++) sum += (double)train.bytes[i];
    sum /= 255.0 * 784 * 60000;
    CHECKF(sum > .28604 && sum < .28605, "mean pixel %.6f, published .2860", sum);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
}

/* ---- CIFAR-10 ---- */

enum { RECORD = 3073, IMAGE = 3072 };

/* A file of records: image i of the file has label (first + i) % 10, and pixels that tell image,
 * plane and place. */
static uint8_t cifar_pixel(int image, int plane, int pixel)
{
    return (uint8_t)(image * 31 + plane * 85 + pixel * 7 + pixel / 32);
}
static fnni_file cifar_file(int first, int count)
{
    fnni_file file;
    int i, plane, pixel;
    file.size = (size_t)count * RECORD;
    file.bytes = (uint8_t *)need(file.size);
    for (i = 0; i < count; i++) {
        uint8_t *record = file.bytes + (size_t)i * RECORD;
        record[0] = (uint8_t)((first + i) % 10);
        for (plane = 0; plane < 3; plane++)
            for (pixel = 0; pixel < 1024; pixel++)
                record[1 + 1024 * plane + pixel] = cifar_pixel(first + i, plane, pixel);
    }
    return file;
}

/* The images `first` and on, as cifar_file makes them. */
static void check_cifar(int line, const fnn_dataset *data, int first, int count)
{
    int i, pixel, plane, wrong = 0;
    CHECKF(data->count == count && data->rows == count && data->classes == 10, "line %d", line);
    CHECKF(data->height == 32 && data->width == 32 && data->channels == 3, "line %d", line);
    CHECKF(data->bytes && !data->reals && !data->index && !data->targets, "line %d", line);
    CHECKF(fnn_dataset_check(data, NULL) == FNN_OK, "line %d", line);
    for (i = 0; i < count && data->count == count; i++) {
        wrong += data->labels[i] != (first + i) % 10;
        for (pixel = 0; pixel < 1024; pixel++)
            for (plane = 0; plane < 3; plane++)
                wrong += data->bytes[(size_t)i * IMAGE + 3 * (size_t)pixel + (size_t)plane] !=
                         cifar_pixel(first + i, plane, pixel);
    }
    CHECKF(wrong == 0, "line %d: %d wrong", line, wrong);
}

static void cifar_files_become_images(void)
{
    const char *files[3];
    fnn_dataset data;
    fnn_error error;
    files[0] = write_and_free("a", cifar_file(0, 12));
    files[1] = write_and_free("b", gzip_and_free(cifar_file(12, 1), 6));
    files[2] = write_and_free("c", cifar_file(13, 4));
    if (!CHECKF(fnn_load_cifar10_files(&data, files, 3, NULL, &error) == FNN_OK, "%s",
                error.message))
        return;
    check_cifar(__LINE__, &data, 0, 17);
    CHECK(!strcmp(data.class_names[0], "airplane") && !strcmp(data.class_names[9], "truck"));
    fnn_dataset_free(&data);
    CHECK(is_zero(&data));
    CHECK(fnn_load_cifar10_files(&data, files + 1, 1, NULL, NULL) == FNN_OK);
    check_cifar(__LINE__, &data, 12, 1);
    fnn_dataset_free(&data);
}

/* The file as it is and packed, behind a good one. */
static void expect_cifar(int line, fnni_file file, fnn_result expected, const char *words)
{
    const char *files[2];
    fnn_dataset data;
    fnn_error error;
    int packed;
    files[0] = write_and_free("a", cifar_file(0, 2));
    for (packed = 0; packed < 2; packed++) {
        files[1] = packed ? write_and_free("b", gzip(file, 6)) : write_file("b", file);
        check_failed(line, fnn_load_cifar10_files(&data, files, 2, NULL, &error), expected, &error,
                     words, &data);
    }
    free(file.bytes);
}

static void cifar_rejects_wrong_files(void)
{
    fnni_file wrong = cifar_file(0, 3);
    expect_cifar(__LINE__, cifar_file(0, 3), FNN_OK, "");
    wrong.bytes[2 * RECORD] = 10;
    expect_cifar(__LINE__, wrong, FNN_ERROR_FORMAT,
                 "b: expected labels 0 to 9, found 10 in record 2");
    wrong = cifar_file(0, 1);
    wrong.bytes[0] = 255;
    expect_cifar(__LINE__, wrong, FNN_ERROR_FORMAT, "found 255 in record 0");
    expect_cifar(__LINE__, bytes_text(""), FNN_ERROR_FORMAT, "found 0 bytes");
    expect_cifar(__LINE__, bytes_join(cifar_file(0, 2), bytes_text("x")), FNN_ERROR_FORMAT,
                 "b: expected records of 3073 bytes, a label and an image, found 6147 bytes");
    expect_cifar(__LINE__, idx_file(3, 7, 28, 28, 0, 250), FNN_ERROR_FORMAT, "found 5504 bytes");
    /* two records of CIFAR-100, which has two labels before each image */
    wrong.size = 2 * (RECORD + 1);
    wrong.bytes = (uint8_t *)need(wrong.size);
    memset(wrong.bytes, 0, wrong.size);
    expect_cifar(__LINE__, wrong, FNN_ERROR_FORMAT, "found 6148 bytes");
}

static void cifar_rejects_every_truncation(void)
{
    const fnni_file plain = cifar_file(0, 2), packed = gzip(plain, 9);
    fnn_dataset data;
    fnn_error error;
    const char *path = path_of("a");
    size_t n;
    for (n = 0; n < plain.size; n += QUICK() && n % RECORD > 9 && n % RECORD < 3000 ? 97 : 1) {
        const fnn_result expected = n == RECORD ? FNN_OK : FNN_ERROR_FORMAT; /* one image */
        write_and_free("a", bytes_copy(plain.bytes, n));
        check_failed(__LINE__, fnn_load_cifar10_files(&data, &path, 1, NULL, &error), expected,
                     &error, "a: expected records", &data);
    }
    for (n = 0; n < packed.size; n += QUICK() && n > 50 && n + 50 < packed.size ? 7 : 1) {
        write_and_free("a", bytes_copy(packed.bytes, n));
        check_failed(__LINE__, fnn_load_cifar10_files(&data, &path, 1, NULL, &error),
                     FNN_ERROR_FORMAT, &error, "a: ", &data);
    }
    free(plain.bytes);
    free(packed.bytes);
}

static void cifar_rejects_wrong_calls(void)
{
    ledger l;
    const fnn_allocator allocator = ledger_allocator(&l);
    const char *files[2];
    fnn_dataset data, other;
    fnn_error error;
    files[0] = write_and_free("a", cifar_file(0, 2));
    files[1] = NULL;
    CHECK(fnn_load_cifar10_files(NULL, files, 1, NULL, &error) == FNN_ERROR_ARGUMENT);
    check_failed(__LINE__, fnn_load_cifar10_files(&data, files, 2, &allocator, &error),
                 FNN_ERROR_ARGUMENT, &error, "file 1 is NULL", &data);
    check_failed(__LINE__, fnn_load_cifar10_files(&data, files, 0, &allocator, &error),
                 FNN_ERROR_ARGUMENT, &error, "found 0", &data);
    check_failed(__LINE__, fnn_load_cifar10_files(&data, files, -1, &allocator, &error),
                 FNN_ERROR_ARGUMENT, &error, "found -1", &data);
    check_failed(__LINE__, fnn_load_cifar10_files(&data, NULL, 1, &allocator, &error),
                 FNN_ERROR_ARGUMENT, &error, "expected files", &data);
    files[1] = path_of("none");
    check_failed(__LINE__, fnn_load_cifar10_files(&data, files, 2, &allocator, &error),
                 FNN_ERROR_FILE, &error, "none: cannot be opened", &data);
    files[1] = directory;
    CHECK(fnn_load_cifar10_files(&data, files, 2, &allocator, NULL) == FNN_ERROR_FILE);
    CHECK(is_zero(&data) && l.live == 0);
    CHECK(fnn_load_cifar10(directory, NULL, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    CHECK(fnn_load_cifar10(directory, &data, &data, NULL, &error) == FNN_ERROR_ARGUMENT);
    check_failed(__LINE__, fnn_load_cifar10(path_of("none"), &data, &other, NULL, &error),
                 FNN_ERROR_FILE, &error, "none: no data_batch_1.bin", &data);
    CHECK(is_zero(&other));
}

static void cifar_in_a_directory(void)
{
    static const char *const names[5] = {"data_batch_1.bin", "data_batch_2.bin",
                                         "data_batch_3.bin.gz", "data_batch_4.bin",
                                         "data_batch_5.bin"};
    fnn_dataset train, test;
    fnn_error error;
    int i;
    (void)path_of("a");
    for (i = 0; i < 5; i++) { /* the files come one by one, the error names the next */
        char missing[40];
        snprintf(missing, sizeof missing, "no data_batch_%d.bin", i + 1);
        check_failed(__LINE__, fnn_load_cifar10(directory, &train, &test, NULL, &error),
                     FNN_ERROR_FILE, &error, missing, &train);
        CHECK(is_zero(&test));
        write_and_free(names[i],
                       i == 2 ? gzip_and_free(cifar_file(i * 3, 3), 6) : cifar_file(i * 3, 3));
    }
    check_failed(__LINE__, fnn_load_cifar10(directory, &train, &test, NULL, &error), FNN_ERROR_FILE,
                 &error, "no test_batch.bin", &train);
    write_and_free("test_batch.bin", cifar_file(40, 2));
    if (CHECKF(fnn_load_cifar10(directory, &train, &test, NULL, &error) == FNN_OK, "%s",
               error.message)) {
        check_cifar(__LINE__, &train, 0, 15);
        check_cifar(__LINE__, &test, 40, 2);
    }
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
    write_and_free("test_batch.bin", bytes_text("test"));
    check_failed(__LINE__, fnn_load_cifar10(directory, &train, &test, NULL, &error),
                 FNN_ERROR_FORMAT, &error, "test_batch.bin: expected records", &test);
    CHECK(is_zero(&train));
    CHECK(fnn_load_cifar10(directory, &train, NULL, NULL, NULL) == FNN_OK && train.count == 15);
    fnn_dataset_free(&train);
    for (i = 0; i < 5; i++) remove(path_of(names[i]));
    remove(path_of("test_batch.bin"));
}

/* Counts and mean that the original has; also those of a copy with other pixels nearby. */
static void cifar_itself(void)
{
    fnn_dataset train, test;
    int64_t counts[10], i;
    double sum = 0;
    fnn_error error;
    const fnn_result result = fnn_load_cifar10(NULL, &train, &test, NULL, &error);
    if (result == FNN_ERROR_FILE) {
        CHECK(strstr(error.message, "CIFAR10_DIR") && strstr(error.message, "data_batch_1.bin"));
        SKIP("no CIFAR-10 in $CIFAR10_DIR or data/cifar-10-batches-bin");
        return;
    }
    if (!CHECKF(result == FNN_OK, "%s", error.message)) return;
    CHECK(train.count == 50000 && test.count == 10000);
    CHECK(fnn_dataset_class_counts(&train, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 5000);
    CHECK(fnn_dataset_class_counts(&test, counts) == FNN_OK);
    for (i = 0; i < 10; i++) CHECK(counts[i] == 1000);
    for (i = 0; i < train.count * 1024; i++) sum += (double)train.bytes[3 * i + 2];
    sum /= 255.0 * 1024 * 50000;
    CHECKF(sum > .446 && sum < .447, "mean blue %.6f, published .4465", sum);
    fnn_dataset_free(&train);
    fnn_dataset_free(&test);
}

/* ---- numbers ---- */

static int parse(const char *text, fnn_real *value)
{
    fnni_file b = bytes_text(text); /* without the zero: nothing beyond the text is read */
    int good = fnni_parse_real((const char *)b.bytes, b.size, value);
    free(b.bytes);
    return good;
}

/* The C library's answer: correctly rounded in glibc, musl and the BSDs. (Not so in glibc 2.36 for
 * an exact decimal three quarters of the way to the next subnormal: check_middle avoids those.) */
static fnn_real reference(const char *text)
{
    return (fnn_real)(sizeof(fnn_real) == 4 ? (double)strtof(text, NULL) : strtod(text, NULL));
}

static int same_bits(fnn_real a, fnn_real b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void check_number_is(const char *text, fnn_real expected)
{
    fnn_real value = 0;
    int good = parse(text, &value);
    if (isinf(expected))
        CHECKF(!good, "%s: too large, read as %g", text, (double)value);
    else
        CHECKF(good && same_bits(value, expected), "%s: %.17g, expected %.17g", text, (double)value,
               (double)expected);
}

static void check_number(const char *text)
{
    check_number_is(text, reference(text));
}

/* `middle` in full, and one digit more or less: for floats the processor rounds the double, or its
 * neighbour, for doubles the number itself is the answer. */
static void check_middle(double middle)
{
    const int single = sizeof(fnn_real) == 4;
    char text[1400];
    int k;
    snprintf(text, sizeof text, "%.14e", middle); /* 15 digits that may round to it as a double */
    check_number(text);
    snprintf(text, sizeof text, "%.16e", middle);
    check_number(text);
    snprintf(text, sizeof text, "%.600f", middle);
    check_number_is(text, (fnn_real)middle);
    k = (int)strlen(text);
    text[k] = '1';
    text[k + 1] = 0;
    check_number_is(text, (fnn_real)(single ? nextafter(middle, DBL_MAX) : middle));
    text[k] = 0;
    while (k > 0 && (text[k - 1] == '0' || text[k - 1] == '.')) k--;
    text[k - 1]--;
    if (single && strchr(text, '.') < text + k) /* else it was 1 or more that was taken away */
        check_number_is(text, (fnn_real)nextafter(middle, 0));
}

static const char *const number_texts[] = {
    "0",
    "-0",
    "+0",
    "0.0",
    "0e999999999999999999999",
    "1",
    "-1",
    "255",
    "256",
    ".5",
    "5.",
    "-.5e1",
    "+5.E-1",
    "1e0",
    "1E+2",
    "00012",
    "0.1",
    "0.30000000000000004",
    "1e22",
    "1e23",
    "123456789012345",
    "1234567890123456",
    "9007199254740993",
    "9007199254740992.5",
    "9007199254740993.00000000000000000000000000000000000000000000000001",
    "16777217",
    "16777217.0000001",
    "16777219",
    "33554434.5",
    "1.00000005960464477539062500000000000",
    "1.00000005960464477539062500000000001",
    "1.00000005960464477539062499999999999",
    "1.17549435e-38",
    "1.1754943e-38",
    "1.17549429e-38",
    "1e-45",
    "7e-46",
    "7.1e-46",
    "1.4e-45",
    "7.006492321624085354618e-46",
    "7.006492321624085354619e-46",
    "3.4028234663852886e38",
    "3.4028235677973366e38",
    "3.4028235677973365e38",
    "3.4028235677973367e38",
    "3.5e38",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1.797693134862315807e308",
    "1e309",
    "1e400",
    "-1e400",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "2.225073858507201e-308",
    "4.9406564584124654e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1e-323",
    "1e-400",
    "6.02214076e23",
    "299792458",
    "8.5e-35",
    "0.000000000000000000000000000001",
    "1000000000000000000000000000000",
    "179769313486231580793728971405303415079934132710037826",
    "0.1e1",
    "100e-2",
    "1.0000000000000000000000000",
    "4503599627370497.5",
    "4503599627370496.5",
    "0.5000000298023223876953125",
    "1e-10",
    "123.456e-7"};

static void numbers_correctly_rounded(void)
{
    char text[2400];
    int i, k;
    for (i = 0; i < COUNT(number_texts); i++) check_number(number_texts[i]);
    for (i = 0; i < 2; i++) { /* ties, but for the 800th digit and later */
        k = snprintf(text, 100, "%s.", i ? "9007199254740993" : "16777217");
        memset(text + k, '0', 900);
        text[k + 900] = 0;
        check_number(text);
        for (k += 700; k < 900; k += 13) {
            text[k] = '1';
            check_number(text);
            text[k] = '0';
        }
    }
    for (i = 0; i < 60000; i++) {
        char *p = text;
        int digits = 1 + random_below(i % 100 ? 22 : 40), point = random_below(2 * digits + 1);
        if (random_below(3) == 0) *p++ = '-';
        for (k = 0; k < digits; k++) {
            if (k == point) *p++ = '.';
            *p++ = (char)('0' + random_below(10));
        }
        *p = 0;
        if (random_below(2))
            snprintf(p, 20, "e%d",
                     random_below(3) ? random_below(90) - 55 : random_below(700) - 350);
        check_number(text);
    }
    /* The worst: numbers half way between two neighbours, written in full, and one digit beside. */
    for (i = 0; i < 3000; i++) {
        const int single = sizeof(fnn_real) == 4;
        uint32_t high = random_bits(), low = random_bits();
        double middle;
        int exponent = random_below(4) ? random_below(100) - 60 : random_below(260) - 150;
        if (single)
            middle = ldexp((double)(high >> 8 | 0x800000u) + 0.5, exponent);
        else
            middle = ldexp((double)((uint64_t)(high >> 12) << 32 | low), exponent); /* exact only */
        if (!(middle > 3e38 && single)) check_middle(middle);
    }
    /* Half way between doubles: 2^53 + 1 times a power of two, up to the smallest subnormals. */
    for (i = 0; i < 200; i++) {
        int power = 1 + random_below(1000);
        fnni_big big;
        char digits[1200];
        big.used = 1;
        big.limb[0] = 1;
        fnni_big_shift_left(&big, 53);
        fnni_big_multiply_add(&big, 1, (uint32_t)(1 + 2 * random_below(1000)));
        for (k = 0; k < power; k++) fnni_big_multiply_add(&big, 5, 0); /* / 10^power = / 2^power */
        for (k = 0; big.used > 0; k++) { /* to decimal, last digit first */
            uint64_t rest = 0;
            int j;
            for (j = big.used - 1; j >= 0; j--) {
                rest = rest << 32 | big.limb[j];
                big.limb[j] = (uint32_t)(rest / 10);
                rest %= 10;
            }
            while (big.used > 0 && big.limb[big.used - 1] == 0) big.used--;
            digits[k] = (char)('0' + (int)rest);
        }
        digits[k] = 0;
        for (power = -power; k > 0; k--) text[strlen(digits) - (size_t)k] = digits[k - 1];
        snprintf(text + strlen(digits), 100, "e%d", power);
        check_number(text);
        snprintf(text + strlen(digits), 100, "00000000000000000000001e%d", power - 23);
        check_number(text);
    }
}

static void numbers_rejected(void)
{
    static const char *const texts[] = {
        "",      "+",    "-",   ".",        "e5",  "1e",    "1e+",   "0x10",     "0x1p3",
        "nan",   "NaN",  "inf", "Infinity", "1,5", "1'000", "1_000", "--1",      "+-1",
        "1.2.3", "1 2",  " 1",  "1 ",       "1f",  "1d3",   "1e5.0", "\xD9\xA1", "1\xC2\xA0",
        "()",    "NULL", "?",   "-e1",      ".e1", "1e1e1"};
    fnn_real value;
    int i;
    for (i = 0; i < COUNT(texts); i++) CHECKF(!parse(texts[i], &value), "%s", texts[i]);
    CHECK(parse("10", &value) && value == 10);
}

/* ---- CSV ---- */

static fnn_result load_csv_text(fnn_dataset *data, const char *text, const fnn_csv_config *config,
                                fnn_error *error)
{
    return fnn_load_csv(data, write_text("c", text), config, NULL, error);
}

static void check_csv_fails(int line, const char *text, const fnn_csv_config *config,
                            fnn_result expected, const char *words)
{
    fnn_dataset data;
    fnn_error error;
    fnn_result result = load_csv_text(&data, text, config, &error);
    check_failed(line, result, expected, &error, words, &data);
}

/* The table 1 2 3 / 4 5 6 with labels 0 / 2, however it is written. */
static void check_csv_same(int line, const char *text, const fnn_csv_config *config)
{
    fnn_dataset data;
    fnn_error error;
    int i, packed;
    for (packed = 0; packed < 2; packed++) {
        fnni_file plain = bytes_text(text);
        const char *path = packed ? write_and_free("c", gzip(plain, 6)) : write_file("c", plain);
        fnn_result result = fnn_load_csv(&data, path, config, NULL, &error);
        free(plain.bytes);
        if (!CHECKF(result == FNN_OK, "line %d: %s", line, error.message)) return;
        CHECKF(data.count == 2 && data.rows == 2 && data.height == 1 && data.width == 1 &&
                   data.channels == 3 && data.classes == 3 && !data.class_names && !data.targets,
               "line %d: shape", line);
        for (i = 0; i < 6; i++)
            CHECKF(data.reals ? data.reals[i] == (fnn_real)(i + 1) : data.bytes[i] == i + 1,
                   "line %d: value %d", line, i);
        CHECKF(data.labels[0] == 0 && data.labels[1] == 2, "line %d: labels", line);
        CHECK(fnn_dataset_check(&data, &error) == FNN_OK);
        fnn_dataset_free(&data);
        CHECK(is_zero(&data));
    }
}

static void csv_forms(void)
{
    static const int skip[2] = {1, -2};
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2\n", NULL);
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2\n", &c);
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2", &c);
    check_csv_same(__LINE__, "1,2,3,0\r\n4,5,6,2\r\n", &c);
    check_csv_same(__LINE__, "1,2,3,0\r4,5,6,2", &c);
    check_csv_same(__LINE__, "\n\n1,2,3,0\n\r\n  \n\t\n4,5,6,2\n\n", &c);
    check_csv_same(__LINE__,
                   "\xEF\xBB\xBF"
                   "1,2,3,0\n4,5,6,2\n",
                   &c);
    check_csv_same(__LINE__, "\"1\",2,\"3\",0\n4,\"5\",6,\"2\"\n", &c);
    check_csv_same(__LINE__, " 1 ,\t2, \"3\" ,0 \n  4,5.0,60e-1,+2\t\n", &c);
    c.keep_bytes = 1;
    check_csv_same(__LINE__, "1,2,3,0\n4,5,6,2\n", &c);
    check_csv_same(__LINE__, "1,2.0,3,0\n4,5,0.6e1,2\n", &c);
    c.separator = ' ';
    check_csv_same(__LINE__, "1 2 3 0\n4 5 6 2\n", &c);
    check_csv_same(__LINE__, "  1   2 \t 3 0  \n\n4\t5 6 2   ", &c);
    check_csv_same(__LINE__, "1 \"2\"  \"3\" 0\r\n4 5 6 2", &c);
    c.separator = '\t';
    check_csv_same(__LINE__, "1\t2\t 3\t0\n4\t5\t6 \t2\n", &c);
    c.separator = ';';
    c.label_column = 0;
    check_csv_same(__LINE__, "0;1;2;3\n2;4;5;6\n", &c);
    c.header = 1;
    check_csv_same(__LINE__, "label;a;b;c\n0;1;2;3\n2;4;5;6\n", &c);
    check_csv_same(__LINE__, "\n\"la;b\"\"\nel\";a\n0;1;2;3\n2;4;5;6\n", &c);
    c.skip_columns = skip;
    c.skip_count = 2;
    check_csv_same(__LINE__, "x\n0;id \"7\";1;2;\"a;\n\"\"b\"\"\";3\n2;nan;4;5;;6\n", &c);
    c.skip_count = 0;
    c.label_column = 1;
    check_csv_same(__LINE__, "x\n1;0;2;3\n4;2;5;6\n", &c);
    c.label_column = -3;
    check_csv_same(__LINE__, "x\n1;0;2;3\n4;2;5;6\n", &c);
}

static void csv_errors(void)
{
    static const int skip[1] = {-1};
    fnn_csv_config c = fnn_csv_config_init();
    check_csv_fails(__LINE__, "", &c, FNN_ERROR_FORMAT, "no samples");
    check_csv_fails(__LINE__, "\n \n\r\n", &c, FNN_ERROR_FORMAT, "no samples");
    check_csv_fails(__LINE__, "1,2,0\n1,2\n", &c, FNN_ERROR_FORMAT,
                    "line 2: expected 3 columns as in the first row, found 2");
    check_csv_fails(__LINE__, "1,2,0\n\n1,2,3,4\n", &c, FNN_ERROR_FORMAT, "line 3: expected 3");
    check_csv_fails(__LINE__, "1,2,0\n1,2,0,\n", &c, FNN_ERROR_FORMAT, "found 4");
    check_csv_fails(__LINE__, "1,2,0\n1,x,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: expected a number, found \"x\"");
    check_csv_fails(__LINE__, "a,b,c\n1,2,0\n", &c, FNN_ERROR_FORMAT, "set header");
    check_csv_fails(__LINE__, "1,2,0\n1,,0\n", &c, FNN_ERROR_FORMAT, "found \"\"");
    check_csv_fails(__LINE__, "1,2,0\n1,nan,0\n", &c, FNN_ERROR_FORMAT, "found \"nan\"");
    check_csv_fails(__LINE__, "1,2,0\n1,1e999,0\n", &c, FNN_ERROR_FORMAT, "found \"1e999\"");
    check_csv_fails(__LINE__, "1,2,0\n1,2,0.5\n", &c, FNN_ERROR_FORMAT, "expected a class number");
    check_csv_fails(__LINE__, "1,2,0\n1,2,-1\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,2,65536\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,2,1e30\n", &c, FNN_ERROR_FORMAT, "0 to 65535");
    check_csv_fails(__LINE__, "1,2,0\n1,\"2,0\n", &c, FNN_ERROR_FORMAT,
                    "line 2, column 2: a quote is opened");
    check_csv_fails(__LINE__, "1,2,0\n1,\"2\"3,0\n", &c, FNN_ERROR_FORMAT, "after the quote");
    check_csv_fails(__LINE__, "1 2 0\n1 2 0\n", &c, FNN_ERROR_FORMAT, "is the separator right");
    check_csv_fails(__LINE__, "1;5,2;5,0\n", &c, FNN_ERROR_FORMAT, "column 1");
    check_csv_fails(__LINE__, "1,aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd\x01,0\n", &c,
                    FNN_ERROR_FORMAT, "ccdd...\"");
    c.keep_bytes = 1;
    check_csv_fails(__LINE__, "1,256,0\n", &c, FNN_ERROR_FORMAT, "an integer 0 to 255");
    check_csv_fails(__LINE__, "1,-1,0\n", &c, FNN_ERROR_FORMAT, "an integer 0 to 255");
    check_csv_fails(__LINE__, "1,0.5,0\n", &c, FNN_ERROR_FORMAT, "found \"0.5\"");
    check_csv_fails(__LINE__, "1,1e30,0\n", &c, FNN_ERROR_FORMAT, "found \"1e30\"");
    c.height = c.width = c.channels = 2;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_FORMAT, "2 feature columns");
    c.channels = 0;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "channels");
    c = fnn_csv_config_init();
    c.label_column = 3;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "the label column is 3");
    c.label_column = -4;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "the label column is -4");
    c.label_column = -1;
    c.skip_columns = skip;
    c.skip_count = 1;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "is the label");
    c.skip_columns = NULL;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "skip_count");
    c = fnn_csv_config_init();
    c.separator = '"';
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_ERROR_ARGUMENT, "separator");
    c.separator = ',';
    c.label = (fnn_csv_label)3;
    check_csv_fails(__LINE__, "1,2,0\n", &c, FNN_OK, "");
    c.label = FNN_CSV_LABEL_NAME;
    check_csv_fails(__LINE__, "1,2,a\n1,2,\n", &c, FNN_ERROR_FORMAT, "a class name");
    {
        fnn_dataset data;
        fnn_error error;
        const char *path = write_and_free("c", bytes_copy("1,2\0,3\n", 7));
        check_failed(__LINE__, fnn_load_csv(&data, path, NULL, NULL, &error), FNN_ERROR_FORMAT,
                     &error, "zero byte", &data);
        check_failed(__LINE__, fnn_load_csv(&data, path_of("none"), NULL, NULL, &error),
                     FNN_ERROR_FILE, &error, "none", &data);
        check_failed(__LINE__, fnn_load_csv(&data, NULL, NULL, NULL, &error), FNN_ERROR_ARGUMENT,
                     &error, "path", &data);
        CHECK(fnn_load_csv(NULL, path, NULL, NULL, &error) == FNN_ERROR_ARGUMENT);
    }
}

static void csv_class_names(void)
{
    static const char text[] = "1,setosa\n2,\"virgi,\"\"nica\"\n3,a b\n4,setosa\n5,a\n6, \"a b\"\n";
    static const int labels[] = {2, 3, 1, 2, 0, 1};
    static const char *const names[] = {"a", "a b", "setosa", "virgi,\"nica"};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data, other;
    fnn_error error;
    int i;
    c.label = FNN_CSV_LABEL_NAME;
    if (!CHECK(load_csv_text(&data, text, &c, &error) == FNN_OK)) return;
    CHECK(data.classes == 4 && data.count == 6 && data.channels == 1);
    for (i = 0; i < 6; i++) CHECK(data.labels[i] == labels[i]);
    for (i = 0; i < 4; i++) CHECKF(!strcmp(data.class_names[i], names[i]), "%s", names[i]);

    c.same_classes = &data; /* a test set with fewer classes numbers them alike */
    CHECK(load_csv_text(&other, "1,setosa\n2,a\n", &c, &error) == FNN_OK);
    CHECK(other.classes == 4 && other.labels[0] == 2 && other.labels[1] == 0);
    fnn_dataset_free(&data); /* names were copied */
    CHECK(!strcmp(other.class_names[3], names[3]));
    c.same_classes = &other;
    check_csv_fails(__LINE__, "1,setosa\n2,b\n", &c, FNN_ERROR_FORMAT,
                    "line 2: class \"b\" is none");
    other.class_names = NULL;
    check_csv_fails(__LINE__, "1,setosa\n2,b\n", &c, FNN_ERROR_ARGUMENT, "class_names");
    CHECK(fnn_load_csv(&other, "x", &c, NULL, &error) == FNN_ERROR_ARGUMENT);
    fnn_dataset_free(&other);
}

static void csv_class_numbers(void)
{
    static const char statlog[] = "10 11 3\n12 13 7\n14 15 1\n16 17 3\n";
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data, other;
    fnn_error error;
    c.separator = ' ';
    if (!CHECK(load_csv_text(&data, statlog, &c, &error) == FNN_OK)) return;
    CHECK(data.classes == 8 && data.labels[0] == 3 && data.labels[1] == 7 && !data.class_names);
    c.same_classes = &data;
    CHECK(load_csv_text(&other, "1 2 5\n", &c, &error) == FNN_OK && other.classes == 8);
    fnn_dataset_free(&other);
    check_csv_fails(__LINE__, "1 2 8\n", &c, FNN_ERROR_FORMAT, "same_classes");
    c.same_classes = NULL;
    fnn_dataset_free(&data);

    c.compact_classes = 1;
    c.keep_bytes = 1;
    CHECK(load_csv_text(&data, statlog, &c, &error) == FNN_OK);
    CHECK(data.classes == 3 && data.labels[0] == 1 && data.labels[1] == 2 && data.labels[2] == 0);
    CHECK(!strcmp(data.class_names[0], "1") && !strcmp(data.class_names[2], "7"));
    c.same_classes = &data;
    CHECK(load_csv_text(&other, "1 2 7.0\n", &c, &error) == FNN_OK && other.labels[0] == 2);
    fnn_dataset_free(&other);
    check_csv_fails(__LINE__, "1 2 7\n1 2 2\n", &c, FNN_ERROR_FORMAT,
                    "class \"2\" is none of the 3");
    fnn_dataset_free(&data);
    c.same_classes = NULL;
    CHECK(load_csv_text(&data, "1 2 1\n3 4 -1\n5 6 10\n7 8 9\n", &c, &error) == FNN_OK);
    CHECK(data.labels[0] == 1 && data.labels[1] == 0 && data.labels[2] == 3 && data.labels[3] == 2);
    CHECK(!strcmp(data.class_names[0], "-1") && !strcmp(data.class_names[3], "10"));
    fnn_dataset_free(&data);
}

static void csv_targets_and_images(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    c.label = FNN_CSV_LABEL_TARGET;
    c.label_column = 1;
    CHECK(load_csv_text(&data, "1,-2.5e1,3\n4,.5,6\n", &c, &error) == FNN_OK);
    CHECK(data.targets && data.target_count == 1 && !data.labels && data.classes == 0);
    CHECK(data.targets[0] == -25 && data.targets[1] == (fnn_real)0.5 && data.reals[1] == 3);
    fnn_dataset_free(&data);
    check_csv_fails(__LINE__, "1,-2.5e1,3\n4,red,6\n", &c, FNN_ERROR_FORMAT, "found \"red\"");
    c.label = FNN_CSV_LABEL_NONE;
    CHECK(load_csv_text(&data, "1,2,3\n4,5,6\n", &c, &error) == FNN_OK);
    CHECK(!data.targets && !data.labels && data.channels == 3 && data.reals[5] == 6);
    fnn_dataset_free(&data);
    c = fnn_csv_config_init(); /* Kaggle's form */
    c.header = 1;
    c.label_column = 0;
    c.keep_bytes = 1;
    c.height = 2, c.width = 3, c.channels = 1;
    CHECK(load_csv_text(&data, "label,p1,p2,p3,p4,p5,p6\n9,0,1,2,3,4,255\n", &c, &error) == FNN_OK);
    CHECK(data.height == 2 && data.width == 3 && data.channels == 1 && data.classes == 10);
    CHECK(data.bytes[5] == 255 && data.bytes[0] == 0 && data.labels[0] == 9 && !data.reals);
    fnn_dataset_free(&data);
}

static void csv_ignores_the_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE",      "fr_FR.UTF-8",
                                        "fr_FR.utf8",  "German",     "nl_NL.UTF-8"};
    fnn_csv_config c = fnn_csv_config_init();
    fnn_dataset data;
    fnn_error error;
    int i, found = 0;
    for (i = 0; i < COUNT(names) && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL && strtod("1,5", NULL) > 1.2;
    c.separator = ';';
    CHECK(load_csv_text(&data, "1.5;-2.25;1\n", &c, &error) == FNN_OK);
    CHECK(data.reals && data.reals[0] == (fnn_real)1.5 && data.reals[1] == (fnn_real)-2.25);
    fnn_dataset_free(&data);
    check_csv_fails(__LINE__, "1.5;2;1\n1,5;2;1\n", &c, FNN_ERROR_FORMAT, "found \"1,5\"");
    setlocale(LC_ALL, "C");
    if (!found) SKIP("no locale with a decimal comma here; the C locale passed");
}

/* Every truncation of a file either loads with fewer samples or is an error, never worse. */
static void csv_truncations(void)
{
    static const char text[] = "id,a,\"b\"\"c\",label\n1,2.5,\"-3e1\",\"x \"\"y\"\r\n\n2,4,5,z\n";
    fnn_csv_config c = fnn_csv_config_init();
    size_t n;
    int loaded = 0, packed;
    c.header = 1;
    c.label = FNN_CSV_LABEL_NAME;
    for (packed = 0; packed < 2; packed++) {
        fnni_file whole = bytes_text(text);
        if (packed) whole = gzip_and_free(whole, 9);
        for (n = 0; n <= whole.size; n++) {
            fnn_dataset data;
            fnni_file cut = bytes_copy(whole.bytes, n);
            fnn_result result = fnn_load_csv(&data, write_and_free("c", cut), &c, NULL, NULL);
            CHECK(result == FNN_OK || (result == FNN_ERROR_FORMAT && is_zero(&data)));
            CHECKF(!packed || n == whole.size || result != FNN_OK, "%d of %d packed bytes load",
                   (int)n, (int)whole.size);
            if (result == FNN_OK) CHECK(data.count <= 2 && data.channels <= 3 && ++loaded);
            fnn_dataset_free(&data);
        }
        free(whole.bytes);
    }
    /* 11 plain ones end where a last field may: 4 within the first row, then narrower */
    CHECKF(loaded == 11 + 1, "%d truncations load", loaded);
}

static void csv_of_any_bytes(void)
{
    static const char alphabet[] = "0123456789.,,,\n\n\r\"\" e-x";
    int round, loaded = 0;
    for (round = 0; round < 4000; round++) {
        fnn_csv_config c = fnn_csv_config_init();
        fnn_dataset data;
        char text[200];
        int i, n = random_below(round % 2 ? 20 : 199);
        for (i = 0; i < n; i++) text[i] = alphabet[random_below((int)sizeof alphabet - 1)];
        text[n] = 0;
        c.label = (fnn_csv_label)random_below(4);
        c.label_column = random_below(5) - 2;
        c.header = random_below(2);
        c.separator = ", "[random_below(2)];
        c.compact_classes = random_below(2);
        c.keep_bytes = random_below(2);
        if (load_csv_text(&data, text, &c, NULL) == FNN_OK) {
            loaded++;
            CHECK(fnn_dataset_check(&data, NULL) == FNN_OK);
        } else {
            CHECK(is_zero(&data));
        }
        fnn_dataset_free(&data);
    }
    CHECKF(loaded > 20, "only %d loaded", loaded);
}

/* A compressed table whose last member is the shorter one: the length in the file is too little. */
static void csv_of_two_members(void)
{
    fnn_dataset data;
    fnn_csv_config c = fnn_csv_config_init();
    fnni_file packed, plain;
    size_t i;
    plain.size = 4 * 10000;
    plain.bytes = (uint8_t *)need(plain.size);
    for (i = 0; i < 10000; i++) memcpy(plain.bytes + 4 * i, "7,1\n", 4);
    packed = bytes_join(gzip(plain, 6), gzip(plain, 1));
    plain.size = 4;
    packed = bytes_join(packed, gzip(plain, 6));
    free(plain.bytes);
    CHECK(fnn_load_csv(&data, write_and_free("c", packed), &c, NULL, NULL) == FNN_OK);
    CHECK(data.count == 20001 && data.reals && data.reals[20000] == 7);
    fnn_dataset_free(&data);
}

/* ---- views ---- */

/* A data set of `count` samples of two features in the caller's arrays: row i is (i, -i). */
static void make_table(fnn_dataset *data, fnn_real *reals, int32_t *labels, int64_t count)
{
    int64_t i;
    for (i = 0; i < count; i++) {
        reals[2 * i] = (fnn_real)i;
        reals[2 * i + 1] = (fnn_real)-i;
        labels[i] = (int32_t)(i % 3);
    }
    memset(data, 0, sizeof *data);
    data->count = count;
    data->height = data->width = 1;
    data->channels = 2;
    data->reals = reals;
    data->labels = labels;
    data->classes = 3;
}

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
    fnn_dataset_free(&train), fnn_dataset_free(&validation), fnn_dataset_free(&picked);
    fnn_dataset_free(&first), fnn_dataset_free(&second), fnn_dataset_free(&shuffled);
}

static void views_reject_wrong_calls(void)
{
    static fnn_real reals[20];
    static int32_t labels[10];
    static const int64_t negative[2] = {0, -1}, beyond[2] = {0, 10};
    fnn_dataset data, a, b;
    fnn_error error;
    const fnn_result wrong = FNN_ERROR_ARGUMENT;
    make_table(&data, reals, labels, 10);
    CHECK(fnn_dataset_split(&data, -1, 0, 0, &a, &b, &error) == wrong && is_zero(&a));
    CHECK(fnn_dataset_split(&data, 11, 0, 0, &a, &b, &error) == wrong && is_zero(&b));
    CHECK(fnn_dataset_split(&data, 5, 0, 0, &a, &a, &error) == wrong);
    CHECK(fnn_dataset_split(&data, 5, 0, 0, &data, &a, &error) == wrong && data.count == 10);
    CHECK(fnn_dataset_split(&data, 5, 0, 0, NULL, &a, &error) == wrong);
    CHECK(fnn_dataset_split(NULL, 5, 0, 0, &a, &b, &error) == wrong);
    CHECK(fnn_dataset_fold(&data, 1, 0, 0, 0, &a, &b, &error) == wrong);
    CHECK(fnn_dataset_fold(&data, 11, 0, 0, 0, &a, &b, &error) == wrong);
    CHECK(fnn_dataset_fold(&data, 5, 5, 0, 0, &a, &b, &error) == wrong);
    CHECK(fnn_dataset_fold(&data, 5, -1, 0, 0, &a, &b, NULL) == wrong);
    CHECK(fnn_dataset_subset(&data, negative, 2, &a, &error) == wrong);
    CHECK(strstr(error.message, "samples[1] is -1") != NULL);
    CHECK(fnn_dataset_subset(&data, beyond, 2, &a, &error) == wrong);
    CHECK(fnn_dataset_subset(&data, NULL, 2, &a, &error) == wrong);
    CHECK(fnn_dataset_subset(&data, beyond, -1, &a, &error) == wrong);
    CHECK(fnn_dataset_subset(&data, beyond, 1, &data, &error) == wrong);
    CHECK(fnn_dataset_subset(&data, NULL, 0, &a, &error) == FNN_OK && a.count == 0);
    CHECK(fnn_dataset_check(&a, &error) == wrong && strstr(error.message, "no samples"));
    fnn_dataset_free(&a);
    CHECK(fnn_dataset_shuffle(&data, 1, &data, &error) == wrong);
    CHECK(fnn_dataset_shuffle(&data, 1, NULL, &error) == wrong);
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
    static fnn_real reals[20], targets[20];
    static int32_t labels[10];
    static uint8_t bytes[20];
    static int64_t index[3] = {9, 0, 4};
    static const char *const names[3] = {"a", "b", NULL};
    fnn_dataset good, data;
    fnn_error error;
    int64_t counts[3];
    make_table(&good, reals, labels, 10);
    good.targets = targets;
    good.target_count = 2;
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
    RIGHT(data.labels = NULL);
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
    WRONG(data.classes = 2, "sample 2 has label 2");
    WRONG(data.classes = 0, "0 classes");
    WRONG(data.target_count = 0, "target_count is 0");
    WRONG((data.index = index, data.rows = 9, data.count = 3), "index[0] is 9");
    WRONG((data.index = index, data.rows = 0, data.count = 3), "index[0] is 9");
    WRONG(data.class_names = names, "class_names[2]");
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

static void check_normalization(fnn_normalization kind, const fnn_dataset *data)
{
    enum { FEATURES = 12 };
    fnn_real shift[FEATURES], scale[FEATURES];
    int j;
    int64_t i;
    if (!CHECK(fnn_normalization_compute(kind, data, shift, scale, NULL) == FNN_OK)) return;
    for (j = 0; j < FEATURES; j++) {
        double mean = 0, variance = 0, lowest = 1e300, highest = -1e300, s = 1;
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
        if (kind == FNN_NORMALIZE_DIVIDE_255 || kind == FNN_NORMALIZE_MEAN_DIVIDE_255) s = 1 / 255.;
        if (kind == FNN_NORMALIZE_STANDARDIZE) s = 1 / sqrt(variance);
        if (kind == FNN_NORMALIZE_MEAN_VARIANCE) s = 1 / variance;
        if (kind == FNN_NORMALIZE_NONE || kind == FNN_NORMALIZE_DIVIDE_255) mean = 0;
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
        for (kind = FNN_NORMALIZE_NONE; kind <= FNN_NORMALIZE_MEAN_VARIANCE; kind++) {
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

/* ---- failing allocations and reads ---- */

typedef struct world { /* what the calls under test work on */
    fnn_allocator allocator;
    const char *images, *images_gz, *labels, *csv, *csv_gz;
    fnn_dataset table, named;
} world;

/* One call with its result; outputs are compared and freed by the caller. */
static fnn_result run_case(world *w, int number, fnn_dataset *a, fnn_dataset *b)
{
    static const int64_t samples[3] = {2, 0, 1};
    static fnn_real shift[4], scale[4];
    fnn_csv_config c = fnn_csv_config_init();
    memset(a, 0, sizeof *a);
    memset(b, 0, sizeof *b);
    w->table.allocator = w->allocator;
    c.label = FNN_CSV_LABEL_NAME;
    switch (number) {
    case 0:
        return fnn_load_idx(a, w->images, w->labels, &w->allocator, NULL);
    case 1:
        return fnn_load_idx(a, w->images_gz, w->labels, &w->allocator, NULL);
    case 2:
        return fnn_load_fashion_mnist(directory, a, b, &w->allocator, NULL);
    case 3:
        return fnn_load_csv(a, w->csv, &c, &w->allocator, NULL);
    case 4:
        return fnn_load_csv(a, w->csv_gz, &c, &w->allocator, NULL);
    case 5:
        c.same_classes = &w->named;
        c.keep_bytes = 1;
        return fnn_load_csv(a, w->csv, &c, &w->allocator, NULL);
    case 6:
        c.label = FNN_CSV_LABEL_TARGET;
        c.label_column = 0;
        c.skip_columns = &c.label_column;
        c.skip_count = 0;
        return fnn_load_csv(a, path_of("b"), &c, &w->allocator, NULL);
    case 7:
        return fnn_load_cifar10(directory, a, b, &w->allocator, NULL);
    case 8:
        return fnn_dataset_split(&w->table, 2, 1, 1, a, b, NULL);
    case 9:
        return fnn_dataset_fold(&w->table, 3, 1, 0, 1, a, b, NULL);
    case 10:
        return fnn_dataset_subset(&w->table, samples, 3, a, NULL);
    case 11:
        return fnn_dataset_shuffle(&w->table, 8, a, NULL);
    default:
        return fnn_normalization_compute(FNN_NORMALIZE_STANDARDIZE, &w->table, shift, scale, NULL);
    }
}
enum { CASES = 13, READING_CASES = 8 };

static void make_world(world *w, fnn_real *reals, int32_t *labels)
{
    static char paths[5][400];
    fnni_file images = idx_file(3, 12, 28, 28, 0, 251),
              text = bytes_text("1,2,x\n3,4,y\n\"5\",6,x\n");
    fnn_csv_config c = fnn_csv_config_init();
    memset(w, 0, sizeof *w);
    make_table(&w->table, reals, labels, 5);
#define KEEP(i, path) (snprintf(paths[i], sizeof paths[i], "%s", path), paths[i])
    w->images = KEEP(0, write_file("train-images-idx3-ubyte", images));
    write_and_free("train-labels-idx1-ubyte.gz", gzip_and_free(idx_file(1, 12, 0, 0, 0, 9), 6));
    w->images_gz = KEEP(1, write_and_free("t10k-images-idx3-ubyte", gzip(images, 6)));
    w->labels = KEEP(2, write_and_free("t10k-labels-idx1-ubyte", idx_file(1, 12, 0, 0, 0, 9)));
    w->csv = KEEP(3, write_file("c", text));
    w->csv_gz = KEEP(4, write_and_free("a", gzip(text, 6)));
#undef KEEP
    write_text("b", "1,2\n3,4\n");
    write_and_free("data_batch_1.bin", cifar_file(0, 2));
    write_and_free("data_batch_2.bin", cifar_file(2, 1));
    write_and_free("data_batch_3.bin.gz", gzip_and_free(cifar_file(3, 2), 6));
    write_and_free("data_batch_4.bin", cifar_file(5, 1));
    write_and_free("data_batch_5.bin", cifar_file(6, 1));
    write_and_free("test_batch.bin", cifar_file(7, 1));
    c.label = FNN_CSV_LABEL_NAME;
    CHECK(fnn_load_csv(&w->named, w->csv, &c, NULL, NULL) == FNN_OK);
    free(images.bytes);
    free(text.bytes);
}

static void every_allocation_fails_once_and_for_ever(void)
{
    static fnn_real reals[10];
    static int32_t labels[5];
    world w;
    fnn_dataset a, b;
    int number, for_ever, n;
    make_world(&w, reals, labels);
    for (number = 0; number < CASES; number++)
        for (for_ever = 0; for_ever < 2; for_ever++) {
            fnn_result result = FNN_ERROR_MEMORY;
            ledger l;
            for (n = 1; n < 100 && result != FNN_OK; n++) {
                w.allocator = ledger_allocator(&l);
                l.fail_at = for_ever ? 0 : n;
                l.fail_from = for_ever ? n : 0;
                result = run_case(&w, number, &a, &b);
                if (result == FNN_OK) break;
                CHECKF(result == FNN_ERROR_MEMORY, "case %d, allocation %d: result %d", number, n,
                       (int)result);
                CHECKF(is_zero(&a) && is_zero(&b), "case %d, allocation %d", number, n);
                CHECKF(l.live == 0, "case %d, allocation %d: %d leak", number, n, l.live);
            }
            CHECKF(result == FNN_OK && n > 1 && l.calls == n - 1, "case %d: %d allocations", number,
                   l.calls);
            fnn_dataset_free(&a);
            fnn_dataset_free(&b);
            CHECKF(l.live == 0, "case %d: %d leak after success", number, l.live);
        }
    fnn_dataset_free(&w.named);
}

static void every_read_fails(void)
{
    static fnn_real reals[10];
    static int32_t labels[5];
    world w;
    fnn_dataset a, b;
    int number, n;
    make_world(&w, reals, labels);
    for (number = 0; number < READING_CASES; number++) {
        fnn_result result = FNN_ERROR_FILE;
        ledger l;
        for (n = 0; n < 100 && result != FNN_OK; n++) {
            w.allocator = ledger_allocator(&l);
            read_countdown = n;
            read_failed = 0;
            result = run_case(&w, number, &a, &b);
            if (result == FNN_OK) break;
            CHECKF(result == FNN_ERROR_FILE, "case %d, read %d: result %d", number, n, (int)result);
            CHECKF(is_zero(&a) && is_zero(&b) && l.live == 0, "case %d, read %d", number, n);
        }
        CHECKF(result == FNN_OK && n > 0, "case %d: %d reads", number, n);
        read_countdown = -1;
        read_failed = 0;
        fnn_dataset_free(&a);
        fnn_dataset_free(&b);
    }
    fnn_dataset_free(&w.named);
}

/* A pipe does not tell its length: reading starts small and grows. */
static void files_of_unknown_length(void)
{
    static const uint32_t counts[] = {1, 4083, 4084, 4085, 8179, 8180, 50000}; /* 12 bytes less */
    static const int allocations[] = {1, 1, 2, 2, 2, 3, 5};
    int i, n;
    for (i = 0; i < COUNT(counts); i++) {
        const char *path = write_and_free("a", idx_file(2, counts[i], 1, 0, 0, 250));
        fnn_result result = FNN_ERROR_MEMORY;
        fnn_dataset data;
        ledger l;
        seek_fails = 1;
        for (n = 1; n < 20 && result != FNN_OK; n++) {
            const fnn_allocator allocator = ledger_allocator(&l);
            l.fail_at = n;
            result = fnn_load_idx(&data, path, NULL, &allocator, NULL);
            CHECK(result == FNN_OK || (result == FNN_ERROR_MEMORY && l.live == 0));
        }
        seek_fails = 0;
        if (!CHECK(result == FNN_OK && data.count == (int64_t)counts[i])) return;
        CHECKF(l.calls == allocations[i], "%d samples: %d allocations", (int)counts[i], l.calls);
        for (n = 0; n < data.count; n++) CHECK(data.bytes[n] == n % 250);
        fnn_dataset_free(&data);
    }
}

static const harness_test tests[] = {
    TEST(inflate_round_trips),
    TEST(inflate_stops_when_the_output_is_full),
    TEST(inflate_rejects_every_truncation),
    TEST(inflate_rejects_every_flipped_bit),
    TEST(inflate_agrees_with_zlib_on_damaged_streams),
    TEST(inflate_agrees_with_zlib_on_any_code),
    TEST(inflate_tables_suffice),
    TEST(gzip_header_fields),
    TEST(gzip_members),
    TEST(crc_is_zlibs),
    TEST(idx_shapes),
    TEST(idx_rejects_wrong_files),
    TEST(idx_rejects_wrong_calls),
    TEST(idx_rejects_every_truncation_and_flipped_bit),
    TEST(idx_believes_no_header),
    TEST(csv_believes_no_length),
    TEST(fashion_mnist_in_a_directory),
    TEST(fashion_mnist_itself),
    TEST(cifar_files_become_images),
    TEST(cifar_rejects_wrong_files),
    TEST(cifar_rejects_every_truncation),
    TEST(cifar_rejects_wrong_calls),
    TEST(cifar_in_a_directory),
    TEST(cifar_itself),
    TEST(numbers_correctly_rounded),
    TEST(numbers_rejected),
    TEST(csv_forms),
    TEST(csv_errors),
    TEST(csv_class_names),
    TEST(csv_class_numbers),
    TEST(csv_targets_and_images),
    TEST(csv_ignores_the_locale),
    TEST(csv_truncations),
    TEST(csv_of_any_bytes),
    TEST(csv_of_two_members),
    TEST(splits_partition),
    TEST(folds_partition),
    TEST(views_of_views),
    TEST(views_reject_wrong_calls),
    TEST(shuffles_are_uniform),
    TEST(check_finds_what_is_wrong),
    TEST(normalizations_against_naive_loops),
    TEST(normalization_without_spread_or_sense),
    TEST(every_allocation_fails_once_and_for_ever),
    TEST(every_read_fails),
    TEST(files_of_unknown_length),
};

HARNESS_MAIN(tests)
