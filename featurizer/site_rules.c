/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/site_rules.h"

#include "common/base/arena.h"
#include "common/wire/json_in.h"
#include "common/wire/out.h"

#include <math.h>
#include <stdlib.h>

enum { SITES_MOST = 1 << 20 };

void rulebook_init(struct rulebook *b, const struct site_rules *none)
{
    *b = (struct rulebook){.none = {.idle_us = none->idle_us,
                                    .keep_us = none->keep_us,
                                    .half_life_us = none->half_life_us,
                                    .consent = none->consent}};
}

static void rules_free(struct site_rules *s)
{
    buf_fini(&s->body);
    free(s);
}

void rulebook_fini(struct rulebook *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        rules_free(b->sites[i]);
    free(b->sites);
    *b = (struct rulebook){0};
}

/* Where the site stands or belongs. */
static uint32_t place_of(const struct rulebook *b, uint64_t site_id)
{
    uint32_t low = 0, high = b->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (b->sites[middle]->site_id < site_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands(const struct rulebook *b, uint32_t at, uint64_t site_id)
{
    return at < b->n && b->sites[at]->site_id == site_id;
}

const struct site_rules *rulebook_of(const struct rulebook *b, uint64_t site_id)
{
    uint32_t at = place_of(b, site_id);
    return stands(b, at, site_id) ? b->sites[at] : &b->none;
}

static bool rules_read(struct site_rules *s, const struct site *told)
{
    if (!zone_rules_read(&s->zone, told->zone_rules) || !rates_read(&s->rates, told->rates) ||
        (told->currency.len != 0 && told->currency.len != CURRENCY_LEN) ||
        told->session_gap_s > DAY_US / SECOND_US || told->keep_days > 36500)
        return false;
    if (told->currency.len > 0)
        memcpy(s->currency_text, told->currency.at, CURRENCY_LEN);
    s->currency = str_over(s->currency_text, told->currency.len);
    s->consent = told->consent;
    if (told->session_gap_s > 0)
        s->idle_us = (int64_t)told->session_gap_s * SECOND_US;
    if (told->keep_days > 0)
        s->keep_us = (int64_t)told->keep_days * DAY_US;
    return true;
}

static bool body_read(struct site_rules *s, struct str body)
{
    struct arena arena = {0};
    struct site told;
    bool is_good = record_from_json(&site_def, &told, &arena, body.at, body.len) == WIRE_OK &&
                   rules_read(s, &told);
    arena_fini(&arena);
    if (is_good)
        buf_str(&s->body, body);
    return is_good;
}

static void put(struct rulebook *b, struct site_rules *s)
{
    uint32_t at = place_of(b, s->site_id);
    if (stands(b, at, s->site_id)) {
        rules_free(b->sites[at]);
        b->sites[at] = s;
        return;
    }
    if (b->n == b->cap) {
        b->cap = b->cap > 0 ? 2 * b->cap : 8;
        b->sites = mem_grow(b->sites, b->cap * sizeof(struct site_rules *));
    }
    memmove(b->sites + at + 1, b->sites + at, (b->n - at) * sizeof(struct site_rules *));
    b->sites[at] = s;
    b->n++;
}

static void take_back(struct rulebook *b, uint64_t site_id)
{
    uint32_t at = place_of(b, site_id);
    if (!stands(b, at, site_id))
        return;
    rules_free(b->sites[at]);
    memmove(b->sites + at, b->sites + at + 1, (--b->n - at) * sizeof(struct site_rules *));
}

static bool set(struct rulebook *b, uint64_t site_id, struct str body)
{
    struct site_rules *s = mem_zero(1, sizeof *s);
    s->site_id = site_id;
    s->idle_us = b->none.idle_us;
    s->keep_us = b->none.keep_us;
    s->half_life_us = b->none.half_life_us;
    if (b->n < SITES_MOST && body_read(s, body)) {
        put(b, s);
        return true;
    }
    rules_free(s);
    return false;
}

bool rulebook_set(struct rulebook *b, const struct control *c)
{
    uint64_t site_id;
    if (!str_is(c->what, "site"))
        return true;
    if (!str_u64(c->name, &site_id) || site_id == 0)
        return false;
    if (c->version == 0) {
        take_back(b, site_id);
        return true;
    }
    return set(b, site_id, c->body);
}

void rulebook_pack(struct buf *out, const struct rulebook *b)
{
    out_array(out, 2 * (size_t)b->n);
    for (uint32_t i = 0; i < b->n; i++) {
        out_u64(out, b->sites[i]->site_id);
        out_str(out, buf_as_str(&b->sites[i]->body));
    }
}

void rulebook_unpack(struct rulebook *b, struct in *in)
{
    uint32_t n = in_array(in);
    if (n % 2 != 0)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i += 2) {
        uint64_t site_id = in_u64(in);
        struct str body = in_str(in);
        if (!in->bad && !set(b, site_id, body))
            in_fail(in);
    }
}

int64_t site_offset_us(const struct site_rules *s, const struct event *e, int64_t t_us)
{
    double told = e->utc_offset_min;
    if (fabs(told) <= ZONE_OFFSET_MAX_MIN) /* false for NaN */
        return (int64_t)told * MINUTE_US;
    return (int64_t)zone_rules_offset_min(&s->zone, t_us) * MINUTE_US;
}

double site_factor(const struct site_rules *s, struct str currency)
{
    return currency_factor(&s->rates, s->currency, currency);
}
