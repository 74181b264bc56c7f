/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/entries.h"

#include "common/base/clock.h"
#include "common/base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 1024, PACKS_PER_LOOK = 16 };
/* Of so many slots the entry that was taken longest ago is moved; a trim moves so many at most,
 * or looks in vain so often; then it lets so many trims pass. */
enum { SLOTS_PER_MOVE = 32, MOVES_PER_TRIM = 64, LOOKS_PER_TRIM = 8, TRIMS_TO_REST = 16 };
enum { SWEEP_OF_FILE = 16 };

void entries_init(struct entries *s, const struct entries_type *type)
{
    CHECK(type->size >= sizeof(struct entry));
    *s = (struct entries){.type = type, .mask = SLOTS_AT_FIRST - 1};
    s->slots = mem_zero(SLOTS_AT_FIRST, sizeof *s->slots);
    s->changed.number = 1;
    s->packing.number = 2;
    s->packed.number = 3;
    s->last_list = 3;
}

void entries_fini(struct entries *s)
{
    if (s->spill.n > 0)
        spill_drop_all(s->spill.file, s->spill.partition);
    free(s->slots);
    slab_fini(&s->slab);
    buf_fini(&s->forgotten.bytes);
    buf_fini(&s->forgetting.bytes);
    buf_fini(&s->early.bytes);
    buf_fini(&s->value);
    *s = (struct entries){0};
}

size_t entries_bytes(const struct entries *s)
{
    return slab_bytes(&s->slab) + (s->mask + 1) * sizeof *s->slots;
}

size_t entries_used(const struct entries *s)
{
    return s->slab.used + (s->mask + 1) * sizeof *s->slots;
}

size_t entries_n(const struct entries *s)
{
    return s->n + s->spill.n;
}

void entries_limit(struct entries *s, size_t used, struct spill *file, uint32_t partition)
{
    CHECK(!s->spill.file || (s->spill.file == file && s->spill.partition == partition));
    s->spill.file = file;
    s->spill.partition = partition;
    s->spill.limit = used;
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const struct entries *s, struct str key, uint64_t hash)
{
    size_t i = hash & s->mask;
    for (; s->slots[i].entry; i = (i + 1) & s->mask)
        if (s->slots[i].hash == hash && str_eq(entry_key(s->slots[i].entry), key))
            break;
    return i;
}

static void widen(struct entries *s)
{
    size_t mask = 2 * s->mask + 1;
    struct entries_slot *slots = mem_zero(mask + 1, sizeof *slots);
    for (size_t i = 0; i <= s->mask; i++) {
        if (!s->slots[i].entry)
            continue;
        size_t to = s->slots[i].hash & mask;
        while (slots[to].entry)
            to = (to + 1) & mask;
        slots[to] = s->slots[i];
    }
    free(s->slots);
    s->slots = slots;
    s->mask = mask;
    s->sweep = 0;
}

static struct entry *entry_new(struct entries *s, struct str key, uint64_t hash)
{
    struct entry *x = slab_zero(&s->slab, s->type->size);
    x->key = slab_take(&s->slab, key.len);
    memcpy(x->key, key.at, key.len);
    x->key_len = (uint32_t)key.len;
    x->hash = hash;
    return x;
}

static void entry_free(struct entries *s, struct entry *x)
{
    s->type->clear(&s->slab, x);
    slab_give(&s->slab, x->key, x->key_len);
    slab_give(&s->slab, x, s->type->size);
}

/* Time passes: with 256 takes by one, so that 32 bits last. */
static void see(struct entries *s, struct entry *x)
{
    x->taken = (uint32_t)(s->spill.n_taken++ >> 8);
}

/* A key that is not in memory. */
static struct entry *add(struct entries *s, struct str key, uint64_t hash)
{
    if (2 * (s->n + 1) > s->mask)
        widen(s);
    size_t i = slot_of(s, key, hash);
    s->slots[i] = (struct entries_slot){hash, entry_new(s, key, hash)};
    s->n++;
    return s->slots[i].entry;
}

