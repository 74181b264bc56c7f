/* SPDX-License-Identifier: Apache-2.0 */
/* zone_rules_test - offsets before, at and behind each change, and texts that are none. */
#include "common/base/zone_rules.h"

#include "common/base/buf.h"
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct zone_rules rules_of(const char *text)
{
    struct zone_rules z;
    if (!zone_rules_read(&z, str_of(text)))
        fail_msg("%s is refused", text);
    return z;
}

static void changes_hold_from_their_second(void **state)
{
    /* Europe/Berlin in 2024, as Python's zoneinfo tells it */
    const struct zone_rules z = rules_of("0=60 1711846800=120 1729990800=60");
    (void)state;
    assert_int_equal(z.n, 3);
    assert_int_equal(zone_rules_offset_min(&z, INT64_MIN), 60);
    assert_int_equal(zone_rules_offset_min(&z, -1), 60);
    assert_int_equal(zone_rules_offset_min(&z, 0), 60);
    assert_int_equal(zone_rules_offset_min(&z, 1711846800 * SECOND_US - 1), 60);
    assert_int_equal(zone_rules_offset_min(&z, 1711846800 * SECOND_US), 120);
    assert_int_equal(zone_rules_offset_min(&z, 1729990800 * SECOND_US - 1), 120);
    assert_int_equal(zone_rules_offset_min(&z, 1729990800 * SECOND_US), 60);
    assert_int_equal(zone_rules_offset_min(&z, INT64_MAX), 60);
}

static void few_rules_are_rules(void **state)
{
    struct zone_rules z = rules_of("");
    (void)state;
    assert_int_equal(z.n, 0);
    assert_int_equal(zone_rules_offset_min(&z, 1711846800 * SECOND_US), 0);
    z = rules_of("  0=-210  ");
    assert_int_equal(zone_rules_offset_min(&z, -1), -210);
    z = rules_of("-5=1080 7=-1080");
    assert_int_equal(zone_rules_offset_min(&z, 6999999), 1080);
    assert_int_equal(zone_rules_offset_min(&z, 7000000), -1080);
}

static void others_are_refused(void **state)
{
    static const char *const texts[] = {"60",
                                        "0=",
                                        "=60",
                                        "0=60=1",
                                        "0=60 0=120",
                                        "5=60 4=0",
                                        "0=1081",
                                        "0=-1081",
                                        "0=1.5",
                                        "0=60,5=120",
                                        "0=60\n5=x",
                                        "x=60",
                                        "0 = 60",
                                        "100000000001=0",
                                        "-100000000001=0",
                                        "0=60 5=60 5=60"};
    struct zone_rules z = rules_of("0=60");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (zone_rules_read(&z, str_of(texts[i])))
            fail_msg("\"%s\" is taken", texts[i]);
        assert_true(z.n == 1 && z.offset_min[0] == 60);
    }
}

static void their_number_is_bounded(void **state)
{
    struct buf text = {0};
    struct zone_rules z;
    (void)state;
    for (int i = 0; i < ZONE_RULES_MAX; i++)
        buf_printf(&text, "%d=%d ", i, i);
    assert_true(zone_rules_read(&z, buf_as_str(&text)));
    assert_int_equal(z.n, ZONE_RULES_MAX);
    for (int i = 0; i < ZONE_RULES_MAX; i++)
        assert_int_equal(zone_rules_offset_min(&z, i * SECOND_US), i);
    buf_text(&text, "1000=0");
    assert_false(zone_rules_read(&z, buf_as_str(&text)));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_hold_from_their_second),
        cmocka_unit_test(few_rules_are_rules),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(their_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
