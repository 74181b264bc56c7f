/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_test - what needs no database: lanes, and reading of records good and bad. */
#include "archiver/lanes.h"
#include "archiver/read.h"
#include "common/base/clock.h"
#include "common/wire/json_out.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RECEIVED_US ((int64_t)1763600000 * SECOND_US)

static struct position raw_at(uint64_t partition, uint64_t offset)
{
    return (struct position){.rec = REC_event,
                             .epoch = 1,
                             .origin = ORIGIN_RAW,
                             .partition = partition,
                             .offset = offset};
}

static void test_lanes_are_apart(void **state)
{
    (void)state;
    struct lanes l = {0};
    unsigned own = lane_of_rejected(STR("archiver"), STR("events 22021"));
    unsigned unread = lane_of_rejected(STR("archiver"), STR("events! malformed"));
    struct position at = raw_at(3, 100), before = raw_at(3, 50);
    assert_int_equal(own, lane_of(TOPIC_events, true));
    assert_int_equal(unread, lane_of(TOPIC_events, false));
    assert_int_equal(lane_of_rejected(STR("collector"), STR("events 22021")), LANE_MAIN);
    assert_int_equal(lane_of_rejected(STR("archiver"), STR("nothing known")), LANE_MAIN);
    assert_int_equal(lane_of_rejected(STR("archiver"), STR("")), LANE_MAIN);
    assert_true(marks_pass(&l.at[LANE_MAIN], &at));
    assert_true(marks_pass(&l.at[own], &before)); /* older, but another writer's */
    assert_false(marks_pass(&l.at[LANE_MAIN], &before));
    assert_false(marks_pass(&l.at[own], &before));
    lanes_fini(&l);
}

