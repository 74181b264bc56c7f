/* SPDX-License-Identifier: Apache-2.0 */
/* The core: batches, positions, keys, ticks, heartbeats, imports, control, and what is refused
 * of each. */
#include "collector/collector_kit.h"
#include "common/base/hash.h"
#include "common/wire/out.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGE(id) "{\"type\":\"page\",\"anonymousId\":\"" id "\"}"

static int open_kit(void **state)
{
    struct kit *k = mem_zero(1, sizeof *k);
    kit_open(k);
    *state = k;
    return 0;
}

static int close_kit(void **state)
{
    kit_close(*state);
    free(*state);
    return 0;
}

/* "e" an event, "r:reason" a refusal, of each output in turn, with its index and body. */
struct expected {
    uint64_t index;
    const char *reason; /* NULL: an event */
    const char *body;
};

static void expect(struct kit *k, const struct expected *want, size_t n)
{
    union record_any r;
    uint64_t rec;
    for (size_t i = 0; i < n; i++) {
        const struct output *o = kit_next(k, &r, &rec);
        assert_non_null(o);
        if (want[i].reason == NULL) {
            assert_true(o->topic == TOPIC_events && rec == REC_event);
            assert_int_equal(r.event.index, want[i].index);
        } else {
            assert_true(o->topic == TOPIC_rejected && rec == REC_rejected);
            assert_int_equal(r.rejected.index, want[i].index);
            assert_true(str_is(r.rejected.reason, want[i].reason));
            assert_true(str_is(r.rejected.stage, "collector"));
            assert_true(str_is(r.rejected.body, want[i].body));
            assert_int_equal(r.rejected.offset, k->offset - 1);
        }
    }
    assert_null(kit_next(k, &r, &rec));
}

static void a_batch_loses_only_what_is_bad(void **state)
{
    struct kit *k = *state;
    static const char batch[] =
        " { \"x\" : [\"]\"], \"sentAt\" : \"2026-01-01T00:00:00Z\", \"batch\" : [ " PAGE(
            "a") " , "
                 "{\"type\":\"page\",\"type\":1} , 5 , {\"a\":\"\xff\"} , {\"a\":01} ," PAGE(
                     "b") ", {\"a\":[}} ] } ";
    static const struct expected want[] = {
        {0, NULL, NULL},
        {1, "duplicate_key", "{\"type\":\"page\",\"type\":1}"},
        {2, "not_an_object", "5"},
        {3, "bad_utf8", "{\"a\":\"\xff\"}"},
        {4, "malformed", "{\"a\":01}"},
        {5, NULL, NULL},
        {6, "malformed", "{\"a\":[}}"},
    };
    kit_send(k, TOPIC_raw, str_of(batch), NULL);
    expect(k, want, ARRAY_LEN(want));
    /* a bracket short: where the event ends is not to be found, so the record is refused whole
     */
    static const char open[] = "{\"batch\":[" PAGE("a") ",{\"a\":[}]}";
    static const struct expected whole = {0, "malformed", open};
    kit_send(k, TOPIC_raw, str_of(open), NULL);
    expect(k, &whole, 1);
}

static void put_msgpack_page(struct buf *b, const char *id)
{
    out_map(b, 2);
    out_str(b, STR("type"));
    out_str(b, STR("page"));
    out_str(b, STR("anonymousId"));
    out_str(b, str_of(id));
}

static void a_msgpack_batch_too(void **state)
{
    struct kit *k = *state;
    struct buf b = {0}, deep = {0};
    for (int i = 0; i < 40; i++)
        buf_byte(&deep, 0x91);
    buf_byte(&deep, 0x05);
    out_map(&b, 2);
    out_str(&b, STR("batch"));
    out_array(&b, 4);
    put_msgpack_page(&b, "a");
    out_str(&b, STR("x"));
    out_map(&b, 1);
    out_str(&b, STR("x"));
    buf_str(&b, buf_as_str(&deep));
    put_msgpack_page(&b, "b");
    out_str(&b, STR("sentAt"));
    out_u64(&b, 1767225600);
    buf_byte(&deep, 0); /* ends the text */
    char text[64] = "\x81\xa1x";
    (void)snprintf(text + 3, sizeof text - 3, "%s", (const char *)deep.at);
    const struct expected want[] = {
        {0, NULL, NULL}, {1, "not_an_object", "\xa1x"}, {2, "too_deep", text}, {3, NULL, NULL}};
    kit_send(k, TOPIC_raw, buf_as_str(&b), "application/msgpack");
    expect(k, want, ARRAY_LEN(want));
    buf_fini(&b);
    buf_fini(&deep);
}

