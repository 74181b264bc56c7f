/* SPDX-License-Identifier: Apache-2.0 */
/* buf and arena: what grows, what is kept, what stays where it is. */
#include "common/base/arena.h"
#include "common/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_buf_grows_and_keeps(void **state)
{
    struct buf b = {0};
    (void)state;
    buf_put(&b, NULL, 0);
    assert_true(b.at == NULL && b.len == 0);
    for (unsigned i = 0; i < 10000; i++) {
        buf_byte(&b, (uint8_t)i);
        buf_text(&b, "xy");
    }
    assert_int_equal(b.len, 30000);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(b.at[(size_t)3 * i], (uint8_t)i);
        assert_memory_equal(b.at + (size_t)3 * i + 1, "xy", 2);
    }
    const uint8_t *at = b.at;
    buf_reset(&b);
    buf_str(&b, STR("again"));
    assert_ptr_equal(b.at, at);
    assert_true(str_is(buf_as_str(&b), "again"));
    buf_fini(&b);
    assert_true(b.at == NULL && b.len == 0 && b.cap == 0);
}

static void test_buf_terminates_without_counting(void **state)
{
    struct buf b = {0};
    (void)state;
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(b.len, 0);
    while (b.len < b.cap)
        buf_byte(&b, 'x');
    assert_int_equal(strlen(buf_cstr(&b)), b.len); /* the NUL needed room of its own */
    buf_fini(&b);
}

static void test_buf_prints(void **state)
{
    struct buf b = {0};
    char wide[2000];
    (void)state;
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    buf_printf(&b, "%d-%s", 17, "a");
    assert_true(str_is(buf_as_str(&b), "17-a"));
    buf_printf(&b, "%s", wide);
    buf_printf(&b, "%c", 'z');
    assert_int_equal(b.len, 4 + sizeof wide - 1 + 1);
    assert_int_equal(b.at[b.len - 1], 'z');
    assert_int_equal(b.at[4], 'w');
    buf_fini(&b);
}

static void test_arena_gives_aligned_apart(void **state)
{
    struct arena a = {0};
    uint8_t *at[300];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        at[i] = arena_take(&a, i * 7);
        assert_int_equal((uintptr_t)at[i] % 16, 0);
        memset(at[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(at[i][k], (uint8_t)i);
    arena_fini(&a);
    assert_null(a.first);
}

static void test_arena_keeps_its_chunks(void **state)
{
    struct arena a = {0};
    void *first[8];
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(first); i++) {
            void *at = arena_take(&a, i == 3 ? 1000000 : 20000);
            if (round == 0)
                first[i] = at;
            assert_ptr_equal(at, first[i]);
        }
        arena_reset(&a);
    }
    arena_fini(&a);
}

static void test_arena_copies_strings(void **state)
{
    struct arena a = {0};
    char text[] = "gone";
    (void)state;
    struct str copy = arena_str(&a, str_of(text)), empty = arena_str(&a, (struct str){NULL, 0});
    text[0] = 'x';
    assert_true(str_is(copy, "gone") && empty.len == 0);
    arena_fini(&a);
}

static void test_cleanup(void **state)
{
    char *kept;
    (void)state;
    {
        auto_free char *text = mem_text("text");
        kept = steal_ptr(text);
        assert_null(text);
    }
    assert_string_equal(kept, "text");
    free(kept);
    uint8_t *zeroes = mem_zero(3, 5);
    for (int i = 0; i < 15; i++)
        assert_int_equal(zeroes[i], 0);
    free(zeroes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_grows_and_keeps),
        cmocka_unit_test(test_buf_terminates_without_counting),
        cmocka_unit_test(test_buf_prints),
        cmocka_unit_test(test_arena_gives_aligned_apart),
        cmocka_unit_test(test_arena_keeps_its_chunks),
        cmocka_unit_test(test_arena_copies_strings),
        cmocka_unit_test(test_cleanup),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
