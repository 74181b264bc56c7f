/* SPDX-License-Identifier: Apache-2.0 */
/* glyph_test - that nothing steers a terminal and every line keeps its columns; libc's wcwidth
 * is the judge of widths. */
#include "ctl/glyph.h"

#include "common/base/rng.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <wchar.h>

#include <cmocka.h>

/* Columns by wcwidth; fails on what a terminal must not see. */
static size_t columns_of(struct str text)
{
    size_t n = 0;
    mbstate_t state = {0};
    while (text.len > 0) {
        wchar_t c;
        size_t len = mbrtowc(&c, text.at, text.len, &state);
        assert_in_range(len, 1, 4);
        int width = wcwidth(c);
        assert_true(width >= 1 && c >= 0x20 && !(c >= 0x7f && c < 0xa0));
        n += (size_t)width;
        text = str_over(text.at + len, text.len - len);
    }
    return n;
}

static void put_is(const char *text, size_t width, bool is_ascii, const char *wanted)
{
    struct buf b = {0};
    glyph_put(&b, str_of(text), width, is_ascii);
    assert_string_equal(buf_cstr(&b), wanted);
    assert_int_equal(columns_of(buf_as_str(&b)), width);
    buf_fini(&b);
}

static void test_cells(void **state)
{
    /* right to left from here on */
    static const char turned[] = {(char)0xe2, (char)0x80, (char)0xae, 'a', 'b', 'c', 0};
    (void)state;
    put_is("abc", 5, false, "abc  ");
    put_is("abcde", 5, false, "abcde");
    put_is("abcdef", 5, false, "abcd~");
    put_is("", 2, false, "  ");
    put_is("abc", 0, false, "");
    put_is("abc", 1, false, "~");
    put_is("Käse", 5, false, "Käse ");
    put_is("Käse", 5, true, "K?se ");
    put_is("日本語", 6, false, "日本語");
    put_is("日本語", 5, false, "日本~");
    put_is("日本語", 4, false, "日~ ");
    put_is("日本語", 4, true, "??? ");
    put_is("a\x1b[2Jb", 8, false, "a\xef\xbf\xbd[2Jb  ");
    put_is("a\r\nb\t\x7f", 8, true, "a??b??  ");
    put_is("\302\23331m", 5, false, "\357\277\27531m "); /* CSI as one character */
    put_is("e\xcc\x81", 3, false, "e\xef\xbf\xbd ");     /* combining */
    put_is(turned, 4, false, "\357\277\275abc");
    put_is("\xd7\xa9", 2, false, "\xef\xbf\xbd ");                             /* Hebrew */
    put_is("\xff\xfe\xc3", 4, false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "); /* no UTF-8 */
}

static void test_escaped(void **state)
{
    struct buf b = {0};
    (void)state;
    glyph_put_all(&b, STR("{\"a\":\"\x1b]0;x\x07\xc3\xa4\xff\"}\n"), true);
    assert_string_equal(buf_cstr(&b), "{\"a\":\"\\x1b]0;x\\x07ä\\xff\"}\\x0a");
    buf_fini(&b);
}

/* Every code point, alone; and random bytes, cut at random. */
static void test_all(void **state)
{
    struct rng rng = {5};
    struct buf b = {0};
    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        char text[8];
        mbstate_t shift = {0};
        size_t len = wcrtomb(text, (wchar_t)c, &shift);
        if (len == SIZE_MAX)
            continue;
        buf_reset(&b);
        glyph_put(&b, str_over(text, len), 2, false);
        assert_int_equal(columns_of(buf_as_str(&b)), 2);
        buf_reset(&b);
        glyph_put_all(&b, str_over(text, len), false);
        assert_int_equal(columns_of(buf_as_str(&b)), glyph_width(str_over(text, len)));
    }
    for (int i = 0; i < 100000; i++) {
        char text[64];
        size_t len = rng_below(&rng, sizeof text), width = rng_below(&rng, 24);
        for (size_t k = 0; k < len; k++)
            text[k] = (char)(rng_below(&rng, 4) ? rng_below(&rng, 256) : 0xe3);
        buf_reset(&b);
        glyph_put(&b, str_over(text, len), width, i % 2);
        assert_int_equal(columns_of(buf_as_str(&b)), width);
        buf_reset(&b);
        glyph_put_all(&b, str_over(text, len), true);
        (void)columns_of(buf_as_str(&b));
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_all),
    };
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 77;
    return cmocka_run_group_tests_name("glyph", tests, NULL, NULL);
}
