/* SPDX-License-Identifier: Apache-2.0 */
/* template - the message of a policy: text with {{names}} in it, cut into pieces once.
 *
 * A name is a fact, else a prediction, else a feature, and `visitor`. Written are texts as they
 * are; probabilities with two decimals; other numbers with the fewest digits that tell them;
 * flags as true and false; nothing for what is absent. */
#ifndef AUSPEX_ACTUATOR_TEMPLATE_H
#define AUSPEX_ACTUATOR_TEMPLATE_H

#include "actuator/operand.h"
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct piece;
struct template
{
    const struct piece *pieces;
    size_t n;
    bool wants_features;
};

/* Slices point into `text`; the pieces lie in the arena. */
MUST_USE bool template_read(struct template *t, struct str text, struct arena *a,
                            struct err *e);
/* Appends at most `most` bytes, cut where no UTF-8 sequence is torn. */
void template_fill(const struct template *t, const struct view *v, size_t most,
                   struct buf *out);

#endif
