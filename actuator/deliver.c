/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/deliver.h"

#include "actuator/backoff.h"
#include "actuator/parcel.h"
#include "actuator/transport.h"
#include "actuator/webhook.h"
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"
#include "common/wire/json_out.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STEPS_PER_TURN = 1000 }; /* what is due, taken at once: the loop has other work */

enum result { DELIVERED, RETRY, EXPIRED, GONE, REFUSED, RESULTS_N };
static const char *const words[RESULTS_N] = {"delivered", "retry", "expired", "gone",
                                             "refused"};

/* The parcels of one webhook. */
struct lane {
    const struct hook *hook; /* NULL: of webhooks that are not configured */
    bool is_gone;            /* it has answered 410 */
    struct ring ready;
    uint64_t flying;
};

/* One attempt that is under way, or answered and not taken yet. */
struct flight {
    struct deliver *d;
    struct parcel *parcel;
    void *sending; /* NULL once it is answered */
    struct ring link;
    int64_t started_us;
    struct answer answer;
    struct buf body;
};

struct part {
    struct entries parcels;
    bool is_assigned, is_taken_up; /* its restored parcels are in the queue */
    struct buf open, cut;          /* results: since the cut; of the cut */
    size_t given;                  /* bytes of the cut's results packed already */
};

struct deliver {
    struct hooks hooks;
    struct transport transport;
    const char *prefix; /* topic_prefix */
    int64_t first_us;   /* wait after the first attempt */
    uint64_t parallel, each;
    bool is_off; /* a replay */
    bool is_retiring;
    struct part *parts;
    uint32_t n_parts;
    struct lane *lanes; /* one for each hook, and the last for those that are not known */
    size_t n_lanes, turn;
    struct ring held, answered;
    struct duequeue queue;
    uint64_t flying, n_parcels;
    size_t open_bytes, cut_bytes; /* results of all partitions */
    struct buf key, record;       /* scratch */
    struct counter *results[RESULTS_N], *pending;
};

static bool is_replay(const struct config *c)
{
    const char *output = config_text(c, "auspex", "output_prefix");
    return output[0] && strcmp(output, config_text(c, "auspex", "topic_prefix")) != 0;
}

static void lanes_open(struct deliver *d)
{
    d->n_lanes = d->hooks.n + 1;
    d->lanes = mem_zero(d->n_lanes, sizeof *d->lanes);
    for (size_t i = 0; i < d->n_lanes; i++)
        ring_init(&d->lanes[i].ready);
    for (size_t i = 0; i < d->hooks.n; i++) {
        const struct hook *h = d->lanes[i].hook = &d->hooks.at[i];
        if (h->is_refused)
            log_warn("webhook is refused: its address is private", "webhook=%s", h->name);
    }
}

struct deliver *deliver_new_over(const struct stage_env *env, const struct transport *t,
                                 struct err *e)
{
    struct deliver *d = mem_zero(1, sizeof *d);
    const struct config *c = env->config;
    d->transport = *t;
    d->prefix = config_text(c, "auspex", "topic_prefix");
    d->first_us = (int64_t)config_u64(c, "actuator", "webhook_retry_ms") * 1000;
    d->is_off = is_replay(c);
    d->n_parts = env->partitions;
    d->parts = mem_zero(d->n_parts, sizeof *d->parts);
    ring_init(&d->held);
    ring_init(&d->answered);
    for (size_t i = 0; i < RESULTS_N; i++)
        d->results[i] =
            counter_of(env->counters, COUNTER_actuator_deliveries_total, words[i], NULL);
    d->pending = counter_of(env->counters, COUNTER_actuator_pending_deliveries, NULL, NULL);
    bool is_good = hooks_read(&d->hooks, c, e);
    lanes_open(d);
    /* an equal share at most: those that are slow leave room for the others */
    d->parallel = config_u64(c, "actuator", "webhook_parallel");
    uint64_t share = d->parallel / MAX(d->hooks.n, (size_t)1);
    d->each = MIN(config_u64(c, "actuator", "webhook_each"), MAX(share, (uint64_t)1));
    if (is_good)
        return d;
    deliver_free(d);
    return NULL;
}

