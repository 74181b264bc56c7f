/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/store.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "featurizer/state_pack.h"

#include <stdlib.h>

enum { SLOTS_AT_FIRST = 1024, PACKS_PER_LOOK = 16 };

void store_init(struct store *s)
{
    *s = (struct store){.mask = SLOTS_AT_FIRST - 1};
    s->slots = mem_zero(SLOTS_AT_FIRST, sizeof *s->slots);
    s->changed.number = 1;
    s->packing.number = 2;
    s->packed.number = 3;
    s->last_list = 3;
}

void store_fini(struct store *s)
{
    free(s->slots);
    slab_fini(&s->slab);
    buf_fini(&s->forgotten.bytes);
    buf_fini(&s->forgetting.bytes);
    buf_fini(&s->early.bytes);
    buf_fini(&s->state);
    buf_fini(&s->value);
    *s = (struct store){0};
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const struct store *s, struct str key, uint64_t hash)
{
    size_t i = hash & s->mask;
    for (; s->slots[i].profile; i = (i + 1) & s->mask)
        if (s->slots[i].hash == hash && str_eq(text_str(&s->slots[i].profile->key), key))
            break;
    return i;
}

struct profile *store_find(const struct store *s, struct str key)
{
    return s->slots[slot_of(s, key, hash64_str(key))].profile;
}

static void widen(struct store *s)
{
    size_t mask = 2 * s->mask + 1;
    struct slot *slots = mem_zero(mask + 1, sizeof *slots);
    for (size_t i = 0; i <= s->mask; i++) {
        if (!s->slots[i].profile)
            continue;
        size_t to = s->slots[i].hash & mask;
        while (slots[to].profile)
            to = (to + 1) & mask;
        slots[to] = s->slots[i];
    }
    free(s->slots);
    s->slots = slots;
    s->mask = mask;
    s->sweep = 0;
}

struct profile *store_take(struct store *s, struct str key)
{
    uint64_t hash = hash64_str(key);
    size_t i = slot_of(s, key, hash);
    if (s->slots[i].profile)
        return s->slots[i].profile;
    if (2 * (s->n + 1) > s->mask) {
        widen(s);
        i = slot_of(s, key, hash);
    }
    struct profile *p = slab_zero(&s->slab, sizeof *p);
    text_set(&s->slab, &p->key, key, key.len);
    p->hash = hash;
    s->slots[i] = (struct slot){hash, p};
    s->n++;
    return p;
}

void store_each(struct store *s, void (*use)(struct profile *p, void *to), void *to)
{
    for (size_t i = 0; i <= s->mask; i++)
        if (s->slots[i].profile)
            use(s->slots[i].profile, to);
}

static void list_add(struct store_list *l, struct profile *p)
{
    p->list = l->number;
    p->prev = NULL;
    p->next = l->first;
    if (l->first)
        l->first->prev = p;
    l->first = p;
}

static void list_remove(struct store_list *l, struct profile *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        l->first = p->next;
    if (p->next)
        p->next->prev = p->prev;
    p->list = 0;
}

static void log_add(struct store_log *l, struct str s)
{
    buf_put(&l->bytes, &s.len, sizeof s.len);
    buf_str(&l->bytes, s);
}

/* Valid until the log grows. */
static bool log_take(struct store_log *l, struct str *s)
{
    if (l->done == l->bytes.len)
        return false;
    size_t len;
    memcpy(&len, l->bytes.at + l->done, sizeof len);
    *s = str_over(l->bytes.at + l->done + sizeof len, len);
    l->done += sizeof len + len;
    return true;
}

static void log_reset(struct store_log *l)
{
    buf_reset(&l->bytes);
    l->done = 0;
}

/* The value of a profile's entry, in s->value. */
static void pack_value(struct store *s, const struct profile *p)
{
    buf_reset(&s->state);
    buf_reset(&s->value);
    state_pack(&s->state, p);
    state_wrap(&s->value, text_str(&p->key), buf_as_str(&s->state));
}

void store_touch(struct store *s, struct profile *p)
{
    if (p->list == s->changed.number)
        return;
    if (p->list == s->packing.number) {
        pack_value(s, p);
        log_add(&s->early, text_str(&p->key));
        log_add(&s->early, buf_as_str(&s->value));
        list_remove(&s->packing, p);
    } else if (p->list == s->packed.number) {
        list_remove(&s->packed, p);
    }
    list_add(&s->changed, p);
}

bool store_is_expired(const struct profile *p, int64_t before_us)
{
    return p->received_us <= before_us && profile_is_idle(p);
}

