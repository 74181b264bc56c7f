/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db/copy.h"

#include "common/db/db.h"

#include <math.h>

static const char signature[11] = {'P',  'G',    'C',  'O',  'P', 'Y',
                                   '\n', '\377', '\r', '\n', '\0'};

static void put16(uint8_t *at, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(at, &v, sizeof v);
}

static void put32(uint8_t *at, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(at, &v, sizeof v);
}

static void put64(uint8_t *at, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(at, &v, sizeof v);
}

void copy_head(struct buf *b)
{
    uint8_t *at = buf_take(b, COPY_HEAD_LEN);
    memcpy(at, signature, sizeof signature);
    put32(at + 11, 0);
    put32(at + 15, 0);
}

void copy_tail(struct buf *b)
{
    put16(buf_take(b, 2), UINT16_MAX);
}

void copy_row(struct buf *b, unsigned n_columns)
{
    CHECK(n_columns <= INT16_MAX);
    put16(buf_take(b, 2), (uint16_t)n_columns);
}

void copy_int4(struct buf *b, int32_t v)
{
    uint8_t *at = buf_take(b, 8);
    put32(at, 4);
    put32(at + 4, (uint32_t)v);
}

void copy_int8(struct buf *b, int64_t v)
{
    uint8_t *at = buf_take(b, 12);
    put32(at, 8);
    put64(at + 4, (uint64_t)v);
}

void copy_float8(struct buf *b, double v)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    copy_int8(b, bits);
}

void copy_time(struct buf *b, int64_t us)
{
    copy_int8(b, us - COPY_EPOCH_US);
}

void copy_flag(struct buf *b, bool v)
{
    uint8_t *at = buf_take(b, 5);
    put32(at, 1);
    at[4] = v;
}

void copy_text(struct buf *b, struct str s)
{
    CHECK(s.len <= INT32_MAX);
    uint8_t *at = buf_take(b, 4 + s.len);
    put32(at, (uint32_t)s.len);
    if (s.len > 0)
        memcpy(at + 4, s.at, s.len);
}

void copy_bytea(struct buf *b, struct str s)
{
    copy_text(b, s);
}

void copy_jsonb(struct buf *b, struct str json)
{
    CHECK(json.len < INT32_MAX);
    uint8_t *at = buf_take(b, 5);
    put32(at, (uint32_t)json.len + 1);
    at[4] = 1; /* the only version of jsonb's binary form: its text */
    buf_str(b, json);
}

void copy_null(struct buf *b)
{
    put32(buf_take(b, 4), UINT32_MAX);
}

static uint32_t get32(const char *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap32(v);
}

static uint16_t get16(const char *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap16(v);
}

static uint64_t get64(const char *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap64(v);
}

size_t copy_head_len(struct str bytes)
{
    size_t n = MIN(bytes.len, sizeof signature);
    if (memcmp(bytes.at, signature, n) != 0)
        return SIZE_MAX;
    if (bytes.len < COPY_HEAD_LEN)
        return 0;
    size_t len = COPY_HEAD_LEN + (size_t)get32(bytes.at + 15);
    return bytes.len < len ? 0 : len;
}

enum copy_step copy_parse(struct str bytes, struct db_row *row, size_t *used)
{
    *used = 0;
    if (bytes.len < 2)
        return COPY_MORE;
    size_t n = get16(bytes.at), at = 2;
    if (n == UINT16_MAX) {
        *used = 2;
        return COPY_END;
    }
    if (n > DB_COLUMNS)
        return COPY_BAD;
    for (size_t i = 0; i < n; i++) {
        if (bytes.len - at < 4)
            return COPY_MORE;
        uint32_t len = get32(bytes.at + at);
        at += 4;
        row->fields[i] = (struct db_field){NULL, 0};
        if (len == UINT32_MAX)
            continue;
        if (len > INT32_MAX)
            return COPY_BAD;
        if (bytes.len - at < len)
            return COPY_MORE;
        row->fields[i] = (struct db_field){bytes.at + at, len};
        at += len;
    }
    row->n = n;
    *used = at;
    return COPY_ROW;
}

int64_t db_field_i64(const struct db_field *f)
{
    if (!f->at)
        return 0;
    switch (f->len) {
    case 2:
        return (int16_t)get16(f->at);
    case 4:
        return (int32_t)get32(f->at);
    case 8:
        return (int64_t)get64(f->at);
    default:
        return 0;
    }
}

double db_field_f64(const struct db_field *f)
{
    if (f->at && f->len == 4) {
        uint32_t bits = get32(f->at);
        float v;
        memcpy(&v, &bits, sizeof v);
        return (double)v;
    }
    if (!f->at || f->len != 8)
        return (double)NAN;
    uint64_t bits = get64(f->at);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

int64_t db_field_time(const struct db_field *f)
{
    return f->at && f->len == 8 ? (int64_t)get64(f->at) + COPY_EPOCH_US : 0;
}

bool db_field_flag(const struct db_field *f)
{
    return f->at && f->len == 1 && f->at[0] != 0;
}

struct str db_field_str(const struct db_field *f)
{
    return str_over(f->at, f->len);
}

struct str db_field_jsonb(const struct db_field *f)
{
    if (!f->at || f->len < 1)
        return (struct str){NULL, 0};
    return str_over(f->at + 1, f->len - 1);
}
