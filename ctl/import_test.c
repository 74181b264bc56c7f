/* SPDX-License-Identifier: Apache-2.0 */
/* import_test - lines of a file, their numbers, the import's id, and files that are none. */
#include "ctl/import.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/hash.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADER                                                                        \
    "event_time,event_type,product_id,category_id,category_code,brand,price,user_id," \
    "user_session\n"

#define NO_MAPPING STR("")

static char path[] = "/tmp/import_test.XXXXXX";

static int setup(void **state)
{
    (void)state;
    return close(mkstemp(path));
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void file_is(struct str content)
{
    auto_close int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.at, content.len), content.len);
}

static struct import opened(enum import_format format)
{
    struct import i;
    struct err e = {0};
    if (!import_open(&i, path, format, NULL, 7, &e))
        fail_msg("%s", e.text);
    return i;
}

static void line_is(struct import *i, const char *text, uint64_t number)
{
    struct str line;
    struct err e = {0};
    assert_true(import_next(i, &line, &e));
    if (!text) {
        assert_null(line.at);
        return;
    }
    assert_true(str_is(line, text));
    assert_int_equal(i->number, number);
}

static void blank_lines_count_and_pass(void **state)
{
    (void)state;
    file_is(STR("a\r\n\n  \nb\n\nlast"));
    struct import i = opened(IMPORT_NDJSON);
    line_is(&i, "a", 1);
    line_is(&i, "b", 4);
    line_is(&i, "last", 6);
    line_is(&i, NULL, 0);
    assert_int_equal(i.lines, 6);
    assert_int_equal(i.bytes_read, i.bytes);
    import_close(&i);
    file_is(STR(""));
    i = opened(IMPORT_NDJSON);
    line_is(&i, NULL, 0);
    assert_int_equal(i.lines, 0);
    import_close(&i);
}

static void header_is_checked_and_not_given(void **state)
{
    (void)state;
    struct import i;
    struct err e = {0};
    file_is(STR(HEADER "2019-10-01 00:00:00 UTC,view,1,2,,,1.5,9,s\n"));
    i = opened(IMPORT_REES46);
    line_is(&i, "2019-10-01 00:00:00 UTC,view,1,2,,,1.5,9,s", 2);
    line_is(&i, NULL, 0);
    import_close(&i);
    file_is(STR("a,b\n1,2\n"));
    assert_false(import_open(&i, path, IMPORT_REES46, NULL, 7, &e));
    assert_non_null(
        strstr(e.text, ":1: the first line of a file of rees46 must be \"event_time,"));
    assert_int_equal(err_exit(&e), EXIT_CODE_FAILED);
}

#define RETAIL_HEADER                                                           \
    "\"InvoiceNo\",\"StockCode\",\"Description\",\"Quantity\",\"InvoiceDate\"," \
    "\"UnitPrice\",\"CustomerID\",\"Country\"\r\n"

static void invoices_come_whole(void **state)
{
    (void)state;
    struct import i;
    struct err e = {0};
    file_is(STR(RETAIL_HEADER "1,a\r\n\r\n2,b\r\n\"1\",c\r\n"));
    i = opened(IMPORT_ONLINERETAIL);
    line_is(&i, "1,a\n\"1\",c", 2);
    line_is(&i, "2,b", 4);
    line_is(&i, NULL, 0);
    assert_int_equal(i.lines, 5);
    assert_int_equal(i.bytes_read, i.bytes);
    import_close(&i);
    file_is(STR("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,"
                "Country\n"));
    i = opened(IMPORT_ONLINERETAIL);
    line_is(&i, NULL, 0);
    import_close(&i);
    file_is(STR("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n"));
    assert_false(import_open(&i, path, IMPORT_ONLINERETAIL, NULL, 7, &e));
    assert_non_null(strstr(e.text, "a file of onlineretail must be \"InvoiceNo,"));
}

/* A line over the limit comes cut, and the next one has its right number. */
static void long_lines_are_cut(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 3 * 1024 * 1024 + 5; i++)
        buf_byte(&b, 'x');
    buf_text(&b, "\nnext\n");
    file_is(buf_as_str(&b));
    struct import i = opened(IMPORT_NDJSON);
    struct str line;
    struct err e = {0};
    assert_true(import_next(&i, &line, &e));
    assert_int_equal(line.len, IMPORT_LINE_MAX);
    line_is(&i, "next", 2);
    line_is(&i, NULL, 0);
    assert_int_equal(i.bytes_read, i.bytes);
    import_close(&i);
    /* as long as the buffer, and the file's end behind it */
    for (size_t len = 1024 * 1024 - 1; len <= 1024 * 1024 + 1; len++) {
        file_is(str_over(b.at, len));
        i = opened(IMPORT_NDJSON);
        assert_true(import_next(&i, &line, &e));
        assert_int_equal(line.len, IMPORT_LINE_MAX);
        line_is(&i, NULL, 0);
        assert_int_equal(i.lines, 1);
        import_close(&i);
    }
    buf_fini(&b);
}

static void many_lines_keep_their_numbers(void **state)
{
    (void)state;
    struct buf b = {0};
    enum { LINES = 300000 };
    for (int i = 1; i <= LINES; i++)
        buf_printf(&b, "line %d\n", i);
    file_is(buf_as_str(&b));
    buf_fini(&b);
    struct import i = opened(IMPORT_NDJSON);
    for (int n = 1; n <= LINES; n++) {
        char text[32];
        (void)snprintf(text, sizeof text, "line %d", n);
        line_is(&i, text, (uint64_t)n);
    }
    line_is(&i, NULL, 0);
    import_close(&i);
}