/* From the file, where it is then no longer; NULL when it is not there. What we wrote there and
 * cannot read is a broken file. */
static struct entry *come_back(struct entries *s, struct str key, uint64_t hash)
{
    struct err e = {0};
    buf_reset(&s->value);
    if (s->spill.n == 0 || !spill_take(s->spill.file, s->spill.partition, key, &s->value))
        return NULL;
    s->spill.n--;
    struct entry *x = add(s, key, hash);
    if (!s->type->unpack(&s->slab, x, buf_as_str(&s->value), &e)) {
        err_prefix(&e, "spill file");
        e.code = EXIT_CODE_IO;
        spill_fail(s->spill.file, &e);
    }
    return x;
}

struct entry *entries_find(struct entries *s, struct str key)
{
    uint64_t hash = hash64_str(key);
    struct entry *x = s->slots[slot_of(s, key, hash)].entry;
    if (!x)
        x = come_back(s, key, hash);
    if (x)
        see(s, x);
    return x;
}

struct entry *entries_take(struct entries *s, struct str key)
{
    CHECK(key.len > 0 && key.len <= ENTRY_KEY_MOST);
    struct entry *x = entries_find(s, key);
    if (x)
        return x;
    x = add(s, key, hash64_str(key));
    see(s, x);
    return x;
}

void entries_each(struct entries *s, void (*use)(struct entry *x, void *to), void *to)
{
    for (size_t i = 0; i <= s->mask; i++)
        if (s->slots[i].entry)
            use(s->slots[i].entry, to);
}

static void list_add(struct entries_list *l, struct entry *x)
{
    x->list = l->number;
    x->prev = NULL;
    x->next = l->first;
    if (l->first)
        l->first->prev = x;
    l->first = x;
}

static void list_remove(struct entries_list *l, struct entry *x)
{
    if (x->prev)
        x->prev->next = x->next;
    else
        l->first = x->next;
    if (x->next)
        x->next->prev = x->prev;
    x->list = 0;
}

static void log_add(struct entries_log *l, struct str piece)
{
    buf_put(&l->bytes, &piece.len, sizeof piece.len);
    buf_str(&l->bytes, piece);
}

/* Valid until the log grows. */
static bool log_take(struct entries_log *l, struct str *piece)
{
    if (l->done == l->bytes.len)
        return false;
    size_t len;
    memcpy(&len, l->bytes.at + l->done, sizeof len);
    *piece = str_over(l->bytes.at + l->done + sizeof len, len);
    l->done += sizeof len + len;
    return true;
}

static void log_reset(struct entries_log *l)
{
    buf_reset(&l->bytes);
    l->done = 0;
}

/* Takes it off its list, if it is on one; what the cut still needs of it is packed now. */
static void leave(struct entries *s, struct entry *x)
{
    if (x->list == s->changed.number) {
        list_remove(&s->changed, x);
    } else if (x->list == s->packing.number) {
        buf_reset(&s->value);
        s->type->pack(&s->value, x);
        log_add(&s->early, entry_key(x));
        log_add(&s->early, buf_as_str(&s->value));
        list_remove(&s->packing, x);
    } else if (x->list == s->packed.number) {
        list_remove(&s->packed, x);
    }
}

void entries_touch(struct entries *s, struct entry *x)
{
    if (x->list == s->changed.number)
        return;
    leave(s, x);
    list_add(&s->changed, x);
}

/* Closes the gap that a removed slot leaves, so that no search ends early. */
static void slot_remove(struct entries *s, size_t gap)
{
    for (size_t i = (gap + 1) & s->mask; s->slots[i].entry; i = (i + 1) & s->mask) {
        size_t home = s->slots[i].hash & s->mask;
        if (((i - home) & s->mask) < ((i - gap) & s->mask))
            continue;
        s->slots[gap] = s->slots[i];
        gap = i;
    }
    s->slots[gap].entry = NULL;
    s->n--;
}

static void take_out(struct entries *s, size_t slot)
{
    struct entry *x = s->slots[slot].entry;
    leave(s, x);
    slot_remove(s, slot);
    entry_free(s, x);
}

