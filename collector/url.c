/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/url.h"

/* What follows "scheme://"; empty when there is no scheme. */
static struct str behind_scheme(struct str address)
{
    for (size_t i = 0; i + 2 < address.len && i < 16; i++)
        if (address.at[i] == ':')
            return address.at[i + 1] == '/' && address.at[i + 2] == '/'
                       ? str_over(address.at + i + 3, address.len - i - 3)
                       : STR("");
    return STR("");
}

static size_t authority_len(struct str s)
{
    size_t len = 0;
    while (len < s.len && s.at[len] != '/' && s.at[len] != '?' && s.at[len] != '#')
        len++;
    return len;
}

/* Letters of other scripts may stand there as they are. */
static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || (unsigned char)c >= 0x80;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "[2001:db8::1]" of "[2001:db8::1]:80". */
static struct str literal_of(struct str s)
{
    enum { LONGEST = 47 }; /* the last 32 bits as in IPv4 */
    for (size_t i = 1; i < s.len && i < LONGEST; i++) {
        if (s.at[i] == ']')
            return str_over(s.at, i + 1);
        if (digit_of(s.at[i]) < 0 && s.at[i] != ':' && s.at[i] != '.')
            break;
    }
    return STR("");
}

struct str url_host(struct str address)
{
    struct str rest, host = behind_scheme(address);
    host.len = authority_len(host);
    const char *sign = host.len > 0 ? memrchr(host.at, '@', host.len) : NULL;
    if (sign != NULL)
        host = str_over(sign + 1, (size_t)(host.at + host.len - sign - 1));
    if (host.len > 0 && host.at[0] == '[')
        return literal_of(host);
    host = str_cut(host, ':', &rest);
    if (host.len > 4 && str_eq_nocase(str_over(host.at, 4), STR("www.")))
        host = str_over(host.at + 4, host.len - 4);
    if (host.len > 0 && host.at[host.len - 1] == '.')
        host.len--;
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_byte(host.at[i]))
            return STR("");
    return host.len <= URL_HOST_MAX ? host : STR("");
}

struct str url_path(struct str address)
{
    struct str s = behind_scheme(address);
    size_t from = authority_len(s), to = from;
    while (to < s.len && s.at[to] != '?' && s.at[to] != '#')
        to++;
    return from == to ? (struct str){NULL, 0} : str_over(s.at + from, to - from);
}

struct str url_query(struct str address)
{
    struct str fragment, query;
    const char *mark = address.len > 0 ? memchr(address.at, '?', address.len) : NULL;
    if (mark == NULL || memchr(address.at, '#', (size_t)(mark - address.at)) != NULL)
        return STR("");
    query = str_over(mark + 1, (size_t)(address.at + address.len - mark - 1));
    return str_cut(query, '#', &fragment);
}

bool url_is_app(struct str address)
{
    return str_starts(address, STR("android-app://")) || str_starts(address, STR("ios-app://"));
}

static bool is_below(struct str host, struct str other)
{
    return host.len > other.len && host.at[host.len - other.len - 1] == '.' &&
           str_eq_nocase(str_over(host.at + host.len - other.len, other.len), other);
}

bool url_is_near(struct str host, struct str other)
{
    if (host.len == 0 || other.len == 0)
        return false;
    return str_eq_nocase(host, other) || is_below(host, other) || is_below(other, host);
}

bool url_next(struct str *query, struct str *name, struct str *value)
{
    while (query->len > 0) {
        struct str pair = str_cut(*query, '&', query);
        *name = str_cut(pair, '=', value);
        if (name->len > 0)
            return true;
    }
    return false;
}

bool url_text(struct str raw, struct arena *a, struct str *text)
{
    struct str plain = raw;
    if (raw.len > 0 &&
        (memchr(raw.at, '%', raw.len) != NULL || memchr(raw.at, '+', raw.len) != NULL)) {
        char *at = arena_take(a, raw.len);
        size_t len = 0;
        for (size_t i = 0; i < raw.len; i++) {
            bool has_two = raw.at[i] == '%' && raw.len - i > 2;
            int high = has_two ? digit_of(raw.at[i + 1]) : -1;
            int low = has_two ? digit_of(raw.at[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                at[len++] = (char)(high * 16 + low);
                i += 2;
            } else {
                at[len++] = (char)(raw.at[i] == '+' ? ' ' : raw.at[i]);
            }
        }
        plain = str_over(at, len);
    }
    if (plain.len == 0 || memchr(plain.at, 0, plain.len) != NULL || !str_is_utf8(plain))
        return false;
    *text = plain;
    return true;
}
