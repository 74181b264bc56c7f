/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/draft.h"

#include "collector/draft_parts.h"
#include "collector/span.h"
#include "collector/words.h"
#include "common/base/hash.h"
#include "common/wire/json_text.h"

#include <stdlib.h>

static const struct line lines[] = {
#define MEMBER(place, name, leaf, to, inner, rank)                                           \
    {STR(name), 1,    offsetof(struct draft, to), PLACE_##place, LEAF_##leaf, PLACE_##inner, \
     rank,      false},
#define OWN(place, name, leaf, to, rank, factor)                                            \
    {STR(name), factor, offsetof(struct draft, to), PLACE_##place, LEAF_##leaf, PLACE_none, \
     rank,      true},
#include "schemas/members.def"
#undef MEMBER
#undef OWN
};

/* Whether they are one name, of which types choose the meaning. */
static bool is_same_name(const struct line *a, const struct line *b)
{
    return a->is_own && b->is_own && a->place == b->place && str_eq(a->name, b->name);
}

static const struct words *known(void)
{
    static struct words w; /* filled at first use, by the one thread there is */
    if (w.n > 0)
        return &w;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (i == 0 || !is_same_name(&lines[i - 1], &lines[i]))
            words_add(&w, lines[i].place, lines[i].name, (uint32_t)i);
    return &w;
}

struct draft *draft_new(void)
{
    struct draft *d = mem_zero(1, sizeof *d);
    d->cap_kept = d->cap_late = 64;
    d->kept = mem_new(d->cap_kept * sizeof *d->kept);
    d->late = mem_new(d->cap_late * sizeof *d->late);
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
    free(d->late);
    free(d);
}

