/* SPDX-License-Identifier: Apache-2.0 */
/* What events are given by their user agent and address, what they keep of their own, and that
 * no address gets through the core. The places are those of test/pipeline/mmdb.py. */
#include "collector/enrich.h"

#include "collector/agents.h"
#include "collector/collector_kit.h"
#include "collector/geo.h"
#include "common/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define WINDOWS "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/124.0.1 Safari/537.36"
#define HEAD    "{\"type\":\"page\",\"anonymousId\":\"a\""

static const char rules[] = "user_agent_parsers:\n"
                            "  - regex: '(Chrome)/(\\d+)\\.(\\d+)'\n"
                            "os_parsers:\n"
                            "  - regex: '(Windows) NT (\\d+)'\n"
                            "device_parsers:\n"
                            "  - regex: 'NT 9'\n"
                            "    device_replacement: 'Spider'\n";

static struct enrich enrich_new(void)
{
    char path[] = "/tmp/enrich_test.XXXXXX";
    struct err e = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, rules, sizeof rules - 1), (ssize_t)sizeof rules - 1);
    assert_int_equal(close(fd), 0);
    const char *tiny = getenv("AUSPEX_TINY_MMDB");
    assert_non_null(tiny);
    struct enrich x = {.agents = agents_new(path, 1, &e), .geo = geo_open(tiny, &e)};
    (void)unlink(path);
    assert_true(x.agents != NULL && x.geo != NULL);
    return x;
}

static void enrich_free(struct enrich *x)
{
    agents_free(x->agents);
    geo_free(x->geo);
}

static const struct {
    const char *rest; /* of the event */
    const char *device, *browser, *browser_version, *os, *os_version;
    uint64_t marks;
} agents[] = {
    {",\"context\":{\"userAgent\":\"" WINDOWS "\"}}", "desktop", "Chrome", "124.0", "Windows",
     "10", 0},
    {",\"context\":{\"userAgent\":\"" WINDOWS " NT 9\"}}", "bot", "Chrome", "124.0", "Windows",
     "10", 1},
    /* what the event tells stays, and no version of another browser is put beside it */
    {",\"context\":{\"userAgent\":\"" WINDOWS "\",\"device\":{\"type\":\"tablet\",\"browser\":"
     "\"Vivaldi\"}}}",
     "tablet", "Vivaldi", "", "Windows", "10", 0},
    {",\"browser\":\"chrome\",\"context\":{\"userAgent\":\"" WINDOWS "\"}}", "desktop",
     "chrome", "124.0", "Windows", "10", 0},
    {",\"context\":{\"userAgent\":\"curl/8.5.0\"}}", "bot", "curl", "", "", "", 1},
    {"}", "", "", "", "", "", 0},
};

static void agents_tell_of_events(void **state)
{
    struct enrich x = enrich_new();
    struct kit k;
    (void)state;
    kit_open_with(&k, &x);
    for (size_t i = 0; i < ARRAY_LEN(agents); i++) {
        char text[512];
        struct event e;
        (void)snprintf(text, sizeof text, "%s%s", HEAD, agents[i].rest);
        assert_string_equal(kit_event(&k, str_of(text), &e), "");
        if (!str_is(e.device, agents[i].device) || !str_is(e.browser, agents[i].browser) ||
            !str_is(e.browser_version, agents[i].browser_version) ||
            !str_is(e.os, agents[i].os) || !str_is(e.os_version, agents[i].os_version) ||
            e.agent_marks != agents[i].marks)
            fail_msg("%zu: %.*s, %.*s %.*s, %.*s %.*s, %d", i, STR_ARGS(e.device),
                     STR_ARGS(e.browser), STR_ARGS(e.browser_version), STR_ARGS(e.os),
                     STR_ARGS(e.os_version), (int)e.agent_marks);
    }
    kit_close(&k);
    enrich_free(&x);
}

