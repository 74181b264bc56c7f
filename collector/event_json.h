/* SPDX-License-Identifier: Apache-2.0 */
/* event_json - reads an event from JSON in one pass over simdjson's index, without a tree.
 * Nothing is passed over unread: what no field asks for is checked like the rest. */
#ifndef AUSPEX_EVENT_JSON_H
#define AUSPEX_EVENT_JSON_H

#include "collector/draft.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_json;

MUST_USE struct event_json *event_json_new(void);
void event_json_free(struct event_json *j);

/* Tells the draft, which has been begun, what stands in `text`; place is PLACE_root for an
 * event, PLACE_envelope for what is around a batch. Faults of form are returned; those of
 * content are the draft's to tell. The draft's slices point into memory of `j` and die with the
 * next read. */
enum reason event_json_read(struct event_json *j, struct draft *d, enum place place,
                            struct str text);

#ifdef __cplusplus
}
#endif
#endif
