/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_db_test - the core against a real PostgreSQL, named by AUSPEX_TEST_DSN (key=value
 * form, of a role that may make databases); skipped without it. Each test uses a consumer group
 * of its own, so that the offsets of one do not meet another's, and its own site_id. */
#include "archiver/archiver.h"
#include "archiver/archiver_rig.h"
#include "archiver/lost_answer.h"
#include "archiver/store.h"
#include "common/base/clock.h"
#include "common/bus/counters.h"
#include "common/db/db.h"
#include "common/wire/json_out.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Event number n of raw partition 0, at `offset` of events/partition. */
static void give_event(struct rig *r, uint64_t site, uint32_t partition, uint64_t offset,
                       uint64_t n, struct str title)
{
    struct event event;
    event_init(&event);
    event.epoch = 1;
    event.origin = ORIGIN_RAW;
    event.offset = n;
    event.received_us = RECEIVED_US + (int64_t)n;
    event.ts_us = event.received_us;
    event.site_id = site;
    event.visitor = STR("someone");
    event.type = STR("page_view");
    event.title = title;
    event.body_hash = UINT64_MAX - n;
    event.properties = STR("{\"big\": 12345678901234567890}");
    buf_reset(&r->value);
    event_pack(&r->value, &event);
    rig_give(r, TOPIC_events, partition, offset);
}

static void give_events(struct rig *r, uint64_t site, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++)
        give_event(r, site, 0, n, n, STR("title"));
}

static void give_vector(struct rig *r, uint64_t site, uint32_t partition, uint64_t offset,
                        uint64_t verdict)
{
    static const float features[] = {1.5f, -2.0f};
    struct vector v;
    vector_init(&v);
    v.epoch = 1;
    v.origin = ORIGIN_EVENTS;
    v.partition = partition;
    v.offset = offset;
    v.received_us = RECEIVED_US;
    v.site_id = site;
    v.verdict = verdict;
    if (verdict == 0)
        v.features = str_over(features, sizeof features);
    buf_reset(&r->value);
    vector_pack(&r->value, &v);
    rig_give(r, TOPIC_features, partition, offset);
}

/* A prediction with two kinds, as msgpack or JSON. */
static void give_prediction(struct rig *r, uint64_t site, uint32_t partition, uint64_t offset,
                            uint64_t verdict, bool is_json)
{
    struct prediction p;
    struct buf kinds = {0};
    struct kind k;
    prediction_init(&p);
    p.epoch = 1;
    p.origin = ORIGIN_EVENTS;
    p.partition = partition;
    p.offset = offset;
    p.received_us = RECEIVED_US;
    p.site_id = site;
    p.verdict = verdict;
    p.features_hash = UINT64_MAX;
    buf_byte(&kinds, 0x92);
    for (int i = 0; i < 2; i++) {
        kind_init(&k);
        k.kind = i ? STR("churn") : STR("conversion");
        k.probability = 0.1 + i;
        k.version = 3;
        kind_pack(&kinds, &k);
    }
    if (verdict == 0)
        p.kinds = (struct wire_list){kinds.at, kinds.len, 2};
    buf_reset(&r->value);
    if (is_json)
        record_json(&r->value, &prediction_def, &p);
    else
        prediction_pack(&r->value, &p);
    rig_give(r, TOPIC_predictions, partition, offset);
    buf_fini(&kinds);
}

static void expect_events(uint64_t site, int64_t rows)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM events_all WHERE site_id = %d",
                   (int)site);
    assert_int_equal(ask(sql), rows);
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(DISTINCT source_offset) FROM events_all WHERE site_id = %d",
                   (int)site);
    assert_int_equal(ask(sql), rows);
}

