/* SPDX-License-Identifier: Apache-2.0 */
/* model - a model that is ready to score: read whole from a container, checked, proven on its
 * golden rows.
 *
 * Form "trees" has these sections, in this order (f32, u32 little-endian):
 *   metrics  JSON object, for people and tables
 *   shape    u32 n_trees, u32 n_nodes, f32 base margin, u32 n_knots, u32 n_golden
 *   starts   u32[n_trees + 1]                      | see common/kern/trees.h
 *   nodes    {u32 left, u32 feature, f32 value}[n_nodes]
 *   knots    f32[n_knots] of x, value, lower, upper  see common/kern/isotonic.h
 *   golden   f32[n_golden][n_features], then struct score[n_golden]
 *
 * The golden margins are those of the program that trained the model, so that loading compares
 * two implementations bit for bit. */
#ifndef AUSPEX_MODEL_H
#define AUSPEX_MODEL_H

#include "common/kern/isotonic.h"
#include "common/kern/trees.h"
#include "common/model/container.h"

enum { MODEL_GOLDEN_MAX = 1024, MODEL_METRICS_MAX = 1 << 20 };

struct score {
    float margin;      /* log-odds, before calibration */
    float probability; /* calibrated on rows that the trees had not seen */
    float lower; /* 95 % Wilson interval of the share of positives among the calibration */
    float upper; /* rows with like margins: says how well the value is known, not more */
};

struct model;

/* A model of its own: `at` may go afterwards. NULL on failure: anything that is not exactly as
 * written above, a form other than "trees", or golden rows that score differently here. What is
 * allocated is bounded by what is given: at most 13 times `len` and 16 MiB. */
MUST_USE struct model *model_load(const void *at, size_t len, struct err *e);
void model_free(struct model *m); /* NULL is fine */

const struct container_head *model_head(const struct model *m); /* valid as long as m */
struct str model_metrics(const struct model *m);                /* JSON object; likewise */

/* Row r is rows[r * stride] .. + n_features - 1, NaN = missing; a vector may be longer than the
 * model knows (stride >= n_features). Writes out[0 .. n_rows - 1]; a row's score does not
 * depend on its batch. No malloc. */
void model_score(const struct model *m, const float *rows, size_t n_rows, size_t stride,
                 struct score *out);

/* What a model is made of; all borrowed. */
struct model_parts {
    struct container_head head; /* form is set by model_write */
    struct str metrics;         /* JSON object, UTF-8 */
    struct forest forest;
    struct isotonic knots;
    const float *golden_rows;    /* n_golden * head.n_features */
    const float *golden_margins; /* n_golden, from the trainer's own prediction */
    uint32_t n_golden;           /* 1..MODEL_GOLDEN_MAX */
};

/* Appends the container to the empty `out`: same parts, same bytes. Fails, leaving `out` as it
 * was, where model_load would refuse the result. */
MUST_USE bool model_write(const struct model_parts *p, struct buf *out, struct err *e);

#endif
