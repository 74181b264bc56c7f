/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/span.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

struct str span_take(struct str *s, size_t len)
{
    struct str head = str_over(s->at, len);
    if (len > 0) /* nothing may be NULL */
        *s = str_over(s->at + len, s->len - len);
    return head;
}

void span_blanks(struct str *s)
{
    size_t n = 0;
    while (n < s->len && is_blank(s->at[n]))
        n++;
    (void)span_take(s, n);
}

bool span_char(struct str *s, char c)
{
    span_blanks(s);
    if (s->len == 0 || s->at[0] != c)
        return false;
    (void)span_take(s, 1);
    return true;
}

/* Bytes of the string that begins here; 0 when it has no end. */
static size_t string_len(struct str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '"')
            return i + 1;
    }
    return 0;
}

size_t span_value(struct str s)
{
    size_t depth = 0, i = 0;
    while (i < s.len) {
        char c = s.at[i];
        if (c == '"') {
            size_t len = string_len(str_over(s.at + i, s.len - i));
            if (len == 0)
                return 0;
            i += len;
        } else if (c == '{' || c == '[') {
            depth++;
            i++;
        } else if (depth > 0) {
            depth -= c == '}' || c == ']';
            i++;
        } else if (c == ',' || c == ']' || c == '}' || c == ':' || is_blank(c)) {
            return i;
        } else {
            i++;
            continue; /* within a word or number */
        }
        if (depth == 0)
            return i;
    }
    return depth == 0 ? i : 0;
}

bool span_next(struct str *s, struct span_member *m)
{
    (void)span_char(s, ',');
    span_blanks(s);
    if (s->len == 0 || s->at[0] != '"')
        return false;
    m->key = span_take(s, string_len(*s));
    if (m->key.len == 0 || !span_char(s, ':'))
        return false;
    span_blanks(s);
    m->value = span_take(s, span_value(*s));
    return m->value.len > 0;
}
