/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/words.h"

#include "common/base/hash.h"

static size_t slot_of(const struct words *w, uint32_t list, struct str text, uint64_t hash)
{
    size_t slot = (hash + list * 0x9e3779b97f4a7c15u) >> 32 & (WORDS_SLOTS - 1);
    for (; w->slots[slot] != 0; slot = (slot + 1) & (WORDS_SLOTS - 1)) {
        size_t i = w->slots[slot] - 1u;
        if (w->words[i].list == list && str_eq(w->words[i].text, text))
            break;
    }
    return slot;
}

void words_add(struct words *w, uint32_t list, struct str text, uint32_t value)
{
    size_t slot = slot_of(w, list, text, hash64_str(text));
    CHECK(w->n < WORDS_MAX && w->slots[slot] == 0);
    w->words[w->n].text = text;
    w->words[w->n].list = list;
    w->words[w->n].value = value;
    w->slots[slot] = (uint16_t)++w->n;
}

int words_find(const struct words *w, uint32_t list, struct str text, uint64_t hash)
{
    size_t slot = slot_of(w, list, text, hash);
    return w->slots[slot] == 0 ? -1 : (int)w->words[w->slots[slot] - 1u].value;
}
