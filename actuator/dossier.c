/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/dossier.h"

#include <string.h>

bool dossier_key_cut(struct str key, uint64_t *site_id, struct str *visitor)
{
    struct str site = str_cut(key, ':', visitor);
    return key.len <= DOSSIER_KEY && visitor->len > 0 && str_u64(site, site_id);
}

struct lane *dossier_lane(struct dossier *d, uint64_t import_id)
{
    if (import_id == 0)
        return &d->live;
    struct lane *l = d->imports;
    while (l && l->import_id < import_id)
        l = l->next;
    return l && l->import_id == import_id ? l : NULL;
}

struct lane *dossier_lane_take(struct slab *s, struct dossier *d, uint64_t import_id)
{
    struct lane *before = NULL, *after = d->imports;
    if (import_id == 0)
        return &d->live;
    for (; after && after->import_id < import_id; after = after->next)
        before = after;
    if (after && after->import_id == import_id)
        return after;
    struct lane *l = slab_zero(s, sizeof *l);
    l->import_id = import_id;
    l->next = after;
    *(before ? &before->next : &d->imports) = l;
    return l;
}

void dossier_lane_drop(struct slab *s, struct dossier *d, struct lane *l)
{
    struct lane **at = &d->imports;
    for (; *at != l; at = &(*at)->next)
        CHECK(*at != NULL);
    *at = l->next;
    lane_clear(s, l);
    slab_give(s, l, sizeof *l);
}

void dossier_clear(struct slab *s, struct dossier *d)
{
    while (d->imports)
        dossier_lane_drop(s, d, d->imports);
    lane_clear(s, &d->live);
}

bool dossier_live_is_over(const struct dossier *d, int64_t clock_us)
{
    const struct lane *l = &d->live;
    if (l->n_open > 0)
        return false;
    return (l->n_truths == 0 && l->n_used == 0) ||
           (clock_us > 0 && l->received_us <= clock_us - DOSSIER_KEPT_US);
}

bool lane_has_truth(const struct lane *l, uint64_t version)
{
    for (uint32_t i = 0; i < l->n_truths; i++)
        if (l->truths[i] == version)
            return true;
    return false;
}

static uint32_t room_for(size_t n)
{
    uint32_t cap = 2;
    while (cap < n)
        cap *= 2;
    return cap;
}

void lane_set_truths(struct slab *s, struct lane *l, const uint64_t *versions, size_t n)
{
    if (n > l->cap_truths) {
        slab_give(s, l->truths, l->cap_truths * sizeof *l->truths);
        l->cap_truths = room_for(n);
        l->truths = slab_take(s, l->cap_truths * sizeof *l->truths);
    }
    if (n > 0)
        memcpy(l->truths, versions, n * sizeof *versions);
    l->n_truths = (uint32_t)n;
}

uint64_t lane_used(struct lane *l, int64_t day, uint64_t policy)
{
    if (l->day != day) {
        l->day = day;
        l->n_used = 0;
    }
    for (uint32_t i = 0; i < l->n_used; i++)
        if (l->used[i].policy == policy)
            return l->used[i].n;
    return 0;
}

bool lane_has_room(const struct lane *l)
{
    return l->n_open < DOSSIER_OPEN && l->n_used < DOSSIER_USED;
}

void lane_use(struct slab *s, struct lane *l, uint64_t policy)
{
    for (uint32_t i = 0; i < l->n_used; i++) {
        if (l->used[i].policy != policy)
            continue;
        l->used[i].n++;
        return;
    }
    if (l->n_used == l->cap_used) {
        uint32_t cap = room_for(l->n_used + 1);
        struct used *wider = slab_take(s, cap * sizeof *wider);
        if (l->n_used > 0)
            memcpy(wider, l->used, l->n_used * sizeof *wider);
        slab_give(s, l->used, l->cap_used * sizeof *l->used);
        l->used = wider;
        l->cap_used = cap;
    }
    l->used[l->n_used++] = (struct used){policy, 1};
}

void lane_open(struct slab *s, struct lane *l, const struct open *o, struct str user_id)
{
    CHECK(l->n_open < DOSSIER_OPEN);
    struct open *x = slab_take(s, sizeof *x);
    struct str user = str_head_utf8(user_id, DOSSIER_USER);
    *x = *o;
    x->next = NULL;
    x->user_len = (uint16_t)user.len;
    x->user_id = user.len > 0 ? slab_take(s, user.len) : NULL;
    if (user.len > 0)
        memcpy(x->user_id, user.at, user.len);
    *(l->last ? &l->last->next : &l->first) = x;
    l->last = x;
    l->n_open++;
}

void lane_shut(struct slab *s, struct lane *l, struct open *before)
{
    struct open *x = before ? before->next : l->first;
    *(before ? &before->next : &l->first) = x->next;
    if (l->last == x)
        l->last = before;
    l->n_open--;
    slab_give(s, x->user_id, x->user_len);
    slab_give(s, x, sizeof *x);
}

void lane_clear(struct slab *s, struct lane *l)
{
    while (l->first)
        lane_shut(s, l, NULL);
    slab_give(s, l->truths, l->cap_truths * sizeof *l->truths);
    slab_give(s, l->used, l->cap_used * sizeof *l->used);
    *l = (struct lane){.next = l->next, .import_id = l->import_id};
}
