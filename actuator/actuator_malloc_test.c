/* SPDX-License-Identifier: Apache-2.0 */
/* No malloc per record: over 100,000 records, with checkpoints, none once warm. Counts the
 * calls of the project's own objects, which the linker brings here. */
#include "actuator/trial.h"
#include "common/base/malloc_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WARM = 150000, COUNTED = 100000, VISITORS = 100, CHECKPOINT = 5000 };

static void no_malloc_per_record(void **state)
{
    (void)state;
    struct trial t;
    struct trial_log log = {.rng = rng_stream(3, 1), .visitors = VISITORS};
    struct outbox *states = outbox_new();
    struct buf own = {0};
    uint64_t before = 0;
    unsigned n_interventions = 0;
    trial_init(&t, false);
    for (unsigned i = 0; i < WARM + COUNTED; i++) {
        if (i == WARM)
            before = malloc_count();
        if (i % CHECKPOINT == 0) {
            buf_reset(&own);
            actuator_cut(t.core, 0, &own);
        } else if (i % CHECKPOINT == 20) {
            while (!actuator_pack(t.core, 0, states, 0))
                ;
            outbox_drop(states, outbox_next(states));
        }
        do {
            buf_reset(&t.bytes);
            trial_log_next(&log, &t.bytes);
            /* settings may take memory: they change at first, then they stay */
            struct stage_message m = {.topic = TOPIC_control,
                                      .offset = log.control - 1,
                                      .value = buf_as_str(&t.bytes)};
            if (log.is_control && i < WARM / 2)
                actuator_lookup(t.core, &m);
            else if (log.is_control)
                log.control--;
        } while (log.is_control);
        struct intervention found;
        uint64_t first = trial_record(&t, buf_as_str(&t.bytes));
        n_interventions += trial_interventions(&t, first, &found, 1) > 0;
        outbox_drop(t.out, outbox_next(t.out));
    }
    assert_true(before > 0); /* else the wrapping does not work */
    assert_int_equal(malloc_count() - before, 0);
    assert_true(n_interventions > COUNTED / 20);
    buf_fini(&own);
    outbox_free(states);
    trial_log_fini(&log);
    trial_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_malloc_per_record)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
