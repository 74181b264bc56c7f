/* SPDX-License-Identifier: Apache-2.0 */
/* config_fuzz - any bytes as a configuration: read or refused, and what was read prints and
 * reads again. */
#include "common/bus/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct err e = {0};
    struct config *c = config_parse("fuzz", str_over(at, len), &e);
    if (!c) {
        CHECK(e.text[0] && e.code == EXIT_CODE_CONFIG);
        return 0;
    }
    struct buf text = {0};
    config_print(c, &text);
    struct config *again = config_parse("printed", buf_as_str(&text), &e);
    CHECK(again || strstr(e.text, "longer")); /* masks may lengthen a value */
    config_free(again);
    buf_fini(&text);
    config_free(c);
    return 0;
}
