/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { LAST_MS = 100, METADATA_MS = 10000 };

struct kafka {
    struct ledger *ledger;
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    struct kafka *k = opaque;
    struct parcel *p = m->_private;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        ledger_ack(k->ledger, p, m->partition, m->offset, clock_wall_us());
    else
        ledger_fail(k->ledger, p);
    free(p);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka *k = opaque;
    char text[512];
    if (code != RD_KAFKA_RESP_ERR__FATAL || k->ledger->broken.text[0])
        return; /* librdkafka itself logs what passes, and resends */
    (void)rd_kafka_fatal_error(rk, text, sizeof(text));
    (void)err_code(&k->ledger->broken, EXIT_CODE_GONE, "Kafka producer: %s: %s", reason, text);
}

static rd_kafka_conf_t *make_conf(struct kafka *k, const char *brokers, struct err *e)
{
    const char *const settings[][2] = {
        {"bootstrap.servers", brokers},
        {"client.id", "auspex-shop"},
        {"enable.idempotence", "true"},
        {"enable.gapless.guarantee", "true"},
        {"acks", "all"},
        {"max.in.flight.requests.per.connection", "1"},
        {"message.timeout.ms", "0"}, /* an outage may last as long as it likes */
        {"partitioner", "murmur2_random"},
        {"linger.ms", "2"},
        {"log_level", "3"}, /* not that gapless is experimental */
        {"queue.buffering.max.messages", "100000"},
        {"queue.buffering.max.kbytes", "131072"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[512];
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason)) !=
            RD_KAFKA_CONF_OK) {
            (void)err_code(e, EXIT_CODE_CONFIG, "%s: %s", settings[i][0], reason);
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, k);
    return conf;
}

/* Also spares the first record a second: an idle producer asks for metadata that seldom. */
static bool find_topic(struct kafka *k, const char *brokers, const char *topic, struct err *e)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(k->rk, 0, k->rkt, &m, METADATA_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_code(e, EXIT_CODE_GONE, "no Kafka broker at %s: %s", brokers,
                        rd_kafka_err2str(code));
    /* any other trouble with it may pass: that is for the producer to sit out */
    bool found =
        m->topic_cnt == 1 && m->topics[0].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(m);
    return found || err_code(e, EXIT_CODE_CONFIG, "no topic %s at %s", topic, brokers);
}

static bool connect_kafka(struct kafka *k, const char *brokers, const char *topic,
                          struct err *e)
{
    char reason[512];
    rd_kafka_conf_t *conf = make_conf(k, brokers, e);
    if (!conf)
        return false;
    k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (!k->rk) {
        rd_kafka_conf_destroy(conf);
        return err_code(e, EXIT_CODE_CONFIG, "Kafka producer: %s", reason);
    }
    k->rkt = rd_kafka_topic_new(k->rk, topic, NULL);
    return find_topic(k, brokers, topic, e);
}

static bool kafka_send(void *core, struct parcel *p, struct err *e)
{
    struct kafka *k = core;
    if (rd_kafka_produce(k->rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, p->body, p->len,
                         p->visitor, EVENT_ID_LEN, p) == 0)
        return true;
    free(p);
    return err_code(e, EXIT_CODE_GONE, "produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
}

static size_t kafka_waiting(const void *core)
{
    const struct kafka *k = core;
    return (size_t)rd_kafka_outq_len(k->rk);
}

static void kafka_wait(void *core, int at_most_ms)
{
    struct kafka *k = core;
    (void)rd_kafka_poll(k->rk, at_most_ms);
}

static void kafka_drop(void *core)
{
    struct kafka *k = core;
    (void)rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(k->rk, LAST_MS);
}

static void kafka_close(void *core)
{
    struct kafka *k = core;
    if (k->rkt)
        rd_kafka_topic_destroy(k->rkt);
    if (k->rk)
        rd_kafka_destroy(k->rk);
    free(k);
}

bool kafka_open(struct way *w, const char *brokers, const char *topic, struct ledger *l,
                struct err *e)
{
    struct kafka *k = mem_zero(1, sizeof(*k));
    k->ledger = l;
    if (!connect_kafka(k, brokers, topic, e)) {
        kafka_close(k);
        return false;
    }
    *w = (struct way){.core = k,
                      .send = kafka_send,
                      .waiting = kafka_waiting,
                      .wait = kafka_wait,
                      .drop = kafka_drop,
                      .close = kafka_close};
    return true;
}