struct deliver *deliver_new(const struct stage_env *env, struct err *e)
{
    struct transport t =
        webhook_open(env->loop, config_u64(env->config, "actuator", "webhook_timeout_ms"));
    return deliver_new_over(env, &t, e);
}

void deliver_free(struct deliver *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < d->n_parts; i++)
        deliver_revoke(d, i);
    d->transport.free(d->transport.self);
    hooks_fini(&d->hooks);
    duequeue_fini(&d->queue);
    buf_fini(&d->key);
    buf_fini(&d->record);
    free(d->lanes);
    free(d->parts);
    free(d);
}

static struct part *part_of(struct deliver *d, uint32_t partition)
{
    CHECK(partition < d->n_parts && d->parts[partition].is_assigned);
    return &d->parts[partition];
}

void deliver_assign(struct deliver *d, uint32_t partition)
{
    CHECK(partition < d->n_parts && !d->parts[partition].is_assigned);
    struct part *part = &d->parts[partition];
    entries_init(&part->parcels, &parcel_type);
    part->is_assigned = true;
}

static void flight_free(struct flight *f)
{
    struct deliver *d = f->d;
    if (f->sending)
        d->transport.cancel(d->transport.self, f->sending);
    else
        ring_remove(&f->link);
    f->parcel->flight = NULL;
    f->parcel->lane->flying--;
    d->flying--;
    buf_fini(&f->body);
    free(f);
}

/* Takes a parcel off whatever it is on; it is forgotten, or its partition is. */
static void let_go(struct entry *x, void *to)
{
    struct deliver *d = to;
    struct parcel *p = (struct parcel *)x;
    if (p->state == PARCEL_ASIDE)
        return;
    if (p->flight)
        flight_free(p->flight);
    ring_remove(&p->link);
    duequeue_drop(&d->queue, &p->due);
    p->state = PARCEL_ASIDE;
    d->n_parcels--;
}

void deliver_revoke(struct deliver *d, uint32_t partition)
{
    struct part *part = &d->parts[partition];
    if (!part->is_assigned)
        return;
    entries_each(&part->parcels, let_go, d);
    entries_fini(&part->parcels);
    d->open_bytes -= part->open.len;
    d->cut_bytes -= part->cut.len;
    buf_fini(&part->open);
    buf_fini(&part->cut);
    *part = (struct part){0};
}

/* --- what came of a parcel --- */

struct outcome_of_try {
    enum result result;
    unsigned status;
    int64_t started_us, now_us, next_us;
    const char *detail;
};

static void note(struct deliver *d, struct parcel *p, const struct intervention *i,
                 uint64_t attempt, const struct outcome_of_try *o)
{
    struct part *part = part_of(d, p->partition);
    struct delivery r;
    delivery_init(&r);
    POSITION_SET(&r, i);
    r.started_us = o->started_us;
    r.visitor = i->visitor;
    r.site_id = i->site_id;
    r.intervention_id = i->intervention_id;
    r.policy = i->policy;
    r.attempt = attempt;
    r.webhook = i->webhook;
    r.result = str_of(words[o->result]);
    r.status = o->status;
    r.took_ms = (uint64_t)MAX(o->now_us - o->started_us, (int64_t)0) / 1000;
    r.detail = str_of(o->detail);
    r.next_us = o->next_us;
    size_t before = part->open.len;
    results_add(&part->open, &r);
    d->open_bytes += part->open.len - before;
    counter_add(d->results[o->result], 1);
    if (o->result != DELIVERED)
        log_info("not delivered",
                 "webhook=%.*s result=%s status=%u attempt=%" PRIu64 " detail=\"%s\"",
                 STR_ARGS(i->webhook), words[o->result], o->status, attempt, o->detail);
}

