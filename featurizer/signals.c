/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/signals.h"

#include "common/wire/out.h"
#include "featurizer/codes.h"

#include <math.h>
#include <stdlib.h>

enum { SIGNAL_FIELDS = 7, ROOM_AT_FIRST = 8 };

void signals_fini(struct signals *l)
{
    free(l->at);
    *l = (struct signals){0};
}

static void add(struct signals *l, const struct held_signal *x)
{
    if (l->n == SIGNALS_MOST) {
        l->at[l->first] = *x;
        l->first = (l->first + 1) % SIGNALS_MOST;
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap > 0 ? 2 * l->cap : ROOM_AT_FIRST;
        l->at = mem_grow(l->at, l->cap * sizeof *l->at);
    }
    l->at[l->n++] = *x;
}

static uint8_t kind_of(struct str word)
{
    static const char *const words[SIGNAL_KINDS] = {"", "weather", "holiday", "trend"};
    unsigned i = SIGNAL_KINDS - 1;
    while (i > SIGNAL_OTHER && !str_is(word, words[i]))
        i--;
    return (uint8_t)i;
}

void signals_add(struct signals *l, const struct signal *x)
{
    struct held_signal held = {
        .site_id = x->site_id,
        .from_us = x->from_us == 0 ? INT64_MIN : x->from_us,
        .to_us = x->to_us == 0 ? INT64_MAX : x->to_us,
        .value = x->value,
        .place = x->region.len > 0 ? code_fnv(x->region) : 0,
        .country = code_country(x->region),
        .kind = kind_of(x->kind),
    };
    add(l, &held);
}

static bool holds(const struct held_signal *x, const struct whereabouts *w)
{
    if (x->site_id != w->site_id || w->t_us < x->from_us || w->t_us >= x->to_us)
        return false;
    return x->place == 0 || x->place == w->region || x->place == w->place ||
           (x->country != 0 && x->country == w->country);
}

uint32_t signals_at(const struct signals *l, const struct whereabouts *w,
                    double values[SIGNAL_KINDS])
{
    uint32_t n = 0;
    for (unsigned i = 0; i < SIGNAL_KINDS; i++)
        values[i] = (double)NAN;
    for (uint32_t i = 0; i < l->n; i++) { /* oldest first: the newest stays */
        const struct held_signal *x = &l->at[(l->first + i) % SIGNALS_MOST];
        if (!holds(x, w))
            continue;
        values[x->kind] = isnan(x->value) ? 1 : x->value;
        n++;
    }
    return n;
}

void signals_pack(struct buf *out, const struct signals *l)
{
    out_array(out, SIGNAL_FIELDS * (size_t)l->n);
    for (uint32_t i = 0; i < l->n; i++) {
        const struct held_signal *x = &l->at[(l->first + i) % SIGNALS_MOST];
        out_u64(out, x->site_id);
        out_i64(out, x->from_us);
        out_i64(out, x->to_us);
        out_f64(out, x->value);
        out_u64(out, x->place);
        out_u64(out, x->country);
        out_u64(out, x->kind);
    }
}

void signals_unpack(struct signals *l, struct in *in)
{
    uint32_t n = in_array(in);
    if (n % SIGNAL_FIELDS != 0 || n > SIGNAL_FIELDS * SIGNALS_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i += SIGNAL_FIELDS) {
        struct held_signal x = {.site_id = in_u64(in)};
        x.from_us = in_i64(in);
        x.to_us = in_i64(in);
        x.value = in_f64(in);
        uint64_t place = in_u64(in), country = in_u64(in), kind = in_u64(in);
        if (place > UINT32_MAX || country > UINT16_MAX || kind >= SIGNAL_KINDS)
            in_fail(in);
        x.place = (uint32_t)place;
        x.country = (uint16_t)country;
        x.kind = (uint8_t)kind;
        if (!in->bad)
            add(l, &x);
    }
}
