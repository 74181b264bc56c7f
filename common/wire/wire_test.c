/* SPDX-License-Identifier: Apache-2.0 */
/* Cursor and records: round trips, newer fields, and each way to be refused. */
#include "common/wire/in.h"
#include "common/wire/out.h"
#include "common/wire/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void event_comes_back(void **state)
{
    (void)state;
    struct event e, got;
    struct buf b = {0}, again = {0};
    event_init(&e);
    e.epoch = 1;
    e.origin = ORIGIN_RAW;
    e.offset = UINT64_MAX;
    e.received_us = 1767225600123456;
    e.visitor = STR("a_1");
    e.site_id = 7;
    e.price = 249.9;
    e.properties = STR("{\"x\":9007199254740993}");
    event_pack(&b, &e);
    assert_int_equal(event_read(&got, b.at, b.len), WIRE_OK);
    assert_true(got.offset == UINT64_MAX && got.received_us == e.received_us);
    assert_true(str_eq(got.visitor, e.visitor) && str_eq(got.properties, e.properties));
    assert_true(got.price == e.price && isnan(got.value));
    event_pack(&again, &got);
    assert_int_equal(b.len, again.len);
    assert_memory_equal(b.at, again.at, b.len);
    struct position p;
    assert_int_equal(position_read(&p, b.at, b.len), WIRE_OK);
    assert_true(p.rec == REC_event && p.origin == ORIGIN_RAW && p.offset == UINT64_MAX);
    buf_fini(&b);
    buf_fini(&again);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct session s, got;
    struct buf b = {0};
    session_init(&s);
    s.visitor = STR("visitor");
    s.value = 1.5;
    s.converted = true;
    session_pack(&b, &s);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(session_read(&got, b.at, len), WIRE_MALFORMED);
    buf_byte(&b, 0xc0);
    assert_int_equal(session_read(&got, b.at, b.len), WIRE_MALFORMED);
    buf_fini(&b);
}

static void newer_fields_are_skipped(void **state)
{
    (void)state;
    struct buf b = {0};
    struct tick got;
    out_map(&b, 4);
    out_u64(&b, 0);
    out_u64(&b, REC_tick);
    out_u64(&b, 120);
    out_array(&b, 2);
    out_str(&b, STR("new"));
    out_map(&b, 1);
    out_f64(&b, 1);
    out_flag(&b, true);
    out_u64(&b, 4000);
    out_u64(&b, 1);
    out_u64(&b, 11);
    out_u64(&b, 5);
    assert_int_equal(tick_read(&got, b.at, b.len), WIRE_OK);
    assert_int_equal(got.raw_partition, 5);
    buf_fini(&b);
}

static void hostile_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t len;
        enum wire_status status;
    } cases[] = {
        {"empty", "", 0, WIRE_MALFORMED},
        {"array", "\x91\x01", 2, WIRE_MALFORMED},
        {"text key", "\x81\xa1\x30\x02", 4, WIRE_MALFORMED},
        {"no rec", "\x81\x0b\x05", 3, WIRE_OTHER},
        {"other rec", "\x81\x00\x01", 3, WIRE_OTHER},
        {"key twice", "\x83\x00\x02\x0b\x05\x0b\x06", 7, WIRE_DUPLICATE},
        {"negative", "\x82\x00\x02\x0b\xff", 5, WIRE_MALFORMED},
        {"claims 4 G entries", "\xdf\xff\xff\xff\xff", 5, WIRE_MALFORMED},
        {"claims 4 GiB of bin", "\x82\x00\x02\x28\xc6\xff\xff\xff\xff", 9, WIRE_MALFORMED},
        /* 16 nested arrays of 2^32 - 1 each: an unpacker that trusts it asks for 256 GiB */
        {"23 bytes",
         "\x81\x28\xdd\x10\x00\x00\x00\xdd\x10\x00\x00\x00\xdd\x10\x00\x00\x00\xdd\x10\x00\x00"
         "\x00\xc0",
         23, WIRE_MALFORMED},
        {"never used tag", "\x82\x00\x02\x28\xc1", 5, WIRE_MALFORMED},
        {"cut ext", "\x82\x00\x02\x28\xd8\x01", 6, WIRE_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tick got = {.raw_partition = 99};
        enum wire_status s = tick_read(&got, cases[i].bytes, cases[i].len);
        if (s != cases[i].status)
            fail_msg("%s: %s", cases[i].name, wire_status_text(s));
        assert_int_equal(got.raw_partition, 99);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    uint8_t deep[100];
    memset(deep, 0x91, sizeof deep);
    deep[99] = 0xc0;
    for (size_t levels = 1; levels < 99; levels++) {
        struct in in = in_over(deep + 99 - levels, levels + 1);
        in_skip(&in);
        assert_int_equal(in.bad, levels > IN_DEPTH);
    }
}

static void integers_keep_their_value(void **state)
{
    (void)state;
    static const int64_t values[] = {
        0,  1,   127, 128,  255,  256,    65535,     65536,     INT32_MAX, (int64_t)1 << 53,
        -1, -32, -33, -128, -129, -32769, INT64_MIN, INT64_MAX, INT32_MIN, (1LL << 53) + 1};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct buf b = {0};
        out_i64(&b, values[i]);
        struct in in = in_over(b.at, b.len);
        assert_true(in_i64(&in) == values[i] && !in.bad && in.at == in.end);
        in = in_over(b.at, b.len);
        (void)in_u64(&in);
        assert_int_equal(in.bad, values[i] < 0);
        buf_fini(&b);
    }
}

static void positions_are_ordered(void **state)
{
    (void)state;
    const struct position a = {.epoch = 1, .offset = 5, .index = 2},
                          b = {.epoch = 1, .offset = 6}, c = {.epoch = 2};
    assert_true(position_cmp(&a, &b) < 0 && position_cmp(&b, &c) < 0 &&
                position_cmp(&a, &a) == 0);
    assert_true(position_cmp(&c, &a) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_comes_back),         cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(newer_fields_are_skipped), cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(depth_is_bounded),         cmocka_unit_test(integers_keep_their_value),
        cmocka_unit_test(positions_are_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
