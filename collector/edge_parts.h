/* SPDX-License-Identifier: Apache-2.0 */
/* edge_parts - what struct edge holds, for the files that make it up: edge.c has the loop, the
 * listener and the waits, edge_conn.c what libmicrohttpd asks about a connection. */
#ifndef AUSPEX_EDGE_PARTS_H
#define AUSPEX_EDGE_PARTS_H

#include "collector/address.h"
#include "collector/edge.h"
#include "collector/edge_request.h"
#include "common/bus/counters.h"

#include <microhttpd.h>
#include <uv.h>

/* Spare bodies are kept for the next requests, and only those that are small. */
enum { EDGE_SPARES = 64, EDGE_SPARE_BYTES = 64 * 1024, EDGE_STATUSES = 11 };

enum conn_state {
    CONN_IDLE,    /* between two requests */
    CONN_READING, /* the body comes */
    CONN_REFUSED, /* the answer is known; the body is passed over, then it is given */
    CONN_CUT,     /* the answer was sent; what still comes is passed over */
    CONN_WAITING, /* for Kafka; suspended */
    CONN_ANSWERED /* the answer is there, to be given or being sent */
};

struct conn_list;
struct conn {
    struct edge *edge;
    struct MHD_Connection *mhd;
    int fd;
    enum conn_state state;
    struct conn *prev, *next;
    struct conn_list *list; /* the one it is on, or NULL */
    int64_t due_us;
    uint64_t n_requests;
    char peer[ADDRESS_TEXT], sender[ADDRESS_TEXT]; /* networks; "" = not told */
    struct edge_head head; /* slices are libmicrohttpd's, as long as the request */
    struct buf body;
    size_t passed_over;
    uint64_t number; /* of its record in `aside` */
    struct edge_answer answer;
};

/* In the order in which they are due. */
struct conn_list {
    struct conn *first, *last;
};

struct edge {
    struct edge_options options;
    struct edge_request *request;
    struct sites *sites;
    struct outbox *aside;
    struct MHD_Daemon *mhd;
    struct conn_list timed; /* cut off when due */
    struct conn_list waiting;
    size_t n_conns, n_waiting, n_answered;
    size_t body_bytes; /* of all bodies there are */
    struct buf spares[EDGE_SPARES];
    size_t n_spares;
    bool is_retiring, is_freed;
    int listener; /* -1 = none */
    unsigned port;
    bool is_listening;
    int64_t pause_until_us; /* no descriptors: nothing is accepted until then */
    int n_handles;          /* not yet closed */
    uv_loop_t *loop;
    uv_poll_t poll, accepts;
    uv_timer_t tick, again;
    struct counter *requests[EDGE_STATUSES], *accepted, *rejected, *refused;
    struct counter *connections, *waits, *cut;
};

void conn_list_add(struct conn_list *l, struct conn *c, int64_t due_us);
void conn_list_remove(struct conn *c);

/* The connection has an answer: counts it, and lets it be cut if it is not taken. */
void edge_answered(struct conn *c);

/* Callbacks of libmicrohttpd; cls is the struct edge. */
enum MHD_Result conn_request(void *cls, struct MHD_Connection *m, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *len, void **request);
void conn_completed(void *cls, struct MHD_Connection *m, void **request,
                    enum MHD_RequestTerminationCode why);
void conn_notify(void *cls, struct MHD_Connection *m, void **context,
                 enum MHD_ConnectionNotificationCode what);

#endif
