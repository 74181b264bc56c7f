/* SPDX-License-Identifier: Apache-2.0 */
/* archive_db_test - backfills and skew checks over what a real archiver has put into a real
 * PostgreSQL, named by AUSPEX_TEST_DSN; skipped without it.
 *
 * The archive is that of a busy log with imports beside live traffic of the same visitors, late
 * and repeated events and silences; its ticks are not in it. */
#include "archiver/archiver_rig.h"
#include "common/db/db.h"
#include "common/db/migrate.h"
#include "featurizer/backfill.h"
#include "featurizer/skewcheck.h"
#include "featurizer/try.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RECORDS = 6000, STORE_EACH = 500, PARTITION = 0 };

static const struct featurizer_options options = {.idle_us = 1800 * SECOND_US, .tail = 5};
static int64_t log_end_us; /* received time of its last record */

static void give_outputs(struct rig *r, const struct try *t, uint64_t first, uint64_t *next)
{
    for (uint64_t i = first; i < outbox_next(t->out); i++) {
        const struct output *o = outbox_at(t->out, i);
        if (o->topic != TOPIC_features && o->topic != TOPIC_sessions)
            continue;
        buf_reset(&r->value);
        buf_str(&r->value, o->value);
        rig_give(r, o->topic, PARTITION, next[o->topic]++);
    }
}

static void give_tick(struct rig *r, struct try *t, uint64_t raw, double at_s, uint64_t *next)
{
    buf_reset(&r->value);
    uint64_t first = try_tick(t, raw, 2, at_s);
    buf_str(&r->value, buf_as_str(&t->bytes));
    rig_give(r, TOPIC_events, PARTITION, t->offset - 1);
    give_outputs(r, t, first, next);
}

/* The database, and the archive in it. */
static int make(void **state)
{
    struct try t;
    struct try_log log = {.rng = rng_stream(8, 1), .visitors = 40};
    uint64_t next[TOPICS_N] = {0};
    if (rig_make(state) != 0 || !dsn[0])
        return dsn[0] ? -1 : 0;
    struct rig r = rig_open(dsn, "log");
    (void)rig_seek(&r, TOPIC_events, PARTITION);
    (void)rig_seek(&r, TOPIC_features, PARTITION);
    (void)rig_seek(&r, TOPIC_sessions, PARTITION);
    try_init_as(&t, &options);
    for (size_t i = 0; i < RECORDS; i++) {
        buf_reset(&r.value);
        try_log_next(&log, &r.value);
        uint64_t first = try_give(&t, buf_as_str(&r.value));
        rig_give(&r, TOPIC_events, PARTITION, t.offset - 1);
        give_outputs(&r, &t, first, next);
        if (i % STORE_EACH == 0)
            rig_store(&r);
    }
    log_end_us = log.now_us;
    double end_s = (double)(log_end_us - TRY_T0) / 1e6 + 2 * 86400; /* all has ended then */
    give_tick(&r, &t, 0, end_s, next);
    give_tick(&r, &t, 1, end_s, next);
    rig_store(&r);
    try_fini(&t);
    rig_close(&r);
    return 0;
}

static void run_sql(const char *sql)
{
    struct err e = {0};
    struct db *db = db_open(dsn, "archive_db_test", &e);
    if (!db || !db_script(db, sql, &e))
        fail_msg("%s: %s", sql, e.text);
    db_close(db);
}

static struct backfill_options wanted(const char *name)
{
    if (!dsn[0])
        skip();
    return (struct backfill_options){.dsn = dsn,
                                     .name = name,
                                     .from_us = INT64_MIN,
                                     .to_us = INT64_MAX,
                                     .known_us = log_end_us + 3 * DAY_US,
                                     .now_us = log_end_us + 4 * DAY_US,
                                     .core = options,
                                     .core_json = STR("{\"tail\":5}")};
}

static struct backfill_counts filled(const struct backfill_options *o)
{
    struct backfill_counts n;
    struct err e = {0};
    if (!backfill_run(o, NULL, NULL, &n, &e))
        fail_msg("%s", e.text);
    return n;
}

