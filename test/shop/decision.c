/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/decision.h"

#include "common/wire/json_in.h"

#include <stdlib.h>

struct decisions {
    struct arena arena;
    struct position *last; /* by partition; rec 0 = none yet */
    size_t n;
};

enum { PARTITIONS_MAX = 1 << 16 };

struct decisions *decisions_new(void)
{
    return mem_zero(1, sizeof(struct decisions));
}

void decisions_free(struct decisions *o)
{
    if (!o)
        return;
    arena_fini(&o->arena);
    free(o->last);
    free(o);
}

static bool is_new(struct decisions *o, const struct position *p)
{
    if (p->partition >= PARTITIONS_MAX)
        return false;
    if (p->partition >= o->n) {
        size_t n = p->partition + 1;
        o->last = mem_grow(o->last, n * sizeof(*o->last));
        memset(o->last + o->n, 0, (n - o->n) * sizeof(*o->last));
        o->n = n;
    }
    struct position *last = &o->last[p->partition];
    if (last->rec != REC_NONE && position_cmp(p, last) <= 0)
        return false;
    *last = *p;
    return true;
}

bool decisions_read(struct decisions *o, struct str record, struct decision *d)
{
    struct intervention i;
    arena_reset(&o->arena);
    bool is_json = record.len > 0 && record.at[0] == '{'; /* no map of msgpack begins so */
    enum wire_status status =
        is_json ? record_from_json(&intervention_def, &i, &o->arena, record.at, record.len)
                : intervention_read(&i, record.at, record.len);
    if (status != WIRE_OK || i.of_import != 0 || !str_is(i.action, "offer") ||
        !is_new(o, &POSITION_OF(&i)))
        return false;
    *d = (struct decision){.id = i.intervention_id, .visitor = i.visitor, .is_held = i.holdout};
    return true;
}
