/* SPDX-License-Identifier: Apache-2.0 */
/* xgb_json - XGBoost's JSON model (as 1.7 to 3.1 write it) as a forest. */
#ifndef AUSPEX_XGB_JSON_H
#define AUSPEX_XGB_JSON_H

#include "common/base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct err;

/* Owned arrays of a struct forest; {0} is empty. */
struct xgb_trees {
    struct buf nodes;  /* struct tree_node, level by level */
    struct buf starts; /* uint32_t, n_trees + 1 */
    uint32_t n_trees, n_features;
    float base;       /* margin: logit of base_score, as XGBoost computes it */
    struct buf names; /* of the features, each with a NUL behind it; empty when none are told */
    uint32_t n_names; /* 0, or n_features */
};

/* Reads a gbtree model with objective binary:logistic, one output and one tree a round.
 * Whatever else XGBoost can write (dart, categories, classes, several targets) is refused by
 * name, as is JSON that is no such model, and its binary form. Depth and counts are left to
 * forest_check. */
MUST_USE bool xgb_json_read(struct xgb_trees *t, struct str json, struct err *e);
void xgb_trees_fini(struct xgb_trees *t);

#ifdef __cplusplus
}
#endif
#endif
