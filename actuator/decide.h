/* SPDX-License-Identifier: Apache-2.0 */
/* decide - what one prediction does to its visitor's dossier.
 *
 * Only predictions with verdict 0 count. First, open interventions of the event's lane: one
 * whose window ended before the event is ignored; one that a purchase, signup or subscription
 * falls into is converted. Live windows go by received time, an import's by its event times. A
 * late event converts only what fired at or before its own time. So what fired by an event is
 * never converted by it.
 *
 * Then, unless the event is late, each policy that holds is asked, in order of names. Its
 * condition crosses when it is true now and was not at the lane's last event of the same
 * session, or at none of this version of the policy. A crossing fires unless the policy's cap
 * is used up (interventions by its name on the UTC day of the event, in the lane), or the lane
 * is full. Visitors that are held out fire alike, are counted alike, and get nothing: whether
 * one is follows from the policy's name and the visitor, so it stays.
 *
 * A live lane with nothing open counts as one never seen when the clock is a day past the
 * newest event of it; lanes of imports end with their import. */
#ifndef AUSPEX_ACTUATOR_DECIDE_H
#define AUSPEX_ACTUATOR_DECIDE_H

#include "actuator/desk.h"

void decide_event(struct desk *d, const struct prediction *p, struct trigger *t,
                  struct outbox *out);

/* Where the visitor stands between 0 and 1: held out when below the policy's holdout. */
double decide_share(struct str policy, struct str key);

/* The key of outputs and state, "SITE:VISITOR"; false when the visitor is none or too long. */
MUST_USE bool decide_key(const struct prediction *p, char out[DOSSIER_KEY], struct str *key);

#endif
