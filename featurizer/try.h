/* SPDX-License-Identifier: Apache-2.0 */
/* try - a core for tests: events written in a line, what comes out read back as records. */
#ifndef AUSPEX_TRY_H
#define AUSPEX_TRY_H

#include "common/base/rng.h"
#include "common/wire/feature.h"
#include "featurizer/featurizer.h"

/* 2026-01-05 00:00:00 UTC, a Monday. */
#define TRY_T0 ((int64_t)1767571200 * SECOND_US)

struct
try {
    struct featurizer *core;
    struct outbox *out;
    struct buf bytes; /* the record being given */
    uint64_t offset;  /* of the next record of partition 0 in events */
    unsigned n_steps; /* calls that the last record took */
};

void try_init(struct try *t, int64_t idle_s);
void try_init_as(struct try *t, const struct featurizer_options *o);
void try_fini(struct try *t);
/* An event of visitor "v" of site 7, raw partition 0, with an id of its own, received at T0 +
 * `received_s`, with the event time T0 + `ts_s`. */
struct event try_event(const char *type, double received_s, double ts_s);
/* Gives a record to partition 0, also what is left of it. What it led to is behind `first`, and
 * stays until try_fini. */
uint64_t try_give(struct try *t, struct str value);
uint64_t try_event_give(struct try *t, const struct event *e);
uint64_t try_tick(struct try *t, uint64_t raw_partition, uint64_t raw_partitions,
                  double received_s);
uint64_t try_import_end(struct try *t, uint64_t import_id, double received_s);
/* The settings of site 7 from now on, as in site.def. */
uint64_t try_site(struct try *t, struct str json);
/* The site and the position that the test does not care for are filled in. */
uint64_t try_signal(struct try *t, struct signal *x);

/* The records of a topic from output `first` on; at most `most`; returns how many there are. */
size_t try_sessions(const struct try *t, uint64_t first, struct session *to, size_t most);
/* Only vectors: what is passed on is left out. */
size_t try_vectors(const struct try *t, uint64_t first, struct vector *to, size_t most);
size_t try_rejected(const struct try *t, uint64_t first, struct rejected *to, size_t most);
float try_feature(const struct vector *v, size_t i);

/* A packed record of a busy, seeded log over two raw partitions and two imports, with late,
 * repeated and conflicting events, ticks, import ends, control records and silences; time moves
 * on by itself. Zero it but for rng and visitors. */
struct try_log {
    struct rng rng;
    int64_t now_us;
    uint64_t n, visitors; /* records so far; ids 0 .. visitors - 1 */
    uint64_t raw_offset[2];
    uint64_t import_line[2];
};
void try_log_next(struct try_log *l, struct buf *out);

#endif