#define VECTOR                                                                                \
    "epoch, partition, \"offset\", received, visitor, site_id, event_id, user_id, type, ts, " \
    "session_id, session_started, event_index, late, of_import, control, features_n, "        \
    "features_hash, features, tail, product_id, value, currency, order_id, channel, rating, " \
    "summaries, consent"
#define SESSION                                                                                \
    "visitor, site_id, user_id, session_id, started, ended, ended_by, of_import, "             \
    "session_number, events, late_events, pages, product_views, cart_adds, purchases, value, " \
    "converted, entry_page, exit_page, channel, device"

/* Rows of one query that the other has not, both ways. */
static int64_t unequal(const char *columns, const char *a, const char *b)
{
    struct buf sql = {0};
    buf_printf(
        &sql,
        "SELECT count(*) FROM ((SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s) UNION ALL "
        "(SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s)) d",
        columns, a, columns, b, columns, b, columns, a);
    int64_t n = ask(buf_cstr(&sql));
    buf_fini(&sql);
    return n;
}

static void a_backfill_is_what_was_logged(void **state)
{
    (void)state;
    struct backfill_options o = wanted("all");
    struct backfill_counts n = filled(&o);
    int64_t vectors = ask("SELECT count(*) FROM features");
    assert_true(vectors > RECORDS / 2 && (int64_t)n.vectors == vectors);
    assert_int_equal(unequal(VECTOR, "features", "backfill_vectors WHERE backfill = 'all'"), 0);
    assert_int_equal(unequal(SESSION, "sessions", "backfill_sessions WHERE backfill = 'all'"),
                     0);
    assert_int_equal(ask("SELECT count(*) FROM features WHERE of_import > 0 AND clock IS NULL"),
                     0);
    assert_int_equal(
        ask("SELECT vectors FROM backfills WHERE name = 'all' AND period_from IS NULL"
            " AND period_to IS NULL AND site_id IS NULL AND options->>'tail' = '5'"
            " AND made = known_at + interval '1 day'"),
        vectors);
    assert_int_equal(ask("SELECT sessions FROM backfills WHERE name = 'all'"),
                     ask("SELECT count(*) FROM sessions"));
}

/* The statement of the migration that makes ends of imports out of sessions. */
static void run_migration_of_ends(void)
{
    struct buf sql = {0};
    const char *at = NULL;
    for (int m = 0; m < migrations_n && !at; m++)
        at = strstr(migrations[m].sql, "INSERT INTO notices");
    CHECK(at != NULL);
    buf_put(&sql, at, strcspn(at, ";"));
    run_sql(buf_cstr(&sql));
    buf_fini(&sql);
}

/* An archive that was begun before there were notices. */
static void ends_of_imports_follow_from_sessions(void **state)
{
    (void)state;
    struct backfill_options o = wanted("older");
    int64_t n = ask("SELECT count(*) FROM notices WHERE rec = 4");
    assert_true(n > 4);
    run_sql("CREATE TABLE kept AS SELECT * FROM notices; DELETE FROM notices WHERE rec = 4");
    (void)filled(&o);
    assert_true(unequal("\"offset\", features", "features",
                        "backfill_vectors WHERE backfill = 'older'") > 0);
    run_migration_of_ends();
    o.is_replacing = true;
    (void)filled(&o);
    assert_int_equal(unequal("\"offset\", features", "features",
                             "backfill_vectors WHERE backfill = 'older'"),
                     0);
    assert_int_equal(unequal(SESSION, "sessions", "backfill_sessions WHERE backfill = 'older'"),
                     0);
    run_sql("TRUNCATE notices; INSERT INTO notices SELECT * FROM kept; DROP TABLE kept");
}

