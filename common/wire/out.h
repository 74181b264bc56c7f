/* SPDX-License-Identifier: Apache-2.0 */
/* out - packs msgpack into a buf, through msgpack-c's packer, in its shortest forms: the same
 * values give the same bytes. */
#ifndef AUSPEX_OUT_H
#define AUSPEX_OUT_H

#include "common/base/buf.h"

#include <msgpack/pack.h>

static inline int out_write(void *to, const char *bytes, size_t len)
{
    buf_put((struct buf *)to, bytes, len);
    return 0;
}

static inline msgpack_packer out_over(struct buf *b)
{
    msgpack_packer p;
    msgpack_packer_init(&p, b, out_write);
    return p;
}

static inline void out_map(struct buf *b, size_t n)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_map(&p, n);
}

static inline void out_array(struct buf *b, size_t n)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_array(&p, n);
}

static inline void out_u64(struct buf *b, uint64_t v)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_uint64(&p, v);
}

static inline void out_i64(struct buf *b, int64_t v)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_int64(&p, v);
}

static inline void out_f64(struct buf *b, double v)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_double(&p, v);
}

static inline void out_flag(struct buf *b, bool v)
{
    buf_byte(b, v ? 0xc3 : 0xc2);
}

static inline void out_str(struct buf *b, struct str s)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_str(&p, s.len);
    (void)msgpack_pack_str_body(&p, s.at, s.len);
}

static inline void out_bin(struct buf *b, struct str s)
{
    msgpack_packer p = out_over(b);
    (void)msgpack_pack_bin(&p, s.len);
    (void)msgpack_pack_bin_body(&p, s.at, s.len);
}

#endif