static void a_bad_envelope_refuses_all(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *record, *reason;
    } cases[] = {
        {"{\"batch\":[" PAGE("a") "],\"sentAt\":\"soon\"}", "bad_timestamp"},
        {"{\"batch\":[" PAGE("a") "],\"batch\":[]}", "duplicate_key"},
        {"{\"batch\":[" PAGE("a") "],\"x\":1e999}", "number_out_of_range"},
        {"{\"batch\":[" PAGE("a") "],\"x\":\"\xff\"}", "bad_utf8"},
        {"{\"batch\":[" PAGE("a") "]", "malformed"},
        {"{\"batch\":[" PAGE("a") "]} {}", "malformed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct expected want = {0, cases[i].reason, cases[i].record};
        kit_send(k, TOPIC_raw, str_of(cases[i].record), NULL);
        expect(k, &want, 1);
    }
    kit_send(k, TOPIC_raw, STR("{\"batch\":[]}"), NULL);
    expect(k, NULL, 0);
}

static void the_batch_tells_when_it_was_sent(void **state)
{
    struct kit *k = *state;
    union record_any r;
    uint64_t rec;
    kit_send(k, TOPIC_raw,
             STR("{\"batch\":[{\"type\":\"page\",\"userId\":\"u\",\"timestamp\":\"2025-12-"
                 "31T20:00:00Z\"}],"
                 "\"sentAt\":\"2025-12-31T20:00:10Z\"}"),
             NULL);
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(r.event.ts_us == KIT_RECEIVED_US - 10 * SECOND_US);
    assert_true(r.event.ts_raw_us == KIT_RECEIVED_US - 4 * HOUR_US);
    assert_true(collector_counts(k->core)->clamped == 1);
}

static void put_batch(struct buf *b, unsigned n)
{
    buf_text(b, "{\"batch\":[");
    for (unsigned i = 0; i < n; i++)
        buf_printf(b, "%s{\"type\":\"page\",\"anonymousId\":\"v%u\"}", i ? "," : "", i);
    buf_text(b, "]}");
}

static void a_record_holds_250_events(void **state)
{
    struct kit *k = *state;
    struct buf b = {0};
    union record_any r;
    uint64_t rec;
    put_batch(&b, EVENTS_PER_RECORD);
    kit_send(k, TOPIC_raw, buf_as_str(&b), NULL);
    for (uint64_t i = 0; i < EVENTS_PER_RECORD; i++) {
        assert_non_null(kit_next(k, &r, &rec));
        assert_true(rec == REC_event && r.event.index == i);
    }
    assert_null(kit_next(k, &r, &rec));
    buf_reset(&b);
    put_batch(&b, EVENTS_PER_RECORD + 1);
    struct expected want = {0, "too_many", buf_cstr(&b)};
    kit_send(k, TOPIC_raw, buf_as_str(&b), NULL);
    expect(k, &want, 1);
    buf_fini(&b);
}

static void what_is_refused_is_cut_at_64_kib(void **state)
{
    struct kit *k = *state;
    struct buf b = {0};
    union record_any r;
    uint64_t rec;
    buf_text(&b, "{\"x\":\"");
    memset(buf_take(&b, 100000), 'y', 100000);
    kit_send(k, TOPIC_raw, buf_as_str(&b), NULL);
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(str_is(r.rejected.reason, "too_large"));
    assert_true(str_is(r.rejected.detail, "body cut from 100006 bytes"));
    assert_true(str_eq(r.rejected.body, str_over(b.at, REJECTED_BODY_MAX)));
    buf_fini(&b);
}

