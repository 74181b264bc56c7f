/* SPDX-License-Identifier: Apache-2.0 */
/* live - sends the shop's events as they happen, to Kafka or over HTTP, and lets its visitors
 * react to what the pipeline offers them.
 *
 * In: the shop's past, which it remembers without sending it, the wall clock, and the topic
 * interventions. Out: the events, the ledger, the truth. An event is resent until somebody has
 * it; when too much waits, the shop waits too. Ends after so many events or seconds, or on
 * SIGTERM or SIGINT. */
#ifndef AUSPEX_SHOP_LIVE_H
#define AUSPEX_SHOP_LIVE_H

#include "test/shop/past.h"
#include "test/shop/sender.h"

struct live_options {
    struct past_options past; /* known visitors come from here; at least one session */
    struct sender_options to;
    double rate, speed;
    uint64_t n_events; /* 0 = no end */
    double duration_s; /* 0 = no end */
    const char *truth; /* file added to, or NULL */
    bool start_now;    /* the full rate from the first seconds on */
    bool reacts;       /* to the offers in `interventions` at to.brokers */
    const char *interventions;
    double effect;      /* P(an offer moves a visitor who would not convert any more) */
    const char *offers; /* file added to, or NULL */
};

/* Prints at the end what sender_finish says, and about offers; false with the reason when it
 * could not go on, or when something sent was never acknowledged. */
MUST_USE bool live_run(const struct live_options *o, struct err *e);

#endif
