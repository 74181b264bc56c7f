/* SPDX-License-Identifier: Apache-2.0 */
/* The edge over real sockets: the answer that each request gets, what is closed behind it, and
 * the waits and limits. */
#include "collector/edge_kit.h"
#include "common/base/clock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY   "Authorization: Bearer " KIT_KEY "\r\n"
#define EVENT "{\"type\":\"track\",\"event\":\"x\",\"anonymousId\":\"a\",\"messageId\":\"m\"}"

/* A request with its length. */
static struct str request(struct buf *b, const char *line, const char *headers, struct str body)
{
    buf_reset(b);
    buf_printf(b, "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", line, headers,
               body.len);
    buf_str(b, body);
    return buf_as_str(b);
}

static void expect_status(struct str came, unsigned status, const char *name)
{
    char line[32];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
    if (!str_starts(came, str_of(line)))
        fail_msg("%s: not %s but %.*s", name, line, STR_ARGS(came));
}

static bool has(struct buf *came, const char *text)
{
    return strstr(buf_cstr(came), text) != NULL;
}

/* One request on a connection of its own. */
static void ask(struct edge_kit *k, struct str bytes, unsigned status, const char *text,
                bool is_closed, const char *name)
{
    struct buf came = {0};
    int fd = edge_kit_connect(k);
    bool is_head = str_starts(bytes, STR("HEAD"));
    size_t n = edge_kit_talk(k, fd, bytes, 1, is_head, &came);
    if (n != 1)
        fail_msg("%s: %zu answers: %s", name, n, buf_cstr(&came));
    expect_status(buf_as_str(&came), status, name);
    if (!has(&came, text))
        fail_msg("%s: no %s in %s", name, text, buf_cstr(&came));
    if (is_closed)
        assert_true(edge_kit_is_closed(k, fd, &came));
    else if (edge_kit_talk(k, fd, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), n + 1, is_head,
                           &came) != n + 1)
        fail_msg("%s: the connection is not kept", name);
    (void)close(fd);
    buf_fini(&came);
}

struct row {
    const char *name, *line, *headers, *body;
    unsigned status;
    const char *has;
};

#define POST(headers, body, status, has) "POST /v1/track", headers, body, status, has
#define BATCH(body, status, has)         "POST /v1/batch", KEY, body, status, has

