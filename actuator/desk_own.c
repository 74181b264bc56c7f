/* SPDX-License-Identifier: Apache-2.0 */
/* desk_own - the state of a partition that belongs to no visitor, as bytes: a msgpack array of
 * version, furthest clock, and (id, received) of each import under way. */
#include "actuator/desk.h"
#include "common/wire/in.h"
#include "common/wire/out.h"

enum { OWN_VERSION = 1, OWN_FIELDS = 3, IMPORT_FIELDS = 2, IMPORTS_MOST = 1 << 16 };

void desk_pack_own(const struct desk *d, struct buf *own)
{
    CHECK(!d->step.is_open);
    out_array(own, OWN_FIELDS);
    out_u64(own, OWN_VERSION);
    out_i64(own, d->clock_us);
    out_array(own, IMPORT_FIELDS * d->n_imports);
    for (size_t i = 0; i < d->n_imports; i++) {
        out_u64(own, d->imports[i].id);
        out_i64(own, d->imports[i].received_us);
    }
}

static void read_imports(struct desk *d, struct in *in)
{
    uint32_t n = in_array(in);
    if (n % IMPORT_FIELDS != 0 || n > IMPORT_FIELDS * IMPORTS_MOST) {
        in_fail(in);
        return;
    }
    n /= IMPORT_FIELDS;
    d->imports = n > 0 ? mem_grow(d->imports, n * sizeof *d->imports) : d->imports;
    d->cap_imports = MAX(d->cap_imports, (size_t)n);
    for (d->n_imports = 0; d->n_imports < n; d->n_imports++) {
        struct ongoing x = {.id = in_u64(in)};
        x.received_us = in_i64(in);
        if (x.id <= (d->n_imports > 0 ? d->imports[d->n_imports - 1].id : 0))
            in_fail(in);
        d->imports[d->n_imports] = x;
    }
}

/* Deadlines and the lanes of imports are not packed: they follow from what is open. */
struct recount {
    struct desk *desk;
    bool is_torn;
};

static void count_again(struct entry *entry, void *to)
{
    struct recount *r = to;
    struct dossier *x = CONTAINER_OF(entry, struct dossier, entry);
    for (const struct open *o = x->live.first; o; o = o->next) {
        windows_add(&r->desk->windows,
                    (struct window){o->due_us, x, o->epoch, o->offset, o->index});
        x->n_windows++;
    }
    for (const struct lane *l = x->imports; l; l = l->next) {
        struct ongoing *i = desk_import(r->desk, l->import_id);
        if (i)
            i->n_lanes++;
        else
            r->is_torn = true;
    }
}

bool desk_restored(struct desk *d, struct str own, struct err *e)
{
    if (own.len == 0) {
        if (d->entries.n > 0)
            return err_code(e, EXIT_CODE_CONFIG, "visitors without their partition's state");
        return true;
    }
    struct in in = in_over(own.at, own.len);
    bool is_ours = in_array(&in) == OWN_FIELDS && in_u64(&in) == OWN_VERSION;
    d->clock_us = in_i64(&in);
    read_imports(d, &in);
    if (!is_ours || in.bad || in.at != in.end)
        return err_code(e, EXIT_CODE_CONFIG, "state of partition %u is corrupt", d->number);
    struct recount r = {.desk = d};
    entries_each(&d->entries, count_again, &r);
    if (r.is_torn)
        return err_code(e, EXIT_CODE_CONFIG,
                        "state of partition %u: a lane of an import that is not under way",
                        d->number);
    return true;
}
