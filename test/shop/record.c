/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/record.h"

#include "test/shop/event_json.h"

void truth_lines(struct buf *out, const struct session *s, size_t n_sent)
{
    char id[EVENT_ID_SIZE];
    for (size_t i = 0; i < n_sent; i++) {
        event_id(s, i, id);
        buf_printf(out, "%s,%.9f,%d\n", id, s->steps[i].converts,
                   session_converts_later(s, i, n_sent));
    }
}

void ledger_line(struct buf *out, const char *id, struct str visitor, uint64_t body_hash,
                 bool acked, int32_t partition, int64_t offset)
{
    buf_printf(out, "%s,%.*s,%016llx,%s,%d,%lld\n", id, STR_ARGS(visitor),
               (unsigned long long)body_hash, acked ? "ack" : "fail", acked ? partition : -1,
               acked ? (long long)offset : -1LL);
}
