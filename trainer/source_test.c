/* SPDX-License-Identifier: Apache-2.0 */
/* source_test - what the training set holds and which version a model gets, against a real
 * PostgreSQL named by AUSPEX_TEST_DSN (of a role that may make databases); skipped without it.
 */
#include "common/base/err.h"
#include "common/db/db.h"
#include "common/db/migrate.h"
#include "common/wire/feature.h"
#include "trainer/release.h"
#include "trainer/source.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct db *db;

static void exec_at(const char *dsn, const char *format)
{
    struct err e = {0};
    struct buf sql = {0};
    struct db *base = db_open(dsn, "source_test", &e);
    if (base == NULL)
        fail_msg("%s", e.text);
    buf_text(&sql, format);
    buf_printf(&sql, " auspex_source_test_%d", (int)getpid());
    if (!db_exec(base, buf_cstr(&sql), NULL, 0, NULL, &e))
        fail_msg("%s", e.text);
    buf_fini(&sql);
    db_close(base);
}

static int make(void **state)
{
    const char *base = getenv("AUSPEX_TEST_DSN");
    struct err e = {0};
    char dsn[1024];
    (void)state;
    exec_at(base, "CREATE DATABASE");
    (void)snprintf(dsn, sizeof dsn, "%s dbname=auspex_source_test_%d", base, (int)getpid());
    db = db_open(dsn, "source_test", &e);
    if (db == NULL || !db_migrate(db, &e) ||
        !db_script(db, "SELECT archive_ensure_day('2024-03-01')", &e))
        fail_msg("%s", e.text);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    db_close(db);
    exec_at(getenv("AUSPEX_TEST_DSN"), "DROP DATABASE");
    return 0;
}

/* Sessions: s1 converts in its middle, s2 does not, s3 is still open, s4 is of another site,
 * and a vector of each kind that must stay out stands in s2. */
static const struct {
    int64_t offset;
    const char *session, *type;
    unsigned site, n;
    bool is_stale;
} events[] = {
    {10, "1-0-10", "page_view", 1, FEATURES_N, false},
    {11, "1-0-11", "signup_view", 1, FEATURES_N, false},
    {12, "1-0-10", "purchase", 1, FEATURES_N, false},
    {13, "1-0-13", "purchase", 1, FEATURES_N, false}, /* open */
    {14, "1-0-10", "subscription", 1, 3, false},      /* by an older writer */
    {15, "1-0-11", "page_view", 1, FEATURES_N, true}, /* other feature lines */
    {16, "1-0-10", "page_view", 1, FEATURES_N, false},
    {17, "1-0-17", "page_view", 4, FEATURES_N, false},
    {18, "1-0-17", "signup", 4, FEATURES_N, false},
};

static void put_event(size_t i)
{
    struct buf sql = {0};
    struct err e = {0};
    uint64_t hash = features_hash(events[i].n) ^ (events[i].is_stale ? 1 : 0);
    buf_printf(
        &sql,
        "INSERT INTO features (epoch, partition, \"offset\", received, site_id, type, ts,"
        " session_id, session_started, event_index, late, of_import, control, features_n,"
        " features_hash, features) VALUES (1, 0, %" PRId64 ", '2024-03-01 12:00Z', %u,"
        " '%s', '2024-03-01 11:00:%02" PRId64 "Z', '%s', NULL, 1, false, 0, 0, %u, %" PRId64
        ", '\\x",
        events[i].offset, events[i].site, events[i].type, events[i].offset, events[i].session,
        events[i].n, (int64_t)hash);
    for (unsigned f = 0; f < events[i].n; f++) {
        float x = (float)(100 * events[i].offset + f);
        for (size_t b = 0; b < sizeof x; b++)
            buf_printf(&sql, "%02x", ((const uint8_t *)&x)[b]);
    }
    buf_text(&sql, "')");
    if (!db_exec(db, buf_cstr(&sql), NULL, 0, NULL, &e))
        fail_msg("%s", e.text);
    buf_fini(&sql);
}

static void put_session(const char *id, int second, unsigned site)
{
    struct buf sql = {0};
    struct err e = {0};
    buf_printf(
        &sql,
        "INSERT INTO sessions VALUES (1, 0, 99, 0, '2024-03-01 13:00Z', 'v', %u, NULL, '%s',"
        " '2024-03-01 11:00:%02dZ', '2024-03-01 11:59Z', 'gap', 0, 1, 4, 0, 1, 1, 1, 1, 1,"
        " true)",
        site, id, second);
    if (!db_exec(db, buf_cstr(&sql), NULL, 0, NULL, &e))
        fail_msg("%s", e.text);
    buf_fini(&sql);
}

struct seen {
    size_t n;
    int64_t offset[16], started_us[16];
    bool label[16];
};

static bool see(void *to, const struct source_row *row, struct err *e)
{
    struct seen *s = to;
    (void)e;
    assert_true(s->n < ARRAY_LEN(s->offset));
    assert_true(row->x[0] == (float)(100 * row->offset));
    assert_true(row->offset == 14 ? isnan(row->x[3]) : row->x[3] == row->x[0] + 3);
    assert_true(row->epoch == 1 && row->partition == 0);
    s->label[s->n] = row->label;
    s->started_us[s->n] = row->started_us;
    s->offset[s->n++] = row->offset;
    return true;
}

