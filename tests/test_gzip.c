/* gzip and inflate against zlib, which makes the compressed data and is the reference: round trips,
 * truncations, flipped bits, damaged and random streams, header fields, members, checksums. */
#if !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "bits.h"
#include "budget.h"
#include "datasets.h"

#if HAVE_ZLIB
/* Decompresses into an array of just `capacity` bytes. */
static fnni_inflate_status gunzip(file_bytes packed, size_t capacity, file_bytes *out,
                                  const char **wrong)
{
    static fnni_inflater s;
    fnni_inflate_status status;
    fnni_file file;
    file.bytes = packed.bytes;
    file.size = packed.size;
    out->bytes = (uint8_t *)need(capacity);
    status = fnni_gunzip(&s, &file, out->bytes, capacity, capacity, NULL);
    out->size = (size_t)(s.out - s.block);
    *wrong = s.wrong;
    return status;
}

static int gunzips_to(file_bytes packed, file_bytes plain)
{
    file_bytes out;
    const char *wrong;
    int same = gunzip(packed, plain.size, &out, &wrong) == FNNI_INFLATE_END &&
               out.size == plain.size && memcmp(out.bytes, plain.bytes, plain.size) == 0;
    free(out.bytes);
    return same;
}

/* Data of several kinds: what matters is literals, matches near and far, long and short. */
static file_bytes sample_data(int kind, size_t size)
{
    file_bytes b;
    size_t i;
    b.bytes = (uint8_t *)need(size);
    b.size = size;
    for (i = 0; i < size; i++) {
        uint8_t *p = b.bytes;
        switch (kind) {
        case 0: p[i] = (uint8_t)random_bits(); break;
        case 1: p[i] = 0; break;
        case 2: p[i] = (uint8_t)(i % 7 * 30); break;
        case 3: p[i] = (uint8_t) "the quick brown fox "[random_below(20)]; break;
        case 4: p[i] = (uint8_t)(random_below(3) ? 0 : random_below(256)); break;
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
            file_bytes plain = sample_data(kind, sizes[i]);
            for (level = 0; level < 10; level++) {
                int strategy = strategies[(level + i) % 4];
                file_bytes packed = gzip(plain, level);
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
        file_bytes plain = sample_data(kind, 3000), packed = gzip(plain, kind), out;
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
        file_bytes plain = sample_data(kind % 7, 700), out;
        file_bytes packed =
            gzip_with(plain, kind % 10, kind < 7 ? Z_DEFAULT_STRATEGY : Z_FIXED, 31, NULL);
        size_t size;
        const char *wrong;
        for (size = 1; size < packed.size; size++) {
            file_bytes cut = bytes_copy(packed.bytes, size);
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
static int padding_bits(file_bytes packed)
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
                file_bytes plain = sample_data(kind, 300), out;
                file_bytes packed = gzip_with(plain, level, strategy, 31, NULL);
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

static void inflater_begin(fnni_inflater *s, file_bytes packed, uint8_t *out, size_t capacity)
{
    memset(s, 0, sizeof *s);
    s->b.in = packed.bytes;
    s->in_end = packed.bytes + packed.size;
    s->block = s->out = s->out_begin = out;
    s->out_end = out + capacity;
    s->most = capacity;
}

/* What zlib and this library make of a raw deflate stream must be the same. Returns 1 when both
 * accept it. */
static int same_verdict(file_bytes packed, size_t capacity)
{
    fnni_inflater *s = (fnni_inflater *)need(sizeof *s);
    file_bytes ours, theirs;
    z_stream z;
    int accepted, zlib_accepts, same;
    ours.bytes = (uint8_t *)need(capacity);
    theirs.bytes = (uint8_t *)need(capacity);
    inflater_begin(s, packed, ours.bytes, capacity);
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
        file_bytes plain = sample_data(kind, (size_t)random_below(2000));
        file_bytes packed = gzip_with(plain, random_below(10),
                                      random_below(3) ? Z_DEFAULT_STRATEGY : Z_FIXED, -15, NULL);
        for (i = 0; i < flips; i++)
            packed.bytes[random_below((int)packed.size)] ^= (uint8_t)(1 << random_below(8));
        accepted += same_verdict(packed, 100000);
        free(plain.bytes);
        free(packed.bytes);
    }
    CHECKF(accepted > 100 && accepted < 2900, "%d of 3000 accepted", accepted);
    for (round = 0; round < 20000; round++) {
        file_bytes noise = sample_data(0, 1 + (size_t)random_below(200));
        same_verdict(noise, 20000);
        free(noise.bytes);
    }
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
        if (run >= 11 && symbol == 0) code = 15, repeat = run < 138 ? run : 138;
        else if (run >= 3 && symbol == 0) code = 14, repeat = run < 10 ? run : 10;
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
        file_bytes packed;
        int literals = 257 + random_below(32), distances = 1 + random_below(32), i;
        int uses = distance_uses[random_below(5)];
        if (random_below(10)) literals = 257 + random_below(30);
        if (random_below(10)) distances = 1 + random_below(30);
        random_code(lengths, literals, random_below(3) ? 2 + random_below(literals - 2) : 2);
        if (uses > 1)
            random_code(lengths + literals, distances, uses < distances ? uses : distances);
        else if (uses) lengths[literals + random_below(distances)] = (uint8_t)(1 + random_below(2));
        if (random_below(3) == 0) /* damage: incomplete, or too full, or no end */
            lengths[random_below(literals + distances)] = (uint8_t)random_below(16);
        if (random_below(20) == 0) { /* one code of one bit, or of two */
            memset(lengths, 0, (size_t)literals);
            lengths[256] = (uint8_t)(1 + random_below(2));
        }
        for (i = 0; i < literals + distances && lengths[i] <= 12; i++) continue;
        if (i == literals + distances && random_below(2))
            put_dynamic_runs(&w, lengths, literals, distances);
        else put_dynamic(&w, lengths, literals, distances);
        for (i = random_below(600); i > 0; i--) put_bits(&w, random_bits() & 1, 1);
        packed = bytes_copy(w.bytes, (w.bits + 7) / 8 + (size_t)random_below(40));
        accepted += same_verdict(packed, 60000);
        free(packed.bytes);
    }
    CHECKF(accepted > 200, "only %d streams accepted: the test shows little", accepted);
}

/* Blocks of ten bits cost no tables, whatever stands between them. The mark in a table is one that
 * its next building would wipe out. */
static void fixed_tables_are_built_once(void)
{
    static fnni_inflater s;
    bit_writer fixed, w;
    uint8_t lengths[258] = {0}, out[1];
    const uint32_t mark = 0x1234567u;
    file_bytes packed;
    int i;
    memset(&fixed, 0, sizeof fixed);
    for (i = 0; i < 3000; i++) put_bits(&fixed, (unsigned)(i == 2999) | 1 << 1, 10);
    packed = bytes_copy(fixed.bytes, (fixed.bits + 7) / 8);
    lengths[0] = lengths[256] = 1;
    put_dynamic(&w, lengths, 257, 1);
    put_bits(&w, 1, 1);
    packed = bytes_join(packed, bytes_copy(w.bytes, (w.bits + 7) / 8));
    packed = bytes_join(packed, bytes_copy(fixed.bytes, (fixed.bits + 7) / 8));
    inflater_begin(&s, packed, out, sizeof out);
    fnni_inflate_fixed(&s);
    CHECK(s.fixed_literals[1] != mark);
    s.fixed_literals[1] = mark; /* not the code of the end: it is not looked up */
    for (i = 0; i < 3; i++) {
        CHECK(fnni_inflate(&s) == FNNI_INFLATE_END && s.fixed_literals[1] == mark);
        CHECK(s.literals == (i == 1 ? s.own_literals : s.fixed_literals));
    }
    CHECK(s.b.in == s.in_end);
    s.has_fixed = 0; /* the control: where they are built, the mark goes */
    fnni_inflate_fixed(&s);
    CHECK(s.fixed_literals[1] != mark);
    free(packed.bytes);
}

/* Blocks of every kind in turn, so that tables follow on others. */
static void inflate_takes_blocks_in_any_order(void)
{
    int round, i;
    for (round = 0; round < 200; round++) {
        file_bytes plain = sample_data(round % 7, 12000), packed, head, tail;
        uint8_t raw[40000];
        const uLong crc = crc32(0, plain.bytes, 12000);
        z_stream z;
        memset(&z, 0, sizeof z);
        if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_FIXED) != Z_OK) exit(2);
        z.next_in = plain.bytes;
        z.next_out = raw;
        z.avail_out = sizeof raw;
        for (i = 0; i < 12; i++) {
            z.avail_in = 1000;
            deflateParams(&z, random_below(4) ? 6 : 0,
                          random_below(2) ? Z_FIXED : Z_DEFAULT_STRATEGY);
            if (deflate(&z, i == 11 ? Z_FINISH : Z_FULL_FLUSH) == Z_STREAM_ERROR) exit(2);
        }
        head = bytes_copy("\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
        tail = bytes_copy("0123\xe0\x2e\0\0", 8);
        for (i = 0; i < 4; i++) tail.bytes[i] = (uint8_t)(crc >> 8 * i);
        packed = bytes_join(bytes_join(head, bytes_copy(raw, z.total_out)), tail);
        deflateEnd(&z);
        CHECKF(gunzips_to(packed, plain), "round %d", round);
        free(packed.bytes);
        free(plain.bytes);
    }
}

/* Decompressed into a block that begins with `capacity` bytes and may grow up to `most`. */
static fnni_inflate_status gunzip_growing(fnni_inflater *s, file_bytes packed, size_t capacity,
                                          size_t most, const fnn_allocator *allocator)
{
    fnni_file file;
    file.bytes = packed.bytes;
    file.size = packed.size;
    return fnni_gunzip(s, &file, (uint8_t *)fnni_allocate(allocator, capacity), capacity, most,
                       allocator);
}

static void output_grows_as_it_comes(void)
{
    static const size_t begins[] = {1, 2, 257, 258, 300, 4096, 69999, 70000};
    static fnni_inflater s;
    budget memory;
    const fnn_allocator allocator = budget_open(&memory);
    int kind, i, n;
    for (kind = 0; kind < 14; kind++) {
        file_bytes plain = sample_data(kind % 7, 70000), packed = gzip(plain, kind % 3 * 4);
        packed = bytes_join(packed, gzip(plain, 0)); /* two members: matches end at the second */
        for (i = 0; i < COUNT(begins); i++) {
            memory = (budget){-1, 0, 0, 0, 0, 0, 0, 0, 0};
            CHECKF(gunzip_growing(&s, packed, begins[i], 1 << 20, &allocator) == FNNI_INFLATE_END,
                   "kind %d, from %d", kind, (int)begins[i]);
            CHECK(s.out - s.block == 140000 && !memcmp(s.block, plain.bytes, 70000) &&
                  !memcmp(s.block + 70000, plain.bytes, 70000));
            CHECKF(memory.live == 1 && memory.largest < 2 * 140000 + 200 && memory.requests < 20,
                   "kind %d, from %d: %d blocks of up to %d bytes", kind, (int)begins[i],
                   memory.requests, (int)memory.largest);
            fnni_release(&allocator, s.block);
            for (n = 1; n < memory.requests; n++) { /* the first is the test's */
                const int last = memory.requests;
                memory.requests = 0;
                memory.allowed = n;
                CHECK(gunzip_growing(&s, packed, begins[i], 1 << 20, &allocator) ==
                          FNNI_INFLATE_FULL &&
                      s.refused > 0 && memory.live == 1);
                fnni_release(&allocator, s.block);
                memory.allowed = -1;
                memory.requests = last;
            }
        }
        for (i = 0; i < 300;
             i += 23) { /* as much as may be, then full, but for want of no memory */
            const size_t most = (size_t)(i < 150 ? 139999 - i : i);
            CHECK(gunzip_growing(&s, packed, 1, most, &allocator) == FNNI_INFLATE_FULL);
            CHECK((size_t)(s.out - s.block) == most && !s.refused);
            fnni_release(&allocator, s.block);
        }
        CHECK(memory.live == 0);
        free(plain.bytes);
        free(packed.bytes);
    }
}

/* A raw deflate stream in a gzip file of its own, and what is said of it. */
static void check_wrong(int line, bit_writer *w, const char *expected)
{
    file_bytes packed = bytes_copy("\x1f\x8b\x08\0\0\0\0\0\0\3", 10), out;
    const char *wrong = "";
    fnni_inflate_status status;
    packed = bytes_join(packed, bytes_copy(w->bytes, (w->bits + 7) / 8));
    status = gunzip(packed, 4000, &out, &wrong);
    CHECKF(status == FNNI_INFLATE_WRONG && !strcmp(wrong, expected), "line %d: %s", line, wrong);
    free(packed.bytes);
    free(out.bytes);
    memset(w, 0, sizeof *w);
}

/* Each reason names what was expected and what was found. */
static void what_is_wrong_is_said(void)
{
    uint8_t lengths[288] = {0};
    bit_writer w;
    int i;
    memset(&w, 0, sizeof w);
    put_bits(&w, 7, 3);
    check_wrong(__LINE__, &w, "expected a block of type 0 to 2, found 3");
    put_bits(&w, 1, 8), put_bits(&w, 0x1234, 16), put_bits(&w, 0xabcd, 16);
    check_wrong(__LINE__, &w, "expected edcb behind the stored block's length, found abcd");
    put_bits(&w, 1, 8), put_bits(&w, 5, 16), put_bits(&w, 0xfffa, 16);
    check_wrong(__LINE__, &w, "expected more bytes, found its end");
    put_bits(&w, 5, 3), put_bits(&w, 30, 5), put_bits(&w, 29, 5), put_bits(&w, 0, 20);
    check_wrong(__LINE__, &w, "expected at most 286 and 30 symbols, found 287 and 30");
    put_bits(&w, 5, 3), put_bits(&w, 0, 30);
    check_wrong(__LINE__, &w, "expected a complete code of code lengths, found none");
    put_bits(&w, 5, 3), put_bits(&w, 0, 14), put_bits(&w, 1 | 1 << 3, 12), put_bits(&w, 0, 9);
    check_wrong(__LINE__, &w, "expected a code length before its repetition, found none");
    put_bits(&w, 5, 3), put_bits(&w, 0, 14), put_bits(&w, 1 << 6 | 1 << 9, 12); /* 18 and 0 */
    for (i = 0; i < 2; i++) put_bits(&w, 1, 1), put_bits(&w, 127, 7);
    check_wrong(__LINE__, &w, "expected 258 code lengths, found 276");
    lengths[0] = lengths[1] = 1;
    put_dynamic(&w, lengths, 257, 1);
    check_wrong(__LINE__, &w, "expected a code of the block's end, found none");
    lengths[256] = 3;
    put_dynamic(&w, lengths, 257, 1);
    check_wrong(__LINE__, &w, "expected a complete code of a block, found none");
    put_bits(&w, 1 | 1 << 1, 3), put_bits(&w, 0x63, 8), put_bits(&w, 0, 300);
    check_wrong(__LINE__, &w, "expected a code of the block, found bits of none");
    put_bits(&w, 1 | 1 << 1, 3), put_bits(&w, 0x40, 7), put_bits(&w, 0x1f, 5), put_bits(&w, 0, 300);
    check_wrong(__LINE__, &w, "expected the code of a distance, found bits of none");
    put_bits(&w, 1 | 1 << 1, 3), put_bits(&w, 0x40, 7), put_bits(&w, 0x08, 5), put_bits(&w, 0, 32);
    check_wrong(__LINE__, &w, "expected a distance of at most 0, to its beginning, found 3");
}

static void what_is_wrong_with_gzip_is_said(void)
{
    static const struct {
        int at, to; /* a byte of the file, counted from its end where negative */
        const char *expected;
    } cases[] = {
        {2, 7, "expected method 8 and flags 00 to 1f, found 7 and 00"},
        {3, 0x40, "expected method 8 and flags 00 to 1f, found 8 and 40"},
        {-8, 0x11, "expected the checksum "},
        {-4, 9, "expected 9 bytes (modulo 2^32), found 300"},
    };
    file_bytes plain = sample_data(3, 300), out;
    const char *wrong = "";
    gz_header header;
    int i;
    for (i = 0; i < COUNT(cases); i++) {
        file_bytes packed = gzip(plain, 6);
        const int at = cases[i].at;
        packed.bytes[at < 0 ? (int)packed.size + at : at] = (uint8_t)cases[i].to;
        if (at == -4) packed.bytes[packed.size - 3] = 0;
        CHECK(gunzip(packed, 300, &out, &wrong) == FNNI_INFLATE_WRONG);
        CHECKF(strstr(wrong, cases[i].expected) == wrong, "case %d: %s", i, wrong);
        CHECK(at != -8 || strstr(wrong, ", found that of "));
        free(out.bytes);
        free(packed.bytes);
    }
    memset(&header, 0, sizeof header);
    header.hcrc = 1;
    {
        file_bytes packed = gzip_with(plain, 6, Z_DEFAULT_STRATEGY, 31, &header);
        packed.bytes[4] ^= 1;
        CHECK(gunzip(packed, 300, &out, &wrong) == FNNI_INFLATE_WRONG);
        CHECKF(strstr(wrong, "expected the header's checksum 0000") == wrong, "%s", wrong);
        free(out.bytes);
        free(packed.bytes);
    }
    free(plain.bytes);
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
    file_bytes plain = sample_data(3, 300);
    int fields;
    for (fields = 0; fields < 32; fields++) {
        gz_header header;
        char name[] = "images", comment[] = "no comment";
        uint8_t extra[300] = {1, 2, 3};
        file_bytes packed;
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
            file_bytes cut = bytes_copy(packed.bytes, size);
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
    file_bytes a = sample_data(3, 2000), b = sample_data(4, 500), both, packed, out;
    const char *wrong;
    both = bytes_join(bytes_copy(a.bytes, a.size), bytes_copy(b.bytes, b.size));
    packed = bytes_join(gzip(a, 6), gzip(b, 1));
    CHECK(gunzips_to(packed, both));
    packed = bytes_join(packed, bytes_copy("\0\0\0", 3)); /* as tapes pad a file */
    CHECK(gunzips_to(packed, both));
    packed = bytes_join(packed, bytes_text("x")); /* nothing else may follow, padded or not */
    CHECK(gunzip(packed, both.size, &out, &wrong) == FNNI_INFLATE_WRONG);
    CHECKF(!strcmp(wrong, "expected zeros or 1f 8b to follow its end, found 78"), "%s", wrong);
    free(out.bytes);
    free(packed.bytes);
    packed = bytes_join(gzip(a, 6), bytes_text("\x1f"));
    CHECK(!gunzips_to(packed, a));
    free(packed.bytes);

    { /* a member whose first match lies in the member before it */
        z_stream z;
        uint8_t raw[1000];
        file_bytes member, tail;
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
        CHECKF(strstr(wrong, "expected a distance of at most 0, to its beginning") == wrong, "%s",
               wrong);
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
    file_bytes b = sample_data(0, 200);
    size_t from, size;
    fnni_crc_tables(table);
    for (from = 0; from < 20; from++)
        for (size = 0; size < 100; size++)
            CHECK(fnni_crc(table, 0, b.bytes + from, size) ==
                  (uint32_t)crc32(0, b.bytes + from, (uInt)size));
    free(b.bytes);
}

#define ZLIB_TEST(name) TEST(name)
#else
static void without_zlib(void)
{
    SKIP("no zlib");
}
/* clang-format off */
#define ZLIB_TEST(name) {#name, without_zlib}
/* clang-format on */
#endif

static const harness_test tests[] = {
    ZLIB_TEST(inflate_round_trips),
    ZLIB_TEST(inflate_stops_when_the_output_is_full),
    ZLIB_TEST(inflate_rejects_every_truncation),
    ZLIB_TEST(inflate_rejects_every_flipped_bit),
    ZLIB_TEST(inflate_agrees_with_zlib_on_damaged_streams),
    ZLIB_TEST(inflate_agrees_with_zlib_on_any_code),
    ZLIB_TEST(inflate_tables_suffice),
    ZLIB_TEST(fixed_tables_are_built_once),
    ZLIB_TEST(inflate_takes_blocks_in_any_order),
    ZLIB_TEST(output_grows_as_it_comes),
    ZLIB_TEST(what_is_wrong_is_said),
    ZLIB_TEST(what_is_wrong_with_gzip_is_said),
    ZLIB_TEST(gzip_header_fields),
    ZLIB_TEST(gzip_members),
    ZLIB_TEST(crc_is_zlibs),
};
HARNESS_MAIN(tests)