static void names_are_taken_once(void **state)
{
    (void)state;
    struct backfill_options o = wanted("once");
    struct backfill_counts n;
    struct err e = {0};
    o.to_us = TRY_T0 - 365 * DAY_US; /* imports alone */
    struct backfill_counts first = filled(&o);
    assert_false(backfill_run(&o, NULL, NULL, &n, &e));
    assert_non_null(strstr(e.text, "--replace"));
    assert_int_equal(err_exit(&e), EXIT_CODE_FAILED);
    assert_int_equal(ask("SELECT count(*) FROM backfill_vectors WHERE backfill = 'once' AND "
                         "features IS NOT NULL"),
                     (int64_t)first.vectors);
    o.is_replacing = true;
    o.to_us = INT64_MAX;
    n = filled(&o);
    assert_true(n.vectors > first.vectors && first.vectors > 0);
    assert_int_equal(ask("SELECT count(*) FROM backfill_vectors WHERE backfill = 'once'"),
                     (int64_t)n.vectors);
    assert_int_equal(ask("SELECT count(*) FROM backfills WHERE name = 'once'"), 1);
}

/* A part of the time, and one site: the same rows, and conversions behind it as labels. */
static void periods_and_sites(void **state)
{
    (void)state;
    struct backfill_options o = wanted("part");
    o.from_us = TRY_T0 + HOUR_US;
    o.to_us = TRY_T0 + 2 * HOUR_US;
    (void)filled(&o);
    assert_int_equal(
        unequal(VECTOR,
                "features WHERE ts >= '2026-01-05T01:00Z' AND ts < "
                "'2026-01-05T02:00Z'",
                "backfill_vectors WHERE backfill = 'part' AND features IS NOT NULL"),
        0);
    assert_int_equal(
        unequal(SESSION,
                "sessions WHERE started < '2026-01-05T02:00Z' AND ended >= '2026-01-05T01:00Z'"
                " OR session_id IN (SELECT session_id FROM features WHERE ts >="
                " '2026-01-05T01:00Z' AND ts < '2026-01-05T02:00Z')",
                "backfill_sessions WHERE backfill = 'part'"),
        0);
    assert_true(ask("SELECT count(*) FROM backfill_sessions WHERE backfill = 'part' AND started"
                    " >= '2026-01-05T02:00Z'") > 0);
    /* labels are those of all rows together */
    static const char labels[] =
        "%s v WHERE %s ts >= '2026-01-05T01:00Z' AND ts < '2026-01-05T02:00Z' AND \"offset\" < "
        "(SELECT max(\"offset\") FROM %s l WHERE %s l.session_id = v.session_id AND l.type IN "
        "('purchase', 'signup', 'subscription'))";
    char all[512], part[512];
    (void)snprintf(all, sizeof all, labels, "features", "", "features", "");
    (void)snprintf(part, sizeof part, labels, "backfill_vectors",
                   "features IS NOT NULL AND backfill = 'part' AND", "backfill_vectors",
                   "backfill = 'part' AND");
    assert_int_equal(unequal("\"offset\"", all, part), 0);
    assert_true(ask("SELECT count(*) FROM backfill_vectors WHERE features IS NULL") > 0);
    o = wanted("elsewhere");
    o.has_site = true;
    o.site_id = 8;
    assert_int_equal(filled(&o).vectors, 0);
    o.is_replacing = true;
    o.site_id = 7;
    assert_int_equal(filled(&o).vectors, ask("SELECT count(*) FROM features"));
}

/* What arrived later is not known: no vector, no end of a session, no conversion. */
static void known_at_an_earlier_time(void **state)
{
    (void)state;
    struct backfill_options o = wanted("then");
    o.known_us = TRY_T0 + 90 * MINUTE_US;
    struct backfill_counts n = filled(&o);
    assert_true(n.events > 500 && (int64_t)n.vectors < ask("SELECT count(*) FROM features"));
    assert_int_equal(unequal(VECTOR, "features WHERE received <= '2026-01-05T01:30Z'",
                             "backfill_vectors WHERE backfill = 'then'"),
                     0);
    /* all sessions that were logged by then, and those that silence had ended unseen yet */
    assert_int_equal(ask("SELECT count(*) FROM (SELECT " SESSION
                         " FROM sessions WHERE received <="
                         " '2026-01-05T01:30Z' EXCEPT SELECT " SESSION
                         " FROM backfill_sessions WHERE backfill = 'then') d"),
                     0);
    assert_int_equal(ask("SELECT count(*) FROM (SELECT " SESSION " FROM backfill_sessions WHERE"
                         " backfill = 'then' EXCEPT SELECT " SESSION " FROM sessions) d"),
                     0);
    assert_true(n.sessions > 20);
}

