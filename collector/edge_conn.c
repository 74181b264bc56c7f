/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/edge_parts.h"
#include "collector/problem.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/bus/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

/* What a client may still send behind an answer that did not wait for it. Closing with bytes
 * unread would reset the connection, and the answer might be lost. */
enum { PASSED_OVER_MAX = 1024 * 1024, RETRY_S = 1 };

static const char problem_type[] = "application/problem+json", json_type[] = "application/json";

static struct buf *spare_take(struct conn *c)
{
    struct edge *e = c->edge;
    if (c->body.cap == 0 && e->n_spares > 0)
        c->body = e->spares[--e->n_spares];
    return &c->body;
}

static void body_forget(struct conn *c)
{
    struct edge *e = c->edge;
    e->body_bytes -= c->body.len;
    buf_reset(&c->body);
    if (c->body.cap == 0 || c->body.cap > EDGE_SPARE_BYTES || e->n_spares == EDGE_SPARES)
        buf_fini(&c->body);
    else
        e->spares[e->n_spares++] = c->body;
    c->body = (struct buf){0};
}

/* What stands in the headers, and how the body's length is told. */
struct heading {
    struct edge_head *head;
    struct str forwarded[EDGE_PROXIES]; /* the last addresses of X-Forwarded-For, as a ring */
    size_t n_forwarded;
    unsigned n_lengths, n_transfers;
    bool is_chunked;
    uint64_t len;
    bool is_len; /* the one length is a number */
};

/* Each proxy adds the address that it was asked from at the end, or a header of its own. */
static void hear_forwarded(struct heading *h, struct str list)
{
    struct str rest;
    for (; list.len > 0; list = rest) {
        struct str one = str_trim(str_cut(list, ',', &rest));
        if (one.len > 0)
            h->forwarded[h->n_forwarded++ % EDGE_PROXIES] = one;
    }
}

/* The network that the request comes from; a proxy's word is taken for as many as there are. */
static struct str sender_of(struct conn *c, const struct heading *h)
{
    size_t n = c->edge->options.proxies;
    if (n > 0 && h->n_forwarded >= n &&
        address_truncate(h->forwarded[(h->n_forwarded - n) % EDGE_PROXIES], c->sender))
        return str_of(c->sender);
    return str_of(c->peer);
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct heading *h = cls;
    struct str text = str_of(value);
    (void)kind;
    if (strcasecmp(key, "content-length") == 0) {
        h->n_lengths++;
        h->is_len = str_u64(text, &h->len);
    } else if (strcasecmp(key, "transfer-encoding") == 0) {
        h->n_transfers++;
        h->is_chunked = strcasecmp(value, "chunked") == 0;
    } else if (strcasecmp(key, "content-type") == 0) {
        h->head->content_type = text;
    } else if (strcasecmp(key, "content-encoding") == 0) {
        h->head->content_encoding = text;
    } else if (strcasecmp(key, "authorization") == 0) {
        h->head->authorization = text;
    } else if (strcasecmp(key, "origin") == 0) {
        h->head->origin = text;
    } else if (strcasecmp(key, "user-agent") == 0) {
        h->head->user_agent = text;
    } else if (strcasecmp(key, "x-forwarded-for") == 0) {
        hear_forwarded(h, text);
    }
    return MHD_YES;
}

/* Puts "name: value" into an answer that is built one way or the other. */
struct header_sink {
    struct MHD_Response *response; /* or */
    struct buf *text;
};

static void put_header(const struct header_sink *s, const char *name, const char *value)
{
    if (s->response)
        CHECK(MHD_add_response_header(s->response, name, value) == MHD_YES);
    else
        buf_printf(s->text, "%s: %s\r\n", name, value);
}

static void put_page_headers(const struct header_sink *s, const struct conn *c)
{
    put_header(s, "Vary", "Origin");
    if (!c->answer.allows_origin)
        return;
    /* from the request, so it ends with a NUL */
    put_header(s, "Access-Control-Allow-Origin", c->head.origin.at);
    put_header(s, "Access-Control-Allow-Credentials", "true");
    if (!c->answer.is_preflight)
        return;
    put_header(s, "Access-Control-Allow-Methods", "POST, OPTIONS");
    put_header(s, "Access-Control-Allow-Headers",
               "authorization, content-type, content-encoding");
    put_header(s, "Access-Control-Max-Age", "86400");
}

