/* SPDX-License-Identifier: Apache-2.0 */
/* edge - the way to a collector's HTTP edge: POST /v1/track, /v1/page ... by the type of the
 * event, or /v1/batch with the events of one visitor that wait, over several connections that
 * stay open.
 *
 * The same bytes go again, after a growing pause or what Retry-After asks for, until there is
 * an answer that settles them: 2xx, or a 4xx other than 408, 425 and 429, which is told and not
 * tried again. So an outage may last as long as it likes. */
#ifndef AUSPEX_SHOP_EDGE_H
#define AUSPEX_SHOP_EDGE_H

#include "test/shop/ledger.h"

enum { EDGE_CONNECTIONS_MAX = 256, EDGE_BATCH_MAX = 250 };

struct edge_options {
    const char *url; /* http://HOST:PORT */
    const char *write_key;
    unsigned connections; /* 1 .. EDGE_CONNECTIONS_MAX */
    unsigned batch;       /* events of a visitor in a request: 1 .. EDGE_BATCH_MAX */
};

/* The ledger must outlive the way; nothing is sent yet. False, and nothing to close, when the
 * options are wrong. */
MUST_USE bool edge_open(struct way *w, const struct edge_options *o, struct ledger *l,
                        struct err *e);

#endif
