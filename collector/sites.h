/* SPDX-License-Identifier: Apache-2.0 */
/* sites - the sites that may send over HTTP, by their write keys, as control records set them;
 * and how much each has sent of late. */
#ifndef AUSPEX_SITES_H
#define AUSPEX_SITES_H

#include "common/base/str.h"

struct control;
struct site;
struct sites;

MUST_USE struct sites *sites_new(void);
void sites_free(struct sites *s);

/* A control record; those that set no site are passed over. False when it sets one and cannot
 * be read: the site is then as it was. */
bool sites_set(struct sites *s, const struct control *c);
size_t sites_n(const struct sites *s);

/* The site that a write key opens; NULL when none does. Valid until the next sites_set. The
 * time it takes tells nothing of keys that are not known to the asker. */
const struct site *sites_find(struct sites *s, struct str key);
/* Whether any site takes from pages of this origin. */
bool sites_allow(const struct sites *s, struct str origin);
/* Whether the site may send n events now: its rate, of which it may have saved up a second's
 * worth, or a batch's. If not, *retry_s says when to ask again. */
bool sites_take(struct sites *s, uint64_t site_id, uint64_t n, int64_t mono_us,
                unsigned *retry_s);

#endif
