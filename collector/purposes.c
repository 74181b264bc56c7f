/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/purposes.h"

#include "collector/span.h"

enum { NECESSARY = 1 };

static const struct word {
    const char *text;
    uint64_t mask;
    bool is_objection;
} words[] = {
#define CALL(call, type)
#define EVENT_NAME(name, type)
#define WHEN(type, member, other)
#define PURPOSE(word, mask)   {word, mask, false},
#define OBJECTION(word, mask) {word, mask, true},
#include "schemas/dialects.def"
#undef CALL
#undef EVENT_NAME
#undef WHEN
#undef PURPOSE
#undef OBJECTION
};

/* What has been named so far. */
struct named {
    uint64_t granted, refused;
    bool is_any;
};

/* A string with its quotes; one with escapes is none of the words. */
static void name(struct named *n, struct str quoted, bool is_yes)
{
    if (quoted.len < 2)
        return;
    struct str text = str_over(quoted.at + 1, quoted.len - 2);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_eq_nocase(text, str_of(words[i].text)))
            continue;
        n->is_any = true;
        if (words[i].is_objection)
            n->refused |= is_yes ? words[i].mask : 0;
        else if (is_yes)
            n->granted |= words[i].mask;
        else
            n->refused |= words[i].mask;
    }
}

static bool is_yes(struct str json)
{
    static const char *const yes[] = {"true",        "1",           "\"true\"",
                                      "\"granted\"", "\"grant\"",   "\"yes\"",
                                      "\"allow\"",   "\"allowed\"", "\"1\""};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (str_eq_nocase(json, str_of(yes[i])))
            return true;
    return false;
}

static void read_object(struct named *n, struct str json, bool is_inner)
{
    struct span_member m;
    (void)span_char(&json, '{');
    while (span_next(&json, &m))
        if (m.value.at[0] != '{')
            name(n, m.key, is_yes(m.value));
        else if (!is_inner)
            read_object(n, m.value, true);
}

static void read_list(struct named *n, struct str json)
{
    (void)span_char(&json, '[');
    n->is_any = span_char(&json, ']'); /* nothing at all is an answer, too */
    for (size_t len; (len = span_value(json)) > 0; span_blanks(&json)) {
        struct str value = span_take(&json, len);
        if (value.at[0] == '"')
            name(n, value, true);
        (void)span_char(&json, ',');
    }
}

bool purposes_mask(struct str json, uint64_t *mask)
{
    struct named n = {0};
    span_blanks(&json);
    if (json.len > 0 && json.at[0] == '[')
        read_list(&n, json);
    else if (json.len > 0 && json.at[0] == '{')
        read_object(&n, json, false);
    if (!n.is_any)
        return false;
    *mask = (n.granted & ~n.refused) | NECESSARY;
    return true;
}
