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
    bool *is_at_end; /* by partition */
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
    t->is_at_end = mem_zero(t->n, sizeof *t->is_at_end);
    return t;
fail:
    tail_free(t);
    return NULL;
}

static bool tail_assign(struct tail *t, rd_kafka_topic_partition_list_t *list, struct err *e)
{
    t->n_read = (size_t)list->cnt;
    rd_kafka_resp_err_t code = rd_kafka_assign(t->rk, list);
    return !code || err_set(e, 0, "reading %s: %s", t->name, rd_kafka_err2str(code));
}

/* Offsets for `beginning` and `end`: given to the client as such, they cost half a second now
 * and then. */
static bool offsets_resolve(struct tail *t, int64_t from, int64_t *offset, struct err *e)
{
    int64_t *other = mem_zero(t->n, sizeof *other);
    bool is_first = from == TAIL_BEGINNING;
    bool is_good = topics_ends(t->rk, t->name, t->n, is_first ? offset : other,
                               is_first ? other : offset, OPEN_MS, e);
    free(other);
    return is_good;
}

/* Fills a list with the places to begin at: for all partitions, or for one. */
static bool places_list(struct tail *t, int partition, int64_t from,
                        rd_kafka_topic_partition_list_t *list, struct err *e)
{
    int64_t *offset = mem_zero(t->n, sizeof *offset);
    bool is_good = from >= 0 || offsets_resolve(t, from, offset, e);
    for (size_t p = 0; p < t->n && is_good; p++)
        if (partition < 0 || p == (size_t)partition)
            rd_kafka_topic_partition_list_add(list, t->name, (int32_t)p)->offset =
                from >= 0 ? from : offset[p];
    free(offset);
    return is_good;
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
    bool is_good = places_list(t, partition, from, list, e) && tail_assign(t, list, e);
    rd_kafka_topic_partition_list_destroy(list);
    if (is_good)
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
    if (n > t->n) {
        (void)err_code(e, EXIT_CODE_CONFIG, "topic %s has only %zu partitions", topic, t->n);
        tail_free(t);
        return NULL;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t p = 0; p < n; p++)
        if (from[p] != TAIL_END)
            rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = from[p];
    bool is_good = tail_assign(t, list, e);
    rd_kafka_topic_partition_list_destroy(list);
    if (is_good)
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
    for (;;) {
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
        if (step == TAIL_FAILED || step == TAIL_IDLE)
            return step;
        if (t->n_at_end == t->n_read && !t->has_told) {
            t->has_told = true;
            return TAIL_AT_END;
        }
    }
}
