/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/state_parts.h"

#include "common/base/hash.h"
#include "featurizer/recent.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are stored as they stand");
_Static_assert(sizeof(struct day) == 24 && sizeof(struct pair) == 4 &&
                   sizeof(struct look) == 24,
               "without gaps");

size_t part_text(struct buf *b, uint64_t key, const struct text *t)
{
    if (t->len == 0)
        return 0;
    out_u64(b, key);
    out_str(b, text_str(t));
    return 1;
}

size_t part_set(struct buf *b, uint64_t key, const struct set *set)
{
    if (set->n == 0)
        return 0;
    out_u64(b, key);
    out_array(b, set->n);
    for (uint32_t i = 0; i < set->n; i++)
        out_u64(b, set->at[i]);
    return 1;
}

size_t part_counts(struct buf *b, uint64_t key, const struct bag *bag)
{
    if (bag->set.n == 0)
        return 0;
    out_u64(b, key);
    out_array(b, bag->set.n);
    for (uint32_t i = 0; i < bag->set.n; i++)
        out_u64(b, bag->counts[i]);
    return 1;
}

/* n structs as they stand. */
static size_t pack_bytes(struct buf *b, uint64_t key, const void *at, size_t len)
{
    if (len == 0)
        return 0;
    out_u64(b, key);
    out_bin(b, str_over(at, len));
    return 1;
}

size_t part_sketch(struct buf *b, uint64_t key, const struct sketch *sketch)
{
    return sketch ? pack_bytes(b, key, sketch->ranks, sizeof sketch->ranks) : 0;
}

/* How many zeroes stand before, then what follows up to the last that is none. */
size_t part_cells(struct buf *b, uint64_t key, const uint16_t *cells, size_t n)
{
    size_t first = 0;
    while (n > 0 && cells[n - 1] == 0)
        n--;
    if (n == 0)
        return 0;
    while (cells[first] == 0)
        first++;
    out_u64(b, key);
    out_array(b, n - first + 1);
    out_u64(b, first);
    for (; first < n; first++)
        out_u64(b, cells[first]);
    return 1;
}

size_t part_tail(struct buf *b, uint64_t key, const struct tokens *t)
{
    uint64_t scratch[TOKENS_MOST];
    struct str bytes = tokens_str(t, scratch);
    return pack_bytes(b, key, bytes.at, bytes.len);
}

size_t part_recent(struct buf *b, uint64_t key, const struct recent *r)
{
    struct recent_entry entries[RECENT_MOST];
    for (uint32_t i = 0; i < r->n; i++)
        entries[i] = recent_at(r, i);
    return pack_bytes(b, key, entries, r->n * sizeof entries[0]);
}

size_t part_days(struct buf *b, uint64_t key, const struct days *d)
{
    return pack_bytes(b, key, d->at, d->n * sizeof *d->at);
}

size_t part_summaries(struct buf *b, uint64_t key, const struct summaries *l)
{
    struct summary in_order[SUMMARIES_MOST];
    for (uint32_t i = 0; i < l->n; i++)
        in_order[i] = *summaries_at(l, i);
    return pack_bytes(b, key, in_order, l->n * sizeof in_order[0]);
}

enum { RATING_FIELDS = 4 };

/* The hash is left out where the id stands whole; NaN, no explicit rating, is nil. */
size_t part_ratings(struct buf *b, uint64_t key, const struct ratings *r)
{
    if (r->n == 0)
        return 0;
    out_u64(b, key);
    out_array(b, RATING_FIELDS * (size_t)r->n);
    for (uint32_t i = 0; i < r->n; i++) {
        const struct rating *x = &r->at[i];
        struct str id = str_over(x->id, x->id_len);
        out_u64(b, hash64_str(id) == x->hash ? 0 : x->hash);
        out_str(b, id);
        out_f64(b, (double)x->explicit_rating);
        out_f64(b, x->sum);
    }
    return 1;
}

size_t part_pairs(struct buf *b, uint64_t key, const struct pairs *p)
{
    return pack_bytes(b, key, p->at, p->n * sizeof *p->at);
}

size_t part_looks(struct buf *b, uint64_t key, const struct looks *l)
{
    struct look in_order[LOOKS_MOST];
    for (uint32_t i = 0; i < l->n; i++)
        in_order[i] = l->at[(l->first + i) % LOOKS_MOST];
    return pack_bytes(b, key, in_order, l->n * sizeof in_order[0]);
}

void part_text_read(struct slab *s, struct in *in, struct text *t, size_t most)
{
    struct str text = in_str(in);
    if (text.len == 0 || text.len > most || !str_is_utf8(text))
        in_fail(in);
    else
        text_set(s, t, text, most);
}

void part_set_read(struct slab *s, struct in *in, struct set *set)
{
    uint32_t n = in_array(in);
    if (n == 0 || n > SET_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i++)
        if (set_add(s, set, in_u64(in)) != SET_ADDED)
            in_fail(in);
}

void part_bag_read(struct slab *s, struct in *in, struct bag *bag)
{
    uint32_t n = in_array(in), count;
    if (n == 0 || n > SET_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i++)
        if (bag_add(s, bag, in_u64(in), &count) != SET_ADDED)
            in_fail(in);
}

void part_counts_read(struct in *in, struct bag *bag)
{
    uint32_t n = in_array(in);
    if (n == 0 || n != bag->set.n)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i++) {
        uint64_t count = in_u64(in);
        if (count == 0 || count > UINT32_MAX)
            in_fail(in);
        bag->counts[i] = (uint32_t)count;
    }
}

