/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/archiver.h"

#include "archiver/batch.h"
#include "archiver/lanes.h"
#include "archiver/read.h"
#include "archiver/store.h"
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/bus/topics.h"
#include "common/wire/in.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const enum topic inputs[] = {TOPIC_events,   TOPIC_rejected,    TOPIC_features,
                                    TOPIC_sessions, TOPIC_predictions, TOPIC_interventions,
                                    TOPIC_outcomes, TOPIC_deliveries};
enum { INPUTS_N = ARRAY_LEN(inputs) };

/* One partition of an input. Written by archiver_seek before its first record, then by the
 * loop. */
struct source {
    bool is_sought;
    uint64_t next; /* offset of the next record */
    struct lanes marks;
    struct counter *repeats;
};

/* How records that PostgreSQL refused get to `rejected`: the worker finds them, the loop gives
 * them out and sees them acknowledged, the worker goes on. */
enum refusal { REFUSAL_NONE, REFUSAL_FOUND, REFUSAL_GIVEN, REFUSAL_STORED };

struct archiver {
    struct store *store;
    char *topics[TOPICS_N];
    uint32_t partitions;
    size_t batch_rows;
    struct source *sources; /* INPUTS_N * partitions */
    struct batch open, sealed;
    struct arena arena; /* of one record */
    struct reading reading;
    _Atomic enum refusal refusal;
    uint64_t refusal_until; /* number of the output behind the last that was given */
    struct counter *rows[TABLES_N], *database_up;
};

struct archiver *archiver_new(const struct archiver_setup *setup, struct err *e)
{
    struct store *store = store_new(setup->dsn, setup->group, setup->instance, e);
    if (!store)
        return NULL;
    struct archiver *a = mem_zero(1, sizeof *a);
    a->store = store;
    a->partitions = setup->partitions;
    a->batch_rows = setup->batch_rows;
    a->sources = mem_zero((size_t)INPUTS_N * a->partitions, sizeof *a->sources);
    a->database_up = counter_of(setup->counters, COUNTER_archiver_database_up, NULL, NULL);
    for (int t = 0; t < TABLES_N; t++)
        a->rows[t] = counter_of(setup->counters, COUNTER_archiver_rows_total,
                                store_tables(store)[t].name, NULL);
    for (size_t i = 0; i < INPUTS_N; i++) {
        a->topics[inputs[i]] = mem_text(setup->topics[inputs[i]]);
        struct counter *repeats = counter_of(setup->counters, COUNTER_all_repeats_dropped_total,
                                             topic_word(inputs[i]), NULL);
        for (uint32_t p = 0; p < a->partitions; p++)
            a->sources[i * a->partitions + p].repeats = repeats;
    }
    return a;
}

struct store *archiver_store(struct archiver *a)
{
    return a->store;
}

void *archiver_open(const struct stage_env *env, struct err *e)
{
    char group[TOPIC_NAME], names[TOPICS_N][TOPIC_NAME];
    struct archiver_setup setup = {
        .dsn = config_text(env->config, "postgres", "dsn"),
        .group = group,
        .instance = env->instance,
        .partitions = env->partitions,
        .batch_rows = config_u64(env->config, "archiver", "batch_rows"),
        .counters = env->counters,
    };
    topics_group(env->config, "archiver", group);
    for (enum topic t = 0; t < TOPICS_N; t++) {
        topic_name(env->config, t, names[t]);
        setup.topics[t] = names[t];
    }
    return archiver_new(&setup, e);
}

void archiver_close(void *core)
{
    struct archiver *a = core;
    for (size_t i = 0; i < (size_t)INPUTS_N * a->partitions; i++)
        lanes_fini(&a->sources[i].marks);
    for (enum topic t = 0; t < TOPICS_N; t++)
        free(a->topics[t]);
    store_free(a->store);
    batch_fini(&a->open);
    batch_fini(&a->sealed);
    arena_fini(&a->arena);
    free(a->sources);
    free(a);
}