static void events_go_where_their_visitor_belongs(void **state)
{
    struct kit *k = *state;
    union record_any r;
    uint64_t rec;
    kit_send(
        k, TOPIC_raw,
        STR("{\"type\":\"page\",\"anonymousId\":\"a_123\",\"userId\":\"u\",\"site_id\":7}"),
        NULL);
    const struct output *o = kit_next(k, &r, &rec);
    assert_true(str_is(o->key, "7:a_123"));
    assert_int_equal(o->partition, hash_partition(STR("7:a_123"), KIT_PARTITIONS));
    kit_send(k, TOPIC_raw, STR("{\"type\":\"page\",\"userId\":\"u\"}"), NULL);
    o = kit_next(k, &r, &rec);
    assert_true(str_is(o->key, "1:u") && str_is(r.event.visitor, "u"));
    k->partition = 3;
    kit_send(k, TOPIC_raw, STR("x"), NULL);
    o = kit_next(k, &r, &rec);
    assert_true(o->topic == TOPIC_rejected && o->partition == 3 && o->key.len == 0);
    struct stage_message m = {.topic = TOPIC_raw,
                              .value = STR(PAGE("a")),
                              .append_us = k->append_us,
                              .traceparent = STR("00-1-2-01")};
    assert_int_equal(collector_record(k->core, &m, k->out), STEP_DONE);
    o = kit_next(k, &r, &rec);
    assert_true(str_is(o->traceparent, "00-1-2-01"));
}

static unsigned ticks_in(struct kit *k, uint64_t *partitions)
{
    unsigned n = 0;
    *partitions = 0;
    for (uint64_t i = outbox_first(k->out); i < outbox_next(k->out); i++) {
        const struct output *o = outbox_at(k->out, i);
        struct tick t;
        if (tick_read(&t, o->value.at, o->value.len) != WIRE_OK)
            continue;
        assert_true(o->topic == TOPIC_events && o->key.len == 0 && t.index == INDEX_TICK);
        assert_true(t.received_us == k->append_us && t.raw_partition == k->partition);
        assert_true(t.offset == k->offset - 1 && t.raw_partitions == KIT_PARTITIONS);
        *partitions |= (uint64_t)1 << o->partition;
        n++;
    }
    return n;
}

static void send_heartbeat(struct kit *k)
{
    struct stage_message m = {.topic = TOPIC_raw,
                              .partition = k->partition,
                              .offset = k->offset++,
                              .append_us = k->append_us,
                              .value = str_over("", 0),
                              .ce_type = STR(COLLECTOR_HEARTBEAT)};
    outbox_drop(k->out, outbox_next(k->out));
    assert_int_equal(collector_record(k->core, &m, k->out), STEP_DONE);
}

static void silence_makes_ticks(void **state)
{
    struct kit *k = *state;
    const uint64_t own = (uint64_t)1 << hash_partition(STR("1:a"), KIT_PARTITIONS), all = 15;
    uint64_t where;
    /* after a restart nothing is known: the event speaks for its partition, but a tick is due
     */
    kit_send(k, TOPIC_raw, STR(PAGE("a")), NULL);
    assert_int_equal(ticks_in(k, &where), KIT_PARTITIONS);
    k->append_us += 999999;
    kit_send(k, TOPIC_raw, STR(PAGE("a")), NULL);
    assert_int_equal(ticks_in(k, &where), 0);
    k->append_us += 1;
    send_heartbeat(k);
    assert_int_equal(ticks_in(k, &where), KIT_PARTITIONS - 1);
    assert_true(where == (all & ~own));
    /* one partition gets events all the time and still a tick every 10 s */
    for (int i = 0; i < 17; i++) {
        k->append_us += SECOND_US / 2;
        kit_send(k, TOPIC_raw, STR(PAGE("a")), NULL);
        (void)ticks_in(k, &where);
        assert_true((where & own) == 0);
    }
    k->append_us = KIT_RECEIVED_US + 10 * SECOND_US;
    kit_send(k, TOPIC_raw, STR(PAGE("a")), NULL);
    (void)ticks_in(k, &where);
    assert_true((where & own) != 0);
    /* another raw partition is another clock; a forged heartbeat with a body is an event */
    k->partition = 1;
    send_heartbeat(k);
    assert_int_equal(ticks_in(k, &where), KIT_PARTITIONS);
    collector_revoke(k->core, TOPIC_raw, 1);
    collector_assign(k->core, TOPIC_raw, 1);
    send_heartbeat(k);
    assert_int_equal(ticks_in(k, &where), KIT_PARTITIONS);
}

static unsigned heartbeats_at(struct kit *k, int64_t mono_us, uint64_t *where)
{
    outbox_drop(k->out, outbox_next(k->out));
    collector_timer(k->core, mono_us, k->out);
    *where = 0;
    for (uint64_t i = outbox_first(k->out); i < outbox_next(k->out); i++) {
        const struct output *o = outbox_at(k->out, i);
        assert_true(o->topic == TOPIC_raw && o->key.len == 0 && o->value.len == 0);
        *where |= (uint64_t)1 << o->partition;
    }
    return (unsigned)(outbox_next(k->out) - outbox_first(k->out));
}

