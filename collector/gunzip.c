/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/gunzip.h"

#define ZLIB_CONST
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 16, FIRST = 16 * 1024 };

struct gunzip {
    z_stream z;
};

struct gunzip *gunzip_new(void)
{
    struct gunzip *g = mem_zero(1, sizeof *g);
    CHECK(inflateInit2(&g->z, MAX_WBITS + GZIP_ONLY) == Z_OK);
    return g;
}

void gunzip_free(struct gunzip *g)
{
    if (!g)
        return;
    (void)inflateEnd(&g->z);
    free(g);
}

/* Gives zlib room, at most `most` bytes in all and one beyond, by which too much is noticed. */
static bool more_room(struct gunzip *g, struct buf *out, size_t most)
{
    if (out->len > most)
        return false;
    size_t room = MIN(MAX(out->len, (size_t)FIRST), most + 1 - out->len);
    g->z.avail_out = (uInt)room;
    g->z.next_out = buf_take(out, room);
    return true;
}

static bool is_gzip(const struct buf *b)
{
    return b->len >= 2 && b->at[0] == 0x1f && b->at[1] == 0x8b;
}

enum gunzip_result gunzip_read(struct gunzip *g, struct str bytes, size_t most, struct buf *out)
{
    int result = Z_OK;
    CHECK(bytes.len < UINT_MAX && most < UINT_MAX);
    CHECK(inflateReset(&g->z) == Z_OK);
    buf_reset(out);
    g->z.next_in = (const Bytef *)bytes.at;
    g->z.avail_in = (uInt)bytes.len;
    g->z.avail_out = 0;
    while (result == Z_OK) {
        if (g->z.avail_out == 0 && !more_room(g, out, most))
            return GUNZIP_TOO_LARGE;
        result = inflate(&g->z, Z_NO_FLUSH);
    }
    out->len -= g->z.avail_out;
    if (result == Z_STREAM_END && out->len > most)
        return GUNZIP_TOO_LARGE;
    return result == Z_STREAM_END && g->z.avail_in == 0 && !is_gzip(out) ? GUNZIP_OK
                                                                         : GUNZIP_BAD;
}