static size_t source_of(const struct archiver *a, enum topic t, uint32_t partition)
{
    size_t i = 0;
    while (i < INPUTS_N && inputs[i] != t)
        i++;
    CHECK(i < INPUTS_N && partition < a->partitions);
    return i * a->partitions + partition;
}

/* Gives a record to `rejected`: what could not be read at once, what was refused from the
 * batch. */
static void reject(struct outbox *out, const struct batch_record *r, const char *reason,
                   unsigned lane, const char *detail, struct str body)
{
    char text[128], word[32];
    struct rejected rejected;
    rejected_init(&rejected);
    POSITION_SET(&rejected, &r->position);
    (void)snprintf(text, sizeof text, "%s %s", lane_word(lane, word), detail);
    rejected.received_us = r->received_us;
    rejected.stage = STR("archiver");
    rejected.reason = str_of(reason);
    rejected.detail = str_of(text);
    rejected.site_id = r->site_id;
    rejected.of_import = r->of_import;
    rejected.body = body;
    rejected_pack(outbox_begin(out), &rejected);
    outbox_end(out, TOPIC_rejected, r->partition, (struct str){NULL, 0});
}

static struct position place_position(const struct stage_message *m)
{
    return (struct position){
        .epoch = 1, .origin = ORIGIN_EVENTS, .partition = m->partition, .offset = m->offset};
}

/* A record without a position we could trust gets that of its own place. */
static void reject_unreadable(struct archiver *a, const struct stage_message *m,
                              struct outbox *out)
{
    struct batch_record r = {
        .partition = m->partition,
        .position = place_position(m),
        .received_us =
            batch_takes_day(m->append_us) ? m->append_us : clock_days(2000, 1, 1) * DAY_US,
    };
    reject(out, &r, "bad_record", lane_of(m->topic, false), a->reading.fault, m->value);
}

static void add_row(struct archiver *a, enum table t, uint32_t record,
                    const struct place *place, const void *item)
{
    const void *const bases[BASES_N] = {place, &a->reading.record, item};
    batch_row(&a->open, t, &store_tables(a->store)[t], record, bases);
}

static void add_kinds(struct archiver *a, uint32_t record, const struct place *place)
{
    const struct prediction *p = &a->reading.record.prediction;
    struct in in = in_over(p->kinds.at, p->kinds.len);
    for (uint32_t n = p->kinds.n > 0 && p->verdict == 0 ? in_array(&in) : 0; n > 0; n--) {
        struct str raw = in_raw(&in);
        struct kind k;
        CHECK(kind_read(&k, raw.at, raw.len) == WIRE_OK);
        add_row(a, TABLE_PREDICTIONS, record, place, &k);
    }
}

/* The verdict on an event: counted, or a repeat; a conflict stands in `rejected`. */
static void add_vector(struct archiver *a, uint32_t record, const struct place *place)
{
    uint64_t verdict = a->reading.record.vector.verdict;
    if (verdict <= 1)
        add_row(a, verdict == 0 ? TABLE_FEATURES : TABLE_REPEATS, record, place, NULL);
}

/* What featurizer heard between events, for who computes its features anew: the record, and
 * behind featurizer the clock that it told with it. */
static void add_notice(struct archiver *a, uint32_t record, const struct stage_message *m)
{
    const struct reading *r = &a->reading;
    bool is_told = m->topic == TOPIC_features;
    const struct place here = {m->partition, m->offset};
    const struct place there = {r->position.partition, r->position.offset};
    const struct notice n = {.epoch = r->position.epoch,
                             .rec = r->position.rec,
                             .received_us = r->received_us,
                             .clock_us = is_told ? r->record.import_end.clock_us : 0,
                             .record = is_told ? (struct str){NULL, 0} : m->value};
    const void *const bases[BASES_N] = {is_told ? &there : &here, &n, NULL};
    batch_row(&a->open, TABLE_NOTICES, &store_tables(a->store)[TABLE_NOTICES], record, bases);
}

