/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/live.h"

#include "common/base/hash.h"
#include "test/shop/event_json.h"
#include "test/shop/pace.h"
#include "test/shop/record.h"
#include "test/shop/sink.h"

#include <librdkafka/rdkafka.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { POLL_MAX_MS = 100, FLUSH_MS = 5000, METADATA_MS = 10000 };
enum { WAITING_MAX = 50000 }; /* unanswered events; below what the client's queue can hold */

struct live {
    const struct live_options *o;
    struct shop *shop;
    struct pace *pace;
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    struct sink ledger, truth;
    struct buf body, line;
    uint64_t sent, acked, failed;
    bool broken; /* *e tells why */
    struct err *e;
};

/* What the delivery report of a message needs; freed by it. */
struct parcel {
    char id[EVENT_ID_SIZE];
    uint64_t body_hash;
};

static volatile sig_atomic_t told_to_stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    told_to_stop = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}

/* --- Kafka --- */

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    struct live *l = opaque;
    struct parcel *parcel = m->_private;
    bool acked = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    acked ? l->acked++ : l->failed++;
    ledger_line(&l->line, parcel->id, str_over(m->key, m->key_len), parcel->body_hash, acked,
                m->partition, m->offset);
    free(parcel);
    if (!l->broken && !sink_put(&l->ledger, &l->line, l->e))
        l->broken = true;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct live *l = opaque;
    char text[512];
    if (code != RD_KAFKA_RESP_ERR__FATAL || l->broken)
        return; /* librdkafka itself logs what passes, and resends */
    (void)rd_kafka_fatal_error(rk, text, sizeof(text));
    (void)err_code(l->e, EXIT_CODE_GONE, "Kafka producer: %s: %s", reason, text);
    l->broken = true;
}

static rd_kafka_conf_t *make_conf(struct live *l, struct err *e)
{
    const char *const settings[][2] = {
        {"bootstrap.servers", l->o->brokers},
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
    rd_kafka_conf_set_opaque(conf, l);
    return conf;
}

/* Also spares the first record a second: an idle producer asks for metadata that seldom. */
static bool find_topic(struct live *l, struct err *e)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(l->rk, 0, l->rkt, &m, METADATA_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_code(e, EXIT_CODE_GONE, "no Kafka broker at %s: %s", l->o->brokers,
                        rd_kafka_err2str(code));
    /* any other trouble with it may pass: that is for the producer to sit out */
    bool found =
        m->topic_cnt == 1 && m->topics[0].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(m);
    return found ||
           err_code(e, EXIT_CODE_CONFIG, "no topic %s at %s", l->o->topic, l->o->brokers);
}

static bool connect_kafka(struct live *l, struct err *e)
{
    char reason[512];
    rd_kafka_conf_t *conf = make_conf(l, e);
    if (!conf)
        return false;
    l->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (!l->rk) {
        rd_kafka_conf_destroy(conf);
        return err_code(e, EXIT_CODE_CONFIG, "Kafka producer: %s", reason);
    }
    l->rkt = rd_kafka_topic_new(l->rk, l->o->topic, NULL);
    return find_topic(l, e);
}

static bool send_body(struct live *l, const char *visitor, const char *id, struct err *e)
{
    struct parcel *parcel = mem_new(sizeof(*parcel));
    memcpy(parcel->id, id, EVENT_ID_SIZE);
    parcel->body_hash = hash64(l->body.at, l->body.len);
    if (rd_kafka_produce(l->rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, l->body.at,
                         l->body.len, visitor, EVENT_ID_LEN, parcel) == 0)
        return true;
    free(parcel);
    return err_code(e, EXIT_CODE_GONE, "produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
}

/* --- the shop --- */

/* Lets the shop live through its past, so that visitors known from there can come back. */
static void remember(struct live *l)
{
    struct past p;
    const struct session *s;
    past_init(&p, l->shop, &l->o->past);
    while ((s = past_take(&p)) != NULL) {
        if (s->next == s->n)
            pace_learn(l->pace, s);
    }
    past_fini(&p);
}

static bool put_truth(struct live *l, const struct session *s)
{
    truth_lines(&l->line, s, s->next);
    return sink_put(&l->truth, &l->line, l->e);
}

static bool send_event(struct live *l, int64_t now_us)
{
    const struct session *s = pace_take(l->pace);
    char id[EVENT_ID_SIZE], visitor[EVENT_ID_SIZE];
    event_id(s, s->next - 1, id);
    event_visitor(&s->visitor, visitor);
    buf_reset(&l->body);
    event_json(&l->body, s, s->next - 1, now_us, now_us, shop_products(l->shop));
    if (!send_body(l, visitor, id, l->e))
        return false;
    l->sent++;
    return s->next < s->n || put_truth(l, s);
}

/* Serves delivery reports until it is `due_us`, or time to look at the signals again. */
static void wait_until(struct live *l, int64_t due_us)
{
    int64_t left_us = due_us - clock_wall_us();
    int64_t left_ms = left_us / 1000;
    (void)rd_kafka_poll(l->rk, left_ms <= 0 ? 0 : (int)MIN(left_ms, (int64_t)POLL_MAX_MS));
    if (left_us > 0 && left_ms == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)left_us * 1000}, NULL);
}

