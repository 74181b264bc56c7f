/* SPDX-License-Identifier: Apache-2.0 */
/* webhook_test - attempts against a server in the same loop that answers by the path it is
 * asked for: well, badly, never, or without end. */
#include "actuator/webhook.h"

#include "common/base/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

#define SECRET "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

enum {
    TIMEOUT_MS = 400,
    PIECE = 16 * 1024,
    MOST_WRITTEN = 16 * 1024 * 1024,
    STAMP_S = 1700000000
};

struct server {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_timer_t tick; /* one turn of the loop may end in a wait for the next event */
    unsigned port;
    unsigned n_connections, n_requests;
    uint64_t n_written; /* bytes, to the last that was asked without end */
    struct buf request; /* the last whole one */
};

struct peer {
    uv_tcp_t tcp;
    uv_write_t write;
    struct server *server;
    const struct answer_script *script;
    struct buf request;
};

static struct server server;

/* What the server says on a path: `text`, then what `then` tells. */
enum then { CLOSE, WAIT, REPEAT };
static const struct answer_script {
    const char *path, *text;
    enum then then;
    unsigned status;    /* that is to come of it, and so on */
    const char *repeat; /* without end */
    const char *detail, *retry_after;
} scripts[] = {
    {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", WAIT, 200, "", NULL, ""},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n", WAIT, 204, "", NULL, ""},
    {"/old", "HTTP/1.0 200 OK\r\n\r\nok", CLOSE, 200, "", NULL, ""},
    {"/gone", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", WAIT, 410, "", NULL, ""},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", WAIT, 302,
     "", NULL, ""},
    {"/busy", "HTTP/1.1 429 No\r\nRetry-AFTER:  7 \r\nContent-Length: 0\r\n\r\n", WAIT, 429, "",
     NULL, "7"},
    {"/early", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", WAIT,
     500, "", NULL, ""},
    {"/silent", "", WAIT, 0, "", "Timeout was reached", ""},
    {"/cut", "", CLOSE, 0, "", "Server returned nothing (no headers, no data)", ""},
    {"/half", "HTTP/1.1 200 OK\r\nContent-Len", CLOSE, 0, "", NULL, ""},
    {"/stuck", "HTTP/1.1 200 OK\r\nContent-Len", WAIT, 0, "", "Timeout was reached", ""},
    {"/torn", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", CLOSE, 200, "", NULL, ""},
    {"/drip", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", WAIT, 200, "", NULL, ""},
    {"/noise", "hello\r\n\r\n", CLOSE, 0, "", NULL, ""},
    {"/headers", "HTTP/1.1 200 OK\r\n", REPEAT, 200, "X-Y: zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\r\n",
     NULL, ""},
    {"/interim", "", REPEAT, 0, "HTTP/1.1 100 Continue\r\n\r\n", NULL, ""},
    {"/line", "HTTP/1.1 200 OK\r\nX-Y: ", REPEAT, 0, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", NULL,
     ""},
    {"/body", "HTTP/1.1 503 No\r\nRetry-After: 3\r\n\r\n", REPEAT, 503,
     "zzzzzzzzzzzzzzzzzzzzzzzzzzzz", NULL, "3"},
    {"/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", REPEAT, 200,
     "8\r\nzzzzzzzz\r\n", NULL, ""},
};

static void on_peer_closed(uv_handle_t *h)
{
    struct peer *p = h->data;
    buf_fini(&p->request);
    free(p);
}

static void peer_close(struct peer *p)
{
    if (!uv_is_closing((uv_handle_t *)&p->tcp))
        uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
}

static void on_written(uv_write_t *w, int status)
{
    struct peer *p = w->data;
    static char piece[PIECE];
    if (status < 0 || uv_is_closing((uv_handle_t *)&p->tcp) || p->script->then == CLOSE) {
        peer_close(p);
        return;
    }
    if (p->script->then == WAIT)
        return;
    size_t len = strlen(p->script->repeat), n = 0;
    for (; n + len <= sizeof piece; n += len)
        memcpy(piece + n, p->script->repeat, len);
    uv_buf_t out = uv_buf_init(piece, (unsigned)n);
    server.n_written += n;
    (void)uv_write(&p->write, (uv_stream_t *)&p->tcp, &out, 1, on_written);
}

static bool is_whole(const struct buf *b)
{
    const char *end = memmem(b->at, b->len, "\r\n\r\n", 4);
    const char *len = memmem(b->at, b->len, "Content-Length: ", 16);
    return end && len &&
           b->len == (size_t)(end + 4 - (const char *)b->at) + strtoul(len + 16, NULL, 10);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
    static char bytes[PIECE];
    (void)h;
    (void)suggested;
    *b = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct peer *p = s->data;
    if (n < 0) {
        peer_close(p);
        return;
    }
    buf_put(&p->request, b->base, (size_t)n);
    if (!is_whole(&p->request) || p->script)
        return;
    struct str rest, path = str_over(p->request.at, p->request.len);
    (void)str_cut(path, ' ', &rest);
    path = str_cut(rest, ' ', &rest);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        if (str_is(path, scripts[i].path))
            p->script = &scripts[i];
    CHECK(p->script != NULL);
    server.n_requests++;
    buf_reset(&server.request);
    buf_put(&server.request, p->request.at, p->request.len);
    uv_buf_t out =
        uv_buf_init((char *)(uintptr_t)p->script->text, (unsigned)strlen(p->script->text));
    (void)uv_write(&p->write, (uv_stream_t *)&p->tcp, &out, 1, on_written);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *p = mem_zero(1, sizeof *p);
    CHECK(status == 0);
    server.n_connections++;
    p->tcp.data = p->write.data = p;
    CHECK(uv_tcp_init(&server.loop, &p->tcp) == 0);
    CHECK(uv_accept(listener, (uv_stream_t *)&p->tcp) == 0);
    CHECK(uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read) == 0);
}

static void on_tick(uv_timer_t *tick)
{
    (void)tick;
}

static int open_all(void **state)
{
    (void)state;
    struct sockaddr_in at;
    int len = sizeof at;
    memset(&server, 0, sizeof server);
    CHECK(setenv("http_proxy", "http://127.0.0.1:1/", 1) == 0);
    CHECK(setenv("all_proxy", "http://127.0.0.1:1/", 1) == 0);
    CHECK(uv_loop_init(&server.loop) == 0);
    CHECK(uv_timer_init(&server.loop, &server.tick) == 0);
    CHECK(uv_timer_start(&server.tick, on_tick, 10, 10) == 0);
    CHECK(uv_ip4_addr("127.0.0.1", 0, &at) == 0);
    CHECK(uv_tcp_init(&server.loop, &server.listener) == 0);
    CHECK(uv_tcp_bind(&server.listener, (struct sockaddr *)&at, 0) == 0);
    CHECK(uv_listen((uv_stream_t *)&server.listener, 128, on_connection) == 0);
    CHECK(uv_tcp_getsockname(&server.listener, (struct sockaddr *)&at, &len) == 0);
    server.port = ntohs(at.sin_port);
    return 0;
}

static void handle_close(uv_handle_t *h, void *to)
{
    (void)to;
    if (uv_is_closing(h))
        return;
    uv_close(h, h->type == UV_TCP && h->data ? on_peer_closed : NULL);
}

/* After the transport is freed: all that is left are peers. */
static int close_all(void **state)
{
    (void)state;
    uv_walk(&server.loop, handle_close, NULL);
    (void)uv_run(&server.loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&server.loop) == 0);
    buf_fini(&server.request);
    return 0;
}

