/* SPDX-License-Identifier: Apache-2.0 */
#include "scorer/scorer.h"

#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"
#include "common/model/model.h"
#include "common/wire/feature.h"
#include "common/wire/json_out.h"
#include "common/wire/out.h"
#include "common/wire/record_any.h"
#include "scorer/registry.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* An activated version that is waited for, or was. */
struct lack {
    char name[65];
    uint64_t version;
    int64_t since_us;
    bool is_over; /* waited long enough, and said so */
};

enum { LACKS = 16 };

struct scorer {
    struct registry *registry;
    bool is_json;
    int64_t wait_us; /* how long an activated model may be lacking */
    int64_t now_us;  /* of the last timer */

    /* what serves behind control record `control`, unless the models have changed since */
    struct serving serving[REGISTRY_KINDS];
    size_t n_serving;
    uint64_t control;
    bool is_resolved, is_lacking, wants_features;
    struct err why;
    struct lack lacks[LACKS]; /* a ring */
    size_t next_lack;
    int64_t untold_since_us; /* a control record is named that has not come; 0 = none */

    float *row;                      /* a vector, aligned */
    uint64_t hashes[FEATURES_N + 1]; /* over the first n lines */
    struct buf kinds, ce_id;
    struct counters *counters;
    struct counter *predictions, *lacked, *bad, *unscored;
};

void *scorer_open(const struct stage_env *env, struct err *e)
{
    const char *form = config_text(env->config, "scorer", "predictions");
    struct scorer *s = mem_zero(1, sizeof *s);
    s->is_json = strcmp(form, "json") == 0;
    if (!s->is_json && strcmp(form, "msgpack") != 0) {
        err_code(e, EXIT_CODE_CONFIG, "[scorer] predictions = %s: msgpack or json", form);
        free(s);
        return NULL;
    }
    s->registry = registry_new();
    s->wait_us = (int64_t)config_u64(env->config, "scorer", "model_wait_s") * SECOND_US;
    s->row = mem_zero(FEATURES_N, sizeof *s->row);
    s->counters = env->counters;
    s->predictions = counter_of(env->counters, COUNTER_scorer_predictions_total, NULL, NULL);
    s->lacked = counter_of(env->counters, COUNTER_scorer_lacked_total, NULL, NULL);
    s->unscored = counter_of(env->counters, COUNTER_scorer_unscored_total, NULL, NULL);
    for (size_t n = 0; n <= FEATURES_N; n++)
        s->hashes[n] = features_hash(n);
    s->bad = counter_of(env->counters, COUNTER_all_bad_records_total,
                        topic_word(TOPIC_features), NULL);
    return s;
}

void scorer_close(void *core)
{
    struct scorer *s = core;
    registry_free(s->registry);
    buf_fini(&s->kinds);
    buf_fini(&s->ce_id);
    free(s->row);
    free(s);
}

void scorer_timer(void *core, int64_t mono_us, struct outbox *out)
{
    struct scorer *s = core;
    (void)out;
    s->now_us = mono_us;
}

static bool lookup_model(struct scorer *s, const struct stage_message *m, struct err *e)
{
    struct manifest manifest;
    struct chunk chunk;
    struct position p;
    enum wire_status status = position_read(&p, m->value.at, m->value.len);
    if (m->value.len == 0)
        return true; /* a version was taken back: what is loaded stays */
    if (status == WIRE_OK && p.rec == REC_manifest) {
        status = manifest_read(&manifest, m->value.at, m->value.len);
        if (status == WIRE_OK)
            return registry_manifest(s->registry, &manifest, e);
    } else if (status == WIRE_OK) {
        status = chunk_read(&chunk, m->value.at, m->value.len);
        if (status == WIRE_OK)
            return registry_chunk(s->registry, &chunk, e);
    }
    return err_set(e, 0, "%s", wire_status_text(status));
}

static bool lookup_control(struct scorer *s, const struct stage_message *m, struct err *e)
{
    struct control c;
    control_init(&c);
    enum wire_status status = control_read(&c, m->value.at, m->value.len);
    registry_control(s->registry, &c,
                     m->offset); /* its number counts even if it is unreadable */
    return status == WIRE_OK || err_set(e, 0, "%s", wire_status_text(status));
}

