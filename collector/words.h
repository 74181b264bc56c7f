/* SPDX-License-Identifier: Apache-2.0 */
/* words - a fixed list of words, each with a number, found by hash. Filled once, then only
 * read; zero it with {0}. The texts are not copied. */
#ifndef AUSPEX_WORDS_H
#define AUSPEX_WORDS_H

#include "common/base/str.h"

enum { WORDS_MAX = 1024, WORDS_SLOTS = 4096 };

struct words {
    uint16_t slots[WORDS_SLOTS]; /* 1 + index in the list; 0 = free */
    struct {
        struct str text;
        uint32_t list, value; /* words of different lists do not meet */
    } words[WORDS_MAX];
    size_t n;
};

/* A word stands in a list once. */
void words_add(struct words *w, uint32_t list, struct str text, uint32_t value);
/* The word's number, or -1. `hash` is hash64_str(text). */
int words_find(const struct words *w, uint32_t list, struct str text, uint64_t hash);

#endif