/* The last that is heard of a parcel. */
static void finish(struct deliver *d, struct parcel *p, const struct outcome_of_try *o)
{
    struct intervention i;
    parcel_intervention(p, &i);
    note(d, p, &i, p->attempts + 1, o);
    let_go(&p->entry, d);
    entries_forget(&part_of(d, p->partition)->parcels, &p->entry);
}

static void finish_without(struct deliver *d, struct parcel *p, enum result result,
                           const char *detail, int64_t now_us)
{
    struct outcome_of_try o = {
        .result = result, .started_us = now_us, .now_us = now_us, .detail = detail};
    finish(d, p, &o);
}

static void wait(struct deliver *d, struct parcel *p)
{
    int64_t at_us = p->lane->is_gone ? INT64_MIN : MIN(p->next_us, p->expires_us);
    p->state = PARCEL_WAITING;
    duequeue_put(&d->queue, &p->due, at_us);
}

/* An attempt has failed: there will be another, or none before it expires. */
static void fail(struct deliver *d, struct parcel *p, struct outcome_of_try *o,
                 struct str retry_after)
{
    struct intervention i;
    parcel_intervention(p, &i);
    struct backoff_try t = {.id = i.intervention_id,
                            .attempt = p->attempts + 1,
                            .status = o->status,
                            .retry_after = retry_after,
                            .now_us = o->now_us,
                            .expires_us = p->expires_us,
                            .first_us = d->first_us};
    entries_touch(&part_of(d, p->partition)->parcels, &p->entry);
    p->attempts++;
    p->next_us = o->next_us = backoff_next_us(&t);
    o->result = RETRY;
    note(d, p, &i, p->attempts, o);
    wait(d, p);
}

static bool is_of_lane(struct due *due, const void *lane)
{
    return CONTAINER_OF(due, struct parcel, due)->lane == lane;
}

/* 410 says that nobody will ever want these: nothing goes there again in this process. */
static void close_lane(struct deliver *d, struct lane *lane)
{
    if (lane->is_gone)
        return;
    lane->is_gone = true;
    log_warn("webhook is gone: nothing is sent there until a restart", "webhook=%s",
             lane->hook->name);
    duequeue_hurry(&d->queue, is_of_lane, lane);
}

static void take_answer(struct deliver *d, struct flight *f, int64_t now_us)
{
    struct parcel *p = f->parcel;
    struct answer a = f->answer;
    struct outcome_of_try o = {
        .status = a.status, .started_us = f->started_us, .now_us = now_us, .detail = a.detail};
    bool is_delivered = a.status >= 200 && a.status < 300;
    struct lane *lane = p->lane;
    flight_free(f);
    if (is_delivered || a.status == 410) {
        o.result = is_delivered ? DELIVERED : GONE;
        finish(d, p, &o);
        if (!is_delivered)
            close_lane(d, lane);
        return;
    }
    if (a.status >= 300 && a.status < 400)
        o.detail = "redirects are not followed";
    fail(d, p, &o, str_of(a.retry_after));
}

static void on_answer(void *tag, const struct answer *a)
{
    struct flight *f = tag;
    f->answer = *a;
    f->sending = NULL;
    ring_add(&f->d->answered, &f->link);
}

/* --- from intervention to attempt --- */

static struct lane *lane_of(struct deliver *d, struct str webhook)
{
    size_t i = 0;
    while (i < d->hooks.n && !str_is(webhook, d->hooks.at[i].name))
        i++;
    return &d->lanes[i];
}

static void parcel_open(struct deliver *d, struct parcel *p, uint32_t partition,
                        const struct intervention *i)
{
    p->partition = partition;
    p->expires_us = i->expires_us;
    p->lane = lane_of(d, i->webhook);
    ring_init(&p->link);
    d->n_parcels++;
}

