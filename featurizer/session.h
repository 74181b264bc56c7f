/* SPDX-License-Identifier: Apache-2.0 */
/* session - where sessions begin and end: an event against its lane. */
#ifndef AUSPEX_SESSION_H
#define AUSPEX_SESSION_H

#include "common/base/clock.h"
#include "common/wire/record.h"
#include "featurizer/profile.h"
#include "featurizer/site_rules.h"

#define LATE_US        (60 * SECOND_US) /* older than this against its lane's newest: late */
#define IMPORT_IDLE_US DAY_US           /* an import without a record for so long has ended */

enum session_end { SESSION_GOES_ON, SESSION_GAP, SESSION_SILENCE, SESSION_IMPORT_END };
struct str session_end_name(enum session_end end);

/* An event as its lane sees it. */
struct moment {
    const struct event *event;
    uint8_t type;      /* code */
    int64_t t_us;      /* event time, not before the lane's newest; if late, that newest */
    int64_t at_us;     /* the same, but of a late event as it was sent */
    int64_t offset_us; /* of local time from UTC at t_us */
    const struct signals *signals; /* of the partition; NULL = none */
    const struct site_rules *site; /* its settings */
    bool is_late;                  /* opens nothing, counts in what needs no order */
    enum session_end ends;         /* whether, and how, the open session ended before it */
};

/* Changes nothing. */
struct moment session_judge(const struct lane *l, const struct event *e,
                            const struct site_rules *site);
static inline int64_t moment_local_us(const struct moment *m)
{
    return m->t_us + m->offset_us;
}
/* An amount of the event in its site's currency; NaN when it cannot be told in it. */
double moment_amount(const struct moment *m, double amount);

/* The silence that ends a session: what its site said when it opened. */
static inline int64_t visit_idle_us(const struct visit *v, const struct site_rules *none)
{
    return v->idle_us > 0 ? v->idle_us : none->idle_us;
}

/* Opens a session at m, by the events record at `offset`; none may be open. */
void session_open(struct slab *s, struct profile *p, struct lane *l, const struct moment *m,
                  uint64_t epoch, uint64_t offset);
/* Counts the open session as closed, keeps its summary and forgets it. */
void session_close(struct slab *s, struct profile *p, struct lane *l, enum session_end end);

#endif
