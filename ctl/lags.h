/* SPDX-License-Identifier: Apache-2.0 */
/* lags - how many records each program is behind, asked again and again by a thread of its own,
 * so that nobody waits for a slow broker or database. */
#ifndef AUSPEX_CTL_LAGS_H
#define AUSPEX_CTL_LAGS_H

#include "ctl/standing.h"

struct lags;

/* Begins to ask. `config` must live longer. */
MUST_USE struct lags *lags_new(const struct config *config);
/* Ends the thread: after the question that is under way, some seconds when nobody answers. */
void lags_free(struct lags *l);
/* The last answers; -1 where there was none, by program. */
void lags_get(struct lags *l, int64_t lag[PROGRAMS_N]);

#endif