static void test_rows(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "rows");
    assert_int_equal(rig_seek(&r, TOPIC_events, 1), 0);
    assert_int_equal(rig_seek(&r, TOPIC_features, 1), 0);
    assert_int_equal(rig_seek(&r, TOPIC_predictions, 1), 0);
    for (uint64_t n = 0; n < 3; n++)
        give_event(&r, 1, 1, n, n, STR("title"));
    give_vector(&r, 1, 1, 0, 0);
    give_vector(&r, 1, 1, 1, 1);
    give_vector(&r, 1, 1, 2, 2);
    give_prediction(&r, 1, 1, 0, 0, false);
    give_prediction(&r, 1, 1, 1, 1, false);
    give_prediction(&r, 1, 1, 2, 0, true);
    rig_store(&r);
    assert_int_equal(
        ask("SELECT count(*) FROM events_all WHERE site_id = 1 AND body_hash = -1 - "
            "source_offset AND partition = 1 AND \"offset\" = source_offset"),
        3);
    assert_int_equal(
        ask("SELECT count(*) FROM events_all WHERE site_id = 1 AND url IS NULL AND "
            "price IS NULL AND (properties->>'big') = '12345678901234567890' AND "
            "extract(epoch FROM received)::bigint = 1763600000"),
        3);
    assert_int_equal(
        ask("SELECT count(*) FROM features WHERE site_id = 1 AND \"offset\" = 0 AND "
            "features = '\\x0000c03f000000c0'"),
        1);
    assert_int_equal(ask("SELECT count(*) FROM features WHERE site_id = 1"), 1);
    assert_int_equal(ask("SELECT count(*) FROM repeats WHERE site_id = 1 AND \"offset\" = 1"),
                     1);
    assert_int_equal(ask("SELECT count(*) FROM predictions WHERE site_id = 1"), 4);
    assert_int_equal(
        ask("SELECT count(*) FROM predictions a JOIN predictions b USING (kind, "
            "probability, version, features_hash, received) WHERE a.\"offset\" = 0 "
            "AND b.\"offset\" = 2 AND a.features_hash = -1"),
        2); /* JSON and msgpack alike */
    assert_int_equal(ask("SELECT count(*) FROM events WHERE site_id = 1"), 2); /* no repeat */
    assert_int_equal(ask("SELECT sum(next_offset) FROM archive_offsets WHERE grp = 'rows'"), 9);
    archiver_timer(r.archiver, 0, r.outbox);
    assert_true(
        counter_of(r.counters, COUNTER_archiver_rows_total, "predictions", NULL)->value == 4);
    rig_close(&r);
}

/* The view leaves out what featurizer refused as id_conflict, and only that. */
static void test_conflicts_leave_the_view(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "conflicts");
    struct rejected rejected;
    (void)rig_seek(&r, TOPIC_events, 2);
    (void)rig_seek(&r, TOPIC_rejected, 2);
    give_event(&r, 2, 2, 0, 10, STR("title"));
    give_event(&r, 2, 2, 1, 11, STR("title"));
    rejected_init(&rejected);
    rejected.epoch = 1;
    rejected.origin = ORIGIN_EVENTS;
    rejected.partition = 2;
    rejected.offset = 1;
    rejected.received_us = RECEIVED_US;
    rejected.stage = STR("featurizer");
    rejected.reason = STR("id_conflict");
    rejected.body = str_over("\x00\xff", 2);
    buf_reset(&r.value);
    rejected_pack(&r.value, &rejected);
    rig_give(&r, TOPIC_rejected, 2, 0);
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM events WHERE site_id = 2"), 1);
    assert_int_equal(ask("SELECT count(*) FROM events_all WHERE site_id = 2"), 2);
    assert_int_equal(ask("SELECT count(*) FROM rejected WHERE body = '\\x00ff'"), 1);
    rig_close(&r);
}

/* Records between events get rows as they stand; each position once, ticks none. */
static void test_notices(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "notices");
    struct control c;
    struct tick k;
    (void)rig_seek(&r, TOPIC_events, 3);
    control_init(&c);
    c.epoch = 1;
    c.origin = ORIGIN_CONTROL;
    c.offset = 5;
    c.received_us = RECEIVED_US;
    c.what = STR("site");
    buf_reset(&r.value);
    control_pack(&r.value, &c);
    rig_give(&r, TOPIC_events, 3, 7);
    rig_give(&r, TOPIC_events, 3, 8); /* repeated further up */
    tick_init(&k);
    k.epoch = 1;
    k.origin = ORIGIN_RAW;
    k.received_us = RECEIVED_US;
    buf_reset(&r.value);
    tick_pack(&r.value, &k);
    rig_give(&r, TOPIC_events, 3, 9);
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM notices WHERE epoch = 1 AND partition = 3 AND "
                         "rec = 5 AND \"offset\" = 7 AND "
                         "extract(epoch FROM received)::bigint = 1763600000"),
                     1);
    assert_int_equal(ask("SELECT count(*) FROM notices WHERE partition = 3"), 1);
    rig_close(&r);
}

