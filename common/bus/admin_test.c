/* SPDX-License-Identifier: Apache-2.0 */
/* admin_test - a real loop on one thread, clients with blocking sockets on another. */
#include "common/bus/admin.h"

#include "common/base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static uv_loop_t loop;
static uv_async_t stop;
static struct admin *admin;
static pthread_t loop_thread;
static int ready_status = 200;

static int page_metrics(void *opaque, struct buf *body)
{
    assert_string_equal((const char *)opaque, "opaque");
    buf_text(body, "auspex_ready 1\n");
    return 200;
}

static int page_livez(void *opaque, struct buf *body)
{
    (void)opaque;
    buf_text(body, "alive\n");
    return 200;
}

static int page_readyz(void *opaque, struct buf *body)
{
    (void)opaque;
    buf_text(body, "no partitions\n");
    return ready_status;
}

static char opaque_text[] = "opaque";
static const struct admin_pages pages = {opaque_text, page_metrics, page_livez, page_readyz};

static void on_stop(uv_async_t *a)
{
    admin_close(admin);
    uv_close((uv_handle_t *)a, NULL);
}

static void *loop_run(void *unused)
{
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return unused;
}

static int setup(void **state)
{
    struct err e = {0};
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_async_init(&loop, &stop, on_stop), 0);
    admin = admin_open(&loop, 0, &pages, &e);
    assert_non_null(admin);
    return pthread_create(&loop_thread, NULL, loop_run, NULL);
}

/* The loop ends only when every handle is closed, so a connection left open would hang here. */
static int teardown(void **state)
{
    (void)state;
    assert_int_equal(uv_async_send(&stop), 0);
    assert_int_equal(pthread_join(loop_thread, NULL), 0);
    return uv_loop_close(&loop);
}

static int client_connect(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)admin_port(admin)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {8, 0};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static const char *client_read(int fd)
{
    static char answer[8192];
    size_t len = 0;
    for (ssize_t n; (n = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0;)
        len += (size_t)n;
    answer[len] = '\0';
    assert_int_equal(close(fd), 0);
    return answer;
}

static const char *ask(struct str request)
{
    int fd = client_connect();
    assert_int_equal(send(fd, request.at, request.len, MSG_NOSIGNAL), request.len);
    return client_read(fd);
}

static const struct {
    const char *request, *status, *body;
} asked[] = {
    {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "\r\n\r\nauspex_ready 1\n"},
    {"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\nauspex_ready 1\n"},
    {"GET /livez HTTP/1.1\n\n", "200 OK", "\r\n\r\nalive\n"},
    {"GET /readyz HTTP/1.1\r\n\r\n", "200 OK", "\r\n\r\nno partitions\n"},
    {"HEAD /livez HTTP/1.1\r\n\r\n", "200 OK",
     "Content-Length: 6\r\nConnection: close\r\n\r\n"},
    {"GET / HTTP/1.1\r\n\r\n", "404 Not Found", "\r\n\r\nNot Found\n"},
    {"GET /metricsx HTTP/1.1\r\n\r\n", "404 Not Found", "\r\n\r\nNot Found\n"},
    {"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed",
     "\r\n\r\nMethod Not Allowed\n"},
    {"get /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed", "\r\n\r\nMethod Not Allowed\n"},
    {"GET /metrics\r\n\r\n", "400 Bad Request", "\r\n\r\nBad Request\n"},
    {"\r\n\r\n", "400 Bad Request", "\r\n\r\nBad Request\n"},
    {"GET /livez HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", "200 OK", "\r\n\r\nalive\n"},
};

static void requests_are_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        const char *answer = ask(str_of(asked[i].request));
        char head[64];
        (void)snprintf(head, sizeof head, "HTTP/1.1 %s\r\n", asked[i].status);
        assert_true(str_starts(str_of(answer), str_of(head)));
        if (!str_ends(str_of(answer), str_of(asked[i].body)))
            fail_msg("%s does not end in %s", answer, asked[i].body);
    }
    ready_status = 503;
    const char *answer = ask(STR("GET /readyz HTTP/1.1\r\n\r\n"));
    assert_true(str_starts(str_of(answer), STR("HTTP/1.1 503 Service Unavailable\r\n")));
    ready_status = 200;
}

static void long_requests_are_refused(void **state)
{
    (void)state;
    static char request[16384] = "GET /livez HTTP/1.1\r\nX: ";
    memset(request + strlen(request), 'x', sizeof request - strlen(request));
    const char *answer = ask(str_over(request, sizeof request));
    assert_true(str_starts(str_of(answer), STR("HTTP/1.1 431 ")));
}

static void split_and_vanishing_clients(void **state)
{
    (void)state;
    int gone = client_connect();
    assert_int_equal(send(gone, "GET /li", 7, MSG_NOSIGNAL), 7);
    assert_int_equal(close(gone), 0);
    int fd = client_connect();
    assert_int_equal(send(fd, "GET /li", 7, MSG_NOSIGNAL), 7);
    (void)usleep(20000);
    assert_int_equal(send(fd, "vez HTTP/1.1\r\n\r\n", 16, MSG_NOSIGNAL), 16);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(str_ends(str_of(client_read(fd)), STR("alive\n")));
}

/* 64 that say nothing: the 65th is turned away at once, the others are cut after 5 s, and then
 * there is room again. */
static void silent_clients_are_cut(void **state)
{
    (void)state;
    int fds[64];
    int64_t began_us = clock_mono_us();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = client_connect();
    assert_string_equal(client_read(client_connect()), "");
    assert_true(clock_mono_us() - began_us < 4 * SECOND_US);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        assert_string_equal(client_read(fds[i]), "");
    int64_t took_us = clock_mono_us() - began_us;
    assert_true(took_us > 4 * SECOND_US && took_us < 8 * SECOND_US);
    assert_true(str_ends(str_of(ask(STR("GET /livez HTTP/1.1\r\n\r\n"))), STR("alive\n")));
}

static void taken_port_is_named(void **state)
{
    (void)state;
    struct err e = {0};
    char wanted[96];
    assert_null(admin_open(&loop, admin_port(admin), &pages, &e));
    (void)snprintf(wanted, sizeof wanted, "admin port %u on loopback: Address already in use",
                   admin_port(admin));
    assert_string_equal(e.text, wanted);
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
}

/* Closing with connections open leaves nothing behind: teardown joins the loop. */
static void close_takes_connections_along(void **state)
{
    (void)state;
    (void)client_connect();
    (void)usleep(20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(long_requests_are_refused),
        cmocka_unit_test(split_and_vanishing_clients),
        cmocka_unit_test(silent_clients_are_cut),
        cmocka_unit_test(taken_port_is_named),
        cmocka_unit_test(close_takes_connections_along),
    };
    return cmocka_run_group_tests_name("admin", tests, setup, teardown);
}
