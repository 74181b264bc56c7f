/* SPDX-License-Identifier: Apache-2.0 */
/* spill - a file for what memory has no room for: bytes by partition and key, in LMDB.
 *
 * The file is a cache of what stands elsewhere too: it is made anew at each start, deleted at
 * the end, and nothing waits for the disk. Deleted while the program runs it stays what it is
 * until the program ends. It only grows; what is taken out makes room for what comes. Space is
 * taken from the file system before it is used, so that a full disk is an error and no signal.
 * One thread at a time. */
#ifndef AUSPEX_SPILL_H
#define AUSPEX_SPILL_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct spill;

/* What to do when the file fails, a full disk included; must not return. Whoever is called then
 * has done nothing halfway that matters: the process must end. */
typedef void spill_failed(const struct err *e);

/* Totals over all partitions. */
struct spill_counts {
    uint64_t kept; /* pieces that are in the file */
    uint64_t puts, takes;
    size_t bytes; /* of the file */
};

/* Deletes what stands at the path and makes the file. False when that is neither an empty file
 * nor one of LMDB, or the file cannot be made. */
MUST_USE struct spill *spill_open(const char *path, spill_failed *failed, struct err *e);
void spill_close(struct spill *s); /* NULL is fine */
struct spill_counts spill_counts(const struct spill *s);
/* Gives up as when the file fails. */
NORETURN void spill_fail(struct spill *s, const struct err *e);

/* False, and nothing is put, when the file has another key of the same hash. A piece of the
 * same key is replaced. */
MUST_USE bool spill_put(struct spill *s, uint32_t partition, struct str key, struct str value);
/* Takes a piece out and appends it to `value`; false when there is none. */
MUST_USE bool spill_take(struct spill *s, uint32_t partition, struct str key,
                         struct buf *value);
/* False when there was none. */
bool spill_drop(struct spill *s, uint32_t partition, struct str key);
void spill_drop_all(struct spill *s, uint32_t partition);

/* Where a walk over a partition stands; zero it at first. */
struct spill_place {
    uint64_t next_hash;
    bool is_end;
};
/* The piece at the place, which moves behind it; false at the end. Slices are valid until the
 * next call of this unit. Pieces that come or go meanwhile do not disturb the walk. */
MUST_USE bool spill_next(struct spill *s, uint32_t partition, struct spill_place *at,
                         struct str *key, struct str *value);

#endif
