/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/ledger.h"

#include "test/shop/record.h"

bool ledger_open(struct ledger *l, const char *path, struct err *e)
{
    *l = (struct ledger){0};
    return sink_open(&l->file, path, true, e);
}

bool ledger_close(struct ledger *l, struct err *e)
{
    buf_fini(&l->line);
    return sink_close(&l->file, e);
}

static void put_line(struct ledger *l, const struct parcel *p, bool acked, int32_t partition,
                     int64_t offset)
{
    struct err e = {0};
    ledger_line(&l->line, p->id, str_of(p->visitor), p->body_hash, acked, partition, offset);
    if (!sink_put(&l->file, &l->line, &e) && !l->broken.text[0])
        l->broken = e;
}

void ledger_ack(struct ledger *l, const struct parcel *p, int32_t partition, int64_t offset,
                int64_t now_us)
{
    l->acked++;
    delays_add(&l->delays, now_us - p->due_us);
    put_line(l, p, true, partition, offset);
}

void ledger_fail(struct ledger *l, const struct parcel *p)
{
    l->failed++;
    put_line(l, p, false, -1, -1);
}
