/* SPDX-License-Identifier: Apache-2.0 */
/* session - where sessions begin and end: an event against its lane. */
#ifndef AUSPEX_SESSION_H
#define AUSPEX_SESSION_H

#include "common/base/clock.h"
#include "common/wire/record.h"
#include "featurizer/profile.h"

#define LATE_US        (60 * SECOND_US) /* older than this against its lane's newest: late */
#define IMPORT_IDLE_US DAY_US           /* an import without a record for so long has ended */

enum session_end { SESSION_GOES_ON, SESSION_GAP, SESSION_SILENCE, SESSION_IMPORT_END };
struct str session_end_name(enum session_end end);

/* An event as its lane sees it. */
struct moment {
    const struct event *event;
    uint8_t type;          /* code */
    int64_t t_us;          /* event time, not before the lane's newest; if late, that newest */
    bool is_late;          /* opens nothing, counts in what needs no order */
    enum session_end ends; /* whether, and how, the open session ended before it */
};

/* Changes nothing. */
struct moment session_judge(const struct lane *l, const struct event *e, int64_t idle_us);

/* Opens a session at m, by the events record at `offset`; none may be open. */
void session_open(struct slab *s, struct profile *p, struct lane *l, const struct moment *m,
                  uint64_t epoch, uint64_t offset);
/* Counts the open session as closed and forgets it. */
void session_close(struct slab *s, struct profile *p, struct lane *l);

#endif
