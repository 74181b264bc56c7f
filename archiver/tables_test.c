/* SPDX-License-Identifier: Apache-2.0 */
/* tables_test - the migrations have exactly the columns that the records' tables call for. */
#include "archiver/tables.h"

#include "common/db/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LINE = 256 };

/* Whether `line` defines column `name` of this type; *is_null = may be NULL. */
static bool defines(struct str line, const struct column *c, bool *is_null)
{
    char wanted[LINE];
    bool is_quoted = line.len > 0 && line.at[0] == '"';
    int len = snprintf(wanted, sizeof wanted, is_quoted ? "\"%.*s\" %s" : "%.*s %s",
                       c->name_len, c->name, column_sql[c->type]);
    if (!str_starts(line, str_over(wanted, (size_t)len)))
        return false;
    struct str rest = str_trim(str_over(line.at + len, line.len - (size_t)len));
    *is_null = !str_starts(rest, STR("NOT NULL"));
    return *is_null ? rest.len == 0 || str_is(rest, ",") : true;
}

/* The text between "CREATE TABLE name (" and the line that begins with ")". */
static struct str body_of(const char *sql, const char *name)
{
    char head[LINE];
    (void)snprintf(head, sizeof head, "CREATE TABLE %s (\n", name);
    const char *at = strstr(sql, head);
    assert_non_null(at);
    at += strlen(head);
    return str_over(at, (size_t)(strstr(at, "\n)") + 1 - at));
}

/* Later migrations add columns by "ALTER TABLE name ADD COLUMN column type;", one a line. */
static void append_later(struct buf *body, const char *name)
{
    char head[LINE];
    int len = snprintf(head, sizeof head, "ALTER TABLE %s ADD COLUMN ", name);
    for (int m = 1; m < migrations_n; m++)
        for (const char *at = migrations[m].sql; (at = strstr(at, head)); at += len) {
            const char *from = at + len;
            buf_put(body, from, strcspn(from, ";"));
            buf_byte(body, '\n');
        }
}

static void test_columns(void **state)
{
    (void)state;
    static struct table_def tables[TABLES_N];
    tables_init(tables);
    for (int t = 0; t < TABLES_N; t++) {
        struct buf body = {0};
        unsigned n = 0;
        buf_str(&body, body_of(migrations[0].sql, tables[t].name));
        append_later(&body, tables[t].name);
        for (struct str rest = buf_as_str(&body); rest.len > 0; n++) {
            struct str line = str_trim(str_cut(rest, '\n', &rest));
            const struct column *c = &tables[t].columns[n];
            bool is_null = false;
            if (n >= tables[t].n_columns || !defines(line, c, &is_null))
                fail_msg("%s: \"%.*s\" where %s %s should stand", tables[t].name,
                         STR_ARGS(line), n < tables[t].n_columns ? c->name : "nothing",
                         n < tables[t].n_columns ? column_sql[c->type] : "");
            bool is_number =
                c->type == COLUMN_INT4 || c->type == COLUMN_INT8 || c->type == COLUMN_FLAG;
            bool is_received = strcmp(c->name, "received_us") == 0;
            if (is_null == (is_number || is_received))
                fail_msg("%s.%s: NULL must%s be allowed", tables[t].name, c->name,
                         is_null ? " not" : "");
        }
        assert_int_equal(n, tables[t].n_columns);
        buf_fini(&body);
    }
}

/* Every table of ours is among those that get a partition a day. */
static void test_each_has_days(void **state)
{
    (void)state;
    static struct table_def tables[TABLES_N];
    tables_init(tables);
    const char *function = strstr(migrations[0].sql, "CREATE FUNCTION archive_ensure_day");
    assert_non_null(function);
    for (int t = 0; t < TABLES_N; t++) {
        char quoted[LINE];
        (void)snprintf(quoted, sizeof quoted, "'%s'", tables[t].name);
        assert_non_null(strstr(function, quoted));
    }
}

static void test_row_bytes(void **state)
{
    (void)state;
    static struct table_def tables[TABLES_N];
    tables_init(tables);
    const struct table_def *t = &tables[TABLE_REPEATS];
    struct vector v;
    vector_init(&v);
    v.epoch = 1;
    v.partition = 2;
    v.offset = 3;
    v.received_us = (int64_t)946684800 * 1000000 + 5;
    v.visitor = STR("a");
    v.site_id = 0xfffffffffffffff9u; /* -7 */
    const void *const bases[BASES_N] = {NULL, &v, NULL};
    static const uint8_t wanted[] = {
        0,   10,                              /* columns */
        0,   0,   0,   4,   0,   0,   0,   1, /* epoch */
        0,   0,   0,   4,   0,   0,   0,   2, /* partition */
        0,   0,   0,   8,   0,   0,   0,   0,
        0,   0,   0,   3, /* offset */
        0,   0,   0,   8,   0,   0,   0,   0,
        0,   0,   0,   5,        /* received, since 2000 */
        0,   0,   0,   1,   'a', /* visitor */
        0,   0,   0,   8,   255, 255, 255, 255,
        255, 255, 255, 249, /* site_id, two's complement */
        255, 255, 255, 255, /* event_id: NULL */
        255, 255, 255, 255, /* type */
        255, 255, 255, 255, /* ts */
        0,   0,   0,   8,   0,   0,   0,   0,
        0,   0,   0,   0, /* of_import */
    };
    struct buf b = {0};
    table_pack(&b, t, bases);
    assert_int_equal(b.len, sizeof wanted);
    assert_memory_equal(b.at, wanted, sizeof wanted);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_each_has_days),
        cmocka_unit_test(test_row_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
