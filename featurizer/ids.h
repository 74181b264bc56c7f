/* SPDX-License-Identifier: Apache-2.0 */
/* ids - a set of 64-bit hashes that only grows; zero it with {0}. */
#ifndef AUSPEX_IDS_H
#define AUSPEX_IDS_H

#include "common/base/base.h"

struct ids {
    uint64_t *at; /* open addressing, 0 = free */
    size_t n, mask;
};

void ids_fini(struct ids *s);
void ids_add(struct ids *s, uint64_t hash);
bool ids_has(const struct ids *s, uint64_t hash);

#endif
