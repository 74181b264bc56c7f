/* SPDX-License-Identifier: Apache-2.0 */
/* edge_event - one event as the HTTP edge takes it: judged, and made whole for raw. */
#ifndef AUSPEX_EDGE_EVENT_H
#define AUSPEX_EDGE_EVENT_H

#include "collector/judge.h"

enum { EDGE_RANDOM = 4096 };

struct edge_event {
    struct judge judge;
    struct arena arena;    /* of the request */
    bool known_types_only; /* of the site that it is for */
    void (*random)(void *to, size_t len);
    uint8_t pool[EDGE_RANDOM]; /* random bytes not yet used: the last `left` */
    size_t left;
};

void edge_event_init(struct edge_event *x, void (*random)(void *to, size_t len));
void edge_event_fini(struct edge_event *x);

/* Judges an event; the draft then has it, or the detail. On REASON_NONE *event is as it is to
 * stand in raw, valid until the arena is reset. `type` is that of the path which it was sent
 * to, NULL when it may have any. *has_id: it named an id, or was given one. */
enum reason edge_event_take(struct edge_event *x, struct str *event, const char *type,
                            const struct arrival *a, bool *has_id);

/* The write key within a body: the string of that name at its top; empty when there is none. */
struct str edge_event_key(struct edge_event *x, struct str body);

#endif
