/* SPDX-License-Identifier: Apache-2.0 */
/* retail_test - invoices in the form of Online Retail: sums to the cent, types, visitors, and
 * what is refused. The figures of the whole file are for test/pipeline/retail_test.py. */
#include "collector/collector_kit.h"
#include "collector/retail.h"

#include "common/wire/json_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The arena and the items of the event read last. */
static struct arena arena;
static struct buf items;

static enum reason read_text(struct event *e, const char *lines, const char **detail)
{
    struct arrival arrival = {.position = {.import_id = 0xab, .offset = 12},
                              .received_us = KIT_RECEIVED_US,
                              .is_import = true,
                              .site_id = 7};
    arena_reset(&arena);
    return retail_read(e, str_of(lines), &arrival, &arena, &items, detail);
}

static void an_invoice_is_one_event(void **state)
{
    struct event e;
    const char *detail;
    (void)state;
    assert_int_equal(
        read_text(&e,
                  "\"536365\",\"85123A\",\"HOLDER, \"\"HEART\"\"\",6,2010-12-01 "
                  "08:26:00,2.55,17850,\"United Kingdom\"\n"
                  "536365,POST,NA,1,2010-12-01 08:27:00,18,\"17850\",United Kingdom",
                  &detail),
        REASON_NONE);
    assert_string_equal(detail, "");
    assert_true(str_is(e.type, "purchase"));
    assert_true(e.value == 33.30 && isnan(e.price) && isnan(e.quantity));
    assert_true(str_is(e.currency, "GBP") && str_is(e.order_id, "536365"));
    assert_true(str_is(e.user_id, "17850") && str_is(e.visitor, "17850"));
    assert_int_equal(e.anonymous_id.len, 0);
    assert_true(str_is(e.country, "GB") && str_is(e.source, "import"));
    assert_true(e.ts_us == 1291191960 * SECOND_US && e.site_id == 7);
    assert_true(str_is(e.event_id, "iab-12"));
    assert_true(str_is(e.items,
                       "[{\"product_id\":\"85123A\",\"name\":\"HOLDER, \\\"HEART\\\"\","
                       "\"quantity\":6,\"price\":2.55},"
                       "{\"product_id\":\"POST\",\"quantity\":1,\"price\":18}]"));
}

#define ROW(number, quantity, price, customer) \
    number ",S,N," quantity ",2010-12-01 08:26:00," price "," customer ",Utopia"