static const struct row rows[] = {
    {"good", POST(KEY, EVENT, 200, "{\"success\":true,\"id\":\"m\"}")},
    {"key in body",
     POST("", "{\"writeKey\":\"" KIT_KEY "\",\"event\":\"x\",\"userId\":\"u\"}", 200, "true")},
    {"key in query", "POST /v1/track?writeKey=" KIT_KEY, "", EVENT, 200, "true"},
    {"GA4", "POST /mp/collect?measurement_id=G-1&api_secret=" KIT_KEY, "",
     "{\"client_id\":\"1.2\",\"events\":[{\"name\":\"x\"}]}", 200, "\"accepted\":1"},
    {"Basic",
     POST("Authorization: Basic a2V5LW9mLXNpdGUtc2V2ZW4tMDAwNzo=\r\n", EVENT, 200, "true")},
    {"no key", POST("", EVENT, 401, "WWW-Authenticate: Basic")},
    {"wrong key",
     POST("Authorization: Bearer key-of-no-site-at-all\r\n", EVENT, 401, "no site")},
    {"text/plain", POST(KEY "Content-Type: text/plain;charset=UTF-8\r\n", EVENT, 200, "true")},
    {"wrong type", POST(KEY "Content-Type: text/html\r\n", EVENT, 415, "Content-Type")},
    {"wrong encoding", POST(KEY "Content-Encoding: br\r\n", EVENT, 415, "Content-Encoding")},
    {"GET", "GET /v1/track", KEY, "", 405, "Allow: POST, OPTIONS"},
    {"HEAD", "HEAD /v1/batch", KEY, "", 405, "Allow: POST, OPTIONS"},
    {"PUT", "PUT /v1/track", KEY, EVENT, 405, "Allow: POST, OPTIONS"},
    {"unknown path", "POST /v1/tracks", KEY, EVENT, 404, "Not Found"},
    {"empty body", POST(KEY, "", 400, "malformed")},
    {"not JSON", POST(KEY, "hello", 400, "\"reason\":\"malformed\"")},
    {"truncated", POST(KEY, "{\"type\":\"track\",\"event\"", 400, "\"reason\":\"malformed\"")},
    {"bad UTF-8",
     POST(KEY, "{\"type\":\"track\",\"event\":\"x\",\"userId\":\"\xff\"}", 400, "bad_utf8")},
    {"duplicate keys",
     POST(KEY, "{\"type\":\"track\",\"type\":\"track\"}", 400, "duplicate_key")},
    {"no visitor", POST(KEY, "{\"type\":\"track\",\"event\":\"x\"}", 400, "no_visitor")},
    {"other type", POST(KEY, "{\"type\":\"page\",\"userId\":\"u\"}", 400, "bad_type")},
    {"a batch by track", POST(KEY, "{\"batch\":[" EVENT "]}", 400, "bad_field")},
    {"page without type", "POST /v1/page", KEY, "{\"userId\":\"u\"}", 200, "\"id\":\""},
    {"not gzip", POST(KEY "Content-Encoding: gzip\r\n", EVENT, 400, "gzip")},
    {"batch", BATCH("{\"batch\":[" EVENT ",{}]}", 200,
                    "{\"accepted\":1,\"rejected\":1,\"results\":[{\"index\":0,\"id\":\"m\","
                    "\"status\":\"accepted\"},{\"index\":1,\"status\":\"rejected\",\"reason\":"
                    "\"no_type\"}]}")},
    {"batch of bad ones", BATCH("{\"batch\":[5,{}]}", 400, "\"accepted\":0,\"rejected\":2")},
    {"empty batch", BATCH("{\"batch\":[]}", 400, "no event was accepted")},
    {"no batch", BATCH(EVENT, 400, "bad_field")},
    {"year 10000", BATCH("{\"batch\":[" EVENT "],\"sentAt\":\"9999-12-31T23:59:59-01:00\"}",
                         400, "bad_timestamp")},
    {"batch not JSON", BATCH("{\"batch\":[", 400, "malformed")},
    {"preflight", "OPTIONS /v1/track", "Origin: https://shop.example\r\n", "", 204,
     "Access-Control-Allow-Origin: https://shop.example\r\n"},
    {"preflight's headers", "OPTIONS /v1/batch", "Origin: https://shop.example\r\n", "", 204,
     "Access-Control-Allow-Headers: authorization, content-type"},
    {"page", POST(KEY "Origin: https://a.example\r\n", EVENT, 200,
                  "Allow-Origin: https://a.example\r\n")},
    {"varies", POST(KEY "Origin: https://a.example\r\n", EVENT, 200, "Vary: Origin\r\n")},
    {"other page",
     POST("Authorization: Bearer " KIT_KEY_NINE "\r\nOrigin: https://a.example\r\n", EVENT, 403,
          "origin")},
    {"its page", POST("Authorization: Bearer " KIT_KEY_NINE "\r\nOrigin: " KIT_ORIGIN "\r\n",
                      EVENT, 200, "Allow-Origin: " KIT_ORIGIN)},
};

static void each_request_gets_its_answer(void **state)
{
    struct edge_kit k;
    struct buf b = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        ask(&k, request(&b, r->line, r->headers, str_of(r->body)), r->status, r->has, false,
            r->name);
    }
    assert_int_equal(edge_waiting(k.edge), 0);
    edge_kit_close(&k);
    buf_fini(&b);
}

