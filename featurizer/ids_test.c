/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/rng.h"
#include "featurizer/ids.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* All that was added is there, through many growths, and nothing else. */
static void holds_what_was_added(void **state)
{
    (void)state;
    struct ids s = {0};
    struct rng in = rng_stream(3, 1), out = rng_stream(3, 2);
    assert_false(ids_has(&s, 0));
    for (int i = 0; i < 100000; i++)
        ids_add(&s, rng_u64(&in));
    assert_int_equal(s.n, 100000);
    in = rng_stream(3, 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t held = rng_u64(&in);
        assert_true(ids_has(&s, held));
        ids_add(&s, held);
        assert_false(ids_has(&s, rng_u64(&out)));
    }
    assert_int_equal(s.n, 100000);
    ids_add(&s, 0);
    assert_true(ids_has(&s, 0) && s.n == 100001);
    ids_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(holds_what_was_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
