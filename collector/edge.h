/* SPDX-License-Identifier: Apache-2.0 */
/* edge - the HTTP server where events are taken: libmicrohttpd in the program's own loop,
 * without threads. What a request is answered is edge_request's; here are connections, limits
 * and waits.
 *
 * A request whose events are put aside is answered only when they are stored, so 2xx means
 * kept. Memory is bounded: a few KiB a connection (20 while a batch of 250 waits), and the
 * queue's limit for all bodies and for what Kafka has not taken yet. */
#ifndef AUSPEX_EDGE_H
#define AUSPEX_EDGE_H

#include "common/base/err.h"

struct counters;
struct edge;
struct outbox;
struct sites;
struct uv_loop_s;

struct edge_options {
    size_t connections;
    size_t body_max, queue_max; /* bytes */
    int64_t wait_us;            /* for Kafka */
    int64_t request_us;         /* from one answer to the next whole request */
    uint32_t raw_partitions;
    unsigned
        proxies; /* in front, each of which adds to X-Forwarded-For; at most EDGE_PROXIES */
};
enum { EDGE_PROXIES = 16 };

/* What it needs must outlive it. */
MUST_USE struct edge *edge_new(const struct edge_options *o, struct uv_loop_s *loop,
                               struct sites *sites, struct outbox *aside,
                               struct counters *counters);
/* Ends all connections. The loop must run once more, for what is left of it to go. */
void edge_free(struct edge *e);

/* "127.0.0.1:19400", "[::]:80"; port 0 = any free. Fails with EXIT_CODE_CONFIG. */
MUST_USE bool edge_listen(struct edge *e, const char *address, struct err *err);
unsigned edge_port(const struct edge *e); /* that it listens at */
/* Serves a connected socket, which it closes. */
MUST_USE bool edge_adopt(struct edge *e, int fd);

/* In each turn of the loop: answers what is stored, or waits for too long. */
void edge_turn(struct edge *e);
/* Takes nothing new; true when nobody is owed an answer. */
bool edge_retire(struct edge *e);
/* Requests that wait for Kafka, and open connections. */
size_t edge_waiting(const struct edge *e);
size_t edge_connections(const struct edge *e);

#endif
