/* SPDX-License-Identifier: Apache-2.0 */
/* backoff_test - the schedule of the specification, what Retry-After does to it, and its end.
 */
#include "actuator/backoff.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { FIRST_MS = 5000 };
static const int64_t first_us = FIRST_MS * (int64_t)1000;

static void schedule_is_the_specifications(void **state)
{
    (void)state;
    static const int64_t waits_s[] = {5,     300,   1800,  7200,  18000,
                                      36000, 50400, 72000, 86400, 86400};
    int64_t least = INT64_MAX, most = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "1-0-%u-0", i);
        for (size_t k = 0; k < ARRAY_LEN(waits_s); k++) {
            int64_t wait_us = backoff_wait_us(k + 1, first_us, str_of(id));
            assert_in_range(wait_us, waits_s[k] * 900000, waits_s[k] * 1100000);
            assert_int_equal(wait_us, backoff_wait_us(k + 1, first_us, str_of(id)));
        }
        least = MIN(least, backoff_wait_us(1, first_us, str_of(id)));
        most = MAX(most, backoff_wait_us(1, first_us, str_of(id)));
    }
    assert_true(least < 4550000 && most > 5450000); /* it uses its room */
    assert_in_range(backoff_wait_us(UINT64_MAX, first_us, STR("x")), 21 * HOUR_US,
                    27 * HOUR_US);
    assert_in_range(backoff_wait_us(1, 200000, STR("x")), 180000, 220000);
}

static const struct {
    const char *text;
    bool is_good;
    int64_t at_s; /* behind 1994-11-06 08:49:37 */
} headers[] = {
    {"0", true, 0},
    {"120", true, 120},
    {"Sun, 06 Nov 1994 08:49:37 GMT", true, 0},
    {"Sun, 06 Nov 1994 08:50:00 GMT", true, 23},
    {"Tue, 29 Nov 1994 08:49:37 GMT", true, 1987200},
    {"18446744073709551615", true, 31622400},
    {"18446744073709551616", false, 0},
    {"-1", false, 0},
    {"", false, 0},
    {"soon", false, 0},
    {"1.5", false, 0},
    {"Sunday, 06-Nov-94 08:49:37 GMT", false, 0},
    {"Sun Nov  6 08:49:37 1994", false, 0},
    {"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
    {"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
    {"Sun, 06 ovD 1994 08:49:37 GMT", false, 0},
    {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun, +6 Nov 1994 08:49:37 GMT", false, 0},
};

static void retry_after_is_read(void **state)
{
    (void)state;
    int64_t now_us;
    assert_true(clock_parse(STR("1994-11-06T08:49:37Z"), &now_us));
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        int64_t at_us = -1;
        bool is_good = backoff_retry_after(str_of(headers[i].text), now_us, &at_us);
        if (is_good != headers[i].is_good)
            fail_msg("%s", headers[i].text);
        assert_int_equal(at_us, is_good ? now_us + headers[i].at_s * SECOND_US : -1);
    }
}

static void retry_after_is_respected(void **state)
{
    (void)state;
    struct backoff_try t = {.id = STR("1-0-5-0"),
                            .attempt = 1,
                            .status = 503,
                            .retry_after = STR("100"),
                            .now_us = 1000 * SECOND_US,
                            .expires_us = 5000 * SECOND_US,
                            .first_us = first_us};
    assert_int_equal(backoff_next_us(&t), 1100 * SECOND_US);
    t.status = 429;
    assert_int_equal(backoff_next_us(&t), 1100 * SECOND_US);
    t.retry_after = STR("0"); /* no receiver may have us in a tight loop */
    assert_int_equal(backoff_next_us(&t), 1001 * SECOND_US);
    t.retry_after = STR("Sun, 06 Nov 1994 08:49:37 GMT"); /* far from 1970: capped */
    assert_int_equal(backoff_next_us(&t), 5000 * SECOND_US);
    t.retry_after = STR("x");
    assert_in_range(backoff_next_us(&t), 1004 * SECOND_US, 1006 * SECOND_US);
    t.retry_after = STR("100");
    t.status = 500;
    assert_in_range(backoff_next_us(&t), 1004 * SECOND_US, 1006 * SECOND_US);
    t.attempt = 9;
    assert_int_equal(backoff_next_us(&t), 5000 * SECOND_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedule_is_the_specifications),
        cmocka_unit_test(retry_after_is_read),
        cmocka_unit_test(retry_after_is_respected),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
