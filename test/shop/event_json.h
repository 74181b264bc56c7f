/* SPDX-License-Identifier: Apache-2.0 */
/* event_json - an event of the simulated shop as JSON in Segment's shape, on one line. */
#ifndef AUSPEX_SHOP_EVENT_JSON_H
#define AUSPEX_SHOP_EVENT_JSON_H

#include "common/base/buf.h"
#include "test/shop/shop.h"

enum { EVENT_ID_LEN = 36, EVENT_ID_SIZE = EVENT_ID_LEN + 1 }; /* a UUID and its terminator */

/* messageId of step `i`: the same for the same seed, salt, session and step, else another. */
void event_id(const struct session *s, size_t i, char out[EVENT_ID_SIZE]);
/* anonymousId of the visitor */
void event_visitor(const struct visitor *v, char out[EVENT_ID_SIZE]);
/* Appends step `i`, which happened at `ts_us` by the sender's clock and was sent at `sent_us`
 * by the same clock; no line end. The catalogue's names stand as event names. `products` as in
 * shop_products. */
void event_json(struct buf *out, const struct session *s, size_t i, int64_t ts_us,
                int64_t sent_us, const struct product *products);
/* messageId and anonymousId out of an event that event_json wrote. */
void event_json_ids(struct str event, char id[EVENT_ID_SIZE], char visitor[EVENT_ID_SIZE]);

#endif
