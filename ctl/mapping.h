/* SPDX-License-Identifier: Apache-2.0 */
/* mapping - rows of a CSV file as events in JSON, by a text that says which column is which
 * member of an event. Lines of it:
 *
 *   # a comment
 *   separator = ;               one character, or tab; a comma unless told
 *   MEMBER = TERM TERM ...      the texts of the terms one behind the other
 *   MEMBER = TERMS | TERMS      the first alternative whose columns the file has
 *   PLACE.* = *                 all columns that nothing else names, by their own names
 *   type[VALUE] = NAME          what a value of the member `type` means
 *   comma = MEMBER MEMBER ...   their numbers are written as 1.299,50 or 1 299,50; is 1299.50
 * then
 *
 * One of them must say what `type` (or `event`) is.
 * MEMBER is a path such as userId, timestamp, properties.price or context.page.url; a TERM is a
 * column's name, [in brackets] where it has blanks, or a "constant". Names of columns are
 * compared without regard to case. A member whose columns are empty in a row is left out of its
 * event. */
#ifndef AUSPEX_CTL_MAPPING_H
#define AUSPEX_CTL_MAPPING_H

#include "common/base/buf.h"
#include "common/base/err.h"

enum { MAPPING_FILE_MAX = 64 * 1024, MAPPING_COLUMNS = 256, MAPPING_MEMBERS = 128 };

struct mapping;

/* `name` stands in messages. NULL with the line and what is wrong with it. */
MUST_USE struct mapping *mapping_new(struct str text, const char *name, struct err *e);
void mapping_free(struct mapping *m); /* NULL is fine */
/* The text of a mapping that comes with the program: crm or ad_spend. */
struct str mapping_preset(const char *name);

/* Binds members to the columns of a file's first line. Fails when one that must be there is
 * not; the text says which columns the file has. */
MUST_USE bool mapping_header(struct mapping *m, struct str line, struct err *e);
/* Appends the row's event as one line of JSON. False when the row has not as many fields as the
 * header, or its quotes are amiss; nothing is appended then. */
MUST_USE bool mapping_row(struct mapping *m, struct str line, struct buf *json);

#endif