static void invoices_have_types_and_sums(void **state)
{
    static const struct {
        const char *lines, *type, *visitor;
        double value;
    } cases[] = {
        {ROW("1", "1", "0", "NA"), "purchase", "invoice-1", 0},
        {ROW("1", "0", "5", ""), "purchase", "invoice-1", 0},
        {ROW("1", "3", "0.1", "5"), "purchase", "5", 0.3},
        {ROW("1", "1", "0.005", "5"), "purchase", "5", 0.01},
        {ROW("1", "1", "0.0049", "5"), "purchase", "5", 0},
        {ROW("1", "1", "0.001", "5") "\n" ROW("1", "4", "0.001", "5"), "purchase", "5", 0.01},
        {ROW("1", "1000000000", "900000", "5"), "purchase", "5", 9e14},
        {ROW("C1", "-2", "1.25", "5"), "refund", "5", -2.5},
        {ROW("C1", "-1", "0.005", "5"), "refund", "5", -0.01},
        {ROW("C1", "-1", "0", "NA"), "refund", "invoice-C1", 0},
        {ROW("A1", "1", "-11062.06", "NA"), "bad_debt_adjustment", "invoice-A1", -11062.06},
        {ROW("A1", "1", "11062.06", "NA"), "bad_debt_adjustment", "invoice-A1", 11062.06},
        {ROW("1", "-5", "0", "NA"), "stock_adjustment", "invoice-1", 0},
        {ROW("1", "-5", "0", "") "\n" ROW("1", "-1", "0.00", "NA"), "stock_adjustment",
         "invoice-1", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        const char *detail;
        if (read_text(&e, cases[i].lines, &detail) != REASON_NONE)
            fail_msg("%s: %s", cases[i].lines, detail);
        if (!str_is(e.type, cases[i].type) || e.value != cases[i].value ||
            !str_is(e.visitor, cases[i].visitor))
            fail_msg("%s: %.*s of %.4f by %.*s", cases[i].lines, STR_ARGS(e.type), e.value,
                     STR_ARGS(e.visitor));
        assert_int_equal(e.user_id.len > 0, e.anonymous_id.len == 0);
        assert_true(json_is_valid(e.items) && e.country.len == 0);
    }
}

static void bad_lines_refuse_the_whole(void **state)
{
    static const struct {
        const char *lines;
        enum reason why;
        const char *detail;
    } cases[] = {
        {"", REASON_bad_row, "line 1 of the invoice: not 8 columns"},
        {ROW("1", "1", "1", "5") ",", REASON_bad_row, "line 1 of the invoice: not 8 columns"},
        {ROW("1", "1", "1", "5") "\n", REASON_bad_row, "line 2 of the invoice: not 8 columns"},
        {ROW("1", "1", "1", "\"5"), REASON_bad_row, "line 1 of the invoice: not 8 columns"},
        {ROW("", "1", "1", "5"), REASON_bad_row, "line 1 of the invoice: InvoiceNo"},
        {ROW("B1", "1", "1", "5"), REASON_bad_row, "line 1 of the invoice: InvoiceNo"},
        {ROW("C", "1", "1", "5"), REASON_bad_row, "line 1 of the invoice: InvoiceNo"},
        {ROW("1", "one", "1", "5"), REASON_bad_row, "line 1 of the invoice: Quantity"},
        {ROW("1", "1.5", "1", "5"), REASON_bad_row, "line 1 of the invoice: Quantity"},
        {ROW("1", "1000000001", "1", "5"), REASON_bad_row, "line 1 of the invoice: Quantity"},
        {ROW("1", "1", "", "5"), REASON_bad_row, "line 1 of the invoice: UnitPrice"},
        {ROW("1", "1", "1.", "5"), REASON_bad_row, "line 1 of the invoice: UnitPrice"},
        {ROW("1", "1", "1.00001", "5"), REASON_bad_row, "line 1 of the invoice: UnitPrice"},
        {ROW("1", "1", "1e3", "5"), REASON_bad_row, "line 1 of the invoice: UnitPrice"},
        {ROW("1", "1", "--1", "5"), REASON_bad_row, "line 1 of the invoice: UnitPrice"},
        {ROW("1", "1", "-1", "5"), REASON_bad_row,
         "line 1 of the invoice: UnitPrice below zero"},
        {ROW("1", "1000000000", "1000000", "5"), REASON_bad_row,
         "line 1 of the invoice: the sum is out of range"},
        {ROW("1", "1000000000", "900000", "5") "\n" ROW("1", "1000000000", "900000", "5"),
         REASON_bad_row, "line 2 of the invoice: the sum is out of range"},
        {ROW("1", "1", "1", "5") "\n" ROW("2", "1", "1", "5"), REASON_bad_row,
         "line 2 of the invoice: InvoiceNo is another"},
        {ROW("1", "1", "1", "5") "\n" ROW("1", "1", "1", "6"), REASON_bad_row,
         "line 2 of the invoice: CustomerID is another"},
        {ROW("C1", "1", "1", "5"), REASON_bad_row,
         "line 1 of the invoice: Quantity of a refund not below zero"},
        {ROW("1", "1", "1", "5") "\n" ROW("1", "-1", "1", "5"), REASON_bad_row,
         "line 2 of the invoice: Quantity of a sale below zero"},
        {ROW("1", "-1", "0", "5"), REASON_bad_row,
         "line 1 of the invoice: Quantity of a sale below zero"},
        {"1,,N,1,2010-12-01 08:26:00,1,5,Utopia", REASON_bad_row,
         "line 1 of the invoice: StockCode"},
        {"1,S,N,1,12/1/2010 8:26,1,5,Utopia", REASON_bad_row,
         "line 1 of the invoice: InvoiceDate"},
        {"1,S,\xa3 5,1,2010-12-01 08:26:00,1,5,Utopia", REASON_bad_utf8,
         "line 1 of the invoice: its bytes"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        const char *detail;
        enum reason why = read_text(&e, cases[i].lines, &detail);
        if (why != cases[i].why || strcmp(detail, cases[i].detail) != 0)
            fail_msg("case %zu: %s, %s", i, reason_text(why), detail);
    }
}

static void lengths_have_limits(void **state)
{
    struct buf lines = {0};
    struct event e;
    const char *detail;
    (void)state;
    while (lines.len < (size_t)RETAIL_MAX - 64)
        buf_text(&lines, ROW("1", "1", "1", "5") "\n");
    buf_text(&lines, ROW("1", "1", "1", "5"));
    assert_int_equal(read_text(&e, buf_cstr(&lines), &detail), REASON_too_large);
    assert_string_equal(detail, "items of more than 192 KiB");
    buf_text(&lines, "\n" ROW("1", "1", "1", "5"));
    assert_int_equal(read_text(&e, buf_cstr(&lines), &detail), REASON_too_large);
    assert_string_equal(detail, "an invoice of more than 256 KiB");
    buf_fini(&lines);
}

static void line_put(struct buf *b, uint64_t offset, struct str body)
{
    struct import_line line;
    import_line_init(&line);
    line.epoch = 1;
    line.origin = ORIGIN_IMPORTS;
    line.import_id = 46;
    line.site_id = 7;
    line.format = STR("onlineretail");
    line.offset = offset;
    line.body = body;
    buf_reset(b);
    import_line_pack(b, &line);
}

static void collector_takes_invoices(void **state)
{
    struct kit k;
    struct buf b = {0};
    union record_any r;
    uint64_t rec;
    (void)state;
    kit_open(&k);
    line_put(&b, 1,
             STR("\"InvoiceNo\",\"StockCode\",\"Description\",\"Quantity\",\"InvoiceDate\","
                 "\"UnitPrice\",\"CustomerID\",\"Country\""));
    kit_send(&k, TOPIC_imports, buf_as_str(&b), NULL);
    assert_null(kit_next(&k, &r, &rec));
    line_put(&b, 2, STR(ROW("1", "1", "1", "5")));
    kit_send(&k, TOPIC_imports, buf_as_str(&b), NULL);
    const struct output *o = kit_next(&k, &r, &rec);
    assert_true(o && rec == REC_event && str_is(o->key, "7:5") && r.event.offset == 2);
    const struct str bad = STR(ROW("1", "1", "1", "5") "\n" ROW("1", "x", "1", "5"));
    line_put(&b, 3, bad);
    kit_send(&k, TOPIC_imports, buf_as_str(&b), NULL);
    assert_non_null(kit_next(&k, &r, &rec));
    assert_true(rec == REC_rejected && str_is(r.rejected.reason, "bad_row"));
    assert_true(str_is(r.rejected.detail, "line 2 of the invoice: Quantity"));
    assert_true(str_eq(r.rejected.body, bad) && r.rejected.site_id == 7);
    buf_fini(&b);
    kit_close(&k);
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    buf_fini(&items);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invoice_is_one_event),
        cmocka_unit_test(invoices_have_types_and_sums),
        cmocka_unit_test(bad_lines_refuse_the_whole),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(collector_takes_invoices),
    };
    return cmocka_run_group_tests_name("retail", tests, NULL, teardown);
}
