/* SPDX-License-Identifier: Apache-2.0 */
/* answer - what the edge answers: to a batch {"results":[{...},...]}, one an event; and how
 * long to wait before the next try. */
#ifndef AUSPEX_SHOP_ANSWER_H
#define AUSPEX_SHOP_ANSWER_H

#include "common/base/str.h"

/* Sets accepted[i] of those events whose result has a "reason" to false, of the `n` that were
 * sent. False when there is such a one, or the results are not as many; then all stand as
 * false. An answer without results accepts all. */
MUST_USE bool answer_read(struct str reply, size_t n, bool *accepted);

/* In milliseconds, after `tries` that failed before this one: growing from 50 ms to 5 s, or
 * what Retry-After asks for (`asked_s`, 0 = none; a minute at most) when that is longer. `u` in
 * [0, 1) spreads those that failed together. */
int64_t answer_pause_ms(unsigned tries, int64_t asked_s, double u);

#endif