static const struct {
    const char *rest;
    const char *ip, *country, *region, *city, *timezone;
} addresses[] = {
    {",\"context\":{\"ip\":\"203.0.113.77\"}}", "203.0.113.0", "DE", "BE", "Berlin",
     "Europe/Berlin"},
    {",\"ip\":\"203.0.113.77:4711\"}", "203.0.113.0", "DE", "BE", "Berlin", "Europe/Berlin"},
    {",\"properties\":{\"ip\":\"203.0.113.77\"}}", "203.0.113.0", "DE", "BE", "Berlin",
     "Europe/Berlin"},
    {",\"context\":{\"ip\":\"2001:db8:1234:77::77\"}}", "2001:db8:1234::", "JP", "",
     "T\u014dky\u014d", ""},
    {",\"context\":{\"ip\":\"::ffff:203.0.113.77\"}}", "203.0.113.0", "DE", "BE", "Berlin",
     "Europe/Berlin"},
    /* the address alone is in no network of the database, its network is */
    {",\"context\":{\"ip\":\"192.0.2.200\"}}", "192.0.2.0", "FR", "", "", ""},
    {",\"context\":{\"ip\":\"9.9.9.9\"}}", "9.9.9.0", "", "", "", ""},
    /* what an event tells stays, and nothing that contradicts it is added */
    {",\"country\":\"AT\",\"ip\":\"203.0.113.77\"}", "203.0.113.0", "AT", "", "", ""},
    {",\"country\":\"de\",\"ip\":\"203.0.113.77\"}", "203.0.113.0", "de", "BE", "Berlin",
     "Europe/Berlin"},
    {",\"region\":\"BE\",\"ip\":\"203.0.113.77\"}", "203.0.113.0", "DE", "BE", "Berlin",
     "Europe/Berlin"},
    {",\"region\":\"HH\",\"ip\":\"203.0.113.77\"}", "203.0.113.0", "DE", "HH", "",
     "Europe/Berlin"},
    {",\"city\":\"Potsdam\",\"ip\":\"203.0.113.77\"}", "203.0.113.0", "DE", "", "Potsdam",
     "Europe/Berlin"},
    {",\"timezone\":\"Asia/Tokyo\",\"ip\":\"203.0.113.77\"}", "203.0.113.0", "DE", "BE",
     "Berlin", "Asia/Tokyo"},
    /* none, and none that can be read */
    {",\"context\":{\"ip\":\"0.0.0.0\"},\"ip\":\"203.0.113.77\"}", "", "", "", "", ""},
    {",\"context\":{\"ip\":\"::\"}}", "", "", "", "", ""},
    {",\"context\":{\"ip\":\"203.0.113.77, 203.0.113.78\"}}", "", "", "", "", ""},
    {",\"context\":{\"ip\":203}}", "", "", "", "", ""},
    {",\"context\":{\"ip\":\"\"},\"ip\":\"203.0.113.77\"}", "203.0.113.0", "DE", "BE", "Berlin",
     "Europe/Berlin"},
    {",\"context\":{\"ip\":\"198.51.100.77\"},\"ip\":\"203.0.113.77\",\"properties\":{\"ip\":"
     "\"203.0.113.78\"}}",
     "198.51.100.0", "US", "CA", "San Francisco", "America/Los_Angeles"},
};

/* Whether a full address stands in what the record became, but for its body in rejected. */
static bool shows_address(const struct kit *k)
{
    for (uint64_t i = outbox_first(k->out); i < outbox_next(k->out); i++) {
        const struct output *o = outbox_at(k->out, i);
        if (str_has_nocase(o->value, STR(".77")) || str_has_nocase(o->value, STR(".78")) ||
            str_has_nocase(o->value, STR(":77")) || str_has_nocase(o->value, STR("2.200")))
            return true;
    }
    return false;
}

