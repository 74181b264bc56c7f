/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/tail.h"

#include "common/bus/client.h"
#include "common/bus/config.h"
#include "common/bus/log.h"
#include "common/bus/topics.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPEN_MS = 10000 };

struct tail {
    rd_kafka_t *rk;
    rd_kafka_message_t *message; /* that the last call gave slices of */
    char name[TOPIC_NAME];
    bool *is_read, *is_at_end; /* by partition */
    size_t n, n_read, n_at_end;
    bool has_told; /* TAIL_AT_END was given for the ends as they are */
};

static struct tail *tail_new(const struct config *c, const char *topic, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_READER};
    struct tail *t = mem_zero(1, sizeof *t);
    (void)snprintf(t->name, sizeof t->name, "%s", topic);
    t->rk = client_new(c, &setup, e);
    if (!t->rk)
        goto fail;
    (void)rd_kafka_poll_set_consumer(t->rk);
    t->n = topics_partitions(t->rk, topic, OPEN_MS);
    if (t->n == SIZE_MAX) {
        (void)err_retry(e, "%s: no broker answered within %d s",
                        config_get(c, STR("kafka.bootstrap.servers")), OPEN_MS / 1000);
        e->code = EXIT_CODE_GONE;
        goto fail;
    }
    if (t->n == 0) {
        (void)err_code(e, EXIT_CODE_CONFIG, "topic %s is missing", topic);
        goto fail;
    }
    t->is_read = mem_zero(t->n, sizeof *t->is_read);
    t->is_at_end = mem_zero(t->n, sizeof *t->is_at_end);
    return t;
fail:
    tail_free(t);
    return NULL;
}

static bool tail_assign(struct tail *t, rd_kafka_topic_partition_list_t *list, struct err *e)
{
    for (int i = 0; i < list->cnt; i++)
        t->is_read[list->elems[i].partition] = true;
    t->n_read = (size_t)list->cnt;
    rd_kafka_resp_err_t code = rd_kafka_assign(t->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !code || err_set(e, 0, "reading %s: %s", t->name, rd_kafka_err2str(code));
}

struct tail *tail_open(const struct config *c, const char *topic, int partition, int64_t from,
                       struct err *e)
{
    struct tail *t = tail_new(c, topic, e);
    if (!t)
        return NULL;
    if (partition >= 0 && (size_t)partition >= t->n) {
        (void)err_code(e, EXIT_CODE_USAGE, "topic %s has partitions 0 to %zu only", topic,
                       t->n - 1);
        tail_free(t);
        return NULL;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)t->n);
    for (size_t p = 0; p < t->n; p++)
        if (partition < 0 || p == (size_t)partition)
            rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = from;
    if (tail_assign(t, list, e))
        return t;
    tail_free(t);
    return NULL;
}

struct tail *tail_open_at(const struct config *c, const char *topic, const int64_t *from,
                          size_t n, struct err *e)
{
    struct tail *t = tail_new(c, topic, e);
    if (!t)
        return NULL;
    CHECK(n <= t->n);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t p = 0; p < n; p++)
        if (from[p] != -1)
            rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = from[p];
    if (tail_assign(t, list, e))
        return t;
    tail_free(t);
    return NULL;
}

void tail_free(struct tail *t)
{
    if (!t)
        return;
    if (t->message)
        rd_kafka_message_destroy(t->message);
    if (t->rk) {
        (void)rd_kafka_consumer_close(t->rk);
        rd_kafka_destroy(t->rk);
    }
    free(t->is_read);
    free(t->is_at_end);
    free(t);
}

static struct str header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t len;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, &len))
        return (struct str){NULL, 0};
    return str_over(value, len);
}

static void message_take(const rd_kafka_message_t *r, struct tail_message *m)
{
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(r, &headers))
        headers = NULL;
    *m = (struct tail_message){
        .partition = (uint32_t)r->partition,
        .offset = (uint64_t)r->offset,
        .append_us = rd_kafka_message_timestamp(r, &type) * 1000,
        .key = str_over(r->key, r->key_len),
        .value = str_over(r->payload, r->len),
        .content_type = header(headers, "content-type"),
        .ce_type = header(headers, "ce_type"),
    };
}

static void end_set(struct tail *t, int32_t partition, bool is_at_end)
{
    if ((size_t)partition >= t->n || t->is_at_end[partition] == is_at_end)
        return;
    t->is_at_end[partition] = is_at_end;
    t->n_at_end += is_at_end ? 1 : SIZE_MAX;
    t->has_told = t->has_told && is_at_end;
}

/* An event that is no record. What may mend itself is waited for. */
static enum tail_step event_take(struct tail *t, const rd_kafka_message_t *r, struct err *e)
{
    switch ((int)r->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        end_set(t, r->partition, true);
        return TAIL_AT_END;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        (void)err_set(e, 0, "reading %s: %s", t->name, rd_kafka_message_errstr(r));
        return TAIL_FAILED;
    default:
        log_debug("reading", "topic=%s error=\"%s\"", t->name, rd_kafka_message_errstr(r));
        return TAIL_IDLE;
    }
}

enum tail_step tail_next(struct tail *t, struct tail_message *m, int timeout_ms, struct err *e)
{
    if (t->message)
        rd_kafka_message_destroy(t->message);
    t->message = NULL;
    if (t->n_at_end == t->n_read && !t->has_told) {
        t->has_told = true;
        return TAIL_AT_END;
    }
    rd_kafka_message_t *r = rd_kafka_consumer_poll(t->rk, timeout_ms);
    if (!r)
        return TAIL_IDLE;
    if (!r->err) {
        t->message = r;
        end_set(t, r->partition, false);
        message_take(r, m);
        return TAIL_RECORD;
    }
    enum tail_step step = event_take(t, r, e);
    rd_kafka_message_destroy(r);
    if (step == TAIL_FAILED)
        return step;
    return tail_next(t, m, step == TAIL_AT_END ? timeout_ms : 0, e);
}
