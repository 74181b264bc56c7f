/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/topics.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/bus/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum partitions_rule { PARTITIONS_raw, PARTITIONS_n, PARTITIONS_1 };
enum cleanup_rule { CLEANUP_expire, CLEANUP_keep, CLEANUP_compact };

static const struct {
    enum partitions_rule partitions;
    enum cleanup_rule cleanup;
} rules[TOPICS_N] = {
#define TOPIC(name, prefix, partitions, cleanup, meaning) \
    {PARTITIONS_##partitions, CLEANUP_##cleanup},
#include "schemas/topics.def"
#undef TOPIC
};

struct setting {
    const char *key, *value;
};

/* What expires does so after a week: longer than any program should be away. Time stamps are
 * the broker's, so that retention goes by when a record came, not by what it tells of. */
static const struct setting expire[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "604800000"},
    {"message.timestamp.type", "LogAppendTime"},
    {NULL, NULL},
};
static const struct setting keep[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "-1"},
    {"retention.bytes", "-1"},
    {"message.timestamp.type", "LogAppendTime"},
    {NULL, NULL},
};
/* Only closed segments are compacted: small ones keep a restore short. */
static const struct setting compact[] = {
    {"cleanup.policy", "compact"},
    {"segment.bytes", "16777216"},
    {"segment.ms", "600000"},
    {"min.cleanable.dirty.ratio", "0.3"},
    {NULL, NULL},
};
static const struct setting *const settings_of[] = {
    [CLEANUP_expire] = expire, [CLEANUP_keep] = keep, [CLEANUP_compact] = compact};

/* `rejected` holds records of `raw` and `imports` whole, and our words about them. */
static const char RAW_MAX[] = "1048588", REJECTED_MAX[] = "1114124";

void topics_group(const struct config *c, const char *program, char out[TOPIC_NAME])
{
    (void)snprintf(out, TOPIC_NAME, "auspex.%s%s", program,
                   config_text(c, "auspex", "group_suffix"));
}

/* How many partitions topics apply makes. */
static int partitions_wanted(const struct config *c, enum topic t)
{
    uint64_t n = config_u64(c, "auspex", "partitions");
    uint64_t raw = config_u64(c, "auspex", "raw_partitions");
    if (rules[t].partitions == PARTITIONS_1)
        return 1;
    return (int)(rules[t].partitions == PARTITIONS_raw && raw ? raw : n);
}

static bool gone(struct err *e, int timeout_ms, const char *what)
{
    (void)err_retry(e, "%s: no broker answered within %.1f s", what, timeout_ms / 1000.0);
    e->code = EXIT_CODE_GONE;
    return false;
}

static int left_ms(int64_t until_us)
{
    int64_t left = (until_us - clock_mono_us()) / 1000;
    return left > 0 ? (int)left : 0;
}

/* All topics of the cluster, asked for again and again: one waiting request is not woken when
 * a broker comes up. NULL when nobody answered in time. */
static const struct rd_kafka_metadata *metadata_get(rd_kafka_t *rk, int timeout_ms)
{
    int64_t until_us = clock_mono_us() + timeout_ms * (int64_t)1000;
    int left = timeout_ms;
    do {
        const struct rd_kafka_metadata *md;
        if (rd_kafka_metadata(rk, 1, NULL, &md, MIN(left, 1000)) == RD_KAFKA_RESP_ERR_NO_ERROR)
            return md;
        left = left_ms(until_us);
    } while (left > 0);
    return NULL;
}

static const struct rd_kafka_metadata_topic *metadata_topic(const struct rd_kafka_metadata *md,
                                                            const char *name)
{
    for (int i = 0; i < md->topic_cnt; i++)
        if (strcmp(md->topics[i].topic, name) == 0)
            return &md->topics[i];
    return NULL;
}

static bool topic_has_leaders(const struct rd_kafka_metadata_topic *t)
{
    if (!t || t->err || t->partition_cnt == 0)
        return false;
    for (int i = 0; i < t->partition_cnt; i++)
        if (t->partitions[i].err || t->partitions[i].leader < 0)
            return false;
    return true;
}

