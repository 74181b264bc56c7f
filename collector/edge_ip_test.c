/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of addresses at the edge: of the connection's, of those that proxies tell, and
 * of those within events. Only networks reach the record for raw, and what collector makes of
 * it. */
#include "collector/collector_kit.h"
#include "collector/edge_kit.h"
#include "common/base/err.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BARE           "\"type\":\"track\",\"event\":\"x\",\"anonymousId\":\"a\",\"messageId\":\"m\""
#define IN(members)    "{" BARE members "}"
#define BATCH(members) "{\"batch\":[" IN("") "]" members "}"
#define FULL           "203.0.113.77"
#define NET            "203.0.113.0"

struct row {
    unsigned proxies;
    const char *headers, *body;
    const char *envelope; /* the record's ip, "" when it has none */
    const char *ip;       /* the event's, in the end */
};

/* The connection is a socket pair's, which has no address. */
static const struct row forwarded[] = {
    {0, "", IN(""), "", ""},
    {0, "X-Forwarded-For: " FULL "\r\n", IN(""), "", ""}, /* anybody may say so */
    {1, "X-Forwarded-For: " FULL "\r\n", IN(""), NET, NET},
    {1, "x-forwarded-for: 198.51.100.77, " FULL "\r\n", IN(""), NET, NET},
    {2, "X-Forwarded-For: 10.0.0.77," FULL " ,198.51.100.77\r\n", IN(""), NET, NET},
    {2, "X-Forwarded-For: 10.0.0.77\r\nX-Forwarded-For: " FULL ", 198.51.100.77\r\n", IN(""),
     NET, NET},
    {2, "X-Forwarded-For: 10.0.0.77, " FULL "\r\nX-Forwarded-For: 198.51.100.77\r\n", IN(""),
     NET, NET},
    {1, "X-Forwarded-For: [2001:db8:1234:77::77]:443\r\n", IN(""),
     "2001:db8:1234::", "2001:db8:1234::"},
    {1, "X-Forwarded-For: " FULL ":443\r\n", IN(""), NET, NET},
    {3, "X-Forwarded-For: " FULL ", 198.51.100.77\r\n", IN(""), "",
     ""}, /* fewer than there are */
    {1, "X-Forwarded-For: 198.51.100.77, unknown\r\n", IN(""), "", ""},
    {1, "X-Forwarded-For: \r\nX-Forwarded-For: , ,\r\n", IN(""), "", ""},
    {16,
     "X-Forwarded-For: 10.0.0.77," FULL ",1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,"
     "1.1.1.7,1.1.1.8,1.1.1.9,1.1.1.10,1.1.1.11,1.1.1.12,1.1.1.13,1.1.1.14,1.1.1.15\r\n",
     IN(""), NET, NET},
    /* what the request says goes before, also that there is none */
    {1, "X-Forwarded-For: 198.51.100.77\r\n", BATCH(",\"ip\":\"" FULL "\""), NET, NET},
    {1, "X-Forwarded-For: 198.51.100.77\r\n", BATCH(",\"ip\":\"0.0.0.0\""), "", ""},
    {1, "X-Forwarded-For: " FULL "\r\n", BATCH(",\"ip\":\"nobody\""), NET, NET},
    {1, "X-Forwarded-For: 198.51.100.77\r\n", IN(",\"context\":{\"ip\":\"" FULL "\"}"),
     "198.51.100.0", NET},
    {1, "X-Forwarded-For: " FULL "\r\n", IN(",\"context\":{\"ip\":\"0.0.0.0\"}"), NET, ""},
    {1, "X-Forwarded-For: " FULL "\r\n", IN(",\"context\":{\"ip\":\"" FULL ", 9.9.9.77\"}"),
     NET, NET},
    /* addresses within the event, wherever it may have them */
    {0, "", IN(",\"context\":{\"ip\":\"" FULL "\",\"locale\":\"de\"}"), "", NET},
    {0, "", IN(",\"context\":{\"locale\":\"de\",\"ip\":\"" FULL "\"}"), "", NET},
    {0, "", IN(",\"context\":{ \"ip\" : \"" FULL "\" } "), "", NET},
    {0, "", IN(",\"ip\":\"" FULL "\""), "", NET},
    {0, "", IN(",\"\\u0069p\":\"" FULL "\""), "", NET},
    {0, "", IN(",\"c\\u006fntext\":{\"i\\u0070\":\"" FULL "\"}"), "", NET},
    {0, "", IN(",\"properties\":{\"a\":1,\"ip\":\"" FULL "\",\"b\":[2]}"), "", NET},
    {0, "", IN(",\"properties\":{\"ip\":[\"" FULL "\"]}"), "", ""},
    {0, "", IN(",\"traits\":{\"a\":1,\"ip\":\"" FULL "\",\"b\":[2]}"), "", NET},
    {0, "", IN(",\"ip\":\"" FULL "\",\"context\":{\"ip\":\"2001:db8:1234:77::77\"}"), "",
     "2001:db8:1234::"},
    {0, "",
     "{\"batch\":[{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\",\"ip\":\"" FULL "\"}]}",
     "", NET},
    {0, "",
     "{\"batch\":[{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\"}],\"context\":{"
     "\"library\":{},"
     "\"ip\":\"" FULL "\"}}",
     NET, NET},
};

