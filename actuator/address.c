/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/address.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct range {
    uint8_t prefix[16];
    unsigned bits;
};

static const struct range private4[] = {
    {{0}, 8},             /* this network, unspecified */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared: behind a carrier's NAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, where clouds keep their metadata */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays, withdrawn */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

/* Within 2000::/3, of which alone global addresses are given out. */
static const struct range private6[] = {
    {{0x20, 0x01}, 23},             /* protocols, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};

/* Prefixes with an IPv4 address behind them. */
static const struct range carriers[] = {
    {{[10] = 0xff, [11] = 0xff}, 96}, /* mapped, ::ffff:0:0 */
    {{0x00, 0x64, 0xff, 0x9b}, 96},   /* NAT64, 64:ff9b:: */
    {{0x20, 0x02}, 16},               /* 6to4, 2002:: */
};

static bool is_in(const struct range *r, const uint8_t *ip)
{
    size_t whole = r->bits / 8;
    unsigned rest = r->bits % 8;
    if (memcmp(ip, r->prefix, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ r->prefix[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

bool address_is_public4(const uint8_t ip[4])
{
    for (size_t i = 0; i < ARRAY_LEN(private4); i++)
        if (is_in(&private4[i], ip))
            return false;
    return true;
}

bool address_is_public6(const uint8_t ip[16])
{
    for (size_t i = 0; i < ARRAY_LEN(carriers); i++)
        if (is_in(&carriers[i], ip))
            return address_is_public4(ip + carriers[i].bits / 8);
    for (size_t i = 0; i < ARRAY_LEN(private6); i++)
        if (is_in(&private6[i], ip))
            return false;
    return ip[0] >> 5 == 1; /* 2000::/3 */
}

bool address_is_public(const struct sockaddr *at)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (at->sa_family == AF_INET) {
        memcpy(&v4, at, sizeof v4);
        return address_is_public4((const uint8_t *)&v4.sin_addr);
    }
    if (at->sa_family != AF_INET6)
        return false;
    memcpy(&v6, at, sizeof v6);
    return address_is_public6(v6.sin6_addr.s6_addr);
}
