/* SPDX-License-Identifier: Apache-2.0 */
/* purposes - what a visitor consents to, told in words: the PURPOSE and OBJECTION lines of
 * schemas/dialects.def. */
#ifndef AUSPEX_PURPOSES_H
#define AUSPEX_PURPOSES_H

#include "common/base/str.h"

/* Of a JSON list of words, or an object whose members are words with true, 1, "granted" ... or
 * false, "denied" ..., perhaps one object deeper. What is not named is not granted; necessary
 * always is; what one word refuses no other grants. False when it names no purpose. */
MUST_USE bool purposes_mask(struct str json, uint64_t *mask);

#endif