size_t topics_partitions(rd_kafka_t *rk, const char *name, int timeout_ms)
{
    const struct rd_kafka_metadata *md = metadata_get(rk, timeout_ms);
    if (!md)
        return SIZE_MAX;
    const struct rd_kafka_metadata_topic *t = metadata_topic(md, name);
    size_t n = t && !t->err ? (size_t)t->partition_cnt : 0;
    rd_kafka_metadata_destroy(md);
    return n;
}

static void new_topic_set(rd_kafka_NewTopic_t *nt, const char *key, const char *value)
{
    CHECK(rd_kafka_NewTopic_set_config(nt, key, value) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

static rd_kafka_NewTopic_t *new_topic(const struct config *c, enum topic t)
{
    char name[TOPIC_NAME], reason[256];
    topic_name(c, t, name);
    rd_kafka_NewTopic_t *nt =
        rd_kafka_NewTopic_new(name, partitions_wanted(c, t), -1, reason, sizeof reason);
    CHECK(nt);
    for (const struct setting *s = settings_of[rules[t].cleanup]; s->key; s++)
        new_topic_set(nt, s->key, s->value);
    if (t == TOPIC_raw || t == TOPIC_imports)
        new_topic_set(nt, "max.message.bytes", RAW_MAX);
    if (t == TOPIC_rejected)
        new_topic_set(nt, "max.message.bytes", REJECTED_MAX);
    return nt;
}

/* Waits for the answer of an admin request; NULL, with the reason, when there is none. */
static rd_kafka_event_t *admin_wait(rd_kafka_queue_t *q, int timeout_ms, const char *what,
                                    struct err *e)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, timeout_ms);
    if (!ev) {
        (void)gone(e, timeout_ms, what);
        return NULL;
    }
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    if (!code)
        return ev;
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT)
        (void)gone(e, timeout_ms, what);
    else
        (void)err_code(e, EXIT_CODE_CONFIG, "%s: %s", what, rd_kafka_event_error_string(ev));
    rd_kafka_event_destroy(ev);
    return NULL;
}

static rd_kafka_AdminOptions_t *admin_options(rd_kafka_t *rk, rd_kafka_admin_op_t op,
                                              int timeout_ms)
{
    char reason[256];
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk, op);
    CHECK(rd_kafka_AdminOptions_set_request_timeout(
              o, MAX(timeout_ms, 1), reason, sizeof reason) == RD_KAFKA_RESP_ERR_NO_ERROR);
    return o;
}

static bool created_check(rd_kafka_event_t *ev, int *made, struct err *e)
{
    size_t n;
    const rd_kafka_topic_result_t **r =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(r[i]);
        if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return err_code(e, EXIT_CODE_CONFIG, "topic %s cannot be made: %s",
                            rd_kafka_topic_result_name(r[i]),
                            rd_kafka_topic_result_error_string(r[i])
                                ? rd_kafka_topic_result_error_string(r[i])
                                : rd_kafka_err2str(code));
        *made += !code;
    }
    return true;
}

