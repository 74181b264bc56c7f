/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/collector.h"

#include "collector/enrich.h"
#include "collector/judge.h"
#include "collector/rees46.h"
#include "collector/retail.h"
#include "collector/ticks.h"
#include "common/base/hash.h"
#include "common/wire/in.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct collector {
    struct collector_setup setup;
    struct judge judge;
    struct enrich plain;            /* where the setup has none */
    struct buf items;               /* of an imported invoice */
    struct buf signals;             /* packed, of the record that is being used */
    size_t ends[EVENTS_PER_RECORD]; /* of each of them */
    struct ticks *ticks;
    struct collector_counts counts;
};

struct collector *collector_new(const struct collector_setup *s)
{
    struct collector *c = mem_zero(1, sizeof *c);
    CHECK(s->partitions > 0);
    c->setup = *s;
    if (!s->enrich)
        c->setup.enrich = &c->plain;
    judge_init(&c->judge);
    c->ticks = ticks_new(s->partitions);
    return c;
}

void collector_free(struct collector *c)
{
    if (!c)
        return;
    judge_fini(&c->judge);
    buf_fini(&c->items);
    buf_fini(&c->signals);
    ticks_free(c->ticks);
    free(c);
}

void collector_assign(void *core, enum topic t, uint32_t partition)
{
    struct collector *c = core;
    if (t == TOPIC_raw)
        ticks_assign(c->ticks, partition);
}

void collector_revoke(void *core, enum topic t, uint32_t partition)
{
    struct collector *c = core;
    if (t == TOPIC_raw)
        ticks_revoke(c->ticks, partition);
}

const struct collector_counts *collector_counts(const struct collector *c)
{
    return &c->counts;
}

/* One record being used. */
struct use {
    struct collector *c;
    const struct stage_message *m;
    struct outbox *out;
    struct arrival arrival;
    uint64_t site_id; /* as far as the event told it */
    size_t n_signals; /* in c->signals */
};

static void put(struct use *u, enum topic topic, uint32_t partition, struct str key)
{
    struct output o = {
        .topic = topic, .partition = partition, .key = key, .traceparent = u->m->traceparent};
    outbox_end_as(u->out, &o);
}

/* To be given when all events and ticks of the record are, so that positions grow. */
static void note_signal(struct use *u, const struct event *e)
{
    struct collector *c = u->c;
    struct signal s;
    signal_init(&s);
    POSITION_SET(&s, e);
    s.index = INDEX_SIGNAL + e->index;
    s.received_us = e->received_us;
    s.site_id = e->site_id;
    s.kind = e->kind;
    s.region = e->region.len > 0 ? e->region : e->country;
    s.value = e->value;
    s.from_us = e->valid_from_us;
    s.to_us = e->valid_to_us;
    if (u->n_signals == 0)
        buf_reset(&c->signals);
    CHECK(u->n_signals < ARRAY_LEN(c->ends));
    signal_pack(&c->signals, &s);
    c->ends[u->n_signals++] = c->signals.len;
    c->counts.signals++;
}

static void accept(struct use *u, const struct event *e)
{
    enum { KEY_MAX = ID_MAX + 24 };
    char text[KEY_MAX];
    int len = snprintf(text, sizeof text, "%" PRIu64 ":", e->site_id);
    CHECK(e->visitor.len <= ID_MAX);
    memcpy(text + len, e->visitor.at, e->visitor.len);
    struct str key = str_over(text, (size_t)len + e->visitor.len);
    uint32_t p = hash_partition(key, u->c->setup.partitions);
    event_pack(outbox_begin(u->out), e);
    put(u, TOPIC_events, p, key);
    u->c->counts.events++;
    if (str_is(e->type, "external_signal"))
        note_signal(u, e);
    if (u->m->topic == TOPIC_raw)
        ticks_event(u->c->ticks, u->m->partition, p, u->m->append_us);
}

/* Refuses what stands at the arrival's position; `body` is its original bytes. */
static void refuse(struct use *u, enum reason why, const char *detail, struct str body)
{
    char text[128];
    struct rejected r;
    rejected_init(&r);
    POSITION_SET(&r, &u->arrival.position);
    r.received_us = u->arrival.received_us;
    r.stage = STR("collector");
    r.reason = str_of(reason_text(why));
    r.detail = str_of(detail);
    r.site_id = u->arrival.site_id > 0         ? u->arrival.site_id
                : u->arrival.envelope_site > 0 ? u->arrival.envelope_site
                                               : u->site_id;
    r.of_import = u->arrival.position.import_id;
    r.body = body;
    if (body.len > REJECTED_BODY_MAX) {
        int len = snprintf(text, sizeof text, "%s%sbody cut from %zu bytes", detail,
                           detail[0] ? "; " : "", body.len);
        r.detail = str_over(text, MIN((size_t)len, sizeof text - 1));
        r.body.len = REJECTED_BODY_MAX;
    }
    rejected_pack(outbox_begin(u->out), &r);
    uint32_t from = u->m->topic == TOPIC_raw ? u->m->partition : 0;
    put(u, TOPIC_rejected, from % u->c->setup.partitions, (struct str){NULL, 0});
    u->c->counts.rejected[why]++;
}

