/* SPDX-License-Identifier: Apache-2.0 */
/* invoices - lines of Online Retail put together by invoice, in the order of each invoice's
 * first line. What belongs together depends on the file alone: an invoice is whole when
 * INVOICES_SPAN lines of the file have come from its first on, when INVOICES_HELD bytes wait
 * behind it, or at the end; lines of its number that come later make one of their own. */
#ifndef AUSPEX_CTL_INVOICES_H
#define AUSPEX_CTL_INVOICES_H

#include "common/base/str.h"

/* The file's longest invoice has 1,114 lines; of its one that is not in a piece the last stands
 * 40 lines behind the first. An invoice of more than INVOICES_MOST bytes is cut to them, which
 * collector refuses as too large all the same. */
enum { INVOICES_SPAN = 10000, INVOICES_HELD = 8 * 1024 * 1024, INVOICES_MOST = 900 * 1024 };

struct invoices;
MUST_USE struct invoices *invoices_new(void);
void invoices_free(struct invoices *v); /* NULL is fine */

/* Adds the line with this number (of the file, rising). invoices_take must have been asked
 * until it gave none. */
void invoices_add(struct invoices *v, struct str line, uint64_t number);
/* The oldest invoice if it is whole before line `next` is added, or when `is_end`: its lines
 * with '\n' between them, valid until the next take, and the number of the first. Else false.
 */
MUST_USE bool invoices_take(struct invoices *v, uint64_t next, bool is_end, struct str *lines,
                            uint64_t *first);

#endif
