/* IDX: images, perhaps labels, plain or gzip. */
#include "fuzz.h"

/* What memory a file may cost: a byte becomes at most a real, and a label of a byte a term. */
static size_t idx_limit(fuzz_input images, fuzz_input labels)
{
    const size_t size = images.size + labels.size, ratio = FNNI_DEFLATE_RATIO;
    const int packed =
        fnni_is_gzip(images.bytes, images.size) || fnni_is_gzip(labels.bytes, labels.size);
    return 65536 + size * 96 * (packed ? ratio : 1);
}

/* Read again, with its own classes, it is the same. */
static void idx_again(const char *images, const char *labels, fnn_idx_config c,
                      const fnn_dataset *data)
{
    fnn_dataset again;
    fnn_error error;
    fnn_result result;
    fuzz_memory_begin(SIZE_MAX, -1);
    c.same_classes = data->classes ? data : NULL;
    result = fnn_read_idx_with(images, labels, &c, NULL, &again, &error);
    FUZZ_CHECK(result == FNN_OK, "the second time: %s", error.message);
    fuzz_check_same(data, &again);
    fnn_dataset_free(&again);
}

FUZZ_TARGET(idx)
{
    fuzz_input in = {bytes, size}, images, labels;
    fnn_idx_config c = fnn_idx_config_init();
    const int flags = fuzz_byte(&in), allowed = fuzz_allowed(&in);
    const size_t cut = (size_t)fuzz_byte(&in) + 256 * (size_t)fuzz_byte(&in);
    const char *images_path, *labels_path = NULL;
    fnn_dataset data;
    fnn_error error = {FNN_OK, ""};
    fnn_result result;
    images = labels = in;
    if (flags & 1) {
        images.size = cut % (in.size + 1);
        labels.bytes += images.size;
        labels.size -= images.size;
        labels_path = fuzz_file("labels", labels);
    }
    images_path = fuzz_file("images", images);
    c.transpose = flags >> 1 & 1;
    c.compact_classes = flags >> 2 & 1;
    fuzz_memory_begin(idx_limit(images, labels), allowed);
    result = fnn_read_idx_with(images_path, labels_path, &c, NULL, &data, &error);
    fuzz_check_read(result, &error, &data);
    if (!result) idx_again(images_path, labels_path, c, &data);
    fnn_dataset_free(&data);
    fuzz_memory_end();
}
