/* CSV, under a configuration that comes with it. */
#include "fuzz.h"

/* One of the roles, or none. */
static fnn_csv_role csv_role(fuzz_input *in)
{
    return (fnn_csv_role)fuzz_below(in, FNN_CSV_ROLE_COUNT + 1);
}

/* columns (2): by name or by number. */
static void csv_columns(fuzz_input *in, fnn_csv_column *columns)
{
    static const char *const names[] = {NULL, "a", "b", "town"};
    int i;
    for (i = 0; i < 2; i++) {
        columns[i].name = names[fuzz_below(in, 4)];
        columns[i].number = fuzz_below(in, 8) - 3;
        columns[i].role = csv_role(in);
    }
}

/* *packed: how often the table is packed before it is read. */
static fnn_csv_config csv_config(fuzz_input *in, fnn_csv_column *columns, int *packed)
{
    static const char separators[] = ",;\t |", comments[] = "\0#%,";
    static const char *const words[] = {"?", NULL, "? NA -999", ""};
    fnn_csv_config c = fnn_csv_config_init();
    const int flags = fuzz_byte(in), more = fuzz_byte(in), separator = fuzz_byte(in);
    c.separator = separators[separator % 5];
    c.gzip_ratio = separator / 5 % 3 == 2 ? -1 : separator / 15 % 3 == 1 ? 1032 : c.gzip_ratio;
    *packed = separator / 5 % 3;
    c.label = (fnn_csv_label)(flags & 3);
    c.compact_classes = flags >> 2 & 1;
    c.keep_bytes = flags >> 3 & 1;
    c.missing = (fnn_csv_missing)(flags >> 4 & 3); /* 3 is none */
    c.missing_words = words[flags >> 6];
    c.header = more & 3;
    c.skip_lines = more >> 2 & 1;
    c.comment = comments[more >> 3 & 3];
    c.others = more >> 5 & 1 ? csv_role(in) : FNN_CSV_FEATURE;
    c.label_column = more >> 6 & 1 ? fuzz_below(in, 8) - 4 : -1;
    if (more >> 7) {
        c.columns = columns;
        c.column_count = fuzz_below(in, 3);
        c.categories = fuzz_byte(in);
        c.height = fuzz_below(in, 4);
        c.width = c.channels = c.height ? fuzz_below(in, 4) : 0;
        c.skip_columns = &columns[1].number;
        c.skip_count = fuzz_below(in, 8) == 1;
        csv_columns(in, columns);
    }
    return c;
}

/* The table, packed if that is wanted: a packed one, mutated, has never its checksum. */
static const char *csv_file(fuzz_input in, int packed)
{
    file_bytes plain = bytes_copy(in.bytes, in.size);
    return write_and_free("table", packed ? gzip_and_free(plain, 6) : plain);
}

/* Read again, like itself, it is the same. */
static void csv_again(const char *path, fnn_csv_config c, const fnn_dataset *data)
{
    fnn_dataset again;
    fnn_error error;
    fnn_result result;
    fuzz_memory_begin(SIZE_MAX, -1);
    if (!c.keep_bytes && (data->classes || data->targets)) c.same_classes = data;
    result = fnn_read_csv(path, &c, NULL, &again, &error);
    FUZZ_CHECK(result == FNN_OK, "the second time: %s", error.message);
    fuzz_check_same(data, &again);
    fnn_dataset_free(&again);
}

/* Read like another table, it is refused for a reason, or has the classes and features of that. */
static void csv_like(const char *path, fnn_csv_config c)
{
    fnn_csv_column columns[] = {{NULL, 1, FNN_CSV_TEXT}, {NULL, 2, FNN_CSV_LABEL}};
    fnn_csv_config other = fnn_csv_config_init();
    const char *text = write_text("other", "a,town,c\n1,Oslo,0\n2,Rome,1\n?,Oslo,2\n");
    fnn_dataset like, data;
    fnn_error error = {FNN_OK, ""};
    fnn_result result;
    other.columns = columns, other.column_count = 2;
    other.header = 1, other.missing = FNN_CSV_MISSING_MEAN;
    if (c.label == FNN_CSV_LABEL_NAME || c.label == FNN_CSV_LABEL_TARGET) other.label = c.label;
    other.compact_classes = c.compact_classes;
    FUZZ_CHECK(!fnn_read_csv(text, &other, NULL, &like, &error), "%s", error.message);
    c.same_classes = &like;
    result = fnn_read_csv(path, &c, NULL, &data, &error);
    fuzz_check_read(result, &error, &data);
    if (!result && data.labels) FUZZ_CHECK(data.classes == like.classes, "other classes");
    fnn_dataset_free(&data);
    fnn_dataset_free(&like);
}

FUZZ_TARGET(csv)
{
    fuzz_input in = {bytes, size};
    fnn_csv_column columns[2];
    const int allowed = fuzz_allowed(&in);
    int packed;
    const fnn_csv_config c = csv_config(&in, columns, &packed);
    const char *path = csv_file(in, packed);
    const size_t ratio = packed || fnni_is_gzip(in.bytes, in.size) ? FNNI_DEFLATE_RATIO : 1;
    /* A byte may be a field, which is a term, a name, and a real for each category. */
    const size_t field = 128 + sizeof(fnn_real) * (size_t)c.categories;
    fnn_dataset data;
    fnn_error error = {FNN_OK, ""};
    fnn_result result;
    fuzz_memory_begin(65536 + field * ratio * in.size, allowed);
    result = fnn_read_csv(path, &c, NULL, &data, &error);
    fuzz_check_read(result, &error, &data);
    if (!result) csv_again(path, c, &data);
    fnn_dataset_free(&data);
    fuzz_memory_begin(SIZE_MAX, -1);
    csv_like(path, c);
    fuzz_memory_end();
}
