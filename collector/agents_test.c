/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a small file, files that are none, and the cache. What uap-core's own file tells is
 * compared by agents_oracle.py. */
#include "collector/agents.h"

#include "common/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME "/tmp/agents_test.XXXXXX"

static const char small[] =
    "# a comment\n"
    "user_agent_parsers:\n"
    "  - regex: '(Lynx)/(\\d+)\\.(\\d+)\\.?([a-z0-9.]*)'\n"
    "  - regex: 'Chrome/(?P<x>\\d+)(\\.)?'\n"
    "    family_replacement: 'Chromium'\n"
    "    v1_replacement: '$1'\n"
    "    v2_replacement: '7'\n"
    "  - regex: '(no)\\1'\n"
    "  - regex: 'Empty()'\n"
    "  - regex: 'Empty/(\\d+)'\n"
    "    family_replacement: ' <$1$9$0> '\n"
    "  - regex: '(Long\\w*)/(\\w*)-(\\w*)'\n"
    "unknown_parsers: {a: [1, {b: 2}], c: d}\n"
    "os_parsers:\n"
    "  - regex: '(Plan) (\\d+)(?:\\.(\\d+))?(?:\\.(\\d+))?(?:\\.(\\d+))?'\n"
    "    os_replacement: '$1 nine'\n"
    "    other: nobody asks\n"
    "  - regex: 'Sure'\n"
    "    os_replacement: 'Other'\n"
    "  - regex: 'Sur'\n"
    "    os_replacement: 'Sur'\n"
    "device_parsers:\n"
    "  - regex: 'crawls'\n"
    "    regex_flag: 'i'\n"
    "    device_replacement: 'Spider'\n"
    "    brand_replacement: 'x'\n"
    "  - regex: '(Crawls)'\n";

static const struct {
    const char *text, *device, *browser, *browser_version, *os, *os_version;
    uint64_t marks;
} cases[] = {
    {"Lynx/2.8.9rel.1", "other", "Lynx", "2.8.9rel.1", "", "", 0},
    {"Lynx/2.8", "other", "Lynx", "2.8", "", "", 0},
    {"Chrome/99.1 Lynx/3.0", "other", "Lynx", "3.0", "", "", 0}, /* the first rule counts */
    {"Chrome/99 (Plan 9)", "other", "Chromium", "99.7", "Plan nine", "9", 0},
    {"Chrome/99. Plan 9.1.2.3.4", "other", "Chromium", "99.7", "Plan nine", "9.1.2.3", 0},
    {"Empty", "other", "", "", "", "", 0},
    {"Empty/12", "other", "<12>", "", "", "", 0}, /* a family that is empty is none */
    {"it CRAWLS", "bot", "", "", "", "", 1},
    {"Sure, Windows", "desktop", "", "", "Windows", "", 0}, /* Other is as if nothing matched */
    {"Firefox/9 (Windows)", "desktop", "Firefox", "", "Windows", "", 0},
    {"Firefox/9 (Windows) \xc3\xa9t\xc3\xa9 cr\xc3\xa2wls", "desktop", "Firefox", "", "Windows",
     "", 0},
    {"craw\xe2\x84\xaas crawl\xc5\xbf", "bot", "", "", "", "", 1}, /* a long s is an s */
    {"noNo", "other", "", "", "", "", 0},
    {"", "", "", "", "", "", 0},
};

static void write_file(char *path, const char *text)
{
    memcpy(path, FILE_NAME, sizeof FILE_NAME);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static struct agents *small_agents(void)
{
    char path[sizeof FILE_NAME];
    struct err e = {0};
    write_file(path, small);
    struct agents *a = agents_new(path, 3, &e);
    (void)unlink(path);
    assert_non_null(a);
    return a;
}

static bool is_equal(const struct user_agent *a, const struct user_agent *b)
{
    return str_eq(a->device, b->device) && str_eq(a->browser, b->browser) &&
           str_eq(a->browser_version, b->browser_version) && str_eq(a->os, b->os) &&
           str_eq(a->os_version, b->os_version) && a->marks == b->marks;
}

static void rules_tell(void **state)
{
    struct agents *a = small_agents();
    (void)state;
    assert_int_equal(agents_counts(a)->n_refused, 1); /* RE2 has no back references */
    assert_int_equal(agents_counts(a)->n_expressions, 10);
    for (size_t turn = 0; turn < 2; turn++) /* the second by the cache */
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            struct user_agent ua = agents_find(a, str_of(cases[i].text));
            struct user_agent expected = {
                str_of(cases[i].device),     str_of(cases[i].browser),
                str_of(cases[i].os),         str_of(cases[i].browser_version),
                str_of(cases[i].os_version), cases[i].marks};
            if (!is_equal(&ua, &expected))
                fail_msg("%s: %.*s, %.*s %.*s, %.*s %.*s, %d", cases[i].text,
                         STR_ARGS(ua.device), STR_ARGS(ua.browser),
                         STR_ARGS(ua.browser_version), STR_ARGS(ua.os), STR_ARGS(ua.os_version),
                         (int)ua.marks);
        }
    assert_int_equal(agents_counts(a)->misses, ARRAY_LEN(cases));
    assert_int_equal(agents_counts(a)->hits, ARRAY_LEN(cases));
    agents_free(a);
}

