/* SPDX-License-Identifier: Apache-2.0 */
/* lists - what is kept of a visitor in lists that have bounds: days, closed sessions, rated
 * products, steps between pages, looks at products. All lie in the partition's slab; {0} is
 * empty; what a list does not take is forgotten by the rules of features.def. */
#ifndef AUSPEX_LISTS_H
#define AUSPEX_LISTS_H

#include "common/base/buf.h"
#include "common/base/slab.h"
#include "common/base/str.h"

enum {
    DAYS_MOST = 90,
    SUMMARIES_MOST = 64,
    SUMMARY_BYTES = 40,
    RATINGS_MOST = 32,
    RATINGS_TOLD = 16,
    PRODUCT_MOST = 64, /* bytes of a product id in ratings */
    PAIRS_MOST = 64,
    LOOKS_MOST = 8
};

/* A day (UTC) with events. */
struct day {
    int32_t day; /* since 1970 */
    uint32_t events;
    uint16_t sessions, orders, tickets, videos;
    double revenue;
};
/* By rising day, within the DAYS_MOST up to the newest. */
struct days {
    struct day *at;
    uint32_t n, cap;
};
/* The day that at_us lies in, made when it is missing; NULL when it is too old to be kept.
 * Valid until the next call. */
struct day *days_take(struct slab *s, struct days *d, int64_t at_us);
/* Sums over 7, 30, 60 and 90 days up to that of t_us, itself included. */
enum { SPAN_7D, SPAN_30D, SPAN_60D, SPAN_90D, SPANS_N };
struct span {
    uint32_t n_days; /* with events */
    uint32_t sessions, orders, tickets, videos;
    double revenue;
};
struct spans {
    struct span sum[SPANS_N];
};
void days_spans(const struct days *d, int64_t t_us, struct spans *out);
void days_fini(struct slab *s, struct days *d);

/* A closed session; in the vector's field `summaries` as these bytes, little-endian. */
struct summary {
    int64_t started_us, ended_us; /* event time */
    float value;                  /* of purchases and subscriptions, in the site's currency */
    float engagement;             /* features.def's engagement_score at the end */
    uint16_t events, pages, product_views, cart_adds, conversions, errors; /* stop at 65535 */
    uint8_t channel, device, ended_by; /* codes; enum session_end */
    uint8_t none;                      /* 0 */
};
_Static_assert(sizeof(struct summary) == SUMMARY_BYTES, "as in the record");
/* The SUMMARIES_MOST that were closed last, a ring: [0, n) from `first` on, oldest first. */
struct summaries {
    struct summary *at;
    uint32_t n, cap, first;
};
void summaries_add(struct slab *s, struct summaries *l, const struct summary *x);
const struct summary *summaries_at(const struct summaries *l,
                                   uint32_t i); /* i < n, oldest first */
/* Of those with an end in (t_us - 30 days, t_us], in order; valid until scratch goes. */
struct str summaries_str(const struct summaries *l, int64_t t_us,
                         struct summary scratch[SUMMARIES_MOST]);
void summaries_fini(struct slab *s, struct summaries *l);

/* What the visitor thinks of products: features.def's ratings. Sums stand at one time for all
 * (profile.def's rated_us), so that their order needs no decay. */
struct rating {
    uint64_t hash; /* XXH3 of the whole id */
    char *id;      /* of id_len bytes, cut to PRODUCT_MOST at a UTF-8 boundary */
    uint32_t id_len;
    float explicit_rating; /* NaN = none */
    double sum;
};
struct ratings {
    struct rating *at;
    uint32_t n, cap;
};

/* Appends one, which must not be there, nor RATINGS_MOST; the id is cut. Valid until the next.
 */
struct rating *ratings_add(struct slab *s, struct ratings *r, uint64_t hash, struct str id);
/* The same in the place of the i-th, which is forgotten. */
struct rating *ratings_replace(struct slab *s, struct ratings *r, uint32_t i, uint64_t hash,
                               struct str id);
void ratings_fini(struct slab *s, struct ratings *r);

/* How often a step led from a page of one code to one of another. */
struct pair {
    uint8_t from, to;
    uint16_t n; /* stops at 65535 */
};
struct pairs {
    struct pair *at;
    uint32_t n, cap;
};
void pairs_add(struct slab *s, struct pairs *p, uint8_t from, uint8_t to);
/* Share of the steps from `from` that led to `to`; NaN when none of that pair is kept. */
double pairs_share(const struct pairs *p, uint8_t from, uint8_t to);
void pairs_fini(struct slab *s, struct pairs *p);

/* The newest looks at products that have a category, a ring as above. */
struct look {
    int64_t t_us;
    uint64_t product, category; /* XXH3 */
};
struct looks {
    struct look *at;
    uint32_t n, cap, first;
};
void looks_add(struct slab *s, struct looks *l, const struct look *x);
/* Whether one at another product of the category is among them, at most `most_us` older. */
bool looks_compare(const struct looks *l, const struct look *x, int64_t most_us);
void looks_fini(struct slab *s, struct looks *l);

#endif
