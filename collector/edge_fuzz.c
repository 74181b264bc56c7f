/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a client sends over a connection, with acknowledgements given at once: the
 * edge stays whole, what it appends to raw the collector accepts, and nothing is left behind.
 */
#include "collector/collector_kit.h"
#include "collector/edge_kit.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* The records that were put aside, as the collector takes them. */
static void check_records(struct edge_kit *k, struct kit *collector)
{
    union record_any r;
    uint64_t rec;
    for (uint64_t i = outbox_first(k->aside); i < outbox_next(k->aside); i++) {
        const struct output *o = outbox_at(k->aside, i);
        size_t n = 0;
        CHECK(o->topic == TOPIC_raw && o->key.len > 0);
        kit_send(collector, TOPIC_raw, o->value, "application/json");
        for (; kit_next(collector, &r, &rec); n++)
            CHECK(rec == REC_event && (r.event.site_id == 7 || r.event.site_id == 9));
        CHECK(n > 0);
    }
}

static void drain(int fd)
{
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    enum { TURNS = 2000 };
    static struct edge_kit k;
    static struct kit collector;
    if (!k.edge) {
        edge_kit_open(&k, NULL);
        kit_open(&collector);
    }
    int fd = edge_kit_connect(&k);
    for (size_t sent = 0, i = 0; sent < len && i < TURNS; i++) {
        ssize_t n = send(fd, at + sent, len - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        k.is_silent = true;
        edge_kit_turn(&k);
        check_records(&k, &collector);
        k.is_silent = false;
        edge_kit_turn(&k);
        drain(fd);
        if (n < 0)
            break; /* the edge has closed */
    }
    (void)close(fd);
    for (int i = 0; i < TURNS && edge_connections(k.edge) > 0; i++) {
        k.is_silent = true;
        edge_kit_turn(&k);
        check_records(&k, &collector);
        k.is_silent = false;
        edge_kit_turn(&k);
    }
    CHECK(edge_connections(k.edge) == 0 && edge_waiting(k.edge) == 0);
    return 0;
}
