/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a gzip body: never more than the limit, and the same bytes give the same again.
 */
#include "collector/gunzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    enum { MOST = 20000 };
    static struct gunzip *g;
    static struct buf once, twice;
    if (!g)
        g = gunzip_new();
    enum gunzip_result result = gunzip_read(g, str_over(at, len), MOST, &once);
    CHECK(once.cap <= (size_t)4 * MOST);
    CHECK(gunzip_read(g, str_over(at, len), MOST, &twice) == result);
    if (result == GUNZIP_OK)
        CHECK(once.len <= MOST && str_eq(buf_as_str(&once), buf_as_str(&twice)));
    return 0;
}
