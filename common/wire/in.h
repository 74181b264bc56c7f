/* SPDX-License-Identifier: Apache-2.0 */
/* in - a bounded cursor over msgpack bytes. The first fault sticks: from then on every read
 * gives zeroes and moves nothing, so a reader checks once, at the end. Nothing is allocated;
 * slices point into the message. Depth is bounded by IN_DEPTH, work by the bytes there are. */
#ifndef AUSPEX_IN_H
#define AUSPEX_IN_H

#include "common/base/str.h"

enum { IN_DEPTH = 32 };

enum in_type {
    IN_NIL,
    IN_BOOL,
    IN_UINT,
    IN_INT,
    IN_FLOAT,
    IN_STR,
    IN_BIN,
    IN_ARRAY,
    IN_MAP,
    IN_EXT,
    IN_END
};

struct in {
    const uint8_t *at, *end;
    bool bad;
};

static inline struct in in_over(const void *msg, size_t len)
{
    const uint8_t *at = (const uint8_t *)msg;
    return (struct in){at, at ? at + len : at, false};
}

/* What stands next; IN_END behind the last byte or after a fault. Moves nothing. */
enum in_type in_peek(const struct in *in);
uint64_t in_u64(struct in *in);   /* non-negative integers of any width */
int64_t in_i64(struct in *in);    /* integers that an int64 holds */
double in_f64(struct in *in);     /* floats and integers */
bool in_flag(struct in *in);      /* true and false, 0 and 1 */
struct str in_str(struct in *in); /* str; the bytes are not checked to be UTF-8 */
struct str in_bin(struct in *in); /* bin or str */
/* Number of entries; refused when there are more than bytes left to hold them. */
uint32_t in_map(struct in *in);
uint32_t in_array(struct in *in);
void in_skip(struct in *in); /* one whole value, of any kind */
/* The bytes of one whole value, which is skipped. */
struct str in_raw(struct in *in);
void in_fail(struct in *in);

#endif