static bool is_over(const struct live *l, int64_t now_us)
{
    const struct live_options *o = l->o;
    return told_to_stop || l->broken || (o->n_events > 0 && l->sent >= o->n_events) ||
           (o->duration_s > 0 && (double)(now_us - l->pace->start_us) >= o->duration_s * 1e6);
}

static bool send_all(struct live *l)
{
    for (;;) {
        int64_t now_us = clock_wall_us();
        if (is_over(l, now_us))
            return !l->broken;
        int64_t due_us = pace_due(l->pace);
        if (rd_kafka_outq_len(l->rk) >= WAITING_MAX)
            (void)rd_kafka_poll(l->rk, POLL_MAX_MS);
        else if (due_us > now_us)
            wait_until(l, due_us);
        else if (!send_event(l, now_us))
            return false;
        else
            (void)rd_kafka_poll(l->rk, 0);
    }
}

/* Of sessions cut short, only what was sent has happened. */
static void put_open_truth(const struct session *s, void *context)
{
    struct live *l = context;
    if (s->next > 0 && !l->broken && !put_truth(l, s))
        l->broken = true;
}

/* Waits for the last answers, through an outage too; but once it is told to stop only so long:
 * what has none by then counts as failed and stands so in the ledger. */
static void finish(struct live *l)
{
    shop_each_open(l->shop, put_open_truth, l);
    while (!told_to_stop && !l->broken && rd_kafka_outq_len(l->rk) > 0)
        (void)rd_kafka_poll(l->rk, POLL_MAX_MS);
    if (rd_kafka_flush(l->rk, FLUSH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)rd_kafka_purge(l->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(l->rk, POLL_MAX_MS);
    }
    (void)printf("sent %llu, acknowledged %llu, failed %llu\n", (unsigned long long)l->sent,
                 (unsigned long long)l->acked, (unsigned long long)(l->sent - l->acked));
}

static bool open_all(struct live *l)
{
    const struct live_options *o = l->o;
    if (!sink_open(&l->ledger, o->ledger, true, l->e) ||
        !sink_open(&l->truth, o->truth, true, l->e) || !connect_kafka(l, l->e))
        return false;
    remember(l);
    int64_t now_us = clock_wall_us();
    shop_salt(l->shop, (uint64_t)now_us);
    pace_start(l->pace, o->rate, o->speed, o->start_now, now_us,
               o->past.seed + (uint64_t)now_us);
    if (sink_is_empty(&l->truth))
        buf_text(&l->line, TRUTH_HEADER);
    return sink_put(&l->truth, &l->line, l->e);
}

static void live_fini(struct live *l)
{
    if (l->rkt)
        rd_kafka_topic_destroy(l->rkt);
    if (l->rk)
        rd_kafka_destroy(l->rk);
    buf_fini(&l->body);
    buf_fini(&l->line);
    shop_free(l->shop);
    free(l->pace);
}

bool live_run(const struct live_options *o, struct err *e)
{
    struct shop_options so = past_shop(o->past.seed);
    struct live l = {.o = o, .e = e, .shop = shop_new(&so), .pace = mem_new(sizeof(*l.pace))};
    pace_init(l.pace, l.shop);
    catch_signals();
    bool good = open_all(&l);
    if (good) {
        good = send_all(&l);
        finish(&l);
        good = good && !l.broken;
    }
    struct err other = {0};
    good = sink_close(&l.ledger, good ? e : &other) && good;
    good = sink_close(&l.truth, good ? e : &other) && good;
    if (good && l.sent > l.acked)
        good = err_code(e, EXIT_CODE_FAILED, "%llu events were never acknowledged",
                        (unsigned long long)(l.sent - l.acked));
    live_fini(&l);
    return good;
}
