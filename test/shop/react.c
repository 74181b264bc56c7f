/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/react.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { METADATA_MS = 10000, TURN_MAX = 1000 };

struct react {
    rd_kafka_t *rk;
    struct decisions *decisions;
};

static rd_kafka_conf_t *make_conf(const char *brokers, struct err *e)
{
    const char *const settings[][2] = {
        {"bootstrap.servers", brokers},
        {"client.id", "auspex-shop-react"},
        {"group.id", "auspex-shop"}, /* asked for, but not used: nothing is committed */
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "latest"},
        {"fetch.wait.max.ms", "50"},
        {"log_level", "3"},
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
    return conf;
}

/* From the ends as they are now: what comes while the shop is still starting counts. */
static bool assign_ends(struct react *r, const char *topic, int n, struct err *e)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(n);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int p = 0; p < n && code == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
        int64_t low, high = 0;
        code = rd_kafka_query_watermark_offsets(r->rk, topic, p, &low, &high, METADATA_MS);
        rd_kafka_topic_partition_list_add(all, topic, p)->offset = high;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = rd_kafka_assign(r->rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           err_code(e, EXIT_CODE_GONE, "topic %s: %s", topic, rd_kafka_err2str(code));
}

static bool find_topic(struct react *r, const char *brokers, const char *topic, struct err *e)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(r->rk, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(r->rk, 0, rkt, &m, METADATA_MS);
    rd_kafka_topic_destroy(rkt);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_code(e, EXIT_CODE_GONE, "no Kafka broker at %s: %s", brokers,
                        rd_kafka_err2str(code));
    int n = m->topic_cnt == 1 ? m->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(m);
    if (n == 0)
        return err_code(e, EXIT_CODE_CONFIG, "no topic %s at %s", topic, brokers);
    return assign_ends(r, topic, n, e);
}

static bool connect_kafka(struct react *r, const char *brokers, const char *topic,
                          struct err *e)
{
    char reason[512];
    rd_kafka_conf_t *conf = make_conf(brokers, e);
    if (!conf)
        return false;
    r->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    if (!r->rk) {
        rd_kafka_conf_destroy(conf);
        return err_code(e, EXIT_CODE_CONFIG, "Kafka consumer: %s", reason);
    }
    (void)rd_kafka_poll_set_consumer(r->rk);
    return find_topic(r, brokers, topic, e);
}

struct react *react_open(const char *brokers, const char *topic, struct err *e)
{
    struct react *r = mem_zero(1, sizeof(*r));
    r->decisions = decisions_new();
    if (connect_kafka(r, brokers, topic, e))
        return r;
    react_close(r);
    return NULL;
}

void react_close(struct react *r)
{
    if (!r)
        return;
    if (r->rk)
        rd_kafka_destroy(r->rk);
    decisions_free(r->decisions);
    free(r);
}

void react_turn(struct react *r, void (*use)(void *to, const struct decision *d), void *to)
{
    rd_kafka_message_t *m;
    for (unsigned i = 0; i < TURN_MAX && (m = rd_kafka_consumer_poll(r->rk, 0)) != NULL; i++) {
        struct decision d;
        /* errors pass: librdkafka goes on by itself */
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
            decisions_read(r->decisions, str_over(m->payload, m->len), &d))
            use(to, &d);
        rd_kafka_message_destroy(m);
    }
}