static void id_depends_on_bytes_site_and_format(void **state)
{
    (void)state;
    struct sha256 one, other;
    hash_sha256("a\n", 2, &one);
    hash_sha256("b\n", 2, &other);
    /* python3: hashlib.sha256(hashlib.sha256(b"a\n").digest() + (7).to_bytes(8, "big")
     * + b"ndjson").hexdigest()[:16] */
    assert_int_equal(import_id(&one, 7, IMPORT_NDJSON, NO_MAPPING), 0xa02714e83a8961fc);
    assert_true(import_id(&one, 7, IMPORT_NDJSON, NO_MAPPING) !=
                import_id(&one, 8, IMPORT_NDJSON, NO_MAPPING));
    assert_true(import_id(&one, 7, IMPORT_NDJSON, NO_MAPPING) !=
                import_id(&one, 7, IMPORT_REES46, NO_MAPPING));
    assert_true(import_id(&one, 7, IMPORT_NDJSON, NO_MAPPING) !=
                import_id(&other, 7, IMPORT_NDJSON, NO_MAPPING));
    file_is(STR("a\n"));
    struct import i = opened(IMPORT_NDJSON);
    assert_int_equal(i.id, import_id(&one, 7, IMPORT_NDJSON, NO_MAPPING));
    import_close(&i);
}

static void what_is_no_file_of_lines_is_refused(void **state)
{
    (void)state;
    struct import i;
    struct err e = {0};
    file_is(STR("\xfd"
                "7zXZ..."));
    assert_false(import_open(&i, path, IMPORT_NDJSON, NULL, 7, &e));
    assert_non_null(strstr(e.text, "is compressed (xz): unpack it first, xzcat "));
    file_is(STR("\x1f\x8b..."));
    assert_false(import_open(&i, path, IMPORT_NDJSON, NULL, 7, &e));
    assert_non_null(strstr(e.text, "(gzip)"));
    assert_false(import_open(&i, "/tmp", IMPORT_NDJSON, NULL, 7, &e));
    assert_int_equal(e.code, EXIT_CODE_USAGE);
    assert_false(import_open(&i, "/dev/null", IMPORT_NDJSON, NULL, 7, &e));
    assert_int_equal(e.code, EXIT_CODE_USAGE);
    assert_false(import_open(&i, "/nowhere", IMPORT_NDJSON, NULL, 7, &e));
    assert_int_equal(e.code, EXIT_CODE_IO);
}

static void changed_file_is_noticed(void **state)
{
    (void)state;
    struct str line;
    struct err e = {0};
    file_is(STR("a\n"));
    struct import i = opened(IMPORT_NDJSON);
    line_is(&i, "a", 1);
    file_is(STR("a\nb\n"));
    bool is_same = true;
    while (is_same && (is_same = import_next(&i, &line, &e)) && line.at)
        ;
    assert_false(is_same);
    assert_non_null(strstr(e.text, "was changed while it was read"));
    import_close(&i);
}

static void times_are_found(void **state)
{
    (void)state;
    static const struct {
        enum import_format format;
        const char *line;
        int64_t us; /* 0 = none */
    } cases[] = {
        {IMPORT_REES46, "2019-10-01 00:00:00 UTC,view", 1569888000 * SECOND_US},
        {IMPORT_REES46, "view,2019", 0},
        {IMPORT_ONLINERETAIL, "1,S,\"a,b\",1,2019-10-01 00:00:00,1,NA,EIRE\n1,S",
         1569888000 * SECOND_US},
        {IMPORT_ONLINERETAIL, "1,S,a,b,1,2019-10-01 00:00:00,1,NA,EIRE", 0},
        {IMPORT_NDJSON, "{\"timestamp\":\"2019-10-01T00:00:00Z\"}", 1569888000 * SECOND_US},
        {IMPORT_NDJSON, "{\"a\":1, \"ts\" : 1569888000}", 1569888000 * SECOND_US},
        {IMPORT_NDJSON, "{\"ts\":1569888000123}", 1569888000123000},
        {IMPORT_NDJSON, "{\"originalTimestamp\":1569888000}", 1569888000 * SECOND_US},
        {IMPORT_NDJSON, "{\"timestamp\"", 0},
        {IMPORT_NDJSON, "{\"timestamp\":", 0},
        {IMPORT_NDJSON, "{\"timestamp\":\"", 0},
        {IMPORT_NDJSON, "{}", 0},
    };
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        const struct import i = {.format = cases[k].format};
        int64_t us = 0;
        assert_int_equal(import_time(&i, str_of(cases[k].line), &us), cases[k].us != 0);
        assert_int_equal(us, cases[k].us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blank_lines_count_and_pass),
        cmocka_unit_test(header_is_checked_and_not_given),
        cmocka_unit_test(invoices_come_whole),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(many_lines_keep_their_numbers),
        cmocka_unit_test(id_depends_on_bytes_site_and_format),
        cmocka_unit_test(what_is_no_file_of_lines_is_refused),
        cmocka_unit_test(changed_file_is_noticed),
        cmocka_unit_test(times_are_found),
    };
    return cmocka_run_group_tests_name("import", tests, setup, teardown);
}