struct hooked {
    struct hook hook;
    char url[128];
    struct request request;
    unsigned n_done;
    struct answer answer;
    int64_t took_us;
    void *sending;
};

static void on_done(void *tag, const struct answer *a)
{
    struct hooked *h = tag;
    h->n_done++;
    h->answer = *a;
    h->took_us = clock_mono_us() - h->took_us;
}

static void hooked_begin(struct hooked *h, struct transport *t, const char *url)
{
    *h = (struct hooked){.took_us = clock_mono_us()};
    (void)snprintf(h->url, sizeof h->url, "%s", url);
    h->hook = (struct hook){.url = h->url, .name = h->url, .allow_private = true};
    assert_true(sign_key_read(STR("whsec_" SECRET), &h->hook.key));
    h->request = (struct request){.hook = &h->hook,
                                  .id = STR("auspex_1-0-42-0"),
                                  .body = STR("{\"a\":\"\xc3\xa4\"}"),
                                  .timestamp_s = STAMP_S,
                                  .done = on_done,
                                  .tag = h};
    h->sending = t->begin(t->self, &h->request);
    assert_int_equal(h->n_done, 0);
}

static void to_path(struct hooked *h, struct transport *t, const char *path)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", server.port, path);
    hooked_begin(h, t, url);
}

static void wait_done(const struct hooked *h)
{
    while (h->n_done == 0)
        (void)uv_run(&server.loop, UV_RUN_ONCE);
    assert_int_equal(h->n_done, 1);
}

static bool request_has(const char *text)
{
    return memmem(server.request.at, server.request.len, text, strlen(text)) != NULL;
}

