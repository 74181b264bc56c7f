/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/partition.h"

#include "common/base/hash.h"
#include "featurizer/state_pack.h"
#include "featurizer/tally.h"

#include <stdlib.h>

/* Sessions closed, or looked at, before the runtime gets its turn again; slots swept at a tick.
 */
enum { CLOSINGS_PER_STEP = 1000, SWEPT_PER_TICK = 256 };

void partition_init(struct partition *p, uint32_t number,
                    const struct featurizer_options *options, struct featurizer_counts *counts)
{
    *p = (struct partition){.number = number, .options = options, .counts = counts};
    entries_init(&p->visitors, &state_type);
    struct site_rules none = {
        .idle_us = options->idle_us,
        .keep_us = options->keep_us > 0 ? options->keep_us : VISITOR_KEPT_US,
        .half_life_us = options->half_life_us > 0 ? options->half_life_us : HALF_LIFE_US,
    };
    rulebook_init(&p->rules, &none);
}

void partition_fini(struct partition *p)
{
    entries_fini(&p->visitors);
    deadlines_fini(&p->deadlines);
    rawclock_fini(&p->clock);
    rulebook_fini(&p->rules);
    signals_fini(&p->signals);
    buf_fini(&p->ratings);
    free(p->imports);
    free(p->unfinished.ending);
    buf_fini(&p->unfinished.value);
    buf_fini(&p->unfinished.traceparent);
    *p = (struct partition){0};
}

static struct import *import_of(struct partition *p, uint64_t id)
{
    for (size_t i = 0; i < p->n_imports; i++)
        if (p->imports[i].id == id)
            return &p->imports[i];
    return NULL;
}

static void import_hear(struct partition *p, const struct event *e)
{
    struct import *i = import_of(p, e->import_id);
    if (!i) {
        if (p->n_imports == p->cap_imports) {
            p->cap_imports = p->cap_imports ? 2 * p->cap_imports : 8;
            p->imports = mem_grow(p->imports, p->cap_imports * sizeof *p->imports);
        }
        i = &p->imports[p->n_imports++];
        *i = (struct import){.id = e->import_id, .site_id = e->site_id};
    }
    i->received_us = MAX(i->received_us, e->received_us);
}

static void import_drop(struct partition *p, struct import *i)
{
    size_t at = (size_t)(i - p->imports);
    memmove(i, i + 1, (--p->n_imports - at) * sizeof *i);
}

static int64_t deadline_of(struct partition *p, const struct profile *v, const struct lane *l)
{
    if (l->import_id == 0)
        return v->live.received_us + visit_idle_us(l->visit, &p->rules.none);
    const struct import *i = import_of(p, l->import_id);
    CHECK(i != NULL);
    return i->received_us + IMPORT_IDLE_US;
}

/* Every open session has a deadline kept for it, at or before its true one. */
static void time_lane(struct partition *p, struct profile *v, struct lane *l)
{
    int64_t at_us = deadline_of(p, v, l);
    if (l->is_timed && l->timed_us <= at_us)
        return; /* else the lane's session before had a longer gap */
    deadlines_add(&p->deadlines, (struct deadline){at_us, v, l->import_id});
    l->is_timed = true;
    l->timed_us = at_us;
    v->n_timed++;
}

static void close_lane(struct partition *p, struct profile *v, struct lane *l,
                       enum session_end end, struct trigger *t, struct outbox *out)
{
    entries_touch(&p->visitors, &v->entry);
    emit_session(out, t, v, l, end);
    session_close(&p->visitors.slab, v, l, end);
    p->counts->sessions++;
}

/* A deadline came out: true when it was worth an output. */
static void meet(struct partition *p, const struct deadline *d, struct trigger *t,
                 struct outbox *out)
{
    struct profile *v = d->profile;
    struct lane *l = profile_lane(v, d->import_id);
    v->n_timed--;
    if (!l)
        return;
    if (d->at_us == l->timed_us)
        l->is_timed = false;
    if (!l->visit)
        return;
    if (deadline_of(p, v, l) > d->at_us) {
        time_lane(p, v, l);
        return;
    }
    if (l->import_id == 0) {
        close_lane(p, v, l, SESSION_SILENCE, t, out);
    } else {
        close_lane(p, v, l, SESSION_IMPORT_END, t, out);
        profile_lane_drop(&p->visitors.slab, v, l);
    }
}

/* Closes what is due by the clock; false when there is more than *room. */
static bool close_due(struct partition *p, struct trigger *t, struct outbox *out,
                      unsigned *room)
{
    int64_t now_us = rawclock_us(&p->clock);
    if (now_us == 0)
        return true;
    for (struct deadline d; *room > 0 && deadlines_take(&p->deadlines, now_us, &d); --*room)
        meet(p, &d, t, out);
    if (*room == 0)
        return false;
    for (size_t i = p->n_imports; i-- > 0;)
        if (p->imports[i].received_us + IMPORT_IDLE_US <= now_us)
            import_drop(p, &p->imports[i]);
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct profile *const *x = a, *const *y = b;
    return str_cmp(profile_key(*x), profile_key(*y));
}

