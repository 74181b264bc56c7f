/* SPDX-License-Identifier: Apache-2.0 */
/* types - the catalogue's types of events, from schemas/types.def: the fields that are a type's
 * own, and those that an event of it must have. */
#ifndef AUSPEX_TYPES_H
#define AUSPEX_TYPES_H

#include "common/wire/record.h"

struct event_type;

size_t types_n(void);
/* i < types_n(); static, and filled at first use, by the one thread there is. */
const struct event_type *types_at(size_t i);
struct str types_name(const struct event_type *t);
/* Whether the field at this offset of struct event is listed by the type; false when t is NULL,
 * a type of the sender's own. */
bool types_has(const struct event_type *t, size_t offset);
/* The first required field that the event lacks, as types.def calls it; NULL when it has all,
 * or t is NULL. Static text. */
const char *types_lacks(const struct event_type *t, const struct event *e);

#endif