void scorer_lookup(void *core, const struct stage_message *m)
{
    struct scorer *s = core;
    struct err e = {0};
    s->is_resolved = false;
    if (!(m->topic == TOPIC_models ? lookup_model(s, m, &e) : lookup_control(s, m, &e)))
        log_warn("look-up record refused", "topic=%s offset=%" PRIu64 " reason=\"%s\"",
                 topic_word(m->topic), m->offset, e.text);
}

bool scorer_is_ready(void *core, struct str *reason)
{
    const struct scorer *s = core;
    if (s->is_resolved && s->is_lacking)
        *reason = STR("an activated model is lacking; an older one serves");
    return true;
}

static bool is_lacking(const struct serving *v)
{
    return v->wanted != 0 && (!v->model || v->version != v->wanted);
}

static void resolve(struct scorer *s, uint64_t control)
{
    s->why = (struct err){0};
    s->n_serving = registry_serving(s->registry, control, s->serving, &s->why);
    s->control = control;
    s->is_resolved = true;
    s->is_lacking = false;
    s->wants_features = registry_wants_features(s->registry, control);
    for (size_t k = 0; k < s->n_serving; k++) {
        const struct serving *v = &s->serving[k];
        char kind[80];
        (void)snprintf(kind, sizeof kind, "%.*s", STR_ARGS(v->kind));
        counter_set(counter_of(s->counters, COUNTER_scorer_model_version, kind, NULL),
                    v->model ? (double)v->version : 0);
        s->is_lacking |= is_lacking(v);
    }
}

static struct lack *lack_of(struct scorer *s, const struct serving *v)
{
    for (size_t i = 0; i < LACKS; i++)
        if (s->lacks[i].version == v->wanted && str_is(v->wanted_name, s->lacks[i].name))
            return &s->lacks[i];
    struct lack *lack = &s->lacks[s->next_lack++ % LACKS];
    *lack = (struct lack){.version = v->wanted, .since_us = s->now_us};
    (void)snprintf(lack->name, sizeof lack->name, "%.*s", STR_ARGS(v->wanted_name));
    return lack;
}

/* Each version is waited for once, whoever asks for it and however the partitions interleave.
 */
static bool waited_enough(struct scorer *s)
{
    bool is_enough = true;
    for (size_t k = 0; k < s->n_serving; k++) {
        if (!is_lacking(&s->serving[k]))
            continue;
        struct lack *lack = lack_of(s, &s->serving[k]);
        if (!lack->is_over && s->now_us - lack->since_us >= s->wait_us) {
            lack->is_over = true;
            log_error("an activated model is lacking; goes on with what there is",
                      "reason=\"%s\"", s->why.text);
        }
        is_enough = is_enough && lack->is_over;
    }
    return is_enough;
}

/* Without it nobody knows which versions hold, so nothing would be right. */
static void wait_untold(struct scorer *s, uint64_t control)
{
    if (s->untold_since_us == 0)
        s->untold_since_us = MAX(s->now_us, (int64_t)1);
    if (s->now_us - s->untold_since_us >= s->wait_us)
        log_error("waits for a control record that a vector names",
                  "number=%" PRIu64 " known=%" PRIu64, control, registry_known(s->registry));
}

/* Whether the versions that the record asks for are here, or were waited for long enough. */
static bool may_score(struct scorer *s, uint64_t control)
{
    if (registry_known(s->registry) < control) {
        wait_untold(s, control);
        return false;
    }
    s->untold_since_us = 0;
    if (!s->is_resolved || s->control != control)
        resolve(s, control);
    return !s->is_lacking || waited_enough(s);
}

/* Appends a kind; false when the model has no answer. */
static bool kind_put(struct scorer *s, const struct serving *v, const struct vector *in)
{
    struct score score;
    struct kind k;
    if (!v->model || model_head(v->model)->n_features > in->features_n)
        return false;
    model_score(v->model, s->row, 1, FEATURES_N, &score);
    if (!isfinite(score.margin) || !isfinite(score.probability)) {
        counter_add(s->unscored, 1);
        return false;
    }
    kind_init(&k);
    k.kind = v->kind;
    k.probability = (double)score.probability;
    k.lower = (double)score.lower;
    k.upper = (double)score.upper;
    k.margin = (double)score.margin;
    k.model = v->name;
    k.version = v->version;
    k.lacked = v->version != v->wanted;
    kind_pack(&s->kinds, &k);
    counter_add(s->predictions, 1);
    counter_add(s->lacked, k.lacked);
    return true;
}