static void long_texts_are_cut(void **state)
{
    static const char text[] =
        "LongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLong/"
        "1234567890123456789012345678901234567890-1";
    struct agents *a = small_agents();
    (void)state;
    struct user_agent ua = agents_find(a, str_of(text));
    assert_int_equal(ua.browser.len, AGENT_NAME_MAX);
    assert_int_equal(ua.browser_version.len, AGENT_VERSION_MAX);
    ua = agents_find(a, STR("Long/1234567890123456789012345678901-5"));
    assert_true(str_is(ua.browser_version, "1234567890123456789012345678901"));
    ua = agents_find(a, STR("Long/123456789012345678901234567890-56"));
    assert_true(str_is(ua.browser_version, "123456789012345678901234567890.5"));
    agents_free(a);
}

static void without_a_file_words_tell(void **state)
{
    static const char *const texts[] = {"Firefox/9 (Windows)", "Googlebot/2.1", "Lynx/2.8", ""};
    struct err e = {0};
    struct agents *a = agents_new("", 3, &e);
    (void)state;
    assert_non_null(a);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct user_agent ua = agents_find(a, str_of(texts[i]));
        struct user_agent plain = user_agent_read(str_of(texts[i]));
        assert_true(is_equal(&ua, &plain));
    }
    agents_free(a);
}

/* More agents than it keeps, some of them again and again: those are kept, and all get what a
 * cache of one would give them. */
static void the_cache_is_bounded_and_true(void **state)
{
    enum { MANY = 400000, POPULAR = 50, SHARED = 13 }; /* SHARED: multiples of 4 below 50 */
    struct agents *a = small_agents(), *plain = small_agents();
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char text[64];
        int n = i % 4 == 0 ? i : i % POPULAR;
        (void)snprintf(text, sizeof text, "Lynx/%d.%d (Plan %d)", n, n % 7, n % 11);
        struct user_agent ua = agents_find(a, str_of(text));
        if (i % 1000 != 0)
            continue;
        struct user_agent other = agents_find(plain, str_of(text));
        assert_true(is_equal(&ua, &other));
    }
    const struct agents_counts *c = agents_counts(a);
    assert_int_equal(c->hits + c->misses, MANY);
    assert_int_equal(c->misses,
                     MANY / 4 + POPULAR - SHARED); /* each once: none was forgotten */
    uint64_t before = c->misses;
    for (int i = 0; i < 65536 + 65536; i++) { /* who is not asked for is forgotten */
        char text[64];
        (void)snprintf(text, sizeof text, "Lynx/%d.9", i);
        (void)agents_find(a, str_of(text));
    }
    (void)agents_find(a, STR("Lynx/0.9"));
    assert_int_equal(c->misses - before, 65536 + 65536 + 1);
    agents_free(a);
    agents_free(plain);
}

static const char *const bad_files[] = {
    "",
    "user_agent_parsers",
    "[]",
    "user_agent_parsers: {a: b}\n",
    "user_agent_parsers: []\nos_parsers: []\ndevice_parsers: []\n",
    "user_agent_parsers:\n - regex: a\nos_parsers:\n - regex: a\n",
    "user_agent_parsers:\n - family_replacement: a\n",
    "user_agent_parsers:\n - regex: [a]\n",
    "user_agent_parsers:\n - [a]: b\n",
    "user_agent_parsers:\n - &x {regex: a}\n - *x\n",
    "user_agent_parsers:\n - regex: 'a\n",
    "user_agent_parsers:\n - regex: a\n  regex: b\n",
    "user_agent_parsers: [{regex: a}",
    "a: [b",
    "user_agent_parsers:\n - regex: \"\xff\"\n",
    "user_agent_parsers: [{regex: (}]\nos_parsers: [{regex: (}]\ndevice_parsers: [{regex: (}]",
};

static void bad_files_are_told(void **state)
{
    char path[sizeof FILE_NAME];
    (void)state;
    for (size_t i = 0; i <= ARRAY_LEN(bad_files); i++) {
        struct err e = {0};
        write_file(path, i < ARRAY_LEN(bad_files) ? bad_files[i] : "");
        if (i == ARRAY_LEN(bad_files)) /* and one that is not there */
            (void)unlink(path);
        struct agents *a = agents_new(path, 3, &e);
        (void)unlink(path);
        if (a != NULL || e.code != EXIT_CODE_CONFIG ||
            strstr(e.text, "collector.user_agents = /tmp/agents_test.") == NULL)
            fail_msg("%zu: %d, %s", i, (int)e.code, e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_tell),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(without_a_file_words_tell),
        cmocka_unit_test(the_cache_is_bounded_and_true),
        cmocka_unit_test(bad_files_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