static void silent_partitions_get_heartbeats(void **state)
{
    struct kit *k = *state;
    uint64_t where;
    collector_revoke(k->core, TOPIC_raw, 3);
    assert_int_equal(heartbeats_at(k, 5000000, &where), 0);
    assert_int_equal(heartbeats_at(k, 5900000, &where), 0);
    k->partition = 2;
    kit_send(k, TOPIC_raw, STR("x"), NULL);
    assert_int_equal(heartbeats_at(k, 6000000, &where), 2);
    assert_true(where == 3);
    assert_int_equal(heartbeats_at(k, 6100000, &where), 0); /* on its way */
    assert_int_equal(heartbeats_at(k, 7000000, &where), 3);
    assert_true(where == 7);
    assert_true(collector_counts(k->core)->heartbeats == 5);
}

static void control_reaches_every_partition(void **state)
{
    struct kit *k = *state;
    struct control c;
    struct buf b = {0};
    union record_any r;
    uint64_t rec;
    control_init(&c);
    c.what = STR("model");
    c.version = 3;
    control_pack(&b, &c);
    kit_send(k, TOPIC_control, buf_as_str(&b), NULL);
    for (uint32_t p = 0; p < KIT_PARTITIONS; p++) {
        const struct output *o = kit_next(k, &r, &rec);
        assert_true(o->topic == TOPIC_events && o->partition == p && rec == REC_control);
        assert_true(r.control.origin == ORIGIN_CONTROL && r.control.epoch == 1);
        assert_true(r.control.offset == 100 && r.control.control_offset == 100);
        assert_true(r.control.received_us == KIT_RECEIVED_US && r.control.version == 3);
    }
    struct expected want = {0, "bad_record", "x"};
    kit_send(k, TOPIC_control, STR("x"), NULL);
    expect(k, &want, 1);
    buf_fini(&b);
}

/* A copy for each partition of events, behind all events and ticks of its record. */
static void signals_reach_every_partition(void **state)
{
    struct kit *k = *state;
    static const char batch[] =
        "{\"batch\":[{\"type\":\"external_signal\",\"userId\":\"feed\",\"site_id\":7,\"kind\":"
        "\"weather\",\"country\":\"DE\",\"region\":\"BY\",\"value\":21.5,\"valid_from\":"
        "\"2026-01-02\",\"valid_to\":\"2026-01-03\"}," PAGE(
            "a") ",{\"type\":\"external_signal\","
                 "\"userId\":\"feed\"},{\"type\":\"external_signal\",\"userId\":\"feed\","
                 "\"country\":\"FR\","
                 "\"kind\":\"holiday\",\"valid_from\":1767225600}]}";
    struct position last[KIT_PARTITIONS] = {{0}};
    unsigned n_events = 0, n_signals = 0, n_ticks = 0;
    kit_send(k, TOPIC_raw, str_of(batch), NULL);
    for (uint64_t i = outbox_first(k->out); i < outbox_next(k->out); i++) {
        const struct output *o = outbox_at(k->out, i);
        struct position p;
        struct signal s;
        assert_int_equal(position_read(&p, o->value.at, o->value.len), WIRE_OK);
        if (o->topic != TOPIC_events)
            continue;
        assert_true(position_cmp(&last[o->partition], &p) < 0);
        last[o->partition] = p;
        n_events += p.rec == REC_event;
        n_ticks += p.rec == REC_tick;
        if (p.rec != REC_signal)
            continue;
        assert_int_equal(signal_read(&s, o->value.at, o->value.len), WIRE_OK);
        assert_true(s.offset == k->offset - 1 && s.origin == ORIGIN_RAW && s.epoch == 1);
        assert_int_equal(s.index, INDEX_SIGNAL + (n_signals < KIT_PARTITIONS ? 0 : 3));
        assert_int_equal(o->partition, n_signals % KIT_PARTITIONS);
        assert_true(s.received_us == KIT_RECEIVED_US);
        if (s.index == INDEX_SIGNAL) {
            assert_true(s.site_id == 7 && str_is(s.kind, "weather") && str_is(s.region, "BY"));
            assert_true(s.value == 21.5 && s.from_us == KIT_RECEIVED_US + DAY_US);
            assert_true(s.to_us == KIT_RECEIVED_US + 2 * DAY_US);
        } else {
            assert_true(str_is(s.region, "FR") && isnan(s.value) && s.to_us == 0);
        }
        n_signals++;
    }
    assert_true(n_events == 3 && n_signals == 2 * KIT_PARTITIONS && n_ticks > 0);
    assert_int_equal(collector_counts(k->core)->signals, 2);
    kit_send(k, TOPIC_raw, STR(PAGE("a")), NULL); /* the next record has none */
    union record_any r;
    uint64_t rec;
    assert_non_null(kit_next(k, &r, &rec));
    assert_null(kit_next(k, &r, &rec));
}

