/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/webhook.h"

#include "actuator/address.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

struct client {
    uv_loop_t *loop;
    uv_timer_t timer;
    CURLM *multi;
    long timeout_ms;
    size_t n_handles; /* of the loop, not yet closed */
};

/* A socket of curl's that the loop watches. */
struct watch {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t fd;
};

/* One attempt. */
struct sending {
    struct client *client;
    CURL *easy;
    struct curl_slist *headers;
    const struct hook *hook;
    void (*done)(void *tag, const struct answer *a);
    void *tag;
    size_t n_read; /* bytes of the answer */
    bool is_whole; /* all its headers are there */
    bool is_cut;   /* it was longer than we read */
    bool is_private;
    struct answer answer;
};

static void on_handle_closed(struct client *c)
{
    if (--c->n_handles == 0)
        free(c);
}

static void on_timer_closed(uv_handle_t *h)
{
    on_handle_closed(h->data);
}

static void on_watch_closed(uv_handle_t *h)
{
    struct watch *w = h->data;
    on_handle_closed(w->client);
    free(w);
}

static void sending_free(struct sending *s)
{
    (void)curl_multi_remove_handle(s->client->multi, s->easy);
    curl_easy_cleanup(s->easy);
    curl_slist_free_all(s->headers);
    free(s);
}

static void answer_fill(struct sending *s, CURLcode code)
{
    long status = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    struct answer *a = &s->answer;
    if ((s->is_whole || s->is_cut) && status >= 200)
        a->status = (unsigned)status;
    else if (s->is_private)
        a->detail = "the address is private, which allow_private is to allow";
    else
        a->detail = code ? curl_easy_strerror(code) : "no whole answer";
}

static void take_done(struct client *c)
{
    CURLMsg *m;
    int n_left;
    while ((m = curl_multi_info_read(c->multi, &n_left))) {
        struct sending *s = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CHECK(curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s) == CURLE_OK);
        answer_fill(s, m->data.result);
        s->done(s->tag, &s->answer);
        sending_free(s);
    }
}

static void act(struct client *c, curl_socket_t fd, int events)
{
    int n_running;
    CHECK(curl_multi_socket_action(c->multi, fd, events, &n_running) == CURLM_OK);
    take_done(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(w->client, w->fd, flags);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* curl says when it wants to be called without any event. */
static int timer_set(CURLM *multi, long timeout_ms, void *to)
{
    struct client *c = to;
    (void)multi;
    if (timeout_ms < 0)
        (void)uv_timer_stop(&c->timer);
    else
        (void)uv_timer_start(&c->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* curl says what it wants to know of a socket; it closes it only after CURL_POLL_REMOVE. */
static int socket_set(CURL *easy, curl_socket_t fd, int what, void *to, void *watch)
{
    struct client *c = to;
    struct watch *w = watch;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        (void)curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = mem_zero(1, sizeof *w);
        w->client = c;
        w->fd = fd;
        w->poll.data = w;
        CHECK(uv_poll_init_socket(c->loop, &w->poll, fd) == 0);
        c->n_handles++;
        (void)curl_multi_assign(c->multi, fd, w);
    }
    int events =
        (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    CHECK(uv_poll_start(&w->poll, events, on_poll) == 0);
    return 0;
}

/* The address is the one that is connected to, whatever the name resolves to later. */
static curl_socket_t socket_open(void *to, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct sending *s = to;
    (void)purpose;
    if (!s->hook->allow_private && !address_is_public(&a->addr)) {
        s->is_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Returning less than it was given ends the attempt. */
static size_t count_read(struct sending *s, size_t len)
{
    s->n_read += len;
    s->is_cut |= s->n_read > WEBHOOK_READ;
    return s->is_cut ? 0 : len;
}

static size_t on_header(char *at, size_t size, size_t n, void *to)
{
    struct sending *s = to;
    struct str value, line = str_over(at, size * n);
    struct str name = str_cut(str_trim(line), ':', &value);
    long status = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    value = str_trim(value);
    if (name.len == 0 && status >= 200)
        s->is_whole = true;
    if (str_eq_nocase(name, STR("retry-after")) && value.len < sizeof s->answer.retry_after) {
        memcpy(s->answer.retry_after, value.at, value.len);
        s->answer.retry_after[value.len] = '\0';
    }
    return count_read(s, line.len);
}

static size_t on_body(char *at, size_t size, size_t n, void *to)
{
    (void)at;
    return count_read(to, size * n);
}

static void headers_add(struct sending *s, const char *name, struct str value)
{
    struct buf line = {0};
    buf_printf(&line, "%s:%s%.*s", name, value.len ? " " : "", STR_ARGS(value));
    s->headers = curl_slist_append(s->headers, buf_cstr(&line));
    CHECK(s->headers != NULL);
    buf_fini(&line);
}

static void headers_make(struct sending *s, const struct request *r)
{
    struct buf text = {0};
    headers_add(s, "content-type", STR("application/json"));
    headers_add(s, "webhook-id", r->id);
    buf_printf(&text, "%" PRId64, r->timestamp_s);
    headers_add(s, "webhook-timestamp", buf_as_str(&text));
    buf_reset(&text);
    sign_v1(&r->hook->key, r->id, r->timestamp_s, r->body, &text);
    headers_add(s, "webhook-signature", buf_as_str(&text));
    headers_add(s, "expect", STR("")); /* curl sends no Expect of its own */
    buf_fini(&text);
}

#define SET(option, value) CHECK(curl_easy_setopt(s->easy, option, value) == CURLE_OK)

static void options_set(struct sending *s, const struct request *r)
{
    SET(CURLOPT_URL, r->hook->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTPHEADER, s->headers);
    SET(CURLOPT_USERAGENT, "auspex/" AUSPEX_VERSION);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, r->body.at);
    SET(CURLOPT_POSTFIELDSIZE, (long)r->body.len);
    SET(CURLOPT_TIMEOUT_MS, s->client->timeout_ms);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* never wait for a thread that resolves a name */
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    /* one that stands open could lead where this webhook may not */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_OPENSOCKETFUNCTION, socket_open);
    SET(CURLOPT_OPENSOCKETDATA, s);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, s);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, s);
    SET(CURLOPT_PRIVATE, s);
}

static void *begin(void *self, const struct request *r)
{
    struct sending *s = mem_zero(1, sizeof *s);
    s->client = self;
    s->hook = r->hook;
    s->done = r->done;
    s->tag = r->tag;
    s->answer.detail = "";
    s->easy = curl_easy_init();
    CHECK(s->easy != NULL);
    headers_make(s, r);
    options_set(s, r);
    CHECK(curl_multi_add_handle(s->client->multi, s->easy) == CURLM_OK);
    return s;
}

static void cancel(void *self, void *sending)
{
    (void)self;
    sending_free(sending);
}

static void client_free(void *self)
{
    struct client *c = self;
    CHECK(curl_multi_cleanup(c->multi) == CURLM_OK);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

struct transport webhook_open(struct uv_loop_s *loop, uint64_t timeout_ms)
{
    struct client *c = mem_zero(1, sizeof *c);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    c->loop = loop;
    c->timeout_ms = (long)timeout_ms;
    c->multi = curl_multi_init();
    CHECK(c->multi != NULL);
    CHECK(uv_timer_init(loop, &c->timer) == 0);
    c->timer.data = c;
    c->n_handles = 1;
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_set);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_set);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return (struct transport){c, begin, cancel, client_free};
}
