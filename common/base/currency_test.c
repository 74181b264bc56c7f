/* SPDX-License-Identifier: Apache-2.0 */
/* currency_test - codes and their decimals; rates read, refused and used. */
#include "common/base/currency.h"

#include "common/base/buf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void codes_have_their_decimals(void **state)
{
    static const struct {
        const char *code;
        int digits;
    } rows[] = {{"AED", 2},  {"EUR", 2},  {"USD", 2}, {"ZWL", 2},   {"JPY", 0}, {"KRW", 0},
                {"CLP", 0},  {"BHD", 3},  {"TND", 3}, {"CLF", 4},   {"XCG", 2}, {"XXX", -1},
                {"XAU", -1}, {"eur", -1}, {"EU", -1}, {"EURO", -1}, {"", -1},   {"AAA", -1}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str code = str_of(rows[i].code);
        if (currency_digits(code) != rows[i].digits)
            fail_msg("%s has %d", rows[i].code, currency_digits(code));
        assert_int_equal(currency_is_known(code), rows[i].digits >= 0);
    }
}

static void lines_are_sorted(void **state)
{
    static const char *const codes[] = {
#define CURRENCY(code, digits, meaning) #code,
#include "schemas/currencies.def"
#undef CURRENCY
    };
    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i - 1], codes[i]) >= 0)
            fail_msg("%s stands before %s", codes[i - 1], codes[i]);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_true(currency_is_known(str_of(codes[i])));
}

static void amounts_are_multiplied(void **state)
{
    struct rates r = {0};
    (void)state;
    assert_true(rates_read(&r, STR(" USD=0.92  GBP=1.17 JPY=6.1e-3 ")));
    assert_int_equal(r.n, 3);
    assert_true(currency_factor(&r, STR("EUR"), STR("USD")) == 0.92);
    assert_true(currency_factor(&r, STR("EUR"), STR("GBP")) == 1.17);
    assert_true(currency_factor(&r, STR("EUR"), STR("JPY")) == 6.1e-3);
    assert_true(currency_factor(&r, STR("EUR"), STR("EUR")) == 1);
    assert_true(currency_factor(&r, STR("EUR"), STR("")) == 1);
    assert_true(currency_factor(&r, STR(""), STR("USD")) == 1);
    assert_true(isnan(currency_factor(&r, STR("EUR"), STR("CHF"))));
    assert_true(isnan(currency_factor(&r, STR("EUR"), STR("US"))));
    assert_true(isnan(currency_factor(&r, STR("EUR"), STR("dollars"))));
    assert_true(isnan(currency_factor(&r, STR("EUR"), STR("usd"))));
    assert_true(rates_read(&r, STR("")));
    assert_int_equal(r.n, 0);
    assert_true(isnan(currency_factor(&r, STR("EUR"), STR("USD"))));
}

static void others_are_refused(void **state)
{
    static const char *const texts[] = {
        "USD",       "USD=",    "USD=0",      "USD=-1",  "USD=inf",     "USD=nan",
        "usd=1",     "US=1",    "USDX=1",     "=1",      "USD=1,GBP=2", "USD=1 USD=2",
        "USD=1e999", "USD=0,9", "USD=1\tx=2", "USD = 1", "U D=1"};
    struct rates r = {0};
    (void)state;
    assert_true(rates_read(&r, STR("CHF=2")));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (rates_read(&r, str_of(texts[i])))
            fail_msg("\"%s\" is taken", texts[i]);
        assert_true(r.n == 1 && currency_factor(&r, STR("EUR"), STR("CHF")) == 2);
    }
}

static void their_number_is_bounded(void **state)
{
    struct buf text = {0};
    static struct rates r;
    (void)state;
    for (int i = RATES_MAX - 1; i >= 0; i--)
        buf_printf(&text, "X%c%c=%d ", 'A' + i / 26, 'A' + i % 26, i + 1);
    assert_true(rates_read(&r, buf_as_str(&text)));
    for (int i = 0; i < RATES_MAX; i++) {
        const char code[] = {'X', (char)('A' + i / 26), (char)('A' + i % 26)};
        assert_true(currency_factor(&r, STR("EUR"), str_over(code, 3)) == i + 1);
    }
    buf_text(&text, "ZZZ=1");
    assert_false(rates_read(&r, buf_as_str(&text)));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_decimals), cmocka_unit_test(lines_are_sorted),
        cmocka_unit_test(amounts_are_multiplied),    cmocka_unit_test(others_are_refused),
        cmocka_unit_test(their_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