static void networks_tell_of_events(void **state)
{
    struct enrich x = enrich_new();
    struct kit k;
    (void)state;
    kit_open_with(&k, &x);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        char text[512];
        struct event e;
        (void)snprintf(text, sizeof text, "%s%s", HEAD, addresses[i].rest);
        assert_string_equal(kit_event(&k, str_of(text), &e), "");
        if (!str_is(e.ip, addresses[i].ip) || !str_is(e.country, addresses[i].country) ||
            !str_is(e.region, addresses[i].region) || !str_is(e.city, addresses[i].city) ||
            !str_is(e.timezone, addresses[i].timezone) || shows_address(&k))
            fail_msg("%s: %.*s, %.*s, %.*s, %.*s, %.*s; %d", text, STR_ARGS(e.ip),
                     STR_ARGS(e.country), STR_ARGS(e.region), STR_ARGS(e.city),
                     STR_ARGS(e.timezone), shows_address(&k));
    }
    assert_int_equal(x.counts.geo_unknown, 1);
    assert_int_equal(x.counts.geo_none, 0);
    kit_close(&k);
    enrich_free(&x);
}

static void a_zone_by_network_gives_local_time(void **state)
{
    struct enrich x = enrich_new();
    struct kit k;
    struct event e;
    (void)state;
    kit_open_with(&k, &x);
    assert_string_equal(kit_event(&k, STR(HEAD ",\"ip\":\"203.0.113.77\"}"), &e), "");
    assert_true(e.utc_offset_min == 60);
    kit_close(&k);
    enrich_free(&x);
}

static void an_envelope_speaks_for_its_events(void **state)
{
    static const struct {
        const char *text, *ip;
    } batches[] = {
        {"{\"batch\":[" HEAD "}],\"ip\":\"203.0.113.77\"}", "203.0.113.0"},
        {"{\"batch\":[" HEAD
         ",\"context\":{\"ip\":\"198.51.100.77\"}}],\"ip\":\"203.0.113.77\"}",
         "198.51.100.0"},
        {"{\"batch\":[" HEAD ",\"context\":{\"ip\":\"0.0.0.0\"}}],\"ip\":\"203.0.113.77\"}",
         ""},
        {"{\"batch\":[" HEAD "}],\"ip\":\"0.0.0.0\"}", ""},
        {"{\"batch\":[" HEAD "}],\"ip\":\"nobody\"}", ""},
    };
    struct kit k;
    (void)state;
    kit_open(&k);
    for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
        struct event e;
        assert_string_equal(kit_event(&k, str_of(batches[i].text), &e), "");
        if (!str_is(e.ip, batches[i].ip) || shows_address(&k))
            fail_msg("%s: %.*s", batches[i].text, STR_ARGS(e.ip));
    }
    kit_close(&k);
}

static const char *const verdicts[] = {
    HEAD "}",
    HEAD ",\"ip\":\"203.0.113.77\",\"context\":{\"userAgent\":\"" WINDOWS "\"}}",
    HEAD ",\"ip\":{\"a\":1}}",
    HEAD ",\"ip\":[\"203.0.113.77\"],\"country\":7}",
    HEAD ",\"userAgent\":5}",
    HEAD ",\"timezone\":\"No/Where\",\"ip\":\"203.0.113.77\"}",
    "{\"type\":\"track\",\"ip\":\"203.0.113.77\"}",
    "{\"type\":\"page\",\"ip\":\"203.0.113.77\"}",
};

static void verdicts_do_not_depend_on_it(void **state)
{
    struct enrich x = enrich_new();
    struct kit with, without;
    (void)state;
    kit_open_with(&with, &x);
    kit_open(&without);
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        struct event a, b;
        const char *one = kit_event(&with, str_of(verdicts[i]), &a);
        assert_string_equal(one, kit_event(&without, str_of(verdicts[i]), &b));
    }
    kit_close(&with);
    kit_close(&without);
    enrich_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_tell_of_events),
        cmocka_unit_test(networks_tell_of_events),
        cmocka_unit_test(a_zone_by_network_gives_local_time),
        cmocka_unit_test(an_envelope_speaks_for_its_events),
        cmocka_unit_test(verdicts_do_not_depend_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