static void forget(struct entries *s, size_t slot)
{
    log_add(&s->forgotten, entry_key(s->slots[slot].entry));
    take_out(s, slot);
}

void entries_forget(struct entries *s, struct entry *x)
{
    size_t slot = slot_of(s, entry_key(x), x->hash);
    CHECK(s->slots[slot].entry == x);
    forget(s, slot);
}

static bool is_clean(const struct entries *s, const struct entry *x)
{
    return x->list != s->changed.number && x->list != s->packing.number &&
           x->list != s->packed.number;
}

/* Whether a piece of the file is over; it is read apart from the table. */
static bool piece_is_over(struct entries *s, struct str key, struct str value,
                          bool (*is_over)(const struct entry *x, void *to), void *to)
{
    struct err e = {0};
    struct entry *x = entry_new(s, key, hash64_str(key));
    if (!s->type->unpack(&s->slab, x, value, &e)) {
        err_prefix(&e, "spill file");
        e.code = EXIT_CODE_IO;
        spill_fail(s->spill.file, &e);
    }
    bool is = is_over(x, to);
    entry_free(s, x);
    return is;
}

static void sweep_file(struct entries *s, size_t n,
                       bool (*is_over)(const struct entry *x, void *to), void *to)
{
    struct str key, value;
    for (; n > 0 && s->spill.n > 0; n--) {
        if (!spill_next(s->spill.file, s->spill.partition, &s->spill.sweep, &key, &value)) {
            s->spill.sweep = (struct spill_place){0};
            return;
        }
        if (!piece_is_over(s, key, value, is_over, to))
            continue;
        log_add(&s->forgotten, key);
        buf_reset(&s->value); /* the key lies in the file */
        buf_str(&s->value, key);
        CHECK(spill_drop(s->spill.file, s->spill.partition, buf_as_str(&s->value)));
        s->spill.n--;
    }
}

void entries_sweep(struct entries *s, size_t n,
                   bool (*is_over)(const struct entry *x, void *to), void *to)
{
    sweep_file(s, (n + SWEEP_OF_FILE - 1) / SWEEP_OF_FILE, is_over, to);
    for (; n > 0; n--) {
        s->sweep &= s->mask;
        struct entry *x = s->slots[s->sweep].entry;
        if (x && is_clean(s, x) && is_over(x, to))
            forget(s, s->sweep); /* another may have moved into the slot: look again */
        else
            s->sweep++;
    }
}

/* Of the next slots the entry that may leave and was taken longest ago; none: SIZE_MAX. */
static size_t oldest(struct entries *s)
{
    size_t best = SIZE_MAX;
    uint32_t now = (uint32_t)(s->spill.n_taken >> 8), most = 0;
    for (unsigned i = 0; i < SLOTS_PER_MOVE; i++) {
        size_t slot = s->spill.hand++ & s->mask;
        const struct entry *x = s->slots[slot].entry;
        if (!x || (best != SIZE_MAX && now - x->taken <= most) || !is_clean(s, x) ||
            !s->type->may_spill(x))
            continue;
        best = slot;
        most = now - x->taken;
    }
    return best;
}

/* False when the file holds another key of the same hash: then it stays. */
static bool move_out(struct entries *s, size_t slot)
{
    struct entry *x = s->slots[slot].entry;
    buf_reset(&s->value);
    s->type->pack(&s->value, x);
    if (!spill_put(s->spill.file, s->spill.partition, entry_key(x), buf_as_str(&s->value))) {
        see(s, x);
        return false;
    }
    s->spill.n++;
    take_out(s, slot);
    return true;
}

void entries_trim(struct entries *s)
{
    if (!s->spill.file || !s->type->may_spill || entries_used(s) <= s->spill.limit)
        return;
    if (s->spill.rest > 0) {
        s->spill.rest--;
        return;
    }
    unsigned n_moved = 0, n_vain = 0;
    while (entries_used(s) > s->spill.limit && n_moved < MOVES_PER_TRIM &&
           n_vain < LOOKS_PER_TRIM) {
        size_t slot = oldest(s);
        if (slot != SIZE_MAX && move_out(s, slot))
            n_moved++;
        else
            n_vain++;
    }
    if (n_moved == 0)
        s->spill.rest = TRIMS_TO_REST;
}

