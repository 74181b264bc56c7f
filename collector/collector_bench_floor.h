/* SPDX-License-Identifier: Apache-2.0 */
/* collector_bench_floor - simdjson on demand over every field of an event, and nothing else. */
#ifndef AUSPEX_COLLECTOR_BENCH_FLOOR_H
#define AUSPEX_COLLECTOR_BENCH_FLOOR_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `text` has 64 readable bytes behind it. The sum depends on every key and value; 0 on error.
 */
uint64_t floor_sum(struct str text);

#ifdef __cplusplus
}
#endif
#endif
