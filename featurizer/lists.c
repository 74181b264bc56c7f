/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/lists.h"

#include "common/base/clock.h"

#include <math.h>
#include <string.h>

/* Room for one more in a list of `each` bytes a thing, doubling; at most `most` things. */
static void *room_for_one(struct slab *s, void *at, uint32_t n, uint32_t *cap, size_t each,
                          uint32_t most)
{
    if (n < *cap)
        return at;
    uint32_t wider = *cap == 0 ? 2 : MIN(2 * *cap, most);
    CHECK(n < wider);
    void *to = slab_take(s, wider * each);
    if (n > 0)
        memcpy(to, at, n * each);
    slab_give(s, at, *cap * each);
    *cap = wider;
    return to;
}

static uint16_t add_u16(uint16_t a, uint16_t b)
{
    return (uint16_t)MIN(a + b, UINT16_MAX);
}

struct day *days_take(struct slab *s, struct days *d, int64_t at_us)
{
    int32_t day = (int32_t)clock_floor(at_us, DAY_US);
    uint32_t i = d->n, gone = 0;
    if (i > 0 && day <= d->at[i - 1].day - DAYS_MOST)
        return NULL;
    while (i > 0 && d->at[i - 1].day >= day)
        i--;
    if (i < d->n && d->at[i].day == day)
        return &d->at[i];
    if (i == d->n) /* the newest: the oldest may go */
        while (gone < d->n && d->at[gone].day <= day - DAYS_MOST)
            gone++;
    if (gone > 0) {
        d->n -= gone;
        i -= gone;
        memmove(d->at, d->at + gone, d->n * sizeof *d->at);
    }
    d->at = room_for_one(s, d->at, d->n, &d->cap, sizeof *d->at, DAYS_MOST);
    memmove(d->at + i + 1, d->at + i, (d->n++ - i) * sizeof *d->at);
    d->at[i] = (struct day){.day = day};
    return &d->at[i];
}

void days_spans(const struct days *d, int64_t t_us, struct spans *out)
{
    static const int32_t widths[SPANS_N] = {7, 30, 60, 90};
    int32_t today = (int32_t)clock_floor(t_us, DAY_US);
    struct span sum = {0};
    uint32_t i = d->n;
    while (i > 0 && d->at[i - 1].day > today)
        i--; /* of another lane, whose time is ahead */
    for (uint32_t n = 0; n < SPANS_N; n++) {
        for (; i > 0 && d->at[i - 1].day > today - widths[n]; i--) {
            const struct day *x = &d->at[i - 1];
            sum.n_days++;
            sum.sessions += x->sessions;
            sum.orders += x->orders;
            sum.tickets += x->tickets;
            sum.videos += x->videos;
            sum.revenue += x->revenue;
        }
        out->sum[n] = sum;
    }
}

void days_fini(struct slab *s, struct days *d)
{
    slab_give(s, d->at, d->cap * sizeof *d->at);
    *d = (struct days){0};
}

void summaries_add(struct slab *s, struct summaries *l, const struct summary *x)
{
    if (l->n == SUMMARIES_MOST) {
        l->at[l->first] = *x;
        l->first = (l->first + 1) % SUMMARIES_MOST;
        return;
    }
    l->at = room_for_one(s, l->at, l->n, &l->cap, sizeof *l->at, SUMMARIES_MOST);
    l->at[l->n++] = *x;
}

const struct summary *summaries_at(const struct summaries *l, uint32_t i)
{
    return &l->at[(l->first + i) % SUMMARIES_MOST];
}

struct str summaries_str(const struct summaries *l, int64_t t_us,
                         struct summary scratch[SUMMARIES_MOST])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct summary *x = summaries_at(l, i);
        if (x->ended_us > t_us - 30 * DAY_US && x->ended_us <= t_us)
            scratch[n++] = *x;
    }
    return str_over(scratch, n * sizeof *scratch);
}

void summaries_fini(struct slab *s, struct summaries *l)
{
    slab_give(s, l->at, l->cap * sizeof *l->at);
    *l = (struct summaries){0};
}

static struct rating rating_new(struct slab *s, uint64_t hash, struct str id)
{
    struct str head = str_head_utf8(id, PRODUCT_MOST);
    struct rating x = {.hash = hash, .id_len = (uint32_t)head.len, .explicit_rating = NAN};
    if (head.len > 0) {
        x.id = slab_take(s, head.len);
        memcpy(x.id, head.at, head.len);
    }
    return x;
}

struct rating *ratings_add(struct slab *s, struct ratings *r, uint64_t hash, struct str id)
{
    CHECK(r->n < RATINGS_MOST);
    r->at = room_for_one(s, r->at, r->n, &r->cap, sizeof *r->at, RATINGS_MOST);
    r->at[r->n] = rating_new(s, hash, id);
    return &r->at[r->n++];
}

struct rating *ratings_replace(struct slab *s, struct ratings *r, uint32_t i, uint64_t hash,
                               struct str id)
{
    CHECK(i < r->n);
    slab_give(s, r->at[i].id, r->at[i].id_len);
    r->at[i] = rating_new(s, hash, id);
    return &r->at[i];
}

void ratings_fini(struct slab *s, struct ratings *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        slab_give(s, r->at[i].id, r->at[i].id_len);
    slab_give(s, r->at, r->cap * sizeof *r->at);
    *r = (struct ratings){0};
}

void pairs_add(struct slab *s, struct pairs *p, uint8_t from, uint8_t to)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->at[i].from == from && p->at[i].to == to) {
            p->at[i].n = add_u16(p->at[i].n, 1);
            return;
        }
    if (p->n == PAIRS_MOST)
        return;
    p->at = room_for_one(s, p->at, p->n, &p->cap, sizeof *p->at, PAIRS_MOST);
    p->at[p->n++] = (struct pair){from, to, 1};
}

double pairs_share(const struct pairs *p, uint8_t from, uint8_t to)
{
    uint32_t all = 0, those = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->at[i].from == from) {
            all += p->at[i].n;
            those += p->at[i].to == to ? p->at[i].n : 0;
        }
    return those > 0 ? (double)those / all : (double)NAN;
}

void pairs_fini(struct slab *s, struct pairs *p)
{
    slab_give(s, p->at, p->cap * sizeof *p->at);
    *p = (struct pairs){0};
}

void looks_add(struct slab *s, struct looks *l, const struct look *x)
{
    if (l->n == LOOKS_MOST) {
        l->at[l->first] = *x;
        l->first = (l->first + 1) % LOOKS_MOST;
        return;
    }
    l->at = room_for_one(s, l->at, l->n, &l->cap, sizeof *l->at, LOOKS_MOST);
    l->at[l->n++] = *x;
}

bool looks_compare(const struct looks *l, const struct look *x, int64_t most_us)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->at[i].category == x->category && l->at[i].product != x->product &&
            x->t_us - l->at[i].t_us <= most_us)
            return true;
    return false;
}

void looks_fini(struct slab *s, struct looks *l)
{
    slab_give(s, l->at, l->cap * sizeof *l->at);
    *l = (struct looks){0};
}
