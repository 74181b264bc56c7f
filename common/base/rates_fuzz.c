/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as rates: what is taken is sorted, positive and finite, and is found again. */
#include "common/base/currency.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct rates r = {0};
    if (!rates_read(&r, str_over(at, len))) {
        CHECK(r.n == 0);
        return 0;
    }
    CHECK(r.n <= RATES_MAX);
    for (uint32_t i = 0; i < r.n; i++) {
        struct str code = str_over(r.rates[i].code, CURRENCY_LEN);
        CHECK(isfinite(r.rates[i].factor) && r.rates[i].factor > 0);
        CHECK(i == 0 || memcmp(r.rates[i - 1].code, code.at, CURRENCY_LEN) < 0);
        CHECK(currency_factor(&r, STR("..."), code) == r.rates[i].factor);
    }
    CHECK(isnan(currency_factor(&r, STR("EUR"), STR("eur"))));
    return 0;
}
