/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/names.h"

#include "collector/words.h"
#include "common/base/hash.h"

static const struct {
    struct str sent, type;
} names[] = {
#define CALL(call, type)
#define EVENT_NAME(sent, type) {STR(sent), STR(type)},
#define WHEN(type, member, other)
#define PURPOSE(word, mask)
#define OBJECTION(word, mask)
#include "schemas/dialects.def"
#undef CALL
#undef EVENT_NAME
};

static const struct {
    struct str call, type;
} calls[] = {
#define CALL(call, type) {STR(call), STR(type)},
#define EVENT_NAME(sent, type)
#include "schemas/dialects.def"
#undef CALL
#undef EVENT_NAME
#undef WHEN
#undef PURPOSE
#undef OBJECTION
};

/* Of each name the number of its type; the catalogue's own first. */
static const struct words *known(void)
{
    static struct words w; /* filled at first use, by the one thread there is */
    if (w.n > 0)
        return &w;
    for (size_t i = 0; i < types_n(); i++)
        words_add(&w, 0, types_name(types_at(i)), (uint32_t)i);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int type = words_find(&w, 0, names[i].type, hash64_str(names[i].type));
        CHECK(type >= 0);
        words_add(&w, 0, names[i].sent, (uint32_t)type);
    }
    return &w;
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_gap(char c)
{
    return c == ' ' || c == '_' || c == '-' || c == '.' || c == '/' || c == ':';
}

static bool is_name(struct str s)
{
    if (s.len == 0 || s.len > NAME_MAX_LEN || s.at[0] < 'a' || s.at[0] > 'z')
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_lower(s.at[i]) && s.at[i] != '_')
            return false;
    return true;
}

/* Gaps and changes from small to capital become one underscore. False for letters that have no
 * place in a name, or too many. */
static bool snake_case(struct str sent, struct arena *a, struct str *out)
{
    char *at = arena_take(a, NAME_MAX_LEN + 1);
    size_t len = 0;
    bool is_start = true; /* of a word; the first needs no underscore */
    for (size_t i = 0; i < sent.len; i++) {
        char c = sent.at[i];
        if (is_gap(c)) {
            is_start = true;
            continue;
        }
        if (!is_lower(c) && !is_upper(c))
            return false;
        is_start |= i > 0 && is_upper(c) && is_lower(sent.at[i - 1]);
        if (len + 2 > NAME_MAX_LEN + 1)
            return false;
        if (is_start && len > 0)
            at[len++] = '_';
        at[len++] = (char)(is_upper(c) ? c + ('a' - 'A') : c);
        is_start = false;
    }
    *out = str_over(at, len);
    return true;
}

bool names_type(struct str sent, struct arena *a, struct str *type,
                const struct event_type **of)
{
    struct str name = str_trim(sent);
    if (!is_name(name) && (!snake_case(name, a, &name) || !is_name(name)))
        return false;
    int found = words_find(known(), 0, name, hash64_str(name));
    *of = found < 0 ? NULL : types_at((size_t)found);
    *type = found < 0 ? name : types_name(*of);
    return true;
}

bool names_call(struct str sent, struct str *type)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (str_eq(sent, calls[i].call)) {
            *type = calls[i].type;
            return true;
        }
    return false;
}
