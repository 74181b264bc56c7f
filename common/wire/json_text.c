/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* The four digits behind \u; -1 when they are not. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t v = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static char *utf8_put(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* Reads the character whose \u has just been passed, with its second half where it has one. */
static enum json_fault unescape_u(const char **at, const char *end, uint32_t *c)
{
    int32_t high = hex4(*at, end);
    if (high < 0)
        return JSON_MALFORMED;
    *at += 4;
    *c = (uint32_t)high;
    if (high < 0xd800 || high > 0xdfff)
        return JSON_OK;
    if (high >= 0xdc00 || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return JSON_UTF8;
    int32_t low = hex4(*at + 2, end);
    if (low < 0)
        return JSON_MALFORMED;
    if (low < 0xdc00 || low > 0xdfff)
        return JSON_UTF8;
    *at += 6;
    *c = 0x10000 + ((uint32_t)(high & 0x3ff) << 10 | (uint32_t)(low & 0x3ff));
    return JSON_OK;
}

static int unescape_short(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return -1;
    }
}

enum json_fault json_unescape(struct str inner, struct arena *a, struct str *out)
{
    if (inner.len == 0 || memchr(inner.at, '\\', inner.len) == NULL) {
        *out = inner;
        return JSON_OK;
    }
    const char *at = inner.at, *end = inner.at + inner.len;
    char *from = arena_take(a, inner.len),
         *to = from; /* no escape is shorter than its result */
    bool has_nul = false;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        if (++at == end)
            return JSON_MALFORMED;
        char kind = *at++;
        uint32_t c = 0;
        if (kind == 'u') {
            enum json_fault fault = unescape_u(&at, end, &c);
            if (fault != JSON_OK)
                return fault;
            has_nul |= c == 0;
            to = utf8_put(to, c);
            continue;
        }
        int plain = unescape_short(kind);
        if (plain < 0)
            return JSON_MALFORMED;
        *to++ = (char)plain;
    }
    *out = str_over(from, (size_t)(to - from));
    return has_nul ? JSON_NUL : JSON_OK;
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Exponents get three digits: PostgreSQL's numeric, which jsonb uses, would refuse wild ones.
 */
static enum json_fault scan_exponent(const char **at, const char *end)
{
    (*at)++;
    if (*at < end && (**at == '+' || **at == '-'))
        (*at)++;
    if (!is_digit(*at, end))
        return JSON_MALFORMED;
    int n = 0;
    for (; is_digit(*at, end); (*at)++)
        n += n > 0 || **at != '0';
    return n > 3 ? JSON_RANGE : JSON_OK;
}

static enum json_fault integer_bits(struct str digits, struct json_number *n)
{
    uint64_t v = 0;
    if (digits.len > 20 || !str_u64(digits, &v))
        return JSON_RANGE;
    if (n->is_negative && v > (uint64_t)INT64_MAX + 1)
        return JSON_RANGE;
    n->bits = n->is_negative ? -v : v;
    return JSON_OK;
}

enum json_fault json_number_scan(struct str token, struct json_number *n)
{
    const char *at = token.at, *end = token.at + token.len;
    *n = (struct json_number){.is_integer = true, .is_zero = true};
    if (at < end && *at == '-') {
        n->is_negative = true;
        at++;
    }
    const char *digits = at;
    if (!is_digit(at, end) || (*at == '0' && is_digit(at + 1, end)))
        return JSON_MALFORMED;
    for (; is_digit(at, end); at++)
        n->is_zero &= *at == '0';
    const char *digits_end = at;
    if (at < end && *at == '.') {
        n->is_integer = false;
        if (!is_digit(++at, end))
            return JSON_MALFORMED;
        for (; is_digit(at, end); at++)
            n->is_zero &= *at == '0';
    }
    enum json_fault fault = JSON_OK;
    if (at < end && (*at | 32) == 'e') {
        n->is_integer = false;
        fault = scan_exponent(&at, end);
    }
    if (at != end)
        return JSON_MALFORMED;
    if (fault == JSON_OK && n->is_integer)
        fault = integer_bits(str_over(digits, (size_t)(digits_end - digits)), n);
    return fault;
}

/* A walk over JSON text that needs its structure only. */
struct walk {
    const char *at, *end;
};

static void walk_blanks(struct walk *w)
{
    while (w->at < w->end &&
           (*w->at == ' ' || *w->at == '\n' || *w->at == '\r' || *w->at == '\t'))
        w->at++;
}

static bool walk_string(struct walk *w)
{
    if (w->at == w->end || *w->at != '"')
        return false;
    for (w->at++; w->at < w->end; w->at++) {
        unsigned char c = (unsigned char)*w->at;
        if (c == '"') {
            w->at++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (++w->at == w->end)
            return false;
        if (*w->at == 'u') {
            if (hex4(w->at + 1, w->end) < 0)
                return false;
            w->at += 4;
        } else if (unescape_short(*w->at) < 0) {
            return false;
        }
    }
    return false;
}

static bool walk_scalar(struct walk *w)
{
    if (w->at < w->end && *w->at == '"')
        return walk_string(w);
    const char *from = w->at;
    while (w->at < w->end && strchr(",]}: \n\r\t", *w->at) == NULL)
        w->at++;
    struct str token = str_over(from, (size_t)(w->at - from));
    struct json_number n;
    return str_is(token, "true") || str_is(token, "false") || str_is(token, "null") ||
           (token.len > 0 && json_number_scan(token, &n) != JSON_MALFORMED);
}

static bool walk_key(struct walk *w)
{
    walk_blanks(w);
    if (!walk_string(w))
        return false;
    walk_blanks(w);
    if (w->at == w->end || *w->at++ != ':')
        return false;
    walk_blanks(w);
    return true;
}

/* Enters containers until a scalar or an empty container has been passed. */
static bool walk_down(struct walk *w, uint64_t *is_object, unsigned *depth)
{
    for (;;) {
        walk_blanks(w);
        if (w->at == w->end)
            return false;
        char c = *w->at;
        if (c != '{' && c != '[')
            return walk_scalar(w);
        if (*depth == 64)
            return false;
        w->at++;
        walk_blanks(w);
        if (w->at < w->end && *w->at == (c == '{' ? '}' : ']')) {
            w->at++;
            return true;
        }
        *is_object = *is_object << 1 | (c == '{');
        (*depth)++;
        if (c == '{' && !walk_key(w))
            return false;
    }
}

bool json_is_valid(struct str text)
{
    struct walk w = {text.at, text.at + text.len};
    uint64_t is_object = 0; /* of the open containers, the innermost lowest */
    unsigned depth = 0;
    if (text.len == 0 || !walk_down(&w, &is_object, &depth))
        return false;
    while (depth > 0) {
        walk_blanks(&w);
        if (w.at == w.end)
            return false;
        char c = *w.at++;
        if (c == (is_object & 1 ? '}' : ']')) {
            is_object >>= 1;
            depth--;
            continue;
        }
        if (c != ',' || (is_object & 1 && !walk_key(&w)) || !walk_down(&w, &is_object, &depth))
            return false;
    }
    walk_blanks(&w);
    return w.at == w.end;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

struct str json_compact(struct str text, struct arena *a)
{
    char *from = NULL, *to = NULL;
    bool is_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '"')
            is_string = !is_string;
        if (!is_string && is_blank(c)) {
            if (from == NULL) {
                from = arena_take(a, text.len);
                memcpy(from, text.at, i);
                to = from + i;
            }
            continue;
        }
        if (from != NULL)
            *to++ = c;
        if (is_string && c == '\\' && ++i < text.len && from != NULL)
            *to++ = text.at[i];
    }
    return from == NULL ? text : str_over(from, (size_t)(to - from));
}

/* 0 = as it is, 1 = as \u00XX, else the letter behind the backslash */
static const char escapes[0x60] = {
    1, 1, 1, 1, 1, 1, 1, 1, 'b', 't', 'n', 1, 'f', 'r', 1, 1, 1,   1,
    1, 1, 1, 1, 1, 1, 1, 1, 1,   1,   1,   1, 1,   1,   0, 0, '"', ['\\'] = '\\',
};

static bool needs_escape(unsigned char c)
{
    return c < sizeof escapes && escapes[c] != 0;
}

static void put_escape(struct buf *b, unsigned char c)
{
    if (escapes[c] == 1) {
        buf_printf(b, "\\u%04x", c);
        return;
    }
    buf_byte(b, '\\');
    buf_byte(b, (uint8_t)escapes[c]);
}

static void put_inner(struct buf *b, struct str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (!needs_escape(c))
            continue;
        buf_put(b, s.at + from, i - from);
        put_escape(b, c);
        from = i + 1;
    }
    if (s.len > from)
        buf_put(b, s.at + from, s.len - from);
}

