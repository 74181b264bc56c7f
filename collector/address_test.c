/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as senders and proxies write them, the networks they become, and what is none. */
#include "collector/address.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *text, *network; /* NULL: refused */
} cases[] = {
    {"203.0.113.77", "203.0.113.0"},
    {"203.0.113.77:51234", "203.0.113.0"},
    {" 203.0.113.77\t", "203.0.113.0"},
    {"255.255.255.255", "255.255.255.0"},
    {"127.0.0.1", "127.0.0.0"},
    {"2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8:1234::"},
    {"2001:DB8:1234:5678::1", "2001:db8:1234::"},
    {"[2001:db8:1234:5678::1]", "2001:db8:1234::"},
    {"[2001:db8:1234:5678::1]:443", "2001:db8:1234::"},
    {"2001:db8::7", "2001:db8::"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::"},
    {"::1", "::"},
    {"::ffff:203.0.113.77", "203.0.113.0"},
    {"::ffff:cb00:714d", "203.0.113.0"},
    {"[::ffff:203.0.113.77]:80", "203.0.113.0"},
    {"0.0.0.0", "0.0.0.0"},
    {"", NULL},
    {" ", NULL},
    {"unknown", NULL},
    {"_hidden", NULL},
    {"203.0.113", NULL},
    {"203.0.113.256", NULL},
    {"203.0.113.077", NULL},
    {"203.0.113.77/24", NULL},
    {"203.0.113.77:", NULL},
    {"203.0.113.77:65536", NULL},
    {"203.0.113.77:x", NULL},
    {"[203.0.113.77]", NULL},
    {"203.0.113.77, 198.51.100.1", NULL},
    {"[2001:db8::1", NULL},
    {"2001:db8::1]", NULL},
    {"[2001:db8::1]443", NULL},
    {"[2001:db8::1]:", NULL},
    {"[]", NULL},
    {"fe80::1%eth0", NULL},
    {":", NULL},
    {":80", NULL},
    {"1:2:3", NULL},
    {"2001:db8:1234:5678:9abc:def0:1234:56789", NULL},
    {"0000:0000:0000:0000:0000:ffff:0000:0203.0.113.77", NULL},
};

static void networks_of_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[ADDRESS_TEXT] = "untouched", again[ADDRESS_TEXT];
        bool is_one = address_truncate(str_of(cases[i].text), out);
        const char *expected = cases[i].network ? cases[i].network : "untouched";
        if (is_one != (cases[i].network != NULL) || strcmp(out, expected) != 0)
            fail_msg("%s: %d, %s", cases[i].text, is_one, out);
        if (!is_one)
            continue;
        assert_true(address_truncate(str_of(out), again));
        assert_string_equal(again, out);
    }
}

static void bytes_within_are_refused(void **state)
{
    char out[ADDRESS_TEXT];
    (void)state;
    assert_false(address_truncate(STR("203.0.113.77\0.1"), out));
    assert_false(address_truncate((struct str){NULL, 0}, out));
}

static void networks_of_peers(void **state)
{
    char out[ADDRESS_TEXT];
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(0xcb00714d)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_addr = {{{0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, [15] = 9}}}};
    struct sockaddr_in6 mapped = {
        .sin6_family = AF_INET6,
        .sin6_addr = {{{[10] = 0xff, [11] = 0xff, [12] = 203, [14] = 113, [15] = 77}}}};
    struct sockaddr local = {.sa_family = AF_UNIX};
    (void)state;
    assert_true(address_truncate_peer((struct sockaddr *)&v4, out));
    assert_string_equal(out, "203.0.113.0");
    assert_true(address_truncate_peer((struct sockaddr *)&v6, out));
    assert_string_equal(out, "2001:db8:102::");
    assert_true(address_truncate_peer((struct sockaddr *)&mapped, out));
    assert_string_equal(out, "203.0.113.0");
    assert_false(address_truncate_peer(&local, out));
}

static void none_is_told_apart(void **state)
{
    (void)state;
    assert_true(address_is_none(STR("0.0.0.0")));
    assert_true(address_is_none(STR("::")));
    assert_false(address_is_none(STR("127.0.0.0")));
    assert_false(address_is_none(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_of_addresses),
        cmocka_unit_test(bytes_within_are_refused),
        cmocka_unit_test(networks_of_peers),
        cmocka_unit_test(none_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
