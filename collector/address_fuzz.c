/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an address: what is taken is a network, which is taken again as itself. */
#include "collector/address.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    char out[ADDRESS_TEXT], again[ADDRESS_TEXT];
    uint8_t bytes[16] = {0};
    if (!address_truncate(str_over(at, len), out))
        return 0;
    CHECK(address_truncate(str_of(out), again) && strcmp(out, again) == 0);
    if (inet_pton(AF_INET, out, bytes) == 1) {
        CHECK(bytes[3] == 0);
        return 0;
    }
    CHECK(inet_pton(AF_INET6, out, bytes) == 1);
    for (size_t i = 6; i < sizeof bytes; i++)
        CHECK(bytes[i] == 0);
    return 0;
}
