/* SPDX-License-Identifier: Apache-2.0 */
/* react - the topic interventions, read from its end on, for whoever acts on them. */
#ifndef AUSPEX_SHOP_REACT_H
#define AUSPEX_SHOP_REACT_H

#include "common/base/err.h"
#include "test/shop/decision.h"

struct react;

/* NULL when the broker or the topic is not there. */
MUST_USE struct react *react_open(const char *brokers, const char *topic, struct err *e);
void react_close(struct react *r);
/* Gives the offers that have come, without waiting. */
void react_turn(struct react *r, void (*use)(void *to, const struct decision *d), void *to);

#endif
