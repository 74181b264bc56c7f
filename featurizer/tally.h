/* SPDX-License-Identifier: Apache-2.0 */
/* tally - counts an event in its visitor's history and in the open session. */
#ifndef AUSPEX_TALLY_H
#define AUSPEX_TALLY_H

#include "featurizer/session.h"

/* An event that counts (no repeat), after session_open where one was due. l->visit may be NULL
 * when it is late. Also moves the lane's newest event and received time. */
void tally_event(struct slab *s, struct profile *p, struct lane *l, const struct moment *m);

#endif