/* Of the topics whose records are a row each. */
static enum table table_of(enum topic t)
{
    static const enum table tables[TOPICS_N] = {
        [TOPIC_events] = TABLE_EVENTS_ALL, [TOPIC_sessions] = TABLE_SESSIONS,
        [TOPIC_rejected] = TABLE_REJECTED, [TOPIC_interventions] = TABLE_INTERVENTIONS,
        [TOPIC_outcomes] = TABLE_OUTCOMES, [TOPIC_deliveries] = TABLE_DELIVERIES,
    };
    return tables[t];
}

/* What a record is known by in `rejected`, should its row be refused: a delivery's own position
 * is the intervention's, so its place stands for it. */
static struct position identity(const struct reading *r, const struct stage_message *m)
{
    return m->topic == TOPIC_deliveries ? place_position(m) : r->position;
}

static void add_rows(struct archiver *a, const struct stage_message *m, enum read_status status)
{
    const struct reading *r = &a->reading;
    const struct place place = {m->partition, m->offset};
    uint32_t record = batch_record(&a->open,
                                   &(struct batch_record){.topic = m->topic,
                                                          .partition = m->partition,
                                                          .position = identity(r, m),
                                                          .received_us = r->received_us,
                                                          .site_id = r->site_id,
                                                          .of_import = r->of_import},
                                   m->value);
    if (status == READ_NOTICE)
        add_notice(a, record, m);
    else if (m->topic == TOPIC_features)
        add_vector(a, record, &place);
    else if (m->topic == TOPIC_predictions)
        add_kinds(a, record, &place);
    else
        add_row(a, table_of(m->topic), record, &place, NULL);
}

/* Whether the record's position is above its mark, which moves to it. Deliveries have none:
 * they come in transactions, so never twice, and stand at the interventions' positions in no
 * order. */
static bool is_new(struct source *s, const struct reading *r, enum topic t)
{
    unsigned lane = LANE_MAIN;
    if (t == TOPIC_deliveries)
        return true;
    if (t == TOPIC_rejected && r->position.rec == REC_rejected)
        lane = lane_of_rejected(r->record.rejected.stage, r->record.rejected.detail);
    return marks_pass(&s->marks.at[lane], &r->position);
}

static void use(struct archiver *a, struct source *s, const struct stage_message *m,
                struct outbox *out)
{
    enum read_status status = read_message(&a->reading, m, &a->arena);
    if (status == READ_BAD)
        reject_unreadable(a, m, out);
    else if (!is_new(s, &a->reading, m->topic))
        counter_add(s->repeats, 1);
    else if (status == READ_ROW || status == READ_NOTICE)
        add_rows(a, m, status);
}

enum stage_step archiver_record(void *core, const struct stage_message *m, struct outbox *out)
{
    struct archiver *a = core;
    size_t i = source_of(a, m->topic, m->partition);
    struct source *s = &a->sources[i];
    CHECK(s->is_sought && m->offset >= s->next);
    if (batch_is_full(&a->open, a->batch_rows))
        return STEP_WAIT;
    arena_reset(&a->arena);
    use(a, s, m, out);
    batch_move(&a->open, &(struct batch_move){.source = i,
                                              .topic = a->topics[m->topic],
                                              .partition = m->partition,
                                              .old_offset = s->next,
                                              .new_offset = m->offset + 1});
    s->next = m->offset + 1;
    return STEP_DONE;
}

bool archiver_seal(void *core)
{
    struct archiver *a = core;
    if (!batch_is_empty(&a->sealed)) /* not stored yet */
        return true;
    if (batch_is_empty(&a->open))
        return false;
    struct batch empty = a->sealed;
    a->sealed = a->open;
    a->open = empty;
    struct batch *b = &a->sealed;
    for (size_t i = 0; i < b->n_moves; i++) {
        struct batch_move *m = &b->moves[i];
        m->marks_at = b->marks.len;
        lanes_print(&a->sources[m->source].marks, &b->marks);
        m->marks_len = b->marks.len - m->marks_at;
    }
    return true;
}

