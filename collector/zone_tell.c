/* SPDX-License-Identifier: Apache-2.0 */
/* zone_tell - for zone_oracle.py: reads lines "ZONE SECONDS SECONDS ...", and answers each with
 * the offsets in minutes at these times and, behind a bar, the zone's rules; "-" when it is not
 * known. */
#include "collector/zone.h"
#include "common/base/clock.h"
#include "common/base/zone_rules.h"

#include <stdio.h>
#include <stdlib.h>

static void answer(struct str line, struct buf *rules)
{
    struct str rest, zone = str_cut(line, ' ', &rest);
    struct zone_rules z;
    double offset_min;
    int64_t at_s;
    buf_reset(rules);
    if (!zone_put_rules(zone, rules)) {
        (void)puts("-");
        return;
    }
    CHECK(zone_rules_read(&z, buf_as_str(rules)));
    while (rest.len > 0) {
        CHECK(str_i64(str_cut(rest, ' ', &rest), &at_s));
        CHECK(zone_offset_min(zone, at_s * SECOND_US, &offset_min));
        (void)printf("%.17g,%d ", offset_min, zone_rules_offset_min(&z, at_s * SECOND_US));
    }
    (void)printf("|%s\n", buf_cstr(rules));
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    struct buf rules = {0};
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0;)
        answer(str_trim(str_over(line, (size_t)len)), &rules);
    free(line);
    buf_fini(&rules);
    return 0;
}
