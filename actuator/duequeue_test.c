/* SPDX-License-Identifier: Apache-2.0 */
/* duequeue_test - the order of a queue under random use, against a plain scan. */
#include "actuator/duequeue.h"

#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { THINGS = 200, STEPS = 20000 };

static struct due things[THINGS];

static struct due *least(void)
{
    struct due *found = NULL;
    for (size_t i = 0; i < THINGS; i++) {
        struct due *d = &things[i];
        if (d->place != 0 && (!found || d->at_us < found->at_us ||
                              (d->at_us == found->at_us && d->order < found->order)))
            found = d;
    }
    return found;
}

static bool is_even(struct due *d, const void *to)
{
    return ((d - (const struct due *)to) & 1) == 0;
}

static void order_holds(void **state)
{
    (void)state;
    struct duequeue q = {0};
    struct rng rng = {7};
    assert_null(duequeue_first(&q));
    for (size_t step = 0; step < STEPS; step++) {
        struct due *d = &things[rng_below(&rng, THINGS)];
        uint32_t what = rng_below(&rng, 100);
        if (what < 60)
            duequeue_put(&q, d, rng_below(&rng, 50));
        else if (what < 99)
            duequeue_drop(&q, what < 80 && q.n > 0 ? duequeue_first(&q) : d);
        else
            duequeue_hurry(&q, is_even, things);
        assert_ptr_equal(duequeue_first(&q), least());
        for (size_t i = 0; i < q.n; i++)
            assert_int_equal(q.heap[i]->place, i + 1);
    }
    while (duequeue_first(&q)) {
        assert_ptr_equal(duequeue_first(&q), least());
        duequeue_drop(&q, duequeue_first(&q));
    }
    assert_int_equal(q.n, 0);
    duequeue_fini(&q);
}

static void equals_come_in_order(void **state)
{
    (void)state;
    struct duequeue q = {0};
    memset(things, 0, sizeof things);
    for (size_t i = 0; i < THINGS; i++)
        duequeue_put(&q, &things[i], 5);
    for (size_t i = 0; i < THINGS; i++) {
        assert_ptr_equal(duequeue_first(&q), &things[i]);
        duequeue_drop(&q, &things[i]);
    }
    duequeue_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_holds),
        cmocka_unit_test(equals_come_in_order),
    };
    return cmocka_run_group_tests_name("duequeue", tests, NULL, NULL);
}
