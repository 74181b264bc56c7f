/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of raw, taken for msgpack: the core gives outputs that read back, each
 * event's kept JSON is JSON, what is refused comes back as it was, and the same bytes give the
 * same outputs again. */
#include "collector/collector_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    collector_fuzz(str_over(at, len), "application/msgpack");
    return 0;
}