static void test_lanes_text(void **state)
{
    (void)state;
    struct lanes l = {0}, again = {0};
    struct buf text = {0}, text_again = {0};
    struct position p = raw_at(3, 100), q = raw_at(0, 7);
    (void)marks_pass(&l.at[LANE_MAIN], &p);
    (void)marks_pass(&l.at[lane_of(TOPIC_sessions, true)], &q);
    (void)marks_pass(&l.at[lane_of(TOPIC_events, false)], &p);
    lanes_print(&l, &text);
    assert_string_equal(buf_cstr(&text),
                        "v1 r3=1:100:0 | events! v1 r3=1:100:0 | sessions v1 r0=1:7:0");
    assert_true(lanes_parse(&again, buf_as_str(&text)));
    lanes_print(&again, &text_again);
    assert_string_equal(buf_cstr(&text), buf_cstr(&text_again));
    static const char *const bad[] = {"v1 r3", "v1 | nowhere v1", "v1 | events x", "x",
                                      "v1 | events v1 r0=1:1:0 | events v1 r0=1:1:0"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(lanes_parse(&again, str_of(bad[i])));
    assert_true(lanes_parse(&again, STR("")));
    assert_int_equal(again.at[LANE_MAIN].n, 0);
    lanes_fini(&l);
    lanes_fini(&again);
    buf_fini(&text);
    buf_fini(&text_again);
}

static enum read_status read_bytes(struct reading *r, enum topic t, struct str value,
                                   const char *content_type)
{
    static struct arena arena;
    struct stage_message m = {.topic = t, .value = value, .content_type = str_of(content_type)};
    return read_message(r, &m, &arena);
}

static void test_reads_events(void **state)
{
    (void)state;
    struct reading r;
    struct event event;
    struct buf b = {0};
    event_init(&event);
    event.origin = ORIGIN_RAW;
    event.offset = 9;
    event.received_us = RECEIVED_US;
    event.site_id = 7;
    event_pack(&b, &event);
    assert_int_equal(read_bytes(&r, TOPIC_events, buf_as_str(&b), ""), READ_ROW);
    assert_int_equal(r.position.offset, 9);
    assert_int_equal(r.site_id, 7);
    assert_int_equal(r.received_us, RECEIVED_US);
    assert_int_equal(read_bytes(&r, TOPIC_features, buf_as_str(&b), ""), READ_BAD);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(read_bytes(&r, TOPIC_events, str_over(b.at, len), ""), READ_BAD);
    buf_fini(&b);
}

static void expect_notice(struct buf *b, enum read_status status, uint64_t site,
                          enum read_status behind)
{
    struct reading r;
    assert_int_equal(read_bytes(&r, TOPIC_events, buf_as_str(b), ""), status);
    if (status == READ_NOTICE)
        assert_true(r.site_id == site && r.received_us == RECEIVED_US);
    if (status == READ_NOTICE && r.position.rec != REC_signal) /* which stays in events */
        assert_int_equal(read_bytes(&r, TOPIC_features, buf_as_str(b), ""), behind);
    for (size_t len = 0; len < b->len; len++)
        assert_int_equal(read_bytes(&r, TOPIC_events, str_over(b->at, len), ""), READ_BAD);
    buf_reset(b);
}

/* What matters to features beside events has rows; a tick has none. */
static void test_reads_notices(void **state)
{
    (void)state;
    struct buf b = {0};
    struct control c;
    struct signal g;
    struct import_end i;
    control_init(&c);
    c.received_us = RECEIVED_US;
    control_pack(&b, &c);
    expect_notice(&b, READ_NOTICE, 0, READ_PASS);
    signal_init(&g);
    g.received_us = RECEIVED_US;
    g.site_id = 4;
    signal_pack(&b, &g);
    expect_notice(&b, READ_NOTICE, 4, READ_BAD);
    import_end_init(&i);
    i.received_us = RECEIVED_US;
    i.site_id = 5;
    import_end_pack(&b, &i);
    expect_notice(&b, READ_NOTICE, 5, READ_PASS);
    i.clock_us = RECEIVED_US; /* as featurizer tells it */
    import_end_pack(&b, &i);
    expect_notice(&b, READ_NOTICE, 5, READ_NOTICE);
    i.received_us = 0; /* no time that a column could hold */
    import_end_pack(&b, &i);
    struct reading r;
    assert_int_equal(read_bytes(&r, TOPIC_events, buf_as_str(&b), ""), READ_BAD);
    buf_fini(&b);
}

static void test_refuses_what_no_column_holds(void **state)
{
    (void)state;
    static const struct {
        uint64_t epoch, partition, index;
        int64_t received_us;
        enum read_status status;
    } cases[] = {
        {1, 0, 0, RECEIVED_US, READ_ROW},
        {(uint64_t)INT32_MAX + 1, 0, 0, RECEIVED_US, READ_BAD},
        {1, (uint64_t)INT32_MAX + 1, 0, RECEIVED_US, READ_BAD},
        {1, 0, UINT64_MAX, RECEIVED_US, READ_BAD},
        {1, 0, 0, 0, READ_BAD},
        {1, 0, 0, -RECEIVED_US, READ_BAD},
        {1, 0, 0, INT64_MAX, READ_BAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading r;
        struct session session;
        struct buf b = {0};
        session_init(&session);
        session.epoch = cases[i].epoch;
        session.partition = cases[i].partition;
        session.index = cases[i].index;
        session.received_us = cases[i].received_us;
        session_pack(&b, &session);
        assert_int_equal(read_bytes(&r, TOPIC_sessions, buf_as_str(&b), ""), cases[i].status);
        buf_fini(&b);
    }
}

static void test_refuses_bad_kinds(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {0x92, 0x80, 0xc0}; /* a kind, and a nil */
    struct reading r;
    struct prediction p;
    struct buf b = {0};
    prediction_init(&p);
    p.received_us = RECEIVED_US;
    p.kinds = (struct wire_list){kinds, sizeof kinds, 2};
    prediction_pack(&b, &p);
    assert_int_equal(read_bytes(&r, TOPIC_predictions, buf_as_str(&b), ""), READ_BAD);
    buf_fini(&b);
}

static void test_passes_what_is_forwarded(void **state)
{
    (void)state;
    struct reading r;
    struct tick tick;
    struct buf b = {0}, json = {0};
    tick_init(&tick);
    tick.epoch = 1;
    tick.origin = ORIGIN_EVENTS;
    tick.offset = 5;
    tick_pack(&b, &tick);
    record_json(&json, &tick_def, &tick);
    assert_int_equal(read_bytes(&r, TOPIC_predictions, buf_as_str(&b), ""), READ_PASS);
    assert_int_equal(r.position.offset, 5);
    r.position.offset = 0;
    assert_int_equal(read_bytes(&r, TOPIC_predictions, buf_as_str(&json), "application/json"),
                     READ_PASS);
    assert_int_equal(r.position.offset, 5);
    buf_fini(&b);
    buf_fini(&json);
}

static void test_reads_json_predictions(void **state)
{
    (void)state;
    struct reading r;
    struct prediction p;
    struct buf json = {0};
    prediction_init(&p);
    p.epoch = 1;
    p.origin = ORIGIN_EVENTS;
    p.partition = 3;
    p.offset = 12;
    p.received_us = RECEIVED_US;
    p.features_hash = 0xfedcba9876543210u;
    record_json(&json, &prediction_def, &p);
    assert_int_equal(read_bytes(&r, TOPIC_predictions, buf_as_str(&json), "application/json"),
                     READ_ROW);
    assert_int_equal(r.position.partition, 3);
    assert_int_equal(r.position.offset, 12);
    assert_true(r.record.prediction.features_hash == p.features_hash);
    assert_int_equal(read_bytes(&r, TOPIC_predictions, STR("{\"a\":"), "application/json"),
                     READ_BAD);
    assert_int_equal(read_bytes(&r, TOPIC_events, buf_as_str(&json), ""), READ_BAD);
    buf_fini(&json);
}

static void test_reads_the_loop(void **state)
{
    (void)state;
    struct reading r;
    struct intervention i;
    struct delivery d;
    struct buf json = {0}, b = {0};
    intervention_init(&i);
    i.origin = ORIGIN_EVENTS;
    i.offset = 12;
    i.index = 3;
    i.received_us = RECEIVED_US;
    i.of_import = 9;
    record_json(&json, &intervention_def, &i);
    assert_int_equal(read_bytes(&r, TOPIC_interventions, buf_as_str(&json), "application/json"),
                     READ_ROW);
    assert_int_equal(r.position.offset, 12);
    assert_int_equal(r.position.index, 3);
    assert_int_equal(r.of_import, 9);
    assert_int_equal(read_bytes(&r, TOPIC_predictions, buf_as_str(&json), "application/json"),
                     READ_BAD);
    assert_int_equal(read_bytes(&r, TOPIC_outcomes, buf_as_str(&json), "application/json"),
                     READ_BAD);
    delivery_init(&d);
    delivery_pack(&b, &d);
    assert_int_equal(read_bytes(&r, TOPIC_deliveries, buf_as_str(&b), ""),
                     READ_BAD); /* no day */
    d.started_us = RECEIVED_US;
    buf_reset(&b);
    delivery_pack(&b, &d);
    assert_int_equal(read_bytes(&r, TOPIC_deliveries, buf_as_str(&b), ""), READ_ROW);
    assert_int_equal(r.received_us, RECEIVED_US);
    buf_fini(&json);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_are_apart),
        cmocka_unit_test(test_lanes_text),
        cmocka_unit_test(test_reads_events),
        cmocka_unit_test(test_reads_notices),
        cmocka_unit_test(test_refuses_what_no_column_holds),
        cmocka_unit_test(test_refuses_bad_kinds),
        cmocka_unit_test(test_passes_what_is_forwarded),
        cmocka_unit_test(test_reads_json_predictions),
        cmocka_unit_test(test_reads_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
