/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_loop_db_test - interventions, outcomes and deliveries in a real PostgreSQL, named by
 * AUSPEX_TEST_DSN; skipped without it. */
#include "archiver/archiver_rig.h"
#include "common/bus/counters.h"
#include "common/db/db.h"
#include "common/db/migrate.h"
#include "common/wire/json_out.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The intervention of offset n, as msgpack or JSON. */
static void give_intervention(struct rig *r, uint64_t site, uint64_t offset, uint64_t n,
                              bool is_json)
{
    char id[32];
    struct intervention i;
    intervention_init(&i);
    i.epoch = 1;
    i.origin = ORIGIN_EVENTS;
    i.offset = n;
    i.received_us = RECEIVED_US;
    i.site_id = site;
    i.visitor = STR("someone");
    (void)snprintf(id, sizeof id, "1-0-%d-%d", (int)n, (int)site);
    i.intervention_id = str_of(id);
    i.policy = STR("discount");
    i.policy_version = 7;
    i.holdout = n % 2 == 0;
    i.propensity = 0.9;
    i.message = STR("ten \"percent\" off");
    i.expires_us = RECEIVED_US + 3600 * SECOND_US;
    i.window_s = 3600;
    buf_reset(&r->value);
    if (is_json)
        record_json(&r->value, &intervention_def, &i);
    else
        intervention_pack(&r->value, &i);
    rig_give(r, TOPIC_interventions, 0, offset);
}

static void give_outcome(struct rig *r, uint64_t site, uint64_t offset, uint64_t n,
                         double value)
{
    char id[32];
    struct outcome o;
    outcome_init(&o);
    o.epoch = 1;
    o.origin = ORIGIN_EVENTS;
    o.offset = n + 10;
    o.received_us = RECEIVED_US + SECOND_US;
    o.site_id = site;
    (void)snprintf(id, sizeof id, "1-0-%d-%d", (int)n, (int)site);
    o.intervention_id = str_of(id);
    o.result = isnan(value) ? STR("ignored") : STR("converted");
    o.value = value;
    o.fired_us = RECEIVED_US;
    buf_reset(&r->value);
    outcome_pack(&r->value, &o);
    rig_give(r, TOPIC_outcomes, 0, offset);
}

static void give_delivery(struct rig *r, uint64_t site, uint64_t offset, uint64_t n,
                          uint64_t attempt, struct str detail)
{
    char id[32];
    struct delivery d;
    delivery_init(&d);
    d.epoch = 1;
    d.origin = ORIGIN_EVENTS;
    d.offset = n;
    d.started_us = RECEIVED_US + 86400 * SECOND_US; /* a day of its own */
    d.site_id = site;
    (void)snprintf(id, sizeof id, "1-0-%d-%d", (int)n, (int)site);
    d.intervention_id = str_of(id);
    d.attempt = attempt;
    d.result = attempt == 2 ? STR("delivered") : STR("retry");
    d.status = 503;
    d.detail = detail;
    buf_reset(&r->value);
    delivery_pack(&r->value, &d);
    rig_give(r, TOPIC_deliveries, 0, offset);
}

static void seek_all(struct rig *r)
{
    static const enum topic topics[] = {TOPIC_interventions, TOPIC_outcomes, TOPIC_deliveries};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        (void)rig_seek(r, topics[i], 0);
}

static void test_rows(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "loop");
    seek_all(&r);
    give_intervention(&r, 1, 0, 5, false);
    give_intervention(&r, 1, 1, 6, true);
    give_intervention(&r, 1, 2, 5, false); /* a repeat */
    give_outcome(&r, 1, 0, 5, 12.5);
    give_outcome(&r, 1, 1, 5, 12.5);
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM interventions WHERE site_id = 1"), 2);
    assert_int_equal(
        ask("SELECT count(*) FROM interventions a JOIN interventions b USING (policy, "
            "policy_version, propensity, message, expires, window_s, received) "
            "WHERE a.\"offset\" = 5 AND NOT a.holdout AND b.\"offset\" = 6 AND b.holdout AND "
            "a.expires = a.received + interval '1 hour' AND a.message = 'ten \"percent\" off'"),
        1); /* JSON and msgpack alike */
    assert_int_equal(
        ask("SELECT count(*) FROM interventions_with_outcome WHERE site_id = 1 AND "
            "\"offset\" = 5 AND result = 'converted' AND value = 12.5"),
        1);
    assert_int_equal(
        ask("SELECT count(*) FROM interventions_with_outcome WHERE site_id = 1 AND "
            "\"offset\" = 6 AND result IS NULL AND attempts IS NULL"),
        1);
    give_outcome(&r, 1, 2, 6, (double)NAN);
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM outcomes WHERE site_id = 1 AND result = "
                         "'ignored' AND value IS NULL"),
                     1);
    archiver_timer(r.archiver, 0, r.outbox);
    assert_true(counter_of(r.counters, COUNTER_archiver_rows_total, "outcomes", NULL)->value ==
                2);
    rig_close(&r);
}

