/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/edge.h"

#include "collector/edge_parts.h"
#include "collector/sites.h"
#include "common/base/clock.h"
#include "common/bus/log.h"
#include "common/bus/outbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* POOL: what libmicrohttpd takes for a connection: its headers and what is read at a time. */
enum { POOL = 16 * 1024, TICK_MS = 100, ACCEPTS = 64, BACKLOG = 511, ROUNDS = 16 };

static const unsigned statuses[EDGE_STATUSES] = {200, 204, 400, 401, 403, 404,
                                                 405, 413, 415, 429, 503};

void conn_list_remove(struct conn *c)
{
    struct conn_list *l = c->list;
    if (!l)
        return;
    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    c->list = NULL;
    c->prev = c->next = NULL;
}

void conn_list_add(struct conn_list *l, struct conn *c, int64_t due_us)
{
    conn_list_remove(c);
    c->due_us = due_us;
    c->list = l;
    c->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
}

static void random_bytes(void *to, size_t len)
{
    CHECK(len <= 4096 && getrandom(to, len, 0) == (ssize_t)len);
}

void edge_answered(struct conn *c)
{
    struct edge *e = c->edge;
    for (size_t i = 0; i < EDGE_STATUSES; i++)
        if (statuses[i] == c->answer.status)
            counter_add(e->requests[i], 1);
    if (c->answer.status == 200)
        counter_add(e->accepted, c->answer.n_accepted);
    else if (c->answer.n_rejected == 0 && c->answer.status >= 400)
        counter_add(e->refused, MAX(c->answer.n_accepted, 1u));
    counter_add(e->rejected, c->answer.n_rejected);
    e->n_answered++;
    conn_list_add(&e->timed, c, clock_mono_us() + e->options.request_us);
}

static void on_again(uv_timer_t *t);

/* Lets libmicrohttpd do what there is to do. It looks at its descriptors when epoll says so;
 * what it has read already it tells by a time-out of 0. */
static void run(struct edge *e)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(MHD_run(e->mhd) == MHD_YES);
        if (MHD_get_timeout(e->mhd, &timeout_ms) != MHD_YES || timeout_ms > 0)
            return;
    }
    CHECK(uv_timer_start(&e->again, on_again, 0, 0) == 0);
}

static void on_again(uv_timer_t *t)
{
    run(CONTAINER_OF(t, struct edge, again));
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    run(CONTAINER_OF(p, struct edge, poll));
}

/* Accepting goes on when there is room, and descriptors. */
static void listen_or_not(struct edge *e);

static void on_accept(uv_poll_t *p, int status, int events)
{
    struct edge *e = CONTAINER_OF(p, struct edge, accepts);
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS && e->n_conns < e->options.connections; i++) {
        int fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (!edge_adopt(e, fd))
                log_warn("a connection was not taken", "reason=\"%s\"", strerror(errno));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("no connection can be taken", "reason=\"%s\"", strerror(errno));
            e->pause_until_us = clock_mono_us() + SECOND_US / 10;
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    listen_or_not(e);
}

static void listen_or_not(struct edge *e)
{
    bool may = e->listener >= 0 && e->n_conns < e->options.connections &&
               clock_mono_us() >= e->pause_until_us;
    if (may == e->is_listening)
        return;
    e->is_listening = may;
    if (may)
        CHECK(uv_poll_start(&e->accepts, UV_READABLE, on_accept) == 0);
    else
        (void)uv_poll_stop(&e->accepts);
}

/* What is late is cut off: libmicrohttpd then finds the connection closed. */
static void cut_late(struct edge *e)
{
    int64_t now_us = clock_mono_us();
    for (struct conn *c; (c = e->timed.first) != NULL && c->due_us <= now_us;) {
        if (c->state != CONN_IDLE || c->n_requests == 0)
            counter_add(e->cut, 1);
        conn_list_remove(c);
        (void)shutdown(c->fd, SHUT_RDWR);
    }
}

