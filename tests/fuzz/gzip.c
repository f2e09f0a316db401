/* gzip, as every reader takes it, against zlib: both refuse a file, or both make the same bytes of
 * it. What zlib's inflate leaves to its caller is decided here as gzip(1) does: members follow one
 * another, zeros behind the last are ignored, other bytes there are wrong. */
#include "fuzz.h"

#if HAVE_ZLIB
/* One member; returns what it takes of the input, 0 where it is wrong. */
static size_t gzip_member(fuzz_input in, file_bytes *out, size_t capacity)
{
    z_stream z;
    size_t taken;
    int status;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, 31) != Z_OK) exit(2);
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
        const size_t taken = gzip_member(in, out, capacity);
        if (!taken) return 0;
        in.bytes += taken;
        in.size -= taken;
    } while (!fnni_gzip_padding(in.bytes, in.bytes + in.size));
    return 1;
}
#endif

FUZZ_TARGET(gzip)
{
    fuzz_input in = {bytes, size};
    const size_t capacity = 4096 + FNNI_DEFLATE_RATIO * size;
    fnn_error error = {FNN_OK, ""};
    fnni_file file;
    fnn_result result;
    if (!fnni_is_gzip(bytes, size)) return; /* no reader takes it for gzip */
    fuzz_memory_begin(3 * capacity, -1);    /* the room, that of twice the size, the file */
    file.bytes = (uint8_t *)fnni_allocate(NULL, size);
    file.size = size;
    memcpy(file.bytes, bytes, size);
    result = fnni_file_expand(&file, "file", NULL, &error);
    FUZZ_CHECK(!fuzz_memory.refused, "more memory than the file explains");
    fuzz_check_error(result, &error);
#if HAVE_ZLIB
    {
        file_bytes reference;
        reference.bytes = (uint8_t *)need(capacity);
        FUZZ_CHECK(gzip_reference(in, &reference, capacity) == (result == FNN_OK),
                   "zlib says otherwise than: %s", result ? error.message : "right");
        if (!result)
            FUZZ_CHECK(file.size == reference.size &&
                           !memcmp(file.bytes, reference.bytes, file.size),
                       "zlib has other bytes");
        free(reference.bytes);
    }
#endif
    (void)in;
    fnni_file_release(&file, NULL);
    fuzz_memory_end();
}
