/* SPDX-License-Identifier: Apache-2.0 */
/* stream - a generated stream in order of arrival, with all that can be wrong about time and
 * ids: few visitors over many days, so that sessions split, and events that come late (minutes
 * to days), a little late (below a minute), from the future, from wrong clocks (with a sentAt
 * that tells), from offline phones (two hours at once), again (same id and body), and again
 * with another body. */
#ifndef AUSPEX_SHOP_STREAM_H
#define AUSPEX_SHOP_STREAM_H

#include "common/base/buf.h"
#include "common/base/err.h"

enum arrival {
    ARRIVAL_NORMAL,
    ARRIVAL_LATE,
    ARRIVAL_SLIGHTLY_LATE,
    ARRIVAL_FUTURE,
    ARRIVAL_SKEWED,
    ARRIVAL_OFFLINE,
    ARRIVAL_REPEAT,
    ARRIVAL_CONFLICT,
    N_ARRIVALS
};

struct stream_options {
    uint64_t seed;
    uint32_t n_events;
    int64_t end_us; /* of the window that events happen in; what comes late is received later */
    bool is_plain;  /* the events alone, without when and how they arrive */
    const char *out; /* file, or "-" */
};

extern const char *const arrival_names[N_ARRIVALS];

/* Appends n_events lines {"received_offset_ms":N,"received":"…","kind":"…","event":{…}}, by
 * time of receipt, the offset counted from the first; or just the events. Same bytes for same
 * options. */
void stream_generate(struct buf *out, const struct stream_options *o);
MUST_USE bool stream_write(const struct stream_options *o, struct err *e);

#endif
