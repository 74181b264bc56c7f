/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/profile.h"

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
    set_fini(s, &v->paths);
    set_fini(s, &v->products);
    set_fini(s, &v->categories);
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

bool profile_is_expired(const struct profile *p, int64_t before_us)
{
    return p->received_us <= before_us && profile_is_idle(p);
}

void profile_clear(struct slab *s, struct profile *p)
{
    while (p->imports)
        profile_lane_drop(s, p, p->imports);
    visit_free(s, p->live.visit);
    text_fini(s, &p->user_id);
    slab_give(s, p->recent.ids, (size_t)p->recent.cap * 3 * sizeof *p->recent.ids);
    bool is_timed = p->live.is_timed;
    struct profile empty = {
        .entry = p->entry, .n_timed = p->n_timed, .live = {.is_timed = is_timed}};
    *p = empty;
}
