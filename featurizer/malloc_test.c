/* SPDX-License-Identifier: Apache-2.0 */
/* No malloc per record: over 100,000 records, with checkpoints and all that vectors can carry,
 * none once warm. Counts the calls of the project's own objects, which the linker brings here.
 */
#include "common/base/malloc_count.h"
#include "featurizer/try.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WARM = 120000, COUNTED = 100000, VISITORS = 100, CHECKPOINT = 5000, SIGNAL = 300 };

/* A record of the log, or in between an external signal. */
static void give_next(struct try *t, struct try_log *log, unsigned i)
{
    struct signal x;
    if (i % SIGNAL == 0) {
        signal_init(&x);
        x.kind = STR("weather");
        x.value = i;
        (void)try_signal(t, &x);
        return;
    }
    buf_reset(&t->bytes);
    try_log_next(log, &t->bytes);
    (void)try_give(t, buf_as_str(&t->bytes));
}

static void no_malloc_per_record(void **state)
{
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US,
                                   .tail = *(uint32_t *)*state,
                                   .has_summaries = true,
                                   .has_ratings = true};
    struct try t;
    struct try_log log = {.rng = rng_stream(3, 1), .visitors = VISITORS};
    struct outbox *states = outbox_new();
    struct buf own = {0};
    uint64_t before = 0;
    try_init_as(&t, &o);
    for (unsigned i = 0; i < WARM + COUNTED; i++) {
        if (i == WARM)
            before = malloc_count();
        if (i % CHECKPOINT == 0) {
            buf_reset(&own);
            featurizer_cut(t.core, 0, &own);
        } else if (i % CHECKPOINT == 20) {
            while (!featurizer_pack(t.core, 0, states, 0))
                ;
            outbox_drop(states, outbox_next(states));
        }
        give_next(&t, &log, i);
        outbox_drop(t.out, outbox_next(t.out));
    }
    assert_true(before > 0); /* else the wrapping does not work */
    assert_int_equal(malloc_count() - before, 0);
    buf_fini(&own);
    outbox_free(states);
    try_fini(&t);
}

int main(void)
{
    uint32_t none = 0, longest = TOKENS_MOST;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(no_malloc_per_record, &none),
        cmocka_unit_test_prestate(no_malloc_per_record, &longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
