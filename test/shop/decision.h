/* SPDX-License-Identifier: Apache-2.0 */
/* decision - what the pipeline decides to do for the shop's visitors: reads records of the
 * topic interventions, msgpack or JSON. Of a record that stands twice the first counts. */
#ifndef AUSPEX_SHOP_DECISION_H
#define AUSPEX_SHOP_DECISION_H

#include "common/base/str.h"

struct decisions;

/* An intervention with the action `offer`, live, as far as the shop cares. */
struct decision {
    struct str id;
    struct str visitor; /* within the site */
    bool is_held;       /* held out: nothing reaches the visitor */
};

MUST_USE struct decisions *decisions_new(void);
void decisions_free(struct decisions *o);
/* Whether the record, in either form, is such a one and was not seen before. *d is valid as
 * long as the record, and until the next call. Anything else is passed over. */
MUST_USE bool decisions_read(struct decisions *o, struct str record, struct decision *d);

#endif
