/* SPDX-License-Identifier: Apache-2.0 */
/* partition_own - the state of a partition that belongs to no visitor, as bytes: a msgpack
 * array of version, furthest clock, control, times of the raw partitions, (id, site, received)
 * of each import under way, (id, setting) of each site, and the external signals. */
#include "common/wire/in.h"
#include "common/wire/out.h"
#include "featurizer/partition.h"

enum {
    OWN_VERSION = 2,
    OWN_FIELDS = 7,
    OWN_FIELDS_1 = 5,
    IMPORT_FIELDS = 3,
    IMPORTS_MOST = 1 << 16
};

void partition_pack_own(const struct partition *p, struct buf *own)
{
    CHECK(!p->unfinished.is_open);
    out_array(own, OWN_FIELDS);
    out_u64(own, OWN_VERSION);
    out_i64(own, p->clock.most_us);
    out_u64(own, p->control);
    out_array(own, p->clock.n);
    for (uint32_t i = 0; i < p->clock.n; i++)
        out_i64(own, p->clock.heard_us[i]);
    out_array(own, IMPORT_FIELDS * p->n_imports);
    for (size_t i = 0; i < p->n_imports; i++) {
        out_u64(own, p->imports[i].id);
        out_u64(own, p->imports[i].site_id);
        out_i64(own, p->imports[i].received_us);
    }
    rulebook_pack(own, &p->rules);
    signals_pack(own, &p->signals);
}

static void read_clock(struct rawclock *c, struct in *in, int64_t most_us)
{
    uint32_t n = in_array(in);
    if (n > RAW_PARTITIONS_MOST)
        in_fail(in);
    else
        rawclock_told(c, n);
    for (uint32_t i = 0; i < n && !in->bad; i++)
        rawclock_hear(c, i, in_i64(in));
    c->most_us = most_us;
}

static void read_imports(struct partition *p, struct in *in)
{
    uint32_t n = in_array(in);
    if (n % IMPORT_FIELDS != 0 || n > IMPORT_FIELDS * IMPORTS_MOST) {
        in_fail(in);
        return;
    }
    n /= IMPORT_FIELDS;
    p->imports = n > 0 ? mem_grow(p->imports, n * sizeof *p->imports) : p->imports;
    p->cap_imports = MAX(p->cap_imports, n);
    for (p->n_imports = 0; p->n_imports < n; p->n_imports++) {
        struct import *i = &p->imports[p->n_imports];
        i->id = in_u64(in);
        i->site_id = in_u64(in);
        i->received_us = in_i64(in);
    }
}

/* Deadlines are not packed: they follow from what is open. Nor is the length of tails, which is
 * an option's. */
struct timing {
    struct partition *p;
    bool is_torn;
};

static void time_again(struct timing *w, struct profile *v, struct lane *l)
{
    if (!l->visit)
        return;
    int64_t at_us = v->live.received_us + visit_idle_us(l->visit, &w->p->rules.none);
    tokens_keep(&w->p->visitors.slab, &l->visit->tail, w->p->options->tail);
    if (l->import_id != 0) {
        const struct import *i = w->p->imports, *end = i + w->p->n_imports;
        while (i < end && i->id != l->import_id)
            i++;
        if (i == end) {
            w->is_torn = true;
            return;
        }
        at_us = i->received_us + IMPORT_IDLE_US;
    }
    deadlines_add(&w->p->deadlines, (struct deadline){at_us, v, l->import_id});
    l->is_timed = true;
    l->timed_us = at_us;
    v->n_timed++;
}

static void time_visitor(struct entry *x, void *to)
{
    struct timing *w = to;
    struct profile *v = profile_of(x);
    time_again(w, v, &v->live);
    for (struct lane *l = v->imports; l; l = l->next)
        time_again(w, v, l);
}

bool partition_restored(struct partition *p, struct str own, struct err *e)
{
    if (own.len == 0) {
        if (entries_n(&p->visitors) > 0)
            return err_code(e, EXIT_CODE_CONFIG, "visitors without their partition's state");
        return true;
    }
    struct in in = in_over(own.at, own.len);
    uint32_t n = in_array(&in);
    uint64_t version = in_u64(&in);
    bool is_ours = (n == OWN_FIELDS && version == OWN_VERSION) ||
                   (n == OWN_FIELDS_1 && version == 1); /* knew no sites */
    int64_t most_us = in_i64(&in);
    p->control = in_u64(&in);
    read_clock(&p->clock, &in, most_us);
    read_imports(p, &in);
    if (n == OWN_FIELDS) {
        rulebook_unpack(&p->rules, &in);
        signals_unpack(&p->signals, &in);
    }
    if (!is_ours || in.bad || in.at != in.end)
        return err_code(e, EXIT_CODE_CONFIG, "state of partition %u is corrupt", p->number);
    struct timing w = {.p = p};
    entries_each(&p->visitors, time_visitor, &w);
    if (w.is_torn)
        return err_code(e, EXIT_CODE_CONFIG,
                        "state of partition %u: a session of an import that is not under way",
                        p->number);
    return true;
}
