/* SPDX-License-Identifier: Apache-2.0 */
/* currency - the codes of ISO 4217 (schemas/currencies.def), and what other currencies are
 * worth in that of a site, as its settings say (schemas/site.def). */
#ifndef AUSPEX_CURRENCY_H
#define AUSPEX_CURRENCY_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CURRENCY_LEN = 3, RATES_MAX = 180 };

/* Whether it is a code, in capitals. */
bool currency_is_known(struct str code);
/* Decimals that amounts in it have, 0 to 4; -1 when the code is not known. */
int currency_digits(struct str code);

struct rates {
    uint32_t n;
    struct rate {
        char code[CURRENCY_LEN];
        double factor;  /* worth of one unit, positive and finite */
    } rates[RATES_MAX]; /* by code, rising */
};

/* Reads "CODE=RATE CODE=RATE ...", with blanks between, each CODE three capitals, once. False,
 * and `r` untouched, on anything else. That a code is known is not asked. */
MUST_USE bool rates_read(struct rates *r, struct str text);
/* What an amount in `currency` is multiplied by to be one in that of the site: 1 when either
 * is not told or both are one, NaN when no rate is known. */
double currency_factor(const struct rates *r, struct str site_currency, struct str currency);

#ifdef __cplusplus
}
#endif
#endif
