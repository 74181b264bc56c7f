/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the rules of a zone: what is taken rises, is bounded, and is found again at each
 * change and just before it. */
#include "common/base/clock.h"
#include "common/base/zone_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct zone_rules z = {0};
    if (!zone_rules_read(&z, str_over(at, len))) {
        CHECK(z.n == 0);
        return 0;
    }
    CHECK(z.n <= ZONE_RULES_MAX && (z.n > 0 || zone_rules_offset_min(&z, 0) == 0));
    for (uint32_t i = 0; i < z.n; i++) {
        CHECK(z.offset_min[i] >= -ZONE_OFFSET_MAX_MIN &&
              z.offset_min[i] <= ZONE_OFFSET_MAX_MIN);
        CHECK(i == 0 || z.from_s[i] > z.from_s[i - 1]);
        int64_t from_us = z.from_s[i] * SECOND_US;
        CHECK(zone_rules_offset_min(&z, from_us) == z.offset_min[i]);
        CHECK(zone_rules_offset_min(&z, from_us - 1) == z.offset_min[i > 0 ? i - 1 : 0]);
    }
    return 0;
}
