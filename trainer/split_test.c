/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "trainer/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 20 };

/* Groups of two to four rows, given in order of time. */
static void test_groups_stay_whole(void **state)
{
    static const uint64_t group[ROWS] = {9, 9, 2, 2, 2, 2, 7, 7, 7, 5,
                                         5, 5, 4, 4, 4, 4, 3, 3, 1, 1};
    static const int64_t order[ROWS] = {1, 1, 2, 2, 2, 2, 3, 3, 3, 4,
                                        4, 4, 5, 5, 5, 5, 6, 6, 6, 6};
    static const uint64_t seq[ROWS] = {1, 0, 3, 2, 1, 0, 0, 1, 2, 0,
                                       1, 2, 0, 1, 2, 3, 0, 1, 0, 1};
    static const size_t expected[ROWS] = {1,  0,  5,  4,  3,  2,  6,  7,  8,  9,
                                          10, 11, 12, 13, 14, 15, 18, 19, 16, 17};
    struct split s;
    struct err e = {0};
    (void)state;
    assert_true(split_init(&s, order, group, seq, ROWS, &e));
    assert_memory_equal(s.rows, expected, sizeof expected);
    /* 70 % is row 14, within group 4, which therefore trains; 85 % is row 17, within group 1.
     */
    const size_t starts[PARTS_N + 1] = {0, 16, 18, 20};
    assert_memory_equal(s.starts, starts, sizeof starts);
    split_fini(&s);
}

static void test_order_given_does_not_matter(void **state)
{
    uint64_t group[ROWS], seq[ROWS];
    int64_t order[ROWS];
    size_t first[ROWS];
    struct split s;
    struct err e = {0};
    (void)state;
    for (size_t turn = 0; turn < ROWS; turn++) {
        for (size_t i = 0; i < ROWS; i++) {
            size_t row = (i + turn) % ROWS;
            group[i] = row / 3;
            order[i] = (int64_t)(row / 3 * 7 % 5);
            seq[i] = row % 3;
        }
        assert_true(split_init(&s, order, group, seq, ROWS, &e));
        for (size_t i = 0; i < ROWS; i++) {
            size_t row = (s.rows[i] + turn) % ROWS;
            if (turn == 0)
                first[i] = row;
            assert_int_equal(row, first[i]);
        }
        split_fini(&s);
    }
}

static void test_refuses_groups_of_two_times(void **state)
{
    static const uint64_t group[] = {1, 2, 1}, seq[] = {0, 0, 1};
    static const int64_t order[] = {5, 5, 6};
    struct split s;
    struct err e = {0};
    (void)state;
    assert_false(split_init(&s, order, group, seq, 3, &e));
    assert_non_null(strstr(e.text, "differ in order"));
}

static void test_one_group_only_trains(void **state)
{
    static const uint64_t group[] = {1, 1, 1}, seq[] = {0, 1, 2};
    static const int64_t order[] = {5, 5, 5};
    struct split s;
    struct err e = {0};
    (void)state;
    assert_true(split_init(&s, order, group, seq, 3, &e));
    assert_int_equal(s.starts[PART_VALID], 3);
    assert_int_equal(s.starts[PART_TEST], 3);
    split_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_stay_whole),
        cmocka_unit_test(test_order_given_does_not_matter),
        cmocka_unit_test(test_refuses_groups_of_two_times),
        cmocka_unit_test(test_one_group_only_trains),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
