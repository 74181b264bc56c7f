/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/config_mask.h"

/* Length of what follows `password` up to its end: "...", '...' with backslashes, or a word. */
static size_t secret_len(struct str s)
{
    size_t i = 0;
    if (s.len > 0 && s.at[0] == '\'') {
        for (i = 1; i < s.len && s.at[i] != '\''; i++)
            i += s.at[i] == '\\';
        return MIN(i + 1, s.len);
    }
    while (i < s.len && s.at[i] != ' ' && s.at[i] != '&')
        i += s.at[i] == '\\' ? 2 : 1;
    return MIN(i, s.len);
}

/* Appends `s` with the value behind each password= replaced. */
static void print_words(struct str s, struct buf *out)
{
    const struct str word = STR("password");
    while (s.len > 0) {
        size_t taken = 1;
        if (s.len >= word.len && str_eq_nocase(str_over(s.at, word.len), word)) {
            taken = word.len;
            while (taken < s.len && s.at[taken] == ' ')
                taken++;
            if (taken < s.len && s.at[taken] == '=') {
                do
                    taken++;
                while (taken < s.len && s.at[taken] == ' ');
                buf_text(out, "password=***");
                taken += secret_len(str_over(s.at + taken, s.len - taken));
                s = str_over(s.at + taken, s.len - taken);
                continue;
            }
        }
        buf_str(out, str_over(s.at, taken));
        s = str_over(s.at + taken, s.len - taken);
    }
}

/* scheme://user:PASSWORD@host: up to the last @, so rather too much is hidden than too little.
 */
static void print_masked(struct str value, struct buf *out)
{
    const char *scheme = memmem(value.at, value.len, "://", 3);
    const char *end = value.at + value.len;
    const char *at = scheme ? memrchr(scheme, '@', (size_t)(end - scheme)) : NULL;
    const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    if (!colon) {
        print_words(value, out);
        return;
    }
    print_words(str_over(value.at, (size_t)(colon - value.at)), out);
    buf_text(out, ":***");
    print_words(str_over(at, (size_t)(end - at)), out);
}

void config_print_value(const char *key, const char *value, struct buf *out)
{
    struct str k = str_of(key);
    buf_printf(out, "%s = ", key);
    if (value[0] && (str_has_nocase(k, STR("password")) || str_has_nocase(k, STR("secret")) ||
                     str_has_nocase(k, STR("key.pem"))))
        buf_text(out, "***");
    else
        print_masked(str_of(value), out);
    buf_byte(out, '\n');
}