/* Reads one event and accepts it; else nothing is given, and the draft has the detail. */
static enum reason use_event(struct use *u, bool is_msgpack, struct str bytes)
{
    struct draft *d = u->c->judge.draft;
    enum reason why = judge_event(&u->c->judge, is_msgpack, bytes);
    u->site_id = draft_event(d)->site_id;
    if (why == REASON_NONE)
        why = draft_finish(d, &u->arrival);
    if (why != REASON_NONE)
        return why;
    u->c->counts.clamped += draft_was_clamped(d);
    accept(u, draft_event(d));
    return REASON_NONE;
}

static void use_batch(struct use *u, bool is_msgpack)
{
    struct judge *j = &u->c->judge;
    enum reason why = judge_envelope(j, is_msgpack, &u->arrival);
    if (why != REASON_NONE) {
        refuse(u, why, draft_detail(j->draft), u->m->value);
        return;
    }
    for (size_t i = 0; i < j->batch.n; i++) {
        struct str event = j->batch.events[i];
        u->arrival.position.index = i;
        why = use_event(u, is_msgpack, event);
        if (why != REASON_NONE)
            refuse(u, why, draft_detail(j->draft), event);
    }
}

/* JSON begins with a brace or a blank, a map of msgpack with neither; a header says it better.
 * What is neither is refused by the reader of JSON. */
static bool is_msgpack(const struct stage_message *m)
{
    if (str_has_nocase(m->content_type, STR("msgpack")))
        return true;
    if (str_has_nocase(m->content_type, STR("json")) || m->value.len == 0)
        return false;
    uint8_t first = (uint8_t)m->value.at[0];
    return (first >= 0x80 && first <= 0x8f) || first == 0xde || first == 0xdf;
}

/* Divides the record into a batch and uses it; false when it is none. */
static bool use_raw_batch(struct use *u, bool packed)
{
    struct batch *b = &u->c->judge.batch;
    switch (packed ? batch_msgpack(b, u->m->value) : batch_json(b, u->m->value)) {
    case BATCH_FOUND:
        use_batch(u, packed);
        return true;
    case BATCH_TOO_MANY:
        refuse(u, REASON_too_many, "", u->m->value);
        return true;
    case BATCH_NONE:
        break;
    }
    return false;
}

/* Most records of other senders hold one event, so that is tried first, unless the first member
 * is a batch, as the edge writes it: an array by that name is no event in any case. What is no
 * event may still be a batch. */
static void use_raw(struct use *u)
{
    bool packed = is_msgpack(u->m);
    bool is_first = !packed && batch_is_first(u->m->value);
    if (is_first && use_raw_batch(u, packed))
        return;
    enum reason why = use_event(u, packed, u->m->value);
    if (why == REASON_NONE || (!is_first && use_raw_batch(u, packed)))
        return;
    refuse(u, why, draft_detail(u->c->judge.draft), u->m->value);
}

/* Tells every events partition that has not heard of this raw partition for too long. */
static void give_ticks(struct use *u)
{
    struct collector *c = u->c;
    uint32_t raw = u->m->partition;
    for (uint32_t p = 0; p < c->setup.partitions; p++) {
        if (!ticks_due(c->ticks, raw, p, u->m->append_us))
            continue;
        struct tick t;
        tick_init(&t);
        POSITION_SET(&t, &u->arrival.position);
        t.index = INDEX_TICK;
        t.received_us = u->m->append_us;
        t.raw_partition = raw;
        t.raw_partitions = MAX(c->setup.raw_partitions, raw + 1);
        tick_pack(outbox_begin(u->out), &t);
        put(u, TOPIC_events, p, (struct str){NULL, 0});
        c->counts.ticks++;
    }
}

static void give_signals(struct use *u)
{
    const struct collector *c = u->c;
    size_t from = 0;
    for (size_t i = 0; i < u->n_signals; from = c->ends[i++])
        for (uint32_t p = 0; p < c->setup.partitions; p++) {
            buf_put(outbox_begin(u->out), c->signals.at + from, c->ends[i] - from);
            put(u, TOPIC_events, p, (struct str){NULL, 0});
        }
}

static bool is_heartbeat(const struct stage_message *m)
{
    return m->value.len == 0 && str_is(m->ce_type, COLLECTOR_HEARTBEAT);
}

static void raw_record(struct use *u)
{
    u->arrival.position.origin = ORIGIN_RAW;
    u->arrival.position.partition = u->m->partition;
    ticks_heard(u->c->ticks, u->m->partition);
    if (!is_heartbeat(u->m))
        use_raw(u);
    give_ticks(u);
}

