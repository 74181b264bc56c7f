/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sites.h"

#include "collector/site.h"
#include "common/base/clock.h"

#include <math.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { CACHE = 256 };

struct entry {
    struct site site;
    struct arena arena; /* of what it points to */
    struct str keys[SITE_KEYS_MAX];
    size_t n_keys;
    double tokens;
    int64_t filled_us;
};

/* The answer for a key that was asked for before; a digest costs more than the rest. */
struct cached {
    char key[SITE_KEY_MAX];
    size_t len; /* 0 = free */
    const struct entry *entry;
};

struct sites {
    struct entry **entries; /* few: looked through */
    size_t n;
    struct cached cache[CACHE];
};

struct sites *sites_new(void)
{
    return mem_zero(1, sizeof(struct sites));
}

static void entry_free(struct entry *x)
{
    arena_fini(&x->arena);
    free(x);
}

void sites_free(struct sites *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        entry_free(s->entries[i]);
    free(s->entries);
    free(s);
}

size_t sites_n(const struct sites *s)
{
    return s->n;
}

static struct entry *find(const struct sites *s, uint64_t site_id, size_t *at)
{
    for (*at = 0; *at < s->n; ++*at)
        if (s->entries[*at]->site.site == site_id)
            return s->entries[*at];
    return NULL;
}

static void forget(struct sites *s, size_t at)
{
    if (at == s->n)
        return;
    entry_free(s->entries[at]);
    s->entries[at] = s->entries[--s->n];
}

static struct entry *entry_read(uint64_t site_id, struct str json)
{
    struct entry *x = mem_zero(1, sizeof *x);
    struct err e = {0};
    struct site_key keys[SITE_KEYS_MAX];
    if (!site_from_json(&x->site, &x->arena, json, &e) || x->site.site != site_id) {
        entry_free(x);
        return NULL;
    }
    x->n_keys = site_keys(&x->site, keys);
    for (size_t i = 0; i < x->n_keys; i++)
        x->keys[i] = keys[i].sha256;
    x->tokens = (double)INFINITY; /* as much as it may save up */
    return x;
}

bool sites_set(struct sites *s, const struct control *c)
{
    uint64_t site_id;
    size_t at;
    if (!str_is(c->what, "site"))
        return true;
    if (!str_u64(c->name, &site_id))
        return false;
    struct entry *x = c->version > 0 ? entry_read(site_id, c->body) : NULL;
    if (c->version > 0 && !x)
        return false;
    memset(s->cache, 0, sizeof s->cache);
    (void)find(s, site_id, &at);
    forget(s, at);
    if (!x)
        return true;
    s->entries = mem_grow(s->entries, (s->n + 1) * sizeof(struct entry *));
    s->entries[s->n++] = x;
    return true;
}

/* All are compared, whichever it is. */
static const struct entry *find_digest(const struct sites *s, const char hex[SHA256_HEX])
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->entries[i]->n_keys; k++)
            if (CRYPTO_memcmp(s->entries[i]->keys[k].at, hex, SHA256_HEX - 1) == 0)
                found = s->entries[i];
    return found;
}

const struct site *sites_find(struct sites *s, struct str key)
{
    char hex[SHA256_HEX];
    if (key.len < SITE_KEY_MIN || key.len > SITE_KEY_MAX)
        return NULL;
    struct cached *c = &s->cache[hash64_str(key) % CACHE];
    if (c->len == key.len && CRYPTO_memcmp(c->key, key.at, key.len) == 0)
        return &c->entry->site;
    site_key_hash(key, hex);
    const struct entry *x = find_digest(s, hex);
    if (!x)
        return NULL;
    memcpy(c->key, key.at, key.len);
    c->len = key.len;
    c->entry = x;
    return &x->site;
}

bool sites_allow(const struct sites *s, struct str origin)
{
    for (size_t i = 0; i < s->n; i++)
        if (site_allows(&s->entries[i]->site, origin))
            return true;
    return false;
}

bool sites_take(struct sites *s, uint64_t site_id, uint64_t n, int64_t mono_us,
                unsigned *retry_s)
{
    size_t at;
    struct entry *x = find(s, site_id, &at);
    if (!x || x->site.rate == 0)
        return true;
    double rate = (double)x->site.rate, most = fmax(rate, EVENTS_PER_RECORD);
    double since_s = (double)(mono_us - x->filled_us) / (double)SECOND_US;
    x->tokens = fmin(most, x->tokens + since_s * rate);
    x->filled_us = mono_us;
    if (x->tokens >= (double)n) {
        x->tokens -= (double)n;
        return true;
    }
    *retry_s = (unsigned)fmin(ceil(((double)n - x->tokens) / rate), 3600);
    return false;
}
