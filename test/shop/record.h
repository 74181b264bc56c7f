/* SPDX-License-Identifier: Apache-2.0 */
/* record - the lines the shop writes about its events: the truth, and the ledger of what was
 * sent. */
#ifndef AUSPEX_SHOP_RECORD_H
#define AUSPEX_SHOP_RECORD_H

#include "common/base/buf.h"
#include "test/shop/shop.h"

#define TRUTH_HEADER "message_id,p_hidden,converts_later\n"

/* Appends `message_id,p_hidden,converts_later` for the first `n_sent` events of a session; what
 * was not sent did not happen. */
void truth_lines(struct buf *out, const struct session *s, size_t n_sent);

/* Appends `id,visitor,body_hash_hex,ack|fail,partition,offset`: the hash is XXH3-64 of the
 * bytes sent; partition and offset are -1 when nobody acknowledged (it may be stored all the
 * same). */
void ledger_line(struct buf *out, const char *id, struct str visitor, uint64_t body_hash,
                 bool acked, int32_t partition, int64_t offset);

#endif
