/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/settings.h"

#include "common/bus/config.h"

#include <inttypes.h>

struct featurizer_options settings_of(const struct config *c)
{
    return (struct featurizer_options){
        .idle_us = (int64_t)config_u64(c, "featurizer", "session_idle_s") * SECOND_US,
        .tail = (uint32_t)config_u64(c, "featurizer", "tail"),
        .keep_us = (int64_t)config_u64(c, "featurizer", "keep_days") * DAY_US,
        .half_life_us = (int64_t)config_u64(c, "featurizer", "rating_half_life_days") * DAY_US,
        .has_summaries = config_flag(c, "featurizer", "summaries"),
        .has_ratings = config_flag(c, "featurizer", "ratings"),
    };
}

void settings_json(struct buf *out, const struct config *c)
{
    static const char *const numbers[] = {"session_idle_s", "tail", "keep_days",
                                          "rating_half_life_days"};
    static const char *const flags[] = {"summaries", "ratings"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "{", numbers[i],
                   config_u64(c, "featurizer", numbers[i]));
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        buf_printf(out, ",\"%s\":%s", flags[i],
                   config_flag(c, "featurizer", flags[i]) ? "true" : "false");
    buf_byte(out, '}');
}