/* Bytes of the UTF-8 sequence at the start of `s`; 0 when there is none. */
static size_t sequence(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.len; n++)
        if (str_is_utf8(str_over(s.at, n)))
            return n;
    return 0;
}

void json_put_str(struct buf *b, struct str s)
{
    buf_byte(b, '"');
    if (str_is_utf8(s)) {
        put_inner(b, s);
    } else {
        while (s.len > 0) {
            size_t n = sequence(s);
            if (n > 0)
                put_inner(b, str_over(s.at, n));
            else
                buf_text(b, "\xef\xbf\xbd");
            n += n == 0;
            s = str_over(s.at + n, s.len - n);
        }
    }
    buf_byte(b, '"');
}

void json_put_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    buf_put(b, digits + at, sizeof digits - at);
}

void json_put_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_byte(b, '-');
    json_put_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* True when it was one of the values that JSON has no number for. */
static bool put_special(struct buf *b, double v)
{
    if (isnan(v))
        buf_text(b, "null");
    else if (isinf(v))
        buf_text(b, v < 0 ? "\"-inf\"" : "\"inf\"");
    else
        return false;
    return true;
}

static bool put_whole(struct buf *b, double v)
{
    if (!(fabs(v) < 1e15) || v != (double)(int64_t)v || (v == 0 && signbit(v)))
        return false;
    json_put_i64(b, (int64_t)v);
    return true;
}

