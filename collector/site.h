/* SPDX-License-Identifier: Apache-2.0 */
/* site - the settings of a site (schemas/site.def) as the JSON of a control record's body, and
 * the digest that stands there for a write key. */
#ifndef AUSPEX_SITE_H
#define AUSPEX_SITE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/wire/record.h"

enum {
    SITE_KEYS_MAX = 64,
    SITE_KEY_MIN = 16, /* bytes of a write key */
    SITE_KEY_MAX = 128,
    SITE_PREFIX_MAX = 16,
    SITE_NAME_MAX = 200,
    SITE_ORIGINS_MAX = 4096,
    SITE_TIMEZONE_MAX = 40,
    SITE_GAP_MIN_S = 60,
    SITE_GAP_MAX_S = 86400,
    SITE_CONSENT_ALL = 15, /* all purposes */
    SITE_KEEP_MAX_DAYS = 36500
};

/* Fails with words for people when a field is missing or not as it must be; `out` is untouched
 * then. Members that are not known are skipped. Slices point into the arena. */
MUST_USE bool site_from_json(struct site *out, struct arena *a, struct str json, struct err *e);
/* Appends it as JSON that site_from_json takes. */
void site_json(struct buf *out, const struct site *s);

/* Reads the keys into `keys`, at most SITE_KEYS_MAX, and gives how many there are. */
size_t site_keys(const struct site *s, struct site_key keys[SITE_KEYS_MAX]);
/* Sets the list of keys, taken from the arena; n <= SITE_KEYS_MAX. */
void site_set_keys(struct site *s, struct arena *a, const struct site_key *keys, size_t n);

/* What stands in the settings for a write key: its SHA-256 in lower-case hexadecimal. */
void site_key_hash(struct str key, char hex[SHA256_HEX]);

/* Whether a page of this origin ("https://shop.example", as browsers send it) may send. */
bool site_allows(const struct site *s, struct str origin);

#endif
