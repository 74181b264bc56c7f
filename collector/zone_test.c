/* SPDX-License-Identifier: Apache-2.0 */
/* zone_test - offsets of a dozen zones around their changes, as Python's zoneinfo tells them;
 * names in any letters; what is no zone. zone_oracle.py asks it for all zones. */
#include "collector/zone.h"
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *zone;
    int64_t at_s;
    double offset_min;
} rows[] = {
    {"Europe/Berlin", 1704153600, 60},
    {"Europe/Berlin", 1711846799, 60},
    {"Europe/Berlin", 1711846800, 120},
    {"Europe/Berlin", 1729990799, 120},
    {"Europe/Berlin", 1729990800, 60},
    {"America/New_York", 1704153600, -300},
    {"America/New_York", 1710053999, -300},
    {"America/New_York", 1710054000, -240},
    {"America/New_York", 1730613599, -240},
    {"America/New_York", 1730613600, -300},
    {"Australia/Lord_Howe", 1704153600, 660},
    {"Australia/Lord_Howe", 1712415599, 660},
    {"Australia/Lord_Howe", 1712415600, 630},
    {"Australia/Lord_Howe", 1728142199, 630},
    {"Australia/Lord_Howe", 1728142200, 660},
    {"Asia/Kathmandu", 505008000, 345},
    {"Asia/Kathmandu", 1704153600, 345},
    {"Pacific/Apia", 1293926400, -600},
    {"Pacific/Apia", 1301752799, -600},
    {"Pacific/Apia", 1301752800, -660},
    {"Pacific/Apia", 1316872799, -660},
    {"Pacific/Apia", 1316872800, -600},
    {"Pacific/Apia", 1325239199, -600},
    {"Pacific/Apia", 1325239200, 840},
    {"Pacific/Apia", 1609545600, 840},
    {"Pacific/Apia", 1617458399, 840},
    {"Pacific/Apia", 1617458400, 780},
    {"Africa/Casablanca", 1704153600, 60},
    {"Africa/Casablanca", 1710035999, 60},
    {"Africa/Casablanca", 1710036000, 0},
    {"Africa/Casablanca", 1713059999, 0},
    {"Africa/Casablanca", 1713060000, 60},
    {"America/St_Johns", 1293926400, -210},
    {"America/St_Johns", 1299987059, -210},
    {"America/St_Johns", 1299987060, -150},
    {"America/St_Johns", 1320553799, -150},
    {"America/St_Johns", 1320553800, -210},
    {"Asia/Pyongyang", 1420156800, 540},
    {"Asia/Pyongyang", 1439564399, 540},
    {"Asia/Pyongyang", 1439564400, 510},
    {"Asia/Pyongyang", 1514851200, 510},
    {"Asia/Pyongyang", 1525445999, 510},
    {"Asia/Pyongyang", 1525446000, 540},
    {"Europe/London", 1704153600, 0},
    {"Europe/London", 1711846799, 0},
    {"Europe/London", 1711846800, 60},
    {"Europe/London", 1729990799, 60},
    {"Europe/London", 1729990800, 0},
    {"Europe/Istanbul", 1451692800, 120},
    {"Europe/Istanbul", 1459040399, 120},
    {"Europe/Istanbul", 1459040400, 180},
    {"Pacific/Chatham", 1704153600, 825},
    {"Pacific/Chatham", 1712411999, 825},
    {"Pacific/Chatham", 1712412000, 765},
    {"Pacific/Chatham", 1727531999, 765},
    {"Pacific/Chatham", 1727532000, 825},
    {"Asia/Kolkata", 1704153600, 330},
    {"America/Sao_Paulo", 1546387200, -120},
    {"America/Sao_Paulo", 1550368799, -120},
    {"America/Sao_Paulo", 1550368800, -180},
    {"UTC", 1704153600, 0},
    {"Etc/GMT+3", 1704153600, -180},
    {"Africa/Monrovia", 31622400, -44.5},
};

static void offsets_are_those_of_the_zone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double offset_min = -1;
        assert_true(
            zone_offset_min(str_of(rows[i].zone), rows[i].at_s * SECOND_US, &offset_min));
        if (offset_min != rows[i].offset_min)
            fail_msg("%s at %lld: %g", rows[i].zone, (long long)rows[i].at_s, offset_min);
    }
}

static void a_microsecond_decides(void **state)
{
    double offset_min = 0;
    (void)state;
    assert_true(zone_offset_min(STR("Europe/Berlin"), 1711846800 * SECOND_US - 1, &offset_min));
    assert_true(offset_min == 60);
    assert_true(zone_offset_min(STR("Europe/Berlin"), -1, &offset_min)); /* of 1969 */
    assert_true(offset_min == 60);
    assert_true(zone_offset_min(STR("Europe/Berlin"), INT64_MIN, &offset_min));
    assert_true(zone_offset_min(STR("Europe/Berlin"), INT64_MAX, &offset_min));
}

static void names_are_found(void **state)
{
    static const char *const names[][2] = {
        {"europe/berlin", "Europe/Berlin"},
        {"UTC", "UTC"},
        {"utc", "UTC"},
        {"ETC/GMT+3", "Etc/GMT+3"},
        {"America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"},
        {"Asia/Calcutta", "Asia/Calcutta"},
        {"+02:00", "+02:00"}};
    struct str name;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(zone_find(str_of(names[i][0]), &name));
        assert_true(str_is(name, names[i][1]));
    }
    assert_true(str_is(zone_nearest(STR("Europe/Berlim")), "Europe/Berlin"));
    assert_true(zone_nearest(STR("Middle/Of/Nowhere")).len == 0);
}

static void others_are_not(void **state)
{
    static const char *const texts[] = {"",
                                        "Europe",
                                        "Europe/Atlantis",
                                        "../../../../etc/passwd",
                                        "/etc/localtime",
                                        "zone.tab",
                                        "+19:00",
                                        "+18:01",
                                        "+02:60",
                                        "+2:5",
                                        "2",
                                        "UTC+",
                                        "CEST",
                                        "posix/Europe/Berlin",
                                        "Europe/Berlin ",
                                        "+-2:00",
                                        "+1234567"};
    double offset_min = 7;
    struct buf rules = {0};
    struct str name = STR("x");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (zone_offset_min(str_of(texts[i]), 0, &offset_min))
            fail_msg("\"%s\" is a zone", texts[i]);
        assert_false(zone_find(str_of(texts[i]), &name));
        assert_false(zone_put_rules(str_of(texts[i]), &rules));
    }
    assert_true(offset_min == 7 && rules.len == 0 && str_is(name, "x"));
}

static void rules_are_written(void **state)
{
    struct buf rules = {0};
    (void)state;
    assert_true(zone_put_rules(STR("Asia/Kathmandu"), &rules));
    assert_string_equal(buf_cstr(&rules), "0=345");
    buf_reset(&rules);
    assert_true(zone_put_rules(STR("-03:30"), &rules));
    assert_string_equal(buf_cstr(&rules), "0=-210");
    buf_reset(&rules);
    assert_true(zone_put_rules(STR("Asia/Pyongyang"), &rules));
    assert_string_equal(buf_cstr(&rules), "0=540 1439564400=510 1525446000=540");
    buf_fini(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_the_zone),
        cmocka_unit_test(a_microsecond_decides),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(rules_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
