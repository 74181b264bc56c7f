/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a corpus for state_fuzz: states of an invented log, one a file, each behind a byte
 * with its version, into the folder given. */
#include "common/wire/record.h"
#include "featurizer/try.h"

#include <stdio.h>

enum { RECORDS = 800, SEEDS = 12 };

int main(int argc, char *argv[])
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: state_seeds FOLDER\n");
        return EXIT_CODE_USAGE;
    }
    struct try t;
    struct try_log log = {.rng = rng_stream(1, 1), .visitors = 40};
    struct outbox *states = outbox_new();
    struct buf own = {0};
    struct featurizer_options options = {.idle_us = 1800 * SECOND_US, .tail = 20};
    try_init_as(&t, &options);
    for (unsigned i = 0; i < RECORDS; i++) {
        buf_reset(&t.bytes);
        try_log_next(&log, &t.bytes);
        (void)try_give(&t, buf_as_str(&t.bytes));
    }
    featurizer_cut(t.core, 0, &own);
    while (!featurizer_pack(t.core, 0, states, 0))
        ;
    for (unsigned i = 0; i < SEEDS; i++) {
        const struct output *o = outbox_at(states, i);
        char path[512];
        struct visitor v;
        CHECK(visitor_read(&v, o->value.at, o->value.len) == WIRE_OK);
        (void)snprintf(path, sizeof path, "%s/state-%02u", argv[1], i);
        FILE *f = fopen(path, "wb");
        CHECK(f && fputc((int)v.version, f) != EOF);
        CHECK(fwrite(v.state.at, 1, v.state.len, f) == v.state.len && fclose(f) == 0);
    }
    buf_fini(&own);
    outbox_free(states);
    try_fini(&t);
    return 0;
}
