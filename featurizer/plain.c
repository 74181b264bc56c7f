/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of plain.def, found by the code of the event's type. */
#include "featurizer/group.h"

#include <stddef.h>

#define PLAIN(type, field)                                                             \
    _Static_assert(_Generic(((struct visit *)0)->field, state_count : 1, default : 0), \
                   "a count");
#include "featurizer/plain.def"
#undef PLAIN

/* By type, where in a visit; 0 = none, as a visit begins with something else. */
static const uint16_t offsets[UINT8_MAX + 1] = {
#define PLAIN(type, field) [EVENT_TYPE_##type] = offsetof(struct visit, field),
#include "featurizer/plain.def"
#undef PLAIN
};

void plain_count(struct visit *v, uint8_t type)
{
    uint16_t offset = offsets[type];
    if (offset != 0)
        ++*(state_count *)(void *)((char *)v + offset);
}
