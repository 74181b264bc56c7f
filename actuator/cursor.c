/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/cursor.h"

#include "common/wire/json_text.h"

char cursor_peek(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) != NULL)
        c->at++;
    return c->at < c->end ? *c->at : '\0';
}

bool cursor_take(struct cursor *c, char wanted)
{
    if (cursor_peek(c) != wanted)
        return false;
    c->at++;
    return true;
}

static void pass_string(struct cursor *c)
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        c->at += *c->at == '\\';
    c->at++;
}

struct str cursor_value(struct cursor *c)
{
    char first = cursor_peek(c);
    const char *from = c->at;
    unsigned depth = 0;
    if (first != '"' && first != '{' && first != '[') {
        while (c->at < c->end && strchr(",]}: \t\r\n", *c->at) == NULL)
            c->at++;
        return str_over(from, (size_t)(c->at - from));
    }
    do {
        char here = *c->at;
        if (here == '"') {
            pass_string(c);
            continue;
        }
        depth += here == '{' || here == '[';
        depth -= here == '}' || here == ']';
        c->at++;
    } while (depth > 0);
    CHECK(c->at <= c->end);
    return str_over(from, (size_t)(c->at - from));
}

bool cursor_unquote(struct str token, struct arena *a, struct str *out)
{
    if (token.len < 2 || token.at[0] != '"')
        return false;
    return json_unescape(str_over(token.at + 1, token.len - 2), a, out) == JSON_OK;
}

bool cursor_key(struct cursor *c, struct str *key)
{
    bool is_good = cursor_unquote(cursor_value(c), c->arena, key);
    CHECK(cursor_take(c, ':'));
    return is_good;
}
