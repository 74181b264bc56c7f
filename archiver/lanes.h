/* SPDX-License-Identifier: Apache-2.0 */
/* lanes - the marks of one input partition, one set for each program that writes to it.
 *
 * Only `rejected` has several: besides the earlier stages' (told apart by their origins), those
 * of archiver's own records, one lane for each topic that the refused record came from and
 * whether it could be read at all, because these come in an order of their own. */
#ifndef AUSPEX_ARCHIVER_LANES_H
#define AUSPEX_ARCHIVER_LANES_H

#include "common/bus/marks.h"
#include "common/bus/topic.h"

enum { LANE_MAIN, LANES_N = 1 + 2 * TOPICS_N };

struct lanes {
    struct marks at[LANES_N];
};

void lanes_fini(struct lanes *l);
/* The lane of a record that archiver refused itself. */
unsigned lane_of(enum topic t, bool is_readable);
/* The same from a `rejected` record's detail, which begins with the topic's word (and "!" when
 * it was unreadable); LANE_MAIN for another program's. */
unsigned lane_of_rejected(struct str stage, struct str detail);
/* What a detail begins with. */
const char *lane_word(unsigned lane, char out[32]);

/* "v1 r0=1:5:2 | events v1 r0=1:3:0": marks as marks.h prints them, lanes by their word. */
void lanes_print(const struct lanes *l, struct buf *out);
MUST_USE bool lanes_parse(struct lanes *l, struct str text);

#endif