/* A whole number of things of `each` bytes, at least one and at most `most`; else 0. */
static uint32_t read_bytes(struct in *in, size_t each, uint32_t most, struct str *bytes)
{
    *bytes = in_bin(in);
    if (bytes->len == 0 || bytes->len % each != 0 || bytes->len > each * most)
        in_fail(in);
    return in->bad ? 0 : (uint32_t)(bytes->len / each);
}

void part_sketch_read(struct slab *s, struct in *in, struct sketch **sketch)
{
    struct str bytes = in_bin(in);
    if (bytes.len != SKETCH_REGISTERS || *sketch != NULL) {
        in_fail(in);
        return;
    }
    *sketch = slab_take(s, sizeof **sketch);
    memcpy((*sketch)->ranks, bytes.at, bytes.len);
    for (unsigned i = 0; i < SKETCH_REGISTERS; i++)
        if ((*sketch)->ranks[i] > SKETCH_RANK_MOST)
            in_fail(in);
}

void part_cells_read(struct in *in, uint16_t *cells, size_t n)
{
    uint32_t len = in_array(in);
    uint64_t first = len > 0 ? in_u64(in) : 0;
    if (len < 2 || first >= n || len - 1 > n - first) {
        in_fail(in);
        return;
    }
    for (uint32_t i = 1; i < len && !in->bad; i++) {
        uint64_t count = in_u64(in);
        if (count > UINT16_MAX)
            in_fail(in);
        cells[first + i - 1] = (uint16_t)count;
    }
}

void part_tail_read(struct slab *s, struct in *in, struct tokens *t)
{
    struct str bytes = in_bin(in);
    if (bytes.len == 0 || bytes.len % TOKEN_BYTES != 0 ||
        bytes.len > (size_t)TOKENS_MOST * TOKEN_BYTES)
        in_fail(in);
    for (size_t i = 0; i < bytes.len && !in->bad; i += TOKEN_BYTES) {
        uint64_t token;
        memcpy(&token, bytes.at + i, sizeof token);
        tokens_add(s, t, token, TOKENS_MOST);
    }
}

void part_recent_read(struct slab *s, struct in *in, struct recent *r)
{
    struct str bytes = in_bin(in);
    struct recent_entry e;
    if (bytes.len == 0 || bytes.len % sizeof e != 0 || bytes.len > RECENT_MOST * sizeof e)
        in_fail(in);
    for (size_t i = 0; i < bytes.len && !in->bad; i += sizeof e) {
        memcpy(&e, bytes.at + i, sizeof e);
        recent_append(s, r, &e);
    }
}

/* Of versions 1 and 2: whole hashes of bodies, times in microseconds. */
void part_recent_read_wide(struct slab *s, struct in *in, struct recent *r)
{
    uint32_t n = in_array(in);
    if (n == 0 || n % 3 != 0 || n > 3 * RECENT_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i += 3) {
        uint64_t id = in_u64(in), body = in_u64(in);
        struct recent_entry e = recent_entry_of(id, body, in_i64(in));
        if (!in->bad)
            recent_append(s, r, &e);
    }
}

void part_days_read(struct slab *s, struct in *in, struct days *d)
{
    struct str bytes;
    struct day from;
    uint32_t n = read_bytes(in, sizeof from, DAYS_MOST, &bytes);
    for (uint32_t i = 0; i < n && !in->bad; i++) {
        memcpy(&from, bytes.at + i * sizeof from, sizeof from);
        if (i > 0 && from.day <= d->at[d->n - 1].day)
            in_fail(in);
        else
            *days_take(s, d, from.day * DAY_US) = from;
        if (d->n != i + 1)
            in_fail(in); /* the first is too old beside the last */
    }
}

void part_summaries_read(struct slab *s, struct in *in, struct summaries *l)
{
    struct str bytes;
    struct summary x;
    uint32_t n = read_bytes(in, sizeof x, SUMMARIES_MOST, &bytes);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&x, bytes.at + i * sizeof x, sizeof x);
        summaries_add(s, l, &x);
    }
}

void part_ratings_read(struct slab *s, struct in *in, struct ratings *r)
{
    uint32_t n = in_array(in);
    if (n == 0 || n % RATING_FIELDS != 0 || n > RATING_FIELDS * RATINGS_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i += RATING_FIELDS) {
        uint64_t hash = in_u64(in);
        struct str id = in_str(in);
        double explicit_rating = in_f64(in), sum = in_f64(in);
        if (id.len == 0 || id.len > PRODUCT_MOST || !str_is_utf8(id) || isnan(sum))
            in_fail(in);
        if (in->bad)
            return;
        struct rating *x = ratings_add(s, r, hash != 0 ? hash : hash64_str(id), id);
        x->explicit_rating = (float)explicit_rating;
        x->sum = sum;
    }
}

void part_pairs_read(struct slab *s, struct in *in, struct pairs *p)
{
    struct str bytes;
    uint32_t n = read_bytes(in, sizeof *p->at, PAIRS_MOST, &bytes);
    for (uint32_t i = 0; i < n; i++) {
        struct pair from;
        memcpy(&from, bytes.at + i * sizeof from, sizeof from);
        pairs_add(s, p, from.from, from.to);
        p->at[p->n - 1].n = from.n;
    }
    if (p->n != n)
        in_fail(in); /* one stands twice */
}

void part_looks_read(struct slab *s, struct in *in, struct looks *l)
{
    struct str bytes;
    struct look x;
    uint32_t n = read_bytes(in, sizeof x, LOOKS_MOST, &bytes);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&x, bytes.at + i * sizeof x, sizeof x);
        looks_add(s, l, &x);
    }
}
