/* SPDX-License-Identifier: Apache-2.0 */
/* draft - an event while it is being read. The readers of JSON and msgpack walk their bytes and
 * tell here what stands in them; the names, types and limits of members (members.def,
 * properties.def), what is kept of unknown ones, and all that is derived are here, so that both
 * give the same event.
 *
 * A reader returns at once on a fault of form (malformed, duplicate key, depth ...). A fault of
 * content is noted, the first one stays, and the walk goes on, so that form comes first. */
#ifndef AUSPEX_DRAFT_H
#define AUSPEX_DRAFT_H

#include "collector/keyset.h"
#include "collector/reason.h"
#include "collector/times.h"
#include "common/base/arena.h"
#include "common/wire/record.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EVENT_MAX = 32 * 1024, /* bytes of one event as sent */
    EVENT_DEPTH = 32,      /* objects and arrays within each other, the event itself counted */
    PROPERTIES_MAX = 8 * 1024, /* of the unknown properties, as JSON */
    ITEMS_MAX = 32 * 1024,
    ID_MAX = 128,
    TEXT_MAX = 2 * 1024,
    CUT_MAX = 512 /* titles and user agents are cut to this */
};

/* The objects that have members with names. */
enum place {
    PLACE_none,
    PLACE_root,
    PLACE_envelope,
    PLACE_around, /* the context of a whole batch */
    PLACE_context,
    PLACE_page,
    PLACE_screen,
    PLACE_campaign,
    PLACE_location,
    PLACE_device,
    PLACE_os,
    PLACE_properties,
    PLACE_params,
    PLACE_traits,
    PLACE_item
};

/* A value as read: a scalar, or a container, which then has its JSON text. */
enum datum_type {
    DATUM_NULL,
    DATUM_FLAG,
    DATUM_INTEGER,
    DATUM_FLOAT,
    DATUM_STR,
    DATUM_ARRAY,
    DATUM_OBJECT,
    DATUM_OTHER /* nothing that JSON has */
};
struct datum {
    enum datum_type type;
    bool flag, is_negative; /* negative: bits is an int64 */
    uint64_t bits;          /* DATUM_INTEGER */
    double number;          /* DATUM_FLOAT, finite */
    struct str text;        /* DATUM_STR, UTF-8 without U+0000 */
    struct str json; /* the value as JSON text; scalars: may be empty, made when needed */
};

struct enrich;
struct line; /* of members.def */
struct draft;

/* What is known of an event besides its bytes. */
struct arrival {
    struct position position;
    int64_t received_us;
    bool is_import;
    uint64_t site_id;      /* of an import; else 0 */
    struct enrich *enrich; /* NULL: nobody asks for more than the verdict */
    /* of the batch around it, where there is one */
    struct claim sent_at;
    uint64_t envelope_site; /* 0 = not told */
    struct str user_agent;  /* these stand for those of an event which tells none */
    struct str ip;          /* a network already */
    struct str anonymous_id, user_id;
    struct claim ts;
    uint64_t consent;
    struct str user_properties; /* a JSON object, a property of each event */
};

/* What is told around a batch. */
struct envelope {
    struct claim sent_at, ts;
    uint64_t site_id, consent;
    struct str user_agent, ip, anonymous_id, user_id, user_properties;
};

MUST_USE struct draft *draft_new(void);
void draft_free(struct draft *d);

/* Forgets the last event; its slices die. */
void draft_begin(struct draft *d);
struct arena *draft_arena(struct draft *d);

/* A new object's number for draft_key. */
uint32_t draft_object(struct draft *d);
/* The line of a member, NULL where the place knows none, or PLACE_none; a key for the second
 * time in this object gives REASON_duplicate_key. The key is not copied. */
enum reason draft_key(struct draft *d, enum place place, uint32_t object, struct str key,
                      const struct line **line);
/* The place that the member opens if it is an object; else PLACE_none. */
enum place draft_inner(const struct line *line);
/* Whether it is the member that the body's hash leaves out. */
bool draft_is_sent_at(const struct line *line);
/* Takes a member's value; line may be NULL. `key_json` is the key as it stands between quotes
 * in JSON. Slices must live as long as the draft. */
void draft_take(struct draft *d, enum place place, const struct line *line, struct str key_json,
                const struct datum *value);
/* Adds a member of the event to the body that is hashed: key and value as sent. */
void draft_body(struct draft *d, struct str bytes);
/* Notes a fault of content; the first one stays. `detail` is static. */
void draft_fault(struct draft *d, enum reason why, const char *detail);
/* A fault of form, for the reader to return: gives back `why`. */
enum reason draft_refuse(struct draft *d, enum reason why, const char *detail);

/* Whom an event belongs to. */
struct str visitor_key(struct str anonymous_id, struct str user_id);

/* Makes the event of what was told. Valid until draft_begin. */
enum reason draft_finish(struct draft *d, const struct arrival *a);
const struct event *draft_event(const struct draft *d);
/* What the envelope told, valid until draft_begin, and the first fault. */
enum reason draft_envelope(const struct draft *d, struct envelope *e);
/* After it: whether the event's type is one of the catalogue's. */
bool draft_is_known_type(const struct draft *d);
/* Before draft_finish: `type` as sent, and whether the event named an id of its own. */
struct str draft_kind(const struct draft *d);
bool draft_has_id(const struct draft *d);
/* In our words, what was wrong; static text. "" when there is nothing to add. */
const char *draft_detail(const struct draft *d);
/* Whether event time was repaired or clamped. */
bool draft_was_clamped(const struct draft *d);

#ifdef __cplusplus
}
#endif
#endif