/* Requests that are wrong as such; the connection ends behind the answer. */
static const struct {
    const char *name, *bytes;
    unsigned status;
    const char *has;
} broken[] = {
    {"both lengths",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY
     "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, "twice"},
    {"two lengths",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY
     "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
     400, "twice"},
    {"declared too big",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY "Content-Length: 65537\r\n\r\n", 413,
     "Connection: close"},
    {"a length that is none",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY "Content-Length: 5x\r\n\r\nhello", 400, ""},
    {"a chunk size that is none",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY
     "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n",
     400, ""},
    {"a coding that is not known",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY "Transfer-Encoding: gzip\r\n\r\nhello", 400,
     "length"},
    {"a line's end in Origin",
     "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY
     "Origin: https://a\rX: y\r\nContent-Length: 99999\r\n\r\n",
     400, "Origin is none"},
    {"no host", "POST /v1/track HTTP/1.1\r\n\r\n", 400, ""},
};

static void what_is_broken_ends_the_connection(void **state)
{
    struct edge_kit k;
    struct buf b = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        ask(&k, str_of(broken[i].bytes), broken[i].status, broken[i].has, true, broken[i].name);
    buf_printf(&b, "POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Long: %020000d\r\n\r\n", 0);
    ask(&k, buf_as_str(&b), 431, "", true, "huge headers");
    assert_int_equal(outbox_next(k.aside), 0);
    edge_kit_close(&k);
    buf_fini(&b);
}

static void put_chunk(struct buf *b, struct str bytes)
{
    buf_printf(b, "%zx\r\n", bytes.len);
    buf_str(b, bytes);
    buf_text(b, "\r\n");
}

static void bodies_come_in_chunks(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, big = {0};
    (void)state;
    static const char head[] =
        "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY "Transfer-Encoding: chunked\r\n\r\n";
    edge_kit_open(&k, NULL);
    buf_text(&b, head);
    put_chunk(&b, str_over(EVENT, 10));
    put_chunk(&b, str_over(&EVENT[10], sizeof EVENT - 11));
    buf_text(&b, "0\r\n\r\n");
    ask(&k, buf_as_str(&b), 200, "\"id\":\"m\"", false, "chunks");
    buf_reset(&b);
    buf_text(&b, head);
    memset(buf_take(&big, 1000), ' ', 1000);
    for (int i = 0; i < 70; i++) /* never ends: it is cut when it passes the limit */
        put_chunk(&b, buf_as_str(&big));
    ask(&k, buf_as_str(&b), 413, "larger than the limit", true, "too big in chunks");
    assert_int_equal(outbox_next(k.aside), 1);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&big);
}

static void packed_bodies_are_bounded(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, packed = {0}, zeroes = {0};
    struct rusage before, after;
    static const char headers[] = KEY "Content-Encoding: gzip\r\n";
    (void)state;
    edge_kit_open(&k, NULL);
    edge_kit_pack(&packed, STR(EVENT), 1);
    ask(&k, request(&b, "POST /v1/track", headers, buf_as_str(&packed)), 200, "\"id\":\"m\"",
        false, "gzip");
    struct str cut = str_over(packed.at, packed.len - 1);
    ask(&k, request(&b, "POST /v1/track", headers, cut), 400, "gzip", false, "cut gzip");
    buf_byte(&packed, 'x');
    ask(&k, request(&b, "POST /v1/track", headers, buf_as_str(&packed)), 400, "gzip", false,
        "bytes behind gzip");
    memset(buf_take(&zeroes, 1 << 20), ' ', 1 << 20);
    edge_kit_pack(&packed, buf_as_str(&zeroes), 64); /* 64 KiB -> 64 MiB */
    packed.len = MIN(packed.len, (size_t)60000);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    ask(&k, request(&b, "POST /v1/track", headers, buf_as_str(&packed)), 413, "unpacked", false,
        "gzip bomb");
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(after.ru_maxrss - before.ru_maxrss < 1024);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&packed);
    buf_fini(&zeroes);
}

static void a_batch_has_at_most_250_events(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, body = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    for (int n = 250; n <= 251; n++) {
        buf_reset(&body);
        for (int i = 0; i < n; i++)
            buf_printf(&body, "%s%s", i ? "," : "{\"batch\":[", EVENT);
        buf_text(&body, "]}");
        ask(&k, request(&b, "POST /v1/batch", KEY, buf_as_str(&body)), n == 250 ? 200 : 413,
            n == 250 ? "\"accepted\":250,\"rejected\":0" : "too_many", false, "many");
    }
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&body);
}

