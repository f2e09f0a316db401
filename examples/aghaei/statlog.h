/* Statlog (Landsat satellite): four bands of a neighbourhood of 3 x 3 pixels, so images of
 * 3 x 3 x 4 bytes; 6 classes of ground, which the file numbers 1 to 7 without 6. */
#ifndef AGHAEI_STATLOG_H
#define AGHAEI_STATLOG_H
#include "mlp.h"

#define STATLOG_FROM "https://archive.ics.uci.edu/dataset/146/statlog+landsat+satellite"

static inline void statlog_load(void)
{
    fnn_csv_config c = fnn_csv_config_init();
    fnn_error error;
    c.separator = ' ';
    c.compact_classes = 1;
    c.keep_bytes = 1;
    c.height = c.width = 3;
    c.channels = 4;
    if (fnn_read_csv(experiment_file(&e, "statlog/sat.trn", STATLOG_FROM), &c, NULL, &data.train,
                     &error))
        experiment_fail(&e, "%s", error.message);
    c.same_classes = &data.train;
    if (fnn_read_csv(experiment_file(&e, "statlog/sat.tst", STATLOG_FROM), &c, NULL, &data.test,
                     &error))
        experiment_fail(&e, "%s", error.message);
    experiment_adopt(&e, &data, "Statlog (Landsat)");
}

#endif
