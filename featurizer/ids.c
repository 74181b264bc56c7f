/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/ids.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 1024 };

void ids_fini(struct ids *s)
{
    free(s->at);
    *s = (struct ids){0};
}

/* Where it stands, or would. */
static uint64_t *slot(const struct ids *s, uint64_t key)
{
    size_t i = key & s->mask;
    while (s->at[i] != 0 && s->at[i] != key)
        i = (i + 1) & s->mask;
    return &s->at[i];
}

static uint64_t key_of(uint64_t hash)
{
    return hash == 0 ? 1 : hash;
}

static void grow(struct ids *s)
{
    size_t slots = s->at ? 2 * (s->mask + 1) : FIRST_SLOTS;
    struct ids wider = {mem_zero(slots, sizeof *wider.at), s->n, slots - 1};
    for (size_t i = 0; s->at && i <= s->mask; i++)
        if (s->at[i] != 0)
            *slot(&wider, s->at[i]) = s->at[i];
    free(s->at);
    *s = wider;
}

void ids_add(struct ids *s, uint64_t hash)
{
    if (!s->at || 2 * s->n > s->mask)
        grow(s);
    uint64_t key = key_of(hash), *at = slot(s, key);
    s->n += *at == 0;
    *at = key;
}

bool ids_has(const struct ids *s, uint64_t hash)
{
    return s->at && *slot(s, key_of(hash)) != 0;
}