static bool topics_make(rd_kafka_t *rk, rd_kafka_NewTopic_t **list, size_t n, int timeout_ms,
                        int *made, struct err *e)
{
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *o = admin_options(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    rd_kafka_CreateTopics(rk, list, n, o, q);
    rd_kafka_event_t *ev = admin_wait(q, timeout_ms + 500, "making topics", e);
    bool is_good = ev && created_check(ev, made, e);
    if (ev)
        rd_kafka_event_destroy(ev);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(q);
    return is_good;
}

/* Topics that are made are not everywhere at once: waits until each partition has a leader. */
static bool leaders_wait(const struct config *c, rd_kafka_t *rk, int64_t until_us,
                         struct err *e)
{
    char name[TOPIC_NAME] = "";
    do {
        const struct rd_kafka_metadata *md = metadata_get(rk, left_ms(until_us));
        enum topic t = md ? 0 : TOPICS_N;
        for (; t < TOPICS_N; t++) {
            topic_name(c, t, name);
            if (!topic_has_leaders(metadata_topic(md, name)))
                break;
        }
        if (!md)
            return gone(e, left_ms(until_us), "topics");
        rd_kafka_metadata_destroy(md);
        if (t == TOPICS_N)
            return true;
        (void)usleep(20000);
    } while (left_ms(until_us) > 0);
    return err_retry(e, "topic %s has partitions without a leader", name);
}

bool topics_apply(const struct config *c, rd_kafka_t *rk, int timeout_ms, int *made,
                  struct err *e)
{
    int64_t until_us = clock_mono_us() + timeout_ms * (int64_t)1000;
    rd_kafka_NewTopic_t *list[TOPICS_N];
    size_t n = 0;
    *made = 0;
    const struct rd_kafka_metadata *md = metadata_get(rk, timeout_ms);
    if (!md)
        return gone(e, timeout_ms, config_get(c, STR("kafka.bootstrap.servers")));
    for (enum topic t = 0; t < TOPICS_N; t++) {
        char name[TOPIC_NAME];
        topic_name(c, t, name);
        if (!metadata_topic(md, name))
            list[n++] = new_topic(c, t);
    }
    rd_kafka_metadata_destroy(md);
    bool is_good = n == 0 || topics_make(rk, list, n, left_ms(until_us), made, e);
    if (n > 0)
        rd_kafka_NewTopic_destroy_array(list, n);
    return is_good && leaders_wait(c, rk, until_us, e);
}

/* Faults are gathered, so that an operator sees all of them at once. */
static void fault(struct buf *faults, const char *format, ...) PRINTF_LIKE(2, 3);
static void fault(struct buf *faults, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(faults, "%s%s", faults->len ? "; " : "", text);
}

static void check_partitions(const struct config *c, enum topic t, const char *name,
                             const struct rd_kafka_metadata_topic *found, struct buf *faults)
{
    int wanted = partitions_wanted(c, t);
    if (!found)
        fault(faults, "topic %s is missing", name);
    else if (found->err)
        fault(faults, "topic %s: %s", name, rd_kafka_err2str(found->err));
    else if (rules[t].partitions == PARTITIONS_1 && found->partition_cnt != 1)
        fault(faults, "topic %s has %d partitions and must have 1", name, found->partition_cnt);
    else if (rules[t].partitions == PARTITIONS_n && found->partition_cnt != wanted)
        fault(faults, "topic %s has %d partitions, `partitions` in [auspex] says %d", name,
              found->partition_cnt, wanted);
}

static const char *entry_value(const rd_kafka_ConfigEntry_t **entries, size_t n,
                               const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), key) == 0) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);
            return value ? value : "";
        }
    return "";
}

static void check_settings(enum topic t, const rd_kafka_ConfigResource_t *r, struct buf *faults)
{
    size_t n;
    const char *name = rd_kafka_ConfigResource_name(r);
    if (rd_kafka_ConfigResource_error(r)) {
        fault(faults, "topic %s: settings cannot be read: %s", name,
              rd_kafka_err2str(rd_kafka_ConfigResource_error(r)));
        return;
    }
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(r, &n);
    const char *stamps = entry_value(entries, n, "message.timestamp.type");
    const char *cleanup = entry_value(entries, n, "cleanup.policy");
    const char *retention = entry_value(entries, n, "retention.ms");
    bool is_compacted = strstr(cleanup, "compact") != NULL;
    if ((t == TOPIC_raw || t == TOPIC_imports || t == TOPIC_control) &&
        strcmp(stamps, "LogAppendTime") != 0)
        fault(faults,
              "topic %s has message.timestamp.type=%s and must have LogAppendTime: received "
              "times come from the broker",
              name, stamps);
    if (rules[t].cleanup == CLEANUP_compact && strcmp(cleanup, "compact") != 0)
        fault(faults, "topic %s has cleanup.policy=%s and must have compact", name, cleanup);
    if (rules[t].cleanup != CLEANUP_compact && is_compacted)
        fault(faults, "topic %s has cleanup.policy=%s and must not be compacted", name,
              cleanup);
    if (rules[t].cleanup == CLEANUP_keep && strcmp(retention, "-1") != 0)
        fault(faults, "topic %s has retention.ms=%s and must have -1: its records stay", name,
              retention);
}

