/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines - when open sessions end if nothing comes, the earliest first; ties by the
 * visitor's key in byte order, then by import. A deadline that moved on while it was kept is
 * not looked for: it comes out early, and whoever takes it puts it back at its true time. Order
 * out does not depend on order in. */
#ifndef AUSPEX_DEADLINES_H
#define AUSPEX_DEADLINES_H

#include "featurizer/profile.h"

struct deadline {
    int64_t at_us;
    struct profile *profile;
    uint64_t import_id;
};

struct deadlines {
    struct deadline *heap;
    size_t n, cap;
};

void deadlines_fini(struct deadlines *d); /* {0} is valid and empty */
void deadlines_add(struct deadlines *d, struct deadline new);
/* The earliest, if there is one at or before `now_us`; taken out. */
bool deadlines_take(struct deadlines *d, int64_t now_us, struct deadline *out);
/* Takes out all of one import; appends its profiles to `to`, which has room for d->n, and
 * returns how many. */
size_t deadlines_take_import(struct deadlines *d, uint64_t import_id, struct profile **to);

#endif
