/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/state_pack.h"

#include "common/wire/in.h"
#include "common/wire/out.h"
#include "common/wire/record.h"
#include "featurizer/recent.h"

#include <string.h>

/* Keys of what is no plain number; those of a profile and of a visit. */
enum { KEY_USER_ID = 40, KEY_RECENT, KEY_LIVE, KEY_IMPORTS };
enum { KEY_ENTRY = 60, KEY_EXIT, KEY_PATHS, KEY_PRODUCTS, KEY_CATEGORIES, KEY_TAIL };
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

static void pack_f64(struct buf *b, double v)
{
    out_f64(b, v);
}

static void pack_text(struct buf *b, uint64_t key, const struct text *t)
{
    if (t->len == 0)
        return;
    out_u64(b, key);
    out_str(b, text_str(t));
}

static void pack_tail(struct buf *b, const struct tokens *t)
{
    uint64_t scratch[TOKENS_MOST];
    if (t->n == 0)
        return;
    out_u64(b, KEY_TAIL);
    out_bin(b, tokens_str(t, scratch));
}

static void pack_set(struct buf *b, uint64_t key, const struct set *set)
{
    if (set->n == 0)
        return;
    out_u64(b, key);
    out_array(b, set->n);
    for (uint32_t i = 0; i < set->n; i++)
        out_u64(b, set->at[i]);
}

#define STATE(key, type, name, meaning) n += has_##type(v->name);
static size_t visit_fields(const struct visit *v)
{
    size_t n = 0;
#include "featurizer/visit.def"
    return n + (v->entry_page.len > 0) + (v->exit_page.len > 0) + (v->paths.n > 0) +
           (v->products.n > 0) + (v->categories.n > 0) + (v->tail.n > 0);
}
#undef STATE

#define STATE(key, type, name, meaning) n += has_##type(p->name);
static size_t profile_fields(const struct profile *p)
{
    size_t n = 1; /* the live lane stands always */
#include "featurizer/profile.def"
    return n + (p->user_id.len > 0) + (p->recent.n > 0) + (p->imports != NULL);
}
#undef STATE

