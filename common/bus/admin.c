/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/admin.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 4096, CONNECTIONS = 64, CUT_MS = 5000 };

/* One connection: READING until the request is whole, then ANSWERING until the bytes are out,
 * then LEAVING until the client has closed too, since closing with bytes unread would reset the
 * connection and could lose the answer. Its timer cuts it in any state. */
enum conn_state { READING, ANSWERING, LEAVING };

struct conn {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct admin *admin;
    struct conn *next, **link; /* in admin's list */
    enum conn_state state;
    bool is_closing, has_ended; /* has_ended: the client closed its half */
    int handles;                /* not yet closed */
    size_t len;
    char request[REQUEST_MAX];
    struct buf answer;
};

struct admin {
    uv_tcp_t listener;
    struct admin_pages pages;
    struct conn *conns;
    size_t n_conns;
    unsigned port;
    bool is_closed; /* the listener's handle is */
};

static void admin_unuse(struct admin *a)
{
    if (a->is_closed && a->n_conns == 0)
        free(a);
}

static void on_conn_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    if (--c->handles > 0)
        return;
    struct admin *a = c->admin;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    a->n_conns--;
    buf_fini(&c->answer);
    free(c);
    admin_unuse(a);
}

static void conn_close(struct conn *c)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
    uv_close((uv_handle_t *)&c->timer, on_conn_closed);
}

static void on_timer(uv_timer_t *t)
{
    conn_close(t->data);
}

static void on_shutdown(uv_shutdown_t *r, int status)
{
    struct conn *c = r->data;
    c->state = LEAVING;
    if (status < 0 || c->has_ended)
        conn_close(c);
}

static void on_written(uv_write_t *w, int status)
{
    struct conn *c = w->data;
    if (status < 0 || c->is_closing ||
        uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown))
        conn_close(c);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Service Unavailable";
    }
}

static void conn_answer(struct conn *c, int status, struct str body, bool is_head)
{
    struct buf *b = &c->answer;
    buf_printf(b, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    buf_text(b, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    if (status == 405)
        buf_text(b, "Allow: GET, HEAD\r\n");
    buf_printf(b, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
    if (!is_head)
        buf_str(b, body);
    c->state = ANSWERING;
    uv_buf_t out = uv_buf_init((char *)b->at, (unsigned)b->len);
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &out, 1, on_written))
        conn_close(c);
}

static void conn_answer_text(struct conn *c, int status)
{
    struct buf body = {0};
    buf_printf(&body, "%s\n", reason_of(status));
    conn_answer(c, status, buf_as_str(&body), false);
    buf_fini(&body);
}

static void conn_answer_page(struct conn *c, struct str path, bool is_head)
{
    const struct admin_pages *p = &c->admin->pages;
    int (*page)(void *opaque, struct buf *body) = NULL;
    if (str_is(path, "/metrics"))
        page = p->metrics;
    else if (str_is(path, "/livez"))
        page = p->livez;
    else if (str_is(path, "/readyz"))
        page = p->readyz;
    if (!page) {
        conn_answer_text(c, 404);
        return;
    }
    struct buf body = {0};
    int status = page(p->opaque, &body);
    conn_answer(c, status, buf_as_str(&body), is_head);
    buf_fini(&body);
}

/* `line` is the first of the request: METHOD TARGET HTTP/1.x */
static void conn_dispatch(struct conn *c, struct str line)
{
    struct str rest, version, query;
    struct str method = str_cut(str_trim(line), ' ', &rest);
    struct str target = str_cut(rest, ' ', &version);
    struct str path = str_cut(target, '?', &query);
    bool is_head = str_is(method, "HEAD");
    if (!str_starts(version, STR("HTTP/1.")) || !str_starts(path, STR("/")))
        conn_answer_text(c, 400);
    else if (!is_head && !str_is(method, "GET"))
        conn_answer_text(c, 405);
    else
        conn_answer_page(c, path, is_head);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
    struct conn *c = h->data;
    static char nowhere[512]; /* what comes behind the request is read and forgotten */
    (void)suggested;
    *b = c->state == READING
             ? uv_buf_init(c->request + c->len, (unsigned)(REQUEST_MAX - c->len))
             : uv_buf_init(nowhere, sizeof nowhere);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = s->data;
    (void)b;
    if (n < 0) {
        c->has_ended = true;
        if (c->state != ANSWERING || n != UV_EOF)
            conn_close(c);
        return;
    }
    if (c->state != READING)
        return;
    c->len += (size_t)n;
    struct str rest, all = str_over(c->request, c->len);
    if (memmem(all.at, all.len, "\r\n\r\n", 4) || memmem(all.at, all.len, "\n\n", 2))
        conn_dispatch(c, str_cut(all, '\n', &rest));
    else if (c->len == REQUEST_MAX)
        conn_answer_text(c, 431);
}

static void conn_init(struct conn *c, struct admin *a)
{
    c->admin = a;
    c->handles = 2;
    (void)uv_tcp_init(a->listener.loop, &c->tcp);
    (void)uv_timer_init(a->listener.loop, &c->timer);
    c->tcp.data = c->timer.data = c->write.data = c->shutdown.data = c;
    c->next = a->conns;
    c->link = &a->conns;
    if (c->next)
        c->next->link = &c->next;
    a->conns = c;
    a->n_conns++;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct admin *a = listener->data;
    if (status < 0)
        return;
    struct conn *c = mem_zero(1, sizeof *c);
    bool is_full = a->n_conns >= CONNECTIONS;
    conn_init(c, a);
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) || is_full ||
        uv_timer_start(&c->timer, on_timer, CUT_MS, 0) ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
        conn_close(c);
}

/* A listening socket on loopback, or -1 with errno. */
static int socket_listen(unsigned port, unsigned *bound)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, CONNECTIONS) == 0 &&
        getsockname(fd, (struct sockaddr *)&at, &len) == 0) {
        *bound = ntohs(at.sin_port);
        return fd;
    }
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static void on_listener_closed(uv_handle_t *h)
{
    struct admin *a = h->data;
    a->is_closed = true;
    admin_unuse(a);
}

struct admin *admin_open(uv_loop_t *loop, unsigned port, const struct admin_pages *pages,
                         struct err *e)
{
    unsigned bound = 0;
    int fd = socket_listen(port, &bound);
    if (fd < 0) {
        (void)err_set(e, errno, "admin port %u on loopback", port);
        e->code = EXIT_CODE_CONFIG;
        return NULL;
    }
    /* a client that goes away must not end the program */
    (void)signal(SIGPIPE, SIG_IGN);
    struct admin *a = mem_zero(1, sizeof *a);
    a->pages = *pages;
    a->port = bound;
    CHECK(uv_tcp_init(loop, &a->listener) == 0);
    a->listener.data = a;
    CHECK(uv_tcp_open(&a->listener, fd) == 0);
    CHECK(uv_listen((uv_stream_t *)&a->listener, CONNECTIONS, on_connection) == 0);
    return a;
}

unsigned admin_port(const struct admin *a)
{
    return a->port;
}

void admin_close(struct admin *a)
{
    if (!a)
        return;
    for (struct conn *c = a->conns; c; c = c->next)
        conn_close(c);
    uv_close((uv_handle_t *)&a->listener, on_listener_closed);
}
