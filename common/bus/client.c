/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/client.h"

#include "common/bus/config.h"
#include "common/bus/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One property and why it has its value; applied in order, the kind's own after the common
 * ones, [kafka] last (config refuses those there that the delivery rests on). */
struct property {
    const char *key, *value;
};

static const struct property common[] = {
    {"socket.timeout.ms", "10000"},   /* a stuck coordinator look-up ends with it */
    {"socket.nagle.disable", "true"}, /* small requests at once */
    {"reconnect.backoff.ms", "20"},   /* a broker that is back is found soon ... */
    {"reconnect.backoff.max.ms", "500"},    {"topic.metadata.refresh.interval.ms", "30000"},
    {"enable.sparse.connections", "false"}, /* connect now, not when first asked for */
    {"log.connection.close", "false"},
};

/* No compression: on one machine the CPU it takes is worth more than the bytes it saves; set
 * compression.type in [kafka] where a network lies between. */
static const struct property producer[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"max.in.flight.requests.per.connection", "1"}, /* more ended in fatal sequence errors */
    {"enable.gapless.guarantee", "true"},           /* a refused record is fatal, not a gap */
    {"message.timeout.ms", "0"},                    /* an expired record would be a gap */
    {"linger.ms", "1"},
    {"queue.buffering.max.messages", "10000000"}, /* the bound is in bytes */
    {"message.max.bytes", "1200000"},             /* above the limit of `rejected` */
};

static const struct property transactional[] = {
    {"transaction.timeout.ms", "5000"}, /* a dead one holds up its partitions no longer */
    {"socket.timeout.ms", "5000"},      /* may not exceed the transaction's */
    {"retry.backoff.ms", "5"},          /* CONCURRENT_TRANSACTIONS right after a commit */
};

static const struct property consumer[] = {
    {"allow.auto.create.topics", "false"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"}, /* a lost offset stops us: no skipping, no repeating */
    {"isolation.level", "read_committed"},
    {"check.crcs", "true"}, /* off by default */
    {"queued.max.messages.kbytes", "4096"},
    {"fetch.message.max.bytes", "1048576"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "20"},
};

static const struct property member[] = {
    {"partition.assignment.strategy", "range"}, /* the same p of each topic; eager */
    {"max.poll.interval.ms", "300000"},
};

static const struct property reader[] = {
    {"enable.partition.eof", "true"}, /* ends are told, not computed: logs have holes */
    /* a client that is full asks again only a quarter of a second later: 4 MiB would be 16 MB/s
     */
    {"queued.max.messages.kbytes", "65536"},
};

struct conf {
    rd_kafka_conf_t *rd;
    struct err *e;
    bool is_good;
};

static void conf_set(struct conf *c, const char *key, const char *value)
{
    char reason[512];
    if (!c->is_good)
        return;
    c->is_good =
        rd_kafka_conf_set(c->rd, key, value, reason, sizeof reason) == RD_KAFKA_CONF_OK;
    if (!c->is_good)
        (void)err_code(c->e, EXIT_CODE_CONFIG, "[kafka] %s: %s", key, reason);
}

static void conf_set_number(struct conf *c, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    conf_set(c, key, text);
}

static void conf_set_all(struct conf *c, const struct property *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        conf_set(c, p[i].key, p[i].value);
}

static void conf_set_own(void *to, const char *key, const char *value)
{
    conf_set(to, key, value);
}

/* Broker outages give one line a try, which log thins out; what matters about them is said by
 * whoever waits. */
static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    (void)rk;
    bool is_noise = strcmp(fac, "CONFWARN") == 0; /* [kafka] serves producers and consumers */
    if (is_noise)
        level = 7;
    if (level <= 2)
        log_error("kafka", "fac=%s text=\"%s\"", fac, text);
    else if (level <= 4)
        log_warn("kafka", "fac=%s text=\"%s\"", fac, text);
    else
        log_debug("kafka", "fac=%s text=\"%s\"", fac, text);
}

