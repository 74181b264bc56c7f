/* SPDX-License-Identifier: Apache-2.0 */
/* db_test - connections, transactions, COPY and migrations against a real PostgreSQL, named by
 * AUSPEX_TEST_DSN (of a role that may make databases); skipped without it. What needs no server
 * always runs. */
#include "common/db/db.h"

#include "common/db/copy.h"
#include "common/db/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dsn[1024];

/* A database of the test's own, so that tests may run side by side. */
static int make(void **state)
{
    (void)state;
    const char *base = getenv("AUSPEX_TEST_DSN");
    struct err e = {0};
    char sql[128];
    if (!base)
        return 0;
    struct db *db = db_open(base, "db_test", &e);
    if (!db)
        fail_msg("%s", e.text);
    snprintf(sql, sizeof sql, "CREATE DATABASE auspex_db_test_%d", (int)getpid());
    assert_true(db_exec(db, sql, NULL, 0, NULL, &e));
    db_close(db);
    snprintf(dsn, sizeof dsn, "%s dbname=auspex_db_test_%d", base, (int)getpid());
    return 0;
}

static int drop(void **state)
{
    (void)state;
    const char *base = getenv("AUSPEX_TEST_DSN");
    struct err e = {0};
    char sql[128];
    if (!base)
        return 0;
    struct db *db = db_open(base, "db_test", &e);
    snprintf(sql, sizeof sql, "DROP DATABASE auspex_db_test_%d WITH (FORCE)", (int)getpid());
    assert_true(db && db_exec(db, sql, NULL, 0, NULL, &e));
    db_close(db);
    return 0;
}

static struct db *open_or_skip(void)
{
    struct err e = {0};
    if (!dsn[0])
        skip();
    struct db *db = db_open(dsn, "db_test", &e);
    if (!db)
        fail_msg("%s", e.text);
    return db;
}

static void test_bad_dsn(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "host=127.0.0.1 secret word", "nokey=1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        assert_null(db_open(bad[i], "db_test", &e));
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
        assert_null(strstr(e.text, "secret"));
    }
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct err e = {0};
    assert_null(db_open("host=127.0.0.1 port=1 dbname=x password=hidden", "db_test", &e));
    assert_int_equal(e.code, EXIT_CODE_GONE);
    assert_true(e.retry);
    assert_null(strstr(e.text, "hidden"));
}

static void test_values(void **state)
{
    (void)state;
    struct db *db = open_or_skip();
    struct err e = {0};
    int64_t n = 0;
    char text[8];
    const char *const params[] = {"40", "2"};
    assert_true(db_value_i64(db, "SELECT $1::int + $2::int", params, 2, &n, &e));
    assert_int_equal(n, 42);
    assert_true(db_value_text(db, "SELECT 'a long text'", NULL, 0, text, sizeof text, &e));
    assert_string_equal(text, "a long ");
    assert_false(db_value_i64(db, "SELECT 1 WHERE false", NULL, 0, &n, &e));
    assert_int_equal(db_fault(db), DB_NONE);
    struct db_rows *rows =
        db_query(db, "SELECT i, NULL, i / 2.0 FROM generate_series(1, 3) i", NULL, 0, &e);
    assert_non_null(rows);
    assert_int_equal(db_rows_n(rows), 3);
    assert_int_equal(db_cell_i64(rows, 2, 0), 3);
    assert_null(db_cell(rows, 0, 1).at);
    assert_true(db_cell_f64(rows, 0, 2) == 0.5);
    db_rows_free(rows);
    db_close(db);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *state;
        enum db_fault fault;
        enum exit_code code;
    } cases[] = {
        {"SELECT 'topsecret'::int", "22P02", DB_DATA, EXIT_CODE_FAILED},
        {"SELECT * FROM no_such_table", "42P01", DB_FATAL, EXIT_CODE_CONFIG},
        {"SELECT pg_sleep(60)", "57014", DB_RETRY, EXIT_CODE_GONE},
    };
    static const struct db_limits limits = {200, 100, 5000};
    struct db *db = open_or_skip();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        assert_true(db_begin(db, &limits, &e));
        assert_false(db_exec(db, cases[i].sql, NULL, 0, NULL, &e));
        assert_string_equal(db_sqlstate(db), cases[i].state);
        assert_int_equal(db_fault(db), cases[i].fault);
        assert_int_equal(e.code, cases[i].code);
        assert_null(strstr(e.text, "topsecret"));
        assert_false(db_commit(db, &e)); /* a failed transaction never counts as committed */
        db_rollback(db);
        assert_false(db_is_lost(db));
    }
    db_close(db);
}

/* Limits hold within their transaction only: nothing of a session is left behind. */
static void test_limits_are_local(void **state)
{
    (void)state;
    struct db *db = open_or_skip();
    struct err e = {0};
    char before[32], within[32], after[32];
    static const char sql[] = "SHOW idle_in_transaction_session_timeout";
    assert_true(db_value_text(db, sql, NULL, 0, before, sizeof before, &e));
    assert_true(db_begin(db, NULL, &e));
    assert_true(db_value_text(db, sql, NULL, 0, within, sizeof within, &e));
    assert_true(db_commit(db, &e));
    assert_true(db_value_text(db, sql, NULL, 0, after, sizeof after, &e));
    assert_string_equal(within, "5s");
    assert_string_equal(before, after);
    db_close(db);
}

