/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/edge.h"

#include "common/base/rng.h"
#include "test/shop/answer.h"
#include "test/shop/queue.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 2000,
    ANSWER_MS = 5000,
    URL_SIZE = 512,
    PATH_SIZE = 16,
    REPLY_MAX = 64 * 1024
};

/* A connection, and the request that it has until that is settled. */
struct lane {
    CURL *easy;
    struct edge *edge;
    struct customer *who; /* NULL: it has none */
    struct parcel *list;
    struct buf body, reply;
    unsigned tries;   /* that failed */
    bool is_flying;   /* curl has it */
    int64_t again_us; /* when it is to be sent again, by clock_mono_us */
};

struct edge {
    struct ledger *ledger;
    struct queue *queue;
    const char *url; /* of the caller */
    size_t n_out;    /* parcels of lanes */
    unsigned batch, n_lanes;
    CURLM *multi;
    struct curl_slist *headers;
    struct rng r;
    struct lane lanes[];
};

static size_t take_reply(char *at, size_t one, size_t n, void *to)
{
    struct lane *lane = to;
    size_t room = REPLY_MAX - lane->reply.len;
    buf_put(&lane->reply, at, MIN(one * n, room));
    return one * n;
}

static bool write_key_into(CURL *easy, const struct edge_options *o)
{
    return curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERNAME, o->write_key) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PASSWORD, "") == CURLE_OK;
}

static bool lane_aim(struct lane *lane, const char *url, struct str path)
{
    char text[URL_SIZE];
    (void)snprintf(text, sizeof(text), "%s/v1/%.*s", url, STR_ARGS(path));
    return curl_easy_setopt(lane->easy, CURLOPT_URL, text) == CURLE_OK;
}

static bool lane_open(struct lane *lane, struct edge *d, const struct edge_options *o,
                      struct err *e)
{
    CURL *easy = lane->easy = curl_easy_init();
    CHECK(easy);
    lane->edge = d;
    bool good =
        strlen(o->url) + PATH_SIZE < URL_SIZE && lane_aim(lane, o->url, STR("batch")) &&
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, d->headers) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, lane) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PRIVATE, lane) == CURLE_OK && write_key_into(easy, o);
    return good || err_code(e, EXIT_CODE_USAGE, "--edge %s: not to be used", o->url);
}

/* --- requests --- */

static void fill_body(struct lane *lane, bool is_batch)
{
    buf_reset(&lane->body);
    if (is_batch)
        buf_text(&lane->body, "{\"batch\":[");
    for (const struct parcel *p = lane->list; p; p = p->next) {
        buf_put(&lane->body, p->body, p->len);
        if (p->next)
            buf_byte(&lane->body, ',');
    }
    if (is_batch)
        buf_text(&lane->body, "]}");
}

/* Where an event goes alone: the path is its type. */
static struct str path_of(struct str event)
{
    static const char mark[] = "\"type\":\"";
    const char *at = memmem(event.at, event.len, mark, sizeof mark - 1);
    struct str rest;
    CHECK(at != NULL); /* the shop's events all have one */
    at += sizeof mark - 1;
    struct str type = str_cut(str_over(at, (size_t)(event.at + event.len - at)), '"', &rest);
    CHECK(type.len < PATH_SIZE - sizeof "/v1/");
    return type;
}

static void lane_send(struct lane *lane)
{
    struct edge *d = lane->edge;
    if (d->batch == 1)
        CHECK(lane_aim(lane, d->url, path_of(buf_as_str(&lane->body))));
    buf_reset(&lane->reply);
    CHECK(curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)lane->body.len) == CURLE_OK);
    CHECK(curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, (char *)lane->body.at) == CURLE_OK);
    CHECK(curl_multi_add_handle(lane->edge->multi, lane->easy) == CURLM_OK);
    lane->is_flying = true;
}

static bool lane_load(struct lane *lane)
{
    struct edge *d = lane->edge;
    size_t before = queue_n(d->queue);
    lane->who = queue_take(d->queue, d->batch, &lane->list);
    if (!lane->who)
        return false;
    d->n_out += before - queue_n(d->queue);
    lane->tries = 0;
    fill_body(lane, d->batch > 1);
    return true;
}

/* Sends what is due. Returns when the next resend is, INT64_MAX when none waits. */
static int64_t start_lanes(struct edge *d)
{
    int64_t next_us = INT64_MAX, now_us = clock_mono_us();
    for (unsigned i = 0; i < d->n_lanes; i++) {
        struct lane *lane = &d->lanes[i];
        if (lane->is_flying || (!lane->who && !lane_load(lane)))
            continue;
        if (lane->tries == 0 || lane->again_us <= now_us)
            lane_send(lane);
        else
            next_us = MIN(next_us, lane->again_us);
    }
    return next_us;
}

/* --- answers --- */

static void refuse(struct edge *d, const struct lane *lane, long status, const char *reason)
{
    if (d->ledger->refusal.text[0])
        return;
    struct str told = str_head_utf8(buf_as_str(&lane->reply), 300);
    (void)err_code(&d->ledger->refusal, EXIT_CODE_FAILED, "the first with %ld%s: %.*s", status,
                   reason, STR_ARGS(told));
    (void)fprintf(stderr, "auspex-shop: events are refused: %s\n", d->ledger->refusal.text);
}

