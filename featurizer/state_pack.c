/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/state_pack.h"

#include "common/wire/record.h"
#include "featurizer/recent.h"
#include "featurizer/state_parts.h"

#include <math.h>
#include <string.h>

/* Keys of what is no plain number; those of a profile and of a visit. */
enum { KEY_USER_ID = 40, KEY_RECENT, KEY_LIVE, KEY_IMPORTS };
enum {
    KEY_OWN_CATEGORIES = 80,
    KEY_OWN_CATEGORY_COUNTS,
    KEY_OWN_CATEGORY_SKETCH,
    KEY_OWN_PRODUCTS,
    KEY_OWN_PRODUCT_SKETCH,
    KEY_OWN_FEATURES,
    KEY_DAYS,
    KEY_SUMMARIES,
    KEY_RATINGS
};
enum { KEY_ENTRY = 60, KEY_EXIT, KEY_PATHS, KEY_PRODUCTS, KEY_CATEGORIES, KEY_TAIL };
enum {
    KEY_PATH_COUNTS = 160,
    KEY_PATH_SKETCH,
    KEY_PRODUCT_SKETCH,
    KEY_FEATURES,
    KEY_PAIRS,
    KEY_LOOKS
};
enum { LANE_FIELDS = 4 };

static bool has_f64(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits != 0;
}

#define has_count(v) ((v) != 0)
#define has_code(v)  ((v) != 0)
#define has_u64(v)   ((v) != 0)
#define has_time(v)  ((v) != 0)

static void pack_count(struct buf *b, uint32_t v)
{
    out_u64(b, v);
}

static void pack_code(struct buf *b, uint8_t v)
{
    out_u64(b, v);
}

static void pack_u64(struct buf *b, uint64_t v)
{
    out_u64(b, v);
}

static void pack_time(struct buf *b, int64_t v)
{
    out_i64(b, v);
}

/* Most sums are of whole numbers, and those are short as integers; a reader takes either. */
static void pack_f64(struct buf *b, double v)
{
    enum { WHOLE_BITS = 53 };
    bool is_whole = fabs(v) < (double)((int64_t)1 << WHOLE_BITS) && v == trunc(v) &&
                    !(v == 0 && signbit(v));
    if (is_whole)
        out_i64(b, (int64_t)v);
    else
        out_f64(b, v);
}

/* A map whose size is known at its end: 16 bits wide, filled in by map_end. */
static size_t map_begin(struct buf *b)
{
    buf_byte(b, 0xde);
    buf_put(b, "\0", 2);
    return b->len - 2;
}

static void map_end(struct buf *b, size_t at, size_t n)
{
    CHECK(n <= UINT16_MAX);
    b->at[at] = (char)(n >> 8);
    b->at[at + 1] = (char)(n & 0xff);
}