static void kill_other(struct db *by, struct db *victim)
{
    struct err e = {0};
    char pid[32];
    const char *const params[] = {pid};
    assert_true(db_value_text(victim, "SELECT pg_backend_pid()", NULL, 0, pid, sizeof pid, &e));
    assert_true(db_exec(by, "SELECT pg_terminate_backend($1::int)", params, 1, NULL, &e));
}

static void test_lost_and_reopened(void **state)
{
    (void)state;
    struct db *db = open_or_skip(), *other = open_or_skip();
    struct err e = {0};
    assert_true(db_begin(db, NULL, &e));
    kill_other(other, db);
    assert_false(db_commit(db, &e));
    assert_true(db_is_lost(db));
    assert_int_equal(db_fault(db), DB_RETRY);
    assert_true(e.retry);
    assert_false(db_exec(db, "SELECT 1", NULL, 0, NULL, &e));
    assert_true(db_reopen(db, &e));
    assert_true(db_exec(db, "SELECT 1", NULL, 0, NULL, &e));
    db_close(db);
    db_close(other);
}

static void test_copy_there_and_back(void **state)
{
    (void)state;
    enum { ROWS = 50000 };
    struct db *db = open_or_skip();
    struct err e = {0};
    struct buf b = {0};
    uint64_t n = 0;
    copy_head(&b);
    for (int i = 0; i < ROWS; i++) {
        copy_row(&b, 2);
        copy_int8(&b, i);
        copy_text(&b, STR("some text that makes the row a little longer"));
    }
    copy_tail(&b);
    struct str piece = buf_as_str(&b);
    assert_true(db_begin(db, NULL, &e));
    assert_true(db_exec(db, "CREATE TEMP TABLE t (i bigint, x text) ON COMMIT DROP", NULL, 0,
                        NULL, &e));
    assert_true(db_copy_in(db, "COPY t FROM STDIN (FORMAT binary)", &piece, 1, &n, &e));
    assert_int_equal(n, ROWS);
    assert_true(
        db_copy_out(db, "COPY (SELECT i, x FROM t ORDER BY i) TO STDOUT (FORMAT binary)", &e));
    struct db_row row;
    bool is_end = false;
    int64_t next = 0;
    while (db_copy_next(db, &row, &is_end, &e) && !is_end)
        assert_int_equal(db_field_i64(&row.fields[0]), next++);
    assert_true(is_end);
    assert_int_equal(next, ROWS);
    assert_true(db_commit(db, &e));
    buf_fini(&b);
    db_close(db);
}

static void test_copy_refused(void **state)
{
    (void)state;
    struct db *db = open_or_skip();
    struct err e = {0};
    struct buf b = {0};
    copy_head(&b);
    copy_row(&b, 1);
    copy_jsonb(&b, STR("{\"hidden\": }"));
    copy_tail(&b);
    struct str piece = buf_as_str(&b);
    assert_true(db_begin(db, NULL, &e));
    assert_true(db_exec(db, "CREATE TEMP TABLE t (j jsonb) ON COMMIT DROP", NULL, 0, NULL, &e));
    assert_false(db_copy_in(db, "COPY t FROM STDIN (FORMAT binary)", &piece, 1, NULL, &e));
    assert_int_equal(db_fault(db), DB_DATA);
    assert_null(strstr(e.text, "hidden"));
    db_rollback(db);
    assert_true(db_exec(db, "SELECT 1", NULL, 0, NULL, &e));
    buf_fini(&b);
    db_close(db);
}

static void expect_half_way(struct db *db, const char *spoil, const char *mend)
{
    struct err e = {0};
    assert_true(db_script(db, spoil, &e));
    assert_false(db_migrate_check(db, &e));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_non_null(strstr(e.text, "half-way"));
    assert_false(db_migrate(db, &e));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_true(db_script(db, mend, &e));
}

static void test_migrate(void **state)
{
    (void)state;
    struct db *db = open_or_skip();
    struct err e = {0};
    assert_false(db_migrate_check(db, &e));
    assert_non_null(strstr(e.text, "at version 0"));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_true(db_migrate(db, &e));
    assert_true(db_migrate_check(db, &e));
    assert_true(db_migrate(db, &e)); /* twice changes nothing */
    assert_true(db_script(db, "INSERT INTO schema_version VALUES (99999, 'x', 'x')", &e));
    assert_false(db_migrate_check(db, &e));
    assert_true(db_script(db, "DELETE FROM schema_version WHERE version = 99999", &e));
    expect_half_way(db, "UPDATE schema_version SET sha256 = 'x' || sha256 WHERE version = 1",
                    "UPDATE schema_version SET sha256 = substr(sha256, 2) WHERE version = 1");
    expect_half_way(db, "ALTER TABLE schema_version RENAME TO away",
                    "ALTER TABLE away RENAME TO schema_version");
    char sql[128];
    snprintf(sql, sizeof sql, "INSERT INTO schema_version VALUES (%d, 'later', 'x')",
             migrations_n + 1);
    assert_true(db_script(db, sql, &e));
    assert_false(db_migrate(db, &e));
    assert_non_null(strstr(e.text, "knows only"));
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(test_bad_dsn),
        cmocka_unit_test(test_nobody_there),
    };
    const struct CMUnitTest with_server[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_limits_are_local),
        cmocka_unit_test(test_lost_and_reopened),
        cmocka_unit_test(test_copy_there_and_back),
        cmocka_unit_test(test_copy_refused),
        cmocka_unit_test(test_migrate),
    };
    if (!getenv("AUSPEX_TEST_DSN")) /* suite unit; suite database comes with a server */
        return cmocka_run_group_tests(alone, NULL, NULL);
    return cmocka_run_group_tests(with_server, make, drop);
}
