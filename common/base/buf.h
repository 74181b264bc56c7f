/* SPDX-License-Identifier: Apache-2.0 */
/* buf - bytes that grow at the end; zero it with {0}, free with buf_fini. Growth doubles, so a
 * buffer that is reset and used again soon stops allocating. */
#ifndef AUSPEX_BUF_H
#define AUSPEX_BUF_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct buf {
    uint8_t *at;
    size_t len, cap;
};

void buf_fini(struct buf *b);
void buf_grow(struct buf *b, size_t more); /* room for `more` bytes behind len */

static inline void buf_reset(struct buf *b)
{
    b->len = 0;
}

/* `len` bytes to be filled at the end; valid until the buffer grows. */
static inline uint8_t *buf_take(struct buf *b, size_t len)
{
    if (UNLIKELY(b->cap - b->len < len))
        buf_grow(b, len);
    uint8_t *at = b->at + b->len;
    b->len += len;
    return at;
}

static inline void buf_put(struct buf *b, const void *from, size_t len)
{
    if (len == 0)
        return;
    CHECK(from != NULL);
    memcpy(buf_take(b, len), from, len);
}

static inline void buf_byte(struct buf *b, uint8_t byte)
{
    *buf_take(b, 1) = byte;
}

static inline void buf_str(struct buf *b, struct str s)
{
    buf_put(b, s.at, s.len);
}

static inline void buf_text(struct buf *b, const char *text)
{
    buf_str(b, str_of(text));
}

void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Terminates with a NUL that does not count in len; returns the text. */
const char *buf_cstr(struct buf *b);

static inline struct str buf_as_str(const struct buf *b)
{
    return str_over(b->at, b->len);
}

#ifdef __cplusplus
}
#endif
#endif
