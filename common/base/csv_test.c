/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/csv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MOST = 4 };

static void lines_are_divided(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t n; /* 0 = refused */
        const char *texts[MOST];
    } cases[] = {
        {"", 1, {""}},
        {",", 2, {"", ""}},
        {"a,b,c,d", 4, {"a", "b", "c", "d"}},
        {"a,b,c,d,e", 0, {NULL}},
        {"a,b,c,d,", 0, {NULL}},
        {"\"a\"", 1, {"a"}},
        {"\"\"", 1, {""}},
        {"\"\",", 2, {"", ""}},
        {"\"a,b\",c", 2, {"a,b", "c"}},
        {"\"7\"\" \",\"\"\"\"", 2, {"7\" ", "\""}},
        {"\"a", 0, {NULL}},
        {"\"", 0, {NULL}},
        {"\"\"\"", 0, {NULL}},
        {"a\"", 0, {NULL}},
        {"a,\"b\"c", 0, {NULL}},
        {" \"a\"", 0, {NULL}},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str fields[MOST];
        size_t n = csv_split(str_of(cases[i].line), fields, MOST);
        if (n != cases[i].n)
            fail_msg("%s: %zu fields", cases[i].line, n);
        for (size_t f = 0; f < n; f++)
            assert_true(str_is(csv_text(fields[f], &a), cases[i].texts[f]));
    }
    struct str field;
    assert_int_equal(csv_split((struct str){NULL, 0}, &field, 1), 1);
    assert_int_equal(field.len, 0);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_divided)};
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
