/* SPDX-License-Identifier: Apache-2.0 */
/* collector - the core: records of raw, imports and control in; events, ticks and copies out,
 * and what is unfit to rejected. An external signal is an event of its visitor, and beside that
 * a record for each events partition, behind all else that its record gives.
 *
 * What becomes of a record depends on the record alone. Kept: only when which raw partition
 * last spoke to which events partition. No Kafka, no clock. */
#ifndef AUSPEX_COLLECTOR_H
#define AUSPEX_COLLECTOR_H

#include "collector/reason.h"
#include "common/bus/stage.h"

enum { COLLECTOR_EPOCH = 1, REJECTED_BODY_MAX = 64 * 1024 };

/* ce_type of the records that are appended to a silent raw partition; their value is empty. */
#define COLLECTOR_HEARTBEAT "auspex.heartbeat"

struct enrich;

struct collector_setup {
    uint32_t partitions;     /* of events and all behind it */
    uint32_t raw_partitions; /* of raw, at least: a record from a higher one corrects it */
    int64_t heartbeat_us;    /* silence of a raw partition after which a heartbeat is due */
    struct enrich *enrich;   /* of the caller, must outlive it; NULL = without data files */
};

/* How often each thing happened since the start. */
struct collector_counts {
    uint64_t events, heartbeats, ticks, clamped, signals;
    uint64_t rejected[REASONS_N];
};

struct collector;

MUST_USE struct collector *collector_new(const struct collector_setup *s);
void collector_free(struct collector *c);

/* These are callbacks of struct stage; `core` is the struct collector. */
void collector_assign(void *core, enum topic t, uint32_t partition);
void collector_revoke(void *core, enum topic t, uint32_t partition);
enum stage_step collector_record(void *core, const struct stage_message *m, struct outbox *out);
/* Appends a heartbeat to each assigned raw partition that is silent. */
void collector_timer(void *core, int64_t mono_us, struct outbox *out);

const struct collector_counts *collector_counts(const struct collector *c);

#endif