void json_put_f64(struct buf *b, double v)
{
    char text[32];
    if (put_special(b, v) || put_whole(b, v))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_text(b, text);
}

void json_put_f32(struct buf *b, float v)
{
    char text[32];
    double wide = (double)v;
    if (put_special(b, wide) || (fabs(wide) < 1e6 && put_whole(b, wide)))
        return;
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, wide);
        if (strtof(text, NULL) == v)
            break;
    }
    buf_text(b, text);
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void json_put_base64(struct buf *b, struct str bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.at;
    buf_byte(b, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = (uint32_t)at[i] << 16 | (n > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                     (n > 2 ? at[i + 2] : 0);
        uint8_t *to = buf_take(b, 4);
        to[0] = (uint8_t)alphabet[v >> 18];
        to[1] = (uint8_t)alphabet[v >> 12 & 63];
        to[2] = (uint8_t)(n > 1 ? alphabet[v >> 6 & 63] : '=');
        to[3] = (uint8_t)(n > 2 ? alphabet[v & 63] : '=');
    }
    buf_byte(b, '"');
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool json_base64(struct str text, struct arena *a, struct str *bytes)
{
    if (text.len % 4 != 0)
        return false;
    size_t n = text.len, pad = 0;
    while (pad < 2 && n > 0 && text.at[n - 1] == '=') {
        n--;
        pad++;
    }
    uint8_t *from = arena_take(a, n + 1), *to = from;
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(text.at[i]);
        if (digit < 0)
            return false;
        v = v << 6 | (uint32_t)digit;
        if (i % 4 > 0)
            *to++ = (uint8_t)(v >> (6 - 2 * (i % 4)));
    }
    if (pad > 0 && (v & ((1u << 2 * pad) - 1)) != 0)
        return false; /* bits that stand for nothing */
    *bytes = str_over(from, (size_t)(to - from));
    return true;
}
