/* SPDX-License-Identifier: Apache-2.0 */
/* refusals_test - which are kept, in which order, what is said of them, and that no byte of
 * theirs reaches a terminal raw. */
#include "ctl/refusals.h"

#include "common/base/clock.h"
#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t base_us = 1735689600 * SECOND_US; /* 2025-01-01 */

static struct rejected refused(int64_t second, const char *reason, uint64_t site_id)
{
    struct rejected r;
    rejected_init(&r);
    r.epoch = 1;
    r.origin = ORIGIN_RAW;
    r.partition = 2;
    r.offset = 120;
    r.index = 1;
    r.received_us = base_us + second * SECOND_US;
    r.stage = STR("collector");
    r.reason = str_of(reason);
    r.detail = STR("no key \x1b[1m");
    r.site_id = site_id;
    r.body =
        STR("{\"type\":\"page\",\x1b]0;owned\x07\"a\":\"0123456789012345678901234567890\"}");
    return r;
}

static void test_line(void **state)
{
    struct rejected r = refused(61, "bad_time", 3);
    struct buf b = {0};
    (void)state;
    refusal_line(&b, &r, 0, 12, false);
    assert_string_equal(
        buf_cstr(&b),
        "2025-01-01T00:01:01Z  0/12       collector bad_time of raw 2/120.1: no key \\x1b[1m | "
        "{\"type\":\"page\",\\x1b]0;owned\\x07\"a\":\"012345678901234567... (63 bytes)");
    buf_reset(&b);
    r.body = STR("\xff");
    r.detail = STR("d");
    refusal_line(&b, &r, 0, 12, true);
    assert_string_equal(
        buf_cstr(&b),
        "{\"_partition\":0,\"_offset\":12,\"rec\":6,\"epoch\":1,\"origin\":1,\"partition\":2,"
        "\"offset\":120,\"index\":1,\"import_id\":0,\"received\":\"2025-01-01T00:01:01."
        "000000Z\","
        "\"stage\":\"collector\",\"reason\":\"bad_time\",\"detail\":\"d\",\"site_id\":3,"
        "\"body\":\"/w==\"}");
    buf_fini(&b);
}

static void test_filters_and_summary(void **state)
{
    static const char *const names[] = {"malformed", "bad_time",  "malformed",
                                        "too_deep",  "malformed", "bad_time"};
    struct refusals many = {0}, all = {.limit = 9},
                    some = {.limit = 9,
                            .site_id = 3,
                            .reason = "malformed",
                            .since_us = base_us + 2 * SECOND_US};
    struct buf b = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct rejected r = refused((int64_t)i, names[i], 3 + i / 4);
        r.offset = i;
        assert_true(refusals_count(&all, &r));
        assert_int_equal(refusals_count(&some, &r), i == 2);
    }
    for (int i = 0; i < 10000; i++) { /* each twice: the second time it is a repeat */
        struct rejected r = refused(9, "too_large", 3);
        r.offset = 100 + (uint64_t)i / 2;
        assert_int_equal(refusals_count(&many, &r), i % 2 == 0);
    }
    assert_int_equal(many.n, 5000);
    refusals_summary(&all, &b);
    assert_string_equal(buf_cstr(&b), "6 refused: malformed 3, bad_time 2, too_deep 1");
    buf_reset(&b);
    all.is_json = true;
    refusals_summary(&all, &b);
    assert_string_equal(
        buf_cstr(&b),
        "{\"_refused\":6,\"_reasons\":{\"malformed\":3,\"bad_time\":2,\"too_deep\":1}}");
    buf_reset(&b);
    refusals_summary(&(struct refusals){0}, &b);
    assert_string_equal(buf_cstr(&b), "0 refused");
    buf_fini(&b);
    refusals_fini(&all);
    refusals_fini(&some);
    refusals_fini(&many);
}

/* Of a thousand in any order the newest seven are kept, the oldest of them first. */
static void test_newest_are_kept(void **state)
{
    struct refusals kept = {.limit = 7}, none = {.limit = 0};
    struct rng rng = {4};
    uint32_t order[1000] = {0};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(order); i++) {
        uint32_t at = rng_below(&rng, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct rejected r = refused(order[i], "malformed", 1);
        refusals_keep(&kept, &r, order[i] % 3, order[i]);
        refusals_keep(&none, &r, order[i] % 3, order[i]);
    }
    refusals_sort(&kept);
    assert_int_equal(kept.n_kept, 7);
    assert_int_equal(none.n_kept, 0);
    for (size_t i = 0; i < 7; i++) {
        struct rejected r = refused(993 + (int64_t)i, "malformed", 1);
        struct buf line = {0};
        refusal_line(&line, &r, (993 + (uint32_t)i) % 3, 993 + i, false);
        assert_true(str_eq(kept.kept[i].line, buf_as_str(&line)));
        buf_fini(&line);
    }
    refusals_fini(&kept);
    refusals_fini(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_filters_and_summary),
        cmocka_unit_test(test_newest_are_kept),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
