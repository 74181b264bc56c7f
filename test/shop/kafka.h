/* SPDX-License-Identifier: Apache-2.0 */
/* kafka - the way to a topic: one event a record, keyed by the visitor's anonymous id, resent
 * until the broker has it. */
#ifndef AUSPEX_SHOP_KAFKA_H
#define AUSPEX_SHOP_KAFKA_H

#include "test/shop/ledger.h"

/* The ledger must outlive the way. False, and nothing to close, when the broker or the topic is
 * not there. */
MUST_USE bool kafka_open(struct way *w, const char *brokers, const char *topic,
                         struct ledger *l, struct err *e);

#endif
