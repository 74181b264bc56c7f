/* SPDX-License-Identifier: Apache-2.0 */
/* str - a slice of bytes that somebody else owns; no terminator. */
#ifndef AUSPEX_STR_H
#define AUSPEX_STR_H

#include "common/base/base.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct str {
    const char *at; /* may be NULL when len is 0 */
    size_t len;     /* bytes */
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_ARGS(s)  (int)(s).len, (s).len ? (s).at : "" /* for "%.*s" */

static inline struct str str_over(const void *at, size_t len)
{
    struct str s = {(const char *)at, len};
    return s;
}

static inline struct str str_of(const char *text)
{
    return str_over(text, text ? strlen(text) : 0);
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

/* Byte order, shorter first among equals; <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Whether `part` stands anywhere in `s`; ASCII letters of either case count as equal. */
bool str_has_nocase(struct str s, struct str part);
bool str_eq_nocase(struct str a, struct str b);
/* Without ASCII blanks at both ends. */
struct str str_trim(struct str s);
/* Cuts off and returns what stands before the first `sep`; *rest is what follows it. Without a
 * `sep` all is returned and *rest is {NULL, 0}. */
struct str str_cut(struct str s, char sep, struct str *rest);
/* The whole of `s` as a decimal number; false (and *value untouched) on anything else, also on
 * overflow. */
MUST_USE bool str_u64(struct str s, uint64_t *value);
MUST_USE bool str_i64(struct str s, int64_t *value);
/* A finite decimal number; at most 63 bytes. */
MUST_USE bool str_f64(struct str s, double *value);
/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
/* Longest prefix of at most `max` bytes that does not cut a UTF-8 sequence. */
struct str str_head_utf8(struct str s, size_t max);
/* Levenshtein distance, for "did you mean"; both at most 64 bytes, else returns 64. */
unsigned str_distance(struct str a, struct str b);

#ifdef __cplusplus
}
#endif
#endif
