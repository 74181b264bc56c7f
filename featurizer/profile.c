/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/profile.h"

#include "featurizer/recent.h"

#include <string.h>

void text_fini(struct slab *s, struct text *t)
{
    slab_give(s, t->at, t->len);
    *t = (struct text){0};
}

void text_set(struct slab *s, struct text *t, struct str from, size_t most)
{
    struct str head = str_head_utf8(from, most);
    if (str_eq(text_str(t), head))
        return;
    char *at = head.len > 0 ? slab_take(s, head.len) : NULL;
    if (head.len > 0)
        memcpy(at, head.at, head.len);
    text_fini(s, t);
    *t = (struct text){at, (uint32_t)head.len};
}

void set_fini(struct slab *s, struct set *set)
{
    slab_give(s, set->at, set->cap * sizeof *set->at);
    *set = (struct set){0};
}

void set_reserve(struct slab *s, struct set *set, uint32_t n)
{
    uint32_t cap = 4;
    while (cap < n)
        cap *= 2;
    uint64_t *at = slab_take(s, cap * sizeof *at);
    if (set->n > 0)
        memcpy(at, set->at, set->n * sizeof *at);
    slab_give(s, set->at, set->cap * sizeof *set->at);
    set->at = at;
    set->cap = cap;
}

enum set_answer set_add(struct slab *s, struct set *set, uint64_t hash)
{
    for (uint32_t i = 0; i < set->n; i++)
        if (set->at[i] == hash)
            return SET_HELD;
    if (set->n == SET_MOST)
        return SET_FULL;
    if (set->n == set->cap)
        set_reserve(s, set, set->n + 1);
    set->at[set->n++] = hash;
    return SET_ADDED;
}

void bag_fini(struct slab *s, struct bag *b)
{
    slab_give(s, b->counts, b->set.cap * sizeof *b->counts);
    set_fini(s, &b->set);
    b->counts = NULL;
}

static void bag_widen(struct slab *s, struct bag *b)
{
    uint32_t cap = b->set.cap;
    set_reserve(s, &b->set, b->set.n + 1);
    uint32_t *counts = slab_zero(s, b->set.cap * sizeof *counts);
    if (b->set.n > 0)
        memcpy(counts, b->counts, b->set.n * sizeof *counts);
    slab_give(s, b->counts, cap * sizeof *counts);
    b->counts = counts;
}

enum set_answer bag_add(struct slab *s, struct bag *b, uint64_t hash, uint32_t *count)
{
    struct set *set = &b->set;
    uint32_t i = 0;
    *count = 0;
    while (i < set->n && set->at[i] != hash)
        i++;
    if (i == SET_MOST)
        return SET_FULL;
    enum set_answer answer = i < set->n ? SET_HELD : SET_ADDED;
    if (i == set->cap)
        bag_widen(s, b);
    if (answer == SET_ADDED)
        set->at[set->n++] = hash;
    *count = ++b->counts[i];
    return answer;
}

struct visit *visit_new(struct slab *s)
{
    return slab_zero(s, sizeof(struct visit));
}

void visit_free(struct slab *s, struct visit *v)
{
    if (!v)
        return;
    text_fini(s, &v->entry_page);
    text_fini(s, &v->exit_page);
    bag_fini(s, &v->paths);
    set_fini(s, &v->products);
    set_fini(s, &v->categories);
    set_fini(s, &v->features);
    sketch_fini(s, &v->path_sketch);
    sketch_fini(s, &v->product_sketch);
    pairs_fini(s, &v->pairs);
    looks_fini(s, &v->looks);
    tokens_fini(s, &v->tail);
    slab_give(s, v, sizeof *v);
}

struct lane *profile_lane(struct profile *p, uint64_t import_id)
{
    if (import_id == 0)
        return &p->live;
    struct lane *l = p->imports;
    while (l && l->import_id < import_id)
        l = l->next;
    return l && l->import_id == import_id ? l : NULL;
}

struct lane *profile_lane_take(struct slab *s, struct profile *p, uint64_t import_id)
{
    if (import_id == 0)
        return &p->live;
    struct lane *before = NULL, *after = p->imports;
    for (; after && after->import_id < import_id; after = after->next)
        before = after;
    if (after && after->import_id == import_id)
        return after;
    struct lane *l = slab_zero(s, sizeof *l);
    l->import_id = import_id;
    l->next = after;
    *(before ? &before->next : &p->imports) = l;
    return l;
}

void profile_lane_drop(struct slab *s, struct profile *p, struct lane *lane)
{
    struct lane **at = &p->imports;
    for (; *at != lane; at = &(*at)->next)
        CHECK(*at != NULL);
    *at = lane->next;
    visit_free(s, lane->visit);
    slab_give(s, lane, sizeof *lane);
}

bool profile_is_idle(const struct profile *p)
{
    return !p->live.visit && !p->imports;
}

uint64_t profile_site(const struct profile *p)
{
    uint64_t site_id;
    struct str rest;
    CHECK(str_u64(str_cut(profile_key(p), ':', &rest), &site_id));
    return site_id;
}

void profile_clear(struct slab *s, struct profile *p)
{
    while (p->imports)
        profile_lane_drop(s, p, p->imports);
    visit_free(s, p->live.visit);
    text_fini(s, &p->user_id);
    bag_fini(s, &p->categories);
    set_fini(s, &p->products);
    set_fini(s, &p->features);
    sketch_fini(s, &p->category_sketch);
    sketch_fini(s, &p->product_sketch);
    days_fini(s, &p->days);
    summaries_fini(s, &p->summaries);
    ratings_fini(s, &p->ratings);
    recent_fini(s, &p->recent);
    struct lane live = {.is_timed = p->live.is_timed, .timed_us = p->live.timed_us};
    struct profile empty = {.entry = p->entry, .n_timed = p->n_timed, .live = live};
    *p = empty;
}