struct told {
    size_t n;
    struct skew_difference first;
};

static void tell(void *to, const struct skew_difference *d)
{
    struct told *t = to;
    if (t->n++ == 0)
        t->first = *d;
}

static struct skew_counts checked(double percent, int64_t since_us, struct told *t)
{
    struct skew_counts n;
    struct err e = {0};
    struct skew_options o = {.dsn = dsn,
                             .core = options,
                             .percent = percent,
                             .since_us = since_us,
                             .now_us = log_end_us + 3 * DAY_US};
    *t = (struct told){0};
    if (!dsn[0])
        skip();
    if (!skew_round(&o, tell, t, &n, &e))
        fail_msg("%s", e.text);
    return n;
}

static void no_skew(void **state)
{
    (void)state;
    struct told t;
    struct skew_counts n = checked(100, 0, &t);
    assert_int_equal(n.checked, ask("SELECT count(*) FROM features"));
    assert_true(n.mismatched == 0 && n.missing == 0 && n.older == 0 && n.other == 0 &&
                t.n == 0);
    assert_int_equal(n.events, ask("SELECT count(*) FROM events_all"));
    n = checked(100, TRY_T0 + HOUR_US, &t); /* of the newer ones alone */
    assert_int_equal(n.checked,
                     ask("SELECT count(*) FROM features WHERE received > '2026-01-05T01:00Z'"));
    assert_true(n.mismatched == 0 && n.missing == 0 && n.older == 0);
    n = checked(20, 0, &t); /* a fifth of the pages */
    assert_true(n.mismatched == 0 && n.missing == 0);
}

/* The middle one of the archived vectors, where it is changed. */
static int64_t middle(void)
{
    return ask("SELECT \"offset\" FROM features ORDER BY 1 OFFSET 2000 LIMIT 1");
}