/* The same record for every events partition. */
#define COPY_TO_ALL(u, name, record)                              \
    do {                                                          \
        for (uint32_t p = 0; p < (u)->c->setup.partitions; p++) { \
            name##_pack(outbox_begin((u)->out), record);          \
            put(u, TOPIC_events, p, (struct str){NULL, 0});       \
        }                                                         \
    } while (0)

static void control_record(struct use *u)
{
    struct control control;
    u->arrival.position.origin = ORIGIN_CONTROL;
    enum wire_status status = control_read(&control, u->m->value.at, u->m->value.len);
    if (status != WIRE_OK) {
        refuse(u, REASON_bad_record, wire_status_text(status), u->m->value);
        return;
    }
    POSITION_SET(&control, &u->arrival.position);
    control.received_us = u->m->append_us;
    control.control_offset = u->m->offset;
    COPY_TO_ALL(u, control, &control);
}

static void import_end_record(struct use *u)
{
    struct import_end end;
    enum wire_status status = import_end_read(&end, u->m->value.at, u->m->value.len);
    if (status != WIRE_OK) {
        refuse(u, REASON_bad_record, wire_status_text(status), u->m->value);
        return;
    }
    end.received_us = u->m->append_us;
    COPY_TO_ALL(u, import_end, &end);
}

static void use_row(struct use *u, struct str row)
{
    struct event e;
    const char *detail;
    if (u->arrival.position.offset == 1 && rees46_is_header(row))
        return;
    draft_begin(u->c->judge.draft);
    enum reason why =
        rees46_read(&e, row, &u->arrival, draft_arena(u->c->judge.draft), &detail);
    if (why == REASON_NONE)
        accept(u, &e);
    else
        refuse(u, why, detail, row);
}

static void use_invoice(struct use *u, struct str lines)
{
    struct collector *c = u->c;
    struct event e;
    const char *detail;
    if (u->arrival.position.offset == 1 && retail_is_header(lines))
        return;
    draft_begin(c->judge.draft);
    enum reason why =
        retail_read(&e, lines, &u->arrival, draft_arena(c->judge.draft), &c->items, &detail);
    if (why == REASON_NONE)
        accept(u, &e);
    else
        refuse(u, why, detail, lines);
}

static void import_line_record(struct use *u)
{
    struct import_line line;
    enum wire_status status = import_line_read(&line, u->m->value.at, u->m->value.len);
    if (status != WIRE_OK || line.import_id == 0) {
        refuse(u, REASON_bad_record, wire_status_text(status), u->m->value);
        return;
    }
    u->arrival.position = POSITION_OF(&line);
    u->arrival.is_import = true;
    u->arrival.site_id = line.site_id;
    if (str_is(line.format, "rees46")) {
        use_row(u, line.body);
    } else if (str_is(line.format, "onlineretail")) {
        use_invoice(u, line.body);
    } else if (str_is(line.format, "ndjson")) {
        enum reason why = use_event(u, false, line.body);
        if (why != REASON_NONE)
            refuse(u, why, draft_detail(u->c->judge.draft), line.body);
    } else if (str_is(line.format, "unfit")) {
        refuse(u, REASON_bad_row, "not as the format of its file says", line.body);
    } else {
        refuse(u, REASON_unknown_format, "", line.body);
    }
}

static void import_record(struct use *u)
{
    struct position p = {0};
    u->arrival.position.origin = ORIGIN_IMPORTS;
    enum wire_status status = position_read(&p, u->m->value.at, u->m->value.len);
    if (status == WIRE_OK && p.rec == REC_import_end)
        import_end_record(u);
    else
        import_line_record(u);
}

enum stage_step collector_record(void *core, const struct stage_message *m, struct outbox *out)
{
    struct use u = {
        .c = core,
        .m = m,
        .out = out,
        .arrival = {.position = {.epoch = COLLECTOR_EPOCH, .offset = m->offset},
                    .received_us = m->append_us,
                    .enrich = ((struct collector *)core)->setup.enrich},
    };
    if (m->topic == TOPIC_raw)
        raw_record(&u);
    else if (m->topic == TOPIC_imports)
        import_record(&u);
    else if (m->topic == TOPIC_control)
        control_record(&u);
    give_signals(&u);
    return STEP_DONE;
}

void collector_timer(void *core, int64_t mono_us, struct outbox *out)
{
    struct collector *c = core;
    for (uint32_t raw = UINT32_MAX;
         ticks_silent(c->ticks, &raw, mono_us, c->setup.heartbeat_us);) {
        (void)outbox_begin(out);
        outbox_end(out, TOPIC_raw, raw, (struct str){NULL, 0});
        c->counts.heartbeats++;
    }
}