/* A value of its own for every field; texts of JSON as jsonb writes them. */
static void fill_all(struct event *e, char words[][24])
{
    event_init(e);
    for (size_t i = 0; i < event_def.n_fields; i++) {
        const struct field_def *f = &event_def.fields[i];
        char *at = (char *)e + f->offset;
        uint64_t number =
            i + 3 + (f->key > 6 ? (uint64_t)i << 56 : 0); /* also above INT64_MAX */
        int64_t us = RECEIVED_US + (int64_t)i;
        double real = -(double)i - 1e-300 * (double)i;
        (void)snprintf(words[i], sizeof words[i],
                       f->type == FIELD_JSON ? "{\"\xc3\xbc%zu\": 1.50}" : "\xc3\xbc%zu", i);
        struct str text = str_of(words[i]);
        if (f->key == 0)
            continue;
        if (f->type == FIELD_U64)
            memcpy(at, &number, sizeof number);
        else if (f->type == FIELD_TIME)
            memcpy(at, &us, sizeof us);
        else if (f->type == FIELD_F64)
            memcpy(at, &real, sizeof real);
        else
            memcpy(at, &text, sizeof text);
    }
    e->origin = ORIGIN_RAW;
}

static void expect_row(struct db *db, const struct table_def *t, uint64_t offset,
                       const struct event *wanted)
{
    struct buf sql = {0}, a = {0}, b = {0};
    struct err e = {0};
    static struct db_row row;
    struct event event;
    struct place place;
    void *const bases[BASES_N] = {&place, &event, NULL};
    bool is_end = true;
    buf_text(&sql, "COPY (SELECT ");
    table_names(&sql, t, "e.");
    buf_printf(
        &sql,
        " FROM events_all e WHERE partition = 1 AND \"offset\" = %llu) TO STDOUT (FORMAT "
        "binary)",
        (unsigned long long)offset);
    assert_true(db_begin(db, NULL, &e) && db_copy_out(db, buf_cstr(&sql), &e) &&
                db_copy_next(db, &row, &is_end, &e) && !is_end);
    assert_int_equal(row.n, t->n_columns);
    event_init(&event);
    table_read(t, row.fields, bases);
    assert_true(place.partition == 1 && place.offset == offset);
    event_pack(&a, &event);
    event_pack(&b, wanted);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.at, b.at, a.len);
    assert_true(db_copy_next(db, &row, &is_end, &e) && is_end && db_commit(db, &e));
    buf_fini(&sql);
    buf_fini(&a);
    buf_fini(&b);
}

/* An event that comes back from its row is the same in every field. */
static void test_events_come_back(void **state)
{
    (void)state;
    static char words[256][24];
    struct rig r = rig_open(dsn, "back");
    struct err e = {0};
    struct event full, bare;
    assert_true(event_def.n_fields < ARRAY_LEN(words));
    (void)rig_seek(&r, TOPIC_events, 1);
    fill_all(&full, words);
    buf_reset(&r.value);
    event_pack(&r.value, &full);
    rig_give(&r, TOPIC_events, 1, 100);
    event_init(&bare);
    bare.epoch = 1;
    bare.origin = ORIGIN_RAW;
    bare.received_us = RECEIVED_US;
    buf_reset(&r.value);
    event_pack(&r.value, &bare);
    rig_give(&r, TOPIC_events, 1, 101);
    rig_store(&r);
    struct db *db = db_open(dsn, "archiver_db_test", &e);
    assert_non_null(db);
    const struct table_def *t = &store_tables(archiver_store(r.archiver))[TABLE_EVENTS_ALL];
    expect_row(db, t, 100, &full);
    expect_row(db, t, 101, &bare);
    db_close(db);
    rig_close(&r);
}

static void test_repeats_by_position(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "repeated");
    (void)rig_seek(&r, TOPIC_events, 0);
    give_event(&r, 3, 0, 0, 0, STR("title"));
    give_event(&r, 3, 0, 1, 1, STR("title"));
    give_event(&r, 3, 0, 2, 0, STR("again"));
    give_event(&r, 3, 0, 3, 1, STR("again"));
    rig_store(&r);
    rig_close(&r);
    r = rig_open(dsn, "repeated"); /* the marks come from the table */
    assert_int_equal(rig_seek(&r, TOPIC_events, 0), 4);
    give_event(&r, 3, 0, 4, 1, STR("again"));
    give_event(&r, 3, 0, 5, 2, STR("title"));
    rig_store(&r);
    expect_events(3, 3);
    assert_int_equal(ask("SELECT count(*) FROM events_all WHERE title = 'again'"), 0);
    rig_close(&r);
}

static void kill_sessions(void *to)
{
    int *left = to;
    if (*left > 0) {
        --*left;
        (void)ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                  "datname = current_database() AND application_name LIKE 'auspex-archiver%'");
    }
}

