/* SPDX-License-Identifier: Apache-2.0 */
/* json_text - pieces of JSON text (RFC 8259): strings, numbers and base64, read and written; no
 * parser of whole events, which simdjson is. Writers append to a buf. */
#ifndef AUSPEX_JSON_TEXT_H
#define AUSPEX_JSON_TEXT_H

#include "common/base/arena.h"
#include "common/base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum json_fault {
    JSON_OK,
    JSON_MALFORMED, /* not as the grammar has it */
    JSON_UTF8,      /* an escape that is half of a surrogate pair */
    JSON_NUL,       /* U+0000: PostgreSQL's text and jsonb can't hold it */
    JSON_RANGE,     /* an exponent beyond +-999, or an integer beyond 64 bits */
};

/* What stands between the quotes, without its escapes: `inner` itself where it has none, else
 * taken from the arena. Control characters and UTF-8 are the caller's to check. On JSON_NUL
 * *out is set all the same. */
MUST_USE enum json_fault json_unescape(struct str inner, struct arena *a, struct str *out);

struct json_number {
    bool is_integer;  /* neither fraction nor exponent: `bits` and `is_negative` are set */
    bool is_negative; /* then bits is an int64 in two's complement */
    bool is_zero;     /* no digit but 0 before the exponent */
    uint64_t bits;
};
MUST_USE enum json_fault json_number_scan(struct str token, struct json_number *n);

/* Whether the text is one JSON value, nested no deeper than 64; keys may repeat, and the bytes
 * within strings are taken as they are. */
bool json_is_valid(struct str text);
/* Valid JSON without blanks between its tokens: the text itself where there are none. */
struct str json_compact(struct str text, struct arena *a);

/* Quoted and escaped; bytes that are not UTF-8 become U+FFFD. */
void json_put_str(struct buf *b, struct str s);
void json_put_u64(struct buf *b, uint64_t v);
void json_put_i64(struct buf *b, int64_t v);
/* The shortest of 15 to 17 (6 to 9) digits that reads back as the same number. Infinities are
 * written as "inf" and "-inf", a NaN as null. */
void json_put_f64(struct buf *b, double v);
void json_put_f32(struct buf *b, float v);
/* Standard alphabet, padded (RFC 4648, section 4), with quotes. */
void json_put_base64(struct buf *b, struct str bytes);
/* False when it is not that; the bytes are taken from the arena. */
MUST_USE bool json_base64(struct str text, struct arena *a, struct str *bytes);

#ifdef __cplusplus
}
#endif
#endif