static void on_tick(uv_timer_t *t)
{
    struct edge *e = CONTAINER_OF(t, struct edge, tick);
    cut_late(e);
    listen_or_not(e);
    edge_turn(e);
}

static void counters_find(struct edge *e, struct counters *all)
{
    for (size_t i = 0; i < EDGE_STATUSES; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%u", statuses[i]);
        e->requests[i] = counter_of(all, COUNTER_collector_edge_requests_total, text, NULL);
    }
    enum counter_id events = COUNTER_collector_edge_events_total;
    e->accepted = counter_of(all, events, "accepted", NULL);
    e->rejected = counter_of(all, events, "rejected", NULL);
    e->refused = counter_of(all, events, "refused", NULL);
    e->connections = counter_of(all, COUNTER_collector_edge_connections, NULL, NULL);
    e->waits = counter_of(all, COUNTER_collector_edge_waiting, NULL, NULL);
    e->cut = counter_of(all, COUNTER_collector_edge_cut_total, NULL, NULL);
}

static void mhd_start(struct edge *e)
{
    unsigned most = (unsigned)MIN(e->options.connections + 1, (size_t)INT32_MAX);
    e->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
        conn_request, e, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
        MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_NOTIFY_COMPLETED, conn_completed, e, MHD_OPTION_NOTIFY_CONNECTION,
        conn_notify, e, MHD_OPTION_END);
    CHECK(e->mhd != NULL);
}

struct edge *edge_new(const struct edge_options *o, uv_loop_t *loop, struct sites *sites,
                      struct outbox *aside, struct counters *counters)
{
    struct edge *e = mem_zero(1, sizeof *e);
    struct edge_setup setup = {.sites = sites, .body_max = o->body_max, .random = random_bytes};
    e->options = *o;
    e->loop = loop;
    e->sites = sites;
    e->aside = aside;
    e->listener = -1;
    e->request = edge_request_new(&setup);
    counters_find(e, counters);
    mhd_start(e);
    int fd = MHD_get_daemon_info(e->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    CHECK(uv_poll_init(loop, &e->poll, fd) == 0);
    CHECK(uv_poll_start(&e->poll, UV_READABLE, on_poll) == 0);
    CHECK(uv_timer_init(loop, &e->tick) == 0);
    CHECK(uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS) == 0);
    CHECK(uv_timer_init(loop, &e->again) == 0);
    e->n_handles = 3;
    return e;
}

/* Lets it be answered as its answer is. */
static void resume(struct conn *c)
{
    struct edge *e = c->edge;
    conn_list_remove(c);
    e->n_waiting--;
    c->state = CONN_ANSWERED;
    edge_answered(c);
    MHD_resume_connection(c->mhd);
}

static void resume_unstored(struct conn *c)
{
    edge_answer_problem(&c->answer, 503, "", "Kafka has not stored it in time");
    c->answer.retry_after_s = 1;
    resume(c);
}

void edge_turn(struct edge *e)
{
    uint64_t stored = outbox_first(e->aside);
    bool has_resumed = false;
    int64_t now_us = e->waiting.first ? clock_mono_us() : 0;
    for (struct conn *c; (c = e->waiting.first) != NULL; has_resumed = true) {
        if (c->number < stored)
            resume(c);
        else if (c->due_us <= now_us)
            resume_unstored(c);
        else
            break;
    }
    if (has_resumed) /* libmicrohttpd sees to them only when it is run */
        run(e);
    counter_set(e->waits, (double)e->n_waiting);
}

bool edge_adopt(struct edge *e, int fd)
{
    struct sockaddr_storage nobody = {0}; /* libmicrohttpd need not keep addresses */
    int family = AF_INET, on = 1;
    socklen_t len = sizeof family;
    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    nobody.ss_family = (sa_family_t)family;
    return MHD_add_connection(e->mhd, fd, (struct sockaddr *)&nobody, sizeof nobody) == MHD_YES;
}

