/* SPDX-License-Identifier: Apache-2.0 */
/* The producer's side: hands the outbox to librdkafka without copying, and makes the handle
 * anew after a fatal error; the outbox then sends again what was not acknowledged, in order. */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/log.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What a delivery report is told by: 1 + the number of the output, and which box it is in. */
#define TAG_ASIDE ((uint64_t)1 << 63)

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct run *r = opaque;
    uint64_t tag = (uint64_t)(uintptr_t)m->_private;
    struct outbox *box = tag & TAG_ASIDE ? r->aside : r->outbox;
    uint64_t number = (tag & ~TAG_ASIDE) - 1;
    (void)rk;
    if (m->err) {
        if (r->flow.producer == PRODUCER_UP)
            log_warn("output not stored", "topic=%s reason=\"%s\"", rd_kafka_topic_name(m->rkt),
                     rd_kafka_err2str(m->err));
        flow_producer_broken(&r->flow, clock_mono_us());
        return;
    }
    const struct output *out = outbox_at(box, number);
    counter_add(r->records_out[out->topic], 1);
    counter_add(r->bytes_out[out->topic], (double)(out->key.len + out->value.len));
    outbox_ack(box, number);
}

static bool topics_open(struct run *r, struct err *e)
{
    for (enum topic t = 0; t < TOPICS_N; t++) {
        r->topics[t] = rd_kafka_topic_new(r->producer, r->names[t], NULL);
        if (!r->topics[t])
            return err_set(e, 0, "topic %s: %s", r->names[t],
                           rd_kafka_err2str(rd_kafka_last_error()));
    }
    return true;
}

static bool handle_make(struct run *r, struct err *e)
{
    struct client_setup setup = {
        .kind = CLIENT_PRODUCER, .opaque = r, .on_delivery = on_delivery};
    r->producer = client_new(r->config, &setup, e);
    if (!r->producer || !topics_open(r, e))
        return false;
    static const uint64_t one = 1;
    r->output_queue = rd_kafka_queue_get_main(r->producer);
    rd_kafka_queue_io_event_enable(r->output_queue, r->output_fd, &one, sizeof one);
    return true;
}

static void handle_drop(struct run *r)
{
    if (!r->producer)
        return;
    (void)rd_kafka_purge(r->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                          RD_KAFKA_PURGE_F_NON_BLOCKING);
    for (enum topic t = 0; t < TOPICS_N; t++)
        if (r->topics[t])
            rd_kafka_topic_destroy(r->topics[t]);
    memset(r->topics, 0, sizeof r->topics);
    if (r->output_queue)
        rd_kafka_queue_destroy(r->output_queue);
    r->output_queue = NULL;
    rd_kafka_destroy(r->producer);
    r->producer = NULL;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct run *r = poll->data;
    uint64_t n;
    (void)status;
    (void)events;
    ssize_t got = read(r->output_fd, &n, sizeof n); /* one read empties it */
    (void)got;
    output_pump(r);
}

bool output_open(struct run *r, struct err *e)
{
    r->output_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(r->output_fd >= 0);
    CHECK(uv_poll_init(&r->loop, &r->output_poll, r->output_fd) == 0);
    r->output_poll.data = r;
    CHECK(uv_poll_start(&r->output_poll, UV_READABLE, on_event) == 0);
    return handle_make(r, e);
}

void output_remake(struct run *r)
{
    struct err e = {0};
    char reason[256] = "";
    if (r->producer)
        (void)rd_kafka_fatal_error(r->producer, reason, sizeof reason);
    log_warn("producer is made anew", "unacknowledged=%llu reason=\"%s\"",
             (unsigned long long)(outbox_next(r->outbox) - outbox_first(r->outbox)), reason);
    counter_add(r->producer_restarts, 1);
    handle_drop(r);
    if (!handle_make(r, &e)) {
        run_fail(r, &e);
        return;
    }
    r->sent = outbox_first(r->outbox);
    r->sent_aside = outbox_first(r->aside);
    flow_producer_made(&r->flow);
}

