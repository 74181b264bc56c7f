/* SPDX-License-Identifier: Apache-2.0 */
/* replay - archived records through the core itself, for whoever computes features anew.
 *
 * Takes, for one partition of events at a time, its archived events and notices (controls,
 * signals, ends of imports), of all visitors or of some, in the order of their offsets; gives a
 * vector for each event that counts and the sessions that ended. Pure.
 *
 * Ticks are not archived and hardly missed: a live session that silence ended is ended by its
 * visitor's next event too. What else hangs on the partition's clock are the events of an
 * import, which see whether the visitor's live session has ended meanwhile, and the ends of
 * imports, also those by a day of silence. So the clock that was logged is told beforehand;
 * where it is not known, the one told last holds on. While no import is under way it is used
 * once a minute only, so that sessions of visitors who never come again do not fill the memory.
 */
#ifndef AUSPEX_REPLAY_H
#define AUSPEX_REPLAY_H

#include "featurizer/featurizer.h"

/* Each may stop the replay by returning false with *e set. Records are valid during the call;
 * the clock in a vector is not that of the log. */
struct replay_sink {
    void *to;
    bool (*vector)(void *to, const struct vector *v, struct err *e);
    bool (*session)(void *to, const struct session *s, struct err *e);
};

struct replay;
/* Within the callbacks: whether it is a notice that led to what is given. */
bool replay_is_at_notice(const struct replay *r);
MUST_USE struct replay *replay_new(const struct featurizer_options *o,
                                   const struct replay_sink *sink);
void replay_free(struct replay *r);

/* The log of another partition begins; nothing is known yet. */
void replay_begin(struct replay *r, uint32_t partition);
/* What the partition's clock was at the event that comes next; 0 = not known. */
void replay_clock(struct replay *r, int64_t clock_us);
MUST_USE bool replay_notice(struct replay *r, uint64_t offset, struct str record,
                            struct err *e);
/* Forgets which raw partition the event came by: its clock is not ours. */
MUST_USE bool replay_event(struct replay *r, uint64_t offset, struct event *event,
                           struct err *e);
/* The log ends, and all that silence ends by `now_us` has ended. */
MUST_USE bool replay_end(struct replay *r, int64_t now_us, struct err *e);

#endif