struct address {
    struct sockaddr_storage to;
    socklen_t len;
};

static bool address_read(const char *text, struct address *a)
{
    char host[64];
    uint64_t port;
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool is_v6 = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a->to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->to;
    if (len == 0 || len >= sizeof host || !str_u64(str_of(colon + 1), &port) || port > 65535)
        return false;
    size_t brackets = is_v6 ? 1 : 0, host_len = len - brackets - brackets;
    memcpy(host, text + brackets, host_len);
    host[host_len] = '\0';
    *a = (struct address){.len = is_v6 ? sizeof *v6 : sizeof *v4};
    a->to.ss_family = is_v6 ? AF_INET6 : AF_INET;
    *(is_v6 ? &v6->sin6_port : &v4->sin_port) = htons((uint16_t)port);
    return is_v6 ? inet_pton(AF_INET6, host, &v6->sin6_addr) == 1
                 : inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

static bool socket_is_bound(int fd, struct address *a)
{
    int on = 1, off = 0;
    struct sockaddr *at = (struct sockaddr *)&a->to;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (a->to.ss_family != AF_INET6 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
           bind(fd, at, a->len) == 0 && listen(fd, BACKLOG) == 0 &&
           getsockname(fd, at, &a->len) == 0;
}

/* A listening socket, or -1 with errno. */
static int socket_listen(struct address *a)
{
    int fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || socket_is_bound(fd, a))
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

bool edge_listen(struct edge *e, const char *address, struct err *err)
{
    struct address a;
    if (!address_read(address, &a))
        return err_code(err, EXIT_CODE_CONFIG,
                        "collector.edge = %s: neither ADDRESS:PORT nor [ADDRESS]:PORT",
                        address);
    e->listener = socket_listen(&a);
    if (e->listener < 0) {
        (void)err_set(err, errno, "collector.edge = %s", address);
        err->code = EXIT_CODE_CONFIG;
        return false;
    }
    CHECK(uv_poll_init(e->loop, &e->accepts, e->listener) == 0);
    e->n_handles++;
    listen_or_not(e);
    /* the port stands at the same place in both kinds */
    e->port = ntohs(((struct sockaddr_in *)&a.to)->sin_port);
    log_info("edge is open", "port=%u", e->port);
    return true;
}

unsigned edge_port(const struct edge *e)
{
    return e->port;
}

static void on_closed(uv_handle_t *h)
{
    struct edge *e = h->data;
    if (--e->n_handles == 0)
        free(e);
}

static void handle_close(struct edge *e, uv_handle_t *h)
{
    h->data = e;
    uv_close(h, on_closed);
}

static void listener_close(struct edge *e)
{
    if (e->listener < 0)
        return;
    handle_close(e, (uv_handle_t *)&e->accepts);
    (void)close(e->listener);
    e->listener = -1;
    e->is_listening = false;
}

bool edge_retire(struct edge *e)
{
    e->is_retiring = true;
    listener_close(e);
    return e->n_waiting == 0 && e->n_answered == 0;
}

void edge_free(struct edge *e)
{
    if (!e)
        return;
    e->is_retiring = e->is_freed = true;
    listener_close(e);
    while (e->waiting.first)
        resume_unstored(e->waiting.first);
    handle_close(e, (uv_handle_t *)&e->poll);
    handle_close(e, (uv_handle_t *)&e->tick);
    handle_close(e, (uv_handle_t *)&e->again);
    (void)MHD_run(e->mhd);
    MHD_stop_daemon(e->mhd);
    edge_request_free(e->request);
    for (size_t i = 0; i < e->n_spares; i++)
        buf_fini(&e->spares[i]);
}

size_t edge_waiting(const struct edge *e)
{
    return e->n_waiting;
}

size_t edge_connections(const struct edge *e)
{
    return e->n_conns;
}
