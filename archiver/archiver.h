/* SPDX-License-Identifier: Apache-2.0 */
/* archiver - the core: records in, batches out to PostgreSQL; callbacks of struct stage.
 *
 * Takes events, rejected and all that is made of events; keeps a mark for each log that their
 * records stem from and drops what is not above it, but of deliveries, which never repeat. Two
 * batches: one is filled by the loop's thread while the other is stored on a worker's. */
#ifndef AUSPEX_ARCHIVER_ARCHIVER_H
#define AUSPEX_ARCHIVER_ARCHIVER_H

#include "common/bus/stage.h"

struct archiver;
struct store;

struct archiver_setup {
    const char *dsn, *group, *instance;
    const char *topics[TOPICS_N]; /* full names, as archive_offsets holds them */
    uint32_t partitions;
    size_t batch_rows;
    struct counters *counters;
};

/* Does not connect. NULL when the dsn is none. Strings are copied. */
MUST_USE struct archiver *archiver_new(const struct archiver_setup *setup, struct err *e);
struct store *archiver_store(struct archiver *a); /* for tests */

/* What main.c puts into struct stage; `core` is a struct archiver. */
void *archiver_open(const struct stage_env *env, struct err *e);
void archiver_close(void *core);
enum stage_step archiver_record(void *core, const struct stage_message *m, struct outbox *out);
void archiver_timer(void *core, int64_t mono_us, struct outbox *out);
bool archiver_is_ready(void *core, struct str *reason);
enum sink_result archiver_seek(void *core, enum topic t, uint32_t partition, uint64_t *offset,
                               struct err *e);
bool archiver_seal(void *core);
enum sink_result archiver_flush(void *core, struct err *e);
void archiver_forget(void *core);

#endif
