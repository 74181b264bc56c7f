/* SPDX-License-Identifier: Apache-2.0 */
/* address_test - addresses of each special range, and their neighbours. */
#include "actuator/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static const char *const public_ones[] = {
    "1.1.1.1",          "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
    "100.128.0.0",      "126.255.255.255", "128.0.0.0",       "169.253.255.255",
    "169.255.0.0",      "172.15.255.255",  "172.32.0.0",      "191.255.255.255",
    "192.0.1.0",        "192.0.3.0",       "192.88.98.255",   "192.88.100.0",
    "192.167.255.255",  "192.169.0.0",     "198.17.255.255",  "198.20.0.0",
    "198.51.99.255",    "198.51.101.0",    "203.0.112.255",   "203.0.114.0",
    "223.255.255.255",  "93.184.215.14",   "2606:4700::1111", "2001:200::1",
    "2001:db7:ffff::1", "2001:db9::1",     "2a00:1450::1",    "2000::1",
    "3ffe:ffff::1",     "3fff:1000::1",    "::ffff:1.1.1.1",  "64:ff9b::1.1.1.1",
    "2002:101:101::1",
};

static const char *const private_ones[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::1.1.1.1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "::fffe:1.1.1.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::1.1.1.1",
    "64:ff9b::1:0:0",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c:0:0:0:1",
    "2001:10::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "1fff::1",
    "e000::1",
};

static bool judge(const char *text)
{
    struct sockaddr_storage at;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memset(&at, 0, sizeof at);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&at, &v4, sizeof v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        memcpy(&at, &v6, sizeof v6);
    }
    return address_is_public((const struct sockaddr *)&at);
}

static void ranges_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(public_ones); i++)
        if (!judge(public_ones[i]))
            fail_msg("%s is public", public_ones[i]);
    for (size_t i = 0; i < ARRAY_LEN(private_ones); i++)
        if (judge(private_ones[i]))
            fail_msg("%s is not public", private_ones[i]);
}

static void other_families_are_not_public(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    assert_false(address_is_public((const struct sockaddr *)&at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_known),
        cmocka_unit_test(other_families_are_not_public),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
