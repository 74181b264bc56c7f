/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/tokens.h"

#include "common/base/clock.h"
#include "common/wire/record.h"
#include "featurizer/codes.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tokens are stored as they stand");

static uint64_t gap_bucket(int64_t gap_us)
{
    if (gap_us < 0)
        return 0;
    uint64_t s = (uint64_t)(gap_us / SECOND_US);
    return s == 0 ? 1 : 1 + (64 - (uint64_t)__builtin_clzll(s));
}

/* The exponent and the first two bits behind it, as a double holds them. */
static uint64_t price_bucket(double price)
{
    enum { SHIFT = 50, LEAST = (1023 - 7) << 2 };
    uint64_t bits;
    if (isnan(price))
        return 0;
    if (price <= 0)
        return 1;
    memcpy(&bits, &price, sizeof bits);
    int64_t step = (int64_t)(bits >> SHIFT) - LEAST;
    return (uint64_t)MIN(2 + MAX(step, (int64_t)0), (int64_t)UINT8_MAX);
}

uint64_t token_of(const struct event *e, uint8_t action, int64_t gap_us)
{
    struct str what = e->product_id.len > 0 ? e->product_id : e->path;
    uint64_t hash = what.len > 0 ? code_fnv(what) : 0;
    return action | gap_bucket(gap_us) << 8 | price_bucket(e->price) << 16 | hash << 32;
}

void tokens_fini(struct slab *s, struct tokens *t)
{
    slab_give(s, t->at, t->cap * sizeof *t->at);
    *t = (struct tokens){0};
}

/* Copies them to `to`, oldest first. */
static void unroll(const struct tokens *t, uint64_t *to)
{
    uint32_t front = MIN(t->n, t->cap - t->first);
    memcpy(to, t->at + t->first, front * sizeof *to);
    memcpy(to + front, t->at, (t->n - front) * sizeof *to);
}

static void grow(struct slab *s, struct tokens *t)
{
    struct tokens wider = {.n = t->n, .cap = t->cap ? 2 * t->cap : 4};
    wider.at = slab_take(s, wider.cap * sizeof *wider.at);
    if (t->n > 0)
        unroll(t, wider.at);
    tokens_fini(s, t);
    *t = wider;
}

void tokens_keep(struct slab *s, struct tokens *t, uint32_t most)
{
    if (most == 0) {
        tokens_fini(s, t);
    } else if (t->n > most) {
        t->first = (t->first + t->n - most) & (t->cap - 1);
        t->n = most;
    }
}

void tokens_add(struct slab *s, struct tokens *t, uint64_t token, uint32_t most)
{
    CHECK(most <= TOKENS_MOST);
    if (most == 0)
        return;
    if (t->n >= most)
        tokens_keep(s, t, most - 1);
    if (t->n == t->cap)
        grow(s, t);
    t->at[(t->first + t->n++) & (t->cap - 1)] = token;
}

struct str tokens_str(const struct tokens *t, uint64_t scratch[TOKENS_MOST])
{
    if (t->n == 0)
        return (struct str){NULL, 0};
    if (t->first + t->n <= t->cap)
        return str_over(t->at + t->first, t->n * sizeof *t->at);
    unroll(t, scratch);
    return str_over(scratch, t->n * sizeof *scratch);
}