void entries_cut(struct entries *s)
{
    CHECK(!s->packing.first && s->forgetting.done == s->forgetting.bytes.len &&
          s->early.done == s->early.bytes.len);
    log_reset(&s->early);
    log_reset(&s->forgetting);
    struct entries_log forgetting = s->forgetting;
    s->forgetting = s->forgotten;
    s->forgotten = forgetting;
    /* What was packed is clean now: its list's number is given up, so nobody is on it. */
    s->packing = s->changed;
    s->packed = (struct entries_list){.number = ++s->last_list};
    s->changed = (struct entries_list){.number = ++s->last_list};
}

/* An empty value forgets. */
static void give(struct entries *s, struct outbox *state, uint32_t partition, struct str key,
                 struct str value)
{
    buf_str(outbox_begin(state), value);
    outbox_end(state, s->type->topic, partition, key);
}

/* Entries lie anywhere in memory: while one is packed, what the next one points at comes, and
 * the one behind that. */
static void look_ahead(const struct entries *s, const struct entry *next)
{
    if (next && s->type->ahead)
        s->type->ahead(next);
    if (next)
        slab_ahead(next->next, s->type->size);
}

/* Forgotten keys stand first: one that came back since has its entry behind them. */
static bool pack_one(struct entries *s, struct outbox *state, uint32_t partition)
{
    struct str key, value;
    if (log_take(&s->forgetting, &key)) {
        give(s, state, partition, key, (struct str){NULL, 0});
    } else if (log_take(&s->early, &key)) {
        CHECK(log_take(&s->early, &value));
        give(s, state, partition, key, value);
    } else if (s->packing.first) {
        struct entry *x = s->packing.first;
        look_ahead(s, x->next);
        s->type->pack(outbox_begin(state), x);
        outbox_end(state, s->type->topic, partition, entry_key(x));
        list_remove(&s->packing, x);
        list_add(&s->packed, x);
    } else {
        return false;
    }
    return true;
}

bool entries_pack(struct entries *s, struct outbox *state, uint32_t partition,
                  int64_t until_mono_us)
{
    do {
        for (unsigned i = 0; i < PACKS_PER_LOOK; i++)
            if (!pack_one(s, state, partition))
                return true;
    } while (clock_mono_us() < until_mono_us);
    return false;
}

static void list_pour(struct entries_list *from, struct entries_list *to)
{
    while (from->first) {
        struct entry *x = from->first;
        list_remove(from, x);
        list_add(to, x);
    }
}

void entries_uncut(struct entries *s)
{
    list_pour(&s->packing, &s->changed);
    list_pour(&s->packed, &s->changed);
    buf_put(&s->forgotten.bytes, s->forgetting.bytes.at, s->forgetting.bytes.len);
    log_reset(&s->forgetting);
    log_reset(
        &s->early); /* who was packed early was touched, hence is on `changed`, or is gone */
}

/* The log of states may not have been compacted yet, so a key can come more than once. */
bool entries_restore(struct entries *s, struct str key, struct str value, struct err *e)
{
    if (key.len == 0 || key.len > ENTRY_KEY_MOST)
        return err_code(e, EXIT_CODE_CONFIG, "a state's key has %zu bytes", key.len);
    uint64_t hash = hash64_str(key);
    size_t slot = slot_of(s, key, hash);
    if (s->slots[slot].entry)
        take_out(s, slot); /* what forgets it stands in the log already */
    else if (s->spill.n > 0 && spill_drop(s->spill.file, s->spill.partition, key))
        s->spill.n--;
    if (value.len == 0)
        return true;
    struct entry *x = add(s, key, hash);
    see(s, x);
    if (!s->type->unpack(&s->slab, x, value, e)) {
        take_out(s, slot_of(s, key, hash));
        return false;
    }
    entries_trim(s);
    return true;
}