static void gather_ending(struct partition *p, uint64_t import_id)
{
    struct unfinished *u = &p->unfinished;
    if (u->cap_ending < p->deadlines.n) {
        u->cap_ending = p->deadlines.cap;
        u->ending = mem_grow(u->ending, u->cap_ending * sizeof(struct profile *));
    }
    u->n_ending = deadlines_take_import(&p->deadlines, import_id, u->ending);
    u->next_ending = 0;
    u->has_ending = true;
    if (u->n_ending > 0)
        qsort(u->ending, u->n_ending, sizeof(struct profile *), by_key);
}

/* Closes an import's lanes; false when there are more than *room. */
static bool close_import(struct partition *p, uint64_t import_id, struct trigger *t,
                         struct outbox *out, unsigned *room)
{
    struct unfinished *u = &p->unfinished;
    if (!u->has_ending)
        gather_ending(p, import_id);
    for (; *room > 0 && u->next_ending < u->n_ending; --*room) {
        struct profile *v = u->ending[u->next_ending++];
        struct lane *l = profile_lane(v, import_id);
        v->n_timed--;
        CHECK(l && l->visit);
        close_lane(p, v, l, SESSION_IMPORT_END, t, out);
        profile_lane_drop(&p->visitors.slab, v, l);
    }
    if (u->next_ending < u->n_ending)
        return false;
    u->has_ending = false;
    struct import *i = import_of(p, import_id);
    if (i)
        import_drop(p, i);
    return true;
}

static int64_t keep_us_of(const struct partition *p, const struct profile *v)
{
    return rulebook_of(&p->rules, profile_site(v))->keep_us;
}

/* Whether a visitor that is there at now_us, and is in no import, was silent for so long before
 * that it counts as new. */
static bool is_silent(const struct partition *p, const struct profile *v, int64_t now_us)
{
    return !v->imports && now_us - v->received_us >= keep_us_of(p, v);
}

/* The visitor of an event; made anew when it was silent for too long. Its own times say so; for
 * an import that has fallen behind the clock the clock does, by which it may be swept already.
 */
static struct profile *visitor_take(struct partition *p, struct str key, const struct event *e,
                                    struct trigger *t, struct outbox *out)
{
    struct profile *v = profile_of(entries_take(&p->visitors, key));
    if (v->events == 0 || !is_silent(p, v, MAX(e->received_us, p->clock.most_us)))
        return v;
    entries_touch(&p->visitors, &v->entry);
    if (v->live.visit)
        close_lane(p, v, &v->live, SESSION_SILENCE, t, out);
    profile_clear(&p->visitors.slab, v);
    p->counts->expired++;
    return v;
}

static void count_event(struct partition *p, struct profile *v, struct trigger *t,
                        const struct event *e, struct outbox *out)
{
    uint64_t import_id = e->origin == ORIGIN_IMPORTS ? e->import_id : 0;
    struct lane *l = profile_lane_take(&p->visitors.slab, v, import_id);
    struct moment m = session_judge(l, e, rulebook_of(&p->rules, e->site_id));
    m.signals = &p->signals;
    if (m.ends != SESSION_GOES_ON)
        close_lane(p, v, l, m.ends, t, out);
    bool opens = !l->visit && !m.is_late;
    if (opens)
        session_open(&p->visitors.slab, v, l, &m, t->epoch, t->offset);
    tally_event(&p->visitors.slab, v, l, &m);
    if (!m.is_late && p->options->tail > 0)
        tokens_add(&p->visitors.slab, &l->visit->tail,
                   token_of(e, m.type, l->visit->gap_us - 1), p->options->tail);
    if (opens)
        time_lane(p, v, l);
    p->counts->late += m.is_late;
    emit_vector(out, t, v, l, &m, VERDICT_COUNTS);
}

static void use_event(struct partition *p, struct trigger *t, const struct input *in,
                      struct str value, struct outbox *out)
{
    const struct event *e = &in->event;
    char key_text[KEY_MOST + 1];
    struct str key;
    if (!emit_key(e->site_id, e->visitor, key_text, &key)) {
        p->counts->unreadable++;
        emit_rejected(out, t, in, value, "bad_record", "visitor missing or too long");
        return;
    }
    struct profile *v = visitor_take(p, key, e, t, out);
    struct recent_entry id =
        recent_entry_of(hash64_str(e->event_id), e->body_hash, e->received_us);
    enum verdict verdict = recent_judge(&v->recent, &id);
    if (verdict == VERDICT_COUNTS) {
        entries_touch(&p->visitors, &v->entry);
        recent_add(&p->visitors.slab, &v->recent, &id);
        count_event(p, v, t, e, out);
        return;
    }
    struct moment m = {.event = e, .site = rulebook_of(&p->rules, e->site_id)};
    emit_vector(out, t, NULL, NULL, &m, verdict);
    if (verdict == VERDICT_REPEAT) {
        p->counts->repeats++;
        return;
    }
    p->counts->conflicts++;
    emit_rejected(out, t, in, value, "id_conflict", "an event with this id had another body");
}

