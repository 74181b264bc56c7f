/* SPDX-License-Identifier: Apache-2.0 */
/* channel - by which way a visitor came, from campaign and referrer: direct, organic,
 * paid_search, paid_social, social, email, display, affiliate, referral, other. */
#ifndef AUSPEX_CHANNEL_H
#define AUSPEX_CHANNEL_H

#include "common/wire/record.h"

/* From utm_*, url and referrer of the event. Empty when it tells nothing: no page and no
 * campaign, or a referrer of the same host. Static text. */
struct str channel_of(const struct event *e);
/* "shop.example" of "https://user@www.shop.example:8080/x?y"; empty when there is none. Points
 * into the address. */
struct str channel_host(struct str address);
/* "/x" of it; empty when the address has no host or no path. */
struct str channel_path(struct str address);

#endif