void draft_begin(struct draft *d)
{
    struct str none = {NULL, 0};
    event_init(&d->event);
    d->kind = d->event_name = d->name = d->user_agent = d->screen_name = none;
    d->ts = d->sent_at = (struct claim){0};
    d->width = d->height = d->outbound = d->no_ads = 0;
    memset(d->ranks, 0, sizeof d->ranks);
    d->n_kept = d->n_late = 0;
    d->of = NULL;
    d->has_array = false;
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

/* The event's own names come before those of properties, which a bare event has beside them,
 * and so do those of params. */
static const struct line *find_line(enum place place, struct str key, uint64_t hash)
{
    int i = words_find(known(), place, key, hash);
    if (i < 0 && (place == PLACE_root || place == PLACE_params))
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

void draft_keep(struct draft *d, const struct kept *member)
{
    enum place place = member->place;
    if (place != PLACE_root && place != PLACE_properties && place != PLACE_params &&
        place != PLACE_traits)
        return; /* surroundings that nothing asks for */
    if (d->n_kept == d->cap_kept) {
        d->cap_kept *= 2;
        d->kept = mem_grow(d->kept, d->cap_kept * sizeof *d->kept);
    }
    d->kept[d->n_kept++] = *member;
}

static void wait_for_type(struct draft *d, const struct line *line, const struct kept *member)
{
    if (d->n_late == d->cap_late) {
        d->cap_late *= 2;
        d->late = mem_grow(d->late, d->cap_late * sizeof *d->late);
    }
    d->late[d->n_late++] = (struct late){line, *member};
}

/* A word that a bare event's own member does not know may be a property of the same name. */
static void keep_or_own(struct draft *d, const struct line *line, const struct kept *member)
{
    int i = -1;
    if (line->place == PLACE_root)
        i = words_find(known(), PLACE_properties, line->name, hash64_str(line->name));
    if (i >= 0 && lines[i].is_own)
        wait_for_type(d, &lines[i], member);
    else
        draft_keep(d, member);
}

/* Whether a value that does not fit under this name is then a property like any other. */
static bool need_not_fit(const struct line *line)
{
    return line->rank > 0 && (line->place == PLACE_properties || line->place == PLACE_params ||
                              line->place == PLACE_traits || line->place == PLACE_item);
}

void draft_value(struct draft *d, const struct line *line, const struct kept *member)
{
    size_t slot = line->to / 8;
    enum reason why = REASON_bad_field;
    if (d->ranks[slot] != 0 && d->ranks[slot] <= line->rank + 1) {
        draft_keep(d, member);
        return;
    }
    enum taken taken = draft_leaf(d, line, &member->value, &why);
    switch (taken) {
    case TAKEN_YES:
    case TAKEN_BOTH:
        if (d->ranks[slot] != 0)
            draft_keep(d, &d->held[slot]);
        d->ranks[slot] = (uint8_t)(line->rank + 1);
        d->held[slot] = *member;
        if (taken == TAKEN_YES)
            return;
        draft_keep(d, member);
        d->held[slot].place = PLACE_none;
        return;
    case TAKEN_NOTHING:
        return;
    case TAKEN_KEEP:
        keep_or_own(d, line, member);
        return;
    case TAKEN_NO:
        break;
    }
    if (need_not_fit(line))
        draft_keep(d, member);
    else if (line->place == PLACE_properties && d->of == NULL)
        wait_for_type(d, line, member); /* it may be none that lists the field */
    else
        draft_fault(d, why, line->name.at);
}

/* Whether it is as if it were not there; an empty text of an own line may be a property. */
static bool is_nothing(const struct line *line, const struct datum *value)
{
    return value->type == DATUM_NULL ||
           (!line->is_own && value->type == DATUM_STR && value->text.len == 0);
}

void draft_take(struct draft *d, enum place place, const struct line *line, struct str key_json,
                const struct datum *value)
{
    struct kept member = {place, key_json, *value};
    if (line && line->leaf == LEAF_ip)
        member.place = PLACE_none; /* it is never kept as sent */
    if (value->type == DATUM_OTHER) {
        draft_fault(d, REASON_bad_field, "a type that JSON has not");
    } else if (line == NULL) {
        draft_keep(d, &member);
    } else if (is_nothing(line, value)) {
        return;
    } else if (line->is_own) {
        wait_for_type(d, line, &member);
    } else if (line->leaf == LEAF_array) {
        if (value->type == DATUM_ARRAY && d->has_array)
            draft_fault(d, REASON_bad_field, "two arrays of events");
        d->has_array |= value->type == DATUM_ARRAY;
    } else if (line->leaf == LEAF_object || line->leaf == LEAF_batch) {
        draft_fault(d, REASON_bad_field, line->name.at);
    } else {
        draft_value(d, line, &member);
    }
}

/* The line of the name whose field the type lists; NULL when there is none. */
static const struct line *own_line(const struct draft *d, const struct line *first)
{
    const struct line *end = lines + ARRAY_LEN(lines);
    for (const struct line *l = first; l < end && (l == first || is_same_name(first, l)); l++)
        if (types_has(d->of, l->to))
            return l;
    return NULL;
}

void draft_own(struct draft *d)
{
    for (size_t i = 0; i < d->n_late; i++) {
        const struct line *line = own_line(d, d->late[i].line);
        if (line)
            draft_value(d, line, &d->late[i].member);
        else
            draft_keep(d, &d->late[i].member);
    }
    d->n_late = 0;
}

/* A text or a number, of JSON that has been read before; other values are none. */
static bool read_scalar(struct draft *d, struct str json, struct datum *out)
{
    struct json_number n;
    *out = (struct datum){.json = json};
    if (json.len > 1 && json.at[0] == '"') {
        out->type = DATUM_STR;
        return json_unescape(str_over(json.at + 1, json.len - 2), &d->arena, &out->text) ==
               JSON_OK;
    }
    if (json.at[0] != '-' && (json.at[0] < '0' || json.at[0] > '9'))
        return false;
    if (json_number_scan(json, &n) != JSON_OK)
        return false;
    out->type = n.is_integer ? DATUM_INTEGER : DATUM_FLOAT;
    out->bits = n.bits;
    out->is_negative = n.is_negative && n.bits != 0;
    return n.is_integer || str_f64(json, &out->number);
}

void draft_items(struct draft *d)
{
    struct str items = d->event.items;
    struct span_member m;
    if (!span_char(&items, '[') || !span_char(&items, '{'))
        return;
    while (span_next(&items, &m)) {
        struct str key = str_over(m.key.at + 1, m.key.len - 2);
        struct kept member = {PLACE_item, key, {0}};
        int i = words_find(known(), PLACE_item, key, hash64_str(key));
        if (i >= 0 && read_scalar(d, m.value, &member.value))
            draft_value(d, &lines[i], &member);
    }
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
    *e = (struct envelope){.sent_at = d->sent_at,
                           .ts = d->ts,
                           .site_id = d->event.site_id,
                           .consent = draft_consent(d, 0),
                           .user_agent = d->user_agent,
                           .ip = d->event.ip,
                           .anonymous_id = d->event.anonymous_id,
                           .user_id = d->event.user_id,
                           .user_properties = d->event.properties};
    return d->fault;
}

bool draft_is_known_type(const struct draft *d)
{
    return d->of != NULL;
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
