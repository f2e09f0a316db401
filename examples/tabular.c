/* A table as people have it: text columns, missing values, names, two targets. Learns what a flat
 * costs, rent and heating, from 3,000 flats, and is judged by 1,000 others.
 *
 *     cc -O2 -fopenmp examples/tabular.c -o tabular -lm && ./tabular
 *     ./tabular train.csv test.csv                         with tables of your own, in this form
 *
 * Prints the features that the columns become, and R2 on the test file, about .96. Without files it
 * makes them, in build/ if that is there. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "program.h"

#define FIRST_LINE "# made by tabular.c; rent and heating in hundreds\n"

static uint32_t state = 1;

/* A number in [0, 1) by a small congruential generator. */
static double draw(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / 16777216.0;
}

/* Opens a table to be made; another's of that name stays. NULL: there is no such folder. */
static FILE *open_table(const char *path)
{
    char line[sizeof FIRST_LINE] = FIRST_LINE;
    FILE *there = fopen(path, "r");
    if (there && !fgets(line, sizeof line, there)) *line = 0;
    if (there) fclose(there);
    if (strcmp(line, FIRST_LINE))
        program_fail("%s: is there already, and not made by this program", path);
    return fopen(path, "w");
}

/* Writes a table of flats in which one field of thirty is missing, and returns its path. */
static const char *make_table(const char *path, int flats)
{
    static const char *const towns[] = {"Altstadt", "Hafen, West", "Neustadt", "Wald"};
    static const char *const fuels[] = {"gas", "oil", "pump"};
    FILE *file = open_table(path);
    if (!file) file = open_table(path += strlen("build/"));
    if (!file) return path; /* reading it will say so */
    fprintf(file, FIRST_LINE "id;town;area;year;fuel;rent;heating\n");
    for (int i = 0; i < flats; i++) {
        const int town = (int)(4 * draw()), fuel = (int)(3 * draw());
        const double area = 30 + 90 * draw(), age = 100 * draw();
        const double rent = area * (.1 + .02 * town) * (1 - .003 * age) + draw();
        const double heating = area * (1 + .01 * age) * (.03 - .008 * fuel) + .2 * draw();
        fprintf(file, draw() < 1 / 30. ? "%d;?;" : "%d;\"%s\";", i, towns[town]);
        fprintf(file, draw() < 1 / 30. ? ";" : "%.1f;", area);
        fprintf(file, draw() < 1 / 30. ? "NA;" : "%.0f;", 2020 - age);
        fprintf(file, "%s;%.2f;%.2f\n", fuels[fuel], rent, heating);
    }
    const int bad = ferror(file);
    if (fclose(file) || bad) perror(path), remove(path); /* half a table is none */
    return path;
}

int main(int argc, char **argv)
{
    static const fnn_csv_column columns[] = {{"id", 0, FNN_CSV_SKIPPED},
                                             {"town", 0, FNN_CSV_TEXT},
                                             {"fuel", 0, FNN_CSV_TEXT},
                                             {"rent", 0, FNN_CSV_LABEL},
                                             {"heating", 0, FNN_CSV_LABEL}};
    fnn_csv_config table = fnn_csv_config_init();
    table.separator = ';', table.comment = '#', table.header = 1;
    table.columns = columns, table.column_count = 5, table.label = FNN_CSV_LABEL_TARGET;
    table.missing = FNN_CSV_MISSING_MEAN, table.missing_words = "? NA";
    fnn_dataset train, test;
    fnn_error error;
    program_usage("tabular", "tabular [TRAIN.csv TEST.csv]", argc, argv, 0, 2);
    if (argc == 2) program_fail("expected no file, or one to train on and one to test");
    if (fnn_read_csv(argc > 1 ? argv[1] : make_table("build/flats_train.csv", 3000), &table, NULL,
                     &train, &error))
        program_fail("%s", error.message);
    table.same_classes = &train; /* the same categories, and its means for what is missing */
    if (fnn_read_csv(argc > 1 ? argv[2] : make_table("build/flats_test.csv", 1000), &table, NULL,
                     &test, &error))
        program_fail("%s", error.message);
    for (int j = 0; j < train.channels; j++) printf("feature %d: %s\n", j, train.feature_names[j]);

    fnn_model *m = fnn_sequential(1, 1, train.channels);
    fnn_normalize(m, FNN_NORMALIZE_STANDARDIZE, &train);
    fnn_dense(m, 32, FNN_RELU);
    fnn_dense(m, 32, FNN_RELU);
    fnn_dense(m, train.target_count, FNN_LINEAR);
    fnn_set_loss(m, FNN_LOSS_MEAN_SQUARED_ERROR, 0, 0);
    fnn_fit_config config = fnn_fit_config_init();
    config.optimizer = fnn_adam(3e-3), config.epochs = 60;
    if (fnn_fit(m, &train, &config, NULL)) program_fail("%s", fnn_model_error(m)->message);
    fnn_metrics result;
    if (fnn_evaluate(m, NULL, &test, &result)) program_fail("no evaluation");
    printf("%ld flats, %d targets, test R2 %.4f\n", (long)train.count, train.target_count,
           result.r2);
    fnn_model_free(m), fnn_dataset_free(&train), fnn_dataset_free(&test);
    return program_end();
}