/* GA4's body as a record of raw, in JSON and msgpack. */
static void the_measurement_protocol_is_a_batch(void **state)
{
    struct kit *k = *state;
    struct buf b = {0};
    union record_any r;
    uint64_t rec;
    kit_send(k, TOPIC_raw,
             STR("{\"client_id\":\"c\",\"events\":[{\"name\":\"search\",\"params\":{"
                 "\"search_term\":\"pan\"}},5,{\"name\":\"x\",\"timestamp_micros\":"
                 "1767225599000000}],\"timestamp_micros\":1767225590000000}"),
             NULL);
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_event && str_is(r.event.type, "search_performed"));
    assert_true(str_is(r.event.visitor, "c") && str_is(r.event.query, "pan"));
    assert_true(r.event.ts_us == KIT_RECEIVED_US - 10 * SECOND_US);
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_rejected && str_is(r.rejected.body, "5"));
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_event && r.event.ts_us == KIT_RECEIVED_US - SECOND_US);
    out_map(&b, 2);
    out_str(&b, STR("events"));
    out_array(&b, 1);
    out_map(&b, 1);
    out_str(&b, STR("name"));
    out_str(&b, STR("search"));
    out_str(&b, STR("client_id"));
    out_str(&b, STR("c"));
    kit_send(k, TOPIC_raw, buf_as_str(&b), NULL);
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_event && str_is(r.event.type, "search_performed"));
    assert_true(str_is(r.event.visitor, "c"));
    /* two arrays: of which one is the batch? */
    static const char two[] = "{\"events\":[" PAGE("a") "],\"batch\":[" PAGE("b") "]}";
    static const struct expected want = {0, "bad_field", two};
    kit_send(k, TOPIC_raw, str_of(two), NULL);
    expect(k, &want, 1);
    /* a member of that name need not be one */
    kit_send(k, TOPIC_raw, STR("{\"events\":1,\"batch\":[" PAGE("a") "]}"), NULL);
    static const struct expected one = {0, NULL, NULL};
    expect(k, &one, 1);
    /* an event may have a property of that name */
    kit_send(k, TOPIC_raw, STR("{\"type\":\"x\",\"userId\":\"u\",\"events\":[1]}"), NULL);
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_event && str_is(r.event.properties, "{\"events\":[1]}"));
    buf_fini(&b);
}

static void send_line(struct kit *k, const char *format, uint64_t number, const char *body)
{
    struct import_line line;
    struct buf b = {0};
    import_line_init(&line);
    line.epoch = 1;
    line.origin = ORIGIN_IMPORTS;
    line.import_id = 0xabc;
    line.offset = number;
    line.site_id = 7;
    line.format = str_of(format);
    line.body = str_of(body);
    import_line_pack(&b, &line);
    kit_send(k, TOPIC_imports, buf_as_str(&b), NULL);
    buf_fini(&b);
}