static void request_is_as_specified(void **state)
{
    (void)state;
    struct transport t = webhook_open(&server.loop, TIMEOUT_MS);
    struct hooked h;
    struct buf signature = {0};
    to_path(&h, &t, "/ok");
    wait_done(&h);
    assert_int_equal(h.answer.status, 200);
    buf_text(&signature, "webhook-signature: ");
    sign_v1(&h.hook.key, h.request.id, STAMP_S, h.request.body, &signature);
    buf_text(&signature, "\r\n");
    assert_int_equal(memcmp(server.request.at, "POST /ok HTTP/1.1\r\n", 19), 0);
    assert_true(request_has(buf_cstr(&signature)));
    assert_true(request_has("\r\nwebhook-id: auspex_1-0-42-0\r\n"));
    assert_true(request_has("\r\nwebhook-timestamp: 1700000000\r\n"));
    assert_true(request_has("\r\ncontent-type: application/json\r\n"));
    assert_true(request_has("\r\nUser-Agent: auspex/" AUSPEX_VERSION "\r\n"));
    assert_true(request_has("\r\n\r\n{\"a\":\"\xc3\xa4\"}"));
    assert_false(request_has("xpect"));
    buf_fini(&signature);
    t.free(t.self);
}

static void answers_count_as_they_should(void **state)
{
    (void)state;
    struct transport t = webhook_open(&server.loop, TIMEOUT_MS);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        const struct answer_script *s = &scripts[i];
        struct hooked h;
        unsigned before = server.n_requests;
        server.n_written = 0;
        to_path(&h, &t, s->path);
        wait_done(&h);
        if (h.answer.status != s->status)
            fail_msg("%s: %u %s", s->path, h.answer.status, h.answer.detail);
        assert_string_equal(h.answer.retry_after, s->retry_after);
        assert_int_equal(h.answer.status == 0, h.answer.detail[0] != 0);
        if (s->detail)
            assert_string_equal(h.answer.detail, s->detail);
        assert_int_equal(server.n_requests, before + 1); /* no redirect, nothing sent again */
        assert_true(server.n_written <
                    (uint64_t)MOST_WRITTEN); /* what sockets hold, but no more */
    }
    t.free(t.self);
}

static void who_cannot_be_reached_is_told(void **state)
{
    (void)state;
    struct transport t = webhook_open(&server.loop, TIMEOUT_MS);
    struct hooked h;
    char url[64];
    hooked_begin(&h, &t, "http://127.0.0.1:1/");
    wait_done(&h);
    assert_int_equal(h.answer.status, 0);
    assert_string_equal(h.answer.detail, "Couldn't connect to server");
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/ok", server.port); /* no TLS there */
    hooked_begin(&h, &t, url);
    wait_done(&h);
    assert_int_equal(h.answer.status, 0);
    hooked_begin(&h, &t, "http://nobody.invalid/");
    wait_done(&h);
    assert_int_equal(h.answer.status, 0);
    assert_true(h.took_us < 5 * SECOND_US);
    t.free(t.self);
}

static void private_addresses_are_not_connected_to(void **state)
{
    (void)state;
    struct transport t = webhook_open(&server.loop, TIMEOUT_MS);
    static const char *const forms[] = {"http://127.0.0.1:%u/ok", "http://localhost:%u/ok",
                                        "http://2130706433:%u/ok",
                                        "http://[::ffff:127.0.0.1]:%u/ok"};
    unsigned before = server.n_connections;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct hooked h;
        char url[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(url, sizeof url, forms[i], server.port);
#pragma GCC diagnostic pop
        hooked_begin(&h, &t, url);
        h.hook.allow_private = false;
        wait_done(&h);
        assert_int_equal(h.answer.status, 0);
        assert_string_equal(h.answer.detail,
                            "the address is private, which allow_private is to allow");
    }
    assert_int_equal(server.n_connections, before);
    t.free(t.self);
}

static void each_attempt_has_its_own_connection(void **state)
{
    (void)state;
    struct transport t = webhook_open(&server.loop, TIMEOUT_MS);
    unsigned before = server.n_connections;
    for (unsigned i = 1; i <= 3; i++) {
        struct hooked h;
        to_path(&h, &t, "/ok");
        wait_done(&h);
        assert_int_equal(server.n_connections, before + i);
    }
    t.free(t.self);
}

static void slow_ones_hold_no_other(void **state)
{
    (void)state;
    struct transport t = webhook_open(&server.loop, 60000);
    static struct hooked slow[50];
    struct hooked fast;
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        to_path(&slow[i], &t, i % 2 ? "/silent" : "/drip");
    to_path(&fast, &t, "/ok");
    wait_done(&fast);
    assert_int_equal(fast.answer.status, 200);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        assert_int_equal(slow[i].n_done, 0);
        t.cancel(t.self, slow[i].sending);
    }
    to_path(&fast, &t, "/gone");
    wait_done(&fast);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        assert_int_equal(slow[i].n_done, 0); /* cancelled ones are never heard of */
    t.free(t.self);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(request_is_as_specified),
        WITH_SERVER(answers_count_as_they_should),
        WITH_SERVER(who_cannot_be_reached_is_told),
        WITH_SERVER(private_addresses_are_not_connected_to),
        WITH_SERVER(each_attempt_has_its_own_connection),
        WITH_SERVER(slow_ones_hold_no_other),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
