/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { V4_KEPT = 3, V6_KEPT = 6, V4_LEN = 4, V6_LEN = 16, V4_WITHIN = 12 }; /* bytes */

/* Bytes in the order of the network. */
static void put_v4(const uint8_t *from, char out[ADDRESS_TEXT])
{
    uint8_t bytes[V4_LEN] = {0};
    memcpy(bytes, from, V4_KEPT);
    CHECK(inet_ntop(AF_INET, bytes, out, ADDRESS_TEXT) != NULL);
}

static void put_v6(const uint8_t *from, char out[ADDRESS_TEXT])
{
    static const uint8_t mapped[V4_WITHIN] = {[10] = 0xff, [11] = 0xff};
    uint8_t bytes[V6_LEN] = {0};
    if (memcmp(from, mapped, sizeof mapped) == 0) {
        put_v4(from + V4_WITHIN, out);
        return;
    }
    memcpy(bytes, from, V6_KEPT);
    CHECK(inet_ntop(AF_INET6, bytes, out, ADDRESS_TEXT) != NULL);
}

/* ":443", or nothing. */
static bool is_port(struct str s)
{
    uint64_t port;
    return s.len == 0 || (s.at[0] == ':' && str_u64(str_over(s.at + 1, s.len - 1), &port) &&
                          port <= UINT16_MAX);
}

/* Parts it into the address and what stands behind it; false when a bracket is missing. */
static bool divide(struct str text, struct str *host, struct str *rest)
{
    *host = text;
    *rest = str_over(text.at, 0);
    bool is_bracketed = text.len > 0 && text.at[0] == '[';
    const char *end = memchr(text.len > 0 ? text.at : "", is_bracketed ? ']' : ':', text.len);
    if (is_bracketed && end)
        *host = str_over(text.at + 1, (size_t)(end - text.at) - 1);
    else if (end && memchr(end + 1, ':', (size_t)(text.at + text.len - end - 1)) == NULL)
        *host = str_over(text.at, (size_t)(end - text.at)); /* one colon only: a port's */
    else
        return !is_bracketed;
    const char *behind = host->at + host->len + is_bracketed;
    *rest = str_over(behind, (size_t)(text.at + text.len - behind));
    return true;
}

bool address_truncate(struct str text, char out[ADDRESS_TEXT])
{
    char host_text[INET6_ADDRSTRLEN];
    uint8_t bytes[V6_LEN];
    struct str host, rest;
    text = str_trim(text);
    if (!divide(text, &host, &rest) || !is_port(rest) || host.len == 0 ||
        host.len >= sizeof host_text || memchr(host.at, 0, host.len) != NULL)
        return false;
    memcpy(host_text, host.at, host.len);
    host_text[host.len] = '\0';
    bool is_bracketed = text.at[0] == '[';
    if (!is_bracketed && inet_pton(AF_INET, host_text, bytes) == 1)
        put_v4(bytes, out);
    else if ((is_bracketed || rest.len == 0) && inet_pton(AF_INET6, host_text, bytes) == 1)
        put_v6(bytes, out);
    else
        return false;
    return true;
}

bool address_truncate_peer(const struct sockaddr *peer, char out[ADDRESS_TEXT])
{
    const void *at = peer;
    if (peer->sa_family == AF_INET)
        put_v4((const uint8_t *)&((const struct sockaddr_in *)at)->sin_addr, out);
    else if (peer->sa_family == AF_INET6)
        put_v6(((const struct sockaddr_in6 *)at)->sin6_addr.s6_addr, out);
    else
        return false;
    return true;
}

bool address_is_none(struct str network)
{
    return str_is(network, "0.0.0.0") || str_is(network, "::");
}
