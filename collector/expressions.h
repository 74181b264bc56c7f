/* SPDX-License-Identifier: Apache-2.0 */
/* expressions - a thousand regular expressions over one text, by RE2: time is linear in the
 * text whatever it is, and memory bounded. A pass over the text for the words that expressions
 * cannot match without leaves a few of them to be tried (RE2's FilteredRE2). */
#ifndef AUSPEX_EXPRESSIONS_H
#define AUSPEX_EXPRESSIONS_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct expressions;

MUST_USE struct expressions *expressions_new(void);
void expressions_free(struct expressions *x);

/* Adds an expression; those that are taken are numbered from 0. False when RE2 does not take it
 * (it knows no back references and no looking around, and 256 KiB must do). */
MUST_USE bool expressions_add(struct expressions *x, struct str expression, bool is_nocase);
/* All have been added; at least one was. */
void expressions_end(struct expressions *x);

/* The numbers of those that may match, ascending; all others do not. Valid until the next call.
 */
size_t expressions_candidates(struct expressions *x, struct str text, const int **numbers);
/* Whether it matches; then groups[0] is what it matches as a whole and groups[i] its i-th
 * group, slices of the text, empty where it has none. n is at most EXPRESSION_GROUPS. */
enum { EXPRESSION_GROUPS = 10 };
MUST_USE bool expressions_match(const struct expressions *x, int number, struct str text,
                                struct str *groups, size_t n);

#ifdef __cplusplus
}
#endif
#endif
