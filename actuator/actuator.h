/* SPDX-License-Identifier: Apache-2.0 */
/* actuator - the core that decides: predictions in, interventions and outcomes out, checkpoints
 * of what it keeps. Plain functions over records, no Kafka and no clock; main.c joins it with
 * deliver.h and the runtime. Each partition is worked on alone, and what comes out depends on
 * its log and on the topic control alone.
 *
 * For each prediction that counts, in order: what the event means for open interventions
 * (decide.h), then which policies' conditions became true, by policy name; then what is due by
 * the clock is closed. */
#ifndef AUSPEX_ACTUATOR_H
#define AUSPEX_ACTUATOR_H

#include "common/bus/stage.h"

struct actuator;

struct actuator_setup {
    bool is_json; /* form of the topic interventions; outcomes are msgpack always */
    struct counters *counters; /* NULL: the core has its own */
    /* Told of each live-or-allowed intervention with channel webhook that is not held out; its
     * record is output `number` of the outbox. NULL: nobody is told. */
    void (*fired)(void *to, uint32_t partition, const struct intervention *i, uint64_t number);
    void *to;
};

MUST_USE struct actuator *actuator_new(const struct actuator_setup *s);
void actuator_free(struct actuator *a);

/* A record of control, in the order of the log; `offset` and `value` are looked at. */
void actuator_lookup(struct actuator *a, const struct stage_message *m);
/* Tells the time that a lacking control record is waited for, and sets the gauges. */
void actuator_timer(struct actuator *a, int64_t mono_us);

/* An empty partition of predictions; what it held before is gone. */
void actuator_assign(struct actuator *a, enum topic t, uint32_t partition);
void actuator_revoke(struct actuator *a, enum topic t, uint32_t partition);
/* A record of predictions, msgpack or JSON: prediction, tick, control or import_end;
 * `partition`, `value`, `content_type` and `traceparent` are looked at. STEP_WAIT: it names a
 * control record that has not come by actuator_lookup. */
enum stage_step actuator_record(struct actuator *a, const struct stage_message *m,
                                struct outbox *out);
/* After STEP_MORE, until STEP_DONE. */
enum stage_step actuator_more(struct actuator *a, enum topic t, uint32_t partition,
                              struct outbox *out);

/* As the callbacks of the same names in stage.h; entries are decision_state records. */
MUST_USE bool actuator_restore(struct actuator *a, uint32_t partition, struct str key,
                               struct str value, struct err *e);
MUST_USE bool actuator_restored(struct actuator *a, uint32_t partition, struct str own,
                                struct err *e);
void actuator_cut(struct actuator *a, uint32_t partition, struct buf *own);
bool actuator_pack(struct actuator *a, uint32_t partition, struct outbox *state,
                   int64_t until_mono_us);
void actuator_uncut(struct actuator *a, uint32_t partition);

size_t actuator_visitors(const struct actuator *a); /* in memory, over all partitions */

#endif
