/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a corpus for decision_state_fuzz: states of an invented log, one a file, into the
 * folder given. */
#include "actuator/trial.h"

#include <stdio.h>

enum { RECORDS = 1500, SEEDS = 12 };

int main(int argc, char *argv[])
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: decision_seeds FOLDER\n");
        return EXIT_CODE_USAGE;
    }
    struct trial t;
    struct trial_log log = {.rng = rng_stream(4, 1), .visitors = 30};
    struct outbox *states = outbox_new();
    struct buf own = {0}, record = {0};
    trial_init(&t, false);
    for (unsigned i = 0; i < RECORDS; i++) {
        buf_reset(&record);
        trial_log_next(&log, &record);
        struct stage_message m = {
            .topic = TOPIC_control, .offset = log.control - 1, .value = buf_as_str(&record)};
        if (log.is_control)
            actuator_lookup(t.core, &m);
        else
            (void)trial_record(&t, buf_as_str(&record));
    }
    actuator_cut(t.core, 0, &own);
    while (!actuator_pack(t.core, 0, states, 0))
        ;
    for (unsigned i = 0, n = 0; i < outbox_next(states) && n < SEEDS; i++) {
        const struct output *o = outbox_at(states, i);
        char path[512];
        struct decision_state v;
        CHECK(decision_state_read(&v, o->value.at, o->value.len) == WIRE_OK);
        if (v.state.len > 1500)
            continue;
        (void)snprintf(path, sizeof path, "%s/state-%02u", argv[1], n++);
        FILE *f = fopen(path, "wb");
        CHECK(f && fwrite(v.state.at, 1, v.state.len, f) == v.state.len && fclose(f) == 0);
    }
    buf_fini(&own);
    buf_fini(&record);
    outbox_free(states);
    trial_log_fini(&log);
    trial_fini(&t);
    return 0;
}
