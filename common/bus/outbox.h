/* SPDX-License-Identifier: Apache-2.0 */
/* outbox - what a core gives: records for topics, in order, kept until they are acknowledged.
 *
 * A core calls outbox_begin, packs one value into the buf, and outbox_end. The bytes are copied
 * into chunks that stay where they are until outbox_drop, so that a producer may point at them.
 * Pure: no Kafka here; tests read what a core gave with outbox_at. */
#ifndef AUSPEX_OUTBOX_H
#define AUSPEX_OUTBOX_H

#include "common/base/buf.h"
#include "common/bus/topic.h"

struct output {
    enum topic topic;
    uint32_t partition;
    bool is_json;
    struct str key, value;  /* valid until dropped */
    struct str ce_id;       /* when not empty, the record gets CloudEvents headers */
    int64_t ce_time_us;     /* event time for them; 0 = none */
    struct str traceparent; /* passed through when not empty */
    bool is_acked;          /* set by outbox_ack */
};

struct outbox;

MUST_USE struct outbox *outbox_new(void);
void outbox_free(struct outbox *o);

/* Where the next value is to be packed, empty; valid until outbox_end. */
struct buf *outbox_begin(struct outbox *o);
/* Gives what was packed to a partition of a topic. The key is copied. */
void outbox_end(struct outbox *o, enum topic topic, uint32_t partition, struct str key);
/* The same with all there is to say; the slices are copied, out->value is ignored. */
void outbox_end_as(struct outbox *o, const struct output *out);

/* Outputs are numbered from 0 without gaps: [outbox_first, outbox_next) are kept. */
uint64_t outbox_first(const struct outbox *o);
uint64_t outbox_next(const struct outbox *o);
const struct output *outbox_at(const struct outbox *o, uint64_t number);
/* Output `number` is stored; forgets all up to the first that is not. */
void outbox_ack(struct outbox *o, uint64_t number);
/* Forgets the outputs below `number`. */
void outbox_drop(struct outbox *o, uint64_t number);
/* Bytes of keys and values kept. */
size_t outbox_bytes(const struct outbox *o);

#endif
