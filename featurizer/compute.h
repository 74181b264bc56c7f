/* SPDX-License-Identifier: Apache-2.0 */
/* compute - the features of schemas/features.def, from the state after an event and the event.
 * The one implementation: for the live stream, for checks of skew and for backfills. No clock,
 * no library function but sqrt (exact by IEEE 754), so the same bits on every machine. */
#ifndef AUSPEX_COMPUTE_H
#define AUSPEX_COMPUTE_H

#include "common/wire/feature.h"
#include "featurizer/session.h"

/* After tally_event; `v` is the lane's open session or NULL. NaN stands as one bit pattern. */
void compute_features(const struct profile *p, const struct visit *v, const struct moment *m,
                      float out[FEATURES_N]);

#endif