static void expect_rows(const struct source_query *q, const char *expected, uint64_t unknown)
{
    struct seen seen = {0};
    struct source_counts counts;
    struct err e = {0};
    struct buf got = {0};
    if (!source_each(db, q, see, &seen, &counts, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < seen.n; i++)
        buf_printf(&got, "%" PRId64 "%s ", seen.offset[i], seen.label[i] ? "+" : "-");
    assert_string_equal(buf_cstr(&got), expected);
    assert_true(counts.rows == seen.n && counts.unknown == unknown);
    buf_fini(&got);
}

static void test_labels_are_what_came_later(void **state)
{
    struct source_query all = {.in_order = true}, one = {true, 4, true, NULL};
    struct source_query none = {true, 5, true, NULL};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        put_event(i);
    put_session("1-0-10", 10, 1);
    put_session("1-0-11", 2, 1); /* began before, by event time */
    put_session("1-0-17", 17, 4);
    /* 14 is itself a conversion and the last: what stands at or before it does not count. */
    expect_rows(&all, "11- 10+ 12+ 14- 16- 17+ 18- ", 1);
    expect_rows(&one, "17+ 18- ", 0);
    expect_rows(&none, "", 0);
}

/* A backfill's rows come from its own tables; a conversion without features labels, and is no
 * row. */
static void test_a_backfill_has_its_own_rows(void **state)
{
    struct source_query q = {.in_order = true, .backfill = "again"},
                        other = {.backfill = "none"};
    struct source_counts counts;
    struct seen seen = {0};
    struct err e = {0};
    (void)state;
    if (!db_script(
            db,
            "INSERT INTO backfills VALUES ('again', now(), NULL, NULL, now(), NULL, 0, 0,"
            " '{}', 0, 0);"
            "INSERT INTO backfill_vectors SELECT 'again', * FROM features"
            " WHERE \"offset\" IN (10, 11, 16);"
            "INSERT INTO backfill_vectors SELECT 'again', * FROM features"
            " WHERE \"offset\" = 14;"
            "UPDATE backfill_vectors SET features = NULL, \"offset\" = 20"
            " WHERE \"offset\" = 14;"
            "INSERT INTO backfill_vectors SELECT 'further', * FROM features;"
            "INSERT INTO backfill_sessions SELECT 'again', * FROM sessions"
            " WHERE session_id = '1-0-10';"
            "INSERT INTO backfill_sessions SELECT 'further', * FROM sessions",
            &e))
        fail_msg("%s", e.text);
    expect_rows(&q, "10+ 16+ ", 0); /* 11 is of a session that the backfill has not */
    assert_false(source_each(db, &other, see, &seen, &counts, &e));
    assert_non_null(strstr(e.text, "no backfill \"none\""));
}

static bool stop(void *to, const struct source_row *row, struct err *e)
{
    (void)to;
    (void)row;
    return err_set(e, 0, "enough");
}

static void test_stopping_leaves_the_connection_usable(void **state)
{
    struct source_query q = {0};
    struct source_counts counts;
    struct err e = {0};
    int64_t value = 0;
    (void)state;
    assert_false(source_each(db, &q, stop, NULL, &counts, &e));
    assert_non_null(strstr(e.text, "enough"));
    if (db_is_lost(db))
        assert_true(db_reopen(db, &e));
    assert_true(db_value_i64(db, "SELECT 5", NULL, 0, &value, &e));
    assert_int_equal(value, 5);
}

static void test_versions_grow_by_one(void **state)
{
    struct container_head head = {"conversion",       "trees",          "grown",         45,
                                  0xffffffffffffffff, 1700000000000000, 1700000001000000};
    struct err e = {0};
    int64_t found = 0;
    (void)state;
    for (uint64_t version = 1; version <= 3; version++) {
        struct release r;
        release_init(&r, &head, STR("container"), STR("{\"auc\":0.75}"), 1700000002000000);
        if (!release_register(&r, db, 0, &e))
            fail_msg("%s", e.text);
        assert_true(r.version == version);
    }
    assert_true(db_value_i64(db,
                             "SELECT count(*) FROM models WHERE name = 'grown' AND version <= 3"
                             " AND features_hash = -1 AND sha256 = sha256('container')"
                             " AND metrics->>'auc' = '0.75' AND bytes = 9"
                             " AND data_from = to_timestamp(1700000000)",
                             NULL, 0, &found, &e));
    assert_int_equal(found, 3);
    /* the topic has versions that the table has not, of models that were imported without it */
    struct container_head outside = head;
    struct release r;
    outside.data_from_us = outside.data_to_us = 0;
    release_init(&r, &outside, STR("container"), STR("{}"), 1700000002000000);
    if (!release_register(&r, db, 8, &e))
        fail_msg("%s", e.text);
    assert_true(r.version == 9);
    assert_true(db_value_i64(db,
                             "SELECT count(*) FROM models WHERE name = 'grown' AND version = 9"
                             " AND data_from IS NULL AND data_to IS NULL",
                             NULL, 0, &found, &e));
    assert_int_equal(found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_what_came_later),
        cmocka_unit_test(test_a_backfill_has_its_own_rows),
        cmocka_unit_test(test_stopping_leaves_the_connection_usable),
        cmocka_unit_test(test_versions_grow_by_one),
    };
    if (getenv("AUSPEX_TEST_DSN") == NULL) {
        (void)puts("1..0 # SKIP AUSPEX_TEST_DSN names no server");
        return 0;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("source", tests, make, drop);
}
