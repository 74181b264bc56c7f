/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_rig - what tests of archiver on a real PostgreSQL share: a database of their own,
 * named by AUSPEX_TEST_DSN, and an archiver with what a runtime holds for it. */
#ifndef AUSPEX_ARCHIVER_ARCHIVER_RIG_H
#define AUSPEX_ARCHIVER_ARCHIVER_RIG_H

#include "archiver/archiver.h"
#include "common/base/clock.h"

enum { PARTITIONS = 4 };
#define RECEIVED_US ((int64_t)1763600000 * SECOND_US)

extern char dsn[1024]; /* of the database; empty without a server */

/* Group set-up and tear-down: makes the database, with all tables, and drops it. */
int rig_make(void **state);
int rig_drop(void **state);

struct rig {
    struct archiver *archiver;
    struct counters *counters;
    struct outbox *outbox;
    struct buf value; /* of the next record */
};

/* Skips the test without a server. */
struct rig rig_open(const char *to, const char *group);
void rig_close(struct rig *r);
uint64_t rig_seek(struct rig *r, enum topic t, uint32_t partition);
/* The core must take the record. */
void rig_give(struct rig *r, enum topic t, uint32_t partition, uint64_t offset);
enum sink_result rig_flush(struct rig *r);
/* Seals and flushes what was given; it must be stored at once. */
void rig_store(struct rig *r);
/* The one number that a query gives. */
int64_t ask(const char *sql);

#endif
