/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/currency.h"

#include <math.h>

static const struct currency {
    char code[CURRENCY_LEN + 1];
    int digits;
} currencies[] = {
#define CURRENCY(code, digits, meaning) {#code, digits},
#include "schemas/currencies.def"
#undef CURRENCY
};

int currency_digits(struct str code)
{
    size_t low = 0, high = ARRAY_LEN(currencies);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(code, str_over(currencies[middle].code, CURRENCY_LEN));
        if (order == 0)
            return currencies[middle].digits;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

bool currency_is_known(struct str code)
{
    return currency_digits(code) >= 0;
}

static bool is_code(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 'A' || s.at[i] > 'Z')
            return false;
    return s.len == CURRENCY_LEN;
}

/* Where a code stands, or would. */
static uint32_t place_of(const struct rates *r, struct str code)
{
    uint32_t low = 0, high = r->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (memcmp(r->rates[middle].code, code.at, CURRENCY_LEN) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct rates *r, uint32_t place, struct str code)
{
    return place < r->n && memcmp(r->rates[place].code, code.at, CURRENCY_LEN) == 0;
}

static bool rate_read(struct rates *r, struct str word)
{
    struct str number;
    double factor;
    struct str code = str_cut(word, '=', &number);
    if (r->n == RATES_MAX || !is_code(code) || !str_f64(number, &factor) || !(factor > 0))
        return false;
    uint32_t place = place_of(r, code);
    if (is_at(r, place, code))
        return false;
    for (uint32_t i = r->n++; i > place; i--)
        r->rates[i] = r->rates[i - 1];
    memcpy(r->rates[place].code, code.at, CURRENCY_LEN);
    r->rates[place].factor = factor;
    return true;
}

bool rates_read(struct rates *r, struct str text)
{
    struct rates read = {0};
    struct str rest = str_trim(text);
    while (rest.len > 0) {
        struct str word = str_cut(rest, ' ', &rest);
        if (!rate_read(&read, word))
            return false;
        rest = str_trim(rest);
    }
    *r = read;
    return true;
}

double currency_factor(const struct rates *r, struct str site_currency, struct str currency)
{
    if (currency.len == 0 || site_currency.len == 0 || str_eq(currency, site_currency))
        return 1;
    if (currency.len != CURRENCY_LEN)
        return (double)NAN;
    uint32_t place = place_of(r, currency);
    return is_at(r, place, currency) ? r->rates[place].factor : (double)NAN;
}