static void deep_ones_are_refused(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, body = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    for (int i = 0; i < 5000; i++)
        buf_text(&body, "{\"a\":");
    ask(&k, request(&b, "POST /v1/track", KEY, buf_as_str(&body)), 400, "malformed", false,
        "open");
    buf_byte(&body, '1');
    for (int i = 0; i < 5000; i++)
        buf_byte(&body, '}');
    ask(&k, request(&b, "POST /v1/track", KEY, buf_as_str(&body)), 400, "too_deep", false,
        "deep");
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&body);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, came = {0};
    enum { N = 40 };
    (void)state;
    edge_kit_open(&k, NULL);
    for (int i = 0; i < N; i++) {
        char body[128];
        int len = snprintf(body, sizeof body,
                           "{\"event\":\"x\",\"userId\":\"u\",\"messageId\":\"m%d\"}", i);
        buf_printf(&b,
                   "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY "Content-Length: %d\r\n\r\n%s",
                   len, body);
    }
    int fd = edge_kit_connect(&k);
    assert_int_equal(edge_kit_talk(&k, fd, buf_as_str(&b), N, false, &came), N);
    const char *at = buf_cstr(&came);
    for (int i = 0; i < N; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "\"m%d\"", i);
        at = strstr(at, id);
        assert_non_null(at);
    }
    assert_int_equal(outbox_next(k.aside), N);
    (void)close(fd);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&came);
}

/* Byte by byte: whatever the pieces are that it comes in. */
static void a_request_may_come_in_pieces(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, came = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    struct str bytes = request(&b, "POST /v1/track", KEY, STR(EVENT));
    int fd = edge_kit_connect(&k);
    for (size_t i = 0; i + 1 < bytes.len; i++) {
        assert_int_equal(send(fd, bytes.at + i, 1, 0), 1);
        edge_kit_turn(&k);
    }
    assert_int_equal(
        edge_kit_talk(&k, fd, str_over(bytes.at + bytes.len - 1, 1), 1, false, &came), 1);
    expect_status(buf_as_str(&came), 200, "pieces");
    (void)close(fd);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&came);
}

static void no_answer_before_it_is_stored(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, came = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    k.is_silent = true;
    int fd = edge_kit_connect(&k);
    struct str bytes = request(&b, "POST /v1/track", KEY, STR(EVENT));
    assert_int_equal(send(fd, bytes.at, bytes.len, 0), bytes.len);
    for (int i = 0; i < 1000; i++)
        edge_kit_turn(&k);
    assert_int_equal(edge_waiting(k.edge), 1);
    assert_int_equal(outbox_next(k.aside), 1);
    const struct output *o = outbox_at(k.aside, 0);
    assert_true(str_is(o->value, "{\"batch\":[" EVENT "],\"siteId\":7}"));
    assert_true(str_is(o->key, "a") && o->topic == TOPIC_raw && o->is_json);
    assert_false(edge_retire(k.edge)); /* it is owed an answer */
    k.is_silent = false;
    assert_int_equal(edge_kit_talk(&k, fd, STR(""), 1, false, &came), 1);
    expect_status(buf_as_str(&came), 200, "stored");
    for (int i = 0; i < 1000 && !edge_retire(k.edge); i++)
        edge_kit_turn(&k);
    assert_true(edge_retire(k.edge));
    came.len = 0;
    assert_int_equal(edge_kit_talk(&k, fd, bytes, 1, false, &came), 1);
    expect_status(buf_as_str(&came), 503, "stopping");
    assert_int_equal(edge_kit_counter(&k, COUNTER_collector_edge_events_total, "accepted"), 1);
    (void)close(fd);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&came);
}

