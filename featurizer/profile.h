/* SPDX-License-Identifier: Apache-2.0 */
/* profile - the state of one visitor: history, recent ids, and for each lane (live, or one
 * import) the newest event and the open session. Variable parts lie in the partition's slab. */
#ifndef AUSPEX_PROFILE_H
#define AUSPEX_PROFILE_H

#include "common/bus/entries.h"
#include "featurizer/lists.h"
#include "featurizer/sketch.h"
#include "featurizer/tokens.h"

enum { RECENT_MOST = 256, SET_MOST = 64, TEXT_MOST = 256, KEY_MOST = 1024 };

typedef uint32_t state_count;
typedef uint8_t state_code;
typedef uint64_t state_u64;
typedef int64_t state_time;
typedef double state_f64;

/* A text in the slab. */
struct text {
    char *at;
    uint32_t len;
};

/* Distinct hashes in order of arrival, at most SET_MOST. */
struct set {
    uint64_t *at;
    uint32_t n, cap;
};

/* The same, and how often each came. */
struct bag {
    struct set set;
    uint32_t *counts; /* of as many as set.at has; NULL = none */
};

/* Ids of the newest events that counted, a ring: [0, n) from `first` on, oldest first. One
 * piece holds cap hashes of ids, then cap marks: 16 bytes an id, see recent.h. */
struct recent {
    uint64_t *ids;
    uint32_t n, cap, first;
};

#define STATE(key, type, name, meaning) state_##type name;
#define CELLS(key, name, n, meaning)    uint16_t name[n];
struct visit {
#include "featurizer/visit.def"
    struct text entry_page, exit_page; /* paths, cut to TEXT_MOST bytes */
    struct bag paths;
    struct set products, categories, features;
    struct sketch *path_sketch, *product_sketch; /* NULL until their sets are full */
    struct pairs pairs;                          /* of codes of steps */
    struct looks looks;                          /* at products, for comparisons of prices */
    struct tokens tail;                          /* empty unless the option asks for it */
};

struct lane {
    struct lane *next;   /* of imports, by rising import_id */
    uint64_t import_id;  /* 0 = live */
    int64_t newest_us;   /* newest event time; 0 = none */
    int64_t received_us; /* newest received time; live only */
    struct visit *visit; /* the open session, or NULL; an import's lane always has one */
    bool is_timed;       /* a deadline for it is kept, at or before its true one: */
    int64_t timed_us;    /* the earliest that is */
};

struct profile {
    struct entry entry; /* at first; its key is "SITE:VISITOR" */
    struct text user_id;
    struct recent recent;
    struct lane live;
    struct lane *imports;
    uint32_t n_timed; /* deadlines that point here */
    struct bag categories;
    struct set products, features;
    struct sketch *category_sketch, *product_sketch; /* NULL until their sets are full */
    struct days days;
    struct summaries summaries;
    struct ratings ratings;
#include "featurizer/profile.def"
};
#undef STATE
#undef CELLS

/* What is kept of every visitor, and beside it of one in a session; lists and ids apart. */
_Static_assert(sizeof(struct profile) <= 1024 && sizeof(struct visit) <= 1024, "2 KiB");

static inline struct str profile_key(const struct profile *p)
{
    return entry_key(&p->entry);
}

static inline struct profile *profile_of(struct entry *x)
{
    return CONTAINER_OF(x, struct profile, entry);
}

static inline const struct profile *profile_seen(const struct entry *x)
{
    return (const struct profile *)(const void *)x;
}

/* Cut to `most` bytes at a UTF-8 boundary. */
void text_set(struct slab *s, struct text *t, struct str from, size_t most);
void text_fini(struct slab *s, struct text *t);
static inline struct str text_str(const struct text *t)
{
    return str_over(t->at, t->len);
}

enum set_answer { SET_HELD, SET_ADDED, SET_FULL };
enum set_answer set_add(struct slab *s, struct set *set, uint64_t hash);
/* Also counts it; *count is its new count, 0 when the bag is full. */
enum set_answer bag_add(struct slab *s, struct bag *b, uint64_t hash, uint32_t *count);
void bag_fini(struct slab *s, struct bag *b);
/* Makes room for n hashes in an empty set. */
void set_reserve(struct slab *s, struct set *set, uint32_t n);
void set_fini(struct slab *s, struct set *set);

MUST_USE struct visit *visit_new(struct slab *s);
void visit_free(struct slab *s, struct visit *v); /* NULL is fine */

/* The lane of an import, or live for 0; NULL when there is none. */
struct lane *profile_lane(struct profile *p, uint64_t import_id);
/* The same, made when it is missing. */
struct lane *profile_lane_take(struct slab *s, struct profile *p, uint64_t import_id);
/* Forgets an import's lane, with its visit. */
void profile_lane_drop(struct slab *s, struct profile *p, struct lane *lane);
bool profile_is_idle(const struct profile *p);  /* no session is open */
uint64_t profile_site(const struct profile *p); /* from its key */
/* All but the entry and what deadlines know becomes as for a visitor never seen. */
void profile_clear(struct slab *s, struct profile *p);

#endif