static bool settings_ask(const struct config *c, rd_kafka_t *rk, unsigned mask, int timeout_ms,
                         struct buf *faults, struct err *e)
{
    rd_kafka_ConfigResource_t *list[TOPICS_N];
    enum topic topics[TOPICS_N];
    size_t n = 0, got = 0;
    for (enum topic t = 0; t < TOPICS_N; t++) {
        char name[TOPIC_NAME];
        if (!(mask & 1u << t))
            continue;
        topic_name(c, t, name);
        topics[n] = t;
        list[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    }
    if (n == 0)
        return true;
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *o =
        admin_options(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_DescribeConfigs(rk, list, n, o, q);
    rd_kafka_event_t *ev = admin_wait(q, timeout_ms + 500, "settings of topics", e);
    if (ev) {
        const rd_kafka_ConfigResource_t **r = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(ev), &got);
        for (size_t i = 0; i < got && i < n; i++)
            check_settings(topics[i], r[i], faults);
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_ConfigResource_destroy_array(list, n);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(q);
    return ev != NULL;
}

bool topics_check(const struct config *c, rd_kafka_t *rk, unsigned mask, int timeout_ms,
                  struct err *e)
{
    int64_t until_us = clock_mono_us() + timeout_ms * (int64_t)1000;
    struct buf faults = {0};
    unsigned found = 0, missing = 0;
    const struct rd_kafka_metadata *md = metadata_get(rk, timeout_ms);
    if (!md)
        return gone(e, timeout_ms, config_get(c, STR("kafka.bootstrap.servers")));
    for (enum topic t = 0; t < TOPICS_N; t++) {
        char name[TOPIC_NAME];
        if (!(mask & 1u << t))
            continue;
        topic_name(c, t, name);
        const struct rd_kafka_metadata_topic *there = metadata_topic(md, name);
        check_partitions(c, t, name, there, &faults);
        if (there && !there->err)
            found |= 1u << t;
        else if (!there)
            missing++;
    }
    rd_kafka_metadata_destroy(md);
    if (missing > 0)
        buf_text(&faults, " (`auspexctl topics apply` makes what is missing)");
    bool is_good = settings_ask(c, rk, found, MAX(left_ms(until_us), 1000), &faults, e);
    if (is_good && faults.len > 0)
        is_good = err_code(e, EXIT_CODE_CONFIG, "%s", buf_cstr(&faults));
    buf_fini(&faults);
    return is_good;
}

/* One request a leader for all partitions; as times, -2 and -1 stand for first and end. */
static bool offsets_at(rd_kafka_t *rk, const char *name, size_t n, int64_t when,
                       int64_t *offset, int timeout_ms, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t p = 0; p < n; p++)
        rd_kafka_topic_partition_list_add(list, name, (int32_t)p)->offset = when;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, list, timeout_ms);
    for (size_t p = 0; p < n && !code; p++) {
        code = list->elems[p].err;
        offset[p] = list->elems[p].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return !code || err_retry(e, "ends of topic %s: %s", name, rd_kafka_err2str(code));
}

bool topics_ends(rd_kafka_t *rk, const char *name, size_t n, int64_t *first, int64_t *end,
                 int timeout_ms, struct err *e)
{
    return offsets_at(rk, name, n, RD_KAFKA_OFFSET_BEGINNING, first, timeout_ms, e) &&
           offsets_at(rk, name, n, RD_KAFKA_OFFSET_END, end, timeout_ms, e);
}

bool topics_committed(rd_kafka_t *rk, const char *name, size_t n, int64_t *offset,
                      int timeout_ms, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t p = 0; p < n; p++)
        (void)rd_kafka_topic_partition_list_add(list, name, (int32_t)p);
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, list, timeout_ms);
    for (size_t p = 0; p < n && !code; p++) {
        code = list->elems[p].err;
        offset[p] = list->elems[p].offset >= 0 ? list->elems[p].offset : -1;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return !code ||
           err_retry(e, "committed offsets of topic %s: %s", name, rd_kafka_err2str(code));
}
