/* SPDX-License-Identifier: Apache-2.0 */
/* keyset - the keys that the objects of one event have named so far, to refuse a second one.
 * Work is linear in the keys, whatever they are; nothing is allocated once it has grown. */
#ifndef AUSPEX_KEYSET_H
#define AUSPEX_KEYSET_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KEYSET_MAX = 32768, KEYSET_FIRST = 128 };

struct keyset {
    struct keyset_entry {
        uint64_t hash;
        struct str key;
        uint32_t object;
    } * entries;
    uint32_t *slots; /* 1 + index of the entry; 0 = free */
    size_t cap;      /* slots in use, a power of two; twice KEYSET_MAX are there */
    size_t n;
    uint32_t objects; /* given out so far */
};

void keyset_init(struct keyset *k);
void keyset_fini(struct keyset *k);
void keyset_reset(struct keyset *k);
/* A number for an object whose keys are to be told apart from those of all others. */
uint32_t keyset_object(struct keyset *k);
enum keyset_result { KEYSET_NEW, KEYSET_TWICE, KEYSET_FULL };
/* `hash` is hash64_str(key). The key is not copied. */
enum keyset_result keyset_add(struct keyset *k, uint32_t object, struct str key, uint64_t hash);

#ifdef __cplusplus
}
#endif
#endif
