/* SPDX-License-Identifier: Apache-2.0 */
/* adopt - a model that XGBoost trained elsewhere, on an export of ours, becomes a container. No
 * XGBoost, no database, no Kafka, no clock: the same files give the same bytes. */
#ifndef AUSPEX_ADOPT_H
#define AUSPEX_ADOPT_H

#include "trainer/xgb_json.h"

#include "common/kern/trees.h"

struct err;

enum { ADOPT_JSON_MAX = 256 << 20, ADOPT_CONTAINER_MAX = 64 << 20, ADOPT_GOLDEN = 32 };

struct adopted {
    struct xgb_trees trees; /* its questions are asked of our feature lines */
    struct forest forest;   /* points into trees; n_features: up to the last line it knows */
};

/* Reads the model and finds its features among ours: by their names, in whatever order and
 * number, else, where the model has no names, in order. Fails, saying which, for what
 * xgb_json_read and forest_check refuse, and for a name that is none of ours (naming the
 * nearest) or comes twice. */
MUST_USE bool adopt_read(struct adopted *m, struct str json, struct err *e);
void adopted_fini(struct adopted *m); /* {0} is fine */
/* The margin of one row by the plain form, as the header of common/kern/trees.h defines it. */
float adopt_margin(const struct adopted *m, const float *row);

/* Rows of an export: the first half, cut between two sessions, calibrates; the second is
 * measured. */
struct adopt_rows {
    struct buf margins, labels; /* float; uint8_t */
    size_t n, n_calibrate;
    int64_t from_us, to_us; /* first and last event time; 0 where the file has no column ts */
};
/* Reads the CSV that `auspex-trainer export` writes: the columns that the model asks for and
 * label (0 or 1) must be there, session_id and ts may be; others are passed over. Fails for a
 * file that cannot be read, naming line and column, and for a half with one class only. */
MUST_USE bool adopt_rows_read(struct adopt_rows *r, const struct adopted *m, const char *path,
                              struct err *e);
void adopt_rows_fini(struct adopt_rows *r);

/* Makes the container, proven by model_load, and its metrics as JSON. Without rows (NULL) a
 * margin's probability is its logistic, to within 3e-7, with bounds 0 and 1, since nothing is
 * known of how well it holds; with rows it is calibrated as the trainer does (pav.h). The
 * golden rows stand at the thresholds of the trees, and their margins are adopt_margin's. */
struct adopt_options {
    const char *name, *kind; /* [a-z0-9._-]+, 1 to 64 and 32 bytes */
};
MUST_USE bool adopt_write(const struct adopted *m, const struct adopt_rows *rows,
                          const struct adopt_options *o, struct buf *container,
                          struct buf *metrics, struct err *e);

#endif
