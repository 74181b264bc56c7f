/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/session.h"

#include "featurizer/codes.h"

struct str session_end_name(enum session_end end)
{
    static const char *const names[] = {"", "gap", "silence", "import_end"};
    return str_of(names[end]);
}

struct moment session_judge(const struct lane *l, const struct event *e, int64_t idle_us)
{
    struct moment m = {.event = e, .type = code_event_type(e->type)};
    m.is_late = e->ts_us < l->newest_us - LATE_US;
    m.t_us = MAX(e->ts_us, l->newest_us);
    if (!l->visit)
        return m;
    bool is_live = l->import_id == 0;
    if (is_live && e->received_us >= l->received_us + idle_us)
        m.ends = SESSION_SILENCE;
    else if (m.t_us - l->newest_us >= idle_us)
        m.ends = SESSION_GAP;
    return m;
}

void session_open(struct slab *s, struct profile *p, struct lane *l, const struct moment *m,
                  uint64_t epoch, uint64_t offset)
{
    CHECK(!l->visit && !m->is_late);
    l->visit = visit_new(s);
    l->visit->epoch = epoch;
    l->visit->opened = offset;
    l->visit->number = ++p->sessions;
    l->visit->started_us = m->t_us;
    l->visit->before_us = p->last_us;
}

void session_close(struct slab *s, struct profile *p, struct lane *l)
{
    p->closed++;
    p->closed_s += (double)(l->newest_us - l->visit->started_us) / 1e6;
    visit_free(s, l->visit);
    l->visit = NULL;
}