static void put_headers(const struct header_sink *s, const struct conn *c)
{
    const struct edge_answer *a = &c->answer;
    char seconds[16];
    if (a->body.len > 0)
        put_header(s, "Content-Type", a->status == 200 ? json_type : problem_type);
    if (c->head.origin.len > 0)
        put_page_headers(s, c);
    if (a->status == 401)
        put_header(s, "WWW-Authenticate", "Basic realm=\"write key\", charset=\"UTF-8\"");
    if (a->status == 405 || a->is_preflight)
        put_header(s, "Allow", "POST, OPTIONS");
    if (a->retry_after_s > 0) {
        (void)snprintf(seconds, sizeof seconds, "%u", a->retry_after_s);
        put_header(s, "Retry-After", seconds);
    }
}

/* Answers at once, though the body is not there, and lets nothing follow: libmicrohttpd itself
 * would answer only before the body or behind it. */
static enum MHD_Result conn_cut(struct conn *c, unsigned status, const char *detail)
{
    struct buf text = {0};
    struct header_sink sink = {.text = &text};
    if (status == 503)
        c->answer.retry_after_s = RETRY_S;
    if (c->state != CONN_REFUSED)
        edge_answer_problem(&c->answer, status, "", detail);
    edge_answered(c);
    buf_printf(&text, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
               c->answer.status, problem_title(c->answer.status), c->answer.body.len);
    put_headers(&sink, c);
    buf_text(&text, "\r\n");
    buf_str(&text, buf_as_str(&c->answer.body));
    /* what came before was answered and sent: the socket has room, or is not worth the wait */
    (void)send(c->fd, text.at, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(c->fd, SHUT_WR);
    buf_fini(&text);
    body_forget(c);
    c->state = CONN_CUT;
    c->edge->n_answered--;
    return MHD_YES;
}

static enum MHD_Result conn_queue(struct conn *c)
{
    struct edge_answer *a = &c->answer;
    struct MHD_Response *r =
        MHD_create_response_from_buffer(a->body.len, a->body.at, MHD_RESPMEM_PERSISTENT);
    CHECK(r != NULL);
    struct header_sink sink = {.response = r};
    put_headers(&sink, c);
    enum MHD_Result result = MHD_queue_response(c->mhd, a->status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result conn_answer(struct conn *c)
{
    c->state = CONN_ANSWERED;
    edge_answered(c);
    return conn_queue(c);
}

static bool is_queue_full(const struct edge *e, uint64_t more)
{
    return e->body_bytes + outbox_bytes(e->aside) + more > e->options.queue_max;
}

/* GA4's senders call it a secret. */
static struct str query_key(const struct conn *c)
{
    const char *key = MHD_lookup_connection_value(c->mhd, MHD_GET_ARGUMENT_KIND, "writeKey");
    if (!key)
        key = MHD_lookup_connection_value(c->mhd, MHD_GET_ARGUMENT_KIND, "api_secret");
    return str_of(key);
}

static enum MHD_Result conn_begin(struct conn *c, const char *url, const char *method)
{
    struct edge *e = c->edge;
    struct heading h = {.head = &c->head};
    c->head = (struct edge_head){.method = str_of(method), .path = str_of(url)};
    c->head.query_key = query_key(c);
    (void)MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, on_header, &h);
    c->head.ip = sender_of(c, &h);
    c->passed_over = 0;
    if (c->n_requests++ > 0)
        conn_list_add(&e->timed, c, clock_mono_us() + e->options.request_us);
    if (h.n_lengths + h.n_transfers > 1)
        return conn_cut(c, 400, "the body's length is told twice");
    if ((h.n_lengths > 0 && !h.is_len) || (h.n_transfers > 0 && !h.is_chunked))
        return conn_cut(c, 400, "the body's length is not told in a way that is known");
    if (e->is_retiring)
        return conn_cut(c, 503, "the server is stopping");
    if (!edge_request_head(e->request, &c->head, &c->answer))
        c->state = CONN_REFUSED;
    else
        c->state = CONN_READING;
    if (h.len > e->options.body_max)
        return conn_cut(c, 413, "the body is larger than the limit");
    if (c->state == CONN_READING && is_queue_full(e, h.len))
        return conn_cut(c, 503, "too many requests wait");
    return MHD_YES;
}

static enum MHD_Result pass_over(struct conn *c, size_t len)
{
    c->passed_over += len;
    if (c->state == CONN_CUT)
        return c->passed_over > PASSED_OVER_MAX ? MHD_NO : MHD_YES;
    return c->passed_over > c->edge->options.body_max ? conn_cut(c, 0, "") : MHD_YES;
}

static enum MHD_Result conn_data(struct conn *c, const char *data, size_t len)
{
    struct edge *e = c->edge;
    if (c->state != CONN_READING)
        return pass_over(c, len);
    if (len > e->options.body_max - c->body.len)
        return conn_cut(c, 413, "the body is larger than the limit");
    if (is_queue_full(e, len))
        return conn_cut(c, 503, "too many requests wait");
    buf_put(spare_take(c), data, len);
    e->body_bytes += len;
    return MHD_YES;
}

/* The request is whole: puts its record aside and waits, or answers at once. */
static enum MHD_Result conn_whole(struct conn *c)
{
    struct edge *e = c->edge;
    int64_t now_us = clock_mono_us();
    struct output o = {.topic = TOPIC_raw, .is_json = true};
    if (e->is_freed) /* there is nobody left to wait for Kafka */
        return MHD_NO;
    if (is_queue_full(e, 0)) { /* by those that became whole since its last byte came */
        body_forget(c);
        edge_answer_problem(&c->answer, 503, "", "too many requests wait");
        c->answer.retry_after_s = RETRY_S;
        return conn_answer(c);
    }
    bool has_record = edge_request_body(e->request, &c->head, buf_as_str(&c->body), now_us,
                                        &c->answer, outbox_begin(e->aside), &o.key);
    body_forget(c);
    if (!has_record)
        return conn_answer(c);
    o.partition = hash_partition(o.key, e->options.raw_partitions);
    c->number = outbox_next(e->aside);
    outbox_end_as(e->aside, &o);
    c->state = CONN_WAITING;
    e->n_waiting++;
    conn_list_add(&e->waiting, c, now_us + e->options.wait_us);
    MHD_suspend_connection(c->mhd);
    return MHD_YES;
}

static struct conn *conn_of(struct MHD_Connection *m)
{
    return MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

enum MHD_Result conn_request(void *cls, struct MHD_Connection *m, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *len, void **request)
{
    struct conn *c = *request;
    (void)cls;
    (void)version;
    if (!c) {
        c = conn_of(m);
        *request = c;
        return conn_begin(c, url, method);
    }
    if (*len > 0) {
        enum MHD_Result result = conn_data(c, data, *len);
        *len = 0;
        return result;
    }
    switch (c->state) {
    case CONN_READING:
        return conn_whole(c);
    case CONN_REFUSED:
        return conn_answer(c);
    case CONN_ANSWERED:
        return conn_queue(c);
    case CONN_IDLE:
    case CONN_CUT:
    case CONN_WAITING:
        break;
    }
    return MHD_NO;
}

void conn_completed(void *cls, struct MHD_Connection *m, void **request,
                    enum MHD_RequestTerminationCode why)
{
    struct conn *c = *request;
    struct edge *e = cls;
    (void)m;
    (void)why;
    if (!c)
        return;
    if (c->state == CONN_ANSWERED)
        e->n_answered--;
    c->state = CONN_IDLE;
    body_forget(c);
    edge_answer_fini(&c->answer);
    conn_list_add(&e->timed, c, clock_mono_us() + e->options.request_us);
}

/* Of the address itself nothing stays. */
static void hear_peer(struct conn *c)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    if (getpeername(c->fd, (struct sockaddr *)&peer, &len) == 0)
        (void)!address_truncate_peer((const struct sockaddr *)&peer, c->peer);
}

static void conn_open(struct edge *e, struct MHD_Connection *m, void **context)
{
    struct conn *c = mem_zero(1, sizeof *c);
    c->edge = e;
    c->mhd = m;
    c->fd = MHD_get_connection_info(m, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    hear_peer(c);
    *context = c;
    counter_set(e->connections, (double)++e->n_conns);
    conn_list_add(&e->timed, c, clock_mono_us() + e->options.request_us);
}

void conn_notify(void *cls, struct MHD_Connection *m, void **context,
                 enum MHD_ConnectionNotificationCode what)
{
    struct edge *e = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_open(e, m, context);
        return;
    }
    struct conn *c = *context;
    CHECK(c->state != CONN_WAITING);
    conn_list_remove(c);
    body_forget(c);
    edge_answer_fini(&c->answer);
    free(c);
    counter_set(e->connections, (double)--e->n_conns);
}