/* Headers only at the edges: they cost more than the record. */
static rd_kafka_headers_t *headers_of(const struct run *r, const struct output *out)
{
    rd_kafka_headers_t *h = NULL;
    bool is_heartbeat = out->topic == TOPIC_raw && out->value.len == 0;
    if (!is_heartbeat && !out->is_json && out->ce_id.len == 0 && out->traceparent.len == 0)
        return NULL;
    h = rd_kafka_headers_new(8);
    char text[128];
    if (is_heartbeat) {
        rd_kafka_header_add(h, "ce_type", -1, "auspex.heartbeat", -1);
        return h;
    }
    rd_kafka_header_add(h, "content-type", -1,
                        out->is_json ? "application/json" : "application/msgpack", -1);
    if (out->ce_id.len > 0) {
        rd_kafka_header_add(h, "ce_specversion", -1, "1.0", -1);
        rd_kafka_header_add(h, "ce_id", -1, out->ce_id.at, (ssize_t)out->ce_id.len);
        (void)snprintf(text, sizeof text, "auspex.%s", topic_word(out->topic));
        rd_kafka_header_add(h, "ce_type", -1, text, -1);
        (void)snprintf(text, sizeof text, "auspex/%s", r->stage->name);
        rd_kafka_header_add(h, "ce_source", -1, text, -1);
        if (out->ce_time_us != 0) {
            clock_format(out->ce_time_us, text);
            rd_kafka_header_add(h, "ce_time", -1, text, -1);
        }
    }
    if (out->traceparent.len > 0)
        rd_kafka_header_add(h, "traceparent", -1, out->traceparent.at,
                            (ssize_t)out->traceparent.len);
    return h;
}

static rd_kafka_resp_err_t produce(struct run *r, const struct output *out, uint64_t tag)
{
    void *opaque = (void *)(uintptr_t)tag;
    rd_kafka_headers_t *headers = headers_of(r, out);
    void *value = (void *)(uintptr_t)(out->value.len ? out->value.at : "");
    if (!headers) {
        int failed = rd_kafka_produce(r->topics[out->topic], (int32_t)out->partition, 0, value,
                                      out->value.len, out->key.at, out->key.len, opaque);
        return failed ? rd_kafka_last_error() : RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t err = rd_kafka_producev(
        r->producer, RD_KAFKA_V_RKT(r->topics[out->topic]),
        RD_KAFKA_V_PARTITION((int32_t)out->partition), RD_KAFKA_V_VALUE(value, out->value.len),
        RD_KAFKA_V_KEY((void *)(uintptr_t)out->key.at, out->key.len),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    if (err)
        rd_kafka_headers_destroy(headers);
    return err;
}

static void hand_over(struct run *r, struct outbox *box, uint64_t *sent, uint64_t tag)
{
    *sent = MAX(*sent, outbox_first(box));
    while (*sent < outbox_next(box)) {
        const struct output *out = outbox_at(box, *sent);
        rd_kafka_resp_err_t err =
            out->is_acked ? RD_KAFKA_RESP_ERR_NO_ERROR : produce(r, out, tag | (*sent + 1));
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return;
        if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            struct err e = {0};
            err_code(&e, EXIT_CODE_BUG,
                     "output of %zu bytes for %s is larger than "
                     "message.max.bytes",
                     out->value.len, r->names[out->topic]);
            run_fail(r, &e);
            return;
        }
        if (err) {
            log_warn("output not taken", "topic=%s partition=%u reason=\"%s\"",
                     r->names[out->topic], out->partition, rd_kafka_err2str(err));
            flow_producer_broken(&r->flow, clock_mono_us());
            return;
        }
        ++*sent;
    }
}

void output_count(struct run *r)
{
    flow_outputs(&r->flow, outbox_next(r->outbox), outbox_first(r->outbox),
                 outbox_bytes(r->outbox));
}

void output_pump(struct run *r)
{
    if (r->flow.producer == PRODUCER_UP && r->producer) {
        hand_over(r, r->outbox, &r->sent, 0);
        hand_over(r, r->aside, &r->sent_aside, TAG_ASIDE);
        (void)rd_kafka_poll(r->producer, 0);
        if (rd_kafka_fatal_error(r->producer, NULL, 0))
            flow_producer_broken(&r->flow, clock_mono_us());
    }
    output_count(r);
}

void output_close(struct run *r)
{
    handle_drop(r);
}
