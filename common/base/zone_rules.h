/* SPDX-License-Identifier: Apache-2.0 */
/* zone_rules - a time zone as data: the offsets from UTC that hold one after the other, as the
 * settings of a site have them (schemas/site.def). Knows no table of zones, so that what is
 * computed with it depends on the record alone. */
#ifndef AUSPEX_ZONE_RULES_H
#define AUSPEX_ZONE_RULES_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ZONE_RULES_MAX = 256,         /* offsets of one zone */
    ZONE_OFFSET_MAX_MIN = 18 * 60 /* east or west of UTC; no clock was ever further off */
};

struct zone_rules {
    uint32_t n; /* 0 = UTC */
    int16_t offset_min[ZONE_RULES_MAX];
    int64_t from_s[ZONE_RULES_MAX]; /* since 1970, rising; that of the first does not count */
};

/* Reads "SECONDS=MINUTES SECONDS=MINUTES ...", with blanks between and SECONDS rising; empty is
 * UTC. False, and `z` untouched, on anything else. */
MUST_USE bool zone_rules_read(struct zone_rules *z, struct str text);
/* Minutes that local time is ahead of UTC. */
int zone_rules_offset_min(const struct zone_rules *z, int64_t ts_us);

#ifdef __cplusplus
}
#endif
#endif
