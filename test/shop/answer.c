/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/answer.h"

#include <math.h>

enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 5000, ASKED_MAX_S = 60 };

/* What follows the string that begins at `at`, at most `end`. */
static const char *after_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at < end ? at + 1 : end;
}

/* The next object at or behind *at within this array, and *at behind it; len 0 when there is
 * none.
 */
static struct str next_object(const char **at, const char *end)
{
    const char *from = NULL;
    unsigned depth = 0;
    while (*at < end) {
        const char *here = *at;
        *at = *here == '"' ? after_string(here, end) : here + 1;
        if (*here == '{' && depth++ == 0)
            from = here;
        else if (*here == ']' && depth == 0)
            break;
        else if (*here == '}' && depth > 0 && --depth == 0)
            return str_over(from, (size_t)(*at - from));
    }
    return (struct str){0};
}

static const char *find(struct str in, struct str what)
{
    return in.len < what.len ? NULL : memmem(in.at, in.len, what.at, what.len);
}

bool answer_read(struct str reply, size_t n, bool *accepted)
{
    const char *at = find(reply, STR("\"results\":[")), *end = reply.at + reply.len;
    bool all = true;
    size_t told = 0;
    if (!at)
        return true;
    at += sizeof("\"results\":[") - 1;
    for (struct str one; (one = next_object(&at, end)).len > 0; told++) {
        bool refused = find(one, STR("\"reason\":")) != NULL;
        if (told < n)
            accepted[told] = !refused;
        all = all && !refused;
    }
    for (size_t i = 0; told != n && i < n; i++)
        accepted[i] = false; /* nobody can say which is which */
    return all && told == n;
}

int64_t answer_pause_ms(unsigned tries, int64_t asked_s, double u)
{
    double grown = fmin(PAUSE_FIRST_MS * exp2(fmin(tries, 20)), PAUSE_MAX_MS);
    int64_t pause_ms = (int64_t)(grown * (.5 + .5 * u));
    int64_t asked_ms = MIN(asked_s, (int64_t)ASKED_MAX_S) * 1000;
    /* never earlier than asked, and not all at once either */
    return asked_ms > 0 ? MAX(pause_ms, asked_ms + (int64_t)(u * PAUSE_FIRST_MS)) : pause_ms;
}