static void post(struct buf *b, const struct row *row)
{
    bool is_batch = strncmp(row->body, "{\"batch\"", 8) == 0;
    buf_reset(b);
    buf_printf(b,
               "POST /v1/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " KIT_KEY
               "\r\n%sContent-Length: %zu\r\n\r\n%s",
               is_batch ? "batch" : "track", row->headers, strlen(row->body), row->body);
}

/* The record that waits to be stored. */
static struct str record_of(struct edge_kit *k, int fd, struct str request)
{
    enum { TURNS = 1000000 };
    assert_int_equal(send(fd, request.at, request.len, 0), request.len);
    k->is_silent = true;
    for (int i = 0; i < TURNS && edge_waiting(k->edge) == 0; i++)
        edge_kit_turn(k);
    assert_int_equal(edge_waiting(k->edge), 1);
    return outbox_at(k->aside, outbox_next(k->aside) - 1)->value;
}

static bool has(struct str s, const char *part)
{
    return str_has_nocase(s, str_of(part));
}

static void check_record(struct str record, const struct row *row)
{
    char wanted[64];
    struct kit collector;
    struct event e;
    (void)snprintf(wanted, sizeof wanted, "],\"siteId\":7%s%s%s}",
                   row->envelope[0] ? ",\"ip\":\"" : "", row->envelope,
                   row->envelope[0] ? "\"" : "");
    if (!str_ends(record, str_of(wanted)) || has(record, ".77") || has(record, ":77"))
        fail_msg("%s%s\n-> %.*s", row->headers, row->body, STR_ARGS(record));
    kit_open(&collector);
    assert_string_equal(kit_event(&collector, record, &e), "");
    if (!str_is(e.ip, row->ip))
        fail_msg("%s%s\n-> %.*s", row->headers, row->body, STR_ARGS(e.ip));
    if (has(str_of(row->body), "locale"))
        assert_true(str_is(e.language, "de"));
    if (has(str_of(row->body), "\"b\":[2]"))
        assert_true(str_is(e.properties, "{\"a\":1,\"b\":[2]}"));
    kit_close(&collector);
}

static void networks_reach_the_record(void **state)
{
    struct buf b = {0}, came = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
        struct edge_options o = edge_kit_options;
        struct edge_kit k;
        o.proxies = forwarded[i].proxies;
        edge_kit_open(&k, &o);
        int fd = edge_kit_connect(&k);
        post(&b, &forwarded[i]);
        check_record(record_of(&k, fd, buf_as_str(&b)), &forwarded[i]);
        k.is_silent = false;
        buf_reset(&came);
        assert_int_equal(edge_kit_talk(&k, fd, STR(""), 1, false, &came), 1);
        assert_false(has(buf_as_str(&came), ".77"));
        (void)close(fd);
        edge_kit_close(&k);
    }
    buf_fini(&b);
    buf_fini(&came);
}

/* A connection to the edge from an address of this machine. */
static int connect_from(const char *listen, const struct sockaddr *from, socklen_t len,
                        struct edge_kit *k)
{
    struct err e = {0};
    struct sockaddr_storage to = {0};
    memcpy(&to, from, len);
    assert_true(edge_listen(k->edge, listen, &e));
    in_port_t port = htons((uint16_t)edge_port(k->edge));
    if (from->sa_family == AF_INET)
        ((struct sockaddr_in *)(void *)&to)->sin_port = port;
    else
        ((struct sockaddr_in6 *)(void *)&to)->sin6_port = port;
    int fd = socket(from->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, from, len) == 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
    return fd;
}

static void the_peer_is_asked(void **state)
{
    static const struct row v4 = {0, "", IN(""), "127.9.8.0", "127.9.8.0"};
    static const struct row v4_garbage = {1, "X-Forwarded-For: nobody\r\n", IN(""), "127.9.8.0",
                                          "127.9.8.0"};
    static const struct row v6 = {0, "", IN(""), "", ""}; /* ::1 is of the network :: */
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f09084d)}};
    const struct sockaddr_in6 from6 = {.sin6_family = AF_INET6,
                                       .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct {
        const struct row *row;
        const char *listen;
        const struct sockaddr *from;
        socklen_t len;
    } peers[] = {
        {&v4, "127.9.8.77:0", (const struct sockaddr *)&from, sizeof from},
        {&v4_garbage, "127.9.8.77:0", (const struct sockaddr *)&from, sizeof from},
        {&v4, "[::]:0", (const struct sockaddr *)&from, sizeof from}, /* mapped into IPv6 */
        {&v6, "[::]:0", (const struct sockaddr *)&from6, sizeof from6},
    };
    struct buf b = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        struct edge_options o = edge_kit_options;
        struct edge_kit k;
        o.proxies = peers[i].row->proxies;
        edge_kit_open(&k, &o);
        int fd = connect_from(peers[i].listen, peers[i].from, peers[i].len, &k);
        post(&b, peers[i].row);
        check_record(record_of(&k, fd, buf_as_str(&b)), peers[i].row);
        (void)close(fd);
        edge_kit_close(&k);
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_reach_the_record),
        cmocka_unit_test(the_peer_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
