/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/draft.h"

#include "collector/draft_parts.h"
#include "collector/words.h"
#include "common/base/hash.h"

#include <stdlib.h>

static const struct line lines[] = {
#define MEMBER(place, name, leaf, to, inner, rank) \
    {STR(name), offsetof(struct draft, to), PLACE_##place, LEAF_##leaf, PLACE_##inner, rank},
#include "collector/fields.def"
#undef MEMBER
};

static const struct words *known(void)
{
    static struct words w; /* filled at first use, by the one thread there is */
    for (size_t i = w.n; i < ARRAY_LEN(lines); i++)
        words_add(&w, lines[i].place, lines[i].name, (uint32_t)i);
    return &w;
}

struct draft *draft_new(void)
{
    struct draft *d = mem_zero(1, sizeof *d);
    d->cap_kept = 64;
    d->kept = mem_new(d->cap_kept * sizeof *d->kept);
    keyset_init(&d->keys);
    draft_begin(d);
    return d;
}

void draft_free(struct draft *d)
{
    if (!d)
        return;
    keyset_fini(&d->keys);
    arena_fini(&d->arena);
    buf_fini(&d->body);
    buf_fini(&d->scratch);
    free(d->kept);
    free(d);
}

void draft_begin(struct draft *d)
{
    struct str none = {NULL, 0};
    event_init(&d->event);
    d->kind = d->event_name = d->name = d->user_agent = d->screen_name = none;
    d->ts = d->sent_at = (struct claim){0};
    d->width = d->height = 0;
    memset(d->ranks, 0, sizeof d->ranks);
    d->n_kept = 0;
    keyset_reset(&d->keys);
    arena_reset(&d->arena);
    buf_reset(&d->body);
    d->fault = REASON_NONE;
    d->detail = "";
    d->was_clamped = false;
}

struct arena *draft_arena(struct draft *d)
{
    return &d->arena;
}

uint32_t draft_object(struct draft *d)
{
    return keyset_object(&d->keys);
}

enum reason draft_refuse(struct draft *d, enum reason why, const char *detail)
{
    d->detail = detail;
    return why;
}

void draft_fault(struct draft *d, enum reason why, const char *detail)
{
    if (d->fault != REASON_NONE)
        return;
    d->fault = why;
    d->detail = detail;
}

/* The event's own names come before those of properties, which a bare event has beside them. */
static const struct line *find_line(enum place place, struct str key, uint64_t hash)
{
    int i = words_find(known(), place, key, hash);
    if (i < 0 && place == PLACE_root)
        i = words_find(known(), PLACE_properties, key, hash);
    return i < 0 ? NULL : &lines[i];
}

enum reason draft_key(struct draft *d, enum place place, uint32_t object, struct str key,
                      const struct line **line)
{
    uint64_t hash = hash64_str(key);
    switch (keyset_add(&d->keys, object, key, hash)) {
    case KEYSET_NEW:
        break;
    case KEYSET_TWICE:
        return draft_refuse(d, REASON_duplicate_key, "");
    case KEYSET_FULL:
        return draft_refuse(d, REASON_too_large, "too many keys");
    }
    *line = place == PLACE_none ? NULL : find_line(place, key, hash);
    return REASON_NONE;
}

enum place draft_inner(const struct line *line)
{
    return line ? (enum place)line->inner : PLACE_none;
}

bool draft_is_sent_at(const struct line *line)
{
    return line && line->to == offsetof(struct draft, sent_at);
}

static void keep(struct draft *d, const struct kept *member)
{
    enum place place = member->place;
    if (place != PLACE_root && place != PLACE_properties && place != PLACE_traits)
        return; /* surroundings that nothing asks for */
    if (d->n_kept == d->cap_kept) {
        d->cap_kept *= 2;
        d->kept = mem_grow(d->kept, d->cap_kept * sizeof *d->kept);
    }
    d->kept[d->n_kept++] = *member;
}

/* Takes the value, unless a better name for the same thing was there before. */
static void take(struct draft *d, const struct line *line, const struct kept *member)
{
    size_t slot = line->to / 8;
    enum reason why = REASON_bad_field;
    if (d->ranks[slot] != 0 && d->ranks[slot] <= line->rank + 1) {
        keep(d, member);
        return;
    }
    switch (draft_leaf(d, line, &member->value, &why)) {
    case TAKEN_YES:
        if (d->ranks[slot] != 0)
            keep(d, &d->held[slot]);
        d->ranks[slot] = (uint8_t)(line->rank + 1);
        d->held[slot] = *member;
        return;
    case TAKEN_NOTHING:
        return;
    case TAKEN_KEEP:
        keep(d, member);
        return;
    case TAKEN_NO:
        break;
    }
    if (line->place == PLACE_properties && line->rank > 0)
        keep(d, member);
    else
        draft_fault(d, why, line->name.at);
}

void draft_take(struct draft *d, enum place place, const struct line *line, struct str key_json,
                const struct datum *value)
{
    struct kept member = {place, key_json, *value};
    if (value->type == DATUM_OTHER)
        draft_fault(d, REASON_bad_field, "a type that JSON has not");
    else if (line == NULL)
        keep(d, &member);
    else if (value->type == DATUM_NULL)
        return; /* as if it were not there */
    else if (line->leaf == LEAF_object || line->leaf == LEAF_batch ||
             (line->leaf == LEAF_array && value->type != DATUM_ARRAY))
        draft_fault(d, REASON_bad_field, line->name.at);
    else if (line->leaf != LEAF_array)
        take(d, line, &member);
}

void draft_body(struct draft *d, struct str bytes)
{
    buf_str(&d->body, bytes);
}

const struct event *draft_event(const struct draft *d)
{
    return &d->event;
}

enum reason draft_envelope(const struct draft *d, struct envelope *e)
{
    *e = (struct envelope){d->sent_at, d->event.site_id, d->user_agent};
    return d->fault;
}

struct str draft_kind(const struct draft *d)
{
    return d->kind;
}

bool draft_has_id(const struct draft *d)
{
    return d->event.event_id.len > 0;
}

const char *draft_detail(const struct draft *d)
{
    return d->detail;
}

bool draft_was_clamped(const struct draft *d)
{
    return d->was_clamped;
}
