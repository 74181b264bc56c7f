/* SPDX-License-Identifier: Apache-2.0 */
/* ratings - what a visitor thinks of products, as its acts tell: the head of features.def. The
 * sums stand at the newest act, profile.rated_us, so that their order needs no decay. */
#ifndef AUSPEX_RATINGS_H
#define AUSPEX_RATINGS_H

#include "common/base/buf.h"
#include "common/wire/record.h"
#include "featurizer/lists.h"

struct profile;
struct moment;
struct turn;
struct view;

/* What an event adds; called once for each that counts. */
void ratings_count(struct turn *turn);
/* Features implicit_rating and implicit_rating_max. */
void ratings_put(const struct view *w);

/* The rating, 0 to 5, of the event's product after the event; NaN when there is none. */
double ratings_of_event(const struct profile *p, const struct moment *m);
/* The RATINGS_TOLD highest, the highest first, equals in order of the list, as packed records
 * `rated`, which point into `scratch`, emptied before. */
struct wire_list ratings_told(const struct profile *p, const struct moment *m,
                              struct buf *scratch);

#endif
