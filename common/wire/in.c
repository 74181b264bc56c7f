/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/in.h"

void in_fail(struct in *in)
{
    in->bad = true;
    in->at = in->end;
}

static size_t left(const struct in *in)
{
    return (size_t)(in->end - in->at);
}

/* Big-endian number of `n` bytes, 1 to 8. */
static uint64_t take_number(struct in *in, size_t n)
{
    uint64_t v = 0;
    if (left(in) < n) {
        in_fail(in);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        v = v << 8 | in->at[i];
    in->at += n;
    return v;
}

static uint8_t take_tag(struct in *in)
{
    if (in->at == in->end) {
        in_fail(in);
        return 0xc1; /* never used by msgpack */
    }
    return *in->at++;
}

enum in_type in_peek(const struct in *in)
{
    if (in->bad || in->at == in->end)
        return IN_END;
    uint8_t tag = *in->at;
    if (tag <= 0x7f)
        return IN_UINT;
    if (tag <= 0x8f)
        return IN_MAP;
    if (tag <= 0x9f)
        return IN_ARRAY;
    if (tag <= 0xbf)
        return IN_STR;
    if (tag >= 0xe0)
        return IN_INT;
    static const uint8_t types[32] = {
        IN_NIL, IN_END, IN_BOOL,  IN_BOOL,  IN_BIN,   IN_BIN,   IN_BIN,  IN_EXT,
        IN_EXT, IN_EXT, IN_FLOAT, IN_FLOAT, IN_UINT,  IN_UINT,  IN_UINT, IN_UINT,
        IN_INT, IN_INT, IN_INT,   IN_INT,   IN_EXT,   IN_EXT,   IN_EXT,  IN_EXT,
        IN_EXT, IN_STR, IN_STR,   IN_STR,   IN_ARRAY, IN_ARRAY, IN_MAP,  IN_MAP};
    return (enum in_type)types[tag - 0xc0];
}

/* An integer as sign and magnitude bits; false when something else stands there. */
static bool take_integer(struct in *in, uint64_t *bits, bool *is_negative)
{
    uint8_t tag = take_tag(in);
    *is_negative = false;
    *bits = 0;
    if (tag <= 0x7f) {
        *bits = tag;
    } else if (tag >= 0xe0) {
        *bits = (uint64_t)(int64_t)(int8_t)tag;
        *is_negative = true;
    } else if (tag >= 0xcc && tag <= 0xcf) {
        *bits = take_number(in, (size_t)1 << (tag - 0xcc));
    } else if (tag >= 0xd0 && tag <= 0xd3) {
        static const uint8_t shifts[] = {56, 48, 32, 0}; /* of 1, 2, 4 and 8 bytes */
        unsigned shift = shifts[tag - 0xd0];
        int64_t v = (int64_t)(take_number(in, (size_t)1 << (tag - 0xd0)) << shift) >> shift;
        *bits = (uint64_t)v;
        *is_negative = v < 0;
    } else {
        in_fail(in);
    }
    return !in->bad;
}

uint64_t in_u64(struct in *in)
{
    uint64_t bits;
    bool is_negative;
    if (!take_integer(in, &bits, &is_negative))
        return 0;
    if (is_negative) {
        in_fail(in);
        return 0;
    }
    return bits;
}

int64_t in_i64(struct in *in)
{
    uint64_t bits;
    bool is_negative;
    if (!take_integer(in, &bits, &is_negative))
        return 0;
    if (!is_negative && bits > INT64_MAX) {
        in_fail(in);
        return 0;
    }
    return (int64_t)bits;
}

double in_f64(struct in *in)
{
    enum in_type type = in_peek(in);
    if (type == IN_UINT)
        return (double)in_u64(in);
    if (type == IN_INT)
        return (double)in_i64(in);
    uint8_t tag = take_tag(in);
    if (tag == 0xca) {
        uint32_t bits = (uint32_t)take_number(in, 4);
        float f;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    }
    if (tag == 0xcb) {
        uint64_t bits = take_number(in, 8);
        double d;
        memcpy(&d, &bits, sizeof d);
        return d;
    }
    in_fail(in);
    return 0;
}

bool in_flag(struct in *in)
{
    if (in_peek(in) == IN_BOOL)
        return take_tag(in) == 0xc3;
    uint64_t v = in_u64(in);
    if (v > 1)
        in_fail(in);
    return v == 1;
}

static struct str take_bytes(struct in *in, uint64_t len)
{
    if (in->bad || left(in) < len) {
        in_fail(in);
        return (struct str){NULL, 0};
    }
    struct str s = str_over(in->at, (size_t)len);
    in->at += len;
    return s;
}

struct str in_str(struct in *in)
{
    uint8_t tag = take_tag(in);
    if (tag >= 0xa0 && tag <= 0xbf)
        return take_bytes(in, tag & 31);
    if (tag >= 0xd9 && tag <= 0xdb)
        return take_bytes(in, take_number(in, (size_t)1 << (tag - 0xd9)));
    in_fail(in);
    return (struct str){NULL, 0};
}

struct str in_bin(struct in *in)
{
    if (in_peek(in) == IN_STR)
        return in_str(in);
    uint8_t tag = take_tag(in);
    if (tag >= 0xc4 && tag <= 0xc6)
        return take_bytes(in, take_number(in, (size_t)1 << (tag - 0xc4)));
    in_fail(in);
    return (struct str){NULL, 0};
}

/* Entries need at least `bytes` each, so a claim beyond what is left is refused at once. */
static uint32_t take_count(struct in *in, uint8_t fix, uint8_t wide, size_t bytes)
{
    uint8_t tag = take_tag(in);
    uint64_t n = 0;
    if ((tag & 0xf0) == fix)
        n = tag & 15;
    else if (tag == wide || tag == wide + 1)
        n = take_number(in, tag == wide ? 2 : 4);
    else
        in_fail(in);
    if (in->bad || n > left(in) / bytes) {
        in_fail(in);
        return 0;
    }
    return (uint32_t)n;
}

uint32_t in_map(struct in *in)
{
    return take_count(in, 0x80, 0xde, 2);
}

uint32_t in_array(struct in *in)
{
    return take_count(in, 0x90, 0xdc, 1);
}

static void skip_ext(struct in *in)
{
    uint8_t tag = take_tag(in);
    uint64_t len = 0;
    if (tag >= 0xd4 && tag <= 0xd8)
        len = (uint64_t)1 << (tag - 0xd4);
    else if (tag >= 0xc7 && tag <= 0xc9)
        len = take_number(in, (size_t)1 << (tag - 0xc7));
    else
        in_fail(in);
    (void)take_bytes(in, len + 1); /* the type stands before the data */
}

/* Reads one value; of a container only its head, whose entries it returns. */
static uint64_t skip_head(struct in *in)
{
    switch (in_peek(in)) {
    case IN_NIL:
    case IN_BOOL:
        (void)take_tag(in);
        return 0;
    case IN_UINT:
    case IN_INT: {
        uint64_t bits;
        bool is_negative;
        (void)take_integer(in, &bits, &is_negative);
        return 0;
    }
    case IN_FLOAT:
        (void)in_f64(in);
        return 0;
    case IN_STR:
    case IN_BIN:
        (void)in_bin(in);
        return 0;
    case IN_EXT:
        skip_ext(in);
        return 0;
    case IN_ARRAY:
        return in_array(in);
    case IN_MAP:
        return (uint64_t)in_map(in) * 2;
    case IN_END:
        break;
    }
    in_fail(in);
    return 0;
}

void in_skip(struct in *in)
{
    uint64_t open[IN_DEPTH];
    size_t depth = 0;
    uint64_t n = skip_head(in);
    for (;;) {
        if (n > 0) {
            if (depth == IN_DEPTH) {
                in_fail(in);
                return;
            }
            open[depth++] = n;
        }
        while (depth > 0 && open[depth - 1] == 0)
            depth--;
        if (depth == 0 || in->bad)
            return;
        open[depth - 1]--;
        n = skip_head(in);
    }
}

struct str in_raw(struct in *in)
{
    const uint8_t *from = in->at;
    in_skip(in);
    return in->bad ? (struct str){NULL, 0} : str_over(from, (size_t)(in->at - from));
}
