/* SPDX-License-Identifier: Apache-2.0 */
/* zone - local time by the machine's table of IANA zones, for one thread. Enrichment: a zone
 * that is not known gives no offset, and decides nothing else.
 *
 * A zone is an IANA name in any case of letters ("Europe/Berlin", "UTC", "Etc/GMT+3", where +3
 * is west), or an offset where + is east: "+02:00", "-0330", "+2", also behind UTC or GMT. The
 * table (TZDIR, else /usr/share/zoneinfo) is listed at first use, a zone read when it is first
 * asked for; afterwards nothing is allocated. Names that the table lacks are not remembered. */
#ifndef AUSPEX_ZONE_H
#define AUSPEX_ZONE_H

#include "common/base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ZONE_NAME_MAX = 40 };

/* Minutes that local time of the zone is ahead of UTC then; false, and *offset_min untouched,
 * when the zone is not known. */
bool zone_offset_min(struct str zone, int64_t ts_us, double *offset_min);
/* The zone's name as the table has it, static text; an offset is its own name. */
MUST_USE bool zone_find(struct str zone, struct str *name);
/* Appends the zone's offsets from 1990 to 2059 as common/base/zone_rules.h reads them. */
MUST_USE bool zone_put_rules(struct str zone, struct buf *out);
/* The name most like this one, for "did you mean"; empty when none is near. Static text. */
struct str zone_nearest(struct str zone);

#ifdef __cplusplus
}
#endif
#endif
