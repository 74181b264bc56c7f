/* SPDX-License-Identifier: Apache-2.0 */
/* names - what an event is called here: names of other dialects become the catalogue's, by
 * schemas/dialects.def. */
#ifndef AUSPEX_NAMES_H
#define AUSPEX_NAMES_H

#include "collector/types.h"
#include "common/base/arena.h"

enum { NAME_MAX_LEN = 50 };

/* "Product Viewed", "ProductViewed", "product-viewed" -> product_view; "Plan Upgraded" ->
 * plan_upgraded. False when no [a-z][a-z0-9_]{0,49} comes of it. *type is static, `sent` itself
 * or taken from the arena; *of NULL when the catalogue has none of this name. */
MUST_USE bool names_type(struct str sent, struct arena *a, struct str *type,
                         const struct event_type **of);
/* The type that a call of Segment's is, empty when the event's name says it; false when it is
 * no call. */
MUST_USE bool names_call(struct str sent, struct str *type);

#endif