static void on_error_logged(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk;
    (void)opaque;
    log_debug("kafka error", "error=%s text=\"%s\"",
              rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

/* Records that nobody asks about; but with a callback flush does not poll in steps of 10 ms. */
static void on_delivery_unasked(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    (void)m;
    (void)opaque;
}

static void set_producer(struct conf *c, const struct config *config,
                         const struct client_setup *s)
{
    conf_set_all(c, producer, ARRAY_LEN(producer));
    /* twice what the runtime gives at most, and room for a checkpoint */
    conf_set_number(
        c, "queue.buffering.max.kbytes",
        MIN(2 * config_u64(config, "auspex", "outputs_kib") + 65536, (uint64_t)2097151));
    rd_kafka_conf_set_dr_msg_cb(c->rd, s->on_delivery ? s->on_delivery : on_delivery_unasked);
    if (s->kind != CLIENT_TRANSACTIONAL)
        return;
    CHECK(s->transactional_id);
    conf_set_all(c, transactional, ARRAY_LEN(transactional));
    conf_set(c, "transactional.id", s->transactional_id);
}

static void set_consumer(struct conf *c, const struct config *config,
                         const struct client_setup *s)
{
    conf_set_all(c, consumer, ARRAY_LEN(consumer));
    CHECK(s->group || s->kind == CLIENT_READER);
    /* assign() needs a name even where nothing is committed under it */
    conf_set(c, "group.id", s->group ? s->group : "auspex-reader");
    if (s->kind == CLIENT_READER) {
        conf_set_all(c, reader, ARRAY_LEN(reader));
        return;
    }
    uint64_t session_ms = config_u64(config, "auspex", "session_timeout_ms");
    conf_set_all(c, member, ARRAY_LEN(member));
    conf_set_number(c, "max.poll.interval.ms", MAX(session_ms, (uint64_t)300000));
    conf_set_number(c, "session.timeout.ms", session_ms);
    conf_set_number(c, "heartbeat.interval.ms",
                    MAX(MIN(session_ms / 6, (uint64_t)3000), (uint64_t)200));
    if (s->instance_id)
        conf_set(c, "group.instance.id", s->instance_id);
    if (s->on_rebalance)
        rd_kafka_conf_set_rebalance_cb(c->rd, s->on_rebalance);
}

static bool is_producer(enum client_kind kind)
{
    return kind == CLIENT_PRODUCER || kind == CLIENT_TRANSACTIONAL || kind == CLIENT_PLAIN;
}

static bool conf_make(struct conf *c, const struct config *config, const struct client_setup *s)
{
    if (!config_get(config, STR("kafka.bootstrap.servers")))
        return err_code(c->e, EXIT_CODE_CONFIG,
                        "bootstrap.servers is not set in [kafka]: where is the broker?");
    conf_set_all(c, common, ARRAY_LEN(common));
    conf_set(c, "client.id", program_invocation_short_name);
    if (s->kind == CLIENT_PRODUCER || s->kind == CLIENT_TRANSACTIONAL)
        set_producer(c, config, s);
    else if (s->kind == CLIENT_GROUP || s->kind == CLIENT_READER)
        set_consumer(c, config, s);
    config_section(config, "kafka", conf_set_own, c);
    rd_kafka_conf_set_log_cb(c->rd, on_log);
    rd_kafka_conf_set_error_cb(c->rd, s->on_error ? s->on_error : on_error_logged);
    rd_kafka_conf_set_opaque(c->rd, s->opaque);
    return c->is_good;
}

rd_kafka_t *client_new(const struct config *config, const struct client_setup *s, struct err *e)
{
    struct conf c = {rd_kafka_conf_new(), e, true};
    if (!conf_make(&c, config, s)) {
        rd_kafka_conf_destroy(c.rd);
        return NULL;
    }
    char reason[512];
    rd_kafka_type_t type = is_producer(s->kind) ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    rd_kafka_t *rk = rd_kafka_new(type, c.rd, reason, sizeof reason);
    if (!rk) {
        rd_kafka_conf_destroy(c.rd);
        (void)err_code(e, EXIT_CODE_CONFIG, "[kafka]: %s", reason);
        return NULL;
    }
    return rk;
}
