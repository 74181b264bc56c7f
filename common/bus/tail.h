/* SPDX-License-Identifier: Apache-2.0 */
/* tail - reads a topic's partitions from a place to their ends, and further if asked. */
#ifndef AUSPEX_TAIL_H
#define AUSPEX_TAIL_H

#include "common/base/err.h"
#include "common/base/str.h"

struct config;
struct tail;

enum tail_from { TAIL_BEGINNING = -2, TAIL_END = -1 }; /* or an offset >= 0 */

/* Slices are valid until the next call. */
struct tail_message {
    uint32_t partition;
    uint64_t offset;
    int64_t append_us;
    struct str key, value, content_type, ce_type;
};

enum tail_step {
    TAIL_RECORD,
    TAIL_AT_END, /* every partition has been read to the end it had then; more may come */
    TAIL_IDLE,   /* nothing within timeout_ms */
    TAIL_FAILED,
};

/* partition -1 = all. `from` holds for each of them. NULL on failure. */
MUST_USE struct tail *tail_open(const struct config *c, const char *topic, int partition,
                                int64_t from, struct err *e);
/* The same with an offset of its own for each of n partitions; -1 leaves one out. */
MUST_USE struct tail *tail_open_at(const struct config *c, const char *topic,
                                   const int64_t *from, size_t n, struct err *e);
enum tail_step tail_next(struct tail *t, struct tail_message *m, int timeout_ms, struct err *e);
void tail_free(struct tail *t);

#endif