/* The predictions alone have no bound: what is too long goes without them. */
static void record_make(struct deliver *d, const struct intervention *i)
{
    struct intervention less = *i;
    buf_reset(&d->record);
    intervention_pack(&d->record, i);
    if (d->record.len <= PARCEL_RECORD)
        return;
    less.kinds = (struct wire_list){0};
    buf_reset(&d->record);
    intervention_pack(&d->record, &less);
}

void deliver_add(struct deliver *d, uint32_t partition, const struct intervention *i,
                 uint64_t number)
{
    struct part *part = part_of(d, partition);
    if (d->is_off)
        return;
    struct entry *x = entries_take(&part->parcels, parcel_key(&d->key, i->intervention_id));
    struct parcel *p = (struct parcel *)x;
    CHECK(!p->record);
    record_make(d, i);
    entries_touch(&part->parcels, x);
    parcel_keep(&part->parcels, p, buf_as_str(&d->record));
    parcel_open(d, p, partition, i);
    p->state = PARCEL_HELD;
    p->number = number;
    ring_add(&d->held, &p->link);
}

struct taking_up {
    struct deliver *d;
    uint32_t partition;
};

static void take_up(struct entry *x, void *to)
{
    struct taking_up *t = to;
    struct parcel *p = (struct parcel *)x;
    struct intervention i;
    if (p->state != PARCEL_ASIDE)
        return;
    parcel_intervention(p, &i);
    parcel_open(t->d, p, t->partition, &i);
    wait(t->d, p);
}

/* Restored parcels, once restoring is over: their records were acknowledged long ago. */
static void take_up_restored(struct deliver *d)
{
    for (uint32_t i = 0; i < d->n_parts; i++) {
        struct part *part = &d->parts[i];
        struct taking_up t = {d, i};
        if (part->is_assigned && !part->is_taken_up)
            entries_each(&part->parcels, take_up, &t);
        part->is_taken_up = part->is_assigned;
    }
}

static void take_acknowledged(struct deliver *d, const struct outbox *out)
{
    while (!ring_is_empty(&d->held)) {
        struct parcel *p = CONTAINER_OF(d->held.next, struct parcel, link);
        if (p->number >= outbox_first(out))
            return;
        ring_remove(&p->link);
        wait(d, p);
    }
}

/* A parcel whose time has come: it may go, or it has ended. */
static void take_due(struct deliver *d, struct parcel *p, int64_t now_us)
{
    struct lane *lane = p->lane;
    if (lane->is_gone) {
        finish_without(d, p, GONE, "the webhook has answered 410 before", now_us);
    } else if (now_us >= p->expires_us) {
        finish_without(d, p, EXPIRED, "older than its policy's max_age_s", now_us);
    } else if (!lane->hook) {
        struct outcome_of_try o = {.started_us = now_us,
                                   .now_us = now_us,
                                   .detail = "no webhook of this name is configured"};
        fail(d, p, &o, (struct str){NULL, 0});
    } else if (lane->hook->is_refused) {
        finish_without(d, p, REFUSED, "the address is private, which allow_private is to allow",
                       now_us);
    } else {
        p->state = PARCEL_READY;
        ring_add(&lane->ready, &p->link);
        duequeue_put(&d->queue, &p->due, p->expires_us);
    }
}

/* The same in each attempt, and another under another prefix. The id of Standard Webhooks has
 * no dot, since dots part what is signed. */
static void id_make(const struct deliver *d, struct str intervention_id, struct buf *id)
{
    buf_reset(id);
    buf_printf(id, "auspex_%.*s", STR_ARGS(intervention_id));
    if (strcmp(d->prefix, "auspex") == 0)
        return;
    buf_byte(id, '_');
    for (const char *c = d->prefix; *c; c++)
        buf_byte(id, *c == '.' ? '_' : (uint8_t)*c);
}

