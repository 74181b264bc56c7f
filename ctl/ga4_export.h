/* SPDX-License-Identifier: Apache-2.0 */
/* ga4_export - lines of Google Analytics 4's BigQuery export, as NDJSON, as events in JSON: the
 * name becomes the type, user_pseudo_id and user_id the visitor, event_timestamp the time, each
 * of event_params one of params, and device, geo, collected_traffic_source (the event's own;
 * traffic_source is the first of the visitor's life) and privacy_info what collector calls so.
 */
#ifndef AUSPEX_CTL_GA4_EXPORT_H
#define AUSPEX_CTL_GA4_EXPORT_H

#include "common/base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ga4_export;
MUST_USE struct ga4_export *ga4_export_new(void);
void ga4_export_free(struct ga4_export *g); /* NULL is fine */
/* Appends the event as one line of JSON. False for a line that is no such row: not JSON, or
 * without event_name, or without event_timestamp of a year before 10000; nothing is appended
 * then. */
MUST_USE bool ga4_export_row(struct ga4_export *g, struct str line, struct buf *json);

#ifdef __cplusplus
}
#endif
#endif
