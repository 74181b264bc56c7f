/* SPDX-License-Identifier: Apache-2.0 */
/* site_edit - the settings of a site being changed: read whole, altered piece by piece, written
 * whole. Keys come in as they are and leave as prefix and SHA-256. */
#ifndef AUSPEX_CTL_SITE_EDIT_H
#define AUSPEX_CTL_SITE_EDIT_H

#include "collector/site.h"

enum { SITE_KEY_MADE = 36 /* with its terminator */ };

struct site_edit {
    struct arena arena;
    struct site site; /* but for its keys and origins */
    struct site_key keys[SITE_KEYS_MAX];
    size_t n_keys;
    struct buf origins;
};

/* Of a site that has no settings yet. */
void site_edit_init(struct site_edit *s, uint64_t number);
void site_edit_fini(struct site_edit *s);
/* Takes what `json` (site.def) says; EXIT_CODE_CONFIG when it is none, or another site's. */
MUST_USE bool site_edit_read(struct site_edit *s, struct str json, struct err *e);
void site_edit_name(struct site_edit *s, const char *name);
/* EXIT_CODE_USAGE for a key that is too short, or that a header could not carry; adding one
 * that is there already changes nothing. */
MUST_USE bool site_edit_key_add(struct site_edit *s, const char *key, struct err *e);
/* The one key that begins so; EXIT_CODE_USAGE when there is none, or several. */
MUST_USE bool site_edit_key_remove(struct site_edit *s, const char *prefix, struct err *e);
/* One or several with blanks between; the first call takes away all that held. */
void site_edit_origin_add(struct site_edit *s, bool is_first, const char *origin);
/* The zone and its offsets as this machine has them, none for ""; EXIT_CODE_USAGE when it has
 * no such zone. */
MUST_USE bool site_edit_zone(struct site_edit *s, const char *zone, struct err *e);
/* Another currency than before begins without rates: those there were led to the old one. */
void site_edit_currency(struct site_edit *s, const char *code);
/* "USD=0.92" sets the rate of one currency, "USD=" takes it away; EXIT_CODE_USAGE for another
 * form. */
MUST_USE bool site_edit_exchange(struct site_edit *s, const char *rate, struct err *e);
/* Purposes with commas between, or none; EXIT_CODE_USAGE for a word that is no purpose. */
MUST_USE bool site_edit_consent(struct site_edit *s, const char *purposes, struct err *e);
/* Appends the purposes of a mask as site_edit_consent takes them. */
void site_put_consent(struct buf *out, uint64_t mask);
/* Appends site.def as JSON; a zone that came without offsets gets them. EXIT_CODE_USAGE when
 * collector would not take it. */
MUST_USE bool site_edit_json(struct site_edit *s, struct buf *out, struct err *e);

/* "wk_" and 32 random letters and digits: 190 bits. */
void site_key_make(char out[SITE_KEY_MADE]);

#endif
