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

/* The first place of `words` in the migrations, which one of them must have. */
static const char *find(const char *words)
{
    const char *at = NULL;
    for (int m = 0; m < migrations_n && !at; m++)
        at = strstr(migrations[m].sql, words);
    CHECK(at != NULL);
    return at;
}

/* The text between "CREATE TABLE name (" and the line that begins with ")". */
static struct str body_of(const char *name)
{
    char head[LINE];
    (void)snprintf(head, sizeof head, "CREATE TABLE %s (\n", name);
    const char *at = find(head);
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

/* The column that the line defines; which one must be. */
static const struct column *column_of(const struct table_def *t, struct str line, bool *is_null)
{
    for (unsigned i = 0; i < t->n_columns; i++)
        if (defines(line, &t->columns[i], is_null))
            return &t->columns[i];
    fail_msg("%s: \"%.*s\" is no column that archiver fills", t->name, STR_ARGS(line));
    return NULL;
}

static void test_columns(void **state)
{
    (void)state;
    static struct table_def tables[TABLES_N];
    tables_init(tables);
    for (int t = 0; t < TABLES_N; t++) {
        struct buf body = {0};
        unsigned n = 0;
        uint8_t is_there[TABLE_COLUMNS] = {0};
        buf_str(&body, body_of(tables[t].name));
        append_later(&body, tables[t].name);
        for (struct str rest = buf_as_str(&body); rest.len > 0; n++) {
            struct str line = str_trim(str_cut(rest, '\n', &rest));
            bool is_null = false;
            const struct column *c = column_of(&tables[t], line, &is_null);
            bool is_number =
                c->type == COLUMN_INT4 || c->type == COLUMN_INT8 || c->type == COLUMN_FLAG;
            const char *day = t == TABLE_DELIVERIES ? "started_us" : "received_us";
            assert_false(is_there[c - tables[t].columns]++);
            if (is_null == (is_number || strcmp(c->name, day) == 0))
                fail_msg("%s.%s: NULL must%s be allowed", tables[t].name, c->name,
                         is_null ? " not" : "");
        }
        assert_int_equal(n, tables[t].n_columns);
        buf_fini(&body);
    }
}

/* Every table of ours is among those that get a partition a day, but for the notices, which are
 * few and hold on. */
static void test_each_has_days(void **state)
{
    (void)state;
    static struct table_def tables[TABLES_N];
    tables_init(tables);
    const char *function = NULL; /* as the last migration that has it makes it */
    for (int m = 0; m < migrations_n; m++) {
        const char *at = strstr(migrations[m].sql, "FUNCTION archive_ensure_day");
        function = at ? at : function;
    }
    CHECK(function != NULL);
    for (int t = 0; t < TABLES_N; t++) {
        char quoted[LINE];
        (void)snprintf(quoted, sizeof quoted, "'%s'", tables[t].name);
        assert_true((strstr(function, quoted) != NULL) == (t != TABLE_NOTICES));
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
