/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/collector_kit.h"

void kit_open(struct kit *k)
{
    kit_open_with(k, NULL);
}

void kit_open_with(struct kit *k, struct enrich *enrich)
{
    struct collector_setup setup = {KIT_PARTITIONS, KIT_PARTITIONS, SECOND_US, enrich};
    *k = (struct kit){.core = collector_new(&setup),
                      .out = outbox_new(),
                      .offset = 100,
                      .append_us = KIT_RECEIVED_US};
    for (uint32_t p = 0; p < KIT_PARTITIONS; p++)
        collector_assign(k->core, TOPIC_raw, p);
}

void kit_close(struct kit *k)
{
    collector_free(k->core);
    outbox_free(k->out);
}

void kit_send(struct kit *k, enum topic t, struct str value, const char *content_type)
{
    struct stage_message m = {.topic = t,
                              .partition = k->partition,
                              .offset = k->offset++,
                              .append_us = k->append_us,
                              .value = value,
                              .content_type = str_of(content_type)};
    outbox_drop(k->out, outbox_next(k->out));
    k->next = outbox_next(k->out);
    CHECK(collector_record(k->core, &m, k->out) == STEP_DONE);
}

const struct output *kit_next(struct kit *k, union record_any *record, uint64_t *rec)
{
    while (k->next < outbox_next(k->out)) {
        const struct output *o = outbox_at(k->out, k->next++);
        struct position p;
        CHECK(position_read(&p, o->value.at, o->value.len) == WIRE_OK);
        if (p.rec == REC_tick)
            continue;
        *rec = p.rec;
        CHECK(record_read(record_def_of(p.rec), record, o->value.at, o->value.len) == WIRE_OK);
        return o;
    }
    return NULL;
}

const char *kit_event(struct kit *k, struct str value, struct event *e)
{
    union record_any record;
    uint64_t rec;
    kit_send(k, TOPIC_raw, value, NULL);
    if (kit_next(k, &record, &rec) == NULL)
        return "nothing";
    if (rec == REC_event) {
        *e = record.event;
        return "";
    }
    CHECK(rec == REC_rejected);
    for (enum reason r = REASON_NONE; r < REASONS_N; r++)
        if (str_is(record.rejected.reason, reason_text(r)))
            return reason_text(r);
    return "no such reason";
}
