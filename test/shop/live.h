/* SPDX-License-Identifier: Apache-2.0 */
/* live - sends the shop's events to Kafka as they happen, one per record, keyed by visitor.
 *
 * In: the shop's past, which it remembers without sending it, and the wall clock. Out: the
 * topic, the ledger, the truth. An event is resent until the broker has it; when too much
 * waits, the shop waits too. Ends after so many events or seconds, or on SIGTERM or SIGINT. */
#ifndef AUSPEX_SHOP_LIVE_H
#define AUSPEX_SHOP_LIVE_H

#include "common/base/err.h"
#include "test/shop/past.h"

struct live_options {
    struct past_options past; /* known visitors come from here; at least one session */
    double rate, speed;
    const char *brokers, *topic;
    uint64_t n_events;          /* 0 = no end */
    double duration_s;          /* 0 = no end */
    const char *ledger, *truth; /* files added to, or NULL */
    bool start_now;             /* the full rate from the first seconds on */
};

/* Prints `sent N, acknowledged N, failed N` at the end; false with the reason when it could not
 * go on, or when something sent was never acknowledged. */
MUST_USE bool live_run(const struct live_options *o, struct err *e);

#endif
