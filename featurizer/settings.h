/* SPDX-License-Identifier: Apache-2.0 */
/* settings - the core's options as section [featurizer] of the configuration has them, for the
 * stage and for whoever computes features as it does. */
#ifndef AUSPEX_FEATURIZER_SETTINGS_H
#define AUSPEX_FEATURIZER_SETTINGS_H

#include "featurizer/featurizer.h"

struct config;

struct featurizer_options settings_of(const struct config *c);
/* The same keys and values as a JSON object. */
void settings_json(struct buf *out, const struct config *c);

#endif
