/* SPDX-License-Identifier: Apache-2.0 */
/* draft_parts - what struct draft holds, for the files that make it up: draft.c hears of
 * members, draft_leaf.c takes their values, draft_finish.c makes the event. */
#ifndef AUSPEX_DRAFT_PARTS_H
#define AUSPEX_DRAFT_PARTS_H

#include "collector/draft.h"
#include "collector/types.h"

enum leaf {
    LEAF_object,
    LEAF_array,
    LEAF_batch,
    LEAF_text,
    LEAF_cut,
    LEAF_agent,
    LEAF_ip,
    LEAF_source,
    LEAF_device,
    LEAF_screen,
    LEAF_size,
    LEAF_site,
    LEAF_time,
    LEAF_micros,
    LEAF_moment,
    LEAF_day,
    LEAF_mask,
    LEAF_number,
    LEAF_flag,
    LEAF_items,
    LEAF_json
};

struct line {
    struct str name;
    double factor; /* into the field's unit */
    uint16_t to;   /* offset in struct draft */
    uint8_t place, leaf, inner, rank;
    bool is_own; /* read only in the types that list the field */
};

/* A member that is not, or not only, a field. */
struct kept {
    enum place place; /* PLACE_none: it is kept already */
    struct str key_json;
    struct datum value;
};

/* A member whose meaning waits for the type, or that fits only if the type lists no such field.
 */
struct late {
    const struct line *line;
    struct kept member;
};

enum { DRAFT_SLOTS = 224 };

struct draft {
    /* taken from members */
    struct event event;
    struct str kind, event_name, name, user_agent, screen_name;
    struct claim ts, sent_at;
    uint64_t width, height, outbound, no_ads;
    /* how: for each eight bytes above, 1 + rank of the name that was taken, and its member */
    uint8_t ranks[DRAFT_SLOTS];
    struct kept held[DRAFT_SLOTS];

    struct kept *kept;
    size_t n_kept, cap_kept;
    struct late *late;
    size_t n_late, cap_late;
    const struct event_type *of; /* NULL: a type of the sender's own */
    bool has_array;              /* of a batch */
    struct keyset keys;
    struct arena arena;
    struct buf body, scratch;
    enum reason fault;
    const char *detail;
    bool was_clamped;
};

_Static_assert(offsetof(struct draft, ranks) / 8 <= DRAFT_SLOTS, "a rank for every member");

enum taken {
    TAKEN_YES,
    TAKEN_BOTH,    /* and it is kept as it was sent, too */
    TAKEN_NOTHING, /* an empty text: as if it were not there */
    TAKEN_KEEP,    /* does not fit, and need not */
    TAKEN_NO       /* does not fit; *why says it */
};
enum taken draft_leaf(struct draft *d, const struct line *line, const struct datum *value,
                      enum reason *why);
/* Takes a member's value, unless a better name for the same thing was there before. */
void draft_value(struct draft *d, const struct line *line, const struct kept *member);
/* Keeps it as a property, if it is one. */
void draft_keep(struct draft *d, const struct kept *member);
/* Takes the members that waited for the type. */
void draft_own(struct draft *d);
/* Takes of the first of items what the event itself does not tell. */
void draft_items(struct draft *d);
/* The mask of purposes: the event's own, else `around`, less what an objection to ads takes. */
uint64_t draft_consent(const struct draft *d, uint64_t around);
/* The value's JSON text. */
struct str datum_json(struct draft *d, const struct datum *value);

#endif