static void imports_keep_their_times_and_lines(void **state)
{
    struct kit *k = *state;
    union record_any r;
    uint64_t rec;
    send_line(k, "ndjson", 5,
              "{\"type\":\"page\",\"userId\":\"u\",\"site_id\":3,\"timestamp\":\"2019-10-01T00:"
              "00:00Z\"}");
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_event && r.event.origin == ORIGIN_IMPORTS && r.event.offset == 5);
    assert_true(r.event.import_id == 0xabc && r.event.site_id == 7);
    assert_true(str_is(r.event.event_id, "iabc-5") && str_is(r.event.source, "import"));
    assert_true(r.event.ts_us == 1569888000 * SECOND_US && r.event.ts_raw_us == 0);
    static const struct {
        const char *format, *body, *reason;
    } bad[] = {
        {"ndjson", "{\"type\":\"page\",\"userId\":\"u\"}", "no_timestamp"},
        {"ndjson", "{\"batch\":[]}", "bad_field"},
        {"ndjson", "", "malformed"},
        {"xml", "<x/>", "unknown_format"},
        {"rees46", "2019-10-01 02:50:00 UTC,view,1,2,,b,25.71,520", "bad_row"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        send_line(k, bad[i].format, 6 + i, bad[i].body);
        assert_non_null(kit_next(k, &r, &rec));
        assert_true(rec == REC_rejected && str_is(r.rejected.reason, bad[i].reason));
        assert_true(r.rejected.origin == ORIGIN_IMPORTS && r.rejected.offset == 6 + i);
        assert_true(r.rejected.import_id == 0xabc && r.rejected.of_import == 0xabc);
        assert_true(r.rejected.site_id == 7 && str_is(r.rejected.body, bad[i].body));
    }
    struct expected want = {0, "bad_record", "\x81"};
    kit_send(k, TOPIC_imports, STR("\x81"), NULL);
    expect(k, &want, 1);
}

static void an_imported_signal_reaches_every_partition(void **state)
{
    struct kit *k = *state;
    union record_any r;
    uint64_t rec;
    send_line(
        k, "ndjson", 5,
        "{\"type\":\"external_signal\",\"userId\":\"feed\",\"kind\":\"trend\",\"value\":2,"
        "\"valid_from\":\"2019-10-01\",\"timestamp\":\"2019-10-01\"}");
    assert_non_null(kit_next(k, &r, &rec));
    assert_int_equal(rec, REC_event);
    for (uint32_t p = 0; p < KIT_PARTITIONS; p++) {
        const struct output *o = kit_next(k, &r, &rec);
        assert_true(o->partition == p && rec == REC_signal && r.signal.offset == 5);
        assert_true(r.signal.import_id == 0xabc && r.signal.index == INDEX_SIGNAL);
        assert_true(r.signal.site_id == 7 && r.signal.region.len == 0 && r.signal.value == 2);
    }
    assert_null(kit_next(k, &r, &rec));
}

static void the_end_of_an_import_reaches_every_partition(void **state)
{
    struct kit *k = *state;
    struct import_end end;
    struct buf b = {0};
    union record_any r;
    uint64_t rec;
    import_end_init(&end);
    end.origin = ORIGIN_IMPORTS;
    end.import_id = end.of_import = 0xabc;
    end.offset = 18;
    end.lines = 17;
    import_end_pack(&b, &end);
    kit_send(k, TOPIC_imports, buf_as_str(&b), NULL);
    for (uint32_t p = 0; p < KIT_PARTITIONS; p++) {
        const struct output *o = kit_next(k, &r, &rec);
        assert_true(o->partition == p && rec == REC_import_end && r.import_end.offset == 18);
        assert_true(r.import_end.lines == 17 && r.import_end.received_us == KIT_RECEIVED_US);
    }
    buf_fini(&b);
}

static void the_header_stands_above_the_first_byte(void **state)
{
    struct kit *k = *state;
    union record_any r;
    uint64_t rec;
    kit_send(k, TOPIC_raw, STR(PAGE("a")), "application/msgpack");
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_rejected);
    kit_send(k, TOPIC_raw, STR(PAGE("a")), "application/json; charset=utf-8");
    assert_non_null(kit_next(k, &r, &rec));
    assert_true(rec == REC_event);
}

#define WITH_KIT(test) cmocka_unit_test_setup_teardown(test, open_kit, close_kit)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KIT(a_batch_loses_only_what_is_bad),
        WITH_KIT(a_msgpack_batch_too),
        WITH_KIT(a_bad_envelope_refuses_all),
        WITH_KIT(the_batch_tells_when_it_was_sent),
        WITH_KIT(a_record_holds_250_events),
        WITH_KIT(what_is_refused_is_cut_at_64_kib),
        WITH_KIT(events_go_where_their_visitor_belongs),
        WITH_KIT(silence_makes_ticks),
        WITH_KIT(silent_partitions_get_heartbeats),
        WITH_KIT(control_reaches_every_partition),
        WITH_KIT(signals_reach_every_partition),
        WITH_KIT(the_measurement_protocol_is_a_batch),
        WITH_KIT(imports_keep_their_times_and_lines),
        WITH_KIT(an_imported_signal_reaches_every_partition),
        WITH_KIT(the_end_of_an_import_reaches_every_partition),
        WITH_KIT(the_header_stands_above_the_first_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
