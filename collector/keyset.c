/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/keyset.h"

#include <stdlib.h>

void keyset_init(struct keyset *k)
{
    *k = (struct keyset){.entries = mem_new(KEYSET_MAX * sizeof *k->entries),
                         .slots = mem_new(2 * (size_t)KEYSET_MAX * sizeof *k->slots)};
    keyset_reset(k);
}

void keyset_fini(struct keyset *k)
{
    free(k->entries);
    free(k->slots);
    *k = (struct keyset){0};
}

static void slots_clear(struct keyset *k, size_t cap)
{
    k->cap = cap;
    memset(k->slots, 0, cap * sizeof *k->slots);
}

void keyset_reset(struct keyset *k)
{
    k->n = 0;
    k->objects = 0;
    slots_clear(k, KEYSET_FIRST);
}

uint32_t keyset_object(struct keyset *k)
{
    return k->objects++;
}

static size_t slot_of(const struct keyset *k, uint32_t object, struct str key, uint64_t hash)
{
    size_t slot = (hash ^ object * 0x9e3779b97f4a7c15u) >> 20 & (k->cap - 1);
    for (; k->slots[slot] != 0; slot = (slot + 1) & (k->cap - 1)) {
        const struct keyset_entry *e = &k->entries[k->slots[slot] - 1];
        if (e->hash == hash && e->object == object && str_eq(e->key, key))
            break;
    }
    return slot;
}

static void grow(struct keyset *k)
{
    slots_clear(k, 2 * k->cap);
    for (size_t i = 0; i < k->n; i++) {
        const struct keyset_entry *e = &k->entries[i];
        k->slots[slot_of(k, e->object, e->key, e->hash)] = (uint32_t)i + 1;
    }
}

enum keyset_result keyset_add(struct keyset *k, uint32_t object, struct str key, uint64_t hash)
{
    if (k->n == KEYSET_MAX)
        return KEYSET_FULL;
    if (2 * k->n >= k->cap)
        grow(k);
    size_t slot = slot_of(k, object, key, hash);
    if (k->slots[slot] != 0)
        return KEYSET_TWICE;
    k->entries[k->n] = (struct keyset_entry){hash, key, object};
    k->slots[slot] = (uint32_t)++k->n;
    return KEYSET_NEW;
}
