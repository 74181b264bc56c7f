/* SPDX-License-Identifier: Apache-2.0 */
/* invoices_test - what belongs together, in which order it comes, and what bounds it. */
#include "ctl/invoices.h"

#include "common/base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void gives(struct invoices *v, uint64_t next, bool is_end, const char *text,
                  uint64_t number)
{
    struct str lines;
    uint64_t first;
    bool is_given = invoices_take(v, next, is_end, &lines, &first);
    assert_int_equal(is_given, text != NULL);
    if (!text)
        return;
    assert_true(str_is(lines, text));
    assert_int_equal(first, number);
}

static void lines_join_in_order_of_the_first(void **state)
{
    (void)state;
    struct invoices *v = invoices_new();
    static const char *const lines[] = {"\"1\",a", "2,b", "1,c", "\"2\",d",
                                        "3,e",     "1,f", "",    ""};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        gives(v, i + 2, false, NULL, 0);
        invoices_add(v, str_of(lines[i]), i + 2);
    }
    gives(v, 10, true, "\"1\",a\n1,c\n1,f", 2);
    gives(v, 10, true, "2,b\n\"2\",d", 3);
    gives(v, 10, true, "3,e", 6);
    gives(v, 10, true, "", 8);
    gives(v, 10, true, NULL, 0);
    invoices_free(v);
}

static void span_ends_an_invoice(void **state)
{
    (void)state;
    struct invoices *v = invoices_new();
    enum { FIRST = 5, LAST = FIRST + 3 * INVOICES_SPAN };
    uint64_t n_given = 0;
    struct str lines;
    uint64_t first;
    for (uint64_t n = FIRST; n < LAST; n++) {
        char line[32];
        while (invoices_take(v, n, false, &lines, &first)) {
            assert_int_equal(first, n - INVOICES_SPAN);
            n_given++;
        }
        /* number 0 comes each SPAN lines, so each time in an invoice of its own */
        uint64_t number = n % INVOICES_SPAN == FIRST ? 0 : n;
        (void)snprintf(line, sizeof line, "%" PRIu64 ",x", number);
        invoices_add(v, str_of(line), n);
    }
    assert_int_equal(n_given, 2 * INVOICES_SPAN);
    for (n_given = 0; invoices_take(v, LAST, true, &lines, &first); n_given++)
        assert_int_equal(first, LAST - INVOICES_SPAN + n_given);
    assert_int_equal(n_given, INVOICES_SPAN);
    invoices_free(v);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    struct invoices *v = invoices_new();
    enum { LINE = 64 * 1024 };
    char *line = mem_new(LINE);
    memset(line, 'x', LINE);
    line[0] = '7';
    line[1] = ',';
    for (uint64_t n = 1; n <= 100; n++)
        invoices_add(v, str_over(line, LINE), n);
    struct str lines;
    uint64_t first;
    assert_true(invoices_take(v, 101, true, &lines, &first));
    assert_int_equal(lines.len, INVOICES_MOST);
    for (uint64_t n = 101; n < 101 + INVOICES_HELD / LINE; n++) {
        assert_false(invoices_take(v, n, false, &lines, &first));
        (void)snprintf(line, LINE, "%07" PRIu64, n);
        line[7] = ',';
        invoices_add(v, str_over(line, LINE), n);
    }
    assert_true(invoices_take(v, 1000, false, &lines, &first));
    assert_int_equal(first, 101);
    free(line);
    invoices_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_join_in_order_of_the_first),
        cmocka_unit_test(span_ends_an_invoice),
        cmocka_unit_test(bytes_are_bounded),
    };
    return cmocka_run_group_tests_name("invoices", tests, NULL, NULL);
}
