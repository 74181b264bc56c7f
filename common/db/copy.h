/* SPDX-License-Identifier: Apache-2.0 */
/* copy - rows in PostgreSQL's binary COPY format, built in a buf and taken apart again.
 *
 *   copy_head(b); { copy_row(b, 3); copy_int4(b, 1); copy_text(b, s); copy_null(b); }
 * copy_tail(b); Format: "COPY", section "Binary Format", of PostgreSQL's manual. */
#ifndef AUSPEX_COPY_H
#define AUSPEX_COPY_H

#include "common/base/buf.h"

/* 1970-01-01 to 2000-01-01, where timestamptz counts from. */
#define COPY_EPOCH_US ((int64_t)946684800 * 1000000)

void copy_head(struct buf *b); /* signature, flags, no extension */
void copy_tail(struct buf *b);
void copy_row(struct buf *b, unsigned n_columns); /* begins a row; n_columns values follow */
void copy_int4(struct buf *b, int32_t v);
void copy_int8(struct buf *b, int64_t v);
void copy_float8(struct buf *b, double v);
void copy_time(struct buf *b, int64_t us); /* timestamptz of microseconds since 1970 */
void copy_flag(struct buf *b, bool v);
void copy_text(struct buf *b, struct str s); /* text in UTF-8, or json */
void copy_bytea(struct buf *b, struct str s);
void copy_jsonb(struct buf *b, struct str json);
void copy_null(struct buf *b);

/* Taking apart what the server sends. The header is to be cut off first. */
enum copy_step {
    COPY_ROW,
    COPY_END,  /* the trailer */
    COPY_MORE, /* the bytes end within a row: come again with more */
    COPY_BAD,
};
enum { COPY_HEAD_LEN = 19 };
/* Length of the header that `bytes` begin with; 0 when it is cut short; SIZE_MAX when it is
 * none. */
size_t copy_head_len(struct str bytes);
struct db_row;
/* Fields point into `bytes`; *used is the row's length. */
enum copy_step copy_parse(struct str bytes, struct db_row *row, size_t *used);

#endif
