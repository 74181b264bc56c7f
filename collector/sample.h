/* SPDX-License-Identifier: Apache-2.0 */
/* sample - an event of 480 bytes as a shop sends it, for benchmark and allocation test. */
#ifndef AUSPEX_SAMPLE_H
#define AUSPEX_SAMPLE_H

#define SAMPLE_EVENT                                                                        \
    "{\"type\":\"track\",\"event\":\"product_view\","                                       \
    "\"messageId\":\"0b9a1c52-7f0e-4d6a-9a53-2f1f6e0c7a11\","                               \
    "\"anonymousId\":\"5d1e0c9f-33aa-4a1\",\"timestamp\":\"2025-12-31T23:59:58.123Z\","     \
    "\"context\":{\"page\":{\"path\":\"/p/p-042\",\"title\":\"Product\"},"                  \
    "\"userAgent\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, " \
    "like Gecko) "                                                                          \
    "Chrome/124.0.0.0 Safari/537.36\",\"locale\":\"en-GB\"},"                               \
    "\"properties\":{\"product_id\":\"p-042\",\"category\":\"home.kitchen\",\"brand\":"     \
    "\"acm\","                                                                              \
    "\"price\":249.9,\"quantity\":1,\"color\":\"red\"}}"

_Static_assert(sizeof(SAMPLE_EVENT) - 1 == 480, "the length that figures are given for");

#endif
