/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/compute.h"

#include "featurizer/group.h"

double view_since(const struct view *w, int64_t from_us, double unit_us)
{
    if (from_us == 0)
        return (double)NAN;
    return (double)MAX(w->t_us - from_us, (int64_t)0) / unit_us;
}

void compute_features(const struct profile *p, const struct visit *v, const struct moment *m,
                      float out[FEATURES_N])
{
    static const struct visit none;
    struct visit empty = none;
    empty.started_us = m->t_us;
    struct view w = {.p = p, .v = v ? v : &empty, .m = m, .t_us = m->t_us, .out = out};
    days_spans(&p->days, m->t_us, &w.spans);
#define GROUP(name, meaning) name##_put(&w);
#include "featurizer/groups.def"
#undef GROUP
}
