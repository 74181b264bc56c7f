/* SPDX-License-Identifier: Apache-2.0 */
/* condition - the condition of a policy: a tree of all, any, not over comparisons, as JSON,
 * made into a flat array of comparisons, each of which names the one to go on with.
 *
 * {"all": [C, ...]}, {"any": [C, ...]}, {"not": C}, or a comparison
 * {"fact" | "prediction" | "feature": NAME, "op": OP, "value": V}. OP is = != < <= > >= in,
 * also as the signs of mathematics. V is a number, text or flag as NAME is, behind `in` a list
 * of numbers or texts; texts and flags know no order. A comparison with what is absent is
 * false, also by !=. Features are compared as float32, to which V is rounded then. */
#ifndef AUSPEX_ACTUATOR_CONDITION_H
#define AUSPEX_ACTUATOR_CONDITION_H

#include "actuator/cursor.h"
#include "actuator/operand.h"
#include "common/base/err.h"

struct leaf;
struct condition {
    const struct leaf *leaves; /* at least one */
    bool wants_features;
};

/* From the cursor's next value, which it passes over; all of it lies in the cursor's arena. */
MUST_USE bool condition_read(struct condition *c, struct cursor *at, struct err *e);
bool condition_holds(const struct condition *c, const struct view *v);

/* A word from outside as errors show it: quoted, cut, without control characters. */
enum { SHOWN = 80 };
const char *word_shown(struct str word, char out[SHOWN]);

#endif
