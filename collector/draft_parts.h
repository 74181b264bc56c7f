/* SPDX-License-Identifier: Apache-2.0 */
/* draft_parts - what struct draft holds, for the files that make it up: draft.c hears of
 * members, draft_leaf.c takes their values, draft_finish.c makes the event. */
#ifndef AUSPEX_DRAFT_PARTS_H
#define AUSPEX_DRAFT_PARTS_H

#include "collector/draft.h"

enum leaf {
    LEAF_object,
    LEAF_array,
    LEAF_batch,
    LEAF_text,
    LEAF_id,
    LEAF_cut,
    LEAF_agent,
    LEAF_source,
    LEAF_device,
    LEAF_screen,
    LEAF_size,
    LEAF_site,
    LEAF_time,
    LEAF_mask,
    LEAF_amount,
    LEAF_positive,
    LEAF_percent,
    LEAF_rating,
    LEAF_items
};

struct line {
    struct str name;
    uint16_t to; /* offset in struct draft */
    uint8_t place, leaf, inner, rank;
};

/* A member that is not, or not only, a field. */
struct kept {
    enum place place;
    struct str key_json;
    struct datum value;
};

enum { DRAFT_SLOTS = 224 };

struct draft {
    /* taken from members */
    struct event event;
    struct str kind, event_name, name, user_agent, screen_name;
    struct claim ts, sent_at;
    uint64_t width, height;
    /* how: for each eight bytes above, 1 + rank of the name that was taken, and its member */
    uint8_t ranks[DRAFT_SLOTS];
    struct kept held[DRAFT_SLOTS];

    struct kept *kept;
    size_t n_kept, cap_kept;
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
    TAKEN_NOTHING, /* an empty text: as if it were not there */
    TAKEN_KEEP,    /* does not fit, and need not */
    TAKEN_NO       /* does not fit; *why says it */
};
enum taken draft_leaf(struct draft *d, const struct line *line, const struct datum *value,
                      enum reason *why);
/* The value's JSON text. */
struct str datum_json(struct draft *d, const struct datum *value);

#endif
