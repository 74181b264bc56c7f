/* SPDX-License-Identifier: Apache-2.0 */
/* backoff - when a webhook is tried again: the schedule of the Standard Webhooks specification,
 * 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after a failed attempt, the last over
 * and over. Each is up to a tenth shorter or longer, by the intervention's id, so that what
 * failed together does not come back together. Pure. */
#ifndef AUSPEX_ACTUATOR_BACKOFF_H
#define AUSPEX_ACTUATOR_BACKOFF_H

#include "common/base/str.h"

enum { BACKOFF_LEAST_MS = 1000 }; /* what Retry-After cannot go below */

/* The wait after attempt `attempt` (from 1) has failed; first_us stands for the first 5 s. */
int64_t backoff_wait_us(uint64_t attempt, int64_t first_us, struct str id);

/* The point in time that a Retry-After header names, as seconds or as a date of RFC 9110's
 * preferred form; false when it is neither. */
MUST_USE bool backoff_retry_after(struct str text, int64_t now_us, int64_t *at_us);

/* A failed attempt. */
struct backoff_try {
    struct str id; /* of the intervention */
    uint64_t attempt;
    unsigned status;        /* of the answer; 0 = none */
    struct str retry_after; /* header; empty = none. Respected with 429 and 503 */
    int64_t now_us, expires_us, first_us;
};
/* When the next is due; expires_us at the latest, and then there is none. */
int64_t backoff_next_us(const struct backoff_try *t);

#endif
