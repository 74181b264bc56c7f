/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/desk.h"

#include "actuator/decide.h"
#include "common/base/clock.h"
#include "common/bus/counters.h"

#include <stdlib.h>

/* Outcomes made, or deadlines looked at, before the runtime gets its turn again; slots swept at
 * a tick. */
enum { CLOSINGS_PER_STEP = 1000, SWEPT_PER_TICK = 256 };

void desk_init(struct desk *d, uint32_t number, struct office *office)
{
    *d = (struct desk){.number = number, .office = office};
    entries_init(&d->entries, &dossier_type);
}

void desk_fini(struct desk *d)
{
    entries_fini(&d->entries);
    windows_fini(&d->windows);
    free(d->imports);
    free(d->step.ending);
    *d = (struct desk){0};
}

/* Where the import stands, or belongs. */
static size_t import_place(const struct desk *d, uint64_t id)
{
    size_t i = 0;
    while (i < d->n_imports && d->imports[i].id < id)
        i++;
    return i;
}

struct ongoing *desk_import(const struct desk *d, uint64_t id)
{
    size_t i = import_place(d, id);
    return i < d->n_imports && d->imports[i].id == id ? &d->imports[i] : NULL;
}

static void import_hear(struct desk *d, uint64_t id, int64_t received_us)
{
    size_t i = import_place(d, id);
    if (i == d->n_imports || d->imports[i].id != id) {
        if (d->n_imports == d->cap_imports) {
            d->cap_imports = d->cap_imports ? 2 * d->cap_imports : 8;
            d->imports = mem_grow(d->imports, d->cap_imports * sizeof *d->imports);
        }
        memmove(d->imports + i + 1, d->imports + i, (d->n_imports - i) * sizeof *d->imports);
        d->imports[i] = (struct ongoing){.id = id};
        d->n_imports++;
    }
    d->imports[i].received_us = MAX(d->imports[i].received_us, received_us);
}

static void import_drop(struct desk *d, struct ongoing *i)
{
    size_t at = (size_t)(i - d->imports);
    memmove(i, i + 1, (--d->n_imports - at) * sizeof *i);
}

void desk_settle(struct desk *d, struct dossier *x, struct lane *l, struct open *before,
                 struct trigger *t, const struct prediction *by, struct outbox *out)
{
    const struct open *o = before ? before->next : l->first;
    entries_touch(&d->entries, &x->entry);
    give_outcome(out, t, dossier_key(x), l->import_id, o, by);
    counter_add(by ? d->office->converted : d->office->ignored, 1);
    lane_shut(&d->entries.slab, l, before);
}

/* A deadline came out; its intervention may have its outcome already. */
static void meet(struct desk *d, const struct window *due, struct outbox *out)
{
    struct lane *l = &due->dossier->live;
    struct open *before = NULL, *o = l->first;
    due->dossier->n_windows--;
    for (; o; before = o, o = o->next)
        if (o->epoch == due->epoch && o->offset == due->offset && o->index == due->index)
            break;
    if (o)
        desk_settle(d, due->dossier, l, before, &d->step.trigger, NULL, out);
}

struct gathering {
    struct pending_step *to;
    uint64_t import_id;
};

static void gather_one(struct entry *x, void *to)
{
    struct gathering *g = to;
    struct dossier *d = CONTAINER_OF(x, struct dossier, entry);
    if (dossier_lane(d, g->import_id))
        g->to->ending[g->to->n_ending++] = d;
}

static int by_key(const void *a, const void *b)
{
    const struct dossier *const *x = a, *const *y = b;
    return str_cmp(dossier_key(*x), dossier_key(*y));
}

/* Whom the import's end concerns. Walks over all there are: imports end rarely. */
static void gather(struct desk *d, const struct ongoing *i)
{
    struct pending_step *u = &d->step;
    struct gathering g = {u, i->id};
    u->n_ending = u->next_ending = 0;
    if (i->n_lanes == 0)
        return;
    if (u->cap_ending < i->n_lanes) {
        u->cap_ending = i->n_lanes;
        u->ending = mem_grow(u->ending, u->cap_ending * sizeof(struct dossier *));
    }
    entries_each(&d->entries, gather_one, &g);
    CHECK(u->n_ending == i->n_lanes);
    qsort(u->ending, u->n_ending, sizeof(struct dossier *), by_key);
}

/* Ends the lanes gathered; false when there is more than *room. */
static bool end_lanes(struct desk *d, struct ongoing *i, unsigned *room, struct outbox *out)
{
    struct pending_step *u = &d->step;
    for (; u->next_ending < u->n_ending; u->next_ending++) {
        struct dossier *x = u->ending[u->next_ending];
        struct lane *l = dossier_lane(x, i->id);
        for (; *room > 0 && l->first; --*room)
            desk_settle(d, x, l, NULL, &u->trigger, NULL, out);
        if (*room == 0)
            return false;
        --*room;
        entries_touch(&d->entries, &x->entry);
        dossier_lane_drop(&d->entries.slab, x, l);
        i->n_lanes--;
    }
    return true;
}

static bool close_imports(struct desk *d, unsigned *room, struct outbox *out)
{
    for (size_t k = 0; k < d->n_imports;) {
        struct ongoing *i = &d->imports[k];
        if (!i->is_over) {
            k++;
            continue;
        }
        if (d->step.next_ending == d->step.n_ending)
            gather(d, i);
        if (!end_lanes(d, i, room, out))
            return false;
        import_drop(d, i);
    }
    return true;
}

static bool close_due(struct desk *d, struct outbox *out)
{
    unsigned room = CLOSINGS_PER_STEP;
    for (struct window due; room > 0 && windows_take(&d->windows, d->clock_us, &due); room--)
        meet(d, &due, out);
    return room > 0 && close_imports(d, &room, out);
}

static bool is_over(const struct entry *x, void *to)
{
    const struct dossier *d = (const struct dossier *)(const void *)x;
    const int64_t *clock_us = to;
    return d->n_windows == 0 && !d->imports && dossier_live_is_over(d, *clock_us);
}

static enum stage_step go_on(struct desk *d, struct outbox *out)
{
    d->step.is_open = !close_due(d, out);
    return d->step.is_open ? STEP_MORE : STEP_DONE;
}

static void hear(struct desk *d, const struct told *told)
{
    d->clock_us = MAX(d->clock_us, told->clock_us);
    if (told->rec == REC_prediction && told->of_import != 0)
        import_hear(d, told->of_import, told->received_us);
    for (size_t i = 0; i < d->n_imports; i++) {
        struct ongoing *x = &d->imports[i];
        bool is_told = told->rec == REC_import_end && told->of_import == x->id;
        x->is_over = is_told || (d->clock_us > 0 && x->received_us <= d->clock_us - DAY_US);
    }
}

enum stage_step desk_record(struct desk *d, const struct told *told, struct str traceparent,
                            struct outbox *out)
{
    CHECK(!d->step.is_open);
    d->step.trigger = (struct trigger){.epoch = told->position.epoch,
                                       .partition = d->number,
                                       .offset = told->position.offset,
                                       .received_us = told->received_us,
                                       .traceparent = traceparent};
    hear(d, told);
    if (told->rec == REC_prediction)
        decide_event(d, &told->prediction, &d->step.trigger, out);
    if (told->rec == REC_tick)
        entries_sweep(&d->entries, SWEPT_PER_TICK, is_over, &d->clock_us);
    d->step.trigger.traceparent = (struct str){NULL, 0};
    return go_on(d, out);
}

enum stage_step desk_more(struct desk *d, struct outbox *out)
{
    CHECK(d->step.is_open);
    return go_on(d, out);
}
