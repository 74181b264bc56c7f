/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/csv.h"

/* A quoted field, whose first quote is at its beginning. Returns how many bytes it takes with
 * its quotes; 0 when the last one is missing. */
static size_t quoted_len(struct str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] != '"')
            continue;
        if (i + 1 == s.len || s.at[i + 1] != '"')
            return i + 1;
        i++;
    }
    return 0;
}

size_t csv_split(struct str line, struct str *fields, size_t max)
{
    return csv_split_at(line, ',', fields, max);
}

size_t csv_split_at(struct str line, char separator, struct str *fields, size_t max)
{
    struct str rest = str_over(line.at ? line.at : "", line.len);
    for (size_t n = 0; n < max; n++) {
        size_t len;
        if (rest.len > 0 && rest.at[0] == '"') {
            len = quoted_len(rest);
            if (len == 0 || (len < rest.len && rest.at[len] != separator))
                return 0;
            fields[n] = str_over(rest.at + 1, len - 2);
        } else {
            const char *at = rest.len ? memchr(rest.at, separator, rest.len) : NULL;
            len = at ? (size_t)(at - rest.at) : rest.len;
            fields[n] = str_over(rest.at, len);
            if (len > 0 && memchr(rest.at, '"', len))
                return 0;
        }
        if (len == rest.len)
            return n + 1;
        rest = str_over(rest.at + len + 1, rest.len - len - 1);
    }
    return 0;
}

struct str csv_text(struct str field, struct arena *a)
{
    if (field.len == 0 || !memchr(field.at, '"', field.len))
        return field;
    char *at = arena_take(a, field.len);
    size_t len = 0;
    for (size_t i = 0; i < field.len; i++) {
        at[len++] = field.at[i];
        i += field.at[i] == '"';
    }
    return str_over(at, len);
}