/* Closes the gap that a removed slot leaves, so that no search ends early. */
static void slot_remove(struct store *s, size_t gap)
{
    for (size_t i = (gap + 1) & s->mask; s->slots[i].profile; i = (i + 1) & s->mask) {
        size_t home = s->slots[i].hash & s->mask;
        if (((i - home) & s->mask) < ((i - gap) & s->mask))
            continue;
        s->slots[gap] = s->slots[i];
        gap = i;
    }
    s->slots[gap].profile = NULL;
    s->n--;
}

static void forget(struct store *s, size_t slot)
{
    struct profile *p = s->slots[slot].profile;
    log_add(&s->forgotten, text_str(&p->key));
    slot_remove(s, slot);
    profile_clear(&s->slab, p);
    text_fini(&s->slab, &p->key);
    slab_give(&s->slab, p, sizeof *p);
}

static bool is_clean(const struct store *s, const struct profile *p)
{
    return p->list != s->changed.number && p->list != s->packing.number &&
           p->list != s->packed.number;
}

void store_sweep(struct store *s, size_t n, int64_t before_us)
{
    for (; n > 0; n--) {
        s->sweep &= s->mask;
        struct profile *p = s->slots[s->sweep].profile;
        if (p && p->n_timed == 0 && is_clean(s, p) && store_is_expired(p, before_us))
            forget(s, s->sweep); /* another may have moved into the slot: look again */
        else
            s->sweep++;
    }
}

void store_cut(struct store *s)
{
    CHECK(!s->packing.first && s->forgetting.done == s->forgetting.bytes.len &&
          s->early.done == s->early.bytes.len);
    log_reset(&s->early);
    log_reset(&s->forgetting);
    struct store_log forgetting = s->forgetting;
    s->forgetting = s->forgotten;
    s->forgotten = forgetting;
    /* What was packed is clean now: its list's number is given up, so nobody is on it. */
    s->packing = s->changed;
    s->packed = (struct store_list){.number = ++s->last_list};
    s->changed = (struct store_list){.number = ++s->last_list};
}

static void give(struct outbox *state, uint32_t partition, struct str key, struct str value)
{
    buf_str(outbox_begin(state), value);
    outbox_end(state, TOPIC_visitors, partition, key);
}

/* Forgotten keys stand first: a visitor that came back since has its entry behind them. */
static bool pack_one(struct store *s, struct outbox *state, uint32_t partition)
{
    struct str key, value;
    if (log_take(&s->forgetting, &key)) {
        give(state, partition, key, (struct str){NULL, 0});
    } else if (log_take(&s->early, &key)) {
        CHECK(log_take(&s->early, &value));
        give(state, partition, key, value);
    } else if (s->packing.first) {
        struct profile *p = s->packing.first;
        pack_value(s, p);
        give(state, partition, text_str(&p->key), buf_as_str(&s->value));
        list_remove(&s->packing, p);
        list_add(&s->packed, p);
    } else {
        return false;
    }
    return true;
}

bool store_pack(struct store *s, struct outbox *state, uint32_t partition,
                int64_t until_mono_us)
{
    do {
        for (unsigned i = 0; i < PACKS_PER_LOOK; i++)
            if (!pack_one(s, state, partition))
                return true;
    } while (clock_mono_us() < until_mono_us);
    return false;
}

static void list_pour(struct store_list *from, struct store_list *to)
{
    while (from->first) {
        struct profile *p = from->first;
        list_remove(from, p);
        list_add(to, p);
    }
}

void store_uncut(struct store *s)
{
    list_pour(&s->packing, &s->changed);
    list_pour(&s->packed, &s->changed);
    buf_put(&s->forgotten.bytes, s->forgetting.bytes.at, s->forgetting.bytes.len);
    log_reset(&s->forgetting);
    log_reset(&s->early); /* who was packed early was touched, hence is on `changed` */
}

/* The log of states may not have been compacted yet, so a key can come more than once. */
bool store_restore(struct store *s, struct str key, struct str value, struct err *e)
{
    struct str state;
    size_t i = slot_of(s, key, hash64_str(key));
    if (s->slots[i].profile) {
        forget(s, i);
        log_reset(&s->forgotten); /* it stands in the log already */
    }
    if (value.len == 0)
        return true;
    if (!state_unwrap(key, value, &state, e))
        return false;
    return state_unpack(&s->slab, store_take(s, key), state, e) ||
           err_prefix(e, "state of a visitor");
}
