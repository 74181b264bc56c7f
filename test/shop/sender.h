/* SPDX-License-Identifier: Apache-2.0 */
/* sender - events out into the world, by one way or the other, with a ledger, until it is
 * enough or SIGTERM or SIGINT says so. When too much waits for an answer, the caller is to wait
 * too. */
#ifndef AUSPEX_SHOP_SENDER_H
#define AUSPEX_SHOP_SENDER_H

#include "test/shop/edge.h"

struct sender_options {
    const char *brokers, *topic; /* Kafka, where edge.url is NULL */
    struct edge_options edge;
    const char *ledger; /* file added to, or NULL */
};

struct sender {
    struct way way;
    struct ledger ledger;
    bool is_http;
    uint64_t sent;
};

/* Also begins to watch for signals. Must be closed, whatever it returns. */
MUST_USE bool sender_open(struct sender *s, const struct sender_options *o, struct err *e);
/* Told to stop, or broken (then ledger.broken tells why). */
bool sender_is_over(const struct sender *s);
bool sender_is_full(const struct sender *s);
/* The event is as event_json writes it; due at `due_us`. */
MUST_USE bool sender_send(struct sender *s, struct str event, int64_t due_us, struct err *e);
/* Serves answers until it is `due_us`, or full no more, or time to look at the signals again.
 */
void sender_wait(struct sender *s, int64_t due_us);
/* Waits for the last answers, through an outage too; but once told to stop only so long: what
 * has none by then counts as failed and stands so in the ledger. Prints `sent N, acknowledged
 * N, failed N`, and for HTTP the delays. */
void sender_finish(struct sender *s);
/* False when the ledger could not be written, or something was never acknowledged. */
MUST_USE bool sender_close(struct sender *s, struct err *e);

#endif
