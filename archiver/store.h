/* SPDX-License-Identifier: Apache-2.0 */
/* store - puts batches into PostgreSQL, each in one transaction with the offsets that it moves.
 *
 * The offsets move by compare-and-set: if a row no longer holds what this archiver began at,
 * somebody else stores that partition now, and nothing of the batch is kept. When the answer to
 * a COMMIT is lost, the offsets tell whether it stood. Rows that PostgreSQL refuses are found
 * by halving and marked in the batch; nothing is stored until the caller has taken care of
 * them. One call at a time, from any thread. */
#ifndef AUSPEX_ARCHIVER_STORE_H
#define AUSPEX_ARCHIVER_STORE_H

#include "archiver/batch.h"
#include "common/base/err.h"

struct store;

/* Does not connect yet. `group` is what archive_offsets.grp holds. */
MUST_USE struct store *store_new(const char *dsn, const char *group, const char *instance,
                                 struct err *e);
void store_free(struct store *s);
const struct table_def *store_tables(const struct store *s); /* TABLES_N of them */

enum store_result {
    STORE_DONE,
    STORE_RETRY,
    STORE_FENCED,
    STORE_REFUSED, /* records of the batch are now marked is_refused: call again to store the
                      rest */
    STORE_FATAL
};
enum store_result store_put(struct store *s, struct batch *b, struct err *e);

/* Where a partition goes on, and its marks as text appended to `marks`; a row is made at the
 * first start. Never STORE_FENCED or STORE_REFUSED. */
enum store_result store_seek(struct store *s, const char *topic, uint32_t partition,
                             uint64_t *offset, struct buf *marks, struct err *e);

/* Rows committed since the last call, and whether PostgreSQL answered last; from the loop's
 * thread while another may be in store_put. */
uint64_t store_take_rows(struct store *s, enum table t);
bool store_is_up(const struct store *s);

/* For tests: called between the last COPY and the COMMIT. */
void store_hook(struct store *s, void (*before_commit)(void *to), void *to);

#endif