static void begin(struct deliver *d, struct lane *lane, int64_t now_us)
{
    struct parcel *p = CONTAINER_OF(lane->ready.next, struct parcel, link);
    struct flight *f = mem_zero(1, sizeof *f);
    struct intervention i;
    parcel_intervention(p, &i);
    record_json(&f->body, &intervention_def, &i);
    id_make(d, i.intervention_id, &d->key);
    ring_remove(&p->link);
    duequeue_drop(&d->queue, &p->due);
    ring_init(&f->link);
    f->d = d;
    f->parcel = p;
    f->started_us = now_us;
    p->state = PARCEL_FLYING;
    p->flight = f;
    lane->flying++;
    d->flying++;
    struct request r = {.hook = lane->hook,
                        .id = buf_as_str(&d->key),
                        .body = buf_as_str(&f->body),
                        .timestamp_s = clock_floor(now_us, SECOND_US),
                        .done = on_answer,
                        .tag = f};
    f->sending = d->transport.begin(d->transport.self, &r);
}

/* One of each lane in turn, so that none waits for another. */
static void begin_ready(struct deliver *d, int64_t now_us)
{
    for (size_t passed = 0; passed < d->n_lanes && d->flying < d->parallel;) {
        struct lane *lane = &d->lanes[d->turn];
        d->turn = (d->turn + 1) % d->n_lanes;
        passed++;
        if (ring_is_empty(&lane->ready) || lane->flying >= d->each)
            continue;
        begin(d, lane, now_us);
        passed = 0;
    }
}

static bool is_full(const struct deliver *d)
{
    return d->open_bytes + d->cut_bytes >= DELIVER_RESULTS;
}

void deliver_turn(struct deliver *d, const struct outbox *out, int64_t now_us)
{
    if (d->is_off)
        return;
    take_up_restored(d);
    take_acknowledged(d, out);
    while (!ring_is_empty(&d->answered))
        take_answer(d, CONTAINER_OF(d->answered.next, struct flight, link), now_us);
    for (int n = 0; n < STEPS_PER_TURN && !d->is_retiring && !is_full(d); n++) {
        struct due *first = duequeue_first(&d->queue);
        if (!first || first->at_us > now_us)
            break;
        take_due(d, CONTAINER_OF(first, struct parcel, due), now_us);
    }
    if (!d->is_retiring && !is_full(d))
        begin_ready(d, now_us);
    counter_set(d->pending, (double)d->n_parcels);
}

bool deliver_retire(struct deliver *d)
{
    d->is_retiring = true;
    return d->flying == 0;
}

/* --- checkpoints --- */

/* Results of a cut count until the next one, which makes room where they are too many. */
bool deliver_is_changed(const struct deliver *d)
{
    return d->open_bytes > 0 || is_full(d);
}

bool deliver_owns(struct str key)
{
    return parcel_owns(key);
}

bool deliver_restore(struct deliver *d, uint32_t partition, struct str key, struct str value,
                     struct err *e)
{
    return entries_restore(&part_of(d, partition)->parcels, key, value, e);
}

void deliver_cut(struct deliver *d, uint32_t partition)
{
    struct part *part = part_of(d, partition);
    entries_cut(&part->parcels);
    /* what the cut before had is recorded: it came through */
    d->cut_bytes += part->open.len - part->cut.len;
    d->open_bytes -= part->open.len;
    struct buf spare = part->cut;
    buf_reset(&spare);
    part->cut = part->open;
    part->open = spare;
    part->given = 0;
}

bool deliver_pack(struct deliver *d, uint32_t partition, struct outbox *state,
                  int64_t until_mono_us)
{
    struct part *part = part_of(d, partition);
    return entries_pack(&part->parcels, state, partition, until_mono_us) &&
           results_give(&part->cut, &part->given, state, partition, until_mono_us);
}

void deliver_uncut(struct deliver *d, uint32_t partition)
{
    struct part *part = part_of(d, partition);
    entries_uncut(&part->parcels);
    d->open_bytes += part->cut.len;
    d->cut_bytes -= part->cut.len;
    struct buf spare = part->open;
    buf_put(&part->cut, spare.at, spare.len);
    buf_reset(&spare);
    part->open = part->cut;
    part->cut = spare;
    part->given = 0;
}