static void what_kafka_does_not_store_is_503(void **state)
{
    struct edge_options o = edge_kit_options;
    struct edge_kit k;
    struct buf b = {0};
    (void)state;
    o.wait_us = 20000;
    o.queue_max = 2000;
    edge_kit_open(&k, &o);
    k.is_silent = true;
    struct str bytes = request(&b, "POST /v1/track", KEY, STR(EVENT));
    ask(&k, bytes, 503, "Retry-After: 1\r\n", false, "late");
    while (outbox_bytes(k.aside) + sizeof EVENT < o.queue_max)
        ask(&k, bytes, 503, "in time", false, "late");
    uint64_t n = outbox_next(k.aside);
    ask(&k, bytes, 503, "Retry-After: 1\r\n", true, "full");
    assert_int_equal(outbox_next(k.aside), n);
    k.is_silent = false;
    edge_kit_turn(&k);
    ask(&k, bytes, 200, "true", false, "back");
    edge_kit_close(&k);
    buf_fini(&b);
}

/* What has come but for its end was let in while there was room. */
static void many_packed_bodies_are_bounded(void **state)
{
    enum { N = 100, BLANKS = 30000 };
    struct edge_kit k;
    struct buf b = {0}, body = {0}, packed = {0}, came = {0};
    size_t n_kept = 0, most = edge_kit_options.queue_max;
    int fds[N];
    (void)state;
    edge_kit_open(&k, NULL);
    k.is_silent = true;
    buf_printf(&body, "{\"event\":\"x\",\"userId\":\"u\"%*s}", BLANKS, "");
    edge_kit_pack(&packed, buf_as_str(&body), 1);
    buf_printf(&b,
               "POST /v1/track HTTP/1.1\r\nHost: x\r\n" KEY "Content-Encoding: gzip\r\n"
               "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
               packed.len);
    buf_str(&b, buf_as_str(&packed));
    for (int i = 0; i < N; i++) {
        fds[i] = edge_kit_connect(&k);
        assert_int_equal(send(fds[i], b.at, b.len, 0), b.len);
        edge_kit_turn(&k);
    }
    assert_int_equal(outbox_next(k.aside), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(send(fds[i], "\r\n0\r\n\r\n", 7, 0), 7);
        edge_kit_turn(&k);
    }
    assert_in_range(outbox_bytes(k.aside), most / 2, most + 2 * (size_t)BLANKS);
    k.is_silent = false;
    for (int i = 0; i < N; i++) {
        came.len = 0;
        assert_int_equal(edge_kit_talk(&k, fds[i], STR(""), 1, false, &came), 1);
        n_kept += has(&came, "HTTP/1.1 200 ");
        assert_true(has(&came, "HTTP/1.1 200 ") || has(&came, "Retry-After: 1\r\n"));
        (void)close(fds[i]);
    }
    assert_int_equal(outbox_next(k.aside), n_kept);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&body);
    buf_fini(&packed);
    buf_fini(&came);
}

static void a_site_has_a_rate(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, body = {0};
    (void)state;
    edge_kit_open(&k, NULL);
    for (int i = 0; i < 250; i++)
        buf_printf(&body, "%s%s", i ? "," : "{\"batch\":[", EVENT);
    buf_text(&body, "]}");
    static const char key[] = "Authorization: Bearer " KIT_KEY_NINE "\r\n";
    struct str bytes = request(&b, "POST /v1/batch", key, buf_as_str(&body));
    ask(&k, bytes, 200, "\"accepted\":250", false, "saved up");
    ask(&k, bytes, 429, "Retry-After: 2", false, "too fast");
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&body);
}

static void slow_ones_are_cut(void **state)
{
    struct edge_options o = edge_kit_options;
    struct edge_kit k;
    struct buf b = {0}, came = {0};
    (void)state;
    o.request_us = 30000;
    edge_kit_open(&k, &o);
    struct str bytes = request(&b, "POST /v1/track", KEY, STR(EVENT));
    int idle = edge_kit_connect(&k), slow = edge_kit_connect(&k);
    assert_true(send(slow, bytes.at, bytes.len - 1, 0) > 0);
    assert_true(edge_kit_is_closed(&k, idle, &came));
    assert_true(edge_kit_is_closed(&k, slow, &came));
    assert_int_equal(came.len, 0);
    for (int i = 0; i < 100 && edge_connections(k.edge) > 0; i++)
        edge_kit_turn(&k);
    assert_int_equal(edge_connections(k.edge), 0);
    assert_int_equal(edge_kit_counter(&k, COUNTER_collector_edge_cut_total, NULL), 2);
    (void)close(idle);
    (void)close(slow);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&came);
}

