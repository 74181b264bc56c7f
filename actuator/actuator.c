/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/actuator.h"

#include "actuator/decide.h"
#include "actuator/desk.h"
#include "common/base/clock.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"

#include <inttypes.h>
#include <stdlib.h>

/* How long a control record that a prediction names may be lacking before that is an error. */
#define UNTOLD_US (10 * SECOND_US)

struct actuator {
    struct office office;
    struct counters *own; /* counters that nobody gave us */
    struct counter *visitors, *policies, *bad;
    struct desk **desks; /* by number; NULL = not ours */
    size_t n_desks;
    struct arena arena;      /* of a JSON record */
    int64_t now_us;          /* of the last timer */
    int64_t untold_since_us; /* a control record is named that has not come; 0 = none */
};

struct actuator *actuator_new(const struct actuator_setup *setup)
{
    struct actuator *a = mem_zero(1, sizeof *a);
    struct counters *c = setup->counters;
    if (!c)
        c = a->own = counters_new("actuator");
    a->office.setup = *setup;
    a->office.settings = settings_new(c);
    a->office.converted = counter_of(c, COUNTER_actuator_outcomes_total, "converted", NULL);
    a->office.ignored = counter_of(c, COUNTER_actuator_outcomes_total, "ignored", NULL);
    for (size_t n = 0; n <= FEATURES_N; n++)
        a->office.hashes[n] = features_hash(n);
    a->visitors = counter_of(c, COUNTER_actuator_visitors, NULL, NULL);
    a->policies = counter_of(c, COUNTER_actuator_policies, NULL, NULL);
    a->bad = counter_of(c, COUNTER_all_bad_records_total, topic_word(TOPIC_predictions), NULL);
    return a;
}

void actuator_free(struct actuator *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; i < a->n_desks; i++)
        actuator_revoke(a, TOPIC_predictions, i);
    free(a->desks);
    settings_free(a->office.settings);
    counters_free(a->own);
    buf_fini(&a->office.message);
    arena_fini(&a->arena);
    free(a);
}

void actuator_lookup(struct actuator *a, const struct stage_message *m)
{
    struct control c;
    enum wire_status status = control_read(&c, m->value.at, m->value.len);
    if (status != WIRE_OK)
        log_warn("look-up record refused", "topic=%s offset=%" PRIu64 " reason=\"%s\"",
                 topic_word(m->topic), m->offset, wire_status_text(status));
    settings_control(a->office.settings, m->offset, status == WIRE_OK ? &c : NULL);
}

void actuator_timer(struct actuator *a, int64_t mono_us)
{
    const struct settings *s = a->office.settings;
    a->now_us = mono_us;
    counter_set(a->visitors, (double)actuator_visitors(a));
    counter_set(a->policies, (double)settings_at(s, settings_known(s))->n);
}

void actuator_assign(struct actuator *a, enum topic t, uint32_t partition)
{
    actuator_revoke(a, t, partition);
    if (partition >= a->n_desks) {
        a->desks = mem_grow(a->desks, (partition + 1) * sizeof(struct desk *));
        for (size_t i = a->n_desks; i <= partition; i++)
            a->desks[i] = NULL;
        a->n_desks = partition + 1;
    }
    struct desk *d = mem_new(sizeof *d);
    desk_init(d, partition, &a->office);
    a->desks[partition] = d;
}

void actuator_revoke(struct actuator *a, enum topic t, uint32_t partition)
{
    CHECK(t == TOPIC_predictions);
    if (partition >= a->n_desks || !a->desks[partition])
        return;
    desk_fini(a->desks[partition]);
    free(a->desks[partition]);
    a->desks[partition] = NULL;
}

static struct desk *ours(const struct actuator *a, uint32_t partition)
{
    CHECK(partition < a->n_desks && a->desks[partition]);
    return a->desks[partition];
}

/* Without it nobody knows which policies hold, so nothing would be right. */
static enum stage_step wait_untold(struct actuator *a, uint64_t control)
{
    if (a->untold_since_us == 0)
        a->untold_since_us = MAX(a->now_us, (int64_t)1);
    if (a->now_us - a->untold_since_us >= UNTOLD_US)
        log_error("waits for a control record that a prediction names",
                  "number=%" PRIu64 " known=%" PRIu64, control,
                  settings_known(a->office.settings));
    return STEP_WAIT;
}

static bool is_usable(const struct told *told)
{
    char text[DOSSIER_KEY];
    struct str key;
    if (told->rec == REC_NONE)
        return false;
    return told->rec != REC_prediction || decide_key(&told->prediction, text, &key);
}

enum stage_step actuator_record(struct actuator *a, const struct stage_message *m,
                                struct outbox *out)
{
    struct told told;
    arena_reset(&a->arena);
    told_read(&told, m, &a->arena);
    if (!is_usable(&told)) {
        counter_add(a->bad, 1);
        log_warn("record passed over", "topic=%s partition=%u offset=%" PRIu64,
                 topic_word(m->topic), m->partition, m->offset);
        return STEP_DONE;
    }
    if (told.rec == REC_prediction &&
        told.prediction.control > settings_known(a->office.settings))
        return wait_untold(a, told.prediction.control);
    a->untold_since_us = 0;
    return desk_record(ours(a, m->partition), &told, m->traceparent, out);
}

enum stage_step actuator_more(struct actuator *a, enum topic t, uint32_t partition,
                              struct outbox *out)
{
    CHECK(t == TOPIC_predictions);
    return desk_more(ours(a, partition), out);
}

bool actuator_restore(struct actuator *a, uint32_t partition, struct str key, struct str value,
                      struct err *e)
{
    return entries_restore(&ours(a, partition)->entries, key, value, e);
}

bool actuator_restored(struct actuator *a, uint32_t partition, struct str own, struct err *e)
{
    return desk_restored(ours(a, partition), own, e);
}

void actuator_cut(struct actuator *a, uint32_t partition, struct buf *own)
{
    struct desk *d = ours(a, partition);
    entries_cut(&d->entries);
    desk_pack_own(d, own);
}

bool actuator_pack(struct actuator *a, uint32_t partition, struct outbox *state,
                   int64_t until_mono_us)
{
    return entries_pack(&ours(a, partition)->entries, state, partition, until_mono_us);
}

void actuator_uncut(struct actuator *a, uint32_t partition)
{
    entries_uncut(&ours(a, partition)->entries);
}

size_t actuator_visitors(const struct actuator *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n_desks; i++)
        n += a->desks[i] ? a->desks[i]->entries.n : 0;
    return n;
}
