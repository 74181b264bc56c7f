/* SPDX-License-Identifier: Apache-2.0 */
/* refusals - records of topic rejected: filtered, counted by reason, the newest kept in order
 * of time, and told in a line each. */
#ifndef AUSPEX_CTL_REFUSALS_H
#define AUSPEX_CTL_REFUSALS_H

#include "common/base/arena.h"
#include "common/wire/record.h"

enum { REFUSALS_REASONS = 64, REFUSAL_BODY = 48 /* bytes of a body that a line shows */ };

struct refusal {
    uint32_t partition; /* where it stands in rejected */
    uint64_t offset;
    int64_t received_us;
    struct str line; /* without its end */
};

struct refusals {
    uint64_t site_id;   /* filters; 0 = any */
    const char *reason; /* NULL = any */
    int64_t since_us;
    bool is_json;
    size_t limit; /* how many are kept; 0 = none */
    struct refusal *kept;
    size_t n_kept;
    struct arena arenas[2]; /* texts of `kept` stand in arenas[at] */
    size_t at;
    uint64_t n; /* that passed the filters */
    struct {
        struct str reason;
        uint64_t n;
    } reasons[REFUSALS_REASONS];
    size_t n_reasons;
    struct arena words; /* texts of `reasons` */
    uint64_t *seen;     /* hashes of positions, by which repeats are known; 0 = free */
    size_t n_seen, seen_room;
};

void refusals_fini(struct refusals *r);
/* Whether it passes the filters and is no repeat of another; then it is counted. */
bool refusals_count(struct refusals *r, const struct rejected *record);
/* Appends the record's line, without its end: as JSON or for people. Nothing of it reaches a
 * terminal raw. */
void refusal_line(struct buf *out, const struct rejected *record, uint32_t partition,
                  uint64_t offset, bool is_json);
/* Keeps it, and of all the newest `limit`. */
void refusals_keep(struct refusals *r, const struct rejected *record, uint32_t partition,
                   uint64_t offset);
/* Brings what is kept into order, oldest first. */
void refusals_sort(struct refusals *r);
/* Appends how many there were by reason, the most frequent first. */
void refusals_summary(struct refusals *r, struct buf *out);

#endif