static int connect_to(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static void it_listens(void **state)
{
    struct edge_options o = edge_kit_options;
    struct edge_kit k, other;
    struct buf b = {0}, came = {0};
    struct err e = {0};
    char address[32];
    (void)state;
    o.connections = 2;
    edge_kit_open(&k, &o);
    edge_kit_open(&other, NULL);
    assert_true(edge_listen(k.edge, "127.0.0.1:0", &e));
    unsigned port = edge_port(k.edge);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    assert_false(edge_listen(other.edge, address, &e));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_non_null(strstr(e.text, "in use"));
    static const char *const bad[] = {"19400", "localhost:80", "127.0.0.1:", "[::1:80",
                                      "127.0.0.1:65536"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(edge_listen(other.edge, bad[i], &e));
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
    }
    struct str bytes = request(&b, "POST /v1/track", KEY, STR(EVENT));
    int first = connect_to(port), second = connect_to(port), third = connect_to(port);
    assert_int_equal(edge_kit_talk(&k, first, bytes, 1, false, &came), 1);
    came.len = 0;
    assert_int_equal(edge_kit_talk(&k, second, bytes, 1, false, &came), 1);
    came.len = 0;
    assert_int_equal(edge_connections(k.edge), 2); /* the third waits until one has gone */
    (void)close(first);
    assert_int_equal(edge_kit_talk(&k, third, bytes, 1, false, &came), 1);
    (void)close(second);
    (void)close(third);
    edge_kit_close(&k);
    edge_kit_close(&other);
    buf_fini(&b);
    buf_fini(&came);
}

/* Without a descriptor left nothing is accepted, and the loop sleeps meanwhile. */
static void it_waits_for_descriptors(void **state)
{
    struct edge_kit k;
    struct buf b = {0}, came = {0};
    struct err e = {0};
    struct rlimit limit, none;
    (void)state;
    edge_kit_open(&k, NULL);
    assert_true(edge_listen(k.edge, "127.0.0.1:0", &e));
    int fd = connect_to(edge_port(k.edge));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    clock_t before = clock();
    int turns = 0;
    for (int64_t until_us = clock_mono_us() + SECOND_US / 2; clock_mono_us() < until_us;
         turns++)
        (void)uv_run(&k.loop, UV_RUN_ONCE);
    double used_s = (double)(clock() - before) / CLOCKS_PER_SEC;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(turns < 50 && used_s < 0.25);
    assert_int_equal(edge_connections(k.edge), 0);
    struct str bytes = request(&b, "POST /v1/track", KEY, STR(EVENT));
    assert_int_equal(edge_kit_talk(&k, fd, bytes, 1, false, &came), 1);
    (void)close(fd);
    edge_kit_close(&k);
    buf_fini(&b);
    buf_fini(&came);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_gets_its_answer),
        cmocka_unit_test(what_is_broken_ends_the_connection),
        cmocka_unit_test(bodies_come_in_chunks),
        cmocka_unit_test(packed_bodies_are_bounded),
        cmocka_unit_test(a_batch_has_at_most_250_events),
        cmocka_unit_test(deep_ones_are_refused),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_request_may_come_in_pieces),
        cmocka_unit_test(no_answer_before_it_is_stored),
        cmocka_unit_test(what_kafka_does_not_store_is_503),
        cmocka_unit_test(many_packed_bodies_are_bounded),
        cmocka_unit_test(a_site_has_a_rate),
        cmocka_unit_test(slow_ones_are_cut),
        cmocka_unit_test(it_listens),
        cmocka_unit_test(it_waits_for_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
