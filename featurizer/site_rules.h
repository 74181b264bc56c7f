/* SPDX-License-Identifier: Apache-2.0 */
/* site_rules - what the settings of a site (schemas/site.def) say to featurizer: zone,
 * currency, session gap, how long visitors are kept. They come as control records of the
 * partition's own log and hold from their record on. */
#ifndef AUSPEX_SITE_RULES_H
#define AUSPEX_SITE_RULES_H

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/currency.h"
#include "common/base/zone_rules.h"
#include "common/wire/in.h"
#include "common/wire/record.h"

struct site_rules {
    uint64_t site_id;
    int64_t idle_us;      /* silence that ends a session which opens now */
    int64_t keep_us;      /* silence after which a visitor counts as new */
    int64_t half_life_us; /* of implicit ratings */
    uint64_t consent;     /* of events that tell none */
    struct zone_rules zone;
    struct str currency; /* empty = amounts as sent */
    struct rates rates;
    struct buf body; /* the setting as JSON */
    char currency_text[CURRENCY_LEN];
};

/* Of all sites of a partition. */
struct rulebook {
    struct site_rules none;    /* of sites that say nothing */
    struct site_rules **sites; /* by rising site_id */
    uint32_t n, cap;
};

/* `none`: what holds where a site says nothing; of it only the times and consent count. */
void rulebook_init(struct rulebook *b, const struct site_rules *none);
void rulebook_fini(struct rulebook *b);
/* A control record; those that set no site are passed over. A setting that cannot be read
 * leaves the site as it was, and gives false. */
bool rulebook_set(struct rulebook *b, const struct control *c);
/* Valid until the next rulebook_set. */
const struct site_rules *rulebook_of(const struct rulebook *b, uint64_t site_id);

/* As part of the partition's own state. */
void rulebook_pack(struct buf *out, const struct rulebook *b);
void rulebook_unpack(struct rulebook *b, struct in *in);

/* How far local time of the event is ahead of UTC at t_us: as the event tells, else the zone.
 */
int64_t site_offset_us(const struct site_rules *s, const struct event *e, int64_t t_us);
/* What an amount in `currency` is multiplied by; NaN when it cannot be told in the site's. */
double site_factor(const struct site_rules *s, struct str currency);

#endif