/* clang-format off */
#define STATE(key, type, name, meaning) \
    if (has_##type(from->name)) { out_u64(b, key); pack_##type(b, from->name); }
/* clang-format on */
static void pack_visit(struct buf *b, const struct visit *from)
{
    out_map(b, visit_fields(from));
#include "featurizer/visit.def"
    pack_text(b, KEY_ENTRY, &from->entry_page);
    pack_text(b, KEY_EXIT, &from->exit_page);
    pack_set(b, KEY_PATHS, &from->paths);
    pack_set(b, KEY_PRODUCTS, &from->products);
    pack_set(b, KEY_CATEGORIES, &from->categories);
    pack_tail(b, &from->tail);
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

static void pack_recent(struct buf *b, const struct recent *r)
{
    out_array(b, 3 * (size_t)r->n);
    for (uint32_t i = 0; i < r->n; i++) {
        struct recent_entry e = recent_at(r, i);
        out_u64(b, e.id);
        out_u64(b, e.body);
        out_i64(b, e.received_us);
    }
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
    out_map(b, profile_fields(from));
#include "featurizer/profile.def"
    pack_text(b, KEY_USER_ID, &from->user_id);
    if (from->recent.n > 0) {
        out_u64(b, KEY_RECENT);
        pack_recent(b, &from->recent);
    }
    out_u64(b, KEY_LIVE);
    pack_lane(b, &from->live);
    if (from->imports) {
        out_u64(b, KEY_IMPORTS);
        pack_imports(b, from->imports);
    }
}
#undef STATE

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

static void read_text(struct slab *s, struct in *in, struct text *t, size_t most)
{
    struct str text = in_str(in);
    if (text.len == 0 || text.len > most || !str_is_utf8(text))
        in_fail(in);
    else
        text_set(s, t, text, most);
}

static void read_set(struct slab *s, struct in *in, struct set *set)
{
    uint32_t n = in_array(in);
    if (n == 0 || n > SET_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i++)
        if (set_add(s, set, in_u64(in)) != SET_ADDED)
            in_fail(in);
}

static void read_tail(struct slab *s, struct in *in, struct tokens *t)
{
    struct str bytes = in_bin(in);
    if (bytes.len == 0 || bytes.len % TOKEN_BYTES != 0 ||
        bytes.len > (size_t)TOKENS_MOST * TOKEN_BYTES)
        in_fail(in);
    for (size_t i = 0; i < bytes.len && !in->bad; i += TOKEN_BYTES) {
        uint64_t token;
        memcpy(&token, bytes.at + i, sizeof token);
        tokens_add(s, t, token, TOKENS_MOST);
    }
}

static void read_recent(struct slab *s, struct in *in, struct recent *r)
{
    uint32_t n = in_array(in);
    if (n == 0 || n % 3 != 0 || n > 3 * RECENT_MOST)
        in_fail(in);
    for (uint32_t i = 0; i < n && !in->bad; i += 3) {
        uint64_t id = in_u64(in), body = in_u64(in);
        int64_t received_us = in_i64(in);
        if (!in->bad)
            recent_add(s, r, id, body, received_us);
    }
}

/* The next key of a map, which must be above *last; the writer sorts, so none stands twice. */
static uint64_t next_key(struct in *in, uint64_t *last)
{
    uint64_t key = in_u64(in);
    if (key <= *last)
        in_fail(in);
    *last = key;
    return in->bad ? 0 : key;
}

/* clang-format off */
#define STATE(key, type, name, meaning) case key: to->name = read_##type(in); break;
static void read_visit(struct slab *s, struct in *in, struct visit *to, uint32_t n)
{
    for (uint64_t last = 0; n > 0 && !in->bad; n--) {
        switch (next_key(in, &last)) {
#include "featurizer/visit.def"
        case KEY_ENTRY: read_text(s, in, &to->entry_page, TEXT_MOST); break;
        case KEY_EXIT: read_text(s, in, &to->exit_page, TEXT_MOST); break;
        case KEY_PATHS: read_set(s, in, &to->paths); break;
        case KEY_PRODUCTS: read_set(s, in, &to->products); break;
        case KEY_CATEGORIES: read_set(s, in, &to->categories); break;
        case KEY_TAIL: read_tail(s, in, &to->tail); break;
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
bool state_unpack(struct slab *s, struct profile *to, struct str bytes, struct err *e)
{
    struct in cursor = in_over(bytes.at, bytes.len), *in = &cursor;
    bool has_live = false;
    uint32_t n = in_map(in);
    for (uint64_t last = 0; n > 0 && !in->bad; n--) {
        switch (next_key(in, &last)) {
#include "featurizer/profile.def"
        case KEY_USER_ID: read_text(s, in, &to->user_id, TEXT_MOST); break;
        case KEY_RECENT: read_recent(s, in, &to->recent); break;
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

static bool unwrap(struct str key, struct str value, struct str *state, struct err *e)
{
    struct visitor v;
    enum wire_status status = visitor_read(&v, value.at, value.len);
    if (status != WIRE_OK)
        return err_code(e, EXIT_CODE_CONFIG, "state of a visitor: %s",
                        wire_status_text(status));
    if (v.version < STATE_VERSION_LEAST || v.version > STATE_VERSION)
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
    return unwrap(entry_key(x), value, &state, e) &&
           (state_unpack(s, profile_of(x), state, e) || err_prefix(e, "state of a visitor"));
}

static void clear(struct slab *s, struct entry *x)
{
    profile_clear(s, profile_of(x));
}

const struct entries_type state_type = {
    .topic = TOPIC_visitors,
    .size = sizeof(struct profile),
    .pack = wrap,
    .unpack = unpack,
    .clear = clear,
};
