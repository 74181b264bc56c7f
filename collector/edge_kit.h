/* SPDX-License-Identifier: Apache-2.0 */
/* edge_kit - a whole edge in a loop of its own, for tests: bytes in over a socket, bytes out,
 * and what was put aside for raw. Two sites: 7, which any page may use, and 9, for one page and
 * at ten events a second. */
#ifndef AUSPEX_EDGE_KIT_H
#define AUSPEX_EDGE_KIT_H

#include "collector/edge.h"
#include "collector/sites.h"
#include "common/bus/counters.h"
#include "common/bus/outbox.h"

#include <uv.h>

#define KIT_KEY        "key-of-site-seven-0007"
#define KIT_KEY_NINE   "key-of-site-nine-00009"
#define KIT_KEY_ELEVEN "key-of-site-eleven-011"
#define KIT_ORIGIN     "https://nine.example"

struct edge_kit {
    uv_loop_t loop;
    struct edge *edge;
    struct sites *sites;
    struct outbox *aside;
    struct counters *counters;
    bool is_silent; /* nothing is acknowledged */
    uint64_t n_acked;
};

extern const struct edge_options edge_kit_options;

struct sites *edge_kit_sites(void);
/* NULL: edge_kit_options. */
void edge_kit_open(struct edge_kit *k, const struct edge_options *o);
void edge_kit_close(struct edge_kit *k);
/* The other end of a connection, non-blocking; of the caller. */
int edge_kit_connect(struct edge_kit *k);
/* One turn of the loop; acknowledges what is aside. */
void edge_kit_turn(struct edge_kit *k);
/* Sends as much as goes in, and turns until n answers have come whole (HEAD's without a body),
 * or the edge has closed, or 5 s have passed. Appends what came; gives how many answers. */
size_t edge_kit_talk(struct edge_kit *k, int fd, struct str request, size_t n, bool is_head,
                     struct buf *came);
/* Turns until the edge has closed the connection; false after 5 s. */
bool edge_kit_is_closed(struct edge_kit *k, int fd, struct buf *came);
/* Whole answers that stand in the bytes, and how long they are together. */
size_t edge_kit_answers(struct str came, bool is_head, size_t *len);
/* `text`, n times, as gzip; `out` is reset. */
void edge_kit_pack(struct buf *out, struct str text, size_t n);
/* A counter of schemas/counters.def. */
uint64_t edge_kit_counter(struct edge_kit *k, enum counter_id id, const char *label);

#endif
