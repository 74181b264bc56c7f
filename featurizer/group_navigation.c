/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/entropy.h"
#include "featurizer/group.h"

#include "common/base/hash.h"

static void count_path(struct turn *turn, uint64_t hash)
{
    struct visit *v = turn->v;
    uint32_t count;
    enum set_answer answer = bag_add(turn->slab, &v->paths, hash, &count);
    if (answer == SET_FULL) {
        sketch_spill(turn->slab, &v->paths.set, &v->path_sketch, hash);
        return;
    }
    v->returns += answer == SET_HELD;
    v->path_views++;
    entropy_grow(&v->path_sum, count);
}

static void keep_ends(struct turn *turn)
{
    struct visit *v = turn->v;
    if (v->entry_page.len == 0)
        text_set(turn->slab, &v->entry_page, turn->e->path, TEXT_MOST);
    text_set(turn->slab, &v->exit_page, turn->e->path, TEXT_MOST);
}

/* A page view in order is a step when it leads to another path. */
static void count_step(struct turn *turn, uint64_t hash)
{
    struct visit *v = turn->v;
    if (v->steps > 0 && hash == v->step_hash)
        return;
    uint8_t code = code_page(turn->e->path);
    if (v->steps > 0)
        pairs_add(turn->slab, &v->pairs, v->step_code, code);
    else
        v->entry_code = code;
    v->back_moves += v->steps > 1 && hash == v->step_hash_before;
    v->step_hash_before = v->step_hash;
    v->step_hash = hash;
    v->step_code_third = v->step_code_before;
    v->step_code_before = v->step_code;
    v->step_code = code;
    v->steps++;
}

static void count_time(struct turn *turn)
{
    struct visit *v = turn->v;
    if (v->ordered_pages++ == 0)
        v->first_page_us = turn->m->t_us;
    v->page_us = turn->m->t_us;
}

void navigation_count(struct turn *turn)
{
    if (!turn->v || !is_page(turn->m->type))
        return;
    bool is_late = turn->m->is_late;
    if (!is_late)
        count_time(turn);
    if (turn->e->path.len == 0)
        return;
    uint64_t hash = hash64_str(turn->e->path);
    count_path(turn, hash);
    if (is_late)
        return;
    keep_ends(turn);
    count_step(turn, hash);
}

uint32_t page_depth(struct str path)
{
    uint32_t depth = 0;
    char before = '/';
    for (size_t i = 0; i < path.len; i++) {
        depth += before == '/' && path.at[i] != '/';
        before = path.at[i];
    }
    return depth;
}

static void put_steps(const struct view *w)
{
    const struct visit *v = w->v;
    uint8_t codes[] = {v->step_code_third, v->step_code_before, v->step_code};
    view_put(w, FEATURE_path_length, v->steps);
    view_put(w, FEATURE_back_moves, v->back_moves);
    view_put(w, FEATURE_entry_page, v->entry_code);
    view_put(w, FEATURE_previous_page, v->step_code_before);
    view_put(w, FEATURE_step_probability,
             pairs_share(&v->pairs, v->step_code_before, v->step_code));
    view_put(w, FEATURE_path_hash_3,
             v->steps > 2 ? code_wide(str_over(codes, sizeof codes)) : 0);
}

void navigation_put(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_pages, v->pages);
    view_put(w, FEATURE_unique_pages, v->paths.set.n);
    view_put(w, FEATURE_returns_to_page, v->returns);
    view_put(w, FEATURE_current_page, code_page(w->m->event->path));
    view_put(w, FEATURE_page_depth, page_depth(w->m->event->path));
    put_steps(w);
    view_put(w, FEATURE_page_entropy, entropy_of(v->path_sum, v->path_views));
    view_put(w, FEATURE_internal_links, v->internal_links);
    view_put(w, FEATURE_external_links, v->external_links);
    view_put(w, FEATURE_avg_time_per_page_s,
             view_since(w, v->first_page_us, 1e6) / v->ordered_pages);
}
