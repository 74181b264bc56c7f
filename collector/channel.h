/* SPDX-License-Identifier: Apache-2.0 */
/* channel - by which way a visitor came, from campaign, click ids and referrer: direct,
 * organic, paid_search, paid_social, social, email, display, affiliate, referral, other. The
 * lists and the rules are schemas/channels.def. */
#ifndef AUSPEX_CHANNEL_H
#define AUSPEX_CHANNEL_H

#include "common/base/arena.h"
#include "common/wire/record.h"

/* Sets of the event what its address and referrer tell: utm_*, when it names none of the five
 * itself, referrer_domain and channel. The channel is empty when the event tells nothing: no
 * page and no campaign, or a referrer of the same site. Slices of the event's own, static, or
 * taken from the arena. */
void channel_settle(struct event *e, struct arena *a);

#endif
