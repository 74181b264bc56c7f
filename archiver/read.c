/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/read.h"

#include "archiver/batch.h"
#include "archiver/tables.h"
#include "common/wire/in.h"
#include "common/wire/json_in.h"

const struct record_def *read_def(enum topic t)
{
    static const struct record_def *const defs[TOPICS_N] = {
        [TOPIC_events] = &event_def,           [TOPIC_rejected] = &rejected_def,
        [TOPIC_features] = &vector_def,        [TOPIC_sessions] = &session_def,
        [TOPIC_predictions] = &prediction_def, [TOPIC_interventions] = &intervention_def,
        [TOPIC_outcomes] = &outcome_def,       [TOPIC_deliveries] = &delivery_def,
    };
    CHECK(t < TOPICS_N && defs[t] != NULL);
    return defs[t];
}

static enum read_status bad(struct reading *r, const char *fault)
{
    r->fault = fault;
    return READ_BAD;
}

static bool is_forwarded(uint64_t rec)
{
    return rec == REC_tick || rec == REC_control || rec == REC_import_end;
}

/* The facts that a refused row's record in `rejected` repeats. */
static void facts(struct reading *r, const struct record_def *def)
{
    const union record_any *a = &r->record;
    if (def == &event_def) {
        r->received_us = a->event.received_us;
        r->site_id = a->event.site_id;
        r->of_import = a->event.import_id;
    } else if (def == &vector_def) {
        r->received_us = a->vector.received_us;
        r->site_id = a->vector.site_id;
        r->of_import = a->vector.of_import;
    } else if (def == &session_def) {
        r->received_us = a->session.received_us;
        r->site_id = a->session.site_id;
        r->of_import = a->session.of_import;
    } else if (def == &prediction_def) {
        r->received_us = a->prediction.received_us;
        r->site_id = a->prediction.site_id;
        r->of_import = a->prediction.of_import;
    } else if (def == &intervention_def) {
        r->received_us = a->intervention.received_us;
        r->site_id = a->intervention.site_id;
        r->of_import = a->intervention.of_import;
    } else if (def == &outcome_def) {
        r->received_us = a->outcome.received_us;
        r->site_id = a->outcome.site_id;
        r->of_import = a->outcome.of_import;
    } else if (def == &delivery_def) {
        r->received_us = a->delivery.started_us; /* the day that its row goes to */
        r->site_id = a->delivery.site_id;
        r->of_import = 0;
    } else {
        r->received_us = a->rejected.received_us;
        r->site_id = a->rejected.site_id;
        r->of_import = a->rejected.of_import;
    }
}

/* Every kind must be readable before the first becomes a row. */
static bool kinds_are_good(const struct prediction *p)
{
    struct in in = in_over(p->kinds.at, p->kinds.len);
    struct kind k;
    for (uint32_t n = p->kinds.n > 0 ? in_array(&in) : 0; n > 0; n--) {
        struct str raw = in_raw(&in);
        if (in.bad || kind_read(&k, raw.at, raw.len) != WIRE_OK)
            return false;
    }
    return true;
}

/* Whether columns hold the position and the time. */
static enum read_status placed(struct reading *r)
{
    if (!position_fits(&r->position))
        return bad(r, "a position out of range");
    if (!batch_takes_day(r->received_us))
        return bad(r, "a received time out of range");
    return READ_ROW;
}

static enum read_status checked(struct reading *r, const struct record_def *def)
{
    facts(r, def);
    enum read_status status = placed(r);
    if (status != READ_ROW)
        return status;
    if (def == &prediction_def && !kinds_are_good(&r->record.prediction))
        return bad(r, "a kind that cannot be read");
    return READ_ROW;
}

static bool is_json(const struct stage_message *m)
{
    return str_is(m->content_type, "application/json") ||
           (m->content_type.len == 0 && m->value.len > 0 && m->value.at[0] == '{');
}

/* What passes through the topic as progress; READ_BAD for anything else. */
static enum read_status read_json_forwarded(struct reading *r, struct str value,
                                            struct arena *a)
{
    union record_any *to = &r->record;
    if (record_from_json(&tick_def, to, a, value.at, value.len) == WIRE_OK)
        r->position = POSITION_OF(&to->tick);
    else if (record_from_json(&control_def, to, a, value.at, value.len) == WIRE_OK)
        r->position = POSITION_OF(&to->control);
    else if (record_from_json(&import_end_def, to, a, value.at, value.len) == WIRE_OK)
        r->position = POSITION_OF(&to->import_end);
    else
        return bad(r, "JSON of another record");
    return READ_PASS;
}

/* The topics that may be JSON by option. */
static bool may_be_json(enum topic t)
{
    return t == TOPIC_predictions || t == TOPIC_interventions;
}

static enum read_status read_json(struct reading *r, const struct record_def *def,
                                  struct str value, struct arena *a)
{
    enum wire_status s = record_from_json(def, &r->record, a, value.at, value.len);
    if (s == WIRE_OTHER)
        return read_json_forwarded(r, value, a);
    if (s != WIRE_OK)
        return bad(r, wire_status_text(s));
    r->position = def == &prediction_def ? POSITION_OF(&r->record.prediction)
                                         : POSITION_OF(&r->record.intervention);
    return checked(r, def);
}

/* Between the events; and behind featurizer, what tells the clock then. */
static bool is_notice(enum topic t, uint64_t rec)
{
    return rec == REC_import_end
               ? t == TOPIC_events || t == TOPIC_features
               : t == TOPIC_events && (rec == REC_control || rec == REC_signal);
}

/* Whole and readable, as featurizer wants it too. */
static enum read_status read_notice(struct reading *r, struct str value)
{
    const union record_any *a = &r->record;
    enum wire_status s =
        record_read(record_def_of(r->position.rec), &r->record, value.at, value.len);
    if (s != WIRE_OK)
        return bad(r, wire_status_text(s));
    r->site_id = r->of_import = 0;
    if (r->position.rec == REC_control) {
        r->received_us = a->control.received_us;
    } else if (r->position.rec == REC_signal) {
        r->received_us = a->signal.received_us;
        r->site_id = a->signal.site_id;
    } else {
        r->received_us = a->import_end.received_us;
        r->site_id = a->import_end.site_id;
        r->of_import = a->import_end.of_import;
    }
    enum read_status status = placed(r);
    return status == READ_ROW ? READ_NOTICE : status;
}

enum read_status read_message(struct reading *r, const struct stage_message *m, struct arena *a)
{
    const struct record_def *def = read_def(m->topic);
    if (may_be_json(m->topic) && is_json(m))
        return read_json(r, def, m->value, a);
    enum wire_status s = position_read(&r->position, m->value.at, m->value.len);
    if (s == WIRE_OK && is_notice(m->topic, r->position.rec)) {
        enum read_status status = read_notice(r, m->value);
        bool is_clock = status == READ_NOTICE && m->topic == TOPIC_features;
        return is_clock && r->record.import_end.clock_us == 0 ? READ_PASS : status;
    }
    if (s == WIRE_OK && is_forwarded(r->position.rec))
        return READ_PASS;
    if (s == WIRE_OK)
        s = record_read(def, &r->record, m->value.at, m->value.len);
    return s == WIRE_OK ? checked(r, def) : bad(r, wire_status_text(s));
}