/* No deadline may point at a visitor that goes. */
static bool is_over(const struct entry *x, void *partition)
{
    const struct partition *p = partition;
    const struct profile *v = profile_seen(x);
    bool is = v->n_timed == 0 && !v->live.visit && is_silent(p, v, p->clock.most_us);
    p->counts->expired += is;
    return is;
}

static void use(struct partition *p, struct trigger *t, struct input *in, struct str value,
                struct outbox *out)
{
    if (in->rec == REC_event) {
        use_event(p, t, in, value, out);
    } else if (in->rec == REC_NONE) {
        p->counts->unreadable++;
        emit_rejected(out, t, in, value, "bad_record", "not a record of the topic events");
    } else if (in->rec != REC_signal) {
        emit_forward(out, t, in);
    }
    if (in->rec == REC_tick && p->clock.most_us > 0)
        entries_sweep(&p->visitors, SWEPT_PER_TICK, is_over, p);
}

static bool is_from_raw(const struct input *in)
{
    return in->rec == REC_tick || (in->rec == REC_event && in->event.origin == ORIGIN_RAW);
}

static enum stage_step go_on(struct partition *p, struct trigger *t, struct input *in,
                             struct str value, struct outbox *out)
{
    unsigned room = CLOSINGS_PER_STEP;
    if (is_from_raw(in) && !close_due(p, t, out, &room))
        return STEP_MORE;
    if (in->rec == REC_import_end && !close_import(p, in->import_end.of_import, t, out, &room))
        return STEP_MORE;
    use(p, t, in, value, out);
    return STEP_DONE;
}

/* What a record tells of time and settings, whatever is made of it otherwise. A partition
 * number that no raw topic has makes the record unreadable. */
static void hear(struct partition *p, struct input *in, struct trigger *t)
{
    if (in->rec == REC_tick) {
        const struct tick *k = &in->tick;
        t->received_us = k->received_us;
        if (k->raw_partition >= RAW_PARTITIONS_MOST ||
            k->raw_partitions > RAW_PARTITIONS_MOST) {
            in->rec = REC_NONE;
            return;
        }
        rawclock_told(&p->clock, k->raw_partitions);
        rawclock_hear(&p->clock, k->raw_partition, k->received_us);
    } else if (in->rec == REC_event) {
        const struct event *e = &in->event;
        t->received_us = e->received_us;
        if (e->origin == ORIGIN_IMPORTS)
            import_hear(p, e);
        else if (e->origin == ORIGIN_RAW && e->partition < RAW_PARTITIONS_MOST)
            rawclock_hear(&p->clock, e->partition, e->received_us);
        else
            in->rec = REC_NONE;
    } else if (in->rec == REC_import_end) {
        t->received_us = in->import_end.received_us;
    } else if (in->rec == REC_control) {
        t->received_us = in->control.received_us;
        p->control = 1 + in->control.control_offset;
        p->counts->unreadable += !rulebook_set(&p->rules, &in->control);
    } else if (in->rec == REC_signal) {
        t->received_us = in->signal.received_us;
        signals_add(&p->signals, &in->signal);
    }
    t->control = p->control;
    t->clock_us = rawclock_us(&p->clock);
}

static void keep(struct buf *to, struct str s)
{
    buf_reset(to);
    buf_str(to, s);
}

enum stage_step partition_record(struct partition *p, const struct stage_message *m,
                                 struct outbox *out)
{
    CHECK(!p->unfinished.is_open);
    struct trigger t = {.epoch = 1,
                        .partition = p->number,
                        .offset = m->offset,
                        .received_us = m->append_us,
                        .traceparent = m->traceparent,
                        .has_summaries = p->options->has_summaries,
                        .ratings = p->options->has_ratings ? &p->ratings : NULL};
    struct input in;
    input_read(&in, m->value);
    hear(p, &in, &t);
    enum stage_step step = go_on(p, &t, &in, m->value, out);
    if (step == STEP_DONE) {
        entries_trim(&p->visitors);
        return step;
    }
    keep(&p->unfinished.value, m->value);
    keep(&p->unfinished.traceparent, m->traceparent);
    p->unfinished.trigger = t;
    p->unfinished.trigger.traceparent = buf_as_str(&p->unfinished.traceparent);
    p->unfinished.is_open = true;
    return step;
}

enum stage_step partition_more(struct partition *p, struct outbox *out)
{
    struct unfinished *u = &p->unfinished;
    CHECK(u->is_open);
    struct input in;
    struct str value = buf_as_str(&u->value);
    input_read(&in, value);
    enum stage_step step = go_on(p, &u->trigger, &in, value, out);
    u->is_open = step == STEP_MORE;
    if (!u->is_open)
        entries_trim(&p->visitors);
    return step;
}
