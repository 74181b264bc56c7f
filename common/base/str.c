/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int str_cmp(struct str a, struct str b)
{
    size_t n = MIN(a.len, b.len);
    int order = n ? memcmp(a.at, b.at, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_over(s.at, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           str_eq(str_over(s.at + s.len - suffix.len, suffix.len), suffix);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool str_has_nocase(struct str s, struct str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (str_eq_nocase(str_over(s.at + i, part.len), part))
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str s, char sep, struct str *rest)
{
    const char *at = s.len ? memchr(s.at, sep, s.len) : NULL;
    if (!at) {
        *rest = (struct str){NULL, 0};
        return s;
    }
    size_t len = (size_t)(at - s.at);
    *rest = str_over(at + 1, s.len - len - 1);
    return str_over(s.at, len);
}

bool str_u64(struct str s, uint64_t *value)
{
    uint64_t v = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.at[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, digit, &v))
            return false;
    }
    *value = v;
    return true;
}

bool str_i64(struct str s, int64_t *value)
{
    bool is_negative = s.len > 0 && s.at[0] == '-';
    uint64_t v;
    if (is_negative)
        s = str_over(s.at + 1, s.len - 1);
    if (!str_u64(s, &v) || v > (uint64_t)INT64_MAX + is_negative)
        return false;
    *value = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool str_f64(struct str s, double *value)
{
    static const char allowed[] = "0123456789+-.eE";
    char text[64], *end;
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!memchr(allowed, s.at[i], sizeof allowed - 1))
            return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    double v = strtod(text, &end);
    if (end != text + s.len || !isfinite(v))
        return false;
    *value = v;
    return true;
}

/* Length of the well-formed sequence at s[0], 0 when there is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
    if (s[0] < 0x80)
        return 1;
    unsigned low = 0x80, high = 0xbf;
    size_t need;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        need = 2;
    else if ((s[0] & 0xf0) == 0xe0)
        need = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        need = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_sequence(at + i, s.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

struct str str_head_utf8(struct str s, size_t max)
{
    if (s.len <= max)
        return s;
    size_t len = max;
    while (len > 0 && ((unsigned char)s.at[len] & 0xc0) == 0x80)
        len--;
    return str_over(s.at, len);
}

unsigned str_distance(struct str a, struct str b)
{
    enum { MOST = 64 };
    unsigned row[MOST + 1];
    if (a.len > MOST || b.len > MOST)
        return MOST;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned above = row[j], cost = a.at[i - 1] != b.at[j - 1];
            unsigned edit = MIN(above, row[j - 1]) + 1;
            row[j] = MIN(edit, corner + cost);
            corner = above;
        }
    }
    return row[b.len];
}