/* clang-format off */
#define STATE(key, type, name, meaning) \
    if (has_##type(from->name)) { out_u64(b, key); pack_##type(b, from->name); fields++; }
#define CELLS(key, name, n, meaning) fields += part_cells(b, key, from->name, n);
/* clang-format on */
static void pack_visit(struct buf *b, const struct visit *from)
{
    size_t at = map_begin(b), fields = 0;
#include "featurizer/visit.def"
    fields += part_text(b, KEY_ENTRY, &from->entry_page);
    fields += part_text(b, KEY_EXIT, &from->exit_page);
    fields += part_set(b, KEY_PATHS, &from->paths.set);
    fields += part_set(b, KEY_PRODUCTS, &from->products);
    fields += part_set(b, KEY_CATEGORIES, &from->categories);
    fields += part_tail(b, KEY_TAIL, &from->tail);
    fields += part_counts(b, KEY_PATH_COUNTS, &from->paths);
    fields += part_sketch(b, KEY_PATH_SKETCH, from->path_sketch);
    fields += part_sketch(b, KEY_PRODUCT_SKETCH, from->product_sketch);
    fields += part_set(b, KEY_FEATURES, &from->features);
    fields += part_pairs(b, KEY_PAIRS, &from->pairs);
    fields += part_looks(b, KEY_LOOKS, &from->looks);
    map_end(b, at, fields);
}

static void pack_lane(struct buf *b, const struct lane *l)
{
    out_array(b, LANE_FIELDS);
    out_u64(b, l->import_id);
    out_i64(b, l->newest_us);
    out_i64(b, l->received_us);
    if (l->visit)
        pack_visit(b, l->visit);
    else
        out_map(b, 0);
}

static void pack_imports(struct buf *b, const struct lane *first)
{
    size_t n = 0;
    for (const struct lane *l = first; l; l = l->next)
        n++;
    out_array(b, n);
    for (const struct lane *l = first; l; l = l->next)
        pack_lane(b, l);
}

void state_pack(struct buf *b, const struct profile *from)
{
    size_t at = map_begin(b), fields = 1; /* the live lane stands always */
#include "featurizer/profile.def"
    fields += part_text(b, KEY_USER_ID, &from->user_id);
    fields += part_recent(b, KEY_RECENT, &from->recent);
    fields += part_set(b, KEY_OWN_CATEGORIES, &from->categories.set);
    fields += part_counts(b, KEY_OWN_CATEGORY_COUNTS, &from->categories);
    fields += part_sketch(b, KEY_OWN_CATEGORY_SKETCH, from->category_sketch);
    fields += part_set(b, KEY_OWN_PRODUCTS, &from->products);
    fields += part_sketch(b, KEY_OWN_PRODUCT_SKETCH, from->product_sketch);
    fields += part_set(b, KEY_OWN_FEATURES, &from->features);
    fields += part_days(b, KEY_DAYS, &from->days);
    fields += part_summaries(b, KEY_SUMMARIES, &from->summaries);
    fields += part_ratings(b, KEY_RATINGS, &from->ratings);
    out_u64(b, KEY_LIVE);
    pack_lane(b, &from->live);
    if (from->imports) {
        out_u64(b, KEY_IMPORTS);
        pack_imports(b, from->imports);
        fields++;
    }
    map_end(b, at, fields);
}
#undef STATE
#undef CELLS

/* Reading: the cursor's first fault sticks; what it cannot know is told it with in_fail. */

static uint64_t bounded(struct in *in, uint64_t most)
{
    uint64_t v = in_u64(in);
    if (v > most)
        in_fail(in);
    return v <= most ? v : 0;
}

static uint32_t read_count(struct in *in)
{
    return (uint32_t)bounded(in, UINT32_MAX);
}

static uint8_t read_code(struct in *in)
{
    return (uint8_t)bounded(in, UINT8_MAX);
}

static uint64_t read_u64(struct in *in)
{
    return in_u64(in);
}

static int64_t read_time(struct in *in)
{
    return in_i64(in);
}

static double read_f64(struct in *in)
{
    return in_f64(in);
}

/* The versions that are read. What one lacks of the newest is absent in what is read, as it is
 * of a visitor never seen, and comes to be from the events that follow. */
const struct state_version state_versions[STATE_VERSION] = {
    {1, "tails; all that version 2 lacks", part_recent_read_wide},
    {2, "what the features from the 68th on ask for; ids are wide", part_recent_read_wide},
    {3, "nothing", part_recent_read},
};

const struct state_version *state_version_of(uint64_t number)
{
    return number >= 1 && number <= STATE_VERSION ? &state_versions[number - 1] : NULL;
}

/* The keys of a map that were there; each may stand once. */
struct keys {
    uint64_t seen[4];
};

static uint64_t next_key(struct in *in, struct keys *k)
{
    uint64_t key = in_u64(in);
    if (key / 64 >= ARRAY_LEN(k->seen) || k->seen[key / 64] >> key % 64 & 1)
        in_fail(in);
    if (in->bad)
        return 0;
    k->seen[key / 64] |= (uint64_t)1 << key % 64;
    return key;
}

/* clang-format off */
#define STATE(key, type, name, meaning) case key: to->name = read_##type(in); break;
#define CELLS(key, name, n, meaning) case key: part_cells_read(in, to->name, n); break;
static void read_visit(struct slab *s, struct in *in, struct visit *to, uint32_t n)
{
    for (struct keys keys = {{0}}; n > 0 && !in->bad; n--) {
        switch (next_key(in, &keys)) {
#include "featurizer/visit.def"
        case KEY_ENTRY: part_text_read(s, in, &to->entry_page, TEXT_MOST); break;
        case KEY_EXIT: part_text_read(s, in, &to->exit_page, TEXT_MOST); break;
        case KEY_PATHS: part_bag_read(s, in, &to->paths); break;
        case KEY_PRODUCTS: part_set_read(s, in, &to->products); break;
        case KEY_CATEGORIES: part_set_read(s, in, &to->categories); break;
        case KEY_TAIL: part_tail_read(s, in, &to->tail); break;
        case KEY_PATH_COUNTS: part_counts_read(in, &to->paths); break;
        case KEY_PATH_SKETCH: part_sketch_read(s, in, &to->path_sketch); break;
        case KEY_PRODUCT_SKETCH: part_sketch_read(s, in, &to->product_sketch); break;
        case KEY_FEATURES: part_set_read(s, in, &to->features); break;
        case KEY_PAIRS: part_pairs_read(s, in, &to->pairs); break;
        case KEY_LOOKS: part_looks_read(s, in, &to->looks); break;
        default: in_fail(in); break;
        }
    }
}
/* clang-format on */

/* Everything of the lane but its import_id, which the caller knows. */
static void read_lane(struct slab *s, struct in *in, struct lane *l)
{
    l->newest_us = in_i64(in);
    l->received_us = in_i64(in);
    uint32_t n = in_map(in);
    if (n == 0)
        return;
    l->visit = visit_new(s);
    read_visit(s, in, l->visit, n);
}

static void read_live(struct slab *s, struct in *in, struct lane *l)
{
    if (in_array(in) != LANE_FIELDS || in_u64(in) != 0)
        in_fail(in);
    read_lane(s, in, l);
}

static void read_imports(struct slab *s, struct in *in, struct profile *p)
{
    uint32_t n = in_array(in);
    if (n == 0)
        in_fail(in);
    for (struct lane **at = &p->imports; n > 0 && !in->bad; n--, at = &(*at)->next) {
        uint64_t below = p->imports ? CONTAINER_OF(at, struct lane, next)->import_id : 0;
        if (in_array(in) != LANE_FIELDS)
            in_fail(in);
        uint64_t import_id = in_u64(in);
        *at = slab_zero(s, sizeof **at);
        (*at)->import_id = import_id;
        read_lane(s, in, *at);
        if (import_id <= below || !(*at)->visit)
            in_fail(in);
    }
}

/* clang-format off */
bool state_unpack(struct slab *s, struct profile *to, const struct state_version *version,
                  struct str bytes, struct err *e)
{
    struct in cursor = in_over(bytes.at, bytes.len), *in = &cursor;
    bool has_live = false;
    CHECK(version != NULL);
    uint32_t n = in_map(in);
    for (struct keys keys = {{0}}; n > 0 && !in->bad; n--) {
        switch (next_key(in, &keys)) {
#include "featurizer/profile.def"
        case KEY_USER_ID: part_text_read(s, in, &to->user_id, TEXT_MOST); break;
        case KEY_OWN_CATEGORIES: part_bag_read(s, in, &to->categories); break;
        case KEY_OWN_CATEGORY_COUNTS: part_counts_read(in, &to->categories); break;
        case KEY_OWN_CATEGORY_SKETCH: part_sketch_read(s, in, &to->category_sketch); break;
        case KEY_OWN_PRODUCTS: part_set_read(s, in, &to->products); break;
        case KEY_OWN_PRODUCT_SKETCH: part_sketch_read(s, in, &to->product_sketch); break;
        case KEY_OWN_FEATURES: part_set_read(s, in, &to->features); break;
        case KEY_DAYS: part_days_read(s, in, &to->days); break;
        case KEY_SUMMARIES: part_summaries_read(s, in, &to->summaries); break;
        case KEY_RATINGS: part_ratings_read(s, in, &to->ratings); break;
        case KEY_RECENT: version->read_recent(s, in, &to->recent); break;
        case KEY_LIVE: read_live(s, in, &to->live); has_live = true; break;
        case KEY_IMPORTS: read_imports(s, in, to); break;
        default: in_fail(in); break;
        }
    }
    if (in->bad || in->at != in->end || !has_live)
        return err_code(e, EXIT_CODE_CONFIG, "%zu bytes, corrupt at byte %zu", bytes.len,
                        bytes.len > 0 ? (size_t)(in->at - (const uint8_t *)bytes.at) : 0);
    return true;
}
/* clang-format on */
#undef STATE
#undef CELLS

/* The state is packed where the record will stand, and drops out from before it. */
static void wrap(struct buf *b, const struct entry *x)
{
    enum { WRAPPING = 64 }; /* more than the record has beside key and state */
    size_t first = b->len;
    state_pack(b, profile_seen(x));
    size_t len = b->len - first, room = WRAPPING + x->key_len + len;
    (void)buf_take(b, room); /* so that the state stays where it is */
    b->len -= room;
    struct visitor v;
    visitor_init(&v);
    v.epoch = 1;
    v.visitor = entry_key(x);
    v.version = STATE_VERSION;
    v.state = str_over(b->at + first, len);
    visitor_pack(b, &v);
    b->len -= len;
    memmove(b->at + first, b->at + first + len, b->len - first);
}

static bool unwrap(struct str key, struct str value, struct str *state,
                   const struct state_version **version, struct err *e)
{
    struct visitor v;
    enum wire_status status = visitor_read(&v, value.at, value.len);
    if (status != WIRE_OK)
        return err_code(e, EXIT_CODE_CONFIG, "state of a visitor: %s",
                        wire_status_text(status));
    *version = state_version_of(v.version);
    if (!*version)
        return err_code(e, EXIT_CODE_CONFIG,
                        "state of a visitor has version %llu, this program knows %d",
                        (unsigned long long)v.version, STATE_VERSION);
    if (!str_eq(v.visitor, key) || key.len > KEY_MOST)
        return err_code(e, EXIT_CODE_CONFIG, "state of a visitor under another's key");
    *state = v.state;
    return true;
}

static bool unpack(struct slab *s, struct entry *x, struct str value, struct err *e)
{
    struct str state = {NULL, 0};
    const struct state_version *version = NULL;
    return unwrap(entry_key(x), value, &state, &version, e) &&
           (state_unpack(s, profile_of(x), version, state, e) ||
            err_prefix(e, "state of a visitor"));
}

static void clear(struct slab *s, struct entry *x)
{
    profile_clear(s, profile_of(x));
}

static void ahead(const struct entry *x)
{
    const struct profile *p = profile_seen(x);
    slab_ahead(p->live.visit, p->live.visit ? sizeof *p->live.visit : 0);
    slab_ahead(x->key, x->key_len);
    slab_ahead(p->recent.ids, (size_t)p->recent.cap * RECENT_ENTRY_BYTES);
    slab_ahead(p->categories.set.at, p->categories.set.n * sizeof *p->categories.set.at);
    slab_ahead(p->categories.counts, p->categories.set.n * sizeof *p->categories.counts);
    slab_ahead(p->products.at, p->products.n * sizeof *p->products.at);
    slab_ahead(p->days.at, p->days.n * sizeof *p->days.at);
    slab_ahead(p->summaries.at, p->summaries.n * sizeof *p->summaries.at);
    slab_ahead(p->ratings.at, p->ratings.n * sizeof *p->ratings.at);
}

/* Deadlines point at visitors with an open session. */
static bool may_spill(const struct entry *x)
{
    const struct profile *p = profile_seen(x);
    return p->n_timed == 0 && profile_is_idle(p);
}

const struct entries_type state_type = {
    .topic = TOPIC_visitors,
    .size = sizeof(struct profile),
    .pack = wrap,
    .unpack = unpack,
    .clear = clear,
    .ahead = ahead,
    .may_spill = may_spill,
};
