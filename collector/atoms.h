/* SPDX-License-Identifier: Apache-2.0 */
/* atoms - which of many short texts stand in another one, found in one pass over it (Aho and
 * Corasick, "Efficient string matching", 1975). */
#ifndef AUSPEX_ATOMS_H
#define AUSPEX_ATOMS_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct atoms;

/* The texts, none of them empty, each once, are numbered from 0 as they stand; not copied, and
 * not needed any more afterwards. */
MUST_USE struct atoms *atoms_new(const struct str *texts, size_t n);
void atoms_free(struct atoms *a);
/* Writes the number of each that stands in the text, once and in no order, to `found`, which
 * has room for all; returns how many. */
size_t atoms_find(struct atoms *a, struct str text, int *found);

#ifdef __cplusplus
}
#endif
#endif