/* Positions of deliveries repeat and run back, and offsets have the holes of transactions. */
static void test_deliveries(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "delivered");
    seek_all(&r);
    give_intervention(&r, 2, 0, 4, false);
    give_intervention(&r, 2, 1, 9, false);
    give_delivery(&r, 2, 0, 9, 1, STR("no answer"));
    give_delivery(&r, 2, 2, 4, 1, STR("no answer"));
    give_delivery(&r, 2, 3, 9, 2, STR(""));
    rig_store(&r);
    rig_close(&r);
    r = rig_open(dsn, "delivered");
    assert_int_equal(rig_seek(&r, TOPIC_deliveries, 0), 4);
    give_delivery(&r, 2, 7, 4, 3, STR("no answer"));
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM deliveries WHERE site_id = 2"), 4);
    assert_int_equal(
        ask("SELECT attempts FROM interventions_with_outcome WHERE site_id = 2 AND "
            "\"offset\" = 9 AND delivery = 'delivered'"),
        2);
    assert_int_equal(
        ask("SELECT attempts FROM interventions_with_outcome WHERE site_id = 2 AND "
            "\"offset\" = 4 AND delivery IS NULL"),
        2);
    rig_close(&r);
}

/* Two attempts of which PostgreSQL refuses the rows: both come to stand in `rejected`, although
 * the later one's intervention is the earlier. */
static void test_refused_deliveries(void **state)
{
    (void)state;
    struct rig r = rig_open(dsn, "undelivered");
    seek_all(&r);
    (void)rig_seek(&r, TOPIC_rejected, 0);
    give_delivery(&r, 3, 0, 9, 1, str_over("a\0b", 3));
    give_delivery(&r, 3, 1, 4, 1, str_over("a\0b", 3));
    give_delivery(&r, 3, 2, 4, 2, STR(""));
    assert_true(archiver_seal(r.archiver));
    assert_int_equal(rig_flush(&r), SINK_RETRY);
    archiver_timer(r.archiver, 0, r.outbox);
    assert_int_equal(outbox_next(r.outbox), 2);
    for (uint64_t i = 0; i < 2; i++) {
        buf_reset(&r.value);
        buf_str(&r.value, outbox_at(r.outbox, i)->value);
        rig_give(&r, TOPIC_rejected, 0, i);
    }
    outbox_drop(r.outbox, 2);
    archiver_timer(r.archiver, 0, r.outbox);
    assert_int_equal(rig_flush(&r), SINK_STORED);
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM deliveries WHERE site_id = 3"), 1);
    assert_int_equal(ask("SELECT count(*) FROM rejected WHERE site_id = 3 AND reason = "
                         "'row_refused' AND detail = 'deliveries 22021'"),
                     2);
    rig_close(&r);
}

/* Tables that the version before has made and filled go on. */
static void test_upgrade(void **state)
{
    (void)state;
    struct err e = {0};
    char old[1200];
    if (!dsn[0])
        skip();
    (void)snprintf(old, sizeof old, "%s options='-c search_path=old'", dsn);
    struct db *db = db_open(old, "archiver_loop_db_test", &e);
    const char *const row[] = {migrations[0].name, migrations[0].sha256};
    assert_non_null(db);
    assert_true(db_script(db, "CREATE SCHEMA old", &e));
    assert_true(db_script(db, migrations[0].sql, &e));
    assert_true(db_script(db,
                          "CREATE TABLE schema_version (version int PRIMARY KEY, name text NOT "
                          "NULL, sha256 text NOT NULL, applied timestamptz NOT NULL DEFAULT "
                          "now()); SELECT archive_ensure_day('2025-11-20')",
                          &e));
    assert_true(db_exec(db,
                        "INSERT INTO schema_version (version, name, sha256) VALUES (1, $1, $2)",
                        row, 2, NULL, &e));
    assert_false(db_migrate_check(db, &e));
    if (!db_migrate(db, &e))
        fail_msg("%s", e.text);
    assert_true(db_migrate_check(db, &e));
    db_close(db);
    struct rig r = rig_open(old, "loop");
    seek_all(&r);
    give_intervention(&r, 4, 0, 5, false); /* into the day that has partitions already */
    rig_store(&r);
    assert_int_equal(ask("SELECT count(*) FROM old.interventions"), 1);
    assert_int_equal(ask("SELECT count(clock) FROM old.features_20251120"), 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_deliveries),
        cmocka_unit_test(test_refused_deliveries),
        cmocka_unit_test(test_upgrade),
    };
    return cmocka_run_group_tests(tests, rig_make, rig_drop);
}
