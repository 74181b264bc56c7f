/* SPDX-License-Identifier: Apache-2.0 */
/* Repair and clamping of event time, by a table. */
#include "collector/times.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ABSENT = INT32_MIN };

/* All in seconds after received. */
static void live_times_are_repaired(void **state)
{
    static const struct {
        const char *what;
        int32_t ts, sent, expected;
    } cases[] = {
        {"no claim", ABSENT, ABSENT, 0},
        {"no claim but sentAt", ABSENT, -3600, 0},
        {"a moment ago", -5, ABSENT, -5},
        {"sent at once", -5, -4, -5},
        {"from the future", 5, ABSENT, 0},
        {"far future", 86400 * 365, ABSENT, 0},
        {"two hours offline", -7200, -1, -7200},
        {"clock an hour slow", -3600 - 10, -3600, -10},
        {"clock an hour fast", 3600 - 10, 3600, -10},
        {"clock 60 s slow: left alone", -70, -60, -70},
        {"clock 61 s slow: repaired", -71, -61, -10},
        {"clock 61 s fast: repaired", 51, 61, -10},
        {"claimed after it was sent", -3500, -3600, 0},
        {"seven days ago", -7 * 86400, ABSENT, -7 * 86400},
        {"older", -7 * 86400 - 1, ABSENT, -7 * 86400},
        {"a clock of 1970", -1767225600, -1767225590, -10},
    };
    (void)state;
    const int64_t received_us = 1767225600 * SECOND_US;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct claim ts = {received_us + cases[i].ts * SECOND_US, cases[i].ts != ABSENT};
        struct claim sent = {received_us + cases[i].sent * SECOND_US, cases[i].sent != ABSENT};
        int64_t us = times_live(ts, sent, received_us);
        if (us != received_us + cases[i].expected * SECOND_US)
            fail_msg("%s: %lld s", cases[i].what, (long long)(us - received_us) / SECOND_US);
    }
}

static void imports_keep_theirs(void **state)
{
    (void)state;
    const int64_t received_us = 1767225600 * SECOND_US;
    assert_true(times_import((struct claim){5, true}, received_us) == 5);
    assert_true(times_import((struct claim){received_us + 5, true}, received_us) ==
                received_us);
}

static void numbers_are_seconds_or_milliseconds(void **state)
{
    (void)state;
    int64_t us = 0;
    assert_true(times_integer(1767225600, &us) && us == 1767225600 * SECOND_US);
    assert_true(times_integer(1767225600123, &us) && us == 1767225600123000);
    assert_true(times_integer(99999999999, &us) && us == 99999999999 * SECOND_US);
    assert_true(times_integer(100000000000, &us) && us == 100000000000000);
    assert_true(times_integer(253402300799999, &us));
    assert_false(times_integer(253402300800000, &us));
    assert_false(times_integer(UINT64_MAX, &us));
    assert_true(times_number(1767225600.5, &us) && us == 1767225600500000);
    assert_true(times_number(1767225600123.5, &us) && us == 1767225600123500);
    assert_true(times_number(0, &us) && us == 0);
    assert_false(times_number(-1, &us));
    assert_false(times_number(1e300, &us));
    assert_false(times_number((double)NAN, &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_times_are_repaired),
        cmocka_unit_test(imports_keep_theirs),
        cmocka_unit_test(numbers_are_seconds_or_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
