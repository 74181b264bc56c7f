/* SPDX-License-Identifier: Apache-2.0 */
/* split - rows in order of time, cut into training, validation and test part between groups. */
#ifndef AUSPEX_SPLIT_H
#define AUSPEX_SPLIT_H

#include "common/base/base.h"

struct err;

enum part { PART_TRAIN, PART_VALID, PART_TEST, PARTS_N };

struct split {
    size_t *rows;               /* all rows by (order, group, seq); owned */
    size_t starts[PARTS_N + 1]; /* part k is rows[starts[k]] .. rows[starts[k + 1] - 1] */
};

/* Rows of a group (a session) have one `order` (its start) and never part; `seq` orders them
 * and is unique within. Validation begins at the first group that starts at or behind 70 % of
 * the rows, test at 85 %; a part may be empty. Fails where a group's rows differ in order. */
MUST_USE bool split_init(struct split *s, const int64_t *order, const uint64_t *group,
                         const uint64_t *seq, size_t n, struct err *e);
void split_fini(struct split *s);

#endif