static void change(const char *format, int64_t offset)
{
    char sql[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(sql, sizeof sql, format, offset);
#pragma GCC diagnostic pop
    run_sql(sql);
}

static void each_difference_is_named(void **state)
{
    (void)state;
    struct told t;
    if (!dsn[0])
        skip();
    int64_t at = middle();
    char sql[256];
    run_sql("CREATE TABLE kept AS SELECT * FROM features");
    (void)snprintf(sql, sizeof sql,
                   "UPDATE features SET features = set_byte(features, 4 * %d, "
                   "get_byte(features, 4 * %d) # 1) WHERE \"offset\" = %%" PRId64,
                   (int)FEATURE_is_weekend, (int)FEATURE_is_weekend);
    change(sql, at);
    struct skew_counts n = checked(100, 0, &t);
    assert_true(n.mismatched == 1 && t.n == 1);
    assert_string_equal(t.first.what, "is_weekend");
    assert_true((int64_t)t.first.offset == at && t.first.partition == 0 && t.first.others == 0);
    assert_true(t.first.archived != t.first.recomputed && t.first.recomputed == 0);
    run_sql("TRUNCATE features; INSERT INTO features SELECT * FROM kept");
    change("UPDATE features SET session_id = 'x' WHERE \"offset\" = %" PRId64, at);
    assert_true(checked(100, 0, &t).mismatched == 1);
    assert_string_equal(t.first.what, "session_id");
    run_sql("TRUNCATE features; INSERT INTO features SELECT * FROM kept");
    change("UPDATE features SET features = 'x' WHERE \"offset\" = %" PRId64, at);
    assert_true(checked(100, 0, &t).mismatched == 1);
    assert_string_equal(t.first.what, "length");
    run_sql("TRUNCATE features; INSERT INTO features SELECT * FROM kept");
    change("DELETE FROM features WHERE \"offset\" = %" PRId64, at);
    n = checked(100, 0, &t);
    assert_true(n.missing == 1 && n.mismatched == 0);
    run_sql("TRUNCATE features; INSERT INTO features SELECT * FROM kept; DROP TABLE kept");
}

/* A lost event is seen at its vector and at those that it was to count in. */
static void a_lost_event(void **state)
{
    (void)state;
    struct told t;
    if (!dsn[0])
        skip();
    int64_t at = middle();
    run_sql("CREATE TABLE kept AS SELECT * FROM events_all");
    change("DELETE FROM events_all WHERE \"offset\" = %" PRId64, at);
    struct skew_counts n = checked(100, 0, &t);
    assert_true(n.mismatched > 5 && n.mismatched < 500 && n.older == 0);
    run_sql("TRUNCATE events_all; INSERT INTO events_all SELECT * FROM kept; DROP TABLE kept");
    assert_int_equal(checked(100, 0, &t).mismatched, 0);
}

/* Vectors by programs that knew other lines, and of histories that are no longer there. */
static void what_cannot_be_compared(void **state)
{
    (void)state;
    struct told t;
    char sql[512];
    if (!dsn[0])
        skip();
    int64_t at = middle(), all = ask("SELECT count(*) FROM features");
    run_sql("CREATE TABLE kept AS SELECT * FROM features;"
            "CREATE TABLE kept_events AS SELECT * FROM events_all");
    change("UPDATE features SET features_hash = 5 WHERE \"offset\" = %" PRId64, at);
    struct skew_counts n = checked(100, 0, &t);
    assert_true(n.other == 1 && n.mismatched == 0 && (int64_t)n.checked == all - 1);
    /* An older program's vectors up to there; the newest line is wrong in all behind. */
    (void)snprintf(sql, sizeof sql,
                   "UPDATE features SET features = substring(features FOR 4 * %d),"
                   " features_n = %d, features_hash = %" PRId64 " WHERE \"offset\" <= %" PRId64
                   "; UPDATE features SET features = overlay(features PLACING '\\x01010101'"
                   " FROM 4 * %d + 1) WHERE \"offset\" > %" PRId64,
                   FEATURES_N - 1, FEATURES_N - 1, (int64_t)features_hash(FEATURES_N - 1), at,
                   FEATURES_N - 1, at);
    run_sql(sql);
    n = checked(100, 0, &t);
    assert_true(n.mismatched == 0 && (int64_t)n.checked == all && n.other == 0);
    run_sql("TRUNCATE features; INSERT INTO features SELECT * FROM kept");
    change("DELETE FROM events_all WHERE \"offset\" < %" PRId64, at);
    change("DELETE FROM features WHERE \"offset\" < %" PRId64, at);
    n = checked(100, 0, &t);
    assert_true(n.older > 1000 && n.mismatched == 0);
    run_sql("TRUNCATE features; INSERT INTO features SELECT * FROM kept; DROP TABLE kept;"
            "TRUNCATE events_all; INSERT INTO events_all SELECT * FROM kept_events;"
            "DROP TABLE kept_events");
}

static void nobody_there(void **state)
{
    (void)state;
    struct backfill_options o = {.dsn = "host=127.0.0.1 port=1 dbname=x", .name = "x"};
    struct backfill_counts n;
    struct err e = {0};
    assert_false(backfill_run(&o, NULL, NULL, &n, &e));
    assert_int_equal(err_exit(&e), EXIT_CODE_GONE);
    o.dsn = "";
    assert_false(backfill_run(&o, NULL, NULL, &n, &e));
    assert_int_equal(err_exit(&e), EXIT_CODE_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backfill_is_what_was_logged),
        cmocka_unit_test(ends_of_imports_follow_from_sessions),
        cmocka_unit_test(names_are_taken_once),
        cmocka_unit_test(periods_and_sites),
        cmocka_unit_test(known_at_an_earlier_time),
        cmocka_unit_test(no_skew),
        cmocka_unit_test(each_difference_is_named),
        cmocka_unit_test(a_lost_event),
        cmocka_unit_test(what_cannot_be_compared),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, make, rig_drop);
}