enum sink_result archiver_flush(void *core, struct err *e)
{
    static const enum sink_result results[] = {[STORE_DONE] = SINK_STORED,
                                               [STORE_RETRY] = SINK_RETRY,
                                               [STORE_FENCED] = SINK_FENCED,
                                               [STORE_REFUSED] = SINK_RETRY,
                                               [STORE_FATAL] = SINK_FATAL};
    struct archiver *a = core;
    enum refusal refusal = atomic_load(&a->refusal);
    if (refusal == REFUSAL_FOUND || refusal == REFUSAL_GIVEN) {
        err_retry(e, "%zu refused records are not in topic rejected yet", a->sealed.n_refused);
        return SINK_RETRY;
    }
    enum store_result result = store_put(a->store, &a->sealed, e);
    atomic_store(&a->refusal, result == STORE_REFUSED ? REFUSAL_FOUND : refusal);
    if (result == STORE_DONE) {
        batch_reset(&a->sealed);
        atomic_store(&a->refusal, REFUSAL_NONE);
    }
    return results[result];
}

static void give_refused(struct archiver *a, struct outbox *out)
{
    const struct batch *b = &a->sealed;
    for (size_t i = 0; i < b->n_records; i++) {
        const struct batch_record *r = &b->records[i];
        if (r->is_refused)
            reject(out, r, "row_refused", lane_of(r->topic, true), r->sqlstate,
                   str_over(b->values.at + r->value_at, r->value_len));
    }
    a->refusal_until = outbox_next(out);
    atomic_store(&a->refusal, REFUSAL_GIVEN);
}

void archiver_timer(void *core, int64_t mono_us, struct outbox *out)
{
    struct archiver *a = core;
    (void)mono_us;
    enum refusal refusal = atomic_load(&a->refusal);
    if (refusal == REFUSAL_FOUND)
        give_refused(a, out);
    else if (refusal == REFUSAL_GIVEN && outbox_first(out) >= a->refusal_until)
        atomic_store(&a->refusal, REFUSAL_STORED);
    for (enum table t = 0; t < TABLES_N; t++)
        counter_add(a->rows[t], (double)store_take_rows(a->store, t));
    counter_set(a->database_up, store_is_up(a->store));
}

bool archiver_is_ready(void *core, struct str *reason)
{
    struct archiver *a = core;
    bool is_up = store_is_up(a->store);
    if (!is_up)
        *reason = STR("PostgreSQL does not answer");
    return is_up;
}

enum sink_result archiver_seek(void *core, enum topic t, uint32_t partition, uint64_t *offset,
                               struct err *e)
{
    struct archiver *a = core;
    struct source *s = &a->sources[source_of(a, t, partition)];
    struct buf marks = {0};
    enum store_result result =
        store_seek(a->store, a->topics[t], partition, &s->next, &marks, e);
    bool is_good = result == STORE_DONE;
    if (is_good && !lanes_parse(&s->marks, buf_as_str(&marks))) {
        is_good = false;
        result = STORE_FATAL;
        err_code(e, EXIT_CODE_CONFIG, "archive_offsets: marks of %s/%" PRIu32 " cannot be read",
                 a->topics[t], partition);
    }
    buf_fini(&marks);
    s->is_sought = is_good;
    *offset = s->next;
    return is_good ? SINK_STORED : result == STORE_RETRY ? SINK_RETRY : SINK_FATAL;
}

void archiver_forget(void *core)
{
    struct archiver *a = core;
    batch_reset(&a->open);
    batch_reset(&a->sealed);
    atomic_store(&a->refusal, REFUSAL_NONE);
    for (size_t i = 0; i < (size_t)INPUTS_N * a->partitions; i++)
        a->sources[i].is_sought = false;
}
