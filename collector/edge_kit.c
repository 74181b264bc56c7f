/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/edge_kit.h"

#include "collector/site.h"
#include "common/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

const struct edge_options edge_kit_options = {
    .connections = 100,
    .body_max = 1u << 16,
    .queue_max = 1u << 20,
    .wait_us = 5 * SECOND_US,
    .request_us = 60 * SECOND_US,
    .raw_partitions = 4,
    .proxies = 2,
};

static void set_site(struct sites *s, const char *id, const char *key, const char *rest)
{
    char hex[SHA256_HEX], json[512];
    struct control c;
    site_key_hash(str_of(key), hex);
    (void)snprintf(json, sizeof json,
                   "{\"site\":%s,\"keys\":[{\"prefix\":\"k\",\"sha256\":\"%s\"}],%s}", id, hex,
                   rest);
    control_init(&c);
    c.what = STR("site");
    c.name = str_of(id);
    c.version = 1;
    c.body = str_of(json);
    CHECK(sites_set(s, &c));
}

struct sites *edge_kit_sites(void)
{
    struct sites *s = sites_new();
    set_site(s, "7", KIT_KEY, "\"origins\":\"*\"");
    set_site(s, "9", KIT_KEY_NINE, "\"origins\":\"" KIT_ORIGIN "\",\"rate\":10");
    set_site(s, "11", KIT_KEY_ELEVEN, "\"known_types_only\":true");
    return s;
}

void edge_kit_open(struct edge_kit *k, const struct edge_options *o)
{
    *k = (struct edge_kit){.sites = edge_kit_sites(),
                           .aside = outbox_new(),
                           .counters = counters_new("collector")};
    CHECK(uv_loop_init(&k->loop) == 0);
    k->edge = edge_new(o ? o : &edge_kit_options, &k->loop, k->sites, k->aside, k->counters);
}

void edge_kit_close(struct edge_kit *k)
{
    edge_free(k->edge);
    CHECK(uv_run(&k->loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&k->loop) == 0);
    sites_free(k->sites);
    outbox_free(k->aside);
    counters_free(k->counters);
}

int edge_kit_connect(struct edge_kit *k)
{
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    CHECK(edge_adopt(k->edge, fds[0]));
    return fds[1];
}

void edge_kit_turn(struct edge_kit *k)
{
    (void)uv_run(&k->loop, UV_RUN_NOWAIT);
    while (!k->is_silent && outbox_first(k->aside) < outbox_next(k->aside)) {
        outbox_ack(k->aside, outbox_first(k->aside));
        k->n_acked++;
    }
    edge_turn(k->edge);
}

/* Bytes of the answer that begins here; 0 while it is not whole. */
static size_t answer_len(struct str came, bool is_head)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *end = came.len > 0 ? memmem(came.at, came.len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return 0;
    size_t len = (size_t)(end - came.at) + 4;
    const char *at = memmem(came.at, len, name, sizeof name - 1);
    uint64_t body = 0;
    if (at && !is_head) {
        at += sizeof name - 1;
        const char *stop = memchr(at, '\r', (size_t)(end + 1 - at));
        CHECK(stop && str_u64(str_over(at, (size_t)(stop - at)), &body));
    }
    return len + body <= came.len ? len + body : 0;
}

size_t edge_kit_answers(struct str came, bool is_head, size_t *len)
{
    size_t n = 0, one;
    *len = 0;
    while ((one = answer_len(str_over(came.at + *len, came.len - *len), is_head)) > 0) {
        *len += one;
        n++;
    }
    return n;
}

/* False when the edge has closed. */
static bool receive(int fd, struct buf *came)
{
    char bytes[4096];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        buf_put(came, bytes, (size_t)n);
    return n < 0 && errno == EAGAIN;
}

size_t edge_kit_talk(struct edge_kit *k, int fd, struct str request, size_t n, bool is_head,
                     struct buf *came)
{
    int64_t until_us = clock_mono_us() + 5 * SECOND_US;
    size_t len, found = 0;
    bool is_open = true;
    while (is_open && found < n && clock_mono_us() < until_us) {
        ssize_t sent = request.len == 0 ? 0 : send(fd, request.at, request.len, MSG_NOSIGNAL);
        if (sent > 0)
            request = str_over(request.at + sent, request.len - (size_t)sent);
        edge_kit_turn(k);
        is_open = receive(fd, came);
        found = edge_kit_answers(buf_as_str(came), is_head, &len);
    }
    return found;
}

bool edge_kit_is_closed(struct edge_kit *k, int fd, struct buf *came)
{
    int64_t until_us = clock_mono_us() + 5 * SECOND_US;
    while (receive(fd, came)) {
        if (clock_mono_us() > until_us)
            return false;
        edge_kit_turn(k);
    }
    return true;
}

uint64_t edge_kit_counter(struct edge_kit *k, enum counter_id id, const char *label)
{
    return (uint64_t)counter_of(k->counters, id, label, NULL)->value;
}

void edge_kit_pack(struct buf *out, struct str text, size_t n)
{
    z_stream z = {0};
    CHECK(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    buf_reset(out);
    for (size_t i = 0; i <= n; i++) {
        z.next_in = (Bytef *)(uintptr_t)text.at;
        z.avail_in = i < n ? (uInt)text.len : 0;
        do {
            enum { STEP = 4096 };
            z.next_out = buf_take(out, STEP);
            z.avail_out = STEP;
            (void)deflate(&z, i < n ? Z_NO_FLUSH : Z_FINISH);
            out->len -= z.avail_out;
        } while (z.avail_out == 0);
    }
    (void)deflateEnd(&z);
}
