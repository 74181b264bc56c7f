/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/invoices.h"

#include "common/base/buf.h"
#include "common/base/hash.h"

#include <stdlib.h>

enum { BUCKETS = 16384, NONE = UINT16_MAX };
_Static_assert((int)INVOICES_SPAN < (int)NONE, "a place and none fit in 16 bits");

struct invoice {
    struct buf lines;
    uint64_t first, hash; /* of its number */
    uint16_t next;        /* in its bucket, by place */
};

struct invoices {
    struct invoice ring[INVOICES_SPAN]; /* by first line, from `from` on */
    uint32_t from, n;
    size_t held; /* bytes in all of them */
    struct buf given;
    uint16_t buckets[BUCKETS];
};

struct invoices *invoices_new(void)
{
    struct invoices *v = mem_zero(1, sizeof *v);
    for (size_t i = 0; i < BUCKETS; i++)
        v->buckets[i] = NONE;
    return v;
}

void invoices_free(struct invoices *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < INVOICES_SPAN; i++)
        buf_fini(&v->ring[i].lines);
    buf_fini(&v->given);
    free(v);
}

/* The first field as it stands, without quotes around it. */
static struct str number_of(struct str line)
{
    struct str rest;
    struct str number = str_cut(line, ',', &rest);
    if (number.len >= 2 && number.at[0] == '"' && number.at[number.len - 1] == '"')
        number = str_over(number.at + 1, number.len - 2);
    return number;
}

static struct invoice *find(struct invoices *v, struct str number, uint64_t hash)
{
    for (uint16_t i = v->buckets[hash % BUCKETS]; i != NONE; i = v->ring[i].next) {
        struct invoice *old = &v->ring[i];
        if (old->hash == hash && str_eq(number, number_of(buf_as_str(&old->lines))))
            return old;
    }
    return NULL;
}

static struct invoice *begin(struct invoices *v, uint64_t hash, uint64_t number)
{
    CHECK(v->n < INVOICES_SPAN);
    uint32_t at = (v->from + v->n++) % INVOICES_SPAN;
    struct invoice *new = &v->ring[at];
    new->first = number;
    new->hash = hash;
    new->next = v->buckets[hash % BUCKETS];
    v->buckets[hash % BUCKETS] = (uint16_t)at;
    return new;
}

void invoices_add(struct invoices *v, struct str line, uint64_t number)
{
    struct str invoice = number_of(line);
    uint64_t hash = hash64_str(invoice);
    struct invoice *to = find(v, invoice, hash);
    if (!to)
        to = begin(v, hash, number);
    size_t before = to->lines.len;
    if (before > 0 && before < INVOICES_MOST)
        buf_byte(&to->lines, '\n');
    line.len = MIN(line.len, INVOICES_MOST - to->lines.len);
    buf_str(&to->lines, line);
    v->held += to->lines.len - before;
}

static void unlink_oldest(struct invoices *v)
{
    const struct invoice *oldest = &v->ring[v->from];
    uint16_t *to = &v->buckets[oldest->hash % BUCKETS];
    while (*to != v->from)
        to = &v->ring[*to].next;
    *to = oldest->next;
    v->from = (v->from + 1) % INVOICES_SPAN;
    v->n--;
}

bool invoices_take(struct invoices *v, uint64_t next, bool is_end, struct str *lines,
                   uint64_t *first)
{
    struct invoice *oldest = &v->ring[v->from];
    if (v->n == 0 ||
        (!is_end && next - oldest->first < INVOICES_SPAN && v->held < INVOICES_HELD))
        return false;
    buf_fini(&v->given);
    v->given = oldest->lines;
    oldest->lines = (struct buf){0};
    v->held -= v->given.len;
    *lines = buf_as_str(&v->given);
    *first = oldest->first;
    unlink_oldest(v);
    return true;
}
