/* SPDX-License-Identifier: Apache-2.0 */
/* cursor - walks over JSON text that was found valid (json_is_valid, str_is_utf8), so that only
 * what stands there is asked, never whether it is well-formed. Blanks are passed over
 * everywhere. */
#ifndef AUSPEX_ACTUATOR_CURSOR_H
#define AUSPEX_ACTUATOR_CURSOR_H

#include "common/base/arena.h"

struct cursor {
    const char *at, *end;
    struct arena *arena; /* for strings with escapes */
};

/* The next character that is no blank; 0 at the end. Moves over blanks only. */
char cursor_peek(struct cursor *c);
/* Moves over `wanted` if it is what comes next. */
bool cursor_take(struct cursor *c, char wanted);
/* Moves over one value, of whatever kind, and returns its text. */
struct str cursor_value(struct cursor *c);
/* The text of a string, given with its quotes. False when it is no string, or holds U+0000 or
 * half of a surrogate pair. */
MUST_USE bool cursor_unquote(struct str token, struct arena *a, struct str *out);
/* A member's key with its colon. False as cursor_unquote. */
MUST_USE bool cursor_key(struct cursor *c, struct str *key);

#endif
