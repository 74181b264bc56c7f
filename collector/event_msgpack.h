/* SPDX-License-Identifier: Apache-2.0 */
/* event_msgpack - reads an event from msgpack of the same shape as the JSON: maps with text
 * keys. What is kept of unknown members becomes JSON text; bin and ext are refused. */
#ifndef AUSPEX_EVENT_MSGPACK_H
#define AUSPEX_EVENT_MSGPACK_H

#include "collector/draft.h"

struct event_msgpack;

MUST_USE struct event_msgpack *event_msgpack_new(void);
void event_msgpack_free(struct event_msgpack *m);

/* As event_json_read; the draft's slices point into `bytes` and the draft's arena. */
enum reason event_msgpack_read(struct event_msgpack *m, struct draft *d, enum place place,
                               struct str bytes);

#endif