/* All of the lane's parcels are settled: those whose number in the request `accepted` has. */
static void settle(struct edge *d, struct lane *lane, const bool *accepted)
{
    int64_t now_us = clock_wall_us();
    size_t i = 0;
    for (struct parcel *p; (p = lane->list) != NULL; i++) {
        lane->list = p->next;
        if (accepted && accepted[i])
            ledger_ack(d->ledger, p, -1, -1, now_us);
        else
            ledger_fail(d->ledger, p);
        free(p);
        d->n_out--;
    }
    queue_back(d->queue, lane->who);
    lane->who = NULL;
}

static void lane_taken(struct edge *d, struct lane *lane, long status)
{
    bool accepted[EDGE_BATCH_MAX];
    size_t n = 0;
    for (const struct parcel *p = lane->list; p; p = p->next)
        accepted[n++] = true;
    if (d->batch > 1 && !answer_read(buf_as_str(&lane->reply), n, accepted))
        refuse(d, lane, status, ", not all of a batch taken");
    settle(d, lane, accepted);
}

static bool is_passing(CURLcode code, long status)
{
    return code != CURLE_OK || status >= 500 || status == 408 || status == 425 || status == 429;
}

static void lane_answered(struct lane *lane, CURLcode code)
{
    struct edge *d = lane->edge;
    long status = 0;
    curl_off_t asked_s = 0;
    (void)curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(lane->easy, CURLINFO_RETRY_AFTER, &asked_s);
    CHECK(curl_multi_remove_handle(d->multi, lane->easy) == CURLM_OK);
    lane->is_flying = false;
    if (code == CURLE_OK && status / 100 == 2) {
        lane_taken(d, lane, status);
    } else if (is_passing(code, status)) {
        int64_t pause_ms = answer_pause_ms(lane->tries++, asked_s, rng_unit(&d->r));
        lane->again_us = clock_mono_us() + pause_ms * 1000;
        d->ledger->resent++;
    } else {
        refuse(d, lane, status, "");
        settle(d, lane, NULL);
    }
}

static void take_answers(struct edge *d)
{
    int running, left;
    struct lane *lane = NULL;
    CHECK(curl_multi_perform(d->multi, &running) == CURLM_OK);
    for (const CURLMsg *m; (m = curl_multi_info_read(d->multi, &left)) != NULL;) {
        CURLcode code = m->data.result; /* the message dies with the handle's removal */
        CHECK(curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&lane) == CURLE_OK);
        lane_answered(lane, code);
    }
}

/* --- the way --- */

static bool edge_send(void *core, struct parcel *p, struct err *e)
{
    struct edge *d = core;
    (void)e;
    queue_put(d->queue, p);
    return true;
}

static size_t edge_waiting(const void *core)
{
    const struct edge *d = core;
    return queue_n(d->queue) + d->n_out;
}

static void edge_wait(void *core, int at_most_ms)
{
    struct edge *d = core;
    int64_t next_us = start_lanes(d);
    if (next_us < INT64_MAX)
        at_most_ms =
            (int)MIN((int64_t)at_most_ms, MAX(next_us - clock_mono_us(), 0) / 1000 + 1);
    take_answers(d); /* what was started now leaves at once */
    if (at_most_ms > 0) {
        (void)curl_multi_poll(d->multi, NULL, 0, at_most_ms, NULL);
        take_answers(d);
    }
}

static void edge_drop(void *core)
{
    struct edge *d = core;
    for (unsigned i = 0; i < d->n_lanes; i++) {
        struct lane *lane = &d->lanes[i];
        if (lane->is_flying)
            (void)curl_multi_remove_handle(d->multi, lane->easy);
        lane->is_flying = false;
        while (lane->who || lane_load(lane))
            settle(d, lane, NULL);
    }
}

static void edge_close(void *core)
{
    struct edge *d = core;
    edge_drop(d);
    for (unsigned i = 0; i < d->n_lanes; i++) {
        curl_easy_cleanup(d->lanes[i].easy);
        buf_fini(&d->lanes[i].body);
        buf_fini(&d->lanes[i].reply);
    }
    (void)curl_multi_cleanup(d->multi);
    curl_slist_free_all(d->headers);
    queue_free(d->queue);
    free(d);
    curl_global_cleanup();
}

bool edge_open(struct way *w, const struct edge_options *o, struct ledger *l, struct err *e)
{
    CHECK(o->connections > 0 && o->connections <= EDGE_CONNECTIONS_MAX);
    CHECK(o->batch > 0 && o->batch <= EDGE_BATCH_MAX);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct edge *d = mem_zero(1, sizeof(*d) + o->connections * sizeof(d->lanes[0]));
    d->ledger = l;
    d->url = o->url;
    d->batch = o->batch;
    d->r = rng_stream((uint64_t)clock_mono_us(), 10);
    d->queue = queue_new();
    d->multi = curl_multi_init();
    CHECK(d->multi);
    /* curl would ask for leave before it sends more than a kilobyte */
    d->headers = curl_slist_append(d->headers, "Expect:");
    d->headers = curl_slist_append(d->headers, "Content-Type: application/json");
    bool good = true;
    while (good && d->n_lanes < o->connections)
        good = lane_open(&d->lanes[d->n_lanes++], d, o, e);
    if (!good) {
        edge_close(d);
        return false;
    }
    *w = (struct way){.core = d,
                      .send = edge_send,
                      .waiting = edge_waiting,
                      .wait = edge_wait,
                      .drop = edge_drop,
                      .close = edge_close};
    return true;
}
