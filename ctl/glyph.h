/* SPDX-License-Identifier: Apache-2.0 */
/* glyph - text of strangers for a terminal: nothing that steers it, and every character as wide
 * as we say it is.
 *
 * Only characters whose width is the same everywhere are shown; control characters, escape
 * sequences, letters written from right to left, combining marks, unassigned code points and
 * bytes that are not UTF-8 become one '?' each (U+FFFD where the terminal speaks UTF-8). */
#ifndef AUSPEX_CTL_GLYPH_H
#define AUSPEX_CTL_GLYPH_H

#include "common/base/buf.h"

/* Appends what fits in `width` columns, filled with blanks to exactly `width`; is_ascii:
 * nothing above 7 bits. What does not fit ends in '~'. */
void glyph_put(struct buf *out, struct str text, size_t width, bool is_ascii);
/* The same without a width: all of it. Where is_escaped, what is not shown becomes \xNN by
 * byte. */
void glyph_put_all(struct buf *out, struct str text, bool is_escaped);
/* Columns that `text` takes when shown. */
size_t glyph_width(struct str text);

#endif
