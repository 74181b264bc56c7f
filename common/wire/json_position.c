/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/json_in.h"

/* Takes `"name":NUMBER` and the comma before it, unless it is the first. */
static bool take_member(struct str *at, const char *name, uint64_t *value)
{
    struct str rest = *at, word = str_of(name);
    size_t n = 0;
    if (!str_starts(rest, word))
        return false;
    rest = str_over(rest.at + word.len, rest.len - word.len);
    while (n < rest.len && rest.at[n] >= '0' && rest.at[n] <= '9')
        n++;
    if (!str_u64(str_over(rest.at, n), value))
        return false;
    *at = str_over(rest.at + n, rest.len - n);
    return true;
}

enum wire_status position_from_json(struct position *p, struct str text)
{
    struct position found = {0};
    const struct {
        const char *name;
        uint64_t *to;
    } members[] = {
        {"{\"rec\":", &found.rec},
        {",\"epoch\":", &found.epoch},
        {",\"origin\":", &found.origin},
        {",\"partition\":", &found.partition},
        {",\"offset\":", &found.offset},
        {",\"index\":", &found.index},
        {",\"import_id\":", &found.import_id},
    };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (!take_member(&text, members[i].name, members[i].to))
            return WIRE_MALFORMED;
    if (found.rec == REC_NONE || found.rec >= REC_END)
        return WIRE_OTHER;
    *p = found;
    return WIRE_OK;
}
