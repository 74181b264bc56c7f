/* SPDX-License-Identifier: Apache-2.0 */
/* copy_test - bytes against those that PostgreSQL 15 wrote for the same row. */
#include "common/db/copy.h"

#include "common/db/db.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* COPY (SELECT 7::int4, -2::int8, 1.5::float8, 'hé'::text, '\x00ff'::bytea,
 *       '2019-10-01 00:00:00.000001+00'::timestamptz, true, '{"a": 1}'::jsonb, NULL::text)
 * TO STDOUT (FORMAT binary) */
static const uint8_t golden[] = {
    0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x07, 0x00,
    0x00, 0x00, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x00, 0x00, 0x00, 0x08,
    0x3f, 0xf8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x68, 0xc3, 0xa9,
    0x00, 0x00, 0x00, 0x02, 0x00, 0xff, 0x00, 0x00, 0x00, 0x08, 0x00, 0x02, 0x36, 0xcc, 0xcd,
    0x5b, 0xe0, 0x01, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x09, 0x01, 0x7b, 0x22,
    0x61, 0x22, 0x3a, 0x20, 0x31, 0x7d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

static void build(struct buf *b)
{
    copy_head(b);
    copy_row(b, 9);
    copy_int4(b, 7);
    copy_int8(b, -2);
    copy_float8(b, 1.5);
    copy_text(b, STR("h\xc3\xa9"));
    copy_bytea(b, str_over("\x00\xff", 2));
    copy_time(b, (int64_t)1569888000 * 1000000 + 1);
    copy_flag(b, true);
    copy_jsonb(b, STR("{\"a\": 1}"));
    copy_null(b);
    copy_tail(b);
}

static void test_bytes(void **state)
{
    (void)state;
    struct buf b = {0};
    build(&b);
    assert_int_equal(b.len, sizeof golden);
    assert_memory_equal(b.at, golden, sizeof golden);
    buf_fini(&b);
}

static void test_parse(void **state)
{
    (void)state;
    struct db_row row;
    size_t used;
    struct str bytes = str_over(golden, sizeof golden);
    assert_int_equal(copy_head_len(bytes), COPY_HEAD_LEN);
    bytes = str_over(bytes.at + COPY_HEAD_LEN, bytes.len - COPY_HEAD_LEN);
    assert_int_equal(copy_parse(bytes, &row, &used), COPY_ROW);
    assert_int_equal(row.n, 9);
    assert_int_equal(db_field_i64(&row.fields[0]), 7);
    assert_int_equal(db_field_i64(&row.fields[1]), -2);
    assert_true(db_field_f64(&row.fields[2]) == 1.5);
    assert_true(str_is(db_field_str(&row.fields[3]), "h\xc3\xa9"));
    assert_int_equal(db_field_str(&row.fields[4]).len, 2);
    assert_int_equal(db_field_time(&row.fields[5]), (int64_t)1569888000 * 1000000 + 1);
    assert_true(db_field_flag(&row.fields[6]));
    assert_true(str_is(db_field_jsonb(&row.fields[7]), "{\"a\": 1}"));
    assert_null(row.fields[8].at);
    assert_true(isnan(db_field_f64(&row.fields[8])));
    bytes = str_over(bytes.at + used, bytes.len - used);
    assert_int_equal(copy_parse(bytes, &row, &used), COPY_END);
    assert_int_equal(used, 2);
}

static void test_parse_cut_short(void **state)
{
    (void)state;
    struct db_row row;
    size_t used;
    for (size_t len = 0; len < COPY_HEAD_LEN; len++)
        assert_int_equal(copy_head_len(str_over(golden, len)), 0);
    for (size_t len = COPY_HEAD_LEN; len < sizeof golden - 2; len++)
        assert_int_equal(
            copy_parse(str_over(golden + COPY_HEAD_LEN, len - COPY_HEAD_LEN), &row, &used),
            COPY_MORE);
}

static void test_parse_bad(void **state)
{
    (void)state;
    struct db_row row;
    size_t used;
    assert_int_equal(copy_head_len(STR("PGCOPX")), SIZE_MAX);
    /* more columns than any table has; a length below -1 */
    assert_int_equal(copy_parse(str_over("\x7f\xff", 2), &row, &used), COPY_BAD);
    assert_int_equal(copy_parse(str_over("\x00\x01\x80\x00\x00\x00", 6), &row, &used),
                     COPY_BAD);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        enum db_fault fault;
    } cases[] = {
        {"", DB_RETRY},      {"08006", DB_RETRY}, {"40001", DB_RETRY}, {"40P01", DB_RETRY},
        {"57P01", DB_RETRY}, {"57P03", DB_RETRY}, {"57014", DB_RETRY}, {"53100", DB_RETRY},
        {"53300", DB_RETRY}, {"25006", DB_RETRY}, {"55P03", DB_RETRY}, {"25P03", DB_RETRY},
        {"22P02", DB_DATA},  {"22021", DB_DATA},  {"23502", DB_DATA},  {"23514", DB_DATA},
        {"42P01", DB_FATAL}, {"42501", DB_FATAL}, {"28P01", DB_FATAL}, {"3D000", DB_FATAL},
        {"25P02", DB_FATAL}, {"XX000", DB_FATAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(db_fault_of(cases[i].state), cases[i].fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),     cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_bad), cmocka_unit_test(test_parse_cut_short),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
