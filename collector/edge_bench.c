/* SPDX-License-Identifier: Apache-2.0 */
/* The edge over loopback: 32 connections that are kept, one event of 480 bytes a request, or
 * 20; acknowledged in the loop. Given is the CPU of the serving thread, kernel included: median
 * and best of 7 turns. The client is a thread of its own. */
#include "collector/edge_kit.h"
#include "collector/sample.h"
#include "common/base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 32, TURNS = 7, ANSWER_MAX = 8192 };

struct client {
    struct pollfd at[CONNECTIONS];
    size_t n_came[CONNECTIONS];
    char came[CONNECTIONS][ANSWER_MAX];
    struct str request;
    size_t n, n_sent, n_answered;
    uv_async_t wake;
    atomic_bool is_done;
};

static void client_send(struct client *c, size_t i)
{
    if (c->n_sent == c->n)
        return;
    CHECK(send(c->at[i].fd, c->request.at, c->request.len, 0) == (ssize_t)c->request.len);
    c->n_sent++;
    c->n_came[i] = 0;
}

static void client_receive(struct client *c, size_t i)
{
    size_t len;
    ssize_t n = recv(c->at[i].fd, c->came[i] + c->n_came[i], ANSWER_MAX - c->n_came[i], 0);
    CHECK(n > 0);
    c->n_came[i] += (size_t)n;
    struct str came = str_over(c->came[i], c->n_came[i]);
    if (edge_kit_answers(came, false, &len) == 0)
        return;
    CHECK(str_starts(came, STR("HTTP/1.1 200 ")) && len == came.len);
    c->n_answered++;
    client_send(c, i);
}

static void *client_run(void *arg)
{
    struct client *c = arg;
    for (size_t i = 0; i < CONNECTIONS; i++)
        client_send(c, i);
    while (c->n_answered < c->n) {
        CHECK(poll(c->at, CONNECTIONS, -1) > 0);
        for (size_t i = 0; i < CONNECTIONS; i++)
            if (c->at[i].revents)
                client_receive(c, i);
    }
    atomic_store(&c->is_done, true);
    CHECK(uv_async_send(&c->wake) == 0);
    return NULL;
}

static double cpu_s(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void acknowledge(struct outbox *o)
{
    while (outbox_first(o) < outbox_next(o))
        outbox_ack(o, outbox_first(o));
}

/* Seconds of CPU for n requests. */
static double turn(struct edge_kit *k, struct client *c, struct str request, size_t n)
{
    pthread_t thread;
    c->request = request;
    c->n = n;
    c->n_sent = c->n_answered = 0;
    atomic_store(&c->is_done, false);
    CHECK(pthread_create(&thread, NULL, client_run, c) == 0);
    double from = cpu_s();
    while (!atomic_load(&c->is_done)) {
        (void)uv_run(&k->loop, UV_RUN_ONCE);
        acknowledge(k->aside);
        edge_turn(k->edge);
    }
    double used = cpu_s() - from;
    CHECK(pthread_join(thread, NULL) == 0);
    return used;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct edge_kit *k, struct client *c, unsigned n_events, size_t n)
{
    struct buf body = {0}, request = {0};
    double used[TURNS];
    for (unsigned i = 0; i < n_events; i++)
        buf_printf(&body, "%s%s", i ? "," : n_events > 1 ? "{\"batch\":[" : "", SAMPLE_EVENT);
    if (n_events > 1)
        buf_text(&body, "]}");
    buf_printf(&request,
               "POST /v1/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Authorization: Bearer " KIT_KEY "\r\nContent-Length: %zu\r\n\r\n",
               n_events > 1 ? "batch" : "track", body.len);
    buf_str(&request, buf_as_str(&body));
    for (int i = -1; i < TURNS; i++) {
        double s = turn(k, c, buf_as_str(&request), n);
        if (i >= 0)
            used[i] = s / (double)n;
    }
    qsort(used, TURNS, sizeof *used, by_value);
    double median = used[TURNS / 2];
    printf("edge, %u event%s a request: %.0f requests/s, %.0f events/s, %.2f us CPU a request "
           "(best %.2f)\n",
           n_events, n_events > 1 ? "s" : "", 1 / median, n_events / median, median * 1e6,
           used[0] * 1e6);
    buf_fini(&body);
    buf_fini(&request);
}

static int connect_to(unsigned port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return fd;
}

static void on_wake(uv_async_t *wake)
{
    (void)wake; /* ends the wait in uv_run */
}

int main(void)
{
    struct edge_kit k;
    struct err e = {0};
    struct client *c = mem_zero(1, sizeof *c);
    edge_kit_open(&k, NULL);
    CHECK(uv_async_init(&k.loop, &c->wake, on_wake) == 0);
    CHECK(edge_listen(k.edge, "127.0.0.1:0", &e));
    for (size_t i = 0; i < CONNECTIONS; i++)
        c->at[i] = (struct pollfd){.fd = connect_to(edge_port(k.edge)), .events = POLLIN};
    measure(&k, c, 1, 20000);
    measure(&k, c, 20, 4000);
    for (size_t i = 0; i < CONNECTIONS; i++)
        (void)close(c->at[i].fd);
    uv_close((uv_handle_t *)&c->wake, NULL);
    edge_kit_close(&k);
    free(c);
    return 0;
}
