/* CIFAR-10: one file or two, or a folder's test set, or training set, which is not there. A record
 * has 3,073 bytes, more than a fuzzer fills with sense: bits say that the input is drawn out to
 * whole records, and that these have labels. */
#include "fuzz.h"

static const char *cifar10_file(const char *name, fuzz_input in, int records, int labels)
{
    file_bytes f;
    const char *path;
    size_t i;
    if (!records || !in.size) return fuzz_file(name, in);
    f.size = (size_t)records * RECORD;
    f.bytes = (uint8_t *)need(f.size);
    fuzz_repeat(f.bytes, f.size, in.bytes, in.size);
    for (i = 0; labels && i < f.size; i += RECORD) f.bytes[i] %= 10;
    path = write_file(name, f);
    free(f.bytes);
    return path;
}

FUZZ_TARGET(cifar10)
{
    fuzz_input in = {bytes, size};
    const int flags = fuzz_byte(&in), allowed = fuzz_allowed(&in), two = flags & 1;
    const int records = flags >> 1 & 3, packed = fnni_is_gzip(in.bytes, in.size);
    const size_t explained = 8192 + (records ? 4u * RECORD : in.size);
    const char *paths[2];
    fnn_dataset data;
    fnn_error error = {FNN_OK, ""};
    fnn_result result;
    paths[0] = cifar10_file("test_batch.bin", in, records, flags >> 3 & 1);
    paths[1] = two ? cifar10_file("two", in, records / 2, 1) : NULL;
    /* Files, what they hold, the data set; with twice the room while a file is unpacked. */
    fuzz_memory_begin(explained * 8 * (packed ? FNNI_DEFLATE_RATIO : 1), allowed);
    if (flags & 32) result = fnn_read_cifar10(path_of("."), NULL, &data, NULL, &error);
    else if (flags & 16) result = fnn_read_cifar10(path_of("."), NULL, NULL, &data, &error);
    else result = fnn_read_cifar10_files(paths, 1 + two, NULL, &data, &error);
    fuzz_check_read(result, &error, &data);
    fnn_dataset_free(&data);
    fuzz_memory_end();
}
