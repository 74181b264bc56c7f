/* SPDX-License-Identifier: Apache-2.0 */
/* ledger - what became of the events that were sent: the lines of the file, the counts, and how
 * long after their time they were acknowledged. */
#ifndef AUSPEX_SHOP_LEDGER_H
#define AUSPEX_SHOP_LEDGER_H

#include "test/shop/delays.h"
#include "test/shop/parcel.h"
#include "test/shop/sink.h"

struct ledger {
    struct sink file;
    struct buf line;
    uint64_t acked, failed, resent;
    struct delays delays;
    struct err refusal; /* what was said to the first that was refused; empty text = none */
    struct err broken;  /* why there is no going on; empty text = all is well */
};

/* `path` NULL: counts only. */
MUST_USE bool ledger_open(struct ledger *l, const char *path, struct err *e);
MUST_USE bool ledger_close(struct ledger *l, struct err *e);
/* A parcel was acknowledged at `now_us`, as standing at `offset` of `partition` (-1: nobody
 * told where). */
void ledger_ack(struct ledger *l, const struct parcel *p, int32_t partition, int64_t offset,
                int64_t now_us);
/* It was refused, or given up. */
void ledger_fail(struct ledger *l, const struct parcel *p);

#endif
