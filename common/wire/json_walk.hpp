/* SPDX-License-Identifier: Apache-2.0 */
/* json_walk - what the readers built on simdjson share: tokens as slices of the padded text. */
#ifndef AUSPEX_JSON_WALK_HPP
#define AUSPEX_JSON_WALK_HPP

#include "common/base/str.h"

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#ifndef SIMDJSON_DEVELOPMENT_CHECKS
#define SIMDJSON_DEVELOPMENT_CHECKS 0
#endif
#include <simdjson.h>

namespace json_walk
{

namespace od = simdjson::ondemand;

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Without the blanks behind, which simdjson counts in. */
static inline struct str trim_end(const char *at, size_t len)
{
    while (len > 0 && is_blank(at[len - 1]))
        len--;
    return str_over(at, len);
}

static inline struct str token_of(od::value &v)
{
    std::string_view token = v.raw_json_token();
    return trim_end(token.data(), token.size());
}

/* Between the quotes of a string token; false when it is none. */
static inline bool inner_of(struct str token, struct str *inner)
{
    if (token.len < 2 || token.at[0] != '"' || token.at[token.len - 1] != '"')
        return false;
    *inner = str_over(token.at + 1, token.len - 2);
    return true;
}

/* Between the quotes of a key. Stage 1 has seen that its string is closed. */
static inline struct str key_of(od::field &f)
{
    const char *from = f.key().raw(), *at = from;
    for (; *at != '"'; at++)
        at += *at == '\\';
    return str_over(from, (size_t)(at - from));
}

} // namespace json_walk

#endif
