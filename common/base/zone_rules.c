/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/zone_rules.h"

#include "common/base/clock.h"

static const int64_t from_max_s = 100000000000; /* the year 5138: its microseconds fit */

static bool rule_read(struct zone_rules *z, struct str word)
{
    int64_t from_s, offset_min;
    struct str minutes;
    struct str seconds = str_cut(word, '=', &minutes);
    if (z->n == ZONE_RULES_MAX || !str_i64(seconds, &from_s) || !str_i64(minutes, &offset_min))
        return false;
    if (from_s < -from_max_s || from_s > from_max_s || offset_min < -ZONE_OFFSET_MAX_MIN ||
        offset_min > ZONE_OFFSET_MAX_MIN)
        return false;
    if (z->n > 0 && from_s <= z->from_s[z->n - 1])
        return false;
    z->from_s[z->n] = from_s;
    z->offset_min[z->n++] = (int16_t)offset_min;
    return true;
}

bool zone_rules_read(struct zone_rules *z, struct str text)
{
    struct zone_rules read = {0};
    struct str rest = str_trim(text);
    while (rest.len > 0) {
        struct str word = str_cut(rest, ' ', &rest);
        if (!rule_read(&read, word))
            return false;
        rest = str_trim(rest);
    }
    *z = read;
    return true;
}

int zone_rules_offset_min(const struct zone_rules *z, int64_t ts_us)
{
    uint32_t low = 0, high = z->n; /* the one sought is in [low, high) */
    if (z->n == 0)
        return 0;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (z->from_s[middle] * SECOND_US <= ts_us)
            low = middle;
        else
            high = middle;
    }
    return z->offset_min[low];
}
