/* gzip, as every reader takes it, against zlib: both refuse a file, or both make the same bytes of
 * it. What zlib's inflate leaves to its caller is decided here as gzip(1) does: members follow one
 * another, zeros behind the last are ignored, other bytes there are wrong. An input that does not
 * begin as gzip is a deflate stream, and is put between a header and the checksum of what zlib
 * makes of it. */
#include "fuzz.h"

#if HAVE_ZLIB
/* One stream of zlib's `window`; returns what it takes of the input, 0 where it is wrong. */
static size_t gzip_inflate(fuzz_input in, int window, file_bytes *out, size_t capacity)
{
    z_stream z;
    size_t taken;
    int status;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, window) != Z_OK) exit(2);
    z.next_in = (Bytef *)(uintptr_t)in.bytes;
    z.avail_in = (uInt)in.size;
    z.next_out = out->bytes + out->size;
    z.avail_out = (uInt)(capacity - out->size);
    status = inflate(&z, Z_FINISH);
    taken = status == Z_STREAM_END ? z.total_in : 0;
    out->size += z.total_out;
    inflateEnd(&z);
    return taken;
}

/* The whole file; returns whether it is right. */
static int gzip_reference(fuzz_input in, file_bytes *out, size_t capacity)
{
    out->size = 0;
    do {
        const size_t taken = gzip_inflate(in, 31, out, capacity);
        if (!taken) return 0;
        in.bytes += taken;
        in.size -= taken;
    } while (!fnni_gzip_padding(in.bytes, in.bytes + in.size));
    return 1;
}

/* A file of a deflate stream, without what stands behind its end. */
static file_bytes gzip_around(fuzz_input in, file_bytes *out, size_t capacity)
{
    file_bytes f;
    uint32_t sum;
    size_t i;
    out->size = 0;
    i = gzip_inflate(in, -15, out, capacity);
    if (i) in.size = i;
    sum = (uint32_t)crc32(0, out->bytes, (uInt)out->size);
    f.size = 10 + in.size + 8;
    f.bytes = (uint8_t *)need(f.size);
    memcpy(f.bytes, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
    if (in.size) memcpy(f.bytes + 10, in.bytes, in.size);
    for (i = 0; i < 4; i++) f.bytes[f.size - 8 + i] = (uint8_t)(sum >> 8 * i);
    for (i = 0; i < 4; i++) f.bytes[f.size - 4 + i] = (uint8_t)(out->size >> 8 * i);
    return f;
}
#endif

/* Both must say the same of a file. reference has room for what any file of this size holds. */
static void gzip_compare(fuzz_input in, file_bytes *reference, size_t capacity)
{
    fnn_error error = {FNN_OK, ""};
    const size_t expected = in.size < 18 ? 0 : fnni_little_32(in.bytes + in.size - 4);
    fnni_file file;
    fnn_result result;
    int full = 0;
    fuzz_memory_begin(3 * capacity, -1); /* the room, that of twice the size, the file */
    file.bytes = (uint8_t *)fnni_allocate(NULL, in.size);
    file.size = in.size;
    memcpy(file.bytes, in.bytes, in.size);
    result = fnni_file_expand(&file, expected, capacity, &full, "file", NULL, &error);
    FUZZ_CHECK(!full, "more than deflate can hold");
    FUZZ_CHECK(!fuzz_memory.refused, "more memory than the file explains");
    fuzz_check_error(result, &error);
#if HAVE_ZLIB
    FUZZ_CHECK(gzip_reference(in, reference, capacity) == (result == FNN_OK),
               "zlib says otherwise than: %s", result ? error.message : "right");
    if (!result)
        FUZZ_CHECK(file.size == reference->size && !memcmp(file.bytes, reference->bytes, file.size),
                   "zlib has other bytes");
#endif
    (void)reference;
    fnni_file_release(&file, NULL);
    fuzz_memory_end();
}

/* Room for so many bytes, kept from one input to the next: a new block's pages cost far more than
 * what a small file needs of them. */
static uint8_t *gzip_room(size_t capacity)
{
    static file_bytes room;
    if (room.size < capacity) {
        free(room.bytes);
        room.bytes = (uint8_t *)need(capacity);
        room.size = capacity;
    }
    return room.bytes;
}

FUZZ_TARGET(gzip)
{
    const fuzz_input in = {bytes, size};
    const size_t capacity = 4096 + FNNI_DEFLATE_RATIO * (size + 18);
    file_bytes reference = {gzip_room(capacity), 0};
    if (fnni_is_gzip(bytes, size)) gzip_compare(in, &reference, capacity);
#if HAVE_ZLIB
    else {
        file_bytes f = gzip_around(in, &reference, capacity);
        const fuzz_input made = {f.bytes, f.size};
        gzip_compare(made, &reference, capacity);
        free(f.bytes);
    }
#endif
}
