/* SPDX-License-Identifier: Apache-2.0 */
/* edge_request - what the HTTP edge answers to a request, and the record of raw that it makes
 * of one: no socket, no Kafka, no clock.
 *
 * Events are judged by the collector's own check (judge.h), with the site of their write key.
 * Those that are accepted become one record {"batch":[...],"siteId":...}, with what the
 * request says around its events, each as it was sent, but for a write key in it, which is left
 * out, and for a messageId or type that it lacks, which is put in front. */
#ifndef AUSPEX_EDGE_REQUEST_H
#define AUSPEX_EDGE_REQUEST_H

#include "common/base/buf.h"

struct sites;
struct edge_request;

/* The record must fit into what topics apply lets a message of raw be. */
enum { EDGE_RECORD_MAX = 1000 * 1000 };

struct edge_setup {
    struct sites *sites;                  /* of the caller; must outlive it */
    size_t body_max;                      /* bytes of a body, unpacked */
    void (*random)(void *to, size_t len); /* of which messageIds are made */
};

/* What comes before the body; empty where it is absent. */
struct edge_head {
    struct str method, path, query_key;
    struct str authorization, content_type, content_encoding, origin, user_agent;
    struct str ip; /* the sender's network (address.h) */
};

struct edge_answer {
    unsigned status;
    struct buf body;        /* JSON; problem+json unless the status is 200; may be empty */
    unsigned retry_after_s; /* 0 = not told */
    bool allows_origin;     /* the page that asks may read the answer */
    bool is_preflight;      /* answers what a page asked before it sends */
    uint32_t n_accepted, n_rejected;
};
void edge_answer_fini(struct edge_answer *a);
/* Sets an answer that says what is wrong; texts as in problem.h. */
void edge_answer_problem(struct edge_answer *a, unsigned status, const char *reason,
                         const char *detail);

MUST_USE struct edge_request *edge_request_new(const struct edge_setup *s);
void edge_request_free(struct edge_request *q);

/* True when the body is wanted; else `a`, which is empty before, has the answer. */
MUST_USE bool edge_request_head(struct edge_request *q, const struct edge_head *h,
                                struct edge_answer *a);
/* Takes the whole body, of which edge_request_head wanted to know. True when `value` has a
 * record, which must be stored under `key` before `a` may be given; false when `a` holds at
 * once. The key is valid until the next call. */
MUST_USE bool edge_request_body(struct edge_request *q, const struct edge_head *h,
                                struct str body, int64_t mono_us, struct edge_answer *a,
                                struct buf *value, struct str *key);

#endif
