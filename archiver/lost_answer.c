/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/lost_answer.h"

#include "common/base/base.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct lost_answer {
    int listener;
    struct sockaddr_in server;
    pthread_t thread;
    _Atomic bool is_armed, is_over;
};

static void server_of(const char *dsn, struct sockaddr_in *to)
{
    PQconninfoOption *options = PQconninfoParse(dsn, NULL);
    CHECK(options != NULL);
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5432)};
    to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (PQconninfoOption *o = options; o->keyword; o++) {
        if (o->val && strcmp(o->keyword, "port") == 0)
            to->sin_port = htons((uint16_t)strtoul(o->val, NULL, 10));
        if (o->val && strcmp(o->keyword, "host") == 0)
            (void)inet_pton(AF_INET, o->val, &to->sin_addr);
    }
    PQconninfoFree(options);
}

static bool pass(int from, int to, char *bytes, size_t size, ssize_t *len)
{
    *len = recv(from, bytes, size, 0);
    for (ssize_t sent = 0; sent < *len;) {
        ssize_t n = send(to, bytes + sent, (size_t)(*len - sent), MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += n;
    }
    return *len > 0;
}

/* libpq sends COMMIT as a message of its own. */
static bool is_commit(const char *bytes, ssize_t len)
{
    return len == 12 && memcmp(bytes,
                               "Q\0\0\0\x0b"
                               "COMMIT",
                               12) == 0;
}

static void serve(struct lost_answer *l, int client, int server)
{
    static char bytes[65536];
    struct pollfd p[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    ssize_t len;
    while (!atomic_load(&l->is_over)) {
        if (poll(p, 2, 50) <= 0)
            continue;
        if (p[1].revents && !pass(server, client, bytes, sizeof bytes, &len))
            return;
        if (!p[0].revents)
            continue;
        if (!pass(client, server, bytes, sizeof bytes, &len))
            return;
        if (atomic_load(&l->is_armed) && is_commit(bytes, len)) {
            (void)recv(server, bytes, sizeof bytes, 0); /* the answer, which stays here */
            atomic_store(&l->is_armed, false);
            return;
        }
    }
}

static void *run(void *arg)
{
    struct lost_answer *l = arg;
    while (!atomic_load(&l->is_over)) {
        struct pollfd p = {l->listener, POLLIN, 0};
        if (poll(&p, 1, 50) <= 0)
            continue;
        int client = accept(l->listener, NULL, NULL);
        int server = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(client >= 0 && server >= 0);
        if (connect(server, (const struct sockaddr *)&l->server, sizeof l->server) == 0)
            serve(l, client, server);
        close(client);
        close(server);
    }
    return NULL;
}

struct lost_answer *lost_answer_new(const char *dsn, char *through, size_t size)
{
    struct lost_answer *l = mem_zero(1, sizeof *l);
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t len = sizeof own;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server_of(dsn, &l->server);
    l->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(l->listener, (const struct sockaddr *)&own, sizeof own) == 0);
    CHECK(listen(l->listener, 4) == 0);
    CHECK(getsockname(l->listener, (struct sockaddr *)&own, &len) == 0);
    (void)snprintf(through, size,
                   "%s host=127.0.0.1 port=%u sslmode=disable gssencmode=disable", dsn,
                   ntohs(own.sin_port));
    CHECK(pthread_create(&l->thread, NULL, run, l) == 0);
    return l;
}

void lost_answer_arm(struct lost_answer *l)
{
    atomic_store(&l->is_armed, true);
}

void lost_answer_free(struct lost_answer *l)
{
    atomic_store(&l->is_over, true);
    (void)pthread_join(l->thread, NULL);
    close(l->listener);
    free(l);
}