static void test_killed_before_commit(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "killed");
    int left = 2;
    (void)rig_seek(&r, TOPIC_events, 0);
    store_hook(archiver_store(r.archiver), kill_sessions, &left);
    give_events(&r, 4, 0, 100);
    assert_true(archiver_seal(r.archiver));
    give_events(&r, 4, 100, 150); /* the next batch fills meanwhile */
    assert_int_equal(rig_flush(&r), SINK_RETRY);
    expect_events(4, 0);
    assert_int_equal(rig_flush(&r), SINK_RETRY);
    assert_int_equal(rig_flush(&r), SINK_STORED);
    expect_events(4, 100);
    rig_store(&r);
    expect_events(4, 150);
    rig_close(&r);
}

static void test_answer_of_commit_lost(void **state)
{
    (void)state;
    char through[1200];
    if (!dsn[0])
        skip();
    struct lost_answer *proxy = lost_answer_new(dsn, through, sizeof through);
    struct rig r = rig_open(through, "unanswered");
    (void)rig_seek(&r, TOPIC_events, 0);
    give_event(&r, 5, 0, 0, 0, STR("title"));
    rig_store(&r); /* makes the day's partitions */
    give_events(&r, 5, 1, 50);
    assert_true(archiver_seal(r.archiver));
    lost_answer_arm(proxy);
    assert_int_equal(rig_flush(&r), SINK_RETRY);
    expect_events(5, 50); /* it stands, and we were not told */
    assert_int_equal(rig_flush(&r), SINK_STORED);
    give_events(&r, 5, 50, 60);
    rig_store(&r);
    expect_events(5, 60);
    rig_close(&r);
    lost_answer_free(proxy);
}

static void test_fenced(void **state)
{
    (void)state;
    struct rig zombie = rig_open(dsn, "fence"), heir = rig_open(dsn, "fence");
    (void)rig_seek(&zombie, TOPIC_events, 0);
    give_events(&zombie, 6, 0, 5);
    assert_true(archiver_seal(zombie.archiver));
    (void)rig_seek(&heir, TOPIC_events, 0);
    give_events(&heir, 6, 0, 10);
    rig_store(&heir);
    assert_int_equal(rig_flush(&zombie), SINK_FENCED);
    expect_events(6, 10);
    archiver_forget(zombie.archiver);
    assert_int_equal(rig_seek(&zombie, TOPIC_events, 0), 10);
    give_events(&zombie, 6, 10, 12);
    rig_store(&zombie);
    give_events(&heir, 6, 10, 11);
    assert_true(archiver_seal(heir.archiver));
    assert_int_equal(rig_flush(&heir), SINK_FENCED);
    expect_events(6, 12);
    rig_close(&zombie);
    rig_close(&heir);
}

/* PostgreSQL refuses two of a hundred rows: they go to `rejected`, the others are stored, and
 * not before the refused ones are acknowledged there. */
static void test_refused_rows(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "refused");
    (void)rig_seek(&r, TOPIC_events, 3);
    (void)rig_seek(&r, TOPIC_rejected, 3);
    for (uint64_t n = 0; n < 100; n++)
        give_event(&r, 8, 3, n, n, n % 50 == 20 ? str_over("a\0b", 3) : STR("title"));
    assert_true(archiver_seal(r.archiver));
    assert_int_equal(rig_flush(&r), SINK_RETRY);
    archiver_timer(r.archiver, 0, r.outbox);
    archiver_timer(r.archiver, 0, r.outbox);
    assert_int_equal(outbox_next(r.outbox), 2);
    assert_int_equal(rig_flush(&r), SINK_RETRY); /* not acknowledged yet */
    expect_events(8, 0);
    for (uint64_t i = 0; i < 2; i++) { /* as they come back by the topic */
        const struct output *out = outbox_at(r.outbox, i);
        struct rejected rejected;
        assert_int_equal(out->topic, TOPIC_rejected);
        assert_int_equal(out->partition, 3);
        assert_int_equal(rejected_read(&rejected, out->value.at, out->value.len), WIRE_OK);
        assert_true(str_is(rejected.reason, "row_refused"));
        assert_true(str_is(rejected.detail, "events 22021"));
        assert_int_equal(rejected.offset, 20 + 50 * i);
        buf_reset(&r.value);
        buf_str(&r.value, out->value);
        rig_give(&r, TOPIC_rejected, 3, i);
    }
    outbox_drop(r.outbox, 2);
    archiver_timer(r.archiver, 0, r.outbox);
    assert_int_equal(rig_flush(&r), SINK_STORED);
    expect_events(8, 98);
    rig_store(&r);
    assert_int_equal(
        ask("SELECT count(*) FROM rejected WHERE site_id = 8 AND stage = 'archiver'"), 2);
    rig_close(&r);
}

