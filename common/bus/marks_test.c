/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/marks.h"

#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct position at(uint64_t origin, uint64_t partition, uint64_t offset, uint64_t index)
{
    return (struct position){
        .epoch = 1, .origin = origin, .partition = partition, .offset = offset, .index = index};
}

static void test_passes_only_what_is_above(void **state)
{
    static const struct {
        uint64_t epoch, offset, index;
        bool passes;
    } cases[] = {
        {1, 5, 2, true},           {1, 5, 2, false}, {1, 5, 1, false},
        {1, 4, 9, false},          {1, 5, 3, true},  {1, 6, 0, true},
        {1, 5, 9, false},          {2, 0, 0, true},  {1, 9, 9, false},
        {2, 0, 0, false},          {2, 0, 1, true},  {2, UINT64_MAX, UINT64_MAX, true},
        {2, UINT64_MAX, 0, false},
    };
    struct marks m = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct position p = at(ORIGIN_RAW, 0, cases[i].offset, cases[i].index);
        p.epoch = cases[i].epoch;
        assert_int_equal(marks_would_pass(&m, &p), cases[i].passes);
        assert_int_equal(marks_would_pass(&m, &p), cases[i].passes); /* moves nothing */
        assert_int_equal(marks_pass(&m, &p), cases[i].passes);
    }
    assert_int_equal(m.n, 1);
    marks_fini(&m);
}

static void test_each_log_has_its_own(void **state)
{
    struct marks m = {0};
    struct position p = at(ORIGIN_RAW, 0, 9, 0);
    (void)state;
    assert_true(marks_pass(&m, &p));
    p.partition = 1;
    assert_true(marks_pass(&m, &p));
    p.origin = ORIGIN_EVENTS;
    assert_true(marks_pass(&m, &p));
    p.origin = ORIGIN_CONTROL;
    assert_true(marks_pass(&m, &p));
    p.origin = ORIGIN_IMPORTS;
    p.import_id = 77;
    assert_true(marks_pass(&m, &p));
    p.import_id = 78;
    assert_true(marks_pass(&m, &p));
    p.partition = 5; /* an import is named by its id alone */
    assert_false(marks_pass(&m, &p));
    assert_int_equal(m.n, 6);
    p = at(ORIGIN_RAW, 1, 9, 0);
    p.import_id = 3; /* and a partition by its number alone */
    assert_false(marks_pass(&m, &p));
    marks_fini(&m);
}

static void test_prints_sorted(void **state)
{
    struct marks m = {0};
    struct buf text = {0};
    struct position p[] = {at(ORIGIN_EVENTS, 3, 8, 0), at(ORIGIN_IMPORTS, 0, 12, 0),
                           at(ORIGIN_RAW, 10, 7, 1), at(ORIGIN_RAW, 2, 5, 4294967295)};
    (void)state;
    marks_print(&m, &text);
    assert_true(str_is(buf_as_str(&text), "v1"));
    p[1].import_id = 0xff00000000000001u;
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        assert_true(marks_pass(&m, &p[i]));
    buf_reset(&text);
    marks_print(&m, &text);
    assert_true(str_is(buf_as_str(&text), "v1 r2=1:5:4294967295 r10=1:7:1 "
                                          "iff00000000000001=1:12:0 e3=1:8:0"));
    buf_fini(&text);
    marks_fini(&m);
}

static void test_refuses_what_it_does_not_print(void **state)
{
    static const struct str cases[] = {
        STR(" "),
        STR("v"),
        STR("v2"),
        STR("v1 "),
        STR("v11"),
        STR("r0=1:5:2"),
        STR("v1  r0=1:5:2"),
        STR("v1 r0=1:5:2 "),
        STR("v1 r=1:5:2"),
        STR("v1 0=1:5:2"),
        STR("v1 ?0=1:5:2"),
        STR("v1 x0=1:5:2"),
        STR("v1 \0000=1:5:2"),
        STR("v1 r0"),
        STR("v1 r0="),
        STR("v1 r0=1"),
        STR("v1 r0=1:5"),
        STR("v1 r0=1:5:"),
        STR("v1 r0=1:5:2:3"),
        STR("v1 r0=1:-5:2"),
        STR("v1 r00=1:5:2"),
        STR("v1 r0=01:5:2"),
        STR("v1 r0=1:18446744073709551616:2"),
        STR("v1 ra=1:5:2"),
        STR("v1 iA=1:5:2"),
        STR("v1 i11111111111111111=1:5:2"),
        STR("v1 r1=1:5:2 r0=1:5:2"),
        STR("v1 r0=1:5:2 r0=1:6:2"),
        STR("v1 i1=1:5:2 r0=1:6:2"),
        STR("v1 r0=1:5:2\n"),
        STR("v1 r0=1:5:2\0"),
    };
    struct marks m = {0};
    struct position p = at(ORIGIN_RAW, 4, 4, 4);
    (void)state;
    assert_true(marks_pass(&m, &p));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(marks_parse(&m, cases[i]));
    assert_true(m.n == 1 && m.at[0].offset == 4);
    assert_true(marks_parse(&m, STR("")));
    assert_int_equal(m.n, 0);
    marks_fini(&m);
}

static struct position random_position(struct rng *rng)
{
    struct position p = at(ORIGIN_RAW + rng_below(rng, 4), rng_below(rng, 40),
                           rng_u64(rng) >> 3, rng_below(rng, 5));
    p.import_id = p.origin == ORIGIN_IMPORTS ? rng_below(rng, 30) * 0x0842108421084211u : 0;
    return p;
}

static void test_comes_back_from_text(void **state)
{
    struct rng rng = {3};
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct marks m = {0}, again = {0};
        struct buf text = {0}, second = {0};
        for (uint32_t n = rng_below(&rng, 200); n > 0; n--) {
            struct position p = random_position(&rng);
            bool would = marks_would_pass(&m, &p);
            assert_int_equal(marks_pass(&m, &p), would);
            assert_false(marks_would_pass(&m, &p));
        }
        marks_print(&m, &text);
        assert_true(marks_parse(&again, buf_as_str(&text)));
        marks_print(&again, &second);
        assert_true(str_eq(buf_as_str(&text), buf_as_str(&second)));
        assert_int_equal(again.n, m.n);
        for (size_t i = 0; i < m.n; i++)
            assert_memory_equal(&again.at[i], &m.at[i], sizeof m.at[i]);
        buf_fini(&text);
        buf_fini(&second);
        marks_fini(&m);
        marks_fini(&again);
    }
}

static void test_worst_is_enough(void **state)
{
    struct marks m = {0};
    struct buf text = {0};
    (void)state;
    for (uint64_t i = 0; i < 9; i++) {
        struct position p = at(ORIGIN_EVENTS, UINT64_MAX - i, UINT64_MAX, UINT64_MAX);
        p.epoch = UINT64_MAX;
        assert_true(marks_pass(&m, &p));
    }
    marks_print(&m, &text);
    assert_true(text.len <= marks_worst(9) && text.len + 16 > marks_worst(9));
    buf_fini(&text);
    marks_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_only_what_is_above),
        cmocka_unit_test(test_each_log_has_its_own),
        cmocka_unit_test(test_prints_sorted),
        cmocka_unit_test(test_refuses_what_it_does_not_print),
        cmocka_unit_test(test_comes_back_from_text),
        cmocka_unit_test(test_worst_is_enough),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
