/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_fini(struct buf *b)
{
    free(b->at);
    *b = (struct buf){0};
}

void buf_grow(struct buf *b, size_t more)
{
    size_t need = b->len + more;
    CHECK(need >= b->len);
    size_t twice = MAX(b->cap * 2, (size_t)256);
    b->cap = MAX(need, twice);
    b->at = mem_grow(b->at, b->cap);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    (void)vsnprintf((char *)buf_take(b, (size_t)len + 1), (size_t)len + 1, format, again);
    va_end(again);
    b->len--;
}

const char *buf_cstr(struct buf *b)
{
    buf_byte(b, '\0');
    b->len--;
    return (const char *)b->at;
}
