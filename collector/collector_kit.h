/* SPDX-License-Identifier: Apache-2.0 */
/* collector_kit - a core with an outbox, for tests: records in, what became of them out. */
#ifndef AUSPEX_COLLECTOR_KIT_H
#define AUSPEX_COLLECTOR_KIT_H

#include "collector/collector.h"
#include "common/base/clock.h"
#include "common/wire/record_any.h"

/* 2026-01-01T00:00:00Z, when the kit's records are appended unless said otherwise. */
#define KIT_RECEIVED_US ((int64_t)1767225600 * SECOND_US)
enum { KIT_PARTITIONS = 4 };

struct kit {
    struct collector *core;
    struct outbox *out;
    uint64_t offset;    /* of the next record */
    uint64_t next;      /* output that kit_next looks at next */
    int64_t append_us;  /* of the next record */
    uint32_t partition; /* of raw, of the next record */
};

void kit_open(struct kit *k);
void kit_open_with(struct kit *k, struct enrich *enrich);
void kit_close(struct kit *k);
/* Gives the core a record; outputs of earlier ones are dropped. */
void kit_send(struct kit *k, enum topic t, struct str value, const char *content_type);
/* The next output that is no tick, read into *record; NULL when there is none. Valid until the
 * next send. */
const struct output *kit_next(struct kit *k, union record_any *record, uint64_t *rec);
/* Sends a record to raw and gives what became of its first event: the word of the reason, ""
 * when it was accepted as *e, "nothing" when the record held none. */
const char *kit_event(struct kit *k, struct str value, struct event *e);

#endif