static void test_unreadable_records(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "unreadable");
    (void)rig_seek(&r, TOPIC_sessions, 1);
    buf_reset(&r.value);
    buf_text(&r.value, "nonsense");
    rig_give(&r, TOPIC_sessions, 1, 0);
    assert_int_equal(outbox_next(r.outbox), 1);
    struct rejected rejected;
    const struct output *out = outbox_at(r.outbox, 0);
    assert_int_equal(rejected_read(&rejected, out->value.at, out->value.len), WIRE_OK);
    assert_true(str_is(rejected.reason, "bad_record"));
    assert_true(str_is(rejected.body, "nonsense"));
    rig_store(&r);
    assert_int_equal(ask("SELECT next_offset FROM archive_offsets WHERE grp = 'unreadable'"),
                     1);
    rig_close(&r);
}

struct racer {
    struct rig rig;
    uint32_t partition;
    enum sink_result result;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct err e = {0};
    r->result = archiver_flush(r->rig.archiver, &e);
    return NULL;
}

/* Several archivers meet a day that has no tables yet. */
static void test_new_day_race(void **state)
{
    (void)state;
    struct racer racers[PARTITIONS];
    pthread_t threads[PARTITIONS];
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        struct event event;
        racers[p] = (struct racer){.rig = rig_open(dsn, "race"), .partition = p};
        struct rig *r = &racers[p].rig;
        (void)rig_seek(r, TOPIC_events, p);
        event_init(&event);
        event.epoch = 1;
        event.origin = ORIGIN_RAW;
        event.partition = p;
        event.received_us = RECEIVED_US + 100 * DAY_US;
        event.site_id = 9;
        event_pack(&r->value, &event);
        rig_give(r, TOPIC_events, p, 0);
        assert_true(archiver_seal(r->archiver));
    }
    for (uint32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(pthread_create(&threads[p], NULL, race, &racers[p]), 0);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        (void)pthread_join(threads[p], NULL);
        assert_int_equal(racers[p].result, SINK_STORED);
        rig_close(&racers[p].rig);
    }
    assert_int_equal(ask("SELECT count(*) FROM events_all WHERE site_id = 9"), PARTITIONS);
}

/* Partitions that were dropped while an archiver runs (retention) are made again. */
static void test_dropped_day(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "dropped");
    struct err e = {0};
    (void)rig_seek(&r, TOPIC_events, 0);
    give_event(&r, 10, 0, 0, 0, STR("title"));
    rig_store(&r);
    struct db *db = db_open(dsn, "archiver_db_test", &e);
    assert_true(db && db_script(db, "DROP TABLE events_all_20251120", &e));
    db_close(db);
    give_event(&r, 10, 0, 1, 1, STR("title"));
    assert_true(archiver_seal(r.archiver));
    assert_int_equal(rig_flush(&r), SINK_RETRY);
    assert_int_equal(rig_flush(&r), SINK_STORED);
    expect_events(10, 1);
    rig_close(&r);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct rig r = rig_open("host=127.0.0.1 port=1 dbname=x", "nobody");
    struct err e = {0};
    struct str reason;
    uint64_t offset;
    assert_int_equal(archiver_seek(r.archiver, TOPIC_events, 0, &offset, &e), SINK_RETRY);
    assert_true(e.retry);
    assert_false(archiver_is_ready(r.archiver, &reason));
    rig_close(&r);
}

static void test_full_batch_waits(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "full");
    (void)rig_seek(&r, TOPIC_events, 0);
    give_events(&r, 11, 0, 10000);
    struct stage_message m = {.topic = TOPIC_events, .offset = 10000};
    assert_int_equal(archiver_record(r.archiver, &m, r.outbox), STEP_WAIT);
    assert_true(archiver_seal(r.archiver));
    give_events(&r, 11, 10000, 10001);
    assert_int_equal(rig_flush(&r), SINK_STORED);
    expect_events(11, 10000);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_conflicts_leave_the_view),
        cmocka_unit_test(test_notices),
        cmocka_unit_test(test_events_come_back),
        cmocka_unit_test(test_repeats_by_position),
        cmocka_unit_test(test_killed_before_commit),
        cmocka_unit_test(test_answer_of_commit_lost),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_refused_rows),
        cmocka_unit_test(test_unreadable_records),
        cmocka_unit_test(test_new_day_race),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_full_batch_waits),
        cmocka_unit_test(test_dropped_day),
    };
    return cmocka_run_group_tests(tests, rig_make, rig_drop);
}
