/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/tally.h"

#include "featurizer/group.h"

void tally_event(struct slab *s, struct profile *p, struct lane *l, const struct moment *m)
{
    const struct event *e = m->event;
    struct turn turn = {.slab = s, .p = p, .l = l, .v = l->visit, .m = m, .e = e};
    CHECK(turn.v != NULL ||
          m->is_late); /* an event in order has opened one, if none was open */
    if (p->events == 0)
        p->first_us = m->t_us;
    if (turn.v)
        plain_count(turn.v, m->type);
#define GROUP(name, meaning) name##_count(&turn);
#include "featurizer/groups.def"
#undef GROUP
    if (!m->is_late) {
        l->newest_us = m->t_us;
        p->last_us = MAX(p->last_us, m->t_us);
    }
    if (l->import_id == 0)
        l->received_us = MAX(l->received_us, e->received_us);
    p->received_us = MAX(p->received_us, e->received_us);
}
