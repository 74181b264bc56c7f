/* SPDX-License-Identifier: Apache-2.0 */
/* span - where strings, values and members of JSON text end, by its structure alone: nothing is
 * said about whether they are well-formed. */
#ifndef AUSPEX_SPAN_H
#define AUSPEX_SPAN_H

#include "common/base/str.h"

/* Moves behind blanks. */
void span_blanks(struct str *s);
/* Moves behind the first `len` bytes, and gives them. */
struct str span_take(struct str *s, size_t len);
/* Moves behind blanks and then `c`; false, and only the blanks passed, when it is not there. */
bool span_char(struct str *s, char c);
/* Bytes of the value that begins here, by its brackets; 0 when there is none or it has no end.
 */
size_t span_value(struct str s);

/* A member of an object; slices of the text. */
struct span_member {
    struct str key;   /* with its quotes */
    struct str value; /* without blanks around it */
};
/* Moves behind the next member and the comma in front of it; `s` begins behind the brace that
 * opens the object, or behind a member. False when there is none. */
bool span_next(struct str *s, struct span_member *m);

#endif