/* The vector's first FEATURES_N entries as aligned floats; false when it is none of ours. A
 * newer writer's lines are ours as far as we know them: the table only grows at its end. */
static bool row_read(struct scorer *s, const struct vector *in)
{
    bool is_ours =
        in->features_n > FEATURES_N || in->features_hash == s->hashes[in->features_n];
    if (in->features_n == 0 || in->features.len != in->features_n * sizeof *s->row ||
        !is_ours) {
        counter_add(s->unscored, 1);
        return false;
    }
    size_t n = MIN(in->features_n, (uint64_t)FEATURES_N);
    memcpy(s->row, in->features.at, n * sizeof *s->row);
    return true;
}

static struct wire_list kinds_make(struct scorer *s, const struct vector *in)
{
    uint8_t head[1];
    uint32_t n = 0;
    buf_reset(&s->kinds);
    buf_byte(&s->kinds, 0x90); /* fixarray: REGISTRY_KINDS is below 16 */
    if (in->verdict == 0 && row_read(s, in))
        for (size_t k = 0; k < s->n_serving; k++)
            n += kind_put(s, &s->serving[k], in);
    head[0] = (uint8_t)(0x90 | n);
    memcpy(s->kinds.at, head, 1);
    return (struct wire_list){s->kinds.at, s->kinds.len, n};
}

static void prediction_fill(struct prediction *p, const struct vector *in, bool wants_features)
{
    prediction_init(p);
    POSITION_SET(p, in);
    p->received_us = in->received_us;
    p->visitor = in->visitor;
    p->site_id = in->site_id;
    p->event_id = in->event_id;
    p->user_id = in->user_id;
    p->type = in->type;
    p->ts_us = in->ts_us;
    p->session_id = in->session_id;
    p->verdict = in->verdict;
    p->late = in->late;
    p->of_import = in->of_import;
    p->control = in->control;
    p->clock_us = in->clock_us;
    p->features_hash = in->features_hash;
    if (wants_features) {
        p->features_n = in->features_n;
        p->features = in->features;
    }
    p->product_id = in->product_id;
    p->value = in->value;
    p->currency = in->currency;
    p->order_id = in->order_id;
    p->channel = in->channel;
}

static void give(struct scorer *s, const struct record_def *def, const void *record,
                 const struct stage_message *m, int64_t ts_us, struct outbox *out)
{
    struct output o = {.topic = TOPIC_predictions,
                       .partition = m->partition,
                       .is_json = s->is_json,
                       .key = m->key,
                       .ce_time_us = ts_us,
                       .traceparent = m->traceparent};
    struct buf *b = outbox_begin(out);
    if (s->is_json)
        record_json(b, def, record);
    else
        record_pack(def, b, record);
    if (def->number == REC_prediction) {
        const struct prediction *p = record;
        buf_reset(&s->ce_id);
        buf_printf(&s->ce_id, "%" PRIu64 "-%" PRIu64 "-%" PRIu64, p->epoch, p->partition,
                   p->offset);
        o.ce_id = buf_as_str(&s->ce_id);
    }
    outbox_end_as(out, &o);
}

static enum stage_step pass_through(struct scorer *s, const struct stage_message *m,
                                    struct outbox *out)
{
    union record_any any;
    const struct record_def *def = record_def_of(m->position.rec);
    bool is_progress = m->position.rec == REC_tick || m->position.rec == REC_control ||
                       m->position.rec == REC_import_end;
    if (!is_progress || record_read(def, &any, m->value.at, m->value.len) != WIRE_OK) {
        counter_add(s->bad, 1);
        log_warn("record passed over", "topic=%s partition=%u offset=%" PRIu64,
                 topic_word(m->topic), m->partition, m->offset);
        return STEP_DONE;
    }
    give(s, def, &any, m, 0, out);
    return STEP_DONE;
}

enum stage_step scorer_record(void *core, const struct stage_message *m, struct outbox *out)
{
    struct scorer *s = core;
    struct vector in;
    struct prediction p;
    if (m->position.rec != REC_vector || vector_read(&in, m->value.at, m->value.len) != WIRE_OK)
        return pass_through(s, m, out);
    if (!may_score(s, in.control))
        return STEP_WAIT;
    prediction_fill(&p, &in, s->wants_features);
    p.kinds = kinds_make(s, &in);
    give(s, &prediction_def, &p, m, in.ts_us, out);
    return STEP_DONE;
}
