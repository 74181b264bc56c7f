/* SPDX-License-Identifier: Apache-2.0 */
/* queue - parcels that wait to be sent, by visitor: one visitor's leave in the order they came
 * in, and while some are out no other of the same visitor leaves. Who has waited longest is
 * first. */
#ifndef AUSPEX_SHOP_QUEUE_H
#define AUSPEX_SHOP_QUEUE_H

#include "test/shop/parcel.h"

struct queue;
struct customer; /* a visitor with parcels in the queue or out */

MUST_USE struct queue *queue_new(void);
void queue_free(struct queue *q); /* nobody may be out; frees the parcels left */

/* The queue owns the parcel. */
void queue_put(struct queue *q, struct parcel *p);
/* Takes up to `max` > 0 parcels of one visitor into *list, linked by `next`, the caller's from
 * here on. NULL when nobody has any who is not out; else whose they are, until queue_back. */
struct customer *queue_take(struct queue *q, size_t max, struct parcel **list);
/* What was taken is settled. */
void queue_back(struct queue *q, struct customer *c);
size_t queue_n(const struct queue *q); /* parcels waiting, without those taken */

#endif
